#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Random overlays that the kernel made with all features, converted for older kernels: a mount
# without the features shows what a mount with them showed.
#
# For each seed ovl-random makes an overlay in an image. For each target kernel: -n says whether
# there is something to do, and does nothing; the conversion does it; after it -n of both kinds is
# content, a second conversion writes nothing, and --undo brings back every layer as it was. What is
# mounted are copies of the image.
#
#	OVL_SEEDS=N       how many seeds (6; with OVL_LONG=1 150)
#	OVL_FIRST=N       the first one (1)
#	OVL_FS="..."      on what: ext4 xfs btrfs (all of them)
#	OVL_TARGETS="..." kernels (of all a few for each seed; with OVL_LONG=1 all)
#	OVL_LAYERS="..."  which layers to convert (upper all)
#	OVL_JOBS=N        how many at a time (one a processor)
#
# A seed that fails says how to run it again.

# shellcheck source=kit.sh
. "$(dirname "$0")/kit.sh"
kit_start "$@"
# shellcheck source=convert_kit.sh
. "$(dirname "$0")/convert_kit.sh"

long=${OVL_LONG:-}
seeds=${OVL_SEEDS:-${long:+150}}
seeds=${seeds:-6}
first=${OVL_FIRST:-1}
jobs=${OVL_JOBS:-$(nproc)}
read -r -a kinds <<<"${OVL_FS:-ext4 xfs btrfs}"
read -r -a targets <<<"${OVL_TARGETS:-4.0 4.9 4.14 4.18 5.4 5.10 6.1}"
layer_args=()
for layers in ${OVL_LAYERS:-upper all}; do
	# The upper alone is what is done without being asked.
	case $layers in
	upper) layer_args+=("") ;;
	*) layer_args+=("-E layers=$layers") ;;
	esac
done
[ -x "$KIT_TOOLS/ovl-random" ] || kit_broken "no ovl-random in $KIT_TOOLS"

# An overlay for the seed, in the image JOB.made; its options in $dirs and $all, its layers in
# $layers, the view of today in $out.before. Returns 1 if the kernel itself stumbles over it.
make_overlay() {
	local seed=$1 kind=$2 status=0 args=(-x)
	copy "$JOB.empty.$kind" "$JOB.made"
	attach made
	mkdir "$AT/o"
	[ $((seed / 2 % 2)) -eq 0 ] || args+=(-q)
	"$KIT_TOOLS/ovl-random" -s "$seed" "${args[@]}" "$AT/o" >"$out.log" 2>&1 || status=$?
	if [ "$status" -eq 0 ]; then
		all=$(cat "$AT/o/options")
		dirs=$(cat "$AT/o/dirs")
		# How the layers are to be read is no feature that could be off.
		case ,$all, in
		*,userxattr,*) dirs+=,userxattr ;;
		esac
		mapfile -d '' layers <"$AT/o/layers"
	fi
	detach
	[ "$status" -eq 0 ] || return 1
	copy "$JOB.made" "$JOB.view"
	attach view
	view "$all" "" >"$out.before"
	detach
}

# A kernel before 5.15 has no file flags in the overlay, so they cannot be the same there.
left_out() {
	case $1 in
	4.* | 5.4 | 5.10) REPLY=attr ;;
	*) REPLY= ;;
	esac
}

# plain_view KERNEL: what the layers of today show without any feature; fills $out.plain.
plain_view() {
	copy "$JOB.made" "$JOB.view"
	attach view
	with_off "$dirs"
	view "$REPLY" "" >"$out.plain"
	detach
}

# run_fsck WHAT STATUSES ARG...: a run whose exit status must be among these
run_fsck() {
	local what=$1 statuses=$2
	shift 2
	kit_fsck "$out.run" "$@"
	! kit_crashed "$out.run" || echo "$what: crashed: $(tail -n 20 "$out.run.err")"
	case " $statuses " in
	*" $KIT_STATUS "*) return 0 ;;
	esac
	echo "$what: exit status $KIT_STATUS instead of $statuses:"
	head -n 12 "$out.run"
	head -n 5 "$out.run.err"
	return 1
}

# untouched WHAT: are the layers still what $out.sums says?
untouched() {
	every_sum "${layers[@]}" >"$out.now"
	cmp -s "$out.sums" "$out.now" || {
		echo "$1 wrote something:"
		diff "$out.sums" "$out.now" | head -n 10
	}
}

