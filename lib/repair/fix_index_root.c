/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Planners for the index as a whole: what lies in its place, and the handle that names the upper.
 */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "check/index_root.h"
#include "repair/fixes.h"

#include "base/banned.h"

static const struct ovl_loc index_root = { OVL_LAYER_INDEX, NULL };

enum { FLAGS_AT = 3 }; /* offset in the blob */

/* Whatever is called index in the work directory: as a root it could not be moved. */
int ovl_fix_index_root_aside(struct ovl_fixer *fx)
{
	static const char name[] = "index";
	struct ovl_loc at = { OVL_LAYER_WORK, ovl_path_new(NULL, name, strlen(name)) };
	int r = at.path ? ovl_way_set_aside(fx, at) : -ENOMEM;

	ovl_path_unref((struct ovl_path *)at.path);
	return r < 0 ? r : 1;
}

/* The handle on the index, compared with the upper; -ENODATA without one. */
static int compare(struct ovl_fixer *fx, enum ovl_index_handle *ret)
{
	struct ovl_obs obs;
	int r = ovl_fixer_observe(fx, index_root, &obs);

	if (r < 0)
		return r;
	if (!(obs.xmask & OVL_XBIT(UPPER)))
		return -ENODATA;
	*ret = ovl_index_root_compare(fx->stack, obs.x[OVL_X_UPPER], OVL_LAYER_UPPER);
	return 0;
}

/* Hard links tell that the two belong together: no other upper has names of these inodes. */
static bool is_paired(const struct ovl_facts *facts)
{
	bool paired = false;

	for (size_t i = 0; i < facts->link.len; i++) {
		const struct ovl_fact_link *link = &facts->link.data[i];

		if (link->entries == 0)
			continue;
		if (link->names == 0 && link->nlink > link->entries)
			return false;
		paired |= link->names > 0;
	}
	return paired && !facts->missed_upper;
}

static int write_handle(struct ovl_fixer *fx)
{
	unsigned char raw[OVL_FH_MAX_LEN];
	int r = ovl_origin_of_root(fx->stack, OVL_LAYER_UPPER, OVL_FH_FLAG_PATH_UPPER, raw);

	if (r > 0)
		r = ovl_way_set_xattr(fx, index_root, OVL_X_UPPER,
				      (struct ovl_bytes){ raw, (size_t)r });
	return r < 0 ? r : 1;
}

static int adopt(struct ovl_fixer *fx, bool sure)
{
	enum ovl_index_handle handle;
	int r = compare(fx, &handle);

	if (r < 0 && r != -ENODATA)
		return r;
	if (r < 0 || (handle != OVL_INDEX_HANDLE_OTHER && handle != OVL_INDEX_HANDLE_ENCODED))
		return ovl_way_refuse(fx, "its handle is another one by now");
	if (sure && handle == OVL_INDEX_HANDLE_OTHER && !is_paired(fx->facts))
		return ovl_way_refuse(fx, "nothing tells that they belong together: no file of the "
					  "upper has its inode in the index as well");
	return write_handle(fx);
}

int ovl_fix_index_adopt(struct ovl_fixer *fx)
{
	return adopt(fx, true);
}

int ovl_fix_index_adopt_anyway(struct ovl_fixer *fx)
{
	return adopt(fx, false);
}

/* On the index itself and on its entries; the origins of objects are looked after elsewhere. */
int ovl_fix_index_flag(struct ovl_fixer *fx)
{
	const struct ovl_loc loc = fx->finding->loc;
	_cleanup_(ovl_buf_done) struct ovl_buf value = { 0 };
	struct ovl_obs obs;
	struct ovl_fh fh;
	int r = ovl_fixer_observe(fx, loc, &obs);

	if (r < 0)
		return r;
	if (loc.layer != OVL_LAYER_INDEX || !(obs.xmask & OVL_XBIT(UPPER)) ||
	    ovl_fh_parse(obs.x[OVL_X_UPPER], &fh) < 0 || (fh.flags & OVL_FH_FLAG_PATH_UPPER))
		return ovl_way_refuse(fx, "its handle is another one by now");
	r = ovl_buf_add(&value, obs.x[OVL_X_UPPER].data, obs.x[OVL_X_UPPER].len);
	if (r < 0)
		return r;
	value.data[FLAGS_AT] = (char)(fh.flags | OVL_FH_FLAG_PATH_UPPER);
	r = ovl_way_set_xattr(fx, loc, OVL_X_UPPER, ovl_buf_bytes(&value));
	return r < 0 ? r : 1;
}
