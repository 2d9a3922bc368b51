#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The marker of an unfinished repair makes the kernel refuse the mount, and nothing else does; a
# mount leaves the journals alone.

# shellcheck disable=SC2016 # the commands in quotes are for into and through
# shellcheck source=kit.sh
. "$(dirname "$0")/kit.sh"
kit_start "$@"
# shellcheck source=layers_kit.sh
. "$(dirname "$0")/layers_kit.sh"

# journal WORD [FOLDER]: see tests/tools/ovl-journal.c
journal() { "$KIT_TOOLS/ovl-journal" "$1" "$O" "${@:2}" 2>"$KIT_DIR/journal.err"; }

# mounts OPTIONS: whether the overlay can be mounted with them, and be written to.
mounts() {
	if kit_mount "$O${1:+,$1}" "$D/m" 2>"$KIT_DIR/mount.err"; then
		touch "$D/m/new" 2>/dev/null && rm "$D/m/new" || why "the mount is read-only ($1)"
		must kit_unmount "$D/m"
	else
		why "no mount with '$1': $(cat "$KIT_DIR/mount.err")"
	fi
}

# refuses OPTIONS: the kernel must, with EINVAL.
refuses() {
	if kit_mount "$O${1:+,$1}" "$D/m" 2>"$KIT_DIR/mount.err"; then
		must kit_unmount "$D/m"
		why "it can be mounted with '$1'"
	elif ! grep -q '^EINVAL:' "$KIT_DIR/mount.err"; then
		why "another errno with '$1': $(cat "$KIT_DIR/mount.err")"
	fi
}

begun() { ID=$(journal begin "$@") || broken "$(cat "$KIT_DIR/journal.err")"; }
ended() { journal end "$@" || broken "$(cat "$KIT_DIR/journal.err")"; }
is() { test "$@" || why "not so: $*"; }

# kept DIR: name, mode, owner, times and content of all that is in the journals
kept() { (cd "$1/.fsck.overlay" && find . -printf '%p %M %u %T@ %i\n' -type f -exec sha256sum {} \; | sort); }

KINDS=("" "index=on" "index=on,nfs_export=on" "redirect_dir=on,metacopy=on")

for fs in tmpfs ext4 xfs btrfs; do
	if ! on "$fs"; then
		kit_skip "on $fs" "$REPLY"
		continue
	fi

	overlay "the kernel refuses while a repair is unfinished, on $fs"
	through index=on 'echo 1 >a'
	begun
	is -d "$D/work/work/incompat/fsck.overlay/$ID"
	is -f "$D/work/.fsck.overlay/$ID/journal"
	for kind in "${KINDS[@]}"; do refuses "$kind"; done
	is -d "$D/work/work/incompat/fsck.overlay/$ID"
	ended
	is ! -e "$D/work/work/incompat"
	kept "$D/work" >"$KIT_DIR/before"
	for kind in "${KINDS[@]}"; do mounts "$kind"; done
	kept "$D/work" >"$KIT_DIR/after"
	cmp -s "$KIT_DIR/before" "$KIT_DIR/after" || why "a mount changed the journals"
	grep -q '/journal ' "$KIT_DIR/after" || why "no journal was kept"
	judge "$MAKING"
done

on tmpfs
overlay "with the journal elsewhere"
must mkdir "$D/z"
through index=on 'echo 1 >a'
begun "$D/z"
refuses index=on
is -f "$D/z/.fsck.overlay/$ID/journal"
is ! -e "$D/work/.fsck.overlay"
if journal begin; then why "a second repair was begun"; fi
grep -q -- -z "$KIT_DIR/journal.err" || why "it does not say why: $(cat "$KIT_DIR/journal.err")"
refuses index=on
ended "$D/z"
mounts index=on
judge "$MAKING"

overlay "work/ is not there yet"
begun
is -d "$D/work/work/incompat/fsck.overlay/$ID"
[ "$(stat -c %a "$D/work/work")" = 0 ] || why "work/ has mode $(stat -c %a "$D/work/work")"
refuses
ended
mounts
judge "$MAKING"

overlay "the marker of the kernel stays"
through volatile 'echo 1 >a'
is -e "$D/work/work/incompat/volatile/dirty"
begun
refuses
ended
is -e "$D/work/work/incompat/volatile/dirty"
is ! -e "$D/work/work/incompat/fsck.overlay"
refuses
judge "$MAKING"
kit_done
