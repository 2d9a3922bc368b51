#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The scripts, as shellcheck sees them.
set -eu
cd "${top_srcdir:-$(dirname "$0")/../..}"
. tests/lint/tap.sh

scripts() {
	find autogen.sh demo .ci/run tests/run tests completions/fsck.overlay -type f \
		\( -name '*.sh' -o -name run -o -name fsck.overlay \) | sort -u
}

if command -v shellcheck >/dev/null; then
	for script in $(scripts); do
		tap_result "$script" "$(
			shellcheck --external-sources --severity=warning --format=gcc "$script" || :)"
	done
else
	tap_skip "shellcheck" "shellcheck is not installed"
fi
tap_result "scripts to be called may be executed" "$(
	for script in $(scripts); do
		if head -n 1 "$script" | grep -q '^#!' && [ ! -x "$script" ]; then
			echo "$script"
		fi
	done)" "chmod +x"
tap_end
