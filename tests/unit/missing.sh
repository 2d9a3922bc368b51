#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Stands in for the unit tests where configure did not find libcheck, so that they are missed aloud.
echo '1..0 # SKIP unit tests: configure did not find check >= 0.15.2'
