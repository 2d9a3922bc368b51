/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "io/mountinfo.h"
#include "io/unit_file.h"
#include "overlayfs/mount.h"
#include "unit/oom.h"
#include "unit/test_io_kit.h"

/* ---- The mount table ---- */

static int count_row(struct ovl_mountinfo_row *row, void *ctx)
{
	(void)row;
	return ++*(int *)ctx == 3 ? 33 : 0;
}

static int keep_config(struct ovl_mountinfo_row *row, void *ctx)
{
	if (strcmp(row->fs_type, "overlay") != 0)
		return 0;
	return ovl_mountinfo_config(row, row->parent == 999, ctx, NULL);
}

START_TEST(test_mountinfo_lines)
{
	int n = 0;

	kit_write("mi", "20 1 0:1 / / rw - ext4 /dev/sda rw\n"
			"garbage\n"
			"21 20 0:2 / /a rw shared:1 master:2 - tmpfs  rw\n" /* no source */
			"\n"
			"22 20 0:3 / /b rw -\n"
			"-1 20 0:3 / /b rw - t s rw\n"
			"99999999999999999999999 20 0:3 / /b rw - t s rw\n"
			"23 20 0:3 / /b rw - t s rw"); /* no newline */
	ck_assert_int_eq(ovl_mountinfo_read("mi", count_row, &n), 33);
	ck_assert_int_eq(n, 3);
	n = 10;
	ck_assert_int_eq(ovl_mountinfo_read("mi", count_row, &n), 0);
	ck_assert_int_eq(n, 13);
	ck_assert_int_eq(ovl_mountinfo_read("none", count_row, &n), -ENOENT);
	ck_assert_int_eq(ovl_mountinfo_read(".", count_row, &n), -EISDIR);
}
END_TEST

START_TEST(test_mountinfo_unescape)
{
	char s[] = "a\\040b\\134\\054\\011c\\04", t[] = "\\999\\400\\377\\", empty[] = "";

	ck_assert_str_eq(ovl_mountinfo_unescape(s), "a b\\,\tc\\04");
	ck_assert_str_eq(ovl_mountinfo_unescape(t), "\\999\\400\377\\");
	ck_assert_str_eq(ovl_mountinfo_unescape(empty), "");
	ck_assert(ovl_mountinfo_has_option("rw,ro", "ro"));
	ck_assert(!ovl_mountinfo_has_option("rw,rox,norp", "ro"));
	ck_assert(!ovl_mountinfo_has_option("", "ro"));
}
END_TEST

/* As Linux 6.18 printed it for -o 'lowerdir=l\,o:c\:d,upperdir=u\,p\\x,workdir=w k'. */
START_TEST(test_mountinfo_config)
{
	struct ovl_config c = { 0 };

	kit_write("mi", "69 65 0:41 / /m rw,relatime - overlay o rw,context=\"u:r:t:c1,c2\","
			"lowerdir=l\\134\\054o:c\\134:d,upperdir=u\\134\\054p\\134\\134x,"
			"workdir=w\\040k,uuid=on,novel=1\n");
	ck_assert_int_eq(ovl_mountinfo_read("mi", keep_config, &c), 0);
	ck_assert_uint_eq(c.n_lower, 2);
	ck_assert_str_eq(c.lower[0], "l,o");
	ck_assert_str_eq(c.lower[1], "c:d");
	ck_assert_str_eq(c.upper, "u,p\\x");
	ck_assert_str_eq(c.work, "w k");
	ck_assert_int_eq(c.uuid, OVL_UUID_ON);
	ck_assert(!c.read_only);
	ck_assert_uint_eq(c.n_unknown, 1);
	ovl_config_done(&c);

	/* from fsconfig(): an unescaped comma, layers one by one, an unknown value */
	kit_write("mi", "68 999 0:41 / /m ro,relatime - overlay none rw,lowerdir+=l\\054o,"
			"lowerdir+=c:d,datadir+=x\\134y,uuid=novel\n");
	ck_assert_int_eq(ovl_mountinfo_read("mi", keep_config, &c), 0);
	ck_assert_uint_eq(c.n_lower, 2);
	ck_assert_str_eq(c.lower[0], "l,o");
	ck_assert_str_eq(c.lower[1], "c:d");
	ck_assert_uint_eq(c.n_data, 1);
	ck_assert_str_eq(c.data[0], "x\\y");
	ck_assert(c.read_only);
	ovl_config_done(&c);
	kit_write(
		"mi",
		"68 65 0:41 / /m ro - overlay none rw,lowerdir=l\\054o::data,volatile,uuid=novel\n");
	ck_assert_int_eq(ovl_mountinfo_read("mi", keep_config, &c), -EINVAL);
	ck_assert_uint_eq(c.n_lower, 0);
}
END_TEST

