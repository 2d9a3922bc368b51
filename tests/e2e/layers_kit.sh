# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# shellcheck disable=SC2034 # who sources this uses the variables
#
# What the tests of hostile and unusual layers share: making an overlay, and saying exactly what the
# check must find in it. Sourced after kit_start. A command that fails while a test is being made
# ends the script ("Bail out!"), for a test that was not made tests nothing.

OUT=$KIT_DIR/out
WHY=$KIT_DIR/why
LOG=$KIT_DIR/log
ESC=$'\033'
MAKING="the beginning"
: >"$WHY"
: >"$LOG"
# Only for commands of the script itself, not for those within functions: these say "must", or end
# the script themselves.
trap 'broken "line $LINENO: $BASH_COMMAND"' ERR

# broken REASON: the test at hand could not be made.
broken() {
	tail -n 20 "$LOG" | kit_diag
	kit_broken "cannot make \"$MAKING\": $1"
}

# must COMMAND...: within functions, where a command that fails would go unnoticed.
must() { "$@" >>"$LOG" 2>&1 || broken "$*"; }

why() { printf '%s\n' "$*" >>"$WHY"; }

# judge NAME: passes if nothing is in $WHY, else explains, with what the program said.
judge() {
	if [ -s "$WHY" ]; then
		[ ! -e "$OUT" ] || head -n 40 "$OUT" | sed 's/^/stdout: /' >>"$WHY"
		[ ! -e "$OUT.err" ] || head -n 40 "$OUT.err" | sed 's/^/stderr: /' >>"$WHY"
		kit_fail "$1" "$WHY"
	else
		kit_ok "$1"
	fi
	: >"$WHY"
}

# on TYPE: from now on overlays are made on a file system of this type (see kit_fs).
on() {
	kit_fs "$1" || return 1
	TOP=$REPLY
}
# In memory, as unmounting an overlay writes out all of the file system that its upper is on.
on tmpfs || kit_skip_all "$REPLY"

