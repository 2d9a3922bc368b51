#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The program and its surroundings: fsck(8), descriptors that are closed, full or slow, signals,
# terminals, missing rights, and what cannot be read.

# shellcheck source=kit.sh
. "$(dirname "$0")/kit.sh"
kit_start "$@"
# shellcheck source=cli_kit.sh
. "$(dirname "$0")/cli_kit.sh"

# --- fsck(8) -------------------------------------------------------------------------------------

mkdir "$KIT_DIR/bin"
ln -s "$FSCK" "$KIT_DIR/bin/fsck.overlay"
through_fsck() {
	KIT_STATUS=0
	PATH=$KIT_DIR/bin:$PATH timeout 60 fsck -T "$@" >"$OUT" 2>"$OUT.err" </dev/null || KIT_STATUS=$?
}
if command -v fsck >/dev/null; then
	through_fsck -t overlay -n "$GOOD"
	look 0 like "$SUMMARY"
	judge "fsck -t overlay, healthy"
	through_fsck -t overlay -n "$BAD"
	look 4 out "(meta-no-lowerdata)"
	judge "fsck -t overlay, damaged"
	through_fsck -t overlay -n "$GOOD" "$BAD" # which closes stdin of both
	look 4 like "$SUMMARY" out "(meta-no-lowerdata)"
	judge "fsck -t overlay, two at once"
else
	kit_skip "fsck -t overlay" "there is no fsck(8)"
fi

# --- descriptors ---------------------------------------------------------------------------------

direct() { # the program without redirections of the kit
	KIT_STATUS=0
	: >"$OUT"
	: >"$OUT.err"
	"$@" || KIT_STATUS=$?
}
direct eval '"$FSCK" -n -o "$BAD" >"$OUT" 2>"$OUT.err" <&-'
look 4 out "(meta-no-lowerdata)"
judge "stdin closed"
direct eval '"$FSCK" -n -o "$BAD" 2>"$OUT.err" </dev/null >&-'
look 4 empty .err
judge "stdout closed"
direct eval '"$FSCK" -n -o "$BAD,nonsense" >"$OUT" </dev/null 2>&-'
look 4 out "(meta-no-lowerdata)" no-out nonsense
judge "stderr closed"
direct eval '"$FSCK" -n -o "$BAD,nonsense" <&- >&- 2>&-'
look 4
judge "all three closed"

direct eval '"$FSCK" -n -o "$GOOD" >/dev/full 2>"$OUT.err" </dev/null'
look 8 err "cannot write the report"
judge "a report that cannot be written"
direct eval '"$FSCK" -n --json -o "$BAD" >/dev/full 2>"$OUT.err" </dev/null'
look 12 err "cannot write the report"
judge "a report of problems that cannot be written"
direct eval '"$FSCK" --help >/dev/full 2>"$OUT.err" </dev/null'
look 8 err "cannot write"
judge "a help that cannot be written"

# --- progress ------------------------------------------------------------------------------------

direct eval '"$FSCK" -n -C 3 -o "$GOOD" >"$OUT.report" 2>"$OUT.err" </dev/null 3>"$OUT"'
look 0 empty .err
grep -qvxE '[1-5] [0-9]+ [0-9]+ [^ :]+' "$OUT" && why "a line of another form"
[ "$(cut -d' ' -f1 "$OUT" | uniq | tr '\n' ' ')" = "1 2 3 4 5 " ] || why "not five passes in order"
awk '$1 != pass { if (NR > 1 && cur != max) exit 1; pass = $1 } { cur = $2; max = $3 }
	cur > max { exit 1 } END { exit cur != max || pass != 5 }' "$OUT" || why "a pass without end"
judge "-C 3 tells five passes"
run 8 "-C with a descriptor that is not open" err "descriptor 77" -- -n -C 77 -o "$GOOD"
direct eval '"$FSCK" -n -C -3 -o "$GOOD" >"$OUT.report" 2>"$OUT.err" </dev/null 3>"$OUT"'
look 0 empty out empty .err
judge "-C -3 is silent"
run 0 "-C 0 draws on stdout and leaves the report whole" out "$TOP/good/upper: clean, " -- \
	-n -C 0 -o "$GOOD"
run 0 "-C 0 keeps out of JSON" json '.exit_code == 0' -- -n -C0 --json -o "$GOOD"
direct eval '"$FSCK" -n -C 3 -o "$GOOD" >"$OUT" 2>"$OUT.err" </dev/null 3> >(:)'
look 0 like "$SUMMARY" empty .err
judge "a reader of -C that goes away"

