/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Small layer trees on the real file system, made by hand.
 *
 * All paths are relative to the folder of the tree, which is the working directory. As root the
 * marks are trusted.overlay.*, else user.overlay.*, with the option userxattr; what can be had with
 * trusted ones only has to be skipped then, see tree_has_trusted(). Whatever goes wrong here ends
 * the program: a half-made tree tests nothing.
 */
#ifndef TESTS_UNIT_TREE_KIT_H
#define TESTS_UNIT_TREE_KIT_H

#include <sys/types.h>

#include "overlayfs/check.h"
#include "overlayfs/option.h"
#include "overlayfs/stack.h"

struct ovl_reader;

/**
 * tree_works - can trees be made here at all?
 *
 * In TMPDIR, or else /dev/shm or /tmp. If not, tells the reader of TAP that all tests are skipped,
 * and stderr. To be asked first in main(), which has nothing more to do then.
 */
bool tree_works(void);

/** tree_has_trusted - are there redirects and metacopy files, and whatever else root alone may make? */
bool tree_has_trusted(void);

/** tree_skip - say loudly that a test is left out */
void tree_skip(const char *what, const char *why);

/** tree_start - make a folder and go there; for an unchecked fixture. tree_stop() removes it. */
void tree_start(void);
void tree_stop(void);

/** tree_clear - empty the folder again */
void tree_clear(void);

/** tree_layers - make the directories upper, work, work/work (0000), and lower1 to lowerN */
void tree_layers(unsigned n_lower);

/* ---- Objects. Parents are made if they are not there. ---- */

void tree_dir(const char *path);
void tree_deep_dir(const char *path); /* of any length, with all its parents */
void tree_file(const char *path, const char *content);
void tree_hole(const char *path, off_t size); /* a file without any data */
void tree_whiteout(const char *path);
void tree_symlink(const char *path, const char *target);
void tree_fifo(const char *path);
void tree_link(const char *old, const char *path);
void tree_remove(const char *path); /* whatever is there, with all that is below */

/** tree_mark - set the overlay xattr @name, e.g. "opaque", to a string (without its NUL) */
void tree_mark(const char *path, const char *name, const char *value);
void tree_mark_bytes(const char *path, const char *name, const void *value, size_t len);

/** tree_unmark - take it away */
void tree_unmark(const char *path, const char *name);

/** tree_fh - the handle that overlayfs writes for an object, as blob; returns its length */
size_t tree_fh(const char *path, uint8_t flags, unsigned char *ret_raw);

/** tree_has_handles - can the file system make and follow handles? */
bool tree_has_handles(void);

/** tree_origin - the mark "origin" of @path: that it was copied up from @lower */
void tree_origin(const char *path, const char *lower);

/** tree_metacopy - a file copied up without its data, in the size and times of @lower */
void tree_metacopy(const char *path, const char *lower);

/** tree_index - an entry of the index: @upper linked to the name that is the handle of @lower */
void tree_index(const char *upper, const char *lower);

/** tree_try_index - the same, unless there is such an entry already */
void tree_try_index(const char *upper, const char *lower);

/**
 * tree_index_roots - what a mount with index=on writes: the index directory, the handle of the upper
 *                    on it, that of lower1 on the upper root
 */
void tree_index_roots(void);

/* ---- Stacks ---- */

/** A stack with its configuration. */
struct tree_stack {
	struct ovl_config config;
	struct ovl_stack *stack;
};

/** tree_options - "lowerdir=lower1:...:lowerN,upperdir=upper,workdir=work" and @more; free() it */
char *tree_options(unsigned n_lower, const char *more);

/**
 * tree_open - open upper, work and @n_lower lowers, and all of that with @more options
 * @reader: NULL for the real one
 * Returns what ovl_stack_open() returned; tree_close() it if that is 0.
 */
int tree_open(struct tree_stack *t, unsigned n_lower, const char *more, struct ovl_reader *reader);

/** tree_open_options - the same with the whole option string */
int tree_open_options(struct tree_stack *t, const char *options, struct ovl_reader *reader);

void tree_close(struct tree_stack *t);

/* ---- Reports ---- */

/**
 * tree_report - a report as text: "slug place found" a line, in order; free() it
 * @min: findings below this severity are left out
 */
char *tree_report(const struct ovl_stack *stack, const struct ovl_report *report,
		  enum ovl_severity min);

/** tree_check - ovl_check() with so many threads; what it returned. @ret may be NULL. */
int tree_check(struct ovl_stack *stack, unsigned threads, struct ovl_report **ret);

#endif
