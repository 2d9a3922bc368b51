/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Facts: collected under one lock. How they are sorted and found again is in facts_find.c.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "check/facts.h"

#include "base/banned.h"

int ovl_facts_init(struct ovl_facts *f)
{
	*f = (struct ovl_facts){ 0 };
	return -pthread_mutex_init(&f->lock, NULL);
}

static void redirect_done(struct ovl_fact_redirect *red)
{
	ovl_path_unref((struct ovl_path *)red->source.path);
	ovl_path_unref((struct ovl_path *)red->target.path);
}

void ovl_facts_done(struct ovl_facts *f)
{
	struct ovl_key key;
	uint64_t value;
	size_t pos = 0;

	while (ovl_map_next(&f->origin_first, &pos, &key, &value))
		ovl_path_unref(ovl_facts_first_path(value));
	for (size_t i = 0; i < f->origin.len; i++)
		ovl_path_unref(f->origin.data[i].path);
	for (size_t i = 0; i < f->linked.len; i++)
		ovl_path_unref(f->linked.data[i].path);
	for (size_t i = 0; i < f->duplicate.len; i++)
		ovl_path_unref(f->duplicate.data[i].path);
	for (size_t i = 0; i < f->unmarked.len; i++)
		ovl_path_unref(f->unmarked.data[i].path);
	for (size_t i = 0; i < f->bare.len; i++) {
		ovl_path_unref(f->bare.data[i].path);
		ovl_path_unref((struct ovl_path *)f->bare.data[i].lower.path);
	}
	for (size_t i = 0; i < f->redirect.len; i++)
		redirect_done(&f->redirect.data[i]);
	for (size_t i = 0; i < f->redirect_new.len; i++)
		redirect_done(&f->redirect_new.data[i]);
	for (size_t i = 0; i < f->link.len; i++) {
		ovl_path_unref(f->link.data[i].path);
		ovl_path_unref(f->link.data[i].lost);
	}
	for (size_t i = 0; i < f->name.len; i++)
		ovl_path_unref((struct ovl_path *)f->name.data[i].loc.path);
	for (size_t i = 0; i < f->index.len; i++)
		free(f->index.data[i].name);
	ovl_users_done(&f->users);
	ovl_vec_done(&f->inside);
	pos = 0;
	while (ovl_map_next(&f->index_dir, &pos, &key, &value))
		ovl_path_unref((struct ovl_path *)(uintptr_t)value);
	ovl_map_done(&f->index_dir);
	ovl_map_done(&f->index_lower);
	ovl_map_done(&f->origin_first);
	ovl_map_done(&f->link_by_ino);
	ovl_map_done(&f->wanted);
	ovl_vec_done(&f->origin);
	ovl_vec_done(&f->linked);
	ovl_vec_done(&f->duplicate);
	ovl_vec_done(&f->bare);
	ovl_vec_done(&f->unmarked);
	ovl_vec_done(&f->redirect);
	ovl_vec_done(&f->redirect_new);
	ovl_vec_done(&f->link);
	ovl_vec_done(&f->name);
	ovl_vec_done(&f->index);
	pthread_mutex_destroy(&f->lock);
}

static struct ovl_key ino_key(uint64_t ino)
{
	return (struct ovl_key){ ino, 0 };
}

/* With the lock held. The first claim is kept as a path alone: most origins have only one. */
static int add_duplicate(struct ovl_facts *f, const struct ovl_fact_origin *claim, uint64_t *first)
{
	struct ovl_fact_origin c = *claim;
	int r;

	c.ino = 0;
	c.metacopy = false;
	if (*first) { /* now that there is a second one, the first becomes a claim too */
		c.path = ovl_facts_first_path(*first);
		c.at_home = *first & OVL_FACTS_AT_HOME;
		r = ovl_vec_push(&f->duplicate, c);
		if (r < 0)
			return r;
		*first = 0;
	}
	c.path = ovl_path_ref(claim->path);
	c.at_home = claim->at_home;
	r = ovl_vec_push(&f->duplicate, c);
	if (r < 0)
		ovl_path_unref(c.path);
	return r;
}

/* With the lock held. Directories may share an origin: only their redirects must differ. */
static int check_duplicate(struct ovl_facts *f, const struct ovl_fact_origin *claim)
{
	uint64_t *first;
	int r = claim->is_dir ? 0 : ovl_map_put(&f->origin_first, claim->key, 0, &first);

	if (r < 0 || claim->is_dir)
		return r;
	if (r == 0)
		return add_duplicate(f, claim, first);
	*first = (uint64_t)(uintptr_t)ovl_path_ref(claim->path);
	if (claim->at_home)
		*first |= OVL_FACTS_AT_HOME;
	return 0;
}

static int push_origin(ovl_fact_origin_vec *vec, const struct ovl_fact_origin *claim)
{
	int r = ovl_vec_push(vec, *claim);

	if (r == 0)
		ovl_path_ref(claim->path);
	return r;
}