/* ---- ovl_mount_find ---- */

struct answer {
	int r;
	struct ovl_config config;
	enum ovl_mount_source source;
	char *target;
	char text[1024];
};

static void find(const char *where, const char *fstab, struct answer *a)
{
	struct ovl_error e = OVL_ERROR_INIT;

	memset(a, 0, sizeof(*a));
	a->r = ovl_mount_find(where, fstab, &a->config, &a->source, &a->target, &e);
	ck_assert_int_eq(e.code, a->r);
	snprintf(a->text, sizeof(a->text), "%s", e.text ? e.text : "");
	ovl_error_done(&e);
	if (a->r < 0) {
		ck_assert_ptr_null(a->target);
		ck_assert_uint_eq(a->config.n_lower, 0);
	}
}

static void answer_done(struct answer *a)
{
	ovl_config_done(&a->config);
	free(a->target);
}

static const char fstab_text[] =
	"# comment\n"
	"/dev/sda1 / ext4 defaults 0 1\n"
	"overlay %s/mp overlay noauto,ro,x-systemd.requires=/u,lowerdir=/l\\040x:/k\\134:k,upperdir=/u\\134\\054u,workdir=/w,metacopy=on 0 2\n"
	"overlay /other/ overlay lowerdir=/a:/b 0 0\n"
	"mine /twice overlay lowerdir=/a:/b 0 0\n"
	"malformed\n"
	"tmpfs /t tmpfs lowerdir=/no 0 0\n"
	"own /twi\\040ce overlay lowerdir=/c:/d 0 0\n"
	"nothing /nothing overlay defaults 0 0";

static void write_fstab(const char *path)
{
	_cleanup_free_ char *text = ovl_tool_format(fstab_text, kit_dir);

	kit_write(path, text);
}

