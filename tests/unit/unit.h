/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * main() of a unit test program: runs a suite of libcheck and prints TAP.
 */
#ifndef TESTS_UNIT_UNIT_H
#define TESTS_UNIT_UNIT_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

/**
 * ovl_unit_main - run a suite, one line of TAP a test on stdout
 * @suite: taken
 *
 * Each test runs in a process of its own, so that a crash or a time-out is the failure of that
 * test alone; CK_FORK=no in the environment keeps them in this process, for a debugger. Runs
 * only one case or suite with CK_RUN_CASE or CK_RUN_SUITE. A run of no test at all has failed.
 *
 * Returns what main() should return: EXIT_SUCCESS, or EXIT_FAILURE if any test failed.
 */
static inline int ovl_unit_main(Suite *suite)
{
	SRunner *runner = srunner_create(suite);
	int ran, failed;

	/* What is still in the buffer when a test forks would be printed twice. */
	setvbuf(stdout, NULL, _IOLBF, 0);
	srunner_set_tap(runner, "-");
	srunner_run_all(runner, CK_SILENT);
	ran = srunner_ntests_run(runner);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return ran > 0 && failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#endif
