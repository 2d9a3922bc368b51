/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <signal.h>

#include "unit/unit.h"

#include "../../fsck/progress.c"
#include "../../fsck/signals.c"
#include "../../fsck/text.c"
#include "../../fsck/utf8.c"

static int pipe_fds[2];

static void setup(void)
{
	ck_assert_int_eq(pipe(pipe_fds), 0);
	ovl_signals_install();
}

static struct ovl_progress start(int fd, const char *label)
{
	struct ovl_options o = { .progress = true, .progress_fd = fd };
	struct ovl_error e = OVL_ERROR_INIT;
	struct ovl_progress p;

	ck_assert_int_eq(ovl_progress_init(&p, &o, label, &e), 0);
	return p;
}

/* All that was written so far. */
static const char *written(void)
{
	static char buf[8192];
	ssize_t n;

	ck_assert_int_eq(fcntl(pipe_fds[0], F_SETFL, O_NONBLOCK), 0);
	n = read(pipe_fds[0], buf, sizeof(buf) - 1);
	buf[n > 0 ? n : 0] = '\0';
	return buf;
}

START_TEST(test_progress_lines)
{
	struct ovl_progress p = start(pipe_fds[1], "/srv/my box:\xc2\xa0\n1");

	ovl_progress_update(&p, OVL_PASS_WALK, 0, 50);
	ovl_progress_update(&p, OVL_PASS_WALK, 10, 50); /* at once: too soon for another line */
	ovl_progress_update(&p, OVL_PASS_WALK, 50, 50); /* but the last one must come */
	ck_assert_str_eq(written(), "1 0 50 /srv/my_box_\xc2\xa0\\0121\n"
				    "1 50 50 /srv/my_box_\xc2\xa0\\0121\n");
	ovl_progress_done(&p);
}
END_TEST

/* Whatever the check tells: five passes, each with an end, in order. */
START_TEST(test_progress_five_passes)
{
	struct ovl_progress p = start(pipe_fds[1], "m");

	ovl_progress_update(&p, OVL_PASS_WALK, 3, 7);
	ovl_progress_pass_done(&p, OVL_PASS_WALK);
	ovl_progress_update(&p, OVL_PASS_INDEX, 1, 2); /* nothing was said about pass 2 */
	ovl_progress_update(&p, OVL_PASS_CROSS, 1, 2); /* too late: never backwards */
	ovl_progress_pass_done(&p, OVL_PASS_INDEX);
	ovl_progress_pass_done(&p, OVL_PASS_INDEX); /* once is enough */
	ovl_progress_finish(&p);
	ck_assert_str_eq(written(), "1 3 7 m\n1 7 7 m\n2 1 1 m\n3 1 2 m\n3 2 2 m\n"
				    "4 1 1 m\n5 1 1 m\n");
	ovl_progress_done(&p);
}
END_TEST

START_TEST(test_progress_nothing_told)
{
	struct ovl_progress p = start(pipe_fds[1], "m");

	ovl_progress_finish(&p);
	ck_assert_str_eq(written(), "1 1 1 m\n2 1 1 m\n3 1 1 m\n4 1 1 m\n5 1 1 m\n");
	ovl_progress_done(&p);
}
END_TEST

START_TEST(test_progress_nonsense)
{
	struct ovl_progress p = start(pipe_fds[1], "m");

	ovl_progress_update(&p, OVL_PASS_WALK, 0, 0);
	ovl_progress_update(&p, OVL_PASS_CROSS, 9, 3); /* never more than all */
	ovl_progress_update(&p, OVL_PASS__MAX, 1, 1);
	ck_assert_str_eq(written(), "1 0 1 m\n1 1 1 m\n2 3 3 m\n");
	ovl_progress_done(&p);
}
END_TEST

