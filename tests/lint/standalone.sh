#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The project stands alone: no file points to a place outside of it that only one machine has.
set -eu
cd "${top_srcdir:-$(dirname "$0")/../..}"
. tests/lint/tap.sh

# shellcheck disable=SC2086 # words are meant to be split
tap_result "no reference to a developer's machine" "$(
	grep -rnIE '\.\./share[d]|(^|[^]A-Za-z0-9_.})"-])/wor[k]/(main|share[d]|issue|\.library)|/tmp/bash_job[s]|/hom[e]/' \
		$all_files m4/ovl_* --exclude='*.log' --exclude='*.trs' || :)"
tap_result "no absolute path of an include" "$(
	grep -rnE '#[[:space:]]*include ["<]/' include lib fsck boot man tests --include='*.[ch]' || :)"
tap_end
