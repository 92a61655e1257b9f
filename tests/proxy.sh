#!/bin/bash
# proxy.sh - examples/go/proxy between real clients and real engines
#
# SPDX-License-Identifier: 0BSD
#
#   tests/proxy.sh [GROUP]...       all by default; $DINDBIND is the binary
#
#   peer        streams and uploads against the daemon itself as control; whose view a client has
#   stage       -stage: what is staged ends with its container, and a lost stage is an error
#   elsewhere   the daemon in another mount namespace, the unit files, the compose file
#   self        -self, in the runner
#   hostile     requests that are meant to get past it: none makes a container that is not translated
#   podman      podman's docker API as the daemon
#   clients     docker, compose, testcontainers, dockerode, docker-py in a runner, by peer and with -self
#
# STORE=yes: docker keeps its images with containerd. Needs root, and the Debian packages that it installs where they
# are missing; testcontainers and dockerode come from npm, where that is there, and are kept in $CACHE. Everything runs
# in mount, PID and network namespaces that end with this script; all files are below one temporary directory. One line
# a case, `N passed, N failed, N skipped` as the last one.

set -u
export LC_ALL=C PATH=$PATH:/usr/sbin:/sbin

all='peer stage elsewhere self hostile podman clients'
tests=$(cd "$(dirname "$0")" && pwd)
. "$tests/shell.sh"
. "$tests/sandbox.sh"
CACHE=${CACHE:-/var/cache/dindbind}
npm_packages='testcontainers@11.14.0 dockerode@5.0.1'

# ---- Outside: packages, the scratch directory, the namespaces --------------------------------------

packages() {
	local c list=''
	for c in $(absent dockerd docker containerd runc busybox jq ip go docker-compose curl python3 podman); do
		case $c in
		dockerd) c=docker.io ;;
		docker) c=$(apt-cache pkgnames docker-cli | grep -x docker-cli || echo docker.io) ;;
		busybox) c=busybox-static ;;
		ip) c=iproute2 ;;
		go) c=golang-go ;;
		esac
		list="$list $c"
	done
	[ -e /usr/lib/python3/dist-packages/docker ] || list="$list python3-docker"
	[ "$list" ] && command -v apt-get >/dev/null || return 0
	# shellcheck disable=SC2086
	{ apt-get update && apt-get install -y --no-install-recommends $list; } >&2 || die "cannot install:$list"
}

# What it is made of is in its name. Scripts of packages are not run: what they would build is not used.
npm_clients() {
	local at new major
	major=$(node --version 2>/dev/null | sed -nE 's/^v([0-9]+)\..*/\1/p')
	[ "${major:-0}" -ge 20 ] && command -v npm >/dev/null || return 0
	at=$CACHE/npm-$(echo "$npm_packages" | tr ' ' -) new=$scratch/npm
	mkdir -p "$CACHE" "$new" || return 0
	# shellcheck disable=SC2086
	[ -e "$at" ] || { env -C "$new" HOME="$scratch" npm install --ignore-scripts --no-audit --no-fund --no-package-lock \
		--cache "$scratch/npm-cache" $npm_packages >"$scratch/npm.log" 2>&1 && mv "$new" "$at"; } ||
		{ tail -n 3 "$scratch/npm.log" >&2; return 0; }
	cp -r "$at/node_modules" "$scratch/node_modules"
}

# Nothing is fetched, and nothing is left in anybody's home or in the tree.
build() {
	cp -r "${tests%/*}/examples/go" "$scratch/go" && cd "$scratch/go" || return
	env HOME="$scratch" GOPATH="$scratch/path" GOCACHE="$scratch/cache" GOFLAGS=-mod=mod GOPROXY=off GOTOOLCHAIN=local \
		GOWORK=off CGO_ENABLED=0 go build -o "$scratch/proxy" ./proxy
}