# A pipe that is full stops the program at its first line of progress, until it is emptied.
mkfifo "$KIT_DIR/pipe"
for signal in INT TERM HUP; do
	exec 7<>"$KIT_DIR/pipe"
	head -c 65536 /dev/zero >&7
	# bash lets commands in the background ignore SIGINT, and so would we.
	env --default-signal=INT "$FSCK" -n -C 7 --json -o "$BAD" >"$OUT" 2>"$OUT.err" </dev/null &
	pid=$!
	sleep 0.5
	kill -s "$signal" "$pid" || why "it has ended already"
	sleep 0.2
	head -c 65536 <&7 >/dev/null
	KIT_STATUS=0
	wait "$pid" || KIT_STATUS=$?
	exec 7>&-
	[ $((KIT_STATUS & ~4)) -eq 32 ] || why "exit status $KIT_STATUS"
	want json '.cancelled == true' || why "the report does not tell"
	want json ".exit_code == $KIT_STATUS" || why "the report tells another exit code"
	judge "SIG$signal cancels, and the report is whole"
done

# --- colors --------------------------------------------------------------------------------------

run 4 "no colors in a file" no-out "$ESC" -- -n -o "$BAD"
run 4 "--color=always" out "${ESC}[" line "$HOSTILE: ${ESC}[1;31mmetacopy has no lower data${ESC}[0m (meta-no-lowerdata)" -- \
	-n --color=always -o "$BAD"
NO_COLOR=1 run 4 "--color=always beats NO_COLOR" out "${ESC}[" -- -n --color=always -o "$BAD"
at_terminal() {
	KIT_STATUS=0
	: >"$OUT.err"
	env "${@:2}" script -qec "'$FSCK' -n -o '$BAD' $1" /dev/null >"$OUT" </dev/null || KIT_STATUS=$?
}
if command -v script >/dev/null; then
	at_terminal "" TERM=xterm
	look 4 out "${ESC}[1;31m"
	judge "colors on a terminal"
	at_terminal "" TERM=xterm NO_COLOR=1
	look 4 no-out "${ESC}["
	judge "not with NO_COLOR"
	at_terminal "" TERM=dumb
	look 4 no-out "${ESC}["
	judge "not on a dumb terminal"
	at_terminal --color=never TERM=xterm
	look 4 no-out "${ESC}["
	judge "not with --color=never"
else
	kit_skip "colors on a terminal" "there is no script(1)"
fi

# --- what could not be read ----------------------------------------------------------------------

if command -v setpriv >/dev/null; then
	direct eval 'setpriv --bounding-set=-sys_admin --inh-caps=-sys_admin "$FSCK" -n -o "$BAD" \
		>"$OUT" 2>"$OUT.err" </dev/null'
	look 8 empty out err "fsck.overlay: " no-out clean
	judge "without the right to see trusted.* it refuses"
	direct eval 'setpriv --bounding-set=-dac_read_search --inh-caps=-dac_read_search "$FSCK" -n \
		-o "$BAD" >"$OUT" 2>"$OUT.err" </dev/null'
	look 8 empty out err "file handles cannot be opened" no-out clean
	judge "without the right to open file handles it refuses"
else
	kit_skip "without the right to see trusted.* it refuses" "there is no setpriv(1)"
fi

broken_lower() { # an ext4 with a name that leads to an inode that is none
	kit_mkfs ext4 || return 1
	mkdir "$REPLY/lower" && echo x >"$REPLY/lower/lost" && umount "$REPLY" &&
		debugfs -w -R "clri /lower/lost" "$KIT_DIR/images/ext4" >/dev/null 2>&1 &&
		mount -o loop,ro "$KIT_DIR/images/ext4" "$REPLY"
}
if broken_lower && ! stat "$REPLY/lower/lost" >/dev/null 2>&1; then
	mkdir "$TOP/u3" "$TOP/w3"
	broken=lowerdir=$REPLY/lower,upperdir=$TOP/u3,workdir=$TOP/w3
	run 4 "an object that cannot be read" out "lower1:/lost: " out "(unreadable)" no-out ": clean" \
		out "1 unreadable" -- -n -o "$broken"
	run 4 "and in JSON" json '.counts.unreadable == 1 and .exit_code == 4' -- -n --json -o "$broken"
else
	kit_skip "an object that cannot be read" "cannot make a broken ext4"
fi

unchanged
kit_done
