/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <ctype.h>

#include "unit/unit.h"

#include "../../fsck/extended.c"
#include "../../fsck/options.c"

enum { MAX_ARGS = 16 };

/* Parses a line of words separated by one blank; returns what ovl_options_parse() does. */
static int parse(const char *line, struct ovl_options *o, struct ovl_error *e)
{
	static char buf[1024]; /* the options point into it */
	char *argv[MAX_ARGS + 2] = { (char *)"fsck.overlay" }, *rest = buf;
	int argc = 1;

	snprintf(buf, sizeof(buf), "%s", line);
	while (*line && argc <= MAX_ARGS && (argv[argc] = strsep(&rest, " ")))
		argc++;
	*o = (struct ovl_options){ 0 };
	*e = (struct ovl_error)OVL_ERROR_INIT;
	return ovl_options_parse(o, argc, argv, e);
}

static const struct {
	const char *line;
	const char *why; /* part of the text */
} refused[] = {
	{ "", "which overlay?" },
	{ "-n -p /m", "only one of" },
	{ "-n -a /m", "only one of" },
	{ "-ny /m", "only one of" },
	{ "-p -y /m", "only one of" },
	{ "--to=3.17 -n /m", "--to=3.17: must be a version of Linux" },
	{ "--to= -n /m", "--to=: must be a version of Linux" },
	{ "--to", "--to needs a value" },
	{ "-O metacopy -n /m", "-O metacopy: features can only be dropped" },
	{ "-O ^nonsense -n /m", "-O ^nonsense: no such feature; there are" },
	{ "--to=4.14 --undo /m", "--to does not go together with --undo" },
	{ "-O ^metacopy --list-undo /m", "-O does not go together with --list-undo" },
	{ "--to=4.14 --inspect=/a /m", "--to does not go together with --inspect" },
	{ "-n -E layers=lower /m", "-E layers=lower: must be upper or all" },
	{ "-n -E layers /m", "-E layers needs a value" },
	{ "-n -E layers=all /m", "-E layers is for conversions: give --to or -O too" },
	{ "-n -E accept-loss /m", "-E accept-loss is for conversions" },
	{ "--to=4.14 -n -E accept-loss=yes /m", "takes no value" },
	{ "-A -n /m", "-A finds the overlays itself: '/m' is too much" },
	{ "-A -n -o index=on", "-A finds the overlays itself: '-o' is too much" },
	{ "-A --undo", "--undo is for one overlay: -A" },
	{ "-A --list-undo", "--list-undo is for one overlay: -A" },
	{ "-A -n --inspect=/a", "--inspect is for one overlay: -A" },
	{ "-A --json", "--json cannot ask: give one of" },
	{ "-A -n -p", "only one of" },
	{ "--boot", "--boot needs one mount point, from / on" },
	{ "--boot m", "--boot needs one mount point" },
	{ "--boot lowerdir=/a:/b", "--boot needs one mount point" },
	{ "--boot /m /n", "--boot needs one mount point" },
	{ "--boot -n /m", "-n does not go together with --boot" },
	{ "--boot -p /m", "-p does not go together with --boot" },
	{ "-y --boot /m", "-y does not go together with --boot" },
	{ "--boot -A", "-A does not go together with --boot" },
	{ "--boot --to=4.14 /m", "--to does not go together with --boot" },
	{ "--boot -O ^metacopy /m", "-O does not go together with --boot" },
	{ "--boot -z /d /m", "-z does not go together with --boot" },
	{ "--boot -o index=on /m", "-o does not go together with --boot" },
	{ "--boot --undo /m", "--undo does not go together with --boot" },
	{ "--boot --list-undo /m", "--list-undo does not go together with --boot" },
	{ "--boot --inspect=/a /m", "--inspect does not go together with --boot" },
	{ "--boot=1 /m", "--boot=1: must be end, or nothing" },
	{ "--boot=end", "--boot needs one mount point" },
	{ "-n -E check-interval=1 /m", "-E check-interval is for --boot" },
	{ "--boot -E check-interval /m", "-E check-interval needs a value" },
	{ "--boot -E check-interval= /m", "must be a number from 0 to 36500" },
	{ "--boot -E check-interval=00 /m", "must be a number from 0 to 36500" },
	{ "--boot -E check-interval=36501 /m", "must be a number from 0 to 36500" },
	{ "--boot -E check-interval=1d /m", "must be a number from 0 to 36500" },
	{ "-n -y -p /m", "only one of" },
	{ "-p -y --undo /m", "only one of" },
	{ "--json /m", "--json cannot ask: give one of" },
	{ "--undo --list-undo /m", "only one of --inspect, --undo and" },
	{ "--undo --inspect=/a /m", "only one of --inspect, --undo and" },
	{ "--inspect=/a --list-undo /m", "only one of --inspect, --undo and" },
	{ "-p --inspect=/a /m", "--inspect does not go together with -p (-a) and -y" },
	{ "-y --undo /m", "--undo does not go together" },
	{ "-a --list-undo /m", "--list-undo does not go together" },
	{ "--list-undo=1 /m", "--list-undo takes no value" },
	{ "-n /m -z", "-z needs a value" },
	{ "-z  -n /m", "-z needs a directory" },
	{ "-Q /m", "unknown option -Q" },
	{ "-nQ /m", "unknown option -Q" },
	{ "-n --nonsense /m", "unknown option --nonsense" },
	{ "-n --list /m", "ambiguous option --list" },
	{ "-n --nonsense=1 /m", "--nonsense=1" },
	{ "-n --list /m", "--list" }, /* two options begin with it */
	{ "-n --json=1 /m", "--json takes no value" },
	{ "-n /m -o", "-o needs a value" },
	{ "-n /m -C", "-C needs a value" },
	{ "-n /m --inspect", "--inspect needs a value" },
	{ "-n -C x /m", "-C x: must be a file descriptor" },
	{ "-n -C 3x /m", "file descriptor" },
	{ "-n -C 99999999999999999999 /m", "file descriptor" },
	{ "-n -j 0 /m", "-j 0: must be a number from 1 to 256" },
	{ "-n -j 257 /m", "from 1 to 256" },
	{ "-n -j -1 /m", "from 1 to 256" },
	{ "-n -j 4294967297 /m", "from 1 to 256" },
	{ "-n -j 8x /m", "from 1 to 256" },
	{ "-n --color=pink /m", "auto, always or never" },
	{ "-n -E nonsense /m", "-E nonsense: no such key; there are lower=" },
	{ "-n -E , /m", "no such key" },
	{ "-n -E lower=maybe /m", "auto, rw or ro" },
	{ "-n -E lower /m", "-E lower needs a value" },
	{ "-n -E keep-journals /m", "needs a value" },
	{ "-n -E keep-journals= /m", "from 1 to 1000" },
	{ "-n -E keep-journals=0 /m", "-E keep-journals=0: must be a number from 1 to 1000" },
	{ "-n -E keep-journals=1001 /m", "from 1 to 1000" },
	{ "-n -E keep-journals=-1 /m", "from 1 to 1000" },
	{ "-n -E keep-journals=4294967297 /m", "from 1 to 1000" },
	{ "-n -E trust-lower=yes /m", "takes no value" },
	{ "-n -E threads=0 /m", "-E threads=0: must be a number" },
	{ "-n -E fstab= /m", "needs a file" },
	{ "-n -E problem.=info /m", "no such key" },
	{ "-n -E problem.no-such-slug=info /m", "no such problem" },
	{ "-n -E problem.meta-no-lowerdata=fatal /m", "ignore, info, warning or error" },
	{ "-n -E problem.unreadable=ignore /m", "stays an error" },
	{ "-n -E problem.unreadable=info /m", "stays an error" },
	{ "-n -E problem.unreadable=warning /m", "stays an error" },
};

