#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Runs fuzz targets built with --enable-fuzzing, FUZZ_SECONDS each, from their seeds; prints TAP.
# What is found is kept in tests/fuzz/found/ of the build: each crash belongs among the seeds.
set -u
found=tests/fuzz/found
count=0
failed=0
echo "1..$#"
for program; do
	codec=${program##*/fuzz_}
	count=$((count + 1))
	mkdir -p "$found/$codec"
	if "$program" -max_total_time="${FUZZ_SECONDS:-60}" -timeout=10 -rss_limit_mb=2048 \
		-artifact_prefix="$found/$codec-" -print_final_stats=1 \
		"$found/$codec" "${top_srcdir:?}/tests/fuzz/seeds/$codec" >"$found/$codec.log" 2>&1
	then
		echo "ok $count - $codec: $(sed -n 's/^stat::number_of_executed_units: //p' \
			"$found/$codec.log") inputs"
	else
		echo "not ok $count - $codec"
		tail -n 40 "$found/$codec.log" | sed 's/^/# /'
		failed=1
	fi
done
exit $failed
