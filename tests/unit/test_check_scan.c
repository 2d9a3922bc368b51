/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "base/cleanup.h"
#include "check/scan.h"
#include "unit/reader_fault.h"
#include "unit/tree_kit.h"
#include "unit/unit.h"

enum { DEEP = 3000, THREADS = 4 };

static struct tree_stack tree;
static struct reader_fault fault;

/*
 * lower1 is the layer under walk in most tests: "dir" is merged with lower2, "gone" has a redirect
 * that cannot be followed, "opaque" hides.
 */
static void setup(void)
{
	tree_clear();
	tree_layers(2);
	tree_dir("upper/dir/up");
	tree_dir("lower1/dir/sub");
	tree_dir("lower2/dir/sub");
	tree_dir("lower1/gone/below");
	tree_dir("lower2/gone/below");
	tree_dir("lower1/opaque/below");
	tree_dir("lower2/opaque/below");
	tree_mark("lower1/opaque", "opaque", "y");
	if (tree_has_trusted())
		tree_mark("lower1/gone", "redirect", "not/one");
	reader_fault_init(&fault, ovl_reader_linux());
	ck_assert_int_eq(tree_open(&tree, 2, "", &fault.reader), 0);
}

static void teardown(void)
{
	tree_close(&tree);
	ck_assert_int_eq(fault.n_open, 0);
}

static struct ovl_scan_dir *scan_root(int layer)
{
	struct ovl_scan_dir *d = ovl_scan_new(NULL, ovl_dir_ref(tree.stack->root_dir[layer]));

	ck_assert_ptr_nonnull(d);
	return d;
}

static struct ovl_scan_dir *scan_child(struct ovl_scan_dir *parent, const char *name)
{
	struct ovl_path *path = ovl_path_new(parent->dir->path, name, strlen(name));
	struct ovl_scan_dir *d;
	struct ovl_dir *dir;

	ck_assert_int_eq(ovl_dir_child(parent->dir, path, &dir), 0);
	d = ovl_scan_new(parent, dir);
	ck_assert_ptr_nonnull(d);
	ovl_path_unref(path);
	return d;
}

static struct ovl_bytes bytes(const char *s)
{
	return (struct ovl_bytes){ (const unsigned char *)s, strlen(s) };
}

/* What the marks of a directory say about it. */
START_TEST(test_scan_note)
{
	static const struct {
		const char *opaque, *impure;
		uint32_t xbad;
		bool is_opaque, xwhiteouts, has_impure, impure_y;
	} cases[] = {
		{ NULL, NULL, 0, false, false, false, false },
		{ "y", NULL, 0, true, false, false, false },
		{ "x", NULL, 0, false, true, false, false },
		{ "yes", NULL, 0, false, false, false, false },
		{ "", NULL, 0, false, false, false, false },
		/* what could not be read may be there */
		{ NULL, NULL, OVL_XBIT(OPAQUE), false, true, false, false },
		{ NULL, "y", 0, false, false, true, true },
		{ NULL, "", 0, false, false, true, false },
		{ NULL, "yy", 0, false, false, true, false },
		{ NULL, NULL, OVL_XBIT(IMPURE), false, false, true, false },
	};
	struct ovl_scan_dir *root = scan_root(1), *d = scan_child(root, "dir");

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct ovl_obs obs = { .kind = OVL_KIND_DIR, .xbad = cases[i].xbad };

		if (cases[i].opaque) {
			obs.xmask |= OVL_XBIT(OPAQUE);
			obs.x[OVL_X_OPAQUE] = bytes(cases[i].opaque);
		}
		if (cases[i].impure) {
			obs.xmask |= OVL_XBIT(IMPURE);
			obs.x[OVL_X_IMPURE] = bytes(cases[i].impure);
		}
		ovl_scan_note(d, &obs);
		ck_assert_int_eq(d->opaque, cases[i].is_opaque);
		ck_assert_int_eq(d->xwhiteouts, cases[i].xwhiteouts);
		ck_assert_int_eq(d->has_impure, cases[i].has_impure);
		ck_assert_int_eq(d->impure, cases[i].impure_y);
		/* the root of a layer has nothing below it to hide */
		ovl_scan_note(root, &obs);
		ck_assert(!root->opaque);
		ck_assert_int_eq(root->xwhiteouts, cases[i].xwhiteouts);
	}
	ovl_scan_unref(d);
	ovl_scan_unref(root);
}
END_TEST

START_TEST(test_scan_inherits)
{
	struct ovl_scan_dir *root = scan_root(1), *d = scan_child(root, "opaque"), *below;

	ck_assert(!d->below_opaque && !d->quiet);
	d->opaque = true;
	d->quiet = true;
	below = scan_child(d, "below");
	ck_assert(below->below_opaque && below->quiet);
	ck_assert(!below->opaque);
	ck_assert_int_eq(below->shown, -1);
	ovl_scan_unref(below);
	ovl_scan_unref(d);
	ck_assert(!root->below_opaque && !root->quiet);
	ovl_scan_unref(root);
}
END_TEST

