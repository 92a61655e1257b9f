# namespaces.sh - to be read with `.`: what every suite needs, and a plain chroot lacks
#
# SPDX-License-Identifier: 0BSD

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
