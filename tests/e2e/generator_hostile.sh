#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# fsck-overlay-generator neither fails, speaks, nor writes elsewhere, whatever lies in the folder that
# it is given and whatever it reads.

# shellcheck source=kit.sh
. "$(dirname "$0")/kit.sh"
kit_start "$@"
# shellcheck source=generator_kit.sh
. "$(dirname "$0")/generator_kit.sh"
make_root || kit_skip_all "cannot make a root of its own"
template

# --- what is there already -----------------------------------------------------------------------

line /srv/m "$LAYERS" 2 | fstab
generate
listing >"$KIT_DIR/first"
again
logged "cannot write srv-m.mount.d/50-fsck-overlay.conf: File exists"
expect "what is there is not written over" <"$KIT_DIR/first"
mkdir -p "$ROOT/victim"
echo precious >"$ROOT/victim/file"
plant() { rm -rf "${GEN:?}" && mkdir "$GEN"; }
plant
ln -s /victim "$GEN/srv-m.mount.d"
ln -s /victim "$GEN/fsck-overlay@srv-m.service.d"
again
logged "cannot write fsck-overlay@srv-m.service.d/50-layers.conf: "
judge "a symlink in place of the folder"
plant
mkdir "$GEN/srv-m.mount.d" "$GEN/fsck-overlay@srv-m.service.d"
ln -s /victim/file "$GEN/srv-m.mount.d/50-fsck-overlay.conf"
ln -s /victim/new "$GEN/fsck-overlay@srv-m.service.d/50-layers.conf"
again
judge "a symlink in place of the file"
plant
: >"$GEN/srv-m.mount.d"
mkfifo "$GEN/fsck-overlay@srv-m.service.d"
again
judge "something else in place of the folder"
plant
mkdir "$GEN/fsck-overlay@srv-m.service.d"
: >"$GEN/fsck-overlay@srv-m.service.d/50-layers.conf"
again
listing | grep -q Requires= && why "a check that could not be ordered is required"
judge "half of it: the mount does not need the check"
mount -t tmpfs -o size=64k,nr_inodes=4 small "$GEN"
again
find "$GEN" -type f -size 0 >>"$WHY"
logged "No space left on device"
judge "no room"
umount "$GEN"
for args in "" "/nowhere" "/etc/fstab" "/dev/null" "$TARGET"; do
	: >"$KMSG"
	# shellcheck disable=SC2086 # none, or one
	env -i PATH="$PATH" SYSTEMD_PROC_CMDLINE= SYSTEMD_IN_INITRD=0 chroot "$ROOT" /generator $args >"$KIT_DIR/stdout" 2>&1 ||
		why "exit status $?"
	[ ! -s "$KIT_DIR/stdout" ] || why "$(cat "$KIT_DIR/stdout")"
	judge "called with '$args'"
done
generate SYSTEMD_SCOPE=user
names "for a user nothing is mounted"
env -i PATH="$PATH" SYSTEMD_LOG_TARGET=console SYSTEMD_PROC_CMDLINE= chroot "$ROOT" /generator /nowhere \
	>"$KIT_DIR/stdout" 2>"$KIT_DIR/stderr"
[ ! -s "$KIT_DIR/stdout" ] && grep -q "cannot open the folder '/nowhere'" "$KIT_DIR/stderr" ||
	why "$(cat "$KIT_DIR/stderr")"
judge "SYSTEMD_LOG_TARGET=console, as for systemd's own"
rm "$KMSG"
line /srv/m "lowerdir=::" 2 | fstab
generate
judge "there is no log"

# --- hostile -------------------------------------------------------------------------------------

