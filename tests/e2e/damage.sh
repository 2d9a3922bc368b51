#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Every kind of damage, planted in random overlays that the kernel made: the check names that object
# and that problem, and judges nothing else otherwise than before.
#
# For each seed and file system ovl-random makes an overlay, which must be clean. Then, for each
# problem of the table, ovl-damage makes one object have it and says what must be found; after
# fsck.overlay -n and -n -v the damage is taken back. The two reports are compared with those of
# the sound overlay: what came must be exactly what ovl-damage said, and nothing may be gone. The
# program must exit with 4, or with 0 if there is nothing but information, and change nothing.
# For what none of these overlays has a place, some more are searched.
#
#	OVL_SEEDS=N      how many overlays a file system (3; with OVL_LONG=1 150)
#	OVL_FIRST=N      the first seed (1)
#	OVL_FS="..."     on what (ext4 xfs btrfs tmpfs)
#	OVL_SLUGS="..."  which problems (all that can be planted)
#	OVL_JOBS=N       how many at a time (one a processor)
#
# A failure says how to come there again by hand.

# shellcheck source=kit.sh
. "$(dirname "$0")/kit.sh"
# shellcheck source=findings_kit.sh
. "$(dirname "$0")/findings_kit.sh"
kit_start "$@"

seeds=${OVL_SEEDS:-$([ -n "${OVL_LONG:-}" ] && echo 150 || echo 3)}
first=${OVL_FIRST:-1}
more=16 # that are searched
jobs=${OVL_JOBS:-$(nproc)}
read -r -a kinds <<<"${OVL_FS:-ext4 xfs btrfs tmpfs}"
for tool in ovl-random ovl-damage; do
	[ -x "$KIT_TOOLS/$tool" ] || kit_broken "no $tool in $KIT_TOOLS"
done
mapfile -t known < <("$KIT_TOOLS/ovl-damage" -l)
known+=(layout-copied) # by this script
read -r -a slugs <<<"${OVL_SLUGS:-${known[*]}}"
# Digests need a library that may be missing.
can_digest() {
	[ ! -e "$KIT_BUILD/config.h" ] || grep -q '^#define HAVE_LIBFSVERITY' "$KIT_BUILD/config.h"
}
can_digest || {
	mapfile -t slugs < <(printf '%s\n' "${slugs[@]}" | grep -vx meta-digest-mismatch)
	kit_skip meta-digest-mismatch "built without libfsverity"
}
findings_start

# What no single object of an overlay can have: how the layers lie, what else runs on the machine,
# what cannot be read, what only another kernel would mind.
elsewhere='env-.* layout-.* convert-.* unreadable changed'

# --- what the program finds --------------------------------------------------------------------

# check_both OUT OPTIONS: the runs with -n and with -n -v; what is found goes to OUT.n and OUT.v,
# the exit status to $REPLY. Complaints go to standard output.
check_both() {
	local out=$1 status
	kit_fsck "$out.report" -n -o "$2"
	! kit_crashed "$out.report" || { echo "crashed:" && cat "$out.report.err"; }
	findings "$out.report" >"$out.n"
	status=$KIT_STATUS
	kit_fsck "$out.report" -n -v -o "$2"
	! kit_crashed "$out.report" || { echo "crashed:" && cat "$out.report.err"; }
	findings "$out.report" >"$out.v"
	[ "$status" -eq "$KIT_STATUS" ] || echo "exit status $status, but $KIT_STATUS with -v"
	REPLY=$status
}

# differ WHAT WANTED FOUND: two sorted files should be equal; says how they are not.
differ() {
	cmp -s "$2" "$3" && return
	comm -23 "$2" "$3" | sed "s/^/$1, not found: /"
	comm -13 "$2" "$3" | sed "s/^/$1, found in vain: /"
}

