# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# shellcheck disable=SC2034 # who sources this uses the variables
#
# What the tests of --boot share: a /run and units of our own, overlays that were mounted for real, and
# what is said of them. Sourced after cli_kit.sh.

FSTAB_FILE=$KIT_DIR/fstab
SYSTEMD_PROC_CMDLINE=quiet
export FSTAB_FILE SYSTEMD_PROC_CMDLINE
unset INVOCATION_ID
for dir in /run /etc/systemd/system /usr/local/lib/systemd/system /usr/lib/systemd/system; do
	[ ! -d "$dir" ] || mount -t tmpfs -o mode=755 tmpfs "$dir" || kit_broken "cannot hide $dir"
done
REPORTS=/run/fsck.overlay

# make NAME [OPTIONS]: a used overlay, its layers in $REPLY
make() {
	D=$TOP/$1
	mkdir -p "$D/l/dir" "$D/u" "$D/w" "$D/m"
	echo lower >"$D/l/file"
	REPLY=lowerdir=$D/l,upperdir=$D/u,workdir=$D/w
	O=$REPLY
	use "$D"
}
# use DIR [OPTIONS]: mount it and unmount it again
use() {
	local layers=lowerdir=$1/l,upperdir=$1/u,workdir=$1/w
	kit_mount "$layers${2:-}" "$1/m" || kit_broken "cannot mount $1"
	case ${2:-} in *,ro*) ;; *) echo new >"$1/m/new" ;; esac
	kit_unmount "$1/m"
}
line() { printf 'overlay %s/%s/m overlay %s 0 %s\n' "$TOP" "$1" "$2" "${3:-2}"; }
state() { echo "$D/w/.fsck.overlay/state"; }
# damage: what only the whole check sees, and -p puts right
damage() { mknod "$D/u/useless" c 0 0; }
ERROR=problem.whiteout-useless=error

WHOLE="$TOP/[a-z]*/m: clean, 2 layers, [0-9]+ objects \([0-9.]+ s\)"
QUICK="$TOP/[a-z]*/m: clean, 2 layers, quick check \([0-9.]+ s\)"
since() { echo "$D/m: whole check, since $1"; }
FIRST="there is no record of one with these layers and options"
SKIPPED_CLEAN="skipped, it was checked and has not been mounted since"
# boot STATUS NAME [WISH TEXT]...: --boot of the overlay in $D
boot() {
	local status=$1 name=$2
	shift 2
	run "$status" "$name" "$@" -- --boot "$D/m"
}
