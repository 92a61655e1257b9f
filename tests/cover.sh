#!/bin/bash
# cover.sh - which lines and branches of dindbind.c all suites together go through
#
# SPDX-License-Identifier: 0BSD
#
#   tests/cover.sh [SUITE]...     all that there are; or these, and no judgement
#
# The tool and the test programs that include dindbind.c are built with gcc --coverage -O0, the suites run, and
# what any of them went through counts (gcov -b; a branch counts when it was taken). Needs gcc with gcov,
# cmocka and python3. What is left must stand in tests/uncovered.txt with a reason. It fails below 95 % of the
# lines or 85 % of the branches. $BUILD (build) gets a directory cover. The last line is
# `N passed, N failed, N skipped`, with the results of the suites in it.
#
# gcov writes its counts to a file when a process exits. The processes here enter mount and user namespaces,
# lose their root, become another user, are killed, or leave by a bare system call. So the counters of a
# program are a mapping that all of its processes share, of a file that they inherit open.

set -u
export LC_ALL=C
cd "$(dirname "$0")/.." || exit
build=${BUILD:-build}/cover
mkdir -p "$build" && build=$(cd "$build" && pwd) || exit
gcc=${GCC:-gcc} gcov=${GCOV:-gcov}
passed=0 failed=0 skipped=0

for c in "$gcc" "$gcov" python3; do
	command -v "$c" >/dev/null || { echo "skipped: no $c"; echo '0 passed, 0 failed, 1 skipped'; exit 0; }
done

# ---- The counters, shared ---------------------------------------------------------------------------

cat >"$build/counters.c" <<'END'
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

extern char cover_start[], cover_end[];
void __gcov_dump(void);
void __wrap___gcov_exit(void);

/* At an exit nothing is written. */
void __wrap___gcov_exit(void) {}

/* Before anything is counted. Where the descriptor was closed on the way the path may do. */
__attribute__((constructor(200))) static void share(void)
{
    off_t n = cover_end - cover_start;
    int fd = lseek(COVER_FD, 0, SEEK_END) == n ? COVER_FD : open(COVER_FILE, O_RDWR | O_CLOEXEC);
    mmap(cover_start, (size_t)n, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0);
    if (fd != COVER_FD && fd >= 0)
        close(fd);
    if (getenv("COVER_DUMP")) {
        __gcov_dump();
        _exit(0);
    }
}
END

cat >"$build/counters.ld" <<'END'
SECTIONS
{
	.cover (NOLOAD) : ALIGN(0x1000)
	{
		cover_start = .;
		*(.bss.__gcov0.*)
		. = ALIGN(0x1000);
		cover_end = .;
	}
}
INSERT BEFORE .bss;
END

# libgcov has a fork(2) and an exec(3) of its own, which write the counters out, and clear them
plain=(); for f in fork execl execlp execle execv execve execvp; do plain+=("-fno-builtin-$f"); done

programs=''

# program NAME SOURCE OPTION...: $build/NAME, its counters in NAME.counts, open as a descriptor from now on
program() {
	local name=$1 source=$2 fd n cflags libs
	shift 2
	rm -f "$build/$name" "$build/$name".* "$build/$name-counters.o"
	cflags=() libs=()
	for fd; do case $fd in -l* | -Wl,* | *.o | -static) libs+=("$fd") ;; *) cflags+=("$fd") ;; esac; done
	fd=$((700 + $(wc -w <<<"$programs")))
	"$gcc" -std=gnu11 -g -O0 "${cflags[@]}" --coverage -fprofile-update=atomic -fdata-sections -I. \
		"${plain[@]}" -c -o "$build/$name.o" "$source" &&
		"$gcc" -O1 -DCOVER_FD=$fd -DCOVER_FILE="\"$build/$name.counts\"" -c -o "$build/$name-counters.o" \
			"$build/counters.c" &&
		"$gcc" --coverage -o "$build/$name" "$build/$name.o" "$build/$name-counters.o" \
			-Wl,--wrap=__gcov_exit -Wl,-T,"$build/counters.ld" "${libs[@]}" || return
	n=$(nm "$build/$name" | awk '{ at[$3] = "0x" $1 } END { print at["cover_end"] " - " at["cover_start"] }')
	(umask 0; head -c $((n)) /dev/zero >"$build/$name.counts")
	eval "exec $fd<>\"\$build/\$name.counts\""
	programs="$programs $name"
}

