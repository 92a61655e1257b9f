/* world.h - for the tests that make a world of their own: a mount namespace with a root that holds nothing else
 *
 * SPDX-License-Identifier: 0BSD
 *
 * The test runs in a child: whatever ends it, its mounts are gone then, and the directory where they were is empty.
 * An ordinary user gets a user namespace for it.
 */
#ifndef WORLD_H
#define WORLD_H

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define COUNT(a) (sizeof(a) / sizeof *(a))

/* Forked, before exec: a test that fails there must not return into what runs the tests. */
__attribute__((unused))
static bool am_child;

/* A path, which lasts until this thread has asked for seven others. */
__attribute__((format(printf, 1, 2)))
static inline const char *pathf(const char *format, ...)
{
    static _Thread_local char ring[8][512];
    static _Thread_local unsigned n;
    char *at = ring[n++ % 8];
    va_list ap;
    va_start(ap, format);
    vsnprintf(at, sizeof ring[0], format, ap);
    va_end(ap);
    return at;
}

static inline bool write_bytes(const char *path, const char *bytes, size_t n, int flags)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC | flags, 0644);
    bool good = fd >= 0 && write(fd, bytes, n) == (ssize_t)n;
    int err = errno;
    if (fd >= 0)
        close(fd);
    errno = err;
    return good;
}

static inline bool write_text(const char *path, const char *text, int flags)
{
    return write_bytes(path, text, strlen(text), flags);
}

static inline bool write_proc(const char *path, const char *text)
{
    return write_text(path, text, 0);
}

static inline bool put_file(const char *path, const char *text)
{
    return write_text(path, text, O_CREAT | O_TRUNC);
}

static inline bool is_text(const char *path, const char *text)
{
    char got[256];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, got, sizeof got);
    if (fd >= 0)
        close(fd);
    return n >= 0 && (size_t)n == strlen(text) && !memcmp(got, text, (size_t)n);
}

/* All that a descriptor still has, in memory from malloc(3), and a NUL after it. `n`, where given, gets the length.
 * NULL and errno on an error. */
static inline char *read_all(int fd, size_t *n)
{
    size_t size = 0, len = 0;
    char *text = NULL;
    ssize_t got = 0;
    do {
        len += (size_t)got;
        if (size - len < 4096) {
            size = size * 2 + 16384;
            char *more = realloc(text, size);
            if (!more) {
                free(text);
                return NULL;
            }
            text = more;
        }
        got = read(fd, text + len, size - len - 1);
    } while (got > 0);
    if (got < 0) {
        free(text);
        return NULL;
    }
    text[len] = 0;
    if (n)
        *n = len;
    return text;
}

/* As read_all(), of a file. */
static inline char *read_file(const char *path, size_t *n)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return NULL;
    char *text = read_all(fd, n);
    int err = errno;
    close(fd);
    errno = err;
    return text;
}

/* What a process has in field 22 of its stat; 0 where it is gone. */
static inline unsigned long long start_time(pid_t pid)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    char *text = read_file(path, NULL), *s = text ? strrchr(text, ')') : NULL;
    for (int field = 2; s && field < 22; field++)
        s = strchr(s + 1, ' ');
    unsigned long long start = s ? strtoull(s, NULL, 10) : 0;
    free(text);
    return start;
}

static inline int count_descriptors(void)
{
    int n = 0;
    DIR *d = opendir("/proc/self/fd");
    while (d && readdir(d))
        n++;
    if (d)
        closedir(d);
    return n;
}

/* Root of the initial user namespace, whose inode in nsfs never changes (linux/proc_ns.h). */
static inline bool is_real_root(void)
{
    struct stat st;
    return !geteuid() && !stat("/proc/self/ns/user", &st) && st.st_ino == 0xEFFFFFFDu;
}

