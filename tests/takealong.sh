#!/bin/bash
# takealong.sh - dindbind taken along: into C and Go programs, busybox, an empty image, a package
#
# SPDX-License-Identifier: 0BSD
#
#   tests/takealong.sh [c|busybox|go|scratch|package|dist]...     all by default; $DINDBIND is the binary
#
#   c         dindbind.c and dindbind.h beside a program: each compiler, libc, standard and macro; from C++, from
#             threads, as a shared library, with unused code dropped, for 32 bits
#   busybox   the two files in Debian's busybox source, built by its own make: an applet, in a static program and
#             in one of libraries
#   go        examples/go, where it lies and taken along: cgo, and the program's JSON; its tests, with runc
#   scratch   an image with the tool and nothing else, in docker and podman
#   package   make install and uninstall, the man page, the same bytes wherever it is built
#   dist      make dist: the source, built again, and the tools for two machines
#
# What was taken along is run, and must say what $DINDBIND says. As root it installs the Debian packages that are
# missing; an ordinary user gets a user namespace, and what is missing is skipped. Everything runs in
# namespaces that end with this script, on a tmpfs. One line a case, `N passed, N failed, N skipped` as the last one.

set -u
export LC_ALL=C PATH=$PATH:/usr/sbin:/sbin
all='c busybox go scratch package dist'
top=$(cd "$(dirname "$0")/.." && pwd)
. "$top/tests/shell.sh"

# What a part cannot do without.
needs() {
	case $1 in
	c) echo gcc musl-gcc clang g++ clang++ nm arm-linux-gnueabihf-gcc qemu-arm-static ;;
	busybox) echo make gcc musl-gcc bzip2 ;;
	go) echo go gcc runc ;;
	scratch) echo dockerd docker containerd runc podman ip ;;
	package) echo make gcc musl-gcc man lexgrog mandoc setpriv ;;
	dist) echo make gcc musl-gcc x86_64-linux-gnu-gcc aarch64-linux-gnu-gcc qemu-aarch64-static ;;
	esac
}

# ---- Outside: packages, busybox's source, the namespaces ---------------------------------------------

# What is still missing afterwards is for the cases to say.
packages() {
	local c part list=()
	for c in $(for part; do needs "$part"; done | tr ' ' '\n' | sort -u); do
		[ "$(absent "$c")" ] || continue
		case $c in
		musl-gcc) c=musl-tools ;;
		clang++) c=clang ;;
		nm) c=binutils ;;
		arm-linux-gnueabihf-gcc) c=gcc-arm-linux-gnueabihf ;;
		x86_64-linux-gnu-gcc) c=gcc-x86-64-linux-gnu ;;
		aarch64-linux-gnu-gcc) c=gcc-aarch64-linux-gnu ;;
		qemu-arm-static | qemu-aarch64-static) c=qemu-user-static ;;
		go) c=golang-go ;;
		docker | dockerd) c=docker.io ;;
		ip) c=iproute2 ;;
		man | lexgrog) c=man-db ;;
		setpriv) c=util-linux ;;
		esac
		list+=("$c")
	done
	# libraries, which no command stands for
	case " $* " in *' c '*)
		[ -e /usr/arm-linux-gnueabihf/include/stdio.h ] || list+=(libc6-dev-armhf-cross)
		echo 'int main(void) { return 0; }' | clang -fsanitize=thread -x c -o "$dir/tsan" - 2>/dev/null ||
			list+=(libclang-rt-dev)
		rm -f "$dir/tsan" ;;
	esac
	case " $* " in *' dist '*)
		for c in x86_64:amd64 aarch64:arm64; do
			[ -e "/usr/lib/${c%:*}-linux-musl/musl-gcc.specs" ] || ! command -v dpkg >/dev/null ||
				{ dpkg --add-architecture "${c#*:}" && list+=("musl-dev:${c#*:}"); }
		done ;;
	esac
	case " $* " in *' busybox '* | *' dist '*) [ -e /usr/include/cmocka.h ] || list+=(libcmocka-dev) ;; esac
	[ ${#list[@]} -gt 0 ] && command -v apt-get >/dev/null || return 0
	{ apt-get update || :; apt-get install -y --no-install-recommends "${list[@]}"; } >"$dir/apt" 2>&1 ||
		{ cat "$dir/apt" >&2; die "cannot install: ${list[*]}"; }
}

# busybox as its authors made it, out of Debian's source package, by lists of its own: those of the machine may
# not have deb-src, and stay as they are.
busybox_source() {
	local apt=$dir/sources list
	mkdir -p "$apt/lists/partial" "$apt/parts"
	for list in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
		[ ! -f "$list" ] || sed -n 's/^deb /deb-src /p' "$list" >"$apt/parts/${list##*/}.list"
	done
	for list in /etc/apt/sources.list.d/*.sources; do
		[ ! -f "$list" ] || sed 's/^Types:.*/Types: deb-src/' "$list" >"$apt/parts/${list##*/}"
	done
	apt_=(apt-get -q -o Dir::Etc::sourcelist=/dev/null -o Dir::Etc::sourceparts="$apt/parts" -o Dir::State::lists="$apt/lists"
		-o Dir::Cache="$apt" -o APT::Sandbox::User=root)
	(cd "$apt" && "${apt_[@]}" update && "${apt_[@]}" source --download-only busybox) >"$dir/apt" 2>&1
	mv "$apt"/busybox_*.orig.tar.* "$dir/busybox.tar" 2>/dev/null || tail -n 3 "$dir/apt" >&2
	rm -r "$apt"
}

if [ "${1-}" != --inside ] && [ "${1-}" != --engines ]; then
	for part; do
		case " $all " in *" $part "*) ;; *) die "$part: no such part; there are: $all" ;; esac
	done
	# shellcheck disable=SC2086
	[ $# -gt 0 ] || set -- $all
	bin=${DINDBIND:-./dindbind}
	[ -x "$bin" ] || die "$bin: no such program (run make first)"
	bin=$(cd "$(dirname "$bin")" && pwd)/${bin##*/}
	dir=$(mktemp -d "${TMPDIR:-/tmp}/dindbind-take.XXXXXX") || die 'no temporary directory'
	dir=$(cd "$dir" && pwd -P)
	trap 'find /sys/fs/cgroup -depth -type d -path "*/${dir##*/}*" -exec rmdir {} + 2>/dev/null
		rm -rf --one-file-system "$dir"' EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM HUP
	chmod 755 "$dir"
	unshare=(unshare --mount --propagation private)
	if [ "$(id -u)" = 0 ]; then
		packages "$@"
	else
		unshare+=(--map-root-user)
	fi
	case " $* " in *' busybox '*) [ "$(absent apt-get)" ] || busybox_source ;; esac
	rm -f "$dir/apt"
	"${unshare[@]}" bash "$0" --inside "$dir" "$bin" "$(id -u)" "$@"
	exit
fi

mode=$1 dir=$2 D=$3 user=$4
shift 4
T=$dir/w
passed=0 failed=0 skipped=0

# ---- Bookkeeping ------------------------------------------------------------------------------------

# report CASE [WHY]: without a reason it passed
report() {
	if [ -z "${2-}" ]; then
		echo "ok $part $1"
		passed=$((passed + 1))
	else
		echo "not ok $part $1: $(tail -c 2000 <<<"$2")"
		failed=$((failed + 1))
	fi
}

skip() {
	echo "skip $part $1: $2"
	skipped=$((skipped + 1))
}

# works CASE COMMAND...: status 0
works() {
	local name=$1 out
	shift
	if out=$("$@" 2>&1); then report "$name"; else report "$name" "status $?: $out"; fi
}

# same CASE WANTED GOT
same() {
	if [ "$2" = "$3" ]; then report "$1"; else report "$1" "$(diff <(echo "$2") <(echo "$3"))"; fi
}

# beside DIR...: the two files, and nothing else of ours
beside() {
	local to
	for to; do cp "$top/dindbind.c" "$top/dindbind.h" "$to/" || exit; done
}

finish() {
	echo "$passed passed, $failed failed, $skipped skipped"
	[ $failed = 0 ]
	exit
}

# ---- A runner, and what the tool says of it ---------------------------------------------------------

# A mount namespace and a root of its own, with directories of the host's at /w and /n/sub. It lives until $hold is closed.
runner() {
	mkdir -p root/old root/w root/n/sub root/proc host/w/x host/o l/1/d l/2/d l/3/only
	echo file | tee host/w/x/file host/w/file l/1/d/one >l/2/d/two
	echo below >host/o/file
	ln -s x/file host/w/link
	echo bytes >host/w/$'\xff\\udcff"'
	mkfifo hold ready host/w/fifo
	exec {hold}<>hold
	# shellcheck disable=SC2016
	unshare --mount --propagation private sh -c '
		mount --bind root root && mount --bind host/w root/w && mount --bind host/o root/n/sub && cd root && pivot_root . old && cd / &&
			echo $$ && read -r _' <hold >ready {hold}>&- &
	read -r PID <ready
	layers=lowerdir=$T/l/3:$T/l/2:$T/l/1
	[ "$user" = 0 ] || layers=$layers,userxattr
}

views='live host row staged dead'
sources=(/w /n /w/x/file /w/link /w/fifo /nope / relative)

# view NAME: $place, $pid, $host, $path, $overlay and $of, as embed.c has them
view() {
	place=open pid=$PID host='' path='' overlay='' of=("${sources[@]}")
	case $1 in
	host) place=host ;;
	row) host=$T/host/w path=/rows of=(/rows /rows/x/file /rows/nope /w) ;;
	staged) place=$2 of=(/w /n /w/x/file /w/link /w/fifo /) ;;
	dead) pid=0 overlay=$layers of=(/d /d/one /only /d/three) ;;
	esac
}