# shows KERNEL OPTIONS: a copy of the converted layers, mounted as was printed, shows the view of
# before.
shows() {
	local without
	left_out "$1"
	without=$REPLY
	copy "$JOB.conv" "$JOB.view"
	attach view
	with_off "$2"
	view "$REPLY" "" >"$out.after"
	if [ -n "$without" ]; then
		sed -E 's/ attr=[^ ]*//' "$out.before" >"$out.before2"
		sed -i -E 's/ attr=[^ ]*//' "$out.after"
	else
		cp "$out.before" "$out.before2"
	fi
	# The lower layers that are left alone have marks that such a kernel takes for xattrs of users.
	case ,$all,$1 in
	*,userxattr*,4.* | *,userxattr*,5.4 | *,userxattr*,5.10)
		sed -i -E 's/ x:user\.overlay\.[^ ]*//g' "$out.before2" "$out.after" ;;
	esac
	same_view "$out.before2" "$out.after" "${layers[@]:$upper_at:1}" "${layers[@]:0:$upper_at}"
	detach
}

# convert_once KERNEL OPTIONS ARG...: the whole round, which ends with the layers of before.
convert_once() {
	local kernel=$1 options=$2 work=${layers[-1]} want=0 print mode=-y
	[ $((seed % 2)) -eq 0 ] || mode=-p # which asks for no more than that
	shift 2
	attach conv
	layer_sums "${layers[@]}" >"$out.layers"
	every_sum "${layers[@]}" >"$out.sums"
	run_fsck "-n before" "0 4" -n "--to=$kernel" "$@" -o "$options" && want=$KIT_STATUS
	untouched "-n before"
	run_fsck "conversion" "$((want / 4))" "$mode" "--to=$kernel" "$@" -o "$options" || {
		detach
		copy "$JOB.made" "$JOB.conv"
		return
	}
	printed "$out.run" "$kernel" || echo "no mount options were printed for Linux $kernel"
	print=$REPLY
	# With a newline in the name of a layer they are no line.
	[[ $options != *$'\n'* ]] || print=${dirs%,userxattr}
	known_there "$kernel" "$print"
	[ "$want" -ne 0 ] || untouched "a conversion of nothing"
	every_sum "${layers[@]}" >"$out.sums"
	run_fsck "-n after" 0 -n "--to=$kernel" "$@" -o "$options"
	run_fsck "check after" 0 -n -o "${print:-$options}"
	run_fsck "conversion once more" 0 -y "--to=$kernel" "$@" -o "$options"
	untouched "a second conversion"
	sync -f "$AT"
	detach
	[ -z "$print" ] || shows "$kernel" "$print"
	attach conv
	if [ "$want" -ne 0 ]; then
		run_fsck "undo" 0 --undo -o "$options"
		layer_sums "${layers[@]}" >"$out.now"
		cmp -s "$out.layers" "$out.now" || {
			echo "undo left something else ($work):"
			diff "$out.layers" "$out.now" | head -n 20
			detach
			copy "$JOB.made" "$JOB.conv"
			return
		}
	elif [ -s "$out.harm" ] && [ "$options" = "$dirs" ]; then
		case $kernel in
		4.*) ;; # other rules than the ones that the plain view was made with
		*)
			echo "nothing to do for $kernel, but without features:"
			cat "$out.harm"
			;;
		esac
	fi
	detach
}

# run_targets: all rounds of an overlay; complaints go to standard output
run_targets() {
	local kernel n=0 which=() args options
	copy "$JOB.made" "$JOB.conv"
	for kernel in "${targets[@]}"; do
		n=$((n + 1))
		[ -n "$long" ] || [ -n "${OVL_TARGETS:-}" ] ||
			[ $(((seed + n) % 4)) -eq 0 ] || continue
		for args in "${layer_args[@]}"; do
			which=("$dirs")
			# Everything that the user asks for, in every other round.
			[ $(((seed + n) % 2)) -ne 0 ] && [ -z "$args" ] && [ -z "$long" ] || which+=("$all")
			[[ $dirs != *$'\n'* ]] || which=("$dirs")
			for options in "${which[@]}"; do
				# shellcheck disable=SC2086 # two words or none
				convert_once "$kernel" "$options" $args >"$out.round"
				[ -s "$out.round" ] || continue
				echo "--to=$kernel $args -o $options"
				sed 's/^/    /' "$out.round"
			done
		done
	done
}

