/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The problem table: what no compiler sees.
 */
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "check/rules.h"
#include "overlayfs/observe.h"
#include "overlayfs/problem.h"
#include "unit/unit.h"

/* The longest text that still is a line, and the longest paragraph that still is read. */
enum { MAX_TEXT = 90, MAX_PARAGRAPH = 700 };

/* The rows as they are written in the table: id, name, slug in C, and who reports it. */
static const struct {
	unsigned id;
	const char *name, *slug;
} rows[] = {
#define PROBLEM(ID, NAME, SLUG, ...) { ID, #NAME, #SLUG },
#include "overlayfs/problems.def"
#undef PROBLEM
};

static const bool by_engine[] = {
#define PROBLEM(ID, NAME, SLUG, ...) false,
#define PROBLEM_BY_ENGINE(ID, NAME, SLUG, ...) true,
#include "overlayfs/problems.def"
#undef PROBLEM
};

static const struct ovl_problem *row(int i)
{
	return ovl_problem_get((enum ovl_problem_id)i);
}

static void check_names(int id)
{
	const struct ovl_problem *p = row(id);
	const char *c = rows[id].slug, *name = rows[id].name, *slug = p->slug;

	ck_assert_uint_eq(p->id, rows[id].id);
	ck_assert_uint_eq(strlen(slug), strlen(c));
	ck_assert_uint_eq(strlen(slug), strlen(name));
	for (size_t i = 0; slug[i]; i++) {
		ck_assert_msg(islower((unsigned char)slug[i]) || isdigit((unsigned char)slug[i]) ||
				      slug[i] == '-',
			      "%s", slug);
		ck_assert_msg(c[i] == (slug[i] == '-' ? '_' : slug[i]), "%s and %s", slug, c);
		ck_assert_msg(tolower((unsigned char)name[i]) == c[i], "%s and %s", name, c);
	}
}

static void check_find(int id)
{
	enum ovl_problem_id found = OVL_P__MAX;

	ck_assert_int_eq(ovl_problem_find(row(id)->slug, &found), 0);
	ck_assert_int_eq(found, id);
}

START_TEST(test_problem_find_none)
{
	static const char *const none[] = {
		"", "nope", "whiteout", "whiteout-phantom ", "WHITEOUT-PHANTOM", "whiteout_phantom"
	};
	enum ovl_problem_id id = OVL_P_CHANGED;

	ck_assert_int_eq(ovl_problem_find(none[_i], &id), -ENOENT);
	ck_assert_int_eq(id, OVL_P_CHANGED);
}
END_TEST

/* In the order of their numbers, so that a family stays together. */
START_TEST(test_problem_order)
{
	for (int i = 1; i < OVL_P__MAX; i++)
		ck_assert_msg(row(i - 1)->id < row(i)->id, "%s comes after %s", row(i)->slug,
			      row(i - 1)->slug);
}
END_TEST

static void check_bytes(const char *slug, const char *text)
{
	ck_assert_msg(!strstr(text, "  "), "%s: two blanks", slug);
	for (const char *c = text; *c; c++)
		ck_assert_msg(*c >= ' ' && *c < 0x7f, "%s: a byte %d", slug, *c);
	ck_assert_msg(text[0] != ' ' && text[strlen(text) - 1] != ' ', "%s: blanks", slug);
}

static void check_sentence(const char *slug, const char *text)
{
	ck_assert_msg(text && strlen(text) > 4 && strlen(text) < MAX_PARAGRAPH, "%s", slug);
	check_bytes(slug, text);
	ck_assert_msg(text[strlen(text) - 1] == '.', "%s: \"%s\"", slug, text);
	/* it begins with a letter, if a small one with the name of a command, with a quoted word or with an option */
	ck_assert_msg(isalpha((unsigned char)text[0]) || strchr("\"-", text[0]), "%s: \"%s\"", slug,
		      text);
}

static void check_words(int id)
{
	const struct ovl_problem *p = row(id);

	ck_assert_ptr_nonnull(p->text);
	ck_assert_msg(strlen(p->text) > 4 && strlen(p->text) < MAX_TEXT, "%s", p->slug);
	check_bytes(p->slug, p->text);
	ck_assert_msg(islower((unsigned char)p->text[0]), "%s: \"%s\"", p->slug, p->text);
	ck_assert_msg(p->text[strlen(p->text) - 1] != '.', "%s: \"%s\"", p->slug, p->text);
	check_sentence(p->slug, p->symptom);
	check_sentence(p->slug, p->cause);
	check_sentence(p->slug, p->remedy);
	/* a text that another row has says too little */
	for (int i = 0; i < id; i++)
		ck_assert_msg(strcmp(row(i)->text, p->text) != 0, "%s and %s", row(i)->slug,
			      p->slug);
}

static void check_masks(int id)
{
	const struct ovl_problem *p = row(id);
	const unsigned layers = OVL_ON_UPPER | OVL_ON_LOWER | OVL_ON_DATA;

	ck_assert_msg((p->check == NULL) == by_engine[id], "%s", p->slug);
	ck_assert_uint_lt(p->severity, OVL_SEV__MAX);
	ck_assert_uint_lt(p->trust, OVL_TRUST__MAX);
	ck_assert_uint_lt(p->scope, OVL_SCOPE__MAX);
	if (p->scope != OVL_SCOPE_OBJECT || by_engine[id]) {
		ck_assert_msg(!p->on && !p->kind && !p->xattr, "%s: nobody reads its masks",
			      p->slug);
		return;
	}
	ck_assert_msg(p->on & layers, "%s is looked for nowhere", p->slug);
	ck_assert_msg(!(p->on & ~(layers | OVL_ON_ROOT)), "%s", p->slug);
	ck_assert_msg(!(p->kind & ~((1u << OVL_KIND__MAX) - 1)), "%s", p->slug);
	ck_assert_msg(!(p->kind & (1u << OVL_KIND_UNKNOWN)), "%s", p->slug);
	ck_assert_msg(!(p->xattr & ~((1u << OVL_X__MAX) - 1)), "%s", p->slug);
	/* roots are directories */
	if (p->kind && (p->on & OVL_ON_ROOT))
		ck_assert_msg(p->kind & (1u << OVL_KIND_DIR), "%s", p->slug);
}

START_TEST(test_problem_severity_name)
{
	ck_assert_str_eq(ovl_severity_name(OVL_SEV_INFO), "information");
	ck_assert_str_eq(ovl_severity_name(OVL_SEV_WARNING), "warning");
	ck_assert_str_eq(ovl_severity_name(OVL_SEV_ERROR), "error");
}
END_TEST

static void (*const row_checks[])(int id) = { check_names, check_find, check_words, check_masks };

START_TEST(test_problem_rows)
{
	for (int id = 0; id < OVL_P__MAX; id++)
		row_checks[_i](id);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("check/problem");
	TCase *t = tcase_create("problem");

	_Static_assert(ARRAY_LEN(rows) == OVL_P__MAX && ARRAY_LEN(by_engine) == OVL_P__MAX,
		       "every row is tested");
	tcase_add_loop_test(t, test_problem_rows, 0, ARRAY_LEN(row_checks));
	tcase_add_loop_test(t, test_problem_find_none, 0, 6);
	tcase_add_test(t, test_problem_order);
	tcase_add_test(t, test_problem_severity_name);
	suite_add_tcase(s, t);
	return ovl_unit_main(s);
}
