/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Is our lookup the kernel's?
 *
 *	lookup-oracle SCRATCH FIRST LAST
 *
 * For each seed makes random layers full of whiteouts, opaque marks, redirects and metacopy files,
 * sound and broken ones, mounts them with random options, and looks every name up twice: with
 * lstat(2) and open(2) through the mount, and with ovl_lookup(). Type, size, content and errno must
 * agree. Needs root and a SCRATCH directory on a file system that can be an upper; run it in a mount
 * namespace of its own. Exits 0 without mismatch, 1 with, 77 if it cannot run.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "overlayfs/option.h"
#include "stack/lookup.h"

enum { MAX_DEPTH = 3, WALK_DEPTH = 5, MAX_LAYERS = 8 };

static const char *const names[] = { "a", "b", "c" };

struct world {
	uint64_t state; /* of the random numbers */
	char *scratch;
	char *layer[MAX_LAYERS];
	unsigned n_layer;
	const char *prefix; /* of xattrs */
	bool upper, metacopy, follow, userxattr;
	unsigned n_lower, n_data;
	struct ovl_stack *stack;
	char *mnt;
	unsigned long lookups, mismatches, collisions;
	uint64_t seed;
};

static void die(const char *what)
{
	fprintf(stderr, "lookup-oracle: %s: %s\n", what, strerror(errno));
	exit(77);
}

/* xorshift64*: the same trees for the same seed on every machine */
static unsigned roll(struct world *w, unsigned n)
{
	w->state ^= w->state >> 12;
	w->state ^= w->state << 25;
	w->state ^= w->state >> 27;
	return (unsigned)((w->state * 0x2545f4914f6cdd1dULL) >> 33) % n;
}

static bool chance(struct world *w, unsigned percent)
{
	return roll(w, 100) < percent;
}

static char *join(const char *a, const char *b)
{
	char *s;

	if (asprintf(&s, "%s/%s", a, b) < 0)
		die("out of memory");
	return s;
}

static void set_xattr(const struct world *w, const char *path, const char *name, const void *value,
		      size_t len)
{
	char full[64];

	snprintf(full, sizeof(full), "%soverlay.%s", w->prefix, name);
	if (lsetxattr(path, full, value, len, 0) < 0)
		die(path);
}

static void random_redirect(struct world *w, const char *path)
{
	static const char *const broken[] = { "a/b", "/a/", "//", "..", "/a/../b", ".", "" };
	char value[64] = "";
	unsigned q = roll(w, 100);
	size_t len = 0;

	if (q < 45) {
		len = (size_t)snprintf(value, sizeof(value), "%s", names[roll(w, 3)]);
	} else if (q < 92) {
		for (unsigned n = 1 + roll(w, 3); n > 0; n--)
			len += (size_t)snprintf(value + len, sizeof(value) - len, "/%s",
						names[roll(w, 3)]);
	} else {
		len = (size_t)snprintf(value, sizeof(value), "%s",
				       broken[roll(w, ARRAY_LEN(broken))]);
	}
	if (q >= 90 && q < 92)
		len += 3; /* an embedded NUL and what follows */
	set_xattr(w, path, "redirect", value, len);
}

static void make_file(struct world *w, const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0644);

	if (fd < 0)
		die(path);
	if (!chance(w, 50)) {
		dprintf(fd, "%s\n", path);
	} else {
		unsigned q = roll(w, 100);

		if (ftruncate(fd, 1 + roll(w, 40)) < 0)
			die(path);
		set_xattr(w, path, "metacopy", "\0\4\0\0", q < 80 ? 0 : q < 85 ? 2 : 4);
		if (chance(w, 60))
			random_redirect(w, path);
	}
	close(fd);
}

