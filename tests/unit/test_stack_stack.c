/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "stack/lookup.h"
#include "tool.h"
#include "unit/tree_kit.h"
#include "unit/unit.h"

static void setup(void)
{
	tree_clear();
	tree_layers(3);
	tree_dir("data1");
	tree_dir("data2");
}

static void open_stack(struct tree_stack *t, const char *options)
{
	_cleanup_free_ char *all =
		ovl_tool_format("%s%s", options, tree_has_trusted() ? "" : ",userxattr");

	ck_assert_int_eq(tree_open_options(t, all, NULL), 0);
}

#define UPPER "upperdir=upper,workdir=work,lowerdir="

START_TEST(test_stack_layers)
{
	static const struct {
		const char *options;
		bool has_upper;
		unsigned n_lower, n_data;
		size_t n;
	} cases[] = {
		{ UPPER "lower1", true, 1, 0, 2 },
		{ UPPER "lower1:lower2:lower3", true, 3, 0, 4 },
		{ UPPER "lower1:lower2::data1::data2", true, 2, 2, 5 },
		{ "lowerdir=lower1:lower2", false, 2, 0, 2 },
		{ "lowerdir=lower1::data1", false, 1, 1, 2 },
	};
	struct tree_stack t;

	open_stack(&t, cases[_i].options);
	ck_assert_int_eq(t.stack->has_upper, cases[_i].has_upper);
	ck_assert_uint_eq(t.stack->n_lower, cases[_i].n_lower);
	ck_assert_uint_eq(t.stack->n_data, cases[_i].n_data);
	ck_assert_uint_eq(ovl_stack_n_layers(t.stack), cases[_i].n);
	ck_assert_int_eq(t.stack->layer[0].root.fd >= 0, cases[_i].has_upper);
	ck_assert_int_eq(t.stack->work.root.fd >= 0, cases[_i].has_upper);
	for (int n = 1; n < (int)t.stack->n_layer; n++) {
		const struct ovl_layer *layer = ovl_stack_layer(t.stack, n);

		ck_assert_int_eq(layer->number, n);
		ck_assert_int_ge(layer->root.fd, 0);
		ck_assert_int_eq(layer->role,
				 n > (int)cases[_i].n_lower ? OVL_ROLE_DATA : OVL_ROLE_LOWER);
	}
	tree_close(&t);
	ck_assert_ptr_null(ovl_stack_close(NULL));
}
END_TEST

static void check_name(struct ovl_stack *stack, int layer, const char *name, const char *dir)
{
	_cleanup_free_ char *found = ovl_stack_layer_name(stack, layer);

	ck_assert_str_eq(found, name);
	if (dir)
		ck_assert_str_eq(ovl_stack_layer_dir(stack, layer), dir);
	else
		ck_assert_ptr_null(ovl_stack_layer_dir(stack, layer));
}

START_TEST(test_stack_names)
{
	struct tree_stack t;

	tree_dir("work/index");
	open_stack(&t, UPPER "lower1:lower2::data1::data2");
	check_name(t.stack, OVL_LAYER_UPPER, "upper", "upper");
	check_name(t.stack, 1, "lower1", "lower1");
	check_name(t.stack, 2, "lower2", "lower2");
	check_name(t.stack, 3, "data1", "data1");
	check_name(t.stack, 4, "data2", "data2");
	check_name(t.stack, OVL_LAYER_WORK, "work", "work");
	check_name(t.stack, OVL_LAYER_INDEX, "index", "work/index");
	check_name(t.stack, OVL_LAYER_NONE, "overlay", NULL);
	tree_close(&t);
}
END_TEST

