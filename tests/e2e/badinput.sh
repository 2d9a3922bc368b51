#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Bad input: options that the kernel would refuse, layers that are not there or are something else,
# missing rights, xattrs of every length, trees that change while they are looked at, mounts that
# go round in circles. A clear message, exit 8 or 16, or a finding; never a crash, never "clean".

# shellcheck disable=SC2016,SC2034 # the commands in quotes are for into and through
# shellcheck source=kit.sh
. "$(dirname "$0")/kit.sh"
kit_start "$@"
# shellcheck source=layers_kit.sh
. "$(dirname "$0")/layers_kit.sh"

# --- options -----------------------------------------------------------------------------------

# Lines that the kernel of this machine accepts or refuses: the check of an empty overlay is clean
# if and only if the mount works. @ is the directory of l1, l2, d1, d2 (layers), u, w, file.
options() {
	cat <<-'END'
		lowerdir=@l1,upperdir=@u,workdir=@w
		lowerdir=@l1:@l2:@l3,upperdir=@u,workdir=@w
		lowerdir=@l1:@l2
		lowerdir=@l1
		upperdir=@u,workdir=@w
		lowerdir=@l1,upperdir=@u
		lowerdir=@l1,workdir=@w
		lowerdir=@l1:@l2,workdir=@w
		lowerdir=,upperdir=@u,workdir=@w
		lowerdir=@l1,upperdir=,workdir=@w
		lowerdir=@l1,upperdir=@u,workdir=
		lowerdir=@l1:,upperdir=@u,workdir=@w
		lowerdir=:@l1,upperdir=@u,workdir=@w
		lowerdir=@l1::@l2,upperdir=@u,workdir=@w
		lowerdir=@l1::@d1::@d2,upperdir=@u,workdir=@w
		lowerdir=@l1::@d1:@d2,upperdir=@u,workdir=@w
		lowerdir=::@d1,upperdir=@u,workdir=@w
		lowerdir=@l1::@d1
		lowerdir=@l1:::@d1,upperdir=@u,workdir=@w
		lowerdir=@l1::,upperdir=@u,workdir=@w
		lowerdir=@l1:@l1,upperdir=@u,workdir=@w
		lowerdir=@l1:@l2:@l1,upperdir=@u,workdir=@w
		lowerdir=@l1:@l1/in,upperdir=@u,workdir=@w
		lowerdir=@l1/in:@l1,upperdir=@u,workdir=@w
		lowerdir=@u,upperdir=@u,workdir=@w
		lowerdir=@w,upperdir=@u,workdir=@w
		lowerdir=@l1,upperdir=@u,workdir=@u
		lowerdir=@l1::@l1,upperdir=@u,workdir=@w
		lowerdir=@l1::@u,upperdir=@u,workdir=@w
		lowerdir=@file,upperdir=@u,workdir=@w
		lowerdir=@nothing,upperdir=@u,workdir=@w
		lowerdir=@l1:@nothing,upperdir=@u,workdir=@w
		lowerdir=@l1::@nothing,upperdir=@u,workdir=@w
		lowerdir=@l1::@file,upperdir=@u,workdir=@w
		lowerdir=@l1,upperdir=@file,workdir=@w
		lowerdir=@l1,upperdir=@u,workdir=@file
		lowerdir=@l1,upperdir=@u,workdir=@nothing
		lowerdir=@l1,upperdir=@nothing,workdir=@w
		lowerdir=@l1,upperdir=@u,workdir=@other
		lowerdir=@l1,upperdir=/proc,workdir=/proc
		lowerdir=@l1,upperdir=@u,workdir=@w,index=on
		lowerdir=@l1,upperdir=@u,workdir=@w,index=off
		lowerdir=@l1,upperdir=@u,workdir=@w,index=
		lowerdir=@l1,upperdir=@u,workdir=@w,index
		lowerdir=@l1,upperdir=@u,workdir=@w,index=maybe
		lowerdir=@l1,upperdir=@u,workdir=@w,index=ON
		lowerdir=@l1,upperdir=@u,workdir=@w,index=1
		lowerdir=@l1,upperdir=@u,workdir=@w,index=on,index=off
		lowerdir=@l1,upperdir=@u,workdir=@w,index=off,nfs_export=on
		lowerdir=@l1,upperdir=@u,workdir=@w,index=on,nfs_export=on
		lowerdir=@l1,upperdir=@u,workdir=@w,nfs_export=on
		lowerdir=@l1,upperdir=@u,workdir=@w,nfs_export
		lowerdir=@l1,upperdir=@u,workdir=@w,nfs_export=on,metacopy=on
		lowerdir=@l1,upperdir=@u,workdir=@w,nfs_export=off,metacopy=on
		lowerdir=@l1,upperdir=@u,workdir=@w,metacopy=on,redirect_dir=off
		lowerdir=@l1,upperdir=@u,workdir=@w,metacopy=on,redirect_dir=nofollow
		lowerdir=@l1,upperdir=@u,workdir=@w,metacopy=on,redirect_dir=follow
		lowerdir=@l1,upperdir=@u,workdir=@w,metacopy=on,redirect_dir=on
		lowerdir=@l1,upperdir=@u,workdir=@w,metacopy=on,index=on
		lowerdir=@l1,upperdir=@u,workdir=@w,metacopy
		lowerdir=@l1,upperdir=@u,workdir=@w,metacopy=yes
		lowerdir=@l1:@l2,metacopy=on,redirect_dir=follow
		lowerdir=@l1:@l2,metacopy=on,redirect_dir=nofollow
		lowerdir=@l1:@l2,metacopy=on
		lowerdir=@l1:@l2,redirect_dir=on
		lowerdir=@l1:@l2,nfs_export=on
		lowerdir=@l1:@l2,index=on
		lowerdir=@l1:@l2,volatile
		lowerdir=@l1,upperdir=@u,workdir=@w,redirect_dir=maybe
		lowerdir=@l1,upperdir=@u,workdir=@w,redirect_dir=
		lowerdir=@l1,upperdir=@u,workdir=@w,userxattr
		lowerdir=@l1,upperdir=@u,workdir=@w,userxattr=on
		lowerdir=@l1,upperdir=@u,workdir=@w,userxattr,metacopy=on
		lowerdir=@l1,upperdir=@u,workdir=@w,userxattr,redirect_dir=on
		lowerdir=@l1,upperdir=@u,workdir=@w,userxattr,redirect_dir=follow
		lowerdir=@l1,upperdir=@u,workdir=@w,userxattr,redirect_dir=nofollow
		lowerdir=@l1,upperdir=@u,workdir=@w,userxattr,metacopy=off
		lowerdir=@l1,upperdir=@u,workdir=@w,userxattr,verity=on,metacopy=on
		lowerdir=@l1,upperdir=@u,workdir=@w,xino=on
		lowerdir=@l1,upperdir=@u,workdir=@w,xino=yes
		lowerdir=@l1,upperdir=@u,workdir=@w,uuid=none
		lowerdir=@l1,upperdir=@u,workdir=@w,verity=x
		lowerdir=@l1,upperdir=@u,workdir=@w,verity
		lowerdir=@l1,upperdir=@u,workdir=@w,default_permissions
		lowerdir=@l1,upperdir=@u,workdir=@w,ro
		lowerdir=@l1,upperdir=@u,workdir=@w,nodev,nosuid,noexec,noatime
		lowerdir=@l1,upperdir=@u,workdir=@w,upperdir=@l2
		lowerdir=@l1,lowerdir=@l2,upperdir=@u,workdir=@w
		lowerdir=@l1\,x,upperdir=@u,workdir=@w
		lowerdir=@l1/../l1,upperdir=@u/.,workdir=@w//
		lowerdir+=@l1,lowerdir+=@l2,upperdir=@u,workdir=@w
		lowerdir=@l1,lowerdir+=@l2,upperdir=@u,workdir=@w
		lowerdir=@l1,datadir+=@d1,upperdir=@u,workdir=@w
		lowerdir+=@l1:@l2,upperdir=@u,workdir=@w
		datadir+=@d1,upperdir=@u,workdir=@w
		lowerdir+=,upperdir=@u,workdir=@w
		,,lowerdir=@l1,,upperdir=@u,workdir=@w,,
		lowerdir
		lowerdir,upperdir=@u,workdir=@w
		lowerdir=@l1,upperdir,workdir=@w
		lowerdir=@l1,upperdir=@u,workdir
		LOWERDIR=@l1,upperdir=@u,workdir=@w
		lowerdir= @l1,upperdir=@u,workdir=@w
		"lowerdir=@l1,upperdir=@u,workdir=@w"
		lowerdir="@l1",upperdir=@u,workdir=@w
		lowerdir=\@l1,upperdir=@u,workdir=@w
		lowerdir=@l1\,upperdir=@u,workdir=@w
		lowerdir=@l1\:@l2,upperdir=@u,workdir=@w
		lowerdir=@l1\\,upperdir=@u,workdir=@w
		lowerdir=@l1,upperdir=@u\,workdir=@w
	END
}

