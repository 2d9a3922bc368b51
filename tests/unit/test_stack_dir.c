/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "stack/dir.h"
#include "unit/reader_fault.h"
#include "unit/tree_kit.h"
#include "unit/unit.h"

enum { DEEP = 5000, WIDE = 200 };

static struct tree_stack tree;
static struct reader_fault fault;

/* A stack whose calls are counted; the descriptors that it has open are @fault.n_open. */
static void setup(void)
{
	tree_clear();
	tree_layers(2);
	reader_fault_init(&fault, ovl_reader_linux());
	ck_assert_int_eq(tree_open(&tree, 2, "", &fault.reader), 0);
}

static void teardown(void)
{
	tree_close(&tree);
	ck_assert_int_eq(fault.n_open, 0);
}

static struct ovl_path *child(struct ovl_path *parent, const char *name)
{
	struct ovl_path *p = ovl_path_new(parent, name, strlen(name));

	ck_assert_ptr_nonnull(p);
	return p;
}

static uint64_t inode_of(int fd)
{
	struct stat st;

	ck_assert_int_eq(fstat(fd, &st), 0);
	return st.st_ino;
}

/* A chain of directories "d/d/d..." in upper, and the inode number of each. */
static void make_deep(uint64_t *ino, unsigned n)
{
	_cleanup_close_ int fd = open("upper", O_RDONLY | O_DIRECTORY);
	int next;

	for (unsigned i = 0; i < n; i++) {
		ck_assert_int_eq(mkdirat(fd, "d", 0755), 0);
		next = openat(fd, "d", O_RDONLY | O_DIRECTORY);
		ck_assert_int_ge(next, 0);
		close(fd);
		fd = next;
		ino[i] = inode_of(fd);
	}
}

/* The same chain as directories of the stack; dir[0] is below the root. */
static void open_deep(struct ovl_dir **dir, unsigned n)
{
	struct ovl_dir *up = tree.stack->root_dir[OVL_LAYER_UPPER];

	for (unsigned i = 0; i < n; i++) {
		struct ovl_path *path = child(up->path, "d");

		ck_assert_int_eq(ovl_dir_child(up, path, &dir[i]), 0);
		ovl_path_unref(path);
		up = dir[i];
	}
}

static void check_pin(struct ovl_dir *d, uint64_t ino)
{
	int fd = -1;

	ck_assert_int_eq(ovl_dir_pin(d, &fd), 0);
	ck_assert_uint_eq(inode_of(fd), ino);
	ovl_dir_unpin(d);
}

static void drop_all(struct ovl_dir **dir, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		ck_assert_ptr_null(ovl_dir_unref(dir[i]));
}

START_TEST(test_dir_root)
{
	struct ovl_dir *d = tree.stack->root_dir[OVL_LAYER_UPPER];
	int first, second;

	ck_assert_int_eq(d->fd, -1);
	ck_assert_int_eq(ovl_dir_pin(d, &first), 0);
	ck_assert_int_eq(ovl_dir_pin(d, &second), 0);
	ck_assert_int_eq(first, second);
	ck_assert_uint_eq(inode_of(first), tree.stack->layer[0].root.stat.ino);
	/* pinned twice, it is idle only when unpinned twice */
	ovl_dir_unpin(d);
	ck_assert_ptr_null(tree.stack->cache.newest);
	ovl_dir_unpin(d);
	ck_assert_ptr_eq(tree.stack->cache.newest, d);
	ck_assert_ptr_eq(tree.stack->cache.oldest, d);
	ck_assert_uint_eq(tree.stack->cache.n_open, 1);
	/* an idle one is used again */
	ck_assert_int_eq(ovl_dir_pin(d, &second), 0);
	ck_assert_int_eq(first, second);
	ovl_dir_unpin(d);
}
END_TEST

START_TEST(test_dir_refs)
{
	struct ovl_path *path = child(NULL, "a");
	struct ovl_dir *d = ovl_dir_new(tree.stack, OVL_LAYER_UPPER, path);

	ck_assert_ptr_nonnull(d);
	ck_assert_uint_eq(path->refs, 2);
	ck_assert_ptr_eq(ovl_dir_ref(d), d);
	ck_assert_ptr_null(ovl_dir_unref(d));
	ck_assert_uint_eq(path->refs, 2);
	ck_assert_ptr_null(ovl_dir_unref(d));
	ck_assert_uint_eq(path->refs, 1);
	ck_assert_ptr_null(ovl_dir_unref(NULL));
	ovl_path_unref(path);
}
END_TEST

