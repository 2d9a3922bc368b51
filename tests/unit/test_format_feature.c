/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "format/feature.h"
#include "tools/tool.h"
#include "unit/unit.h"

static const struct ovl_kernel running = { 0, 0 };

/* ---- Words ---- */

static const struct {
	const char *text;
	unsigned major, minor;
} kernels[] = {
	{ "3.18", 3, 18 },
	{ "3.19", 3, 19 },
	{ "4.0", 4, 0 },
	{ "4.14", 4, 14 },
	{ "v6.1", 6, 1 },
	{ "4.14.336", 4, 14 },
	{ "5.10.0-8-amd64", 5, 10 },
	{ "6.1.0-56-cloud-amd64", 6, 1 },
	{ "5.15-rc3", 5, 15 },
	{ "6.6+", 6, 6 },
	{ "4.18.0_x", 4, 18 },
	{ "5.4~bpo10", 5, 4 },
	{ "04.014", 4, 14 },
	{ "999.999", 999, 999 },
};

START_TEST(test_feature_kernel)
{
	struct ovl_kernel kernel = { 0 };
	_cleanup_(ovl_error_done) struct ovl_error e = OVL_ERROR_INIT;
	int r = ovl_kernel_parse(kernels[_i].text, &kernel, &e);

	ck_assert_msg(r == 0, "%s: %s", kernels[_i].text, e.text);
	ck_assert_uint_eq(kernel.major, kernels[_i].major);
	ck_assert_uint_eq(kernel.minor, kernels[_i].minor);
}
END_TEST

static const char *const no_kernels[] = {
	"",       "4",
	"4.",     "v",
	".4",     "vv4.14",
	"4.14x",  "4.x",
	"x",      "3.17",
	"2.6",    "0.0",
	"-4.1",   "4.-14",
	"4 .1",   " 4.14",
	"4.14 ",  "1000.0",
	"4.1000", "4.99999999999999999999",
	"4,14",   "4:14",
	"next",   "0",
	"+4.1",   "99999999999999999999.1",
};

/* What is refused is named, with all versions that brought something, and nothing is written. */
START_TEST(test_feature_no_kernel)
{
	struct ovl_kernel kernel = { 7, 7 };
	_cleanup_(ovl_error_done) struct ovl_error e = OVL_ERROR_INIT;
	_cleanup_free_ char *begin = ovl_tool_format(
		"--to=%s: must be a version of Linux from 3.18 on, such as 4.14; "
		"these brought something: 3.18, 4.0, 4.10, 4.12, 4.13, 4.16, 4.19, ",
		no_kernels[_i]);

	ck_assert_int_eq(ovl_kernel_parse(no_kernels[_i], &kernel, &e), -EINVAL);
	ck_assert_msg(strncmp(e.text, begin, strlen(begin)) == 0, "%s", e.text);
	ck_assert_uint_eq(kernel.major, 7);
	ck_assert_uint_eq(kernel.minor, 7);
}
END_TEST

static const struct {
	const char *text;
	ovl_features dropped;
} dropped[] = {
	{ "^casefold", OVL_FBIT(CASEFOLD) },
	{ "^metacopy", OVL_FBIT(METACOPY) | OVL_FBIT(DATA_ONLY) },
	{ "^redirect_dir", OVL_FBIT(REDIRECT_DIR) | OVL_FBIT(METACOPY) | OVL_FBIT(DATA_ONLY) },
	{ "^nfs_export", OVL_FBIT(NFS_EXPORT) },
	{ "^index", OVL_FBIT(INDEX) | OVL_FBIT(NFS_EXPORT) },
	{ "^origin", OVL_FBIT(ORIGIN) | OVL_FBIT(INDEX) | OVL_FBIT(NFS_EXPORT) },
	{ "^metacopy,^index",
	  OVL_FBIT(METACOPY) | OVL_FBIT(DATA_ONLY) | OVL_FBIT(INDEX) | OVL_FBIT(NFS_EXPORT) },
	{ "^metacopy,^metacopy", OVL_FBIT(METACOPY) | OVL_FBIT(DATA_ONLY) },
};

