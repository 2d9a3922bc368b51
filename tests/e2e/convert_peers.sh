#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What conversions are known to get wrong, one case each: hard links whose new data is in the index
# only, redirects over a name that exists below, special files, stale marks, too little space, what
# of an object is lost on the way, layers by hand, exit statuses.

# shellcheck source=kit.sh
. "$(dirname "$0")/kit.sh"
kit_start "$@"
# shellcheck source=layers_kit.sh
. "$(dirname "$0")/layers_kit.sh"
# shellcheck source=convert_kit.sh
. "$(dirname "$0")/convert_kit.sh"
ready || kit_skip_all "$REPLY"
job peers
ALL=metacopy=on,redirect_dir=on,index=on
B=$KIT_DIR/before
A=$KIT_DIR/after

# sums: the layers of the overlay at hand, as undo must bring them back
sums() {
	local tree
	for tree in "$L" "$D"/lower* "$U"; do
		[ ! -d "$tree" ] || kit_treesum -x ctime,dirsize "$tree"
	done
	kit_treesum -x ctime,dirsize "$(dirname "$U")/work" |
		grep -vE '^(/|/work|/work/incompat|/\.fsck\.overlay) d ' || :
}

# wants STATUS WHAT ARG...: a run that must end so
wants() {
	local status=$1 what=$2
	shift 2
	kit_fsck "$OUT" "$@"
	! kit_crashed "$OUT" || why "$what: it crashed"
	[ "$KIT_STATUS" -ne "$status" ] || return 0
	why "$what: exit status $KIT_STATUS instead of $status"
	grep -vE '^    (effect|severity):' "$OUT" | head -n 8 >>"$WHY"
	head -n 3 "$OUT.err" >>"$WHY"
}

# changes_nothing WHAT: since sums were last taken
changes_nothing() {
	sums >"$KIT_DIR/sums.now"
	cmp -s "$KIT_DIR/sums" "$KIT_DIR/sums.now" || {
		why "$1 changed something"
		diff "$KIT_DIR/sums" "$KIT_DIR/sums.now" | head -n 10 >>"$WHY"
	}
}

# converts FEATURES ARG...: shows before and after the same; leaves the layers converted. Target is
# 4.9, which knows nothing, if $TARGET is not set.
converts() {
	local features=$1 to=${TARGET:-4.9}
	shift
	view "$O${features:+,$features}" atime >"$B"
	sums >"$KIT_DIR/sums"
	wants 4 "-n before" -n "--to=$to" "$@" -o "$O"
	changes_nothing "-n before"
	wants 1 "conversion" -y "--to=$to" "$@" -o "$O"
	printed "$OUT" "$to" || why "no mount options were printed"
	[ -z "$REPLY" ] || known_there "$to" "$REPLY" >>"$WHY"
	wants 0 "-n after" -n "--to=$to" "$@" -o "$O"
	wants 0 "check after" -n -o "$O"
}

# same_after: the converted layers, mounted without features, leaving a copy of the upper since a mount
# writes (and all but the times of use, since a copy reads)
same_after() {
	must cp -a "$U" "$D/upper.kept"
	with_off "$O"
	view "$REPLY" atime >"$A"
	same_view "$B" "$A" "$U" "$D"/lower* >>"$WHY"
	must rm -rf "$U"
	must mv "$D/upper.kept" "$U"
}

# takes_back: undo, and the layers are the ones of before. Not after same_after, which renews inodes.
takes_back() {
	wants 0 "undo" --undo -o "$O"
	changes_nothing "undo"
}

# round NAME FEATURES ARG...: the whole of it: undo first, then the conversion once more to be shown
round() {
	local name=$1
	shift
	converts "$@"
	takes_back
	converts "$@"
	same_after
	judge "$name"
}

