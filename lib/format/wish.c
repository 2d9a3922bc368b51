/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * "x-fsck.overlay=..." See wish.h.
 */
#include "format/wish.h"

#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "format/option_word.h"

#include "base/banned.h"

enum { SHOWN_MAX = 200 }; /* bytes of a value that an error text repeats */

static const char name[] = "x-fsck.overlay";
static const char interval_name[] = "x-fsck.overlay.interval=";

static const char *const ways[] = {
	[OVL_WISH_ANY] = "",
	[OVL_WISH_REPORT] = "=report",
	[OVL_WISH_PREEN] = "=preen",
	[OVL_WISH_YES] = "=yes",
};

static bool is_word(struct ovl_bytes word, const char *text)
{
	return word.len == strlen(text) && memcmp(word.data, text, word.len) == 0;
}

static bool begins(struct ovl_bytes word, const char *text)
{
	return word.len >= strlen(text) && memcmp(word.data, text, strlen(text)) == 0;
}

static int refuse(const char *option, struct ovl_bytes value, const char *want, struct ovl_error *e)
{
	_cleanup_(ovl_buf_done) struct ovl_buf shown = { 0 };
	size_t len = value.len > SHOWN_MAX ? SHOWN_MAX : value.len;

	if (ovl_buf_add_escaped(&shown, (const char *)value.data, len) < 0)
		return ovl_fail(e, -ENOMEM, "cannot read the mount options");
	return ovl_fail_plain(e, -EINVAL, "option %s%s%s: want %s", option,
			      shown.data ? shown.data : "", len < value.len ? "..." : "", want);
}

/* @rest is what follows the name: "", "=preen" */
static int parse_rest(struct ovl_bytes rest, struct ovl_wish *w, struct ovl_error *e)
{
	size_t i;

	w->given = true;
	w->no = is_word(rest, "=no");
	w->how = OVL_WISH_ANY;
	for (i = 0; i < ARRAY_LEN(ways); i++) {
		if (is_word(rest, ways[i])) {
			w->how = (enum ovl_mount_wish)i;
			return 0;
		}
	}
	return w->no ? 0 : refuse(name, rest, "one of no, report, preen, yes", e);
}

int ovl_wish_days(const char *text, size_t len)
{
	int days = 0;

	if (len == 0)
		return -EINVAL;
	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return -EINVAL;
		days = days * 10 + (text[i] - '0');
		if (days > OVL_WISH_MAX_DAYS)
			return -EINVAL;
	}
	return days;
}

static int parse_interval(struct ovl_bytes value, struct ovl_wish *w, struct ovl_error *e)
{
	int days = ovl_wish_days((const char *)value.data, value.len);

	if (days < 0)
		return refuse(interval_name, value, "a number of days from 0 to 36500", e);
	w->interval = days;
	return 0;
}

int ovl_wish_parse(const char *options, struct ovl_wish *ret, struct ovl_error *e)
{
	struct ovl_bytes word;
	int r = 0;

	*ret = (struct ovl_wish){ .interval = -1 };
	/* An open quote ends the search; the parser of the options complains about it. */
	while (r == 0 && options && ovl_option_word_next(&options, &word) == 1) {
		struct ovl_bytes rest = { word.data + strlen(name), word.len - strlen(name) };

		if (is_word(word, "noauto"))
			ret->noauto = true;
		else if (is_word(word, "auto"))
			ret->noauto = false;
		else if (is_word(word, "nofail"))
			ret->nofail = true;
		else if (is_word(word, "fail"))
			ret->nofail = false;
		else if (is_word(word, "x-initrd.mount"))
			ret->initrd = true;
		else if (begins(word, name) && (rest.len == 0 || *rest.data == '='))
			r = parse_rest(rest, ret, e);
		else if (begins(word, interval_name))
			r = parse_interval((struct ovl_bytes){ word.data + strlen(interval_name),
							       word.len - strlen(interval_name) },
					   ret, e);
	}
	return r;
}
