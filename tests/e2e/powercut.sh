#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The power is cut while repair is at work, or undo. What reaches the disk is logged, and from that the
# states are made in which a cut of the power can leave it: all writes up to a flush, and some of those
# after it. In each the file system recovers; the kernel refuses the mount because of the
# marker, or shows what it showed before or after; and a second run ends in the same tree as one that
# nobody disturbed.
#
# OVL_LONG=1: all states, on all file systems, but of the many of pressed runs every fourth (OVL_STEP=N:
# every N-th); else a share.
# OVL_FS="TYPE...": ext4, xfs, btrfs; ext4-fast (an fsync writes no more than it has to), ext4-writeback.
# OVL_SUBJECT=conversion: not of a repair, but of a conversion, as powercut_convert.sh does.
# OVL_SUBSETS=N: how often some of the writes after a flush are tried.

# shellcheck source=kit.sh
. "$(dirname "$0")/kit.sh"
kit_start "$@"
# shellcheck source=repair_kit.sh
. "$(dirname "$0")/repair_kit.sh"

# What is done, and what it is to be taken up again with.
WORK=(-y)
if [ "${OVL_SUBJECT:-}" = conversion ]; then
	# shellcheck source=convertible_kit.sh
	. "$(dirname "$0")/convertible_kit.sh"
	WORK=(--to=4.9 -y)
fi
HELPED=0               # states of which the file system could not recover alone
LOGGED=$KIT_DIR/logged # what a logged image is mounted on
SUBSETS=${OVL_SUBSETS:-2}
POINTS=${OVL_POINTS:-4} # of a sweep, unless OVL_LONG
: >"$LOGGED"

# attach_logged IMAGE LOG: its writes are logged from now on
attach_logged() {
	local status=0
	"$KIT_TOOLS/ovl-writelog" "$IMAGES/$1" "$IMAGES/$2" "$LOGGED" 2>"$KIT_DIR/fuse.err" || status=$?
	[ "$status" != 77 ] || kit_skip_all "$(cat "$KIT_DIR/fuse.err")"
	[ "$status" = 0 ] || kit_broken "ovl-writelog: $(cat "$KIT_DIR/fuse.err")"
	mount -o "loop$MOUNT" "$LOGGED" "$AT" || kit_broken "cannot mount what is logged"
	sync -f "$AT"
}

# The loop device lets go of it a moment after it was unmounted.
detach_logged() {
	local try
	umount "$AT"
	for ((try = 0; try < 50; try++)); do
		umount "$LOGGED" 2>/dev/null && return
		sleep 0.1
	done
	kit_broken "somebody holds what is logged"
}

writes() { "$KIT_TOOLS/ovl-replay" "$IMAGES/$1"; }

pressed() {
	KIT_STATUS=0
	timeout 120 "$KIT_TOOLS/ovl-kill" "commit:$AT/other" "$FSCK" -j1 "$@" -o "$O" \
		>"$KIT_DIR/out" 2>"$KIT_DIR/out.err" </dev/null || KIT_STATUS=$?
}

# record LOG FROM-IMAGE TO-IMAGE ARGS...: the program runs, and its writes are logged; with them those
# of the unmount behind it. The number of writes before it is in $BEFORE. A log whose name ends with
# "-pressed" is of a run during which somebody else has each call made durable, or half of it.
record() {
	local log=$1 from=$2 to=$3
	shift 3
	copy "$from" "$to"
	attach_logged "$to" "$log"
	BEFORE=$(writes "$log" | tail -n 1)
	BEFORE=${BEFORE:-0}
	case $log in
	*-pressed) pressed "$@" ;;
	*) kit_fsck "$KIT_DIR/out" -j1 "$@" -o "$O" ;;
	esac
	layers >"$KIT_DIR/layers.now"
	detach_logged
	case $KIT_STATUS in
	0 | 1 | 4) ;;
	*) kit_broken "$* that nobody disturbs: exit status $KIT_STATUS: $(cat "$KIT_DIR/out.err")" ;;
	esac
}

