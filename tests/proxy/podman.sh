# podman.sh - podman's docker API as the daemon; sourced by proxy.sh
#
# SPDX-License-Identifier: 0BSD
# shellcheck shell=bash
# shellcheck disable=SC2016,SC2034,SC2154

# podman_up: its service at $W/podman/sock
podman_up() {
	local at=$W/podman runtime=()
	mkdir -p "$at"
	# crun, which is the default, refuses a hybrid hierarchy of cgroups
	[ "$(stat -f -c %T /sys/fs/cgroup)" = cgroup2fs ] || runtime=(--runtime "$(command -v runc)")
	podman=(podman --root "$at/root" --runroot "$at/run" --tmpdir "$at/tmp" --cgroup-manager cgroupfs --events-backend file
		--storage-driver overlay "${runtime[@]}")
	export CONTAINERS_CONF=$at/containers.conf
	# podman raises limits, for which CAP_SYS_RESOURCE may be missing, and counts processes, for which a controller may
	cat >"$CONTAINERS_CONF" <<-END
	[containers]
	default_ulimits = ["nofile=1024:1024", "nproc=4096:4096"]
	pids_limit = 0
	END
	"${podman[@]}" import -c 'ENV PATH=/bin' "$W/tools.tar" docker.io/library/tools >/dev/null 2>&1 || return
	"${podman[@]}" system service --time 0 "unix://$at/sock" >"$at/log" 2>&1 &
	podman_pid=$!
	until_true listens "$at/sock"
}

no_podman() { ! cat /proc/[0-9]*/comm 2>/dev/null | grep -qx podman; }

# It binds its graph root onto itself, to make it private; two that start at once both do, and conmon starts one when a
# container has ended.
podman_down() {
	kill "$podman_pid" && wait "$podman_pid"
	until_true no_podman
	umount "$W/podman/root/overlay/"*/merged 2>/dev/null	# of a build that failed
	while mountpoint -q "$W/podman/root/overlay"; do umount "$W/podman/root/overlay" || return; done
}

# A file of the host's for a COPY in a build, by a context that is a directory there.
contexts_cases() {
	local query at
	query='additionalbuildcontexts=%7B%22host%22:%7B%22IsURL%22:false,%22IsImage%22:false,%22Value%22:%22'
	query="$query$W/secret%22%7D%7D"
	mkdir -p "$W/secret" "$W/contexts"
	echo 'of the host' >"$W/secret/file"
	printf 'FROM docker.io/library/tools\nCOPY --from=host file /stolen\nRUN cat /stolen\n' >"$W/contexts/Dockerfile"
	tar -C "$W/contexts" -c . >"$W/contexts.tar"
	at=$W/podman/sock
	posted "/v1.40/build?$query" >/dev/null
	if grep -q 'of the host' "$W/answer"; then
		report 'a build context of the host: podman takes it (control)'
	else
		skip 'a build context of the host: podman takes it (control)' "this one does not: $(tail -c 200 "$W/answer")"
	fi
	at=$proxy
	is 'a build context of the host is refused' 0 403 posted "/v1.40/build?$query"
	is 'a volume for a build is refused' 0 403 posted "/v1.40/build?volume=$W/secret:/x"
	is 'the libpod API is refused' 0 403 posted /v4.0.0/libpod/containers/create
	printf 'FROM docker.io/library/tools\nRUN echo built\n' >"$W/contexts/Dockerfile"
	tar -C "$W/contexts" -c . >"$W/contexts.tar"
	is 'a build without them' 0 $'200\nbuilt' eval 'posted /v1.40/build; echo; grep -o built "$W/answer" | head -n 1'
}

# posted PATH: the status
posted() {
	curl -sS -o "$W/answer" -w '%{http_code}' --max-time 60 --unix-socket "$at" -H 'Content-Type: application/x-tar' \
		--data-binary "@$W/contexts.tar" "http://d$1"
}

podman_cases() {
	local PID podman podman_pid
	if [ "$(absent podman)" ]; then
		skip 'all cases' 'not installed: podman'
		return
	fi
	view volume
	podman_up || { report 'starting it' "$(tail -n 3 "$W/podman/log")"; kill "$PID"; return; }
	upstream=$W/podman/sock proxy_up
	engine() { docker -H "unix://$W/podman/sock" "$@"; }
	is 'run' 0 hi run tools echo hi
	is 'run -v' 0 'of the runner' in_view "$PID" docker run --rm --network none -v "$J:/x" tools cat /x/file
	is 'run --mount' 0 'of the runner' \
		in_view "$PID" docker run --rm --network none --mount "type=bind,source=$J,target=/x" tools cat /x/file
	is 'run -v, written by the sibling' 0 sibling eval 'in_view "$PID" docker run --rm --network none -v "$J:/x" tools \
		sh -c "echo sibling >/x/new" && in_view "$PID" cat "$J/new"'
	is 'a missing source of -v is made in the runner' 0 made eval \
		'in_view "$PID" docker run --rm --network none -v "$J/made:/x" tools touch /x/made &&
		in_view "$PID" ls "$J/made"'
	rm -r "$W/volume/made" "$W/volume/new"
	refused 'a missing source of --mount' 'not there' \
		in_view "$PID" docker create --mount "type=bind,source=$J/none,target=/x" tools true
	is "a runner of podman's: its volume, its root" 0 $'of the volume\nof the image' podman_runner
	contexts_cases
	proxy_down
	prepare
	upstream=$W/podman/sock proxy_up -stage "$B"
	container one -v "$J:/x" "${reads[@]}"
	kept 'staged: it is there' 1 one
	engine rm one >/dev/null
	kept 'staged: removed' 0
	is 'staged: run --rm' 0 'of the runner' in_view "$PID" docker run --rm --network none -v "$J:/x" "${reads[@]}"
	kept '... removed' 0
	proxy_down
	unprepare
	engine() { docker -H "unix://$W/docker/sock" "$@"; }
	podman_down || report 'stopping it' "$(tail -n 3 "$W/podman/log")"
	kill "$PID"
}

podman_runner() {
	"${podman[@]}" run -d --network none --cgroup-parent "/$name" --name runner -v "${proxy%/*}:/run/dindbind" \
		-v vol:/vol docker.io/library/tools sh -c 'echo "of the volume" >/vol/file; exec sleep 1000000' >/dev/null
	until_true "${podman[@]}" exec runner cat /vol/file
	"${podman[@]}" exec runner docker -H "unix:///run/dindbind/${proxy##*/}" run --rm --network none \
		-v /vol:/x -v /in:/y tools cat /x/file /y/file
	"${podman[@]}" rm -f --time 0 -v runner >/dev/null
}

. "$tests/proxy/stage.sh"
