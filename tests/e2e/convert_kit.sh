# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# What the tests of conversion for older kernels share: overlays in images of which one at a time is
# mounted at the same place, what a mount shows of them, and whether two views are the same. Sourced
# after kit_start.
#
# A job works on its own images: JOB.made is what the kernel left, JOB.conv what is converted,
# JOB.view a copy to be mounted, since a mount changes the layers. Functions that complain do so on
# standard output; no word means that all is well.

IMAGES=$KIT_DIR/images
[ -d "$IMAGES" ] || mkdir "$IMAGES"
mount -t tmpfs images "$IMAGES" || kit_skip_all "no tmpfs"

# The options of features that the target is not told to have: off, whatever the kernel's defaults are.
OFF=(metacopy=off redirect_dir=nofollow index=off nfs_export=off xino=off)

# new_image TYPE NAME: IMAGES/NAME, an empty file system; returns 1 with the reason in $REPLY. No two
# are the same, so that they may be mounted at the same time.
new_image() {
	local image=$IMAGES/$2 size=128M args=()
	case $1 in
	ext4) args=(-b 4096) ;; # as on a real disk
	xfs) size=320M ;;
	btrfs) size=192M ;;
	esac
	REPLY="cannot make a $1"
	command -v "mkfs.$1" >/dev/null && rm -f "$image" && truncate -s "$size" "$image" &&
		"mkfs.$1" -q "${args[@]}" "$image" >"$image.log" 2>&1 || return 1
	mkdir -p "$KIT_DIR/try"
	REPLY="cannot mount a $1 on a loop device"
	mount -o loop "$image" "$KIT_DIR/try" || return 1
	umount "$KIT_DIR/try"
}

# job NAME: where this job works: $AT, and $MNT for overlays
job() {
	JOB=$1
	AT=$KIT_DIR/$1.at
	MNT=$KIT_DIR/$1.mnt
	mkdir "$AT" "$MNT"
}
# A new file each time: a loop device may still be at work on the old one.
copy() { cp --remove-destination --sparse=always --reflink=auto "$IMAGES/$1" "$IMAGES/$2"; }
attach() {
	IMAGE=$IMAGES/$JOB.$1
	mount -o loop "$IMAGE" "$AT" || kit_broken "cannot mount the image $JOB.$1"
}

# The mount namespace of another job's program may hold ours for a while after it is unmounted here:
# only when the loop device is gone does the image hold everything.
detach() {
	local tries=0
	umount "$AT" || kit_broken "cannot unmount $AT"
	while [ -n "$(losetup -j "$IMAGE")" ]; do
		[ $((tries += 1)) -lt 3000 ] || kit_broken "the loop device of $IMAGE stays"
		sleep 0.01
	done
}

# ready: is conversion there at all? REASON in $REPLY if it is not.
ready() {
	mkdir -p "$KIT_DIR/ready"/{l,u,w}
	kit_fsck "$KIT_DIR/ready/out" -n --to=5.4 \
		-o "lowerdir=$KIT_DIR/ready/l,upperdir=$KIT_DIR/ready/u,workdir=$KIT_DIR/ready/w"
	REPLY=$(grep -m 1 'not built' "$KIT_DIR/ready/out.err") || return 0
	return 1
}

# with_off OPTIONS: these, and all features that they do not name off
with_off() {
	local word all=$1
	for word in "${OFF[@]}"; do
		case ,$1, in
		*",${word%=*}="*) continue ;;
		esac
		# These two are refused together with userxattr, which implies them.
		case ,$1,$word in
		*,userxattr,*,metacopy=off | *,userxattr,*,redirect_dir=nofollow) ;;
		*) all+=,$word ;;
		esac
	done
	REPLY=$all
}

# view OPTIONS LEAVE-OUT: what a mount shows: all that a user sees, times of use for files only; the
# fields to leave out as for treesum -x, or ""
view() {
	if ! kit_mount "$1" "$MNT" 2>"$KIT_DIR/$JOB.mount"; then
		echo "refused: $(cat "$KIT_DIR/$JOB.mount")"
		return
	fi
	kit_treesum -x view -w atime,holes,same ${2:+-x "$2"} "$MNT" 2>&1 | sed -E '/^[^ ]+ f /!s/ atime=[^ ]*//'
	kit_unmount "$MNT"
}

