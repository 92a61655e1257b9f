# hostile.sh - requests that are meant to get past the proxy; sourced by proxy.sh
#
# SPDX-License-Identifier: 0BSD
# shellcheck shell=bash
# shellcheck disable=SC2016,SC2034,SC2154

# add RESULT: the last line of a test program
add() {
	local p f s
	read -r p f s < <(sed -nE 's/^([0-9]+) passed, ([0-9]+) failed, ([0-9]+) skipped$/\1 \2 \3/p' <<<"$1") || f=1
	passed=$((passed + ${p:-0})) failed=$((failed + f)) skipped=$((skipped + ${s:-0}))
}

# ---- The real daemon --------------------------------------------------------------------------------

# raw CURL-ARGUMENT...: from the runner, at whatever $at is: the status
raw() {
	in_view "$PID" curl -sS -o "$W/answer" -w '%{http_code}' --max-time 60 --unix-socket "$at" \
		-H 'Content-Type: application/json' -X POST --path-as-is "$@"
}

# inspected: of all containers and volumes what names a source of the runner's; all are removed then
inspected() {
	local all
	all=$(engine ps -aq)
	# shellcheck disable=SC2086
	[ -z "$all" ] || engine inspect -f '{{json .HostConfig}}{{json .Mounts}}' $all >"$W/inspected"
	remove_all
	all=$(engine volume ls -q)
	# shellcheck disable=SC2086
	[ -z "$all" ] || engine volume inspect $all >>"$W/inspected"
	no_volumes
	grep -cF "$J" "$W/inspected" || true
	rm -f "$W/inspected"
}

no_volumes() {
	local all
	all=$(engine volume ls -q)
	# shellcheck disable=SC2086
	[ -z "$all" ] || engine volume rm -f $all >/dev/null
}

# What gets past: the daemon itself is the control, which must take it.
bypass() {
	local label=$1 path=$2 body=$3 text=$4 at=$W/docker/sock why=''
	case $(raw "http://d$path" -d "$body") in
	20?) ;;
	*) why="the daemon itself does not take it: $(cat "$W/answer")" ;;
	esac
	remove_all
	no_volumes
	at=$proxy
	case $(raw "http://d$path" -d "$body") in 4??) ;; *) why="$why it passes: $(cat "$W/answer")" ;; esac
	grep -q "$text" "$W/answer" || why="$why no '$text' in $(cat "$W/answer")"
	report "the real daemon: $label" "$why"
}

# old_start LABEL PATH: before 1.24 a start has a HostConfig, which the daemon mounts
old_start() {
	local at=$W/docker/sock body="{\"Binds\":[\"$W/secret:/x\"],\"NetworkMode\":\"none\"}"
	engine create --network none --name old tools cat /x/file >/dev/null
	engine create --name linker --link old:link tools true >/dev/null
	case $(raw "http://d$2" -d "$body") in
	204) is "the real daemon: $1 (control)" 0 'of the host' eval 'engine wait old >/dev/null; engine logs old' ;;
	*) skip "the real daemon: $1 (control)" "this one has no API 1.23: $(cat "$W/answer")" ;;
	esac
	engine rm -f linker old >/dev/null
	engine create --network none --name old tools cat /x/file >/dev/null
	engine create --name linker --link old:link tools true >/dev/null
	at=$proxy
	is "the real daemon: $1" 0 403 raw "http://d$2" -d "$body"
	is '... and it did not start' 0 created engine inspect -f '{{.State.Status}}' old
	engine rm -f linker old >/dev/null
}

real_cases() {
	local image='"Image":"tools","Cmd":["true"]' mount overlay
	mkdir -p "$W/secret" "$J/x"
	echo 'of the host' >"$W/secret/file"
	bypass 'a key twice, of which it takes both' /v1.40/containers/create \
		"{$image,\"HostConfig\":{\"Binds\":[\"$J/x:/t\"]},\"HostConfig\":{\"Memory\":0}}" twice
	bypass 'a key in two cases' /v1.40/containers/create \
		"{$image,\"HostConfig\":{\"Binds\":[\"$J/x:/t\"]},\"hostconfig\":{\"Memory\":0}}" twice
	overlay="\"type\":\"overlay\",\"o\":\"lowerdir=${W#/}/secret:${W#/}/volume2\",\"device\":\"overlay\""
	mount='{"Type":"volume","Target":"/t","VolumeOptions":{"DriverConfig":{"Name":"local","Options":{'
	bypass 'a relative lowerdir=' /v1.40/containers/create "{$image,\"HostConfig\":{\"Mounts\":[$mount$overlay}}}}]}}" type
	bypass 'a volume with a relative lowerdir=' /v1.40/volumes/create "{\"Name\":\"vol\",\"DriverOpts\":{$overlay}}" volume
	bypass 'a volume that is a directory' /v1.40/volumes/create \
		"{\"Name\":\"vol\",\"DriverOpts\":{\"type\":\"none\",\"o\":\"bind\",\"device\":\"$J\"}}" volume
	bypass 'a volume, a key twice' /v1.40/volumes/create \
		"{\"Name\":\"vol\",\"DriverOpts\":{\"type\":\"none\",\"o\":\"bind\",\"device\":\"$J\"},\"DriverOpts\":{}}" volume
	bypass 'data after the object' /v1.40/containers/create \
		"{$image} {\"HostConfig\":{\"Binds\":[\"$J/x:/t\"]}}" .
	bypass 'an escaped slash' /v1.40/containers%2Fcreate "{$image}" .
	bypass 'a version that is written otherwise' /v01.40/containers/create "{$image}" .
	old_start 'a start with a HostConfig' /v1.23/containers/old/start
	old_start 'a start with a HostConfig, by the name of a link' /v1.23/containers/linker/link/start
}

# By the same names in both: the daemon itself makes containers of them, with the runner's paths.
storms() {
	local count
	python3 "$tests/proxy/requests.py" --storm "$W/docker/sock" "$J" 300
	count=$(inspected)
	is "300 random connections to the daemon itself (control): paths of the runner's get through" 0 yes \
		eval '[ "$count" -gt 0 ] && echo yes'
	in_view "$PID" python3 "$tests/proxy/requests.py" --storm "$proxy" "$J" 300
	count=$(containers)
	is '... through the proxy: there are containers' 0 yes eval '[ "$count" -gt 50 ] && echo yes || echo "$count"'
	is '... and none has one' 0 0 inspected
}

hostile_cases() {
	local PID result
	view volume
	mkdir -p "$W/volume/x" "$W/requests"
	result=$(python3 "$tests/proxy/requests.py" "$P" "$D" "$W/requests" "$PID" "$W/volume:$J" 2>&1)
	sed '$d' <<<"$result"
	add "$(tail -n 1 <<<"$result")"
	proxy_up
	real_cases
	storms
	proxy_down
	kill "$PID"
}
