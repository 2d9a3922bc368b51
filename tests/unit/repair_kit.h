/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the tests of operations share: a stack of a few layers, a store, and short words for operations.
 */
#ifndef TESTS_UNIT_REPAIR_KIT_H
#define TESTS_UNIT_REPAIR_KIT_H

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "repair/stage.h"
#include "tools/tool.h"
#include "unit/tree_kit.h"
#include "unit/unit.h"

#define REPAIR_STORE "work/.fsck.overlay/test"

static struct tree_stack kit_stack;
static struct ovl_trees kit_trees;

/* To be called when the layers are made. Operations are tried on a stack with one lower. */
static inline void kit_open(void)
{
	ck_assert_int_eq(tree_open(&kit_stack, 1, "", NULL), 0);
	ovl_trees_init(&kit_trees, kit_stack.stack);
	kit_trees.store = open(REPAIR_STORE, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_ge(kit_trees.store, 0);
}

static inline void kit_setup(void)
{
	tree_clear();
	tree_layers(1);
	tree_dir(REPAIR_STORE "/saved");
	tree_dir(REPAIR_STORE "/stage");
}

static inline void kit_teardown(void)
{
	if (!kit_stack.stack)
		return;
	close(kit_trees.store);
	ovl_trees_done(&kit_trees);
	tree_close(&kit_stack);
}

static inline struct ovl_place kit_place(int tree, const char *path)
{
	return (struct ovl_place){ tree, strdup(path) };
}

static inline struct stat kit_stat(const char *path)
{
	struct stat st;

	ck_assert_msg(lstat(path, &st) == 0, "lstat %s", path);
	return st;
}

static inline bool kit_is_there(const char *path)
{
	return access(path, F_OK) == 0 || readlink(path, (char[1]){ 0 }, 1) >= 0;
}

static inline uint64_t kit_ino(const char *path)
{
	return kit_stat(path).st_ino;
}

/* The times of a file or directory: long ago, and not on a whole second. */
static inline void kit_age(const char *path, time_t when)
{
	const struct timespec t[2] = { { when, 111 }, { when + 1, 222 } };

	ck_assert_int_eq(utimensat(AT_FDCWD, path, t, AT_SYMLINK_NOFOLLOW), 0);
}

static inline void kit_check_age(const char *path, time_t when)
{
	struct stat st = kit_stat(path);

	ck_assert_int_eq(st.st_atim.tv_sec, when);
	ck_assert_int_eq(st.st_atim.tv_nsec, 111);
	ck_assert_int_eq(st.st_mtim.tv_sec, when + 1);
	ck_assert_int_eq(st.st_mtim.tv_nsec, 222);
}

static inline char *kit_read(const char *path)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOATIME);
	char *text = calloc(1, 4096);

	ck_assert_msg(fd >= 0, "open %s", path);
	ck_assert_int_ge(read(fd, text, 4095), 0);
	return text;
}

static inline void kit_check_text(const char *path, const char *text)
{
	_cleanup_free_ char *now = kit_read(path);

	ck_assert_str_eq(now, text);
}

static inline bool kit_has_xattr(const char *path, const char *xattr)
{
	char value[256];

	return lgetxattr(path, xattr, value, sizeof(value)) >= 0;
}

static inline void kit_check_xattr(const char *path, const char *xattr, const char *value)
{
	char now[256];
	ssize_t n = lgetxattr(path, xattr, now, sizeof(now));

	ck_assert_msg(n >= 0, "no %s on %s", xattr, path);
	ck_assert_mem_eq(now, value, strlen(value));
	ck_assert_int_eq(n, (ssize_t)strlen(value));
}

/* cap_net_raw+ep, as setcap(8) writes it */
static const unsigned char kit_capability[20] = { 1, 0, 0, 2, 0, 0x20 };

static inline void kit_set_capability(const char *path)
{
	ck_assert_int_eq(setxattr(path, "security.capability", kit_capability,
				  sizeof(kit_capability), 0),
			 0);
}

static inline void kit_check_capability(const char *path)
{
	unsigned char now[64];

	ck_assert_int_eq(getxattr(path, "security.capability", now, sizeof(now)),
			 sizeof(kit_capability));
	ck_assert_mem_eq(now, kit_capability, sizeof(kit_capability));
}

static inline int kit_prepare(struct ovl_op *op)
{
	return ovl_op_prepare(&kit_trees, op);
}

static inline int kit_do(const struct ovl_op *op)
{
	return ovl_op_do(&kit_trees, op);
}

static inline int kit_undo(const struct ovl_op *op, bool recorded_times)
{
	return ovl_op_undo(&kit_trees, op, recorded_times);
}

#endif
