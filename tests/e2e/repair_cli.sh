#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Repair on the command line: modes, questions, reports, exit codes, and taking it back. What each
# repair does to the layers is the business of others; here it is the removal of useless whiteouts.

# shellcheck source=kit.sh
. "$(dirname "$0")/kit.sh"
kit_start "$@"
# shellcheck source=cli_kit.sh
. "$(dirname "$0")/cli_kit.sh"

overlay wh
WH=$REPLY
mknod "$TOP/wh/upper/d/useless" c 0 0
mknod "$TOP/wh/upper/d/none" c 0 0
WORK=$TOP/wh/work/.fsck.overlay
FOUND="whiteout hides nothing (whiteout-useless)"
ERROR=problem.whiteout-useless=error
ID='[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}'

# state: the upper layer as a text, with the times of directories, for which the repair must care.
state() { kit_treesum -x ctime "$TOP/wh/upper"; }
state >"$KIT_DIR/state"
as_before() {
	state >"$KIT_DIR/state.now"
	kit_check "$1" cmp "$KIT_DIR/state" "$KIT_DIR/state.now"
}

# --- nothing to do -------------------------------------------------------------------------------

for mode in -p -a -y; do
	run 0 "$mode, healthy" like "$SUMMARY" lines 1 empty .err -- "$mode" -o "$GOOD"
done
run 0 "--json -y, healthy" json '.exit_code == 0 and .journal == null and .problems == []' \
	json '.counts.corrected == 0 and .counts.left == 0 and .counts.recovered == 0' -- \
	--json -y -o "$GOOD"
kit_check "and nothing was written" test ! -e "$TOP/good/work/.fsck.overlay"
run 0 "-p leaves what is to be ignored" lines 1 out "clean, " -- \
	-p -o "$WH" -E problem.whiteout-useless=ignore
kit_check "and writes nothing" test ! -e "$WORK"
run 8 "--undo without a journal" empty out err "nothing to take back" -- --undo -o "$GOOD"
run 0 "--list-undo without a journal" empty out empty .err -- --list-undo -o "$GOOD"
run 0 "--json --list-undo without a journal" json '.journals == [] and .exit_code == 0' -- \
	--json --list-undo -o "$GOOD"

# --- repair, report, undo ------------------------------------------------------------------------

run 1 "-p corrects" empty .err line "upper:/d/none: $FOUND. Remove it? yes" \
	line "upper:/d/useless: $FOUND. Remove it? yes" lines 4 \
	like "to take it back: fsck\.overlay --undo=$ID -o $WH" \
	like "$TOP/wh/upper: 2 layers, .*, 2 problems, 2 corrected \([0-9.]+ s\)" -- -p -o "$WH"
hint=$(sed -n 's/^to take it back: fsck.overlay //p' "$OUT")
run 0 "then it is clean" out "clean, " no-out useless -- -n -v -o "$WH"
run 0 "--list-undo" lines 1 empty .err \
	like "$ID  [0-9-]{10} [0-9:]{8} UTC  finished  2 steps.*" -- --list-undo -o "$WH"
id=$(cut -c1-36 "$OUT")
run 0 "--json --list-undo" json ".journals | length == 1 and .[0].id == \"$id\" and
	.[0].state == \"finished\" and .[0].steps == 2 and .[0].time > 0" -- --json --list-undo -o "$WH"
state >"$KIT_DIR/repaired"
run 0 "--undo -n" line "upper:/d/none: remove it (whiteout-useless): would be taken back" \
	line "$TOP/wh/upper: 2 steps would be taken back" lines 3 -- --undo -n -o "$WH"
run 0 "--json --undo -n" json '.dry_run and .counts == {taken_back: 2, left: 0}' -- \
	--json --undo -n -o "$WH"
state >"$KIT_DIR/repaired.now"
kit_check "which changes nothing" cmp "$KIT_DIR/repaired" "$KIT_DIR/repaired.now"
run 8 "--undo with an id that is none" err "there is no journal x" -- --undo=x -o "$WH"
eval "set -- $hint"
run 0 "the command that was printed takes it back" empty .err \
	line "upper:/d/useless: remove it (whiteout-useless): taken back" \
	line "$TOP/wh/upper: 2 steps taken back" lines 3 -- "$@"
as_before "as it was"
run 8 "which is possible once" err "there is no journal" -- "$@"

run 1 "--json -p" empty .err json '.exit_code == 1 and .counts.corrected == 2 and .counts.left == 0' \
	json '.problems | length == 2 and map(.result) == ["corrected", "corrected"] and
		map(.action) == ["remove it", "remove it"] and map(.reason) == [null, null] and
		map(.severity) == ["information", "information"]' \
	json ".journal | test(\"^$ID\$\")" -- --json -p -o "$WH"
id=$(jq -r .journal "$OUT")
run 0 "--json --undo=ID" json '.counts == {taken_back: 2, left: 0} and .exit_code == 0 and
	(.dry_run | not) and (.steps | map(.result) | unique == ["taken back"])' -- \
	--json "--undo=${id:0:8}" -o "$WH"
as_before "as it was"

mkdir "$KIT_DIR/journals"
chmod 700 "$KIT_DIR/journals"
run 1 "-z: the journal is elsewhere" like "to take it back: .* -z $KIT_DIR/journals .*" -- \
	-y -z "$KIT_DIR/journals" -o "$WH"
