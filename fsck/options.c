/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command line. options.def is the only list of options: the words for getopt_long(), the
 * setters and the text of --help are all made from it.
 */
#include "options.h"

#include <assert.h>
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "extended.h"

enum {
	OPERAND = 1,     /* what getopt calls a word that is no option */
	LONG_BASE = 256, /* and this plus the number of the row, an option by its long name */
	WORD_SIZE = 32,  /* room for the longest of them */
};

/*
 * Setters. @word is the option as the table spells it ("-j", "--color"), for messages; @arg its
 * argument, NULL if it has none.
 */
typedef int setter(struct ovl_options *o, const char *word, const char *arg, struct ovl_error *e);

#define SETTER(name)                                                   \
	static int name(struct ovl_options *o __attribute__((unused)), \
			const char *word __attribute__((unused)),      \
			const char *arg __attribute__((unused)),       \
			struct ovl_error *e __attribute__((unused)))

/* clang-format off */
SETTER(set_check) { o->modes |= OVL_MODE_CHECK; return 0; }
SETTER(set_preen) { o->modes |= OVL_MODE_PREEN; return 0; }
SETTER(set_yes) { o->modes |= OVL_MODE_YES; return 0; }
SETTER(set_all) { o->all = true; return 0; }
SETTER(set_mount_options) { o->word[o->n_word++] = arg; return 0; }
SETTER(set_verbose) { o->verbosity++; return 0; }
SETTER(set_timing) { o->timing++; return 0; }
SETTER(set_debug) { o->debug = true; return 0; }
SETTER(set_threads) { return ovl_extended_threads(o, "-j ", arg, e); }
SETTER(set_extended) { return ovl_extended_parse(o, arg, e); }
SETTER(set_nothing) { return 0; }
SETTER(set_json) { o->json = true; return 0; }
SETTER(set_inspect) { o->inspect = arg; return 0; }
SETTER(set_explain) { o->explain = arg; return 0; }
SETTER(set_undo) { o->undo = true; o->undo_id = arg; return 0; }
SETTER(set_list_undo) { o->list_undo = true; return 0; }
SETTER(set_list) { o->explain = "list"; return 0; }
SETTER(set_help) { o->task = OVL_TASK_HELP; return 0; }
/* clang-format on */

SETTER(set_boot)
{
	if (arg && strcmp(arg, "end") != 0)
		return ovl_fail_plain(e, -EINVAL, "%s=%s: must be end, or nothing", word, arg);
	o->boot = true;
	o->boot_end = arg != NULL;
	return 0;
}

/* Asking for help or the version beats all else; asking for help beats asking for the version. */
SETTER(set_version)
{
	if (o->task != OVL_TASK_HELP)
		o->task = OVL_TASK_VERSION;
	return 0;
}

SETTER(set_color)
{
	if (strcmp(arg, "auto") == 0)
		o->color = OVL_COLOR_AUTO;
	else if (strcmp(arg, "always") == 0)
		o->color = OVL_COLOR_ALWAYS;
	else if (strcmp(arg, "never") == 0)
		o->color = OVL_COLOR_NEVER;
	else
		return ovl_fail_plain(e, -EINVAL, "%s=%s: must be auto, always or never", word,
				      arg);
	return 0;
}

SETTER(set_progress)
{
	char *end;
	long fd;

	errno = 0;
	fd = strtol(arg, &end, 10);
	if (end == arg || *end || errno || fd < -0x7fffffff || fd > 0x7fffffff)
		return ovl_fail_plain(e, -EINVAL, "%s %s: must be a file descriptor", word, arg);
	o->progress = true;
	o->progress_fd = (int)fd;
	return 0;
}

SETTER(set_journal_dir)
{
	if (!*arg)
		return ovl_fail_plain(e, -EINVAL, "%s needs a directory", word);
	o->journal_dir = arg;
	return 0;
}

