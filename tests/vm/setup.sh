#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Older kernels to run tests on, from the packages of Debian: setup.sh uml|6.1|5.10...
#
#	uml    user-mode Linux of bookworm: a process like others
#	6.1    the cloud kernel of bookworm, under qemu
#	5.10   the cloud kernel of bullseye, under qemu
#
# Packages are downloaded and unpacked, not installed; no root is needed. What comes of it stays in
# the directory that OVL_VM_DIR names, and is taken from there the next time: KERNEL (an image) and
# KERNEL.initrd (busybox, the modules for disks and overlays, tests/vm/init.sh, and treesum).
#
# Exit status: 0; 77 if this machine cannot have such a kernel (standard error says why); 99 if the
# test itself is broken.
set -u
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
cache=${OVL_VM_DIR:?where kernels are to be kept}
mirror=${OVL_VM_MIRROR:-http://deb.debian.org/debian}

cannot() {
	printf '%s: %s\n' "$0" "$*" >&2
	exit 77
}
mkdir -p "$cache" || cannot "cannot make $cache"
cache=$(cd "$cache" && pwd)
scratch=$(mktemp -d "$cache/new.XXXXXX") || cannot "cannot write to $cache"
trap 'rm -rf "$scratch"' EXIT

# apt ARG...: apt-get as the machine has it set up.
apt() { apt-get -q "$@" >>"$scratch/log" 2>&1 </dev/null; }

# apt_of SUITE: from now on, apt-get with nothing but this suite, and with an index of its own.
apt_of() {
	local root=$cache/apt.$1 keys=/usr/share/keyrings/debian-archive-keyring.gpg
	mkdir -p "$root/lists/partial" "$root/archives/partial" || cannot "cannot write to $cache"
	echo "deb [signed-by=$keys] $mirror $1 main" >"$root/sources.list"
	options=(-o "Dir::Etc::SourceList=$root/sources.list" -o Dir::Etc::SourceParts=-
		-o "Dir::State::Lists=$root/lists" -o "Dir::Cache=$root" -o Acquire::Check-Valid-Until=false)
	apt() { apt-get -q "${options[@]}" "$@" >>"$scratch/log" 2>&1 </dev/null; }
	[ -e "$root/updated" ] || { apt update && touch "$root/updated"; } ||
		cannot "no index of $1: $(tail -n 3 "$scratch/log")"
}

# unpacked PACKAGE DIR: its files
unpacked() {
	mkdir -p "$scratch/$1"
	(cd "$scratch/$1" && apt download "$1") || cannot "cannot download $1: $(tail -n 3 "$scratch/log")"
	dpkg-deb -x "$scratch/$1/"*.deb "$2" || cannot "cannot unpack $1"
	rm -r "${scratch:?}/$1"
}

# busybox: static, for all of them
need_busybox() {
	[ ! -x "$cache/busybox" ] || return 0
	unpacked busybox-static "$scratch/busybox"
	mv "$scratch/busybox/bin/busybox" "$cache/busybox"
}

# The tool that lists a tree, for a machine without libraries.
need_treesum() {
	local tools=$top/tests/tools
	"${CC:-cc}" -std=gnu17 -D_GNU_SOURCE -O2 -static -s -I "$top/include" -I "$top/lib" -I "$tools" \
		-o "$scratch/treesum" "$tools/treesum.c" "$tools/tool.c" "$tools/walk.c" 2>>"$scratch/log" ||
		cannot "cannot link treesum statically: $(tail -n 3 "$scratch/log")"
}

# modules ROOT NAME...: appends to $order the files of these modules and, before each, of what it
# needs; what is part of the kernel has no file.
modules() {
	local root=$1 name file needs
	shift
	for name; do
		file=$(find "$root" -name "${name//_/[-_]}.ko" | head -n 1)
		[ -n "$file" ] || continue
		[[ " ${order[*]} " != *" $file "* ]] || continue
		needs=$(PATH=$PATH:/usr/sbin:/sbin modinfo -F depends "$file") || cannot "modinfo failed"
		# shellcheck disable=SC2086 # words
		modules "$root" ${needs//,/ }
		order+=("$file")
	done
}

# initrd KERNEL MODULE-FILE...
initrd() {
	local kernel=$1 root=$scratch/initrd file
	shift
	rm -rf "$root"
	mkdir -p "$root"/{bin,dev,proc,sys,tmp,mnt,host,modules} || exit 99
	cp "$cache/busybox" "$root/bin/busybox" && cp "$here/init.sh" "$root/init" &&
		cp "$scratch/treesum" "$root/bin/" && chmod 755 "$root/init" || exit 99
	for file; do
		cp "$file" "$root/modules/" && echo "${file##*/}" >>"$root/modules/order"
	done
	(cd "$root" && find . | "$cache/busybox" cpio -o -H newc -R 0:0 2>>"$scratch/log") |
		gzip -1 >"$scratch/$kernel.initrd" || exit 99
	mv "$scratch/$kernel.initrd" "$cache/$kernel.initrd"
}

# of_package KERNEL PACKAGE IMAGE MODULE...: unpacks it once
of_package() {
	local kernel=$1 package=$2 image=$3
	shift 3
	if [ ! -e "$cache/$kernel" ] || [ ! -d "$cache/$kernel.package" ]; then
		rm -rf "$cache/$kernel.package"
		unpacked "$package" "$scratch/$kernel.package"
		# shellcheck disable=SC2086 # a pattern
		cp $scratch/$kernel.package/$image "$scratch/$kernel" &&
			mv "$scratch/$kernel.package" "$scratch/$kernel" "$cache/" || cannot "no kernel in $package"
	fi
	order=()
	modules "$cache/$kernel.package" "$@"
	initrd "$kernel" "${order[@]}"
}

# works KERNEL: does it run anything here? User-mode Linux 6.1 does not where processors have AMX,
# whose registers are larger than it knows.
works() {
	echo 'echo it works' >"$scratch/script"
	OVL_VM_DIR=$cache "$here/run-vm.sh" -t 60 "$1" - "$scratch/script" >"$scratch/works" 2>&1 ||
		cannot "the kernel $1 does not run here:" \
			"$(grep -aE 'errno =|not syncing' "$scratch/works" | head -n 1)"
}

# cloud KERNEL: for qemu
cloud() {
	local package
	command -v qemu-system-x86_64 >/dev/null || cannot "no qemu-system-x86_64"
	package=$(apt-cache "${options[@]}" depends linux-image-cloud-amd64 2>/dev/null |
		sed -n 's/ *Depends: \(linux-image-[0-9][^ ]*\)/\1/p' | head -n 1)
	[ -e "$cache/$1" ] || case $package in
	linux-image-"$1".*) ;;
	*) cannot "no package of a kernel $1" ;;
	esac
	of_package "$1" "$package" "boot/vmlinuz-*" virtio_pci virtio_blk \
		crc32c_generic ext4 xfs btrfs overlay
}

need_busybox
need_treesum
for kernel; do
	options=()
	case $kernel in
	uml) of_package uml user-mode-linux usr/bin/linux.uml overlay ;;
	6.1) cloud 6.1 ;;
	5.10)
		[ -e "$cache/5.10" ] || apt_of bullseye
		cloud 5.10
		;;
	*) cannot "no kernel '$kernel' known" ;;
	esac
	works "$kernel"
done
