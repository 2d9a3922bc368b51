/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Planners for the index and its entries.
 *
 * An entry may be the only name of a file, so none is removed: what cannot be put right is moved out of
 * the index, where the kernel does not find it. It is put right where its name and its origin tell the
 * same, or where an upper name of the file shows which of them does.
 */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "format/value.h"
#include "repair/fix_entry.h"
#include "repair/fixes.h"

#include "base/banned.h"

/** A handle, and the lower inode it leads to. */
struct lead {
	unsigned char raw[OVL_FH_MAX_LEN];
	struct ovl_bytes bytes; /* in @raw */
	struct ovl_origin origin;
	bool sound; /* there is such an inode, of the type of the entry, and the kernel would write it so */
};

static enum ovl_kind plain(enum ovl_kind kind)
{
	return kind == OVL_KIND_XWHITEOUT ? OVL_KIND_REG : kind;
}

static void follow(struct ovl_fixer *fx, const struct ovl_fix_entry *e, struct ovl_bytes value,
		   struct lead *ret)
{
	struct ovl_fh fh;

	*ret = (struct lead){ .sound = false };
	if (value.len == 0 || ovl_fh_parse(value, &fh) < 0)
		return;
	memcpy(ret->raw, value.data, fh.len);
	ret->bytes = (struct ovl_bytes){ ret->raw, fh.len };
	ovl_origin_decode(fx->stack, ret->bytes, 1, (int)fx->stack->n_lower, true, &ret->origin);
	ret->sound = ret->origin.state == OVL_ORIGIN_FOUND && ret->origin.same_bytes &&
		     !(fh.flags & OVL_FH_FLAG_PATH_UPPER) && ret->origin.kind == plain(e->obs.kind);
}

static void follow_name(struct ovl_fixer *fx, const struct ovl_fix_entry *e, struct lead *ret)
{
	unsigned char raw[128]; /* see ovl_fh_parse_name() */
	int len = ovl_fh_parse_name(e->v.name, raw);

	follow(fx, e, (struct ovl_bytes){ raw, len < 0 ? 0 : (size_t)len }, ret);
}

static void follow_origin(struct ovl_fixer *fx, const struct ovl_fix_entry *e, struct lead *ret)
{
	bool has = e->obs.xmask & OVL_XBIT(ORIGIN);

	follow(fx, e, has ? e->obs.x[OVL_X_ORIGIN] : (struct ovl_bytes){ NULL, 0 }, ret);
}

static bool is_same(const struct lead *a, const struct lead *b)
{
	return a->bytes.len == b->bytes.len && memcmp(a->raw, b->raw, a->bytes.len) == 0;
}

/* The index holds lower hard links; with nfs_export=on everything. */
static bool may_be_indexed(const struct ovl_fixer *fx, const struct lead *lead)
{
	return lead->sound &&
	       (lead->origin.stat.nlink > 1 || fx->stack->config.nfs_export == OVL_ON);
}

/* Every file in the index has its link count on it. */
static bool has_nlink(const struct ovl_obs *obs)
{
	enum ovl_nlink_base base;
	int diff;

	return (obs->xmask & OVL_XBIT(NLINK)) &&
	       ovl_value_nlink(obs->x[OVL_X_NLINK], &base, &diff) == 0;
}

/* A copy that was made without xattrs: what was metacopy reads as zeros now. */
static bool is_hole(const struct ovl_obs *obs)
{
	return obs->kind == OVL_KIND_REG && obs->stat.size > 0 && obs->stat.blocks == 0 &&
	       !ovl_obs_has(obs, OVL_X_METACOPY);
}

static int stands_for(struct ovl_fixer *fx, const struct ovl_fix_entry *e, const struct lead *lead)
{
	const struct ovl_stat *st = &lead->origin.stat;

	return may_be_indexed(fx, lead) ?
		       ovl_fix_entry_stands_for(fx, e, (struct ovl_key){ st->dev, st->ino }) :
		       0;
}

static int rename_to(struct ovl_fixer *fx, const struct lead *lead)
{
	struct ovl_loc to;
	int r = ovl_fix_entry_name(lead->raw, lead->bytes.len, &to);

	if (r < 0)
		return r;
	r = ovl_fix_entry_is_free(fx, to);
	if (r == 0)
		r = ovl_way_refuse(fx, "there is another entry for its lower file");
	else if (r > 0)
		r = ovl_way_say(fx, "give it the name of its lower file");
	if (r == 0 && !fx->why)
		r = ovl_way_move(fx, fx->finding->loc, to);
	ovl_path_unref((struct ovl_path *)to.path);
	return r < 0 ? r : fx->way->ops.len > 0;
}