# compare OUT SOUND STATUS: is what came since SOUND what OUT.expect says? Complaints go to
# standard output.
compare() {
	local out=$1 sound=$2 status=0
	sed -n 's/^problem //p' "$out.expect" | sort >"$out.problems"
	sed -n 's/^\(problem\|info\) //p' "$out.expect" | sort >"$out.all"
	comm -13 "$sound.n" "$out.n" >"$out.came"
	differ "with -n" "$out.problems" "$out.came"
	comm -13 "$sound.v" "$out.v" >"$out.came"
	if grep -qx more "$out.expect"; then
		comm -12 "$out.all" "$out.came" >"$out.came.all"
		mv "$out.came.all" "$out.came"
	fi
	differ "with -n -v" "$out.all" "$out.came"
	grep -qx less "$out.expect" || comm -23 "$sound.v" "$out.v" | sed 's/^/gone: /'
	[ ! -s "$out.problems" ] || status=4
	[ "$3" -eq "$status" ] || echo "exit status $3 instead of $status"
}

# --- one overlay -------------------------------------------------------------------------------

# again KIND SEED SLUG OPTIONS: how to come there once more.
again() {
	printf 'again: OVL_FS=%s OVL_FIRST=%s OVL_SEEDS=1 OVL_SLUGS=%s %s\n' "$1" "$2" "$3" "$0"
	printf 'by hand, on %s: ovl-random -s %s %s DIR; ovl-damage DIR %s %s\n' \
		"$1" "$2" "${args[*]}" "$3" "$2"
	tr , '\n' <<<"$4"
}

# check_damaged OUT SOUND OPTIONS LAYER...: the runs on a damaged overlay; complaints go to
# standard output.
check_damaged() {
	local out=$1 sound=$2 options=$3
	shift 3
	kit_treesum "$@" >"$out.before" || echo "cannot list the layers"
	check_both "$out" "$options"
	compare "$out" "$sound" "$REPLY"
	kit_treesum "$@" >"$out.after"
	cmp -s "$out.before" "$out.after" || {
		echo "the check changed something:"
		diff "$out.before" "$out.after" | head -n 20
	}
}

# check_repaired OUT OPTIONS LAYER...: -y, a second look that finds only what was left, and undo;
# complaints go to standard output.
check_repaired() {
	local out=$1 options=$2 work=${*: -1}
	shift 2
	layer_sums "$@" >"$out.before"
	kit_fsck "$out.report" -y -o "$options"
	! kit_crashed "$out.report" || { echo "-y crashed:" && cat "$out.report.err"; }
	case $KIT_STATUS in
	0 | 1 | 4) ;;
	*) echo "-y: exit status $KIT_STATUS: $(cat "$out.report.err")" ;;
	esac
	left "$out.report" >"$out.n"
	[ "$KIT_STATUS" -ne 1 ] || [ ! -s "$out.n" ] || echo "-y says that all is corrected"
	kit_fsck "$out.report" -n -o "$options"
	findings "$out.report" >"$out.v"
	comm -13 "$out.n" "$out.v" | sed 's/^/found only after -y: /'
	# Not deeper: reading what was set aside would change its access times.
	if [ -n "$(find "$work/.fsck.overlay" -maxdepth 2 -name journal 2>/dev/null)" ]; then
		kit_fsck "$out.report" --undo -o "$options"
		[ "$KIT_STATUS" -eq 0 ] || echo "undo: exit status $KIT_STATUS: $(cat "$out.report" "$out.report.err")"
	fi
	layer_sums "$@" >"$out.after"
	cmp -s "$out.before" "$out.after" || {
		echo "undo does not bring back:"
		diff "$out.before" "$out.after" | head -n 20
	}
}

