#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# --boot: how much is looked at, and what is repaired. Every overlay is mounted for real in between; /run
# and the units are those of a namespace of our own.

# shellcheck source=kit.sh
. "$(dirname "$0")/kit.sh"
kit_start "$@"
# shellcheck source=cli_kit.sh
. "$(dirname "$0")/cli_kit.sh"

# shellcheck source=boot_run_kit.sh
. "$(dirname "$0")/boot_run_kit.sh"

# --- which overlay -------------------------------------------------------------------------------

make a
line a "$O" >"$FSTAB_FILE"
run 8 "what nobody describes" err "'$TOP/nowhere' is no overlay of fstab or of a mount unit" empty out -- \
	--boot "$TOP/nowhere"
run 16 "with -n" err "-n does not go together with --boot" -- --boot -n "$D/m"
line a "$O,x-fsck.overlay=no" >"$FSTAB_FILE"
boot 0 "who declines" line "$D/m: skipped, its mount options say no"
line a "$O,x-fsck.overlay=maybe" >"$FSTAB_FILE"
boot 8 "a wish that nobody understands" err "want one of no, report, preen, yes"
line a "upperdir=$D/u" >"$FSTAB_FILE"
boot 8 "options that make no sense are the fault of fstab" err "$D/m: "
line a "$O" 0 >"$FSTAB_FILE"
kit_mount "$O" "$D/m"
boot 0 "what is mounted" line "$D/m: skipped, it is mounted" lines 1
kit_unmount "$D/m"
kit_check "none of these has left a stamp" [ ! -e "$D/w/.fsck.overlay" ]

# --- the stamp -----------------------------------------------------------------------------------

kit_treesum "$D/l" "$D/u" "$D/w" >"$KIT_DIR/pre"
boot 0 "the first time everything is looked at" line "$(since "$FIRST")" like "$WHOLE" lines 2
kit_check "and a stamp is left" [ -f "$(state)" ]
rm -r "$D/w/.fsck.overlay"
kit_treesum "$D/l" "$D/u" "$D/w" >"$KIT_DIR/post"
# (the time of the work base has changed: that is where the folder was made)
kit_check "and nothing else" diff \
	<(grep -v ":/ d " "$KIT_DIR/pre") <(grep -v ":/ d " "$KIT_DIR/post")
boot 0 "once more" line "$(since "$FIRST")"
boot 0 "not mounted since" line "$D/m: $SKIPPED_CLEAN" lines 1
use "$D"
kit_treesum "$D/l" "$D/u" "$D/w" >"$KIT_DIR/pre"
boot 0 "mounted since" like "$QUICK" lines 1
kit_treesum "$D/l" "$D/u" "$D/w" >"$KIT_DIR/post"
kit_check "the quick check changes nothing at all" cmp "$KIT_DIR/pre" "$KIT_DIR/post"
SYSTEMD_PROC_CMDLINE="fsck.mode=force" boot 0 "fsck.mode=force" \
	line "$(since "the kernel command line asks for it")" like "$WHOLE"
boot 0 "which counts" line "$D/m: $SKIPPED_CLEAN"
use "$D" ,ro
boot 0 "mounted read-only since" like "$QUICK" lines 1
if [ -s "$D/u/new" ]; then
	kit_mount "$O" "$D/m"
	chown 1 "$D/m/file"
	kit_unmount "$D/m"
fi
run 0 "-n leaves no stamp" -- -n "$D/m"
boot 0 "so that is no news" like "$QUICK"
run 0 "-p does, where there is one" -- -p "$D/m"
boot 0 "and that is" line "$D/m: $SKIPPED_CLEAN"
use "$D"
run 0 "-p with a problem ignored" -- -p -E problem.whiteout-useless=ignore "$D/m"
boot 0 "is no whole check" like "$QUICK"
make p
line p "$O" >>"$FSTAB_FILE"
run 0 "-p where there is none" -- -p "$D/m"
kit_check "leaves none" [ ! -e "$D/w/.fsck.overlay" ]

