/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The report does not depend on the number of threads, nor on chance. Random layers, full of damage,
 * are checked again and again.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "stack/stack.h"
#include "tool.h"
#include "unit/reader_fault.h"
#include "unit/tree_kit.h"
#include "unit/unit.h"

enum { LOWERS = 3, DEPTH = 4 };

static const char *const layers[] = { "upper", "lower1", "lower2", "lower3" };
static const char *const names[] = { "a", "b", "c", "d", "e", "f", ".wh.g" };

static struct ovl_rng rng;
static unsigned left; /* objects that may still be made in this layer */

static bool chance(uint32_t percent)
{
	return ovl_tool_chance(&rng, percent, 100);
}

static const char *any_name(void)
{
	return names[ovl_tool_random(&rng, ARRAY_LEN(names))];
}

/* Some path from the root of a layer; free() it. */
static char *any_path(void)
{
	char *path = ovl_tool_format("/%s", any_name());

	while (chance(50)) {
		char *longer = ovl_tool_format("%s/%s", path, any_name());

		free(path);
		path = longer;
	}
	return path;
}

/* Some object of a lower; NULL if there is none. */
static char *any_lower(void)
{
	_cleanup_free_ char *path = any_path();
	char *lower = ovl_tool_format("%s%s", layers[1 + ovl_tool_random(&rng, LOWERS)], path);
	struct stat st;

	if (lstat(lower, &st) == 0)
		return lower;
	free(lower);
	return NULL;
}

static void mark_redirect(const char *path)
{
	_cleanup_free_ char *target = any_path();

	tree_mark(path, "redirect", chance(50) ? target : chance(80) ? any_name() : "a/b");
}

/* Often that of the lower object at the same path, as it should be. */
static void mark_origin(const char *layer, const char *path)
{
	_cleanup_free_ char *home = ovl_tool_format("lower%u%s", 1 + ovl_tool_random(&rng, LOWERS),
						    path + strlen(layer));
	_cleanup_free_ char *other = any_lower();
	struct stat st;

	if (chance(70) && lstat(home, &st) == 0)
		tree_origin(path, home);
	else if (other)
		tree_origin(path, other);
	else if (chance(20))
		tree_mark(path, "origin", "no handle");
}

/* Another name in another directory, if that is there: threads may see either of them first. */
static void make_link(const char *layer, const char *path)
{
	_cleanup_free_ char *dir = any_path();
	_cleanup_free_ char *twin = ovl_tool_format("%s%s/link%u", layer, dir, left);

	if (link(path, twin) < 0 && errno != ENOENT && errno != ENOTDIR)
		ovl_tool_die("link %s %s", path, twin);
}

static void make_file(const char *layer, const char *path)
{
	if (chance(30))
		tree_hole(path, 100);
	else
		tree_file(path, path);
	if (chance(25))
		tree_mark(path, "metacopy", chance(90) ? "" : "no");
	if (chance(15))
		mark_redirect(path);
	if (strcmp(layer, "upper") == 0 && chance(40))
		mark_origin(layer, path);
	if (chance(3))
		tree_mark(path, "strange", "");
	if (chance(20))
		make_link(layer, path);
}

static void make_dir(const char *layer, const char *path)
{
	tree_dir(path);
	if (chance(10))
		tree_mark(path, "opaque", chance(60) ? "y" : chance(50) ? "x" : "?");
	if (chance(20))
		mark_redirect(path);
	if (strcmp(layer, "upper") == 0 && chance(50))
		mark_origin(layer, path);
	if (chance(20))
		tree_mark(path, "impure", "y");
}

static void make_object(const char *layer, const char *path, bool *ret_is_dir)
{
	*ret_is_dir = chance(45);
	if (*ret_is_dir) {
		make_dir(layer, path);
	} else if (chance(20)) {
		tree_whiteout(path);
	} else if (chance(10)) {
		tree_file(path, "");
		tree_mark(path, "whiteout", "");
	} else if (chance(10)) {
		tree_symlink(path, "target");
	} else {
		make_file(layer, path);
	}
}

static void make_tree(const char *layer, const char *dir, unsigned depth)
{
	bool is_dir;

	for (unsigned i = 0; i < ARRAY_LEN(names) && left > 0; i++) {
		_cleanup_free_ char *path = ovl_tool_format("%s/%s", dir, names[i]);

		if (chance(20))
			continue;
		left--;
		make_object(layer, path, &is_dir);
		if (is_dir && depth < DEPTH)
			make_tree(layer, path, depth + 1);
	}
}

/* Links of upper files to names that are, or could be, those of index entries. */
static void make_index(void)
{
	for (unsigned i = 0; i < 40; i++) {
		_cleanup_free_ char *path = any_path(), *lower = any_lower();
		_cleanup_free_ char *upper = ovl_tool_format("upper%s", path);
		struct stat st;

		if (!lower || lstat(upper, &st) < 0 || S_ISDIR(st.st_mode))
			continue;
		if (chance(30) && S_ISREG(st.st_mode))
			tree_mark(upper, "nlink", "U+7");
		tree_try_index(upper, lower);
	}
}

static void make_layers(unsigned seed)
{
	rng.state = seed;
	tree_clear();
	tree_layers(LOWERS);
	for (unsigned i = ARRAY_LEN(layers); i-- > 0;) {
		left = 350;
		make_tree(layers[i], layers[i], 1);
	}
	tree_index_roots();
	make_index();
}

