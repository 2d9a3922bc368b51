#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Runs a script under another kernel: run-vm.sh [-t SECONDS] [-w] [-k] KERNEL IMAGE SCRIPT
#
#	KERNEL   one that setup.sh put into OVL_VM_DIR
#	IMAGE    of a disk with ext4, xfs or btrfs, which is /mnt there; -: none
#	SCRIPT   for the shell of busybox, as root, in /mnt; it finds treesum in its PATH
#
#	-t   time limit (180 s)
#	-w   what is written to the disk stays; otherwise IMAGE is not changed
#	-k   the kernel's messages go to standard error
#
# Prints what the script prints, byte for byte (both streams). Exit status: that of the script; 124 if
# it did not end in time; 125 if it was not run (the end of the console is on standard error).
set -u
cache=${OVL_VM_DIR:?where setup.sh left the kernels}
limit=180 keep='' messages=
while getopts t:wk option; do
	case $option in
	t) limit=$OPTARG ;;
	w) keep=yes ;;
	k) messages=yes ;;
	*) exit 125 ;;
	esac
done
shift $((OPTIND - 1))
[ $# -eq 3 ] && [ -e "$cache/$1" ] && [ -r "$3" ] && { [ "$2" = - ] || [ -r "$2" ]; } || {
	echo "usage: run-vm.sh [-t SECONDS] [-w] [-k] KERNEL IMAGE SCRIPT" >&2
	exit 125
}
kernel=$cache/$1 image=$2 script=$3
scratch=$(mktemp -d "${TMPDIR:-/tmp}/run-vm.XXXXXX") || exit 125
trap 'rm -rf "$scratch"' EXIT
mkdir "$scratch/host" && cp "$script" "$scratch/host/script" || exit 125

# A process of this machine, which reads the script from its files and leaves output and status there.
run_uml() {
	local disk=()
	[ "$image" = - ] || {
		disk=("ubd0=$scratch/changes,$(realpath "$image")" vm.disk=/dev/ubda)
		[ -z "$keep" ] || disk[0]=ubd0=$(realpath "$image")
	}
	( # in which the shell may say that it was killed
		TMPDIR=$scratch timeout -k 5 "$limit" "$kernel" mem=256M "initrd=$kernel.initrd" \
			"uml_dir=$scratch" con=null con0=null,fd:1 ssl=null console=tty0 quiet panic=1 \
			"vm.host=$scratch/host" "${disk[@]}"
		exit $?
	) >"$scratch/console" 2>&1 </dev/null
	ended=$?
	read -r status why 2>/dev/null <"$scratch/host/status"
	cat "$scratch/host/kernel.log" >>"$scratch/console" 2>/dev/null
}

# An emulated machine: the script is added to its initrd, two serial ports are console and output.
run_qemu() {
	local disk=() append="console=ttyS0,115200 quiet panic=-1 mitigations=off nokaslr random.trust_cpu=on"
	(cd "$scratch" && find host | "$cache/busybox" cpio -o -H newc -R 0:0 2>/dev/null | gzip -1) \
		>"$scratch/script.gz"
	cat "$kernel.initrd" "$scratch/script.gz" >"$scratch/initrd"
	append+=" vm.out=/dev/ttyS1"
	[ "$image" = - ] || {
		append+=" vm.disk=/dev/vda"
		disk=(-drive "file=$image,format=raw,if=virtio,cache=unsafe,snapshot=$([ -n "$keep" ] && echo off || echo on)")
	}
	TMPDIR=$scratch timeout -k 5 "$limit" qemu-system-x86_64 -M pc -m 384 -accel tcg,thread=single \
		-cpu qemu64 -display none -nodefaults -no-reboot -no-user-config \
		-serial "file:$scratch/console" -serial "file:$scratch/host/out" \
		-kernel "$kernel" -initrd "$scratch/initrd" "${disk[@]}" -append "$append" \
		>"$scratch/qemu" 2>&1 </dev/null
	ended=$?
	read -r status why < <(tr -d '\r' <"$scratch/console" | sed -n 's/.*VM-END //p' | tail -n 1)
	cat "$scratch/qemu" >>"$scratch/console"
}

status='' why='' ended=0
if head -c 4 "$kernel" | grep -qa ELF; then run_uml; else run_qemu; fi
[ ! -e "$scratch/host/out" ] || cat "$scratch/host/out"
[ -z "$messages" ] || cat "$scratch/console" >&2
[ -z "$why" ] || echo "run-vm: $why" >&2
[ -z "$status" ] || exit "$status"
[ -n "$messages" ] || grep -av '<[0-9a-f]*>]' "$scratch/console" | tail -n 40 >&2 # no call traces
[ "$ended" -ne 124 ] || exit 124
exit 125