# plant_one SLUG SEED DIR OUT: plants one damage, checks it, takes it back. Returns 1 if this
# overlay cannot have it. Complaints go to OUT.wrong.
plant_one() {
	local slug=$1 seed=$2 dir=$3 out=$4 status=0
	"$KIT_TOOLS/ovl-damage" "$dir" "$slug" "$seed" >"$out.expect" 2>"$out.log" || status=$?
	[ "$status" -ne 77 ] || return 1
	if [ "$status" -eq 0 ]; then
		check_damaged "$out" "$dir.out/sound" "$options" "${layers[@]}" >"$out.wrong"
		case $options in
		*,upperdir=*) check_repaired "$out" "$options" "${layers[@]}" >>"$out.wrong" ;;
		esac
	else
		cat "$out.log" >"$out.wrong"
	fi
	"$KIT_TOOLS/ovl-damage" -u "$dir" >>"$out.wrong" 2>&1
}

# copy_all SEED DIR OUT: the layers are copied; with an odd seed, the originals are gone after.
# Returns 1 if nothing in the overlay can tell. Complaints go to OUT.wrong.
copy_all() {
	local seed=$1 dir=$2 out=$3 layer copies=() root
	case $options in
	*,upperdir=*,userxattr*) root=user.overlay.origin ;;
	*,upperdir=*) root=trusted.overlay.origin ;;
	*) return 1 ;;
	esac
	layer=${layers[${#layers[@]} - 2]} # the last is the work directory
	[ -n "$(getfattr -h -n "$root" --only-values "$layer" 2>/dev/null | tr -d '\0')" ] || return 1
	cp -a "$dir" "$dir.copy" 2>"$out.wrong"
	for layer in "${layers[@]}"; do copies+=("$dir.copy${layer#"$dir"}"); done
	[ $((seed % 2)) -eq 0 ] || rm -rf "$dir"
	printf 'problem layout-copied overlay\nless\nmore\n' >"$out.expect"
	check_damaged "$out" "$dir.out/sound" "${options//"$dir/"/"$dir.copy/"}" "${copies[@]}" \
		>>"$out.wrong"
	rm -rf "$dir.copy"
}

# damage_overlay KIND SEED DIR: all problems, one after the other; results go to out/KIND.SLUG.SEED.
damage_overlay() {
	local kind=$1 seed=$2 dir=$3 out slug options layers
	options=$(cat "$dir/options")
	mapfile -d '' layers <"$dir/layers"
	check_both "$dir.out/sound" "$options" >"$dir.out/wrong"
	[ "$REPLY" -eq 0 ] || echo "not clean before anything was done: exit status $REPLY" >>"$dir.out/wrong"
	cat "$dir.out/sound.n" >>"$dir.out/wrong"
	for slug in "${slugs[@]}"; do
		out=$KIT_DIR/out/$kind.$slug.$seed
		case $slug in
		layout-copied) continue ;; # nothing is left to be damaged then
		*) plant_one "$slug" "$seed" "$dir" "$out" || continue ;;
		esac
		finish_one "$kind" "$seed" "$slug" "$out"
	done
	check_both "$dir.out/back" "$options" >>"$dir.out/wrong"
	differ "after all was taken back" "$dir.out/sound.v" "$dir.out/back.v" >>"$dir.out/wrong"
	out=$KIT_DIR/out/$kind.layout-copied.$seed
	case " ${slugs[*]} " in
	*" layout-copied "*)
		copy_all "$seed" "$dir" "$out" && finish_one "$kind" "$seed" layout-copied "$out"
		;;
	esac
}

# finish_one KIND SEED SLUG OUT: keeps what is wrong, and that it was tried.
finish_one() {
	local out=$4
	if [ -s "$out.wrong" ]; then
		{
			again "$1" "$2" "$3" "$options"
			echo "expected:"
			cat "$out.expect"
		} >>"$out.wrong"
	else
		rm -f "$out.wrong"
	fi
	rm -f "$out".{expect,log,report,report.err,n,v,problems,all,came,before,after}
	: >"$out.done"
}

# never_planted KIND: the problems that no overlay had a place for yet, but may have.
never_planted() {
	local slug
	for slug in "${slugs[@]}"; do
		compgen -G "$KIT_DIR/out/$1.$slug.*.done" >/dev/null || echo "$slug"
	done
}

