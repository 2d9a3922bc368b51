# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# A root of its own for fsck-overlay-generator, in which all units and fstab are ours, and what it
# wrote there. Sourced after kit_start.

GENERATOR=${FSCK_OVERLAY_GENERATOR:-$KIT_BUILD/boot/fsck-overlay-generator}
[ -d /usr/lib/systemd/system ] || kit_skip_all "this machine has no systemd"
[ -x "$GENERATOR" ] || kit_broken "no generator: $GENERATOR"
ROOT=$KIT_DIR/root
TARGET=/run/systemd/generator # as the generator is told
GEN=$ROOT$TARGET
ETC=$ROOT/etc/systemd/system
RUN=$ROOT/run/systemd/system
USR=$ROOT/usr/lib/systemd/system
KMSG=$ROOT/dev/kmsg
WHY=$KIT_DIR/why

# make_root: the system's programs and units, nothing of its configuration.
make_root() {
	local dir
	mkdir "$ROOT" && mount -t tmpfs root "$ROOT" || return 1
	mkdir -p "$ROOT/usr" "$ROOT/etc" "$ROOT/proc" "$ROOT/sys" "$ROOT/dev" "$ROOT/tmp" "$ROOT/sysroot/etc"
	mount --rbind /usr "$ROOT/usr" || return 1
	for dir in bin sbin lib lib32 lib64 libx32; do
		if [ -L "/$dir" ]; then
			ln -s "usr/$dir" "$ROOT/$dir"
		elif [ -d "/$dir" ]; then
			mkdir "$ROOT/$dir" && mount --rbind "/$dir" "$ROOT/$dir" || return 1
		fi
	done
	mount -t proc proc "$ROOT/proc" && mount --rbind /sys "$ROOT/sys" || return 1
	mknod -m 666 "$ROOT/dev/null" c 1 3 || return 1
	cp /etc/ld.so.cache "$ROOT/etc/" 2>/dev/null
	mkdir -p "$GEN" "$ETC" "$RUN"
	mkdir "$KIT_DIR/units" && cp -a "$USR/." "$KIT_DIR/units/" || return 1
	mount -t tmpfs units "$USR" && cp -a "$KIT_DIR/units/." "$USR/" || return 1
	chmod 755 "$USR"
	chmod 1777 "$ROOT/tmp"
	cp "$GENERATOR" "$ROOT/generator" && chmod 755 "$ROOT"
}

# template: what make install would put there
template() {
	sed 's,/[^ ]*/fsck\.overlay\( \|$\),/usr/bin/true\1,g' \
		"$KIT_BUILD/boot/fsck-overlay@.service" >"$USR/fsck-overlay@.service"
}

why() { printf '%s\n' "$*" >>"$WHY"; }
: >"$WHY"

judge() {
	if [ -s "$WHY" ]; then
		kit_fail "$1" "$WHY"
	else
		kit_ok "$1"
	fi
	: >"$WHY"
}

# All that is there but what the generator may write, and the log.
outside() {
	find "$ROOT" "$USR" -xdev \( -path "$GEN" -o -path "$KMSG" -o -path "$ROOT/tmp" -o \
		-path "$ROOT/proc" -o -path "$ROOT/sys" \) -prune -o -printf '%p %y %m %s %T@ %l\n' | sort
}

# generate [NAME=VALUE]...: runs it; it must succeed, say nothing, and touch nothing else.
generate() {
	local status=0
	rm -rf "${GEN:?}"
	mkdir "$GEN"
	again "$@" || status=$?
	return "$status"
}