run 0 "and is not found without -z" empty out -- --list-undo -o "$WH"
run 0 "but with it" lines 1 -- --list-undo -z "$KIT_DIR/journals" -o "$WH"
run 0 "--undo -z" line "$TOP/wh/upper: 2 steps taken back" -- --undo -z "$KIT_DIR/journals" -o "$WH"
as_before "as it was"
run 8 "-z with a directory that is none" empty out err "$KIT_DIR/nothing" -- \
	-y -z "$KIT_DIR/nothing" -o "$WH"

run 4 "what -p does not repair is left" line "upper:/d/useless: $FOUND. Remove it? yes" \
	out "(meta-no-lowerdata)" like ".*, [0-9]+ problems, 1 corrected \([0-9.]+ s\)" -- -p -o "$BAD"
run 0 "and taken back" -- --undo -o "$BAD"

bad=$TOP/bad/work/.fsck.overlay/00000000-0000-0000-0000-000000000000
mkdir -p "$bad" && chmod 700 "$bad" "${bad%/*}"
echo nonsense of some length, which is no journal at all >"$bad/journal"
run 8 "a journal that is none is no usage error" empty out err "fsck.overlay: " -- --undo=0000 -o "$BAD"
rm -r "$bad"

# --- layers in use -------------------------------------------------------------------------------

kit_mount "$WH" "$TOP/wh/m"
for mode in -p -y; do
	run 8 "$mode: layers in use" empty out err "in use" err "$TOP/wh/m" -- "$mode" -o "$WH"
	run 8 "$mode: a live mount" empty out err "in use" -- "$mode" "$TOP/wh/m"
done
run 8 "--json: layers in use" json '.exit_code == 8 and (.error | contains("in use"))' -- \
	--json -p -o "$WH"
kit_unmount "$TOP/wh/m"
state >"$KIT_DIR/state" # the mount has made its own traces

# --- questions -----------------------------------------------------------------------------------

# at_terminal TYPED ARG...: the program on a terminal where this has been typed, then standard input
at_terminal() {
	local typed=$1
	shift
	: >"$OUT.err"
	{ printf '%b' "$typed" && cat; } |
		TERM=dumb timeout 60 script -qec "exec $(printf '%q ' "$FSCK" "$@")" /dev/null |
		tr -d '\r' >"$OUT"
	# shellcheck disable=SC2034 # cli_kit.sh looks at it
	KIT_STATUS=${PIPESTATUS[1]}
}

# answer STATUS NAME TYPED [WISH TEXT]...: both whiteouts are in question, as errors
answer() {
	local status=$1 name=$2
	at_terminal "$3" -E "$ERROR" -o "$WH" </dev/null
	look "$status" "${@:4}"
	judge "$name"
	[ "$status" -eq 36 ] || [ ! -e "$WORK" ] || kit_fsck "$OUT" --undo -o "$WH"
}
Q="$FOUND. Remove it? "
if command -v script >/dev/null; then
	answer 1 "y y" 'y\ny\n' out "upper:/d/none: $Q" out "upper:/d/useless: $Q" \
		out "2 problems, 2 corrected" out "to take it back: "
	as_before "as it was"
	answer 4 "y n" 'yes\nno\n' out "2 problems, 1 corrected"
	as_before "as it was"
	answer 4 "n n" 'n\nn\n' out "2 problems" no-out corrected no-out "to take it back"
	as_before "nothing was done"
	answer 1 "a" 'a\n' out "upper:/d/useless: ${Q}yes" out "2 problems, 2 corrected"
	as_before "as it was"
	answer 4 "s" 's\n' out "upper:/d/useless: ${Q}no" no-out corrected
	as_before "nothing was done"
	answer 4 "e, nonsense, an empty line" 'e\nnonsense\n\nn\nn\n' out "What you see:" \
		out "y: yes; n: no; a: yes to all" out "2 problems" no-out corrected
	as_before "nothing was done"
	answer 36 "q" 'q\n' out "cancelled, " no-out corrected
	as_before "nothing was done"
	answer 36 "the end of the input" '' out "cancelled, " no-out corrected
	as_before "nothing was done"
	answer 36 "y q" 'y\nq\n' out "cancelled, " out "1 corrected"
	kit_fsck "$OUT" --undo -o "$WH"
	as_before "as it was"
	typing() { sleep 1 && printf '\003' && sleep 1; }
	at_terminal '' -E "$ERROR" -o "$WH" < <(typing)
	look 36 out "cancelled, " no-out corrected
	judge "^C"
	as_before "nothing was done"
	at_terminal '' -o "$GOOD" </dev/null
	look 0 like "$SUMMARY" lines 1
	judge "nobody is asked about a healthy overlay"
else
	kit_skip "questions" "there is no script(1)"
fi

# --- fsck(8) -------------------------------------------------------------------------------------

mkdir "$KIT_DIR/bin"
ln -s "$FSCK" "$KIT_DIR/bin/fsck.overlay"
if command -v fsck >/dev/null; then
	status=0
	PATH=$KIT_DIR/bin:$PATH timeout 60 fsck -T -t overlay -a "$WH" >"$OUT" 2>"$OUT.err" </dev/null ||
		status=$?
	KIT_STATUS=$status look 1 out "2 problems, 2 corrected"
	judge "fsck -a -t overlay"
else
	kit_skip "fsck -a -t overlay" "there is no fsck(8)"
fi

kit_done
