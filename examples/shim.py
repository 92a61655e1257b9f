#!/usr/bin/env python3
"""shim.py - a docker socket for a runner: container-create bodies pass through `dindbind -c`

SPDX-License-Identifier: 0BSD

    shim.py --listen /run/shim.sock --daemon /var/run/docker.sock -- dindbind -r /run/runner.json

One shim per runner: the command after `--`, to which -c is added, says whose paths they are. The socket it
listens on is mounted into the runner. dindbind's refusal (status 1) becomes a 400 that quotes it, any other
failure a 500; the daemon does not hear of the request then. All else is copied as it comes, both ways, except
what names directories of the host in a place that nobody translates: see REFUSED, a 403.

With `-s DIR` in the command whoever runs the shim takes the stage down (`dindbind -u DIR`) when the siblings
are removed. A shim finds paths, it is no policy: who may create containers is root on the host.

Python's standard library only. One thread for each connection, with one connection to the daemon. Every
request on it is looked at. What two readers might read differently is refused, not repaired.
"""

import argparse
import json
import os
import posixpath
import re
import select
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.parse

ROOM = 1 << 18          # bytes kept for each direction, then the sender waits; also the longest head
BODY = 64 << 20         # longest body that is looked at: dindbind's own limit

# ---- What is looked at, by method and path -------------------------------------------------------------
#
# Paths are compared decoded, cleaned, without regard to case, and by their end, so that any version prefix
# matches: wider than any daemon's router. What matches too much is translated or refused without need.

CREATE = r'POST .*/containers/create'
VOLUME = r'POST .*/volumes/create'

REFUSED = (             # request, what must be in the query, why
    (r'(POST|PUT|DELETE) .*/libpod/.*', None, 'bodies of the libpod API are not translated'),
    (r'POST .*/services/(create|[^/]+/update)', None, 'services run on any node of the swarm'),
    (r'POST .*/plugins/(pull|create|.*/(set|upgrade))', None, 'plugins mount directories of the host'),
    (r'(POST|DELETE) .*/containers/[^/]+/checkpoints.*', None, 'checkpoints are directories of the host'),
    (r'POST .*/containers/[^/]+/start', 'checkpoint-dir', 'checkpoints are directories of the host'),
    (r'POST .*/build', 'volume', 'volumes of a build (podman) are directories of the host'),
)
START = r'POST .*/containers/[^/]+/start'       # a body here is a HostConfig to API versions before 1.24

HIJACKED = (            # what may become a raw stream, and under which name
    (r'POST .*/(containers/[^/]+/attach|exec/[^/]+/start)', 'tcp'),
    (r'GET .*/containers/[^/]+/attach/ws', 'websocket'),
    (r'POST .*/(session|grpc)', 'h2c'),         # BuildKit: the client's files, asked for by the daemon
)


class Refused(Exception):
    """The request gets this answer, and its connection ends."""

    def __init__(self, status, why):
        super().__init__(why)
        self.status, self.why = status, why


class Gone(Exception):
    """The connection is at its end, or past help."""


# ---- HTTP: heads and bodies ------------------------------------------------------------------------------

TOKEN = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
REQUEST = re.compile(rb'(GET|HEAD|POST|PUT|DELETE|OPTIONS) (/[!-~]*) HTTP/1\.([01])')
FIELD = re.compile(rb'(' + TOKEN + rb'):[ \t]*([\t -~\x80-\xff]*?)[ \t]*')
CHUNK = re.compile(rb'([0-9A-Fa-f]{1,8})\r\n')
LAST = re.compile(rb'0{1,8}\r\n\r\n')
CUT = re.compile(rb'(?:[0-9A-Fa-f]{0,8}|[0-9A-Fa-f]{1,8}\r|0{1,8}\r\n\r?)')


class Sized:
    """A body of so many bytes."""

    def __init__(self, left):
        self.left = left

    @property
    def done(self):
        return self.left == 0

    def take(self, came, data=None):
        """How many of the bytes that came are this body's; its content is added to data."""
        n = min(self.left, len(came))
        self.left -= n
        if data is not None:
            data += came[:n]
        return n