START_TEST(test_mount_fstab)
{
	static const char *const ways[] = { "mp", "./mp/", "link", "mp/../mp" };
	_cleanup_free_ char *want = ovl_tool_format("%s/mp", kit_dir);
	struct answer a;
	size_t i;

	kit_run("mkdir -p mp; ln -sfn mp link");
	write_fstab("fstab");
	for (i = 0; i < ARRAY_LEN(ways); i++) {
		find(ways[i], "fstab", &a);
		ck_assert_msg(a.r == 0, "%s: %s", ways[i], a.text);
		ck_assert_int_eq(a.source, OVL_SOURCE_FSTAB);
		ck_assert_str_eq(a.target, want);
		ck_assert_uint_eq(a.config.n_lower, 2);
		ck_assert_str_eq(a.config.lower[0], "/l x");
		ck_assert_str_eq(a.config.lower[1], "/k:k");
		ck_assert_str_eq(a.config.upper, "/u,u");
		ck_assert_str_eq(a.config.work, "/w");
		ck_assert_int_eq(a.config.metacopy, OVL_ON);
		ck_assert(a.config.read_only);
		ck_assert_uint_eq(a.config.n_unknown, 0);
		answer_done(&a);
	}
	/* a mount point that does not exist yet */
	find("//other/.//", "fstab", &a);
	ck_assert_int_eq(a.r, 0);
	ck_assert_str_eq(a.config.lower[1], "/b");
	answer_done(&a);
	find("/twi ce", "fstab", &a);
	ck_assert_int_eq(a.r, 0);
	ck_assert_str_eq(a.config.lower[0], "/c");
	answer_done(&a);
	/* by the first field, if only one line has it */
	find("own", "fstab", &a);
	ck_assert_int_eq(a.r, 0);
	ck_assert_str_eq(a.target, "/twi ce");
	answer_done(&a);
	find("overlay", "fstab", &a);
	ck_assert_int_eq(a.r, -ENOTUNIQ);
	ck_assert_ptr_nonnull(strstr(a.text, "/mp, /other"));
	/* another type is none of ours */
	find("/t", "fstab", &a);
	ck_assert_int_eq(a.r, -ENOENT);
	find("/none", "fstab", &a);
	ck_assert_int_eq(a.r, -ENOENT);
	ck_assert_ptr_nonnull(strstr(a.text, "'/none'"));
	kit_write("bare", "o /m overlay\n");
	find("/m", "bare", &a);
	ck_assert_int_eq(a.r, -ENODATA);
	ck_assert_ptr_nonnull(strstr(a.text, "no options"));
	kit_run("mkfifo pipe");
	find("/m", "pipe", &a);
	ck_assert_int_eq(a.r, -ENODATA);
	ck_assert_ptr_nonnull(strstr(a.text, "'pipe' is no regular file"));
	find("/none", "no-such-fstab", &a);
	ck_assert_int_eq(a.r, -ENOENT);
	ck_assert_ptr_nonnull(strstr(a.text, "no-such-fstab"));
	find("a\nb", "fstab", &a);
	ck_assert_int_eq(a.r, -ENOENT);
	ck_assert_ptr_null(strchr(a.text, '\n'));
}
END_TEST

START_TEST(test_mount_fstab_file_variable)
{
	struct answer a;

	write_fstab("fstab");
	ck_assert_int_eq(setenv("FSTAB_FILE", "fstab", 1), 0);
	find("own", NULL, &a);
	ck_assert_int_eq(a.r, 0);
	answer_done(&a);
	/* one that is not there says nothing, as a missing /etc/fstab */
	ck_assert_int_eq(setenv("FSTAB_FILE", "no-such-fstab", 1), 0);
	find("own", NULL, &a);
	ck_assert_int_eq(a.r, -ENOENT);
	ck_assert_ptr_null(strstr(a.text, "no-such-fstab"));
}
END_TEST

/* The first one is the one that is mounted. */
START_TEST(test_mount_fstab_same_target)
{
	struct answer a;

	kit_write("fstab", "o /m overlay lowerdir=/a:/b 0 0\no /m/ overlay lowerdir=/c:/d 0 0\n");
	find("/m", "fstab", &a);
	ck_assert_int_eq(a.r, 0);
	ck_assert_str_eq(a.config.lower[0], "/a");
	answer_done(&a);
}
END_TEST

START_TEST(test_mount_added)
{
	struct ovl_config c = { 0 };
	enum ovl_mount_source source;
	struct ovl_error e = OVL_ERROR_INIT;
	char *target = NULL;

	write_fstab("fstab");
	ck_assert_int_eq(ovl_config_parse(&c, "index=on,lowerdir=/x:/y", NULL), 0);
	ck_assert_int_eq(ovl_mount_find("own", "fstab", &c, &source, &target, &e), 0);
	ck_assert_int_eq(c.index, OVL_ON);
	ck_assert_uint_eq(c.n_lower, 2);
	ck_assert_str_eq(c.lower[0], "/c");
	free(target);
	ovl_config_done(&c);
}
END_TEST

/* ---- Live mounts ---- */

