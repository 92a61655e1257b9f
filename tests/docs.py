#!/usr/bin/env python3
"""docs.py - every command in a code block of the documents is run, and prints what the document says

SPDX-License-Identifier: 0BSD

  tests/docs.py              the sections that need no engine; as root, or in a user namespace
  tests/docs.py --docker     the sections that use docker or containerd, with daemons of the test's own. Root
  tests/docs.py --list       what is run where

How a document is read. In Markdown a block is fenced and has a language; in dindbind.1 it is a display (.Bd -literal).

  console   "# " stands before a command on the host, "$ " before one in the runner. What follows is what it prints.
  sh        a script for the host. A `text` block that follows at once is what it prints; without one it prints nothing.
  c, go, dockerfile, json    a file. It is saved under the name in its first comment (Dockerfile), and a command of the
            same section must use it; a Dockerfile without one is built. Go without `package` is the body of a function.
            Commands in yaml and json (run:, script:, "postStartCommand") are run in the runner.
  text      no commands: pictures and output.

A command succeeds, unless the last line that it prints is a message of dindbind's. In the output `...` stands for
anything, and a container's ID, 4242 (the runner), its start time and the kernel's version for those of this run.
A command that is not run is in NOT_RUN, with the reason. Section by section: if one block of a section needs an engine,
all of it is run by --docker. Variables last until the end of the document. Commands in tables and in running text are
not run, and figures are not compared.

The world is a root of its own on a tmpfs, with the paths that the documents name; its crictl is a stand-in, and its
docker:cli is busybox with this machine's client and an entrypoint like the real one's. $DINDBIND is the binary; the
last line is `N passed, N failed, N skipped`.
"""

import glob
import json
import os
import re
import select
import shlex
import shutil
import subprocess
import sys
import tempfile
import time

TREE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
DOCUMENTS = ['README.md', 'examples/README.md', 'examples/go/proxy/README.md', 'dindbind.1']

# (document, how the command starts): why it is not run
NOT_RUN = {
    ('README.md', 'make deps '): '`make fresh` types these commands in bare roots of Debian',
    ('examples/go/proxy/README.md', 'systemctl '): 'there is no systemd in a container',
}
INSTALLS = 'README.md'          # it says how dindbind is installed
OWN_RUNNER = {'README.md', 'examples/go/proxy/README.md'}      # they say how `runner` is made

FILES = {'c', 'go', 'dockerfile', 'json', 'yaml'}
ENGINE = re.compile(r'\b(docker|dockerd|ctr|podman|runc|crictl|proxy)\b')
with open('/proc/self/uid_map', encoding='utf-8') as uid_map:
    USER = uid_map.read().split()[2] != '4294967295'    # in a user namespace, which root may be in too
LIMIT = 120         # seconds for one command: only a failure takes that long


# ---- Documents --------------------------------------------------------------------------------------

class Block:
    def __init__(self, document, line, section, language, text):
        self.document, self.line, self.section, self.language, self.text = document, line, section, language, text
        self.prints = ''        # sh: what it prints
        self.engine = False     # its section needs docker

    def __str__(self):
        return f'{self.document}:{self.line}'


def markdown(document, lines):
    """The blocks of a Markdown file, and complaints about what is none."""
    blocks, wrong, section, fence = [], [], '', None
    for n, line in enumerate(lines, 1):
        if fence:
            if line.startswith('```'):
                blocks.append(Block(document, fence[0], section, fence[1], '\n'.join(fence[2])))
                fence = None
            else:
                fence[2].append(line)
        elif line.startswith('```'):
            fence = (n, line[3:].strip(), [])
            if not fence[1]:
                wrong.append(f'{document}:{n}: a block without a language')
        elif line.startswith('#'):
            section = line.lstrip('# ')
        elif re.match(r'( {4}|\t)\S', line) and not lines[n - 2].strip() or line.startswith('~~~'):
            wrong.append(f'{document}:{n}: use a fence of three ` with a language')
    return blocks, wrong


ESCAPES = {r'\e': '\\', r'\-': '-', r'\&': '', r'\(dq': '"', r'\(aq': "'", r'\(ga': '`', r'\(ti': '~', r'\(ha': '^'}


