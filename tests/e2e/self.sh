# self.sh - answers from inside the runner, `dindbind -S`, with docker and podman; sourced by e2e.sh
#
# SPDX-License-Identifier: 0BSD
# shellcheck shell=bash
# shellcheck disable=SC2016,SC2034,SC2154

# The container itself asks the engine, at the socket that is mounted, who it is.
ask_engine() {
	"${1}_exec" runner /bin/sh -c 'post -g /var/run/docker.sock "/v1.40/containers/$0/json" >/tmp/api.json' runner
}

# give FILE: into the runner, as /tmp/FILE
give() {
	in_runner sh -c 'cat >"/tmp/$0"' "${1##*/}" <"$1"
}

# inside ENGINE ARGUMENT...: what it reads is a file there, too. (podman 4.3 loses what a process writes that
# ends before its standard input does.)
inside() {
	local engine=$1
	shift
	cat >"$W/given"
	give "$W/given"
	"${engine}_exec" -w "$cwd" runner /bin/sh -c 'exec dindbind "$@" </tmp/given' dindbind "$@"
}

from_inside() {
	program=(inside "$1") cwd=/
}

from_outside() {
	program=("$D")
}

# The runner of rich_cases, with all kinds of mounts.
self_cases() {
	local engine=$1 out r=/tmp/inspect.json
	local plain='{"Image":"@I","Cmd":@C,"HostConfig":{@H,'
	from_inside "$engine"
	sees "$engine" '-S: upper file' file /home/runner/up.txt rw -S
	sees "$engine" '-S: image file' file /etc/one.conf ro -S
	sees "$engine" '-S: merged directory' dir /home/runner/externals rw -S
	sees "$engine" '-S: volume' dir /home/runner/_work rw -S
	sees "$engine" '-S: below the volume' dir /home/runner/_work/_temp ro -S
	sees "$engine" '-S: host directory' dir /mnt/dir rw -S
	sees "$engine" '-S: read-only host directory' dir /mnt/ro kept -S
	sees "$engine" '-S: one file' file /mnt/file rw -S
	sees "$engine" '-S: directory with the volume below' nested /home/runner rw -S
	sees "$engine" '-S: directory with the volume below, read-only' nested /home/runner ro -S
	sees "$engine" '-S: socket' sock /home/runner/agent.sock rw -S
	same "$engine" '-S: path of the image' /home/runner/externals/node20 -S
	same "$engine" '-S: path in the volume' /home/runner/_work/_temp -S
	same "$engine" '-S: path of one file' /mnt/file -S
	same "$engine" '-S: /etc/hosts' /etc/hosts -S
	same "$engine" '-S: the socket of the engine' /var/run/docker.sock -S
	same "$engine" '-S: through a symlink to the host directory' /home/runner/to-dir/sub -S
	same "$engine" '-S: through a symlink that leaves the volume' /home/runner/_work/to-passwd -S
	sees "$engine" '-S: through a symlink to the volume' dir /home/runner/to-volume rw -S
	out=$(dind -S -f json /home/runner/externals 2>&1 | jq -r .rule 2>&1)
	[ "$out" != self ] || out=''
	report "$engine" '-S -f json: the rule is self' "$out"

	# what `docker run -v .:/x` means: the client's own directory
	cwd=/home/runner
	out=$(dind -S -v ./externals:/x 2>&1)
	cwd=/
	if [ "$out" ] && [ "$out" = "$(dind -S -v /home/runner/externals:/x)" ]; then out=''; else out="got: $out"; fi
	report "$engine" '-S: a relative source' "$out"

	refused "$engine" '-S: tmpfs' 1 /opt/t/tmp -S -v /opt/t/tmp:/x
	refused "$engine" '-S: path in a tmpfs' 1 /opt/t/tmp/file -S /opt/t/tmp/file
	refused "$engine" '-S: directory with tmpfs below' 1 /opt/t -S -v /opt/t:/x
	refused "$engine" '-S: procfs' 1 /proc/version -S -v /proc/version:/x
	refused "$engine" '-S: missing' 1 /nope -S -v /nope:/x
	refused "$engine" '-S: a bare path with the volume below' 1 _work -S /home/runner
	refused "$engine" '-S: a read-only bare path' 1 /mnt/ro -S /mnt/ro
	refused "$engine" '-S: another device' 1 /mnt/other -S -v /mnt/other:/x
	refused "$engine" '-S: path on another device' 1 /mnt/other/file -S /mnt/other/file
	sees "$engine" '-S -b: another device' dir /mnt/other rw -S -b "$W/other/dir:/mnt/other"

	"${engine}_inspect" runner >"$W/inspect.json"
	"${engine}_inspect" other >"$W/another.json"
	give "$W/inspect.json"
	give "$W/another.json"
	sees "$engine" '-S -r: another device' dir /mnt/other rw -S -r $r
	sees "$engine" '-S -r: merged directory' dir /home/runner/externals rw -S -r $r
	sees "$engine" '-S -r: directory with the volume below' nested /home/runner rw -S -r $r
	sees "$engine" '-S -r: read-only host directory' dir /mnt/ro kept -S -r $r
	same "$engine" '-S -r: /etc/hosts' /etc/hosts -S -r $r
	refused "$engine" '-S -r: tmpfs' 1 /opt/t/tmp -S -r $r -v /opt/t/tmp:/x
	given=$W/inspect.json
	same "$engine" '-S -r -: path on another device' /mnt/other/file -S -r -
	given=/dev/null
	if ask_engine "$engine" 2>"$W/err"; then
		same "$engine" '-S -r, from the API: path on another device' /mnt/other/file -S -r /tmp/api.json
		same "$engine" '-S -r, from the API: path of the image' /home/runner/externals -S -r /tmp/api.json
	else
		report "$engine" '-S -r, from the API' "$(cat "$W/err")"
	fi
	refused "$engine" '-S -r of another container' 3 . -S -r /tmp/another.json /home/runner/externals
	refused "$engine" '-S -r of another container, -v' 3 . -S -r /tmp/another.json -v /home/runner/_work:/x

	posted "$engine" inner '-S -c: Binds, merged directory' dir /home/runner/externals rw \
		"$plain\"Binds\":[\"/home/runner/externals:/x\"]}}" -S
	posted "$engine" inner '-S -c: Binds, directory with the volume below' nested /home/runner rw \
		"$plain\"Binds\":[\"/home/runner:/x\"]}}" -S
	posted "$engine" inner '-S -c: Mounts, read-only inherited' dir /mnt/ro kept \
		"$plain\"Mounts\":[{\"Type\":\"bind\",\"Source\":\"/mnt/ro\",\"Target\":\"/x\"}]}}" -S
	posted "$engine" inner '-S -c: Mounts, one file' file /mnt/file rw \
		"$plain\"Mounts\":[{\"Type\":\"bind\",\"Source\":\"/mnt/file\",\"Target\":\"/x\"}]}}" -S
	posted "$engine" inner '-S -r -c: Binds, another device' dir /mnt/other rw \
		"$plain\"Binds\":[\"/mnt/other:/x\"]}}" -S -r $r
	unposted "$engine" '-S -c: another device' 1 /mnt/other "$plain\"Binds\":[\"/mnt/other:/x\"]}}" -S
	unposted "$engine" '-S -c: tmpfs' 1 /opt/t/tmp \
		"$plain\"Mounts\":[{\"Type\":\"bind\",\"Source\":\"/opt/t/tmp\",\"Target\":\"/x\"}]}}" -S
	unposted "$engine" '-S -c -r of another container' 3 . "$plain\"Binds\":[\"/mnt/dir:/x\"]}}" -S -r /tmp/another.json
	in_runner rm $r /tmp/api.json /tmp/another.json
	from_outside
}

