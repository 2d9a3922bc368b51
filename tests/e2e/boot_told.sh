#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# --boot: what is kept of a check, and who is told of it: the report in /run, the journal, the console.

# shellcheck source=kit.sh
. "$(dirname "$0")/kit.sh"
kit_start "$@"
# shellcheck source=cli_kit.sh
. "$(dirname "$0")/cli_kit.sh"

# shellcheck source=boot_run_kit.sh
. "$(dirname "$0")/boot_run_kit.sh"

make a
line a "$O" >"$FSTAB_FILE"
boot 0 "an overlay" like "$WHOLE"

# --- what is kept --------------------------------------------------------------------------------

name=$(printf %s "${D#/}/m" | sed 's/-/\\x2d/g; s|/|-|g')
report=$REPORTS/$name.json
use "$D"
boot 0 "for a report" like "$QUICK"
json() { jq -e "$1" "$report" >/dev/null || why "not so: $1: $(cat "$report")"; }
json '.check == "quick" and .reason == "usual" and .exit_code == 0 and .problems == []
	and .overlay.label == "'"$D/m"'"'
[ "$(stat -c %a "$report")" = 600 ] || why "mode $(stat -c %a "$report")"
[ "$(stat -c %a "$REPORTS")" = 755 ] || why "mode of the folder"
[ -z "$(find "$REPORTS" -name '.?*')" ] || why "something temporary is left"
judge "the report in /run"
damage
SYSTEMD_PROC_CMDLINE=fsck.mode=force run 1 "with a problem" -- --boot -E "$ERROR" "$D/m"
json '.check == "whole" and .reason == "forced" and .exit_code == 1
	and .problems[0].slug == "whiteout-useless" and .problems[0].result == "corrected"'
judge "the report of a repair"
boot 0 "skipped" line "$D/m: $SKIPPED_CLEAN"
json '.check == "no" and .skipped == "clean" and .exit_code == 0'
judge "the report of none"
mv "$D/l" "$D/x"
boot 8 "a layer that is missing" err "$D/m: cannot open lower layer '$D/l'"
json '.exit_code == 8 and (.error | contains("cannot open lower layer"))'
judge "the report of a failure"
mv "$D/x" "$D/l"
use "$D"
run 0 "--json" json '.check == "quick"' -- --boot --json "$D/m"
cmp -s "$OUT" "$report" || why "$(diff "$OUT" "$report")"
judge "which is the same"
rm -r "$REPORTS"
ln -s "$KIT_DIR" "$REPORTS"
boot 0 "a symlink for a folder" like "$QUICK" err "cannot write a report to $REPORTS"
rm "$REPORTS"
mkdir -m 777 "$REPORTS"
chmod 777 "$REPORTS"
boot 0 "a folder for everybody" like "$QUICK" err "cannot write a report to $REPORTS"
rmdir "$REPORTS"

listen() { # KIND PATH: what it hears comes to $KIT_DIR/heard
	mkdir -p "${2%/*}"
	rm -f "$2"
	"$KIT_TOOLS/ovl-listen" "$1" "$2" >"$KIT_DIR/heard" &
	LISTENER=$!
	for ((i = 0; i < 500; i++)); do
		[ ! -S "$2" ] || return 0
		sleep 0.02
	done
	kit_broken "nobody listens at $2"
}
entry() { grep -qxF -e "$1" "$KIT_DIR/heard" || why "no '$1' in: $(cat "$KIT_DIR/heard")"; }
SOCKET=/run/systemd/journal/socket
boot 0 "without a journal it is a line" err "fsck.overlay: $D/m: quick check: clean"
INVOCATION_ID=1 boot 0 "for a service, with its priority" err "<6>fsck.overlay: $D/m: quick check: clean"
listen dgram "$SOCKET"
boot 0 "with a journal it is an entry" empty .err
wait "$LISTENER"
for want in "MESSAGE=$D/m: quick check: clean" PRIORITY=6 "FSCK_OVERLAY_MOUNT=$D/m" \
	FSCK_OVERLAY_CODE=0 FSCK_OVERLAY_CHECK=quick FSCK_OVERLAY_REASON=usual \
	SYSLOG_IDENTIFIER=fsck.overlay FSCK_OVERLAY_PROBLEMS=0; do
	entry "$want"
done
grep -qxE 'MESSAGE_ID=[0-9a-f]{32}' "$KIT_DIR/heard" || why "no MESSAGE_ID"
judge "with these fields"
damage
listen dgram "$SOCKET"
SYSTEMD_PROC_CMDLINE="fsck.mode=force fsck.repair=no" run 4 "what is left" -- --boot -E "$ERROR" "$D/m"
wait "$LISTENER"
entry PRIORITY=3
entry FSCK_OVERLAY_CODE=4
entry FSCK_OVERLAY_PROBLEMS=1
entry FSCK_OVERLAY_CORRECTED=0
judge "is an error in the journal"
rm -f "$SOCKET"
rm "$D/u/useless"

# --- who is shown progress -----------------------------------------------------------------------

PROGRESS=/run/systemd/fsck.progress
export SYSTEMD_PROC_CMDLINE=fsck.mode=force
listen stream "$PROGRESS"
boot 0 "a listener" like "$WHOLE"
wait "$LISTENER"
for pass in 1 2 3 4 5; do
	grep -qE "^$pass [0-9]+ [0-9]+ $D/m\$" "$KIT_DIR/heard" || why "no pass $pass"
done
judge "hears of the five passes"
listen deaf "$PROGRESS"
for i in 1 2 3 4; do # the last ones do not fit into its queue
	boot 0 "a listener that is deaf, $i" like "$WHOLE"
done
kill "$LISTENER"
wait "$LISTENER" 2>/dev/null
boot 0 "a listener that is gone" like "$WHOLE"
rm "$PROGRESS"
if [ -e /dev/console ]; then
	: >"$KIT_DIR/console"
	mount --bind "$KIT_DIR/console" /dev/console || kit_broken "cannot hide the console"
	boot 0 "a console that shows nothing" like "$WHOLE"
	[ ! -s "$KIT_DIR/console" ] || why "something was written"
	judge "nothing is written to it"
	: >/run/systemd/show-status
	boot 0 "a console that shows the boot" like "$WHOLE"
	grep -q "complete\.\.\." "$KIT_DIR/console" || why "$(cat -v "$KIT_DIR/console")"
	judge "a percentage is written to it"
	umount /dev/console
	rm /run/systemd/show-status
else
	kit_skip "the console" "there is no /dev/console"
fi

unchanged
kit_done
