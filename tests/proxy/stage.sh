# stage.sh - -stage: what is staged ends with its container, and what is lost is an error; sourced by proxy.sh
#
# SPDX-License-Identifier: 0BSD
# shellcheck shell=bash
# shellcheck disable=SC2016,SC2034,SC2154

B=$W/stages

# stages COUNT: there are as many, soon; $B.rw is the list of them
stages() {
	until_true stages_are "$1"
	find "$B.rw" -mindepth 1 -maxdepth 1 | wc -l
}
stages_are() { [ "$(find "$B.rw" -mindepth 1 -maxdepth 1 | wc -l)" = "$1" ]; }

# container NAME DOCKER-ARGUMENT...: created by the runner in the view, with its $J as /x
container() {
	in_view "$PID" docker create --network none --name "$@" >/dev/null
}
reads=(tools cat /x/file)

prepare() { sh "${tests%/*}/examples/go/proxy/stages.sh" "$B"; }

unprepare() { umount -l "$B" "$B.rw" && rmdir "$B" "$B.rw"; }

# kept CASE COUNT NAME...: so many stages, and these containers start and read
kept() {
	local label=$1 count=$2 name why
	shift 2
	why=$(differs 0 "$count" stages "$count")
	for name; do why="$why$(differs 0 'of the runner' engine start -a "$name")"; done
	report "$label" "$why"
}

# ---- Each stage ends with its container -------------------------------------------------------------

life_cases() {
	container one -v "$J:/x" "${reads[@]}"
	is 'the source is below BASE, named by owner and number' 0 yes eval \
		'[[ $(engine inspect -f "{{index .HostConfig.Binds 0}}" one) =~ ^$B/[0-9a-f]{16}-[0-9]+/[0-9]+:/x$ ]] && echo yes'
	kept 'it is there as long as the container, which starts twice' 1 one one
	is 'no bit for others' 0 700 stat -c %a "$B"
	engine rm one >/dev/null
	kept 'removed' 0
	is 'run --rm' 0 'of the runner' in_view "$PID" docker run --rm --network none -v "$J:/x" "${reads[@]}"
	kept '... removed' 0
	is 'run --mount, run of a tmpfs below, which has no host path' 0 $'of the runner\nof the tmpfs' \
		in_view "$PID" sh -c 'mount -t tmpfs tmpfs "$1/sub" && echo "of the tmpfs" >"$1/sub/t" && docker run --rm \
		--network none --mount "type=bind,source=$1,target=/x" tools cat /x/file /x/sub/t; umount "$1/sub"' sh "$J"
	refused 'no such image' 'No such image' in_view "$PID" docker create --pull never -v "$J:/x" none-such true
	kept '... nothing stays' 0
	container one -v "$J:/x" "${reads[@]}"
	refused 'a name that is taken' 'is already in use' container one -v "$J:/x" "${reads[@]}"
	kept '... the first keeps its own' 1 one
	refused 'one source of two is missing' 'not there' \
		container two -v "$J:/x" --mount "type=bind,source=$J/none,target=/y" tools
	kept '... nothing stays of it' 1 one
	container two --restart on-failure -v "$J:/x" "${reads[@]}"
	container three -v "$J:/x" "${reads[@]}"
	kept 'three of them' 3 one two three
	engine rename one other
	kept 'a rename' 3 other
	engine container prune -f >/dev/null
	kept 'prune' 0
	is 'no bind, no stage' 0 0 eval 'container one -v named:/v tools true && stages 0'
	engine rm -v one >/dev/null
	is 'a client of the host has none either' 0 0 eval '
		docker create --name one -v "$W/volume:/x" tools true >/dev/null && stages 0'
	engine rm one >/dev/null
}

# What the runner does afterwards moves nothing: with host paths it does.
swap_cases() {
	local host=$W/plain/docker.sock pid word
	mkdir -p "$W/secret"
	echo 'of the host' >"$W/secret/file"
	pid=$proxy_pid
	proxy=$host proxy_up
	for word in host stage; do
		mkdir "$W/volume/ws"
		echo mine >"$W/volume/ws/file"
		export DOCKER_HOST=unix://$proxy
		[ $word = stage ] || DOCKER_HOST=unix://$host
		container $word -v "$J/ws:/x" "${reads[@]}"
		in_view "$PID" sh -c 'mv "$1/ws" "$1/was" && ln -s "$2" "$1/ws"' sh "$J" "$W/secret"
		case $word in
		host) is 'a directory swapped for a symlink: the host path follows (control)' 0 'of the host' engine start -a host ;;
		stage) is 'a directory swapped for a symlink: the stage does not' 0 mine engine start -a stage ;;
		esac
		rm "$W/volume/ws" "$W/volume/was/file"
		rmdir "$W/volume/was"
	done
	kill "$proxy_pid" && wait "$proxy_pid"
	proxy_pid=$pid
	container late -v "$J:/x" tools ls /x/sub
	in_view "$PID" sh -c 'mount -t tmpfs tmpfs "$1/sub" && echo late >"$1/sub/late"' sh "$J"
	is 'what the runner mounts later is not seen' 0 '' engine start -a late
	in_view "$PID" umount "$J/sub"
	engine rm host stage late >/dev/null
}

