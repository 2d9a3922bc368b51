#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Measures fsck.overlay -n against the floor, on large layers: bench.sh [-c] [SHAPE...]
#
#	SHAPE   wide      a million files in upper and as many in lower, 1000 in a directory
#	        one       the same, all in one directory
#	        deep      2000 directories in one another
#	        metacopy  as wide, every tenth upper file a metacopy
#	        (default: all)
#	-c      also with cold caches: drops the caches of the whole machine
#
#	BENCH_FILES=N   instead of 1000000
#	BENCH_JOBS="1 2 8"   numbers of threads
#	BENCH_RUNS=N    runs of each; the best one counts (3)
#	BENCH_DIR=DIR   where to make the layers (default: the scratch directory). They stay there
#	                for the next time. Cold numbers mean something on a real disk only.
#
# No time is asserted. A run that does not end with exit status 0 is marked.

# shellcheck source=../e2e/kit.sh
. "$(dirname "$0")/../e2e/kit.sh"
kit_start "$@"

cold=
while getopts c opt; do
	case $opt in
	c) cold=yes ;;
	*) exit 16 ;;
	esac
done
shift $((OPTIND - 1))
[ $# -gt 0 ] || set -- wide one deep metacopy

files=${BENCH_FILES:-1000000}
runs=${BENCH_RUNS:-3}
read -r -a jobs <<<"${BENCH_JOBS:-1 2}"
dir=${BENCH_DIR:-}
if [ -z "$dir" ]; then
	kit_fs here || kit_broken "$REPLY"
	dir=$REPLY
fi
bench=$KIT_BUILD/tests/bench
[ -x "$bench/ovl-floor" ] || bench=$KIT_TOOLS/../bench
[ -x "$bench/ovl-floor" ] || kit_broken "the programs of tests/bench are not built"

# make_shape SHAPE AT: the layers, completed by the kernel as it does when somebody lists them.
make_shape() {
	local how=()
	case $1 in
	wide) how=(-w 1000) ;;
	one) how=(-w 0) ;;
	deep) how=(-d 2000) ;;
	metacopy) how=(-w 1000 -m 10) ;;
	*) kit_broken "no shape '$1'" ;;
	esac
	"$bench/ovl-mktree" -u "$files" -l "$files" "${how[@]}" "$2.new" || kit_broken "no trees"
	kit_mount "lowerdir=$2.new/lower,upperdir=$2.new/upper,workdir=$2.new/work,redirect_dir=on,metacopy=on" \
		"$2.new/mnt" || kit_broken "cannot mount the layers"
	(cd "$2.new/mnt" && find . -type d >/dev/null)
	kit_unmount "$2.new/mnt"
	mv "$2.new" "$2"
}

# best OPTION COMMAND...: of some runs the fastest, "SECONDS USER SYSTEM PEAK STATUS" in $REPLY.
best() {
	local i how=()
	[ "$1" = warm ] || how=(-c)
	shift
	[ "${how[*]}" = -c ] || "$bench/ovl-measure" "$@" >"$KIT_DIR/warming"
	for ((i = 0; i < runs; i++)); do "$bench/ovl-measure" "${how[@]}" "$@" || exit 1; done \
		>"$KIT_DIR/runs"
	REPLY=$(sort -n "$KIT_DIR/runs" | head -n 1)
}

# row SHAPE CACHE JOBS WHAT FLOOR: prints the row of $REPLY.
row() {
	# shellcheck disable=SC2086 # five words
	set -- "$@" $REPLY
	awk -v shape="$1" -v cache="$2" -v jobs="$3" -v what="$4" -v floor="$5" -v sec="$6" \
		-v user="$7" -v sys="$8" -v peak="$9" -v status="${10}" 'BEGIN {
		printf "%-9s %-5s %7s  %-13s %9.3f %7.2f %9.2f %9.2f %9.1f%s\n", shape, cache, jobs,
			what, sec, (floor > 0 ? sec / floor : 0), user, sys, peak / 1024,
			status == 0 ? "" : "  EXIT " status }'
}

# All layers first: ext4 is slow to make files while it remembers that many were just removed.
for shape; do
	[ -d "$dir/bench-$shape-$files" ] || make_shape "$shape" "$dir/bench-$shape-$files"
done

printf '%-9s %-5s %7s  %-13s %9s %7s %9s %9s %9s\n' \
	shape cache threads program seconds ratio user system "MiB peak"
for shape; do
	at=$dir/bench-$shape-$files
	options=lowerdir=$at/lower,upperdir=$at/upper,workdir=$at/work,redirect_dir=on,metacopy=on
	for cache in warm ${cold:+cold}; do
		for j in "${jobs[@]}"; do
			best "$cache" "$bench/ovl-floor" -j "$j" "$at/upper" "$at/lower"
			floor=${REPLY%% *}
			row "$shape" "$cache" "$j" floor "$floor"
			best "$cache" "$FSCK" -n -j "$j" -o "$options"
			row "$shape" "$cache" "$j" fsck.overlay "$floor"
		done
	done
done
