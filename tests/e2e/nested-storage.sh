#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Layers of other overlays that lie inside a layer of this one: a lower that is the root file
# system of a host with container images, or of somebody who keeps overlays of his own. Their
# whiteouts, redirects and metacopy files are none of ours: named once, as information, and never
# judged. What only looks like storage is judged as ever.

# shellcheck disable=SC2016,SC2034 # the commands in quotes are for into and through
# shellcheck source=kit.sh
. "$(dirname "$0")/kit.sh"
kit_start "$@"
# shellcheck source=layers_kit.sh
. "$(dirname "$0")/layers_kit.sh"

# image DIR: the files of an image.
image() {
	must mkdir -p "$1/etc" "$1/usr/share/doc" "$1/usr/lib" "$1/opt/app/bin"
	into "$1" 'for f in etc/motd etc/gone usr/share/doc/a usr/lib/f opt/app/bin/b; do
			echo "$f" >$f
		done
		ln usr/lib/f usr/lib/g; ln -s ../usr etc/link; mkfifo usr/fifo'
}

# use LOWER UPPER WORK [OPTIONS]: what a container does to its overlay, which leaves every mark
# there is: whiteout, opaque, redirect, metacopy, origin, impure, an index.
use() {
	local options=${4-metacopy=on,redirect_dir=on,index=on}
	must mkdir -p "$2" "$3" "$D/run"
	must kit_mount "lowerdir=$1,upperdir=$2,workdir=$3,$options" "$D/run"
	into "$D/run" 'rm etc/gone; rm -r usr/share; mkdir usr/share; echo new >usr/share/new
		chown 7 etc/motd; echo more >>usr/lib/f; mkdir n; mv usr/share/new n'
	case $options in
	*redirect_dir=on*) into "$D/run" 'mv opt/app opt/moved; mv opt/moved n/app' ;;
	esac
	must kit_unmount "$D/run"
	must test -c "$2/etc/gone"
}

# docker DIR: as docker keeps images and containers, which is also what containers/storage does.
docker() {
	local s=$1 a=00aa11 b=22bb33 c=44cc55 id
	must mkdir -p "$s/l"
	for id in $a $b $b-init $c; do
		must mkdir -p "$s/$id/diff" "$s/$id/work"
		printf '%-26s' "LINK$id" | tr ' -' XX >"$s/$id/link"
		must ln -s "../$id/diff" "$s/l/$(cat "$s/$id/link")"
		echo l/A:l/B >"$s/$id/lower"
	done
	image "$s/$a/diff"
	use "$s/$a/diff" "$s/$b-init/diff" "$s/$b-init/work"
	use "$s/$a/diff" "$s/$b/diff" "$s/$b/work"
	use "$s/$a/diff" "$s/$c/diff" "$s/$c/work" ""
	must mkdir "$s/$b/merged" "$s/$c/empty" "$s/$c/diff1"
	must mknod "$s/$c/diff1/gone" c 0 0
	must mknod "$s/backingFsBlockDev" b 7 0
	must chmod 710 "$s/$b"
}

# containerd DIR
containerd() {
	local s=$1/snapshots n
	must mkdir -p "$s"
	echo bolt >"$1/metadata.db"
	for n in 1 2 3; do must mkdir -p "$s/$n/fs" "$s/$n/work"; done
	image "$s/1/fs"
	use "$s/1/fs" "$s/2/fs" "$s/2/work"
	use "$s/1/fs" "$s/3/fs" "$s/3/work" ""
}

# notes: what the last run with -v told as information of nested storage.
notes() { found | sed -n 's/^layer-nested-storage //p'; }

# says NAME PLACE...: with -v exactly these places hold storage; and without -v there is nothing.
says() {
	local name=$1
	shift
	finds "$name"
	kit_fsck "$OUT" -n -v -o "$O"
	[ "$KIT_STATUS" -eq 0 ] || why "exit status $KIT_STATUS with -v"
	diff <(printf '%s\n' "$@" | sed '/^$/d' | sort) <(notes) >"$KIT_DIR/notes" ||
		sed -n 's/^</not named:/p; s/^>/named:/p' "$KIT_DIR/notes" >>"$WHY"
	found | sed -n '/^layer-nested-storage /!s/^/too much: /p' >>"$WHY"
	judge "$name, with -v"
}

# --- engines -----------------------------------------------------------------------------------