# emptied: no container, also none that the daemon was about to make, and no stage
emptied() {
	remove_all
	stages_are 0
}

# ---- The proxy or the daemon ends in between --------------------------------------------------------

killed() {
	kill -KILL "$1"
	wait "$1" 2>/dev/null
}

# again: a proxy that takes the stages of its forerunner for old ones. It leaves them alone for a minute, for the daemon
# may be about to make the container of one.
again() {
	touch -d '2 minutes ago' "$B.rw/"* 2>/dev/null
	proxy_up -stage "$B"
}

restart_cases() {
	local n creating
	container stays -v "$J:/x" "${reads[@]}"
	container goes -v "$J:/x" "${reads[@]}"
	killed "$proxy_pid"
	engine rm goes >/dev/null
	is 'the proxy is killed: stages stay' 0 2 stages 2
	proxy_up -stage "$B"
	container next -v "$J:/x" "${reads[@]}"
	engine rm next >/dev/null
	kept '... and is started again: a stage of a moment ago stays for a while' 2 stays
	mkdir -p "$W/second"
	says 'another proxy with the same BASE' 'another proxy' \
		"$P" -listen "$W/second/docker.sock" -daemon "$W/docker/sock" -dindbind "$D" -stage "$B"
	killed "$proxy_pid"
	again
	kept '... an older one goes, if its container was removed meanwhile' 1 stays

	# running ones, of which the daemon removes one when it starts again, without an event
	container always --stop-signal KILL --restart always -v "$J:/x" tools sh -c 'cat /x/file; exec sleep 1000000'
	container rm --stop-signal KILL --rm -v "$J:/x" tools sleep 1000000
	engine start always rm >/dev/null
	is 'two more' 0 3 stages 3
	docker_down
	docker_up
	is 'the daemon is started again: a container that it starts has its volume' 0 'of the runner' \
		engine exec always cat /x/file
	container next -v "$J:/x" "${reads[@]}"
	kept '... and one that it removed has no stage' 3 stays next
	engine rm next >/dev/null
	kept '... and events are heard again' 2 stays

	container goes -v "$J:/x" "${reads[@]}"
	killed "$proxy_pid"
	docker_down
	docker_up
	engine rm goes >/dev/null
	again
	kept 'both' 2 stays
	is '... the one that runs has its volume' 0 'of the runner' engine exec always cat /x/file
	engine rm -f always stays >/dev/null
	kept '... and all removed' 0

	for n in {1..8}; do
		container "k$n" -v "$J:/x" "${reads[@]}" 2>/dev/null &
		creating=$!
		until_true eval '! stages_are 0 || ! kill -0 $creating'
		sleep "0.00$n"
		killed "$proxy_pid"
		wait "$creating"
		again
	done
	report 'killed in the middle of a create, eight times: removed' "$(until_true emptied || ls "$B.rw")"
	in_view "$PID" python3 "$tests/proxy/peer.py" leave "$proxy" "$W/docker/sock" \
		"{\"Image\":\"tools\",\"Cmd\":[\"cat\",\"/x/file\"],\"HostConfig\":{\"Binds\":[\"$J:/x\"]}}" >/dev/null
	n=$(containers)
	kept "clients that do not wait for the answer: $n of 20 have a container" "$n"
	is '... which reads' 0 '' eval 'for c in $(engine ps -aq); do differs 0 "of the runner" engine start -a "$c"; done'
	remove_all
	kept '... and all removed' 0
}

# ---- A stage that is lost, and too many -------------------------------------------------------------

