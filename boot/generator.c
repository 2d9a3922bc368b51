/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fsck-overlay-generator: tells systemd, before it reads its units, to check the overlays that ask
 * for it before it mounts them, and to mount before that what holds their layers. See
 * fsck-overlay-generator(8) and systemd.generator(7).
 *
 * systemd waits for it, and nobody sees what it prints: it is quick, silent, looks at nothing but
 * descriptions, writes nowhere but into the folder that it was given, and always succeeds.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "layer_paths.h"
#include "log.h"
#include "overlayfs/boot.h"
#include "overlayfs/mount.h"
#include "template.h"
#include "unit_text.h"
#include "unit_write.h"

struct generator {
	struct ovl_log log;
	struct ovl_boot boot;
	bool in_initrd;
	int dir; /* to write to */
};

/* ---- One overlay ---- */

/* Are both units made before we are asked, or by somebody else? */
static bool is_systems(const struct generator *g, const char *where)
{
	return strcmp(where, "/") == 0 || (!g->in_initrd && strcmp(where, "/usr") == 0) ||
	       (g->in_initrd && strcmp(where, "/sysroot") == 0);
}

static int write_unit(struct generator *g, const char *unit, const char *file, char *text)
{
	int r = text ? ovl_unit_write(g->dir, unit, file, text) : -ENOMEM;

	free(text);
	if (r < 0)
		ovl_log(&g->log, "cannot write %.300s.d/%s: %s", unit, file, strerror(-r));
	return r;
}

/* The names of both units; 0 or -ENOMEM. free() them, also after an error. */
static int name_units(const char *instance, char **ret_service, char **ret_mount)
{
	*ret_service = *ret_mount = NULL;
	if (asprintf(ret_service, "fsck-overlay@%s.service", instance) < 0) {
		*ret_service = NULL;
		return -ENOMEM;
	}
	if (asprintf(ret_mount, "%s.mount", instance) < 0) {
		*ret_mount = NULL;
		return -ENOMEM;
	}
	return 0;
}

/*
 * A check that cannot be ordered must not be required either: its drop-in comes first. It cannot be
 * written, for one, where the name of the service is too long to be one.
 */
static void write_units(struct generator *g, const struct ovl_mount_asked *asked,
			const char *instance, const char *service, const char *mount)
{
	struct ovl_layer_paths layers;
	bool checks = g->boot.mode != OVL_BOOT_SKIP;

	if (ovl_layer_paths(&asked->config, asked->where, &layers) < 0) {
		ovl_log(&g->log, "%.200s: out of memory", asked->where);
		return;
	}
	if (layers.left_out > 0)
		ovl_log(&g->log, "%.200s: %zu layers have paths that no unit can name",
			asked->where, layers.left_out);
	if (checks && !ovl_template_is_there(instance)) {
		ovl_log(&g->log,
			"%s: not checked, there is no fsck-overlay@.service, or it is masked",
			asked->where);
		checks = false;
	}
	if (checks && write_unit(g, service, "50-layers.conf",
				 ovl_unit_text_service(&layers, asked->path)) < 0)
		checks = false;
	if (checks || layers.n > 0)
		write_unit(g, mount, "50-fsck-overlay.conf",
			   ovl_unit_text_mount(&layers, checks ? service : NULL,
					       asked->wish != OVL_WISH_REPORT));
	ovl_layer_paths_done(&layers);
}

static int on_asked(void *ctx, struct ovl_mount_asked *asked)
{
	struct generator *g = ctx;
	char *instance = NULL, *service = NULL, *mount = NULL;
	int r;

	if (asked->failed) {
		ovl_log(&g->log, "%.200s: %s", asked->target,
			asked->failed->text ? asked->failed->text : "out of memory");
		return 0;
	}
	if (is_systems(g, asked->where))
		return 0;
	r = ovl_boot_escape(asked->where, &instance);
	if (r == 0)
		r = name_units(instance, &service, &mount);
	if (r == 0)
		write_units(g, asked, instance, service, mount);
	else
		ovl_log(&g->log, "%.200s: not checked, no unit can be named for it: %s",
			asked->where, strerror(-r));
	free(instance);
	free(service);
	free(mount);
	return 0;
}

/* ---- All of them ---- */

static const char *from_environment(const char *name, const char *otherwise)
{
	const char *value = secure_getenv(name);

	return value && *value ? value : otherwise;
}

static void search(struct generator *g, const struct ovl_mount_places *places)
{
	struct ovl_error e = OVL_ERROR_INIT;

	if (ovl_mount_for_boot(places, on_asked, g, &e) < 0)
		ovl_log(&g->log, "%s", e.text ? e.text : "out of memory");
	ovl_error_done(&e);
}

static void generate(struct generator *g)
{
	struct ovl_mount_places ours = {
		.fstab = from_environment("SYSTEMD_FSTAB", "/etc/fstab"),
		.units = true,
	};
	struct ovl_mount_places to_come = {
		.fstab = from_environment("SYSTEMD_SYSROOT_FSTAB", "/sysroot/etc/fstab"),
		.below = "/sysroot",
	};

	search(g, &ours);
	if (g->in_initrd)
		search(g, &to_come);
}

/* Nothing may come out of us, whoever prints it; and no file may get one of these numbers. */
static void close_streams(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0)
		return;
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		dup2(null, fd);
	if (null > STDERR_FILENO)
		close(null);
}

int main(int argc, char *argv[])
{
	struct generator g = { .dir = -EBADF };
	struct ovl_error e = OVL_ERROR_INIT;

	/* The normal folder; the early and the late one are not needed. */
	if (argc < 2 || strcmp(from_environment("SYSTEMD_SCOPE", "system"), "system") != 0)
		return EXIT_SUCCESS;
	umask(022);
	ovl_log_open(&g.log);
	close_streams();
	if (ovl_boot_read(&g.boot, &e) < 0)
		ovl_log(&g.log, "%s", e.text ? e.text : "out of memory");
	ovl_error_done(&e);
	g.in_initrd = ovl_boot_in_initrd();
	if (!g.boot.is_off) {
		g.dir = ovl_unit_write_open(argv[1]);
		if (g.dir >= 0)
			generate(&g);
		else
			ovl_log(&g.log, "cannot open the folder '%.200s': %s", argv[1],
				strerror(-g.dir));
	}
	if (g.dir >= 0)
		close(g.dir);
	ovl_log_close(&g.log);
	return EXIT_SUCCESS;
}
