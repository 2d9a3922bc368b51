#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What was repaired is used for a while, then somebody takes the repair back: what was written since
# is not lost.

# shellcheck source=kit.sh
. "$(dirname "$0")/kit.sh"
kit_start "$@"
kit_fs here || kit_skip_all "$REPLY"
D=$REPLY
O=lowerdir=$D/l,upperdir=$D/u,workdir=$D/w
WITH=redirect_dir=on
mkdir "$D/l" "$D/u" "$D/w" "$D/m"

# Two directories that redirect to one: -y expands the second one.
mkdir -p "$D/l/d"
echo lower >"$D/l/d/f"
echo lower >"$D/l/d/g"
kit_mount "$O,$WITH" "$D/m" || kit_broken "cannot mount"
mv "$D/m/d" "$D/m/one"
kit_unmount "$D/m"
cp -a "$D/u/one" "$D/u/two"
kit_fsck "$KIT_DIR/out" -y -o "$O,$WITH"
[ "$KIT_STATUS" -eq 1 ] || kit_broken "not repaired: $(cat "$KIT_DIR/out" "$KIT_DIR/out.err")"
kit_mount "$O,$WITH" "$D/m" || kit_broken "cannot mount"
echo "my work" >>"$D/m/two/f"
kit_unmount "$D/m"

kit_fsck "$KIT_DIR/out" --undo -o "$O,$WITH"
kit_check "a copy that was written to since is left, and named" \
	test "$KIT_STATUS" -eq 4 -a -n "$(grep changed "$KIT_DIR/out")"
kit_check "what was written is where it was" grep -q "my work" "$D/u/two/f"
kit_check "what was not written to is taken back" test ! -e "$D/u/two/g"
kit_check "the journal is kept" test -n "$(ls "$D"/w/.fsck.overlay/*/journal)"
kit_done
