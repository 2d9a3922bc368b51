#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What is to be repaired has names that look like something else, lies deeper than any path may be long,
# or bears xattrs as large as they can be: it is repaired and taken back like everything else.

# shellcheck disable=SC2016,SC2034 # the commands in quotes are for into and through
# shellcheck source=kit.sh
. "$(dirname "$0")/kit.sh"
kit_start "$@"
# shellcheck source=layers_kit.sh
. "$(dirname "$0")/layers_kit.sh"
# shellcheck source=hostile_kit.sh
. "$(dirname "$0")/hostile_kit.sh"

sums() {
	kit_treesum -x ctime,dirsize,atime "$D/upper" "$D/lower1" "$D/work" |
		grep -vE '\.fsck\.overlay|work:/ |work:/work(/incompat)? '
}

# there_and_back STATUS: -y, which ends so; -n, which finds nothing then (after 1); --undo
there_and_back() {
	local status
	watch
	sums >"$KIT_DIR/before"
	writes -y
	status=$KIT_STATUS
	[ "$status" -eq "$1" ] || why "-y: exit status $status instead of $1"
	found >"$KIT_DIR/left"
	look_at -o "$O"
	found | diff "$KIT_DIR/left" - >>"$WHY" || :
	[ "$status" -ne 1 ] || want_found
	writes --undo -n
	ends 0
	writes --undo
	ends 0
	sums | diff "$KIT_DIR/before" - | cut -c1-300 | head -n 10 >>"$WHY" || :
}

on tmpfs || kit_skip_all "$REPLY"
names=(
	$'x\nupper:: redirect is malformed (redirect-syntax)' $'x\r\n' "${ESC}[2J${ESC}]0;title"$'\a'
	$'\302\2332J' $'\342\200\256' $'\377\376' 'a"b\c' "'" '%s%n%d' ' ' $'\t' $'\b\b' '$(reboot)' '-n' '--undo'
	'...' '..x' '\' '*' '#1' ':' ',' '.wh.x' '.fsck.overlay' 'saved' "$(printf 'x%.0s' {1..255})"
	"$(printf '\001%.0s' {1..255})"
)
overlay "names"
canary
for name in "${names[@]}"; do
	must mkdir -p "$U/$name" "$L/$name" "$U/d/$name" "$D/work/work/$name/$name/$name/$name"
	must mknod "$U/$name/$name" c 0 0
	xset "$U/$name" opaque y
	xset "$U/d/$name" opaque nonsense
	echo data >"$U/d/$name/$name"
	xset "$U/d/$name/$name" protattr zai
	[ ${#name} -lt 255 ] || continue # too long with the "f"
	seq 2000 | tee "$L/f$name" >"$U/f$name"
	xset "$U/f$name" metacopy
done
O=$O,metacopy=on,index=on,redirect_dir=on
there_and_back 1
judge "$MAKING"

for type in tmpfs ext4 ${OVL_LONG:+xfs btrfs}; do
	on "$type" || {
		kit_skip "deeper than a path on $type" "$REPLY"
		continue
	}
	overlay "deeper than a path on $type"
	canary
	deep "$U" 3000 'system("mkdir o n && mknod o/w c 0 0 && setfattr -n trusted.overlay.opaque -v y o &&
		setfattr -n trusted.overlay.opaque -v nonsense n && echo x >f &&
		setfattr -n trusted.overlay.protattr -v zai f") and die'
	there_and_back 1
	judge "$MAKING"
done

large=$(perl -e 'print "x" x 65000')
for type in tmpfs ${OVL_LONG:+xfs btrfs}; do
	if ! on "$type" || ! setfattr -n trusted.probe -v "$large" "$TOP" 2>>"$LOG"; then
		kit_skip "large xattrs on $type" "it does not take them"
		continue
	fi
	overlay "large xattrs on $type"
	canary
	into "$L" 'echo data >redirect'
	for name in redirect origin opaque impure metacopy nlink upper uuid protattr whiteout nonsense; do
		# Not all at once on one object: btrfs and xfs have an end.
		into "$U" "mkdir d$name; echo data >f$name; ln -s x l$name"
		xset "$U/d$name" "$name" "$large"
		xset "$U/f$name" "$name" "$large"
		xset "$U/l$name" "$name" "$large"
		setfattr -n trusted.other -v "$large" "$U/d$name" 2>>"$LOG" || :
	done
	there_and_back 4
	judge "$MAKING"
done

kit_done
