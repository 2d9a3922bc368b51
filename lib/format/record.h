/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The journal of a repair, as bytes: a header, then records, only ever appended.
 *
 * All numbers are little-endian. Every record carries a CRC-32 that begins with the one of the record
 * before it, so a record that was torn, or is left of another journal, ends the log.
 *
 *	header	magic "OVLUNDO1", u32 length, u32 version, u32 incompatible features, 16 bytes uuid,
 *		u64 seconds since 1970, 16 bytes boot id, then strings; u32 crc
 *	record	u32 length of the payload, u16 type, u16 zero, u64 sequence number, payload, u32 crc
 *
 * Strings and byte arrays are u32 length and bytes.
 */
#ifndef OVL_FORMAT_RECORD_H
#define OVL_FORMAT_RECORD_H

#include <stdbool.h>

#include "base/buf.h"
#include "overlayfs/types.h"

enum ovl_record_type {
	OVL_RECORD_TREE = 1, /* one tree of the overlay: number, path, inode of the root, fs uuid */
	OVL_RECORD_GROUP,    /* a group of steps begins: all until COMMIT belongs to it */
	OVL_RECORD_STEP, /* a step begins: slug of the problem, place, what is done, for --list-undo */
	OVL_RECORD_OP,       /* one operation of that step: see lib/repair/op_record.h */
	OVL_RECORD_ABORT,    /* a step of this group failed and was taken back: its number */
	OVL_RECORD_COMMIT,   /* the group is done and durable */
	OVL_RECORD_FINISHED, /* the run has ended: exit state, numbers */
	OVL_RECORD_UNDO,     /* from here on the journal is taken back */
	OVL_RECORD_UNDONE,   /* that is done */
	OVL_RECORD_COPIED, /* which file of several names was copied, and where to: for a run that goes on */
	OVL_RECORD__MAX
};

struct ovl_record_header {
	uint32_t incompat; /* features that a reader must know; 0 today */
	uint8_t uuid[16];
	uint8_t boot_id[16];
	uint64_t time;            /* seconds since 1970 */
	struct ovl_bytes tool;    /* "fsck.overlay 0.1" */
	struct ovl_bytes command; /* the command line, NUL between words */
};

struct ovl_record {
	enum ovl_record_type type;
	uint64_t seq; /* 1, 2, 3 ... */
	struct ovl_bytes payload;
};

/** ovl_record_put_header - append the header; @crc: written, to begin the chain; 0 or -ENOMEM */
int ovl_record_put_header(struct ovl_buf *out, const struct ovl_record_header *h, uint32_t *crc);

/**
 * ovl_record_get_header - read it
 * @ret: points into @in; written on 0 only, as are the others
 * @ret_used: bytes of it
 * 0; -ENODATA if @in is too short or torn; -EINVAL if it is no journal; -EPROTO if it is one of a later
 * version, or has features that we do not know.
 */
int ovl_record_get_header(struct ovl_bytes in, struct ovl_record_header *ret, size_t *ret_used,
			  uint32_t *ret_crc);

/** ovl_record_put - append one record; @crc: of the chain, updated; 0 or -ENOMEM (nothing appended) */
int ovl_record_put(struct ovl_buf *out, enum ovl_record_type type, uint64_t seq,
		   struct ovl_bytes payload, uint32_t *crc);

/**
 * ovl_record_get - the next record
 * @in: from its first byte on
 * @seq: the number that it must have
 * @crc: of the chain, updated on 1 only
 * @ret: points into @in
 * Returns 1, or 0 at the end of the log: nothing there, or torn, or of another chain.
 */
int ovl_record_get(struct ovl_bytes in, uint64_t seq, uint32_t *crc, struct ovl_record *ret,
		   size_t *ret_used);

/* Fields of a payload. The put functions return 0 or -ENOMEM. */
int ovl_field_put_u32(struct ovl_buf *out, uint32_t v);
int ovl_field_put_u64(struct ovl_buf *out, uint64_t v);
int ovl_field_put_bytes(struct ovl_buf *out, struct ovl_bytes v);

/* The get functions take a field from the front of @in; -EINVAL if it is not there whole. */
int ovl_field_get_u32(struct ovl_bytes *in, uint32_t *ret);
int ovl_field_get_u64(struct ovl_bytes *in, uint64_t *ret);
int ovl_field_get_bytes(struct ovl_bytes *in, struct ovl_bytes *ret);

#endif
