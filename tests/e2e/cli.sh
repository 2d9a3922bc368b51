#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The command line and the report: what fsck.overlay(8) says about options, operands and findings.

# shellcheck source=kit.sh
. "$(dirname "$0")/kit.sh"
kit_start "$@"
# shellcheck source=cli_kit.sh
. "$(dirname "$0")/cli_kit.sh"

# --- usage ---------------------------------------------------------------------------------------

run 8 "no mode and no terminal to ask at" empty out err "no terminal" err "one of -n, -p and -y" -- \
	-o "$GOOD"
run 16 "no mode and --json" json '.exit_code == 16' err "--json cannot ask" -- --json -o "$GOOD"

for modes in "-n -p" "-n -a" "-n -y" "-p -y" "-a -y" "-ny"; do
	# shellcheck disable=SC2086 # words are meant to be split
	run 16 "$modes: only one mode" empty out err "only one of" -- $modes -o "$GOOD"
done
run 0 "the same mode twice" -- -n -n -o "$GOOD"

usage() {
	run 16 "$1" empty out err "$2" err "--help" -- "${@:3}"
}
usage "unknown letter" "-Q" -n -Q -o "$GOOD"
usage "unknown word" "--nonsense" -n --nonsense -o "$GOOD"
usage "-o without operand" "-o needs a value" -n -o
usage "-C is no number" "file descriptor" -n -C x -o "$GOOD"
usage "-j 0" "1 to 256" -n -j 0 -o "$GOOD"
usage "-j 257" "1 to 256" -n -j 257 -o "$GOOD"
usage "unknown color" "auto, always or never" -n --color=blue -o "$GOOD"
usage "unknown key of -E lists the valid ones" \
	"lower=auto|rw|ro, keep-journals=N, layers=upper|all, accept-loss, trust-lower, problem.SLUG" -n -E nonsense -o "$GOOD"
usage "bad value of -E" "auto, rw or ro" -n -E lower=maybe -o "$GOOD"
usage "keep-journals=0" "1 to 1000" -n -E keep-journals=0 -o "$GOOD"
usage "-p and --undo" "does not go together" -p --undo -o "$GOOD"
usage "-A and a mount point" "-A finds the overlays itself" -A -n "$TOP/good/m"
usage "-A and -o" "-A finds the overlays itself" -A -n -o "$GOOD"
usage "-A and --undo" "for one overlay" -A --undo
usage "unknown problem in -E" "--list-problems" -n -E problem.nonsense=info -o "$GOOD"
usage "unreadable stays an error" "stays an error" -n -E problem.unreadable=ignore -o "$GOOD"

run 16 "no overlay named" empty out err "which overlay?" -- -n
run 16 "nothing at all" empty out err "which overlay?" err "--help" --
run 16 "two operands" empty out err "one overlay" -- -n /a /b
run 16 "layers with -o and a place" empty out err "layers are given with -o" -- \
	-n -o "$GOOD" "$TOP/good/m"
run 16 "options without layers" empty out err "lowerdir=" -- -n -o index=on
run 16 "an escape in an option does not reach the terminal" no-err "$ESC" err '\033[2J' -- \
	-n "--${ESC}[2J" -o "$GOOD"

# --- what needs no overlay -----------------------------------------------------------------------

for option in -V --version; do
	run 0 "$option" like 'fsck\.overlay [0-9][0-9.a-z-]*' lines 1 empty .err -- "$option"
done
for option in -h --help; do
	run 0 "$option" out "Usage: fsck.overlay" empty .err -- "$option"
done
run 0 "--list-problems" like 'meta-no-lowerdata +error +[a-z].*' empty .err -- --list-problems
cp "$OUT" "$KIT_DIR/list"
run 0 "--explain=list is the same" empty .err -- --explain=list
kit_check "both lists are equal" cmp "$KIT_DIR/list" "$OUT"
while read -r slug _; do
	kit_fsck "$OUT" "--explain=$slug"
	look 0 empty .err like "$slug \(0x[0-9a-f]{4}, (information|warning|error)\)" \
		line "What you see:" line "How it comes about:" line "What can be done:"
done <"$KIT_DIR/list"
judge "each of $(wc -l <"$KIT_DIR/list") problems is explained"
run 16 "a misspelt problem" empty out err "similar: meta-no-lowerdata" -- --explain=meta-no-lowrdata
run 16 "an unknown problem" empty out err "--list-problems" -- --explain=zzzzzzzzzzzzzzzz
run 0 "--json --explain" json '.problems[0].slug == "meta-no-lowerdata" and (.problems[0].cause | length > 0)' -- \
	--json --explain=meta-no-lowerdata
