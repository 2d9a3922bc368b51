/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/path.h"
#include "tools/tool.h"
#include "unit/oom.h"
#include "unit/unit.h"

static struct ovl_path *parse(const char *text)
{
	struct ovl_path *p = (struct ovl_path *)text; /* anything that is not the answer */

	ck_assert_int_eq(ovl_path_parse(text, &p), 0);
	return p;
}

/* The child of a path; the reference to the parent is handed over. */
static struct ovl_path *child(struct ovl_path *parent, const char *name)
{
	struct ovl_path *p = ovl_path_new(parent, name, strlen(name));

	ck_assert_ptr_nonnull(p);
	ovl_path_unref(parent);
	return p;
}

static const struct {
	const char *text, *rendered;
	size_t depth;
} paths[] = {
	{ "", "/", 0 },
	{ "/", "/", 0 },
	{ "///", "/", 0 },
	{ "a", "/a", 1 },
	{ "/a", "/a", 1 },
	{ "a/b", "/a/b", 2 },
	{ "//a///b//c/", "/a/b/c", 3 },
	{ "/./../...", "/./../...", 3 },
	{ "/sp ace/n\nl", "/sp ace/n\nl", 2 },
};

START_TEST(test_path_parse)
{
	struct ovl_path *p = parse(paths[_i].text);
	struct ovl_buf b = { 0 };

	ck_assert_uint_eq(ovl_path_depth(p), paths[_i].depth);
	ck_assert_int_eq(ovl_buf_adds(&b, ">"), 0);
	ck_assert_int_eq(ovl_path_add(&b, p), 0);
	ck_assert_int_eq(b.data[0], '>');
	ck_assert_str_eq(b.data + 1, paths[_i].rendered);
	ck_assert_uint_eq(b.len, strlen(b.data));
	ovl_buf_done(&b);
	ck_assert_ptr_null(ovl_path_unref(p));
}
END_TEST

START_TEST(test_path_parse_name_too_long)
{
	_cleanup_free_ char *text = malloc(UINT16_MAX + 4);
	struct ovl_path *p = NULL, *untouched = NULL;

	ck_assert_ptr_nonnull(text);
	memcpy(text, "/a/", 3);
	memset(text + 2, 'x', UINT16_MAX);
	text[1] = '/';
	text[UINT16_MAX + 2] = '\0';
	p = parse(text);
	ck_assert_uint_eq(p->len, UINT16_MAX);
	ovl_path_unref(p);

	memset(text, 'x', UINT16_MAX + 1);
	text[UINT16_MAX + 1] = '\0';
	ck_assert_int_eq(ovl_path_parse(text, &untouched), -ENAMETOOLONG);
	ck_assert_ptr_null(untouched);
	errno = 0;
	ck_assert_ptr_null(ovl_path_new(NULL, text, UINT16_MAX + 1));
	ck_assert_int_eq(errno, ENAMETOOLONG);
}
END_TEST

START_TEST(test_path_new)
{
	struct ovl_path *a, *b;

	a = ovl_path_new(NULL, "abcdef", 3);
	ck_assert_ptr_nonnull(a);
	ck_assert_str_eq(a->name, "abc");
	ck_assert_uint_eq(a->len, 3);
	ck_assert_uint_eq(a->depth, 1);
	ck_assert_uint_eq(a->refs, 1);
	ck_assert_ptr_null(a->parent);
	b = ovl_path_new(a, "x", 1);
	ck_assert_uint_eq(a->refs, 2);
	ck_assert_ptr_eq(b->parent, a);
	ck_assert_uint_eq(b->depth, 2);
	ck_assert_ptr_eq(ovl_path_ref(b), b);
	ck_assert_uint_eq(b->refs, 2);
	ck_assert_ptr_null(ovl_path_unref(b));
	ck_assert_uint_eq(b->refs, 1);
	ovl_path_unref(b);
	ck_assert_uint_eq(a->refs, 1);
	ovl_path_unref(a);
	ck_assert_ptr_null(ovl_path_ref(NULL));
	ck_assert_ptr_null(ovl_path_unref(NULL));
}
END_TEST

START_TEST(test_path_escaped)
{
	struct ovl_path *p = child(child(NULL, "a\x1b"
					       "b"),
				   "c\\d\xff");
	struct ovl_buf b = { 0 };

	ck_assert_int_eq(ovl_path_add_escaped(&b, p), 0);
	ck_assert_str_eq(b.data, "/a\\033b/c\\\\d\\377");
	ovl_buf_clear(&b);
	ck_assert_int_eq(ovl_path_add_escaped(&b, NULL), 0);
	ck_assert_str_eq(b.data, "/");
	ovl_buf_done(&b);
	ovl_path_unref(p);
}
END_TEST

