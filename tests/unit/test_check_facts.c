/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "base/cleanup.h"
#include "check/facts.h"
#include "unit/oom.h"
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

static int add_origin(const char *path, uint64_t lower, bool at_home, bool is_dir)
{
	struct ovl_path *p = path_of(path);
	struct ovl_fact_origin claim = { .key = { 5, lower },
					 .layer = 1,
					 .path = p,
					 .ino = 1000 + lower,
					 .is_dir = is_dir,
					 .at_home = at_home };
	int r = ovl_facts_add_origin(&facts, &claim);

	ovl_path_unref(p);
	return r;
}

/* What is at home is only counted; what is not is kept, in the order of lower inodes, then of paths. */
START_TEST(test_facts_origins)
{
	ck_assert_int_eq(add_origin("/home", 1, true, false), 0);
	ck_assert_int_eq(add_origin("/z", 30, false, false), 0);
	ck_assert_int_eq(add_origin("/a", 7, false, false), 0);
	ck_assert_int_eq(add_origin("/dir", 8, false, true), 0);
	ck_assert_int_eq(add_origin("/d", 8, false, true), 0);
	ck_assert_int_eq(ovl_facts_sort(&facts), 0);
	ck_assert_uint_eq(facts.n_home, 1);
	ck_assert_uint_eq(facts.origin.len, 4);
	check_path(facts.origin.data[0].path, "/a");
	check_path(facts.origin.data[1].path, "/d");
	check_path(facts.origin.data[2].path, "/dir");
	check_path(facts.origin.data[3].path, "/z");
	/* directories may share an origin */
	ck_assert_uint_eq(facts.duplicate.len, 0);
	ck_assert(!ovl_facts_is_shared(&facts, (struct ovl_key){ 5, 8 }));
}
END_TEST

/* Once a second file claims a lower inode, the first is a claim too; each claim is told once. */
START_TEST(test_facts_duplicates)
{
	static const struct {
		const char *path;
		bool home;
	} claims[] = { { "/b", true }, { "/c", false }, { "/a", false } };

	/* in each of the six orders */
	static const int orders[6][3] = { { 0, 1, 2 }, { 0, 2, 1 }, { 1, 0, 2 },
					  { 1, 2, 0 }, { 2, 0, 1 }, { 2, 1, 0 } };

	ck_assert_int_eq(add_origin("/other", 8, false, false), 0);
	for (int i = 0; i < 3; i++) {
		int n = orders[_i][i];

		ck_assert_int_eq(add_origin(claims[n].path, 9, claims[n].home, false), 0);
	}
	ck_assert_int_eq(ovl_facts_sort(&facts), 0);
	ck_assert_uint_eq(facts.duplicate.len, 3);
	for (size_t i = 0; i < 3; i++)
		ck_assert_uint_eq(facts.duplicate.data[i].key.b, 9);
	check_path(facts.duplicate.data[0].path, "/a");
	check_path(facts.duplicate.data[1].path, "/b");
	check_path(facts.duplicate.data[2].path, "/c");
	ck_assert(!facts.duplicate.data[0].at_home);
	ck_assert(facts.duplicate.data[1].at_home);
	ck_assert(!facts.duplicate.data[2].at_home);
	ck_assert(ovl_facts_is_shared(&facts, (struct ovl_key){ 5, 9 }));
	ck_assert(!ovl_facts_is_shared(&facts, (struct ovl_key){ 5, 8 }));
	ck_assert(!ovl_facts_is_shared(&facts, (struct ovl_key){ 6, 9 }));
}
END_TEST

START_TEST(test_facts_claim)
{
	ck_assert_int_eq(add_origin("/home", 1, true, false), 0);
	ck_assert_int_eq(add_origin("/away", 2, false, false), 0);
	ck_assert_int_eq(add_origin("/b", 3, false, false), 0);
	ck_assert_int_eq(add_origin("/a", 3, true, false), 0);
	ck_assert_int_eq(ovl_facts_sort(&facts), 0);
	check_path(ovl_facts_claim(&facts, (struct ovl_key){ 5, 1 }), "/home");
	check_path(ovl_facts_claim(&facts, (struct ovl_key){ 5, 2 }), "/away");
	check_path(ovl_facts_claim(&facts, (struct ovl_key){ 5, 3 }), "/a");
	ck_assert_ptr_null(ovl_facts_claim(&facts, (struct ovl_key){ 5, 4 }));
	ck_assert_ptr_null(ovl_facts_claim(&facts, (struct ovl_key){ 4, 1 }));
}
END_TEST

