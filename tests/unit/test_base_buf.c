/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "tools/tool.h"
#include "unit/oom.h"
#include "unit/unit.h"

/* What the header promises at any time. */
static void check_invariants(const struct ovl_buf *b)
{
	if (!b->data) {
		ck_assert_uint_eq(b->len, 0);
		ck_assert_uint_eq(b->room, 0);
		return;
	}
	ck_assert_uint_ge(b->room, b->len + 1);
	ck_assert_int_eq(b->data[b->len], '\0');
}

START_TEST(test_buf_empty)
{
	struct ovl_buf b = { 0 };
	char *s;

	ovl_buf_done(NULL);
	ovl_buf_done(&b);
	ovl_buf_clear(&b);
	check_invariants(&b);
	ck_assert_uint_eq(ovl_buf_bytes(&b).len, 0);
	ck_assert_int_eq(ovl_buf_add(&b, NULL, 0), 0);
	check_invariants(&b);
	ck_assert_str_eq(b.data, "");
	ovl_buf_done(&b);

	/* Also what never held anything is handed over as a string. */
	s = ovl_buf_take(&b);
	ck_assert_str_eq(s, "");
	check_invariants(&b);
	ck_assert_ptr_null(b.data);
	free(s);
}
END_TEST

START_TEST(test_buf_add)
{
	struct ovl_buf b = { 0 };
	struct ovl_bytes bytes;
	char *s;

	ck_assert_int_eq(ovl_buf_adds(&b, "abc"), 0);
	ck_assert_int_eq(ovl_buf_addc(&b, 'd'), 0);
	ck_assert_int_eq(ovl_buf_add(&b, "e\0f", 3), 0);
	ck_assert_int_eq(ovl_buf_addf(&b, "<%d:%s>", -7, "x"), 0);
	check_invariants(&b);
	ck_assert_uint_eq(b.len, 13);
	ck_assert_mem_eq(b.data, "abcde\0f<-7:x>", 14);
	bytes = ovl_buf_bytes(&b);
	ck_assert_uint_eq(bytes.len, 13);
	ck_assert_ptr_eq(bytes.data, b.data);

	ovl_buf_clear(&b);
	check_invariants(&b);
	ck_assert_str_eq(b.data, "");
	ck_assert_int_eq(ovl_buf_adds(&b, "again"), 0);
	s = ovl_buf_take(&b);
	ck_assert_str_eq(s, "again");
	ck_assert_ptr_null(b.data);
	check_invariants(&b);
	free(s);
}
END_TEST

START_TEST(test_buf_grows)
{
	struct ovl_buf b = { 0 };
	size_t i, moves = 0, room = 0;

	for (i = 0; i < 100000; i++) {
		ck_assert_int_eq(ovl_buf_addc(&b, (char)(i % 251)), 0);
		if (b.room != room)
			moves++;
		room = b.room;
	}
	check_invariants(&b);
	ck_assert_uint_lt(moves, 20); /* doubling, not creeping */
	for (i = 0; i < b.len; i++)
		ck_assert_int_eq((unsigned char)b.data[i], i % 251);
	ovl_buf_done(&b);
	check_invariants(&b);
}
END_TEST

START_TEST(test_buf_too_much)
{
	struct ovl_buf b = { 0 };

	ck_assert_int_eq(ovl_buf_adds(&b, "abc"), 0);
	ck_assert_int_eq(ovl_buf_reserve(&b, SIZE_MAX), -ENOMEM);
	ck_assert_int_eq(ovl_buf_reserve(&b, SIZE_MAX - 3), -ENOMEM);
	ck_assert_int_eq(ovl_buf_add_escaped(&b, "x", SIZE_MAX / 2), -ENOMEM);
	ck_assert_int_eq(ovl_buf_add_hex(&b, "x", SIZE_MAX / 2 + 1), -ENOMEM);
	check_invariants(&b);
	ck_assert_str_eq(b.data, "abc");
	ovl_buf_done(&b);
}
END_TEST

static const struct {
	const char *in;
	size_t len;
	const char *out;
} escapes[] = {
	{ "plain name.txt", 14, "plain name.txt" },
	{ "", 0, "" },
	{ "a\nb", 3, "a\\012b" },
	{ "\x1b[31m", 5, "\\033[31m" },
	{ "a\0b", 3, "a\\000b" },
	{ "\x7f", 1, "\\177" },
	{ "back\\slash", 10, "back\\\\slash" },
	{ "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", 9, "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80" },
	{ "\xc2\x9b"
	  "31m",
	  5, "\\302\\23331m" }, /* C1: CSI */
	{ "\xc2\x80\xc2\x9f\xc2\xa0", 6, "\\302\\200\\302\\237\xc2\xa0" },
	{ "\xff\xfe", 2, "\\377\\376" },
	{ "\xc3", 1, "\\303" }, /* cut short */
	{ "\xe2\x82", 2, "\\342\\202" },
	{ "\xe2\x82x", 3, "\\342\\202x" },
	{ "\xf0\x9f\x98", 3, "\\360\\237\\230" },
	{ "\x80", 1, "\\200" },          /* continuation alone */
	{ "\xc0\xaf", 2, "\\300\\257" }, /* overlong slash */
	{ "\xe0\x80\xaf", 3, "\\340\\200\\257" },
	{ "\xf0\x80\x80\xaf", 4, "\\360\\200\\200\\257" },
	{ "\xed\xa0\x80", 3, "\\355\\240\\200" },      /* surrogate */
	{ "\xee\x80\x80", 3, "\xee\x80\x80" },         /* behind the surrogates */
	{ "\xf4\x8f\xbf\xbf", 4, "\xf4\x8f\xbf\xbf" }, /* the last character */
	{ "\xf4\x90\x80\x80", 4, "\\364\\220\\200\\200" },
	{ "\xf8\x88\x80\x80\x80", 5, "\\370\\210\\200\\200\\200" },
	{ "\xe2\x80\xae"
	  "x",
	  4, "\\342\\200\\256x" }, /* right-to-left override */
	{ "\xe2\x81\xa6", 3, "\\342\\201\\246" },
	{ "\xe2\x80\xa8\xe2\x80\xa7", 6, "\\342\\200\\250\xe2\x80\xa7" },
};

