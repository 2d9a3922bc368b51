/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Progress. fsck(8), systemd and boot splashes read lines "pass current max device" and know the
 * five passes of e2fsck with their weights; ours are made to fit.
 */
#include "progress.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "cleanup.h"
#include "signals.h"
#include "text.h"

#define LINE_INTERVAL 0.05 /* seconds; systemd takes no more than one in that time */
#define BAR_INTERVAL 0.125
#define BAR_DELAY 0.5 /* for the bar that nobody asked for */

enum { MIN_WIDTH = 40, DEFAULT_WIDTH = 80, MAX_WIDTH = 200, MAX_LABEL = 24 };

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

double ovl_progress_percent(enum ovl_pass pass, uint64_t current, uint64_t max)
{
	/* What e2fsck and systemd hold to be done when a pass is over. */
	static const double done[OVL_PASS__MAX] = { 0, 70, 90, 92, 95, 100 };
	double part = max ? (double)current / (double)max : 1;

	if (part > 1)
		part = 1;
	return done[pass - 1] + part * (done[pass] - done[pass - 1]);
}

static unsigned terminal_width(int fd)
{
	struct winsize size;

	if (ioctl(fd, TIOCGWINSZ, &size) < 0 || size.ws_col == 0)
		return DEFAULT_WIDTH;
	return size.ws_col > MAX_WIDTH ? MAX_WIDTH : size.ws_col;
}

/* The bar's end of a label: its last characters, whole ones. */
static char *shorten(const char *escaped)
{
	size_t len = strlen(escaped);
	char *label;

	if (len <= MAX_LABEL)
		return strdup(escaped);
	escaped += len - MAX_LABEL;
	while ((*escaped & 0xc0) == 0x80)
		escaped++;
	return asprintf(&label, "...%s", escaped) < 0 ? NULL : label;
}

static int make_names(struct ovl_progress *p, const char *label)
{
	char *c;

	p->device = ovl_text_escape(label);
	if (!p->device)
		return -ENOMEM;
	p->label = shorten(p->device);
	if (!p->label)
		return -ENOMEM;
	for (c = p->device; *c; c++)
		if (isspace((unsigned char)*c) || *c == ':')
			*c = '_';
	return 0;
}

int ovl_progress_init(struct ovl_progress *p, const struct ovl_options *o, const char *label,
		      struct ovl_error *e)
{
	const char *term = getenv("TERM");

	*p = (struct ovl_progress){ .start = now() };
	if (make_names(p, label) < 0)
		return ovl_fail(e, -ENOMEM, "cannot show progress");

	p->console = o->progress_console;
	p->lines = o->progress && o->progress_fd != 0 && !p->console;
	p->fd = p->lines || p->console ? abs(o->progress_fd) :
		o->json                ? STDERR_FILENO :
					 STDOUT_FILENO;
	/* A wrong number must not hit a file of ours that is opened later under it. */
	if (p->lines && fcntl(p->fd, F_GETFD) < 0)
		return ovl_fail(e, -errno, "cannot write progress to descriptor %d", p->fd);
	p->tty = isatty(p->fd);
	p->width = terminal_width(p->fd);
	if (o->progress)
		p->on = o->progress_fd >= 0;
	else
		p->on = p->automatic = !o->json && p->tty && term && strcmp(term, "dumb") != 0;
	return 0;
}

/* Whoever listened is gone, or the terminal is: progress is not worth an error. */
static void put(struct ovl_progress *p, const char *text, size_t len)
{
	ssize_t n = write(p->fd, text, len);

	if (n < 0 && errno != EAGAIN && errno != EINTR)
		p->on = false;
}

static void put_line(struct ovl_progress *p, int pass, uint64_t current, uint64_t max)
{
	_cleanup_free_ char *line = NULL;
	int len = asprintf(&line, "%d %" PRIu64 " %" PRIu64 " %s\n", pass, current, max, p->device);

	if (len < 0) {
		line = NULL;
		return;
	}
	put(p, line, (size_t)len);
}

/* " 2:05 left", or nothing while it would be a guess. */
static void format_eta(char *buf, size_t size, double elapsed, double percent)
{
	double left;
	unsigned s;

	*buf = '\0';
	if (elapsed < 1 || percent < 1 || percent >= 100)
		return;
	left = elapsed * (100 - percent) / percent;
	if (left > 99 * 3600)
		return;
	s = (unsigned)left + 1;
	if (s >= 3600)
		snprintf(buf, size, " %u:%02u:%02u left", s / 3600, s / 60 % 60, s % 60);
	else
		snprintf(buf, size, " %u:%02u left", s / 60, s % 60);
}