# run_seed KIND SEED: one overlay from its making to its end.
run_seed() {
	local kind=$1 seed=$2 dir=${where[$1]}/$1.$2 args=() status=0
	local slugs=("${slugs[@]}")
	if [ -n "$missing_only" ]; then
		mapfile -t slugs < <(never_planted "$kind")
		[ "${#slugs[@]}" -gt 0 ] || return
	fi
	# Every other overlay is not looked at once more: that would make its directories complete.
	[ $((seed / 2 % 2)) -eq 0 ] || args+=(-q)
	mkdir "$dir" "$dir.out"
	"$KIT_TOOLS/ovl-random" -s "$seed" "${args[@]}" "$dir" >"$dir.out/wrong" 2>&1 || status=$?
	if [ "$status" -eq 0 ]; then
		damage_overlay "$kind" "$seed" "$dir"
	else
		echo "ovl-random: exit status $status" >>"$dir.out/wrong"
	fi
	[ ! -s "$dir.out/wrong" ] || {
		again "$kind" "$seed" none "${options:-}"
		cat "$dir.out/wrong"
	} >"$KIT_DIR/out/$kind..$seed.wrong"
	: >"$KIT_DIR/out/$kind..$seed.done"
	kit_remove "$dir"
	rm -rf "$dir.out"
}

# --- the run -----------------------------------------------------------------------------------

declare -A where why
missing_only=
for kind in "${kinds[@]}"; do
	if kit_fs "$kind"; then where[$kind]=$REPLY; else why[$kind]=$REPLY; fi
done
mkdir "$KIT_DIR/out"
# run_jobs FROM TO: so many seeds on every file system, several jobs at a time.
run_jobs() {
	local job n kind
	for ((job = 0; job < jobs; job++)); do
		(
			trap - EXIT
			for ((n = $1 * ${#kinds[@]} + job; n < $2 * ${#kinds[@]}; n += jobs)); do
				kind=${kinds[n % ${#kinds[@]}]}
				[ -n "${why[$kind]:-}" ] || run_seed "$kind" $((first + n / ${#kinds[@]}))
			done
		) &
	done
	wait
}
run_jobs 0 "$seeds"
missing_only=1
run_jobs "$seeds" $((seeds + more))

# --- the results -------------------------------------------------------------------------------

missing=$(cut -d' ' -f1 "$KIT_DIR/problems" | grep -vxE "${elsewhere// /|}" |
	grep -vxF "$(printf '%s\n' "${known[@]}")")
kit_check "every problem that an object can have is planted" test -z "$missing"
[ -z "$missing" ] || kit_diag "$missing"

# judge KIND SLUG WHAT: one line for all seeds.
judge() {
	local seed out count=0 bad=0
	for ((seed = first; seed < first + seeds + more; seed++)); do
		out=$KIT_DIR/out/$1.$2.$seed
		[ ! -e "$out.done" ] || count=$((count + 1))
		[ -e "$out.wrong" ] || continue
		bad=$((bad + 1))
		kit_fail "$1, $3, seed $seed" "$out.wrong"
	done
	[ "$bad" -eq 0 ] || return
	if [ "$count" -gt 0 ]; then
		kit_ok "$1, $3: $count overlays"
	else
		kit_skip "$1, $3" "none of these overlays has a place for it"
	fi
}

for kind in "${kinds[@]}"; do
	if [ -n "${why[$kind]:-}" ]; then
		kit_skip "$kind" "${why[$kind]}"
		continue
	fi
	for ((seed = first; seed < first + seeds; seed++)); do
		[ -e "$KIT_DIR/out/$kind..$seed.done" ] ||
			echo "the run of this seed did not end" >"$KIT_DIR/out/$kind..$seed.wrong"
	done
	judge "$kind" "" "sound before and after"
	for slug in "${slugs[@]}"; do judge "$kind" "$slug" "$slug"; done
done
kit_done
