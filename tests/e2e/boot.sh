#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Real boots of a Debian in systemd-nspawn, on which this build is installed: overlays are checked before
# they are mounted, and what the check says decides. Nothing of this is simulated: fstab, generators,
# units and mounts are those of the container's own systemd, which also says afterwards what happened.
#
# It installs a Debian from the network once and boots it many times, so that it runs only with OVL_LONG=1
# (make check-long).
#
#	OVL_BOOT_DIR=DIR     where the Debian is kept (default: tests/boot of the build)
#	OVL_BOOT_SUITE=NAME  which one (this machine's own, or bookworm)

# shellcheck source=kit.sh
. "$(dirname "$0")/kit.sh"
[ -n "${OVL_LONG:-}" ] || kit_skip_all "boots a container: only with OVL_LONG=1"
kit_start "$@"
# shellcheck source=boot_kit.sh
. "$(dirname "$0")/boot_kit.sh"

# skip_every REASON: each situation below counts as one that was not looked at.
skip_every() {
	local name
	while read -r name; do
		kit_skip "$name" "$1"
	done < <(sed -n 's/^\t*verdict "\(.*\)"$/\1/p' "$0")
	[ "$KIT_COUNT" -gt 0 ] || kit_broken "no situation is known"
	kit_done
}
boot_setup || skip_every "$REPLY"

# want NAME: what a mount shows now is what a boot is to show
want() { view "$1" >"$KIT_DIR/want.$1"; }
shows() { views "$1" "$KIT_DIR/want.$1"; }
new() { # NAME...: overlays, clean, and what they are to show
	local name
	for name; do
		overlay "$name"
		want "$name"
	done
}
looks() {
	local name
	for name; do look "$name"; done
}

# --- who is checked, and how far ---------------------------------------------------------------------

new ok plain word no
# Nobody but the administrator orders the mounts that are not checked.
ORDERED=x-systemd.requires-mounts-for=/srv/data
{
	line ok && line plain $ORDERED 0
	line word x-fsck.overlay 0 && line no x-fsck.overlay=no,$ORDERED
} | fstab
boot -s "$(looks ok plain)"
expect it boots -- booted
expect it is checked -- checked /srv/ok
expect it is checked before it is mounted -- check_first /srv/ok
expect the layers are there at the check -- layers_first /srv/ok
expect it is mounted -- mounted /srv/ok
expect the view -- shows ok
expect a whole check -- report /srv/ok '.check == "whole" and .reason == "first" and .exit_code == 0'
expect the journal knows -- logged FSCK_OVERLAY_MOUNT /srv/ok
verdict "fstab, passno 2: clean"
expect a check -- checked /srv/word
expect the mount -- mounted /srv/word
verdict "fstab, x-fsck.overlay with passno 0: clean"
for name in plain no; do
	expect no check of "$name" -- unchecked /srv/$name
	expect "$name" is mounted -- mounted /srv/$name
	expect no report -- [ ! -e "$SEEN/reports/srv-$name.json" ]
done
expect the view -- shows plain
verdict "fstab, passno 0, and x-fsck.overlay=no: mounted, nobody looks"

line ok | fstab
boot -s "$(looks ok); umount /srv/ok; $CHECKER -p /srv/ok"
expect a quick check -- report /srv/ok '.check == "quick" and .reason == "usual" and .exit_code == 0'
expect the mount -- mounted /srv/ok
expect the view -- shows ok
verdict "mounted since the last whole check: a quick one"
boot -s "$(looks ok)"
expect it boots -- booted
expect none -- report /srv/ok '.check == "no" and .skipped == "clean"'
expect the mount -- mounted /srv/ok
expect the view -- shows ok
verdict "not mounted since (checked by hand before the reboot): none"

