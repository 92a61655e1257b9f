# stage_life.sh - stages and engines: a runner that acts after the answer, an engine in another mount namespace, another
# user, a user namespace; sourced by e2e.sh
#
# SPDX-License-Identifier: 0BSD
# shellcheck shell=bash
# shellcheck disable=SC2016,SC2034,SC2154

# What lies on a shared mount, as /run does with systemd.
life_stage=$W/shared/st

# life_begin: sources in the runner, a secret of the host's
life_begin() {
	mkdir -p "$W/secret" "$W/shared"
	echo 'of the host' >"$W/secret/key"
	mountpoint -q "$W/shared" || { mount -t tmpfs -o mode=755 tmpfs "$W/shared" && mount --make-shared "$W/shared"; } || return
	in_runner sh -c 'mkdir -p /home/runner/life/ws/n && cd /home/runner/life && echo mine >ws/f && echo mine >one &&
		ln -sf "$1" evil' life "$W/secret/key"
}

# life_reads ENGINE COMMAND...: what a sibling with the mounts M prints
life_reads() {
	local engine=$1
	shift
	serial=$((serial + 1))
	"${engine}_sibling" "s$serial" "$@" 2>"$W/err"
}

# life_down ENGINE LABEL: -u, and nothing is left; elsewhere neither
life_down() {
	local why='' pid
	"$D" -u "$life_stage" 2>"$W/err" || why="-u: $?, $(cat "$W/err")"
	for pid in self "${peers[@]}"; do
		! grep -q " $life_stage" "/proc/$pid/mountinfo" || why="$why mounts left in $pid"
	done
	[ ! -e "$life_stage" ] || why="$why $life_stage is there"
	report "$1" "$2: nothing is left" "$why"
}

# A file and a directory are staged, and siblings read them; then the runner mounts over them, and siblings start again.
life_hostile() {
	local engine=$1 got file dir why='' rows
	if ! answer "$engine" /home/runner/life/one /x rw -p "$PID:$START" -s "$life_stage" 2>"$W/err"; then
		report "$engine" 'a stage' "$(cat "$W/err")"
		return
	fi
	file=("${M[@]}")
	answer "$engine" /home/runner/life/ws /x rw -p "$PID:$START" -s "$life_stage" 2>"$W/err" || why=$(cat "$W/err")
	dir=("${M[@]}")
	rows=$(wc -l </proc/self/mountinfo)
	in_runner cover /home/runner/life/evil /home/runner/life/one && in_runner cover /home/runner/life/evil /home/runner/life/ws/f &&
		in_runner mount -t tmpfs tmpfs /home/runner/life/ws/n || why="$why the runner cannot"
	[ "$(wc -l </proc/self/mountinfo)" = "$rows" ] || why="$why the host has other mounts"
	! grep " $life_stage" /proc/self/mountinfo | grep -q 'shared:\|master:' || why="$why the stage is not private"
	M=("${file[@]}")
	got=$(life_reads "$engine" cat /x) || why="$why $(tail -n 1 "$W/err")"
	[ "$got" = mine ] || why="$why a sibling reads $got for the file"
	M=("${dir[@]}")
	got=$(life_reads "$engine" cat /x/f) || why="$why $(tail -n 1 "$W/err")"
	[ "$got" = mine ] || why="$why a sibling reads $got in the directory"
	report "$engine" 'what the runner mounts later is not in the stage' "$why"
	in_runner umount /home/runner/life/ws/n
	in_runner cover - /home/runner/life/ws/f
	in_runner cover - /home/runner/life/one
	life_down "$engine" 'a hostile runner'
}

