/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The feature table, and words for it. See overlayfs/feature.h.
 */
#include "overlayfs/feature.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "format/feature.h"

#include "base/banned.h"

enum { MAX_VERSION = 999 };

static const struct ovl_feature_row rows[OVL_F__MAX] = {
#define FEATURE(NAME, WORD, MAJOR, MINOR, NEEDS, KIND, EFFECT) \
	[OVL_F_##NAME] = { WORD, { MAJOR, MINOR }, NEEDS, OVL_FEATURE_##KIND, EFFECT },
#include "overlayfs/features.def"
#undef FEATURE
};

const struct ovl_feature_row *ovl_feature_row(enum ovl_feature feature)
{
	assert((unsigned)feature < OVL_F__MAX);
	return &rows[feature];
}

const char *ovl_feature_word(enum ovl_feature feature)
{
	return ovl_feature_row(feature)->word;
}

const char *ovl_feature_effect(enum ovl_feature feature)
{
	return ovl_feature_row(feature)->effect;
}

bool ovl_kernel_before(struct ovl_kernel kernel, unsigned major, unsigned minor)
{
	return kernel.major != 0 &&
	       (kernel.major < major || (kernel.major == major && kernel.minor < minor));
}

ovl_features ovl_features_known(struct ovl_kernel kernel)
{
	ovl_features known = 0;

	for (unsigned i = 0; i < OVL_F__MAX; i++)
		if (!ovl_kernel_before(kernel, rows[i].since.major, rows[i].since.minor))
			known |= (ovl_features)1 << i;
	return known;
}

ovl_features ovl_features_in_force(ovl_features features)
{
	ovl_features before;

	do { /* until nothing lacks what it needs */
		before = features;
		for (unsigned i = 0; i < OVL_F__MAX; i++)
			if (rows[i].needs & ~features)
				features &= ~((ovl_features)1 << i);
	} while (features != before);
	return features;
}

/* ---- Words ---- */

/* "3.18, 4.0, 4.10 ...": the oldest, and those that brought something. */
static int list_kernels(struct ovl_buf *b)
{
	int r = ovl_buf_adds(b, "3.18");

	for (unsigned i = 0; r == 0 && i < OVL_F__MAX; i++)
		r = ovl_buf_addf(b, ", %u.%u", rows[i].since.major, rows[i].since.minor);
	return r;
}

static int fail_kernel(const char *text, struct ovl_error *e)
{
	_cleanup_(ovl_buf_done) struct ovl_buf b = { 0 };

	if (list_kernels(&b) < 0 || ovl_buf_addc(&b, '\0') < 0)
		return ovl_fail(e, -ENOMEM, "cannot read the command line");
	return ovl_fail_plain(e, -EINVAL,
			      "--to=%s: must be a version of Linux from 3.18 on, such as 4.14; "
			      "these brought something: %s",
			      text, b.data);
}

/* Digits, at most MAX_VERSION: the end of them, or NULL. */
static const char *parse_part(const char *p, unsigned *ret)
{
	const char *start = p;

	*ret = 0;
	for (; *p >= '0' && *p <= '9' && *ret <= MAX_VERSION; p++)
		*ret = *ret * 10 + (unsigned)(*p - '0');
	return p == start || *ret > MAX_VERSION ? NULL : p;
}

/* What may come behind major.minor: nothing, or the rest of a release name. */
static bool is_end(char c)
{
	return c == '\0' || c == '.' || c == '-' || c == '+' || c == '_' || c == '~';
}

int ovl_kernel_parse(const char *text, struct ovl_kernel *ret, struct ovl_error *e)
{
	struct ovl_kernel kernel = { 0 };
	const char *p = parse_part(*text == 'v' ? text + 1 : text, &kernel.major);

	if (p && *p == '.')
		p = parse_part(p + 1, &kernel.minor);
	else
		p = NULL;
	if (!p || !is_end(*p) || kernel.major < 3 || (kernel.major == 3 && kernel.minor < 18))
		return fail_kernel(text, e);
	*ret = kernel;
	return 0;
}

static int fail_feature(const char *word, struct ovl_error *e)
{
	_cleanup_(ovl_buf_done) struct ovl_buf b = { 0 };
	int r = 0;

	for (unsigned i = 0; r == 0 && i < OVL_F__MAX; i++)
		r = ovl_buf_addf(&b, "%s^%s", i ? ", " : "", rows[i].word);
	if (r < 0 || ovl_buf_addc(&b, '\0') < 0)
		return ovl_fail(e, -ENOMEM, "cannot read the command line");
	if (*word != '^')
		return ovl_fail_plain(e, -EINVAL, "-O %s: features can only be dropped: %s", word,
				      b.data);
	return ovl_fail_plain(e, -EINVAL, "-O %s: no such feature; there are %s", word, b.data);
}

static int parse_word(const char *word, ovl_features *features, struct ovl_error *e)
{
	for (unsigned i = 0; *word == '^' && i < OVL_F__MAX; i++) {
		if (strcmp(word + 1, rows[i].word) == 0) {
			*features |= (ovl_features)1 << i;
			return 0;
		}
	}
	return fail_feature(word, e);
}

int ovl_features_parse(const char *text, ovl_features *ret, struct ovl_error *e)
{
	_cleanup_free_ char *copy = strdup(text);
	ovl_features all = ovl_features_known((struct ovl_kernel){ 0 }), dropped = 0;
	char *rest = copy, *word;
	int r = 0;

	if (!copy)
		return ovl_fail(e, -ENOMEM, "cannot read the command line");
	while (r == 0 && (word = strsep(&rest, ",")))
		r = parse_word(word, &dropped, e);
	if (r == 0)
		*ret = all & ~ovl_features_in_force(all & ~dropped);
	return r;
}
