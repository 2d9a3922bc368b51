/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "overlayfs/stamp.h"
#include "unit/test_repair_store_kit.h"

#define STATE JOURNALS "/state"

static struct ovl_stamp_seen look(void)
{
	struct ovl_stamp_seen seen;

	ck_assert_int_eq(ovl_stamp_look(stack.stack, &seen), 0);
	return seen;
}

static void leave(uint64_t now)
{
	const struct ovl_stamp_seen seen = look();

	ck_assert_msg(ovl_stamp_leave(stack.stack, &seen, now, &e) == 0, "%s", e.text);
}

/* What a mount does. */
static void renew_work(void)
{
	ck_assert_int_eq(rmdir("work/work"), 0);
	ck_assert_int_eq(mkdir("work/work", 0), 0);
}

static bool has_births(void)
{
	const struct ovl_stamp_seen seen = look();

	if (seen.sec == 0)
		tree_skip("stamp", "the file system does not keep times of birth");
	return seen.sec != 0;
}

static void expect(enum ovl_stamp_state state, uint64_t time)
{
	const struct ovl_stamp_seen seen = look();

	ck_assert_int_eq(seen.state, state);
	ck_assert_uint_eq(seen.time, time);
}

START_TEST(test_stamp_life)
{
	struct stat st;

	if (!has_births())
		return;
	expect(OVL_STAMP_NONE, 0);
	ck_assert(!is_there(JOURNALS)); /* a look leaves nothing */
	leave(1234);
	expect(OVL_STAMP_CLEAN, 1234);
	ck_assert_int_eq(stat(STATE, &st), 0);
	ck_assert_int_eq(st.st_mode, S_IFREG | 0600);
	ck_assert(!is_there(STATE ".new"));
	renew_work();
	expect(OVL_STAMP_OLD, 1234);
	leave(5678);
	expect(OVL_STAMP_CLEAN, 5678);
	ck_assert_int_eq(rmdir("work/work"), 0);
	expect(OVL_STAMP_OLD, 5678);
	leave(5679); /* never mounted */
	expect(OVL_STAMP_CLEAN, 5679);
}
END_TEST

static void end(void)
{
	ck_assert_msg(ovl_stamp_end(stack.stack, &e) == 0, "%s", e.text);
}

START_TEST(test_stamp_end)
{
	if (!has_births())
		return;
	end(); /* there is none to note it in */
	ck_assert(!is_there(JOURNALS));
	leave(1);
	renew_work();
	expect(OVL_STAMP_OLD, 1); /* nobody watches */
	end();
	expect(OVL_STAMP_OLD, 1);
	ck_assert(look().watched);
	renew_work();
	expect(OVL_STAMP_UNCLEAN, 1);
	end();
	expect(OVL_STAMP_OLD, 1);
	leave(2);
	expect(OVL_STAMP_CLEAN, 2);
	ck_assert(look().watched);
	end(); /* never mounted */
	expect(OVL_STAMP_CLEAN, 2);
	renew_work();
	expect(OVL_STAMP_UNCLEAN, 2);
	leave(3);
	expect(OVL_STAMP_CLEAN, 3);
	ck_assert_int_eq(rmdir("work/work"), 0);
	expect(OVL_STAMP_UNCLEAN, 3);
	end(); /* nothing to note */
	expect(OVL_STAMP_UNCLEAN, 3);
}
END_TEST

/* What is mounted while the check is at work is not clean because of it. */
START_TEST(test_stamp_mounted_meanwhile)
{
	const struct ovl_stamp_seen seen = look();

	if (!has_births())
		return;
	renew_work();
	ck_assert_int_eq(ovl_stamp_leave(stack.stack, &seen, 1, &e), 0);
	expect(OVL_STAMP_OLD, 1);
}
END_TEST

static void reopen(unsigned n_lower, const char *more)
{
	tree_close(&stack);
	ck_assert_int_eq(tree_open(&stack, n_lower, more, NULL), 0);
}

START_TEST(test_stamp_of_other_layers)
{
	if (!has_births())
		return;
	leave(1);
	reopen(1, "");
	expect(OVL_STAMP_NONE, 0);
	reopen(2, ",index=on");
	expect(OVL_STAMP_NONE, 0);
	reopen(2, ",nodev"); /* which means nothing to us */
	expect(OVL_STAMP_CLEAN, 1);
	ck_assert_int_eq(rename("lower2", "old"), 0);
	tree_dir("lower2");
	reopen(2, "");
	expect(OVL_STAMP_NONE, 0);
}
END_TEST

START_TEST(test_stamp_no_place)
{
	const struct ovl_stamp_seen seen = { 0 };

	tree_close(&stack);
	ck_assert_int_eq(tree_open_options(&stack, "lowerdir=lower1:lower2", NULL), 0);
	expect(OVL_STAMP_NO_PLACE, 0);
	ck_assert_int_eq(ovl_stamp_leave(stack.stack, &seen, 1, &e), 0);
}
END_TEST

