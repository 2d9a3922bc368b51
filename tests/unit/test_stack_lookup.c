/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lookup, one small tree for each of its rules. That it is the kernel's lookup is proven elsewhere, by
 * mounting random layers (tests/oracle); here the reader sees what the rules are.
 */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "unit/hit_text.h"
#include "unit/tree_kit.h"
#include "unit/unit.h"

/* ---- Trees: each makes what is below upper and lower1 to lower3 ---- */

static void mark_dir(const char *path, const char *name, const char *value)
{
	tree_dir(path);
	tree_mark(path, name, value);
}

static void meta(const char *path, const char *redirect)
{
	tree_hole(path, 100);
	tree_mark(path, "metacopy", "");
	if (redirect)
		tree_mark(path, "redirect", redirect);
}

static void plain(void)
{
	tree_file("upper/file", "");
	tree_file("lower1/file", "");
	tree_dir("upper/dir");
	tree_dir("lower1/dir");
	tree_dir("lower3/dir");
	tree_file("lower2/low", "");
	tree_file("lower3/low", "");
	tree_symlink("upper/link", "dir");
	tree_fifo("lower2/fifo");
}

static void whiteouts(void)
{
	tree_whiteout("upper/gone");
	tree_file("lower1/gone", "");
	tree_file("upper/xgone", "");
	tree_mark("upper/xgone", "whiteout", "");
	tree_file("lower1/xgone", "");
	/* with something in it, it is a file */
	tree_file("upper/full", "full");
	tree_mark("upper/full", "whiteout", "");
	/* in the middle */
	tree_dir("upper/dir");
	tree_whiteout("lower1/dir");
	tree_dir("lower2/dir");
	tree_whiteout("lower3/only");
}

static void opaque(void)
{
	mark_dir("upper/up", "opaque", "y");
	tree_dir("lower1/up");
	mark_dir("lower1/mid", "opaque", "y");
	tree_dir("upper/mid");
	tree_dir("lower2/mid");
	/* "x" marks something else, and other values nothing */
	mark_dir("lower1/x", "opaque", "x");
	tree_dir("upper/x");
	tree_dir("lower2/x");
	mark_dir("upper/yes", "opaque", "yes");
	tree_dir("lower1/yes");
}

static void types(void)
{
	tree_dir("upper/dir");
	tree_file("lower1/dir", "");
	tree_dir("lower2/dir");
	tree_file("upper/file", "");
	tree_dir("lower1/file");
	tree_dir("lower1/low");
	tree_symlink("lower2/low", "x");
	tree_dir("lower3/low");
}

/* A redirect counts for the layers below the one that it is in. */
static void redirects(void)
{
	mark_dir("upper/abs", "redirect", "/x/y");
	tree_dir("lower1/x/y");
	tree_dir("lower2/x/y");
	tree_dir("lower1/abs"); /* has its name, but is not it */
	mark_dir("lower1/mid", "redirect", "/z");
	tree_dir("lower2/mid");
	tree_dir("lower2/z");
	tree_dir("lower3/z");
	/* relative: in the directory that the parent is merged with */
	mark_dir("upper/par", "redirect", "/x");
	mark_dir("upper/par/rel", "redirect", "y");
	mark_dir("upper/none", "redirect", "/not/there");
	mark_dir("upper/both", "redirect", "/x");
	tree_mark("upper/both", "opaque", "y");
	/* on files without metacopy it is a leftover */
	tree_file("upper/left", "");
	tree_mark("upper/left", "redirect", "/not even a path/");
}