START_TEST(test_mount_live)
{
	_cleanup_free_ char *mm = ovl_tool_format("%s/live/m m", kit_dir);
	_cleanup_free_ char *upper = ovl_tool_format("%s/live/u,\\p", kit_dir);
	_cleanup_free_ char *lower = ovl_tool_format("%s/live/l:o", kit_dir);
	struct answer a;

	kit_private_mounts();
	kit_run("mkdir live; mount -t tmpfs t live; cd live; mkdir 'm m' 'u,\\p' 'l:o' w o sub sub/in;"
		"mount -t overlay none -o \"lowerdir=$PWD/l\\:o:$PWD/o,upperdir=$PWD/u\\,\\\\\\\\p,workdir=$PWD/w,index=on,ro\" 'm m';"
		"ln -s 'm m' link; mount --bind 'm m' sub; mkdir u2 w2;"
		"mount -t overlay none -o lowerdir=o,upperdir=u2,workdir=w2 sub/");
	kit_write("fstab", "x /live overlay lowerdir=/a:/b 0 0\n");
	find("live/link", "fstab", &a);
	ck_assert_msg(a.r == 0, "%s", a.text);
	ck_assert_int_eq(a.source, OVL_SOURCE_MOUNTED);
	ck_assert_str_eq(a.target, mm);
	ck_assert_str_eq(a.config.upper, upper);
	ck_assert_uint_eq(a.config.n_lower, 2);
	ck_assert_str_eq(a.config.lower[0], lower);
	ck_assert_int_eq(a.config.index, OVL_ON);
	ck_assert(a.config.read_only);
	answer_done(&a);
	/* the mount on top, whose layers cannot be found */
	find("live/sub", "fstab", &a);
	ck_assert_int_eq(a.r, -ENODATA);
	ck_assert_ptr_nonnull(strstr(a.text, "'u2'"));
	ck_assert_ptr_nonnull(strstr(a.text, "-o"));
	/* no root of a mount */
	kit_run("mkdir live/u,\\\\p/dir");
	find("live/m m/dir", "fstab", &a);
	ck_assert_int_eq(a.r, -ENOENT);
	find("live", "fstab", &a);
	ck_assert_int_eq(a.r, -ENOENT);
	/* a layer that was moved away */
	kit_run("cd live; mv o gone");
	find("live/m m", "fstab", &a);
	ck_assert_int_eq(a.r, -ENODATA);
	ck_assert_ptr_nonnull(strstr(a.text, "/live/o'"));
}
END_TEST

/* 13 KB of options, which would not fit into the line of getmntent() */
START_TEST(test_mount_live_long)
{
	int context, mnt, i;
	struct answer a;
	char path[256];

	kit_private_mounts();
	kit_run("mkdir long; mount -t tmpfs t long; mkdir long/m long/d");
	context = fsopen("overlay", FSOPEN_CLOEXEC);
	for (i = 1; i <= 400; i++) {
		snprintf(path, sizeof(path), "%s/long/d/a-rather-long-name-for-a-layer-%d", kit_dir,
			 i);
		ck_assert_int_eq(mkdir(path, 0755), 0);
		if (fsconfig(context, FSCONFIG_SET_STRING, "lowerdir+", path, 0) < 0) {
			kit_skip("a long option string", "no lowerdir+");
			return;
		}
	}
	ck_assert_int_eq(fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0), 0);
	mnt = fsmount(context, FSMOUNT_CLOEXEC, 0);
	ck_assert_int_ge(mnt, 0);
	ck_assert_int_eq(move_mount(mnt, "", AT_FDCWD, "long/m", MOVE_MOUNT_F_EMPTY_PATH), 0);
	close(context);
	close(mnt);
	find("long/m", "/dev/null", &a);
	ck_assert_msg(a.r == 0, "%s", a.text);
	ck_assert_uint_eq(a.config.n_lower, 400);
	ck_assert_str_eq(a.config.lower[399], path);
	answer_done(&a);
}
END_TEST

/* ---- Units ---- */

#if OVL_OOM
static const char *const unit_dirs[] = { "etc", "run", "lib", NULL };
#endif