static void spoil(const char *content, size_t len)
{
	FILE *f = fopen(STATE, "w");

	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(fwrite(content, 1, len, f), len);
	ck_assert_int_eq(fclose(f), 0);
}

/* Each of these is no stamp, is not waited for, and a new one takes its place. */
START_TEST(test_stamp_hostile)
{
	leave(1);
	spoil("", 0);
	expect(OVL_STAMP_NONE, 0);
	spoil("OVLSTMP1 and nothing else that makes sense here", 47);
	expect(OVL_STAMP_NONE, 0);
	ck_assert_int_eq(truncate(STATE, (off_t)1 << 40), 0);
	expect(OVL_STAMP_NONE, 0);
	leave(2);
	expect(has_births() ? OVL_STAMP_CLEAN : OVL_STAMP_OLD, 2);
	ck_assert_int_eq(chmod(STATE, 0644), 0);
	expect(OVL_STAMP_NONE, 0);

	ck_assert_int_eq(rename(STATE, "elsewhere"), 0);
	ck_assert_int_eq(chmod("elsewhere", 0600), 0);
	tree_symlink(STATE, "../../elsewhere");
	expect(OVL_STAMP_NONE, 0);
	leave(3);
	ck_assert_uint_eq(look().time, 3);
	ck_assert(is_there("elsewhere"));
	tree_remove(STATE);
	tree_fifo(STATE);
	ck_assert_int_eq(chmod(STATE, 0600), 0);
	expect(OVL_STAMP_NONE, 0);
	leave(4);
	ck_assert_uint_eq(look().time, 4);
	tree_file(STATE ".new", "of a run that was killed");
	leave(5);
	ck_assert_uint_eq(look().time, 5);
}
END_TEST

START_TEST(test_stamp_folder_not_ours)
{
	const struct ovl_stamp_seen seen = look();

	leave(1);
	ck_assert_int_eq(chmod(JOURNALS, 0755), 0);
	expect(OVL_STAMP_NONE, 0);
	ck_assert_int_eq(ovl_stamp_leave(stack.stack, &seen, 2, &e), -EPERM);
	ovl_error_done(&e);
	plant(JOURNALS, "symlink");
	expect(OVL_STAMP_NONE, 0);
	ck_assert_int_lt(ovl_stamp_leave(stack.stack, &seen, 2, &e), 0);
	ck_assert(!is_there("outside/state"));
}
END_TEST

/* Where a directory is in its place, it is said, and stays. */
START_TEST(test_stamp_in_the_way)
{
	const struct ovl_stamp_seen seen = look();

	leave(1);
	tree_remove(STATE);
	tree_dir(STATE "/full");
	expect(OVL_STAMP_NONE, 0);
	ck_assert_int_lt(ovl_stamp_leave(stack.stack, &seen, 2, &e), 0);
	ck_assert(is_there(STATE "/full"));
	ck_assert(!is_there(STATE ".new"));
}
END_TEST

START_TEST(test_stamp_ends_with_a_journal)
{
	const char *folder[] = { NULL, "apart" };

	tree_dir("apart");
	for (size_t i = 0; i < ARRAY_LEN(folder); i++) {
		struct ovl_log log = { 0 };
		struct ovl_store s;
		char id[37];

		leave(1);
		ck_assert_uint_eq(look().time, 1);
		begin(&s, folder[i]);
		ck_assert(!is_there(STATE));
		memcpy(id, s.id, sizeof(id));
		work(&s, true);
		finish(&s, OVL_RECORD_FINISHED);
		ovl_store_done(&s);

		leave(2);
		init(&s, folder[i]);
		ck_assert_int_eq(ovl_store_lock(&s, &e), 0);
		ck_assert_msg(ovl_store_open(&s, id, &log, &e) == 0, "%s", e.text);
		ck_assert(!is_there(STATE));
		ovl_log_done(&log);
		ovl_store_done(&s);
	}
}
END_TEST

START_TEST(test_stamp_while_others_repair)
{
	const struct ovl_stamp_seen seen = look();
	struct ovl_store s;

	begin(&s, NULL);
	ck_assert_int_eq(ovl_stamp_leave(stack.stack, &seen, 2, &e), -EWOULDBLOCK);
	ck_assert(!is_there(STATE));
	ovl_store_done(&s);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("repair/stamp");
	TCase *t = tcase_create("stamp");

	if (!tree_works())
		return EXIT_SUCCESS;
	tcase_add_unchecked_fixture(t, tree_start, tree_stop);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, test_stamp_life);
	tcase_add_test(t, test_stamp_end);
	tcase_add_test(t, test_stamp_mounted_meanwhile);
	tcase_add_test(t, test_stamp_of_other_layers);
	tcase_add_test(t, test_stamp_no_place);
	tcase_add_test(t, test_stamp_hostile);
	tcase_add_test(t, test_stamp_folder_not_ours);
	tcase_add_test(t, test_stamp_in_the_way);
	tcase_add_test(t, test_stamp_ends_with_a_journal);
	tcase_add_test(t, test_stamp_while_others_repair);
	suite_add_tcase(suite, t);
	return ovl_unit_main(suite);
}
