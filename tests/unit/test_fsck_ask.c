/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <unistd.h>

#include "unit/unit.h"

#include "../../fsck/ask.c"
#include "../../fsck/text.c"
#include "../../fsck/utf8.c"

/* A pair of ends: what is written to the terminal, and what the program prints. */
struct terminal {
	struct ovl_ask ask;
	int keyboard;
	char *shown;
	size_t len;
};

static unsigned explained;

static void explain(void *ctx, const struct ovl_question *q)
{
	struct terminal *t = ctx;

	(void)q;
	explained++;
	fputs("EXPLAINED\n", t->ask.out);
}

/* Opens a terminal on which @typed has been typed; after it the input ends. */
static void open_terminal(struct terminal *t, const char *typed)
{
	int ends[2];

	*t = (struct terminal){ 0 };
	ck_assert_int_eq(pipe(ends), 0);
	ck_assert_int_eq(write(ends[1], typed, strlen(typed)), (ssize_t)strlen(typed));
	close(ends[1]);
	t->ask.in = ends[0];
	t->ask.out = open_memstream(&t->shown, &t->len);
	ck_assert_ptr_nonnull(t->ask.out);
	t->ask.explain = explain;
	t->ask.ctx = t;
	explained = 0;
}

static void close_terminal(struct terminal *t)
{
	fclose(t->ask.out);
	close(t->ask.in);
	free(t->shown);
}

static const char *const ways[] = { "redirect to lower1:/b", "remove it", "set it aside" };

static int put(struct terminal *t, unsigned problem, size_t n_ways)
{
	struct ovl_question q = { .way = ways, .n_ways = n_ways };
	int answer;

	q.finding.problem = (enum ovl_problem_id)problem;
	answer = ovl_ask(&t->ask, "upper:/a: broken (slug)", &q);
	fflush(t->ask.out);
	return answer;
}

static const struct {
	const char *typed;
	size_t n_ways;
	int answer;
} answers[] = {
	{ "y\n", 1, 0 },
	{ "Y\n", 1, 0 },
	{ "yes\n", 1, 0 },
	{ "  yes \t\r\n", 1, 0 },
	{ "y", 1, 0 }, /* the last line has no end */
	{ "1\n", 1, 0 },
	{ "y\n", 3, 0 },
	{ "3\n", 3, 2 },
	{ "02\n", 3, 1 },
	{ "n\n", 1, OVL_ANSWER_NO },
	{ "No\n", 1, OVL_ANSWER_NO },
	{ "a\n", 2, 0 },
	{ "s\n", 1, OVL_ANSWER_NO },
	{ "skip\n", 1, OVL_ANSWER_NO },
	{ "q\n", 1, OVL_ANSWER_QUIT },
	{ "QUIT\n", 1, OVL_ANSWER_QUIT },
	{ "", 1, OVL_ANSWER_QUIT },
	{ "\n\n", 1, OVL_ANSWER_QUIT },
	{ "\n\ny\n", 1, 0 },
	/* none of these is an answer */
	{ "2\nn\n", 1, OVL_ANSWER_NO },
	{ "0\nn\n", 3, OVL_ANSWER_NO },
	{ "4\nn\n", 3, OVL_ANSWER_NO },
	{ "-1\nn\n", 3, OVL_ANSWER_NO },
	{ "1y\nn\n", 3, OVL_ANSWER_NO },
	{ "18446744073709551617\nn\n", 3, OVL_ANSWER_NO },
	{ "ye\nn\n", 1, OVL_ANSWER_NO },
	{ "yess\nn\n", 1, OVL_ANSWER_NO },
	{ "y y\nn\n", 1, OVL_ANSWER_NO },
	{ "yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\nn\n",
	  1, OVL_ANSWER_NO },
	{ "e\nexplain\nn\n", 1, OVL_ANSWER_NO },
};

START_TEST(test_ask_answer)
{
	struct terminal t;

	open_terminal(&t, answers[_i].typed);
	ck_assert_int_eq(put(&t, 0, answers[_i].n_ways), answers[_i].answer);
	ck_assert_uint_eq(explained, strncmp(answers[_i].typed, "e\n", 2) == 0 ? 2 : 0);
	close_terminal(&t);
}
END_TEST

