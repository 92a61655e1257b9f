# elsewhere.sh - the daemon has other mounts than the proxy; the unit files and the compose file; sourced by proxy.sh
#
# SPDX-License-Identifier: 0BSD
# shellcheck shell=bash
# shellcheck disable=SC2016,SC2034,SC2154

files=${tests%/*}/examples/go/proxy

# seen LABEL: a runner's binds, by a proxy that is up for the daemon at $engine
seen() {
	local by=(docker run --rm --network none)
	is "$1: a runner's directory" 0 'of the runner' in_view "$PID" "${by[@]}" -v "$J:/x" tools cat /x/file
	is "$1: a missing source is made in the runner" 0 sibling eval 'in_view "$PID" "${by[@]}" -v "$J/made:/x" tools \
		sh -c "echo sibling >/x/f" && cat "$W/volume/made/f"'
	rm -r "$W/volume/made"
	refused "$1: a missing source of --mount" 'not there' \
		in_view "$PID" docker create --mount "type=bind,source=$J/none,target=/x" tools true
}

# ---- The daemon in another mount namespace ----------------------------------------------------------

# As snap starts docker, and as a sidecar of docker in docker is: it has PIDs of its own, and sees nothing that is
# mounted out here later.
inner_cases() {
	local kind=$1 engine=$W/inner/sock kids=''
	shift
	within=("$@")
	dockerd_up "$W/inner"
	within=()
	read -r kids 2>/dev/null <"/proc/$dockerd/task/$dockerd/children"
	E=$dockerd
	[ "$(cat "/proc/$dockerd/comm")" = dockerd ] || E=${kids%% *}
	docker -H "unix://$engine" import --change 'ENV PATH=/bin' - tools <"$W/tools.tar" >/dev/null
	upstream=$engine proxy_up
	engine() { docker -H "unix://$W/inner/sock" "$@"; }
	is "$kind: run" 0 hi run tools echo hi
	seen "$kind"
	nsenter --target "$E" --mount mount -t tmpfs tmpfs "$W/other"
	nsenter --target "$E" --mount sh -c 'mkdir "$1/d" && echo "of the daemon" >"$1/d/file"' sh "$W/other"
	refused "$kind: what the daemon has something else at" 'no path' \
		in_view "$PID" docker create -v "$W/other:/x" tools true
	is "$kind: a client beside the daemon has the daemon's names" 0 'of the daemon' \
		nsenter --target "$E" --mount docker run --rm --network none -v "$W/other/d:/x" tools cat /x/file
	proxy_down
	nsenter --target "$E" --mount --pid sh "$files/stages.sh" "$W/istages"
	upstream=$engine proxy_up -stage "$W/istages"
	seen "$kind, staged"
	in_view "$PID" docker create --name one --network none -v "$J:/x" tools cat /x/file >/dev/null
	is "$kind, staged: it is mounted where the daemon sees it, and nowhere else" 0 $'3\n0' eval \
		'grep -c "$W/istages/[0-9a-f]" "/proc/$E/mountinfo"; grep -c "$W/istages" /proc/self/mountinfo; true'
	is "$kind, staged: and read" 0 'of the runner' engine start -a one
	engine rm one >/dev/null
	is "$kind, staged: removed" 0 '' until_true eval '! grep -q "$W/istages/[0-9a-f]" "/proc/$E/mountinfo"'
	proxy_down
	kill "$E"
	wait "$dockerd"
	engine() { docker -H "unix://$W/docker/sock" "$@"; }
	rm -rf --one-file-system "$W/inner" "$W/istages" "$W/istages.rw"
}

# ---- The unit files ---------------------------------------------------------------------------------

# setting NAME: of the service
setting() {
	sed -n "s/^$1=//p" "$files/dindbind-proxy.service"
}

# As the unit has it: all of the file system is read-only but /dev, /proc and /sys, a /tmp and /var/tmp of its own, few
# capabilities. Only /tmp stays, where these tests are.
unit_cases() {
	local caps
	is 'the unit is as these cases imitate it' 0 $'strict\nread-only\nyes\nyes' eval \
		'for s in ProtectSystem ProtectHome PrivateTmp NoNewPrivileges; do setting $s; done'
	caps=$(setting CapabilityBoundingSet | tr 'A-Z ' 'a-z,' | sed 's/cap_/+/g')
	within=(unshare --mount --propagation slave sh -c 'mount -t tmpfs tmpfs /var/tmp
		awk "{ print \$5 }" /proc/self/mountinfo | grep -vE "^/(dev|proc|sys)(/|$)" | while read -r at; do
			mount -o remount,bind,ro "$at"; done 2>/dev/null
		! touch "$1/volume/written" 2>/dev/null || exit
		caps=$2; shift 2; exec setpriv --no-new-privs --bounding-set "-all,$caps" --inh-caps "-all" "$@"' sh "$W" "$caps")
	unit_up
	is 'as the unit has it: run' 0 hi run tools echo hi
	seen 'as the unit has it'
	container_cases 'as the unit has it'
	unit_down
	sh "$files/stages.sh" "$W/ustages"
	unit_up -stage "$W/ustages"
	seen 'as the unit has it, staged'
	container_cases 'as the unit has it, staged'
	in_view "$PID" docker create --name one --network none -v "$J:/x" tools cat /x/file >/dev/null
	is 'as the unit has it, staged: it is there' 0 3 grep -c "$W/ustages/[0-9a-f]" /proc/self/mountinfo
	engine rm one >/dev/null
	is 'as the unit has it, staged: removed' 0 '' until_true eval '! grep -q "$W/ustages/[0-9a-f]" /proc/self/mountinfo'
	unit_down
	umount "$W/ustages" "$W/ustages.rw" && rmdir "$W/ustages" "$W/ustages.rw"
}

# The socket is systemd's, which makes it outside.
unit_up() {
	python3 "$tests/proxy/peer.py" activate "$proxy" "${within[@]}" "$P" -daemon "$W/docker/sock" -dindbind "$D" "$@" \
		2>>"$W/proxy.log" &
	proxy_pid=$!
	export DOCKER_HOST=unix://$proxy
	until_true listens "$proxy" || report 'as the unit has it' "it does not start: $(tail -n 2 "$W/proxy.log")"
}

unit_down() {
	proxy_down
	within=()
}

# A runner of docker's: other namespaces, capabilities and users.
container_cases() {
	chmod 666 "$proxy"
	engine run -d --network none --name runner -v "$proxy:/var/run/docker.sock" -v vol:/vol tools \
		sh -c 'echo "of the volume" >/vol/file; exec sleep 1000000' >/dev/null
	until_true engine exec runner cat /vol/file
	is "$1: a volume of a container" 0 'of the volume' \
		engine exec runner docker run --rm --network none -v /vol:/x tools cat /x/file
	is "$1: the root of a container" 0 'of the image' \
		engine exec runner docker run --rm --network none -v /in:/x tools cat /x/file
	is "$1: of a user in a container" 0 'of the volume' \
		engine exec -u 1000 runner docker -H unix:///var/run/docker.sock run --rm --network none -v /vol:/x tools cat /x/file
	engine rm -fv runner >/dev/null
}

# systemd looks for the programs that a unit names: those of this test.
verify_cases() {
	local unit why
	if [ "$(absent systemd-analyze)" ]; then
		skip 'systemd-analyze verify' 'not installed: systemd'
		return
	fi
	mkdir -p "$W/units"
	for unit in "$files"/*.service "$files"/*.socket; do
		sed "s,/usr/local/bin/dindbind-proxy,$P,; s,/usr/local/bin/dindbind-stages,/bin/sh,; s,/usr/local/bin/dindbind,$D," \
			"$unit" >"$W/units/${unit##*/}"
	done
	for unit in "$W/units/"*; do
		why=$(systemd-analyze verify --man=no "$unit" 2>&1 | grep -F "$(basename "$unit")")
		report "systemd-analyze verify ${unit##*/}" "$why"
	done
	echo 'Nonsense=yes' >>"$W/units/dindbind-proxy.service"
	is 'control: it finds a word that it does not know' 0 1 eval \
		'systemd-analyze verify --man=no "$W/units/dindbind-proxy.service" 2>&1 | grep -c Nonsense'
}

