# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Real boots, in a container: a Debian with what `make install` installs, and a disk with the layers of
# overlays. Sourced after kit_start; boot_setup first.
#
# The disk is an ext4 that this script mounts at $DISK and the container has at /media/disk; its fstab
# mounts it at /srv/data (bound: a container has no udev, so no device units). What a boot was like is
# in $SEEN, written by the container itself: see tests/boot/collect.sh.
#
# A subtest says what is expected, each time with `expect`, and ends with `verdict NAME`.

BOOT_SRC=$KIT_SRC/tests/boot
ROOT=$KIT_DIR/root
DISK= # by boot_setup
SEEN=$ROOT/kit/seen
WHY=$KIT_DIR/why # nothing in it: the subtest at hand passes
SPAWNED=
CGROUPS=()
: >"$WHY"

# --- the container ---------------------------------------------------------------------------------

# boot_nspawn: its systemd-nspawn, as a command here, on its own libraries, in the array NSPAWN
boot_nspawn() {
	local lib=$ROOT/usr/lib triplet loader
	triplet=$(cd "$lib" && echo *-linux-gnu*)
	for loader in "$ROOT"/usr/lib64/ld-linux-*.so.* "$lib"/ld-linux-*.so.* "$lib/$triplet"/ld-linux-*.so.*; do
		[ -x "$loader" ] && break
	done
	NSPAWN=("$loader" --library-path "$lib/$triplet/systemd:$lib/systemd:$lib/$triplet"
		"$ROOT/usr/bin/systemd-nspawn")
	"${NSPAWN[@]}" --version >"$KIT_DIR/setup.log" 2>&1 || {
		REPLY="its systemd-nspawn does not run here: $(tail -n 1 "$KIT_DIR/setup.log")"
		return 1
	}
}

# Cgroups of our own: others may run containers too, and nothing of ours may stay.
boot_cgroups() {
	local at dir
	while read -r at; do
		dir=$at/fsck-overlay-test.$$
		mkdir "$dir" 2>/dev/null && CGROUPS+=("$dir")
	done < <(awk '/ - cgroup2 / || / - cgroup .*name=systemd/ { print $5 }' \
		/proc/self/mountinfo)
}

# boot_stop: nothing of the container is left, whatever it was doing.
boot_stop() {
	local dir i
	if [ -n "$SPAWNED" ]; then
		kill -TERM "$SPAWNED" 2>/dev/null
		wait "$SPAWNED" 2>/dev/null
		SPAWNED=
	fi
	for dir in "${CGROUPS[@]}"; do
		[ ! -e "$dir/cgroup.kill" ] || echo 1 >"$dir/cgroup.kill"
		for i in 1 2 3 4 5 6 7 8 9 10; do
			find "$dir" -depth -type d -exec rmdir {} + 2>/dev/null
			[ -d "$dir" ] || break
			sleep 0.2
		done
		[ ! -d "$dir" ] || kit_diag "left: $dir (try $i)"
	done
	CGROUPS=()
}
boot_cleanup() {
	local status=$?
	trap '' INT TERM HUP
	boot_stop
	(exit "$status")
	kit_cleanup
}

# boot_install: `make install` into the Debian. A build that is for another place than where its systemd
# looks for units is of no use there.
boot_install() {
	local made
	made=$(sed -n 's/^prefix = //p' "$KIT_BUILD/Makefile")
	case $made in
	/usr | /usr/local) ;;
	*)
		REPLY="this build is for the prefix $made"
		return 1
		;;
	esac
	# As if nobody had called make around us
	env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS -u MAKEOVERRIDES make -s -C "$KIT_BUILD" install \
		"DESTDIR=$ROOT" >"$KIT_DIR/install.log" 2>&1 ||
		kit_broken "make install failed: $(tail -n 3 "$KIT_DIR/install.log")"
	CHECKER=$made/sbin/fsck.overlay
	# The one under test may be another one: under valgrind, say.
	[ "$FSCK" = "$KIT_BUILD/fsck/fsck.overlay" ] || cp "$FSCK" "$ROOT$CHECKER"
	chroot "$ROOT" "$CHECKER" --version >"$KIT_DIR/install.log" 2>&1 || {
		REPLY="it does not run in the Debian: $(tail -n 1 "$KIT_DIR/install.log")"
		return 1
	}
}

