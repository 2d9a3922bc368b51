#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Names of one file in thousands of renamed directories, and of one metacopy file below: a conversion that
# is killed in the middle, when a part of them is committed, and begun again keeps them one file. So does its
# undo bring everything back.

# shellcheck source=kit.sh
. "$(dirname "$0")/kit.sh"
kit_start "$@"
# shellcheck source=layers_kit.sh
. "$(dirname "$0")/layers_kit.sh"
on tmpfs || kit_skip_all "$REPLY"

# More than are committed at a time.
N=2300

# build NAME: renamed directories d1 ... in the upper, in each a name of one file, and names m1 ... of a file
# that is metacopy in the upper lower layer
build() {
	overlay "$1" 2
	must rmdir "$D/lower1"
	into "$D/lower2" "mkdir m; echo meta >m/1; echo linked >first
		for ((i = 1; i <= $N; i++)); do mkdir s\$i; ln first s\$i/f; done
		for ((i = 2; i <= $N; i++)); do ln m/1 m/\$i; done"
	must kit_mount "lowerdir=$D/lower2,upperdir=$U,workdir=$D/work,metacopy=on,redirect_dir=on,index=on" "$D/m"
	into "$D/m" "chmod 600 m/*"
	must kit_unmount "$D/m"
	into "$D" 'mv upper lower1; rm -rf work; mkdir upper work'
	through metacopy=on,redirect_dir=on "for ((i = 1; i <= $N; i++)); do mv s\$i d\$i; done"
}

# run POINT ARG...: under ovl-kill
run() {
	local point=$1
	shift
	KIT_STATUS=0
	timeout 300 "$KIT_TOOLS/ovl-kill" "$point" "$FSCK" -j1 "$@" -o "$O" >"$OUT" 2>"$OUT.err" </dev/null ||
		KIT_STATUS=$?
}

inodes() { stat -c %i "$@" | sort -u | wc -l; }

# look WHAT: after the conversion
look() {
	local links
	[ "$(find "$U" -path '*/d*/f' | wc -l)" -eq "$N" ] || why "$1: not all of the $N files are in the upper"
	links=$(inodes "$U"/d*/f)
	[ "$links" -eq 1 ] || why "$1: what was one file are $links"
	[ "$(find "$U/m" -type f | wc -l)" -eq "$N" ] || why "$1: not all of the $N metacopies are in the upper"
	links=$(inodes "$U"/m/*)
	[ "$links" -eq 1 ] || why "$1: what was one metacopy are $links"
	[ "$(stat -c %h "$U/d1/f" "$U/m/1" | tr '\n' ' ')" = "$N $N " ] || why "$1: link counts of another number"
}

build sweep
total=
# One in the first phase, when a part of it is committed, and one in the last.
for percent in 100 45 92 ${OVL_LONG:+15 30 60 75 85 97}; do
	[ "$percent" -eq 100 ] || build "sweep $percent"
	kit_treesum -x atime,ctime,dirsize "$U" "$D/lower1" "$D/lower2" >"$KIT_DIR/sums"
	if [ "$percent" -eq 100 ]; then
		run 0 -y --to=4.9
		total=$(sed -n 's/^ovl-kill: \([0-9]*\) .*/\1/p' "$OUT.err" | tail -n 1)
		[ "$KIT_STATUS" -eq 1 ] || why "exit status $KIT_STATUS instead of 1: $(head -n 3 "$OUT.err")"
		look "at once"
		judge "a run that nobody disturbs"
	else
		run $((total * percent / 100)) -y --to=4.9
		[ "$KIT_STATUS" -eq 137 ] || why "exit status $KIT_STATUS instead of a kill"
		kit_fsck "$OUT" -y --to=4.9 -o "$O"
		[ "$KIT_STATUS" -le 1 ] || why "exit status $KIT_STATUS of the second run: $(head -n 3 "$OUT.err")"
		look "killed at $percent %"
		kit_fsck "$OUT" --undo -o "$O"
		[ "$KIT_STATUS" -eq 0 ] || why "exit status $KIT_STATUS of the undo: $(head -n 3 "$OUT.err")"
		kit_treesum -x atime,ctime,dirsize "$U" "$D/lower1" "$D/lower2" | diff "$KIT_DIR/sums" - | head -n 10 >"$KIT_DIR/diff"
		[ ! -s "$KIT_DIR/diff" ] || why "undo left: $(cat "$KIT_DIR/diff")"
		judge "killed at $percent % of $total calls, and begun again"
	fi
done
kit_done
