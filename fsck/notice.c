/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Notices on stderr.
 */
#include "notice.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "message.h"
#include "text.h"

/* Of many overlays, which one is meant: "/srv/merged: ". Empty otherwise; NULL: no memory. */
static char *make_prefix(const struct ovl_reporting *r)
{
	_cleanup_free_ char *label = r->of_many && r->label ? ovl_text_escape(r->label) : NULL;
	char *prefix = NULL;

	return asprintf(&prefix, "%s%s", label ? label : "", label ? ": " : "") < 0 ? NULL : prefix;
}

void ovl_notice_unknown(const struct ovl_reporting *r, const struct ovl_config *c)
{
	_cleanup_free_ char *prefix = make_prefix(r), *list = NULL;
	size_t len, i;
	FILE *out;

	if (!c->n_unknown)
		return;
	out = open_memstream(&list, &len);
	if (!out)
		return;
	fprintf(out, "ignored unknown mount option%s: ", c->n_unknown == 1 ? "" : "s");
	for (i = 0; i < c->n_unknown; i++)
		fprintf(out, "%s%s", i ? ", " : "", c->unknown[i]);
	if (fclose(out) == 0 && list)
		ovl_message_warning("%s%s", prefix ? prefix : "", list);
}

int ovl_notice_debug(const struct ovl_options *o, const struct ovl_stack *stack)
{
	bool has_upper = ovl_stack_config(stack)->upper != NULL;
	int n = (int)ovl_stack_n_layers(stack), first = has_upper ? 0 : 1, i;
	_cleanup_free_ char *options = ovl_config_render(ovl_stack_config(stack));

	if (!options)
		return -ENOMEM;
	ovl_message_debug("options in force: %s", options);
	for (i = first; i < first + n; i++) {
		_cleanup_free_ char *name = ovl_stack_layer_name(stack, i);

		if (!name)
			return -ENOMEM;
		ovl_message_debug("%s: %s", name, ovl_stack_layer_dir(stack, i));
	}
	if (o->threads)
		ovl_message_debug("threads: %u", o->threads);
	return 0;
}

void ovl_notice_users(const struct ovl_reporting *of, char **ret_users)
{
	_cleanup_free_ char *prefix = make_prefix(of), *line = NULL;
	char *users = NULL;
	int r = ovl_stack_users(of->stack, &users);

	if (r < 0)
		ovl_message_warning("%scannot tell whether the layers are in use: %s",
				    prefix ? prefix : "", strerror(-r));
	if (r <= 0)
		return;
	*ret_users = users;
	line = users ? ovl_text_join(users) : NULL;
	ovl_message_warning("%s%s; what changes during the check may look like a problem",
			    prefix ? prefix : "", line ? line : "the layers are in use");
}
