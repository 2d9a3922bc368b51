# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# shellcheck disable=SC2034 # for repair_kit.sh
#
# What tests disturb a conversion of, instead of a repair. Sourced after repair_kit.sh.

# An overlay that needs every kind of conversion. l1 was an upper once.
convertible() (
	set -e
	cd "$AT"
	mkdir l1 l2 u w w1
	mkdir -p l2/d/sub l2/e/in l2/x l2/plain
	for f in l2/f l2/d/f l2/d/sub/g l2/e/in/f l2/x/a l2/m1 l2/m2 l2/plain/p; do
		echo "content of $f" >"$f"
	done
	ln l2/d/f l2/d/sub/also && ln -s f l2/d/link && mkfifo l2/d/fifo
	seq 50000 >l2/big
	truncate -s 1M l2/holes && echo in the middle | dd of=l2/holes bs=1 seek=500000 conv=notrunc status=none
	echo three >l2/h1 && ln l2/h1 l2/h2 && ln l2/h1 l2/x/h3
	"$KIT_TOOLS/ovl-mount" "lowerdir=l2,upperdir=l1,workdir=w1,redirect_dir=on,metacopy=on" "$KIT_DIR/mnt2"
	(
		cd "$KIT_DIR/mnt2"
		mv e e2
		chmod 700 e2/in/f
		chown 5 m1
	)
	"$KIT_TOOLS/ovl-mount" -u "$KIT_DIR/mnt2"
	rm -r w1
	"$KIT_TOOLS/ovl-mount" "$O" "$KIT_DIR/mnt2"
	(
		cd "$KIT_DIR/mnt2"
		mv d moved
		mv x moved/sub/x2
		chown 7 f big holes
		chmod 4755 big
		echo more >>h1
		rm m2
		mv plain plain2 && echo new >plain2/new
	)
	"$KIT_TOOLS/ovl-mount" -u "$KIT_DIR/mnt2"
)
SUBJECT=convertible
