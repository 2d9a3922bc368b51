# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# shellcheck disable=SC2154,SC2034,SC2153 # variables of lib.sh
#
# The contract of repair, for every case. Sourced by lib.sh.
#
#	-y    corrects (exit 1), or leaves something (4); it refuses layers in use (8)
#	-n    then finds nothing but what -y said it left
#	-p    before all that: after it, -n finds nothing that was not there before
#	undo  brings back names, inode numbers, content, xattrs, owners, modes and times (not ctime)
#	      after each of them
#
# WORDS OF A CASE
#	repaired 'COMMANDS'    true in the overlay, mounted after -y on a fresh copy of the case
#	preened 'COMMANDS'     the same after -p, which must exit 1
#	chosen 'ANSWER...' 'COMMANDS'   the same after these answers at a terminal, which must not exit 0
#	leaves                 -y exits 4: what it leaves it leaves on purpose
#	repair_args ARG...     more arguments of fsck.overlay when it repairs
#	converts [-o OPT,...] TARGET ['COMMANDS']   the run is a conversion: for a kernel (--to) or without
#	                       features (-O ^...). On a fresh copy: after -y a mount with the options that
#	                       were printed and every optional feature off shows what one with all of them
#	                       on (-o: these) showed before, COMMANDS are true there, and a second run does
#	                       nothing. With 'leaves' nothing at all may be written.
#	no_repair REASON       the layers cannot be written to, or not be compared afterwards

# R_COMMANDS holds mode and commands, in turn.
wants_repair() {
	[ $# -eq 2 ] || broken "$1 needs one argument"
	no_bang "$2"
	R_COMMANDS+=("$1" "$2")
}
repaired() { wants_repair -y "$@"; }
chosen() { wants_repair "ask $1" "$2"; }
preened() { wants_repair -p "$@"; }
leaves() { R_LEAVES=yes; }
repair_args() { R_ARGS+=("$@"); }
no_repair() { R_NOT=$1; }
converts() {
	if [ "$1" = -o ]; then
		R_FEATURES=$2
		shift 2
	fi
	case $1 in
	^*) target -O "$1" ;;
	*) target "--to=$1" ;;
	esac
	wants_repair convert "${2:-:}"
}

# layer_sums FILE: what undo must bring back. The work directory without our own folder in it, and
# without work/, which every mount makes anew.
layer_sums() {
	local tree status=0 trees=()
	for tree in "$C_DIR"/lower* "$C_DIR"/data* "$C_DIR"/upper; do
		[ ! -d "$tree" ] || trees+=("$tree")
	done
	kit_treesum -x ctime,dirsize "${trees[@]}" >"$1" || status=$?
	[ "$status" -le 1 ] || broken "cannot list the layers"
	[ ! -d "$C_DIR/work" ] ||
		kit_treesum -x ctime,dirsize "$C_DIR/work" |
		grep -vE '^(/|/work|/work/incompat|/\.fsck\.overlay) d ' >>"$1" || :
}

# slugs FILE: "PLACE SLUG" of all findings that a report shows as not corrected.
left_findings() {
	sed -nE -e '/\? yes$/d' \
		-e 's/^((overlay|work|index|upper|lower[0-9]+|data[0-9]+)(:.*)?): .*\(([a-z0-9-]+)\)(\..*\? .*)?$/\1 \4/p' \
		"$1" | sort -u
}

# fsck_repairs OUT MODE...
fsck_repairs() {
	local target=("${C_TARGET[@]}")
	[ "$2" != --undo ] || target=()
	option_string "$C_OPTIONS"
	kit_fsck "$1" "${@:2}" -o "$REPLY" "${C_ARGS[@]}" "${target[@]}" "${R_ARGS[@]}"
	! kit_crashed "$1" || wrong "it crashed ($2)"
}

