# describe.sh - runners that are described with -r: by docker, podman, runc and crun; sourced by e2e.sh
#
# SPDX-License-Identifier: 0BSD
# shellcheck shell=bash
# shellcheck disable=SC2016,SC2034,SC2154

# What `inspect` prints, unchanged, through a file, standard input and the environment.
describe_live() {
	local engine=$1 i=$W/inspect.json pid
	"${engine}_inspect" runner >"$i" 2>"$W/err" || { report "$engine" inspect "$(cat "$W/err")"; return; }
	sees "$engine" '-r inspect: upper file' file /home/runner/up.txt rw -r "$i"
	sees "$engine" '-r inspect: image file' file /etc/one.conf ro -r "$i"
	sees "$engine" '-r inspect: merged directory' dir /home/runner/externals rw -r "$i"
	sees "$engine" '-r inspect: volume' dir /home/runner/_work rw -r "$i"
	sees "$engine" '-r inspect: below the volume' dir '/home/runner/_work/_temp' rw -r "$i"
	sees "$engine" '-r inspect: host directory' dir /mnt/dir rw -r "$i"
	sees "$engine" '-r inspect: read-only host directory' dir /mnt/ro kept -r "$i"
	sees "$engine" '-r inspect: below the read-only host directory' dir /mnt/ro/sub kept -r "$i"
	sees "$engine" '-r inspect: one file' file /mnt/file rw -r "$i"
	sees "$engine" '-r inspect: directory of another device' dir /mnt/other rw -r "$i"
	sees "$engine" '-r inspect: directory with the volume below' nested /home/runner rw -r "$i"
	sees "$engine" '-r inspect: socket' sock /home/runner/agent.sock rw -r "$i"
	sees "$engine" '-r inspect: tmpfs, staged' dir /opt/t/tmp rw -r "$i" -s "$stage"
	given=$i
	sees "$engine" '-r -: merged directory' dir /home/runner/externals ro -r -
	same "$engine" '-r -: path in the upperdir' /home/runner/up.txt -r -
	given=/dev/null
	DINDBIND_RUNNER=$i sees "$engine" '$DINDBIND_RUNNER: volume' dir /home/runner/_work ro
	DINDBIND_RUNNER=$i same "$engine" '$DINDBIND_RUNNER: path of the image' /home/runner/externals
	jq '.[0]' "$i" >"$W/object.json"
	same "$engine" '-r inspect, as one object' /home/runner/externals/node20 -r "$W/object.json"
	same "$engine" '-r inspect: path of the tmpfs' /opt/t/tmp/file -r "$i"
	same "$engine" '-r inspect: path in the volume' /home/runner/_work/_temp -r "$i"
	same "$engine" '-r inspect: path of one file' /mnt/file -r "$i"
	same "$engine" '-r inspect: path through a symlink' /home/runner/to-dir/sub -r "$i"
	same "$engine" '-r inspect: path through a symlink that leaves the volume' /home/runner/_work/to-passwd -r "$i"
	refused "$engine" '-r inspect: tmpfs has no host path' 1 /opt/t/tmp -r "$i" -v /opt/t/tmp:/x
	refused "$engine" '-r inspect: a read-only path without -R' 1 /mnt/ro -r "$i" -H /mnt/ro
	refused "$engine" '-r inspect: what is missing' 1 /nope -r "$i" -v /nope:/x

	printf '# %s\n\npid %s:%s\nbind %s:/mnt/dir\nbind %s:/mnt/ro:ro\n' runner "$PID" "$START" \
		"$W/host/dir" "$W/host/ro" >"$W/lines"
	sees "$engine" '-r lines: read-only host directory' dir /mnt/ro kept -r "$W/lines"
	same "$engine" '-r lines: path in the upperdir' /home/runner/up.txt -r "$W/lines"
	printf 'pid %s:%s\n' "$PID" $((START + 1)) >"$W/lines"
	refused "$engine" '-r lines: another start time' 3 . -r "$W/lines" /home/runner/up.txt

	# with no word of its layers it is known by its cgroup, or by podman's own file
	jq '.[0].GraphDriver.Data = null' "$i" >"$W/bare.json"
	sees "$engine" '-r inspect without layers: volume' dir /home/runner/_work ro -r "$W/bare.json"
	sees "$engine" '-r inspect without layers: upper file' file /home/runner/up.txt ro -r "$W/bare.json"
	jq --argjson pid "$other" '.[0].State.Pid = $pid' "$W/bare.json" >"$W/wrong.json"
	local id=cgroup
	[ "$engine" != podman ] || id=containerenv
	refused "$engine" '-r inspect without layers, with a PID of another container' 3 $id -r "$W/wrong.json" \
		-v /home/runner/_work:/x

	# A PID that is not the container's: another container's, this shell's, nobody's.
	for pid in "$other" $$ 4194303; do
		jq --argjson pid "$pid" '.[0].State.Pid = $pid' "$i" >"$W/wrong.json"
		case $pid in
		"$other") pid='of another container' ;;
		"$$") pid='of the host' ;;
		*) pid='of nobody' ;;
		esac
		refused "$engine" "-r inspect with a PID $pid" 3 . -r "$W/wrong.json" /home/runner/externals
		refused "$engine" "-r inspect with a PID $pid, -v" 3 . -r "$W/wrong.json" -v /etc:/x
	done
}