new end
line end | fstab
boot -s "systemctl stop fsck-overlay@srv-end.service; ! grep ' /srv/end ' /proc/self/mountinfo"
expect it is unmounted, and that is noted -- grep -qx 'end 0' "$SEEN/steps"
boot # which ends like a crash: the kit does not wait for units to stop
expect a quick check -- report /srv/end '.check == "quick" and .reason == "usual" and .exit_code == 0'
expect the mount -- mounted /srv/end
verdict "mounted since, and unmounted as it should: a quick check"
boot
expect a whole check -- report /srv/end '.check == "whole" and .reason == "unclean" and .exit_code == 0'
expect the mount -- mounted /srv/end
verdict "mounted since, and not unmounted: a whole check"

# --- what is wrong -----------------------------------------------------------------------------------

new preen report
hurt preen
hurt report
{ line preen && line report x-fsck.overlay=report,nofail; } | fstab
boot -s "$(looks preen)" fsck.mode=force
expect it boots -- booted
expect the check -- checked /srv/preen 1
expect it is mended -- mended preen
expect check first -- check_first /srv/preen
expect the mount -- mounted /srv/preen
expect the view -- shows preen
expect the report -- report /srv/preen '.exit_code == 1 and .problems[0].result == "corrected"'
verdict "preen: corrected, then mounted"
expect it boots -- booted
expect the check -- checked /srv/report 4
expect nothing is mended -- not mended report
expect the mount -- mounted /srv/report
expect check first -- check_first /srv/report
verdict "x-fsck.overlay=report: told, mounted, not touched"

new left
hurt_some left
line left | fstab
boot
expect the check -- checked /srv/left 4
expect emergency -- emergency
expect no mount -- not mounted /srv/left
expect systemd says why -- said 'Dependency failed for srv-left.mount'
expect the name of the directory -- said 'upper:/dir: .*redirect-dotdot'
verdict "left uncorrected: the mount is refused, emergency mode"
line left nofail | fstab
boot
expect it boots -- booted
expect the check -- checked /srv/left 4
expect no mount -- not mounted /srv/left
verdict "left uncorrected, nofail: the mount is refused, the boot goes on"
line left | fstab
damage=$(getfattr -d -m - "$DISK/left/u/dir" 2>/dev/null)
boot fsck.mode=force fsck.repair=no
expect emergency -- emergency
expect the damage is there -- [ "$(getfattr -d -m - "$DISK/left/u/dir" 2>/dev/null)" = "$damage" ]
expect nothing was written -- [ ! -e "$DISK/left/w/.fsck.overlay" ]
verdict "fsck.mode=force fsck.repair=no: told, refused, not touched"
boot fsck.mode=skip
expect it boots -- booted
expect no check -- unchecked /srv/left
expect the mount -- mounted /srv/left
verdict "fsck.mode=skip: mounted, nobody looks"
boot -s "$(looks left)" fsck.repair=yes
expect it boots -- booted
expect the check -- checked /srv/left 1
expect the mount -- mounted /srv/left
expect the view of before the damage -- shows left
verdict "fsck.repair=yes: corrected, then mounted"

# --- what a quick check does not see -----------------------------------------------------------------

new deep
line deep | fstab
boot
expect a whole check -- report /srv/deep '.check == "whole"'
hurt deep
boot
expect a quick check -- report /srv/deep '.check == "quick" and .exit_code == 0'
expect the damage is there -- not mended deep
verdict "damage deep in a tree: a quick check is silent"
boot -s "$(looks deep)" fsck.mode=force
expect it boots -- booted
expect the check -- report /srv/deep '.check == "whole" and .reason == "forced" and .exit_code == 1'
expect it is mended -- mended deep
expect the mount -- mounted /srv/deep
expect the view -- shows deep
verdict "fsck.mode=force: found and corrected, then mounted"

# --- when it is mounted ------------------------------------------------------------------------------