START_TEST(test_progress_signals)
{
	struct ovl_progress p = start(-pipe_fds[1], "m");

	ovl_progress_update(&p, OVL_PASS_WALK, 0, 50);
	ck_assert_str_eq(written(), "");
	ck_assert_int_eq(raise(SIGUSR1), 0);
	ovl_progress_update(&p, OVL_PASS_WALK, 1, 50);
	ck_assert_str_eq(written(), "1 1 50 m\n");
	ck_assert_int_eq(raise(SIGUSR2), 0);
	ovl_progress_update(&p, OVL_PASS_CROSS, 1, 50);
	ck_assert_str_eq(written(), "");
	ovl_progress_done(&p);
}
END_TEST

/* A reader that went away is no error, and is not asked again. */
START_TEST(test_progress_reader_gone)
{
	struct ovl_progress p = start(pipe_fds[1], "m");

	close(pipe_fds[0]);
	ovl_progress_update(&p, OVL_PASS_WALK, 0, 50);
	ck_assert(!p.on);
	ovl_progress_finish(&p);
	ovl_progress_done(&p);
	ck_assert(!ovl_signals_cancelled());
}
END_TEST

/* A reader that is slow costs lines, not the check. */
START_TEST(test_progress_reader_slow)
{
	struct ovl_progress p = start(pipe_fds[1], "m");
	char blank[4096] = { 0 };

	ck_assert_int_eq(fcntl(pipe_fds[1], F_SETFL, O_NONBLOCK), 0);
	while (write(pipe_fds[1], blank, sizeof(blank)) > 0)
		;
	ovl_progress_update(&p, OVL_PASS_WALK, 0, 50);
	ck_assert(p.on);
	ovl_progress_done(&p);
}
END_TEST

/* How much there is to do is found out on the way: what was shown is not taken back. */
START_TEST(test_progress_never_back)
{
	struct ovl_options o = { .progress = true,
				 .progress_fd = pipe_fds[1],
				 .progress_console = true };
	struct ovl_progress p;
	double first, second;

	ck_assert_int_eq(ovl_progress_init(&p, &o, "m", NULL), 0);
	ovl_progress_update(&p, OVL_PASS_WALK, 90, 100);
	ck_assert_int_eq(sscanf(written(), "\rm: fsck %lf%%", &first), 1);
	p.drawn = 0;
	ovl_progress_update(&p, OVL_PASS_WALK, 91, 200);
	ck_assert_int_eq(sscanf(written(), "\rm: fsck %lf%%", &second), 1);
	ck_assert(first > 50 && second >= first);
	ovl_progress_done(&p);
}
END_TEST

START_TEST(test_progress_bad_fd)
{
	struct ovl_options o = { .progress = true, .progress_fd = 987 };
	struct ovl_error e = OVL_ERROR_INIT;
	struct ovl_progress p;

	ck_assert_int_eq(ovl_progress_init(&p, &o, "m", &e), -EBADF);
	ck_assert_ptr_nonnull(strstr(e.text, "987"));
	ovl_error_done(&e);
	ovl_progress_done(&p);
}
END_TEST

/* Without a terminal nothing is drawn that nobody asked for. */
START_TEST(test_progress_not_asked)
{
	struct ovl_options o = { 0 };
	struct ovl_progress p;

	ck_assert_int_eq(dup2(pipe_fds[1], STDOUT_FILENO), STDOUT_FILENO);
	ck_assert_int_eq(ovl_progress_init(&p, &o, "m", NULL), 0);
	ck_assert(!p.on);
	p.start -= 10;
	ovl_progress_update(&p, OVL_PASS_WALK, 1, 2);
	ovl_progress_finish(&p);
	ovl_progress_done(&p);
	ck_assert_str_eq(written(), "");
}
END_TEST

