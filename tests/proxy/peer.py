#!/usr/bin/env python3
"""peer.py - peers that no client is: whose process is gone, has another root; and a socket that was opened by others

SPDX-License-Identifier: 0BSD

    peer.py alive|fork|passed|late|chroot|leave PROXY DAEMON BODY
    peer.py activate SOCKET PROGRAM [ARGUMENT...]

fork: the child of the one that connected sends BODY, after that one is gone. passed: so does a process that was given
the connection. late: that one dies when dindbind has answered, which is a program (peer.sh) that makes DIRECTORY/answered
then, and waits for DIRECTORY/gone; DIRECTORY is that of PROXY. chroot: it connects, changes its root and sends. Prints what became of it, and how many containers the
daemon has more; these are removed. leave: twenty that close the connection at various times. activate: as systemd
starts PROGRAM for a socket.
"""

import http.client
import json
import os
import signal
import socket
import sys
import time


class Connection(http.client.HTTPConnection):
    def __init__(self, path=None, sock=None):
        super().__init__('docker')
        self.sock = sock or connected(path)


def connected(path):
    sock = socket.socket(socket.AF_UNIX)
    sock.settimeout(60)
    sock.connect(path)
    return sock


def ask(connection, method, path, body=None):
    connection.request(method, path, body, {'Content-Type': 'application/json'} if body else {})
    answer = connection.getresponse()
    return answer.status, json.loads(answer.read() or b'null')


def listed(daemon):
    return {c['Id'] for c in ask(Connection(daemon), 'GET', '/containers/json?all=1')[1]}


def from_the_dead(kind, path):
    """A connection of a process that is not there any more."""
    here, there = socket.socketpair()
    child = os.fork()
    if child == 0:
        sock = connected(path)
        if kind == 'passed':
            socket.send_fds(there, [b'x'], [sock.fileno()])
        else:       # a grandchild inherits it and passes it on, after its parent is gone
            ready, go = os.pipe()
            if os.fork() == 0:
                os.close(go)
                os.read(ready, 1)
                socket.send_fds(there, [b'x'], [sock.fileno()])
        os._exit(0)
    os.waitpid(child, 0)
    there.close()
    _, fds, _, _ = socket.recv_fds(here, 1, 1)
    sock = socket.socket(fileno=fds[0])
    sock.settimeout(60)     # as the other side of it did, which left it non-blocking for this one, too
    return sock


def dies_late(path, body):
    """The answer to a create request, whose peer dies after dindbind and before the daemon."""
    here, there = socket.socketpair()
    child = os.fork()
    if child == 0:
        sock = connected(path)
        socket.send_fds(there, [b'x'], [sock.fileno()])
        signal.pause()
    _, fds, _, _ = socket.recv_fds(here, 1, 1)
    sock = socket.socket(fileno=fds[0])
    sock.settimeout(60)
    connection = Connection(sock=sock)
    connection.request('POST', '/v1.40/containers/create', body, {'Content-Type': 'application/json'})
    here = os.path.dirname(path)
    while not os.path.exists(here + '/answered'):
        time.sleep(0.01)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    with open(here + '/gone', 'w', encoding='ascii'):
        pass
    answer = connection.getresponse()
    return answer.status, answer.read()


def create(kind, proxy, daemon, body):
    before = listed(daemon)
    if kind == 'late':
        sock = None
    elif kind in ('fork', 'passed'):
        sock = from_the_dead(kind, proxy)
    else:
        sock = connected(proxy)
    root = os.open('/', os.O_RDONLY)
    if kind == 'chroot':
        os.chroot(os.path.dirname(proxy))
    if sock:
        status, answer = ask(Connection(sock=sock), 'POST', '/v1.40/containers/create', body)
    else:
        status, answer = dies_late(proxy, body)
    os.fchdir(root)
    os.chroot('.')
    more = listed(daemon) - before
    word = 'created' if status == 201 else 'refused' if 400 <= status < 500 else str(status)
    print('%s, %d containers' % (word, len(more)))
    print(answer, file=sys.stderr)
    for container in more:
        ask(Connection(daemon), 'DELETE', '/containers/' + container)


def leave(proxy, daemon, body):
    for wait in range(20):
        sock = connected(proxy)
        sock.sendall(b'POST /v1.40/containers/create HTTP/1.1\r\nHost: d\r\nContent-Type: application/json\r\n'
                     b'Content-Length: %d\r\n\r\n' % len(body) + body.encode())
        time.sleep(wait / 500)
        sock.close()
    # until nothing more comes of it
    while True:
        before = listed(daemon)
        time.sleep(0.5)
        if listed(daemon) == before:
            return


def activate(path, *command):
    if os.path.exists(path):
        os.unlink(path)
    sock = socket.socket(socket.AF_UNIX)
    sock.bind(path)
    sock.listen()
    os.dup2(sock.fileno(), 3)       # SD_LISTEN_FDS_START
    os.set_inheritable(3, True)
    os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS='1')
    os.execvp(command[0], command)


if sys.argv[1] == 'activate':
    activate(*sys.argv[2:])
elif sys.argv[1] == 'leave':
    leave(*sys.argv[2:])
else:
    create(*sys.argv[1:])
