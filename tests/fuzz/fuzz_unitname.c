/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names of units: a name leads back to its path, and no two paths that differ have one name. */
#include <errno.h>

#include "format/unitname.h"
#include "fuzz/fuzz.h"

static void check_path(const char *path)
{
	struct ovl_buf name = { 0 }, again = { 0 };
	int r = ovl_unitname_add(&name, path);
	char *back = NULL;
	const char *p;

	FUZZ_CHECK(r == 0 || (r == -EINVAL && name.len == 0));
	FUZZ_CHECK(r == 0 || *path != '/' || strstr(path, ".."));
	if (r == 0) {
		for (p = name.data; *p; p++)
			FUZZ_CHECK(*p > ' ' && *p < 127 && *p != '/' && *p != '%' && *p != '@');
		FUZZ_CHECK(name.len > 0 && *name.data != '.');
		FUZZ_CHECK(ovl_unitname_path(name.data, &back) == 0);
		FUZZ_CHECK(strlen(back) <= strlen(path));
		FUZZ_CHECK(ovl_unitname_add(&again, back) == 0);
		FUZZ_CHECK(strcmp(name.data, again.data) == 0);
	}
	free(back);
	ovl_buf_done(&name);
	ovl_buf_done(&again);
}

static void check_name(const char *name)
{
	struct ovl_buf again = { 0 };
	char *path = NULL;
	int r = ovl_unitname_path(name, &path);

	FUZZ_CHECK(r == 0 || (r == -EINVAL && !path));
	if (r == 0) {
		FUZZ_CHECK(*path == '/' && !strstr(path, "//"));
		FUZZ_CHECK(ovl_unitname_add(&again, path) == 0 && strcmp(name, again.data) == 0);
	}
	free(path);
	ovl_buf_done(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_string(data, size);

	check_path(text);
	check_name(text);
	free(text);
	return 0;
}
