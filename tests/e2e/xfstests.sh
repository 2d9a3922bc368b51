#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What xfstests asks of fsck.overlay in overlay/045 (whiteouts), 046 (redirects) and 056 (impure): the
# same situations, the exit status compared for equality, called as xfstests calls it.

# shellcheck source=kit.sh
. "$(dirname "$0")/kit.sh"
kit_start "$@"
kit_fs here || kit_skip_all "$REPLY"
BASE=$REPLY
WHY=$KIT_DIR/why

NAME=
LOWERS=
# situation NAME [LOWERS]: fresh layers l1, l2, u, w; LOWERS: which are stacked (l1)
situation() {
	NAME=$1 LOWERS=${2:-l1}
	: >"$WHY"
	cd "$BASE" || exit 99
	kit_remove "$BASE/t"
	mkdir -p "$BASE/t/l1" "$BASE/t/l2" "$BASE/t/u" "$BASE/t/w" "$BASE/t/m"
	cd "$BASE/t" || exit 99
}

lowers() { printf '%s' "$BASE/t/${LOWERS//:/:$BASE/t/}"; }
why() { printf '%s\n' "$1" >>"$WHY"; }
whiteout() {
	local path
	for path; do mknod "$path" c 0 0; done
}
impure() {
	local dir
	mkdir -p "$@"
	for dir; do setfattr -n trusted.overlay.impure -v y "$dir"; done
}
opaque() { mkdir -p "$1" && setfattr -n trusted.overlay.opaque -v y "$1"; }
redirect() { mkdir -p "$1" && setfattr -n trusted.overlay.redirect -v "$2" "$1"; }

# fsck MODE STATUS
fsck() {
	kit_fsck "$KIT_DIR/out" -o "lowerdir=$(lowers)" -o "upperdir=$BASE/t/u" -o "workdir=$BASE/t/w" "$1"
	[ "$KIT_STATUS" -eq "$2" ] || {
		why "$1: exit status $KIT_STATUS instead of $2"
		cat "$KIT_DIR/out" "$KIT_DIR/out.err" >>"$WHY"
	}
}

is_whiteout() {
	local path
	for path; do
		[ "$(stat -c %t,%T,%F "$path" 2>&1)" = "0,0,character special file" ] ||
			why "$path is no whiteout"
	done
}
is_empty() {
	local path
	for path; do [ -z "$(ls -A "$path")" ] || why "$path holds $(ls -A "$path")"; done
}
value() { getfattr --absolute-names --only-values -n "trusted.overlay.$2" "$1" 2>/dev/null; }
# has PATH XATTR VALUE; VALUE "": not there
has() { [ "$(value "$1" "$2")" = "$3" ] || why "$1: $2 is '$(value "$1" "$2")', not '$3'"; }

judge() {
	if [ -s "$WHY" ]; then kit_fail "$NAME" "$WHY"; else kit_ok "$NAME"; fi
}

situation "whiteouts that hide nothing, in lower and upper"
whiteout l1/foo u/foo u/bar
fsck -p 1
is_empty l1 u
judge

situation "whiteouts that hide something" l1:l2
touch l2/foo l2/bar
whiteout u/foo l1/bar
fsck -p 0
is_whiteout u/foo l1/bar
judge

situation "a whiteout in an opaque directory"
mkdir l1/d
touch l1/d/foo
opaque u/d
whiteout u/d/foo
fsck -p 1
is_empty u/d
judge

situation "whiteouts in directories that are not merged" l1:l2
mkdir l2/d1 l2/d2 l2/d3 u/d1 u/d2 u/d3 u/d4
touch l2/d1/foo l2/d2/foo l2/d3/foo l1/d1
whiteout l1/d2
opaque l1/d3
whiteout u/d1/foo u/d2/foo u/d3/foo u/d4/foo
fsck -p 1
is_empty u/d1 u/d2 u/d3 u/d4
judge

situation "a whiteout that hides nothing in a redirected directory"
mkdir l1/d l1/origin
touch l1/d/foo
redirect u/d origin
whiteout u/d/foo
fsck -p 1
is_empty u/d
judge

