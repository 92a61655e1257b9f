/* formats.c - runner descriptions, container-create bodies, and the view from inside, checked
 *
 * SPDX-License-Identifier: 0BSD
 *
 * Black-box: the static binary that $DINDBIND names (./dindbind) is run; nothing of its source is included.
 *
 * Everything happens in a mount namespace of the test's own (an ordinary user gets a user namespace for it),
 * whose root is a tmpfs that holds nothing but /proc, /full (of /dev) and the tool. Root may skip nothing. The
 * last line on standard output counts what passed, failed and was skipped.
 *
 * A case has a directory of its own, /cN, laid out as an engine lays out a host: its data root d, with layers,
 * the overlay of a container, volumes and the container's files, and h, which the host has besides. The
 * runner is a child in a mount namespace of its own with that overlay as its root. What an answer names is
 * compared with what the runner has, by device and inode: the kernel is the oracle.
 *
 * The strings of the tables are templates, and scripts, in the little language of world.h.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cases.h"

/* ==== helpers =========================================================================================== */

/* ---- Engines ------------------------------------------------------------------------------------------- */

#define TOP "742a088a8ecfd7ba7ed173c0ee44cb26d3b145a1022ec613a03fab3e2f9c9005"
#define L1 "693c6baea44b7eefc2a4a234d8a492fa5e0b264be6b18a17e0857e9feef0e05d"
#define L2 "4369fdf1bc5bbba047fd64e5b97862f863cdee09ee4874eece760b8470001558"
#define CID "4c549362e790ea96819d57847c78563c0861ebbfbca1086621a785107a743f47"
#define PTOP "8e7724e1812902a90b0db45f94d53fd562f57bc049b65d1095d2593ad944ded2"
#define P1 "d8e3e7da7c8bcb046d0a4c6abb5192d1232125473fe845700fe65faa7b9aec4f"
#define P2 "838c7b382d67deecde0720ddf754b7f6706a6b01f6b6f02086412d2ef45549f2"
#define PCID "4e24813457c299e050ce79f7f6bda19004b1299bc8b500e4f3d448e82afcbbda"

/* What real engines printed, with marks for paths and PIDs: a file each in tests/data. */
enum { DATA_SIZE = 16384 };
static char docker_inspect[DATA_SIZE], podman_inspect[DATA_SIZE], runc_state[DATA_SIZE], crun_state[DATA_SIZE],
    oci_config[DATA_SIZE], podman_config[DATA_SIZE];

static const struct { const char *file; char *text; } printed[] = {
    { "docker_inspect", docker_inspect },
    { "podman_inspect", podman_inspect },
    { "runc_state", runc_state },
    { "crun_state", crun_state },
    { "oci_config", oci_config },
    { "podman_config", podman_config },     /* what podman starts the container of podman_inspect with */
};

/* The tables write a double quote as `, and look for their edits like that. */
static bool load_printed(void)
{
    static const char here[] = __FILE__;
    for (size_t i = 0; i < COUNT(printed); i++) {
        char path[512];
        snprintf(path, sizeof path, "%.*sdata/%s.template", (int)(strrchr(here, '/') + 1 - here), here,
            printed[i].file);
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        ssize_t n = fd < 0 ? -1 : read(fd, printed[i].text, DATA_SIZE - 1);
        if (n <= 0 || n == DATA_SIZE - 1) {
            perror(path);
            return false;
        }
        close(fd);
        for (char *p = printed[i].text; (p = strchr(p, '"')); )
            *p = '`';
    }
    return true;
}

/* Two layers of an image; what docker's own layer or podman makes for mounts is in the second one too. */
static void grow_layers(const char *one, const char *two)
{
    grow(one, "file m/one 1;dir a/b;dir a/c;file w/gone x;file w/kept y;file low low;link to /vol;link rel ../../m/one;"
              "link out ../../../etc/hosts");
    grow(two, "file m/two 2;wh w/gone;dir proc;file etc/hosts -;file etc/hostname -;file etc/resolv.conf -;"
              "file etc/onefile -;dir vol;dir hb;dir devb;dir tm1;dir tm2;dir x;dir y;file f1 -;dir run;dir dev;"
              "dir sys");
}

static int lay_overlay(const char *lower, const char *upper, const char *work, const char *merged)
{
    return mount("overlay", merged, "overlay", 0, textf("lowerdir=%s,upperdir=%s,workdir=%s%s", lower, upper, work,
                                                        world.root ? "" : ",userxattr"));
}

/* A data root as docker ("overlay2") or podman ("overlay") lays it out, and a container's root, mounted. */
static int lay_engine(const char *dir, const char *kind, bool relative)
{
    bool docker = !strcmp(kind, "overlay2");
    const char *top = docker ? TOP : PTOP, *one = docker ? L1 : P1, *two = docker ? L2 : P2;
    char *store = textf("%s/%s", dir, kind), *with = textf("%s/%s", store, top);
    grow(store, textf("dir l;dir %s/diff;dir %s/diff;dir %s/diff;dir %s/work;dir %s/merged;"
                      "link l/OGMUSNUY77JQMTG64MMUUUI6RE ../%s-init/diff;link l/L2GY6B4WM6CDAQHE3B4WBRCH5Z ../%s/diff;"
                      "link l/ZJ7SHEAON3GU4PIJNYU7AX4QGX ../%s/diff", one, two, top, top, top, top, two, one));
    grow_layers(textf("%s/%s/diff", store, one), textf("%s/%s/diff", store, two));
    grow(dir, "file volumes/vol1/_data/v volume;file volumes/vol1/_data/sub/s below");
    if (docker) {
        grow(textf("%s-init/diff", with),
            "file etc/hosts -;file etc/hostname -;file etc/resolv.conf -;file .dockerenv -");
        grow(dir, "file containers/" CID "/hosts hosts;file containers/" CID "/hostname name;"
                  "file containers/" CID "/resolv.conf dns");
    } else {
        grow(textf("%srun/overlay-containers/" PCID "/userdata", dir), "file hosts hosts;file hostname name");
        grow(textf("%s/overlay-containers/" PCID "/userdata", dir), "dir shm");
        if (!put_file(textf("%s/overlay-containers/" PCID "/userdata/config.json", dir), expand(podman_config)))
            return -1;
    }
    snprintf(world.merged, sizeof world.merged, "%s/merged", with);
    const char *a = docker ? "/l/OGMUSNUY77JQMTG64MMUUUI6RE:" : NULL;
    const char *b = "/l/L2GY6B4WM6CDAQHE3B4WBRCH5Z", *c = "/l/ZJ7SHEAON3GU4PIJNYU7AX4QGX";
    if (!relative)
        return lay_overlay(textf("%s%s%s%s:%s%s", a ? store : "", a ? a : "", store, b, store, c),
                           textf("%s/diff", with), textf("%s/work", with), world.merged);
    int here = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC), rc = chdir(store);
    if (!rc)
        rc = lay_overlay(textf("%s%s:%s", a ? a + 1 : "", b + 1, c + 1), textf("%s/diff", top),
                         textf("%s/work", top), world.merged);
    int err = errno;
    if (fchdir(here))
        rc = -1;
    close(here);
    errno = err;
    return rc;
}

/* An overlay whose upperdir and root are where the script puts them: no engine that is known. */
static int lay_plain(const char *upper, const char *merged)
{
    grow(world.dir, "dir plainwork");
    grow_layers(textf("%s/one", world.dir), textf("%s/two", world.dir));
    snprintf(world.merged, sizeof world.merged, "%s", merged);
    return lay_overlay(textf("%s/two:%s/one", world.dir, world.dir), upper, textf("%s/plainwork", world.dir), merged);
}

/* A data root with docker's containerd image store, the snapshots of which are in `containerd`. */
static int lay_image_store(const char *dir, const char *containerd)
{
    char *store = textf("%s/io.containerd.snapshotter.v1.overlayfs/snapshots", containerd);
    grow(dir, "file volumes/vol1/_data/v volume;file volumes/vol1/_data/sub/s below;file containers/" CID "/hosts hosts;"
              "file containers/" CID "/hostname name;file containers/" CID "/resolv.conf dns;dir rootfs/overlayfs/" CID);
    grow(store, "dir 1/fs;dir 2/fs;dir 5/fs;dir 5/work");
    grow_layers(textf("%s/1/fs", store), textf("%s/2/fs", store));
    snprintf(world.merged, sizeof world.merged, "%s/rootfs/overlayfs/" CID, dir);
    return lay_overlay(textf("%s/2/fs:%s/1/fs", store, store), textf("%s/5/fs", store), textf("%s/5/work", store),
                       world.merged);
}

/* A data root of docker's driver vfs, where a container's root is just a directory. */
static int lay_vfs(const char *dir)
{
    grow(dir, "file volumes/vol1/_data/v volume;file volumes/vol1/_data/sub/s below;file containers/" CID "/hosts hosts;"
              "file containers/" CID "/hostname name;file containers/" CID "/resolv.conf dns;dir vfs/dir/" TOP);
    snprintf(world.merged, sizeof world.merged, "%s/vfs/dir/" TOP, dir);
    grow_layers(textf("%s/none", dir), world.merged);
    grow(world.merged, "file low low");
    return mount(world.merged, world.merged, NULL, MS_BIND, NULL);
}

static int op_image_store(char *const w[]) { return lay_image_store(w[1], w[2]); }
static int op_vfs(char *const w[]) { return lay_vfs(w[1]); }
static int op_engine(char *const w[]) { return lay_engine(w[1], w[2], false); }
static int op_relengine(char *const w[]) { return lay_engine(w[1], w[2], true); }
static int op_plain(char *const w[]) { return lay_plain(w[1], w[2]); }

static const struct operation_row engine_operations[] = {
    { "engine", op_engine, false },     /* DATAROOT overlay|overlay2 */
    { "relengine", op_relengine, false },       /* the same, its overlay mounted with relative names */
    { "plain", op_plain, false },       /* UPPERDIR MERGED */
    { "imagestore", op_image_store, false },    /* DATAROOT CONTAINERD */
    { "vfs", op_vfs, false },           /* DATAROOT */
    { 0 },
};

/* ---- The case ------------------------------------------------------------------------------------------ */

/* What docker mounts into the container of the inspect output below. */
#define HOSTS "@/d/containers/" CID "/hosts"
#define STANDARD \
    "bind /proc ^/proc;bind @/h/hosts ^/etc/hosts;bind @/d/containers/" CID "/hostname ^/etc/hostname;" \
    "bind @/d/containers/" CID "/resolv.conf ^/etc/resolv.conf;bind @/d/volumes/vol1/_data ^/vol;" \
    "bind @/h/hb ^/hb;ro ^/hb;bind @/h/devb ^/devb;bind @/h/onefile ^/etc/onefile;tmpfs ^/tm1;tmpfs ^/tm2;" \
    "file ^/tm1/t tmp;file ^/tm2/t tmp"

static int begin_with(const char *script)
{
    static int number;
    pooled = 0;
    snprintf(world.dir, sizeof world.dir, "/c%d", number++);
    *world.merged = 0;
    grow(world.dir, "file h/hb/f data;file h/hb/d/g deep;file h/devb/f dev;file h/onefile single;file h/hosts own");
    must(script);
    return 0;
}

static int begin(void **state)
{
    (void)state;
    return begin_with("engine @/d overlay2");
}

static int begin_bare(void **state)
{
    (void)state;
    return begin_with("");
}

static int end(void **state)
{
    (void)state;
    stop_runner();
    rename("/var", textf("%s/var", world.dir));
    return chdir("/");
}

/* ---- The tool ------------------------------------------------------------------------------------------ */

enum in { IN_FILE, IN_PIPE, IN_PACKETS, IN_CLOSED, IN_DIR };
enum out { OUT_FILE, OUT_CLOSED, OUT_FULL, OUT_PIPE };

struct call {
    const char *args;           /* in the language of world.h */
    const char *in;             /* its standard input */
    size_t nin;
    enum in how;
    size_t chunk;               /* IN_PIPE: bytes a write */
    enum out to;
    bool self;                  /* in the runner's mount namespace ... */
    const char *cwd;            /* ... in this directory, or / */
    const char *runner;         /* $DINDBIND_RUNNER */
    const char *keyring;        /* of its session, or NULL */
};

static int tool_fd;             /* the binary */
static long peak;               /* OUT_PIPE: KiB that were resident at most, before the first output */

struct writer {
    pthread_t thread;
    const char *text;
    size_t n, chunk;
    int fd;
    bool packets;
};

static void *write_slowly(void *arg)
{
    struct writer *w = arg;
    sigset_t pipes;
    sigemptyset(&pipes);
    sigaddset(&pipes, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipes, NULL);
    for (size_t at = 0, n; at < w->n; at += n) {
        n = w->n - at < w->chunk ? w->n - at : w->chunk;
        if (w->packets ? send(w->fd, w->text + at, n, MSG_NOSIGNAL) != (ssize_t)n
                       : write(w->fd, w->text + at, n) != (ssize_t)n)
            break;
    }
    close(w->fd);
    return NULL;
}

static long peak_of(pid_t pid)
{
    char text[4096];
    int fd = open(textf("/proc/%d/status", pid), O_RDONLY | O_CLOEXEC);
    ssize_t n = read(fd, text, sizeof text - 1);
    text[n < 0 ? 0 : n] = 0;
    close(fd);
    char *at = strstr(text, "VmHWM:");
    return at ? atol(at + 6) : -1;
}

/* 0, 1 and 2 get these descriptors, or are closed. vfork: a child of a program with ASan is slow to make. */
static pid_t spawn(const int fd[3], int ns, const char *cwd, const char *keyring, char *const *argv, char *const *env)
{
    pid_t pid = vfork();
    if (pid)
        return pid;
    for (int i = 0; i < 3; i++)
        if (fd[i] < 0)
            close(i);
        else
            dup2(fd[i], i);
    if ((ns >= 0 && syscall(SYS_setns, ns, CLONE_NEWNS)) || (cwd && chdir(cwd)))
        _exit(98);
    if (keyring && !join_keyring(keyring))
        _exit(97);
    alarm(60);
    syscall(SYS_execveat, tool_fd, "", argv, env, AT_EMPTY_PATH);
    _exit(99);
}

static struct ran run(struct call c)
{
    struct ran r = { 0 };
    char **argv = arguments(c.args), *env[] = { c.runner ? textf("DINDBIND_RUNNER=%s", expand(c.runner)) : NULL, NULL };
    int status = 0, pair[2] = { -1, -1 }, pipes[2] = { -1, -1 }, ns = -1;
    int err = memfd_create("err", MFD_CLOEXEC), out = -1, in = -1;
    struct writer w = { .text = c.in, .n = c.nin, .chunk = c.chunk, .fd = -1, .packets = c.how == IN_PACKETS };
    if (c.how == IN_FILE)
        in = input_of(c.in, c.nin);
    else if (c.how == IN_DIR)
        in = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    else if (c.how != IN_CLOSED) {
        if (w.packets ? socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) : pipe2(pair, O_CLOEXEC))
            flunk("pipe: %s", strerror(errno));
        in = pair[0];
        w.fd = pair[1];
        w.chunk = c.chunk ? c.chunk : 1;
    }
    if (c.to == OUT_FILE)
        out = memfd_create("out", MFD_CLOEXEC);
    else if (c.to == OUT_FULL)
        out = open("/full", O_WRONLY | O_CLOEXEC);
    else if (c.to == OUT_PIPE) {
        if (pipe2(pipes, O_CLOEXEC))
            flunk("pipe: %s", strerror(errno));
        out = pipes[1];
    }
    if (c.self)
        ns = open(textf("/proc/%d/ns/mnt", world.pid), O_RDONLY | O_CLOEXEC);
    pid_t pid = spawn((int[3]){ in, out, err }, ns, c.self && !c.cwd ? "/" : c.cwd ? expand(c.cwd) : NULL, c.keyring, argv,
                      env);
    if (pid < 0)
        flunk("vfork: %s", strerror(errno));
    if (in >= 0)
        close(in);
    if (w.fd >= 0)
        pthread_create(&w.thread, NULL, write_slowly, &w);
    if (c.to == OUT_PIPE) {
        struct pollfd p = { pipes[0], POLLIN, 0 };
        close(pipes[1]);
        poll(&p, 1, 60000);
        peak = peak_of(pid);
        r.out = text_of(pipes[0], &r.outlen);
    }
    if (waitpid(pid, &status, 0) != pid)
        flunk("waitpid: %s", strerror(errno));
    if (w.fd >= 0)
        pthread_join(w.thread, NULL);
    r.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    if (c.to == OUT_FILE)
        r.out = text_of(out, &r.outlen);
    else if (!r.out)
        r.out = textf("%s", "");
    if (c.to == OUT_FULL)
        close(out);
    r.err = text_of(err, &r.errlen);
    if (ns >= 0)
        close(ns);
    return r;
}

static struct ran tool(const char *args)
{
    return run((struct call){ .args = args });
}

/* With a text on standard input, expanded. */
static struct ran tool_in(const char *args, const char *in)
{
    struct call c = { .args = args };
    c.in = expand_n(in, &c.nin);
    return run(c);
}

static void expect(const char *args, int status, const char *out, const char *err)
{
    expect_ran(expand(args), tool(args), status, out, err);
}

static uint64_t seed;

static unsigned draw(unsigned n)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (unsigned)((seed >> 11) % n);
}

/* ---- JSON, a second reading of RFC 8259 ---------------------------------------------------------------- */

struct json {
    char type;                  /* { [ " 0 (a number) t f n */
    const char *raw;            /* as it is spelled */
    size_t nraw;
    char *key, *text;           /* unescaped; lone surrogates in three bytes */
    size_t nkey, ntext;
    struct json *kid, *next;
    size_t kids;
};

struct reader {
    const char *p, *end;
    bool bad;
};

static void blank(struct reader *r)
{
    while (r->p < r->end && memchr(" \t\r\n", *r->p, 4))
        r->p++;
}

static bool word(struct reader *r, const char *w)
{
    size_t n = strlen(w);
    if ((size_t)(r->end - r->p) < n || memcmp(r->p, w, n))
        return false;
    r->p += n;
    return true;
}

/* The length of the UTF-8 sequence here, or 0. */
static int sequence(const unsigned char *s, size_t left)
{
    int n = *s < 0x80 ? 1 : *s < 0xc2 ? 0 : *s < 0xe0 ? 2 : *s < 0xf0 ? 3 : *s < 0xf5 ? 4 : 0;
    if (!n || left < (size_t)n)
        return 0;
    for (int i = 1; i < n; i++)
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    if ((*s == 0xe0 && s[1] < 0xa0) || (*s == 0xed && s[1] > 0x9f) || (*s == 0xf0 && s[1] < 0x90) ||
        (*s == 0xf4 && s[1] > 0x8f))
        return 0;
    return n;
}

static char *put_code(char *p, unsigned c)
{
    if (c < 0x80)
        *p++ = (char)c;
    else if (c < 0x800) {
        *p++ = (char)(0xc0 | c >> 6);
        *p++ = (char)(0x80 | (c & 63));
    } else if (c < 0x10000) {
        *p++ = (char)(0xe0 | c >> 12);
        *p++ = (char)(0x80 | (c >> 6 & 63));
        *p++ = (char)(0x80 | (c & 63));
    } else {
        *p++ = (char)(0xf0 | c >> 18);
        *p++ = (char)(0x80 | (c >> 12 & 63));
        *p++ = (char)(0x80 | (c >> 6 & 63));
        *p++ = (char)(0x80 | (c & 63));
    }
    return p;
}

static int four(struct reader *r)
{
    unsigned c = 0;
    for (int i = 0; i < 4; i++, r->p++) {
        static const char digits[] = "0123456789abcdefABCDEF";
        const char *d = r->p < r->end && *r->p ? strchr(digits, *r->p) : NULL;
        if (!d)
            return -1;
        unsigned v = (unsigned)(d - digits);
        c = c << 4 | (v > 15 ? v - 6 : v);
    }
    return (int)c;
}

static char *read_string(struct reader *r, size_t *len)
{
    char *out = pool + pooled, *p = out;
    r->bad |= !word(r, "\"");
    while (!r->bad) {
        if (r->p == r->end || (unsigned char)*r->p < 0x20) {
            r->bad = true;
        } else if (*r->p == '"') {
            r->p++;
            break;
        } else if (*r->p != '\\') {
            int n = sequence((const unsigned char *)r->p, (size_t)(r->end - r->p));
            r->bad |= !n;
            p = mempcpy(p, r->p, (size_t)n);
            r->p += n;
        } else if (++r->p == r->end) {
            r->bad = true;
        } else {
            static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
            const char *e = *r->p ? strchr(from, *r->p) : NULL;
            int c;
            if (e) {
                *p++ = to[e - from];
                r->p++;
            } else if (*r->p++ != 'u' || (c = four(r)) < 0) {
                r->bad = true;
            } else {
                const char *back = r->p;
                int low = c >> 10 == 0xd800 >> 10 && word(r, "\\u") ? four(r) : -1;
                if (low >> 10 == 0xdc00 >> 10)
                    c = 0x10000 + ((c & 1023) << 10) + (low & 1023);
                else
                    r->p = back;
                p = put_code(p, (unsigned)c);
            }
        }
    }
    *p = 0;
    *len = (size_t)(p - out);
    return keep(*len + 1);
}

static bool digits(struct reader *r)
{
    const char *from = r->p;
    while (r->p < r->end && *r->p >= '0' && *r->p <= '9')
        r->p++;
    return r->p > from;
}

static void read_number(struct reader *r)
{
    word(r, "-");
    if (!word(r, "0"))
        r->bad |= !digits(r);
    if (word(r, "."))
        r->bad |= !digits(r);
    if (word(r, "e") || word(r, "E")) {
        if (!word(r, "+"))
            word(r, "-");
        r->bad |= !digits(r);
    }
}

static struct json *read_value(struct reader *r)
{
    struct json *j = memset(keep(sizeof *j), 0, sizeof *j), **last = &j->kid;
    blank(r);
    j->raw = r->p;
    j->type = r->p < r->end ? *r->p : 0;
    if (j->type == '{' || j->type == '[') {
        const char *close = j->type == '{' ? "}" : "]";
        r->p++;
        blank(r);
        if (!word(r, close))
            do {
                char *key = NULL;
                size_t nkey = 0;
                blank(r);
                if (j->type == '{') {
                    key = read_string(r, &nkey);
                    blank(r);
                    r->bad |= !word(r, ":");
                }
                if (r->bad)
                    break;
                *last = read_value(r);
                (*last)->key = key;
                (*last)->nkey = nkey;
                last = &(*last)->next;
                j->kids++;
                blank(r);
                if (word(r, close))
                    break;
                r->bad |= !word(r, ",");
            } while (!r->bad);
    } else if (j->type == '"') {
        j->text = read_string(r, &j->ntext);
    } else if (!word(r, "true") && !word(r, "false") && !word(r, "null")) {
        j->type = '0';
        read_number(r);
    }
    j->nraw = (size_t)(r->p - j->raw);
    return j;
}

/* NULL: not JSON. */
static struct json *parse(const char *text, size_t n)
{
    struct reader r = { text, text + n, false };
    struct json *j = read_value(&r);
    blank(&r);
    return r.bad || r.p != r.end ? NULL : j;
}

static struct json *member(const struct json *j, const char *key)
{
    for (struct json *k = j && j->type == '{' ? j->kid : NULL; k; k = k->next)
        if (!strcmp(k->key, key))
            return k;
    return NULL;
}

static struct json *element(const struct json *j, size_t n)
{
    struct json *k = j && j->type == '[' ? j->kid : NULL;
    for (; k && n; n--)
        k = k->next;
    return k;
}

/* The same value: the order of an object's members does not count, spellings of numbers do. */
static bool same_value(const struct json *a, const struct json *b)
{
    if (a->type != b->type || a->kids != b->kids || a->ntext != b->ntext ||
        (a->type == '"' && memcmp(a->text, b->text, a->ntext)) ||
        (a->type == '0' && (a->nraw != b->nraw || memcmp(a->raw, b->raw, a->nraw))))
        return false;
    const struct json *other = b->kid;
    for (const struct json *k = a->kid; k; k = k->next) {
        if (a->type == '{')
            for (other = b->kid; other && (other->nkey != k->nkey || memcmp(other->key, k->key, k->nkey) ||
                                           !same_value(k, other)); other = other->next)
                ;
        if (!other || !same_value(k, other))
            return false;
        if (a->type == '[')
            other = other->next;
    }
    return true;
}

/* As encoding/json matches a key: any case, and the two letters beyond ASCII that fold into it. */
static bool folds(const struct json *j, const char *key)
{
    const char *p = j->key, *end = j->key + j->nkey;
    for (; *key; key++) {
        char c = *p;
        if (p == end)
            return false;
        if (end - p >= 2 && !memcmp(p, "\xc5\xbf", 2))
            c = 's', p += 2;
        else if (end - p >= 3 && !memcmp(p, "\xe2\x84\xaa", 3))
            c = 'k', p += 3;
        else
            p++;
        if ((c >= 'A' && c <= 'Z' ? c + 32 : c) != *key)
            return false;
    }
    return p == end;
}

/* Is there a source in what a daemon would make of this body that is not below `safe`? */
static const char *leak_of(const struct json *source, const char *safe)
{
    if (source->type != '"' || *source->text != '/' || !strncmp(source->text, safe, strlen(safe)))
        return NULL;
    return source->text;
}

static const char *leak_in_options(const struct json *options, const char *safe)
{
    bool bind = false;
    for (const struct json *o = options->kid; o; o = o->next)
        if (options->type == '{' && o->type == '"' && !strcmp(o->key, "o"))
            bind |= strstr(textf(",%s,", o->text), ",bind,") || strstr(textf(",%s,", o->text), ",rbind,");
    for (const struct json *o = options->kid; bind && o; o = o->next)
        if (options->type == '{' && !strcmp(o->key, "device") && leak_of(o, safe))
            return o->text;
    return NULL;
}

static const char *leak_in_driver(const struct json *volume, const char *safe)
{
    for (const struct json *d = volume->kid; d; d = d->next) {
        if (volume->type != '{' || d->type != '{' || !folds(d, "driverconfig"))
            continue;
        bool local = true;
        for (const struct json *o = d->kid; o; o = o->next)
            if (folds(o, "name") && o->type == '"')
                local = !*o->text || !strcmp(o->text, "local");
        for (const struct json *o = d->kid; local && o; o = o->next)
            if (folds(o, "options") && leak_in_options(o, safe))
                return leak_in_options(o, safe);
    }
    return NULL;
}

static const char *leak_in_mount(const struct json *m, const char *safe)
{
    const char *type = "", *leak = NULL;
    for (const struct json *f = m->type == '{' ? m->kid : NULL; f; f = f->next)
        if (folds(f, "type") && f->type == '"')
            type = f->text;
    for (const struct json *f = m->type == '{' ? m->kid : NULL; f && !leak; f = f->next)
        if (!strcmp(type, "bind") && folds(f, "source"))
            leak = leak_of(f, safe);
        else if (!strcmp(type, "volume") && folds(f, "volumeoptions"))
            leak = leak_in_driver(f, safe);
    return leak;
}

static const char *leak_in_host_config(const struct json *host, const char *safe)
{
    const char *leak = NULL;
    for (const struct json *f = host->type == '{' ? host->kid : NULL; f; f = f->next)
        for (const struct json *e = f->type == '[' ? f->kid : NULL; e && !leak; e = e->next)
            if (folds(f, "binds") && e->type == '"' && strchr(e->text, ':'))
                leak = leak_of(e, safe);
            else if (folds(f, "mounts"))
                leak = leak_in_mount(e, safe);
    return leak;
}

/* dockerd 20.10 takes Binds and Mounts at the top level when HostConfig is missing or null. */
static const char *leak_in_body(const struct json *body, const char *safe)
{
    bool has = false;
    const char *leak = NULL;
    for (const struct json *f = body->type == '{' ? body->kid : NULL; f && !leak; f = f->next)
        if (folds(f, "hostconfig")) {
            has = f->type == '{';
            leak = leak_in_host_config(f, safe);
        }
    return leak ? leak : has ? NULL : leak_in_host_config(body, safe);
}

#define ROWS "-b @/h/hb:/w -b @/h/devb:/ro:ro -c"

/* ==== -r: lines ========================================================================================= */

struct lines_case {
    const char *name, *text, *args;
    int status;
    const char *out, *err;
};

#define LAYERS "lowerdir=@/d/overlay2/" L2 "/diff:@/d/overlay2/" L1 "/diff,upperdir=@/d/overlay2/" TOP "/diff$USERXATTR"

static const struct lines_case lines_cases[] = {
    { "a bind row", "bind @/h/hb:/w\n", "/w/f", 0, "@/h/hb/f\n", "" },
    { "no newline at the end", "bind @/h/hb:/w", "/w/f", 0, "@/h/hb/f\n", "" },
    { "comments and blanks", "# runner\n\n   \n\t\n\t # pid 1\n#\n  bind @/h/hb:/w\n\tbind @/h/devb:/v\n", "/w/f /v/f",
      0, "@/h/hb/f\n@/h/devb/f\n", "" },
    { "a tab after the word", "bind\t@/h/hb:/w\n", "/w/f", 0, "@/h/hb/f\n", "" },
    { "the value is the rest of the line as it stands", "bind @/h/hb:/w \tx\n", "/w%20\tx/f", 0, "@/h/hb/f\n", "" },
    { "a blank after a row", "bind @/h/hb:/w \n", "/w/f", 2, "", "1" },
    { "a tab after a row, at the end", "# a\nbind @/h/hb:/w\t", "/w/f", 2, "", "2" },
    { "a blank after layers", "overlay " LAYERS " \n", "-R /low", 2, "", "1" },
    { "blanks after a comment", "# a \t\n \t\nbind @/h/hb:/w\n", "/w/f", 0, "@/h/hb/f\n", "" },
    { "no comment after a value", "bind @/h/hb:/w # x\n", "/w%20#%20x/f", 0, "@/h/hb/f\n", "" },
    { "a read-only row, a path", "bind @/h/hb:/w:ro\n", "/w/f", 1, "", "read-only" },
    { "a read-only row, a spec", "bind @/h/hb:/w:ro\n", "-v /w:/t", 0, "@/h/hb:/t:ro\n", "" },
    { "layers", "overlay " LAYERS "\n", "-R /low /w/kept", 0,
      "@/d/overlay2/" L1 "/diff/low\n@/d/overlay2/" L1 "/diff/w/kept\n", "" },
    { "layers in a sentence of their own", "pid 0\noverlay " LAYERS "\nbind @/h/hb:/vol\n", "-R /low /vol/f", 0,
      "@/d/overlay2/" L1 "/diff/low\n@/h/hb/f\n", "" },
    { "a row that comes later wins", "bind @/h/hb:/w\nbind @/h/devb:/w\n", "/w/f", 0, "@/h/devb/f\n", "" },
    { "-b wins over the file", "bind @/h/hb:/w\n", "-b @/h/devb:/w /w/f", 0, "@/h/devb/f\n", "" },
    { "-b adds to the file", "bind @/h/hb:/w\n", "-b @/h/devb:/v /w/f /v/f", 0, "@/h/hb/f\n@/h/devb/f\n", "" },
    { "-o adds to the file", "pid 0\nbind @/h/hb:/vol\n", "-o " LAYERS " -R /low /vol/f", 0,
      "@/d/overlay2/" L1 "/diff/low\n@/h/hb/f\n", "" },
    { "rows elsewhere only", "bind @/h/hb:/v\n", "/w/f", 1, "", "/w/f" },
    { "a pid that is gone", "pid 2147483646\n", "/w/f", 3, "", "" },

    { "an unknown word", "bind @/h/hb:/w\nbinds @/h/hb:/w\n", "/w/f", 2, "", "2" },
    { "a word in capitals", "Bind @/h/hb:/w\n", "/w/f", 2, "", "1" },
    { "with dashes", "--bind @/h/hb:/w\n", "/w/f", 2, "", "1" },
    { "the letter", "\n\n-b @/h/hb:/w\n", "/w/f", 2, "", "3" },
    { "an equals sign", "bind=@/h/hb:/w\n", "/w/f", 2, "", "1" },
    { "a word without a value", "bind\n", "/w/f", 2, "", "1" },
    { "a word and a blank", "bind \n", "/w/f", 2, "", "1" },
    { "pid without a value", "pid\n", "/w/f", 2, "", "1" },
    { "overlay without a value", "overlay\n", "/w/f", 2, "", "1" },
    { "an option that lines do not have", "stage @/st\n", "/w/f", 2, "", "1" },
    { "a second word on a line", "pid 0 bind @/h/hb:/w\n", "/w/f", 2, "", "1" },
    { "a pid that is no number", "pid x\n", "/w/f", 2, "", "1" },
    { "a negative pid", "pid -1\n", "/w/f", 2, "", "1" },
    { "a pid beyond all numbers", "pid 99999999999999999999\n", "/w/f", 2, "", "1" },
    { "a pid with a blank at the end", "pid 0 \n", "/w/f", 2, "", "1" },
    { "a start that is no number", "pid 1:x\n", "/w/f", 2, "", "1" },
    { "a relative host path", "bind h:/w\n", "/w/f", 2, "", "1" },
    { "a relative path", "bind @/h/hb:w\n", "/w/f", 2, "", "1" },
    { "one path", "bind @/h/hb\n", "/w/f", 2, "", "1" },
    { "a bad mode", "bind @/h/hb:/w:no\n", "/w/f", 2, "", "1" },
    { "a NUL in a value", "bind @/h/hb:/w%00x\n", "/w/f", 2, "", "1" },
    { "a NUL at the end of a line", "# a\nbind @/h/hb:/w%00\n", "/w/f", 2, "", "2" },
    { "a NUL in a comment", "# %00\nbind @/h/hb:/w\n", "/w/f", 2, "", "1" },
    { "a NUL after everything", "bind @/h/hb:/w\n%00", "/w/f", 2, "", "2" },
    { "a byte order mark", "\xef\xbb\xbf" "bind @/h/hb:/w\n", "/w/f", 2, "", "1" },
    { "JSON after a comment", "# inspect\n{`State`:{`Pid`:0}}\n", "/w/f", 2, "", "2" },
    { "pid twice", "pid 0\npid 0\n", "/w/f", 2, "", "twice" },
    { "overlay twice", "overlay " LAYERS "\noverlay " LAYERS "\n", "/w/f", 2, "", "twice" },
    { "pid and -p", "pid 0\n", "-p 0 /w/f", 2, "", "twice" },
    { "overlay and -o", "overlay " LAYERS "\n", "-o " LAYERS " /low", 2, "", "twice" },
};

static void check_lines(void **state)
{
    const struct lines_case *c = *state;
    size_t n;
    char *text = expand_n(c->text, &n), *file = expand("@/lines");
    if (!write_bytes(file, text, n, O_CREAT | O_TRUNC))
        flunk("%s: %s", file, strerror(errno));
    struct ran r = tool(textf("-r %s %s", file, c->args));
    expect_ran(textf("-r FILE %s", expand(c->args)), r, c->status, c->out, c->err);
    if (c->status == 2 && !strstr(c->err, "twice")) {
        char *line = strstr(r.err, file);
        if (!line || strtol(line + strlen(file) + strcspn(line + strlen(file), "0123456789"), NULL, 10) != atoi(c->err))
            flunk("the message does not name file and line: %s", r.err);
    }
    struct call in = { .args = textf("-r - %s", c->args), .in = text, .nin = n };
    expect_ran("the same on standard input", run(in), c->status, c->out, c->err);
    if (n < 4096) {
        in.how = IN_PACKETS;
        expect_ran("the same, byte by byte", run(in), c->status, c->out, c->err);
    }
}

/* A line that ends in CR LF: a path with a CR at its end, or refused, but never taken for another one. */
static void crlf(void **state)
{
    (void)state;
    struct ran r = tool_in("-r - /w/f", "bind @/h/hb:/w\r\n");
    if ((r.status != 1 && r.status != 2) || r.outlen)
        flunk("CR LF: %d %s%s", r.status, r.out, r.err);
    r = tool_in("-r - /w/f", "pid 0\r\n");
    if (r.status != 2 || r.outlen)
        flunk("pid, CR LF: %d %s%s", r.status, r.out, r.err);
}

static void live_lines(void **state)
{
    (void)state;
    start_runner(0, STANDARD);
    char stat[1024];
    int fd = open(textf("/proc/%d/stat", world.pid), O_RDONLY | O_CLOEXEC);
    ssize_t n = read(fd, stat, sizeof stat - 1);
    close(fd);
    stat[n < 0 ? 0 : n] = 0;
    char *at = strrchr(stat, ')');
    for (int i = 0; at && i < 20; i++)
        at = strchr(at + 1, ' ');
    unsigned long long start = at ? strtoull(at, NULL, 10) : 0;
    expect_ran("pid", tool_in("-r - /low", "pid $PID\n"), 0, "/proc/$PID/root/low\n", "");
    expect_ran("pid:start", tool_in("-r - /low", textf("pid $PID:%llu\n", start)), 0, "/proc/$PID/root/low\n", "");
    expect_ran("another start", tool_in("-r - /low", textf("pid $PID:%llu\n", start + 1)), 3, "", "");
    struct ran r = tool_in("-r - -f json /low", textf("pid $PID:%llu\n", start + 1));
    if (r.status != 3 || !strstr(r.out, "\"reused\""))
        flunk("another start: %d %s", r.status, r.out);
    expect_ran("pid and row", tool_in("-r - -H /low /w/f", "pid $PID\nbind @/h/hb:/w\n"), 0, "^/low\n@/h/hb/f\n", "");
    expect_ran("pid and overlay", tool_in("-r - /low", "pid $PID\noverlay " LAYERS "\n"), 0, "/proc/$PID/root/low\n",
        "");
    expect("-p $PID -r @/none /low", 3, "", "none");
}

static void long_lines(void **state)
{
    (void)state;
    size_t n = 1 << 20;
    char *big = keep(n + 4096), *p = big;
    *p++ = '#';
    memset(p, 'x', n);
    p = stpcpy(p + n, expand("\nbind @/h/hb:/w\n"));
    struct call c = { .args = "-r - /w/f", .in = big, .nin = (size_t)(p - big), .how = IN_PIPE, .chunk = 65536 };
    expect_ran("a comment of 1 MiB", run(c), 0, "@/h/hb/f\n", "");
    memcpy(big, "bind /", 6);
    struct ran r = run(c);
    if (r.status != 2 || r.outlen || strlen(r.err) > 20000)
        flunk("a row of 1 MiB: %d, %zu bytes of message", r.status, strlen(r.err));
    *big = 'B';
    r = run(c);
    if (r.status != 2 || r.outlen || strlen(r.err) > 20000)
        flunk("a word of 1 MiB: %d, %zu bytes of message", r.status, strlen(r.err));
    /* an overlay of 400 layers, more than a page of options */
    char *text = textf("overlay lowerdir=%s/diff:", expand("@/d/overlay2/" L2));
    for (int i = 0; i < 400; i++)
        text = textf("%s%s%s", text, i ? ":" : "", expand("@/d/overlay2/" L1 "/diff"));
    expect_ran("400 layers", tool_in("-r - -R /low", textf("%s$USERXATTR\n", text)), 0, "@/d/overlay2/"
        L1 "/diff/low\n", "");
    /* 5,000 rows */
    text = keep(200000);
    p = text;
    for (int i = 0; i < 5000; i++)
        p += sprintf(p, "bind %s/h/hb:/w%d\n", world.dir, i);
    expect_ran("5,000 rows", tool_in("-r - /w4999/f", text), 0, "@/h/hb/f\n", "");
}