D=$TOP/a
O=lowerdir=$D/l,upperdir=$D/u,workdir=$D/w
stamp() { "$KIT_TOOLS/ovl-stamp" "$(state)" "$@"; }
now=$(date +%s)
ago() { stamp $((now - $1 * 24 * 60 * 60)); }
SYSTEMD_PROC_CMDLINE=forcefsck boot 0 "forcefsck" like "$WHOLE"
is_new() { [ "$(stamp)" -ge "$now" ] && [ "$(stamp)" -lt $((now + 600)) ]; }
kit_check "the stamp has the time" is_new
use "$D"
ago 29
boot 0 "29 days" like "$QUICK"
ago 31
boot 0 "31 days" line "$(since "the last one was long ago")" like "$WHOLE"
use "$D"
ago 31
run 0 "-E check-interval=40" like "$QUICK" -- --boot -E check-interval=40 "$D/m"
run 0 "-E check-interval=0" like "$QUICK" -- --boot -E check-interval=0 "$D/m"
line a "$O,x-fsck.overlay.interval=40" >"$FSTAB_FILE"
boot 0 "x-fsck.overlay.interval=40" like "$QUICK"
run 0 "wins" like "$QUICK" -- --boot -E check-interval=7 "$D/m"
line a "$O,x-fsck.overlay.interval=7,x-fsck.overlay=report" >"$FSTAB_FILE"
boot 0 "who may not leave a stamp does not look at everything for ever" like "$QUICK"
line a "$O,x-fsck.overlay.interval=7" >"$FSTAB_FILE"
boot 0 "x-fsck.overlay.interval=7" line "$(since "the last one was long ago")"
line a "$O" >"$FSTAB_FILE"
ago -20
boot 0 "a stamp of the future" line "$D/m: $SKIPPED_CLEAN"
ago -2000
boot 0 "a stamp of a far future" line "$(since "the last one was long ago")"
line a "$O,index=on" >"$FSTAB_FILE"
boot 0 "with another option" line "$(since "$FIRST")"
line a "$O" >"$FSTAB_FILE"
rm -r "$D/w/.fsck.overlay"
run 0 "without a bound nobody waits for the first time" like "$QUICK" -- \
	--boot -E check-interval=0 "$D/m"

# --- how a mount ended ---------------------------------------------------------------------------

SYSTEMD_PROC_CMDLINE=fsck.mode=force boot 0 "a new stamp" like "$WHOLE"
use "$D"
boot 0 "as long as nobody notes how mounts end" like "$QUICK"
run 0 "it is noted" empty out empty .err -- --boot=end "$D/m"
boot 0 "an orderly end" like "$QUICK"
use "$D"
boot 0 "then one that is not noted is a crash" line "$(since "it was not unmounted as it should")" \
	like "$WHOLE"
boot 0 "once" line "$D/m: $SKIPPED_CLEAN"
use "$D"
boot 0 "also right after the whole check" line "$(since "it was not unmounted as it should")"
kit_mount "$O" "$D/m"
run 0 "as long as it is mounted nothing is noted" empty out err "$D/m: not noted as unmounted: " -- \
	--boot=end "$D/m"
kit_unmount "$D/m"
line a "$O,x-fsck.overlay=report" >"$FSTAB_FILE"
boot 0 "who only reports looks at everything, too" line "$(since "it was not unmounted as it should")"
run 0 "and once it is noted" -- --boot=end "$D/m"
boot 0 "is content" like "$QUICK"
line a "$O" >"$FSTAB_FILE"
run 8 "--boot=end of what nobody describes" err "is no overlay of fstab" -- --boot=end "$TOP/nowhere"
run 16 "--boot=now" err "--boot=now: must be end, or nothing" -- --boot=now "$D/m"
rm -r "$D/w/.fsck.overlay"
run 0 "--boot=end without a stamp" empty out empty .err -- --boot=end "$D/m"
kit_check "leaves none" [ ! -e "$D/w/.fsck.overlay" ]

# --- other kinds of overlays ---------------------------------------------------------------------

