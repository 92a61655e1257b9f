# create.sh - container-create bodies, through `dindbind -c` to the sockets of docker and podman; sourced by e2e.sh
#
# SPDX-License-Identifier: 0BSD
# shellcheck shell=bash
# shellcheck disable=SC2016,SC2034,SC2154

# M[0] is a body, in which @I is the image, @C the command, @H what every HostConfig here has, and @Q a
# U+017F; the rest of M is the VIEW. The name is all that the engine is told beside the translated body.
body_of() {
	local b=${M[0]} cmd
	cmd=$(jq -cn '$ARGS.positional' --args -- "$@")
	b=${b//@I/"$image:few"}
	b=${b//@C/"$cmd"}
	b=${b//@Q/$'\xc5\xbf'}
	printf '%s' "${b//@H/"\"NetworkMode\":\"none\",\"CgroupParent\":\"/$name\""}"
}

api_sibling() {
	local engine=$1 id=$2 rc
	shift 2
	body_of "$@" >"$W/body"
	given=$W/body dind "${M[@]:1}" -c >"$W/translated" || return
	"$W/layers/1/bin/post" "$W/$engine/sock" "/v1.40/containers/create?name=$id" <"$W/translated" >"$W/created" ||
		{ cat "$W/created" >&2; return 1; }
	"${engine}_start" "$id" </dev/null
	rc=$?
	"${engine}_rm" "$id" >/dev/null 2>&1
	return $rc
}

docker_api_sibling() { api_sibling docker "$@"; }
podman_api_sibling() { api_sibling podman "$@"; }

# The runner does all of it, with the socket that is mounted into it.
inner_sibling() {
	local engine=$1 id=$2 rc
	shift 2
	body_of "$@" >"$W/body"
	give "$W/body"
	"${engine}_exec" runner /bin/sh -c '
		s=/var/run/docker.sock
		dindbind "$@" -c </tmp/body >/tmp/translated || exit
		post $s "/v1.40/containers/create?name=$0" </tmp/translated >/tmp/created ||
			{ cat /tmp/created >&2; exit 1; }
		post $s "/v1.40/containers/$0/start" </dev/null >/tmp/started || { cat /tmp/started >&2; exit 1; }
	' "$id" "${M[@]:1}" || return
	rc=$("${engine}_wait" "$id")
	"${engine}_logs" "$id"
	"${engine}_rm" "$id" >/dev/null 2>&1
	return "$rc"
}

docker_inner_sibling() { inner_sibling docker "$@"; }
podman_inner_sibling() { inner_sibling podman "$@"; }

# posted ENGINE WHO LABEL KIND SOURCE ACTION BODY VIEW...: WHO is api or inner; the body puts SOURCE at /x.
# ACTION as in sees, which has no body.
posted() {
	local engine=$1 who=$2 label=$3 kind=$4 src=$5 action=$6 want why=''
	shift 6
	case $action in
	rw) action=sibling ;;
	ro | kept) action=ro ;;
	once) action=view ;;
	esac
	hello=''
	[ "$kind" != sock ] || hello='hello from the runner'
	if dead "$PID"; then
		want=${seen[$src]}
	else
		want=$(in_runner probe view "$kind" "$src" 2>&1) || why="the runner itself does not see it: $want"
	fi
	if [ -z "$why" ]; then
		M=("$@")
		why=$(try "${engine}_$who" "$kind" "$src" "$action" "$want")
	fi
	if [ -e "$stage" ]; then
		"$D" -u "$stage" || why="$why -u: $?"
	fi
	report "$engine" "$label" "$why"
}

# unposted ENGINE LABEL STATUS PATTERN BODY VIEW...: status, message, nothing on standard output; and posted all the
# same, as a pipe does, it makes no container
unposted() {
	local engine=$1 label=$2 status=$3 pattern=$4 rc why=''
	shift 4
	M=("$@")
	body_of sleep 1 >"$W/body"
	given=$W/body dind "${M[@]:1}" -c >"$W/translated" 2>"$W/err"
	rc=$?
	if [ $rc -ne "$status" ]; then
		why="status $rc instead of $status: $(cat "$W/err")"
	elif [ -s "$W/translated" ]; then
		why="refused, but there is an answer: $(cat "$W/translated")"
	elif ! grep -q -e "$pattern" "$W/err"; then
		why="the message does not name $pattern: $(cat "$W/err")"
	fi
	if "$W/layers/1/bin/post" "$W/$engine/sock" '/v1.40/containers/create?name=refused' <"$W/translated" \
		>"$W/created" 2>&1 || "${engine}_inspect" refused >/dev/null 2>&1; then
		why="$why a container was made: $(cat "$W/created")"
		"${engine}_rm" refused >/dev/null 2>&1
	fi
	if [ -e "$stage" ]; then
		why="$why something stayed staged"
		"$D" -u "$stage"
	fi
	report "$engine" "$label" "$why"
}

