# layouts.sh - every engine in every storage layout that it has; sourced by e2e.sh
#
# SPDX-License-Identifier: 0BSD
# shellcheck shell=bash
# shellcheck disable=SC2016,SC2034,SC2154
#
# A cell of the table is one view of one runner: all sources that are answered are mounted into one sibling, which lists
# names, types, modes, owners, times, inodes and contents, and writes where the runner can; the runner must have listed
# the same, sees what was written, and writes back. A source that is refused is counted with its error word. A cell fails
# if a sibling sees anything else, and if something is refused that may_refuse() does not name.

# What is asked for, and how the sibling uses it: rw, ro, once (it only looks), left (what it writes is seen when the
# dead runner is started again). `staged`: only a stage can have it.
layout_live='rw file /home/runner/up.txt
once file /etc/one.conf
rw dir /home/runner/externals
rw dir /home/runner/_work
rw dir /mnt/dir
ro dir /mnt/ro
rw file /mnt/file
rw nested /home/runner'
layout_dead='left file /home/runner/up.txt
ro file /etc/one.conf
ro merged /home/runner/externals staged
left dir /home/runner/_work
left dir /mnt/dir
ro dir /mnt/ro
left file /mnt/file'
# A runner without an engine that describes it is its layers when it is dead.
layout_layers=$(head -n 3 <<<"$layout_dead" | sed 's/^left/once/')

# may_refuse ENGINE STORAGE, VIEW: a pattern of the sources that may be refused, whatever the error word. This is the one
# place: take a row out when it is answered. What is answered must be right already.
may_refuse() {
	local root='@(/etc/one.conf|/home/runner|/home/runner/up.txt|/home/runner/externals)'
	case "$1" in
	# no mount names this root, and docker's seccomp filter hides by which id the description's is mine
	'docker image store'*', -S -r' | 'docker image store, own'*', -S' | *'packages put it'*', -S') echo "$root" ;;
	# FUSE shows no upperdir, and without a keyring nothing shows whose description it is
	'docker fuse-overlayfs, -S -r') echo "$root" ;;
	# where the data root is, neither the root's options nor packages say
	'docker image store'*', -S' | *vfs*', -S' | *fuse-overlayfs', -S') echo '*' ;;
	# these describe no layers, or layers of a program, or of an engine that does not run as root
	'docker image store'*', dead' | *vfs*', dead' | *fuse-overlayfs', dead') echo "$root" ;;
	'docker userns-remap'*', dead') echo '*' ;;
	'podman rootless'*', dead') echo "$root" ;;
	esac
}

# What a runner gets from the host, owned by who is root in it.
layout_tree() {
	mkdir -p "$W/gift/dir/sub" "$W/gift/ro/sub"
	echo 'of the host' >"$W/gift/dir/sub/file"
	echo 'of the host, read-only' >"$W/gift/ro/sub/file"
	echo 'one file of the host' >"$W/gift/file"
	chown -R "$1:$1" "$W/gift"
}

# udev lets everybody open it, where there is udev.
layout_fuse() {
	[ -e "$W/fuse" ] || { mknod "$W/fuse" c 10 229 && chmod 666 "$W/fuse"; }
	mount --bind "$W/fuse" /dev/fuse
}

# ---- The engines ------------------------------------------------------------------------------------
#
# E_layouts             the names of what there is, a line each
# E_lacks STORAGE       why this engine does not have it, or nothing
# E_layout STORAGE      start it
# E_end                 stop it, and remove what it has stored

# What is remapped, and an ordinary user: uid 1500 with 65,536 more.
layout_user() {
	grep -q '^e2e:' /etc/passwd || echo 'e2e:x:1500:1500::/:/bin/sh' >>/etc/passwd
	grep -q '^e2e:' /etc/group || echo 'e2e:x:1500:' >>/etc/group
	grep -q '^e2e:' /etc/subuid || echo 'e2e:2000000:65536' | tee -a /etc/subuid >>/etc/subgid
}

docker_layouts() {
	printf '%s\n' default 'image store, own containerd' 'image store, system containerd' vfs fuse-overlayfs \
		userns-remap
	# only where these places are nobody's
	[ -z "${MACHINE-}" ] || echo 'image store, where packages put it'
}

