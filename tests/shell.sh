# shell.sh - to be read with `.`: what the scripts share
#
# SPDX-License-Identifier: 0BSD

die() {
	why=${0##*/}
	echo "${why%.sh}: $*" >&2
	exit 1
}

# absent COMMAND...: those that are not there
absent() {
	for command; do command -v "$command" >/dev/null || echo "$command"; done
}

# until_true COMMAND...: for things that start; the limit only ends a failure
until_true() {
	tries=0
	while [ $tries -lt 1000 ]; do
		"$@" >/dev/null 2>&1 && return 0
		sleep 0.02
		tries=$((tries + 1))
	done
	return 1
}

# Every suite needs a mount namespace, and a plain chroot has none:
# Why there is no mount namespace to work in, and what to do about it, in one line; nothing when there is one.
# pivot_root(2) and a change of propagation want / to be a mount, and unshare(2) gives no user namespace to a process
# that was chrooted (create_user_ns() in kernel/user_namespace.c).
no_namespaces() {
	command -v unshare >/dev/null || { echo 'unshare is missing: install util-linux'; return; }
	if [ "$(id -u)" = 0 ]; then
		why=$(unshare --mount --propagation private true 2>&1) && return
	else
		why=$(unshare --map-root-user --mount --propagation private true 2>&1) && return
	fi
	why=$(printf '%s' "$why" | tr '\n' ' ')
	if ! grep -q '^[0-9]* [0-9]* [0-9:]* [^ ]* / ' /proc/self/mountinfo 2>/dev/null; then
		echo "/ is not a mount here, as in a plain chroot: enter this root with pivot_root, or as a container ($why)"
	elif [ "$(id -u)" = 0 ]; then
		echo "no mount namespace for root: give this container CAP_SYS_ADMIN ($why)"
	else
		echo "no user namespace for $(id -un): be root, leave the chroot if this is one, or allow it with sysctl" \
			"(kernel.unprivileged_userns_clone, kernel.apparmor_restrict_unprivileged_userns," \
			"user.max_user_namespaces; $why)"
	fi
}
