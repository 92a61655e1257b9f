#!/bin/sh
# covered_rows.sh - bind rows that cover one another, and answers that cannot be delivered
#
# SPDX-License-Identifier: 0BSD
#
# What an independent review found, each as a command that gave a wrong answer or left something behind.
# Runs in a mount namespace of its own (an ordinary user gets a user namespace), on a tmpfs of its own.
# The last line is `N passed, N failed, N skipped`. $DINDBIND is the binary.

if [ -z "${ROWS_INSIDE-}" ]; then
	ROWS_INSIDE=1
	export ROWS_INSIDE
	[ "$(id -u)" = 0 ] && exec unshare -m --propagation private sh "$0"
	exec unshare -r -m --propagation private sh "$0"
fi
set -u
D=${DINDBIND:-./dindbind}
passed=0 failed=0
T=$(mktemp -d) || exit
mount -t tmpfs -o mode=755 rows "$T" || exit
trap 'cd /; umount -l "$T"; rmdir "$T"' EXIT
cd "$T" || exit
# a stage needs directories that nobody else can write to; /tmp is sticky, which will do
mkdir -p h/w/sub h/w/sub/deep h/o h/v h/v2 m1/m m2/m up/data/vol l mine
chmod 700 mine
echo base >h/w/sub/x
echo other >h/o/x
echo covered >up/data/vol/x
ln -s sub/x h/w/link
ln -s data/vol/x up/lx
ln -s data up/lnk
layers="lowerdir=$T/l:$T/m1,upperdir=$T/up"
[ "$(id -u)" = 0 ] && [ "$(readlink /proc/self/ns/user)" = 'user:[4026531837]' ] || layers="$layers,userxattr"

# promise STATUS STDOUT COMMAND...: the name of the case is $name
promise() {
	want=$1 text=$2
	shift 2
	got=$("$@" 2>err)
	status=$?
	if [ $status = "$want" ] && [ "$got" = "$text" ]; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		printf 'not ok: %s: status %s, wanted %s\n%s\n-- wanted\n%s\n-- standard error\n' \
			"$name" $status "$want" "$got" "$text"
		cat err
	fi
}

# gone PATH: it is not there any more
gone() {
	name="$name: $1 is gone" promise 1 '' test -e "$1"
}

name='a link in a row leads to where another row is mounted'
promise 1 '' "$D" -b "$T/h/w:/w" -b "$T/h/o:/w/sub" /w/link
name='the other row itself'
promise 0 "$T/h/o/x" "$D" -b "$T/h/w:/w" -b "$T/h/o:/w/sub" /w/sub/x
name='a link in a row that stays in it: the rows below its target count'
ln -s . h/w/self
promise 1 '' "$D" -b "$T/h/w:/w" -b "$T/h/o:/w/sub" -H /w/self
promise 0 "$T/h/w:/x
$T/h/o:/x/sub" "$D" -b "$T/h/w:/w" -b "$T/h/o:/w/sub" -v /w/self:/x
rm h/w/self
name='a control character of two bytes (U+009B, which starts a sequence) is not shown as it is'
promise 1 '' "$D" -b "$T/h/w:/w" "$(printf '/w/\302\2332J')"
mv err told
promise 0 'dindbind: /w/\302' sh -c 'LC_ALL=C cut -c1-17 told'
# tells PART: the last command said it on standard error
tells() {
	mv err told
	name="$name: says '$1'" promise 0 1 grep -c "$1" told
}

# inspected PID MOUNTS: what an engine says of a container that has no id in its mounts
inspected() {
	printf '[{"Id":"0123456789abcdef","State":{"Pid":%s},"Mounts":[%s],"GraphDriver":{"Name":"overlay2","Data":{%s}}}]' \
		"$1" "$2" '"MergedDir":"/nowhere/x/merged"' >inspected
}

name='a target that becomes too long by what is mounted below'
long=$(printf '/%0200d' 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20)
promise 1 '' "$D" -b "$T/h/w:/w" -b "$T/h/o:/w/sub" -v "/w:$long$(printf '/%071d' 1)"
tells 'too long a target'
promise 0 "$(printf '%s\n' "$T/h/w:$long/70" "$T/h/o:$long/70/sub")" "$D" -b "$T/h/w:/w" -b "$T/h/o:/w/sub" -v "/w:$long/70"
name='the directory of a volume that is empty once the engine has unmounted it'
mkdir vol
inspected 0 "{\"Type\":\"volume\",\"Source\":\"$T/vol\",\"Destination\":\"/v\",\"RW\":true}"
promise 1 '' "$D" -r inspected /v
tells 'no path in this mount namespace'
touch vol/x
promise 0 "$T/vol" "$D" -r inspected /v

