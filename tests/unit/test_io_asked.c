/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "overlayfs/boot.h"
#include "overlayfs/mount.h"
#include "io/live.h"
#include "unit/oom.h"
#include "unit/test_io_kit.h"

struct told {
	char text[2048];
	int stop; /* to be returned */
};

/* "fstab PATH wish lowers", "unit PATH failed" ... a line each */
static int tell_asked(void *ctx, struct ovl_mount_asked *asked)
{
	static const char *const wishes[] = { "any", "report", "preen", "yes" };
	struct told *t = ctx;
	size_t len = strlen(t->text);

	ck_assert(asked->source == OVL_SOURCE_FSTAB || asked->source == OVL_SOURCE_UNIT);
	ck_assert(!asked->is_live);
	if (asked->failed)
		snprintf(t->text + len, sizeof(t->text) - len, "%s %d\n", asked->target,
			 asked->failed->code);
	else
		snprintf(t->text + len, sizeof(t->text) - len, "%s %s %s\n", asked->target,
			 wishes[asked->wish], asked->config.lower[0]);
	return t->stop;
}

START_TEST(test_mount_asked)
{
	struct told t = { .text = "" };

	kit_write("fstab",
		  "o /no overlay lowerdir=/a:/b 0 0\n"
		  "o /any/ overlay lowerdir=/a:/b 0 2\n"
		  "o /any overlay lowerdir=/a:/b,x-fsck.overlay=yes 0 2\n" /* again */
		  "o /with\\040blank overlay lowerdir=a\\134:b:/b,x-fsck.overlay=preen 0 0\n"
		  "o /noauto overlay lowerdir=/a:/b,noauto 0 2\n"
		  "o /noauto2 overlay lowerdir=/a:/b,noauto,x-fsck.overlay=report\n"
		  "o /never overlay lowerdir=/a:/b,x-fsck.overlay=no 0 2\n"
		  "o /wrong overlay lowerdir=::/b 0 2\n"
		  "o /word overlay lowerdir=/a:/b,x-fsck.overlay=x 0 2\n"
		  "o none overlay lowerdir=/a:/b 0 2\n"
		  "t /t tmpfs x-fsck.overlay 0 2\n"
		  "malformed\n"
		  "o /last overlay lowerdir=/a:/b,x-fsck.overlay=yes 0 0");
	ck_assert_int_eq(ovl_mount_asked("fstab", tell_asked, &t, NULL), 0);
	ck_assert_str_eq(t.text, "/any/ any /a\n"
				 "/with blank preen /a:b\n"
				 "/noauto2 report /a\n"
				 "/wrong -22\n"
				 "/word -22\n"
				 "none -61\n"
				 "/last yes /a\n");
	/* who has enough says so */
	t = (struct told){ .stop = 7 };
	ck_assert_int_eq(ovl_mount_asked("fstab", tell_asked, &t, NULL), 7);
	ck_assert_str_eq(t.text, "/any/ any /a\n");
	/* what cannot be read is told by its name */
	t = (struct told){ .stop = 0 };
	ck_assert_int_eq(ovl_mount_asked("no-such-fstab", tell_asked, &t, NULL), 0);
	ck_assert_str_eq(t.text, "no-such-fstab -2\n");
}
END_TEST

#if OVL_OOM
/* Without libcheck, which allocates. What has failed is not counted: libmount does not tell why. */
static int count_asked(void *ctx, struct ovl_mount_asked *asked)
{
	if (!asked->failed)
		*(int *)ctx += asked->config.n_lower == 2 ? 1 : 1000;
	return 0;
}

START_TEST(test_mount_asked_no_memory)
{
	int r, n, want = 0;

	if (!ovl_oom_works())
		return;
	kit_write("fstab", "o /m overlay lowerdir=/a:/b 0 2\n"
			   "o /n overlay lowerdir=/a:/b,x-fsck.overlay=yes 0 0\n");
	ck_assert_int_eq(ovl_mount_asked("fstab", count_asked, &want, NULL), 0);
	ck_assert_int_eq(want, 2);
	OVL_OOM_LOOP(i)
	{
		n = 0;
		ovl_oom_arm(i);
		r = ovl_mount_asked("fstab", count_asked, &n, NULL);
		if (!ovl_oom_disarm())
			break;
		ck_assert(r == 0 || r == -ENOMEM);
		ck_assert_int_le(n, want);
	}
	ck_assert_int_eq(r, 0);
	ck_assert_int_eq(n, want);
}
END_TEST
#endif

/* ---- For boot ---- */