/* With the lock held, or when nobody else is left. */
static int add_claim(struct ovl_facts *f, const struct ovl_fact_origin *claim)
{
	int r = check_duplicate(f, claim);

	if (r < 0)
		return r;
	if (!claim->at_home)
		return push_origin(&f->origin, claim);
	f->n_home++;
	return 0;
}

int ovl_facts_add_origin(struct ovl_facts *f, const struct ovl_fact_origin *claim)
{
	int r;

	pthread_mutex_lock(&f->lock);
	if (!claim->is_dir && ovl_map_get(&f->link_by_ino, ino_key(claim->ino)))
		r = push_origin(&f->linked, claim);
	else
		r = add_claim(f, claim);
	pthread_mutex_unlock(&f->lock);
	return r;
}

int ovl_facts_settle(struct ovl_facts *f)
{
	while (f->linked.len > 0) {
		struct ovl_fact_origin *seen = &f->linked.data[f->linked.len - 1], claim = *seen;
		const struct ovl_fact_link *link = ovl_facts_find_link(f, seen->ino);

		if (link->path)
			claim.path = link->path;
		claim.at_home |= link->at_home;
		if (add_claim(f, &claim) < 0)
			return -ENOMEM;
		ovl_path_unref(seen->path);
		f->linked.len--;
	}
	return 0;
}

void ovl_facts_note_stale(struct ovl_facts *f)
{
	pthread_mutex_lock(&f->lock);
	f->n_stale++;
	pthread_mutex_unlock(&f->lock);
}

void ovl_facts_note_undecoded(struct ovl_facts *f, int err)
{
	pthread_mutex_lock(&f->lock);
	f->n_undecoded++;
	f->undecoded = err;
	pthread_mutex_unlock(&f->lock);
}

void ovl_facts_note_missed(struct ovl_facts *f)
{
	pthread_mutex_lock(&f->lock);
	f->missed_names = true;
	pthread_mutex_unlock(&f->lock);
}

int ovl_facts_add_bare(struct ovl_facts *f, const struct ovl_fact_bare *bare)
{
	struct ovl_fact_bare c = *bare;
	int r;

	c.path = ovl_path_ref(bare->path);
	c.lower.path = ovl_path_ref(bare->lower.path);
	pthread_mutex_lock(&f->lock);
	r = ovl_vec_push(&f->bare, c);
	pthread_mutex_unlock(&f->lock);
	if (r < 0) {
		ovl_path_unref(c.path);
		ovl_path_unref((struct ovl_path *)c.lower.path);
	}
	return r;
}

int ovl_facts_add_unmarked(struct ovl_facts *f, const struct ovl_fact_unmarked *unmarked)
{
	struct ovl_fact_unmarked c = *unmarked;
	int r;

	c.path = ovl_path_ref(unmarked->path);
	pthread_mutex_lock(&f->lock);
	r = ovl_vec_push(&f->unmarked, c);
	pthread_mutex_unlock(&f->lock);
	if (r < 0)
		ovl_path_unref(c.path);
	return r;
}

int ovl_facts_add_redirect(struct ovl_facts *f, const struct ovl_fact_redirect *redirect)
{
	struct ovl_fact_redirect c = *redirect;
	int r;

	c.source.path = ovl_path_ref(redirect->source.path);
	c.target.path = ovl_path_ref(redirect->target.path);
	pthread_mutex_lock(&f->lock);
	r = ovl_vec_push(&f->redirect_new, c);
	pthread_mutex_unlock(&f->lock);
	if (r < 0)
		redirect_done(&c);
	return r;
}

/* Of several names the first in order is kept, so that reports do not depend on the order of work. */
static void keep_first_name(struct ovl_path **kept, struct ovl_path *path)
{
	if (*kept && ovl_path_compare(*kept, path) <= 0)
		return;
	ovl_path_unref(*kept);
	*kept = ovl_path_ref(path);
}

/* What a name of a metacopy file with a relative redirect leads to, beside its other names. */
static void add_head(struct ovl_fact_link *known, const struct ovl_fact_link *link)
{
	static const struct ovl_key none;

	if (link->lost) {
		known->n_lost++;
		keep_first_name(&known->lost, link->lost);
	} else if (memcmp(&known->head, &none, sizeof(none)) == 0) {
		known->head = link->head;
	} else if (memcmp(&link->head, &none, sizeof(none)) != 0 &&
		   memcmp(&link->head, &known->head, sizeof(none)) != 0) {
		known->heads_differ = true;
	}
}

