#!/bin/sh
# demo.sh - dindbind on the input it was written for
#
# SPDX-License-Identifier: 0BSD
#
# A throw-away CI runner asks for the eight mounts of a GitHub Actions `container:` job. They are
# translated by the runner's live PID, then with the runtime's bind table, then, with the runner dead,
# from the layers of its image; beside the last stands what a tool answers that takes the first layer
# in which the path exists. Every answer is checked: exit status 0 means that all were as expected.
#
# Needs util-linux and coreutils. Runs as root, and as anybody else where user namespaces are allowed.
# All mounts are made in a mount namespace that ends with this script, below one empty directory.

set -u
LC_ALL=C
PATH=$PATH:/usr/sbin:/sbin
export LC_ALL PATH

. "$(dirname "$0")/shell.sh"

# ---- Outside: one directory, one namespace ----------------------------------------------------------

if [ "${1-}" != --inside ]; then
	bin=${DINDBIND:-./dindbind}
	case $bin in /*) ;; *) bin=$PWD/$bin ;; esac
	[ -x "$bin" ] || die "$bin: no such program (run make first)"

	userns=
	[ "$(id -u)" -eq 0 ] || userns=-r
	why=$(no_namespaces)
	[ -z "$why" ] || die "$why"

	dir=$(mktemp -d "${TMPDIR:-/tmp}/dindbind-demo.XXXXXX") || die "no temporary directory"
	dir=$(cd "$dir" && pwd -P)
	trap 'rmdir "$dir"' EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM HUP
	unshare $userns --mount --propagation private sh "$0" --inside "$dir" "$bin"
	exit
fi

# ---- The runner -------------------------------------------------------------------------------------

W=$2 dindbind=$3
# in a user namespace, which root may be in too, an overlay keeps its notes in user.* attributes
read -r _ _ ids </proc/self/uid_map
[ "$ids" = 4294967295 ] && userxattr='' || userxattr=userxattr
failed=0 PID='' START=''

home=/home/runner
vol=$W/volume			# the host directory of the volume at $home/_work
root=$W/rootfs			# the merged root, as a container runtime would mount it
layers="5 4 3 2 1"		# topmost first

# $1 below layer $2 becomes a file with content $3
put() {
	mkdir -p "$W/$2/${1%/*}" && echo "$3" >"$W/$2/$1"
}

build() {
	mount -t tmpfs -o mode=755 demo "$W" || return
	put etc/os-release			1 'NAME=demo'			&&
	put $home/externals/node20/bin/node	2 'node20, from layer 2'	&&
	put $home/externals/node16/bin/node	3 'node16, from layer 3'	&&
	put $home/bin/Runner.Worker		3 'worker'			&&
	put $home/run.sh			3 'run.sh as shipped'		&&
	put $home/setup.sh			3 'only needed once'		&&
	mkdir -p "$W/4$home/externals" "$W/5$home/externals" "$W/1/var" "$W/1/run"	&&
	ln -s /run "$W/1/var/run"						&&
	mkdir -p "$W/upper" "$W/work" "$root" "$vol/_temp/_github_home"	\
		"$vol/_temp/_github_workflow" "$vol/_actions" "$vol/_tool"		&&
	echo 'a step of the job' >"$vol/_temp/step.sh"				&&
	mkfifo "$W/docker.sock" "$W/hold" "$W/ready"				|| return

	options=
	for n in $layers; do options=$options:$W/$n; done
	options=lowerdir=${options#:},upperdir=$W/upper,workdir=$W/work${userxattr:+,$userxattr}
	why=$(mount -t overlay -o "$options" overlay "$root" 2>&1) ||
		die "this kernel or user may not mount an overlay: $why"

	# What a running container leaves in its upperdir: a copy-up and a whiteout.
	echo 'changed by the job' >>"$root$home/run.sh"			&&
	rm "$root$home/setup.sh"					&&
	mkdir -p "$root$home/_work"
}

# The life of the runner: PID 1 of its own PID namespace, in a root of its own. Standard output is the
# pipe to the script, standard input ends when the script does, and so does the runner.
# shellcheck disable=SC2016
runner='
	W=$1 root=$2 vol=$3 home=$4
	read -r stat </proc/self/stat
	mount --bind "$vol" "$root$home/_work"			&&
	: >"$root/run/docker.sock"				&&
	mount --bind "$W/docker.sock" "$root/run/docker.sock"	|| exit
	for d in /usr /bin /lib /lib64; do
		if [ -L "$d" ]; then cp -P "$d" "$root$d"
		elif [ -d "$d" ]; then mkdir -p "$root$d" && mount --rbind "$d" "$root$d"
		fi || exit
	done
	# umount(8) wants a /proc, then the borrowed one goes too
	mkdir -p "$root/.old" "$root/proc"		&&
	mount --rbind /proc "$root/proc"		&&
	cd "$root" && exec 9>/dev/null			&&
	pivot_root . .old && cd /			&&
	umount -l /.old && umount -l /proc && rmdir /.old	|| exit
	set -- ${stat##*) }
	echo "${stat%% *}" "${20}"
	exec cat >&9
'

start() {
	exec 8<>"$W/hold"
	unshare --mount --pid --fork --propagation private \
		sh -c "$runner" runner "$W" "$root" "$vol" $home <"$W/hold" >"$W/ready" 8>&- &
	read -r PID START <"$W/ready"
}

stop() {
	exec 8>&-
	wait
	PID=
}

# ---- Showing and checking ---------------------------------------------------------------------------

heading() {
	printf '\n%s\n' "$1"
}

# Print standard input, indented, without the name of the scratch directory.
show() {
	sed "s|$W|\$W|g; s|^|    |"
}

# expect WHAT GOT PATTERN: GOT must match the shell pattern
expect() {
	# shellcheck disable=SC2254
	case $2 in
	$3) ;;
	*) printf 'NOT AS EXPECTED: %s\n    got      %s\n    expected %s\n' "$1" "$2" "$3"
	   failed=$((failed + 1)) ;;
	esac
}

line() {
	printf '%s\n' "$2" | sed -n "$1p"
}

# What a first-match layer walk answers for $1.
naive() {
	for n in upper $layers; do
		# -c: a whiteout is a character device, which such a tool does not know
		if [ -e "$W/$n$1" ]; then
			if [ -c "$W/$n$1" ]; then echo "$n: a device"
			elif [ ! -d "$W/$n$1" ]; then echo "$n: $(tail -n 1 "$W/$n$1")"
			elif [ -z "$(ls -A "$W/$n$1")" ]; then echo "$n: an EMPTY directory"
			else echo "$n: $(cd "$W/$n$1" && echo *)"
			fi
			return
		fi
	done
	echo 'nothing'
}

# The strings of the array `layers` in a json record, joined with colons.
stack() {
	printf '%s\n' "$1" | sed -n 's/.*"layers":\["\([^]]*\)"\].*/\1/p' | sed 's/","/:/g'
}