static void files(void **state)
{
    (void)state;
    must("dir @/dir;file @/plain x;link @/loop loop;fifo @/fifo");
    expect("-r @/none /w", 3, "", "@/none");
    expect("-r @/dir /w", 3, "", "@/dir");
    expect("-r @/plain/x /w", 3, "", "@/plain/x");
    expect("-r @/loop /w", 3, "", "@/loop");
    expect("-r", 2, "", "");
    struct ran r = tool("-r '' /w");
    if (r.status < 2 || r.outlen)
        flunk("-r '': %d %s", r.status, r.out);
    r = tool("-r /full /w");            /* like /dev/zero to its readers */
    if (r.status < 2 || r.outlen)
        flunk("-r of a file without an end: %d %s", r.status, r.out);
    /* several: rows of all of them */
    must("file @/one -;file @/two -");
    put_file(expand("@/one"), expand("bind @/h/hb:/w\nbind @/h/hb:/v\n"));
    put_file(expand("@/two"), expand("bind @/h/devb:/v\n"));
    expect("-r @/one -r @/two /w/f /v/f", 0, "@/h/hb/f\n@/h/devb/f\n", "");
    expect("-r @/one --runner @/two /w/f", 0, "@/h/hb/f\n", "");
    expect("-r @/one -r @/none /w/f", 3, "", "@/none");
    put_file(expand("@/one"), "pid 0\n");
    put_file(expand("@/two"), "pid 0\n");
    expect("-r @/one -r @/two /w/f", 2, "", "twice");
    expect_ran("- and a file", tool_in("-r @/one -r - /w/f", "bind @/h/hb:/w\n"), 0, "@/h/hb/f\n", "");
    /* standard input is there once */
    expect_ran("-r - twice", tool_in("-r - -r - /w/f", "bind @/h/hb:/w\n"), 2, "", "");
    expect_ran("-r - and -", tool_in("-r - -", "bind @/h/hb:/w\n"), 2, "", "");
    expect_ran("-r - and -c", tool_in("-r - -c", "bind @/h/hb:/w\n"), 2, "", "");
    r = run((struct call){ .args = "-r - /w/f", .how = IN_CLOSED });
    if (r.status != 3 || r.outlen)
        flunk("standard input closed: %d %s", r.status, r.out);
    /* what `-r <(command)` hands over */
    pid_t pid = fork();
    if (!pid) {
        int fd = open(expand("@/fifo"), O_WRONLY | O_CLOEXEC);
        char *text = expand("bind @/h/hb:/w\n");
        for (; *text; text++)
            if (write(fd, text, 1) != 1)
                _exit(1);
        _exit(0);
    }
    expect("-r @/fifo /w/f", 0, "@/h/hb/f\n", "");
    waitpid(pid, NULL, 0);
}

static void environment(void **state)
{
    (void)state;
    put_file(expand("@/r"), expand("bind @/h/hb:/w\n"));
    put_file(expand("@/bad"), "nonsense\n");
    static const struct { const char *runner, *args; int status; const char *out; } cases[] = {
        { "@/r", "/w/f", 0, "@/h/hb/f\n" },
        { "@/r", "-H /w/f", 0, "@/h/hb/f\n" },
        { "@/r", "-v /w:/t", 0, "@/h/hb:/t\n" },
        { "", "/w/f", -1, "" },
        { "@/bad", "/w/f", 2, "" },
        { "@/none", "/w/f", 3, "" },
        /* ignored where the command line says whose paths they are */
        { "@/r", "-b @/h/devb:/w /w/f", 0, "@/h/devb/f\n" },
        { "@/bad", "-b @/h/devb:/w /w/f", 0, "@/h/devb/f\n" },
        { "@/bad", "-p 0 -b @/h/devb:/w /w/f", 0, "@/h/devb/f\n" },
        { "@/bad", "-o " LAYERS " -R /low", 0, "@/d/overlay2/" L1 "/diff/low\n" },
        { "@/r", "-o " LAYERS " /w/f", 1, "" },
        { "@/bad", "-r @/r /w/f", 0, "@/h/hb/f\n" },
        { "@/bad", "-u @/nothing", 0, "" },
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct ran r = run((struct call){ .args = cases[i].args, .runner = cases[i].runner });
        if (cases[i].status < 0 ? !r.status || r.outlen : r.status != cases[i].status ||
            strcmp(r.out, expand(cases[i].out)))
            flunk("DINDBIND_RUNNER=%s %s: %d %s%s", cases[i].runner, cases[i].args, r.status, r.out, r.err);
    }
    struct ran r = run((struct call){ .args = "--help", .runner = "@/bad" });
    if (r.status || !r.outlen)
        flunk("--help: %d", r.status);
    struct call c = { .args = "-c", .runner = "@/r" };
    c.in = expand_n("{`HostConfig`:{`Binds`:[`/w/f:/t`]}}", &c.nin);
    expect_ran("-c", run(c), 0, "{`HostConfig`:{`Binds`:[`@/h/hb/f:/t`]}}", "");
}

/* ==== -r: JSON ========================================================================================== */

/* The description as it was printed, with some edits: {from, to}, the first place each. */
static char *edited(const char *text, const char *const (*edits)[2], size_t n)
{
    for (size_t i = 0; i < n && edits[i][0]; i++) {
        const char *at = strstr(text, edits[i][0]);
        if (!at)
            flunk("the fixture has no %s", edits[i][0]);
        text = textf("%.*s%s%s", (int)(at - text), text, edits[i][1], at + strlen(edits[i][0]));
    }
    return expand(text);
}

struct inspect_case {
    const char *name, *text;
    const char *edits[5][2];
    const char *setup;          /* NULL: docker's */
    const char *run;            /* the runner's mounts, or NULL: dead */
    const char *host;           /* done by the host when the runner is there, or NULL */
    const char *args;
    int status;                 /* -1: any but 0 */
    const char *out, *word;     /* the error word of a refusal */
};

#define MERGED "@/d/overlay2/" TOP "/merged"
#define VOL "@/d/volumes/vol1/_data"
#define PODMAN "engine @/p overlay"
#define PODMAN_RUN \
    "bind /proc ^/proc;bind @/h/hosts ^/etc/hosts;bind @/prun/overlay-containers/" PCID "/userdata/hostname " \
    "^/etc/hostname;bind @/p/volumes/vol1/_data ^/vol;bind @/h/hb ^/hb;ro ^/hb;bind @/h/devb ^/devb;" \
    "bind @/h/onefile ^/etc/onefile;tmpfs ^/tm1;tmpfs ^/tm2"
#define SUBPATH(target, sub) \
    { "            `Mounts`: [\n                {\n", "            `Mounts`: [\n                {\n" \
      "                    `Type`: `volume`,\n                    `Source`: `vol1`,\n" \
      "                    `Target`: `" target "`,\n                    `VolumeOptions`: {\n" \
      "                        `Subpath`: `" sub "`\n                    }\n                },\n                {\n" }, \
    { "`Destination`: `/vol`", "`Destination`: `/y`" }, { "`vol1:/vol`", "`/nothing`" }
#define ROW(source, destination, rw) \
    { "        `Mounts`: [\n            {\n                `Type`: `bind`,", "        `Mounts`: [\n            {\n" \
      "                `Type`: `bind`,\n                `Source`: `" source "`,\n" \
      "                `Destination`: `" destination "`,\n                `Mode`: ``,\n" \
      "                `RW`: " rw ",\n                `Propagation`: `rprivate`\n            },\n" \
      "            {\n                `Type`: `bind`," }
#define SELF "bind /proc ^/proc;"
#define NAMED_HOSTNAME "bind @/d/containers/" CID "/hostname ^/etc/hostname;"
#define ROOT_OF_ID "@/d/rootfs/overlay2/" CID
#define ROOTFS "engine @/d overlay2;dir @/d/rootfs;dir @/d/rootfs/overlay2;dir " ROOT_OF_ID ";"
/* podman's config.json, with one more mount; inspect's, of a part of a volume. */
#define BUNDLE "@/p/overlay-containers/" PCID "/userdata/config.json"
#define READONLY(value) { "`ContainerIDFile`: ``,", "`ContainerIDFile`: ``,`ReadonlyRootfs`: " value "," }
#define NO_BUNDLE { "`OCIConfigPath`: `" BUNDLE "`,", "" }
#define IN_BUNDLE(mount) "file " BUNDLE " {`mounts`:[" mount "]}"
#define PODMAN_SUBPATH(path) { "`Destination`: `/vol`,", "`Destination`: `/vol`,`SubPath`: `" path "`," }
#define NO_EDIT { { NULL, NULL } }
#define BARE(text) text, NO_EDIT

static const struct inspect_case inspect_cases[] = {
    /* what is in the fixture: live, then dead */
    { "docker: root", BARE(docker_inspect), NULL, STANDARD, NULL, "/low /m/one", 0,
      "/proc/$PID/root/low\n/proc/$PID/root/m/one\n", NULL },
    { "docker: root, host path", BARE(docker_inspect), NULL, STANDARD, NULL, "-H /low", 0, "^/low\n", NULL },
    { "docker: volume", BARE(docker_inspect), NULL, STANDARD, NULL, "/vol /vol/v", 0, VOL "\n" VOL "/v\n", NULL },
    { "docker: bind, file, own hosts", BARE(docker_inspect), NULL, STANDARD, NULL, "/devb/f /etc/onefile /etc/hosts", 0,
      "@/h/devb/f\n@/h/onefile\n@/h/hosts\n", NULL },
    { "docker: hostname, resolv.conf", BARE(docker_inspect), NULL, STANDARD, NULL, "/etc/hostname /etc/resolv.conf", 0,
      "@/d/containers/" CID "/hostname\n@/d/containers/" CID "/resolv.conf\n", NULL },
    { "docker: RW false", BARE(docker_inspect), NULL, STANDARD, NULL, "/hb/f", 1, "", NULL },
    { "docker: RW false, a spec", BARE(docker_inspect), NULL, STANDARD, NULL, "-v /hb:/t -v /vol:/v", 0,
      "@/h/hb:/t:ro\n" VOL ":/v\n", NULL },
    { "docker: tmpfs", BARE(docker_inspect), NULL, STANDARD, NULL, "/tm1/t /tm2/t", 0,
      "/proc/$PID/root/tm1/t\n/proc/$PID/root/tm2/t\n", NULL },
    { "docker: tmpfs has no host path", BARE(docker_inspect), NULL, STANDARD, NULL, "-H /tm1/t", 1, "", "foreign" },
    { "docker: tmpfs has no host path, from Mounts", BARE(docker_inspect), NULL, STANDARD, NULL, "-v /tm2:/t", 1, "",
      "foreign" },
    { "docker, dead: layers", BARE(docker_inspect), NULL, NULL, NULL, "-R /low /f1", 0,
      "@/d/overlay2/" L1 "/diff/low\n@/d/overlay2/" L2 "/diff/f1\n", NULL },
    { "docker, dead: upperdir", BARE(docker_inspect), "engine @/d overlay2;file ^/new n", NULL, NULL, "/new", 0,
      "@/d/overlay2/" TOP "/diff/new\n", NULL },
    { "docker, dead: deleted in the upperdir", BARE(docker_inspect), "engine @/d overlay2;rm ^/low", NULL, NULL, "/low",
      1, "", "missing" },
    { "docker, dead: rows", BARE(docker_inspect), NULL, NULL, NULL, "/vol/v /devb/f /etc/hosts /etc/hostname", 0,
      VOL "/v\n@/h/devb/f\n@/h/hosts\n@/d/containers/" CID "/hostname\n", NULL },
    { "docker, dead: RW false", BARE(docker_inspect), NULL, NULL, NULL, "-v /hb:/t", 0, "@/h/hb:/t:ro\n", NULL },
    { "docker, dead: tmpfs of HostConfig.Tmpfs", BARE(docker_inspect), NULL, NULL, NULL, "/tm1/t", 1, "", "foreign" },
    { "docker, dead: tmpfs itself", BARE(docker_inspect), NULL, NULL, NULL, "/tm1", 1, "", "foreign" },
    { "docker, dead: tmpfs of Mounts", BARE(docker_inspect), NULL, NULL, NULL, "/tm2/t", 1, "", "foreign" },
    { "docker, dead: beside a tmpfs", BARE(docker_inspect), "engine @/d overlay2;file ^/tm1x x", NULL, NULL, "/tm1x", 0,
      "@/d/overlay2/" TOP "/diff/tm1x\n", NULL },
    { "docker, dead: /proc", BARE(docker_inspect), NULL, NULL, NULL, "/proc/x", 1, "", "foreign" },
    { "docker, dead: /sys", BARE(docker_inspect), NULL, NULL, NULL, "/sys/x", 1, "", "foreign" },
    { "docker, dead: /dev", BARE(docker_inspect), NULL, NULL, NULL, "/dev/x", 1, "", "foreign" },
    { "docker, dead: a link to a volume", BARE(docker_inspect), NULL, NULL, NULL, "/to/v", 1, "", NULL },

    { "podman: root", BARE(podman_inspect), PODMAN, PODMAN_RUN, NULL, "-H /low /vol/v /etc/hosts /devb/f", 0,
      "^/low\n@/p/volumes/vol1/_data/v\n@/h/hosts\n@/h/devb/f\n", NULL },
    { "podman: hostname, no resolv.conf", BARE(podman_inspect), PODMAN, PODMAN_RUN, NULL,
      "-H /etc/hostname /etc/resolv.conf", 0,
      "@/prun/overlay-containers/" PCID "/userdata/hostname\n^/etc/resolv.conf\n", NULL },
    { "podman: RW false", BARE(podman_inspect), PODMAN, PODMAN_RUN, NULL, "-v /hb:/t", 0, "@/h/hb:/t:ro\n", NULL },
    { "podman, dead: layers", BARE(podman_inspect), PODMAN, NULL, NULL, "-R /low /f1 /vol/v", 0,
      "@/p/overlay/" P1 "/diff/low\n@/p/overlay/" P2 "/diff/f1\n@/p/volumes/vol1/_data/v\n", NULL },
    { "podman, dead: tmpfs", BARE(podman_inspect), PODMAN, NULL, NULL, "/tm2/t", 1, "", "foreign" },
    { "podman, dead: .containerenv", BARE(podman_inspect), PODMAN, NULL, NULL, "/run/.containerenv", 1, "", "foreign" },
    { "podman, dead: secrets", BARE(podman_inspect), PODMAN, NULL, NULL, "/run/secrets/x", 1, "", "foreign" },

    { "runc state", BARE(runc_state), NULL, STANDARD, NULL, "-H /low /vol/v", 0, "^/low\n" VOL "/v\n", NULL },
    { "crun state, rootfs below bundle", BARE(crun_state), NULL, STANDARD, NULL, "-H /low /vol/v", 0,
      "^/low\n" VOL "/v\n", NULL },
    { "runc state, stopped", runc_state, { { "`running`", "`stopped`" } }, NULL, NULL, NULL, "/low", 1, "",
      "unmatched" },
    { "runc state, stopped, with -o", BARE(runc_state), NULL, NULL, NULL, "-o " LAYERS " -R /low", 0,
      "@/d/overlay2/" L1 "/diff/low\n", NULL },
    { "crun state, stopped, with -b", BARE(crun_state), NULL, NULL, NULL, "-b @/h/hb:/w /w/f", 0, "@/h/hb/f\n", NULL },
    { "state and -p", BARE(runc_state), NULL, STANDARD, NULL, "-p $PID /low", 2, "", NULL },
    { "podman, dead: /dev/shm", BARE(podman_inspect), PODMAN, NULL, NULL, "/dev/shm", 1, "", "foreign" },
    { "podman, dead: a secret with a target", BARE(podman_inspect), PODMAN ";" IN_BUNDLE(
      "{`destination`:`/x`,`type`:`bind`,`source`:`@/h/hb/f`,`options`:[`bind`,`rprivate`,`ro`]}"), NULL, NULL,
      "-R /x /low", 0, "@/h/hb/f\n@/p/overlay/" P1 "/diff/low\n", NULL },
    { "podman, dead: the same, to be written", BARE(podman_inspect), PODMAN ";" IN_BUNDLE(
      "{`destination`:`/x`,`type`:`bind`,`source`:`@/h/hb/f`,`options`:[`bind`,`rprivate`,`ro`]}"), NULL, NULL,
      "/x", 1, "", NULL },
    { "podman, dead: a secret that is gone", BARE(podman_inspect), PODMAN ";" IN_BUNDLE(
      "{`destination`:`/x`,`type`:`bind`,`source`:`@/h/gone`,`options`:[`bind`]}"), NULL, NULL, "-R /x", 1, "",
      "foreign" },
    { "podman, dead: a tmpfs of --read-only", BARE(podman_inspect), PODMAN ";" IN_BUNDLE(
      "{`destination`:`/x`,`type`:`tmpfs`,`source`:`tmpfs`,`options`:[`rw`,`rprivate`,`tmpcopyup`]}"), NULL, NULL,
      "-R /x", 1, "", "foreign" },
    { "podman, dead: no config.json", BARE(podman_inspect), PODMAN ";rm " BUNDLE, NULL, NULL, "-R /low", 1, "",
      "layers" },
    { "podman, dead: no config.json, a volume", BARE(podman_inspect), PODMAN ";rm " BUNDLE, NULL, NULL, "/vol/v", 0,
      "@/p/volumes/vol1/_data/v\n", NULL },
    { "podman, dead: a FIFO", BARE(podman_inspect), PODMAN ";rm " BUNDLE ";fifo " BUNDLE, NULL, NULL, "-R /low", 1, "",
      "layers" },
    { "podman, dead: a config.json that is none", BARE(podman_inspect), PODMAN ";file " BUNDLE " {}", NULL, NULL,
      "-R /low", 1, "", "layers" },
    { "podman, dead: a broken config.json", BARE(podman_inspect), PODMAN ";file " BUNDLE " {`mounts`:[}", NULL, NULL,
      "-R /low", 1, "", "layers" },
    { "podman, never started", podman_inspect, { NO_BUNDLE }, PODMAN, NULL, NULL, "-R /low", 0,
      "@/p/overlay/" P1 "/diff/low\n", NULL },
    { "podman, never started: .containerenv", podman_inspect, { NO_BUNDLE }, PODMAN, NULL, NULL, "/run/.containerenv",
      1,
      "", "foreign" },
    { "podman, never started: /tmp", podman_inspect, { NO_BUNDLE }, PODMAN ";dir ^/tmp;file ^/tmp/f x", NULL, NULL,
      "/tmp/f", 0, "@/p/overlay/" PTOP "/diff/tmp/f\n", NULL },
    { "podman, never started: /tmp of --read-only", podman_inspect, { NO_BUNDLE, READONLY("true") },
      PODMAN ";dir ^/tmp;file ^/tmp/f x", NULL, NULL, "-R /tmp/f", 1, "", "foreign" },
    { "podman, never started: /tmp of systemd", podman_inspect, { NO_BUNDLE, { "`Config`: {",
      "`Config`: { `SystemdMode`: true," } }, PODMAN ";dir ^/tmp;file ^/tmp/f x", NULL, NULL, "/tmp/f", 1, "",
      "foreign" },
    { "podman, never started: a secret", podman_inspect, { NO_BUNDLE, { "`Config`: {", "`Config`: { `Secrets`: [{"
      "`Name`: `sec`}]," } }, PODMAN, NULL, NULL, "-R /low", 1, "", "layers" },
    { "podman, never started: no secret", podman_inspect, { NO_BUNDLE, { "`Config`: {",
      "`Config`: { `Secrets`: []," } },
      PODMAN, NULL, NULL, "-R /low", 0, "@/p/overlay/" P1 "/diff/low\n", NULL },
    { "podman, live: no config.json", BARE(podman_inspect), PODMAN ";rm " BUNDLE, PODMAN_RUN, NULL, "-H /low", 0,
      "^/low\n", NULL },
    { "docker, dead: where only podman mounts something", BARE(docker_inspect),
      "engine @/d overlay2;file ^/run/.containerenv mine;file ^/etc/localtime mine", NULL, NULL,
      "/run/.containerenv /etc/localtime", 0, "@/d/overlay2/" TOP "/diff/run/.containerenv\n@/d/overlay2/" TOP
      "/diff/etc/localtime\n", NULL },
    { "podman, dead: a subpath", podman_inspect, { PODMAN_SUBPATH("/sub") }, PODMAN, NULL, NULL, "/vol/s", 0,
      "@/p/volumes/vol1/_data/sub/s\n", NULL },
    { "podman, dead: a subpath with a link", podman_inspect, { PODMAN_SUBPATH("/ln") },
      PODMAN ";link @/p/volumes/vol1/_data/ln sub", NULL, NULL, "/vol/s", 1, "", "foreign" },
    { "podman, live: a subpath", podman_inspect, { PODMAN_SUBPATH("/sub") }, PODMAN,
      SELF "bind @/p/volumes/vol1/_data/sub ^/vol", NULL, "-H /vol/s", 0, "@/p/volumes/vol1/_data/sub/s\n", NULL },
    /* layers that cannot be read */
    { "docker, dead: another user's layers, the rows", BARE(docker_inspect), "engine @/d overlay2;chown @/d/overlay2/"
      TOP
      "/diff 300000", NULL, NULL, "/vol/v /devb/f", 0, VOL "/v\n@/h/devb/f\n", NULL },
    { "docker, dead: another user's layers", BARE(docker_inspect), "engine @/d overlay2;chown @/d/overlay2/" TOP
      "/diff 300000", NULL, NULL, "-R /low", 1, "", "layers" },
    { "podman, dead: a store that a program mounts", BARE(podman_inspect),
      PODMAN ";file @/p/overlay/.has-mount-program true", NULL, NULL, "/low", 1, "", "layers" },
    { "podman, dead: a store that a program mounts, staged", BARE(podman_inspect),
      PODMAN ";file @/p/overlay/.has-mount-program true", NULL, NULL, "-s @/stage /m", 1, "", "layers" },
    { "podman, dead: a store that a program mounts, the rows", BARE(podman_inspect),
      PODMAN ";file @/p/overlay/.has-mount-program true", NULL, NULL, "/vol/v", 0, "@/p/volumes/vol1/_data/v\n", NULL },
    { "podman, dead: a store that no program mounts", BARE(podman_inspect),
      PODMAN ";file @/p/overlay/.has-mount-program false", NULL, NULL, "-R /low", 0, "@/p/overlay/" P1 "/diff/low\n", NULL },
    { "podman, dead: composefs", BARE(podman_inspect), PODMAN ";dir @/p/overlay/" P1 "/composefs-data", NULL, NULL,
      "-R /low", 1, "", "layers" },
    { "podman, dead: composefs, the rows", BARE(podman_inspect), PODMAN ";dir @/p/overlay/" P1 "/composefs-data", NULL,
      NULL, "/vol/v", 0, "@/p/volumes/vol1/_data/v\n", NULL },
    { "inspect and -p", BARE(docker_inspect), NULL, STANDARD, NULL, "-p $PID /low", 2, "", NULL },
    { "inspect and -o", BARE(docker_inspect), NULL, NULL, NULL, "-o " LAYERS " -R /low", 2, "", NULL },
    { "inspect and -b", BARE(docker_inspect), NULL, STANDARD, NULL, "-b @/h/devb:/vol /vol/f", 0, "@/h/devb/f\n",
      NULL },

    { "config.json, rows alone", BARE(oci_config), NULL, NULL, NULL, "-R /hb/f", 0, "@/h/hb/f\n", NULL },
    { "config.json, ro among the options", BARE(oci_config), NULL, NULL, NULL, "-v /hb:/t", 0, "@/h/hb:/t:ro\n", NULL },
    { "config.json, rw", oci_config, { { "`ro`,", "`rw`," } }, NULL, NULL, NULL, "-v /hb:/t", 0, "@/h/hb:/t\n", NULL },
    { "config.json, a relative source", oci_config, { { "`source`: `@/h/hb`", "`source`: `h/hb`" } }, NULL, NULL, NULL,
      "-R /hb/f", 0, "@/h/hb/f\n", NULL },
    { "config.json and -p", BARE(oci_config), NULL, STANDARD, NULL, "-p $PID /hb/f", 1, "", NULL },
    { "config.json and -p: the root", BARE(oci_config), "engine @/d overlay2;dir @/rootfs", STANDARD, NULL,
      "-p $PID /low /tm1/t", 0, "/proc/$PID/root/low\n/proc/$PID/root/tm1/t\n", NULL },
    { "config.json and -o: a tmpfs", BARE(oci_config), NULL, NULL, NULL, "-o " LAYERS " /dev/shm/x", 1, "", "foreign" },
    { "config.json and -o: the layers", BARE(oci_config), NULL, NULL, NULL, "-o " LAYERS " -R /low", 0,
      "@/d/overlay2/" L1 "/diff/low\n", NULL },

    /* --read-only: of the runner's root, and of the files that the engine puts there by itself */
#define OWN_FILES "-v /etc/hostname:/1 -v /etc/resolv.conf:/2 -v /vol:/3 -v /hb:/4"
#define OWN_ANSWERS(ro) "@/d/containers/" CID "/hostname:/1" ro "\n@/d/containers/" CID "/resolv.conf:/2" ro "\n" VOL \
    ":/3\n@/h/hb:/4:ro\n"
    { "--read-only, dead: its own files", docker_inspect, { READONLY("true") }, NULL, NULL, NULL, OWN_FILES, 0,
      OWN_ANSWERS(":ro"), NULL },
    { "--read-only, dead: HostsPath", docker_inspect, { READONLY("true"), { "`HostsPath`: `@/h/hosts`",
      "`HostsPath`: `" HOSTS "`" }, { "`Destination`: `/etc/hosts`", "`Destination`: `/y`" } }, NULL, NULL, NULL,
      "-v /etc/hosts:/t", 0, HOSTS ":/t:ro\n", NULL },
    { "--read-only, dead: a PATH", docker_inspect, { READONLY("true") }, NULL, NULL, NULL, "/etc/hostname", 1, "",
      NULL },
    { "--read-only, dead: a volume is not", docker_inspect, { READONLY("true") }, NULL, NULL, NULL, "/vol/v", 0, VOL
      "/v\n",
      NULL },
    { "--read-only, dead: the upperdir", docker_inspect, { READONLY("true") }, "engine @/d overlay2;file ^/new n", NULL,
      NULL,
      "-v /new:/t", 0, "@/d/overlay2/" TOP "/diff/new:/t:ro\n", NULL },
    { "--read-only, what is no boolean", docker_inspect, { READONLY("`no`") }, NULL, NULL, NULL, OWN_FILES, 0,
      OWN_ANSWERS(":ro"), NULL },
    { "--read-only=false", docker_inspect, { READONLY("false") }, NULL, NULL, NULL, OWN_FILES, 0, OWN_ANSWERS(""),
      NULL },
    { "ReadonlyRootfs null", docker_inspect, { READONLY("null") }, NULL, NULL, NULL, OWN_FILES, 0, OWN_ANSWERS(""),
      NULL },
    { "--read-only, live", docker_inspect, { READONLY("true") }, NULL, STANDARD, NULL, OWN_FILES, 0, OWN_ANSWERS(":ro"),
      NULL },
    { "config.json and -o: a read-only root", oci_config, { { "`readonly`: false", "`readonly`: true" } },
      "engine @/d overlay2;file ^/new n", NULL, NULL, "-o " LAYERS " -v /new:/t -v /low:/u", 0,
      "@/d/overlay2/" TOP "/diff/new:/t:ro\n@/d/overlay2/" L1 "/diff/low:/u:ro\n", NULL },
    { "config.json and -o: a root that is not", BARE(oci_config), "engine @/d overlay2;file ^/new n", NULL, NULL,
      "-o " LAYERS " -v /new:/t", 0, "@/d/overlay2/" TOP "/diff/new:/t\n", NULL },

    /* a live runner's own mount counts, whatever the row says */
    { "read-only in the runner: a spec", BARE(docker_inspect), NULL, STANDARD ";ro ^/vol", NULL,
      "-v /vol:/t -v /vol/v:/u", 0,
      VOL ":/t:ro\n" VOL "/v:/u:ro\n", NULL },
    { "read-only in the runner: a PATH", BARE(docker_inspect), NULL, STANDARD ";ro ^/vol", NULL, "/vol", 1, "", NULL },
    { "read-only in the runner: below a row", BARE(docker_inspect), NULL, STANDARD ";ro ^/vol", NULL, "/vol/v", 1, "",
      NULL },
    { "read-only in the runner: -R", BARE(docker_inspect), NULL, STANDARD ";ro ^/vol", NULL, "-R /vol/v", 0, VOL "/v\n",
      NULL },
    { "read-only in the runner: a row of -b", BARE(docker_inspect), NULL, STANDARD ";ro ^/vol", NULL,
      "-b @/h/devb:/vol -v /vol:/t", 0, "@/h/devb:/t:ro\n", NULL },
    { "read-only in the runner: a mount in a row", BARE(docker_inspect), "engine @/d overlay2;dir " VOL "/in",
      STANDARD ";bind @/h/devb ^/vol/in;ro ^/vol/in", NULL, "-v /vol:/t -v /devb:/u", 0,
      VOL ":/t\n@/h/devb:/t/in:ro\n@/h/devb:/u\n", NULL },
    { "read-only in the runner, writable below", BARE(docker_inspect), NULL, STANDARD
      ";ro ^/vol;bind @/h/devb ^/vol/sub", NULL,
      "-v /vol:/t", 0, VOL ":/t:ro\n@/h/devb:/t/sub\n", NULL },
    { "read-only in the runner: nothing is made", BARE(docker_inspect), NULL, STANDARD ";ro ^/vol", NULL,
      "-m -v /vol/new/er:/t", 1, "", "missing" },
    { "writable in the runner: made", BARE(docker_inspect), NULL, STANDARD, NULL, "-m -v /vol/new/er:/t", 0,
      VOL "/new/er:/t\n", NULL },
    { "not mounted in the runner any more: made", BARE(docker_inspect), NULL, NULL, NULL, "-m -v /vol/new/er:/t", 0,
      VOL "/new/er:/t\n", NULL },

    /* what surrounds it does not matter */
    { "an object instead of the array", docker_inspect, { { "[\n", "" }, { "    }\n]\n", "    }\n" } }, NULL, STANDARD,
      NULL,
      "-H /low /vol/v", 0, "^/low\n" VOL "/v\n", NULL },
    { "blanks around", docker_inspect, { { "[\n", " \t\r\n [\n" }, { "    }\n]\n", "    }\n] \r\n\t\n" } }, NULL,
      STANDARD,
      NULL, "/vol/v", 0, VOL "/v\n", NULL },
    { "State in a label", docker_inspect, { { "`Labels`: {}",
      "`Labels`: {`State`:{`Pid`:1},`Mounts`:[{`Type`:`bind`,`Source`:`/evil`,`Destination`:`/low`}],`RW`:false}" } },
      NULL, STANDARD, NULL, "-H /low /vol/v", 0, "^/low\n" VOL "/v\n", NULL },
    { "decoys before", docker_inspect, { { "`Id`:", "`Zed`: [{`State`:{`Pid`:1}},`State`,`Pid`],`Pid`:1,"
      "`Yes`:{`State`:{`Pid`:1},"
      "`Mounts`:[{`Type`:`bind`,`Source`:`/evil`,`Destination`:`/low`}],`GraphDriver`:{`Data`:{`UpperDir`:`/evil`}}},"
      "`Id`:" } },
      NULL, STANDARD, NULL, "-H /low /vol/v", 0, "^/low\n" VOL "/v\n", NULL },
    { "a string that looks like JSON", docker_inspect, { { "`1000`\n        ]",
      "`\\`State\\`:{\\`Pid\\`:1},{[`\n        ]" } },
      NULL, STANDARD, NULL, "-H /low", 0, "^/low\n", NULL },
    { "Pid deeper in State", docker_inspect, { { "`Status`:", "`Health`:{`Pid`:1,`Log`:[{`Pid`:2}]},`Status`:" } },
      NULL,
      STANDARD, NULL, "-H /low", 0, "^/low\n", NULL },
    { "a mount of the request is no row", docker_inspect, { { "`Source`: `@/h/devb`,", "`Source`: `/nowhere`," } },
      NULL,
      STANDARD, NULL, "/devb/f", 0, "@/h/devb/f\n", NULL },
    { "a bind of the request is no row", docker_inspect, { { "`@/h/onefile:/etc/onefile`", "`/nowhere:/vol`" } }, NULL,
      STANDARD, NULL, "/vol/v", 0, VOL "/v\n", NULL },
    { "Binds, Tmpfs and Mounts null", docker_inspect,
      { { "`Tmpfs`: {\n                `/tm1`: `size=1m`\n            }",
      "`Tmpfs`: null" }, { "`Mounts`: [\n                {", "`Mountz`: [\n                {" } }, NULL, STANDARD, NULL,
      "-H /low /vol/v", 0, "^/low\n" VOL "/v\n", NULL },

    /* spellings */
    { "escapes in keys", docker_inspect, { { "`State`", "`\\u0053tat\\u0065`" }, { "`Pid`", "`\\u0050id`" },
      { "`Destination`: `/vol`", "`Dest\\u0069nation`: `\\/vol`" } }, NULL, STANDARD, NULL, "-H /low /vol/v", 0,
      "^/low\n" VOL "/v\n", NULL },
    { "escapes in paths", docker_inspect, { { "`Destination`: `/vol`", "`Destination`: `\\u002f\\u0076ol`" } }, NULL,
      STANDARD, NULL, "/vol/v", 0, VOL "/v\n", NULL },
    { "HTML escapes, as Go writes them", docker_inspect, { ROW("@/h/a\\u0026b\\u003cc\\u003e", "/y", "true") },
      "engine @/d overlay2;dir @/h/a&b<c>;file @/h/a&b<c>/f x", NULL, NULL, "/y/f", 0, "@/h/a&b<c>/f\n", NULL },
    { "a surrogate pair", docker_inspect, { ROW("@/h/\\ud83d\\ude00", "/y", "true") },
      "engine @/d overlay2;dir @/h/\xf0\x9f\x98\x80;file @/h/\xf0\x9f\x98\x80/f x", NULL, NULL, "/y/f", 0,
      "@/h/\xf0\x9f\x98\x80/f\n", NULL },
    { "the same raw", docker_inspect, { ROW("@/h/\xf0\x9f\x98\x80", "/y", "true") },
      "engine @/d overlay2;dir @/h/\xf0\x9f\x98\x80;file @/h/\xf0\x9f\x98\x80/f x", NULL, NULL, "/y/f", 0,
      "@/h/\xf0\x9f\x98\x80/f\n", NULL },
    { "a byte that is not UTF-8", docker_inspect, { ROW("@/h/\\udc80", "/y", "true") },
      "engine @/d overlay2;dir @/h/\x80;file @/h/\x80/f x", NULL, NULL, "/y/f", 0, "@/h/\x80/f\n", NULL },
    { "quotes, blanks and backslashes", docker_inspect, { ROW("@/h/q\\` \\\\ q", "/y", "true") },
      "engine @/d overlay2;dir @/h/q`%20\\%20q;file @/h/q`%20\\%20q/f x", NULL, NULL, "/y/f", 0, "@/h/q` \\ q/f\n",
      NULL },
    { "a colon in a source", docker_inspect, { ROW("@/h/a:b", "/y", "true") },
      "engine @/d overlay2;dir @/h/a:b;file @/h/a:b/f x", NULL, NULL, "/y/f", 0, "@/h/a:b/f\n", NULL },
    { "a destination that is not clean", docker_inspect, { { "`Destination`: `/vol`", "`Destination`: `/y/../vol/`" } },
      NULL, NULL, NULL, "/vol/v", 0, VOL "/v\n", NULL },
    { "a row that comes later wins", docker_inspect, { ROW("@/h/devb", "/vol", "true") }, NULL, NULL, NULL, "/vol/v", 0,
      VOL "/v\n", NULL },
    { "a row in a row", docker_inspect, { ROW("@/h/devb", "/vol/sub", "true") }, NULL, NULL, NULL, "/vol/sub/f /vol/v",
      0,
      "@/h/devb/f\n" VOL "/v\n", NULL },
    { "a read-only row in a row", docker_inspect, { ROW("@/h/devb", "/vol/sub", "false") }, NULL, NULL, NULL,
      "-v /vol:/t",
      0, VOL ":/t\n@/h/devb:/t/sub:ro\n", NULL },
    { "HostsPath, when nothing is mounted over it", docker_inspect, { { "`Destination`: `/etc/hosts`",
      "`Destination`: `/y`" },
      { "`HostsPath`: `@/h/hosts`", "`HostsPath`: `" HOSTS "`" } }, NULL, NULL, NULL, "/etc/hosts", 0, HOSTS "\n",
        NULL },
    { "a mount over HostsPath", docker_inspect, { { "`HostsPath`: `@/h/hosts`", "`HostsPath`: `" HOSTS "`" } }, NULL,
      NULL,
      NULL, "/etc/hosts", 0, "@/h/hosts\n", NULL },
    { "paths that are empty", docker_inspect, { { "`HostsPath`: `@/h/hosts`", "`HostsPath`: ``" },
      { "`Destination`: `/etc/hosts`", "`Destination`: `/y`" } }, NULL, STANDARD, NULL, "/etc/hosts", 0,
      "/proc/$PID/root/etc/hosts\n", NULL },

    /* part of a volume */
    { "subpath, live", docker_inspect, { SUBPATH("/y", "sub") }, NULL, "bind " VOL "/sub ^/y", NULL, "-H /y /y/s", 0,
      VOL "/sub\n" VOL "/sub/s\n", NULL },
    { "subpath, live, proc path", docker_inspect, { SUBPATH("/y", "sub") }, NULL, "bind " VOL "/sub ^/y", NULL, "/y/s",
      0,
      "/proc/$PID/root/y/s\n", NULL },
    { "subpath, dead", docker_inspect, { SUBPATH("/y", "sub") }, NULL, NULL, NULL, "/y /y/s", 0,
      VOL "/sub\n" VOL "/sub/s\n", NULL },
    { "subpath, dead, an unclean target", docker_inspect, { SUBPATH("/x/../y/", "sub") }, NULL, NULL, NULL, "/y/s", 0,
      VOL "/sub/s\n", NULL },
    { "subpath, dead, a link", docker_inspect, { SUBPATH("/y", "ln") }, "engine @/d overlay2;link " VOL "/ln sub", NULL,
      NULL, "/y/s", 1, "", NULL },
    { "subpath, dead, a link out", docker_inspect, { SUBPATH("/y", "ln/hb") }, "engine @/d overlay2;link "
      VOL "/ln @/h",
      NULL, NULL, "/y/f", 1, "", NULL },
    { "subpath, dead, upwards", docker_inspect, { SUBPATH("/y", "../../vol1/_data") }, NULL, NULL, NULL, "/y/v", 1, "",
      NULL },
    { "subpath, dead, no higher than the volume", docker_inspect, { SUBPATH("/y", "../sub") }, NULL, NULL, NULL, "/y/s",
      0, VOL "/sub/s\n", NULL },
    { "subpath, dead, missing", docker_inspect, { SUBPATH("/y", "none") }, NULL, NULL, NULL, "/y/s", 1, "", NULL },
    { "subpath, live, a link", docker_inspect, { SUBPATH("/y", "ln") }, "engine @/d overlay2;link " VOL "/ln sub",
      "bind " VOL "/sub ^/y", NULL, "-H /y/s", 0, VOL "/sub/s\n", NULL },
    { "an empty subpath", docker_inspect, { SUBPATH("/y", "") }, NULL, NULL, NULL, "/y/v", 0, VOL "/v\n", NULL },

    /* is it the container's process? */
    { "a process of the host", docker_inspect, { { "`Pid`: $PID", "`Pid`: $OWN" } }, NULL, STANDARD, NULL, "/low", 3,
      "",
      "reused" },
    { "a process of the host, runc state", runc_state, { { "`pid`: $PID", "`pid`: $OWN" } }, NULL, STANDARD, NULL,
      "/low", 3,
      "",
      "reused" },
    { "a process of the host, crun state", crun_state, { { "`pid`: $PID", "`pid`: $OWN" } }, NULL, STANDARD, NULL,
      "/low", 3,
      "",
      "reused" },
    { "a source that a row answers, and another process", docker_inspect, { { "`Pid`: $PID", "`Pid`: $OWN" } }, NULL,
      STANDARD,
      NULL, "/vol/v", 3, "", "reused" },
    { "another container's process", BARE(docker_inspect),
      "engine @/d overlay2;dir @/u;plain @/u @/h/devb", STANDARD, NULL, "/low", 3, "", "reused" },
    { "a process that is gone", docker_inspect, { { "`Pid`: $PID", "`Pid`: 2147483646" } }, NULL, NULL, NULL, "/low", 3,
      "",
      "gone" },
    { "the merged root is not to be seen", BARE(docker_inspect), NULL, STANDARD, "umount ^", "/low /vol/v", 0,
      "/proc/$PID/root/low\n" VOL "/v\n", NULL },
    { "not to be seen, and another upperdir", docker_inspect, { { "`UpperDir`: `@/d/overlay2/" TOP,
      "`UpperDir`: `@/d/overlay2/" L1 } }, NULL, STANDARD, "umount ^", "/low", 3, "", "reused" },
    { "to be seen, and another upperdir", docker_inspect, { { "`UpperDir`: `@/d/overlay2/" TOP,
      "`UpperDir`: `@/d/overlay2/" L1 } }, NULL, STANDARD, NULL, "/low", 3, "", "reused" },
    { "not to be seen, and a process of the host", docker_inspect, { { "`Pid`: $PID", "`Pid`: $OWN" } }, NULL, STANDARD,
      "umount ^", "/low", 3, "", "reused" },
    { "the merged root is something else", docker_inspect, { { "`MergedDir`: `@/d/overlay2/" TOP "/merged",
      "`MergedDir`: `@/h/hb" } }, NULL, STANDARD, NULL, "/low", 3, "", "reused" },
    { "the merged root is nowhere", docker_inspect, { { "`MergedDir`: `@/d/overlay2/" TOP "/merged",
      "`MergedDir`: `@/nowhere" } }, NULL, STANDARD, NULL, "/low", 0, "/proc/$PID/root/low\n", NULL },
    { "upperdir relative in mountinfo", BARE(docker_inspect), "relengine @/d overlay2", STANDARD, NULL,
      "-H /low /vol/v", 0,
      "^/low\n" VOL "/v\n", NULL },
    { "upperdir relative, root not to be seen", BARE(docker_inspect), "relengine @/d overlay2", STANDARD, "umount ^",
      "/low", 0, "/proc/$PID/root/low\n", NULL },
    { "upperdir relative, and another one", docker_inspect, { { "`UpperDir`: `@/d/overlay2/" TOP,
      "`UpperDir`: `@/d/overlay2/" L1 } }, "relengine @/d overlay2", STANDARD, "umount ^", "/low", 3, "", "reused" },
    { "upperdir relative, and the end of its name", docker_inspect, { { "`UpperDir`: `@/d/overlay2/" TOP,
      "`UpperDir`: `@/d/overlay2/x" TOP } }, "relengine @/d overlay2", STANDARD, "umount ^", "/low", 3, "", "reused" },
    { "podman: upperdir relative", BARE(podman_inspect), "relengine @/p overlay", PODMAN_RUN, NULL, "-H /low", 0,
      "^/low\n",
      NULL },
    { "no layers told (containerd's image store)", docker_inspect, { { "`Data`: {", "`Date`: {" } }, NULL, STANDARD,
      NULL,
      "-H /low /vol/v", 0, "^/low\n" VOL "/v\n", NULL },
    { "no layers told, no volume mounted", docker_inspect, { { "`Data`: {", "`Date`: {" } }, NULL,
      SELF NAMED_HOSTNAME "bind @/h/hb ^/hb;bind @/h/devb ^/devb;bind @/h/onefile ^/etc/onefile", NULL, "/low", 3, "",
      "reused" },
    { "no layers told, no host directory mounted", docker_inspect, { { "`Data`: {", "`Date`: {" } }, NULL,
      SELF NAMED_HOSTNAME "bind " VOL " ^/vol", NULL, "/low", 3, "", "reused" },
    { "no layers told, no file of its engine's", docker_inspect, { { "`Data`: {", "`Date`: {" } }, NULL,
      SELF "bind " VOL " ^/vol;bind @/h/hb ^/hb;bind @/h/devb ^/devb;bind @/h/onefile ^/etc/onefile", NULL, "/low", 3,
          "",
      "reused" },
    { "no layers told, its root to be seen", docker_inspect, { { "`Data`: {", "`Date`: {" } }, ROOTFS "bind ^ "
      ROOT_OF_ID,
      SELF, NULL, "-H /low", 0, "^/low\n", NULL },
    { "no layers told, another root to be seen", docker_inspect, { { "`Data`: {", "`Date`: {" } },
      ROOTFS "bind @/h " ROOT_OF_ID, STANDARD, NULL, "/low", 3, "", "reused" },
    { "no layers told, its root not to be seen", docker_inspect, { { "`Data`: {", "`Date`: {" } }, ROOTFS "dir @/d/x",
      STANDARD, NULL, "-H /low", 0, "^/low\n", NULL },
    { "no layers told, dead", docker_inspect, { { "`Data`: {", "`Date`: {" } }, NULL, NULL, NULL, "/low", 1, "",
      "unmatched" },
    { "GraphDriver null", docker_inspect, { { "`GraphDriver`: {", "`GraphDriver`: null,`Graph`: {" } }, NULL, STANDARD,
      NULL,
      "-H /low", 0, "^/low\n", NULL },

    /* what no engine prints */
    { "Pid a string", docker_inspect, { { "`Pid`: $PID", "`Pid`: `$PID`" } }, NULL, STANDARD, NULL, "/low", 2, "",
      NULL },
    { "Pid negative", docker_inspect, { { "`Pid`: $PID", "`Pid`: -1" } }, NULL, STANDARD, NULL, "/low", 2, "", NULL },
    { "Pid with a fraction", docker_inspect, { { "`Pid`: $PID", "`Pid`: $PID.5" } }, NULL, STANDARD, NULL, "/low", 2,
      "",
      NULL },
    { "Pid beyond all numbers", docker_inspect, { { "`Pid`: $PID", "`Pid`: 99999999999999999999" } }, NULL, STANDARD,
      NULL,
      "/low", 2, "", NULL },
    { "a destination without its first slash", docker_inspect, { { "`Destination`: `/vol`", "`Destination`: `vol`" } },
      NULL, STANDARD, NULL, "-H /vol/v", 0, VOL "/v\n", NULL },
    { "a destination that is empty", docker_inspect, { { "`Destination`: `/vol`", "`Destination`: ``" } }, NULL,
      STANDARD, NULL, "/low", 2, "", NULL },
    { "a NUL in a source, dead: no layer answers for it", docker_inspect, { { "/vol1/_data`",
      "/vol1/_data\\u0000x`" } }, NULL, NULL,
      NULL, "-R /vol", -1, "", NULL },
    { "a relative source, dead: no layer answers for it", docker_inspect, { { "`@/d/volumes/vol1/_data`", "`vol1`" } },
      NULL, NULL, NULL,
      "-R /vol", -1, "", NULL },
    { "RW a string: not writable", docker_inspect, { { "`RW`: false", "`RW`: `false`" } }, NULL, NULL, NULL, "/hb/f",
      -1, "", NULL },
    { "RW null: not writable", docker_inspect, { { "`RW`: false", "`RW`: null" } }, NULL, NULL, NULL, "/hb/f", -1, "",
      NULL },
    { "a source that is a number, dead: no layer answers for it", docker_inspect,
      { { "`Source`: `@/d/volumes/vol1/_data`",
      "`Source`: 1" } }, NULL, NULL, NULL, "-R /vol", -1, "", NULL },
    { "a source that is missing, dead: no layer answers for it", docker_inspect,
      { { "`Source`: `@/d/volumes/vol1/_data`,", "" } },
      NULL, NULL, NULL, "-R /vol", -1, "", NULL },
    { "a type that nobody knows, dead: no layer answers for it", docker_inspect, { { "`Type`: `volume`",
      "`Type`: `cluster`" },
      { "`Source`: `@/d/volumes/vol1/_data`,", "`Source`: ``," } }, NULL, NULL, NULL, "-R /vol", -1, "", NULL },
    { "RW missing", docker_inspect, { { "`RW`: false,", "" } }, NULL, NULL, NULL, "-v /vol:/t", 0, VOL ":/t\n", NULL },
    { "Mounts an object", docker_inspect, { { "        `Mounts`: [\n            {\n                `Type`: `bind`,",
      "        `Mounts`: {`a`: [\n            {\n                `Type`: `bind`," }, { "        ],\n        `Config`",
      "        ]},\n        `Config`" } }, NULL, STANDARD, NULL, "/low", 2, "", NULL },
};