/* What stands in the middle of an absolute redirect. */
static void middles(void)
{
	mark_dir("upper/opaque", "redirect", "/o/q");
	mark_dir("lower1/o", "opaque", "y");
	tree_dir("lower1/o/q");
	tree_dir("lower2/o/q");
	/* a redirect further down the path brings the layers below back in */
	mark_dir("upper/again", "redirect", "/p/q");
	mark_dir("lower1/p", "opaque", "y");
	mark_dir("lower1/p/q", "redirect", "/z");
	tree_dir("lower2/z");
	tree_dir("lower2/p/q");
	mark_dir("upper/file", "redirect", "/f/q");
	tree_file("lower1/f", "");
	tree_dir("lower2/f/q");
	mark_dir("upper/white", "redirect", "/w/q");
	tree_whiteout("lower1/w");
	tree_dir("lower2/w/q");
	mark_dir("upper/link", "redirect", "/l/q");
	tree_symlink("lower1/l", "z");
	tree_dir("lower2/l/q");
	tree_dir("lower1/z/q");
	/* a directory in the middle may have moved, which counts below */
	mark_dir("upper/moved", "redirect", "/m/q");
	mark_dir("lower1/m", "redirect", "/n");
	tree_dir("lower1/m/q");
	tree_dir("lower2/n/q");
	tree_dir("lower2/m/q");
}

static void bad_redirects(void)
{
	mark_dir("upper/slash", "redirect", "a/b");
	mark_dir("upper/empty", "redirect", "");
	mark_dir("upper/dotdot", "redirect", "..");
	mark_dir("upper/climb", "redirect", "/a/../b");
	tree_dir("lower1/a");
	tree_dir("upper/nul");
	tree_mark_bytes("upper/nul", "redirect", "/a\0/b", 5);
	tree_file("upper/slash-file", "");
	tree_mark("upper/slash-file", "redirect", "a/b");
}

/* In the last layer that is looked at, nobody reads what is below it. */
static void last_layer(void)
{
	mark_dir("lower3/dir", "redirect", "a/b");
	tree_mark("lower3/dir", "opaque", "y");
	tree_dir("upper/dir");
	meta("lower3/meta", NULL);
	meta("lower3/covered", NULL);
	tree_file("upper/covered", "");
}

static void metacopy(void)
{
	meta("upper/one", NULL);
	tree_file("lower2/one", "data");
	meta("upper/far", "/data/far");
	tree_file("lower2/data/far", "data");
	/* of several in the middle only the topmost counts */
	meta("upper/chain", NULL);
	meta("lower1/chain", NULL);
	meta("lower2/chain", "/end");
	tree_file("lower3/end", "data");
	/* no data, for one reason or another */
	meta("upper/none", NULL);
	meta("upper/white", NULL);
	tree_whiteout("lower1/white");
	tree_file("lower2/white", "data");
	meta("upper/dir", NULL);
	tree_dir("lower1/dir");
	tree_file("lower2/dir", "data");
	meta("upper/link", NULL);
	tree_symlink("lower1/link", "dir");
	meta("upper/cut", "/data");
	/* without an upper */
	meta("lower1/low", NULL);
	tree_file("lower3/low", "data");
	tree_file("upper/short", "");
	tree_mark("upper/short", "metacopy", "123");
	/* on a directory it is nothing */
	mark_dir("upper/on-dir", "metacopy", "");
	tree_dir("lower1/on-dir");
}

/* Data-only layers: reached by absolute redirects of lower files alone. */
static void data_layers(void)
{
	meta("lower1/file", "/d/file");
	tree_file("data1/d/file", "data");
	meta("upper/file", NULL);
	meta("lower1/second", "/d/second");
	tree_file("data2/d/second", "data");
	/* what is no file there is passed over; marks mean nothing */
	meta("lower1/white", "/d/white");
	tree_whiteout("data1/d/white");
	tree_file("data2/d/white", "data");
	meta("lower1/marked", "/d/marked");
	meta("data1/d/marked", "/elsewhere");
	/* the VFS goes there, so ".." does lead somewhere, but symlinks do not */
	meta("lower1/dots", "/d/../d/file");
	meta("lower1/link", "/l/file");
	tree_symlink("data1/l", "d");
	tree_symlink("data2/l", "d");
	meta("lower1/none", "/d/none");
	meta("lower1/notdir", "/d/file/x");
	tree_file("data2/d/file", "other");
	/* straight from the upper there is no way */
	meta("upper/direct", "/d/file");
	/* and a directory is never merged with one */
	mark_dir("upper/dir", "redirect", "/d");
	/* a name alone does not lead there either */
	meta("lower1/relative", "file");
}

