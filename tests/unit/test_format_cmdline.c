/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "format/cmdline.h"
#include "unit/unit.h"

/* ---- Words ---- */

static const struct {
	const char *line;
	enum ovl_cmdline_form form;
	size_t len;        /* 0: of the string */
	const char *words; /* "<a><b>" */
} lines[] = {
	{ "", OVL_CMDLINE_TEXT, 0, "" },
	{ " \t\n\r ", OVL_CMDLINE_TEXT, 0, "" },
	{ "quiet root=/dev/sda1\n", OVL_CMDLINE_TEXT, 0, "<quiet><root=/dev/sda1>" },
	{ "  a  b\t\tc", OVL_CMDLINE_TEXT, 0, "<a><b><c>" },
	{ "\"a b\" c", OVL_CMDLINE_TEXT, 0, "<a b><c>" },
	{ "x=\"a b\"c d", OVL_CMDLINE_TEXT, 0, "<x=a bc><d>" },
	{ "x='a \"b' c", OVL_CMDLINE_TEXT, 0, "<x=a \"b><c>" },
	{ "x=\"it's\" c", OVL_CMDLINE_TEXT, 0, "<x=it's><c>" },
	{ "a\\ b", OVL_CMDLINE_TEXT, 0, "<a\\><b>" },
	{ "a\"\\\" b", OVL_CMDLINE_TEXT, 0, "<a\\><b>" },
	{ "\"\" a", OVL_CMDLINE_TEXT, 0, "<><a>" },
	{ "a \"b c", OVL_CMDLINE_TEXT, 0, "<a><b c>" },
	{ "a\"", OVL_CMDLINE_TEXT, 0, "<a>" },
	{ "a\0b", OVL_CMDLINE_TEXT, 3, "<a><b>" },
	{ "\"a\0b", OVL_CMDLINE_TEXT, 4, "<a><b>" },
	{ "", OVL_CMDLINE_ARGV, 0, "" },
	{ "init\0fsck.mode=skip", OVL_CMDLINE_ARGV, 19, "<init><fsck.mode=skip>" },
	{ "init\0a b\0'q'\0", OVL_CMDLINE_ARGV, 13, "<init><a b><'q'>" },
	{ "a\0\0b", OVL_CMDLINE_ARGV, 4, "<a><><b>" },
	{ "\0", OVL_CMDLINE_ARGV, 1, "<>" },
};

START_TEST(test_next)
{
	size_t len = lines[_i].len ? lines[_i].len : strlen(lines[_i].line);
	/* exactly as long as it is: a look behind its end is seen by the sanitizers */
	_cleanup_free_ unsigned char *copy = malloc(len + !len);
	_cleanup_(ovl_buf_done) struct ovl_buf word = { 0 }, all = { 0 };
	struct ovl_bytes rest = { copy, len };

	ck_assert_ptr_nonnull(copy);
	memcpy(copy, lines[_i].line, len);
	while (ovl_cmdline_next(&rest, lines[_i].form, &word) == 1)
		ovl_buf_addf(&all, "<%s>", word.data ? word.data : "");
	ck_assert_str_eq(all.data ? all.data : "", lines[_i].words);
	ck_assert_uint_eq(word.len, 0);
	ck_assert_int_eq(ovl_cmdline_next(&rest, lines[_i].form, &word), 0);
}
END_TEST

/* ---- Meaning ---- */

