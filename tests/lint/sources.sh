#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Every source file, test and script is known to the build: automake has no wildcards, and a test
# that is in no list never runs.
#
# With --update it writes the lists instead, between "# sources.sh: begin NAME" and
# "# sources.sh: end" of each Makemodule.am. What a file is follows from its place and content:
#   lib/, include/          the library
#   fsck/                   the program
#   boot/                   the generator for systemd
#   tests/unit/test_*.c     a unit test
#   tests/fuzz/fuzz_*.c     a fuzz target, if it defines no main()
#   tests/**.c              a program if it defines main(), else part of the test library, as is
#                           tests/fuzz/replay.c, the main() of those that have none
#   tests/{e2e,cases,lint}/*.sh  a test if the first line is "#!", else a file that tests source
set -eu
export LC_ALL=C
cd "${top_srcdir:-$(dirname "$0")/../..}"

# in VARIABLE OPERATOR: the names on standard input as a make assignment
assign() {
	sort | awk -v head="$1 $2" '
		{ name[NR] = $0 }
		END {
			printf "%s", head
			for (i = 1; i <= NR; i++)
				printf " \\\n\t%s", name[i]
			print ""
		}'
}

has_main() {
	grep -qE '^int main\(' "$1"
}

is_test() {
	head -n 1 "$1" | grep -q '^#!'
}

find_in() {
	find "$@" 2>/dev/null || :
}

tests_c() {
	find_in tests -name '*.c' | while read -r file; do
		case $file in
		tests/unit/test_*.c) kind=unit ;;
		tests/fuzz/replay.c) kind=kit ;;
		*) if has_main "$file"; then
			kind=tool
		else
			case $file in
			tests/fuzz/fuzz_*.c) kind=fuzz ;;
			*) kind=kit ;;
			esac
		fi ;;
		esac
		echo "$kind $file"
	done
}

of_kind() {
	printf '%s\n' "$all_tests_c" | sed -n "s/^$1 //p"
}

tests_sh() { # yes|no: tests or the others
	find_in tests -name '*.sh' | while read -r file; do
		answer=no
		case $file in
		tests/unit/missing.sh) ;;
		tests/e2e/*.sh | tests/cases/*.sh | tests/lint/*.sh)
			if is_test "$file"; then answer=yes; fi ;;
		esac
		if [ "$answer" = "$1" ]; then echo "$file"; fi
	done
}

section() {
	case $1 in
	library)
		find_in lib include -name '*.[ch]' -o -name '*.def' | assign liboverlay_la_SOURCES = ;;
	fsck)
		find_in fsck -name '*.[ch]' -o -name '*.def' | assign fsck_fsck_overlay_SOURCES = ;;
	boot)
		find_in boot -name '*.[ch]' | assign boot_fsck_overlay_generator_SOURCES = ;;
	tests)
		all_tests_c=$(tests_c)
		of_kind unit | sed 's/\.c$//' | assign unit_programs =
		of_kind fuzz | sed 's/\.c$//' | assign fuzz_programs =
		of_kind tool | sed 's/\.c$//' | assign tool_programs =
		{ of_kind kit; find_in tests -name '*.h' -o -name '*.def'; } | assign liboverlay_test_la_SOURCES =
		tests_sh yes | assign test_scripts =
		{ tests_sh yes; tests_sh no; echo tests/run; } | assign dist_noinst_SCRIPTS += ;;
	esac
}

# The fragment with its lists as they should be.
rewrite() {
	while IFS= read -r line; do
		printf '%s\n' "$line"
		case $line in
		'# sources.sh: begin '*)
			section "${line##* }"
			while IFS= read -r line; do
				case $line in
				'# sources.sh: end') printf '%s\n' "$line"; break ;;
				esac
			done ;;
		esac
	done <"$1"
}

fragments='lib/Makemodule.am fsck/Makemodule.am boot/Makemodule.am tests/Makemodule.am'

if [ "${1:-}" = --update ]; then
	for file in $fragments; do
		rewrite "$file" >"$file.new"
		if cmp -s "$file" "$file.new"; then
			rm "$file.new"
		else
			mv "$file.new" "$file"
			echo "$file: updated"
		fi
	done
	exit 0
fi

. tests/lint/tap.sh
for file in $fragments; do
	wrong=$(rewrite "$file" | diff -u "$file" - | sed -n '/^[-+][^-+]/p')
	tap_result "$file lists every file" "$wrong" "run tests/lint/sources.sh --update"
done
tap_end