static bool gives_away(const struct inspect_case *c)
{
    return !world.root && c->setup && strstr(c->setup, "chown");
}

static void check_inspect(void **state)
{
    const struct inspect_case *c = *state;
    if (gives_away(c))
        skip_case("an ordinary user cannot give files away");
    if (c->run)
        start_runner(0, c->run);
    char *text = edited(c->text, c->edits, COUNT(c->edits)), *file = expand("@/inspect.json");
    if (c->host)
        must(c->host);
    put_file(file, text);
    struct ran r = tool(textf("-r %s %s", file, c->args));
    if (!world.root && !c->run && r.status == 3 && strstr(r.err, "trusted.*"))
        skip_case("an ordinary user cannot read the attributes of an engine's layers");
    if (c->status < 0) {
        if (!r.status || r.outlen)
            flunk("-r FILE %s: wanted a refusal, got %d %s", expand(c->args), r.status, r.out);
        return;
    }
    expect_ran(textf("-r FILE %s", expand(c->args)), r, c->status, c->out, "");
    if (c->word) {
        r = tool(textf("-r %s -f json %s", file, c->args));
        if (r.status != c->status || !strstr(r.out, textf("\"error\":\"%s\"", c->word)))
            flunk("wanted %s, got %d %s%s", c->word, r.status, r.out, r.err);
    }
}

static int begin_inspect(void **state)
{
    const struct inspect_case *c = *state;
    return begin_with(c->setup && !gives_away(c) ? c->setup : "engine @/d overlay2");
}

/* ---- What is not JSON, and what is --------------------------------------------------------------------- */

static const char *const bad_values[] = {
    "", "tru", "TRUE", "True", "nul", "nulll", "Null", "NaN", "-NaN", "Infinity", "-Infinity", "undefined", "'a'", "a",
    "01",
    "-01", "00", "+1", ".5", "-.5", "1.", "1.e1", "-", "--1", "1e", "1e+", "1e1.5", "1e+-1", "0x10", "1_000", "1 2",
    "1,", "`",
    "`\\`", "`\\x`", "`\\u12`", "`\\u12G4`", "`\\u`", "`\\u 123`", "`\\U0041`", "`\\'`", "`\\0`", "`a\nb`", "`a\tb`",
    "`\x1f`",
    "`a%00b`", "%00", "[", "[1", "[1,", "[1,]", "[,1]", "[,]", "[1 2]", "[1,,2]", "[1;2]", "[}", "{", "{`a`", "{`a`:",
    "{`a`:1",
    "{`a`:1,", "{`a`:1,}", "{,}", "{`a`}", "{a:1}", "{`a` 1}", "{`a`=1}", "{`a`:1 `b`:2}", "{`a`:1;`b`:2}", "{`a`::1}",
    "{1:2}",
    "{null:1}", "{[]:1}", "{'a':1}", "{`a\nb`:1}", "{]", "]", "}", "1]", "1}", "/* c */1", "1//c\n", "# c\n1",
    "\xef\xbb\xbf" "1", "\v1", "\f1", "\b1", "\xc2\xa0" "1", "\xe2\x80\xa8" "1", "`\x80`", "`\xbf`", "`\xc0\x80`",
    "`\xc1\xbf`",
    "`\xc3`", "`\xc3(`", "`\xe0\x80\x80`", "`\xe0\x9f\xbf`", "`\xe2\x82`", "`\xed\xa0\x80`", "`\xed\xbf\xbf`",
    "`\xf0\x80\x80\x80`", "`\xf0\x8f\xbf\xbf`", "`\xf0\x9f\x98`", "`\xf4\x90\x80\x80`", "`\xf5\x80\x80\x80`",
    "`\xf8\x88\x80\x80\x80`", "`\xfe`", "`\xff`", "{`\x80`:1}", "\x80",
};

static const char *const good_values[] = {
    "0", "-0", "0.0", "-0.0", "-0e0", "1e400", "-1E+400", "1e-400", "0.1e-7", "1E5", "123456789012345678901234567890",
    "1e0000001",
    "0.00000000000000000000000000000000000000000000000001", "-9223372036854775809", "18446744073709551616", "true",
    "false",
    "null", "``", "`\\u0000`", "`\\ud800`", "`\\udc00\\ud800`", "`\\ud83d\\ude00`", "`\\udc80`",
    "`\\`\\\\\\/\\b\\f\\n\\r\\t`",
    "`\\u00E9\\u00e9`", "`\x7f`", "`\xc3\xa9`", "`\xf4\x8f\xbf\xbf`", "`\xef\xbf\xbf`", "`\xed\x9f\xbf`",
    "`\xee\x80\x80`",
    "`\xe2\x80\xa8`", "`\xef\xbb\xbf`", "`/* no */ // comment`", "[]", "{}", "[[],{},[[]]]", " [ 1 ,\t2\r\n,3 ] ",
    "{``:1,` `:2,`\\u0000`:3}", "{`a`:1,`a`:2}", "{ `a` :\n[ ] , `b`:{ } }",
    "[{`Binds`:[`/w:/x`],`HostConfig`:{`Binds`:[`/w:/x`]}}]",
    "[`HostConfig`,`Binds`,`/w/f:/x`]", "`,\\`HostConfig\\`:{\\`Binds\\`:[\\`/w:/x\\`]}`",
};

static void bad_json(void **state)
{
    (void)state;
    put_file(expand("@/dead"), edited(docker_inspect, NULL, 0));
    for (size_t i = 0; i < COUNT(bad_values); i++) {
        size_t mark = pooled;
        /* the second reader agrees */
        size_t n;
        char *text = expand_n(textf("{`x`:%s}", bad_values[i]), &n);
        if (parse(text, n))
            flunk("the test takes %s for JSON", text);
        struct ran r = tool_in("-b @/h/hb:/w -c",
                               textf("{`HostConfig`:{`Binds`:[`/w/f:/t`]},`x`:%s}", bad_values[i]));
        if (r.status != 1 || r.outlen || !*r.err)
            flunk("-c with %s: %d %s", text, r.status, r.out);
        r = tool_in("-b @/h/hb:/w -c", textf("{`x`:%s,`HostConfig`:{`Binds`:[`/w/f:/t`]}}", bad_values[i]));
        if (r.status != 1 || r.outlen || !*r.err)
            flunk("-c, early, with %s: %d %s", text, r.status, r.out);
        r = tool_in("-r - /vol/v", textf("{`x`:%s,%s", bad_values[i], strchr(docker_inspect, '{') + 1));
        if (r.status != 2 || r.outlen || !*r.err)
            flunk("-r with %s: %d %s", text, r.status, r.out);
        pooled = mark;
    }
}

static void good_json(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(good_values); i++) {
        size_t mark = pooled, n;
        char *text = expand_n(textf("{`x`:%s}", good_values[i]), &n);
        if (!parse(text, n))
            flunk("the test does not take %s for JSON", text);
        expect_ran(text, tool_in("-b @/h/hb:/w -c", textf("{`x`:%s,`HostConfig`:{`Binds`:[`/w/f:/t`],`x`:%s},`y`:%s}",
                                                    good_values[i], good_values[i], good_values[i])), 0,
             textf("{`x`:%s,`HostConfig`:{`Binds`:[`@/h/hb/f:/t`],`x`:%s},`y`:%s}", good_values[i], good_values[i],
                   good_values[i]), "");
        char *object = textf("{`x`:%s,%s", good_values[i], strchr(docker_inspect, '{') + 1);
        *strrchr(object, ']') = ' ';
        expect_ran(text, tool_in("-r - /vol/v", object), 0, VOL "/v\n", "");
        pooled = mark;
    }
}

/* Documents that are JSON, but no description of a runner. */
static void not_a_runner(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "[]", "[[]]", "{}", "[{}]", "[null]", "[1]", "[`x`]", "[[{`State`:{`Pid`:0}}]]",
        "{`State`:{`Pid`:0}}{`State`:{`Pid`:0}}",
        "{`State`:{`Pid`:0}} x", "[{`State`:{`Pid`:0}}] 1", "[{`State`:{`Pid`:0}},]", "{`State`:null}", "{`State`:[]}",
        "{`State`:`running`}", "{`Config`:{`State`:{`Pid`:0}}}", "{`message`:`No such container: x`}",
        "[{`Id`:`sha256:3e28`,`RepoTags`:[`x`],`GraphDriver`:{`Data`:{`UpperDir`:`/u`},`Name`:`overlay2`}}]",
        "[{`State`:{`Pid`:0},`Mounts`:[]},{`State`:{`Pid`:0},`Mounts`:[]}]", "[{`State`:{`Pid`:0}},1]",
        "{`pid`:0}", "{`bundle`:`/b`}", "{`mounts`:[]}", "{`ociVersion`:`1.0.2`}",
    };
    char *wrong = "";
    for (size_t i = 0; i < COUNT(texts); i++) {
        struct ran r = tool_in("-r - /vol/v", texts[i]);
        if (r.status != 2 || r.outlen || !*r.err)
            wrong = textf("%s\n%s: %d %s%s", wrong, texts[i], r.status, r.out, r.err);
    }
    if (*wrong)
        flunk("%s", wrong);
    static const char *const empty[] = { "", "\n", "# nothing\n", " \n\t\n" };
    for (size_t i = 0; i < COUNT(empty); i++)
        expect_ran("an empty description", tool_in("-r - /w", empty[i]), 2, "", "");
    char *two = textf("%s", docker_inspect);
    *strrchr(two, ']') = ',';
    expect_ran("two containers", tool_in("-r - /vol/v", textf("%s%s", two, docker_inspect + 2)), 2, "", "");
}

static char *nested(int depth, const char *open, const char *close)
{
    char *text = keep((size_t)depth * 16 + 64), *p = text;
    for (int i = 0; i < depth; i++)
        p = stpcpy(p, open);
    p = stpcpy(p, "1");
    for (int i = 0; i < depth; i++)
        p = stpcpy(p, close);
    return text;
}

static void depth(void **state)
{
    (void)state;
    static const struct { const char *open, *close; } kinds[] = { { "[", "]" }, { "{`a`:", "}" } };
    for (size_t k = 0; k < COUNT(kinds); k++) {
        const char *open = kinds[k].open, *close = kinds[k].close;
        char *fits = nested(255, open, close), *deep = nested(256, open, close);
        expect_ran("depth 256, -c", tool_in(ROWS, textf("{`x`:%s}", fits)), 0, textf("{`x`:%s}", fits), "");
        expect_ran("depth 257, -c", tool_in(ROWS, textf("{`x`:%s}", deep)), 1, "", "");
        expect_ran("depth 256, -r", tool_in("-r - -b @/h/hb:/w /w/f", textf("{`State`:{`Pid`:0},`x`:%s}", fits)), 0,
             "@/h/hb/f\n", "");
        expect_ran("depth 257, -r", tool_in("-r - -b @/h/hb:/w /w/f", textf("{`State`:{`Pid`:0},`x`:%s}", deep)), 2, "",
            "");
        size_t mark = pooled;
        deep = nested(1000000, open, close);
        struct ran r = tool_in(ROWS, textf("{`x`:%s}", deep));
        if (r.status != 1 || r.outlen)
            flunk("depth 1,000,000: %d", r.status);
        r = tool_in(ROWS, textf("{`x`:%.900000s", deep));
        if (r.status != 1 || r.outlen)
            flunk("depth 900,000, open: %d", r.status);
        r = tool_in("-r - /w", deep);
        if (r.status != 2 || r.outlen)
            flunk("depth 1,000,000, -r: %d", r.status);
        pooled = mark;
    }
}

/* The same values in another order and spelling, with more around them. */
struct pen {
    char *p;
};

static void pen_blank(struct pen *w)
{
    static const char *const blanks[] = { "", "", "", " ", "\n", "\t", "\r\n", "  \n    " };
    w->p = stpcpy(w->p, blanks[draw(COUNT(blanks))]);
}

/* Bytes of UTF-8, each as it is or as an escape. */
static void pen_string(struct pen *w, const char *s, size_t n)
{
    *w->p++ = '"';
    for (const char *end = s + n; s < end;) {
        unsigned char c = (unsigned char)*s;
        if (c >= 0x80 || (c >= ' ' && c != '"' && c != '\\' && draw(4)))
            *w->p++ = *s++;
        else if (c == '/' && draw(2))
            w->p = stpcpy(w->p, "\\/"), s++;
        else
            w->p += sprintf(w->p, draw(2) ? "\\u%04x" : "\\u%04X", (unsigned char)*s++);
    }
    *w->p++ = '"';
}

static void pen_extra(struct pen *w)
{
    static const char *const extras[] = {
        "{\"State\":{\"Pid\":1},\"Mounts\":[{\"Type\":\"bind\",\"Source\":\"/evil\",\"Destination\":\"/low\"}]}",
        "[{\"State\":{\"Pid\":1}},[],{}]", "1e400", "-0", "\"\\ud83d\\ude00\\u0000\"", "null",
        "{\"pid\":1,\"bundle\":\"/b\"}",
        "\"\\\"State\\\":{\\\"Pid\\\":1}\"", "123456789012345678901234567890", "[[[[[[]]]]]]",
    };
    w->p += sprintf(w->p, "\"x%u\"", draw(1000));
    pen_blank(w);
    *w->p++ = ':';
    pen_blank(w);
    w->p = stpcpy(w->p, extras[draw(COUNT(extras))]);
    pen_blank(w);
}

static void pen_value(struct pen *w, const struct json *j, bool extra)
{
    const struct json *kids[64];
    size_t n = 0;
    bool map = j->key && (!strcmp(j->key, "Tmpfs") || !strcmp(j->key, "Networks"));
    pen_blank(w);
    if (j->type == '"') {
        pen_string(w, j->text, j->ntext);
    } else if (j->type != '{' && j->type != '[') {
        w->p = mempcpy(w->p, j->raw, j->nraw);
    } else {
        for (const struct json *k = j->kid; k && n < COUNT(kids); k = k->next)
            kids[n++] = k;
        *w->p++ = j->type;
        bool first = true;
        while (n) {
            size_t i = j->type == '{' ? draw((unsigned)n) : 0;
            if (!first)
                *w->p++ = ',';
            pen_blank(w);
            if (j->type == '{' && extra && !map && !draw(4)) {
                pen_extra(w);
                *w->p++ = ',';
            }
            if (j->type == '{') {
                pen_blank(w);
                pen_string(w, kids[i]->key, kids[i]->nkey);
                pen_blank(w);
                *w->p++ = ':';
            }
            pen_value(w, kids[i], extra);
            memmove(&kids[i], &kids[i + 1], (--n - i) * sizeof *kids);
            first = false;
        }
        pen_blank(w);
        *w->p++ = j->type == '{' ? '}' : ']';
    }
    pen_blank(w);
}

static void any_spelling(void **state)
{
    (void)state;
    seed = 88172645463325252;
    must(PODMAN);                               /* beside docker's */
    snprintf(world.merged, sizeof world.merged, "%s", expand(MERGED));
    start_runner(0, STANDARD);
    struct { const char *text, *args, *out; } kinds[] = {
        { docker_inspect, "-H /low /vol/v /etc/hosts /etc/hostname", "^/low\n" VOL "/v\n@/h/hosts\n@/d/containers/" CID
          "/hostname\n" },
        { docker_inspect, "-v /hb:/t -v /devb/f:/d", "@/h/hb:/t:ro\n@/h/devb/f:/d\n" },
        { runc_state, "-H /low", "^/low\n" },
        { crun_state, "-H /low", "^/low\n" },
        { oci_config, "-v /hb:/t", "@/h/hb:/t:ro\n" },
        { podman_inspect, world.root ? "-R /low /hb/f /vol/v" : "-R /hb/f /vol/v",
          textf("%s@/h/hb/f\n@/p/volumes/vol1/_data/v\n", world.root ? "@/p/overlay/" P1 "/diff/low\n" : "") },
    };
    for (int i = 0; i < 240; i++) {
        size_t mark = pooled, n;
        int kind = i % (int)COUNT(kinds);
        pid_t pid = world.pid;
        world.pid = kinds[kind].text == podman_inspect ? 0 : pid;
        char *text = expand_n(kinds[kind].text, &n);
        world.pid = pid;
        struct json *j = parse(text, n);
        assert_non_null(j);
        char *spelled = keep(200000);
        struct pen w = { spelled };
        pen_value(&w, j, true);
        struct call c = { .args = textf("-r - %s", kinds[kind].args), .in = spelled, .nin = (size_t)(w.p - spelled) };
        if (i % 40 < (int)COUNT(kinds))
            c.how = i % 80 < 40 ? IN_PACKETS : IN_PIPE, c.chunk = 1 + draw(1000);
        *w.p = 0;
        expect_ran(textf("spelling %d:\n%s\n", i, spelled), run(c), 0, kinds[kind].out, "");
        pooled = mark;
    }
}

/* Cut anywhere, it is refused; changed anywhere, it is refused or read, and nothing worse. */
static void damaged_runner(void **state)
{
    (void)state;
    size_t n;
    char *text = expand_n(edited(docker_inspect, NULL, 0), &n);
    while (n && text[n - 1] == '\n')
        n--;
    for (size_t cut = 1; cut < n; cut += cut < 200 || cut + 200 > n ? 1 : 5) {
        size_t mark = pooled;
        struct ran r = run((struct call){ .args = "-r - /vol/v", .in = text, .nin = cut });
        if (r.status != 2 || r.outlen)
            flunk("cut at %zu of %zu: %d %s%s", cut, n, r.status, r.out, r.err);
        pooled = mark;
    }
    seed = 4101842887655102017;
    char *want = expand(VOL "/v\n");
    for (int i = 0; i < 800; i++) {
        size_t mark = pooled, at = draw((unsigned)n);
        char was = text[at];
        static const char put[] = "\"\\{}[]:,0-tn \x80\xff\n";
        text[at] = draw(2) ? put[draw(sizeof put)] : (char)draw(256);
        bool valid = parse(text, n) != NULL;
        struct ran r = run((struct call){ .args = "-r - /vol/v", .in = text, .nin = n });
        if (r.status > 3 || (r.status && r.outlen) || (!r.status && strcmp(r.out, want) && strncmp(r.out, world.dir,
                strlen(world.dir)))
            || (!valid && r.status != 2))
            flunk("byte %zu %02x instead of %02x (%s): %d %s%s", at, (unsigned char)text[at], (unsigned char)was,
                  valid ? "JSON" : "not JSON", r.status, r.out, r.err);
        text[at] = was;
        pooled = mark;
    }
}

/* A config.json is read from another directory: what is relative in it is below it. */
static void config_elsewhere(void **state)
{
    (void)state;
    must("dir @/b;dir @/b/vol;file @/b/vol/v x;dir @/cwd");
    put_file(expand("@/b/config.json"), edited(oci_config, (const char *const[][2]){ { "`@/h/hb`", "`vol`" } }, 1));
    expect("-r @/b/config.json -R /hb/v", 0, "@/b/vol/v\n", "");
    struct ran r = run((struct call){ .args = "-r ../b/config.json -R /hb/v", .cwd = "@/cwd" });
    expect_ran("by a relative name", r, 0, "@/b/vol/v\n", "");
    must("dir @/e;dir @/e/f;link @/cwd/ln @/e/f;dir @/e/b;dir @/e/b/vol;file @/e/b/vol/v y");
    put_file(expand("@/e/b/config.json"), edited(oci_config, (const char *const[][2]){ { "`@/h/hb`", "`vol`" } }, 1));
    r = run((struct call){ .args = "-r ln/../b/config.json -R /hb/v", .cwd = "@/cwd" });
    expect_ran("through a link", r, 0, "@/e/b/vol/v\n", "");
    /* a state and its config together */
    put_file(expand("@/state"), edited(runc_state, NULL, 0));
    expect("-r @/state -r @/b/config.json -R /hb/v", 0, "@/b/vol/v\n", "");
}

static void zombie(void **state)
{
    (void)state;
    pid_t pid = fork();
    if (!pid)
        _exit(0);
    siginfo_t info;
    waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT);
    put_file(expand("@/i"), edited(textf("%s", docker_inspect), (const char *const[][2]){ { "`Pid`: $PID",
                               textf("`Pid`: %d", pid) } }, 1));
    struct ran r = tool("-r @/i -f json /low");
    if (r.status != 3 || !strstr(r.out, "\"gone\""))
        flunk("a zombie: %d %s", r.status, r.out);
    waitpid(pid, NULL, 0);
    r = tool("-r @/i -f json /low");
    if (r.status != 3 || !strstr(r.out, "\"gone\""))
        flunk("a process that is gone: %d %s", r.status, r.out);
    r = tool("-r @/i /vol/v");
    if (r.status != 3 || r.outlen)
        flunk("a process that is gone, a row: %d %s", r.status, r.out);
}

/* ==== -c: single bodies ================================================================================= */

enum { EXACT, ALIKE };          /* byte for byte; or the same values, where the spelling is the tool's to choose */

struct body_case {
    const char *name, *args;    /* NULL: the two rows below */
    const char *body;
    int status, how;
    const char *out;            /* NULL: the body itself; on a refusal, what the message names */
};

#define HC(x) "{`HostConfig`:{" x "}}"
#define B(x) HC("`Binds`:[" x "]")
#define M(x) HC("`Mounts`:[" x "]")
#define BIND(more) "{`Type`:`bind`,`Source`:`/w/f`,`Target`:`/t`" more "}"
#define BOUND(more) "{`Type`:`bind`,`Source`:`@/h/hb/f`,`Target`:`/t`" more "}"
#define ROBIND(more) "{`Type`:`bind`,`Source`:`/ro`,`Target`:`/t`" more "}"
#define ROBOUND(more) "{`Type`:`bind`,`Source`:`@/h/devb`,`Target`:`/t`" more "}"
#define PART(source, target, more) "{`Type`:`bind`,`Source`:`" source "`,`Target`:`" target "`" more "}"
#define VOLUME(driver) "{`Type`:`volume`,`Source`:`cache`,`Target`:`/t`,`VolumeOptions`:{`DriverConfig`:{" driver "}}}"
#define ROVOLUME(driver) "{`Type`:`volume`,`Source`:`cache`,`Target`:`/t`,`ReadOnly`:true," \
    "`VolumeOptions`:{`DriverConfig`:{" driver "}}}"
#define OPTS(device, o) "`Name`:`local`,`Options`:{`type`:`none`,`device`:`" device "`,`o`:`" o "`}"
#define NAMED(name, device) name "`Options`:{`type`:`none`,`device`:`" device "`,`o`:`bind`}"