# ---- The suites -------------------------------------------------------------------------------------

# suite NAME COMMAND...
suite() {
	local name=$1 status=0 p f s since=$SECONDS
	shift
	[ -z "$wanted" ] || [[ " $wanted " == *" $name "* ]] || return 0
	nice -n 10 timeout "${LIMIT:-600}" "$@" </dev/null >"$build/$name.log" 2>&1 || status=$?
	read -r p f s < <(sed -nE 's/^([0-9]+) passed, ([0-9]+) failed, ([0-9]+) skipped$/\1 \2 \3/p' "$build/$name.log" | tail -n 1)
	[ $status = 0 ] || [ "${f:-0}" != 0 ] || f=1
	# an injection into one of the counters' own calls says nothing about the tool
	if [ "$name" = fault ] && [ "${p:-0}" -gt 0 ] && [ "${f:-0}" -gt 0 ]; then
		echo "skipped: fault: $f injections, the counters' own calls among them"
		s=$((s + f)) f=0
	fi
	passed=$((passed + ${p:-0})) failed=$((failed + ${f:-0})) skipped=$((skipped + ${s:-0}))
	printf '%s: %s passed, %s failed, %s skipped, %s s\n' "$name" "${p:-0}" "${f:-0}" "${s:-0}" $((SECONDS - since))
	[ "${f:-0}" = 0 ] || tail -n 40 "$build/$name.log" | sed 's/^/    /'
}

wanted="$*"
program dindbind dindbind.c -static || exit
for source in test_dindbind.c tests/*.c; do
	name=${source##*/} name=${name%.c} options=() white=$source
	[ -z "$wanted" ] || [[ " $wanted " == *" $name "* ]] || continue
	if grep -q 'cmocka\.h\|cases\.h' "$source"; then options=(-lcmocka -lpthread); fi
	if ! grep -q '^#include .*dindbind\.[ch]"\|^#include DINDBIND_C' "$source"; then
		# black-box: nothing of it counts
		"$gcc" -std=gnu11 -O1 -o "$build/$name" "$source" "${options[@]}" >"$build/build.log" 2>&1 && continue
	else
		if ! grep -q '^#include .*dindbind\.c"\|^#include DINDBIND_C' "$source"; then
			# linked with it
			options=(-DDINDBIND_NO_MAIN "$build/$name-test.o" "${options[@]}" -lpthread) white=dindbind.c
			for f in $(grep -o '__wrap_[a-z]*' "$source" | sort -u); do options+=("-Wl,--wrap=${f#__wrap_}"); done
			"$gcc" -std=gnu11 -O1 -I. -c -o "$build/$name-test.o" "$source" >"$build/build.log" 2>&1
		fi
		program "$name" "$white" "${options[@]}" >>"$build/build.log" 2>&1 && continue
	fi
	echo "$source: not built"
	grep -m 5 -E 'error|undefined' "$build/build.log" | sed 's/^/    /'
	failed=$((failed + 1))
done

export DINDBIND=$build/dindbind LIMITS='the counters make calls of their own'
for source in test_dindbind.c tests/*.c; do
	name=${source##*/} name=${name%.c}
	[ -x "$build/$name" ] || continue
	case $name in
	old_kernel) ;;      # starts other programs
	differential) suite "$name" "$build/$name" -n 200 ;;
	*) suite "$name" "$build/$name" ;;
	esac
done
for source in examples demo; do
	suite $source bash tests/$source.sh
done

# ---- The sum ----------------------------------------------------------------------------------------

for name in $programs; do
	COVER_DUMP=1 "$build/$name"
	(cd "$build" && "$gcov" -b -t --json-format "$name.gcda" >"$name.json" 2>/dev/null) || echo "$name: no gcov"
