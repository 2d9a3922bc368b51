#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What other checkers of overlays get wrong, each as a test: overlays that the kernel made and that
# are fine, damage that must be named, and callers and machines that are a little unusual. Storage
# of containers inside a layer has a script of its own, nested-storage.sh.

# shellcheck disable=SC2016,SC2034 # the commands in quotes are for into and through
# shellcheck source=kit.sh
. "$(dirname "$0")/kit.sh"
kit_start "$@"
# shellcheck source=layers_kit.sh
. "$(dirname "$0")/layers_kit.sh"

# --- redirects ---------------------------------------------------------------------------------

overlay "a relative redirect under a renamed parent"
into "$L" 'mkdir -p a/b/c; echo data >a/b/f; echo more >a/b/c/g'
through redirect_dir=on 'mv a x; mv x/b x/y; mv x/y/c x/y/z; chmod 700 x/y/z'
is_xattr "$U/x" redirect a
is_xattr "$U/x/y" redirect b
is_xattr "$U/x/y/z" redirect c
finds "$MAKING"
through redirect_dir=on 'mv x w; mkdir n; mv w/y n/y; cat n/y/f n/y/z/g'
finds "and of one that was moved on"

overlay "mv a/b c; rm -r a"
into "$L" 'mkdir -p a/b; echo data >a/b/f; echo data >a/g'
through redirect_dir=on 'mv a/b c; rm -r a; cat c/f'
[ -c "$U/a" ]
is_xattr "$U/c" redirect /a/b
finds "$MAKING"

overlay "mv a/b c; rm -r a; mkdir a"
into "$L" 'mkdir -p a/b; echo data >a/b/f; echo data >a/g'
through redirect_dir=on 'mv a/b c; rm -r a; mkdir a; cat c/f'
is_xattr "$U/a" opaque y
finds "$MAKING"

overlay "a redirect twice"
into "$L" 'mkdir -p d; echo data >d/f'
through redirect_dir=on 'mv d one; chmod 700 one'
cp -a "$U/one" "$U/two"
finds "$MAKING" redirect-duplicate upper:/two

overlay "redirects through symbolic links"
mkdir "$D/outside" "$D/outside/d"
into "$L" 'mkdir -p real/d; echo data >real/d/f
	ln -s real link; ln -s ../outside out; ln -s d real/s'
into "$U" 'mkdir in away last'
xset "$U/in" redirect /link/d
xset "$U/away" redirect /out/d
xset "$U/last" redirect /real/s
kit_mount "$O,redirect_dir=on" "$D/m"
[ -z "$(ls "$D/m/in"; ls "$D/m/away"; ls "$D/m/last")" ]
kit_unmount "$D/m"
finds "$MAKING are not followed" redirect-target-missing upper:/in \
	redirect-target-missing upper:/away redirect-target-type upper:/last

overlay "metacopy through symbolic links"
echo data >"$D/secret"
into "$L" 'mkdir real; echo data >real/f; echo data >one; echo data >two
	ln -s real link; ln -s ../secret s'
through metacopy=on 'chmod 600 one two real/f'
xset "$U/one" redirect /link/f
xset "$U/two" redirect /s
rm "$L/one" "$L/two"
kit_mount "$O,metacopy=on" "$D/m"
fails cat "$D/m/one"
fails cat "$D/m/two"
kit_unmount "$D/m"
finds "$MAKING is not followed" meta-type-chain upper:/one meta-type-chain upper:/two

# --- layers of other kinds ---------------------------------------------------------------------

for image in squashfs erofs; do
	overlay "a lower on a read-only $image"
	into "$L" 'mkdir -p d/e; echo data >d/f; echo data >g'
	if ! { mkdir "$D/image" && kit_image "$image" "$L" "$D/image"; } 2>>"$LOG"; then
		kit_skip "$MAKING" "cannot make one"
		continue
	fi
	O=lowerdir=$D/image,upperdir=$U,workdir=$D/work
	through metacopy=on,redirect_dir=on 'chmod 600 d/f; mv d h; rm g; mkdir g; echo new >g/n'
	finds "$MAKING"
	mknod "$U/g/w" c 0 0
	xset "$U/h/f" redirect /nothing
	finds "and then the upper is looked at" whiteout-in-opaque upper:/g/w meta-no-lowerdata upper:/h/f
done

overlay "the same lower directory twice" 2
into "$L" 'echo data >f'
O=lowerdir=$L:$D/lower2:$L,upperdir=$U,workdir=$D/work
look_at -o "$O"
[ "$KIT_STATUS" -eq 4 ] || why "exit status $KIT_STATUS"
[ "$(found | sort -u)" = "layout-overlap-lower lower3:/" ] || why "$(found)"
judge "$MAKING"

