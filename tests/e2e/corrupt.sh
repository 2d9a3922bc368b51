#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Blind corruption of random overlays that the kernel made: whatever it is, the repair leaves an
# overlay that mounts, shows what it showed but for what was found, and can be taken back.
#
# For each seed and file system ovl-random makes an overlay and ovl-corrupt corrupts one artefact of
# it, or a few. What the overlay shows then is recorded through a mount, which may clean things away,
# so it is a mount of a copy of the whole file system (of tmpfs there is no copy: there every other
# seed is mounted before, and the others are not). Then:
#
#   -n        says what is wrong, changes nothing;
#   -y        a second -n finds nothing but what -y left, and exits with 0 or 4 accordingly;
#   a mount   shows the same, but for the objects that a finding named;
#   --undo    the layers are again as they were;
#   -p        of a copy: leaves no less than -y, and the mount shows the same.
#
# At the end the test of the test: the same with a repair that removes a file, and with one that changes
# a file, both of which must be noticed.
#
#	OVL_SEEDS=N   how many overlays a file system (4; with OVL_LONG=1 300)
#	OVL_FIRST=N   the first seed (1)
#	OVL_FS="..."  on what (ext4 xfs btrfs tmpfs)
#	OVL_JOBS=N    how many at a time (one a processor)
#
# A failure says how to come there again by hand.

# shellcheck source=kit.sh
. "$(dirname "$0")/kit.sh"
# shellcheck source=findings_kit.sh
. "$(dirname "$0")/findings_kit.sh"
# shellcheck source=corrupt_kit.sh
. "$(dirname "$0")/corrupt_kit.sh"
[ -n "${CORRUPT_JOB:-}" ] || kit_start "$@"

seeds=${OVL_SEEDS:-$([ -n "${OVL_LONG:-}" ] && echo 300 || echo 4)}
first=${OVL_FIRST:-1}
jobs=${OVL_JOBS:-$(nproc)}
read -r -a kinds <<<"${OVL_FS:-ext4 xfs btrfs tmpfs}"
# finished KIND SEED: the report of a run -n, -p or -y must be of a program that knew what it did.
finished() {
	! kit_crashed "$OUT.$1" || { echo "$1 crashed:" && cat "$OUT.$1.err"; }
	case $KIT_STATUS in
	0 | 4) return ;;
	1) [ "$1" = n ] || return ;;
	8 | 12) refused "$OUT.$1.err" && return ;;
	esac
	echo "$1: exit status $KIT_STATUS: $(cat "$OUT.$1.err")"
}

# look: what the check says of the corrupted overlay, and that it changes nothing.
look() {
	local status
	kit_fsck "$OUT.n" -n -v -o "$OPTIONS"
	finished n
	status=$KIT_STATUS
	named "$OUT.n" | other_names "${layers[-2]}" >"$OUT.named"
	kit_fsck "$OUT.json" -n --json -o "$OPTIONS"
	[ "$KIT_STATUS" -eq "$status" ] || echo "-n -v: exit status $status, but $KIT_STATUS with --json"
	grep -qx "\"exit_code\": $status" "$OUT.json" || [ $((status & 8)) -ne 0 ] ||
		echo "--json tells another exit status"
	layer_sums "${layers[@]}" >"$OUT.after"
	same "the check changes" before after
}

# again_clean WHAT: what a run with -n says after -y or -p that left what is in OUT.left.
again_clean() {
	local status=$1 what=$2
	kit_fsck "$OUT.n2" -n -o "$OPTIONS"
	finished n2
	findings "$OUT.n2" >"$OUT.found2"
	comm -13 "$OUT.left" "$OUT.found2" | sed "s/^/found only after $what: /"
	comm -23 "$OUT.left" "$OUT.found2" | sed "s/^/left by $what, but not found again: /"
	[ $((status & 4)) -eq $((KIT_STATUS & 4)) ] ||
		echo "$what: exit status $status, but the next run has $KIT_STATUS"
}

# shown MODE: what the overlay shows after it.
shown() {
	view "$OUT.view2"
	if [ -s "$OUT.refused" ]; then
		[ "$status" -eq 4 ] || echo "after $1, exit status $status: $(cat "$OUT.refused")"
	elif [ -e "$OUT.view" ]; then
		differing "$OUT.view" "$OUT.view2" >"$OUT.differ"
	fi
}

