/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The plan: for each finding that is to be repaired, one way and its operations.
 *
 * Planners (fix_*.c, a row each in repairs.def) describe what to do and touch nothing: they look at
 * the layers through the reader and emit operations with the functions below. One call of a planner
 * builds one way; it says whether that way is open here.
 *
 * The operations of a way must not build upon each other: each is compared with the disk before the
 * first of them is carried out. But all that is new is in stage/ by then, so it can be put together
 * there: into a directory "stage/5" goes what is in it, then that goes to its place.
 */
#ifndef OVL_REPAIR_PLAN_H
#define OVL_REPAIR_PLAN_H

#include "check/facts.h"
#include "check/other_names.h"
#include "check/snapshot.h"
#include "overlayfs/repair.h"
#include "repair/linked.h"
#include "repair/op.h"

struct ovl_fixer;

/** Who may choose a way. */
enum ovl_way_trust {
	OVL_WAY_PREEN, /* -p and up */
	OVL_WAY_YES,   /* -y, and who is asked */
	OVL_WAY_CHOICE, /* only who is asked and chooses it: something is lost, or somebody must know */
};

/**
 * A planner: one way to put one finding right.
 * Returns 1 if the way is open and its operations are emitted; 0 if not (ovl_way_refuse() says why); or
 * why it could not be found out.
 */
typedef int ovl_fix_fn(struct ovl_fixer *fx);

/**
 * The order of a conversion: data needs redirects and index to be found, names in the index need their
 * directories, and marks go when nothing depends on them.
 */
enum ovl_phase {
	OVL_PHASE_REPAIR, /* no conversion */
	OVL_PHASE_DATA,
	OVL_PHASE_NAMES,
	OVL_PHASE_INDEX,
	OVL_PHASE_DIRS,
	OVL_PHASE_MARKS,
	OVL_PHASE_PREFIX, /* the names with another prefix */
	OVL_PHASE_SWITCH, /* from here on those count */
	OVL_PHASE_OLD,
	OVL_PHASE__MAX
};

struct ovl_parents;

/** Of a conversion: which directories must be in the upper before a finding can be planned for. */
typedef int ovl_need_fn(struct ovl_fixer *fx, struct ovl_parents *parents);

/** A row of repairs.def. */
struct ovl_repair_row {
	enum ovl_problem_id problem;
	enum ovl_way_trust trust;
	ovl_fix_fn *fix;
	const char *text; /* "remove it"; NULL: the planner says it with ovl_way_say() */
	bool below;       /* nobody could miss what it does in a lower layer either */
	bool after;       /* also for what a conversion leaves behind: then -p will do */
	bool apart;       /* what it plans is the same whatever was planned for others */
	enum ovl_phase phase;
	ovl_need_fn *need; /* NULL: nothing */
};

/** ovl_repair_rows - the ways for a problem, in order of preference; @ret borrowed; their number */
size_t ovl_repair_rows(enum ovl_problem_id problem, const struct ovl_repair_row **ret);

/** One way for one finding. */
struct ovl_way {
	const struct ovl_repair_row *row;
	char *text; /* owned; NULL: row->text */
	ovl_op_vec ops;
};

/** What a planner works with. */
struct ovl_fixer {
	struct ovl_stack *stack;
	const struct ovl_facts *facts;   /* of the check that made the finding; complete */
	const struct ovl_report *report; /* the same; NULL: only what it would take is asked */
	uint64_t *number;                /* the last one given out for saved/ and stage/ */

	const struct ovl_finding *finding;
	struct ovl_way *way; /* under construction */
	char *why;           /* why the last way is closed; owned */
	bool closed;         /* whatever the planner says: an operation of it may not be */

	/*
	 * What was asked for last, since a planner asks more than once, and of two objects as a rule: the
	 * upper one and the lower. Directories and entries stay what they are as long as nothing is carried
	 * out; an object only until the next finding.
	 */
	struct {
		struct ovl_dir *dir[2];      /* counted; NULL; the one used last comes first */
		struct ovl_entry *entry;     /* counted; NULL */
		struct ovl_path *entry_path; /* counted */
		struct ovl_fixer_seen {
			bool valid, userxattr;
			struct ovl_loc loc; /* path counted */
			struct ovl_obs obs;
			struct ovl_obs_scratch scratch; /* what obs points into */
		} seen[2];
		unsigned turn; /* which of them is the older one */
	} last;

	struct ovl_obs_scratch scratch; /* for planners */
	struct ovl_other_names others;  /* of ovl_fixer_names() */
	struct ovl_linked linked;       /* of ovl_way_replace() */
	struct ovl_map *
		copied; /* lower files of several names that a conversion copied up: (dev, ino) -> path
				 * of the first, counted; NULL if nothing will be carried out */
	struct ovl_map *trees; /* see struct ovl_plan_memory; NULL: nothing is shared */
	bool converted;        /* the same */
};

void ovl_way_done(struct ovl_way *way);
/** ovl_way_forget - only the operations: what was done can still be told */
void ovl_way_forget(struct ovl_way *way);