# The name of an option, of a folder, or of a unit must not lead anywhere.
{
	line '/../../victim/x' "$LAYERS" 2
	line '/srv/../victim' "$LAYERS" 2
	line '/srv/m]
[Service' "$LAYERS" 2
	line "$(octal $'/srv/m\n[Service]\nExecStart=/bin/evil')" "$(octal $'lowerdir=/l\n[Service]\nExecStart=/bin/evil:/x\\\ny')" 2
	line '/srv/%n%%' 'lowerdir=/%n:/"
ExecStart=/bin/evil' 2
	printf 'overlay /srv/nul\0x overlay lowerdir=/a\0b:/c 0 2\n'
	printf '\xff\xfe overlay\toverlay lowerdir=/x 0 2\noverlay /y overlay lowerdir=/\xed\xa0\x80,x-fsck.overlay\n'
	echo "overlay /srv/m overlay $LAYERS 0 99999999999999999999"
	echo "overlay /srv/n overlay $LAYERS 0 -1"
} | fstab
generate
grep -rl '^ExecStart\|^\[Service' "$GEN" >>"$WHY"
find "$GEN" -type f | while read -r file; do
	sed '1,3d' "$file" | grep -vE '^(RequiresMountsFor="/.*"|SourcePath=/.*|(Requires|After)=fsck-overlay@[^ ]*\.service)$' &&
		echo "in $file"
done >>"$WHY"
judge "lines that want to become other settings"
many() { perl -e 'for (0 .. 99999) { (my $l = $ARGV[0]) =~ s/#/$_/g; print "$l\n" }' "$1"; }
many "/dev/d# /srv/# ext4 defaults 0 2" | fstab
line /srv/m "$LAYERS" 2 >>"$ROOT/etc/fstab"
generate
names "100,000 lines of something else" srv-m
many "overlay /srv/# overlay lowerdir=/l#,upperdir=/u#,workdir=/w# 0 0" | fstab
line /srv/m "$LAYERS" 2 >>"$ROOT/etc/fstab"
generate
names "100,000 overlays that do not ask" srv-m
many "overlay /srv/# overlay lowerdir=/l#,upperdir=/u#,workdir=/w# 0 2" | fstab
generate
find "$GEN" -type f | wc -l | grep -qx 200000 || why "$(find "$GEN" -type f | wc -l) files"
judge "100,000 that do"
many "overlay /srv/m overlay lowerdir=/l#,upperdir=/u,workdir=/w 0 2" | fstab
generate
names "100,000 times the same" srv-m
many "# \"'\\#" | fstab
generate
names "100,000 lines of nothing"
many "overlay relative# overlay lowerdir=:: 0 2" | fstab
generate
[ "$(wc -l <"$KMSG")" -le 25 ] && grep -q "more messages left out" "$KMSG" ||
	why "$(wc -l <"$KMSG") messages"
names "100,000 that make no sense, and few words about them"
perl -e 'print "overlay /srv/m overlay lowerdir=/l", (map { ":/l$_" } 1 .. 100000), ",x-fsck.overlay 0 0\n"' | fstab
generate
names "100,000 layers" srv-m
perl -e 'print "overlay ", "/a" x 500000, " overlay lowerdir=/l,x-fsck.overlay 0 0\n"' | fstab
generate
names "a mount point of a million bytes"
: >"$ROOT/etc/fstab"
perl -e 'print "[Mount]\nWhere=/srv/m\nType=overlay\n", "Options=lowerdir=/a:/b\n" x 50000,
	"Options=x-fsck.overlay,lowerdir=/a", ":/b\\\n  " x 50000, "\n"' >"$ETC/srv-m.mount"
generate
judge "a unit of 100,000 lines"
rm "$ETC/srv-m.mount"
perl -e 'for (1 .. 20000) { open my $f, ">", "$ARGV[0]/srv-$_.mount"; print $f
	"[Mount]\nWhere=/srv/$_\nType=overlay\nOptions=lowerdir=/a:/b", $_ % 100 ? "" : ",x-fsck.overlay", "\n" }' "$ETC"
generate
find "$GEN" -type f | wc -l | grep -qx 400 || why "$(find "$GEN" -type f | wc -l) files"
judge "20,000 units"
no_units

# Cut anywhere, then with bytes changed: it does not matter what comes out, but that nothing else does.
step=13
bent=60
[ "${OVL_LONG:-}" != 1 ] || step=1 bent=2000
{
	line /srv/m "$LAYERS,x-fsck.overlay=yes" 2
	line '/srv/sp\040ace' "lowerdir=/a\\134:b::/d,x-fsck.overlay,nofail,noauto"
} >"$KIT_DIR/fstab.seed"
unit "$KIT_DIR" seed /srv/u "$LAYERS,x-fsck.overlay=preen,context=\"a,b\""
printf '[X]\n[Mount]\nOptions=\\\n  lowerdir=/a%%%%:\\\n# c\n/b\n' >>"$KIT_DIR/seed.mount"
# bend FILE SEED: some of its bytes changed
bend() {
	perl -e 'local $/; srand $ARGV[1]; open my $f, "<", $ARGV[0]; my $s = <$f>;
		for (1 .. 1 + rand 6) { my $at = rand length $s;
			my $by = rand() < .5 ? chr rand 256 : (split //, "\\\"%:,=\n \t#/[]\0")[rand 15];
			rand() < .7 ? substr($s, $at, 1) = $by : rand() < .5 ? substr($s, $at, 3) = "" :
				substr($s, $at, 0) = $by x (1 + rand 3) }
		print $s' "$1" "$2"
}
try() {
	[ ! -s "$WHY" ] || return
	generate
	[ ! -s "$WHY" ] || why "with $1"
}
size=$(stat -c %s "$KIT_DIR/fstab.seed")
for ((i = 0; i <= size; i += step)); do
	head -c "$i" "$KIT_DIR/fstab.seed" >"$ROOT/etc/fstab"
	try "fstab cut at $i"
done
judge "an fstab that is cut anywhere"
: >"$ROOT/etc/fstab"
size=$(stat -c %s "$KIT_DIR/seed.mount")
for ((i = 0; i <= size; i += step)); do
	head -c "$i" "$KIT_DIR/seed.mount" >"$ETC/srv-u.mount"
	try "unit cut at $i"
done
judge "a unit that is cut anywhere"
for ((i = 0; i < bent; i++)); do
	bend "$KIT_DIR/fstab.seed" "$i" >"$ROOT/etc/fstab"
	bend "$KIT_DIR/seed.mount" "$i" >"$ETC/srv-u.mount"
	try "seed $i"
done
judge "both with bytes that were changed"
for kind in fifo dir link; do
	rm -rf "$ROOT/etc/fstab" "$ETC/srv-u.mount"
	for file in "$ROOT/etc/fstab" "$ETC/srv-u.mount"; do
		case $kind in
		fifo) mkfifo "$file" ;;
		dir) mkdir "$file" ;;
		link) ln -s "${file##*/}" "$file" ;;
		esac
	done
	generate
	judge "a $kind in place of fstab and of a unit"
done
kit_done