/* The entry is that of the part of the stack from the layer down, with the directory itself on top. */
START_TEST(test_scan_entry)
{
	struct ovl_scan_dir *root = scan_root(1), *d = scan_child(root, "dir");
	struct ovl_scan_dir *sub = scan_child(d, "sub");
	struct ovl_entry *e = NULL, *again;

	/* asked for the innermost, those above are found on the way */
	ck_assert_int_eq(ovl_scan_entry(sub, &e), 0);
	ck_assert_int_eq(e->first, 1);
	ck_assert_ptr_null(e->upper);
	ck_assert_uint_eq(e->n_lower, 2);
	ck_assert_int_eq(e->lower[0]->layer, 1);
	ck_assert_int_eq(e->lower[1]->layer, 2);
	ck_assert_int_eq(ovl_scan_entry(sub, &again), 0);
	ck_assert_ptr_eq(e, again);
	ck_assert_int_eq(ovl_scan_entry(d, &e), 0);
	ck_assert_uint_eq(e->n_lower, 2);
	ck_assert_int_eq(ovl_scan_entry(root, &e), 0);
	ovl_scan_unref(sub);
	ovl_scan_unref(d);
	ovl_scan_unref(root);
}
END_TEST

START_TEST(test_scan_entry_of_upper)
{
	struct ovl_scan_dir *root = scan_root(0), *d = scan_child(root, "dir"), *up;
	struct ovl_entry *e = NULL;

	ck_assert_int_eq(ovl_scan_entry(d, &e), 0);
	ck_assert_ptr_nonnull(e->upper);
	ck_assert_uint_eq(e->n_lower, 2);
	up = scan_child(d, "up");
	ck_assert_int_eq(ovl_scan_entry(up, &e), 0);
	ck_assert_uint_eq(e->n_lower, 0);
	/* dropped, it is not made again */
	ovl_scan_drop_entry(d);
	ck_assert_int_eq(ovl_scan_entry(d, &e), -ENOENT);
	/* but what was made from it stays */
	ck_assert_int_eq(ovl_scan_entry(up, &e), 0);
	ovl_scan_unref(up);
	ovl_scan_unref(d);
	ovl_scan_unref(root);
}
END_TEST

/* Where no lookup comes there is nothing to be judged, all the way down. */
START_TEST(test_scan_entry_none)
{
	struct ovl_scan_dir *root = scan_root(1), *d = scan_child(root, "gone");
	struct ovl_scan_dir *below = scan_child(d, "below");
	struct ovl_entry *e = (struct ovl_entry *)&tree, *before = e;

	if (!tree_has_trusted()) {
		tree_skip("a bad redirect above", "needs root");
	} else {
		ck_assert_int_eq(ovl_scan_entry(below, &e), -ENOENT);
		ck_assert_int_eq(ovl_scan_entry(d, &e), -ENOENT);
		ck_assert_int_eq(ovl_scan_entry(below, &e), -ENOENT);
		ck_assert_ptr_eq(e, before);
		ck_assert_uint_eq(tree.stack->unread.item.len, 0);
	}
	ovl_scan_unref(below);
	ovl_scan_unref(d);
	ovl_scan_unref(root);
}
END_TEST

/* The same if it cannot be read, and then the stack knows. */
START_TEST(test_scan_entry_unreadable)
{
	struct ovl_scan_dir *root = scan_root(1), *d = scan_child(root, "dir");
	struct ovl_entry *e;

	fault.name = "dir";
	fault.calls = READER_BIT(STAT);
	reader_fault_rearm(&fault, 0, -EIO);
	ck_assert_int_eq(ovl_scan_entry(d, &e), -ENOENT);
	ck_assert_uint_eq(tree.stack->unread.item.len, 1);
	ovl_scan_unref(d);
	ovl_scan_unref(root);
}
END_TEST

