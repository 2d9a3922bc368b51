# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# What is done to a program that writes: it is killed before each system call that changes something, and
# each of these calls fails with an errno. Sourced after repair_kit.sh, with the image "damaged" made.

# reference ARGS...: one run that nobody disturbs; leaves the image "repaired", REPAIRED and layers.repaired.
reference() {
	copy damaged x && attach x
	kit_fsck "$KIT_DIR/out" "$@" -j1 -o "$O"
	REPAIRED=$KIT_STATUS
	case $REPAIRED in
	1 | 4) kit_ok "a run that nobody disturbs" ;;
	*) kit_fail "a run that nobody disturbs" "$KIT_DIR/out.err" ;;
	esac
	look_repaired x
	detach
	copy x repaired
}

count() { sed -n 's/^ovl-kill: \([0-9]*\) .*/\1/p' "$1" | tail -n 1; }
name() { sed -n 's/^ovl-kill: [0-9]* //p' "$1" | tail -n 1; }

# run POINT ARGS...: the program under ovl-kill
run() {
	local point=$1
	shift
	KIT_STATUS=0
	timeout 60 "$KIT_TOOLS/ovl-kill" "$point" "$FSCK" -j1 "$@" -o "$O" \
		>"$KIT_DIR/out" 2>"$KIT_DIR/out.err" </dev/null || KIT_STATUS=$?
}

# sweep NAME FROM-IMAGE END ARGS...: kills at each point; a second run with the same arguments ends
# with the layers END.
sweep() {
	local what=$1 from=$2 end=$3 point=0 total step last=
	shift 3
	copy "$from" x && attach x
	run 0 "$@"
	total=$(count "$KIT_DIR/out.err")
	detach
	step=1
	[ -n "${OVL_LONG:-}" ] || step=$((total / 12 + 1))
	for ((point = 1; point <= total; point += step)); do
		: >"$WHY"
		copy "$from" x && attach x
		run "$point" "$@"
		[ "$KIT_STATUS" -eq 137 ] || why "exit status $KIT_STATUS instead of a kill: $(cat "$KIT_DIR/out.err")"
		last=$(name "$KIT_DIR/out.err")
		sync -f "$AT"
		view x >"$KIT_DIR/view.now"
		safe_view
		run_again "$end" "$@"
		detach
		[ ! -s "$WHY" ] || break
	done
	if [ -s "$WHY" ]; then
		why "killed at call $point of $total: $last"
		kit_fail "$what: killed at $total points, every ${step}th tried" "$WHY"
	else
		kit_ok "$what: killed at $total points, every ${step}th tried"
	fi
}

# errnos NAME FROM-IMAGE END ERRNO ARGS...
errnos() {
	local what=$1 from=$2 end=$3 errno=$4 point total step
	shift 4
	copy "$from" x && attach x
	run 0 "$@"
	total=$(count "$KIT_DIR/out.err")
	detach
	step=1
	[ -n "${OVL_LONG:-}" ] || step=$((total / 5 + 1))
	for ((point = 1; point <= total; point += step)); do
		: >"$WHY"
		copy "$from" x && attach x
		run "$point:$errno" "$@"
		case $KIT_STATUS in
		0 | 1 | 4 | 8 | 12) ;;
		*) why "exit status $KIT_STATUS: $(cat "$KIT_DIR/out.err")" ;;
		esac
		run 0 "$@"
		case $KIT_STATUS in
		0 | 1 | 4) ;;
		8) [ "$1" = --undo ] || why "the second run: $(cat "$KIT_DIR/out.err")" ;;
		*) why "the second run: exit status $KIT_STATUS: $(cat "$KIT_DIR/out.err")" ;;
		esac
		same_end "$end"
		detach
		[ ! -s "$WHY" ] || break
	done
	if [ -s "$WHY" ]; then
		why "$errno at call $point of $total"
		kit_fail "$what: $errno at $total points, every ${step}th tried" "$WHY"
	else
		kit_ok "$what: $errno at $total points, every ${step}th tried"
	fi
}