docker_lacks() {
	case $1 in
	'image store'*) [ "$(dockerd --version | sed 's/[^0-9]*\([0-9]*\).*/\1/')" -ge 24 ] || echo 'docker has none before 24' ;;
	*) layout_lacks "$1" ;;
	esac
}

layout_lacks() {
	local missing=''
	case $1 in
	*fuse-overlayfs*) missing=$(absent fuse-overlayfs) ;;&
	rootless* | userns-remap) missing="$missing $(absent newuidmap)" ;;
	esac
	[ -z "${missing// /}" ] || echo "not installed: $missing"
}

docker_layout() {
	local root=$W/layout/root
	docker_options=(--containerd "$W/containerd/sock") docker_config='{}'
	case $1 in
	'image store'*) docker_config='{"features":{"containerd-snapshotter":true}}' ;;&
	*'own containerd') docker_options=() ;;
	*packages*)
		root=/var/lib/docker
		mount --bind "$W/var-lib" /var/lib && containerd_down && containerd_root=/var/lib/containerd || return ;;
	vfs | fuse-overlayfs) docker_options+=(--storage-driver "$1") ;;
	userns-remap) docker_options+=(--userns-remap e2e) && layout_tree 2000000 ;;
	esac
	docker_up "$root" || return
	storage=$1$(docker info -f '{{if ne .Driver "'"$1"'"}} ({{.Driver}}){{end}}')
	case $1:$(docker info -f '{{.DriverStatus}}') in
	'image store'*:*containerd.snapshotter*) ;;
	'image store'*) echo 'it is not the image store' && return 1 ;;
	esac
}

docker_end() {
	docker_down
	if [ "${containerd_root-}" ]; then
		containerd_root=''
		containerd_down
		rm -rf --one-file-system /var/lib/docker /var/lib/containerd
		umount /var/lib
	fi
}

podman_layouts() {
	printf '%s\n' default vfs fuse-overlayfs rootless 'rootless, fuse-overlayfs'
}

podman_lacks() { layout_lacks "$1"; }

podman_layout() {
	local options=()
	# crun, which is the default, refuses a hybrid hierarchy of cgroups
	[ "$(stat -f -c %T /sys/fs/cgroup)" = cgroup2fs ] || options=(--runtime "$(command -v runc)")
	case $1 in
	vfs) options+=(--storage-driver vfs) ;;
	*fuse-overlayfs)
		options+=(--storage-driver overlay --storage-opt "overlay.mount_program=$(command -v fuse-overlayfs)") ;;&
	rootless*)
		mkdir -p /run/user/1500 "$podman_at/home"
		chown 1500:1500 /run/user/1500 "$podman_at" "$podman_at/home" && chmod 700 /run/user/1500 || return
		podman_as=(setpriv --reuid 1500 --regid 1500 --clear-groups env -C / "CONTAINERS_CONF=$podman_at/containers.conf"
			"HOME=$podman_at/home" XDG_RUNTIME_DIR=/run/user/1500)
		layout_fuse || return
		podman_parent=() stage=/run/user/1500/stage through=("${podman_as[@]}" podman unshare)
		outside=("${through[@]}" "$D")
		layout_tree 1500 ;;
	esac
	podman_ready "${options[@]}" || return
	case $1 in
	default | rootless) storage=$1$(podman_ info --format ' ({{.Store.GraphDriverName}}, {{.Host.OCIRuntime.Name}})') ;;
	esac
}

podman_end() {
	end_user 1500
	podman_down || return
	rm -rf --one-file-system /run/user
	[ ${#through[@]} -eq 0 ] || umount /dev/fuse
}

runc_layouts() { echo overlay; }
crun_layouts() { echo overlay; }
containerd_layouts() { echo overlayfs; }
for layout_engine in runc crun containerd; do
	eval "${layout_engine}_lacks() { :; }
		${layout_engine}_layout() { ${layout_engine}_up; }
		${layout_engine}_end() { :; }"
done

# ---- Cells ------------------------------------------------------------------------------------------

# join: M goes to what there is already, $mounts
join() {
	case $engine in
	docker | podman) mounts+=("${M[@]}") ;;
	*) mounts=("$(jq -cs add <<<"${mounts[0]-[]} ${M[0]}")") ;;
	esac
}

