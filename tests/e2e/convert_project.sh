#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Project ids and flags of inodes in a conversion. What is completed in place keeps its own; what is copied
# has those that a copy by the kernel would have: a directory that hands its project down, as those of
# containers with a quota do, takes in nothing of another one.

# shellcheck source=kit.sh
. "$(dirname "$0")/kit.sh"
kit_start "$@"
# shellcheck source=layers_kit.sh
. "$(dirname "$0")/layers_kit.sh"
for tool in chattr lsattr setfattr; do
	command -v "$tool" >/dev/null || kit_skip_all "there is no $tool(1)"
done
ALL=metacopy=on,redirect_dir=on,index=on

# disk TYPE: overlays are made on it from now on; 1 and $REPLY if there is none
disk() {
	local image=$KIT_DIR/$1.img
	REPLY="cannot make a $1 with projects"
	case $1 in
	ext4) truncate -s 128M "$image" && mkfs.ext4 -q -b 4096 -I 256 -O project,quota "$image" || return 1 ;;
	xfs) truncate -s 320M "$image" && mkfs.xfs -q "$image" || return 1 ;;
	esac >>"$LOG" 2>&1
	TOP=$KIT_DIR/$1
	must mkdir "$TOP"
	REPLY="this kernel mounts no $1 with projects" # (ext4 needs quotas for them, xfs does not)
	mount -o loop "$image" "$TOP" >>"$LOG" 2>&1 || return 1
	: >"$TOP/try"
	REPLY="there are no project ids"
	chattr -p 5 "$TOP/try" >>"$LOG" 2>&1
}

# marks DIR: project and flags of all that is below; extents and the like are not to be compared
marks() { (cd "$1" && lsattr -pR . 2>/dev/null | awk 'NF == 3 { gsub(/[^SAaidP]/, "", $2); print $3, $1, $2 }' | sort); }

# works: the conversion, what this kernel shows after it, and the undo
works() {
	kit_treesum -x atime,ctime,dirsize "$U" >"$KIT_DIR/sums"
	marks "$U" >"$KIT_DIR/marks"
	kit_fsck "$OUT" -y --to=4.9 -o "$O"
	[ "$KIT_STATUS" -eq 1 ] || why "exit status $KIT_STATUS of the conversion"
	marks "$U" >"$KIT_DIR/marks.now"
}
takes_back() {
	kit_fsck "$OUT" --undo -o "$O"
	[ "$KIT_STATUS" -eq 0 ] || why "exit status $KIT_STATUS of the undo"
	kit_treesum -x atime,ctime,dirsize "$U" | diff "$KIT_DIR/sums" - | head -n 5 >"$KIT_DIR/diff"
	marks "$U" | diff "$KIT_DIR/marks" - | head -n 5 >>"$KIT_DIR/diff"
	[ ! -s "$KIT_DIR/diff" ] || why "undo left: $(cat "$KIT_DIR/diff")"
}
# has PATH PROJECT FLAGS: after the conversion
has() { grep -qxF "./$1 $2 ${3:-}" "$KIT_DIR/marks.now" || why "$1 is not of project $2 with '${3:-}': $(grep "^./$1 " "$KIT_DIR/marks.now")"; }

for type in ext4 xfs; do
	disk "$type" || {
		kit_skip "$type" "$REPLY"
		continue
	}

	overlay "place $type"
	into "$L" 'seq 3000 >f; seq 2000 >g'
	through "$ALL" 'chmod 600 f g'
	into "$U" 'chattr -p 7 f; chattr -p 8 g; chattr +A g; chattr +S f'
	works
	diff "$KIT_DIR/marks" "$KIT_DIR/marks.now" >>"$WHY" || why "not as before"
	cmp "$U/f" "$L/f" >>"$WHY" 2>&1 || why "not completed"
	takes_back
	judge "$type: what is completed in place keeps project and flags"

	overlay "copied $type"
	into "$L" 'mkdir -p d/sub; seq 300 >d/f; seq 400 >d/sub/g; chattr -p 7 d/f d/sub/g d/sub; chattr +A d/f
		chattr +P d/sub; chattr +S d/sub/g'
	through "$ALL" 'mv d e'
	works
	has e/f 7 A
	has e/sub 7 P
	has e/sub/g 7 S
	takes_back
	judge "$type: what is copied has project and flags of the lower"

	# As container engines with quotas have it: all that a container writes is of its project.
	overlay "quota $type" 2
	into "$D" 'chattr -p 9 upper work; chattr +P upper work'
	into "$L" 'mkdir -p d/sub; seq 300 >d/f; ln d/f d/sub/f2; seq 400 >d/sub/g; mkfifo d/fifo; ln -s f d/link
		chattr -p 7 d/f d/sub/g d/sub; chattr +P d/sub; seq 5000 >m; mkdir -p below/deep'
	into "$D/lower2" 'seq 6000 >h'
	must setfattr -n user.x -v y "$D/lower2/h"
	through "$ALL" 'mv d e; chmod 600 m'
	into "$L" 'truncate -s "$(stat -c %s ../lower2/h)" below/deep/h
		setfattr -n trusted.overlay.metacopy below/deep/h; setfattr -n trusted.overlay.redirect -v /h below/deep/h'
	works
	cmp "$U/e/sub/g" "$L/d/sub/g" >>"$WHY" 2>&1 || why "not copied"
	cmp "$U/below/deep/h" "$D/lower2/h" >>"$WHY" 2>&1 || why "not materialised"
	has e/f 9
	has e/sub 9 P
	has e/sub/g 9
	has below/deep/h 9
	has m 9
	takes_back
	judge "$type: what goes into the project of the upper becomes of that project"
	must umount "$TOP"
done
kit_done
