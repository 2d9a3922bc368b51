#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Converted layers under real older kernels: 5.10 and 6.1, from the distribution's packages (see
# tests/vm). First the harm: what overlays with new features look like there, and under this kernel
# without these features. Then the conversion: the same layers, converted, show there what they show
# here.
#
# It boots machines and downloads kernels, so that it runs only with OVL_LONG=1 (make check-long).
#
#	OVL_VM_DIR=DIR        where the kernels are kept (default: tests/vm of the build)
#	OVL_KERNELS="..."     the kernels to run (5.10 6.1 uml)
#	OVL_TARGETS="..."     the kernels to convert for (6.1 5.10 4.14 4.9)
#	OVL_FS="..."          on what (ext4 xfs btrfs)
#	OVL_SEEDS=N           so many random overlays besides those made by hand (12)

# shellcheck source=kit.sh
. "$(dirname "$0")/kit.sh"
[ -n "${OVL_LONG:-}" ] || kit_skip_all "boots older kernels: only with OVL_LONG=1"
kit_start "$@"
# shellcheck source=convert_kit.sh
. "$(dirname "$0")/convert_kit.sh"
# shellcheck source=old_kernels_kit.sh
. "$(dirname "$0")/old_kernels_kit.sh"

export OVL_VM_DIR=${OVL_VM_DIR:-$KIT_BUILD/tests/vm}
VM=$KIT_SRC/tests/vm
read -r -a wanted <<<"${OVL_KERNELS:-5.10 6.1 uml}"
read -r -a targets <<<"${OVL_TARGETS:-6.1 5.10 4.14 4.9}"
read -r -a kinds <<<"${OVL_FS:-ext4 xfs btrfs}"
seeds=${OVL_SEEDS:-12}
WHY=$KIT_DIR/why
job vm

# older A B: is A an older kernel than B? User-mode Linux is a 6.1.
older() {
	local a=${1/uml/6.1} b=${2/uml/6.1}
	[ "$a" != "$b" ] && [ "$(printf '%s\n' "$a" "$b" | sort -V | head -n 1)" = "$a" ]
}

# one_view: a listing as it can be compared between kernels: hard links by the first name. A single one
# is none: with an index for NFS this kernel counts the name in the index.
one_view() {
	awk '{ line[NR] = $0
			for (i = NF; i > 1; i--) if ($i ~ /^same=/) {
				if (!($i in first)) first[$i] = $1
				count[$i]++
				same[NR] = $i
				at[NR] = i } }
		END { for (n = 1; n <= NR; n++) {
			$0 = line[n]
			if (n in same) $at[n] = count[same[n]] > 1 ? "same=" first[same[n]] : ""
			gsub(/  +/, " ")
			print } }'
}

# How a listing is made, here and there.
LIST="treesum -x view,attr -w holes,same"

# here IMAGE OPTIONS-OF OUT: a listing of each overlay of the image in OUT.NAME, under this kernel;
# OPTIONS-OF NAME puts its mount options into $REPLY.
here() {
	local name
	copy "$JOB.$1" "$JOB.view"
	attach view
	for name in "${NAMES[@]}"; do
		"$2" "$name"
		if kit_mount "$REPLY" "$MNT" 2>"$KIT_DIR/mount.err"; then
			"$KIT_TOOLS"/$LIST "$MNT" 2>&1 | one_view >"$3.$name"
			kit_unmount "$MNT"
		else
			echo "refused: $(cat "$KIT_DIR/mount.err")" >"$3.$name"
		fi
	done
	detach
}

# there KERNEL IMAGE OPTIONS-OF OUT: the same under an older kernel. Returns 1 if it did not run.
there() {
	local name KERNEL=$1
	{
		echo 'mkdir /tmp/m'
		for name in "${NAMES[@]}"; do
			"$3" "$name"
			printf 'echo "== %s"\n' "$name"
			printf "if mount -t overlay overlay -o '%s' /tmp/m 2>/tmp/err; then\n" \
				"${REPLY//"$AT"//mnt}"
			printf '%s /tmp/m; umount /tmp/m\nelse echo "refused: $(cat /tmp/err)"; fi\n' "$LIST"
		done
		echo 'echo "== end"'
	} >"$4.script"
	"$VM/run-vm.sh" "$1" "$IMAGES/$JOB.$2" "$4.script" >"$4.all" 2>"$4.err" || return 1
	grep -qx '== end' "$4.all" || return 1
	for name in "${NAMES[@]}"; do
		awk -v name="$name" '/^== / { on = $2 == name; next } on' "$4.all" | one_view >"$4.$name"
	done
}

with_features() { REPLY=${ALL[$1]}; }
# As it is mounted where nobody knows of the features.
without_features() {
	local options=${DIRS[$1]}
	! older "${KERNEL:-6.18}" 5.11 || options=${options%,userxattr}
	with_off "$options"
}
# As the conversion said.
as_printed() { with_off "${PRINTED[$1]:-${DIRS[$1]}}"; }