# Some of them are younger than the kernel that may run this test.
is_recent() { [ "$(printf '6.16\n%s\n' "$(uname -r)" | sort -V | head -n 1)" = 6.16 ]; }

overlay "options"
into "$D" 'mkdir l1 l1/in l2 l3 d1 d2 other; : >file; mount -t tmpfs other other'
if is_recent; then
	tried=0
	while IFS= read -r line; do
		rm -rf "$D/u" "$D/w"
		mkdir "$D/u" "$D/w"
		words=${line//@/$D/}
		refused=0
		mount -i -t overlay test -o "$words" "$D/m" 2>>"$LOG" || refused=$?
		[ "$refused" -ne 0 ] || umount "$D/m"
		look_at -o "$words"
		case $refused:$KIT_STATUS in
		0:0) ;;
		0:*) why "the kernel accepts $line, the check ends with $KIT_STATUS" ;;
		*:0) why "the kernel refuses $line, and the check says it is clean" ;;
		*:8 | *:16)
			[ -s "$OUT.err" ] || why "$line: no message"
			[ ! -s "$OUT" ] || why "$line: a report"
			;;
		*:4) found | grep -q ^layout- || why "$line: no layout- finding" ;;
		*) why "$line: exit status $KIT_STATUS" ;;
		esac
		tried=$((tried + 1))
	done < <(options)
	kit_diag "$tried lines"
	judge "what the kernel refuses is not clean, what it accepts is"
