/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fsck.overlay - check the layers of an overlay mount, and repair them.
 *
 * main() reads the command line, examine() finds the layers, ovl_examine() opens them, a task works
 * on them and reports; that is the whole story. With -A, ovl_all() examines one overlay after the
 * other; with --boot, ovl_boot() first finds out how much of one is to be examined. Where everything is:
 *
 * fsck/                The program: reads argv, prints, exits. Knows include/overlayfs/ only.
 *   main.c             You are here.
 *   options.[ch]       The command line; options.def is its table, --help is made from it.
 *   extended.[ch]      The keys of -E, another table.
 *   source.[ch]        Which overlay is meant: -o, an operand, a mount point.
 *   examine.[ch]       One overlay, from its layers to the exit code.
 *   all.[ch]           -A: every overlay that asks for it.
 *   boot.[ch]          --boot: one overlay, before it is mounted.
 *   boot_end.[ch]      --boot=end: after it was unmounted.
 *   boot_choice.[ch]   How much of it is looked at, and why.
 *   boot_record.[ch]   What is kept of that: a report in /run, an entry in the journal.
 *   boot_progress.[ch] Who is shown progress then.
 *   explain.[ch]       --explain and --list-problems, and which problem a misspelt word means.
 *   inspect.[ch]       The report of --inspect: what each layer has at a path.
 *   notice.[ch]        What is told on stderr before the work begins.
 *   task.h             What can be done with the layers, a function each: task_check.c,
 *                      task_quick.c, task_repair.c, task_undo.c (--undo, --list-undo),
 *                      task_inspect.c.
 *   ask.[ch]           Questions at the terminal, and their answers.
 *   watch.[ch]         What the library tells and asks while it works.
 *   results.[ch]       Findings and what became of them.
 *   tally.[ch]         These, graded as the user wishes and counted.
 *   conclude.[ch]      Results to report and exit code.
 *   conversion*.[ch]   What is told of a conversion.
 *   reporter.[ch]      A form of report, as a table of functions.
 *   report_text.[ch]   The form for people.
 *   report_json*.[ch]  The form for programs; json.[ch] is the only one that knows json-c.
 *   command.[ch]       Command lines to print, quoted for a shell.
 *   progress.[ch]      The lines of -C fd, and the bar.
 *   signals.[ch]       Signals become flags.
 *   exitcode.[ch]      What happened, as the bits of fsck(8).
 *   message.[ch]       Lines on stderr.
 *   text.[ch] utf8.[ch]  Escaped names, numbers, paragraphs; bytes that should be UTF-8.
 *   cleanup.h          Cleanup attributes.
 *
 * boot/                The generator for systemd, a program of its own, and the unit that runs
 *                      this one; begins in generator.c.
 *
 * include/overlayfs/   The library's face, a noun a header; begin with check.h and stack.h.
 *   problems.def       Everything that can be wrong, a row each, with all words about it.
 *   xattrs.def         The xattrs of overlayfs.
 *   features.def       Its features, and the kernels that brought them.
 *
 * lib/                 The library, room by room; a room knows those above it in this list only.
 *   base/              Buffers, arrays, maps, path nodes, a thread pool; nothing of overlayfs.
 *   format/            Bytes to structs and back: xattr values, file handles, mount options.
 *   io/                The only room that talks to the kernel: read, list, look for mounts.
 *   stack/             Layers as the kernel stacks them; what it would find at a path.
 *   check/             What can be wrong, a family of problems a file (rule_*.c), the engine that
 *                      walks the layers and asks them, and the answers of --inspect.
 *   repair/            Findings to a plan, the plan through a journal to the layers, and back; a
 *                      conversion (convert.c) is the same, phase by phase.
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
#include <unistd.h>

#include "all.h"
#include "boot.h"
#include "boot_end.h"
#include "cleanup.h"
#include "examine.h"
#include "exitcode.h"
#include "explain.h"
#include "message.h"
#include "options.h"
#include "signals.h"
#include "source.h"

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

/* The overlay that the command line names. */
static int examine(struct ovl_reporting *r)
{
	_cleanup_(ovl_error_done) struct ovl_error e = OVL_ERROR_INIT;
	_cleanup_(ovl_source_done) struct ovl_source source = { 0 };
	int error = ovl_source_resolve(r->options, &source, &e); /* words -> layers */

	return error < 0 ? ovl_reporter_fail(r, error, &e) : ovl_examine(r, &source);
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
	return error < 0 ? ovl_reporter_fail(r, error, &e) : OVL_EXIT_CLEAN;
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
		int code = ovl_reporter_fail(&r, error, &e);

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
	case OVL_TASK_REPAIR:
	case OVL_TASK_UNDO:
	case OVL_TASK_LIST_UNDO:
	case OVL_TASK_INSPECT:
	default:
		return o.boot_end ? ovl_boot_end(&r) :
		       o.boot     ? ovl_boot(&r) :
		       o.all      ? ovl_all(&r) :
				    examine(&r);
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
