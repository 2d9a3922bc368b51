/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "repair/journal.h"
#include "tools/tool.h"
#include "unit/tree_kit.h"
#include "unit/unit.h"

static const struct ovl_record_header header = { .time = 17, .uuid = { 1 } };

static int dir;

static void setup(void)
{
	tree_clear();
	ck_assert_int_eq(mkdir("j", 0700), 0);
	dir = open("j", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_ge(dir, 0);
}

static void teardown(void)
{
	close(dir);
}

static void add_step(struct ovl_journal *j, const char *action, uint64_t saved)
{
	_cleanup_free_ char *path = ovl_tool_format("/saved/%d", (int)saved);
	const struct ovl_op op = { .type = OVL_OP_MOVE,
				   .at = { 0, (char *)"/a" },
				   .to = { OVL_TREE_STORE, path } };

	ck_assert_int_eq(ovl_journal_step(j, "whiteout-useless", "upper:/a", action), 0);
	ck_assert_int_eq(ovl_journal_op(j, &op), 0);
}

/* Two groups; of the second one the first step is aborted. */
static void write_journal(struct ovl_journal *j)
{
	struct ovl_logged_tree tree = {
		.number = OVL_LAYER_WORK, .path = (char *)"/w\n", .ino = 99, .uuid = { 5, 6 }
	};

	ck_assert_int_eq(ovl_journal_create(dir, &header, j), 0);
	ck_assert_int_eq(ovl_journal_tree(j, &tree), 0);
	ck_assert_int_eq(ovl_journal_group(j), 0);
	add_step(j, "one", 3);
	add_step(j, "two", 12);
	ck_assert_int_eq(ovl_journal_mark(j, OVL_RECORD_COMMIT), 0);
	ck_assert_int_eq(ovl_journal_group(j), 0);
	add_step(j, "three", 5);
	add_step(j, "four", 4);
	ck_assert_int_eq(ovl_journal_sync(j), 0);
	ck_assert_int_eq(ovl_journal_abort(j, 0), 0);
	ck_assert_int_eq(ovl_journal_mark(j, OVL_RECORD_COMMIT), 0);
	ck_assert_int_eq(ovl_journal_sync(j), 0);
}

static struct ovl_log read_log(void)
{
	struct ovl_error e = OVL_ERROR_INIT;
	struct ovl_log log = { 0 };

	ck_assert_msg(ovl_journal_read(dir, &log, &e) == 0, "%s", e.text);
	return log;
}

static off_t size(void)
{
	struct stat st;

	ck_assert_int_eq(stat("j/journal", &st), 0);
	return st.st_size;
}

START_TEST(test_journal_round_trip)
{
	static const char *const actions[] = { "one", "two", "three", "four" };
	struct ovl_journal j;
	struct ovl_log log;

	write_journal(&j);
	ovl_journal_close(&j);
	ck_assert_int_lt(j.fd, 0);
	log = read_log();
	ck_assert_uint_eq(log.header.time, 17);
	ck_assert_int_eq(log.state, OVL_JOURNAL_OPEN);
	ck_assert(!log.torn);
	ck_assert_uint_eq(log.tree.len, 1);
	ck_assert_int_eq(log.tree.data[0].number, OVL_LAYER_WORK);
	ck_assert_str_eq(log.tree.data[0].path, "/w\n");
	ck_assert_uint_eq(log.tree.data[0].ino, 99);
	ck_assert_int_eq(log.tree.data[0].uuid[1], 6);
	ck_assert_uint_eq(log.step.len, 4);
	for (size_t i = 0; i < 4; i++) {
		ck_assert_str_eq(log.step.data[i].slug, "whiteout-useless");
		ck_assert_str_eq(log.step.data[i].place, "upper:/a");
		ck_assert_str_eq(log.step.data[i].action, actions[i]);
		ck_assert(log.step.data[i].committed);
		ck_assert_int_eq(log.step.data[i].aborted, i == 2);
		ck_assert_uint_eq(log.step.data[i].ops.len, 1);
		ck_assert_int_eq(log.step.data[i].ops.data[0].type, OVL_OP_MOVE);
	}
	ck_assert_uint_eq(log.saved, 12);
	ovl_log_done(&log);
}
END_TEST

/* What was not synced is not there; what is there grows in order, and never wrong. */
START_TEST(test_journal_torn)
{
	struct ovl_journal j;
	struct ovl_log log;
	size_t last = 0;
	off_t end;
	int r;

	write_journal(&j);
	ovl_journal_close(&j);
	end = size();
	for (off_t len = end; len >= 0; len--) {
		ck_assert_int_eq(truncate("j/journal", len), 0);
		r = ovl_journal_read(dir, &log, NULL);
		if (r < 0) {
			ck_assert_int_eq(r, -ENODATA);
			ck_assert_int_lt(len, 80);
			continue;
		}
		ck_assert_int_eq(log.torn, log.end < (size_t)len);
		ck_assert(len == end || log.step.len <= last);
		last = log.step.len;
		for (size_t i = 0; i < log.step.len; i++)
			ck_assert_int_eq(log.step.data[i].committed,
					 len == end || (i < 2 && log.seq > 7));
		ovl_log_done(&log);
	}
	ck_assert_uint_eq(last, 0);
}
END_TEST

START_TEST(test_journal_reopen)
{
	struct ovl_error e = OVL_ERROR_INIT;
	struct ovl_journal j;
	struct ovl_log log;
	off_t end;

	write_journal(&j);
	ovl_journal_close(&j);
	end = size();
	for (off_t len = end; len > 100; len -= 7) {
		size_t steps;

		ck_assert_int_eq(unlink("j/journal"), 0);
		write_journal(&j);
		ovl_journal_close(&j);
		ck_assert_int_eq(truncate("j/journal", len), 0);
		ck_assert_msg(ovl_journal_reopen(dir, &log, &j, &e) == 0, "%s", e.text);
		ck_assert_int_eq(size(), (off_t)log.end);
		ck_assert_uint_eq(j.seq, log.seq);
		ck_assert_uint_eq(j.saved, log.saved);
		steps = log.step.len;
		for (size_t i = steps; i > 0 && !log.step.data[i - 1].committed; i--)
			steps--;
		for (size_t i = steps; i < log.step.len; i++)
			ck_assert_int_eq(ovl_journal_abort(&j, (uint32_t)(i - steps)), 0);
		if (steps < log.step.len)
			ck_assert_int_eq(ovl_journal_mark(&j, OVL_RECORD_COMMIT), 0);
		steps = log.step.len;
		ovl_log_done(&log);
		ck_assert_int_eq(ovl_journal_group(&j), 0);
		add_step(&j, "more", 50);
		ck_assert_int_eq(ovl_journal_mark(&j, OVL_RECORD_COMMIT), 0);
		ck_assert_int_eq(ovl_journal_mark(&j, OVL_RECORD_FINISHED), 0);
		ck_assert_int_eq(ovl_journal_sync(&j), 0);
		ovl_journal_close(&j);
		log = read_log();
		ck_assert(!log.torn);
		ck_assert_int_eq(log.state, OVL_JOURNAL_FINISHED);
		ck_assert_uint_eq(log.step.len, steps + 1);
		ck_assert_str_eq(log.step.data[steps].action, "more");
		for (size_t i = 0; i <= steps; i++)
			ck_assert(log.step.data[i].committed);
		ovl_log_done(&log);
	}
}
END_TEST

START_TEST(test_journal_states)
{
	static const enum ovl_record_type marks[] = { OVL_RECORD_FINISHED, OVL_RECORD_UNDO,
						      OVL_RECORD_UNDONE, OVL_RECORD_UNDO,
						      OVL_RECORD_FINISHED };
	static const enum ovl_journal_state states[] = { OVL_JOURNAL_FINISHED, OVL_JOURNAL_UNDOING,
							 OVL_JOURNAL_UNDONE, OVL_JOURNAL_UNDOING,
							 OVL_JOURNAL_FINISHED };
	struct ovl_journal j;

	write_journal(&j);
	for (size_t i = 0; i < ARRAY_LEN(marks); i++) {
		struct ovl_log log;

		ck_assert_int_eq(ovl_journal_mark(&j, marks[i]), 0);
		log = read_log(); /* not written yet */
		ck_assert_int_eq(log.state, i ? states[i - 1] : OVL_JOURNAL_OPEN);
		ovl_log_done(&log);
		ck_assert_int_eq(ovl_journal_sync(&j), 0);
		log = read_log();
		ck_assert_int_eq(log.state, states[i]);
		ovl_log_done(&log);
	}
	ovl_journal_close(&j);
}
END_TEST

START_TEST(test_journal_create)
{
	struct ovl_journal j, again;

	/* of a run that was killed */
	tree_file("j/journal.new", "garbage");
	write_journal(&j);
	ck_assert_int_lt(access("j/journal.new", F_OK), 0);
	ck_assert_int_eq(ovl_journal_create(dir, &header, &again), -EEXIST);
	ck_assert_int_lt(access("j/journal.new", F_OK), 0);
	ovl_journal_close(&j);
}
END_TEST

/* A write that failed may have left half a record: nothing is added behind it. */
START_TEST(test_journal_failed)
{
	struct ovl_journal j;
	int fd, r;

	write_journal(&j);
	fd = j.fd;
	j.fd = open("j/journal", O_RDONLY | O_CLOEXEC);
	ck_assert_int_eq(ovl_journal_group(&j), 0);
	r = ovl_journal_sync(&j);
	ck_assert_int_lt(r, 0);
	close(j.fd);
	j.fd = fd;
	ck_assert_int_eq(ovl_journal_mark(&j, OVL_RECORD_FINISHED), 0);
	ck_assert_int_eq(ovl_journal_sync(&j), r);
	ovl_journal_close(&j);
}
END_TEST

/* Whole records that no version of ours has written in this order. */
START_TEST(test_journal_nonsense)
{
	struct ovl_error e = OVL_ERROR_INIT;
	struct ovl_journal j;
	struct ovl_log log;

	ck_assert_int_eq(ovl_journal_create(dir, &header, &j), 0);
	switch (_i) {
	case 0:
		ck_assert_int_eq(ovl_journal_mark(&j, OVL_RECORD_COMMIT), 0);
		break;
	case 1:
		ck_assert_int_eq(ovl_journal_step(&j, "a", "b", "c"), 0);
		break;
	case 2:
		ck_assert_int_eq(ovl_journal_group(&j), 0);
		ck_assert_int_eq(ovl_journal_op(&j, &(struct ovl_op){ .type = OVL_OP_DATA }), 0);
		break;
	case 3:
		ck_assert_int_eq(ovl_journal_group(&j), 0);
		ck_assert_int_eq(ovl_journal_abort(&j, 0), 0);
		break;
	case 4:
		ck_assert_int_eq(ovl_journal_group(&j), 0);
		add_step(&j, "x", 1);
		ck_assert_int_eq(ovl_journal_group(&j), 0);
		break;
	case 5:
		ck_assert_int_eq(ovl_journal_group(&j), 0);
		add_step(&j, "x", 1);
		ck_assert_int_eq(ovl_journal_mark(&j, OVL_RECORD_STEP), 0);
		break;
	default:
		ck_assert_int_eq(ovl_journal_mark(&j, OVL_RECORD_TREE), 0);
	}
	ck_assert_int_eq(ovl_journal_sync(&j), 0);
	ovl_journal_close(&j);
	ck_assert_int_eq(ovl_journal_read(dir, &log, &e), -EINVAL);
	ck_assert_ptr_nonnull(strstr(e.text, "makes no sense"));
	ovl_error_done(&e);
}
END_TEST

/* Unknown records are passed over; what will be shown cannot order a terminal about. */
START_TEST(test_journal_odd)
{
	struct ovl_journal j;
	struct ovl_log log;

	ck_assert_int_eq(ovl_journal_create(dir, &header, &j), 0);
	ck_assert_int_eq(ovl_journal_mark(&j, (enum ovl_record_type)4711), 0);
	ck_assert_int_eq(ovl_journal_group(&j), 0);
	ck_assert_int_eq(ovl_journal_step(&j, "", "\x1b[2J", "gr\xc3\xbc\xc3\x9f\n"), 0);
	ck_assert_int_eq(ovl_journal_sync(&j), 0);
	ovl_journal_close(&j);
	log = read_log();
	ck_assert_uint_eq(log.step.len, 1);
	ck_assert_str_eq(log.step.data[0].slug, "");
	ck_assert_str_eq(log.step.data[0].place, "?[2J");
	ck_assert_str_eq(log.step.data[0].action, "gr\xc3\xbc\xc3\x9f?");
	ovl_log_done(&log);
}
END_TEST

static const struct {
	const char *what;
	int r;
} hostile[] = {
	{ "nothing", -ENOENT },   { "symlink", -ELOOP }, { "fifo", -ESTALE },
	{ "directory", -ESTALE }, { "link", -EPERM },    { "owner", -EPERM },
	{ "huge", -EFBIG },       { "empty", -ENODATA }, { "zeros", -EINVAL },
	{ "other", -EINVAL },
};

START_TEST(test_journal_hostile)
{
	const char *what = hostile[_i].what;
	struct ovl_error e = OVL_ERROR_INIT;
	struct ovl_journal j;
	struct ovl_log log;

	if (strcmp(what, "owner") == 0 && geteuid() != 0)
		return tree_skip("journal of another owner", "not root");
	write_journal(&j);
	ovl_journal_close(&j);
	if (strcmp(what, "link") == 0) {
		tree_link("j/journal", "second");
	} else if (strcmp(what, "owner") == 0) {
		ck_assert_int_eq(chown("j/journal", 12345, 0), 0);
	} else if (strcmp(what, "huge") == 0) {
		ck_assert_int_eq(truncate("j/journal", (off_t)OVL_JOURNAL_MAX + 1), 0);
	} else {
		ck_assert_int_eq(rename("j/journal", "aside"), 0);
		if (strcmp(what, "symlink") == 0)
			tree_symlink("j/journal", "../aside");
		else if (strcmp(what, "fifo") == 0)
			tree_fifo("j/journal");
		else if (strcmp(what, "directory") == 0)
			tree_dir("j/journal");
		else if (strcmp(what, "empty") == 0)
			tree_file("j/journal", "");
		else if (strcmp(what, "zeros") == 0)
			tree_hole("j/journal", 4096);
		else if (strcmp(what, "other") == 0)
			tree_file("j/journal", "#!/bin/sh\n");
	}
	ck_assert_int_eq(ovl_journal_read(dir, &log, &e), hostile[_i].r);
	ck_assert_ptr_nonnull(e.text);
	ovl_error_done(&e);
	ck_assert_int_eq(ovl_journal_reopen(dir, &log, &j, NULL), hostile[_i].r);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("repair/journal");
	TCase *t = tcase_create("journal");

	if (!tree_works())
		return EXIT_SUCCESS;
	tcase_add_unchecked_fixture(t, tree_start, tree_stop);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, test_journal_round_trip);
	tcase_add_test(t, test_journal_torn);
	tcase_add_test(t, test_journal_reopen);
	tcase_add_test(t, test_journal_states);
	tcase_add_test(t, test_journal_create);
	tcase_add_test(t, test_journal_failed);
	tcase_add_loop_test(t, test_journal_nonsense, 0, 7);
	tcase_add_test(t, test_journal_odd);
	tcase_add_loop_test(t, test_journal_hostile, 0, ARRAY_LEN(hostile));
	suite_add_tcase(s, t);
	return ovl_unit_main(s);
}