new auto other
hurt auto
hurt_more other
{ line auto noauto,x-systemd.automount && line other noauto,x-systemd.automount; } | fstab
boot -s "timeout 20 ls /srv/auto; $(looks auto); timeout 20 ls /srv/other && echo was listed"
if [ ! -e /dev/autofs ]; then
	: >"$WHY"
	kit_skip "automount" "no /dev/autofs here"
	kit_skip "automount, left uncorrected" "no /dev/autofs here"
else
	expect it boots -- booted
	expect it waits -- is srv-auto.automount SubState waiting
	expect no check before -- unchecked /srv/auto
	expect no mount before -- not mounted /srv/auto
	expect it is checked at the first access -- is "fsck-overlay@srv-auto.service" ExecMainStatus 1 after
	expect it is mended -- mended auto
	expect the view -- shows auto
	verdict "automount: checked and corrected at the first access"
	expect it fails -- not is srv-other.mount ActiveState active after
	expect a check -- is "fsck-overlay@srv-other.service" ExecMainStatus 4 after
	expect nobody sees it -- not grep -qx 'was listed' "$SEEN/steps"
	verdict "automount, left uncorrected: the access fails"
fi

# All who look at a mount that somebody waits for wait too: also a check that compares its mount point
# with those of fstab, or one of its layers with the layers of others, for ever if that one waits for it.
new one two
for name in one two; do hurt "$name"; done
# A lower layer is repaired only if no other line of fstab has it.
setfattr -n trusted.overlay.opaque -v y "$DISK/one/l/file"
mkdir -p "$DISK"/above/{u,w}
{
	line one noauto,x-systemd.automount && line two noauto,x-systemd.automount
	printf 'overlay /srv/above overlay %s,noauto 0 2\n' \
		lowerdir=/srv/one,upperdir=/srv/data/above/u,workdir=/srv/data/above/w
} | fstab
boot -s "timeout 20 ls /srv/two >/kit/two & timeout 20 ls /srv/one; wait; cat /kit/two; $(looks one two)"
if [ ! -e /dev/autofs ]; then
	: >"$WHY"
	kit_skip "automounts, two at once" "no /dev/autofs here"
else
	for name in one two; do
		expect it is checked -- is "fsck-overlay@srv-$name.service" ExecMainStatus 1 after
		expect it is mounted -- is "srv-$name.mount" ActiveState active after
		expect the view -- shows "$name"
	done
	expect the lower layer is mended -- not getfattr -n trusted.overlay.opaque "$DISK/one/l/file"
	verdict "automounts, two at once, and one a layer of another overlay: none waits for the other"
fi

new hand
hurt hand
line hand noauto | fstab
boot -s "systemctl start srv-hand.mount; $(looks hand)"
expect it boots -- booted
expect no check before -- unchecked /srv/hand
expect no mount before -- not mounted /srv/hand
expect it is checked when it is started -- is "fsck-overlay@srv-hand.service" ExecMainStatus 1 after
expect it is mended -- mended hand
expect the view -- shows hand
verdict "noauto: checked when the mount is started"

# --- units -------------------------------------------------------------------------------------------

# unit NAME [OPTION [BEHIND]]: a mount unit, wanted by local-fs.target
unit() {
	local etc=$ROOT/etc/systemd/system
	layers "$1"
	mkdir -p "$etc/local-fs.target.wants"
	printf '[Unit]\nBefore=local-fs.target\nRequiresMountsFor=%s\n[Mount]\nWhat=overlay\nWhere=/srv/%s\nType=overlay\nOptions=%s\n' \
		"${3:-/}" "$1" "$REPLY${2:+,$2}" >"$etc/srv-$1.mount"
	ln -s "../srv-$1.mount" "$etc/local-fs.target.wants/"
}
dropin() { # NAME OPTION
	local dir=$ROOT/etc/systemd/system/srv-$1.mount.d
	layers "$1"
	mkdir -p "$dir"
	printf '[Mount]\nOptions=%s,%s\n' "$REPLY" "$2" >"$dir/check.conf"
}
new unit drop none bad
fresh
fstab </dev/null
for name in unit drop bad; do hurt "$name"; done
hurt_more bad
unit unit x-fsck.overlay
unit drop
dropin drop x-fsck.overlay=preen
unit none x-fsck.overlay /srv/data
dropin none x-fsck.overlay=no
unit bad x-fsck.overlay
boot -s "$(looks unit drop none)"
expect it boots -- booted
for name in unit drop; do
	expect "$name" is checked -- checked "/srv/$name" 1
	expect "$name" is checked first -- check_first "/srv/$name"
	expect the layers of "$name" are there -- layers_first "/srv/$name"
	expect "$name" is mended -- mended "$name"
	expect "$name" is mounted -- mounted "/srv/$name"
	expect the view of "$name" -- shows "$name"
