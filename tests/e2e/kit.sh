# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# What every test on real mounts needs. A test begins with
#
#	. "$(dirname "$0")/kit.sh"      # or a path from there
#	kit_start "$@"
#
# and ends with kit_done. In between it has a mount namespace of its own, an empty scratch
# directory $KIT_DIR, and a trap that unmounts and removes everything however the test ends
# (loop devices detach themselves with their mount). Results are printed as TAP.
#
# Functions that answer with a string put it into $REPLY, so that they can also keep state.
#
# From the environment:
#	FSCK_OVERLAY       the program under test; default: fsck.overlay of the build
#	KIT_TOOLS          where the test tools are; default: tests/tools of the build
#	abs_top_builddir   the build; default: the current directory if it is one, else build/
#	TMPDIR             where the scratch directory is made
#	KIT_KEEP           if not empty, the scratch directory stays

KIT_SRC=$(cd "${BASH_SOURCE[0]%/*}/../.." && pwd)
if [ -n "${abs_top_builddir:-}" ]; then
	KIT_BUILD=$abs_top_builddir
elif [ -e config.status ] || [ ! -d "$KIT_SRC/build" ]; then
	KIT_BUILD=$PWD
else
	KIT_BUILD=$KIT_SRC/build
fi
KIT_TOOLS=${KIT_TOOLS:-$KIT_BUILD/tests/tools}
FSCK=${FSCK_OVERLAY:-$KIT_BUILD/fsck/fsck.overlay}
KIT_COUNT=0
KIT_FAILED=0
KIT_SKIPPED=0
KIT_DIR=${KIT_DIR:-} # only a case that run.sh started finds it set
export LC_ALL=C
umask 022

# --- TAP ---------------------------------------------------------------------------------------

