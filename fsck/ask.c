/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Questions at the terminal.
 */
#include "ask.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "cleanup.h"
#include "text.h"

enum {
	LINE_SIZE = 64,  /* longer lines are no answers */
	WAIT_MSEC = 200, /* how long a signal may have to wait at most */
};

enum answer {
	ANSWER_WAY,
	ANSWER_NO,
	ANSWER_ALL,
	ANSWER_SKIP,
	ANSWER_QUIT,
	ANSWER_EXPLAIN,
	ANSWER_HELP
};

/* One byte of input; false at its end, or if we are to stop. */
static bool read_byte(struct ovl_ask *a, char *ret)
{
	struct pollfd in = { .fd = a->in, .events = POLLIN };
	ssize_t n;

	for (;;) {
		if (a->cancelled && a->cancelled())
			return false;
		/* read() goes on after a signal, so it is called only when it has something. */
		n = poll(&in, 1, WAIT_MSEC);
		if (n == 0 || (n < 0 && errno == EINTR))
			continue;
		n = read(a->in, ret, 1);
		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		return n == 1;
	}
}

/* One line without its newline and the blanks around it, cut to the buffer; false: there is none. */
static bool read_line(struct ovl_ask *a, char *line)
{
	size_t len = 0;
	bool any = false;
	char c;

	while (read_byte(a, &c)) {
		any = true;
		if (c == '\n')
			break;
		if (len + 1 < LINE_SIZE && !(len == 0 && (c == ' ' || c == '\t')))
			line[len++] = c;
	}
	while (len > 0 && strchr(" \t\r", line[len - 1]))
		len--;
	line[len] = '\0';
	return any;
}

/* Digits: the number of a way, from 1. */
static bool parse_way(const char *line, size_t n_ways, size_t *ret)
{
	size_t n = 0;

	for (; *line >= '0' && *line <= '9' && n <= n_ways; line++)
		n = n * 10 + (size_t)(*line - '0');
	if (*line || n < 1 || n > n_ways)
		return false;
	*ret = n - 1;
	return true;
}

static enum answer parse_answer(const char *line, const struct ovl_question *q, size_t *ret_way)
{
	static const struct {
		const char *word;
		enum answer answer;
	} words[] = {
		{ "yes", ANSWER_WAY },   { "no", ANSWER_NO },     { "all", ANSWER_ALL },
		{ "skip", ANSWER_SKIP }, { "quit", ANSWER_QUIT }, { "explain", ANSWER_EXPLAIN },
	};
	size_t i;

	*ret_way = 0;
	if (parse_way(line, q->n_ways, ret_way))
		return ANSWER_WAY;
	for (i = 0; i < ARRAY_LEN(words); i++)
		if (strcasecmp(line, words[i].word) == 0 ||
		    (line[0] && !line[1] && strncasecmp(line, words[i].word, 1) == 0))
			return words[i].answer;
	return ANSWER_HELP;
}

static void print_question(struct ovl_ask *a, const char *head, const struct ovl_question *q)
{
	size_t i;

	fprintf(a->out, "%s.%c", head, q->n_ways > 1 ? '\n' : ' ');
	for (i = 0; i < q->n_ways && q->n_ways > 1; i++)
		fprintf(a->out, "    %zu: %s\n", i + 1, q->way[i]);
	ovl_text_sentence(a->out, q->way[0]);
	fputs("? ", a->out);
}

static void print_choice(struct ovl_ask *a, const struct ovl_question *q)
{
	fputs("[y/n/a/s/q/e", a->out);
	if (q->n_ways > 1)
		fprintf(a->out, ", 1-%zu", q->n_ways);
	fputs("] ", a->out);
	fflush(a->out);
}

static void print_help(struct ovl_ask *a, const struct ovl_question *q)
{
	fputs("    y: yes; n: no; a: yes to all of this kind; s: skip this kind; q: quit; e: explain",
	      a->out);
	if (q->n_ways > 1)
		fprintf(a->out, ";\n    1 to %zu: this way; y takes the first", q->n_ways);
	fputc('\n', a->out);
}

/* The answer to one question, and the way that it means. */
static enum answer ask(struct ovl_ask *a, const char *head, const struct ovl_question *q,
		       size_t *ret_way)
{
	char line[LINE_SIZE];
	enum answer answer;

	for (;;) {
		print_question(a, head, q);
		print_choice(a, q);
		if (!read_line(a, line)) {
			fputc('\n', a->out);
			return ANSWER_QUIT;
		}
		if (!*line)
			continue;
		answer = parse_answer(line, q, ret_way);
		if (answer == ANSWER_EXPLAIN)
			a->explain(a->ctx, q);
		else if (answer == ANSWER_HELP)
			print_help(a, q);
		else
			return answer;
	}
}

int ovl_ask(struct ovl_ask *a, const char *head, const struct ovl_question *q)
{
	enum ovl_problem_id kind = q->finding.problem;
	bool known = a->kind[kind].all || a->kind[kind].skip;
	size_t way = 0;

	if (a->quit)
		return OVL_ANSWER_QUIT;
	if (known) {
		fprintf(a->out, "%s. ", head);
		ovl_text_sentence(a->out, q->way[0]);
		fprintf(a->out, "? %s\n", a->kind[kind].all ? "yes" : "no");
		return a->kind[kind].all ? 0 : OVL_ANSWER_NO;
	}
	switch (ask(a, head, q, &way)) {
	case ANSWER_ALL:
		a->kind[kind].all = true;
		return 0;
	case ANSWER_WAY:
		return (int)way;
	case ANSWER_SKIP:
		a->kind[kind].skip = true;
		return OVL_ANSWER_NO;
	case ANSWER_QUIT:
		a->quit = true;
		return OVL_ANSWER_QUIT;
	case ANSWER_NO:
	case ANSWER_EXPLAIN: /* these two are no answers */
	case ANSWER_HELP:
	default:
		return OVL_ANSWER_NO;
	}
}
