# rich.sh - runners with one mount of each kind, and what can be said about an answer; sourced by e2e.sh
#
# SPDX-License-Identifier: 0BSD
# shellcheck shell=bash
# shellcheck disable=SC2016,SC2034,SC2154

# What the host has to give: $W/host on the device of the engines' data, $W/other on one of its own, where
# two directories are laid out as an engine would.
host_tree() {
	mkdir -p "$W/host/dir/sub" "$W/host/ro/sub" "$W/other" &&
	mount -t tmpfs -o mode=755 tmpfs "$W/other" || return
	echo 'of the host' >"$W/host/dir/sub/file"
	echo 'of the host, read-only' >"$W/host/ro/sub/file"
	echo 'one file of the host' >"$W/host/file"
	echo '127.0.0.1 localhost' >"$W/host/hosts"
	echo 'of another device' >"$W/other/file"
	mkdir -p "$W/other/dir" "$W/other/data" "$W/other/containers/$fake" "$W/other/volumes/data/_data"
	echo 'of another device' | tee "$W/other/dir/file" >"$W/other/volumes/data/_data/file"
	echo '127.0.0.1 localhost' >"$W/other/containers/$fake/hosts"
}
fake=$(printf '%064d' 42)

# rich ENGINE IMAGE [ARGUMENT...]: a runner with all of these, and these arguments
rich() {
	local engine=$1 img=$2 rc
	shift 2
	extra=(-v "$W/host/dir:/mnt/dir" -v "$W/host/ro:/mnt/ro:ro" -v "$W/host/file:/mnt/file"
		-v "$W/other/dir:/mnt/other" --tmpfs /opt/t/tmp --mount "type=tmpfs,destination=/opt/t/mem"
		-v "$W/$engine/sock:/var/run/docker.sock" "$@")
	begin "$engine" "$img" && in_runner sh -c 'echo fleeting >/opt/t/tmp/file && cd /home/runner &&
		ln -sf /mnt/dir to-dir && ln -sf _work/_temp to-volume && ln -sf /etc/passwd _work/to-passwd'
	rc=$?
	extra=()
	return $rc
}

docker_inspect() { docker inspect "$1"; }
docker_exec() { docker exec "$@" </dev/null; }
docker_start() { docker start --attach "$1"; }
docker_wait() { docker wait "$1"; }
docker_logs() { docker logs "$1"; }
podman_inspect() { podman_ inspect "$1"; }
podman_exec() { podman_ exec "$@" </dev/null; }
podman_start() { podman_ start --attach "$1"; }
podman_wait() { podman_ wait "$1"; }
podman_logs() { podman_ logs "$1"; }

# What the runner saw, for the time when it is dead.
declare -A seen=()

# sees ENGINE LABEL KIND SOURCE HOW VIEW...: a sibling with dindbind's answer for SOURCE sees what the runner
# sees. HOW is rw (and writes go both ways), ro (asked for with --mount), kept (rw is asked for, but it is
# read-only), or once (rw, of a runner that is dead).
sees() {
	local engine=$1 label=$2 kind=$3 src=$4 mode=rw action=$5 want why
	shift 5
	case $action in
	rw) action=sibling ;;
	ro) mode=ro ;;
	kept) action=ro ;;
	once) action=view ;;
	esac
	hello=''
	[ "$kind" != sock ] || hello='hello from the runner'
	if dead "$PID"; then
		want=${seen[$src]}
	elif ! want=$(in_runner probe view "$kind" "$src" 2>&1); then
		report "$engine" "$label" "the runner itself does not see it: $want"
		return
	else
		seen["$src"]=$want
	fi
	if answer "${engine%%_*}" "$src" /x $mode "$@" 2>"$W/err"; then
		why=$(try "$engine" "$kind" "$src" "$action" "$want")
	else
		why=$(cat "$W/err")
	fi
	if [ -e "$stage" ]; then
		"$D" -u "$stage" || why="$why -u: $?"
	fi
	report "$engine" "$label" "$why"
}

# id_of SOURCE: device and inode, as the runner sees it
id_of() { in_runner stat -L -c %d:%i "$1"; }

# same ENGINE LABEL SOURCE ARGUMENT...: the answer for the path SOURCE is the same file
same() {
	local engine=$1 label=$2 src=$3 path rc why=''
	shift 3
	path=$(dind "$@" "$src" 2>"$W/err")
	rc=$?
	if [ $rc -ne 0 ]; then
		why="status $rc: $(cat "$W/err")"
	elif [ "$(stat -L -c %d:%i "$path" 2>&1)" != "$(id_of "$src")" ]; then
		why="another file: $path"
	fi
	report "$engine" "$label" "$why"
}

# never_wrong ENGINE LABEL SOURCE ARGUMENT...: the same file, or status 1 and no answer
never_wrong() {
	local engine=$1 label=$2 src=$3 path rc why=''
	shift 3
	path=$(dind "$@" "$src" 2>"$W/err")
	rc=$?
	if [ $rc -eq 0 ]; then
		[ "$(stat -L -c %d:%i "$path" 2>&1)" = "$(id_of "$src")" ] || why="another file: $path"
	elif [ $rc -ne 1 ] || [ "$path" ]; then
		why="status $rc: $path $(cat "$W/err")"
	fi
	report "$engine" "$label" "$why"
}

# refused ENGINE LABEL STATUS PATTERN ARGUMENT...: with this status, this message, and no answer
refused() {
	local engine=$1 label=$2 status=$3 pattern=$4 out rc why=''
	shift 4
	out=$(dind "$@" 2>"$W/err")
	rc=$?
	if [ $rc -ne "$status" ]; then
		why="status $rc instead of $status: $out $(cat "$W/err")"
	elif [ "$out" ]; then
		why="refused, but there is an answer: $out"
	elif ! grep -q -e "$pattern" "$W/err"; then
		why="the message does not name $pattern: $(cat "$W/err")"
	fi
	if [ -e "$stage" ]; then
		why="$why something stayed staged"
		"$D" -u "$stage"
	fi
	report "$engine" "$label" "$why"
}

# rich_cases ENGINE: one runner for -r, -c and -S; then those that differ
rich_cases() {
	local engine=$1
	if rich "$engine" few; then
		other=$("${engine}_other" 2>"$W/err") || report "$engine" 'another container' "$(cat "$W/err")"
		describe_live "$engine"
		create_cases "$engine"
		self_cases "$engine"
		describe_dead "$engine"
		create_dead "$engine"
		describe_created "$engine"
		"${engine}_rm" other >"$W/err" 2>&1
		finish "$engine"
	fi
	[ "$engine" != podman ] || describe_unreported
	self_variants "$engine"
}

# Another container of the same image, and its PID.
docker_other() {
	docker run --detach --network none --name other "$image:few" sleep 1000 >/dev/null &&
		docker inspect -f '{{.State.Pid}}' other
}

podman_other() {
	podman_run --detach --name other "$image:few" sleep 1000 >/dev/null &&
		podman_ inspect -f '{{.State.Pid}}' other
}
