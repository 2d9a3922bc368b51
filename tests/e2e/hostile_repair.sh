#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Layers that somebody prepared so that a repair changes what is outside of them: files with more names
# than those in the layers, symbolic links where directories of ours should be, files that nobody may
# change. What is outside is never touched, and never read into the layers.

# shellcheck disable=SC2016,SC2034 # the commands in quotes are for into and through
# shellcheck source=kit.sh
. "$(dirname "$0")/kit.sh"
kit_start "$@"
# shellcheck source=layers_kit.sh
. "$(dirname "$0")/layers_kit.sh"
# shellcheck source=hostile_kit.sh
. "$(dirname "$0")/hostile_kit.sh"

# --- files with names outside -------------------------------------------------------------------

# linked NAME COMMANDS [moved]: a file outside that is damaged by these, with a second name in the upper
linked() {
	into "$C/${3:-linked}" "$2"
	must ln "$C/${3:-linked}/$1" "$U/$1"
}

foreign_links() {
	overlay "files with names outside, on $1"
	canary
	into "$L" 'for f in size data part found nolower chain nlink origin red; do seq 3000 >$f; done
		mkdir d; echo x >d/f; mkdir bad'
	through metacopy=on,index=on,redirect_dir=on 'echo >new; chmod 600 found; mv d e'
	local handle
	handle=$(getfattr -h --only-values --absolute-names -n trusted.overlay.origin "$U/found" | base64 -w0)
	rm "$U/found"
	linked value 'seq 3000 >value; xset value metacopy x'
	linked size 'truncate -s 7 size; xset size metacopy'
	linked part 'seq 3000 >part; xset part metacopy'
	linked data 'seq 3000 | tac >data; xset data metacopy'
	linked nolower 'truncate -s 9 nolower; xset nolower metacopy; xset nolower redirect /nowhere'
	linked found "truncate -s \$(stat -c %s $L/found) found; xset found metacopy
		xset found redirect /nowhere; xset found origin 0s$handle"
	linked red 'echo "$TOKEN" >red; xset red redirect a/../b'
	linked nul 'echo "$TOKEN" >nul; xset nul redirect "/red\000x"'
	linked origin 'echo "$TOKEN" >origin; xset origin origin 0x00fb'
	linked nlink "echo \"\$TOKEN\" >nlink; xset nlink nlink U-x; xset nlink origin 0s$handle"
	linked low "echo \"\$TOKEN\" >low; xset low nlink U-9; xset low origin 0s$handle"
	linked protattr 'echo "$TOKEN" >protattr; xset protattr protattr zzz'
	linked opaque 'echo "$TOKEN" >opaque; xset opaque opaque y'
	linked white 'echo "$TOKEN" >white; xset white whiteout'
	linked empty ': >empty; xset empty whiteout' moved
	linked fifo 'mkfifo fifo; xset fifo metacopy'
	linked link 'ln -s /etc/passwd link; xset link metacopy; xset link origin x'
	linked legacy 'ln -s "(overlay-whiteout)" legacy; xset legacy whiteout' moved
	linked uuid 'echo "$TOKEN" >uuid; xset uuid uuid x'
	# In the index, and in what the kernel left in the work directory.
	into "$C/moved" 'echo "$TOKEN" >index; xset index origin x; xset index nlink x
		echo "$TOKEN" >temp; mknod whiteout c 0 0; mkfifo fifo'
	must ln "$C/moved/index" "$D/work/index/$(printf '00fb1d0001%048d' 7)"
	must ln "$C/moved/temp" "$D/work/index/#7"
	must mkdir -p "$D/work/work/a/b/c"
	must ln "$C/moved/temp" "$D/work/work/a/b/c/temp"
	must ln "$C/moved/whiteout" "$U/whiteout"
	# Below a directory that -y expands, and in a lower layer.
	must cp -a "$U/e" "$U/e2"
	must ln "$C/linked/red" "$U/e2/f"
	into "$C/linked" 'echo "$TOKEN" >lower; xset lower opaque y; echo "$TOKEN" >lower2; xset lower2 redirect //
		mkfifo lower3; xset lower3 metacopy; xset lower3 origin x'
	must ln "$C/linked/lower" "$C/linked/lower2" "$C/linked/lower3" "$L"
	# One that may be repaired.
	must mkdir "$U/fine"
	xset "$U/fine" opaque nonsense
	watch
	layers_sum >"$KIT_DIR/before"
	local words mode
	for words in ,index=on,metacopy=on,redirect_dir=on ,index=off,metacopy=on "" ,nfs_export=on; do
		for mode in -p -y "-y -E lower=rw"; do
			O=${O%%,index*}$words
			# shellcheck disable=SC2086 # words
			writes $mode
		done
	done
	KEPT=$OUT.kept
	cp "$OUT" "$KEPT"
	! grep -q opaque-value <(found) || why "what could be repaired was not"
	grep -q 'names outside' "$OUT" || why "it does not say that files have names outside"
	for ((;;)); do
		writes --undo
		[ "$KIT_STATUS" -eq 0 ] || break
	done
	ends 8 "nothing to take back"
	layers_sum | diff "$KIT_DIR/before" - >>"$WHY" || :
	judge "$MAKING"
}
for type in tmpfs ${OVL_LONG:+ext4 xfs btrfs}; do
	if on "$type"; then
		foreign_links "$type"
	else
		kit_skip "files with names outside, on $type" "$REPLY"
	fi