overlay "data-only layers: lowerdir=l::data"
into "$L" 'echo x >f; truncate -s 5 f; mkdir d'
xset "$L/f" metacopy
xset "$L/f" redirect /blob
mkdir "$D/data"
echo data >"$D/data/blob"
O=lowerdir=$L::$D/data,upperdir=$U,workdir=$D/work
through metacopy=on,redirect_dir=on 'cat f; echo n >d/n'
finds "$MAKING"
kit_mount "$O,metacopy=on,redirect_dir=on" "$D/m"
look_at "$D/m"
want_found
grep -q 'in use' "$OUT.err" || why "no word about the use"
judge "a live mount of them"
kit_unmount "$D/m"
rm "$D/data/blob"
finds "and without the data" redirect-escape-data lower1:/f

overlay "xattr whiteouts" 2
into "$L" 'mkdir d; : >d/gone; echo data >d/f'
into "$D/lower2" 'mkdir d; echo data >d/gone; echo data >d/g'
xset "$L/d" opaque x
xset "$L/d/gone" whiteout
through "" '[ "$(echo d/*)" = "d/f d/g" ]; echo new >d/n; rm d/g'
finds "$MAKING"
into "$U" ': >d/w'
xset "$U/d/w" whiteout
setfattr -x trusted.overlay.opaque "$L/d"
finds "and wrong ones" xwhiteout-in-upper upper:/d/w xwhiteout-unmarked lower1:/d/gone

overlay "a file system mounted below a layer"
into "$L" 'mkdir -p mnt/d; echo data >mnt/f; echo data >mnt/g'
through metacopy=on 'chmod 600 mnt/f; rm mnt/g; mkdir mnt/d/n'
mount -t tmpfs below "$L/mnt"
mkdir "$L/mnt/evil"
mknod "$L/mnt/evil/w" c 0 0
xset "$L/mnt/evil" opaque nonsense
finds "$MAKING: what it covers is checked, it is not" layout-submount-in-layer lower1:/mnt
umount "$L/mnt"
rm "$L/mnt/f"
mount -t tmpfs below "$L/mnt"
echo data >"$L/mnt/f"
finds "and damage below it" layout-submount-in-layer lower1:/mnt meta-no-lowerdata upper:/mnt/f

# --- metacopy ----------------------------------------------------------------------------------

overlay "metacopy whose data is gone, cut, replaced"
into "$L" 'for f in gone cut other fine; do echo "data of $f" >$f; done; cp -p other kept'
through metacopy=on 'chmod 600 gone cut other fine'
into "$L" 'rm gone; truncate -s 3 cut; mv other moved; mv kept other'
finds "$MAKING" meta-no-lowerdata upper:/gone meta-size-mismatch upper:/cut \
	meta-origin-mismatch upper:/other

# --- copies, indexes, leftovers ----------------------------------------------------------------

