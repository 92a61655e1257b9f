/* post.c - one request to an engine's socket, from the host or from a container without a shell's comfort
 *
 * SPDX-License-Identifier: 0BSD
 *
 *   post SOCKET PATH <BODY   POST standard input as JSON
 *   post -g SOCKET PATH      GET
 *
 * The answer's body goes to standard output. The status is 0 for 2xx; the status line says why it is not.
 * HTTP/1.0, so that nothing comes in chunks.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int fail(const char *what, const char *path)
{
    fprintf(stderr, "post: %s: %s: %s\n", path, what, strerror(errno));
    return 1;
}

/* All that FD has, with a NUL after it. */
static char *slurp(int fd, size_t *len)
{
    size_t room = 0;
    ssize_t n;
    char *buf = NULL;

    *len = 0;
    do {
        if (room - *len < 2) {
            char *more = realloc(buf, room = room ? 2 * room : 65536);

            if (!more) {
                free(buf);
                return NULL;
            }
            buf = more;
        }
        n = read(fd, buf + *len, room - *len - 1);
        if (n > 0)
            *len += (size_t)n;
    } while (n > 0 || (n < 0 && errno == EINTR));
    buf[*len] = '\0';
    return buf;
}

static int send_all(int fd, const char *p, size_t len)
{
    while (len) {
        ssize_t n = write(fd, p, len);

        if (n < 0)
            return -1;
        p += n;
        len -= (size_t)n;
    }
    return 0;
}

int main(int argc, char **argv)
{
    struct sockaddr_un addr = { .sun_family = AF_UNIX };
    int get = argc > 1 && !strcmp(argv[1], "-g");
    char head[2048], *body = NULL, *answer, *rest;
    size_t len = 0;
    int fd, n;

    if (argc - get != 3) {
        fprintf(stderr, "usage: post [-g] SOCKET PATH\n");
        return 2;
    }
    argv += get;
    if (strlen(argv[1]) >= sizeof addr.sun_path) {
        errno = ENAMETOOLONG;
        return fail("address", argv[1]);
    }
    strcpy(addr.sun_path, argv[1]);
    signal(SIGPIPE, SIG_IGN);
    if (!get && !(body = slurp(0, &len)))
        return fail("read", "standard input");
    fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&addr, sizeof addr) < 0)
        return fail("connect", argv[1]);
    n = snprintf(head, sizeof head, "%s %s HTTP/1.0\r\nHost: engine\r\n", get ? "GET" : "POST", argv[2]);
    if (n > 0 && (size_t)n < sizeof head - 100 && !get)
        n += snprintf(head + n, 100, "Content-Type: application/json\r\nContent-Length: %zu\r\n", len);
    if (n < 0 || (size_t)n > sizeof head - 100) {
        errno = ENAMETOOLONG;
        return fail("request", argv[2]);
    }
    memcpy(head + n, "\r\n", 2);
    /* an engine that answers before it has read everything is heard all the same */
    if (!send_all(fd, head, (size_t)n + 2) && body)
        send_all(fd, body, len);
    free(body);
    answer = slurp(fd, &len);
    if (!answer)
        return fail("read", argv[1]);
    rest = strstr(answer, "\r\n\r\n");
    if (strncmp(answer, "HTTP/1.", 7) || !rest) {
        errno = EPROTO;
        return fail("answer", argv[1]);
    }
    rest += 4;
    if (send_all(1, rest, len - (size_t)(rest - answer)))
        return fail("write", "standard output");
    if (answer[9] == '2')
        return 0;
    fprintf(stderr, "post: %s: %.*s\n", argv[2], (int)strcspn(answer, "\r"), answer);
    return 1;
}