START_TEST(test_mount_unit)
{
	struct answer a;

	kit_private_mounts();
	kit_run("mkdir -p /run/systemd; mount -t tmpfs t /run/systemd; mkdir /run/systemd/system;"
		"printf '[Mount]\\nType=overlay\\nOptions=lowerdir=/a:/b,x-foo\\n' > /run/systemd/system/srv-u.mount;"
		"printf '[Mount]\\nType=ext4\\nOptions=rw\\n' > /run/systemd/system/srv-e.mount");
	kit_write("empty", "");
	find("/srv/u", "empty", &a);
	ck_assert_msg(a.r == 0, "%s", a.text);
	ck_assert_int_eq(a.source, OVL_SOURCE_UNIT);
	ck_assert_str_eq(a.target, "/srv/u");
	ck_assert_str_eq(a.config.lower[0], "/a");
	answer_done(&a);
	find("/srv/e", "empty", &a);
	ck_assert_int_eq(a.r, -ENOENT);
}
END_TEST

#if OVL_OOM
START_TEST(test_mount_no_memory)
{
	struct ovl_unit_file u = { 0 };
	struct ovl_config c = { 0 };
	enum ovl_mount_source source;
	char *target = NULL;
	int r;

	if (!ovl_oom_works())
		return;
	write_fstab("fstab");
	kit_run("rm -rf etc run lib; mkdir -p etc/srv-.mount.d run lib");
	kit_write("etc/srv-a.mount", "[Mount]\nType=overlay\nOptions=x\n");
	kit_write("etc/srv-.mount.d/1.conf", "[Mount]\nOptions=lowerdir=/a:\\\n/b\n");
	OVL_OOM_LOOP(n)
	{
		ovl_oom_arm(n);
		r = ovl_unit_file_find(unit_dirs, "/srv/a", &u, NULL);
		if (!ovl_oom_disarm())
			break;
		/* a stream does without its buffer: then all must be there */
		if (r == 1) {
			ck_assert_str_eq(u.options, "lowerdir=/a: /b");
			ovl_unit_file_done(&u);
			continue;
		}
		ck_assert_int_eq(r, -ENOMEM);
		ck_assert_ptr_null(u.options);
	}
	ck_assert_int_eq(r, 1);
	ovl_unit_file_done(&u);
	/* libmount has its own mind about lines that it cannot store, but nothing is made up */
	OVL_OOM_LOOP(n)
	{
		ovl_oom_arm(n);
		r = ovl_mount_find("own", "fstab", &c, &source, &target, NULL);
		if (!ovl_oom_disarm())
			break;
		if (r == 0) {
			ck_assert_uint_eq(c.n_lower, 2);
			free(target);
			target = NULL;
			ovl_config_done(&c);
			continue;
		}
		ck_assert_int_lt(r, 0);
		ck_assert_ptr_null(target);
		ck_assert_uint_eq(c.n_lower, 0);
	}
	ck_assert_int_eq(r, 0);
	ck_assert_uint_eq(c.n_lower, 2);
	free(target);
	ovl_config_done(&c);
}
END_TEST
#endif

int main(void)
{
	Suite *suite = suite_create("io/mounts");
	TCase *tc = tcase_create("mounts");

	tcase_add_unchecked_fixture(tc, kit_setup, kit_teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, test_mountinfo_lines);
	tcase_add_test(tc, test_mountinfo_unescape);
	tcase_add_test(tc, test_mountinfo_config);
	tcase_add_test(tc, test_mount_fstab);
	tcase_add_test(tc, test_mount_fstab_file_variable);
	tcase_add_test(tc, test_mount_fstab_same_target);
	tcase_add_test(tc, test_mount_added);
#if OVL_OOM
	tcase_add_test(tc, test_mount_no_memory);
#endif
	if (kit_is_root()) {
		tcase_add_test(tc, test_mount_live);
		tcase_add_test(tc, test_mount_live_long);
		tcase_add_test(tc, test_mount_unit);
	} else {
		kit_skip("live mounts", "not root");
	}
	suite_add_tcase(suite, tc);
	return ovl_unit_main(suite);
}
