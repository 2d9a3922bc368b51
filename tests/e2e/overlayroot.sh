#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A machine whose root is mounted by overlayroot(8): Debian with initramfs-tools and overlayroot as they
# are packaged, what `make install` puts there, and an initramfs that mkinitramfs makes. It boots under
# emulation; between boots its disk with the upper directory is damaged. The same Debian makes an
# initramfs with dracut, whose content is looked at.
#
# It downloads a Debian and boots machines, so that it runs only with OVL_LONG=1 (make check-long).
#
#	OVL_VM_DIR=DIR     where kernel and Debian are kept (default: tests/vm of the build)
#	OVL_VM_MIRROR=URL  the mirror (default: http://deb.debian.org/debian)

# shellcheck source=kit.sh
. "$(dirname "$0")/kit.sh"
[ -n "${OVL_LONG:-}" ] || kit_skip_all "boots machines: only with OVL_LONG=1"
kit_start "$@"
export OVL_VM_DIR=${OVL_VM_DIR:-$KIT_BUILD/tests/vm}
for tool in debootstrap mke2fs qemu-system-x86_64 ldd; do
	command -v "$tool" >/dev/null || kit_skip_all "no $tool (packages debootstrap, e2fsprogs, qemu-system-x86)"
done
bash "$KIT_SRC/tests/vm/setup.sh" 6.1 >"$KIT_DIR/log" 2>&1 || kit_skip_all "no kernel: $(tail -n 1 "$KIT_DIR/log")"

# --- the machine ---------------------------------------------------------------------------------

DEBIAN=$OVL_VM_DIR/overlayroot.debian # made once
PACKAGES=initramfs-tools,overlayroot,dracut-core,busybox-static,kmod,udev,e2fsprogs,cpio
if [ ! -d "$DEBIAN" ]; then
	debootstrap --variant=minbase --include=$PACKAGES bookworm "$KIT_DIR/debian" \
		"${OVL_VM_MIRROR:-http://deb.debian.org/debian}" >"$KIT_DIR/log" 2>&1 ||
		kit_skip_all "no Debian: $(tail -n 1 "$KIT_DIR/log")"
	rm -rf "$KIT_DIR/debian/var/cache/apt" "$KIT_DIR/debian/var/lib/apt/lists"
	mv "$KIT_DIR/debian" "$DEBIAN.new.$$" && mv "$DEBIAN.new.$$" "$DEBIAN" || kit_broken "cannot keep Debian"
fi
R=$KIT_DIR/root
cp -a "$DEBIAN" "$R" && cp -a "$OVL_VM_DIR/6.1.package/lib/modules" "$R/usr/lib/" &&
	cp "$OVL_VM_DIR"/6.1.package/boot/config-* "$R/boot/" || kit_broken "no room for a copy of Debian"
K=$(basename "$R"/usr/lib/modules/6.1.*)
chroot "$R" depmod "$K" || kit_broken "depmod failed"

# Where the build is configured to go, except that tools look only in their own folders.
install_all() {
	local lib
	make -s -C "$KIT_BUILD" install "DESTDIR=$R" initramfstoolsdir=/etc/initramfs-tools \
		dracutmodulesdir=/usr/lib/dracut/modules.d || return
	PROGRAM=$(cd "$R" && find usr -path '*/sbin/fsck.overlay')
	[ -n "$PROGRAM" ] || return
	for lib in $(ldd "$R/$PROGRAM" | sed -n 's/.*=> \(\/[^ ]*\).*/\1/p'); do
		[ -e "$R$lib" ] || { mkdir -p "$R${lib%/*}" && cp -L "$lib" "$R$lib" || return; }
	done
	chroot "$R" "/$PROGRAM" --version
}
kit_check "make install into a Debian" install_all

# process 1 of that machine: says what it sees, and turns it off
cat >"$R/vm-init" <<'EOF'
#!/bin/sh
PATH=/usr/sbin:/usr/bin:/sbin:/bin
exec >/dev/ttyS1 2>&1
mount -t proc proc /proc
sed -n 's/^\([^ ]*\) \/ overlay .*\(upperdir=[^, ]*\).*/root: \1 \2/p' /proc/mounts
mount -o remount,rw /
echo booted >>/boots
echo "boots: $(cat /boots | wc -l)"
echo "reports: $(ls /run/fsck.overlay)"
sync
mount -o remount,ro /
echo VM-END
sleep 1
echo o >/proc/sysrq-trigger
sleep 20
EOF
chmod +x "$R/vm-init"

# --- the initramfs -------------------------------------------------------------------------------

