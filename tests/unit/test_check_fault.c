/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The whole check with a reader that fails: whatever cannot be read, nobody crashes, nothing leaks, and
 * the overlay is not called clean.
 *
 * No call is exempt from that last rule. Errors that are answers are no failures, though: ENOENT,
 * ENODATA, EOPNOTSUPP and the like say how things are, and the check has to believe them.
 */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "stack/stack.h"
#include "unit/reader_fault.h"
#include "unit/test_io_kit.h"
#include "unit/tree_every.h"
#include "unit/tree_kit.h"
#include "unit/unit.h"

/* With OVL_LONG every call fails with every error, else every one with EIO and some with the others. */
static bool is_long(void)
{
	const char *value = getenv("OVL_LONG");

	return value && *value && strcmp(value, "0") != 0;
}

struct outcome {
	int check;    /* what ovl_check() returned */
	char *report; /* warnings and errors; NULL if there is no report */
	uint64_t unreadable;
};

static void outcome_done(struct outcome *o)
{
	free(o->report);
}

static struct reader_fault fault;
static struct tree_stack tree;

/*
 * Nothing fails yet. But nobody asks the kernel who uses the layers: that takes a mount a layer, a
 * thousand times over.
 */
static void setup(void)
{
	kit_deny(SYS_fsopen, EPERM);
	reader_fault_init(&fault, ovl_reader_linux());
	ck_assert_int_eq(tree_open(&tree, TREE_EVERY_LOWERS, TREE_EVERY_OPTIONS, &fault.reader), 0);
}

static void teardown(void)
{
	tree_close(&tree);
	ck_assert_int_eq(fault.n_open, 0);
}

/* Checks the overlay, and sees that all was closed again but what the stack keeps. */
static struct outcome run(unsigned threads)
{
	struct ovl_report *report = NULL;
	struct outcome o = { .check = tree_check(tree.stack, threads, &report) };

	ck_assert_int_eq(o.check == 0, report != NULL);
	if (report) {
		o.report = tree_report(tree.stack, report, OVL_SEV_WARNING);
		o.unreadable = ovl_report_counts(report)->unreadable;
	}
	ovl_report_free(report);
	ck_assert_msg(fault.n_open == (int64_t)tree.stack->cache.n_open && fault.n_threads == 0,
		      "%s(%s), call %llu: %lld descriptors, %lld threads left",
		      reader_fault_call_name(fault.failed_call), fault.failed_name,
		      (unsigned long long)fault.nth, (long long)fault.n_open,
		      (long long)fault.n_threads);
	ck_assert_ptr_eq(tree.stack->reader, &fault.reader);
	return o;
}

/* Is each line a finding about reading itself? Others would accuse the layers of what the disk did. */
static bool is_about_reading(const char *report)
{
	for (const char *line = report; *line; line = strchr(line, '\n') + 1)
		if (strncmp(line, "unreadable ", 11) != 0 && strncmp(line, "changed ", 8) != 0)
			return false;
	return *report != '\0';
}

static void check_failure(const struct outcome *o)
{
	if (o->check < 0)
		return;
	/* The checks of roots take a handle that cannot be made for one of another inode. */
	if (fault.failed_call == READER_ENCODE)
		ck_assert_ptr_nonnull(strstr(o->report, "unreadable "));
	else
		ck_assert_msg(is_about_reading(o->report), "%s(%s), call %llu failed: \"%s\"",
			      reader_fault_call_name(fault.failed_call), fault.failed_name,
			      (unsigned long long)fault.nth, o->report);
}

/* Lets every @step-th call fail, one a run. */
static void sweep(int err, unsigned threads, unsigned step, bool is_failure)
{
	unsigned long n = 0;

	for (uint64_t k = 1;; k += step) {
		_cleanup_(outcome_done) struct outcome o = { 0 };

		reader_fault_rearm(&fault, k, err);
		o = run(threads);
		if (fault.n_failed == 0)
			break;
		n++;
		if (is_failure)
			check_failure(&o);
	}
	ck_assert_uint_ge(n * step, 500);
}

START_TEST(test_fault_none)
{
	_cleanup_(outcome_done) struct outcome o = { 0 };

	o = run(1);
	ck_assert_int_eq(o.check, 0);
	ck_assert_str_eq(o.report, "");
	ck_assert_uint_eq(o.unreadable, 0);
	/* what the tests below let fail is there at all (links are read by conversions only) */
	for (unsigned call = 0; call < READER__MAX; call++)
		if (call != READER_PREAD && call != READER_MEASURE_VERITY &&
		    call != READER_READ_LINK)
			ck_assert_msg(fault.n_call[call] > 0, "no %s",
				      reader_fault_call_name(call));
}
END_TEST

