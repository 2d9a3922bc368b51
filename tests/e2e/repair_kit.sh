# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# What the tests share that disturb a repair: an image with an overlay that is damaged in many ways,
# what mounts show of it, and how a run that was disturbed has to end. Sourced after kit_start.
#
# Images are files of $IMAGES, of which one at a time is mounted at $AT.

IMAGES=$KIT_DIR/images
AT=$KIT_DIR/at
O=lowerdir=$AT/l1:$AT/l2,upperdir=$AT/u,workdir=$AT/w,index=on,redirect_dir=on,metacopy=on
WHY=$KIT_DIR/why # of the test at hand: passed if it is empty
MOUNT= # more options for the file system of the image: ",data=writeback"
mkdir "$IMAGES" "$AT" "$KIT_DIR/mnt" "$KIT_DIR/mnt2"
mount -t tmpfs images "$IMAGES" || kit_skip_all "no tmpfs"

attach() { mount -o "loop$MOUNT" "$IMAGES/$1" "$AT"; }
detach() { umount "$AT"; }
copy() { cp --sparse=always --reflink=auto "$IMAGES/$1" "$IMAGES/$2"; }
why() { printf '%s\n' "$1" >>"$WHY"; }

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
	seq 50000 >l1/big
	echo three >l1/h1 && ln l1/h1 l1/h2 && ln l1/h1 l1/h3
	"$KIT_TOOLS/ovl-mount" "$O" "$KIT_DIR/mnt2"
	(
		cd "$KIT_DIR/mnt2"
		mv d moved
		chown 7 f m1 m2 big
		mv big big2
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
	cp -a big2 big3
	echo "longer than before" >../l1/m1
	setcap cap_net_raw+ep m1
	cat ../l1/m2 >m2
	mkdir -p ../w/work/x/y/z
	echo lost >../w/work/x/y/z/file
	# Of the names that are none, one that does not hinder the mount: it shows what was there before.
	touch "$(echo ../w/index/00fb*)00"
)

layers() { kit_treesum -x view,mtime "$AT/l1" "$AT/l2" "$AT/u" "$AT/w" | grep -vE '\.fsck\.overlay|:/work/incompat d '; } # an empty one means nothing

# shown: what an overlay mount shows now; "refused" if the kernel does not mount it.
shown() {
	if kit_mount "$O" "$KIT_DIR/mnt" 2>"$KIT_DIR/mount.err"; then
		kit_treesum -x view "$KIT_DIR/mnt"
		kit_unmount "$KIT_DIR/mnt"
	elif [ -d "$AT/w/work/incompat/fsck.overlay" ]; then
		echo "refused: marker"
	else
		echo "refused: $(cat "$KIT_DIR/mount.err")"
	fi
}

# view IMAGE: what a mount shows, on a copy of it, since a mount changes the layers.
view() {
	copy "$1" view && detach && attach view
	shown
	detach && attach "$1"
}

# make_damaged TYPE [OPTION-OF-MKFS...]: the image "damaged", a file system of this type; its layers and
# view are in layers.damaged and view.damaged. Returns 1, with the reason in $REPLY, if there is none to
# be had.
make_damaged() {
	local size=320M
	[ "$1" != ext4 ] || size=16M
	rm -f "$IMAGES/damaged"
	truncate -s "$size" "$IMAGES/damaged"
	REPLY="cannot make a $1"
	"mkfs.$1" -q "${@:2}" "$IMAGES/damaged" >"$KIT_DIR/mkfs.log" 2>&1 || return 1
	REPLY="cannot mount a $1 on a loop device"
	attach damaged || return 1
	"${SUBJECT:-damage}" >"$KIT_DIR/damage.log" 2>&1 ||
		kit_broken "cannot make the overlay: $(cat "$KIT_DIR/damage.log")"
	sync -f "$AT"
	layers >"$KIT_DIR/layers.damaged"
	view damaged >"$KIT_DIR/view.damaged"
	! grep '^refused' "$KIT_DIR/view.damaged" || kit_broken "there is nothing to see before"
	detach
}

# look_repaired IMAGE: of the image at $AT, which nobody disturbed
look_repaired() {
	layers >"$KIT_DIR/layers.repaired"
	sync -f "$AT"
	view "$1" >"$KIT_DIR/view.repaired"
	cmp -s "$KIT_DIR/layers.damaged" "$KIT_DIR/layers.repaired" && kit_broken "nothing was repaired"
	return 0
}

# safe_view: is what view.now says what a mount may show of layers that are half repaired?
safe_view() {
	grep -q '^refused: marker' "$KIT_DIR/view.now" ||
		cmp -s "$KIT_DIR/view.damaged" "$KIT_DIR/view.now" ||
		cmp -s "$KIT_DIR/view.repaired" "$KIT_DIR/view.now" ||
		why "the view is neither the one before nor the one after: $(diff "$KIT_DIR/view.damaged" "$KIT_DIR/view.now" | head -20)"
}

# same_end LAYERS: layers are what they should be in the end
same_end() {
	layers >"$KIT_DIR/layers.now"
	cmp -s "$KIT_DIR/$1" "$KIT_DIR/layers.now" ||
		why "another end: $(diff "$KIT_DIR/$1" "$KIT_DIR/layers.now" | head -20)
$(head -n 20 "$KIT_DIR/out" "$KIT_DIR/out.err")"
	[ ! -d "$AT/w/work/incompat/fsck.overlay" ] || why "the marker is still there"
}

# run_again LAYERS ARGS...: after what disturbed it, the same once more, which ends with these layers
run_again() {
	local end=$1
	shift
	kit_fsck "$KIT_DIR/out" -j1 "$@" -o "$O"
	case $KIT_STATUS in
	0 | 1 | 4) ;;
	8) [ "$1" = --undo ] && grep -q 'nothing to take back' "$KIT_DIR/out.err" ||
		why "the second run: exit status 8: $(cat "$KIT_DIR/out.err")" ;;
	*) why "the second run: exit status $KIT_STATUS: $(cat "$KIT_DIR/out.err")" ;;
	esac
	same_end "$end"
}