/* "label: |=======      | 12.3% 2:05 left 1.2 GiB of 9.9 GiB" and back to the start of the line */
static void draw(struct ovl_progress *p, double percent, double elapsed, const char *amount)
{
	/* "| 100.0% 99:59:59 left" and a bit */
	const unsigned TAIL = 26 + (unsigned)strlen(amount);
	char text[2 * MAX_WIDTH + 64], eta[32];
	unsigned width = p->width < MIN_WIDTH ? MIN_WIDTH : p->width;
	unsigned label = (unsigned)strlen(p->label) + 3;
	unsigned bar = width > label + TAIL ? width - label - TAIL : 0;
	unsigned filled = (unsigned)(percent / 100 * bar);
	char cells[MAX_WIDTH + 1];
	int len;

	memset(cells, ' ', bar);
	memset(cells, '=', filled);
	cells[bar] = '\0';
	format_eta(eta, sizeof(eta), elapsed, percent);
	/* e2fsck marks what is no part of its report, when that goes elsewhere than to a terminal. */
	len = snprintf(text, sizeof(text), "%s%s: |%s| %5.1f%%%-15s%s\r%s", p->tty ? "" : "\001",
		       p->label, cells, percent, eta, amount, p->tty ? "" : "\002");
	if (len < 0)
		return;
	put(p, text, (size_t)len < sizeof(text) ? (size_t)len : sizeof(text) - 1);
	p->visible = p->tty;
}

/* One line, which the next one overwrites; no more, since others write to the console as well. */
static void draw_console(struct ovl_progress *p, double percent)
{
	char text[MAX_WIDTH];
	int len = snprintf(text, sizeof(text), "\r%.*s: fsck %3.1f%% complete...\r", MAX_WIDTH - 40,
			   p->label, percent);

	if (len < 0)
		return;
	put(p, text, (size_t)len);
	p->width = (unsigned)len - 1; /* to be erased */
	p->visible = true;
}

static void erase(struct ovl_progress *p)
{
	char blank[MAX_WIDTH + 3];
	unsigned n = p->width - 1;

	if (!p->visible)
		return;
	blank[0] = '\r';
	memset(blank + 1, ' ', n);
	blank[n + 1] = '\r';
	put(p, blank, n + 2);
	p->visible = false;
}

static void obey_signals(struct ovl_progress *p)
{
	switch (ovl_signals_wish()) {
	case OVL_WISH_PROGRESS:
		p->on = true;
		p->automatic = false;
		break;
	case OVL_WISH_NO_PROGRESS:
		erase(p);
		p->on = false;
		break;
	case OVL_WISH_NONE:
	default:
		break;
	}
}

/* The last pass is that of a conversion, which counts bytes and may take longer than all others. */
static void draw_bytes(struct ovl_progress *p, double t)
{
	char done[OVL_TEXT_NUMBER], all[OVL_TEXT_NUMBER], amount[2 * OVL_TEXT_NUMBER + 8];

	snprintf(amount, sizeof(amount), " %s of %s", ovl_text_size(done, p->current),
		 ovl_text_size(all, p->max));
	draw(p, 100.0 * (double)p->current / (double)p->max, t - p->last_pass, amount);
}

/* Never less than was shown: how much there is to do is found out on the way. */
static double percent_done(struct ovl_progress *p)
{
	double percent = ovl_progress_percent((enum ovl_pass)p->pass, p->current, p->max);

	if (percent > p->percent)
		p->percent = percent;
	return p->percent;
}

/* Writes where the work stands; @must: also if the last time is not long ago. */
static void show(struct ovl_progress *p, bool must)
{
	double t = now();

	obey_signals(p);
	if (!p->on)
		return;
	if (p->lines) {
		if (!must && t - p->drawn < LINE_INTERVAL)
			return;
		put_line(p, p->pass, p->current, p->max);
	} else {
		if (t - p->drawn < BAR_INTERVAL || (p->automatic && t - p->start < BAR_DELAY))
			return;
		if (p->console)
			draw_console(p, percent_done(p));
		else if (p->pass == OVL_PASS_VERIFY && p->max > 1)
			draw_bytes(p, t);
		else
			draw(p, percent_done(p), t - p->start, "");
	}
	p->drawn = t;
}

/* Closes the passes before @pass: each has a last line, also if it had nothing to do. */
static void close_passes(struct ovl_progress *p, int pass)
{
	while (p->pass < pass) {
		if (p->pass && p->current < p->max) {
			p->current = p->max;
			show(p, true);
		}
		p->pass++;
		p->current = 0;
		p->max = 1;
		if (p->pass < pass) {
			p->current = 1;
			show(p, true);
		}
	}
}

void ovl_progress_update(struct ovl_progress *p, enum ovl_pass pass, uint64_t current, uint64_t max)
{
	bool first = (int)pass > p->pass;

	if ((int)pass < p->pass || pass >= OVL_PASS__MAX)
		return;
	close_passes(p, (int)pass);
	if (first)
		p->last_pass = now();
	p->max = max ? max : 1;
	p->current = current < p->max ? current : p->max;
	show(p, first || p->current == p->max);
}

void ovl_progress_pass_done(struct ovl_progress *p, enum ovl_pass pass)
{
	if ((int)pass != p->pass)
		ovl_progress_update(p, pass, 1, 1);
	else if (p->current < p->max)
		ovl_progress_update(p, pass, p->max, p->max);
}

void ovl_progress_finish(struct ovl_progress *p)
{
	int pass;

	for (pass = p->pass ? p->pass : 1; pass < OVL_PASS__MAX; pass++)
		ovl_progress_pass_done(p, (enum ovl_pass)pass);
}

void ovl_progress_hide(struct ovl_progress *p)
{
	erase(p);
}

void ovl_progress_done(struct ovl_progress *p)
{
	erase(p);
	free(p->device);
	free(p->label);
	*p = (struct ovl_progress){ 0 };
}