# boot_setup: everything up to the first boot. Returns 1, with the reason in $REPLY, if this machine
# cannot run it.
boot_setup() {
	local tool
	OVL_BOOT_DIR=${OVL_BOOT_DIR:-$KIT_BUILD/tests/boot} "$BOOT_SRC/setup.sh" 2>"$KIT_DIR/setup.log" || {
		REPLY=$(tail -n 1 "$KIT_DIR/setup.log")
		return 1
	}
	cp -a "${OVL_BOOT_DIR:-$KIT_BUILD/tests/boot}/root" "$ROOT" || kit_broken "cannot copy the Debian"
	boot_install && boot_nspawn || return 1
	mkdir -p "$ROOT/kit" "$ROOT/media/disk" "$ROOT/etc/systemd/system/emergency.service.d"
	for tool in treesum ovl-kill; do
		cp "$KIT_TOOLS/$tool" "$ROOT/kit/" || kit_broken "no $tool"
	done
	cp "$BOOT_SRC/collect.sh" "$ROOT/kit/"
	cp -a "$ROOT/etc/systemd/system" "$KIT_DIR/system.orig"
	kit_fs ext4 || return 1
	DISK=$REPLY
	# nspawn leaves its directories there
	mount -t tmpfs run /run || return 1
	trap boot_cleanup EXIT
	fresh
	fstab </dev/null
	boot || {
		REPLY="the Debian does not boot here: $(tail -n 1 "$KIT_DIR/console")"
		return 1
	}
}

# fresh: the container as it was installed, with the unit that collects
fresh() {
	local etc=$ROOT/etc/systemd/system target
	rm -rf "$etc" "$ROOT/srv" "$ROOT/var/lib/systemd" "$ROOT/var/log/journal"
	cp -a "$KIT_DIR/system.orig" "$etc"
	mkdir -p "$ROOT/srv/data"
	cat >"$etc/collect.service" <<-'EOF'
		[Unit]
		DefaultDependencies=no
		IgnoreOnIsolate=yes
		[Service]
		ExecStart=/kit/collect.sh
	EOF
	for target in multi-user emergency; do
		mkdir -p "$etc/$target.target.wants"
		ln -s ../collect.service "$etc/$target.target.wants/"
	done
	# Nobody is at the console to keep the emergency shell alive.
	printf '[Service]\nExecStartPre=\nExecStart=\nExecStart=/bin/sleep infinity\nStandardInput=null\n' \
		>"$etc/emergency.service.d/kit.conf"
	ln -sf /dev/null "$etc/console-getty.service"
}

# fstab: from standard input, after the line of the disk. DATA_OPTIONS: more for that line.
DATA_OPTIONS=
fstab() {
	{
		printf '/media/disk /srv/data none bind%s 0 0\n' "$DATA_OPTIONS"
		cat
	} >"$ROOT/etc/fstab"
}

# boot [-s STEPS] [WORD...]: boots it once, with the words on the kernel command line. STEPS: for a shell,
# when it has come to rest. 1: it did not get that far.
# shellcheck disable=SC2120 # most have none
boot() {
	local status=0 dir autofs=()
	[ ! -e /dev/autofs ] || autofs=(--bind=/dev/autofs)
	rm -rf "$SEEN" "$ROOT/kit/steps"
	if [ "${1:-}" = -s ]; then
		printf '%s\n' "$2" >"$ROOT/kit/steps"
		shift 2
	fi
	BOOTED="${*:-(nothing on the command line)}"
	boot_cgroups
	(
		for dir in "${CGROUPS[@]}"; do
			echo $BASHPID >"$dir/cgroup.procs"
		done
		# If we are killed, so is it. Origins are file handles, which a container may not open unless told so.
		exec setpriv --pdeathsig TERM timeout -k 5 "${BOOT_TIMEOUT:-90}" "${NSPAWN[@]}" \
			-D "$ROOT" --boot --register=no --keep-unit -M "fsck-overlay-$$" --console=pipe \
			--capability=all --system-call-filter=open_by_handle_at \
			--bind="$DISK:/media/disk" "${autofs[@]}" "$@"
	) >"$KIT_DIR/console" 2>&1 </dev/null &
	SPAWNED=$!
	wait "$SPAWNED" || status=$?
	SPAWNED=
	boot_stop
	[ -e "$SEEN/complete" ] && [ ! -e "$SEEN/restless" ] && return 0
	why "the boot did not come to its end (status $status)"
	tail -n 20 "$KIT_DIR/console" >>"$WHY"
	return 1
}