/* What is no directory, or not there, gives its errno and leaves @ret alone; nothing stays open. */
START_TEST(test_dir_errors)
{
	static const struct {
		const char *name;
		int error;
	} cases[] = { { "gone", -ENOENT }, { "file", -ENOTDIR }, { "link", -ELOOP } };
	int fd = 77;

	tree_file("upper/file", "");
	tree_symlink("upper/link", "real");
	tree_dir("upper/real");
	for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
		struct ovl_path *path = child(NULL, cases[i].name);
		struct ovl_dir *d = ovl_dir_new(tree.stack, OVL_LAYER_UPPER, path);

		ck_assert_int_eq(ovl_dir_pin(d, &fd), cases[i].error);
		ck_assert_int_eq(fd, 77);
		ck_assert_uint_eq(d->pins, 0);
		ck_assert_uint_eq(tree.stack->cache.n_open, 0);
		ovl_dir_unref(d);
		ovl_path_unref(path);
	}
	ck_assert_int_eq(fault.n_open, 0);
}
END_TEST

/* A deep one is opened at once, relative to its parent, so an error shows when it is made. */
START_TEST(test_dir_child_errors)
{
	static uint64_t ino[40];
	struct ovl_dir *dir[40], *ret = (struct ovl_dir *)&ino;
	struct ovl_path *path;

	make_deep(ino, 40);
	open_deep(dir, 40);
	path = child(dir[39]->path, "gone");
	ck_assert_int_eq(ovl_dir_child(dir[39], path, &ret), -ENOENT);
	ck_assert_ptr_eq(ret, (struct ovl_dir *)&ino);
	ck_assert_uint_eq(dir[39]->pins, 0);
	/* higher up it is only named */
	ovl_path_unref(path);
	path = child(NULL, "gone");
	ck_assert_int_eq(ovl_dir_child(tree.stack->root_dir[0], path, &ret), 0);
	ck_assert_int_eq(ret->fd, -1);
	ovl_dir_unref(ret);
	ovl_path_unref(path);
	drop_all(dir, 40);
}
END_TEST

/* However few may be open, each of them can be pinned, from top to bottom and back. */
START_TEST(test_dir_deep)
{
	static const size_t budgets[] = { 1, 2, 64, 20000 };
	static uint64_t ino[DEEP];
	static struct ovl_dir *dir[DEEP];

	make_deep(ino, DEEP);
	for (unsigned b = 0; b < ARRAY_LEN(budgets); b++) {
		size_t budget = budgets[b];

		tree.stack->cache.budget = budget;
		reader_fault_rearm(&fault, 0, 0);
		open_deep(dir, DEEP);
		/* walking down a chain costs one call a level, not one a level for each level */
		ck_assert_uint_lt(fault.n_call[READER_OPEN_DIR], DEEP + 10);
		ck_assert_uint_le(tree.stack->cache.n_open, budget);
		ck_assert_int_eq(fault.n_open, (int64_t)tree.stack->cache.n_open);
		for (unsigned i = 0; i < DEEP; i += 97)
			check_pin(dir[i], ino[i]);
		for (unsigned i = DEEP; i > 97; i -= 97)
			check_pin(dir[i - 1], ino[i - 1]);
		ck_assert_uint_le(tree.stack->cache.n_open, budget);
		drop_all(dir, DEEP);
		/* that of the layer root may be left */
		ck_assert_uint_le(tree.stack->cache.n_open, 1);
	}
}
END_TEST

/* What is pinned is never closed, even if more is pinned than may be open. */
START_TEST(test_dir_pins_beyond_budget)
{
	struct ovl_dir *dir[WIDE];
	uint64_t ino[WIDE];
	int fd[WIDE];

	tree.stack->cache.budget = 3;
	for (unsigned i = 0; i < WIDE; i++) {
		char name[32];
		struct ovl_path *path;

		snprintf(name, sizeof(name), "lower1/w%u", i);
		tree_dir(name);
		path = child(NULL, name + strlen("lower1/"));
		dir[i] = ovl_dir_new(tree.stack, 1, path);
		ovl_path_unref(path);
		ck_assert_int_eq(ovl_dir_pin(dir[i], &fd[i]), 0);
		ino[i] = inode_of(fd[i]);
	}
	ck_assert_uint_eq(tree.stack->cache.n_open, WIDE);
	for (unsigned i = 0; i < WIDE; i++)
		ck_assert_uint_eq(inode_of(fd[i]), ino[i]);
	for (unsigned i = 0; i < WIDE; i++)
		ovl_dir_unpin(dir[i]);
	/* idle now, they go one by one as others come */
	ck_assert_uint_eq(tree.stack->cache.n_open, WIDE);
	check_pin(tree.stack->root_dir[2], tree.stack->layer[2].root.stat.ino);
	ck_assert_int_eq(dir[0]->fd, -1);
	ck_assert_int_ge(dir[WIDE - 1]->fd, 0);
	drop_all(dir, WIDE);
}
END_TEST

