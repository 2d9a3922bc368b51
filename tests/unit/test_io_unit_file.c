/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "io/unit_file.h"
#include "unit/test_io_kit.h"

static const char *const unit_dirs[] = { "etc", "run", "lib", NULL };

static int unit(const char *where, struct ovl_unit_file *u, char *text, size_t room)
{
	struct ovl_error e = OVL_ERROR_INIT;
	int r;

	memset(u, 0, sizeof(*u));
	r = ovl_unit_file_find(unit_dirs, where, u, &e);
	if (text)
		snprintf(text, room, "%s", e.text ? e.text : "");
	ck_assert_int_eq(e.code, r < 0 ? r : 0);
	ovl_error_done(&e);
	return r;
}

START_TEST(test_unit_file)
{
	struct ovl_unit_file u;

	kit_run("rm -rf etc run lib; mkdir etc run lib");
	kit_write("lib/srv-a.mount",
		  "[Unit]\nOptions=not=this\n# [Mount]\n[Mount]\n"
		  "What=overlay\n Where = /srv/a \nType=overlay\r\n"
		  "Options=lowerdir=/a:/b,\\\n# comment\n; another\nupperdir=/u%%u\n"
		  "[Install]\nWantedBy=x\nOptions=nor=this\n");
	ck_assert_int_eq(unit("/srv/a", &u, NULL, 0), 1);
	ck_assert_str_eq(u.path, "lib/srv-a.mount");
	ck_assert_str_eq(u.where, "/srv/a");
	ck_assert_str_eq(u.type, "overlay");
	ck_assert_str_eq(u.options, "lowerdir=/a:/b, upperdir=/u%u");
	ovl_unit_file_done(&u);
	ovl_unit_file_done(&u);
	ovl_unit_file_done(NULL);
	ck_assert_int_eq(unit("/srv", &u, NULL, 0), 0);
	ck_assert_int_eq(unit("/srv/a/b", &u, NULL, 0), 0);
	ck_assert_int_eq(unit("/", &u, NULL, 0), 0);

	/* a stronger folder decides; what leads to /dev/null, or is empty, masks */
	kit_write("run/srv-a.mount", "[Mount]\nType=overlay\nOptions=one\nOptions=\nOptions=two");
	ck_assert_int_eq(unit("/srv/a", &u, NULL, 0), 1);
	ck_assert_str_eq(u.options, "two");
	ck_assert_ptr_null(u.where);
	ovl_unit_file_done(&u);
	kit_run("ln -s /dev/null etc/srv-a.mount");
	ck_assert_int_eq(unit("/srv/a", &u, NULL, 0), 0);
	kit_run("rm etc/srv-a.mount; : > etc/srv-a.mount");
	ck_assert_int_eq(unit("/srv/a", &u, NULL, 0), 0);
}
END_TEST

START_TEST(test_unit_file_names)
{
	static const char *const names[][2] = {
		{ "/", "-.mount" },
		{ "/srv/my-data", "srv-my\\x2ddata.mount" },
		{ "/.hidden/.x", "\\x2ehidden-.x.mount" },
		{ "/a b\\c", "a\\x20b\\x5cc.mount" },
		{ "/\xc3\xa4", "\\xc3\\xa4.mount" },
		{ "/A:_9", "A:_9.mount" },
	};
	struct ovl_unit_file u;
	char path[64];
	size_t i;

	kit_run("rm -rf etc; mkdir -p etc run lib");
	for (i = 0; i < ARRAY_LEN(names); i++) {
		snprintf(path, sizeof(path), "etc/%s", names[i][1]);
		kit_write(path, "[Mount]\nType=overlay\nOptions=x\n");
		ck_assert_msg(unit(names[i][0], &u, NULL, 0) == 1, "%s", names[i][0]);
		ovl_unit_file_done(&u);
	}
}
END_TEST

