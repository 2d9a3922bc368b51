/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit/test_repair_store_kit.h"

START_TEST(test_store_unfinished)
{
	struct ovl_log log = { 0 };
	struct ovl_kept kept;
	struct ovl_store s;

	begin(&s, NULL);
	work(&s, false);
	ovl_store_done(&s); /* dies: something is not committed, so all stays */
	ck_assert(is_there(MARKERS "/%s", s.id));

	init(&s, NULL);
	ck_assert_uint_eq(list(&s, &kept), 1);
	ck_assert_int_eq(kept.state, OVL_JOURNAL_OPEN);
	ck_assert_uint_eq(kept.n_steps, 0);
	ck_assert_int_eq(ovl_store_lock(&s, &e), 0);
	ck_assert_int_eq(ovl_store_unmark(&s, &e), 0);
	ck_assert(is_there(MARKERS "/%s", kept.id));
	/* a second one is not begun beside it */
	ck_assert_int_eq(ovl_store_create(&s, "", &e), -EBUSY);
	ck_assert_uint_eq(list(&s, NULL), 1);
	ck_assert(is_there(MARKERS "/%s", kept.id));
	/* and it goes on, also if the marker is gone */
	tree_remove(INCOMPAT);
	tree_remove(JOURNALS); /* see below */
	ovl_store_done(&s);

	begin(&s, NULL);
	work(&s, false);
	kill_run(&s);
	tree_remove(INCOMPAT);
	init(&s, NULL);
	ck_assert_uint_eq(list(&s, &kept), 1);
	ck_assert_int_eq(ovl_store_lock(&s, &e), 0);
	ck_assert_int_eq(ovl_store_open(&s, kept.id, &log, &e), 0);
	ck_assert(is_there(MARKERS "/%s", kept.id));
	ck_assert_str_eq(s.id, kept.id);
	ck_assert_uint_eq(log.step.len, 1);
	ck_assert_uint_eq(s.journal.saved, 7);
	ck_assert_int_eq(ovl_journal_abort(&s.journal, 0), 0);
	ck_assert_int_eq(ovl_journal_mark(&s.journal, OVL_RECORD_COMMIT), 0);
	finish(&s, OVL_RECORD_FINISHED);
	ck_assert(!is_there(INCOMPAT));
	ovl_log_done(&log);
	ovl_store_done(&s);
}
END_TEST

/* Killed at each place between the first mkdir and the journal, and between its end and the last rmdir. */
START_TEST(test_store_killed_between)
{
	struct ovl_kept kept;
	struct ovl_store s;
	bool unfinished = false;

	switch (_i) {
	case 0:
		tree_dir(MARKERS);
		break;
	case 1:
		tree_dir(MARKERS "/" SOME_ID);
		break;
	case 2: /* a folder, and no journal in it */
		tree_dir(MARKERS "/" SOME_ID);
		tree_dir(JOURNALS "/" SOME_ID "/saved");
		tree_file(JOURNALS "/" SOME_ID "/journal.new", "OVL");
		chmod(JOURNALS "/" SOME_ID "/saved", 0700);
		break;
	case 3: /* finished, and the marker still there */
		begin(&s, NULL);
		work(&s, true);
		ck_assert_int_eq(ovl_journal_mark(&s.journal, OVL_RECORD_FINISHED), 0);
		ck_assert_int_eq(ovl_journal_sync(&s.journal), 0);
		kill_run(&s);
		break;
	default: /* not finished: that one stays */
		begin(&s, NULL);
		work(&s, true);
		kill_run(&s);
		unfinished = true;
	}
	chmod(MARKERS, 0700);
	chmod(JOURNALS, 0700);
	chmod(JOURNALS "/" SOME_ID, 0700);
	init(&s, NULL);
	ck_assert_int_eq(ovl_store_marked(&s, &e), 1);
	ck_assert_uint_eq(list(&s, &kept), _i >= 3);
	ck_assert_int_eq(ovl_store_lock(&s, &e), 0);
	ck_assert_msg(ovl_store_unmark(&s, &e) == 0, "%s", e.text);
	ck_assert_int_eq(is_there(INCOMPAT), unfinished);
	if (!unfinished) {
		ck_assert_msg(ovl_store_create(&s, "", &e) == 0, "%s", e.text);
		work(&s, true);
		finish(&s, OVL_RECORD_FINISHED);
		ck_assert_int_eq(ovl_store_prune(&s, 10, &e), 0);
		ck_assert(!is_there(JOURNALS "/" SOME_ID));
	}
	ovl_store_done(&s);
}
END_TEST