# nothing_lost MODE: every file is still there, wherever it was moved.
nothing_lost() {
	kit_treesum -x ctime,dirsize "${layers[@]}" >"$OUT.after"
	comm -23 <(files <"$OUT.before") <(files <"$OUT.after") | sed "s/^/after $1 gone: /"
}

# take_back MODE: --undo brings back the layers.
take_back() {
	if has_journal "${layers[-1]}"; then
		kit_fsck "$OUT.undo" --undo -o "$OPTIONS"
		[ "$KIT_STATUS" -eq 0 ] ||
			echo "undo of $1: exit status $KIT_STATUS: $(cat "$OUT.undo" "$OUT.undo.err")"
	fi
	layer_sums "${layers[@]}" >"$OUT.after"
	same "undo of $1 does not bring back:" before after
}

# repair MODE: -p or -y, the run after it, the mount, and all taken back.
repair() {
	local status
	kit_fsck "$OUT.r" "$1" -o "$OPTIONS"
	finished r
	status=$KIT_STATUS
	left "$OUT.r" >"$OUT.left"
	nothing_lost "$1"
	[ $((status & 8)) -ne 0 ] || again_clean "$status" "$1"
	if [ $((status & 8)) -eq 0 ] && can_copy; then
		copy_out
		shown "$1"
		copy_back
	fi
	take_back "$1"
	judge_view "$1"
}

# repair_for_good: where nothing can be copied the mount comes last.
repair_for_good() {
	local status
	kit_fsck "$OUT.r" -y -o "$OPTIONS"
	status=$KIT_STATUS
	[ $((status & 8)) -eq 0 ] || return 0
	shown -y
	judge_view -y
}

# judge_view MODE: only what a finding names may be shown otherwise.
judge_view() {
	[ -s "$OUT.differ" ] || return 0
	unexplained "$OUT.differ" >"$OUT.unexplained"
	: >"$OUT.differ"
	[ ! -s "$OUT.unexplained" ] || {
		echo "after $1 the overlay shows something else that no finding names:"
		grep -hFf <(head -n 10 "$OUT.unexplained" | sed 's/$/ /') "$OUT.view" "$OUT.view2" | sort
	}
}

# corrupted SEED: all that is done with the overlay; complaints go to standard output.
corrupted() {
	local layers
	mapfile -d '' layers <"$DIR/layers"
	if can_copy; then
		copy_out
		view "$OUT.view"
		copy_back
	elif [ $(($1 % 2)) -eq 0 ]; then
		view "$OUT.view"
	fi
	layer_sums "${layers[@]}" >"$OUT.before"
	look
	repair -p
	repair -y
	can_copy || repair_for_good
}

# run_seed KIND SEED: one overlay from its making to its end.
run_seed() {
	local kind=$1 seed=$2 args=() count=1 status=0 OUT DIR OPTIONS
	OUT=$KIT_DIR/out/$kind.$seed
	[ $((seed / 2 % 2)) -eq 0 ] || args+=(-q)
	[ $((seed % 4)) -ne 3 ] || count=$((2 + seed % 13))
	{
		place "$kind" "$seed"
		"$KIT_TOOLS/ovl-random" -s "$seed" "${args[@]}" "$DIR" || status=$?
		[ "$status" -ne 0 ] || "$KIT_TOOLS/ovl-corrupt" "$DIR" "$seed" "$count" >"$OUT.did" ||
			status=$?
	} >"$OUT.wrong" 2>&1
	case $status in
	0)
		OPTIONS=$(cat "$DIR/options")
		corrupted "$seed" >>"$OUT.wrong" 2>&1
		;;
	77) ;;
	*) echo "exit status $status" >>"$OUT.wrong" ;;
	esac
	[ ! -s "$OUT.wrong" ] || {
		printf 'again: OVL_FS=%s OVL_FIRST=%s OVL_SEEDS=1 %s\n' "$kind" "$seed" "$0"
		printf 'by hand, on %s: ovl-random -s %s %s DIR; ovl-corrupt DIR %s %s\n' \
			"$kind" "$seed" "${args[*]}" "$seed" "$count"
		cat "$OUT.did"
		printf '%s\n' "$OPTIONS"
		grep -vE '^    effect:|^(upper|index|lower[0-9]+|data[0-9]+): ' "$OUT.n" |
			sed '/(xattr-lower-stale)$/,+2d' | head -n 100
	} >>"$OUT.wrong" 2>&1
	displace
	: >"$OUT.done"
	[ -n "${KIT_KEEP:-}" ] || find "$KIT_DIR/out" -name "$kind.$seed.*" \
		! -name '*.wrong' ! -name '*.done' -delete
}

