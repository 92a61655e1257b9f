#!/bin/bash
# engines.sh - the suites that need real engines, with those of this machine or of a Debian release: `make e2e`
#
# SPDX-License-Identifier: 0BSD
#
#   tests/engines.sh [here|RELEASE]...       trixie, sid; here by default. $DINDBIND is the binary
#
# A release is a machine (machine.sh) with its engines, on a file system and with a unified cgroup hierarchy of its own,
# as an installed one has. The suites are e2e.sh, `examples.sh --docker`, proxy.sh (of a machine only $PROXY) and
# `docs.py --docker`; each prints its own total. What the machine's engines are is printed first.

set -u
export LC_ALL=C PATH=$PATH:/usr/sbin:/sbin
here=$(cd "$(dirname "$0")" && pwd)
. "$here/shell.sh"
. "$here/machine.sh"

# With musl-tools, what a test builds in a runner is as small as the tool.
packages='docker.io docker-cli docker-buildx docker-compose containerd runc crun podman fuse-overlayfs fuse3 uidmap
	busybox-static jq iproute2 procps python3 python3-docker gcc libc6-dev make musl-tools util-linux-extra golang-go curl'

clean_up() {
	rm -rf --one-file-system "$T"
	find /sys/fs/cgroup -depth -type d -path "*/${T##*/}*" -exec rmdir {} + 2>/dev/null
}

suites() {
	local status=0
	bash "$here/e2e.sh" || status=1
	bash "$here/examples.sh" --docker || status=1
	# shellcheck disable=SC2086
	bash "$here/proxy.sh" ${PROXY-} || status=1
	PYTHONDONTWRITEBYTECODE=1 python3 "$here/docs.py" --docker || status=1
	return $status
}

# In the machine, whose file system has the tree at /dindbind.
if [ "${1-}" = --inside ]; then
	mount -t tmpfs tmpfs /run && mount -t tmpfs -o mode=1777 tmpfs /dev/shm && umount -R /sys/fs/cgroup &&
		mount -t cgroup2 cgroup2 /sys/fs/cgroup || exit
	# podman takes whoever is in the root of the hierarchy for its container's, and moves all of them to /init
	mkdir "/sys/fs/cgroup/$MACHINE" && echo 0 >"/sys/fs/cgroup/$MACHINE/cgroup.procs" || exit
	# The groups that differ with the clients and with where images are, which is where docker 29 has them by default
	export PROXY='peer self clients' STORE=yes
	for p in $packages; do dpkg-query -W -f '${Package} ${Version}\n' "$p"; done |
		grep -E '^(docker.io|docker-compose|containerd|runc|crun|podman|fuse-overlayfs) ' | sed 's/^/# /'
	suites
	exit
fi

# The mounts end with this process; the machine has a device of its own, so that what it names is not below something.
if [ "${1-}" = --machine ]; then
	T=$2 release=$3
	# shellcheck disable=SC2086
	tar=$(bare "$release" $packages) && truncate -s 16G "$T/disk" && mkfs.ext4 -q "$T/disk" && mkdir "$T/root" &&
		mount -o loop "$T/disk" "$T/root" && rmdir "$T/root/lost+found" && machine "$T/root" "$tar" &&
		mkdir "$T/root/dindbind" &&
		tar -C "${here%/*}" --exclude=./.git --exclude=./build -c . | tar -C "$T/root/dindbind" -x &&
		cp "$DINDBIND" "$T/root/usr/local/bin/dindbind" || die "no machine of $release"
	within "$T/root" env DINDBIND=/usr/local/bin/dindbind MACHINE="${T##*/}" bash /dindbind/tests/engines.sh --inside
	exit
fi

DINDBIND=${DINDBIND:-./dindbind}
[ -x "$DINDBIND" ] || die "$DINDBIND: no such program (run make first)"
DINDBIND=$(cd "$(dirname "$DINDBIND")" && pwd)/${DINDBIND##*/}
export DINDBIND
status=0
for release in "${@:-here}"; do
	if [ "$release" = here ]; then
		suites || status=1
		continue
	fi
	machines
	T=$(mktemp -d /var/tmp/dindbind-engines.XXXXXX) || exit
	trap clean_up EXIT
	unshare --mount --propagation private bash "$0" --machine "$T" "$release" || status=1
	clean_up
done
exit $status
