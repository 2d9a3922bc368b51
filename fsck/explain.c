/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The problem table, for people.
 */
#include "explain.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "text.h"

enum {
	MAX_SLUG = 64, /* longer words are no misspelt slugs */
	MAX_TYPOS = 3, /* letters to add, drop or change */
	MAX_SUGGESTIONS = 6,
};

/* How many letters differ between two words of at most MAX_SLUG. */
static unsigned distance(const char *a, const char *b)
{
	unsigned row[MAX_SLUG + 1], diagonal, above;
	size_t n = strlen(b), i, j;

	for (j = 0; j <= n; j++)
		row[j] = (unsigned)j;
	for (i = 0; a[i]; i++) {
		diagonal = row[0]++;
		for (j = 0; j < n; j++) {
			unsigned best = diagonal + (a[i] != b[j]);

			above = row[j + 1];
			if (above + 1 < best)
				best = above + 1;
			if (row[j] + 1 < best)
				best = row[j] + 1;
			diagonal = above;
			row[j + 1] = best;
		}
	}
	return row[n];
}

static bool is_similar(const char *name, const char *slug)
{
	if (strlen(name) > MAX_SLUG || strlen(slug) > MAX_SLUG)
		return false;
	return strstr(slug, name) || distance(name, slug) <= MAX_TYPOS;
}

static int fail_unknown(const char *name, struct ovl_error *e)
{
	_cleanup_free_ char *similar = NULL;
	unsigned id, n = 0;
	size_t len;
	FILE *out = open_memstream(&similar, &len);

	if (!out)
		return ovl_fail(e, -ENOMEM, "cannot explain '%s'", name);
	for (id = 0; *name && id < OVL_P__MAX && n < MAX_SUGGESTIONS; id++) {
		const char *slug = ovl_problem_get((enum ovl_problem_id)id)->slug;

		if (is_similar(name, slug))
			fprintf(out, "%s%s", n++ ? ", " : "", slug);
	}
	if (fclose(out) != 0 || !similar)
		return ovl_fail(e, -ENOMEM, "cannot explain '%s'", name);
	if (n)
		return ovl_fail_plain(e, -EINVAL, "no problem is called '%s'; similar: %s", name,
				      similar);
	return ovl_fail_plain(e, -EINVAL,
			      "no problem is called '%s'; --list-problems shows them all", name);
}

int ovl_explain_find(const char *name, enum ovl_problem_id *ret, struct ovl_error *e)
{
	unsigned long number;
	unsigned id;
	char *end;

	if (ovl_problem_find(name, ret) == 0)
		return 0;
	if (name[0] == '0' && name[1] == 'x' && isxdigit((unsigned char)name[2])) {
		number = strtoul(name + 2, &end, 16);
		for (id = 0; !*end && id < OVL_P__MAX; id++) {
			if (ovl_problem_get((enum ovl_problem_id)id)->id == number) {
				*ret = (enum ovl_problem_id)id;
				return 0;
			}
		}
	}
	return fail_unknown(name, e);
}

static void section(FILE *out, const char *title, const char *text)
{
	if (!text || !*text)
		return;
	fprintf(out, "\n%s:\n", title);
	ovl_text_paragraph(out, 4, text);
}

int ovl_explain_text(struct ovl_reporting *r, enum ovl_problem_id id)
{
	const struct ovl_problem *p = ovl_problem_get(id);

	fprintf(r->out, "%s (0x%04x, %s)\n", p->slug, p->id, ovl_severity_name(p->severity));
	ovl_text_paragraph(r->out, 4, p->text);
	section(r->out, "What you see", p->symptom);
	section(r->out, "How it comes about", p->cause);
	section(r->out, "What can be done", p->remedy);
	return 0;
}

int ovl_explain_list(struct ovl_reporting *r)
{
	int width = 0;
	unsigned id;

	for (id = 0; id < OVL_P__MAX; id++) {
		int len = (int)strlen(ovl_problem_get((enum ovl_problem_id)id)->slug);

		if (len > width)
			width = len;
	}
	for (id = 0; id < OVL_P__MAX; id++) {
		const struct ovl_problem *p = ovl_problem_get((enum ovl_problem_id)id);

		fprintf(r->out, "%-*s  %-11s  %s\n", width, p->slug, ovl_severity_name(p->severity),
			p->text);
	}
	return 0;
}