# --- what was seen ---------------------------------------------------------------------------------

why() { printf '%s\n' "$1" >>"$WHY"; }

# expect WORDS... -- COMMAND...: the command succeeds; else the words are the reason.
expect() {
	local words=
	while [ "$1" != -- ]; do
		words+="${words:+ }$1"
		shift
	done
	shift
	"$@" >"$KIT_DIR/expect.log" 2>&1 || {
		why "not so: $words"
		sed 's/^/	/' "$KIT_DIR/expect.log" >>"$WHY"
	}
}

# verdict NAME
verdict() {
	if [ -s "$WHY" ]; then
		{
			echo "booted with: $BOOTED"
			grep -E 'fsck|overlay|emergency|srv' "$SEEN/journal" | tail -n 40
		} >>"$WHY"
		kit_fail "$1" "$WHY"
	else
		kit_ok "$1"
	fi
	: >"$WHY"
}

# prop UNIT KEY [after]
prop() {
	UNIT=$1 awk -v key="$2" '
		function flush() { if (id == ENVIRON["UNIT"]) print value; id = value = "" }
		/^$/ { flush(); next }
		index($0, "Id=") == 1 { id = substr($0, 4) }
		index($0, key "=") == 1 { value = substr($0, length(key) + 2) }
		END { flush() }' "$SEEN/show${3:+.$3}"
}
# is UNIT KEY VALUE [after]; has UNIT KEY WORD: one word of a list
is() {
	local got
	got=$(prop "$1" "$2" "${4:-}")
	[ "$got" = "$3" ] || { echo "$1: $2 is '$got'" && return 1; }
}
has() {
	local got
	got=$(prop "$1" "$2")
	[[ " $got " == *" $3 "* ]] || { echo "$1: $2 is '$got'" && return 1; }
}
not() { ! "$@"; }

