#!/usr/bin/env python3
"""requests.py - the proxy between raw sockets and a daemon that notes every byte

SPDX-License-Identifier: 0BSD

    requests.py PROXY DINDBIND DIRECTORY VIEW HOST:PATH     all cases; the process VIEW has the directory HOST at PATH
    requests.py --storm SOCKET PATH NUMBER                  random requests at a socket with whatever daemon it has

One line a case; the last line is `N passed, N failed, N skipped`. $SEED is that of the random requests. No case waits
for time to pass: the daemon holds back what the client must not need, and goes on when it is told to. Limits only end
a failure, and what hostile requests leave open.
"""

import ctypes
import json
import os
import random
import re
import select
import signal
import socket
import subprocess
import sys
import threading
import urllib.parse

LIMIT = 60
CREATE = b'/v1.41/containers/create'


# ---- The daemon ------------------------------------------------------------------------------------------


class Daemon:
    """Answers as the field X-Act asks for. Reads HTTP as leniently as anybody might."""

    def __init__(self, listener):
        self.changed = threading.Condition()
        self.listener = listener
        self.begin()
        threading.Thread(target=self.accept, daemon=True).start()

    def begin(self):
        with self.changed:
            self.noted = []             # (head, body) of each request, in the order in which they were complete
            self.raw = bytearray()      # all that came, on all connections
            self.ends = 0               # connections that ended
            self.gate = threading.Semaphore(0)

    def accept(self):
        while True:
            sock, _ = self.listener.accept()
            threading.Thread(target=self.talk, args=(sock,), daemon=True).start()

    def note(self, change):
        with self.changed:
            change()
            self.changed.notify_all()

    def until(self, true):
        with self.changed:
            return self.changed.wait_for(true, LIMIT)

    def recv(self, sock):
        data = sock.recv(65536)
        self.note(lambda: self.raw.extend(data))
        return data

    def talk(self, sock):
        buf = bytearray()

        def more():
            data = self.recv(sock)
            if not data:
                raise EOFError
            buf.extend(data)

        def line():
            while b'\n' not in buf:
                more()
            text, _, rest = bytes(buf).partition(b'\n')
            buf[:] = rest
            return text[:-1] if text.endswith(b'\r') else text

        def some(n):
            while len(buf) < n:
                more()
            data = bytes(buf[:n])
            del buf[:n]
            return data

        with sock:
            try:
                while self.request(sock, buf, line, some):
                    pass
            except (EOFError, OSError, ValueError):
                pass
        self.note(lambda: setattr(self, 'ends', self.ends + 1))

    def request(self, sock, buf, line, some):
        head = [line()]
        while head[-1]:
            head.append(line())
        fields = {name.lower(): value.strip() for name, _, value in (text.partition(b':') for text in head[1:-1])}
        method, target, _ = head[0].split(b' ', 2)
        act = fields.get(b'x-act', b'')

        if act == b'refuse':        # without a look at the body
            sock.sendall(b'HTTP/1.1 400 Bad Request\r\nContent-Length: 3\r\nConnection: close\r\n\r\nno\n')
            return False
        if act == b'at once':       # as dockerd hijacks: it drops what it has of the body, the rest is the stream
            buf.clear()
            sock.sendall(b'HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n')
            while data := self.recv(sock):
                sock.sendall(data)
            return False
        body = b''
        if b'chunked' in fields.get(b'transfer-encoding', b''):
            while True:
                size = int(line().split(b';')[0], 16)
                body += some(size)
                line()
                if not size:
                    break
        else:
            body = some(int(fields.get(b'content-length', b'0')))
        self.note(lambda: self.noted.append((b'\r\n'.join(head), body)))

        if act in (b'stream', b'talks first'):
            if b'upgrade' in fields:
                sock.sendall(b'HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.raw-stream\r\n'
                             b'Connection: Upgrade\r\nUpgrade: tcp\r\n\r\n')
            else:
                sock.sendall(b'HTTP/1.1 200 OK\r\nContent-Type: application/vnd.docker.raw-stream\r\n\r\n')
            if act == b'talks first':
                sock.sendall(b'before you')
                sock.shutdown(socket.SHUT_WR)
                taken = bytes(buf)
                while data := self.recv(sock):
                    taken += data
                self.note(lambda: self.noted.append((b'after the end', taken)))
                return False
            data = bytes(buf) or self.recv(sock)
            while data:
                sock.sendall(data.upper())
                data = self.recv(sock)
            sock.sendall(b'the end')
            return False
        if act == b'pieces':
            sock.sendall(b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n')
            for text in (b'first', b'second'):
                sock.sendall(b'%x\r\n%s\r\n' % (len(text), text))
                while not self.gate.acquire(timeout=0.01):      # pylint: disable=consider-using-with
                    if select.select([sock], [], [], 0)[0]:
                        return False
            sock.sendall(b'0\r\n\r\n')
        elif act == b'big':
            sock.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 10000000\r\n\r\n' + b'x' * 10000000)
        elif act in (b'204', b'304'):
            sock.sendall(b'HTTP/1.1 %s Whatever\r\n\r\n' % act)
        elif act == b'old':
            sock.sendall(b'HTTP/1.0 200 OK\r\n\r\nto the end')
            return False
        elif act == b'404':
            sock.sendall(b'HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\n{}')
        else:
            text = b'%s %s %d' % (method, target, len(body))
            sock.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n' % len(text))
            sock.sendall(b'' if method == b'HEAD' else text)
        return b'close' not in fields.get(b'connection', b'')


# ---- The client ------------------------------------------------------------------------------------------


class Client:
    def __init__(self, path):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(LIMIT)
        self.sock.connect(path)
        self.buf = b''

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()

    def send(self, data):
        try:
            self.sock.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            pass        # refused, and closed: the answer says so
        return self

    def recv(self):
        try:
            return self.sock.recv(65536)
        except ConnectionResetError:
            return b''

    def until(self, text):
        """All up to and with this text."""
        while text not in self.buf:
            data = self.recv()
            if not data:
                raise EOFError('ended, with %r' % self.buf[-300:])
            self.buf += data
        got, _, self.buf = self.buf.partition(text)
        return got + text

    def rest(self):
        """All up to the end."""
        while data := self.recv():
            self.buf += data
        got, self.buf = self.buf, b''
        return got

    def answer(self):
        """One answer with a length: status and body."""
        head = self.until(b'\r\n\r\n')
        length = int(re.search(rb'(?i)\ncontent-length: *(\d+)', head)[1])
        while len(self.buf) < length:
            self.buf += self.recv() or self.fail()
        body, self.buf = self.buf[:length], self.buf[length:]
        return int(head.split()[1]), body

    def fail(self):
        raise EOFError('ended, with %r' % self.buf[-300:])

    def end(self):
        self.sock.shutdown(socket.SHUT_WR)
        return self


def get(path, method=b'GET', fields=b''):
    return method + b' ' + path + b' HTTP/1.1\r\nHost: docker\r\n' + fields + b'\r\n'


def post(path, body=b'', fields=b''):
    return get(path, b'POST', fields + b'Content-Length: %d\r\n' % len(body)) + body


def chunked(path, body, size=7, fields=b''):
    chunks = [body[i:i + size] for i in range(0, len(body), size)]
    return get(path, b'POST', fields + b'Transfer-Encoding: chunked\r\n') + b''.join(
        b'%x\r\n%s\r\n' % (len(chunk), chunk) for chunk in chunks + [b''])


TCP = b'Connection: Upgrade\r\nUpgrade: tcp\r\n'


def act(word):
    return b'X-Act: %s\r\n' % word


class Failed(Exception):
    pass


def same(got, want):
    if got != want:
        raise Failed('got %r, wanted %r' % (got[:600] if isinstance(got, bytes) else got, want))


def holds(true, what):
    if not true:
        raise Failed(what)


# ---- What may reach the daemon ---------------------------------------------------------------------------


def every_string(text):
    """All strings of a JSON text, of members that are there twice, too."""
    found = []

    def walk(value):
        if isinstance(value, str):
            found.append(value)
        elif isinstance(value, (list, tuple)):
            for part in value:
                walk(part)

    walk(json.JSONDecoder(object_pairs_hook=tuple).decode(text.decode('utf-8', 'replace')))
    return found


def judge(head, body, path):
    """Fails if this request could be read in two ways, or says PATH to the daemon."""
    lines = head.decode('latin-1').split('\r\n')
    line, fields = lines[0], lines[1:-1]
    holds(re.fullmatch(r'[A-Z]+ /[!-~]* HTTP/1\.1', line), 'the line %r' % line)
    names = []
    for field in fields:
        holds(re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+: ?[^\r\n\0]*", field), 'the field %r' % field)
        names.append(field.split(':')[0].lower())
    lengths = [field for field in fields if field.lower().startswith(('content-length:', 'transfer-encoding:'))]
    holds(len(lengths) <= 1, 'lengths: %r' % lengths)
    for field in lengths:
        holds(re.fullmatch(r'(?i)content-length: \d+|transfer-encoding: chunked', field), field)
    # of a form Go's functions take the fields for the query's
    holds(not re.search(r'(?i)\ncontent-type:.*(form|multipart)', head.decode('latin-1')), 'a form: %r' % head)
    holds(path not in urllib.parse.unquote(line), 'the path in %r' % line)
    if line.startswith(('GET ', 'HEAD ')):
        return
    # what a lenient router takes the path for
    last = urllib.parse.unquote(line.split(' ')[1].split('?')[0]).rstrip('/').rsplit('/', 1)
    if last[-1].lower() == 'create':
        try:
            strings = every_string(body or b'null')
        except ValueError:
            raise Failed('a body that is not JSON: %r' % body[:200]) from None
        holds(not any(path in text for text in strings), 'not translated: %r %r' % (head, body[:300]))
    holds(last[-1].lower() != 'start' or '/exec/' in line or not body, 'a start with a body')


# ---- The cases -------------------------------------------------------------------------------------------


class Cases:
    def __init__(self, daemon, socket_path, host, path):
        self.daemon, self.path, self.host, self.at = daemon, socket_path, host, path
        self.bytes = b'{"HostConfig":{"Binds":["%s/x:/t"]},"Big":1.0e-99}' % path.encode()
        self.want = b'{"HostConfig":{"Binds":["%s/x:/t"]},"Big":1.0e-99}' % host.encode()

    def client(self):
        return Client(self.path)

    def asked(self, *requests):
        """Exactly these reached the daemon: method and path."""
        self.daemon.until(lambda: len(self.daemon.noted) >= len(requests))
        same([head.split(b' HTTP')[0] for head, _ in self.daemon.noted], list(requests))

    def body(self):
        self.daemon.until(lambda: self.daemon.noted)
        return self.daemon.noted[-1][1]

    def nothing(self):
        """A request that is made now is the first that reaches the daemon."""
        with self.client() as client:
            client.send(get(b'/_ping')).answer()
        self.asked(b'GET /_ping')
        holds(b'HostConfig' not in self.daemon.raw, self.daemon.raw)

    def refused(self, data, status=None, word=b''):
        """Nothing of it reaches the daemon, and the answer is a message in JSON."""
        with self.client() as client:
            got, body = client.send(data).answer()
        holds(got == status if status else 400 <= got < 500, 'answer %d %r' % (got, body))
        same(list(json.loads(body)), ['message'])
        holds(word in body, 'message %r lacks %r' % (body, word))
        self.nothing()

    def translated(self, data, path=b'POST ' + CREATE):
        with self.client() as client:
            status, text = client.send(data).answer()
        same((status, text), (200, b'%s %d' % (path, len(self.want))))
        self.asked(path)
        same(self.body(), self.want)
        head = self.daemon.noted[0][0].lower()
        same(head.count(b'content-length: %d' % len(self.want)), 1)
        holds(b'transfer-encoding' not in head and b'expect' not in head, 'head %r' % head)

    def safe(self, data):
        """Whatever becomes of it, no reader finds a create in it that is not translated."""
        with self.client() as client:
            client.send(data + get(b'/_ping', b'GET', b'Connection: close\r\n'))
            client.sock.settimeout(1)
            try:
                client.rest()
            except socket.timeout:      # it waits for more
                client.sock.settimeout(LIMIT)
                client.end().rest()
        self.judged()

    def judged(self):
        with self.client() as client:
            client.send(get(b'/version')).answer()
        self.daemon.until(lambda: any(b'/version' in head for head, _ in self.daemon.noted))
        for head, body in list(self.daemon.noted):
            judge(head, body, self.at)


def case_a_create_body_is_translated(t):
    t.translated(post(CREATE, t.bytes, b'Content-Type: application/json\r\n'))


def case_every_byte_but_the_source_stays(t):
    body = b' {"Image":"\\u00e9", "hostconfig" :\t{"Binds":[ "PATH/x:/t" ]},"n":1.000000000000000000001e-7}\n'
    body = body.replace(b'PATH', t.at.encode())
    with t.client() as client:
        client.send(post(CREATE, body)).answer()
    same(t.body(), body.replace(t.at.encode(), t.host.encode()))


def case_what_a_client_of_the_host_sends_stays_as_it_is(t):
    body = b' {"HostConfig":{"Binds":["/not/there:/t"]},"HostConfig" : {"Memory":1.0e1}}'
    child = os.fork()
    if child == 0:
        with open('/proc/1/ns/mnt', 'rb') as namespace:
            ctypes.CDLL(None).setns(namespace.fileno(), 0)
        with t.client() as client:
            os._exit(client.send(post(CREATE, body)).answer()[0] != 200)
    same(os.waitpid(child, 0)[1], 0)
    same(t.body(), body)


def case_a_chunked_create_body(t):
    t.translated(chunked(CREATE, t.bytes))


def case_a_create_body_byte_by_byte(t):
    with t.client() as client:
        for byte in chunked(CREATE, t.bytes, 3):
            client.send(bytes([byte]))
        client.answer()
    same(t.body(), t.want)


def case_a_create_body_that_expects_100(t):
    with t.client() as client:
        client.send(get(CREATE, b'POST', b'Expect: 100-continue\r\nContent-Length: %d\r\n' % len(t.bytes)))
        same(client.until(b'\r\n\r\n'), b'HTTP/1.1 100 Continue\r\n\r\n')
        client.send(t.bytes).answer()
    holds(t.body() == t.want and b'xpect' not in t.daemon.noted[0][0], t.daemon.noted)


def names():
    for path in (b'/containers/create', b'/v1.24/containers/create?name=a%20b&platform=', b'/v1.99/containers/create',
                 b'/v1.41/containers/create?', b'http://docker/v1.41/containers/create',
                 b'/v1.41/%63ontainers/creat%65'):
        def case(t, path=path):
            plain = urllib.parse.unquote_to_bytes(path.replace(b'http://docker', b'').partition(b'?')[0])
            query = path.partition(b'?')[2]
            with t.client() as client:
                same(client.send(post(path, t.bytes)).answer()[0], 200)
            t.daemon.until(lambda: t.daemon.noted)
            target = t.daemon.noted[0][0].split(b' ')[1]
            same(sorted(urllib.parse.parse_qsl(query.decode(), True)),
                 sorted(urllib.parse.parse_qsl(target.partition(b'?')[2].decode(), True)))
            same(target.partition(b'?')[0], plain)
            same(t.body(), t.want)
        yield 'create as ' + path.decode(), case


def no_names():
    """A daemon makes a container of the first eight; all others answer 301 or 404."""
    for path in (b'/v1.41.0/containers/create', b'/v01.41/containers/create', b'/v00001.41/containers/create',
                 b'/v1.041/containers/create', b'/v1.41./containers/create', b'/v1.41.../containers/create',
                 b'/containers%2Fcreate', b'/v1.41/containers%2fcreate', b'//containers/create',
                 b'/containers//create', b'/x/../containers/create', b'/containers/./create',
                 b'/%2Fcontainers/create', b'/x/..%2fcontainers/create', b'/containers/create/',
                 b'/Containers/Create', b'/%2563ontainers/create', b'/containers/create%00', b'/containers/create;x',
                 b'/v1.23/containers/create', b'/v4.3.1/containers/create', b'/v1/containers/create',
                 b'/containers/create%0a', b'/containers/create%20', b'/v1.41/containers/cre\xc3\xa4te'):
        yield 'no create: %r' % path.decode('latin-1'), lambda t, path=path: t.refused(post(path, t.bytes))
    for method in (b'post', b'Post', b'PUT', b'PATCH', b'GET', b'OPTIONS', b'TRACE'):
        yield 'create with ' + method.decode(), lambda t, method=method: t.refused(
            post(CREATE, t.bytes).replace(b'POST', method, 1))
    yield 'X-HTTP-Method-Override', lambda t: t.refused(
        post(CREATE, t.bytes, b'X-HTTP-Method-Override: POST\r\n').replace(b'POST', b'PUT', 1))


def mounts(row):
    return b'{"HostConfig":{"Mounts":[%s]}}' % row


def volume_of(driver):
    return mounts(b'{"Type":"volume","Target":"/t","VolumeOptions":{"DriverConfig":{%s}}}' % driver)


def log(config):
    return b'{"HostConfig":{"LogConfig":{"Config":{%s}}}}' % config


def bodies():
    """What daemons read in a create body, and other readers miss."""
    bind = b'{"Binds":["PATH/x:/t"]}'
    mount = b'{"Type":"bind","Source":"PATH/x","Target":"/t"}'
    for name, body in (
            ('Binds without a HostConfig', bind),
            ('HostConfig twice', b'{"HostConfig":%s,"HostConfig":{}}' % bind),
            ('HostConfig twice, in another case', b'{"HostConfig":{"Memory":0},"hostconfig":%s}' % bind),
            ('Binds twice', b'{"HostConfig":{"Binds":["PATH/x:/t"],"Binds":[]}}'),
            ('Binds twice, in another case', b'{"HostConfig":{"Binds":[],"binds":["PATH/x:/t"]}}'),
            ('Mounts twice', b'{"HostConfig":{"Mounts":[],"Mounts":[%s]}}' % mount),
            ('Source twice', mounts(mount[:-1] + b',"source":"PATH"}')),
            ('Type twice', mounts(b'{"Type":"volume",' + mount[1:])),
            ('an escaped key twice', b'{"HostConfig":%s,"\\u0048ostConfig":{}}' % bind),
            ('a long s', '{"HostConfig":{"Bindſ":["PATH/x:/t"],"Binds":[]}}'.encode()),
            ('data after the object', b'{"HostConfig":{}} {"HostConfig":%s}' % bind),
            ('nothing', b''),
            ('an array', b'[%s]' % bind),
            ('half of it', b'{"HostConfig":{"Binds":["PATH/x:/t"'),
            ('bytes that are not UTF-8', b'{"HostConfig":{"Binds":["PATH/\xff:/t"]}}'),
            ('a byte order mark', b'\xef\xbb\xbf{"HostConfig":%s}' % bind),
            ('UTF-16', '{"HostConfig":{}}'.encode('utf-16')),
            ('100,000 levels', b'{"HostConfig":' + b'[' * 100000),
            ('a source that is not there', mounts(mount.replace(b'/x', b'/none'))),
            ('a type that is not known', mounts(mount.replace(b'bind', b'glob'))),
            ('a relative lowerdir',
             volume_of(b'"Name":"local","Options":{"type":"overlay","o":"lowerdir=etc:usr","device":"overlay"}')),
            ('lowerdir+', volume_of(b'"Options":{"type":"overlay","o":"lowerdir+=etc","device":"overlay"}')),
            ('a disk', volume_of(b'"Name":"local","Options":{"type":"ext4","device":"/dev/vda"}')),
            ('a volume of another driver', volume_of(b'"Name":"x","Options":{"mountpoint":"/etc"}')),
            ('a log with a path', log(b'"syslog-tls-ca-cert":"/etc/x"')),
            ('a log to a socket', log(b'"syslog-address":"unix:///x"')),
            ('a log of podman', log(b'"path":"/etc/x"').lower()),
    ):
        yield 'a create body: ' + name, lambda t, body=body: t.refused(
            post(CREATE, body.replace(b'PATH', t.at.encode())))
    for name, fields in (('charset=utf-16', b'Content-Type: application/json; charset=utf-16\r\n'),
                         ('Content-Encoding: gzip', b'Content-Encoding: gzip\r\n')):
        yield 'a create body, which daemons read as it is: ' + name, lambda t, fields=fields: t.translated(
            post(CREATE, t.bytes, fields))
    yield 'a create body of more than 64 MiB', lambda t: t.refused(
        get(CREATE, b'POST', b'Content-Length: %d\r\n' % (64 * 2**20 + 1)) + b' ' * 2**23, 413)
    yield 'a create body of more than 64 MiB, in chunks', lambda t: t.refused(
        get(CREATE, b'POST', b'Transfer-Encoding: chunked\r\n') + b'800000\r\n' + b' ' * 0x800000 + b'\r\n', 413)


def refusals():
    volume = b'/v1.41/volumes/create'
    bind = b'{"Binds":["/etc:/x"]}'
    for name, data in (
            ('the libpod API', post(b'/v4.0.0/libpod/containers/create', b'{"mounts":[]}')),
            ('libpod play', post(b'/libpod/play/kube', b'x')),
            ('libpod, encoded', post(b'/v4.0.0/%6cibpod/containers/create', b'{"mounts":[]}')),
            ('a service', post(b'/v1.41/services/create', b'{}')),
            ('a service update', post(b'/services/abc/update?version=1', b'{}')),
            ('the swarm', post(b'/v1.41/swarm/init', b'{}')),
            ('a config', post(b'/configs/create', b'{}')), ('a secret', post(b'/secrets/create', b'{}')),
            ('a plugin', post(b'/plugins/create?name=x', b'')),
            ('a plugin pull', post(b'/v1.41/plugins/pull?remote=x', b'[]')),
            ('a plugin upgrade', post(b'/plugins/a/b:c/upgrade', b'[]')),
            ('the settings of a plugin', post(b'/plugins/a/b:c/set', b'["m.source=/etc"]')),
            ('a checkpoint', post(b'/containers/x/checkpoints', b'{"CheckpointDir":"/etc"}')),
            ('checkpoints', get(b'/containers/x/checkpoints?dir=/etc')),
            ('the end of a checkpoint', get(b'/containers/x/checkpoints/y?dir=/etc', b'DELETE')),
            ('a start from a checkpoint', post(b'/containers/x/start?checkpoint=a&checkpoint-dir=/etc')),
            ('a start with a HostConfig', post(b'/v1.23/containers/x/start', bind)),
            ('a start with a HostConfig, at a version that has none', post(b'/v1.41/containers/x/start', bind)),
            ('a start with a HostConfig, in chunks', chunked(b'/containers/x/start', bind)),
            ('a start with a HostConfig, of a link', post(b'/v1.23/containers/a/b/start', bind)),
            ('a start of a link', post(b'/v1.41/containers/a/b/start')),
            ('a start of a link, escaped', post(b'/v1.41/containers/a%2fb/start')),
            ('a build with a volume', post(b'/build?t=x&volume=/etc:/x')),
            ('a build with contexts', post(b'/v1.41/build?additionalbuildcontexts=%5B%22x=localpath:/etc%22%5D')),
            ('a build with contexts, escaped', post(b'/build?%61dditionalbuildcontexts=x')),
            ('a build with contexts, after a semicolon', post(b'/build?t=x;additionalbuildcontexts=x')),
            ('a build that writes a file', post(b'/build?rusagelogfile=/etc/x')),
            ('a build with secrets', post(b'/build?secrets=%5B%22id=x,src=/etc/shadow%22%5D')),
            ('an image from a URL', post(b'/images/create?fromSrc=http://x/y')),
            ('an image from a file', post(b'/images/create?fromSrc=/etc/x.tar')),
            ('a copy of old', post(b'/containers/x/copy', b'{"Resource":"/etc"}')),
            ('a cluster volume', get(b'/volumes/x', b'PUT')),
            ('the memory of the daemon', get(b'/debug/pprof/')), ('variables of the daemon', get(b'/debug/vars')),
            ('OPTIONS', get(b'/info', b'OPTIONS')),
            ('dots for a name', get(b'/containers/../json')),
            ('a dot for a name', post(b'/v1.41/containers/./start')),
            ('dots in the name of an image', get(b'/images/a/../json')),
            ('dots for a name, escaped', get(b'/containers/%2e%2e/json')),
            ('what no API has', get(b'/v1.41/containers/json/x/y')),
            ('a volume of a directory', post(volume, b'{"DriverOpts":{"type":"none","o":"bind","device":"/etc"}}')),
            ('a volume, rbind', post(volume, b'{"DriverOpts":{"type":"tmpfs","o":"rw,rbind","device":"/etc"}}')),
            ('a volume, in another case', post(volume, b'{"driveropts":{"o":"bind","device":"/etc"}}')),
            ('a volume, with a long s', post(volume, '{"DriverOptſ":{"o":"bind","device":"/etc"}}'.encode())),
            ('a volume, with an escape', post(volume, b'{"\\u0044riverOpts":{"o":"bind","device":"/etc"}}')),
            ('a volume, twice', post(volume, b'{"DriverOpts":{"o":"bind","device":"/etc"},"DriverOpts":{}}')),
            ('a volume, in chunks', chunked(volume, b'{"DriverOpts":{"o":"bind","device":"/etc"}}')),
            ('a volume, as an overlay', post(volume, b'{"DriverOpts":{"type":"overlay","o":"lowerdir=etc:usr"}}')),
            ('a volume, as an overlay, a row each',
             post(volume, b'{"DriverOpts":{"type":"overlay","o":"lowerdir+=etc"}}')),
            ('a volume of a disk', post(volume, b'{"DriverOpts":{"type":"ext4","device":"/dev/vda"}}')),
            ('a volume of another driver', post(volume, b'{"Driver":"x","DriverOpts":{"mountpoint":"/etc"}}')),
            ('a volume of a cluster', post(volume, b'{"ClusterVolumeSpec":{}}')),
    ):
        yield 'refused: ' + name, lambda t, data=data: t.refused(data)
    for body in (b'[', b'[[1,2]]', b'"a"', b'{"DriverOpts":"abc"}', b'\xff{}', b'{"DriverOpts":[1]}', b'[' * 100000):
        yield 'a volume body %r' % body[:20], lambda t, body=body: t.refused(post(volume, body))
    for body in (b'{}', b'{"Name":"x","DriverOpts":null}',
                 b'{"DriverOpts":{"type":"nfs","o":"addr=1.2.3.4,rw","device":":/a/b"}}',
                 b'{"DriverOpts":{"type":"tmpfs","device":"tmpfs","o":"size=1m"},"Labels":{"a":"/b"}}'):
        def passes(t, body=body):
            with t.client() as client:
                same(client.send(post(volume, body)).answer()[0], 200)
            got, want = json.loads(t.body()), json.loads(body)
            same({key: got.get(key) for key in want}, want)
        yield 'a volume of %r passes' % body, passes


def case_no_form_reaches_the_daemon(t):
    form = b'application/x-www-form-urlencoded'
    for kind in (form, b'Application/X-WWW-Form-URLencoded; charset=x', b'multipart/form-data; boundary=x',
                 b'application/json\r\nContent-Type: ' + form, b'text/plain, ' + form):
        t.safe(post(b'/build?t=x', b'volume=/etc:/x', b'Content-Type: ' + kind + b'\r\n'))
    holds(len(t.daemon.noted) > 1, 'nothing came through')


def case_what_only_looks_alike_passes(t):
    requests = (b'GET /containers/create/json', b'DELETE /containers/create', b'POST /containers/create/start',
                b'POST /containers/x/update', b'PUT /containers/x/archive?path=%2Fetc', b'POST /exec/x/resize?h=1&w=2',
                b'GET /volumes/create', b'GET /containers/x/attach/ws')
    with t.client() as client:
        for request in requests:
            method, path = request.split()
            same(client.send(get(path, method)).answer()[0], 200)
    t.asked(*requests)


# ---- Framing ---------------------------------------------------------------------------------------------


def upload(fields, body=b''):
    return get(b'/images/load', b'POST', fields) + body + b'INNER'


def framing():
    """Name, bytes: what two readers might read differently. INNER is a create of a path of the runner's."""
    for name, data in (
            ('Content-Length and Transfer-Encoding',
             upload(b'Content-Length: 4\r\nTransfer-Encoding: chunked\r\n', b'0\r\n\r\n')),
            ('Transfer-Encoding and Content-Length',
             upload(b'Transfer-Encoding: chunked\r\nContent-Length: 4\r\n', b'0\r\n\r\n')),
            ('Content-Length twice', upload(b'Content-Length: 0\r\nContent-Length: 9\r\n')),
            ('the same Content-Length twice', upload(b'Content-Length: 0\r\nContent-Length: 0\r\n')),
            ('a list of Content-Lengths', upload(b'Content-Length: 0, 9\r\n')),
            ('Content-Length with a sign', upload(b'Content-Length: +0\r\n')),
            ('a negative Content-Length', upload(b'Content-Length: -1\r\n')),
            ('Content-Length in hex', upload(b'Content-Length: 0x0\r\n')),
            ('Content-Length without a number', upload(b'Content-Length:\r\n')),
            ('Content-Length with an underscore', upload(b'Content-Length: 1_0\r\n')),
            ('a Content-Length that is too long', upload(b'Content-Length: 18446744073709551616\r\n')),
            ('a Content-Length of a create that is too short',
             get(CREATE, b'POST', b'Content-Length: 2\r\n') + b'{}INNER'),
            ('Transfer-Encoding twice', upload(b'Transfer-Encoding: chunked\r\n' * 2, b'0\r\n\r\n')),
            ('Transfer-Encoding: identity', upload(b'Transfer-Encoding: identity\r\n', b'0\r\n\r\n')),
            ('Transfer-Encoding: gzip, chunked', upload(b'Transfer-Encoding: gzip, chunked\r\n', b'0\r\n\r\n')),
            ('Transfer-Encoding: xchunked', upload(b'Transfer-Encoding: xchunked\r\n', b'0\r\n\r\n')),
            ('Transfer-Encoding with a vertical tab', upload(b'Transfer-Encoding: \x0bchunked\r\n', b'0\r\n\r\n')),
            ('Transfer-Encoding in HTTP/1.0',
             b'POST /images/load HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nINNER'),
            ('a folded field', upload(b'Content-Length: 0\r\nA: b\r\n c\r\n')),
            ('a folded Transfer-Encoding', upload(b'Transfer-Encoding:\r\n chunked\r\n')),
            ('a folded first field', upload(b' A: b\r\n')),
            ('blanks before the colon', upload(b'Content-Length : 9\r\n')),
            ('a field without a name', upload(b': 9\r\n')),
            ('a field without a colon', upload(b'Content-Length\r\n')),
            ('NUL in a field', upload(b'A: b\0c\r\n')),
            ('bare LF in a field', upload(b'A: b\nContent-Length: 9\r\n')),
            ('bare CR in a field', upload(b'A: b\rContent-Length: 9\r\n')),
            ('CR CR LF', upload(b'A: b\r\r\nContent-Length: 9\r\n')),
            ('bare LF at the end of a head', b'GET /images/json HTTP/1.1\r\nHost: a\n\nINNER'),
            ('an empty line first', b'\r\nINNER'),
            ('a body of GET', get(b'/images/json', b'GET', b'Content-Length: 5\r\n') + b'INNER'),
            ('a body of HEAD', get(b'/_ping', b'HEAD', b'Content-Length: 5\r\n') + b'INNER'),
            ('Connection names Content-Length', upload(b'Connection: Content-Length\r\nContent-Length: 5\r\n')),
            ('Connection names Transfer-Encoding',
             upload(b'Connection: Transfer-Encoding\r\nTransfer-Encoding: chunked\r\n', b'5\r\nBODY0\r\n0\r\n\r\n')),
            ('two Hosts', upload(b'Host: other\r\nContent-Length: 0\r\n')),
            ('authority form', get(b'docker:80', b'CONNECT') + b'INNER'),
            ('asterisk form', get(b'*', b'OPTIONS') + b'INNER'),
            ('HTTP/0.9', b'GET /images/json\r\n\r\nINNER'), ('not HTTP', b'\x16\x03\x01\x02\x00\r\n\r\nINNER'),
            ('the preface of HTTP/2', b'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nINNER'),
            ('a head of 2 MB', get(b'/info', b'GET', b'A: ' + b'b' * 2000000 + b'\r\n') + b'INNER'),
            ('Upgrade where nothing is to be upgraded',
             get(b'/_ping', b'GET', TCP) + b'INNER'),
            ('Upgrade to HTTP/2',
             get(b'/info', b'GET', b'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n') + b'INNER'),
            ('Upgrade of a create', get(CREATE, b'POST', TCP + b'Content-Length: 2\r\n') + b'{}INNER'),
            ('Upgrade of a build',
             get(b'/build', b'POST', b'Connection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 0\r\n') + b'INNER'),
            ('Expect of another kind', upload(b'Expect: 200-ok\r\nContent-Length: 0\r\n')),
            ('Expect without waiting', upload(b'Expect: 100-continue\r\nContent-Length: 5\r\n')),
    ):
        yield name, data
    for name, line in (
            ('absolute form', b'POST http://docker/v1.41/containers/create HTTP/1.1'),
            ('absolute form in upper case', b'POST HTTP://docker/v1.41/containers/create HTTP/1.1'),
            ('absolute form of another scheme', b'POST unix:///v1.41/containers/create HTTP/1.1'),
            ('no slash', b'POST v1.41/containers/create HTTP/1.1'),
            ('a blank first', b' POST /containers/create HTTP/1.1'),
            ('two blanks', b'POST  /containers/create HTTP/1.1'), ('a tab', b'POST\t/containers/create HTTP/1.1'),
            ('a blank in the path', b'POST /containers/create x HTTP/1.1'),
            ('NUL in the path', b'POST /containers/create\0 HTTP/1.1'),
            ('a fragment', b'POST /containers/create#x HTTP/1.1'), ('HTTP/2', b'POST /containers/create HTTP/2.0'),
            ('HTTP/1.10', b'POST /containers/create HTTP/1.10'), ('http/1.1', b'POST /containers/create http/1.1'),
            ('HTTP/1.0', b'POST /containers/create HTTP/1.0'),
            ('a question mark twice', b'POST /containers/create??name=x HTTP/1.1')):
        yield 'a line with ' + name, b'OUTER' + line
    for name, chunks in (
            ('an extension', b'0;a=b\r\n\r\n'), ('an extension with a line break', b'2;\nxx\r\n31\r\n0\r\n\r\n'),
            ('bare LF', b'1\na\n0\n\n'), ('bare CR', b'1\ra\r0\r\r'), ('a blank', b'1 \r\na\r\n0\r\n\r\n'),
            ('a sign', b'+1\r\na\r\n0\r\n\r\n'), ('a prefix', b'0x1\r\na\r\n0\r\n\r\n'), ('no size', b'\r\n\r\n'),
            ('an underscore', b'1_0\r\n0123456789abcdef\r\n0\r\n\r\n'), ('a trailer', b'0\r\nA: b\r\n\r\n'),
            ('a trailer that is a length', b'0\r\nContent-Length: 9\r\n\r\n'),
            ('a size too large', b'fffffffffffffffff\r\na'), ('content that is longer', b'1\r\nab\r\n0\r\n\r\n'),
            ('content that is shorter', b'3\r\na\r\n0\r\n\r\n'), ('LF after the content', b'1\r\na\n0\r\n\r\n'),
            ('two more bytes of content', b'1\r\nabc0\r\n\r\n')):
        for what, path in (('upload', b'/images/load'), ('create', CREATE)):
            yield 'the chunks of an %s with %s' % (what, name), \
                get(path, b'POST', b'Transfer-Encoding: chunked\r\n') + chunks + b'INNER'


def filled(data, body):
    """INNER is a whole request then, OUTER the line of one."""
    if data.startswith(b'OUTER'):
        return data[5:] + b'\r\nHost: d\r\nContent-Length: %d\r\n\r\n' % len(body) + body
    return data.replace(b'INNER', post(CREATE, body))


def framed():
    for name, data in framing():
        yield 'framing: ' + name, lambda t, data=data: t.safe(filled(data, t.bytes))


# ---- Many requests, and streams --------------------------------------------------------------------------


def case_every_request_of_a_connection_is_looked_at(t):
    with t.client() as client:
        for _ in range(3):
            same(client.send(get(b'/info')).answer()[1], b'GET /info 0')
            same(client.send(post(CREATE, t.bytes)).answer()[1], b'POST %s %d' % (CREATE, len(t.want)))
            same(client.send(chunked(b'/images/load', b'x' * 100)).answer()[1], b'POST /images/load 100')
        same(client.send(post(CREATE, t.bytes.replace(b'/t"', b't"'))).answer()[0], 400)
    t.asked(*[b'GET /info', b'POST ' + CREATE, b'POST /images/load'] * 3)
    holds(all(body == t.want for head, body in t.daemon.noted if CREATE in head), t.daemon.noted)


def case_requests_sent_without_waiting(t):
    with t.client() as client:
        client.send(get(b'/info') + post(CREATE, t.bytes) + chunked(b'/images/load', b'xyz') + get(b'/_ping', b'HEAD') +
                    post(CREATE, b'{') + get(b'/version', b'GET', b'Connection: close\r\n'))
        answer = client.rest()
    t.asked(b'GET /info', b'POST ' + CREATE, b'POST /images/load', b'HEAD /_ping', b'GET /version')
    same([answer.count(text) for text in (b'200 OK', b'400 Bad')], [5, 1])
    same(t.daemon.noted[1][1], t.want)


def case_a_create_after_each_kind_of_answer(t):
    for word, method, path in ((b'', b'GET', b'/info'), (b'', b'HEAD', b'/_ping'),
                               (b'204', b'DELETE', b'/containers/x'),
                               (b'304', b'POST', b'/containers/x/stop'), (b'404', b'POST', b'/containers/x/attach'),
                               (b'404', b'POST', b'/exec/x/start'), (b'big', b'GET', b'/images/get')):
        with t.client() as client:
            client.send(get(path, method, act(word))).until(b'\r\n\r\n')
            answer = client.send(post(CREATE, b'{', b'Connection: close\r\n')).rest()
        holds(b'HTTP/1.1 400 Bad Request' in answer and b'dindbind' in answer, '%r: %r' % (path, answer[-500:]))
    holds(all(CREATE not in head for head, _ in t.daemon.noted), 'a body reached the daemon')


def case_head_204_304(t):
    with t.client() as client:
        head = client.send(get(b'/_ping', b'HEAD')).until(b'\r\n\r\n')
        holds(head.startswith(b'HTTP/1.1 200 OK\r\n') and b'Content-Length: 13\r\n' in head, head)
        holds(client.send(get(b'/info', b'GET', act(b'204'))).until(b'\r\n\r\n').startswith(b'HTTP/1.1 204 '), '204')
        holds(client.send(get(b'/info', b'GET', act(b'304'))).until(b'\r\n\r\n').startswith(b'HTTP/1.1 304 '), '304')
        same(client.send(get(b'/info')).answer()[1], b'GET /info 0')


def case_answers_in_chunks_arrive_as_they_are_sent(t):
    with t.client() as client:
        client.send(get(b'/events', b'GET', act(b'pieces'))).until(b'5\r\nfirst\r\n')
        t.daemon.gate.release()
        client.until(b'6\r\nsecond\r\n')
        t.daemon.gate.release()
        client.until(b'0\r\n\r\n')
        same(client.send(get(b'/info')).answer()[1], b'GET /info 0')


def case_a_client_that_leaves_ends_the_stream_of_the_daemon(t):
    with t.client() as client:
        client.send(get(b'/containers/x/attach', b'POST', act(b'stream'))).until(b'\r\n\r\n')
    holds(t.daemon.until(lambda: t.daemon.ends), 'the daemon still waits')


def case_a_client_that_leaves_while_the_daemon_says_nothing(t):
    with t.client() as client:
        client.send(get(b'/events', b'GET', act(b'pieces'))).until(b'first')
    holds(t.daemon.until(lambda: t.daemon.ends), 'the daemon still waits')


def case_a_client_that_leaves_during_an_answer(t):
    with t.client() as client:
        client.send(get(b'/images/get', b'GET', act(b'big'))).until(b'xxx')
    holds(t.daemon.until(lambda: t.daemon.ends), 'the daemon still sends')


def case_an_upload_streams(t):
    with t.client() as client:
        client.send(get(b'/images/load', b'POST', b'Transfer-Encoding: chunked\r\n'))
        for number in range(3):
            client.send(b'100000\r\n' + b'%d' % number * 0x100000 + b'\r\n')
            holds(t.daemon.until(lambda number=number: len(t.daemon.raw) > (number + 1) * 0x100000), 'held back')
        same(client.send(b'0\r\n\r\n').answer()[1], b'POST /images/load 3145728')


def case_an_answer_instead_of_the_upload(t):
    """The daemon answers and closes. A proxy that still writes then may see the answer, or the end."""
    with t.client() as client:
        status, text = client.send(post(b'/images/load', b'x' * 10000000, act(b'refuse'))).answer()
    holds((status, text) == (400, b'no\n') or status == 502 and b'"message":' in text, (status, text))


def case_a_body_that_is_cut(t):
    for data in (post(b'/images/load', b'12345')[:-1], chunked(b'/images/load', b'12345')[:-5],
                 post(CREATE, t.bytes)[:-1], chunked(CREATE, t.bytes)[:-5], b'POST /info HTT'):
        with t.client() as client:
            client.send(data).end().rest()
    t.nothing()


def case_http_1_0(t):
    with t.client() as client:
        answer = client.send(b'GET /info HTTP/1.0\r\nX-Act: old\r\n\r\n').rest()
        holds(answer.startswith(b'HTTP/1.0 200 OK\r\n') and answer.endswith(b'\r\n\r\nto the end'), answer)
    with t.client() as client:
        client.send(b'POST /containers/create HTTP/1.0\r\nContent-Length: %d\r\n\r\n' % len(t.bytes) + t.bytes).rest()
    same(t.body(), t.want)


def case_connection_close(t):
    with t.client() as client:
        holds(client.send(get(b'/info', b'GET', b'Connection: close\r\n')).rest().endswith(b'GET /info 0'), 'no answer')


def streams():
    for path, method, fields, status in (
            (b'/containers/x/attach?stdin=1&stream=1', b'POST', TCP, b'101 UPGRADED'),
            (b'/v1.41/exec/x/start', b'POST', TCP, b'101 UPGRADED'),
            (b'/v1.41/containers/x/attach/ws', b'GET', TCP.replace(b'tcp', b'websocket'), b'101 UPGRADED'),
            (b'/session', b'POST', b'Connection: Upgrade\r\nUpgrade: h2c\r\n', b'101 UPGRADED'),
            (b'/grpc', b'POST', b'Connection: Upgrade\r\nUpgrade: h2c\r\n', b'101 UPGRADED'),
            (b'/exec/x/start', b'POST', b'', b'200 OK'),
            (b'/containers/x/attach?stdin=1', b'POST', b'', b'200 OK')):
        def case(t, path=path, method=method, fields=fields, status=status):
            request = get(path, method, act(b'stream') + fields + b'Content-Type: text/plain\r\n')
            if b'exec' in path:
                request = post(path, b'{"Tty":false}', act(b'stream') + fields)
            with t.client() as client:
                head = client.send(request).until(b'\r\n\r\n')
                holds(head.startswith(b'HTTP/1.1 ' + status), head)
                client.send(b'hello, ').until(b'HELLO, ')       # both ways, before any end
                client.send(post(CREATE, b'{')).until(b'\r\n\r\n')        # raw: nothing of it is HTTP
                client.until(b'{')
                threading.Thread(target=client.send, args=(b'x' * 3000000,), daemon=True).start()
                client.until(b'X' * 3000000)        # more than fits between: both sides must flow
                same(client.end().rest(), b'the end')
            holds(t.daemon.until(lambda: t.daemon.ends), 'the daemon still waits')
        yield 'a stream: %s, %s' % (path.decode(), status.decode()), case

    def at_once(t):
        with t.client() as client:
            client.send(get(b'/containers/x/attach', b'POST', act(b'stream') + TCP) +
                        b'all at once')
            answer = client.end().rest()
        same(answer.partition(b'\r\n\r\n')[2], b'ALL AT ONCEthe end')
    yield 'a stream: input that did not wait', at_once

    def body(t):
        """dockerode sends the query once more as a body. It is no part of the stream, as without the proxy."""
        for _ in range(100):
            with t.client() as client:
                client.send(post(b'/containers/x/attach', b'{"stream":true}', act(b'at once') + TCP))
                client.until(b'\r\n\r\n')
                same(client.send(b'mine').end().rest(), b'mine')
    yield 'a stream: a body comes with the head, a hundred times', body

    def first(t):
        """The daemon ends its half first: what the client sends arrives all the same."""
        with t.client() as client:
            client.send(get(b'/containers/x/attach', b'POST', act(b'talks first') + TCP))
            client.until(b'\r\n\r\n')
            same(client.rest(), b'before you')
            client.send(b'after you').end()
        t.daemon.until(lambda: len(t.daemon.noted) == 2)
        same(t.daemon.noted[1], (b'after the end', b'after you'))
    yield 'a stream: the daemon ends its half first', first

    def flood(t):
        """A client that does not read: what it sends fills all buffers and comes back when it reads."""
        with t.client() as client:
            client.send(get(b'/containers/x/attach', b'POST', act(b'stream') + TCP))
            client.until(b'\r\n\r\n')
            client.sock.setblocking(False)
            sent = 0
            try:
                while True:
                    sent += client.sock.send(b'z' * 65536)
            except BlockingIOError:
                pass
            client.sock.settimeout(LIMIT)
            reader = threading.Thread(target=client.until, args=(b'Z' * sent,))
            reader.start()
            reader.join(LIMIT)
            holds(not reader.is_alive(), 'stuck')
            same(client.end().rest(), b'the end')
    yield 'a stream: a client that does not read', flood


# ---- Random requests -------------------------------------------------------------------------------------


class Storm:
    """Requests of parts that are right and parts that are not. PATH is a source of the runner's in all of them."""

    def __init__(self, seed, path):
        self.random = random.Random(seed)
        self.path = path.encode()

    def some(self, *words):
        return self.random.choice(words)

    def rare(self, usual, *others):
        """Mostly right: where all is wrong, all is refused for its first fault."""
        return usual if self.random.random() < 0.9 else self.random.choice(others)

    def bind(self):
        return self.some(b'"Binds":["%s/x:/t"]', b'"binds":["%s/x:/t"]', b'"\\u0042inds":["%s/x:/t"]',
                         b'"Mounts":[{"Type":"bind","Source":"%s/x","Target":"/t"}]',
                         b'"Binds":["%s/x:/t"],"Binds":[]', b'"Binds":[],"Binds":["%s/x:/t"]',
                         b'"Mounts":[{"type":"BIND","source":"%s/x","target":"/t"}]',
                         b'"Mounts":[{"Source":"%s/x","Target":"/t","Type":"volume","type":"bind"}]',
                         b'"Mounts":[{"Type":"volume","Target":"/t","VolumeOptions":{"DriverConfig":{"Options":'
                         b'{"type":"none","o":"bind","device":"%s/x"}}}}]') % self.path

    def body(self):
        return self.rare(b'{"Image":"tools","Cmd":["true"],"HostConfig":{%s}}' % self.bind(),
                         b'{"Image":"tools","Cmd":["true"],%s}' % self.bind(),
                         b'{"Image":"tools","Cmd":["true"],"HostConfig":{%s},"HostConfig":{}}' % self.bind(),
                         b'{"Image":"tools","Cmd":["true"],"HostConfig":{},"hostconfig":{%s}}' % self.bind(),
                         b'{"Image":"tools","Cmd":["true"]}{"HostConfig":{%s}}' % self.bind())

    def volume(self):
        return self.rare(b'{"DriverOpts":{"type":"none","o":"bind","device":"%s/x"}}' % self.path,
                         b'{"driveropts":{"o":"bind"},"DriverOpts":{"type":"none","device":"%s/x"}}' % self.path,
                         b'{"DriverOpts":{"type":"none","o":"bind","device":"%s/x"},"DriverOpts":{}}' % self.path)

    def target(self):
        create = self.rare(b'/containers/create', b'/containers/%63reate', b'/containers%2Fcreate',
                           b'//containers/create', b'/containers/./create', b'/x/../containers/create',
                           b'/containers/create/', b'/Containers/Create', b'/volumes/create', b'/containers/x/start',
                           b'/libpod/containers/create', b'/images/load', b'/build', b'/containers/x/attach',
                           b'/session')
        version = self.rare(self.some(b'', b'/v1.41', b'/v1.24', b'/v1.40'),
                            b'/v1.23', b'/v01.41', b'/v1.041', b'/v1.41.', b'/v1.41.0')
        query = self.rare(b'', b'?', b'?name=', b'?platform=', b'?x=1', b'?volume=%s' % self.path, b'??', b'?;')
        return self.rare(b'', b'http://docker') + version + create + query

    def framed(self, body):
        """Fields for the length, and the body as these have it, or not."""
        chunks = b''.join(b'%x\r\n%s\r\n' % (len(part), part) for part in (body[:9], body[9:]) if part) + b'0\r\n\r\n'
        right = b'Content-Length: %d\r\n' % len(body)
        return self.rare((right, body), (b'Transfer-Encoding: chunked\r\n', chunks),
                         (b'Transfer-Encoding: chunked\r\n' + right, chunks),
                         (right + b'Transfer-Encoding: chunked\r\n', body),
                         (right * 2, body), (b'Content-Length: 0\r\n', body), (right + b'Content-Length: 0\r\n', body),
                         (b'Content-Length: +%d\r\n' % len(body), body), (b'Content-Length : %d\r\n' % len(body), body),
                         (b'Transfer-Encoding: xchunked\r\n', chunks), (b'Transfer-Encoding:\r\n chunked\r\n', chunks),
                         (b'Transfer-Encoding: chunked\r\n', chunks.replace(b'\r\n', b'\n')), (b'', body),
                         (b'Transfer-Encoding: chunked\r\n', chunks.replace(b'\r\n', b';a=b\r\n', 1)))

    def request(self):
        target = self.target()
        body = self.volume() if b'/volumes/' in target else self.body()
        length, sent = self.framed(body)
        fields = [length, self.rare(b'Host: docker\r\n', b'', b'Host: docker\r\n' * 2),
                  self.rare(b'Content-Type: application/json\r\n', b'', b'Content-Type: text/plain\r\n',
                            b'Content-Type: application/x-www-form-urlencoded\r\n'),
                  self.rare(b'', b'Expect: 100-continue\r\n', b'Connection: close\r\n', TCP,
                            b'Connection: Content-Length\r\n', b'X-HTTP-Method-Override: GET\r\n', b'A: b\r\n c\r\n')]
        self.random.shuffle(fields)
        line = b'%s %s %s\r\n' % (self.rare(b'POST', b'PUT', b'GET', b'post'), target,
                                  self.rare(b'HTTP/1.1', b'HTTP/1.0', b'HTTP/1.10'))
        return line + b''.join(fields) + b'\r\n' + sent

    def connection(self):
        """What is sent on one, in its pieces."""
        data = b''.join(self.request() for _ in range(self.some(1, 1, 2, 3)))
        cuts = sorted(self.random.randrange(len(data)) for _ in range(self.some(0, 0, 1, 3)))
        return [data[i:j] for i, j in zip([0, *cuts], [*cuts, len(data)])]


def storm(path, at, number, seed):
    weather = Storm(seed, at)

    def one(pieces):
        with Client(path) as client:
            for piece in pieces:
                client.send(piece)
            client.send(get(b'/_ping', b'GET', b'Connection: close\r\n'))
            client.sock.settimeout(0.5)
            try:
                client.rest()
            except socket.timeout:      # it waits for more
                client.sock.settimeout(LIMIT)
                client.end().rest()

    lock = threading.Lock()
    left = iter([weather.connection() for _ in range(number)])

    def worker():
        while True:
            with lock:
                pieces = next(left, None)
            if pieces is None:
                return
            one(pieces)

    threads = [threading.Thread(target=worker) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def case_random_requests(t):
    seed = int(os.environ.get('SEED', '1'))
    storm(t.path, t.at, 3000, seed)
    t.judged()
    creates = sum(t.host.encode() in body for head, body in t.daemon.noted if b'/containers/create' in head)
    holds(creates > 300, 'of 3000 connections, seed %d, only %d creates came through' % (seed, creates))


# ---- All of it -------------------------------------------------------------------------------------------


def cases():
    for name, case in sorted(globals().items()):
        if name.startswith('case_'):
            yield name[5:].replace('_', ' '), case
    for group in (names, no_names, bodies, refusals, framed, streams):
        yield from group()


def inside(fd, path, host, at):
    """In the runner's view, with a listener that was made outside of it."""
    daemon = Daemon(socket.socket(fileno=fd))
    passed = failed = 0
    for name, case in cases():
        daemon.begin()
        try:
            case(Cases(daemon, path, host, at))
            passed += 1
            print('ok hostile requests: ' + name, flush=True)
        except (Failed, EOFError, OSError, ValueError, TypeError, LookupError) as why:
            failed += 1
            print('not ok hostile requests: %s: %s: %.600s' % (name, type(why).__name__, why), flush=True)
    print('%d passed, %d failed, 0 skipped' % (passed, failed), flush=True)


def main():
    if sys.argv[1] == '--storm':
        storm(sys.argv[2], sys.argv[3], int(sys.argv[4]), int(os.environ.get('SEED', '1')))
        return
    if sys.argv[1] == '--inside':
        inside(int(sys.argv[2]), *sys.argv[3:])
        return
    program, dindbind, work, view, places = sys.argv[1:]
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(work + '/daemon.sock')
    listener.listen(64)     # by this process, so that the daemon's mounts are those out here
    with subprocess.Popen([program, '-listen', work + '/proxy.sock', '-daemon', work + '/daemon.sock',
                           '-dindbind', dindbind], stderr=subprocess.DEVNULL) as proxy:
        while not os.path.exists(work + '/proxy.sock'):
            if proxy.poll() is not None:
                sys.exit('requests: %s ended with %d' % (program, proxy.returncode))
            threading.Event().wait(0.01)
        subprocess.run(['nsenter', '--target', view, '--mount', sys.executable, os.path.abspath(__file__), '--inside',
                        str(listener.fileno()), work + '/proxy.sock', *places.split(':')],
                       pass_fds=[listener.fileno()], check=False)
        proxy.send_signal(signal.SIGTERM)


if __name__ == '__main__':
    main()
