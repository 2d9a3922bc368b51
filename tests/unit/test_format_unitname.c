/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "format/unitname.h"
#include "overlayfs/boot.h"
#include "unit/unit.h"

static const struct {
	const char *path;
	const char *name; /* NULL: refused */
	const char *back; /* NULL: the path itself */
} names[] = {
	{ "/", "-", NULL },
	{ "//", "-", "/" },
	{ "/./", "-", "/" },
	{ "/srv", "srv", NULL },
	{ "/srv/merged", "srv-merged", NULL },
	{ "//srv//./merged/", "srv-merged", "/srv/merged" },
	{ "/srv/my-data", "srv-my\\x2ddata", NULL },
	{ "/-", "\\x2d", NULL },
	{ "/a\\x2db", "a\\x5cx2db", NULL },
	{ "/.hidden/.x", "\\x2ehidden-.x", NULL },
	{ "/...", "\\x2e..", NULL },
	{ "/a b\"c'd%e$f@g", "a\\x20b\\x22c\\x27d\\x25e\\x24f\\x40g", NULL },
	{ "/a:b_c.d", "a:b_c.d", NULL },
	{ "/new\nline\t\x01\x7f", "new\\x0aline\\x09\\x01\\x7f", NULL },
	{ "/gr\xc3\xbc\xc3\x9f", "gr\\xc3\\xbc\\xc3\\x9f", NULL },
	{ "/\xff\xfe", "\\xff\\xfe", NULL },
	{ "", NULL, NULL },
	{ "srv", NULL, NULL },
	{ "./srv", NULL, NULL },
	{ "/srv/..", NULL, NULL },
	{ "/../srv", NULL, NULL },
	{ "/srv/../x", NULL, NULL },
};

START_TEST(test_add)
{
	_cleanup_(ovl_buf_done) struct ovl_buf b = { 0 };
	_cleanup_free_ char *back = NULL;

	ck_assert_int_eq(ovl_buf_adds(&b, "x"), 0);
	ck_assert_int_eq(ovl_unitname_add(&b, names[_i].path), names[_i].name ? 0 : -EINVAL);
	if (!names[_i].name) {
		ck_assert_str_eq(b.data, "x"); /* nothing was added */
		return;
	}
	ck_assert_str_eq(b.data + 1, names[_i].name);
	ck_assert_int_eq(ovl_boot_unescape(names[_i].name, &back), 0);
	ck_assert_str_eq(back, names[_i].back ? names[_i].back : names[_i].path);
}
END_TEST

/* Names that no path has */
static const char *const bad[] = {
	"",       "a--b",           "-a",     "a-",     "a b",        "a/b", "\\x2f",
	"a\\x",   "a\\xz",          "a\\x2D", "a\\x61", "\\x00",      ".a",  "a-.",
	"a-..-b", "a-\\x2e\\x2e-b", "a\\",    "a@b",    "gr\xc3\xbc", "--",  "\\x2e\\x2e",
	"\\x2e.", "\\x2e",
};

START_TEST(test_bad)
{
	char *back = NULL;

	ck_assert_int_eq(ovl_boot_unescape(bad[_i], &back), -EINVAL);
	ck_assert_ptr_null(back);
}
END_TEST

/* What systemd-escape(1) prints; false if it refuses. */
static bool ask_systemd(const char *path, char *answer, size_t room)
{
	int fd[2], status = -1;
	size_t len = 0;
	ssize_t n;
	pid_t pid;

	ck_assert_int_eq(pipe(fd), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		dup2(fd[1], STDOUT_FILENO);
		close(STDERR_FILENO);
		execlp("systemd-escape", "systemd-escape", "--path", "--", path, NULL);
		_exit(127);
	}
	close(fd[1]);
	while (len < room - 1 && (n = read(fd[0], answer + len, room - 1 - len)) > 0)
		len += (size_t)n;
	close(fd[0]);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	if (len > 0 && answer[len - 1] == '\n')
		len--;
	answer[len] = '\0';
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

START_TEST(test_as_systemd)
{
	static char answer[4096];
	unsigned c;

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		bool ok;

		if (*names[i].path != '/') /* it only warns of these */
			continue;
		ok = ask_systemd(names[i].path, answer, sizeof(answer));
		ck_assert_msg(ok == (names[i].name != NULL), "'%s'", names[i].path);
		if (ok)
			ck_assert_str_eq(answer, names[i].name);
	}
	/* each byte, in front and in the middle */
	for (c = 1; c < 256; c++) {
		const char path[] = { '/', (char)c, 'a', (char)c, '/', (char)c, 'b', '\0' };
		_cleanup_free_ char *name = NULL;

		ck_assert_int_eq(ovl_boot_escape(path, &name), 0);
		ck_assert(ask_systemd(path, answer, sizeof(answer)));
		ck_assert_str_eq(answer, name);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("format/unitname");
	TCase *t = tcase_create("unitname");

	tcase_set_timeout(t, 120);
	tcase_add_loop_test(t, test_add, 0, (int)ARRAY_LEN(names));
	tcase_add_loop_test(t, test_bad, 0, (int)ARRAY_LEN(bad));
	if (access("/usr/bin/systemd-escape", X_OK) == 0)
		tcase_add_test(t, test_as_systemd);
	else
		printf("# SKIP as systemd: there is no systemd-escape\n");
	suite_add_tcase(s, t);
	return ovl_unit_main(s);
}