name='my own PID is no runner'
promise 1 '' "$D" -p $$ -v "$T/h/w:/x"
tells 'its paths need no translation; if you mean it, say -b /:/'
promise 0 "$T/h/w:/x" "$D" -p $$ -b /:/ -v "$T/h/w:/x"
promise 0 "/proc/$$/root$T/h/w" "$D" -p $$ "$T/h/w"
name='beside a spec that is refused a PATH gets its proc path'
promise 1 "{\"source\":\"$T/h/w\",\"rule\":\"proc\",\"kind\":\"single\",\"path\":\"/proc/$$/root$T/h/w\",\"type\":\"directory\",\"ro\":false}" \
	sh -c '"$@" 2>err2 | grep -v "\"error\":\"host\""; grep -q "say -b /:/" err2 && exit 1' sh "$D" -p $$ -f json -v "$T/h/w:/x" "$T/h/w"
if [ "$(cat /proc/2/comm 2>/dev/null)" = kthreadd ] && readlink /proc/2/root >/dev/null 2>&1; then
	name='a kernel thread is no runner, whatever its root is'
	promise 1 '' "$D" -p 2 -v "$T/h/w:/x"
	tells 'a process of the host itself'
fi

# described COMMAND...: it becomes a task with the root ch, and is asked about
described() {
	"$@" &
	task=$!
	for i in 1 2 3 4 5 6 7 8 9 10; do
		[ "$(tr '\0' ' ' 2>/dev/null </proc/$task/cmdline)" = '/bin/sleep 60 ' ] && break
		sleep 0.$i
	done
	inspected $task ''
	promise 3 '' "$D" -r inspected /
	kill $task
	wait $task 2>/dev/null
}
mkdir ch
for i in bin lib lib64 usr; do
	if [ -h /$i ]; then
		ln -s "$(readlink /$i)" ch/$i
	elif [ -d /$i ]; then
		mkdir ch/$i
		mount --rbind /$i ch/$i
	fi
done
name='a task that has only changed its root'
described chroot ch /bin/sleep 60
tells 'is not the root of a mount'
name='a task with a root that nobody knows'
described unshare -m sh -c 'mount --rbind ch ch && cd ch && pivot_root . . && exec /bin/sleep 60'
tells 'nothing shows that it is 0123456789abcdef'
for i in bin lib lib64 usr; do
	[ -h ch/$i ] || [ ! -d ch/$i ] || umount -l ch/$i
done
name='what is mounted in a layer covers what the overlay has there'
xattr=
[ "$layers" = "${layers%,userxattr}" ] || xattr=,userxattr
mkdir -p ml/1/d/sub ml/2
promise 0 "$T/ml/1/d" "$D" -R -o "lowerdir=$T/ml/2:$T/ml/1$xattr" /d
mount -t tmpfs over "$T/ml/1/d/sub"
promise 1 '' "$D" -R -o "lowerdir=$T/ml/2:$T/ml/1$xattr" /d
umount "$T/ml/1/d/sub"
mount --bind "$T/ml/1/d" "$T/ml/1/d"
promise 1 '' "$D" -R -o "lowerdir=$T/ml/2:$T/ml/1$xattr" /d
promise 1 '' "$D" -R -o "lowerdir=$T/ml/2:$T/ml/1$xattr" /d/sub
umount "$T/ml/1/d"
name='a link in a layer leads to where a row is mounted'
promise 1 '' "$D" -b "$T/h/o:/data/vol" -o "$layers" /lx
name='the rows below a link'
promise 0 "$T/up/data:/t
$T/h/o:/t/vol
$T/up/data:/u
$T/h/o:/u/vol" "$D" -o "$layers" -b "$T/h/o:/data/vol" -v /data:/t -v /lnk:/u
name='type=Bind is a bind'
promise 0 "type=Bind,source=$T/h/w,target=/t" "$D" -b "$T/h/w:/w" --mount type=Bind,source=/w,target=/t
ln -s data up/alias
name='a row that was named through a link hides what the layers have there'
promise 1 '' "$D" -o "$layers" -b "$T/h/o:/alias/vol" /data/vol/x
promise 1 '' "$D" -o "$layers" -b "$T/h/o:/alias/vol" -v /data:/t
promise 0 "$T/h/o/x" "$D" -o "$layers" -b "$T/h/o:/alias/vol" /alias/vol/x
promise 0 "$T/up/data" "$D" -o "$layers" /alias
name='a volume with o=rbind has one source: a mount below it would be lost'
promise 1 '' "$D" -b "$T/h/w:/w" -b "$T/h/v:/w/v" --mount "type=volume,target=/t,volume-opt=type=none,volume-opt=o=rbind,volume-opt=device=/w"
promise 0 "type=volume,target=/t,volume-opt=type=none,volume-opt=o=bind,volume-opt=device=$T/h/w" \
	"$D" -b "$T/h/w:/w" -b "$T/h/v:/w/v" --mount "type=volume,target=/t,volume-opt=type=none,volume-opt=o=bind,volume-opt=device=/w"
