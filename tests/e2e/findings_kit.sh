# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# What a report finds and leaves, and what a repair must be able to bring back. Sourced after kit_start.

# findings_start: asks the program for its problems; their texts tell what a line is.
findings_start() {
	"$FSCK" --list-problems >"$KIT_DIR/problems" || kit_broken "no list of problems"
}

# findings REPORT: the findings in it as sorted lines "SLUG PLACE".
findings() {
	awk '
	NR == FNR { slug = $1; $1 = $2 = ""; sub(/^ +/, ""); text[slug] = $0; next }
	/^[a-z]/ && match($0, / \([a-z0-9-]+\)$/) {
		slug = substr($0, RSTART + 2, RLENGTH - 3)
		tail = ": " text[slug] " (" slug ")"
		at = length($0) - length(tail)
		if (substr($0, at + 1) == tail)
			print slug, substr($0, 1, at)
	}' "$KIT_DIR/problems" "$1" | sort
}

# left REPORT: the findings that a run with -p or -y left, in the same form.
left() {
	sed '/? yes$/d; s/\((\([a-z0-9-]*\))\)\. .*? .*$/\1/' "$1" >"$1.left"
	findings "$1.left"
	rm "$1.left"
}

# layer_sums LAYER... WORK: what undo must bring back; work/ is made anew by every mount.
layer_sums() {
	kit_treesum -x ctime,dirsize "${@:1:$#-1}"
	kit_treesum -x ctime,dirsize "${@:$#}" |
		grep -vE '^(/|/work|/work/incompat|/\.fsck\.overlay) d '
}
