# self.sh - -self: the proxy in the runner, without help from outside; sourced by proxy.sh
#
# SPDX-License-Identifier: 0BSD
# shellcheck shell=bash
# shellcheck disable=SC2016,SC2034,SC2154

# machine NAME DOCKER-ARGUMENT...: a runner with this machine's /usr, the proxy's program, and the daemon's own socket
machine() {
	engine run -d --network "${network:-none}" --stop-signal KILL -v /usr:/usr:ro -v "$W/bin:/opt/bin:ro" \
		-v "$W/docker/sock:/var/run/docker.sock" --name "$@" machine sleep 1000000 >/dev/null
}

# self_up NAME [OPTION...]: the proxy in that runner, at /tmp/docker.sock
self_up() {
	local name=$1
	shift
	engine exec "${user[@]}" -d "$name" sh -c 'exec /opt/bin/proxy -self -listen /tmp/docker.sock \
		-dindbind /opt/bin/dindbind "$@" 2>/tmp/proxy.log' sh "$@"
	until_true in_runner "$name" docker version
}
user=()

# in_runner NAME COMMAND...: with its proxy as its daemon
in_runner() {
	local name=$1
	shift
	engine exec -i "${user[@]}" -e DOCKER_HOST=unix:///tmp/docker.sock -e HOME=/tmp "$name" "$@"
}

inner_run=(docker run --rm --network none)

runner_cases() {
	local label=$1
	is "$label: a volume" 0 'of the volume' in_runner runner "${inner_run[@]}" -v /home/runner/_work:/x tools cat /x/file
	is "$label: --mount of a file" 0 'of the volume' \
		in_runner runner "${inner_run[@]}" --mount type=bind,source=/home/runner/_work/file,target=/x tools cat /x
	is "$label: its root" 0 'of the runner' in_runner runner "${inner_run[@]}" -v /home/runner/dir:/x tools cat /x/file
	is "$label: a directory with the volume below" 0 $'of the runner\nof the volume' \
		in_runner runner "${inner_run[@]}" -v /home/runner:/x tools cat /x/dir/file /x/_work/file
	is "$label: a directory of the host that it has mounted" 0 'of the runner' \
		in_runner runner "${inner_run[@]}" -v /mnt:/x tools cat /x/file
	is "$label: a missing source is made" 0 sibling in_runner runner sh -c 'cd /home/runner/_work &&
		docker run --rm --network none -v "$PWD/made:/x" tools sh -c "echo sibling >/x/f"; cat made/f'
	in_runner runner rm -r /home/runner/_work/made
	# where the daemon alone can look, it says so
	refused "$label: a missing source of --mount" 'not there|does not exist' \
		in_runner runner docker create --mount type=bind,source=/home/none,target=/x tools true
	refused "$label: a tmpfs" '/dev/shm' in_runner runner docker create -v /dev/shm:/x tools true
}

compose_file='services:
  one:
    image: tools
    network_mode: none
    command: cat /x/file /y/file /v/none
    volumes:
      - ./dir:/x
      - type: bind
        source: /home/runner/_work
        target: /y
      - named:/v
volumes:
  named:
'