START_TEST(test_feature_drop)
{
	_cleanup_(ovl_error_done) struct ovl_error e = OVL_ERROR_INIT;
	ovl_features features = 0;

	ck_assert_int_eq(ovl_features_parse(dropped[_i].text, &features, &e), 0);
	ck_assert_uint_eq(features, dropped[_i].dropped);
}
END_TEST

static const struct {
	const char *text, *why;
} no_features[] = {
	{ "metacopy", "-O metacopy: features can only be dropped: ^lower_layers, ^redirect_dir, " },
	{ "", "-O : features can only be dropped: ^lower_layers, " },
	{ "^metacopy,", "-O : features can only be dropped: " },
	{ ",^metacopy", "-O : features can only be dropped: " },
	{ "^metacopy,index", "-O index: features can only be dropped: " },
	{ "^", "-O ^: no such feature; there are ^lower_layers, ^redirect_dir, " },
	{ "^metacop", "-O ^metacop: no such feature; there are " },
	{ "^metacopyy", "-O ^metacopyy: no such feature; there are " },
	{ "^METACOPY", "-O ^METACOPY: no such feature; there are " },
	{ "^^metacopy", "-O ^^metacopy: no such feature; there are " },
	{ "^metacopy, ^index", "-O  ^index: features can only be dropped: " },
};

START_TEST(test_feature_no_feature)
{
	_cleanup_(ovl_error_done) struct ovl_error e = OVL_ERROR_INIT;
	ovl_features features = 7;
	const char *why = no_features[_i].why;

	ck_assert_int_eq(ovl_features_parse(no_features[_i].text, &features, &e), -EINVAL);
	ck_assert_msg(strncmp(e.text, why, strlen(why)) == 0, "%s", e.text);
	ck_assert_uint_eq(features, 7);
	for (unsigned i = 0; i < OVL_F__MAX; i++)
		ck_assert_ptr_nonnull(strstr(e.text, ovl_feature_word((enum ovl_feature)i)));
}
END_TEST

/* Each feature is known from the version of its row on, and needs older ones only. */
START_TEST(test_feature_rows)
{
	for (unsigned i = 0; i < OVL_F__MAX; i++) {
		const struct ovl_feature_row *row = ovl_feature_row((enum ovl_feature)i);
		struct ovl_kernel before = row->since;
		ovl_features bit = (ovl_features)1 << i;

		if (before.minor-- == 0)
			before = (struct ovl_kernel){ row->since.major - 1, 999 };
		ck_assert_uint_eq(ovl_features_known(row->since) & bit, bit);
		ck_assert_uint_eq(ovl_features_known(before) & bit, 0);
		ck_assert_uint_eq(row->needs & ~ovl_features_known(row->since), 0);
		ck_assert_uint_gt(strlen(ovl_feature_effect((enum ovl_feature)i)), 0);
		ck_assert(i == 0 ||
			  !ovl_kernel_before(
				  row->since,
				  ovl_feature_row((enum ovl_feature)(i - 1))->since.major,
				  ovl_feature_row((enum ovl_feature)(i - 1))->since.minor));
	}
	ck_assert_uint_eq(ovl_features_known(running), ((ovl_features)1 << OVL_F__MAX) - 1);
	ck_assert_uint_eq(ovl_features_known((struct ovl_kernel){ 3, 18 }), 0);
}
END_TEST

/* ---- Profiles ---- */

static struct ovl_config config;

static void parse_options(const char *options)
{
	_cleanup_(ovl_error_done) struct ovl_error e = OVL_ERROR_INIT;
	_cleanup_free_ char *all = ovl_tool_format("lowerdir=/l,upperdir=/u,workdir=/w%s%s",
						   *options ? "," : "", options);

	config = (struct ovl_config){ 0 };
	ck_assert_msg(ovl_config_parse(&config, all, &e) == 0, "%s: %s", options, e.text);
}

