# machine.sh - to be read with `.`: bare machines of a Debian release
#
# SPDX-License-Identifier: 0BSD
# shellcheck shell=bash
#
# A machine is what debootstrap makes of a release and some packages, entered with pivot_root in a mount and PID
# namespace of its own: nothing that was installed by hand here is there. The roots are kept as archives in $CACHE for
# a day, outside of the tree. Needs root, debootstrap, and the package mirror that this machine is set up with.
# Whoever reads this has read shell.sh; $here is this directory, and $T one for what is thrown away.

CACHE=${CACHE:-/var/cache/dindbind}

# debootstrap, and root who runs it
machines() {
	[ "$(id -u)" = 0 ] || die 'needs root: debootstrap makes devices, and pivot_root a mount namespace'
	command -v debootstrap >/dev/null || apt-get install -y -qq --no-install-recommends debootstrap >/dev/null ||
		die 'no debootstrap, and it cannot be installed'
	mkdir -p "$CACHE" || die "$CACHE: cannot be made"
}

# The mirror that apt-get uses here for Debian itself.
mirror() {
	local site
	site=$(apt-get indextargets --format '$(SITE)' 'Identifier: Packages' 'Component: main' 'Origin: Debian' 2>/dev/null |
		grep -v security | head -n 1)
	echo "${site:-http://deb.debian.org/debian}"
}

# bare RELEASE PACKAGE...: the archive of that root, made once a day; what went wrong is in $T/RELEASE.log
bare() {
	local release=$1 root=$T/$1-bare kind list
	shift
	list=$(echo "$*" | tr ' ' ,)
	kind=$release-$(echo "$list" | cksum | cut -d ' ' -f 1)
	local tar=$CACHE/$kind-$(date +%F).tar
	[ -e "$tar" ] || {
		rm -f "$CACHE/$kind"-*.tar
		debootstrap --variant=minbase --include="$list" "$release" "$root" "$(mirror)" >"$T/$release.log" 2>&1 ||
			{ tail -n 5 "$T/$release.log" >&2; return 1; }
		rm -f "$root"/var/cache/apt/archives/*.deb
		tar -C "$root" -cf "$tar.new" . && mv "$tar.new" "$tar" || return
		rm -rf --one-file-system "$root"
	} >&2
	echo "$tar"
}

# machine DIR ARCHIVE: a new one, with an ordinary user
machine() {
	mkdir -p "$1" && tar -C "$1" -xpf "$2" || return
	# a machine that is thrown away need not wait for its disk
	echo force-unsafe-io >"$1/etc/dpkg/dpkg.cfg.d/force-unsafe-io"
	cp /etc/resolv.conf /etc/hosts "$1/etc/" &&
		apt-config dump Acquire::http Acquire::https Acquire::Retries Acquire::Check-Valid-Until Acquire::Check-Date \
			>"$1/etc/apt/apt.conf.d/99machine" &&
		chroot "$1" useradd -m -s /bin/sh user
}

# enter ROOT COMMAND...: PID 1 of the machine
enter() {
	cd "$1" || exit
	shift
	mount -t proc proc proc && mount --rbind /sys sys && mount --rbind /dev dev && mkdir -p .old && pivot_root . .old &&
		cd / && umount -l /.old && rmdir /.old || exit
	exec env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TERM=dumb "$@"
}

# within DIR COMMAND...: in the machine, whose root is a mount of its own
within() {
	# shellcheck disable=SC2016
	unshare --mount --pid --fork --kill-child --propagation private bash -c '. "$1" && shift &&
		{ mountpoint -q "$1" || mount --bind "$1" "$1"; } && enter "$@"' bash "$here/machine.sh" "$@" </dev/null
}