# Unit names as systemd writes them; ours have no other characters to escape.
unit_of() {
	local name=${1#/}
	name=${name//-/\\x2d}
	name=${name// /\\x20}
	name=${name//%/\\x25}
	REPLY=${name//\//-}
}
check_of() { unit_of "$1" && REPLY=fsck-overlay@$REPLY.service; }
mount_of() { unit_of "$1" && REPLY=$REPLY.mount; }

# mounted WHERE: as an overlay, when the system had come to rest
mounted() {
	local where=${1// /\\040}
	awk -v at="${where//\\/\\\\}" '$5 == at && / - overlay / { found = 1 } END { exit !found }' "$SEEN/mounts" ||
		{ grep -- '- overlay' "$SEEN/mounts"; return 1; }
}

# checked WHERE [STATUS]: the check was run, to its end, and with that exit status; unchecked WHERE
checked() {
	check_of "$1"
	is "$REPLY" ExecMainStatus "${2:-0}" && not is "$REPLY" ExecMainExitTimestampMonotonic 0 &&
		not is "$REPLY" ExecMainExitTimestampMonotonic ''
}
unchecked() {
	local at
	check_of "$1"
	at=$(prop "$REPLY" ExecMainStartTimestampMonotonic)
	[ "${at:-0}" = 0 ]
}

# in_order A KEY B KEY: both happened, in this order
in_order() {
	local a b
	a=$(prop "$1" "$2") b=$(prop "$3" "$4")
	[ "${a:-0}" -gt 0 ] && [ "${b:-0}" -gt 0 ] && [ "$a" -le "$b" ] || {
		echo "$1 $2 $a, $3 $4 $b"
		return 1
	}
}
# check_first WHERE: the check came to its end before the mount began
check_first() {
	local check
	check_of "$1" && check=$REPLY
	mount_of "$1"
	in_order "$check" ExecMainExitTimestampMonotonic "$REPLY" InactiveExitTimestampMonotonic
}
# layers_first WHERE: the disk was there before the check
layers_first() {
	check_of "$1"
	in_order srv-data.mount ActiveEnterTimestampMonotonic "$REPLY" ExecMainStartTimestampMonotonic
}
active() { is "$1" ActiveState active; }
failed() { is "$1" ActiveState failed; }
booted() { active multi-user.target && active local-fs.target && not active emergency.target; }
emergency() { active emergency.target && not active multi-user.target; }

# report WHERE JQ: of the report in /run; logged FIELD VALUE: a field of an entry of the journal
report() {
	unit_of "$1"
	jq -e "$2" "$SEEN/reports/$REPLY.json" || { cat "$SEEN/reports/$REPLY.json" && return 1; }
}
logged() {
	jq -e -n --arg key "$1" --arg value "$2" '[inputs | select(.[$key] == $value)] | length > 0' \
		"$SEEN/journal.json" || { jq -c "select(.$1)" "$SEEN/journal.json" && return 1; }
}
said() { grep -qE -- "$1" "$SEEN/journal"; }

# --- overlays --------------------------------------------------------------------------------------

# layers NAME: where they are in the container, as options
layers() {
	local name=${1// /\\040}
	REPLY=lowerdir=/srv/data/$name/l,upperdir=/srv/data/$name/u,workdir=/srv/data/$name/w
}
here() { REPLY=lowerdir=$DISK/$1/l,upperdir=$DISK/$1/u,workdir=$DISK/$1/w; }

# overlay NAME: one that was in use for a while, clean
overlay() {
	local d=$DISK/$1
	mkdir -p "$d"/{l/dir,u,w} "$KIT_DIR/mnt"
	echo lower >"$d/l/file" && echo old >"$d/l/dir/gone" && echo kept >"$d/l/dir/kept"
	here "$1"
	kit_mount "$REPLY" "$KIT_DIR/mnt" || kit_broken "cannot mount"
	echo new >"$KIT_DIR/mnt/dir/new"
	echo more >>"$KIT_DIR/mnt/file"
	rm "$KIT_DIR/mnt/dir/gone"
	kit_unmount "$KIT_DIR/mnt"
}
# Damage that preening mends, that -y does, and that needs a person; mended NAME: is the first gone?
hurt() { setfattr -n trusted.overlay.redirect -v /nowhere "$DISK/$1/u/dir"; }
hurt_some() { setfattr -n trusted.overlay.redirect -v /dir/../dir "$DISK/$1/u/dir"; }
hurt_more() { echo ghost >"$DISK/$1/u/ghost" && setfattr -n trusted.overlay.metacopy "$DISK/$1/u/ghost"; }
mended() { ! getfattr -n trusted.overlay.redirect "$DISK/$1/u/dir" 2>/dev/null | grep nowhere; }

# line NAME [OPTIONS [PASSNO]]: of fstab, at /srv/NAME
line() {
	layers "$1"
	printf 'overlay /srv/%s overlay %s%s 0 %s\n' "${1// /\\040}" "$REPLY" "${2:+,$2}" "${3:-2}"
}

# LIST: how a view is listed, here and there. view NAME: the one of the overlay, here, now
LIST="treesum -x view,attr"
view() {
	here "$1"
	kit_mount "$REPLY" "$KIT_DIR/mnt" || return 1
	(cd "$KIT_DIR/mnt" && "$KIT_TOOLS"/$LIST .)
	kit_unmount "$KIT_DIR/mnt"
}
# views NAME FILE: the steps of the boot listed what is in FILE, and nothing else between "view NAME"
# and "end"
views() {
	sed -n "/^view $1\$/,/^end /{/^view /d;/^end /d;p}" "$SEEN/steps" >"$KIT_DIR/viewed"
	diff "$2" "$KIT_DIR/viewed"
}
# look NAME: the step that does it
look() { printf "echo 'view %s'; (cd '/srv/%s' && /kit/%s .); echo end view\n" "$1" "$1" "$LIST"; }
