#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What cannot be read is never called clean, and nothing that the kernel answers makes the program
# crash: each question about the layers fails once, system calls fail or are not there, a lower has
# bad blocks. With OVL_LONG=1 all of it; else samples.

# shellcheck disable=SC2016,SC2034 # the commands in quotes are for into and through
# shellcheck source=kit.sh
. "$(dirname "$0")/kit.sh"
kit_start "$@"
# shellcheck source=layers_kit.sh
. "$(dirname "$0")/layers_kit.sh"

# --- an overlay with everything in it, and nothing wrong ---------------------------------------

overlay "everything" 2
into "$D/lower2" 'mkdir -p a/b/c d e/f k old opq/x h/diff h/work/work
	echo 1 >a/b/f; echo 22 >a/b/c/g; echo hello >file; echo x >d/h; ln d/h d/h2; ln -s a s; mkfifo p
	mknod n c 1 3; echo z >k/z; echo q >old/q; echo w>opq/x/w; echo v >d/gone; echo t >e/f/t
	echo u >e/u; printf %26s link >h/link; chmod 0 h/work/work; mknod h/diff/w c 0 0'
into "$L" 'mkdir -p a/l1 d e; echo l >a/l1/l; : >d/gone; xset d/gone whiteout; xset d opaque x
	: >m; truncate -s 5 m; xset m metacopy; xset m redirect /blob; mknod e/t c 0 0'
mkdir "$D/data"
echo blob >"$D/data/blob"
O=lowerdir=$L:$D/lower2::$D/data,upperdir=$U,workdir=$D/work
through metacopy=on,redirect_dir=on,index=on 'mv a/b c; chmod 600 c/c/g; mv a/l1 a/l2; rm k/z
	rm -r opq; mkdir opq; echo n >opq/n; chown 1 file; echo more >>d/h; echo new >e/f/new
	chown 3 e/u; mv e/u e/v; chown 1 m; ln file file2; mkdir pure; echo p >pure/p; rm -r k
	chown -h 2 s n p; mv c w'
GOOD=$O
finds "$MAKING is fine"

# A copy of the upper that is mere holes where its metacopy files were, as without xattrs.
overlay "stripped"
into "$L" 'echo data >f; echo data >g; ln g h'
through metacopy=on,redirect_dir=on 'chmod 600 f; echo more >>g'
find "$U" -exec sh -c 'for x in metacopy origin impure uuid; do
	setfattr -h -x trusted.overlay.$x -- "$1"; done; true' - {} \; 2>>"$LOG"
rm "$U/f"
truncate -s 5 "$U/f"
STRIPPED=$O
finds "$MAKING is fine"

# --- questions about the layers ----------------------------------------------------------------

sweep() { # NAME ARG...
	if "$KIT_TOOLS/ovl-faults" "${@:2}" >"$OUT" 2>"$OUT.err"; then
		kit_diag <"$OUT"
		kit_ok "$1"
	else
		cat "$OUT.err" >>"$OUT"
		head -n 50 "$OUT" >"$WHY"
		kit_fail "$1" "$WHY"
		: >"$WHY"
	fi
}
[ -x "$KIT_TOOLS/ovl-faults" ] || kit_broken "no ovl-faults in $KIT_TOOLS"
if [ -n "${OVL_LONG:-}" ]; then
	sweep "each question fails once" "$GOOD"
	sweep "each question about stripped layers fails once" "$STRIPPED"
	sweep "many questions fail, four threads" -r 3000 "$GOOD"
else
	sweep "each question fails once" -e 5 "$GOOD"
	sweep "each question about stripped layers fails once" -e 5 "$STRIPPED"
	sweep "many questions fail, four threads" -r 200 "$GOOD"
fi

# --- system calls ------------------------------------------------------------------------------

overlay "damaged"
into "$L" 'mkdir d; echo data >d/f; echo data >d/g'
through metacopy=on 'chmod 600 d/f d/g; echo new >d/n'
rm "$L/d/f"
BAD=$O

# traced INJECT OPTIONS: the check with system calls tampered with.
traced() {
	local args=() one
	for one in $1; do args+=(-e "inject=$one"); done
	KIT_STATUS=0
	# A leak sanitizer does not work when somebody traces the program.
	ASAN_OPTIONS=${ASAN_OPTIONS:-}:detect_leaks=0 timeout 120 strace -f -qq -o "$KIT_DIR/trace" \
		"${args[@]}" "$FSCK" -n -j 1 -o "$2" >"$OUT" 2>"$OUT.err" </dev/null || KIT_STATUS=$?
	# 127: it was not even loaded
	[ "$KIT_STATUS" -eq 127 ] || ! kit_crashed "$OUT" || why "it crashed, status $KIT_STATUS"
}

can_trace() {
	command -v strace >/dev/null &&
		strace -qq -o /dev/null -e inject=getppid:error=ENOSYS true 2>>"$LOG"
}

