#!/bin/bash
# builds.sh - `make` with each compiler and libc that is here, without a warning: `make builds`
#
# SPDX-License-Identifier: 0BSD
#
# Each is a `make` of its own in a copy of the tree, and what it built must run. What is not here is skipped, with its
# name. Not tried anywhere: Alpine itself, whose cc is a gcc with musl, as musl-gcc is.

set -u
cd "$(dirname "$0")/.." || exit
passed=0 failed=0 skipped=0
T=$(mktemp -d) || exit
trap 'rm -rf "$T"' EXIT
cp dindbind.c dindbind.h Makefile "$T" || exit

# clang has no wrapper for musl on Debian: what musl-gcc's specs say, in words that clang knows.
musl=/usr/lib/$(uname -m)-linux-musl headers=/usr/include/$(uname -m)-linux-musl
clang_musl=(CC=clang CFLAGS="-Os -nostdinc -isystem $headers -isystem $(clang -print-resource-dir 2>/dev/null)/include"
	LDFLAGS="-nostdlib $musl/crt1.o $musl/crti.o -L$musl -lc $musl/crtn.o")

# builds NAME LIBC PROGRAM ARGUMENT...: PROGRAM is what must be here for it, LIBC what the last line must say
builds() {
	local name=$1 libc=$2 program=$3 out
	shift 3
	if ! command -v "$program" >/dev/null; then
		echo "skipped: $name: no $program"
		skipped=$((skipped + 1))
		return
	fi
	rm -rf "$T/build" "$T/dindbind"
	out=$(env -u MAKEFLAGS -u MAKELEVEL -u CC -u CPPFLAGS -u CFLAGS -u LDFLAGS make -s -C "$T" "$@" 2>&1)
	if [ "$(wc -l <<<"$out")" = 2 ] && [[ $out == *" bytes, static, $libc; "* ]] &&
		readelf -lW "$T/dindbind" >"$T/segments" && ! grep -q INTERP "$T/segments" && "$T/dindbind" -V >/dev/null; then
		passed=$((passed + 1))
		echo "ok: $name: ${out##*dindbind: }"
	else
		failed=$((failed + 1))
		printf 'not ok: %s\n%s\n' "$name" "$out"
	fi
}

builds 'by default' "$(command -v musl-gcc >/dev/null && echo musl || echo '*')" make
for gcc in gcc gcc-12 gcc-13 gcc-14; do
	builds "$gcc" glibc $gcc CC=$gcc
	REALGCC=$gcc builds "$gcc, musl" musl $gcc CC=musl-gcc
done
builds 'clang' glibc clang CC=clang
if [ -e "$musl/crt1.o" ]; then
	builds 'clang, musl' musl clang "${clang_musl[@]}"
fi
builds 'flags of another one' musl musl-gcc CC=musl-gcc CFLAGS='-O2 -g'

# compiles NAME COMMAND...: of dindbind.c, or of what stands in standard input, with every warning on
compiles() {
	local name=$1 out
	shift
	if ! command -v "$1" >/dev/null; then
		echo "skipped: $name: no $1"
		skipped=$((skipped + 1))
	elif out=$("$@" -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror -c -o "$T/one.o" 2>&1); then
		passed=$((passed + 1))
		echo "ok: $name"
	else
		failed=$((failed + 1))
		printf 'not ok: %s\n%s\n' "$name" "$out"
	fi
}

for compiler in gcc clang; do
	compiles "$compiler, C11" $compiler -std=c11 dindbind.c
	compiles "$compiler, C17, optimized" $compiler -std=gnu17 -O2 dindbind.c
	compiles "$compiler, as a library" $compiler -DDINDBIND_NO_MAIN dindbind.c
done
compiles '32 bits, arm' arm-linux-gnueabihf-gcc dindbind.c
echo '#include "dindbind.h"' >"$T/header.cc"
compiles 'the header in C++' g++ -std=c++11 -I. "$T/header.cc"
echo "$passed passed, $failed failed, $skipped skipped"
[ $failed = 0 ]
