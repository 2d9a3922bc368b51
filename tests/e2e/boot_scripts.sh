#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The scripts of boot/ that are no part of systemd: that of initramfs-tools for overlayroot, that of
# dracut, and those of OpenRC and sysvinit. Each runs as it is in a copy of this system that is thrown
# away, on real overlays; only the functions that its init system lends it are made here.

# shellcheck source=kit.sh
. "$(dirname "$0")/kit.sh"
kit_start "$@"

R=$KIT_DIR/root # the copy
SBIN=/usr/sbin
made() { sed "s|@sbindir@|$SBIN|g" "$KIT_SRC/boot/$1.in"; }

mkdir "$KIT_DIR/cow" "$KIT_DIR/mnt" "$R"
mount -t tmpfs tmpfs "$KIT_DIR/cow" && mkdir "$KIT_DIR/cow/u" "$KIT_DIR/cow/w" || kit_broken "no tmpfs"
mount -t overlay -o "lowerdir=/,upperdir=$KIT_DIR/cow/u,workdir=$KIT_DIR/cow/w,index=off" root "$R" \
	2>"$KIT_DIR/why" || kit_skip_all "no overlay of this root: $(cat "$KIT_DIR/why")"
for dir in proc dev; do mount --rbind "/$dir" "$R/$dir" || kit_broken "cannot bind /$dir"; done
mount -t tmpfs tmpfs "$R/run"
cp "$FSCK" "$R/usr/sbin/fsck.overlay"
: >"$KIT_DIR/cmdline"
mount --bind "$KIT_DIR/cmdline" "$R/proc/cmdline" || kit_broken "cannot bind /proc/cmdline"

# inside COMMAND...: in the copy; its output is $KIT_DIR/out
inside() { chroot "$R" "$@" >"$KIT_DIR/out" 2>&1; }
# says TEXT...; is_silent: what the last script said
says() {
	local text
	for text; do
		grep -qF -- "$text" "$KIT_DIR/out" || {
			cat "$KIT_DIR/out"
			echo "it does not say: $text"
			return 1
		}
	done
}
is_silent() { [ ! -s "$KIT_DIR/out" ] || { cat "$KIT_DIR/out" && return 1; }; }

# overlay DIR: upper and work directory above $KIT_DIR/lower, made by the kernel
overlay() {
	mkdir -p "$1" "$2"
	kit_mount "lowerdir=$R/lower,upperdir=$1,workdir=$2" "$KIT_DIR/mnt" || kit_broken "cannot mount"
	echo new >"$KIT_DIR/mnt/new"
	kit_unmount "$KIT_DIR/mnt"
}
hurt() { mknod "$1/useless" c 0 0; }     # -p takes it away
ruin() { setfattr -n trusted.overlay.metacopy "$1/new"; } # -p leaves it
mend() { setfattr -x trusted.overlay.metacopy "$1/new"; }
mkdir "$R/lower"
echo lower >"$R/lower/file"

# --- initramfs-tools and overlayroot -------------------------------------------------------------

mkdir -p "$R/scripts" "$R/conf/conf.d" "$R/lower/etc"
cat >"$R/scripts/functions" <<'EOF'
log_begin_msg() { echo "$*"; }
log_end_msg() { :; }
log_warning_msg() { echo "warning: $*"; }
panic() {
	echo "panic: $*"
	mount "$FIX" /mnt
	setfattr -x trusted.overlay.metacopy /mnt/overlay/new
	umount /mnt
}
sleep() { :; }
modprobe() { :; }
EOF
cp "$KIT_SRC/boot/initramfs-tools/scripts/local-bottom/fsck-overlay" "$R/scripts/local-bottom-fsck"
truncate -s 32M "$KIT_DIR/disk"
mkfs.ext4 -q "$KIT_DIR/disk" || kit_broken "no ext4"
DISK=$(losetup -f --show "$KIT_DIR/disk") || kit_broken "no loop device"
trap 'losetup -d "$DISK"; kit_cleanup' EXIT

# rw COMMAND...: with the file system of the disk in $KIT_DIR/rw
rw() {
	local status=0
	mkdir -p "$KIT_DIR/rw"
	mount "$DISK" "$KIT_DIR/rw" || kit_broken "cannot mount the disk"
	"$@" || status=$?
	umount "$KIT_DIR/rw"
	return $status
}
# boot STATUS [NAME=VALUE...]: what init exports to the script; without forcefsck=n a whole check
boot() {
	local want=$1 status=0
	shift
	chroot "$R" /usr/bin/env rootmnt=/lower FIX="$DISK" forcefsck=y "$@" /bin/sh /scripts/local-bottom-fsck \
		>"$KIT_DIR/out" 2>&1 || status=$?
	[ "$status" = "$want" ] || { echo "exit status $status" >>"$KIT_DIR/out" && return 1; }
	[ ! -e "$R/run/fsck-overlay" ] || { echo "/run/fsck-overlay is left" >>"$KIT_DIR/out"; return 1; }
}
is_hurt() { [ -e "$KIT_DIR/rw/overlay/useless" ]; }
is_mended() { ! is_hurt; }
# shellcheck disable=SC2120 # one passes some, as arguments of kit_check
quiet_boot() { boot 0 "$@" && is_silent; }
asked() { echo "$1" >"$KIT_DIR/cmdline"; }

