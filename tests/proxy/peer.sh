# peer.sh - by peer: streams and uploads beside the daemon itself, and whose view a client has; sourced by proxy.sh
#
# SPDX-License-Identifier: 0BSD
# shellcheck shell=bash
# shellcheck disable=SC2016,SC2034,SC2154

# ---- Streams, with each client that is installed ----------------------------------------------------

# alive: a container to exec in; talker: one that answers what it reads; teller: one that does not read
stream_containers() {
	engine run -d --network none --stop-signal KILL --name alive tools sleep 1000000 >/dev/null &&
		engine create --network none --name teller tools echo out >/dev/null &&
		engine create -i --network none --name talker tools sh -c "$talk" >/dev/null
}

# with_terminal COMMAND...: as a user has it, who types nothing. What script makes of the end of its input goes.
with_terminal() {
	script -qec "$*" /dev/null </dev/null | tr -d '\r\0' | sed 's/\^@//'
	return "${PIPESTATUS[0]}"
}

stream_cases() {
	local client=$1 v sum=$2
	v="docker $(docker version -f '{{.Client.Version}}')"
	both "$v: run" 0 hi docker run --rm --network none tools echo hi
	both "$v: exec -i, half closed, output after that" 0 $'3\nlate' \
		eval 'printf abc | docker exec -i alive sh -c "cat | wc -c; sleep 1; echo late"'
	both "$v: run -i, half closed, output after that" 0 $'3\nlate' \
		eval 'printf abc | run -i tools sh -c "cat | wc -c; sleep 1; echo late"'
	both "$v: exec without input" 0 $'out\nerr' eval 'docker exec alive sh -c "echo out; sleep 0.2; echo err >&2" 2>&1'
	both "$v: output and errors apart" 0 out eval 'docker exec alive sh -c "echo out; echo err >&2" 2>/dev/null'
	both "$v: run -t" 0 $'a terminal\r' run -t tools sh -c 'test -t 0 && echo a terminal'
	both "$v: run -it" 0 "a terminal" with_terminal "$client" run --rm --network none -it tools \
		sh -c "'tty >/dev/null && echo a terminal'"
	both "$v: exec -it" 0 "a terminal" with_terminal "$client" exec -it alive sh -c "'tty >/dev/null && echo a terminal'"
	both "$v: the status of run, exec" 0 $'7\n3' \
		eval 'run tools sh -c "exit 7"; echo $?; docker exec alive sh -c "exit 3"; echo $?'
	both "$v: start -ai" 0 $'first\ngot one\nbye' eval 'echo one | docker start -ai talker'
	both "$v: start -a" 0 $'out' docker start -a teller
	both "$v: exec -i, 50 MB in" 0 "$sum" eval 'docker exec -i alive sha256sum <"$W/noise"'
	both "$v: exec, 50 MB out" 0 "$sum" eval 'docker exec alive cat /noise | sha256sum'
	both "$v: exec -i, 50 MB in and out" 0 "$sum" eval 'docker exec -i alive cat <"$W/noise" | sha256sum'
	both "$v: wait, logs" 0 $'5\nlogged' \
		eval 'id=$(docker run -d --network none tools sh -c "echo logged; exit 5")
		docker wait "$id"; docker logs "$id"; docker rm "$id" >/dev/null'
	both "$v: attach, logs -f, events: each piece when it is there, and the end" 0 "$follow_want" follow
	both "$v: dial-stdio" 0 200 dialled
	both "$v: build" 0 "$sum" eval 'DOCKER_BUILDKIT=0 docker build --no-cache --network none "$W/context" 2>&1 |
		sed -n "s,  /noise$,  -,p"'
	both "$v: build of what cannot be built" 1 '' eval 'DOCKER_BUILDKIT=0 docker build --no-cache "$W/bad" >/dev/null'
	if docker buildx version >/dev/null 2>&1 || [[ $v == *\ 20.* ]]; then
		both "$v: build, BuildKit" 0 "$sum" eval 'DOCKER_BUILDKIT=1 docker build -q --no-cache -t kit "$W/kit" >/dev/null &&
			id=$(docker create kit x) && docker cp "$id:/noise" - | tar -xO | sha256sum; docker rm "$id" >/dev/null'
	else
		skip "$v: build, BuildKit" 'this client has no buildx'
	fi
	both "$v: cp, 200 MB in and out" 0 "$(sha256sum <"$W/big")" \
		eval 'docker cp "$W/big" alive:/big 2>/dev/null && docker cp alive:/big - | tar -xO | sha256sum'
	both "$v: import, save, load" 0 'Loaded image: noisy:latest' \
		eval 'tar -C "$W" -c noise | docker import - noisy >/dev/null && docker save noisy | docker load'
	both "$v: top, stop, restart" 0 $'1\nalive\nalive' \
		eval 'until_true eval "docker top alive | grep -q \"sleep 1000000\""; docker top alive | grep -c "sleep 1000000"
			docker stop -t 0 alive; docker restart alive'
}

