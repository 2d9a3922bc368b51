/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A walk, between walk.c, which goes from directory to directory, and visit.c, which looks at one
 * entry of a directory.
 */
#ifndef OVL_CHECK_WALK_H
#define OVL_CHECK_WALK_H

#include "base/pool.h"
#include "check/engine.h"

/** A directory that waits to be walked. */
struct ovl_walk_job {
	struct ovl_job job;
	struct ovl_scan_dir *dir;
};

/** What each thread keeps from one directory to the next. */
struct ovl_walk_thread {
	unsigned char *dirbuf;
	struct ovl_buf names; /* xattr list of the entry at hand */
	struct ovl_view_shared shared;
};

struct ovl_walk {
	struct ovl_run *run;
	const struct ovl_layer *layer;
	struct ovl_walk_thread *thread;
	bool count_names; /* there are plain index inodes whose names are counted here */
	bool want_names;  /* there are lower inodes whose names are collected here */
	bool stripped;    /* the layer seems to have lost its xattrs: look for hollow files */
};

/** One directory under work. */
struct ovl_walk_dir {
	struct ovl_walk *walk;
	struct ovl_walk_thread *thread;
	struct ovl_sink *sink;
	struct ovl_scan_dir *dir;
	int fd;
	struct ovl_job *first, *last; /* subdirectories found */
};

/** ovl_walk_job_new - a job for a directory, which is taken, also on failure; 0 or -ENOMEM */
int ovl_walk_job_new(struct ovl_scan_dir *dir, struct ovl_walk_job **ret);
void ovl_walk_job_free(struct ovl_walk_job *job);

/** ovl_visit_note_missed - something of this layer could not be seen: facts are not complete */
void ovl_visit_note_missed(const struct ovl_walk *walk);

/**
 * ovl_visit_entry - look at one entry of the directory that is walked
 *
 * Adds a job to @w for a subdirectory, facts to the run, findings to the sink of the thread.
 * 0, -ENOMEM.
 */
int ovl_visit_entry(struct ovl_walk_dir *w, const struct ovl_dirent *d);

#endif
