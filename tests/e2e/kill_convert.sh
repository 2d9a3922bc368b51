#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A conversion is killed before each system call that changes something, and so is its undo. After that
# the kernel refuses the mount because of the marker, or shows what it showed before: a conversion changes
# nothing that this kernel shows. A second run ends in the same tree as one that was not killed. Then each
# of these calls fails with an errno instead.
#
# OVL_LONG=1: every call; else a share of them. OVL_FS=TYPE: ext4 (default), xfs, btrfs.

# shellcheck source=kit.sh
. "$(dirname "$0")/kit.sh"
kit_start "$@"
# shellcheck source=repair_kit.sh
. "$(dirname "$0")/repair_kit.sh"
# shellcheck source=kill_kit.sh
. "$(dirname "$0")/kill_kit.sh"

# An overlay that needs every kind of conversion. l1 was an upper once.
convertible() (
	set -e
	cd "$AT"
	mkdir l1 l2 u w w1
	mkdir -p l2/d/sub l2/e/in l2/x l2/plain
	for f in l2/f l2/d/f l2/d/sub/g l2/e/in/f l2/x/a l2/m1 l2/m2 l2/plain/p; do
		echo "content of $f" >"$f"
	done
	ln l2/d/f l2/d/sub/also && ln -s f l2/d/link && mkfifo l2/d/fifo
	seq 50000 >l2/big
	truncate -s 1M l2/holes && echo in the middle | dd of=l2/holes bs=1 seek=500000 conv=notrunc status=none
	echo three >l2/h1 && ln l2/h1 l2/h2 && ln l2/h1 l2/x/h3
	"$KIT_TOOLS/ovl-mount" "lowerdir=l2,upperdir=l1,workdir=w1,redirect_dir=on,metacopy=on" "$KIT_DIR/mnt2"
	(
		cd "$KIT_DIR/mnt2"
		mv e e2
		chmod 700 e2/in/f
		chown 5 m1
	)
	"$KIT_TOOLS/ovl-mount" -u "$KIT_DIR/mnt2"
	rm -r w1
	"$KIT_TOOLS/ovl-mount" "$O" "$KIT_DIR/mnt2"
	(
		cd "$KIT_DIR/mnt2"
		mv d moved
		mv x moved/sub/x2
		chown 7 f big holes
		chmod 4755 big
		echo more >>h1
		rm m2
		mv plain plain2 && echo new >plain2/new
	)
	"$KIT_TOOLS/ovl-mount" -u "$KIT_DIR/mnt2"
)

FS=${OVL_FS:-ext4}
SUBJECT=convertible
make_damaged "$FS" || kit_skip_all "$REPLY"
reference --to=4.9 -y
if diff "$KIT_DIR/view.damaged" "$KIT_DIR/view.repaired" >"$WHY"; then
	kit_ok "this kernel shows the same after it"
else
	kit_fail "this kernel shows the same after it" "$WHY"
fi

sweep "conversion" damaged layers.repaired --to=4.9 -y
sweep "undo" repaired layers.damaged --undo
for errno in ENOSPC EIO EROFS EDQUOT EPERM EINTR ENOMEM; do
	errnos "conversion" damaged layers.repaired "$errno" --to=4.9 -y
done
kit_done
