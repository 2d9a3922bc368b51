#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Runs one test script under a time limit and, where that is allowed, in a mount namespace of its
# own: whatever it mounts is gone with it, also when it is killed. A script that skips all it has
# may exit with 77; that is no error.
own=
# In a plain chroot there is no mount at / whose propagation could be set.
for way in unchanged private; do
	if unshare --mount --propagation $way true 2>/dev/null; then
		own="unshare --mount --propagation $way"
	fi
done
status=0
# shellcheck disable=SC2086 # words are meant to be split
timeout -k 10 "${TEST_TIMEOUT:-900}" $own bash "$@" || status=$?
[ "$status" != 77 ] || status=0
exit "$status"
