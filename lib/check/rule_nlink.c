/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Link counts of indexed files.
 *
 * The names of a lower hard link come up one by one, and the index keeps what they have in common: the
 * upper inode, and the number of names in the overlay, as a difference to st_nlink of the upper inode
 * ("U+1") or of the lower one ("L-1"). When it reaches zero the entry goes, and with it the content,
 * wherever a lower name is still left. Kernel: fs/overlayfs/inode.c, ovl_get_nlink().
 *
 * Some lower names may be in no layer, so counting gives no number but an interval: at least the names
 * that are visible, at most the upper names and st_nlink of the lower inode.
 */
#include <errno.h>

#include "check/index_entry.h"
#include "format/value.h"

#include "base/banned.h"

/** The count of an entry and what it is made of. */
struct count {
	bool has_value; /* the value can be parsed */
	enum ovl_nlink_base base;
	int diff;
	int64_t names; /* in the upper */
	int64_t total; /* of names in the overlay, as the kernel would compute it */
};

static void count_links(const struct ovl_view *v, struct count *ret)
{
	const struct ovl_fact_link *link = ovl_index_entry_link(v);
	int64_t nlink = (int64_t)v->obs->stat.nlink;

	*ret = (struct count){ .names = link ? (int64_t)link->names : 0 };
	ret->has_value = (v->obs->xmask & OVL_XBIT(NLINK)) &&
			 ovl_value_nlink(v->obs->x[OVL_X_NLINK], &ret->base, &ret->diff) == 0;
	if (!ret->has_value)
		return;
	/* A name outside of upper and index is told by upper-hardlink-foreign; it does not count here. */
	if (nlink > ret->names + 1)
		nlink = ret->names + 1;
	ret->total =
		(ret->base == OVL_NLINK_UPPER ? nlink : (int64_t)v->entry->lower_nlink) + ret->diff;
}

/* Linux up to 6.18 does not look at the value where the lower inode has no other names. */
static bool is_heeded(const struct ovl_view *v)
{
	return v->entry->lower_nlink > 1;
}

static int report(const struct ovl_view *v, struct ovl_sink *sink, enum ovl_problem_id problem,
		  const char *found, const char *expected)
{
	return ovl_sink_add_about(sink, problem, ovl_problem_get(problem)->severity, v->loc,
				  ovl_index_entry_upper_name(v), found, expected);
}

int ovl_check_nlink_format(const struct ovl_view *v, struct ovl_sink *sink)
{
	const char *found;
	struct count c;

	if (!ovl_index_entry_is_sound(v))
		return 0;
	if (v->obs->xbad & OVL_XBIT(NLINK))
		return ovl_sink_unreadable(sink, v->loc,
					   ovl_xattr_name(OVL_X_NLINK, v->stack->config.userxattr),
					   -EIO);
	count_links(v, &c);
	if (c.has_value || (!is_heeded(v) && !(v->obs->xmask & OVL_XBIT(NLINK))))
		return 0;
	found = v->obs->xmask & OVL_XBIT(NLINK) ?
			ovl_sink_text(sink, "nlink=%s",
				      ovl_sink_quote(sink, v->obs->x[OVL_X_NLINK])) :
			"no nlink";
	return ovl_sink_add_about(sink, OVL_P_NLINK_FORMAT,
				  is_heeded(v) ? OVL_SEV_ERROR : OVL_SEV_INFO, v->loc,
				  ovl_index_entry_upper_name(v), found,
				  "U or L, a sign and a number, such as U+1");
}

/*
 * The only name of its inode, but lower names lead there: the next mount counts as Linux up to 6.18 does
 * if the lower inode has no other names, finds none, and removes the entry or makes a whiteout of it.
 */
static int check_lost_name(const struct ovl_view *v, struct ovl_sink *sink)
{
	struct ovl_index_shown shown;
	int r;

	if (v->obs->stat.nlink > 1)
		return 0;
	r = ovl_index_entry_shown(v, &shown);
	if (r < 0 || shown.n == 0)
		return r;
	return ovl_sink_add_about(sink, OVL_P_NLINK_LOW, OVL_SEV_ERROR, v->loc, shown.first,
				  "no name in the upper, and the lower inode has no other names: "
				  "the kernel takes the entry for an orphan",
				  "a name in the upper, or a whiteout at that of the lower");
}