# The input of attach ends, and with it the container; logs and events have waited since before that.
follow_want=$'got one\ngot two\nbye\nfirst\ngot one\ngot two\nbye\ndie'
follow() {
	local fd id logs events attach why=''
	id=$(docker create -i --network none --name follower tools sh -c "$talk") && docker start follower >/dev/null
	docker logs -f follower >"$W/logs" &
	logs=$!
	docker events --since 0s --filter "container=$id" --filter event=die --format '{{.Action}}' >"$W/events" &
	events=$!
	until_true grep -qx first "$W/logs" || why='no first line'
	mkfifo "$W/input"
	docker attach follower <"$W/input" >"$W/attached" &
	attach=$!
	exec {fd}>"$W/input"
	rm "$W/input"
	echo one >&"$fd"
	until_true grep -qx 'got one' "$W/logs" || why="$why logs are held back"
	echo two >&"$fd"
	until_true grep -qx 'got two' "$W/attached" || why="$why what is attached is held back"
	exec {fd}>&-
	wait $attach || why="$why attach: $?"
	wait $logs || why="$why logs: $?"
	until_true grep -qx die "$W/events" || why="$why no event"
	kill $events
	wait $events 2>/dev/null
	docker rm follower >/dev/null
	cat "$W/attached" "$W/logs" "$W/events"
	echo -n "$why"
}
talk='echo first; while read -r line; do echo "got $line"; done; echo bye'

# dialled: the status of a request by hand. Its input stays open until the answer is there.
dialled() {
	local fd
	mkfifo "$W/input"
	docker system dial-stdio <"$W/input" >"$W/out" &
	exec {fd}>"$W/input"
	rm "$W/input"
	printf 'GET /_ping HTTP/1.1\r\nHost: d\r\n\r\n' >&"$fd"
	until_true grep -q '^OK' "$W/out"
	exec {fd}>&-
	wait $!
	sed -n '1s/HTTP.1.1 \([0-9]*\).*/\1/p' "$W/out"
}

# api METHOD PATH CURL-ARGUMENT...: the status, at whatever DOCKER_HOST is
api() {
	curl -sS -o "$W/answer" -w '%{http_code}' --max-time 60 --unix-socket "${DOCKER_HOST#unix://}" -X "$1" \
		"http://d$2" "${@:3}"
}

upload_cases() {
	tar -C "$W" -c big >"$W/big.tar"
	both 'Expect: 100-continue, 200 MB' 0 200 api POST '/v1.40/images/create?fromSrc=-&repo=big' \
		-H 'Expect: 100-continue' --expect100-timeout 60 -T "$W/big.tar"
	both 'Expect: 100-continue, 200 MB in chunks' 0 200 api POST '/v1.40/images/create?fromSrc=-&repo=big' \
		-H 'Expect: 100-continue' -H 'Transfer-Encoding: chunked' --expect100-timeout 60 -T "$W/big.tar"
	both 'Expect: 100-continue, refused by the daemon' 0 404 api PUT '/v1.40/containers/none/archive?path=/' \
		-H 'Expect: 100-continue' --expect100-timeout 60 -T "$W/big.tar"
	is 'Expect: 100-continue, refused by the proxy' 0 400 in_view "$PID" curl -sS -o "$W/answer" -w '%{http_code}' \
		--max-time 60 --unix-socket "$proxy" -H 'Expect: 100-continue' -H 'Content-Type: application/json' \
		http://d/v1.40/containers/create -d "$(body "$J/none")"
	engine rmi -f big >/dev/null
	rm "$W/big.tar"
}

# body SOURCE: of a create request, with a mount that has to be there
body() {
	printf '{"Image":"tools","Cmd":["true"],"HostConfig":{"Mounts":[{"Type":"bind","Source":"%s","Target":"/x"}]}}' "$1"
}

# ---- Whose view -------------------------------------------------------------------------------------

# as_runner DOCKER-ARGUMENT...: a client in the first view; its run has --rm and no network
as_runner() {
	local command=$1
	shift
	[ "$command" != run ] || set -- --rm --network none "$@"
	in_view "$PID" docker "$command" "$@"
}

