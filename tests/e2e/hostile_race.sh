#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Layers that somebody changes while they are repaired, taken back, or put right after a crash:
# directories become symbolic links that lead outside, files become hard links to what is outside, bind
# mounts come and go. Nothing outside is touched, every run ends with a message, and when the changes
# end, so do the problems.

# shellcheck disable=SC2016,SC2034 # the commands in quotes are for into and through
# shellcheck source=kit.sh
. "$(dirname "$0")/kit.sh"
kit_start "$@"
# shellcheck source=layers_kit.sh
. "$(dirname "$0")/layers_kit.sh"
# shellcheck source=hostile_kit.sh
. "$(dirname "$0")/hostile_kit.sh"

# The link count of what is linked into the layers is up to who links it.
canary_sum() {
	kit_treesum "$C/alone" "$C/linked"
	kit_treesum -x ctime,nlink,atime "$C/moved"
}

# binds: mounts what is outside on directories of the layers, here and there, until it is killed
# Ends when it is told: a shell that is killed leaves a mount(8) behind that goes on.
binds() {
	local at
	while [ ! -e "$KIT_DIR/enough" ]; do
		for at in "$U/a" "$U/b/c" "$L/a" "$D/work/work/a"; do
			[ ! -L "$at" ] && mount --bind "$C/alone/dir" "$at" && sleep 0.01 && umount -l "$at"
		done
		sleep 0.01
	done
}

# killed MODE...: a run that does not come to its end
killed() {
	local pid
	"$FSCK" "$@" -o "$O" >"$OUT" 2>"$OUT.err" </dev/null &
	pid=$!
	sleep "0.$((RANDOM % 3))$((RANDOM % 10))$((RANDOM % 10))"
	kill -9 "$pid" 2>/dev/null || :
	wait "$pid" 2>/dev/null || :
}

# round: each mode once
round() {
	local mode
	for mode in -y "-p -j 3" "killed -y" "-y -E lower=rw" --undo "killed --undo" "--undo -n" -y; do
		# shellcheck disable=SC2086 # words
		case $mode in
		killed*) killed ${mode#killed } ;;
		*)
			kit_fsck "$OUT" $mode -o "$O"
			REPAIRS=$((REPAIRS + $(grep -c ' yes$\|: taken back$' "$OUT")))
			ENDS[KIT_STATUS]=$((${ENDS[KIT_STATUS]:-0} + 1))
			! kit_crashed "$OUT" || why "$mode: it crashed, status $KIT_STATUS"
			case $KIT_STATUS in
			0 | 1 | 4) ;;
			8 | 12)
				[ -s "$OUT.err" ] || why "$mode: exit status $KIT_STATUS and no message"
				cat "$OUT.err" >>"$KIT_DIR/messages"
				;;
			*) why "$mode: exit status $KIT_STATUS" ;;
			esac
			is_printable
			;;
		esac
	done
}

# race TYPE SECONDS
race() {
	local pids=() binding seed status left i
	ENDS=()
	REPAIRS=0
	: >"$KIT_DIR/messages"
	overlay "layers that change on $1" 2
	canary
	# What is linked into a layer is in it, and may be copied from there into another one.
	into "$C/moved" 'echo "linked" >file; mkdir dir; echo "$TOKEN" >dir/a; mkdir dir/b'
	into "$C/moved/dir" 'xset . opaque nonsense; xset a redirect //; mknod w c 0 0; mknod b/c c 0 0'
	into "$D/work" 'mkdir -p work index'
	O=$O,index=on,metacopy=on,redirect_dir=on
	watch
	for seed in 1 2; do
		"$KIT_TOOLS/ovl-churn" -o "$C/moved" "$seed$RANDOM" "$U" "$L" "$D/lower2" "$D/work/work" \
			"$D/work/index" &
		pids+=($!)
	done
	rm -f "$KIT_DIR/enough"
	binds 2>>"$LOG" &
	binding=$!
	status=$((SECONDS + $2))
	while [ "$SECONDS" -lt "$status" ]; do
		round
	done
	kill "${pids[@]}"
	: >"$KIT_DIR/enough"
	wait "${pids[@]}" "$binding" 2>>"$LOG" || :
	kit_unmount_below "$D"
	for i in "${!ENDS[@]}"; do
		kit_diag "exit status $i: ${ENDS[i]} times"
	done
	kit_diag "$REPAIRS repairs"
	sed "s,$D,,g; s/'[^']*'/.../g; s/ at .*: / at ...: /" "$KIT_DIR/messages" | sort | uniq -c |
		sort -rn | head -n 8 | kit_diag
	untouched "all of it"
	judge "$MAKING: nothing outside is touched"
	for i in 1 2 3; do
		writes -y
	done
	case $KIT_STATUS in 0 | 1 | 4) ;; *) why "-y: exit status $KIT_STATUS" ;; esac
	# What was tried in vain is left as well.
	sed -i -E 's/(\([a-z0-9-]+\))\. .*\? failed: .*/\1/' "$OUT"
	left=$(found | sort)
	look_at -o "$O"
	[ "$(found | sort)" = "$left" ] || {
		why "-n finds something else than -y has left"
		diff <(echo "$left") <(found | sort) >>"$WHY" || :
	}
	judge "$MAKING: in the end, -n finds what -y has left"
}

for type in tmpfs ext4 ${OVL_LONG:+xfs btrfs}; do
	if on "$type"; then
		race "$type" "$([ -n "${OVL_LONG:-}" ] && echo 60 || echo 3)"
	else
		kit_skip "layers that change on $type" "$REPLY"
	fi
done

kit_done