def unescape(line):
    """A line of mdoc as it is rendered."""
    return re.sub(r'\\(\(..|.)', lambda m: ESCAPES[m[0]], line)


def manual(document, lines):
    """The displays of a manual page."""
    blocks, wrong, section, display = [], [], '', None
    for n, line in enumerate(lines, 1):
        if line.startswith(('.D1', '.Dl', '.Bd')) and not line.startswith('.Bd -literal'):
            wrong.append(f'{document}:{n}: {line}: docs.py knows no display but .Bd -literal')
        if line.startswith('.Ed') and display:
            text = '\n'.join(display[1])
            language = 'console' if re.match(r'[#$] ', text) else 'text'
            blocks.append(Block(document, display[0], section, language, text))
            display = None
        elif display:
            try:
                display[1].append(unescape(line))
            except KeyError as e:
                display[1].append('')
                wrong.append(f'{document}:{n}: docs.py does not know the escape {e}')
            if len(display[1][-1]) > 80 - 11:
                wrong.append(f'{document}:{n}: with its indent it is wider than 80 columns')
        elif line.startswith('.Bd -literal'):
            display = (n, [])
        elif line.startswith(('.Sh', '.Ss')):
            section = line[4:]
    return blocks, wrong


def dead_links(document, text):
    """Links to a file, or to a heading of one, that is not there."""
    for link, file, heading in re.findall(r'\]\((?!https?:)(([^)#]*)(?:#([^)]*))?)\)', text):
        path = os.path.join(TREE, os.path.dirname(document), file) if file else os.path.join(TREE, document)
        if not os.path.exists(path):
            yield f'{document}: a link to {link}, which is not there'
        elif heading:
            with open(path, encoding='utf-8') as target:
                names = re.findall(r'^#+ (.*)', target.read(), re.M)
            if heading not in [re.sub(r'[^\w -]', '', n).lower().replace(' ', '-') for n in names]:
                yield f'{document}: a link to {link}, where there is no such heading'


def read_documents():
    blocks, wrong = [], []
    for document in DOCUMENTS:
        path = os.path.join(TREE, document)
        if not os.path.exists(path):
            wrong.append(f'{document}: it is missing')
            continue
        with open(path, encoding='utf-8') as file:
            lines = file.read().split('\n')
        if document.endswith('.md'):
            wrong += dead_links(document, '\n'.join(lines))
        found, bad = (manual if document.endswith('.1') else markdown)(document, lines)
        blocks += found
        wrong += bad
    for b, after in zip(blocks, blocks[1:] + [None]):
        if b.language == 'sh' and after and after.language == 'text' and after.document == b.document and \
                after.line == b.line + b.text.count('\n') + 3:
            b.prints = after.text
        if b.language == 'text' and re.search(r'^([#$] |\$ *dindbind)', b.text, re.M):
            wrong.append(f'{b}: a block of text that has commands')
        if b.language not in FILES | {'console', 'sh', 'text'}:
            wrong.append(f'{b}: docs.py does not know the language {b.language}')
    sections = {(b.document, b.section) for b in blocks if needs_engine(b)}
    for b in blocks:
        b.engine = (b.document, b.section) in sections
    return blocks, wrong


def needs_engine(block):
    if block.language in ('dockerfile', 'yaml', 'json'):
        return True
    if block.language == 'console':
        return any(where == '$' or ENGINE.search(command) for where, command, _ in commands(block))
    return block.language == 'sh' and bool(ENGINE.search(block.text))


def commands(block):
    """(where, command, what it prints) of a console block."""
    found = []
    for line in block.text.split('\n'):
        if re.match(r'[#$] ', line):
            found.append([line[0], [line[2:]], []])
        elif found and not found[-1][2] and found[-1][1][-1].endswith(('\\', '|')):
            found[-1][1].append(line)
        elif found:
            found[-1][2].append(line)
        else:
            found.append(['?', ['false'], [line]])
    return [(w, '\n'.join(c), '\n'.join(p)) for w, c, p in found]


def file_name(block):
    """The name in the first comment of a file."""
    first = block.text.split('\n')[0]
    found = re.match(r'(?:/\*|//|#) ?([\w./-]+\.\w+)\b', first)
    if block.language == 'dockerfile':
        return 'Dockerfile'
    return found[1] if found else None


