/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "check/finding.h"
#include "overlayfs/stack.h"
#include "stack/stack.h"
#include "unit/unit.h"

/* Enough of a stack to name places: an upper, two lowers, a data-only layer. */
static struct ovl_stack stack = { .has_upper = true, .n_lower = 2, .n_data = 1, .n_layer = 4 };

static const struct ovl_loc nowhere = { OVL_LAYER_NONE, NULL };

enum { SINKS = 3, ITEMS = 24 };

static struct ovl_loc at(int layer, const char *path)
{
	struct ovl_path *p = NULL;

	ck_assert_int_eq(ovl_path_parse(path, &p), 0);
	return (struct ovl_loc){ layer, p };
}

static void drop(struct ovl_loc loc)
{
	ovl_path_unref((struct ovl_path *)loc.path);
}

static void add(struct ovl_sink *s, enum ovl_problem_id problem, int layer, const char *path,
		const char *found)
{
	struct ovl_loc loc = at(layer, path);

	ck_assert_int_eq(ovl_sink_add(s, problem, loc, found, ""), 0);
	drop(loc);
}

static void check_finding(const struct ovl_report *report, size_t i, enum ovl_problem_id problem,
			  const char *place, const char *found)
{
	struct ovl_finding f = ovl_report_get(report, i);
	_cleanup_free_ char *text = ovl_stack_place(&stack, f.loc);

	ck_assert_str_eq(text, place);
	ck_assert_int_eq(f.problem, problem);
	ck_assert_str_eq(f.found, found);
}

/* A finding keeps its own copy of all that it was given. */
START_TEST(test_sink_copies)
{
	struct ovl_sink sink = { .stack = &stack };
	struct ovl_loc loc = at(OVL_LAYER_UPPER, "/a/b"), other = at(2, "/c");
	char found[] = "this", expected[] = "that";
	struct ovl_report *report;
	struct ovl_finding f;

	ck_assert_int_eq(ovl_sink_add_about(&sink, OVL_P_OPAQUE_VALUE, OVL_SEV_WARNING, loc, other,
					    found, expected),
			 0);
	drop(loc);
	drop(other);
	found[0] = expected[0] = 'X';
	report = ovl_report_new(&sink, 1);
	ck_assert_ptr_nonnull(report);
	ovl_sink_done(&sink);
	ck_assert_uint_eq(ovl_report_len(report), 1);
	f = ovl_report_get(report, 0);
	ck_assert_str_eq(f.found, "this");
	ck_assert_str_eq(f.expected, "that");
	ck_assert_int_eq(f.severity, OVL_SEV_WARNING);
	ck_assert_int_eq(f.other.layer, 2);
	ck_assert_str_eq(f.other.path->name, "c");
	check_finding(report, 0, OVL_P_OPAQUE_VALUE, "upper:/a/b", "this");
	ovl_report_free(report);
}
END_TEST

/* Without a word about it, the severity is that of the row, there is no second place, nothing expected. */
START_TEST(test_sink_defaults)
{
	struct ovl_sink sink = { .stack = &stack };
	struct ovl_report *report;
	struct ovl_finding f;

	ck_assert_int_eq(ovl_sink_add(&sink, OVL_P_OPAQUE_VALUE, nowhere, "found", ""), 0);
	report = ovl_report_new(&sink, 1);
	f = ovl_report_get(report, 0);
	ck_assert_int_eq(f.severity, ovl_problem_get(OVL_P_OPAQUE_VALUE)->severity);
	ck_assert_int_eq(f.other.layer, OVL_LAYER_NONE);
	ck_assert_ptr_nonnull(f.expected);
	ck_assert_str_eq(f.expected, "");
	ck_assert_int_eq(f.loc.layer, OVL_LAYER_NONE);
	ck_assert_ptr_null(f.loc.path);
	ovl_sink_done(&sink);
	ovl_report_free(report);
	ck_assert_ptr_null(ovl_report_free(NULL));
}
END_TEST

/* A finding may be milder than its row, never worse: that is a bug. */
START_TEST(test_sink_too_severe)
{
	struct ovl_sink sink = { .stack = &stack };

	ovl_sink_add_about(&sink, OVL_P_WHITEOUT_PHANTOM, OVL_SEV_ERROR, nowhere, nowhere, "", "");
}
END_TEST