/* A lookup that was made already is taken as it is; one of something else is not. */
START_TEST(test_scan_set_entry)
{
	struct ovl_scan_dir *root = scan_root(1), *d = scan_child(root, "dir");
	struct ovl_scan_dir *other = scan_child(root, "opaque");
	struct ovl_entry *e, *top;
	struct ovl_hit hit;

	ck_assert_int_eq(ovl_scan_entry(root, &top), 0);
	ck_assert_int_eq(ovl_lookup(tree.stack, top, "dir", NULL, NULL, &hit), 0);
	ck_assert(ovl_scan_is_on_top(d, &hit));
	reader_fault_rearm(&fault, 0, -EIO);
	ck_assert_int_eq(ovl_scan_set_entry(d, &hit), 0);
	ck_assert_int_eq(ovl_scan_entry(d, &e), 0);
	ck_assert_uint_eq(e->n_lower, 2);
	ck_assert_uint_eq(fault.n_failed, 0);
	ovl_hit_done(&hit);
	/* lower2 is on top here: that is not the directory of lower1 */
	reader_fault_rearm(&fault, 0, 0);
	tree_dir("lower2/only");
	ck_assert_int_eq(ovl_lookup(tree.stack, top, "only", NULL, NULL, &hit), 0);
	ck_assert(!ovl_scan_is_on_top(other, &hit));
	ck_assert_int_eq(ovl_scan_set_entry(other, &hit), 0);
	ck_assert_int_eq(ovl_scan_entry(other, &e), -ENOENT);
	ovl_hit_done(&hit);
	ovl_scan_unref(other);
	ovl_scan_unref(d);
	ovl_scan_unref(root);
}
END_TEST

static void make_deep(const char *layer)
{
	struct ovl_buf path = { 0 };

	/* in pieces that are no longer than paths may be */
	ck_assert_int_eq(ovl_buf_adds(&path, layer), 0);
	for (unsigned i = 0; i < DEEP; i++)
		ck_assert_int_eq(ovl_buf_adds(&path, "/d"), 0);
	tree_deep_dir(path.data);
	ovl_buf_done(&path);
}

static struct ovl_scan_dir *scan_deep(void)
{
	struct ovl_scan_dir *d = scan_root(1), *next;

	for (unsigned i = 0; i < DEEP; i++) {
		next = scan_child(d, "d");
		ovl_scan_unref(d);
		d = next;
	}
	return d;
}

static void *ask_deep(void *arg)
{
	struct ovl_scan_dir *d = scan_deep();
	struct ovl_entry *e = NULL;

	reader_fault_rearm(&fault, 0, 0);
	*(int *)arg = ovl_scan_entry(d, &e) == 0 ? (int)e->n_lower : -1;
	ovl_scan_unref(d);
	return NULL;
}

/* With a small stack: neither asking nor letting go calls itself once a level. */
START_TEST(test_scan_deep)
{
	pthread_attr_t small;
	pthread_t thread;
	int n_lower = 0;

	make_deep("lower1");
	make_deep("lower2");
	tree.stack->cache.budget = 50;
	ck_assert_int_eq(pthread_attr_init(&small), 0);
	ck_assert_int_eq(pthread_attr_setstacksize(&small, 128 * 1024), 0);
	ck_assert_int_eq(pthread_create(&thread, &small, ask_deep, &n_lower), 0);
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	pthread_attr_destroy(&small);
	ck_assert_int_eq(n_lower, 2);
	/* and the work is a few calls a level */
	ck_assert_uint_lt(fault.n_matching, 20 * DEEP);
}
END_TEST

static void *ask(void *arg)
{
	struct ovl_entry *e = NULL;
	int r = ovl_scan_entry(arg, &e);

	return r == 0 && e->n_lower == 2 ? NULL : arg;
}

/* All threads ask for the same; one of them finds out, or several, and all get the same answer. */
START_TEST(test_scan_threads)
{
	struct ovl_scan_dir *root = scan_root(1);
	pthread_t thread[THREADS];
	void *wrong;

	for (unsigned round = 0; round < 50; round++) {
		struct ovl_scan_dir *d = scan_child(root, "dir"), *sub = scan_child(d, "sub");

		for (unsigned i = 0; i < THREADS; i++)
			ck_assert_int_eq(pthread_create(&thread[i], NULL, ask, i % 2 ? d : sub), 0);
		for (unsigned i = 0; i < THREADS; i++) {
			ck_assert_int_eq(pthread_join(thread[i], &wrong), 0);
			ck_assert_ptr_null(wrong);
		}
		ovl_scan_unref(sub);
		ovl_scan_unref(d);
	}
	ovl_scan_unref(root);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("check/scan");
	TCase *t = tcase_create("scan");

	if (!tree_works())
		return EXIT_SUCCESS;
	tcase_set_timeout(t, 60);
	tcase_add_unchecked_fixture(t, tree_start, tree_stop);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, test_scan_note);
	tcase_add_test(t, test_scan_inherits);
	tcase_add_test(t, test_scan_entry);
	tcase_add_test(t, test_scan_entry_of_upper);
	tcase_add_test(t, test_scan_entry_none);
	tcase_add_test(t, test_scan_entry_unreadable);
	tcase_add_test(t, test_scan_set_entry);
	tcase_add_test(t, test_scan_deep);
	tcase_add_test(t, test_scan_threads);
	suite_add_tcase(s, t);
	return ovl_unit_main(s);
}
