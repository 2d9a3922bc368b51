/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ovl-replay - what a disk holds after some of the writes that ovl-writelog has logged
 *
 *	ovl-replay LOG                          for each flush the number of writes before it, and at last
 *	                                        the number of all; a flush without writes of its own is
 *	                                        left out
 *	ovl-replay LOG IMAGE FROM TO [SEED]     to IMAGE, which holds the first FROM writes, come those up to
 *	                                        TO; with SEED a random half of what they write, by blocks of
 *	                                        4 KiB
 *
 * A disk may do the writes between two flushes in any order. So after a cut of the power there may be all
 * up to a flush, and any of those up to the next one.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tool.h"
#include "writelog.h"

enum { BLOCK = 4096 };

/** The log, read from its beginning to its end. */
struct log {
	FILE *f;
	uint64_t n; /* writes until now */
	struct ovl_logged_io io;
	unsigned char *data;
};

static bool next(struct log *l)
{
	size_t n = fread(&l->io, 1, sizeof(l->io), l->f);

	if (n == 0 && feof(l->f))
		return false;
	errno = 0;
	if (n != sizeof(l->io))
		ovl_tool_die("the log is cut short");
	if (l->io.type == OVL_LOGGED_FLUSH)
		return true;
	if (l->io.type != OVL_LOGGED_WRITE)
		ovl_tool_die("this is no log");
	l->data = ovl_tool_realloc(l->data, l->io.len, 1);
	if (fread(l->data, 1, l->io.len, l->f) != l->io.len)
		ovl_tool_die("the log is cut short");
	l->n++;
	return true;
}

static void list(struct log *l)
{
	uint64_t told = 0;

	while (next(l)) {
		if (l->io.type != OVL_LOGGED_FLUSH || l->n == told)
			continue;
		told = l->n;
		printf("%llu\n", (unsigned long long)told);
	}
	if (l->n != told)
		printf("%llu\n", (unsigned long long)l->n);
}

static void put(int image, const unsigned char *data, size_t len, uint64_t offset)
{
	if (pwrite(image, data, len, (off_t)offset) != (ssize_t)len)
		ovl_tool_die("write");
}

static void put_some(int image, const struct log *l, struct ovl_rng *rng)
{
	for (size_t i = 0, len; i < l->io.len; i += len) {
		len = l->io.len - i < BLOCK ? l->io.len - i : BLOCK;
		if (ovl_tool_chance(rng, 1, 2))
			put(image, l->data + i, len, l->io.offset + i);
	}
}

static void replay(struct log *l, int image, uint64_t from, uint64_t to, struct ovl_rng *rng)
{
	while (l->n < to && next(l)) {
		if (l->io.type != OVL_LOGGED_WRITE || l->n <= from)
			continue;
		if (rng)
			put_some(image, l, rng);
		else
			put(image, l->data, l->io.len, l->io.offset);
	}
	errno = 0;
	if (l->n < to)
		ovl_tool_die("there are %llu writes only", (unsigned long long)l->n);
}

int main(int argc, char **argv)
{
	struct log l = { 0 };
	struct ovl_rng rng;
	int image;

	if (argc != 2 && argc != 5 && argc != 6)
		ovl_tool_die("usage: ovl-replay LOG [IMAGE FROM TO [SEED]]");
	l.f = fopen(argv[1], "re");
	if (!l.f)
		ovl_tool_die("%s", argv[1]);
	if (argc == 2) {
		list(&l);
	} else {
		image = open(argv[2], O_WRONLY | O_CLOEXEC);
		if (image < 0)
			ovl_tool_die("%s", argv[2]);
		if (argc == 6)
			rng.state = ovl_tool_number(argv[5], UINT64_MAX);
		replay(&l, image, ovl_tool_number(argv[3], UINT64_MAX),
		       ovl_tool_number(argv[4], UINT64_MAX), argc == 6 ? &rng : NULL);
		close(image);
	}
	free(l.data);
	fclose(l.f);
	return 0;
}
