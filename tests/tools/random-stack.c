/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Layers and mounts of ovl-random.
 *
 * Everything here keeps to what an administrator may do: an upper is mounted again only over the
 * lowers it was made with; a feature whose traces may lie in the layers is never switched off;
 * a layer is changed through a mount only. With that, no state of the layers is damage.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mount.h"
#include "random.h"

/** What may stand in the name of a layer: separators and escapes of the option string. */
static const char odd_bytes[] = { 0, ':', ',', '\\', ' ', '"', '=', '\n' };

char *ovl_rnd_stack_new_dir(struct ovl_rnd_stack *stack, const char *kind)
{
	char odd[2] = { odd_bytes[stack->odd % sizeof(odd_bytes)] };
	char *path = ovl_tool_format("%s/%s%s%u", stack->dir, kind, odd, stack->serial++);

	if (mkdir(path, 0755) < 0)
		ovl_tool_die("%s", path);
	return path;
}

void ovl_rnd_stack_add_lower(struct ovl_rnd_stack *stack, char *path)
{
	stack->lowers = ovl_tool_realloc(stack->lowers, stack->lower_count + 1, sizeof(char *));
	memmove(stack->lowers + 1, stack->lowers, stack->lower_count * sizeof(char *));
	stack->lowers[0] = path;
	stack->lower_count++;
}

/** What the kernel does when an option is not given. */
static bool parameter_is(const char *name, char value)
{
	_cleanup_free_ char *path = ovl_tool_format("/sys/module/overlay/parameters/%s", name);
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	char answer = 'N';

	if (fd >= 0 && read(fd, &answer, 1) != 1)
		answer = 'N';
	return answer == value;
}

static const char *some_redirect_dir(struct ovl_rnd *r, const struct ovl_rnd_stack *stack)
{
	static const char *const free_choice[] = { "on", "on", "on", "follow", "nofollow", "off" };
	static const char *const following[] = { "on", "on", "follow" };

	if (stack->userxattr) /* nothing else is possible, nofollow need not be given */
		return ovl_tool_chance(&r->rng, 1, 2) ? "nofollow" : NULL;
	if (stack->now.metacopy)
		return "on";
	if (stack->may_redirect)
		return following[ovl_tool_random(&r->rng, ARRAY_LEN(following))];
	return free_choice[ovl_tool_random(&r->rng, ARRAY_LEN(free_choice))];
}

/** Notes what the chosen features can leave behind. */
static void remember_traces(struct ovl_rnd_stack *stack)
{
	const char *redirect = stack->now.redirect_dir;

	if (!stack->userxattr && (!redirect || !strcmp(redirect, "on")))
		stack->may_redirect = true;
	stack->may_metacopy |= stack->now.metacopy;
}

static void choose_harmless(struct ovl_rnd *r, struct ovl_rnd_stack *stack)
{
	static const char *const xino[] = { NULL, NULL, "off", "auto", "on" };
	static const char *const uuid[] = { NULL, NULL, "null", "auto", "on" };

	stack->now.say_off = ovl_tool_chance(&r->rng, 1, 2);
	stack->now.xino = xino[ovl_tool_random(&r->rng, ARRAY_LEN(xino))];
	/* uuid=off changes what handles look like: once chosen for an upper, it stays. */
	if (!stack->now.uuid || strcmp(stack->now.uuid, "off"))
		stack->now.uuid = uuid[ovl_tool_random(&r->rng, ARRAY_LEN(uuid))];
}

void ovl_rnd_stack_change(struct ovl_rnd *r, struct ovl_rnd_stack *stack)
{
	struct ovl_rnd_features *f = &stack->now;
	const bool none = stack->userxattr || stack->always_plain;

	if (!none && !f->nfs_export && ovl_tool_chance(&r->rng, 1, 4))
		f->metacopy = true;
	if (stack->may_index && ovl_tool_chance(&r->rng, 1, 4))
		f->index = true;
	if (!none && f->index && !stack->may_metacopy && !f->metacopy &&
	    ovl_tool_chance(&r->rng, 1, 6))
		f->nfs_export = true;
	if (stack->wild && ovl_tool_chance(&r->rng, 1, 3))
		f->index = f->nfs_export = false;
	f->redirect_dir = some_redirect_dir(r, stack);
	choose_harmless(r, stack);
	remember_traces(stack);
}

void ovl_rnd_stack_fresh(struct ovl_rnd *r, struct ovl_rnd_stack *stack)
{
	struct ovl_rnd_features f = { 0 };
	const bool none = stack->userxattr || stack->always_plain;

	stack->upper = ovl_rnd_stack_new_dir(stack, "u");
	stack->work = ovl_rnd_stack_new_dir(stack, "w");
	f.index = stack->may_index && ovl_tool_chance(&r->rng, 1, 2);
	if (stack->may_metacopy || stack->data || (!none && ovl_tool_chance(&r->rng, 2, 5)))
		f.metacopy = true;
	else if (!none && ovl_tool_chance(&r->rng, 1, 2))
		f.index = f.nfs_export = true;
	if (ovl_tool_chance(&r->rng, 1, 10))
		f.uuid = "off";
	stack->now = f;
	stack->now.redirect_dir = some_redirect_dir(r, stack);
	choose_harmless(r, stack);
	remember_traces(stack);
}

