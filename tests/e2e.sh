#!/bin/bash
# e2e.sh - real engines mount what dindbind answers
#
# SPDX-License-Identifier: 0BSD
#
#   tests/e2e.sh [runc|crun|containerd|docker|podman]...     all by default; $DINDBIND is the binary
#
# For each engine: a runner with an overlay root of several layers, a volume at its _work and a socket;
# then siblings of the same engine, whose sources are the proc path (the kernel must refuse it), the host
# path and the staged path. The sibling's view is compared with the runner's, writes are tried both ways,
# read-only by trying to write. With runc and crun also the directories of a dead runner, with docker and
# containerd an image of 72 layers, with runc the runner that swaps a directory for a symlink.
#
# The files of tests/e2e/ that are sourced have the cases of -r (describe.sh), of -c (create.sh) and of -S
# (self.sh): there a runner has one mount of each kind, and the engine's socket. stage_life.sh has runners that act
# after the answer, engines in other mount namespaces, and other users.
#
# Needs root, a C compiler, and the Debian packages that it installs where they are missing. Everything
# runs in mount, PID and network namespaces that end with this script; all files are below one temporary
# directory. One line a case, `N passed, N failed, N skipped` as the last one.

set -u
export LC_ALL=C PATH=$PATH:/usr/sbin:/sbin

all='runc crun containerd docker podman'
tests=$(cd "$(dirname "$0")" && pwd)
. "$tests/shell.sh"
. "$tests/sandbox.sh"

# ---- Outside: packages, the scratch directory, the namespaces --------------------------------------

# What an engine needs; runc also writes the config.json of crun, and runs siblings of dead runners.
needs() {
	case $1 in
	runc) echo runc ;;
	crun) echo crun runc ;;
	containerd) echo containerd ctr runc ;;
	docker) echo dockerd docker containerd runc ;;
	podman) echo podman runc ;;
	esac
}

# For some of its layouts.
wants() {
	case $1 in docker | podman) echo fuse-overlayfs newuidmap ;; esac
}

# What is still missing afterwards is for the cases to say.
packages() {
	local c e list=''
	# shellcheck disable=SC2046
	for c in $(absent busybox jq ip ps $(for e; do needs "$e"; wants "$e"; done)); do
		case $c in
		ctr) c=containerd ;;
		docker) c=$(apt-cache pkgnames docker-cli | grep -x docker-cli || echo docker.io) ;;
		dockerd) c=docker.io ;;
		newuidmap) c=uidmap ;;
		busybox) c=busybox-static ;;
		ip) c=iproute2 ;;
		ps) c=procps ;;
		esac
		list="$list $c"
	done
	[ "$list" ] && command -v apt-get >/dev/null || return 0
	# shellcheck disable=SC2086
	{ apt-get update && apt-get install -y --no-install-recommends $list; } >&2 ||
		die "cannot install:$list"
}

