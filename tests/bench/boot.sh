#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Measures --boot: the quick check, and the one that the stamp spares, of many files against few.
#
#	BENCH_FILES=N   files in upper and in lower (1000000), against 100
#	BENCH_INDEX=N   hard links in the lower that are copied up with an index (20000), against 100
#	BENCH_RUNS=N    runs of each; the best one and the median are printed (21)
#	BENCH_DIR=DIR   where to make the layers (default: the scratch directory)
#
# The overlay is mounted and unmounted before each quick check. No time is asserted. A run that is not of the
# kind that is measured is marked.

# shellcheck source=../e2e/kit.sh
. "$(dirname "$0")/../e2e/kit.sh"
kit_start "$@"

runs=${BENCH_RUNS:-21}
dir=${BENCH_DIR:-}
if [ -z "$dir" ]; then
	kit_fs here || kit_broken "$REPLY"
	dir=$REPLY
fi
bench=$KIT_BUILD/tests/bench
[ -x "$bench/ovl-mktree" ] || bench=$KIT_TOOLS/../bench
[ -x "$bench/ovl-mktree" ] || kit_broken "the programs of tests/bench are not built"
export FSTAB_FILE=$KIT_DIR/fstab SYSTEMD_PROC_CMDLINE=quiet
mount -t tmpfs tmpfs /run || kit_broken "cannot hide /run"

# make FILES INDEXED: an overlay at $at
make() {
	at=$dir/boot.$1
	rm -rf "$at"
	"$bench/ovl-mktree" -u "$1" -l "$1" "$at" || kit_broken "no trees"
	mkdir -p "$at/mnt" "$at/lower/links"
	options=lowerdir=$at/lower,upperdir=$at/upper,workdir=$at/work,index=on
	(cd "$at/lower/links" && seq "$2" | xargs touch && mkdir ../more &&
		for name in *; do ln "$name" "../more/$name" || exit 1; done) || kit_broken "no links"
	again
	kit_mount "$options" "$at/mnt" && chown -R 1 "$at/mnt/links" && kit_unmount "$at/mnt" ||
		kit_broken "cannot fill the index"
	echo "overlay $at/mnt overlay $options 0 2" >"$FSTAB_FILE"
}
again() { { kit_mount "$options" "$at/mnt" && kit_unmount "$at/mnt"; } || kit_broken "cannot mount"; }

# measure WHAT LIKE COMMAND: of all runs of --boot, each after the command
measure() {
	local i from to
	for ((i = 0; i < runs; i++)); do
		eval "$3"
		from=$EPOCHREALTIME
		"$FSCK" --boot "$at/mnt" >"$KIT_DIR/out" 2>&1
		to=$EPOCHREALTIME
		grep -q "$2" "$KIT_DIR/out" || echo "not what is to be measured: $(cat "$KIT_DIR/out")" >&2
		echo $(((${to/./} - ${from/./}))) # microseconds
	done | sort -n | awk -v what="$1" '{ t[NR] = $1 }
		END { printf "%-32s %9.1f ms, median %9.1f ms\n", what, t[1] / 1000, t[int((NR + 1) / 2)] / 1000 }'
}

for files in 100 "${BENCH_FILES:-1000000}"; do
	make "$files" "$([ "$files" = 100 ] && echo 100 || echo "${BENCH_INDEX:-20000}")"
	echo "$files files in upper and in lower, $(find "$at/work/index" -type f | wc -l) in the index"
	runs=1 measure "first time, everything" "whole check" :
	measure "quick" "quick check" again
	"$FSCK" -p "$at/mnt" >/dev/null
	measure "not mounted since" "not been mounted since" :
	[ -n "${BENCH_DIR:-}" ] || rm -rf "$at"
done
