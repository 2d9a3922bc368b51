#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# -A: which overlays of fstab and of mount units are checked, how far they are repaired, and that
# what is wrong with one does not keep the others from being checked.

# shellcheck source=kit.sh
. "$(dirname "$0")/kit.sh"
kit_start "$@"
# shellcheck source=cli_kit.sh
. "$(dirname "$0")/cli_kit.sh"

# A whiteout that hides nothing is mere information, and -p removes it: as an error it is all we need.
ERROR=problem.whiteout-useless=error
FSTAB_FILE=$KIT_DIR/fstab
export FSTAB_FILE

# The units of this machine do not matter, and ours must not stay: in a mount namespace of our own.
for dir in /etc/systemd/system /run/systemd/system /usr/local/lib/systemd/system \
	/usr/lib/systemd/system; do
	[ ! -d "$dir" ] || mount -t tmpfs tmpfs "$dir" || kit_broken "cannot hide $dir"
done
ETC=/etc/systemd/system
USR=/usr/lib/systemd/system
have_units() { [ -d "$ETC" ] && [ -d "$USR" ]; }

# make NAME: an overlay, its layers in $REPLY; hurt NAME: with a problem
make() {
	local d=$TOP/$1
	mkdir -p "$d/l" "$d/u" "$d/w" "$d/m"
	echo lower >"$d/l/file"
	REPLY=lowerdir=$d/l,upperdir=$d/u,workdir=$d/w
	kit_mount "$REPLY" "$d/m" || kit_broken "cannot mount"
	echo new >"$d/m/new"
	kit_unmount "$d/m"
}
hurt() { [ -e "$TOP/$1/u/useless" ] || mknod "$TOP/$1/u/useless" c 0 0; }
is_hurt() { [ -e "$TOP/$1/u/useless" ]; }
for name in a b c; do
	make "$name"
	printf -v "$name" %s "$REPLY"
done
# shellcheck disable=SC2154 # a, b and c are set above
A=$a B=$b C=$c

