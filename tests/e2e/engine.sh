# engine.sh - -E: a daemon in a mount namespace of its own gets what a runner of the one out here has; sourced by e2e.sh
#
# SPDX-License-Identifier: 0BSD
# shellcheck shell=bash
# shellcheck disable=SC2016,SC2034,SC2154

# What the inner daemon is started in: as snap starts docker, and as a sidecar of docker in docker is, which sees nothing
# of what is mounted out here later and has PIDs of its own.
inner_kinds=('a slave namespace' 'docker in docker')
inner_slave=(unshare --mount --propagation slave)
inner_dind=(unshare --mount --pid --fork --kill-child --mount-proc --propagation private)

# inner_start WRAPPER...: sets $inner, what is started, and $ENGINE, the daemon
inner_start() {
	local at=$W/inner kids=''
	mkdir -p "$at"
	"$@" dockerd --host "unix://$at/sock" --data-root "$at/root" --exec-root "$at/exec" --pidfile "$at/pid" \
		--config-file "$W/docker/daemon.json" --iptables=false --ip6tables=false --bridge=none --storage-driver=overlay2 \
		--exec-opt native.cgroupdriver=cgroupfs --cgroup-parent "/$name" >"$at/log" 2>&1 &
	inner=$!
	until_true docker --host "unix://$at/sock" version || { tail -n 3 "$at/log"; return 1; }
	docker --host "unix://$at/sock" load -q -i "$W/few.tar" >/dev/null || return
	read -r kids 2>/dev/null <"/proc/$inner/task/$inner/children"
	ENGINE=$inner
	[ "$(cat "/proc/$inner/comm")" = dockerd ] || ENGINE=${kids%% *}
	[ "$(cat "/proc/$ENGINE/comm")" = dockerd ]
}

inner_end() {
	kill "$ENGINE" 2>/dev/null
	wait "$inner" 2>/dev/null
	rm -rf --one-file-system "$W/inner"
}

# inner_sees LABEL KIND SOURCE VIEW...: a sibling of the inner daemon, beside the runner of the outer one
inner_sees() {
	local label=$1 kind=$2 src=$3 why want hello='' DOCKER_HOST=unix://$W/inner/sock
	shift 3
	want=$(in_runner probe view "$kind" "$src" 2>&1)
	if answer docker "$src" /x rw -E "$ENGINE:$(start_of "$ENGINE")" -p "$PID:$START" "$@" 2>"$W/err"; then
		export DOCKER_HOST
		why=$(try docker "$kind" "$src" sibling "$want")
	else
		why=$(cat "$W/err")
	fi
	report docker "-E, $label" "$why"
}

# inner_down LABEL: the stage is taken down while a sibling has it, which keeps it; nothing is left there, nor here
inner_down() {
	local why='' got id host=unix://$W/inner/sock
	answer docker /home/runner/externals /x rw -E "$ENGINE" -p "$PID:$START" -s "$W/inner/st" 2>"$W/err" || why=$(cat "$W/err")
	id=$(docker --host "$host" run --detach --network none "${M[@]}" "$image:few" sleep 1000 2>"$W/err") || why="$why $(cat "$W/err")"
	"$D" -E "$ENGINE" -u "$W/inner/st" 2>"$W/err" || why="$why -u: $?, $(cat "$W/err")"
	! grep -hq ' tmpfs dindbind ' /proc/self/mountinfo "/proc/$ENGINE/mountinfo" || why="$why a mount is left"
	! nsenter --target "$ENGINE" --mount test -e "$W/inner/st" || why="$why the directory is left"
	got=$(docker --host "$host" exec "$id" cat /x/node22/node 2>&1)
	[ "$got" = 'node22, from the upperdir' ] || why="$why the sibling reads: $got"
	docker --host "$host" rm --force "$id" >/dev/null 2>&1
	report docker "-E, $1: taken down while a sibling has it" "$why"
}

# inner_gone LABEL: with the daemon's namespace goes the stage, and -u says so
inner_gone() {
	local why=''
	"$D" -E "$ENGINE" -p "$PID:$START" -s "$W/inner/st" /home/runner/externals >/dev/null 2>"$W/err" || why=$(cat "$W/err")
	inner_end
	until_true dead "$ENGINE"
	"$D" -E "$ENGINE" -u "$W/inner/st" 2>"$W/err" || why="$why -u: $?"
	grep -q 'the engine is gone; no process sees a stage there' "$W/err" || why="$why -u says: $(cat "$W/err")"
	report docker "-E, $1: the engine is gone" "$why"
}

# With a runner of docker's, $PID.
inner_cases() {
	local inner ENGINE i kind
	for i in 0 1; do
		kind=${inner_kinds[$i]}
		local wrapper=("${inner_slave[@]}")
		[ "$i" = 0 ] || wrapper=("${inner_dind[@]}")
		if ! inner_start "${wrapper[@]}" 2>"$W/err"; then
			report docker "-E, $kind: the inner daemon" "$(tail -n 2 "$W/err" "$W/inner/log")"
			inner_end
			continue
		fi
		inner_sees "$kind: a directory that is merged, staged" dir /home/runner/externals -s "$W/inner/st"
		inner_sees "$kind: mounts below, staged" nested /home/runner -s "$W/inner/st"
		inner_sees "$kind: a volume's host path" dir /home/runner/_work
		"$D" -E "$ENGINE" -u "$W/inner/st" 2>"$W/err" || report docker "-E, $kind: -u" "$(cat "$W/err")"
		inner_down "$kind"
		inner_gone "$kind"
	done
}

# A rootless podman, whose runner is $PID, asked from outside of its namespaces: by the host's root, and by its own user.
inner_rootless() {
	local who why got want hello='' at=/run/user/1500/engine as E
	E=$("${podman_as[@]}" cat /run/user/1500/libpod/tmp/pause.pid 2>/dev/null)
	if [ -z "$E" ] || dead "$E"; then
		report podman "$storage, -E" "no pause process: $E"
		return
	fi
	for who in "the host's root" 'its own user'; do
		why='' as=()
		# a user's FUSE lets nobody else in, not even root
		case $layout:$who in *fuse*"the host's root") continue ;; esac
		[ "$who" = "the host's root" ] || as=("${podman_as[@]}")
		program=("${as[@]}" "$D")
		want=$(in_runner probe view nested /home/runner 2>&1)
		if answer podman /home/runner /x rw -E "$E" -p "$PID:$START" -s "$at" 2>"$W/err"; then
			why=$(try podman nested /home/runner sibling "$want")
			got=$(nsenter -t "$E" -U -m stat -c '%a' "$at" 2>&1)
			[ "${got%?}" = 71 ] || [ "$got" = 700 ] || why="$why the stage's mode is $got"
			"${program[@]}" -E "$E" -u "$at" 2>"$W/err" || why="$why -u: $?, $(cat "$W/err")"
			! grep -q ' tmpfs dindbind ' "/proc/$E/mountinfo" || why="$why a mount is left"
			[ ! -e "$at" ] || why="$why $at is left"
		else
			why=$(cat "$W/err")
		fi
		program=("${outside[@]}")
		report podman "$storage, -E, asked by $who" "$why"
	done
}
