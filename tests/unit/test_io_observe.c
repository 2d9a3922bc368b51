/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <sys/sysmacros.h>

#include "io/reader.h"
#include "unit/test_io_kit.h"

/* A reader of one object that is made up. */
struct fake {
	struct ovl_reader reader;
	struct ovl_stat stat;
	int stat_error, list_error;
	const char *list; /* names joined by commas */
	bool cut_last_nul;
	const char *bad; /* the xattr whose value cannot be read */
	int bad_error;
	int lists, gets, stats;
	int64_t data; /* for seek_data: an offset or an error */
};

static int fake_stat(struct ovl_reader *r, int dir, const char *name, struct ovl_stat *ret)
{
	struct fake *f = (struct fake *)r;

	(void)dir;
	(void)name;
	f->stats++;
	if (f->stat_error == 0)
		*ret = f->stat;
	return f->stat_error;
}

static int fake_list(struct ovl_reader *r, int dir, const char *name, struct ovl_buf *buf)
{
	struct fake *f = (struct fake *)r;
	size_t i, len = strlen(f->list);

	(void)dir;
	(void)name;
	f->lists++;
	ovl_buf_clear(buf);
	if (f->list_error)
		return f->list_error;
	for (i = 0; i < len; i++)
		ovl_buf_addc(buf, f->list[i] == ',' ? '\0' : f->list[i]);
	if (len > 0 && !f->cut_last_nul)
		ovl_buf_addc(buf, '\0');
	return 0;
}

static int fake_get(struct ovl_reader *r, int dir, const char *name, const char *xattr,
		    struct ovl_buf *buf)
{
	struct fake *f = (struct fake *)r;

	(void)dir;
	(void)name;
	f->gets++;
	ovl_buf_clear(buf);
	if (f->bad && strcmp(xattr, f->bad) == 0)
		return f->bad_error;
	return ovl_buf_addf(buf, "<%s>", xattr);
}

static int fake_seek(struct ovl_reader *r, int fd, uint64_t offset, uint64_t *ret)
{
	struct fake *f = (struct fake *)r;

	(void)fd;
	(void)offset;
	if (f->data < 0)
		return (int)f->data;
	*ret = (uint64_t)f->data;
	return 0;
}

static const struct ovl_reader_ops fake_ops = {
	.stat = fake_stat,
	.list_xattrs = fake_list,
	.get_xattr = fake_get,
	.seek_data = fake_seek,
};

#define FAKE(...)                                                                       \
	{                                                                               \
		.reader = { &fake_ops }, .stat = { .mode = S_IFREG | 0644, .size = 9 }, \
		__VA_ARGS__                                                             \
	}

static void check_value(const struct ovl_obs *obs, enum ovl_xattr_id id, const char *want)
{
	ck_assert_uint_eq(obs->x[id].len, strlen(want));
	ck_assert_mem_eq(obs->x[id].data, want, strlen(want));
}

START_TEST(test_observe_reads_what_is_there)
{
	struct fake f = FAKE(.list = "security.selinux,trusted.overlay.origin,user.x,"
				     "trusted.overlay.metacopy");
	struct ovl_obs_scratch scratch = { 0 };
	struct ovl_obs obs;

	ck_assert_int_eq(ovl_reader_observe(&f.reader, 3, "x", false, &scratch, &obs), 0);
	ck_assert_int_eq(obs.kind, OVL_KIND_REG);
	ck_assert_uint_eq(obs.stat.size, 9);
	ck_assert_uint_eq(obs.xmask, OVL_XBIT(ORIGIN) | OVL_XBIT(METACOPY));
	ck_assert_uint_eq(obs.xbad, 0);
	check_value(&obs, OVL_X_ORIGIN, "<trusted.overlay.origin>");
	check_value(&obs, OVL_X_METACOPY, "<trusted.overlay.metacopy>");
	ck_assert_uint_eq(obs.names.len, strlen(f.list) + 1);
	ck_assert(!obs.has_unknown && !obs.has_inactive && !obs.has_foreign_layer);
	/* one list, one stat, and no value that nobody asked for */
	ck_assert_int_eq(f.lists, 1);
	ck_assert_int_eq(f.stats, 1);
	ck_assert_int_eq(f.gets, 2);

	/* the same scratch again, for an object with nothing */
	f.list = "";
	ck_assert_int_eq(ovl_reader_observe(&f.reader, 3, "y", false, &scratch, &obs), 0);
	ck_assert_uint_eq(obs.xmask | obs.xbad, 0);
	ck_assert_uint_eq(obs.names.len, 0);
	ovl_obs_scratch_done(&scratch);
	ovl_obs_scratch_done(&scratch);
	ovl_obs_scratch_done(NULL);
}
END_TEST