overlay "layers copied with cp -a"
into "$L" 'mkdir d; echo data >d/f; ln d/f d/g; echo data >h'
through index=on,metacopy=on 'echo more >>d/f; chmod 600 h; echo new >n'
finds "before layers are copied"
cp -a "$D" "$D.copy"
O=${O//$D/$D.copy} D=$D.copy
refused index=on
finds "$MAKING" layout-copied overlay
rm -rf "${D%.copy}"
finds "and the originals are gone" layout-copied overlay

overlay "garbage in the index"
into "$L" 'echo data >f; ln f g'
through index=on 'echo more >>f'
into "$D/work/index" ': >garbage; mkdir 00; mknod zz c 0 0'
refused index=on
finds "$MAKING" index-name index:/garbage index-name index:/00 index-name index:/zz

overlay "work/incompat/volatile after a crash"
into "$L" 'echo data >f'
through volatile 'echo more >>f'
[ -d "$D/work/work/incompat/volatile" ]
refused
finds "$MAKING" work-incompat work:/work/incompat/volatile

# --- rootless ----------------------------------------------------------------------------------

on here || kit_broken "$REPLY" # before Linux 6.6 tmpfs has no user xattrs
overlay "rootless layers"
chown -R 65534 "$D"
has_trusted() { getfattr -R -h -d -m trusted.overlay --absolute-names "$D" | grep overlay; }
if let_nobody_in && nobody unshare -Urm true 2>>"$LOG"; then
	nobody sh -ec "cd '$L'; mkdir -p d/e k; ln -s f d/s
		echo data >d/f; echo data >d/g; echo data >k/f"
	nobody unshare -Urm sh -ec "
		mount -t overlay o -o '$O,userxattr' '$D/m'; cd '$D/m'
		rm -r d; mkdir d; echo new >d/f; echo more >>k/f; mkdir -p n/o; mv n/o n/p"
	[ "$(getfattr --only-values --absolute-names -n user.overlay.opaque "$U/d")" = y ]
	fails has_trusted
	finds "$MAKING" -- -o userxattr
	kit_fsck "$OUT" -n -v -o "$O,userxattr"
	! grep -q xattr-unknown "$OUT" || why "an xattr is unknown"
	judge "all their xattrs are known"
	KIT_STATUS=0
	find "$D" -exec touch -h -a -d 2001-01-01 {} + # so that relatime, too, would set it anew
	kit_treesum "$D" >"$KIT_DIR/before"
	nobody unshare -Urm "$NOBODYS" -n -o "$O,userxattr" >"$OUT" 2>"$OUT.err" </dev/null ||
		KIT_STATUS=$?
	kit_treesum "$D" | cmp -s - "$KIT_DIR/before" || why "something changed"
	want_found
	judge "and for those who own them, in their own user namespace"
	into "$U" 'mknod d/w c 0 0'
	finds "opaque is understood" whiteout-in-opaque upper:/d/w -- -o userxattr
	fails has_trusted
else
	kit_skip "$MAKING" "nobody may not come here or make a user namespace"
fi

# --- where layers are, and who uses them -------------------------------------------------------

on tmpfs || kit_broken "$REPLY"
overlay "an overlay mounted in another namespace"
into "$L" 'echo data >f; mkdir d'
mkfifo "$D/ready"
unshare -m --propagation private -- "$BASH" -c '
	"$1" "$2" "$3" && cd "$3" && echo more >>f && echo ready >"$4" && exec sleep 100' \
	hold "$KIT_TOOLS/ovl-mount" "$O" "$D/m" "$D/ready" &
holder=$!
read -r _ <"$D/ready"
rm "$D/ready"
fails grep -q " $D/m " /proc/self/mountinfo
look_at -o "$O"
want_found
grep -q 'warning: .*in use' "$OUT.err" || why "no warning"
judge "$MAKING: a warning, and the check goes on"
kill "$holder"
wait "$holder" 2>>"$LOG" || :
finds "and when that is gone"

overlay "upperdir=/x/rw,workdir=/x/rw-work"
into "$L" 'echo data >f'
mkdir "$D/rw" "$D/rw-work" "$D/rw-lower"
O=lowerdir=$D/rw-lower:$L,upperdir=$D/rw,workdir=$D/rw-work
through "" 'echo more >>f; mkdir d'
finds "$MAKING"

overlay "more than 16 overlays on the host"
many=$D
for ((i = 1; i <= 40; i++)); do
	mkdir "$many/$i" "$many/$i/l" "$many/$i/u" "$many/$i/w" "$many/$i/m"
	kit_mount "lowerdir=$many/$i/l,upperdir=$many/$i/u,workdir=$many/$i/w" "$many/$i/m"
done
mknod "$many/39/l/phantom" c 0 0
mkdir "$many/38/u/d"
mknod "$many/38/u/d/phantom" c 0 0
xset "$many/38/u/d" opaque y
finds "$MAKING"
look_at "$many/40/m"
want_found
grep -q "^$many/40/m: clean" "$OUT" || why "another one was checked"
judge "the fortieth of them"
look_at "$many/38/m"
want_found whiteout-in-opaque upper:/d/phantom
grep -q "in use" "$OUT.err" || why "no word about the use"
judge "the thirty-eighth of them"
kit_unmount_below "$many"

overlay "500 layers" 500
for ((i = 1; i <= 500; i++)); do
	mkdir "$D/lower$i/d$i" "$D/lower$i/all"
	echo "$i" >"$D/lower$i/all/f"
done
mkdir "$D/lower500/end"
echo data >"$D/lower500/end/f"
into "$U" 'mkdir all; setfattr -n trusted.overlay.impure -v y .' # as the first lookup would
finds "$MAKING"
mknod "$D/lower250/d250/w" c 0 0
xset "$D/lower250/d250" opaque y
finds "and what is wrong in them" whiteout-in-opaque lower250:/d250/w
O=lowerdir=$D/lower1:${O#lowerdir=}
look_at -o "$O"
[ "$KIT_STATUS" -ne 0 ] || why "exit status 0"
judge "501 layers are too many"

# --- callers -----------------------------------------------------------------------------------

overlay "as fsck(8) calls it"
into "$L" 'echo data >f'
through metacopy=on 'chmod 600 f'
mkdir "$KIT_DIR/bin"
ln -s "$FSCK" "$KIT_DIR/bin/fsck.overlay"
by_fsck() {
	KIT_STATUS=0
	PATH=$KIT_DIR/bin:$PATH timeout 60 fsck -T -t overlay "$@" >"$OUT" 2>"$OUT.err" </dev/null ||
		KIT_STATUS=$?
}
if command -v fsck >/dev/null; then
	by_fsck "$O" -- -n
	want_found
	judge "$MAKING"
	by_fsck "$O" -- -n -V
	[ "$KIT_STATUS" -eq 0 ] || why "exit status $KIT_STATUS"
	judge "with -V, which it adds for its own -V"
	by_fsck "$O" -- -n -C0 -f -r
	want_found
	judge "with the options of e2fsck that it passes on"
	rm "$L/f"
	by_fsck "$O" -- -n
	want_found meta-no-lowerdata upper:/f
	judge "and damage is in its exit status"
else
	kit_skip "$MAKING" "there is no fsck(8)"
	rm "$L/f"
fi

kit_treesum "$D" >"$KIT_DIR/before"
for input in "</dev/null" "<&-"; do
	KIT_STATUS=0
	eval 'timeout 60 "$FSCK" -o "$O" >"$OUT" 2>"$OUT.err"' "$input" || KIT_STATUS=$?
	[ $((KIT_STATUS & ~24)) -eq 0 ] && [ "$KIT_STATUS" -ne 0 ] || why "exit status $KIT_STATUS"
done
kit_treesum "$D" >"$KIT_DIR/after"
cmp -s "$KIT_DIR/before" "$KIT_DIR/after" || why "something was written"
judge "without -n, -p, -y and with stdin at its end, nothing is written"

# --- sizes -------------------------------------------------------------------------------------

for levels in 1900 10000; do
	overlay "$levels levels"
	deep "$L" "$levels" 'open F, ">f"; print F "data"; close F; mkdir "w"; mkdir "k"'
	deep "$U" "$levels" 'open F, ">f"; truncate F, 4; close F;
		system "setfattr -n trusted.overlay.metacopy f; mknod w c 0 0; mkdir p; mknod p/w c 0 0"'
	look_at -o "$O"
	tail=$(printf 'd/%.0s' {1..20})
	[ "$(grep -c ' (whiteout-phantom)$' "$OUT")" -eq 1 ] || why "not one whiteout-phantom"
	grep -q "/${tail}p/w: .* (whiteout-phantom)$" "$OUT" || why "its place is missing"
	[ "$KIT_STATUS" -eq 4 ] || why "exit status $KIT_STATUS"
	[ "$(found | wc -l)" -eq 1 ] || why "other findings"
	judge "$MAKING, beyond PATH_MAX"
done

overlay "4,000 levels"
deep "$L" 4000
deep "$U" 4000
long=$O
overlay "1,000 levels"
deep "$L" 1000
deep "$U" 1000
grows_linearly "time grows by the depth" 4 "$O" "$long"

redirects() { # NAME N
	overlay "$1"
	must perl -e 'for (1 .. $ARGV[1]) {
		mkdir "$ARGV[0]/old$_" or die; mkdir "$ARGV[0]/old$_/sub" or die }' "$L" "$2"
	must kit_mount "$O,redirect_dir=on" "$D/m"
	must perl -e 'for (1 .. $ARGV[1]) {
		rename "$ARGV[0]/old$_", "$ARGV[0]/new$_" or die "$!" }' "$D/m" "$2"
	must kit_unmount "$D/m"
}
k=${OVL_LONG:+000} k=${k:-00} # with OVL_LONG=1 ten times as many
redirects "many redirected directories" "80$k"
long=$O
finds "$MAKING"
redirects "fewer redirected directories" "10$k"
grows_linearly "time grows by the number of redirected directories" 8 "$O" "$long"

many() { # NAME N
	overlay "$1"
	must perl -e 'for (1 .. $ARGV[1]) { open F, ">$ARGV[0]/file$_" or die }' "$U" "$2"
	must perl -e 'for (1 .. $ARGV[1]) { open F, ">$ARGV[0]/file$_" or die }' "$L" "$2"
}
many "many files in one directory" "640$k"
long=$O
finds "$MAKING"
many "fewer files in one directory" "80$k"
grows_linearly "time grows by the number of files in a directory" 8 "$O" "$long"

kit_done