static void nested(void)
{
	tree_file("lower1/nested/x", "");
	tree_dir("lower2");
}

#define STACK "upperdir=upper,workdir=work,lowerdir=lower1:lower2:lower3"
#define DATA "upperdir=upper,workdir=work,lowerdir=lower1:lower2::data1::data2"

static const struct {
	void (*make)(void);
	const char *options, *path, *expected;
} cases[] = {
	{ plain, STACK, "file", "regular file upper:/file data upper:/file" },
	{ plain, STACK, "dir", "directory upper:/dir lower1:/dir lower3:/dir" },
	{ plain, STACK, "low", "regular file lower2:/low data lower2:/low" },
	{ plain, STACK, "link", "symbolic link upper:/link" },
	{ plain, STACK, "fifo", "fifo lower2:/fifo" },
	{ plain, STACK, "nothing", "No such file or directory, absent" },
	{ plain, STACK, "dir/nothing", "No such file or directory, absent" },
	{ plain, STACK, "nothing/below", "No such file or directory, absent" },
	{ plain, STACK, "file/below", "Not a directory" },
	{ plain, STACK, "link/below", "Not a directory" },
	{ plain, STACK, "", "directory" },

	{ whiteouts, STACK, "gone", "No such file or directory, whiteout at upper:/gone" },
	{ whiteouts, STACK, "xgone", "No such file or directory, whiteout at upper:/xgone" },
	{ whiteouts, STACK, "full", "regular file upper:/full data upper:/full" },
	{ whiteouts, STACK, "dir", "directory upper:/dir opaque" },
	{ whiteouts, STACK, "only", "No such file or directory, whiteout at lower3:/only" },

	{ opaque, STACK, "up", "directory upper:/up opaque" },
	{ opaque, STACK, "mid", "directory upper:/mid lower1:/mid opaque" },
	{ opaque, STACK, "x", "directory upper:/x lower1:/x lower2:/x" },
	{ opaque, STACK, "yes", "directory upper:/yes lower1:/yes" },

	{ types, STACK, "dir", "directory upper:/dir" },
	{ types, STACK, "file", "regular file upper:/file data upper:/file" },
	{ types, STACK, "low", "directory lower1:/low" },

	{ redirects, STACK, "abs", "directory upper:/abs lower1:/x/y lower2:/x/y redirect /x/y" },
	{ redirects, STACK, "mid", "directory lower1:/mid lower2:/z lower3:/z redirect /z" },
	{ redirects, STACK, "par/rel",
	  "directory upper:/par/rel lower1:/x/y lower2:/x/y redirect y" },
	{ redirects, STACK, "none", "directory upper:/none redirect /not/there" },
	{ redirects, STACK, "both", "directory upper:/both opaque" },
	{ redirects, STACK, "left", "regular file upper:/left data upper:/left" },
	{ redirects, STACK ",redirect_dir=nofollow", "abs", "Operation not permitted, nofollow" },
	{ redirects, STACK ",redirect_dir=nofollow", "both", "directory upper:/both opaque" },
	{ redirects, STACK ",redirect_dir=nofollow", "left",
	  "regular file upper:/left data upper:/left" },

	{ middles, STACK, "opaque", "directory upper:/opaque lower1:/o/q redirect /o/q" },
	{ middles, STACK, "again", "directory upper:/again lower1:/p/q lower2:/z redirect /z" },
	{ middles, STACK, "file", "directory upper:/file redirect /f/q" },
	{ middles, STACK, "white", "directory upper:/white opaque redirect /w/q" },
	{ middles, STACK, "link", "directory upper:/link redirect /l/q" },
	{ middles, STACK, "moved", "directory upper:/moved lower1:/m/q lower2:/n/q redirect /n/q" },

	{ bad_redirects, STACK, "slash", "Invalid argument, bad redirect at upper:/slash" },
	{ bad_redirects, STACK, "empty", "Invalid argument, bad redirect at upper:/empty" },
	{ bad_redirects, STACK, "dotdot", "Permission denied, dotdot at lower1:/.." },
	{ bad_redirects, STACK, "climb", "Permission denied, dotdot at lower1:/a/.." },
	{ bad_redirects, STACK, "nul", "directory upper:/nul lower1:/a redirect /a" },
	{ bad_redirects, STACK, "slash-file",
	  "regular file upper:/slash-file data upper:/slash-file" },

	{ last_layer, STACK, "dir", "directory upper:/dir lower3:/dir" },
	{ last_layer, STACK, "meta", "Input/output error, no lowerdata" },
	{ last_layer, STACK, "covered", "regular file upper:/covered data upper:/covered" },

	{ metacopy, STACK, "one", "regular file upper:/one lower2:/one data lower2:/one" },
	{ metacopy, STACK, "far",
	  "regular file upper:/far lower2:/data/far redirect /data/far data lower2:/data/far" },
	{ metacopy, STACK, "chain",
	  "regular file upper:/chain lower1:/chain lower3:/end redirect /end data lower3:/end" },
	{ metacopy, STACK, "none", "Input/output error, no lowerdata" },
	{ metacopy, STACK, "white", "Input/output error, no lowerdata" },
	{ metacopy, STACK, "dir", "Input/output error, no lowerdata" },
	{ metacopy, STACK, "link", "Input/output error, no lowerdata" },
	{ metacopy, STACK, "cut", "Input/output error, no lowerdata" },
	{ metacopy, STACK, "low", "regular file lower1:/low lower3:/low data lower3:/low" },
	{ metacopy, STACK, "short", "Input/output error, bad metacopy at upper:/short" },
	{ metacopy, STACK, "on-dir", "directory upper:/on-dir lower1:/on-dir" },
	{ metacopy, STACK ",metacopy=off", "one", "Operation not permitted, metacopy off" },
	{ metacopy, STACK ",metacopy=off", "none", "Operation not permitted, metacopy off" },

	{ data_layers, DATA, "file",
	  "regular file upper:/file lower1:/file redirect /d/file lazy /d/file data data1:/d/file" },
	{ data_layers, DATA, "second",
	  "regular file lower1:/second redirect /d/second lazy /d/second data data2:/d/second" },
	{ data_layers, DATA, "white",
	  "regular file lower1:/white redirect /d/white lazy /d/white data data2:/d/white" },
	{ data_layers, DATA, "marked",
	  "regular file lower1:/marked redirect /d/marked lazy /d/marked data data1:/d/marked" },
	{ data_layers, DATA, "none",
	  "regular file lower1:/none redirect /d/none lazy /d/none data: No such file or directory" },
	{ data_layers, DATA, "notdir",
	  "regular file lower1:/notdir redirect /d/file/x lazy /d/file/x data: Not a directory" },
	{ data_layers, DATA, "link",
	  "regular file lower1:/link redirect /l/file lazy /l/file data: Too many levels of symbolic links" },
	{ data_layers, DATA, "direct", "Input/output error, no lowerdata" },
	{ data_layers, DATA, "relative", "Input/output error, no lowerdata" },
	{ data_layers, DATA, "dir", "directory upper:/dir redirect /d" },

	{ nested, "upperdir=upper,workdir=work,lowerdir=lower1:lower1/nested", "nested",
	  "Too many levels of symbolic links, layer root at lower1:/nested" },
	{ nested, "upperdir=upper,workdir=work,lowerdir=lower1:lower2", "nested",
	  "directory lower1:/nested" },
};