SETTER(set_kernel)
{
	o->to = arg;
	return ovl_kernel_parse(arg, &o->kernel, e);
}

SETTER(set_features)
{
	ovl_features dropped;
	int r = ovl_features_parse(arg, &dropped, e);

	if (r == 0)
		o->dropped |= dropped;
	return r;
}

static const struct row {
	char letter;
	const char *name;
	const char *argument; /* "[..." if it may be left out */
	setter *set;
	const char *help;
} rows[] = {
#define OPTION(SHORT, LONG, ARGUMENT, SETTER_, HELP) { SHORT, LONG, ARGUMENT, SETTER_, HELP },
#include "options.def"
#undef OPTION
};

/* What getopt_long() wants, made from the rows. */
struct words {
	char letters[2 * ARRAY_LEN(rows) + 3];
	struct option names[ARRAY_LEN(rows) + 1];
};

static void make_words(struct words *w)
{
	struct option *name = w->names;
	char *letter = w->letters;
	size_t i;

	/* '-': operands come in their place among the options; ':': say what is missing */
	*letter++ = '-';
	*letter++ = ':';
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		const struct row *row = &rows[i];

		if (row->letter) {
			*letter++ = row->letter;
			if (row->argument)
				*letter++ = ':';
		}
		if (row->name) {
			name->name = row->name;
			name->has_arg = !row->argument        ? no_argument :
					*row->argument == '[' ? optional_argument :
								required_argument;
			name->flag = NULL;
			name->val = LONG_BASE + (int)i;
			name++;
		}
	}
	*letter = '\0';
	*name = (struct option){ 0 };
}

static const struct row *find_row(int value)
{
	size_t i;

	if (value >= LONG_BASE)
		return &rows[value - LONG_BASE];
	for (i = 0; i < ARRAY_LEN(rows); i++)
		if (value && rows[i].letter == value)
			return &rows[i];
	return NULL;
}

/* "-j" or "--color", as the user wrote it. */
static void spell(char *buf, size_t size, int value)
{
	if (value >= LONG_BASE)
		snprintf(buf, size, "--%s", rows[value - LONG_BASE].name);
	else
		snprintf(buf, size, "-%c", value);
}

/* "--list" may be "--list-problems" or "--list-undo". */
static bool is_ambiguous(const char *word)
{
	size_t len = strcspn(word, "="), n = 0, i;

	for (i = 0; i < ARRAY_LEN(rows); i++)
		n += rows[i].name && len > 2 && strncmp(rows[i].name, word + 2, len - 2) == 0;
	return n > 1;
}

/* Why getopt_long() answered '?' or ':'. @at is the word of argv that it was looking at. */
static int complain(int answer, const char *at, struct ovl_error *e)
{
	char word[WORD_SIZE];

	if (!optopt)
		return ovl_fail_plain(e, -EINVAL, "%s option %s",
				      is_ambiguous(at) ? "ambiguous" : "unknown", at);
	spell(word, sizeof(word), optopt);
	if (answer == ':')
		return ovl_fail_plain(e, -EINVAL, "%s needs a value", word);
	if (find_row(optopt)) /* only a long option that takes no value can get here */
		return ovl_fail_plain(e, -EINVAL, "%s takes no value", word);
	return ovl_fail_plain(e, -EINVAL, "unknown option %s", word);
}

static int set(struct ovl_options *o, int value, struct ovl_error *e)
{
	const struct row *row = find_row(value);
	char word[WORD_SIZE];

	assert(row); /* getopt_long() answers with what make_words() told it */
	spell(word, sizeof(word), value);
	return row->set(o, word, optarg, e);
}

/* The option that has a task of its own; NULL: none has, it is a check or a repair. */
static const char *own_task(const struct ovl_options *o)
{
	return o->inspect ? "--inspect" : o->undo ? "--undo" : o->list_undo ? "--list-undo" : NULL;
}