void ovl_rnd_stack_rotate(struct ovl_rnd *r, struct ovl_rnd_stack *stack)
{
	if (ovl_tool_chance(&r->rng, 1, 2)) {
		fprintf(r->log, "# the old work directory goes\n");
		ovl_rnd_tree_remove(r, stack->work);
	}
	free(stack->work);
	stack->work = NULL;
	ovl_rnd_stack_add_lower(stack, stack->upper);
	stack->upper = NULL;
	stack->now = (struct ovl_rnd_features){ .metacopy = stack->may_metacopy };
	stack->now.redirect_dir = stack->may_redirect ? "on" : NULL;
	fprintf(r->log, "# upper is now the topmost of %zu lowers\n", stack->lower_count);
}

static void put_path(FILE *out, const char *path, const char *escape)
{
	for (; *path; path++) {
		if (strchr(escape, *path))
			fputc('\\', out);
		fputc(*path, out);
	}
}

/** A name of a layer that needs no escape may also be given to lowerdir+=. */
static bool one_by_one(const struct ovl_rnd_stack *stack)
{
	return stack->odd == 0 && stack->serial % 4 == 0 && !strpbrk(stack->dir, ":\\,");
}

static void put_lowers(FILE *out, const struct ovl_rnd_stack *stack)
{
	if (one_by_one(stack)) {
		for (size_t i = 0; i < stack->lower_count; i++)
			fprintf(out, "%slowerdir+=%s", i ? "," : "", stack->lowers[i]);
		if (stack->data)
			fprintf(out, ",datadir+=%s", stack->data);
		return;
	}
	for (size_t i = 0; i < stack->lower_count; i++) {
		fputs(i ? ":" : "lowerdir=", out);
		put_path(out, stack->lowers[i], ":\\,");
	}
	if (stack->data) {
		fputs("::", out);
		put_path(out, stack->data, ":\\,");
	}
}

static void put_switch(FILE *out, const char *name, bool on, bool say_off)
{
	/* Whether an option that is off is given at all should make no difference. */
	if (on || say_off || !parameter_is(name, 'N'))
		fprintf(out, ",%s=%s", name, on ? "on" : "off");
}

static void put_features(FILE *out, const struct ovl_rnd_stack *stack)
{
	const struct ovl_rnd_features *f = &stack->now;

	if (stack->userxattr)
		fputs(",userxattr", out);
	if (f->redirect_dir)
		fprintf(out, ",redirect_dir=%s", f->redirect_dir);
	put_switch(out, "metacopy", f->metacopy, f->say_off);
	if (f->xino)
		fprintf(out, ",xino=%s", f->xino);
	if (!stack->upper)
		return;
	put_switch(out, "index", f->index, f->say_off);
	put_switch(out, "nfs_export", f->nfs_export, f->say_off);
	if (f->uuid)
		fprintf(out, ",uuid=%s", f->uuid);
	if (f->is_volatile)
		fputs(",volatile", out);
}

char *ovl_rnd_stack_options(const struct ovl_rnd_stack *stack, bool features)
{
	char *options = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&options, &len);

	if (!out)
		ovl_tool_die("no memory for options");
	put_lowers(out, stack);
	if (stack->upper) {
		fputs(",upperdir=", out);
		put_path(out, stack->upper, "\\,");
		fputs(",workdir=", out);
		put_path(out, stack->work, "\\,");
	}
	if (features)
		put_features(out, stack);
	if (fclose(out))
		ovl_tool_die("no memory for options");
	return options;
}

void ovl_rnd_stack_mount(struct ovl_rnd *r, const struct ovl_rnd_stack *stack, bool readonly)
{
	_cleanup_free_ char *options = ovl_rnd_stack_options(stack, true);
	int rc;

	fprintf(r->log, "# mount%s %s\n", readonly ? " -r" : "", options);
	rc = ovl_mount(options, stack->mnt, readonly);
	if (rc < 0) {
		errno = -rc;
		ovl_tool_die("cannot mount %s", options);
	}
	if (chdir(stack->mnt) < 0)
		ovl_tool_die("%s", stack->mnt);
}

void ovl_rnd_stack_unmount(struct ovl_rnd *r, const struct ovl_rnd_stack *stack)
{
	if (chdir("/") < 0 || umount2(stack->mnt, 0) < 0)
		ovl_tool_die("unmounting %s", stack->mnt);
	fprintf(r->log, "# unmounted\n");
}

void ovl_rnd_stack_free(struct ovl_rnd_stack *stack)
{
	for (size_t i = 0; i < stack->lower_count; i++)
		free(stack->lowers[i]);
	free(stack->lowers);
	free(stack->upper);
	free(stack->work);
	free(stack->data);
	free(stack->mnt);
}