# recovered: mounts the image "state", from which the file system recovers; what boots would do first
# is done here when it cannot.
recovered() {
	copy state "$1"
	attach "$1" 2>"$KIT_DIR/mount.err" && return
	case $FS in
	ext4*) e2fsck -fy "$IMAGES/$1" >"$KIT_DIR/e2fsck.log" 2>&1; HELPED=$((HELPED + 1)) ;;
	esac
	attach "$1" 2>>"$KIT_DIR/mount.err" && return
	why "the file system does not recover: $(cat "$KIT_DIR/mount.err")"
	return 1
}

# check_state END ARGS...: the image "state" after a cut of the power
check_state() {
	recovered view || return
	shown >"$KIT_DIR/view.now"
	detach
	safe_view
	recovered x || return
	run_again "$@"
	# Undo taken back or not, a repair is possible again, and ends as the first one did.
	[ "$2" != --undo ] || run_again layers.repaired "${WORK[@]}"
	detach
}

# states LOG: one a line, the writes that are on disk: "K", all up to a flush; "K NEXT SEED", and some of
# those up to the next one.
states() {
	writes "$1" | awk -v before="$BEFORE" -v subsets="$SUBSETS" '
		BEGIN { after = before; print after }
		$1 <= before { next }
		{
			for (i = 1; i <= subsets; i++)
				print after, $1, after * subsets + i
			after = $1
			print after
		}'
}

# make_state LOG AFTER [NEXT SEED]: the image "state". "prefix" has the first $REPLAYED writes.
make_state() {
	"$KIT_TOOLS/ovl-replay" "$IMAGES/$1" "$IMAGES/prefix" "$REPLAYED" "$2"
	REPLAYED=$2
	copy prefix state
	[ $# -eq 2 ] || "$KIT_TOOLS/ovl-replay" "$IMAGES/$1" "$IMAGES/state" "$2" "$3" "$4"
}

# sweep LOG FROM-IMAGE END ARGS...
sweep() {
	local log=$1 from=$2 all step=1 i tried=0 state
	shift 2
	: >"$WHY"
	mapfile -t all < <(states "$log")
	# A share: not always of the same kind.
	if [ -z "${OVL_LONG:-}" ]; then
		step=$((${#all[@]} / POINTS / (SUBSETS + 1) * (SUBSETS + 1) + 1))
	elif [[ $log = *-pressed ]]; then
		step=${OVL_STEP:-4}
	fi
	copy "$from" prefix
	REPLAYED=0
	for ((i = ${#all[@]} % step; i < ${#all[@]}; i += step)); do
		read -ra state <<<"${all[i]}"
		make_state "$log" "${state[@]}"
		check_state "$@"
		tried=$((tried + 1))
		[ ! -s "$WHY" ] || break
	done
	if [ -s "$WHY" ]; then
		why "the writes on disk: ${state[*]}, of ${all[-1]} (before: $BEFORE)"
		kit_fail "$FS, $log: $tried of ${#all[@]} states" "$WHY"
	else
		kit_ok "$FS, $log: $tried of ${#all[@]} states"
	fi
	[ "$HELPED" = 0 ] || kit_diag "e2fsck had to help $HELPED times"
	HELPED=0
}

# on_fs: repair and undo on a file system
on_fs() {
	local options=() kind
	MOUNT=
	case $FS in
	ext4-fast) options=(-O fast_commit) ;;
	ext4-writeback) MOUNT=,data=writeback ;;
	esac
	if ! make_damaged "${FS%-*}" "${options[@]}"; then
		kit_skip "$FS" "$REPLY"
		return
	fi
	for kind in '' -pressed; do
		record "repair$kind" damaged repaired "${WORK[@]}"
		attach repaired && look_repaired repaired && detach
		sweep "repair$kind" damaged layers.repaired "${WORK[@]}"
		record "undo$kind" repaired taken-back --undo
		cmp -s "$KIT_DIR/layers.damaged" "$KIT_DIR/layers.now" ||
			kit_broken "undo that nobody disturbs: $(diff "$KIT_DIR/layers.damaged" "$KIT_DIR/layers.now")"
		sweep "undo$kind" repaired layers.damaged --undo
	done
	rm "$IMAGES"/*
}

if [ -n "${OVL_LONG:-}" ]; then
	WANTED=${OVL_FS:-ext4 ext4-fast ext4-writeback xfs btrfs}
else
	WANTED=${OVL_FS:-ext4 xfs btrfs}
fi
for FS in $WANTED; do
	on_fs
done
kit_done