# harm NAME WHAT FILE: the overlay must show something else there, if it is one that can
harm() {
	[ -s "$3" ] || kit_broken "no listing of $1 under $2"
	if ! cmp -s "$KIT_DIR/before.$1" "$3"; then
		echo "$1, not converted, $2: $(diff "$KIT_DIR/before.$1" "$3" | grep -c '^[<>]') lines differ, such as" \
			"$(diff "$KIT_DIR/before.$1" "$3" | sed -n 's/^>/shown:/p;' | cut -c1-150 | tail -n 1)"
		return 0
	fi
	return 1
}

# show_harm: what happens without a conversion
show_harm() {
	local kernel name
	here made without_features "$KIT_DIR/plain"
	for name in meta middle nfs; do
		kit_check "$1: $name without its features is another tree here" \
			harm "$name" "here" "$KIT_DIR/plain.$name"
		kit_diag <"$KIT_DIR/check.log"
	done
	for kernel in "${kernels[@]}"; do
		there "$kernel" made without_features "$KIT_DIR/plain.$kernel" || {
			kit_fail "$1: $kernel runs" "$KIT_DIR/plain.$kernel.err"
			continue
		}
		for name in meta middle nfs data xwhiteout user; do
			[ "$name" != user ] || older "$kernel" 5.11 || continue
			kit_check "$1: $name is another tree under $kernel" \
				harm "$name" "under $kernel" "$KIT_DIR/plain.$kernel.$name"
			kit_diag <"$KIT_DIR/check.log"
		done
		kit_check "$1: an overlay without features is the same under $kernel" \
			diff "$KIT_DIR/before.plain" "$KIT_DIR/plain.$kernel.plain"
	done
}

# convert_all TARGET ARG...: every overlay of the image made, in the image conv; options in PRINTED
convert_all() {
	local target=$1 name
	shift
	PRINTED=()
	copy "$JOB.made" "$JOB.conv"
	attach conv
	for name in "${NAMES[@]}"; do
		kit_fsck "$KIT_DIR/run" -y "--to=$target" "$@" -o "${DIRS[$name]}"
		case $KIT_STATUS in
		0 | 1) ;;
		*)
			echo "$name: exit status $KIT_STATUS:"
			head -n 12 "$KIT_DIR/run" "$KIT_DIR/run.err"
			continue
			;;
		esac
		printed "$KIT_DIR/run" "$target" || REPLY=
		PRINTED[$name]=$REPLY
		[ -n "$REPLY" ] || echo "$name: no mount options were printed"
	done
	detach
}

# compare OUT: what is there instead of what was before. In random overlays a name that is copied up may
# have had others that are not.
compare() {
	local name
	for name in "${NAMES[@]}"; do
		[[ $name != random* ]] || sed -i -E 's/ same=[^ ]*//' "$KIT_DIR/before.$name" "$1.$name"
	done
	for name in "${NAMES[@]}"; do
		[ -n "${PRINTED[$name]:-}" ] || continue
		diff "$KIT_DIR/before.$name" "$1.$name" >"$KIT_DIR/diff" || {
			echo "$name, mounted with ${PRINTED[$name]}:"
			head -n 10 "$KIT_DIR/diff"
		}
	done
}

# show_conversion KIND TARGET ARG...
show_conversion() {
	local kind=$1 target=$2 kernel what
	shift 2
	what="$kind: --to=$target $*"
	convert_all "$target" "$@" >"$WHY"
	if [ -s "$WHY" ]; then
		kit_fail "$what" "$WHY"
	else
		kit_ok "$what"
	fi
	for kernel in "${kernels[@]}"; do
		! older "$kernel" "$target" || continue
		there "$kernel" conv as_printed "$KIT_DIR/there" || {
			kit_fail "$what: $kernel runs" "$KIT_DIR/there.err"
			continue
		}
		compare "$KIT_DIR/there" >"$WHY"
		[ ! -s "$WHY" ] && kit_ok "$what, under $kernel" || kit_fail "$what, under $kernel" "$WHY"
	done
}

kernels=()
for kernel in "${wanted[@]}"; do
	if "$VM/setup.sh" "$kernel" 2>"$WHY"; then
		kernels+=("$kernel")
	else
		kit_skip "kernel $kernel" "$(tail -n 1 "$WHY")"
	fi
done
[ ${#kernels[@]} -gt 0 ] || kit_done

built=yes
ready || {
	built=
	kit_skip "conversion" "$REPLY"
}
declare -A PRINTED
for kind in "${kinds[@]}"; do
	if ! new_image "$kind" "$JOB.made"; then
		kit_skip "$kind" "$REPLY"
		continue
	fi
	make_overlays "$seeds"
	here made with_features "$KIT_DIR/before"
	! grep -l '^refused' "$KIT_DIR"/before.* || kit_broken "an overlay cannot be mounted"
	[ "$kind" != "${kinds[0]}" ] || show_harm "$kind"
	[ -n "$built" ] || continue
	for target in "${targets[@]}"; do
		[ "$kind" = "${kinds[0]}" ] || [ "$target" = 5.10 ] || continue
		show_conversion "$kind" "$target"
		show_conversion "$kind" "$target" -E layers=all
	done
done
kit_done
