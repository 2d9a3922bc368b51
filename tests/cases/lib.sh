# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# shellcheck disable=SC2094,SC2317,SC2034 # files are only read; the functions are for the case files
#
# The language of the cases. A case is a shell script that makes an overlay, damages it, and says
# what fsck.overlay must find. It is read by run.sh in an empty scratch directory, in a mount
# namespace of its own, under `set -e`: a command that fails makes the case itself broken.
#
# WHAT THE OVERLAY IS
#	fs TYPE               file system of all layers: ext4 xfs btrfs tmpfs; default: what TMPDIR has
#	layers N              number of lower layers (1)
#	data_layers N         number of data-only layers (0)
#	no_upper              a stack of lower layers only
#	options OPT,...       mount options besides the directories, for mounts and for the check
#	args ARG...           more arguments of fsck.overlay
#	target ARG...         those of a conversion, with which --undo is not called
#
# MAKING AND DAMAGING IT; the commands run with `set -e` in the directory named
#	in_lower N 'COMMANDS'   also in_lower1, in_lower2, ... (1 is the topmost)
#	in_data N 'COMMANDS'    also in_data1, ...
#	in_upper 'COMMANDS'     also in_work (the workdir) and in_index (workdir/index)
#	mounted [-o OPT,...] 'COMMANDS'   mounts the overlay (-o: with these options instead), runs,
#	                        unmounts
#	image N squashfs|erofs  lower N becomes a read-only image of what it holds now
#
#	Helpers within COMMANDS, for paths relative to the layer:
#	whiteout PATH...             char device 0:0
#	xset PATH NAME [VALUE]       set trusted.overlay.NAME (with the option userxattr:
#	                             user.overlay.NAME); VALUE as for setfattr: text with \ooo, 0x..., 0s...
#	xdel PATH NAME, xget PATH NAME   xget prints 0x...
#	fh [-u] [-z] PATH            the handle as overlayfs writes it: 0x...; -u for "upper"
#	index_name PATH              the name of the index entry for this lower object
#	fails COMMAND...             true if the command fails; use it, not `!`, which set -e ignores
#
# WHAT MUST BE FOUND
#	expect SLUG PLACE       a warning or an error, for example: expect opaque-value upper:/d
#	                        (bytes in PLACE escaped as the program prints them)
#	expect_info SLUG PLACE  information: only with -v, and not counted
#	expect_converted SLUG PLACE   what a conversion does as a matter of course: counted, but listed
#	                        only with -v, since there may be a million
#	evidence 'TEXT'         the details of the finding last expected contain TEXT
#	ignore_info             do not compare information
#	expect_exit N           instead of 4 with findings and 0 without
#	expect_message 'TEXT'   the output, or what it says on stderr, contains TEXT
#
# WHAT THE KERNEL SAYS, checked after the program had its turn
#	symptom [-o OPT,...] 'COMMANDS'   true in the mounted overlay
#	refused [-o OPT,...] ERRNO        the overlay cannot be mounted: EINVAL, ESTALE, ...
#
# WHAT REPAIR MAKES OF IT: see repair_lib.sh
#
# THE CONTRACT OF EVERY CASE, which run.sh checks by itself
#	With -n the set of (slug, place) is that of all `expect`; with -n -v that and all of
#	`expect_info`; the exit status is 4 if there is an `expect`, else 0; the two runs together
#	change nothing in any layer: no byte, no xattr, no time, not even an atime or a ctime.
#	SLUG.case and SLUG-variant.case expect SLUG; SLUG-not.case, the near miss, and
#	SLUG-variant-not.case have no `expect` at all.

# The variables of a case, as they are before its file is read.
forget_case() {
	C_OPTIONS=
	C_ARGS=()
	C_TARGET=()
	C_LAYERS=1
	C_DATA=0
	C_UPPER=yes
	C_FS=${KIT_FS:-here}
	C_DIR= # the directory of the case; empty until the first layer is needed
	C_EXIT=
	C_IGNORE_INFO=
	C_MESSAGES=()
	C_SYMPTOMS=()
	EXP_SLUG=() EXP_PLACE=() EXP_LEVEL=() EXP_EVIDENCE=()
	R_COMMANDS=() R_LEAVES='' R_ARGS=() R_NOT='' R_FEATURES=
}

# shellcheck source=repair_lib.sh
. "${BASH_SOURCE[0]%/*}/repair_lib.sh"
forget_case

# --- what the overlay is -----------------------------------------------------------------------

