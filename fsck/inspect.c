/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What each layer has at a path, for people.
 */
#include "inspect.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>

#include "cleanup.h"
#include "text.h"

const char *ovl_inspect_part(size_t i, unsigned *ret_part)
{
	static const struct {
		unsigned part;
		const char *word;
	} parts[] = {
		{ OVL_PART_METADATA, "metadata" },
		{ OVL_PART_DATA, "data" },
		{ OVL_PART_MERGED, "merged" },
		{ OVL_PART_HIDDEN, "hidden" },
	};

	if (i >= ARRAY_LEN(parts))
		return NULL;
	*ret_part = parts[i].part;
	return parts[i].word;
}

const char *ovl_inspect_errno(int error)
{
	switch (-error) {
	case EACCES:
		return "EACCES";
	case EEXIST:
		return "EEXIST";
	case EINVAL:
		return "EINVAL";
	case EIO:
		return "EIO";
	case ELOOP:
		return "ELOOP";
	case ENAMETOOLONG:
		return "ENAMETOOLONG";
	case ENODATA:
		return "ENODATA";
	case ENOENT:
		return "ENOENT";
	case ENOTDIR:
		return "ENOTDIR";
	case EPERM:
		return "EPERM";
	case ESTALE:
		return "ESTALE";
	default:
		return NULL;
	}
}

/* "regular file, mode 0644, owner 0:0, 12 bytes in 8 blocks, 2 links, inode 12, 2024-05-01 10:00:00 UTC" */
static void print_object(FILE *out, const struct ovl_obs *obs)
{
	const struct ovl_stat *st = &obs->stat;
	char number[OVL_TEXT_NUMBER], date[64];
	time_t mtime = (time_t)st->mtime_sec;
	struct tm tm;

	fprintf(out, "%s, mode %04o, owner %" PRIu32 ":%" PRIu32, ovl_kind_name(obs->kind),
		(unsigned)(st->mode & 07777), st->uid, st->gid);
	if (S_ISREG(st->mode) || S_ISLNK(st->mode))
		fprintf(out, ", %s bytes", ovl_text_number(number, st->size));
	if (S_ISREG(st->mode))
		fprintf(out, " in %s blocks", ovl_text_number(number, st->blocks));
	if (obs->kind == OVL_KIND_CHR || obs->kind == OVL_KIND_BLK)
		fprintf(out, ", device %u:%u", major(st->rdev), minor(st->rdev));
	fprintf(out, ", %" PRIu64 " link%s, inode %" PRIu64, st->nlink, st->nlink == 1 ? "" : "s",
		st->ino);
	if (gmtime_r(&mtime, &tm) && strftime(date, sizeof(date), "%Y-%m-%d %H:%M:%S UTC", &tm))
		fprintf(out, ", %s", date);
}

static void print_parts(FILE *out, unsigned parts)
{
	const char *word, *separator = "    shown: ";
	unsigned part;
	size_t i;

	if (!(parts & ~(unsigned)OVL_PART_HIDDEN))
		return;
	for (i = 0; (word = ovl_inspect_part(i, &part)); i++) {
		if (part == OVL_PART_HIDDEN || !(parts & part))
			continue;
		fprintf(out, "%s%s", separator,
			part == OVL_PART_MERGED ? "entries (merged)" : word);
		separator = ", ";
	}
	fputc('\n', out);
}

static int print_layer(struct ovl_reporting *r, const struct ovl_inspect_layer *l)
{
	_cleanup_free_ char *place = ovl_stack_place(r->stack, l->loc);
	size_t i;

	if (!place)
		return -ENOMEM;
	fprintf(r->out, "%s: ", place);
	if (l->present)
		print_object(r->out, &l->obs);
	else
		fputs("nothing", r->out);
	fputc('\n', r->out);
	for (i = 0; i < l->n_xattr; i++)
		fprintf(r->out, "    %s: %s\n", l->xattr[i].name, l->xattr[i].value);
	print_parts(r->out, l->part);
	if (*l->why)
		fprintf(r->out, "    %s%s\n", l->part & OVL_PART_HIDDEN ? "hidden: " : "", l->why);
	else if (l->part & OVL_PART_HIDDEN)
		fputs("    hidden\n", r->out);
	return 0;
}

int ovl_inspect_text(struct ovl_reporting *r, const char *path,
		     const struct ovl_inspection *inspection)
{
	_cleanup_free_ char *name = ovl_text_escape(*path ? path : "/");
	const char *word = ovl_inspect_errno(inspection->result);
	size_t i;
	int e;

	if (!name)
		return -ENOMEM;
	fprintf(r->out, "%s%s: ", *name == '/' ? "" : "/", name);
	if (inspection->result == 0)
		fputs("shown", r->out);
	else if (word)
		fprintf(r->out, "not shown, %s (%s)", word, strerror(-inspection->result));
	else
		fprintf(r->out, "not shown, %s", strerror(-inspection->result));
	fprintf(r->out, "%s%s\n", *inspection->result_why ? ": " : "", inspection->result_why);

	for (i = 0; i < inspection->n_layer; i++) {
		e = print_layer(r, &inspection->layer[i]);
		if (e < 0)
			return e;
	}
	return 0;
}
