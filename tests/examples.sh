#!/bin/bash
# examples.sh - every example is run, as its own header says
#
# SPDX-License-Identifier: 0BSD
#
#   tests/examples.sh             entrypoint.sh with a stand-in for the client, register-runner and the
#                                 examples of -h for a runner made with unshare
#   tests/examples.sh --docker    the first two with a dockerd, a docker client and a runc of the test's own
#
# The proxy has a test of its own, proxy.sh.
#
# The first needs no privileges but a user namespace, the second needs root, docker.io, runc and
# busybox-static. All mounts, processes and links are in namespaces that end with this script. Failed cases
# are printed; the last line is `N passed, N failed, N skipped`. $DINDBIND is the binary.

set -u
export LC_ALL=C PATH=$PATH:/usr/sbin:/sbin
here=$(cd "$(dirname "$0")" && pwd)
. "$here/shell.sh"
passed=0 failed=0 skipped=0

# ---- Outside: one directory, one set of namespaces --------------------------------------------------

if [ "${1-}" != --inside ]; then
	bin=${DINDBIND:-./dindbind}
	[ -x "$bin" ] || die "$bin: no such program (run make first)"
	bin=$(cd "$(dirname "$bin")" && pwd)/${bin##*/}
	unshare=(unshare --mount --propagation private)
	if [ "${1-}" = --docker ]; then
		if [ "$(id -u)" != 0 ]; then
			echo 'skipped: docker: needs root'
			echo '0 passed, 0 failed, 1 skipped'
			exit 0
		fi
		unshare+=(--pid --net --fork --kill-child --mount-proc)
	elif [ "$(id -u)" != 0 ]; then
		unshare+=(--map-root-user)
	fi
	dir=$(mktemp -d "${TMPDIR:-/tmp}/dindbind-examples.XXXXXX") || die 'no temporary directory'
	dir=$(cd "$dir" && pwd -P)
	trap 'find /sys/fs/cgroup -depth -type d -path "*/${dir##*/}*" -exec rmdir {} + 2>/dev/null; rmdir "$dir"' EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM HUP
	"${unshare[@]}" bash "$0" --inside "$dir" "$bin" "$@"
	exit
fi

T=$2 D=$3 mode=${4-}
examples=${here%/*}/examples
mount -t tmpfs -o mode=755 examples "$T" || exit
cd "$T" || exit

# ---- Bookkeeping ------------------------------------------------------------------------------------

# promise STATUS STDOUT COMMAND...: the name of the case is $name
promise() {
	local want=$1 text=$2 got status
	shift 2
	got=$("$@" 2>"$T/err")
	status=$?
	if [ "$status" = "$want" ] && [ "$got" = "$text" ]; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		printf 'not ok: %s: status %s, wanted %s\n%s\n-- wanted\n%s\n-- standard error\n' \
			"$name" "$status" "$want" "${got:0:1000}" "$text"
		cat "$T/err"
	fi
}

# told TEXT: what the last case wrote to standard error has it
told() {
	cp "$T/err" "$T/said"
	name="$name: the message" promise 0 '' grep -qF -e "$1" "$T/said"
}

skip() {
	skipped=$((skipped + 1))
	echo "skipped: $1"
}

finish() {
	cd / && umount -l "$T"
	echo "$passed passed, $failed failed, $skipped skipped"
	[ $failed = 0 ]
	exit
}

# lines WORD...: a line each, as the stand-in for the client prints its arguments
lines() {
	printf '<%s>\n' "$@"
}

# ---- entrypoint.sh ----------------------------------------------------------------------------------

# entry DOCKER-ARGUMENT...: by the shell that is tested
entry() {
	DINDBIND=$D DINDBIND_RUNNER=$rows DINDBIND_DOCKER=$T/bin/client "${shell[@]}" "$examples/entrypoint.sh" "$@"
}

# named TEXT: the case
named() {
	name="entrypoint (${shell[*]##*/}): $1"
}