# kit_diag TEXT: lines of comment; without TEXT from standard input.
kit_diag() {
	if [ $# -gt 0 ]; then printf '%s\n' "$*"; else cat; fi | sed 's/^/# /'
}

kit_ok() {
	KIT_COUNT=$((KIT_COUNT + 1))
	printf 'ok %d - %s\n' "$KIT_COUNT" "$1"
}

# kit_fail NAME [FILE]: with the file as explanation.
kit_fail() {
	KIT_COUNT=$((KIT_COUNT + 1))
	KIT_FAILED=$((KIT_FAILED + 1))
	printf 'not ok %d - %s\n' "$KIT_COUNT" "$1"
	[ -z "${2:-}" ] || kit_diag <"$2"
}

# kit_skip NAME REASON: loud, and counted.
kit_skip() {
	KIT_COUNT=$((KIT_COUNT + 1))
	KIT_SKIPPED=$((KIT_SKIPPED + 1))
	printf 'ok %d - %s # SKIP %s\n' "$KIT_COUNT" "$1" "$2"
}

# kit_check NAME COMMAND...: passes if the command succeeds; its output explains why not.
kit_check() {
	local name=$1
	shift
	if "$@" >"$KIT_DIR/check.log" 2>&1; then
		kit_ok "$name"
	else
		kit_fail "$name" "$KIT_DIR/check.log"
	fi
}

# kit_done: plan, sum, exit status (77: nothing was tested).
kit_done() {
	printf '1..%d\n' "$KIT_COUNT"
	printf '# %d passed, %d failed, %d skipped\n' \
		$((KIT_COUNT - KIT_FAILED - KIT_SKIPPED)) "$KIT_FAILED" "$KIT_SKIPPED"
	[ "$KIT_FAILED" -eq 0 ] || exit 1
	[ "$KIT_COUNT" -gt "$KIT_SKIPPED" ] || exit 77
	exit 0
}

# kit_skip_all REASON: this machine cannot run the test at all.
kit_skip_all() {
	printf '1..0 # SKIP %s\n' "$1"
	printf 'SKIP %s: %s\n' "$0" "$1" >&2
	exit 77
}

# kit_broken REASON: the test itself is broken; never to be taken for a skip.
kit_broken() {
	printf 'Bail out! %s\n' "$1"
	printf '%s: %s\n' "$0" "$1" >&2
	exit 99
}

# --- beginning and end -------------------------------------------------------------------------

# kit_unmount_below DIR: everything that is mounted there or below, the newest first.
kit_unmount_below() {
	local at i points=()
	while read -r _ _ _ _ at _; do
		printf -v at '%b' "$at" # mountinfo writes blanks in octal
		case $at in
		"$1" | "$1"/*) points+=("$at") ;;
		esac
	done </proc/self/mountinfo
	for ((i = ${#points[@]} - 1; i >= 0; i--)); do
		umount "${points[i]}" 2>/dev/null || umount -l "${points[i]}"
	done
}

# kit_remove DIR: unmount and remove, however hostile the tree is.
kit_remove() {
	kit_unmount_below "$1"
	rm -rf --one-file-system "$1" 2>/dev/null && return
	chattr -R -f -i -a "$1" 2>/dev/null
	rm -rf --one-file-system "$1"
}

kit_cleanup() {
	local status=$?
	trap - EXIT
	cd /
	if [ -z "${KIT_KEEP:-}" ]; then
		kit_remove "$KIT_DIR"
	else
		kit_unmount_below "$KIT_DIR"
		kit_diag "kept: $KIT_DIR"
	fi
	exit "$status"
}

# kit_private ARGS...: runs the script again in a mount namespace of its own, unless it is there.
kit_private() {
	local here
	here=$(readlink /proc/self/ns/mnt)
	[ "${KIT_NAMESPACE:-}" != "$here" ] || return 0
	[ -z "${KIT_ENTERING:-}" ] || kit_broken "unshare made no new namespace"
	KIT_ENTERING=1 exec unshare -m --propagation private -- "$BASH" "$0" "$@"
}

# kit_start ARGS...: the arguments of the script, which may be run again with them.
kit_start() {
	[ "$(id -u)" -eq 0 ] || kit_skip_all "needs root"
	if [ -z "${KIT_ENTERING:-}" ]; then
		unshare -m true 2>/dev/null || kit_skip_all "may not make a mount namespace"
		grep -qw overlay /proc/filesystems || modprobe overlay 2>/dev/null ||
			kit_skip_all "the kernel has no overlayfs"
		kit_private "$@"
	fi
	KIT_NAMESPACE=$(readlink /proc/self/ns/mnt)
	export KIT_NAMESPACE
	unset KIT_ENTERING
	[ -x "$FSCK" ] || kit_broken "no program to test: $FSCK (set FSCK_OVERLAY or build it)"
	FSCK=$(realpath "$FSCK")
	[ -x "$KIT_TOOLS/treesum" ] || kit_broken "no test tools in $KIT_TOOLS (make check builds them)"
	KIT_TOOLS=$(realpath "$KIT_TOOLS")
	export KIT_TOOLS
	KIT_DIR=$(mktemp -d "${TMPDIR:-/tmp}/fsck-overlay-test.XXXXXX") || kit_broken "no scratch"
	KIT_DIR=$(realpath "$KIT_DIR")
	trap kit_cleanup EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM HUP
}

# --- file systems ------------------------------------------------------------------------------

# kit_can_be_upper DIR: can an overlay have its upper layer here, with trusted xattrs?
kit_can_be_upper() {
	local probe=$1/probe.$$ can=1
	mkdir "$probe" "$probe/l" "$probe/u" "$probe/w" "$probe/m" || return 1
	setfattr -n trusted.overlay.probe -v y "$probe/l" 2>/dev/null &&
		kit_mount "lowerdir=$probe/l,upperdir=$probe/u,workdir=$probe/w" "$probe/m" \
			2>/dev/null && kit_unmount "$probe/m" && can=0
	rm -rf "$probe"
	return "$can"
}

# kit_mkfs TYPE: a fresh file system of a loop image that lies in memory, mounted at $REPLY.
kit_mkfs() {
	local images=${KIT_DIR:?}/images at=$KIT_DIR/fs.$1 size
	command -v "mkfs.$1" >/dev/null || return 1
	[ -d "$images" ] || { mkdir "$images" && mount -t tmpfs images "$images"; } || return 1
	case $1 in
	ext4) size=2G ;;
	*) size=1G ;; # sparse; xfs wants 300 MiB at least
	esac
	truncate -s "$size" "$images/$1" && "mkfs.$1" -q "$images/$1" >"$images/$1.log" 2>&1 &&
		mkdir "$at" || return 1
	mount -o loop "$images/$1" "$at" || { rmdir "$at" && return 1; }
	REPLY=$at
}

# kit_fs TYPE: a directory on a file system of this type in $REPLY, the same on every call.
# "here" is the one of the scratch directory, or a tmpfs where that cannot hold an upper layer.
# Returns 1, with the reason in $REPLY, if there is none to be had.
kit_fs() {
	local at=${KIT_DIR:?}/fs.$1
	if [ -d "$at" ]; then
		REPLY=$at
		return
	fi
	case $1 in
	here)
		mkdir "$at"
		kit_can_be_upper "$at" || mount -t tmpfs here "$at" || return 1
		;;
	tmpfs) { mkdir "$at" && mount -t tmpfs scratch "$at"; } || return 1 ;;
	ext4 | xfs | btrfs)
		if ! kit_mkfs "$1"; then
			REPLY="cannot make a $1 on a loop device"
			return 1
		fi
		;;
	*) kit_broken "no file system '$1' in the kit" ;;
	esac
	REPLY=$at
}

# kit_image squashfs|erofs DIR AT: an image made of DIR, mounted at the directory AT.
kit_image() {
	local images=${KIT_DIR:?}/images image
	[ -d "$images" ] || { mkdir "$images" && mount -t tmpfs images "$images"; } || return 1
	image=$(mktemp "$images/image.XXXXXX") || return 1
	rm "$image" # mksquashfs and mkfs.erofs want to make it themselves
	case $1 in
	squashfs)
		command -v mksquashfs >/dev/null &&
			mksquashfs "$2" "$image" -noappend -no-progress -quiet -comp gzip \
				>/dev/null 2>"$image.log"
		;;
	erofs) command -v mkfs.erofs >/dev/null && mkfs.erofs "$image" "$2" >"$image.log" 2>&1 ;;
	*) kit_broken "no image '$1' in the kit" ;;
	esac || return 1
	mount -t "$1" -o loop,ro "$image" "$3" && rm "$image" # the loop device keeps it
}

# kit_mount OPTIONS DIR: mounts an overlay; the errno is on stderr if the kernel refuses.
kit_mount() { "$KIT_TOOLS/ovl-mount" "$1" "$2"; }

# kit_unmount DIR
kit_unmount() { "$KIT_TOOLS/ovl-mount" -u "$1"; }

# kit_strictatime DIR AT: DIR once more at AT, where every read is a change of atime.
kit_strictatime() {
	mount --bind "$1" "$2" && mount -o remount,bind,strictatime "$2"
}

# --- the program, and what it may not touch ----------------------------------------------------

# kit_fsck OUT ARGS...: runs the program; its output goes to OUT, its errors to OUT.err, its exit
# status to $KIT_STATUS (124: it did not end in time).
kit_fsck() {
	local out=$1
	shift
	KIT_STATUS=0
	timeout "${KIT_TIMEOUT:-60}" "$FSCK" "$@" >"$out" 2>"$out.err" </dev/null || KIT_STATUS=$?
}

# kit_crashed OUT: was that the end of a program that went wrong?
kit_crashed() {
	[ "$KIT_STATUS" -ge 124 ] && return
	[ -s "$1.err" ] && grep -qE 'Sanitizer|runtime error:|Assertion' "$1.err"
}

# kit_treesum ARGS...: see tests/tools/treesum.c
kit_treesum() {
	"$KIT_TOOLS/treesum" "$@"
}

# kit_findings FILE: the lines of findings in a report, one for each, "PLACE SLUG" and the line.
KIT_FINDING='^(overlay|work|index|upper|lower[0-9]+|data[0-9]+)(:.*)?: .*\(([a-z0-9-]+)\)$'
kit_findings() {
	grep -E "$KIT_FINDING" "$1"
}