else
	kit_skip "what the kernel refuses is not clean" "the kernel is too old for some of the options"
fi

GOOD=lowerdir=$D/l1,upperdir=$D/upper,workdir=$D/work
for words in nonsense nonsense= nonsense=1 "${ESC}[2J" lowerdirx=/ =; do
	look_at -o "$GOOD,$words"
	want_found
	[ "$(wc -l <"$OUT.err")" -eq 1 ] || why "$words: not one line on stderr"
	grep -q warning "$OUT.err" || why "$words: no warning"
done
judge "options that nobody knows are ignored, and named once"

# --- layers ------------------------------------------------------------------------------------

overlay "layers that are something else"
into "$D" 'mkdir dir x; mkfifo fifo; sockets socket
	mknod null c 1 3; mknod blk b 7 0; : >file; ln -s loop1 loop2; ln -s loop2 loop1
	ln -s nowhere dangling
	ln -s file tofile; mkdir -p sub'
long=$D/$(printf 'sub/../%.0s' {1..600})dir
for what in nothing fifo socket null blk file loop1 dangling tofile file/ file/x fifo/x \
	"sub/$(printf 'y%.0s' {1..300})"; do
	for words in "lowerdir=@,upperdir=$U,workdir=$D/work" "lowerdir=$L:@,upperdir=$U,workdir=$D/work" \
		"lowerdir=$L,upperdir=@,workdir=$D/work" "lowerdir=$L,upperdir=$U,workdir=@" \
		"lowerdir=$L::@,upperdir=$U,workdir=$D/work" "lowerdir=$L:@"; do
		look_at -o "${words//@/$D/$what}"
		[ "$KIT_STATUS" -eq 8 ] || why "$words with $what: exit status $KIT_STATUS"
		grep -qF "$D/$what" "$OUT.err" || why "$words with $what: it is not named"
		[ "$(wc -l <"$OUT.err")" -eq 1 ] || why "$words with $what: not one line"
	done