done

# A name that comes after the repair: what is taken back would change there, too.
overlay "names outside that come later"
canary
into "$L" 'echo data >f; seq 3000 >part'
into "$U" 'echo data >f; xset f protattr zzai; seq 3000 >part; xset part metacopy; echo data >g
	xset g opaque y'
watch
writes -y
ends 1
must ln "$U/f" "$U/part" "$C/linked/"
watch
writes --undo
ends 4
[ "$(grep -c 'left: it has got more names since' "$OUT")" -eq 2 ] || why "it does not say so"
is_xattr "$U/g" opaque y || why "what could be taken back was not"
must rm "$C/linked/f" "$C/linked/part"
watch
writes --undo
ends 0
is_xattr "$U/f" protattr zzai || why "it was not taken back"
judge "$MAKING are not changed with what is taken back"

# --- files that nobody may change ---------------------------------------------------------------

# freeze PATH...: makes every second one immutable, the others append-only
freeze() {
	local path flag=i
	for path; do
		must chattr "+$flag" "$path"
		flag=$([ $flag = i ] && echo a || echo i)
	done
}

# frozen TYPE: three of each kind of damage: immutable, append-only, and as it should be
frozen() {
	local i words=redirect_dir=on,metacopy=on,index=on
	overlay "frozen files on $1"
	canary
	into "$L" 'for i in 1 2 3; do mkdir -p p$i/old$i dup$i/in; echo x >p$i/old$i/f
		seq 3000 >part$i; echo x >dup$i/f; echo x >dup$i/in/f; done'
	through $words 'for i in 1 2 3; do mv p$i/old$i moved$i; mv dup$i one$i; done
		for i in 1 2 3; do mkdir d$i; echo x >d$i/f; done'
	for i in 1 2 3; do
		into "$U" "echo x >f$i; xset f$i protattr zai; mknod d$i/phantom c 0 0
			rm p$i/old$i; seq 3000 >part$i; xset part$i metacopy; cp -a one$i two$i
			mkdir opaque$i; xset opaque$i opaque n; mkfifo fifo$i; xset fifo$i metacopy"
	done
	O=$O,$words
	freeze "$U/f1" "$U/f2" "$U/part1" "$U/part2" "$U/d1" "$U/d2" "$U/p1" "$U/p2" "$U/two1" "$U/two2" \
		"$U/opaque1" "$U/opaque2"
	watch
	writes -p
	ends 4
	writes -y
	ends 4
	for i in f1 part1 d1 p1 two1 opaque1; do
		grep -qF "upper:/$i is immutable (chattr +i)" "$OUT" || why "it does not say that $i is immutable"
	done
	for i in f2 part2 d2 p2 two2 opaque2; do
		grep -qF "upper:/$i is append-only (chattr +a)" "$OUT" || why "it does not say that $i is append-only"
	done
	[ "$(lsattr -d "$U"/*[12] 2>>"$LOG" | cut -d' ' -f1 | grep -c '[ia]')" -eq 12 ] || why "a flag was taken away"
	[ -z "$(find "$U/two1" "$U/two2" -mindepth 1)" ] || why "a directory is half filled"
	look_at -o "$O"
	[ "$KIT_STATUS" -eq 4 ] || why "-n: exit status $KIT_STATUS"
	! found | grep -E 'upper:/[a-z]+3' >>"$WHY" || why "what nobody has frozen was not repaired"
	chattr -R -f -i -a "$U" || :
	writes -y
	ends 1
	look_at -o "$O"
	want_found
	# And back, with some of it frozen again.
	freeze "$U/p1" "$U/p2"
	writes --undo
	ends 4
	grep -q 'left: upper:/p1 is immutable' "$OUT" || why "it does not say what could not be taken back"
	chattr -R -f -i -a "$U" || :
	writes --undo
	ends 0
	judge "$MAKING are named and left, the others are repaired"
	for i in work work/work work/index; do
		freeze "$D/$i" "$U"
		writes -y
		chattr -i "$D/$i"
		chattr -a "$U"
		must chattr +a "$D/$i"
		writes -y
		[ "$KIT_STATUS" -lt 8 ] || grep -q 'append-only' "$OUT.err" || why "$i +a: it does not say why"
		chattr -a "$D/$i"
		[ ! -e "$D/work/work/incompat" ] || why "$i: the marker is still there"
		while writes --undo && [ "$KIT_STATUS" -eq 0 ]; do :; done
	done
	judge "a frozen work directory on $1 is no trap"
}
for type in ext4 ${OVL_LONG:+xfs btrfs tmpfs}; do
	if on "$type" && : >"$TOP/probe" && chattr +i "$TOP/probe" 2>>"$LOG"; then
		chattr -i "$TOP/probe"
		frozen "$type"
	else
		kit_skip "frozen files on $type" "nothing can be frozen: $REPLY"
	fi
done

kit_done