/* What --boot finds out itself. */
static int check_boot(const struct ovl_options *o, struct ovl_error *e)
{
	const char *own = own_task(o);
	const char *other = o->modes & OVL_MODE_CHECK ? "-n" :
			    o->modes & OVL_MODE_PREEN ? "-p" :
			    o->modes & OVL_MODE_YES   ? "-y" :
			    o->all                    ? "-A" :
			    o->to                     ? "--to" :
			    o->dropped                ? "-O" :
			    o->journal_dir            ? "-z" :
			    o->n_word                 ? "-o" :
							own;

	if (other)
		return ovl_fail_plain(e, -EINVAL, "%s does not go together with --boot", other);
	if (o->n_operand != 1 || *o->operand[0] != '/')
		return ovl_fail_plain(e, -EINVAL, "--boot needs one mount point, from / on");
	return 0;
}

/* Do the options go together? */
static int check_together(const struct ovl_options *o, struct ovl_error *e)
{
	const char *own = own_task(o);

	if (o->modes & (o->modes - 1))
		return ovl_fail_plain(e, -EINVAL, "only one of -n, -p (-a) and -y may be given");
	if ((o->inspect != NULL) + o->undo + o->list_undo > 1)
		return ovl_fail_plain(e, -EINVAL,
				      "only one of --inspect, --undo and --list-undo may be given");
	if (o->boot)
		return check_boot(o, e);
	if (o->has_interval)
		return ovl_fail_plain(e, -EINVAL, "-E check-interval is for --boot");
	if (own && (o->modes & (OVL_MODE_PREEN | OVL_MODE_YES)))
		return ovl_fail_plain(e, -EINVAL, "%s does not go together with -p (-a) and -y",
				      own);
	if (own && (o->to || o->dropped))
		return ovl_fail_plain(e, -EINVAL, "%s does not go together with %s",
				      o->to ? "--to" : "-O", own);
	if (own && o->all)
		return ovl_fail_plain(e, -EINVAL, "%s is for one overlay: -A does not go with it",
				      own);
	if (o->all && (o->n_word || o->n_operand))
		return ovl_fail_plain(e, -EINVAL, "-A finds the overlays itself: '%s' is too much",
				      o->n_word ? "-o" : o->operand[0]);
	if ((o->all_layers || o->accept_loss) && !o->to && !o->dropped)
		return ovl_fail_plain(e, -EINVAL, "-E %s is for conversions: give --to or -O too",
				      o->all_layers ? "layers" : "accept-loss");
	return 0;
}

/* Which task do the options ask for? */
static int settle(struct ovl_options *o, struct ovl_error *e)
{
	int r;

	if (o->task == OVL_TASK_HELP || o->task == OVL_TASK_VERSION)
		return 0;
	if (o->explain) {
		o->task = strcmp(o->explain, "list") == 0 ? OVL_TASK_LIST : OVL_TASK_EXPLAIN;
		return 0;
	}
	r = check_together(o, e);
	if (r < 0)
		return r;
	if (o->boot)
		return 0;
	if (o->inspect)
		o->task = OVL_TASK_INSPECT;
	else if (o->undo)
		o->task = OVL_TASK_UNDO;
	else if (o->list_undo)
		o->task = OVL_TASK_LIST_UNDO;
	else if (!o->modes && !o->n_operand && !o->n_word && !o->all)
		return ovl_fail_plain(
			e, -EINVAL, "which overlay? Give -n and -o lowerdir=..., or a mount point");
	else if (!(o->modes & OVL_MODE_CHECK))
		o->task = OVL_TASK_REPAIR;
	if (o->task == OVL_TASK_REPAIR && !o->modes && o->json)
		return ovl_fail_plain(e, -EINVAL, "--json cannot ask: give one of -n, -p and -y");
	return 0;
}

