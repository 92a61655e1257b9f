#!/bin/bash
# fresh.sh - the README's first commands on machines that have nothing: `make fresh`
#
# SPDX-License-Identifier: 0BSD
#
#   tests/fresh.sh [RELEASE...]       of Debian; bookworm and trixie by default
#
# A machine is a bare root (machine.sh) with make, git and sudo. It gets $REV (HEAD) of this tree, as `git archive` writes
# it, and types the README's commands, once as root and once as an ordinary user.
# The last line is `N passed, N failed, N skipped`.

set -u
export LC_ALL=C PATH=$PATH:/usr/sbin:/sbin
here=$(cd "$(dirname "$0")" && pwd)
. "$here/shell.sh"
. "$here/machine.sh"

machines
T=$(mktemp -d /var/tmp/dindbind-fresh.XXXXXX) || exit
trap 'rm -rf --one-file-system "$T"' EXIT
mkdir "$T/results" || exit
git -C "$here/.." -c safe.directory='*' archive --prefix=dindbind/ "${REV:-HEAD}" >"$T/tree.tar" || die 'not a clone of the repository'

# fresh_machine DIR ARCHIVE: with the tree, and a user who may do everything
fresh_machine() {
	machine "$1" "$2" && tar -C "$1/home/user" -xf "$T/tree.tar" && chroot "$1" chown -R user: /home/user &&
		echo 'user ALL=(ALL) NOPASSWD: ALL' >"$1/etc/sudoers.d/user"
}

# as WHO COMMAND: the command line as that user types it
as() {
	case $1 in
	root) echo "cd /home/user/dindbind && $2" ;;
	user) echo "exec setpriv --reuid user --regid user --init-groups env HOME=/home/user sh -c 'cd ~/dindbind && $2'" ;;
	esac
}

# Results are files, because machines run side by side.
good() {
	echo 1 0 0 >>"$T/results/$name"
	echo "ok: $name: $1"
}

bad() {
	echo 0 1 0 >>"$T/results/$name"
	echo "not ok: $name: $1"
	sed 's/^/    /' "$2" | tail -n 40
}

# first_try WHO ROOT COMMAND LAST: it succeeds, and ends with a line like this pattern
first_try() {
	local log=$T/$name.log since=$SECONDS
	if within "$2" sh -c "$(as "$1" "$3")" >"$log" 2>&1 && [[ $(tail -n 1 "$log") == $4 ]]; then
		good "$3: $(tail -n 1 "$log") ($((SECONDS - since)) s)"
	else
		bad "$3" "$log"
	fi
}

# refused WHO ROOT COMMAND PATTERN: it fails with one line that says this, before anything is done
refused() {
	local log=$T/$name.log
	if ! within "$2" sh -c "$(as "$1" "$3")" >"$log" 2>&1 && [ "$(grep -vc '^make' "$log")" = 1 ] && grep -q "$4" "$log"; then
		good "$3 is refused: $(grep -v '^make' "$log")"
	else
		bad "$3 should say $4" "$log"
	fi
}

total='[1-9]* passed, 0 failed, * skipped'

# The two commands, typed by root or by an ordinary user who has sudo.
commands() {
	local who=$2 root=$T/$1-$2
	name=$1-$2
	fresh_machine "$root" "$3" >"$T/$name.log" 2>&1 || { bad 'the machine' "$T/$name.log"; return; }
	if [ "$who" = user ]; then
		chmod a-x "$root/usr/bin/sudo"
		refused user "$root" 'make deps demo' 'as root: apt-get install'
		chmod 4755 "$root/usr/bin/sudo"
	fi
	# each of them is the first one somewhere: what it needs is not there because the other was typed before
	if [ "$who" = root ]; then
		first_try "$who" "$root" 'make deps demo' 'All answers were as expected.'
		first_try "$who" "$root" 'make deps check' "$total"
		first_try "$who" "$root" 'make builds' "$total"
		in_a_chroot "$root"
	else
		first_try "$who" "$root" 'make deps check' "$total"
		first_try "$who" "$root" 'make deps demo' 'All answers were as expected.'
	fi
	rm -rf --one-file-system "$root"
}

# The same root where it is no mount: neither command goes half the way.
in_a_chroot() {
	local command log=$T/$name.log
	for command in demo check; do
		if ! unshare --mount --propagation private sh -c 'mount -t proc proc "$1/proc" && exec chroot "$1" sh -c "cd /home/user/dindbind && make -s $2"' \
			sh "$1" $command >"$log" 2>&1 </dev/null && [ "$(grep -vc '^make' "$log")" = 1 ] &&
			grep -q '/ is not a mount here' "$log"; then
			good "make $command in a plain chroot is refused: $(grep -v '^make' "$log")"
		else
			bad "make $command in a plain chroot" "$log"
		fi
	done
}

for release in "${@:-bookworm trixie}"; do
	for r in $release; do
		if ! tar=$(bare "$r" make git sudo); then
			name=$r bad 'debootstrap' "$T/$r.log"
			continue
		fi
		commands "$r" root "$tar" &
		commands "$r" user "$tar" &
		wait
	done
done
cat "$T"/results/* | awk '{ p += $1; f += $2; s += $3 } END { printf "%d passed, %d failed, %d skipped\n", p, f, s; exit f > 0 || !p }'
