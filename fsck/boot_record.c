/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is kept of a check at boot. See boot_record.h.
 */
#include "boot_record.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "cleanup.h"
#include "exitcode.h"
#include "message.h"
#include "overlayfs/boot.h"
#include "text.h"

static const char folder[] = "/run/fsck.overlay";
static const char journal[] = "/run/systemd/journal/socket";

/* For ever: by it the entries are found. */
#define MESSAGE_ID "7a5004831c39490d8756665b362a9920"

enum { PRIORITY_ERROR = 3, PRIORITY_WARNING = 4, PRIORITY_INFO = 6 };

/* ---- The report in /run ---- */

/* A folder of ours in which nobody else can put anything. */
static int open_folder(void)
{
	struct stat st;
	int fd;

	if (mkdir(folder, 0755) < 0 && errno != EEXIST)
		return -errno;
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0 || st.st_uid != geteuid() || (st.st_mode & 022) != 0) {
		close(fd);
		return -EPERM;
	}
	return fd;
}

static int open_report(struct ovl_boot_record *record, const char *target)
{
	_cleanup_free_ char *unit = NULL;
	int r = ovl_boot_escape(target, &unit), fd;

	if (r < 0)
		return r;
	if (asprintf(&record->name, "%s.json", unit) < 0)
		record->name = NULL;
	if (asprintf(&record->temporary, ".%s.%ld", record->name ? record->name : "",
		     (long)getpid()) < 0)
		record->temporary = NULL;
	if (!record->name || !record->temporary)
		return -ENOMEM;
	unlinkat(record->dir, record->temporary, 0); /* of a process long gone */
	fd = openat(record->dir, record->temporary,
		    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	record->reporting.out = fdopen(fd, "w");
	if (record->reporting.out)
		return 0;
	close(fd);
	unlinkat(record->dir, record->temporary, 0);
	return -ENOMEM;
}

void ovl_boot_record_open(struct ovl_boot_record *record, const struct ovl_options *o,
			  const char *target)
{
	int r = open_folder();

	*record = (struct ovl_boot_record){ .dir = r };
	record->reporting.form = &ovl_report_json;
	record->reporting.options = o;
	if (r >= 0)
		r = open_report(record, target);
	if (r >= 0)
		return;
	if (record->dir >= 0)
		close(record->dir);
	if (r != -ENOENT) /* there is no /run: nobody looks for a report then */
		ovl_message_warning("cannot write a report to %s: %s", folder, strerror(-r));
}

void ovl_boot_record_close(struct ovl_boot_record *record)
{
	FILE *out = record->reporting.out;
	bool failed;

	if (out) {
		failed = ferror(out);
		errno = 0;
		failed |= fclose(out) != 0;
		failed = failed ||
			 renameat(record->dir, record->temporary, record->dir, record->name) < 0;
		if (failed) {
			ovl_message_warning("cannot write the report in %s: %s", folder,
					    errno ? strerror(errno) : "it is not complete");
			unlinkat(record->dir, record->temporary, 0);
		}
		close(record->dir);
	}
	free(record->name);
	free(record->temporary);
	*record = (struct ovl_boot_record){ 0 };
}

/* ---- The journal ---- */

static const char *result_of(const struct ovl_reporting *r, int code)
{
	if (code & OVL_EXIT_CANCELLED)
		return "cancelled";
	if (code & OVL_EXIT_LEFT)
		return "errors are left";
	if (code & OVL_EXIT_ERROR)
		return "could not be done";
	if (r->tally.left)
		return "warnings are left";
	return code & OVL_EXIT_CORRECTED ? "all problems are corrected" : "clean";
}

static int priority_of(const struct ovl_reporting *r, int code)
{
	if (code & (OVL_EXIT_LEFT | OVL_EXIT_ERROR))
		return PRIORITY_ERROR;
	return code || r->tally.left ? PRIORITY_WARNING : PRIORITY_INFO;
}

/* The fields of the native protocol, a line each; no value has a newline in it. Free() it. */
static char *make_entry(const struct ovl_reporting *r, const char *label, int code)
{
	char *entry = NULL;

	if (asprintf(&entry,
		     "MESSAGE=%s: %s check: %s\n"
		     "PRIORITY=%d\n"
		     "MESSAGE_ID=" MESSAGE_ID "\n"
		     "SYSLOG_IDENTIFIER=fsck.overlay\n"
		     "FSCK_OVERLAY_MOUNT=%s\n"
		     "FSCK_OVERLAY_CODE=%d\n"
		     "FSCK_OVERLAY_CHECK=%s\n"
		     "FSCK_OVERLAY_REASON=%s\n"
		     "FSCK_OVERLAY_PROBLEMS=%" PRIu64 "\n"
		     "FSCK_OVERLAY_CORRECTED=%" PRIu64 "\n",
		     label, r->extent, result_of(r, code), priority_of(r, code), label, code,
		     r->extent, r->why, r->tally.problems, r->tally.corrected) < 0)
		return NULL;
	return entry;
}

/* Does not wait for a journal that is busy. */
static bool send_entry(const char *entry)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	size_t i, len = strlen(entry);
	bool sent;

	if (fd < 0)
		return false;
	for (i = 0; i < sizeof(journal); i++)
		address.sun_path[i] = journal[i];
	sent = sendto(fd, entry, len, MSG_NOSIGNAL, (struct sockaddr *)&address, sizeof(address)) ==
	       (ssize_t)len;
	close(fd);
	return sent;
}

void ovl_boot_record_log(const struct ovl_reporting *r, int code)
{
	_cleanup_free_ char *label = ovl_text_escape(r->label), *entry = NULL;

	entry = label ? make_entry(r, label, code) : NULL;
	if (!entry || send_entry(entry))
		return;
	/* Who runs us as a service reads the priority in front; at a terminal it would disturb. */
	if (getenv("INVOCATION_ID"))
		fprintf(stderr, "<%d>", priority_of(r, code));
	fprintf(stderr, "fsck.overlay: %s: %s check: %s\n", label, r->extent, result_of(r, code));
}
