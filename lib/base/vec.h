/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Typed growing arrays.
 *
 *	OVL_VEC(struct ovl_finding) found = { 0 };
 *	r = ovl_vec_push(&found, finding);
 *
 * Growth is by doubling, so pushing is constant time on average; elements move, so pointers to them
 * do not outlive a push.
 */
#ifndef OVL_BASE_VEC_H
#define OVL_BASE_VEC_H

#include <errno.h>
#include <stdlib.h>

#define OVL_VEC(type)        \
	struct {             \
		type *data;  \
		size_t len;  \
		size_t room; \
	}

/** ovl_vec_grow_ - make room for one more element of @size bytes; 0 or -ENOMEM */
int ovl_vec_grow_(void **data, size_t len, size_t *room, size_t size);

/** Append a copy of @item; 0 or -ENOMEM. */
#define ovl_vec_push(v, item)                                                                      \
	({                                                                                         \
		int vec_r_ = (v)->len < (v)->room ? 0 :                                            \
						    ovl_vec_grow_((void **)&(v)->data, (v)->len,   \
								  &(v)->room, sizeof(*(v)->data)); \
		if (vec_r_ == 0) {                                                                 \
			(v)->data[(v)->len] = (item);                                              \
			(v)->len++;                                                                \
		}                                                                                  \
		vec_r_;                                                                            \
	})

/** Free the array (not what its elements own) and empty it. */
#define ovl_vec_done(v)           \
	do {                      \
		free((v)->data);  \
		(v)->data = NULL; \
		(v)->len = 0;     \
		(v)->room = 0;    \
	} while (0)

#endif
