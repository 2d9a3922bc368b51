#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The packages: the Debian one is built from a copy of the source, looked at by lintian, installed into
# a Debian of its own and used there as the README says, on an overlay that only its fstab names. The
# one for rpm is built from the archive of `make dist`.
#
# It compiles everything twice and downloads a Debian, so that it runs only with OVL_LONG=1 (make
# check-long).
#
#	OVL_VM_MIRROR=URL   the mirror (default: http://deb.debian.org/debian)

# shellcheck source=kit.sh
. "$(dirname "$0")/kit.sh"
[ -n "${OVL_LONG:-}" ] || kit_skip_all "builds packages: only with OVL_LONG=1"
kit_start "$@"
# (nocheck: these tests are just being run)
DEB_BUILD_OPTIONS="parallel=$(nproc) noautodbgsym nocheck"
export DEB_BUILD_OPTIONS

# --- Debian --------------------------------------------------------------------------------------

# What is part of the source, as a clean clone would have it.
copy_source() {
	mkdir -p "$KIT_DIR/src/fsck-overlay"
	if [ -e "$KIT_SRC/.git" ]; then
		(cd "$KIT_SRC" && git -c safe.directory='*' ls-files -z |
			while IFS= read -r -d '' file; do [ ! -e "$file" ] || printf '%s\0' "$file"; done |
			tar --null -T - -cf -) | tar -xf - -C "$KIT_DIR/src/fsck-overlay"
	else
		cp -a "$KIT_SRC/." "$KIT_DIR/src/fsck-overlay/"
	fi
}
copy_source || kit_broken "cannot copy the source"

build_deb() { (cd "$KIT_DIR/src/fsck-overlay" && dpkg-buildpackage -us -uc -b </dev/null); }
lintian_ok() { lintian --allow-root --fail-on error "$KIT_DIR"/src/*.changes; }
holds() { # FILE LIST NAME...
	local list=$1 name
	shift
	for name; do
		grep -qE -- "$name" "$list" || { cat "$list"; echo "no $name in it"; return 1; }
	done
}
deb_holds() {
	dpkg-deb -c "$DEB" >"$KIT_DIR/list" || return
	holds "$KIT_DIR/list" '-rwxr-xr-x .* \./usr/sbin/fsck\.overlay$' 'lib/systemd/system/fsck-overlay@\.service$' \
		'-rwxr-xr-x .*/lib/systemd/system-generators/fsck-overlay-generator$' \
		'-rwxr-xr-x .* \./usr/share/initramfs-tools/hooks/fsck-overlay$' \
		'-rwxr-xr-x .* \./usr/share/initramfs-tools/scripts/local-bottom/fsck-overlay$' \
		'lib/dracut/modules\.d/90fsck-overlay/module-setup\.sh$' \
		'lib/dracut/modules\.d/90fsck-overlay/fsck-overlay\.sh$' \
		'man8/fsck\.overlay\.8\.gz$' 'man8/fsck-overlay@\.service\.8\.gz$' \
		'man8/fsck-overlay-generator\.8\.gz$' 'man7/overlay-problems\.7\.gz$' \
		'bash-completion/completions/fsck\.overlay$' 'zsh/.*/_fsck\.overlay$' 'fish/.*/fsck\.overlay\.fish$'
}
# The hook must get into the initramfs, and no unit may be started or enabled by being installed.
deb_controls() {
	rm -rf "$KIT_DIR/control"
	dpkg-deb -e "$DEB" "$KIT_DIR/control" || return
	holds "$KIT_DIR/control/triggers" '^activate(-noawait)? update-initramfs$' || return
	! grep -E 'deb-systemd-(invoke|helper)' "$KIT_DIR"/control/post* "$KIT_DIR"/control/pre* 2>/dev/null
}

# in_debian COMMAND...: in the Debian that has the package
in_debian() { chroot "$R" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C "$@"; }
# says STATUS TEXT COMMAND...
says() {
	local want=$1 text=$2 status=0
	shift 2
	in_debian "$@" >"$KIT_DIR/out" 2>&1 || status=$?
	[ "$status" = "$want" ] && grep -qE -- "$text" "$KIT_DIR/out" || {
		cat "$KIT_DIR/out"
		echo "exit status $status, not $want, or it does not say: $text"
		return 1
	}
}
debian() {
	local needs
	needs=$(dpkg-deb -f "$DEB" Depends | tr ',' '\n' | sed 's/^ *\([^ ]*\).*/\1/' | xargs | tr ' ' ,)
	debootstrap --variant=minbase --include="$needs,mount" bookworm "$R" \
		"${OVL_VM_MIRROR:-http://deb.debian.org/debian}" >"$KIT_DIR/log" 2>&1
}
install_deb() {
	cp "$DEB" "$R/fsck-overlay.deb" && in_debian dpkg -i /fsck-overlay.deb && in_debian dpkg -V fsck-overlay
}
use_it() {
	mkdir -p "$R"/srv/{l,u,w,merged} && echo lower >"$R/srv/l/file" || return
	echo "overlay /srv/merged overlay lowerdir=/srv/l,upperdir=/srv/u,workdir=/srv/w 0 2" >"$R/etc/fstab"
	in_debian mount -t proc proc /proc && in_debian mount /srv/merged &&
		echo new >"$R/srv/merged/new" && in_debian mv /srv/merged/file /srv/merged/moved &&
		in_debian umount /srv/merged
}
generates() {
	in_debian sh -c 'mkdir -p /tmp/n /tmp/e /tmp/l && $(find /lib/systemd /usr/lib/systemd \
		-name fsck-overlay-generator | head -n 1) /tmp/n /tmp/e /tmp/l && find /tmp/n' >"$KIT_DIR/out" 2>&1
	holds "$KIT_DIR/out" '/tmp/n/srv-merged\.mount\.d/.*\.conf$' '/tmp/n/fsck-overlay@srv-merged\.service\.d/'
}
purged() {
	in_debian dpkg -P fsck-overlay && ! find "$R/usr" "$R/etc" "$R/lib" -name '*fsck*overlay*' | grep .
}

