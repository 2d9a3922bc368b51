#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Runs one test script under a time limit and, as root, in a mount namespace of its own: whatever
# it mounts is gone with it, also when it is killed.
if [ "$(id -u)" = 0 ] && unshare --mount --propagation private true 2>/dev/null; then
	exec unshare --mount --propagation private timeout -k 10 "${TEST_TIMEOUT:-900}" bash "$@"
fi
exec timeout -k 10 "${TEST_TIMEOUT:-900}" bash "$@"
