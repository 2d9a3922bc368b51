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

kit_treesum "$D/l" "$D/u" "$D/w" >"$KIT_DIR/before"
kit_fsck "$KIT_DIR/dry" --undo -n -o "$O,$WITH"
kit_treesum "$D/l" "$D/u" "$D/w" >"$KIT_DIR/after"
kit_check "-n says so before" test "$KIT_STATUS" -eq 4 -a -n "$(grep changed "$KIT_DIR/dry")"
kit_check "and changes nothing" cmp "$KIT_DIR/before" "$KIT_DIR/after"
kit_fsck "$KIT_DIR/out" --undo -o "$O,$WITH"
kit_check "what -n says is what is done" cmp "$KIT_DIR/out" \
	<(sed 's/would be taken back/taken back/' "$KIT_DIR/dry")
kit_check "a copy that was written to since is left, and named" \
	test "$KIT_STATUS" -eq 4 -a -n "$(grep changed "$KIT_DIR/out")"
kit_check "what was written is where it was" grep -q "my work" "$D/u/two/f"
kit_check "what came into its directory with it stays as well" test -e "$D/u/two/g"
kit_check "the journal is kept" test -n "$(ls "$D"/w/.fsck.overlay/*/journal)"

# Each kind of operation, and what somebody has done to its object since.
rm -rf "$D"
mkdir -p "$D/l" "$D/u" "$D/w" "$D/m"
seq 3000 | tee "$D/l/part" "$D/l/part2" >"$D/u/part"
cp "$D/u/part" "$D/u/part2"
mkdir "$D/u/d" "$D/u/e"
mknod "$D/u/d/phantom" c 0 0
mknod "$D/u/e/phantom" c 0 0
for f in x y z; do
	echo data >"$D/u/$f"
	setfattr -n trusted.overlay.protattr -v zai "$D/u/$f"
done
setfattr -n trusted.overlay.metacopy "$D/u/part"
setfattr -n trusted.overlay.metacopy "$D/u/part2"
kit_fsck "$KIT_DIR/out" -y -o "$O,metacopy=on"
[ "$KIT_STATUS" -eq 1 ] || kit_broken "not repaired: $(cat "$KIT_DIR/out" "$KIT_DIR/out.err")"
kit_fsck "$KIT_DIR/dry" --undo -n -o "$O,metacopy=on"
kit_check "all can be taken back" test "$KIT_STATUS" -eq 0
setfattr -n trusted.overlay.protattr -v a "$D/u/x"
rm "$D/u/y"
touch "$D/u/part"
echo mine >"$D/u/e/phantom"
kit_treesum "$D" >"$KIT_DIR/before"
kit_fsck "$KIT_DIR/dry" --undo -n -o "$O,metacopy=on"
kit_treesum "$D" >"$KIT_DIR/after"
kit_check "what was changed, removed, touched and replaced cannot" test "$KIT_STATUS" -eq 4
kit_check "and is counted" grep -q ': 3 steps would be taken back, 4 left$' "$KIT_DIR/dry"
kit_check "nothing changes" cmp "$KIT_DIR/before" "$KIT_DIR/after"
kit_fsck "$KIT_DIR/out" --undo -o "$O,metacopy=on"
kit_check "--undo finds the same" cmp "$KIT_DIR/out" \
	<(sed 's/would be taken back/taken back/' "$KIT_DIR/dry")
kit_done