done
verdict "mount unit, also by a drop-in: corrected, then mounted"
expect no check -- unchecked /srv/none
expect the mount -- mounted /srv/none
expect the view -- shows none
verdict "mount unit, a drop-in takes the wish back: mounted, nobody looks"
expect the check -- checked /srv/bad 4
expect no mount -- not mounted /srv/bad
verdict "mount unit, left uncorrected: the mount is refused, the boot goes on"

new masked gone
fresh
hurt masked
{ line masked && line gone nofail; } | fstab
ln -s /dev/null "$ROOT/etc/systemd/system/fsck-overlay@srv-masked.service"
ln -s /dev/null "$ROOT/etc/systemd/system/srv-gone.mount"
boot -s "$(looks masked)"
expect it boots -- booted
expect no check -- unchecked /srv/masked
expect nothing is mended -- not mended masked
expect the mount -- mounted /srv/masked
verdict "masked check: mounted, nobody looks"
expect no mount -- not mounted /srv/gone
expect no check -- unchecked /srv/gone
verdict "masked mount: neither mount nor check"
fresh
ln -s /dev/null "$ROOT/etc/systemd/system/fsck-overlay@.service"
line masked | fstab
boot
expect it boots -- booted
expect no check -- unchecked /srv/masked
expect the mount -- mounted /srv/masked
verdict "masked template: mounted, nobody looks"

# --- names and places --------------------------------------------------------------------------------

new 'my 50% data-disk'
fresh
hurt 'my 50% data-disk'
line 'my 50% data-disk' | fstab
boot -s "$(looks 'my 50% data-disk')"
expect it boots -- booted
expect the check -- checked '/srv/my 50% data-disk' 1
expect check first -- check_first '/srv/my 50% data-disk'
expect it is mended -- mended 'my 50% data-disk'
expect the mount -- mounted '/srv/my 50% data-disk'
expect the view -- shows 'my 50% data-disk'
verdict "a mount point and layers with blanks, % and -"

# The disk comes late, and somebody once worked without it: there are layers below its mount point. To
# fstab nothing says that the overlay needs the disk.
new late
mkdir -p "$ROOT"/srv/data/late/{l,u,w}
echo "not this one" >"$ROOT/srv/data/late/l/wrong"
printf '[Unit]\nDefaultDependencies=no\n[Service]\nType=oneshot\nExecStart=/bin/sleep 1\n' \
	>"$ROOT/etc/systemd/system/slow.service"
DATA_OPTIONS=,x-systemd.requires=slow.service
line late | fstab
boot -s "$(looks late)" fsck.overlay=no
expect no check -- unchecked /srv/late
expect the mount -- mounted /srv/late
expect other layers -- not shows late
expect those of no disk -- grep -q '^/wrong ' "$SEEN/steps"
verdict "(the harm) layers on a mount that fstab did not order, without the generator: the wrong ones"
boot -s "$(looks late)"
expect it boots -- booted
expect the check -- checked /srv/late
expect the layers first -- layers_first /srv/late
expect the mount needs the disk -- has srv-late.mount Requires srv-data.mount
expect the mount -- mounted /srv/late
expect the view -- shows late
verdict "layers on a mount that fstab did not order: mounted before the check"
boot -s "$(looks late)" fsck.mode=skip
expect no check -- unchecked /srv/late
expect the view -- shows late
verdict "the same with fsck.mode=skip: the order stays"
# shellcheck disable=SC2034 # fstab() has it
DATA_OPTIONS=

