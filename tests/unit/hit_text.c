/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit/hit_text.h"

#include <stdarg.h>
#include <string.h>

#include "base/cleanup.h"
#include "tool.h"

/* A test that has no memory is worth nothing. */
static void __attribute__((format(printf, 2, 3))) add(struct ovl_buf *b, const char *fmt, ...)
{
	va_list ap;
	char *text;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		ovl_tool_die("no memory");
	va_end(ap);
	if (ovl_buf_adds(b, text) < 0)
		ovl_tool_die("no memory");
	free(text);
}

static void add_place(struct ovl_buf *b, const struct ovl_stack *stack, const char *before,
		      const struct ovl_found *f)
{
	_cleanup_free_ char *place = ovl_stack_place(stack, (struct ovl_loc){ f->layer, f->path });

	add(b, "%s%s", before, place);
}

static void add_why(struct ovl_buf *b, const struct ovl_stack *stack, const struct ovl_hit *hit)
{
	static const char *const why[OVL_WHY__MAX] = {
		[OVL_WHY_ABSENT] = "absent",
		[OVL_WHY_WHITEOUT] = "whiteout",
		[OVL_WHY_NO_LOWERDATA] = "no lowerdata",
		[OVL_WHY_METACOPY_OFF] = "metacopy off",
		[OVL_WHY_NOFOLLOW] = "nofollow",
		[OVL_WHY_BAD_REDIRECT] = "bad redirect",
		[OVL_WHY_DOTDOT] = "dotdot",
		[OVL_WHY_BAD_METACOPY] = "bad metacopy",
		[OVL_WHY_LAYER_ROOT] = "layer root",
		[OVL_WHY_UNREADABLE] = "unreadable",
	};

	add(b, "%s", strerror(-hit->result));
	if (why[hit->why])
		add(b, ", %s", why[hit->why]);
	if (hit->culprit.path)
		add_place(b, stack, " at ", &hit->culprit);
}

static void add_data(struct ovl_buf *b, struct ovl_stack *stack, const struct ovl_hit *hit)
{
	struct ovl_found storage = { 0 };
	const struct ovl_found *data = NULL;
	int r = ovl_lookup_data(stack, hit, &storage, &data);

	if (r == 0)
		add_place(b, stack, data->kind == OVL_KIND_REG ? " data " : " no data ", data);
	else
		add(b, " data: %s", strerror(-r));
	ovl_found_done(&storage);
}

static const struct ovl_found *top_of(const struct ovl_hit *hit)
{
	return hit->has_upper ? &hit->upper : hit->n_lower > 0 ? &hit->lower[0] : NULL;
}

char *hit_text(struct ovl_stack *stack, const struct ovl_hit *hit)
{
	const struct ovl_found *top = top_of(hit);
	struct ovl_buf b = { 0 };

	if (hit->result < 0) {
		add_why(&b, stack, hit);
		return ovl_buf_take(&b);
	}
	add(&b, "%s%s", hit->is_dir ? "directory" : ovl_kind_name(top->kind),
	    top && hit->is_dir != (top->kind == OVL_KIND_DIR) ? " (or not)" : "");
	if (hit->has_upper)
		add_place(&b, stack, " ", &hit->upper);
	for (size_t i = 0; i < hit->n_lower; i++) {
		add_place(&b, stack, " ", &hit->lower[i]);
		if (i > 0 && hit->lower[i - 1].layer >= hit->lower[i].layer)
			add(&b, " (out of order)");
	}
	if (hit->opaque)
		add(&b, " opaque");
	if (hit->redirect)
		add(&b, " redirect %s", hit->redirect);
	if (hit->lazy_data)
		add(&b, " lazy %s", hit->lazy_data);
	if (top && top->kind == OVL_KIND_REG)
		add_data(&b, stack, hit);
	return ovl_buf_take(&b);
}

char *hit_text_of(struct ovl_stack *stack, int first, const char *path)
{
	struct ovl_path *p = NULL;
	struct ovl_entry *entry = NULL;
	struct ovl_hit hit;
	char *text;

	if (ovl_path_parse(path, &p) < 0 || ovl_lookup_path(stack, first, p, &hit, &entry) < 0)
		ovl_tool_die("cannot look %s up", path);
	if ((entry != NULL) != (hit.result == 0 && hit.is_dir))
		ovl_tool_die("%s: an entry for no directory, or none for one", path);
	ovl_entry_unref(entry);
	text = hit_text(stack, &hit);
	ovl_hit_done(&hit);
	ovl_path_unref(p);
	return text;
}
