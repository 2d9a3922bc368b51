/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A reader that remembers whether everything could be read.
 *
 * It hands each question on to another reader. Who asks may take a failure for "nothing to be said
 * here", as long as somebody else meets the same object; a failure that does not last would then
 * go unnoticed. The witness remembers, so that no layer is called clean that was not seen in full.
 */
#ifndef OVL_IO_WITNESS_H
#define OVL_IO_WITNESS_H

#include <pthread.h>

#include "io/reader.h"

struct ovl_witness {
	struct ovl_reader reader; /* give this to those who read */
	struct ovl_reader *real;

	pthread_mutex_t lock; /* for what follows */
	uint64_t failures;
	int err;          /* of the first one: negative errno */
	const char *what; /* "stat" */
	char name[256];   /* of the object, as far as it is known */
};

/** ovl_witness_init - ask @real from now on; it must live longer than @w. 0 or negative errno. */
int ovl_witness_init(struct ovl_witness *w, struct ovl_reader *real);
void ovl_witness_done(struct ovl_witness *w);

#endif
