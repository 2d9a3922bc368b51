#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A conversion is told to stop while it is at work (SIGINT, SIGTERM), or somebody else fills the file
# system meanwhile. After that this kernel shows what it showed before, or refuses the mount because of the
# marker; a second run goes on and ends with what an older kernel shows as it was before; and --undo takes
# both runs back.
#
# OVL_FS="TYPE...": ext4 (default; with OVL_LONG=1 also xfs and btrfs, and more moments).

# shellcheck source=kit.sh
. "$(dirname "$0")/kit.sh"
kit_start "$@"
# shellcheck source=convert_kit.sh
. "$(dirname "$0")/convert_kit.sh"
ready || kit_skip_all "$REPLY"
read -r -a kinds <<<"${OVL_FS:-ext4${OVL_LONG:+ xfs btrfs}}"
WHY=$KIT_DIR/why
OUT=$KIT_DIR/out
job stop
O=lowerdir=$AT/l,upperdir=$AT/u,workdir=$AT/w
ALL=metacopy=on,redirect_dir=on,index=on
CONVERT=(-y --to=4.9 -o "$O,$ALL")
why() { printf '%s\n' "$*" >>"$WHY"; }

# Metadata-only files, a renamed directory with hard links in it, and names that the index shows.
make_overlay() {
	local i
	mkdir -p "$AT"/l/{files,dir/sub,links} "$AT/u" "$AT/w"
	for ((i = 0; i < 250; i++)); do
		seq "$i" $((i + 8000)) >"$AT/l/files/$i"
		seq "$i" $((i + 2000)) >"$AT/l/dir/$i"
		ln "$AT/l/dir/$i" "$AT/l/dir/sub/$i"
		echo "$i" >"$AT/l/links/$i"
		ln "$AT/l/links/$i" "$AT/l/links/too$i"
	done
	kit_mount "$O,$ALL" "$MNT" || kit_broken "cannot mount"
	(
		cd "$MNT" && chown 5 files/* && mv dir moved &&
			for i in links/too*; do echo more >>"$i"; done
	) || kit_broken "cannot make the overlay"
	kit_unmount "$MNT"
}

sums() { layer_sums "$AT/l" "$AT/u" "$AT/w"; }
# The journal at work; with one number it is the same in every run with one thread.
journal_size() { stat -c %s "$AT"/w/.fsck.overlay/*/journal 2>/dev/null | sort -n | tail -n 1; }

# wait_for PID SIZE: until the journal has so many bytes; 1 if the process was faster
wait_for() {
	local size
	while kill -0 "$1" 2>/dev/null; do
		size=$(journal_size)
		[ "${size:-0}" -lt "$2" ] || return 0
	done
	return 1
}

# today: what this kernel shows of the image conv
today() {
	copy "$JOB.conv" "$JOB.view"
	attach view
	if [ -d "$AT/w/work/incompat/fsck.overlay" ]; then
		view "$O,$ALL" "" >"$KIT_DIR/now"
		grep -q '^refused' "$KIT_DIR/now" || why "the marker did not keep it from being mounted"
	else
		view "$O,$ALL" "" >"$KIT_DIR/now"
		same_view "$KIT_DIR/before" "$KIT_DIR/now" "$AT/u" "$AT/l" >>"$WHY"
	fi
	detach
}

# go_on: what is left to do; then the older kernel's view, and the way back.
go_on() {
	local runs=0
	attach conv
	rm -f "$AT/filler"
	kit_fsck "$OUT" "${CONVERT[@]}"
	[ "$KIT_STATUS" -le 1 ] || why "the second run: exit status $KIT_STATUS: $(tail -n 5 "$OUT" "$OUT.err")"
	sync -f "$AT"
	detach
	copy "$JOB.conv" "$JOB.view"
	attach view
	with_off "$O"
	view "$REPLY" "" >"$KIT_DIR/now"
	same_view "$KIT_DIR/before" "$KIT_DIR/now" "$AT/u" "$AT/l" >>"$WHY"
	detach
	attach conv
	while kit_fsck "$OUT" --undo -o "$O,$ALL" && [ "$KIT_STATUS" -le 1 ] && [ $((runs += 1)) -lt 5 ]; do :; done
	grep -q 'nothing to take back' "$OUT.err" || why "undo: exit status $KIT_STATUS: $(tail -n 3 "$OUT.err")"
	sums >"$KIT_DIR/sums.now"
	cmp -s "$KIT_DIR/sums" "$KIT_DIR/sums.now" ||
		why "undo left something else: $(diff "$KIT_DIR/sums" "$KIT_DIR/sums.now" | head -n 10)"
	detach
}

# stopped KIND HOW SIZE: the run is stopped when its journal has this size; HOW: a signal or "full"
stopped() {
	local pid status=0
	: >"$WHY"
	copy "$JOB.made" "$JOB.conv"
	attach conv
	# (What is run in the background by bash ignores SIGINT, unless it is told not to.)
	perl -e '$SIG{INT} = "DEFAULT"; exec @ARGV' "$FSCK" "${CONVERT[@]}" -j1 >"$OUT" 2>"$OUT.err" </dev/null &
	pid=$!
	if ! wait_for "$pid" "$3"; then
		fast=$((fast + 1))
	elif [ "$2" = full ]; then
		cat /dev/zero >"$AT/filler" 2>/dev/null
	else
		kill -s "$2" "$pid"
	fi
	wait "$pid" || status=$?
	case $2.$status in
	*.0 | *.1) fast=$((fast + 1)) ;;
	full.4 | full.8 | full.12)
		grep -q 'No space left' "$OUT" "$OUT.err" ||
			why "exit status $status, but not why: $(tail -n 9 "$OUT" "$OUT.err")"
		;;
	INT.32 | TERM.32) ;;
	*) why "exit status $status: $(cat "$OUT.err")" ;;
	esac
	tries=$((tries + 1))
	sync -f "$AT"
	detach
	today
	go_on
}

# all_ways KIND: at several moments of a run
all_ways() {
	local how eighth total step=3 hows=(INT TERM)
	[ -z "${OVL_LONG:-}" ] || step=1
	[ "$1" != ext4 ] || hows+=(full) # the others share blocks, and need hardly any
	attach made
	make_overlay
	sums >"$KIT_DIR/sums"
	sync -f "$AT"
	detach
	copy "$JOB.made" "$JOB.view"
	attach view
	view "$O,$ALL" "" >"$KIT_DIR/before"
	detach
	copy "$JOB.made" "$JOB.conv"
	attach conv
	kit_fsck "$OUT" "${CONVERT[@]}" -j1
	[ "$KIT_STATUS" -eq 1 ] || kit_broken "the conversion fails: $(cat "$OUT.err")"
	total=$(journal_size)
	detach
	for how in "${hows[@]}"; do
		fast=0 tries=0
		for ((eighth = 1; eighth < 8; eighth += step)); do
			stopped "$1" "$how" $((total * eighth / 8))
			[ ! -s "$WHY" ] || break
		done
		if [ -s "$WHY" ]; then
			kit_fail "$1: $how at $eighth eighths" "$WHY"
		elif [ "$fast" -eq "$tries" ]; then
			kit_skip "$1: $how" "each of $tries runs was done before it could be stopped"
		else
			kit_ok "$1: $how in the middle, $((tries - fast)) of $tries"
		fi
	done
}

for kind in "${kinds[@]}"; do
	if new_image "$kind" "$JOB.made"; then
		all_ways "$kind"
	else
		kit_skip "$kind" "$REPLY"
	fi
done
kit_done