/* ---- Links ---- */

static int add_link(uint64_t ino, const char *path, size_t index)
{
	struct ovl_path *p = path ? path_of(path) : NULL;
	struct ovl_fact_link link = { .ino = ino, .nlink = 3, .path = p, .index = index };
	int r = ovl_facts_add_link(&facts, &link);

	ovl_path_unref(p);
	return r;
}

/* The first name is told from the others, whatever else is known of the inode already. */
START_TEST(test_facts_links)
{
	const struct ovl_fact_link *link;

	ck_assert_ptr_null(ovl_facts_find_link(&facts, 77));
	ck_assert(!ovl_facts_has_link(&facts, 77));
	ck_assert_int_eq(add_link(77, "/b/x", 0), 1);
	ck_assert_int_eq(add_link(77, "/c", 0), 0);
	ck_assert_int_eq(add_link(77, "/a/y", 0), 0);
	ck_assert_int_eq(add_link(78, "/d", 0), 1);
	ck_assert(ovl_facts_has_link(&facts, 77));
	ck_assert(!ovl_facts_has_link(&facts, 79));
	link = ovl_facts_find_link(&facts, 77);
	ck_assert_uint_eq(link->names, 3);
	ck_assert_uint_eq(link->nlink, 3);
	ck_assert_uint_eq(link->entries, 0);
	/* the first in order, not the first that came */
	check_path(link->path, "/a/y");
	check_path(ovl_facts_find_link(&facts, 78)->path, "/d");
}
END_TEST

START_TEST(test_facts_links_of_index)
{
	const struct ovl_fact_link *link;

	for (unsigned i = 0; i < 9; i++)
		ck_assert_int_eq(ovl_vec_push(&facts.index, (struct ovl_fact_index){ 0 }), 0);
	/* an entry is no name in the upper */
	ck_assert_int_eq(add_link(77, NULL, 4), 0);
	ck_assert(ovl_facts_has_link(&facts, 77));
	ck_assert(ovl_facts_has_index(&facts, 77));
	ck_assert_ptr_eq(ovl_facts_index_entry(&facts, 77), &facts.index.data[3]);
	ck_assert_ptr_null(ovl_facts_index_entry(&facts, 79));
	ck_assert_int_eq(add_link(77, "/a", 0), 1);
	ck_assert_int_eq(add_link(78, "/b", 0), 1);
	ck_assert(!ovl_facts_has_index(&facts, 78));
	ck_assert(!ovl_facts_has_index(&facts, 79));
	link = ovl_facts_find_link(&facts, 77);
	ck_assert_uint_eq(link->names, 1);
	ck_assert_uint_eq(link->entries, 1);
	ck_assert_uint_eq(link->index, 4);
	/* a second entry of the same inode */
	ck_assert_int_eq(add_link(77, NULL, 9), 0);
	ck_assert_uint_eq(ovl_facts_find_link(&facts, 77)->entries, 2);
	ck_assert_uint_eq(ovl_facts_find_link(&facts, 77)->names, 1);
}
END_TEST

/* Plain names are counted for inodes that somebody has registered, and for no others. */
START_TEST(test_facts_count_name)
{
	struct ovl_path *dir = path_of("/d");

	ck_assert_int_eq(add_link(77, NULL, 1), 0);
	ck_assert_int_eq(ovl_facts_count_name(&facts, 77, dir, "name!", 4), 0);
	ck_assert_int_eq(ovl_facts_count_name(&facts, 77, NULL, "z", 1), 0);
	ck_assert_int_eq(ovl_facts_count_name(&facts, 78, dir, "name", 4), 0);
	ck_assert_uint_eq(ovl_facts_find_link(&facts, 77)->names, 2);
	check_path(ovl_facts_find_link(&facts, 77)->path, "/d/name");
	ck_assert_ptr_null(ovl_facts_find_link(&facts, 78));
	ovl_path_unref(dir);
}
END_TEST