START_TEST(test_unit_file_dropins)
{
	struct ovl_unit_file u;

	kit_run("rm -rf etc run lib; mkdir -p etc run lib etc/srv-a.mount.d run/srv-a.mount.d "
		"lib/srv-.mount.d lib/mount.d lib/s-.mount.d");
	kit_write("lib/srv-a.mount", "[Mount]\nType=ext4\nOptions=base\n");
	kit_write("lib/srv-.mount.d/20.conf", "[Mount]\nOptions=prefix\n");
	kit_write("lib/s-.mount.d/99.conf", "[Mount]\nOptions=wrong\n");
	kit_write("lib/mount.d/10.conf", "[Mount]\nType=overlay\nOptions=all\n");
	ck_assert_int_eq(unit("/srv/a", &u, NULL, 0), 1);
	ck_assert_str_eq(u.type, "overlay");
	ck_assert_str_eq(u.options, "prefix");
	ovl_unit_file_done(&u);
	/* by name, whatever the folder; of the same name the stronger folder's */
	kit_write("run/srv-a.mount.d/30.conf", "[Mount]\nOptions=run\n");
	kit_write("etc/srv-a.mount.d/05.conf", "[Mount]\nOptions=early\n");
	kit_write("etc/srv-a.mount.d/99.txt", "[Mount]\nOptions=wrong\n");
	ck_assert_int_eq(unit("/srv/a", &u, NULL, 0), 1);
	ck_assert_str_eq(u.options, "run");
	ovl_unit_file_done(&u);
	kit_run("ln -s /dev/null etc/srv-a.mount.d/30.conf");
	ck_assert_int_eq(unit("/srv/a", &u, NULL, 0), 1);
	ck_assert_str_eq(u.options, "prefix");
	ovl_unit_file_done(&u);
}
END_TEST

START_TEST(test_unit_file_refused)
{
	struct ovl_unit_file u;
	char text[512];

	kit_run("rm -rf etc run lib; mkdir -p etc/dir.mount run lib; mkfifo etc/fifo.mount");
	kit_write("etc/a.mount", "[Mount]\nType=overlay\nOptions=lowerdir=%h/x\n");
	ck_assert_int_eq(unit("/a", &u, text, sizeof(text)), -ENODATA);
	ck_assert_ptr_nonnull(strstr(text, "%h"));
	ck_assert_ptr_nonnull(strstr(text, "etc/a.mount"));
	kit_write("etc/b.mount", "[Mount]\nWhere=/c\n");
	ck_assert_int_eq(unit("/b", &u, text, sizeof(text)), -ENODATA);
	ck_assert_ptr_nonnull(strstr(text, "'/c'"));
	ck_assert_int_eq(unit("/dir", &u, NULL, 0), -ENODATA);
	ck_assert_int_eq(unit("/fifo", &u, NULL, 0), -ENODATA);
	/* what is replaced does not matter */
	kit_run("mkdir etc/a.mount.d");
	kit_write("etc/a.mount.d/1.conf", "[Mount]\nOptions=lowerdir=/x\n");
	ck_assert_int_eq(unit("/a", &u, NULL, 0), 1);
	ovl_unit_file_done(&u);
	/* other settings may have specifiers */
	kit_write("etc/d.mount", "[Mount]\nWhat=%i\nDirectoryMode=%x\nOptions=x");
	ck_assert_int_eq(unit("/d", &u, NULL, 0), 1);
	ovl_unit_file_done(&u);
}
END_TEST

static const char *const dirs_and_fstab[] = { "etc", "run", "", "lib", NULL };

START_TEST(test_unit_file_over_fstab)
{
	struct ovl_unit_file u = { 0 };

	kit_run("rm -rf etc run lib; mkdir -p etc run lib lib/srv-.mount.d");
	ck_assert_int_eq(ovl_unit_file_over_fstab(dirs_and_fstab, "/srv/a", &u, NULL), 0);
	ck_assert_ptr_null(u.options);
	/* the line beats /usr, but not its drop-ins */
	kit_write("lib/srv-a.mount", "[Mount]\nType=overlay\nOptions=weak\n");
	kit_write("lib/srv-.mount.d/1.conf", "[Mount]\nOptions=drop%%in\n");
	ck_assert_int_eq(ovl_unit_file_over_fstab(dirs_and_fstab, "/srv/a", &u, NULL), 0);
	ck_assert_str_eq(u.options, "drop%%in");
	ck_assert_int_eq(ovl_unit_file_settle(&u, "/srv/a", NULL), 0);
	ck_assert_str_eq(u.options, "drop%in");
	ck_assert_ptr_null(u.type);
	ovl_unit_file_done(&u);
	/* /etc and /run beat the line, also by a mask */
	kit_write("run/srv-a.mount", "[Mount]\nOptions=strong\n");
	ck_assert_int_eq(ovl_unit_file_over_fstab(dirs_and_fstab, "/srv/a", &u, NULL), 1);
	kit_run("rm run/srv-a.mount; ln -s /dev/null etc/srv-a.mount");
	ck_assert_int_eq(ovl_unit_file_over_fstab(dirs_and_fstab, "/srv/a", &u, NULL), 1);
	ck_assert_ptr_null(u.options);
	/* without fstab among the folders, it is the strongest */
	ck_assert_int_eq(ovl_unit_file_over_fstab(unit_dirs, "/srv/a", &u, NULL), 0);
	ovl_unit_file_done(&u);
	/* the mark is no folder: "/" has no units */
	ck_assert_int_eq(ovl_unit_file_find(dirs_and_fstab, "/bin", &u, NULL), 0);
}
END_TEST

