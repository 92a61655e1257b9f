#!/bin/bash
# fuzz.sh - libFuzzer on each TARGET of tests/fuzz.c: `make fuzz`
#
# SPDX-License-Identifier: 0BSD
#
# $SECONDS_EACH for each. What it finds is $BUILD/found-TARGET-...; what it learned is kept in $BUILD/corpus.

set -u
passed=0 failed=0
for target; do
	mkdir -p "$BUILD/corpus/$target"
	log=$BUILD/fuzz-$target.log
	if TARGET=$target "$BUILD/fuzzer" -max_total_time="$SECONDS_EACH" -timeout=10 -print_final_stats=1 \
		-dict="tests/corpus/$target.dict" -artifact_prefix="$BUILD/found-$target-" \
		"$BUILD/corpus/$target" "tests/corpus/$target" >"$log" 2>&1; then
		passed=$((passed + 1))
		echo "ok: $target, $(sed -n 's/^stat::number_of_executed_units: *//p' "$log") inputs"
	else
		failed=$((failed + 1))
		tail -n 40 "$log"
		echo "not ok: $target"
	fi
done
echo "$passed passed, $failed failed, 0 skipped"
[ $failed = 0 ]
