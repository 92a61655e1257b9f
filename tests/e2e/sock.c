/* sock.c - the two ends of a unix socket, for the siblings of tests/e2e.sh
 *
 * SPDX-License-Identifier: 0BSD
 *
 *   sock listen PATH TEXT   answer every connection with TEXT, for ever
 *   sock ask PATH           connect, print what comes
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int fail(const char *what, const char *path)
{
    fprintf(stderr, "sock: %s: %s: %s\n", path, what, strerror(errno));
    return 1;
}

int main(int argc, char **argv)
{
    struct sockaddr_un addr = { .sun_family = AF_UNIX };
    char buf[256];
    int listening = argc == 4 && !strcmp(argv[1], "listen");
    int fd;
    ssize_t n;

    if (!listening && !(argc == 3 && !strcmp(argv[1], "ask"))) {
        fprintf(stderr, "usage: sock listen PATH TEXT | sock ask PATH\n");
        return 2;
    }
    if (strlen(argv[2]) >= sizeof addr.sun_path) {
        errno = ENAMETOOLONG;
        return fail("address", argv[2]);
    }
    strcpy(addr.sun_path, argv[2]);
    fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (fd < 0)
        return fail("socket", argv[2]);

    if (!listening) {
        if (connect(fd, (struct sockaddr *)&addr, sizeof addr) < 0)
            return fail("connect", argv[2]);
        while ((n = read(fd, buf, sizeof buf)) > 0)
            if (write(1, buf, (size_t)n) != n)
                return fail("write", "standard output");
        return n < 0 ? fail("read", argv[2]) : 0;
    }

    signal(SIGPIPE, SIG_IGN);
    unlink(argv[2]);
    if (bind(fd, (struct sockaddr *)&addr, sizeof addr) < 0 || listen(fd, 16) < 0)
        return fail("listen", argv[2]);
    for (;;) {
        int peer = accept(fd, NULL, NULL);

        if (peer < 0)
            continue;
        n = write(peer, argv[3], strlen(argv[3]));
        close(peer);
    }
}
