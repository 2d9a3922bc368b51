/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ovl-writelog - a file whose writes and flushes are logged
 *
 *	ovl-writelog IMAGE LOG FILE
 *
 * Mounts something upon FILE that has the content of IMAGE, and goes into the background. Until FILE is
 * unmounted, each write goes to IMAGE and to LOG, each fsync to LOG (see writelog.h; for ovl-replay). Of
 * a loop device on FILE these are what a disk gets to see: what is not flushed may be lost when the power
 * is cut. Nothing is cached on the way: a write that has returned is in LOG.
 *
 * It is a FUSE file system whose root is a file; it speaks the protocol itself, since the five requests
 * that such a file gets to see are not worth a library.
 *
 * Exit status: 0; 77 with the reason on stderr if this machine has no FUSE; 99 trouble.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "tool.h"
#include "writelog.h"

enum {
	MAX_WRITE = 1 << 20, /* bytes that come at once */
	PAGE = 4096,
	SKIPPED = 77,
};

/** What is served. */
struct served {
	int fuse, image, log;
	unsigned char *in, *out; /* a request, the data of a reply */
};

/* ENOENT: the request was interrupted, and nobody waits for it. */
static void reply(const struct served *s, uint64_t unique, int error, const void *data, size_t len)
{
	struct fuse_out_header head = { .len = (uint32_t)(sizeof(head) + len),
					.error = -error,
					.unique = unique };
	struct iovec parts[2] = { { &head, sizeof(head) }, { (void *)(uintptr_t)data, len } };

	if (writev(s->fuse, parts, len > 0 ? 2 : 1) < 0 && errno != ENOENT)
		ovl_tool_die("reply");
}

static void start(const struct served *s, uint64_t unique, const struct fuse_init_in *in)
{
	struct fuse_init_out out = { .major = FUSE_KERNEL_VERSION,
				     .minor = FUSE_KERNEL_MINOR_VERSION,
				     .max_readahead = in->max_readahead,
				     .flags = in->flags & (FUSE_BIG_WRITES | FUSE_MAX_PAGES),
				     .max_background = 16,
				     .max_write = MAX_WRITE,
				     .max_pages = MAX_WRITE / PAGE,
				     .time_gran = 1 };

	reply(s, unique, 0, &out, sizeof(out));
}

static void attributes(const struct served *s, uint64_t unique)
{
	struct fuse_attr_out out = {
		.attr = { .ino = FUSE_ROOT_ID, .mode = S_IFREG | 0600, .nlink = 1, .blksize = PAGE }
	};
	struct stat st;

	if (fstat(s->image, &st) < 0) {
		reply(s, unique, errno, NULL, 0);
		return;
	}
	out.attr.size = (uint64_t)st.st_size;
	out.attr.blocks = (uint64_t)st.st_blocks;
	reply(s, unique, 0, &out, sizeof(out));
}

static void read_data(const struct served *s, uint64_t unique, const struct fuse_read_in *in)
{
	size_t size = in->size < MAX_WRITE ? in->size : MAX_WRITE;
	ssize_t n = pread(s->image, s->out, size, (off_t)in->offset);

	reply(s, unique, n < 0 ? errno : 0, s->out, n < 0 ? 0 : (size_t)n);
}

static void note(const struct served *s, uint32_t type, const struct fuse_write_in *in)
{
	struct ovl_logged_io io = { .type = type };
	struct iovec parts[2] = { { &io, sizeof(io) } };

	if (in) {
		io.len = in->size;
		io.offset = in->offset;
		parts[1] = (struct iovec){ (void *)(uintptr_t)(in + 1), in->size };
	}
	if (writev(s->log, parts, 2) != (ssize_t)(sizeof(io) + io.len))
		ovl_tool_die("log");
}

static void write_data(const struct served *s, uint64_t unique, const struct fuse_write_in *in)
{
	struct fuse_write_out out = { .size = in->size };

	note(s, OVL_LOGGED_WRITE, in);
	if (pwrite(s->image, in + 1, in->size, (off_t)in->offset) != (ssize_t)in->size)
		ovl_tool_die("image");
	reply(s, unique, 0, &out, sizeof(out));
}

static void answer(const struct served *s)
{
	const struct fuse_in_header *head = (const void *)s->in;
	const void *in = head + 1;
	static const struct fuse_open_out opened;

	switch (head->opcode) {
	case FUSE_INIT:
		start(s, head->unique, in);
		break;
	case FUSE_GETATTR:
		attributes(s, head->unique);
		break;
	case FUSE_OPEN:
		reply(s, head->unique, 0, &opened, sizeof(opened));
		break;
	case FUSE_READ:
		read_data(s, head->unique, in);
		break;
	case FUSE_WRITE:
		write_data(s, head->unique, in);
		break;
	case FUSE_FSYNC:
		note(s, OVL_LOGGED_FLUSH, NULL);
		reply(s, head->unique, 0, NULL, 0);
		break;
	case FUSE_FLUSH:
	case FUSE_RELEASE:
		reply(s, head->unique, 0, NULL, 0);
		break;
	case FUSE_FORGET: /* nobody waits for an answer to these */
	case FUSE_BATCH_FORGET:
	case FUSE_INTERRUPT:
		break;
	default: /* also FALLOCATE: then zeros are written, and what is discarded stays */
		reply(s, head->unique, ENOSYS, NULL, 0);
		break;
	}
}

static void serve(const struct served *s)
{
	for (;;) {
		ssize_t n = read(s->fuse, s->in, MAX_WRITE + PAGE);

		if (n >= 0)
			answer(s);
		else if (errno == ENODEV) /* unmounted */
			return;
		else if (errno != EINTR && errno != EAGAIN && errno != ENOENT)
			ovl_tool_die("request");
	}
}

static int must_open(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC, 0600);

	if (fd < 0)
		ovl_tool_die("%s", path);
	return fd;
}

static bool mount_on(int fuse, const char *file)
{
	char *options = ovl_tool_format("fd=%d,rootmode=%o,user_id=%u,group_id=%u", fuse,
					S_IFREG | 0600, (unsigned)getuid(), (unsigned)getgid());
	int r = mount("ovl-writelog", file, "fuse", MS_NOSUID | MS_NODEV, options);

	free(options);
	return r == 0;
}

int main(int argc, char **argv)
{
	struct served s;
	int null;

	if (argc != 4)
		ovl_tool_die("usage: ovl-writelog IMAGE LOG FILE");
	s.image = must_open(argv[1], O_RDWR);
	s.log = must_open(argv[2], O_WRONLY | O_CREAT | O_TRUNC);
	s.in = ovl_tool_realloc(NULL, MAX_WRITE + PAGE, 1);
	s.out = ovl_tool_realloc(NULL, MAX_WRITE, 1);
	s.fuse = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	if (s.fuse < 0 || !mount_on(s.fuse, argv[3])) {
		fprintf(stderr, "no FUSE here: %s\n", strerror(errno));
		return SKIPPED;
	}
	null = must_open("/dev/null", O_RDWR);
	switch (fork()) {
	case -1:
		ovl_tool_die("fork");
	case 0:
		break;
	default:
		return 0;
	}
	/* Not of the terminal, nor of a pipe somebody reads. Errors are told by a log that ends. */
	setsid();
	signal(SIGINT, SIG_IGN);
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		dup2(null, fd);
	if (chdir("/") < 0)
		ovl_tool_die("/");
	serve(&s);
	free(s.in);
	free(s.out);
	return 0;
}