# answers TOOL...: its records in each view, without the messages, and without the numbers that a stage gives out
answers() {
	local v args
	for v in $views; do
		view "$v" "$T/stage.$BASHPID"
		args=(-p "$pid")
		case $v in
		host) args+=(-H) ;;
		row) args+=(-b "$host:$path") ;;
		staged) args+=(-s "$place") ;;
		dead) args=(-o "$overlay") ;;
		esac
		"$@" "${args[@]}" -f json "${of[@]}" 2>/dev/null
		[ "$v" != staged ] || "$@" -u "$place"
	done | sed -E 's/,"message":"([^"\\]|\\.)*"//; s,"/[^"]*/stage[^"]*","STAGED",'
}

# embedded THREADS PROGRAM...: the same of a program that embed.c is in
embedded() {
	local threads=$1 v
	shift
	for v in $views; do
		view "$v" "$T/stage.$BASHPID"
		"$@" "$threads" "$place" "$pid" "$host" "$path" "$overlay" "${of[@]}" || echo "status $?"
	done | sed -E 's,"/[^"]*/stage[^"]*","STAGED",'
}

# ---- c ----------------------------------------------------------------------------------------------

warn=(-Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror)

# musl_clang ARGUMENT...: what musl-gcc does, to compile
musl_clang() {
	clang -nostdinc -isystem "$musl_include" -isystem "$(clang -print-resource-dir)/include" "$@"
}

# build_and_run NAME COMPILER LINKER STANDARD MACRO...: as a program of its own, or with one. Says what is wrong.
build_and_run() {
	local at=$T/c/$1 cc=$2 link=$3 std=$4
	shift 4
	mkdir -p "$at" && beside "$at" && cd "$at" || return
	"$cc" "-std=$std" "${warn[@]}" "$@" -c dindbind.c || return
	case " $* " in
	*' -DDINDBIND_NO_MAIN '*)
		"$link" -o program "$T/c/embed-$cc-$std.o" dindbind.o -lpthread && diff "$T/wanted" <(embedded 2 ./program) ;;
	*)
		"$link" -o program dindbind.o && diff "$T/wanted" <(answers ./program) &&
			diff "$T/refused" <(./program -p "$PID" /w/x /nope 2>&1) ;;
	esac
}