START_TEST(test_unit_file_list)
{
	static const char *const want[] = { "/", "/.h", "/a b\\c", "/srv/my-data", "/srv/x" };
	struct ovl_unit_places p = { { 0 } };
	size_t i;

	kit_run("rm -rf etc run lib; mkdir -p etc run lib");
	ck_assert_int_eq(ovl_unit_file_list(dirs_and_fstab, &p, NULL), 0);
	ck_assert_uint_eq(p.path.len, 0);
	kit_run("touch etc/-.mount run/srv-x.mount lib/srv-x.mount etc/srv-x.mount "
		"'lib/srv-my\\x2ddata.mount' 'etc/\\x2eh.mount' 'run/a\\x20b\\x5cc.mount'");
	/* what systemd would not take for a mount unit, or for another unit */
	kit_run("touch etc/.mount etc/x.service etc/x.mount.wants 'etc/a b.mount' 'etc/-a.mount' "
		"'etc/a--b.mount' 'etc/a-.mount' etc/a-..-b.mount etc/a-..mount etc/a-...mount 'etc/\\x00.mount' 'etc/\\x2.mount' 'etc/\\x2D.mount'"
		" 'etc/\\x61.mount' 'etc/\\xzz.mount' 'etc/\\x2f.mount' \"etc/$(printf '\\377').mount\"");
	ck_assert_int_eq(ovl_unit_file_list(dirs_and_fstab, &p, NULL), 0);
	ck_assert_uint_eq(p.path.len, ARRAY_LEN(want));
	for (i = 0; i < ARRAY_LEN(want); i++)
		ck_assert_str_eq(p.path.data[i], want[i]);
	ovl_unit_places_done(&p);
	kit_run("rm -rf etc; touch etc"); /* no folder, no units */
	ck_assert_int_eq(ovl_unit_file_list(dirs_and_fstab, &p, NULL), 0);
	ovl_unit_places_done(&p);
	kit_run("rm etc");
}
END_TEST

START_TEST(test_unit_file_settle)
{
	struct ovl_unit_file u;
	char text[512];
	struct ovl_error e = OVL_ERROR_INIT;

	/* what it is can be told before it is refused */
	kit_run("rm -rf etc run lib; mkdir -p etc run lib");
	kit_write("etc/a.mount", "[Mount]\nType=ext4\nOptions=%h\n");
	ck_assert_int_eq(ovl_unit_file_read(unit_dirs, "/a", &u, &e), 1);
	ck_assert_str_eq(u.type, "ext4");
	ck_assert_int_eq(ovl_unit_file_settle(&u, "/a", &e), -ENODATA);
	snprintf(text, sizeof(text), "%s", e.text ? e.text : "");
	ck_assert_ptr_nonnull(strstr(text, "etc/a.mount"));
	ovl_error_done(&e);
	ovl_unit_file_done(&u);
}
END_TEST

/* Through the front door: in the folders of systemd, of a mount namespace of ours. */

int main(void)
{
	Suite *suite = suite_create("io/unit_file");
	TCase *tc = tcase_create("unit_file");

	tcase_add_unchecked_fixture(tc, kit_setup, kit_teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, test_unit_file);
	tcase_add_test(tc, test_unit_file_names);
	tcase_add_test(tc, test_unit_file_over_fstab);
	tcase_add_test(tc, test_unit_file_list);
	tcase_add_test(tc, test_unit_file_settle);
	tcase_add_test(tc, test_unit_file_dropins);
	tcase_add_test(tc, test_unit_file_refused);
	suite_add_tcase(suite, tc);
	return ovl_unit_main(suite);
}