run 0 "--json --list-problems" json "(.problems | length) == $(wc -l <"$KIT_DIR/list")" -- \
	--json --list-problems

# --- the report ----------------------------------------------------------------------------------

run 0 "a healthy overlay" like "$SUMMARY" lines 1 empty .err -- -n -o "$GOOD"

effects() { # each effect is told once
	[ "$(grep -c '^    effect: ' "$OUT")" -eq \
		"$(grep -E "$KIT_FINDING" "$OUT" | sed 's/.*(//' | sort -u | wc -l)" ]
}
run 4 "a damaged overlay" empty .err \
	line "upper:/one: metacopy has no lower data (meta-no-lowerdata)" \
	line "upper:/two: metacopy has no lower data (meta-no-lowerdata)" \
	like "    found: .*" no-out clean no-out whiteout-useless \
	like "$TOP/bad/upper: 2 layers, .* [0-9]+ problems \([0-9.]+ s\)" -- -n -o "$BAD"
kit_check "the effect of a problem is told once" effects
run 4 "a hostile name is one line of printable text" no-out "$ESC" \
	line "$HOSTILE: metacopy has no lower data (meta-no-lowerdata)" -- -n -o "$BAD"

adds_up() { # the objects that -v counts in each layer are those of the last line
	tr -d , <"$OUT" | awk '/^[a-z]+[0-9]*: [0-9]+ objects? / { sum += $2; n++ }
		/ layers / { sub(/ objects?.*/, ""); sub(/.* /, ""); whole = $0 }
		END { exit !(n > 1 && sum == whole) }'
}
run 4 "-v shows information and counts" \
	like "upper:/d/useless: .*\(whiteout-useless\)" like ".*[0-9]+ directories, .* 4 metacopy, .*" \
	line "    severity: information" line "    severity: error" \
	like "upper: [0-9]+ objects?, .*, 4 metacopy; [0-9]+ errors?, .* notes?" \
	like "lower1: [0-9]+ objects?, .*, 0 metacopy" -- -n -v -o "$BAD"
kit_check "the objects of the layers are those of the overlay" adds_up
run 0 "-v does not count a layer that is not walked" like "lower1: .*" no-out "lower2: " -- \
	-n -v -o "lowerdir=$TOP/good/lower::$TOP/bad/lower"
run 4 "-f and -r are accepted" -- -f -r -n -o "$BAD"
run 0 "-t" like "time: [0-9.]+ s, user .*; memory: .*" no-out "pass 1" -- -n -t -o "$GOOD"
run 0 "-tt" like "pass 1: [0-9.]+ s" like "pass 5: [0-9.]+ s" -- -n -tt -o "$GOOD"
run 0 "-d" like "$SUMMARY" err "options in force: lowerdir=" err "upper: $TOP/good/upper" -- \
	-n -d -o "$GOOD"

run 0 "a problem can be ignored" no-out meta-no-lowerdata out "clean, " -- \
	-n -o "$BAD" -E problem.meta-no-lowerdata=ignore
run 0 "a problem can be mere information" no-out meta-no-lowerdata -- \
	-n -o "$BAD" -E problem.meta-no-lowerdata=info
run 0 "which -v shows" out meta-no-lowerdata out "clean, " -- \
	-n -v -o "$BAD" -E problem.meta-no-lowerdata=info
run 4 "information can be made an error" out "(whiteout-useless)" -- \
	-n -o "$BAD" -E lower=ro,problem.meta-no-lowerdata=ignore,problem.whiteout-useless=error
run 4 "-E trust-lower" out "upper:/one: " -- -n -E trust-lower -o "$BAD"

run 4 "one thread" -- -n -v -j 1 -o "$BAD"
sed 's/ ([0-9.]* s)$//' "$OUT" >"$KIT_DIR/one"
run 4 "sixteen threads" -- -n -v -E threads=16 -o "$BAD"
sed 's/ ([0-9.]* s)$//' "$OUT" >"$KIT_DIR/sixteen"
kit_check "the report is the same" cmp "$KIT_DIR/one" "$KIT_DIR/sixteen"

# --- JSON ----------------------------------------------------------------------------------------

run 0 "--json, healthy" empty .err json '.exit_code == 0 and .problems == [] and .counts.metacopy == 4' \
	json '.overlay.layers | map(.name) == ["upper", "lower1"]' json '.cancelled == false' \
	json ".overlay.label == \"$TOP/good/upper\"" json '.overlay.options | contains("lowerdir=")' \
	json '(.version | length > 0) and .timing == null' -- -n --json -o "$GOOD"
