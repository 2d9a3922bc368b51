/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit/tree_kit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/buf.h"
#include "io/reader.h"
#include "io/root.h"
#include "overlayfs/fh.h"
#include "overlayfs/xattr.h"
#include "tool.h"

static const char *where = "/tmp";
static bool has_handles;
static char folder[256];

bool tree_has_trusted(void)
{
	return ovl_root_trusted_visible() == 1;
}

void tree_skip(const char *what, const char *why)
{
	printf("# SKIP %s: %s\n", what, why);
	fprintf(stderr, "SKIP %s: %s\n", what, why);
}

static bool skip_all(const char *why)
{
	printf("1..0 # SKIP %s\n", why);
	fprintf(stderr, "SKIP all: %s\n", why);
	return false;
}

/* What a file system is good for: 0 for nothing, 1 for marks, 2 for file handles too. */
static int try_folder(const char *dir)
{
	_cleanup_free_ char *path = ovl_tool_format("%s/ovl-tree-probe.XXXXXX", dir);
	_cleanup_close_ int fd = mkstemp(path), at = -EBADF;
	struct ovl_reader *r = ovl_reader_linux();
	struct ovl_stat st;
	struct ovl_fid fid;
	uint8_t uuid[16];
	int good = 0;

	if (fd < 0)
		return 0;
	at = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (at >= 0 && fsetxattr(fd, ovl_xattr_name(OVL_X_OPAQUE, true), "y", 1, 0) == 0 &&
	    (!tree_has_trusted() ||
	     fsetxattr(fd, ovl_xattr_name(OVL_X_OPAQUE, false), "y", 1, 0) == 0))
		good = r->ops->encode(r, AT_FDCWD, path, &fid) == 0 &&
				       r->ops->decode(r, at, &fid, &st, NULL) == 0 &&
				       ovl_root_uuid(at, uuid) == 0 ?
			       2 :
			       1;
	unlink(path);
	return good;
}

bool tree_works(void)
{
	/* In memory it is ten times as fast. */
	const char *given = getenv("TMPDIR"), *const try[] = { given, "/dev/shm", "/tmp" };
	int best = 0, good;

	for (size_t i = 0; i < ARRAY_LEN(try); i++) {
		good = try[i] && try[i][0] == '/' && strlen(try[i]) < 200 ? try_folder(try[i]) : 0;
		if (good <= best)
			continue;
		best = good;
		where = try[i];
		if (i == 0)
			break;
	}
	has_handles = best == 2;
	return best > 0 || skip_all("no folder for temporary files keeps such xattrs");
}

bool tree_has_handles(void)
{
	return has_handles;
}

/* Removes what can be removed here, and goes down where something is left. True: nothing is here. */
static bool clear_here(void)
{
	DIR *dir = opendir(".");
	struct dirent *d;
	bool down = false;

	if (!dir)
		ovl_tool_die("cannot open a folder to empty it");
	while (!down && (d = readdir(dir))) {
		if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0 ||
		    remove(d->d_name) == 0)
			continue;
		chmod(d->d_name, 0700);
		if (chdir(d->d_name) < 0)
			ovl_tool_die("cannot remove %s", d->d_name);
		down = true;
	}
	closedir(dir);
	return !down;
}

/* Removes all that is in a folder. Step by step: paths may be longer than any call takes. */
static void empty(const char *path)
{
	_cleanup_close_ int home = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct stat top, here;

	if (chdir(path) < 0 || stat(".", &top) < 0)
		ovl_tool_die("cannot go to %s", path);
	for (;;) {
		if (!clear_here())
			continue;
		if (stat(".", &here) < 0)
			ovl_tool_die("lost below %s", path);
		if (here.st_ino == top.st_ino && here.st_dev == top.st_dev)
			break;
		if (chdir("..") < 0)
			ovl_tool_die("cannot leave a folder below %s", path);
	}
	if (fchdir(home) < 0)
		ovl_tool_die("cannot go back");
}

void tree_start(void)
{
	snprintf(folder, sizeof(folder), "%s/ovl-tree.XXXXXX", where);
	if (!mkdtemp(folder) || chdir(folder) < 0)
		ovl_tool_die("cannot make %s", folder);
}

void tree_clear(void)
{
	if (chdir(folder) < 0)
		ovl_tool_die("cannot go to %s", folder);
	empty(folder);
}

void tree_stop(void)
{
	tree_clear();
	if (chdir("/") < 0 || rmdir(folder) < 0)
		ovl_tool_die("cannot remove %s", folder);
}

