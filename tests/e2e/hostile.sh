#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Layers that somebody prepared: every kind of object with every kind of damage, names that look
# like lines of a report or like commands to a terminal, things of the wrong kind in the work
# directory and in the index. The check ends, says what is wrong in clean text, and changes nothing
# at all.

# shellcheck disable=SC2016,SC2034 # the commands in quotes are for into and through
# shellcheck source=kit.sh
. "$(dirname "$0")/kit.sh"
kit_start "$@"
# shellcheck source=layers_kit.sh
. "$(dirname "$0")/layers_kit.sh"
KIT_TIMEOUT=30 # a FIFO that was opened would wait for ever

# --- everything, and nothing of it changes -----------------------------------------------------

# objects: one of each kind, in the current directory. For `into`, as is damage.
objects() {
	mkdir dir
	echo data >file
	: >empty
	truncate -s 1M sparse
	ln file hard
	ln -s file link
	ln -s /etc/passwd absolute
	ln -s loop loop
	ln -s nowhere dangling
	mkfifo fifo
	sockets socket
	mknod chr c 1 3
	mknod tty c 5 0
	mknod blk b 7 0
	echo x >dir/file
	: >.wh.gone
	mkdir .wh..wh..opq
	setfattr -n user.big -v "$(printf %02000d 0)" file
	setfattr -n user.overlay.opaque -v y dir
	chmod 0 empty
	chmod 4755 file
	chattr +A file || : # not on every file system
}