# The container was killed: upperdir, lowerdirs, and the rows of the bind table are left.
describe_dead() {
	local engine=$1 i=$W/dead.json src
	seen[/etc/hosts]=$(in_runner probe view merged /etc/hosts)
	for src in /home/runner/_work /mnt/dir /mnt/ro; do
		seen["$src"]=$(in_runner probe view dir "$src")
	done
	for src in /home/runner /home/runner/externals /etc; do
		seen["$src"]=$(in_runner probe view merged "$src")
	done
	for src in /home/runner/up.txt /etc/one.conf /mnt/file /etc/passwd; do
		seen["$src"]=$(in_runner probe view file "$src")
	done
	seen[temp]=$(in_runner probe view dir /home/runner/_work/_temp)
	"${engine}_kill" runner >/dev/null 2>&1
	until_true dead "$PID"
	until_true is_dead "$engine" || report "$engine" 'killed' "its state: $(jq -c '.[0].State' "$i")"
	refused "$engine" '-r inspect from before it died' 3 . -r "$W/inspect.json" /home/runner/up.txt
	sees "$engine" '-r inspect, dead: upper file' file /home/runner/up.txt once -r "$i"
	sees "$engine" '-r inspect, dead: image file' file /etc/one.conf kept -r "$i"
	sees "$engine" '-r inspect, dead: volume' dir /home/runner/_work once -r "$i"
	sees "$engine" '-r inspect, dead: host directory' dir /mnt/dir once -r "$i"
	sees "$engine" '-r inspect, dead: read-only host directory' dir /mnt/ro kept -r "$i"
	sees "$engine" '-r inspect, dead: one file' file /mnt/file once -r "$i"
	refused "$engine" '-r inspect, dead: merged directory is none of the layers' 1 externals -r "$i" \
		-v /home/runner/externals:/x
	sees "$engine" '-r inspect, dead: merged directory, staged' merged /home/runner/externals kept -r "$i" -s "$stage"
	# a link of the runner's means what it meant there, or nothing
	seen[/home/runner/to-volume]=${seen[temp]}
	seen[/home/runner/_work/to-passwd]=${seen[/etc/passwd]}
	seen[/home/runner/to-dir]=${seen[/mnt/dir]}
	for src in /home/runner/to-volume /home/runner/to-dir /home/runner/_work/to-passwd; do
		if dind -r "$i" -R -H "$src" >/dev/null 2>"$W/err"; then
			sees "$engine" "-r inspect, dead: the link $src" "$([ "${src##*-}" = passwd ] && echo file || echo dir)" \
				"$src" "$([ "${src##*-}" = passwd ] && echo kept || echo once)" -r "$i"
		else
			refused "$engine" "-r inspect, dead: the link $src is refused" 1 "$src" -r "$i" -v "$src:/x"
		fi
	done
	# with what the engine keeps of these, or refused: never the image's own file, nor without the volume
	for src in /etc/hosts /etc /home/runner; do
		if dind -r "$i" -s "$stage" -v "$src:/x" >/dev/null 2>"$W/err"; then
			"$D" -u "$stage"
			sees "$engine" "-r inspect, dead: $src, staged" merged $src once -r "$i" -s "$stage"
		else
			refused "$engine" "-r inspect, dead: $src, staged, is refused" 1 $src -r "$i" -s "$stage" -v "$src:/x"
		fi
	done
	for src in /opt/t/tmp /opt/t/mem /opt/t/tmp/file /proc/version /dev/null; do
		refused "$engine" "-r inspect, dead: $src" 1 $src -r "$i" -v "$src:/x"
		refused "$engine" "-r inspect, dead: $src, staged" 1 $src -r "$i" -s "$stage" $src
	done
}

# Never started: what the engine mounts over is not there yet, and the image's own is none of it.
describe_created() {
	local engine=$1 i=$W/created.json src
	if ! "${engine}_created" >"$W/err" 2>&1 || ! "${engine}_inspect" created >"$i"; then
		report "$engine" 'a container that was never started' "$(cat "$W/err")"
		return
	fi
	sees "$engine" '-r inspect, never started: image file' file /etc/one.conf kept -r "$i"
	sees "$engine" '-r inspect, never started: host directory' dir /mnt/dir once -r "$i"
	for src in /etc/hosts /etc/resolv.conf /etc/hostname; do
		refused "$engine" "-r inspect, never started: $src" 1 $src -r "$i" -v "$src:/x"
	done
	refused "$engine" '-r inspect, never started: /etc, staged' 1 /etc -r "$i" -s "$stage" -v /etc:/x
	"${engine}_rm" created >/dev/null 2>&1
}

# What podman does not report: a dead runner's config.json has it.
podman_unreported() {
	podman_inspect unreported >"$W/unreported.json" && jq -e '.[0].State.Pid == 0' "$W/unreported.json"
}

describe_unreported() {
	local i=$W/unreported.json src
	echo 'a secret of the runner' >"$W/unreported"
	{ podman_ secret create unreported "$W/unreported" && podman_run --detach --name unreported --read-only \
		--secret unreported,target=/opt/secret "$image:few" sleep 1000; } >"$W/err" 2>&1 ||
		{ report podman 'a runner with a secret' "$(cat "$W/err")"; return; }
	PID=$(podman_inspect unreported | jq '.[0].State.Pid')
	seen[/opt/secret]=$(in_runner probe view file /opt/secret)
	podman_kill unreported >/dev/null 2>&1
	until_true dead "$PID"
	until_true podman_unreported || report podman 'a runner with a secret, killed' "$(jq -c '.[0].State' "$i")"
	sees podman '-r inspect, dead: a secret with a target' file /opt/secret kept -r "$i"
	for src in /tmp /var/tmp /run /dev/shm; do
		refused podman "-r inspect, dead: $src of --read-only" 1 $src -r "$i" -R -v "$src:/x"
	done
	jq '.[0].OCIConfigPath = "/none"' "$i" >"$W/wrong.json"
	refused podman '-r inspect, dead: no config.json, the secret' 1 OCIConfigPath -r "$W/wrong.json" -R -v /opt/secret:/x
	refused podman '-r inspect, dead: no config.json, another file' 1 OCIConfigPath -r "$W/wrong.json" -R \
		-v /etc/one.conf:/x
	podman_rm unreported >"$W/err" 2>&1 && podman_ secret rm unreported >"$W/err" 2>&1 ||
		report podman 'removing a runner with a secret' "$(cat "$W/err")"
	PID=''
}

docker_created() {
	docker create --network none --name created -v "$W/host/dir:/mnt/dir" "$image:few" sleep 1
}

podman_created() {
	podman_ create --network none --cgroup-parent "/$name" --name created -v "$W/host/dir:/mnt/dir" "$image:few" sleep 1
}

is_dead() {
	"${1}_inspect" runner >"$W/dead.json" && jq -e '.[0].State.Pid == 0' "$W/dead.json"
}

# `state` and config.json of runc and crun. The state has the PID, config.json the binds.
describe_oci() {
	local oci=$1 s=$W/$1/state.json c=$W/$1/runner/config.json
	"${oci}_" --root "$W/$oci/state" state runner >"$s" 2>"$W/err" || report "$oci" state "$(cat "$W/err")"
	sees "$oci" '-r state: upper file' file /home/runner/up.txt rw -r "$s"
	sees "$oci" '-r state: merged directory' dir /home/runner/externals ro -r "$s"
	sees "$oci" '-r state: volume' dir /home/runner/_work rw -r "$s"
	sees "$oci" '-r state: directory with the volume below' nested /home/runner rw -r "$s"
	sees "$oci" '-r state -r config.json: volume' dir /home/runner/_work rw -r "$s" -r "$c"
	sees "$oci" '-p -r config.json: volume' dir /home/runner/_work ro -p "$PID:$START" -r "$c"
	sees "$oci" '-p -r config.json: merged directory' dir /home/runner/externals rw -p "$PID:$START" -r "$c"
	given=$s
	same "$oci" '-r - state: path' /home/runner/externals/node20 -r -
	given=/dev/null
	jq --argjson pid $$ '.pid = $pid' "$s" >"$W/wrong.json"
	refused "$oci" '-r state with a PID of the host' 3 . -r "$W/wrong.json" /home/runner/externals
	refused "$oci" '-r state -r config.json: no host path for /dev/shm' 1 /dev/shm -r "$s" -r "$c" -v /dev/shm:/x
	seen[/home/runner/up.txt]=$(in_runner probe view file /home/runner/up.txt)
}

# The runner is dead, its overlay still mounted; PID is empty.
describe_oci_dead() {
	local oci=$1 s=$W/$1/dead.json c=$W/$1/runner/config.json
	PID=none
	"${oci}_" --root "$W/$oci/state" state runner >"$s" 2>"$W/err" || report "$oci" state "$(cat "$W/err")"
	refused "$oci" '-r state from before it died' 3 . -r "$W/$oci/state.json" /home/runner/up.txt
	sees "$oci" '-r state -r config.json, dead: volume' dir /home/runner/_work once -r "$s" -r "$c"
	sees "$oci" '-r state -r config.json -o, dead: upper file' file /home/runner/up.txt once \
		-r "$s" -r "$c" -o "$OPTIONS"
	refused "$oci" '-r state -r config.json, dead: the root is not known' 1 up.txt -r "$s" -r "$c" \
		-v /home/runner/up.txt:/x
	refused "$oci" '-r state -r config.json -o, dead: /dev/shm' 1 /dev/shm -r "$s" -r "$c" -o "$OPTIONS" \
		-v /dev/shm:/x
	PID=''
}