#define R OVL_FBIT(REDIRECT_DIR)
#define I OVL_FBIT(INDEX)
#define N OVL_FBIT(NFS_EXPORT)
#define M OVL_FBIT(METACOPY)
#define OPTIONAL (R | I | N | M)

static const struct {
	const char *kernel, *options;
	ovl_features on; /* of the optional ones */
} profiles[] = {
	{ "4.14", "", 0 },
	{ "6.18", "", 0 },
	{ "4.9", "redirect_dir=on,index=on,metacopy=on", 0 },
	{ "4.10", "redirect_dir=on", R },
	{ "4.12", "index=on", 0 },
	{ "4.13", "index=on", I },
	{ "4.15", "nfs_export=on", I },
	{ "4.16", "nfs_export=on", I | N },
	{ "4.18", "redirect_dir=on,metacopy=on", R },
	{ "4.19", "redirect_dir=on,metacopy=on", R | M },
	{ "4.19", "metacopy=on", R | M },
	{ "6.1", "redirect_dir=follow", R },
	{ "6.1", "redirect_dir=off", 0 },
	{ "6.1", "redirect_dir=nofollow", 0 },
	{ "6.1", "index=on,xino=on", I },
	{ "6.1", "index=off,metacopy=off", 0 },
};

START_TEST(test_profile_kernel)
{
	struct ovl_profile p = { 0 };
	_cleanup_(ovl_error_done) struct ovl_error e = OVL_ERROR_INIT;
	struct ovl_kernel kernel;

	ck_assert_int_eq(ovl_kernel_parse(profiles[_i].kernel, &kernel, &e), 0);
	parse_options(profiles[_i].options);
	ovl_profile_for_kernel(&p, kernel, &config);
	ovl_config_done(&config);
	ck_assert(p.active);
	ck_assert_uint_eq(p.known, ovl_features_known(kernel));
	ck_assert_uint_eq(p.on & ~p.known, 0);
	ck_assert_uint_eq(p.on & OPTIONAL, profiles[_i].on);
	/* all that is not optional is in force where it is known, but for what needs metacopy */
	ck_assert_uint_eq(p.known & ~p.on & ~OPTIONAL & ~OVL_FBIT(DATA_ONLY), 0);
}
END_TEST

START_TEST(test_profile_data_layers)
{
	struct ovl_profile p = { 0 };
	_cleanup_(ovl_error_done) struct ovl_error e = OVL_ERROR_INIT;
	struct ovl_config c = { 0 };

	ck_assert_int_eq(ovl_config_parse(&c, "lowerdir=/l::/d", &e), 0);
	ovl_profile_for_kernel(&p, (struct ovl_kernel){ 6, 15 }, &c);
	ck_assert_uint_eq(p.on & OVL_FBIT(DATA_ONLY), 0);
	ovl_profile_for_kernel(&p, (struct ovl_kernel){ 6, 16 }, &c);
	ck_assert_uint_ne(p.on & OVL_FBIT(DATA_ONLY), 0);
	c.metacopy = OVL_ON;
	ovl_profile_for_kernel(&p, (struct ovl_kernel){ 6, 5 }, &c);
	ck_assert_uint_ne(p.on & OVL_FBIT(DATA_ONLY), 0);
	ovl_profile_for_kernel(&p, (struct ovl_kernel){ 6, 4 }, &c);
	ck_assert_uint_eq(p.on & OVL_FBIT(DATA_ONLY), 0);
	ovl_config_done(&c);
}
END_TEST