/* All that a report says. */
static char *tell(const struct ovl_stack *stack, const struct ovl_report *report)
{
	const struct ovl_counts *c = ovl_report_counts(report);
	struct ovl_buf b = { 0 };
	char *text;

	for (size_t i = 0; i < ovl_report_len(report); i++) {
		struct ovl_finding f = ovl_report_get(report, i);
		_cleanup_free_ char *at = ovl_stack_place(stack, f.loc);
		_cleanup_free_ char *other = ovl_stack_place(stack, f.other);

		ck_assert_int_eq(ovl_buf_addf(&b, "%s %d %s %s |%s|%s\n",
					      ovl_problem_get(f.problem)->slug, f.severity, at,
					      other, f.found, f.expected),
				 0);
	}
	ck_assert_int_eq(
		ovl_buf_addf(&b, "%llu %llu %llu %llu %llu %llu %llu %llu",
			     (unsigned long long)c->objects, (unsigned long long)c->dirs,
			     (unsigned long long)c->whiteouts, (unsigned long long)c->redirects,
			     (unsigned long long)c->metacopy, (unsigned long long)c->metacopy_bytes,
			     (unsigned long long)c->indexed, (unsigned long long)c->unreadable),
		0);
	text = ovl_buf_take(&b);
	ck_assert_ptr_nonnull(text);
	return text;
}

static char *check(struct tree_stack *t, unsigned threads, size_t *ret_len)
{
	struct ovl_report *report;
	char *text;

	ck_assert_int_eq(tree_check(t->stack, threads, &report), 0);
	text = tell(t->stack, report);
	*ret_len = ovl_report_len(report);
	ovl_report_free(report);
	return text;
}

/* Where two texts part, for the message of a test that failed. */
static void check_same(const char *a, const char *b, unsigned threads)
{
	size_t at = 0, line = 0;

	for (; a[at] && a[at] == b[at]; at++)
		if (a[at] == '\n')
			line = at + 1;
	ck_assert_msg(a[at] == b[at], "%u threads: \"%.300s\" became \"%.300s\"", threads, a + line,
		      b + line);
}

static const char *const options[] = { "index=on", "index=off,redirect_dir=nofollow,metacopy=off",
				       "nfs_export=on",
				       "index=on,redirect_dir=follow,metacopy=off" };

static bool is_long(void)
{
	const char *value = getenv("OVL_LONG");

	return value && *value && strcmp(value, "0") != 0;
}

static void check_seed(unsigned seed)
{
	static const unsigned threads[] = { 2, 8, 3, 8 };
	_cleanup_free_ char *first = NULL;
	struct tree_stack t;
	size_t len, again;

	make_layers(seed);
	ck_assert_int_eq(tree_open(&t, LOWERS, options[seed % ARRAY_LEN(options)], NULL), 0);
	first = check(&t, 1, &len);
	/* else this would be a test of nothing */
	ck_assert_uint_gt(len, 50);
	for (unsigned i = 0; i < ARRAY_LEN(threads); i++) {
		_cleanup_free_ char *text = check(&t, threads[i], &again);

		check_same(first, text, threads[i]);
		ck_assert_uint_eq(again, len);
	}
	tree_close(&t);
}

START_TEST(test_threads_same_report)
{
	unsigned n = is_long() ? 100 : 1;

	for (unsigned i = 0; i < n; i++)
		check_seed((unsigned)_i + ARRAY_LEN(options) * i);
}
END_TEST

/* The same where every descriptor is closed again at once, and where a name cannot be read. */
START_TEST(test_threads_same_failures)
{
	static const unsigned threads[] = { 1, 8, 2 };
	_cleanup_free_ char *first = NULL;
	struct reader_fault fault;
	struct tree_stack t;
	size_t len, again;

	make_layers(12345);
	reader_fault_init(&fault, ovl_reader_linux());
	ck_assert_int_eq(tree_open(&t, LOWERS, "index=on", &fault.reader), 0);
	fault.name = "c";
	reader_fault_rearm(&fault, 0, -EIO);
	first = check(&t, 1, &len);
	ck_assert_ptr_nonnull(strstr(first, "unreadable "));
	t.stack->cache.budget = 1;
	for (unsigned i = 0; i < ARRAY_LEN(threads); i++) {
		_cleanup_free_ char *text = check(&t, threads[i], &again);

		check_same(first, text, threads[i]);
	}
	tree_close(&t);
	ck_assert_int_eq(fault.n_open, 0);
	ck_assert_int_eq(fault.n_threads, 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("check/threads");
	TCase *t = tcase_create("threads");

	if (!tree_works())
		return EXIT_SUCCESS;
	if (!tree_has_trusted() || !tree_has_handles()) {
		printf("1..0 # SKIP needs root, and file handles\n");
		return EXIT_SUCCESS;
	}
	tcase_set_timeout(t, 600);
	tcase_add_unchecked_fixture(t, tree_start, tree_stop);
	tcase_add_loop_test(t, test_threads_same_report, 0, ARRAY_LEN(options));
	tcase_add_test(t, test_threads_same_failures);
	suite_add_tcase(s, t);
	return ovl_unit_main(s);
}
