/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fsck.overlay - check the layers of an overlay mount.
 *
 * main() reads the command line, examine() finds and opens the layers, check() looks at them and
 * reports; that is the whole story. Where everything is:
 *
 * fsck/                The program: reads argv, prints, exits. Knows include/overlayfs/ only.
 *   main.c             You are here.
 *   options.[ch]       The command line; options.def is its table, --help is made from it.
 *   extended.[ch]      The keys of -E, another table.
 *   source.[ch]        Which overlay is meant: -o, an operand, a mount point.
 *   explain.[ch]       --explain and --list-problems, and which problem a misspelt word means.
 *   inspect.[ch]       --inspect: what each layer has at a path.
 *   tally.[ch]         Findings, graded as the user wishes and counted.
 *   reporter.h         A form of report, as a table of functions.
 *   report_text.c      The form for people.
 *   report_json.c      The form for programs; json-c is used here only.
 *   progress.[ch]      The lines of -C fd, and the bar.
 *   signals.[ch]       Signals become flags.
 *   exitcode.[ch]      What happened, as the bits of fsck(8).
 *   message.[ch]       Lines on stderr.
 *   text.[ch] utf8.[ch]  Escaped names, numbers, paragraphs; bytes that should be UTF-8.
 *   cleanup.h          Cleanup attributes.
 *
 * include/overlayfs/   The library's face, a noun a header; begin with check.h and stack.h.
 *   problems.def       Everything that can be wrong, a row each, with all words about it.
 *   xattrs.def         The xattrs of overlayfs.
 *
 * lib/                 The library, room by room; a room knows those above it in this list only.
 *   base/              Buffers, arrays, maps, path nodes, a thread pool; nothing of overlayfs.
 *   format/            Bytes to structs and back: xattr values, file handles, mount options.
 *   io/                The only room that talks to the kernel: read, list, look for mounts.
 *   stack/             Layers as the kernel stacks them; what it would find at a path.
 *   check/             What can be wrong, a family of problems a file (rule_*.c), the engine that
 *                      walks the layers and asks them, and the answers of --inspect.
 *
 * man/                 fsck.overlay(8), overlay-problems(7).
 * tests/               unit/ for functions, cases/ for problems, e2e/ for the program on real mounts,
 *                      oracle/ against the kernel, fuzz/ for format/, lint/ for the source itself,
 *                      bench/ for speed and memory.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cleanup.h"
#include "exitcode.h"
#include "explain.h"
#include "message.h"
#include "options.h"
#include "progress.h"
#include "reporter.h"
#include "signals.h"
#include "source.h"

static void close_stack(struct ovl_stack **stack)
{
	ovl_stack_close(*stack);
}

static void free_report(struct ovl_report **report)
{
	ovl_report_free(*report);
}

static void free_inspection(struct ovl_inspect_memory **memory)
{
	if (*memory)
		ovl_inspect_free(*memory);
}

/*
 * fsck(8) closes stdin of a program that it runs beside others. The next file that is opened, a
 * layer perhaps, would be taken for it: so all three numbers are in use before anything else.
 */
static int reserve_standard_fds(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR);
		if (fd < 0) /* no /dev in an early boot; any number that is taken will do */
			fd = open("/", O_PATH | O_DIRECTORY);
		if (fd < 0)
			return -errno;
	} while (fd <= STDERR_FILENO);
	close(fd);
	return 0;
}

/* Ends the work early: why, on stderr and in the document that a program waits for. */
static int fail(struct ovl_reporting *r, int error, const struct ovl_error *e)
{
	const char *text = e->text ? e->text : strerror(-error);
	int code = ovl_exitcode_of_error(error);

	ovl_message_error("%s", text);
	r->form->failure(r, text, code);
	return code;
}

static void warn_unknown_options(const struct ovl_config *c)
{
	_cleanup_free_ char *list = NULL;
	size_t len, i;
	FILE *out;

	if (!c->n_unknown)
		return;
	out = open_memstream(&list, &len);
	if (!out)
		return;
	for (i = 0; i < c->n_unknown; i++)
		fprintf(out, "%s%s", i ? ", " : "", c->unknown[i]);
	if (fclose(out) == 0 && list)
		ovl_message_warning("ignored unknown mount option%s: %s",
				    c->n_unknown == 1 ? "" : "s", list);
}

/* -d: which layers and options are in force. */
static int print_debug(const struct ovl_options *o, const struct ovl_stack *stack)
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

