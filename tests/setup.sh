#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Installs the Debian 12 packages that are missing to build and show ("build") or also to test
# ("test", the default). Says nothing when there is nothing to do.
set -eu

build='gcc libc6-dev linux-libc-dev make autoconf automake libtool pkg-config
	libattr1-dev libblkid-dev libfsverity-dev libjson-c-dev libmount-dev uuid-dev zlib1g-dev
	attr mount util-linux'

# Compilers, sanitizers and lints; file systems for layers; what the test scripts call.
test='g++ clang clang-format libclang-rt-dev llvm check valgrind shellcheck mandoc xz-utils
	btrfs-progs e2fsprogs erofs-utils fsverity squashfs-tools xfsprogs
	acl debootstrap fdisk jq kmod libcap2-bin procps strace'

case ${1:-test} in
build) wanted=$build ;;
test) wanted="$build $test" ;;
*)
	echo "usage: $0 [build|test]" >&2
	exit 2 ;;
esac

missing=
for package in $wanted; do
	state=$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null) || state=
	[ "$state" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null; then
	echo "$0: no apt-get here; what Debian calls so may be needed:$missing" >&2
	exit 0
fi
if [ "$(id -u)" != 0 ]; then
	echo "$0: not root; install these packages first:$missing" >&2
	exit 1
fi

echo "installing packages:$missing"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
export DEBIAN_FRONTEND=noninteractive
wait='-o DPkg::Lock::Timeout=600'
# shellcheck disable=SC2086 # words are meant to be split
if ! { apt-get $wait -q -y update && apt-get $wait -q -y install --no-install-recommends $missing; } \
	>"$log" 2>&1 </dev/null
then
	cat "$log" >&2
	echo "$0: cannot install:$missing" >&2
	exit 1
fi