START_TEST(test_options_refused)
{
	struct ovl_options o;
	struct ovl_error e;

	ck_assert_int_eq(parse(refused[_i].line, &o, &e), -EINVAL);
	ck_assert_int_eq(e.code, -EINVAL);
	ck_assert_msg(strstr(e.text, refused[_i].why) != NULL, "%s: %s", refused[_i].line, e.text);
	ovl_options_done(&o);
	ovl_error_done(&e);
}
END_TEST

static struct ovl_options accept(const char *line)
{
	struct ovl_options o;
	struct ovl_error e;
	int r = parse(line, &o, &e);

	ck_assert_msg(r == 0, "%s: %s", line, e.text);
	return o;
}

START_TEST(test_options_defaults)
{
	struct ovl_options o = accept("-n /m");

	ck_assert_int_eq(o.task, OVL_TASK_CHECK);
	ck_assert_uint_eq(o.modes, OVL_MODE_CHECK);
	ck_assert(!o.json && !o.debug && !o.progress && !o.skip_clean_lowers);
	ck_assert_uint_eq(o.verbosity, 0);
	ck_assert_uint_eq(o.timing, 0);
	ck_assert_uint_eq(o.threads, 0);
	ck_assert_int_eq(o.color, OVL_COLOR_AUTO);
	ck_assert_ptr_null(o.fstab);
	ck_assert_uint_eq(o.n_word, 0);
	ck_assert_uint_eq(o.n_operand, 1);
	ck_assert_str_eq(o.operand[0], "/m");
	ovl_options_done(&o);
}
END_TEST

