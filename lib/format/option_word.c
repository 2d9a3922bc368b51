/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Cutting an option string into words. See option_word.h.
 */
#include "format/option_word.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"

#include "base/banned.h"

static const char *const labels[] = { "context", "fscontext", "defcontext", "rootcontext" };

static const char *const vfs_words[] = {
	/* mount flags */
	"async",
	"atime",
	"dev",
	"diratime",
	"dirsync",
	"exec",
	"iversion",
	"lazytime",
	"loud",
	"mand",
	"noatime",
	"nodev",
	"nodiratime",
	"noexec",
	"noiversion",
	"nolazytime",
	"nomand",
	"norelatime",
	"nostrictatime",
	"nosuid",
	"nosymfollow",
	"relatime",
	"silent",
	"strictatime",
	"suid",
	"symfollow",
	"sync",
	/* what mount(8) does, when, and for whom */
	"_netdev",
	"auto",
	"bind",
	"comment",
	"defaults",
	"encryption",
	"group",
	"helper",
	"loop",
	"move",
	"noauto",
	"nofail",
	"nogroup",
	"noowner",
	"nouser",
	"nousers",
	"offset",
	"owner",
	"rbind",
	"remount",
	"sizelimit",
	"uhelper",
	"user",
	"users",
	/* propagation */
	"private",
	"rprivate",
	"rshared",
	"rslave",
	"runbindable",
	"shared",
	"slave",
	"unbindable",
	/* security modules; the labels come on top */
	"seclabel",
	"smackfsdef",
	"smackfsfloor",
	"smackfshat",
	"smackfsroot",
	"smackfstransmute",
};

static const char *const vfs_prefixes[] = { "x-", "X-", "verity." };

bool ovl_option_word_is_vfs(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(vfs_words); i++)
		if (strcmp(name, vfs_words[i]) == 0)
			return true;
	for (i = 0; i < ARRAY_LEN(labels); i++)
		if (strcmp(name, labels[i]) == 0)
			return true;
	for (i = 0; i < ARRAY_LEN(vfs_prefixes); i++)
		if (strncmp(name, vfs_prefixes[i], strlen(vfs_prefixes[i])) == 0)
			return true;
	return false;
}

/* The quoted value of a label: where it starts, behind the quote; NULL if @s is no such word. */
static const char *quoted_label(const char *s)
{
	size_t i, len;

	for (i = 0; i < ARRAY_LEN(labels); i++) {
		len = strlen(labels[i]);
		if (strncmp(s, labels[i], len) == 0 && s[len] == '=' && s[len + 1] == '"')
			return s + len + 2;
	}
	return NULL;
}

int ovl_option_word_next(const char **pos, struct ovl_bytes *ret_word)
{
	const char *start = *pos, *p = start, *quoted;

	if (!start)
		return 0;
	quoted = quoted_label(start);
	if (quoted) {
		p = strchr(quoted, '"');
		if (!p)
			return -EINVAL;
		p++;
	}
	for (; *p && *p != ','; p++)
		if (*p == '\\' && p[1])
			p++;

	ret_word->data = (const unsigned char *)start;
	ret_word->len = (size_t)(p - start);
	*pos = *p ? p + 1 : NULL;
	return 1;
}