START_TEST(test_sink_unreadable)
{
	struct ovl_sink sink = { .stack = &stack };
	struct ovl_report *report;

	ck_assert_int_eq(ovl_sink_unreadable(&sink, nowhere, "open", -EIO), 0);
	ck_assert_int_eq(ovl_sink_unreadable(&sink, nowhere, "open", -EACCES), 0);
	ck_assert_uint_eq(sink.counts.unreadable, 2);
	/* what was there and is not any more has changed, and can be read for all we know */
	ck_assert_int_eq(ovl_sink_unreadable(&sink, nowhere, "open", -ENOENT), 0);
	ck_assert_uint_eq(sink.counts.unreadable, 2);
	/* this says nothing about the layer */
	ck_assert_int_eq(ovl_sink_unreadable(&sink, nowhere, "open", -ENOMEM), -ENOMEM);
	ck_assert_int_eq(sink.error, -ENOMEM);
	ck_assert_uint_eq(sink.items.len, 3);
	report = ovl_report_new(&sink, 1);
	check_finding(report, 0, OVL_P_UNREADABLE, "overlay", "open: Input/output error");
	check_finding(report, 1, OVL_P_UNREADABLE, "overlay", "open: Permission denied");
	check_finding(report, 2, OVL_P_CHANGED, "overlay",
		      "the name was listed and then was not there");
	ck_assert_uint_eq(ovl_report_counts(report)->unreadable, 2);
	ovl_sink_done(&sink);
	ovl_report_free(report);
}
END_TEST

/* What is wanted, in order: overlay, upper, lowers, data, work, index; then path; then problem. */
static const struct {
	int layer;
	const char *path, *place;
	enum ovl_problem_id problem;
	const char *found;
} ordered[] = {
	{ OVL_LAYER_NONE, "", "overlay", OVL_P_ORIGIN_ROOT, "1" },
	{ OVL_LAYER_UPPER, "", "upper:/", OVL_P_OPAQUE_ROOT, "2" },
	{ OVL_LAYER_UPPER, "/a", "upper:/a", OVL_P_WHITEOUT_PHANTOM, "3" },
	{ OVL_LAYER_UPPER, "/a", "upper:/a", OVL_P_OPAQUE_VALUE, "4" },
	{ OVL_LAYER_UPPER, "/a", "upper:/a", OVL_P_OPAQUE_VALUE, "5" },
	{ OVL_LAYER_UPPER, "/a/z", "upper:/a/z", OVL_P_OPAQUE_VALUE, "6" },
	/* by names, not by bytes of the whole path: what lies in /a comes before /a- */
	{ OVL_LAYER_UPPER, "/a-", "upper:/a-", OVL_P_OPAQUE_VALUE, "7" },
	{ OVL_LAYER_UPPER, "/b", "upper:/b", OVL_P_OPAQUE_VALUE, "8" },
	{ OVL_LAYER_UPPER, "/\xff", "upper:/\\377", OVL_P_OPAQUE_VALUE, "9" },
	{ 1, "/a", "lower1:/a", OVL_P_OPAQUE_VALUE, "10" },
	{ 2, "", "lower2:/", OVL_P_OPAQUE_VALUE, "11" },
	{ 3, "/a", "data1:/a", OVL_P_OPAQUE_VALUE, "12" },
	{ OVL_LAYER_WORK, "/work/#1", "work:/work/#1", OVL_P_UNREADABLE, "13" },
	{ OVL_LAYER_INDEX, "/00fb", "index:/00fb", OVL_P_INDEX_NAME, "14" },
};

/* A permutation of the rows above, another one for each @seed. */
static void shuffle(size_t *order, unsigned seed)
{
	for (size_t i = 0; i < ARRAY_LEN(ordered); i++)
		order[i] = i;
	for (size_t i = ARRAY_LEN(ordered) - 1; i > 0; i--) {
		size_t k = (size_t)rand_r(&seed) % (i + 1), swap = order[i];

		order[i] = order[k];
		order[k] = swap;
	}
}

/* Whatever sink they came to, in whatever order, and however often. */
START_TEST(test_report_order)
{
	struct ovl_sink sink[SINKS] = { { .stack = &stack },
					{ .stack = &stack },
					{ .stack = &stack } };
	unsigned seed = (unsigned)_i;
	size_t order[ARRAY_LEN(ordered)];
	struct ovl_report *report;

	for (unsigned round = 0; round < 2; round++) {
		shuffle(order, seed + round * 1000);
		for (size_t i = 0; i < ARRAY_LEN(ordered); i++) {
			size_t n = order[i];

			add(&sink[(unsigned)rand_r(&seed) % SINKS], ordered[n].problem,
			    ordered[n].layer, ordered[n].path, ordered[n].found);
		}
	}
	report = ovl_report_new(sink, SINKS);
	ck_assert_uint_eq(ovl_report_len(report), ARRAY_LEN(ordered));
	for (size_t i = 0; i < ARRAY_LEN(ordered); i++)
		check_finding(report, i, ordered[i].problem, ordered[i].place, ordered[i].found);
	for (unsigned i = 0; i < SINKS; i++) {
		ck_assert_uint_eq(sink[i].items.len, 0);
		ovl_sink_done(&sink[i]);
	}
	ovl_report_free(report);
}
END_TEST

