/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The marker: <workdir>/work/incompat/fsck.overlay/<id>, at which the kernel refuses the mount. Kernels
 * before 5.10 do not know it; they cannot remove what lies so deep, and mount read-only.
 *
 * If the journal is not in the work directory but in the folder of -z, the name is <id>-elsewhere: who
 * does not know that folder cannot tell what became of the journal, and leaves the marker alone.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "io/beneath.h"
#include "io/write.h"
#include "repair/store_folder.h"

#include "base/banned.h"

static const char work_name[] = "work", incompat_name[] = "incompat", own_name[] = "fsck.overlay";
static const char elsewhere[] = "-elsewhere";

enum { ID_LEN = 36 };

/** The chain of directories; -EBADF: not opened. */
struct chain {
	int base, work, incompat, own;
};

static void chain_done(struct chain *c)
{
	ovl_cleanup_close(&c->base);
	ovl_cleanup_close(&c->work);
	ovl_cleanup_close(&c->incompat);
	ovl_cleanup_close(&c->own);
}

#define CHAIN_INIT                             \
	{                                      \
		-EBADF, -EBADF, -EBADF, -EBADF \
	}

static bool is_absent(int r)
{
	return r == -ENOENT || r == -ENOTDIR || r == -ELOOP;
}

static int fail_chain(struct ovl_error *e, int r)
{
	return ovl_fail(e, r, "cannot look for markers in work/%s of the work directory",
			incompat_name);
}

/* Opens the chain: 1, or 0 if there is none. */
static int open_chain(const struct ovl_store *s, struct chain *c, struct ovl_error *e)
{
	int r = ovl_beneath_open_dir(s->stack->work.root.plain, "", &c->base);

	if (r == 0)
		r = ovl_beneath_open_dir(c->base, work_name, &c->work);
	if (r == 0)
		r = ovl_beneath_open_dir(c->work, incompat_name, &c->incompat);
	if (r == 0) {
		r = ovl_store_open_own(c->incompat, own_name, &c->own);
		if (r < 0 && r != -ENOENT)
			return ovl_store_fail(e, r, "work/incompat/fsck.overlay");
	}
	if (r < 0 && !is_absent(r))
		return fail_chain(e, r);
	return r == 0;
}

/* A directory of the kernel's. It makes work/ without any permissions, and so do we. */
static int make_kernel_dir(int dir, const char *name, uint32_t mode, int *ret_fd)
{
	int r = ovl_write_make_dir(dir, name, mode);

	if (r == 0 || r == -EEXIST)
		r = ovl_beneath_open_dir(dir, name, ret_fd);
	if (r == 0)
		r = ovl_write_sync(*ret_fd);
	return r == 0 ? ovl_write_sync(dir) : r;
}

/* Opens the chain and makes what is missing of it: 1, or 0 if something else is in the way. */
static int make_chain(const struct ovl_store *s, struct chain *c, struct ovl_error *e)
{
	int r = ovl_beneath_open_dir(s->stack->work.root.plain, "", &c->base);

	if (r == 0)
		r = make_kernel_dir(c->base, work_name, 0, &c->work);
	if (r == 0 && ovl_write_frozen(c->work))
		return ovl_store_fail_frozen(e, "work/work");
	if (r == 0)
		r = make_kernel_dir(c->work, incompat_name, 0700, &c->incompat);
	if (r == 0 && ovl_write_frozen(c->incompat))
		return ovl_store_fail_frozen(e, "work/work/incompat");
	if (r == -ENOTDIR || r == -ELOOP)
		return 0;
	if (r == 0) {
		r = ovl_store_make_own(c->incompat, own_name, &c->own);
		if (r == -EPERM || r == -ENOTDIR || r == -ELOOP)
			return ovl_store_fail(e, r, "work/incompat/fsck.overlay");
	}
	/* Who cannot take the marker away again must not set it. */
	if (r == 0 && ovl_write_frozen(c->own))
		return ovl_store_fail_frozen(e, "work/work/incompat/fsck.overlay");
	if (r < 0)
		return ovl_fail(e, r, "cannot put a marker into work/%s of the work directory",
				incompat_name);
	return 1;
}

static int marker_name(const struct ovl_store *s, struct ovl_buf *out)
{
	return ovl_buf_addf(out, "%s%s", s->id, s->apart ? elsewhere : "");
}

static int not_empty_is_fine(int r)
{
	return r == -ENOTEMPTY || r == -EEXIST || r == -ENOENT ? 0 : r;
}

/* Removes the directories of the chain that are empty, from below. What others keep there stays. */
static int shrink(const struct chain *c)
{
	int r;

	if (c->incompat < 0)
		return 0;
	r = not_empty_is_fine(ovl_write_remove_dir(c->incompat, own_name));
	if (r == 0)
		r = ovl_write_sync(c->incompat);
	if (r == 0)
		r = not_empty_is_fine(ovl_write_remove_dir(c->work, incompat_name));
	return r == 0 ? ovl_write_sync(c->work) : r;
}

static int remove_marker(const struct chain *c, const char *name)
{
	int r = ovl_write_remove_dir(c->own, name);

	if (r == -ENOENT)
		return 0;
	return r == 0 ? ovl_write_sync(c->own) : r;
}

