/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ovl-journal - begin and end journals of repair, without any repair
 *
 *	ovl-journal begin OPTIONS [FOLDER]    begin one, and stop as if killed; prints its id
 *	ovl-journal end OPTIONS [FOLDER]      go on with those that are not finished, and finish them
 *	ovl-journal forge OPTIONS WORD...     make one that nobody of ours has written; prints its id
 *
 * The words of a forged journal: "open", "finished" or "undoing" (finished by default), "nameless" (without the
 * layers that it belongs to), "marked" (there is a marker), and one operation: type=move|link|unlink|data|xattr
 * at=TREE:PATH to=TREE:PATH ino=N mode=OCTAL xattr=NAME old=TEXT new=TEXT make=N size=OLD,NEW source=N
 * saved=N names=N mtime=SECONDS,NANOSECONDS. Trees are numbers as in the journal.
 *
 * OPTIONS as for mount -o; FOLDER is that of -z. Exit status: 0; 1 and why on stderr; 99 trouble.
 */
#include <stdlib.h>
#include <string.h>
#include <uuid/uuid.h>

#include "overlayfs/option.h"
#include "repair/store_folder.h"
#include "tool.h"

static int begin(struct ovl_store *s, struct ovl_error *e)
{
	const struct ovl_op op = { .type = OVL_OP_DATA, .at = { 0, (char *)"/f" } };
	int r = ovl_store_lock(s, e);

	if (r == 0)
		r = ovl_store_create(s, "ovl-journal", e);
	if (r < 0)
		return r;
	/* Something that was not committed, or there would be nothing to keep. */
	if (ovl_journal_group(&s->journal) < 0 ||
	    ovl_journal_step(&s->journal, "slug", "place", "action") < 0 ||
	    ovl_journal_op(&s->journal, &op) < 0 || ovl_journal_sync(&s->journal) < 0)
		ovl_tool_die("cannot write the journal");
	puts(s->id);
	return 0;
}

static int end_one(struct ovl_store *s, const char *id, struct ovl_error *e)
{
	struct ovl_log log = { 0 };
	int r = ovl_store_open(s, id, &log, e);

	ovl_log_done(&log);
	if (r < 0)
		return r;
	if (ovl_journal_abort(&s->journal, 0) < 0 ||
	    ovl_journal_mark(&s->journal, OVL_RECORD_COMMIT) < 0)
		ovl_tool_die("cannot write the journal");
	return ovl_store_finish(s, OVL_RECORD_FINISHED, e);
}

static int end(struct ovl_store *s, struct ovl_error *e)
{
	ovl_kept_vec kept = { 0 };
	int r = ovl_store_lock(s, e);

	if (r == 0)
		r = ovl_store_list(s, &kept);
	for (size_t i = 0; r == 0 && i < kept.len; i++)
		if (kept.data[i].err == 0 && kept.data[i].state == OVL_JOURNAL_OPEN)
			r = end_one(s, kept.data[i].id, e);
	ovl_vec_done(&kept);
	return r;
}

/** A journal that is to be forged. */
struct forgery {
	struct ovl_op op;
	const char *state;
	bool nameless, marked;
};

static void read_place(const char *text, struct ovl_place *ret)
{
	char *end;

	ret->tree = (int)strtol(text, &end, 10);
	if (*end != ':')
		ovl_tool_die("'%s' is no place", text);
	ret->path = end + 1;
}

static void read_pair(const char *text, char between, uint64_t *a, uint64_t *b)
{
	char *end;

	*a = strtoull(text, &end, 0);
	if (*end != between)
		ovl_tool_die("'%s' are no two numbers", text);
	*b = strtoull(end + 1, NULL, 0);
}

static void read_value(const char *text, bool *ret_has, struct ovl_buf *ret)
{
	*ret_has = true;
	if (ovl_buf_adds(ret, text) < 0)
		ovl_tool_die("out of memory");
}

static bool read_number(const char *word, const char *value, struct ovl_op *op)
{
	static const char *const types[] = { "xattr", "move", "link", "data", "unlink" };

	if (!strncmp(word, "ino=", 4))
		op->ino = strtoull(value, NULL, 0);
	else if (!strncmp(word, "mode=", 5))
		op->mode = (uint32_t)strtoul(value, NULL, 8);
	else if (!strncmp(word, "make=", 5))
		op->make = (enum ovl_make)strtoul(value, NULL, 0);
	else if (!strncmp(word, "source=", 7))
		op->source_ino = strtoull(value, NULL, 0);
	else if (!strncmp(word, "saved=", 6))
		op->saved = strtoull(value, NULL, 0);
	else if (!strncmp(word, "names=", 6))
		op->names = strtoull(value, NULL, 0);
	else if (strncmp(word, "type=", 5))
		return false;
	for (size_t i = 0; !strncmp(word, "type=", 5) && i < 5; i++)
		if (!strcmp(value, types[i]))
			op->type = (enum ovl_op_type)(i + 1);
	return true;
}