/* Of the same place, second places and evidence put them in order; only what is all the same is one. */
START_TEST(test_report_duplicates)
{
	struct ovl_sink sink = { .stack = &stack };
	struct ovl_loc here = at(0, "/a"), also = at(0, "/a"), b = at(1, "/b"), c = at(1, "/c");
	struct ovl_report *report;

	ovl_sink_add_about(&sink, OVL_P_OPAQUE_VALUE, OVL_SEV_INFO, here, c, "x", "");
	ovl_sink_add_about(&sink, OVL_P_OPAQUE_VALUE, OVL_SEV_ERROR, also, b, "y", "");
	ovl_sink_add_about(&sink, OVL_P_OPAQUE_VALUE, OVL_SEV_ERROR, here, nowhere, "x", "");
	ovl_sink_add_about(&sink, OVL_P_OPAQUE_VALUE, OVL_SEV_ERROR, also, c, "x", "");
	ovl_sink_add_about(&sink, OVL_P_OPAQUE_VALUE, OVL_SEV_ERROR, here, b, "x", "");
	report = ovl_report_new(&sink, 1);
	ck_assert_uint_eq(ovl_report_len(report), 4);
	ck_assert_int_eq(ovl_report_get(report, 0).other.layer, OVL_LAYER_NONE);
	ck_assert_str_eq(ovl_report_get(report, 1).other.path->name, "b");
	ck_assert_str_eq(ovl_report_get(report, 1).found, "x");
	ck_assert_str_eq(ovl_report_get(report, 2).other.path->name, "b");
	ck_assert_str_eq(ovl_report_get(report, 2).found, "y");
	ck_assert_str_eq(ovl_report_get(report, 3).other.path->name, "c");
	/* and is counted once, as the worst that was said of it */
	ck_assert_int_eq(ovl_report_get(report, 3).severity, OVL_SEV_ERROR);
	ck_assert_uint_eq(ovl_report_counts(report)->by_severity[OVL_SEV_ERROR], 4);
	ck_assert_uint_eq(ovl_report_counts(report)->by_severity[OVL_SEV_INFO], 0);
	ovl_sink_done(&sink);
	ovl_report_free(report);
	drop(here);
	drop(also);
	drop(b);
	drop(c);
}
END_TEST

START_TEST(test_report_counts)
{
	struct ovl_sink sink[2] = {
		{ .stack = &stack,
		  .counts = { .objects = 1,
			      .dirs = 2,
			      .whiteouts = 3,
			      .redirects = 4,
			      .metacopy = 5,
			      .metacopy_bytes = UINT32_MAX,
			      .indexed = 7,
			      .unreadable = 8 } },
		{ .stack = &stack,
		  .counts = { .objects = 10,
			      .dirs = 20,
			      .whiteouts = 30,
			      .redirects = 40,
			      .metacopy = 50,
			      .metacopy_bytes = UINT32_MAX,
			      .indexed = 70,
			      .unreadable = 80 } },
	};
	const struct ovl_counts *c;
	struct ovl_report *report;

	add(&sink[0], OVL_P_OPAQUE_VALUE, 0, "/a", "");
	add(&sink[1], OVL_P_OPAQUE_VALUE, 0, "/b", "");
	add(&sink[1], OVL_P_WHITEOUT_PHANTOM, 0, "/c", "");
	add(&sink[0], OVL_P_WHITEOUT_USELESS, 0, "/d", "");
	/* what is milder than its row counts as what it is */
	ovl_sink_add_about(&sink[0], OVL_P_OPAQUE_VALUE, OVL_SEV_INFO, nowhere, nowhere, "", "");
	report = ovl_report_new(sink, 2);
	c = ovl_report_counts(report);
	ck_assert_uint_eq(c->objects, 11);
	ck_assert_uint_eq(c->dirs, 22);
	ck_assert_uint_eq(c->whiteouts, 33);
	ck_assert_uint_eq(c->redirects, 44);
	ck_assert_uint_eq(c->metacopy, 55);
	ck_assert_uint_eq(c->metacopy_bytes, 2 * (uint64_t)UINT32_MAX);
	ck_assert_uint_eq(c->indexed, 77);
	ck_assert_uint_eq(c->unreadable, 88);
	ck_assert_uint_eq(c->by_severity[OVL_SEV_ERROR], 2);
	ck_assert_uint_eq(c->by_severity[OVL_SEV_WARNING], 1);
	ck_assert_uint_eq(c->by_severity[OVL_SEV_INFO], 2);
	ovl_sink_done(&sink[0]);
	ovl_sink_done(&sink[1]);
	ovl_report_free(report);
}
END_TEST