static const struct body_case body_cases[] = {
    /* the document */
    { "an empty object", NULL, "{}", 0, EXACT, NULL },
    { "blanks around and inside", NULL, " \t\r\n{ \n}\r\n \t", 0, EXACT, NULL },
    { "nothing that matters", NULL, "{`Image`:`x`,\n\t`Cmd` : [ `a`,\r\n`b` ] ,`Env`:null}\n", 0, EXACT, NULL },
    { "empty input", NULL, "", 1, EXACT, "" },
    { "blanks alone", NULL, " \n", 1, EXACT, "" },
    { "null", NULL, "null", 1, EXACT, "" },
    { "an array", NULL, "[" B("`/w/f:/t`") "]", 1, EXACT, "" },
    { "a string", NULL, "`{}`", 1, EXACT, "" },
    { "a number", NULL, "1", 1, EXACT, "" },
    { "a byte order mark", NULL, "\xef\xbb\xbf{}", 1, EXACT, "" },
    { "a NUL at the end", NULL, "{}%00", 1, EXACT, "" },
    { "a NUL before", NULL, "%00{}", 1, EXACT, "" },
    { "garbage at the end", NULL, B("`/w/f:/t`") "x", 1, EXACT, "" },
    { "a second body", NULL, B("`/w/f:/t`") B("`/w/f:/t`"), 1, EXACT, "" },
    { "a second body on the next line", NULL, B("`/w/f:/t`") "\n{}", 1, EXACT, "" },
    { "a comma at the end", NULL, "{},", 1, EXACT, "" },
    { "a bracket at the end", NULL, "{}}", 1, EXACT, "" },

    /* HostConfig and its keys */
    { "HostConfig null", NULL, "{`HostConfig`:null}", 0, EXACT, NULL },
    { "HostConfig empty", NULL, "{`HostConfig`:{}}", 0, EXACT, NULL },
    { "HostConfig an array", NULL, "{`HostConfig`:[]}", 1, EXACT, "" },
    { "HostConfig a string", NULL, "{`HostConfig`:`x`}", 1, EXACT, "" },
    { "HostConfig a number", NULL, "{`HostConfig`:0}", 1, EXACT, "" },
    { "HostConfig false", NULL, "{`HostConfig`:false}", 1, EXACT, "" },
    { "Binds null", NULL, HC("`Binds`:null"), 0, EXACT, NULL },
    { "Binds empty", NULL, HC("`Binds`:[ ]"), 0, EXACT, NULL },
    { "Binds a string", NULL, HC("`Binds`:`/w/f:/t`"), 1, EXACT, "" },
    { "Binds an object", NULL, HC("`Binds`:{`/w/f`:`/t`}"), 1, EXACT, "" },
    { "Binds a number", NULL, HC("`Binds`:1"), 1, EXACT, "" },
    { "Binds true", NULL, HC("`Binds`:true"), 1, EXACT, "" },
    { "an element that is a number", NULL, B("`/w/f:/t`,1"), 1, EXACT, "" },
    { "an element that is an object", NULL, B("{`Source`:`/w/f`}"), 1, EXACT, "" },
    { "an element that is an array", NULL, B("[`/w/f:/t`]"), 1, EXACT, "" },
    { "an element that is null", NULL, B("null"), 1, EXACT, "" },
    { "Mounts null", NULL, HC("`Mounts`:null"), 0, EXACT, NULL },
    { "Mounts empty", NULL, HC("`Mounts`:[]"), 0, EXACT, NULL },
    { "Mounts an object", NULL, HC("`Mounts`:" BIND("")), 1, EXACT, "" },
    { "Mounts a string", NULL, HC("`Mounts`:`/w/f:/t`"), 1, EXACT, "" },
    { "a mount that is a string", NULL, M("`/w/f:/t`"), 1, EXACT, "" },
    { "a mount that is an array", NULL, M("[]"), 1, EXACT, "" },
    { "keys in lower case", NULL, "{`hostconfig`:{`binds`:[`/w/f:/t`]}}", 0, EXACT,
      "{`hostconfig`:{`binds`:[`@/h/hb/f:/t`]}}" },
    { "keys in capitals", NULL, "{`HOSTCONFIG`:{`MOUNTS`:[{`TYPE`:`bind`,`SOURCE`:`/w/f`,`TARGET`:`/t`}]}}", 0, EXACT,
      "{`HOSTCONFIG`:{`MOUNTS`:[{`TYPE`:`bind`,`SOURCE`:`@/h/hb/f`,`TARGET`:`/t`}]}}" },
    { "keys with escapes", NULL, "{`Host\\u0043onfig`:{`\\u0042inds`:[`/w/f:/t`]}}", 0, EXACT,
      "{`Host\\u0043onfig`:{`\\u0042inds`:[`@/h/hb/f:/t`]}}" },
    { "keys with a long s", NULL, "{`Ho\xc5\xbftConfig`:{`BIND\xc5\xbf`:[`/w/f:/t`]}}", 0, EXACT,
      "{`Ho\xc5\xbftConfig`:{`BIND\xc5\xbf`:[`@/h/hb/f:/t`]}}" },
    { "keys with an escaped long s", NULL, "{`ho\\u017ftconfig`:{`Mount\\u017F`:[{`Type`:`bind`,`\\u017fource`:`/w/f`,"
      "`Target`:`/t`}]}}",
      0, EXACT, "{`ho\\u017ftconfig`:{`Mount\\u017F`:[{`Type`:`bind`,`\\u017fource`:`@/h/hb/f`,`Target`:`/t`}]}}" },
    { "keys that only look alike", NULL, "{`HostConfig `:{`Binds`:[`/w/f:/t`]},`Host-Config`:{`Binds`:[`/w/f:/t`]},"
      "`HostConf\xc4\xb1g`:{`Binds`:[`/w/f:/t`]},`HostConfig\\u0000`:{`Binds`:[`/w/f:/t`]}}", 0, EXACT, NULL },
    { "a key with a lone surrogate", NULL, HC("`Bind\\ud800`:[`/w/f:/t`],`Binds\\udc80`:[`/w/f:/t`]"), 0, EXACT, NULL },
    { "deeper ones do not matter", NULL, "{`x`:" B("`/w/f:/t`") ",`HostConfig`:{`HostConfig`:{`Binds`:[`/w/f:/t`]},`x`:"
      "{`Binds`:[`/w/f:/t`],`Mounts`:[" BIND("") "]}},`NetworkingConfig`:{`Binds`:[`/w/f:/t`]}}", 0, EXACT, NULL },
    { "after its binds", NULL, HC("`Binds`:[`/w/f:/t`],`Zed`:1e400") "\n", 0, EXACT,
      HC("`Binds`:[`@/h/hb/f:/t`],`Zed`:1e400") "\n" },

    /* what the daemon takes at the top level */
    { "Binds at the top level", NULL, "{`Binds`:[`/w/f:/t`]}", 1, EXACT, "" },
    { "Mounts at the top level", NULL, "{`Mounts`:[" BIND("") "]}", 1, EXACT, "" },
    { "binds at the top level", NULL, "{`bind\\u017f`:[`/w/f:/t`]}", 1, EXACT, "" },
    { "Binds at the top level, HostConfig null", NULL, "{`HostConfig`:null,`Binds`:[`/w/f:/t`]}", 1, EXACT, "" },
    { "Binds at the top level and below", NULL, "{`HostConfig`:{},`Binds`:[`/w/f:/t`]}", 1, EXACT, "" },
    { "Binds at the top level, a string", NULL, "{`Binds`:`/w/f:/t`}", 1, EXACT, "" },
    { "Binds at the top level, null", NULL, "{`Binds`:null,`Mounts`:null}", 0, EXACT, NULL },
    { "Binds at the top level, empty", NULL, "{`Mounts`:[],`Binds`:[ ],`HostConfig`:{}}", 0, EXACT, NULL },

    /* a key that matters, twice */
    { "HostConfig twice", NULL, "{`HostConfig`:{`Binds`:[`/w/f:/t`]},`HostConfig`:{`Binds`:[`/w/f:/u`]}}", 1, EXACT,
      "twice" },
    { "HostConfig twice, in two cases", NULL, "{`hostconfig`:{},`HostConfig`:{`Binds`:[`/w/f:/u`]}}", 1, EXACT, "" },
    { "HostConfig twice, one null", NULL, "{`HostConfig`:{`Binds`:[`/w/f:/u`]},`HostConfig`:null}", 1, EXACT, "" },
    { "HostConfig twice, one with a long s", NULL, "{`HostConfig`:{},`Ho\xc5\xbftConfig`:{}}", 1, EXACT, "" },
    { "HostConfig twice, one escaped", NULL, "{`HostConfig`:{},`\\u0048ostConfig`:{}}", 1, EXACT, "" },
    { "Binds twice", NULL, HC("`Binds`:[`/w/f:/t`],`Binds`:[]"), 1, EXACT, "twice" },
    { "Binds twice, in two cases", NULL, HC("`binds`:null,`Binds`:[`/w/f:/t`]"), 1, EXACT, "" },
    { "Mounts twice", NULL, HC("`Mounts`:[" BIND("") "],`mounts`:[{`Source`:`/w/d`}]"), 1, EXACT, "" },
    { "Type twice", NULL, M("{`Type`:`tmpfs`,`type`:`bind`,`Source`:`/w/f`,`Target`:`/t`}"), 1, EXACT, "" },
    { "Source twice", NULL, M(BIND(",`source`:`/w/d`")), 1, EXACT, "" },
    { "Source twice, one null", NULL, M(BIND(",`source`:null")), 1, EXACT, "" },
    { "Target twice", NULL, M(BIND(",`TARGET`:`/u`")), 1, EXACT, "" },
    { "ReadOnly twice", NULL, M(BIND(",`ReadOnly`:true,`readonly`:false")), 1, EXACT, "" },
    { "BindOptions twice", NULL, M(BIND(",`BindOptions`:{},`bindoptions`:{`CreateMountpoint`:true}")), 1, EXACT, "" },
    { "CreateMountpoint twice", NULL, M(BIND(",`BindOptions`:{`CreateMountpoint`:true,`createmountpoint`:false}")), 1,
      EXACT, "" },
    { "NonRecursive twice", NULL, M(BIND(",`BindOptions`:{`NonRecursive`:true,`nonrecursive`:false}")), 1, EXACT, "" },
    { "VolumeOptions twice", NULL, M("{`Type`:`volume`,`Target`:`/t`,`VolumeOptions`:{`DriverConfig`:{" OPTS("/w",
      "bind")
      "}},`volumeoptions`:{}}"), 1, EXACT, "" },
    { "DriverConfig twice", NULL, M("{`Type`:`volume`,`Target`:`/t`,`VolumeOptions`:{`DriverConfig`:{" OPTS("/w",
      "bind")
      "},`driverconfig`:{}}}"), 1, EXACT, "" },
    { "Options twice", NULL, M(VOLUME(OPTS("/w", "bind") ",`options`:{`x`:`y`}")), 1, EXACT, "" },
    { "Name twice", NULL, M(VOLUME(OPTS("/w", "bind") ",`name`:`nfs`")), 1, EXACT, "" },
    { "device twice", NULL, M(VOLUME("`Options`:{`type`:`none`,`device`:`/w`,`o`:`bind`,`device`:`/w/d`}")), 1, EXACT,
      "" },
    { "o twice", NULL, M(VOLUME("`Options`:{`type`:`none`,`device`:`/w`,`o`:`bind`,`o`:`addr=1`}")), 1, EXACT, "" },
    { "keys that do not matter, twice", NULL, "{`Image`:`a`,`Image`:`b`,`Env`:[],`env`:[],"
      "`HostConfig`:{`Privileged`:true,"
      "`Privileged`:false,`Binds`:[`/w/f:/t`],`Mounts`:[{`Type`:`bind`,`X`:1,`Source`:`/w/d`,`x`:2,`Target`:`/u`,"
      "`x`:2}]}}", 0, EXACT,
      "{`Image`:`a`,`Image`:`b`,`Env`:[],`env`:[],`HostConfig`:{`Privileged`:true,`Privileged`:false,"
      "`Binds`:[`@/h/hb/f:/t`],"
      "`Mounts`:[{`Type`:`bind`,`X`:1,`Source`:`@/h/hb/d`,`x`:2,`Target`:`/u`,`x`:2}]}}" },

    /* Binds */
    { "a bind", NULL, B("`/w/f:/t`"), 0, EXACT, B("`@/h/hb/f:/t`") },
    { "the row itself", NULL, B("`/w:/t`"), 0, EXACT, B("`@/h/hb:/t`") },
    { "a source that is not clean", NULL, B("`/w//./d/../f/:/t`"), 0, EXACT, B("`@/h/hb/f:/t`") },
    { "a target that is not clean", NULL, B("`/w/f:/t//./u/`"), 0, EXACT, B("`@/h/hb/f:/t//./u/`") },
    { "several", NULL, B("`/w/f:/t` , `vol:/v`,\n`/w/d:/d:ro`,`/a`"), 0, EXACT,
      B("`@/h/hb/f:/t` , `vol:/v`,\n`@/h/hb/d:/d:ro`,`/a`") },
    { "escapes in the source go", NULL, B("`\\u002fw\\/\\u0066:/t`"), 0, EXACT, B("`@/h/hb/f:/t`") },
    { "escapes in the rest stay", NULL, B("`/w/f:\\/t\\u00e9:\\u0072o`"), 0, EXACT,
      B("`@/h/hb/f:\\/t\\u00e9:\\u0072o`") },
    { "an escaped colon", NULL, B("`/w/f\\u003a/t\\u003aro`"), 0, EXACT, B("`@/h/hb/f\\u003a/t\\u003aro`") },
    { "UTF-8 in the rest stays", NULL, B("`/w/f:/t\xc3\xa9\xf0\x9f\x98\x80`"), 0, EXACT,
      B("`@/h/hb/f:/t\xc3\xa9\xf0\x9f\x98\x80`") },
    { "modes stay", NULL, B("`/w/f:/1:ro`,`/w/f:/2:rw`,`/w/f:/3:z`,`/w/f:/4:Z`,`/w/f:/5:rslave`,`/w/f:/6:ro,Z,"
      "rprivate`,`/w/f:/7:rw,shared`,"
      "`/w/f:/8:delegated`"), 0, EXACT, B("`@/h/hb/f:/1:ro`,`@/h/hb/f:/2:rw`,`@/h/hb/f:/3:z`,`@/h/hb/f:/4:Z`,"
      "`@/h/hb/f:/5:rslave`,"
      "`@/h/hb/f:/6:ro,Z,rprivate`,`@/h/hb/f:/7:rw,shared`,`@/h/hb/f:/8:delegated`") },
    { "ro added", NULL, B("`/ro:/t`"), 0, EXACT, B("`@/h/devb:/t:ro`") },
    { "ro is there", NULL, B("`/ro:/t:ro`"), 0, EXACT, B("`@/h/devb:/t:ro`") },
    { "ro for rw", NULL, B("`/ro:/t:rw`"), 0, EXACT, B("`@/h/devb:/t:ro`") },
    { "ro for rw among others", NULL, B("`/ro:/t:rw,z`,`/ro:/u:z,rw`,`/ro:/v:z,rw,rslave`"), 0, EXACT,
      B("`@/h/devb:/t:ro,z`,`@/h/devb:/u:z,ro`,`@/h/devb:/v:z,ro,rslave`") },
    { "ro among others", NULL, B("`/ro:/t:z`,`/ro:/u:rslave,Z`"), 0, ALIKE,
      B("`@/h/devb:/t:z,ro`,`@/h/devb:/u:rslave,Z,ro`") },
    { "ro for an escaped rw", NULL, B("`/ro:/t:\\u0072w`"), 0, ALIKE, B("`@/h/devb:/t:ro`") },
    { "ro for rw in escapes around", NULL, B("`/ro:\\/t\\u003a\\u007a,r\\u0077`"), 0, ALIKE, B("`@/h/devb:/t:z,ro`") },
    { "-R", "-R " ROWS, B("`/w:/t`,`/w/f:/u:rw`,`/w/d:/v:ro`,`vol:/x`"), 0, EXACT,
      B("`@/h/hb:/t:ro`,`@/h/hb/f:/u:ro`,`@/h/hb/d:/v:ro`,`vol:/x`") },
    { "-H changes nothing", "-H " ROWS, B("`/w/f:/t`"), 0, EXACT, B("`@/h/hb/f:/t`") },
    { "volumes pass", NULL, B("`vol:/t`,`v.o_l-1:/u:ro`,`v2:/x:nocopy`,`v3:/y:z,nocopy`,`/anonymous`"), 0, EXACT,
      NULL },
    { "nothing at all", NULL, B("``"), 1, EXACT, "" },
    { "a colon", NULL, B("`:`"), 1, EXACT, "" },
    { "no source", NULL, B("`:/t`"), 1, EXACT, "" },
    { "no target", NULL, B("`/w/f:`"), 1, EXACT, "" },
    { "a relative target", NULL, B("`/w/f:t`"), 1, EXACT, "" },
    { "the root as target", NULL, B("`/w/f:/`"), 1, EXACT, "" },
    { "the root as target, in other words", NULL, B("`/w/f:/t/..`"), 1, EXACT, "" },
    { "a relative source", NULL, B("`./w:/t`"), 1, EXACT, "./w" },
    { "a relative source without a dot", NULL, B("`w/f:/t`"), 1, EXACT, "w/f" },
    { "four fields", NULL, B("`/w/f:/t:ro:z`"), 1, EXACT, "" },
    { "an unknown mode", NULL, B("`/w/f:/t:bogus`"), 1, EXACT, "bogus" },
    { "a mode in capitals", NULL, B("`/w/f:/t:RO`"), 1, EXACT, "RO" },
    { "a mode twice", NULL, B("`/w/f:/t:ro,ro`"), 1, EXACT, "" },
    { "two modes of a kind", NULL, B("`/w/f:/t:ro,rw`"), 1, EXACT, "" },
    { "two labels", NULL, B("`/w/f:/t:z,Z`"), 1, EXACT, "" },
    { "two propagations", NULL, B("`/w/f:/t:shared,slave`"), 1, EXACT, "" },
    { "an overlay of podman's", NULL, B("`/w/d:/t:O,upperdir=/etc,workdir=/tmp`"), 1, EXACT, "" },
    { "a blank before", NULL, B("` /w/f:/t`"), 1, EXACT, "" },
    { "missing", NULL, B("`/w/none:/t`"), 1, EXACT, "/w/none" },
    { "no rule", NULL, B("`/etc:/t`"), 1, EXACT, "/etc" },
    { "two refused, both named", NULL, B("`/w/none:/t`,`/w/f:/u`,`/etc:/v`"), 1, EXACT, "/etc" },
    { "one of two refused", NULL, B("`/w/f:/t`,`/etc:/u`"), 1, EXACT, "/etc" },
    { "a refused mount after binds", NULL, HC("`Binds`:[`/w/f:/t`],`Mounts`:[{`Type`:`bind`,`Source`:`/etc`,"
      "`Target`:`/u`}]"), 1,
      EXACT, "/etc" },

    /* what a target is, twice */
    { "a target twice", NULL, B("`/w/f:/t`,`/w/d:/t`"), 1, EXACT, "/t" },
    { "a target twice, not clean", NULL, B("`/w/f:/t`,`/w/d:/u/../t/`"), 1, EXACT, "" },
    { "a target twice, escaped", NULL, B("`/w/f:/t`,`/w/d:\\u002ft`"), 1, EXACT, "" },
    { "a target of a volume's", NULL, B("`vol:/t`,`/w/d:/t`"), 1, EXACT, "" },
    { "a target twice, binds and mounts", NULL, HC("`Mounts`:[" BIND("") "],`Binds`:[`/w/d:/t`]"), 1, EXACT, "" },
    { "a target twice, mounts", NULL, M(BIND("") ",{`Type`:`tmpfs`,`Target`:`/t/`}"), 1, EXACT, "" },
    { "a target below another", NULL, B("`/w:/t`,`/w/d:/t/u`"), 0, EXACT, B("`@/h/hb:/t`,`@/h/hb/d:/t/u`") },

    /* Mounts */
    { "a mount", NULL, M(BIND("")), 0, EXACT, M(BOUND("")) },
    { "a mount, other keys around", NULL, M("{ `Target` :\t`/t`,`Consistency`:`cached`, `Source`: `/w\\/f` ,"
      "`x`:[1e400],`Type`:`bind` ,"
      "`BindOptions`:{`Propagation`:`rslave`,`z`:-0}}"), 0, EXACT, M("{ `Target` :\t`/t`,`Consistency`:`cached`,"
      " `Source`: `@/h/hb/f` ,"
      "`x`:[1e400],`Type`:`bind` ,`BindOptions`:{`Propagation`:`rslave`,`z`:-0}}") },
    { "ReadOnly false", NULL, M(BIND(",`ReadOnly`:false")), 0, EXACT, M(BOUND(",`ReadOnly`:false")) },
    { "ReadOnly true", NULL, M(BIND(",`ReadOnly`:true")), 0, EXACT, M(BOUND(",`ReadOnly`:true")) },
    { "read-only, ReadOnly true", NULL, M(ROBIND(",`ReadOnly`:true")), 0, EXACT, M(ROBOUND(",`ReadOnly`:true")) },
    { "read-only, ReadOnly false", NULL, M(ROBIND(",`ReadOnly`: false ")), 0, EXACT, M(ROBOUND(",`ReadOnly`: true ")) },
    { "read-only, ReadOnly null", NULL, M(ROBIND(",`ReadOnly`:null")), 0, EXACT, M(ROBOUND(",`ReadOnly`:true")) },
    { "read-only, readonly false", NULL, M(ROBIND(",`re\\u0061donly`:false")), 0, EXACT,
      M(ROBOUND(",`re\\u0061donly`:true")) },
    { "read-only, ReadOnly absent", NULL, M(ROBIND("")), 0, ALIKE, M(ROBOUND(",`ReadOnly`:true")) },
    { "read-only, ReadOnly absent, the source last", NULL, M("{`Type`:`bind`,`Target`:`/t`,`Source`:`/ro`}"), 0, ALIKE,
      M("{`Type`:`bind`,`Target`:`/t`,`Source`:`@/h/devb`,`ReadOnly`:true}") },
    { "read-only, ReadOnly a string", NULL, M(ROBIND(",`ReadOnly`:`true`")), 1, EXACT, "ReadOnly" },
    { "read-only, ReadOnly a number", NULL, M(ROBIND(",`ReadOnly`:1")), 1, EXACT, "ReadOnly" },
    { "-R, ReadOnly a string", "-R " ROWS, M(BIND(",`ReadOnly`:`false`")), 1, EXACT, "ReadOnly" },
    { "ReadOnly an object", NULL, M(BIND(",`ReadOnly`:{}")), 1, EXACT, "ReadOnly" },
    { "ReadOnly an array, of a volume", NULL, M("{`Type`:`volume`,`Source`:`vol`,`Target`:`/t`,`ReadOnly`:[true]}"), 1,
      EXACT, "ReadOnly" },
    { "ReadOnly false, of a tmpfs", NULL, M("{`Type`:`tmpfs`,`Target`:`/t`,`ReadOnly`:false}"), 0, EXACT, NULL },
    { "NonRecursive a string", NULL, M(BIND(",`BindOptions`:{`NonRecursive`:`true`}")), 1, EXACT, "true or false" },
    { "CreateMountpoint a number", NULL, M(BIND(",`BindOptions`:{`CreateMountpoint`:1}")), 1, EXACT, "true or false" },
    { "ReadOnlyNonRecursive a string", NULL, M(BIND(",`BindOptions`:{`ReadOnlyNonRecursive`:``}")), 1, EXACT,
      "true or false" },
    { "ReadOnlyForceRecursive an object", NULL, M(BIND(",`BindOptions`:{`ReadOnlyForceRecursive`:{}}")), 1, EXACT,
      "true or false" },
    { "all that BindOptions can have", NULL, M(BIND(",`ReadOnly`:true,`BindOptions`:{`Propagation`:`rprivate`,"
      "`NonRecursive`:false,`CreateMountpoint`:false,`ReadOnlyNonRecursive`:false,`ReadOnlyForceRecursive`:true}")), 0,
      EXACT, M(BOUND(",`ReadOnly`:true,`BindOptions`:{`Propagation`:`rprivate`,"
      "`NonRecursive`:false,`CreateMountpoint`:false,`ReadOnlyNonRecursive`:false,`ReadOnlyForceRecursive`:true}")) },
    { "an empty Propagation", NULL, M(BIND(",`BindOptions`:{`Propagation`:``}")), 0, EXACT,
      M(BOUND(",`BindOptions`:{`Propagation`:``}")) },
    { "a Propagation that is none", NULL, M(BIND(",`BindOptions`:{`Propagation`:`ro`}")), 1, EXACT, "Propagation" },
    { "a Propagation in capitals", NULL, M(BIND(",`BindOptions`:{`Propagation`:`RSHARED`}")), 1, EXACT, "Propagation" },
    { "a Propagation that is a number", NULL, M(BIND(",`BindOptions`:{`Propagation`:1}")), 1, EXACT, "Propagation" },
    { "ReadOnly elsewhere", NULL, M(ROBIND(",`BindOptions`:{`ReadOnly`:true}")), 0, ALIKE,
      M(ROBOUND(",`BindOptions`:{`ReadOnly`:true},`ReadOnly`:true")) },
    { "-R, mounts", "-R " ROWS, M(BIND(",`ReadOnly`:false")), 0, EXACT, M(BOUND(",`ReadOnly`:true")) },
    { "-R, mounts, absent", "-R " ROWS, M(BIND("")), 0, ALIKE, M(BOUND(",`ReadOnly`:true")) },
    { "Target missing", NULL, M("{`Type`:`bind`,`Source`:`/w/f`}"), 1, EXACT, "" },
    { "Target empty", NULL, M("{`Type`:`bind`,`Source`:`/w/f`,`Target`:``}"), 1, EXACT, "" },
    { "Target null", NULL, M("{`Type`:`bind`,`Source`:`/w/f`,`Target`:null}"), 1, EXACT, "" },
    { "Target relative", NULL, M("{`Type`:`bind`,`Source`:`/w/f`,`Target`:`t`}"), 1, EXACT, "" },
    { "Target the root", NULL, M("{`Type`:`bind`,`Source`:`/w/f`,`Target`:`/`}"), 1, EXACT, "" },
    { "Target a number", NULL, M("{`Type`:`bind`,`Source`:`/w/f`,`Target`:1}"), 1, EXACT, "" },
    { "Source missing", NULL, M("{`Type`:`bind`,`Target`:`/t`}"), 1, EXACT, "" },
    { "Source empty", NULL, M("{`Type`:`bind`,`Source`:``,`Target`:`/t`}"), 1, EXACT, "" },
    { "Source null", NULL, M("{`Type`:`bind`,`Source`:null,`Target`:`/t`}"), 1, EXACT, "" },
    { "Source a number", NULL, M("{`Type`:`bind`,`Source`:1,`Target`:`/t`}"), 1, EXACT, "" },
    { "Source relative", NULL, M("{`Type`:`bind`,`Source`:`w/f`,`Target`:`/t`}"), 1, EXACT, "" },
    { "Source with a dot, relative", NULL, M("{`Type`:`bind`,`Source`:`./w`,`Target`:`/t`}"), 1, EXACT, "" },
    { "Source missing on the host", NULL, M("{`Type`:`bind`,`Source`:`/w/none`,`Target`:`/t`}"), 1, EXACT, "/w/none" },
    { "Source a number, of a volume", NULL, M("{`Type`:`volume`,`Source`:1,`Target`:`/t`}"), 1, EXACT, "Source" },
    { "Target an array, of a tmpfs", NULL, M("{`Type`:`tmpfs`,`Target`:[`/t`]}"), 1, EXACT, "Target" },
    { "Type a number", NULL, M("{`Type`:1,`Source`:`/w/f`,`Target`:`/t`}"), 1, EXACT, "type" },
    { "BindOptions a string", NULL, M(BIND(",`BindOptions`:`x`")), 1, EXACT, "object" },
    { "BindOptions an array", NULL, M(BIND(",`BindOptions`:[]")), 1, EXACT, "object" },
    { "VolumeOptions a string", NULL, M("{`Type`:`volume`,`Target`:`/t`,`VolumeOptions`:`x`}"), 1, EXACT, "object" },
    { "DriverConfig an array", NULL, M("{`Type`:`volume`,`Target`:`/t`,`VolumeOptions`:{`DriverConfig`:[1]}}"), 1,
      EXACT, "object" },
    /* types: those that are known */
    { "podman's glob", NULL, M("{`Type`:`glob`,`Source`:`etc`,`Target`:`/x`}"), 1, EXACT, "the type must be" },
    { "podman's glob, a path of the runner's", NULL, M("{`Type`:`glob`,`Source`:`/w/f`,`Target`:`/x`}"), 1, EXACT,
      "the type must be" },
    { "podman's devpts", NULL, M("{`Type`:`devpts`,`Target`:`/x`}"), 1, EXACT, "the type must be" },
    { "podman's ramfs", NULL, M("{`Type`:`ramfs`,`Target`:`/x`}"), 1, EXACT, "the type must be" },
    { "podman's artifact", NULL, M("{`Type`:`artifact`,`Source`:`a`,`Target`:`/x`}"), 1, EXACT, "the type must be" },
    { "an empty type", NULL, M("{`Type`:``,`Source`:`etc`,`Target`:`/x`}"), 1, EXACT, "the type must be" },
    { "no type", NULL, M("{`Source`:`vol`,`Target`:`/x`}"), 1, EXACT, "the type must be" },
    { "a null type", NULL, M("{`Type`:null,`Source`:`vol`,`Target`:`/x`}"), 1, EXACT, "the type must be" },
    { "an empty mount", NULL, M("{}"), 1, EXACT, "the type must be" },
    { "a type and more", NULL, M("{`Type`:`volume `,`Source`:`vol`,`Target`:`/x`}"), 1, EXACT, "the type must be" },
    { "a type cut by a NUL", NULL, M("{`Type`:`tmpfs\\u0000`,`Target`:`/x`}"), 1, EXACT, "the type must be" },
    { "an unknown type after a known one", NULL, M(BIND("") ",{`Type`:`overlay`,`Target`:`/x`}"), 1, EXACT,
      "the type must be" },
    { "an image", NULL, M("{`Type`:`image`,`Source`:`docker.io/library/busybox:latest`,`Target`:`/x`,"
      "`ImageOptions`:{`Subpath`:`bin`}}"), 0, EXACT, NULL },
    { "BindOptions null", NULL, M(BIND(",`BindOptions`:null")), 0, EXACT, M(BOUND(",`BindOptions`:null")) },
    { "other types pass", NULL, M("{`Type`:`volume`,`Source`:`vol`,`Target`:`/t`},{`Type`:`tmpfs`,`Target`:`/u`,"
      "`TmpfsOptions`:"
      "{`SizeBytes`:1e3}},{`Type`:`npipe`,`Source`:`\\\\\\\\.\\\\pipe`,`Target`:`/x`},{`Type`:`cluster`,`Source`:`c`,"
      "`Target`:`/y`}"), 0,
      EXACT, NULL },
    { "an anonymous volume", NULL, M("{`Type`:`volume`,`Target`:`/t`}"), 0, EXACT, NULL },

    { "a path as the source of another type", NULL, M("{`Type`:`volume`,`Source`:`/w/d`,`Target`:`/t`}"), 1, EXACT,
      "" },
    { "a path as the source of an image", NULL, M("{`Type`:`image`,`Source`:`/w/d`,`Target`:`/t`}"), 1, EXACT, "" },
    { "a path and no type", NULL, M("{`Source`:`/w/f`,`Target`:`/t`}"), 1, EXACT, "" },
    /* dockerd and podman compare it as it is: keys alone are folded */
    { "a type in capitals", NULL, M("{`Type`:`BIND`,`Source`:`/w/f`,`Target`:`/t`}"), 1, EXACT, "the type must be" },
    { "a type with a capital", NULL, M("{`Type`:`Volume`,`Target`:`/t`}"), 1, EXACT, "the type must be" },
    { "a type with a long s", NULL, M("{`Type`:`tmpf\xc5\xbf`,`Target`:`/t`}"), 1, EXACT, "the type must be" },
    { "a type with an escaped long s", NULL, M("{`Type`:`tmpf\\u017f`,`Target`:`/t`}"), 1, EXACT, "the type must be" },
    /* podman writes Type, Source, Target into one string, and takes a bind from a key of Volumes */
    { "a comma in a target", NULL, M(PART("/w/f", "/t,source=/etc", "")), 1, EXACT, "comma" },
    { "a comma in a propagation", NULL, M(BIND(",`BindOptions`:{`Propagation`:`rprivate,source=/etc`}")), 1, EXACT,
      "comma" },
    { "a colon in a key of Volumes", NULL, "{`Volumes`:{`/etc:/t`:{}}}", 1, EXACT, "colon" },
    { "a colon in a key of Volumes, and a mode", NULL, "{`Volumes`:{`/etc:/t:ro`:{}}}", 1, EXACT, "colon" },
    { "a volume of one letter in a key of Volumes", NULL, "{`Volumes`:{`b:/t`:{},`name:/u`:{}}}", 0, EXACT, NULL },
    { "a relative bind in a key of Volumes", NULL, "{`Volumes`:{`../etc:/t`:{}}}", 1, EXACT, "colon" },
    { "a colon in a key of Volumes, the slash escaped", NULL, "{`Volumes`:{`/etc:\\/t`:{}}}", 1, EXACT, "colon" },
    { "a colon and a NUL in a key of Volumes", NULL, "{`Volumes`:{`/etc:\\u0000/t`:{}}}", 1, EXACT, "cannot be a path" },
    { "what docker-py writes for /w/f:/b:z", NULL, "{`Volumes`:{`/b:z`:{}},`HostConfig`:{`Binds`:[`/w/f:/b:z`]}}", 0,
      EXACT, "{`Volumes`:{`/b:z`:{}},`HostConfig`:{`Binds`:[`@/h/hb/f:/b:z`]}}" },
    { "a colon and no path after it, in Volumes", NULL, "{`Volumes`:{`/b:ro,z`:{},`/c:`:{},`v:t`:{}}}", 0, EXACT,
      NULL },
    { "a colon in a key of volumes, escaped", NULL, "{`volume\\u017f`:{`/etc\\u003a/t`:{}}}", 1, EXACT, "" },
    { "Volumes", NULL, "{`Volumes`:{`/a`:{},`/b` : { } },`HostConfig`:{`Binds`:[`/w/f:/t`]}}", 0, EXACT,
      "{`Volumes`:{`/a`:{},`/b` : { } },`HostConfig`:{`Binds`:[`@/h/hb/f:/t`]}}" },
    { "Volumes null", NULL, "{`Volumes`:null}", 0, EXACT, NULL },
    { "Volumes an array of numbers", NULL, "{`Volumes`:[0]}", 1, EXACT, "must be a JSON object" },
    { "Volumes an array of null", NULL, "{`Volumes`:[null]}", 1, EXACT, "must be a JSON object" },
    { "Volumes an array of strings", NULL, "{`Volumes`:[`/a`]}", 1, EXACT, "must be a JSON object" },
    { "Volumes an array of objects", NULL, "{`volume\\u017f`:[{`/a`:{}},[]]}", 1, EXACT, "must be a JSON object" },
    { "Volumes an empty array", NULL, "{`Volumes`:[]}", 1, EXACT, "must be a JSON object" },
    { "Volumes a string", NULL, "{`Volumes`:`/a`}", 1, EXACT, "must be a JSON object" },
    { "Volumes a number", NULL, "{`Volumes`:0}", 1, EXACT, "must be a JSON object" },
    { "Tmpfs null", NULL, HC("`Tmpfs`:null"), 0, EXACT, NULL },
    { "Tmpfs an array of numbers", NULL, HC("`Tmpfs`:[0]"), 1, EXACT, "must be a JSON object" },
    { "Tmpfs an array of an array", NULL, HC("`Tmpfs`:[[]]"), 1, EXACT, "must be a JSON object" },
    { "Tmpfs true", NULL, HC("`Tmpfs`:true"), 1, EXACT, "must be a JSON object" },
    { "a NUL in a key of Tmpfs", NULL, HC("`Tmpfs`:{`/t\\u0000`:``}"), 1, EXACT, "cannot be a path" },
    { "Tmpfs", NULL, HC("`Tmpfs`:{`/t/u`:`size=1m,mode=1777`},`Binds`:[`/w:/t`]"), 0, EXACT,
      HC("`Tmpfs`:{`/t/u`:`size=1m,mode=1777`},`Binds`:[`@/h/hb:/t`]") },

    /* volumes that are binds */
    { "a volume with o=bind", NULL, M(VOLUME(OPTS("/w/d", "bind"))), 0, EXACT, M(VOLUME(OPTS("@/h/hb/d", "bind"))) },
    { "o=rbind", NULL, M(VOLUME(OPTS("/w/d", "rbind"))), 0, EXACT, M(VOLUME(OPTS("@/h/hb/d", "rbind"))) },
    { "o=ro,bind", NULL, M(VOLUME(OPTS("/w/d", "ro,bind"))), 0, EXACT, M(VOLUME(OPTS("@/h/hb/d", "ro,bind"))) },
    { "o=bind,rw", NULL, M(VOLUME(OPTS("/w/d", "bind,rw"))), 0, EXACT, M(VOLUME(OPTS("@/h/hb/d", "bind,rw"))) },
    { "o=defaults,rbind,noexec", NULL, M(VOLUME(OPTS("/w/d", "defaults,rbind,noexec"))), 0, EXACT,
      M(VOLUME(OPTS("@/h/hb/d", "defaults,rbind,noexec"))) },
    /* the daemon keeps the volume: what is read-only must be so by the volume's own options */
    { "a read-only device, o=bind", NULL, M(VOLUME(OPTS("/ro", "bind"))), 1, EXACT, "o=bind,ro" },
    { "a read-only device, o=rbind", NULL, M(VOLUME(OPTS("/ro", "rbind"))), 1, EXACT, "o=bind,ro" },
    { "a read-only device, o=bind,rw", NULL, M(VOLUME(OPTS("/ro", "bind,rw"))), 1, EXACT, "o=bind,ro" },
    { "a read-only device, o=ro,bind,rw", NULL, M(VOLUME(OPTS("/ro", "ro,bind,rw"))), 1, EXACT, "o=bind,ro" },
    { "a read-only device, o=rw,bind,ro", NULL, M(ROVOLUME(OPTS("/ro", "rw,bind,ro"))), 0, EXACT,
      M(ROVOLUME(OPTS("@/h/devb", "rw,bind,ro"))) },
    { "a read-only device, o=bind,ro,noexec,", NULL, M(ROVOLUME(OPTS("/ro", "bind,ro,noexec,"))), 0, EXACT,
      M(ROVOLUME(OPTS("@/h/devb", "bind,ro,noexec,"))) },
    { "a read-only device, o=bind,ro and nothing asked for", NULL, M(VOLUME(OPTS("/ro", "bind,ro"))), 0, ALIKE,
      M(ROVOLUME(OPTS("@/h/devb", "bind,ro"))) },
    { "a read-only device, words that are not ro", NULL, M(VOLUME(OPTS("/ro", "bind,rprivate"))), 1, EXACT,
      "o=bind,ro" },
    { "a read-only device, ReadOnly asked for", NULL, M(ROVOLUME(OPTS("/ro", "bind"))), 1, EXACT, "o=bind,ro" },
    { "a read-only device, -R", "-R " ROWS, M(VOLUME(OPTS("/ro", "bind"))), 1, EXACT, "o=bind,ro" },
    { "a read-only device, -H", "-H " ROWS, M(VOLUME(OPTS("/ro", "bind"))), 1, EXACT, "o=bind,ro" },
    { "a read-only device beside a bind", NULL, HC("`Binds`:[`/w/f:/u`,`cache:/v`],`Mounts`:["
      VOLUME(OPTS("/ro", "bind")) "]"), 1, EXACT, "o=bind,ro" },
    { "a writable device, ReadOnly asked for", NULL, M(ROVOLUME(OPTS("/w/d", "bind"))), 0, EXACT,
      M(ROVOLUME(OPTS("@/h/hb/d", "bind"))) },
    { "a writable device, -R", "-R " ROWS, M(VOLUME(OPTS("/w/d", "bind"))), 0, ALIKE,
      M(ROVOLUME(OPTS("@/h/hb/d", "bind"))) },
    { "o in escapes", NULL, M(VOLUME(OPTS("/w\\/d", "b\\u0069nd"))), 0, EXACT, M(VOLUME(OPTS("@/h/hb/d",
      "b\\u0069nd"))) },
    { "the device first, o before", NULL, M(VOLUME("`Options`:{`o`:`bind`,`type`:`none`,`device`:`/w/d`},"
      "`Name`:`local`")), 0, EXACT,
      M(VOLUME("`Options`:{`o`:`bind`,`type`:`none`,`device`:`@/h/hb/d`},`Name`:`local`")) },
    { "no driver", NULL, M(VOLUME(NAMED("", "/w/d"))), 0, EXACT, M(VOLUME(NAMED("", "@/h/hb/d"))) },
    { "an empty driver", NULL, M(VOLUME(NAMED("`Name`:``,", "/w/d"))), 0, EXACT, M(VOLUME(NAMED("`Name`:``,",
      "@/h/hb/d"))) },
    { "another driver", NULL, M(VOLUME(NAMED("`Name`:`nfs`,", "/w/d"))), 1, EXACT, "driver" },
    { "another driver that mounts what it is told", NULL, M(VOLUME("`Name`:`local-persist`,"
      "`Options`:{`mountpoint`:`/etc`}")), 1, EXACT, "driver" },
    { "another driver, the local one's options", NULL, M(VOLUME("`Name`:`LOCAL`,`Options`:{`type`:`tmpfs`}")), 1, EXACT,
      "driver" },
    { "another driver, the name a number", NULL, M(VOLUME("`Name`:1,`Options`:{`type`:`tmpfs`}")), 1, EXACT, "Name" },
    { "another driver without options", NULL, M(VOLUME("`Name`:`nfs`") "," "{`Type`:`volume`,`Source`:`v`,"
      "`Target`:`/u`,`VolumeOptions`:{`DriverConfig`:{`Name`:`x`,`Options`:{}}}},{`Type`:`volume`,`Source`:`v`,"
      "`Target`:`/v`,`VolumeOptions`:{`DriverConfig`:{`Name`:`x`,`Options`:null}}}"), 0, EXACT, NULL },
    /* o is read first: whatever the type says */
    { "o=bind of a tmpfs", NULL, M(VOLUME("`Options`:{`type`:`tmpfs`,`o`:`bind`,`device`:`/w/d`}")), 0, EXACT,
      M(VOLUME("`Options`:{`type`:`tmpfs`,`o`:`bind`,`device`:`@/h/hb/d`}")) },
    { "o=rbind of an overlay", NULL, M(VOLUME("`Options`:{`type`:`overlay`,`o`:`ro,rbind`,`device`:`/w/d`}")), 0, EXACT,
      M(VOLUME("`Options`:{`type`:`overlay`,`o`:`ro,rbind`,`device`:`@/h/hb/d`}")) },
    { "o=bind without a type", NULL, M(VOLUME("`Options`:{`o`:`bind`,`device`:`/w/d`}")), 0, EXACT,
      M(VOLUME("`Options`:{`o`:`bind`,`device`:`@/h/hb/d`}")) },
    { "o=bind of nfs, no path", NULL, M(VOLUME("`Options`:{`type`:`nfs`,`o`:`bind,addr=1.2.3.4`,`device`:`:/d`}")), 1,
      EXACT, "" },
    { "o=bind of nfs, the host's", NULL, M(VOLUME("`Options`:{`type`:`nfs`,`o`:`bind`,`device`:`/etc`}")), 1, EXACT,
      "/etc" },
    { "o=bind with an option of mount(8)", NULL, M(VOLUME(OPTS("/w/d", "bind,X-mount.subdir=l"))), 1, EXACT,
      "o=bind" },
    { "o=bind with a value", NULL, M(VOLUME("`Options`:{`type`:`tmpfs`,`o`:`bind=1`,`device`:`/w/d`}")), 1, EXACT,
      "o=bind" },
    { "o=bind without a device", NULL, M(VOLUME("`Options`:{`o`:`bind`}")), 1, EXACT, "device" },
    { "o=bind, the device null", NULL, M(VOLUME("`Options`:{`o`:`bind`,`device`:null}")), 1, EXACT, "device" },
    /* else tmpfs, nfs and cifs */
    { "an overlay of the daemon's directory", NULL, M(VOLUME("`Options`:{`type`:`overlay`,`device`:`overlay`,"
      "`o`:`lowerdir+=etc,lowerdir+=usr`}")), 1, EXACT, "tmpfs" },
    { "an overlay", NULL, M(VOLUME("`Options`:{`type`:`overlay`,`device`:`overlay`,`o`:`lowerdir=/etc:/usr`}")), 1,
      EXACT, "tmpfs" },
    { "a disk that is a file", NULL, M(VOLUME("`Options`:{`type`:`ext4`,`device`:`/w/f`,`o`:`loop`}")), 1, EXACT, "" },
    { "type none and no bind", NULL, M(VOLUME("`Options`:{`type`:`none`,`device`:`/etc`}")), 1, EXACT, "" },
    { "no type", NULL, M(VOLUME("`Options`:{`device`:`/dev/sda1`}")), 1, EXACT, "" },
    { "a size alone", NULL, M(VOLUME("`Options`:{`size`:`1G`}")), 1, EXACT, "" },
    { "proc", NULL, M(VOLUME("`Options`:{`type`:`proc`,`device`:`proc`}")), 1, EXACT, "" },
    { "nfsd is no nfs", NULL, M(VOLUME("`Options`:{`type`:`nfsd`,`device`:`n:/`}")), 1, EXACT, "" },
    { "two types", NULL, M(VOLUME("`Options`:{`type`:`tmpfs,ext4`,`device`:`tmpfs`}")), 1, EXACT, "" },
    { "a type in capitals", NULL, M(VOLUME("`Options`:{`type`:`TMPFS`,`device`:`tmpfs`}")), 1, EXACT, "" },
    { "a tmpfs", NULL, M(VOLUME("`Options`:{`type`:`tmpfs`,`device`:`tmpfs`,`o`:`size=100m,uid=1000,mode=1777,"
      "noexec`}")),
      0, EXACT, NULL },
    { "a tmpfs with nothing", NULL, M(VOLUME("`Options`:{`type`:`tmpfs`}")), 0, EXACT, NULL },
    { "a tmpfs of a directory", NULL, M(VOLUME("`Options`:{`type`:`tmpfs`,`device`:`/w/d`}")), 1, EXACT, "" },
    { "a tmpfs with an option that is not one's", NULL, M(VOLUME("`Options`:{`type`:`tmpfs`,`device`:`tmpfs`,"
      "`o`:`size=1m,source=/etc`}")), 1, EXACT, "" },
    { "nfs", NULL, M(VOLUME("`Options`:{`type`:`nfs`,`device`:`:/export/w`,`o`:`addr=10.0.0.1,rw,nfsvers=4`}")), 0,
      EXACT, NULL },
    { "nfs4", NULL, M(VOLUME("`Options`:{`type`:`nfs4`,`device`:`server:/export`,`o`:`soft,timeo=30`}")), 0, EXACT,
      NULL },
    { "nfs of a path", NULL, M(VOLUME("`Options`:{`type`:`nfs`,`device`:`/etc:/x`,`o`:`addr=1.2.3.4`}")), 1, EXACT,
      "" },
    { "nfs with an option of mount(8)", NULL, M(VOLUME("`Options`:{`type`:`nfs`,`device`:`s:/e`,"
      "`o`:`x-mount.subdir=l`}")), 1, EXACT, "" },
    { "nfs with more options", NULL, M(VOLUME("`Options`:{`type`:`nfs`,`device`:`:/e`,"
      "`o`:`addr=10.0.0.1,nolock,noatime,hard,rsize=8192,_netdev`}")), 0, EXACT, NULL },
    { "nfs with a file of the host's", NULL, M(VOLUME("`Options`:{`type`:`nfs`,`device`:`s:/e`,`o`:`loop`}")), 1, EXACT,
      "" },
    { "nfs with what is not known", NULL, M(VOLUME("`Options`:{`type`:`nfs`,`device`:`s:/e`,`o`:`soft=1`}")), 1, EXACT,
      "" },
    /* busybox's mount takes a mount of the host's at /home away then */
    { "cifs that moves a mount", NULL, M(VOLUME("`Options`:{`type`:`cifs`,`device`:`//home`,`o`:`move`}")), 1, EXACT,
      "" },
    { "cifs that moves a mount, with more", NULL, M(VOLUME("`Options`:{`type`:`cifs`,`device`:`//home`,"
      "`o`:`username=u,move`}")), 1, EXACT, "" },
    { "cifs with a relative file", NULL, M(VOLUME("`Options`:{`type`:`cifs`,`device`:`//h/s`,"
      "`o`:`credentials=etc/x`}")), 1, EXACT, "" },
    { "cifs", NULL, M(VOLUME("`Options`:{`type`:`cifs`,`device`:`//server/share`,`o`:`username=u,password=p`}")), 0,
      EXACT, NULL },
    { "cifs with a file of the host's", NULL, M(VOLUME("`Options`:{`type`:`cifs`,`device`:`//server/share`,"
      "`o`:`credentials=/etc/shadow`}")), 1, EXACT, "" },
    { "cifs of a path", NULL, M(VOLUME("`Options`:{`type`:`cifs`,`device`:`/etc`}")), 1, EXACT, "" },
    { "a type twice", NULL, M(VOLUME("`Options`:{`type`:`tmpfs`,`type`:`ext4`,`device`:`tmpfs`}")), 1, EXACT,
      "twice" },
    { "a type that is a number", NULL, M(VOLUME("`Options`:{`type`:1,`device`:`tmpfs`}")), 1, EXACT, "type" },
    { "an option of the local driver that it does not have", NULL, M(VOLUME("`Options`:{`type`:`tmpfs`,"
      "`mountpoint`:`/etc`}")), 1, EXACT, "local driver" },
    { "an option with a name beyond all bounds", NULL, M(VOLUME("`Options`:{`type`:`tmpfs`,"
      "`oooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooo`:`bind`}")), 1, EXACT, "local driver" },
    { "an anonymous volume with o=bind", NULL, M("{`Type`:`volume`,`Target`:`/t`,`VolumeOptions`:{`DriverConfig`:{"
      OPTS("/w/d", "bind")
      "}}}"), 0, EXACT, M("{`Type`:`volume`,`Target`:`/t`,`VolumeOptions`:{`DriverConfig`:{" OPTS("@/h/hb/d",
      "bind") "}}}") },
    { "keys in other cases", NULL, M("{`type`:`volume`,`target`:`/t`,"
      "`VOLUMEOPTIONS`:{`driverconfig`:{`name`:`local`,`OPTION\xc5\xbf`:{`device`:`/w/d`,`o`:`bind`}}}}"), 0, EXACT,
      M("{`type`:`volume`,`target`:`/t`,"
      "`VOLUMEOPTIONS`:{`driverconfig`:{`name`:`local`,`OPTION\xc5\xbf`:{`device`:`@/h/hb/d`,`o`:`bind`}}}}") },
    { "options are exact", NULL, M(VOLUME("`Options`:{`Device`:`/w/f`,`O`:`bind`,`device`:`/w/d`,`o`:`bind`}")), 1,
      EXACT, "local driver" },
    { "no bind: Device, O", NULL, M(VOLUME("`Options`:{`Device`:`/w/d`,`O`:`bind`}")), 1, EXACT, "local driver" },
    { "no bind: nfs", NULL, M(VOLUME("`Options`:{`type`:`nfs`,`device`:`:/w/d`,`o`:`addr=10.0.0.1,rw`}")), 0, EXACT,
      NULL },
    { "no bind: a word that holds it", NULL, M(VOLUME(OPTS("/w/d", "nobind,bindx,x=bind"))), 1, EXACT, "o=bind" },
    { "no bind: a device of a disk", NULL, M(VOLUME("`Options`:{`type`:`ext4`,`device`:`/dev/sdb1`}")), 1, EXACT,
      "o=bind" },
    { "a volume's options null", NULL, M("{`Type`:`volume`,`Source`:`v`,`Target`:`/t`,`VolumeOptions`:null},"
      "{`Type`:`volume`,`Source`:`v`,`Target`:`/u`,`VolumeOptions`:{`DriverConfig`:null}},"
      "{`Type`:`volume`,`Source`:`v`,`Target`:`/x`,`VolumeOptions`:{`DriverConfig`:{`Options`:null}}}"), 0, EXACT,
      NULL },
    { "options that are an array", NULL, M(VOLUME("`Options`:[`device`]")), 1, EXACT, "object" },
    { "a device that is a number", NULL, M(VOLUME("`Options`:{`o`:`bind`,`device`:1}")), 1, EXACT, "" },
    { "an o that is an array", NULL, M(VOLUME("`Options`:{`o`:[`bind`],`device`:`/w/d`}")), 1, EXACT, "" },
    { "a device that is missing", NULL, M(VOLUME(OPTS("/w/none", "bind"))), 1, EXACT, "/w/none" },
    { "a device that is relative", NULL, M(VOLUME(OPTS("w/d", "bind"))), 1, EXACT, "w/d" },
    { "a device that no rule covers", NULL, M(VOLUME(OPTS("/etc", "bind"))), 1, EXACT, "/etc" },

    /* characters that do not go through */
    { "a NUL in a source", NULL, B("`/w/f\\u0000:/t`"), 1, EXACT, "" },
    { "a NUL in a target", NULL, B("`/w/f:/t\\u0000`"), 1, EXACT, "" },
    { "a NUL in a mode", NULL, B("`/w/f:/t:ro\\u0000`"), 1, EXACT, "" },
    { "a NUL in Source", NULL, M("{`Type`:`bind`,`Source`:`/w/f\\u0000`,`Target`:`/t`}"), 1, EXACT, "" },
    { "a NUL in Target", NULL, M("{`Type`:`bind`,`Source`:`/w/f`,`Target`:`/t\\u0000/u`}"), 1, EXACT, "" },
    { "a NUL in a device", NULL, M(VOLUME(OPTS("/w/d\\u0000", "bind"))), 1, EXACT, "" },
    { "a NUL elsewhere", NULL, "{`x`:`\\u0000`,`HostConfig`:{`Binds`:[`/w/f:/t`]},`\\u0000`:1}", 0, EXACT,
      "{`x`:`\\u0000`,`HostConfig`:{`Binds`:[`@/h/hb/f:/t`]},`\\u0000`:1}" },
    { "a lone surrogate in a source", NULL, B("`/w/\\ud800:/t`"), 1, EXACT, "cannot be a path" },
    { "a lone low surrogate in a source", NULL, B("`/w/\\udc00:/t`"), 1, EXACT, "" },
    { "surrogates the wrong way round", NULL, B("`/w/\\udc80\\ud83d:/t`"), 1, EXACT, "" },
    { "a lone surrogate in Source", NULL, M("{`Type`:`bind`,`Source`:`/w/\\ud800`,`Target`:`/t`}"), 1, EXACT, "" },
    { "a lone surrogate in a device", NULL, M(VOLUME(OPTS("/w/\\ud800", "bind"))), 1, EXACT, "" },
    { "a lone surrogate elsewhere", NULL, "{`x`:`\\ud800`,`\\udfff`:`\\udc80`,`HostConfig`:{`Binds`:[`/w/f:/t`]}}", 0,
      EXACT,
      "{`x`:`\\ud800`,`\\udfff`:`\\udc80`,`HostConfig`:{`Binds`:[`@/h/hb/f:/t`]}}" },
    /* which dockerd would read as U+FFFD: another name */
    { "a lone surrogate for a byte, in a source", "-b @/h/hb:/\xc3\xa9 -c", B("`/\\udcc3\\udca9:/t`"), 1, EXACT,
      "cannot be a path" },
    { "a lone surrogate for a byte, in a target", NULL, B("`/w:/t\\udcc3\\udca9`"), 1, EXACT, "cannot be a path" },
    { "a lone surrogate for a byte, in a mode", NULL, B("`/w:/t:ro\\udc80`"), 1, EXACT, "cannot be a path" },
    { "a lone surrogate for a byte, in a volume's name", NULL, B("`v\\udc80l:/t`"), 1, EXACT, "cannot be a path" },
    { "a lone surrogate for a byte, in Source", "-b @/h/hb:/\xc3\xa9 -c", M(PART("/\\uDCC3\\uDCA9", "/t", "")), 1,
      EXACT, "can be a path" },
    { "a lone surrogate for a byte, in Target", NULL, M(PART("/w/f", "/t\\udcc3\\udca9", "")), 1, EXACT,
      "can be a path" },
    { "a lone surrogate for a byte, in a tmpfs's Target", NULL, M("{`Type`:`tmpfs`,`Target`:`/t\\udcff`}"), 1, EXACT,
      "can be a path" },
    { "a lone surrogate for a byte, in an image", NULL, M("{`Type`:`image`,`Source`:`i\\udcff`,`Target`:`/t`}"), 1,
      EXACT, "can be a path" },
    { "a lone surrogate for a byte, in Type", NULL, M("{`Type`:`tmpfs\\udcff`,`Target`:`/t`}"), 1, EXACT,
      "the type must be" },
    { "a lone surrogate for a byte, in a device", "-b @/h/hb:/\xc3\xa9 -c", M(VOLUME(OPTS("/\\udcc3\\udca9", "bind"))),
      1, EXACT, "can be a path" },
    { "a lone surrogate for a byte, in o", NULL, M(VOLUME(OPTS("/w/d", "bind\\udc80"))), 1, EXACT, "can be a path" },
    { "a lone surrogate for a byte, in a driver's name", NULL, M(VOLUME("`Name`:`\\udc80`")), 1, EXACT,
      "can be a path" },
    { "a lone surrogate for a byte, in a Propagation", NULL, M(BIND(",`BindOptions`:{`Propagation`:`\\udc80`}")), 1,
      EXACT, "can be a path" },
    { "a lone surrogate for a byte, in a key of Tmpfs", NULL, HC("`Tmpfs`:{`/t\\udcc3\\udca9`:``}"), 1, EXACT,
      "cannot be a path" },
    { "a lone surrogate for a byte, in a key of Volumes", NULL, "{`Volumes`:{`/t\\udcff`:{}}}", 1, EXACT, "cannot be a path" },
    { "lone surrogates that are no long s", NULL, HC("`Bind\\udcc5\\udcbf`:[`/w/f:/t`]"), 0, EXACT, NULL },
    { "lone surrogates that are no long s, beside it", NULL,
      HC("`Bind\\udcc5\\udcbf`:[`/w/f:/t`],`Bind\\u017f`:[`/w/f:/t`]"),
      0, EXACT, HC("`Bind\\udcc5\\udcbf`:[`/w/f:/t`],`Bind\\u017f`:[`@/h/hb/f:/t`]") },
    { "lone surrogates that are no long s, in HostConfig", NULL, "{`Ho\\udcc5\\udcbftConfig`:{`Binds`:[`/w/f:/t`]}}", 0,
      EXACT, NULL },
    { "lone surrogates that are no long s, in Source", NULL, M(BIND(",`\\udcc5\\udcbfource`:`/etc`")), 0, EXACT,
      M(BOUND(",`\\udcc5\\udcbfource`:`/etc`")) },
    { "lone surrogates for bytes elsewhere", NULL, "{`Env`:[`A=\\udcff`],`Labels`:{`\\udc80`:`\\udcc3`},"
      "`HostConfig`:{`Binds`:[`/w/f:/t`],`Mounts`:[{`Type`:`volume`,`Target`:`/u`,"
      "`VolumeOptions`:{`Labels`:{`l`:`\\udcff`}}}]}}",
      0, EXACT, "{`Env`:[`A=\\udcff`],`Labels`:{`\\udc80`:`\\udcc3`},"
      "`HostConfig`:{`Binds`:[`@/h/hb/f:/t`],`Mounts`:[{`Type`:`volume`,`Target`:`/u`,"
      "`VolumeOptions`:{`Labels`:{`l`:`\\udcff`}}}]}}" },
    { "a raw byte that is not UTF-8, in a source", NULL, B("`/w/\x80:/t`"), 1, EXACT, "" },
    { "a raw byte that is not UTF-8, elsewhere", NULL, "{`x`:`\xff`,`HostConfig`:{`Binds`:[`/w/f:/t`]}}", 1, EXACT,
      "" },
    { "a raw byte that is not UTF-8, in a target", NULL, B("`/w/f:/t\xc3`"), 1, EXACT, "" },
};