# calls: how often each system call was made that may concern layers, "NAME COUNT".
calls() {
	local of='^(openat2?|open_tree|mount_setattr|f?statfs|statx|newfstatat|name_to_handle_at'
	of+='|open_by_handle_at|fchdir|unshare|getdents64|[lf]?(list|get)xattr(at)?|ioctl|lseek'
	of+='|pread64|read|fremovexattr|memfd_create|prlimit64|fsopen|fsconfig|fsmount)$'
	traced "" "$GOOD" &&
		sed -E 's/^[0-9]+ +//; s/\(.*//; ' "$KIT_DIR/trace" | sort | uniq -c |
		awk -v of="$of" '$2 ~ of { print $2, $1 }'
}

if can_trace; then
	# Calls that are younger than Linux 5.0, or that a sandbox forbids.
	absent=
	for call in openat2 open_tree mount_setattr getxattrat listxattrat fsopen unshare; do
		if strace -qq -o /dev/null -e "inject=$call:error=ENOSYS" true 2>>"$LOG"; then
			absent+=" $call"
		else
			kit_diag "strace does not know $call"
		fi
	done
	for errno in ENOSYS EPERM; do
		all=
		for call in $absent; do
			all+=" $call:error=$errno"
			traced "$call:error=$errno" "$GOOD"
			want_found
			judge "$call does not work: $errno"
		done
		traced "$all" "$GOOD"
		want_found
		judge "none of them works: $errno"
		traced "$all" "$BAD"
		want_found meta-no-lowerdata upper:/d/f
		judge "none of them works, and damage is found: $errno"
	done

	errnos=(EIO EACCES ENOMEM ESTALE)
	runs=0 step=$([ -n "${OVL_LONG:-}" ] && echo 1 || echo 29)
	calls >"$KIT_DIR/calls"
	while read -r call count; do
		for ((k = 1 + runs % step; k <= count; k += step)); do
			runs=$((runs + 1))
			errno=${errnos[runs % 4]}
			traced "$call:error=$errno:when=$k" "$GOOD"
			case $KIT_STATUS in
			0) ;; # not a question about layers, or there is another way to ask it
			4) # (without the uuid of a file system all origins lead nowhere)
				[ "$call" = ioctl ] || grep -q '(unreadable)$' "$OUT" ||
					why "$call $k $errno: what is wrong?"
				;;
			8 | 16) [ -s "$OUT.err" ] || why "$call $k $errno: not a word" ;;
			127) grep -q 'shared librar' "$OUT.err" || why "$call $k $errno: status 127" ;;
			*) why "$call $k $errno: status $KIT_STATUS" ;;
			esac
			[ "$KIT_STATUS" -eq 0 ] || ! grep -q ': clean, ' "$OUT" || why "$call $k $errno: clean?"
		done
	done <"$KIT_DIR/calls"
	kit_diag "$runs runs"
	judge "system calls that fail, one at a time"
else
	kit_skip "system calls" "cannot run strace"
fi

# --- bad blocks --------------------------------------------------------------------------------

# A directory block and an xattr block of a lower on ext4 are overwritten: the checksums tell.
bad_blocks() {
	local image=$KIT_DIR/images/bad block
	mkdir -p "$D/bad" "$KIT_DIR/images" && truncate -s 64M "$image" &&
		mkfs.ext4 -q -O metadata_csum -I 128 -b 1024 "$image" >>"$LOG" 2>&1 &&
		mount -o loop "$image" "$D/bad" || return 1
	into "$D/bad" 'mkdir fine broken; echo data >fine/f; echo data >broken/f; echo data >file
		setfattr -n user.a -v b file' || return 1
	umount "$D/bad" || return 1
	for what in "bmap /broken 0" "stat /file"; do
		block=$(debugfs -R "$what" "$image" 2>>"$LOG" |
			awk '/^[0-9]+$/ { print } sub(/^File ACL: /, "") { print $1 }')
		[ "${block:-0}" -gt 0 ] || return 1
		perl -e 'print "\xaa" x 1024' | dd of="$image" bs=1024 seek="$block" conv=notrunc status=none
	done
	mount -o loop,errors=continue "$image" "$D/bad" && fails ls "$D/bad/broken"
}

overlay "a lower with bad blocks"
if bad_blocks 2>>"$LOG"; then
	O=lowerdir=$D/bad,upperdir=$U,workdir=$D/work
	look_at -o "$O"
	want_found unreadable lower1:/broken unreadable lower1:/file
	judge "$MAKING"
	kit_fsck "$OUT" -n --json -o "$O"
	jq -e '[.problems[] | .path] == ["/broken", "/file"] and .exit_code == 4' "$OUT" >/dev/null ||
		why "wrong JSON"
	judge "$MAKING, in JSON"
	into "$U" 'mkdir broken; echo data >broken/f; xset broken/f redirect /file; xset broken/f metacopy'
	look_at -o "$O"
	[ "$KIT_STATUS" -eq 4 ] || why "exit status $KIT_STATUS"
	found | grep -qx "unreadable lower1:/broken" || why "not named"
	judge "and an upper that stands upon it"
	look_at -E trust-lower -o "$O"
	[ "$KIT_STATUS" -eq 4 ] || why "exit status $KIT_STATUS"
	judge "and with -E trust-lower"
else
	kit_skip "$MAKING" "cannot make such an image"
fi

kit_done
