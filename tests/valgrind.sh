#!/bin/bash
# valgrind.sh - memcheck over every rule, place and format
#
# SPDX-License-Identifier: 0BSD
#
# What is run is the applet through dindbind_main(), which lets go of everything that main() leaves to the
# exit: memory from malloc(3) and all descriptors. An invocation passes when memcheck has no error, nothing is
# left allocated, and no descriptor open that was not inherited. Debian's valgrind 3.19 knows neither openat2 nor
# open_tree nor mount_setattr: they are ENOSYS there, so that the fallbacks are what is checked. Nor does it know the child
# that attaches a stage, which shares memory and descriptors: staging ends before that here, and is for ASan and the fault
# injection to check. It is also a wrapper around the tool in tests/covered_rows.c, and runs the corpora of tests/fuzz.c through
# the library, if they are there. Runs in a mount namespace of its own (an ordinary user gets a user namespace). The last
# line is `N passed, N failed, N skipped`.

set -u
export LC_ALL=C
cd "$(dirname "$0")/.." || exit
command -v valgrind >/dev/null || { echo 'skipped: no valgrind'; echo '0 passed, 0 failed, 1 skipped'; exit 0; }

if [ -z "${VALGRIND_INSIDE-}" ]; then
	export VALGRIND_INSIDE=1
	[ "$(id -u)" = 0 ] && exec unshare -m --propagation private bash "tests/${0##*/}"
	exec unshare -r -m --propagation private bash "tests/${0##*/}"
fi

mkdir -p "${BUILD:-build}/valgrind" && build=$(cd "${BUILD:-build}/valgrind" && pwd) || exit
cc=${CC:-cc}
passed=0 failed=0 skipped=0

cat >"$build/main.c" <<'END'
#include "dindbind.h"

int main(int argc, char **argv)
{
    return dindbind_main(argc, argv);
}
END
"$cc" -std=gnu11 -g -O1 -DDINDBIND_NO_MAIN -I. -o "$build/dindbind" dindbind.c "$build/main.c" || exit
memcheck=(valgrind -q --track-fds=yes --leak-check=full --show-leak-kinds=all --errors-for-leak-kinds=all
	--num-callers=20)

rm -rf "$build/logs"
mkdir -m 777 "$build/logs"
printf '#!/bin/sh\nexec %s --log-file=%s/%%p "%s/dindbind" "$@"\n' "${memcheck[*]}" "$build/logs" "$build" >"$build/tool"
chmod +x "$build/tool"

# complaints LOG: what is not clean in it
complaints() {
	awk '
	/unhandled amd64-linux syscall|You may be able to write|Read the file README|Nevertheless we consider|it at http:/ { next }
	/FILE DESCRIPTORS:/ { next }
	/Open file descriptor|Open AF_/ { held = $0; next }
	/<inherited from parent>/ { held = ""; next }
	held != "" { print held; held = "" }
	NF > 1 { print }
	END { if (held != "") print held }' "$1"
}