/* What the names of a metacopy file with a relative redirect lead to: one inode, several, or nothing. */
START_TEST(test_facts_heads)
{
	static const struct {
		uint64_t head[3]; /* 0: the name is lost */
		unsigned n_lost;
		const char *lost;
		bool differ;
	} cases[] = {
		{ { 9, 9, 9 }, 0, NULL, false },  { { 9, 8, 9 }, 0, NULL, true },
		{ { 0, 9, 9 }, 1, "/n0", false }, { { 9, 0, 0 }, 2, "/n1", false },
		{ { 0, 0, 0 }, 3, "/n0", false }, { { 0, 9, 8 }, 1, "/n0", true },
	};
	const struct ovl_fact_link *link;

	for (unsigned i = 3; i-- > 0;) { /* backwards: the first in order comes last */
		char name[] = "/n0";
		struct ovl_path *p;
		struct ovl_fact_link l = { .ino = 77, .metacopy = true, .relative_redirect = true };

		name[2] = (char)('0' + i);
		p = path_of(name);
		l.path = p;
		l.lost = cases[_i].head[i] ? NULL : p;
		l.head = (struct ovl_key){ cases[_i].head[i] ? 5 : 0, cases[_i].head[i] };
		ck_assert_int_ge(ovl_facts_add_link(&facts, &l), 0);
		ovl_path_unref(p);
	}
	link = ovl_facts_find_link(&facts, 77);
	ck_assert_uint_eq(link->n_lost, cases[_i].n_lost);
	ck_assert_int_eq(link->heads_differ, cases[_i].differ);
	if (cases[_i].lost)
		check_path(link->lost, cases[_i].lost);
	else
		ck_assert_ptr_null(link->lost);
	check_path(link->path, "/n0");
}
END_TEST

/* The claim of a hard-linked file is told under its first name, whichever name made the claim. */
START_TEST(test_facts_settled_name)
{
	ck_assert_int_eq(add_link(1009, "/z", 0), 1);
	ck_assert_int_eq(add_link(1009, "/a", 0), 0);
	ck_assert_int_eq(add_origin("/z", 9, false, false), 0);
	ck_assert_int_eq(ovl_facts_sort(&facts), 0);
	ck_assert_uint_eq(facts.origin.len, 1);
	check_path(facts.origin.data[0].path, "/a");
}
END_TEST

/* The same for one that shares its origin, and for one that is at home under another name. */
START_TEST(test_facts_settled_claims)
{
	const struct ovl_key lower = { 5, 9 }, other = { 5, 10 };

	ck_assert_int_eq(add_link(1009, "/z", 0), 1);
	ck_assert_int_eq(add_origin("/z", 9, false, false), 0);
	ck_assert_int_eq(add_link(1009, "/a", 0), 0);
	ck_assert_int_eq(add_link(1010, "/y", 0), 1);
	ck_assert_int_eq(add_origin("/y", 10, false, false), 0);
	ck_assert_int_eq(add_link(1010, "/b", 0), 0);
	ovl_facts_note_home(&facts, 1010);
	ck_assert_ptr_null(ovl_facts_claim(&facts, lower));
	ck_assert_int_eq(ovl_facts_sort(&facts), 0);
	check_path(ovl_facts_claim(&facts, lower), "/a");
	check_path(ovl_facts_claim(&facts, other), "/b");
	ck_assert_uint_eq(facts.n_home, 1);
	ck_assert_uint_eq(facts.origin.len, 1);
	/* a second inode claims it, seen before or after */
	ck_assert_int_eq(add_link(2009, "/x", 0), 1);
	{
		struct ovl_path *x = path_of("/x");
		struct ovl_fact_origin claim = { .key = lower, .path = x, .ino = 2009 };

		ck_assert_int_eq(ovl_facts_add_origin(&facts, &claim), 0);
		ovl_path_unref(x);
	}
	ck_assert_int_eq(add_link(2009, "/0", 0), 0);
	ck_assert_int_eq(ovl_facts_sort(&facts), 0);
	ck_assert_uint_eq(facts.duplicate.len, 2);
	check_path(facts.duplicate.data[0].path, "/0");
	check_path(facts.duplicate.data[1].path, "/a");
	check_path(ovl_facts_claim(&facts, lower), "/0");
}
END_TEST

START_TEST(test_facts_home)
{
	ck_assert_int_eq(add_link(77, "/a", 0), 1);
	ovl_facts_note_home(&facts, 77);
	ovl_facts_note_home(&facts, 78);
	ck_assert(ovl_facts_find_link(&facts, 77)->at_home);
	ck_assert_ptr_null(ovl_facts_find_link(&facts, 78));
}
END_TEST