static void make(void (*fill)(void))
{
	tree_clear();
	tree_layers(3);
	tree_dir("data1");
	tree_dir("data2");
	fill();
}

START_TEST(test_lookup_rules)
{
	struct tree_stack t;

	/* one tree for all cases that follow each other with it */
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		_cleanup_free_ char *found = NULL;

		if (i == 0 || cases[i].make != cases[i - 1].make)
			make(cases[i].make);
		ck_assert_int_eq(tree_open_options(&t, cases[i].options, NULL), 0);
		found = hit_text_of(t.stack, OVL_LAYER_UPPER, cases[i].path);
		ck_assert_msg(strcmp(found, cases[i].expected) == 0, "%s: \"%s\" instead of \"%s\"",
			      cases[i].path, found, cases[i].expected);
		tree_close(&t);
	}
}
END_TEST

/* Names that no directory has are refused, and nothing is written. */
START_TEST(test_lookup_no_name)
{
	static const char *const names[] = { "", ".", "..", "a/b", "/", "/a" };
	struct ovl_hit hit = { .result = 77 };
	struct ovl_entry *root;
	struct tree_stack t;

	make(plain);
	ck_assert_int_eq(tree_open_options(&t, STACK, NULL), 0);
	root = ovl_lookup_root(t.stack, OVL_LAYER_UPPER);
	ck_assert_int_eq(ovl_lookup(t.stack, root, names[_i], NULL, NULL, &hit), -EINVAL);
	ck_assert_int_eq(hit.result, 77);
	ovl_entry_unref(root);
	tree_close(&t);
}
END_TEST

