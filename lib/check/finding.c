/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Findings: collected by sinks, sorted and counted by the report.
 */
#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "check/finding.h"
#include "overlayfs/stack.h"

#include "base/banned.h"

enum { QUOTE_MAX = 200, HEX_MAX = 80 };

struct ovl_report {
	ovl_finding_vec items;
	struct ovl_counts counts;
	struct ovl_layer_counts *layer; /* by number */
	size_t n_layer;
};

static const struct ovl_loc no_place = { .layer = OVL_LAYER_NONE };

static void item_done(struct ovl_finding_item *item)
{
	ovl_path_unref((struct ovl_path *)item->loc.path);
	ovl_path_unref((struct ovl_path *)item->other.path);
	free(item->found);
	free(item->expected);
}

int ovl_sink_add_about(struct ovl_sink *s, enum ovl_problem_id problem, enum ovl_severity severity,
		       struct ovl_loc loc, struct ovl_loc other, const char *found,
		       const char *expected)
{
	struct ovl_finding_item item = {
		.problem = (uint16_t)problem,
		.severity = (uint8_t)severity,
		.loc = { loc.layer, ovl_path_ref(loc.path) },
		.other = { other.layer, ovl_path_ref(other.path) },
		.found = strdup(found),
		.expected = expected[0] ? strdup(expected) : NULL,
	};

	assert(severity <= ovl_problem_get(problem)->severity);
	if (!item.found || (expected[0] && !item.expected) || ovl_vec_push(&s->items, item) < 0) {
		item_done(&item);
		return s->error = -ENOMEM;
	}
	return 0;
}

int ovl_sink_add(struct ovl_sink *s, enum ovl_problem_id problem, struct ovl_loc loc,
		 const char *found, const char *expected)
{
	return ovl_sink_add_about(s, problem, ovl_problem_get(problem)->severity, loc, no_place,
				  found, expected);
}

int ovl_sink_unreadable(struct ovl_sink *s, struct ovl_loc loc, const char *what, int err)
{
	if (err == -ENOMEM)
		return s->error = -ENOMEM;
	if (err == -ENOENT)
		return ovl_sink_add(s, OVL_P_CHANGED, loc,
				    "the name was listed and then was not there",
				    "a tree that does not change while it is checked");
	s->counts.unreadable++;
	return ovl_sink_add(s, OVL_P_UNREADABLE, loc,
			    ovl_sink_text(s, "%s: %s", what, strerror(-err)), "");
}

const char *ovl_sink_text(struct ovl_sink *s, const char *fmt, ...)
{
	_cleanup_free_ char *line = NULL;
	va_list args;
	int n;

	va_start(args, fmt);
	n = vasprintf(&line, fmt, args);
	va_end(args);
	if (n < 0)
		line = NULL; /* its content is undefined then */
	ovl_buf_clear(&s->text);
	if (!line || ovl_buf_adds(&s->text, line) < 0) {
		s->error = -ENOMEM;
		return "";
	}
	return s->text.data;
}

static struct ovl_buf *next_place(struct ovl_sink *s)
{
	struct ovl_buf *b = &s->place[s->turn++ % ARRAY_LEN(s->place)];

	ovl_buf_clear(b);
	return b;
}

static const char *text_of(struct ovl_sink *s, const struct ovl_buf *b, int err)
{
	if (err < 0)
		s->error = err;
	return err < 0 || !b->data ? "" : b->data;
}

const char *ovl_sink_place(struct ovl_sink *s, struct ovl_loc loc)
{
	struct ovl_buf *b = next_place(s);
	_cleanup_free_ char *text = ovl_stack_place(s->stack, loc);

	return text_of(s, b, text ? ovl_buf_adds(b, text) : -ENOMEM);
}

const char *ovl_sink_quote(struct ovl_sink *s, struct ovl_bytes bytes)
{
	struct ovl_buf *b = next_place(s);
	size_t n = bytes.len > QUOTE_MAX ? QUOTE_MAX : bytes.len;
	int err = ovl_buf_addc(b, '"');

	if (err == 0)
		err = ovl_buf_add_escaped(b, bytes.data, n);
	if (err == 0)
		err = ovl_buf_adds(b, n < bytes.len ? "\"..." : "\"");
	return text_of(s, b, err);
}

const char *ovl_sink_hex(struct ovl_sink *s, struct ovl_bytes bytes)
{
	struct ovl_buf *b = next_place(s);
	size_t n = bytes.len > HEX_MAX ? HEX_MAX : bytes.len;
	int err = ovl_buf_adds(b, n > 0 ? "0x" : "(empty)");

	if (err == 0)
		err = ovl_buf_add_hex(b, bytes.data, n);
	if (err == 0 && n < bytes.len)
		err = ovl_buf_adds(b, "...");
	return text_of(s, b, err);
}

