#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Repair is killed before each system call that changes something, and so is undo. After that the
# kernel refuses the mount because of the marker, or shows what it showed before or after; and a
# second run ends in the same tree as one that was not killed. Then each of these calls fails with
# an errno instead: nothing is lost, and a second run completes.
#
# OVL_LONG=1: every call; else a share of them. OVL_FS=TYPE: ext4 (default), xfs, btrfs.

# shellcheck source=kit.sh
. "$(dirname "$0")/kit.sh"
kit_start "$@"
# shellcheck source=repair_kit.sh
. "$(dirname "$0")/repair_kit.sh"

FS=${OVL_FS:-ext4}
make_damaged "$FS" || kit_skip_all "$REPLY"

# shellcheck source=kill_kit.sh
. "$(dirname "$0")/kill_kit.sh"

reference -y
sweep "-y" damaged layers.repaired -y
sweep "undo" repaired layers.damaged --undo
for errno in ENOSPC EIO EROFS EDQUOT EPERM EINTR ENOMEM; do
	errnos "-y" damaged layers.repaired "$errno" -y
done
kit_done
