#!/bin/sh
# old_kernel.sh - the suites on kernels that lack system calls
#
# SPDX-License-Identifier: 0BSD
#
#	old_kernel.sh [-l] BUILD
#
# openat2, statx, listxattrat and what makes a stage are answered by ENOSYS, and by EPERM (old_kernel.c): one after the other, and
# all together. BUILD has the test programs, $DINDBIND is the binary. A suite that itself cannot do without a call
# says so and skips; a stage that cannot be made is refused with a reason. Without -l a sample, in less than a
# minute, with it everything. The last line is `N passed, N failed, N skipped`, the sum.

set -u
long=
[ "${1-}" != -l ] || { long=-l; shift; }
build=${1:-build}
passed=0 failed=0 skipped=0
log=$(mktemp) || exit
trap 'rm -f "$log"' EXIT

# count NAME COMMAND...: run it, add its last line to the sum, show what it says when it fails
count() {
	name=$1
	shift
	"$@" >"$log" 2>&1
	status=$?
	set -- $(sed -n 's/^\([0-9]*\) passed, \([0-9]*\) failed, \([0-9]*\) skipped$/\1 \2 \3/p' "$log" | tail -n 1)
	# one that was killed, or that failed without telling of a case, is a failure of its own
	[ $# = 3 ] && { [ $status = 0 ] || [ "$2" -gt 0 ]; } || set -- "${1:-0}" $((${2:-0} + 1)) "${3:-0}"
	passed=$((passed + $1)) failed=$((failed + $2)) skipped=$((skipped + $3))
	echo "$name: $1 passed, $2 failed, $3 skipped"
	if [ "$2" -gt 0 ]; then
		grep -a -v '^\[ RUN \|^\[       OK \|^\[=====\|^\[  PASSED ' "$log" | sed 's/^/    /' | tail -n 200
	fi
}

# suites ERROR CALLS SUITE...
suites() {
	error=$1 calls=$2
	shift 2
	for suite; do
		set -- "$build/$suite"
		case $suite in
		differential) [ "$long" ] || set -- "$build/$suite" -n 50 ;;
		esac
		count "$suite without $calls ($error)" "$build/old_kernel" "$error" "$calls" "$@"
	done
}

# Without the calls that make a stage hostile_runner has nothing to attack, and it needs them for its own mounts.
stage=open_tree,move_mount,mount_setattr,fsopen,fsconfig,fsmount
for error in ENOSYS EPERM; do
	if [ "$long" ]; then
		suites $error openat2 differential covered_rows host_and_stage formats command_line hostile_runner test_dindbind
		suites $error statx differential covered_rows host_and_stage formats command_line hostile_runner test_dindbind
		suites $error listxattrat differential test_dindbind
		suites $error openat2,statx,listxattrat covered_rows host_and_stage formats hostile_runner
		for calls in open_tree move_mount mount_setattr fsopen; do
			suites $error $calls covered_rows host_and_stage formats
		done
		suites $error openat2,statx,listxattrat,$stage differential covered_rows host_and_stage formats command_line test_dindbind
	else
		suites $error openat2,statx,listxattrat covered_rows host_and_stage
		suites $error openat2,statx,listxattrat,$stage differential covered_rows host_and_stage
	fi
done
# what stands for the missing calls fails too
[ ! "$long" ] || suites ENOSYS openat2,statx,listxattrat fault
echo "$passed passed, $failed failed, $skipped skipped"
[ $failed = 0 ]