START_TEST(test_buf_escaped)
{
	struct ovl_buf b = { 0 };

	ck_assert_int_eq(ovl_buf_adds(&b, "<"), 0);
	ck_assert_int_eq(ovl_buf_add_escaped(&b, escapes[_i].in, escapes[_i].len), 0);
	ck_assert_int_eq(ovl_buf_adds(&b, ">"), 0);
	check_invariants(&b);
	ck_assert_uint_eq(b.len, strlen(escapes[_i].out) + 2);
	ck_assert_mem_eq(b.data + 1, escapes[_i].out, strlen(escapes[_i].out));
	ovl_buf_done(&b);
}
END_TEST

/* The inverse of the escaping; asserts that what it reads is well-formed. */
static size_t unescape(const char *s, size_t len, unsigned char *to)
{
	size_t i, n = 0;

	for (i = 0; i < len; i++) {
		if (s[i] != '\\') {
			ck_assert_int_ge((unsigned char)s[i], 0x20);
			ck_assert_int_ne(s[i], 0x7f);
			to[n++] = (unsigned char)s[i];
		} else if (s[i + 1] == '\\') {
			to[n++] = '\\';
			i++;
		} else {
			ck_assert_uint_lt(i + 3, len);
			to[n++] = (unsigned char)((s[i + 1] - '0') << 6 | (s[i + 2] - '0') << 3 |
						  (s[i + 3] - '0'));
			i += 3;
		}
	}
	return n;
}

START_TEST(test_buf_escaped_random)
{
	struct ovl_rng rng = { 1 };
	struct ovl_buf b = { 0 };
	unsigned char in[40], out[40];
	size_t len, i;
	int round;

	for (round = 0; round < 5000; round++) {
		len = ovl_tool_random(&rng, sizeof(in) + 1);
		for (i = 0; i < len; i++)
			in[i] = (unsigned char)(ovl_tool_random(&rng, 4) ?
							0x80 + ovl_tool_random(&rng, 0x80) :
							ovl_tool_random(&rng, 0x80));
		ovl_buf_clear(&b);
		ck_assert_int_eq(ovl_buf_add_escaped(&b, in, len), 0);
		check_invariants(&b);
		ck_assert_uint_eq(unescape(b.data ? b.data : "", b.len, out), len);
		ck_assert_mem_eq(in, out, len);
	}
	ovl_buf_done(&b);
}
END_TEST

START_TEST(test_buf_hex)
{
	struct ovl_buf b = { 0 };

	ck_assert_int_eq(ovl_buf_add_hex(&b, "\x00\xfb\x1d\xa0\x0f", 5), 0);
	ck_assert_int_eq(ovl_buf_add_hex(&b, "", 0), 0);
	check_invariants(&b);
	ck_assert_str_eq(b.data, "00fb1da00f");
	ovl_buf_done(&b);
}
END_TEST

#if OVL_OOM
static int every_call(struct ovl_buf *b, int call)
{
	static char text[500];

	memset(text, 'x', sizeof(text) - 1);
	switch (call) {
	case 0:
		return ovl_buf_adds(b, text);
	case 1:
		return ovl_buf_addf(b, "%s", text);
	case 2:
		return ovl_buf_add_escaped(b, text, sizeof(text));
	case 3:
		return ovl_buf_add_hex(b, text, sizeof(text));
	default:
		return ovl_buf_reserve(b, 500);
	}
}

START_TEST(test_buf_oom)
{
	struct ovl_buf b = { 0 };
	int r;

	ck_assert_int_eq(ovl_buf_adds(&b, "before"), 0);
	ovl_oom_arm(1);
	r = every_call(&b, _i);
	ck_assert(ovl_oom_disarm());
	ck_assert_int_eq(r, -ENOMEM);
	check_invariants(&b);
	ck_assert_str_eq(b.data, "before");
	ck_assert_int_eq(every_call(&b, _i), 0);
	ovl_buf_done(&b);
}
END_TEST

START_TEST(test_buf_take_oom)
{
	struct ovl_buf b = { 0 };
	char *s;

	ovl_oom_arm(1);
	s = ovl_buf_take(&b);
	ck_assert(ovl_oom_disarm());
	ck_assert_ptr_null(s);
}
END_TEST
#endif

int main(void)
{
	Suite *s = suite_create("base/buf");
	TCase *t = tcase_create("buf");

	tcase_add_test(t, test_buf_empty);
	tcase_add_test(t, test_buf_add);
	tcase_add_test(t, test_buf_grows);
	tcase_add_test(t, test_buf_too_much);
	tcase_add_loop_test(t, test_buf_escaped, 0, ARRAY_LEN(escapes));
	tcase_add_test(t, test_buf_escaped_random);
	tcase_add_test(t, test_buf_hex);
#if OVL_OOM
	if (ovl_oom_works()) {
		tcase_add_loop_test(t, test_buf_oom, 0, 5);
		tcase_add_test(t, test_buf_take_oom);
	}
#endif
	suite_add_tcase(s, t);
	return ovl_unit_main(s);
}