run 4 "--json, damaged" \
	json '.problems[] | select(.path == "/one") | .slug == "meta-no-lowerdata" and .layer == "upper" and
		.severity == "error" and (.id | test("^0x[0-9a-f]{4}$")) and (.text | length > 0) and
		(.found | length > 0) and (.symptom | length > 0) and has("expected") and has("other") and
		.action == null and .result == "left" and .reason == null' \
	json '.journal == null and .counts.corrected == 0 and .counts.left >= 3' \
	json '.exit_code == 4 and .counts.errors >= 3' \
	json '[.problems[].severity] | index("information") == null' -- -n --json -o "$BAD"
run 4 "a name that is not UTF-8 is there as hex" no-out "$ESC" \
	json '.problems[] | select(.path_hex) | .path_hex == "2f6e65770a6c696e651b5b33316dff5c" and
		.path == "/new\nline\u001b[31m\ufffd\\"' -- -n --json -o "$BAD"
run 4 "--json -v has information" json '.problems[] | select(.slug == "whiteout-useless") |
	.severity == "information" and .path == "/d/useless"' -- -n --json -v -o "$BAD"
run 4 "--json grades" json '[.problems[] | select(.slug == "meta-no-lowerdata") | .severity] |
	unique == ["warning"]' -- -n --json -o "$BAD" -E problem.meta-no-lowerdata=warning
run 0 "--json -t" json '.timing.seconds >= 0 and (.timing.passes | length == 5)' -- \
	-n --json -t -o "$GOOD"
run 8 "--json when it could not work" json '.exit_code == 8 and (.error | contains("no-such"))' \
	err no-such -- -n --json -o "lowerdir=$TOP/no-such:$TOP/good/lower"

# --- WHAT ----------------------------------------------------------------------------------------

d=$TOP/good
run 0 "as xfstests calls it" like "$SUMMARY" -- -o "lowerdir=$d/lower" -o "upperdir=$d/upper" \
	-o "workdir=$d/work" -o index=on,xino=on -n
run 0 "-o behind and glued on" like "$SUMMARY" -- -n "-oworkdir=$d/work" -o "lowerdir=$d/lower" \
	-oredirect_dir=on "-oupperdir=$d/upper"
run 0 "one operand" like "$SUMMARY" -- -n "$GOOD"
run 0 "one operand and -o behind it" like "$SUMMARY" -- -n "$GOOD" -o index=off
POSIXLY_CORRECT=1 run 0 "options behind operands whatever POSIX says" like "$SUMMARY" -- "$GOOD" -n
run 0 "a stack without upper" like "$TOP/good/lower: clean, 2 layers, .*" -- \
	-n -o "lowerdir=$d/lower:$TOP/bad/lower"
run 0 "unknown mount options are told once" like "$SUMMARY" err "nonsense=1, another" -- \
	-n -o "$GOOD,nonsense=1" -o another,nonsense=1
[ "$(grep -c nonsense "$OUT.err")" -eq 1 ] && [ "$(grep -o nonsense "$OUT.err" | wc -l)" -eq 1 ] ||
	why "told more than once"
judge "once"
run 16 "a contradiction" empty out -- -n -o "$GOOD,index=off,nfs_export=on"
run 16 "upper without work" empty out err workdir -- -n -o "lowerdir=$d/lower,upperdir=$d/upper"
run 16 "a word that an option does not know" err index -- -n -o "$GOOD,index=maybe"