early() {
	[ -z "$C_DIR" ] || broken "$1 comes too late: the layers are made already"
}

fs() { early fs && C_FS=$1; }
layers() { early layers && C_LAYERS=$1; }
data_layers() { early data_layers && C_DATA=$1; }
no_upper() { early no_upper && C_UPPER=; }
options() { C_OPTIONS=$1; }
args() { C_ARGS+=("$@"); }
target() { C_TARGET+=("$@"); }

skip() {
	C_DOING=
	printf 'skip %s\n' "$1" >"$OUT/result"
	exit 0
}

broken() {
	C_DOING=$1
	exit 1
}

make_dirs() {
	local i dirs=(mnt work)
	[ -z "$C_DIR" ] || return 0
	kit_fs "$C_FS" || skip "$REPLY"
	C_DIR=$REPLY/$CASE
	for ((i = 1; i <= C_LAYERS; i++)); do dirs+=("lower$i"); done
	for ((i = 1; i <= C_DATA; i++)); do dirs+=("data$i"); done
	[ -z "$C_UPPER" ] || dirs+=(upper)
	mkdir "$C_DIR"
	(cd "$C_DIR" && mkdir "${dirs[@]}")
}

# The option string in $REPLY; $1: instead of the options of the case.
option_string() {
	local i
	make_dirs
	REPLY=lowerdir=
	for ((i = 1; i <= C_LAYERS; i++)); do
		[ "$i" -eq 1 ] || REPLY+=:
		REPLY+=$C_DIR/lower$i
	done
	for ((i = 1; i <= C_DATA; i++)); do REPLY+=::$C_DIR/data$i; done
	[ -z "$C_UPPER" ] || REPLY+=,upperdir=$C_DIR/upper,workdir=$C_DIR/work
	[ -z "$1" ] || REPLY+=,$1
}

# --- making and damaging it --------------------------------------------------------------------

# `set -e` takes no notice of a command behind `!`, so a check written that way checks nothing.
no_bang() {
	[[ ! $1 =~ (^|[\;\&\|\{\(]|$'\n')[[:space:]]*![[:space:]] ]] ||
		broken "write 'fails COMMAND' instead of '! COMMAND': $1"
}

in_dir() {
	C_DOING="$1: $2"
	make_dirs
	no_bang "$2"
	(
		cd "$C_DIR/$1"
		eval "$2"
	) >>"$OUT/log" 2>&1
	C_DOING=
}

in_lower() { in_dir "lower$1" "$2"; }
in_data() { in_dir "data$1" "$2"; }
in_upper() { in_dir upper "$1"; }
in_work() { in_dir work "$1"; }
in_index() { in_dir work/index "$1"; }
for i in 1 2 3 4 5 6 7 8 9; do
	eval "in_lower$i() { in_lower $i \"\$1\"; }; in_data$i() { in_data $i \"\$1\"; }"
done

mounted() {
	local with=$C_OPTIONS
	if [ "$1" = -o ]; then
		with=$2
		shift 2
	fi
	option_string "$with"
	C_DOING="mount -o $REPLY"
	kit_mount "$REPLY" "$C_DIR/mnt" 2>>"$OUT/log"
	in_dir mnt "$1"
	C_DOING="umount after: $1"
	kit_unmount "$C_DIR/mnt" 2>>"$OUT/log"
	C_DOING=
}

image() {
	make_dirs
	mkdir "$C_DIR/image$1"
	cp -a "$C_DIR/lower$1/." "$C_DIR/image$1"
	kit_image "$2" "$C_DIR/image$1" "$C_DIR/lower$1" || skip "cannot make and mount a $2 image"
}

whiteout() {
	local path
	for path; do mknod "$path" c 0 0; done
}

xattr_name() {
	case ,$C_OPTIONS, in
	*,userxattr,*) REPLY=user.overlay.$1 ;;
	*) REPLY=trusted.overlay.$1 ;;
	esac
}

xset() {
	xattr_name "$2"
	if [ -n "${3:-}" ]; then
		setfattr -h -n "$REPLY" -v "$3" -- "$1"
	else
		setfattr -h -n "$REPLY" -- "$1"
	fi
}

xdel() {
	xattr_name "$2"
	setfattr -h -x "$REPLY" -- "$1"
}

xget() {
	xattr_name "$2"
	getfattr -h -e hex -n "$REPLY" --absolute-names -- "$1" | sed -n "s/^$REPLY=//p"
}