int ovl_facts_add_link(struct ovl_facts *f, const struct ovl_fact_link *link)
{
	struct ovl_fact_link *known, fresh = { .ino = link->ino };
	uint64_t *number;
	int r;

	pthread_mutex_lock(&f->lock);
	/* First the record, then its number: other threads must never meet a number without record. */
	r = ovl_map_get(&f->link_by_ino, ino_key(link->ino)) ? 0 : ovl_vec_push(&f->link, fresh);
	if (r == 0)
		r = ovl_map_put(&f->link_by_ino, ino_key(link->ino), f->link.len - 1, &number);
	if (r >= 0) {
		known = &f->link.data[*number];
		known->nlink = link->nlink;
		known->metacopy |= link->metacopy;
		known->relative_redirect |= link->relative_redirect;
		known->marked |= link->marked;
		if (link->index) {
			known->index = link->index;
			known->entries++;
		}
		r = 0;
		if (link->path) {
			r = known->names++ == 0;
			keep_first_name(&known->path, link->path);
			add_head(known, link);
		}
	}
	pthread_mutex_unlock(&f->lock);
	return r;
}

int ovl_facts_count_name(struct ovl_facts *f, uint64_t ino, struct ovl_path *parent,
			 const char *name, size_t len)
{
	struct ovl_path *path;
	uint64_t *number;

	pthread_mutex_lock(&f->lock);
	number = ovl_map_get(&f->link_by_ino, ino_key(ino));
	if (number) {
		path = ovl_path_new(parent, name, len);
		if (!path) {
			pthread_mutex_unlock(&f->lock);
			return -ENOMEM;
		}
		f->link.data[*number].names++;
		keep_first_name(&f->link.data[*number].path, path);
		ovl_path_unref(path);
	}
	pthread_mutex_unlock(&f->lock);
	return 0;
}

int ovl_facts_want(struct ovl_facts *f, uint64_t ino)
{
	uint64_t *value;
	int r;

	pthread_mutex_lock(&f->lock);
	r = ovl_map_put(&f->wanted, ino_key(ino), 1, &value);
	pthread_mutex_unlock(&f->lock);
	return r < 0 ? r : 0;
}

int ovl_facts_add_name(struct ovl_facts *f, const struct ovl_fact_name *name)
{
	struct ovl_fact_name c = *name;
	int r;

	c.loc.path = ovl_path_ref(name->loc.path);
	pthread_mutex_lock(&f->lock);
	r = ovl_vec_push(&f->name, c);
	pthread_mutex_unlock(&f->lock);
	if (r < 0)
		ovl_path_unref((struct ovl_path *)c.loc.path);
	return r;
}

int ovl_facts_want_dir(struct ovl_facts *f, uint64_t ino)
{
	uint64_t *value;
	int r;

	pthread_mutex_lock(&f->lock);
	r = ovl_map_put(&f->index_dir, ino_key(ino), 0, &value);
	pthread_mutex_unlock(&f->lock);
	return r < 0 ? r : 0;
}

void ovl_facts_saw_dir(struct ovl_facts *f, uint64_t ino, const struct ovl_path *path)
{
	uint64_t *value;

	pthread_mutex_lock(&f->lock);
	value = ovl_map_get(&f->index_dir, ino_key(ino));
	if (value && !*value)
		*value = (uint64_t)(uintptr_t)ovl_path_ref(path);
	pthread_mutex_unlock(&f->lock);
}

void ovl_facts_note_missed_upper(struct ovl_facts *f)
{
	pthread_mutex_lock(&f->lock);
	f->missed_upper = true;
	pthread_mutex_unlock(&f->lock);
}

bool ovl_facts_has_link(struct ovl_facts *f, uint64_t ino)
{
	bool has;

	pthread_mutex_lock(&f->lock);
	has = ovl_map_get(&f->link_by_ino, ino_key(ino)) != NULL;
	pthread_mutex_unlock(&f->lock);
	return has;
}

const struct ovl_fact_index *ovl_facts_index_entry(struct ovl_facts *f, uint64_t ino)
{
	const struct ovl_fact_link *link;
	size_t number;

	pthread_mutex_lock(&f->lock);
	link = ovl_facts_find_link(f, ino);
	number = link ? link->index : 0;
	pthread_mutex_unlock(&f->lock);
	return number > 0 && number <= f->index.len ? &f->index.data[number - 1] :
						      NULL; /* complete before the walks */
}

bool ovl_facts_has_index(struct ovl_facts *f, uint64_t ino)
{
	return ovl_facts_index_entry(f, ino) != NULL;
}

void ovl_facts_note_home(struct ovl_facts *f, uint64_t ino)
{
	uint64_t *number;

	pthread_mutex_lock(&f->lock);
	number = ovl_map_get(&f->link_by_ino, ino_key(ino));
	if (number)
		f->link.data[*number].at_home = true;
	pthread_mutex_unlock(&f->lock);
}

const struct ovl_fact_link *ovl_facts_find_link(const struct ovl_facts *f, uint64_t ino)
{
	const uint64_t *number = ovl_map_get(&f->link_by_ino, ino_key(ino));

	return number ? &f->link.data[*number] : NULL;
}
