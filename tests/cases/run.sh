#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Runs the cases on real overlays: run.sh [-j JOBS] [-d DIR] [-v] [CASE...]
#
#	CASE   names of cases, with or without .case; default: all
#	-j     how many at a time (default: one a processor)
#	-d     directory of the cases (default: the one of this script)
#	-v     also show what the program printed, for each case
#
# What a case is and what is checked stands in lib.sh. One line of TAP for each case.
# KIT_FS=ext4 (xfs, btrfs, tmpfs) runs the cases that do not say otherwise on that file system.

case $0 in
*/*) here=${0%/*} ;;
*) here=. ;;
esac
# shellcheck source=../e2e/kit.sh
. "$here/../e2e/kit.sh"

# One case, in the process that the loop below starts: run.sh --one CASE DIR OUT
if [ "${1:-}" = --one ]; then
	# shellcheck source=lib.sh
	. "$here/lib.sh"
	CASE=$2 OUT=$4
	mkdir "$OUT"
	run_case "$3/$CASE.case" 2>>"$OUT/log"
	exit 0
fi

usage() {
	printf 'usage: %s [-j JOBS] [-d DIR] [-v] [CASE...]\n' "$0" >&2
	exit 16
}

all_args=("$@")
jobs=$(nproc)
cases=
verbose=
while getopts j:d:v opt; do
	case $opt in
	j) jobs=$OPTARG ;;
	d) cases=$(cd "$OPTARG" && pwd) || usage ;;
	v) verbose=yes ;;
	*) usage ;;
	esac
done
shift $((OPTIND - 1))

here=$(cd "$here" && pwd)
cases=${cases:-$here}
kit_start "${all_args[@]}"
command -v setfattr >/dev/null || kit_skip_all "needs setfattr (package attr)"

names=()
if [ $# -gt 0 ]; then
	for name; do
		name=$(basename "$name" .case)
		[ -f "$cases/$name.case" ] || kit_broken "no case $cases/$name.case"
		names+=("$name")
	done
else
	for file in "$cases"/*.case; do names+=("$(basename "$file" .case)"); done
fi
[ -f "$cases/${names[0]}.case" ] || kit_broken "no cases in $cases"

# Shared file systems must be mounted before the cases get namespaces of their own.
wanted=("${KIT_FS:-here}")
while read -r type; do wanted+=("$type"); done < <(
	for name in "${names[@]}"; do cat "$cases/$name.case"; done |
		sed -n 's/^[[:space:]]*fs[[:space:]]\{1,\}\([a-z0-9]\{1,\}\).*/\1/p' | sort -u
)
for type in "${wanted[@]}"; do kit_fs "$type" || kit_diag "$REPLY"; done

mkdir "$KIT_DIR/out"
export KIT_DIR KIT_TOOLS FSCK_OVERLAY=$FSCK
printf '%s\n' "${names[@]}" |
	xargs -P "$jobs" -I '{}' unshare -m --propagation private -- \
		"$BASH" "$0" --one '{}' "$cases" "$KIT_DIR/out/{}" # the verdicts are in files

for name in "${names[@]}"; do
	out=$KIT_DIR/out/$name
	[ -d "$out" ] || mkdir "$out"
	result=$(cat "$out/result" 2>/dev/null || echo "no verdict")
	if [[ $result == skip* ]]; then
		kit_skip "$name" "${result#skip }"
	elif [[ $result == "done" && ! -e $out/wrong ]]; then
		kit_ok "$name"
	else
		[[ $result == "done" ]] || printf '%s\n' "$result" >>"$out/wrong"
		for report in plain plain.err verbose verbose.err; do
			[ ! -s "$out/$report" ] || sed "s/^/$report: /" "$out/$report" >>"$out/wrong"
		done
		kit_fail "$name" "$out/wrong"
	fi
	if [ -n "$verbose" ] && [ -e "$out/verbose" ]; then
		kit_diag <"$out/verbose"
		sed 's/^/log: /' "$out/log" 2>/dev/null | kit_diag
	fi
done
kit_done
