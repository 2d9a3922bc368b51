/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The stamp of the last whole check that found an overlay clean, as bytes.
 *
 *	magic "OVLSTMP1", u32 length, u32 version, u32 incompatible features, u64 seconds since 1970,
 *	work at the check, work at the last orderly end, bytes overlay, u32 crc
 *
 * where work is u64 inode of work/, u64 and u32 seconds and nanoseconds of its birth.
 * Numbers are little-endian, bytes are u32 length and bytes, as in a journal.
 */
#ifndef OVL_FORMAT_STAMP_H
#define OVL_FORMAT_STAMP_H

#include "base/buf.h"
#include "overlayfs/types.h"

/** The directory work/ in the work base, which the kernel makes anew at every mount. */
struct ovl_stamp_work {
	uint64_t ino; /* 0: there is none */
	int64_t sec;  /* birth; both 0: the file system does not tell */
	uint32_t nsec;
};

struct ovl_stamp {
	uint64_t time;              /* of the check: seconds since 1970 */
	struct ovl_stamp_work work; /* then */
	struct ovl_stamp_work
		ended;            /* when the overlay was last unmounted as it should; zeros: nobody
				      * notes that */
	struct ovl_bytes overlay; /* which layers, with which options: to be compared only */
};

/** ovl_stamp_put - append it; 0 or -ENOMEM */
int ovl_stamp_put(struct ovl_buf *out, const struct ovl_stamp *stamp);

/**
 * ovl_stamp_get - read it
 * @in: the whole file
 * @ret: points into @in; written on 0 only
 * 0; -EINVAL if it is none, or torn, or longer than it says; -EPROTO if it is one of a later version.
 */
int ovl_stamp_get(struct ovl_bytes in, struct ovl_stamp *ret);

#endif
