/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Mount options: what is read can be written and is the same again; what is refused has a text and
 * changes nothing.
 */
#include <errno.h>

#include "format/wish.h"
#include "fuzz/fuzz.h"
#include "overlayfs/option.h"

static void check_list(char *const *a, size_t na, char *const *b, size_t nb)
{
	size_t i;

	FUZZ_CHECK(na == nb);
	for (i = 0; i < na; i++)
		FUZZ_CHECK(strcmp(a[i], b[i]) == 0);
}

static void check_round_trip(const struct ovl_config *c)
{
	struct ovl_config again = { 0 };
	char *first, *second;

	FUZZ_CHECK(c->n_data == 0 || c->n_lower > 0);
	first = ovl_config_render(c);
	FUZZ_CHECK(first);
	FUZZ_CHECK(ovl_config_parse(&again, first, NULL) == 0);
	check_list(c->lower, c->n_lower, again.lower, again.n_lower);
	check_list(c->data, c->n_data, again.data, again.n_data);
	check_list(c->unknown, c->n_unknown, again.unknown, again.n_unknown);
	FUZZ_CHECK(!c->upper == !again.upper);
	FUZZ_CHECK(!c->upper || strcmp(c->upper, again.upper) == 0);
	FUZZ_CHECK(!c->work == !again.work);
	FUZZ_CHECK(!c->work || strcmp(c->work, again.work) == 0);
	second = ovl_config_render(&again);
	FUZZ_CHECK(second);
	FUZZ_CHECK(strcmp(first, second) == 0);
	free(first);
	free(second);
	ovl_config_done(&again);
}

static void check_refused(const struct ovl_config *c, int r, const struct ovl_error *e)
{
	static const struct ovl_config zero;
	const char *p;

	FUZZ_CHECK(r == -EINVAL && e->code == r && e->text);
	for (p = e->text; *p; p++)
		FUZZ_CHECK((unsigned char)*p >= 0x20 && *p != 0x7f);
	FUZZ_CHECK(memcmp(c, &zero, sizeof(zero)) == 0);
}

static void check_result(struct ovl_config *c, int r, struct ovl_error *e)
{
	if (r < 0) {
		check_refused(c, r, e);
	} else {
		FUZZ_CHECK(!e->text);
		check_round_trip(c);
		r = ovl_config_check(c, e);
		FUZZ_CHECK(r == 0 || (r == -EINVAL && e->text));
	}
	ovl_config_done(c);
	ovl_error_done(e);
}

/* The words that ask for a check are found in whatever else the string holds. */
static void check_wish(const char *options)
{
	struct ovl_error e = OVL_ERROR_INIT;
	struct ovl_wish w;
	int r = ovl_wish_parse(options, &w, &e);
	const char *p;

	FUZZ_CHECK(r == (e.text ? -EINVAL : 0) && (r == 0 || w.given));
	FUZZ_CHECK(w.given || (!w.no && w.how == OVL_WISH_ANY));
	for (p = e.text; p && *p; p++)
		FUZZ_CHECK((unsigned char)*p >= 0x20 && *p != 0x7f);
	ovl_error_done(&e);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *options = fuzz_string(data, size), *value;
	struct ovl_error e = OVL_ERROR_INIT;
	struct ovl_config c = { 0 };

	check_result(&c, ovl_config_parse(&c, options, &e), &e);
	check_wish(options);

	/* The same as one option that somebody else has cut out. */
	value = strchr(options, '=');
	if (value)
		*value++ = '\0';
	check_result(&c, ovl_config_set(&c, options, value, &e), &e);
	free(options);
	return 0;
}
