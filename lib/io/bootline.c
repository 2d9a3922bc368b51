/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where the kernel command line is read. See overlayfs/boot.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "format/cmdline.h"
#include "overlayfs/boot.h"

#include "base/banned.h"

/* Much more than the kernel takes: it is for process 1, whose arguments may be anything. */
enum { LINE_MAX_BYTES = 4 << 20 };

static int read_all(const char *path, struct ovl_buf *b)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -errno;
	do {
		if (b->len > LINE_MAX_BYTES)
			return -E2BIG;
		if (ovl_buf_reserve(b, 4096) < 0)
			return -ENOMEM;
		n = read(fd, b->data + b->len, 4096);
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0)
			b->len += (size_t)n;
		b->data[b->len] = '\0';
	} while (n != 0);
	return 0;
}

/* Does process 1 have "container=" in its environment, and not as an empty word? */
static bool has_container(const struct ovl_buf *block)
{
	struct ovl_bytes rest = ovl_buf_bytes(block);
	static const char key[] = "container=";
	_cleanup_(ovl_buf_done) struct ovl_buf word = { 0 };

	while (ovl_cmdline_next(&rest, OVL_CMDLINE_ARGV, &word) > 0) {
		if (word.len >= strlen(key) && memcmp(word.data, key, strlen(key)) == 0)
			return word.len > strlen(key);
	}
	return false;
}

static bool in_container(void)
{
	static const char *const managers[] = { "/run/host/container-manager",
						"/run/systemd/container" };
	_cleanup_(ovl_buf_done) struct ovl_buf b = { 0 };
	size_t i;

	for (i = 0; i < ARRAY_LEN(managers); i++) {
		ovl_buf_clear(&b);
		if (read_all(managers[i], &b) == 0 && b.len > 0 && *b.data != '\n')
			return true;
	}
	ovl_buf_clear(&b);
	if (read_all("/proc/1/environ", &b) == 0 && has_container(&b))
		return true;
	return access("/run/.containerenv", F_OK) == 0 || access("/.dockerenv", F_OK) == 0;
}

bool ovl_boot_in_initrd(void)
{
	const char *said = secure_getenv("SYSTEMD_IN_INITRD");
	int is = said ? ovl_cmdline_bool(said) : -EINVAL;

	return is >= 0 ? is == 1 : access("/etc/initrd-release", F_OK) == 0;
}

int ovl_boot_read(struct ovl_boot *ret, struct ovl_error *e)
{
	_cleanup_(ovl_buf_done) struct ovl_buf b = { 0 };
	enum ovl_cmdline_form form = OVL_CMDLINE_TEXT;
	const char *path = "/proc/cmdline";
	const char *said = secure_getenv("SYSTEMD_PROC_CMDLINE");
	int r;

	if (!said && in_container()) {
		path = "/proc/1/cmdline";
		form = OVL_CMDLINE_ARGV;
	}
	r = said ? ovl_buf_adds(&b, said) : read_all(path, &b);
	if (r == 0)
		r = ovl_cmdline_parse(ovl_buf_bytes(&b), form, ovl_boot_in_initrd(), ret);
	return r < 0 ? ovl_fail(e, r, "cannot read the kernel command line") : 0;
}