situation "a whiteout that hides something in a redirected directory"
mkdir l1/origin
touch l1/origin/foo
whiteout u/origin
redirect u/d origin
impure u
whiteout u/d/foo
fsck -p 0
is_whiteout u/d/foo u/origin
judge

situation "the same, below a redirect of a middle layer" l1:l2
mkdir -p l2/origin/sub u/d/sub
touch l2/origin/sub/foo
redirect l1/d origin
whiteout l1/origin u/d/sub/foo
impure u/d u
fsck -p 0
is_whiteout u/d/sub/foo
judge

situation "a whiteout in an opaque directory below a redirected one"
mkdir -p l1/origin/sub
touch l1/origin/sub/foo
redirect u/d origin
opaque u/d/sub
whiteout u/d/sub/foo
fsck -p 1
is_empty u/d/sub
judge

situation "a whiteout in a redirected directory below an opaque one"
mkdir l1/origin
touch l1/origin/foo
opaque u/d
redirect u/d/sub /origin
whiteout u/origin u/d/sub/foo
impure u/d
fsck -p 0
is_whiteout u/d/sub/foo
judge

situation "a redirect to nothing"
redirect u/d invalid
fsck -p 1
has u/d redirect ""
judge

situation "a redirect to a file"
touch l1/origin
redirect u/d origin
fsck -p 1
has u/d redirect ""
judge

situation "a redirect that is right"
mkdir l1/origin
whiteout u/origin
redirect u/d origin
impure u
fsck -p 0
has u/d redirect origin
judge

situation "an absolute redirect that is right"
mkdir l1/origin u/d1
whiteout u/origin
redirect u/d1/d2 /origin
impure u/d1
fsck -p 0
has u/d1/d2 redirect /origin
judge

situation "the old name of a redirected directory is not covered"
mkdir l1/origin
redirect u/d origin
fsck -p 1
has u/d redirect origin
is_whiteout u/origin
judge

situation "two directories that changed names"
mkdir l1/d1 l1/d2
redirect u/d1 d2
redirect u/d2 d1
impure u
fsck -p 0
has u/d1 redirect d2
has u/d2 redirect d1
judge

situation "a redirect to nothing, and a lower directory of its own name"
mkdir l1/d
redirect u/d invalid
fsck -y 1
has u/d redirect ""
has u/d opaque y
judge

situation "three redirects to one directory, two in a middle layer" l1:l2
mkdir l2/origin
redirect l1/d1 origin
redirect l1/d2 origin
redirect u/d3 origin
fsck -p 4
fsck -y 1
[ "$(value l1/d1 redirect)" != "$(value l1/d2 redirect)" ] || why "both are as they were, or both are gone"
has u/d3 redirect ""
fsck -n 0
judge

situation "a redirect to a directory that is merged under its own name"
mkdir l1/origin u/origin
redirect u/d origin
fsck -p 4
fsck -y 1
has u/d redirect ""
has u/origin opaque ""
fsck -n 0
judge

situation "a redirect to nothing beside directories of both names"
mkdir l1/origin l1/d u/origin
redirect u/d invalid
fsck -y 1
has u/d redirect ""
has u/d opaque y
judge

situation "directories with copied up children, impure lost"
mkdir l1/d1 l1/d2 l1/d2/sub
touch l1/d1/foo
must_mount() { kit_mount "lowerdir=$BASE/t/l1,upperdir=$BASE/t/u,workdir=$BASE/t/w" "$BASE/t/m" || kit_broken "cannot mount"; }
mkdir u/d1 u/d2
must_mount
touch m/d1/foo m/d2/sub
kit_unmount "$BASE/t/m"
setfattr -x trusted.overlay.impure u/d1
setfattr -x trusted.overlay.impure u/d2
fsck -p 1
has u/d1 impure y
has u/d2 impure y
judge

situation "a directory with a redirected child, impure missing"
mkdir l1/origin u/d
redirect u/d/sub /origin
fsck -p 1
has u/d impure y
judge

situation "a root with a merged child, impure missing"
mkdir l1/d u/d
fsck -p 1
has u impure y
judge
kit_done
