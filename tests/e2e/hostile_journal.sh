#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The work directory of somebody who wants a repair, its recovery or --undo to write elsewhere: other
# things where folders of ours should be, folders of others, journals that nobody of ours has written.
# All are refused, with a message; nothing outside is touched.

# shellcheck disable=SC2016,SC2034 # the commands in quotes are for into and through
# shellcheck source=kit.sh
. "$(dirname "$0")/kit.sh"
kit_start "$@"
# shellcheck source=layers_kit.sh
. "$(dirname "$0")/layers_kit.sh"
# shellcheck source=hostile_kit.sh
. "$(dirname "$0")/hostile_kit.sh"

# --- the wrong kind of thing --------------------------------------------------------------------

# make KIND PATH: something that is no folder or file of ours
make() {
	case $1 in
	outside) ln -s "$C/alone/dir" "$2" ;;
	tofile) ln -s "$C/alone/file" "$2" ;;
	up) ln -s ../../../../.. "$2" ;;
	loop) ln -s "${2##*/}" "$2" ;;
	hard) ln "$C/moved/file" "$2" ;;
	fifo) mkfifo "$2" ;;
	zero) mknod "$2" c 1 5 ;;
	whiteout) mknod "$2" c 0 0 ;;
	dir) mkdir -m 700 "$2" ;;
	foreign) mkdir -m 700 "$2" && chown 1000 "$2" ;;
	open) mkdir "$2" && chmod 777 "$2" ;;
	sticky) mkdir "$2" && chmod 1770 "$2" ;;
	esac
}

# layers NAME: an overlay with some of everything
layers() {
	overlay "$1"
	canary
	into "$L" 'echo data >f; ln f g; seq 3000 >m'
	through index=on,metacopy=on 'echo more >>f; chmod 600 m'
	O=$O,index=on,metacopy=on
	into "$C/moved" 'echo "$TOKEN" >file'
	watch
}

# spoil: makes sure that there is something to repair, and something that was repaired: journal $ID
spoil() {
	local damage='mkdir -p p; [ -e p/w ] || mknod p/w c 0 0; echo x >n; xset n opaque y
		xset m metacopy; dd if=../lower1/m of=m bs=4096 count=1 conv=notrunc'
	into "$U" "$damage"
	[ -s "$D/work/.fsck.overlay/${ID:-}/journal" ] && [ -d "$D/work/.fsck.overlay/$ID/saved" ] || {
		kit_fsck "$OUT" -y -o "$O"
		[ "$KIT_STATUS" -eq 1 ] || broken "exit status $KIT_STATUS: $(cat "$OUT" "$OUT.err")"
		ID=$(grep -o 'undo=[0-9a-f-]*' "$OUT")
		ID=${ID#undo=}
		into "$U" "$damage"
	}
	STORE=work/.fsck.overlay/$ID
	rm -rf "$D"/work/work/incompat
}

wrong() { # PLACE KIND: that is there instead of what should be
	local place=$1 kind=$2 mode
	spoil
	place=${place/STORE/$STORE}
	[ ! -e "$D/$place" ] || must mv "$D/$place" "$D/aside"
	must mkdir -p "$D/${place%/*}"
	must make "$kind" "$D/$place"
	watch
	for mode in "--undo -n" --list-undo -p -y --undo; do
		# shellcheck disable=SC2086 # words
		writes $mode
		[ "$(ls -id "$C/alone/dir" "$C/alone/file")" = "$IDS" ] || why "$1 is $kind: moved"
		case $1:$kind in
		work/.fsck.overlay:dir) ;;
		work/.fsck.overlay:*)
			[ "$KIT_STATUS" -ge 8 ] || why "$1 is $kind, $mode: exit status $KIT_STATUS"
			grep -q "'.fsck.overlay'" "$OUT.err" || why "$1 is $kind, $mode: $(cat "$OUT.err")"
			;;
		esac
	done
	rm -rf --one-file-system "${D:?}/$place"
	[ ! -e "$D/aside" ] || must mkdir -p "$D/${place%/*}"
	[ ! -e "$D/aside" ] || must mv "$D/aside" "$D/$place"
}

KINDS=(outside tofile hard fifo foreign)
[ -z "${OVL_LONG:-}" ] || KINDS+=(up loop zero whiteout dir open sticky)
layers "things of the wrong kind"
IDS=$(ls -id "$C/alone/dir" "$C/alone/file")
for place in work/work work/index work/work/incompat work/work/incompat/fsck.overlay work/.fsck.overlay \
	STORE STORE/saved STORE/stage STORE/journal STORE/journal.new; do
	for kind in "${KINDS[@]}"; do
		wrong "$place" "$kind"
	done
	judge "$place is not what it should be"
done
spoil
writes -y
look_at -o "$O"
want_found
judge "and in the end all is repaired"

# --- journals that nobody has written -----------------------------------------------------------