/* What $DINDBIND names, as `dindbind` in the world to be. */
static inline bool copy_tool(const char *base)
{
    char buf[65536], to[80];
    const char *from = getenv("DINDBIND");
    snprintf(to, sizeof to, "%s/dindbind", base);
    int in = open(from ? from : "./dindbind", O_RDONLY | O_CLOEXEC);
    int out = open(to, O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
    ssize_t n = 0;
    if (in >= 0 && out >= 0)
        while ((n = read(in, buf, sizeof buf)) > 0 && write(out, buf, (size_t)n) == n)
            ;
    bool good = in >= 0 && out >= 0 && !n;
    if (in >= 0)
        close(in);
    if (out >= 0)
        close(out);
    return good;
}

/* A session keyring with that name, as runtimes make one for each container. false: seccomp refuses keyctl(2). */
static inline bool join_keyring(const char *name)
{
    enum { JOIN = 1 };          /* linux/keyctl.h */
    return syscall(SYS_keyctl, JOIN, name) > 0;
}

static bool may_join_keyrings;

/* From here on mounts are nobody else's. */
static inline bool own_namespaces(void)
{
    char uid[64], gid[64];
    bool root = is_real_root();
    snprintf(uid, sizeof uid, "0 %u 1", getuid());
    snprintf(gid, sizeof gid, "0 %u 1", getgid());
    if (unshare(CLONE_NEWNS | (root ? 0 : CLONE_NEWUSER)))
        return false;
    if (!root && (!write_proc("/proc/self/setgroups", "deny") || !write_proc("/proc/self/uid_map", uid) ||
                  !write_proc("/proc/self/gid_map", gid)))
        return false;
    /* nor is the container, if this machine is one: neither a cgroup nor a keyring has its id */
    if (unshare(CLONE_NEWCGROUP) && errno != EINVAL)
        return false;
    may_join_keyrings = join_keyring("dindbind-tests");
    return !mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
}

/* And `base` is a tmpfs with a /proc. */
static inline bool own_mounts(const char *base)
{
    char proc[80];
    snprintf(proc, sizeof proc, "%s/proc", base);
    return own_namespaces() && !mount("t", base, "tmpfs", 0, "mode=755") && !mkdir(proc, 0555) &&
           !mount("/proc", proc, NULL, MS_BIND | MS_REC, NULL);
}

/* And that is the root. */
static inline bool own_root(const char *base)
{
    umask(022);
    return !chdir(base) && !syscall(SYS_pivot_root, ".", ".") && !umount2(".", MNT_DETACH) && !chdir("/");
}

/* ---- The little language --------------------------------------------------------------------------------
 *
 * What tests prepare and what they expect is written down as templates: texts in which marks stand for what is known
 * only when the test runs, or is hard to write in C. There is one set of marks for all suites (case_marks() in cases.h
 * gives them their values; where a suite has no cases there are fewer):
 *
 *      @            the directory of the case
 *      ^            the root of its runner, as the host names it
 *      `            a double quote
 *      %XX          a byte in hexadecimal digits: %20 is a space that does not separate, %00 a NUL
 *      $PID $START  the PID of its runner, 0 where it has none, and when that one started
 *      $CHROOTED    in fault.c: the PID of another runner, which is only chrooted
 *      $OWN         the PID of the test itself
 *      $BASE        the directory that the world was made in
 *      $OVERLAY     "trusted.overlay", or "user.overlay" where trusted.* attributes cannot be read
 *      $USERXATTR   the option of an overlay that goes with it: "", or ",userxattr"
 *      $N255 $N256  the longest name that a file can have, and one that is too long
 *      $ANY         in what is expected of test_dindbind.c: any bytes, or none
 *      $A $B        in differential.c: a name of the stack, and another one
 *
 * A command is a template of words separated by spaces; '' is an empty word. A script is one of operations separated
 * by `;`, the words of one by spaces: `dir @/a;file @/a/f text`. `operations` in runner.h is the list of them. Words
 * are expanded after they were separated. */

struct mark {
    const char *mark, *value;   /* NULL stands for a NUL */
};

/* As a value: the mark is followed by two hexadecimal digits, and together they are a byte. */
static const char byte_in_hex[] = "";

static inline int hex_digit(char c)
{
    static const char digits[] = "0123456789abcdefABCDEF";
    const char *at = c ? strchr(digits, c) : NULL;
    if (!at)
        return -1;
    int n = (int)(at - digits);
    return n < 16 ? n : n - 6;
}

/* The mark that the `n` bytes at `t` begin with, or NULL. */
static inline const struct mark *find_mark(const struct mark *marks, const char *t, size_t n)
{
    for (const struct mark *m = marks; m->mark; m++) {
        if (*m->mark != *t)
            continue;
        size_t len = strlen(m->mark);
        if (len > n || memcmp(t, m->mark, len))
            continue;
        if (m->value != byte_in_hex || (n >= len + 2 && hex_digit(t[len]) >= 0 && hex_digit(t[len + 1]) >= 0))
            return m;
    }
    return NULL;
}

/* Expand `n` bytes of a template into `out`, which has room for `size`. The list of marks ends with an empty row.
 * The result is the length without the NUL at the end, or -1 where the room is too small. */
static inline ssize_t expand_marks(const struct mark *marks, const char *t, size_t n, char *out, size_t size)
{
    size_t len = 0;
    while (n) {
        const struct mark *m = find_mark(marks, t, n);
        size_t used = m ? strlen(m->mark) : 1;
        char byte = *t;
        if (m && m->value == byte_in_hex) {
            byte = (char)(hex_digit(t[used]) * 16 + hex_digit(t[used + 1]));
            used += 2;
        } else if (m && !m->value) {
            byte = 0;
        } else if (m) {
            size_t add = strlen(m->value);
            if (add >= size - len)
                return -1;
            memcpy(out + len, m->value, add);
            len += add;
        }
        if (!m || !m->value || m->value == byte_in_hex) {
            if (size - len < 2)
                return -1;
            out[len++] = byte;
        }
        t += used;
        n -= used;
    }
    out[len] = 0;
    return (ssize_t)len;
}

/* With words on the command line only the tests whose names hold one of them are run. */
static inline bool wanted(const char *name, char **words)
{
    for (char **w = words; w && *w; w++)
        if (strstr(name, *w))
            return true;
    return !words || !*words;
}

/* What is mounted is left alone: only what the tests made on this file system goes. */
static inline int remove_one(const char *path, const struct stat *st, int type, struct FTW *place)
{
    (void)st, (void)type, (void)place;
    remove(path);
    return 0;
}

/* The exit status of `run`, which finds the name of its directory in `base` (64 bytes). */
static inline int run_in_child(const char *name, char *base, int (*run)(char **), char **words)
{
    int status = 1;
    const char *tmp = getenv("TMPDIR");
    snprintf(base, 64, "%.30s/%s-XXXXXX", tmp ? tmp : "/tmp", name);
    if (!mkdtemp(base)) {
        perror(base);
        return 1;
    }
    pid_t pid = fork();
    if (!pid) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        exit(run(words));
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid)
        perror("fork");
    nftw(base, remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
    if (WIFSIGNALED(status))
        fprintf(stderr, "%s: killed by signal %d\n", name, WTERMSIG(status));
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

#endif