/* The one that was not used for the longest time goes first. */
START_TEST(test_dir_evicts_oldest)
{
	struct ovl_dir *dir[4];

	tree.stack->cache.budget = 3;
	for (unsigned i = 0; i < 4; i++) {
		char name[] = "lower1/x0";
		struct ovl_path *path;

		name[8] = (char)('0' + i);
		tree_dir(name);
		path = child(NULL, name + strlen("lower1/"));
		dir[i] = ovl_dir_new(tree.stack, 1, path);
		ovl_path_unref(path);
	}
	for (unsigned i = 0; i < 3; i++) {
		int fd;

		ck_assert_int_eq(ovl_dir_pin(dir[i], &fd), 0);
		ovl_dir_unpin(dir[i]);
	}
	check_pin(dir[0], inode_of(dir[0]->fd)); /* now dir[1] is the oldest */
	check_pin(dir[2], inode_of(dir[2]->fd));
	ck_assert_int_eq(dir[3]->fd, -1);
	{
		int fd;

		ck_assert_int_eq(ovl_dir_pin(dir[3], &fd), 0);
		ovl_dir_unpin(dir[3]);
	}
	ck_assert_int_ge(dir[0]->fd, 0);
	ck_assert_int_eq(dir[1]->fd, -1);
	ck_assert_int_ge(dir[2]->fd, 0);
	ck_assert_ptr_eq(tree.stack->cache.oldest, dir[0]);
	ck_assert_ptr_eq(tree.stack->cache.newest, dir[3]);
	drop_all(dir, 4);
	ck_assert_ptr_null(tree.stack->cache.oldest);
	ck_assert_ptr_null(tree.stack->cache.newest);
}
END_TEST

/* A directory that was closed and replaced meanwhile by a symlink out of the layer is not followed. */
START_TEST(test_dir_replaced)
{
	struct ovl_path *path = child(NULL, "was");
	struct ovl_dir *d = ovl_dir_new(tree.stack, OVL_LAYER_UPPER, path);
	int fd;

	tree_dir("upper/was");
	tree.stack->cache.budget = 1;
	ck_assert_int_eq(ovl_dir_pin(d, &fd), 0);
	ovl_dir_unpin(d);
	check_pin(tree.stack->root_dir[1], tree.stack->layer[1].root.stat.ino);
	ck_assert_int_eq(d->fd, -1);
	tree_remove("upper/was");
	tree_symlink("upper/was", "/");
	ck_assert_int_eq(ovl_dir_pin(d, &fd), -ELOOP);
	ovl_dir_unref(d);
	ovl_path_unref(path);
}
END_TEST

struct pinner {
	struct ovl_dir **dir;
	const uint64_t *ino;
	unsigned n, seed, wrong;
};

static void *pin_at_random(void *arg)
{
	struct pinner *p = arg;
	struct stat st;
	int fd;

	for (unsigned i = 0; i < 4000; i++) {
		unsigned which = rand_r(&p->seed) % p->n;

		if (ovl_dir_pin(p->dir[which], &fd) < 0) {
			p->wrong++;
			continue;
		}
		if (fstat(fd, &st) < 0 || st.st_ino != p->ino[which])
			p->wrong++;
		ovl_dir_unpin(p->dir[which]);
	}
	return NULL;
}

/* Several threads pin and unpin what hardly fits: a descriptor is never the one of another. */
START_TEST(test_dir_threads)
{
	enum { N = 20, THREADS = 3 };
	static uint64_t ino[N];
	struct ovl_dir *dir[N];
	struct pinner p[THREADS];
	pthread_t thread[THREADS];

	make_deep(ino, N);
	tree.stack->cache.budget = _i + 1;
	open_deep(dir, N);
	for (unsigned i = 0; i < THREADS; i++) {
		p[i] = (struct pinner){ dir, ino, N, i + 1, 0 };
		ck_assert_int_eq(pthread_create(&thread[i], NULL, pin_at_random, &p[i]), 0);
	}
	for (unsigned i = 0; i < THREADS; i++) {
		ck_assert_int_eq(pthread_join(thread[i], NULL), 0);
		ck_assert_uint_eq(p[i].wrong, 0);
	}
	ck_assert_int_eq(fault.n_open, (int64_t)tree.stack->cache.n_open);
	ck_assert_uint_le(tree.stack->cache.n_open, (size_t)_i + 1 + THREADS);
	drop_all(dir, N);
}
END_TEST

