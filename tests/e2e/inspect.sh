#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# --inspect: what it says of each path is what the kernel shows, and it says why.
#
#	OVL_SEEDS=N   how many random overlays (20; with OVL_LONG=1 400)
#	OVL_FIRST=N   the first seed (1)

# shellcheck source=kit.sh
. "$(dirname "$0")/kit.sh"
kit_start "$@"

seeds=${OVL_SEEDS:-$([ -n "${OVL_LONG:-}" ] && echo 400 || echo 20)}
first=${OVL_FIRST:-1}
oracle=${OVL_ORACLE:-$KIT_TOOLS/../oracle/inspect}
[ -x "$oracle" ] || kit_broken "no oracle of inspections at $oracle"

# --- random overlays that the kernel made -----------------------------------------------------------

# compare_seed SEED DIR: mounts the overlay of a seed and asks both.
compare_seed() {
	local options status=0
	mkdir "$2/overlay"
	"$KIT_TOOLS/ovl-random" -s "$1" "$2/overlay" >/dev/null || return 1
	options=$(cat "$2/overlay/options")
	mkdir "$2/mnt"
	kit_mount "$options" "$2/mnt" || return 1
	"$oracle" "$options" "$2/mnt" >"$2/log" || status=1
	kit_unmount "$2/mnt"
	return "$status"
}

compare_random() {
	local seed wrong=$KIT_DIR/$1.wrong
	kit_fs "$1" || { kit_skip "$1" "$REPLY" && return; }
	: >"$wrong"
	for ((seed = first; seed < first + seeds; seed++)); do
		mkdir "$REPLY/$seed"
		compare_seed "$seed" "$REPLY/$seed" ||
			{ printf 'seed %s: ' "$seed" && cat "$REPLY/$seed/log"; } >>"$wrong" 2>&1
		sed -n 's/^# \([0-9]*\) paths and.*/\1/p' "$REPLY/$seed/log" >>"$KIT_DIR/paths"
		kit_remove "$REPLY/$seed"
	done
	if [ -s "$wrong" ]; then
		kit_fail "random overlays on $1" "$wrong"
	else
		kit_ok "random overlays on $1: $(awk '{ n += $1 } END { print n + 0 }' "$KIT_DIR/paths") paths"
	fi
	rm -f "$KIT_DIR/paths"
}

compare_random tmpfs
compare_random ext4

# --- what it says, and why --------------------------------------------------------------------------

kit_fs tmpfs || kit_broken "no tmpfs"
D=$REPLY/hand
mkdir "$D" "$D"/{l1,l2,u,w,mnt}
layers=lowerdir=$D/l1:$D/l2,upperdir=$D/u,workdir=$D/w
options=$layers,redirect_dir=on,metacopy=on,index=on

mkdir -p "$D"/l2/{d,was,mix,op} "$D"/l1/{d,mix.dir,op}
echo two >"$D/l2/d/f"
echo one >"$D/l1/d/f"
echo two >"$D/l2/was/only"
echo file >"$D/l1/mix"
echo lower >"$D/l2/meta"
echo lower >"$D/l2/link"
ln "$D/l2/link" "$D/l2/link2"
touch "$D/l2/gone" "$D/l2/op/hidden"
kit_mount "$options" "$D/mnt"
(
	cd "$D/mnt" || exit
	mv was is && chmod 600 meta && mv meta moved && rm gone && rm -r op && mkdir op && echo more >>./link
	mkdir made
) || kit_broken "cannot make the overlay"
kit_unmount "$D/mnt"

# says PATH PLACE TEXT: the lines about this place (or "result") contain the text.
says() {
	local lines
	kit_fsck "$KIT_DIR/out" --inspect="$1" -o "$options"
	[ "$2" = result ] && lines=$(head -n 1 "$KIT_DIR/out") ||
		lines=$(place=$2 awk 'index($0, ENVIRON["place"] ": ") == 1 { found = 1; print; next }
			/^ / { if (found) print; next } { found = 0 }' "$KIT_DIR/out")
	if [ "$KIT_STATUS" -eq 0 ] && [[ $lines == *"$3"* ]]; then
		kit_ok "$1: $2: $3"
	else
		kit_fail "$1: $2: $3" "$KIT_DIR/out"
	fi
}

says / upper:/ 'entries (merged)'
says / lower2:/ 'entries (merged)'
says /d/f lower1:/d/f 'shown: metadata, data'
says /d/f lower2:/d/f 'hidden: lower1:/d/f is a regular file'
says /is upper:/is '"was": this name in the layers below'
says /is upper:/is 'a directory, that of lower2:/was'
says /is lower2:/was 'entries (merged)'
says /is/only lower2:/was/only 'shown: metadata, data'
says /mix lower1:/mix 'shown: metadata, data'
says /mix lower2:/mix 'hidden: lower1:/mix is a regular file'
says /mix/below result 'ENOTDIR (Not a directory): /mix is not a directory'
says /moved upper:/moved 'shown: metadata'
says /moved upper:/moved 'a regular file, that of lower2:/meta'
says /moved lower2:/meta 'shown: data'
says /gone result 'ENOENT (No such file or directory): upper:/gone says that it is deleted'
says /gone lower2:/gone 'hidden: upper:/gone is a whiteout'
says /op upper:/op '"y": hides everything below'
says /op lower2:/op 'hidden: upper:/op is opaque'
says /op/hidden result 'what is there is hidden'
says /op/hidden lower2:/op/hidden 'hidden: upper:/op is opaque'
says /nothing result 'no layer has it'
says /link "index:/$("$KIT_TOOLS/ovl-fh" encode -n "$D/l2/link")" 'the inode of the upper file'
says /link2 "index:/$("$KIT_TOOLS/ovl-fh" encode -n "$D/l2/link")" 'shown: metadata, data'
says /link2 lower2:/link2 'hidden: the index has what stands for its upper'

setfattr -n trusted.overlay.redirect -v bad//value "$D/u/is"
says /is result 'EINVAL (Invalid argument): upper:/is has a malformed redirect'
says /is/only result 'EINVAL (Invalid argument): /is: upper:/is has a malformed redirect'
setfattr -x trusted.overlay.redirect "$D/u/moved"
says /moved result 'EIO (Input/output error): it is a metacopy file, and no layer has its data'
setfattr -n trusted.overlay.future -v x "$D/u/made"
says /made upper:/made 'trusted.overlay.future: unknown to this program'
index=$D/w/index/$("$KIT_TOOLS/ovl-fh" encode -n "$D/l2/link")
rm "$index"
mknod "$index" c 0 0
says /link2 result 'EIO (Input/output error): its entry in the index does not fit'
kit_fsck "$KIT_DIR/out" --inspect=/a/./b -o "$options"
kit_check "a path with dots is refused" [ "$KIT_STATUS" -eq 16 ]
kit_done
