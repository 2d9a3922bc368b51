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

enum { PAGE = 4096 }; /* mount(2) looks at no more of its options than that, with the NUL */

bool ovl_conversion_is_routine(const struct ovl_result *result)
{
	const struct ovl_problem *p = ovl_problem_get(result->finding.problem);

	if (!p->feature || p->trust == OVL_TRUST_NEVER || result->finding.severity == OVL_SEV_ERROR)
		return false;
	return result->fate == OVL_FATE_FIXED || (result->fate == OVL_FATE_LEFT && !result->why);
}

/* "Linux 4.14", or "this kernel without metacopy"; NULL: no memory */
static char *name_target(const struct ovl_profile *profile)
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

static bool is_counted(const struct ovl_finding *f)
{
	return ovl_problem_get(f->problem)->feature && f->severity != OVL_SEV_INFO;
}

static void count(const struct ovl_summary *s, struct ovl_conversion_sum *sum)
{
	size_t n = ovl_results_len(s->results), i;

	for (i = 0; i < n; i++) {
		const struct ovl_result result = ovl_results_get(s->results, i);
		enum ovl_problem_id id = result.finding.problem;

		if (!is_counted(&result.finding))
			continue;
		if (result.fate == OVL_FATE_FIXED) {
			sum->kind[id].done++;
			sum->done++;
			continue;
		}
		sum->kind[id].left++;
		sum->left++;
		/* A check tells what would stand in the way. */
		if (!s->conversion && result.finding.severity == OVL_SEV_ERROR)
			sum->obstacle = OVL_OBSTACLE_LOSS;
	}
}

void ovl_conversion_sum_done(struct ovl_conversion_sum *sum)
{
	free(sum->target);
	free(sum->kind);
	free(sum->options);
}

int ovl_conversion_sum(const struct ovl_reporting *r, const struct ovl_summary *s,
		       struct ovl_conversion_sum *ret)
{
	*ret = (struct ovl_conversion_sum){
		.target = name_target(r->profile),
		.kind = calloc(OVL_P__MAX, sizeof(*ret->kind)),
		.obstacle = s->conversion ? s->conversion->obstacle : OVL_OBSTACLE_NONE,
	};
	if (!ret->target || !ret->kind)
		return -ENOMEM;
	count(s, ret);
	/* For what would not show there what is shown here, there are none. */
	if (ret->left || ret->obstacle != OVL_OBSTACLE_NONE ||
	    (s->conversion && s->conversion->n_differ))
		return 0;
	ret->options = ovl_profile_render(r->profile, ovl_stack_config(r->stack));
	return ret->options ? 0 : -ENOMEM;
}

static void print_kinds(FILE *out, const struct ovl_summary *s,
			const struct ovl_conversion_sum *sum)
{
	const struct ovl_conversion *c = s->conversion ? s->conversion : s->preview;
	char number[OVL_TEXT_NUMBER], size[OVL_TEXT_NUMBER];
	int id;

	for (id = 0; id < OVL_P__MAX; id++) {
		const struct ovl_problem *p = ovl_problem_get((enum ovl_problem_id)id);
		const struct ovl_conversion_kind *kind = &sum->kind[id];
		bool both = kind->done || s->conversion;

		if (!kind->done && !kind->left)
			continue;
		fprintf(out, "    %s (%s): ", p->text, p->slug);
		if (both)
			fprintf(out, "%s converted", ovl_text_number(number, kind->done));
		if (kind->left)
			fprintf(out, "%s%s to be converted", both ? ", " : "",
				ovl_text_number(number, kind->left));
		if (c && c->estimate.by_problem[id])
			fprintf(out, ", %s", ovl_text_size(size, c->estimate.by_problem[id]));
		fputc('\n', out);
	}
}

static const char *state_text(const struct ovl_summary *s, const struct ovl_conversion_sum *sum)
{
	switch (sum->obstacle) {
	case OVL_OBSTACLE_ERRORS:
		return "nothing was converted: errors are left, repair them first";
	case OVL_OBSTACLE_LOSS:
		return s->conversion ? "nothing was converted: something has no equivalent there; "
				       "-E accept-loss goes on without it" :
				       "something has no equivalent there; -E accept-loss goes on "
				       "without it";
	case OVL_OBSTACLE_NONE:
	default:
		break;
	}
	if (sum->left || (s->conversion && s->conversion->n_differ))
		return s->conversion ? "something is left" : "something is to be done";
	return sum->done ? "all is done" : "nothing is to be done";
}

/* "    space: 3.1 GiB and 12 inodes; before that 40.0 GiB were free and 1,234 inodes ..." */
static void print_estimate(struct ovl_reporting *r, const struct ovl_conversion *c)
{
	const struct ovl_estimate *x = &c->estimate;
	char size[OVL_TEXT_NUMBER], number[OVL_TEXT_NUMBER];

	if (!x->bytes && !x->shared && !x->inodes)
		return;
	fprintf(r->out, "    space: %s", ovl_text_size(size, x->bytes));
	fprintf(r->out, " and %s %s; before that %s were free", ovl_text_number(number, x->inodes),
		x->inodes == 1 ? "inode" : "inodes", ovl_text_size(size, x->free_bytes));
	if (x->free_inodes != UINT64_MAX)
		fprintf(r->out, " and %s inodes", ovl_text_number(number, x->free_inodes));
	if (x->shared)
		fprintf(r->out, "; %s more as shared blocks (reflink)",
			ovl_text_size(size, x->shared));
	fprintf(r->out, "%s\n", c->lacks_space ? "; too little" : "");
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

static void print_options(FILE *out, const struct ovl_conversion_sum *sum)
{
	size_t len = strlen(sum->options);
	char number[OVL_TEXT_NUMBER];

	fprintf(out, "mount options for %s: %s\n", sum->target, sum->options);
	if (len >= PAGE)
		fprintf(out,
			"    %s bytes are more than mount(2) takes, which is %d: mount from a "
			"directory near the layers, with relative paths\n",
			ovl_text_number(number, len), PAGE - 1);
}

int ovl_conversion_text(struct ovl_reporting *r, const struct ovl_summary *s)
{
	_cleanup_(ovl_conversion_sum_done) struct ovl_conversion_sum sum = { 0 };
	int e = 0;

	if (!r->profile || s->cancelled)
		return 0;
	e = ovl_conversion_sum(r, s, &sum);
	if (e < 0)
		return e;
	fprintf(r->out, "conversion for %s: %s\n", sum.target, state_text(s, &sum));
	print_kinds(r->out, s, &sum);
	if (s->conversion || s->preview)
		print_estimate(r, s->conversion ? s->conversion : s->preview);
	if (s->conversion && s->conversion->n_differ)
		e = print_difference(r, s->conversion, sum.target);
	if (sum.options)
		print_options(r->out, &sum);
	return e;
}
