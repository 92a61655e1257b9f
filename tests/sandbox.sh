# sandbox.sh - to be read with `.` after shell.sh: namespaces that end with a suite of engines, and nothing left of it
#
# SPDX-License-Identifier: 0BSD
#
# The outer process makes $scratch (sandbox_scratch) and runs the suite in namespaces (sandbox_run), where $W is $scratch/w.
# The inner one calls sandbox_place first, and sandbox_left last.

# ---- Outside ----------------------------------------------------------------------------------------

# What must be the same afterwards: in the caller's namespaces, as far as a suite could change it.
outer_state() {
	# /proc/mounts: without the ids, which change when a service remounts something
	grep "${scratch##*/}" /proc/mounts
	find /sys/fs/cgroup -name "*${scratch##*/}*" 2>/dev/null
	ip -o link | cut -d: -f2
	ls -d /var/lib/containerd /var/lib/docker /var/lib/containers /var/lib/cni /run/containerd /run/docker \
		/run/dindbind /run/containers /run/runc /run/crun /run/netns /opt/containerd /etc/docker/* 2>/dev/null
}

# The death of unshare(1) kills PID 1 of the namespaces, and that all that is in them.
clean_up() {
	local init=''
	read -r init 2>/dev/null <"/proc/$inside/task/$inside/children"
	kill -KILL "$inside" 2>/dev/null && wait "$inside" 2>/dev/null
	until [ -z "$init" ] || [ ! -e "/proc/${init% }" ]; do sleep 0.02; done
	rm -rf --one-file-system "$scratch"
	find /sys/fs/cgroup -depth -type d -path "*/${scratch##*/}*" -exec rmdir {} + 2>/dev/null
}

# sandbox_scratch NAME: $scratch, which has the program
sandbox_scratch() {
	scratch=$(mktemp -d "${TMPDIR:-/tmp}/dindbind-$1.XXXXXX") || die 'no temporary directory'
	scratch=$(cd "$scratch" && pwd -P) && chmod 711 "$scratch" || exit
	inside=none
	trap clean_up EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM HUP
	cp "$bin" "$scratch/dindbind" || exit
}

# sandbox_run ARGUMENT...: this script, inside; then the total, and the end
sandbox_run() {
	local before after status
	before=$(outer_state)
	setpriv --pdeathsig KILL unshare --mount --pid --net --fork --kill-child --mount-proc \
		--propagation private bash "$0" --inside "$scratch" "$@" &
	inside=$!
	wait $inside
	status=$?
	[ -f "$scratch/result" ] || die "ended before the end (status $status)"
	read -r passed failed skipped <"$scratch/result"
	inside=none
	clean_up
	after=$(outer_state)
	if [ "$before" = "$after" ] && [ ! -e "$scratch" ]; then
		echo 'ok host nothing left'
		passed=$((passed + 1))
	else
		echo 'not ok host nothing left:' "$(diff <(echo "$before") <(echo "$after"))"
		failed=$((failed + 1))
	fi
	echo "$passed passed, $failed failed, $skipped skipped"
	[ "$failed" -eq 0 ]
	exit
}

# ---- Inside -----------------------------------------------------------------------------------------

inner_state() {
	awk '{ print $5, $9, $10, $11 }' /proc/self/mountinfo | sort
	ip -o link | cut -d: -f2
}

leftovers() {
	local p
	for p in /proc/[0-9]*; do
		[ "$p" = /proc/$$ ] || [ ! -e "$p/exe" ] || return 1
	done
}

fixed() {
	mkdir -p "$W/fixed$1/upper" "$W/fixed$1/work" &&
		mount -t overlay -o "lowerdir=$1,upperdir=$W/fixed$1/upper,workdir=$W/fixed$1/work" overlay "$1"
}

# $W. Whatever is configured, engines write to some fixed places: none of that may show outside.
sandbox_place() {
	mkdir "$W" || exit
	# an overlay cannot be the upper part of another one
	[ "$(stat -f -c %T "$W")" != overlayfs ] || mount -t tmpfs -o mode=755 tmpfs "$W" || exit
	# In a machine (engines.sh) one layout has engines in the real /var/lib, and removes what is in it then.
	[ -z "${MACHINE-}" ] || { mkdir "$W/var-lib" && mount --bind /var/lib "$W/var-lib"; } || exit
	mount -t tmpfs -o mode=755 tmpfs /run && fixed /etc && fixed /opt && fixed /var/lib || exit
	ip link set lo up
}

# sandbox_left STATE: $why is what there is besides that state, or ''. Not for a subshell, which is a process itself.
sandbox_left() {
	local after left
	why=''
	# shellcheck disable=SC2009
	until_true leftovers || why="processes: $(ps -e -o pid=,args= | grep -v "^ *$$ ") "
	after=$(inner_state)
	[ "$1" = "$after" ] || why="$why mounts or links: $(diff <(echo "$1") <(echo "$after")) "
	# the parents that the engines were told to use are ours to remove, empty
	find /sys/fs/cgroup -depth -type d -path "*/${scratch##*/}*" -exec rmdir {} + 2>/dev/null
	left=$(find /sys/fs/cgroup -type d -path "*/${scratch##*/}*")
	[ -z "$left" ] || why="$why cgroups: $left"
}
