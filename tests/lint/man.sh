#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The manual pages have no mistakes that a formatter notices.
set -eu
cd "${top_srcdir:-$(dirname "$0")/../..}"
. tests/lint/tap.sh

for page in man/fsck.overlay.8 man/fsck-overlay@.service.8 man/fsck-overlay-generator.8 "${top_builddir:-build}/man/overlay-problems.7"; do
	name=$(basename "$page")
	if command -v mandoc >/dev/null; then
		# STYLE is taste; a page of a section that is not installed is no mistake.
		tap_result "$name" "$(mandoc -T lint -W warning "$page" 2>&1 || :)"
	else
		tap_skip "$name" "mandoc is not installed"
	fi
done
tap_end
