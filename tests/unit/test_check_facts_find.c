/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "check/facts.h"
#include "unit/unit.h"

static struct ovl_facts facts;

static void setup(void)
{
	ck_assert_int_eq(ovl_facts_init(&facts), 0);
}

static void teardown(void)
{
	ovl_facts_done(&facts);
}

static struct ovl_path *path_of(const char *text)
{
	struct ovl_path *p = NULL;

	ck_assert_int_eq(ovl_path_parse(text, &p), 0);
	return p;
}

static char *text_of(const struct ovl_path *p)
{
	struct ovl_buf b = { 0 };

	ck_assert_int_eq(ovl_path_add(&b, p), 0);
	return ovl_buf_take(&b);
}

static void check_path(const struct ovl_path *p, const char *expected)
{
	_cleanup_free_ char *text = text_of(p);

	ck_assert_str_eq(text, expected);
}

/* ---- Origins ---- */

/* ---- Names and redirects ---- */

static void add_name(uint64_t dev, uint64_t ino, int layer, const char *path)
{
	struct ovl_path *p = path_of(path);
	struct ovl_fact_name name = { .ino = ino,
				      .loc = { layer, p },
				      .stat = { .dev = dev, .ino = ino } };

	ck_assert_int_eq(ovl_facts_add_name(&facts, &name), 0);
	ovl_path_unref(p);
}

START_TEST(test_facts_names)
{
	const struct ovl_fact_name *name;

	ck_assert_uint_eq(ovl_facts_names(&facts, 5, 9, &name), 0);
	ck_assert_ptr_null(name);
	add_name(5, 9, 2, "/b");
	add_name(5, 7, 1, "/x");
	add_name(5, 9, 1, "/z");
	add_name(6, 9, 1, "/other-fs");
	add_name(5, 9, 2, "/a");
	ck_assert_int_eq(ovl_facts_sort(&facts), 0);
	ck_assert_uint_eq(ovl_facts_names(&facts, 5, 9, &name), 3);
	/* by layer, then by path */
	check_path(name[0].loc.path, "/z");
	check_path(name[1].loc.path, "/a");
	check_path(name[2].loc.path, "/b");
	ck_assert_uint_eq(ovl_facts_names(&facts, 6, 9, &name), 1);
	check_path(name->loc.path, "/other-fs");
	ck_assert_uint_eq(ovl_facts_names(&facts, 5, 7, &name), 1);
	ck_assert_uint_eq(ovl_facts_names(&facts, 5, 8, &name), 0);
	ck_assert_uint_eq(ovl_facts_names(&facts, 7, 9, &name), 0);
}
END_TEST

static void add_redirect(int from, const char *source, int to, const char *target)
{
	struct ovl_path *s = path_of(source), *t = path_of(target);
	struct ovl_fact_redirect red = { .source = { from, s },
					 .target = { to, t },
					 .is_dir = true };

	ck_assert_int_eq(ovl_facts_add_redirect(&facts, &red), 0);
	ovl_path_unref(s);
	ovl_path_unref(t);
}

static size_t redirects_to(int layer, const char *path, const struct ovl_fact_redirect **ret)
{
	struct ovl_path *p = path_of(path);
	size_t n = ovl_facts_redirects_to(&facts, (struct ovl_loc){ layer, p }, ret);

	ovl_path_unref(p);
	return n;
}

static size_t redirects_above(int layer, const char *path, const struct ovl_fact_redirect **ret)
{
	struct ovl_path *p = path_of(path);
	size_t n = ovl_facts_redirects_above(&facts, (struct ovl_loc){ layer, p }, ret);

	ovl_path_unref(p);
	return n;
}

