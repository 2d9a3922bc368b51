#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A small Debian with systemd, to be booted in a container: setup.sh, once.
#
# What comes of it stays in the directory that OVL_BOOT_DIR names, and is taken from there the next
# time: root/, as it was installed and never booted. Its systemd-nspawn is the one that boots it, so
# that this machine need not have systemd. The suite is this machine's own where
# it is a Debian, since programs built here must run there, else bookworm (OVL_BOOT_SUITE).
#
# Exit status: 0; 77 if this machine cannot have it (standard error says why).
set -u
cache=${OVL_BOOT_DIR:?where the Debian is to be kept}
mirror=${OVL_BOOT_MIRROR:-http://deb.debian.org/debian}

cannot() {
	printf '%s: %s\n' "$0" "$*" >&2
	exit 77
}
[ ! -e "$cache/root/.complete" ] || exit 0
[ "$(id -u)" -eq 0 ] || cannot "needs root"
command -v debootstrap >/dev/null || cannot "no debootstrap"
mkdir -p "$cache" || cannot "cannot make $cache"
scratch=$(mktemp -d "$cache/new.XXXXXX") || cannot "cannot write to $cache"
trap 'rm -rf --one-file-system "$scratch"' EXIT
trap 'exit 143' INT TERM HUP

suite_of_this_machine() {
	local ID='' VERSION_CODENAME=''
	# shellcheck disable=SC1091 # not ours
	. /etc/os-release 2>/dev/null
	[ "$ID" = debian ] && [ -n "$VERSION_CODENAME" ] || VERSION_CODENAME=bookworm
	echo "$VERSION_CODENAME"
}
suite=${OVL_BOOT_SUITE:-$(suite_of_this_machine)}

# Besides systemd the libraries of fsck.overlay that minbase does not have.
packages=systemd,systemd-sysv,systemd-container,dbus,libjson-c5,libfsverity0
timeout -k 10 600 debootstrap --variant=minbase "--include=$packages" "$suite" "$scratch/root" \
	"$mirror" >"$scratch/log" 2>&1 </dev/null ||
	cannot "debootstrap of $suite failed: $(grep -E '^[EW]:' "$scratch/log" | tail -n 1)"

# What no boot needs, and each copy would copy.
rm -rf "$scratch/root"/var/{cache/apt,lib/apt/lists}/* \
	"$scratch/root"/usr/share/{doc,locale,man,zoneinfo}/*
# A first boot would ask who it is.
echo 5d3f1c0b7a944c0e8f6d21b3a9e47c58 >"$scratch/root/etc/machine-id"
touch "$scratch/root/.complete" || cannot "cannot write to $cache"
rm -rf --one-file-system "$cache/root"
mv "$scratch/root" "$cache/root" || cannot "cannot write to $cache"