static void make_parents(const char *path)
{
	_cleanup_free_ char *part = ovl_tool_format("%s", path);

	for (char *slash = strchr(part, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(part, 0755) < 0 && errno != EEXIST)
			ovl_tool_die("mkdir %s", part);
		*slash = '/';
	}
}

void tree_dir(const char *path)
{
	make_parents(path);
	if (mkdir(path, 0755) < 0 && errno != EEXIST)
		ovl_tool_die("mkdir %s", path);
}

void tree_deep_dir(const char *path)
{
	_cleanup_free_ char *names = ovl_tool_format("%s", path);
	char *rest = names, *name;
	int at = AT_FDCWD, next;

	while ((name = strsep(&rest, "/"))) {
		if (mkdirat(at, name, 0755) < 0 && errno != EEXIST)
			ovl_tool_die("mkdir %s", name);
		next = openat(at, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (next < 0)
			ovl_tool_die("open %s", name);
		if (at >= 0)
			close(at);
		at = next;
	}
	close(at);
}

void tree_layers(unsigned n_lower)
{
	tree_dir("upper");
	tree_dir("work/work");
	if (chmod("work/work", 0) < 0)
		ovl_tool_die("chmod work/work");
	for (unsigned i = 1; i <= n_lower; i++) {
		_cleanup_free_ char *name = ovl_tool_format("lower%u", i);

		tree_dir(name);
	}
}

static int create(const char *path)
{
	int fd;

	make_parents(path);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd < 0)
		ovl_tool_die("create %s", path);
	return fd;
}

void tree_file(const char *path, const char *content)
{
	_cleanup_close_ int fd = create(path);
	size_t len = strlen(content);

	if (write(fd, content, len) != (ssize_t)len)
		ovl_tool_die("write %s", path);
}

void tree_hole(const char *path, off_t size)
{
	_cleanup_close_ int fd = create(path);

	if (ftruncate(fd, size) < 0)
		ovl_tool_die("truncate %s", path);
}

void tree_whiteout(const char *path)
{
	make_parents(path);
	if (mknod(path, S_IFCHR, makedev(0, 0)) < 0)
		ovl_tool_die("mknod %s", path);
}

void tree_symlink(const char *path, const char *target)
{
	make_parents(path);
	if (symlink(target, path) < 0)
		ovl_tool_die("symlink %s", path);
}

void tree_fifo(const char *path)
{
	make_parents(path);
	if (mkfifo(path, 0644) < 0)
		ovl_tool_die("mkfifo %s", path);
}

void tree_link(const char *old, const char *path)
{
	make_parents(path);
	if (link(old, path) < 0)
		ovl_tool_die("link %s %s", old, path);
}

void tree_remove(const char *path)
{
	struct stat st;

	if (lstat(path, &st) < 0)
		ovl_tool_die("%s", path);
	if (S_ISDIR(st.st_mode))
		empty(path);
	if (remove(path) < 0)
		ovl_tool_die("remove %s", path);
}

static char *full_name(const char *name)
{
	return ovl_tool_format("%s.overlay.%s", tree_has_trusted() ? "trusted" : "user", name);
}

void tree_mark_bytes(const char *path, const char *name, const void *value, size_t len)
{
	_cleanup_free_ char *full = full_name(name);

	if (lsetxattr(path, full, value, len, 0) < 0)
		ovl_tool_die("set %s of %s", full, path);
}

void tree_mark(const char *path, const char *name, const char *value)
{
	tree_mark_bytes(path, name, value, strlen(value));
}

void tree_unmark(const char *path, const char *name)
{
	_cleanup_free_ char *full = full_name(name);

	if (lremovexattr(path, full) < 0)
		ovl_tool_die("remove %s of %s", full, path);
}

static int encode(const char *path, struct ovl_fid *ret)
{
	struct ovl_reader *r = ovl_reader_linux();

	return r->ops->encode(r, AT_FDCWD, path, ret);
}

size_t tree_fh(const char *path, uint8_t flags, unsigned char *ret_raw)
{
	_cleanup_close_ int dir = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	uint8_t uuid[16];
	struct ovl_fid fid;
	int len;

	if (encode(path, &fid) < 0 || ovl_root_uuid(dir, uuid) < 0)
		ovl_tool_die("no handle of %s", path);
	len = ovl_fh_build(flags, (uint8_t)fid.type, uuid, (struct ovl_bytes){ fid.data, fid.len },
			   ret_raw);
	if (len < 0)
		ovl_tool_die("the handle of %s is too long", path);
	return (size_t)len;
}