static void make_tree(struct world *w, const char *root, int depth)
{
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		_cleanup_free_ char *path = join(root, names[i]);
		unsigned r = roll(w, 100);

		if (r < 25)
			continue;
		if (r < 62 && depth < MAX_DEPTH) {
			unsigned q = roll(w, 100);

			if (mkdir(path, 0755) < 0)
				die(path);
			if (q < 18)
				set_xattr(w, path, "opaque",
					  q < 12 ? "y" :
					  q < 16 ? "x" :
						   "no",
					  q < 16 ? 1 : 2);
			if (chance(w, 30))
				random_redirect(w, path);
			make_tree(w, path, depth + 1);
		} else if (r < 70) {
			if (mknod(path, S_IFCHR | 0600, makedev(0, 0)) < 0)
				die(path);
		} else if (r < 74) {
			if (symlink("target", path) < 0)
				die(path);
		} else if (r < 78) {
			close(open(path, O_WRONLY | O_CREAT, 0644));
			set_xattr(w, path, "whiteout", "", 0);
		} else {
			make_file(w, path);
		}
	}
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

static void remove_tree(const char *path)
{
	nftw(path, remove_one, 32, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

static char *mount_options(const struct world *w)
{
	struct ovl_buf b = { 0 };
	unsigned lower = w->upper ? 1 : 0;

	ovl_buf_adds(&b, "lowerdir=");
	for (unsigned i = 0; i < w->n_lower; i++)
		ovl_buf_addf(&b, "%s%s", i ? ":" : "", w->layer[lower + i]);
	for (unsigned i = 0; i < w->n_data; i++)
		ovl_buf_addf(&b, "::%s", w->layer[lower + w->n_lower + i]);
	if (w->upper)
		ovl_buf_addf(&b, ",upperdir=%s,workdir=%s/work", w->layer[0], w->scratch);
	if (w->userxattr)
		ovl_buf_adds(&b, ",userxattr");
	else
		ovl_buf_addf(&b, ",metacopy=%s,redirect_dir=%s", w->metacopy ? "on" : "off",
			     w->follow ? "on" : "nofollow");
	if (w->upper)
		ovl_buf_adds(&b, ",index=off");
	return ovl_buf_take(&b);
}

static void choose(struct world *w)
{
	unsigned q = roll(w, 100);

	w->userxattr = q < 15;
	w->metacopy = q >= 15 && q < 60;
	w->follow = q >= 15 && q < 80;
	w->prefix = w->userxattr ? "user." : "trusted.";
	w->upper = chance(w, 80);
	w->n_lower = 1 + roll(w, 3);
	if (!w->upper && w->n_lower < 2)
		w->n_lower = 2;
	w->n_data = chance(w, 40) && !w->userxattr ? 1 + roll(w, 2) : 0;
	w->n_layer = 0;
}

static void make_layers(struct world *w)
{
	unsigned n = w->n_lower + w->n_data + (w->upper ? 1 : 0);
	_cleanup_free_ char *work = join(w->scratch, "work");

	remove_tree(w->scratch);
	if (mkdir(w->scratch, 0755) < 0 || mkdir(work, 0755) < 0 || mkdir(w->mnt, 0755) < 0)
		die(w->scratch);
	for (; w->n_layer < n; w->n_layer++) {
		char name[16];

		snprintf(name, sizeof(name), "layer%u", w->n_layer);
		w->layer[w->n_layer] = join(w->scratch, name);
		if (mkdir(w->layer[w->n_layer], 0755) < 0)
			die(w->layer[w->n_layer]);
		make_tree(w, w->layer[w->n_layer], 1);
	}
}

static char *real_path(const struct world *w, const struct ovl_found *f)
{
	struct ovl_buf b = { 0 };

	ovl_buf_adds(&b, w->layer[f->layer - (w->upper ? 0 : 1)]);
	ovl_path_add(&b, f->path);
	return ovl_buf_take(&b);
}

/* Up to 200 bytes of a file, or the errno that opening it gave. */
static int content(const char *path, char ret[200])
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_NOFOLLOW);
	ssize_t n = fd < 0 ? -1 : read(fd, ret, 200);

	return n < 0 ? -errno : (int)n;
}

static void mismatch(struct world *w, const char *path, const char *what, int ours, int theirs)
{
	w->mismatches++;
	printf("# seed %" PRIu64 ": %s: %s: we say %d, the kernel says %d\n", w->seed, path, what,
	       ours, theirs);
}

