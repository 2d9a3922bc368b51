/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "unit/unit.h"

#include "../../fsck/utf8.c"
#include "../../fsck/text.c"

static const struct {
	const char *bytes;
	size_t len; /* of the first character, 0: not valid */
	uint32_t c;
} characters[] = {
	{ "a", 1, 'a' },
	{ "\x7f", 1, 0x7f },
	{ "\xc2\x80", 2, 0x80 },
	{ "\xc3\xa4z", 2, 0xe4 },
	{ "\xe2\x82\xac", 3, 0x20ac },
	{ "\xed\x9f\xbf", 3, 0xd7ff },
	{ "\xf0\x9f\x98\x80", 4, 0x1f600 },
	{ "\xf4\x8f\xbf\xbf", 4, 0x10ffff },
	{ "\x80", 0, 0 },             /* continuation without a start */
	{ "\xc0\x80", 0, 0 },         /* overlong NUL */
	{ "\xc1\xbf", 0, 0 },         /* overlong */
	{ "\xe0\x9f\xbf", 0, 0 },     /* overlong */
	{ "\xf0\x8f\xbf\xbf", 0, 0 }, /* overlong */
	{ "\xed\xa0\x80", 0, 0 },     /* surrogate */
	{ "\xf4\x90\x80\x80", 0, 0 }, /* beyond U+10FFFF */
	{ "\xf8\x88\x80\x80\x80", 0, 0 },
	{ "\xff", 0, 0 },
	{ "\xe2\x82", 0, 0 },  /* cut off */
	{ "\xe2\x82z", 0, 0 }, /* broken off */
};

START_TEST(test_utf8_next)
{
	uint32_t c = 0xdead;
	size_t n;

	n = ovl_utf8_next(characters[_i].bytes, strlen(characters[_i].bytes), &c);
	ck_assert_uint_eq(n, characters[_i].len);
	ck_assert_uint_eq(c, n ? characters[_i].c : 0xdead);
}
END_TEST

START_TEST(test_utf8_next_respects_length)
{
	uint32_t c = 0xdead;

	ck_assert_uint_eq(ovl_utf8_next("\xe2\x82\xac", 2, &c), 0);
	ck_assert_uint_eq(c, 0xdead);
}
END_TEST

START_TEST(test_utf8_unsafe)
{
	static const uint32_t unsafe[] = { 0,      '\n',   0x1b,   0x7f,   0x80,   0x9b,  0x9f,
					   0x2028, 0x2029, 0x202a, 0x202e, 0x2066, 0x2069 };
	static const uint32_t safe[] = { ' ', '~', 0xa0, 0xe4, 0x2027, 0x202f, 0x206a, 0x1f600 };
	size_t i;

	for (i = 0; i < ARRAY_LEN(unsafe); i++)
		ck_assert_msg(ovl_utf8_is_unsafe(unsafe[i]), "U+%04x", unsafe[i]);
	for (i = 0; i < ARRAY_LEN(safe); i++)
		ck_assert_msg(!ovl_utf8_is_unsafe(safe[i]), "U+%04x", safe[i]);
}
END_TEST

START_TEST(test_utf8_clean)
{
	bool replaced = false;
	char *s = ovl_utf8_clean("/a\xff\xe2\x82z\n\xc3\xa4", &replaced);

	ck_assert_str_eq(s, "/a\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdz\n\xc3\xa4");
	ck_assert(replaced);
	free(s);

	s = ovl_utf8_clean("/\xc3\xa4\xef\xbf\xbd", &replaced);
	ck_assert_str_eq(s,
			 "/\xc3\xa4\xef\xbf\xbd"); /* one that was there before is none of ours */
	ck_assert(!replaced);
	free(s);

	s = ovl_utf8_clean("", NULL);
	ck_assert_str_eq(s, "");
	free(s);
}
END_TEST

static const struct {
	const char *name, *escaped, *safe;
} names[] = {
	{ "/srv/merged", "/srv/merged", "/srv/merged" },
	{ "", "", "" },
	{ "/a\nb\tc", "/a\\012b\\011c", "/a\\012b\\011c" },
	{ "\033[2J", "\\033[2J", "\\033[2J" },
	{ "a\\b", "a\\\\b", "a\\b" },
	{ "\\012", "\\\\012", "\\012" }, /* a name cannot pretend to be escaped */
	{ "\x7f", "\\177", "\\177" },
	{ "\xff\xfe", "\\377\\376", "\\377\\376" },
	{ "\xc2\x9b", "\\302\\233", "\\302\\233" },
	{ "\xe2\x80\xae"
	  "txt",
	  "\\342\\200\\256txt", "\\342\\200\\256txt" },
	{ "gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f" },
};

START_TEST(test_text_escape)
{
	char *escaped = ovl_text_escape(names[_i].name);
	char *safe = ovl_text_safe(names[_i].name);

	ck_assert_str_eq(escaped, names[_i].escaped);
	ck_assert_str_eq(safe, names[_i].safe);
	free(escaped);
	free(safe);
}
END_TEST