# fsck_asks OUT ANSWERS: each answer, a word, is a line at the terminal.
fsck_asks() {
	local typed
	printf -v typed '%s\n' ${2// /$'\n'}
	option_string "$C_OPTIONS"
	KIT_STATUS=0
	printf '%s' "$typed" |
		TERM=dumb timeout 60 script -qec "exec $(printf '%q ' "$FSCK" -o "$REPLY" "${C_ARGS[@]}" "${R_ARGS[@]}")" /dev/null \
			>"$1" 2>"$1.err" || KIT_STATUS=$?
	! kit_crashed "$1" || wrong "it crashed (asking)"
}

# Nothing is found that was not left. $1: mode, $2: what it printed.
second_run() {
	local new
	left_findings "$2" >"$OUT/left"
	fsck_repairs "$OUT/second" -n
	left_findings "$OUT/second" >"$OUT/again"
	new=$(comm -13 "$OUT/left" "$OUT/again")
	[ -z "$new" ] || wrong "found only after $1: $new"
}

take_back() {
	local journals=("$C_DIR"/work/.fsck.overlay/*/journal)
	[ -e "${journals[0]}" ] || return 0
	fsck_repairs "$OUT/dry" --undo -n
	fsck_repairs "$OUT/undo" --undo
	sed 's/would be taken back/taken back/' "$OUT/dry" | cmp -s - "$OUT/undo" ||
		wrong "undo -n of $1 tells something else: $(cat "$OUT/dry" "$OUT/dry.err")"
	[ "$KIT_STATUS" -eq 0 ] || wrong "undo of $1: exit status $KIT_STATUS: $(cat "$OUT/undo" "$OUT/undo.err")"
	layer_sums "$OUT/undone"
	cmp -s "$OUT/damaged" "$OUT/undone" ||
		wrong "undo of $1 does not bring back: $(diff "$OUT/damaged" "$OUT/undone")"
}

# one_mode -p|-y
one_mode() {
	local status
	C_DOING="repairing with $1"
	fsck_repairs "$OUT/repair$1" "$1"
	status=$KIT_STATUS
	case $status in
	0 | 1 | 4) ;;
	8)
		grep -qE 'in use|read-only|-z DIR' "$OUT/repair$1.err" || wrong "$1 cannot work: $(cat "$OUT/repair$1.err")"
		;;
	*) wrong "$1: exit status $status: $(cat "$OUT/repair$1.err")" ;;
	esac
	if [ "$status" -ne 8 ]; then
		second_run "$1" "$OUT/repair$1"
		[ "$status" -ne 1 ] || [ "$KIT_STATUS" -eq 0 ] || wrong "$1 says all is corrected, -n does not"
	fi
	take_back "$1"
	[ "$1" != -y ] || [ -z "$R_LEAVES" ] || [ "$status" -eq 4 ] || wrong "-y: exit status $status instead of 4"
	[ "$1" != -y ] || [ -n "$R_LEAVES" ] || [[ " ${R_COMMANDS[*]} " != *" -y "* ]] || [ "$status" -eq 1 ] ||
		wrong "-y: exit status $status instead of 1: $(cat "$OUT/repair$1")"
}

repair_contract() {
	[ -z "$R_NOT" ] || return 0
	layer_sums "$OUT/damaged"
	one_mode -p
	one_mode -y
}

# repair_and_look FILE MODE COMMANDS: on a fresh copy of the case.
repair_and_look() {
	local want=1
	kit_remove "$C_DIR"
	C_DIR=
	rm -rf "$OUT/fresh"
	forget_case
	# shellcheck disable=SC1090
	. "$1"
	case $2 in
	convert)
		convert_and_look "$3"
		return
		;;
	ask*)
		command -v script >/dev/null || return 0
		make_dirs
		layer_sums "$OUT/damaged"
		fsck_asks "$OUT/fresh" "${2#ask }"
		take_back "'$2'"
		fsck_asks "$OUT/fresh" "${2#ask }"
		case $KIT_STATUS in
		1 | 4) ;;
		*) wrong "$2: exit status $KIT_STATUS: $(cat "$OUT/fresh" "$OUT/fresh.err")" ;;
		esac
		show_symptom "$C_OPTIONS" "$3"
		return
		;;
	esac
	fsck_repairs "$OUT/fresh" "$2"
	[ -z "$R_LEAVES" ] || [ "$2" = -p ] || want=4
	[ "$KIT_STATUS" -eq "$want" ] || wrong "$2: exit status $KIT_STATUS instead of $want: $(cat "$OUT/fresh" "$OUT/fresh.err")"
	show_symptom "$C_OPTIONS" "$3"
}

# What users see in a mount with these options; names of one file share the first of them.
merged_view() {
	if ! kit_mount "$2" "$C_DIR/mnt" 2>"$OUT/mount.err"; then
		wrong "cannot be mounted with $2: $(cat "$OUT/mount.err")"
		return
	fi
	kit_treesum -x view -w atime,holes,same "$C_DIR/mnt" |
		sed -E '/^[^ ]+ f /!s/ atime=[^ ]*//' |
		perl -e 'my @lines = <>; my (%n, %first);
			/ same=(\S+)/ and $n{$1}++ for @lines;
			for (@lines) {
				my ($path) = /^(\S+)/;
				s/ same=(\S+)/$n{$1} > 1 ? " same=" . ($first{$1} \/\/= $path) : ""/e;
				print;
			}' >"$1"
	kit_unmount "$C_DIR/mnt"
}

# with_features OPTIONS on|off: these, and the optional features that they do not name
with_features() {
	local word all=$1 on=(redirect_dir=on metacopy=on)
	local off=(redirect_dir=nofollow metacopy=off index=off nfs_export=off xino=off)
	# An index is used where there is one; it is not made for the look.
	[ ! -d "$C_DIR/work/index" ] || on+=(index=on)
	[ "$2" = off ] || off=("${on[@]}")
	case ,$1, in
	*,userxattr,*) off=(index=off xino=off) ;;
	esac
	for word in "${off[@]}"; do
		[[ ,$all == *",${word%=*}="* ]] || all+=,$word
	done
	REPLY=$all
}

# Everything that a conversion could write to, journals included.
whole_sums() {
	local tree trees=()
	for tree in "$C_DIR"/lower* "$C_DIR"/data* "$C_DIR"/upper "$C_DIR"/work; do
		[ ! -d "$tree" ] || trees+=("$tree")
	done
	tree_sum "$1" "${trees[@]}"
}

nothing_written() {
	whole_sums now
	cmp -s "$OUT/whole" "$OUT/now" || wrong "$1 wrote something: $(diff "$OUT/whole" "$OUT/now")"
}

# Nobody shall lose anything by a conversion: what cannot be done whole is not begun.
refuse_conversion() {
	whole_sums whole
	fsck_repairs "$OUT/fresh" -y
	[ "$KIT_STATUS" -eq 4 ] || wrong "conversion: exit status $KIT_STATUS instead of 4"
	nothing_written "a conversion that leaves something"
}

convert_and_look() {
	local commands=$1 printed
	option_string "$C_OPTIONS"
	if [ -n "$R_FEATURES" ]; then REPLY+=,$R_FEATURES; else with_features "$REPLY" on; fi
	# The mount empties it.
	[ ! -d "$C_DIR/work/work" ] || cp -a "$C_DIR/work/work" "$OUT/work.kept"
	merged_view "$OUT/view.before" "$REPLY"
	if [ -d "$OUT/work.kept" ]; then
		rm -rf "$C_DIR/work/work"
		mv "$OUT/work.kept" "$C_DIR/work/work"
	fi
	if [ -n "$R_LEAVES" ]; then
		refuse_conversion
		return
	fi
	fsck_repairs "$OUT/fresh" -p
	[ "$KIT_STATUS" -eq 1 ] || wrong "conversion: exit status $KIT_STATUS instead of 1: $(cat "$OUT/fresh" "$OUT/fresh.err")"
	printed=$(sed -n 's/^mount options for [^:]*: //p' "$OUT/fresh")
	if [ -z "$printed" ]; then
		wrong "no mount options were printed: $(cat "$OUT/fresh")"
		return
	fi
	whole_sums whole
	fsck_repairs "$OUT/once.more" -y
	[ "$KIT_STATUS" -eq 0 ] || wrong "a second conversion: exit status $KIT_STATUS: $(cat "$OUT/once.more")"
	nothing_written "a second conversion"
	with_features "$printed" off
	printed=$REPLY
	merged_view "$OUT/view.after" "$printed"
	cmp -s "$OUT/view.before" "$OUT/view.after" ||
		wrong "converted, it shows something else: $(diff "$OUT/view.before" "$OUT/view.after")"
	kit_mount "$printed" "$C_DIR/mnt" 2>"$OUT/mount.err" || return 0 # (told above)
	(
		set -e
		in_dir mnt "$commands"
	) || wrong "converted, this is not so: $commands: $(tail -n 3 "$OUT/log")"
	kit_unmount "$C_DIR/mnt"
}

look_at_repairs() {
	local file=$1 commands=("${R_COMMANDS[@]}") i
	for ((i = 0; i < ${#commands[@]}; i += 2)); do
		C_DOING="looking at the repair with ${commands[i]}"
		repair_and_look "$file" "${commands[i]}" "${commands[i + 1]}"
	done
}
