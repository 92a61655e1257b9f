#!/bin/sh
# deps.sh - install what the build and the tests need: `make deps`
#
# SPDX-License-Identifier: 0BSD
#
# Prints one line when there is something to install, nothing when there is not. It installs with apt-get alone; of
# other package managers it knows the names of the packages (looked up, not tried), prints them, and fails, so that
# `make deps check` does not go on half installed.

set -u
PATH=$PATH:/usr/sbin:/sbin

# What is needed and not here, each known by what shows that it is here.
missing() {
	for program in cc make cmp strace busybox python3 bash unshare setpriv pivot_root; do
		command -v $program >/dev/null || echo $program
	done
	printf '#include <%s>\n' stdarg.h stddef.h stdint.h setjmp.h cmocka.h |
		cc -x c -E -o /dev/null - 2>/dev/null || echo cmocka.h
	# What follows is for glibc. A static program takes ten times the room with it: musl is wanted beside it. Where musl
	# is the system's libc (Alpine), gcc has no sanitizers: `make check SANITIZE=-g` does without.
	echo '#include <features.h>' | cc -E -dM -x c - 2>/dev/null | grep -q __GLIBC__ || return
	command -v musl-gcc >/dev/null || echo musl-gcc
	echo 'int main(void) { return 0; }' | cc -fsanitize=address,undefined -x c -o /dev/null - 2>/dev/null ||
		echo 'libasan libubsan'
}

# COMMAND PACKAGES of the first package manager that is here.
how() {
	while read -r manager line; do
		if command -v "$manager" >/dev/null; then
			echo "$line"
			return
		fi
	done <<-'END'
	apt-get apt-get install -y --no-install-recommends gcc libc6-dev musl-tools libcmocka-dev strace busybox-static python3
	dnf dnf install gcc libasan libubsan musl-gcc musl-devel musl-libc-static libcmocka-devel strace busybox python3 diffutils util-linux
	apk apk add build-base linux-headers cmocka-dev strace busybox-static python3 util-linux bash
	pacman pacman -S base-devel musl cmocka strace busybox python
	zypper zypper install gcc musl musl-devel libcmocka-devel strace busybox-static python3 diffutils util-linux
	END
	echo 'install a C compiler with its sanitizers, musl-gcc, cmocka, strace, busybox, python3, util-linux, diffutils'
}

found=$(missing | tr '\n' ' ')
[ "$found" ] || exit 0
install=$(how)
# newer than Debian 13, util-linux has it no more
case "$found$install" in *pivot_root*apt-get*) install="$install util-linux-extra" ;; esac
case $install in apt-get*) by_hand= ;; *) by_hand=yes ;; esac

as_root=
if [ "$(id -u)" != 0 ]; then
	command -v sudo >/dev/null && as_root=sudo || by_hand=yes
fi
if [ "$by_hand" ]; then
	echo "deps: missing: ${found% }; do as root: $install" >&2
	exit 1
fi

log=$(mktemp) || exit
trap 'rm -f "$log"' EXIT
echo "deps: ${as_root:+$as_root }$install"
# shellcheck disable=SC2086 # words
if $as_root apt-get update >"$log" 2>&1; $as_root env DEBIAN_FRONTEND=noninteractive $install >>"$log" 2>&1; then
	found=$(missing | tr '\n' ' ')
	[ "$found" ] || exit 0
	echo "deps: still missing: $found" >&2
	exit 1
fi
tail -n 20 "$log" >&2
echo "deps: apt-get failed, see above${as_root:+; or do as root: $install}" >&2
exit 1