done

verdict=$(BUILD=$build WANTED=$wanted python3 - $programs <<'END'
import collections, json, os, sys

build = os.environ['BUILD']
lines, branches, where = collections.Counter(), {}, {}
for name in sys.argv[1:]:
    for text in open(f'{build}/{name}.json'):
        for file in json.loads(text)['files']:
            if os.path.basename(file['file']) != 'dindbind.c':
                continue
            for l in file['lines']:
                n = l['line_number']
                lines[n] += l['count']
                where.setdefault(n, l.get('function_name', '?'))
                taken = [b['count'] for b in l['branches']]
                old = branches.setdefault(n, [0] * len(taken))
                old += [0] * (len(taken) - len(old))
                for i, count in enumerate(taken):
                    old[i] += count
source = open('dindbind.c', errors='surrogateescape').read().split('\n')
text = lambda n: source[n - 1].strip()

# FUNCTION: LINE, below a reason that is not indented
reasons, reason = {}, ''
try:
    for row in open('tests/uncovered.txt', errors='surrogateescape'):
        if row.startswith('\t'):
            reasons[row.strip()] = reason
        elif row.strip() and not row.startswith('#'):
            reason = row.strip()
except FileNotFoundError:
    pass

with open(f'{build}/uncovered', 'w', errors='surrogateescape') as out:
    unlisted, used, last = 0, set(), None
    for n in sorted(lines):
        if lines[n]:
            continue
        key = f'{where[n]}: {text(n)}'
        key = key if key in reasons else f'{where[n]}: *'
        used.add(key)
        unlisted += key not in reasons
        if where[n] != last:
            print(f'{where[n]}:', file=out)
            last = where[n]
        print(f'{n:6} {source[n - 1]}' + (f'    [{reasons[key]}]' if key in reasons else ''), file=out)
with open(f'{build}/branches', 'w', errors='surrogateescape') as out:
    by = collections.Counter()
    for n in sorted(branches):
        b = branches[n]
        if 0 in b and lines[n]:
            by[where[n]] += b.count(0)
            print(f'{n:6} {where[n]}: {"".join("+" if c else "-" for c in b)} {text(n)}', file=out)
    print('\nbranches never taken, by function:', file=out)
    for f, c in by.most_common():
        print(f'{c:6} {f}', file=out)
def share(done, all):
    return 100 * done / all if all else 0
taken = [c for b in branches.values() for c in b]
l = share(sum(1 for c in lines.values() if c), len(lines))
b = share(sum(1 for c in taken if c), len(taken))
stale = sorted(set(reasons) - used)
print(f'{l:.2f} {len(lines)} {b:.2f} {len(taken)} {unlisted} {int(l >= 95)} {int(b >= 85)} {len(stale)}')
for s in stale if not os.environ['WANTED'] else []:
    print('covered, or gone, but listed as uncovered:', s, file=sys.stderr)
END
) || exit
read -r l lines b branches unlisted lines_do branches_do stale <<<"$verdict"
# what some suites do not go through others do: that is no list to give reasons for
if [ -z "$wanted" ]; then
	echo "lines of dindbind.c that no suite goes through:"
	cat "$build/uncovered"
fi
echo "lines: $l % of $lines; branches: $b % of $branches (which are left: $build/uncovered, $build/branches)"
[ -n "$wanted" ] || echo "$unlisted uncovered lines without a reason"

# judge GOOD NAME
judge() {
	[ -z "$wanted" ] || return 0
	if [ "$1" = 1 ]; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "not ok: $2"
	fi
}
judge "$lines_do" 'lines >= 95 %'
judge "$branches_do" 'branches >= 85 %'
judge "$((unlisted == 0))" 'every uncovered line stands in tests/uncovered.txt with a reason'
[ "$stale" = 0 ] || [ -n "$wanted" ] || echo "$stale lines of tests/uncovered.txt are covered now, or gone; a race may cover a line once"
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