# variant ENGINE IMAGE ARGUMENT...: a runner that differs, and dindbind in it
variant() {
	rich "$@" || return
	from_inside "$1"
}

# over: an engine's own files, of the host instead
over() {
	local f
	extra_over=()
	for f; do extra_over+=(-v "$W/host/hosts:/etc/$f"); done
}

self_variants() {
	local engine=$1 label net extra_over
	over hosts
	if variant "$engine" few "${extra_over[@]}"; then
		label='-S, /etc/hosts mounted over'
		sees "$engine" "$label: merged directory" dir /home/runner/externals rw -S
		same "$engine" "$label: host directory" /mnt/dir -S
		same "$engine" "$label: volume" /home/runner/_work -S
		same "$engine" "$label: /etc/hosts" /etc/hosts -S
		ended "$engine"
	fi

	over hosts hostname resolv.conf
	volume=''
	if variant "$engine" few "${extra_over[@]}"; then
		label='-S, nothing that names a device'
		sees "$engine" "$label: merged directory" dir /home/runner/externals rw -S
		refused "$engine" "$label: host directory" 1 /mnt/dir -S -v /mnt/dir:/x
		refused "$engine" "$label: /etc/hosts" 1 /etc/hosts -S -v /etc/hosts:/x
		"${engine}_inspect" runner >"$W/inspect.json"
		give "$W/inspect.json"
		same "$engine" "$label: host directory, -r" /mnt/dir -S -r /tmp/inspect.json
		same "$engine" "$label: host directory, -b" /mnt/dir -S -b "$W/host/dir:/mnt/dir"
		ended "$engine"
	fi

	# Directories of the host that are laid out as the engine's own are, on a device that is not.
	extra_over+=(-v "$W/other/volumes/data/_data:/mnt/data")
	if variant "$engine" few "${extra_over[@]}"; then
		label='-S, a foreign volumes/data/_data'
		never_wrong "$engine" "$label: itself" /mnt/data -S
		never_wrong "$engine" "$label: another directory of that device" /mnt/other -S
		never_wrong "$engine" "$label: host directory" /mnt/dir -S
		same "$engine" "$label: merged directory" /home/runner/externals -S
		ended "$engine"
	fi
	if [ "$engine" = docker ]; then
		over hostname resolv.conf
		extra_over+=(-v "$W/other/containers/$fake/hosts:/etc/hosts")
		if variant docker few "${extra_over[@]}"; then
			label='-S, a foreign containers/ID/hosts'
			never_wrong docker "$label: itself" /etc/hosts -S
			never_wrong docker "$label: another directory of that device" /mnt/other -S
			same docker "$label: merged directory" /home/runner/externals -S
			ended docker
		fi
	fi
	volume=yes

	extra_over=(-v "$W/other/volumes/data/_data:/mnt/data")
	if variant "$engine" few "${extra_over[@]}"; then
		label='-S, a foreign volumes/data/_data and a volume'
		never_wrong "$engine" "$label: itself" /mnt/data -S
		never_wrong "$engine" "$label: another directory of that device" /mnt/other -S
		never_wrong "$engine" "$label: volume" /home/runner/_work -S
		never_wrong "$engine" "$label: host directory" /mnt/dir -S
		ended "$engine"
	fi

	# what the engine's own files are called is another container's name then
	"${engine}_other" >"$W/err" 2>&1 || report "$engine" 'another container' "$(cat "$W/err")"
	for net in host 'container:other' 'none, another host name' 'none, no volume'; do
		network=(--network "${net%%,*}")
		extra_over=()
		case $net in
		host) extra_over=(--uts host) ;;
		*:other) ;;
		*name) extra_over=(--hostname elsewhere.example) ;;
		*) volume='' ;;
		esac
		if variant "$engine" few "${extra_over[@]}"; then
			label="-S, network $net"
			sees "$engine" "$label: merged directory" dir /home/runner/externals rw -S
			if [ "$volume" ]; then
				sees "$engine" "$label: directory with the volume below" nested /home/runner rw -S
				same "$engine" "$label: volume" /home/runner/_work -S
				same "$engine" "$label: host directory" /mnt/dir -S
				same "$engine" "$label: /etc/hosts" /etc/hosts -S
			elif [ "$engine" = podman ]; then
				refused podman "$label: host directory" 1 /mnt/dir -S -v /mnt/dir:/x
			else
				same docker "$label: host directory" /mnt/dir -S
			fi
			ended "$engine"
		fi
		network=(--network none) volume=yes
	done
	"${engine}_rm" other >"$W/err" 2>&1

	"${engine}_read_only" >"$W/out" 2>"$W/err"
	report "$engine" '-S, a read-only root: what is mounted from it is read-only' \
		"$(grep -q '^/.*/etc/one.conf:/x:ro$' "$W/out" || cat "$W/out" "$W/err")"

	if variant "$engine" many; then
		label='-S, 73 layers'
		# podman 5 keeps that one absolute, and it is all that has to be known
		case $(root_options) in
		*upperdir=/*)
			sees "$engine" "$label, an absolute upperdir: merged directory" dir /home/runner/externals rw -S
			same "$engine" "$label, an absolute upperdir: path of the upperdir" /home/runner/up.txt -S ;;
		*)
			refused "$engine" "$label: merged directory" 1 externals -S -v /home/runner/externals:/x
			refused "$engine" "$label: path of the upperdir" 1 up.txt -S /home/runner/up.txt ;;
		esac
		never_wrong "$engine" "$label: volume" /home/runner/_work -S
		never_wrong "$engine" "$label: host directory" /mnt/dir -S
		"${engine}_inspect" runner >"$W/inspect.json"
		give "$W/inspect.json"
		sees "$engine" "$label, -r: merged directory" dir /home/runner/externals rw -S -r /tmp/inspect.json
		sees "$engine" "$label, -r: directory with the volume below" nested /home/runner rw -S -r /tmp/inspect.json
		same "$engine" "$label, -r: path of the upperdir" /home/runner/up.txt -S -r /tmp/inspect.json
		from_outside
		same "$engine" '-r inspect, 73 layers: path' /home/runner/externals -r "$W/inspect.json"
		sees "$engine" '-r inspect, 73 layers: merged directory' dir /home/runner/externals rw -r "$W/inspect.json"
		jq --argjson pid $$ '.[0].State.Pid = $pid' "$W/inspect.json" >"$W/wrong.json"
		refused "$engine" '-r inspect, 73 layers, with a PID of the host' 3 . -r "$W/wrong.json" /etc
		tall_dead "$engine"
		ended "$engine"
	fi
	[ "$engine" != docker ] || self_data_roots
}

docker_read_only() { docker run --rm --network none --read-only "$image:few" dindbind -S -v /etc/one.conf:/x; }
podman_read_only() { podman_run --rm --read-only "$image:few" dindbind -S -v /etc/one.conf:/x; }

ended() {
	from_outside
	finish "$1"
}

# The description is what makes the layers of such an image absolute.
tall_dead() {
	local engine=$1 src
	seen[/home/runner/externals]=$(in_runner probe view merged /home/runner/externals)
	seen[/home/runner/layer-40]=$(in_runner probe view file /home/runner/layer-40)
	"${engine}_kill" runner >/dev/null 2>&1
	until_true dead "$PID"
	until_true is_dead "$engine"
	sees "$engine" '-r inspect, 73 layers, dead: image file' file /home/runner/layer-40 kept -r "$W/dead.json"
	sees "$engine" '-r inspect, 73 layers, dead: merged directory, staged' merged /home/runner/externals kept \
		-r "$W/dead.json" -s "$stage"
}

# A data root that is a file system of its own; and one that is a bind of another directory of its device, which
# looks from inside as if the device were mounted above it.
self_data_roots() {
	local label at=$W/docker/own
	docker_down >"$W/up" 2>&1 || report docker 'stopping it' "$(tail -n 3 "$W/up")"
	mkdir -p "$at" "$W/other/own"
	mount -t tmpfs -o mode=711 tmpfs "$at" || return
	if docker_up "$at" >"$W/up" 2>&1 && variant docker few; then
		label='-S, the data root is a file system'
		sees docker "$label: merged directory" dir /home/runner/externals rw -S
		sees docker "$label: volume" dir /home/runner/_work rw -S
		sees docker "$label: directory with the volume below" nested /home/runner rw -S
		same docker "$label: /etc/hosts" /etc/hosts -S
		refused docker "$label: host directory of another device" 1 /mnt/dir -S -v /mnt/dir:/x
		sees docker "$label, -b: host directory of another device" dir /mnt/dir rw -S -b "$W/host/dir:/mnt/dir"
		docker inspect runner >"$W/inspect.json"
		give "$W/inspect.json"
		sees docker "$label, -r: host directory of another device" dir /mnt/dir rw -S -r /tmp/inspect.json
		same docker "$label, -r: path in the volume" /home/runner/_work/_temp -S -r /tmp/inspect.json
		ended docker
	else
		report docker 'a data root that is a file system' "$(tail -n 3 "$W/up")"
	fi
	docker_down >"$W/up" 2>&1 || report docker 'stopping it' "$(tail -n 3 "$W/up")"
	umount -R "$at"
	mount --bind "$W/other/own" "$at" || return
	if docker_up "$at" >"$W/up" 2>&1 && variant docker few; then
		label='-S, the data root is a bind'
		sees docker "$label: merged directory" dir /home/runner/externals rw -S
		# what lies in the data root is certain
		sees docker "$label: directory with the volume below" nested /home/runner rw -S
		same docker "$label: volume" /home/runner/_work -S
		same docker "$label: /etc/hosts" /etc/hosts -S
		never_wrong docker "$label: another directory of its device" /mnt/other -S
		never_wrong docker "$label: host directory of another device" /mnt/dir -S
		ended docker
	else
		report docker 'a data root that is a bind' "$(tail -n 3 "$W/up")"
	fi
	docker_down >"$W/up" 2>&1 || report docker 'stopping it' "$(tail -n 3 "$W/up")"
	umount -R "$at"
	rm -r "$W/other/own"
	docker_up >"$W/up" 2>&1 || report docker 'starting it' "$(tail -n 3 "$W/up")"
}
