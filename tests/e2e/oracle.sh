#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Lookup against the kernel: random layers, every name looked up by both, no difference.
#
#	OVL_SEEDS=N   how many overlays (2000; with OVL_LONG=1 20000, some 220,000 lookups)
#	OVL_FIRST=N   the first seed (1)

# shellcheck source=kit.sh
. "$(dirname "$0")/kit.sh"
kit_start "$@"

seeds=${OVL_SEEDS:-$([ -n "${OVL_LONG:-}" ] && echo 20000 || echo 2000)}
first=${OVL_FIRST:-1}
oracle=${OVL_ORACLE:-$KIT_TOOLS/../oracle/lookup}
[ -x "$oracle" ] || kit_broken "no lookup oracle at $oracle"

# compare KIND: half of the seeds each on the file system at hand and on tmpfs
compare() {
	local kind=$1 from=$2 to=$3
	kit_fs "$kind" || { kit_skip "$kind" "$REPLY" && return; }
	if "$oracle" "$REPLY" "$from" "$to" >"$KIT_DIR/oracle.log" 2>&1; then
		kit_ok "$kind: $(sed -n '$s/^# //p' "$KIT_DIR/oracle.log")"
	else
		kit_fail "$kind: seeds $from to $to" "$KIT_DIR/oracle.log"
	fi
}

compare ext4 "$first" $((first + seeds / 2 - 1))
compare tmpfs $((first + seeds / 2)) $((first + seeds - 1))
kit_done
