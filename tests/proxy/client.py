#!/usr/bin/env python3
"""client.py - docker-py, with a directory of the runner's that holds a file

SPDX-License-Identifier: 0BSD

    client.py DIRECTORY WANT

WANT is the content of DIRECTORY/file. Prints what is wrong, if anything. Written for docker-py 5 and later.
"""

import socket
import sys

import docker

HERE, WANT = sys.argv[1:]


def same(what, got, want):
    if got != want:
        sys.exit('%s: got %r, wanted %r' % (what, got, want))


def frames(sock):
    """What comes without a terminal is in frames: eight bytes, of which the last four are the length."""
    data = b''
    while part := sock.recv(65536):
        data += part
    text = b''
    while data:
        size = int.from_bytes(data[4:8], 'big')
        text, data = text + data[8:8 + size], data[8 + size:]
    return text


client = docker.from_env()
line = (WANT + '\n').encode()
same('volumes=, a dictionary', client.containers.run('tools', ['cat', '/x/file'], network_mode='none', remove=True,
                                                     volumes={HERE: {'bind': '/x', 'mode': 'ro'}}), line)
same('volumes=, a list', client.containers.run('tools', ['cat', '/x/file'], network_mode='none', remove=True,
                                               volumes=[HERE + ':/x']), line)
same('mounts=', client.containers.run('tools', ['cat', '/x/file'], network_mode='none', remove=True,
                                      mounts=[docker.types.Mount('/x', HERE, type='bind')]), line)

container = client.containers.create('tools', ['sh', '-c', 'cat /x/file; cat; echo end'], network_mode='none',
                                     stdin_open=True, volumes=[HERE + ':/x'])
container.start()
code, output = container.exec_run(['cat', '/x/file'])
same('exec', (code, output), (0, line))
made = client.api.exec_create(container.id, ['sh', '-c', 'cat | wc -c; sleep 1; echo late'], stdin=True)
raw = client.api.exec_start(made['Id'], socket=True)
raw = getattr(raw, '_sock', raw)
raw.sendall(b'abc')
raw.shutdown(socket.SHUT_WR)
same('exec, half closed', frames(raw), b'3\nlate\n')
same('logs', container.logs(), line)
same('list', [c.id for c in client.containers.list(filters={'id': container.id})], [container.id])
container.remove(force=True)
try:
    client.containers.create('tools', 'true', mounts=[docker.types.Mount('/x', HERE + '/none', type='bind')])
    sys.exit('a missing source is no error')
except docker.errors.APIError as error:
    same('a missing source', 'dindbind: ' in str(error) and 'not there' in str(error), True)
