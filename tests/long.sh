#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# `make check-long`: runs in the folder of a build. See tests/Makemodule.am.
set -u
src=${top_srcdir:?}
make=${MAKE:-make}
failed=0
logs=
rm -rf long
mkdir long

say() {
	printf '%s\n' "--- $*"
}

# keep NAME FOLDER: the results of a run, away from the next one; none at all is a failure
keep() {
	logs="$logs long/$1.log"
	[ ! -e "$2/test-suite.log" ] || cp "$2/test-suite.log" "long/$1.log"
}

if [ -n "${LONG_TESTS:-}" ]; then
	say "long tests"
	rm -f test-suite.log
	$make check "TESTS=$LONG_TESTS" OVL_LONG=1 TEST_TIMEOUT=7200 >long/long.out 2>&1
	keep long .
fi

if command -v valgrind >/dev/null; then
	say "cases under valgrind"
	cat >long/fsck.overlay <<-EOF
		#!/bin/sh
		exec valgrind -q --error-exitcode=99 --leak-check=full '$PWD/fsck/fsck.overlay' "\$@"
	EOF
	chmod +x long/fsck.overlay
	rm -f test-suite.log
	$make check TESTS=tests/cases/run.sh "FSCK_UNDER_TEST=$PWD/long/fsck.overlay" \
		TEST_TIMEOUT=7200 >long/valgrind.out 2>&1
	keep valgrind .
fi

say "all tests, sanitizers"
if sh "$src/tests/build.sh" long/sanitizers CC="${SANITIZER_CC:-clang}" --enable-sanitizers --enable-werror; then
	# A test process takes many times its memory and time there.
	$make -C long/sanitizers check TEST_TIMEOUT=3600 >long/sanitizers.out 2>&1
	keep sanitizers long/sanitizers
else
	failed=$((failed + 1))
fi

say "fuzz targets, ${FUZZ_SECONDS:-60} s each"
if sh "$src/tests/build.sh" long/fuzzing CC=clang --enable-fuzzing --enable-werror; then
	$make -C long/fuzzing fuzz "FUZZ_SECONDS=${FUZZ_SECONDS:-60}" || failed=$((failed + 1))
else
	failed=$((failed + 1))
fi

say "results"
# shellcheck disable=SC2086 # names without blanks
sh "$src/tests/results.sh" --failed "$failed" $logs
