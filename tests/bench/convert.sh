#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Measures conversions against what people do without: convert.sh [SHAPE...]
#
#	SHAPE   complete  20,000 metacopy files with 4 GiB in all; against opening each of them for
#	                  writing through a mount with two threads, and against cp -a of the merged tree
#	        expand    a renamed directory with 100,000 lower files; against cp -a of the merged tree
#	        (default: both)
#
#	BENCH_FS="..."     on what (ext4 xfs btrfs), each in an image of its own
#	BENCH_FILES=N      instead of 20,000; five times as many for "expand"
#	BENCH_MIB=N        instead of 4096
#	BENCH_RUNS=N       runs of each; the best one counts (2)
#	BENCH_JOBS="1 2"   numbers of threads of fsck.overlay (2)
#	BENCH_DIR=DIR      where to make the images (default: the scratch directory)
#
# Before each run the file system is mounted anew, so that nothing is in its caches. No time is
# asserted. A run that does not end as it should is marked.

# shellcheck source=../e2e/kit.sh
. "$(dirname "$0")/../e2e/kit.sh"
kit_start "$@"
[ $# -gt 0 ] || set -- complete expand

read -r -a kinds <<<"${BENCH_FS:-ext4 xfs btrfs}"
read -r -a jobs <<<"${BENCH_JOBS:-2}"
files=${BENCH_FILES:-20000}
mib=${BENCH_MIB:-4096}
runs=${BENCH_RUNS:-2}
bench=$KIT_BUILD/tests/bench
[ -x "$bench/ovl-open" ] || bench=$KIT_TOOLS/../bench
[ -x "$bench/ovl-open" ] || kit_broken "the programs of tests/bench are not built"
image=${BENCH_DIR:-$KIT_DIR}/bench-convert.img
at=$KIT_DIR/at
mkdir "$at"
features=metacopy=on,redirect_dir=on

must() { "$@" >"$KIT_DIR/log" 2>&1 || kit_broken "$*: $(tail -n 3 "$KIT_DIR/log")"; }

# new_disk TYPE: three times the room that the data takes
new_disk() {
	rm -f "$image"
	must truncate -s $((mib * 3 + 4096))M "$image"
	must "mkfs.$1" -q "$image"
	must mount -o loop "$image" "$at"
}

# again: nothing of the file system is in memory
again() {
	must umount "$at"
	must mount -o loop "$image" "$at"
}

# make_lower SHAPE
make_lower() {
	case $1 in
	complete) must "$bench/ovl-mktree" -u 0 -l "$files" -w 1000 -s $((mib * 1048576 / files)) "$at/o" ;;
	expand) must "$bench/ovl-mktree" -u 0 -l $((files * 5)) -w 1000 -s 1000 "$at/o" ;;
	*) kit_broken "no shape '$1'" ;;
	esac
	if [ "$1" = expand ]; then
		mkdir "$at/o/new" && mv "$at/o/lower" "$at/o/new/dir" && mv "$at/o/new" "$at/o/lower"
	fi
	options=lowerdir=$at/o/lower,upperdir=$at/o/upper,workdir=$at/o/work
}

# make_upper SHAPE: what the mount with the features leaves
make_upper() {
	rm -rf "$at/o/upper" "$at/o/work" "$at/copy"
	mkdir "$at/o/upper" "$at/o/work" || kit_broken "no upper"
	must kit_mount "$options,$features" "$at/o/mnt"
	case $1 in
	complete) must chown -R 1000 "$at/o/mnt" ;;
	expand) must mv "$at/o/mnt/dir" "$at/o/mnt/renamed" ;;
	esac
	kit_unmount "$at/o/mnt"
	again
}

convert() { "$bench/ovl-measure" "$FSCK" -y -j "$1" "$2" -o "$options"; }
through_mount() { # COMMAND...
	must kit_mount "$options,$features" "$at/o/mnt"
	"$bench/ovl-measure" "$@"
	kit_unmount "$at/o/mnt"
}
copied() { # shellcheck disable=SC2016 # for the other shell
	through_mount sh -c 'cp -a "$1" "$2" && sync -f "$2"' sh "$at/o/mnt" "$at/copy"
}

# best SHAPE COMMAND...: the fastest of some runs, each on an upper of its own, in $REPLY
best() {
	local i shape=$1
	shift
	: >"$KIT_DIR/runs"
	for ((i = 0; i < runs; i++)); do
		make_upper "$shape"
		"$@" >>"$KIT_DIR/runs" || kit_broken "$*"
	done
	REPLY=$(sort -n "$KIT_DIR/runs" | head -n 1)
}

# row KIND SHAPE THREADS WHAT BASE STATUS: prints the row of $REPLY
row() {
	# shellcheck disable=SC2086 # five words
	set -- "$@" $REPLY
	awk -v kind="$1" -v shape="$2" -v threads="$3" -v what="$4" -v base="$5" -v want="$6" -v sec="$7" \
		-v user="$8" -v sys="$9" -v peak="${10}" -v status="${11}" 'BEGIN {
		printf "%-6s %-9s %7s  %-14s %9.2f %7.2f %8.2f %8.2f %9.1f%s\n", kind, shape, threads, what,
			sec, (base > 0 ? sec / base : 1), user, sys, peak / 1024,
			status == want ? "" : "  EXIT " status }'
}

# measure KIND SHAPE: each row with its time as a share of that of the first one
measure() {
	local base j drop=^metacopy
	make_lower "$2"
	[ "$2" = complete ] || drop=^redirect_dir
	if [ "$2" = complete ]; then
		best "$2" through_mount "$bench/ovl-open" -j 2 "$at/o/mnt"
		base=${REPLY%% *}
		row "$1" "$2" 2 "open O_RDWR" "$base" 0
		best "$2" copied
	else
		best "$2" copied
		base=${REPLY%% *}
	fi
	row "$1" "$2" 1 "cp -a" "$base" 0
	for j in "${jobs[@]}"; do
		best "$2" convert "$j" "-O$drop"
		row "$1" "$2" "$j" "fsck.overlay" "$base" 1
	done
}

printf '%-6s %-9s %7s  %-14s %9s %7s %8s %8s %9s\n' \
	fs shape threads program seconds ratio user system "MiB peak"
for kind in "${kinds[@]}"; do
	for shape; do
		new_disk "$kind"
		measure "$kind" "$shape"
		umount "$at"
	done
done
rm -f "$image"