START_TEST(test_path_names)
{
	struct ovl_path *p = parse("/a/b/c");
	const struct ovl_path **nodes = NULL;

	ck_assert_int_eq(ovl_path_names(p, &nodes), 3);
	ck_assert_str_eq(nodes[0]->name, "a");
	ck_assert_str_eq(nodes[1]->name, "b");
	ck_assert_ptr_eq(nodes[2], p);
	free(nodes);
	ck_assert_int_eq(ovl_path_names(NULL, &nodes), 0);
	free(nodes);
	ovl_path_unref(p);
}
END_TEST

static int sign(int x)
{
	return (x > 0) - (x < 0);
}

/* In this order; those of one group are equal. */
static const struct {
	const char *text;
	int group;
} order[] = {
	{ "/", 0 },      { "", 0 },        { "/\x01", 1 },  { "/ ", 2 },       { "/a", 3 },
	{ "a", 3 },      { "/a/\x01", 4 }, { "/a/a", 5 },   { "/a/a/z/z", 6 }, { "/a/b", 7 },
	{ "/a/b/c", 8 }, { "/a\x01", 9 },  { "/a b", 10 },  { "/a-b", 11 },    { "/ab", 12 },
	{ "/ab/a", 13 }, { "/b", 14 },     { "/\xff", 15 },
};

START_TEST(test_path_compare)
{
	struct ovl_path *a = parse(order[_i].text), *b;
	size_t i;

	for (i = 0; i < ARRAY_LEN(order); i++) {
		b = parse(order[i].text);
		ck_assert_int_eq(sign(ovl_path_compare(a, b)),
				 sign(order[_i].group - order[i].group));
		ck_assert_int_eq(sign(ovl_path_compare(b, a)),
				 sign(order[i].group - order[_i].group));
		ovl_path_unref(b);
	}
	ck_assert_int_eq(ovl_path_compare(a, a), 0);
	ovl_path_unref(a);
}
END_TEST

static const struct {
	const char *path, *ancestor;
	bool below;
} belows[] = {
	{ "/", "/", true },          { "/a", "/", true },       { "/", "/a", false },
	{ "/a", "/a", true },        { "/a/b/c", "/a", true },  { "/a/b/c", "/a/b", true },
	{ "/a", "/a/b", false },     { "/ab", "/a", false },    { "/b/a", "/a", false },
	{ "/x/a/b", "/y/a", false }, { "/a/b", "/a/c", false },
};

START_TEST(test_path_is_below)
{
	struct ovl_path *p = parse(belows[_i].path), *q = parse(belows[_i].ancestor);

	ck_assert(ovl_path_is_below(p, q) == belows[_i].below);
	ovl_path_unref(p);
	ovl_path_unref(q);
}
END_TEST

START_TEST(test_path_shared)
{
	struct ovl_path *dir = parse("/d"), *a, *b;

	a = ovl_path_new(dir, "a", 1);
	b = ovl_path_new(dir, "b", 1);
	ck_assert_uint_eq(dir->refs, 3);
	ck_assert_int_lt(ovl_path_compare(a, b), 0);
	ck_assert(ovl_path_is_below(a, dir));
	ck_assert(!ovl_path_is_below(dir, a));
	ovl_path_unref(dir);
	ovl_path_unref(a);
	ck_assert_uint_eq(b->parent->refs, 1);
	ovl_path_unref(b);
}
END_TEST

