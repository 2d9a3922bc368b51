/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Journals: as they are, whole or not; and made of the input, with the sums right, as a chain of type
 * (one byte), length of the payload (two bytes), payload. What is read can be written, and is the same.
 */
#include <errno.h>

#include "fuzz/fuzz.h"
#include "repair/journal.h"

static void check_log(const uint8_t *data, size_t size)
{
	struct ovl_buf raw = { 0 };
	struct ovl_log log;
	int r;

	FUZZ_CHECK(ovl_buf_add(&raw, data, size) == 0);
	r = ovl_log_parse(&raw, &log, NULL);
	FUZZ_CHECK(!raw.data);
	FUZZ_CHECK(r == 0 || r == -EINVAL || r == -ENODATA || r == -EPROTO);
	if (r < 0)
		return;
	FUZZ_CHECK(log.end <= size && log.torn == (log.end < size) && log.seq >= 1);
	for (size_t i = 0; i < log.step.len; i++) {
		const struct ovl_logged_step *step = &log.step.data[i];

		FUZZ_CHECK(step->slug && step->place && step->action);
		for (size_t k = 0; k < step->ops.len; k++)
			FUZZ_CHECK(step->ops.data[k].at.path[0] == '/');
	}
	ovl_log_done(&log);
}

static void check_op(const uint8_t *data, size_t size)
{
	struct ovl_buf again = { 0 };
	struct ovl_op op;
	int r = ovl_op_decode((struct ovl_bytes){ data, size }, &op);

	FUZZ_CHECK(r == 0 || r == -EINVAL);
	if (r < 0)
		return;
	FUZZ_CHECK(ovl_op_encode(&again, &op) == 0);
	FUZZ_CHECK(again.len == size);
	FUZZ_CHECK(op.type != OVL_OP_MOVE || op.to.path);
	ovl_op_done(&op);
	ovl_buf_done(&again);
}

static void check_raw(const uint8_t *data, size_t size)
{
	struct ovl_bytes in = { data, size };
	struct ovl_record_header h;
	struct ovl_buf again = { 0 };
	struct ovl_record record;
	uint32_t crc = 0, chain;
	size_t used;
	int r = ovl_record_get_header(in, &h, &used, &crc);

	FUZZ_CHECK(r == 0 || r == -EINVAL || r == -ENODATA || r == -EPROTO);
	if (r < 0)
		return;
	FUZZ_CHECK(ovl_record_put_header(&again, &h, &chain) == 0);
	for (uint64_t seq = 1;; seq++) {
		FUZZ_CHECK(used <= in.len && crc == chain);
		FUZZ_CHECK(again.len == used && memcmp(again.data, in.data, used) == 0);
		in.data += used;
		in.len -= used;
		ovl_buf_clear(&again);
		if (ovl_record_get(in, seq, &crc, &record, &used) == 0)
			break;
		FUZZ_CHECK(ovl_record_put(&again, record.type, seq, record.payload, &chain) == 0);
	}
	ovl_buf_done(&again);
}

static void check_made(const uint8_t *data, size_t size)
{
	const struct ovl_record_header h = { .time = 1 };
	struct ovl_buf out = { 0 };
	uint64_t seq = 1;
	uint32_t crc;

	FUZZ_CHECK(ovl_record_put_header(&out, &h, &crc) == 0);
	while (size >= 3) {
		size_t len = data[1] | (size_t)data[2] << 8;
		struct ovl_bytes payload = { data + 3, len < size - 3 ? len : size - 3 };

		FUZZ_CHECK(ovl_record_put(&out, (enum ovl_record_type)data[0], seq++, payload,
					  &crc) == 0);
		if (data[0] == OVL_RECORD_OP)
			check_op(payload.data, payload.len);
		data += 3 + payload.len;
		size -= 3 + payload.len;
	}
	check_raw((const uint8_t *)out.data, out.len);
	check_log((const uint8_t *)out.data, out.len);
	ovl_buf_done(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	check_raw(data, size);
	check_log(data, size);
	check_made(data, size);
	return 0;
}