asked "root=/dev/x ro"
kit_check "overlayroot: not asked for" quiet_boot
asked "overlayroot=tmpfs"
kit_check "overlayroot: a tmpfs is always new" quiet_boot
asked "overlayroot=device:dev=$DISK,recurse=0"
kit_check "overlayroot: the first boot, with nothing on the device" quiet_boot
rw overlay "$KIT_DIR/rw/overlay" "$KIT_DIR/rw/overlay-workdir/_"
check_clean() { boot 0 && says "Checking the overlay on $DISK" ": clean, 2 layers"; }
kit_check "overlayroot: clean" check_clean
not_again() { boot 0 forcefsck=n && says "skipped, it was checked and has not been mounted since"; }
kit_check "overlayroot: not checked again before it was mounted again" not_again
rw overlay "$KIT_DIR/rw/overlay" "$KIT_DIR/rw/overlay-workdir/_"
quickly() { boot 0 forcefsck=n && says ": clean, 2 layers, quick check"; }
kit_check "overlayroot: quickly, if that will do" quickly
rw hurt "$KIT_DIR/rw/overlay"
kit_check "overlayroot: fastboot" quiet_boot fastboot=y
report_only() { boot 0 fsckfix=n && says ": clean, 2 layers" && rw is_hurt; }
kit_check "overlayroot: fsck.repair=no changes nothing" report_only
corrected() { boot 0 && says "1 corrected" && rw is_mended; }
kit_check "overlayroot: repaired before it is mounted" corrected
rw ruin "$KIT_DIR/rw/overlay"
panics() { boot 0 && says "panic: The overlay on $DISK requires a manual fsck.overlay" ": clean,"; }
kit_check "overlayroot: what is left goes to the shell, and is checked again after it" panics
asked "overlayroot=device:dev=/dev/does-not-exist"
kit_check "overlayroot: a device that is not there is its own trouble" quiet_boot
asked "overlayroot=crypt:dev=$DISK"
encrypted() { boot 0 && says "warning: The overlay of the root is encrypted, so it is not checked"; }
kit_check "overlayroot: what is encrypted is not checked, and that is told" encrypted
asked "overlayroot=$DISK"
kit_check "overlayroot: the device alone" check_clean
asked "overlayroot=disabled"
echo "overlayroot=\"device:dev=$DISK\"" >"$R/lower/etc/overlayroot.conf"
kit_check "overlayroot: the kernel command line counts more than the file" quiet_boot
asked "ro"
kit_check "overlayroot: its file, in quotes" check_clean
{
	echo '# overlayroot=tmpfs'
	echo "overlayroot='device:dev=$DISK,dir=/elsewhere' # and a comment"
} >"$R/lower/etc/overlayroot.local.conf"
rw overlay "$KIT_DIR/rw/elsewhere" "$KIT_DIR/rw/elsewhere-workdir/_"
rw hurt "$KIT_DIR/rw/elsewhere"
in_dir() { boot 0 && says "1 corrected" && ! rw test -e "$KIT_DIR/rw/elsewhere/useless"; }
kit_check "overlayroot: the local file counts more, and dir=" in_dir
# shellcheck disable=SC2016 # it must stay as it is
echo 'overlayroot="$(touch /tmp/was-run)tmpfs"' >"$R/lower/etc/overlayroot.local.conf"
nothing_run() { quiet_boot && [ ! -e "$R/tmp/was-run" ]; }
kit_check "overlayroot: nothing in its files is run" nothing_run
rm "$R"/lower/etc/overlayroot*

# --- dracut --------------------------------------------------------------------------------------