/* -O alone keeps all others, known or asked for or not; after --to it takes away more. */
START_TEST(test_profile_drop)
{
	struct ovl_profile p = { 0 };

	ovl_profile_drop(&p, I);
	ck_assert(p.active);
	ck_assert_uint_eq(p.kernel.major, 0);
	ck_assert_uint_eq(p.on, ovl_features_known(running) & ~(I | N));
	ovl_profile_drop(&p, R);
	ck_assert_uint_eq(p.on, ovl_features_known(running) & ~(OPTIONAL | OVL_FBIT(DATA_ONLY)));

	parse_options("metacopy=on,index=on");
	p = (struct ovl_profile){ 0 };
	ovl_profile_for_kernel(&p, (struct ovl_kernel){ 5, 10 }, &config);
	ovl_profile_drop(&p, M);
	ovl_config_done(&config);
	ck_assert_uint_eq(p.on & OPTIONAL, R | I);
	ck_assert_uint_eq(p.kernel.major, 5);
}
END_TEST

static const struct {
	const char *kernel, *options;
	bool keeps; /* the index */
} fits[] = {
	{ "5.10", "index=on", true },
	{ "5.10", "index=on,uuid=off", false },
	{ "5.11", "index=on,uuid=off", true },
	{ "5.10", "index=on,userxattr", false },
	{ "5.11", "index=on,userxattr", true },
	{ "6.4", "index=on,metacopy=on,datadir+=/d", false },
	{ "6.5", "index=on,metacopy=on,datadir+=/d", true },
	{ "6.15", "index=on,datadir+=/d", false },
	{ "6.16", "index=on,datadir+=/d", true },
};

START_TEST(test_profile_fit)
{
	struct ovl_profile p = { 0 };
	_cleanup_(ovl_error_done) struct ovl_error e = OVL_ERROR_INIT;
	struct ovl_kernel kernel;

	ck_assert_int_eq(ovl_kernel_parse(fits[_i].kernel, &kernel, &e), 0);
	config = (struct ovl_config){ 0 };
	ck_assert_msg(ovl_config_parse(&config, "lowerdir+=/l,upperdir=/u,workdir=/w", &e) == 0 &&
			      ovl_config_parse(&config, fits[_i].options, &e) == 0,
		      "%s", e.text);
	ovl_profile_for_kernel(&p, kernel, &config);
	ck_assert_uint_ne(p.on & I, 0);
	ovl_profile_fit(&p, &config);
	ck_assert_int_eq((p.on & I) != 0, fits[_i].keeps);
	ovl_config_done(&config);
}
END_TEST

/* ---- Options ---- */

#define LAYERS "lowerdir=/l,upperdir=/u,workdir=/w"

/* As they are resolved when all features were in force, and what they become. */
#define ALL "redirect_dir=on,index=on,uuid=auto,nfs_export=off,xino=off,metacopy=on,verity=off"

static const struct {
	const char *kernel, *given, *now, *rendered;
} rendered[] = {
	{ "3.18", "", ALL, LAYERS },
	{ "4.9", "redirect_dir=on", ALL, LAYERS },
	{ "4.10", "", ALL, LAYERS ",redirect_dir=off" },
	{ "4.10", "redirect_dir=on", ALL, LAYERS ",redirect_dir=on" },
	{ "4.13", "", ALL, LAYERS ",redirect_dir=off,index=off" },
	{ "4.13", "index=on", ALL, LAYERS ",redirect_dir=off,index=on" },
	{ "4.15", "", ALL, LAYERS ",redirect_dir=off,index=off" },
	{ "4.15", "", "redirect_dir=nofollow,index=off",
	  LAYERS ",redirect_dir=nofollow,index=off" },
	{ "4.16", "", ALL, LAYERS ",redirect_dir=off,index=off,nfs_export=off" },
	{ "4.18", "", ALL, LAYERS ",redirect_dir=off,index=off,nfs_export=off,xino=off" },
	{ "4.19", "", ALL,
	  LAYERS ",redirect_dir=nofollow,index=off,nfs_export=off,xino=off,metacopy=off" },
	{ "4.19", "metacopy=on", ALL,
	  LAYERS ",redirect_dir=on,index=off,nfs_export=off,xino=off,metacopy=on" },
	{ "6.1", "", ALL ",volatile",
	  LAYERS ",redirect_dir=nofollow,index=off,nfs_export=off,xino=off,metacopy=off,volatile" },
	{ "5.9", "", ALL ",volatile",
	  LAYERS ",redirect_dir=nofollow,index=off,nfs_export=off,xino=off,metacopy=off" },
	{ "5.10", "", "redirect_dir=nofollow,index=off,metacopy=off,uuid=off",
	  LAYERS ",redirect_dir=nofollow,index=off,nfs_export=off,metacopy=off" },
	{ "5.11", "", "redirect_dir=nofollow,index=off,metacopy=off,uuid=off",
	  LAYERS ",redirect_dir=nofollow,index=off,uuid=off,nfs_export=off,metacopy=off" },
	{ "6.6", "", ALL,
	  LAYERS ",redirect_dir=nofollow,index=off,uuid=auto,nfs_export=off,xino=off,metacopy=off,"
		 "verity=off" },
};