name='an explicit spec covers what is below it'
promise 0 "$T/h/w:/t
$T/h/o:/t/sub" "$D" -b "$T/h/w:/w" -b "$T/h/v:/w/sub/y" -b "$T/h/o:/o" -v /w:/t -v /o:/t/sub
name='of two rows below at one path the later one'
promise 0 "$T/h/w:/t
$T/h/v2:/t/v" "$D" -b "$T/h/w:/w" -b "$T/h/v:/w/v" -b "$T/h/v2:/w/v" -v /w:/t
name='an overlay mount keeps the options asked for'
case $layers in *userxattr) words='"userxattr",' extra=,userxattr ;; *) words='' extra='' ;; esac
promise 0 "[{\"destination\":\"/t\",\"type\":\"overlay\",\"source\":\"overlay\",\"options\":[\"ro\",\"lowerdir=$T/m1/m:$T/m2/m\",$words\"noexec\",\"rslave\"]}]" \
	"$D" -o "lowerdir=$T/m1:$T/m2$extra" -f oci -v /m:/t:noexec,rslave
name='a line break in a spec that passes'
promise 1 '' "$D" -b "$T/h/w:/w" -v 'vol:/t
/evil'

long=$(printf '%40000s' '' | sed 's/ /.\//g')
printf '/%sw\n/w/%s../nope\n/w\n' "$long" "$long" >records
name='records longer than any path are refused whole'
promise 1 "

$T/h/w" sh -c '"$0" -b "$1/h/w:/w" - <records' "$D" "$T"
{ printf '/w\0'; printf '%40000s\n' '' | tr ' ' a; } >records
name='a long record with a NUL in it'
promise 1 '' sh -c '"$0" -b "$1/h/w:/w" - <records' "$D" "$T"

deep=/w$(printf '%20s' '' | sed "s/ /\/$(printf '%199s' '' | tr ' ' a)/g")/$(printf '%90s' '' | tr ' ' b)
name='-m makes nothing where the answer is too long'
promise 1 '' "$D" -m -b "$T/h/w:/w" "$deep"
promise 0 'sub/' sh -c 'cd h/w; echo */'

staging() {
	name='a stage without a live PID cannot have the rows below'
	promise 1 '' "$D" -b "$T/h/w:/w" -b "$T/h/v:/w/v" -s "$T/st" /w
	gone st
	name='standard input survives a stage that is refused'
	promise 1 '' sh -c 'echo /w | "$0" -b "$1/h/w:/w" -s "$1/h" -' "$D" "$T"
	name='staged, and standard output is full'
	promise 3 '' sh -c '"$0" -b "$1/h/w:/w" -s "$1/st" /w >/dev/full' "$D" "$T"
	gone st
	name='staged from standard input, and standard output is full'
	promise 3 '' sh -c 'echo /w | "$0" -b "$1/h/w:/w" -s "$1/st" - >/dev/full' "$D" "$T"
	gone st
	name='staged, and the reader is gone'
	promise 0 '3' sh -c '{ sleep 0.2; "$0" -b "$1/h/w:/w" -s "$1/st" /w; echo $? >status; } | :; sleep 0.5; cat status' "$D" "$T"
	gone st
	name='a directory of the caller stays when staging fails'
	promise 1 '' "$D" -b "$T/nope:/w" -s "$T/mine" /w
	promise 0 mine sh -c 'echo min[e]'
	name='a number is given once, also after a refused call'
	promise 0 "$T/st/0" "$D" -b "$T/h/w:/w" -s "$T/st" /w
	promise 0 '' "$D" -u "$T/st/0"
	promise 1 '' "$D" -b "$T/h/w:/w" -s "$T/st" /w /nope
	promise 0 "$T/st/1" "$D" -b "$T/h/w:/w" -s "$T/st" /w
	promise 0 '' "$D" -u "$T/st"
	gone st
}

skipped=0
[ -n "${NO_STAGE-}" ] || "$D" -b "$T/h/w:/w" -s "$T/st" /w >out 2>err
status=$?
if [ -n "${NO_STAGE-}" ]; then
	skipped=1
	echo "skipped: staging, because $NO_STAGE"
elif grep -q 'lacks a system call' err; then
	name='a stage that cannot be made is refused, and nothing is left'
	promise 0 '3 0' echo $status $(wc -c <out)
	gone st
	skipped=1
	echo "skipped: staging, because this kernel, or a seccomp filter, lacks what a stage is made with"
else
	"$D" -u "$T/st"
	staging
fi

echo "$passed passed, $failed failed, $skipped skipped"
[ $failed = 0 ]
