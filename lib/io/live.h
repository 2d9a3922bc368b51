/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Is an overlay mounted at a place?
 */
#ifndef OVL_IO_LIVE_H
#define OVL_IO_LIVE_H

/**
 * ovl_live_at - is what is on top at @path an overlay mount?
 *
 * Asks the directory itself, not the mount table, so that thousands can be asked about. Triggers no
 * automount. 1, 0 also if there is no such place, or a negative errno.
 */
int ovl_live_at(const char *path);

#endif