START_TEST(test_observe_prefixes)
{
	struct fake f = FAKE(.list = "trusted.overlay.opaque,user.overlay.redirect");
	struct ovl_obs_scratch scratch = { 0 };
	struct ovl_obs obs;

	ck_assert_int_eq(ovl_reader_observe(&f.reader, 3, "x", false, &scratch, &obs), 0);
	ck_assert_uint_eq(obs.xmask, OVL_XBIT(OPAQUE));
	ck_assert(obs.has_inactive);
	ck_assert_int_eq(ovl_reader_observe(&f.reader, 3, "x", true, &scratch, &obs), 0);
	ck_assert_uint_eq(obs.xmask, OVL_XBIT(REDIRECT));
	check_value(&obs, OVL_X_REDIRECT, "<user.overlay.redirect>");
	ck_assert(obs.has_inactive);

	f.list = "trusted.overlay.overlay.opaque";
	ck_assert_int_eq(ovl_reader_observe(&f.reader, 3, "x", false, &scratch, &obs), 0);
	ck_assert_uint_eq(obs.xmask | obs.xbad, 0);
	ck_assert(!obs.has_unknown && !obs.has_inactive && !obs.has_foreign_layer);
	f.list = "trusted.overlay.novel";
	ck_assert_int_eq(ovl_reader_observe(&f.reader, 3, "x", false, &scratch, &obs), 0);
	ck_assert(obs.has_unknown);
	f.list = "user.fuseoverlayfs.opaque";
	ck_assert_int_eq(ovl_reader_observe(&f.reader, 3, "x", false, &scratch, &obs), 0);
	ck_assert(obs.has_foreign_layer);
	f.list = "user.not.fuseoverlayfs.,user.fuseoverlayfsx,userfuseoverlayfs.";
	ck_assert_int_eq(ovl_reader_observe(&f.reader, 3, "x", false, &scratch, &obs), 0);
	ck_assert(!obs.has_foreign_layer);
	/* a list that somebody cut short */
	f.list = "user.a,trusted.overlay.impure";
	f.cut_last_nul = true;
	ck_assert_int_eq(ovl_reader_observe(&f.reader, 3, "x", false, &scratch, &obs), 0);
	ck_assert_uint_eq(obs.xmask, OVL_XBIT(IMPURE));
	ovl_obs_scratch_done(&scratch);
}
END_TEST

