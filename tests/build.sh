#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# usage: tests/build.sh FOLDER [argument of configure]...
# Brings a build outside the source tree up to date, from a fresh clone if need be. Quiet; what
# make printed is in FOLDER/make.log, and shown if it failed. Without arguments of configure, a
# build stays configured as it is.
set -eu
folder=$1
shift
top=$(cd "$(dirname "$0")/.." && pwd)
mkdir -p "$folder"
cd "$folder"

quietly() { # LOG COMMAND...
	log=$1
	shift
	if ! "$@" >"$log" 2>&1 </dev/null; then
		tail -n 60 "$log" >&2
		echo "tests/build.sh: failed: $*" >&2
		exit 1
	fi
}

for made in configure Makefile.in config.h.in build-aux/tap-driver.sh; do
	if [ ! -e "$top/$made" ]; then
		quietly autogen.log "$top/autogen.sh"
		break
	fi
done
if [ ! -e Makefile ] || { [ $# -gt 0 ] && [ "$(cat configure.args 2>/dev/null)" != "$*" ]; }; then
	quietly configure.log "$top/configure" "$@"
	echo "$*" >configure.args
fi
quietly make.log make -j"$(nproc)"