# ---- The three ways ---------------------------------------------------------------------------------

targets='/var/run/docker.sock /__w /__e /__w/_temp /__w/_actions /__w/_tool /github/home /github/workflow'
sources="/var/run/docker.sock $home/_work $home/externals $home/_work/_temp $home/_work/_actions
	$home/_work/_tool $home/_work/_temp/_github_home $home/_work/_temp/_github_workflow"

# The eight as `docker create` arguments, the way the GitHub runner writes them.
github() {
	printf '%s\n' -v /var/run/docker.sock:/var/run/docker.sock -v $home/_work:/__w \
		-v $home/externals:/__e:ro -v $home/_work/_temp:/__w/_temp \
		-v $home/_work/_actions:/__w/_actions -v $home/_work/_tool:/__w/_tool \
		-v $home/_work/_temp/_github_home:/github/home \
		-v $home/_work/_temp/_github_workflow:/github/workflow
}

by_pid() {
	heading "1. By the live PID, to open:    dindbind -p $PID:$START PATH..."
	# shellcheck disable=SC2086
	out=$("$dindbind" -p "$PID:$START" $sources)
	expect 'exit status' $? 0
	printf '%s\n' "$out" | show
	i=0
	for s in $sources; do
		i=$((i + 1))
		[ "$s" = /var/run/docker.sock ] && s=/run/docker.sock	# /var/run is a link
		expect "answer for $s" "$(line $i "$out")" "/proc/$PID/root$s"
	done

	heading '   What can be read through them:'
	ext=$(line 3 "$out") temp=$(line 4 "$out")
	(cd "$ext" && cat node20/bin/node node16/bin/node; cat "$temp/step.sh") | show
	expect 'externals' "$(cd "$ext" && echo *)" 'node16 node20'
	expect 'node20' "$(cat "$ext/node20/bin/node")" 'node20, from layer 2'
	expect 'the volume' "$(cat "$temp/step.sh")" 'a step of the job'
	echo 'from outside' >"$temp/note"
	expect 'a write into the volume' "$(cat "$vol/_temp/note")" 'from outside'

	out=$("$dindbind" -p "$PID:$((START + 1))" /etc 2>&1)
	expect 'another process under the same PID' $? 3
}

