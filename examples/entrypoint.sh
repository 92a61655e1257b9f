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
# docker would create (DINDBIND_FLAGS=-m does).
#
# A translated -v is handed on as --mount: then a source that the daemon does not find is an error, and not an
# empty directory. Only with modes that --mount lacks it stays -v.
#
# What the daemon outside calls a file means nothing to any other daemon. So the one that is asked has to show that
# it runs this container: a file that is made here has to come back from it (`docker cp`). Then it is asked for its
# `inspect` of this container, which dindbind reads.
#
# Needs a POSIX shell, for which busybox will do, rm, dindbind and the client. No other program is called.
#
#   $DINDBIND_DOCKER   the client; by default the first `docker` in PATH that is not this file
#   $DINDBIND          dindbind
#   $DINDBIND_FLAGS    options for dindbind besides -S: -m, -R, -x, -b HOST:PATH
#   $DINDBIND_RUNNER   a description of this container, which is read instead of asking the daemon for one
#
# Not seen from here: what `docker compose`, `docker buildx`, `docker service`, `docker volume create -o device=`
# and plugins ask of the daemon. That takes a proxy at the socket, examples/go/proxy. Where one is, it translates, and
# all arguments are left alone.

set -u

# What follows the image belongs to the container's command and may have a -v of its own. To find the image
# one must know which options take a value. A new option that these lists lack is refused: whichever way it
# was guessed, some -v would be passed on or changed wrongly. --use-api-socket is missing on purpose, because
# it mounts a path that is not on the command line.
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

# replace WORD CHARACTER TEXT: $replaced is WORD with TEXT in the place of each CHARACTER
replace() {
	replaced='' left=$1
	while :; do
		case $left in
		*"$2"*) replaced=$replaced${left%%"$2"*}$3 left=${left#*"$2"} ;;
		*) break ;;
		esac
	done
	replaced=$replaced$left
}

# quote WORD: $quoted is WORD as the shell reads it back
quote() {
	replace "$1" "'" "'\\''"
	quoted="'$replaced'"
}

# keep WORD: it reaches the client as it is
keep() {
	quote "$1"
	kept="$kept $quoted"
}

# field KEY VALUE: one more of $record, quoted where it has to be
field() {
	case $2 in
	*[\",]*)
		replace "$2" '"' '""'
		record="$record,\"$1=$replaced\"" ;;
	*) record="$record,$1=$2" ;;
	esac
}

# as_mount SPEC: $record is the --mount of a translated -v, or '' if --mount cannot say it
as_mount() {
	record=type=bind target=${1#*:} modes=''
	case $target in *:*) modes=${target#*:}, target=${target%%:*} ;; esac
	field source "${1%%:*}"
	field target "$target"
	while [ "$modes" ]; do
		mode=${modes%%,*} modes=${modes#*,}
		case $mode in
		rw) ;;
		ro) record=$record,readonly ;;
		consistent | cached | delegated) record=$record,consistency=$mode ;;
		private | rprivate | shared | rshared | slave | rslave) record=$record,bind-propagation=$mode ;;
		*) record='' modes='' ;;
		esac
	done
}

# ask ARGUMENT...: the client, of the daemon that the command line means
ask() {
	eval "\"\$client\" $global"' "$@"' 2>/dev/null
}

# candidates: the ids in mountinfo, which are another one's in a joined network; the host name; all that run
candidates() {
	while read -r line; do
		case $line in
		*/containers/*/hostname' '*) line=${line#*/containers/} && echo "${line%%/*}" ;;
		esac
	done </proc/self/mountinfo
	read -r line </proc/sys/kernel/hostname && echo "$line"
	ask ps -q --no-trunc
}

# holds CONTAINER: does it have $nonce, with $word in it? `cp` prints an archive.
holds() {
	ask cp "$1:$nonce" - | (
		while IFS= read -r line; do
			case $line in *"$word"*) exit 0 ;; esac
		done
		exit 1
	)
}

# find_self: $id is the container that this is, as the daemon knows it; '': it does not. A file on a tmpfs does not
# come back, and some directories cannot be written.
find_self() {
	read -r word </proc/sys/kernel/random/uuid || die 'no /proc' 3
	for dir in / /var/tmp /tmp "$PWD"; do
		nonce=${dir%/}/.dindbind-$word
		(set -C && echo "$word" >"$nonce") 2>/dev/null || continue
		for id in $(candidates); do
			! holds "$id" || break
			id=''
		done
		rm -f "$nonce"
		[ -z "$id" ] || return
	done
}

# behind_proxy: does a proxy of ours answer? It refuses to list plugins, and says who refuses.
behind_proxy() {
	case $(eval "\"\$client\" $global plugin ls" 2>&1) in *'dindbind: '*) ;; *) return 1 ;; esac
}

# describe: $inspect is what the daemon prints of $id, and $root a row of its root where dindbind cannot be sure whose that
# is: docker's image store, and fuse-overlayfs. A nonce has shown it. What is missing there the daemon has to refuse.
describe() {
	inspect=$(ask inspect "$id") || die "docker inspect $id fails" 3
	root=$(ask inspect -f '{{.Driver}}' "$id")
	case $root-$(ask info -f '{{.DriverStatus}}') in
	*io.containerd.snapshotter*) root=$(ask info -f '{{.DockerRootDir}}')/rootfs/$root/$(ask inspect -f '{{.Id}}' "$id") ;;
	fuse-overlayfs-*) root=$(ask inspect -f '{{.GraphDriver.Data.MergedDir}}' "$id") ;;
	esac
	case $root in /*) quote "$root:/" && root="-b $quoted" ;; *) root='' ;; esac
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

given=''
for word; do
	quote "$word"
	given="$given $quoted"
done

# The arguments as the client's parser takes them: -v X, -vX, -v=X, -itv X, --volume X, --volume=X.
scope=docker head='' kept='' specs='' global=''
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
		[ $scope != docker ] || global=$kept
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

case $scope-${1-} in
docker-compose | docker-buildx)
	echo "${0##*/}: what \`docker $1\` asks of the daemon is not translated here; a proxy at the socket does that" >&2 ;;
esac

# One spec may have become several lines. No line holds a line break: dindbind refuses such an answer.
# A record of --mount starts with a key, which a path or the name of a volume cannot be taken for.
mounts=''
if [ "$specs" ]; then
	! behind_proxy || eval "exec \"\$client\" $given"
	id='' root='' inspect=''
	find_self
	[ "$id" ] || die "the daemon that is asked does not run this container, so that its files have no names there; \
$client itself takes names of the daemon's" 1
	if [ "${DINDBIND_RUNNER-}" ]; then
		lines=$(eval "\"\${DINDBIND:-dindbind}\" -S ${DINDBIND_FLAGS-} $specs") || exit
	else
		describe
		lines=$(eval "\"\${DINDBIND:-dindbind}\" -S -r - $root ${DINDBIND_FLAGS-} $specs" <<-END
		$inspect
		END
		) || exit
	fi
	while IFS= read -r line; do
		record=''
		case $line in
		/*:*) as_mount "$line" ;;
		/*) ;;
		*) case ${line%%:*} in *[=,]*) record=$line ;; esac ;;
		esac
		quote "${record:-$line}"
		if [ "$record" ]; then mounts="$mounts --mount $quoted"; else mounts="$mounts -v $quoted"; fi
	done <<-END
	$lines
	END
fi
eval "exec \"\$client\" $head $mounts $kept"' "$@"'