# forge WORD...: a forged journal, and what each mode does about it; MODES may be fewer. Complains if a
# layer has changed, or if --undo is content; if MAY is set, only about what is outside.
forge() {
	local id mode mine modes=("--undo=ID -n" "--undo=ID" --list-undo)
	case $1 in open | undoing) modes=(-p --list-undo "--undo=ID") ;; esac
	id=$("$KIT_TOOLS/ovl-journal" forge "$O" "$@" 2>>"$LOG") || broken "forge $*"
	[ -z "${CONTENT:-}" ] || echo "$CONTENT" >"$D/work/.fsck.overlay/$id/saved/7"
	for mode in "${modes[@]}"; do
		# shellcheck disable=SC2086 # words
		writes ${mode/ID/$id}
		[ -n "${MAY:-}" ] || layers_sum | cmp -s "$KIT_DIR/before" - || {
			why "${*:0:200}: $mode changed something:"
			layers_sum | diff "$KIT_DIR/before" - | head -n 4 >>"$WHY" || :
			layers_sum >"$KIT_DIR/before"
		}
		# What was not committed is left alone by -p, and counted; then there is nothing to take back.
		case ${MAY:-}$1$mode in
		finished--undo* | undoing--undo*) [ "$KIT_STATUS" -ne 0 ] || why "$*: $mode: exit status 0" ;;
		esac
	done
	rm -rf "${D:?}/work/.fsck.overlay/$id" "$D/work/work/incompat"
	[ -z "${MAY:-}" ] || layers_sum >"$KIT_DIR/before"
}

ino() { stat -c %i "$1"; }
mtime() { stat -c %.9Y "$1" | tr . ,; }

layers "forged journals"
into "$D" 'mkdir lower1/d upper/d; echo victim >lower1/d/f; echo mine >upper/d/f
	ln -s ../../canary/alone/dir upper/d/out; ln -s / upper/d/root; echo new >upper/d/new
	echo one >upper/d/one; ln upper/d/one upper/d/two'
writes -y
watch
layers_sum >"$KIT_DIR/before"
OUT_INO=$(ino "$C/alone/file")
X=xattr=trusted.overlay.opaque
STATES=(finished open)
PATHS=(/../canary/alone/file "$C/alone/file" /d/out/file "/$(printf 'x/%.0s' {1..5000})y")
TREES=(2 501 -5 -1)
[ -z "${OVL_LONG:-}" ] || {
	STATES+=(undoing "open marked")
	PATHS+=(/d/../../canary/alone/file canary/alone/file //f /d/ . .. /d/root/etc/passwd
		"/$(printf 'x%.0s' {1..300})")
	TREES+=(17 500 -2147483648 2147483647)
}
for state in "${STATES[@]}"; do
	# shellcheck disable=SC2086 # words
	set -- $state
	for path in "${PATHS[@]}"; do
		forge "$@" type=xattr "at=0:$path" $X new=nonsense "ino=$OUT_INO"
		forge "$@" type=move "at=0:$path" "to=-4:/saved/7" "ino=$OUT_INO" mode=100644
		forge "$@" type=move "at=-4:/saved/7" "to=0:$path" "ino=$OUT_INO" mode=100644
		forge "$@" type=link "at=0:$path" "to=0:/d/x/x" "ino=$OUT_INO"
		forge "$@" type=link "at=0:/d/x/x" "to=0:$path" "ino=$OUT_INO"
		forge "$@" type=data "at=0:$path" "ino=$OUT_INO" size=19,19 mode=100777
		MAY=1 forge "$@" type=data at=0:/d/f "to=0:$path" "source=$OUT_INO" size=5,19 mode=100644
	done
	judge "forged journals, $state: paths that lead elsewhere"
	for tree in "${TREES[@]}"; do
		forge "$@" type=xattr "at=$tree:/d/f" $X new=y
		forge "$@" type=move "at=$tree:/d/f" to=-4:/saved/7 "ino=$(ino "$L/d/f")"
	done
	for tree in 0 1 -3; do
		forge "$@" nameless type=xattr "at=$tree:/d" $X new=y
		forge "$@" nameless type=move at=-4:/saved/7 "to=$tree:/d/f" "ino=$(ino "$U/d/f")" mode=100644
	done
	judge "forged journals, $state: trees that are none, or are not named"
	forge "$@" type=xattr at=1:/d/f xattr=security.capability old=abcdefghijkl
	forge "$@" type=xattr at=0:/d/f xattr=trusted.x old=y
	forge "$@" type=xattr at=0:/d/f xattr=user.overlay.overlay.x old=y
	forge "$@" type=xattr at=0:/d/f xattr=
	CONTENT=evil forge "$@" type=data at=1:/d/f "ino=$(ino "$L/d/f")" size=5,7 saved=7 \
		"mtime=$(mtime "$L/d/f")" mode=106777
	forge "$@" type=data at=1:/d/f "ino=$(ino "$L/d/f")" size=5,7 "mtime=$(mtime "$L/d/f")" mode=104755
	forge "$@" type=move at=-4:/../../../canary/alone/file to=0:/d/stolen "ino=$OUT_INO" mode=100644
	MAY=1 forge "$@" type=move at=0:/ to=-4:/saved/7/x mode=040755 "ino=$(ino "$U")"
	forge "$@" type=none at=0:/d
	MAY=1 forge "$@" type=data at=0:/d/f "ino=$(ino "$U/d/f")" size=18446744073709551615,5 mode=100644
	MAY=1 forge "$@" type=data at=0:/d/f saved=18446744073709551615 size=1,2 mode=100644
	MAY=1 forge "$@" type=move at=0:/d to=0:/d/d/d mode=040755 "ino=$(ino "$U/d")"
	MAY=1 forge "$@" type=link at=0:/d/one to=0:/d/three "ino=$(ino "$U/d/new")"
	MAY=1 forge "$@" type=move at=-4:/journal to=0:/d/one "ino=$(ino "$U/d/one")" mode=100644
	judge "forged journals, $state: what no repair does"
done

kit_done
