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
# shellcheck source=convertible_kit.sh
. "$(dirname "$0")/convertible_kit.sh"
# shellcheck source=kill_kit.sh
. "$(dirname "$0")/kill_kit.sh"

FS=${OVL_FS:-ext4}
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