# wary ENGINE LABEL BODY VIEW...: whatever becomes of this body, the sibling does not see $W/host/secret.
# The body has $W/host/secret where no source of the runner's belongs.
wary() {
	local engine=$1 label=$2 got why=''
	shift 2
	M=("$@")
	serial=$((serial + 1))
	# a failure to translate, to create or to start is as good
	got=$("${engine}_api_sibling" "s$serial" /bin/grep -r 'a secret of the host' /x /y 2>"$W/err")
	"${engine}_rm" "s$serial" >/dev/null 2>&1
	[ -z "$got" ] || why="the sibling sees $got"
	report "$engine" "$label" "$why"
}

create_cases() {
	local engine=$1 view p i=$W/inspect.json secret=$W/host/secret
	local plain='{"Image":"@I","Cmd":@C,"HostConfig":{@H,' lower
	view=(-p "$PID:$START")
	posted "$engine" api '-c Binds: upper file' file /home/runner/up.txt rw \
		"$plain\"Binds\":[\"/home/runner/up.txt:/x\"]}}" "${view[@]}"
	posted "$engine" api '-c Binds: merged directory' dir /home/runner/externals rw \
		"$plain\"Binds\":[\"/home/runner/externals:/x:rw\",\"/mnt/file:/y:ro\"]}}" "${view[@]}"
	posted "$engine" api '-c Binds: directory with the volume below' nested /home/runner rw \
		"$plain\"Binds\":[\"/home/runner:/x\"]}}" "${view[@]}"
	posted "$engine" api '-c Binds: read-only inherited' dir /mnt/ro kept \
		"$plain\"Binds\":[\"/mnt/ro:/x:rw\"]}}" "${view[@]}"
	posted "$engine" api '-c Binds: spelled with escapes' dir /home/runner/externals rw \
		"$plain\"B\\u0069nds\":[\"\\/home\\u002frunner/externals\\u003a/x\"]}}" "${view[@]}"
	posted "$engine" api '-c Mounts: merged directory' dir /home/runner/externals ro \
		"$plain\"Mounts\":[{\"Type\":\"bind\",\"Source\":\"/home/runner/externals\",\"Target\":\"/x\",\"ReadOnly\":true}]}}" \
		"${view[@]}"
	posted "$engine" api '-c Mounts, -r inspect: host directory' dir /mnt/dir rw \
		"$plain\"Mounts\":[{\"Target\":\"/x\",\"Source\":\"/mnt/dir\",\"Type\":\"bind\"}]}}" -r "$i"
	posted "$engine" api '-c Mounts, -r inspect: directory with the volume below' nested /home/runner rw \
		"$plain\"Mounts\":[{\"Type\":\"bind\",\"Source\":\"/home/runner\",\"Target\":\"/x\"}]}}" -r "$i"
	posted "$engine" api '-c Mounts, -r inspect: read-only inherited' dir /mnt/ro kept \
		"$plain\"Mounts\":[{\"Type\":\"bind\",\"Source\":\"/mnt/ro\",\"Target\":\"/x\",\"ReadOnly\":false}]}}" -r "$i"
	posted "$engine" api '-c Mounts, -r inspect: directory with the volume below, read-only' nested /home/runner ro \
		"$plain\"Mounts\":[{\"Type\":\"bind\",\"Source\":\"/home/runner\",\"ReadOnly\":true,\"Target\":\"/x\"}]}}" -r "$i"
	posted "$engine" api '-c Binds: through a symlink' dir /home/runner/to-volume rw \
		"$plain\"Binds\":[\"/home/runner/to-volume:/x\"]}}" "${view[@]}"
	posted "$engine" api '-c -s: directory with the volume below' nested /home/runner rw \
		"$plain\"Binds\":[\"/home/runner:/x\"]}}" "${view[@]}" -s "$stage"
	posted "$engine" api '-c -s, Mounts: tmpfs' dir /opt/t/tmp ro \
		"$plain\"Mounts\":[{\"Type\":\"bind\",\"Source\":\"/opt/t/tmp\",\"Target\":\"/x\",\"ReadOnly\":true}]}}" \
		-r "$i" -s "$stage"
	lower='{"image":"@I","cmd":@C,"ho@QtCONFIG":{@H,"BIND@Q":["/home/runner/externals:/x"]}}'
	posted "$engine" api '-c keys in other cases, with U+017F' dir /home/runner/externals rw "$lower" "${view[@]}"
	lower='{"image":"@I","cmd":@C,"hostconfig":{@H,"mount@Q":[{"TYPE":"bind","@Qource":"/mnt/ro","target":"/x"}]}}'
	posted "$engine" api '-c keys of a mount in other cases' dir /mnt/ro kept "$lower" "${view[@]}"
	# half of a surrogate pair: the engine would read U+FFFD, and so another name
	in_runner sh -c 'mkdir "$0"' $'/home/runner/b\x80'
	unposted "$engine" '-c -s: half of a surrogate pair' 1 'cannot be a path' \
		"$plain\"Binds\":[\"/home/runner/b\\udc80:/x\"]}}" "${view[@]}" -s "$stage"
	unposted "$engine" '-c: half of a surrogate pair' 1 'cannot be a path' \
		"$plain\"Binds\":[\"/home/runner/b\\udc80:/x\"]}}" "${view[@]}"
	in_runner rm -r $'/home/runner/b\x80'

	lower='"VolumeOptions":{"DriverConfig":{"Name":"local","Options":{"type":"none","o":"bind","device":'
	if [ "$engine" = docker ]; then
		posted docker api '-c volume of a bind: merged directory' dir /home/runner/externals rw \
			"$plain\"Mounts\":[{\"Type\":\"volume\",\"Target\":\"/x\",$lower\"/home/runner/externals\"}}}}]}}" "${view[@]}"
		posted docker api '-c volume of a bind: named, of the host directory' dir /mnt/dir rw \
			"$plain\"Mounts\":[{\"Type\":\"volume\",\"Source\":\"named\",\"Target\":\"/x\",$lower\"/mnt/dir\"}}}}]}}" \
			-r "$i"
		docker volume rm named >/dev/null 2>&1
		posted docker api '-c -s, volume of a bind: tmpfs' dir /opt/t/tmp rw \
			"$plain\"Mounts\":[{\"Type\":\"volume\",\"Target\":\"/x\",$lower\"/opt/t/tmp\"}}}}]}}" "${view[@]}" -s "$stage"
	else
		# measured with 4.3.1: such a volume is an ordinary one, whatever the body says
		skip podman '-c volume of a bind' "podman's API does not look at DriverConfig"
	fi
	unposted "$engine" '-c volume of a bind: missing device' 1 /nope \
		"$plain\"Mounts\":[{\"Type\":\"volume\",\"Target\":\"/x\",$lower\"/nope\"}}}}]}}" "${view[@]}"

	unposted "$engine" '-c Binds: missing source' 1 /nope \
		"$plain\"Binds\":[\"/home/runner/externals:/x\",\"/nope:/y\"]}}" "${view[@]}"
	unposted "$engine" '-c Mounts: missing source' 1 /nope \
		"$plain\"Mounts\":[{\"Type\":\"bind\",\"Source\":\"/nope\",\"Target\":\"/x\"}]}}" "${view[@]}"
	unposted "$engine" '-c -s: missing source, nothing stays staged' 1 /nope \
		"$plain\"Binds\":[\"/home/runner/externals:/x\",\"/nope:/y\"]}}" "${view[@]}" -s "$stage"
	unposted "$engine" '-c Mounts: tmpfs has no host path' 1 /opt/t/tmp \
		"$plain\"Mounts\":[{\"Type\":\"bind\",\"Source\":\"/opt/t/tmp\",\"Target\":\"/x\"}]}}" -r "$i"
	unposted "$engine" '-c: HostConfig twice' 1 . \
		"$plain\"Binds\":[\"/mnt/dir:/x\"]},\"hostconfig\":{\"Binds\":[\"$secret:/x\"]}}" "${view[@]}"
	unposted "$engine" '-c: Binds twice' 1 . \
		"$plain\"Binds\":[\"/mnt/dir:/x\"],\"bind@Q\":[\"$secret:/x\"]}}" "${view[@]}"
	unposted "$engine" '-c: Source twice' 1 . \
		"$plain\"Mounts\":[{\"Type\":\"bind\",\"Source\":\"/mnt/dir\",\"source\":\"$secret\",\"Target\":\"/x\"}]}}" "${view[@]}"
	unposted "$engine" '-c: Binds outside of HostConfig' 1 . \
		"{\"Image\":\"@I\",\"Cmd\":@C,\"Binds\":[\"$secret:/x\"]}" "${view[@]}"
	unposted "$engine" '-c: truncated' 1 . "$plain\"Binds\":[\"/mnt/dir:/x\"]" "${view[@]}"
	unposted "$engine" '-c: a process that is gone' 3 . "$plain\"Binds\":[\"/mnt/dir:/x\"]}}" -p 4194303
	M=("$plain\"Binds\":[\"/home/runner/new/deep:/x\"]}}" "${view[@]}" -m)
	serial=$((serial + 1))
	p=$("${engine}_api_sibling" "s$serial" /bin/sh -c 'echo made >/x/file' 2>&1)
	[ "$(in_runner cat /home/runner/new/deep/file 2>&1)" != made ] || p=''
	report "$engine" "-c -m Binds: the missing source is created in the runner" "$p"
	in_runner sh -c 'rm -rf /home/runner/new'
	unposted "$engine" '-c -m Mounts: missing source, not created' 1 /nope \
		"$plain\"Mounts\":[{\"Type\":\"bind\",\"Source\":\"/nope/deep\",\"Target\":\"/x\"}]}}" "${view[@]}" -m
	[ "$(in_runner sh -c 'ls -d /nope' 2>/dev/null)" = '' ] || report "$engine" '-c -m Mounts' 'it was created'

	# podman makes a --mount string of each of Mounts, and takes a colon in Volumes for a bind
	mkdir -p "$secret"
	echo 'a secret of the host' >"$secret/file"
	in_runner mkdir -p "/home/runner/c,source=$secret"
	for p in "Source\":\"/home/runner/c,source=$secret\",\"Target\":\"/x" "Source\":\"/mnt/dir\",\"Target\":\"/x,source=$secret" \
		"Source\":\"/mnt/dir\",\"Target\":\"/x\",\"BindOptions\":{\"Propagation\":\"rprivate,source=$secret\"},\"Consistency\":\""; do
		wary "$engine" "-c Mounts: a comma in ${p%%,source*}" "$plain\"Mounts\":[{\"Type\":\"bind\",\"$p\"}]}}" "${view[@]}"
	done
	in_runner rm -r /home/runner/c,source=
	wary "$engine" '-c Mounts: a comma in Type' \
		"$plain\"Mounts\":[{\"Type\":\"bind,source=$secret\",\"Target\":\"/x\"}]}}" "${view[@]}"
	wary "$engine" '-c Mounts: type glob' \
		"$plain\"Mounts\":[{\"Type\":\"glob\",\"Source\":\"$secret*\",\"Target\":\"/x\"}]}}" "${view[@]}"
	wary "$engine" '-c Volumes: a colon in the target' \
		"{\"Image\":\"@I\",\"Cmd\":@C,\"Volumes\":{\"$secret:/x\":{}},\"HostConfig\":{@H}}" "${view[@]}"
	wary "$engine" '-c Binds: data after the body' \
		"$plain\"Binds\":[\"/mnt/dir:/x\"]}}{\"HostConfig\":{\"Binds\":[\"$secret:/x\"]}}" "${view[@]}"
	rm -r "$secret"
}

# Of a runner that is dead, as describe_dead left it.
create_dead() {
	local engine=$1 plain='{"Image":"@I","Cmd":@C,"HostConfig":{@H,'
	posted "$engine" api '-c, dead: upper file' file /home/runner/up.txt once \
		"$plain\"Binds\":[\"/home/runner/up.txt:/x\"]}}" -r "$W/dead.json"
	posted "$engine" api '-c, dead: image file' file /etc/one.conf kept \
		"$plain\"Mounts\":[{\"Type\":\"bind\",\"Source\":\"/etc/one.conf\",\"Target\":\"/x\"}]}}" -r "$W/dead.json"
	posted "$engine" api '-c -s, dead: merged directory' merged /home/runner/externals kept \
		"$plain\"Binds\":[\"/home/runner/externals:/x\"]}}" -r "$W/dead.json" -s "$stage"
	unposted "$engine" '-c, dead: merged directory is none of the layers' 1 externals \
		"$plain\"Binds\":[\"/home/runner/externals:/x\"]}}" -r "$W/dead.json"
}
