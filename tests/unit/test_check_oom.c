/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The whole check, running out of memory at each allocation in turn: it says so or does without, and
 * nothing leaks.
 */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "stack/lookup.h"

/* What unit/oom.h makes of malloc() gets another name here, so that blocks can be counted besides. */
void *oom_malloc(size_t size);
void *oom_calloc(size_t n, size_t size);
void *oom_realloc(void *p, size_t size);
#define malloc oom_malloc
#define calloc oom_calloc
#define realloc oom_realloc
#include "unit/oom.h"
#undef malloc
#undef calloc
#undef realloc

#include "unit/reader_fault.h"
#include "unit/test_io_kit.h"
#include "unit/tree_every.h"
#include "unit/tree_kit.h"
#include "unit/unit.h"

#if OVL_OOM

static long blocks; /* allocated and not freed yet */

extern void __libc_free(void *p);

static void *counted(void *p)
{
	if (p)
		__atomic_add_fetch(&blocks, 1, __ATOMIC_RELAXED);
	return p;
}

OVL_OOM_PUBLIC void *malloc(size_t size)
{
	return counted(oom_malloc(size));
}

OVL_OOM_PUBLIC void *calloc(size_t n, size_t size)
{
	return counted(oom_calloc(n, size));
}

OVL_OOM_PUBLIC void *realloc(void *p, size_t size)
{
	return p ? oom_realloc(p, size) : counted(oom_realloc(p, size));
}

OVL_OOM_PUBLIC void free(void *p)
{
	if (p)
		__atomic_sub_fetch(&blocks, 1, __ATOMIC_RELAXED);
	__libc_free(p);
}

/* Under valgrind these are not ours, or only some of them, or not those of the C library. */
static bool is_counting(void)
{
	char *(*volatile allocate)(const char *) = strdup;
	void (*volatile release)(void *) = free;
	long before = blocks;
	void *p = allocate("text");
	bool counted_up = blocks == before + 1;

	release(p);
	return counted_up && blocks == before;
}

static struct reader_fault fault;

static bool is_long(void)
{
	const char *value = getenv("OVL_LONG");

	return value && *value && strcmp(value, "0") != 0;
}

START_TEST(test_oom_open)
{
	_cleanup_free_ char *options = tree_options(TREE_EVERY_LOWERS, TREE_EVERY_OPTIONS);
	struct ovl_config config = { 0 };

	ck_assert_int_eq(ovl_config_parse(&config, options, NULL), 0);
	reader_fault_init(&fault, ovl_reader_linux());
	OVL_OOM_LOOP(n)
	{
		struct ovl_stack *stack = NULL;
		struct ovl_error e = OVL_ERROR_INIT;
		long before = blocks;
		int r;

		ovl_oom_arm(n);
		r = ovl_stack_open(&config, &fault.reader, &stack, &e);
		if (!ovl_oom_disarm()) {
			ck_assert_int_eq(r, 0);
			ovl_stack_close(stack);
			ck_assert_uint_gt(n, 10);
			break;
		}
		ck_assert_int_eq(r, -ENOMEM);
		ck_assert_int_eq(e.code, -ENOMEM);
		ck_assert_ptr_null(stack);
		ck_assert_int_eq(fault.n_open, 0);
		ovl_error_done(&e);
		ck_assert_int_eq(blocks, before);
	}
	ovl_config_done(&config);
}
END_TEST

START_TEST(test_oom_check)
{
	const struct ovl_check_options options = { .threads = 1 };
	const unsigned long step = is_long() ? 1 : 3;
	_cleanup_free_ char *whole = NULL;
	struct ovl_report *first;
	struct tree_stack t;

	kit_deny(SYS_fsopen, EPERM); /* see test_check_fault.c */
	reader_fault_init(&fault, ovl_reader_linux());
	ck_assert_int_eq(tree_open(&t, TREE_EVERY_LOWERS, TREE_EVERY_OPTIONS, &fault.reader), 0);
	ck_assert_int_eq(tree_check(t.stack, 1, &first), 0);
	whole = tree_report(t.stack, first, OVL_SEV_INFO);
	ovl_report_free(first);
	for (unsigned long n = 1;; n += step) {
		struct ovl_report *report = NULL;
		struct ovl_error e = OVL_ERROR_INIT;
		long before = blocks;
		bool failed;
		int r;

		ovl_oom_arm(n);
		r = ovl_check(t.stack, &options, &report, &e);
		failed = ovl_oom_disarm();
		if (r == 0) { /* the C library can do without some of what it asks for */
			_cleanup_free_ char *again = tree_report(t.stack, report, OVL_SEV_INFO);

			ck_assert_str_eq(again, whole);
			ovl_report_free(report);
		} else {
			ck_assert_msg(r == -ENOMEM, "allocation %lu: %d", n, r);
			ck_assert(failed);
			ck_assert_int_eq(e.code, -ENOMEM);
			ck_assert_ptr_null(report);
		}
		ck_assert_int_eq(fault.n_open, (int64_t)t.stack->cache.n_open);
		ck_assert_int_eq(fault.n_threads, 0);
		ovl_error_done(&e);
		ck_assert_msg(blocks == before, "allocation %lu: %ld blocks more", n,
			      blocks - before);
		if (!failed) {
			ck_assert_uint_gt(n, 500);
			break;
		}
	}
	tree_close(&t);
	ck_assert_int_eq(fault.n_open, 0);
}
END_TEST