fh() { "$KIT_TOOLS/ovl-fh" encode "$@"; }
index_name() { "$KIT_TOOLS/ovl-fh" encode -n "$1"; }

fails() {
	if "$@"; then
		printf 'should have failed: %s\n' "$*" >&2
		return 1
	fi
}

# --- what must be found ------------------------------------------------------------------------

expectation() {
	[ $# -eq 3 ] || broken "expect needs a slug and a place"
	EXP_LEVEL+=("$1")
	EXP_SLUG+=("$2")
	EXP_PLACE+=("$3")
	EXP_EVIDENCE+=("")
}

expect() { expectation counted "$@"; }
expect_info() { expectation info "$@"; }
expect_converted() { expectation routine "$@"; }
expect_exit() { C_EXIT=$1; }
expect_message() { C_MESSAGES+=("$1"); }
ignore_info() { C_IGNORE_INFO=yes; }

evidence() {
	local last=$((${#EXP_SLUG[@]} - 1))
	[ "$last" -ge 0 ] || broken "evidence without expect"
	EXP_EVIDENCE[last]+=${EXP_EVIDENCE[last]:+$'\n'}$1
}

# Kept for later as three words: what, options, commands or text.
later() {
	local what=$1 with=$C_OPTIONS
	shift
	if [ "$1" = -o ]; then
		with=$2
		shift 2
	fi
	[ $# -eq 1 ] || broken "$what needs one argument"
	[ "$what" = refused ] || no_bang "$1"
	C_SYMPTOMS+=("$what" "$with" "$1")
}

symptom() { later symptom "$@"; }
refused() { later refused "$@"; }

# --- comparing ---------------------------------------------------------------------------------

wrong() { printf '%s\n' "$1" >>"$OUT/wrong"; }

# check_evidence FILE LINE TEXT: the details below a finding contain each line of TEXT.
check_evidence() {
	local details part
	details=$(line=$2 awk 'found && !/^[ \t]/ { exit } found { print }
		$0 == ENVIRON["line"] { found = 1 }' "$1")
	while IFS= read -r part; do
		[ -z "$part" ] || [[ $details == *"$part"* ]] || wrong "evidence '$part' not given with: $2"
	done <<<"$3"
}

# match_finding FILE LINE SLUG PLAIN|VERBOSE: finds the expectation that the line fulfils. $seen of
# the caller says which ones were fulfilled before.
match_finding() {
	local i place
	for i in "${!EXP_SLUG[@]}"; do
		[ -z "${seen[i]:-}" ] || continue
		[ "${EXP_SLUG[i]}" = "$3" ] || continue
		[ "$4" = VERBOSE ] || [ "${EXP_LEVEL[i]}" = counted ] || continue
		place=${EXP_PLACE[i]}
		# The whole overlay may be named with or without a path.
		[[ $2 == "$place: "* || $place == overlay && $2 == "overlay:/: "* ]] || continue
		seen[i]=yes
		check_evidence "$1" "$2" "${EXP_EVIDENCE[i]}"
		return 0
	done
	[ "$4" = VERBOSE ] && [ -n "$C_IGNORE_INFO" ] && is_info "$1" "$2" || wrong "not expected ($4): $2"
}

# is_info FILE LINE: does -v say so below the finding?
is_info() {
	line=$2 awk 'found { exit } $0 == ENVIRON["line"] { found = 1; getline; info = /severity: information/ }
		END { exit !info }' "$1"
}

# compare_report FILE PLAIN|VERBOSE: what was found against what was expected.
compare_report() {
	local i line seen=()
	while IFS= read -r line; do
		[[ $line =~ $KIT_FINDING ]] || continue
		match_finding "$1" "$line" "${BASH_REMATCH[3]}" "$2"
	done <"$1"
	for i in "${!EXP_SLUG[@]}"; do
		[ -z "${seen[i]:-}" ] || continue
		[ "$2" = VERBOSE ] || [ "${EXP_LEVEL[i]}" = counted ] || continue
		wrong "not found ($2): ${EXP_SLUG[i]} at ${EXP_PLACE[i]}"
	done
	compare_status "$1" "$2"
}

compare_status() {
	local want=0 text
	case " ${EXP_LEVEL[*]:-} " in *' counted '* | *' routine '*) want=4 ;; esac
	want=${C_EXIT:-$want}
	[ "$KIT_STATUS" -eq "$want" ] || wrong "exit status $KIT_STATUS instead of $want ($2)"
	! kit_crashed "$1" || wrong "it crashed ($2)"
	for text in "${C_MESSAGES[@]}"; do
		grep -qF -e "$text" "$1" "$1.err" || wrong "no message '$text' ($2)"
	done
}

# --- the kernel's word -------------------------------------------------------------------------

show_symptom() {
	local with=$1 commands=$2 status
	option_string "$with"
	if ! kit_mount "$REPLY" "$C_DIR/mnt" 2>"$OUT/mount.err"; then
		wrong "cannot be mounted to show the symptom: $(cat "$OUT/mount.err")"
		return
	fi
	set +e
	(
		set -e
		in_dir mnt "$commands"
	)
	status=$?
	set -e
	[ "$status" -eq 0 ] || wrong "the kernel does not show the symptom: $commands"
	kit_unmount "$C_DIR/mnt"
}

show_refusal() {
	option_string "$1"
	if kit_mount "$REPLY" "$C_DIR/mnt" 2>"$OUT/mount.err"; then
		kit_unmount "$C_DIR/mnt"
		wrong "the kernel mounts it"
	elif ! grep -q "^$2:" "$OUT/mount.err"; then
		wrong "the kernel refuses with another error than $2: $(cat "$OUT/mount.err")"
	fi
}

show_symptoms() {
	local i
	for ((i = 0; i < ${#C_SYMPTOMS[@]}; i += 3)); do
		case ${C_SYMPTOMS[i]} in
		symptom) show_symptom "${C_SYMPTOMS[i + 1]}" "${C_SYMPTOMS[i + 2]}" ;;
		refused) show_refusal "${C_SYMPTOMS[i + 1]}" "${C_SYMPTOMS[i + 2]}" ;;
		esac
	done
}

# --- one case ----------------------------------------------------------------------------------

# The name of a case says what it must expect.
check_name() {
	local i
	case $CASE in
	*-not)
		[[ " ${EXP_LEVEL[*]:-} " != *' counted '* && " ${EXP_LEVEL[*]:-} " != *' routine '* ]] ||
			broken "a near miss expects nothing"
		return 0
		;;
	esac
	for i in "${!EXP_SLUG[@]}"; do
		case $CASE in "${EXP_SLUG[i]}" | "${EXP_SLUG[i]}"-*) return 0 ;; esac
	done
	broken "the case does not expect the slug that it is named after"
}

# tree_sum NAME DIR...: 1 says that something cannot be read, which may be what the case is about.
tree_sum() {
	local status=0
	kit_treesum "${@:2}" >"$OUT/$1" || status=$?
	[ "$status" -le 1 ] || broken "cannot list the layers"
}

# run_case FILE: reads the case, runs the program, leaves the verdict in $OUT/result and $OUT/wrong.
run_case() {
	local trees=()
	set -e
	trap leave_case EXIT
	# shellcheck disable=SC1090
	. "$1"
	C_DOING="checking the name"
	check_name
	C_DOING="running the program"
	option_string "$C_OPTIONS"
	for tree in "$C_DIR"/lower* "$C_DIR"/data* "$C_DIR"/upper "$C_DIR"/work; do
		[ ! -d "$tree" ] || trees+=("$tree")
	done
	tree_sum before "${trees[@]}"
	kit_fsck "$OUT/plain" -n -o "$REPLY" "${C_ARGS[@]}" "${C_TARGET[@]}"
	compare_report "$OUT/plain" PLAIN
	kit_fsck "$OUT/verbose" -n -v -o "$REPLY" "${C_ARGS[@]}" "${C_TARGET[@]}"
	compare_report "$OUT/verbose" VERBOSE
	tree_sum after "${trees[@]}"
	cmp -s "$OUT/before" "$OUT/after" ||
		wrong "the check changed something: $(diff "$OUT/before" "$OUT/after")"
	repair_contract
	C_DOING="asking the kernel"
	show_symptoms
	look_at_repairs "$1"
	C_DOING=
	printf 'done\n' >"$OUT/result"
}

# However the case ended: no mount stays, and there is a verdict.
leave_case() {
	local at=$BASH_COMMAND
	trap - EXIT
	cd /
	if [ ! -e "$OUT/result" ]; then
		wrong "the case itself is broken at: ${C_DOING:-$at}"
		printf 'broken\n' >"$OUT/result"
		[ ! -e "$OUT/log" ] || sed 's/^/  /' "$OUT/log" >>"$OUT/wrong"
	fi
	[ -z "$C_DIR" ] || [ -n "${KIT_KEEP:-}" ] || kit_remove "$C_DIR"
}
