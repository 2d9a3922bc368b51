#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# When may a lower layer be repaired? With -E lower=auto only where nobody else is known to use it.

# shellcheck source=kit.sh
. "$(dirname "$0")/kit.sh"
kit_start "$@"
kit_fs here || kit_skip_all "$REPLY"
BASE=$REPLY
WHY=$KIT_DIR/why

# try NAME REPAIRED|LEFT DIR ARGS...: a lower in DIR with a whiteout that hides nothing
try() {
	local name=$1 want=$2 lower=$3
	shift 3
	: >"$WHY"
	mkdir -p "$BASE/u" "$BASE/w" "$lower"
	[ -e "$lower/ghost" ] || mknod "$lower/ghost" c 0 0
	kit_fsck "$KIT_DIR/out" -p -o "lowerdir=$lower,upperdir=$BASE/u,workdir=$BASE/w" "$@"
	case $want in
	repaired) [ ! -e "$lower/ghost" ] && [ "$KIT_STATUS" -eq 1 ] ;;
	left) [ -c "$lower/ghost" ] && [ "$KIT_STATUS" -eq 0 ] ;; # it is mere information
	esac || {
		printf '%s, exit status %s\n' "$(ls -l "$lower")" "$KIT_STATUS" >"$WHY"
		cat "$KIT_DIR/out" "$KIT_DIR/out.err" >>"$WHY"
	}
	if [ -s "$WHY" ]; then kit_fail "$name" "$WHY"; else kit_ok "$name"; fi
}

printf '' >"$KIT_DIR/fstab"
export FSTAB_FILE=$KIT_DIR/fstab
try "a lower that nobody else uses" repaired "$BASE/l"
try "-E lower=ro" left "$BASE/l" -E lower=ro

echo "overlay $BASE/m overlay lowerdir=$BASE/l,upperdir=$BASE/u,workdir=$BASE/w 0 0" >"$FSTAB_FILE"
try "the line of fstab for this very overlay" repaired "$BASE/l"
echo "overlay $BASE/other overlay lowerdir=/nowhere:$BASE/l,upperdir=$BASE/u2,workdir=$BASE/w2 0 0" >>"$FSTAB_FILE"
try "another line of fstab" left "$BASE/l"
try "the same, with -E lower=rw" repaired "$BASE/l" -E lower=rw
echo "overlay $BASE/other overlay lowerdir=/nowhere,upperdir=$BASE/l,workdir=$BASE/w2 0 0" >"$FSTAB_FILE"
try "a line that has it as upper" left "$BASE/l"
printf '' >"$FSTAB_FILE"

mkdir "$BASE/l2" "$BASE/m"
touch "$BASE/l/x"
mknod "$BASE/l/ghost" c 0 0 2>/dev/null
kit_mount "lowerdir=$BASE/l:$BASE/l2" "$BASE/m" || kit_broken "cannot mount"
try "a lower of a live overlay" left "$BASE/l"
kit_unmount "$BASE/m"
unshare -m sh -c '"$1" "$2" "$3" && touch "$4" && sleep 60' sh \
	"$KIT_TOOLS/ovl-mount" "lowerdir=$BASE/l:$BASE/l2" "$BASE/m" "$KIT_DIR/ready" &
holder=$!
for ((i = 0; i < 100; i++)); do
	[ ! -e "$KIT_DIR/ready" ] || break
	sleep 0.1
done
try "and of one in another namespace" left "$BASE/l"
pkill -P "$holder" 2>/dev/null
kill "$holder" 2>/dev/null
wait "$holder" 2>/dev/null

for store in overlay2/00aa/diff containers/storage/overlay/11bb/diff \
	io.containerd.snapshotter.v1.overlayfs/snapshots/7/fs; do
	try "a layer of a container store: ${store%%/*}" left "$BASE/$store"
done
mount --bind "$BASE/l" "$BASE/l"
mount -o remount,bind,ro "$BASE/l"
try "a read-only mount" left "$BASE/l"
umount "$BASE/l"
kit_done
