/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the tests of the store share: an overlay of two lowers in the folder of a tree, and runs in it.
 */
#ifndef TESTS_UNIT_TEST_REPAIR_STORE_KIT_H
#define TESTS_UNIT_TEST_REPAIR_STORE_KIT_H

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "repair/store.h"
#include "tools/tool.h"
#include "unit/tree_kit.h"
#include "unit/unit.h"

#define JOURNALS "work/.fsck.overlay"
#define INCOMPAT "work/work/incompat"
#define MARKERS INCOMPAT "/fsck.overlay"
#define SOME_ID "01234567-89ab-cdef-0123-456789abcdef"

static struct tree_stack stack;
static struct ovl_error e;

static inline void open_stack(void)
{
	ck_assert_int_eq(tree_open(&stack, 2, "", NULL), 0);
}

static inline void setup(void)
{
	tree_clear();
	tree_layers(2);
	ck_assert_int_eq(chmod("work/work", 0700), 0); /* who is not root cannot look into 0000 */
	open_stack();
}

static inline void teardown(void)
{
	ovl_error_done(&e);
	tree_close(&stack);
}

static inline bool __attribute__((format(printf, 1, 2))) is_there(const char *fmt, ...)
{
	char path[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(path, sizeof(path), fmt, ap);
	va_end(ap);
	return faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static inline void init(struct ovl_store *s, const char *folder)
{
	ck_assert_msg(ovl_store_init(s, stack.stack, folder, &e) == 0, "%s", e.text);
	ck_assert_int_ge(s->base, 0);
	ck_assert(s->marks);
}

static inline void begin(struct ovl_store *s, const char *folder)
{
	init(s, folder);
	ck_assert_msg(ovl_store_lock(s, &e) == 0, "%s", e.text);
	ck_assert_msg(ovl_store_create(s, "fsck.overlay -y", &e) == 0, "%s", e.text);
}

/* One step that is committed. */
static inline void work(struct ovl_store *s, bool commit)
{
	const struct ovl_op op = { .type = OVL_OP_DATA, .at = { 0, (char *)"/f" }, .saved = 7 };

	ck_assert_int_eq(ovl_journal_group(&s->journal), 0);
	ck_assert_int_eq(ovl_journal_step(&s->journal, "slug", "place", "action"), 0);
	ck_assert_int_eq(ovl_journal_op(&s->journal, &op), 0);
	if (commit)
		ck_assert_int_eq(ovl_journal_mark(&s->journal, OVL_RECORD_COMMIT), 0);
	ck_assert_int_eq(ovl_journal_sync(&s->journal), 0);
}

/* What happens to a run that is killed: nothing but that its descriptors are closed. */
static inline void kill_run(struct ovl_store *s)
{
	s->clean_seq = 0;
	ovl_store_done(s);
}

static inline void finish(struct ovl_store *s, enum ovl_record_type mark)
{
	ck_assert_msg(ovl_store_finish(s, mark, &e) == 0, "%s", e.text);
}

static inline size_t list(struct ovl_store *s, struct ovl_kept *ret_first)
{
	ovl_kept_vec kept = { 0 };
	size_t n;

	ck_assert_int_eq(ovl_store_list(s, &kept), 0);
	n = kept.len;
	if (n > 0 && ret_first)
		*ret_first = kept.data[0];
	ovl_vec_done(&kept);
	return n;
}

static inline void plant(const char *path, const char *what)
{
	if (is_there("%s", path))
		tree_remove(path);
	if (strcmp(what, "symlink") == 0) {
		tree_dir("outside");
		ck_assert_int_eq(chmod("outside", 0700), 0);
		tree_symlink(path, "/proc/self/cwd/outside");
	} else if (strcmp(what, "file") == 0) {
		tree_file(path, "");
	} else {
		tree_dir(path);
		ck_assert_int_eq(chmod(path, strcmp(what, "mode") == 0 ? 0755 : 0700), 0);
		if (strcmp(what, "owner") == 0)
			ck_assert_int_eq(chown(path, 12345, 0), 0);
	}
}

#endif