/* The marker comes first and goes last. */
START_TEST(test_store_order)
{
	struct ovl_store s;

	/* The journal cannot be made: no marker is left. */
	init(&s, NULL);
	ck_assert_int_eq(ovl_store_lock(&s, &e), 0);
	tree_remove(JOURNALS);
	ck_assert_int_eq(ovl_store_create(&s, "", &e), -ENOENT);
	ck_assert(!is_there(INCOMPAT));
	ovl_error_done(&e);
	ovl_store_done(&s);
	/* The end cannot be written: the marker stays. */
	begin(&s, NULL);
	work(&s, true);
	close(s.journal.fd);
	s.journal.fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	ck_assert_int_lt(ovl_store_finish(&s, OVL_RECORD_FINISHED, &e), 0);
	ovl_store_done(&s);
	ck_assert(is_there(MARKERS "/%s", s.id));
}
END_TEST

/* What others keep in incompat/ is none of our business; work/ may be missing, or be no directory. */
START_TEST(test_store_incompat)
{
	struct ovl_store s;
	struct stat st;

	tree_dir(INCOMPAT "/volatile/dirty");
	begin(&s, NULL);
	work(&s, true);
	ck_assert(is_there(MARKERS "/%s", s.id));
	finish(&s, OVL_RECORD_FINISHED);
	ovl_store_done(&s);
	ck_assert(is_there(INCOMPAT "/volatile/dirty"));
	ck_assert(!is_there(MARKERS));

	tree_remove("work/work");
	if (geteuid() == 0) {
		begin(&s, NULL);
		work(&s, true);
		ck_assert(is_there(MARKERS "/%s", s.id));
		finish(&s, OVL_RECORD_FINISHED);
		ovl_store_done(&s);
		ck_assert_int_eq(stat("work/work", &st), 0);
		ck_assert_int_eq(st.st_mode & 07777, 0);
		tree_remove("work/work");
	}
	tree_file("work/work", "");
	begin(&s, NULL);
	work(&s, true);
	finish(&s, OVL_RECORD_FINISHED);
	ovl_store_done(&s);
	ck_assert_int_eq(stat("work/work", &st), 0);
	ck_assert(S_ISREG(st.st_mode));
}
END_TEST

START_TEST(test_store_elsewhere)
{
	struct ovl_log log = { 0 };
	struct ovl_kept kept;
	struct ovl_store s, other;

	tree_dir("z");
	begin(&s, "z");
	ck_assert(is_there("z/.fsck.overlay/%s/journal", s.id));
	ck_assert(is_there(MARKERS "/%s-elsewhere", s.id));
	ck_assert(!is_there(JOURNALS));
	work(&s, false);
	/* Who does not know the folder is kept away, */
	init(&other, NULL);
	ck_assert_int_eq(ovl_store_marked(&other, &e), 1);
	ck_assert_int_eq(ovl_store_lock(&other, &e), 0);
	ck_assert_int_eq(ovl_store_unmark(&other, &e), 0);
	ck_assert_int_eq(ovl_store_create(&other, "", &e), -EBUSY);
	ck_assert_ptr_nonnull(strstr(e.text, "-z"));
	ck_assert_uint_eq(list(&other, NULL), 0);
	ovl_store_done(&other);
	kill_run(&s);
	ck_assert(is_there(MARKERS "/%s-elsewhere", s.id));
	/* and who knows it goes on. */
	init(&s, "z");
	ck_assert_uint_eq(list(&s, &kept), 1);
	ck_assert_int_eq(ovl_store_lock(&s, &e), 0);
	ovl_error_done(&e);
	ck_assert_msg(ovl_store_open(&s, kept.id, &log, &e) == 0, "%s", e.text);
	ovl_log_done(&log);
	finish(&s, OVL_RECORD_FINISHED);
	ovl_store_done(&s);
	ck_assert(!is_there(INCOMPAT));

	/* Journals of other overlays in the same folder are not ours. */
	tree_close(&stack);
	ck_assert_int_eq(rename("lower1", "aside"), 0);
	tree_dir("lower1");
	open_stack();
	init(&s, "z");
	ck_assert_uint_eq(list(&s, NULL), 0);
	ovl_store_done(&s);
}
END_TEST