static int write_origin(struct ovl_fixer *fx, const struct lead *lead)
{
	int r = ovl_fixer_names(fx, fx->finding->loc);

	if (r <= 0)
		return r < 0 ? r :
			       ovl_way_refuse(fx,
					      "it has names outside of the upper and the index");
	r = ovl_way_say(fx, "write the handle that is its name into its origin");
	if (r == 0)
		r = ovl_way_set_xattr(fx, fx->finding->loc, OVL_X_ORIGIN, lead->bytes);
	return r < 0 ? r : 1;
}

static int plan_rename(struct ovl_fixer *fx, const struct ovl_fix_entry *e)
{
	struct lead name, origin;

	follow_name(fx, e, &name);
	follow_origin(fx, e, &origin);
	if (e->obs.kind == OVL_KIND_WHITEOUT)
		return ovl_way_refuse(fx, "a whiteout need not be kept");
	if (e->obs.kind == OVL_KIND_DIR)
		return name.sound && ovl_obs_has(&e->obs, OVL_X_UPPER) ?
			       rename_to(fx, &name) :
			       ovl_way_refuse(fx, "its name leads to no lower directory");
	if (!may_be_indexed(fx, &origin) || !has_nlink(&e->obs))
		return ovl_way_refuse(fx, "it does not look like a file of the index");
	if (name.bytes.len > 0 && !is_same(&name, &origin))
		return ovl_way_refuse(fx, "its origin is another one than its name");
	return rename_to(fx, &origin);
}

int ovl_fix_index_rename(struct ovl_fixer *fx)
{
	struct ovl_fix_entry e = { 0 };
	int r = ovl_fix_entry_load(fx, &e);

	if (r > 0)
		r = plan_rename(fx, &e);
	ovl_fix_entry_done(&e);
	return r;
}

static int plan_origin(struct ovl_fixer *fx, const struct ovl_fix_entry *e)
{
	struct lead name;
	int r;

	follow_name(fx, e, &name);
	if (!may_be_indexed(fx, &name))
		return ovl_way_refuse(fx, "its name leads to no lower file that it can stand for");
	r = stands_for(fx, e, &name);
	if (r < 0)
		return r;
	if (!r && (!has_nlink(&e->obs) || is_hole(&e->obs)))
		return ovl_way_refuse(fx, "nothing tells that it stands for that lower file");
	return write_origin(fx, &name);
}

int ovl_fix_index_origin(struct ovl_fixer *fx)
{
	struct ovl_fix_entry e = { 0 };
	int r = ovl_fix_entry_load(fx, &e);

	if (r > 0)
		r = plan_origin(fx, &e);
	ovl_fix_entry_done(&e);
	return r;
}

/* Which of the two is right? @sure: an upper name has to tell; else that the other one is impossible. */
static int plan_agree(struct ovl_fixer *fx, const struct ovl_fix_entry *e, bool sure)
{
	struct lead name, origin;
	int by_name, by_origin;

	follow_name(fx, e, &name);
	follow_origin(fx, e, &origin);
	if (ovl_index_entry_origin(&e->v) == OVL_INDEX_ORIGIN_FLAG)
		return write_origin(fx, &name);
	by_name = sure ? stands_for(fx, e, &name) : may_be_indexed(fx, &name);
	by_origin = sure ? stands_for(fx, e, &origin) : may_be_indexed(fx, &origin);
	if (by_name < 0 || by_origin < 0)
		return -ENOMEM;
	if (by_name == by_origin)
		return ovl_way_refuse(fx, "nothing tells whether its name or its origin is right");
	return by_name ? write_origin(fx, &name) : rename_to(fx, &origin);
}

static int agree(struct ovl_fixer *fx, bool sure)
{
	struct ovl_fix_entry e = { 0 };
	int r = ovl_fix_entry_load(fx, &e);

	if (r > 0)
		r = plan_agree(fx, &e, sure);
	ovl_fix_entry_done(&e);
	return r;
}

int ovl_fix_index_agree(struct ovl_fixer *fx)
{
	return agree(fx, true);
}

int ovl_fix_index_guess(struct ovl_fixer *fx)
{
	return agree(fx, false);
}

int ovl_fix_index_aside(struct ovl_fixer *fx)
{
	struct ovl_fix_entry e = { 0 };
	int r = ovl_fix_entry_load(fx, &e);

	if (r > 0) {
		r = ovl_way_set_aside(fx, fx->finding->loc);
		r = r < 0 ? r : 1;
	}
	ovl_fix_entry_done(&e);
	return r;
}