mkdir -p "$R/lib" "$R/sysroot"
cat >"$R/usr/lib/dracut-lib.sh" <<'EOF'
getarg() {
	local word
	[ "$1" != -d ] || shift
	for word in $(cat /proc/cmdline); do
		case $word in
		"${1%=}="*) echo "${word#*=}"; return 0 ;;
		"$1") echo 1; return 0 ;;
		esac
	done
	return 1
}
getargbool() {
	local default=$1 value
	shift
	[ "$1" != -d ] || shift
	value=$(getarg "$@") || value=$default
	case $value in 0 | no | off) return 1 ;; esac
}
info() { echo "$*"; }
warn() { echo "warning: $*"; }
emergency_shell() { echo "shell: $2"; }
EOF
made dracut/fsck-overlay.sh >"$R/scripts/dracut"
overlay "$KIT_DIR/cow/keep" "$KIT_DIR/cow/keepwork"
mkdir -p "$R/live"
mount --bind "$KIT_DIR/cow" "$R/live"
hook() {
	local status=0
	inside /usr/bin/env NEWROOT=/lower /bin/sh /scripts/dracut || status=$?
	[ "$status" = 0 ] || { echo "exit status $status" >>"$KIT_DIR/out" && return 1; }
}
quiet_hook() { hook && is_silent; }
hook_says() { hook && says "$@"; }
asked "rd.live.image"
kit_check "dracut: not asked for" quiet_hook
asked "rd.live.overlay.overlayfs=1"
kit_check "dracut: an upper that does not stay is always new" quiet_hook
ln -s /live/keep "$R/run/overlayfs"
ln -s /live/keepwork "$R/run/ovlwork"
kit_check "dracut: clean" hook_says "Checking the overlay in /live/keep" ": clean, 2 layers"
hurt "$KIT_DIR/cow/keep"
asked "rd.live.overlay.overlayfs=1 rd.live.overlay.reset=1"
kit_check "dracut: what is to be emptied is not checked" quiet_hook
asked "rd.live.overlay.overlayfs=1 fsck.mode=skip"
kit_check "dracut: fsck.mode=skip" quiet_hook
asked "rd.live.overlay.overlayfs=1"
kit_check "dracut: repaired before it is mounted" hook_says "1 corrected"
ruin "$KIT_DIR/cow/keep"
kit_check "dracut: what is left goes to the shell" hook_says "shell: (Repair overlay)"
mend "$KIT_DIR/cow/keep"

# --- OpenRC and sysvinit -------------------------------------------------------------------------

: >"$KIT_DIR/cmdline"
mkdir -p "$R/at"
echo "overlay /at overlay lowerdir=/lower,upperdir=/live/keep,workdir=/live/keepwork,noauto,x-fsck.overlay 0 0" \
	>"$R/etc/fstab"
mkdir -p "$R/at/within" "$R/other"
printf '%s\n' "#none /at/comment overlay x 0 0" "tmpfs /at/within tmpfs size=4k 0 0" \
	"tmpfs /other tmpfs size=4k 0 0" >>"$R/etc/fstab"
cat >"$R/scripts/openrc-run" <<'EOF'
ebegin() { echo "$*"; }
eend() { [ "$1" = 0 ] || { shift; echo "error: $*"; return 1; }; }
ewend() { shift; echo "warning: $*"; }
. /scripts/openrc
start
EOF
mkdir -p "$R/lib/lsb"
cat >"$R/lib/lsb/init-functions" <<'EOF'
log_daemon_msg() { echo "$*"; }
log_end_msg() { [ "$1" = 0 ] || echo "failed"; }
log_failure_msg() { echo "error: $*"; }
EOF
printf '#!/bin/sh\necho a shell on "$1"\n' >"$R/usr/sbin/sulogin"
printf '#!/bin/sh\necho no further\n' >"$R/usr/sbin/rc-abort"
chmod +x "$R/usr/sbin/sulogin" "$R/usr/sbin/rc-abort"
made init/openrc >"$R/scripts/openrc"
made init/sysvinit >"$R/scripts/sysvinit"
init() { # KIND STATUS TEXT...
	local kind=$1 want=$2 status=0
	shift 2
	case $kind in
	OpenRC) inside /bin/sh /scripts/openrc-run || status=$? ;;
	sysvinit) inside /bin/sh /scripts/sysvinit start || status=$? ;;
	esac
	[ "$status" = "$want" ] || { cat "$KIT_DIR/out"; echo "exit status $status"; return 1; }
	says "$@" || return
	mountpoint -q "$R/other" && ! mountpoint -q "$R/at/within" || {
		echo "the other file systems of fstab are to be mounted, but not what lies within an overlay"
		return 1
	}
	umount "$R/other"
}
for kind in OpenRC sysvinit; do
	kit_check "$kind: clean" init $kind 0 "Checking overlays" "/at: clean, 2 layers"
	hurt "$KIT_DIR/cow/keep"
	kit_check "$kind: repaired" init $kind 0 "1 corrected"
	ruin "$KIT_DIR/cow/keep"
	case $kind in
	OpenRC) kit_check "$kind: what is left stops the runlevel" init $kind 1 "error: Problems are left" \
		"no further" ;;
	sysvinit) kit_check "$kind: what is left goes to a shell" init $kind 0 "error: An overlay has" \
		"a shell on /dev/console" ;;
	esac
	mend "$KIT_DIR/cow/keep"
	# Nothing but its root file system holds the layers of that one
	unreadable() { : >"$R/live/not" && sed -i "s|/live/keep,|/live/not,|" "$R/etc/fstab" && init "$@"; }
	case $kind in
	OpenRC) kit_check "$kind: what cannot be checked is a warning" unreadable $kind 0 "warning: Overlays could" ;;
	sysvinit) kit_check "$kind: what cannot be checked is told" unreadable $kind 0 "failed" ;;
	esac
	sed -i "s|/live/not,|/live/keep,|" "$R/etc/fstab"
done

kit_done