# same_view BEFORE AFTER LAYER...: complains of what differs between two views. Of hard links, what
# belonged together must still do so, unless one name was copied and the other was not; and nothing
# may belong together that did not.
same_view() {
	local before=$1 after=$2
	shift 2
	sed -E 's/ same=[^ ]*//' "$before" >"$before.cut"
	sed -E 's/ same=[^ ]*//' "$after" >"$after.cut"
	cmp -s "$before.cut" "$after.cut" || {
		echo "another view (< before, > after):"
		diff "$before.cut" "$after.cut" | grep '^[<>]' | head -n 20
	}
	perl -e '
		my ($before, $after, @layers) = @ARGV;
		sub groups {
			open(my $in, "<", $_[0]) or die;
			my %of;
			while (<$in>) { $of{$1} = $2 if /^(\S+) .* same=(\S+)/ }
			return \%of;
		}
		# The topmost layer with this name; without redirects that is where the object is.
		sub layer {
			my $path = shift;
			$path =~ s/\\(\\|[0-7]{3})/$1 eq "\\" ? "\\" : chr oct $1/ge;
			for my $i (0 .. $#layers) { return $i if lstat("$layers[$i]$path") }
			return -1;
		}
		my ($old, $new) = (groups($before), groups($after));
		my (%members, %news);
		push @{$members{$old->{$_}}}, $_ for sort keys %$old;
		push @{$news{$new->{$_}}}, $_ for sort keys %$new;
		for my $group (values %members) {
			my %first;
			for my $path (@$group) {
				my $layer = layer($path);
				my $other = $first{$layer} //= $path;
				next if $other eq $path;
				my ($x, $y) = ($new->{$other} // "none", $new->{$path} // "none");
				print "no longer one file: $other $path (layer $layer)\n" if $x ne $y || $x eq "none";
			}
		}
		for my $group (values %news) {
			my $first = $$group[0];
			for my $path (@$group) {
				print "made one file: $first $path\n"
					if ($old->{$first} // "none") ne ($old->{$path} // "none")
						|| (!defined $old->{$path} && $path ne $first);
			}
		}' "$before" "$after" "$@" | head -n 10
}

# layer_sums LAYER... WORK: what undo must bring back; not what a mount makes anew, nor the journals.
layer_sums() {
	kit_treesum -x ctime,dirsize "${@:1:$#-1}"
	kit_treesum -x ctime,dirsize "${@: -1}" |
		grep -vE '^(/|/work|/work/incompat|/\.fsck\.overlay) d ' || :
}

# every_sum LAYER...: everything, to see that nothing was written
every_sum() { kit_treesum "$@"; }

# printed OUT KERNEL: the mount options for the target, in $REPLY
printed() {
	REPLY=$(sed -n "s/^mount options for Linux ${2//./\\.}: //p" "$1")
	[ -n "$REPLY" ]
}

# since WORD: the first kernel that takes this mount option with this value
since() {
	case $1 in
	redirect_dir=follow | redirect_dir=nofollow) REPLY=4.15 ;;
	redirect_dir=*) REPLY=4.10 ;;
	index=*) REPLY=4.13 ;;
	nfs_export=*) REPLY=4.16 ;;
	xino=*) REPLY=4.17 ;;
	metacopy=*) REPLY=4.19 ;;
	volatile) REPLY=5.10 ;;
	userxattr | uuid=off) REPLY=5.11 ;;
	uuid=*) REPLY=6.6 ;;
	verity=*) REPLY=6.6 ;;
	lowerdir+=* | datadir+=*) REPLY=6.8 ;;
	lowerdir=*::*) REPLY=6.5 ;;
	*) REPLY=4.0 ;;
	esac
}

# known_there KERNEL OPTIONS: complains of every option that the target does not take
known_there() {
	local words word
	mapfile -t words < <(sed 's/\\,/\o001/g; s/\\:/\o002/g' <<<"$2" | tr , '\n')
	for word in "${words[@]}"; do
		since "$word"
		[ "$(printf '%s\n%s\n' "$REPLY" "$1" | sort -V | head -n 1)" = "$REPLY" ] ||
			echo "Linux $1 does not take ${word%%=*}=${word#*=}, which came with $REPLY"
	done
}