START_TEST(test_options_all)
{
	struct ovl_options o = accept("-n -vv -ttd -f -r -C -5 -j 256 --json --color=always /m "
				      "-E lower=ro,trust-lower,fstab=/f,problem.unreadable=error");

	ck_assert_uint_eq(o.verbosity, 2);
	ck_assert_uint_eq(o.timing, 2);
	ck_assert(o.json && o.debug && o.progress && o.skip_clean_lowers);
	ck_assert_int_eq(o.progress_fd, -5);
	ck_assert_uint_eq(o.threads, 256);
	ck_assert_int_eq(o.color, OVL_COLOR_ALWAYS);
	ck_assert_str_eq(o.fstab, "/f");
	ovl_options_done(&o);
}
END_TEST

START_TEST(test_options_boot)
{
	struct ovl_options o = accept("--boot --json -v -j 2 -E fstab=/f,lower=ro /m");

	ck_assert(o.boot && !o.boot_end && o.json && !o.has_interval);
	ck_assert_uint_eq(o.modes, 0);
	ovl_options_done(&o);
	o = accept("-E check-interval=0 /m --boot");
	ck_assert(o.has_interval);
	ck_assert_uint_eq(o.interval, 0);
	ovl_options_done(&o);
	o = accept("--boot=end /m");
	ck_assert(o.boot && o.boot_end);
	ovl_options_done(&o);
	o = accept("--boot /m -E check-interval=7,check-interval=36500");
	ck_assert_uint_eq(o.interval, 36500);
	ovl_options_done(&o);
}
END_TEST

/* As xfstests calls it, and as a user might: -o anywhere, glued on or not. */
START_TEST(test_options_order)
{
	static const char *const lines[] = {
		"-n /m -o a=1 -ob=2 -o c", "-o a=1 -o b=2 -n -o c /m",    "-o a=1 /m -o b=2 -oc -n",
		"/m -o a=1 -o b=2 -noc",   "-n -o a=1 -o b=2 -o c -- /m",
	};
	struct ovl_options o;

	/* What POSIX wants, the end of the options at the first operand, is not the contract here. */
	if (_i >= (int)ARRAY_LEN(lines))
		ck_assert_int_eq(setenv("POSIXLY_CORRECT", "1", 1), 0);
	o = accept(lines[_i % (int)ARRAY_LEN(lines)]);
	ck_assert_uint_eq(o.n_word, 3);
	ck_assert_str_eq(o.word[0], "a=1");
	ck_assert_str_eq(o.word[1], "b=2");
	ck_assert_str_eq(o.word[2], "c");
	ck_assert_uint_eq(o.n_operand, 1);
	ck_assert_str_eq(o.operand[0], "/m");
	ovl_options_done(&o);
}
END_TEST