/* A place is one line and nothing a terminal obeys; the path behind it is what it is. */
static const struct {
	int layer;
	const char *path, *place;
} places[] = {
	{ OVL_LAYER_UPPER, "/", "upper:/" },
	{ OVL_LAYER_UPPER, "/etc/motd", "upper:/etc/motd" },
	{ 2, "/a", "lower2:/a" },
	{ 3, "/a", "lower3:/a" },
	{ OVL_LAYER_WORK, "/work/#1", "work:/work/#1" },
	{ OVL_LAYER_INDEX, "/00fb", "index:/00fb" },
	{ OVL_LAYER_NONE, "/", "overlay" },
	{ 1, "/two\nlines", "lower1:/two\\012lines" },
	{ 1, "/\x1b[31mred\x1b[0m", "lower1:/\\033[31mred\\033[0m" },
	{ 1, "/back\\slash", "lower1:/back\\\\slash" },
	{ 1, "/\xff\xfe", "lower1:/\\377\\376" },
	{ 1, "/gr\xc3\xbc\xc3\x9f/\xe6\x97\xa5", "lower1:/gr\xc3\xbc\xc3\x9f/\xe6\x97\xa5" },
	{ 1,
	  "/\xe2\x80\xae"
	  "elif",
	  "lower1:/\\342\\200\\256elif" },
	{ 1, "/ : /\t", "lower1:/ : /\\011" },
};

START_TEST(test_stack_places)
{
	_cleanup_free_ char *place = NULL, *path = NULL;
	struct ovl_path *p = NULL;
	struct ovl_loc loc;
	struct tree_stack t;

	open_stack(&t, UPPER "lower1:lower2:lower3");
	ck_assert_int_eq(ovl_path_parse(places[_i].path, &p), 0);
	loc = (struct ovl_loc){ places[_i].layer, p };
	place = ovl_stack_place(t.stack, loc);
	ck_assert_str_eq(place, places[_i].place);
	path = ovl_stack_path(loc);
	ck_assert_str_eq(path, places[_i].path);
	ovl_path_unref(p);
	tree_close(&t);
}
END_TEST

/* As deep as no path of the system may be. */
START_TEST(test_stack_long_place)
{
	_cleanup_free_ char *place = NULL;
	struct ovl_path *p = NULL, *next;
	char name[201];
	struct tree_stack t;

	memset(name, 'n', 200);
	name[200] = '\0';
	for (unsigned i = 0; i < 1000; i++) {
		next = ovl_path_new(p, name, 200);
		ovl_path_unref(p);
		p = next;
	}
	open_stack(&t, UPPER "lower1");
	place = ovl_stack_place(t.stack, (struct ovl_loc){ 1, p });
	ck_assert_uint_eq(strlen(place), strlen("lower1:") + 1000 * 201);
	ovl_path_unref(p);
	tree_close(&t);
}
END_TEST

/* What is refused, and in which words; those of contradictions are tested where they are made. */
static const struct {
	const char *options;
	int error;
	const char *text;
} refused[] = {
	{ UPPER "lower1:gone", -ENOENT,
	  "cannot open lower layer 'gone': No such file or directory" },
	{ "upperdir=gone,workdir=work,lowerdir=lower1", -ENOENT,
	  "cannot open upper layer 'gone': No such file or directory" },
	{ "upperdir=upper,workdir=gone,lowerdir=lower1", -ENOENT,
	  "cannot open work directory 'gone': No such file or directory" },
	{ UPPER "lower1::gone", -ENOENT,
	  "cannot open data-only layer 'gone': No such file or directory" },
	{ UPPER "file", -ENOTDIR, "cannot open lower layer 'file': Not a directory" },
	{ UPPER "fifo", -ENOTDIR, "cannot open lower layer 'fifo': Not a directory" },
	{ UPPER "loop", -ELOOP,
	  "cannot open lower layer 'loop': Too many levels of symbolic links" },
	/* such a name cannot be an option, so it is set as fsconfig(2) would */
	{ "gone\n\x1b[2Jfsck: clean", -ENOENT,
	  "cannot open lower layer 'gone\\012\\033[2Jfsck: clean': No such file or directory" },
	{ "lowerdir=lower1", -EINVAL, NULL },
	{ "upperdir=upper,lowerdir=lower1", -EINVAL, NULL },
	{ UPPER "lower1,index=off,nfs_export=on", -EINVAL, NULL },
};