# Upper and work come last in what ovl-random lists; a data-only layer before them.
run_seed() {
	local seed=$1 kind=$2 layers=() all='' dirs='' upper_at
	out=$KIT_DIR/out/$kind.$seed
	if ! make_overlay "$seed" "$kind"; then
		: >"$out.done"
		return
	fi
	upper_at=$((${#layers[@]} - 2))
	plain_view
	same_view "$out.before" "$out.plain" >"$out.harm"
	[ -s "$out.harm" ] || : >"$out.harmless"
	if [ -n "$built" ]; then run_targets; fi >"$out.wrong"
	[ ! -s "$out.wrong" ] ||
		printf 'again: OVL_FS=%s OVL_FIRST=%s OVL_SEEDS=1 OVL_LONG=1 %s\n' "$kind" "$seed" "$0" >>"$out.wrong"
	rm -f "$out".{before,before.cut,before2,before2.cut,plain,plain.cut,harm,after,after.cut,layers,sums,now,run,round,log}
	: >"$out.done"
}

# flat_is_same KIND SEED: the test of the test. The view of today, copied as upper layer over an empty
# lower, is the same view.
flat_is_same() {
	local seed=$2 all='' dirs='' layers=()
	out=$KIT_DIR/out/flat.$1
	make_overlay "$2" "$1" || return 0
	copy "$JOB.made" "$JOB.view"
	attach view
	mkdir "$AT/empty" "$AT/work" "$AT/flat"
	kit_mount "$all" "$MNT" || return
	cp -a "$MNT/." "$AT/flat/"
	kit_unmount "$MNT"
	with_off "lowerdir=$AT/empty,upperdir=$AT/flat,workdir=$AT/work"
	view "$REPLY" "" >"$out.after"
	# cp takes neither flags nor the time that a file was used, and guesses where holes are.
	sed -i -E 's/ (attr|atime)=[^ ]*//g; s/ holes[^ ]*//' "$out.before" "$out.after"
	same_view "$out.before" "$out.after" "$AT/flat" "$AT/empty"
	detach
}

mkdir "$KIT_DIR/out"
built=yes
ready || {
	built=
	kit_skip "conversion" "$REPLY"
}
declare -A why
for kind in "${kinds[@]}"; do
	for ((j = 0; j < jobs; j++)); do
		new_image "$kind" "job$j.empty.$kind" || why[$kind]=$REPLY
	done
	new_image "$kind" "flat.empty.$kind" || why[$kind]=$REPLY
done
for ((j = 0; j < jobs; j++)); do
	(
		trap - EXIT
		job "job$j"
		for ((n = j; n < seeds; n += jobs)); do
			kind=${kinds[n % ${#kinds[@]}]}
			[ -n "${why[$kind]:-}" ] || run_seed $((first + n)) "$kind"
		done
	) &
done
wait

harm=0
job flat
for ((k = 0; k < ${#kinds[@]}; k++)); do
	kind=${kinds[k]}
	if [ -n "${why[$kind]:-}" ]; then
		kit_skip "$kind" "${why[$kind]}"
		continue
	fi
	bad=0 count=0
	for ((n = k; n < seeds; n += ${#kinds[@]})); do
		one=$KIT_DIR/out/$kind.$((first + n))
		count=$((count + 1))
		[ -e "$one.harmless" ] || harm=$((harm + 1))
		[ -e "$one.done" ] || echo "the run of this seed did not end" >>"$one.wrong"
		[ -s "$one.wrong" ] || continue
		bad=$((bad + 1))
		kit_fail "$kind, seed $((first + n))" "$one.wrong"
	done
	[ "$count" -gt 0 ] || continue
	[ -z "$built" ] || [ "$bad" -gt 0 ] || kit_ok "$kind: $count random overlays"
	kit_check "$kind: a copy of what is shown is the same" \
		test -z "$(flat_is_same "$kind" "$first" | tee "$KIT_DIR/flat.log")"
	[ ! -s "$KIT_DIR/flat.log" ] || kit_diag <"$KIT_DIR/flat.log"
done
kit_diag "$harm of $seeds overlays show something else when they are not converted"
[ "$seeds" -lt 6 ] || kit_check "not all of them are harmless" test "$harm" -gt 0
kit_done