make undone
line undone "$O" >>"$FSTAB_FILE"
damage
boot 1 "a repair" line "$(since "$FIRST")"
boot 0 "is known" line "$D/m: $SKIPPED_CLEAN"
kit_fsck "$OUT" --undo "$D/m"
look 0 like "$D/m: 1 step taken back"
judge "and taken back"
boot 1 "so that the overlay is looked at" line "$(since "$FIRST")"
make lowers
line lowers "lowerdir=$D/l:$D/u" >>"$FSTAB_FILE"
boot 0 "without an upper there is no place for a stamp" like "$QUICK"
boot 0 "also the next time" like "$QUICK"
if [ -d /etc/systemd/system ]; then
	make unit
	printf '[Mount]\nWhat=overlay\nWhere=%s\nType=overlay\nOptions=%s\n' "$D/m" \
		"$O,x-fsck.overlay.interval=0,x-fsck.overlay=report" \
		>"/etc/systemd/system/$(printf %s "${D#/}/m" | sed 's/-/\\x2d/g; s|/|-|g').mount"
	damage
	boot 0 "a mount unit" like "$QUICK"
	SYSTEMD_PROC_CMDLINE="fsck.mode=force fsck.repair=yes" run 4 "which says report" \
		like "upper:/useless: .*" -- --boot -E "$ERROR" "$D/m"
	[ -e "$D/u/useless" ] || why "it was repaired"
	judge "is left alone"
else
	kit_skip "a mount unit" "there is no /etc/systemd/system"
fi
D=$TOP/a
O=lowerdir=$D/l,upperdir=$D/u,workdir=$D/w
line a "$O" >"$FSTAB_FILE"

# --- a stamp that cannot be believed -------------------------------------------------------------

plain=$KIT_DIR/plain-state
# bad NAME: whatever is there now is none, and a new one takes its place
bad() {
	boot 0 "a stamp: $1" line "$(since "$FIRST")" like "$WHOLE"
	[ -f "$(state)" ] && [ ! -L "$(state)" ] && stamp >/dev/null || why "no new stamp"
	judge "a stamp: $1: there is a new one"
}
boot 0 "a good stamp" line "$(since "$FIRST")"
cp "$(state)" "$plain"
for ((n = 0; n < $(stat -c %s "$plain"); n += 13)); do
	cp "$plain" "$(state)"
	truncate -s "$n" "$(state)"
	kit_fsck "$OUT" --boot "$D/m"
	look 0 line "$(since "$FIRST")"
done
judge "a stamp that is cut anywhere"
truncate -s 1T "$(state)"
bad "huge"
printf 'x' | dd of="$(state)" bs=1 seek=30 conv=notrunc 2>/dev/null
bad "a byte is another one"
stamp 1 future
bad "of a program of the future"
rm "$(state)" && mkfifo -m 600 "$(state)"
bad "a FIFO"
mv "$(state)" "$KIT_DIR/elsewhere" && cp "$plain" "$KIT_DIR/elsewhere" &&
	ln -sf "$KIT_DIR/elsewhere" "$(state)"
bad "a symlink"
kit_check "what it led to is as it was" cmp "$plain" "$KIT_DIR/elsewhere"
make other
line other "$O" >>"$FSTAB_FILE"
boot 0 "another overlay" like "$WHOLE"
cp "$(state)" "$TOP/a/w/.fsck.overlay/state"
D=$TOP/a
bad "of another overlay"
chmod 644 "$(state)"
bad "for everybody to write" # as far as we know
chmod 755 "$D/w/.fsck.overlay"
boot 8 "a folder that is not ours" line "$(since "$FIRST")" err "is not ours"
chmod 700 "$D/w/.fsck.overlay"
rm "$(state)" && mkdir -p "$(state)/full"
boot 0 "a directory in its place" line "$(since "$FIRST")" err "cannot note in '.fsck.overlay'"
rm -r "$(state)"

# --- how far -------------------------------------------------------------------------------------

O=lowerdir=$D/l,upperdir=$D/u,workdir=$D/w
line a "$O" >"$FSTAB_FILE"
hurt() { [ -e "$D/u/useless" ]; }
damage
use "$D"
boot 1 "everything, without a stamp" line "$(since "$FIRST")"
kit_check "damage is repaired" eval '! hurt'
damage
use "$D"
boot 0 "what the quick check cannot see" like "$QUICK"
SYSTEMD_PROC_CMDLINE=fastboot boot 0 "fastboot" line "$D/m: skipped, the kernel command line says no"
SYSTEMD_PROC_CMDLINE=fsck.mode=skip boot 0 "fsck.mode=skip" line \
	"$D/m: skipped, the kernel command line says no"
SYSTEMD_PROC_CMDLINE=fsck.overlay=no boot 0 "fsck.overlay=no" line \
	"$D/m: skipped, the kernel command line says no"
far() { # STATUS NAME CMDLINE WISH: of what -p repairs
	line a "$O${4:+,x-fsck.overlay=$4}" >"$FSTAB_FILE"
	SYSTEMD_PROC_CMDLINE="fsck.mode=force $3" run "$1" "$2" -- --boot -E "$ERROR" "$D/m"
}
far 4 "fsck.repair=no reports" fsck.repair=no ""
far 4 "also where the options say more" fsck.repair=no yes
far 4 "options that say report" "" report
far 4 "fsck.repair=yes does not overrule them" fsck.repair=yes report
kit_check "and leave all as it is" hurt
far 1 "nothing said is preen" "" ""
damage
far 1 "preen" fsck.repair=preen yes
kit_check "which repairs it" eval '! hurt'
gone() { # what only -y puts right
	rm -rf "$D/u/lost" "$D/l/"*lost
	echo data >"$D/l/lost"
	kit_mount "$O,metacopy=on" "$D/m"
	chown 1 "$D/m/lost"
	kit_unmount "$D/m"
	mv "$D/l/lost" "$D/l/was-lost"
}
gone
far 4 "preen leaves what a person should agree to" "" ""
far 4 "also if fsck.repair=preen is more careful than the options" fsck.repair=preen yes
far 1 "options that say yes" "" yes
gone
far 1 "fsck.repair=yes" fsck.repair=yes ""
line a "$O" >"$FSTAB_FILE"
boot 0 "all is well" line "$D/m: $SKIPPED_CLEAN"

# --- what makes one look at everything -----------------------------------------------------------

# doubt REPORTED STATUS SLUG COMMANDS: after the commands, with some damage that the quick check does not
# see; the exit status of a report, and that of a repair. A warning keeps nobody from mounting.
doubt() {
	local reported=$1
	shift
	use "$D"
	damage
	eval "$3"
	SYSTEMD_PROC_CMDLINE=fsck.repair=no boot "$reported" "$2, reported" \
		line "$(since "the quick one asks for it: $2")" like ".* \($2\)"
	hurt || why "it was repaired"
	judge "$2: nothing is repaired then"
	boot "$1" "$2" line "$(since "the quick one asks for it: $2")" like ".* \($2\).*"
	! hurt || why "the whole check was not made"
	judge "$2: the whole check is made"
}
doubt 0 1 work-temp-leftover 'echo half >"$D/w/work/#7"'
doubt 4 1 work-deep-leftover 'mkdir -p "$D/w/work/a/b/c"'
doubt 4 4 work-incompat 'mkdir -p "$D/w/work/incompat/volatile"'
rmdir "$D/w/work/incompat/volatile" "$D/w/work/incompat"
use "$D" ,index=on,nfs_export=on
SYSTEMD_PROC_CMDLINE=fsck.mode=force boot 0 "all is well"
doubt 0 1 index-temp-leftover 'echo half >"$D/w/index/#8"'
boot 0 "and again" line "$D/m: $SKIPPED_CLEAN"
use "$D"
setfattr -n trusted.overlay.opaque -v y "$D/u"
SYSTEMD_PROC_CMDLINE=fsck.repair=no boot 0 "what the quick check could repair, reported" \
	like "upper:/: .* \(opaque-root\)" like "$D/m: 2 layers, quick check, 1 problem .*"
boot 1 "is left to the whole check" line "$(since "the quick one asks for it: opaque-root")" \
	like ".*\(opaque-root\).* yes"
use "$D"
echo mine >"$D/w/mine"
boot 0 "a warning that nobody can take away" like ".* \(work-foreign-file\)" \
	like "$D/m: 2 layers, quick check, 1 problem .*"
SYSTEMD_PROC_CMDLINE=fsck.mode=force boot 0 "also to the whole check" like ".* \(work-foreign-file\)"
boot 0 "is no reason to look again" line "$D/m: $SKIPPED_CLEAN"
run 4 "though -p says that it is there" like ".* \(work-foreign-file\)" -- -p "$D/m"
rm "$D/w/mine"

# --- a repair that was killed --------------------------------------------------------------------

make killed
line killed "$O" >>"$FSTAB_FILE"
boot 0 "an overlay" like "$WHOLE"
killed=0
for ((point = 4; point < 80; point += 6)); do
	damage 2>/dev/null
	mknod "$D/u/useless2" c 0 0 2>/dev/null
	"$KIT_TOOLS/ovl-kill" "$point" "$FSCK" -j1 -p "$D/m" >"$OUT" 2>"$OUT.err"
	[ $? -eq 137 ] || continue
	[ -d "$D/w/work/incompat/fsck.overlay" ] || continue
	killed=$((killed + 1))
	kit_mount "$O" "$D/m" 2>/dev/null && kit_unmount "$D/m" && why "the kernel mounts it at $point"
	kit_fsck "$OUT" --boot "$D/m"
	[ "$KIT_STATUS" -le 1 ] || why "exit status $KIT_STATUS at $point: $(cat "$OUT" "$OUT.err")"
	grep -qF "whole check, since the quick one asks for it: work-incompat" "$OUT" ||
		grep -qF "whole check, since $FIRST" "$OUT" || why "no whole check at $point"
	! hurt && [ ! -e "$D/u/useless2" ] || why "not repaired at $point"
	use "$D"
	[ "$(cat "$D/u/new")" = new ] || why "not usable at $point"
done
[ "$killed" -gt 1 ] || why "killed with the marker set $killed times only"
judge "a repair that was killed is finished before the mount"

# --- as much work for many files as for few ------------------------------------------------------

# Other processes and their overlays are looked at, too, and come and go: only our own are seen there.
alone=(unshare --pid --fork --mount-proc)
if "${alone[@]}" strace -f -o /dev/null -e trace=getdents64 true 2>/dev/null; then
	# calls NAME: what is asked of the layers, without addresses and what /proc is asked
	calls() {
		grep "/$1/m" "$FSTAB_FILE" >"$KIT_DIR/one.fstab"
		FSTAB_FILE=$KIT_DIR/one.fstab ASAN_OPTIONS=${ASAN_OPTIONS:-}:detect_leaks=0 "${alone[@]}" strace -f -qq -y -o "$KIT_DIR/trace" \
			-e trace=%file,getdents64,%desc "$FSCK" --boot "$TOP/$1/m" >"$OUT" 2>"$OUT.err"
		KIT_STATUS=$?
		look 0 like "$QUICK"
		grep -v '["<]/proc\|["<]/sys' "$KIT_DIR/trace" | sed -E 's/^[0-9]+ +//; s/\(.*//' |
			grep -E 'getdents|xattr|handle|openat|stat' | sort | uniq -c
	}
	for kind in few many; do
		make "$kind"
		line "$kind" "$O" >>"$FSTAB_FILE"
	done
	for ((i = 0; i < 20000; i++)); do
		echo "$i"
	done >"$KIT_DIR/names"
	for layer in l u; do
		mkdir "$TOP/many/$layer/d"
		(cd "$TOP/many/$layer/d" && xargs touch <"$KIT_DIR/names")
		(cd "$TOP/few/$layer" && mkdir d && cd d && head -n 100 "$KIT_DIR/names" | xargs touch)
	done
	for kind in few many; do
		kit_fsck "$OUT" --boot "$TOP/$kind/m"
		use "$TOP/$kind"
	done
	calls few >"$KIT_DIR/few"
	calls many >"$KIT_DIR/many"
	[ "$(wc -l <"$KIT_DIR/few")" -gt 3 ] || why "there is nothing to compare: $(cat "$KIT_DIR/few")"
	diff "$KIT_DIR/few" "$KIT_DIR/many" >>"$WHY"
	judge "20,000 files a layer take the same system calls as 100"
else
	kit_skip "as much work for many" "cannot run strace in a namespace of its own"
fi

unchanged
kit_done
