#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Random overlays that only the kernel made: the check finds nothing and changes nothing.
#
# For each seed ovl-random makes an overlay. Then fsck.overlay -n, with the options of the last
# mount and with the directories alone, must exit 0, print no finding, and leave every layer
# exactly as it was, atime and ctime included. A third of the seeds lie on a mount that updates
# every atime.
#
#	OVL_SEEDS=N   how many seeds (60; with OVL_LONG=1 5000)
#	OVL_FIRST=N   the first one (1)
#	OVL_FS="..."  on what: ext4 xfs btrfs tmpfs here, and ext4+squashfs, ext4+erofs, ext4+xfs,
#	              tmpfs+btrfs, xfs+overlay for a bottom lower on another file system (default:
#	              all of these but here)
#	OVL_JOBS=N    how many at a time (one a processor)
#	OVL_WILD=1    also with index and nfs_export switched off again on the way
#
# A seed that fails says how to make its overlay again by hand.

# shellcheck source=kit.sh
. "$(dirname "$0")/kit.sh"
kit_start "$@"

seeds=${OVL_SEEDS:-$([ -n "${OVL_LONG:-}" ] && echo 5000 || echo 60)}
first=${OVL_FIRST:-1}
jobs=${OVL_JOBS:-$(nproc)}
read -r -a kinds <<<"${OVL_FS:-ext4 xfs btrfs tmpfs ext4+squashfs ext4+erofs ext4+xfs tmpfs+btrfs xfs+overlay}"
read -r -a wild <<<"${OVL_WILD:+-w}"
[ -x "$KIT_TOOLS/ovl-random" ] || kit_broken "no ovl-random in $KIT_TOOLS"

# The file systems of a kind, made before the jobs start: where_KIND is the place for layers,
# strict_KIND the same with strictatime, bottom_KIND the place for the bottom lower.
declare -A where strict bottom why
prepare() {
	local kind=$1 upper=${1%+*} lower=${1#*+}
	kit_fs "$upper" || { why[$kind]=$REPLY && return; }
	where[$kind]=$REPLY
	strict[$kind]=$REPLY.strict
	[ -d "$REPLY.strict" ] || { mkdir "$REPLY.strict" && kit_strictatime "$REPLY" "$REPLY.strict"; } ||
		kit_broken "cannot mount with strictatime"
	case $kind in
	*+squashfs | *+erofs | *+overlay) bottom[$kind]=$lower ;;
	*+*)
		kit_fs "$lower" || { why[$kind]=$REPLY && return; }
		bottom[$kind]=$REPLY
		;;
	esac
}

# make_image KIND SEED DIR: an image of a random tree, mounted at DIR.image.
make_image() {
	local kind=$1 seed=$2 dir=$3 try
	# mkfs.erofs 1.5 fails on some of the trees (on long names, it seems): then take another.
	for try in 0 1 2 3 4 5 6 7; do
		rm -rf "$dir.tree"
		mkdir -p "$dir.tree" "$dir.image" || return 1
		"$KIT_TOOLS/ovl-random" -B -s $((seed + try * 1000000)) "$dir.tree" || return 1
		kit_image "${bottom[$kind]}" "$dir.tree" "$dir.image" && return
	done
	return 1
}

# make_inner SEED DIR: another overlay, mounted at DIR.image: read-only ones, and ones whose files
# have handles.
make_inner() {
	local options
	mkdir -p "$2.image" "$2.tree"/{lower1,lower2,upper,work} || return 1
	"$KIT_TOOLS/ovl-random" -B -s "$1" "$2.tree/lower1" || return 1
	"$KIT_TOOLS/ovl-random" -B -s $(($1 + 1000000)) "$2.tree/lower2" || return 1
	options=lowerdir=$2.tree/lower1:$2.tree/lower2
	[ $(($1 / 2 % 2)) -eq 0 ] ||
		options+=,upperdir=$2.tree/upper,workdir=$2.tree/work,index=on,nfs_export=on
	kit_mount "$options" "$2.image"
}

# make_bottom KIND SEED DIR: a tree for the bottom lower, on its own file system, at $REPLY.
make_bottom() {
	local kind=$1 seed=$2 dir=$3
	case $kind in
	*+squashfs | *+erofs)
		make_image "$kind" "$seed" "$dir" || return 1
		REPLY=$dir.image
		;;
	*+overlay)
		make_inner "$seed" "$dir" || return 1
		REPLY=$dir.image
		;;
	*)
		REPLY=${bottom[$kind]}/bottom.$kind.$seed
		mkdir "$REPLY" && "$KIT_TOOLS/ovl-random" -B -s "$seed" "$REPLY"
		;;
	esac
}