/* A run in the work directory keeps one of -z away as well. */
START_TEST(test_store_elsewhere_busy)
{
	struct ovl_store s, other;

	tree_dir("z");
	begin(&s, NULL);
	init(&other, "z");
	ck_assert_int_eq(ovl_store_lock(&other, &e), 0);
	ck_assert_int_eq(ovl_store_create(&other, "", &e), -EBUSY);
	ovl_store_done(&other);
	ck_assert(is_there(MARKERS "/%s", s.id));
	ck_assert_int_eq(rmdir("z/.fsck.overlay"), 0); /* nothing is left there */
	work(&s, true);
	finish(&s, OVL_RECORD_FINISHED);
	ovl_store_done(&s);
	ck_assert_int_lt(ovl_store_init(&s, stack.stack, "no-such-folder", NULL), 0);
	ovl_store_done(&s);
}
END_TEST

static const struct {
	const char *what;
	int r;
} hostile[] = {
	{ "symlink", -ELOOP },
	{ "file", -ENOTDIR },
	{ "mode", -EPERM },
	{ "owner", -EPERM },
};

START_TEST(test_store_hostile)
{
	ovl_kept_vec kept = { 0 };
	struct ovl_store s;

	if (strcmp(hostile[_i].what, "owner") == 0 && geteuid() != 0)
		return tree_skip("folder of another owner", "not root");
	plant(JOURNALS, hostile[_i].what);
	init(&s, NULL);
	ck_assert_int_eq(ovl_store_list(&s, &kept), hostile[_i].r);
	ck_assert_int_eq(ovl_store_lock(&s, &e), hostile[_i].r);
	ck_assert_ptr_nonnull(strstr(e.text, ".fsck.overlay"));
	ovl_error_done(&e);
	ovl_store_done(&s);
	tree_remove(JOURNALS);

	tree_dir(INCOMPAT);
	plant(MARKERS, hostile[_i].what);
	init(&s, NULL);
	ck_assert_int_eq(ovl_store_lock(&s, &e), 0);
	ck_assert_int_lt(ovl_store_create(&s, "", &e), 0);
	ck_assert_ptr_nonnull(strstr(e.text, "incompat/fsck.overlay"));
	ck_assert(is_there(MARKERS));
	ck_assert_uint_eq(list(&s, NULL), 0);
	ovl_store_done(&s);
	ck_assert(!is_there("outside/%s", s.id));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("repair/store_mark");
	TCase *t = tcase_create("store");

	if (!tree_works())
		return EXIT_SUCCESS;
	tcase_add_unchecked_fixture(t, tree_start, tree_stop);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, test_store_unfinished);
	tcase_add_loop_test(t, test_store_killed_between, 0, 5);
	tcase_add_test(t, test_store_order);
	tcase_add_test(t, test_store_incompat);
	tcase_add_test(t, test_store_elsewhere);
	tcase_add_test(t, test_store_elsewhere_busy);
	tcase_add_loop_test(t, test_store_hostile, 0, ARRAY_LEN(hostile));
	suite_add_tcase(s, t);
	return ovl_unit_main(s);
}