/* Opening: the error names the call that failed, and nothing is handed out. */
START_TEST(test_fault_open)
{
	struct reader_fault f;

	reader_fault_init(&f, ovl_reader_linux());
	for (uint64_t k = 1;; k++) {
		struct tree_stack t;
		int r;

		reader_fault_rearm(&f, k, -EIO);
		r = tree_open(&t, TREE_EVERY_LOWERS, TREE_EVERY_OPTIONS, &f.reader);
		ck_assert_int_eq(f.n_open, 0);
		if (f.n_failed == 0) {
			ck_assert_int_eq(r, 0);
			ck_assert_uint_gt(k, 3);
			tree_close(&t);
			break;
		}
		ck_assert_int_eq(r, -EIO);
		ck_assert_ptr_null(t.stack);
	}
}
END_TEST

START_TEST(test_fault_each_call)
{
	sweep(-EIO, 1, 1, true);
}
END_TEST

START_TEST(test_fault_each_call_threads)
{
	sweep(-EIO, 3, is_long() ? 1 : 11, true);
}
END_TEST

/* Errors that say nothing about the object, only that it could not be looked at. */
static const int failures[] = { EACCES, EMFILE, ENFILE, ENOSPC, EUCLEAN, EINTR, ETIMEDOUT, ENOMEM };

START_TEST(test_fault_failures)
{
	sweep(-failures[_i], 1, is_long() ? 1 : 61, true);
	if (is_long())
		sweep(-failures[_i], 3, 1, true);
}
END_TEST

/* Errors that are answers, but not those that the layers would give: anything may be found then. */
static const int answers[] = { ENOENT,     ENODATA, ENOTDIR, ELOOP,  EXDEV, ESTALE,
			       EOPNOTSUPP, EPERM,   ENXIO,   EINVAL, ERANGE };

START_TEST(test_fault_answers)
{
	sweep(-answers[_i], 1, is_long() ? 1 : 67, false);
	if (is_long())
		sweep(-answers[_i], 3, 1, false);
}
END_TEST

/* All calls of one kind fail, from the first on or from the n-th on. */
START_TEST(test_fault_kind)
{
	_cleanup_(outcome_done) struct outcome o = { 0 };

	fault.calls = 1u << _i;
	reader_fault_rearm(&fault, 0, -EIO);
	o = run(1 + (unsigned)_i % 3);
	if (fault.n_failed == 0)
		return; /* nobody asked */
	if (o.check == 0)
		ck_assert_uint_gt(o.unreadable, 0);
}
END_TEST

/* Names of which all calls fail, and all that is said then. */
static const struct {
	const char *name, *report;
} names[] = {
	{ "plain", "unreadable upper:/plain list xattrs\n"
		   "unreadable lower1:/plain list xattrs\n" },
	{ "file", "unreadable upper:/dir/file list xattrs\n"
		  "unreadable lower1:/dir/file list xattrs\n"
		  "unreadable lower2:/dir/file list xattrs\n"
		  "unreadable lower2:/was/file list xattrs\n"
		  "unreadable lower3:/dir/deep/er/file list xattrs\n"
		  "unreadable upper:/images/diff/file list xattrs\n" },
	{ "old", "unreadable upper:/old list xattrs\n"
		 "unreadable lower1:/old look it up\n" /* is there something? */
		 "unreadable lower2:/old list xattrs\n" },
	{ "er", "unreadable upper:/dir/deep/er list xattrs\n"
		"unreadable lower3:/dir/deep/er list xattrs\n" },
	{ "meta", "unreadable upper:/meta list xattrs\n"
		  "unreadable lower2:/meta list xattrs\n" },
	{ "moved", "unreadable upper:/moved list xattrs\n"
		   "unreadable lower1:/moved look it up\n"
		   "unreadable lower2:/moved list xattrs\n" },
	{ "second", "unreadable upper:/second list xattrs\n"
		    "unreadable lower2:/second list xattrs\n" },
	{ "#1", "unreadable work:/work/#1 read\n" },
};

/* Only place and what was tried, of which "Input/output error" is cut off; sorted. */
static char *without_cause(const char *report)
{
	static const char cause[] = ": Input/output error\n";
	struct ovl_buf b = { 0 };
	const char *at;

	for (; (at = strstr(report, cause)); report = at + strlen(cause)) {
		ck_assert_int_eq(ovl_buf_add(&b, report, (size_t)(at - report)), 0);
		ck_assert_int_eq(ovl_buf_addc(&b, '\n'), 0);
	}
	ck_assert_int_eq(ovl_buf_adds(&b, report), 0);
	return ovl_buf_take(&b);
}

static size_t n_lines(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += *text == '\n';
	return n;
}