static void compare_content(struct world *w, const char *path, const struct ovl_hit *hit)
{
	struct ovl_found storage = { 0 };
	const struct ovl_found *data;
	char ours[200], theirs[200];
	int r = ovl_lookup_data(w->stack, hit, &storage, &data), k = content(path, theirs);

	if (r == 0) {
		_cleanup_free_ char *real = real_path(w, data);

		r = content(real, ours);
	}
	if (r != k || (r > 0 && memcmp(ours, theirs, (size_t)r) != 0))
		mismatch(w, path, "content", r, k);
	ovl_found_done(&storage);
}

static void walk(struct world *w, struct ovl_entry *e, const char *dir, int depth);

static void compare(struct world *w, struct ovl_entry *e, const char *path, const char *name,
		    int depth)
{
	const struct ovl_found *top;
	struct ovl_entry *child;
	struct ovl_hit hit;
	struct stat st;
	int theirs = lstat(path, &st) < 0 ? -errno : 0;

	w->lookups++;
	if (ovl_lookup(w->stack, e, name, NULL, NULL, &hit) < 0)
		die("ovl_lookup");
	if (theirs == -ESTALE) {
		w->collisions++; /* two names of one inode: a rule of its own, not lookup */
		goto out;
	}
	if (hit.result != theirs) {
		mismatch(w, path, "lstat", hit.result, theirs);
		goto out;
	}
	if (theirs < 0)
		goto out;
	top = hit.has_upper ? &hit.upper : &hit.lower[0];
	if ((top->stat.mode & S_IFMT) != (st.st_mode & S_IFMT)) {
		mismatch(w, path, "type", (int)top->stat.mode, (int)st.st_mode);
	} else if (S_ISREG(st.st_mode)) {
		if (top->stat.size != (uint64_t)st.st_size)
			w->collisions++;
		else
			compare_content(w, path, &hit);
	} else if (S_ISDIR(st.st_mode) && depth < WALK_DEPTH) {
		if (ovl_lookup_entry(w->stack, e, &hit, &child) < 0)
			die("ovl_lookup_entry");
		walk(w, child, path, depth + 1);
		ovl_entry_unref(child);
	}
out:
	ovl_hit_done(&hit);
}

static void walk(struct world *w, struct ovl_entry *e, const char *dir, int depth)
{
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		_cleanup_free_ char *path = join(dir, names[i]);

		compare(w, e, path, names[i], depth);
	}
}

static void run_seed(struct world *w, uint64_t seed)
{
	struct ovl_config config = { 0 };
	struct ovl_error e = OVL_ERROR_INIT;
	struct ovl_entry *root;
	char *options;

	w->seed = seed;
	w->state = (seed + 1) * 0x9e3779b97f4a7c15ULL;
	choose(w);
	make_layers(w);
	options = mount_options(w);
	if (ovl_config_parse(&config, options, &e) < 0 ||
	    ovl_stack_open(&config, NULL, &w->stack, &e) < 0) {
		fprintf(stderr, "lookup-oracle: %s: %s\n", options, e.text);
		exit(1);
	}
	if (mount("oracle", w->mnt, "overlay", w->upper ? 0 : MS_RDONLY, options) < 0)
		die(options);
	root = ovl_lookup_root(w->stack, OVL_LAYER_UPPER);
	walk(w, root, w->mnt, 1);
	ovl_entry_unref(root);
	ovl_stack_close(w->stack);
	if (umount(w->mnt) < 0)
		die("umount");
	ovl_config_done(&config);
	free(options);
	for (unsigned i = 0; i < w->n_layer; i++)
		free(w->layer[i]);
}

int main(int argc, char **argv)
{
	struct world w = { 0 };

	if (argc != 4) {
		fprintf(stderr, "usage: lookup-oracle SCRATCH FIRST LAST\n");
		return 2;
	}
	if (geteuid() != 0) {
		fprintf(stderr, "lookup-oracle: needs root\n");
		return 77;
	}
	w.scratch = join(argv[1], "oracle");
	w.mnt = join(w.scratch, "mnt");
	for (uint64_t s = strtoull(argv[2], NULL, 10); s <= strtoull(argv[3], NULL, 10); s++)
		run_seed(&w, s);
	remove_tree(w.scratch);
	printf("# %lu lookups, %lu mismatches, %lu inode collisions left out\n", w.lookups,
	       w.mismatches, w.collisions);
	free(w.mnt);
	free(w.scratch);
	return w.mismatches > 0;
}