void ovl_sink_done(struct ovl_sink *s)
{
	for (size_t i = 0; i < s->items.len; i++)
		item_done(&s->items.data[i]);
	ovl_vec_done(&s->items);
	ovl_buf_done(&s->text);
	ovl_buf_done(&s->place[0]);
	ovl_buf_done(&s->place[1]);
}

/* The overlay as a whole first, then upper, lowers, then work and index. */
static int layer_rank(int layer)
{
	return layer == OVL_LAYER_NONE ? -1 : layer < 0 ? 1000000 - layer : layer;
}

static int compare_loc(const struct ovl_loc *a, const struct ovl_loc *b)
{
	if (a->layer != b->layer)
		return layer_rank(a->layer) < layer_rank(b->layer) ? -1 : 1;
	return ovl_path_compare(a->path, b->path);
}

static int compare_items(const void *pa, const void *pb)
{
	const struct ovl_finding_item *a = pa, *b = pb;
	int r = compare_loc(&a->loc, &b->loc);

	if (r == 0)
		r = (a->problem > b->problem) - (a->problem < b->problem);
	if (r == 0)
		r = compare_loc(&a->other, &b->other);
	return r ? r : strcmp(a->found, b->found);
}

/* Two that tell the same are one finding; the more serious one comes first and stays. */
static int compare_in_full(const void *pa, const void *pb)
{
	const struct ovl_finding_item *a = pa, *b = pb;
	int r = compare_items(a, b);

	if (r == 0)
		r = (a->severity < b->severity) - (a->severity > b->severity);
	return r ? r : strcmp(a->expected ? a->expected : "", b->expected ? b->expected : "");
}

void ovl_counts_add(struct ovl_counts *sum, const struct ovl_counts *c)
{
	sum->objects += c->objects;
	sum->dirs += c->dirs;
	sum->whiteouts += c->whiteouts;
	sum->redirects += c->redirects;
	sum->metacopy += c->metacopy;
	sum->metacopy_bytes += c->metacopy_bytes;
	sum->indexed += c->indexed;
	sum->unreadable += c->unreadable;
	sum->passed_over += c->passed_over;
}

struct ovl_report *ovl_report_new(struct ovl_sink *sinks, size_t n)
{
	struct ovl_report *report = calloc(1, sizeof(*report));
	ovl_finding_vec *items;
	size_t kept = 0;

	if (!report)
		return NULL;
	items = &report->items;
	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < sinks[i].items.len; k++) {
			if (ovl_vec_push(items, sinks[i].items.data[k]) < 0)
				return ovl_report_free(report);
			sinks[i].items.data[k] = (struct ovl_finding_item){ 0 };
		}
		sinks[i].items.len = 0;
		ovl_counts_add(&report->counts, &sinks[i].counts);
	}
	if (items->len > 1)
		qsort(items->data, items->len, sizeof(*items->data), compare_in_full);
	for (size_t i = 0; i < items->len; i++) {
		if (kept > 0 && compare_items(&items->data[kept - 1], &items->data[i]) == 0) {
			item_done(&items->data[i]);
			continue;
		}
		items->data[kept++] = items->data[i];
		report->counts.by_severity[items->data[i].severity]++;
	}
	items->len = kept;
	return report;
}

struct ovl_report *ovl_report_free(struct ovl_report *report)
{
	if (!report)
		return NULL;
	for (size_t i = 0; i < report->items.len; i++)
		item_done(&report->items.data[i]);
	ovl_vec_done(&report->items);
	free(report->layer);
	free(report);
	return NULL;
}

void ovl_report_set_layers(struct ovl_report *report, struct ovl_layer_counts *layers, size_t n)
{
	free(report->layer);
	report->layer = layers;
	report->n_layer = n;
}

size_t ovl_report_len(const struct ovl_report *report)
{
	return report->items.len;
}

struct ovl_finding ovl_report_get(const struct ovl_report *report, size_t i)
{
	const struct ovl_finding_item *item = &report->items.data[i];

	assert(i < report->items.len);
	return (struct ovl_finding){
		.problem = item->problem,
		.severity = item->severity,
		.loc = item->loc,
		.other = item->other,
		.found = item->found,
		.expected = item->expected ? item->expected : "",
	};
}

const struct ovl_counts *ovl_report_counts(const struct ovl_report *report)
{
	return &report->counts;
}

const struct ovl_counts *ovl_report_layer_counts(const struct ovl_report *report, int layer)
{
	if (layer < 0 || (size_t)layer >= report->n_layer || !report->layer[layer].walked)
		return NULL;
	return &report->layer[layer].counts;
}