# again [NAME=VALUE]...: the same with what is in the folder already
again() {
	local status=0
	: >"$KMSG"
	outside >"$KIT_DIR/before"
	env -i PATH="$PATH" SYSTEMD_PROC_CMDLINE="${CMDLINE-}" SYSTEMD_IN_INITRD=0 "$@" \
		timeout 100 chroot "$ROOT" /generator $TARGET $TARGET.early $TARGET.late \
		>"$KIT_DIR/stdout" 2>"$KIT_DIR/stderr" || status=$?
	outside >"$KIT_DIR/after"
	[ "$status" -eq 0 ] || why "exit status $status"
	[ ! -s "$KIT_DIR/stdout" ] || why "stdout: $(head -c 300 "$KIT_DIR/stdout")"
	[ ! -s "$KIT_DIR/stderr" ] || why "stderr: $(head -c 300 "$KIT_DIR/stderr")"
	cmp -s "$KIT_DIR/before" "$KIT_DIR/after" ||
		why "it wrote elsewhere: $(diff "$KIT_DIR/before" "$KIT_DIR/after" | head -n 5)"
}

# listing: all files that were written, with what is in them below "[Unit]"
listing() {
	(cd "$GEN" && find . -type f | LC_ALL=C sort | while IFS= read -r file; do
		printf '[%s]\n' "${file#./}"
		sed -n '4,$p' "$file"
	done)
}

# expect NAME <GOLDEN: it wrote exactly this
expect() {
	cat >"$KIT_DIR/golden"
	listing >"$KIT_DIR/listing"
	cmp -s "$KIT_DIR/golden" "$KIT_DIR/listing" ||
		diff -u "$KIT_DIR/golden" "$KIT_DIR/listing" >>"$WHY"
	judge "$1"
}

# names NAME [INSTANCE]...: for these it wrote both drop-ins, and nothing else
names() {
	local name=$1 instance
	shift
	for instance; do
		printf '%s\n' "fsck-overlay@$instance.service.d/50-layers.conf" \
			"$instance.mount.d/50-fsck-overlay.conf"
	done | LC_ALL=C sort >"$KIT_DIR/golden"
	(cd "$GEN" && find . -type f | sed 's,^\./,,' | LC_ALL=C sort) >"$KIT_DIR/listing"
	cmp -s "$KIT_DIR/golden" "$KIT_DIR/listing" ||
		diff -u "$KIT_DIR/golden" "$KIT_DIR/listing" >>"$WHY"
	judge "$name"
}

# logged TEXT, silent: what the log of the kernel got
logged() { grep -qF -e "$1" "$KMSG" || why "not in the log: '$1', but: $(head -n 3 "$KMSG")"; }
silent() { [ ! -s "$KMSG" ] || why "in the log: $(head -n 3 "$KMSG")"; }

fstab() { cat >"$ROOT/etc/fstab"; }
# line PLACE OPTIONS [PASSNO]
line() { printf 'overlay %s overlay %s 0 %s\n' "$1" "$2" "${3:-0}"; }
# shellcheck disable=SC2034 # for who sources this
LAYERS=lowerdir=/data/l,upperdir=/data/u,workdir=/data/w
# octal, word: as fstab has it, and as an option string has it
octal() { printf %s "$1" | perl -pe 's/([\s\\])/sprintf "\\%03o", ord $1/ge'; }
word() { printf %s "$1" | perl -pe 's/([\\,:])/\\$1/g'; }
# unit DIR NAME WHERE OPTIONS [TYPE]
unit() {
	printf '[Unit]\nDescription=x\n[Mount]\nWhat=overlay\nWhere=%s\nType=%s\nOptions=%s\n' \
		"$3" "${5:-overlay}" "$4" >"$1/$2.mount"
}
no_units() { rm -rf "${ETC:?}"/* "${RUN:?}"/* "$USR"/srv-* "$USR"/fsck-overlay@srv*; }

# plan UNIT: what systemd itself makes of all units; as nobody, since root may not ask.
plan() {
	timeout 60 chroot "$ROOT" setpriv --reuid=65534 --regid=65534 --clear-groups \
		env -i PATH="$PATH" HOME=/tmp XDG_RUNTIME_DIR=/tmp \
		SYSTEMD_UNIT_PATH="$TARGET:/etc/systemd/system:/usr/lib/systemd/system" \
		/usr/lib/systemd/systemd --system --test --unit="$1" >"$KIT_DIR/plan" 2>&1 </dev/null
}
