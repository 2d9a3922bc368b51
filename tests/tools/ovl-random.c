/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ovl-random - a random overlay that only the kernel made
 *
 *	ovl-random [-s SEED] [-g GENERATIONS] [-n OPS] [-b DIR] [-w] [-q] [-x] DIR
 *	ovl-random -B [-s SEED] [-n OPS] DIR
 *
 * Makes some lower layers on the plain file system, mounts an overlay on them, does random work
 * through the mount, unmounts, and goes on like that: the same upper with other options, or the
 * upper becomes a lower under a fresh one. No layer is ever touched behind the kernel's back, and
 * no upper is mounted in a way that the kernel's documentation calls undefined. So whatever the
 * layers look like at the end, a check that finds fault with them is wrong.
 *
 *	-s  the seed; the same seed does the same things
 *	-g  how many uppers one after the other, at most (4)
 *	-n  how many operations an upper, about (60)
 *	-b  use this directory (on any file system) as the bottom lower
 *	-B  only fill DIR with a tree that can be such a lower, and stop
 *	-w  wild: also switch index and nfs_export off again for an upper that has an index
 *	-q  do not look at the whole tree through a last mount (which may itself write)
 *	-x  nothing that older kernels have no word for (xattrs of overlays within the overlay; there
 *	    are default ACLs instead), and an upper layer at the end
 *
 * Leaves in DIR the layers and
 *	options   the options of the last mount, as for mount -o
 *	dirs      the same without the features: directories only
 *	layers    the directories, each ended by a NUL byte
 *	log       what was done
 *
 * Exit status: 0; 3 if the kernel itself gave an answer that a sound overlay never gives (see
 * STRANGE in the log); 99 trouble.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "random.h"

struct plan {
	unsigned generations;
	unsigned ops;
	const char *bottom;
	bool base_only;
	bool look;
};

static FILE *open_out(const char *dir, const char *name)
{
	_cleanup_free_ char *path = ovl_tool_format("%s/%s", dir, name);
	FILE *out = fopen(path, "we");

	if (!out)
		ovl_tool_die("%s", path);
	return out;
}

static void close_out(FILE *out)
{
	if (fclose(out))
		ovl_tool_die("writing");
}

/** Fills a directory on a plain file system. */
static void make_base(struct ovl_rnd *r, const char *dir, unsigned ops)
{
	fprintf(r->log, "# base %s\n", dir);
	if (chdir(dir) < 0)
		ovl_tool_die("%s", dir);
	r->plain = true;
	ovl_rnd_tree_run(r, ops / 2 + ovl_tool_random(&r->rng, ops));
	r->plain = false;
	if (chdir("/") < 0)
		ovl_tool_die("/");
}

/**
 * Gives some file of a lower a name in another directory: in no layer, or in another lower, as
 * backups and deduplicated images have it.
 */
static void link_elsewhere(struct ovl_rnd *r, const char *from_dir, const char *to_dir)
{
	_cleanup_free_ char *from = NULL, *to = NULL;
	struct stat st;

	if (chdir(from_dir) < 0)
		ovl_tool_die("%s", from_dir);
	from = ovl_rnd_name_any(r);
	to = ovl_tool_format("%s/%s", to_dir, ovl_rnd_name_new(r));
	if (!lstat(from, &st) && S_ISREG(st.st_mode))
		ovl_rnd_op_done(r, linkat(AT_FDCWD, from, AT_FDCWD, to, 0), "link", from, to);
	if (chdir("/") < 0)
		ovl_tool_die("/");
}

static void make_lowers(struct ovl_rnd *r, struct ovl_rnd_stack *stack, const struct plan *plan)
{
	static const unsigned counts[] = { 1, 1, 1, 2, 2, 3 };
	unsigned count = counts[ovl_tool_random(&r->rng, ARRAY_LEN(counts))];
	_cleanup_free_ char *outside = ovl_tool_format("%s/outside", stack->dir);

	if (mkdir(outside, 0755) < 0)
		ovl_tool_die("%s", outside);
	if (plan->bottom) {
		char *path = realpath(plan->bottom, NULL);

		if (!path)
			ovl_tool_die("%s", plan->bottom);
		ovl_rnd_stack_add_lower(stack, path);
		count--;
	}
	while (count--) {
		char *path = ovl_rnd_stack_new_dir(stack, "l");

		make_base(r, path, plan->ops);
		if (ovl_tool_chance(&r->rng, 1, 8))
			link_elsewhere(r, path, outside);
		if (stack->lower_count && ovl_tool_chance(&r->rng, 1, 8))
			link_elsewhere(r, path, stack->lowers[0]);
		ovl_rnd_stack_add_lower(stack, path);
	}
	if (!stack->userxattr && !stack->always_plain && ovl_tool_chance(&r->rng, 1, 12)) {
		stack->data = ovl_rnd_stack_new_dir(stack, "d");
		make_base(r, stack->data, plan->ops / 2);
	}
}

/** One mount and the work through it. */
static void session(struct ovl_rnd *r, struct ovl_rnd_stack *stack, unsigned ops)
{
	bool readonly = !stack->upper || ovl_tool_chance(&r->rng, 1, 12);

	ovl_rnd_stack_mount(r, stack, readonly);
	if (readonly || ovl_tool_chance(&r->rng, 1, 20))
		ovl_rnd_tree_look(r);
	if (!readonly)
		ovl_rnd_tree_run(r, 1 + ovl_tool_random(&r->rng, ops));
	ovl_rnd_stack_unmount(r, stack);
}

