#!/bin/sh
# stages.sh - the place for the stages of a proxy, before the container engine starts
#
# SPDX-License-Identifier: 0BSD
#
#   stages.sh BASE
#
# BASE.rw is a small tmpfs, and BASE is the same one, read-only: the proxy makes a directory for each stage through
# BASE.rw and mounts the stage at its name in BASE. An engine that starts a container again whose stage is lost, after the
# machine was started anew, finds nothing at that name and cannot make a directory there, as docker would for a `-v`:
# the start fails instead of showing an empty directory. Both mounts are private: no other mount namespace gets a
# stage. It has to be run in the engine's mount namespace. What is ready stays as it is.

set -eu
[ $# = 1 ] || { echo 'usage: stages.sh BASE' >&2; exit 2; }
base=${1%/}
case $base in
*[!A-Za-z0-9_./-]* | */../* | */. | */.. | *//* | [!/]* | '') echo "stages.sh: $base: give an absolute path of letters, digits and . _ -" >&2; exit 2 ;;
esac

# mounted DIR: is something mounted there?
mounted() {
	while read -r _ _ _ _ point _; do
		[ "$point" != "$1" ] || return 0
	done </proc/self/mountinfo
	return 1
}

[ -r /proc/self/mountinfo ] || { echo 'stages.sh: no /proc of this PID namespace: with nsenter take --pid too' >&2; exit 1; }
mkdir -p -m 700 "$base" "$base.rw"
[ "$(cd "$base" && pwd -P)" = "$base" ] ||
	{ echo "stages.sh: $base: it leads through a symlink: give $(cd "$base" && pwd -P)" >&2; exit 2; }
mounted "$base.rw" || { mount -t tmpfs -o mode=700,size=1m,nosuid,nodev,noexec dindbind "$base.rw"; mount --make-private "$base.rw"; }
mounted "$base" || { mount --bind "$base.rw" "$base"; mount --make-private "$base"; }
mount -o remount,bind,ro,nosuid,nodev,noexec "$base"
