#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The completions of the shells know every option of the parser, and that of bash works.
set -eu
cd "${top_srcdir:-$(dirname "$0")/../..}"
# shellcheck source=tap.sh
. tests/lint/tap.sh
export LC_ALL=C

long=$(sed -n 's/^OPTION([^,]*, "\([a-z-]*\)".*/\1/p' fsck/options.def)
short=$(sed -n "s/^OPTION('\(.\)'.*/\1/p" fsck/options.def)

# lacks FILE LONG SHORT: options that are not in it; %s in the patterns is the name
lacks() {
	local option
	for option in $long; do
		# shellcheck disable=SC2059 # the patterns are ours
		grep -qE -e "$(printf "$2" "$option")" "$1" || echo "--$option"
	done
	for option in $short; do
		# shellcheck disable=SC2059
		grep -qE -e "$(printf "$3" "$option")" "$1" || echo "-$option"
	done
}

tap_result "there are options" "$([ -n "$long" ] && [ -n "$short" ] || echo none)"
tap_result "zsh knows all options" "$(lacks completions/_fsck.overlay \
	"['({,]--%s([]['=,}-])" "['({,)*]-%s([]['+,}[])")"
tap_result "fish knows all options" "$(lacks completions/fsck.overlay.fish ' -l %s ' ' -s %s ')"

features=$(printf '#define FEATURE(NAME, WORD, ...) WORD\n#include "overlayfs/features.def"\n' |
	${CC:-cc} -E -P -Iinclude -x c - | tr -d '" ')
tap_result "the shells know all features" "$(
	for feature in $features; do
		for file in completions/fsck.overlay completions/_fsck.overlay completions/fsck.overlay.fish; do
			grep -qE "\^$feature([^a-z_]|\$)" "$file" || echo "$file: ^$feature"
		done
	done)"
tap_result "the manual page knows all features, and when they came" "$(
	printf '#define FEATURE(NAME, WORD, MAJOR, MINOR, ...) WORD MAJOR.MINOR@\n#include "overlayfs/features.def"\n' |
		${CC:-cc} -E -P -Iinclude -x c - | tr '@' '\n' | tr -d '" ' | sed -E 's/([a-z])([0-9])/\1\t\2/' |
		while read -r line; do
			[ -z "$line" ] || grep -qF -e "$line$(printf '\t')" man/fsck.overlay.8 || echo "$line"
		done)"

# What bash would offer after LINE.
compopt() { :; }
fsck.overlay() { "${FSCK_OVERLAY:?}" "$@" </dev/null; }
. completions/fsck.overlay
offers() {
	COMP_LINE=$1 COMP_POINT=${#1}
	# Words as readline splits them.
	mapfile -t COMP_WORDS < <(printf '%s' "$1" | sed 's/[=:][=:]*/\n&\n/g; s/ /\n/g')
	case $1 in *[\ =:]) ;; *) COMP_WORDS+=("") && unset 'COMP_WORDS[-1]' ;; esac
	case $1 in *' ') COMP_WORDS+=("") ;; esac
	COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
	_fsck_overlay
	printf '%s\n' "${COMPREPLY[@]}"
}
tap_result "bash knows all options" "$(
	all=$(offers "fsck.overlay -")
	for option in $long; do grep -qE -e "^--$option=?$" <<<"$all" || echo "--$option"; done
	for option in $short; do grep -qxF -e "-$option" <<<"$all" || echo "-$option"; done)"

# works LINE OFFER
works() {
	tap_result "bash, after '$1'" "$(offers "$1" | grep -qxF -e "$2" || {
		echo "no $2 in:"
		offers "$1"
	})"
}
works "fsck.overlay --col" --color=
works "fsck.overlay -n --color=a" always
works "fsck.overlay --explain=meta-no" meta-no-lowerdata
works "fsck.overlay -n -E " trust-lower
works "fsck.overlay -n -E trust-lower,lo" "trust-lower,lower=auto"
works "fsck.overlay -n -E accept-loss,lay" "accept-loss,layers=all"
works "fsck.overlay -n --to=4.1" 4.14
works "fsck.overlay -n -O ^met" ^metacopy
works "fsck.overlay -n -O ^index,^met" "^index,^metacopy"
works "fsck.overlay -n -o low" lowerdir=
works "fsck.overlay -n -o lowerdir=li" lib
works "fsck.overlay -n lowerdir=lib:te" tests
works "fsck.overlay -n -o lowerdir=lib,up" lib,upperdir=
works "fsck.overlay -n te" tests
tap_end
