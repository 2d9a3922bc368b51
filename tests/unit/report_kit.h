/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the tests of reports share: a report on an overlay of two layers, from results made up here.
 * It brings the sources of the program with it, so a test program includes it once.
 */
#ifndef TESTS_UNIT_REPORT_KIT_H
#define TESTS_UNIT_REPORT_KIT_H

#include "base/path.h"
#include "unit/tree_kit.h"
#include "unit/unit.h"

#include "../../fsck/command.c"
#include "../../fsck/conclude.c"
#include "../../fsck/conversion.c"
#include "../../fsck/conversion_json.c"
#include "../../fsck/exitcode.c"
#include "../../fsck/explain.c"
#include "../../fsck/inspect.c"
#include "../../fsck/json.c"
#include "../../fsck/message.c"
#include "../../fsck/report_json_inspect.c"
#include "../../fsck/report_json_undo.c"
#include "../../fsck/reporter.c"
#include "../../fsck/tally.c"
#include "../../fsck/text.c"
#include "../../fsck/utf8.c"

/* These two have the same names for their functions. */
#define print_counts json_print_counts
#define print_timing json_print_timing
#include "../../fsck/report_json.c"
#undef print_counts
#undef print_timing
#define print_layer text_print_layer
#define print_problem text_print_problem
#include "../../fsck/report_text.c"
#undef print_layer
#undef print_problem

/* The results of this test, in the place of results.c. */
static struct ovl_result given[4];
static size_t n_given;
static struct ovl_counts counts;

size_t ovl_results_len(const struct ovl_results *results)
{
	(void)results;
	return n_given;
}

struct ovl_result ovl_results_get(const struct ovl_results *results, size_t i)
{
	(void)results;
	return given[i];
}

const struct ovl_counts *ovl_results_counts(const struct ovl_results *results)
{
	(void)results;
	return &counts;
}

const struct ovl_counts *ovl_results_layer_counts(const struct ovl_results *results, int layer)
{
	(void)results;
	(void)layer;
	return &counts;
}

static struct tree_stack tree;
static struct ovl_path *path;
static char *shown;
static size_t shown_len;
static struct ovl_options options;
static struct ovl_reporting reporting;

static inline void setup(void)
{
	static const char *word[] = { "lowerdir=/l" };

	tree_layers(1);
	ck_assert_int_eq(tree_open(&tree, 1, "", NULL), 0);
	ck_assert_int_eq(ovl_path_parse("/a\n", &path), 0);
	n_given = 0;
	counts = (struct ovl_counts){ .objects = 1234 };
	options = (struct ovl_options){ .modes = OVL_MODE_YES, .word = word, .n_word = 1 };
	reporting = (struct ovl_reporting){
		.form = &ovl_report_text,
		.out = open_memstream(&shown, &shown_len),
		.options = &options,
		.label = "/m",
		.stack = tree.stack,
	};
	ck_assert_ptr_nonnull(reporting.out);
}

static inline void teardown(void)
{
	fclose(reporting.out);
	free(shown);
	ovl_path_unref(path);
	tree_close(&tree);
	tree_clear();
}

/* Adds a result about the path. */
static inline void give(const char *slug, enum ovl_fate fate, const char *way, const char *why)
{
	struct ovl_result *r = &given[n_given++];

	*r = (struct ovl_result){
		.finding = { .loc = { OVL_LAYER_UPPER, path },
			     .other = { OVL_LAYER_NONE, NULL },
			     .found = "nothing",
			     .expected = "a file" },
		.fate = fate,
		.way = way,
		.why = why,
	};
	ck_assert_int_eq(ovl_problem_find(slug, &r->finding.problem), 0);
	r->finding.severity = ovl_problem_get(r->finding.problem)->severity;
}

static inline int conclude(bool asked, bool cancelled, const char *journal)
{
	const struct ovl_results results = { 0 };
	struct ovl_summary s = {
		.results = &results,
		.seconds = 0.42,
		.cancelled = cancelled,
		.journal = journal,
	};
	int code = ovl_conclude(&reporting, &s, asked, false);

	fflush(reporting.out);
	return code;
}

static inline char *line_of(const char *begin)
{
	static char line[1024];
	const char *at = strstr(shown, begin);

	ck_assert_msg(at != NULL, "no '%s' in: %s", begin, shown);
	snprintf(line, sizeof(line), "%.*s", (int)strcspn(at, "\n"), at);
	return line;
}

#define PLACE "upper:/a\\012: "
#define NO_DATA PLACE "metacopy has no lower data (meta-no-lowerdata)"
#define USELESS PLACE "whiteout hides nothing (whiteout-useless)"

#endif
