# clients.sh - real clients in a runner, by peer and with -self; sourced by proxy.sh
#
# SPDX-License-Identifier: 0BSD
# shellcheck shell=bash
# shellcheck disable=SC2016,SC2034,SC2154

. "$tests/proxy/self.sh"

# client COMMAND...: in the runner, in whose volume there is a file
client() {
	engine exec -i -e "DOCKER_HOST=unix://$inner" -e HOME=/tmp -e NODE_PATH=/opt/node_modules \
		-e TESTCONTAINERS_HOST_OVERRIDE=127.0.0.1 -e TESTCONTAINERS_RYUK_DISABLED=true -w /home/runner/_work runner "$@"
}

client_cases() {
	local way=$1 inner=$2 c v work=/home/runner/_work program
	for c in $(type -ap docker | sort -u); do
		[ "$(readlink -f "$c")" = "$c" ] || continue
		[[ $c == /usr/* ]] || continue
		v="docker $("$c" -H "unix://$W/docker/sock" version -f '{{.Client.Version}}')"
		is "$way: $v: run -v" 0 'of the volume' client "$c" run --rm --network none -v "$work:/x" tools cat /x/file
		is "$way: $v: run -v of here" 0 'of the volume' client "$c" run --rm --network none -v "$work/.:/x" tools cat /x/file
		is "$way: $v: run --mount" 0 'of the volume' \
			client "$c" run --rm --network none --mount "type=bind,source=$work,target=/x,readonly" tools cat /x/file
		is "$way: $v: create, start, cp" 0 $'of the volume\nof the volume' client sh -c \
			"id=\$($c create --network none -v $work:/x tools cat /x/file) && $c start -a \$id &&
			$c cp \$id:/x/file - | tar -xO && $c rm \$id >/dev/null"
	done
	v=$(docker-compose version --short 2>/dev/null)
	is "$way: docker-compose $v" 0 'of the volume' client sh -c \
		'docker-compose -f compose.yaml run --rm one 2>/tmp/compose || cat /tmp/compose
		docker-compose -f compose.yaml down -v >/tmp/compose 2>&1 || cat /tmp/compose'
	is "$way: docker-compose $v: up, exec, logs" 0 $'of the volume\nof the volume' client sh -c \
		'{ docker-compose -f compose.yaml up -d two && docker-compose -f compose.yaml exec -T two cat /x/file &&
		docker-compose -f compose.yaml logs --no-color two; } 2>/tmp/compose | sed "s/.*| *//" | grep volume
		docker-compose -f compose.yaml down -t 0 -v >>/tmp/compose 2>&1 || cat /tmp/compose'
	v=$(/usr/bin/python3 -c 'import docker; print(docker.__version__)' 2>/dev/null)
	if [ "$v" ]; then
		is "$way: docker-py $v" 0 '' client /usr/bin/python3 - "$work" 'of the volume' <"$tests/proxy/client.py"
	else
		skip "$way: docker-py" 'not installed: python3-docker'
	fi
	for program in testcontainers dockerode; do
		v=$(sed -nE 's/^ *"version": "(.*)",?$/\1/p' "$scratch/node_modules/$program/package.json" 2>/dev/null)
		if [ "$v" ]; then
			is "$way: $program $v, node $(node --version)" 0 '' \
				client node - $program "$work" 'of the volume' <"$tests/proxy/client.js"
		else
			skip "$way: $program" 'no node of 20 or later with npm, or no registry'
		fi
	done
}

clients_cases() {
	engine volume create work >/dev/null
	mkdir -p "$scratch/node_modules"
	proxy_up
	machine runner -v work:/home/runner/_work -v "${proxy%/*}:/run/dindbind" \
		-v "$scratch/node_modules:/opt/node_modules:ro"
	engine exec -i runner sh -c 'cd /home/runner/_work && echo "of the volume" >file && cat >compose.yaml' <<-'END'
	services:
	  one:
	    image: tools
	    network_mode: none
	    command: cat /x/file
	    volumes: ["./:/x"]
	  two:
	    image: tools
	    network_mode: none
	    command: sh -c "cat /x/file; exec sleep 1000"
	    volumes: [{type: bind, source: /home/runner/_work, target: /x, read_only: true}]
	END
	is 'control: the daemon itself has no such directory' 1 '' \
		engine exec runner docker run --rm --network none -v /home/runner/_work:/x tools cat /x/file
	client_cases 'by peer' "/run/dindbind/${proxy##*/}"
	proxy_down
	self_up runner
	client_cases -self /tmp/docker.sock
	engine rm -f runner >/dev/null
	engine volume rm work >/dev/null
}
