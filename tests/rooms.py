#!/usr/bin/python3
"""rooms.py - is dindbind.c laid out as its table of contents says? Part of `make lint`

SPDX-License-Identifier: 0BSD

  tests/rooms.py            complains where it is not; the last line is `N passed, N failed, 0 skipped`
  tests/rooms.py --write    writes the line numbers of the table anew

A room is a section that starts with `/* ==== its name ====`. Checked are:
- the table at the top names each room, in order, from which line to which, and says what it is for;
- each room says what comes in, what goes out, and what must never happen there;
- no function calls one of a room below its own: nothing is declared before it is defined;
- what the comment at the top and docs/changing.md name is there;
- the applet uses nothing of the library but what dindbind.h has, and what the applet's own comment names;
- sentences that can be read once: no line of over 100 columns, in the header neither, no two `?:` in a line, at most 2.4 in 100 lines,
  no assignment in the condition of an if.
"""
import re
import sys

FILE = 'dindbind.c'
HEADER = 'dindbind.h'
TABLE = re.compile(r'^ \*  +(\S.*?)  +(\d+)-(\d+)  +(\S.*)$')
ROOM = re.compile(r'^/\* ==== (.*?) =+$')
# the applet's own rooms; all others are the library's
APPLET = ('descriptions', 'applet')
# words and containers, which know nothing of runners
COMMON = ('text and memory', 'json')

passed = failed = 0


def check(good, what):
    global passed, failed
    if good:
        passed += 1
    else:
        failed += 1
        print('not ok: ' + what)


def bare(line):
    """A line without its strings, characters and comments."""
    line = re.sub(r'"(\\.|[^"\\])*"|\'(\\.|[^\'\\])+\'', '""', line)
    return re.sub(r'/\*.*?(\*/|$)|^ \*.*', '', line)


def rooms_of(lines):
    """[name, first line, last line], counted from 1."""
    found = []
    for i, line in enumerate(lines, 1):
        m = ROOM.match(line)
        if m:
            if found:
                found[-1][2] = i - 1
            found.append([m.group(1), i, len(lines)])
    return found


def definitions(lines, first, last):
    """What a room defines: its functions, its tags, and its tables, macros and constants."""
    text = '\n'.join(lines[first - 1:last])
    functions = set(re.findall(r'^(?:static|int|char|const|void)\b[^;={}()\n]*?\b(\w+)\(', text, re.M))
    tags = set(re.findall(r'^(?:static )?(?:const )?(?:struct|enum) (\w+) \{', text, re.M))
    words = set(re.findall(r'^static\b[^;{}()\n]*?\b(\w+)(?:\[[^\]]*\])*(?:;| =)', text, re.M))
    words |= set(re.findall(r'^#define (\w+)', text, re.M))
    for body in re.findall(r'^enum[ \w]*\{(.*?)\};', text, re.M | re.S):
        words |= set(re.findall(r'\b([A-Z]\w+) *(?==|,|$)', re.sub(r'/\*.*?\*/|= [^,]*', '', body, flags=re.S), re.M))
    return functions, tags, words


def uses(line):
    """The same of what a line uses. Members of structs are nobody's names."""
    functions = set(re.findall(r'(?<![.>\w])(\w+)\(', line))
    tags = set(re.findall(r'\b(?:struct|enum) (\w+)', line))
    words = set(re.findall(r'(?<![.>\w])(\w+)\b', line))
    return functions, tags, words


def check_table(lines, rooms):
    table = [TABLE.match(line) for line in lines[:rooms[0][1]]]
    table = [(m.group(1), int(m.group(2)), int(m.group(3))) for m in table if m]
    check([row[0] for row in table] == [room[0] for room in rooms], 'the table does not name the rooms in their order')
    for row, room in zip(table, rooms):
        check(row == tuple(room), '%s: lines %d to %d, the table says %d to %d (--write)' % (*room, *row[1:]))


def check_rooms(lines, rooms):
    for name, first, last in rooms:
        comment = ''
        for line in lines[first - 1:last]:
            comment += line + '\n'
            if '*/' in line:
                break
        comment = re.sub(r'\s*\n \*\s*', ' ', comment)
        for part in ('In:', 'Out:', 'Never here:'):
            check(part in comment, '%s: its comment does not say "%s"' % (name, part))


