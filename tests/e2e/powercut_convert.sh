#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The power is cut while a conversion is at work, or its undo: all else is as in powercut.sh. What lost its
# xattr metacopy must have its data by then, on every file system.

OVL_SUBJECT=conversion exec bash "$(dirname "$0")/powercut.sh" "$@"