/** ovl_way_say - what the way does, as a question begins with it: "redirect to lower1:/b" */
int ovl_way_say(struct ovl_fixer *fx, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/** ovl_way_refuse - why the way is closed; always returns 0, for `return ovl_way_refuse(...)` */
int ovl_way_refuse(struct ovl_fixer *fx, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/** ovl_fixer_begin - from now on it is about this finding; ovl_fixer_done() in the end */
void ovl_fixer_begin(struct ovl_fixer *fx, const struct ovl_finding *finding);
void ovl_fixer_done(struct ovl_fixer *fx);

/** ovl_fixer_number - the next number for saved/ or stage/; several fixers may share them */
uint64_t ovl_fixer_number(struct ovl_fixer *fx);

/** ovl_fixer_place - "upper:/a", escaped; free() it; NULL when out of memory */
char *ovl_fixer_place(struct ovl_fixer *fx, struct ovl_loc loc);

/**
 * ovl_fixer_observe - an object and its xattrs as they are now
 * @ret: valid until the next call with the same fixer
 * 0, -ENOENT, or why it could not be read.
 */
int ovl_fixer_observe(struct ovl_fixer *fx, struct ovl_loc loc, struct ovl_obs *ret);

/** ovl_fixer_observe_as - the same with the names of one prefix, in force or not */
int ovl_fixer_observe_as(struct ovl_fixer *fx, struct ovl_loc loc, bool userxattr,
			 struct ovl_obs *ret);

/**
 * ovl_fixer_handle - the handle that overlayfs would store as the origin of what is copied up from here
 * @flags: OVL_FH_FLAG_PATH_UPPER for the xattr "upper" of an index entry, else 0
 * @ret_raw: at least OVL_FH_MAX_LEN bytes
 * Its length; 0 if the file system has no handles, and the value is empty; or negative errno.
 */
int ovl_fixer_handle(struct ovl_fixer *fx, struct ovl_loc loc, uint8_t flags,
		     unsigned char *ret_raw);

/** ovl_fixer_open - open a regular file for reading; the reader closes it; -ESTALE if it is another */
int ovl_fixer_open(struct ovl_fixer *fx, struct ovl_loc file, const struct ovl_stat *st,
		   int *ret_fd);

/**
 * ovl_fixer_beneath - what would be shown at the name of an object if it were not there
 * No redirect of the object itself is followed. @ret: ovl_hit_done() it.
 * 0; -ENOENT for the root of a layer, or if its directory cannot be found by lookup; -ENOMEM.
 */
int ovl_fixer_beneath(struct ovl_fixer *fx, struct ovl_loc loc, struct ovl_hit *ret);

/** ovl_fixer_shows - what is shown at an object, from its own layer down; as ovl_fixer_beneath() */
int ovl_fixer_shows(struct ovl_fixer *fx, struct ovl_loc loc, struct ovl_hit *ret);

/**
 * ovl_fixer_if - what would be shown at an object, from its own layer down, if an xattr were another
 * @value: NULL: if it were not there
 * As ovl_fixer_beneath().
 */
int ovl_fixer_if(struct ovl_fixer *fx, struct ovl_loc loc, enum ovl_xattr_id id,
		 const struct ovl_bytes *value, struct ovl_hit *ret);

/**
 * ovl_fixer_names - are all names of an upper file known, so that nothing outside is changed with it?
 * Also those of temporary objects of the kernel, and what repairs have set aside. 1, 0 or negative errno.
 * Directories: 1.
 */
int ovl_fixer_names(struct ovl_fixer *fx, struct ovl_loc loc);

/*
 * Operations. All return 0, -ENOMEM, or why the object could not be read; what is as it should be
 * already emits nothing.
 */

/** ovl_way_add - any other operation; @op is taken; @r: what making it gave: handed on */
int ovl_way_add(struct ovl_fixer *fx, struct ovl_op *op, int r);

/** ovl_way_set_xattr - @value: copied */
int ovl_way_set_xattr(struct ovl_fixer *fx, struct ovl_loc loc, enum ovl_xattr_id id,
		      struct ovl_bytes value);
int ovl_way_remove_xattr(struct ovl_fixer *fx, struct ovl_loc loc, enum ovl_xattr_id id);

/** ovl_way_xattr_as - both, under the name of one prefix, in force or not; @value: NULL: remove it */
int ovl_way_xattr_as(struct ovl_fixer *fx, struct ovl_loc loc, enum ovl_xattr_id id, bool userxattr,
		     const struct ovl_bytes *value);

/** ovl_way_set_aside - move an object whole into saved/, where a person can look at it */
int ovl_way_set_aside(struct ovl_fixer *fx, struct ovl_loc loc);

/** ovl_way_whiteout - put a whiteout where nothing is (or where another operation makes room) */
int ovl_way_whiteout(struct ovl_fixer *fx, struct ovl_loc loc);

/** ovl_way_copy - a copy of a lower object, see OVL_MAKE_COPY, where nothing is */
int ovl_way_copy(struct ovl_fixer *fx, struct ovl_loc lower, struct ovl_loc to);

/** ovl_way_copy_whole - the same of a metacopy file, with its content from @data */
int ovl_way_copy_whole(struct ovl_fixer *fx, struct ovl_loc lower, struct ovl_loc data,
		       struct ovl_loc to);

/** ovl_way_move - give an object another name */
int ovl_way_move(struct ovl_fixer *fx, struct ovl_loc from, struct ovl_loc to);

/** ovl_way_unlink - take away the name @gone of an inode, which keeps the name @kept */
int ovl_way_unlink(struct ovl_fixer *fx, struct ovl_loc kept, struct ovl_loc gone);

/** ovl_way_link - give an inode one more name */
int ovl_way_link(struct ovl_fixer *fx, struct ovl_loc from, struct ovl_loc to);

/**
 * ovl_way_fill - give a file the content of a lower one
 * ovl_way_punch - make it one hole
 * ovl_way_hollow - the same, of another size
 */
int ovl_way_fill(struct ovl_fixer *fx, struct ovl_loc file, struct ovl_loc lower);
int ovl_way_punch(struct ovl_fixer *fx, struct ovl_loc file);
int ovl_way_hollow(struct ovl_fixer *fx, struct ovl_loc file, uint64_t size);

/**
 * ovl_way_replace - put another inode in the place of a metacopy file: all of it but that, with its data
 * For files with names that are not known, which must not be changed. Under each name that the layer has of
 * it (the index among them, for the upper) the old one is set aside.
 * @data: the file with the content
 * 1; 0 if it is not possible; negative errno.
 */
int ovl_way_replace(struct ovl_fixer *fx, struct ovl_loc file, struct ovl_loc data);

/**
 * ovl_way_complete - give a metacopy file its data, after which it is none any more
 * In place; by ovl_way_replace() if it has names outside of the layer, unless the index knows its inode.
 * 1; 0 if it is not possible; negative errno.
 */
int ovl_way_complete(struct ovl_fixer *fx, struct ovl_loc file, struct ovl_loc data);

/** One finding of the plan. */
struct ovl_repair_step {
	size_t finding;     /* number in the report */
	struct ovl_way way; /* what was chosen; row NULL: none */
	enum ovl_fate fate; /* LEFT until it was applied */
	char *why;          /* owned; NULL */
};
typedef OVL_VEC(struct ovl_repair_step) ovl_plan;

void ovl_plan_done(ovl_plan *plan);

/** Which findings of a report are planned for. */
struct ovl_plan_part {
	size_t from, to; /* by number, @to not included */
	enum ovl_phase
		phase; /* those that this phase has ways for; REPAIR: all that is no conversion */
	unsigned threads; /* that may plan at once */
};

/** ovl_plan_phase - the phase of the ways for a problem; REPAIR if it is no conversion */
enum ovl_phase ovl_plan_phase(enum ovl_problem_id problem);

/** What the plans of one run have in common. Zeroed: nothing yet. */
struct ovl_plan_memory {
	uint64_t number;         /* see struct ovl_fixer */
	struct ovl_map declined; /* hashes of findings that were answered with no: not asked again */
	struct ovl_map agreed;   /* and with yes, before their directories were made; the same */
	bool quit;               /* the answer was to quit: nothing is asked any more */
	struct ovl_map copied;   /* see struct ovl_fixer */
	struct ovl_map trees;   /* layer -> struct ovl_tree_links of what it gets in a conversion */
	struct ovl_twins twins; /* what an earlier run has copied of that */
	bool converted;         /* it began without errors: those of now are its own doing */
};

void ovl_plan_forget(struct ovl_plan_memory *memory);

/** ovl_plan_forget_facts - they are going: trees of this run were made from them */
void ovl_plan_forget_facts(struct ovl_plan_memory *memory);

/**
 * ovl_plan_parents - the directories that the upper must have before a part can be planned for
 * Their steps are added to @ret; each is told as one of a finding that needs it. Asks for what needs some,
 * where the policy says so: without an answer nothing is made. 0 or negative errno.
 */
int ovl_plan_parents(struct ovl_stack *stack, const struct ovl_report *report,
		     const struct ovl_facts *facts, const struct ovl_policy *policy,
		     const struct ovl_plan_part *part, struct ovl_plan_memory *memory,
		     ovl_plan *ret);

/**
 * ovl_plan_make - decide and plan, for a part of the findings of a report; adds to @ret
 * Asks where the policy says so. 0; -ECANCELED if the answer was to quit (what was agreed to before is in
 * the plan); -ENOMEM.
 */
int ovl_plan_make(struct ovl_stack *stack, const struct ovl_report *report,
		  const struct ovl_facts *facts, const struct ovl_policy *policy,
		  const struct ovl_plan_part *part, struct ovl_plan_memory *memory, ovl_plan *ret);

#endif