# answered HOW KIND SOURCE TARGET: it gets its place in the sibling, and in what that must print
answered() {
	local n=$((${#ours[@]} / 3 + 1))
	join
	ours+=("$1" "$2" "$3")
	theirs+=("$1" "$2" "$4")
	dead "$PID" || seen["$2 $3"]=$(in_runner probe view "$2" "$3" 2>&1)
	listed="${listed}[$n]"$'\n'"${seen["$2 $3"]}"$'\n'
	case $1 in
	rw) written="${written}[$n]"$'\nboth ways\n' ;;
	left) written="${written}[$n]"$'\nleft\n' ;;
	ro) written="${written}[$n]"$'\nrefused\n' ;;
	esac
}

# not_answered SOURCE ARGUMENT...: with which word, and whether it may be
not_answered() {
	local src=$1 line word may
	shift
	line=$(tail -n 1 "$W/err")
	word=$(dind "$@" -f json -v "$src:/x" 2>/dev/null | jq -r '.error // empty')
	word=${word:-none}
	refused="$refused $src ($word)"
	case " $words " in *" $word "*) ;; *) words="$words $word" ;; esac
	may=$(may_refuse "$engine $storage, $view")
	# shellcheck disable=SC2053
	[[ $src == $may ]] || why="$why $src is refused: $line"
}

# compared: one sibling with all of them, and the runner beside it
compared() {
	local want="$listed${written%$'\n'}" got rc waiter=''
	serial=$((serial + 1))
	if ! dead "$PID"; then
		in_runner probe partner "${ours[@]}" >"$W/waiter" 2>&1 </dev/null &
		waiter=$!
	fi
	M=("${mounts[@]}")
	got=$("${engine}_sibling" "s$serial" /bin/probe both "${theirs[@]}" 2>"$W/err")
	rc=$?
	if [ "$waiter" ]; then
		[ $rc -eq 0 ] || kill $waiter 2>/dev/null
		wait $waiter || why="$why the runner: $(cat "$W/waiter")"
		in_runner probe clean "${ours[@]}"
	else
		left=("${ours[@]}")
	fi
	if [ $rc -ne 0 ]; then
		why="$why status $rc: $(tail -n 2 "$W/err") ${got##*$'\n'}"
	elif [ "$got" != "$want" ]; then
		why="$why WRONG (< runner, > sibling): $(diff <(echo "$want") <(echo "$got") | grep '^[<>]')"
	fi
}

# cell VIEW SOURCES ARGUMENT...: sets $cells[VIEW]
cell() {
	local view=$1 list=$2 how kind src place where n=0
	local mounts=() theirs=() ours=() listed='' written='' why='' refused='' words=''
	shift 2
	while read -r how kind src place <&3; do
		n=$((n + 1)) where=()
		[ -z "$place" ] || where=(-s "$stage")
		if answer "$engine" "$src" "/x$n" rw "$@" "${where[@]}" 2>"$W/err"; then
			answered "$how" "$kind" "$src" "/x$n"
		else
			not_answered "$src" "$@" "${where[@]}"
		fi
	done 3<<<"$list"
	[ ${#ours[@]} -eq 0 ] || compared
	! layout_staged || dind -u "$stage" || why="$why -u: $?"
	cells[$view]="$((${#ours[@]} / 3))/$n$words"
	[ "${cells[$view]}" != "$n/$n" ] || cells[$view]=all
	[ -z "$why" ] || cells[$view]="FAILED ${cells[$view]}"
	report "$engine" "$storage, $view: ${cells[$view]}${refused:+; refused:$refused}" "$why"
}

layout_staged() { "${through[@]}" test -e "$stage"; }

layout_views=(-p '-p -s' -r dead -S '-S -r')
layout_table=()

# layout ENGINE STORAGE: a row of the table
layout() {
	local engine=$1 layout=$2 storage=$2 why stage=$stage outside=("$D") through=() left=() options row view
	local podman_as=() podman_parent=("${podman_parent[@]}") podman_pid='' podman_at=$W/layout
	local docker_options=() docker_config='{}'
	local -A cells=() seen=()
	why=$("${engine}_lacks" "$layout")
	if [ "$why" ]; then
		skip "$engine" "$layout" "$why"
		return
	fi
	mkdir -p "$W/layout"
	layout_tree 0
	layout_user
	if ! "${engine}_layout" "$layout" >"$W/up" 2>&1; then
		report "$engine" "$layout: starting it" "$(tail -n 3 "$W/up")"
	else
		extra=(-v "$W/gift/dir:/mnt/dir" -v "$W/gift/ro:/mnt/ro:ro" -v "$W/gift/file:/mnt/file")
		if begin "$engine" few; then
			case $engine in
			docker | podman) layout_described ;;
			*) layout_plain ;;
			esac
			finish "$engine"
		else
			"${engine}_rm" runner >/dev/null 2>&1
		fi
		extra=()
	fi
	"${engine}_end" >"$W/up" 2>&1 || report "$engine" "$layout: stopping it" "$(tail -n 3 "$W/up")"
	rm -rf --one-file-system "$W/layout" "$W/gift"
	row="$engine | $storage"
	for view in "${layout_views[@]}"; do row="$row | ${cells[$view]:--}"; done
	layout_table+=("$row")
}