done
judge "$MAKING"
look_at -o "lowerdir=$long,upperdir=$U,workdir=$D/work"
[ "$KIT_STATUS" -eq 8 ] || why "exit status $KIT_STATUS"
judge "a path that is too long"
ln -s "$L" "$D/tolayer"
look_at -o "lowerdir=$D/tolayer,upperdir=$U,workdir=$D/work"
want_found
judge "a symbolic link to a layer is one"
look_at -o "lowerdir=$L$(printf ":$L%.0s" {1..600}),upperdir=$U,workdir=$D/work"
[ "$KIT_STATUS" -eq 16 ] || why "exit status $KIT_STATUS"
grep -q 500 "$OUT.err" || why "the limit is not named"
judge "601 layers"
kit_fsck "$OUT" -n -o "$(perl -e 'print "lowerdir=", ":" x 100000, "a" x 30000')"
case $KIT_STATUS in 8 | 16) ;; *) why "exit status $KIT_STATUS" ;; esac
judge "an option of 130,000 bytes"

# --- rights ------------------------------------------------------------------------------------

as_nobody() { # the program as somebody without any right
	KIT_STATUS=0
	nobody timeout 60 "$@" >"$OUT" 2>"$OUT.err" </dev/null || KIT_STATUS=$?
	! kit_crashed "$OUT" || why "it crashed"
}

must_refuse() { # TEXT: it did so, and said why
	[ "$KIT_STATUS" -eq 8 ] || why "exit status $KIT_STATUS"
	grep -qF "$1" "$OUT.err" || why "'$1' is not named"
	[ ! -s "$OUT" ] || why "there is a report"
}

on here || kit_broken "$REPLY" # before Linux 6.6 tmpfs has no user xattrs
if let_nobody_in; then
	overlay "rights"
	into "$L" 'mkdir -p d/e; echo data >d/f; echo data >f'
	through "" 'echo more >>d/f; mkdir n'
	as_nobody "$NOBODYS" -n -o "$O"
	must_refuse trusted
	judge "without the right to see trusted xattrs"
	as_nobody "$NOBODYS" -n -o "lowerdir=$L:$D/work"
	must_refuse trusted
	judge "nor without upper"
	if nobody unshare -Urm true 2>>"$LOG"; then
		as_nobody unshare -Urm "$NOBODYS" -n -o "$O"
		must_refuse trusted
		judge "root of a user namespace does not see them either"
	else
		kit_skip "root of a user namespace does not see them either" "nobody may not be one"
	fi

	overlay "layers of somebody else"
	into "$L" 'mkdir -p open secret list; echo data >open/f; echo data >secret/f; echo data >f'
	through userxattr 'echo more >>open/f; chmod 700 secret; mkdir -m 700 closed; echo new >list/n
		chmod 744 list'
	chmod 755 "$U" "$L"
	as_nobody "$NOBODYS" -n -o "$O,userxattr"
	[ "$KIT_STATUS" -eq 4 ] || why "exit status $KIT_STATUS"
	printf 'unreadable %s\n' upper:/ upper:/closed upper:/list/n upper:/secret work:/work >"$KIT_DIR/want"
	diff "$KIT_DIR/want" <(found | uniq) >>"$WHY" || :
	judge "$MAKING: what may not be read is named, and nothing else"
	chmod 0 "$U"
	as_nobody "$NOBODYS" -n -o "$O,userxattr"
	must_refuse "$U"
	judge "and a layer that may not be read at all"
	chmod 755 "$U"