# One container that is started again after the attack, as daemons do by themselves.
life_restart() {
	local engine=$1 got why=''
	answer docker /home/runner/life/one /x rw -p "$PID:$START" -s "$life_stage" 2>"$W/err" &&
		docker create --network none --name again "${M[@]}" "$image:few" cat /x >/dev/null 2>>"$W/err" || why=$(cat "$W/err")
	got=$(docker start --attach again 2>&1)
	[ "$got" = mine ] || why="$why at first: $got"
	in_runner cover /home/runner/life/evil /home/runner/life/one
	got=$(docker start --attach again 2>&1)
	[ "$got" = mine ] || why="$why after the attack: $got"
	report docker 'a container that is started again reads the same' "$why"
	in_runner cover - /home/runner/life/one
	life_down docker 'a container that is started again'
	# the daemon makes a directory where its mount was
	docker start --attach again >/dev/null 2>&1
	[ ! -e "$life_stage/0" ] || "$D" -u "$life_stage/0"
	life_down docker 'a container whose stage was gone'
	docker rm --force again >/dev/null 2>&1
}

# Namespaces that are there before the stage is: one gets what is mounted here, and gives, the other only gets.
life_namespaces() {
	local p pid
	peers=()
	for p in unchanged slave; do
		unshare --mount --propagation "$p" sleep 1000 &
		pid=$!
		until_true life_apart $pid
		peers+=("$pid")
	done
}

life_apart() { [ "$(readlink "/proc/$1/ns/mnt")" != "$(readlink /proc/self/ns/mnt)" ] && [ "$(cat "/proc/$1/comm")" = sleep ]; }