/* Is a marker one of our place, and nothing stands behind it any more? 1, 0 or -ENOMEM */
static int is_stale(const struct ovl_store *s, const char *name)
{
	_cleanup_(ovl_log_done) struct ovl_log log = { 0 };
	_cleanup_close_ int dir = -EBADF;
	char id[ID_LEN + 1] = { 0 };
	int r;

	if (strlen(name) < ID_LEN || !ovl_store_is_id(name, ID_LEN) ||
	    strcmp(name + ID_LEN, s->apart ? elsewhere : "") != 0)
		return 0;
	memcpy(id, name, ID_LEN);
	r = ovl_store_open_own(s->lock, id, &dir);
	if (r == 0)
		r = ovl_journal_read(dir, &log, NULL);
	/* In the work directory the marker comes first; elsewhere the journal does. */
	if (r == -ENOENT)
		return !s->apart;
	if (r == -ENOMEM)
		return r;
	return r == 0 && (log.state == OVL_JOURNAL_FINISHED || log.state == OVL_JOURNAL_UNDONE);
}

static int remove_stale(const struct ovl_store *s, const struct chain *c)
{
	_cleanup_(ovl_store_names_done) ovl_store_names names = { 0 };
	int r = ovl_store_read(c->own, &names);

	for (size_t i = 0; r == 0 && i < names.len; i++) {
		r = is_stale(s, names.data[i]);
		if (r > 0)
			r = remove_marker(c, names.data[i]);
	}
	return r == 0 ? shrink(c) : r;
}

int ovl_store_marked(struct ovl_store *s, struct ovl_error *e)
{
	_cleanup_(chain_done) struct chain c = CHAIN_INIT;

	return s->marks ? open_chain(s, &c, e) : 0;
}

int ovl_store_unmark(struct ovl_store *s, struct ovl_error *e)
{
	_cleanup_(chain_done) struct chain c = CHAIN_INIT;
	int r = s->marks ? open_chain(s, &c, e) : 0;

	if (r <= 0)
		return r;
	r = remove_stale(s, &c);
	return r < 0 ? ovl_fail(e, r, "cannot take a marker away that means nothing any more") : 0;
}

/* Is there a marker beside @own? */
static int check_others(const struct chain *c, const char *own, struct ovl_error *e)
{
	_cleanup_(ovl_store_names_done) ovl_store_names names = { 0 };
	int r = ovl_store_read(c->own, &names);

	if (r < 0)
		return fail_chain(e, r);
	for (size_t i = 0; i < names.len; i++) {
		const char *name = names.data[i];

		if (strcmp(name, own) == 0)
			continue;
		if (strlen(name) > ID_LEN && strcmp(name + ID_LEN, elsewhere) == 0)
			return ovl_fail_plain(
				e, -EBUSY,
				"a repair that keeps its journal elsewhere (-z) is at "
				"work, or was not finished: %.36s",
				name);
		if (ovl_store_is_id(name, strlen(name)))
			return ovl_fail_plain(
				e, -EBUSY,
				"a repair that keeps its journal in the work directory "
				"is at work, or was not finished: %s",
				name);
		return ovl_fail_plain(
			e, -EBUSY, "in work/incompat/fsck.overlay is something that is not ours");
	}
	return 0;
}

static int put_marker(const struct chain *c, const char *name, struct ovl_error *e)
{
	_cleanup_close_ int fd = -EBADF;
	int r = ovl_store_make_own(c->own, name, &fd);

	if (r < 0)
		return ovl_store_fail(e, r, name);
	/* Another run, whose journal is elsewhere, may have put its own beside it just now. */
	r = check_others(c, name, e);
	if (r < 0)
		remove_marker(c, name);
	return r;
}

int ovl_store_mark(struct ovl_store *s, struct ovl_error *e)
{
	_cleanup_(chain_done) struct chain c = CHAIN_INIT;
	_cleanup_(ovl_buf_done) struct ovl_buf name = { 0 };
	int r;

	if (!s->marks)
		return 0;
	r = marker_name(s, &name);
	if (r < 0)
		return ovl_fail(e, r, "cannot set the marker");
	r = ovl_store_unmark(s, e);
	if (r == 0)
		r = make_chain(s, &c, e);
	if (r > 0)
		r = check_others(&c, name.data, e);
	else if (r == 0)
		return 0;
	if (r == 0)
		r = put_marker(&c, name.data, e);
	if (r < 0)
		shrink(&c); /* an empty chain would be a marker, too */
	return r;
}

int ovl_store_remove_mark(struct ovl_store *s, struct ovl_error *e)
{
	_cleanup_(chain_done) struct chain c = CHAIN_INIT;
	_cleanup_(ovl_buf_done) struct ovl_buf name = { 0 };
	int r = s->marks ? open_chain(s, &c, e) : 0;

	if (r <= 0)
		return r;
	r = marker_name(s, &name);
	if (r == 0)
		r = remove_marker(&c, name.data);
	if (r == 0)
		r = shrink(&c);
	return r < 0 ? ovl_fail(e, r, "cannot take the marker away") : 0;
}