# damage: what can be wrong with an object, in the current directory of an upper or a lower
damage() {
	local value i=0
	for value in Y yes '\n' x y '' '\000'; do
		i=$((i + 1))
		mkdir "opaque$i"
		xset "opaque$i" opaque "$value"
		mknod "opaque$i/w" c 0 0
	done
	for value in '' / a/b /a/ //a /a//b . .. ../x /.. /dir/../x 'dir\000x' /nothing /file /link/x \
		"/$(printf x%.0s {1..300})" "/$(printf 'x/%.0s' {1..3000})y"; do
		i=$((i + 1))
		mkdir "redirect$i"
		xset "redirect$i" redirect "$value" || [ ${#value} -gt 1000 ] # too much for ext4
		: >"redirected$i"
		xset "redirected$i" redirect "$value" || [ ${#value} -gt 1000 ]
		xset "redirected$i" metacopy
	done
	for value in '' a 0x00 0x000400 0x00040000 0x00240001 0x01040000 "0x00240001$(printf %064d 0)" \
		"0x$(printf %0600d 0)"; do
		i=$((i + 1))
		echo data >"metacopy$i"
		xset "metacopy$i" metacopy "$value"
	done
	for value in '' 0x00 0xfb "0x00fb1d0001$(printf %048d 0)" "0x00fbff0001$(printf %048d 0)" \
		"0x01fb1d0001$(printf %048d 0)" "0x$(printf %0400d 7)" "0x00fb150001$(printf %032d 0)"; do
		i=$((i + 1))
		echo data >"origin$i"
		xset "origin$i" origin "$value"
		mkdir "origins$i"
		xset "origins$i" origin "$value"
	done
	for value in U+0 L-9 U+99999999999 X '' 'U+1\n'; do
		i=$((i + 1))
		echo data >"nlink$i"
		xset "nlink$i" nlink "$value"
	done
	for value in a i ai x '' "$(printf %040d 0)"; do
		i=$((i + 1))
		echo data >"protattr$i"
		xset "protattr$i" protattr "$value"
	done
	mkdir impure uuid upper old deep
	xset impure impure n
	xset uuid uuid 0123456789abcdef
	xset upper upper x
	xset old whiteouts
	: >xwhiteout
	xset xwhiteout whiteout
	echo data >xwhiteout.full
	xset xwhiteout.full whiteout
	ln -s '(overlay-whiteout)' legacy
	xset legacy whiteout
	xset fifo opaque y
	xset chr redirect /x
	xset socket metacopy
	xset link origin x
	echo data >unknown
	xset unknown nonsense x
	xset unknown $'line\n\033[2J' x
	xset unknown overlay.opaque y
	mknod phantom c 0 0
	mknod deep/phantom c 0 0
}

# wreck: an overlay that the kernel used, then all of the above in all of its layers
wreck() {
	overlay "$1" 2
	must mkdir "$D/data"
	into "$D/lower2" 'objects; mkdir a; echo data >a/f; ln a/f a/g
		echo data >m; echo data >gone; echo data >cut'
	into "$L" 'mkdir a; echo data >a/h; echo data >used'
	into "$D/data" 'objects; echo blob >blob'
	through metacopy=on,redirect_dir=on,index=on 'echo more >>a/f; chmod 600 m gone cut used
		mv a b; rm sparse'
	into "$U" 'cp -a m m.copy; cp -a b b.copy'
	into "$D/lower2" 'rm gone; echo >cut'
	into "$L" 'objects; damage'
	into "$U" 'mkdir new; cd new; objects; damage; cd ..
		xset . opaque y; xset . impure x; xset . origin x'
	into "$D/work" 'mkdir -p work/1/2/3/4; mknod work/#1 c 0 0; mkfifo work/#2; mkdir work/incompat
		mkdir work/incompat/other; echo data >foreign; ln -s / work/#3; cd index; objects
		mknod 00fb c 0 0; mkdir "#5"; echo data >"#6"; echo x >"$(printf "00fb1d0001%048d" 7)"
		mkdir "$(printf "00fb1d0001%048d" 8)"; mkfifo "$(printf "00fb1d0001%048d" 9)"'
	O=lowerdir=$L:$D/lower2::$D/data,upperdir=$U,workdir=$D/work
}

# same WHAT: nothing changed below $D since "before" was listed.
same() {
	kit_treesum "$D" >"$KIT_DIR/after"
	cmp -s "$KIT_DIR/before" "$KIT_DIR/after" && return
	why "$1 changed something:"
	diff "$KIT_DIR/before" "$KIT_DIR/after" | head -n 10 >>"$WHY"
}

for type in ext4 xfs btrfs tmpfs; do
	if ! kit_fs "$type"; then
		kit_skip "nothing changes on $type" "$REPLY"
		continue
	fi
	TOP=$REPLY.strict
	mkdir "$TOP"
	kit_strictatime "$REPLY" "$TOP"
	wreck "everything"
	# The mount is as it should be: who reads a file or a directory changes its time.
	kit_treesum "$L" >"$KIT_DIR/before"
	cat "$L/used" >>"$LOG"
	kit_treesum "$L" >"$KIT_DIR/after"
	fails cmp -s "$KIT_DIR/before" "$KIT_DIR/after"

	kit_treesum "$D" >"$KIT_DIR/before"
	look_at -v -o "$O"
	[ "$KIT_STATUS" -eq 4 ] || why "exit status $KIT_STATUS"
	slugs=$(found | cut -d' ' -f1 | sort -u | wc -l)
	[ "$slugs" -ge 35 ] || why "only $slugs kinds of problems were found"
	cp "$OUT" "$KIT_DIR/report"
	same "-n -v"
	look_at -v -j 8 -o "$O"
	cmp -s <(sed '$d' "$OUT") <(sed '$d' "$KIT_DIR/report") || why "-j 8 finds other things"
	same "-j 8"
	look_at --json -v -tt -o "$O"
	jq -e '.exit_code == 4' "$OUT" >/dev/null 2>&1 || why "no JSON"
	same "--json"
	look_at -o "$O,index=off,metacopy=off,redirect_dir=nofollow"
	same "with features off"
	look_at -o "$O,verity=require"
	same "with verity"
	look_at -o "lowerdir=$U:$L:$D/lower2"
	same "layers without upper"
	for place in / /new /new/file /b/f /m /m.copy /gone /new/redirect9 /new/redirected9 /fifo \
		/new/socket /loop /new/phantom /nothing /a/../b /new/dir/file /blob; do
		look_at "--inspect=$place" -v -o "$O"
		same "--inspect=$place"
	done
	kit_diag "$(grep -c . "$KIT_DIR/before") objects, $slugs kinds of problems"
	judge "nothing changes on $type"
done

# --- names -------------------------------------------------------------------------------------

on tmpfs || kit_broken "$REPLY"
C1=$'\302\233' BIDI=$'\342\200\256' LINES=$'\342\200\250'
names=(
	$'x\nupper:: redirect is malformed (redirect-syntax)'
	$'x\r\nlower1:: redirect is malformed (redirect-syntax)'
	"${ESC}[2J${ESC}]0;title"$'\a' "${C1}2J" "$BIDI" "$LINES" $'\377\376' $'\303'
	'a"b\c' "'" '%s%n%d' ' ' $'\t'
	$'usr\b\b\b\b' '\012' '$(reboot)' '-n' '--help' ' (clean)' ': clean, ' $'\177'
	"$(printf 'x%.0s' {1..255})" "$(printf '\001%.0s' {1..255})"
)

overlay "names"
for name in "${names[@]}"; do
	mkdir "$U/$name" "$L/$name"
	mknod "$U/$name/w" c 0 0
	xset "$U/$name" opaque y
	mkdir "$L/$name/d"
	xset "$L/$name/d" impure "$name"
done
for ((i = 0; i < 20; i++)); do
	mkdir "$U/value$i"
	xset "$U/value$i" redirect "a/${names[i]:-x}" 2>>"$LOG" || :
done
look_at -v -o "$O"
[ "$(found | grep -c '^whiteout-in-opaque upper:/.*/w$')" -eq ${#names[@]} ] ||
	why "not every name has a line"
! grep -aq '^\(upper\|lower1\)::' "$OUT" || why "a line was forged"
! LC_ALL=C grep -q "$C1\|$BIDI\|$LINES" "$OUT" || why "a terminal or a reader can be fooled"
iconv -f UTF-8 -t UTF-8 "$OUT" >/dev/null 2>&1 || why "no UTF-8"
cat >"$KIT_DIR/forms" <<'END'
^(upper|lower1|overlay)(:/.*)?: .* \([a-z0-9-]+\)$
^    (severity|found|effect):[ ]
^[0-9]+ director
^(upper|lower1): [0-9]+ (object|error)
: 2 layers,[ ]
END
grep -vE -f "$KIT_DIR/forms" "$OUT" | sed -n '1s/^/a line of another form: /p' >>"$WHY"
judge "$MAKING are escaped"

kit_fsck "$OUT" -n --json -v -o "$O"
jq -r '.problems[] | .path_hex // empty' "$OUT" >"$KIT_DIR/paths" || why "no JSON"
is_printable
jq -e '[.problems[] | select(.slug == "whiteout-in-opaque") | (.path_hex // (.path | @base64))] |
	unique | length == '${#names[@]} "$OUT" >/dev/null || why "not every name is in the JSON"
for name in "${names[@]}"; do
	hex=$(printf '/%s/w' "$name" | perl -0777 -ne 'print unpack "H*"')
	grep -qxF -e "$hex" "$KIT_DIR/paths" || jq -e --arg name "/$name/w" \
		'any(.problems[]; .path == $name)' "$OUT" >/dev/null 2>&1 ||
		why "not in the JSON: $(printf %q "$name")"
done
judge "$MAKING are whole in JSON"

overlay "layers"
hostile=$D/${names[0]}${names[2]}$'\377'
mkdir "$hostile"
mkdir "$hostile/l" "$hostile/u" "$hostile/w" "$hostile/m"
echo data >"$hostile/l/f"
quoted=${hostile//\\/\\\\}
O=lowerdir=${quoted//:/\\:}/l,upperdir=$quoted/u,workdir=$quoted/w
D=$hostile L=$D/l U=$D/u
through "" 'echo more >>f'
kit_mount "$O" "$D/m"
for args in "$D/m" "-o $O"; do
	words=("$args")
	[ "$args" = "$D/m" ] || words=(-o "${args#-o }")
	look_at "${words[@]}"
	want_found
	[ "$(wc -l <"$OUT")" -eq 1 ] || why "more than one line"
	[ "$(wc -l <"$OUT.err")" -eq 1 ] || why "more than one line on stderr"
	kit_fsck "$OUT" -n --json "${words[@]}"
	jq -e '.exit_code == 0 and (.overlay.in_use | length > 0)' "$OUT" >/dev/null || why "no JSON"
	kit_fsck "$OUT" -n -d -d "${words[@]}"
	is_printable
done
judge "directories of $MAKING and mount points with hostile names"
kit_unmount "$D/m"

# --- the wrong kind of thing -------------------------------------------------------------------

# make KIND PATH: something that is no directory
kinds=(file fifo socket symlink loop outside device block whiteout)
make() {
	case $1 in
	file) echo data >"$2" ;;
	fifo) mkfifo "$2" ;;
	socket) (cd "${2%/*}" && sockets "${2##*/}") ;;
	symlink) ln -s . "$2" ;;
	loop) ln -s "${2##*/}" "$2" ;;
	outside) ln -s "$D/elsewhere" "$2" ;;
	device) mknod "$2" c 1 5 ;; # /dev/zero has no end
	block) mknod "$2" b 7 0 ;;
	whiteout) mknod "$2" c 0 0 ;;
	esac
}

