#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A conversion at a terminal: before a question is answered nothing is made, not even the directories that
# what it asks for would go into.

# shellcheck source=kit.sh
. "$(dirname "$0")/kit.sh"
kit_start "$@"
# shellcheck source=layers_kit.sh
. "$(dirname "$0")/layers_kit.sh"
command -v script >/dev/null || kit_skip_all "there is no script(1)"

# answers TYPED STATUS WHAT: a conversion that is answered so and must end so
answers() {
	local status
	{ printf '%b' "$1" && cat; } </dev/null |
		TERM=dumb timeout 60 script -qec "exec $(printf '%q ' "$FSCK" --to=4.9 -o "$O")" /dev/null |
		tr -d '\r' >"$OUT"
	status=${PIPESTATUS[1]}
	[ "$status" -eq "$2" ] || why "$3: exit status $status instead of $2"
}

sums() { kit_treesum -x ctime,atime,dirsize "$U" "$L" "$D/lower2"; }
unchanged() {
	sums | diff "$KIT_DIR/sums" - | head -n 5 >"$KIT_DIR/diff"
	[ ! -s "$KIT_DIR/diff" ] || why "$1 changed something: $(cat "$KIT_DIR/diff")"
}

# Metacopies that a lower layer has, in directories that the upper has not.
overlay "ask" 2
must rmdir "$D/lower1"
into "$D/lower2" 'mkdir -p a/b c; seq 500 >a/b/f; seq 600 >c/g'
must kit_mount "lowerdir=$D/lower2,upperdir=$U,workdir=$D/work,metacopy=on" "$D/m"
into "$D/m" 'chmod 600 a/b/f c/g'
must kit_unmount "$D/m"
into "$D" 'mv upper lower1; rm -rf work; mkdir upper work'
sums >"$KIT_DIR/sums"

answers 'n\nn\n' 4 "twice no"
unchanged "twice no"
[ "$(grep -o 'have to be made first? ' "$OUT" | wc -l)" -eq 2 ] || why "it does not ask twice"
judge "no is no"

answers 'q\n' 36 "quit"
unchanged "to quit"
judge "to quit leaves everything as it is"

answers 'n\ny\n' 4 "no and yes"
[ ! -e "$U/a" ] || why "what was declined got a directory"
[ "$(cat "$U/c/g" 2>&1)" = "$(seq 600)" ] || why "what was agreed to was not done"
[ "$(grep -o 'have to be made first? ' "$OUT" | wc -l)" -eq 2 ] || why "it does not ask twice"
judge "each is asked for once, and only what was agreed to is done"

kit_fsck "$OUT" --undo -o "$O"
[ "$KIT_STATUS" -eq 0 ] || why "undo: exit status $KIT_STATUS"
unchanged "undo"
answers 'y\nq\n' 36 "yes and quit"
[ "$(cat "$U/a/b/f" 2>&1)" = "$(seq 500)" ] || why "what was agreed to before was not done"
[ ! -e "$U/c" ] || why "what was not answered got a directory"
judge "what was agreed to before the answer to quit is done"

kit_fsck "$OUT" --undo -o "$O"
answers 'y\ny\n' 1 "twice yes"
[ "$(cat "$U/a/b/f" "$U/c/g" 2>&1)" = "$(seq 500; seq 600)" ] || why "it was not done"
judge "yes is yes"
kit_done