/* Could not read is never not there. */
START_TEST(test_observe_unreadable)
{
	static const int errors[] = { -EIO, -EPERM, -EACCES, -EOPNOTSUPP, -ERANGE, -E2BIG, -ESTALE };
	struct fake f = FAKE(.list = "trusted.overlay.opaque,trusted.overlay.redirect",
			     .bad = "trusted.overlay.opaque");
	struct ovl_obs_scratch scratch = { 0 };
	struct ovl_obs obs, untouched;
	size_t i;

	for (i = 0; i < ARRAY_LEN(errors); i++) {
		f.bad_error = errors[i];
		ck_assert_int_eq(ovl_reader_observe(&f.reader, 3, "x", false, &scratch, &obs), 0);
		ck_assert_uint_eq(obs.xmask, OVL_XBIT(REDIRECT));
		ck_assert_uint_eq(obs.xbad, OVL_XBIT(OPAQUE));
		ck_assert_int_eq(obs.xerr, errors[i]);
		ck_assert(ovl_obs_has(&obs, OVL_X_OPAQUE));
	}
	/* removed between list and read */
	f.bad_error = -ENODATA;
	ck_assert_int_eq(ovl_reader_observe(&f.reader, 3, "x", false, &scratch, &obs), 0);
	ck_assert_uint_eq(obs.xbad, 0);
	ck_assert(!ovl_obs_has(&obs, OVL_X_OPAQUE));

	memset(&obs, 0x5a, sizeof(obs));
	untouched = obs;
	f.bad_error = -ENOMEM;
	ck_assert_int_eq(ovl_reader_observe(&f.reader, 3, "x", false, &scratch, &obs), -ENOMEM);
	f.list_error = -EIO;
	ck_assert_int_eq(ovl_reader_observe(&f.reader, 3, "x", false, &scratch, &obs), -EIO);
	f.list_error = 0;
	f.stat_error = -ENOENT;
	ck_assert_int_eq(ovl_reader_observe(&f.reader, 3, "x", false, &scratch, &obs), -ENOENT);
	ck_assert_mem_eq(&obs, &untouched, sizeof(obs));
	ovl_obs_scratch_done(&scratch);
}
END_TEST

static const struct {
	uint32_t mode;
	uint64_t rdev, size;
	const char *list;
	enum ovl_kind kind;
} kinds[] = {
	{ S_IFDIR, 0, 0, "", OVL_KIND_DIR },
	{ S_IFREG, 0, 0, "", OVL_KIND_REG },
	{ S_IFREG, 0, 0, "trusted.overlay.whiteout", OVL_KIND_XWHITEOUT },
	{ S_IFREG, 0, 1, "trusted.overlay.whiteout", OVL_KIND_REG },
	{ S_IFREG, 0, 0, "user.overlay.whiteout", OVL_KIND_REG },
	{ S_IFREG, 0, 0, "trusted.overlay.overlay.whiteout", OVL_KIND_REG },
	{ S_IFREG, 0, 0, "trusted.overlay.whiteouts", OVL_KIND_REG },
	{ S_IFDIR, 0, 0, "trusted.overlay.whiteout", OVL_KIND_DIR },
	{ S_IFLNK, 0, 0, "trusted.overlay.whiteout", OVL_KIND_SYMLINK },
	{ S_IFLNK, 0, 5, "", OVL_KIND_SYMLINK },
	{ S_IFIFO, 0, 0, "", OVL_KIND_FIFO },
	{ S_IFSOCK, 0, 0, "", OVL_KIND_SOCK },
	{ S_IFBLK, 0, 0, "", OVL_KIND_BLK },
	{ S_IFCHR, 0, 0, "", OVL_KIND_WHITEOUT },
	{ S_IFCHR, 0x103, 0, "", OVL_KIND_CHR },
	{ S_IFCHR, 1, 0, "", OVL_KIND_CHR },
	{ S_IFCHR, 0x100, 0, "trusted.overlay.whiteout", OVL_KIND_CHR },
	{ 0, 0, 0, "", OVL_KIND_UNKNOWN },
};

START_TEST(test_observe_kind)
{
	struct fake f = FAKE(.list = kinds[_i].list);
	struct ovl_obs_scratch scratch = { 0 };
	struct ovl_obs obs;

	f.stat = (struct ovl_stat){ .mode = kinds[_i].mode | 0600,
				    .rdev = kinds[_i].rdev,
				    .size = kinds[_i].size };
	ck_assert_int_eq(ovl_reader_observe(&f.reader, 3, "x", false, &scratch, &obs), 0);
	ck_assert_int_eq(obs.kind, kinds[_i].kind);
	/* presence decides, so an unreadable mark is one */
	f.bad = "trusted.overlay.whiteout";
	f.bad_error = -EIO;
	ck_assert_int_eq(ovl_reader_observe(&f.reader, 3, "x", false, &scratch, &obs), 0);
	ck_assert_int_eq(obs.kind, kinds[_i].kind);
	ovl_obs_scratch_done(&scratch);
}
END_TEST