def check_order(lines):
    text = '\n'.join(bare(line) for line in lines)
    for m in re.finditer(r'^static [^;{}=]*?\b(\w+)\([^;{}]*\);', text, re.M):
        check(False, '%s() is declared before it is defined' % m.group(1))
    check(True, '')


def check_applet(lines, rooms):
    library, own, used, named = [set(), set(), set()], [set(), set(), set()], {}, ''
    for name, first, last in rooms:
        side = own if name in APPLET or name in COMMON else library
        for group, found in zip(side, definitions(lines, first, last)):
            group |= found
        if name == 'applet':
            named = ' '.join(lines[first - 1:last]).split('*/')[0]
    for name, first, last in rooms:
        for i in range(first, last + 1) if name in APPLET else ():
            for group, theirs, ours in zip(uses(bare(lines[i - 1])), library, own):
                for word in (group & theirs) - ours:
                    if not word.lower().startswith('dindbind_'):
                        used.setdefault(word, i)
    allowed = set(re.findall(r'\w+', named.partition('besides dindbind.h:')[2].partition('.')[0]))
    for word, i in sorted(used.items()):
        check(word in allowed, 'line %d: %s is of the library, and not on the list of the applet' % (i, word))
    for word in sorted(allowed):
        check(word in used, '%s is on the list of the applet, and not used there' % word)


def check_ways(lines, rooms):
    """What the comment at the top and docs/changing.md name is there."""
    text = '\n'.join(lines[rooms[0][1]:])
    with open('docs/changing.md') as f:
        changing = f.read()
    for where, said in (('the comment at the top', '\n'.join(lines[:rooms[0][1]]).split('*/')[0]),
                        ('docs/changing.md', changing)):
        for call, limit in re.findall(r'\b(\w+)\(\)|\b([A-Z]+_[A-Z_]*[A-Z])\b', said):
            found = re.search(r'^(static )?[a-z][\w *]*\b%s\(' % call if call else r'\b%s\b' % limit, text, re.M)
            check(bool(found), '%s: there is no %s' % (where, call or limit))


def check_sentences(lines):
    questions = code = 0
    wrong = []
    with open(HEADER) as f:
        both = [(FILE, lines), (HEADER, f.read().split('\n'))]
    for name, text in both:
        wrong += ['%s: line %d: over 100 columns' % (name, i) for i, line in enumerate(text, 1)
                  if len(line.expandtabs(8)) > 100]
    for i, line in enumerate(lines, 1):
        line = bare(line)
        n = len(re.findall(r' \? ', line))
        if n > 1:
            wrong.append('line %d: two ?: in a line' % i)
        if re.search(r'\bif \(.*[^=!<>+*/|&-]=[^=]', line):
            wrong.append('line %d: an assignment in a condition' % i)
        questions += n
        code += bool(line.strip())
    for what in wrong:
        check(False, what)
    check(not wrong, '%d sentences cannot be read at once' % len(wrong))
    check(questions * 100 <= 2.4 * code, '%d ?: in %d lines of code, that is %.1f in 100'
          % (questions, code, questions * 100 / code))


def write(lines, rooms):
    where = {name: (first, last) for name, first, last in rooms}
    for i, line in enumerate(lines[:rooms[0][1]]):
        m = TABLE.match(line)
        if m and m.group(1) in where:
            span = '%d-%d' % where[m.group(1)]
            lines[i] = ' *  %-21s %-12s %s' % (m.group(1), span, m.group(4))
    with open(FILE, 'w') as f:
        f.write('\n'.join(lines) + '\n')


def main():
    with open(FILE) as f:
        lines = f.read().split('\n')[:-1]
    rooms = rooms_of(lines)
    if '--write' in sys.argv:
        write(lines, rooms)
        return 0
    check_table(lines, rooms)
    check_rooms(lines, rooms)
    check_order(lines)
    check_applet(lines, rooms)
    check_ways(lines, rooms)
    check_sentences(lines)
    print('%d passed, %d failed, 0 skipped' % (passed, failed))
    return failed > 0


sys.exit(main())
