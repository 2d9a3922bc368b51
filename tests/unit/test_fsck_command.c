/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit/unit.h"

#include "../../fsck/command.c"
#include "../../fsck/utf8.c"

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

static const struct {
	const char *word, *quoted;
} words[] = {
	{ "-p", "-p" },
	{ "lowerdir=/a:/b,upperdir=/u", "lowerdir=/a:/b,upperdir=/u" },
	{ "", "''" },
	{ "a b", "'a b'" },
	{ "$(reboot)", "'$(reboot)'" },
	{ "it's", "'it'\\''s'" },
	{ "a\\:b", "'a\\:b'" },
	{ "~", "'~'" },
	{ "gr\303\274n", "'gr\303\274n'" },
	{ "a\nb", "$'a\\012b'" },
	{ "\033[2J'\\\377", "$'\\033[2J\\'\\\\\\377'" },
};

START_TEST(test_command_line)
{
	char *argv[] = { (char *)"/sbin/x", (char *)words[_i].word, (char *)"/m" };
	struct ovl_options o = { .argc = 3, .argv = argv };
	char *line = ovl_command_line(&o), expected[128];

	snprintf(expected, sizeof(expected), "fsck.overlay %s /m", words[_i].quoted);
	ck_assert_str_eq(line, expected);
	free(line);
}
END_TEST

START_TEST(test_command_undo)
{
	const char *word[] = { "lowerdir=/l", "upperdir=/u u" }, *operand[] = { "-m" };
	struct ovl_options o = {
		.word = word,
		.n_word = 2,
		.operand = operand,
		.n_operand = 1,
		.journal_dir = "/j",
		.fstab = (char *)"/f t",
	};
	char *line = ovl_command_undo(&o, "12");

	ck_assert_str_eq(line, "fsck.overlay --undo=12 -z /j -E fstab='/f t' -o lowerdir=/l "
			       "-o 'upperdir=/u u' -- -m");
	free(line);
	o = (struct ovl_options){ .operand = operand, .n_operand = 1 };
	operand[0] = "/m";
	line = ovl_command_undo(&o, "12");
	ck_assert_str_eq(line, "fsck.overlay --undo=12 /m");
	free(line);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("fsck/command");
	TCase *t = tcase_create("command");

	tcase_add_loop_test(t, test_command_line, 0, (int)ARRAY_LEN(words));
	tcase_add_test(t, test_command_undo);
	suite_add_tcase(s, t);
	return ovl_unit_main(s);
}