static const struct {
	const char *list;
	int want;
} glances[] = {
	{ "", 0 },
	{ "security.selinux", 0 },
	{ "security.selinux,user.overlay", 0 },
	{ "user.overlayx.y,user.my.overlay.y,trusted.overla", 0 },
	{ "security.overlay.opaque", 0 },
	{ "trusted.overlay.opaque", 1 },
	{ "user.a,user.b,user.overlay.x", 1 },
	{ "trusted.overlay.overlay.opaque", 1 },
	{ "trusted.overlay.", 1 },
	{ "user.a,user.fuseoverlayfs.opaque", 1 },
	{ "security.fuseoverlayfs.override_stat", 1 },
};

START_TEST(test_observe_glance)
{
	struct fake f = FAKE(.list = glances[_i].list);
	struct ovl_buf b = { 0 };

	ck_assert_int_eq(ovl_reader_glance(&f.reader, 3, "x", &b), glances[_i].want);
	f.cut_last_nul = true;
	ck_assert_int_eq(ovl_reader_glance(&f.reader, 3, "x", &b), glances[_i].want);
	ck_assert_int_eq(f.lists, 2);
	ck_assert_int_eq(f.stats + f.gets, 0);
	f.list_error = -EACCES;
	ck_assert_int_eq(ovl_reader_glance(&f.reader, 3, "x", &b), -EACCES);
	ovl_buf_done(&b);
}
END_TEST

START_TEST(test_observe_extents)
{
	static const struct {
		int64_t data;
		int r;
		enum ovl_extents want;
	} t[] = {
		{ 0, 0, OVL_EXTENTS_SOME },
		{ 4096, 0, OVL_EXTENTS_SOME },
		{ -ENXIO, 0, OVL_EXTENTS_NONE },
		{ -EINVAL, 0, OVL_EXTENTS_UNKNOWN },
		{ -EOPNOTSUPP, 0, OVL_EXTENTS_UNKNOWN },
		{ -EIO, -EIO, OVL_EXTENTS_UNKNOWN },
	};
	struct fake f = FAKE(.data = t[_i].data);
	enum ovl_extents extents = OVL_EXTENTS_UNKNOWN;

	ck_assert_int_eq(ovl_reader_extents(&f.reader, 3, &extents), t[_i].r);
	ck_assert_int_eq(extents, t[_i].want);
}
END_TEST

/* ---- On real objects ---- */