START_TEST(test_options_operands)
{
	struct ovl_options o = accept("-n a - b -- -c --json");

	ck_assert_uint_eq(o.n_operand, 5);
	ck_assert_str_eq(o.operand[1], "-");
	ck_assert_str_eq(o.operand[3], "-c");
	ck_assert_str_eq(o.operand[4], "--json");
	ck_assert(!o.json);
	ovl_options_done(&o);
}
END_TEST

static const struct {
	const char *line;
	enum ovl_task task;
} tasks[] = {
	{ "-V", OVL_TASK_VERSION },
	{ "--version -y -n", OVL_TASK_VERSION },
	{ "-h", OVL_TASK_HELP },
	{ "--help", OVL_TASK_HELP },
	{ "-Vh", OVL_TASK_HELP },
	{ "-hV", OVL_TASK_HELP },
	{ "--list-problems", OVL_TASK_LIST },
	{ "--explain=list", OVL_TASK_LIST },
	{ "--explain=whatever", OVL_TASK_EXPLAIN },
	{ "-n /m", OVL_TASK_CHECK },
	{ "-n --json /m", OVL_TASK_CHECK },
	{ "/m", OVL_TASK_REPAIR },
	{ "-p /m", OVL_TASK_REPAIR },
	{ "-a /m", OVL_TASK_REPAIR },
	{ "-y -f -r /m", OVL_TASK_REPAIR },
	{ "-y --json /m", OVL_TASK_REPAIR },
	{ "--undo /m", OVL_TASK_UNDO },
	{ "--undo=x -n /m", OVL_TASK_UNDO },
	{ "--undo --json /m", OVL_TASK_UNDO },
	{ "--list-undo /m", OVL_TASK_LIST_UNDO },
	{ "--list-undo -n /m", OVL_TASK_LIST_UNDO },
	{ "--inspect=/a /m", OVL_TASK_INSPECT },
	{ "-n --inspect /a /m", OVL_TASK_INSPECT },
};

START_TEST(test_options_task)
{
	struct ovl_options o = accept(tasks[_i].line);

	ck_assert_int_eq(o.task, tasks[_i].task);
	ovl_options_done(&o);
}
END_TEST

static const struct {
	const char *line;
	unsigned modes;
} modes[] = {
	{ "/m", 0 },
	{ "-n /m", OVL_MODE_CHECK },
	{ "-n -n /m", OVL_MODE_CHECK },
	{ "-p /m", OVL_MODE_PREEN },
	{ "-pa /m", OVL_MODE_PREEN }, /* the same mode twice */
	{ "-y /m", OVL_MODE_YES },
};

START_TEST(test_options_mode)
{
	struct ovl_options o = accept(modes[_i].line);

	ck_assert_uint_eq(o.modes, modes[_i].modes);
	ovl_options_done(&o);
}
END_TEST

START_TEST(test_options_convert)
{
	struct ovl_options o =
		accept("-n --to=4.14.3 -O ^metacopy -O ^index -E layers=all,accept-loss /m");

	ck_assert_int_eq(o.task, OVL_TASK_CHECK);
	ck_assert_str_eq(o.to, "4.14.3");
	ck_assert_uint_eq(o.kernel.major, 4);
	ck_assert_uint_eq(o.kernel.minor, 14);
	ck_assert_uint_eq(o.dropped, OVL_FBIT(METACOPY) | OVL_FBIT(DATA_ONLY) | OVL_FBIT(INDEX) |
					     OVL_FBIT(NFS_EXPORT));
	ck_assert(o.all_layers && o.accept_loss);
	ovl_options_done(&o);
	o = accept("-y -E layers=all,layers=upper /m");
	ck_assert(!o.all_layers && !o.accept_loss && !o.to);
	ck_assert_uint_eq(o.dropped, 0);
	ovl_options_done(&o);
}
END_TEST

