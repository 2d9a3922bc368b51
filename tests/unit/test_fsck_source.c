/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <unistd.h>

#include "unit/unit.h"

#include "../../fsck/source.c"

static char fstab[] = "/tmp/test_fsck_source.XXXXXX"; /* an empty file */

static void setup(void)
{
	int fd = mkstemp(fstab);

	ck_assert_int_ge(fd, 0);
	close(fd);
}

static void teardown(void)
{
	unlink(fstab);
}

/* Resolves words (ending with NULL) and operands (likewise). */
static int resolve(const char *const *words, const char *const *operands, struct ovl_source *ret,
		   struct ovl_error *e)
{
	struct ovl_options o = {
		.word = (const char **)words,
		.operand = (const char **)operands,
		.fstab = fstab,
	};

	while (words[o.n_word])
		o.n_word++;
	while (operands[o.n_operand])
		o.n_operand++;
	*e = (struct ovl_error)OVL_ERROR_INIT;
	return ovl_source_resolve(&o, ret, e);
}

#define LIST(...) ((const char *const[]){ __VA_ARGS__ __VA_OPT__(, ) NULL })

static void assert_refused(const char *const *words, const char *const *operands, int error,
			   const char *why)
{
	struct ovl_source s = { .label = (char *)"untouched" };
	struct ovl_error e;

	ck_assert_int_eq(resolve(words, operands, &s, &e), error);
	ck_assert_msg(strstr(e.text, why) != NULL, "%s", e.text);
	ck_assert_str_eq(s.label, "untouched");
	ovl_error_done(&e);
}

START_TEST(test_source_refused)
{
	assert_refused(LIST(), LIST(), -EINVAL, "which overlay?");
	assert_refused(LIST(), LIST(""), -EINVAL, "empty operand");
	assert_refused(LIST(), LIST("/a", "/b"), -EINVAL, "'/a' and '/b'");
	assert_refused(LIST(), LIST("lowerdir=/a", "upperdir=/b"), -EINVAL,
		       "one overlay at a time");
	assert_refused(LIST("lowerdir=/a:/b"), LIST("/m"), -EINVAL, "layers are given with -o");
	assert_refused(LIST("upperdir=/a"), LIST("/m"), -EINVAL, "layers are given with -o");
	assert_refused(LIST("index=on"), LIST(), -EINVAL, "lowerdir= is missing");
	assert_refused(LIST("lowerdir=/a:/b", "index=maybe"), LIST(), -EINVAL, "index");
	assert_refused(LIST("lowerdir="), LIST(), -EINVAL, "lowerdir");
	assert_refused(LIST("index=maybe"), LIST("/m"), -EINVAL, "index");
}
END_TEST

START_TEST(test_source_no_overlay)
{
	assert_refused(LIST(), LIST("/proc/self/no/such/place"), -ENOENT,
		       "/proc/self/no/such/place");
	/* Though it has a '=', it is a path. */
	assert_refused(LIST(), LIST("/proc/self/lowerdir=x"), -ENOENT, "/proc/self/lowerdir=x");
	assert_refused(LIST(), LIST("./lowerdir=x"), -ENOENT, "lowerdir=x");
}
END_TEST

static void assert_layers(const char *const *words, const char *const *operands)
{
	struct ovl_source s = { 0 };
	struct ovl_error e;

	ck_assert_int_eq(resolve(words, operands, &s, &e), 0);
	ck_assert_int_eq(s.kind, OVL_SOURCE_OPTIONS);
	ck_assert_str_eq(s.config.upper, "/u");
	ck_assert_str_eq(s.config.work, "/w");
	ck_assert_uint_eq(s.config.n_lower, 2);
	ck_assert_str_eq(s.config.lower[0], "/a");
	ck_assert_str_eq(s.config.lower[1], "/b,c");
	ck_assert_int_eq(s.config.index, OVL_ON);
	ck_assert_str_eq(s.label, "/u");
	ovl_source_done(&s);
	ovl_error_done(&e);
}

START_TEST(test_source_forms)
{
	assert_layers(LIST("lowerdir=/a:/b\\,c,upperdir=/u,workdir=/w,index=on"), LIST());
	assert_layers(LIST("lowerdir=/a:/b\\,c", "upperdir=/u", "workdir=/w", "index=on"), LIST());
	assert_layers(LIST(), LIST("lowerdir=/a:/b\\,c,upperdir=/u,workdir=/w,index=on"));
	/* What is said with -o wins, wherever it stands. */
	assert_layers(LIST("index=on"),
		      LIST("index=off,lowerdir=/a:/b\\,c,upperdir=/u,workdir=/w"));
}
END_TEST

START_TEST(test_source_label_without_upper)
{
	struct ovl_source s = { 0 };
	struct ovl_error e;

	ck_assert_int_eq(resolve(LIST("lowerdir=/a:/b"), LIST(), &s, &e), 0);
	ck_assert_ptr_null(s.config.upper);
	ck_assert_str_eq(s.label, "/a");
	ovl_source_done(&s);
	ck_assert_ptr_null(s.label);
	ovl_source_done(NULL);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("fsck/source");
	TCase *t = tcase_create("source");

	tcase_add_unchecked_fixture(t, setup, teardown);
	tcase_add_test(t, test_source_refused);
	tcase_add_test(t, test_source_no_overlay);
	tcase_add_test(t, test_source_forms);
	tcase_add_test(t, test_source_label_without_upper);
	suite_add_tcase(s, t);
	return ovl_unit_main(s);
}