# life_elsewhere ENGINE: what has no daemon, in each of them. Nobody mounts an empty directory without a word.
life_elsewhere() {
	local engine=$1 i got why which=(peer slave)
	for i in 0 1; do
		why=''
		answer "$engine" /home/runner/life/ws /x rw -p "$PID:$START" -s "$life_stage" 2>"$W/err" || why=$(cat "$W/err")
		# what these run runs there, whichever of the two it is (crun_)
		eval "$engine() { nsenter --target ${peers[$i]} --mount $engine \"\$@\"; }
			unshare() { nsenter --target ${peers[$i]} --mount unshare \"\$@\"; }"
		if got=$(life_reads "$engine" ls -a /x); then
			why="$why it has mounted something: $got"
		fi
		unset -f "$engine" unshare
		! nsenter --target "${peers[$i]}" --mount test -e "$life_stage/0" || why="$why $life_stage/0 is there"
		report "$engine" "in a ${which[$i]} namespace it fails" "$why"
		life_down "$engine" "a ${which[$i]} namespace"
	done
}

# docker elsewhere: a daemon with a containerd of its own, in a namespace that was a slave before the stage
life_docker_elsewhere() {
	local why='' got flag pid host=unix://$W/elsewhere/sock
	mkdir -p "$W/elsewhere"
	unshare --mount --propagation slave dockerd --host "$host" --data-root "$W/elsewhere/root" --exec-root "$W/elsewhere/exec" \
		--pidfile "$W/elsewhere/pid" --config-file "$W/docker/daemon.json" --iptables=false --ip6tables=false --bridge=none \
		--storage-driver=overlay2 --exec-opt native.cgroupdriver=cgroupfs --cgroup-parent "/$name" >"$W/elsewhere/log" 2>&1 &
	pid=$!
	if ! until_true docker --host "$host" version || ! docker --host "$host" load -q -i "$W/few.tar" >/dev/null; then
		report docker 'a daemon in a slave namespace' "$(tail -n 3 "$W/elsewhere/log")"
	else
		answer docker /home/runner/life/ws /x rw -p "$PID:$START" -s "$life_stage" 2>"$W/err" || why=$(cat "$W/err")
		for flag in "-v $life_stage/0:/x" "--mount type=bind,source=$life_stage/0,target=/x"; do
			# shellcheck disable=SC2086
			if got=$(docker --host "$host" run --rm --network none $flag "$image:few" ls -a /x 2>"$W/err"); then
				why="$why ${flag%% *} has mounted something: $got"
			fi
		done
		report docker 'a daemon in a slave namespace fails' "$why"
		life_down docker 'a daemon in a slave namespace'
	fi
	kill $pid
	wait $pid
}

# A local user cannot reach a setuid file of the runner's through the stage.
life_other_user() {
	local engine=$1 why=''
	in_runner sh -c 'cp /bin/busybox /home/runner/life/ws/su && chmod 4755 /home/runner/life/ws/su'
	"$D" -p "$PID:$START" -s "$life_stage" /home/runner/life/ws >/dev/null 2>"$W/err" || why=$(cat "$W/err")
	! setpriv --reuid 65534 --regid 65534 --clear-groups "$life_stage/0/su" id >"$W/err" 2>&1 || why="it runs: $(cat "$W/err")"
	! setpriv --reuid 65534 --regid 65534 --clear-groups stat "$life_stage/0" >"$W/err" 2>&1 || why="$why it is seen"
	report "$engine" 'another user cannot reach a setuid file in a stage' "$why"
	life_down "$engine" 'another user'
}

# life_rootless NAME COMMAND...: an ordinary user's namespace, made by COMMAND; the runner is a child in it with a mount
# namespace of its own, and DIR in the user's own directory, as $XDG_RUNTIME_DIR is. It has one ID: / is nobody's there.
life_rootless() {
	local label=$1 why
	shift
	if ! life_user "$@" true 2>"$W/err"; then
		skip engines "$label" "$(tail -n 1 "$W/err")"
		return
	fi
	why=$(life_user "$@" bash -c '
		unshare --mount sleep 1000 & pid=$!
		while [ "$(cat /proc/$pid/comm)" != sleep ]; do :; done
		cd "$HOME"
		"$0" -p $pid -s "$PWD/st" /run/life/d >out 2>&1 || { cat out; kill $pid; exit; }
		[ "$(cat out)" = "$PWD/st/0" ] && [ "$(cat st/0/f)" = mine ] || echo "it is not what was staged: $(cat out)"
		"$0" -u "$PWD/st" || echo "-u: $?"
		[ ! -e st ] || echo "$PWD/st is there"
		kill $pid' /run/life/dindbind 2>"$W/err")
	report engines "$label" "$why"
}

life_user() {
	setpriv --reuid 1000 --regid 1000 --clear-groups env -u CONTAINERS_CONF HOME=/run/user/1000 XDG_RUNTIME_DIR=/run/user/1000 "$@"
}

# end_user UID: all that it runs
end_user() {
	local p
	for p in /proc/[0-9]*; do
		[ "$(stat -c %u "$p" 2>/dev/null)" != "$1" ] || kill "${p#/proc/}"
	done
}

# After all engines. What podman leaves is that user's, and nobody else here is.
life_users() {
	mkdir -p /run/user/1000 /run/life/d && chown 1000:1000 /run/user/1000 && chmod 700 /run/user/1000 && cp "$D" /run/life &&
		echo mine >/run/life/d/f || return
	life_rootless 'a stage under unshare -Urm' unshare -Urm
	if command -v podman >/dev/null; then
		life_rootless 'a stage under podman unshare' podman unshare
	else
		skip engines 'a stage under podman unshare' 'no podman'
	fi
	end_user 1000
	rm -rf --one-file-system /run/user /run/life
}

life_cases() {
	local engine=$1 peers=()
	life_begin || { report "$engine" 'sources for stages' 'cannot be made'; return; }
	life_hostile "$engine"
	life_other_user "$engine"
	[ "$engine" != docker ] || life_restart docker
	life_namespaces
	case $engine in
	runc | crun | podman) life_elsewhere "$engine" ;;
	docker) life_docker_elsewhere; inner_cases ;;
	esac
	kill "${peers[@]}"
	wait "${peers[@]}" 2>/dev/null
	umount "$W/shared"
	in_runner rm -r /home/runner/life
}