#define CHOICE "upper:/a: broken (slug). Redirect to lower1:/b? [y/n/a/s/q/e] "
#define HELP "    y: yes; n: no; a: yes to all of this kind; s: skip this kind; q: quit; e: explain"
#define LIST                                                                                       \
	"upper:/a: broken (slug).\n    1: redirect to lower1:/b\n    2: remove it\n    3: set it " \
	"aside\nRedirect to lower1:/b? [y/n/a/s/q/e, 1-3] "

static const struct {
	const char *typed;
	size_t n_ways;
	const char *shown;
} texts[] = {
	{ "y\n", 1, CHOICE },
	{ "\nn\n", 1, CHOICE CHOICE },
	{ "e\ny\n", 1, CHOICE "EXPLAINED\n" CHOICE },
	{ "x\ny\n", 1, CHOICE HELP "\n" CHOICE },
	{ "", 1, CHOICE "\n" }, /* the end of the input leaves the line to us */
	{ "2\n", 3, LIST },
	{ "x\n2\n", 3, LIST HELP ";\n    1 to 3: this way; y takes the first\n" LIST },
};

START_TEST(test_ask_text)
{
	struct terminal t;

	open_terminal(&t, texts[_i].typed);
	put(&t, 0, texts[_i].n_ways);
	ck_assert_str_eq(t.shown, texts[_i].shown);
	close_terminal(&t);
}
END_TEST

/* What was answered for good is not asked, but told. */
START_TEST(test_ask_kinds)
{
	struct terminal t;

	open_terminal(&t, "a\ns\n2\ny\n");
	ck_assert_int_eq(put(&t, 1, 1), 0);
	ck_assert_int_eq(put(&t, 2, 1), OVL_ANSWER_NO);
	ck_assert_int_eq(put(&t, 1, 3), 0);
	ck_assert_int_eq(put(&t, 2, 3), OVL_ANSWER_NO);
	ck_assert_int_eq(put(&t, 3, 3), 1); /* a kind of its own, asked each time */
	ck_assert_int_eq(put(&t, 3, 3), 0);
	ck_assert_str_eq(t.shown, CHOICE CHOICE
			 "upper:/a: broken (slug). Redirect to lower1:/b? yes\n"
			 "upper:/a: broken (slug). Redirect to lower1:/b? no\n" LIST LIST);
	close_terminal(&t);
}
END_TEST

START_TEST(test_ask_quit)
{
	struct terminal t;

	open_terminal(&t, "q\ny\ny\n");
	ck_assert_int_eq(put(&t, 1, 1), OVL_ANSWER_QUIT);
	ck_assert_int_eq(put(&t, 1, 1), OVL_ANSWER_QUIT); /* and no more is asked */
	ck_assert_str_eq(t.shown, CHOICE);
	close_terminal(&t);
}
END_TEST

static unsigned patience;

static bool is_cancelled(void)
{
	return patience-- == 0;
}

/* A signal ends the question, though nobody types anything. */
START_TEST(test_ask_signal)
{
	struct terminal t;
	int ends[2];

	open_terminal(&t, "");
	ck_assert_int_eq(pipe(ends), 0);
	close(t.ask.in);
	t.ask.in = ends[0];
	t.ask.cancelled = is_cancelled;
	patience = 2;
	ck_assert_int_eq(put(&t, 1, 1), OVL_ANSWER_QUIT);
	ck_assert_str_eq(t.shown, CHOICE "\n");
	close(ends[1]);
	close_terminal(&t);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("fsck/ask");
	TCase *t = tcase_create("ask");

	tcase_add_loop_test(t, test_ask_answer, 0, (int)ARRAY_LEN(answers));
	tcase_add_loop_test(t, test_ask_text, 0, (int)ARRAY_LEN(texts));
	tcase_add_test(t, test_ask_kinds);
	tcase_add_test(t, test_ask_quit);
	tcase_add_test(t, test_ask_signal);
	suite_add_tcase(s, t);
	return ovl_unit_main(s);
}
