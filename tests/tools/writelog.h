/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The log that ovl-writelog makes and ovl-replay reads: one struct for each write or flush, in the order
 * in which they came, after each write its data. Both run on the same machine: no byte order.
 */
#ifndef TESTS_TOOLS_WRITELOG_H
#define TESTS_TOOLS_WRITELOG_H

#include <stdint.h>

enum ovl_logged { OVL_LOGGED_WRITE = 1, OVL_LOGGED_FLUSH = 2 };

struct ovl_logged_io {
	uint32_t type, len; /* bytes of data that follow; 0 for a flush */
	uint64_t offset;    /* in the image */
};

#endif
