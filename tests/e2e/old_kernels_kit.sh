# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# The overlays that are shown under older kernels: each lies in a folder of $AT. Sourced after
# convert_kit.sh.
#
#	plain      nothing that an old kernel does not know
#	meta       metadata-only files of all kinds, redirects, hard links with an index
#	middle     the same as a lower layer under a new upper
#	nfs        an index of directories and whiteouts
#	data       files whose data is in a data-only layer
#	xwhiteout  whiteouts that are xattrs
#	user       an overlay whose xattrs are user.overlay.*
#	random*    from ovl-random
NAMES=()
declare -A DIRS ALL

# new_overlay NAME LOWERS FEATURES [DATA]: a folder $D with empty layers; LOWERS as for lowerdir= but
# relative, topmost first. FEATURES are options; userxattr, which says how to read the layers, is
# not one that can be off.
new_overlay() {
	local layer lowers=
	D=$AT/$1
	NAMES+=("$1")
	mkdir -p "$D/upper" "$D/work"
	for layer in ${2//:/ }; do
		mkdir -p "$D/$layer"
		lowers+=:$D/$layer
	done
	DIRS[$1]=lowerdir=${lowers#:}${4:+::$D/$4},upperdir=$D/upper,workdir=$D/work
	ALL[$1]=${DIRS[$1]}${3:+,$3}
	case ,$3, in
	*,userxattr,*) DIRS[$1]+=,userxattr ;;
	esac
}

# The tree that the work of through_features is done on.
fill_lower() {
	mkdir -p "$1"/{bin,meta,dir/sub/deep,dirb/s,same,links,replaced/old,deleted,far}
	(
		cd "$1" || exit
		for f in bin/tool meta/{chmod,chown,xattr,acl,cap,time,suid} dir/{f1,f2} dir/sub/{g,h} \
			dir/sub/deep/x dirb/g1 dirb/s/g3 same/inner replaced/old/f deleted/f far/moved; do
			seq -f "$f %g" 400 >"$f"
		done
		chmod 755 bin/tool
		truncate -s 3M meta/sparse
		echo middle | dd of=meta/sparse bs=4096 seek=200 conv=notrunc status=none
		echo end | dd of=meta/sparse bs=4096 seek=767 conv=notrunc status=none
		: >meta/empty
		echo linked >links/one && ln links/one links/two && ln links/one links/three
		echo together >dir/sub/p && ln dir/sub/p dir/sub/q
		ln -s ../bin/tool dir/symlink
		mknod dir/null c 1 3
		mknod dir/fifo p
		chown 12:13 dir/sub/g dir/sub
		chmod 2750 dir/sub
		setfattr -n user.note -v lower dir/sub dir/sub/g
		setfacl -m u:1000:rx,d:u:1001:r dir/sub
		setcap cap_net_raw+ep dir/f1
		touch -d '2001-02-03 04:05:06.789' dir/sub dir/sub/g dir
	)
}

# What users do to it, mounted with all features at the current directory.
through_features() (
	set -e
	chmod 600 meta/chmod
	chown 7:8 meta/chown bin/tool
	chown 1:1 meta/sparse meta/empty
	setfattr -n user.note -v hello meta/xattr
	setfattr -n trusted.note -v "for root" meta/xattr
	setfacl -m u:1000:r meta/acl
	setcap cap_net_admin+ep meta/cap
	touch -d '1999-12-31 23:59:59.5' meta/time
	chmod 4755 meta/suid
	mv dir dir-renamed
	mv dirb far/dirb-moved
	mv dir-renamed/sub far/sub-out
	echo new >dir-renamed/newfile
	chmod 640 far/sub-out/h
	mv far/moved meta/moved && chmod 611 meta/moved
	chmod 444 links/one
	echo more >>links/two
	rm deleted/f
	rm -r replaced/old && mkdir replaced/old && echo other >replaced/old/other
	mkdir dirb && echo "not the old one" >dirb/g9
	mv same same2 && mkdir same
)

run_in() { # NAME FUNCTION
	kit_mount "${ALL[$1]}" "$MNT" || kit_broken "cannot mount $1"
	(cd "$MNT" && "$2") >>"$KIT_DIR/making.log" 2>&1 ||
		kit_broken "cannot make $1: $(tail -n 3 "$KIT_DIR/making.log")"
	kit_unmount "$MNT"
}

through_plain() (
	set -e
	chmod 600 meta/chmod
	echo more >>meta/chown
	rm deleted/f
	rm -r replaced/old && mkdir replaced/old && echo other >replaced/old/other
)

# On top of what through_features left.
through_again() (
	set -e
	chmod 640 meta/chown
	mv far/dirb-moved back
	mv back/s dirb/s
	chown 9 meta/moved far/sub-out/g
	mv meta/moved dirb/moved
	rm meta/empty
	mv dir-renamed/newfile dir-renamed/newer
	mv dir-renamed again
)

through_user() (
	set -e
	rm -r replaced && mkdir replaced && echo other >replaced/other
	rm deleted/f meta/chmod
	echo more >>meta/chown
	chmod 600 bin/tool
)

# Layers as image builders make them: names and metadata in one, content in the other.
make_data() {
	new_overlay data meta redirect_dir=on,metacopy=on data
	mkdir -p "$D/data/ab" "$D/meta/dir"
	local i
	for i in 1 2 3; do
		seq -f "data $i %g" 500 >"$D/data/ab/object$i"
		truncate -s "$(stat -c %s "$D/data/ab/object$i")" "$D/meta/dir/file$i"
		chmod 0$((i + 3))40 "$D/meta/dir/file$i"
		chown "$i" "$D/meta/dir/file$i"
		setfattr -n user.note -v "number $i" "$D/meta/dir/file$i"
		touch -d "2010-01-0$i" "$D/meta/dir/file$i"
		setfattr -n trusted.overlay.metacopy "$D/meta/dir/file$i"
		setfattr -n trusted.overlay.redirect -v "/ab/object$i" "$D/meta/dir/file$i"
	done
	ln "$D/meta/dir/file1" "$D/meta/file1-too"
	echo "data of its own" >"$D/meta/own"
	run_in data through_data
}
through_data() { chmod 444 dir/file2 && mv dir/file3 moved3; }

make_xwhiteout() {
	new_overlay xwhiteout top:bottom ""
	mkdir -p "$D/top/dir/sub" "$D/bottom/dir/sub"
	echo seen >"$D/bottom/dir/seen"
	echo hidden | tee "$D/bottom/dir/hidden" >"$D/bottom/dir/sub/hidden"
	echo "from the top" >"$D/top/dir/more"
	touch "$D/top/dir/hidden" "$D/top/dir/sub/hidden"
	setfattr -n trusted.overlay.whiteout "$D/top/dir/hidden" "$D/top/dir/sub/hidden"
	setfattr -n trusted.overlay.opaque -v x "$D/top/dir" "$D/top/dir/sub"
}

# make_random SEED: one whose layers have names that a shell and an old mount(8) can be given, and none
# with userxattr, which layers below cannot be taken away from
make_random() {
	local name=random$1
	D=$AT/$name
	mkdir "$D"
	"$KIT_TOOLS/ovl-random" -x -s "$1" "$D" >"$KIT_DIR/making.log" 2>&1 &&
		[[ $(cat "$D/options") =~ ^[-_a-zA-Z0-9/.:,=]+$ ]] && ! grep -q userxattr "$D/options" || {
		rm -rf "$D"
		return 1
	}
	NAMES+=("$name")
	DIRS[$name]=$(cat "$D/dirs")
	ALL[$name]=$(cat "$D/options")
}

# make_overlays RANDOM: all of them, in the image JOB.made, and so many random ones
make_overlays() {
	local all=metacopy=on,redirect_dir=on,index=on seed=0 count=0
	NAMES=()
	attach made
	new_overlay plain lower ""
	fill_lower "$D/lower"
	run_in plain through_plain

	new_overlay meta lower "$all"
	fill_lower "$D/lower"
	run_in meta through_features

	new_overlay middle between:lower "$all"
	fill_lower "$D/lower"
	kit_mount "lowerdir=$D/lower,upperdir=$D/between,workdir=$D/work,$all" "$MNT" || kit_broken "no mount"
	(cd "$MNT" && through_features) || kit_broken "cannot make middle"
	kit_unmount "$MNT"
	rm -rf "$D/work" && mkdir "$D/work"
	run_in middle through_again

	new_overlay nfs lower redirect_dir=on,index=on,nfs_export=on
	fill_lower "$D/lower"
	run_in nfs through_features
	make_data
	make_xwhiteout
	new_overlay user lower userxattr
	fill_lower "$D/lower"
	run_in user through_user
	while [ "$count" -lt "$1" ] && [ "$seed" -lt 200 ]; do
		make_random $((seed += 1)) && count=$((count + 1))
	done
	sync -f "$AT"
	detach
}