# $T/w is a mount that the daemon knows as /d/w, with another one at sub that it knows as /d/o.
entrypoint_cases() {
	local w=$T/w rows=$T/rows option
	named 'all ways to write a mount'
	promise 0 "$(lines run --mount type=bind,source=/d/w/x,target=/1 --mount type=bind,source=/d/w/x,target=/2 --mount type=bind,source=/d/w/x,target=/3 --mount type=bind,source=/d/w/x,target=/4,readonly --mount type=bind,source=/d/w/x,target=/5 \
		--mount "type=bind,source=/d/w/x,target=/6" --mount "type=bind,source=/d/w/x,target=/7,readonly" \
		-it --rm image)" \
		entry run -v "$w/x:/1" "-v$w/x:/2" "-v=$w/x:/3" "--volume=$w/x:/4:ro" -itv "$w/x:/5" \
		--mount "type=bind,source=$w/x,target=/6" "--mount=type=bind,source=$w/x,target=/7,readonly" --rm image
	named 'a mount below becomes one more'
	promise 0 "$(lines create --mount type=bind,source=/d/w,target=/t --mount type=bind,source=/d/o,target=/t/sub --mount type=bind,source=/d/w,target=/m \
		--mount type=bind,source=/d/o,target=/m/sub image)" \
		entry create -v "$w:/t" --mount "type=bind,source=$w,target=/m" image
	named 'a spec of its own covers what is below'
	promise 0 "$(lines run --mount type=bind,source=/d/w,target=/t --mount type=bind,source=/d/w/x,target=/t/sub image)" \
		entry run -v "$w:/t" --mount "type=bind,source=$w/x,target=/t/sub" image
	named 'volumes and other mounts pass'
	promise 0 "$(lines run -v name:/a:ro -v /b --mount type=tmpfs,target=/c \
		--mount readonly,type=volume,source=v,target=/d image)" \
		entry run -v name:/a:ro -v /b --mount type=tmpfs,target=/c --mount readonly,type=volume,source=v,target=/d image
	named 'a comma in what passes'
	promise 0 "$(lines run -v name:/a,b=c -v /d,e=f image)" entry run -v name:/a,b=c -v /d,e=f image
	named 'a record with quotes'
	promise 0 "$(lines run --mount '"type=bind","source=/d/w/c,d",target=/t' image)" \
		entry run --mount "\"type=bind\",\"source=$w/c,d\",target=/t" image
	named 'the rest passes as it is, in order'
	# shellcheck disable=SC2016,SC1003
	promise 0 "$(lines -H unix:///s -lerror --tls=false container run --mount 'type=bind,source=/d/w/a b,target=/t' --name '' -e "it's" \
		-e $'two\nlines' -e '$(echo `no` "\' --memory-swap -1 -d=false -w/x --label=-v -e -v -u -v image \
		-v "$w/x:/u" '' ' ' "'" $'\n' --mount x)" \
		entry -H unix:///s -lerror --tls=false container run --name '' -e "it's" -e $'two\nlines' -v "$w/a b:/t" \
		-e '$(echo `no` "\' --memory-swap -1 -d=false -w/x --label=-v -e -v -u -v image \
		-v "$w/x:/u" '' ' ' "'" $'\n' --mount x
	named '-- ends the options'
	promise 0 "$(lines -- run --mount type=bind,source=/d/w/x,target=/t -- image -v "$w/x:/u")" entry -- run -v "$w/x:/t" -- image -v "$w/x:/u"
	named 'a source relative to where it is called'
	promise 0 "$(lines run --mount type=bind,source=/d/w/x,target=/t image)" entry run -v ./w/x:/t image
	named 'other commands pass'
	promise 0 "$(lines exec -it -v x)" entry exec -it -v x
	promise 0 "$(lines container ls -v)" entry container ls -v
	promise 0 "$(lines volume create -v)" entry volume create -v
	promise 0 '<-v>' entry -v
	promise 0 "$(lines run run -v "$w/x:/t")" entry run run -v "$w/x:/t"
	named 'what the client has to complain about reaches it'
	promise 0 "$(lines run -it -v)" entry run -it -v
	promise 0 "$(lines run --mount type=bind,source=/d/w/x,target=/t --name)" entry run -v "$w/x:/t" --name
	named 'the status is that of the client'
	promise 7 "$(lines run --mount type=bind,source=/d/w/x,target=/t seven)" entry run -v "$w/x:/t" seven

	named 'a refused source runs nothing'
	promise 1 '' entry run -v "$w/x:/t" -v "$w/nope:/u" image
	told "$w/nope"
	named 'a source that is not there runs nothing'
	promise 1 '' entry run -v /nowhere:/t image
	named 'a spec with a line break runs nothing'
	promise 1 '' entry run -v "$w/a"$'\n'"b:/t" image
	promise 1 '' entry run -v $'v:/t\n/u' image
	promise 2 '' entry run -v $'v:/t\n/etc:/u' image
	named 'a wrong spec runs nothing'
	promise 2 '' entry run -v '' image
	promise 2 '' entry run --mount= image
	promise 2 '' entry run --mount /etc:/x,type=volume,target=/y image
	promise 2 '' entry run --mount type=glob,source=etc,target=/y image
	promise 2 '' entry run -v "$w/x:/t:bogus" image
	for option in --no-such --no-such=1 -Z -iZ --use-api-socket '--cpus --dns' ---; do
		named "$option is not known, and runs nothing"
		promise 125 '' entry run "$option" -v "$w/x:/t" image
	done
	promise 125 '' entry --no-such run -v "$w/x:/t" image
	named 'a runner that cannot be read runs nothing'
	rows=$T/no promise 3 '' entry run -v "$w/x:/t" image
	named 'what --mount cannot say stays -v'
	promise 0 "$(lines run -v /d/w/x:/t:z,ro image)" entry run -v "$w/x:/t:z,ro" image
	named 'modes that --mount has'
	promise 0 "$(lines run --mount type=bind,source=/d/w/x,target=/t,readonly,bind-propagation=rslave,consistency=cached image)" \
		entry run -v "$w/x:/t:ro,rslave,cached" image
	named 'a comma and a quote in a source'
	promise 0 "$(lines run --mount 'type=bind,"source=/d/w/c,d",target=/t' image)" entry run -v "$w/c,d:/t" image
	promise 0 "$(lines run --mount 'type=bind,"source=/d/w/""q""",target=/t' image)" entry run -v "$w/\"q\":/t" image
	named 'options for dindbind'
	DINDBIND_FLAGS=-R promise 0 "$(lines run --mount type=bind,source=/d/w/x,target=/t,readonly image)" \
		entry run -v "$w/x:/t" image
	named 'a daemon that does not run this container'
	promise 1 '' entry -H unix:///other run -v "$w/x:/t" image
	told 'does not run this container'
	promise 0 "$(lines -H unix:///other run image)" entry -H unix:///other run image
	named 'behind a proxy of ours all is left alone'
	promise 0 "$(lines -H unix:///proxy run -itv "$w/x:/t" --mount=type=bind,source=/nope,target=/u -e "it's" image -v)" \
		entry -H unix:///proxy run -itv "$w/x:/t" --mount=type=bind,source=/nope,target=/u -e "it's" image -v
	named 'what is not seen is said'
	promise 0 "$(lines compose up)" entry compose up
	told 'docker compose'
	promise 0 "$(lines -D buildx build)" entry -D buildx build
	told 'docker buildx'
	named 'nothing is left'
	promise 0 '' find / /var/tmp /tmp . -maxdepth 1 -name '.dindbind-*'
	named 'no other program than rm is called'
	shell[0]=$(command -v "${shell[0]}")
	mkdir -p rm && ln -sf "$(command -v rm)" rm/rm
	PATH=$T/rm promise 0 "$(lines run --mount type=bind,source=/d/w/x,target=/t image)" entry run -v "$w/x:/t" image
}

# The client is the next one in PATH, in any shell.
entrypoint_in_path() {
	local shell
	mkdir -p bin/front bin/after
	cp "$examples/entrypoint.sh" bin/front/docker
	ln -s ../front/docker bin/after/docker
	ln -s client bin/docker
	shell=("$T/bin/front/docker")
	named 'the client is found after itself, and its links'
	promise 0 '<ps>' env "PATH=$T/bin/front::$T/none:$T/bin/after:$T/bin:$PATH" "$T/bin/front/docker" ps
	named 'no client'
	PATH=$T/bin/front:$T/bin/after promise 127 '' /bin/sh "$T/bin/front/docker" ps
}

# options COMMAND...: those in the help of the client's, `--name value` a line, value missing if it takes none
options() {
	"$docker" "$@" --help 2>/dev/null |
		sed -nE '/^(Global )?Options:/,/^[^ ]/s/^ +(-[a-zA-Z], +)?(--[a-z0-9-]+)( [a-z][^ ]*)?( .*)?$/\2\3/p' |
		grep -vE '^--(volume|mount|use-api-socket|help)\b'
}

# What a client has for options is what entrypoint.sh has. (Its help asks a daemon what it can do: there is none.)
entrypoint_options() {
	local docker=$1 shell=(sh) rows=$T/rows scope option value list want
	export DOCKER_HOST=unix://$T/none DOCKER_CONFIG=$T/none
	for scope in '' run create; do
		# shellcheck disable=SC2086
		list=$(options $scope)
		named "options of ${docker#"$T"} $scope: there are some"
		promise 0 '' grep -q '^--t' <<<"$list"
		while read -r option value; do
			named "$docker $scope $option"
			if [ "$scope" ]; then
				want=$(lines "$scope" --mount type=bind,source=/d/w/x,target=/t "$option" ${value:+v} image -v x)
				promise 0 "$want" entry "$scope" "$option" ${value:+v} -v "$T/w/x:/t" image -v x
			else
				want=$(lines "$option" ${value:+v} run --mount type=bind,source=/d/w/x,target=/t image -v x)
				promise 0 "$want" entry "$option" ${value:+v} run -v "$T/w/x:/t" image -v x
			fi
		done <<<"$list"
	done
	unset DOCKER_HOST DOCKER_CONFIG
}

# ---- The runner, and register-runner ----------------------------------------------------------------

# A mount namespace and a root of its own, with $T/host/of/w at /w. It lives until $hold is closed.
runner() {
	mkdir -p root/old root/w root/work root/proc host/of/w/x
	mkfifo hold ready
	exec {hold}<>hold
	# shellcheck disable=SC2016
	unshare --mount --propagation private sh -c '
		mount --bind root root && mount --bind host/of/w root/w && cd root && pivot_root . old && cd / &&
			echo $$ && read -r _' <hold >ready {hold}>&- &
	read -r PID <ready
}

start_of() {
	sed -z 's/.*) //' "/proc/$1/stat" | cut -d ' ' -f 20
}

# hook STATE: register-runner gets it
hook() {
	printf '%s' "$1" | "$examples/register-runner" "$T/registered"
}

hook_cases() {
	local start state comm
	start=$(start_of "$PID")
	name='register-runner: the file of a runner'
	promise 0 '' hook "{\"ociVersion\":\"1.0.2\",\"id\":\"a-1\",\"status\":\"creating\",\"pid\":$PID,\"bundle\":\"/b,\\\"id\\\":\",\
\"annotations\":{\"id\":\"evil\",\"pid\":\"1\",\"status\":\"stopped\"}}"
	promise 0 "pid $PID:$start" cat registered/a-1
	promise 0 a-1 ls -A registered
	promise 0 $'700\n600' stat -c %a registered registered/a-1
	name='register-runner: what dindbind says to it'
	promise 0 "/proc/$PID/root/w/x" "$D" -r registered/a-1 /w/x
	promise 0 "$T/host/of/w/x:/t" "$D" -r registered/a-1 -v /w/x:/t
	name='register-runner: again, over the old one; with blanks and lines; an ID that is a member'
	promise 0 '' hook "{\"id\":\"a-1\",\"pid\":$$,\"status\":\"created\"}"
	promise 0 '' hook "{ \"status\" : \"created\",
		\"id\" : \"pid\" ,	\"pid\" : $$
	}"
	promise 0 "pid $$:$(start_of $$)" cat registered/a-1
	promise 0 "pid $$:$(start_of $$)" cat registered/pid
	name='register-runner: any process name'
	for comm in 'a) S 1 (b' $'two\nlines' ') '; do
		cp "$(command -v sleep)" "$T/$comm"
		"$T/$comm" 1000 &
		until_true grep -qzF "($comm)" "/proc/$!/stat"
		promise 0 '' hook "{\"id\":\"comm\",\"status\":\"creating\",\"pid\":$!}"
		promise 0 "pid $!:$(start_of $!)" cat registered/comm
		kill $!
		wait $! 2>/dev/null
		promise 3 '' "$D" -r registered/comm /
	done
	name='register-runner: what is no runner is an error, and leaves no file'
	for state in '' '{}' '{"id":"x","status":"created"}' '{"id":"x","pid":"1","status":"created"}' \
		'{"id":"x","pid":0x1,"status":"created"}' '{"id":"../x","pid":1,"status":"created"}' \
		'{"id":".x","pid":1,"status":"created"}' '{"id":"","pid":1,"status":"created"}' \
		'{"id":"x","pid":4194304999,"status":"created"}'; do
		promise 1 '' hook "$state"
	done
	promise 0 "$(printf 'a-1\ncomm\npid')" ls -A registered
	name='register-runner, stages.sh: without an argument'
	promise 2 '' "$examples/register-runner"
	told 'usage: register-runner DIR <state'
	promise 2 '' "$examples/go/proxy/stages.sh"
	told 'usage: stages.sh BASE'
	name='register-runner: gone with the runner'
	promise 0 '' hook '{"id":"a-1","pid":0,"status":"stopped"}'
	promise 0 '' hook '{"id":"a-1","status":"stopped","annotations":{"id":"pid"}}'
	promise 0 "$(printf 'comm\npid')" ls -A registered
	hook "{\"id\":\"runner\",\"status\":\"creating\",\"pid\":$PID}"
}

# ---- dindbind -h ------------------------------------------------------------------------------------

# typed COMMAND: by somebody in ./typed, whose docker has a runner, and prints what else it is asked for
typed() {
	(cd typed && PATH=$T/typed/bin:$PATH DINDBIND_RUNNER=$T/typed/rows PID=$PID sh -c "$1")
}

help_cases() {
	local text examples_of_it
	mkdir -p typed/bin typed/work
	cp "$D" typed/bin/dindbind
	echo "bind /d:$T/typed" >typed/rows
	cat >typed/bin/docker <<-'END'
	#!/bin/sh
	case $* in "inspect -f {{.State.Pid}} runner") echo "$PID" ;; *) printf '<%s>\n' "$@" ;; esac
	END
	chmod +x typed/bin/docker
	text=$("$D" -h)
	name='-h: 24 to 34 lines of at most 80 columns'
	promise 0 '' awk 'length > 80; END { if (NR < 24 || NR > 34) print NR }' <<<"$text"
	mapfile -t examples_of_it < <(sed '1,/^Examples/d' <<<"$text")
	name='-h: two examples'
	promise 0 2 echo ${#examples_of_it[@]}
	name='-h: what they print'
	promise 0 "$T/root/work:/w" typed "${examples_of_it[0]}"
	promise 0 "$(lines run --rm -v /d/work:/w alpine ls /w)" typed "${examples_of_it[1]}"
}

# ---- Without an engine ------------------------------------------------------------------------------

if [ "$mode" != --docker ]; then
	mkdir -p vol/x 'vol/a b' vol/c,d 'vol/"q"' vol/sub other w bin
	mkdir "vol/a"$'\n'b
	{ mount --bind vol w && mount --bind other w/sub; } || exit
	printf 'bind %s:%s\n' /d/w "$T/w" /d/o "$T/w/sub" >rows
	# It runs this container as `me`, unless it is another daemon's client.
	cat >bin/client <<-'END'
	#!/bin/sh
	case "$*" in
	*other*cp\ *) exit 1 ;;
	*proxy*plugin\ ls) echo 'Error response from daemon: dindbind: GET "/v1.41/plugins" does not pass' >&2; exit 1 ;;
	*plugin\ ls) exit ;;
	cp\ me:*) exec /bin/tar -c "${2#me:}" ;;
	*\ cp\ me:*) for file; do case $file in me:*) exec /bin/tar -c "${file#me:}" ;; esac; done ;;
	cp\ * | *\ cp\ *) exit 1 ;;
	ps\ -q\ --no-trunc | *\ ps\ -q\ --no-trunc) printf '%s\n' others me more; exit ;;
	esac
	printf '<%s>\n' "$@"
	case "$*" in *seven) exit 7 ;; esac
	END
	chmod +x bin/client

	for shell in sh dash 'busybox sh' 'bash --posix' ksh mksh yash; do
		read -ra shell <<<"$shell"
		if [ -z "$(absent "${shell[0]}")" ]; then
			entrypoint_cases
		else
			case ${shell[0]} in busybox) skip 'entrypoint.sh in busybox sh: not installed' ;; esac
		fi
	done
	entrypoint_in_path
	clients=$(type -ap docker | sort -u)
	[ "$clients" ] || skip 'the options of a docker client: not installed'
	for docker in $clients; do entrypoint_options "$docker"; done

	runner
	help_cases
	hook_cases
	exec {hold}>&-
	wait
	finish
fi

# ---- With docker: an engine of the test's own -------------------------------------------------------

missing=$(absent dockerd docker containerd runc busybox python3 ip)
if [ "$missing" ]; then
	skip "docker: not installed: ${missing//$'\n'/ }"
	finish
fi
cgroup=${T##*/}		# names cgroups, so that they can be told apart
sock=$T/docker/sock
ip link set lo up
# an overlay cannot be the upper part of another one, but $T is a tmpfs: engines can be kept off these, too
mkdir -p fixed containerd docker
mount -t tmpfs -o mode=755 run /run || exit
for dir in /etc /opt /var/lib; do
	mkdir -p "fixed$dir/upper" "fixed$dir/work"
	mount -t overlay -o "lowerdir=$dir,upperdir=$T/fixed$dir/upper,workdir=$T/fixed$dir/work" overlay $dir || exit
done

cat >containerd/config.toml <<END
version = 2
root = "$T/containerd/root"
state = "$T/containerd/state"
disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.internal.v1.opt",
	"io.containerd.internal.v1.tracing", "io.containerd.tracing.processor.v1.otlp"]
[grpc]
address = "$T/containerd/sock"
[ttrpc]
address = "$T/containerd/ttrpc"
END
export DOCKER_CONFIG=$T/docker/config
mkdir "$DOCKER_CONFIG"
echo '{}' >docker/daemon.json
containerd --config containerd/config.toml --log-level error >containerd/log 2>&1 &
containerd=$!
until_true ctr --address "$T/containerd/sock" version || die "containerd: $(tail -n 3 containerd/log)"
dockerd --host "unix://$sock" --data-root "$T/docker/root" --exec-root "$T/docker/exec" --pidfile "$T/docker/pid" \
	--containerd "$T/containerd/sock" --config-file "$T/docker/daemon.json" --iptables=false --ip6tables=false \
	--bridge=none --storage-driver=overlay2 --exec-opt native.cgroupdriver=cgroupfs --cgroup-parent "/$cgroup" \
	>docker/log 2>&1 &

# engine DOCKER-ARGUMENT...: at the daemon itself
engine() {
	docker -H "unix://$sock" "$@"
}

until_true engine version || die "dockerd: $(tail -n 3 docker/log)"

# containers: how many there are
containers() {
	engine ps -aq | wc -l
}

# From scratch: busybox, dindbind, entrypoint.sh, the client with the libraries that it asks for.
mkdir -p image/bin image/tmp image/etc image/in/root/dir
cp "$(command -v busybox)" "$D" image/bin/
cp "$examples/entrypoint.sh" image/
for file in $(command -v docker) $(ldd "$(command -v docker)" 2>/dev/null | grep -o '/[^ ]*'); do
	case $file in */docker) to=image/bin/docker ;; *) to=image$file ;; esac
	mkdir -p "${to%/*}" && cp "$file" "$to" || exit
done
for applet in cat echo ls printf rm sh sha256sum sleep touch wc; do ln -s busybox "image/bin/$applet"; done
echo 'of the image' >image/in/root/dir/file
tar -C image -c . | engine import --change 'ENV PATH=/bin' - tools >/dev/null || die 'no image'

# ---- entrypoint.sh, in the runner -------------------------------------------------------------------

# inside DOCKER-ARGUMENT...: the runner calls it
inside() {
	engine exec -i -e "DINDBIND_RUNNER=$self" runner /entrypoint.sh "$@"
}

inside_cases() {
	local self='' count case
	for case in 'a scratch image' 'a scratch image, with its own inspect'; do
		name="entrypoint in $case: a volume"
		promise 0 'of the volume' inside run --rm --network none -v /in/vol:/x tools cat /x/file
		name="entrypoint in $case: the root file system"
		promise 0 $'of the image\nof the runner' \
			inside run --rm --network none -v /in/root/dir:/x tools cat /x/file /x/upper
		name="entrypoint in $case: refused"
		count=$(containers)
		promise 1 '' inside run --network none -v /in/nowhere:/x tools ls
		promise 0 "$count" containers
		name="entrypoint in $case: a bind mount, which only inspect can name"
		promise 0 'of the host' inside run --rm --network none -v /in/host:/x tools cat /x/file
		if [ -z "$self" ]; then
			self=/tmp/self.json
			promise 0 '' engine exec runner sh -c 'docker inspect runner >/tmp/self.json'
		else
			name="entrypoint in $case: a directory with mounts below, as --mount"
			promise 0 $'of the image\nof the volume\nof the host' inside container run --rm --network none \
				--mount type=bind,source=/in,target=/x tools cat /x/root/dir/file /x/vol/file /x/host/file
			name="entrypoint in $case: read-only in the runner"
			promise 1 '' inside run --rm --network none -v /in/host:/x tools touch /x/new
			told 'Read-only file system'
		fi
	done
	name="entrypoint in a container that joined another one's network"
	promise 0 'of the joiner' engine run --rm --network container:runner -v "$sock:/var/run/docker.sock" -v other:/in/vol \
		--entrypoint sh tools -c 'echo "of the joiner" >/in/vol/file
			exec /entrypoint.sh run --rm --network none -v /in/vol:/x tools cat /x/file'
	name='entrypoint: nothing is left'
	promise 1 '' eval "engine exec runner ls -a / /tmp | grep '^[.]dindbind'"
	name='entrypoint in a scratch image: relative to the working directory'
	promise 0 'of the volume' \
		engine exec -w /in runner /entrypoint.sh run --rm --network none -v ./vol:/x tools cat /x/file
	name='entrypoint in a scratch image: arguments and input'
	promise 0 $'<-v>\n<a b>\n<>\n<it\'s>' inside run --rm --network none tools printf '<%s>\n' -v 'a b' '' "it's"
	promise 0 input eval 'echo input | inside run -i --rm --network none -v /in/vol:/x tools cat'
	name='entrypoint in a scratch image: as its ENTRYPOINT'
	promise 0 'of the volume' engine run --rm --network none -v "$sock:/var/run/docker.sock" -v vol:/in/vol \
		--entrypoint /entrypoint.sh tools run --rm --network none -v /in/vol:/x tools cat /x/file
}

# ---- register-runner, called by runc ----------------------------------------------------------------

# bundle DIR MOUNTS HOOKS COMMAND...: of the image's tree
bundle() {
	mkdir -p "$1" && (cd "$1" && rm -f config.json && runc spec) || return
	python3 - "$@" <<-'END'
	import json, sys
	path, mounts, hooks, *args = sys.argv[1:]
	with open(path + '/config.json') as file:
	    config = json.load(file)
	config['process'].update(terminal=False, args=args, env=['PATH=/bin'])
	config['process'].pop('rlimits', None)
	config['root'] = {'path': 'rootfs'}
	config['mounts'] += json.loads(mounts)
	config['hooks'] = json.loads(hooks)
	config['linux']['cgroupsPath'] = '/' + path.split('/')[2] + path.replace('/', '-')
	with open(path + '/config.json', 'w') as file:
	    json.dump(config, file)
	END
	[ -e "$1/rootfs" ] || cp -a image "$1/rootfs"
}

runc_() {
	runc --root "$T/runc" "$@"
}

# The hooks as the header of register-runner has them, but for the paths, and one more which asks too early.
hook_runc_cases() {
	local hooks mounts pid
	hooks=$(sed -n '/^#   "hooks"/,/^#   }/s/^#//p' "$examples/register-runner" |
		sed "s,/usr/local/libexec,$examples,; s,/run/dindbind,$T/registered,")
	# shellcheck disable=SC2016
	hooks="{${hooks#*\{}"
	hooks=$(python3 -c '
import json, sys
hooks, root, binary = json.loads(sys.argv[1]), *sys.argv[2:]
ask = binary + " -r %s/registered/one -r %s/one/config.json /etc >%s/early 2>&1; echo $? >>%s/early"
hooks["createRuntime"].append({"path": "/bin/sh", "args": ["sh", "-c", ask.replace("%s", root)]})
print(json.dumps(hooks))' "$hooks" "$T" "$D")
	mkdir -p host/data
	echo 'of the bundle' >host/data/file
	bundle "$T/one" "[{\"type\":\"bind\",\"source\":\"$T/host/data\",\"destination\":\"/data\",\"options\":[\"rbind\",\"rw\"]}]" \
		"$hooks" sleep 1000
	name='register-runner, by runc: a runner starts'
	promise 0 '' eval 'runc_ run --detach --bundle one --pid-file one/pid one </dev/null >one/log 2>&1'
	pid=$(cat one/pid)
	name='register-runner, by runc: its file'
	promise 0 "pid $pid:$(start_of "$pid")" cat registered/one
	name='register-runner, by runc: with the bundle, a hook that asks before the root is there gets no answer'
	promise 0 3 tail -n 1 early
	name='register-runner, by runc: a sibling has what the runner has'
	for view in "-r registered/one" "-r registered/one -r one/config.json"; do
		# shellcheck disable=SC2086
		mounts=$("$D" $view -f oci -v /data:/x -v /in/root/dir:/y:ro)
		bundle "$T/two" "$mounts" '{}' cat /x/file /y/file
		promise 0 $'of the bundle\nof the image' eval 'runc_ run --bundle two two </dev/null'
	done
	name='register-runner, by runc: gone with the runner'
	runc_ kill one KILL
	until_true runc_ delete one
	promise 1 '' test -e registered/one
	promise 3 '' "$D" -r registered/one /data
}

# ---- All of it --------------------------------------------------------------------------------------

mkdir -p host/dir
echo 'of the host' >host/dir/file
engine run -d --network none --name runner -v vol:/in/vol -v "$T/host/dir:/in/host:ro" -v "$sock:/var/run/docker.sock" \
	tools sh -c 'echo "of the volume" >/in/vol/file; echo "of the runner" >/in/root/dir/upper; exec sleep 10000' >/dev/null
until_true engine exec runner cat /in/root/dir/upper
engine inspect runner >runner.json
inside_cases
hook_runc_cases
engine ps -aq | xargs docker -H "unix://$sock" rm -fv >/dev/null
kill "$(cat docker/pid)" "$containerd"
wait
finish