for ((i = 1; i < ${#GOOD}; i++)); do
	kit_fsck "$OUT" -n -o "${GOOD:0:i}"
	case $KIT_STATUS in
	4 | 8 | 16) ;;
	*) why "exit status $KIT_STATUS with -o '${GOOD:0:i}'" ;;
	esac
	! kit_crashed "$OUT" || why "it crashed with -o '${GOOD:0:i}'"
done
judge "truncated options are never clean"

mkdir "$TOP/other"
mkfifo "$TOP/other/fifo"
: >"$TOP/other/file"
ln -s loop "$TOP/other/loop"
for layer in no-such file fifo loop; do
	run 8 "a lower layer that is: $layer" empty out err "$TOP/other/$layer" -- \
		-n -o "lowerdir=$TOP/other/$layer,upperdir=$d/upper,workdir=$d/work"
	run 8 "an upper layer that is: $layer" empty out err "$TOP/other/$layer" -- \
		-n -o "lowerdir=$d/lower,upperdir=$TOP/other/$layer,workdir=$d/work"
done

hostile=$TOP/$'label\n'$ESC$'[2J\xff'
mkdir "$hostile" "$hostile/u" "$hostile/w"
run 0 "a hostile label is one line of printable text" no-out "$ESC" no-err "$ESC" lines 1 \
	like "$TOP/label\\\\012\\\\033\[2J\\\\377/u: clean, .*" -- \
	-n -o "lowerdir=$d/lower,upperdir=$hostile/u,workdir=$hostile/w"
run 0 "and in JSON" no-out "$ESC" json '.overlay.label_hex | endswith("2f75")' -- \
	-n --json -o "lowerdir=$d/lower,upperdir=$hostile/u,workdir=$hostile/w"
run 8 "and in errors" no-err "$ESC" err '\033[2J' -- -n "$hostile/nothing"
[ "$(wc -l <"$OUT.err")" -eq 1 ] || why "more than one line"
judge "on one line"

# --- places --------------------------------------------------------------------------------------

run 8 "no such place" empty out err "$TOP/no-such" -- -n "$TOP/no-such"
run 8 "a place that is no overlay" empty out err "$TOP/other" -- -n "$TOP/other"
kit_mount "$GOOD,metacopy=on" "$d/m"
run 0 "a live mount, with a warning" like "$TOP/good/m: clean, 2 layers, .*" err "in use" \
	err "warning: " -- -n "$d/m"
run 0 "its layers by name, with a warning" like "$SUMMARY" err "in use" -- -n -o "$GOOD"
run 0 "--json tells the users" json '.overlay.in_use | length > 0' -- -n --json "$d/m"
run 0 "a live mount by another path" out "clean, " -- -n "$d/../good/./m/"
(cd "$d" && kit_fsck "$OUT" -n m; echo "$KIT_STATUS" >"$KIT_DIR/status")
KIT_STATUS=$(cat "$KIT_DIR/status")
look 0 out "clean, "
judge "a live mount by a relative path"
kit_unmount "$d/m"
(cd "$d" && kit_mount "lowerdir=lower,upperdir=upper,workdir=work" "$d/m")
run 8 "a live mount with relative layers asks for -o" empty out err "-o" -- -n "$d/m"
kit_unmount "$d/m"

cat >"$KIT_DIR/fstab" <<END
# a comment
one  $TOP/good/m  overlay  noauto,$GOOD  0 0
two  $TOP/bad/m   overlay  noauto,$BAD,x-fsck.overlay  0 0
two  /nowhere     overlay  noauto,$GOOD  0 0
END
run 0 "a line of fstab" like "$TOP/good/m: clean, .*" empty .err -- \
	-n -E "fstab=$KIT_DIR/fstab" "$TOP/good/m"
run 4 "another line of fstab" like "$TOP/bad/m: 2 layers, .*" -- \
	-n -E "fstab=$KIT_DIR/fstab" "$TOP/bad/m"
run 0 "the first field of a line of fstab" out "clean, " -- -n -E "fstab=$KIT_DIR/fstab" one
run 16 "which two lines have" empty out err "$TOP/bad/m" err /nowhere -- \
	-n -E "fstab=$KIT_DIR/fstab" two
FSTAB_FILE=$KIT_DIR/fstab run 0 "\$FSTAB_FILE" out "clean, " -- -n one
mkfifo "$KIT_DIR/fifo"
run 8 "an fstab that is a FIFO" empty out err "no regular file" -- -n -E "fstab=$KIT_DIR/fifo" one
run 8 "an fstab that is not there" empty out err no-such -- -n -E "fstab=$KIT_DIR/no-such" one

# --- inspect -------------------------------------------------------------------------------------

run 0 "--inspect" like "/file: shown.*" like "upper:/file: regular file, mode 0644, owner 1:0, .*" \
	out overlay.metacopy like "lower1:/file: regular file, .*" like "    shown: metadata" \
	like "    shown: data" -- --inspect=/file -o "$GOOD"
run 0 "--inspect of what is not there" like "/nothing: not shown, ENOENT .*" -- \
	-n --inspect /nothing -o "$GOOD"
run 0 "--inspect of what is broken" like "/one: not shown, EIO .*" -- --inspect=/one -o "$BAD"
run 0 "--inspect of the root" like "/: shown.*" -- --inspect=/ -o "$GOOD"
run 16 "--inspect with .." empty out -- --inspect=/d/../file -o "$GOOD"
run 0 "--json --inspect" json '.inspection.path == "/file" and .inspection.shown' \
	json '.layers[] | select(.layer == "upper") | .kind == "regular file" and .uid == 1 and
		(.shows | index("metadata") != null)' \
	json '.layers[] | select(.layer == "lower1") | .shows | index("data") != null' -- \
	--json --inspect=/file -o "$GOOD"
run 0 "--inspect of a hostile name" no-out "$ESC" out '\033[31m' -- \
	"--inspect=/"$'new\nline'"$ESC"$'[31m\xff\\' -o "$GOOD"

unchanged
kit_done