overlay "docker in the lower"
docker "$L/var/lib/docker/overlay2"
into "$L" 'mkdir etc; echo data >etc/motd; echo data >etc/passwd'
says "$MAKING, unused overlay" lower1:/var/lib/docker/overlay2
through metacopy=on,redirect_dir=on 'chown 7 etc/motd; rm etc/passwd; mkdir var/log'
says "$MAKING" lower1:/var/lib/docker/overlay2

overlay "containers/storage and rootless docker in the lower"
docker "$L/var/lib/containers/storage/overlay"
mkdir "$L/var/lib/containers/storage/overlay-layers"
docker "$L/root/.local/share/docker/overlay2"
through "" 'echo new >var/new; mkdir root/other'
says "$MAKING" lower1:/var/lib/containers/storage/overlay \
	lower1:/root/.local/share/docker/overlay2

overlay "containerd and buildkit in the lower"
containerd "$L/var/lib/containerd/io.containerd.snapshotter.v1.overlayfs"
containerd "$L/var/lib/buildkit/runc-overlayfs"
through "" 'echo new >var/new'
says "$MAKING" lower1:/var/lib/buildkit/runc-overlayfs/snapshots \
	lower1:/var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots

overlay "a storage in a layer of a storage"
docker "$L/docker/overlay2"
docker "$L/docker/overlay2/22bb33/diff/var/lib/docker/overlay2"
into "$L" 'echo data >f'
through "" 'rm f'
says "$MAKING" lower1:/docker/overlay2

overlay "a storage many levels below"
deep "$L" 100
deepest=$(printf 'd/%.0s' {1..100})
docker "$L/${deepest}overlay2"
through "" 'echo new >d/d/new'
says "$MAKING" "lower1:/${deepest}overlay2"

overlay "a storage at the root of the lower"
docker "$L"
through "" 'echo new >new'
says "$MAKING" lower1:/

overlay "a storage in a middle lower" 3
docker "$D/lower2/var/lib/docker/overlay2"
into "$L" 'mkdir var; echo data >var/f'
into "$D/lower3" 'mkdir -p var/lib/docker/overlay2/00aa11/diff/etc; echo data >var/g
	echo data >var/lib/docker/overlay2/00aa11/diff/etc/motd'
through metacopy=on,redirect_dir=on 'rm var/g; chown 7 var/f; echo new >var/lib/new'
says "$MAKING" lower2:/var/lib/docker/overlay2

overlay "a storage in the middle and at the bottom" 2
docker "$L/var/lib/docker/overlay2"
docker "$D/lower2/var/lib/docker/overlay2"
through "" 'echo new >var/lib/new'
says "$MAKING" lower1:/var/lib/docker/overlay2 lower2:/var/lib/docker/overlay2

overlay "a storage in a data-only layer"
docker "$D/data/var/lib/docker/overlay2"
O=lowerdir=$L::$D/data,upperdir=$U,workdir=$D/work
through metacopy=on,redirect_dir=on 'echo new >new'
finds "$MAKING"

# --- overlays made by hand ---------------------------------------------------------------------

overlay "upper and work directory of a hand-made overlay"
image "$L/srv/o/lower"
use "$L/srv/o/lower" "$L/srv/o/upper" "$L/srv/o/work"
mkdir "$L/srv/o/merged"
through "" 'echo new >srv/new'
says "$MAKING" lower1:/srv/o

overlay "with names of their own"
image "$L/srv/base"
use "$L/srv/base" "$L/srv/o/changes" "$L/srv/o/.scratch"
use "$L/srv/base" "$L/srv/lxc/delta0" "$L/srv/lxc/olwork" ""
mkdir -p "$L/srv/lxc/rootfs"
# Kernels before 6.6 gave the root of an upper no uuid.
setfattr -x trusted.overlay.uuid "$L/srv/lxc/delta0"
through "" 'echo new >srv/new'
says "$MAKING" lower1:/srv/o lower1:/srv/lxc

overlay "one with a full index and what a crash leaves"
image "$L/srv/base"
use "$L/srv/base" "$L/srv/o/upper" "$L/srv/o/work" nfs_export=on,index=on
into "$L/srv/o/work" 'mkdir -p work/#7; mknod work/#8 c 0 0'
through "" 'echo new >srv/new'
says "$MAKING" lower1:/srv/o