/* A name that is too long is not there, as the kernel says of each layer. */
START_TEST(test_lookup_long_name)
{
	_cleanup_free_ char *found = NULL;
	struct tree_stack t;
	char name[301];

	memset(name, 'n', 300);
	name[300] = '\0';
	make(plain);
	ck_assert_int_eq(tree_open_options(&t, STACK, NULL), 0);
	found = hit_text_of(t.stack, OVL_LAYER_UPPER, name);
	ck_assert_str_eq(found, "No such file or directory, absent");
	tree_close(&t);
}
END_TEST

/* ---- What is told on the way ---- */

struct told {
	const struct ovl_stack *stack;
	struct ovl_buf text;
};

static void hear(void *ctx, const struct ovl_step *step)
{
	struct told *told = ctx;
	_cleanup_free_ char *place =
		ovl_stack_place(told->stack, (struct ovl_loc){ step->layer, step->path });

	ck_assert_int_eq(ovl_buf_addf(&told->text, "%s%s%s%s\n", place, step->obs ? "" : " absent",
				      step->used ? " used" : "", step->stop ? " stop" : ""),
			 0);
}

START_TEST(test_lookup_steps)
{
	static const struct {
		void (*make)(void);
		const char *name, *told;
	} steps[] = {
		{ redirects, "abs",
		  "upper:/abs used\nlower1:/x used\nlower1:/x/y used\nlower2:/x used\n"
		  "lower2:/x/y used\nlower3:/x absent\n" },
		{ whiteouts, "gone", "upper:/gone stop\n" },
		{ types, "dir", "upper:/dir used\nlower1:/dir stop\n" },
		{ metacopy, "chain",
		  "upper:/chain used\nlower1:/chain used\nlower2:/chain used\nlower3:/end used stop\n" },
		{ opaque, "mid", "upper:/mid used\nlower1:/mid used stop\n" },
	};
	struct ovl_entry *root;
	struct told told = { 0 };
	struct ovl_hit hit;
	struct tree_stack t;

	make(steps[_i].make);
	ck_assert_int_eq(tree_open_options(&t, STACK, NULL), 0);
	told.stack = t.stack;
	root = ovl_lookup_root(t.stack, OVL_LAYER_UPPER);
	ck_assert_int_eq(ovl_lookup(t.stack, root, steps[_i].name, hear, &told, &hit), 0);
	ck_assert_str_eq(told.text.data, steps[_i].told);
	ovl_buf_done(&told.text);
	ovl_hit_done(&hit);
	ovl_entry_unref(root);
	tree_close(&t);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("stack/lookup");
	TCase *t = tcase_create("lookup");

	if (!tree_works())
		return EXIT_SUCCESS;
	if (!tree_has_trusted()) {
		printf("1..0 # SKIP needs root\n");
		return EXIT_SUCCESS;
	}
	tcase_set_timeout(t, 60);
	tcase_add_unchecked_fixture(t, tree_start, tree_stop);
	tcase_add_test(t, test_lookup_rules);
	tcase_add_loop_test(t, test_lookup_no_name, 0, 6);
	tcase_add_test(t, test_lookup_long_name);
	tcase_add_loop_test(t, test_lookup_steps, 0, 5);
	suite_add_tcase(s, t);
	return ovl_unit_main(s);
}