# Each macro that dindbind.c asks for, defined and not; but the one that is for its own tests.
c_matrix() {
	local macros=(-DDINDBIND_NO_MAIN -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64) asked cc std n name given bit
	asked=$(sed -nE 's/^#if(n?def| !?defined) *\(?([A-Z_]*).*/\2/p' "$top/dindbind.c" | grep -vE '^(SYS_|__|DINDBIND_CHECKED$)' | sort -u)
	same 'the macros that dindbind.c asks for are those that are tried here' \
		"$(printf '%s\n' "${macros[@]}" | sed 's/^-D//; s/=.*//' | sort)" "$asked"
	for cc in gcc clang musl-gcc musl_clang; do
		link=${cc/musl_clang/musl-gcc}
		if [ "$(absent "${cc/#musl_/}" "$link")" ]; then
			skip "$cc" 'not installed'
			continue
		fi
		for std in c11 gnu17; do
			works "${cc/_/ } -std=$std: a program with the header" \
				"$cc" "-std=$std" -D_GNU_SOURCE "${warn[@]}" -I"$top" -c -o "c/embed-$cc-$std.o" "$top/tests/takealong/embed.c"
			# the system's own macros say what a gnu standard says already
			for ((n = 0; n < (${#std} < 4 ? 8 : 2); n++)); do
				given=()
				for bit in 0 1 2; do [ $((n >> bit & 1)) = 0 ] || given+=("${macros[bit]}"); done
				name="${cc/_/ } -std=$std ${given[*]}"
				name=${name% }
				while [ "$(jobs -pr | wc -l)" -gt "$cores" ]; do wait -n; done
				(why=$(build_and_run "$cc-$std-$n" "$cc" "$link" "$std" "${given[@]}" 2>&1) || why=${why:-status $?}
				printf '%s\n%s' "$name" "$why" >"$T/c/$cc-$std-$n.result") &
			done
		done
	done
	# not the runner
	while [ "$(jobs -pr | wc -l)" -gt 1 ]; do wait -n; done
	for name in c/*.result; do
		report "$(head -n 1 "$name"): built, run" "$(tail -n +2 "$name")"
	done
}

# names OF-NM-ARGUMENT...: of the symbols that it lists
names() {
	nm "$@" | awk '{ print $NF }' | sort
}

c_cases() {
	local at=$T/c/more header cc soname views=$views
	musl_include=$(musl-gcc -E -v -x c /dev/null 2>&1 | sed -n 's,^ \(/[^ ]*musl[^ ]*\)$,\1,p' | head -n 1)
	mkdir -p "$at"
	c_matrix
	cd "$at" && beside . && cp "$top/tests/takealong/embed.c" . || return
	header=$(grep -oE '\<dindbind_[a-z_]+\(' dindbind.h | tr -d '(' | sort -u)

	gcc -O1 -fno-pie -DDINDBIND_NO_MAIN -c dindbind.c
	same 'no global name but those of the header' "$header" "$(names -g --defined-only dindbind.o)"
	same 'no variable' '' "$(nm dindbind.o | grep -i ' [bcd] ')"
	same 'nothing that ends a program or prints by stdio' '' \
		"$(names -u dindbind.o | grep -xE '_?exit|abort|__assert_fail|stdout|stderr|.*printf.*|f?put[cs]|perror|system|popen')"
	for cc in g++ clang++; do
		[ -z "$(absent "$cc")" ] || { skip "$cc" 'not installed'; continue; }
		works "$cc: the header, and a program with dindbind.o" "$cc" -x c++ -std=c++11 "${warn[@]}" -c -o "$cc.o" embed.c
		"$cc" -o "$cc" "$cc.o" dindbind.o -no-pie -lpthread
		same "$cc: the answers" "$(cat "$T/wanted")" "$(embedded 2 "./$cc" 2>&1)"
	done
	for cc in gcc clang; do
		[ -z "$(absent "$cc")" ] || { skip "$cc -fsanitize=thread" 'not installed'; continue; }
		works "$cc -fsanitize=thread: built" \
			"$cc" -g -O1 -fsanitize=thread -D_GNU_SOURCE -DDINDBIND_NO_MAIN -o threads embed.c dindbind.c -lpthread
		# the sanitizer wants the addresses that it knows; the child that makes a stage is a fork(2) to it
		same "$cc -fsanitize=thread: four threads on one runner" "$(grep -v STAGED "$T/wanted")" \
			"$(views=${views/staged /}; TSAN_OPTIONS=halt_on_error=1 embedded 4 setarch -R ./threads 2>&1)"
	done

	# the soname that the header asks for
	soname=libdindbind.so.$(sed -n 's/^.define DINDBIND_VERSION "\(.*\)\..*"/\1/p' dindbind.h)
	gcc -O2 -fPIC -shared -DDINDBIND_NO_MAIN -Wl,-z,defs "-Wl,-soname,$soname" -o "$soname" dindbind.c
	ln -s "$soname" libdindbind.so
	same 'shared library: it exports the header' "$header" "$(names -D --defined-only libdindbind.so)"
	gcc -D_GNU_SOURCE -o shared embed.c -L. -ldindbind -lpthread
	same 'shared library: the answers' "$(cat "$T/wanted")" "$(LD_LIBRARY_PATH=. embedded 2 ./shared 2>&1)"

	gcc -Os -ffunction-sections -fdata-sections -DDINDBIND_NO_MAIN -c dindbind.c
	gcc -D_GNU_SOURCE -Wl,--gc-sections -o collected embed.c dindbind.o -lpthread
	same '-Wl,--gc-sections: the answers' "$(cat "$T/wanted")" "$(embedded 2 ./collected 2>&1)"
	same '-Wl,--gc-sections: the applet is not in it' '' "$(names collected | grep -xE 'dindbind_main|usage_text')"
	printf '#include "dindbind.h"\nint main(void) { return dindbind_status(DINDBIND_E_GONE) - 3; }\n' >small.c
	gcc -Wl,--gc-sections -o small small.c dindbind.o
	same '-Wl,--gc-sections: only what is called is in it' 'dindbind_status' "$(names small | grep dindbind_)"

	if [ "$(absent arm-linux-gnueabihf-gcc qemu-arm-static)" ]; then
		skip 'glibc for 32 bits' 'no arm-linux-gnueabihf-gcc, or no qemu-arm-static'
		return
	fi
	works 'glibc for 32 bits: built' arm-linux-gnueabihf-gcc -std=c11 -static -D_GNU_SOURCE "${warn[@]}" -DDINDBIND_NO_MAIN \
		-o arm embed.c dindbind.c -lpthread
	# the emulator has no calls to stage with
	views='live host row dead'
	same 'glibc for 32 bits: the answers' "$(answers "$D")" "$(embedded 2 qemu-arm-static ./arm 2>&1)"
}

# ---- busybox ----------------------------------------------------------------------------------------

# configure DIR SYMBOL...: nothing but these; `make O=DIR` leaves the source alone
configure() {
	local out=$1 symbol
	shift
	mkdir "$out" && make -C source O="$out" allnoconfig || return
	for symbol; do sed -i "s/^# CONFIG_$symbol is not set/CONFIG_$symbol=y/" "$out/.config"; done
	(yes n 2>/dev/null | make -C "$out" oldconfig)
	for symbol; do grep -x "CONFIG_$symbol=y" "$out/.config" || return; done
}

# both ARGUMENT...: what the tool and the applet say, and their status
both() {
	same "dindbind $*: the same" "$("$D" "$@" 2>&1 <"$given"; echo "status $?")" \
		"$(busybox/busybox dindbind "$@" 2>&1 <"$given"; echo "status $?")"
}

busybox_cases() {
	local cc=gcc given=/dev/null log size text
	[ -z "$(absent musl-gcc)" ] && cc=musl-gcc
	mkdir -p pristine busybox && tar -C pristine --strip-components=1 -xf "$dir/busybox.tar" || return
	cp -a pristine source
	beside source/util-linux
	works 'configured' configure "$T/busybox/static" STATIC BUSYBOX SHOW_USAGE FEATURE_VERBOSE_USAGE DINDBIND ASH SH_IS_ASH \
		FEATURE_SH_STANDALONE
	log=$(make -C busybox/static -j "$cores" CC="$cc" 2>&1)
	report "built by its make, $cc" "$([ -x busybox/static/busybox ] || echo "$log")"
	same 'no warning about the two files' '' "$(grep -A 5 -E 'dindbind\.[ch]:|dindbind_main' <<<"$log")"
	[ -x busybox/static/busybox ] || return
	same 'nothing else in the source is changed' "$(printf 'Only in source/util-linux: %s\n' dindbind.c dindbind.h)" \
		"$(diff -rq --no-dereference pristine source)"
	size=$(size -A busybox/static/util-linux/dindbind.o | awk '/^\.(text|rodata|data)/ { n += $2 } END { print int((n + 500) / 1000) }')
	text=$(sed -n 's/^.*bool "dindbind (\([0-9]*\) kb)"$/\1/p' "$top/dindbind.c")
	report 'the size in its menu is right, to 5 kb' \
		"$([ $((text - size)) -le 5 ] && [ $((size - text)) -le 5 ] || echo "it says $text kb, and is $size kb")"

	ln -sf static/busybox busybox/busybox
	ln -sf static/busybox busybox/dindbind
	same 'it lists dindbind' dindbind "$(busybox/busybox --list | grep -x dindbind)"
	same '--help refers to -h' 'All options: dindbind -h' "$(busybox/busybox dindbind --help 2>&1 | grep -e ' -h$')"
	same 'busybox dindbind: the answers' "$(cat wanted)" "$(answers busybox/busybox dindbind)"
	same 'a link of that name: the answers' "$(cat wanted)" "$(answers busybox/dindbind)"
	both -V
	both -h
	both
	both --nope
	both -p "$PID" /w/x /nope
	both -p "$PID" -v /w/x:/t:ro -v /:/u
	both -p "$PID" -f oci --mount type=bind,source=/w/x,target=/t
	echo '{"HostConfig":{"Binds":["/w/x:/t"],"x":1.0}}' >body
	printf '%s\n' /w/x /nope /w/file >paths
	given=body both -p "$PID" -c
	given=paths both -p "$PID" -
	# there it is a process of the shell's own, without exec
	echo 'bind /d:/x' >rows
	echo /w/x >one
	same 'in its shell, with nothing in PATH' "$(printf '/d\n%s:/t' "$T/host/w/x")" \
		"$(PATH=/nonexistent busybox/busybox sh -c 'DINDBIND_RUNNER=$2 dindbind /x; dindbind -p $1 /nope 2>/dev/null ||
			while read -r x; do dindbind -p $1 -v $x:/t; done <$3' sh "$PID" "$T/rows" "$T/one")"
	works 'tests/covered_rows.c is built' gcc -std=gnu11 -o covered_rows "$top/tests/covered_rows.c" -lcmocka
	log=$(DINDBIND=$T/busybox/dindbind ./covered_rows 2>&1)
	report 'tests/covered_rows.c' "$(grep -qE '^[0-9]+ passed, 0 failed, [0-9]+ skipped$' <<<"$log" || echo "$log")"

	# Each applet a program of its own, and the code of all in a library.
	works 'configured as a library' configure "$T/busybox/shared" BUSYBOX DINDBIND BUILD_LIBBUSYBOX FEATURE_INDIVIDUAL \
		FEATURE_SHARED_BUSYBOX
	works 'built as a library, gcc' make -C busybox/shared -j "$cores"
	same 'a program of libbusybox.so: the answers' "$(cat wanted)" \
		"$(LD_LIBRARY_PATH=busybox/shared/0_lib answers busybox/shared/0_lib/dindbind 2>&1)"
}

# ---- go ---------------------------------------------------------------------------------------------

# go_wanted PATH...: of the tool, as the example prints it
go_wanted() {
	local path answer
	for path; do
		answer=$("$D" -p "$PID" -f json -- "$path" 2>/dev/null)
		if [[ $answer = *'"error"'* ]]; then
			sed 's/.*"error":"\([a-z]*\)".*/refused \1/' <<<"$answer"
		else
			"$D" -p "$PID" -- "$path" | sed 's/^/open /'
			"$D" -p "$PID" -v "$path:/TARGET" | sed 's/^/mount /; s,:/TARGET,:TARGET,'
		fi
	done
}

go_cases() {
	local log result name wanted paths=(/w /w/x/file /n /w/link /nope /w/$'\xff\\udcff"' relative '')
	local -x GOFLAGS=-mod=mod GOPROXY=off GOSUMDB=off GOTOOLCHAIN=local GODEBUG=cgocheck=2
	local -x GOCACHE=$T/go-cache GOPATH=$T/go-path HOME=$T TMPDIR=$T PATH=$T/go-bin:$PATH
	# the tree may be somebody else's, whom git does not trust
	works 'where it lies: go build' env -C "$top/examples/go" go build -buildvcs=false ./...
	works 'where it lies: go vet' env -C "$top/examples/go" go vet ./...
	mkdir go-bin && cp "$D" go-bin/dindbind && cp -rL "$top/examples/go" go && cd go || return
	same 'taken along: the two files' "$(sha256sum <"$top/dindbind.c"; sha256sum <"$top/dindbind.h")" \
		"$(find dindbind -type f -name '*.[ch]' | sort | while read -r name; do sha256sum <"$name"; done)"
	same 'gofmt' '' "$(gofmt -l .)"
	works 'package command, without C' env CGO_ENABLED=0 go build ./command
	works 'go build' go build
	works 'go vet' go vet ./...
	[ -x dindbind.example ] || return
	log=$(go test -count=1 -v ./command ./proxy/... 2>&1)
	while read -r result name; do
		case $result in
		PASS:) report "go test: $name" ;;
		SKIP:) skip "go test: $name" "$(grep -B 1 -- "--- SKIP: $name" <<<"$log" | sed -n '1s/^ *//p')" ;;
		esac
	done < <(sed -nE 's/^--- (PASS|SKIP): (\S+).*/\1: \2/p' <<<"$log")
	report 'go test: nothing else' "$(grep -q '^--- PASS' <<<"$log" && ! grep -q FAIL <<<"$log" || echo "$log")"
	wanted=$(go_wanted "${paths[@]}")
	same 'library: the answers, all at once' "$wanted" "$(./dindbind.example library "$PID" "${paths[@]}" 2>&1)"
	same 'program: the answers' "$(grep -v '^mount' <<<"$wanted")" "$(./dindbind.example program "$PID" "${paths[@]}" 2>&1)"
	if [ "$user" = 0 ]; then
		same 'library: a stage' "$(printf 'mount %s\n' "$T/go-stage/0" "$T/go-stage/1")" \
			"$(./dindbind.example stage "$PID" "$T/go-stage" /w/x /n 2>&1)"
		same 'library: what is in the stage' $'file\nbelow' "$(cat "$T/go-stage/0/file" "$T/go-stage/1/sub/file" 2>&1)"
		works 'the stage is taken down' "$D" -u "$T/go-stage"
		wanted=$("$D" -p "$PID" -s "$T/go-stage" -f oci -v /w/x:/t:ro -v /n:/u; "$D" -u "$T/go-stage")
		same 'program: mounts, in a stage' "$wanted" "$(./dindbind.example mounts "$PID" "$T/go-stage" /w/x:/t:ro /n:/u 2>&1)"
		"$D" -u "$T/go-stage"
	else
		skip 'library: a stage' 'needs root'
	fi
	same 'library: a refused stage' $'dindbind: /nope: not there\nstatus 1\nnone' \
		"$(./dindbind.example stage "$PID" "$T/go-stage" /w/x /nope 2>&1 | sed 's/\(not there\).*/\1/'; echo "status ${PIPESTATUS[0]}"
		[ -e "$T/go-stage" ] || echo none)"
	same 'library: no such runner' $'dindbind: runner: no live process has this PID\nstatus 1' \
		"$(./dindbind.example library 4194305 / 2>&1 | sed 's/\(PID\):.*/\1/'; echo "status ${PIPESTATUS[0]}")"
	same 'library: specs' "$("$D" -p "$PID" -v /w/x:/t -v data:/d | sed 's/^/-v /')" \
		"$(./dindbind.example volumes "$PID" /w/x:/t data:/d 2>&1)"
	same 'library: a refused spec' "$("$D" -p "$PID" -v /nope:/t 2>&1)" \
		"$(./dindbind.example volumes "$PID" /w/x:/t2 /nope:/t 2>&1)"
	same 'library: a spec that is wrong' 'dindbind: the target cannot be /' "$(./dindbind.example volumes "$PID" /w/x:/ 2>&1)"
	echo '{"HostConfig":{"Binds":["/w/x:/t"],"x":1.0}}' >body
	same 'library: a body' "forward $("$D" -p "$PID" -c <body)" "$(./dindbind.example body "$PID" <body 2>&1)"
	same 'library: a refused body' "400 $(sed s/w/nope/ body | "$D" -p "$PID" -c 2>&1 | sed 's/^dindbind: //')" \
		"$(sed s/w/nope/ body | ./dindbind.example body "$PID" 2>&1)"
	same 'library: a body that is none' '400 byte 0: no value' "$(echo , | ./dindbind.example body "$PID" 2>&1)"
	same 'program: a body' "forward $("$D" -p "$PID" -c <body)" "$(./dindbind.example create "$PID" <body 2>&1)"
	same 'program: a refused body' "400 $(sed s/w/nope/ body | "$D" -p "$PID" -c 2>&1)" \
		"$(sed s/w/nope/ body | ./dindbind.example create "$PID" 2>&1)"
	same 'program: a body, and no such runner' "500 exit status 3: $("$D" -p 4194305 -c <body 2>&1)" \
		"$(./dindbind.example create 4194305 <body 2>&1)"
}

# ---- package ----------------------------------------------------------------------------------------

# quiet_make DIR ARGUMENT...: as nobody's child, with nothing of the caller's make
quiet_make() {
	local at=$1
	shift
	env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS -u SOURCE_DATE_EPOCH "${as[@]}" make -s -C "$at" "$@"
}

# listed DIR: modes and names of the files
listed() {
	(cd "$1" && find . ! -type d -printf '%m %p\n' | sort)
}

# The tree, as it is here, without what was built.
tree() {
	mkdir "$1" && tar -C "$top" -c --exclude=./.git --exclude=./build --exclude=./dindbind --exclude=./dist \
		--exclude=dindbind.example . | tar -C "$1" -x --no-same-owner
}

install_cases() {
	local dest=$T/dest prefix before wanted
	wanted=$(printf '%s\n' '644 ./share/man/man1/dindbind.1' '755 ./bin/dindbind')
	before=$(stat -c '%i %Y %Z' tree/dindbind)
	for prefix in '' /usr '/opt/a b'; do
		rm -rf "$dest"
		works "make install ${prefix:+PREFIX='$prefix' }DESTDIR=" quiet_make tree install DESTDIR="$dest" ${prefix:+PREFIX="$prefix"}
		same 'installed: two files' "$wanted" "$(listed "$dest${prefix:-/usr/local}")"
		same 'installed: nothing anywhere else' 2 "$(find "$dest" ! -type d | wc -l)"
		works 'installed: what was built' cmp tree/dindbind "$dest${prefix:-/usr/local}/bin/dindbind"
		same 'installed: it runs' "$("$D" -V)" "$("$dest${prefix:-/usr/local}/bin/dindbind" -V)"
		same 'installed: man finds it' "$dest${prefix:-/usr/local}/share/man/man1/dindbind.1" \
			"$(man -M "$dest${prefix:-/usr/local}/share/man" -w dindbind 2>&1)"
		works "make uninstall" quiet_make tree uninstall DESTDIR="$dest" ${prefix:+PREFIX="$prefix"}
		same 'uninstalled: nothing is left' '' "$(listed "$dest")"
		works "make uninstall, again" quiet_make tree uninstall DESTDIR="$dest" ${prefix:+PREFIX="$prefix"}
	done
	same 'installing builds nothing anew' "$before" "$(stat -c '%i %Y %Z' tree/dindbind)"
	if [ "$user" = 0 ]; then
		mkdir "$T/theirs" && chown nobody "$T/theirs"
		as=("${nobody[@]}") works 'make install, by a user who may not write to the tree' quiet_make tree install DESTDIR="$T/theirs"
		same 'installed by that user' "$wanted" "$(listed "$T/theirs/usr/local")"
	else
		skip 'make install, by a user who may not write to the tree' 'needs root, to be two users'
	fi
}

man_cases() {
	local page=$top/dindbind.1 log
	log=$(MANROFFSEQ='' MANWIDTH=80 LC_ALL=C.UTF-8 man -l --warnings "$page" 2>&1 >man.txt)
	same 'man has no warning' '' "$log"
	same 'man shows it' 5 "$(grep -cE '^(NAME|SYNOPSIS|DESCRIPTION|EXIT STATUS|OPTIONS)' man.txt)"
	works 'whatis can read it' lexgrog "$page"
	same 'mandoc has no warning' '' "$(mandoc -Tlint -W warning "$page" 2>&1)"
	same 'it has all options' '' \
		"$("$D" -h | grep -oE -e '--[a-z-]+' | while read -r log; do grep -qw -e "$log" man.txt || echo "$log"; done)"
}

# Where, when, for whom and in which language something is built must not show in it.
same_bytes_cases() {
	local deep="$T/a b/$(printf '%080d' 0)" log
	mkdir -p "${deep%/*}" && cp -r tree "$deep" && quiet_make "$deep" clean || return
	log=$(umask 077; export TZ=Pacific/Apia LC_ALL=C.UTF-8 LANG=de_DE HOME=/nonexistent; quiet_make "$deep" -j "$cores" 2>&1)
	report 'the same bytes from another directory, TZ, locale and umask' "$(cmp tree/dindbind "$deep/dindbind" 2>&1 || echo "$log")"
	if [ "$user" = 0 ]; then
		cp -r tree theirs/tree && chown -R nobody theirs/tree && rm theirs/tree/dindbind
		as=("${nobody[@]}") works 'make, by another user' quiet_make theirs/tree
		works 'the same bytes from another user' cmp tree/dindbind theirs/tree/dindbind
	else
		skip 'the same bytes from another user' 'needs root, to be two users'
	fi
	same 'no directory of the build in it' '' "$(strings -a tree/dindbind | grep -F "$T")"
}

package_cases() {
	local as=() nobody=(setpriv --reuid=65534 --regid=65534 --clear-groups --)
	tree tree && chmod -R go+rX tree && works 'make' quiet_make tree || return
	install_cases
	man_cases
	same_bytes_cases
}

# ---- dist -------------------------------------------------------------------------------------------

# clone: of ./tree, with the files that git has at the top, and what a user may have left there
clone() {
	[ -e "$top/.git" ] && [ -z "$(absent git)" ] && git -C tree init -q &&
		git -C "$top" -c safe.directory='*' ls-files | git -C tree add --pathspec-from-file=- &&
		git -C tree -c user.name=t -c user.email=t commit -q -m tree &&
		echo left >tree/tests/left && cp "$D" tree/examples/go/proxy/proxy && cp "$D" tree/examples/go/proxy/dindbind
}

dist_cases() {
	local as=() version name log before
	mkdir release && cd release && tree tree && works 'make' quiet_make tree || return
	clone || rm -rf tree/.git
	version=$(sed -n 's/.*DINDBIND_VERSION "\(.*\)"/\1/p' "$top/dindbind.h")
	name=dindbind-$version
	same 'the version is that of the tool' "dindbind $version" "$("$D" -V)"
	mkdir few && ln -s $(type -P sh sed tr stat x86_64-linux-gnu-gcc) few || return
	same 'make dist: what is missing' \
		'make dist: for aarch64, do as root: dpkg --add-architecture arm64; apt-get update; apt-get install gcc-aarch64-linux-gnu musl-dev:arm64' \
		"$(unshare --mount sh -c 'mount -t tmpfs none /usr/lib/aarch64-linux-musl && exec env -u MAKEFLAGS -u MAKELEVEL "PATH=$1" "$(command -v make)" -s -C tree dist' \
			sh "$PWD/few" 2>&1 | grep -v '^make: \*\*\*')"
	same 'make dist: then nothing is made' '' "$(ls -d tree/dist tree/build/dist 2>/dev/null)"
	works 'make dist' quiet_make tree dist
	[ -s "tree/dist/$name.tar.gz" ] || return
	same 'make dist: four files' "$(printf '%s\n' SHA256SUMS "$name-aarch64" "$name-x86_64" "$name.tar.gz")" "$(ls tree/dist)"
	cp -r tree/dist first && cp "first/$name.tar.gz" first.tar.gz
	works 'make dist: the checksums' env -C first sha256sum -c --strict SHA256SUMS
	same 'make dist: they are of all files' 3 "$(wc -l <first/SHA256SUMS)"
	[ "$(uname -m)" = x86_64 ] && report 'make dist: x86_64: what make builds' "$(cmp tree/dindbind "first/$name-x86_64" 2>&1)"
	for log in "$name-x86_64" "$name-aarch64"; do
		same "make dist: $log: static" '' "$(readelf -lW "first/$log" | grep -E 'INTERP|DYNAMIC')"
	done
	same 'make dist: aarch64: it runs' "$("$D" -V)" "$(qemu-aarch64-static "first/$name-aarch64" -V 2>&1)"
	log=$(umask 077; touch tree/README.md; export TZ=Pacific/Apia LANG=de_DE CC=false; quiet_make tree dist 2>&1)
	report 'make dist: twice the same bytes' "$log$(diff -r first tree/dist 2>&1)"
	same 'make dist: for everybody' '' "$(find tree/dist -type f ! -perm -444 -o -name '*64' ! -perm -555)"
	same 'make dist: all below one directory' '' "$(tar -tf first.tar.gz | grep -v "^$name/")"
	same 'make dist: of nobody, and of one time' 1 "$(TZ=UTC tar --full-time -tvf first.tar.gz | awk '{ print $2, $4, $5 }' | sort -u | grep -c '^0/0 ')"
	if [ -e tree/.git ]; then
		same 'make dist: all that git has, and nothing else' "$(git -C "$top" -c safe.directory='*' ls-files | sort)" \
			"$(tar -tf first.tar.gz | grep -v '/$' | sed "s,^$name/,," | sort)"
	else
		skip 'make dist: all that git has, and nothing else' 'this is no clone'
	fi
	quiet_make tree dist SOURCE_DATE_EPOCH=1000000000
	same 'make dist: SOURCE_DATE_EPOCH' 2001-09-09 "$(TZ=UTC tar -tvf "tree/dist/$name.tar.gz" | awk '{ print $4 }' | sort -u)"

	mkdir dist && tar -C dist -xf first.tar.gz || return
	before=$(listed dist)
	works 'from the tarball: make dist' quiet_make "dist/$name" dist
	works 'from the tarball: make dist: the same bytes' cmp first.tar.gz "dist/$name/dist/$name.tar.gz"
	works 'from the tarball: make' quiet_make "dist/$name"
	cp "$D" "dist/$name/examples/go/proxy/proxy"
	quiet_make "dist/$name" dist
	works 'from the tarball: make dist: without what was built' cmp first.tar.gz "dist/$name/dist/$name.tar.gz"
	works 'from the tarball: the same bytes' cmp tree/dindbind "dist/$name/dindbind"
	works 'from the tarball: make install' quiet_make "dist/$name" install DESTDIR="$PWD/dist/dest"
	rm -r dist/dest
	works 'from the tarball: tests/covered_rows.c is built' quiet_make "dist/$name" build/covered_rows
	log=$(DINDBIND=$PWD/dist/$name/dindbind "dist/$name/build/covered_rows" 2>&1)
	report 'from the tarball: tests/covered_rows.c' "$(grep -qE '^[0-9]+ passed, 0 failed, [0-9]+ skipped$' <<<"$log" || echo "$log")"
	works 'from the tarball: the fuzz corpus' quiet_make "dist/$name" build/fuzz
	works 'from the tarball: the fuzz corpus, run' "dist/$name/build/fuzz" "dist/$name/tests/corpus"
	quiet_make "dist/$name" clean
	same 'from the tarball: make clean' "$before" "$(listed dist)"
}

# ---- scratch ----------------------------------------------------------------------------------------

# engine_cases COMMAND...: what is made FROM scratch is all there is: a runner that waits for paths, and siblings
engine_cases() {
	local volume pid inside
	if ! "$@" build -q -t dindbind context >build.log 2>&1; then
		report 'build FROM scratch' "$(cat build.log)"
		return
	fi
	report 'build FROM scratch'
	same 'what is in it' dindbind "$("$@" create --name empty dindbind >/dev/null; "$@" export empty | tar -t | grep -vE '/$|^(dev|etc|proc|run|sys)/|^\.dockerenv$'; "$@" rm empty >/dev/null)"
	same 'imported, not built' "$("$D" -V)" \
		"$(tar -C context -c dindbind | "$@" import - imported >/dev/null 2>&1; "$@" run "${net[@]}" --rm imported /dindbind -V 2>&1)"
	same 'it runs' "$("$D" -V)" "$("$@" run "${net[@]}" --rm dindbind -V 2>&1)"
	same 'a refused source is status 1' 1 "$("$@" run "${net[@]}" --rm dindbind -b /d:/x /nope >/dev/null 2>&1; echo $?)"
	"$@" run "${net[@]}" -d -i --name runner -v vol:/vol dindbind -b /a:/b - >/dev/null 2>&1
	volume=$("$@" volume inspect -f '{{.Mountpoint}}' vol 2>&1)
	[ -d "$volume" ] || { report 'a runner of it' "$volume"; return; }
	echo content >"$volume/file"
	pid=$("$@" inspect -f '{{.State.Pid}}' runner)
	same 'a runner of it, asked about from outside' "$volume:/x" "$("$D" -p "$pid" -v /vol:/x 2>&1)"
	inside=$("$@" run "${net[@]}" --rm -v vol:/vol dindbind -S -v /vol/file:/x 2>&1)
	# the data root is not at its own name on this tmpfs: docker's files show where, podman has none there
	case $1 in
	podman*) same 'asked from inside' 'not known' "$(grep -o 'not known' <<<"$inside")" ;;
	*) same 'asked from inside' "$volume/file:/x" "$inside" ;;
	esac
	same 'a sibling has what the answer names' /vol/file \
		"$("$@" run "${net[@]}" --rm -v "$("$D" -p "$pid" -v /vol:/vol)" dindbind -b /vol:/y /y/file 2>&1)"
	same 'beside the runner, in its PID namespace' '/proc/1/root/vol/file' \
		"$("$@" run "${net[@]}" --rm --pid container:runner --cap-add SYS_PTRACE --security-opt apparmor=unconfined dindbind -p 1 /vol/file 2>&1)"
	"$@" kill runner >/dev/null
	"$@" rm -f runner >/dev/null
}

# In namespaces of their own: engines leave processes, links and mounts behind, which end with them.
engines_cases() {
	local name=${dir##*/} net=(--network none) missing
	mkdir -p context docker podman && cp "$D" context/dindbind
	printf '%s\n' 'FROM scratch' 'COPY dindbind /' 'ENTRYPOINT ["/dindbind"]' >context/Dockerfile
	ip link set lo up
	# whatever is configured, engines write to some fixed places
	mount -t tmpfs -o mode=755 run /run || exit
	for fixed in /etc /opt /var/lib; do
		mkdir -p "fixed$fixed/upper" "fixed$fixed/work"
		mount -t overlay -o "lowerdir=$fixed,upperdir=$T/fixed$fixed/upper,workdir=$T/fixed$fixed/work" overlay $fixed || exit
	done

	part='scratch docker'
	missing=$(absent dockerd docker containerd runc)
	export DOCKER_HOST=unix://$T/docker/sock DOCKER_CONFIG=$T/docker/config DOCKER_BUILDKIT=0
	if [ "$missing" ]; then
		skip 'all cases' "not installed: ${missing//$'\n'/ }"
	else
		mkdir "$DOCKER_CONFIG" && echo '{}' >docker/daemon.json
		dockerd --host "$DOCKER_HOST" --data-root "$T/docker/root" --exec-root "$T/docker/exec" --pidfile "$T/docker/pid" \
			--config-file "$T/docker/daemon.json" --iptables=false --ip6tables=false --bridge=none \
			--storage-driver=overlay2 --exec-opt native.cgroupdriver=cgroupfs --cgroup-parent "/$name" >docker/log 2>&1 &
		if until_true docker version; then
			engine_cases docker
		else
			report 'starting it' "$(tail -n 3 docker/log)"
		fi
	fi

	part='scratch podman'
	missing=$(absent podman runc)
	unset DOCKER_HOST DOCKER_CONFIG		# podman reads them too
	export CONTAINERS_CONF=$T/podman/containers.conf
	if [ "$missing" ]; then
		skip 'all cases' "not installed: ${missing//$'\n'/ }"
	else
		# podman raises limits, for which CAP_SYS_RESOURCE may be missing
		cat >"$CONTAINERS_CONF" <<-END
		[containers]
		default_ulimits = ["nofile=1024:1024", "nproc=4096:4096"]
		END
		net+=(--cgroup-parent "/$name")
		engine_cases podman --root "$T/podman/root" --runroot "$T/podman/run" --tmpdir "$T/podman/tmp" --storage-driver overlay \
			--cgroup-manager cgroupfs --events-backend file --runtime "$(command -v runc)"
	fi
	echo "$passed $failed $skipped" >"$dir/engines"
}

scratch_cases() {
	local p f s
	if [ "$user" != 0 ]; then
		skip 'all cases' 'needs root: engines mount overlays and make cgroups'
		return
	fi
	setpriv --pdeathsig KILL unshare --pid --net --mount --propagation private --fork --kill-child --mount-proc \
		bash "$top/tests/takealong.sh" --engines "$dir" "$D" "$user"
	if read -r p f s <"$dir/engines"; then
		passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
	else
		report 'all cases' 'ended before the end'
	fi
}

# ---- All of it --------------------------------------------------------------------------------------

cores=$(nproc)
if [ "$mode" = --engines ]; then
	cd "$T" && engines_cases
	exit
fi
mkdir "$T" && mount -t tmpfs -o mode=755 takealong "$T" && cd "$T" || exit
runner
answers "$D" >wanted
"$D" -p "$PID" /w/x /nope >refused 2>&1
# what all of it is compared with
for text in '"path":"/proc/' '"rule":"bind"' '"kind":"merged"' '"error":"nested"' '"error":"missing"' $([ "$user" != 0 ] || echo STAGED); do
	grep -qF -- "$text" wanted || die "$D does not answer: no $text in $(cat wanted)"
done
mkdir c
[ "$user" = 0 ] || part=all skip 'stages' 'needs root'
for part; do
	since=$SECONDS
	missing=$(absent $(needs "$part"))
	case $part:$missing in
	busybox:) [ -s "$dir/busybox.tar" ] || missing='deb-src, or the network' ;;
	c:* | scratch:* | go:runc) missing='' ;;
	esac
	if [ "$missing" ] && [ "$user" = 0 ]; then
		report 'all cases' "not there: ${missing//$'\n'/ }"
	elif [ "$missing" ]; then
		skip 'all cases' "not there: ${missing//$'\n'/ }"
	else
		"${part}_cases" || report 'all cases' "ended early, status $?"
		cd "$T" || exit
	fi
	echo "$part: $((SECONDS - since)) s"
done
exec {hold}>&-
wait
cd /
umount -l "$T"
finish