/* Nothing that the target would refuse, and what it would choose by itself spelt out. */
START_TEST(test_profile_render)
{
	struct ovl_profile p = { 0 };
	_cleanup_(ovl_error_done) struct ovl_error e = OVL_ERROR_INIT;
	struct ovl_kernel kernel;
	char *text;

	ck_assert_int_eq(ovl_kernel_parse(rendered[_i].kernel, &kernel, &e), 0);
	parse_options(rendered[_i].given);
	ovl_profile_for_kernel(&p, kernel, &config);
	ovl_config_done(&config);
	parse_options(rendered[_i].now);
	text = ovl_profile_render(&p, &config);
	ck_assert_str_eq(text, rendered[_i].rendered);
	free(text);
	ovl_config_done(&config);
}
END_TEST

START_TEST(test_profile_config)
{
	struct ovl_profile p = { 0 };
	struct ovl_config now, there;
	_cleanup_(ovl_error_done) struct ovl_error e = OVL_ERROR_INIT;

	now = (struct ovl_config){ 0 };
	ck_assert_int_eq(ovl_config_parse(&now, "lowerdir=/l::/d,userxattr,volatile", &e), 0);
	ovl_profile_for_kernel(&p, (struct ovl_kernel){ 5, 9 }, &now);
	there = ovl_profile_config(&p, &now);
	ck_assert(!there.userxattr);
	ck_assert(!there.is_volatile);
	ck_assert_uint_eq(there.n_data, 0);
	ck_assert_uint_eq(there.n_lower, 1);
	ck_assert_int_eq(there.redirect_dir, OVL_REDIRECT_NOFOLLOW);
	ovl_profile_for_kernel(&p, (struct ovl_kernel){ 6, 18 }, &now);
	there = ovl_profile_config(&p, &now);
	ck_assert(there.userxattr);
	ck_assert(there.is_volatile);
	ck_assert_uint_eq(there.n_data, 1);
	ovl_config_done(&now);
}
END_TEST

#define N_OF(array) (int)(sizeof(array) / sizeof((array)[0]))

int main(void)
{
	Suite *s = suite_create("format/feature");
	TCase *t = tcase_create("feature");

	tcase_add_loop_test(t, test_feature_kernel, 0, N_OF(kernels));
	tcase_add_loop_test(t, test_feature_no_kernel, 0, N_OF(no_kernels));
	tcase_add_loop_test(t, test_feature_drop, 0, N_OF(dropped));
	tcase_add_loop_test(t, test_feature_no_feature, 0, N_OF(no_features));
	tcase_add_test(t, test_feature_rows);
	tcase_add_loop_test(t, test_profile_kernel, 0, N_OF(profiles));
	tcase_add_test(t, test_profile_data_layers);
	tcase_add_test(t, test_profile_drop);
	tcase_add_loop_test(t, test_profile_fit, 0, N_OF(fits));
	tcase_add_loop_test(t, test_profile_render, 0, N_OF(rendered));
	tcase_add_test(t, test_profile_config);
	suite_add_tcase(s, t);
	return ovl_unit_main(s);
}
