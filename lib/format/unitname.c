/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names of units. See unitname.h and systemd.unit(5), "String escaping".
 */
#include "format/unitname.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "overlayfs/boot.h"

#include "base/banned.h"

static bool is_plain(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
	       c == ':' || c == '_' || c == '.';
}

/* One component; a dot in front of the name is escaped, since it would hide the file. */
static int add_component(struct ovl_buf *b, const char *p, size_t len, bool is_first)
{
	int r = is_first ? 0 : ovl_buf_addc(b, '-');
	size_t i;

	for (i = 0; i < len && r == 0; i++) {
		if (is_plain(p[i]) && !(is_first && i == 0 && p[i] == '.'))
			r = ovl_buf_addc(b, p[i]);
		else
			r = ovl_buf_addf(b, "\\x%02x", (unsigned char)p[i]);
	}
	return r;
}

int ovl_unitname_add(struct ovl_buf *b, const char *path)
{
	size_t begin = b->len, len;
	bool is_first = true;
	const char *p;
	int r = 0;

	if (*path != '/')
		return -EINVAL;
	for (p = path; r == 0; p += len) {
		p += strspn(p, "/");
		len = strcspn(p, "/");
		if (len == 0)
			return is_first ? ovl_buf_addc(b, '-') : 0;
		if (len == 1 && *p == '.')
			continue;
		if (len == 2 && p[0] == '.' && p[1] == '.')
			r = -EINVAL;
		else
			r = add_component(b, p, len, is_first);
		is_first = false;
	}
	if (b->data)
		b->data[begin] = '\0';
	b->len = begin;
	return r;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int add_path(struct ovl_buf *b, const char *name)
{
	int r = ovl_buf_addc(b, '/');

	if (strcmp(name, "-") == 0)
		return r;
	for (; *name && r == 0; name++) {
		int high = name[0] == '\\' && name[1] == 'x' ? hex_digit(name[2]) : -1;
		int low = high < 0 ? -1 : hex_digit(name[3]);

		if (low >= 0 && high + low > 0) {
			r = ovl_buf_addc(b, (char)(high * 16 + low));
			name += 3;
		} else {
			r = ovl_buf_addc(b, *name == '-' ? '/' : *name);
		}
	}
	return r;
}

int ovl_unitname_path(const char *name, char **ret)
{
	_cleanup_(ovl_buf_done) struct ovl_buf path = { 0 }, again = { 0 };
	int r = add_path(&path, name);

	if (r == 0)
		r = ovl_unitname_add(&again, path.data);
	if (r < 0)
		return r;
	if (strcmp(name, again.data) != 0)
		return -EINVAL;
	*ret = ovl_buf_take(&path);
	return *ret ? 0 : -ENOMEM;
}

int ovl_boot_escape(const char *path, char **ret)
{
	_cleanup_(ovl_buf_done) struct ovl_buf name = { 0 };
	int r = ovl_unitname_add(&name, path);

	if (r == 0)
		*ret = ovl_buf_take(&name);
	return r;
}

int ovl_boot_unescape(const char *name, char **ret)
{
	return ovl_unitname_path(name, ret);
}
