# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# What blind corruption is tested with: file systems that can be copied whole, what an overlay on them
# shows, and what the findings name. Sourced after kit.sh and
# findings_kit.sh.
#
# One overlay at a time lies in $DIR, with the mount options $OPTIONS; files about it begin with $OUT.

# --- file systems ------------------------------------------------------------------------------

# A copy has the handles and uuids of the original, so it is mounted at the same place instead of it.
# IMAGE is the image that is mounted at the moment, empty on tmpfs.

# no_place KIND: it cannot be had. Returns 1.
no_place() {
	# shellcheck disable=SC2034 # the script reads it
	why[$1]="cannot make a $1 on a loop device"
	return 1
}

# corrupt_start KIND...: what all runs share. Sets why[KIND] for what cannot be had here.
corrupt_start() {
	local kind
	# shellcheck disable=SC2034 # the script reads it
	declare -gA why
	findings_start
	mkdir "$KIT_DIR/images" "$KIT_DIR/out" && mount -t tmpfs images "$KIT_DIR/images" ||
		kit_skip_all "no tmpfs"
	for kind; do
		[ "$kind" != tmpfs ] || continue
		command -v "mkfs.$kind" >/dev/null && new_image "$kind" "$KIT_DIR/images/$kind" &&
			mkdir "$KIT_DIR/probe" && attach "$kind" "$KIT_DIR/images/$kind" "$KIT_DIR/probe" ||
			no_place "$kind" || continue
		umount "$KIT_DIR/probe"
		rmdir "$KIT_DIR/probe"
	done
}

new_image() {
	local size=128M args=()
	case $1 in
	xfs) size=320M ;;
	ext4) args=(-b 4096 -I 256) ;;
	esac
	truncate -s "$size" "$2" && "mkfs.$1" -q "${args[@]}" "$2" >"$2.log" 2>&1
}

attach() {
	local options=loop,noatime
	[ "$1" != xfs ] || options+=,nouuid
	mount -t "$1" -o "$options" "$2" "$3"
}

# place KIND SEED: a fresh file system for one overlay, and its directory $DIR.
place() {
	KIND=$1 AT=$KIT_DIR/fs.$1.$2 IMAGE=
	DIR=$AT/d
	mkdir "$AT"
	if [ "$1" = tmpfs ]; then
		mount -t tmpfs -o noatime scratch "$AT"
	else
		IMAGE=$KIT_DIR/images/$1.$2
		if [ "$1" = btrfs ]; then # which does not take two of one uuid
			new_image "$1" "$IMAGE"
		else
			cp --sparse=always "$KIT_DIR/images/$1" "$IMAGE"
		fi
		attach "$1" "$IMAGE" "$AT"
	fi
	mkdir "$DIR" "$AT.view"
}

# displace: all of it goes.
displace() {
	kit_unmount_below "$AT.view"
	umount "$AT" || umount -l "$AT"
	rmdir "$AT" "$AT.view"
	[ -z "$IMAGE" ] || rm -f "$IMAGE"*
}

can_copy() { [ -n "$IMAGE" ]; }

# settle: unmounts the image. What still holds the file system lets go of it a little later; until
# then the image is not what it will be.
settle() {
	local tries
	sync -f "$AT"
	for ((tries = 0; tries < 200; tries++)); do
		! umount "$AT" 2>/dev/null || break
		sleep 0.05
	done
	! mountpoint -q "$AT" || return 1
	for (( ; tries < 2000; tries++)); do
		losetup -j "$IMAGE" | grep -q . || return 0
		sleep 0.01
	done
	return 1
}

# copy_out, copy_back: what is done in between happens to a copy.
copy_out() {
	settle && cp --sparse=always "$IMAGE" "$IMAGE+" && IMAGE=$IMAGE+ &&
		attach "$KIND" "$IMAGE" "$AT" || echo "cannot copy the file system"
}

copy_back() {
	settle && rm "$IMAGE" && IMAGE=${IMAGE%+} && attach "$KIND" "$IMAGE" "$AT" ||
		echo "cannot go back to the original"
}

# --- what there is -----------------------------------------------------------------------------

# files: of a listing on standard input the files that hold anything, each by what it is and not by
# where it lies. The data of what is empty or one hole is the value that the sum begins with.
files() {
	sed -nE '/data=cbf29ce484222325$/d
		s/.* f mode=.* (ino=[0-9]+) .*(size=[0-9]+) .* (data=.*)$/\1 \2 \3/p' | sort -u
}

# same WHAT BEFORE AFTER: two listings of the overlay should be equal.
same() {
	cmp -s "$OUT.$2" "$OUT.$3" && return
	echo "$1"
	diff "$OUT.$2" "$OUT.$3" | head -n 20
}