use_package() {
	R=$KIT_DIR/debian
	command -v debootstrap >/dev/null || {
		kit_skip "the installed package" "no debootstrap (package debootstrap)"
		return
	}
	mkdir "$R"
	kit_can_be_upper "$R" || kit_fs ext4 "$R" 1500 || kit_broken "no file system for an upper directory"
	debian || {
		kit_skip "the installed package" "no Debian: $(tail -n 1 "$KIT_DIR/log")"
		return
	}
	kit_check "it is installed with what it depends on" install_deb
	kit_check "an overlay that only fstab names is mounted, written to and unmounted" use_it
	kit_check "fsck.overlay -n /srv/merged: clean" \
		says 0 '^/srv/merged: clean, 2 layers, ' fsck.overlay -n /srv/merged
	kit_check "fsck.overlay -A -n: this one" says 0 '^/srv/merged: clean, 2 layers, ' fsck.overlay -A -n
	in_debian sh -c 'rm -r /srv/l && mkdir /srv/l' || kit_broken "cannot empty the lower layer"
	setfattr -n trusted.overlay.metacopy "$R/srv/u/new" || kit_broken "no trusted xattrs"
	kit_check "fsck.overlay -n /srv/merged: damaged" \
		says 4 'upper:/new: .*\(meta-no-lowerdata\)' fsck.overlay -n /srv/merged
	kit_check "fsck.overlay --explain, of what it found" \
		says 0 'meta-no-lowerdata' fsck.overlay --explain=meta-no-lowerdata
	kit_check "the generator asks for a check of it" generates
	umount "$R/proc"
	kit_check "it is removed without a trace" purged
}

missing=$(cd "$KIT_DIR/src/fsck-overlay" && dpkg-checkbuilddeps 2>&1)
if ! command -v dpkg-buildpackage >/dev/null; then
	kit_skip "the Debian package" "no dpkg-buildpackage (package dpkg-dev)"
elif [ -n "$missing" ]; then
	kit_skip "the Debian package" "$missing"
else
	kit_check "dpkg-buildpackage -us -uc -b" build_deb
	DEB=$(find "$KIT_DIR/src" -maxdepth 1 -name 'fsck-overlay_*.deb')
	if [ -n "$DEB" ]; then
		if command -v lintian >/dev/null; then
			kit_check "lintian knows no error" lintian_ok
		else
			kit_skip "lintian knows no error" "no lintian (package lintian)"
		fi
		kit_check "all files are in the package" deb_holds
		kit_check "installing it makes a new initramfs, and starts nothing" deb_controls
		use_package
	fi
fi

# --- rpm -----------------------------------------------------------------------------------------

# The macros of directories are those of Fedora; Debian's rpm has none of them.
build_rpm() {
	make -s -C "$KIT_BUILD" dist >"$KIT_DIR/log" 2>&1 || { cat "$KIT_DIR/log" && return 1; }
	mv "$KIT_BUILD"/fsck-overlay-*.tar.xz "$KIT_DIR/" &&
		rpmbuild -tb --nodeps --nocheck --define "_topdir $KIT_DIR/rpm" --define "_unitdir /usr/lib/systemd/system" \
			--define "_systemdgeneratordir /usr/lib/systemd/system-generators" \
			--define "debug_package %{nil}" "$KIT_DIR"/fsck-overlay-*.tar.xz </dev/null
}
rpm_holds() {
	rpm -qlvp "$KIT_DIR"/rpm/RPMS/*/fsck-overlay-*.rpm >"$KIT_DIR/list" || return
	holds "$KIT_DIR/list" '-rwxr-xr-x .* /usr/sbin/fsck\.overlay$' '/usr/lib/systemd/system/fsck-overlay@\.service$' \
		'-rwxr-xr-x .* /usr/lib/systemd/system-generators/fsck-overlay-generator$' \
		'/usr/lib/dracut/modules\.d/90fsck-overlay/module-setup\.sh$' 'man8/fsck-overlay-generator\.8'
}
if command -v rpmbuild >/dev/null; then
	kit_check "rpmbuild, from the archive that make dist makes" build_rpm
	kit_check "all files are in the rpm" rpm_holds
	if command -v rpmlint >/dev/null; then
		kit_check "rpmlint" rpmlint "$KIT_SRC/packaging/fsck-overlay.spec"
	else
		kit_skip "rpmlint" "no rpmlint"
	fi
else
	kit_skip "rpmbuild" "no rpmbuild (package rpm)"
fi

kit_done
