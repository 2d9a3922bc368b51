/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The quick check: what it finds, what it leaves to the whole one, and that its work does not depend on
 * how much there is in the layers.
 */
#include <string.h>

#include "base/cleanup.h"
#include "stack/stack.h"
#include "tool.h"
#include "unit/reader_fault.h"
#include "unit/tree_kit.h"
#include "unit/unit.h"

static struct tree_stack tree;

static void setup(void)
{
	tree_clear();
	tree_layers(2);
}

static void teardown(void)
{
	tree_close(&tree);
}

/* What a quick check finds, from warnings on; free() it. @ret_counts may be NULL. */
static char *quick(struct ovl_reader *reader, struct ovl_counts *ret_counts)
{
	const struct ovl_check_options options = { .threads = 1, .quick = true };
	_cleanup_(ovl_error_done) struct ovl_error e = OVL_ERROR_INIT;
	_cleanup_free_ char *words = tree_options(2, "");
	struct ovl_report *report;
	char *text;

	tree_close(&tree);
	tree.config = (struct ovl_config){ .brief = true };
	ck_assert_int_eq(ovl_config_parse(&tree.config, words, NULL), 0);
	ck_assert_int_eq(ovl_stack_open(&tree.config, reader, &tree.stack, NULL), 0);
	ck_assert_msg(ovl_check(tree.stack, &options, &report, &e) == 0, "%s", e.text);
	if (ret_counts)
		*ret_counts = *ovl_report_counts(report);
	text = tree_report(tree.stack, report, OVL_SEV_WARNING);
	ovl_report_free(report);
	return text;
}

static void expect(const char *slug)
{
	_cleanup_free_ char *text = quick(NULL, NULL);

	ck_assert_msg(slug ? strncmp(text, slug, strlen(slug)) == 0 &&
				      !strchr(strchr(text, '\n') + 1, '\n') :
			     !*text,
		      "instead of %s: %s", slug ? slug : "nothing", text);
}

START_TEST(test_quick_finds_leftovers)
{
	expect(NULL);
	tree_file("work/work/#1", "half a copy");
	expect("work-temp-leftover ");
	tree_remove("work/work/#1");
	tree_dir("work/work/incompat/volatile");
	expect("work-incompat ");
	tree_remove("work/work/incompat");
	tree_dir("work/work/a/b/c");
	expect("work-deep-leftover ");
	tree_remove("work/work/a");
	tree_file("work/index/#2", "");
	expect("index-temp-leftover ");
}
END_TEST

START_TEST(test_quick_looks_at_roots)
{
	tree_mark("upper", "opaque", "y");
	expect("opaque-root ");
	tree_unmark("upper", "opaque");
	tree_mark("upper", "impure", "n");
	expect("impure-value ");
}
END_TEST

START_TEST(test_quick_does_not_walk)
{
	tree_whiteout("upper/useless");
	tree_dir("upper/dir");
	tree_mark("upper/dir", "opaque", "nonsense");
	expect(NULL);
}
END_TEST

/* ---- As much work for many as for few ---- */

static void fill(unsigned from, unsigned to)
{
	static const char *const places[] = { "upper", "lower1", "lower2", "work/index" };

	for (unsigned i = from; i < to; i++) {
		for (size_t p = 0; p < ARRAY_LEN(places); p++) {
			_cleanup_free_ char *path =
				ovl_tool_format("%s/%0100u/file%u", places[p], i % 7, i);

			if (p < ARRAY_LEN(places) - 1) {
				tree_file(path, "x");
				continue;
			}
			free(path);
			path = ovl_tool_format("%s/%080u", places[p], i);
			tree_file(path, "x");
		}
	}
}

static struct reader_fault count_calls(void)
{
	struct reader_fault fault;

	reader_fault_init(&fault, ovl_reader_linux());
	free(quick(&fault.reader, NULL));
	tree_close(&tree);
	ck_assert_int_eq(fault.n_open, 0);
	return fault;
}

START_TEST(test_quick_is_constant)
{
	struct reader_fault few, many, more;

	tree_dir("work/index");
	fill(0, 10);
	few = count_calls();
	fill(10, OVL_QUICK_ENTRIES + 10);
	many = count_calls();
	fill(OVL_QUICK_ENTRIES + 10, 2 * OVL_QUICK_ENTRIES);
	more = count_calls();
	for (unsigned call = 0; call < READER__MAX; call++) {
		const char *name = reader_fault_call_name(call);

		ck_assert_msg(many.n_call[call] == more.n_call[call], "%s", name);
		if (call != READER_READ_DIR) /* the index, as far as it is read */
			ck_assert_msg(many.n_call[call] == few.n_call[call], "%s", name);
	}
	/* Once to know what it is used for, once to look for leftovers. */
	ck_assert_uint_le(many.n_call[READER_READ_DIR],
			  few.n_call[READER_READ_DIR] + 2 * OVL_QUICK_ENTRIES);
}
END_TEST

START_TEST(test_quick_says_what_it_left)
{
	struct ovl_counts counts;

	tree_mark("upper", "impure", "y");
	free(quick(NULL, &counts));
	ck_assert_uint_eq(counts.passed_over, 0);
	ck_assert_uint_eq(counts.objects, 0);
	for (unsigned i = 0; i <= OVL_QUICK_ENTRIES; i++) {
		_cleanup_free_ char *path = ovl_tool_format("work/work/#%u", i);

		tree_file(path, "");
	}
	free(quick(NULL, &counts));
	ck_assert_uint_gt(counts.passed_over, 0);
}
END_TEST

/* A row that asks for the whole check is looked for by the quick one; nobody asks who cannot be found. */
START_TEST(test_quick_rows)
{
	size_t n = 0;

	for (int id = 0; id < OVL_P__MAX; id++) {
		const struct ovl_problem *p = ovl_problem_get((enum ovl_problem_id)id);

		ck_assert_msg(!p->doubt || (ovl_problem_is_quick(p) && p->check && !p->feature),
			      "%s", p->slug);
		n += ovl_problem_is_quick(p);
		if (p->scope == OVL_SCOPE_DIR ||
		    (p->scope == OVL_SCOPE_OBJECT && !(p->on & OVL_ON_ROOT)))
			ck_assert_msg(!ovl_problem_is_quick(p), "%s", p->slug);
	}
	ck_assert_uint_gt(n, 20);
}
END_TEST

int main(void)
{
	Suite *suite;
	TCase *tc = tcase_create("quick");

	if (!tree_works())
		return 0;
	suite = suite_create("check_quick");
	tcase_add_unchecked_fixture(tc, tree_start, tree_stop);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, test_quick_finds_leftovers);
	tcase_add_test(tc, test_quick_looks_at_roots);
	tcase_add_test(tc, test_quick_does_not_walk);
	tcase_add_test(tc, test_quick_is_constant);
	tcase_add_test(tc, test_quick_says_what_it_left);
	tcase_add_test(tc, test_quick_rows);
	suite_add_tcase(suite, tc);
	return ovl_unit_main(suite);
}