static const char *const paths[] = { "dir/new/inside",  "dir/moved-here", "chain",
				     "second/data",     "hidden/a",       "nothing",
				     "dir/deep/re/file" };

/* A lookup has an answer or no memory, and never half of one. */
START_TEST(test_oom_lookup)
{
	struct tree_stack t;
	struct ovl_path *path;

	reader_fault_init(&fault, ovl_reader_linux());
	ck_assert_int_eq(tree_open(&t, TREE_EVERY_LOWERS, TREE_EVERY_OPTIONS, &fault.reader), 0);
	ck_assert_int_eq(ovl_path_parse(paths[_i], &path), 0);
	ovl_entry_unref(ovl_lookup_root(t.stack, OVL_LAYER_UPPER)); /* the stack keeps it */
	OVL_OOM_LOOP(n)
	{
		struct ovl_hit hit = { .result = 77 };
		struct ovl_entry *entry = NULL;
		long before = blocks;
		int r;

		ovl_oom_arm(n);
		r = ovl_lookup_path(t.stack, OVL_LAYER_UPPER, path, &hit, &entry);
		if (!ovl_oom_disarm()) {
			ck_assert_int_eq(r, 0);
			ck_assert_int_ne(hit.result, 77);
			ovl_hit_done(&hit);
			ovl_entry_unref(entry);
			ck_assert_uint_gt(n, 5);
			break;
		}
		ck_assert_int_eq(r, -ENOMEM);
		ck_assert_int_eq(hit.result, 77);
		ck_assert_ptr_null(entry);
		ck_assert_int_eq(fault.n_open, (int64_t)t.stack->cache.n_open);
		ck_assert_int_eq(blocks, before);
	}
	ovl_path_unref(path);
	tree_close(&t);
	ck_assert_int_eq(fault.n_open, 0);
}
END_TEST

/* What cannot be read is noted, and the note needs memory too. */
START_TEST(test_oom_unread)
{
	struct tree_stack t;
	struct ovl_path *path;

	reader_fault_init(&fault, ovl_reader_linux());
	ck_assert_int_eq(tree_open(&t, TREE_EVERY_LOWERS, TREE_EVERY_OPTIONS, &fault.reader), 0);
	ck_assert_int_eq(ovl_path_parse("dir/deep", &path), 0);
	fault.name = "deep";
	fault.calls = READER_BIT(STAT);
	reader_fault_rearm(&fault, 0, -EIO);
	OVL_OOM_LOOP(n)
	{
		struct ovl_hit hit;
		int r;

		ovl_unread_clear(&t.stack->unread);
		ovl_oom_arm(n);
		r = ovl_lookup_path(t.stack, OVL_LAYER_UPPER, path, &hit, NULL);
		if (!ovl_oom_disarm()) {
			ck_assert_int_eq(r, 0);
			ck_assert_int_eq(hit.result, -EIO);
			ck_assert_uint_eq(t.stack->unread.item.len, 1);
			ovl_hit_done(&hit);
			break;
		}
		ck_assert_int_eq(r, -ENOMEM);
	}
	ovl_path_unref(path);
	tree_close(&t);
}
END_TEST
#endif

int main(void)
{
#if OVL_OOM
	Suite *s = suite_create("check/oom");
	TCase *t = tcase_create("oom");

	if (!tree_works())
		return EXIT_SUCCESS;
	if (!tree_has_trusted() || !tree_has_handles() || !is_counting()) {
		printf("1..0 # SKIP needs root, file handles, and malloc() of its own\n");
		return EXIT_SUCCESS;
	}
	tcase_set_timeout(t, 600);
	tcase_add_unchecked_fixture(t, tree_start, NULL);
	tcase_add_unchecked_fixture(t, tree_every, tree_stop);
	tcase_add_test(t, test_oom_open);
	tcase_add_test(t, test_oom_check);
	tcase_add_loop_test(t, test_oom_lookup, 0, ARRAY_LEN(paths));
	tcase_add_test(t, test_oom_unread);
	suite_add_tcase(s, t);
	return ovl_unit_main(s);
#else
	printf("1..0 # SKIP malloc() belongs to the sanitizers here\n");
	return EXIT_SUCCESS;
#endif
}