# overlay NAME [LOWERS]: empty layers in $D, their options in $O; what is made next is called NAME.
overlay() {
	local i
	MAKING=$1
	D=$TOP/${1//[^a-z0-9]/_}
	must mkdir "$D" "$D/upper" "$D/work" "$D/m"
	O=lowerdir=
	for ((i = 1; i <= ${2:-1}; i++)); do
		must mkdir "$D/lower$i"
		[ "$i" -eq 1 ] || O+=:
		O+=$D/lower$i
	done
	L=$D/lower1
	U=$D/upper
	O+=,upperdir=$U,workdir=$D/work
}

# into DIR COMMANDS: runs them there; each of them must succeed. (To call this behind "if" or before
# "&&" would switch off `set -e`.)
into() {
	local status
	(
		set -e
		cd "$1"
		eval "$2"
	) >>"$LOG" 2>&1
	status=$?
	[ "$status" -eq 0 ] || broken "$2"
}

# through OPTIONS COMMANDS: mounts the overlay with $O and these, runs the commands in it.
through() {
	must kit_mount "$O${1:+,$1}" "$D/m"
	into "$D/m" "$2"
	must kit_unmount "$D/m"
}

# fails COMMAND...: it must; unlike `!`, which the trap above takes no notice of.
fails() {
	if "$@" >>"$LOG" 2>&1; then return 1; fi
}

# refused [OPTIONS]: the kernel does not mount the overlay.
refused() { fails kit_mount "$O${1:+,$1}" "$D/m"; }

# xset PATH NAME [VALUE], xget PATH NAME: trusted.overlay.NAME; the value as setfattr takes it, the
# value as text.
xset() { setfattr -h -n "trusted.overlay.$2" ${3+-v "$3"} -- "$1"; }
xget() { getfattr -h --only-values --absolute-names -n "trusted.overlay.$2" -- "$1"; }

# is_xattr PATH NAME TEXT: the layer holds what the test is about.
is_xattr() { [ "$(xget "$1" "$2" 2>>"$LOG")" = "$3" ]; }

# look_at ARG...: runs the check with -n; complains if it crashed or printed a control byte.
look_at() {
	kit_fsck "$OUT" -n "$@"
	! kit_crashed "$OUT" || why "it crashed, status $KIT_STATUS"
	is_printable
}

# is_printable: complains if the last run printed a control byte.
is_printable() {
	! LC_ALL=C grep -q $'[\001-\010\013-\037\177]' "$OUT" "$OUT.err" ||
		why "a control byte was printed"
}

# found: what the last run found, a line "SLUG PLACE" each.
found() {
	kit_findings "$OUT" | sed -E 's/^([a-z0-9]+):? .*\(([a-z0-9-]+)\)$/\2 \1/
		s/^(([a-z0-9]+):.*): .*\(([a-z0-9-]+)\)$/\3 \1/' | sort
}

# want_found [SLUG PLACE]...: exactly these, and the exit status that belongs to them.
want_found() {
	local status=$(($# > 0 ? 4 : 0))
	[ "$KIT_STATUS" -eq "$status" ] || why "exit status $KIT_STATUS instead of $status"
	printf '%s %s\n' "$@" | sed '/^ $/d' | sort >"$KIT_DIR/want"
	found >"$KIT_DIR/got"
	cmp -s "$KIT_DIR/want" "$KIT_DIR/got" ||
		diff "$KIT_DIR/want" "$KIT_DIR/got" | sed -n 's/^</missing:/p; s/^>/too much:/p' >>"$WHY"
	if [ $# -eq 0 ]; then
		grep -q ': clean, ' "$OUT" || why "it does not say clean"
	else
		! grep -q ': clean, ' "$OUT" || why "it says clean"
	fi
}

# finds NAME [SLUG PLACE]... [-- ARG...]: exactly these, nothing on stderr, and the check changed
# nothing in $D.
finds() {
	local name=$1 want=()
	shift
	while [ $# -gt 0 ] && [ "$1" != -- ]; do
		want+=("$1" "$2")
		shift 2
	done
	[ $# -eq 0 ] || shift
	kit_treesum "$D" >"$KIT_DIR/before"
	look_at -o "$O" "$@"
	kit_treesum "$D" >"$KIT_DIR/after"
	want_found "${want[@]}"
	[ ! -s "$OUT.err" ] || why "something was said on stderr"
	cmp -s "$KIT_DIR/before" "$KIT_DIR/after" || {
		why "the check changed something:"
		diff "$KIT_DIR/before" "$KIT_DIR/after" | head -n 10 >>"$WHY"
	}
	if [ ${#want[@]} -eq 0 ]; then
		# Of mere information, these two are put right.
		kit_fsck "$KIT_DIR/verbose" -n -v -o "$O" "$@"
		grep -qE '\((whiteout-useless|impure-missing)\)' "$KIT_DIR/verbose" ||
			repairs_nothing -o "$O" "$@"
	fi
	judge "$name"
}

# repairs_nothing ARG...: neither -p nor -y writes to an overlay that is fine, or touch one in use.
repairs_nothing() {
	local mode
	for mode in -p -y; do
		kit_fsck "$OUT" "$mode" "$@"
		! kit_crashed "$OUT" || why "$mode: it crashed, status $KIT_STATUS"
		[ "$KIT_STATUS" -eq 0 ] || { [ "$KIT_STATUS" -eq 8 ] && grep -q 'in use' "$OUT.err"; } ||
			why "$mode: exit status $KIT_STATUS instead of 0"
		kit_treesum "$D" >"$KIT_DIR/after"
		cmp -s "$KIT_DIR/before" "$KIT_DIR/after" || {
			why "$mode changed something:"
			diff "$KIT_DIR/before" "$KIT_DIR/after" | head -n 10 >>"$WHY"
		}
	done
}

# nobody COMMAND...: without any right
nobody() { setpriv --reuid=65534 --regid=65534 --clear-groups -- "$@"; }

# let_nobody_in: makes scratch directory and program accessible to nobody; $NOBODYS is the program.
# Fails where the directories above are not.
let_nobody_in() {
	must chmod 755 "$KIT_DIR" "$TOP"
	NOBODYS=$KIT_DIR/nobodys
	[ -e "$NOBODYS" ] || must install -m 755 "$FSCK" "$NOBODYS"
	nobody test -x "$TOP" && nobody "$NOBODYS" -V >>"$LOG" 2>&1
}

# sockets PATH...: a socket at each of these relative paths
sockets() {
	perl -MSocket -e 'for (@ARGV) {
		socket(S, AF_UNIX, SOCK_STREAM, 0) && bind(S, pack_sockaddr_un($_)) or die "$!" }' "$@"
}

# deep DIR N [CODE]: N directories "d" below each other in DIR, then Perl in the last one.
deep() {
	must perl -e 'chdir shift or die; my $n = shift;
		for (1 .. $n) { mkdir "d" or die "$!"; chdir "d" or die "$!" }
		eval(shift // "1"); die $@ if $@' "$1" "$2" "${3:-1}"
}

# cpu ARG...: processor time of a check that finds nothing, in milliseconds, in $REPLY; the least of
# three runs.
cpu() {
	local i ms best='' TIMEFORMAT='%3U %3S'
	for i in 1 2 3; do
		ms=$({ time kit_fsck "$OUT" -n "$@" 2>>"$LOG"; } 2>&1 |
			awk '{ printf "%d", ($1 + $2) * 1000 }')
		[ -n "$best" ] && [ "$best" -le "$ms" ] || best=$ms
		grep -q ': clean, ' "$OUT" || why "it does not say clean"
	done
	REPLY=$best
}

# grows_linearly NAME FACTOR SMALL LARGE: options of two overlays, one FACTOR times the other. What
# grows by the square takes FACTOR/2 times as long as is allowed here.
grows_linearly() {
	local small
	cpu -o "$3"
	small=$REPLY
	cpu -o "$4"
	kit_diag "$small ms of processor time, $REPLY ms for $2 times as much"
	[ "$REPLY" -le $((2 * $2 * small + 100)) ] || why "too long for as much more"
	judge "$1"
}