START_TEST(test_options_repair)
{
	struct ovl_options o = accept("-y /m");

	ck_assert_int_eq(o.lower, OVL_LOWER_AUTO);
	ck_assert_uint_eq(o.keep_journals, 0);
	ck_assert_ptr_null(o.journal_dir);
	ovl_options_done(&o);
	o = accept("-y -E lower=rw,keep-journals=1000 -z /j /m");
	ck_assert_int_eq(o.lower, OVL_LOWER_RW);
	ck_assert_uint_eq(o.keep_journals, 1000);
	ck_assert_str_eq(o.journal_dir, "/j");
	ck_assert_int_eq(o.argc, 7);
	ovl_options_done(&o);
	o = accept("-E lower=ro --undo /m");
	ck_assert_int_eq(o.lower, OVL_LOWER_RO);
	ck_assert_ptr_null(o.undo_id);
	ck_assert_str_eq(o.operand[0], "/m");
	ovl_options_done(&o);
	o = accept("--undo=12ab -n /m");
	ck_assert_str_eq(o.undo_id, "12ab");
	ovl_options_done(&o);
}
END_TEST

START_TEST(test_options_grade)
{
	struct ovl_options o = accept("-n /m -E problem.meta-no-lowerdata=ignore");
	enum ovl_problem_id id;
	unsigned i;

	ck_assert_int_eq(ovl_problem_find("meta-no-lowerdata", &id), 0);
	for (i = 0; i < OVL_P__MAX; i++)
		ck_assert_int_eq(o.grade[i], i == id ? OVL_GRADE_IGNORE : OVL_GRADE_ROW);
	ovl_options_done(&o);
}
END_TEST

/* The last word of a repeated option counts, and leaks nothing of those before. */
START_TEST(test_options_last_wins)
{
	struct ovl_options o = accept("-n /m -E fstab=/a -E fstab=/b -j 3 -E threads=4 -C 3 -C 0");

	ck_assert_str_eq(o.fstab, "/b");
	ck_assert_uint_eq(o.threads, 4);
	ck_assert_int_eq(o.progress_fd, 0);
	ovl_options_done(&o);
}
END_TEST

/* Each row can be found by its names only, and --help shows it. */
START_TEST(test_options_rows)
{
	const struct row *row = &rows[_i];
	char *usage = NULL, spelling[64];
	size_t len, i;
	FILE *out = open_memstream(&usage, &len);

	ck_assert_ptr_nonnull(out);
	ovl_options_usage(out);
	ck_assert_int_eq(fclose(out), 0);
	ck_assert(row->letter || row->name);
	ck_assert_ptr_nonnull(row->help);
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		if (&rows[i] == row)
			continue;
		ck_assert(!row->letter || rows[i].letter != row->letter);
		ck_assert(!row->name || !rows[i].name || strcmp(rows[i].name, row->name) != 0);
	}
	if (row->name)
		snprintf(spelling, sizeof(spelling), " --%s", row->name);
	else
		snprintf(spelling, sizeof(spelling), "\n  -%c ", row->letter);
	ck_assert_msg(strstr(usage, spelling) != NULL, "--help lacks%s", spelling);
	ck_assert_ptr_nonnull(strstr(usage, row->help));
	for (len = 0; usage[len]; len += strcspn(usage + len, "\n") + 1)
		ck_assert_msg(strcspn(usage + len, "\n") <= 80, "long line: %.90s", usage + len);
	free(usage);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("fsck/options");
	TCase *t = tcase_create("options");

	tcase_add_loop_test(t, test_options_refused, 0, (int)ARRAY_LEN(refused));
	tcase_add_test(t, test_options_defaults);
	tcase_add_test(t, test_options_all);
	tcase_add_test(t, test_options_boot);
	tcase_add_loop_test(t, test_options_order, 0, 10);
	tcase_add_test(t, test_options_operands);
	tcase_add_loop_test(t, test_options_task, 0, (int)ARRAY_LEN(tasks));
	tcase_add_loop_test(t, test_options_mode, 0, (int)ARRAY_LEN(modes));
	tcase_add_test(t, test_options_convert);
	tcase_add_test(t, test_options_repair);
	tcase_add_test(t, test_options_grade);
	tcase_add_test(t, test_options_last_wins);
	tcase_add_loop_test(t, test_options_rows, 0, (int)ARRAY_LEN(rows));
	suite_add_tcase(s, t);
	return ovl_unit_main(s);
}