START_TEST(test_report_empty)
{
	struct ovl_sink sink = { .stack = &stack };
	struct ovl_report *report = ovl_report_new(&sink, 1);

	ck_assert_uint_eq(ovl_report_len(report), 0);
	ck_assert_uint_eq(ovl_report_counts(report)->objects, 0);
	ovl_sink_done(&sink);
	ovl_report_free(report);
}
END_TEST

static struct ovl_bytes bytes(const char *s, size_t len)
{
	return (struct ovl_bytes){ (const unsigned char *)s, len };
}

START_TEST(test_sink_quote)
{
	struct ovl_sink sink = { .stack = &stack };
	char big[1000];
	const char *q;

	ck_assert_str_eq(ovl_sink_quote(&sink, bytes("plain", 5)), "\"plain\"");
	ck_assert_str_eq(ovl_sink_quote(&sink, bytes("", 0)), "\"\"");
	ck_assert_str_eq(ovl_sink_quote(&sink, bytes("a\0b\n\x1b[31m\\", 10)),
			 "\"a\\000b\\012\\033[31m\\\\\"");
	memset(big, 'x', sizeof(big));
	/* 200 bytes are shown, and that there are more */
	q = ovl_sink_quote(&sink, bytes(big, 200));
	ck_assert_uint_eq(strlen(q), 202);
	ck_assert_int_eq(q[201], '"');
	q = ovl_sink_quote(&sink, bytes(big, 201));
	ck_assert_uint_eq(strlen(q), 205);
	ck_assert_str_eq(q + 201, "\"...");
	ovl_sink_done(&sink);
}
END_TEST

START_TEST(test_sink_hex)
{
	struct ovl_sink sink = { .stack = &stack };
	char big[81] = { 0 };

	ck_assert_str_eq(ovl_sink_hex(&sink, bytes("\0\xfb\x1d", 3)), "0x00fb1d");
	ck_assert_str_eq(ovl_sink_hex(&sink, bytes("", 0)), "(empty)");
	ck_assert_uint_eq(strlen(ovl_sink_hex(&sink, bytes(big, 80))), 162);
	ck_assert_uint_eq(strlen(ovl_sink_hex(&sink, bytes(big, 81))), 165);
	ck_assert_ptr_nonnull(strstr(ovl_sink_hex(&sink, bytes(big, 81)), "00..."));
	ovl_sink_done(&sink);
}
END_TEST

/* Two of place, quote and hex live at a time, and the text that is made of them besides. */
START_TEST(test_sink_text)
{
	struct ovl_sink sink = { .stack = &stack };
	struct ovl_loc loc = at(1, "/a\nb");
	const char *place = ovl_sink_place(&sink, loc);
	const char *quote = ovl_sink_quote(&sink, bytes("q", 1));
	const char *text = ovl_sink_text(&sink, "%s and %s: %d", place, quote, 7);

	ck_assert_str_eq(place, "lower1:/a\\012b");
	ck_assert_str_eq(quote, "\"q\"");
	ck_assert_str_eq(text, "lower1:/a\\012b and \"q\": 7");
	/* made of itself, as callers do without knowing */
	text = ovl_sink_text(&sink, "%s, again", text);
	ck_assert_str_eq(text, "lower1:/a\\012b and \"q\": 7, again");
	ck_assert_str_eq(ovl_sink_place(&sink, nowhere), "overlay");
	ck_assert_str_eq(ovl_sink_text(&sink, "%s", ""), "");
	ck_assert_int_eq(sink.error, 0);
	ovl_sink_done(&sink);
	drop(loc);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("check/finding");
	TCase *t = tcase_create("finding");

	tcase_add_test(t, test_sink_copies);
	tcase_add_test(t, test_sink_defaults);
	tcase_add_test_raise_signal(t, test_sink_too_severe, 6);
	tcase_add_test(t, test_sink_unreadable);
	tcase_add_loop_test(t, test_report_order, 1, 20);
	tcase_add_test(t, test_report_duplicates);
	tcase_add_test(t, test_report_counts);
	tcase_add_test(t, test_report_empty);
	tcase_add_test(t, test_sink_quote);
	tcase_add_test(t, test_sink_hex);
	tcase_add_test(t, test_sink_text);
	suite_add_tcase(s, t);
	return ovl_unit_main(s);
}