class Chunked:
    """A body in chunks, without extensions and trailers, which nobody sends and readers disagree on."""

    def __init__(self):
        self.left, self.close, self.done = 0, b'', False

    def take(self, came, data=None):
        at = 0
        while at < len(came) and not self.done:
            if self.left:               # content
                n = min(self.left, len(came) - at)
                if data is not None:
                    data += came[at:at + n]
                self.left -= n
            elif self.close:            # the line break behind it
                n = min(len(self.close), len(came) - at)
                if came[at:at + n] != self.close[:n]:
                    raise Refused(400, 'malformed chunk')
                self.close = self.close[n:]
            else:
                line = bytes(came[at:at + 16])
                size, last = CHUNK.match(line), LAST.match(line)
                if last:
                    n = last.end()
                    self.done = True
                elif size and int(size[1], 16):
                    n = size.end()
                    self.left, self.close = int(size[1], 16), b'\r\n'
                elif CUT.fullmatch(line):
                    break
                else:
                    raise Refused(400, 'malformed chunk')
            at += n
        return at


class ToTheEnd:
    """An answer that ends with its connection."""

    done = False

    def take(self, came, data=None):
        return len(came)


def fields_of(lines):
    """Header fields as a list of (name, value), names in lower case."""
    fields = []
    for line in lines:
        field = FIELD.fullmatch(line)
        if not field:
            raise Refused(400, 'malformed header field')
        fields.append((field[1].lower(), field[2]))
    return fields


def body_of(fields):
    """The body that these fields announce, None without any."""
    sizes = [value for name, value in fields if name == b'content-length']
    codings = [value for name, value in fields if name == b'transfer-encoding']
    if len(sizes) + len(codings) > 1:
        raise Refused(400, 'more than one Content-Length or Transfer-Encoding')
    if codings:
        if codings[0].lower() != b'chunked':
            raise Refused(400, 'Transfer-Encoding other than chunked')
        return Chunked()
    if sizes:
        if not re.fullmatch(rb'[0-9]{1,18}', sizes[0]):
            raise Refused(400, 'malformed Content-Length')
        return Sized(int(sizes[0]))
    return None


class Request:
    def __init__(self, head):
        self.head = head
        line, *self.lines = head[:-4].split(b'\r\n')
        first = REQUEST.fullmatch(line)
        if not first:
            raise Refused(400, 'malformed request line')
        self.method, self.target = first[1].decode(), first[2].decode()
        fields = fields_of(self.lines)
        body = body_of(fields)
        if isinstance(body, Chunked) and first[3] == b'0':
            raise Refused(400, 'Transfer-Encoding in HTTP/1.0')
        self.body = body or Sized(0)
        self.waits = any(name == b'expect' for name, _ in fields)

        path, _, query = self.target.partition('?')
        while path != urllib.parse.unquote(path, 'latin-1'):
            path = urllib.parse.unquote(path, 'latin-1')
        self.place = self.method + ' ' + posixpath.normpath('/' + path.lstrip('/'))
        self.query = {key.lower() for key, _ in urllib.parse.parse_qsl(query, keep_blank_values=True)}

        self.stream = next((name for place, name in HIJACKED if self.at(place)), None)
        upgrades = [value.decode('latin-1').lower() for name, value in fields if name == b'upgrade']
        self.upgrade = bool(upgrades)
        if upgrades and upgrades != [self.stream]:
            raise Refused(400, 'Upgrade to something else than the stream of this request')

    def at(self, place):
        return re.fullmatch(place, self.place, re.IGNORECASE | re.DOTALL)

    def with_body(self, body):
        """Head and body, as they go to the daemon when the body was read here."""
        here = (b'content-length', b'transfer-encoding', b'expect')
        lines = [line for line in self.lines if line.split(b':')[0].lower() not in here]
        first = self.head.split(b'\r\n')[0]
        return b'\r\n'.join([first, *lines, b'Content-Length: %d' % len(body), b'', b'']) + body


# ---- One connection: two peers, and what moves between them ----------------------------------------------


class Peer:
    """An end of a connection: what came from it and was not taken yet, what is due to it."""

    def __init__(self, sock):
        sock.setblocking(False)
        self.sock, self.came, self.due = sock, bytearray(), bytearray()
        self.eof = False        # nothing more will come
        self.shut = False       # it was told that nothing more is due
        self.deaf = False       # it takes nothing more

    def send_no_more(self):
        self.shut = True
        try:
            self.sock.shutdown(socket.SHUT_WR)
        except OSError:
            self.deaf = True

    def ready(self, wanted, events):
        if wanted & select.POLLOUT and events & ~select.POLLIN:
            try:
                del self.due[:self.sock.send(self.due)]
            except BlockingIOError:
                pass
            except OSError:
                self.deaf = True
        if wanted & select.POLLIN and events & ~select.POLLOUT:
            try:
                data = self.sock.recv(ROOM)
                self.came += data
                self.eof = not data
            except BlockingIOError:
                pass
            except OSError:
                self.eof = True
        elif events & (select.POLLHUP | select.POLLERR):
            self.deaf = True    # closed, and all that it had sent before was read