if [ "${1-}" != --inside ]; then
	[ "$(id -u)" -eq 0 ] || die 'needs root: engines mount overlays and make cgroups'
	for e in "$@"; do
		case " $all " in *" $e "*) ;; *) die "$e: no such engine; there are: $all" ;; esac
	done
	bin=${DINDBIND:-./dindbind}
	[ -x "$bin" ] || die "$bin: no such program (run make first)"
	# shellcheck disable=SC2086
	[ $# -gt 0 ] || set -- $all
	packages "$@"
	[ -z "$(absent busybox jq)" ] || die "install these first: $(absent busybox jq)"
	sandbox_scratch e2e
	sandbox_run "$@"
fi

# ---- Inside: bookkeeping ----------------------------------------------------------------------------

scratch=$2
W=$scratch/w
shift 2
engines=$*
passed=0 failed=0 skipped=0 serial=0 through=()
D=$W/dindbind
program=("$D") given=/dev/null	# how dind() calls it, and what it gives it to read
name=${scratch##*/}		# names cgroups and namespaces of engines, so that they can be told apart
stage=$W/stage

# report ENGINE CASE [WHY]: without a reason it passed
report() {
	if [ $# -lt 3 ] || [ -z "$3" ]; then
		echo "ok $1 $2"
		passed=$((passed + 1))
	else
		echo "not ok $1 $2: $(printf '%s' "$3" | tr '\n' ' ' | cut -c 1-600)"
		failed=$((failed + 1))
	fi
}

skip() {
	echo "skip $1 $2: $3"
	skipped=$((skipped + 1))
}

start_of() {
	local stat
	read -r stat <"/proc/$1/stat"
	# shellcheck disable=SC2086
	set -- ${stat##*) }
	echo "${20}"
}

# dind ARGUMENT...: here, or inside the runner
dind() {
	"${program[@]}" "$@" <"$given"
}

# In a user namespace of the runner's own, where there is one, as a sibling is; through whoever may enter it.
in_runner() {
	local user=--user
	[ ${#through[@]} -eq 0 ] && [ ! "/proc/$PID/ns/user" -ef /proc/self/ns/user ] || user=''
	# shellcheck disable=SC2086
	"${through[@]}" nsenter -t "$PID" $user --mount --root --wd=/ /bin/busybox env PATH=/bin "$@"
}

# ---- The images -------------------------------------------------------------------------------------

# The layers, as trees; topmost is the last. externals is empty in the top one, content lies below.
layer_trees() {
	local t=$W/layers cc n a
	cc=$(command -v musl-gcc || command -v cc || command -v gcc) || die 'no C compiler'
	mkdir -p "$t/1/bin" "$t/1/tmp" "$t/1/proc" "$t/1/sys" "$t/1/dev" "$t/1/etc" "$t/1/home/runner/_work" \
		"$t/2/home/runner/externals/node20/bin" "$t/2/etc" \
		"$t/3/home/runner/externals/node16/bin" "$t/3/home/runner/bin" "$t/4/home/runner/externals"
	for n in sock post cover; do
		"$cc" -static -O1 -o "$t/1/bin/$n" "$tests/e2e/$n.c" || die "cannot build $n.c"
	done
	cp "$(command -v busybox)" "$tests/e2e/probe" "$D" "$t/1/bin/"
	for a in cat chmod cp env find grep ln ls mkdir mount mv rm sed sh sha256sum sleep sort stat umount usleep; do
		ln -s busybox "$t/1/bin/$a"
	done
	chroot "$t/1" /bin/sh -c : || die "$(command -v busybox) is not static, or has no sh"
	echo 'root:x:0:0:root:/:/bin/sh' >"$t/1/etc/passwd"
	echo 'one file of the image' >"$t/2/etc/one.conf"
	echo 'node20, from layer 2' >"$t/2/home/runner/externals/node20/bin/node"
	echo 'node16, from layer 3' >"$t/3/home/runner/externals/node16/bin/node"
	echo 'worker' >"$t/3/home/runner/bin/Runner.Worker"
	# the tall image has these between layers 2 and 3
	for ((n = 1; n <= 69; n++)); do
		mkdir -p "$t/m$n/home/runner"
		echo "$n" >"$t/m$n/home/runner/layer-$n"
	done
}

# archive NAME TREE...: a docker-archive of these layers, lowest first
archive() {
	local img=$1 dir=$W/archive-$1 tree sum diffs='' files=''
	shift
	mkdir "$dir"
	for tree; do
		tar -C "$W/layers/$tree" --sort=name --mtime=@1000000000 --owner=0 --group=0 --numeric-owner \
			-cf "$dir/$tree.tar" .
		sum=$(sha256sum <"$dir/$tree.tar")
		diffs=$diffs,\"sha256:${sum%% *}\"
		files=$files,\"$tree.tar\"
	done
	case $(uname -m) in x86_64) arch=amd64 ;; aarch64) arch=arm64 ;; *) arch=$(uname -m) ;; esac
	cat >"$dir/config.json" <<-END
	{"architecture":"$arch","os":"linux","config":{"Env":["PATH=/bin"],"Cmd":["sh"]},
	"rootfs":{"type":"layers","diff_ids":[${diffs#,}]}}
	END
	cat >"$dir/manifest.json" <<-END
	[{"Config":"config.json","RepoTags":["docker.io/library/e2e:$img"],"Layers":[${files#,}]}]
	END
	tar -C "$dir" -cf "$W/$img.tar" .
	rm -r "$dir"
}

image=docker.io/library/e2e
listen=(/bin/sock listen /home/runner/agent.sock 'hello from the runner')
# how docker and podman run a runner: what a case wants otherwise, it says, and takes back
network=(--network none) volume=yes extra=()

# ---- One engine each --------------------------------------------------------------------------------
#
# E_up, E_down          start and stop it
# E_runner ID IMAGE     start a runner with a volume; sets PID
# E_sibling ID CMD...   run one with the mounts M (native arguments, or a JSON array of OCI mounts)
# E_rm ID               end the runner E_runner made

# runc and crun have no images: the overlay is mounted here, as containerd would.

# bundle DIR MOUNTS PROPAGATION CMD...
bundle() {
	mkdir -p "$W/$1/rootfs" && (cd "$W/$1" && runc spec) || return
	jq --arg cg "/$name/${1##*/}" --argjson m "$2" --arg p "$3" '
		.process.terminal = false | .process.args = $ARGS.positional | .process.env = ["PATH=/bin"] |
		del(.process.rlimits) | .root.readonly = false | .mounts += $m | .linux.cgroupsPath = $cg |
		.linux.rootfsPropagation = $p' --args -- "${@:4}" <"$W/$1/config.json" >"$W/$1/new.json" &&
	mv "$W/$1/new.json" "$W/$1/config.json"
}

# crun refuses a hybrid cgroup hierarchy, unless the unified part of it is hidden. (Unmounting that would do
# as well, but then crun leaves directories in the host's tmpfs, where the mount hides them.)
crun_() {
	# shellcheck disable=SC2016
	if mountpoint -q /sys/fs/cgroup/unified; then
		unshare --mount --propagation unchanged sh -c \
			'mount -t tmpfs tmpfs /sys/fs/cgroup/unified && exec crun "$@"' crun "$@"
	else
		crun "$@"
	fi
}

runc_() { runc "$@"; }

oci_runner() {
	local oci=$1 id=$2 n low=''
	for n in 1 2 3 4; do low=$W/layers/$n${low:+:$low}; done
	mkdir -p "$W/$oci/$id/rootfs" "$W/$oci/$id/upper" "$W/$oci/$id/work" "$W/$oci/$id/volume"
	OPTIONS=lowerdir=$low,upperdir=$W/$oci/$id/upper,workdir=$W/$oci/$id/work
	mount -t overlay -o "$OPTIONS" overlay "$W/$oci/$id/rootfs" || return
	bundle "$oci/$id" "$(jq -n --arg v "$W/$oci/$id/volume" --arg p "r$3" '[{type: "bind", source: $v,
		destination: "/home/runner/_work", options: ["rbind", "rw", $p]}]')" "$3" "${listen[@]}" || return
	"${oci}_" --root "$W/$oci/state" run --detach --bundle "$W/$oci/$id" --pid-file "$W/$oci/$id/pid" "$id" \
		</dev/null >"$W/$oci/$id/log" 2>&1 || { cat "$W/$oci/$id/log"; return 1; }
	PID=$(cat "$W/$oci/$id/pid")
}

# The sibling's root is a plain directory.
oci_sibling() {
	local oci=$1 id=$2 rc
	shift 2
	bundle "$oci/$id" "${M[0]}" private "$@" && cp -a "$W/layers/1/." "$W/$oci/$id/rootfs" || return
	"${oci}_" --root "$W/$oci/state" run --bundle "$W/$oci/$id" "$id" </dev/null
	rc=$?
	"${oci}_" --root "$W/$oci/state" delete --force "$id" >/dev/null 2>&1
	rm -r --one-file-system "${W:?}/$oci/$id"
	return $rc
}

oci_rm() {
	"${1}_" --root "$W/$1/state" delete --force "$2" && until_true umount "$W/$1/$2/rootfs" &&
		rm -r --one-file-system "${W:?}/$1/$2"
}

runc_up() { mkdir -p "$W/runc"; }
runc_down() { :; }
# Shared, so that whatever leaks out of a stage takes the runner's own mounts along.
runc_runner() { oci_runner runc "$1" shared; }
runc_sibling() { oci_sibling runc "$@"; }
runc_rm() { oci_rm runc "$1"; }

crun_up() { mkdir -p "$W/crun"; }
crun_down() { :; }
crun_runner() { oci_runner crun "$1" private; }
crun_sibling() { oci_sibling crun "$@"; }
crun_rm() { oci_rm crun "$1"; }

# containerd serves docker too: started once, stopped at the end.
containerd_up() {
	[ "${containerd_pid-}" ] && return
	mkdir -p "$W/containerd"
	cat >"$W/containerd/config.toml" <<-END
	version = 2
	root = "${containerd_root:-$W/containerd/root}"
	state = "$W/containerd/state"
	disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.internal.v1.opt",
		"io.containerd.internal.v1.tracing", "io.containerd.tracing.processor.v1.otlp"]
	[grpc]
	address = "$W/containerd/sock"
	[ttrpc]
	address = "$W/containerd/ttrpc"
	END
	containerd --config "$W/containerd/config.toml" --log-level error >"$W/containerd/log" 2>&1 &
	containerd_pid=$!
	until_true ctr_ version || { cat "$W/containerd/log"; return 1; }
}

ctr_() {
	ctr --address "$W/containerd/sock" --namespace "$name" "$@"
}

# ctr_run ARGUMENT...: newer ones ask for a share of the processors, for which a controller may be missing
ctr_run() {
	local shares=()
	! ctr run --help | grep -q -e --cpu-shares || shares=(--cpu-shares 0)
	ctr_ run "${shares[@]}" "$@" </dev/null
}

ctr_import() {
	[ -e "$W/containerd/$1" ] || { ctr_ images import "$W/$1.tar" && : >"$W/containerd/$1"; }
}

containerd_runner() {
	ctr_import "$2" >/dev/null || return
	mkdir -p "$W/containerd/volume-$2"
	ctr_run --detach --mount "type=bind,src=$W/containerd/volume-$2,dst=/home/runner/_work,options=rbind:rw" \
		"$image:$2" "$1" "${listen[@]}" || return
	PID=$(ctr_ task ls | awk -v id="$1" '$1 == id { print $2 }')
}

containerd_sibling() {
	local id=$1 m args=()
	shift
	while read -r m; do args+=(--mount "$m"); done < <(jq -r '.[] |
		"type=\(.type),src=\(.source),dst=\(.destination),options=\(.options | join(":"))"' <<<"${M[0]}")
	ctr_run --rm "${args[@]}" "$image:few" "$id" "$@"
	local rc=$?
	[ $rc -eq 0 ] || ctr_ container rm "$id" >/dev/null 2>&1
	return $rc
}

containerd_kill() { ctr_ task rm --force "$1"; }
containerd_rm() { containerd_kill "$1"; ctr_ container rm "$1"; }

containerd_down() {
	[ "${containerd_pid-}" ] || return 0
	kill "$containerd_pid" && wait "$containerd_pid"
	containerd_pid=''
}

# docker_up [DATA-ROOT]: a layout has other options
docker_options=(--storage-driver=overlay2 --containerd "$W/containerd/sock") docker_config='{}'
docker_up() {
	containerd_up || return
	mkdir -p "$W/docker"
	export DOCKER_HOST=unix://$W/docker/sock DOCKER_CONFIG=$W/docker/config
	echo "$docker_config" >"$W/docker/daemon.json"
	dockerd --host "$DOCKER_HOST" --data-root "${1:-$W/docker/root}" --exec-root "$W/docker/exec" \
		--pidfile "$W/docker/pid" --config-file "$W/docker/daemon.json" "${docker_options[@]}" \
		--iptables=false --ip6tables=false --bridge=none \
		--exec-opt native.cgroupdriver=cgroupfs --cgroup-parent "/$name" \
		>"$W/docker/log" 2>&1 &
	docker_pid=$!
	until_true docker version || { tail -n 3 "$W/docker/log"; return 1; }
	docker load -q -i "$W/few.tar" >/dev/null
}

docker_runner() {
	[ "$2" = few ] || docker load -q -i "$W/$2.tar" >/dev/null || return
	docker run --detach "${network[@]}" --name "$1" ${volume:+-v "volume-$2:/home/runner/_work"} "${extra[@]}" \
		"$image:$2" "${listen[@]}" >/dev/null || return
	PID=$(docker inspect -f '{{.State.Pid}}' "$1")
}

docker_sibling() {
	local id=$1 rc
	shift
	docker run --network none --name "$id" "${M[@]}" "$image:few" "$@" </dev/null
	rc=$?
	docker rm --force "$id" >/dev/null 2>&1
	return $rc
}

docker_kill() { docker kill "$1"; }
docker_rm() { docker rm --force --volumes "$1"; }

docker_down() {
	unset DOCKER_HOST DOCKER_CONFIG
	kill "$docker_pid" && wait "$docker_pid" || return
	# what it made for --network host
	! mountpoint -q "$W/docker/exec/netns/default" || umount "$W/docker/exec/netns/default"
}

podman_() {
	"${podman_as[@]}" podman "${podman_args[@]}" "$@"
}

# podman_ready OPTION...: podman_ with these, which knows the image
podman_ready() {
	local at=$podman_at
	podman_args=(--root "$at/root" --runroot "$at/run" --cgroup-manager cgroupfs --events-backend file "$@")
	# a user's is below $XDG_RUNTIME_DIR, where `podman unshare` finds it, too
	[ ${#podman_as[@]} -gt 0 ] || podman_args+=(--tmpdir "$at/tmp")
	export CONTAINERS_CONF=$at/containers.conf
	# podman raises limits, for which CAP_SYS_RESOURCE may be missing, and counts processes, for which a controller may
	cat >"$CONTAINERS_CONF" <<-END
	[containers]
	default_ulimits = ["nofile=1024:1024", "nproc=4096:4096"]
	pids_limit = 0
	END
	podman_ load -q -i "$W/few.tar" >/dev/null
}
podman_as=() podman_at=$W/podman podman_parent=(--cgroup-parent "/$name")

podman_up() {
	mkdir -p "$W/podman"
	podman_ready --storage-driver overlay --runtime "$(command -v runc)" || return
	# the API that docker's clients speak, too
	podman "${podman_args[@]}" system service --time 0 "unix://$W/podman/sock" >"$W/podman/log" 2>&1 &
	podman_pid=$!
	until_true "$W/layers/1/bin/post" -g "$W/podman/sock" /_ping || { tail -n 3 "$W/podman/log"; return 1; }
}

podman_run() {
	podman_ run "${network[@]}" "${podman_parent[@]}" "$@"
}

podman_runner() {
	[ "$2" = few ] || podman_ load -q -i "$W/$2.tar" >/dev/null || return
	podman_run --detach --name "$1" ${volume:+-v "volume-$2:/home/runner/_work"} "${extra[@]}" \
		"$image:$2" "${listen[@]}" >/dev/null || return
	PID=$(podman_ inspect -f '{{.State.Pid}}' "$1")
}

podman_sibling() {
	local id=$1 rc
	shift
	local network=(--network none)
	podman_run --name "$id" "${M[@]}" "$image:few" "$@" </dev/null
	rc=$?
	podman_ rm --force --time 0 "$id" >/dev/null 2>&1
	return $rc
}

podman_kill() { podman_ kill "$1"; }
podman_rm() { podman_ rm --force --volumes --time 0 "$1"; }

no_podman() { ! cat /proc/[0-9]*/comm 2>/dev/null | grep -qx podman; }

# It binds its graph root onto itself, to make it private; two that start at once both do, and conmon starts one when a
# container has ended.
podman_down() {
	[ -z "$podman_pid" ] || { kill "$podman_pid" && wait "$podman_pid"; }
	podman_pid=''
	until_true no_podman
	while mountpoint -q "$podman_at/root/overlay"; do umount "$podman_at/root/overlay" || return; done
}

# ---- Answers ----------------------------------------------------------------------------------------

# native ENGINE HOST TARGET MODE: M becomes the arguments for one mount
native() {
	case $1 in
	docker | podman) M=(-v "$2:$3:$4") ;;
	*) M=("$(jq -cn --arg s "$2" --arg d "$3" --arg o "$4" \
		'[{destination: $d, type: "bind", source: $s, options: ["rbind", $o]}]')") ;;
	esac
}

# answer ENGINE SOURCE TARGET MODE VIEW...: M becomes what dindbind makes of it. -v for rw, for ro --mount
answer() {
	local engine=$1 src=$2 dst=$3 mode=$4 flag=-v spec out line
	shift 4
	spec=$src:$dst
	if [ "$mode" = ro ]; then
		flag=--mount spec=type=bind,source=$src,target=$dst,readonly
	fi
	case $engine in
	docker | podman)
		out=$(dind "$@" $flag "$spec") || return
		M=()
		while read -r line; do M+=("$flag" "$line"); done <<<"$out" ;;
	*)
		out=$(dind "$@" -f oci $flag "$spec") || return
		M=("$out") ;;
	esac
}

# try ENGINE KIND SOURCE ACTION WANT: run a sibling with the mounts M at /x, compare, say what is wrong
try() {
	local engine=$1 kind=$2 src=$3 action=$4 want=$5 got waiter='' rc
	serial=$((serial + 1))
	if [ "$action" = sibling ]; then
		in_runner probe runner "$kind" "$src" >"$W/waiter" 2>&1 &
		waiter=$!
	fi
	got=$("${engine}_sibling" "s$serial" /bin/probe "$action" "$kind" /x 2>"$W/err")
	rc=$?
	if [ "$waiter" ]; then
		[ $rc -eq 0 ] || kill "$waiter" 2>/dev/null
		wait "$waiter"
		local waited=$?
		in_runner probe reset "$kind" "$src"
	fi
	case $action in
	sibling) want=$want${hello:+$'\n'$hello}$'\n''both ways' ;;
	ro) want=$want${hello:+$'\n'$hello}$'\n''refused' ;;
	esac
	if [ $rc -ne 0 ]; then
		echo "status $rc: $(tail -n 2 "$W/err") ${got##*$'\n'}"
	elif [ "$got" != "$want" ]; then
		echo "the views differ (< runner, > sibling): $(diff <(echo "$want") <(echo "$got") | grep '^[<>]')"
	elif [ "$waiter" ] && [ "$waited" -ne 0 ]; then
		echo "the runner: $(cat "$W/waiter")"
	fi
}

# source_cases ENGINE LABEL KIND SOURCE: the proc path, the host path, the staged path
source_cases() {
	local engine=$1 label=$2 kind=$3 src=$4 want mode action why place where path rows view=(-p "$PID:$START")
	hello=''
	[ "$kind" != sock ] || hello='hello from the runner'
	# EINVAL, from mount(2), in every engine: report it when a kernel changes its mind
	serial=$((serial + 1))
	why=''
	if ! native "$engine" "$("$D" "${view[@]}" "$src")" /x rw; then
		why='no proc path'
	elif "${engine}_sibling" "s$serial" /bin/probe view "$kind" /x >"$W/err" 2>&1; then
		why='it can be mounted'
	elif ! grep -qi 'invalid argument' "$W/err"; then
		why="refused, but not with EINVAL: $(tail -n 2 "$W/err")"
	fi
	report "$engine" "$label proc path is EINVAL" "$why"

	# a bare path: the same file, or no answer where it would miss the volume
	why=''
	if path=$("$D" "${view[@]}" -H "$src" 2>"$W/err"); then
		if [ "$kind" = nested ]; then
			why="no error for the volume below: $path"
		elif [ "$(stat -c %d:%i "$path")" != "$(stat -c %d:%i "$("$D" "${view[@]}" "$src")")" ]; then
			why="another file: $path"
		fi
	elif [ "$kind" != nested ] || ! grep -q _work "$W/err"; then
		why=$(cat "$W/err")
	fi
	report "$engine" "$label -H" "$why"

	for mode in rw ro; do
		action=sibling
		[ $mode = rw ] || action=ro
		for place in host staged; do
			where=()
			[ $place = host ] || where=(-s "$stage")
			rows=$(wc -l <"/proc/$PID/mountinfo")
			if ! want=$(in_runner probe view "$kind" "$src" 2>&1); then
				why="the runner itself does not see it: $want"
			elif answer "$engine" "$src" /x $mode "${view[@]}" "${where[@]}" 2>"$W/err"; then
				why=$(try "$engine" "$kind" "$src" $action "$want")
			else
				why=$(cat "$W/err")
			fi
			if [ $place = staged ]; then
				"$D" -u "$stage" || why="$why -u: $?"
				[ ! -e "$stage" ] || why="$why -u left $stage"
				[ "$rows" -eq "$(wc -l <"/proc/$PID/mountinfo")" ] ||
					why="$why -u changed the runner's own mounts"
			fi
			report "$engine" "$label $place $mode" "$why"
		done
	done
}

# What only a running container can have: files in the upperdir, a copy of the merged one, the volume's.
fill() {
	START=$(start_of "$PID")
	until_true in_runner sock ask /home/runner/agent.sock || return
	# shellcheck disable=SC2016
	in_runner sh -c 'cd /home/runner && echo "made by the job" >up.txt && mkdir -p externals/node22 &&
		echo "node22, from the upperdir" >externals/node22/node && rm -r externals/node16 &&
		mkdir -p _work/_temp "_work/a b:c" && echo "a step" >_work/_temp/step.sh &&
		ln -sf step.sh _work/_temp/link'
}

# dead_cases ENGINE RUNTIME WANT OPTIONS: externals from the layers alone, by a mount and by a stage
dead_cases() {
	local engine=$1 via=$2 want=$3 options=$4 why
	PID=''
	hello=''
	if answer "$via" /home/runner/externals /x rw -p 0 -o "$options" 2>"$W/err"; then
		why=$(try "$via" merged /home/runner/externals ro "$want")
		grep -q '"overlay"' <<<"${M[0]}" || why="$why not an overlay mount: ${M[0]}"
	else
		why=$(cat "$W/err")
	fi
	report "$engine" 'merged, from the layers alone' "$why"
	if answer "$via" /home/runner/externals /x rw -p 0 -o "$options" -s "$stage" 2>"$W/err"; then
		why=$(try "$via" merged /home/runner/externals ro "$want")
	else
		why=$(cat "$W/err")
	fi
	"$D" -u "$stage" || why="$why -u: $?"
	report "$engine" 'merged, from the layers alone, staged' "$why"
}

# The options of the runner's overlay root, as its mountinfo shows them.
root_options() {
	awk '$5 == "/" { sub(/.* - /, ""); print $3 }' "/proc/$PID/mountinfo" | tail -n 1
}

# begin ENGINE IMAGE: a filled runner, or a reason in $W/err
begin() {
	PID='' START=''
	if "${1}_runner" runner "$2" >"$W/err" 2>&1 && [ "$PID" ] && fill >>"$W/err" 2>&1; then
		return
	fi
	report "$1" "a runner ($2)" "did not start: $(tail -n 3 "$W/err")"
	return 1
}

finish() {
	"${1}_rm" runner >"$W/err" 2>&1 || report "$1" 'removing the runner' "$(cat "$W/err")"
}

engine_cases() {
	local engine=$1 want
	begin "$engine" few || return
	source_cases "$engine" 'upper file' file /home/runner/up.txt
	source_cases "$engine" 'image file' file /etc/one.conf
	source_cases "$engine" 'merged directory' dir /home/runner/externals
	source_cases "$engine" 'volume' dir /home/runner/_work
	source_cases "$engine" 'directory with the volume below' nested /home/runner
	source_cases "$engine" 'socket' sock /home/runner/agent.sock
	life_cases "$engine"
	case $engine in
	runc)
		attack_cases runc ;;&
	runc | crun)
		describe_oci "$engine" ;;&
	runc | crun)
		want=$(in_runner probe view merged /home/runner/externals)
		"${engine}_" --root "$W/$engine/state" kill runner KILL
		until_true dead "$PID"
		dead_cases "$engine" "$engine" "$want" "$OPTIONS"
		describe_oci_dead "$engine" ;;
	esac
	finish "$engine"
}

dead() {
	local stat
	read -r stat 2>/dev/null <"/proc/$1/stat" || return 0
	[[ ${stat##*) } = [ZX]* ]]
}

# An image whose mount options do not fit a page: the engine makes them relative.
tall_cases() {
	local engine=$1 options want why=''
	begin "$engine" many || return
	options=$(root_options)
	case $options in
	*lowerdir=/* | *lowerdir+=*) why="its options are absolute: ${options:0:200}" ;;
	esac
	report "$engine" 'an image of 73 layers has relative lowerdirs' "$why"
	source_cases "$engine" 'merged directory of 73 layers' dir /home/runner/externals
	source_cases "$engine" 'directory of 73 layers with the volume below' nested /home/runner
	want=$(in_runner probe view merged /home/runner/externals)
	"${engine}_kill" runner >/dev/null 2>&1
	until_true dead "$PID"
	if [ "$engine" = docker ]; then
		# nothing in docker's string says where it is relative to
		if "$D" -p 0 -o "$options" /home/runner/externals >"$W/err" 2>&1; then
			why="answered with $(cat "$W/err")"
		else
			why=''
		fi
		report docker 'relative options without a base are refused' "$why"
		options=$(docker inspect -f 'lowerdir={{.GraphDriver.Data.LowerDir}},upperdir={{.GraphDriver.Data.UpperDir}}' runner)
	fi
	dead_cases "$engine 73 layers" runc "$want" "$options"
	finish "$engine"
}

# The runner is hostile: between the answer and the mount it swaps the directory for a symlink, which the
# runtime follows in the host's root. For the host path this is the control: it shows that the attack works.
attack_cases() {
	local engine=$1 place where got why
	mkdir -p "$W/secret"
	echo 'of the host' >"$W/secret/key"
	in_runner sh -c 'mkdir /home/runner/ws && echo mine >/home/runner/ws/mine'
	for place in host staged; do
		where=()
		[ $place = host ] || where=(-s "$stage")
		why=''
		if answer "$engine" /home/runner/ws /x rw -p "$PID:$START" "${where[@]}" 2>"$W/err"; then
			# shellcheck disable=SC2016
			in_runner sh -c 'cd /home/runner && mv ws ws.was && ln -s "$1" ws' swap "$W/secret"
			serial=$((serial + 1))
			got=$("${engine}_sibling" "s$serial" ls /x 2>"$W/err")
			case $place:$got in
			host:key) report "$engine" 'swapped for a symlink: the host path follows (control)' ;;
			staged:mine) report "$engine" 'swapped for a symlink: the staged path does not' ;;
			*) report "$engine" "swapped for a symlink: $place" "the sibling sees: $got $(cat "$W/err")" ;;
			esac
			in_runner sh -c 'cd /home/runner && rm ws && mv ws.was ws'
		else
			report "$engine" "swapped for a symlink: $place" "$(cat "$W/err")"
		fi
		[ $place = host ] || "$D" -u "$stage"
	done
}

# ---- Runners that are described, bodies, and answers from inside ------------------------------------

for part in rich describe create self stage_life engine layouts; do
	# shellcheck source=/dev/null
	. "$tests/e2e/$part.sh" || exit
done

# ---- All of it --------------------------------------------------------------------------------------

sandbox_place
cp "$scratch/dindbind" "$W/" || exit

layer_trees
archive few 1 2 3 4
# shellcheck disable=SC2046
archive many 1 2 $(seq -f m%g 1 69) 3 4
host_tree || exit
before=$(inner_state)

for e in $engines; do
	# shellcheck disable=SC2046
	missing=$(absent $(needs "$e"))
	if [ "$missing" ]; then
		skip "$e" 'all cases' "not installed: ${missing//$'\n'/ }"
		continue
	fi
	if "${e}_up" >"$W/up" 2>&1; then
		engine_cases "$e"
		case $e in docker | containerd) tall_cases "$e" ;; esac
		case $e in docker | podman) rich_cases "$e" ;; esac
	else
		report "$e" 'starting it' "$(tail -n 3 "$W/up")"
	fi
	[ "$e" = containerd ] || "${e}_down" >"$W/up" 2>&1 || report "$e" 'stopping it' "$(tail -n 3 "$W/up")"
	layouts "$e"
done
containerd_down || report containerd 'stopping it' "status $?"
life_users

# ---- Nothing left -----------------------------------------------------------------------------------

sandbox_left "$before"
report engines 'no mount, process, link or cgroup left' "$why"
layout_print
echo "$passed $failed $skipped" >"$scratch/result"
