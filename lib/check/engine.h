/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The engine: which checks run on what, and the passes.
 */
#ifndef OVL_CHECK_ENGINE_H
#define OVL_CHECK_ENGINE_H

#include "check/view.h"

/** The problems whose check wants to see something, by scope and role; made once. */
struct ovl_rule_list {
	uint16_t id[OVL_P__MAX];
	size_t n;
};

/** One run of the check. */
struct ovl_run {
	struct ovl_stack *stack;
	const struct ovl_check_options *options;
	unsigned threads;
	struct ovl_facts facts;
	struct ovl_sink *sink;                      /* one a thread */
	struct ovl_layer_counts *layer;             /* by number; filled when its walk is over */
	struct ovl_rule_list object[OVL_ROLE__MAX]; /* OVL_SCOPE_OBJECT by role */
	struct ovl_rule_list scope[OVL_SCOPE__MAX]; /* all others */
	uint64_t dirs_done, dirs_known;             /* progress; atomic */
	struct ovl_map plain_index; /* upper inodes in the index without any overlay xattr */
	pthread_mutex_t progress_lock;
};

/**
 * ovl_check_facts - ovl_check(), and the facts that it collected
 * @ret_facts: written whenever @ret is; ovl_facts_free() them
 */
int ovl_check_facts(struct ovl_stack *stack, const struct ovl_check_options *options,
		    struct ovl_report **ret, struct ovl_facts **ret_facts, struct ovl_error *e);
struct ovl_facts *ovl_facts_free(struct ovl_facts *facts);

/** ovl_check_threads - how many threads a check with these options has */
unsigned ovl_check_threads(const struct ovl_check_options *options);

/** ovl_run_object - call the object checks that want this object; 0, -ENOMEM */
int ovl_run_object(struct ovl_run *run, const struct ovl_view *view, struct ovl_sink *sink);

/** ovl_run_scope - call all checks of another scope; 0, -ENOMEM */
int ovl_run_scope(struct ovl_run *run, enum ovl_scope scope, const struct ovl_view *view,
		  struct ovl_sink *sink);

/** ovl_run_cancelled - does the caller want to stop? */
static inline bool ovl_run_cancelled(const struct ovl_run *run)
{
	return run->options->cancelled && run->options->cancelled(run->options->ctx);
}

/** ovl_run_progress - tell the caller, unless another thread is telling it */
void ovl_run_progress(struct ovl_run *run, enum ovl_pass pass, uint64_t current, uint64_t max);

/**
 * ovl_walk_layer - look at every object of a layer
 * Collects facts, runs the checks of OVL_SCOPE_OBJECT and, in the upper, OVL_SCOPE_DIR.
 * 0, -ENOMEM, -ECANCELED.
 */
int ovl_walk_layer(struct ovl_run *run, int layer);

/**
 * ovl_collect_layout - find out who uses the layers, and how they lie to each other
 * Before anything else. Where no mount table can be read, no user is known, and no bind mount is
 * seen through. 0 or -ENOMEM.
 */
int ovl_collect_layout(struct ovl_run *run, struct ovl_sink *sink);

/**
 * ovl_collect_dir - keep what the entries of an upper directory told about it, when all were seen
 * 0 or -ENOMEM.
 */
int ovl_collect_dir(struct ovl_run *run, const struct ovl_scan_dir *dir);

/** ovl_collect_object - keep the facts about an object that cross checks need; 0 or -ENOMEM */
int ovl_collect_object(struct ovl_run *run, const struct ovl_view *view, struct ovl_sink *sink);

/** ovl_collect_name - count a name of a non-directory that is not judged otherwise; 0 or -ENOMEM */
int ovl_collect_name(struct ovl_run *run, const struct ovl_view *view);

/** ovl_collect_index - read the index directory into the facts; before the walks. 0, -ENOMEM */
int ovl_collect_index(struct ovl_run *run, struct ovl_sink *sink);

/** ovl_walk_index, ovl_walk_work - run the checks of OVL_SCOPE_INDEX, OVL_SCOPE_WORK; 0, -ENOMEM,
 *                                  -ECANCELED */
int ovl_walk_index(struct ovl_run *run, struct ovl_sink *sink);
int ovl_walk_work(struct ovl_run *run, struct ovl_sink *sink);

/**
 * ovl_storage_find - is this subdirectory a layer or a work directory of another overlay?
 * @d: the directory that is walked
 * @merged: the subdirectory is merged with lower ones: then, in the upper, it is ours
 * @ret_storage: what to report once: the place that holds the other overlay (path counted)
 *
 * docker and containers/storage keep "diff" beside "link", containerd "fs" beside "work" below
 * "snapshots"; everything else gives itself away by a work base beside it and xattrs of a root, a work
 * directory by its mode and by being alone.
 * Returns 1 if it is, 0 if not, -ENOMEM.
 */
int ovl_storage_find(struct ovl_reader *r, struct ovl_scan_dir *d, int dirfd, const char *name,
		     const struct ovl_obs *obs, bool merged, struct ovl_loc *ret_storage);

#endif