def turn(*peers, limit=None):
    """Wait until something came, or was sent."""
    poll, watched = select.poll(), {}
    for peer in peers:
        if peer.deaf:
            peer.due.clear()
        wanted = (select.POLLIN if not peer.eof and len(peer.came) < ROOM else 0) | \
            (select.POLLOUT if peer.due else 0)
        if wanted or not peer.deaf:
            poll.register(peer.sock, wanted)
            watched[peer.sock.fileno()] = peer, wanted
    if not watched:
        raise Gone
    for fd, events in poll.poll(limit):
        peer, wanted = watched[fd]
        peer.ready(wanted, events)


def move(source, sink, body):
    """Pass on what belongs to this body, as far as the sink has room."""
    if source.came and not body.done and len(sink.due) < ROOM:
        n = body.take(source.came)
        if not sink.deaf:
            sink.due += source.came[:n]
        del source.came[:n]


def head_from(peer):
    """The next head of HTTP, or None as long as it is not complete."""
    end = peer.came.find(b'\r\n\r\n')
    if end > ROOM or end < 0 and len(peer.came) >= ROOM:
        raise Refused(400, 'a head of more than %d bytes' % ROOM)
    if end < 0:
        return None
    head = bytes(peer.came[:end + 4])
    del peer.came[:end + 4]
    return head


def next_request(client, daemon):
    while True:
        head = head_from(client)
        if head:
            return Request(head)
        if re.search(rb'(?<!\r)\n', client.came):      # the end of a head, to some
            raise Refused(400, 'a line that does not end with CR LF')
        if client.eof or client.deaf or daemon.eof or daemon.came:
            raise Gone
        turn(client, daemon)


def whole_body(client, body):
    data = bytearray()
    while not body.done:
        del client.came[:body.take(client.came, data)]
        if len(data) + (body.left if isinstance(body, Sized) else 0) > BODY:
            raise Refused(413, 'a body of more than %d bytes' % BODY)
        if not body.done:
            if client.eof:
                raise Gone
            turn(client)
    return bytes(data)


def answer_of(head, request):
    """The body that this head of an answer announces; None if another head follows, 'raw' for a stream."""
    lines = head[:-4].split(b'\r\n')
    status = re.match(rb'HTTP/1\.[01] (\d\d\d)', lines[0])
    status = int(status[1]) if status else 0
    if status == 101 and request.upgrade:
        return 'raw'
    if status < 100 or status == 101:
        raise Gone
    if status < 200:
        return None
    if request.method == 'HEAD' or status in (204, 304):
        return Sized(0)
    try:
        body = body_of(fields_of(lines[1:]))
    except Refused as bad:
        raise Gone from bad
    return body or ('raw' if request.stream == 'tcp' else ToTheEnd())


def stream(client, daemon):
    """Both directions, each to its own end."""
    while not all(peer.shut or peer.deaf for peer in (client, daemon)):
        for source, sink in ((client, daemon), (daemon, client)):
            move(source, sink, ToTheEnd())
            if source.eof and not source.came and not sink.due and not sink.shut:
                sink.send_no_more()
        turn(client, daemon)


def exchange(client, daemon, request):
    """Pass the rest of a request on, and its answer. True if the connection can take another one."""
    answer = None
    while True:
        move(client, daemon, request.body)
        while answer is None:
            head = head_from(daemon)
            if not head:
                break
            answer = answer_of(head, request)
            client.due += head
            client.answered = answer is not None
        if answer == 'raw':
            stream(client, daemon)
            return False
        if answer:
            move(daemon, client, answer)
            if answer.done and (request.body.done or daemon.eof):
                return request.body.done and not daemon.eof
        if daemon.eof and (not daemon.came or not answer):
            return False
        if client.deaf and not daemon.due:
            return False
        if client.eof and not request.body.done and not daemon.due:
            return False
        turn(client, daemon)


# ---- The two bodies that are looked at -------------------------------------------------------------------


def translated(command, body):
    """A container-create body, through dindbind."""
    try:
        done = subprocess.run(command, input=body, capture_output=True, check=False)
    except OSError as error:
        raise Refused(500, str(error)) from error
    if done.returncode:
        why = done.stderr.decode(errors='replace').strip() or 'dindbind: status %d' % done.returncode
        raise Refused(400 if done.returncode == 1 else 500, why)
    return done.stdout