/* Against strings: rendering and comparing component by component, where '/' sorts first. */
START_TEST(test_path_random)
{
	struct ovl_rng rng = { 5 };
	struct ovl_path *p[2], *again;
	struct ovl_buf b[2] = { 0 }, sorted[2] = { 0 };
	char text[2][40];
	int round, k;
	size_t i, len;

	for (round = 0; round < 5000; round++) {
		for (k = 0; k < 2; k++) {
			len = ovl_tool_random(&rng, 12);
			for (i = 0; i < len; i++)
				text[k][i] = "/ab\x02"[ovl_tool_random(&rng, 4)];
			text[k][len] = '\0';
			p[k] = parse(text[k]);
			ovl_buf_clear(&b[k]);
			ck_assert_int_eq(ovl_path_add(&b[k], p[k]), 0);
			again = parse(b[k].data);
			ck_assert_int_eq(ovl_path_compare(p[k], again), 0);
			ck_assert(ovl_path_is_below(p[k], again));
			ovl_path_unref(again);
			ovl_buf_clear(&sorted[k]);
			if (p[k])
				ck_assert_int_eq(ovl_buf_adds(&sorted[k], b[k].data), 0);
			for (i = 0; i < sorted[k].len; i++)
				if (sorted[k].data[i] == '/')
					sorted[k].data[i] = '\x01';
		}
		ck_assert_int_eq(sign(ovl_path_compare(p[0], p[1])),
				 sign(strcmp(sorted[0].data ? sorted[0].data : "",
					     sorted[1].data ? sorted[1].data : "")));
		ovl_path_unref(p[0]);
		ovl_path_unref(p[1]);
	}
	for (k = 0; k < 2; k++) {
		ovl_buf_done(&b[k]);
		ovl_buf_done(&sorted[k]);
	}
}
END_TEST

enum { DEEP = 100000 };

static struct ovl_path *deep(const char *leaf)
{
	struct ovl_path *p = NULL;
	int i;

	for (i = 1; i < DEEP; i++)
		p = child(p, "d");
	return child(p, leaf);
}

START_TEST(test_path_deep)
{
	struct ovl_path *a = deep("a"), *b = deep("b"), *top = parse("/d/d");
	const struct ovl_path **nodes = NULL;
	struct ovl_buf buf = { 0 };

	ck_assert_uint_eq(ovl_path_depth(a), DEEP);
	ck_assert_int_lt(ovl_path_compare(a, b), 0);
	ck_assert(ovl_path_is_below(a, top));
	ck_assert(!ovl_path_is_below(top, a));
	ck_assert_int_eq(ovl_path_add(&buf, a), 0);
	ck_assert_uint_eq(buf.len, 2 * DEEP);
	ck_assert_str_eq(buf.data + buf.len - 4, "/d/a");
	ck_assert_int_eq(ovl_path_names(b, &nodes), DEEP);
	ck_assert_ptr_null(nodes[0]->parent);
	ck_assert_ptr_eq(nodes[DEEP - 1], b);
	free(nodes);
	ovl_buf_done(&buf);
	ovl_path_unref(top);
	ovl_path_unref(a);
	ovl_path_unref(b);
}
END_TEST

#if OVL_OOM
START_TEST(test_path_oom)
{
	const struct ovl_path **nodes = NULL;
	struct ovl_buf b = { 0 };
	struct ovl_path *p = NULL;
	int r;

	OVL_OOM_LOOP(n)
	{
		ovl_oom_arm(n);
		r = ovl_path_parse("/a/b/c", &p);
		if (!ovl_oom_disarm())
			break;
		ck_assert_int_eq(r, -ENOMEM);
		ck_assert_ptr_null(p);
	}
	ck_assert_int_eq(r, 0);
	ovl_oom_arm(1);
	r = (int)ovl_path_names(p, &nodes);
	ck_assert(ovl_oom_disarm());
	ck_assert_int_eq(r, -ENOMEM);
	ck_assert_ptr_null(nodes);
	OVL_OOM_LOOP(n)
	{
		ovl_oom_arm(n);
		r = ovl_path_add_escaped(&b, p);
		if (!ovl_oom_disarm())
			break;
		ck_assert_int_eq(r, -ENOMEM);
		ck_assert_uint_eq(b.len, 0);
	}
	ck_assert_int_eq(r, 0);
	ck_assert_str_eq(b.data, "/a/b/c");
	ovl_buf_done(&b);
	ovl_path_unref(p);
}
END_TEST
#endif

int main(void)
{
	Suite *s = suite_create("base/path");
	TCase *t = tcase_create("path");

	tcase_add_loop_test(t, test_path_parse, 0, ARRAY_LEN(paths));
	tcase_add_test(t, test_path_parse_name_too_long);
	tcase_add_test(t, test_path_new);
	tcase_add_test(t, test_path_escaped);
	tcase_add_test(t, test_path_names);
	tcase_add_loop_test(t, test_path_compare, 0, ARRAY_LEN(order));
	tcase_add_loop_test(t, test_path_is_below, 0, ARRAY_LEN(belows));
	tcase_add_test(t, test_path_shared);
	tcase_add_test(t, test_path_random);
	tcase_add_test(t, test_path_deep);
#if OVL_OOM
	if (ovl_oom_works())
		tcase_add_test(t, test_path_oom);
#endif
	suite_add_tcase(s, t);
	return ovl_unit_main(s);
}