# ---- The compose file -------------------------------------------------------------------------------

compose_cases() {
	local compose
	cp -r "$files" "$W/compose" && cp "$P" "$D" "$W/compose/"
	ln -s "$W/docker/sock" /run/docker.sock
	compose=(env -C "$W/compose" "DOCKER_HOST=unix://$W/docker/sock" DOCKER_BUILDKIT=0 docker-compose)
	is 'docker-compose up' 0 '' eval '"${compose[@]}" up -d >"$W/out" 2>&1 || ! cat "$W/out"'
	if until_true listens /run/dindbind/docker.sock; then
		export DOCKER_HOST=unix:///run/dindbind/docker.sock
		is 'from compose: run' 0 hi run tools echo hi
		seen 'from compose'
		proxy=/run/dindbind/docker.sock container_cases 'from compose'
	else
		report 'from compose' "it does not listen: $("${compose[@]}" logs 2>&1 | tail -n 3)"
	fi
	is 'docker-compose down' 0 '' eval '"${compose[@]}" down >"$W/out" 2>&1 || ! cat "$W/out"'
	rm -rf /run/docker.sock /run/dindbind
}

elsewhere_cases() {
	local PID E
	mkdir -p "$W/other"
	view volume
	inner_cases 'a slave namespace' unshare --mount --propagation slave
	inner_cases 'docker in docker' unshare --mount --pid --fork --kill-child --mount-proc --propagation private
	unit_cases
	verify_cases
	compose_cases
	kill "$PID"
}