def embedded(block):
    """The commands in a CI system's file."""
    if block.language == 'json':
        return [v for k, v in json.loads(block.text).items() if k == 'postStartCommand']
    found, script = [], False
    for line in block.text.split('\n'):
        run = re.match(r'\s*- run: (.*)', line)
        if run:
            found.append(run[1])
        elif re.match(r'\s*script:\s*$', line):
            script = True
        elif script and re.match(r'\s+- ', line):
            found.append(line.strip()[2:])
        else:
            script = False
    return [c[1:-1].replace("''", "'") if re.match(r"'.*'$", c) else c for c in found]


# ---- What a command prints --------------------------------------------------------------------------

def pattern(text, facts):
    """What is printed, as a regular expression."""
    text = re.escape('\n'.join(line.rstrip() for line in text.strip('\n').split('\n')))
    text = re.sub(r'\b[0-9a-f]{64}\b', '[0-9a-f]{64}', text)
    text = re.sub(r'Linux\\ [\d\\.]+', r'Linux \\S+', text)
    for word, fact in facts.items():
        text = re.sub(rf'\b{word}\b', str(fact), text)
    return text.replace(r'\.\.\.', '(?s:.*)')


class Shell:
    """A shell that stays, and runs one command after the other."""

    def __init__(self, argv):
        self.process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def run(self, command, limit=LIMIT):
        """(status, output); status None: it did not end."""
        end = b'docs.py: end of command '
        line = f'eval {shlex.quote(command)} </dev/null 2>&1; printf "\\n%s%s\\n" "{end.decode()}" $?\n'
        output, due = b'', time.monotonic() + limit
        try:
            self.process.stdin.write(line.encode())
            self.process.stdin.flush()
        except BrokenPipeError:
            return None, 'the shell is gone'
        while not re.search(end + rb'\d+\n$', output):
            ready, _, _ = select.select([self.process.stdout], [], [], max(0, due - time.monotonic()))
            piece = os.read(self.process.stdout.fileno(), 65536) if ready else b''
            if not piece:
                return None, output.decode(errors='replace')
            output += piece
        output, status = output.rsplit(end, 1)
        return int(status), output.decode(errors='replace')

    def close(self):
        try:
            self.process.stdin.close()
        except BrokenPipeError:
            pass
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Tests:
    def __init__(self):
        self.passed = self.failed = self.skipped = 0

    def result(self, good, what, *details):
        self.passed += good
        self.failed += not good
        if not good:
            print(f'not ok: {what}')
            for name, text in zip(details[::2], details[1::2]):
                print(f'-- {name}\n{text.rstrip()[:4000]}')
            sys.stdout.flush()
        return good

    def skip(self, why):
        self.skipped += 1
        print(f'skipped: {why}')

    def finish(self):
        print(f'{self.passed} passed, {self.failed} failed, {self.skipped} skipped')
        sys.exit(self.failed > 0)


# ---- The world --------------------------------------------------------------------------------------

def do(*argv, **more):
    done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, **more)
    if done.returncode:
        sys.exit(f'docs.py: {shlex.join(argv)}: {done.stdout.decode(errors="replace").strip()}')
    return done.stdout.decode().strip()


def put(path, text='', mode=0o644):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, 'w', encoding='utf-8') as file:
        file.write(text)
    os.chmod(path, mode)


def wait_for(what, *argv):
    """Until a command succeeds."""
    due = time.monotonic() + 60
    while True:
        done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        if not done.returncode:
            return
        if time.monotonic() > due:
            sys.exit(f'docs.py: {what} does not start: {done.stdout.decode().strip()}')
        time.sleep(0.05)


def show(root, path, place):
    """A directory of this machine, read-only."""
    do('mount', '--rbind', path, root + place)
    do('mount', '-o', 'remount,bind,ro', root + place)