/* The process may open a handful of files only: the cache finds out and does with less. */
START_TEST(test_dir_few_descriptors)
{
	enum { N = 500 };
	static uint64_t ino[N];
	static struct ovl_dir *dir[N];
	struct rlimit few;
	_cleanup_close_ int last = open("/dev/null", O_RDONLY);

	make_deep(ino, N);
	few.rlim_cur = few.rlim_max = (rlim_t)last + 6;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
	ck_assert_uint_gt(tree.stack->cache.budget, 10);
	open_deep(dir, N);
	ck_assert_uint_le(tree.stack->cache.budget, 6);
	for (unsigned i = 0; i < N; i += 51)
		check_pin(dir[i], ino[i]);
	drop_all(dir, N);
	ck_assert_uint_eq(fault.n_failed, 0);
}
END_TEST

/* With all that is idle closed there still is none: then that is the error. */
START_TEST(test_dir_no_descriptors)
{
	struct ovl_dir *d = tree.stack->root_dir[OVL_LAYER_UPPER];
	int fd = 77;

	reader_fault_rearm(&fault, 0, -EMFILE);
	ck_assert_int_eq(ovl_dir_pin(d, &fd), -EMFILE);
	ck_assert_int_eq(fd, 77);
	/* with one to close it is tried again, once */
	reader_fault_rearm(&fault, 0, 0);
	check_pin(tree.stack->root_dir[1], tree.stack->layer[1].root.stat.ino);
	reader_fault_rearm(&fault, 0, -ENFILE);
	ck_assert_int_eq(ovl_dir_pin(d, &fd), -ENFILE);
	ck_assert_uint_eq(fault.n_failed, 2);
	ck_assert_int_eq(tree.stack->root_dir[1]->fd, -1);
	/* and another error is no reason to close anything */
	tree.stack->cache.budget = 8;
	reader_fault_rearm(&fault, 0, 0);
	check_pin(tree.stack->root_dir[1], tree.stack->layer[1].root.stat.ino);
	reader_fault_rearm(&fault, 0, -EIO);
	ck_assert_int_eq(ovl_dir_pin(d, &fd), -EIO);
	ck_assert_uint_eq(fault.n_failed, 1);
	ck_assert_int_ge(tree.stack->root_dir[1]->fd, 0);
}
END_TEST

/* The cache takes what the limit allows, and raises that as far as it may. */
START_TEST(test_dir_budget)
{
	static const struct {
		rlim_t limit;
		size_t budget;
	} cases[] = { { 64, 17 }, { 1024, 257 }, { 1600, 400 }, { 4096, 2896 } };
	struct rlimit lim = { 32, 0 };
	struct ovl_dir_cache cache = { 0 };

	/* from the largest on: a hard limit can only be lowered */
	for (unsigned i = ARRAY_LEN(cases); i-- > 0;) {
		struct rlimit now;

		lim.rlim_max = cases[i].limit;
		ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &lim), 0);
		ck_assert_int_eq(ovl_dir_cache_init(&cache), 0);
		ck_assert_uint_eq(cache.budget, cases[i].budget);
		ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &now), 0);
		ck_assert_uint_eq(now.rlim_cur, cases[i].limit);
		ovl_dir_cache_done(&cache);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("stack/dir");
	TCase *t = tcase_create("dir");

	if (!tree_works())
		return EXIT_SUCCESS;
	tcase_set_timeout(t, 60);
	tcase_add_unchecked_fixture(t, tree_start, tree_stop);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, test_dir_root);
	tcase_add_test(t, test_dir_refs);
	tcase_add_test(t, test_dir_errors);
	tcase_add_test(t, test_dir_child_errors);
	tcase_add_test(t, test_dir_deep);
	tcase_add_test(t, test_dir_pins_beyond_budget);
	tcase_add_test(t, test_dir_evicts_oldest);
	tcase_add_test(t, test_dir_replaced);
	tcase_add_loop_test(t, test_dir_threads, 0, 5);
	tcase_add_test(t, test_dir_few_descriptors);
	tcase_add_test(t, test_dir_no_descriptors);
	tcase_add_test(t, test_dir_budget);
	suite_add_tcase(s, t);
	return ovl_unit_main(s);
}