# judge NAME: of all logs there are
judge() {
	local log said bad=0 n=0
	for log in "$build"/logs/*; do
		[ -e "$log" ] || continue
		n=$((n + 1))
		said=$(complaints "$log")
		[ -z "$said" ] || { bad=$((bad + 1)); printf '%s\n' "$said" | head -n 40; }
		rm -f "$log"
	done
	[ $n -gt 0 ] || { bad=1; echo 'it did not run'; }
	[ $bad = 0 ] || echo "not ok: $1"
	passed=$((passed + n - bad)) failed=$((failed + bad))
}

# clean STATUS ARGUMENT...: that status, and nothing to complain about
clean() {
	local want=$1 status=0
	shift
	"$build/tool" "$@" <"$T/in" >"$T/out" 2>"$T/err" || status=$?
	if [ "$status" != "$want" ]; then
		failed=$((failed + 1))
		echo "not ok: status $status, wanted $want: $*"
		cat "$T/err"
	fi
	judge "$*"
}

# ---- Invocations ------------------------------------------------------------------------------------

T=$(mktemp -d) || exit
mount -t tmpfs -o mode=755 valgrind "$T" || exit
# a runner: a process with mounts of its own
exec {ready}< <(exec unshare -m --propagation private sh -c 'echo $$; exec sleep 100000')
read -r task <&"$ready"
trap 'kill "$task"; umount -l "$T"; rmdir "$T"' EXIT
mkdir -p "$T"/h/w/sub "$T"/h/o "$T"/up/only "$T"/l1/m "$T"/l2/m "$T"/l2/deep/er
echo x >"$T/h/w/sub/x"
ln -s sub/x "$T/h/w/link"
ln -s /deep "$T/l1/lnk"
ln -s ../../../../etc "$T/h/w/out"
: >"$T/in"
rows=(-b "$T/h/w:/w" -b "$T/h/o:/w/o:ro" -b "$T/h/o:/ro:ro")
layers=(-o "lowerdir=$T/l1:$T/l2,upperdir=$T/up")
[ "$(id -u)" = 0 ] && [ "$(readlink /proc/self/ns/user)" = 'user:[4026531837]' ] || layers=(-o "lowerdir=$T/l1:$T/l2,upperdir=$T/up,userxattr")
body='{"HostConfig":{"Binds":["/w/sub:/a","/w/link:/b:ro","name:/c"],"Mounts":[{"Type":"bind","Source":"/w/sub","Target":"/d"},
{"Type":"volume","Source":"v","Target":"/e","VolumeOptions":{"DriverConfig":{"Name":"local","Options":{"type":"none","o":"bind","device":"/w/sub"}}}}]},"x":"\ud83d\ude00"}'

clean 0 -h
clean 0 -V
clean 2 --nonsense
clean 2 -p
clean 2
for format in text json oci; do
	clean 0 "${rows[@]}" -f $format -v /w/sub:/t --mount type=bind,source=/w/link,target=/u
	clean 0 "${rows[@]}" -f $format -v /w:/t:ro,rslave
	clean 1 "${rows[@]}" -f $format -v /nope:/t
	clean 0 "${layers[@]}" -f $format -v /only:/t
done
clean 0 "${rows[@]}" -v name:/v -v /w/sub:/t
clean 1 "${rows[@]}" -f oci -v name:/v
for option in '' -H -R -0 '-f json'; do
	clean 0 $option "${rows[@]}" /w/sub /w/link /w/sub/x
	clean 1 $option "${rows[@]}" /w/sub /w/out /nope
	clean 0 $option -p "$task" /usr
	clean 1 $option -p "$task" /nope/nope
	clean 0 $option "${layers[@]}" -R /only
done
clean 1 -H -p $$ /usr
clean 0 -H -p $$ -b /:/ /usr
clean 1 "${layers[@]}" /m
clean 0 "${layers[@]}" -f json /m /lnk/er /only
clean 0 "${layers[@]}" -f oci -v /m:/t
clean 0 -x "${layers[@]}" -R /lnk/er
clean 0 -m "${rows[@]}" /w/new/er
clean 0 -m -p $$ "$T/made/here"
clean 3 -p 4194303 /etc
clean 3 -p $$:1 /etc
clean 1 "${rows[@]}" -s "$T/st" /nope
clean 0 -u "$T/nothing"
clean 1 -S /
printf '/w/sub\n/nope\n/w/link\n' >"$T/in"
clean 1 "${rows[@]}" -
printf '/w/sub\0/w/link\0' >"$T/in"
clean 0 "${rows[@]}" -0 -
printf '%s' "$body" >"$T/in"
clean 0 "${rows[@]}" -c
printf '%s' "${body%?}" >"$T/in"
clean 1 "${rows[@]}" -c
printf '# rows\nbind %s:/w\noverlay %s\n' "$T/h/w" "${layers[1]}" >"$T/in"
clean 0 -r - /w/sub
printf '[{"Id":"x","State":{"Pid":0},"Mounts":[{"Type":"bind","Source":"%s","Destination":"/w","RW":false}],"GraphDriver":{"Name":"overlay2","Data":{"LowerDir":"%s","UpperDir":"%s","MergedDir":"/none"}}}]' \
	"$T/h/w" "$T/l1:$T/l2" "$T/up" >"$T/in"
clean 0 -r - -R /w/sub
printf '{"ociVersion":"1","root":{"path":"%s"},"mounts":[{"destination":"/w","type":"bind","source":"%s","options":["rbind","ro"]}]}' \
	"$T/l1" "$T/h/w" >"$T/in"
clean 0 -r - -R /w/sub
printf '{"a":' >"$T/in"
clean 2 -r - /w

# ---- Suites -----------------------------------------------------------------------------------------

# a stage is attached and taken down by a child that shares memory and descriptors, which no valgrind knows
if "$cc" -std=gnu11 -g -O1 -I. -o "$build/covered_rows" tests/covered_rows.c -lcmocka 2>"$build/covered_rows.log"; then
	NO_STAGE='valgrind has no clone(2) of that kind' DINDBIND=$build/tool "$build/covered_rows" >"$build/covered_rows.log" 2>&1
	judge 'tests/covered_rows.c'
	grep -o 'skipped: .*' "$build/covered_rows.log" | sort | uniq -c
	skipped=$((skipped + $(grep -c 'skipped: ' "$build/covered_rows.log")))
else
	skipped=$((skipped + 1))
	echo 'skipped: tests/covered_rows.c: not built, for want of cmocka?'
fi
if [ -e tests/fuzz.c ] && "$cc" -std=gnu11 -g -O1 -I. -o "$build/fuzz" tests/fuzz.c 2>"$build/fuzz.log"; then
	valgrind -q --leak-check=no --num-callers=20 --log-file="$build/logs/%p" "$build/fuzz" >"$build/fuzz.log" 2>&1
	judge 'tests/fuzz.c, the corpora'
else
	skipped=$((skipped + 1))
	echo 'skipped: tests/fuzz.c: not there, or not built'
fi

echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
