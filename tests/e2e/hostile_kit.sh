# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# What the tests share that try to lure a repair out of the layers: a tree beside the layers, on the same
# file system, which nobody may change, and nothing of which may appear in the layers. Sourced after
# layers_kit.sh.
#
#	canary/alone/    nothing of it is in the layers
#	canary/linked/   files with a second name in a layer; a repair may neither change the inode nor the
#			 name in the layer
#	canary/moved/    the same, but for names that a repair may take out of a layer: the ctime changes

TOKEN=CANARY-$$-$RANDOM
# shellcheck disable=SC2034 # for kit.sh
KIT_TIMEOUT=60

# canary: makes one beside the layers of the overlay of the moment, in $C.
canary() {
	C=$D/canary
	must mkdir -p "$C/alone/dir/sub" "$C/linked" "$C/moved"
	into "$C/alone" 'echo "$TOKEN" >file; echo "$TOKEN" >dir/file; echo "$TOKEN" >dir/sub/file
		seq 2000 | sed "s/^/$TOKEN /" >big; : >journal; ln -s dir link; mkfifo fifo; mknod dev c 1 3
		chmod 4711 file; chmod 700 dir; touch -d 2001-02-03 dir file
		setfattr -n trusted.overlay.opaque -v nonsense dir
		setfattr -n trusted.overlay.redirect -v /nowhere file'
}

# canary_sum: everything about it
canary_sum() {
	kit_treesum "$C/alone" "$C/linked"
	kit_treesum -x ctime "$C/moved"
}

# watch: from now on nothing of it may change.
watch() { canary_sum >"$KIT_DIR/canary"; }

# untouched WHAT: it has not changed since, and nothing of it is in the layers but hard links.
untouched() {
	local file
	canary_sum >"$KIT_DIR/canary.now"
	cmp -s "$KIT_DIR/canary" "$KIT_DIR/canary.now" || {
		why "$1: something outside of the layers has changed:"
		diff "$KIT_DIR/canary" "$KIT_DIR/canary.now" | sed "s,$D/,,g" | head -n 10 >>"$WHY"
	}
	while IFS= read -r -d '' file; do
		[ -n "$(find "$C" -samefile "$file" -print -quit)" ] ||
			why "$1: what is outside of the layers was copied to $file"
	done < <(grep -rlaZ --devices=skip -e "$TOKEN" "$D/upper" "$D/lower1" "$D/work" 2>>"$LOG")
	watch # grep has changed the access times
}

# writes MODE...: runs the program in a mode that writes; complains about anything but a proper end.
writes() {
	kit_fsck "$OUT" "$@" -o "$O"
	! kit_crashed "$OUT" || why "$*: it crashed, status $KIT_STATUS"
	case $KIT_STATUS in
	0 | 1 | 4) ;;
	8 | 12) [ -s "$OUT.err" ] || why "$*: exit status $KIT_STATUS and no message" ;;
	*) why "$*: exit status $KIT_STATUS" ;;
	esac
	is_printable
	untouched "$*"
}

# ends STATUS WORD: how the last run has to have ended, with this word on stderr
ends() {
	[ "$KIT_STATUS" -eq "$1" ] || why "exit status $KIT_STATUS instead of $1"
	[ -z "${2:-}" ] || grep -qF -e "$2" "$OUT.err" || why "it does not say '$2'"
}

# layers_sum: the layers, and what is in the work directory but for the folder of the journals and markers
layers_sum() {
	kit_treesum -x dirsize,nlink,atime,ctime,mtime "$D/upper" "$D/lower1" "$D/work" |
		grep -vE '\.fsck\.overlay|:/work/incompat'
}
