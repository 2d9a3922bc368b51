#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Shows fsck.overlay at work: the kernel makes a real overlay with metacopy files, a redirect and
# an index; it is checked healthy, then damaged, and checked again. Run as root on Debian 12; what
# is missing is installed, the program is built in ./build, nothing is left mounted.
set -eu
cd "$(dirname "$0")/.."

if [ "${1:-}" != inside ]; then
	[ "$(id -u)" = 0 ] || { echo "$0: overlays can be mounted by root only" >&2; exit 1; }
	echo "building..."
	sh tests/setup.sh build
	sh tests/build.sh build
	# A mount namespace of our own: all mounts go with it, whatever happens. (In a plain chroot
	# there is no mount at / whose propagation could be set.)
	way=private
	unshare --mount --propagation $way true 2>/dev/null || way=unchanged
	exec unshare --mount --propagation $way sh demo/run.sh inside
fi

fsck=$PWD/build/fsck/fsck.overlay
place=$(mktemp -d -t fsck-overlay-demo.XXXXXX)
clean_up() {
	status=$?
	cd /
	umount "$place/merged" 2>/dev/null || :
	umount "$place" 2>/dev/null || :
	rmdir "$place"
	exit "$status"
}
trap clean_up EXIT
trap 'exit 1' HUP INT TERM
mount -t tmpfs -o size=16m,mode=700 demo "$place"
cd "$place"
options=lowerdir=lower,upperdir=upper,workdir=work
features=metacopy=on,redirect_dir=on,index=on

say() {
	printf '\n== %s\n' "$*"
}

# check EXPECTED: runs the check and wants this exit status
check() {
	status=0
	echo "# fsck.overlay -n -o $options,$features"
	"$fsck" -n -o "$options,$features" </dev/null || status=$?
	echo "# exit status $status"
	if [ "$status" != "$1" ]; then
		echo "demo: expected exit status $1" >&2
		exit 1
	fi
}

say "a lower layer, and an overlay over it"
mkdir -p lower/etc lower/data/2025 lower/photos upper work merged
echo 'root:x:0:0:root:/root:/bin/sh' >lower/etc/passwd
echo 'secret' >lower/etc/shadow
head -c 300000 /dev/urandom >lower/data/2025/measurements
head -c 100000 /dev/urandom >lower/photos/one.jpg
ln lower/photos/one.jpg lower/photos/the-same.jpg
mount -t overlay -o "$options,$features" demo merged
echo "# mount -t overlay -o $options,$features demo merged"

say "work in it: chown and chmod, rename a directory, change one name of a hard link"
(
	exec 2>&1
	cd merged
	set -x
	chown 1000:1000 etc/passwd
	chmod 600 etc/shadow
	mv data archive
	chmod 640 photos/one.jpg
)
umount merged

say "what the kernel left in the layers: redirect, metacopy files and an index entry"
find upper work/index -mindepth 1 -printf '%y %M %5U %s\t%p\n' | sort -k5
getfattr -R -h -m '^trusted.overlay.(redirect|metacopy|nlink)$' upper work/index
link=$(find work/index -type f)

say "the healthy overlay"
check 0

say "damage: one file's data and the target of the redirect are gone, a link count is too low"
(
	exec 2>&1
	set -x
	rm lower/etc/passwd
	mv lower/data lower/data.old
	setfattr -n trusted.overlay.nlink -v U-1 "${link:?the kernel made no index entry}"
)

say "the damaged overlay"
check 4
