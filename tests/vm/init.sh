#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash
# Process 1 of the machines that run-vm.sh starts: runs one script over one disk, and turns off. What it
# is to do stands on the command line of the kernel:
#	vm.disk=DEVICE   to mount at /mnt
#	vm.host=DIR      of the host (user-mode Linux): holds "script", gets "out" and "status"
#	vm.out=TTY       instead of that: where the script's output goes; the script is /host/script
busybox=/bin/busybox
$busybox mount -t proc proc /proc
$busybox mount -t sysfs sysfs /sys
$busybox mount -t devtmpfs dev /dev 2>/dev/null
$busybox mkdir -p /usr/bin /usr/sbin /sbin
$busybox --install -s
export PATH=/host:/bin:/sbin:/usr/bin:/usr/sbin HOME=/
mount -t tmpfs tmp /tmp

word() {
	# shellcheck disable=SC2013 # words, indeed
	for w in $(cat /proc/cmdline); do
		case $w in "$1="*) echo "${w#*=}" ;; esac
	done
}
disk=$(word vm.disk) host=$(word vm.host) out=$(word vm.out)

# end STATUS WORDS: the last line on the console tells run-vm.sh
end() {
	cd /
	sync
	umount /mnt 2>/dev/null
	[ -z "$host" ] || { echo "$*" >/host/status; dmesg >/host/kernel.log 2>/dev/null; }
	dmesg -n 1 2>/dev/null
	exec >/dev/console 2>&1
	echo "VM-END $*"
	sync
	poweroff -f
	sleep 10
}

if [ -e /modules/order ]; then
	while read -r module; do
		insmod "/modules/$module" >/dev/console 2>&1 || echo "no module $module" >/dev/console
	done </modules/order
fi
if [ -n "$host" ]; then
	mount -t hostfs host /host -o "$host" || end 125 "no hostfs"
	exec >/host/out 2>&1 </dev/null
else
	stty -F "$out" raw -echo 115200 2>/dev/null
	exec >"$out" 2>&1 </dev/null
fi
if [ -n "$disk" ]; then
	tries=0
	while [ ! -b "$disk" ] && [ $tries -lt 50 ]; do
		tries=$((tries + 1))
		mdev -s 2>/dev/null
		usleep 100000
	done
	for type in ext4 xfs btrfs none; do
		[ $type != none ] || end 125 "cannot mount the disk"
		mount -t $type "$disk" /mnt 2>/dev/null && break
	done
	cd /mnt || end 125 "no /mnt"
fi
sh /host/script
end $?