static void check_body(void **state)
{
    const struct body_case *c = *state;
    const char *args = c->args ? c->args : ROWS;
    struct ran r = tool_in(args, c->body);
    char *what = textf("%s with %s", expand(args), expand(c->body));
    if (c->status) {
        expect_ran(what, r, c->status, "", c->out);
    } else if (c->how == EXACT) {
        expect_ran(what, r, 0, c->out ? c->out : c->body, "");
    } else {
        size_t n;
        char *want = expand_n(c->out, &n);
        struct json *a = parse(want, n), *b = parse(r.out, r.outlen);
        assert_non_null(a);
        if (r.status || *r.err || !b || !same_value(a, b))
            flunk("%s\n-- wanted, in any spelling,\n%s\n-- got %d and\n%s\n-- with\n%s", what, want, r.status, r.out,
                    r.err);
    }
    if (!r.status && *r.err)
        flunk("%s: said %s", what, r.err);
}

/* ---- Files with all kinds of names --------------------------------------------------------------------- */

static void names(void **state)
{
    static const struct { const char *name, *spelled; bool utf8; } cases[] = {
        { "q\"q", "q\\\"q", true }, { "b\\b", "b\\\\b", true }, { "n\nn", "n\\nn", true }, { "t\tt", "t\\u0009t",
          true },
        { "\x01", "\\u0001", true }, { "\x7f", "\x7f", true }, { "\xf0\x9f\x98\x80", "\\ud83d\\ude00", true },
        { "\xf0\x9f\x98\x81", "\xf0\x9f\x98\x81", true }, { "\xc3\xa9", "\\u00e9", true }, { "a&<>",
          "a\\u0026\\u003c\\u003e", true },
        { " ", " ", true }, { ":,", ":,", true }, { "\x80", "\\udc80", false }, { "x\xff", "x\\udcff", false },
        { "\xed\xa0\x80", "\\udced\\udca0\\udc80", false }, { "\xc3\xa9\xc3", "\\u00e9\\udcc3", false },
        { "\xe2\x80\xa8", "\\u2028", true }, { "\xef\xbf\xbd", "\\ufffd", true },
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        char *path = textf("%s/h/hb/%s", world.dir, cases[i].name);
        if (!put_file(path, "named"))
            flunk("%s: %s", path, strerror(errno));
        for (int kind = 0; kind < 3; kind++) {
            static const char *const bodies[] = {
                B("`/w/%s:/t`"), M("{`Type`:`bind`,`Source`:`/w/%s`,`Target`:`/t`}"), M(VOLUME(OPTS("/w/%s", "bind"))),
            };
            char *body = textf("%s", bodies[kind]), *at = strstr(body, "%s");
            body = textf("%.*s%s%s", (int)(at - body), body, cases[i].spelled, at + 2);
            struct ran r = tool_in(ROWS, body);
            struct json *j = parse(r.out, r.outlen), *v = j ? j->kid : NULL;
            if (strchr(cases[i].name, ':') && r.status == 1 && !r.outlen)
                continue;               /* Binds has no escape for it; podman glues Mounts together with commas */
            if (!cases[i].utf8) {
                if (r.status != 1 || r.outlen)
                    flunk("%s cannot be in a body: %d %s", cases[i].spelled, r.status, r.out);
                continue;
            }
            v = v && kind ? element(member(v, "Mounts"), 0) : element(member(v, "Binds"), 0);
            if (v && kind == 2)
                v = member(member(member(member(v, "VolumeOptions"), "DriverConfig"), "Options"), "device");
            else if (v && kind)
                v = member(v, "Source");
            if (r.status || !v || !v->text || strncmp(v->text, path, strlen(path)) || strcmp(v->text + strlen(path),
                    kind ? "" : ":/t"))
                flunk("%s: %d %s%s", body, r.status, r.out, r.err);
        }
        /* a stage has no byte of the source, whatever it is called; what a body cannot name, a link in it can */
        unlink(expand("@/h/hb/link"));
        if (symlink(cases[i].name, expand("@/h/hb/link")))
            flunk("a link to %s: %s", path, strerror(errno));
        if (!cases[i].utf8)
            expect_ran(cases[i].spelled, tool_in("-b @/h/hb:/w -c", B("`/w/link:/t`")), 1, "", "not UTF-8");
        if (no_stages())
            continue;
        if (!cases[i].utf8)
            expect_ran(cases[i].spelled, tool_in("-b @/h/hb:/w -s @/st -c", textf(B("`/w/%s:/t`"), cases[i].spelled)),
                1, "",
                 "cannot be a path");
        expect_ran(cases[i].spelled, tool_in("-b @/h/hb:/w -s @/st -c", B("`/w/link:/t`")), 0, B("`@/st/0:/t`"), "");
        if (!same_file(expand("@/st/0"), path))
            flunk("%s is not what is staged", cases[i].spelled);
        expect("-u @/st", 0, "", "");
    }
    /* a link to a name with a colon has no place in Binds; Source takes it */
    must("file @/h/hb/c:d x;link @/h/hb/ln c:d");
    expect_ran("a colon in the answer, Binds", tool_in(ROWS, B("`/w/ln:/t`")), 1, "", "/w/ln");
    expect_ran("a colon in the answer, Source", tool_in(ROWS, M("{`Type`:`bind`,`Source`:`/w/ln`,`Target`:`/t`}")), 0,
         M("{`Type`:`bind`,`Source`:`@/h/hb/c:d`,`Target`:`/t`}"), "");
    expect_ran("a colon in Source", tool_in(ROWS, M("{`Type`:`bind`,`Source`:`/w/c:d`,`Target`:`/t`}")), 0,
         M("{`Type`:`bind`,`Source`:`@/h/hb/c:d`,`Target`:`/t`}"), "");
}

/* ---- A string of Binds is a SPEC of -v ----------------------------------------------------------------- */

static void like_volume(void **state)
{
    static const char *const specs[] = {
        "/w/f:/t", "/w/f:/t:ro", "/w/f:/t:rw", "/w/f:/t:z", "/w/f:/t:Z", "/w/f:/t:z,ro", "/w/f:/t:ro,z,rslave",
        "/w/f:/t:rshared",
        "/w/f:/t:private", "/w/f:/t:cached", "/w/f:/t:consistent,ro", "/w/f:/t:nocopy", "/w/f:/t:ro,cached,delegated",
        "/w/f:/t:,",
        "/w/f:/t:ro,", "/w/f:/t:,ro", "/w/f:/t:ro,,z", "/w/f:/t: ro", "/w/f:/t:Ro", "/w/f:/t:noexec",
        "/w/f:/t:nosuid,nodev",
        "/w/f:/t:exec,ro", "/w/f:/t:rbind", "/w/f:/t:bind", "/w/f:/t:U", "/w/f:/t:O", "/w/f:/t:idmap", "/w/f:/t:copy",
        "/w/f:/t:ro:z", "/w/f:/t:u:ro", "/w/f:t", "/w/f:./t", "/w/f:/", "/w/f://", "/w/f:/..", "/w/f:/./", "/w/f::ro",
        ":/t", "::",
        "/w/f::", "/w/f", "/", "t", "v:t", "v:/t", "v:/t:ro", "v:/t:nocopy,z", "V9_.-:/t", "v*:/t", "_v:/t", "v/x:/t",
        "/w:/t", "/ro:/t",
        "/ro:/t:rw", "/ro:/t:rw,Z", "/ro:/t:Z,rslave", "/ro/f:/t:ro", "/w/none:/t", "/none:/t", "../w:/t", ".:/t",
        "~/w:/t",
        "/w/f:/t:upperdir=/x", "/w/../w/f:/t/../u", "//w//f:/t//u/",
    };
    (void)state;
    for (size_t i = 0; i < COUNT(specs); i++) {
        size_t mark = pooled;
        struct ran v = run((struct call){ .args = textf("-b @/h/hb:/w -b @/h/devb:/ro:ro -v %s", strchr(specs[i], ' ')
                                                        ? "/w/f:/t:%20ro" : specs[i]) });
        struct ran c = tool_in(ROWS, textf(B("`%s`"), specs[i]));
        if (!v.status != !c.status || (v.status && c.outlen) || c.status > 1)
            flunk("%s: -v says %d %s%s-- -c says %d %s\n%s", specs[i], v.status, v.out, v.err, c.status, c.out, c.err);
        if (!v.status) {
            v.out[strcspn(v.out, "\n")] = 0;
            if (strcmp(c.out, expand(textf(B("`%s`"), v.out))))
                flunk("%s: -v gives %s, -c %s", specs[i], v.out, c.out);
        }
        pooled = mark;
    }
}

/* ---- Bodies at random ---------------------------------------------------------------------------------- */

/* The body and what it must become grow together. */
struct two {
    char *in, *want;
};

static void both(struct two *w, const char *s)
{
    w->in = stpcpy(w->in, s);
    w->want = stpcpy(w->want, s);
}

static void both_blank(struct two *w)
{
    static const char *const blanks[] = { "", "", "", "", " ", "\n", "\t", "\r\n", "   ", " \n\t\t" };
    both(w, blanks[draw(COUNT(blanks))]);
}

/* ASCII in a random spelling. */
static char *spelling(const char *s, bool any_case)
{
    char *out = keep(strlen(s) * 6 + 1), *p = out;
    for (; *s; s++) {
        char c = any_case && draw(4) == 0 && ((*s | 32) >= 'a' && (*s | 32) <= 'z') ? (char)(*s ^ 32) : *s;
        if (any_case && (c | 32) == 's' && draw(8) == 0)
            p = stpcpy(p, draw(2) ? "\xc5\xbf" : "\\u017f");
        else if (any_case && (c | 32) == 'k' && draw(8) == 0)
            p = stpcpy(p, draw(2) ? "\xe2\x84\xaa" : "\\u212A");
        else if (c == '/' && draw(8) == 0)
            p = stpcpy(p, "\\/");
        else if (draw(12) == 0)
            p += sprintf(p, draw(2) ? "\\u%04x" : "\\u%04X", (unsigned)c);
        else
            *p++ = c;
    }
    *p = 0;
    return out;
}

static void both_key(struct two *w, const char *key)
{
    both_blank(w);
    both(w, textf("\"%s\"", key));
    both_blank(w);
    both(w, ":");
    both_blank(w);
}

static void both_value(struct two *w, int deep);

static void both_members(struct two *w, int n, int deep)
{
    static const char *const keys[] = {
        "Env", "Image", "Cmd", "", "\\u0000", "x", "X", "Labels", "HostConfigs", "Bind", "Binds2", "Mount",
        "\xf0\x9f\x98\x80", "Sources",
        "o", "device", "Volume", "\\ud800", "NetworkMode", "Ho\\u0000stConfig", "\xc5\xbf",
    };
    for (int i = 0; i < n; i++) {
        both_key(w, keys[draw(COUNT(keys))]);
        both_value(w, deep);
        both_blank(w);
        both(w, ",");
    }
}

static void both_value(struct two *w, int deep)
{
    static const char *const values[] = {
        "1e400", "-0", "0.1e-7", "123456789012345678901234567890", "-1E+5", "0", "true", "false", "null", "\"\"",
        "\"/w/f:/t\"",
        "\"\\ud83d\\ude00\"", "\"\\ud800\"", "\"\\u0000\\\"\\\\\\/\"", "\"\xf0\x9f\x98\x80\xe2\x80\xa8\"", "[]", "{}",
        "[ ]", "{\n}",
        "{\"HostConfig\":{\"Binds\":[\"/w/f:/t\"]}}", "{\"Type\":\"bind\",\"Source\":\"/w\",\"Source\":\"/w\"}",
        "\"]}\"", "\"{[\\\\\"",
    };
    if (deep && !draw(3)) {
        both(w, "[");
        for (unsigned n = draw(4); n; n--) {
            both_blank(w);
            both_value(w, deep - 1);
            both_blank(w);
            both(w, ",");
        }
        both_value(w, 0);
        both(w, "]");
    } else if (deep && !draw(3)) {
        both(w, "{");
        both_members(w, (int)draw(4), deep - 1);
        both_key(w, "last");
        both_value(w, 0);
        both(w, "}");
    } else
        both(w, values[draw(COUNT(values))]);
}

/* A source, as the body has it; its answer. */
static void both_source(struct two *w)
{
    static const struct { const char *source, *answer; } sources[] = {
        { "/w", "@/h/hb" }, { "/w/f", "@/h/hb/f" }, { "/w/d", "@/h/hb/d" }, { "/w/./d/../f", "@/h/hb/f" }, { "//w/d/",
          "@/h/hb/d" },
        { "/w/d/g", "@/h/hb/d/g" }, { "/v/f", "@/h/devb/f" }, { "/v", "@/h/devb" },
    };
    unsigned i = draw(COUNT(sources));
    w->in = stpcpy(w->in, spelling(sources[i].source, false));
    w->want = stpcpy(w->want, expand(sources[i].answer));
}

static void both_bind(struct two *w, int target)
{
    static const char *const modes[] = { "", ":ro", ":rw", ":z", ":Z,ro", ":rslave", ":rw,rprivate,z", ":cached" };
    both_blank(w);
    both(w, "\"");
    if (draw(5) == 0)
        both(w, spelling(draw(2) ? "volume" : "v.1_-2", false));
    else
        both_source(w);
    both(w, draw(8) ? ":" : "\\u003a");
    both(w, spelling(textf("/t%d/x", target), false));
    both(w, spelling(modes[draw(COUNT(modes))], false));
    both(w, "\"");
    both_blank(w);
}

/* A driver without options; or the local one, with a bind or with what is another machine's. */
static void both_options(struct two *w)
{
    static const char *const os[] = { "bind", "rbind", "ro,bind", "bind,rw", "noexec,rbind,nosuid" };
    bool local = draw(3) != 0, bind = draw(3) != 0, first = draw(2);
    const char *o = bind ? os[draw(COUNT(os))] : "addr=1.2.3.4,nolock,clientaddr=bind";
    both_key(w, spelling("VolumeOptions", true));
    both(w, "{");
    both_members(w, (int)draw(2), 1);
    both_key(w, spelling("DriverConfig", true));
    both(w, "{");
    if (!local || draw(2)) {
        both_key(w, spelling("Name", true));
        both(w, !local ? "\"nfs\"" : draw(2) ? "\"local\"" : "\"\"");
        both(w, ",");
    }
    both_key(w, spelling("Options", true));
    both(w, "{ ");
    if (local) {
        both_key(w, "t\\u0079pe");
        both(w, bind ? draw(2) ? "\"none\"," : "\"tmpfs\"," : "\"nfs\",");
        if (first) {
            both_key(w, "o");
            both(w, textf("\"%s\",", spelling(o, false)));
        }
        both_key(w, "dev\\u0069ce");
        both(w, "\"");
        if (bind)
            both_source(w);
        else
            both(w, "host:/w/f");
        both(w, "\"");
        if (!first) {
            both(w, " ,");
            both_key(w, "o");
            both(w, textf("\"%s\"", spelling(o, false)));
        }
    }
    both(w, "}}},");
}

static void both_mount(struct two *w, int target)
{
    unsigned type = draw(4);            /* bind, bind, volume, tmpfs */
    int order[4] = { 0, 1, 2, 3 };
    for (unsigned i = 3; i; i--) {
        unsigned k = draw(i + 1);
        int t = order[i];
        order[i] = order[k];
        order[k] = t;
    }
    both_blank(w);
    both(w, "{");
    for (int i = 0; i < 4; i++) {
        both_members(w, draw(3) ? 0 : 1, 1);
        if (order[i] == 0) {
            both_key(w, spelling("Type", true));
            both(w, textf("\"%s\",", spelling(type < 2 ? "bind" : type == 2 ? "volume" : "tmpfs", false)));
        } else if (order[i] == 1) {
            both_key(w, spelling("Target", true));
            both(w, textf("\"%s\",", spelling(textf("/t%d/x", target), false)));
        } else if (order[i] == 2 && type == 2) {
            both_options(w);
        } else if (order[i] == 2 && type < 2) {
            both_key(w, spelling("Source", true));
            both(w, "\"");
            both_source(w);
            both(w, "\",");
        } else if (order[i] == 3 && draw(2)) {
            both_key(w, spelling("ReadOnly", true));
            both(w, draw(2) ? "true," : draw(2) ? "false," : "null,");
        }
    }
    if (type < 2 && draw(2)) {
        both_key(w, spelling("BindOptions", true));
        both(w, "{ \"Propagation\" : \"rslave\" , \"z\":1e999},");
    }
    both_key(w, "zzz");
    both(w, "1}");
}

static void both_host_config(struct two *w)
{
    int target = 0;
    unsigned parts = draw(8);
    both(w, "{");
    both_members(w, (int)draw(3), 2);
    for (int i = 0; i < 2; i++) {
        if ((i ^ (int)(parts >> 2)) ? parts & 1 : parts & 2) {
            bool binds = i ^ (int)(parts >> 2);
            both_key(w, spelling(binds ? "Binds" : "Mounts", true));
            both(w, "[");
            for (unsigned n = draw(5), k = 0; k < n; k++) {
                both(w, k ? "," : "");
                (binds ? both_bind : both_mount)(w, target++);
            }
            both_blank(w);
            both(w, "]");
            both_blank(w);
            both(w, ",");
            both_members(w, (int)draw(3), 2);
        }
    }
    both_key(w, "zz");
    both_value(w, 3);
    both(w, "}");
}

static void random_bodies(void **state)
{
    (void)state;
    seed = 1181783497276652981;
    for (int i = 0; i < 1200; i++) {
        size_t mark = pooled;
        struct two w = { keep(1 << 20), keep(1 << 20) };
        char *in = w.in, *want = w.want;
        both_blank(&w);
        both(&w, "{");
        both_members(&w, (int)draw(4), 3);
        both_key(&w, spelling("HostConfig", true));
        both_host_config(&w);
        both(&w, ",");
        both_members(&w, (int)draw(3), 3);
        both_key(&w, "z");
        both_value(&w, 2);
        both_blank(&w);
        both(&w, "}");
        both_blank(&w);
        struct call c = { .args = "-b @/h/hb:/w -b @/h/devb:/v -c", .in = in, .nin = (size_t)(w.in - in) };
        if (i % 30 == 0)
            c.how = i % 60 ? IN_PIPE : IN_PACKETS, c.chunk = 1 + draw(97);
        struct ran r = run(c);
        if (!parse(in, c.nin) || !parse(want, (size_t)(w.want - want)))
            flunk("the test made what is no JSON: %s", in);
        if (r.status || r.outlen != (size_t)(w.want - want) || memcmp(r.out, want, r.outlen))
        {
            size_t at = 0;
            while (at < r.outlen && r.out[at] == want[at])
                at++;
            write_bytes("/body", in, c.nin, O_CREAT | O_TRUNC);
            flunk("body %d: status %d %s\n-- wanted\n...%.300s\n-- got\n...%.300s", i, r.status, r.err, want + at,
                    r.out + at);
        }
        pooled = mark;
    }
}

/* ---- Damage -------------------------------------------------------------------------------------------- */

static const char damaged_body[] =
    "{`Image`:`x`,`Env`:[`A=\\u00e9`,`B=1`],`Tty`:false,`n`:-1.5e+3,`HostConfig`:{`Binds`:[`/w/f:/t:ro`,`vol:/v`,"
    "`/w/d:/d`],"
    "`NetworkMode`:`none`,`Mounts`:[{`Type`:`bind`,`Source`:`/w/d/g`,`Target`:`/m`,`ReadOnly`:false,`BindOptions`:"
    "{`Propagation`:`rslave`,`CreateMountpoint`:true}},{`Type`:`volume`,`Source`:`c`,`Target`:`/c`,`VolumeOptions`:"
    "{`DriverConfig`:{`Name`:`local`,`Options`:{`type`:`none`,`o`:`ro,bind`,`device`:`/w`}}}},"
    "{`Type`:`tmpfs`,`Target`:`/s`,`TmpfsOptions`:{`SizeBytes`:65536}}],`Memory`:0},"
    "`Labels`:{`\xc3\xa9`:`\\ud83d\\ude00`}}";

static void truncated(void **state)
{
    (void)state;
    size_t n;
    char *body = expand_n(damaged_body, &n);
    for (size_t cut = 0; cut < n; cut++) {
        size_t mark = pooled;
        struct ran r = run((struct call){ .args = ROWS, .in = body, .nin = cut });
        if (r.status != 1 || r.outlen || !*r.err)
            flunk("cut at %zu: %d %s", cut, r.status, r.out);
        pooled = mark;
    }
}

/* Whatever a byte becomes: refused without output, or JSON in which no source is left untranslated. */
static void corrupted(void **state)
{
    static const char put[] = "\"\\{}[],:0 s\x80";
    (void)state;
    size_t n, passed = 0;
    char *body = expand_n(damaged_body, &n), *safe = expand("@/h/");
    for (size_t at = 0; at < n; at++)
        for (size_t k = 0; k < sizeof put + 3; k++) {
            size_t mark = pooled, len = n;
            char *text = memcpy(keep(n + 2), body, n + 1);
            if (k < sizeof put)
                text[at] = put[k];
            else if (k == sizeof put)
                text[at] ^= 1 << (at % 7);
            else if (k == sizeof put + 1)
                memmove(text + at, text + at + 1, len-- - at);
            else
                memmove(text + at + 1, text + at, ++len - at);
            struct json *j = parse(text, len);
            struct ran r = run((struct call){ .args = ROWS, .in = text, .nin = len });
            struct json *got = r.status ? NULL : parse(r.out, r.outlen);
            if (r.status > 1 || (r.status && (r.outlen || !*r.err)) || (!r.status && (!j || !got)))
                flunk("byte %zu, change %zu (%s): %d\n%.*s\n-- %s%s", at, k, j ? "JSON" : "not JSON", r.status,
                        (int)len, text, r.out,
                      r.err);
            if (got && leak_in_body(got, safe))
                flunk("byte %zu, change %zu: %s is left\n%.*s\n--\n%s", at, k, leak_in_body(got, safe), (int)len, text,
                        r.out);
            passed += !r.status;
            pooled = mark;
        }
    if (passed < 100)
        flunk("only %zu changed bodies pass", passed);
}

static void chunks(void **state)
{
    (void)state;
    size_t n;
    char *body = expand_n(damaged_body, &n);
    struct call c = { .args = ROWS, .in = body, .nin = n };
    struct ran whole = run(c);
    if (whole.status)
        flunk("%d %s", whole.status, whole.err);
    c.how = IN_PACKETS;
    struct ran r = run(c);
    if (r.status || r.outlen != whole.outlen || memcmp(r.out, whole.out, r.outlen))
        flunk("byte by byte: %d %s%s", r.status, r.out, r.err);
    c.how = IN_PIPE;
    static const size_t sizes[] = { 1, 2, 3, 5, 7, 13, 64, 127, 255, 256, 257, 500 };
    for (size_t i = 0; i < COUNT(sizes); i++) {
        c.chunk = sizes[i];
        r = run(c);
        if (r.status || r.outlen != whole.outlen || memcmp(r.out, whole.out, r.outlen))
            flunk("by %zu: %d %s%s", sizes[i], r.status, r.out, r.err);
    }
    /* cut in a pipe */
    for (size_t i = 0; i < n; i += 37) {
        c.chunk = 64;
        c.nin = i;
        r = run(c);
        if (r.status != 1 || r.outlen)
            flunk("a pipe that ends at %zu: %d %s", i, r.status, r.out);
    }
}