/* ---- Many threads ---- */

enum { THREADS = 4, EACH = 2000 };

static void *add_many(void *arg)
{
	unsigned t = *(unsigned *)arg;
	char name[32];

	for (unsigned i = 0; i < EACH; i++) {
		struct ovl_path *p;
		struct ovl_fact_link link = { .ino = i % 100, .nlink = 9 };
		struct ovl_fact_origin claim = { .key = { 1, i }, .ino = 100000 + i };

		snprintf(name, sizeof(name), "/%u-%u", t, i);
		p = path_of(name);
		link.path = claim.path = p;
		ovl_facts_add_link(&facts, &link);
		ovl_facts_add_origin(&facts, &claim);
		ovl_facts_has_index(&facts, i % 100);
		ovl_facts_note_home(&facts, i % 100);
		ovl_path_unref(p);
	}
	return NULL;
}

START_TEST(test_facts_threads)
{
	pthread_t thread[THREADS];
	unsigned number[THREADS];

	for (unsigned i = 0; i < THREADS; i++) {
		number[i] = i;
		ck_assert_int_eq(pthread_create(&thread[i], NULL, add_many, &number[i]), 0);
	}
	for (unsigned i = 0; i < THREADS; i++)
		ck_assert_int_eq(pthread_join(thread[i], NULL), 0);
	ck_assert_int_eq(ovl_facts_sort(&facts), 0);
	ck_assert_uint_eq(facts.link.len, 100);
	for (unsigned i = 0; i < 100; i++)
		ck_assert_uint_eq(facts.link.data[i].names, THREADS * EACH / 100);
	ck_assert_uint_eq(facts.origin.len, THREADS * EACH);
	ck_assert_uint_eq(facts.duplicate.len, THREADS * EACH);
	ck_assert_uint_eq(facts.linked.len, 0);
}
END_TEST

#if OVL_OOM
/* What there was no memory for is not half there: everything found is whole, everything is freed. */
START_TEST(test_facts_oom)
{
	struct ovl_path *p = path_of("/a");

	OVL_OOM_LOOP(n)
	{
		struct ovl_fact_link link = { .ino = 77, .path = p };
		struct ovl_fact_origin claim = { .key = { 5, 9 }, .path = p, .ino = 77 };
		struct ovl_fact_redirect red = { .source = { 0, p }, .target = { 1, p } };
		struct ovl_facts f;
		bool failed;
		int r;

		ck_assert_int_eq(ovl_facts_init(&f), 0);
		ovl_oom_arm(n);
		r = ovl_facts_add_link(&f, &link);
		if (r >= 0)
			r = ovl_facts_add_origin(&f, &claim);
		if (r >= 0)
			r = ovl_facts_add_origin(&f, &claim);
		if (r >= 0)
			r = ovl_facts_add_redirect(&f, &red);
		if (r >= 0)
			r = ovl_facts_sort(&f);
		failed = ovl_oom_disarm();
		ck_assert_int_eq(r, failed ? -ENOMEM : 0);
		ck_assert(!ovl_facts_has_link(&f, 77) ||
			  ovl_facts_find_link(&f, 77) == &f.link.data[0]);
		ck_assert_uint_le(f.link.len, 1);
		ovl_facts_done(&f);
		ck_assert_uint_eq(p->refs, 1);
		if (!failed) {
			ck_assert_uint_gt(n, 6);
			break;
		}
	}
	ovl_path_unref(p);
}
END_TEST
#endif

int main(void)
{
	Suite *s = suite_create("check/facts");
	TCase *t = tcase_create("facts");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, test_facts_origins);
	tcase_add_loop_test(t, test_facts_duplicates, 0, 6);
	tcase_add_test(t, test_facts_claim);
	tcase_add_test(t, test_facts_links);
	tcase_add_test(t, test_facts_links_of_index);
	tcase_add_test(t, test_facts_count_name);
	tcase_add_loop_test(t, test_facts_heads, 0, 6);
	tcase_add_test(t, test_facts_settled_name);
	tcase_add_test(t, test_facts_settled_claims);
	tcase_add_test(t, test_facts_home);
	tcase_add_test(t, test_facts_threads);
#if OVL_OOM
	if (ovl_oom_works())
		tcase_add_test(t, test_facts_oom);
#endif
	suite_add_tcase(s, t);
	return ovl_unit_main(s);
}