START_TEST(test_text_escape_every_byte)
{
	char name[2] = { (char)_i, '\0' }, buf[8];
	char *escaped = ovl_text_escape(name);

	if (_i < 0x20 || _i >= 0x7f)
		snprintf(buf, sizeof(buf), "\\%03o", (unsigned)_i);
	else
		snprintf(buf, sizeof(buf), _i == '\\' ? "\\%c" : "%c", _i);
	if (_i == '\\')
		ck_assert_str_eq(escaped, "\\\\");
	else
		ck_assert_str_eq(escaped, buf);
	free(escaped);
}
END_TEST

static const struct {
	uint64_t n;
	const char *number, *size;
} numbers[] = {
	{ 0, "0", "0 B" },
	{ 999, "999", "999 B" },
	{ 1000, "1,000", "1000 B" },
	{ 1023, "1,023", "1023 B" },
	{ 1024, "1,024", "1.0 KiB" },
	{ 12034, "12,034", "11.8 KiB" },
	{ 1048575, "1,048,575", "1.0 MiB" }, /* and not 1024.0 KiB */
	{ 3328599655, "3,328,599,655", "3.1 GiB" },
	{ UINT64_MAX, "18,446,744,073,709,551,615", "16.0 EiB" },
};

START_TEST(test_text_numbers)
{
	char buf[OVL_TEXT_NUMBER];

	ck_assert_str_eq(ovl_text_number(buf, numbers[_i].n), numbers[_i].number);
	ck_assert_str_eq(ovl_text_size(buf, numbers[_i].n), numbers[_i].size);
}
END_TEST

static char *paragraph(unsigned indent, const char *text)
{
	char *written = NULL;
	size_t len;
	FILE *out = open_memstream(&written, &len);

	ck_assert_ptr_nonnull(out);
	ovl_text_paragraph(out, indent, text);
	ck_assert_int_eq(fclose(out), 0);
	return written;
}

START_TEST(test_text_paragraph)
{
	char *p = paragraph(4, "  some words,\n  and more  ");

	ck_assert_str_eq(p, "    some words, and more\n");
	free(p);
	p = paragraph(2, "");
	ck_assert_str_eq(p, "");
	free(p);
}
END_TEST

START_TEST(test_text_paragraph_breaks_lines)
{
	char words[400] = "", *p, *line, *rest;
	size_t i, n = 0;

	for (i = 0; i + 5 < sizeof(words); i += 5)
		memcpy(words + i, "word ", 6);
	p = rest = paragraph(8, words);
	while ((line = strsep(&rest, "\n")) && *line) {
		ck_assert_uint_le(strlen(line), 78);
		ck_assert_int_eq(strncmp(line, "        word", 12), 0);
		n++;
	}
	ck_assert_uint_eq(n, 6);
	free(p);
}
END_TEST

/* A word longer than a line is not cut: it is a path or an option. */
START_TEST(test_text_paragraph_long_word)
{
	char word[100], *p;

	memset(word, 'x', sizeof(word) - 1);
	word[sizeof(word) - 1] = '\0';
	p = paragraph(0, word);
	ck_assert_uint_eq(strlen(p), sizeof(word));
	ck_assert_int_eq(strncmp(p, word, sizeof(word) - 1), 0);
	free(p);
}
END_TEST

START_TEST(test_text_join)
{
	static const char *const lines[][2] = { { "", "" }, { "a", "a" }, { "a b\nc", "a b; c" } };
	char *line = ovl_text_join(lines[_i][0]);

	ck_assert_str_eq(line, lines[_i][1]);
	free(line);
}
END_TEST

START_TEST(test_text_sentence)
{
	static const char *const words[][2] = {
		{ "", "" },
		{ "remove it", "Remove it" },
		{ "-p", "-p" },
		{ "Again", "Again" },
	};
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	ck_assert_ptr_nonnull(out);
	ovl_text_sentence(out, words[_i][0]);
	ck_assert_int_eq(fclose(out), 0);
	ck_assert_str_eq(text, words[_i][1]);
	free(text);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("fsck/text");
	TCase *t = tcase_create("text");

	tcase_add_loop_test(t, test_utf8_next, 0, (int)ARRAY_LEN(characters));
	tcase_add_test(t, test_utf8_next_respects_length);
	tcase_add_test(t, test_utf8_unsafe);
	tcase_add_test(t, test_utf8_clean);
	tcase_add_loop_test(t, test_text_escape, 0, (int)ARRAY_LEN(names));
	tcase_add_loop_test(t, test_text_escape_every_byte, 1, 256);
	tcase_add_loop_test(t, test_text_numbers, 0, (int)ARRAY_LEN(numbers));
	tcase_add_test(t, test_text_paragraph);
	tcase_add_test(t, test_text_paragraph_breaks_lines);
	tcase_add_test(t, test_text_paragraph_long_word);
	tcase_add_loop_test(t, test_text_join, 0, 3);
	tcase_add_loop_test(t, test_text_sentence, 0, 4);
	suite_add_tcase(s, t);
	return ovl_unit_main(s);
}