# A job has a mount namespace of its own: otherwise its mounts would stay a while in those that the
# programs of the other jobs make for themselves.
if [ -n "${CORRUPT_JOB:-}" ]; then
	for ((n = CORRUPT_JOB; n < seeds * ${#kinds[@]}; n += jobs)); do
		run_seed "${kinds[n % ${#kinds[@]}]}" $((first + n / ${#kinds[@]}))
	done
	exit 0
fi

can=()
for tool in ovl-random ovl-corrupt; do
	[ -x "$KIT_TOOLS/$tool" ] || kit_broken "no $tool in $KIT_TOOLS"
done
corrupt_start "${kinds[@]}"
for kind in "${kinds[@]}"; do
	[ -n "${why[$kind]:-}" ] || can+=("$kind")
done
# run_job JOB JOBS KINDS PROGRAM
run_job() {
	CORRUPT_JOB=$1 OVL_JOBS=$2 OVL_FS=$3 KIT_DIR=$KIT_DIR FSCK_OVERLAY=$4 \
		unshare -m --propagation private -- "$BASH" "$0"
}
for ((job = 0; job < jobs && ${#can[@]} > 0; job++)); do
	run_job "$job" "$jobs" "${can[*]}" "$FSCK" &
done
wait

# wrong_repair NAME COMMAND COMPLAINT: with a program that does COMMAND to a file of the upper after it has
# repaired, one of a few runs must complain so. Their seeds give an upper with a file that holds something,
# and no comma in its name.
wrong_repair() {
	local seed of=(1000012 1000016 1000017 1000021)
	cat >"$KIT_DIR/wrong" <<-EOF
		#!/bin/bash
		'$FSCK' "\$@"
		status=\$?
		[[ " \$* " = *" -y "* && " \$* " =~ upperdir=([^,]*) ]] &&
			file=\$(find "\${BASH_REMATCH[1]}" -type f -exec grep -qa '[[:print:]]' {} \\; -print | sort | head -n 1) && [ -n "\$file" ] &&
			$2 "\$file"
		exit \$status
	EOF
	chmod 755 "$KIT_DIR/wrong"
	: >"$KIT_DIR/complaints"
	for seed in "${of[@]}"; do
		OVL_FIRST=$seed OVL_SEEDS=1 run_job 0 1 "${can[0]}" "$KIT_DIR/wrong"
		cat "$KIT_DIR/out/${can[0]}.$seed.wrong" >>"$KIT_DIR/complaints"
		! grep -q "$3" "$KIT_DIR/complaints" || break
	done
	if grep -q "$3" "$KIT_DIR/complaints"; then
		kit_ok "$1 is noticed"
	else
		kit_fail "$1 is noticed" "$KIT_DIR/complaints"
	fi
}

for kind in "${kinds[@]}"; do
	if [ -n "${why[$kind]:-}" ]; then
		kit_skip "$kind" "${why[$kind]}"
		continue
	fi
	bad=0
	for ((seed = first; seed < first + seeds; seed++)); do
		OUT=$KIT_DIR/out/$kind.$seed
		[ -e "$OUT.done" ] || echo "the run of this seed did not end" >>"$OUT.wrong"
		[ -s "$OUT.wrong" ] || continue
		bad=$((bad + 1))
		kit_fail "$kind, seed $seed" "$OUT.wrong"
	done
	[ "$bad" -gt 0 ] || kit_ok "$kind: $seeds corrupted overlays"
done
if [ ${#can[@]} -gt 0 ]; then
	wrong_repair "a repair that removes a file" rm '^after -y gone: '
	wrong_repair "a repair that changes a mode" 'chmod 1234' '^after -y the overlay shows something else'
	wrong_repair "a repair that cannot be taken back" 'setfattr -n user.x -v y' '^undo of -y does not bring back'
fi
kit_done
