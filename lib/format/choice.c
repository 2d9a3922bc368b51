/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The options that take one word out of a few. See choice.h.
 */
#include "format/choice.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"

#include "base/banned.h"

enum { WORDS_MAX = 5 };

/* The words by value; 0, "not given", has none. */
static const struct {
	const char *name;
	const char *word[WORDS_MAX];
} choices[OVL_CHOICE__MAX] = {
	[OVL_CHOICE_REDIRECT_DIR] = { "redirect_dir",
				      {
					      [OVL_REDIRECT_OFF] = "off",
					      [OVL_REDIRECT_NOFOLLOW] = "nofollow",
					      [OVL_REDIRECT_FOLLOW] = "follow",
					      [OVL_REDIRECT_ON] = "on",
				      } },
	[OVL_CHOICE_INDEX] = { "index", { [OVL_OFF] = "off", [OVL_ON] = "on" } },
	[OVL_CHOICE_UUID] = { "uuid",
			      {
				      [OVL_UUID_OFF] = "off",
				      [OVL_UUID_NULL] = "null",
				      [OVL_UUID_AUTO] = "auto",
				      [OVL_UUID_ON] = "on",
			      } },
	[OVL_CHOICE_NFS_EXPORT] = { "nfs_export", { [OVL_OFF] = "off", [OVL_ON] = "on" } },
	[OVL_CHOICE_XINO] = { "xino",
			      {
				      [OVL_XINO_OFF] = "off",
				      [OVL_XINO_AUTO] = "auto",
				      [OVL_XINO_ON] = "on",
			      } },
	[OVL_CHOICE_METACOPY] = { "metacopy", { [OVL_OFF] = "off", [OVL_ON] = "on" } },
	[OVL_CHOICE_VERITY] = { "verity",
				{
					[OVL_VERITY_OFF] = "off",
					[OVL_VERITY_ON] = "on",
					[OVL_VERITY_REQUIRE] = "require",
				} },
};

bool ovl_choice_find(const char *name, enum ovl_choice *ret_choice)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(choices); i++) {
		if (strcmp(choices[i].name, name) == 0) {
			*ret_choice = (enum ovl_choice)i;
			return true;
		}
	}
	return false;
}

const char *ovl_choice_name(enum ovl_choice choice)
{
	return choices[choice].name;
}

int ovl_choice_parse(enum ovl_choice choice, const char *word)
{
	int i;

	for (i = 1; i < WORDS_MAX; i++)
		if (choices[choice].word[i] && strcmp(choices[choice].word[i], word) == 0)
			return i;
	return -EINVAL;
}

const char *ovl_choice_word(enum ovl_choice choice, int value)
{
	return value > 0 && value < WORDS_MAX ? choices[choice].word[value] : NULL;
}

int ovl_choice_get(const struct ovl_config *c, enum ovl_choice choice)
{
	switch (choice) {
	case OVL_CHOICE_REDIRECT_DIR:
		return (int)c->redirect_dir;
	case OVL_CHOICE_INDEX:
		return (int)c->index;
	case OVL_CHOICE_UUID:
		return (int)c->uuid;
	case OVL_CHOICE_NFS_EXPORT:
		return (int)c->nfs_export;
	case OVL_CHOICE_XINO:
		return (int)c->xino;
	case OVL_CHOICE_METACOPY:
		return (int)c->metacopy;
	case OVL_CHOICE_VERITY:
		return (int)c->verity;
	case OVL_CHOICE__MAX:
		break;
	}
	return 0;
}

void ovl_choice_put(struct ovl_config *c, enum ovl_choice choice, int value)
{
	switch (choice) {
	case OVL_CHOICE_REDIRECT_DIR:
		c->redirect_dir = (enum ovl_redirect_dir)value;
		break;
	case OVL_CHOICE_INDEX:
		c->index = (enum ovl_switch)value;
		break;
	case OVL_CHOICE_UUID:
		c->uuid = (enum ovl_uuid)value;
		break;
	case OVL_CHOICE_NFS_EXPORT:
		c->nfs_export = (enum ovl_switch)value;
		break;
	case OVL_CHOICE_XINO:
		c->xino = (enum ovl_xino)value;
		break;
	case OVL_CHOICE_METACOPY:
		c->metacopy = (enum ovl_switch)value;
		break;
	case OVL_CHOICE_VERITY:
		c->verity = (enum ovl_verity)value;
		break;
	case OVL_CHOICE__MAX:
		break;
	}
}
