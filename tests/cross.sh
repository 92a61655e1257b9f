#!/bin/bash
# cross.sh - built for other machines, and run as far as this one can
#
# SPDX-License-Identifier: 0BSD
#
#   tests/cross.sh [TARGET]...    aarch64, arm, i386; all of them
#
# The tool is built static with Debian's cross compilers and musl, all warnings being errors. aarch64 and arm
# (32 bits, 64-bit time) run under qemu-user, where openat2, open_tree and their like are missing: the
# fallbacks run for real. i386 runs on the processor. The suites are the ordinary ones, with $DINDBIND. What
# is missing is installed when this is root, and else skipped with the reason. A case that fails because the
# tool itself says that a system call is missing, or because the emulator cannot do it, is a skip, and is
# named. $SUITES: which (covered_rows examples host_and_stage formats test_dindbind fuzz). The last line is
# `N passed, N failed, N skipped`.

set -u
export LC_ALL=C DEBIAN_FRONTEND=noninteractive
cd "$(dirname "$0")/.." || exit
build=${BUILD:-build}/cross
mkdir -p "$build" && build=$(cd "$build" && pwd) || exit
suites=${SUITES:-covered_rows examples host_and_stage formats test_dindbind fuzz}
passed=0 failed=0 skipped=0

warn=(-Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror)
small=(-Os -ffunction-sections -fdata-sections -fno-asynchronous-unwind-tables)       # PLAIN of the Makefile

# skip NUMBER REASON
skip() {
	skipped=$((skipped + $1))
	echo "skipped: $2"
}

# ---- Compilers --------------------------------------------------------------------------------------

# target NAME: the compiler, Debian's architecture, musl's triple, and the emulator, if it needs one
target() {
	case $1 in
	aarch64) gcc=aarch64-linux-gnu-gcc arch=arm64 triple=aarch64-linux-musl emulator=qemu-aarch64-static ;;
	arm) gcc=arm-linux-gnueabihf-gcc arch=armhf triple=arm-linux-musleabihf emulator=qemu-arm-static ;;
	i386) gcc=i686-linux-gnu-gcc arch=i386 triple=i386-linux-musl emulator='' ;;
	*) echo "cross: $1: not one of aarch64, arm, i386" >&2; exit 2 ;;
	esac
	[ "$(uname -m)" != "$1" ] || emulator=
}

have() {
	command -v "$gcc" >/dev/null && [ -e "/usr/lib/$triple/libc.a" ] &&
		{ [ -z "$emulator" ] || command -v "$emulator" >/dev/null; }
}

# An index that could not be fetched whole may do: the installation will show.
get() {
	have && return
	[ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || return
	{
		dpkg --add-architecture "$arch" && apt-get -qq update
		apt-get install -y -qq --no-install-recommends "gcc-${gcc%-gcc}" "musl-dev:$arch" \
			${emulator:+qemu-user-static}
	} </dev/null >"$build/apt.log" 2>&1
	have
}

# compile OUTPUT SOURCE OPTION...: what musl-gcc does, for another machine
compile() {
	local output=$1 source=$2 lib=/usr/lib/$triple
	shift 2
	"$gcc" -std=gnu11 "$@" -nostdinc -isystem "/usr/include/$triple" -isystem "$("$gcc" -print-file-name=include)" \
		-static -no-pie -nostdlib -Wl,--gc-sections -o "$output" "$lib/crt1.o" "$lib/crti.o" "$source" \
		-Wl,--start-group "$lib/libc.a" "$("$gcc" -print-libgcc-file-name)" -Wl,--end-group "$lib/crtn.o"
}

# ---- The launcher -----------------------------------------------------------------------------------

# The suites copy the tool to where nothing else is, and run it in other mount namespaces. So what stands for
# it starts the emulator from a descriptor that all processes inherit, and that opens the tool through
# another one. A program that closes what it inherits has the paths.
cat >"$build/launch.c" <<'END'
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

extern char **environ;

int main(int argc, char **argv)
{
    char *args[argc + 5];
    int n = 0, open_both = fcntl(731, F_GETFD) >= 0 && fcntl(732, F_GETFD) >= 0;
    args[n++] = "qemu";
    args[n++] = "-0";
    args[n++] = "dindbind";
    args[n++] = open_both ? "/proc/self/fd/732" : TOOL;
    for (int i = 1; i < argc; i++)
        args[n++] = argv[i];
    args[n] = 0;
    if (open_both)
        syscall(SYS_execveat, 731, "", args, environ, AT_EMPTY_PATH);
    else
        execve(EMULATOR, args, environ);
    return 126;
}
END

# launcher OUTPUT TOOL
launcher() {
	local path
	path=$(command -v "$emulator")
	"${CC:-cc}" -O1 -static -DTOOL="\"$2\"" -DEMULATOR="\"$path\"" -o "$1" "$build/launch.c" &&
		exec 731<"$path" 732<"$2"
}

# ---- The suites -------------------------------------------------------------------------------------

# Cases that fail, one a line: NAME, a tab, and what the tool said of a missing system call, if it did.
failures() {
	awk '
	function done() {
		if (name != "")
			print name "\t" why
		name = why = ""
	}
	/^\[ RUN      \] / { block = 1; why = "" }
	/^\[       OK \] / { block = 0 }
	/lacks a system call/ { why = $0; sub(/.*: this kernel/, "this kernel", why) }
	/^\[  FAILED  \] / && block { name = substr($0, 14); block = 0; done() }
	/^not ok: / { done(); name = substr($0, 9); sub(/: status .*/, "", name) }
	/^FAILED: / { done(); name = substr($0, 9) }
	END { done() }' "$1"
}

# excuse NAME: why an emulated tool cannot do that; nothing when it should
excuse() {
	case $1 in
	*'no procfs'* | *'at /proc'* | *'over procfs'* | *'need no procfs'*)
		echo 'the emulator itself is found through /proc' ;;
	*'system calls') echo 'the calls counted are those of the emulator' ;;
	*'peak'* | *'memory'*) echo 'the memory is that of the emulator' ;;
	*stage* | *'killed in the middle'* | *'caller that ignores SIGCHLD'* | *'standard descriptors closed'* | \
	*'a shared clone'*)
		[ -z "$no_stage" ] || echo 'no stage here' ;;
	esac
}