# check_oci JSON EXTERNALS: seven mounts from the bind table, and a pattern for the eighth
check_oci() {
	for t in $targets; do
		m=$(printf '%s\n' "$1" | grep "\"destination\":\"$t\"")
		case $t in
		/var/run/docker.sock) want=$W/docker.sock ;;
		/__w*) want=$vol${t#/__w} ;;
		/github/*) want=$vol/_temp/_github_${t#/github/} ;;
		/__e) expect /__e "$m" "$2"; continue ;;
		esac
		expect "mount at $t" "$m" "*\"source\":\"$want\"*\"rw\"*"
	done
}

by_table() {
	heading "2. With the runtime's own mounts, to mount:
   dindbind -p $PID:$START -b HOST:PATH... -f oci -v SPEC..."
	# shellcheck disable=SC2046
	out=$("$dindbind" -p "$PID:$START" -b "$vol:$home/_work" -b "$W/docker.sock:/var/run/docker.sock" \
		-b "$root$home/externals:$home/externals:ro" -f oci $(github))
	expect 'exit status' $? 0
	out=$(printf '%s\n' "$out" | sed 's/},[[:space:]]*{/},\
 {/g')
	printf '%s\n' "$out" | show
	check_oci "$out" "*\"source\":\"$root$home/externals\"*\"ro\"*"
}

by_layers() {
	heading '3. The runner is dead, only its layers are known:
   dindbind -p 0 -o OPTIONS -f json PATH...'
	paths="$home/externals $home/externals/node20 $home/bin $home/run.sh $home/setup.sh"
	# shellcheck disable=SC2086
	out=$("$dindbind" -p 0 -o "$options" -f json $paths 2>/dev/null)
	expect 'exit status, one being deleted' $? 1
	printf '    %-30s %-28s %s\n' path 'first layer that has it' dindbind
	i=0
	for p in $paths; do
		i=$((i + 1))
		rec=$(line $i "$out") list=''
		case $rec in
		*'"kind":"merged"'*)
			list=$(stack "$rec")
			ours="merged ro: $(echo "$list" | sed "s|$W/||g; s|$p||g; s/:/ + /g")" ;;
		*'"kind":"single"'*)
			file=$(printf '%s\n' "$rec" | sed 's/.*"path":"\([^"]*\)".*/\1/; s|^'"$W/||; s|$p\$||")
			case $rec in *'"ro":true'*) ours="$file ro" ;; *) ours="$file rw" ;; esac ;;
		*) ours=$(printf '%s\n' "$rec" | sed 's/.*"error":"\([^"]*\)".*/error: \1/') ;;
		esac
		printf '    %-30s %-28s %s\n' "$p" "$(naive "$p")" "$ours"
		case $p in
		*/externals)	expect "$p" "$ours" 'merged ro: 5 + 4 + 3 + 2'
				expect "naive $p" "$(naive "$p")" '5: an EMPTY directory'
				merged=$list ;;
		*/node20)	expect "$p" "$ours" '2 ro' ;;
		*/bin)		expect "$p" "$ours" '3 ro' ;;
		*/run.sh)	expect "$p" "$ours" 'upper rw' ;;
		*/setup.sh)	expect "$p" "$ours" 'error: missing' ;;
		esac
	done

	heading '   Its answer for externals, mounted:'
	mkdir "$W/try" &&
	mount -t overlay -o "ro,lowerdir=${merged-}${userxattr:+,$userxattr}" overlay "$W/try"
	expect 'mount of the merged answer' $? 0
	(cd "$W/try" && cat node20/bin/node node16/bin/node) | show
	expect 'externals' "$(cd "$W/try" && echo *)" 'node16 node20'
	expect 'node20' "$(cat "$W/try/node20/bin/node")" 'node20, from layer 2'
	umount "$W/try"

	heading '   The eight again:    dindbind -p 0 -b HOST:PATH... -o OPTIONS -f oci -v SPEC...'
	# shellcheck disable=SC2046
	out=$("$dindbind" -p 0 -b "$vol:$home/_work" -b "$W/docker.sock:/var/run/docker.sock" \
		-o "$options" -f oci $(github))
	expect 'exit status' $? 0
	out=$(printf '%s\n' "$out" | sed 's/},[[:space:]]*{/},\
 {/g')
	printf '%s\n' "$out" | grep '"/__e"' | show
	check_oci "$out" "*\"type\":\"overlay\"*lowerdir=$W/5$home/externals:*:$W/2$home/externals\"*"
}

# The namespace takes the mounts along; the runner goes when the pipe in its standard input closes.
trap 'exec 8>&-; wait' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

build || die "cannot build the runner's layers"
start
[ -n "$PID" ] || die "the runner did not start"

echo "A runner: PID $PID, overlay root of an upperdir and five layers, a volume at $home/_work.
$home/externals is empty in layers 5 and 4; layer 3 has node16, layer 2 node20.
(\$W is $W, which only this demo sees. A FIFO plays docker.sock.)"

by_pid
by_table
stop
by_layers

if [ $failed -ne 0 ]; then
	heading "$failed answers were not as expected."
	exit 1
fi
heading 'All answers were as expected.'
