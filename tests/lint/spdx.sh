#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The first line of every file names the licence, the second one where the first is "#!".
set -eu
cd "${top_srcdir:-$(dirname "$0")/../..}"
. tests/lint/tap.sh

# licensed LINE FILE...: complains about files without this very line
licensed() {
	line=$1
	shift
	for file; do
		[ -f "$file" ] || continue
		first=$(sed -n -e '1{/^#!/!p}' -e '1{/^#!/{n;p}}' -e q "$file")
		[ "$first" = "$line" ] || echo "$file"
	done
}

id='SPDX-License-Identifier: GPL-2.0-or-later'
files() {
	find include lib fsck boot man tests -type f -name "$1"
}

# shellcheck disable=SC2046 # names without blanks
{
tap_result "C sources" "$(licensed "/* $id */" $(files '*.[ch]') $(files '*.def'))"
tap_result "scripts and cases" "$(licensed "# $id" $(files '*.sh') $(files '*.case') autogen.sh demo/run.sh tests/run .ci/run)"
tap_result "completions" "$(
	licensed "# $id" completions/fsck.overlay completions/*.fish
	sed 1d completions/_fsck.overlay | head -n 1 | grep -qxF "# $id" || echo completions/_fsck.overlay)"
tap_result "build files" "$(
	licensed "# $id" Makefile.am $(files '*.am') m4/ovl_*.m4 .clang-format .editorconfig
	licensed "dnl $id" configure.ac)"
tap_result "manual pages" "$(licensed ".\\\" $id" man/*.[0-9])"
}
tap_result "the licence itself" "$(grep -q 'GNU GENERAL PUBLIC LICENSE' COPYING || echo COPYING)"
tap_end
