#!/bin/sh
# check.sh - the suites of `make check`: a line for each, what failed, and one total at the end
#
# SPDX-License-Identifier: 0BSD
#
# Run by `make check`, which has built them in $BUILD (build). A suite ends with `N passed, N failed, N skipped`; one
# that does not, that tested nothing, that was killed or did not end within $LIMIT seconds (1200) counts as a failure.
# All that they print is in $BUILD/check.log.

set -u
cd "$(dirname "$0")/.." || exit
BUILD=${BUILD:-build}
LIMIT=${LIMIT:-1200}
log=$BUILD/check.log one=$BUILD/check.one
passed=0 failed=0 skipped=0

# What to show of a suite that failed: what its tests say, not which ones passed.
failures() {
	grep -a -v '^\[ RUN \|^\[       OK \|^\[=====\|^\[  PASSED \|^ok\|^ *skipped: \|^[0-9]* passed, ' "$one" |
		tail -n 100 | sed 's/^/    /'
}

# A hanging suite is ended. In the foreground, so that Ctrl-C reaches it; busybox's timeout leaves it there anyway.
limit='timeout --foreground -k 10'
$limit 1 true 2>/dev/null || limit='timeout -k 10'

# suite NAME COMMAND...
suite() {
	name=$1 since=$(date +%s) status=0
	shift
	printf '%-16s ' "$name"
	$limit "$LIMIT" "$@" </dev/null >"$one" 2>&1 || status=$?
	took=$(($(date +%s) - since))
	{
		printf '\n==== %s\n' "$*"
		cat "$one"
	} >>"$log"
	# shellcheck disable=SC2046 # three numbers
	set -- $(sed -n 's/^\([0-9]*\) passed, \([0-9]*\) failed, \([0-9]*\) skipped$/\1 \2 \3/p' "$one" | tail -n 1)
	why="exit status $status"
	[ $took -lt "$LIMIT" ] || why="$why, ended after $LIMIT s"
	if [ $# != 3 ] || [ $(($1 + $2 + $3)) = 0 ]; then
		why="$why, no result"
		set -- 0 1 0
	elif [ $status != 0 ] && [ "$2" = 0 ]; then
		set -- "$1" 1 "$3"
	fi
	passed=$((passed + $1)) failed=$((failed + $2)) skipped=$((skipped + $3))
	echo "$1 passed, $2 failed, $3 skipped ($took s)"
	if [ "$2" -gt 0 ]; then
		echo "    $why; the whole log is in $log"
		failures
	fi
	sed -n 's/^ *\(skipped: \)/\1/p' "$one" | sort | uniq -c |
		sed 's/^ *\([0-9]*\) *skipped:/    skipped \1 times:/; s/ 1 times:/:/'
}

: >"$log" || exit
suite differential "$BUILD/differential"
suite covered_rows "$BUILD/covered_rows"
suite batch "$BUILD/batch"
suite host_and_stage "$BUILD/host_and_stage"
suite stage_life "$BUILD/stage_life"
suite formats "$BUILD/formats"
suite descriptions "$BUILD/descriptions"
suite examples bash tests/examples.sh
suite docs python3 tests/docs.py
suite hostile_runner "$BUILD/hostile_runner"
suite command_line "$BUILD/command_line"
suite fuzz "$BUILD/fuzz" tests/corpus
suite test_dindbind "$BUILD/test_dindbind"
rm -f "$one"

# In the form that tools know: alone on its line, and the last one.
echo "$passed passed, $failed failed, $skipped skipped"
[ $failed = 0 ]
