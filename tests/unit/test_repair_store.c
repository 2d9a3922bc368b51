/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit/test_repair_store_kit.h"

START_TEST(test_store_life)
{
	struct ovl_kept kept;
	struct ovl_store s;
	struct stat st;

	init(&s, NULL);
	ck_assert_uint_eq(list(&s, NULL), 0);
	ck_assert_int_eq(ovl_store_marked(&s, &e), 0);
	ck_assert(!is_there(JOURNALS));
	ovl_store_done(&s);

	begin(&s, NULL);
	ck_assert_int_eq(stat(JOURNALS, &st), 0);
	ck_assert_int_eq(st.st_mode & 07777, 0700);
	ck_assert(is_there(JOURNALS "/%s/journal", s.id));
	ck_assert(is_there(JOURNALS "/%s/saved", s.id));
	ck_assert(is_there(JOURNALS "/%s/stage", s.id));
	ck_assert(is_there(MARKERS "/%s", s.id));
	ck_assert_int_eq(ovl_store_marked(&s, &e), 1);
	work(&s, true);
	tree_file("stage", "x");
	ck_assert_int_eq(renameat(AT_FDCWD, "stage", s.dir, "stage/1"), 0);
	ck_assert_int_eq(mkdirat(s.dir, "stage/2", 0755), 0);
	finish(&s, OVL_RECORD_FINISHED);
	ck_assert(!is_there(INCOMPAT));
	ck_assert(is_there("work/work"));
	ck_assert(is_there(JOURNALS "/%s/stage", s.id));
	ck_assert(!is_there(JOURNALS "/%s/stage/1", s.id));
	ck_assert(!is_there(JOURNALS "/%s/stage/2", s.id));
	ck_assert_uint_eq(list(&s, &kept), 1);
	ck_assert_str_eq(kept.id, s.id);
	ck_assert_int_eq(kept.state, OVL_JOURNAL_FINISHED);
	ck_assert_int_eq(kept.err, 0);
	ck_assert_uint_eq(kept.n_steps, 1);
	ck_assert(!kept.has_saved);
	ck_assert_int_ge((int64_t)kept.time, 1000000000);
	ovl_store_done(&s);
	ck_assert(is_there(JOURNALS "/%s/journal", kept.id));
}
END_TEST

START_TEST(test_store_log)
{
	struct ovl_log log = { 0 };
	struct ovl_store s;

	begin(&s, NULL);
	ck_assert_int_eq(ovl_store_peek(&s, s.id, &log, NULL, &e), 0);
	ck_assert_mem_eq(log.header.command.data, "fsck.overlay -y", 15);
	ck_assert_mem_eq(log.header.tool.data, "fsck.overlay ", 13);
	ck_assert_uint_eq(log.tree.len, 4); /* upper, two lowers, work */
	ck_assert_str_eq(log.tree.data[0].path, "upper");
	ck_assert_int_eq(log.tree.data[2].number, 2);
	ck_assert_int_eq(log.tree.data[3].number, OVL_LAYER_WORK);
	ck_assert_int_eq(ovl_store_belongs(&s, &log, &e), 0);
	log.tree.data[2].ino++;
	ck_assert_int_eq(ovl_store_belongs(&s, &log, &e), -ESTALE);
	ck_assert_ptr_nonnull(strstr(e.text, "lower2"));
	log.tree.data[2].ino--;
	log.tree.data[2].number = 3;
	ck_assert_int_eq(ovl_store_belongs(&s, &log, NULL), -ESTALE);
	log.tree.data[2].number = OVL_LAYER_INDEX;
	ck_assert_int_eq(ovl_store_belongs(&s, &log, NULL), -ESTALE);
	ovl_log_done(&log);
	ovl_store_done(&s);
}
END_TEST

/* Opened and nothing done: neither marker nor journal is left. */
START_TEST(test_store_in_vain)
{
	struct ovl_log log = { 0 };
	struct ovl_store s;
	char id[37];

	begin(&s, NULL);
	ovl_store_done(&s);
	ck_assert(!is_there(INCOMPAT));
	init(&s, NULL);
	ck_assert_uint_eq(list(&s, NULL), 0);
	ovl_store_done(&s);

	begin(&s, NULL);
	work(&s, true);
	finish(&s, OVL_RECORD_FINISHED);
	memcpy(id, s.id, sizeof(id));
	ovl_store_done(&s);
	/* as undo does, and then finds the layers in use */
	init(&s, NULL);
	ck_assert_int_eq(ovl_store_lock(&s, &e), 0);
	ck_assert_int_eq(ovl_store_open(&s, id, &log, &e), 0);
	ck_assert(is_there(MARKERS "/%s", id));
	ovl_log_done(&log);
	ovl_store_done(&s);
	ck_assert(!is_there(INCOMPAT));
	ck_assert(is_there(JOURNALS "/%s/journal", id));
}
END_TEST

START_TEST(test_store_two_runs)
{
	struct ovl_store a, b;

	begin(&a, NULL);
	work(&a, true);
	init(&b, NULL);
	ck_assert_uint_eq(list(&b, NULL), 1);
	ck_assert_int_eq(ovl_store_lock(&b, &e), -EWOULDBLOCK);
	ck_assert_ptr_nonnull(strstr(e.text, "another"));
	ovl_error_done(&e);
	/* asked twice by the same run */
	ck_assert_int_eq(ovl_store_lock(&a, &e), 0);
	finish(&a, OVL_RECORD_FINISHED);
	ck_assert_int_eq(ovl_store_lock(&b, NULL), -EWOULDBLOCK);
	ovl_store_done(&a);
	ck_assert_int_eq(ovl_store_lock(&b, &e), 0);
	ovl_store_done(&b);
}
END_TEST

