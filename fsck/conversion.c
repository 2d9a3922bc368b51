/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The part of a report that is about a conversion.
 */
#include "conversion.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "text.h"

/** How many things of one kind there were. */
struct kind {
	uint64_t done, left;
};

bool ovl_conversion_is_routine(const struct ovl_result *result)
{
	const struct ovl_problem *p = ovl_problem_get(result->finding.problem);

	if (!p->feature || p->trust == OVL_TRUST_NEVER)
		return false;
	return result->fate == OVL_FATE_FIXED || (result->fate == OVL_FATE_LEFT && !result->why);
}

char *ovl_conversion_target(const struct ovl_profile *profile)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);
	const char *separator = "this kernel without ";

	if (!out)
		return NULL;
	if (profile->kernel.major)
		fprintf(out, "Linux %u.%u", profile->kernel.major, profile->kernel.minor);
	for (unsigned i = 0; !profile->kernel.major && i < OVL_F__MAX; i++) {
		if (profile->on & ((ovl_features)1 << i))
			continue;
		fprintf(out, "%s%s", separator, ovl_feature_word((enum ovl_feature)i));
		separator = ", ";
	}
	if (fclose(out) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

static void count_kinds(const struct ovl_summary *s, struct kind *kinds)
{
	size_t n = ovl_results_len(s->results), i;

	for (i = 0; i < n; i++) {
		const struct ovl_result result = ovl_results_get(s->results, i);

		if (!ovl_problem_get(result.finding.problem)->feature ||
		    result.finding.severity == OVL_SEV_INFO)
			continue;
		if (result.fate == OVL_FATE_FIXED)
			kinds[result.finding.problem].done++;
		else
			kinds[result.finding.problem].left++;
	}
}

static void print_kinds(struct ovl_reporting *r, const struct ovl_summary *s,
			const struct kind *kinds)
{
	char number[OVL_TEXT_NUMBER];
	int id;

	for (id = 0; id < OVL_P__MAX; id++) {
		const struct ovl_problem *p = ovl_problem_get((enum ovl_problem_id)id);

		if (!kinds[id].done && !kinds[id].left)
			continue;
		fprintf(r->out, "    %s (%s): ", p->text, p->slug);
		if (kinds[id].done || s->conversion)
			fprintf(r->out, "%s converted", ovl_text_number(number, kinds[id].done));
		if (kinds[id].left)
			fprintf(r->out, "%s%s to be converted",
				kinds[id].done || s->conversion ? ", " : "",
				ovl_text_number(number, kinds[id].left));
		fputc('\n', r->out);
	}
}

static const char *obstacle_text(const struct ovl_summary *s)
{
	switch (s->conversion ? s->conversion->obstacle : OVL_OBSTACLE_NONE) {
	case OVL_OBSTACLE_ERRORS:
		return "nothing was converted: errors are left, repair them first";
	case OVL_OBSTACLE_LOSS:
		return "nothing was converted: something has no equivalent there; "
		       "-E accept-loss goes on without it";
	case OVL_OBSTACLE_NONE:
	default:
		return NULL;
	}
}

/* "mount options for Linux 4.14: lowerdir=..." */
static int print_options(struct ovl_reporting *r, const char *target)
{
	_cleanup_free_ char *options = ovl_profile_render(r->profile, ovl_stack_config(r->stack));

	if (!options)
		return -ENOMEM;
	fprintf(r->out, "mount options for %s: %s\n", target, options);
	return 0;
}

/* "Linux 4.14 would show 3 directories in another way, /srv/a among them" */
static int print_difference(struct ovl_reporting *r, const struct ovl_conversion *c,
			    const char *target)
{
	_cleanup_free_ char *path = ovl_text_escape(c->differs);
	char number[OVL_TEXT_NUMBER];

	if (!path)
		return -ENOMEM;
	fprintf(r->out, "%s would show %s %s in another way than before: %s%s\n", target,
		ovl_text_number(number, c->n_differ),
		c->n_differ == 1 ? "directory" : "directories", path,
		c->n_differ == 1 ? "" : " ...");
	return 0;
}

int ovl_conversion_text(struct ovl_reporting *r, const struct ovl_summary *s)
{
	_cleanup_free_ struct kind *kinds = NULL;
	_cleanup_free_ char *target = NULL;
	uint64_t done = 0, left = 0;
	int id;

	if (!r->profile || s->cancelled)
		return 0;
	kinds = calloc(OVL_P__MAX, sizeof(*kinds));
	target = ovl_conversion_target(r->profile);
	if (!kinds || !target)
		return -ENOMEM;
	count_kinds(s, kinds);
	for (id = 0; id < OVL_P__MAX; id++) {
		done += kinds[id].done;
		left += kinds[id].left;
	}
	fprintf(r->out, "conversion for %s: %s\n", target,
		obstacle_text(s)       ? obstacle_text(s) :
		done == 0 && left == 0 ? "nothing is to be done" :
		left == 0              ? "all is done" :
		s->conversion          ? "something is left" :
					 "something is to be done");
	print_kinds(r, s, kinds);
	if (s->conversion && s->conversion->n_differ)
		return print_difference(r, s->conversion, target);
	return left ? 0 : print_options(r, target);
}