# check_once OUT WHAT OPTIONS: one run of the program; complaints go to standard output.
check_once() {
	kit_fsck "$1" -n -o "$3"
	[ "$KIT_STATUS" -eq 0 ] || printf '%s: exit status %s\n' "$2" "$KIT_STATUS"
	! kit_crashed "$1" || printf '%s: crashed\n' "$2"
	if [ "$KIT_STATUS" -ne 0 ] || kit_findings "$1" >"$1.found"; then
		sed "s/^/$2: /" "$1" "$1.err" | head -n 40
	fi
}

# check_overlay DIR OUT: checks what ovl-random left in DIR; complaints go to standard output.
check_overlay() {
	local layers
	mapfile -d '' layers <"$1/layers"
	kit_treesum "${layers[@]}" >"$2.before" || echo "cannot list the layers"
	check_once "$2.options" "with options" "$(cat "$1/options")"
	check_once "$2.dirs" "without options" "$(cat "$1/dirs")"
	kit_treesum "${layers[@]}" >"$2.after"
	cmp -s "$2.before" "$2.after" || {
		echo "the check changed something:"
		diff "$2.before" "$2.after" | head -n 20
	}
}

# run_seed SEED KIND OUT: one overlay; what is wrong with it is left in OUT.wrong.
run_seed() {
	local seed=$1 kind=$2 out=$3 dir args=("${wild[@]}") status=0
	dir=${where[$kind]}/$kind.$seed
	[ $((seed % 3)) -ne 0 ] || dir=${strict[$kind]}/$kind.$seed
	# Every other overlay is not looked at once more: that would make its directories complete.
	[ $((seed / 2 % 2)) -eq 0 ] || args+=(-q)
	if [ -n "${bottom[$kind]:-}" ]; then
		if make_bottom "$kind" "$seed" "$dir" >"$out.log" 2>&1; then
			args+=(-b "$REPLY")
		else
			echo "cannot make the bottom lower: $(cat "$out.log")" >>"$out.wrong"
		fi
	fi
	mkdir "$dir"
	"$KIT_TOOLS/ovl-random" -s "$seed" "${args[@]}" "$dir" >"$out.log" 2>&1 || status=$?
	case $status in
	0) check_overlay "$dir" "$out" >>"$out.wrong" ;;
	3) {
		echo "the kernel itself stumbles over this overlay:"
		grep -a STRANGE "$dir/log"
	} >>"$out.wrong" ;;
	*) cat "$out.log" >>"$out.wrong" ;;
	esac
	[ ! -s "$out.wrong" ] || {
		printf 'again: OVL_FS=%s OVL_FIRST=%s OVL_SEEDS=1 %s\n' "$kind" "$seed" "$0"
		printf 'by hand: ovl-random -s %s %s DIR\n' "$seed" "${args[*]}"
		tr , '\n' <"$dir/options" 2>/dev/null
		echo
	} >>"$out.wrong"
	kit_remove "$dir"
	kit_remove "$dir.image"
	kit_remove "$dir.tree"
	[ ! -d "${bottom[$kind]:-}" ] || kit_remove "${bottom[$kind]}/bottom.$kind.$seed"
	: >"$out.done"
}

for kind in "${kinds[@]}"; do prepare "$kind"; done
mkdir "$KIT_DIR/out"
for ((job = 0; job < jobs; job++)); do
	(
		trap - EXIT
		for ((n = job; n < seeds; n += jobs)); do
			seed=$((first + n))
			kind=${kinds[n % ${#kinds[@]}]}
			[ -n "${why[$kind]:-}" ] || run_seed "$seed" "$kind" "$KIT_DIR/out/$kind.$seed"
			rm -f "$KIT_DIR/out/$kind.$seed".{before,after,options,dirs}
		done
	) &
done
wait

for ((k = 0; k < ${#kinds[@]}; k++)); do
	kind=${kinds[k]}
	if [ -n "${why[$kind]:-}" ]; then
		kit_skip "$kind" "${why[$kind]}"
		continue
	fi
	bad=0 count=0
	for ((n = k; n < seeds; n += ${#kinds[@]})); do
		out=$KIT_DIR/out/$kind.$((first + n))
		count=$((count + 1))
		[ -e "$out.done" ] || echo "the run of this seed did not end" >>"$out.wrong"
		[ -s "$out.wrong" ] || continue
		bad=$((bad + 1))
		kit_fail "$kind, seed $((first + n))" "$out.wrong"
	done
	[ "$count" -gt 0 ] || continue
	[ "$bad" -gt 0 ] || kit_ok "$kind: $count random overlays"
done
kit_done
