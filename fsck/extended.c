/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Extended options: a table of keys, parsed from it, explained from it.
 */
#include "extended.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"

enum { MAX_THREADS = 256, MAX_JOURNALS = 1000, MAX_DAYS = 36500 };

/* A finding of this problem says that the tree was not seen whole; that must not be hidden. */
static const char unreadable[] = "unreadable";

/* "1" to @max; 0 for everything else. */
static unsigned parse_number(const char *value, unsigned max)
{
	unsigned n = 0;
	const char *p;

	for (p = value; *p >= '0' && *p <= '9' && n <= max; p++)
		n = n * 10 + (unsigned)(*p - '0');
	return *p || n > max ? 0 : n;
}

static int key_lower(struct ovl_options *o, const char *key, const char *value, struct ovl_error *e)
{
	static const char *const words[] = {
		[OVL_LOWER_AUTO] = "auto",
		[OVL_LOWER_RW] = "rw",
		[OVL_LOWER_RO] = "ro",
	};
	size_t i;

	(void)key;
	for (i = 0; i < ARRAY_LEN(words); i++) {
		if (strcmp(value, words[i]) == 0) {
			o->lower = (enum ovl_lower_policy)i;
			return 0;
		}
	}
	return ovl_fail_plain(e, -EINVAL, "-E lower=%s: must be auto, rw or ro", value);
}

static int key_keep_journals(struct ovl_options *o, const char *key, const char *value,
			     struct ovl_error *e)
{
	unsigned n = parse_number(value, MAX_JOURNALS);

	if (!n)
		return ovl_fail_plain(e, -EINVAL, "-E %s=%s: must be a number from 1 to %d", key,
				      value, MAX_JOURNALS);
	o->keep_journals = n;
	return 0;
}

static int key_layers(struct ovl_options *o, const char *key, const char *value,
		      struct ovl_error *e)
{
	(void)key;
	o->all_layers = strcmp(value, "all") == 0;
	if (!o->all_layers && strcmp(value, "upper") != 0)
		return ovl_fail_plain(e, -EINVAL, "-E layers=%s: must be upper or all", value);
	return 0;
}

static int key_accept_loss(struct ovl_options *o, const char *key, const char *value,
			   struct ovl_error *e)
{
	(void)key;
	(void)value;
	(void)e;
	o->accept_loss = true;
	return 0;
}

static int key_trust_lower(struct ovl_options *o, const char *key, const char *value,
			   struct ovl_error *e)
{
	(void)key;
	(void)value;
	(void)e;
	o->skip_clean_lowers = true;
	return 0;
}

static int key_problem(struct ovl_options *o, const char *key, const char *value,
		       struct ovl_error *e)
{
	static const char *const words[] = {
		[OVL_GRADE_IGNORE] = "ignore",
		[OVL_GRADE_INFO] = "info",
		[OVL_GRADE_WARNING] = "warning",
		[OVL_GRADE_ERROR] = "error",
	};
	const char *slug = key + strlen("problem.");
	enum ovl_problem_id id;
	unsigned grade;

	if (ovl_problem_find(slug, &id) < 0)
		return ovl_fail_plain(e, -EINVAL,
				      "-E %s: no such problem; see fsck.overlay --list-problems",
				      key);
	for (grade = OVL_GRADE_IGNORE; grade <= OVL_GRADE_ERROR; grade++)
		if (strcmp(value, words[grade]) == 0)
			break;
	if (grade > OVL_GRADE_ERROR)
		return ovl_fail_plain(
			e, -EINVAL, "-E %s=%s: must be ignore, info, warning or error", key, value);
	if (strcmp(slug, unreadable) == 0 && grade != OVL_GRADE_ERROR)
		return ovl_fail_plain(e, -EINVAL, "-E %s=%s: what could not be read stays an error",
				      key, value);
	o->grade[id] = (enum ovl_grade)grade;
	return 0;
}

static int key_fstab(struct ovl_options *o, const char *key, const char *value, struct ovl_error *e)
{
	char *copy;

	if (!*value)
		return ovl_fail_plain(e, -EINVAL, "-E %s needs a file", key);
	copy = strdup(value);
	if (!copy)
		return ovl_fail(e, -ENOMEM, "cannot read the command line");
	free(o->fstab);
	o->fstab = copy;
	return 0;
}

static int key_interval(struct ovl_options *o, const char *key, const char *value,
			struct ovl_error *e)
{
	unsigned n = strcmp(value, "0") == 0 ? 0 : parse_number(value, MAX_DAYS);

