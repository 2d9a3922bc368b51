/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel command line: words get shorter, never longer, and what counts is one of what we know. */
#include <errno.h>

#include "format/cmdline.h"
#include "fuzz/fuzz.h"

static void check_words(struct ovl_bytes line, enum ovl_cmdline_form form)
{
	struct ovl_buf word = { 0 };
	size_t left = line.len, n = 0;

	while (ovl_cmdline_next(&line, form, &word) > 0) {
		FUZZ_CHECK(line.len < left && word.len <= left - line.len);
		FUZZ_CHECK(word.len == 0 || strlen(word.data) == word.len);
		left = line.len;
		n++;
	}
	FUZZ_CHECK(line.len == 0 && word.len == 0);
	FUZZ_CHECK(n > 0 || form == OVL_CMDLINE_TEXT || left == 0);
	ovl_buf_done(&word);
}

static void check_parse(struct ovl_bytes line, enum ovl_cmdline_form form, bool in_initrd)
{
	static const char last[] = "\0fsck.mode=skip\0fsck.repair=no\0fsck.overlay=0";
	struct ovl_boot b, again;
	struct ovl_buf longer = { 0 };

	FUZZ_CHECK(ovl_cmdline_parse(line, form, in_initrd, &b) == 0);
	FUZZ_CHECK(b.mode <= OVL_BOOT_SKIP && b.repair <= OVL_WISH_YES);
	/* What is behind it counts, whatever is in front; a NUL closes its quotes. */
	FUZZ_CHECK(ovl_buf_add(&longer, line.data, line.len) == 0);
	FUZZ_CHECK(ovl_buf_add(&longer, last, sizeof(last)) == 0);
	FUZZ_CHECK(ovl_cmdline_parse(ovl_buf_bytes(&longer), form, in_initrd, &again) == 0);
	FUZZ_CHECK(again.mode == OVL_BOOT_SKIP && again.repair == OVL_WISH_REPORT && again.is_off);
	ovl_buf_done(&longer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ovl_bytes line = { data, size };
	char *value = fuzz_string(data, size);
	int is = ovl_cmdline_bool(value);

	FUZZ_CHECK(is == 0 || is == 1 || is == -EINVAL);
	free(value);
	check_words(line, OVL_CMDLINE_TEXT);
	check_words(line, OVL_CMDLINE_ARGV);
	check_parse(line, OVL_CMDLINE_TEXT, false);
	check_parse(line, OVL_CMDLINE_TEXT, true);
	check_parse(line, OVL_CMDLINE_ARGV, false);
	return 0;
}