def make_root(scratch, binary):
    """A root on a tmpfs: the programs of this machine, and nothing else of it."""
    do('mount', '-t', 'tmpfs', '-o', 'mode=755', 'docs', scratch)
    root = scratch
    for name in ('usr', 'bin', 'sbin', 'lib', 'lib32', 'lib64'):
        if os.path.islink('/' + name):
            os.symlink(os.readlink('/' + name), f'{root}/{name}')
        elif os.path.isdir('/' + name):
            os.mkdir(f'{root}/{name}')
            show(root, '/' + name, f'/{name}')
    # what documents install goes to an empty /usr/local
    os.mkdir(f'{root}/local')
    show(root, '/usr/local', '/local')
    do('mount', '-t', 'tmpfs', '-o', 'mode=755', 'local', f'{root}/usr/local')
    os.mkdir(f'{root}/usr/local/bin')
    for name in os.listdir('/usr/local'):
        if name not in ('bin', 'sbin', 'share', 'man'):
            os.symlink(f'/local/{name}', f'{root}/usr/local/{name}')
    for name in ('dev', 'proc', 'sys'):
        os.mkdir(f'{root}/{name}')
        do('mount', '--rbind', '/' + name, f'{root}/{name}')
    for name in ('etc/systemd/system', 'run', 'tmp', 'root', 'opt/bin', 'var/lib', 'var/log', 'old'):
        os.makedirs(f'{root}/{name}')
    if os.path.isdir('/var/lib/dpkg'):
        os.mkdir(f'{root}/var/lib/dpkg')
        show(root, '/var/lib/dpkg', '/var/lib/dpkg')
    os.chmod(f'{root}/tmp', 0o1777)
    os.symlink('../run', f'{root}/var/run')
    for name in ('passwd', 'group', 'nsswitch.conf', 'ld.so.cache', 'ld.so.conf', 'ld.so.conf.d', 'alternatives'):
        if os.path.isdir('/etc/' + name):
            shutil.copytree('/etc/' + name, f'{root}/etc/{name}', symlinks=True)
        elif os.path.exists('/etc/' + name):
            shutil.copy('/etc/' + name, f'{root}/etc/{name}')
    shutil.copy(binary, f'{root}/opt/bin/dindbind')
    tree = f'{root}/root/dindbind'
    built = shutil.ignore_patterns('.git', 'build', 'dist', '*.tar.gz', '__pycache__')
    shutil.copytree(TREE, tree, symlinks=True, ignore=built)
    shutil.copy(binary, f'{tree}/dindbind')
    os.chdir(root)
    do('pivot_root', '.', 'old')
    os.chdir('/root/dindbind')
    do('umount', '-l', '/old')
    os.rmdir('/old')
    os.environ.clear()
    path = '/usr/local/sbin:/usr/local/bin:/local/sbin:/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
    os.environ.update(PATH='/opt/bin:' + path, HOME='/root', LC_ALL='C', TERM='dumb', TMPDIR='/tmp', DOCKER_BUILDKIT='0')


