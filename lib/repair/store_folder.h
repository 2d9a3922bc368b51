/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Inside of the store: folders of our own in a place where anybody may have been, and the marker.
 */
#ifndef OVL_REPAIR_STORE_FOLDER_H
#define OVL_REPAIR_STORE_FOLDER_H

#include "repair/store.h"

/** The folder of all journals, in the work directory or the one of -z. */
#define OVL_STORE_FOLDER ".fsck.overlay"

typedef OVL_VEC(char *) ovl_store_names;
void ovl_store_names_done(ovl_store_names *names);

/** ovl_store_read - the names in a directory, in no order; ovl_store_names_done() them, also on failure */
int ovl_store_read(int dir, ovl_store_names *ret);

/** ovl_store_open_own - open a folder that is ours alone: -EPERM for any other owner or mode */
int ovl_store_open_own(int dir, const char *name, int *ret_fd);

/** ovl_store_make_own - the same, and make it if it is not there; durable. -EACCES: @dir is frozen */
int ovl_store_make_own(int dir, const char *name, int *ret_fd);

/** ovl_store_fail - say what is wrong with such a folder */
int ovl_store_fail(struct ovl_error *e, int r, const char *name);

/** ovl_store_fail_frozen - that it is immutable or append-only, and so no place for what is ours: -EPERM */
int ovl_store_fail_frozen(struct ovl_error *e, const char *name);

/** ovl_store_is_id - a uuid as we write it? @len: of @name that is looked at */
bool ovl_store_is_id(const char *name, size_t len);

/** ovl_store_clear_stage - remove what is in stage/ and was not published; what cannot be stays */
int ovl_store_clear_stage(int dir);

/**
 * ovl_store_remove - remove the folder of a journal and all that is in it, if nothing of that is a user's
 * @all: the folder of all journals
 * Returns 1, or 0 if something is in saved/ that is no mere copy: then nothing was changed.
 */
int ovl_store_remove(int all, const char *id);

/**
 * ovl_store_mark - set the marker of the open journal (@s->id), durable; the folder is locked
 * Markers that mean nothing any more are taken away. -EBUSY if there is one that means something. Where
 * work/ or work/incompat is no directory no marker can be, and 0 is returned: that is for a repair to
 * put right.
 */
int ovl_store_mark(struct ovl_store *s, struct ovl_error *e);

/** ovl_store_remove_mark - take the marker of the open journal away, durable; 0 also if there is none */
int ovl_store_remove_mark(struct ovl_store *s, struct ovl_error *e);

#endif