# suite NAME COMMAND...
suite() {
	local name=$1 status=0 p f s case why reason n=0 since=$SECONDS log=$build/$machine-$1.log
	shift
	nice -n 10 timeout "${LIMIT:-1200}" "$@" </dev/null >"$log" 2>&1 || status=$?
	read -r p f s < <(sed -nE 's/^([0-9]+) passed, ([0-9]+) failed, ([0-9]+) skipped$/\1 \2 \3/p' "$log" | tail -n 1)
	p=${p:-0} f=${f:-0} s=${s:-0}
	while IFS=$'\t' read -r case why && [ "$n" -lt "$f" ]; do
		reason=
		if [ -n "$emulator" ]; then
			reason=$(excuse "$case")
			[ -z "$no_stage" ] || reason=${reason:-$why}
		fi
		[ -n "$reason" ] || { echo "not ok: $machine: $name: $case"; continue; }
		n=$((n + 1))
		echo "skipped: $machine: $name: $case: $reason"
	done < <(failures "$log")
	f=$((f - n)) s=$((s + n))
	if [ "$f" = 0 ] && { [ "$status" -gt 1 ] || [ "$status" = 1 -a "$n" = 0 ] || [ $((p + s)) = 0 ]; }; then
		f=1
		echo "not ok: $machine: $name: status $status"
		tail -n 5 "$log" | sed 's/^/    /'
	fi
	passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
	echo "$machine: $name: $p passed, $f failed, $s skipped, $((SECONDS - since)) s"
}

# What the tool itself says of staging here; nothing when it can, or when it is refused for another reason.
ask_about_stages() {
	"$1" -b /usr:/w -s "${TMPDIR:-/tmp}/dindbind-cross.$$" /w 2>&1 >/dev/null | grep 'lacks a system call' ||
		{ "$1" -u "${TMPDIR:-/tmp}/dindbind-cross.$$"; } >/dev/null 2>&1
}

# ---- All of it --------------------------------------------------------------------------------------

[ $# -gt 0 ] || set -- aarch64 arm i386
for machine; do
	target "$machine"
	if ! get; then
		skip 1 "$machine: needs $gcc, musl-dev:$arch${emulator:+, $emulator}$([ "$(id -u)" = 0 ] || echo '; root installs them')"
		continue
	fi
	tool=$build/dindbind-$machine
	if ! compile "$tool" dindbind.c "${warn[@]}" "${small[@]}" -s; then
		failed=$((failed + 1))
		echo "not ok: $machine: $gcc"
		continue
	fi
	passed=$((passed + 1))
	echo "$machine: $(stat -c %s "$tool") bytes, without a warning"
	DINDBIND=$tool run=()
	if [ -n "$emulator" ]; then
		run=("$(command -v "$emulator")")
		DINDBIND=$build/launch-$machine
		launcher "$DINDBIND" "$tool" || { failed=$((failed + 1)); continue; }
	fi
	export DINDBIND
	if ! "$DINDBIND" -V >/dev/null 2>&1; then
		skip 1 "$machine: programs for it do not run here"
		continue
	fi
	no_stage=$(ask_about_stages "$DINDBIND")
	[ -z "$no_stage" ] || echo "$machine: no stages: $no_stage"
	for name in $suites; do
		case $name in
		examples) suite examples bash tests/examples.sh ;;
		fuzz)
			[ -e tests/fuzz.c ] || continue
			# musl has no strndupa()
			if compile "$build/fuzz-$machine" tests/fuzz.c -O1 -I. \
				'-Dstrndupa(s,n)=((char*)memcpy(memset(__builtin_alloca((n)+1),0,(n)+1),s,n))' 2>"$build/$machine-fuzz.log"; then
				suite fuzz "${run[@]}" "$build/fuzz-$machine"
			else
				failed=$((failed + 1))
				echo "not ok: $machine: tests/fuzz.c"
				head -n 5 "$build/$machine-fuzz.log"
			fi ;;
		*)
			if [ "$name" = formats ] && [ -n "$emulator" ] && [ -z "${SUITES-}" ]; then
				skip 1 "$machine: formats: too slow in the emulator; SUITES=formats runs it"
			elif make -s "BUILD=${BUILD:-build}" "${BUILD:-build}/$name" >"$build/make.log" 2>&1; then
				suite "$name" "${BUILD:-build}/$name"
			else
				skip 1 "$machine: $name: cannot be built here: $(tail -n 1 "$build/make.log")"
			fi ;;
		esac
	done
done

echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