/* ---- Size ---------------------------------------------------------------------------------------------- */

static void ten_mebibytes(void **state)
{
    (void)state;
    size_t n = 10 << 20;
    static const struct { const char *name, *open, *item, *close; } kinds[] = {
        { "one string", "\"", "xxxxxxxxxxxxxxxx", "\"" }, { "blanks", "", "    \n    \t\r\n", "1" }, { "numbers", "[",
          "1,", "1]" },
        { "empty arrays", "[", "[],", "1]" }, { "objects", "[", "{\"a\":{\"b\":null}},", "1]" }, { "strings", "[",
          "\"\",", "1]" },
        { "keys", "{", "\"a\":1,", "\"b\":1}" }, { "escapes", "\"", "\\u00e9\\n", "\"" },
    };
    for (size_t k = 0; k < COUNT(kinds); k++) {
        size_t mark = pooled, len = strlen(kinds[k].item);
        char *body = keep(n + 4096), *p = body;
        p = stpcpy(p, "{\"HostConfig\":{\"Binds\":[\"/w/f:/t\"],\"x\":");
        p = stpcpy(p, kinds[k].open);
        while ((size_t)(p - body) < n)
            p = mempcpy(p, kinds[k].item, len);
        p = stpcpy(p, kinds[k].close);
        p = stpcpy(p, "}}");
        struct call c = { .args = ROWS, .in = body, .nin = (size_t)(p - body), .how = IN_PIPE, .chunk = 65536,
                .to = OUT_PIPE };
        struct ran r = run(c);
        char *answer = expand("{`HostConfig`:{`Binds`:[`@/h/hb/f:/t`],`x`:");
        size_t head = strlen("{\"HostConfig\":{\"Binds\":[\"/w/f:/t\"],\"x\":"), ahead = strlen(answer);
        if (r.status || r.outlen != c.nin - head + ahead || memcmp(r.out, answer, ahead) || memcmp(r.out + ahead,
                body + head, c.nin - head))
            flunk("%s: %d, %zu bytes out of %zu, %s", kinds[k].name, r.status, r.outlen, c.nin, r.err);
        if (peak > (long)(4 * c.nin + (2 << 20)) / 1024)
            flunk("%s: %ld KiB resident for a body of %zu KiB", kinds[k].name, peak, c.nin / 1024);
        /* the same as a runner's description */
        c.in = body = textf("{\"State\":{\"Pid\":0},\"x\":%s", body + head);
        c.nin = strlen(body) - 1;
        c.args = "-r - -b @/h/hb:/w /w/f";
        c.to = OUT_FILE;
        r = run(c);
        expect_ran(kinds[k].name, r, 0, "@/h/hb/f\n", "");
        pooled = mark;
    }
}

static void too_much(void **state)
{
    (void)state;
    size_t n = (64 << 20) + 1;
    char *body = memset(keep(n + 16), ' ', n);
    memcpy(body, "{}", 2);
    struct call c = { .args = ROWS, .in = body, .nin = n, .how = IN_PIPE, .chunk = 1 << 20 };
    struct ran r = run(c);
    if (r.status != 1 || r.outlen)
        flunk("64 MiB and a byte: %d, %zu bytes", r.status, r.outlen);
    c.args = "-r - -b @/h/hb:/w /w/f";
    memcpy(body, "{\"State\":{\"Pid\":0}}", 19);
    r = run(c);
    if (r.status < 2 || r.outlen)
        flunk("-r, 64 MiB and a byte: %d, %zu bytes", r.status, r.outlen);
    c.nin--;
    expect_ran("-r, 64 MiB", run(c), 0, "@/h/hb/f\n", "");
    /* 1,000 binds and mounts, and one more */
    for (int more = 0; more < 2; more++) {
        char *text = keep(200000), *want = keep(200000), *p = text, *q = want;
        p = stpcpy(p, "{\"HostConfig\":{\"Binds\":[");
        q = stpcpy(q, "{\"HostConfig\":{\"Binds\":[");
        for (int i = 0; i < 600; i++) {
            p += sprintf(p, "%s\"/w/f:/t%d\"", i ? "," : "", i);
            q += sprintf(q, "%s\"%s/h/hb/f:/t%d\"", i ? "," : "", world.dir, i);
        }
        p = stpcpy(p, "],\"Mounts\":[");
        q = stpcpy(q, "],\"Mounts\":[");
        for (int i = 0; i < 400 + more; i++) {
            p += sprintf(p, "%s{\"Type\":\"bind\",\"Source\":\"/w/d\",\"Target\":\"/m%d\"}", i ? "," : "", i);
            q += sprintf(q, "%s{\"Type\":\"bind\",\"Source\":\"%s/h/hb/d\",\"Target\":\"/m%d\"}", i ? "," : "",
                    world.dir, i);
        }
        stpcpy(p, "]}}");
        stpcpy(q, "]}}");
        expect_ran("a thousand", tool_in(ROWS, text), more, more ? "" : want, "");
    }
}

/* ---- Descriptors --------------------------------------------------------------------------------------- */

static void streams(void **state)
{
    (void)state;
    struct call c = { .args = ROWS };
    c.in = expand_n(B("`/w/f:/t`"), &c.nin);
    struct call d = c;
    d.to = OUT_CLOSED;
    struct ran r = run(d);
    if (!r.status)
        flunk("standard output closed: status 0");
    d.to = OUT_FULL;
    r = run(d);
    if (r.status != 3 || !*r.err)
        flunk("standard output full: %d %s", r.status, r.err);
    d.nin = 2;
    d.in = "{}";
    r = run(d);
    if (r.status != 3)
        flunk("standard output full, {}: %d %s", r.status, r.err);
    d = c;
    d.how = IN_CLOSED;
    r = run(d);
    if (r.status != 3 || r.outlen || !*r.err)
        flunk("standard input closed: %d %s", r.status, r.out);
    d.how = IN_DIR;
    r = run(d);
    if (r.status != 3 || r.outlen || !*r.err)
        flunk("standard input a directory: %d %s", r.status, r.out);
    if (no_stages())
        return;
    /* a stage that nobody hears of is taken down again */
    d = c;
    d.args = "-b @/h/hb:/w -s @/st -c";
    d.to = OUT_FULL;
    r = run(d);
    if (r.status != 3)
        flunk("staged, standard output full: %d", r.status);
    gone(expand("@/st"));
    d.to = OUT_CLOSED;
    r = run(d);
    if (!r.status)
        flunk("staged, standard output closed: status 0");
    gone(expand("@/st"));
}

static void conflicts(void **state)
{
    static const char *const wrong[] = {
        "-c /w/f", "/w/f -c", "-c -v /w/f:/t", "-c --mount type=bind,src=/w/f,dst=/t", "-c -", "-c -f json",
        "-c -f oci", "-c -f text",
        "-c -0", "-u @/st -c", "-c -p x", "-c -b /x", "-c -Q", "-c --stage", "-c=x",
        "-S -p 1 /w", "-S -p 0 /w", "-S -o " LAYERS " /w", "-S -s @/st /w", "-S -s @/st -c", "-S -p $PID -c",
        "-S -u @/st",
        "-S -o lowerdir=/x -v /w:/t", "-S",
    };
    (void)state;
    for (size_t i = 0; i < COUNT(wrong); i++) {
        struct ran r = tool_in(textf("-b @/h/hb:/w %s", wrong[i]), B("`/w/f:/t`"));
        if (r.status != 2 || r.outlen || !*r.err)
            flunk("%s: %d %s%s", wrong[i], r.status, r.out, r.err);
        gone(expand("@/st"));
    }
    expect_ran("--create", tool_in("-b @/h/hb:/w --create", B("`/w/f:/t`")), 0, B("`@/h/hb/f:/t`"), "");
    expect_ran("-xc", tool_in("-b @/h/hb:/w -Rc", B("`/w/f:/t`")), 0, B("`@/h/hb/f:/t:ro`"), "");
    struct ran r = tool_in("-b @/h/hb:/w -x -c", B("`/w/f:/t`"));
    if (r.status || strcmp(r.out, expand(B("`@/h/hb/f:/t`"))) || !*r.err)
        flunk("-x: %d %s%s", r.status, r.out, r.err);
    r = tool_in("-p 2147483646 -c", "{}");
    if (r.status != 3 || r.outlen)
        flunk("a runner that is gone: %d %s", r.status, r.out);
    r = tool_in("-p 2147483646 -c", B("`/w/f:/t`"));
    if (r.status != 3 || r.outlen)
        flunk("a runner that is gone: %d %s", r.status, r.out);
}

/* ---- Missing sources ----------------------------------------------------------------------------------- */

static void make_missing(void **state)
{
    static const struct {
        const char *name, *args, *body;
        int status;
        const char *out, *made; /* what is there afterwards, or not */
    } cases[] = {
        { "Binds", "-c", B("`/w/n1:/t`"), 1, "", "@/h/hb/n1" },
        { "Binds -m", "-m -c", B("`/w/n2:/t`"), 0, B("`@/h/hb/n2:/t`"), "@/h/hb/n2" },
        { "Binds -m, deep", "-m -c", B("`/w/n3/a/b:/t`"), 0, B("`@/h/hb/n3/a/b:/t`"), "@/h/hb/n3/a/b" },
        { "Binds -m, read-only", "-m -c", B("`/w/n4:/t:ro`"), 0, B("`@/h/hb/n4:/t:ro`"), "@/h/hb/n4" },
        { "Mounts -m", "-m -c", M("{`Type`:`bind`,`Source`:`/w/n5`,`Target`:`/t`}"), 1, "", "@/h/hb/n5" },
        { "Mounts -m CreateMountpoint", "-m -c", M("{`Type`:`bind`,`Source`:`/w/n6`,`Target`:`/t`,"
          "`BindOptions`:{`CreateMountpoint`:true}}"),
          0, M("{`Type`:`bind`,`Source`:`@/h/hb/n6`,`Target`:`/t`,`BindOptions`:{`CreateMountpoint`:true}}"),
                  "@/h/hb/n6" },
        { "the same in other cases", "-m -c", M("{`bindoption\\u017f`:{`createmountpoint`:true},`Type`:`bind`,"
          "`Source`:`/w/n7`,`Target`:`/t`}"),
          0, M("{`bindoption\\u017f`:{`createmountpoint`:true},`Type`:`bind`,`Source`:`@/h/hb/n7`,`Target`:`/t`}"),
                  "@/h/hb/n7" },
        { "Mounts CreateMountpoint", "-c", M("{`Type`:`bind`,`Source`:`/w/n8`,`Target`:`/t`,"
          "`BindOptions`:{`CreateMountpoint`:true}}"), 1,
          "", "@/h/hb/n8" },
        { "Mounts -m CreateMountpoint false", "-m -c", M("{`Type`:`bind`,`Source`:`/w/n9`,`Target`:`/t`,`BindOptions`:"
          "{`CreateMountpoint`:false}}"), 1, "", "@/h/hb/n9" },
        { "Mounts -m CreateMountpoint null", "-m -c", M("{`Type`:`bind`,`Source`:`/w/n10`,`Target`:`/t`,`BindOptions`:"
          "{`CreateMountpoint`:null}}"), 1, "", "@/h/hb/n10" },
        { "CreateMountpoint a string", "-m -c", M("{`Type`:`bind`,`Source`:`/w/n11`,`Target`:`/t`,`BindOptions`:"
          "{`CreateMountpoint`:`true`}}"), 1, "", "@/h/hb/n11" },
        { "CreateMountpoint in another place", "-m -c", M("{`Type`:`bind`,`Source`:`/w/n12`,`Target`:`/t`,"
          "`CreateMountpoint`:true}"), 1, "",
          "@/h/hb/n12" },
        { "a volume's device -m", "-m -c", M(VOLUME(OPTS("/w/n13", "bind"))), 1, "", "@/h/hb/n13" },
        { "a volume's name -m", "-m -c", B("`n14:/t`"), 0, B("`n14:/t`"), "" },
        { "broken at the end -m", "-m -c", "{`HostConfig`:{`Binds`:[`/w/n15:/t`]}", 1, "", "@/h/hb/n15" },
        { "a bad spec after -m", "-m -c", B("`/w/n16:/t`,`/w/f:t`"), 1, "", "@/h/hb/n16" },
        { "a relative source after -m", "-m -c", B("`/w/n17:/t`,`./f:/u`"), 1, "", "@/h/hb/n17" },
        { "a comma in a new source after -m", "-m -c", M(PART("/w/n20,x", "/t", "")), 1, "", "@/h/hb/n20,x" },
        { "a new source that is not UTF-8 after -m", "-m -c", B("`/w/n21\\udcff:/t`"), 1, "", "@/h/hb/n21%ff" },
        { "an unknown type after -m", "-m -c", HC("`Binds`:[`/w/n18:/t`],`Mounts`:[{`Type`:`glob`,`Source`:`e`,"
          "`Target`:`/u`}]"), 1, "", "@/h/hb/n18" },
        { "an unknown type of two letters after -m", "-m -c", HC("`Mounts`:[{`Type`:`Fs`,`Target`:`/u`}],"
          "`Binds`:[`/w/n19:/t`]"), 1, "", "@/h/hb/n19" },
    };
    struct stat st;
    (void)state;
    must("chmod @/h/hb 0777");
    if (world.root)
        must("chown @/h/hb 1234");
    for (size_t i = 0; i < COUNT(cases); i++) {
        umask(077);
        struct ran r = tool_in(textf("-b @/h/hb:/w %s", cases[i].args), cases[i].body);
        umask(022);
        expect_ran(cases[i].name, r, cases[i].status, cases[i].out, "");
        if (!cases[i].made || !*cases[i].made)
            continue;
        if (cases[i].status)
            gone(expand(cases[i].made));
        else if (stat(expand(cases[i].made), &st) || (st.st_mode & 07777) != 0755 || !S_ISDIR(st.st_mode) ||
                 st.st_uid != (world.root ? 1234 : 0))
            flunk("%s: %s has mode %o and owner %u", cases[i].name, cases[i].made, st.st_mode, st.st_uid);
    }
    /* through the runner's own view, and never in a layer */
    start_runner(0, STANDARD);
    expect_ran("live", tool_in("-p $PID -m -c", B("`/new/dir:/t`,`/vol/new:/u`")), 0, B("`^/new/dir:/t`,`" VOL
        "/new:/u`"), "");
    if (!same_file(expand("^/new/dir"), inside("/new/dir")) || stat(expand(VOL "/new"), &st))
        flunk("not made in the runner");
    expect_ran("layers", tool_in("-o " LAYERS " -m -c", B("`/another:/t`")), 1, "", "/another");
    /* nothing is made for a stage that cannot be */
    static const char *const dirs[][2] = { { "relative", "-s relative: not an absolute path\n" }, { "''",
        "-s : empty path\n" },
                                           { "./st", "-s ./st: not an absolute path\n" } };
    for (size_t i = 0; i < COUNT(dirs); i++) {
        expect_ran(dirs[i][0], tool(textf("-p $PID -m -s %s /new2", dirs[i][0])), 2, "", dirs[i][1]);
        expect_ran(dirs[i][0], tool(textf("-p $PID -m -f json --stage=%s -v /new2:/t", strcmp(dirs[i][0], "''") ?
            dirs[i][0] : "")), 2, "",
             strchr(dirs[i][1], ':'));
        expect_ran(dirs[i][0], tool_in(textf("-p $PID -m -c -s %s", dirs[i][0]), B("`/new2:/t`")), 2, "", dirs[i][1]);
        expect_ran(dirs[i][0], tool(textf("-u %s", dirs[i][0])), 2, "", strchr(dirs[i][1], ':'));
    }
    static char long_dir[5000];
    memset(long_dir, 'd', sizeof long_dir - 1);
    *long_dir = '/';
    expect_ran("a DIR that is too long", tool(textf("-p $PID -m -s %s /new2", long_dir)), 2, "", "too long");
    gone(expand("^/new2"));
    gone(expand("@/d/overlay2/" TOP "/diff/another"));
}

/* ---- Stages -------------------------------------------------------------------------------------------- */

static void staged_bodies(void **state)
{
    (void)state;
    if (no_stages())
        cannot_stage(NULL);
    start_runner(0, "bind " VOL " ^/a/b;bind @/h/hb ^/hb;ro ^/hb;tmpfs ^/tm1;file ^/tm1/t tmp");
    /* each source once, mounts below come along */
    struct ran r = tool_in("-p $PID -s @/st -c", HC("`Binds`:[`/a:/t`,`vol:/v`,`/tm1:/u:rw`],`Mounts`:[{`Type`:`bind`,"
            "`Source`:`/low`,`Target`:`/m`},"
                           "{`Type`:`bind`,`Source`:`/hb`,`Target`:`/h`}]"));
    struct json *j = parse(r.out, r.outlen), *binds = member(member(j, "HostConfig"), "Binds"), *mounts =
        member(member(j,
            "HostConfig"), "Mounts");
    if (r.status || !binds || binds->kids != 3 || !mounts || mounts->kids != 2)
        flunk("%d %s%s", r.status, r.out, r.err);
    const char *const want[][2] = {
        { element(binds, 0)->text, "/a" }, { element(binds, 2)->text, "/tm1" }, { member(element(mounts, 0),
                "Source")->text, "/low" },
        { member(element(mounts, 1), "Source")->text, "/hb" },
    };
    for (size_t i = 0; i < COUNT(want); i++) {
        char *path = textf("%.*s", (int)strcspn(want[i][0], ":"), want[i][0]);
        if (strncmp(path, expand("@/st/"), strlen(expand("@/st/"))) || !same_file(path, inside(want[i][1])))
            flunk("%s is not %s", path, want[i][1]);
    }
    struct json *ro = member(element(mounts, 1), "ReadOnly");
    struct json *top = member(member(element(mounts, 1), "BindOptions"), "ReadOnlyNonRecursive");
    if (strcmp(element(binds, 1)->text, "vol:/v") || !ro || ro->type != 't' || !top || top->type != 't')
        flunk("%s", r.out);
    char *b = textf("%.*s/b/v", (int)strcspn(want[0][0], ":"), want[0][0]);
    if (!is_text(b, "volume"))
        flunk("%s: the mount below is not there", b);
    expect("-u @/st", 0, "", "");
    gone(expand("@/st"));
    /* refused: nothing stays */
    static const char *const refused[] = {
        B("`/a:/t`,`/none:/u`"), B("`/none:/t`,`/a:/u`"), B("`/a:/t`,`/low:u`"),
        HC("`Binds`:[`/a:/t`],`Mounts`:[{`Type`:`bind`,`Source`:`/none`,`Target`:`/u`}]"),
        "{`HostConfig`:{`Binds`:[`/a:/t`]}", B("`/a:/t`") "x", "{`HostConfig`:{`Binds`:[`/a:/t`]},`x`:01}",
    };
    for (size_t i = 0; i < COUNT(refused); i++) {
        expect_ran(refused[i], tool_in("-p $PID -s @/st -c", refused[i]), 1, "", "");
        gone(expand("@/st"));
    }
    /* nothing to stage: the body passes, and no stage needs to be there */
    expect_ran("no source", tool_in("-p $PID -s @/st -c", B("`vol:/t`")), 0, B("`vol:/t`"), "");
    tool("-u @/st");
    /* -R, a volume's device, a directory merged from layers */
    r = tool_in("-p $PID -R -s @/st -c", B("`/a:/t`"));
    expect_ran("-R", r, 0, B("`@/st/0:/t:ro`"), "");
    if (put_file(expand("@/st/0/new"), "x") || errno != EROFS)
        flunk("a read-only stage is writable");
    expect("-u @/st", 0, "", "");
    expect_ran("rbind", tool_in("-p $PID -s @/st -c", M(VOLUME(OPTS("/a", "rbind")))), 0, M(VOLUME(OPTS("@/st/0",
        "rbind"))),
            "");
    expect("-u @/st", 0, "", "");
    r = tool_in("-o " LAYERS " -s @/st -c", B("`/m:/t`"));
    char *entry = strstr(r.out, expand("@/st/"));
    if (r.status || !entry || strcmp(strchr(entry, ':'), ":/t:ro\"]}}"))
        flunk("merged: %d %s%s", r.status, r.out, r.err);
    entry = textf("%.*s", (int)strcspn(entry, ":"), entry);
    if (!is_text(textf("%s/one", entry), "1") || !is_text(textf("%s/two", entry), "2"))
        flunk("the merged directory is not what is staged");
    expect("-u @/st", 0, "", "");
    expect_ran("merged, no stage", tool_in("-o " LAYERS " -c", B("`/m:/t`")), 1, "", "/m");
    expect_ran("a layer's file", tool_in("-o " LAYERS " -c", B("`/low:/t:rw`")), 0,
         B("`@/d/overlay2/" L1 "/diff/low:/t:ro`"), "");
}

/* A volume outlives the mount that it was made for, and others mount it by its name: what is read-only must be so by
 * the options of the volume, or in a stage. */
static void read_only_volumes(void **state)
{
    static const struct { const char *args, *device, *o, *out; } cases[] = {
        { "-o " LAYERS, "/low", "bind", NULL },
        { "-o " LAYERS, "/low", "ro,bind", "@/d/overlay2/" L1 "/diff/low" },
        { "-o " LAYERS, "/up", "bind", "@/d/overlay2/" TOP "/diff/up" },
        { "-p $PID", "/hb", "bind", NULL },
        { "-p $PID", "/hb", "rw,rbind", NULL },
        { "-p $PID", "/hb", "ro,rw,bind", NULL },
        { "-p $PID", "/hb", "bind,ro", "@/h/hb" },
        { "-p $PID", "/low", "bind", "^/low" },
        { "-b @/h/devb:/ro:ro", "/ro", "bind", NULL },
        { "-b @/h/devb:/ro:ro", "/ro", "bind,rw,ro", "@/h/devb" },
        { "-b @/h/devb:/ro", "/ro", "bind", "@/h/devb" },
    };
    static const char record[] = "type=volume,src=v,dst=/t,volume-opt=type=none,\"volume-opt=o=%s\","
        "volume-opt=device=%s";
    (void)state;
    must("file ^/up x");
    start_runner(0, "bind @/h/hb ^/hb;ro ^/hb");
    for (size_t i = 0; i < COUNT(cases); i++) {
        const char *device = cases[i].device, *o = cases[i].o, *out = cases[i].out ? expand(cases[i].out) : NULL;
        bool ro = strstr(o, "ro") != NULL;
        struct ran r = tool_in(textf("%s -c", cases[i].args), textf(M(ROVOLUME(OPTS("%s", "%s"))), device, o));
        expect_ran(textf("%s %s, o=%s", cases[i].args, device, o), r, !out, out ? textf(M(ROVOLUME(OPTS("%s", "%s"))),
            out, o) : "",
             out ? "" : "o=bind,ro");
        r = tool(textf("%s --mount %s", cases[i].args, textf(record, o, device)));
        expect_ran(device, r, !out, out ? textf("%s%s\n", textf(record, o, out), ro ? ",readonly" : "") : "", out ? "" :
            "o=bind,ro");
        r = tool(textf("%s -f json --mount %s", cases[i].args, textf(record, o, device)));
        const char *want = out ? textf("\"path\":\"%s\"", out) : "\"error\":\"readonly\"";
        if (r.status != !out || !strstr(r.out, want))
            flunk("--mount %s: %d %s%s", textf(record, o, device), r.status, r.out, r.err);
    }
    if (no_stages())
        return;
    /* a stage is read-only itself, and so is each bind mount of it */
    static const char *const staged[][2] = { { "-p $PID", "/hb" }, { "-b @/h/devb:/ro:ro", "/ro" }, { "-o " LAYERS,
        "/low" } };
    must("dir @/volume;file @/volume-file x");
    for (size_t i = 0; i < COUNT(staged); i++) {
        expect_ran(staged[i][1], tool_in(textf("%s -s @/st -c", staged[i][0]), textf(M(ROVOLUME(OPTS("%s", "bind"))),
             staged[i][1])), 0, M(ROVOLUME(OPTS("@/st/0", "bind"))), "");
        bool file = i == 2;
        must(file ? "bind @/st/0 @/volume-file" : "bind @/st/0 @/volume");
        if (put_file(expand(file ? "@/volume-file" : "@/volume/new"), "x") || errno != EROFS)
            flunk("%s: the volume of a stage is writable", staged[i][1]);
        must(file ? "umount @/volume-file" : "umount @/volume");
        expect("-u @/st", 0, "", "");
    }
}

/* What each of BindOptions does to a stage: is it read-only there, and are the mounts below? */
static void bind_options(void **state)
{
    static const struct { const char *args, *options; bool ro, ro_below; } cases[] = {
        { "-p $PID", "`Propagation`:`rprivate`", true, true },
        { "-p $PID", "`Propagation`:``", true, true },
        { "-p $PID", "`NonRecursive`:true", true, true },
        { "-p $PID", "`CreateMountpoint`:true", true, true },
        { "-p $PID -m", "`CreateMountpoint`:true", true, true },
        { "-p $PID", "`ReadOnlyForceRecursive`:true", true, true },
        { "-p $PID", "`ReadOnlyNonRecursive`:false", true, true },
        { "-p $PID", "`ReadOnlyNonRecursive`:true", false, false },    /* the daemon makes the top read-only */
        { "-p $PID -R", "`ReadOnlyNonRecursive`:true", true, true },
    };
    (void)state;
    if (no_stages())
        cannot_stage(NULL);
    start_runner(0, "bind " VOL " ^/a/b");
    for (size_t i = 0; i < COUNT(cases); i++) {
        char *more = textf(",`ReadOnly`:true,`BindOptions`:{%s}", cases[i].options);
        expect_ran(more, tool_in(textf("%s -s @/st -c", cases[i].args), textf(M(PART("/a", "/t", "%s")), more)), 0,
             textf(M(PART("@/st/0", "/t", "%s")), more), "");
        if (!is_text(expand("@/st/0/b/v"), "volume"))
            flunk("%s: the mount below is not there", more);
        bool ro = !put_file(expand("@/st/0/new"), "x"), ro_below = !put_file(expand("@/st/0/b/new"), "x");
        if (ro != cases[i].ro || ro_below != cases[i].ro_below)
            flunk("%s %s: read-only %d, below %d", cases[i].args, more, ro, ro_below);
        expect("-u @/st", 0, "", "");
    }
    expect_ran("--mount", tool("-p $PID -s @/st --mount type=bind,src=/a,dst=/t,readonly,bind-recursive=writable"), 0,
         "type=bind,src=@/st/0,dst=/t,readonly,bind-recursive=writable\n", "");
    if (!put_file(expand("@/st/0/b/new"), "x"))
        flunk("bind-recursive=writable: what is below is read-only");
    expect("-u @/st", 0, "", "");
    expect_ran("--mount", tool("-p $PID -s @/st --mount type=bind,src=/a,dst=/t,readonly,bind-recursive=readonly"), 0,
         "type=bind,src=@/st/0,dst=/t,readonly,bind-recursive=readonly\n", "");
    if (put_file(expand("@/st/0/b/new"), "x"))
        flunk("bind-recursive=readonly: what is below is writable");
    expect("-u @/st", 0, "", "");
}

/* A mount that is read-only gets ReadOnly, which docker from 25 on takes for all below it too: what is writable there
 * stays so. `want` stands where the daemon finds it. */
static void added_readonly(void **state)
{
    static const struct { const char *args, *target, *want; } cases[] = {
        { "", "`Target`:`/t`", "`Target`:`/t`,`ReadOnly`:true,`BindOptions`:{`ReadOnlyNonRecursive`:true}" },
        { "", "`ReadOnly`:false,`Target`:`/t`",
          "`ReadOnly`:true,`Target`:`/t`,`BindOptions`:{`ReadOnlyNonRecursive`:true}" },
        { "", "`Target`:`/t`,`BindOptions`:{}",
          "`Target`:`/t`,`ReadOnly`:true,`BindOptions`:{`ReadOnlyNonRecursive`:true}" },
        { "", "`BindOptions`: null,`Target`:`/t`",
          "`BindOptions`: {`ReadOnlyNonRecursive`:true},`Target`:`/t`,`ReadOnly`:true" },
        { "", "`Target`:`/t`,`BindOptions`:{ `Propagation`:`private`}",
          "`Target`:`/t`,`ReadOnly`:true,`BindOptions`:{`ReadOnlyNonRecursive`:true, `Propagation`:`private`}" },
        { "", "`Target`:`/t`,`bindoptions`:{`x`:1,`readonlynonrecursive`:false}",
          "`Target`:`/t`,`ReadOnly`:true,`bindoptions`:{`x`:1,`readonlynonrecursive`:true}" },
        { "", "`Target`:`/t`,`BindOptions`:{`ReadOnlyNonRecursive`:true}",
          "`Target`:`/t`,`ReadOnly`:true,`BindOptions`:{`ReadOnlyNonRecursive`:true}" },
        /* nothing below, all below, or whoever mounts it decides */
        { "", "`Target`:`/t`,`BindOptions`:{`NonRecursive`:true}",
          "`Target`:`/t`,`ReadOnly`:true,`BindOptions`:{`NonRecursive`:true}" },
        { "", "`Target`:`/t`,`BindOptions`:{`ReadOnlyForceRecursive`:true}",
          "`Target`:`/t`,`ReadOnly`:true,`BindOptions`:{`ReadOnlyForceRecursive`:true}" },
        { "", "`Target`:`/t`,`ReadOnly`:true", "`Target`:`/t`,`ReadOnly`:true" },
        { " -R", "`Target`:`/t`", "`Target`:`/t`,`ReadOnly`:true" },
    };
    (void)state;
    if (no_stages())
        cannot_stage(NULL);
    start_runner(0, "bind @/h/hb ^/hb;ro ^/hb;bind " VOL " ^/hb/d");
    for (size_t i = 0; i < COUNT(cases); i++) {
        expect_ran(cases[i].target, tool_in(textf("-p $PID -s @/st%s -c", cases[i].args),
                                            textf(M("{`Type`:`bind`,`Source`:`/hb`,%s}"), cases[i].target)), 0,
             textf(M("{`Type`:`bind`,`Source`:`@/st/0`,%s}"), cases[i].want), "");
        expect("-u @/st", 0, "", "");
    }
    expect_ran("-v", tool("-p $PID -s @/st -v /hb:/t"), 0, "@/st/0:/t:ro\n", "");
    if (!put_file(expand("@/st/0/d/new"), "x"))
        flunk("what is writable below is read-only");
    expect("-u @/st", 0, "", "");
}

/* A stage is private: a call for another propagation is refused, and nothing is created or staged. */
static void no_peers(void **state)
{
    static const char *const words[] = { "shared", "rshared", "slave", "rslave" };
    static const char *const specs[] = {
        "-v /new:/n -v /a:/t:%s", "-v /a:/t:ro,%s,z", "-f json -v /new:/n -v /a:/t:%s", "-f oci -v /a:/t:%s",
        "--mount type=bind,src=/a,dst=/t,bind-propagation=%s", "--mount type=bind,src=/a,dst=/t,%s",
    };
    static const char *const bodies[] = {
        B("`/new:/n`,`/a:/t:%s`"), HC("`Binds`:[`/new:/n`],`Mounts`:[" PART("/a", "/t",
        ",`BindOptions`:{`Propagation`:`%s`}") "]"), M(VOLUME(OPTS("/a", "rbind,%s"))),
    };
    (void)state;
    start_runner(0, "");
    for (size_t i = 0; i < COUNT(words); i++) {
        for (size_t k = 0; k < COUNT(specs); k++) {
            struct ran r = tool(textf(textf("-p $PID -m -s @/st %s", specs[k]), words[i]));
            if (r.status != 1 || !strstr(r.err, "(-H)") || (r.outlen && !strstr(r.out, "\"error\":\"format\"")))
                flunk("%s: %d %s%s", specs[k], r.status, r.out, r.err);
            gone(expand("@/st"));
        }
        for (size_t k = 0; k < COUNT(bodies); k++) {
            expect_ran(bodies[k], tool_in("-p $PID -m -s @/st -c", textf(bodies[k], words[i])), 1, "", "(-H)");
            gone(expand("@/st"));
        }
        gone(inside("/new"));
        /* a host path can be it, and so can what is not staged */
        expect_ran(words[i], tool(textf("-p $PID -v /low:/t:%s", words[i])), 0, textf("^/low:/t:%s\n", words[i]), "");
        expect_ran(words[i], tool_in("-p $PID -c", textf(M(PART("/low", "/t", ",`BindOptions`:{`Propagation`:`%s`}")),
            words[i])), 0,
             textf(M(PART("^/low", "/t", ",`BindOptions`:{`Propagation`:`%s`}")), words[i]), "");
        expect_ran(words[i], tool(textf("-p $PID -s @/st -v name:/t:%s", words[i])), 0, textf("name:/t:%s\n", words[i]),
            "");
        tool("-u @/st");
    }
    if (no_stages())
        return;
    expect_ran("private", tool("-p $PID -s @/st -v /a:/t:rprivate"), 0, "@/st/0:/t:rprivate\n", "");
    expect("-u @/st", 0, "", "");
}

/* Z on what a live runner has: a warning, and nothing else. */
static void labels(void **state)
{
    static const struct { const char *args, *in, *out; bool warned; } cases[] = {
        { "-p $PID -v /low:/t:Z", NULL, "^/low:/t:Z\n", true },
        { "-p $PID -v /low:/t:ro,Z", NULL, "^/low:/t:ro,Z\n", true },
        { "-p $PID -f json -v /low:/t:Z", NULL, NULL, true },
        { "-p $PID --mount type=bind,src=/low,dst=/t,Z", NULL, "type=bind,src=^/low,dst=/t,Z\n", true },
        { "-p $PID --mount type=bind,src=/low,dst=/t,relabel=private", NULL,
          "type=bind,src=^/low,dst=/t,relabel=private\n", true },
        { "-p $PID -c", B("`/low:/t:Z`"), B("`^/low:/t:Z`"), true },
        { "-S -v /low:/t:Z", NULL, NULL, true },
        { "-p $PID -v /low:/t:z", NULL, "^/low:/t:z\n", false },
        { "-p $PID --mount type=bind,src=/low,dst=/t,z", NULL, "type=bind,src=^/low,dst=/t,z\n", false },
        { "-p $PID --mount type=bind,src=/low,dst=/t,relabel=shared", NULL,
          "type=bind,src=^/low,dst=/t,relabel=shared\n", false },
        { "-p $PID -v name:/t:Z", NULL, "name:/t:Z\n", false },
        { "-p $PID -c", B("`/low:/t:z`,`name:/u:Z`"), B("`^/low:/t:z`,`name:/u:Z`"), false },
        { "-b @/h/hb:/low -v /low:/t:Z", NULL, "@/h/hb:/t:Z\n", false },
    };
    (void)state;
    start_runner(0, STANDARD);
    for (size_t i = 0; i < COUNT(cases); i++) {
        bool self = !strncmp(cases[i].args, "-S", 2);
        struct ran r = self ? run((struct call){ .args = cases[i].args, .self = true })
                            : tool_in(cases[i].args, cases[i].in ? cases[i].in : "");
        char *newline = strchr(r.err, '\n');
        if (r.status || (cases[i].out && strcmp(r.out, expand(cases[i].out))))
            flunk("%s: %d %s%s", cases[i].args, r.status, r.out, r.err);
        bool one = newline && !newline[1] && !strncmp(r.err, "dindbind: /low: warning: ", 25) && strstr(r.err, "use z");
        if (cases[i].warned ? !one : *r.err != 0)
            flunk("%s: said %s", cases[i].args, r.err);
    }
    struct ran r = tool("-p $PID -v /none:/t:Z");
    if (r.status != 1 || strstr(r.err, "warning"))
        flunk("a missing source: %d %s", r.status, r.err);
}

/* ---- Mounts below -------------------------------------------------------------------------------------- */

struct below_case {
    const char *name, *args, *body;
    int status;
    const char *out;            /* in any spelling; or what the message names */
};

#define BELOW "bind " VOL " ^/a/b;bind @/h/hb ^/a/b/sub;ro ^/a/b/sub;bind @/h/devb ^/a/c;tmpfs ^/x;dir ^/x/a;tmpfs ^/x/a"
#define ABIND(more) PART("/a", "/t", more)

