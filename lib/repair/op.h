/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Primitive operations: all that a repair can do to a layer, each with its inverse.
 *
 * An operation is data: what to change, what was there before, what is there after. To do it is to
 * compare and to set; so is to undo it. Both can be repeated: what is in the wanted state already is
 * left alone, and what is in neither state is a conflict (-ESTALE) and left alone as well.
 */
#ifndef OVL_REPAIR_OP_H
#define OVL_REPAIR_OP_H

#include "base/buf.h"
#include "base/path.h"
#include "base/vec.h"
#include "io/write.h"
#include "overlayfs/types.h"

struct ovl_trees;
struct ovl_tree_links;

enum ovl_op_type {
	OVL_OP_XATTR = 1, /* set, change or remove one xattr */
	OVL_OP_MOVE = 2, /* rename: aside into saved/, out of stage/, or from one name to another */
	OVL_OP_LINK = 3, /* one more name for an inode */
	OVL_OP_DATA = 4, /* the content of a file: fill what was one hole, or make it one */
	OVL_OP_UNLINK = 5, /* one name less for an inode that keeps another one */
	OVL_OP_SPREAD = 6, /* all that is in a directory of stage/ goes into another directory */
	OVL_OP__MAX
};

/** The store of a journal, where a layer number may stand: "saved/7", "stage/8". */
enum { OVL_TREE_STORE = -4 };

/** What a new object is. */
enum ovl_make {
	OVL_MAKE_NONE,
	OVL_MAKE_WHITEOUT, /* character device 0:0 */
	OVL_MAKE_COPY, /* a copy of a lower object: data, owner, mode, times, all xattrs but overlayfs' own;
			* of a directory, without what is in it */
	OVL_MAKE_TWIN, /* what takes the place of a metacopy file: the same, with the xattrs of overlayfs but
			* for "metacopy" and "redirect" */
	OVL_MAKE_LINK, /* one more name of what an operation before it makes: @source is in stage/ */
	OVL_MAKE_TREE, /* SPREAD: a directory with all that @source shows from below the layer that it is in */
	OVL_MAKE__MAX
};

/** A name in one of the trees. */
struct ovl_place {
	int tree;   /* layer number, OVL_LAYER_WORK, OVL_LAYER_INDEX or OVL_TREE_STORE */
	char *path; /* "/a/b", raw bytes; "/" for the root; owned */
};

/** One operation. A zeroed struct is empty. Strings and bytes are owned: ovl_op_done(). */
struct ovl_op {
	enum ovl_op_type type;
	struct ovl_place at; /* the object; for MOVE and LINK its name before */
	struct ovl_place
		to; /* MOVE, LINK: its name after; UNLINK: the name that goes; DATA: where the content comes from, or NULL path */
	uint64_t ino;  /* of the object; 0 until what is to be published is made */
	uint32_t mode; /* its type and permissions */

	uint64_t names; /* XATTR, DATA: of a file, as far as they are known (in upper and index): with more of
			 * them a file outside would be changed, -EMLINK; 0: not checked */

	/* SPREAD: the list of what is put there in new_value, see ovl_tree_next(). */
	/* XATTR; DATA: "security.capability", if there is one, and its value in old_value, by prepare() */
	char *xattr; /* full name */
	bool has_old, has_new;
	struct ovl_buf old_value, new_value;

	/* MOVE out of stage/: how the object is made before it is recorded; see stage.h. */
	enum ovl_make make;
	struct ovl_place source; /* COPY, TWIN, LINK: of what; not recorded */
	struct ovl_place data; /* and, if that is metacopy, the file with the content; not recorded */
	uint64_t data_ino;
	struct ovl_tree_links *links; /* OVL_MAKE_TREE, see tree.h: counted; not recorded */
	bool several; /* COPY: of a file of several names, which the journal is to tell; not recorded */

	/* (Of a copy that is published, index 0: of the copy.) */
	/* MOVE, LINK: times of the two directories, which the change must not leave behind. Index 0: of
	 * at, 1: of to. DATA: of the file, index 0. */
	struct ovl_times times[2];

	/* DATA */
	uint64_t old_size, new_size; /* bytes */
	uint64_t source_ino;         /* of the file at @to; SPREAD: of the directory there */
	struct ovl_buf origin; /* of a copy: the xattr of this name that it gets; not recorded */
	bool impure;           /* of a copy of a directory: it gets that xattr; not recorded */
	uint64_t inodes;       /* that it makes, if more than one; not recorded */
	uint64_t cost;         /* bytes that it writes, unless they are shared; not recorded */
	uint64_t saved; /* number in saved/ of a copy of the old content, as given by the planner;
			 * prepare() makes it 0 if that is one hole */
};

typedef OVL_VEC(struct ovl_op) ovl_op_vec;

void ovl_op_done(struct ovl_op *op);

/** ovl_op_is_copy - does it publish a copy, to which somebody may write? */
static inline bool ovl_op_is_copy(const struct ovl_op *op)
{
	return op->make == OVL_MAKE_COPY || op->make == OVL_MAKE_TWIN || op->make == OVL_MAKE_LINK;
}

/**
 * ovl_op_prepare - note what is needed to take it back: times, inode number
 * Before the operation is recorded. DATA: a copy of old content is durable in saved/ then.
 * 0, -ENOENT, -ESTALE if the object is not the expected one.
 */
int ovl_op_prepare(struct ovl_trees *trees, struct ovl_op *op);

/**
 * ovl_op_do - carry it out
 * 0; -ESTALE if the object is in neither state; or why it failed: then nothing has changed, unless it
 * is -EUCLEAN: then it could not be put back either, and the journal has to.
 */
int ovl_op_do(struct ovl_trees *trees, const struct ovl_op *op);

/**
 * ovl_op_undo - take it back
 * @recorded_times: give directories the times that were noted (after a crash); else those that
 *                  they have now (they may be newer, and not ours)
 * 0 also if it was never done; -ESTALE if the object is in neither state.
 */
int ovl_op_undo(struct ovl_trees *trees, const struct ovl_op *op, bool recorded_times);

/**
 * ovl_op_look - could it be taken back, after a run that was finished? Changes nothing.
 * 0; -ESTALE and others as ovl_op_undo() would return
 */
int ovl_op_look(struct ovl_trees *trees, const struct ovl_op *op);

/* The types, as op_*.c define them; each may leave a function out (NULL). */
struct ovl_op_row {
	const char *name;
	int (*prepare)(struct ovl_trees *trees, struct ovl_op *op);
	int (*redo)(struct ovl_trees *trees, const struct ovl_op *op);
	int (*undo)(struct ovl_trees *trees, const struct ovl_op *op, bool recorded_times);
	int (*look)(struct ovl_trees *trees, const struct ovl_op *op);
};
extern const struct ovl_op_row ovl_op_xattr, ovl_op_move, ovl_op_link, ovl_op_data, ovl_op_unlink,
	ovl_op_spread;

#endif