view_cases() {
	local other
	is 'control: the daemon itself does not find it' 1 '' \
		eval 'in_view "$PID" docker -H "unix://$W/docker/sock" run --rm --network none -v "$J:/x" tools cat /x/file'
	rm -rf "${J:?}/"*
	is 'run -v' 0 'of the runner' as_runner run -v "$J:/x" tools cat /x/file
	is 'run --mount' 0 'of the runner' as_runner run --mount "type=bind,source=$J,target=/x" tools cat /x/file
	is 'run -v of a file' 0 'of the runner' as_runner run -v "$J/file:/x" tools cat /x
	is 'run -v, written by the sibling' 0 sibling \
		eval 'as_runner run -v "$J:/x" tools sh -c "echo sibling >/x/new" && in_view "$PID" cat "$J/new"'
	is 'run -v :ro' 1 '' as_runner run -v "$J:/x:ro" tools touch /x/new
	is 'create, start' 0 'of the runner' eval 'id=$(as_runner create --network none -v "$J:/x" tools cat /x/file) &&
		docker start -a "$id"; docker rm "$id" >/dev/null'
	is 'a named volume, a tmpfs' 0 v \
		as_runner run -v named:/v --tmpfs /t tools sh -c 'echo v >/v/f && touch /t/f && cat /v/f'
	is 'a missing source of -v is made in the runner' 0 sibling \
		eval 'as_runner run -v "$J/made/here:/x" tools sh -c "echo sibling >/x/f" &&
		in_view "$PID" cat "$J/made/here/f"'
	is '... and not on the host' 1 '' test -e "$J/made"
	refused 'a missing source of --mount' "$J/none: not there" \
		as_runner run --mount "type=bind,source=$J/none,target=/x" tools ls
	refused 'a path of procfs' '/proc/self/root' as_runner run -v /proc/self/root/etc:/x tools ls

	other=$PID
	view volume2
	is 'another runner has its own view' 0 'of the other runner' as_runner run -v "$J:/x" tools cat /x/file
	PID2=$PID PID=$other
	is 'forty creates at once, from two views' 0 '20 of the other runner 20 of the runner' many
	is "a client of the host: the body is the daemon's business" 0 "$W/nowhere/at/all:/x" \
		eval 'id=$(docker create -v "$W/nowhere/at/all:/x" tools true) &&
		engine inspect -f "{{index .HostConfig.Binds 0}}" "$id"; engine rm "$id" >/dev/null'
	is '... and runs' 0 'of the runner' run -v "$W/volume:/x" tools cat /x/file
	is 'a line in the log for each body that is changed' 0 1 eval '
		: >"$W/proxy.log"; as_runner run -v "$J:/x" tools echo >/dev/null; wc -l <"$W/proxy.log"'
	is '... for each that is refused' 0 1 eval '
		: >"$W/proxy.log"; as_runner run --mount "type=bind,source=$J/none,target=/x" tools true 2>/dev/null
		grep -c "$J/none" "$W/proxy.log"'
	is '... and none for others' 0 0 eval '
		: >"$W/proxy.log"; as_runner run tools echo >/dev/null; wc -l <"$W/proxy.log"'
}

# Each reads its own file, with its own name.
many() {
	local n
	for n in {1..20}; do
		in_view "$PID" docker run --rm --network none -v "$J:/x" tools cat /x/file >"$W/many.$n" 2>&1 &
		in_view "$PID2" docker run --rm --network none -v "$J:/x" tools cat /x/file >"$W/many.2.$n" 2>&1 &
		waiting+=($!)
	done
	wait "${waiting[@]}"
	until_true eval '[ "$(cat "$W"/many.* | wc -l)" = 40 ]'
	cat "$W"/many.* | sort | uniq -c | sed 's/^ *//' | tr '\n' ' ' | sed 's/ $//'
	rm "$W"/many.*
}
waiting=()

