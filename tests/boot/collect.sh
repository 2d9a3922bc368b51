#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash
# A unit of the container that tests/e2e/boot_kit.sh boots. When systemd has nothing left to do, it runs
# /kit/steps, writes down in /kit/seen what the system itself says of this boot, and ends it:
#	show, show.after   the properties of units, before and after the steps
#	mounts             what is mounted, before the steps
#	steps              what /kit/steps printed
#	journal            of this boot; journal.json for its fields
#	reports/           /run/fsck.overlay
seen=/kit/seen
mkdir -p $seen

show() {
	systemctl show --no-pager '*.mount' '*.automount' '*.target' 'fsck-overlay@*' \
		-p Id,LoadState,ActiveState,SubState,Result,Names,FragmentPath,DropInPaths,SourcePath \
		-p Requires,Wants,Before,After,RequiresMountsFor,ConditionResult,ExecMainStatus,NRestarts \
		-p ExecMainStartTimestampMonotonic,ExecMainExitTimestampMonotonic \
		-p InactiveExitTimestampMonotonic,ActiveEnterTimestampMonotonic
}

# Jobs of timers and the like begin late: quiet twice in a row is quiet.
tries=0 quiet=0
while [ $quiet -lt 2 ] && [ $tries -lt 300 ]; do
	sleep 0.1
	tries=$((tries + 1))
	case $(systemctl list-jobs 2>&1) in
	"No jobs running."*) quiet=$((quiet + 1)) ;;
	*) quiet=0 ;;
	esac
done
[ $quiet -ge 2 ] || echo "systemd has not come to rest" >$seen/restless
show >$seen/show 2>&1
cat /proc/self/mountinfo >$seen/mounts
if [ -e /kit/steps ]; then
	sh /kit/steps >$seen/steps 2>&1 </dev/null
	echo "end $?" >>$seen/steps
fi
show >$seen/show.after 2>&1
journalctl --sync
journalctl -b --no-pager -o short-monotonic >$seen/journal 2>&1
journalctl -b --no-pager -o json >$seen/journal.json 2>/dev/null
cp -r /run/fsck.overlay $seen/reports 2>/dev/null
touch $seen/complete
sync
systemctl poweroff -ff