static void read_word(char *word, struct forgery *f)
{
	char *value = strchr(word, '=');
	struct ovl_op *op = &f->op;
	uint64_t sec, nsec;

	if (!strcmp(word, "nameless")) {
		f->nameless = true;
	} else if (!strcmp(word, "marked")) {
		f->marked = true;
	} else if (!value) {
		f->state = word;
	} else if (read_number(word, ++value, op)) {
		return;
	} else if (!strncmp(word, "at=", 3)) {
		read_place(value, &op->at);
	} else if (!strncmp(word, "to=", 3)) {
		read_place(value, &op->to);
	} else if (!strncmp(word, "xattr=", 6)) {
		op->xattr = value;
	} else if (!strncmp(word, "old=", 4)) {
		read_value(value, &op->has_old, &op->old_value);
	} else if (!strncmp(word, "new=", 4)) {
		read_value(value, &op->has_new, &op->new_value);
	} else if (!strncmp(word, "size=", 5)) {
		read_pair(value, ',', &op->old_size, &op->new_size);
	} else if (!strncmp(word, "mtime=", 6)) {
		read_pair(value, ',', &sec, &nsec);
		op->times[0].modify = (struct timespec){ (time_t)sec, (long)nsec };
	} else {
		ovl_tool_die("what is '%s'?", word);
	}
}

/* The trees of the layers, as they are in a real one, or none. */
static int put_trees(struct ovl_store *s, const struct forgery *f)
{
	const struct ovl_stack *stack = s->stack;
	int r = 0;

	for (size_t i = 0; r == 0 && !f->nameless && i <= stack->n_layer; i++) {
		const struct ovl_layer *l = i < stack->n_layer ? &stack->layer[i] : &stack->work;
		struct ovl_logged_tree tree = { l->number, (char *)l->dir, l->root.stat.ino, { 0 } };

		r = ovl_journal_tree(&s->journal, &tree);
	}
	return r;
}

static int put_step(struct ovl_store *s, const struct forgery *f)
{
	int r = ovl_journal_group(&s->journal);

	if (r == 0)
		r = ovl_journal_step(&s->journal, "slug", "place\033[2J", "action");
	if (r == 0)
		r = ovl_journal_op(&s->journal, &f->op);
	if (r == 0 && strcmp(f->state, "open") != 0) {
		r = ovl_journal_mark(&s->journal, OVL_RECORD_COMMIT);
		if (r == 0)
			r = ovl_journal_mark(&s->journal, OVL_RECORD_FINISHED);
	}
	if (r == 0 && !strcmp(f->state, "undoing"))
		r = ovl_journal_mark(&s->journal, OVL_RECORD_UNDO);
	return r == 0 ? ovl_journal_sync(&s->journal) : r;
}

static int forge(struct ovl_store *s, char **words, struct ovl_error *e)
{
	struct forgery f = { .state = "finished" };
	struct ovl_record_header header = { .time = 4000000000 };
	uuid_t uuid;
	int fd, r = ovl_store_lock(s, e);

	for (; *words; words++)
		read_word(*words, &f);
	uuid_generate_random(uuid);
	uuid_unparse_lower(uuid, s->id);
	memcpy(header.uuid, uuid, sizeof(header.uuid));
	if (r == 0 && f.marked)
		r = ovl_store_mark(s, e);
	if (r == 0)
		r = ovl_store_make_own(s->lock, s->id, &s->dir);
	if (r == 0)
		r = ovl_store_make_own(s->dir, "saved", &fd);
	if (r == 0)
		r = ovl_store_make_own(s->dir, "stage", &fd);
	if (r == 0)
		r = ovl_journal_create(s->dir, &header, &s->journal);
	if (r == 0)
		r = put_trees(s, &f);
	if (r == 0)
		r = put_step(s, &f);
	puts(s->id);
	return r;
}

static int run(struct ovl_store *s, char **argv, struct ovl_error *e)
{
	switch (argv[1][0]) {
	case 'b':
		return begin(s, e);
	case 'f':
		return forge(s, argv + 3, e);
	default:
		return end(s, e);
	}
}

int main(int argc, char **argv)
{
	struct ovl_config config = { 0 };
	struct ovl_error e = OVL_ERROR_INIT;
	struct ovl_stack *stack = NULL;
	struct ovl_store store;
	int r;

	bool forges = argc > 1 && !strcmp(argv[1], "forge");

	if (argc < 3 ||
	    (!forges && (argc > 4 || (strcmp(argv[1], "begin") && strcmp(argv[1], "end"))))) {
		fputs("usage: ovl-journal begin|end OPTIONS [FOLDER]\n"
		      "       ovl-journal forge OPTIONS WORD...\n",
		      stderr);
		return 99;
	}
	r = ovl_config_parse(&config, argv[2], &e);
	if (r == 0)
		r = ovl_stack_open(&config, NULL, &stack, &e);
	if (r < 0)
		ovl_tool_die("%s", e.text);
	r = ovl_store_init(&store, stack, argc > 3 && !forges ? argv[3] : NULL, &e);
	if (r == 0)
		r = run(&store, argv, &e);
	ovl_store_done(&store);
	ovl_stack_close(stack);
	ovl_config_done(&config);
	if (r < 0)
		fprintf(stderr, "ovl-journal: %s\n", e.text ? e.text : strerror(-r));
	ovl_error_done(&e);
	return r < 0;
}