START_TEST(test_store_no_place)
{
	struct ovl_store s;

	tree_close(&stack);
	ck_assert_int_eq(tree_open_options(&stack,
					   tree_has_trusted() ? "lowerdir=lower1:lower2" :
								"lowerdir=lower1:lower2,userxattr",
					   NULL),
			 0);
	ck_assert_int_eq(ovl_store_init(&s, stack.stack, NULL, &e), 0);
	ck_assert_int_lt(s.base, 0);
	ck_assert_uint_eq(list(&s, NULL), 0);
	ck_assert_int_eq(ovl_store_marked(&s, &e), 0);
	ck_assert_int_eq(ovl_store_lock(&s, &e), -ENOENT);
	ovl_error_done(&e);
	ovl_store_done(&s);
	tree_dir("z");
	ck_assert_int_eq(ovl_store_init(&s, stack.stack, "z", &e), 0);
	ck_assert(!s.marks);
	ck_assert_int_eq(ovl_store_lock(&s, &e), 0);
	ck_assert_int_eq(ovl_store_create(&s, NULL, &e), 0);
	work(&s, true);
	finish(&s, OVL_RECORD_FINISHED);
	ovl_store_done(&s);
}
END_TEST

/* A symlink in place of a journal, or of a folder in one, is not followed. */
START_TEST(test_store_hostile_journal)
{
	struct ovl_log log = { 0 };
	struct ovl_kept kept;
	struct ovl_store s;

	init(&s, NULL);
	ck_assert_int_eq(ovl_store_lock(&s, &e), 0);
	plant(JOURNALS "/" SOME_ID, "symlink");
	ck_assert_uint_eq(list(&s, &kept), 1);
	ck_assert_int_eq(kept.err, -ELOOP);
	ck_assert_str_eq(kept.id, SOME_ID);
	ck_assert_int_eq(ovl_store_open(&s, SOME_ID, &log, &e), -ELOOP);
	ck_assert_int_eq(ovl_store_prune(&s, 0, NULL), 0);
	ck_assert(is_there(JOURNALS "/" SOME_ID));
	tree_remove(JOURNALS "/" SOME_ID);
	ovl_error_done(&e);

	ck_assert_int_eq(ovl_store_create(&s, "", &e), 0);
	work(&s, true);
	finish(&s, OVL_RECORD_FINISHED);
	{
		_cleanup_free_ char *stage = ovl_tool_format(JOURNALS "/%s/stage", s.id);

		tree_file("outside/precious", "");
		plant(stage, "symlink");
	}
	ck_assert_int_lt(ovl_store_discard(&s, &e), 0);
	ck_assert(is_there("outside/precious"));
	ck_assert(is_there(JOURNALS "/%s/journal", s.id));
	ovl_store_done(&s);
}
END_TEST

/* Nothing that was set aside is ever removed; mere copies are. */
START_TEST(test_store_discard)
{
	struct ovl_store s;

	begin(&s, NULL);
	work(&s, true);
	ck_assert_int_eq(mkdirat(s.dir, "saved/8", 0755), 0);
	tree_file("copy", "old");
	ck_assert_int_eq(renameat(AT_FDCWD, "copy", s.dir, "saved/7"), 0);
	finish(&s, OVL_RECORD_UNDONE);
	ck_assert_int_eq(ovl_store_discard(&s, &e), 0);
	ck_assert(is_there(JOURNALS "/%s/saved/7", s.id));
	ck_assert(is_there(JOURNALS "/%s/saved/8", s.id));
	ck_assert(is_there(JOURNALS "/%s/journal", s.id));
	{
		_cleanup_free_ char *saved = ovl_tool_format(JOURNALS "/%s/saved/8", s.id);

		tree_remove(saved);
	}
	ck_assert_int_eq(ovl_store_discard(&s, &e), 0);
	ck_assert(!is_there(JOURNALS "/%s", s.id));
	ck_assert(is_there(JOURNALS));
	ovl_store_done(&s);
}
END_TEST

START_TEST(test_store_prune)
{
	char id[5][37];
	struct ovl_store s;

	for (int i = 0; i < 5; i++) {
		begin(&s, NULL);
		work(&s, true);
		if (i == 1)
			ck_assert_int_eq(mkdirat(s.dir, "saved/9", 0755), 0);
		finish(&s, i == 4 ? OVL_RECORD_UNDONE : OVL_RECORD_FINISHED);
		memcpy(id[i], s.id, sizeof(id[i]));
		ovl_store_done(&s);
		if (i == 2)
			usleep(1100000); /* the clock counts in seconds, and the next one is the newest */
	}
	init(&s, NULL);
	ck_assert_uint_eq(list(&s, NULL), 5);
	ck_assert_int_eq(ovl_store_lock(&s, &e), 0);
	ck_assert_int_eq(ovl_store_prune(&s, 1, &e), 0);
	for (int i = 0; i < 5; i++)
		ck_assert_int_eq(is_there(JOURNALS "/%s", id[i]), i == 1 || i == 3);
	ovl_store_done(&s);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("repair/store");
	TCase *t = tcase_create("store");

	if (!tree_works())
		return EXIT_SUCCESS;
	tcase_add_unchecked_fixture(t, tree_start, tree_stop);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, test_store_life);
	tcase_add_test(t, test_store_log);
	tcase_add_test(t, test_store_in_vain);
	tcase_add_test(t, test_store_two_runs);
	tcase_add_test(t, test_store_no_place);
	tcase_add_test(t, test_store_hostile_journal);
	tcase_add_test(t, test_store_discard);
	tcase_add_test(t, test_store_prune);
	suite_add_tcase(s, t);
	return ovl_unit_main(s);
}