/* Every line of one is a line of the other. */
static void check_same_lines(const char *found, const char *expected)
{
	for (const char *line = expected, *end; *line; line = end + 1) {
		_cleanup_free_ char *one = NULL;

		end = strchr(line, '\n');
		one = strndup(line, (size_t)(end - line + 1));
		ck_assert_msg(strstr(found, one), "\"%s\" is not in \"%s\"", one, found);
	}
	ck_assert_msg(n_lines(found) == n_lines(expected), "\"%s\" instead of \"%s\"", found,
		      expected);
}

START_TEST(test_fault_name)
{
	fault.name = names[_i].name;
	for (unsigned threads = 1; threads <= 3; threads += 2) {
		_cleanup_(outcome_done) struct outcome o = { 0 };
		_cleanup_free_ char *found = NULL;

		reader_fault_rearm(&fault, 0, -EIO);
		o = run(threads);
		ck_assert_int_eq(o.check, 0);
		found = without_cause(o.report);
		check_same_lines(found, names[_i].report);
		ck_assert_uint_eq(o.unreadable, n_lines(names[_i].report));
	}
}
END_TEST

/* stat() alone fails: the walk does not ask for it, but lookups of what is above do. */
START_TEST(test_fault_seen_by_lookup_only)
{
	_cleanup_(outcome_done) struct outcome o = { 0 };

	fault.calls = READER_BIT(STAT);
	fault.name = "first";
	reader_fault_rearm(&fault, 0, -EIO);
	o = run(1);
	ck_assert_int_eq(o.check, 0);
	ck_assert_str_eq(o.report, "unreadable lower2:/first read: Input/output error\n"
				   "unreadable lower3:/first look it up: Input/output error\n");
}
END_TEST

/* A file system that does not tell the types of entries: then they are looked at, that is all. */
START_TEST(test_fault_no_types)
{
	for (unsigned threads = 1; threads <= 3; threads += 2) {
		_cleanup_(outcome_done) struct outcome o = { 0 };

		fault.no_types = true;
		o = run(threads);
		ck_assert_int_eq(o.check, 0);
		ck_assert_str_eq(o.report, "layout-upper-no-dtype upper:/ "
					   "directory entries without type\n");
	}
}
END_TEST

static bool is_enough(void *ctx)
{
	unsigned long *left = ctx;

	return __atomic_load_n(left, __ATOMIC_RELAXED) == 0 ||
	       __atomic_sub_fetch(left, 1, __ATOMIC_RELAXED) == 0;
}

/* The caller loses patience at any moment: what was found so far is told, nothing leaks. */
START_TEST(test_fault_cancelled)
{
	for (unsigned long n = 1;; n++) {
		unsigned long left = n;
		const struct ovl_check_options options = { .threads = 1 + (unsigned)n % 3,
							   .cancelled = is_enough,
							   .ctx = &left };
		struct ovl_error e = OVL_ERROR_INIT;
		struct ovl_report *report = NULL;
		int r;

		r = ovl_check(tree.stack, &options, &report, &e);
		ck_assert_ptr_nonnull(report);
		ck_assert_int_eq(e.code, r);
		ovl_error_done(&e);
		ovl_report_free(report);
		ck_assert_int_eq(fault.n_open, (int64_t)tree.stack->cache.n_open);
		ck_assert_int_eq(fault.n_threads, 0);
		if (r == 0) {
			ck_assert_uint_gt(n, 30);
			break;
		}
		ck_assert_int_eq(r, -ECANCELED);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("check/fault");
	TCase *t = tcase_create("fault");

	if (!tree_works())
		return EXIT_SUCCESS;
	if (!tree_has_trusted() || !tree_has_handles()) {
		printf("1..0 # SKIP needs root, and file handles\n");
		return EXIT_SUCCESS;
	}
	tcase_set_timeout(t, 600);
	tcase_add_unchecked_fixture(t, tree_start, NULL);
	tcase_add_unchecked_fixture(t, tree_every, tree_stop);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, test_fault_none);
	tcase_add_test(t, test_fault_open);
	tcase_add_test(t, test_fault_each_call);
	tcase_add_test(t, test_fault_each_call_threads);
	tcase_add_loop_test(t, test_fault_failures, 0, ARRAY_LEN(failures));
	tcase_add_loop_test(t, test_fault_answers, 0, ARRAY_LEN(answers));
	tcase_add_loop_test(t, test_fault_kind, 0, READER__MAX);
	tcase_add_loop_test(t, test_fault_name, 0, ARRAY_LEN(names));
	tcase_add_test(t, test_fault_seen_by_lookup_only);
	tcase_add_test(t, test_fault_no_types);
	tcase_add_test(t, test_fault_cancelled);
	suite_add_tcase(s, t);
	return ovl_unit_main(s);
}