# view FILE: what a mount of the overlay shows; $OUT.refused says why there is none.
view() {
	if kit_mount "$OPTIONS" "$AT.view" 2>"$OUT.refused"; then
		: >"$OUT.refused"
		# An error may hide the rest of the tree from it: then it is as if there were no mount.
		kit_treesum -x view "$AT.view" >"$1" 2>"$OUT.lost"
		[ ! -s "$OUT.lost" ] || mv "$OUT.lost" "$OUT.refused"
		kit_unmount "$AT.view" || echo "cannot unmount the overlay"
	else
		[ -s "$OUT.refused" ] || echo "not mounted" >"$OUT.refused"
		rm -f "$1"
	fi
}

# has_journal WORK: is there a repair that can be taken back? Nothing deeper is read: that changes atimes.
has_journal() {
	[ -n "$(find "$1/.fsck.overlay" -maxdepth 2 -name journal 2>/dev/null)" ]
}

# --- what is found -----------------------------------------------------------------------------

# named REPORT: the places that the warnings and errors of a report with -v speak of, sorted, each with
# "below" if it may be about all that lies below, and "alone" if not.
named() {
	awk '
	function say(place) { print (slug ~ /^(impure|nlink|origin|xattr)-/ ? "alone" : "below"), place }
	/^[a-z]/ && match($0, /: [^:]* \([a-z0-9-]+\)$/) {
		place = substr($0, 1, RSTART - 1)
		slug = $0
		sub(/\)$/, "", slug)
		sub(/.*\(/, "", slug)
		bad = 0
	}
	/^    severity: (warning|error)$/ { bad = 1; say(place) }
	/^    / && bad && match($0, /; other: /) { say(substr($0, RSTART + 9)) }' "$1" | sort -u
}

# unescaped TEXT: in $REPLY a path with its control bytes as they are.
unescaped() {
	printf -v REPLY '%b' "$(sed -E 's/\\([0-7]{3})/\\0\1/g' <<<"$1")"
}

# other_names UPPER: what "named" says on standard input, and the same of the other names of each file.
other_names() {
	local how place
	while read -r how place; do
		printf '%s %s\n' "$how" "$place"
		[[ $place = upper:/?* ]] || continue
		unescaped "${place#upper:}"
		[ ! -f "$1$REPLY" ] || (cd "$1" && find . -samefile ".$REPLY" -printf "$how upper:/%P\n")
	done | sort -u
}

# differing VIEW VIEW2: the paths at which two views differ, as treesum writes them.
differing() {
	diff "$1" "$2" | sed -n 's/^[<>] \([^ ]*\) .*/\1/p' | sort -u
}

# places PATH ESCAPED: where the objects lie that the overlay shows at a path and above, a line each.
places() {
	local path=$1
	printf 'upper:%s\n' "$path" "$2"
	while :; do
		"$FSCK" --inspect="${path:-/}" -o "$OPTIONS" 2>/dev/null </dev/null |
			sed -nE 's/^((upper|index|work|lower[0-9]+|data[0-9]+):.*): (directory|regular|whiteout|symlink|symbolic|fifo|socket|char|block|device|cannot).*/\1/p'
		[ -n "$path" ] || break
		path=${path%/*}
	done
}

# is_below PATH DIRECTORIES: does it lie in one of these that could not be listed?
is_below() {
	local dir
	while read -r dir; do
		[[ -z $dir || $1 != "${dir%/}"/* ]] || return 0
	done <<<"$2"
	return 1
}

# unexplained FILE: of the paths in it those that no finding of $OUT.named speaks of.
unexplained() {
	local line path unlisted
	unlisted=$(sed -n 's/^\([^ ]*\) entries=!.*/\1/p' "$OUT.view" "$OUT.view2")
	while read -r line; do
		is_below "$line" "$unlisted" && continue
		unescaped "$line"
		path=$REPLY
		[ "$path" != / ] || path=
		# A directory cannot be listed because of something in it.
		! grep -qF "$line entries=!" "$OUT.view" "$OUT.view2" ||
			! grep -qF " upper:$line/" "$OUT.named" || continue
		places "$path" "$line" >"$OUT.places"
		awk 'NR == FNR { how = $1; sub(/^[a-z]+ /, ""); if (how == "below") below[$0]; named[$0]; next }
		FNR <= 2 && $0 in named { hit = 1; exit }
		{
			for (at = $0; ; sub(/\/[^\/]*$/, "", at)) {
				if (at in below || (at "/") in below) { hit = 1; exit }
				if (at !~ /\//) break
			}
		}
		END { exit !hit }' "$OUT.named" "$OUT.places" || printf '%s\n' "$line"
	done <"$1"
	rm -f "$OUT.places"
}

# refused ERRORS: is this an exit with 8 that there is a reason for? Some overlays have no upper.
refused() {
	grep -q ': there is no work directory to keep the journal in: use -z DIR$' "$1" &&
		[[ $OPTIONS != *,upperdir=* ]]
}
