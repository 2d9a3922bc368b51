/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ovl-journal - begin and end journals of repair, without any repair
 *
 *	ovl-journal begin OPTIONS [FOLDER]    begin one, and stop as if killed; prints its id
 *	ovl-journal end OPTIONS [FOLDER]      go on with those that are not finished, and finish them
 *
 * OPTIONS as for mount -o; FOLDER is that of -z. Exit status: 0; 1 and why on stderr; 99 trouble.
 */
#include <string.h>

#include "overlayfs/option.h"
#include "repair/store.h"
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

int main(int argc, char **argv)
{
	struct ovl_config config = { 0 };
	struct ovl_error e = OVL_ERROR_INIT;
	struct ovl_stack *stack = NULL;
	struct ovl_store store;
	int r;

	if (argc < 3 || argc > 4 || (strcmp(argv[1], "begin") && strcmp(argv[1], "end"))) {
		fputs("usage: ovl-journal begin|end OPTIONS [FOLDER]\n", stderr);
		return 99;
	}
	r = ovl_config_parse(&config, argv[2], &e);
	if (r == 0)
		r = ovl_stack_open(&config, NULL, &stack, &e);
	if (r < 0)
		ovl_tool_die("%s", e.text);
	r = ovl_store_init(&store, stack, argc > 3 ? argv[3] : NULL, &e);
	if (r == 0)
		r = argv[1][0] == 'b' ? begin(&store, &e) : end(&store, &e);
	ovl_store_done(&store);
	ovl_stack_close(stack);
	ovl_config_done(&config);
	if (r < 0)
		fprintf(stderr, "ovl-journal: %s\n", e.text ? e.text : strerror(-r));
	ovl_error_done(&e);
	return r < 0;
}
