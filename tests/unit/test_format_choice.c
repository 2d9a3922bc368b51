/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "format/choice.h"
#include "unit/unit.h"

static const struct {
	const char *name, *words;
} expected[OVL_CHOICE__MAX] = {
	[OVL_CHOICE_REDIRECT_DIR] = { "redirect_dir", "off nofollow follow on" },
	[OVL_CHOICE_INDEX] = { "index", "off on" },
	[OVL_CHOICE_UUID] = { "uuid", "off null auto on" },
	[OVL_CHOICE_NFS_EXPORT] = { "nfs_export", "off on" },
	[OVL_CHOICE_XINO] = { "xino", "off auto on" },
	[OVL_CHOICE_METACOPY] = { "metacopy", "off on" },
	[OVL_CHOICE_VERITY] = { "verity", "off on require" },
};

START_TEST(test_choice_words)
{
	enum ovl_choice choice = (enum ovl_choice)_i, found;
	_cleanup_free_ char *words = strdup(expected[_i].words);
	struct ovl_config c = { 0 }, zero = { 0 };
	char *word, *rest = words;
	int v;

	ck_assert_str_eq(ovl_choice_name(choice), expected[_i].name);
	ck_assert(ovl_choice_find(expected[_i].name, &found));
	ck_assert_int_eq(found, choice);
	ck_assert_int_eq(ovl_choice_get(&c, choice), 0);
	for (v = 1; (word = strsep(&rest, " ")); v++) {
		ck_assert_int_eq(ovl_choice_parse(choice, word), v);
		ck_assert_str_eq(ovl_choice_word(choice, v), word);
		ovl_choice_put(&c, choice, v);
		ck_assert_int_eq(ovl_choice_get(&c, choice), v);
	}
	ck_assert_ptr_null(ovl_choice_word(choice, v));
	ck_assert_ptr_null(ovl_choice_word(choice, 0));
	ck_assert_ptr_null(ovl_choice_word(choice, -1));
	ovl_choice_put(&c, choice, 0);
	ck_assert_mem_eq(&c, &zero, sizeof(c)); /* and nothing else was changed */
	ck_assert_int_eq(ovl_choice_parse(choice, ""), -EINVAL);
	ck_assert_int_eq(ovl_choice_parse(choice, "ON"), -EINVAL);
	ck_assert_int_eq(ovl_choice_parse(choice, "on "), -EINVAL);
	ck_assert_int_eq(ovl_choice_parse(choice, "1"), -EINVAL);
}
END_TEST

START_TEST(test_choice_enums)
{
	ck_assert_int_eq(ovl_choice_parse(OVL_CHOICE_REDIRECT_DIR, "follow"), OVL_REDIRECT_FOLLOW);
	ck_assert_int_eq(ovl_choice_parse(OVL_CHOICE_INDEX, "on"), OVL_ON);
	ck_assert_int_eq(ovl_choice_parse(OVL_CHOICE_UUID, "null"), OVL_UUID_NULL);
	ck_assert_int_eq(ovl_choice_parse(OVL_CHOICE_XINO, "auto"), OVL_XINO_AUTO);
	ck_assert_int_eq(ovl_choice_parse(OVL_CHOICE_VERITY, "require"), OVL_VERITY_REQUIRE);
}
END_TEST

START_TEST(test_choice_find_not)
{
	enum ovl_choice found = OVL_CHOICE__MAX;

	ck_assert(!ovl_choice_find("lowerdir", &found));
	ck_assert(!ovl_choice_find("", &found));
	ck_assert(!ovl_choice_find("inde", &found));
	ck_assert_int_eq(found, OVL_CHOICE__MAX);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("format/choice");
	TCase *t = tcase_create("choice");

	tcase_add_loop_test(t, test_choice_words, 0, OVL_CHOICE__MAX);
	tcase_add_test(t, test_choice_enums);
	tcase_add_test(t, test_choice_find_not);
	suite_add_tcase(s, t);
	return ovl_unit_main(s);
}
