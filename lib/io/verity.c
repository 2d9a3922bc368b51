/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The fs-verity digest of a file. See verity.h.
 */
#include "io/verity.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "format/metacopy.h"

#ifdef HAVE_LIBFSVERITY
#include <libfsverity.h>
#endif

#include "base/banned.h"

#ifdef HAVE_LIBFSVERITY
struct input {
	struct ovl_reader *reader;
	int fd;
	uint64_t offset;
};

/* The library wants all of it or an error. */
static int read_next(void *ctx, void *buf, size_t count)
{
	struct input *in = ctx;
	int64_t n;

	while (count > 0) {
		n = in->reader->ops->pread(in->reader, in->fd, buf, count, in->offset);
		if (n < 0)
			return (int)n;
		if (n == 0)
			return -ESTALE; /* the file became shorter */
		in->offset += (uint64_t)n;
		buf = (char *)buf + n;
		count -= (size_t)n;
	}
	return 0;
}

static int compute(struct ovl_reader *r, int fd, uint64_t size, uint8_t algo,
		   unsigned char ret_digest[OVL_VERITY_MAX_DIGEST], unsigned *ret_len)
{
	struct libfsverity_merkle_tree_params params = {
		.version = 1,
		.hash_algorithm = algo,
		.file_size = size,
		.block_size = 4096,
	};
	_cleanup_free_ struct libfsverity_digest *digest = NULL;
	struct input in = { .reader = r, .fd = fd };
	int err;

	err = libfsverity_compute_digest(&in, read_next, &params, &digest);
	if (err < 0)
		return err;
	if (digest->digest_size > OVL_VERITY_MAX_DIGEST)
		return -EOVERFLOW;
	memcpy(ret_digest, digest->digest, digest->digest_size);
	*ret_len = digest->digest_size;
	return 0;
}
#else
static int compute(struct ovl_reader *r, int fd, uint64_t size, uint8_t algo,
		   unsigned char ret_digest[OVL_VERITY_MAX_DIGEST], unsigned *ret_len)
{
	(void)r;
	(void)fd;
	(void)size;
	(void)algo;
	(void)ret_digest;
	(void)ret_len;
	return -EOPNOTSUPP;
}
#endif

int ovl_verity_digest(struct ovl_reader *r, int fd, uint64_t size, uint8_t algo,
		      unsigned char ret_digest[OVL_VERITY_MAX_DIGEST], unsigned *ret_len)
{
	unsigned char measured[OVL_VERITY_MAX_DIGEST];
	uint8_t measured_algo;
	unsigned len;
	int err;

	if (algo != OVL_METACOPY_ALGO_SHA256 && algo != OVL_METACOPY_ALGO_SHA512)
		return -EINVAL;
	err = r->ops->measure_verity(r, fd, &measured_algo, measured, &len);
	switch (err) {
	case 0:
		/* The kernel compares with this one and no other. */
		if (measured_algo != algo || len > OVL_VERITY_MAX_DIGEST)
			return -EBADMSG;
		memcpy(ret_digest, measured, len);
		*ret_len = len;
		return 0;
	case -ENODATA:
	case -ENOTTY:
	case -EOPNOTSUPP:
		return compute(r, fd, size, algo, ret_digest, ret_len);
	default:
		return err;
	}
}