/* "WHERE FILE lowers" or "WHERE FILE failed" a line */
static int tell_for_boot(void *ctx, struct ovl_mount_asked *asked)
{
	struct told *t = ctx;
	size_t len = strlen(t->text);

	ck_assert(!asked->is_live);
	if (asked->failed)
		snprintf(t->text + len, sizeof(t->text) - len, "%s %s %d\n", asked->target,
			 asked->path, asked->failed->code);
	else
		snprintf(t->text + len, sizeof(t->text) - len, "%s %s %s\n", asked->where,
			 asked->path, asked->config.lower[0]);
	return t->stop;
}

START_TEST(test_for_boot)
{
	struct ovl_mount_places places = { .fstab = "fstab" };
	struct told t = { .text = "" };

	kit_write("fstab",
		  "o /no overlay lowerdir=/a:/b 0 0\n"
		  "o //any/./x/ overlay lowerdir=/a:/b 0 2\n"
		  "o /any/x overlay lowerdir=/other:/b,x-fsck.overlay=yes 0 2\n" /* again */
		  "o /noauto overlay lowerdir=/a:/b,noauto,x-systemd.automount 0 2\n"
		  "o /never overlay lowerdir=/a:/b,noauto,x-fsck.overlay=no 0 2\n"
		  "o /early overlay lowerdir=/e:/b,x-initrd.mount 0 2\n"
		  "o /usr overlay lowerdir=/u:/b 0 2\n"
		  "o /wrong overlay lowerdir=::/b 0 2\n"
		  "o none overlay lowerdir=/a:/b 0 2\n");
	ck_assert_int_eq(setenv("SYSTEMD_IN_INITRD", "0", 1), 0);
	ck_assert_int_eq(ovl_mount_for_boot(&places, tell_for_boot, &t, NULL), 0);
	ck_assert_str_eq(t.text, "/any/x fstab /a\n"
				 "/noauto fstab /a\n"
				 "/usr fstab /u\n"
				 "/wrong fstab -22\n"
				 "none fstab -61\n");
	/* the initrd's own fstab has all, that of the system to come only what it wants there */
	ck_assert_int_eq(setenv("SYSTEMD_IN_INITRD", "1", 1), 0);
	t = (struct told){ .stop = 0 };
	ck_assert_int_eq(ovl_mount_for_boot(&places, tell_for_boot, &t, NULL), 0);
	ck_assert_ptr_nonnull(strstr(t.text, "/early fstab /e\n/usr fstab /u\n"));
	t = (struct told){ .stop = 0 };
	places.below = "/sysroot";
	ck_assert_int_eq(ovl_mount_for_boot(&places, tell_for_boot, &t, NULL), 0);
	ck_assert_str_eq(t.text, "/sysroot/early fstab /e\n/sysroot/usr fstab /u\n");
	/* none at all is no mistake, one that cannot be read is */
	t = (struct told){ .stop = 0 };
	places = (struct ovl_mount_places){ .fstab = "no-such-fstab" };
	ck_assert_int_eq(ovl_mount_for_boot(&places, tell_for_boot, &t, NULL), 0);
	places.fstab = NULL;
	ck_assert_int_eq(ovl_mount_for_boot(&places, tell_for_boot, &t, NULL), 0);
	ck_assert_str_eq(t.text, "");
	places.fstab = "/dev/null/fstab";
	ck_assert_int_eq(ovl_mount_for_boot(&places, tell_for_boot, &t, NULL), 0);
	ck_assert_str_eq(t.text, "/dev/null/fstab /dev/null/fstab -20\n");
	t = (struct told){ .stop = 7 };
	places.fstab = "fstab";
	ck_assert_int_eq(ovl_mount_for_boot(&places, tell_for_boot, &t, NULL), 7);
}
END_TEST

/* A live mount, and a symlink that leads to it: the unit has the name of where it leads. */
START_TEST(test_for_boot_live)
{
	struct ovl_mount_places places = { .fstab = "/fstab" };
	struct told t = { .text = "" };

	kit_private_mounts();
	kit_run("mkdir root; mount -t tmpfs t root; cd root; mkdir l b u w m proc; ln -s m link;"
		"echo 'o /link overlay lowerdir=/l:/b,upperdir=/u,workdir=/w 0 2' > fstab;"
		"mount -t overlay o -o lowerdir=l:b,upperdir=u,workdir=w m");
	ck_assert_int_eq(chroot("root"), 0);
	kit_mount_proc();
	ck_assert_int_eq(ovl_mount_for_boot(&places, tell_for_boot, &t, NULL), 0);
	ck_assert_str_eq(t.text, "/m /fstab /l\n");
}
END_TEST