/* "a\nb" to "a; b"; NULL when out of memory */
static char *join_lines(const char *lines)
{
	size_t len;
	char *line = NULL;
	FILE *out = open_memstream(&line, &len);

	if (!out)
		return NULL;
	for (; *lines; lines++) {
		if (*lines == '\n')
			fputs("; ", out);
		else
			fputc(*lines, out);
	}
	if (fclose(out) == 0)
		return line;
	free(line);
	return NULL;
}

/* A check of layers in use is allowed, since it changes nothing; but what it sees may change. */
static void warn_users(const struct ovl_stack *stack, char **ret_users)
{
	_cleanup_free_ char *line = NULL;
	char *users = NULL;
	int r = ovl_stack_users(stack, &users);

	if (r < 0)
		ovl_message_warning("cannot tell whether the layers are in use: %s", strerror(-r));
	if (r <= 0)
		return;
	*ret_users = users;
	line = users ? join_lines(users) : NULL;
	ovl_message_warning("%s; what changes during the check may look like a problem",
			    line ? line : "the layers are in use");
}

/* What the library tells and asks while it checks. */
struct watch {
	struct ovl_progress progress;
	double pass_seconds[OVL_PASS__MAX];
};

static bool is_cancelled(void *ctx)
{
	(void)ctx;
	return ovl_signals_cancelled();
}

static void on_progress(void *ctx, enum ovl_pass pass, uint64_t current, uint64_t max)
{
	struct watch *w = ctx;

	ovl_progress_update(&w->progress, pass, current, max);
}

static void on_pass_done(void *ctx, enum ovl_pass pass, double seconds)
{
	struct watch *w = ctx;

	w->pass_seconds[pass] = seconds;
	ovl_progress_pass_done(&w->progress, pass);
}

static void watch_done(struct watch *w)
{
	ovl_progress_done(&w->progress);
}

static int report(struct ovl_reporting *r, const struct ovl_summary *s)
{
	size_t n = ovl_report_len(s->report), i;
	int e = r->form->begin(r);

	for (i = 0; i < n && e == 0; i++) {
		struct ovl_finding f = ovl_report_get(s->report, i);
		enum ovl_severity severity;

		if (!ovl_tally_grade(r->options, &f, &severity))
			continue;
		if (severity == OVL_SEV_INFO && !r->options->verbosity)
			continue;
		e = r->form->finding(r, &f, severity);
	}
	return e < 0 ? e : r->form->end(r, s);
}

static double seconds_since(const struct timespec *start)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)(now.tv_sec - start->tv_sec) + (double)(now.tv_nsec - start->tv_nsec) / 1e9;
}

/* Looks at everything, then says what was found. */
static int check(struct ovl_reporting *r, struct ovl_stack *stack)
{
	const struct ovl_options *o = r->options;
	_cleanup_(ovl_error_done) struct ovl_error e = OVL_ERROR_INIT;
	_cleanup_(free_report) struct ovl_report *found = NULL;
	_cleanup_(watch_done) struct watch watch = { 0 };
	struct ovl_summary summary = { 0 };
	struct ovl_outcome outcome;
	struct timespec start;
	int error;
	const struct ovl_check_options wishes = {
		.threads = o->threads,
		.skip_clean_lowers = o->skip_clean_lowers,
		.cancelled = is_cancelled,
		.progress = on_progress,
		.pass_done = on_pass_done,
		.ctx = &watch,
	};

	clock_gettime(CLOCK_MONOTONIC, &start);
	error = ovl_progress_init(&watch.progress, o, r->label, &e);
	if (error < 0)
		return fail(r, error, &e);
	error = ovl_check(stack, &wishes, &found, &e);
	if (error == 0)
		ovl_progress_finish(&watch.progress);
	ovl_progress_done(&watch.progress);
	if (error < 0 && (error != -ECANCELED || !found))
		return fail(r, error, &e);

	summary.report = found;
	summary.counts = ovl_report_counts(found);
	summary.tally = ovl_tally_report(o, found);
	summary.seconds = seconds_since(&start);
	memcpy(summary.pass_seconds, watch.pass_seconds, sizeof(watch.pass_seconds));
	summary.cancelled = error == -ECANCELED;
	outcome = (struct ovl_outcome){
		.problems = summary.tally.problems,
		.unreadable = summary.counts->unreadable,
		.cancelled = summary.cancelled,
	};
	summary.exit_code = ovl_exitcode(&outcome);
	if (report(r, &summary) < 0) {
		ovl_message_error("cannot write the report: out of memory");
		outcome.failed = true;
	}
	return ovl_exitcode(&outcome);
}