# line NAME OPTIONS [PASSNO]
line() { printf 'overlay %s/%s/m overlay %s 0 %s\n' "$TOP" "$1" "$2" "${3:-0}"; }
fstab() { cat >"$FSTAB_FILE"; }
# unit DIR PLACE OPTIONS [TYPE]: a mount unit for a place whose name needs no escapes but "-"
escape() {
	local name=${1#/}
	name=${name//-/\\x2d}
	echo "${name//\//-}"
}
unit() {
	printf '[Unit]\nDescription=x\n[Mount]\nWhat=overlay\nWhere=%s\nType=%s\nOptions=%s\n' \
		"$2" "${4:-overlay}" "$3" >"$1/$(escape "$2").mount"
}
no_units() { rm -rf "${ETC:?}"/* "${USR:?}"/*; }

clean() { echo "$TOP/$1/m: clean, 2 layers, .*"; }
left() { echo "$TOP/$1/m: 2 layers, .*, 1 problem \(.*"; }
corrected() { echo "$TOP/$1/m: 2 layers, .*, 1 problem, 1 corrected \(.*"; }

# --- nothing asks --------------------------------------------------------------------------------

fstab </dev/null
run 0 "an empty fstab" empty out empty .err -- -A -n
run 0 "no mode and nothing to ask for" empty out empty .err -- -A
run 0 "-v says so" line "no overlay of fstab or of a mount unit asks to be checked" -- -A -n -v
run 0 "--json" json '.overlays == [] and .exit_code == 0 and (.version | length > 0)' -- -A -n --json
FSTAB_FILE=$KIT_DIR/none run 0 "no fstab at all" empty out empty .err -- -A -n
run 8 "an fstab that was named and is not there" err none -- -A -n -E "fstab=$KIT_DIR/none"
mkfifo "$KIT_DIR/fifo"
run 8 "an fstab that is a FIFO" err "no regular file" -- -A -n -E "fstab=$KIT_DIR/fifo"

# --- who asks ------------------------------------------------------------------------------------

{
	echo "# a comment"
	line a "$A" 2
	line b "$B"
	line c "$C,x-fsck.overlay"
	echo "/dev/nowhere $TOP ext4 defaults,x-fsck.overlay 0 1"
	echo "none none swap sw,x-fsck.overlay 0 2"
} | fstab
run 0 "a check number, or the option" lines 2 like "$(clean a)" like "$(clean c)" empty .err -- -A -n
run 0 "-E fstab=" lines 2 like "$(clean a)" -- -A -n -E "fstab=$FSTAB_FILE"
{
	line a "$A,noauto" 2
	line b "$B,noauto,x-fsck.overlay=report"
	line c "$C,x-fsck.overlay=no" 2
} | fstab
run 0 "noauto needs the option, =no wins" lines 1 like "$(clean b)" empty .err -- -A -n
{
	line a "$A" 2
	line a "$A" 2
	echo "again $TOP/./a//m/ overlay $A 0 2"
	echo "overlay $TOP/link overlay $A 0 2"
} | fstab
ln -s a/m "$TOP/link"
run 0 "a mount point that is named several times" lines 1 like "$(clean a)" -- -A -n
{
	line a "$B"
	line a "$A" 2
} | fstab
run 0 "the first line counts" empty out -- -A -n

# --- how far -------------------------------------------------------------------------------------

{
	line a "$A" 2
	line b "$B,x-fsck.overlay=preen"
	line c "$C,x-fsck.overlay=report"
} | fstab
for name in a b c; do hurt "$name"; done
kit_treesum "$TOP" >"$KIT_DIR/before"
run 4 "-n reports, whatever a line says" lines 12 like "$(left a)" like "$(left b)" \
	like "$(left c)" no-out corrected -- -A -n -E "$ERROR"
kit_treesum "$TOP" >"$KIT_DIR/after"
kit_check "and changes nothing" cmp "$KIT_DIR/before" "$KIT_DIR/after"
run 12 "without a mode a line has its own, and others would ask" err "$TOP/a/m: there is no terminal" \
	line "$TOP/a/m: not done" like "$(corrected b)" like "$(left c)" -- -A -E "$ERROR"
kit_check "only what is to be preened was repaired" eval 'is_hurt a && ! is_hurt b && is_hurt c'
hurt b
run 4 "-p is for lines that say nothing" like "$(corrected a)" like "$(corrected b)" \
	like "$(left c)" -- -A -p -E "$ERROR"
kit_check "what asks for a report only is left alone" eval '! is_hurt a && ! is_hurt b && is_hurt c'
hurt a
rm "$TOP/c/u/useless"
run 1 "all is corrected" like "$(corrected a)" like "$(clean b)" like "$(clean c)" -- -A -y -E "$ERROR"
run 0 "and then clean" lines 3 like "$(clean a)" -- -A -y -E "$ERROR"
line a "$A,x-fsck.overlay=yes" | fstab
hurt a
run 1 "=yes needs no mode" like "$(corrected a)" -- -A -E "$ERROR"
id=$(sed -n 's/^to take it back: .*--undo=\([0-9a-f-]*\).*/\1/p' "$OUT")
kit_check "the command that takes it back names the mount point" grep -qxF \
	"to take it back: fsck.overlay --undo=$id $TOP/a/m" "$OUT"
kit_fsck "$OUT" "--undo=$id" "$TOP/a/m"
look 0 like "$TOP/a/m: 1 step taken back"
is_hurt a || why "it was not taken back"
judge "and works"
rm "$TOP/a/u/useless"

# -p cannot repair it: the data is gone
cp -a "$TOP/bad" "$TOP/gone"
{
	line a "$A" 2
	echo "overlay $TOP/gone/m overlay ${BAD//$TOP\/bad/$TOP\/gone} 0 2"
	line b "$B" 2
} | fstab
hurt a
run 4 "corrected, left and clean: 1 is cleared" like "$(corrected a)" \
	like "$TOP/gone/m: 2 layers, .* problems.*" like "$(clean b)" -- -A -p -E "$ERROR"
hurt a
run 4 "--json" json '.exit_code == 4 and (.overlays | map(.exit_code)) == [1, 4, 0]
	and .overlays[0].problems[0].result == "corrected"
	and (.overlays | map(.overlay.label | split("/")[-2])) == ["a", "gone", "b"]' -- \
	-A -p --json -E "$ERROR"
run 0 "-C writes the progress of each" like "1 .* $TOP/a/m" like "5 .* $TOP/b/m" -- -A -n -C 1 \
	-E "fstab=$(line a "$A" 2 >"$KIT_DIR/two"; line b "$B" 2 >>"$KIT_DIR/two"; echo "$KIT_DIR/two")"
run 4 "--to is asked of each" out "conversion for Linux 4.14" like "$TOP/gone/m: .*" -- \
	-A -n --to=4.14

# --- what cannot be checked ----------------------------------------------------------------------

kit_mount "$B" "$TOP/b/m"
{
	line a "$A" 2
	line b "$B" 2
	echo "overlay $TOP/x1 overlay lowerdir=/nowhere/l,upperdir=/nowhere/u,workdir=/nowhere/w 0 2"
	echo "overlay $TOP/x2 overlay lowerdir=/a,index=maybe 0 2"
	echo "overlay $TOP/x3 overlay $A,x-fsck.overlay=maybe 0 2"
	echo "overlay $TOP/x4 overlay upperdir=/u 0 2"
	echo "overlay relative overlay $A 0 2"
	line c "$C" 2
} | fstab
hurt c
run 9 "a live mount is skipped, and nothing keeps others from being checked" lines 10 \
	like "$(clean a)" line "$TOP/b/m: skipped, it is mounted" line "$TOP/x1: not done" \
	line "$TOP/x2: not done" line "$TOP/x3: not done" line "$TOP/x4: not done" \
	line "relative: not done" like "$(corrected c)" \
	err "$TOP/x1: cannot open upper layer '/nowhere/u'" err "$TOP/x2: option index" \
	err "$TOP/x3: option x-fsck.overlay=maybe: want one of no, report, preen, yes" \
	err "$TOP/x4: " err "relative: the mount point in fstab is no absolute path" \
	no-err "--help" -- -A -p -E "$ERROR"
run 8 "--json" json '.exit_code == 8 and (.overlays | map(.exit_code)) == [0, 0, 8, 8, 8, 8, 8, 0]
	and .overlays[1].skipped == "mounted" and (.overlays[2].error | length > 0)
	and (.overlays[2].overlay.label | endswith("/x1"))' -- -A -n --json
missing="overlay $TOP/x1 overlay lowerdir=/nowhere/l,upperdir=/nowhere/u,workdir=/nowhere/w"
{
	echo "$missing,nofail 0 2"
	echo "overlay $TOP/x2 overlay lowerdir=/a,index=maybe,nofail 0 2"
	line a "$A,nofail" 2
} | fstab
run 8 "nofail: layers that are not there are no error, others are" lines 3 \
	line "$TOP/x1: skipped, its layers are not there (nofail)" line "$TOP/x2: not done" \
	like "$(clean a)" no-err "x1" -- -A -p
echo "$missing,nofail 0 2" | fstab
run 0 "nofail, with --json" json '.overlays[0].skipped == "missing" and .exit_code == 0' -- -A -n --json
line b "$B" 2 | fstab
run 0 "a live mount is no error" lines 1 line "$TOP/b/m: skipped, it is mounted" empty .err -- -A -y
kit_unmount "$TOP/b/m"
kit_mount "$B" "$TOP/c/m"
run 8 "layers that are mounted elsewhere" line "$TOP/b/m: not done" err "$TOP/b/m: " err "in use" -- \
	-A -p
run 0 "with -n a warning" like "$(clean b)" err "warning: $TOP/b/m: " -- -A -n
kit_unmount "$TOP/c/m"
mount --bind "$TOP/a" "$TOP/b/m"
run 0 "another mount at the place does not matter" like "$(clean b)" empty .err -- -A -p
umount "$TOP/b/m"

# --- names ---------------------------------------------------------------------------------------

odd=$'sp ace\\co,mma:\xff'$'\nx'
mkdir "$TOP/$odd" "$TOP/$odd/m"
cp -a "$TOP/a/l" "$TOP/a/u" "$TOP/a/w" "$TOP/$odd/"
mknod "$TOP/$odd/u/useless" c 0 0
# as an option string has it, then as fstab has it
words=${odd//\\/\\\\}
words=${words//,/\\,}
words=${words//:/\\:}
octal() { printf %s "$1" | sed -e 's/\\/\\134/g' -e 's/ /\\040/g' | sed -e ':a' -e 'N' -e '$!ba' -e 's/\n/\\012/g'; }
d=$TOP/$words
printf 'overlay %s overlay %s 0 2\n' "$(octal "$TOP/$odd/m")" \
	"$(octal "lowerdir=$d/l,upperdir=$d/u,workdir=$d/w")" >"$FSTAB_FILE"
run 1 "escapes of fstab and of the options" out '/sp ace\\co,mma:\377\012x/m: 2 layers' -- \
	-A -p -E "$ERROR"
kit_check "it was the right one" test ! -e "$TOP/$odd/u/useless"
run 0 "--json" json '.overlays[0].overlay.label_hex | length > 0' -- -A -n --json
line a "${A//=\//=}" 2 | fstab
(cd "$KIT_DIR" && kit_fsck "$OUT" -A -n; echo "$KIT_STATUS" >"$KIT_DIR/status")
KIT_STATUS=$(cat "$KIT_DIR/status")
look 0 like "$(clean a)" empty .err
judge "relative layers begin at the root, whatever directory we are in"

# --- mount units ---------------------------------------------------------------------------------

if have_units; then
	fstab </dev/null
	unit "$USR" "$TOP/a/m" "$A"
	unit "$USR" "$TOP/b/m" "$B,x-fsck.overlay=report"
	unit "$ETC" "$TOP/c/m" "$C,x-fsck.overlay" ext4
	ln -s "$ETC" "$ETC/dir.mount"
	ln -s /nowhere "$ETC/dangling.mount"
	run 0 "units that ask, by the option alone" lines 1 like "$(clean b)" empty .err -- -A -n
	hurt b
	run 4 "and how far" like "$(left b)" -- -A -y -E "$ERROR"
	mkdir "$ETC/$(escape "$TOP/a/m").mount.d" "$USR/$(escape "$TOP/b/m").mount.d"
	printf '[Mount]\nOptions=\\\n# a comment\n%s,x-fsck.overlay=preen\n' "$A" \
		>"$ETC/$(escape "$TOP/a/m").mount.d/x.conf"
	printf '[Mount]\nOptions=%s,x-fsck.overlay=no\n' "$B" \
		>"$USR/$(escape "$TOP/b/m").mount.d/x.conf"
	hurt a
	run 1 "drop-ins say yes and no" lines 3 like "$(corrected a)" -- -A -E "$ERROR"
	ln -s /dev/null "$ETC/$(escape "$TOP/a/m").mount"
	run 0 "a masked unit" empty out empty .err -- -A -n
	no_units

	unit "$USR" "$TOP/a/m" "lowerdir=/weak,x-fsck.overlay"
	line a "$A" 2 | fstab
	run 0 "fstab beats a unit of /usr" lines 1 like "$(clean a)" empty .err -- -A -n
	run 0 "also for a mount point" like "$(clean a)" -- -n "$TOP/a/m"
	unit "$ETC" "$TOP/a/m" "$B,x-fsck.overlay"
	hurt b
	line a "lowerdir=/weak" 2 | fstab
	run 1 "a unit of /etc beats fstab" lines 3 like "$(corrected a)" -- -A -p -E "$ERROR"
	kit_check "its layers were meant" eval '! is_hurt b'
	run 0 "also for a mount point" like "$(clean a)" -- -n "$TOP/a/m"
	unit "$ETC" "$TOP/a/m" "$B"
	run 0 "even where it does not ask" empty out empty .err -- -A -n
	ln -sf /dev/null "$ETC/$(escape "$TOP/a/m").mount"
	run 0 "and masks it" empty out empty .err -- -A -n
	rm "$ETC/"*.mount
	mkdir "$ETC/$(escape "$TOP/a/m").mount.d"
	printf '[Mount]\nOptions=%s\n' "$A" >"$ETC/$(escape "$TOP/a/m").mount.d/x.conf"
	run 0 "a drop-in changes a line of fstab" like "$(clean a)" empty .err -- -A -n
	run 0 "also for a mount point" like "$(clean a)" -- -n "$TOP/a/m"
	printf '[Mount]\nOptions=%s\n' "$A,upperdir=%h/x" >"$ETC/$(escape "$TOP/a/m").mount.d/x.conf"
	run 8 "also to what cannot be understood" line "$TOP/a/m: not done" err "the specifier '%h'" -- -A -n
	line a "$A" | fstab
	run 0 "which is no matter where nothing asks" empty out empty .err -- -A -n
	no_units

	fstab </dev/null
	unit "$ETC" "$TOP/a/m" "$A,x-fsck.overlay,upperdir=%h/x"
	unit "$ETC" "$TOP/b/m" "$B,upperdir=%h/x"
	unit "$ETC" "$TOP/c/m" "$C,x-fsck.overlay"
	unit "$ETC" /else "lowerdir=/a,x-fsck.overlay"
	mv "$ETC/else.mount" "$ETC/other.mount"
	run 8 "what cannot be understood is told if it asks" lines 3 line "/other: not done" \
		line "$TOP/a/m: not done" like "$(clean c)" err "the specifier '%h'" \
		err "for another directory: '/else'" -- -A -n
	no_units
	mkdir "$TOP/100%"
	printf '[Mount]\nType=overlay\nOptions=%s,x-fsck.overlay\n' "lowerdir=$TOP/100%%:$TOP/b/l" \
		>"$ETC/srv-a\\x20b\\x2dc.mount"
	run 0 "escapes in the name of a unit, and a percent sign" like "/srv/a b-c: clean, 2 layers.*" \
		-- -A -n
	no_units
else
	kit_skip "mount units" "there is no $ETC, or no $USR"
fi

# --- questions -----------------------------------------------------------------------------------

{
	line a "$A" 2
	line b "$B" 2
	line c "$C" 2
} | fstab
for name in a b c; do hurt "$name"; done
# at_terminal TYPED ARG...
at_terminal() {
	local typed=$1
	shift
	: >"$OUT.err"
	{ printf '%b' "$typed" && cat; } </dev/null |
		TERM=dumb timeout 60 script -qec "exec $(printf '%q ' "$FSCK" "$@")" /dev/null |
		tr -d '\r' >"$OUT"
	# shellcheck disable=SC2034 # cli_kit.sh looks at it
	KIT_STATUS=${PIPESTATUS[1]}
}
if command -v script >/dev/null; then
	at_terminal 'n\ny\nn\n' -A -E "$ERROR"
	look 4 out "$TOP/a/m: 2 layers, 3 objects, 1 problem (" like "$(corrected b)" \
		out "$TOP/c/m: 2 layers, 3 objects, 1 problem ("
	judge "at a terminal each is asked for"
	at_terminal 'y\nq\n' -A -E "$ERROR"
	look 36 like "$(corrected a)" like "$(clean b)" out "$TOP/c/m: cancelled, "
	judge "the answer to quit ends it all"
	hurt a
	at_terminal 'q\n' -A -E "$ERROR"
	look 36 out "$TOP/a/m: cancelled, " no-out "$TOP/b/m" no-out "$TOP/c/m"
	judge "also the overlays behind"
else
	kit_skip "questions" "there is no script(1)"
fi
for name in a b c; do rm -f "$TOP/$name/u/useless"; done

# --- hostile -------------------------------------------------------------------------------------

{
	line a "$A" 2
	printf 'overlay %s/n overlay lowerdir=/a\0b:/c,x-fsck.overlay 0 2\n' "$TOP"
	printf '\0\0\0\n\n\\\n\\040\noverlay\noverlay /x\noverlay /x overlay\n'
	printf 'overlay \\999 overlay \\777 x y\noverlay /y overlay x-fsck.overlay=%s[2J 0 0\n' "$ESC"
	head -c 100000 /dev/zero | tr '\0' a
	echo
	printf 'overlay /z overlay lowerdir=/l,upp'
} | fstab
run 8 "lines that make no sense" like "$(clean a)" line "/y: not done" no-err "$ESC" no-out "$ESC" -- \
	-A -n
text=$(line a "$A,x-fsck.overlay" 2)
for ((i = 0; i < ${#text}; i += 7)); do
	printf %s "${text:0:i}" | fstab
	kit_fsck "$OUT" -A -n
	! kit_crashed "$OUT" || why "crashed at $i"
	case $KIT_STATUS in 0 | 8) ;; *) why "status $KIT_STATUS at $i" ;; esac
done
judge "a line that is cut anywhere"
many() {
	local i
	for ((i = 0; i < 100000; i++)); do
		echo "overlay /nowhere/$i overlay lowerdir=/nowhere/l,upperdir=/nowhere/u,workdir=/nowhere/w 0 $1"
	done
	line a "$A" 2
}
many 0 | fstab
run 0 "100,000 lines that do not ask" lines 1 like "$(clean a)" -- -A -n
many 2 | fstab
run 8 "100,000 lines that do" lines 100001 like "$(clean a)" line "/nowhere/99999: not done" -- -A -n

# More lines than fit into a pipe: it is still at work when the first one is read.
mkfifo "$KIT_DIR/pipe"
"$FSCK" -A -n >"$KIT_DIR/pipe" 2>"$OUT.err" &
pid=$!
{
	read -r first
	kill -TERM "$pid"
	cat
} <"$KIT_DIR/pipe" >"$OUT"
KIT_STATUS=0
wait "$pid" || KIT_STATUS=$?
[ "$first" = "/nowhere/0: not done" ] || why "first line: $first"
look 40 no-out "$TOP/a/m"
judge "a signal ends it between two overlays"
kit_done