static const struct {
	const char *line;
	struct ovl_boot host, initrd;
} meanings[] = {
#define BOTH(line, ...)                \
	{                              \
		line, { __VA_ARGS__ }, \
		{                      \
			__VA_ARGS__    \
		}                      \
	}
	BOTH("", OVL_BOOT_AUTO, OVL_WISH_ANY, false),
	BOTH("root=/dev/sda1 quiet splash", OVL_BOOT_AUTO, OVL_WISH_ANY, false),
	BOTH("fsck.mode=auto", OVL_BOOT_AUTO, OVL_WISH_ANY, false),
	BOTH("quiet fsck.mode=force ro", OVL_BOOT_FORCE, OVL_WISH_ANY, false),
	BOTH("fsck.mode=skip", OVL_BOOT_SKIP, OVL_WISH_ANY, false),
	BOTH("fastboot", OVL_BOOT_SKIP, OVL_WISH_ANY, false),
	BOTH("forcefsck", OVL_BOOT_FORCE, OVL_WISH_ANY, false),
	BOTH("\"fsck.mode=force\"", OVL_BOOT_FORCE, OVL_WISH_ANY, false),
	BOTH("fsck.mode=\"skip\"", OVL_BOOT_SKIP, OVL_WISH_ANY, false),
	/* the last one counts */
	BOTH("fsck.mode=skip fsck.mode=force", OVL_BOOT_FORCE, OVL_WISH_ANY, false),
	BOTH("fsck.mode=force fsck.mode=skip", OVL_BOOT_SKIP, OVL_WISH_ANY, false),
	BOTH("fastboot fsck.mode=auto", OVL_BOOT_AUTO, OVL_WISH_ANY, false),
	BOTH("fsck.mode=skip forcefsck", OVL_BOOT_FORCE, OVL_WISH_ANY, false),
	/* what means nothing changes nothing */
	BOTH("fsck.mode=force fsck.mode=maybe", OVL_BOOT_FORCE, OVL_WISH_ANY, false),
	BOTH("fsck.mode=skip fsck.mode=", OVL_BOOT_SKIP, OVL_WISH_ANY, false),
	BOTH("fsck.mode=skip fsck.mode", OVL_BOOT_SKIP, OVL_WISH_ANY, false),
	BOTH("fsck.mode=Skip FSCK.MODE=skip fsck_mode=skip", OVL_BOOT_AUTO, OVL_WISH_ANY, false),
	BOTH("fastboot=1 fastboot= forcefsck=1", OVL_BOOT_AUTO, OVL_WISH_ANY, false),
	BOTH("xfsck.mode=skip fsck.mode=skipx fastboots", OVL_BOOT_AUTO, OVL_WISH_ANY, false),
	BOTH("x=\"a fsck.mode=skip b\"", OVL_BOOT_AUTO, OVL_WISH_ANY, false),
	BOTH("fsck.mode=skip\\ x", OVL_BOOT_AUTO, OVL_WISH_ANY, false),
	/* repair */
	BOTH("fsck.repair=preen", OVL_BOOT_AUTO, OVL_WISH_PREEN, false),
	BOTH("fsck.repair=yes", OVL_BOOT_AUTO, OVL_WISH_YES, false),
	BOTH("fsck.repair=1", OVL_BOOT_AUTO, OVL_WISH_YES, false),
	BOTH("fsck.repair=ON", OVL_BOOT_AUTO, OVL_WISH_YES, false),
	BOTH("fsck.repair=no", OVL_BOOT_AUTO, OVL_WISH_REPORT, false),
	BOTH("fsck.repair=F", OVL_BOOT_AUTO, OVL_WISH_REPORT, false),
	BOTH("fsck.repair=yes fsck.repair=preen", OVL_BOOT_AUTO, OVL_WISH_PREEN, false),
	BOTH("fsck.repair=yes fsck.repair=x fsck.repair= fsck.repair", OVL_BOOT_AUTO, OVL_WISH_YES,
	     false),
	BOTH("fsck.repair=Preen", OVL_BOOT_AUTO, OVL_WISH_ANY, false),
	BOTH("fsck.repair=no fsck.mode=force", OVL_BOOT_FORCE, OVL_WISH_REPORT, false),
	/* off */
	BOTH("fsck.overlay=0", OVL_BOOT_AUTO, OVL_WISH_ANY, true),
	BOTH("fsck.overlay=no fsck.mode=force", OVL_BOOT_FORCE, OVL_WISH_ANY, true),
	BOTH("fsck.overlay=off fsck.overlay=on", OVL_BOOT_AUTO, OVL_WISH_ANY, false),
	BOTH("fsck.overlay=off fsck.overlay", OVL_BOOT_AUTO, OVL_WISH_ANY, false),
	BOTH("fsck.overlay=off fsck.overlay=", OVL_BOOT_AUTO, OVL_WISH_ANY, true),
	BOTH("nofsck.overlay fsck.overlay.x=0 fsck-overlay=0", OVL_BOOT_AUTO, OVL_WISH_ANY, false),
#undef BOTH
	/* words for the initrd */
	{ "rd.fsck.mode=skip", { 0 }, { OVL_BOOT_SKIP, OVL_WISH_ANY, false } },
	{ "fsck.mode=force rd.fsck.mode=skip rd.fsck.repair=yes",
	  { OVL_BOOT_FORCE, OVL_WISH_ANY, false },
	  { OVL_BOOT_SKIP, OVL_WISH_YES, false } },
	{ "rd.fastboot rd.fsck.overlay=0", { 0 }, { OVL_BOOT_SKIP, OVL_WISH_ANY, true } },
	{ "rd.rd.fastboot", { 0 }, { 0 } },
	{ "rd. rd", { 0 }, { 0 } },
};