static const struct below_case below_cases[] = {
    { "Binds", "-p $PID -c", B("`/a:/t`"), 0, B("`^/a:/t`,`" VOL ":/t/b`,`@/h/hb:/t/b/sub:ro`,`@/h/devb:/t/c`") },
    { "Binds, not clean", "-p $PID -c", B("`/a:/t//u/`"), 0, B("`^/a:/t//u/`,`"
      VOL ":/t/u/b`,`@/h/hb:/t/u/b/sub:ro`,`@/h/devb:/t/u/c`") },
    { "Binds, read-only", "-p $PID -c", B("`/a:/t:ro`"), 0, B("`^/a:/t:ro`,`"
      VOL ":/t/b:ro`,`@/h/hb:/t/b/sub:ro`,`@/h/devb:/t/c:ro`") },
    { "Binds, modes", "-p $PID -c", B("`/a:/t:rw,rslave`"), 0, B("`^/a:/t:rw,rslave`,`"
      VOL ":/t/b:rw,rslave`,`@/h/hb:/t/b/sub:ro,rslave`,"
      "`@/h/devb:/t/c:rw,rslave`") },
    { "Binds, between others", "-p $PID -c", B("`vo:/1`,`/a/b:/t`,`/low:/2`"), 0, B("`vo:/1`,`"
      VOL ":/t`,`@/h/hb:/t/sub:ro`,`^/low:/2`") },
    { "Binds, -R", "-R -p $PID -c", B("`/a:/t`"), 0, B("`^/a:/t:ro`,`" VOL ":/t/b:ro`,`@/h/hb:/t/b/sub:ro`,"
      "`@/h/devb:/t/c:ro`") },
    { "nothing below", "-p $PID -c", B("`/a/c:/t`"), 0, B("`@/h/devb:/t`") },
    { "Mounts", "-p $PID -c", M(ABIND("")), 0, M(PART("^/a", "/t", "") "," PART(VOL, "/t/b", "") "," PART("@/h/hb",
      "/t/b/sub", ",`ReadOnly`:true")
      "," PART("@/h/devb", "/t/c", "")) },
    { "Mounts, what it has besides", "-p $PID -c", M(ABIND(",`x`:[1e400],`Consistency`:`cached`,"
      "`BindOptions`:{`Propagation`:`rslave`}")), 0,
      M(PART("^/a", "/t", ",`x`:[1e400],`Consistency`:`cached`,`BindOptions`:{`Propagation`:`rslave`}") ","
        PART(VOL, "/t/b", ",`x`:[1e400],`Consistency`:`cached`,`BindOptions`:{`Propagation`:`rslave`}") ","
        PART("@/h/hb", "/t/b/sub", ",`x`:[1e400],`Consistency`:`cached`,`BindOptions`:{`Propagation`:`rslave`},"
                "`ReadOnly`:true") ","
        PART("@/h/devb", "/t/c", ",`x`:[1e400],`Consistency`:`cached`,`BindOptions`:{`Propagation`:`rslave`}")) },
    { "Mounts, ReadOnly false", "-p $PID -c", M(ABIND(",`ReadOnly`:false")), 0, M(PART("^/a", "/t",
      ",`ReadOnly`:false") ","
      PART(VOL, "/t/b", ",`ReadOnly`:false") "," PART("@/h/hb", "/t/b/sub", ",`ReadOnly`:true") "," PART("@/h/devb",
              "/t/c", ",`ReadOnly`:false")) },
    { "Mounts, ReadOnly true", "-p $PID -c", M(ABIND(",`ReadOnly`:true")), 0, M(PART("^/a", "/t", ",`ReadOnly`:true")
      ","
      PART(VOL, "/t/b", ",`ReadOnly`:true") "," PART("@/h/hb", "/t/b/sub", ",`ReadOnly`:true") "," PART("@/h/devb",
              "/t/c", ",`ReadOnly`:true")) },
    { "Mounts, NonRecursive", "-p $PID -c", M(ABIND(",`BindOptions`:{`NonRecursive`:true}")), 0,
      M(PART("^/a", "/t", ",`BindOptions`:{`NonRecursive`:true}")) },
    { "Mounts, nonrecursive in other letters", "-p $PID -c", M(ABIND(",`bindOptions`:{`NONRECUR\\u017fIVE`:true}")), 0,
      M(PART("^/a", "/t", ",`bindOptions`:{`NONRECUR\\u017fIVE`:true}")) },
    { "Mounts, NonRecursive false", "-p $PID -c", M("{`Type`:`bind`,`Source`:`/a/b`,`Target`:`/t`,"
      "`BindOptions`:{`NonRecursive`:false}}"), 0,
      M(PART(VOL, "/t", ",`BindOptions`:{`NonRecursive`:false}") "," PART("@/h/hb", "/t/sub",
      ",`BindOptions`:{`NonRecursive`:false},`ReadOnly`:true")) },
    { "Mounts, ReadOnlyForceRecursive", "-p $PID -c", M(PART("/a/b", "/t", ",`ReadOnly`:true,"
      "`BindOptions`:{`ReadOnlyForceRecursive`:true}")), 0,
      M(PART(VOL, "/t", ",`ReadOnly`:true,`BindOptions`:{`ReadOnlyForceRecursive`:true}") "," PART("@/h/hb", "/t/sub",
      ",`ReadOnly`:true,`BindOptions`:{`ReadOnlyForceRecursive`:true}")) },
    { "Mounts, ReadOnlyNonRecursive, writable ones below", "-p $PID -c", M(ABIND(",`ReadOnly`:true,"
      "`BindOptions`:{`ReadOnlyNonRecursive`:true}")), 1, "/a/b" },
    { "Mounts, ReadOnlyNonRecursive, read-only ones below", "-p $PID -c", M(PART("/a/b", "/t", ",`ReadOnly`:true,"
      "`BindOptions`:{`ReadOnlyNonRecursive`:true}")), 0,
      M(PART(VOL, "/t", ",`ReadOnly`:true,`BindOptions`:{`ReadOnlyNonRecursive`:true}") "," PART("@/h/hb", "/t/sub",
      ",`ReadOnly`:true,`BindOptions`:{`ReadOnlyNonRecursive`:true}")) },
    { "Mounts, ReadOnlyNonRecursive and NonRecursive", "-p $PID -c", M(ABIND(",`ReadOnly`:true,"
      "`BindOptions`:{`ReadOnlyNonRecursive`:true,`NonRecursive`:true}")), 0, M(PART("^/a", "/t", ",`ReadOnly`:true,"
      "`BindOptions`:{`ReadOnlyNonRecursive`:true,`NonRecursive`:true}")) },
    { "Mounts, ReadOnlyNonRecursive, writable itself", "-p $PID -c", M(PART("/a/b", "/t",
      ",`BindOptions`:{`ReadOnlyNonRecursive`:true}")), 0,
      M(PART(VOL, "/t", ",`BindOptions`:{`ReadOnlyNonRecursive`:true}") "," PART("@/h/hb", "/t/sub",
      ",`BindOptions`:{`ReadOnlyNonRecursive`:true},`ReadOnly`:true")) },
    { "Mounts, ReadOnlyNonRecursive, -R", "-p $PID -R -c", M(PART("/a/b", "/t", ",`ReadOnly`:true,"
      "`BindOptions`:{`ReadOnlyNonRecursive`:true}")), 0,
      M(PART(VOL, "/t", ",`ReadOnly`:true,`BindOptions`:{`ReadOnlyNonRecursive`:true}") "," PART("@/h/hb", "/t/sub",
      ",`ReadOnly`:true,`BindOptions`:{`ReadOnlyNonRecursive`:true}")) },
    { "Mounts, CreateMountpoint", "-p $PID -c", M(PART("/a/b", "/t", ",`BindOptions`:{`CreateMountpoint`:true}")), 0,
      M(PART(VOL, "/t", ",`BindOptions`:{`CreateMountpoint`:true}") "," PART("@/h/hb", "/t/sub",
      ",`BindOptions`:{`CreateMountpoint`:true},`ReadOnly`:true")) },
    { "Mounts, not clean", "-p $PID -c", M("{`Target`:`/t/./u/`,`Source`:`/a//b`,`Type`:`bind`}"), 0,
      M("{`Target`:`/t/./u/`,`Source`:`" VOL "`,`Type`:`bind`}," PART("@/h/hb", "/t/u/sub", ",`ReadOnly`:true")) },
    /* another mount has that target */
    { "another bind there", "-p $PID -c", B("`/a:/t`,`/low:/t/c`"), 0, B("`^/a:/t`,`"
      VOL ":/t/b`,`@/h/hb:/t/b/sub:ro`,`^/low:/t/c`") },
    { "another bind there, before", "-p $PID -c", B("`/low:/t/c/`,`/a:/t`"), 0, B("`^/low:/t/c/`,`^/a:/t`,`"
      VOL ":/t/b`,`@/h/hb:/t/b/sub:ro`") },
    { "a volume there", "-p $PID -c", B("`vo:/t/c`,`/a:/t`"), 0, B("`vo:/t/c`,`^/a:/t`,`"
      VOL ":/t/b`,`@/h/hb:/t/b/sub:ro`") },
    { "a mount there", "-p $PID -c",
      HC("`Mounts`:[{`Type`:`volume`,`Source`:`v`,`Target`:`/t/./c`}],`Binds`:[`/a:/t`]"),
      0,
      HC("`Mounts`:[{`Type`:`volume`,`Source`:`v`,`Target`:`/t/./c`}],`Binds`:[`^/a:/t`,`"
      VOL ":/t/b`,`@/h/hb:/t/b/sub:ro`]") },
    { "a tmpfs there", "-p $PID -c", M(ABIND("") ",{`Type`:`tmpfs`,`Target`:`/t/c`}"), 0, M(PART("^/a", "/t", "") ","
      PART(VOL, "/t/b", "") ","
      PART("@/h/hb", "/t/b/sub", ",`ReadOnly`:true") ",{`Type`:`tmpfs`,`Target`:`/t/c`}") },
    { "a tmpfs of Tmpfs there", "-p $PID -c", HC("`Binds`:[`/a:/t`],`Tmpfs`:{`/t/c`:`size=1m`}"), 0,
      HC("`Binds`:[`^/a:/t`,`" VOL ":/t/b`,`@/h/hb:/t/b/sub:ro`],`Tmpfs`:{`/t/c`:`size=1m`}") },
    { "an anonymous volume there", "-p $PID -c", "{`Volumes`:{`/t/c/`:{}},`HostConfig`:{`Binds`:[`/a:/t`]}}", 0,
      "{`Volumes`:{`/t/c/`:{}},`HostConfig`:{`Binds`:[`^/a:/t`,`" VOL ":/t/b`,`@/h/hb:/t/b/sub:ro`]}}" },
    { "a bind in the place of a whole part", "-p $PID -c", B("`/a:/t`,`/low:/t/b`"), 0,
      B("`^/a:/t`,`@/h/devb:/t/c`,`^/low:/t/b`") },
    { "Binds and Mounts both", "-p $PID -c", HC("`Binds`:[`/a/b:/1`],`Mounts`:[{`Type`:`bind`,`Source`:`/a/b`,"
      "`Target`:`/2`}]"), 0,
      HC("`Binds`:[`" VOL ":/1`,`@/h/hb:/1/sub:ro`],`Mounts`:[" PART(VOL, "/2", "") "," PART("@/h/hb", "/2/sub",
      ",`ReadOnly`:true") "]") },
    /* rows without a runner */
    { "rows", "-b @/h/hb:/w -b @/h/devb:/w/d -c", B("`/w:/t`"), 0, B("`@/h/hb:/t`,`@/h/devb:/t/d`") },
    { "rows, read-only", "-b @/h/hb:/w -b @/h/devb:/w/d:ro -c", M("{`Type`:`bind`,`Source`:`/w`,`Target`:`/t`}"), 0,
      M(PART("@/h/hb", "/t", "") "," PART("@/h/devb", "/t/d", ",`ReadOnly`:true")) },
    /* no host path for one of them */
    { "a tmpfs below", "-p $PID -c", B("`/x:/t`"), 1, "/x" },
    { "a tmpfs below, Mounts", "-p $PID -c", M("{`Type`:`bind`,`Source`:`/x`,`Target`:`/t`}"), 1, "/x" },
    { "the whole root", "-p $PID -c", B("`/:/t`"), 1, "/x" },
    /* volumes that are binds */
    { "o=bind has no mounts below", "-p $PID -c", M(VOLUME(OPTS("/a", "bind"))), 0, M(VOLUME(OPTS("^/a", "bind"))) },
    { "o=rbind cannot have them", "-p $PID -c", M(VOLUME(OPTS("/a", "rbind"))), 1, "/a/b" },
    { "o=rbind, nothing below", "-p $PID -c", M(VOLUME(OPTS("/a/c", "rbind"))), 0, M(VOLUME(OPTS("@/h/devb",
      "rbind"))) },
    { "o=bind, read-only", "-p $PID -c", M(VOLUME(OPTS("/a/b/sub", "bind"))), 1, "o=bind,ro" },
    { "o=bind,ro, read-only", "-p $PID -c", M(VOLUME(OPTS("/a/b/sub", "bind,ro"))), 0,
      M(ROVOLUME(OPTS("@/h/hb", "bind,ro"))) },
};

static void check_below(void **state)
{
    const struct below_case *c = *state;
    start_runner(0, BELOW);
    struct ran r = tool_in(c->args, c->body);
    if (c->status) {
        expect_ran(c->name, r, c->status, "", c->out);
        return;
    }
    size_t n;
    char *want = expand_n(c->out, &n);
    struct json *a = parse(want, n), *b = parse(r.out, r.outlen);
    assert_non_null(a);
    if (r.status || *r.err || !b || !same_value(a, b))
        flunk("%s with %s\n-- wanted, in any spelling,\n%s\n-- got %d and\n%s\n-- with\n%s", c->args, expand(c->body),
                want, r.status,
              r.out, r.err);
}

/* ==== -S ================================================================================================ */

struct self_case {
    const char *name;
    const char *setup;          /* NULL: docker's */
    const char *run;            /* the runner's mounts */
    const char *after;          /* ordered from the runner, or NULL */
    const char *host;           /* done by the host then, or NULL */
    const char *args, *cwd;     /* besides -S */
    int status;                 /* DOUBT: the right answer, or a refusal; never a wrong one */
    const char *out;            /* DOUBT: the source in the runner, by its real name */
    const char *word;           /* the error word of a refusal */
};

enum { DOUBT = -1 };

#define OTHER "engine @/d overlay2;dir @/other;tmpfs @/other size=1m;file @/other/f other;dir @/other/e;"
#define OWN_STORE "imagestore @/d @/d/containerd/daemon"
#define PACKAGES_HOSTNAME "bind /var/lib/docker/containers/" CID "/hostname ^/etc/hostname;"
#define OWN_DISK "dir @/d;tmpfs @/d mode=755;engine @/d overlay2;"
#define ONTO_ITSELF "dir @/d;bind @/d @/d;engine @/d overlay2;"
#define FROM_ELSEWHERE "dir @/real;dir @/d;bind @/real @/d;engine @/d overlay2;"
#define LIB(d) d "engine @/lib/docker overlay2;"
#define ON_LIB LIB("dir @/lib;tmpfs @/lib mode=755;dir @/lib/data;file @/lib/data/f x;")
#define BOUND_LIB LIB("dir @/disk;tmpfs @/disk mode=755;dir @/disk/docker;dir @/disk/data;file @/disk/data/f x;dir @/lib;" \
                      "dir @/lib/docker;bind @/disk/docker @/lib/docker;dir @/lib/data;file @/lib/data/f wrong;")
#define LIB_VOL "@/lib/docker/volumes/vol1/_data"
#define DIND "dir @/o;dir @/o/volumes;dir @/o/volumes/x;dir @/o/volumes/x/_data;dir @/d;bind @/o/volumes/x/_data @/d;" \
    "engine @/d overlay2;"
#define FAKE(size) "engine @/d overlay2;dir @/fake;tmpfs @/fake " size ";dir @/fake/containers;dir @/fake/containers/" CID ";" \
    "file @/fake/containers/" CID "/hosts x;dir @/fake/data;file @/fake/data/f right;dir @/d/data;" \
    "file @/d/data/f wrong;"

static const struct self_case self_cases[] = {
    { "the root file system", NULL, STANDARD, NULL, NULL, "/low /m/one", NULL, 0, "^/low\n^/m/one\n", NULL },
    { "-H is the same", NULL, STANDARD, NULL, NULL, "-H /low", NULL, 0, "^/low\n", NULL },
    { "a merged directory", NULL, STANDARD, NULL, NULL, "/m", NULL, 0, "^/m\n", NULL },
    { "a volume", NULL, STANDARD, NULL, NULL, "/vol /vol/sub/s", NULL, 0, VOL "\n" VOL "/sub/s\n", NULL },
    { "a host bind", NULL, STANDARD, NULL, NULL, "/devb/f", NULL, 0, "@/h/devb/f\n", NULL },
    { "a file mounted singly", NULL, STANDARD, NULL, NULL, "/etc/onefile", NULL, 0, "@/h/onefile\n", NULL },
    { "hosts mounted over", NULL, STANDARD, NULL, NULL, "/etc/hosts", NULL, 0, "@/h/hosts\n", NULL },
    { "hostname, resolv.conf", NULL, STANDARD, NULL, NULL, "/etc/hostname /etc/resolv.conf", NULL, 0,
      "@/d/containers/" CID "/hostname\n@/d/containers/" CID "/resolv.conf\n", NULL },
    { "missing", NULL, STANDARD, NULL, NULL, "/none", NULL, 1, "", "missing" },
    { "the host's already, a path that is not here", NULL, STANDARD, NULL, NULL,
      "-b /home/u:/home/u -v /home/u/proj:/x -v /home/u:/y", NULL, 0, "/home/u/proj:/x\n/home/u:/y\n", NULL },
    { "the host's already, read-only", NULL, STANDARD, NULL, NULL, "-b /home/u:/home/u:ro -v /home/u/proj:/x", NULL, 0,
      "/home/u/proj:/x:ro\n", NULL },
    { "the host's already, another name, -m", NULL, STANDARD, NULL, NULL, "-m -b /srv/u:/home/u -v /home/u/proj:/x", NULL, 0,
      "/srv/u/proj:/x\n", NULL },
    { "the host's already, with a directory of ours at the place", NULL, STANDARD, NULL, NULL,
      "-b /lib/modules:/m -v /m/6.1:/x", NULL, 0, "/lib/modules/6.1:/x\n", NULL },
    { "the host's already, but for a mount of ours below", NULL, STANDARD ";dir ^/m/v;bind " VOL " ^/m/v", NULL, NULL,
      "-b /lib/modules:/m -v /m/v/none:/x", NULL, 1, "", "missing" },
    { "missing in what is mounted here", NULL, STANDARD, NULL, NULL, "-b @/h/devb:/devb -v /devb/none:/x", NULL, 1, "",
      "missing" },
    { "a read-only bind", NULL, STANDARD, NULL, NULL, "/hb/f", NULL, 1, "", NULL },
    { "a read-only bind, -R", NULL, STANDARD, NULL, NULL, "-R /hb/f", NULL, 0, "@/h/hb/f\n", NULL },
    { "a read-only bind, a spec", NULL, STANDARD, NULL, NULL, "-v /hb:/t --mount type=bind,src=/hb/f,dst=/u", NULL, 0,
      "@/h/hb:/t:ro\ntype=bind,src=@/h/hb/f,dst=/u,readonly\n", NULL },
    { "a tmpfs", NULL, STANDARD, NULL, NULL, "/tm1/t", NULL, 1, "", "foreign" },
    { "a tmpfs, a spec", NULL, STANDARD, NULL, NULL, "-v /tm1:/t", NULL, 1, "", "foreign" },
    { "procfs", NULL, STANDARD, NULL, NULL, "/proc/version", NULL, 1, "", "foreign" },
    { "a tmpfs below", NULL, STANDARD, NULL, NULL, "/", NULL, 1, "", "nested" },
    { "mounts below", NULL, SELF BELOW, NULL, NULL, "/a", NULL, 1, "", "nested" },
    { "mounts below, a spec", NULL, SELF BELOW, NULL, NULL, "-v /a:/t", NULL, 0,
      "^/a:/t\n" VOL ":/t/b\n@/h/hb:/t/b/sub:ro\n@/h/devb:/t/c\n", NULL },
    { "oci", NULL, STANDARD, NULL, NULL, "-f oci -v /vol:/t", NULL, 0,
      "[{`destination`:`/t`,`type`:`bind`,`source`:`" VOL "`,`options`:[`rbind`,`rw`]}]\n", NULL },
    { "json", NULL, STANDARD, NULL, NULL, "-f json /vol/v", NULL, 0,
      "{`source`:`/vol/v`,`rule`:`self`,`kind`:`single`,`path`:`" VOL "/v`,`type`:`file`,`ro`:false}\n", NULL },
    { "below a bind row", NULL, STANDARD, NULL, NULL, "-b /name/out/there:/tm1 /tm1/t", NULL, 0, "/name/out/there/t\n",
      NULL },
    { "a link below a bind row", NULL, STANDARD, "link /tm1/l t", NULL, "-b /name/out/there:/tm1 /tm1/l", NULL, 0,
      "/name/out/there/t\n", NULL },
    { "a link out of a bind row", NULL, STANDARD, "link /tm1/l /low", NULL, "-b /name/out/there:/tm1 /tm1/l", NULL, 0,
      "^/low\n", NULL },
    { "missing below a bind row", NULL, STANDARD, NULL, NULL, "-b /name/out/there:/tm1 /tm1/none", NULL, 1, "",
      "missing" },
    { "a bind row with a mount below that it does not have", NULL, STANDARD, NULL, NULL,
      "-b /name/out/there:/etc /etc/hosts", NULL, 0,
      "@/h/hosts\n", NULL },
    { "a bind row itself", NULL, STANDARD, NULL, NULL, "-b /name/out/there:/tm1 /tm1", NULL, 0, "/name/out/there\n",
      NULL },
    { "-m", NULL, STANDARD, NULL, NULL, "-m /new/dir", NULL, 0, "^/new/dir\n", NULL },
    /* links */
    { "a link to a volume", NULL, STANDARD, NULL, NULL, "/to/v", NULL, 0, VOL "/v\n", NULL },
    { "a relative link, to the root and no further", NULL, STANDARD, NULL, NULL, "/rel", NULL, 0, "^/m/one\n", NULL },
    { "a link to a file mounted singly", NULL, STANDARD, NULL, NULL, "/out", NULL, 0, "@/h/hosts\n", NULL },
    { "a link in a volume", "engine @/d overlay2;link " VOL "/ln /low", STANDARD, NULL, NULL, "/vol/ln", NULL, 0,
      "^/low\n", NULL },
    { "a magic link", NULL, STANDARD, NULL, NULL, "/proc/self/root/low", NULL, 1, "", "loop" },
    /* relative sources */
    { "the current directory", NULL, STANDARD, NULL, NULL, ". ./one ../low ./../m/./two", "/m", 0,
      "^/m\n^/m/one\n^/low\n^/m/two\n",
      NULL },
    { "in a volume", NULL, STANDARD, NULL, NULL, "./s ../v .", "/vol/sub", 0, VOL "/sub/s\n" VOL "/v\n" VOL "/sub\n",
      NULL },
    { "as a spec", NULL, STANDARD, NULL, NULL, "-v ./one:/t -v .:/u -v one:/v --mount type=bind,src=./two,dst=/w", "/m",
      0,
      "^/m/one:/t\n^/m:/u\none:/v\ntype=bind,src=^/m/two,dst=/w\n", NULL },
    { "a name with a dot", "engine @/d overlay2;file ^/m/.dot x", STANDARD, NULL, NULL, "./.dot .dot", "/m", 0,
      "^/m/.dot\n^/m/.dot\n",
      NULL },
    { "without a dot", NULL, STANDARD, NULL, NULL, "one", "/m", 1, "", "relative" },
    { "above the root", NULL, STANDARD, NULL, NULL, "../../../low", "/m", 0, "^/low\n", NULL },
    /* what the runner mounted itself */
    { "a bind of its own root", NULL, STANDARD, "bind /m /x", NULL, "/x/one", NULL, 0, "^/m/one\n", NULL },
    { "a bind of a volume", NULL, STANDARD, "bind /vol/sub /x", NULL, "/x/s", NULL, 0, VOL "/sub/s\n", NULL },
    { "a tmpfs of its own", NULL, STANDARD, "tmpfs /x", NULL, "/x", NULL, 1, "", "foreign" },
    { "a tmpfs over a bind", NULL, STANDARD, "tmpfs /devb;file /devb/f x", NULL, "/devb/f", NULL, 1, "", "foreign" },
    { "an overlay of its own", NULL, STANDARD, "over /x", NULL, "/x/one", NULL, 1, "", "foreign" },
    { "an overlay of its own below", NULL, STANDARD, "over /a/b", NULL, "/a", NULL, 1, "", "nested" },
    /* other devices */
    { "a bind of another device", OTHER, STANDARD ";bind @/other ^/x", NULL, NULL, "/x/f", NULL, 1, "", "foreign" },
    { "a bind of another device, part of it", OTHER, STANDARD ";bind @/other/e ^/x", NULL, NULL, "/x", NULL, 1, "",
      "foreign" },
    { "a bind of another device below", OTHER, STANDARD ";bind @/other ^/a/b", NULL, NULL, "-v /a:/t", NULL, 1, "",
      "nested" },
    { "the data root a file system of its own", OWN_DISK, STANDARD, NULL, NULL, "/low /vol/v /etc/hostname", NULL, 0,
      "^/low\n" VOL "/v\n@/d/containers/" CID "/hostname\n", NULL },
    { "the data root a file system of its own, a host bind", OWN_DISK, STANDARD, NULL, NULL, "/devb/f", NULL, 1, "",
      "foreign" },
    { "the data root bound onto itself", ONTO_ITSELF, STANDARD, NULL, NULL, "/low /vol/v /devb/f", NULL, 0,
      "^/low\n" VOL "/v\n@/h/devb/f\n", NULL },
    { "the data root bound from elsewhere", FROM_ELSEWHERE, STANDARD, NULL, NULL, "/low /vol/v", NULL, 0, "^/low\n"
      VOL "/v\n", NULL },
    { "the data root bound from elsewhere, a host bind", FROM_ELSEWHERE, STANDARD, NULL, NULL, "/devb/f", NULL, DOUBT,
      "/devb/f", NULL },
    { "a device at the data root's parent", ON_LIB, SELF "bind " LIB_VOL " ^/vol;bind @/lib/data ^/x", NULL, NULL,
      "/low", NULL, 0, "^/low\n", NULL },
    { "a device at the data root's parent, a volume", ON_LIB, SELF "bind " LIB_VOL " ^/vol", NULL, NULL, "/vol/v", NULL,
      1, "", "foreign" },
    { "a device at the data root's parent, a bind", ON_LIB, SELF "bind " LIB_VOL " ^/vol;bind @/lib/data ^/x", NULL,
      NULL, "/x/f", NULL,
      DOUBT, "/x/f", NULL },
    { "what looks like one", BOUND_LIB, SELF "bind " LIB_VOL " ^/vol;bind @/disk/data ^/x", NULL, NULL, "/low", NULL, 0,
      "^/low\n", NULL },
    { "what looks like one, a volume", BOUND_LIB, SELF "bind " LIB_VOL " ^/vol", NULL, NULL, "/vol/v", NULL, 1, "",
      "foreign" },
    { "what looks like one, a bind", BOUND_LIB, SELF "bind " LIB_VOL " ^/vol;bind @/disk/data ^/x", NULL, NULL, "/x/f",
      NULL, DOUBT,
      "/x/f", NULL },
    { "a data root in a volume of another engine", DIND, STANDARD, NULL, NULL, "/vol/v", NULL, DOUBT, "/vol/v", NULL },
    { "a data root in a volume of another engine, a bind", DIND, STANDARD, NULL, NULL, "/devb/f", NULL, DOUBT,
      "/devb/f", NULL },
    { "a data root in a volume of another engine, its files", DIND, STANDARD, NULL, NULL, "/etc/hostname", NULL, DOUBT,
      "/etc/hostname",
      NULL },
    { "a data root in a volume of another engine, the root", DIND, STANDARD, NULL, NULL, "/low", NULL, 0, "^/low\n",
      NULL },
    /* which rows say where the data root is */
    { "hostname alone is enough", NULL, SELF NAMED_HOSTNAME "bind @/h/devb ^/devb", NULL, NULL, "/devb/f", NULL, 0,
      "@/h/devb/f\n", NULL },
    { "hosts alone is enough", NULL, SELF "bind " HOSTS " ^/etc/hosts;bind @/h/devb ^/devb", NULL, NULL, "/devb/f",
      NULL, 0,
      "@/h/devb/f\n",
      NULL },
    { "a volume alone is enough", NULL, SELF "bind " VOL " ^/vol;bind @/h/devb ^/devb", NULL, NULL, "/devb/f", NULL, 0,
      "@/h/devb/f\n", NULL },
    { "no row is enough", NULL, SELF "bind @/h/devb ^/devb", NULL, NULL, "/devb/f", NULL, 1, "", "foreign" },
    { "no row is enough: the root is known", NULL, SELF "bind @/h/devb ^/devb", NULL, NULL, "/low", NULL, 0, "^/low\n",
      NULL },
    { "a host directory that is called as a volume", "engine @/d overlay2;dir /volumes;dir /volumes/db;"
      "dir /volumes/db/_data;file /volumes/db/_data/f x", SELF "bind /volumes/db/_data ^/x", NULL, NULL, "/x/f", NULL,
      1, "",
      "foreign" },
    { "the same, below the last part of the data root's name", "engine @/d overlay2;dir /d;dir /d/volumes;"
      "dir /d/volumes/db;dir /d/volumes/db/_data;file /d/volumes/db/_data/f x", SELF "bind /d/volumes/db/_data ^/x",
      NULL,
      NULL, "/x/f", NULL, 1, "", "foreign" },
    { "part of a volume is enough or not", NULL, SELF "bind " VOL "/sub ^/vol;bind @/h/devb ^/devb", NULL, NULL,
      "/devb/f",
      NULL, DOUBT,
      "/devb/f", NULL },
    { "a volume called volumes", "engine @/d overlay2;dir @/d/volumes/volumes;dir @/d/volumes/volumes/_data;"
      "file @/d/volumes/volumes/_data/f x", SELF "bind @/d/volumes/volumes/_data ^/vol;bind @/h/devb ^/devb", NULL,
      NULL, "/devb/f", NULL,
      DOUBT, "/devb/f", NULL },
    { "a volume in a volume", "engine @/d overlay2;dir " VOL "/volumes;dir " VOL "/volumes/e;dir "
      VOL "/volumes/e/_data;file " VOL
      "/volumes/e/_data/f x", SELF "bind " VOL "/volumes/e/_data ^/vol;bind @/h/devb ^/devb", NULL, NULL, "/devb/f",
      NULL, DOUBT, "/devb/f",
      NULL },
    { "a volume in a volume itself", "engine @/d overlay2;dir " VOL "/volumes;dir " VOL "/volumes/e;dir "
      VOL "/volumes/e/_data;file " VOL
      "/volumes/e/_data/f x", SELF "bind " VOL "/volumes/e/_data ^/vol", NULL, NULL, "/vol/f", NULL, DOUBT, "/vol/f",
      NULL },
    { "hosts of another engine's", "engine @/d overlay2;dir @/o;dir @/o/containers;dir @/o/containers/"
      CID ";file @/o/containers/" CID
      "/hosts x", SELF "bind @/o/containers/" CID "/hosts ^/etc/hosts;bind @/h/devb ^/devb", NULL, NULL, "/devb/f",
      NULL, DOUBT, "/devb/f",
      NULL },
    { "hosts of another engine's, and ours", "engine @/d overlay2;dir @/o;dir @/o/containers;dir @/o/containers/" CID
      ";file @/o/containers/" CID "/hosts x", STANDARD ";bind @/o/containers/" CID "/hosts ^/etc/hosts", NULL, NULL,
      "/etc/hosts", NULL,
      DOUBT, "/etc/hosts", NULL },
    { "hosts on another device, and nobody else", FAKE("size=2m"), SELF "bind @/fake/containers/"
      CID "/hosts ^/etc/hosts;"
      "bind @/fake/data ^/x", NULL, NULL, "/x/f", NULL, DOUBT, "/x/f", NULL },
    { "hosts on another device, and hostname", FAKE("size=2m"), SELF NAMED_HOSTNAME "bind @/fake/containers/"
      CID "/hosts ^/etc/hosts;"
      "bind @/fake/data ^/x", NULL, NULL, "/x/f", NULL, DOUBT, "/x/f", NULL },
    { "hosts on another device of the same size", FAKE("mode=755"), SELF "bind @/fake/containers/"
      CID "/hosts ^/etc/hosts;"
      "bind @/fake/data ^/x", NULL, NULL, "/x/f", NULL, DOUBT, "/x/f", NULL },
    { "another device of the same size, and hostname", FAKE("mode=755"), SELF NAMED_HOSTNAME "bind @/fake/containers/"
      CID
      "/hosts ^/etc/hosts;bind @/fake/data ^/x", NULL, NULL, "/x/f", NULL, DOUBT, "/x/f", NULL },
    { "hosts in another place", NULL, SELF "bind " HOSTS " ^/f1;bind @/h/devb ^/devb", NULL, NULL, "/devb/f", NULL,
      DOUBT, "/devb/f", NULL },
    { "hosts of a container with a short name",
      "engine @/d overlay2;dir @/d/containers/abc;file @/d/containers/abc/hosts x",
      SELF "bind @/d/containers/abc/hosts ^/etc/hosts;bind @/h/devb ^/devb", NULL, NULL, "/devb/f", NULL, DOUBT,
              "/devb/f", NULL },
    { "a file that the host has replaced", NULL, STANDARD, NULL, "rm @/h/onefile;file @/h/onefile new", "/etc/onefile",
      NULL, 1, "",
      "foreign" },
    { "a directory that the host has removed", NULL, STANDARD ";bind @/h/devb ^/x", NULL,
      "rm @/h/devb/f;rmdir @/h/devb", "/x", NULL, 1,
      "", "foreign" },
    { "a directory that the host has moved", NULL, STANDARD, NULL, "move @/h/devc @/h/devb", "/devb/f", NULL, 0,
      "@/h/devc/f\n", NULL },
    /* other layouts */
    { "image store: a volume", OWN_STORE, STANDARD, NULL, NULL, "/vol/v", NULL, 0, VOL "/v\n", NULL },
    { "image store: a host bind and docker's files", OWN_STORE, STANDARD, NULL, NULL,
      "/devb/f /etc/onefile /etc/hostname", NULL, 0, "@/h/devb/f\n@/h/onefile\n@/d/containers/" CID "/hostname\n", NULL },
    { "image store: a part of a volume", OWN_STORE, SELF NAMED_HOSTNAME "bind " VOL "/sub ^/vol", NULL, NULL, "/vol/s",
      NULL, 0, VOL "/sub/s\n", NULL },
    { "image store: a volume alone is enough", OWN_STORE, SELF "bind " VOL " ^/vol;bind @/h/devb ^/devb", NULL, NULL,
      "/devb/f", NULL, 0, "@/h/devb/f\n", NULL },
    { "image store: the root", OWN_STORE, STANDARD, NULL, NULL, "/low", NULL, 1, "", "foreign" },
    { "image store: the data root a file system of its own", "dir @/d;tmpfs @/d mode=755;" OWN_STORE, STANDARD, NULL,
      NULL, "/vol/v /etc/hostname", NULL, 0, VOL "/v\n@/d/containers/" CID "/hostname\n", NULL },
    { "image store: a host bind, the data root a file system of its own", "dir @/d;tmpfs @/d mode=755;" OWN_STORE,
      STANDARD, NULL, NULL, "/devb/f", NULL, 1, "", "foreign" },
    { "image store: no directory of dockerd's", "imagestore @/d @/d/containerd", STANDARD, NULL, NULL, "/vol/v", NULL, 1,
      "", "foreign" },
    { "containerd of the system's, both where packages put them", "imagestore /var/lib/docker /var/lib/containerd",
      SELF PACKAGES_HOSTNAME "bind /var/lib/docker/volumes/vol1/_data ^/vol;bind @/h/devb ^/devb", NULL, NULL,
      "/vol/v /devb/f /etc/hostname", NULL, 0,
      "/var/lib/docker/volumes/vol1/_data/v\n@/h/devb/f\n/var/lib/docker/containers/" CID "/hostname\n", NULL },
    { "containerd of the system's, the root", "imagestore /var/lib/docker /var/lib/containerd", SELF PACKAGES_HOSTNAME,
      NULL, NULL, "/low", NULL, 1, "", "foreign" },
    { "containerd of the system's, no file of docker's", "imagestore /var/lib/docker /var/lib/containerd",
      SELF "bind /var/lib/docker/volumes/vol1/_data ^/vol", NULL, NULL, "/vol/v", NULL, 1, "", "foreign" },
    { "containerd of the system's, docker elsewhere on the same device", "imagestore @/d /var/lib/containerd", STANDARD,
      NULL, NULL, "/vol/v", NULL, 1, "", "foreign" },
    { "containerd of the system's, docker elsewhere, a host bind", "imagestore @/d /var/lib/containerd", STANDARD, NULL,
      NULL, "/devb/f", NULL, 1, "", "foreign" },
    { "containerd of the system's, docker at that place of another device",
      "dir @/disk;tmpfs @/disk size=2m;imagestore @/disk/var/lib/docker /var/lib/containerd",
      SELF "bind @/disk/var/lib/docker/containers/" CID "/hostname ^/etc/hostname;"
      "bind @/disk/var/lib/docker/volumes/vol1/_data ^/vol", NULL, NULL, "/vol/v", NULL, 1, "", "foreign" },
    { "containerd of the system's, docker's place below another", "imagestore @/disk/var/lib/docker /var/lib/containerd",
      SELF "bind @/disk/var/lib/docker/containers/" CID "/hostname ^/etc/hostname;"
      "bind @/disk/var/lib/docker/volumes/vol1/_data ^/vol", NULL, NULL, "/vol/v", NULL, 1, "", "foreign" },
    { "containerd elsewhere, docker where its package puts it", "imagestore /var/lib/docker @/c",
      SELF PACKAGES_HOSTNAME "bind /var/lib/docker/volumes/vol1/_data ^/vol", NULL, NULL, "/vol/v", NULL, 1, "",
      "foreign" },
    { "vfs: a volume", "vfs @/d", STANDARD, NULL, NULL, "/vol/v", NULL, 1, "", "foreign" },
    { "podman: root and volume", PODMAN, PODMAN_RUN, NULL, NULL, "/low /vol/v", NULL, 0,
      "^/low\n@/p/volumes/vol1/_data/v\n", NULL },
    { "podman: a host bind", PODMAN, PODMAN_RUN, NULL, NULL, "/devb/f /etc/onefile /etc/hosts", NULL, 0,
      "@/h/devb/f\n@/h/onefile\n@/h/hosts\n", NULL },
    { "podman: hostname", PODMAN, PODMAN_RUN, NULL, NULL, "/etc/hostname", NULL, 0,
      "@/prun/overlay-containers/" PCID "/userdata/hostname\n", NULL },
    { "podman without a volume: the root", PODMAN, SELF "bind @/h/devb ^/devb;bind @/prun/overlay-containers/"
      PCID "/userdata/hosts "
      "^/etc/hosts", NULL, NULL, "/low", NULL, 0, "^/low\n", NULL },
    { "podman without a volume: a host bind", PODMAN, SELF "bind @/h/devb ^/devb;bind @/prun/overlay-containers/"
      PCID "/userdata/hosts "
      "^/etc/hosts", NULL, NULL, "/devb/f", NULL, 1, "", "foreign" },
    { "containerd: the root", "dir @/s;dir @/s/snapshots;dir @/s/snapshots/5;dir @/s/snapshots/5/fs;dir @/rootfs;plain "
      "@/s/snapshots/5/fs @/rootfs", SELF "bind @/h/devb ^/devb", NULL, NULL, "/low", NULL, 1, "", "foreign" },
    { "containerd: a bind", "dir @/s;dir @/s/snapshots;dir @/s/snapshots/5;dir @/s/snapshots/5/fs;dir @/rootfs;plain "
      "@/s/snapshots/5/fs @/rootfs", SELF "bind @/h/devb ^/devb", NULL, NULL, "/devb/f", NULL, 1, "", "foreign" },
    { "containerd, beside docker's hosts",
      "engine @/d overlay2;dir @/s;dir @/s/snapshots;dir @/s/snapshots/5;dir @/s/snapshots/5/fs;"
      "dir @/rootfs;plain @/s/snapshots/5/fs @/rootfs", SELF "bind " HOSTS " ^/etc/hosts;bind @/h/devb ^/devb", NULL,
      NULL, "/devb/f", NULL,
      1, "", "foreign" },
    { "diff without merged beside", "dir @/s;dir @/s/5;dir @/s/5/diff;dir @/rootfs;plain @/s/5/diff @/rootfs", SELF,
      NULL, NULL, "/low",
      NULL, DOUBT, "/low", NULL },
    { "overlay2 without merged beside",
      "dir @/s;dir @/s/overlay2;dir @/s/overlay2/5;dir @/s/overlay2/5/upper;dir @/rootfs;"
      "plain @/s/overlay2/5/upper @/rootfs", SELF, NULL, NULL, "/low", NULL, 1, "", "foreign" },
    { "upperdir relative", "relengine @/d overlay2", STANDARD, NULL, NULL, "/low", NULL, 1, "", "foreign" },
    { "upperdir relative, a volume", "relengine @/d overlay2", STANDARD, NULL, NULL, "/vol/v", NULL, 1, "", "foreign" },
    { "upperdir relative, podman", "relengine @/p overlay", PODMAN_RUN, NULL, NULL, "/low", NULL, 1, "", "foreign" },
    { "no procfs", NULL, "bind @/h/devb ^/devb", NULL, NULL, "/low", NULL, 3, "", "procfs" },
    { "another file system at /proc", NULL, STANDARD, "tmpfs /proc", NULL, "/low", NULL, 3, "", "procfs" },
};