START_TEST(test_observe_real)
{
	struct ovl_reader *r = ovl_reader_linux();
	struct ovl_obs_scratch scratch = { 0 };
	struct ovl_buf b = { 0 };
	char value[65536];
	struct ovl_obs obs;
	int dir;

	kit_private_mounts();
	kit_run("mkdir m; mount -t tmpfs t m; cd m; mkdir d; touch w f; ln -s f l; mkfifo p;"
		"mknod wh c 0 0; mknod null c 1 3");
	memset(value, 'r', sizeof(value));
	ck_assert_int_eq(setxattr("m/f", "trusted.overlay.redirect", value, sizeof(value), 0), 0);
	ck_assert_int_eq(setxattr("m/w", "trusted.overlay.whiteout", "", 0, 0), 0);
	ck_assert_int_eq(lsetxattr("m/l", "trusted.overlay.origin", "o", 1, 0), 0);
	ck_assert_int_eq(lsetxattr("m/p", "trusted.overlay.origin", "o", 1, 0), 0);
	ck_assert_int_eq(setxattr("m", "trusted.overlay.uuid", "u", 1, 0), 0);
	dir = kit_open("m");

	ck_assert_int_eq(ovl_reader_observe(r, dir, "f", false, &scratch, &obs), 0);
	ck_assert_uint_eq(obs.xmask, OVL_XBIT(REDIRECT));
	ck_assert_uint_eq(obs.x[OVL_X_REDIRECT].len, sizeof(value));
	ck_assert_mem_eq(obs.x[OVL_X_REDIRECT].data, value, sizeof(value));
	ck_assert_int_eq(ovl_reader_observe(r, dir, "w", false, &scratch, &obs), 0);
	ck_assert_int_eq(obs.kind, OVL_KIND_XWHITEOUT);
	ck_assert_int_eq(ovl_reader_observe(r, dir, "w", true, &scratch, &obs), 0);
	ck_assert_int_eq(obs.kind, OVL_KIND_REG);
	ck_assert_int_eq(ovl_reader_observe(r, dir, "l", false, &scratch, &obs), 0);
	ck_assert_int_eq(obs.kind, OVL_KIND_SYMLINK);
	ck_assert_uint_eq(obs.xmask, OVL_XBIT(ORIGIN));
	ck_assert_int_eq(ovl_reader_observe(r, dir, "p", false, &scratch, &obs), 0);
	ck_assert_int_eq(obs.kind, OVL_KIND_FIFO);
	ck_assert_uint_eq(obs.xmask, OVL_XBIT(ORIGIN));
	/* user.* xattrs cannot be on a FIFO; that is no error */
	ck_assert_int_eq(ovl_reader_observe(r, dir, "p", true, &scratch, &obs), 0);
	ck_assert_uint_eq(obs.xmask | obs.xbad, 0);
	ck_assert_int_eq(ovl_reader_observe(r, dir, "wh", false, &scratch, &obs), 0);
	ck_assert_int_eq(obs.kind, OVL_KIND_WHITEOUT);
	ck_assert_int_eq(ovl_reader_observe(r, dir, "null", false, &scratch, &obs), 0);
	ck_assert_int_eq(obs.kind, OVL_KIND_CHR);
	ck_assert_uint_eq(obs.stat.rdev, makedev(1, 3));
	ck_assert_int_eq(ovl_reader_observe(r, dir, "", false, &scratch, &obs), 0);
	ck_assert_int_eq(obs.kind, OVL_KIND_DIR);
	ck_assert_uint_eq(obs.xmask, OVL_XBIT(UUID));
	ck_assert_int_eq(ovl_reader_observe(r, dir, "none", false, &scratch, &obs), -ENOENT);
	ck_assert_int_eq(ovl_reader_glance(r, dir, "w", &b), 1);
	ck_assert_int_eq(ovl_reader_glance(r, dir, "d", &b), 0);
	ck_assert_int_eq(ovl_reader_glance(r, dir, "none", &b), -ENOENT);
	close(dir);
	ovl_buf_done(&b);
	ovl_obs_scratch_done(&scratch);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("io/observe");
	TCase *tc = tcase_create("observe");

	tcase_add_unchecked_fixture(tc, kit_setup, kit_teardown);
	tcase_add_test(tc, test_observe_reads_what_is_there);
	tcase_add_test(tc, test_observe_prefixes);
	tcase_add_test(tc, test_observe_unreadable);
	tcase_add_loop_test(tc, test_observe_kind, 0, (int)ARRAY_LEN(kinds));
	tcase_add_loop_test(tc, test_observe_glance, 0, (int)ARRAY_LEN(glances));
	tcase_add_loop_test(tc, test_observe_extents, 0, 6);
	if (kit_is_root())
		tcase_add_test(tc, test_observe_real);
	else
		kit_skip("real objects", "not root");
	suite_add_tcase(suite, tc);
	return ovl_unit_main(suite);
}
