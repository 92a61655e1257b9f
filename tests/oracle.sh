#!/bin/sh
# oracle.sh - what -c changed, as Go's JSON decoder sees it, which is dockerd's
#
# SPDX-License-Identifier: 0BSD
#
#	oracle.sh [OPTION...]     options of the program: -n 2000, -seed 1, -seed 1 -only 7, ...
#
# Builds tests/oracle with the standard library alone, tries whether it notices wrong answers, and
# then has $DINDBIND (./dindbind) translate ${BODIES:-100000} bodies. Needs no root, no network and
# no mount; $DINDBIND may be a build with sanitizers. Without go it skips, and counts that. The last
# line is `N passed, N failed, N skipped`.

set -u
top=$(cd "$(dirname "$0")/.." && pwd) || exit
DINDBIND=${DINDBIND:-$top/dindbind}
case $DINDBIND in /*) ;; *) DINDBIND=$PWD/$DINDBIND ;; esac
export DINDBIND LC_ALL=C
passed=0 failed=0

if ! command -v go >/dev/null; then
	echo 'skipped: the oracle, because there is no go (golang-go) to build it with'
	echo '0 passed, 0 failed, 1 skipped'
	exit 0
fi
if [ ! -x "$DINDBIND" ]; then
	echo "not ok: no binary: $DINDBIND"
	echo '0 passed, 1 failed, 0 skipped'
	exit 1
fi

T=$(mktemp -d) || exit
trap 'rm -rf "$T"' EXIT
trap 'exit 1' INT TERM
# nothing is fetched, and nothing is left in anybody's home or in the tree
export GOFLAGS=-mod=mod GOPROXY=off GOSUMDB=off GOTOOLCHAIN=local GOWORK=off CGO_ENABLED=0
export HOME="$T" TMPDIR="$T" GOPATH="$T/path" GOCACHE="${GOCACHE:-$T/cache}"
cp -r "$top/tests/oracle" "$T/oracle" && cd "$T/oracle" || exit

# works NAME COMMAND...: it must succeed and print nothing
works() {
	name=$1
	shift
	if "$@" >"$T/log" 2>&1 && [ ! -s "$T/log" ]; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "not ok: $name"
		cat "$T/log"
	fi
}

works 'gofmt' gofmt -l .
works 'go vet' go vet ./...
works 'go build' go build -o "$T/program" .
# shellcheck disable=SC2016
works 'the oracle notices wrong answers' \
	sh -c 'go test -vet=off ./... >"$1" 2>&1 || cat "$1"' sh "$T/test"

if [ -x "$T/program" ]; then
	[ $# -gt 0 ] || set -- -n "${BODIES:-100000}"
	"$T/program" "$@" >"$T/answer" 2>&1
	status=$?
	sed '$d' "$T/answer"
	last=$(tail -n 1 "$T/answer")
	# shellcheck disable=SC2046
	set -- $(echo "$last" |
		sed -n 's/^\([0-9]*\) passed, \([0-9]*\) failed, \([0-9]*\) skipped$/\1 \2 \3/p')
	# one that ended before its last line, or without saying what failed, is a failure itself
	[ $# = 3 ] || { echo "$last"; set -- 0 1 0; }
	[ $status = 0 ] || [ "$2" -gt 0 ] || set -- "$1" 1 "$3"
else
	set -- 0 0 1
	echo 'skipped: the bodies, because the program was not built'
fi
passed=$((passed + $1)) failed=$((failed + $2))
echo "$passed passed, $failed failed, $3 skipped"
[ $failed = 0 ]