int ovl_check_nlink_low(const struct ovl_view *v, struct ovl_sink *sink)
{
	struct ovl_index_shown shown;
	const struct ovl_fact_name *name;
	struct count c;
	int r;

	if (!ovl_index_entry_is_sound(v) || v->facts->missed_upper)
		return 0;
	if (!is_heeded(v))
		return check_lost_name(v, sink);
	count_links(v, &c);
	if (!c.has_value ||
	    c.total >= c.names + (int64_t)ovl_facts_names(v->facts, v->entry->lower.a,
							  v->entry->lower.b, &name))
		return 0;
	r = ovl_index_entry_shown(v, &shown);
	if (r < 0 || c.names + (int64_t)shown.n == 0 || c.total >= c.names + (int64_t)shown.n)
		return r;
	return report(v, sink, OVL_P_NLINK_LOW,
		      ovl_sink_text(sink,
				    "nlink=%s makes %lld; names in the upper: %lld, visible ones "
				    "in the lower: %llu",
				    ovl_sink_quote(sink, v->obs->x[OVL_X_NLINK]),
				    (long long)c.total, (long long)c.names,
				    (unsigned long long)shown.n),
		      "at least the names that are visible");
}

int ovl_check_nlink_high(const struct ovl_view *v, struct ovl_sink *sink)
{
	struct count c;

	if (!ovl_index_entry_is_sound(v) || !is_heeded(v) || v->facts->missed_upper)
		return 0;
	count_links(v, &c);
	if (!c.has_value || c.total <= c.names + (int64_t)v->entry->lower_nlink)
		return 0;
	return report(v, sink, OVL_P_NLINK_HIGH,
		      ovl_sink_text(sink,
				    "nlink=%s makes %lld; names in the upper: %lld, links of the "
				    "lower inode: %llu",
				    ovl_sink_quote(sink, v->obs->x[OVL_X_NLINK]),
				    (long long)c.total, (long long)c.names,
				    (unsigned long long)v->entry->lower_nlink),
		      "at most the sum of both");
}

/*
 * No name is left. Without nfs_export the kernel removes the entry together with the last name, unless
 * that was removed while the index was off; then the next mount with index=on does.
 */
int ovl_check_index_orphan(const struct ovl_view *v, struct ovl_sink *sink)
{
	struct ovl_index_shown shown;
	struct count c;
	int r;

	if (!ovl_index_entry_is_sound(v) || !is_heeded(v) || v->obs->stat.nlink > 1 ||
	    v->stack->config.nfs_export == OVL_ON)
		return 0;
	count_links(v, &c);
	if (!c.has_value || c.total > 0)
		return 0;
	r = ovl_index_entry_shown(v, &shown);
	if (r < 0 || shown.n > 0)
		return r;
	return ovl_sink_add(sink, OVL_P_INDEX_ORPHAN, v->loc,
			    ovl_sink_text(sink, "nlink=%s makes %lld, and no name is visible",
					  ovl_sink_quote(sink, v->obs->x[OVL_X_NLINK]),
					  (long long)c.total),
			    "");
}

int ovl_check_nlink_nonindexed(const struct ovl_view *v, struct ovl_sink *sink)
{
	if (v->obs->kind != OVL_KIND_DIR &&
	    ovl_facts_has_index((struct ovl_facts *)v->facts, v->obs->stat.ino))
		return 0;
	return ovl_sink_add(sink, OVL_P_NLINK_NONINDEXED, v->loc,
			    ovl_sink_text(sink, "nlink=%s, and no entry in the index",
					  v->obs->xmask & OVL_XBIT(NLINK) ?
						  ovl_sink_quote(sink, v->obs->x[OVL_X_NLINK]) :
						  "?"),
			    "");
}
