/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Uses of layers by live overlays, as words; and who uses ours, in a mount namespace of our own.
 */
#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "mount.h"
#include "stack/users.h"
#include "tool.h"
#include "unit/tree_kit.h"
#include "unit/unit.h"

/* Enough of a stack to name layers: an upper and three lowers. */
static struct ovl_stack stack = { .has_upper = true, .n_lower = 3, .n_layer = 4 };

#define USE(LAYER, AS, MOUNT, PID, AT, OURS)                                           \
	{                                                                              \
		.layer = (LAYER), .as = OVL_ROLE_##AS, .mount = (MOUNT), .pid = (PID), \
		.mountpoint = (char *)(AT), .ours = (OURS)                             \
	}

static const struct {
	struct ovl_use use[4];
	size_t n;
	const char *text[4]; /* one a group */
	bool live;
} cases[] = {
	{ { USE(0, UPPER, 1, 12, "/merged", true),
	    USE(OVL_LAYER_WORK, WORK, 1, 12, "/merged", true) },
	  2,
	  { "upper and work are in use by the overlay at /merged (process 12)" },
	  true },
	/* this process is not named */
	{ { USE(0, UPPER, 1, 0, "/merged", true) },
	  1,
	  { "upper is in use by the overlay at /merged" },
	  true },
	/* two mounts */
	{ { USE(0, UPPER, 1, 1, "/a", true), USE(0, UPPER, 2, 1, "/b", false) },
	  2,
	  { "upper is in use by the overlay at /a (process 1)",
	    "upper is in use by the overlay at /b (process 1)" },
	  true },
	/* one mount, of which we share one directory only with the other role */
	{ { USE(1, UPPER, 1, 1, "/a", false), USE(0, LOWER, 1, 1, "/a", false) },
	  2,
	  { "lower1 is in use by the overlay at /a (process 1)",
	    "upper is in use as lower layer by the overlay at /a (process 1)" },
	  false },
	/* unmounted, but still there */
	{ { USE(0, _MAX, 0, 0, NULL, true), USE(OVL_LAYER_WORK, _MAX, 0, 0, NULL, true) },
	  2,
	  { "upper and work are in use by an overlay that no mount table shows" },
	  true },
	{ { USE(1, UPPER, 1, 5, "/x", false), USE(2, WORK, 1, 5, "/x", false),
	    USE(3, LOWER, 1, 5, "/x", false) },
	  3,
	  { "lower1 and lower2 are in use by the overlay at /x (process 5)",
	    "lower3 is in use as lower layer by the overlay at /x (process 5)" },
	  false },
	/* a mount point is somebody else's name */
	{ { USE(0, UPPER, 1, 3, "/a\nb\x1b[2J", true) },
	  1,
	  { "upper is in use by the overlay at /a\\012b\\033[2J (process 3)" },
	  true },
};

START_TEST(test_users_words)
{
	struct ovl_users users = { (struct ovl_use *)cases[_i].use, cases[_i].n };
	size_t group = 0, n;

	for (size_t i = 0; i < users.n; i += n, group++) {
		_cleanup_(ovl_buf_done) struct ovl_buf b = { 0 };

		n = ovl_users_group(&users, i);
		ck_assert_int_eq(ovl_users_tell(&stack, &users.use[i], n, &b), 0);
		ck_assert_ptr_nonnull(cases[_i].text[group]);
		ck_assert_str_eq(b.data, cases[_i].text[group]);
	}
	ck_assert(group == 4 || !cases[_i].text[group]);
	ck_assert_int_eq(ovl_users_live(&users), cases[_i].live);
}
END_TEST

static void private_mounts(void)
{
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		ovl_tool_die("cannot get mounts of my own");
}

/* With full paths: a mount table repeats what it was told, and is read from elsewhere. */
static char *options_for(const char *upper, const char *work, const char *lower1)
{
	_cleanup_free_ char *here = getcwd(NULL, 0);

	return ovl_tool_format("upperdir=%s/%s,workdir=%s/%s,lowerdir=%s/%s:%s/lower2", here, upper,
			       here, work, here, lower1, here);
}

static char *users_of(const char *upper, const char *work, const char *lower1)
{
	_cleanup_free_ char *options = options_for(upper, work, lower1);
	char *text = (char *)&stack;
	struct tree_stack t;
	int r;

	ck_assert_int_eq(tree_open_options(&t, options, NULL), 0);
	r = ovl_stack_users(t.stack, &text);
	ck_assert_int_ge(r, 0);
	ck_assert_int_eq(r, text != NULL);
	tree_close(&t);
	return text;
}

/* Nobody; we ourselves; another overlay that has our upper as its lower. */
START_TEST(test_users_found)
{
	_cleanup_free_ char *options = NULL, *nobody = NULL, *we = NULL, *beside = NULL,
			    *above = NULL;

	private_mounts();
	tree_clear();
	tree_layers(2);
	tree_dir("mnt");
	tree_dir("other/upper");
	tree_dir("other/work");
	options = options_for("upper", "work", "lower1");
	nobody = users_of("upper", "work", "lower1");
	ck_assert_ptr_null(nobody);
	if (ovl_mount(options, "mnt", false) < 0) {
		tree_skip("users of layers", "no overlay can be mounted here");
		return;
	}
	we = users_of("upper", "work", "lower1");
	ck_assert_ptr_nonnull(strstr(we, "upper and work are in use by the overlay at "));
	ck_assert_ptr_null(strchr(we, '\n'));
	/* that both have the lowers is nothing to be told */
	beside = users_of("other/upper", "other/work", "lower1");
	ck_assert_ptr_null(beside);
	above = users_of("other/upper", "other/work", "upper");
	ck_assert_ptr_nonnull(strstr(above, "lower1 is in use by the overlay at "));
	ck_assert_int_eq(umount("mnt"), 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("stack/users");
	TCase *t = tcase_create("users");

	if (!tree_works())
		return EXIT_SUCCESS;
	tcase_set_timeout(t, 60);
	tcase_add_unchecked_fixture(t, tree_start, tree_stop);
	tcase_add_loop_test(t, test_users_words, 0, ARRAY_LEN(cases));
	if (tree_has_trusted())
		tcase_add_test(t, test_users_found);
	else
		tree_skip("users of layers", "needs root");
	suite_add_tcase(s, t);
	return ovl_unit_main(s);
}