def make_runner():
    """A runner without an engine: two layers, an upperdir, /data/work at /home/runner/_work. It and its start time."""
    for layer, name in (('1', 'one'), ('2', 'two')):
        put(f'/l/{layer}/opt/x/{name}', f'{name}\n')
    put('/l/1/etc/hostname', 'runner\n')
    put('/l/1/usr/share/doc/empty')
    put('/data/work/_temp/step.sh', 'echo a step of the job\n')
    for name in ('/u/3', '/u/work', '/u/root', '/l/1/home/runner/_work', '/l/1/old', '/l/1/proc'):
        os.makedirs(name)
    options = 'lowerdir=/l/2:/l/1,upperdir=/u/3,workdir=/u/work'
    options += ',userxattr' if USER else ''
    do('mount', '-t', 'overlay', '-o', options, 'overlay', '/u/root')
    script = '''mount --bind /data/work /u/root/home/runner/_work && cd /u/root && pivot_root . old && cd / &&
        echo ready && read -r _'''
    runner = subprocess.Popen(['unshare', '--mount', '--propagation', 'private', 'sh', '-c', script],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    if runner.stdout.readline() != b'ready\n':
        sys.exit('docs.py: no runner')
    with open(f'/proc/{runner.pid}/stat', encoding='utf-8', errors='replace') as file:
        start = file.read().rsplit(') ', 1)[1].split()[19]
    return runner, start


def engine_missing():
    return [p for p in ('docker', 'dockerd', 'containerd', 'ctr', 'runc', 'busybox', 'ip', 'jq') if not shutil.which(p)]


CONTAINERD = '''version = 2
disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.internal.v1.opt", "io.containerd.internal.v1.tracing",
    "io.containerd.tracing.processor.v1.otlp"]
'''


# Containers in a cgroup of the test's own, without shares of a processor: a unified hierarchy beside others has no cpu.
CTR = '''#!/bin/sh
[ "$1" != run ] || { shift; set -- run %s --cgroup "/%s/$$" "$@"; }
exec %s "$@"
'''

# Of the image debian: it has what it says, and installs nothing.
APT_GET = '''#!/bin/sh
for word; do
    case $word in -* | update | install) continue ;; esac
    case " %s " in *" $word "*) ;; *) echo "$word: not in this image"; exit 100 ;; esac
done
'''


# Of the image docker:cli: what the real one does with its command.
ENTRYPOINT = '''#!/bin/sh
set -eu
[ "${1#-}" = "$1" ] || set -- docker "$@"
! docker help "$1" >/dev/null 2>&1 || set -- docker "$@"
[ -n "${DOCKER_HOST-}" ] || [ ! -S /var/run/docker.sock ] || export DOCKER_HOST=unix:///var/run/docker.sock
exec "$@"
'''

# A node's crictl: the ID of a container is its name here.
CRICTL = '''#!/bin/sh
case $* in
"ps -q --name "*) echo "$4" ;;
"inspect -o go-template --template {{.info.pid}} dind") exec cat /run/dind/pid ;;
"inspect -o go-template --template {{.info.pid}} "*) exec docker inspect -f '{{.State.Pid}}' "$6" ;;
*) exit 1 ;;
esac
'''


class Engine:
    """containerd and dockerd where their packages put them, a second dockerd (the sidecar), and images."""

    def __init__(self, cgroup):
        self.cgroup, self.daemons = cgroup, []
        do('ip', 'link', 'set', 'lo', 'up')
        put('/etc/containerd/config.toml', CONTAINERD)
        ctr = shutil.which('ctr')
        shares = '--cpu-shares 0' if '--cpu-shares' in do(ctr, 'run', '--help') else ''
        put('/opt/bin/crictl', CRICTL, 0o755)
        put('/opt/bin/ctr', CTR % (shares, cgroup, ctr), 0o755)
        self.start('containerd', '--log-level', 'error')
        wait_for('containerd', 'ctr', 'version')
        self.dockerd('--containerd', '/run/containerd/containerd.sock')
        wait_for('dockerd', 'docker', 'version')
        image = self.image('alpine')
        client = shutil.which('docker')
        shutil.copy(client, f'{image}/usr/local/bin/docker')
        ldd = subprocess.run(['ldd', client], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
        for library in re.findall(r'/\S+', ldd.stdout.decode()):
            os.makedirs(image + os.path.dirname(library), exist_ok=True)
            shutil.copy(library, image + library)
        put(f'{image}/usr/local/bin/docker-entrypoint.sh', ENTRYPOINT, 0o755)
        self.load(image, 'docker:cli', '--change', 'ENTRYPOINT ["docker-entrypoint.sh"]')
        do('sh', '-c', 'docker save alpine | ctr image import -')
        self.debian('debian:13-slim', ['gcc', 'libc6-dev', 'make', 'musl-tools'])

    def start(self, *argv):
        with open(f'/var/log/{os.path.basename(argv[0])}.log', 'ab') as log:
            self.daemons.append(subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log))

    def dockerd(self, *more, wrapper=()):
        put('/etc/docker/daemon.json', '{}')
        self.start(*wrapper, 'dockerd', '--iptables=false', '--ip6tables=false', '--bridge=none',
                   '--storage-driver=overlay2', '--exec-opt', 'native.cgroupdriver=cgroupfs',
                   '--cgroup-parent', '/' + self.cgroup, *more)

    def sidecar(self):
        """A daemon that sees other mounts, as the one of a docker:dind container."""
        os.makedirs('/run/dind')
        at = ('--host', 'unix:///run/dind/docker.sock', '--data-root', '/var/lib/dind', '--exec-root', '/run/dind/exec',
              '--pidfile', '/run/dind/pid')
        # it would use the containerd that it finds, whose mounts are not its own
        apart = 'mount -t tmpfs tmpfs /run/containerd && exec "$@"'
        self.dockerd(*at, wrapper=('unshare', '--mount', '--propagation', 'slave', 'sh', '-c', apart, 'sh'))
        wait_for('the second dockerd', 'docker', '-H', at[1], 'version')
        do('sh', '-c', f'docker save alpine | docker -H {at[1]} load')

    def image(self, name):
        """An image of busybox's; the directory that it is made from."""
        root = f'/tmp/{name}'
        for directory in ('bin', 'usr/local/bin', 'usr/local/sbin', 'tmp', 'etc', 'opt', 'root', 'home', 'var/tmp'):
            os.makedirs(f'{root}/{directory}')
        shutil.copy(shutil.which('busybox'), f'{root}/bin/busybox')
        for applet in do('busybox', '--list').split():
            if applet != 'busybox':
                os.symlink('busybox', f'{root}/bin/{applet}')
        self.load(root, name)
        return root

    def debian(self, tag, packages):
        """The image `tag` with these packages, as far as they are installed here, and an apt-get that has no others."""
        files, seen, todo = set(), set(), ['libc-bin', 'dash', 'coreutils', *packages]
        query = ['dpkg-query', '-W', '-f', '${db:Status-Status} ${binary:Package},${Depends},${Pre-Depends}\\n']
        while todo:
            package = todo.pop()
            if package in seen:
                continue
            seen.add(package)
            done = subprocess.run(query + [package], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
            if done.returncode:
                continue
            # a line for each architecture
            for name, depends in re.findall(r'^installed ([^,]*),(.*)', done.stdout.decode(), re.M):
                todo += re.findall(r'(?:^|, *)([a-z0-9][a-z0-9+.-]+)', depends)
                files |= set(do('dpkg-query', '-L', name).split('\n')) - {'/.'}
        useless = re.compile('/usr/share/(doc|man|locale)|/var|/etc')
        files = [path for path in files if os.path.lexists(path) and not useless.match(path)]
        files = sorted(os.path.join(os.path.realpath(os.path.dirname(p)), os.path.basename(p)) for p in files)
        root = '/tmp/debian'
        for directory in ('etc', 'tmp', 'usr/bin', 'usr/sbin', 'usr/lib', 'usr/lib64'):
            os.makedirs(f'{root}/{directory}')
        for link in ('bin', 'sbin', 'lib', 'lib64'):
            os.symlink('usr/' + link, f'{root}/{link}')
        put('/tmp/files', '\n'.join(files))
        do('sh', '-c', 'tar -C / --no-recursion --ignore-failed-read -cT /tmp/files 2>/dev/null | '
           f'tar -C {root} -x --skip-old-files')
        if not os.path.lexists(f'{root}/usr/bin/sh'):
            os.symlink('dash', f'{root}/usr/bin/sh')
        shutil.copytree('/etc/alternatives', f'{root}/etc/alternatives', symlinks=True)
        put(f'{root}/usr/bin/apt-get', APT_GET % ' '.join(packages), 0o755)
        self.load(root, tag)

    def load(self, root, name, *changes):
        change = shlex.join(['--change', 'ENV PATH=/usr/local/sbin:/usr/local/bin:/bin', '--change', 'CMD sh', *changes])
        do('sh', '-c', f'tar -C {root} -c . | docker import {change} - {name}')

    def clean(self):
        """No container, and no volume: for the next document."""
        do('sh', '-c', 'docker ps -aq | xargs -r docker rm -fv; docker volume ls -q | xargs -r docker volume rm -f')

    def stop(self):
        do('sh', '-c', 'docker ps -aq | xargs -r docker rm -fv')
        for daemon in reversed(self.daemons):
            daemon.terminate()
            daemon.wait()


# ---- Running ----------------------------------------------------------------------------------------

# runtime-spec 1.2
SPECS = '''package specs
type LinuxIDMapping struct {
	ContainerID uint32 `json:"containerID"`
	HostID uint32 `json:"hostID"`
	Size uint32 `json:"size"`
}
type Mount struct {
	Destination string `json:"destination"`
	Type string `json:"type,omitempty"`
	Source string `json:"source,omitempty"`
	Options []string `json:"options,omitempty"`
	UIDMappings []LinuxIDMapping `json:"uidMappings,omitempty"`
	GIDMappings []LinuxIDMapping `json:"gidMappings,omitempty"`
}
type Spec struct {
	Mounts []Mount `json:"mounts,omitempty"`
}
'''
GO = '''package main
import (
"context"
"dindbind.example/command"
"dindbind.example/piece/specs"
%s)
var config specs.Spec
func main() { _ = piece(context.Background()) }
func piece(ctx context.Context) error {
%s
}
'''


def not_run(block, command):
    """The key of NOT_RUN."""
    return next((key for key in NOT_RUN if key[0] == block.document and command.startswith(key[1])), None)


class Document:
    """The shells of one document."""

    def __init__(self, name, tests, facts, engine):
        self.name, self.tests, self.facts, self.engine = name, tests, facts, engine
        self.host = Shell(['bash', '--norc', '--noprofile'])
        if name == INSTALLS:
            self.host.run('PATH=${PATH#/opt/bin:}')
        self.runner = None
        if engine:
            engine.clean()
            self.new_runner()

    def new_runner(self):
        """What the documents call `runner`, for those that do not make it themselves."""
        if self.name in OWN_RUNNER:
            return
        do('docker', 'run', '-d', '--name', 'runner', '-v', 'work:/home/runner/_work',
           '-v', '/var/run/docker.sock:/var/run/docker.sock', '-v', '/opt/bin/dindbind:/usr/local/bin/dindbind:ro',
           'docker:cli', 'sh', '-c', 'mkdir -p /home/runner/externals/node20; echo hello >/home/runner/_work/file; '
           'exec sleep 1d')
        wait_for('the runner', 'docker', 'exec', 'runner', 'test', '-e', '/home/runner/_work/file')

    def shell(self, where):
        if where == '#':
            return self.host
        if not self.runner or self.runner.process.poll() is not None:
            place = '/' if self.name in OWN_RUNNER else '/home/runner/_work'
            self.runner = Shell(['docker', 'exec', '-i', '-w', place, 'runner', 'sh'])
        return self.runner

    def real(self, command):
        for word, fact in self.facts.items():
            command = re.sub(rf'\b{word}\b', str(fact), command)
        return command

    def command(self, block, where, command, prints):
        status, got = self.shell(where).run(self.real(command))
        if self.runner and re.search(r'docker (rm|kill) .*\brunner\b', command):
            self.runner.close()
        if USER and 'trusted.* attributes decide' in got:
            self.tests.skip('layers: an ordinary user cannot read trusted.* attributes')
            return
        want = pattern(prints, self.facts)
        refused = prints.strip('\n').split('\n')[-1].startswith('dindbind: ')
        good = status is not None and (status != 0) == refused and \
            re.fullmatch(want, '\n'.join(line.rstrip() for line in got.strip('\n').split('\n')))
        self.tests.result(bool(good), f'{block}: {command}', f'status {status}, and it prints', got,
                          'instead of', prints)

    def run(self, block):
        if block.language == 'console':
            for where, command, prints in commands(block):
                if not not_run(block, command):
                    self.command(block, where, command, prints)
        elif block.language == 'sh':
            self.command(block, '#', f'( {block.text}\n)', block.prints)
        elif block.language in FILES:
            name = file_name(block)
            if name:
                put(os.path.join('/root/dindbind', name), block.text + '\n')
            if block.language == 'dockerfile':
                self.command(block, '#', 'docker build -t built .', '...')
            if block.language == 'go' and not name:
                self.go_body(block)
            for command in embedded(block) if block.language in ('yaml', 'json') else ():
                status, got = self.shell('$').run(command)
                self.tests.result(status == 0 and (bool(got.strip()) or '>' in command), f'{block}: {command}',
                                  f'status {status}, and it prints', got)

    def go_body(self, block):
        """A piece of Go compiles in a function."""
        imports = ''.join(f'"{name}"\n' for name in ('errors', 'log') if name + '.' in block.text)
        put('/root/dindbind/examples/go/piece/specs/specs.go', SPECS)
        put('/root/dindbind/examples/go/piece/main.go', GO % (imports, block.text))
        self.command(block, '#', '(cd examples/go/piece && export GOCACHE=/tmp/go; go vet . && go build .)', '')

    def close(self):
        for shell in (self.runner, self.host):
            if shell:
                shell.close()


def account(blocks, tests):
    """Every block is run, is a file that a command uses, or is in NOT_RUN."""
    left = set(NOT_RUN)
    run = []
    for b in blocks:
        if b.language == 'text':
            continue
        if b.language == 'console':
            left -= {not_run(b, command) for _, command, _ in commands(b)}
        run.append(b)
        if b.language not in FILES or b.language in ('yaml', 'json') and embedded(b):
            continue
        name = file_name(b)
        if b.language == 'dockerfile' or b.language == 'go' and not name:
            continue
        users = [o for o in blocks if o.section == b.section and o.document == b.document and o is not b
                 and o.language in ('console', 'sh') and name and name in o.text]
        tests.result(bool(users), f'{b}: no command uses this file')
    for key in left:
        tests.result(False, f'NOT_RUN: no command is {key}')
    return run


def namespaces():
    return os.readlink('/proc/self/ns/mnt'), os.readlink('/proc/self/ns/pid')


def inside(mnt, pid, mode, scratch, binary):
    # it replaces the root, so never where it was called
    if mnt == namespaces()[0] or pid == namespaces()[1]:
        sys.exit('docs.py: --inside: these are the namespaces of the caller')
    tests = Tests()
    blocks, wrong = read_documents()
    for w in wrong:
        tests.result(False, w)
    run = account(blocks, tests)
    docker = mode == '--docker'
    make_root(scratch, binary)
    runner, start = make_runner()
    facts = {'4242': runner.pid, '1234567': start}
    engine = Engine(os.path.basename(scratch)) if docker else None
    if engine and any('/run/dind/' in b.text for b in run):
        engine.sidecar()
    for name in DOCUMENTS:
        mine = [b for b in run if b.document == name and b.engine == docker]
        if not mine:
            continue
        document = Document(name, tests, facts, engine)
        for b in mine:
            if (b.language == 'go' or '/go/' in name) and not shutil.which('go'):
                tests.skip(f'{b}: go is not installed')
            else:
                document.run(b)
        document.close()
    if engine:
        engine.stop()
    runner.stdin.close()
    runner.wait()
    tests.finish()


def main():
    mode = sys.argv[1] if len(sys.argv) > 1 else ''
    os.environ['PATH'] += ':/usr/sbin:/sbin'
    if mode == '--inside' and len(sys.argv) == 7:
        inside(*sys.argv[2:])
    if mode not in ('', '--docker', '--list'):
        sys.exit('usage: docs.py [--docker | --list]')
    if mode == '--list':
        for b in read_documents()[0]:
            print(f'{str(b):32} {b.language:10} {"docker" if b.engine else "":7} {b.text.split(chr(10))[0][:80]}')
        return
    binary = os.path.abspath(os.environ.get('DINDBIND', './dindbind'))
    if not os.access(binary, os.X_OK):
        sys.exit(f'docs.py: {binary}: no such program (run make first)')
    unshare = ['unshare', '--mount', '--propagation', 'private', '--pid', '--fork', '--kill-child', '--mount-proc']
    tests = Tests()
    if mode == '--docker':
        if os.getuid():
            tests.skip('docker: needs root')
            tests.finish()
        missing = engine_missing()
        if missing:
            tests.skip('docker: not installed: ' + ' '.join(missing))
            tests.finish()
        unshare += ['--net']
    elif os.getuid():
        unshare += ['--map-root-user']
        if subprocess.run(unshare + ['true'], stderr=subprocess.DEVNULL, check=False).returncode:
            tests.skip('a world: procfs cannot be mounted in this user namespace')
            tests.finish()
    scratch = os.path.realpath(tempfile.mkdtemp(prefix='dindbind-docs.'))
    again = [sys.executable, os.path.abspath(__file__), '--inside', *namespaces(), mode, scratch, binary]
    status = subprocess.run(unshare + again, stdin=subprocess.DEVNULL, check=False).returncode
    for path in glob.glob(f'/sys/fs/cgroup/**/*{os.path.basename(scratch)}*', recursive=True):
        for directory, _, _ in os.walk(path, topdown=False):
            try:
                os.rmdir(directory)
            except OSError:
                pass
    os.rmdir(scratch)
    sys.exit(status)


main()
