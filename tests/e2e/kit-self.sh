#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The kit tests itself: with a program that misbehaves in one way at a time, the cases and the
# random overlays must fail, and say why. A check that cannot fail is no check.

# shellcheck disable=SC2016,SC2034 # the programs and cases in quotes are not for this shell
# shellcheck source=kit.sh
. "$(dirname "$0")/kit.sh"

# The program under test is made here; kit_start only wants to see one.
FSCK=/bin/true
kit_start "$@"

cases=$KIT_DIR/cases
mkdir "$cases"

# The program: $verbose is set with -v, $layers is the directory of the layers; the commands are
# those of the test at hand.
fake=$KIT_DIR/fake
program() {
	cat >"$fake" <<-END
		#!/bin/bash
		verbose=
		for arg; do
			case \$arg in
			-v) verbose=yes ;;
			lowerdir=*) layers=\${arg#lowerdir=} layers=\${layers%%/lower1*} ;;
			esac
		done
		$1
	END
	chmod +x "$fake"
}

# case_is NAME LINES: the case file of the test at hand.
case_is() {
	rm -f "$cases"/*
	printf '%s\n' "$2" >"$cases/$1.case"
}

# must_pass NAME, must_fail NAME TEXT: run the case; when it must fail, TEXT must be among the reasons.
run_cases() {
	status=0
	FSCK_OVERLAY=$fake KIT_FS=here KIT_TIMEOUT=2 "$KIT_SRC/tests/cases/run.sh" -d "$cases" \
		>"$KIT_DIR/run.out" 2>&1 || status=$?
}

must_pass() {
	run_cases
	if [ "$status" -eq 0 ] && grep -q '^ok 1 - ' "$KIT_DIR/run.out"; then
		kit_ok "$1"
	else
		kit_fail "$1" "$KIT_DIR/run.out"
	fi
}

must_fail() {
	run_cases
	if [ "$status" -eq 1 ] && grep -q '^not ok 1 - ' "$KIT_DIR/run.out" &&
		grep -qF -e "$2" "$KIT_DIR/run.out"; then
		kit_ok "$1"
	else
		kit_fail "$1 (wanted: $2)" "$KIT_DIR/run.out"
	fi
}

# --- cases: what the program prints ------------------------------------------------------------

damaged="in_lower1 'mkdir d; echo x >d/f; ln -s x d/l'
in_upper 'mkdir d; echo y >d/u'
expect opaque-value upper:/d
evidence 'found: yes'
expect_info whiteout-useless upper:/w"
right='echo "upper:/d: opaque has no known value (opaque-value)"
echo "    found: yes"
[ -z "$verbose" ] || echo "upper:/w: whiteout hides nothing (whiteout-useless)"
echo "x: 2 layers, 5 objects, 1 problem (0.1 s)"'

case_is opaque-value "$damaged"
program "$right
exit 4"
must_pass "the right report passes"
program "exit 0"
must_fail "a finding that is missing" "not found (PLAIN): opaque-value at upper:/d"
program "$right
exit 0"
must_fail "the wrong exit status" "exit status 0 instead of 4 (PLAIN)"
program "$right
echo 'upper:/d/u: something else (meta-value)'
exit 4"
must_fail "a finding too many" "not expected (PLAIN): upper:/d/u"
program "$right
echo 'upper:/d: opaque has no known value (opaque-value)'
exit 4"
must_fail "a finding printed twice" "not expected (PLAIN): upper:/d"
program "${right//upper:\/d:/upper:\/dd:}
exit 4"
must_fail "a finding at another place" "not found (PLAIN): opaque-value at upper:/d"
program "${right//found: yes/found: no}
exit 4"
must_fail "evidence that is missing" "evidence 'found: yes' not given"
program "${right/'    found'/found}
exit 4"
must_fail "evidence that does not belong to the finding" "evidence 'found: yes' not given"
program "${right//'[ -z "$verbose" ]'/false}
exit 4"
must_fail "information without -v" "not expected (PLAIN): upper:/w"
program "${right//'[ -z "$verbose" ]'/true}
exit 4"
must_fail "information that is missing" "not found (VERBOSE): whiteout-useless"
program "$right
kill -SEGV \$\$"
must_fail "a crash" "it crashed (PLAIN)"
program "$right
echo 'x.c:1: runtime error: overflow' >&2
exit 4"
must_fail "a complaint of a sanitizer" "it crashed (PLAIN)"
program "sleep 20"
must_fail "a program that does not end" "it crashed (PLAIN)"

case_is opaque-value-not "in_lower1 'mkdir d'"
program "exit 0"
must_pass "a near miss without finding passes"
program "$right
exit 4"
must_fail "a near miss that is hit" "not expected (PLAIN): upper:/d"

# --- cases: what the program does --------------------------------------------------------------

case_is opaque-value "$damaged"
for deed in 'chmod 0644 $layers/upper/d/u' 'cat $layers/upper/d/u' 'ls $layers/lower1/d' \
	'readlink $layers/lower1/d/l' 'setfattr -n trusted.x $layers/work' \
	'touch -d @1 $layers/upper/d' 'ln $layers/upper/d/u $layers/../name.$$'; do
	program "$right
$deed >/dev/null
exit 4"
	must_fail "notices: $deed" "the check changed something"
done

# --- cases: the case itself --------------------------------------------------------------------

program "$right
exit 4"
case_is opaque-value "$damaged
symptom 'grep -q y d/u; fails grep x d/u; test -e d/f'"
must_pass "a symptom that the kernel shows"
case_is opaque-value "$damaged
symptom 'fails test -e d/f; test -e d/u'"
must_fail "a symptom that it does not show" "does not show the symptom"
case_is opaque-value "$damaged
symptom '! test -e d/f; test -e d/u'"
must_fail "a symptom that set -e would not see" "write 'fails COMMAND'"
case_is opaque-value "$damaged
refused EINVAL"
must_fail "a refusal that does not come" "the kernel mounts it"
case_is opaque-value "$damaged
refused -o redirect_dir=nonsense ESTALE"
must_fail "a refusal for another reason" "refuses with another error than ESTALE: EINVAL"
case_is opaque-value "$damaged
in_upper 'test -e nothing; true'"
must_fail "a command of the case that fails" "the case itself is broken at: upper: test -e nothing"
case_is opaque-value "$damaged
mounted 'false'"
must_fail "a failure while it is mounted" "the case itself is broken at: mnt: false"
case_is meta-value "$damaged"
must_fail "a case that is named after another problem" "broken at: the case does not expect the slug"
case_is opaque-value-not "$damaged"
must_fail "a near miss with an expectation" "broken at: a near miss expects nothing"
case_is opaque-value "layers 2
in_lower2 'true'
layers 3
expect opaque-value upper:/d"
must_fail "a layer that comes too late" "broken at: layers comes too late"

# --- random overlays ---------------------------------------------------------------------------

# random NAME STATUS TEXT: runs a few seeds with the program at hand.
random() {
	status=0
	FSCK_OVERLAY=$fake OVL_SEEDS=3 OVL_FS=tmpfs "$KIT_SRC/tests/e2e/random.sh" \
		>"$KIT_DIR/run.out" 2>&1 || status=$?
	if [ "$status" -eq "$2" ] && grep -qF -e "$3" "$KIT_DIR/run.out"; then
		kit_ok "$1"
	else
		kit_fail "$1" "$KIT_DIR/run.out"
	fi
}

program "echo 'x: 2 layers, 5 objects, no problem (0.1 s)'"
random "random overlays without findings pass" 0 "ok 1 - tmpfs: 3 random overlays"
program "echo 'lower1:/a: b (c): text (nlink-low)'"
random "a finding, though the exit status is 0" 1 "with options: lower1:/a: b (c): text (nlink-low)"
program "exit 4"
random "an exit status without finding" 1 "without options: exit status 4"
program 'chmod 0755 "${layers%%/tmpfs.*}"/tmpfs.*/l*'
random "a change of the layers" 1 "the check changed something"

# The same seed must make the same overlay, or no failure could be looked at.
for n in 1 2; do
	mkdir "$KIT_DIR/seed$n" && mount -t tmpfs seed "$KIT_DIR/seed$n"
	"$KIT_TOOLS/ovl-random" -s 20 "$KIT_DIR/seed$n"
	kit_treesum -x view,mtime,ovlxattr "$KIT_DIR/seed$n" |
		grep -av '^/\(log\|options\|dirs\|layers\) ' |
		sed 's|/index/00fb[0-9a-f]*|/index/HANDLE|' | sort >"$KIT_DIR/seed$n.sum"
done
kit_check "a seed makes the same overlay twice" diff "$KIT_DIR/seed1.sum" "$KIT_DIR/seed2.sum"
kit_check "and it is not an empty one" test "$(wc -l <"$KIT_DIR/seed1.sum")" -gt 50

# --- treesum -----------------------------------------------------------------------------------

tree=$KIT_DIR/tree
mkdir "$tree" "$tree/d"
printf 'abc' >"$tree/f"
mknod "$tree/n" c 1 3
ln -s target "$tree/l"
old=$(kit_treesum "$tree")

kit_check "treesum says the same twice" test "$old" = "$(kit_treesum "$tree")"
for deed in 'printf abd >f' 'chmod 600 f' 'chown 1 d' 'setfattr -n user.x f' \
	'setfattr -n user.x -v 1 f' 'touch -a f' 'touch -h -d @5 l' 'ln f d/g' 'truncate -s 5000 f' \
	'rm n; mknod n c 1 5' 'ln -sfn other l' 'mkdir d/e' 'chattr +i f' 'chattr -i f'; do
	(cd "$tree" && eval "$deed")
	new=$(kit_treesum "$tree")
	kit_check "treesum sees: $deed" test "$new" != "$old"
	old=$new
done
old=$(kit_treesum -x view,mtime "$tree")
(cd "$tree" && cp -a f f.new && mv f.new f)
kit_check "treesum -x view does not see another inode" \
	test "$old" = "$(kit_treesum -x view,mtime "$tree")"

# --- file handles ------------------------------------------------------------------------------

mkdir "$KIT_DIR/o" "$KIT_DIR/o/"{lower,upper,work,mnt}
cd "$KIT_DIR/o" || kit_broken "no scratch"
echo data >lower/f
if kit_mount lowerdir=lower,upperdir=upper,workdir=work mnt 2>/dev/null; then
	chmod 600 mnt/f
	kit_unmount mnt
	kit_check "ovl-fh encodes as the kernel does" test \
		"0x$(getfattr -e hex --only-values -n trusted.overlay.origin upper/f | od -An -v -tx1 |
			tr -d ' \n')" = "$("$KIT_TOOLS/ovl-fh" encode lower/f)"
	kit_check "ovl-fh finds the inode again" grep -q "ino=$(stat -c %i lower/f) " \
		<("$KIT_TOOLS/ovl-fh" open . "$("$KIT_TOOLS/ovl-fh" encode lower/f)")
else
	kit_skip "ovl-fh" "no overlay on the scratch file system"
fi
cd /

# --- nothing stays -----------------------------------------------------------------------------

case_is opaque-value "$damaged
mounted 'false'"
program "exit 0"
mkdir "$KIT_DIR/tmp"
TMPDIR=$KIT_DIR/tmp run_cases
kit_check "a broken case leaves no file" test -z "$(ls -A "$KIT_DIR/tmp")"
kit_check "and no mount" test -z "$(grep -F "$KIT_DIR/tmp" /proc/self/mountinfo)"
kit_done