static void check_boot(const struct ovl_boot *got, const struct ovl_boot *want)
{
	ck_assert_int_eq(got->mode, want->mode);
	ck_assert_int_eq(got->repair, want->repair);
	ck_assert_int_eq(got->is_off, want->is_off);
}

START_TEST(test_parse)
{
	const char *text = meanings[_i].line;
	struct ovl_bytes line = { (const unsigned char *)text, strlen(text) };
	struct ovl_boot b;

	ck_assert_int_eq(ovl_cmdline_parse(line, OVL_CMDLINE_TEXT, false, &b), 0);
	check_boot(&b, &meanings[_i].host);
	ck_assert_int_eq(ovl_cmdline_parse(line, OVL_CMDLINE_TEXT, true, &b), 0);
	check_boot(&b, &meanings[_i].initrd);
}
END_TEST

START_TEST(test_parse_argv)
{
	static const char argv[] = "/sbin/init\0fsck.mode=force\0x fsck.mode=skip\0fsck.repair=no";
	struct ovl_bytes line = { (const unsigned char *)argv, sizeof(argv) };
	struct ovl_boot b;

	ck_assert_int_eq(ovl_cmdline_parse(line, OVL_CMDLINE_ARGV, false, &b), 0);
	check_boot(&b, &(struct ovl_boot){ OVL_BOOT_FORCE, OVL_WISH_REPORT, false });
	line.len = 0;
	ck_assert_int_eq(ovl_cmdline_parse(line, OVL_CMDLINE_ARGV, false, &b), 0);
	check_boot(&b, &(struct ovl_boot){ 0 });
}
END_TEST

/* ---- Where it is read ---- */

START_TEST(test_read)
{
	struct ovl_boot b;

	ck_assert_int_eq(setenv("SYSTEMD_IN_INITRD", "0", 1), 0);
	ck_assert_int_eq(setenv("SYSTEMD_PROC_CMDLINE", "fsck.mode=skip rd.fsck.mode=force", 1), 0);
	ck_assert_int_eq(ovl_boot_read(&b, NULL), 0);
	check_boot(&b, &(struct ovl_boot){ OVL_BOOT_SKIP, OVL_WISH_ANY, false });
	ck_assert(!ovl_boot_in_initrd());
	ck_assert_int_eq(setenv("SYSTEMD_IN_INITRD", "yes", 1), 0);
	ck_assert(ovl_boot_in_initrd());
	ck_assert_int_eq(ovl_boot_read(&b, NULL), 0);
	check_boot(&b, &(struct ovl_boot){ OVL_BOOT_FORCE, OVL_WISH_ANY, false });
	ck_assert_int_eq(setenv("SYSTEMD_PROC_CMDLINE", "", 1), 0);
	ck_assert_int_eq(ovl_boot_read(&b, NULL), 0);
	check_boot(&b, &(struct ovl_boot){ 0 });
	/* and that of this machine can be read */
	ck_assert_int_eq(unsetenv("SYSTEMD_PROC_CMDLINE"), 0);
	ck_assert_int_eq(ovl_boot_read(&b, NULL), 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("format/cmdline");
	TCase *t = tcase_create("cmdline");

	tcase_add_loop_test(t, test_next, 0, (int)ARRAY_LEN(lines));
	tcase_add_loop_test(t, test_parse, 0, (int)ARRAY_LEN(meanings));
	tcase_add_test(t, test_parse_argv);
	tcase_add_test(t, test_read);
	suite_add_tcase(s, t);
	return ovl_unit_main(s);
}