START_TEST(test_stack_refused)
{
	struct ovl_stack *stack = (struct ovl_stack *)&refused, *before = stack;
	struct ovl_config config = { 0 };
	struct ovl_error e = OVL_ERROR_INIT;

	tree_file("file", "");
	tree_fifo("fifo");
	tree_symlink("loop", "loop");
	if (strchr(refused[_i].options, '\n')) {
		ck_assert_int_eq(ovl_config_parse(&config, "upperdir=upper,workdir=work", NULL), 0);
		ck_assert_int_eq(ovl_config_set(&config, "lowerdir+", refused[_i].options, NULL),
				 0);
	} else {
		ck_assert_int_eq(ovl_config_parse(&config, refused[_i].options, NULL), 0);
	}
	if (!tree_has_trusted())
		ck_assert_int_eq(ovl_config_parse(&config, "userxattr", NULL), 0);
	ck_assert_int_eq(ovl_stack_open(&config, NULL, &stack, &e), refused[_i].error);
	ck_assert_ptr_eq(stack, before);
	ck_assert_int_eq(e.code, refused[_i].error);
	ck_assert_ptr_nonnull(e.text);
	ck_assert_ptr_null(strchr(e.text, '\n'));
	if (refused[_i].text)
		ck_assert_str_eq(e.text, refused[_i].text);
	ovl_error_done(&e);
	/* and nobody has to want to know why */
	ck_assert_int_eq(ovl_stack_open(&config, NULL, &stack, NULL), refused[_i].error);
	ovl_config_done(&config);
}
END_TEST

/* What is no directory where the index should be is not opened; a symlink is not followed. */
START_TEST(test_stack_index)
{
	struct tree_stack t;

	open_stack(&t, UPPER "lower1");
	ck_assert_int_eq(t.stack->index_errno, -ENOENT);
	ck_assert_int_lt(t.stack->index.root.fd, 0);
	tree_close(&t);
	tree_symlink("work/index", "../lower1");
	open_stack(&t, UPPER "lower1");
	ck_assert_int_eq(t.stack->index_errno, -ENOTDIR);
	ck_assert_int_lt(t.stack->index.root.fd, 0);
	tree_close(&t);
	tree_remove("work/index");
	tree_fifo("work/index");
	open_stack(&t, UPPER "lower1");
	ck_assert_int_eq(t.stack->index_errno, -ENOTDIR);
	tree_close(&t);
	tree_remove("work/index");
	tree_dir("work/index");
	open_stack(&t, UPPER "lower1");
	ck_assert_int_eq(t.stack->index_errno, 0);
	ck_assert_int_ge(t.stack->index.root.fd, 0);
	ck_assert_int_eq(ovl_stack_layer(t.stack, OVL_LAYER_INDEX)->role, OVL_ROLE_INDEX);
	tree_close(&t);
}
END_TEST

/* Layers may be symlinks, as for mount(8); the same one twice is for the check to say. */
START_TEST(test_stack_odd_layers)
{
	struct tree_stack t;

	tree_symlink("link", "lower1");
	open_stack(&t, UPPER "link:lower1:lower2");
	ck_assert_uint_eq(t.stack->layer[1].root.stat.ino, t.stack->layer[2].root.stat.ino);
	ck_assert_str_eq(ovl_stack_layer_dir(t.stack, 1), "link");
	tree_close(&t);
}
END_TEST

/* Every root is a trap for lookup, the work base and the index among them. */
START_TEST(test_stack_traps)
{
	static const char *const dirs[] = { "upper", "work", "work/index", "lower1", "data1" };
	struct tree_stack t;
	struct stat st;

	tree_dir("work/index");
	open_stack(&t, UPPER "lower1::data1");
	for (size_t i = 0; i < ARRAY_LEN(dirs); i++) {
		ck_assert_int_eq(stat(dirs[i], &st), 0);
		ck_assert_ptr_nonnull(
			ovl_map_get(&t.stack->traps, (struct ovl_key){ st.st_dev, st.st_ino }));
	}
	ck_assert_int_eq(stat("lower2", &st), 0);
	ck_assert_ptr_null(ovl_map_get(&t.stack->traps, (struct ovl_key){ st.st_dev, st.st_ino }));
	ck_assert_uint_eq(t.stack->traps.n, ARRAY_LEN(dirs));
	tree_close(&t);
}
END_TEST