# What the runner saw, for the time when it is dead.
layout_remember() {
	local how kind src place
	while read -r how kind src place <&3; do
		seen["$kind $src"]=$(in_runner probe view "$kind" "$src" 2>&1)
	done 3<<<"$1"
}

# What was left for the dead runner, it sees when it is started again.
layout_again() {
	local why=''
	[ ${#left[@]} -gt 0 ] || return
	if "${engine}_again" >"$W/err" 2>&1 && PID=$("${engine}_inspect" runner | jq '.[0].State.Pid') && ! dead "$PID"; then
		why=$(in_runner probe found "${left[@]}" 2>&1)
	else
		why="it does not start: $(tail -n 2 "$W/err")"
	fi
	report "$engine" "$storage, dead: what is written is there when it is started again" "$why"
}
docker_again() { docker start runner; }
podman_again() { podman_ start runner; }

layout_described() {
	program=("${outside[@]}")
	"${engine}_inspect" runner >"$W/gift/inspect.json"
	cell -p "$layout_live" -p "$PID:$START"
	cell '-p -s' "$layout_live" -p "$PID:$START" -s "$stage"
	cell -r "$layout_live" -r "$W/gift/inspect.json"
	case $layout in rootless*) inner_rootless ;; esac
	from_inside "$engine"
	give "$W/gift/inspect.json"
	cell -S "$layout_live" -S
	cell '-S -r' "$layout_live" -S -r /tmp/inspect.json
	program=("${outside[@]}")
	layout_remember "$layout_dead"
	"${engine}_kill" runner >/dev/null 2>&1
	until_true dead "$PID"
	until_true is_dead "$engine"
	cp "$W/dead.json" "$W/gift/dead.json"
	cell dead "$layout_dead" -r "$W/gift/dead.json"
	layout_again
	program=("$D")
}

# Nobody describes these; dead, they are their layers.
layout_plain() {
	local sources
	sources=$(grep -v /mnt/ <<<"$layout_live")
	cell -p "$sources" -p "$PID:$START"
	cell '-p -s' "$sources" -p "$PID:$START" -s "$stage"
	options=$(root_options)
	layout_remember "$layout_layers"
	case $engine in
	containerd) containerd_kill runner ;;
	*) "${engine}_" --root "$W/$engine/state" kill runner KILL ;;
	esac >/dev/null 2>&1
	until_true dead "$PID"
	cell dead "$layout_layers" -p 0 -o "$options"
}

# layouts ENGINE: all of them, with nothing else of this engine running
layouts() {
	local storage
	while read -r storage <&4; do layout "$1" "$storage"; done 4<<<"$("${1}_layouts")"
}

layout_print() {
	local row
	echo '# engine | storage | outside, live: -p | -p -s | -r | outside, dead | inside: -S | -S -r'
	for row in "${layout_table[@]}"; do echo "# $row"; done
}