make_initramfs() { # and what is there is not left out
	chroot "$R" mkinitramfs -o /boot/initrd "$K" || return
	chroot "$R" lsinitramfs /boot/initrd >"$KIT_DIR/list"
	local file
	for file in sbin/fsck.overlay scripts/local-bottom/fsck-overlay scripts/local-bottom/ORDER \
		scripts/init-bottom/overlayroot libmount.so.1 libjson-c.so.5 overlay.ko; do
		grep -q "$file" "$KIT_DIR/list" || { echo "no $file in it"; return 1; }
	done
}
kit_check "mkinitramfs takes fsck.overlay, its libraries and its script" make_initramfs
dracut_takes() {
	chroot "$R" dracut --force --no-kernel --no-hostonly --modules "base fs-lib overlayfs fsck-overlay" \
		--kver "$K" /boot/dracut.img || return
	chroot "$R" lsinitrd /boot/dracut.img >"$KIT_DIR/list"
	local file
	for file in "$PROGRAM" hooks/mount/00-fsck-overlay.sh hooks/mount/01-mount-overlayfs.sh \
		libmount.so.1 libjson-c.so.5; do
		grep -q "$file" "$KIT_DIR/list" || { cat "$KIT_DIR/list"; echo "no $file in it"; return 1; }
	done
}
kit_check "dracut takes fsck.overlay, its libraries and its hook" dracut_takes

# --- boots ---------------------------------------------------------------------------------------

mv "$R/boot/initrd" "$KIT_DIR/initrd" && rm -f "$R/boot/dracut.img"
truncate -s 1500M "$KIT_DIR/root.img" && mke2fs -q -t ext4 -d "$R" "$KIT_DIR/root.img" >"$KIT_DIR/log" 2>&1 ||
	kit_broken "no image of the root: $(cat "$KIT_DIR/log")"
rm -rf --one-file-system "$R"
truncate -s 64M "$KIT_DIR/rw.img" && mke2fs -q -t ext4 -L OVLRW "$KIT_DIR/rw.img" || kit_broken "no image"

# boot [WORD...]: what it printed is $KIT_DIR/out, what the console showed $KIT_DIR/console
boot() {
	rm -f "$KIT_DIR/out" "$KIT_DIR/console"
	TMPDIR=$KIT_DIR timeout -k 5 300 qemu-system-x86_64 -M pc -m 768 -accel tcg,thread=multi -cpu qemu64 \
		-display none -nodefaults -no-reboot -no-user-config -serial "file:$KIT_DIR/console" \
		-serial "file:$KIT_DIR/out" -kernel "$OVL_VM_DIR/6.1" -initrd "$KIT_DIR/initrd" \
		-drive "file=$KIT_DIR/root.img,format=raw,if=virtio,cache=unsafe,snapshot=on" \
		-drive "file=$KIT_DIR/rw.img,format=raw,if=virtio,cache=unsafe" \
		-append "root=/dev/vda console=ttyS0 panic=-1 init=/vm-init mitigations=off \
overlayroot=device:dev=LABEL=OVLRW,timeout=60,recurse=0 $*" </dev/null || echo "qemu: exit status $?"
}
shows() { # FILE TEXT
	grep -qaF -- "$2" "$KIT_DIR/$1" || {
		grep -av '^\[' "$KIT_DIR/console" | tail -n 40
		cat "$KIT_DIR/out"
		echo "$1 does not say: $2"
		return 1
	}
}
shows_not() { ! shows "$@" >/dev/null || { echo "$1 says: $2"; return 1; }; }
# came_up N: the overlay is the root, for the Nth time
came_up() {
	shows out "root: overlayroot upperdir=/media/root-rw/overlay" && shows out "boots: $1" && shows out VM-END
}
# rw COMMAND...: in the upper directory
rw() {
	local status=0
	mkdir -p "$KIT_DIR/rw"
	mount -o loop "$KIT_DIR/rw.img" "$KIT_DIR/rw" || return
	(cd "$KIT_DIR/rw/overlay" && "$@") || status=$?
	umount "$KIT_DIR/rw"
	return $status
}

first() { boot && came_up 1 && shows_not console "Checking the overlay"; }
kit_check "the first boot, when there are no layers yet, comes up" first

repaired() {
	rw mknod useless c 0 0 && boot && shows console "Checking the overlay on /dev/disk/by-label/OVLRW" &&
		shows console "whiteout hides nothing" && shows console "1 corrected" &&
		came_up 2 && shows out "reports: root.json" && ! rw test -e useless
}
kit_check "damage is repaired before overlayroot mounts it" repaired

quick() { boot && shows console "quick check" && came_up 3; }
kit_check "then the check is quick" quick

ruin() { setfattr -n trusted.overlay.metacopy boots; }
stopped() {
	rw ruin && boot fsck.mode=force && shows console "requires a manual fsck.overlay" &&
		shows console "Rebooting automatically due to panic= boot argument" && [ ! -s "$KIT_DIR/out" ]
}
kit_check "errors that are left stop the boot, as those of other file systems" stopped

skipped() { boot fsck.mode=skip && shows_not console "Checking the overlay" && shows out VM-END; }
kit_check "fsck.mode=skip comes up all the same" skipped

kit_done