int ovl_options_parse(struct ovl_options *o, int argc, char **argv, struct ovl_error *e)
{
	struct words words;
	int value, at, r;

	o->argc = argc;
	o->argv = argv;
	o->word = calloc((size_t)argc + 1, sizeof(*o->word));
	o->operand = calloc((size_t)argc + 1, sizeof(*o->operand));
	if (!o->word || !o->operand)
		return ovl_fail(e, -ENOMEM, "cannot read the command line");

	make_words(&words);
	opterr = 0;
	optind = 0; /* also forgets what an earlier call has seen */
	for (;;) {
		at = optind ? optind : 1;
		value = getopt_long(argc, argv, words.letters, words.names, NULL);
		if (value == -1)
			break;
		if (value == OPERAND) {
			o->operand[o->n_operand++] = optarg;
			continue;
		}
		r = value == '?' || value == ':' ? complain(value, argv[at], e) : set(o, value, e);
		if (r < 0)
			return r;
	}
	while (optind < argc) /* behind "--" */
		o->operand[o->n_operand++] = argv[optind++];
	return settle(o, e);
}

void ovl_options_done(struct ovl_options *o)
{
	if (!o)
		return;
	free(o->word);
	free(o->operand);
	free(o->fstab);
	*o = (struct ovl_options){ 0 };
}

/* "  -V, --version", "  -j N", "      --undo[=ID]" */
static int print_spelling(FILE *out, const struct row *row)
{
	int n = row->letter ? fprintf(out, "  -%c", row->letter) : fprintf(out, "    ");
	const char *equals = row->name ? "=" : " ";

	if (row->name)
		n += fprintf(out, "%s --%s", row->letter ? "," : " ", row->name);
	if (row->argument && *row->argument == '[')
		n += fprintf(out, "%s", row->argument);
	else if (row->argument)
		n += fprintf(out, "%s%s", equals, row->argument);
	return n;
}

static void print_rows(FILE *out)
{
	enum { HELP_COLUMN = 25 };
	const struct row *row;

	for (row = rows; row < rows + ARRAY_LEN(rows); row++) {
		int n = print_spelling(out, row);

		fprintf(out, "%*s%s\n", n < HELP_COLUMN ? HELP_COLUMN - n : 1, "", row->help);
	}
}

void ovl_options_usage(FILE *out)
{
	fputs("Usage: fsck.overlay [-n|-p|-y] [OPTION]... WHAT\n"
	      "       fsck.overlay --to=KERNEL [-n|-p|-y] [OPTION]... WHAT\n"
	      "       fsck.overlay -O ^FEATURE,... [-n|-p|-y] [OPTION]... WHAT\n"
	      "       fsck.overlay -A [-n|-p|-y] [OPTION]...\n"
	      "       fsck.overlay --boot [OPTION]... MOUNTPOINT\n"
	      "       fsck.overlay --undo[=ID] [-n] [OPTION]... WHAT\n"
	      "       fsck.overlay --list-undo [OPTION]... WHAT\n"
	      "       fsck.overlay --inspect=PATH [OPTION]... WHAT\n"
	      "       fsck.overlay --explain=PROBLEM | --list-problems\n"
	      "\n"
	      "Checks the layers of an overlay mount and repairs them. Without -n, -p and -y\n"
	      "each repair is asked for at the terminal. WHAT is one of\n"
	      "  -o lowerdir=L1:L2,upperdir=U,workdir=W  the options of the mount\n"
	      "  lowerdir=L1:L2,upperdir=U,workdir=W     the same as one operand\n"
	      "  MOUNTPOINT                              a live mount, or one of fstab or of a\n"
	      "                                          mount unit\n"
	      "\n"
	      "Options:\n",
	      out);
	print_rows(out);
	ovl_extended_usage(out);
	fputs("\nExit code: 0 clean, 1 all corrected, 4 problems left, 8 could not work,\n"
	      "16 usage, 32 cancelled.\n",
	      out);
}
