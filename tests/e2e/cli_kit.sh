# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# shellcheck disable=SC2034 # who sources this uses the variables
#
# What the tests of the command line share: a way to run the program and to say what it must print,
# and two overlays, a healthy and a damaged one. Sourced after kit_start.

OUT=$KIT_DIR/out
WHY=$KIT_DIR/why
ESC=$'\033'

# judge NAME: passes if nothing is in $WHY, else explains.
judge() {
	if [ -s "$WHY" ]; then
		sed 's/^/stdout: /' "$OUT" >>"$WHY"
		sed 's/^/stderr: /' "$OUT.err" >>"$WHY"
		kit_fail "$1" "$WHY"
	else
		kit_ok "$1"
	fi
	: >"$WHY"
}
: >"$WHY"

why() { printf '%s\n' "$*" >>"$WHY"; }

want() {
	case $1 in
	out) grep -qF -e "$2" "$OUT" ;;
	no-out) ! grep -qF -e "$2" "$OUT" ;;
	line) grep -qxF -e "$2" "$OUT" ;;
	like) grep -qxE -e "$2" "$OUT" ;;
	err) grep -qF -e "$2" "$OUT.err" ;;
	no-err) ! grep -qF -e "$2" "$OUT.err" ;;
	empty) [ ! -s "$OUT${2#out}" ] ;; # out or .err
	lines) [ "$(wc -l <"$OUT")" -eq "$2" ] ;;
	json) jq -e "$2" "$OUT" >/dev/null ;;
	*) kit_broken "no such wish: $1" ;;
	esac
}

# look STATUS WISH TEXT...: compares what the last run left.
look() {
	[ "$KIT_STATUS" -eq "$1" ] || why "exit status $KIT_STATUS instead of $1"
	! kit_crashed "$OUT" || why "it crashed"
	shift
	while [ $# -gt 0 ]; do
		want "$1" "$2" || why "not so: $1 '$2'"
		shift 2
	done
}

# run STATUS NAME [WISH TEXT]... -- ARG...: the program with these arguments
run() {
	local status=$1 name=$2 wishes=()
	shift 2
	while [ "$1" != -- ]; do
		wishes+=("$1" "$2")
		shift 2
	done
	shift
	kit_fsck "$OUT" "$@"
	look "$status" "${wishes[@]}"
	judge "$name"
}

kit_fs here || kit_skip_all "$REPLY"
TOP=$REPLY

# overlay NAME: a used overlay with metacopy files; its options in $REPLY.
overlay() {
	local d=$TOP/$1 name
	mkdir "$d" "$d/lower" "$d/lower/d" "$d/upper" "$d/work" "$d/m" || return 1
	for name in file one two $'new\nline'"$ESC"$'[31m\xff\\'; do
		echo "$name" >"$d/lower/$name"
	done
	kit_mount "lowerdir=$d/lower,upperdir=$d/upper,workdir=$d/work,metacopy=on" "$d/m" || return 1
	chown 1 "$d"/m/*
	echo new >"$d/m/d/new"
	kit_unmount "$d/m"
	REPLY=lowerdir=$d/lower,upperdir=$d/upper,workdir=$d/work
}

overlay good || kit_skip_all "cannot mount an overlay with metacopy=on"
GOOD=$REPLY
overlay bad
BAD=$REPLY
rm "$TOP/bad/lower/one" "$TOP/bad/lower/two" "$TOP/bad/lower/"new*
mknod "$TOP/bad/upper/d/useless" c 0 0
# The last line about the healthy overlay, and the place of a finding in the damaged one.
SUMMARY="$TOP/good/upper: clean, 2 layers, [0-9,]+ objects, 4 metacopy \([0-9]+ B not copied yet\) \([0-9.]+ s\)"
HOSTILE='upper:/new\012line\033[31m\377\\'
kit_treesum "$TOP/bad" >"$KIT_DIR/before"

# unchanged: the last test; the damaged overlay, which is never mounted, is as it was.
unchanged() {
	kit_treesum "$TOP/bad" >"$KIT_DIR/after"
	kit_check "the check changes nothing" cmp "$KIT_DIR/before" "$KIT_DIR/after"
}

