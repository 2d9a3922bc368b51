/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "format/option_word.h"
#include "unit/unit.h"

enum { WORDS = 5 };

static const struct {
	const char *options;
	const char *word[WORDS];
	int end; /* what the call behind the last word returns */
} strings[] = {
	{ "", { "" }, 0 },
	{ "a", { "a" }, 0 },
	{ "a,b=c,d", { "a", "b=c", "d" }, 0 },
	{ ",a,,b,", { "", "a", "", "b", "" }, 0 },
	{ "a\\,b,c", { "a\\,b", "c" }, 0 },
	{ "a\\\\,c", { "a\\\\", "c" }, 0 },
	{ "a\\\\\\,c", { "a\\\\\\,c" }, 0 },
	{ "a\\", { "a\\" }, 0 },
	{ "a,\\", { "a", "\\" }, 0 },
	{ "lowerdir=\"a,b\"", { "lowerdir=\"a", "b\"" }, 0 }, /* the kernel knows no quotes */
	{ "context=a,b", { "context=a", "b" }, 0 },
	{ "context=\"a,b\",c", { "context=\"a,b\"", "c" }, 0 },
	{ "x,fscontext=\"a,b\\,\",c", { "x", "fscontext=\"a,b\\,\"", "c" }, 0 },
	{ "defcontext=\"\",rootcontext=\",\"", { "defcontext=\"\"", "rootcontext=\",\"" }, 0 },
	{ "contexts=\"a,b\"", { "contexts=\"a", "b\"" }, 0 },
	{ "context=x\"a,b\"", { "context=x\"a", "b\"" }, 0 },
	{ "a,context=\"b,c", { "a" }, -EINVAL },
	{ "context=\"", { NULL }, -EINVAL },
};

START_TEST(test_option_word_next)
{
	_cleanup_free_ char *copy = strdup(strings[_i].options);
	struct ovl_bytes word, untouched = { (const unsigned char *)"x", 77 };
	const char *pos = copy;
	size_t i;

	for (i = 0; i < WORDS && strings[_i].word[i]; i++) {
		ck_assert_int_eq(ovl_option_word_next(&pos, &word), 1);
		ck_assert_uint_eq(word.len, strlen(strings[_i].word[i]));
		ck_assert_mem_eq(word.data, strings[_i].word[i], word.len);
	}
	word = untouched;
	ck_assert_int_eq(ovl_option_word_next(&pos, &word), strings[_i].end);
	ck_assert_ptr_eq(word.data, untouched.data);
	ck_assert_uint_eq(word.len, 77);
}
END_TEST

static const char *const vfs[] = {
	"nodev",
	"nosuid",
	"noexec",
	"noatime",
	"relatime",
	"strictatime",
	"sync",
	"dirsync",
	"lazytime",
	"symfollow",
	"silent",
	"loud",
	"iversion",
	"mand",
	"defaults",
	"auto",
	"noauto",
	"nofail",
	"user",
	"users",
	"owner",
	"group",
	"_netdev",
	"comment",
	"x-",
	"x-systemd.requires",
	"X-mount.mkdir",
	"context",
	"rootcontext",
	"seclabel",
	"smackfsdef",
	"private",
	"rshared",
	"remount",
	"bind",
};

static const char *const not_vfs[] = {
	"",  "ro", "rw",   "lowerdir", "index", "volatile", "foo",  "nodevs", "NODEV", "nodev ",
	"x", "X",  "xino", "y-foo",    "con",   "contexts", "mode", "uid",    "quiet",
};

START_TEST(test_option_word_is_vfs)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(vfs); i++)
		ck_assert_msg(ovl_option_word_is_vfs(vfs[i]), "%s", vfs[i]);
	for (i = 0; i < ARRAY_LEN(not_vfs); i++)
		ck_assert_msg(!ovl_option_word_is_vfs(not_vfs[i]), "%s", not_vfs[i]);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("format/option_word");
	TCase *t = tcase_create("option_word");

	tcase_add_loop_test(t, test_option_word_next, 0, ARRAY_LEN(strings));
	tcase_add_test(t, test_option_word_is_vfs);
	suite_add_tcase(s, t);
	return ovl_unit_main(s);
}