def pathless(body):
    """A volume-create body, if its options lead to no directory of the host. A volume outlives runner and
    stage, so there is nothing to translate them to."""
    try:
        pairs = json.loads(body.decode(), object_pairs_hook=list)
        options = [value for key, value in pairs if key.casefold() == 'driveropts' and value]
        for option in options:
            kinds = {str(value) for key, value in option if key.casefold() == 'type'}
            named = any('/' in str(value) for _, value in option)
            bind = any('bind' in str(value) for key, value in option if key.casefold() == 'o')
            if bind or named and not (kinds and kinds <= {'tmpfs', 'nfs', 'nfs4', 'cifs'}):
                raise Refused(403, 'a volume with a path of the host among its options: mount the path instead')
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise Refused(400, 'volume: %s' % error) from error
    return body


def inspection(request, command):
    """What the body must go through before the daemon gets it, None if nothing."""
    for place, key, why in REFUSED:
        if request.at(place) and (key is None or key in request.query):
            raise Refused(403, why)
    if request.at(START) and not request.body.done:
        raise Refused(403, 'start with a body: a HostConfig belongs into the create request')
    if request.at(CREATE):
        return lambda body: translated(command, body)
    return pathless if request.at(VOLUME) else None


# ---- All of it -------------------------------------------------------------------------------------------

REASONS = {400: 'Bad Request', 403: 'Forbidden', 413: 'Content Too Large', 500: 'Internal Server Error',
           502: 'Bad Gateway'}
CONNECTIONS = 400       # at once: two descriptors each


def refusal(status, why):
    body = json.dumps({'message': why}).encode() + b'\n'
    head = 'HTTP/1.1 %d %s' % (status, REASONS[status]), 'Content-Type: application/json', 'Connection: close', \
        'Content-Length: %d' % len(body), '', ''
    return '\r\n'.join(head).encode() + body


def serve(client, daemon, command):
    """All requests of one connection."""
    while True:
        client.answered = False
        request = next_request(client, daemon)
        inspect = inspection(request, command)
        if inspect:
            if request.waits:
                client.due += b'HTTP/1.1 100 Continue\r\n\r\n'
            daemon.due += request.with_body(inspect(whole_body(client, request.body)))
        else:
            daemon.due += request.head
        if not exchange(client, daemon, request):
            return


def connection(sock, path, command):
    client = Peer(sock)
    client.answered = False
    with sock, socket.socket(socket.AF_UNIX) as upstream:
        try:
            try:
                upstream.connect(path)
            except OSError as error:
                raise Refused(502, '%s: %s' % (path, error)) from error
            serve(client, Peer(upstream), command)
        except Refused as refused:
            if not client.answered:
                print('shim: %d: %s' % (refused.status, refused.why), file=sys.stderr, flush=True)
                client.due += refusal(refused.status, refused.why)
        except Gone:
            pass
        finish(client)


def finish(client):
    """Send what is due. Then hear the client out for a second: to close on unread bytes would be a reset."""
    try:
        while client.due:
            client.came.clear()
            turn(client)
        client.send_no_more()
        until = time.monotonic() + 1
        while not client.eof and not client.deaf and time.monotonic() < until:
            client.came.clear()
            turn(client, limit=100)
    except Gone:
        pass


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n', 1)[0])
    parser.add_argument('--listen', metavar='SOCKET', required=True, help='where the runner asks')
    parser.add_argument('--daemon', metavar='SOCKET', default='/var/run/docker.sock', help='default: %(default)s')
    parser.add_argument('--mode', default='600', type=lambda text: int(text, 8), help='of SOCKET, default: 600')
    parser.add_argument('command', metavar='-- COMMAND', nargs='+', help='dindbind -r FILE, or other options')
    args = parser.parse_args()
    command = [*args.command, '-c']
    slots = threading.BoundedSemaphore(CONNECTIONS)

    def run(sock):
        try:
            connection(sock, args.daemon, command)
        finally:
            slots.release()

    listener = socket.socket(socket.AF_UNIX)
    fresh = '%s.%d' % (args.listen, os.getpid())
    listener.bind(fresh)
    os.chmod(fresh, args.mode)
    listener.listen(CONNECTIONS)
    os.rename(fresh, args.listen)       # also over the socket of a shim that is gone
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        while True:
            slots.acquire()             # pylint: disable=consider-using-with
            sock, _ = listener.accept()
            threading.Thread(target=run, args=(sock,), daemon=True).start()
    finally:
        os.unlink(args.listen)


if __name__ == '__main__':
    main()
