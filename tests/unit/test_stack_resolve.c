/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Options that were not given: what is on disk decides.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include "base/cleanup.h"
#include "stack/stack.h"
#include "tool.h"
#include "unit/reader_fault.h"
#include "unit/tree_kit.h"
#include "unit/unit.h"

/* What can be found on disk. */
enum {
	INDEX = 1 << 0,      /* an index directory */
	INDEX_FILE = 1 << 1, /* a file of that name */
	LINK = 1 << 2,       /* an entry as index=on makes them */
	DIR_ENTRY = 1 << 3,  /* entries as nfs_export=on makes them */
	WHITEOUT = 1 << 4,
	TEMPORARY = 1 << 5, /* a leftover, whatever it is */
	USER = 1 << 6,      /* an xattr on the upper root, of one prefix or of both */
	TRUSTED = 1 << 7,
	USER_BELOW = 1 << 8, /* on another object: that says nothing */
	USER_LOWER = 1 << 9, /* on the root of lower1 */
	DEVICE = 1 << 10,    /* a device that was copied up */
};

#define UPPER "upperdir=upper,workdir=work,lowerdir=lower1:lower2"
#define LOWER "lowerdir=lower1:lower2"

static const struct {
	const char *options;
	unsigned traces;
	const char *resolved; /* userxattr, index, nfs_export, metacopy, redirect_dir */
} cases[] = {
	/* nothing given */
	{ UPPER, 0, "trusted index=off nfs_export=off metacopy=on redirect_dir=on" },
	{ UPPER, INDEX, "trusted index=on nfs_export=off metacopy=on redirect_dir=on" },
	{ UPPER, INDEX | LINK, "trusted index=on nfs_export=off metacopy=on redirect_dir=on" },
	{ UPPER, INDEX | DIR_ENTRY, "trusted index=on nfs_export=on metacopy=on redirect_dir=on" },
	{ UPPER, INDEX | WHITEOUT, "trusted index=on nfs_export=on metacopy=on redirect_dir=on" },
	{ UPPER, INDEX | LINK | DIR_ENTRY,
	  "trusted index=on nfs_export=on metacopy=on redirect_dir=on" },
	{ UPPER, INDEX | DEVICE, "trusted index=on nfs_export=off metacopy=on redirect_dir=on" },
	{ UPPER, INDEX | TEMPORARY, "trusted index=on nfs_export=off metacopy=on redirect_dir=on" },
	/* the kernel cannot make its index where a file is: that is for the check to say */
	{ UPPER, INDEX_FILE, "trusted index=on nfs_export=off metacopy=on redirect_dir=on" },
	/* the prefix */
	{ UPPER, USER, "user index=off nfs_export=off metacopy=off redirect_dir=nofollow" },
	{ UPPER, USER | INDEX, "user index=on nfs_export=off metacopy=off redirect_dir=nofollow" },
	{ UPPER, TRUSTED, "trusted index=off nfs_export=off metacopy=on redirect_dir=on" },
	{ UPPER, USER | TRUSTED, "trusted index=off nfs_export=off metacopy=on redirect_dir=on" },
	{ UPPER, USER_BELOW, "trusted index=off nfs_export=off metacopy=on redirect_dir=on" },
	{ UPPER, USER_LOWER, "trusted index=off nfs_export=off metacopy=on redirect_dir=on" },
	{ UPPER ",userxattr", TRUSTED,
	  "user index=off nfs_export=off metacopy=off redirect_dir=nofollow" },
	/* what userxattr forbids tells that it was not given */
	{ UPPER ",metacopy=on", USER,
	  "trusted index=off nfs_export=off metacopy=on redirect_dir=on" },
	{ UPPER ",redirect_dir=follow", USER,
	  "trusted index=off nfs_export=off metacopy=off redirect_dir=follow" },
	{ UPPER ",redirect_dir=nofollow", USER,
	  "user index=off nfs_export=off metacopy=off redirect_dir=nofollow" },
	/* what is given is given */
	{ UPPER ",index=off", INDEX | DIR_ENTRY,
	  "trusted index=off nfs_export=off metacopy=on redirect_dir=on" },
	{ UPPER ",index=on", 0, "trusted index=on nfs_export=off metacopy=on redirect_dir=on" },
	{ UPPER ",nfs_export=off", INDEX | DIR_ENTRY,
	  "trusted index=on nfs_export=off metacopy=on redirect_dir=on" },
	{ UPPER ",nfs_export=on", 0,
	  "trusted index=on nfs_export=on metacopy=off redirect_dir=on" },
	{ UPPER ",metacopy=on", INDEX | DIR_ENTRY,
	  "trusted index=on nfs_export=off metacopy=on redirect_dir=on" },
	{ UPPER ",metacopy=off", 0,
	  "trusted index=off nfs_export=off metacopy=off redirect_dir=on" },
	/* "off" means to make none; those that are there are followed */
	{ UPPER ",redirect_dir=off", 0,
	  "trusted index=off nfs_export=off metacopy=off redirect_dir=follow" },
	{ LOWER ",redirect_dir=off", 0,
	  "trusted index=off nfs_export=off metacopy=on redirect_dir=follow" },
	{ LOWER ",redirect_dir=follow", 0,
	  "trusted index=off nfs_export=off metacopy=on redirect_dir=follow" },
	/* neither here nor there */
	{ UPPER ",verity=on", 0, "trusted index=off nfs_export=off metacopy=on redirect_dir=on" },
	{ UPPER ",verity=require,redirect_dir=follow", 0,
	  "trusted index=off nfs_export=off metacopy=off redirect_dir=follow" },
	{ UPPER ",redirect_dir=nofollow", 0,
	  "trusted index=off nfs_export=off metacopy=off redirect_dir=nofollow" },
	{ UPPER ",redirect_dir=follow,metacopy=off", 0,
	  "trusted index=off nfs_export=off metacopy=off redirect_dir=follow" },
	/* without an upper there is no index, and nobody looks for one */
	{ LOWER, INDEX | DIR_ENTRY,
	  "trusted index=off nfs_export=off metacopy=on redirect_dir=on" },
	{ LOWER, USER_LOWER, "user index=off nfs_export=off metacopy=off redirect_dir=nofollow" },
	{ LOWER ",nfs_export=on", 0,
	  "trusted index=on nfs_export=on metacopy=off redirect_dir=on" },
};

