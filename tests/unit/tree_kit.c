/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit/tree_kit.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
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

static char folder[256];

static const char *temporary(void)
{
	const char *dir = getenv("TMPDIR");

	return dir && dir[0] == '/' && strlen(dir) < 200 ? dir : "/tmp";
}

bool tree_has_trusted(void)
{
	return ovl_root_trusted_visible() == 1;
}

void tree_skip(const char *what, const char *why)
{
	printf("# SKIP %s: %s\n", what, why);
	fprintf(stderr, "SKIP %s: %s\n", what, why);
}

bool tree_works(void)
{
	_cleanup_free_ char *path = ovl_tool_format("%s/ovl-tree-probe.XXXXXX", temporary());
	int fd = mkstemp(path), r;

	if (fd < 0) {
		tree_skip("all trees", "no folder for temporary files");
		return false;
	}
	r = fsetxattr(fd, ovl_xattr_name(OVL_X_OPAQUE, !tree_has_trusted()), "y", 1, 0);
	close(fd);
	unlink(path);
	if (r < 0)
		tree_skip("all trees", "the folder for temporary files keeps no such xattrs");
	else if (!tree_has_trusted())
		tree_skip("redirects and metacopy", "not root");
	return r == 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)type;
	if (ftw->level == 0)
		return 0;
	if (S_ISDIR(st->st_mode) && rmdir(path) == 0)
		return 0;
	return remove(path);
}

/* What is there, but not @path itself. Directories of mode 0000 are no obstacle to root alone. */
static void empty(const char *path)
{
	if (nftw(path, remove_one, 64, FTW_DEPTH | FTW_PHYS | FTW_MOUNT) != 0)
		ovl_tool_die("cannot remove what is in %s", path);
}

void tree_start(void)
{
	snprintf(folder, sizeof(folder), "%s/ovl-tree.XXXXXX", temporary());
	if (!mkdtemp(folder) || chdir(folder) < 0)
		ovl_tool_die("cannot make %s", folder);
}

void tree_clear(void)
{
	if (chdir(folder) < 0)
		ovl_tool_die("cannot go to %s", folder);
	chmod("work/work", 0700);
	chmod("work/index", 0700);
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

bool tree_has_handles(void)
{
	struct ovl_reader *r = ovl_reader_linux();
	_cleanup_close_ int dir = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct ovl_stat st;
	struct ovl_fid fid;

	return dir >= 0 && encode(".", &fid) == 0 &&
	       r->ops->decode(r, dir, &fid, &st, NULL) == 0;
}

size_t tree_fh(const char *path, uint8_t flags, unsigned char *ret_raw)
{
	_cleanup_close_ int dir = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	uint8_t uuid[16];
	struct ovl_fid fid;
	int len;

	if (encode(path, &fid) < 0 || ovl_root_uuid(dir, uuid) < 0)
		ovl_tool_die("no handle of %s", path);
	len = ovl_fh_build(flags, (uint8_t)fid.type, uuid,
			   (struct ovl_bytes){ fid.data, fid.len }, ret_raw);
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

void tree_index(const char *upper, const char *lower)
{
	unsigned char raw[OVL_FH_MAX_LEN];
	size_t len = tree_fh(lower, 0, raw);
	_cleanup_(ovl_buf_done) struct ovl_buf name = { 0 };

	if (ovl_buf_adds(&name, "work/index/") < 0 || ovl_buf_add_hex(&name, raw, len) < 0)
		ovl_tool_die("name of an index entry");
	tree_link(upper, name.data);
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