/* Found by the names of the target, not by its node. */
START_TEST(test_facts_redirects)
{
	const struct ovl_fact_redirect *red = NULL;

	ck_assert_uint_eq(redirects_to(1, "/t", &red), 0);
	add_redirect(0, "/z", 1, "/t");
	add_redirect(0, "/u", 1, "/t/below");
	add_redirect(0, "/a", 1, "/t");
	add_redirect(0, "/v", 2, "/t");
	add_redirect(0, "/w", 1, "/s");
	/* those of the layer under walk are not there yet: others may be looking */
	ck_assert_uint_eq(redirects_to(1, "/t", &red), 0);
	ck_assert_int_eq(ovl_facts_sort(&facts), 0);
	ck_assert_uint_eq(redirects_to(1, "/t", &red), 2);
	check_path(red[0].source.path, "/a");
	check_path(red[1].source.path, "/z");
	ck_assert_uint_eq(redirects_to(1, "/t/below", &red), 1);
	ck_assert_uint_eq(redirects_to(2, "/t", &red), 1);
	ck_assert_uint_eq(redirects_to(3, "/t", &red), 0);
	ck_assert_uint_eq(redirects_to(1, "/r", &red), 0);
	/* what a redirect finds is merged with what has the same path further down */
	ck_assert_uint_eq(redirects_above(0, "/t", &red), 0);
	ck_assert_uint_eq(redirects_above(1, "/t", &red), 2);
	ck_assert_uint_eq(redirects_above(2, "/t", &red), 3);
	check_path(red[0].source.path, "/a");
	check_path(red[2].source.path, "/v");
	ck_assert_uint_eq(redirects_above(3, "/t", &red), 3);
	ck_assert_uint_eq(redirects_above(3, "/r", &red), 0);
	/* the next layer */
	add_redirect(1, "/b", 2, "/t");
	ck_assert_uint_eq(redirects_to(2, "/t", &red), 1);
	ck_assert_int_eq(ovl_facts_sort(&facts), 0);
	ck_assert_uint_eq(redirects_to(2, "/t", &red), 2);
	check_path(red[0].source.path, "/v");
	check_path(red[1].source.path, "/b");
}
END_TEST

/* ---- Directories of the index ---- */

START_TEST(test_facts_index_dirs)
{
	struct ovl_path *a = path_of("/a"), *b = path_of("/b");
	uint64_t *value;

	ovl_facts_saw_dir(&facts, 77, a);
	ck_assert_ptr_null(ovl_map_get(&facts.index_dir, (struct ovl_key){ 77, 0 }));
	ck_assert_int_eq(ovl_facts_want_dir(&facts, 77), 0);
	ck_assert_int_eq(ovl_facts_want_dir(&facts, 77), 0);
	value = ovl_map_get(&facts.index_dir, (struct ovl_key){ 77, 0 });
	ck_assert_uint_eq(*value, 0);
	ovl_facts_saw_dir(&facts, 77, a);
	ovl_facts_saw_dir(&facts, 77, b); /* a directory has one name only */
	ovl_facts_saw_dir(&facts, 78, b);
	value = ovl_map_get(&facts.index_dir, (struct ovl_key){ 77, 0 });
	ck_assert_ptr_eq((void *)(uintptr_t)*value, a);
	ck_assert_uint_eq(a->refs, 2);
	ck_assert_uint_eq(b->refs, 1);
	ovl_path_unref(a);
	ovl_path_unref(b);
}
END_TEST

/* Directories of the upper that miss a mark, by path. */
START_TEST(test_facts_unmarked)
{
	static const char *const paths[] = { "/b", "/a/x", "/", "/a" };
	struct ovl_path *p;

	for (unsigned i = 0; i < ARRAY_LEN(paths); i++) {
		struct ovl_fact_unmarked unmarked = { .n_origin = i };

		p = path_of(paths[i]);
		unmarked.path = p;
		ck_assert_int_eq(ovl_facts_add_unmarked(&facts, &unmarked), 0);
		ovl_path_unref(p);
	}
	ck_assert_int_eq(ovl_facts_sort(&facts), 0);
	for (unsigned i = 0; i < ARRAY_LEN(paths); i++) {
		size_t n;

		p = path_of(paths[i]);
		n = ovl_facts_find_unmarked(&facts, p);
		ck_assert_uint_lt(n, facts.unmarked.len);
		ck_assert_uint_eq(facts.unmarked.data[n].n_origin, i);
		ovl_path_unref(p);
	}
	p = path_of("/a/y");
	ck_assert_uint_eq(ovl_facts_find_unmarked(&facts, p), facts.unmarked.len);
	ovl_path_unref(p);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("check/facts_find");
	TCase *t = tcase_create("facts_find");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, test_facts_names);
	tcase_add_test(t, test_facts_redirects);
	tcase_add_test(t, test_facts_index_dirs);
	tcase_add_test(t, test_facts_unmarked);
	suite_add_tcase(s, t);
	return ovl_unit_main(s);
}