/* What the generator finds in the initrd, the check finds again. */
START_TEST(test_initrd)
{
	struct ovl_mount_places places = { .fstab = "/sysroot/etc/fstab", .below = "/sysroot" };
	_cleanup_(ovl_error_done) struct ovl_error e = OVL_ERROR_INIT;
	struct ovl_mount_described m;
	struct told t = { .text = "" };

	kit_private_mounts();
	kit_run("mkdir root; mount -t tmpfs t root; cd root; mkdir -p proc etc sysroot/etc;"
		"echo 'o /m overlay lowerdir=/l:/b,x-initrd.mount,x-fsck.overlay=yes' > sysroot/etc/fstab");
	ck_assert_int_eq(chroot("root"), 0);
	ck_assert_int_eq(chdir("/"), 0);
	kit_mount_proc();
	ck_assert_int_eq(unsetenv("FSTAB_FILE"), 0);
	ck_assert_int_eq(setenv("SYSTEMD_IN_INITRD", "1", 1), 0);
	ck_assert_int_eq(ovl_mount_for_boot(&places, tell_for_boot, &t, NULL), 0);
	ck_assert_str_eq(t.text, "/sysroot/m /sysroot/etc/fstab /l\n");
	ck_assert_int_eq(ovl_mount_describe("/sysroot/m", NULL, &m, &e), 0);
	ck_assert_str_eq(m.target, "/sysroot/m");
	ck_assert_str_eq(m.config.lower[0], "/l");
	ck_assert_int_eq(m.wish, OVL_WISH_YES);
	ovl_mount_described_done(&m);
	/* near misses: without the prefix, another place, the spec field, and outside of the initrd */
	ck_assert_int_eq(ovl_mount_describe("/m", NULL, &m, NULL), -ENOENT);
	ck_assert_int_eq(ovl_mount_describe("/sysroot/n", NULL, &m, NULL), -ENOENT);
	ck_assert_int_eq(ovl_mount_describe("o", NULL, &m, NULL), -ENOENT);
	ck_assert_int_eq(setenv("SYSTEMD_IN_INITRD", "0", 1), 0);
	ck_assert_int_eq(ovl_mount_describe("/sysroot/m", NULL, &m, NULL), -ENOENT);
}
END_TEST

START_TEST(test_live_at)
{
	kit_private_mounts();
	kit_run("mkdir live; mount -t tmpfs t live; cd live; mkdir l u w m other; mkdir l/dir; : > l/file;"
		": > file; mount -t overlay o -o lowerdir=l,upperdir=u,workdir=w m;"
		"ln -s m link; ln -s loop loop; mount --bind m/file file; mkdir m/over; mount -t tmpfs t m/over");
	ck_assert_int_eq(ovl_live_at("live/m"), 1);
	ck_assert_int_eq(ovl_live_at("live/link"), 1);
	ck_assert_int_eq(ovl_live_at("live/m/dir"), 0);
	ck_assert_int_eq(ovl_live_at("live/m/over"), 0);
	ck_assert_int_eq(ovl_live_at("live/m/file"), 0);
	ck_assert_int_eq(ovl_live_at("live/file"), 0);
	ck_assert_int_eq(ovl_live_at("live/l"), 0);
	ck_assert_int_eq(ovl_live_at("live"), 0);
	ck_assert_int_eq(ovl_live_at("live/none"), 0);
	ck_assert_int_eq(ovl_live_at("live/file/none"), 0);
	ck_assert_int_eq(ovl_live_at("live/loop"), -ELOOP); /* who knows? */
	kit_run("mount --bind live/m live/other");
	ck_assert_int_eq(ovl_live_at("live/other"), 1);
	kit_run("mount -t tmpfs t live/m");
	ck_assert_int_eq(ovl_live_at("live/m"), 0); /* there is something on top of it */
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("io/asked");
	TCase *tc = tcase_create("asked");

	tcase_add_unchecked_fixture(tc, kit_setup, kit_teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, test_mount_asked);
#if OVL_OOM
	tcase_add_test(tc, test_mount_asked_no_memory);
#endif
	tcase_add_test(tc, test_for_boot);
	if (kit_is_root()) {
		tcase_add_test(tc, test_live_at);
		tcase_add_test(tc, test_for_boot_live);
		tcase_add_test(tc, test_initrd);
	} else {
		kit_skip("live mounts", "not root");
	}
	suite_add_tcase(suite, tc);
	return ovl_unit_main(suite);
}