# What is not there any more, or never was to be seen, is no view.
gone_cases() {
	local body status
	body="{\"Image\":\"tools\",\"Cmd\":[\"true\"],\"HostConfig\":{\"Binds\":[\"$J:/x\"]}}"
	for status in fork passed; do
		is "a peer that is gone ($status)" 0 'refused, 0 containers' \
			in_view "$PID" python3 "$tests/proxy/peer.py" $status "$proxy" "$W/docker/sock" "$body"
	done
	is 'control: the same peer, alive' 0 'created, 1 containers' \
		in_view "$PID" python3 "$tests/proxy/peer.py" alive "$proxy" "$W/docker/sock" "$body"
	body=$(body "$J/file")
	is 'control: a file that is there' 0 'created, 1 containers' \
		in_view "$PID" python3 "$tests/proxy/peer.py" alive "$proxy" "$W/docker/sock" "$body"
	is 'a peer that has changed its root since it connected has the names of now' 0 'refused, 0 containers' \
		in_view "$PID" python3 "$tests/proxy/peer.py" chroot "$proxy" "$W/docker/sock" "$body"
	proxy_down
	# it has answered, and waits for the peer to be gone
	printf '#!/bin/sh\n"%s" "$@" && >"%s/answered" && until [ -e "%s/gone" ]; do sleep 0.01; done\n' \
		"$D" "${proxy%/*}" "${proxy%/*}" >"$W/bin/late"
	chmod +x "$W/bin/late"
	proxy_up -dindbind "$W/bin/late"
	is 'a peer that is gone when dindbind has answered' 0 'refused, 0 containers' \
		in_view "$PID" python3 "$tests/proxy/peer.py" late "$proxy" "$W/docker/sock" "$body"
	proxy_down
	within=(unshare --mount --pid --fork --kill-child --mount-proc)
	proxy_up
	within=()
	refused 'a peer outside of the PID namespace of the proxy' 'PID namespace' as_runner run -v "$J:/x" tools cat /x/file
	kill -KILL "$proxy_pid"
	wait "$proxy_pid" 2>/dev/null
	# shellcheck disable=SC2054
	within=(setpriv --bounding-set=-sys_ptrace,-sys_admin --inh-caps=-sys_ptrace,-sys_admin)
	proxy_up
	within=()
	refused 'a peer that the proxy may not read' '' as_runner run -v "$J:/x" tools cat /x/file
	proxy_down
	proxy_up
}

# ---- A job in a container, with the lines of GitHub's runner ----------------------------------------

# The runner has the socket of the proxy as /var/run/docker.sock, and hands it on to the job.
job_cases() {
	engine run -d --network none --name runner -v "$proxy:/var/run/docker.sock" -v work:/home/runner/work \
		-v /usr:/usr:ro machine sleep 1000000 >/dev/null || return
	engine exec runner sh -c 'mkdir -p /home/runner/externals /opt/hostedtoolcache /tmp/t && cd /home/runner/work &&
		mkdir -p _temp/_github_home _temp/_github_workflow _actions repo/repo &&
		echo "of the checkout" >repo/repo/file && echo "of the externals" >/home/runner/externals/file &&
		echo "of the runner" >/tmp/t/file && echo "of the tools" >/opt/hostedtoolcache/file &&
		echo "docker run --rm --network none -v \"\$PWD:/w\" tools cat /w/file /w/made-by-the-step" >_temp/step.sh'
	is 'a runner in a container: its volume' 0 'of the checkout' \
		engine exec runner docker run --rm --network none -v /home/runner/work/repo:/x tools cat /x/repo/file
	is 'a runner in a container: its root' 0 'of the externals' \
		engine exec runner docker run --rm --network none -v /home/runner/externals:/x tools cat /x/file
	is 'a runner in a container: a directory with the volume below' 0 $'of the checkout\nof the externals' \
		engine exec runner docker run --rm --network none -v /home/runner:/x \
		tools cat /x/work/repo/repo/file /x/externals/file
	is 'docker create of a container job' 0 '' eval 'engine exec runner docker create --name job --label 4f2d \
		--workdir /__w/repo/repo --network none -e HOME=/github/home -e GITHUB_ACTIONS=true -e CI=true \
		-v /var/run/docker.sock:/var/run/docker.sock -v /home/runner/work:/__w -v /home/runner/externals:/__e:ro \
		-v /home/runner/work/_temp:/__w/_temp -v /home/runner/work/_actions:/__w/_actions -v /opt/hostedtoolcache:/__t \
		-v /home/runner/work/_temp/_github_home:/github/home \
		-v /home/runner/work/_temp/_github_workflow:/github/workflow \
		--entrypoint tail tools -f /dev/null >/dev/null && engine exec runner docker start job >/dev/null'
	is 'the job sees what the runner has' 0 $'of the checkout\nof the externals\nof the tools' \
		engine exec job cat file /__e/file /__t/file
	is "a step in the job: \$PWD is the job's" 0 $'of the checkout\nof the step' engine exec runner \
		docker exec -i job sh -c 'echo "of the step" >made-by-the-step && sh -e /__w/_temp/step.sh'
	is "the job's own files are its own" 0 'of the job' engine exec job sh -c 'mkdir -p /tmp/t &&
		echo "of the job" >/tmp/t/file && docker run --rm --network none -v /tmp/t:/x tools cat /x/file'
	is "... and the runner's are the runner's" 0 'of the runner' \
		engine exec runner docker run --rm --network none -v /tmp/t:/x tools cat /x/file
	refused 'what only the runner has, the job has not' '/home/runner/externals: not there' \
		engine exec job docker run --network none --mount type=bind,source=/home/runner/externals,target=/x tools ls /x
	is 'a restart of the runner needs nothing' 0 'of the checkout' eval 'engine restart -t 0 runner >/dev/null &&
		engine exec runner docker run --rm --network none -v /home/runner/work/repo:/x tools cat /x/repo/file'
	engine rm -fv job runner >/dev/null
}