overlay "things of the wrong kind"
mkdir -p "$D/elsewhere/d"
mknod "$D/elsewhere/d/w" c 0 0
into "$L" 'mkdir d; echo data >d/f; ln d/f d/g; echo data >m'
through index=on,metacopy=on 'echo more >>d/f; chmod 600 m'
finds "before there are $MAKING"
kit_treesum "$D/elsewhere" >"$KIT_DIR/elsewhere"
for place in work/work work/index work/work/incompat upper/d lower1/m lower1/d "work/index/#1" \
	"work/work/#1" upper/link upper/.wh.x; do
	[ ! -e "$D/$place" ] || mv "$D/$place" "$D/aside"
	for kind in "${kinds[@]}"; do
		must make "$kind" "$D/$place"
		look_at -o "$O"
		case $KIT_STATUS in
		0) case $place in work/index | lower1/m) why "$place is a $kind: clean?" ;; esac ;;
		4 | 8) ;;
		*) why "$place is a $kind: exit status $KIT_STATUS" ;;
		esac
		! grep -q elsewhere "$OUT" || why "$place is a $kind: it looked elsewhere"
		rm "$D/$place"
	done
	[ ! -e "$D/aside" ] || mv "$D/aside" "$D/$place"
	kit_treesum "$D/elsewhere" | cmp -s - "$KIT_DIR/elsewhere" || why "elsewhere something changed"
	judge "$place is not what it should be"
done
finds "after there were $MAKING"

# --- large things ------------------------------------------------------------------------------

overlay "large"
mkdir -p "$D/work/work"
deep "$D/work/work" 5000
deep "$D/work" 3000
mkdir "$D/work/index"
deep "$D/work/index" 3000
perl -e 'chdir shift; for (1 .. 5000) {
	mkdir "work/#$_"; open F, ">index/garbage$_"; open F, ">file$_" }' "$D/work"
look_at -o "$O"
[ "$KIT_STATUS" -eq 4 ] || why "exit status $KIT_STATUS"
found | grep -q '^work-deep-leftover work:/work/d' || why "the deep leftover is not named"
[ "$(found | grep -c '^index-name index:/garbage')" -eq 5000 ] || why "not every entry is named"
judge "$MAKING work directory and index"

kit_done