lost_cases() {
	local flag
	for flag in -v --mount; do
		case $flag in
		-v) container lost -v "$J:/x" tools ls /x ;;
		*) container lost --mount "type=bind,source=$J,target=/x" tools ls /x ;;
		esac
		docker start -a lost >/dev/null
		killed "$proxy_pid"
		# as after a reboot
		umount -l "$B" "$B.rw"
		prepare
		refused "$flag, the stage is lost: the container does not start" "$B" engine start -a lost
		is '... and no directory is made for it' 0 '' ls "$B.rw"
		proxy_up -stage "$B"
		is '... also with the proxy' 1 '' docker start -a lost
		engine rm lost >/dev/null
	done
	# what docker does without stages.sh
	mkdir -p "$W/base"
	engine create --network none --name lost -v "$W/base/0:/x" tools ls /x >/dev/null
	rm -rf "$W/base/0"
	is 'control: in any other place it has an empty directory then' 0 '' engine start -a lost
	engine rm lost >/dev/null
	proxy_down
	unprepare
	says 'BASE is not prepared' 'stages.sh' "$P" -listen "$proxy" -daemon "$W/docker/sock" -dindbind "$D" -stage "$B"
	mkdir "$B" "$B.rw"
	says 'BASE is a plain directory' 'stages.sh' "$P" -listen "$proxy" -daemon "$W/docker/sock" -dindbind "$D" -stage "$B"
	says 'BASE is relative' 'absolute' "$P" -listen "$proxy" -daemon "$W/docker/sock" -dindbind "$D" -stage stages
	says 'BASE is below the directory of the socket' 'another place' \
		"$P" -listen "$proxy" -daemon "$W/docker/sock" -dindbind "$D" -stage "${proxy%/*}/stages"
	prepare
	is 'stages.sh again changes nothing' 0 2 eval 'prepare && grep -c " $B" /proc/self/mountinfo'
	is 'stages.sh: a relative BASE' 2 '' sh "${tests%/*}/examples/go/proxy/stages.sh" stages
	proxy_up -stage "$B"
	umount -l "$B" "$B.rw"
	refused 'BASE is gone while the proxy runs' 'stages.sh' container one -v "$J:/x" tools
	prepare
	is '... and comes back' 0 'of the runner' in_view "$PID" docker run --rm --network none -v "$J:/x" "${reads[@]}"
	kept '... and is empty again' 0
	proxy_down
}

# Whose a stage is: all processes of a container have one owner, also in mount namespaces of their own.
owner_cases() {
	local make='docker create --network none -v /in:/x tools cat /x/file >/dev/null'
	engine run -d --network none --stop-signal KILL --cap-add SYS_ADMIN --security-opt seccomp=unconfined \
		--security-opt apparmor=unconfined --name runner -v "${proxy%/*}:/run/dindbind" \
		-e "DOCKER_HOST=unix:///run/dindbind/${proxy##*/}" tools sleep 1000000 >/dev/null
	engine exec runner sh -c "$make"
	engine exec runner sh -c "$make"
	engine exec runner busybox unshare -m sh -c "$make"
	container one -v "$J:/x" "${reads[@]}"
	is 'three stages of a container have one owner, and another one has another' 0 $'1\n3' \
		eval 'ls "$B.rw" | cut -d - -f 1 | sort | uniq -c | sed "s/^ *//; s/ .*//" | sort'
	engine rm -f runner one >/dev/null
	report '... and all removed' "$(until_true emptied || ls "$B.rw")"
}

# A stage of one source is three mounts: two of its own, and the source.
limit_cases() {
	local n views=()
	proxy_up -stage "$B" -limit 9
	for n in 1 2 3; do container "l$n" -v "$J:/x" "${reads[@]}"; done
	is 'the limit of one runner: 429' 0 429 status_in_view
	is '... with a message' 0 1 grep -c '"message":".* is the limit' "$W/answer"
	kept '... and what it has stays' 3 l1 l2 l3
	engine rm l1 >/dev/null
	kept '... one is removed' 2
	is '... and there is room for one' 0 'of the runner' \
		in_view "$PID" docker run --rm --network none -v "$J:/x" "${reads[@]}"
	container l1 -v "$J:/x" "${reads[@]}"
	local PID
	for n in {2..8}; do
		view volume2
		views+=("$PID")
		container "m$n" -v "$J:/x" "${reads[@]}"
		container "n$n" -v "$J:/x" "${reads[@]}"
		container "o$n" -v "$J:/x" "${reads[@]}"
	done
	is 'another runner has its own limit' 0 'of the other runner' engine start -a m8
	view volume2
	views+=("$PID")
	is 'the limit of all, eight times as many: 429' 0 429 status_in_view
	engine rm n5 >/dev/null
	kept '... one is removed' 23
	is '... and there is room for one' 0 201 status_in_view
	kill "${views[@]}"
	remove_all
	kept '... and all removed' 0
	proxy_down
}

# status_in_view: of a create in the view
status_in_view() {
	in_view "$PID" curl -sS -o "$W/answer" -w '%{http_code}' --max-time 60 --unix-socket "$proxy" \
		-H 'Content-Type: application/json' http://d/v1.40/containers/create \
		-d "{\"Image\":\"tools\",\"Cmd\":[\"true\"],\"HostConfig\":{\"Binds\":[\"$J:/x\"]}}"
}

stage_cases() {
	local PID
	view volume
	prepare || { report 'stages.sh' 'it fails'; return; }
	proxy_up -stage "$B"
	life_cases
	swap_cases
	owner_cases
	restart_cases
	lost_cases
	limit_cases
	kill "$PID"
	unprepare
}