self_cases() {
	local other user
	engine volume create work >/dev/null
	machine runner -v work:/home/runner/_work -v "$W/volume:/mnt"
	engine exec runner sh -c 'echo "of the volume" >/home/runner/_work/file; mkdir /home/runner/dir
		echo "of the runner" >/home/runner/dir/file'
	self_up runner
	is 'run' 0 hi in_runner runner "${inner_run[@]}" tools echo hi
	is 'exec -i, half closed, output after that' 0 $'3\nlate' eval '
		id=$(in_runner runner docker run -d --network none tools sleep 1000)
		printf abc | in_runner runner docker exec -i "$id" sh -c "cat | wc -c; sleep 1; echo late"
		engine rm -f "$id" >/dev/null'
	runner_cases 'the runner'
	engine restart runner >/dev/null
	self_up runner
	is 'after a restart of the runner' 0 'of the volume' \
		in_runner runner "${inner_run[@]}" -v /home/runner/_work:/x tools cat /x/file

	in_runner runner sh -c 'cat >/home/runner/compose.yaml' <<<"$compose_file"
	is 'docker-compose up, run, down' 0 $'of the runner\nof the volume' eval 'in_runner runner env -C /home/runner \
		docker-compose up -d >"$W/out" 2>&1 || cat "$W/out"; engine wait runner_one_1 runner-one-1 >/dev/null 2>&1
		in_runner runner env -C /home/runner docker-compose run --rm one cat /x/file /y/file 2>/dev/null
		in_runner runner env -C /home/runner docker-compose down -v >"$W/out" 2>&1 || cat "$W/out"'

	# processes that can reach the socket, and are not the runner's
	refused 'a sibling that has the socket mounted' 'proxy on the host' \
		in_runner runner "${inner_run[@]}" -v /tmp/docker.sock:/s tools docker -H unix:///s create -v /in:/x tools true
	refused 'a sibling, without any mount' 'proxy on the host' \
		in_runner runner "${inner_run[@]}" -v /tmp/docker.sock:/s tools docker -H unix:///s create tools true
	is 'a process with another root' 0 $'200\n403' in_runner runner python3 -c '
import os, socket
def status(path):
    with socket.socket(socket.AF_UNIX) as sock:
        sock.connect(path)
        sock.sendall(b"GET /_ping HTTP/1.1\r\nHost: d\r\n\r\n")
        return sock.recv(999).split()[1].decode()
print(status("/tmp/docker.sock"))
os.mkdir("/tmp/root")
os.link("/tmp/docker.sock", "/tmp/root/sock")
os.chroot("/tmp/root")
print(status("/sock"))'

	# an engine that does not run this container
	dockerd_up "$W/another"
	other=$dockerd
	docker -H "unix://$W/another/sock" import --change 'ENV PATH=/bin' - tools <"$W/tools.tar" >/dev/null
	machine elsewhere -v work:/home/runner/_work -v "$W/another/sock:/var/run/another.sock"
	self_up elsewhere -daemon /var/run/another.sock
	another() { docker -H "unix://$W/another/sock" "$@"; }
	is 'another engine: without a bind' 0 hi in_runner elsewhere "${inner_run[@]}" tools echo hi
	is 'another engine: a volume of its own' 0 v \
		in_runner elsewhere "${inner_run[@]}" -v vol:/v tools sh -c 'echo v >/v/f; cat /v/f'
	is 'another engine: a bind is refused' 0 1 eval '
		in_runner elsewhere docker create -v /home/runner/_work:/x tools true 2>&1 | grep -c "does not run this container"'
	is 'another engine: --mount is refused' 0 1 eval 'in_runner elsewhere docker create --mount \
		type=bind,source=/etc/hostname,target=/x tools true 2>&1 | grep -c "does not run this container"'
	is '... and nothing is made' 0 0 eval 'another ps -aq | wc -l'
	kill "$other"
	wait "$other"

	# what /etc names and who it is are another container's
	network=container:runner machine joined -v work:/home/runner/_work
	self_up joined
	is 'in the network of another container' 0 'of the volume' \
		in_runner joined "${inner_run[@]}" -v /home/runner/_work:/x tools cat /x/file
	engine rm -f joined >/dev/null

	chmod 666 "$W/docker/sock"
	user=(-u 1000)
	machine ordinary -v work:/home/runner/_work
	self_up ordinary
	is 'as an ordinary user' 0 'of the volume' \
		in_runner ordinary "${inner_run[@]}" -v /home/runner/_work:/x tools cat /x/file
	refused 'as an ordinary user: a missing source of --mount' 'not there|does not exist' \
		in_runner ordinary docker create --mount type=bind,source=/none,target=/x tools true
	user=()
	chmod 660 "$W/docker/sock"
	rm -rf --one-file-system "$W/another"
	says '-self and -stage' self "$P" -self -listen "$proxy" -dindbind "$D" -stage "$W/s"
	engine rm -f runner elsewhere ordinary >/dev/null
	engine volume rm work >/dev/null
}
