/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From words to the layers of one overlay.
 */
#include "source.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"

void ovl_source_done(struct ovl_source *s)
{
	if (!s)
		return;
	ovl_config_done(&s->config);
	free(s->label);
	*s = (struct ovl_source){ 0 };
}

/* fsck(8) passes mount options on as an operand, since it has an "=". A path may have one, too. */
static bool is_place(const char *operand)
{
	return *operand == '/' || *operand == '.' || !strchr(operand, '=');
}

static bool names_layers(const struct ovl_config *c)
{
	return c->upper || c->work || c->n_lower || c->n_data;
}

static int parse_words(const struct ovl_options *o, struct ovl_config *c, struct ovl_error *e)
{
	size_t i;
	int r;

	for (i = 0; i < o->n_word; i++) {
		r = ovl_config_parse(c, o->word[i], e);
		if (r < 0)
			return r;
	}
	return 0;
}

/* A mount point, with mount options on top of its own, but no layers. */
static int resolve_place(const struct ovl_options *o, const char *place, struct ovl_source *s,
			 struct ovl_error *e)
{
	_cleanup_(ovl_config_done) struct ovl_config words = { 0 };
	int r;

	r = parse_words(o, &words, e);
	if (r < 0)
		return r;
	if (names_layers(&words))
		return ovl_fail_plain(e, -EINVAL,
				      "layers are given with -o and as '%s'; name one overlay",
				      place);
	r = ovl_mount_find(place, o->fstab, &s->config, &s->kind, &s->label, e);
	if (r == -ENOENT)
		return ovl_fail_plain(
			e, r, "'%s' is not mounted, in fstab or in a mount unit as an overlay",
			place);
	if (r < 0)
		return r;
	return parse_words(o, &s->config, e);
}

static int resolve_options(const struct ovl_options *o, const char *operand, struct ovl_source *s,
			   struct ovl_error *e)
{
	const char *top;
	int r = 0;

	if (operand)
		r = ovl_config_parse(&s->config, operand, e);
	if (r >= 0)
		r = parse_words(o, &s->config, e);
	if (r < 0)
		return r;
	top = s->config.upper ? s->config.upper : s->config.n_lower ? s->config.lower[0] : NULL;
	if (!top)
		return ovl_fail_plain(e, -EINVAL,
				      "the mount options name no layers: lowerdir= is missing");
	s->kind = OVL_SOURCE_OPTIONS;
	s->label = strdup(top);
	if (!s->label)
		return ovl_fail(e, -ENOMEM, "cannot read the mount options");
	return 0;
}

int ovl_source_resolve(const struct ovl_options *o, struct ovl_source *ret, struct ovl_error *e)
{
	_cleanup_(ovl_source_done) struct ovl_source s = { 0 };
	const char *operand = o->n_operand ? o->operand[0] : NULL;
	int r;

	if (o->n_operand > 1)
		return ovl_fail_plain(e, -EINVAL, "'%s' and '%s': name one overlay at a time",
				      o->operand[0], o->operand[1]);
	if (!operand && !o->n_word)
		return ovl_fail_plain(e, -EINVAL,
				      "which overlay? Give -o lowerdir=..., or a mount point");
	if (operand && !*operand)
		return ovl_fail_plain(e, -EINVAL, "an empty operand names no overlay");

	if (operand && is_place(operand))
		r = resolve_place(o, operand, &s, e);
	else
		r = resolve_options(o, operand, &s, e);
	if (r < 0)
		return r;
	*ret = s;
	s = (struct ovl_source){ 0 };
	return 0;
}
