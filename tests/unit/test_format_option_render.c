/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "overlayfs/option.h"
#include "tools/tool.h"
#include "unit/unit.h"

static void check_strings(char *const *a, size_t na, char *const *b, size_t nb)
{
	size_t i;

	ck_assert_uint_eq(na, nb);
	for (i = 0; i < na; i++)
		ck_assert_str_eq(a[i], b[i]);
}

static void check_same(const struct ovl_config *a, const struct ovl_config *b)
{
	ck_assert_pstr_eq(a->upper, b->upper);
	ck_assert_pstr_eq(a->work, b->work);
	check_strings(a->lower, a->n_lower, b->lower, b->n_lower);
	check_strings(a->data, a->n_data, b->data, b->n_data);
	check_strings(a->unknown, a->n_unknown, b->unknown, b->n_unknown);
	ck_assert_int_eq(a->redirect_dir, b->redirect_dir);
	ck_assert_int_eq(a->index, b->index);
	ck_assert_int_eq(a->nfs_export, b->nfs_export);
	ck_assert_int_eq(a->metacopy, b->metacopy);
	ck_assert_int_eq(a->xino, b->xino);
	ck_assert_int_eq(a->uuid, b->uuid);
	ck_assert_int_eq(a->verity, b->verity);
	ck_assert(a->userxattr == b->userxattr);
	ck_assert(a->is_volatile == b->is_volatile);
	ck_assert(a->read_only == b->read_only);
}

/* Renders, reads back, renders again. */
static void check_round_trip(const struct ovl_config *c)
{
	struct ovl_config again = { 0 };
	struct ovl_error e = OVL_ERROR_INIT;
	char *first = ovl_config_render(c), *second;

	ck_assert_ptr_nonnull(first);
	ck_assert_msg(ovl_config_parse(&again, first, &e) == 0, "%s: %s", first, e.text);
	check_same(c, &again);
	second = ovl_config_render(&again);
	ck_assert_str_eq(first, second);
	free(first);
	free(second);
	ovl_config_done(&again);
}

static char *random_path(struct ovl_rng *rng)
{
	static const char bytes[] = "\\\\\\,,::=\"/a \n\xff";
	char path[12];
	size_t i, len = 1 + ovl_tool_random(rng, sizeof(path) - 1);

	for (i = 0; i < len; i++)
		path[i] = bytes[ovl_tool_random(rng, sizeof(bytes) - 1)];
	return ovl_tool_format("%.*s", (int)len, path);
}

static void fill_paths(struct ovl_rng *rng, char ***list, size_t *n, size_t max)
{
	size_t i;

	*n = ovl_tool_random(rng, (uint32_t)max + 1);
	*list = *n ? calloc(*n, sizeof(char *)) : NULL;
	for (i = 0; i < *n; i++)
		(*list)[i] = random_path(rng);
}

/* render, then parse = the same: for any configuration that can be. */
START_TEST(test_option_render_random)
{
	struct ovl_rng rng = { 17 };
	int round;

	for (round = 0; round < 3000; round++) {
		struct ovl_config c = { 0 };

		if (ovl_tool_random(&rng, 2))
			c.upper = random_path(&rng);
		if (ovl_tool_random(&rng, 2))
			c.work = random_path(&rng);
		fill_paths(&rng, &c.lower, &c.n_lower, 4);
		if (c.n_lower)
			fill_paths(&rng, &c.data, &c.n_data, 3);
		c.redirect_dir = (enum ovl_redirect_dir)ovl_tool_random(&rng, OVL_REDIRECT_ON + 1);
		c.index = (enum ovl_switch)ovl_tool_random(&rng, OVL_ON + 1);
		c.nfs_export = (enum ovl_switch)ovl_tool_random(&rng, OVL_ON + 1);
		c.metacopy = (enum ovl_switch)ovl_tool_random(&rng, OVL_ON + 1);
		c.xino = (enum ovl_xino)ovl_tool_random(&rng, OVL_XINO_ON + 1);
		c.uuid = (enum ovl_uuid)ovl_tool_random(&rng, OVL_UUID_ON + 1);
		c.verity = (enum ovl_verity)ovl_tool_random(&rng, OVL_VERITY_REQUIRE + 1);
		c.userxattr = ovl_tool_random(&rng, 2);
		c.is_volatile = ovl_tool_random(&rng, 2);
		c.read_only = ovl_tool_random(&rng, 2);
		check_round_trip(&c);
		ovl_config_done(&c);
	}
}
END_TEST

/* What is parsed can be rendered: for any string that is accepted. */
START_TEST(test_option_render_parsed)
{
	static const char *const pieces[] = {
		"lowerdir=", "lowerdir+=",
		"datadir+=", "upperdir=",
		"workdir=",  "index=on",
		"userxattr", "foo",
		"foo=",      ",",
		",",         ",",
		":",         "::",
		"\\",        "\\\\",
		"\\,",       "\\:",
		"/a",        "b",
		"=",         "ro",
		"\"",        "context=\"",
		"x-y",       "fsync=volatile",
	};
	struct ovl_rng rng = { 23 };
	int round, accepted = 0;
	struct ovl_buf options = { 0 };
	const char *piece;
	size_t i, n;

	for (round = 0; round < 20000; round++) {
		struct ovl_config c = { 0 };

		ovl_buf_clear(&options);
		n = ovl_tool_random(&rng, 12);
		for (i = 0; i < n; i++) {
			piece = pieces[ovl_tool_random(&rng, ARRAY_LEN(pieces))];
			ck_assert_int_eq(ovl_buf_adds(&options, piece), 0);
		}
		if (ovl_config_parse(&c, options.data ? options.data : "", NULL) == 0) {
			accepted++;
			check_round_trip(&c);
		}
		ovl_config_done(&c);
	}
	ck_assert_int_gt(accepted, 1000);
	ovl_buf_done(&options);
}
END_TEST

START_TEST(test_option_render_nothing)
{
	struct ovl_config c = { 0 };
	char *s = ovl_config_render(&c);

	ck_assert_str_eq(s, "");
	free(s);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("format/option_render");
	TCase *t = tcase_create("option_render");

	tcase_set_timeout(t, 60);
	tcase_add_test(t, test_option_render_random);
	tcase_add_test(t, test_option_render_parsed);
	tcase_add_test(t, test_option_render_nothing);
	suite_add_tcase(s, t);
	return ovl_unit_main(s);
}