static int inspect(struct ovl_reporting *r, struct ovl_stack *stack)
{
	_cleanup_(free_inspection) struct ovl_inspect_memory *memory = NULL;
	_cleanup_(ovl_error_done) struct ovl_error e = OVL_ERROR_INIT;
	struct ovl_inspection inspection;
	int error;

	error = ovl_inspect(stack, r->options->inspect, &inspection, &memory, &e);
	if (error == 0)
		error = r->form->inspection(r, r->options->inspect, &inspection);
	return error < 0 ? fail(r, error, &e) : OVL_EXIT_CLEAN;
}

/* The part of the story that needs layers. */
static int examine(struct ovl_reporting *r)
{
	const struct ovl_options *o = r->options;
	_cleanup_(ovl_error_done) struct ovl_error e = OVL_ERROR_INIT;
	_cleanup_(ovl_source_done) struct ovl_source source = { 0 };
	_cleanup_(close_stack) struct ovl_stack *stack = NULL;
	_cleanup_free_ char *users = NULL;
	int error;

	error = ovl_source_resolve(o, &source, &e); /* words -> layers */
	if (error < 0)
		return fail(r, error, &e);
	r->label = source.label;
	warn_unknown_options(&source.config);

	error = ovl_stack_open(&source.config, NULL, &stack, &e); /* layers -> stack */
	if (error < 0)
		return fail(r, error, &e);
	r->stack = stack;
	if (o->debug && print_debug(o, stack) < 0)
		return fail(r, -ENOMEM, &e);
	warn_users(stack, &users);
	r->users = users;

	return o->task == OVL_TASK_INSPECT ? inspect(r, stack) : check(r, stack);
}

static int explain(struct ovl_reporting *r)
{
	_cleanup_(ovl_error_done) struct ovl_error e = OVL_ERROR_INIT;
	enum ovl_problem_id id = 0;
	int error;

	if (r->options->task == OVL_TASK_LIST) {
		error = r->form->list(r);
	} else {
		error = ovl_explain_find(r->options->explain, &id, &e);
		if (error == 0)
			error = r->form->explain(r, id);
	}
	return error < 0 ? fail(r, error, &e) : OVL_EXIT_CLEAN;
}

static bool wants_color(const struct ovl_options *o)
{
	const char *term = getenv("TERM"), *no_color = getenv("NO_COLOR");

	switch (o->color) {
	case OVL_COLOR_ALWAYS:
		return true;
	case OVL_COLOR_NEVER:
		return false;
	case OVL_COLOR_AUTO:
	default:
		return isatty(STDOUT_FILENO) && term && strcmp(term, "dumb") != 0 &&
		       !(no_color && *no_color);
	}
}

static int run(int argc, char **argv)
{
	_cleanup_(ovl_options_done) struct ovl_options o = { 0 };
	_cleanup_(ovl_error_done) struct ovl_error e = OVL_ERROR_INIT;
	struct ovl_reporting r = { .out = stdout, .options = &o };
	int error;

	error = ovl_options_parse(&o, argc, argv, &e); /* argv -> wishes */
	r.form = o.json ? &ovl_report_json : &ovl_report_text;
	r.color = wants_color(&o);
	if (error < 0) {
		int code = fail(&r, error, &e);

		ovl_message_error("see fsck.overlay --help");
		return code;
	}

	switch (o.task) {
	case OVL_TASK_HELP:
		ovl_options_usage(stdout);
		return OVL_EXIT_CLEAN;
	case OVL_TASK_VERSION:
		puts("fsck.overlay " PACKAGE_VERSION);
		return OVL_EXIT_CLEAN;
	case OVL_TASK_LIST:
	case OVL_TASK_EXPLAIN:
		return explain(&r);
	case OVL_TASK_CHECK:
	case OVL_TASK_INSPECT:
	default:
		return examine(&r);
	}
}

/* A report that did not arrive is no report. */
static int close_report(int code)
{
	bool failed = ferror(stdout);

	errno = 0;
	if (fclose(stdout) != 0 || failed) {
		/* An earlier failure has left no errno. */
		ovl_message_error("cannot write the report%s%s", errno ? ": " : "",
				  errno ? strerror(errno) : "");
		return code | OVL_EXIT_ERROR;
	}
	return code;
}

int main(int argc, char **argv)
{
	if (reserve_standard_fds() < 0)
		return OVL_EXIT_ERROR;
	ovl_signals_install();
	return close_report(run(argc, argv));
}