if [ "${1-}" != --inside ]; then
	[ "$(id -u)" -eq 0 ] || die 'needs root: engines mount overlays and make cgroups'
	for group in "$@"; do
		[ -e "$tests/proxy/$group.sh" ] || die "$group: no such group; there are: $all"
	done
	bin=${DINDBIND:-./dindbind}
	[ -x "$bin" ] || die "$bin: no such program (run make first)"
	bin=$(cd "$(dirname "$bin")" && pwd)/${bin##*/}
	# shellcheck disable=SC2086
	[ $# -gt 0 ] || set -- $all
	packages
	sandbox_scratch proxy
	(build) || die 'examples/go/proxy cannot be built'
	case " $* " in *' clients '*) npm_clients ;; esac
	sandbox_run "$@"
fi

# ---- Inside: bookkeeping ----------------------------------------------------------------------------

scratch=$2
W=$scratch/w
shift 2
passed=0 failed=0 skipped=0 group=engines
name=${scratch##*/}		# names cgroups, so that they can be told apart

# report CASE [WHY]: without a reason it passed
report() {
	if [ $# -lt 2 ] || [ -z "$2" ]; then
		echo "ok $group $1"
		passed=$((passed + 1))
	else
		echo "not ok $group $1: $(printf '%s' "$2" | tr '\n' ' ' | cut -c 1-900)"
		failed=$((failed + 1))
	fi
}

skip() {
	echo "skip $group $1: $2"
	skipped=$((skipped + 1))
}

# differs STATUS OUTPUT COMMAND...: what is wrong, if anything
differs() {
	local want=$1 text=$2 got status
	shift 2
	got=$("$@" 2>"$W/err")
	status=$?
	[ "$status" = "$want" ] && [ "$got" = "$text" ] ||
		echo "status $status, wanted $want; output: ${got:0:300}; wanted: ${text:0:300}; $(tail -n 3 "$W/err")"
}

# is CASE STATUS OUTPUT COMMAND...
is() {
	report "$1" "$(differs "${@:2}")"
}

# both CASE STATUS OUTPUT COMMAND...: the daemon itself is the control
both() {
	local why
	why=$(DOCKER_HOST=unix://$W/docker/sock differs "${@:2}")
	[ -z "$why" ] || { report "$1" "without the proxy: $why"; return; }
	report "$1" "$(differs "${@:2}")"
}

# refused CASE PATTERN COMMAND...: it fails, its standard error matches, and there are as many containers as before
refused() {
	local label=$1 text=$2 why='' count
	shift 2
	count=$(containers)
	! "$@" >"$W/out" 2>"$W/err" || why='it succeeds'
	grep -qE -e "$text" "$W/err" || why="$why no '$text' in: $(tail -n 3 "$W/err")"
	[ "$count" = "$(containers)" ] || why="$why containers: $count, then $(containers)"
	report "$label" "$why"
}

# says CASE TEXT COMMAND...: it ends with a status that is not 0, and one line that has TEXT
says() {
	local why=''
	! timeout 60 "${@:3}" >"$W/out" 2>&1 || why='it succeeds'
	grep -q -e "$2" "$W/out" || why="$why no '$2' in: $(head -n 3 "$W/out")"
	report "$1" "$why"
}

# docker ARGUMENT...: the limit only ends a failure
client=$(readlink -f "$(command -v docker)")
docker() {
	timeout --foreground 120 "$client" "$@"
}

# ---- The engines ------------------------------------------------------------------------------------

# engine DOCKER-ARGUMENT...: at the daemon itself, past the proxy
engine() {
	docker -H "unix://$W/docker/sock" "$@"
}

containers() {
	engine ps -aq | wc -l
}

# remove_all: containers, with their volumes
remove_all() {
	local all
	all=$(engine ps -aq)
	# shellcheck disable=SC2086
	[ -z "$all" ] || engine rm -fv $all >/dev/null
}

containerd_up() {
	mkdir -p "$W/containerd"
	cat >"$W/containerd/config.toml" <<-END
	version = 2
	root = "$W/containerd/root"
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
	until_true ctr --address "$W/containerd/sock" version || die "containerd: $(tail -n 3 "$W/containerd/log")"
}

storage=(--storage-driver=overlay2) config='{}'
[ "${STORE-}" != yes ] || storage=() config='{"features":{"containerd-snapshotter":true}}'

# dockerd_up DIRECTORY OPTION...: sets $dockerd
dockerd_up() {
	local at=$1
	shift
	mkdir -p "$at"
	echo "$config" >"$at/daemon.json"
	"${within[@]}" dockerd --host "unix://$at/sock" --data-root "$at/root" --exec-root "$at/exec" --pidfile "$at/pid" \
		--config-file "$at/daemon.json" --iptables=false --ip6tables=false --bridge=none "${storage[@]}" "$@" \
		--exec-opt native.cgroupdriver=cgroupfs --cgroup-parent "/$name" >>"$at/log" 2>&1 &
	dockerd=$!
	until_true docker -H "unix://$at/sock" version || die "dockerd: $(tail -n 3 "$at/log")"
}
within=()

docker_up() {
	dockerd_up "$W/docker" --containerd "$W/containerd/sock"
	docker_pid=$dockerd
}

docker_down() {
	kill "$docker_pid" && wait "$docker_pid"
}

# ---- The proxy --------------------------------------------------------------------------------------

# proxy_up OPTION...: at $proxy, for the clients that this script starts; sets $proxy_pid
proxy_up() {
	rm -f "$proxy"
	mkdir -p "${proxy%/*}"
	# shellcheck disable=SC2086
	"${within[@]}" "$P" -listen "$proxy" -daemon "${upstream:-$W/docker/sock}" -dindbind "$D" "$@" 2>>"$W/proxy.log" &
	proxy_pid=$!
	until_true listens "$proxy" || die "proxy: $(tail -n 3 "$W/proxy.log")"
	export DOCKER_HOST=unix://$proxy
}

# A socket that is left by one that was killed is there, too.
listens() {
	curl -sS -o /dev/null --max-time 5 --unix-socket "$1" http://d/_ping
}

proxy_down() {
	kill "$proxy_pid"
	wait "$proxy_pid"
}

# run ARGUMENT...: of docker run
run() {
	docker run --rm --network none "$@"
}

# ---- A runner that is only a mount namespace: what it has at $J is $W/volume on the host ------------------------

# shellcheck disable=SC2034
# view NAME: a mount namespace in which $J is the host's $W/NAME; sets $PID
view() {
	mkfifo "$W/ready"
	# shellcheck disable=SC2016
	unshare --mount --propagation private sh -c 'mount --bind "$1" "$2" && echo >"$3" && exec sleep 1000000' \
		sh "$W/$1" "$J" "$W/ready" &
	PID=$!
	read -r _ <"$W/ready"
	rm "$W/ready"
}

# in_view PID COMMAND...
in_view() {
	timeout --foreground 120 nsenter --target "$1" --mount "${@:2}"
}

# ---- Images -----------------------------------------------------------------------------------------

# tools: busybox, the tool and a client with the libraries that it asks for. machine: this machine's /usr is its own, so
# that every client which is installed here is there.
images() {
	local t=$W/tools m=$W/machine file to applet dir
	mkdir -p "$t/bin" "$t/tmp" "$t/etc" "$t/in" "$m/usr" "$m/etc" "$m/tmp" "$m/root" "$m/home/runner/_work" "$m/var"
	cp "$(command -v busybox)" "$D" "$t/bin/" || return
	for file in "$client" $(ldd "$client" 2>/dev/null | grep -o '/[^ ]*'); do
		case $file in "$client") to=$t/bin/docker ;; *) to=$t$file ;; esac
		mkdir -p "${to%/*}" && cp "$file" "$to" || return
	done
	for applet in cat dd echo env head id ls mkdir printf ps pwd rm sh sha256sum sleep tail test touch tty wc; do
		ln -s busybox "$t/bin/$applet"
	done
	chmod 1777 "$t/tmp" "$m/tmp"
	echo 'of the image' >"$t/in/file"
	for dir in bin sbin lib lib64; do ln -s "usr/$dir" "$m/$dir"; done
	# Python's requests reads it before anything is asked for
	[ ! -e /etc/ssl/certs/ca-certificates.crt ] || install -D -t "$m/etc/ssl/certs" /etc/ssl/certs/ca-certificates.crt
	echo 'root:x:0:0:root:/root:/bin/sh' | tee "$t/etc/passwd" >"$m/etc/passwd"
	for dir in tools machine; do
		tar -C "$W/$dir" -c . >"$W/$dir.tar" && rm -r "${W:?}/$dir" || return
		engine import --change 'ENV PATH=/bin:/usr/local/bin:/usr/sbin' - $dir <"$W/$dir.tar" >/dev/null || return
	done
}

# ---- All of it --------------------------------------------------------------------------------------

sandbox_place
export DOCKER_CONFIG=$W/config TMPDIR=$W/tmp HOME=$W/home
mkdir -p "$W/bin" "$W/tmp" "$DOCKER_CONFIG" "$HOME"
echo '{}' >"$DOCKER_CONFIG/config.json"
cp "$scratch/dindbind" "$scratch/proxy" "$W/bin/" || exit
D=$W/bin/dindbind P=$W/bin/proxy J=$W/job proxy=$W/proxy/docker.sock upstream=''
mkdir -p "$J" "$W/volume/sub" "$W/volume2"
echo 'of the runner' >"$W/volume/file"
echo 'of the other runner' >"$W/volume2/file"
# shellcheck disable=SC2034
mapfile -t clients < <(type -ap docker | xargs -n 1 readlink -f | sort -u)

for group in "$@"; do
	# shellcheck source=/dev/null
	. "$tests/proxy/$group.sh" || exit
done
before=$(inner_state)
cd / || exit
containerd_up
docker_up
images || die 'no images'
for group in "$@"; do
	since=$SECONDS
	"${group}_cases"
	remove_all
	echo "# $group: $((SECONDS - since)) s"
done

# ---- Nothing left -----------------------------------------------------------------------------------

group=engines
docker_down || report 'stopping docker' "$(tail -n 3 "$W/docker/log")"
kill "$containerd_pid"
wait
! mountpoint -q "$W/docker/exec/netns/default" || umount "$W/docker/exec/netns/default"
sandbox_left "$before"
report 'no mount, process, link or cgroup left' "$why"
echo "$passed $failed $skipped" >"$scratch/result"
