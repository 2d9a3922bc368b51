/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The same work for many things at once.
 */
#ifndef OVL_BASE_CROWD_H
#define OVL_BASE_CROWD_H

#include <stddef.h>

/**
 * ovl_crowd - call a function for each number below @n, from several threads
 * @one: must not care about order; what it finds out it keeps in what @ctx leads to
 * 0, -ENOMEM, or the first negative errno that @one returned; the rest is not begun then.
 */
int ovl_crowd(unsigned threads, size_t n, int (*one)(void *ctx, size_t i), void *ctx);

#endif
