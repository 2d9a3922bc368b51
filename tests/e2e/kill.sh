#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Repair is killed before each system call that changes something, and so is undo. After that the
# kernel refuses the mount because of the marker, or shows what it showed before or after; and a
# second run ends in the same tree as one that was not killed. Then each of these calls fails with
# an errno instead: nothing is lost, and a second run completes.
#
# OVL_LONG=1: every call; else a share of them. OVL_FS=TYPE: ext4 (default), xfs, btrfs.

# shellcheck disable=SC2016 # the commands in quotes are for into and through
# shellcheck source=kit.sh
. "$(dirname "$0")/kit.sh"
kit_start "$@"

FS=${OVL_FS:-ext4}
IMAGES=$KIT_DIR/images
AT=$KIT_DIR/at # where one image is mounted at a time
O=lowerdir=$AT/l1:$AT/l2,upperdir=$AT/u,workdir=$AT/w,index=on,redirect_dir=on,metacopy=on
mkdir "$IMAGES" "$AT" "$KIT_DIR/mnt"
mount -t tmpfs images "$IMAGES" || kit_skip_all "no tmpfs"
case $FS in
ext4) SIZE=16M ;;
*) SIZE=320M ;;
esac

attach() { mount -o loop "$IMAGES/$1" "$AT"; }
detach() { umount "$AT"; }
copy() { cp --sparse=always --reflink=auto "$IMAGES/$1" "$IMAGES/$2"; }

# An overlay with damage of every kind that can be planted by hand.
damage() (
	set -e
	cd "$AT"
	mkdir l1 l2 u w
	mkdir -p l1/d/sub l1/plain l2/base l1/merge l1/keep l1/dup/in/deep
	for f in l1/f l1/d/f l1/d/sub/g l2/base/f l1/merge/a l1/merge/b l1/keep/x l1/dup/f l1/m1 l1/m2; do
		echo "content of $f" >"$f"
	done
	echo deep >l1/dup/in/deep/f && ln l1/dup/in/deep/f l1/dup/in/g
	echo three >l1/h1 && ln l1/h1 l1/h2 && ln l1/h1 l1/h3
	mkdir "$KIT_DIR/mnt2"
	"$KIT_TOOLS/ovl-mount" "$O" "$KIT_DIR/mnt2"
	(
		cd "$KIT_DIR/mnt2"
		mv d moved
		chown 7 f m1 m2
		echo more >>h1
		echo new >merge/new
		rm keep/x
		mv dup dup2
		mkdir pure pure/sub
		echo pure >pure/f
		chmod 700 base
	)
	"$KIT_TOOLS/ovl-mount" -u "$KIT_DIR/mnt2"
	cd u
	mknod pure/ghost c 0 0
	mknod pure/sub/ghost c 0 0
	mknod plain-orphan c 0 0
	setfattr -n trusted.overlay.opaque -v y pure/f
	setfattr -n trusted.overlay.redirect -v /nowhere merge
	setfattr -n trusted.overlay.redirect -v /x pure/sub
	setfattr -n trusted.overlay.opaque -v z base
	setfattr -x trusted.overlay.impure . 2>/dev/null || :
	setfattr -n trusted.overlay.nlink -v 'U-1' h1
	cp -a dup2 dup3
	mkdir -p ../w/work/x/y/z
	echo lost >../w/work/x/y/z/file
	touch ../w/index/garbage
)

layers() { kit_treesum -x view,mtime "$AT/l1" "$AT/l2" "$AT/u" "$AT/w" | grep -vE '\.fsck\.overlay|:/work/incompat d '; } # an empty one means nothing

# view: what a mount shows, on a copy of image $1; "refused" if the kernel does not mount it.
view() {
	copy "$1" view && detach && attach view
	if kit_mount "$O" "$KIT_DIR/mnt" 2>"$KIT_DIR/mount.err"; then
		kit_treesum -x view "$KIT_DIR/mnt"
		kit_unmount "$KIT_DIR/mnt"
	elif [ -d "$AT/w/work/incompat/fsck.overlay" ]; then
		echo "refused: marker"
	else
		echo "refused: $(cat "$KIT_DIR/mount.err")"
	fi
	detach && attach "$1"
}

truncate -s "$SIZE" "$IMAGES/damaged"
"mkfs.$FS" -q "$IMAGES/damaged" >"$KIT_DIR/mkfs.log" 2>&1 || kit_skip_all "cannot make $FS"
attach damaged || kit_skip_all "cannot mount a loop device"
damage >"$KIT_DIR/damage.log" 2>&1 || kit_broken "cannot make the overlay: $(cat "$KIT_DIR/damage.log")"
sync -f "$AT"
layers >"$KIT_DIR/layers.damaged"
view damaged >"$KIT_DIR/view.damaged"
detach

# The reference: one run that nobody disturbs.
copy damaged x && attach x
kit_fsck "$KIT_DIR/out" -y -j1 -o "$O"
REPAIRED=$KIT_STATUS
case $REPAIRED in
1 | 4) kit_ok "a run that nobody disturbs" ;;
*) kit_fail "a run that nobody disturbs" "$KIT_DIR/out.err" ;;
esac
layers >"$KIT_DIR/layers.repaired"
sync -f "$AT"
view x >"$KIT_DIR/view.repaired"
cmp -s "$KIT_DIR/layers.damaged" "$KIT_DIR/layers.repaired" && kit_broken "nothing was repaired"
detach
copy x repaired

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

WHY=$KIT_DIR/why
why() { printf '%s\n' "$1" >>"$WHY"; }

# same_end IMAGE LAYERS: layers are what they should be in the end
same_end() {
	layers >"$KIT_DIR/layers.now"
	cmp -s "$KIT_DIR/$1" "$KIT_DIR/layers.now" ||
		why "another end: $(diff "$KIT_DIR/$1" "$KIT_DIR/layers.now" | head -20)"
	[ ! -d "$AT/w/work/incompat/fsck.overlay" ] || why "the marker is still there"
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
		grep -q '^refused: marker' "$KIT_DIR/view.now" ||
			cmp -s "$KIT_DIR/view.damaged" "$KIT_DIR/view.now" ||
			cmp -s "$KIT_DIR/view.repaired" "$KIT_DIR/view.now" ||
			why "the view is neither the one before nor the one after: $(diff "$KIT_DIR/view.damaged" "$KIT_DIR/view.now" | head -20)"
		cp "$KIT_DIR/out.err" "$KIT_DIR/killed.err"
		run 0 "$@"
		case $KIT_STATUS in
		0 | 1 | 4) ;;
		8) [ "$1" = --undo ] && grep -q 'nothing to take back' "$KIT_DIR/out.err" ||
			why "the second run: exit status 8: $(cat "$KIT_DIR/out.err")" ;;
		*) why "the second run: exit status $KIT_STATUS: $(cat "$KIT_DIR/out.err")" ;;
		esac
		same_end "$end"
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

sweep "-y" damaged layers.repaired -y
sweep "undo" repaired layers.damaged --undo
for errno in ENOSPC EIO EROFS EDQUOT EPERM EINTR ENOMEM; do
	errnos "-y" damaged layers.repaired "$errno" -y
done
kit_done
