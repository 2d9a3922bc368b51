/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * main() of a fuzz target where there is no fuzzer: tries its seeds and their nearest relatives.
 *
 * Without arguments, takes the seeds of tests/fuzz/seeds/<codec>/ for a program fuzz_<codec>, in
 * order of their names, after the empty input. Each seed is tried as it is, cut at every length,
 * and with bytes changed at random; the numbers are the same in every run. With arguments, these
 * files are tried as they are: a finding of the fuzzer, under a debugger.
 *
 * Prints TAP, one test a seed. A target fails by crashing, so a line that begins with "# " names
 * the input before it is tried.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
	CUTS_MAX = 4096,
	MUTANTS = 2000,
	CHANGES_MAX = 8,
};

struct input {
	uint8_t *data;
	size_t size;
};

static int fail(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	return EXIT_FAILURE;
}

static int input_read(int dir, const char *name, struct input *ret)
{
	_cleanup_close_ int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	_cleanup_free_ uint8_t *data = NULL;
	struct stat st;
	ssize_t n;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	data = malloc((size_t)st.st_size + 1);
	if (!data)
		return -ENOMEM;
	n = read(fd, data, (size_t)st.st_size);
	if (n != st.st_size)
		return n < 0 ? -errno : -EIO;
	ret->size = (size_t)n;
	ret->data = TAKE_PTR(data);
	return 0;
}

/* The target gets memory of exactly its size, so that the sanitizers see every byte beyond. */
static int try_bytes(const uint8_t *data, size_t size)
{
	_cleanup_free_ uint8_t *exact = malloc(size > 0 ? size : 1);

	if (!exact)
		return -ENOMEM;
	if (size > 0)
		memcpy(exact, data, size);
	LLVMFuzzerTestOneInput(exact, size);
	return 0;
}

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static int try_relatives(const struct input *seed)
{
	uint64_t random = 0x9e3779b97f4a7c15u ^ seed->size;
	_cleanup_free_ uint8_t *copy = malloc(seed->size + 1);
	size_t len;
	int r = 0;

	if (!copy)
		return -ENOMEM;
	for (len = 0; r == 0 && len < seed->size && len < CUTS_MAX; len++)
		r = try_bytes(seed->data, len);
	for (int i = 0; r == 0 && seed->size > 0 && i < MUTANTS; i++) {
		memcpy(copy, seed->data, seed->size);
		for (uint64_t n = 1 + next_random(&random) % CHANGES_MAX; n > 0; n--)
			copy[next_random(&random) % seed->size] = (uint8_t)next_random(&random);
		r = try_bytes(copy, seed->size);
	}
	return r;
}

static int try_file(int dir, const char *name, int number, bool relatives)
{
	struct input seed = { 0 };
	int r;

	printf("# %s\n", name);
	r = input_read(dir, name, &seed);
	if (r == 0)
		r = try_bytes(seed.data, seed.size);
	if (r == 0 && relatives)
		r = try_relatives(&seed);
	free(seed.data);
	if (r == 0)
		printf("ok %d - %s\n", number, name);
	else
		printf("not ok %d - %s: %s\n", number, name, strerror(-r));
	return r;
}

static int is_seed(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static int try_seeds(const char *program)
{
	const char *source = getenv("top_srcdir"), *codec = strrchr(program, '/');
	_cleanup_free_ struct dirent **seed = NULL;
	_cleanup_free_ char *path = NULL;
	_cleanup_close_ int dir = -EBADF;
	int n, failed = 0;

	codec = codec ? codec + 1 : program;
	if (strncmp(codec, "fuzz_", 5) == 0)
		codec += 5;
	if (asprintf(&path, "%s/tests/fuzz/seeds/%s", source ? source : ".", codec) < 0) {
		path = NULL;
		return fail("asprintf");
	}
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	n = dir < 0 ? -1 : scandirat(dir, ".", &seed, is_seed, alphasort);
	if (n < 0)
		return fail(path);
	printf("1..%d\n", n + 1);
	LLVMFuzzerTestOneInput((const uint8_t *)"", 0);
	printf("ok 1 - nothing\n");
	for (int i = 0; i < n; i++) {
		if (try_file(dir, seed[i]->d_name, i + 2, true) < 0)
			failed = 1;
		free(seed[i]);
	}
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	int failed = 0;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc < 2)
		return try_seeds(argv[0]);
	printf("1..%d\n", argc - 1);
	for (int i = 1; i < argc; i++) {
		if (try_file(AT_FDCWD, argv[i], i, false) < 0)
			failed = 1;
	}
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