overlay "a backup of an upper, without its work directory"
image "$L/srv/base"
use "$L/srv/base" "$D/u" "$D/w"
mkdir "$L/srv/backup"
cp -a "$D/u" "$L/srv/backup/monday"
through "" 'echo new >srv/new'
says "$MAKING" lower1:/srv/backup

overlay "upper and work directory at the root of the lower"
image "$D/base"
use "$D/base" "$L/upper" "$L/work"
through "" 'echo new >new'
says "$MAKING" lower1:/

# --- the upper has parts of it -----------------------------------------------------------------

overlay "parts of a storage are in the upper"
docker "$L/docker/overlay2"
image "$L/srv/o/lower"
use "$L/srv/o/lower" "$L/srv/o/upper" "$L/srv/o/work"
through metacopy=on,redirect_dir=on '
	cd docker/overlay2
	chown 7 00aa11/diff/etc/motd 00aa11/link 22bb33/lower
	rm -r 00aa11/diff/opt
	mv 00aa11/diff/usr/lib 00aa11/diff/usr/lib64
	echo more >>44cc55/diff/n/new
	rm l/*init*
	mkdir -p 66dd77/diff/etc 66dd77/work; cp 22bb33/link 66dd77; echo new >66dd77/diff/etc/motd
	cd ../../srv/o
	chown 7 upper/n lower/etc/motd; echo new >upper/new; rm -r merged 2>/dev/null || :'
says "$MAKING" lower1:/docker/overlay2 lower1:/srv/o upper:/docker/overlay2

rm "$L/docker/overlay2/00aa11/diff/etc/motd"
xset "$U/srv/o/upper" opaque yes
finds "and those are judged" meta-no-lowerdata upper:/docker/overlay2/00aa11/diff/etc/motd \
	opaque-value upper:/srv/o/upper

overlay "a storage in the upper that was put there behind the back of the kernel"
docker "$U/docker/overlay2"
mkdir "$L/d"
says "$MAKING" upper:/docker/overlay2

# --- near misses -------------------------------------------------------------------------------

# plain DIR: a directory with a whiteout in it that hides nothing; $PHANTOMS collects them.
PHANTOMS=()
plain() {
	must mkdir -p "$L/$1"
	must mknod "$L/$1/w" c 0 0
	PHANTOMS+=(whiteout-phantom "lower1:/$1/w")
}

overlay "what only looks like a storage"
plain a/diff
plain b/diff
mkdir "$L/b/link"
plain c/diff
ln -s nowhere "$L/c/link"
plain d/diff
echo "some text" >"$L/d/link"
plain e/fs
plain e/work
plain snapshots/fs
plain snapshots/work
plain f/snapshots/1/fs
: >"$L/f/snapshots/1/work"
plain m/differ
plain m/diff1x
printf %26s x >"$L/m/link"
plain g/upper
plain g/work
plain g/work/work
plain h/upper
mkdir -p "$L/h/work/index"
chmod 0 "$L/h/work/index"
plain i/overlay
plain i/rw
plain i/uppers
plain j/upper
mkdir -p "$L/j/work/work"
chmod 700 "$L/j/work/work"
plain k/upper
: >"$L/k/work"
chmod 0 "$L/k/work"
finds "$MAKING" "${PHANTOMS[@]}"

overlay "what lies beside a storage"
PHANTOMS=()
docker "$L/docker/overlay2"
plain docker
plain other
plain docker/image/overlay2
plain srv/base
plain srv/o/log
use "$L/docker/overlay2/00aa11/diff" "$L/srv/o/upper" "$L/srv/o/work"
finds "$MAKING" "${PHANTOMS[@]}"

# --- cost --------------------------------------------------------------------------------------

# Each of N directories looks like the upper of an overlay: who looks for a work directory beside
# each of them looks at N times N directories. In userxattr layers anybody can make such.
pretenders() {
	overlay "$1"
	must perl -e 'for (1 .. $ARGV[1]) { mkdir "$ARGV[0]/d$_" or die }' "$U" "$2"
	must find "$U" -mindepth 1 -exec setfattr -n user.overlay.impure -v y {} +
	O+=,userxattr
}
pretenders "many directories that look like layers" 4000
long=$O
pretenders "fewer directories that look like layers" 1000
grows_linearly "time grows by the number of directories that look like layers" 4 "$O" "$long"

kit_done