static void mark_root(const char *path, const char *name)
{
	if (lsetxattr(path, name, "y", 1, 0) < 0)
		ovl_tool_die("set %s of %s", name, path);
}

static void make(unsigned traces)
{
	tree_clear();
	tree_layers(2);
	tree_dir("upper/below");
	if (traces & INDEX)
		tree_dir("work/index");
	if (traces & INDEX_FILE)
		tree_file("work/index", "");
	if (traces & LINK)
		tree_file("work/index/00fb", "");
	if (traces & DIR_ENTRY)
		tree_dir("work/index/00fc");
	if (traces & WHITEOUT)
		tree_whiteout("work/index/00fd");
	if (traces & DEVICE && mknod("work/index/00fe", S_IFCHR | 0600, makedev(1, 3)) < 0)
		ovl_tool_die("make a device");
	if (traces & TEMPORARY) {
		tree_dir("work/index/#1");
		tree_whiteout("work/index/#2");
	}
	if (traces & USER)
		mark_root("upper", "user.overlay.impure");
	if (traces & TRUSTED)
		mark_root("upper", "trusted.overlay.impure");
	if (traces & USER_BELOW)
		mark_root("upper/below", "user.overlay.impure");
	if (traces & USER_LOWER)
		mark_root("lower1", "user.overlay.opaque");
}

static const char *switch_name(enum ovl_switch s)
{
	return s == OVL_ON ? "on" : s == OVL_OFF ? "off" : "?";
}

