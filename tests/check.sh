#!/bin/sh
# check.sh - the suites of `make check`: a line for each, what failed, and one total at the end
#
# SPDX-License-Identifier: 0BSD
#
# Run by `make check`, which has built them in $BUILD. A suite ends with `N passed, N failed, N skipped`; one that
# does not, or that was killed, counts as a failure. All that they print is in $BUILD/check.log.

set -u
cd "$(dirname "$0")/.." || exit
. tests/namespaces.sh
log=$BUILD/check.log one=$BUILD/check.one
passed=0 failed=0 skipped=0

why=$(no_namespaces)
if [ "$why" ]; then
	echo "check: $why" >&2
	exit 1
fi

# What to show of a suite that failed: what its tests say, not which ones passed.
failures() {
	grep -a -v '^\[ RUN \|^\[       OK \|^\[=====\|^\[  PASSED \|^ok\|^[0-9]* passed, ' "$one" | tail -n 60 | sed 's/^/    /'
}

# suite NAME COMMAND...
suite() {
	name=$1 since=$(date +%s) status=0
	shift
	"$@" </dev/null >"$one" 2>&1 || status=$?
	{
		printf '\n==== %s\n' "$*"
		cat "$one"
	} >>"$log"
	# shellcheck disable=SC2046 # three numbers
	set -- $(sed -n 's/^\([0-9]*\) passed, \([0-9]*\) failed, \([0-9]*\) skipped$/\1 \2 \3/p' "$one" | tail -n 1)
	[ $# = 3 ] && { [ $status = 0 ] || [ "$2" -gt 0 ]; } || set -- "${1:-0}" $((${2:-0} + 1)) "${3:-0}"
	passed=$((passed + $1)) failed=$((failed + $2)) skipped=$((skipped + $3))
	printf '%-16s %s passed, %s failed, %s skipped (%s s)\n' "$name" "$1" "$2" "$3" $(($(date +%s) - since))
	if [ "$2" -gt 0 ]; then
		echo "    exit status $status; the whole log is in $log"
		failures
	fi
	grep -a '^ *skipped: ' "$one" | sort | uniq -c | sed 's/^ *\([0-9]*\) *skipped:/    skipped \1 times:/; s/ 1 times:/:/'
}

: >"$log" || exit
suite differential "$BUILD/differential"
suite rows sh tests/rows.sh
suite placement "$BUILD/placement"
suite formats "$BUILD/formats"
suite examples bash tests/examples.sh
suite hostile "$BUILD/hostile"
suite corners "$BUILD/corners"
suite fuzz "$BUILD/fuzz" tests/corpus
suite test_dindbind "$BUILD/test_dindbind"
rm -f "$one"

# In the form that tools know: alone on its line, and the last one.
echo "$passed passed, $failed failed, $skipped skipped"
[ $failed = 0 ]