/* -C 0: a bar on stdout, in marks where that is no terminal. */
START_TEST(test_progress_bar)
{
	struct ovl_progress p;
	const char *bar;

	ck_assert_int_eq(dup2(pipe_fds[1], STDOUT_FILENO), STDOUT_FILENO);
	p = start(0, "/a/long/way/to/the/place/m\n");
	p.start -= 10;
	ovl_progress_update(&p, OVL_PASS_WALK, 1, 2);
	bar = written();
	ck_assert_int_eq(bar[0], '\001');
	ck_assert_str_eq(bar + strlen(bar) - 2, "\r\002");
	ck_assert_ptr_nonnull(strstr(bar, "place/m\\012: |=="));
	ck_assert_ptr_nonnull(strstr(bar, " 35.0%"));
	ck_assert_ptr_nonnull(strstr(bar, " 0:19 left"));
	ck_assert_ptr_null(strchr(bar, '\n'));
	ck_assert_uint_le(strlen(bar), DEFAULT_WIDTH);
	ovl_progress_done(&p);
}
END_TEST

START_TEST(test_progress_percent)
{
	ck_assert_double_eq(ovl_progress_percent(OVL_PASS_WALK, 0, 10), 0);
	ck_assert_double_eq(ovl_progress_percent(OVL_PASS_WALK, 10, 10), 70);
	ck_assert_double_eq(ovl_progress_percent(OVL_PASS_CROSS, 0, 10), 70);
	ck_assert_double_eq(ovl_progress_percent(OVL_PASS_CROSS, 5, 10), 80);
	ck_assert_double_eq(ovl_progress_percent(OVL_PASS_INDEX, 1, 1), 92);
	ck_assert_double_eq(ovl_progress_percent(OVL_PASS_WORK, 1, 1), 95);
	ck_assert_double_eq(ovl_progress_percent(OVL_PASS_VERIFY, 7, 3), 100);
	ck_assert_double_eq(ovl_progress_percent(OVL_PASS_VERIFY, 0, 0), 100);
}
END_TEST

START_TEST(test_progress_eta)
{
	char eta[32];

	format_eta(eta, sizeof(eta), 0.5, 50); /* too early to tell */
	ck_assert_str_eq(eta, "");
	format_eta(eta, sizeof(eta), 60, 0.5);
	ck_assert_str_eq(eta, "");
	format_eta(eta, sizeof(eta), 60, 50);
	ck_assert_str_eq(eta, " 1:01 left");
	format_eta(eta, sizeof(eta), 3600, 25);
	ck_assert_str_eq(eta, " 3:00:01 left");
	format_eta(eta, sizeof(eta), 100000, 1);
	ck_assert_str_eq(eta, "");
	format_eta(eta, sizeof(eta), 60, 100);
	ck_assert_str_eq(eta, "");
}
END_TEST

START_TEST(test_signals_cancel)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP };

	ck_assert(!ovl_signals_cancelled());
	ck_assert_int_eq(raise(signals[_i]), 0);
	ck_assert(ovl_signals_cancelled());
	raise(signals[_i]); /* the second one waits for nothing */
	ck_abort_msg("still there");
}
END_TEST

START_TEST(test_signals_nohup)
{
	ck_assert(signal(SIGHUP, SIG_IGN) != SIG_ERR);
	ovl_signals_install();
	ck_assert_int_eq(raise(SIGHUP), 0);
	ck_assert(!ovl_signals_cancelled());
}
END_TEST

int main(void)
{
	Suite *s = suite_create("fsck/progress");
	TCase *t = tcase_create("progress");

	tcase_add_checked_fixture(t, setup, NULL);
	tcase_add_test(t, test_progress_lines);
	tcase_add_test(t, test_progress_five_passes);
	tcase_add_test(t, test_progress_nothing_told);
	tcase_add_test(t, test_progress_nonsense);
	tcase_add_test(t, test_progress_signals);
	tcase_add_test(t, test_progress_reader_gone);
	tcase_add_test(t, test_progress_reader_slow);
	tcase_add_test(t, test_progress_bad_fd);
	tcase_add_test(t, test_progress_not_asked);
	tcase_add_test(t, test_progress_never_back);
	tcase_add_test(t, test_progress_bar);
	tcase_add_test(t, test_progress_percent);
	tcase_add_test(t, test_progress_eta);
	tcase_add_loop_exit_test(t, test_signals_cancel, 32, 0, 3);
	tcase_add_test(t, test_signals_nohup);
	suite_add_tcase(s, t);
	return ovl_unit_main(s);
}
