#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The options that --help lists are those that fsck.overlay(8) describes.
set -eu
cd "${top_srcdir:-$(dirname "$0")/../..}"
. tests/lint/tap.sh
export LC_ALL=C
page=man/fsck.overlay.8

# Options in running text: a dash or two after a blank, bracket, bar, comma or at the beginning.
options() {
	tr '[]|,=(){}' '\n' | tr -s ' \t' '\n' | grep -xE -- '-[A-Za-z?]|--[a-z][a-z-]*' | sort -u
}
plain() {
	sed -e 's/\\-/-/g' -e 's/\\f[A-Z]//g' -e 's/\\&//g' -e 's/"/ /g'
}

help=$("${FSCK_OVERLAY:?}" --help </dev/null | options)
whole=$(plain <"$page" | options)
# What the page describes: the tags of .TP paragraphs.
tags=$(plain <"$page" | awk '
	tag && /^\./ { sub(/^\.[A-Z]+ */, "") }
	tag { print; tag = 0 }
	/^\.(TP|TQ)/ { tag = 1 }' | options)

tap_result "--help lists options" "$([ -n "$help" ] || echo none)"
tap_result "$page has all options of --help" "$(
	printf '%s\n' "$help" | while read -r option; do
		printf '%s\n' "$whole" | grep -qxF -- "$option" || echo "$option"
	done)"
tap_result "--help has all options that $page describes" "$(
	printf '%s\n' "$tags" | while read -r option; do
		[ -z "$option" ] || printf '%s\n' "$help" | grep -qxF -- "$option" || echo "$option"
	done)"
tap_end
