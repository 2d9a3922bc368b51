/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit/unit.h"

#include "../../fsck/explain.c"
#include "../../fsck/text.c"
#include "../../fsck/utf8.c"

static const struct {
	const char *a, *b;
	unsigned distance;
} pairs[] = {
	{ "", "", 0 },
	{ "", "abc", 3 },
	{ "abc", "", 3 },
	{ "index-name", "index-name", 0 },
	{ "index-nam", "index-name", 1 },
	{ "indexname", "index-name", 1 },
	{ "index_name", "index-name", 1 },
	{ "kitten", "sitting", 3 },
	{ "ab", "ba", 2 },
};

START_TEST(test_explain_distance)
{
	ck_assert_uint_eq(distance(pairs[_i].a, pairs[_i].b), pairs[_i].distance);
	ck_assert_uint_eq(distance(pairs[_i].b, pairs[_i].a), pairs[_i].distance);
}
END_TEST

/* Every row is found by its slug and by its id, and has words for each section. */
START_TEST(test_explain_find)
{
	const struct ovl_problem *p = ovl_problem_get((enum ovl_problem_id)_i);
	enum ovl_problem_id id = OVL_P__MAX;
	char number[16];

	ck_assert_int_eq(ovl_explain_find(p->slug, &id, NULL), 0);
	ck_assert_uint_eq(id, (unsigned)_i);
	snprintf(number, sizeof(number), "0x%04x", p->id);
	id = OVL_P__MAX;
	ck_assert_int_eq(ovl_explain_find(number, &id, NULL), 0);
	ck_assert_uint_eq(id, (unsigned)_i);
	ck_assert_uint_le(strlen(p->slug), MAX_SLUG);
}
END_TEST

static const struct {
	const char *name;
	const char *why;
} unknown[] = {
	{ "meta-no-lowrdata", "similar: meta-no-lowerdata" },
	{ "META-NO-LOWERDATA", "--list-problems" },
	{ "unreadible", "unreadable" },
	{ "index-", "similar: index-" }, /* a part of many */
	{ "", "--list-problems" },
	{ "0x", "--list-problems" },
	{ "0xffff", "--list-problems" },
	{ "0x0101z", "--list-problems" },
	{ "zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz",
	  "--list-problems" },
};

START_TEST(test_explain_unknown)
{
	enum ovl_problem_id id = OVL_P__MAX;
	struct ovl_error e = OVL_ERROR_INIT;

	ck_assert_int_eq(ovl_explain_find(unknown[_i].name, &id, &e), -EINVAL);
	ck_assert_uint_eq(id, OVL_P__MAX);
	ck_assert_msg(strstr(e.text, unknown[_i].why) != NULL, "%s", e.text);
	ovl_error_done(&e);
}
END_TEST

/* What people read: the words of the row, all of them, in lines that fit. */
START_TEST(test_explain_text)
{
	const struct ovl_problem *p = ovl_problem_get((enum ovl_problem_id)_i);
	struct ovl_reporting r = { 0 };
	char *text = NULL, head[128], *line, *rest;
	size_t len, titles = 0;

	r.out = open_memstream(&text, &len);
	ck_assert_ptr_nonnull(r.out);
	ck_assert_int_eq(ovl_explain_text(&r, (enum ovl_problem_id)_i), 0);
	ck_assert_int_eq(fclose(r.out), 0);
	snprintf(head, sizeof(head), "%s (0x%04x, %s)\n", p->slug, p->id,
		 ovl_severity_name(p->severity));
	ck_assert_int_eq(strncmp(text, head, strlen(head)), 0);
	for (rest = text; (line = strsep(&rest, "\n"));) {
		titles += *line && *line != ' ' && line[strlen(line) - 1] == ':';
		ck_assert_uint_le(strlen(line), 80);
	}
	ck_assert_uint_eq(titles, 3);
	free(text);
}
END_TEST

START_TEST(test_explain_list)
{
	struct ovl_reporting r = { 0 };
	size_t len, lines = 0, i;
	char *text = NULL;

	r.out = open_memstream(&text, &len);
	ck_assert_ptr_nonnull(r.out);
	ck_assert_int_eq(ovl_explain_list(&r), 0);
	ck_assert_int_eq(fclose(r.out), 0);
	for (i = 0; i < len; i++)
		lines += text[i] == '\n';
	ck_assert_uint_eq(lines, OVL_P__MAX);
	for (i = 0; i < OVL_P__MAX; i++)
		ck_assert_ptr_nonnull(strstr(text, ovl_problem_get((enum ovl_problem_id)i)->slug));
	free(text);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("fsck/explain");
	TCase *t = tcase_create("explain");

	tcase_add_loop_test(t, test_explain_distance, 0, (int)ARRAY_LEN(pairs));
	tcase_add_loop_test(t, test_explain_find, 0, OVL_P__MAX);
	tcase_add_loop_test(t, test_explain_unknown, 0, (int)ARRAY_LEN(unknown));
	tcase_add_loop_test(t, test_explain_text, 0, OVL_P__MAX);
	tcase_add_test(t, test_explain_list);
	suite_add_tcase(s, t);
	return ovl_unit_main(s);
}
