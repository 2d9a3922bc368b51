#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# What the objects of the library tell: exported names begin with ovl_, and nothing can be written
# to that all threads share.
set -eu
cd "${top_builddir:?is the folder of a build}"
. "${top_srcdir:?}/tests/lint/tap.sh"
archive=.libs/liboverlay.a

if ! command -v nm >/dev/null || ! command -v objdump >/dev/null; then
	tap_skip "exported names" "no binutils"
elif nm "$archive" 2>/dev/null | grep -q '__[au][bs]san_'; then
	tap_skip "exported names" "the sanitizers add names and data of their own"
else
	tap_result "exported names begin with ovl_" "$(
		nm -A --defined-only --extern-only "$archive" | awk '$NF !~ /^ovl_/')"
	tap_result "no mutable globals" "$(
		objdump -t "$archive" | awk '
		/:     file format/ { object = $1 }
		$(NF - 2) ~ /^\.(data|bss|tbss|tdata)$/ && $(NF - 1) !~ /^0+$/ { print object " " $NF }
		$(NF - 2) == "*COM*" { print object " " $NF }')"
fi
tap_end
