/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit/tree_every.h"

#include "unit/tree_kit.h"

/* Copied up, removed, replaced, made anew. */
static void make_ordinary(void)
{
	tree_file("lower1/plain", "plain");
	tree_file("lower1/dir/file", "in lower1");
	tree_file("lower2/dir/file", "in lower2");
	tree_file("lower2/dir/other", "other");
	tree_file("lower3/dir/deep/er/file", "deep");
	tree_symlink("lower1/link", "plain");
	tree_fifo("lower2/fifo");
	tree_file("upper/dir/file", "changed");
	tree_origin("upper/dir/file", "lower1/dir/file");
	tree_origin("upper/dir", "lower1/dir");
	tree_mark("upper/dir", "impure", "y");
	tree_dir("upper/dir/deep");
	tree_origin("upper/dir/deep", "lower3/dir/deep");
	tree_whiteout("upper/dir/other");
	tree_whiteout("upper/plain");
	tree_file("lower2/was/file", "covered");
	tree_file("upper/was/new", "new");
	tree_mark("upper/was", "opaque", "y");
	tree_mark("upper", "impure", "y");
}

/* Renamed directories, also in a lower layer that was an upper once. */
static void make_redirects(void)
{
	tree_file("lower2/old/inside", "inside");
	tree_dir("upper/dir/new");
	tree_mark("upper/dir/new", "redirect", "/old");
	tree_origin("upper/dir/new", "lower2/old");
	tree_whiteout("upper/old");
	tree_dir("upper/dir/deep/re");
	tree_mark("upper/dir/deep/re", "redirect", "er");
	tree_origin("upper/dir/deep/re", "lower3/dir/deep/er");
	tree_whiteout("upper/dir/deep/er");
	tree_mark("upper/dir/deep", "impure", "y");
	tree_file("lower3/first/data", "data");
	tree_dir("lower2/second");
	tree_mark("lower2/second", "redirect", "/first");
	tree_origin("lower2/second", "lower3/first");
	tree_whiteout("lower2/first");
	tree_dir("upper/second");
	tree_origin("upper/second", "lower2/second");
}

static void make_metacopy(void)
{
	tree_file("lower2/meta", "the data of meta");
	tree_metacopy("upper/meta", "lower2/meta");
	tree_file("lower2/moved", "the data of moved");
	tree_metacopy("upper/dir/moved-here", "lower2/moved");
	tree_mark("upper/dir/moved-here", "redirect", "/moved");
	tree_whiteout("upper/moved");
	/* through a layer in the middle */
	tree_file("lower3/chain", "the data at the end of the chain");
	tree_metacopy("lower1/chain", "lower3/chain");
	tree_metacopy("upper/chain", "lower1/chain");
	/* its data was copied up at last; the redirect stays */
	tree_file("lower1/done", "done");
	tree_file("upper/done", "done and changed");
	tree_mark("upper/done", "redirect", "/done");
	tree_origin("upper/done", "lower1/done");
}

/* A lower hard link of which one name was copied up. */
static void make_index(void)
{
	tree_index_roots();
	tree_file("lower1/hard1", "hard");
	tree_link("lower1/hard1", "lower1/dir/hard2");
	tree_file("upper/hard1", "hard, and changed");
	tree_origin("upper/hard1", "lower1/hard1");
	tree_mark("upper/hard1", "nlink", "U+0");
	tree_index("upper/hard1", "lower1/hard1");
	/* and one that was made in the upper */
	tree_file("upper/one", "two names");
	tree_link("upper/one", "upper/two");
	tree_whiteout("work/work/#1");
}

static void make_marks(void)
{
	tree_file("lower2/hidden/a", "hidden");
	tree_file("lower1/hidden/a", "");
	tree_mark("lower1/hidden/a", "whiteout", "");
	tree_mark("lower1/hidden", "opaque", "x");
	tree_mark("upper", "uuid", "0123456789abcdef");
	tree_file("lower1/flags", "flags");
	tree_file("upper/flags", "flags");
	tree_origin("upper/flags", "lower1/flags");
	tree_mark("upper/flags", "protattr", "i");
	tree_file("upper/.wh.foreign", "");
	tree_file("upper/images/diff/file", "");
	tree_file("upper/images/link", "");
}

void tree_every(void)
{
	tree_layers(TREE_EVERY_LOWERS);
	make_ordinary();
	make_redirects();
	make_metacopy();
	make_index();
	make_marks();
}