# generations NAME: two uppers one after the other, of which the first is a lower layer now
generations() {
	overlay "generations $1" 2
	must rmdir "$D/lower1"
	into "$D/lower2" 'mkdir -p a/b gone; seq 900 >a/b/f; seq 50 >a/g; seq 20 >gone/x; echo 1 >l1; ln l1 l2'
	must kit_mount "lowerdir=$D/lower2,upperdir=$U,workdir=$D/work,metacopy=on,redirect_dir=on" "$D/m"
	into "$D/m" 'mv a c; chmod 600 c/b/f; chmod 640 c/g; rm gone/x; mv c/b d; chmod 600 l1'
	must kit_unmount "$D/m"
	into "$D" 'mv upper lower1; rm -rf work; mkdir upper work'
	through metacopy=on,redirect_dir=on 'mv c e; chown 7 d/f; touch -d 2005-05-05 e/g; mkdir gone/y'
}

for type in ext4 xfs btrfs; do
	on "$type" || {
		kit_skip "$type" "$REPLY"
		continue
	}

	overlay "links $type"
	into "$L" 'echo lower >a; ln a b; ln a c; echo other >d; ln d e'
	through "$ALL" 'chmod 600 a; echo more >>b; chown 5 d'
	round "$type: names of one file stay one file" "$ALL"

	# XFS parts the last block from its twin if it is only told the size that the file has.
	if [ "$type" != ext4 ]; then
		overlay "shared $type"
		into "$L" 'head -c 70001 /dev/urandom >f'
		through "$ALL" 'chmod 600 f'
		wants 1 conversion -y --to=4.14 -o "$O"
		filefrag -sv "$U/f" | grep -E '^ +[0-9]+:' >"$KIT_DIR/extents" || why "no extents"
		! grep -v shared "$KIT_DIR/extents" >>"$WHY" || why "blocks of its own"
		judge "$type: all blocks are shared with the lower file"
	fi

	overlay "index only $type"
	into "$L" 'echo lower >a; ln a b'
	through index=on 'echo changed >>a; rm a'
	round "$type: data that is in the index only is not replaced by the old data" index=on

	overlay "index only nfs $type"
	into "$L" 'mkdir d; echo lower >a; ln a b; ln a d/c'
	through index=on,nfs_export=on 'echo changed >>a; rm a; rm d/c'
	round "$type: the same with an index for NFS" index=on,nfs_export=on

	overlay "index only below $type"
	into "$L" 'mkdir -p p/q; echo lower >a; ln a p/q/b; chmod 750 p; chmod 711 p/q; chown 3:4 p/q
		setfattr -n user.x -v y p/q; touch -d 2001-01-01 p/q p'
	through index=on 'echo changed >>a; rm a'
	round "$type: a name is made where the upper has no directory yet" index=on

	overlay "index only metacopy $type"
	into "$L" 'seq 5000 >a; ln a b; ln a c'
	through "$ALL" 'chmod 640 a; rm a'
	round "$type: a metacopy that is in the index only" "$ALL"

	overlay "index only generations $type" 2
	must rmdir "$D/lower1"
	into "$D/lower2" 'seq 3000 >a; ln a b'
	must kit_mount "lowerdir=$D/lower2,upperdir=$U,workdir=$D/work,$ALL" "$D/m"
	into "$D/m" 'chmod 640 a; chmod 600 b'
	must kit_unmount "$D/m"
	into "$D" 'mv upper lower1; rm -rf work; mkdir upper work'
	through "$ALL" 'echo changed >>a; rm a'
	round "$type: data that is in the index only, over a metacopy in a lower layer" "$ALL"

	# The old work directory still has a name of the file, which must not be changed. The upper knows its
	# inode, until the entry of the index has become a name.
	overlay "index only all $type" 2
	must rmdir "$D/lower1"
	into "$D/lower2" 'seq 3000 >a; ln a b'
	must kit_mount "lowerdir=$D/lower2,upperdir=$U,workdir=$D/work,$ALL" "$D/m"
	into "$D/m" 'chmod 640 a; chmod 600 b'
	must kit_unmount "$D/m"
	into "$D" 'mv upper lower1; mv work oldwork; mkdir upper work'
	through "$ALL" 'echo changed >>a; rm a'
	(cd "$D/oldwork/index" && md5sum ./* && getfattr -h -d -m - ./*) >"$KIT_DIR/old"
	round "$type: data that is in the index only, with -E layers=all" "$ALL" -E layers=all
	(cd "$D/oldwork/index" && md5sum ./* && getfattr -h -d -m - ./*) >"$KIT_DIR/old.now"
	kit_check "$type: and what was the index of a lower layer is as before" cmp "$KIT_DIR/old" "$KIT_DIR/old.now"

	overlay "linked below $type" 2
	must rmdir "$D/lower1"
	into "$D/lower2" 'mkdir d; seq 3000 >a; ln a b; ln a d/c'
	must kit_mount "lowerdir=$D/lower2,upperdir=$U,workdir=$D/work,$ALL" "$D/m"
	into "$D/m" 'chmod 640 a; chmod 600 b d/c'
	must kit_unmount "$D/m"
	into "$D" 'mv upper lower1; rm -rf work; mkdir upper work'
	round "$type: the names of a metacopy in a lower layer become one file in the upper" metacopy=on,redirect_dir=on

	overlay "linked and renamed $type"
	into "$L" 'mkdir -p x/p y/q; seq 500 >x/f; ln x/f x/p/g; ln x/f y/h; ln x/f y/q/i'
	through "$ALL" 'mv x x2; mv y y2'
	round "$type: hard links between two renamed directories" "$ALL"

	overlay "over another $type"
	into "$L" 'mkdir -p new/hidden old/deep; echo hidden >new/file; echo hidden >new/hidden/f
		echo shown >old/file2; echo shown >old/deep/g'
	through "$ALL" 'rm -r new; mv old new; mkdir old; echo x >old/y'
	round "$type: a renamed directory does not show the one that had its name" "$ALL"

	overlay "swapped $type"
	into "$L" 'mkdir -p a/sub b/sub; echo a >a/f; echo a >a/sub/g; echo b >b/f; echo b >b/sub/h'
	through "$ALL" 'mv a t; mv b a; mv t b; mv a/sub a/sub2; mv b/sub a/sub; rm a/f; chmod 700 b'
	round "$type: two directories that changed places" "$ALL"

	overlay "special $type"
	into "$L" 'mkdir d; mkfifo d/fifo; mknod d/null c 1 3; mknod d/disk b 7 0; ln -s fifo d/link
		ln -s "$(printf "%01000d" 1)" d/long; chown -h 5:6 d/link d/fifo; touch -h -d 2002-02-02 d/link'
	must sockets "$L/socket"
	into "$L" 'mv socket d/; ln d/fifo d/fifo2'
	through "$ALL" 'mv d e'
	round "$type: fifos, sockets, devices and symlinks" "$ALL"

	overlay "attributes $type"
	into "$L" 'mkdir -p d/sub; for f in suid cap acl xattr times hole immutable; do seq 3000 >$f; done
		truncate -s 5M hole; printf x | dd of=hole bs=1 seek=4500000 conv=notrunc status=none
		cp --sparse=always hole d/sub/hole; chmod 4711 suid; cp -p suid d/sub/suid
		setcap cap_net_raw+ep cap; setcap cap_setuid+ep d/sub/suid; setfacl -m u:7:rwx acl
		setfacl -m u:7:rwx,d:u:8:r-x,d:o::--- d/sub; chown 11:12 d/sub; chmod 3775 d/sub
		setfattr -n user.a -v b xattr; setfattr -n security.b -v c d/sub
		touch -d "2003-03-03 03:03:03.000000003" d/sub/hole d/sub d times'
	through "$ALL" 'chown 9 suid cap acl xattr hole; chmod 4711 suid; setcap cap_net_raw+ep cap
		touch -d "1999-01-01 00:00:00.123456789" times; mv d e'
	inodes=$(stat -c '%i %n' "$U"/{suid,cap,acl,xattr,times,hole})
	round "$type: mode, owner, times, ACLs, capabilities, holes" "$ALL"
	must kit_mount "$O" "$D/m"
	must kit_unmount "$D/m"
	[ "$(getfattr -h -d -m trusted.overlay.metacopy "$U"/* 2>&1)" = "" ] || why "a metacopy is left"
	judge "$type: no metacopy is left"

	overlay "in place $type"
	into "$L" 'seq 3000 >f; seq 100 >g'
	through "$ALL" 'chmod 600 f g'
	# What an interrupted copy-up left; the content is hidden and must go.
	into "$U" 'printf garbage | dd of=f bs=1 seek=100 conv=notrunc status=none; touch -r g f'
	inodes=$(stat -c '%i %n' "$U"/[fg])
	converts "$ALL"
	[ "$(stat -c '%i %n' "$U"/[fg])" = "$inodes" ] || why "not the same inodes"
	same_after
	judge "$type: in place, and what was under the mark is gone"

	overlay "foreign $type"
	into "$L" 'seq 3000 >f'
	through "$ALL" 'chmod 600 f'
	into "$D" 'ln upper/f victim'
	view "$O,$ALL" atime >"$B"
	kit_fsck "$OUT" -y --to=4.9 -o "$O"
	case $KIT_STATUS in
	1) same_after ;;
	4) ;;
	*) why "exit status $KIT_STATUS" ;;
	esac
	[ "$(tr -d '\0' <"$D/victim" | wc -c)" -eq 0 ] || why "the file outside was written to"
	judge "$type: a name outside of the layers"

	# The same below: two names in the layer, which stay one file, and one that is not in it.
	overlay "foreign below $type" 2
	must rmdir "$D/lower1"
	into "$D/lower2" 'seq 3000 >f'
	must kit_mount "lowerdir=$D/lower2,upperdir=$U,workdir=$D/work,metacopy=on,redirect_dir=on" "$D/m"
	into "$D/m" 'chmod 640 f; ln f g'
	must kit_unmount "$D/m"
	into "$D" 'mv upper lower1; rm -rf work; mkdir upper work; ln lower1/f victim'
	blocks=$(stat -c %b "$D/victim")
	converts metacopy=on,redirect_dir=on -E layers=all
	[ "$(stat -c '%i %h' "$L/f")" = "$(stat -c '%i %h' "$L/g")" ] || why "the names in the layer are two files"
	seq 3000 | cmp - "$L/f" >>"$WHY" 2>&1 || why "it has no data"
	[ "$(stat -c %b "$D/victim")" -eq "$blocks" ] || why "the file outside was written to"
	takes_back
	[ "$(tr -d '\0' <"$D/victim" | wc -c)" -eq 0 ] || why "the file outside has data"
	judge "$type: a name outside of the layers, of a file in a lower one that is converted"

	overlay "stale $type"
	into "$L" 'mkdir -p d/e; seq 30 >d/e/f; seq 20 >g; ln g h'
	through "$ALL,uuid=on" 'chmod 700 d/e; chmod 600 d/e/f g; mv d/e d/e2; echo new >d/new'
	converts "$ALL"
	left=$(getfattr -R -h -d -m 'trusted.overlay' "$U" 2>/dev/null | grep '=' | grep -v '\.opaque="y"$' |
		grep -v '^trusted.overlay.\(uuid\|origin\|impure\)=' || :)
	[ -z "$left" ] || why "marks are left: $left"
	[ ! -e "$D/work/index" ] || why "the index is left"
	judge "$type: no mark is left that the target does not know and stumbles over"

	overlay "several $type" 3
	into "$D/lower3" 'mkdir -p a/b; for i in 1 2 3; do seq $i 500 >a/b/f$i; done; seq 9 >bottom'
	into "$D/lower2" 'mkdir -p a/c; seq 40 >a/c/x'
	into "$L" 'mkdir -p top; seq 5 >top/t'
	through "$ALL" 'mv a z; chmod 600 z/b/f1; mv z/b z/y; chown 4 bottom; rm z/y/f2; mv z/c/x top/x'
	round "$type: several lower layers" "$ALL"

	generations "$type"
	kit_treesum "$D/lower1" "$D/lower2" >"$KIT_DIR/lowers"
	round "$type: metacopies and redirects in a middle layer" metacopy=on,redirect_dir=on
	kit_treesum "$D/lower1" "$D/lower2" | cmp -s - "$KIT_DIR/lowers" || why "a lower layer was changed"
	judge "$type: the lower layers are not touched by default"
	generations "$type, all layers"
	round "$type: the same with -E layers=all" metacopy=on,redirect_dir=on -E layers=all

	overlay "phantoms $type"
	into "$L" 'mkdir -p d/e; for i in 1 2 3; do echo $i >d/e/$i; echo $i >d/$i; done'
	through "$ALL" 'rm d/1 d/e/2; mv d x; rm x/2; rm x/e/1'
	round "$type: whiteouts do not become names that are listed and cannot be looked up" "$ALL"
done

# --- exit statuses ---

on tmpfs
# Before 4.12 there is something: origins, which such a kernel would not keep true.
overlay "nothing"
into "$L" 'echo a >a; mkdir d; echo b >d/b'
through "" 'echo new >>a; rm d/b; echo x >x'
kit_treesum "$D" >"$KIT_DIR/all"
for kernel in 4.14 4.18 5.4 5.10 6.1; do
	wants 0 "-n --to=$kernel" -n "--to=$kernel" -o "$O"
	wants 0 "--to=$kernel" -y "--to=$kernel" -o "$O"
	printed "$OUT" "$kernel" || why "no mount options for $kernel"
done
kit_treesum "$D" | cmp -s - "$KIT_DIR/all" || why "something was written"
judge "nothing to convert: nothing is written"

overlay "loss"
into "$L" 'echo a >a'
through "" 'echo b >b; setfattr -n trusted.overlay.opaque -v y b'
sums >"$KIT_DIR/sums"
wants 4 "-n" -n --to=5.10 -o "$O"
wants 4 "without leave" -y --to=5.10 -o "$O"
changes_nothing "a conversion that would lose something"
grep -q 'accept-loss' "$OUT" || why "it does not say how to go on"
# There they are hidden; nothing needs to be written for that.
wants 0 "with leave" -y --to=5.10 -E accept-loss -o "$O"
judge "what has no equivalent there is lost only with leave"

overlay "gate"
into "$L" 'seq 500 >a; seq 600 >b'
through "$ALL" 'chmod 600 a'
wants 4 "-n" -n --to=4.14 -o "$O"
wants 0 "-n with the features the target has" -n --to=5.4 -o "$O,metacopy=on,redirect_dir=on,index=on"
wants 4 "-n for a target that has them not" -n --to=4.14 -o "$O,metacopy=on,redirect_dir=on"
wants 4 "-n -O" -n -O ^metacopy -o "$O"
wants 16 "an unknown kernel" -n --to=3.2 -o "$O"
wants 16 "no kernel" -n --to=next -o "$O"
wants 16 "an unknown feature" -n -O ^frobnicate -o "$O"
grep -q metacopy "$OUT.err" || why "the known features are not listed"
judge "-n --to is a gate"

overlay "features"
into "$L" 'mkdir d; seq 500 >a; seq 600 >d/b; ln a c'
through "$ALL" 'chmod 600 a d/b; mv d e'
view "$O,$ALL" atime >"$B"
wants 1 "-O" -y -O ^metacopy -o "$O,redirect_dir=on,index=on"
! getfattr -R -h -d -m 'trusted.overlay.metacopy' "$U" 2>/dev/null | grep -q . || why "a metacopy is left"
is_xattr "$U/e" redirect d || why "the redirect was taken away, too"
view "$O,metacopy=off,redirect_dir=on,index=on" atime >"$A"
same_view "$B" "$A" "$U" "$L" >>"$WHY"
wants 1 "-O" -y -O ^redirect_dir,^index -o "$O"
with_off "$O"
view "$REPLY" atime >"$A"
same_view "$B" "$A" "$U" "$L" >>"$WHY"
judge "-O drops the features that it names, and no other"

# Not enough space for the data: said before anything is written.
truncate -s 24M "$IMAGES/small"
must mkfs.ext4 -q -b 4096 "$IMAGES/small"
must mkdir "$KIT_DIR/small"
must mount -o loop "$IMAGES/small" "$KIT_DIR/small"
overlay "room"
O=lowerdir=$L,upperdir=$KIT_DIR/small/u,workdir=$KIT_DIR/small/w
U=$KIT_DIR/small/u
must mkdir "$U" "$KIT_DIR/small/w"
into "$L" 'for i in $(seq 20); do head -c 2M /dev/urandom >f$i; done'
through metacopy=on 'chmod 600 *'
kit_treesum "$U" "$KIT_DIR/small/w" >"$KIT_DIR/small.sums"
wants 8 "too little space" -y --to=4.14 -o "$O"
kit_treesum "$U" "$KIT_DIR/small/w" | cmp -s - "$KIT_DIR/small.sums" || why "something was written"
grep -qiE 'space|room|free' "$OUT" "$OUT.err" || why "it does not say why"
judge "too little space: nothing is written"

# A digest that the data does not have: nobody knows what the file should be.
overlay "digest"
into "$L" 'seq 500 >a; seq 600 >b'
through metacopy=on 'chmod 600 a b'
must setfattr -n trusted.overlay.metacopy \
	-v "0x00240001$(printf '%064d' 7)" "$U/a"
sums >"$KIT_DIR/sums"
kit_fsck "$OUT" -y --to=4.14 -o "$O,verity=on"
[ "$KIT_STATUS" -eq 4 ] || why "exit status $KIT_STATUS instead of 4"
getfattr -h -n trusted.overlay.metacopy "$U/a" >>"$LOG" 2>&1 || why "the file with the wrong digest was completed"
judge "data that does not have the digest is not copied"

overlay "squashfs"
into "$L" 'mkdir d; seq 500 >d/a; seq 600 >b'
if kit_image squashfs "$L" "$D/m2" 2>/dev/null || { mkdir "$D/m2" && kit_image squashfs "$L" "$D/m2"; }; then
	O=lowerdir=$D/m2,upperdir=$U,workdir=$D/work
	through metacopy=on,redirect_dir=on 'chmod 600 b; mv d e'
	round "a lower on squashfs" metacopy=on,redirect_dir=on
else
	kit_skip "a lower on squashfs" "no squashfs"
fi

overlay "longpath"
long=$D/$(printf '%0200d/' 1 2 3 4 5)
must mkdir -p "$long"
into "$D" "mv lower1 upper work '$long'"
O=lowerdir=$long/lower1,upperdir=$long/upper,workdir=$long/work
L=$long/lower1
U=$long/upper
into "$L" 'for i in $(seq 30); do d=$(printf %0150d $i); mkdir $d; cd $d; done; seq 300 >f'
through "$ALL" 'mv 0* moved; find . -type f -execdir chmod 600 {} +'
converts "$ALL"
with_off "$O"
view "$REPLY" atime >"$A"
same_view "$B" "$A" "$U" "$L" >>"$WHY"
! grep -q 'more than mount(2) takes' "$OUT" || why "options that fit were called too long"
must mkdir "$long/lower2"
wants 0 "a longer list of layers" -n --to=4.9 -o "lowerdir=$L:$long/lower2,upperdir=$U,workdir=$long/work"
grep -q 'bytes are more than mount(2) takes' "$OUT" || why "nothing was said of options longer than a page"
judge "long paths, of the layers and in them"

# Far more levels than a path in one call may have, and than directories may be open at once.
overlay "deep"
deep() { perl -e 'my ($top, $n, $make) = @ARGV; chdir $top or die "$top: $!";
	for (1 .. $n) { $make and (mkdir "d" or die "mkdir: $!"); chdir "d" or die "level $_: $!" }
	if ($make) { open my $f, ">", "f" or die; print $f "bottom\n" } else { open my $f, "<", "f" or die "f: $!"; print <$f> }' "$@"; }
must mkdir "$L/top"
must deep "$L/top" 10000 make
through "$ALL" 'mv top moved'
wants 1 "conversion" -y --to=4.9 -o "$O"
[ "$(deep "$U/moved" 10000 2>&1)" = bottom ] || why "it is not all there: $(deep "$U/moved" 10000 2>&1)"
wants 0 "undo" --undo -o "$O"
[ ! -e "$U/moved/d" ] || why "undo left something"
judge "10,000 levels below a renamed directory"
kit_done
