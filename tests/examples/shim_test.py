#!/usr/bin/env python3
"""shim_test.py - examples/shim.py between raw sockets and a daemon that notes every byte

SPDX-License-Identifier: 0BSD

    shim_test.py DINDBIND SHIM DIRECTORY [VIEW...]
    shim_test.py --hostile SOCKET       only what must be refused, at a shim with whatever daemon it has

VIEW says to dindbind that DIRECTORY/host/w, which has a directory x, is the runner's /w; by default it is a bind
row. Failed cases are printed;
the last line is `N passed, N failed, N skipped`. No case waits for time to pass: the daemon holds back what
the client must not need, and goes on when it is told to. The limit of a minute only ends a failure.
"""

import json
import os
import select
import socket
import subprocess
import sys
import threading

LIMIT = 60
CREATE = b'/v1.41/containers/create'


# ---- The daemon ------------------------------------------------------------------------------------------


class Daemon:
    """Answers by the last part of the path. Reads HTTP as leniently as anybody might."""

    def __init__(self, path):
        self.noted = []             # (head, body) of each request, in the order in which they were complete
        self.raw = bytearray()      # all that came, on all connections
        self.ends = 0               # connections that ended
        self.gate = threading.Semaphore(0)
        self.changed = threading.Condition()
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.bind(path)
        self.socket.listen(64)
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                sock, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self.talk, args=(sock,), daemon=True).start()

    def end(self):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()

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
        sock.settimeout(LIMIT)
        buf = bytearray()

        def more():
            data = self.recv(sock)
            if not data:
                raise EOFError
            buf.extend(data)

        def line():
            while b'\r\n' not in buf:
                more()
            text, _, rest = bytes(buf).partition(b'\r\n')
            buf[:] = rest
            return text

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
            except (EOFError, OSError):
                pass
        self.note(lambda: setattr(self, 'ends', self.ends + 1))

    def request(self, sock, buf, line, some):
        head = [line()]
        while head[-1]:
            head.append(line())
        fields = {name.lower(): value.strip() for name, _, value in (text.partition(b':') for text in head[1:-1])}
        method, target, version = head[0].split(b' ')
        last = target.partition(b'?')[0].rsplit(b'/', 1)[1].decode()

        if last == 'refuses':       # without a look at the body
            sock.sendall(b'HTTP/1.1 400 Bad Request\r\nContent-Length: 3\r\nConnection: close\r\n\r\nno\n')
            return False
        if last == 'early':         # answers while the body is still coming
            some(5)
            sock.sendall(b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n')
            self.gate.acquire()     # pylint: disable=consider-using-with
        if fields.get(b'expect') == b'100-continue':
            self.gate.acquire()     # pylint: disable=consider-using-with
            sock.sendall(b'HTTP/1.1 100 Continue\r\n\r\n')
        body = b''
        if fields.get(b'transfer-encoding') == b'chunked':
            while True:
                size = int(line().split(b';')[0], 16)
                body += some(size)
                line()
                if not size:
                    break
        else:
            body = some(int(fields.get(b'content-length', b'0')) - (5 if last == 'early' else 0))
        self.note(lambda: self.noted.append((b'\r\n'.join(head), body)))

        if last in ('attach', 'start', 'ws') and b'missing' not in target:
            if b'upgrade' in fields:
                sock.sendall(b'HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n')
            elif last == 'attach':
                sock.sendall(b'HTTP/1.1 200 OK\r\nContent-Type: application/vnd.docker.raw-stream\r\n\r\n')
            else:
                sock.sendall(b'HTTP/1.1 204 No Content\r\n\r\n')
                return True
            data = bytes(buf) or self.recv(sock)
            while data:
                sock.sendall(data.upper())
                data = self.recv(sock)
            sock.sendall(b'the end')
            return False
        if last == 'early':
            sock.sendall(b'3\r\ntwo\r\n0\r\n\r\n')
        elif last == 'events':
            sock.sendall(b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n')
            for text in (b'first', b'second'):
                sock.sendall(b'%x\r\n%s\r\n' % (len(text), text))
                while not self.gate.acquire(timeout=0.01):      # pylint: disable=consider-using-with
                    if select.select([sock], [], [], 0)[0]:
                        return False
            sock.sendall(b'0\r\n\r\n')
        elif last == 'big':
            sock.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 10000000\r\n\r\n' + b'x' * 10000000)
        elif last in ('204', '304'):
            sock.sendall(b'HTTP/1.1 %s Whatever\r\n\r\n' % last.encode())
        elif last == 'old':
            sock.sendall(b'HTTP/1.0 200 OK\r\n\r\nto the end')
            return False
        elif last == 'attach':
            sock.sendall(b'HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\n{}')
        else:
            text = b'%s %s %d' % (method, target, len(body))
            sock.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n' % len(text) + (b'' if method == b'HEAD' else text))
        return b'close' not in fields.get(b'connection', b'') and version == b'HTTP/1.1'


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
        except BrokenPipeError:
            pass        # refused, and closed: the answer says so
        return self

    def until(self, text):
        """All up to and with this text."""
        while text not in self.buf:
            data = self.sock.recv(65536)
            if not data:
                raise EOFError('ended, with %r' % self.buf[-300:])
            self.buf += data
        got, _, self.buf = self.buf.partition(text)
        return got + text

    def rest(self):
        """All up to the end."""
        while True:
            try:
                data = self.sock.recv(65536)
            except ConnectionResetError:
                data = b''
            if not data:
                got, self.buf = self.buf, b''
                return got
            self.buf += data

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


class Failed(Exception):
    pass


def same(got, want):
    if got != want:
        raise Failed('got %r, wanted %r' % (got[:600] if isinstance(got, bytes) else got, want))


def holds(true, what):
    if not true:
        raise Failed(what)


# ---- The cases -------------------------------------------------------------------------------------------


class Cases:
    def __init__(self, daemon, path, work):
        self.daemon, self.path, self.work = daemon, path, work

    def client(self):
        return Client(self.path)

    def asked(self, *requests):
        """Exactly these reached the daemon: method and path."""
        self.daemon.until(lambda: len(self.daemon.noted) >= len(requests))
        same([head.split(b' HTTP')[0] for head, _ in self.daemon.noted], list(requests))

    def body(self):
        self.daemon.until(lambda: self.daemon.noted)
        return self.daemon.noted[-1][1]

    def refused(self, data, status=400, word=b''):
        """Nothing of it reaches the daemon; the answer is a message in JSON, and the end."""
        with self.client() as client:
            answer = client.send(data).rest()
        head, _, body = answer.partition(b'\r\n\r\n')
        holds(head.startswith(b'HTTP/1.1 %d ' % status), 'answer %r' % answer[:300])
        same(head.lower().count(b'content-length: %d' % len(body)), 1)
        same(list(json.loads(body)), ['message'])
        holds(word in body, 'message %r lacks %r' % (body, word))
        self.daemon.until(lambda: self.daemon.ends == 1)
        same(bytes(self.daemon.raw), b'')

    def translated(self, data, path=b'POST ' + CREATE):
        with self.client() as client:
            client.send(data).until(b'HTTP/1.1 200 OK\r\n')
            client.until(path)
        self.asked(path)
        same(json.loads(self.body()), {'HostConfig': {'Binds': [self.work + '/host/w/x:/t']}, 'Big': 1e999})
        head = self.daemon.noted[0][0].lower()
        same(head.count(b'content-length: %d' % len(self.body())), 1)
        holds(b'transfer-encoding' not in head and b'expect' not in head, 'head %r' % head)


BODY = b'{"HostConfig":{"Binds":["/w/x:/t"]},"Big":1e999}'


def case_a_create_body_is_translated(t):
    t.translated(post(CREATE, BODY, b'Content-Type: application/json\r\n'))


def case_every_byte_but_the_source_stays(t):
    body = b' {"Image":"\\u00e9", "hostconfig" :\t{"Binds":[ "/w/x:/t" ]},"n":1.000000000000000000001e-7}\n'
    with t.client() as client:
        client.send(post(CREATE, body)).until(b'200 OK')
    same(t.body(), body.replace(b'/w/x', t.work.encode() + b'/host/w/x'))


def case_a_chunked_create_body(t):
    t.translated(chunked(CREATE, BODY))


def case_a_create_body_byte_by_byte(t):
    with t.client() as client:
        for byte in chunked(CREATE, BODY, 3):
            client.send(bytes([byte]))
        client.until(b'200 OK')
    holds(b'/host/w/x' in t.body(), t.body())


def case_a_create_body_that_expects_100(t):
    with t.client() as client:
        client.send(get(CREATE, b'POST', b'Expect: 100-continue\r\nContent-Length: %d\r\n' % len(BODY)))
        same(client.until(b'\r\n\r\n'), b'HTTP/1.1 100 Continue\r\n\r\n')
        client.send(BODY).until(b'HTTP/1.1 200 OK')
    holds(b'/host/w/x' in t.body() and b'xpect' not in t.daemon.noted[0][0], t.daemon.noted)


def names():
    for path in (b'/containers/create', b'/v1.24/containers/create?name=a%20b&platform=', b'//containers//create',
                 b'/v1.41/%63ontainers/creat%65', b'/v1.41/containers%2Fcreate', b'/v1.41/containers/create/',
                 b'/v1.41/./containers/x/../create', b'/v1.41/Containers/Create', b'/%2563ontainers/create',
                 b'/v1.41/containers/create?', b'/v1.41/containers/create/?a#b', b'/v4.3.1-dev/containers/create',
                 b'/containers/create%0a'[:-3] + b''):
        def case(t, path=path):
            t.translated(post(path, BODY), b'POST ' + path)
        yield 'create as ' + path.decode(), case


def case_no_daemon(t):
    os.rename(t.work + '/daemon.sock', t.work + '/away')
    try:
        with t.client() as client:
            answer = client.send(get(b'/_ping')).rest()
    finally:
        os.rename(t.work + '/away', t.work + '/daemon.sock')
    holds(answer.startswith(b'HTTP/1.1 502 '), answer)


def case_a_refused_source_is_a_400(t):
    t.refused(post(CREATE, b'{"HostConfig":{"Binds":["/nowhere:/t"]}}'), 400, b'/nowhere')


def case_bad_json_is_a_400(t):
    t.refused(post(CREATE, b'{"HostConfig":'), 400, b'dindbind')


def case_no_body_is_a_400(t):
    t.refused(post(CREATE), 400, b'dindbind')


def case_a_body_of_more_than_64_mib(t):
    t.refused(get(CREATE, b'POST', b'Content-Length: %d\r\n' % (64 * 2**20 + 1)), 413)


def case_chunks_of_more_than_64_mib(t):
    t.refused(get(CREATE, b'POST', b'Transfer-Encoding: chunked\r\n') + b'2000000\r\n' + b' ' * 0x2000000 + b'\r\n' +
              b'2000001\r\n' + b' ' * 0x2000001, 413)


def hostile():
    """Name, bytes: what two readers might read differently."""
    inner = post(CREATE, b'{"HostConfig":{"Binds":["/etc:/t"]}}')
    for name, data in (
            ('Content-Length and Transfer-Encoding',
             get(b'/x', b'POST', b'Content-Length: 4\r\nTransfer-Encoding: chunked\r\n') + b'0\r\n\r\n' + inner),
            ('Transfer-Encoding and Content-Length',
             get(b'/x', b'POST', b'Transfer-Encoding: chunked\r\nContent-Length: 4\r\n') + b'0\r\n\r\n' + inner),
            ('Content-Length twice', get(b'/x', b'POST', b'Content-Length: 0\r\nContent-Length: 9\r\n') + inner),
            ('the same Content-Length twice', get(b'/x', b'POST', b'Content-Length: 0\r\nContent-Length: 0\r\n')),
            ('a list of Content-Lengths', get(b'/x', b'POST', b'Content-Length: 0, 9\r\n') + inner),
            ('Content-Length with a sign', get(b'/x', b'POST', b'Content-Length: +0\r\n') + inner),
            ('a negative Content-Length', get(b'/x', b'POST', b'Content-Length: -1\r\n') + inner),
            ('Content-Length in hex', get(b'/x', b'POST', b'Content-Length: 0x0\r\n') + inner),
            ('Content-Length without a number', get(b'/x', b'POST', b'Content-Length:\r\n') + inner),
            ('Content-Length with an underscore', get(b'/x', b'POST', b'Content-Length: 1_0\r\n') + inner),
            ('a Content-Length that is too long', get(b'/x', b'POST', b'Content-Length: 18446744073709551616\r\n') + inner),
            ('Transfer-Encoding twice', get(b'/x', b'POST', b'Transfer-Encoding: chunked\r\n' * 2) + b'0\r\n\r\n' + inner),
            ('Transfer-Encoding: identity', get(b'/x', b'POST', b'Transfer-Encoding: identity\r\n') + b'0\r\n\r\n' + inner),
            ('Transfer-Encoding: gzip, chunked', get(b'/x', b'POST', b'Transfer-Encoding: gzip, chunked\r\n') + b'0\r\n\r\n' + inner),
            ('Transfer-Encoding: xchunked', get(b'/x', b'POST', b'Transfer-Encoding: xchunked\r\n') + b'0\r\n\r\n' + inner),
            ('Transfer-Encoding with a vertical tab', get(b'/x', b'POST', b'Transfer-Encoding: \x0bchunked\r\n') + b'0\r\n\r\n' + inner),
            ('Transfer-Encoding in HTTP/1.0',
             b'POST /x HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n' + inner),
            ('a folded field', get(b'/x', b'POST', b'Content-Length: 0\r\nA: b\r\n c\r\n') + inner),
            ('a folded Transfer-Encoding', get(b'/x', b'POST', b'Transfer-Encoding:\r\n chunked\r\n') + inner),
            ('a folded first field', get(b'/x', b'POST', b' A: b\r\n') + inner),
            ('blanks before the colon', get(b'/x', b'POST', b'Content-Length : 9\r\n') + inner),
            ('a field without a name', get(b'/x', b'POST', b': 9\r\n') + inner),
            ('a field without a colon', get(b'/x', b'POST', b'Content-Length\r\n') + inner),
            ('NUL in a field', get(b'/x', b'POST', b'A: b\0c\r\n') + inner),
            ('bare LF in a field', get(b'/x', b'POST', b'A: b\nContent-Length: 9\r\n') + inner),
            ('bare CR in a field', get(b'/x', b'POST', b'A: b\rContent-Length: 9\r\n') + inner),
            ('CR CR LF', get(b'/x', b'POST', b'A: b\r\r\nContent-Length: 9\r\n') + inner),
            ('a head with bare LF only', inner.replace(b'\r\n', b'\n')),
            ('bare LF at the end of a head', b'GET /x HTTP/1.1\r\nHost: a\n\n' + inner),
            ('an empty line first', b'\r\n' + inner),
            ('absolute form', inner.replace(b' /', b' http://docker/', 1)),
            ('absolute form in upper case', inner.replace(b' /', b' HTTP://docker/', 1)),
            ('no slash', inner.replace(b' /', b' ', 1)),
            ('asterisk form', get(b'*', b'OPTIONS')),
            ('authority form', get(b'docker:80', b'CONNECT')),
            ('a method in lower case', inner.replace(b'POST', b'post', 1)),
            ('a method in mixed case', inner.replace(b'POST', b'Post', 1)),
            ('an unknown method', inner.replace(b'POST', b'PATCH', 1)),
            ('a blank before the method', b' ' + inner),
            ('two blanks in the request line', inner.replace(b' /', b'  /', 1)),
            ('a tab in the request line', inner.replace(b' /', b'\t/', 1)),
            ('a blank in the path', inner.replace(b'create', b'create x', 1)),
            ('NUL in the path', inner.replace(b'create', b'create\0', 1)),
            ('UTF-8 in the path', inner.replace(b'create', b'cre\xc3\xa4te', 1)),
            ('HTTP/0.9', b'GET /x\r\n\r\n'),
            ('HTTP/2', inner.replace(b'HTTP/1.1', b'HTTP/2.0')),
            ('the preface of HTTP/2', b'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
            ('HTTP/1.10', inner.replace(b'HTTP/1.1', b'HTTP/1.10')),
            ('http/1.1', inner.replace(b'HTTP/1.1', b'http/1.1')),
            ('not HTTP', b'\x16\x03\x01\x02\x00\r\n\r\n'),
            ('a head of 300,000 bytes', get(b'/x', b'GET', b'A: ' + b'b' * 300000 + b'\r\n')),
            ('a head without an end', b'GET /x HTTP/1.1\r\n' + b'A: b\r\n' * 60000),
            ('Upgrade where nothing is to be upgraded',
             get(b'/_ping', b'GET', b'Connection: Upgrade\r\nUpgrade: tcp\r\n') + inner),
            ('Upgrade to HTTP/2', get(b'/info', b'GET', b'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n') + inner),
            ('Upgrade of attach to HTTP/2',
             get(b'/containers/x/attach', b'POST', b'Connection: Upgrade\r\nUpgrade: h2c\r\n') + inner),
            ('two Upgrades', get(b'/containers/x/attach', b'POST', b'Upgrade: tcp\r\nUpgrade: h2c\r\n') + inner),
            ('Upgrade of a create', get(CREATE, b'POST', b'Connection: Upgrade\r\nUpgrade: tcp\r\n') + inner),
    ):
        def case(t, data=data):
            t.refused(data)
        yield name, case

    head = get(b'/build', b'POST', b'Transfer-Encoding: chunked\r\n')
    for name, chunks in (
            ('an extension', b'0;a=b\r\n\r\n'), ('an extension with a line break', b'2;\nxx\r\n31\r\n0\r\n\r\n'),
            ('bare LF', b'1\na\n0\n\n'), ('bare CR', b'1\ra\r0\r\r'), ('a blank', b'1 \r\na\r\n0\r\n\r\n'),
            ('a sign', b'+1\r\na\r\n0\r\n\r\n'), ('a prefix', b'0x1\r\na\r\n0\r\n\r\n'), ('no size', b'\r\n\r\n'),
            ('an underscore', b'1_0\r\n0123456789abcdef\r\n0\r\n\r\n'), ('a trailer', b'0\r\nA: b\r\n\r\n'),
            ('a size too large', b'fffffffff\r\na'), ('content that is longer', b'1\r\nab\r\n0\r\n\r\n'),
            ('content that is shorter', b'3\r\na\r\n0\r\n\r\n'), ('LF after the content', b'1\r\na\n0\r\n\r\n'),
            ('two more bytes of content', b'1\r\nabc0\r\n\r\n')):
        def chunk(t, chunks=chunks, good=name == 'content that is shorter'):
            with t.client() as client:
                answer = client.send(head + chunks + inner).rest()
            holds(answer.startswith(b'HTTP/1.1 400 '), answer)
            t.daemon.until(lambda: t.daemon.ends == 1)
            same(t.daemon.noted, [])        # no complete request
            holds(b'HostConfig' not in t.daemon.raw, t.daemon.raw)
        yield 'chunks with ' + name, chunk
        yield 'a create with ' + name, lambda t, chunks=chunks: t.refused(
            get(CREATE, b'POST', b'Transfer-Encoding: chunked\r\n') + chunks + inner)


def untranslatable():
    volume = b'/v1.41/volumes/create'
    for name, data in (
            ('the libpod API', post(b'/v4.0.0/libpod/containers/create', b'{"mounts":[]}')),
            ('libpod play', post(b'/libpod/play/kube', b'x')),
            ('libpod, encoded', post(b'/v4.0.0/%6cibpod/containers/create', b'{"mounts":[]}')),
            ('a service', post(b'/v1.41/services/create', b'{}')),
            ('a service update', post(b'/services/abc/update?version=1', b'{}')),
            ('a plugin', post(b'/plugins/create?name=x', b'')), ('a plugin pull', post(b'/v1.41/plugins/pull?remote=x', b'[]')),
            ('a plugin upgrade', post(b'/plugins/a/b:c/upgrade', b'[]')),
            ('the settings of a plugin', post(b'/plugins/a/b:c/set', b'["m.source=/etc"]')),
            ('a checkpoint', post(b'/containers/x/checkpoints', b'{"CheckpointDir":"/etc"}')),
            ('the end of a checkpoint', get(b'/containers/x/checkpoints/y?dir=/etc', b'DELETE')),
            ('a start from a checkpoint', post(b'/containers/x/start?checkpoint=a&checkpoint-dir=/etc')),
            ('a start with a HostConfig', post(b'/v1.23/containers/x/start', b'{"Binds":["/etc:/x"]}')),
            ('a start with a HostConfig in chunks', chunked(b'/v1.23/containers/x/start', b'{"Binds":["/etc:/x"]}')),
            ('a build with a volume', post(b'/build?t=x&volume=/etc:/x')),
            ('a volume of a directory', post(volume, b'{"DriverOpts":{"type":"none","o":"bind","device":"/etc"}}')),
            ('with tmpfs for a type', post(volume, b'{"DriverOpts":{"type":"tmpfs","o":"rw,rbind","device":"/etc"}}')),
            ('in another case', post(volume, b'{"driveropts":{"o":"bind","device":"/etc"}}')),
            ('with a long s', post(volume, '{"DriverOptſ":{"o":"bind","device":"/etc"}}'.encode())),
            ('with an escape', post(volume, b'{"\\u0044riverOpts":{"o":"bind","device":"/etc"}}')),
            ('twice', post(volume, b'{"DriverOpts":{"o":"bind","device":"/etc"},"DriverOpts":{}}')),
            ('in chunks', chunked(volume, b'{"DriverOpts":{"o":"bind","device":"/etc"}}')),
            ('as an overlay', post(volume, b'{"DriverOpts":{"type":"overlay","o":"lowerdir=/etc:/usr"}}')),
            ('of another driver', post(volume, b'{"Driver":"x","DriverOpts":{"mountpoint":"/etc"}}')),
    ):
        yield 'refused: ' + name, lambda t, data=data: t.refused(data, 403)
    for body in (b'', b'[', b'{}{}', b'[[1,2]]', b'"a"', b'{"DriverOpts":"abc"}', b'\xff{}', b'{"DriverOpts":[1]}', b'[' * 100000):
        yield 'a volume body %r' % body[:20], lambda t, body=body: t.refused(post(volume, body), 400)
    for body in (b'{}', b'{"Name":"x","DriverOpts":null}', b'{"DriverOpts":{"size":"1G"}}',
                 b'{"DriverOpts":{"type":"nfs","o":"addr=1.2.3.4,rw","device":":/a/b"}}',
                 b'{"DriverOpts":{"type":"tmpfs","device":"tmpfs","o":"size=1m"},"Labels":{"a":"/b"}}'):
        def passes(t, body=body):
            with t.client() as client:
                client.send(post(volume, body)).until(b'200 OK')
            same(t.body(), body)
        yield 'a volume of %r' % body, passes


def case_what_only_looks_alike_passes(t):
    requests = (b'GET /v4.0.0/libpod/info', b'POST /v1.41/containers/create/start', b'GET /containers/create/json',
                b'DELETE /containers/create', b'POST /containers/x/update', b'PUT /containers/x/archive?path=/etc',
                b'GET /services', b'GET /containers/x/checkpoints', b'POST /exec/x/resize?h=1&w=2', b'GET /plugins')
    with t.client() as client:
        for request in requests:
            method, path = request.split()
            client.send(get(path, method)).until(b'\r\n\r\n')
    t.asked(*requests)


def case_every_request_of_a_connection_is_looked_at(t):
    with t.client() as client:
        for number in range(3):
            client.send(get(b'/info')).until(b'GET /info 0')
            client.send(post(CREATE, BODY)).until(b'POST %s %d' % (CREATE, len(t.work) + 5 + len(BODY)))
            client.send(chunked(b'/images/load', b'x' * 100)).until(b'POST /images/load 100')
        answer = client.send(post(CREATE, b'{"HostConfig":{"Binds":["/nowhere:/t"]}}')).rest()
    holds(answer.startswith(b'HTTP/1.1 400') and b'/nowhere' in answer, answer)
    t.asked(*[b'GET /info', b'POST ' + CREATE, b'POST /images/load'] * 3)
    holds(all(b'/host/w/x' in body for head, body in t.daemon.noted if CREATE in head), t.daemon.noted)


def case_requests_sent_without_waiting(t):
    with t.client() as client:
        client.send(get(b'/a') + post(CREATE, BODY) + chunked(b'/b', b'xyz') + get(b'/c', b'HEAD') + post(CREATE, b'{'))
        answer = client.rest()
    t.asked(b'GET /a', b'POST ' + CREATE, b'POST /b', b'HEAD /c')
    same([answer.count(text) for text in (b'200 OK', b'400 Bad')], [4, 1])


def case_a_create_behind_each_kind_of_answer(t):
    for path, method in ((b'/x', b'GET'), (b'/x', b'HEAD'), (b'/204', b'DELETE'), (b'/304', b'POST'), (b'/204', b'HEAD'),
                         (b'/containers/missing/attach', b'POST'), (b'/big', b'GET')):
        with t.client() as client:
            client.send(get(path, method)).until(b'\r\n\r\n')
            answer = client.send(post(CREATE, b'{')).rest()
        holds(b'HTTP/1.1 400 Bad Request' in answer and b'dindbind' in answer, '%r: %r' % (path, answer[-500:]))
    holds(b'{' not in t.daemon.raw, 'a body reached the daemon')


def case_head_204_304(t):
    with t.client() as client:
        same(client.send(get(b'/_ping', b'HEAD')).until(b'\r\n\r\n'), b'HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n')
        same(client.send(get(b'/204')).until(b'\r\n\r\n'), b'HTTP/1.1 204 Whatever\r\n\r\n')
        same(client.send(get(b'/304')).until(b'\r\n\r\n'), b'HTTP/1.1 304 Whatever\r\n\r\n')
        client.send(get(b'/x')).until(b'GET /x 0')


def case_answers_in_chunks_arrive_as_they_are_sent(t):
    with t.client() as client:
        client.send(get(b'/events')).until(b'5\r\nfirst\r\n')
        t.daemon.gate.release()
        client.until(b'6\r\nsecond\r\n')
        t.daemon.gate.release()
        client.until(b'0\r\n\r\n')
        client.send(get(b'/x')).until(b'GET /x 0')


def case_a_client_that_leaves_is_told_to_the_daemon(t):
    with t.client() as client:
        client.send(get(b'/containers/x/attach', b'POST')).until(b'\r\n\r\n')
    holds(t.daemon.until(lambda: t.daemon.ends == 1), 'the daemon still waits')


def case_a_client_that_leaves_while_the_daemon_says_nothing(t):
    with t.client() as client:
        client.send(get(b'/events')).until(b'first')
    holds(t.daemon.until(lambda: t.daemon.ends == 1), 'the daemon still waits')


def case_a_client_that_leaves_during_an_answer(t):
    with t.client() as client:
        client.send(get(b'/big')).until(b'xxx')
    holds(t.daemon.until(lambda: t.daemon.ends == 1), 'the daemon still sends')


def case_a_request_of_a_client_that_left_at_once(t):
    with t.client() as client:
        client.send(post(b'/containers/x/kill'))
    t.asked(b'POST /containers/x/kill')


def case_a_long_answer(t):
    with t.client() as client:
        client.send(get(b'/big'))
        client.until(b'\r\n\r\n')
        same(len(client.until(b'x' * 10000000)), 10000000)


def case_an_upload_streams(t):
    with t.client() as client:
        client.send(get(b'/images/load', b'POST', b'Transfer-Encoding: chunked\r\n'))
        for number in range(3):
            client.send(b'100000\r\n' + b'%d' % number * 0x100000 + b'\r\n')
            holds(t.daemon.until(lambda number=number: len(t.daemon.raw) > (number + 1) * 0x100000), 'held back')
        client.send(b'0\r\n\r\n').until(b'POST /images/load 3145728')


def case_an_answer_before_the_upload_ended(t):
    with t.client() as client:
        client.send(get(b'/early', b'POST', b'Content-Length: 10\r\n') + b'12345').until(b'one\r\n')
        client.send(b'67890')
        t.daemon.gate.release()
        client.until(b'two\r\n0\r\n\r\n')
        client.send(get(b'/x')).until(b'GET /x 0')


def case_a_bad_chunk_behind_an_answer(t):
    with t.client() as client:
        client.send(get(b'/early', b'POST', b'Transfer-Encoding: chunked\r\n') + b'5\r\n12345\r\n').until(b'one\r\n')
        same(client.send(b'5;\r\n67890\r\n0\r\n\r\n').rest(), b'')
    t.daemon.gate.release()
    t.daemon.until(lambda: t.daemon.ends == 1)
    same(t.daemon.noted, [])


def case_a_long_request_that_is_refused_is_heard_out(t):
    with t.client() as client:
        client.sock.sendall(post(b'/plugins/create', b'x' * 2000000))
        holds(client.rest().startswith(b'HTTP/1.1 403 '), 'no answer')


def case_an_answer_instead_of_the_upload(t):
    with t.client() as client:
        client.send(post(b'/refuses', b'x' * 10000000))
        answer = client.rest()
    holds(answer.startswith(b'HTTP/1.1 400 Bad Request') and answer.endswith(b'no\n'), answer)


def case_an_upload_that_expects_100(t):
    with t.client() as client:
        client.send(get(b'/x', b'POST', b'Expect: 100-continue\r\nContent-Length: 5\r\n'))
        t.daemon.gate.release()
        same(client.until(b'\r\n\r\n'), b'HTTP/1.1 100 Continue\r\n\r\n')
        client.send(b'12345').until(b'POST /x 5')
        holds(client.send(post(CREATE, b'{')).rest().startswith(b'HTTP/1.1 400'), 'not looked at')


def case_a_body_that_is_cut(t):
    for data in (post(b'/x', b'12345')[:-1], chunked(b'/x', b'12345')[:-5], post(CREATE, BODY)[:-1], b'POST /x HTT'):
        with t.client() as client:
            same(client.send(data).end().rest(), b'')
    t.daemon.until(lambda: t.daemon.ends == 4)
    same(t.daemon.noted, [])


def case_http_1_0(t):
    with t.client() as client:
        same(client.send(b'GET /old HTTP/1.0\r\n\r\n').rest(), b'HTTP/1.0 200 OK\r\n\r\nto the end')
    with t.client() as client:
        client.send(b'POST /containers/create HTTP/1.0\r\nContent-Length: %d\r\n\r\n' % len(BODY) + BODY)
        holds(client.rest().startswith(b'HTTP/1.1 200 OK'), 'no answer')
    holds(b'/host/w/x' in t.body(), t.body())


def case_connection_close(t):
    with t.client() as client:
        holds(client.send(get(b'/x', b'GET', b'Connection: close\r\n')).rest().endswith(b'GET /x 0'), 'no answer')


def hijacks():
    for path, method, fields, answer in (
            (b'/containers/x/attach?stdin=1&stream=1', b'POST', b'Upgrade: tcp\r\nConnection: Upgrade\r\n', b'101 UPGRADED'),
            (b'/v1.41/exec/x/start', b'POST', b'Connection: Upgrade\r\nUpgrade: tcp\r\n', b'101 UPGRADED'),
            (b'/v1.41/containers/x/attach/ws', b'GET', b'Connection: Upgrade\r\nUpgrade: websocket\r\n', b'101 UPGRADED'),
            (b'/containers/x/attach?stdin=1', b'POST', b'', b'200 OK')):
        def case(t, path=path, method=method, fields=fields, answer=answer):
            request = get(path, method, fields + b'Content-Type: text/plain\r\n')
            if b'exec' in path:
                request = post(path, b'{"Tty":false}', fields)
            with t.client() as client:
                client.send(request).until(b'\r\n\r\n')
                client.send(b'hello, ').until(b'HELLO, ')       # both ways, before any end
                client.send(post(CREATE, b'{')).until(b'\r\n\r\n')        # raw: nothing of it is HTTP
                client.until(b'{')
                threading.Thread(target=client.send, args=(b'x' * 3000000,), daemon=True).start()
                client.until(b'X' * 3000000)        # more than fits between: both sides must flow
                same(client.end().rest(), b'the end')
            holds(t.daemon.until(lambda: t.daemon.ends == 1), 'the daemon still waits')
        yield 'hijacked: %s %s' % (path.decode(), answer.decode()), case

    def at_once(t):
        with t.client() as client:
            client.send(get(b'/containers/x/attach', b'POST', b'Upgrade: tcp\r\nConnection: Upgrade\r\n') + b'all at once')
            answer = client.end().rest()
        same(answer.partition(b'\r\n\r\n')[2], b'ALL AT ONCEthe end')
    yield 'hijacked: input that did not wait', at_once

    def flood(t):
        """A client that does not read: what it sends fills all buffers and comes back when it reads."""
        with t.client() as client:
            client.send(get(b'/containers/x/attach', b'POST', b'Upgrade: tcp\r\nConnection: Upgrade\r\n')).until(b'\r\n\r\n')
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
    yield 'hijacked: a client that does not read', flood


def cases():
    for name, case in sorted(globals().items()):
        if name.startswith('case_'):
            yield name[5:].replace('_', ' '), case
    for group in (names, hostile, untranslatable, hijacks):
        yield from group()


# ---- All of it -------------------------------------------------------------------------------------------


class Shim:
    """One that listens, in front of whatever daemon is there when it is asked."""

    def __init__(self, program, work, *command):
        self.path = work + '/shim.sock'
        self.process = subprocess.Popen(    # pylint: disable=consider-using-with
            [program, '--listen', self.path, '--daemon', work + '/daemon.sock', '--mode', '660', '--', *command],
            stderr=subprocess.DEVNULL)
        while not os.path.exists(self.path):
            if self.process.poll() is not None:
                sys.exit('shim_test: %s ended with %d' % (program, self.process.returncode))
            threading.Event().wait(0.01)

    def end(self):
        self.process.terminate()
        self.process.wait()


class Unnoted(Cases):
    """For a daemon that reports nothing: what is refused is answered so."""

    def refused(self, data, status=400, word=b''):
        with self.client() as client:
            answer = client.send(data).rest()
        holds(answer.startswith(b'HTTP/1.1 %d ' % status), answer[:300])


def main():
    if sys.argv[1] == '--hostile':
        for name, case in [*hostile(), *untranslatable()]:
            if 'chunks with' not in name and not name.startswith('a volume of'):
                case(Unnoted(None, sys.argv[2], ''))
        return
    dindbind, program, work, *view = sys.argv[1:]
    view = view or ['-b', work + '/host/w:/w']
    passed = failed = 0

    def check(shim, name, case):
        nonlocal passed, failed
        daemon = Daemon(work + '/daemon.sock')
        try:
            case(Cases(daemon, shim.path, work))
            passed += 1
        except (Failed, EOFError, OSError, ValueError) as why:
            failed += 1
            print('not ok: shim: %s: %s: %s' % (name, type(why).__name__, why), flush=True)
        daemon.end()
        os.unlink(work + '/daemon.sock')

    shim = Shim(program, work, dindbind, *view)
    check(shim, 'the mode of the socket', lambda t: same(os.stat(t.path).st_mode & 0o777, 0o660))
    for name, case in cases():
        check(shim, name, case)
    shim.end()
    body = post(CREATE, BODY)
    for name, command in (('a runner that cannot be read', (dindbind, '-r', work + '/no runner')),
                          ('a wrong command line', (dindbind, '--no-such-option')),
                          ('no dindbind', (work + '/no dindbind',))):
        shim = Shim(program, work, *command)
        check(shim, name, lambda t: t.refused(body, 500))
        shim.end()
    if os.path.exists(shim.path):
        failed += 1
        print('not ok: shim: its socket is left')
    print('%d passed, %d failed, 0 skipped' % (passed, failed))
    sys.exit(1 if failed else 0)


if __name__ == '__main__':
    main()