	if (!n && strcmp(value, "0") != 0)
		return ovl_fail_plain(e, -EINVAL, "-E %s=%s: must be a number from 0 to %d", key,
				      value, MAX_DAYS);
	o->has_interval = true;
	o->interval = n;
	return 0;
}

static int key_threads(struct ovl_options *o, const char *key, const char *value,
		       struct ovl_error *e)
{
	(void)key;
	return ovl_extended_threads(o, "-E threads=", value, e);
}

/* One key a row. A name that ends in a dot is followed by more. */
static const struct key {
	const char *name;
	const char *value; /* what to write behind "="; NULL: no value */
	const char *help;
	int (*set)(struct ovl_options *o, const char *key, const char *value, struct ovl_error *e);
} keys[] = {
	{ "lower", "auto|rw|ro", "may lower layers be repaired?", key_lower },
	{ "keep-journals", "N", "finished journals that are kept, 1 to 1000; default 10",
	  key_keep_journals },
	{ "layers", "upper|all", "convert the upper only, or each layer for itself", key_layers },
	{ "accept-loss", NULL, "convert even if something has no equivalent", key_accept_loss },
	{ "trust-lower", NULL, "do not look for problems in lower layers", key_trust_lower },
	{ "problem.", "ignore|info|warning|error", "how severe a problem is, by its name",
	  key_problem },
	{ "fstab", "FILE", "read this instead of /etc/fstab", key_fstab },
	{ "check-interval", "DAYS",
	  "--boot: look at everything after so many days; 0: never; default 30", key_interval },
	{ "threads", "N", "the same as -j", key_threads },
};

/* "lower=auto|rw|ro", "problem.SLUG=ignore|..." */
static void print_key(FILE *out, const struct key *k)
{
	fprintf(out, "%s%s%s%s", k->name, k->name[strlen(k->name) - 1] == '.' ? "SLUG" : "",
		k->value ? "=" : "", k->value ? k->value : "");
}

static int fail_unknown(const char *name, struct ovl_error *e)
{
	_cleanup_free_ char *valid = NULL;
	size_t len, i;
	FILE *out = open_memstream(&valid, &len);

	if (!out)
		return ovl_fail(e, -ENOMEM, "cannot read the command line");
	for (i = 0; i < ARRAY_LEN(keys); i++) {
		fputs(i ? ", " : "", out);
		print_key(out, &keys[i]);
	}
	if (fclose(out) != 0 || !valid)
		return ovl_fail(e, -ENOMEM, "cannot read the command line");
	return ovl_fail_plain(e, -EINVAL, "-E %s: no such key; there are %s", name, valid);
}

/* One "key" or "key=value"; the "=" is overwritten. */
static int parse_key(struct ovl_options *o, char *word, struct ovl_error *e)
{
	char *value = strchr(word, '=');
	const struct key *k;

	if (value)
		*value++ = '\0';
	for (k = keys; k < keys + ARRAY_LEN(keys); k++) {
		size_t len = strlen(k->name);

		if (k->name[len - 1] == '.' ? strncmp(word, k->name, len) == 0 && word[len] :
					      strcmp(word, k->name) == 0)
			break;
	}
	if (k == keys + ARRAY_LEN(keys))
		return fail_unknown(word, e);
	if (k->value && !value)
		return ovl_fail_plain(e, -EINVAL, "-E %s needs a value: %s", word, k->value);
	if (!k->value && value)
		return ovl_fail_plain(e, -EINVAL, "-E %s takes no value", word);
	return k->set(o, word, value, e);
}

int ovl_extended_parse(struct ovl_options *o, const char *operand, struct ovl_error *e)
{
	_cleanup_free_ char *copy = strdup(operand);
	char *rest = copy, *word;
	int r;

	if (!copy)
		return ovl_fail(e, -ENOMEM, "cannot read the command line");
	while ((word = strsep(&rest, ","))) {
		r = parse_key(o, word, e);
		if (r < 0)
			return r;
	}
	return 0;
}

int ovl_extended_threads(struct ovl_options *o, const char *word, const char *value,
			 struct ovl_error *e)
{
	unsigned n = parse_number(value, MAX_THREADS);

	if (!n)
		return ovl_fail_plain(e, -EINVAL, "%s%s: must be a number from 1 to %d", word,
				      value, MAX_THREADS);
	o->threads = n;
	return 0;
}

void ovl_extended_usage(FILE *out)
{
	size_t i;

	fputs("\nKeys of -E:\n", out);
	for (i = 0; i < ARRAY_LEN(keys); i++) {
		fputs("  ", out);
		print_key(out, &keys[i]);
		fprintf(out, "\n        %s\n", keys[i].help);
	}
}