static int begin_self(void **state)
{
    const struct self_case *c = *state;
    return begin_with(c->setup ? c->setup : "engine @/d overlay2");
}

/* A text of paths or -v specs: what each line names out here is what `sources` are in the runner. */
static void truth(char *text, const char *sources)
{
    char *copy = textf("%s", sources), *save = NULL;
    for (char *w = strtok_r(copy, " ", &save); w; w = strtok_r(NULL, " ", &save)) {
        char *line = text;
        text = strchr(text, '\n');
        if (!text)
            flunk("no answer for %s", w);
        *text++ = 0;
        line[strcspn(line, ":")] = 0;
        if (!same_file(line, inside(w)))
            flunk("%s out here is not %s in the runner", line, w);
    }
}

static void check_self(void **state)
{
    const struct self_case *c = *state;
    have_runner(0, c->run, c->after, c->host);
    struct call call = { .args = textf("-S %s", c->args), .self = true, .cwd = c->cwd };
    struct ran r = run(call);
    if (c->status == DOUBT) {
        if (r.status > 1 || (r.status && (r.outlen || !*r.err)))
            flunk("-S %s: %d %s%s", c->args, r.status, r.out, r.err);
        print_message("    %s", r.status ? "refused\n" : r.out);
        if (!r.status)
            truth(r.out, c->out);
        return;
    }
    expect_ran(textf("-S %s", c->args), r, c->status, c->out, "");
    if (c->word) {
        call.args = textf("-f json %s", call.args);
        r = run(call);
        if (r.status != c->status || !strstr(r.out, textf("\"error\":\"%s\"", c->word)))
            flunk("-S %s: wanted %s, got %d %s%s", c->args, c->word, r.status, r.out, r.err);
        bool own = strstr(r.err, "only this container has");         /* of which inspect knows nothing */
        if (!strcmp(c->word, "foreign") && ((!own && !strstr(r.err, "-r")) || !strstr(r.err, "-b")))
            flunk("-S %s: no word of -r and -b: %s", c->args, r.err);
    }
}

/* What each of these is out here, known by device and inode. */
static void truths(void **state)
{
    (void)state;
    start_runner(0, STANDARD);
    static const char *const real[] = {
        "/low", "/m", "/m/one", "/m/two", "/w", "/a/b", "/vol", "/vol/v", "/vol/sub", "/vol/sub/s", "/devb", "/devb/f",
        "/etc/onefile",
        "/etc/hosts", "/etc/hostname", "/etc/resolv.conf", "/.dockerenv", "/f1", "/hb", "/hb/d/g",
    };
    for (size_t i = 0; i < COUNT(real); i++) {
        struct ran r = run((struct call){ .args = textf("-S -R %s", real[i]), .self = true });
        if (r.status)
            flunk("%s: %d %s", real[i], r.status, r.err);
        truth(r.out, real[i]);
        r = run((struct call){ .args = textf("-S -v %s:/t", real[i]), .self = true });
        if (r.status)
            flunk("-v %s: %d %s", real[i], r.status, r.err);
        truth(r.out, real[i]);
    }
}

static void self_streams(void **state)
{
    (void)state;
    start_runner(0, STANDARD);
    struct call c = { .args = "-S -", .self = true, .cwd = "/m" };
    c.in = expand_n("/low\n/none\n/vol/v\n./one\n/tm1/t\n/devb\n", &c.nin);
    expect_ran("-S -", run(c), 1, "^/low\n\n" VOL "/v\n^/m/one\n\n@/h/devb\n", "/none");
    c.args = "-S -c";
    c.in = expand_n(HC("`Binds`:[`/low:/a`,`./one:/b`,`vol:/c`,`/hb:/d`],`Mounts`:[{`Type`:`bind`,`Source`:`../vol/v`,"
            "`Target`:`/e`},"
                       "{`Type`:`bind`,`Source`:`/etc/hosts`,`Target`:`/f`}]"), &c.nin);
    expect_ran("-S -c", run(c), 0, HC("`Binds`:[`^/low:/a`,`^/m/one:/b`,`vol:/c`,`@/h/hb:/d:ro`],"
        "`Mounts`:[{`Type`:`bind`,"
            "`Source`:`" VOL
         "/v`,`Target`:`/e`},{`Type`:`bind`,`Source`:`@/h/hosts`,`Target`:`/f`}]"), "");
    c.in = expand_n(B("`/low:/a`,`/tm1:/b`"), &c.nin);
    expect_ran("-S -c, a tmpfs", run(c), 1, "", "/tm1");
    c.in = expand_n(B("`one:/a`"), &c.nin);
    expect_ran("-S -c, a name", run(c), 0, B("`one:/a`"), "");
    c.in = expand_n(M(VOLUME(OPTS("/vol/sub", "bind"))), &c.nin);
    expect_ran("-S -c, a volume's device", run(c), 0, M(VOLUME(OPTS(VOL "/sub", "bind"))), "");
    c.args = "-S -c -m";
    c.in = expand_n(B("`./made:/a`"), &c.nin);
    expect_ran("-S -c -m", run(c), 0, B("`^/m/made:/a`"), "");
    struct stat st;
    if (stat(expand("^/m/made"), &st) || !S_ISDIR(st.st_mode))
        flunk("-m made nothing");
}

/* Who asks for what is not mounted any more is told just that. */
static void gone_row(void **state)
{
    (void)state;
    must("dir @/other");
    start_runner(0, STANDARD);
    put_file(expand("^/runner"), edited(docker_inspect, (const char *const[][2]){ ROW("@/other", "/x", "true") }, 1));
    struct ran r = run((struct call){ .args = "-S -r /runner /x", .self = true });
    expect_ran("-S -r, a row whose mount is gone", r, 1, "",
        "/x: what its description names is not mounted there any more");
    if (strstr(r.err, "does not name it"))
        flunk("%s", r.err);
}

/* A row's name fits, and what lies below it does not. */
static void long_row(void **state)
{
    char *name = textf("%4094s", "");
    (void)state;
    start_runner(0, STANDARD);
    for (size_t i = 0; name[i]; i++)
        name[i] = i % 200 ? 'a' : '/';
    struct ran r = run((struct call){ .args = textf("-S -b %s:/tm1 /tm1", name), .self = true });
    expect_ran("-S, a row with a long name", r, 0, textf("%s\n", name), "");
    r = run((struct call){ .args = textf("-S -f json -b %s:/tm1 /tm1/t", name), .self = true });
    if (r.status != 1 || !strstr(r.out, "\"toolong\""))
        flunk("%d %s", r.status, r.out);
}

/* Outside of a container, and without -S. */
static void self_outside(void **state)
{
    (void)state;
    struct ran r = tool("-S -f json @/h/hb");
    if (r.status != 1 || !strstr(r.out, "\"foreign\""))
        flunk("-S on the host: %d %s", r.status, r.out);
    start_runner(0, STANDARD);
    expect("-p $PID ./one", 1, "", "./one");
    expect("-p $PID -v ./one:/t", 1, "", "./one");
}

/* A second volume and directory; and docker's mounts with another one than the volume at /vol. */
#define OTHER_VOL \
    "engine @/d overlay2;dir @/d/volumes/vol2;dir @/d/volumes/vol2/_data;file @/d/volumes/vol2/_data/v wrong;" \
    "dir @/other;file @/other/f other;dir @/d/containers/" L1 ";file @/d/containers/" L1 "/hostname other"
#define REPLACED(source) \
    SELF NAMED_HOSTNAME "bind " source " ^/vol;bind @/h/hb ^/hb;bind @/h/devb ^/devb;bind @/h/onefile ^/etc/onefile"
#define NO_LAYERS { "`Data`: {", "`Date`: {" }
#define STORE { "`Driver`: `overlay2`", "`Driver`: `overlayfs`" }
#define OF_STORE NO_LAYERS, STORE, { "`HostsPath`: `@/h/hosts`", "`HostsPath`: `" HOSTS "`" }
#define KEYRING(name) "{" name "} "
#define MINE "_ses." CID
#define ANOTHERS "_ses." TOP
#define WITH_OPTIONS { "            `Mounts`: [\n", "            `Mounts`: [\n                {`Type`: `volume`, " \
    "`Source`: `vol1`, `Target`: `/vol`, `VolumeOptions`: {`DriverConfig`: {`Options`: {`o`: `bind`}}}},\n" }

/* With a description. */
struct told_case {
    const char *name, *text;
    const char *edits[9][2];
    const char *setup, *run;
    const char *args;           /* "{NAME} ..." is asked with a session keyring of that name */
    int status;                 /* -1: any but 0 */
    const char *out, *word;
};

static const struct told_case told_cases[] = {
    { "its own inspect output", BARE(docker_inspect), NULL, STANDARD, "/low /m /vol/v /devb/f /etc/hosts /etc/hostname",
      0,
      "^/low\n^/m\n" VOL "/v\n@/h/devb/f\n@/h/hosts\n@/d/containers/" CID "/hostname\n", NULL },
    { "another device", docker_inspect, { ROW("@/other", "/x", "true") }, OTHER, STANDARD ";bind @/other ^/x",
      "/x /x/f", 0,
      "@/other\n@/other/f\n", NULL },
    { "another device below", docker_inspect, { ROW("@/other", "/a/b", "true") }, OTHER, STANDARD ";bind @/other ^/a/b",
      "-v /a:/t", 0,
      "^/a:/t\n@/other:/t/b\n", NULL },
    { "a host bind, the data root a file system of its own", BARE(docker_inspect), OWN_DISK, STANDARD, "/devb/f", 0,
      "@/h/devb/f\n", NULL },
    { "the data root bound from elsewhere", BARE(docker_inspect), FROM_ELSEWHERE, STANDARD, "/low /vol/v /devb/f", 0,
      "^/low\n" VOL "/v\n@/h/devb/f\n", NULL },
    { "upperdir relative", BARE(docker_inspect), "relengine @/d overlay2", STANDARD, "/low /m/one /vol/v /devb/f", 0,
      "^/low\n^/m/one\n" VOL "/v\n@/h/devb/f\n", NULL },
    { "upperdir relative, podman", BARE(podman_inspect), "relengine @/p overlay", PODMAN_RUN,
      "/low /vol/v /etc/hosts /etc/hostname", 0,
      "^/low\n@/p/volumes/vol1/_data/v\n@/h/hosts\n@/prun/overlay-containers/" PCID "/userdata/hostname\n", NULL },
    { "podman, no other row that is enough", podman_inspect, { { "`Destination`: `/vol`", "`Destination`: `/none`" } },
      PODMAN,
      SELF "bind @/h/devb ^/devb", "/low /devb/f", 0, "^/low\n@/h/devb/f\n", NULL },
    { "RW false", BARE(docker_inspect), NULL, STANDARD, "/hb/f", 1, "", NULL },
    { "RW false, a spec", BARE(docker_inspect), NULL, STANDARD, "-v /hb:/t", 0, "@/h/hb:/t:ro\n", NULL },
    { "a tmpfs", BARE(docker_inspect), NULL, STANDARD, "/tm1/t", 1, "", "foreign" },
    { "a tmpfs of Mounts", BARE(docker_inspect), NULL, STANDARD, "-v /tm2:/t", 1, "", "foreign" },
    { "missing", BARE(docker_inspect), NULL, STANDARD, "/none", 1, "", "missing" },
    { "a subpath", docker_inspect, { SUBPATH("/y", "sub") }, NULL, SELF "bind " VOL "/sub ^/y", "/y /y/s", 0,
      VOL "/sub\n" VOL "/sub/s\n", NULL },
    { "a subpath, and other rows that are enough", docker_inspect, { SUBPATH("/y", "sub") }, NULL, SELF NAMED_HOSTNAME
      "bind "
      VOL "/sub ^/y",
      "/y /y/s", 0, VOL "/sub\n" VOL "/sub/s\n", NULL },
    { "a link to a volume", BARE(docker_inspect), NULL, STANDARD, "/to/v", 0, VOL "/v\n", NULL },
    { "json", BARE(docker_inspect), NULL, STANDARD, "-f json /low", 0,
      "{`source`:`/low`,`rule`:`self`,`kind`:`single`,`path`:`^/low`,`type`:`file`,`ro`:false}\n", NULL },
    { "a pid in it is ignored", docker_inspect, { { "`Pid`: $PID", "`Pid`: 2147483646" } }, NULL, STANDARD, "/low", 0,
      "^/low\n", NULL },
    { "another container's", docker_inspect, { { "`UpperDir`: `@/d/overlay2/" TOP, "`UpperDir`: `@/d/overlay2/" L1 } },
      NULL, STANDARD,
      "/low", 3, "", "reused" },
    { "another container's, a source that a row answers", docker_inspect, { { "`UpperDir`: `@/d/overlay2/" TOP,
      "`UpperDir`: `@/d/overlay2/" L1 } }, NULL, STANDARD, "/vol/v", 3, "", "reused" },
    { "another container's, upperdir relative", docker_inspect, { { "`UpperDir`: `@/d/overlay2/" TOP,
      "`UpperDir`: `@/d/overlay2/" L1 } },
      "relengine @/d overlay2", STANDARD, "/low", 3, "", "reused" },
    { "another engine's", BARE(podman_inspect), NULL, STANDARD, "/low", 3, "", "reused" },
    { "runc state names the root", runc_state, { { "`rootfs`: `@/d/overlay2/" TOP "/merged`", "`rootfs`: `^`" } },
      "dir @/s;dir @/s/fs;dir @/rootfs;plain @/s/fs @/rootfs", SELF, "/low", 0, "^/low\n", NULL },
    { "a config.json has rows", oci_config, { { "`destination`: `/hb`", "`destination`: `/x`" }, { "`@/h/hb`",
      "`@/other`" },
      { "`ro`,", "`rw`," } }, OTHER, STANDARD ";bind @/other ^/x", "/x/f", 0, "@/other/f\n", NULL },
    { "a tmpfs over a row", BARE(docker_inspect), NULL, STANDARD ";tmpfs ^/devb;file ^/devb/f x", "/devb/f", -1, "",
      NULL },
    { "a tmpfs over a row itself", BARE(docker_inspect), NULL, STANDARD ";tmpfs ^/devb", "-v /devb:/t", -1, "", NULL },
    { "a bind over a row", BARE(docker_inspect), NULL, STANDARD ";bind @/d/volumes/vol1/_data/sub ^/devb", "/devb/s", 0,
      VOL "/sub/s\n",
      NULL },
    { "lines", "bind @/other:/x\n", NO_EDIT, OTHER, STANDARD ";bind @/other ^/x", "/x/f /low", 0, "@/other/f\n^/low\n",
      NULL },
    { "lines, a pid that is ignored", "pid 2147483646\nbind @/other:/x\n", NO_EDIT, OTHER, STANDARD ";bind @/other ^/x",
      "/x/f", 0,
      "@/other/f\n", NULL },
    { "two containers", "[{`State`:{`Pid`:0}},{`State`:{`Pid`:0}}]", NO_EDIT, NULL, STANDARD, "/low", 3, "", NULL },
    /* what is not mounted any more, or not there */
    { "a row that is not mounted", docker_inspect, { ROW("@/other", "/x", "true") }, OTHER, STANDARD, "/x", 1, "",
      "foreign" },
    { "below a row that is not mounted", docker_inspect, { ROW("@/other", "/x", "true") }, OTHER,
      STANDARD ";file ^/x/f wrong", "-v /x/f:/t", 1, "", "foreign" },
    { "a row that is not mounted, and one given", docker_inspect, { ROW("@/other", "/x", "true") }, OTHER, STANDARD,
      "-b /name/out/there:/x /x", 0, "/name/out/there\n", NULL },
    { "beside a row that is not mounted", docker_inspect, { ROW("@/other", "/x", "true") }, OTHER, STANDARD,
      "/vol/v /low", 0, VOL "/v\n^/low\n", NULL },
    { "a mount in a row that is not mounted", docker_inspect, { ROW("@/other", "/a", "true") }, OTHER,
      STANDARD ";bind " VOL "/sub ^/a/b", "/a/b/s", 0, VOL "/sub/s\n", NULL },
    { "a row that is hidden", docker_inspect, { ROW("@/other", "/a/b", "true") }, OTHER,
      STANDARD ";bind @/other ^/a/b;tmpfs ^/a;dir ^/a/b;file ^/a/b/f wrong", "/a/b/f", 1, "", "foreign" },
    { "a row over which the runner has mounted a part of its root", docker_inspect, { ROW("@/other", "/x", "true") },
      OTHER, STANDARD ";bind ^/m ^/x", "/x/one", 1, "", "foreign" },
    { "a row named through a link", docker_inspect, { ROW("@/other", "/l", "true") }, OTHER,
      STANDARD ";link ^/l /x;bind @/other ^/x", "/l/f /x/f", 0, "@/other/f\n@/other/f\n", NULL },
    { "a row whose link leads elsewhere", docker_inspect, { ROW("@/other", "/l", "true") }, OTHER,
      STANDARD ";link ^/l /m;bind @/other ^/x", "/l/one", 1, "", "foreign" },
    { "a row whose link leads to another row", docker_inspect, { ROW("@/other", "/l", "true") }, OTHER,
      STANDARD ";link ^/l /devb;bind @/other ^/x", "/l/f", 1, "", "foreign" },
    { "a row whose link leads to a tmpfs", docker_inspect, { ROW("@/other", "/l", "true") }, OTHER,
      STANDARD ";link ^/l /tm1;bind @/other ^/x", "/l/t", 1, "", "foreign" },
    /* whose it is */
    { "another volume at its place", BARE(docker_inspect), OTHER_VOL, REPLACED("@/d/volumes/vol2/_data"), "/low", 3, "",
      "reused" },
    { "a volume with options", BARE(docker_inspect), OTHER_VOL, REPLACED("@/other"), "/vol/f", 0, VOL "/f\n", NULL },
    { "no layers told", docker_inspect, { NO_LAYERS }, NULL, STANDARD, "/vol/v /devb/f", 0, VOL "/v\n@/h/devb/f\n",
      NULL },
    { "no layers told, a part of a volume", docker_inspect, { NO_LAYERS }, NULL, REPLACED(VOL "/sub"), "/vol/s", 0,
      VOL "/s\n", NULL },
    { "no layers told, another volume at its place", docker_inspect, { NO_LAYERS }, OTHER_VOL,
      REPLACED("@/d/volumes/vol2/_data"), "/devb/f", 3, "", "reused" },
    { "no layers told, a host directory at a volume's place", docker_inspect, { NO_LAYERS }, OTHER_VOL,
      REPLACED("@/other"), "/devb/f", 3, "", "reused" },
    { "no layers told, a volume with options", docker_inspect, { NO_LAYERS, WITH_OPTIONS }, OTHER_VOL,
      REPLACED("@/other"), "/vol/f", 0, VOL "/f\n", NULL },
    { "no layers told, a volume of another driver", docker_inspect, { NO_LAYERS, { "`local`", "`nfs`" } }, OTHER_VOL,
      REPLACED("@/other"), "/vol/f", 0, VOL "/f\n", NULL },
    { "no layers told, and a row given for the volume", docker_inspect, { NO_LAYERS }, OTHER_VOL,
      REPLACED("@/other"), "-b @/other:/vol /vol/f", 0, "@/other/f\n", NULL },
    { "no layers told, a volume that was not described", docker_inspect, { NO_LAYERS }, OTHER_VOL,
      STANDARD ";bind @/d/volumes/vol2/_data ^/x", "/vol/v", 3, "", "reused" },
    { "no layers told, its volume once more", docker_inspect, { NO_LAYERS }, OTHER_VOL, STANDARD ";bind " VOL
      "/sub ^/x",
      "/vol/v /devb/f", 0, VOL "/v\n@/h/devb/f\n", NULL },
    { "no layers told, a volume as a host directory", docker_inspect, { NO_LAYERS, ROW("@/d/volumes/vol2/_data", "/x",
      "true") }, OTHER_VOL, STANDARD ";bind @/d/volumes/vol2/_data ^/x", "/x/v", 0, "@/d/volumes/vol2/_data/v\n",
      NULL },
    { "no layers told, a host directory of another name at its place", docker_inspect, { NO_LAYERS,
      { "`Source`: `@/h/devb`,\n                `Destination`", "`Source`: `@/h/vedb`,\n                `Destination`" } },
      NULL, STANDARD, "/vol/v", 3, "", "reused" },
    { "no layers told, a device as a host directory", docker_inspect, { NO_LAYERS, ROW("@/other", "/x", "true") }, OTHER,
      STANDARD ";bind @/other ^/x", "/x/f", 0, "@/other/f\n", NULL },
    { "layers told, a host directory that has another name", docker_inspect,
      { { "`Source`: `@/h/devb`,\n                `Destination`", "`Source`: `@/h/vedb`,\n                `Destination`" } },
      NULL, STANDARD, "/vol/v", 0, VOL "/v\n", NULL },
    { "no layers told, no volume", docker_inspect, { NO_LAYERS }, NULL, SELF NAMED_HOSTNAME "bind @/h/devb ^/devb",
      "/devb/f", 3, "", "reused" },
    { "no layers told, no file of its engine's", docker_inspect, { NO_LAYERS }, NULL,
      SELF "bind @/h/devb ^/devb;bind " VOL " ^/vol", "/vol/v", 3, "", "reused" },
    { "no layers told, another one's files", docker_inspect, { NO_LAYERS }, OTHER_VOL,
      SELF "bind @/d/containers/" L1 "/hostname ^/etc/hostname;bind " VOL " ^/vol", "/vol/v", 3, "", "reused" },
    { "no layers told, and no Id", docker_inspect, { NO_LAYERS, { "`Id`: `" CID "`", "`Id`: 1" } }, NULL, STANDARD,
      "/vol/v", 0, VOL "/v\n", NULL },
    /* docker's image store, and whose Id it is */
    { "image store: a volume and a host bind", docker_inspect, { OF_STORE }, OWN_STORE, STANDARD,
      "/vol/v /devb/f /etc/hostname", 0, VOL "/v\n@/h/devb/f\n@/d/containers/" CID "/hostname\n", NULL },
    { "image store: the root, whose Id is proven", docker_inspect, { OF_STORE }, OWN_STORE, STANDARD,
      KEYRING(MINE) "/low /m", 0,
      "^/low\n^/m\n", NULL },
    { "image store: the root, by crun's keyring", docker_inspect, { OF_STORE }, OWN_STORE, STANDARD,
      KEYRING(CID) "/low", 0,
      "^/low\n", NULL },
    { "image store: the root, whose Id nothing proves", docker_inspect, { OF_STORE }, OWN_STORE, STANDARD, "/low", 1, "",
      "foreign" },
    { "image store: the root, -b", docker_inspect, { OF_STORE }, OWN_STORE, STANDARD, "-b /the/root:/ /low /vol/v", 0,
      "/the/root/low\n" VOL "/v\n", NULL },
    { "image store: of another container", docker_inspect, { OF_STORE }, OWN_STORE, STANDARD,
      KEYRING(ANOTHERS) "/vol/v", 3, "", "reused" },
    { "image store: a keyring that has no Id", docker_inspect, { OF_STORE }, OWN_STORE, STANDARD,
      KEYRING("_ses.4c549362e790") "/vol/v", 0,
      VOL "/v\n", NULL },
    { "image store: a part of a volume", docker_inspect, { OF_STORE, SUBPATH("/y", "sub") }, OWN_STORE,
      SELF NAMED_HOSTNAME "bind " VOL "/sub ^/y", "/y /y/s", 0, VOL "/sub\n" VOL "/sub/s\n", NULL },
    { "image store: what is below the data root", docker_inspect, { OF_STORE }, OWN_STORE ";file @/d/more/f x",
      STANDARD ";bind @/d/more ^/x", "/x/f", 0, "@/d/more/f\n", NULL },
    { "image store: containerd elsewhere", docker_inspect, { OF_STORE }, "imagestore @/d @/c", STANDARD,
      "/vol/v /devb/f /etc/hostname", 0, VOL "/v\n@/h/devb/f\n@/d/containers/" CID "/hostname\n", NULL },
    { "image store: containerd elsewhere, the root", docker_inspect, { OF_STORE }, "imagestore @/d @/c", STANDARD,
      KEYRING(MINE) "/low",
      0, "^/low\n", NULL },
    { "image store: bound from elsewhere, a part of a volume", docker_inspect, { OF_STORE, SUBPATH("/y", "sub") },
      "dir @/real;dir @/d;bind @/real @/d;" OWN_STORE, SELF NAMED_HOSTNAME "bind " VOL "/sub ^/y", "/y/s", 0, VOL "/sub/s\n", NULL },
    { "image store: bound from elsewhere, a host directory that nothing names", docker_inspect, { OF_STORE },
      "dir @/real;dir @/d;bind @/real @/d;file @/h/z/f x;" OWN_STORE, STANDARD ";bind @/h ^/x", "/x/z/f", 1, "",
      "foreign" },
    { "image store: on another device, a part of a volume", docker_inspect, { OF_STORE, SUBPATH("/y", "sub") },
      "dir @/d;tmpfs @/d size=9m;imagestore @/d @/c", SELF NAMED_HOSTNAME "bind " VOL "/sub ^/y", "/y/s", 0, VOL "/sub/s\n", NULL },
    /* what others have tried */
    { "image store: another root in the same container", docker_inspect, { OF_STORE },
      "imagestore @/d @/d/containerd/daemon;dir @/s/u;dir @/s/m;plain @/s/u @/s/m", STANDARD, KEYRING(MINE) "/low", 1, "",
      "foreign" },
    { "FUSE or image store: the root of another one whose network was joined", docker_inspect,
      { NO_LAYERS, { "`Date`: {", "`Data`: { `MergedDir`: `@/other/merged`, `x`: {" }, { "/work`\n            }", "/work`\n            } }" } },
      "engine @/d overlay2;dir @/s/u;dir @/s/m;plain @/s/u @/s/m", STANDARD, "/low", 1, "", "foreign" },
    { "a disk with a path like a volume's", BARE(podman_inspect),
      PODMAN ";dir @/disk;tmpfs @/disk size=2m;file @/disk@/p/volumes/vol1/_data/sub/f x",
      SELF "bind @/h/devb ^/devb;bind @/disk@/p/volumes/vol1/_data ^/a;bind @/disk@/p/volumes/vol1/_data/sub ^/y", "/y/f", 1,
      "", "foreign" },
    { "what no row has, where the data root is bound from the same path of a disk", docker_inspect, { OF_STORE },
      "dir @/disk;tmpfs @/disk size=9m;dir @/disk@/d;dir @/d;bind @/disk@/d @/d;dir @/disk/h;file @/disk/h/f x;" OWN_STORE,
      STANDARD ";bind @/disk/h ^/y", "/y/f", 1, "", "foreign" },
    { "vfs: the root and a volume", docker_inspect, { NO_LAYERS, { "`Driver`: `overlay2`", "`Driver`: `vfs`" },
      { "`HostsPath`: `@/h/hosts`", "`HostsPath`: `" HOSTS "`" } }, "vfs @/d", STANDARD, "/low /m /vol/v", 0,
      "^/low\n^/m\n" VOL "/v\n", NULL },
    { "vfs: the root, the Id proven", docker_inspect, { NO_LAYERS, { "`Driver`: `overlay2`", "`Driver`: `vfs`" },
      { "`HostsPath`: `@/h/hosts`", "`HostsPath`: `" HOSTS "`" } }, "vfs @/d", STANDARD,
      KEYRING(MINE) "/low", 0, "^/low\n", NULL },
    { "the upperdir is proof, whatever the keyring", BARE(docker_inspect), NULL, STANDARD,
      KEYRING(ANOTHERS) "/low", 0, "^/low\n", NULL },
    { "no layers told, no Id, no file of its engine's", docker_inspect, { NO_LAYERS, { "`Id`: `" CID "`", "`Id`: 1" } },
      NULL, SELF "bind " VOL " ^/vol", "/vol/v", 3, "", "reused" },
};

static int begin_told(void **state)
{
    const struct told_case *c = *state;
    return begin_with(c->setup ? c->setup : "engine @/d overlay2");
}

static void check_told(void **state)
{
    const struct told_case *c = *state;
    start_runner(0, c->run);
    put_file(expand("^/runner"), edited(c->text, c->edits, COUNT(c->edits)));
    const char *args = c->args, *keyring = NULL;
    if (*args == '{') {
        size_t n = strcspn(args, "}");
        keyring = textf("%.*s", (int)n - 1, args + 1);
        args += n + 2;
    }
    if (keyring && !may_join_keyrings)
        skip_case("a seccomp filter refuses keyctl(2)");
    struct call call = { .args = textf("-S -r /runner %s", args), .self = true, .keyring = keyring };
    if (c->status < 0) {
        struct ran r = run(call);
        if (!r.status || r.outlen)
            flunk("%s: wanted a refusal, got %d %s", call.args, r.status, r.out);
        return;
    }
    expect_ran(call.args, run(call), c->status, c->out, "");
    if (c->word) {
        call.args = textf("-S -r /runner -f json %s", args);
        struct ran r = run(call);
        if (r.status != c->status || !strstr(r.out, textf("\"error\":\"%s\"", c->word)))
            flunk("%s: wanted %s, got %d %s%s", call.args, c->word, r.status, r.out, r.err);
    }
    call.args = textf("-S %s", args);
    call.runner = "/runner";
    expect_ran("by DINDBIND_RUNNER", run(call), c->status, c->out, "");
}

static void odd_data_root(void **state)
{
    (void)state;
    must("dir @/a%20b;engine @/a%20b/d%20\xc3\xa9 overlay2;dir @/h/x%20\\y;file @/h/x%20\\y/f x");
    start_runner(0, SELF "bind @/a%20b/d%20\xc3\xa9/volumes/vol1/_data ^/vol;bind @/h/x%20\\y ^/x");
    struct ran r = run((struct call){ .args = "-S /low /vol/v /x/f", .self = true });
    expect_ran("blanks in names", r, 0, "^/low\n@/a b/d \xc3\xa9/volumes/vol1/_data/v\n@/h/x \\y/f\n", "");
    truth(r.out, "/low /vol/v /x/f");
}

/* What `docker inspect $(docker ps -q)` prints: docker_inspect's containers with these edits, in an array. */
enum { MANY = 3, MANY_EDITS = 5 };

static const struct many_case {
    const char *name;
    const char *edits[MANY][MANY_EDITS][2];     /* of none: it is not there */
    const char *keyring;
    int status;
    const char *args, *out, *err;
} many_cases[] = {
#define SELDOM { "`Name`: `/full`", "`Name`: `/many`" }
#define OTHER_ID { "`Id`: `" CID, "`Id`: `" L1 }
#define OTHER_TOP { "`UpperDir`: `@/d/overlay2/" TOP, "`UpperDir`: `@/d/overlay2/" L1 }
#define OTHER_FILES { "containers/" CID "/hostname", "containers/" L1 "/hostname" }, \
    { "containers/" CID "/resolv.conf", "containers/" L1 "/resolv.conf" }
    { "mine is the second", { { OTHER_TOP }, { SELDOM }, { OTHER_TOP } }, NULL, 0, "/low /vol/v /devb/f",
      "^/low\n" VOL "/v\n@/h/devb/f\n", "" },
    { "mine is the first", { { SELDOM }, { OTHER_TOP } }, NULL, 0, "/low", "^/low\n", "" },
    { "mine is twice among them", { { SELDOM }, { OTHER_TOP }, { SELDOM } }, NULL, 0, "/low", "^/low\n", "" },
    { "none is mine", { { OTHER_TOP }, { OTHER_TOP } }, NULL, 3, "/low", "", "nothing shows that it is just one of those" },
    { "no layers told, by the volumes", { { NO_LAYERS }, { NO_LAYERS, { "`Destination`: `/vol`", "`Destination`: `/v`" },
      OTHER_FILES } }, NULL, 0, "/vol/v", VOL "/v\n", "" },
    { "no layers told, two that fit", { { NO_LAYERS }, { NO_LAYERS, OTHER_ID } }, NULL, 3, "/vol/v",
      "", "just one of those" },
    { "no layers told, two that fit, and a keyring", { { NO_LAYERS }, { NO_LAYERS, OTHER_ID } },
      "_ses." CID, 0, "/vol/v", VOL "/v\n", "" },
    { "no layers told, another one's files", { { NO_LAYERS, OTHER_FILES }, { NO_LAYERS } }, NULL, 0, "/vol/v", VOL "/v\n",
      "" },
    { "mine joined another one's network, and is refused for its volume",
      { { NO_LAYERS }, { NO_LAYERS, { "`Id`: `" CID, "`Id`: `" L1 }, { "`Destination`: `/vol`", "`Destination`: `/hb`" } } },
      NULL, 3, "/devb/f", "", "just one of those" },
    { "with a row given", { { OTHER_TOP }, { SELDOM } }, NULL, 0, "-b /name/out/there:/tm1 /tm1/t /low",
      "/name/out/there/t\n^/low\n", "" },
};

static void check_many(void **state)
{
    const struct many_case *c = *state;
    char *text = "[";
    if (c->keyring && !may_join_keyrings)
        skip_case("a seccomp filter refuses keyctl(2)");
    start_runner(0, STANDARD);
    for (size_t i = 0; i < MANY && **c->edits[i]; i++) {
        char *one = strdup(edited(docker_inspect, c->edits[i], MANY_EDITS)), *end = strrchr(one, ']');
        *end = 0;
        text = textf("%s%s%s", text, i ? "," : "", strchr(one, '[') + 1);
        free(one);
    }
    put_file(expand("^/runner"), textf("%s]", text));
    struct call call = { .args = textf("-S -r /runner %s", c->args), .self = true, .keyring = c->keyring };
    expect_ran(call.args, run(call), c->status, c->out, c->err);
    call.args = textf("-S -r - %s", c->args);
    call.in = textf("%s]", text);
    call.nin = strlen(call.in);
    expect_ran("on standard input", run(call), c->status, c->out, c->err);
    put_file(expand("@/runner"), textf("%s]", text));
    expect("-r @/runner /low", 2, "", "not the description of just one container");
}

/* Who is told that the id has to be proven can go on from there. */
static void unproven_root(void **state)
{
    static const char *const edits[][2] = { OF_STORE };
    static const char found[] = "my root, if it is mine: ";
    (void)state;
    must(OWN_STORE);
    start_runner(0, STANDARD);
    put_file(expand("^/runner"), edited(docker_inspect, edits, COUNT(edits)));
    struct ran r = run((struct call){ .args = "-S -x -r /runner /low", .self = true });
    const char *root = strstr(r.err, found);
    if (r.status != 1 || !root || !strstr(r.err, "-b ROOT:/ (-x prints ROOT)"))
        flunk("%d %s", r.status, r.err);
    root += strlen(found);
    char *args = textf("-S -r /runner -b %.*s:/ /low /vol/v", (int)strcspn(root, "\n"), root);
    expect_ran(args, run((struct call){ .args = args, .self = true }), 0, "^/low\n" VOL "/v\n", "");
}

/* ==== main ============================================================================================== */

static const struct { const char *name; void (*call)(void **); bool bare; } rest[] = {
    { "-r: lines that end in CR LF", crlf, true },
    { "-r: lines with a live runner", live_lines, false },
    { "-r: long lines", long_lines, false },
    { "-r: files", files, true },
    { "-r: DINDBIND_RUNNER", environment, false },
    { "what is not JSON", bad_json, false },
    { "what is JSON", good_json, false },
    { "JSON that is no runner", not_a_runner, false },
    { "depth of JSON", depth, true },
    { "-r: any order and spelling", any_spelling, false },
    { "-r: damaged descriptions", damaged_runner, false },
    { "-r: config.json elsewhere", config_elsewhere, false },
    { "-r: a process that has ended", zombie, false },
    { "-c: names of all kinds", names, true },
    { "-c: Binds are -v specs", like_volume, true },
    { "-c: bodies at random", random_bodies, true },
    { "-c: bodies cut off", truncated, true },
    { "-c: bodies with a wrong byte", corrupted, true },
    { "-c: bodies in pieces", chunks, true },
    { "-c: 10 MiB", ten_mebibytes, true },
    { "-c: too much", too_much, true },
    { "-c: standard input and output", streams, true },
    { "-c, -S: what does not go together", conflicts, true },
    { "-c: missing sources", make_missing, false },
    { "-c: stages", staged_bodies, false },
    { "volumes of what is read-only", read_only_volumes, false },
    { "BindOptions of a stage", bind_options, false },
    { "ReadOnly of a stage", added_readonly, false },
    { "a stage has no peers", no_peers, false },
    { "Z is warned of", labels, false },
    { "-S: by device and inode", truths, false },
    { "-S: -, -c", self_streams, false },
    { "-S: a row whose mount is gone", gone_row, false },
    { "-S: a row with a long name", long_row, false },
    { "-S: outside of a container", self_outside, false },
    { "-S: blanks in names", odd_data_root, true },
    { "-S: a root whose id nothing proves", unproven_root, true },
};

static bool enter_world(void)
{
    char full[80];
    snprintf(full, sizeof full, "%s/full", world.base);
    return own_mounts(world.base) && put_file(full, "") && !mount("/dev/full", full, NULL, MS_BIND, NULL) &&
           copy_tool(world.base) && own_root(world.base) && (tool_fd = open("/dindbind", O_PATH | O_CLOEXEC)) >= 0;
}

static void all(char **words)
{
#define EACH(table, call, first) \
    for (size_t i = 0; i < COUNT(table); i++) \
        if (wanted(table[i].name, words)) \
            run_case(table[i].name, call, first, end, &table[i])
    EACH(lines_cases, check_lines, begin);
    EACH(inspect_cases, check_inspect, begin_inspect);
    EACH(body_cases, check_body, begin_bare);
    EACH(below_cases, check_below, begin);
    EACH(self_cases, check_self, begin_self);
    EACH(told_cases, check_told, begin_told);
    EACH(many_cases, check_many, begin);
#undef EACH
    for (size_t i = 0; i < COUNT(rest); i++)
        if (wanted(rest[i].name, words))
            run_case(rest[i].name, rest[i].call, rest[i].bare ? begin_bare : begin, end, NULL);
}

static int run_all(char **words)
{
    return run_all_in(enter_world, all, words);
}

int main(int argc, char **argv)
{
    (void)argc;
    own_operations = engine_operations;
    if (!load_printed())
        return 1;
    return run_in_child("formats", world.base, run_all, argv + 1);
}