static void generation(struct ovl_rnd *r, struct ovl_rnd_stack *stack, unsigned ops, bool last)
{
	uint32_t sessions = 1 + ovl_tool_random(&r->rng, 4);

	ovl_rnd_stack_fresh(r, stack);
	/* A volatile upper needs a hand before it can be mounted again, but as a lower it is fine. */
	if (!last && ovl_tool_chance(&r->rng, 1, 8)) {
		stack->now.is_volatile = true;
		sessions = 1;
	}
	session(r, stack, ops);
	while (--sessions) {
		ovl_rnd_stack_change(r, stack);
		session(r, stack, ops);
	}
}

static void write_results(const struct ovl_rnd_stack *stack)
{
	_cleanup_free_ char *options = ovl_rnd_stack_options(stack, true);
	_cleanup_free_ char *dirs = ovl_rnd_stack_options(stack, false);
	FILE *out = open_out(stack->dir, "options");

	fputs(options, out);
	close_out(out);
	out = open_out(stack->dir, "dirs");
	fputs(dirs, out);
	close_out(out);

	out = open_out(stack->dir, "layers");
	for (size_t i = 0; i < stack->lower_count; i++)
		fwrite(stack->lowers[i], strlen(stack->lowers[i]) + 1, 1, out);
	if (stack->data)
		fwrite(stack->data, strlen(stack->data) + 1, 1, out);
	if (stack->upper) {
		fwrite(stack->upper, strlen(stack->upper) + 1, 1, out);
		fwrite(stack->work, strlen(stack->work) + 1, 1, out);
	}
	close_out(out);
}

static void make_overlay(struct ovl_rnd *r, const struct plan *plan, const char *dir, bool wild)
{
	struct ovl_rnd_stack stack = { .dir = dir, .wild = wild };
	unsigned generations = 1 + ovl_tool_random(&r->rng, plan->generations);

	stack.userxattr = r->userxattr = ovl_tool_chance(&r->rng, 1, 8);
	stack.always_plain = ovl_tool_chance(&r->rng, 1, 8);
	r->inactive_prefix = ovl_tool_chance(&r->rng, 1, 8);
	stack.odd = ovl_tool_chance(&r->rng, 1, 3) ? ovl_tool_random(&r->rng, 8) : 0;
	/* A foreign bottom may hold hard-linked symlinks; see op_link(). */
	stack.may_index = !stack.userxattr || !plan->bottom;
	stack.mnt = ovl_tool_format("%s/mnt", dir);
	if (mkdir(stack.mnt, 0755) < 0)
		ovl_tool_die("%s", stack.mnt);

	make_lowers(r, &stack, plan);
	while (generations--) {
		generation(r, &stack, plan->ops, generations == 0);
		if (generations)
			ovl_rnd_stack_rotate(r, &stack);
	}
	if (!r->plain_words && ovl_tool_chance(&r->rng, 1, 10))
		ovl_rnd_stack_rotate(r, &stack);
	if (plan->look) {
		ovl_rnd_stack_mount(r, &stack, !stack.upper);
		ovl_rnd_tree_look(r);
		ovl_rnd_stack_unmount(r, &stack);
	}
	write_results(&stack);
	ovl_rnd_stack_free(&stack);
}

static int usage(void)
{
	fputs("usage: ovl-random [-s SEED] [-g GENERATIONS] [-n OPS] [-b DIR] [-w] [-q] [-x] DIR\n"
	      "       ovl-random -B [-s SEED] [-n OPS] DIR\n",
	      stderr);
	return 99;
}

/** A mount namespace of our own: nothing that we mount outlives us. */
static void leave_the_world(void)
{
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		ovl_tool_die("a mount namespace");
	umask(022);
}

int main(int argc, char **argv)
{
	struct plan plan = { .generations = 4, .ops = 60, .look = true };
	struct ovl_rnd r = { 0 };
	_cleanup_free_ char *dir = NULL;
	bool wild = false;
	int opt;

	while ((opt = getopt(argc, argv, "s:g:n:b:Bwqx")) != -1) {
		switch (opt) {
		case 's':
			r.rng.state = ovl_tool_number(optarg, UINT64_MAX);
			break;
		case 'g':
			plan.generations = (unsigned)ovl_tool_number(optarg, 100);
			break;
		case 'n':
			plan.ops = (unsigned)ovl_tool_number(optarg, 1000000);
			break;
		case 'b':
			plan.bottom = optarg;
			break;
		case 'B':
			plan.base_only = true;
			break;
		case 'w':
			wild = true;
			break;
		case 'q':
			plan.look = false;
			break;
		case 'x':
			r.plain_words = true;
			break;
		default:
			return usage();
		}
	}
	if (optind != argc - 1 || !plan.generations || plan.ops < 2)
		return usage();
	dir = realpath(argv[optind], NULL);
	if (!dir)
		ovl_tool_die("%s", argv[optind]);
	if (plan.base_only) {
		r.log = fopen("/dev/null", "we");
		make_base(&r, dir, plan.ops);
		return 0;
	}
	leave_the_world();
	r.log = open_out(dir, "log");
	make_overlay(&r, &plan, dir, wild);
	fprintf(r.log, "# %lu operations, %lu strange\n", r.ops, r.strange);
	close_out(r.log);
	return r.strange ? 3 : 0;
}