/* Root entries are made once, for each part of the stack, and hold what lies in that part. */
START_TEST(test_stack_root_entries)
{
	struct ovl_entry *a, *b;
	struct tree_stack t;

	open_stack(&t, UPPER "lower1:lower2:lower3::data1");
	a = ovl_lookup_root(t.stack, OVL_LAYER_UPPER);
	b = ovl_lookup_root(t.stack, OVL_LAYER_UPPER);
	ck_assert_ptr_eq(a, b);
	ck_assert_ptr_eq(a->upper, t.stack->root_dir[0]);
	ck_assert_uint_eq(a->n_lower, 3);
	ovl_entry_unref(a);
	ovl_entry_unref(b);
	a = ovl_lookup_root(t.stack, 2);
	ck_assert_ptr_null(a->upper);
	ck_assert_uint_eq(a->n_lower, 2);
	ck_assert_int_eq(a->lower[0]->layer, 2);
	ck_assert_int_eq(a->first, 2);
	ovl_entry_unref(a);
	tree_close(&t);
}
END_TEST

/* Without the right to see trusted xattrs every layer would look clean. */
START_TEST(test_stack_no_trusted)
{
	struct ovl_config config = { 0 };
	struct ovl_error e = OVL_ERROR_INIT;
	struct ovl_stack *stack = NULL;

	if (geteuid() == 0 && (chmod(".", 0755) < 0 || setgroups(0, NULL) < 0 ||
			       setgid(65534) < 0 || setuid(65534) < 0))
		ovl_tool_die("cannot become nobody");
	ck_assert_int_eq(ovl_config_parse(&config, "lowerdir=lower1:lower2", NULL), 0);
	ck_assert_int_eq(ovl_stack_open(&config, NULL, &stack, &e), -EPERM);
	ck_assert_ptr_null(stack);
	ck_assert_ptr_nonnull(strstr(e.text, "env-no-trusted-xattr"));
	ovl_error_done(&e);
	ck_assert_int_eq(ovl_config_parse(&config, "userxattr", NULL), 0);
	ck_assert_int_eq(ovl_stack_open(&config, NULL, &stack, &e), 0);
	ovl_stack_close(stack);
	ovl_config_done(&config);
}
END_TEST

/* Five hundred layers, which is what the kernel takes. */
START_TEST(test_stack_many_layers)
{
	struct ovl_config config = { 0 };
	struct ovl_error e = OVL_ERROR_INIT;
	struct ovl_stack *stack = NULL;
	char dir[32];

	if (!tree_has_trusted())
		ck_assert_int_eq(ovl_config_set(&config, "userxattr", NULL, NULL), 0);
	for (unsigned i = 0; i < OVL_MAX_LAYERS; i++) {
		snprintf(dir, sizeof(dir), "many/%u", i);
		tree_dir(dir);
		ck_assert_int_eq(ovl_config_set(&config, "lowerdir+", dir, NULL), 0);
	}
	ck_assert_int_eq(ovl_stack_open(&config, NULL, &stack, &e), 0);
	ck_assert_uint_eq(ovl_stack_n_layers(stack), OVL_MAX_LAYERS);
	check_name(stack, OVL_MAX_LAYERS, "lower500", "many/499");
	ovl_stack_close(stack);
	/* one more */
	ck_assert_int_eq(ovl_config_set(&config, "lowerdir+", "lower1", NULL), 0);
	ck_assert_int_eq(ovl_stack_open(&config, NULL, &stack, &e), -EINVAL);
	ovl_error_done(&e);
	ovl_config_done(&config);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("stack/stack");
	TCase *t = tcase_create("stack");

	if (!tree_works())
		return EXIT_SUCCESS;
	tcase_add_unchecked_fixture(t, tree_start, tree_stop);
	tcase_add_checked_fixture(t, setup, NULL);
	tcase_add_loop_test(t, test_stack_layers, 0, 5);
	tcase_add_test(t, test_stack_names);
	tcase_add_loop_test(t, test_stack_places, 0, ARRAY_LEN(places));
	tcase_add_test(t, test_stack_long_place);
	tcase_add_loop_test(t, test_stack_refused, 0, ARRAY_LEN(refused));
	tcase_add_test(t, test_stack_index);
	tcase_add_test(t, test_stack_odd_layers);
	tcase_add_test(t, test_stack_traps);
	tcase_add_test(t, test_stack_root_entries);
	tcase_add_test(t, test_stack_no_trusted);
	tcase_add_test(t, test_stack_many_layers);
	suite_add_tcase(s, t);
	return ovl_unit_main(s);
}