static char *tell(const struct ovl_config *c)
{
	static const char *const redirect[] = { "?", "off", "nofollow", "follow", "on" };

	return ovl_tool_format("%s index=%s nfs_export=%s metacopy=%s redirect_dir=%s",
			       c->userxattr ? "user" : "trusted", switch_name(c->index),
			       switch_name(c->nfs_export), switch_name(c->metacopy),
			       redirect[c->redirect_dir]);
}

START_TEST(test_resolve_options)
{
	_cleanup_free_ char *resolved = NULL;
	struct tree_stack t;

	make(cases[_i].traces);
	ck_assert_int_eq(tree_open_options(&t, cases[_i].options, NULL), 0);
	resolved = tell(ovl_stack_config(t.stack));
	ck_assert_msg(strcmp(resolved, cases[_i].resolved) == 0, "%s, traces %#x: %s",
		      cases[_i].options, cases[_i].traces, resolved);
	ck_assert_int_eq(ovl_stack_follow(t.stack),
			 !strstr(resolved, "nofollow") && !strstr(resolved, "redirect_dir=off"));
	tree_close(&t);
}
END_TEST

/* Those that nothing on disk tells of. */
START_TEST(test_resolve_others)
{
	const struct ovl_config *c;
	struct tree_stack t;

	make(0);
	ck_assert_int_eq(tree_open_options(&t, UPPER, NULL), 0);
	c = ovl_stack_config(t.stack);
	ck_assert_int_eq(c->xino, OVL_XINO_OFF);
	ck_assert_int_eq(c->uuid, OVL_UUID_AUTO);
	ck_assert_int_eq(c->verity, OVL_VERITY_OFF);
	tree_close(&t);
	ck_assert_int_eq(tree_open_options(&t, UPPER ",xino=auto,uuid=off,verity=require", NULL),
			 0);
	c = ovl_stack_config(t.stack);
	ck_assert_int_eq(c->xino, OVL_XINO_AUTO);
	ck_assert_int_eq(c->uuid, OVL_UUID_OFF); /* all layers are on one file system */
	ck_assert_int_eq(c->verity, OVL_VERITY_REQUIRE);
	/* what was given stays what it was */
	ck_assert_int_eq(t.config.metacopy, OVL_SWITCH_UNSET);
	ck_assert_int_eq(c->metacopy, OVL_ON);
	tree_close(&t);
}
END_TEST

/* What cannot be read is not taken for absent: the stack does not open. */
START_TEST(test_resolve_unreadable)
{
	static const unsigned calls[] = { READER_BIT(LIST_XATTRS), READER_BIT(OPEN_DIR),
					  READER_BIT(READ_DIR), READER_BIT(STAT) };
	struct reader_fault fault;
	struct tree_stack t;

	make(INDEX | LINK);
	reader_fault_init(&fault, ovl_reader_linux());
	fault.calls = calls[_i];
	reader_fault_rearm(&fault, 0, -EIO);
	ck_assert_int_eq(tree_open_options(&t, UPPER, &fault.reader), -EIO);
	ck_assert_int_eq(fault.n_open, 0);
	ck_assert_uint_eq(fault.n_failed, 1);
	/* an upper without xattrs at all has none of either prefix */
	fault.calls = READER_BIT(LIST_XATTRS);
	reader_fault_rearm(&fault, 0, -EOPNOTSUPP);
	ck_assert_int_eq(tree_open_options(&t, UPPER, &fault.reader), 0);
	ck_assert(!ovl_stack_config(t.stack)->userxattr);
	tree_close(&t);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("stack/resolve");
	TCase *t = tcase_create("resolve");

	if (!tree_works())
		return EXIT_SUCCESS;
	if (!tree_has_trusted()) {
		printf("1..0 # SKIP needs root\n");
		return EXIT_SUCCESS;
	}
	tcase_add_unchecked_fixture(t, tree_start, tree_stop);
	tcase_add_loop_test(t, test_resolve_options, 0, ARRAY_LEN(cases));
	tcase_add_test(t, test_resolve_others);
	tcase_add_loop_test(t, test_resolve_unreadable, 0, 4);
	suite_add_tcase(s, t);
	return ovl_unit_main(s);
}
