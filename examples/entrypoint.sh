#!/bin/sh
# entrypoint.sh - the docker client, with the mounts of `run` and `create` translated
#
# SPDX-License-Identifier: 0BSD
#
#   entrypoint.sh DOCKER-ARGUMENT...
#
# For an image whose containers get the socket of the daemon outside: as its ENTRYPOINT, or as `docker` in
# front of the client in PATH. -v, --volume and --mount of `docker [container] run|create` are translated
# by `dindbind -S`, all of them in one call. All else reaches the client unchanged and in order. If
# dindbind refuses, nothing is run, and the status is dindbind's: a missing source of -v, too, which
# docker would create (`dindbind -S -m` does).
#
# Needs a POSIX shell, for which busybox will do, and dindbind. No other program is called.
#
#   $DINDBIND_DOCKER   the client; by default the first `docker` in PATH that is not this file
#   $DINDBIND          dindbind
#   $DINDBIND_RUNNER   read by dindbind: this container's own `docker inspect`, where there is one
#
# Not seen from here: what `docker compose`, `docker service`, `docker volume create -o device=` and plugins
# tell the daemon. That takes a proxy at the socket: shim.py.

set -u

# What follows the image belongs to the container's command and may have a -v of its own. Where the image
# is can only be told by those who know which options take a value. A new one that these lists lack is
# refused: whichever way it was guessed, some -v would be passed on or changed wrongly. --use-api-socket
# is missing on purpose, for it mounts a path that is not on the command line.
run_flags=" --detach --disable-content-trust --help --init --interactive --no-healthcheck --oom-kill-disable \
--privileged --publish-all --quiet --read-only --rm --sig-proxy --tty "
run_values=" --add-host --annotation --attach --blkio-weight --blkio-weight-device --cap-add --cap-drop \
--cgroup-parent --cgroupns --cidfile --cpu-count --cpu-percent --cpu-period --cpu-quota --cpu-rt-period \
--cpu-rt-runtime --cpu-shares --cpus --cpuset-cpus --cpuset-mems --detach-keys --device --device-cgroup-rule \
--device-read-bps --device-read-iops --device-write-bps --device-write-iops --dns --dns-opt --dns-option \
--dns-search --domainname --entrypoint --env --env-file --expose --gpus --group-add --health-cmd \
--health-interval --health-retries --health-start-interval --health-start-period --health-timeout --hostname \
--io-maxbandwidth --io-maxiops --ip --ip6 --ipc --isolation --kernel-memory --label --label-file --link \
--link-local-ip --log-driver --log-opt --mac-address --memory --memory-reservation --memory-swap \
--memory-swappiness --name --net --net-alias --network --network-alias --oom-score-adj --pid --pids-limit \
--platform --publish --pull --restart --runtime --security-opt --shm-size --stop-signal --stop-timeout \
--storage-opt --sysctl --tmpfs --ulimit --user --userns --uts --volume-driver --volumes-from --workdir "
flags=" --debug --help --tls --tlsverify --version "
values=" --config --context --host --log-level --tlscacert --tlscert --tlskey "

die() {
	echo "${0##*/}: $1" >&2
	exit "$2"
}

# kind OPTION: $kind is flag, value or mount, for an option of $scope by its long name or its letter
kind() {
	case $scope$1 in
	run--volume | run--mount | run-v) kind=mount ;;
	run-[ditPq] | docker-[Dhv] | container-h) kind=flag ;;
	run-[acehlmpuw] | docker-[Hcl]) kind=value ;;
	*)
		case $flags in *" $1 "*) kind=flag ;; *) kind='' ;; esac
		case $values in *" $1 "*) kind=value ;; esac
		case $kind$1 in
		[fv]*[!a-z0-9-]* | -*) die "$1: not an option of docker that is known here" 125 ;;
		esac ;;
	esac
}

# quote WORD: $quoted is WORD as the shell reads it back
quote() {
	quoted='' left=$1
	while :; do
		case $left in
		*\'*) quoted="$quoted${left%%\'*}'\\''" left=${left#*\'} ;;
		*) break ;;
		esac
	done
	quoted="'$quoted$left'"
}

# keep WORD: it reaches the client as it is
keep() {
	quote "$1"
	kept="$kept $quoted"
}

client=${DINDBIND_DOCKER-}
path=$PATH:
while [ -z "$client" ] && [ "$path" ]; do
	client=${path%%:*} path=${path#*:}
	client=${client:-.}/docker
	# shellcheck disable=SC3013 # -ef: POSIX has it since 2024, and every sh that is likely here
	if [ ! -f "$client" ] || [ ! -x "$client" ] || [ "$client" -ef "$0" ]; then client=''; fi
done
[ "$client" ] || die 'no docker client in PATH' 127

# The arguments as the client's parser takes them: -v X, -vX, -v=X, -itv X, --volume X, --volume=X.
scope=docker head='' kept='' specs=''
while [ $# -gt 0 ]; do
	taken=1 kind=word
	case $1 in
	--)
		[ $scope != run ] || break ;;	# `docker -- run` runs
	--*)
		option=${1%%=*} before=- value=${1#*=}
		kind "$option"
		case $kind$1 in flag* | *=*) ;; *) taken=2 ;; esac ;;
	-?*)
		value=${1#-}
		while [ "$value" ]; do
			before=${1%"$value"} option=-${value%"${value#?}"} value=${value#?}
			kind "$option"
			case $kind$value in
			flag=?*) break ;;
			flag*) continue ;;
			value | mount) taken=2 ;;
			value=?* | mount=?*) value=${value#=} ;;
			esac
			break
		done ;;
	run | create)
		[ $scope != run ] || break ;;
	container)
		[ $scope = docker ] || break ;;
	*)
		break ;;
	esac
	[ $# -ge $taken ] || break
	[ $taken = 1 ] || value=$2
	case $kind in
	mount)
		[ "$before" = - ] || keep "$before"
		quote "$value"
		case $option in --mount) specs="$specs --mount $quoted" ;; *) specs="$specs -v $quoted" ;; esac ;;
	word)
		keep "$1"
		case $1 in
		container) scope=container flags=' --help ' values='' ;;
		run | create) scope=run head=$kept kept='' flags=$run_flags values=$run_values ;;
		esac ;;
	*)
		keep "$1"
		[ $taken = 1 ] || keep "$2" ;;
	esac
	shift $taken
done

# One spec may have become several lines. No line holds a line break: dindbind refuses such an answer.
# A record of --mount starts with a key, which a path or the name of a volume cannot be taken for.
mounts=''
if [ "$specs" ]; then
	lines=$(eval "\"\${DINDBIND:-dindbind}\" -S $specs") || exit
	while IFS= read -r line; do
		quote "$line"
		case ${line%%:*} in
		/*) mounts="$mounts -v $quoted" ;;
		*[=,]*) mounts="$mounts --mount $quoted" ;;
		*) mounts="$mounts -v $quoted" ;;
		esac
	done <<-END
	$lines
	END
fi
eval "exec \"\$client\" $head $mounts $kept"' "$@"'