# ---- The proxy itself -------------------------------------------------------------------------------

# As a FUSE server that does not answer would make it. It takes half a minute to give up, while the rest goes on.
slow_begin() {
	printf '#!/bin/sh\nexec sleep 1000000\n' >"$W/bin/slow"
	chmod +x "$W/bin/slow"
	proxy=$W/slow/docker.sock proxy_up -dindbind "$W/bin/slow"
	slow_proxy=$proxy_pid
	in_view "$PID" docker create -v "$J:/x" tools true 2>"$W/slow/err" >&2 &
	slow=$!
	until_true pgrep -x sleep -P "$slow_proxy"
	is 'a translation that hangs: others are served' 0 hi run tools echo hi
}

slow_end() {
	wait "$slow"
	is '... and it ends' 0 1 echo $?
	is '... with a message' 0 1 grep -c 'Error response from daemon: ' "$W/slow/err"
	is '... and the program is gone' 1 '' pgrep -x sleep -P "$slow_proxy"
	kill "$slow_proxy"
	wait "$slow_proxy"
}

program_cases() {
	local running
	proxy_down
	is 'SIGTERM: status 0' 0 0 echo $?
	proxy_up
	is 'the mode of the socket is 0600' 0 600 stat -c %a "$proxy"
	proxy_down
	proxy_up -mode 0660
	is '-mode 0660' 0 660 stat -c %a "$proxy"
	docker exec alive sh -c 'echo first; sleep 1; echo last' >"$W/out" &
	running=$!
	until_true grep -q first "$W/out"
	proxy_down
	wait $running
	is 'SIGTERM: what is running ends first' 0 $'first\nlast' cat "$W/out"
	proxy_up
	kill -KILL "$proxy_pid"
	wait "$proxy_pid" 2>/dev/null
	proxy_up
	is 'killed, it starts again over its old socket' 0 hi run tools echo hi
	proxy_down
	says 'no -listen' listen "$P" -daemon "$W/docker/sock" -dindbind "$D"
	says 'an option that is not known' no-such "$P" -no-such -listen "$proxy" -dindbind "$D"
	says 'a wrong mode' mode "$P" -listen "$proxy" -dindbind "$D" -mode rw
	says 'an argument' argument "$P" -listen "$proxy" -dindbind "$D" argument
	says 'no dindbind' none "$P" -listen "$proxy" -dindbind "$W/bin/none"

	python3 "$tests/proxy/peer.py" activate "$proxy" "$P" -daemon "$W/docker/sock" -dindbind "$D" 2>>"$W/proxy.log" &
	proxy_pid=$!
	until_true listens "$proxy"
	is 'socket activation' 0 'of the runner' as_runner run -v "$J:/x" tools cat /x/file
	proxy_down
	is '... whose socket stays' 0 '' test -S "$proxy"

	proxy_up
	docker_down
	is 'no daemon: 502' 0 502 api GET /info
	docker_up
	docker start alive >/dev/null
	is '... and again with one' 0 hi run tools echo hi
	proxy_down
}

peer_cases() {
	local PID PID2 sum c slow slow_proxy
	head -c 50000000 /dev/urandom >"$W/noise"
	head -c 200000000 /dev/zero >"$W/big"
	sum=$(sha256sum <"$W/noise")
	mkdir -p "$W/context" "$W/bad" "$W/kit"
	cp "$W/noise" "$W/context/" && cp "$W/noise" "$W/kit/"
	printf 'FROM tools\nCOPY noise /noise\nRUN ["sha256sum", "/noise"]\n' >"$W/context/Dockerfile"
	printf 'FROM tools\nCOPY none /\n' >"$W/bad/Dockerfile"
	printf 'FROM scratch\nCOPY noise /noise\n' >"$W/kit/Dockerfile"
	view volume
	slow_begin
	proxy_up
	stream_containers || { report 'containers' 'they do not start'; return; }
	engine cp "$W/noise" alive:/noise 2>/dev/null
	for c in "${clients[@]}"; do stream_cases "$c" "$sum"; done
	upload_cases
	view_cases
	gone_cases
	job_cases
	program_cases
	slow_end
	kill "$PID" "$PID2"
}