else
	kit_skip "rights" "nobody may not come here"
fi

# --- xattrs ------------------------------------------------------------------------------------

on tmpfs || kit_broken "$REPLY"
# noise SEED: a value of up to 60 bytes, as setfattr takes it
noise() { perl -e 'srand shift; print "0x"; printf "%02x", rand 256 for 1 .. rand 60' "$1"; }

# lengths NAME SEED [ARG]: xattrs of every length in all layers, -u for userxattr
lengths() {
	local dir
	overlay "$1" 2
	mkdir "$D/data"
	[ -n "${3:-}" ] || O=${O/,upperdir/::$D/data,upperdir}
	into "$D/work" 'mkdir index work'
	for dir in upper lower1 lower2 data work/index; do
		must "$KIT_TOOLS/ovl-xattrs" ${3:-} -m "$LENGTH" -s $(($2 + ${#dir})) "$D/$dir"
	done
	# On the roots too, where most of them count.
	for name in opaque redirect origin impure uuid upper nlink protattr metacopy; do
		for dir in upper lower1 lower2 work/index; do
			xset "$D/$dir" "$name" "$(noise $(($2 + ${#dir} + ${#name})))"
		done
	done
}

LENGTH=$([ -n "${OVL_LONG:-}" ] && echo 300 || echo 80)
for seed in $([ -n "${OVL_LONG:-}" ] && seq 1 20 || seq 1 2); do
	lengths "xattrs of every length, seed $seed" "$seed"
	kit_treesum "$D" >"$KIT_DIR/before"
	for words in "" ,index=on,verity=require ,nfs_export=on,uuid=off \
		,index=off,metacopy=off,redirect_dir=nofollow; do
		look_at -v -o "$O$words"
		[ "$KIT_STATUS" -eq 4 ] || why "exit status $KIT_STATUS with $words"
	done
	kit_fsck "$OUT" -n --json -v -o "$O"
	jq -e .exit_code "$OUT" >"$KIT_DIR/jq" 2>&1 || why "no JSON"
	for place in / /f.redirect.7 /d.origin.29 /f.metacopy.36 /d.opaque.1 /f.origin.80; do
		look_at "--inspect=$place" -o "$O"
	done
	kit_treesum "$D" | cmp -s - "$KIT_DIR/before" || why "something changed"
	judge "$MAKING"
	kit_remove "$D"
done
lengths "user xattrs of every length" 9 -u
look_at -v -o "$O,userxattr"
[ "$KIT_STATUS" -eq 4 ] || why "exit status $KIT_STATUS"
judge "$MAKING"
if [ -n "${OVL_LONG:-}" ] && command -v valgrind >/dev/null; then
	LENGTH=40
	lengths "under valgrind" 10
	KIT_STATUS=0
	valgrind -q --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite,possible \
		"$FSCK" -n -v -o "$O" >"$OUT" 2>"$OUT.err" </dev/null || KIT_STATUS=$?
	[ "$KIT_STATUS" -eq 4 ] || why "exit status $KIT_STATUS"
	judge "xattrs of every length under valgrind"
fi

overlay "large xattrs"
into "$L" 'mkdir d e; echo data >f; echo data >g'
large=$(perl -e 'print "x" x 65000')
if setfattr -n trusted.probe -v "$large" "$U" 2>>"$LOG"; then
	into "$U" 'mkdir d e; echo data >f; echo data >g'
	for name in redirect origin opaque impure metacopy nlink upper uuid protattr whiteout nonsense; do
		xset "$U/d" "$name" "$large"
		xset "$U/f" "$name" "$large"
		xset "$L/e" "$name" "$large"
		xset "$L/g" "$name" "$large"
	done
	look_at -v -o "$O"
	[ "$KIT_STATUS" -eq 4 ] || why "exit status $KIT_STATUS"
	for place in upper:/d upper:/f lower1:/e lower1:/g; do
		found | grep -q " $place$" || why "nothing about $place"
	done
	[ "$(wc -c <"$OUT")" -lt 100000 ] || why "values are printed whole"
	judge "xattrs of 65,000 bytes"
else
	kit_skip "xattrs of 65,000 bytes" "tmpfs does not take them"
fi

overlay "many xattrs"
into "$U" 'mkdir d e'
perl -e 'for (1 .. 400) {
	print "setfattr -n user.long$_", "n" x 200, " -v y d", $_ < 200 ? " e" : "", "\n" }' \
	>"$KIT_DIR/script"
(cd "$U" && sh "$KIT_DIR/script" 2>>"$LOG") || :
xset "$U/d" opaque nonsense
xset "$U/e" opaque nonsense
fails getfattr -m - "$U/d"
finds "$MAKING on one object, and too many for the kernel to list" opaque-value upper:/e \
	unreadable upper:/d

# --- trees that change -------------------------------------------------------------------------

churn() { # NAME: on the file system of the moment
	local i pid runs=12
	[ -z "${OVL_LONG:-}" ] || runs=400
	overlay "$1" 2
	mkdir "$D/data"
	O=${O/,upperdir/::$D/data,upperdir}
	into "$D/work" 'mkdir index work'
	"$KIT_TOOLS/ovl-churn" "$RANDOM" "$U" "$L" "$D/lower2" "$D/data" "$D/work/work" "$D/work/index" &
	pid=$!
	for ((i = 0; i < runs; i++)); do
		look_at -v -j $((1 + i % 4)) -o "$O"
		case $KIT_STATUS in
		0) ! grep -q '(unreadable)$' "$OUT" || why "something unreadable, and exit status 0" ;;
		4) ;;
		*) why "exit status $KIT_STATUS" ;;
		esac
		kit_fsck "$OUT" -n --json -o "$O"
		jq -e .exit_code "$OUT" >"$KIT_DIR/jq" 2>&1 || [ "$KIT_STATUS" -eq 0 ] || why "no JSON"
		look_at --inspect=/a/b/c -o "$O"
	done
	kill "$pid"
	wait "$pid" 2>>"$LOG" || :
	look_at -o "$O"
	case $KIT_STATUS in 0 | 4) ;; *) why "exit status $KIT_STATUS" ;; esac
	! found | grep -q '^changed ' || why "changed, when nothing changes any more"
	judge "$MAKING"
}
for type in tmpfs ext4 ${OVL_LONG:+xfs btrfs}; do
	if on "$type"; then
		churn "a tree on $type that changes all the time"
	else
		kit_skip "a tree on $type that changes all the time" "$REPLY"
	fi
done

# --- circles -----------------------------------------------------------------------------------

on tmpfs || kit_broken "$REPLY"
overlay "mounts that go round in circles"
into "$L" 'mkdir -p a/b; echo data >a/f'
into "$U" 'mkdir -p c/d'
through metacopy=on 'chmod 600 a/f'
mount --bind "$D" "$L/a/b"
mount --rbind "$D" "$U/c/d"
look_at -o "$O"
want_found layout-submount-in-layer upper:/c/d layout-submount-in-layer lower1:/a/b
judge "$MAKING"
umount -l "$U/c/d"
umount "$L/a/b"
finds "and without them"

overlay "layers that contain each other by mounts"
into "$L" 'mkdir -p m/n'
mount --bind "$U" "$L/m/n"
look_at -o "lowerdir=$L:$L/m/n,upperdir=$U,workdir=$D/work"
[ "$KIT_STATUS" -eq 4 ] || why "exit status $KIT_STATUS"
found | grep -q '^layout-overlap-lower lower2:/$' || why "the overlap is not named"
judge "$MAKING"
umount "$L/m/n"

kit_done