void tree_origin(const char *path, const char *lower)
{
	unsigned char raw[OVL_FH_MAX_LEN];
	size_t len = tree_fh(lower, 0, raw);

	tree_mark_bytes(path, "origin", raw, len);
}

void tree_metacopy(const char *path, const char *lower)
{
	struct stat st;

	if (stat(lower, &st) < 0)
		ovl_tool_die("stat %s", lower);
	tree_hole(path, st.st_size);
	tree_mark(path, "metacopy", "");
	if (st.st_nlink == 1)
		tree_origin(path, lower);
	if (utimensat(AT_FDCWD, path, (struct timespec[2]){ st.st_atim, st.st_mtim }, 0) < 0)
		ovl_tool_die("utimens %s", path);
}

static char *index_name(const char *lower)
{
	unsigned char raw[OVL_FH_MAX_LEN];
	size_t len = tree_fh(lower, 0, raw);
	struct ovl_buf name = { 0 };

	if (ovl_buf_adds(&name, "work/index/") < 0 || ovl_buf_add_hex(&name, raw, len) < 0)
		ovl_tool_die("name of an index entry");
	return ovl_buf_take(&name);
}

void tree_index(const char *upper, const char *lower)
{
	_cleanup_free_ char *name = index_name(lower);

	tree_link(upper, name);
}

void tree_try_index(const char *upper, const char *lower)
{
	_cleanup_free_ char *name = index_name(lower);

	struct stat st;

	if (lstat(name, &st) < 0)
		tree_link(upper, name);
}

void tree_index_roots(void)
{
	unsigned char raw[OVL_FH_MAX_LEN];
	size_t len = tree_fh("upper", OVL_FH_FLAG_PATH_UPPER, raw);

	tree_dir("work/index");
	tree_mark_bytes("work/index", "upper", raw, len);
	tree_origin("upper", "lower1");
	if (chmod("work/index", 0) < 0)
		ovl_tool_die("chmod work/index");
}

char *tree_options(unsigned n_lower, const char *more)
{
	struct ovl_buf b = { 0 };
	int r = ovl_buf_adds(&b, "upperdir=upper,workdir=work,lowerdir=");
	char *options;

	for (unsigned i = 1; r == 0 && i <= n_lower; i++)
		r = ovl_buf_addf(&b, "%slower%u", i > 1 ? ":" : "", i);
	if (r == 0 && !tree_has_trusted())
		r = ovl_buf_adds(&b, ",userxattr");
	if (r == 0 && more[0])
		r = ovl_buf_addf(&b, ",%s", more);
	options = r == 0 ? ovl_buf_take(&b) : NULL;
	if (!options)
		ovl_tool_die("options");
	return options;
}

int tree_open_options(struct tree_stack *t, const char *options, struct ovl_reader *reader)
{
	int r;

	*t = (struct tree_stack){ 0 };
	r = ovl_config_parse(&t->config, options, NULL);
	if (r == 0)
		r = ovl_stack_open(&t->config, reader, &t->stack, NULL);
	if (r < 0)
		ovl_config_done(&t->config);
	return r;
}

int tree_open(struct tree_stack *t, unsigned n_lower, const char *more, struct ovl_reader *reader)
{
	_cleanup_free_ char *options = tree_options(n_lower, more);

	return tree_open_options(t, options, reader);
}

void tree_close(struct tree_stack *t)
{
	ovl_stack_close(t->stack);
	ovl_config_done(&t->config);
	*t = (struct tree_stack){ 0 };
}

char *tree_report(const struct ovl_stack *stack, const struct ovl_report *report,
		  enum ovl_severity min)
{
	struct ovl_buf b = { 0 };
	int r = ovl_buf_adds(&b, "");
	char *text;

	for (size_t i = 0; r == 0 && i < ovl_report_len(report); i++) {
		struct ovl_finding f = ovl_report_get(report, i);
		_cleanup_free_ char *place = ovl_stack_place(stack, f.loc);

		if (f.severity >= min)
			r = ovl_buf_addf(&b, "%s %s %s\n", ovl_problem_get(f.problem)->slug,
					 place ? place : "?", f.found);
	}
	text = r == 0 ? ovl_buf_take(&b) : NULL;
	if (!text)
		ovl_tool_die("report");
	return text;
}

int tree_check(struct ovl_stack *stack, unsigned threads, struct ovl_report **ret)
{
	const struct ovl_check_options options = { .threads = threads };
	struct ovl_report *report = NULL;
	int r = ovl_check(stack, &options, &report, NULL);

	if (r == 0 && ret)
		*ret = report;
	else
		ovl_report_free(report);
	return r;
}