new base
mkdir -p "$DISK"/top/{u,w}
fresh
{
	printf 'overlay /srv/top overlay %s,x-fsck.overlay 0 0\n' \
		lowerdir=/srv/base,upperdir=/srv/data/top/u,workdir=/srv/data/top/w
	line base
} | fstab
touch -r "$DISK/base/u" "$DISK/top/u"
cp "$KIT_DIR/want.base" "$KIT_DIR/want.top"
boot -s "$(looks base top)"
expect it boots -- booted
expect the check -- checked /srv/top
expect both mounts -- mounted /srv/base
expect both mounts -- mounted /srv/top
expect the view -- shows base
expect the same view -- shows top
expect its lower layer is mounted before its check -- in_order srv-base.mount ActiveEnterTimestampMonotonic \
	fsck-overlay@srv-top.service ExecMainStartTimestampMonotonic
verdict "a layer that is an overlay: mounted before the check"

# --- a repair that did not come to its end -----------------------------------------------------------

# Work enough for a journal of several steps
hurt_much() {
	local i
	for i in {1..12}; do
		mkdir "$DISK/$1/l/d$i" "$DISK/$1/u/d$i"
		echo "$i" >"$DISK/$1/l/d$i/f"
		setfattr -n trusted.overlay.redirect -v "/nowhere$i" "$DISK/$1/u/d$i"
	done
}
new killed whole
hurt_much killed
hurt_much whole
fresh
LIST+=,mtime
{ line killed noauto && line whole noauto; } | fstab
boot -s "/kit/ovl-kill 0 $CHECKER -y -j1 /srv/whole 2>/kit/calls
	n=\$(sed -n 's/^ovl-kill: \([0-9]*\) .*/\1/p' /kit/calls)
	echo calls \$n
	/kit/ovl-kill \$((n / 2)) $CHECKER -y -j1 /srv/killed; echo killed \$?"
expect it is killed in the middle -- grep -qx 'killed 137' "$SEEN/steps"
want whole
line killed | fstab
boot fsck.mode=skip
expect no check -- unchecked /srv/killed
expect no mount -- not mounted /srv/killed
expect emergency -- emergency
verdict "(the guard) a repair that was killed, and nobody finishes it: the kernel refuses the mount"
boot -s "$(looks killed)"
expect it boots -- booted
expect the check -- checked /srv/killed 1
expect check first -- check_first /srv/killed
expect the mount -- mounted /srv/killed
expect the view of a repair that nobody killed -- views killed "$KIT_DIR/want.whole"
verdict "a repair that was killed before the reboot: finished before the mount"

# --- what is installed -------------------------------------------------------------------------------

fresh
# (systemd's own generator complains of a check number)
{ line ok x-fsck.overlay 0 && line 'my 50% data-disk' x-fsck.overlay=yes 0; } | fstab
printf '[Unit]\nDescription=x\nAftre=y\n[Service]\nExecStart=/bin/true\n' >"$ROOT/kit/typo.service"
boot -s "systemd-analyze verify --man=no --generators=yes \
	fsck-overlay@srv-ok.service srv-ok.mount 'srv-my\x2050\x25\x20data\x2ddisk.mount' \
	'fsck-overlay@srv-my\x2050\x25\x20data\x2ddisk.service'; echo verify \$?
	systemd-analyze verify --man=no /kit/typo.service"
expect no complaint -- [ "$(head -n 1 "$SEEN/steps")" = "verify 0" ]
expect a complaint of a mistake -- grep -q Aftre "$SEEN/steps"
verdict "systemd-analyze verify has nothing to say"
kit_done
