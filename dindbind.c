/* dindbind - what to mount so that a sibling container sees what the runner sees
 *
 * SPDX-License-Identifier: 0BSD
 *
 * A runner in a container asks a daemon outside of it for a sibling container and names a path of
 * its own as the source of a mount. This file answers what to mount instead. It reads from top to
 * bottom as the way that a source takes; what a function calls stands above it. `make lint` checks
 * this table:
 *
 *  room                  lines      what it is for
 *  kernel interface      113-317      system calls as functions that return a value or -errno
 *  text and memory       318-758      strings, output that grows, paths as text, arenas
 *  errors                759-949      codes and errnos, and what they mean
 *  inodes and procfs     950-1225     what an inode is and is called; /proc/PID
 *  results               1226-1274    a result that says what was found, or why not
 *  bind table            1275-1324    which row covers a path
 *  contained resolution  1325-1653    a path below a root, to a descriptor
 *  missing directories   1654-1788    -m: the only writer
 *  mountinfo             1789-2014    the only reader of it
 *  layers: options       2015-2540    overlay mount options, to a list of layers
 *  layers: look-up       2541-3281    what the overlay would show at a path
 *  layers: subtrees      3282-3547    whether layer directories show all that it shows below
 *  layers: answers       3548-3681    the rule LAYERS: to a result
 *  the runner            3682-4411    dindbind_open(): is it the one that was described?
 *  one source            4412-4744    dindbind_resolve(): one rule after the other
 *  messages              4745-4883    errors in sentences
 *  mount identity        4884-5021    a path of the caller's that is the same file
 *  the daemon's names    5022-5417    the same from inside the runner (-S)
 *  host paths            5418-5820    dindbind_host(), with the mounts below
 *  staging               5821-7303    dindbind_stage(), dindbind_unstage()
 *  specs                 7304-8121    the grammars of -v and --mount
 *  json                  8122-8684    the only reader and writer of it
 *  formats               8685-8968    answers as text, json, oci, and specs
 *  descriptions          8969-9780    -r: what engines print of a container
 *  bodies                9781-10148   -c: the body of a create request
 *  answers               10149-11201  sources that stand or fall together
 *  applet                11202-12184  the command line
 *
 * The functions to start from stand at the end of a room. The ways through the rooms:
 *
 *  a source         dindbind_resolve(): by_rules() takes by_bind(), by_proc(), by_self() or
 *                   by_layers(); by_root() has it resolved, and accept_node() fills in the result
 *  a host path      dindbind_host(): host_live() reads the tables, host_of_view() finds the mount
 *                   of the source, find_below() those below it; with -S find_daemon() has the names
 *  a stage          dindbind_stage(): stage_prepare(), stage_enter(), attach_all(), check_all(),
 *                   and after a failure stage_undo()
 *  a description    load_view(): view_json(), view_inspect(). dindbind_open() holds it against the
 *                   task: described_check()
 *  an answer        dindbind_answer(): answer_items() has each source resolved by find_answer(),
 *                   and checked by check_bare(), check_carried() and others there; stage_items();
 *                   then put_one() writes it, or refuse_round() writes all of them off
 *  words            trace() for each line of -x; dindbind_message() why something is refused;
 *                   warn_of_label() is the only warning
 *
 * What a runner can make long or large is bounded by MAX_LINKS, MAX_STEPS and RETRIES (a look-up),
 * MAX_MOUNTINFO, MAX_SPENT and TABLE_TRIES (mount tables), MAX_MOUNTS (an answer, a stage),
 * MAX_LAYERS, LOCK_PATIENCE; and what somebody writes for it by MAX_FILE, JSON_DEPTH and
 * MAX_BODY_MOUNTS (descriptions, bodies) and MAX_RECORD (a line of standard input).
 *
 * dindbind.h is the reference for the interface; everything else here is static. To change
 * something, or to know where something is decided, begin with docs/changing.md, one page.
 */
//config:config DINDBIND
//config:	bool "dindbind (115 kb)"
//config:	default y
//config:	help
//config:	What to mount so that a sibling container sees what the runner sees.

//applet:IF_DINDBIND(APPLET_NOEXEC(dindbind, dindbind, BB_DIR_USR_SBIN, BB_SUID_DROP, dindbind))

//kbuild:lib-$(CONFIG_DINDBIND) += dindbind.o
//kbuild:CFLAGS_dindbind.o += -DDINDBIND_NO_MAIN -fvisibility=default
//kbuild:CFLAGS_dindbind.o += -Wno-declaration-after-statement

//usage:#define dindbind_trivial_usage "[VIEW]... [PLACE] PATH... | -v SPEC... | -c | -u DIR"
//usage:#define dindbind_full_usage "\nWhat to mount so that a sibling sees what the runner sees."
//usage:       "\n\nAll options: dindbind -h"

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
/* glibc for 32 bits has narrow structs otherwise, which are not what the calls here fill in */
#ifndef _FILE_OFFSET_BITS
#define _FILE_OFFSET_BITS 64
#endif
#include "dindbind.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

/* ==== kernel interface ===========================================================================
 *
 * The system calls that a libc may not know, that a signal may interrupt, or whose wrapper in
 * musl brings far more along than the call needs, each as a function that returns a value or
 * -errno. In: numbers and names. Out: descriptors, and what an inode is. Never here: a decision
 * about a source, and never a fallback for any other reason than that the call is known to be
 * missing. */

/* Since Linux 5.1 new calls have one number on every architecture but alpha. */
#ifndef SYS_openat2
#define SYS_openat2 437
#endif
#ifndef SYS_listxattrat
#define SYS_listxattrat 465
#endif

enum {
    CAPS_NO_OPENAT2 = 1,        /* openat2(2), Linux 5.6 */
    CAPS_NO_STATX = 2,          /* statx(2) with STATX_MNT_ID, Linux 5.8 */
    CAPS_KNOWN = 4,             /* the runner is open: its descriptors are descriptors */

    /* openat2 under a storm of renames: 128 tries fail once in a thousand */
    RETRIES = 128,
    MAX_LINKS = 40,             /* MAXSYMLINKS in the kernel */
    /* names that a walk opens; 40 links of 4,095 bytes could ask for millions */
    MAX_STEPS = 8192,
    MAX_NAME = 255,

    /* linux/openat2.h */
    IN_ROOT = 0x10, BENEATH = 0x08, NO_SYMLINKS = 0x04, NO_MAGICLINKS = 0x02, NO_XDEV = 0x01,

    OPEN_PIN = O_PATH | O_CLOEXEC,
    OPEN_DIR = O_PATH | O_CLOEXEC | O_DIRECTORY
};

/* from linux/magic.h and linux/proc_ns.h; uapi values, they never change */
static const unsigned long proc_super_magic = 0x9fa0;
static const unsigned long proc_root_ino = 1;
static const unsigned long init_user_ns_ino = 0xEFFFFFFDul;

/* What an inode is. `mnt` is the mount that it was reached on. */
struct node {
    unsigned mode, nlink, uid, gid;
    uint64_t ino, dev, mnt, size, rdev;
    bool inside;                /* not the root of that mount; false: it is, or that is not known */
};

/* One system call, anew when a signal interrupts it: its value, or -errno. Where it takes a
 * descriptor, that may be the -errno of opening it, which is then the answer. */
static int sys_call(long number, long a, long b, long c, long d, long e)
{
    long rc;
    if (a < 0 && a > -4096 && a != AT_FDCWD)
        return (int)a;
    do
        rc = syscall(number, a, b, c, d, e);
    while (rc < 0 && errno == EINTR);
    return rc < 0 ? -errno : (int)rc;
}

static int sys_call3(long number, long a, long b, long c)
{
    return sys_call(number, a, b, c, 0, 0);
}

/* With up to three arguments, numbers and pointers; with up to five. */
#define CALL3(...) CALL3_FILLED(__VA_ARGS__, 0, 0, 0)
#define CALL3_FILLED(number, a, b, c, ...) sys_call3(number, (long)(a), (long)(b), (long)(c))
#define CALL(...) CALL_FILLED(__VA_ARGS__, 0, 0)
#define CALL_FILLED(number, a, b, c, d, e, ...)                                                    \
    sys_call(number, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e))

static int sys_open(int dir, const char *name, int flags)
{
    return CALL(SYS_openat, dir, name, flags | O_LARGEFILE, 0600);
}

/* A path of the caller's own. */
static int open_path(const char *path, int flags)
{
    return sys_open(AT_FDCWD, path, flags);
}

static void sys_close(int fd)
{
    if (fd >= 0)
        syscall(SYS_close, fd);         /* once: it is closed also when a signal interrupts that */
}

static int sys_fstatfs(int fd, struct statfs *fs)
{
#ifdef SYS_fstatfs64
    return CALL3(SYS_fstatfs64, fd, sizeof *fs, fs);
#else
    return CALL3(SYS_fstatfs, fd, fs);
#endif
}

static int sys_openat2(int dir, const char *name, int flags, unsigned resolve)
{
    struct { uint64_t flags, mode, resolve; } how = { (uint64_t)flags, 0, resolve };
    return CALL(SYS_openat2, dir, name, &how, sizeof how);
}

static int sys_read(int fd, char *buf, size_t size)
{
    return CALL3(SYS_read, fd, buf, size);
}

/* The text of a link, terminated; its length. */
static int sys_readlink(int dir, const char *name, char out[DINDBIND_PATH_MAX])
{
    int n = CALL(SYS_readlinkat, dir, name, out, DINDBIND_PATH_MAX);
    if (n == DINDBIND_PATH_MAX)
        return -ENAMETOOLONG;
    if (n >= 0)
        out[n] = 0;
    return n;
}

/* Is the call itself unavailable? Without arguments that make sense an existing one answers
 * EINVAL, EFAULT or EBADF; ENOSYS, or EPERM (seccomp filters of old engines), can only come from
 * its absence. */
static bool is_missing(long number)
{
    int rc = CALL3(number, AT_FDCWD, NULL, -1);
    return rc == -ENOSYS || rc == -EPERM;
}

/* Does this failure of a call mean that it is not there? */
static bool is_lacking(int rc, long number)
{
    return rc == -ENOSYS || (rc == -EPERM && is_missing(number));
}

/* statx(2)'s buffer: laid out here because older libcs lack it. */
struct statx_buf {
    uint32_t mask, blksize;
    uint64_t attributes;
    uint32_t nlink, uid, gid;
    uint16_t mode, pad;
    uint64_t ino, size, blocks, attributes_mask;
    struct { int64_t sec; uint32_t nsec, pad; } times[4];
    uint32_t rdev_major, rdev_minor, dev_major, dev_minor;
    uint64_t mnt_id, spare[13];
};

/* linux/stat.h: STATX_BASIC_STATS | STATX_MNT_ID, and STATX_ATTR_MOUNT_ROOT, which is as old as
 * the latter */
enum { STATX_WANTED = 0x7ff | 0x1000, STATX_IS_ROOT = 0x2000, STATX_DONT_SYNC = 0x4000 };

static int sys_statx(int dir, const char *name, struct node *n)
{
    struct statx_buf x;
    /* a descriptor is asked what it is, which needs no answer of a server: that may be a hostile
     * runner's */
    int flags =
        AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | (*name ? 0 : AT_EMPTY_PATH | STATX_DONT_SYNC);
    int rc = CALL(SYS_statx, dir, name, flags, STATX_WANTED, &x);
    if (!rc && (!(x.mask & 0x1000) || !x.mnt_id))
        /* before 5.8, or qemu-user, which has no id for what it claims: of no use here */
        rc = -ENOSYS;
    if (rc)
        *n = (struct node){ 0 };
    else
        *n = (struct node){ .mode = x.mode,
                            .nlink = x.nlink,
                            .uid = x.uid,
                            .gid = x.gid,
                            .ino = x.ino,
                            .size = x.size,
                            .mnt = x.mnt_id,
                            .inside = (x.attributes_mask & ~x.attributes & STATX_IS_ROOT) != 0,
                            .dev = (uint64_t)x.dev_major << 32 | x.dev_minor,
                            .rdev = (uint64_t)x.rdev_major << 32 | x.rdev_minor };
    return rc;
}

/* The same where statx is missing; `mnt` stays 0. On these two architectures libc's struct is
 * the kernel's. */
static int sys_fstat(int fd, struct node *n)
{
    struct stat st;
#if defined __x86_64__ || defined __aarch64__
    int rc = CALL(SYS_newfstatat, fd, "", &st, AT_EMPTY_PATH | AT_NO_AUTOMOUNT);
#else
    int rc = fd < 0 ? fd : fstatat(fd, "", &st, AT_EMPTY_PATH | AT_NO_AUTOMOUNT);
    if (rc == -1)
        rc = -errno;
#endif
    if (rc)
        *n = (struct node){ 0 };
    else
        *n = (struct node){ .mode = st.st_mode, .nlink = (unsigned)st.st_nlink, .uid = st.st_uid,
                            .gid = st.st_gid, .ino = st.st_ino, .size = (uint64_t)st.st_size,
                            .dev = st.st_dev, .rdev = st.st_rdev };
    return rc;
}

static bool same_node(const struct node *a, const struct node *b)
{
    return a->ino == b->ino && a->dev == b->dev && a->mnt == b->mnt &&
           !((a->mode ^ b->mode) & S_IFMT);
}

/* ==== text and memory ============================================================================
 *
 * In: strings, and space for them. Out: strings of a known size, output that grows, numbers,
 * clean paths, what a descriptor has as text, arenas. Never here: a name that is looked up. */

static bool starts_with(const char *s, const char *prefix)
{
    return !strncmp(s, prefix, strlen(prefix));
}

/* Parsers return NULL, or what is wrong: a text, or this one, which is no fault of whoever wrote
 * what is parsed. It is recognised by its address. */
static const char no_memory[] = "out of memory";

static const char *or_empty(const char *s)
{
    return s ? s : "";
}

static void lower_case(char *p)
{
    for (; *p; p++)
        if (*p >= 'A' && *p <= 'Z')
            *p = (char)(*p + 32);
}

/* Text that is built in a buffer of a known size. What does not fit is cut and noted. */
struct text {
    char *at;
    size_t len, size;           /* size counts the NUL; never 0 */
    bool cut;
};

static void text_bytes(struct text *t, const char *s, size_t n)
{
    size_t room = t->size - 1 - t->len;
    if (n > room) {
        t->cut = true;
        n = room;
    }
    char *to = t->at + t->len;
    to[n] = 0;
    t->len += n;
    memcpy(to, s, n);
}

static void text_add(struct text *t, const char *s)
{
    text_bytes(t, s, strlen(s));
}

static struct text text_new(char *buf, size_t size)
{
    *buf = 0;
    return (struct text){ buf, 0, size, false };
}

/* Text that starts like this. */
static struct text text_in(char *buf, size_t size, const char *first)
{
    struct text t = text_new(buf, size);
    text_add(&t, first);
    return t;
}

static void text_number(struct text *t, unsigned long long v)
{
    char digits[24], *p = digits + sizeof digits;
    do
        *--p = (char)('0' + v % 10);
    while (v /= 10);
    text_bytes(t, p, (size_t)(digits + sizeof digits - p));
}

/* Two texts in a row as a path. false: they do not fit, and what does is there. */
static bool put_path(char out[DINDBIND_PATH_MAX], const char *a, const char *b)
{
    struct text t = text_in(out, DINDBIND_PATH_MAX, a);
    text_add(&t, b);
    return !t.cut;
}

static bool copy_path(char out[DINDBIND_PATH_MAX], const char *path)
{
    return put_path(out, path, "");
}

/* Cut the last component off; it, or "" where there is none. */
static const char *cut_last(char *path)
{
    char *slash = strrchr(path, '/');
    if (!slash)
        return "";
    *slash = 0;
    return slash + 1;
}

/* A directory as the start of the names in it. */
static const char *as_prefix(const char *dir)
{
    return dir[1] ? dir : "";
}

enum { FD_PATH = 40 };

/* The name of a descriptor below a directory of procfs. */
static const char *fd_path(char out[FD_PATH], const char *dir, int fd)
{
    struct text t = text_in(out, FD_PATH, dir);
    text_number(&t, (unsigned)fd);
    return out;
}

/* For people: control characters cannot start a new line or move a cursor. U+0080 to U+009F are
 * some, too. */
static void text_shown(struct text *t, const char *s)
{
    for (; *s; s++) {
        unsigned char c = (unsigned char)*s;
        char octal[4] = { '\\', (char)('0' + (c >> 6)), (char)('0' + (c >> 3 & 7)),
                          (char)('0' + (c & 7)) };
        if (c < 0x20 || c == 0x7f || (c == 0xc2 && (unsigned char)s[1] < 0xa0))
            text_bytes(t, octal, 4);
        else
            text_bytes(t, s, 1);
    }
}

/* With a backslash before each of these. */
static void text_escaped(struct text *t, const char *s, const char *set)
{
    for (; *s; s++) {
        text_add(t, strchr(set, *s) ? "\\" : "");
        text_bytes(t, s, 1);
    }
}

/* Output that grows. */
struct out {
    char *at;                   /* the caller's own space, or what malloc gave when that was full */
    size_t len, size;
    bool ours, failed;          /* to be freed; out of memory */
};

static void put_bytes(struct out *o, const char *s, size_t n)
{
    if (o->size - o->len < n) {
        size_t size = 2 * o->size + n + 64;
        char *more = malloc(size);
        if (!more) {
            o->failed = true;
            return;
        }
        if (o->len)
            memcpy(more, o->at, o->len);
        if (o->ours)
            free(o->at);
        o->at = more;
        o->size = size;
        o->ours = true;
    }
    memcpy(o->at + o->len, s, n);
    o->len += n;
}

static void put(struct out *o, const char *s)
{
    put_bytes(o, s, strlen(s));
}

/* With its NUL. */
static void put_string(struct out *o, const char *s)
{
    put_bytes(o, s, strlen(s) + 1);
}

/* A decimal number and nothing else, at most `max`. */
static bool parse_number(const char *s, const char *end, unsigned long long max,
                         unsigned long long *out)
{
    unsigned long long v = 0;
    if (s == end)
        return false;
    for (; s < end; s++) {
        if (*s < '0' || *s > '9' || v > (max - (unsigned)(*s - '0')) / 10)
            return false;
        v = v * 10 + (unsigned)(*s - '0');
    }
    *out = v;
    return true;
}

/* What comes in a comma list after a word of n bytes. */
static const char *after_word(const char *list, size_t n)
{
    return list + n + (list[n] == ',');
}

/* Is it in this comma list? */
static bool has_word(const char *list, const char *word)
{
    size_t n = strlen(word);
    for (; *list; list = after_word(list, strcspn(list, ",")))
        if (!strncmp(list, word, n) && (!list[n] || list[n] == ','))
            return true;
    return false;
}

/* Lexically, as docker does it: no `.`, no `..`, no `//`, no trailing slash. `..` stops at the
 * root. */
static int clean_path(const char *path, char out[DINDBIND_PATH_MAX])
{
    size_t len = 0;
    if (!*path)
        return DINDBIND_E_EMPTY;
    if (*path != '/')
        return DINDBIND_E_RELATIVE;
    while (*path) {
        size_t n = strcspn(path, "/");
        if (n == 2 && !memcmp(path, "..", 2)) {
            while (len && out[--len] != '/')
                ;
        } else if (n && !(n == 1 && *path == '.')) {
            if (len + 1 + n >= DINDBIND_PATH_MAX)
                return DINDBIND_E_TOOLONG;
            out[len++] = '/';
            memcpy(out + len, path, n);
            len += n;
        }
        path += n;
        path += strspn(path, "/");
    }
    if (!len)
        out[len++] = '/';
    out[len] = 0;
    return 0;
}

/* dir/name, or `dir` itself for "". false: it does not fit, and what does is there. */
static bool join_path(char out[DINDBIND_PATH_MAX], const char *dir, const char *name)
{
    struct text t = text_in(out, DINDBIND_PATH_MAX, dir);
    if (*name)
        text_add(&t, "/");
    text_add(&t, name);
    return !t.cut;
}

/* What a path that is relative to a directory means, cleaned. false: it is no path, or too long. */
static bool absolute_path(char out[DINDBIND_PATH_MAX], const char *dir, const char *path)
{
    char joined[DINDBIND_PATH_MAX];
    return join_path(joined, dir, path) && !clean_path(joined, out);
}

/* Is `path` the directory `dir` or something below it? */
static bool is_below(const char *path, const char *dir)
{
    dir += !dir[1];             /* of / everything */
    for (; *dir && *path == *dir; path++)
        dir++;
    return !*dir && (!*path || *path == '/');
}

static bool strictly_below(const char *path, const char *dir)
{
    return is_below(path, dir) && strcmp(path, dir);
}

/* Which of two paths comes first: what is below a directory follows it, and nothing else is in
 * between. */
static int path_order(const char *a, const char *b)
{
    while (*a && *a == *b) {
        a++;
        b++;
    }
    /* the end of a path comes before a slash, and a slash before all else */
    int x = *a == '/' ? 1 : (unsigned char)*a + 1;
    int y = *b == '/' ? 1 : (unsigned char)*b + 1;
    if (!*a)
        x = 0;
    if (!*b)
        y = 0;
    return x - y;
}

/* dir, then what `path` has after `prefix`. */
static bool graft(char out[DINDBIND_PATH_MAX], const char *dir, const char *path,
                  const char *prefix)
{
    const char *rest = path + strlen(as_prefix(prefix));
    bool fits = put_path(out, as_prefix(dir), strcmp(rest, "/") ? rest : "");
    return *out ? fits : copy_path(out, "/");
}

/* `.` or `..` */
static bool is_dots(const char *name, size_t len)
{
    return len < 3 && strspn(name, ".") == len;
}

/* Is it as clean_path() would leave it? */
static bool is_clean(const char *path)
{
    const char *p = path;
    if (*p != '/' || !p[1])
        return *p == '/';
    while (*p) {
        size_t n = strcspn(++p, "/");
        if (!n || is_dots(p, n))
            return false;
        p += n;
    }
    return p - path < DINDBIND_PATH_MAX;
}

/* The start of a file, terminated; a read may be cut short. The length, or -errno. */
static int read_start(int fd, char *buf, size_t size)
{
    size_t len = 0;
    int n;
    do {
        n = sys_read(fd, buf + len, size - 1 - len);
        if (n > 0)
            len += (size_t)n;
    } while (n > 0 && len < size - 1);
    buf[len] = 0;
    return n < 0 ? n : (int)len;
}

/* All that a descriptor still has, terminated, in a block that grows with it; then it is closed.
 * `fd` may be the -errno of opening it. The length, or -errno and no block; EFBIG: more than
 * `max`. */
static long read_whole(int fd, long max, char **text)
{
    size_t size = 16384, len = 0;
    char *buf = NULL;
    int got = fd;
    *text = NULL;
    if (fd >= 0) {
        buf = malloc(size);
        got = buf ? 1 : -ENOMEM;
    }
    while (got > 0) {
        got = sys_read(fd, buf + len, size - len - 1);
        if (got > 0)
            len += (size_t)got;
        if ((long)len > max)
            got = -EFBIG;
        if (got > 0 && size - len < 8192) {
            char *more = malloc(size * 2);
            size *= 2;
            if (more) {
                memcpy(more, buf, len);
                free(buf);
                buf = more;
            } else
                got = -ENOMEM;
        }
    }
    sys_close(fd);
    if (got < 0) {
        free(buf);
        return got;
    }
    buf[len] = 0;
    *text = buf;
    return (long)len;
}

/* Blocks that live until all of them are freed at once. The first one may be the caller's. */
struct arena {
    struct block { struct block *next; size_t used, size; } *top;
    struct block *callers;      /* is not freed */
};

enum { BLOCK_HEAD = (sizeof(struct block) + 15) & ~15u };

static struct arena arena_in(void *space, size_t size)
{
    struct block *b = space;
    *b = (struct block){ NULL, 0, size - BLOCK_HEAD };
    return (struct arena){ b, b };
}

static void *arena_alloc(struct arena *a, size_t n)
{
    n = (n + 15) & ~(size_t)15;
    if (!a->top || a->top->size - a->top->used < n) {
        size_t size = n > 8000 ? n : 8000;
        struct block *b = malloc(BLOCK_HEAD + size);
        if (!b)
            return NULL;
        *b = (struct block){ a->top, 0, size };
        a->top = b;
    }
    void *at = (char *)a->top + BLOCK_HEAD + a->top->used;
    a->top->used += n;
    return at;
}

static char *arena_copy(struct arena *a, const char *s, size_t n)
{
    char *copy = arena_alloc(a, n + 1);
    if (copy) {
        memcpy(copy, s, n);
        copy[n] = 0;
    }
    return copy;
}

static void arena_free(struct arena *a)
{
    while (a->top) {
        struct block *next = a->top->next;
        if (a->top != a->callers)
            free(a->top);
        a->top = next;
    }
}

/* Where a word is in such a row, which an empty one ends; or -1. */
static int find_word(const char *list, const char *word, size_t n)
{
    /* past the first NUL of a row clang's analyzer knows nothing,
     * NOLINTNEXTLINE(clang-analyzer-core.uninitialized.Branch) */
    for (int i = 0; *list; i++) {
        if (!strncmp(list, word, n) && !list[n])
            return i;
        list += strlen(list) + 1;
    }
    return -1;
}

/* Is this word in such a row? */
static bool is_one_of(const char *list, const char *word)
{
    return find_word(list, word, strlen(word)) >= 0;
}

/* ==== errors =====================================================================================
 *
 * In: a code, or an errno of a look-up. Out: its word, its exit status, and text for people. A
 * code is never an errno: what the kernel answered is -1 to -4095 (-errno), and the codes of
 * dindbind.h lie below that. Never here: a number that could be either. */

/* A build with -DDINDBIND_CHECKED, as the tests are, stops where one is taken for the other. */
#ifdef DINDBIND_CHECKED
#include <assert.h>
#define CHECK(condition) assert(condition)
#else
#define CHECK(condition) ((void)0)
#endif

struct error_row {
    const char *word;           /* for programs; it never changes */
    const char *what, *hint;    /* for people: what is wrong, and what to do */
    int status;                 /* to exit with */
};

#define ROW(code) [DINDBIND_E_USAGE - DINDBIND_E_##code]

static const struct error_row errors[] = {
    ROW(USAGE) = { "usage", "is invalid", "", 2 },
    ROW(EMPTY) = { "empty", "empty path", "give an absolute path as the runner names it", 1 },
    ROW(RELATIVE) = { "relative", "not an absolute path", "give it from / on", 1 },
    ROW(TOOLONG) = { "toolong", "name or path too long",
                     "a name has 255 bytes at most, a path or answer 4095", 1 },
    ROW(MISSING) = { "missing", "not there", "check it as the runner sees it", 1 },
    ROW(NOTDIR) = { "notdir", "not a directory on the way", "check the path", 1 },
    ROW(LOOP) = { "loop", "too many symlinks, or a link of procfs",
                  "name a file that is found without such links", 1 },
    ROW(ESCAPE) = { "escape", "a link leads into or out of a bind row",
                    "only the runner can say where to: give its PID (-p)", 1 },
    ROW(UNMATCHED) = { "unmatched", "no rule covers it",
                       "give the PID of a live task (-p; a stopped container has 0), a bind row "
                       "(-b), or overlay options (-o)", 1 },
    ROW(LAYERS) = { "layers", "the layers cannot be read with certainty",
                    "give absolute layers, redirect_dir= and metacopy=", 1 },
    ROW(INEXACT) = { "inexact", "no set of layers shows exactly what the overlay shows",
                     "give the PID of a live runner", 1 },
    ROW(BROKEN) = { "broken", "the overlay itself fails here", "repair the image", 1 },
    ROW(CHANGED) = { "changed", "kept changing while it was looked at", "try again", 1 },
    ROW(READONLY) = { "readonly", "must be mounted read-only, which a path alone cannot say",
                      "mount it read-only and say so (-R), or use -f json, -v or --mount", 1 },
    ROW(FORMAT) = { "format", "cannot be written in this format", "", 1 },
    ROW(FOREIGN) = { "foreign", "has no path in this mount namespace",
                     "stage it (-s DIR), name an engine with other mounts (-E), or give a bind "
                     "row (-b)", 1 },
    ROW(EXISTS) = { "exists", "is there and is no directory", "remove it in the runner first", 1 },
    ROW(NESTED) = { "nested", "a mount below it would be missing or wrong",
                    "stage it (-s DIR) with a live PID", 1 },
    ROW(UNSAFE) = { "unsafe", "not safe for staging",
                    "take a new directory below ones that only root or you can change", 1 },
    ROW(HOST) = { "host", "this is a process of the host itself",
                  "its paths need no translation; if you mean the host, say -b /:/", 1 },
    ROW(BUSY) = { "busy", "another call has held its lock for five seconds",
                  "see who has it open (fuser), and try again", 1 },
    ROW(UNSTAGED) = { "unstaged", "not staged, because another source was refused", "", 1 },
    ROW(GONE) = { "gone", "no live process has this PID", "look up the runner's PID again", 3 },
    ROW(REUSED) = { "reused", "not the runner that was described",
                    "describe it again: it is another process or container", 3 },
    ROW(PROCFS) = { "procfs", "/proc is not the procfs that it should be",
                    "mount proc at /proc, with nothing over it", 3 },
    ROW(DENIED) = { "denied", "no permission",
                    "it takes CAP_SYS_PTRACE (-s, -u: CAP_SYS_ADMIN and CAP_SYS_CHROOT "
                    "too), or the user who owns the runner", 3 },
    ROW(XATTR) = { "xattr", "trusted.* attributes decide here and cannot be read",
                   "run with CAP_SYS_ADMIN in the initial user namespace", 3 },
    ROW(KERNEL) = { "kernel", "this kernel, or a seccomp filter, lacks a system call", "", 3 },
    ROW(NOMEM) = { "nomem", "out of memory", "", 3 },
    ROW(SYSTEM) = { "system", "the system fails", "", 3 },
};

_Static_assert(sizeof errors / sizeof *errors == DINDBIND_E_USAGE - DINDBIND_E_SYSTEM + 1,
               "a row for each code");
_Static_assert(DINDBIND_E_USAGE < -4095, "no code is an -errno");

static bool is_code(int error)
{
    return error <= DINDBIND_E_USAGE && error >= DINDBIND_E_SYSTEM;
}

/* Of what is no code, the row of SYSTEM. */
static const struct error_row *error_row(int error)
{
    if (!is_code(error))
        error = DINDBIND_E_SYSTEM;
    return &errors[DINDBIND_E_USAGE - error];
}

const char *dindbind_word(int error)
{
    return error ? error_row(error)->word : "ok";
}

int dindbind_status(int error)
{
    return error ? error_row(error)->status : 0;
}

/* What a failed look-up means, and what an errno is called: strerror(3) speaks the reader's
 * language, or none. */
struct errno_row {
    const char *name;
    int err, error;
};

#define ERRNO(name, code) { #name, name, DINDBIND_E_##code }

static const struct errno_row errnos[] = {
    ERRNO(ENOENT, MISSING),
    ERRNO(ENOTDIR, NOTDIR),
    ERRNO(ELOOP, LOOP),
    ERRNO(EXDEV, ESCAPE),
    ERRNO(ENAMETOOLONG, TOOLONG),
    ERRNO(EAGAIN, CHANGED),
    ERRNO(EACCES, DENIED),
    ERRNO(EPERM, DENIED),
    ERRNO(ESRCH, GONE),
    ERRNO(ENOMEM, NOMEM),
    ERRNO(ENOSYS, KERNEL),
    ERRNO(EEXIST, EXISTS),
    ERRNO(EROFS, MISSING),
    ERRNO(EPROTO, PROCFS),
    ERRNO(EINVAL, SYSTEM),
    ERRNO(EIO, SYSTEM),
    ERRNO(EBUSY, SYSTEM),
    ERRNO(EMFILE, SYSTEM),
    ERRNO(ENFILE, SYSTEM),
    ERRNO(ENOSPC, SYSTEM),
    ERRNO(EDQUOT, SYSTEM),
    ERRNO(EFBIG, SYSTEM),
    ERRNO(EBADF, SYSTEM),
    ERRNO(EISDIR, SYSTEM),
    ERRNO(ENOTEMPTY, SYSTEM),
    ERRNO(E2BIG, SYSTEM),
    ERRNO(EPIPE, SYSTEM),
    ERRNO(ENODEV, SYSTEM),
    ERRNO(ESTALE, SYSTEM),
    ERRNO(EOPNOTSUPP, SYSTEM),
};

/* NULL: one that has no row. `rc` is -errno. */
static const struct errno_row *errno_row(int rc)
{
    CHECK(rc < 0 && rc > DINDBIND_E_USAGE);
    for (size_t i = 0; i < sizeof errnos / sizeof *errnos; i++)
        if (errnos[i].err == -rc)
            return &errnos[i];
    return NULL;
}

/* The code for -errno. */
static int error_of(int rc)
{
    const struct errno_row *row = errno_row(rc);
    return row ? row->error : DINDBIND_E_SYSTEM;
}

/* The same of what a call returned: 0 where that is no failure. */
static int error_unless_ok(int rc)
{
    return rc < 0 ? error_of(rc) : 0;
}

static void text_errno(struct text *t, int rc)
{
    const struct errno_row *row = errno_row(rc);
    if (row) {
        text_add(t, row->name);
        return;
    }
    text_add(t, "errno ");
    text_number(t, (unsigned)-rc);
}

/* Is what was looked up just not there for the caller: missing, hidden, or not to be looked at?
 * After any other failure nothing is known about it, and that must not pass for its absence. */
static bool is_absent(int rc)
{
    return rc == -ENOENT || rc == -ENOTDIR || rc == -ELOOP || rc == -EACCES || rc == -EXDEV ||
           rc == -ENAMETOOLONG;
}

/* What a failed look-up of something that need not be there comes to: 0, or an error. */
static int unless_absent(int rc)
{
    return rc >= 0 || is_absent(rc) ? 0 : error_of(rc);
}

/* ==== inodes and procfs ==========================================================================
 *
 * In: descriptors, names, a PID and its start time. Out: what an inode is and what the kernel
 * calls it, descriptors of /proc, of the task's own directory and of its root. Never here: trust
 * in a /proc that is not a procfs, or in a number. */

/* Of which mount an open file is, as fdinfo has it; 0 without procfs. */
static int mount_of(const struct dindbind_runner *r, int fd, uint64_t *mnt)
{
    char name[FD_PATH], buf[256];
    unsigned long long v = 0;
    if (r->proc_fd < 0)
        return 0;
    int info = sys_open(r->proc_fd, fd_path(name, "thread-self/fdinfo/", fd), O_RDONLY | O_CLOEXEC);
    int len = read_start(info, buf, sizeof buf);
    sys_close(info);
    if (len < 0)
        return len == -ENOENT ? -ENOSYS : len;
    char *id = strstr(buf, "mnt_id:\t");
    if (!id || !parse_number(id + 8, id + strcspn(id, "\n"), ULLONG_MAX, &v))
        return -ENOSYS;         /* before 3.15 */
    *mnt = v;
    return 0;
}

/* The inode that dir/name leads to, or dir itself for "". */
static int inspect(const struct dindbind_runner *r, int dir, const char *name, struct node *n)
{
    if (!(r->caps & CAPS_NO_STATX))
        return sys_statx(dir, name, n);
    int fd = *name ? sys_open(dir, name, OPEN_PIN | O_NOFOLLOW) : dir;
    int rc = sys_fstat(fd, n);
    if (!rc)
        rc = mount_of(r, fd, &n->mnt);
    if (*name)
        sys_close(fd);
    return rc;
}

static int inspect_fd(const struct dindbind_runner *r, int fd, struct node *n)
{
    return inspect(r, fd, "", n);
}

/* Open a name in procfs, if it lies on the very mount that it starts at: nothing is mounted over
 * any part of it. A magic link itself: with O_NOFOLLOW. */
static int proc_entry(const struct dindbind_runner *r, int dir, const char *name, int flags)
{
    struct node a, b;
    if (!(r->caps & CAPS_NO_OPENAT2))
        return sys_openat2(dir, name, flags, BENEATH | NO_XDEV | NO_MAGICLINKS);
    int fd = sys_open(dir, name, flags);
    if (fd < 0)
        return fd;
    int rc = inspect_fd(r, dir, &a);
    if (!rc)
        rc = inspect_fd(r, fd, &b);
    if (!rc && a.mnt != b.mnt)
        rc = -EXDEV;
    if (rc)
        sys_close(fd);
    if (rc)
        return rc;
    return fd;
}

/* The kernel's name of a descriptor, from the root of the mount namespace that it lies in.
 * EPROTO: this is not a procfs where one could look. */
static int name_of(const struct dindbind_runner *r, int fd, char out[DINDBIND_PATH_MAX])
{
    char number[FD_PATH];
    int dir = proc_entry(r, r->proc_fd, "thread-self/fd", OPEN_DIR);
    if (is_absent(dir))
        return -EPROTO;
    int n = sys_readlink(dir, fd_path(number, "", fd), out);
    sys_close(dir);
    return n < 0 ? n : 0;
}

/* The same from the root of a task on, which may be only chrooted. */
static int name_in(const struct dindbind_runner *r, int task, int fd, char out[DINDBIND_PATH_MAX])
{
    char root[DINDBIND_PATH_MAX];
    int rc = name_of(r, fd, out);
    if (!rc)
        rc = sys_readlink(task, "root", root);
    if (rc < 0)
        return rc == -ENOENT ? -ESRCH : rc;
    size_t len = strlen(as_prefix(root)), all = strlen(out);
    if (all > len)
        memmove(out, out + len, all - len + 1);
    else
        copy_path(out, "/");
    return 0;
}

/* Whoever mounts the answers sees host paths: the caller, or the engine that was named (-E). What
 * it calls what a descriptor is open on. */
static int host_name(const struct dindbind_runner *r, int fd, char out[DINDBIND_PATH_MAX])
{
    if (!r->engine)
        return name_of(r, fd, out);
    return name_in(r, r->engine_fd, fd, out);
}

/* Its root, or where absolute paths begin without one. */
static int host_root(const struct dindbind_runner *r)
{
    return r->engine ? r->engine_root : AT_FDCWD;
}

/* What it opens at a path; links lead where they lead for it. */
static int open_host(const struct dindbind_runner *r, const char *path, int flags)
{
    if (!r->engine)
        return open_path(path, flags);
    return sys_openat2(r->engine_root, path, flags, IN_ROOT | NO_MAGICLINKS);
}

/* Has this directory no more than so many entries with short names, counting `.` and `..`? */
static bool is_empty_dir(int fd, int entries)
{
    char buf[1024];
    int n = CALL3(SYS_getdents64, fd, buf, sizeof buf);
    /* each takes 24 bytes */
    return n >= 0 && n <= 24 * entries && !CALL3(SYS_getdents64, fd, buf, sizeof buf);
}

static int proc_open(struct dindbind_runner *r, struct text *why)
{
    struct statfs fs;
    struct node n;
    int rc;
    text_add(why, "/proc");
    r->proc_fd = open_path("/proc", OPEN_DIR);
    if (r->proc_fd < 0) {
        rc = r->proc_fd;
        r->proc_fd = -1;
        return rc == -ENOENT || rc == -ENOTDIR ? DINDBIND_E_PROCFS : error_of(rc);
    }
    rc = sys_fstatfs(r->proc_fd, &fs);
    if (rc)
        return error_of(rc);
    if ((unsigned long)fs.f_type != proc_super_magic)
        return DINDBIND_E_PROCFS;
    rc = sys_statx(r->proc_fd, "", &n);
    if (is_lacking(rc, SYS_statx)) {
        r->caps |= CAPS_NO_STATX;
        rc = inspect_fd(r, r->proc_fd, &n);
        if (rc == -ENOSYS)
            return DINDBIND_E_PROCFS;   /* a part of a procfs, without thread-self */
    }
    if (rc)
        return error_of(rc);
    if (n.ino != proc_root_ino)
        return DINDBIND_E_PROCFS;
    if (is_missing(SYS_openat2))
        r->caps |= CAPS_NO_OPENAT2;
    /* another PID namespace's has nothing there, and its numbers are other processes' */
    char first;
    rc = CALL(SYS_readlinkat, r->proc_fd, "thread-self", &first, 1);
    if (rc == -EINVAL || is_absent(rc))
        return DINDBIND_E_PROCFS;
    return error_unless_ok(rc);
}

enum { STAT_FLAGS = 9, STAT_START = 22 };

/* A field of /proc/PID/stat. The command in field 2 is in parentheses and may hold anything. */
static int proc_stat(const struct dindbind_runner *r, int task, int wanted,
                     unsigned long long *value)
{
    char buf[512];              /* field 22 ends before 400 */
    int fd = proc_entry(r, task, "stat", O_RDONLY | O_CLOEXEC);
    int n = read_start(fd, buf, sizeof buf);
    sys_close(fd);
    if (n < 0)
        return n;
    char *p = strrchr(buf, ')');
    for (int field = 2; p && field < wanted; field++)
        p = strchr(p + 1, ' ');
    if (!p || !parse_number(p + 1, p + 1 + strcspn(p + 1, " "), ULLONG_MAX, value))
        return -EIO;
    return 0;
}

/* What a failure to look into /proc/PID means. */
static int task_error(int rc)
{
    if (rc == -ENOENT || rc == -ESRCH)
        return DINDBIND_E_GONE;
    if (rc == -EXDEV || rc == -ELOOP || rc == -ENOTDIR)
        return DINDBIND_E_PROCFS;
    return error_of(rc);
}

/* A task: the descriptor of /proc/PID, which stays with that process, and its root. `what` it is,
 * for a message about another start time. */
static int task_open(const struct dindbind_runner *r, long pid, unsigned long long start,
                     const char *what, int *task, int *root, struct text *why)
{
    char name[24];
    unsigned long long started = 0;
    struct text t = text_new(name, sizeof name);
    text_number(&t, (unsigned long long)pid);
    text_add(why, "/");
    text_add(why, name);
    int rc = proc_entry(r, r->proc_fd, name, OPEN_DIR);
    if (rc < 0)
        return task_error(rc);
    *task = rc;
    if (start) {
        rc = proc_stat(r, *task, STAT_START, &started);
        if (rc)
            return task_error(rc);
        if (started != start) {
            text_add(why, " started at ");
            text_number(why, started);
            text_add(why, what);
            text_number(why, start);
            return DINDBIND_E_REUSED;
        }
    }
    text_add(why, "/root");
    rc = proc_entry(r, *task, "root", OPEN_PIN | O_NOFOLLOW);   /* the link */
    sys_close(rc);
    if (rc >= 0)
        rc = sys_open(*task, "root", OPEN_DIR);
    if (rc < 0)
        return task_error(rc);
    *root = rc;
    return 0;
}

/* The caller is the runner. */
static int self_open(struct dindbind_runner *r, struct text *why)
{
    text_add(why, "/");
    int fd = open_path("/", OPEN_DIR);
    if (fd < 0)
        return error_of(fd);
    r->root_fd = fd;
    return 0;
}

/* The runner's root as the caller can open it; of a caller's own, what stands before its first
 * slash. */
static void proc_path(struct text *t, const struct dindbind_runner *r)
{
    if (!r->self) {
        text_add(t, "/proc/");
        text_number(t, (unsigned long long)r->pid);
        text_add(t, "/root");
    }
}

/* What a magic link leads to. */
static int inspect_magic(int dir, const char *link, struct node *n)
{
    int fd = sys_open(dir, link, OPEN_PIN);
    int rc = sys_fstat(fd, n);
    sys_close(fd);
    return rc;
}

/* What the kernel calls a directory. false: nothing absolute. */
static bool real_dir(const char *dir, char out[DINDBIND_PATH_MAX])
{
    char link[FD_PATH];
    int fd = open_path(dir, OPEN_DIR), n = -1;
    if (fd >= 0)
        n = sys_readlink(fd, fd_path(link, "/proc/thread-self/fd/", fd), out);
    sys_close(fd);
    return n > 0 && *out == '/';
}

/* ==== results ====================================================================================
 *
 * In: a code or an errno, or a pinned inode. Out: a result that says so. Never here: a result
 * that has an error and a descriptor. */

/* One line of what is being tried, where somebody wants to know. */
static void trace(const struct dindbind_runner *r, const char *rule, const char *path)
{
    char line[DINDBIND_PATH_MAX + 256];
    if (!r->trace)
        return;
    struct text t = text_in(line, sizeof line, rule);
    text_shown(&t, path);
    r->trace(r->trace_arg, line);
}

static int refuse(struct dindbind_result *res, int error, int err)
{
    CHECK(is_code(error));
    res->error = error;
    res->sys_errno = err;
    res->fd = -1;
    return error;
}

/* The same by -errno. */
static int refuse_errno(struct dindbind_result *res, int rc)
{
    return refuse(res, error_of(rc), -rc);
}

/* Pinned, and named: the rest of the answer comes from the descriptor. `rc`: if not, why. */
static int accept_node(struct dindbind_result *res, int rc, int fd, const struct node *n, bool ro)
{
    struct statfs fs;
    if (!rc)
        rc = sys_fstatfs(fd, &fs);
    if (rc) {
        sys_close(fd);
        return refuse_errno(res, rc);
    }
    res->error = res->sys_errno = 0;
    res->fd = fd;
    res->type = n->mode & S_IFMT;
    res->ro_mount = !ro && (fs.f_flags & ST_RDONLY);
    res->ro = ro || res->ro_mount;
    return 0;
}

/* ==== bind table =================================================================================
 *
 * In: the rows and a clean source. Out: the row that covers it and what is left over.
 * Never here: a match that ends within a component. */

/* The caller's rows, and after them those that we made of them, see rows_through_links(). NULL:
 * there is no such row. */
static const struct dindbind_bind *row_at(const struct dindbind_runner *r, size_t i)
{
    if (i < r->nbinds)
        return &r->binds[i];
    i -= r->nbinds;
    return i < r->npoints ? &r->points[i] : NULL;
}

static const struct dindbind_bind *bind_row(const struct dindbind_runner *r, const char *source,
                                            const char **rest)
{
    const struct dindbind_bind *best = NULL, *row;
    size_t best_len = 0;
    for (size_t i = 0; (row = row_at(r, i)); i++) {
        const char *path = as_prefix(row->path);
        size_t n = strlen(path);
        /* of two rows at one path the later one: it was mounted over the other */
        if ((best && n < best_len) || strncmp(source, path, n) || (source[n] && source[n] != '/'))
            continue;
        best = row;
        best_len = n;
    }
    *rest = source + best_len;
    return best;
}

static int binds_check(struct dindbind_runner *r, struct text *why)
{
    for (size_t i = 0; i < r->nbinds; i++) {
        const struct dindbind_bind *b = &r->binds[i];
        if ((!b->host || (*b->host == '/' && strlen(b->host) < DINDBIND_PATH_MAX)) && b->path &&
            is_clean(b->path))
            continue;
        text_add(why, "bind row ");
        text_shown(why, b->host ? b->host : "");
        text_add(why, ":");
        text_shown(why, b->path ? b->path : "");
        text_add(why, ": both paths must be absolute, the second one without . .. or //");
        return DINDBIND_E_USAGE;
    }
    return 0;
}

/* ==== contained resolution =======================================================================
 *
 * In: an open root and a clean absolute path that means something below it. Out: an O_PATH
 * descriptor, its node, and its name below the root without symlinks. All return 0 or -errno.
 * Never here: a step that leaves the root, a link of procfs, a second look at a name to find the
 * answer, or anything that is opened for reading or writing. */

/* A root to resolve in. */
struct root {
    int fd;
    /* the /proc/PID that it is the root of; -1: a directory of the caller's */
    int task;
    unsigned how;               /* IN_ROOT or BENEATH */
    const struct dindbind_bind *row;    /* BENEATH: the bind row that it is */
    size_t prefix;              /* length of what stands before a name in the answer */
};

struct spot {
    int fd;                     /* O_PATH; -1: none */
    struct node node;
    /* from the root, "/" for the root itself; DINDBIND_PATH_MAX less what the root takes */
    char *name;
};

static int spot_name(const struct root *root, struct spot *s, const char *name)
{
    return text_in(s->name, DINDBIND_PATH_MAX - root->prefix, name).cut ? -ENAMETOOLONG : 0;
}

/* Is this name in a bind row still that row's? Another row below may be mounted over it, and a
 * link may lead there: what the row has at that place is then hidden from the runner. */
static bool root_allows(const struct dindbind_runner *r, const struct root *root, const char *name)
{
    char full[DINDBIND_PATH_MAX];
    const char *rest;
    if (!root->row)
        return true;
    return put_path(full, as_prefix(root->row->path), name) &&
           bind_row(r, full, &rest) == root->row;
}

/* A task that is gone by now has no root, and what its PID means is open again. To be asked
 * after a look-up. */
static int root_alive(const struct root *root)
{
    char first;
    if (root->task < 0)
        return 0;
    int n = CALL(SYS_readlinkat, root->task, "root", &first, 1);
    if (n == -ENOENT)
        return -ESRCH;
    return n < 0 ? n : 0;
}

static const char *below(const char *path)
{
    path += strspn(path, "/");
    return *path ? path : ".";
}

/* A path on the way: what is done of it, without links, and what is to be done. Used by the walk
 * below and by the walk over the layers. */
struct walk {
    char *todo;                 /* in buf, moves towards its end */
    int links;
    char done[DINDBIND_PATH_MAX];
    char name[MAX_NAME + 1];
    char buf[2 * DINDBIND_PATH_MAX + MAX_NAME];
};

enum walk_step { WALK_END, WALK_NAME, WALK_UP, WALK_TOO_LONG };

static void walk_start(struct walk *w, const char *path)
{
    size_t n = strlen(path) + 1;
    w->done[0] = 0;
    w->links = 0;
    w->todo = w->buf + sizeof w->buf - n;
    memcpy(w->todo, path, n);
}

static enum walk_step walk_next(struct walk *w)
{
    for (;;) {
        w->todo += strspn(w->todo, "/");
        size_t n = strcspn(w->todo, "/");
        if (!n)
            return WALK_END;
        if (n > MAX_NAME)
            return WALK_TOO_LONG;
        memcpy(w->name, w->todo, n);
        w->name[n] = 0;
        w->todo += n;
        if (!strcmp(w->name, ".."))
            return WALK_UP;
        if (strcmp(w->name, "."))
            return WALK_NAME;
    }
}

/* More to come, or a slash that asks for a directory? */
static bool walk_more(const struct walk *w)
{
    return *w->todo != 0;
}

static int walk_push(struct walk *w)
{
    size_t len = strlen(w->done), n = strlen(w->name);
    if (len + n + 2 > sizeof w->done)
        return -ENAMETOOLONG;
    w->done[len] = '/';
    memcpy(w->done + len + 1, w->name, n + 1);
    return 0;
}

static void walk_pop(struct walk *w)
{
    char *slash = strrchr(w->done, '/');
    if (slash)
        *slash = 0;
}

/* Put the text of a symlink before what is left. *anew: it is absolute, and the walk starts at the
 * root again. 0 or -errno. */
static int walk_link(struct walk *w, const char *target, size_t n, bool *anew)
{
    *anew = false;
    if (w->links++ == MAX_LINKS)
        return -ELOOP;
    if (!n)
        return -ENOENT;
    if ((size_t)(w->todo - w->buf) < n)
        return -ENAMETOOLONG;
    w->todo -= n;
    memcpy(w->todo, target, n);
    *anew = *target == '/';
    if (*anew)
        w->done[0] = 0;
    return 0;
}

/* Does this link mean something else than its text says to the runner? Of a procfs's links none
 * is followed, wherever it is mounted: /proc/PID/root and its like leave the names of the file
 * system, and /proc/self, to which /etc/mtab and /dev/fd lead too, means whoever looks: us, and
 * not the runner. For openat2(2) the latter is a link like any other. A mount may also forbid
 * links altogether (ST_NOSYMFOLLOW, Linux 5.10). */
static bool link_is_magic(int fd)
{
    struct statfs fs;
    return sys_fstatfs(fd, &fs) || ((unsigned long)fs.f_flags & 0x2000) ||
           (unsigned long)fs.f_type == proc_super_magic;
}

/* What has been walked before, from the root, with no link on the way. `last` is how to open the
 * end. */
static int reopen(const struct root *root, const char *done, int last)
{
    char name[MAX_NAME + 1];
    int fd = sys_open(root->fd, ".", OPEN_DIR);
    while (fd >= 0 && *done) {
        size_t n = strcspn(++done, "/");
        memcpy(name, done, n);
        name[n] = 0;
        done += n;
        int next = sys_open(fd, name, (*done ? OPEN_DIR : last) | O_NOFOLLOW);
        sys_close(fd);
        fd = next;
    }
    return fd == -ENOENT || fd == -ENOTDIR || fd == -ELOOP ? -EAGAIN : fd;
}

/* A link was met: its text comes before what is left, and the walk goes on from `*dir`, or anew
 * from the root. */
static int walk_follow(const struct root *root, struct walk *w, int *dir, int link)
{
    char target[DINDBIND_PATH_MAX];
    bool anew = false;
    int rc = link_is_magic(link) ? -ELOOP : sys_readlink(link, "", target);
    if (rc >= 0)
        rc = walk_link(w, target, (size_t)rc, &anew);
    if (rc || !anew)
        return rc;
    if (root->how == BENEATH)
        return -EXDEV;
    sys_close(*dir);
    *dir = reopen(root, "", OPEN_DIR);
    return *dir < 0 ? *dir : 0;
}

/* One component. `*dir` is replaced by what it names, or stays where a link was met. */
static int walk_component(const struct root *root, struct walk *w, int *dir)
{
    struct node n;
    /* mostly a directory on the way, of which no more has to be known */
    int fd = walk_more(w) ? sys_open(*dir, w->name, OPEN_DIR | O_NOFOLLOW) : -ENOTDIR, rc = fd;
    bool look = fd == -ENOTDIR;
    if (look) {
        fd = sys_open(*dir, w->name, OPEN_PIN | O_NOFOLLOW);
        rc = sys_fstat(fd, &n);
    }
    if (rc >= 0 && look && S_ISLNK(n.mode)) {
        rc = walk_follow(root, w, dir, fd);
        sys_close(fd);
        return rc;
    }
    if (rc >= 0)
        rc = look && walk_more(w) && !S_ISDIR(n.mode) ? -ENOTDIR : walk_push(w);
    if (rc) {
        sys_close(fd);
        return rc;
    }
    sys_close(*dir);
    *dir = fd;
    return 0;
}

static size_t count_names(const char *path)
{
    size_t n = 0;
    for (; *path; path++)
        n += *path == '/';
    return n;
}

/* Every component by itself, no link followed by the kernel, `..` never asked of the kernel but
 * walked anew from the root, so that a directory moved away meanwhile cannot lead outside. */
static int resolve_walk(const struct dindbind_runner *r, const struct root *root, const char *path,
                        struct spot *s)
{
    struct walk w;
    enum walk_step step;
    int dir = reopen(root, "", OPEN_DIR), rc = dir < 0 ? dir : 0;
    size_t steps = 0;
    walk_start(&w, path);
    while (!rc && (step = walk_next(&w)) != WALK_END) {
        steps += step == WALK_UP ? count_names(w.done) : 1;
        if (steps > MAX_STEPS)
            rc = -ELOOP;
        else if (step == WALK_NAME)
            rc = walk_component(root, &w, &dir);
        else if (step == WALK_TOO_LONG)
            rc = -ENAMETOOLONG;
        else if (*w.done) {
            walk_pop(&w);
            sys_close(dir);
            dir = reopen(root, w.done, OPEN_DIR);
            rc = 0;
            if (dir < 0)
                rc = dir;
        } else if (root->how == BENEATH)
            rc = -EXDEV;
    }
    if (!rc)
        rc = inspect_fd(r, dir, &s->node);
    if (!rc)
        rc = spot_name(root, s, *w.done ? w.done : "/");
    s->fd = rc ? -1 : dir;
    if (rc)
        sys_close(dir);
    return rc;
}

/* Links are on the way, and two look-ups must end at the same inode: the kernel's, as the
 * runner's own would be, and the walk, which knows which links they are, and what the place is
 * called without them. */
static int resolve_linked(const struct dindbind_runner *r, const struct root *root,
                          const char *path, struct spot *s)
{
    struct node node;
    int fd = sys_openat2(root->fd, below(path), OPEN_PIN, root->how | NO_MAGICLINKS);
    int rc = resolve_walk(r, root, path, s);
    if (!rc) {
        rc = inspect_fd(r, fd, &node);
        /* IN_ROOT has no way out: a mount on the way was detached meanwhile (complete_walk() in
         * fs/namei.c). When the kernel has to start anew the links of both walks count
         * (total_link_count there), and ours had few enough */
        if ((rc == -EXDEV && root->how == IN_ROOT) || rc == -ELOOP ||
            (!rc && !same_node(&node, &s->node)))
            rc = -EAGAIN;
        if (rc)
            sys_close(s->fd);
    }
    sys_close(fd);
    return rc;
}

/* Without links, which most paths are: then the name is the one that was asked for. ELOOP: there
 * are some. */
static int resolve_plain(const struct dindbind_runner *r, const struct root *root, const char *path,
                         struct spot *s)
{
    s->fd = sys_openat2(root->fd, below(path), OPEN_PIN, root->how | NO_MAGICLINKS | NO_SYMLINKS);
    int rc = inspect_fd(r, s->fd, &s->node);
    if (!rc)
        rc = spot_name(root, s, path);
    if (rc)
        sys_close(s->fd);
    return rc;
}

static int resolve_contained(const struct dindbind_runner *r, const struct root *root,
                             const char *path, struct spot *s)
{
    bool by_kernel = !(r->caps & CAPS_NO_OPENAT2);
    int rc = -EAGAIN;
    if (by_kernel)
        rc = resolve_plain(r, root, path, s);
    if (rc == -ELOOP || (rc == -EXDEV && root->how == IN_ROOT))
        rc = -EAGAIN;
    for (int i = 0; i < RETRIES && rc == -EAGAIN; i++)
        rc = by_kernel ? resolve_linked(r, root, path, s) : resolve_walk(r, root, path, s);
    if (!rc) {
        rc = root_alive(root);
        if (rc)
            sys_close(s->fd);
    }
    if (rc)
        s->fd = -1;
    return rc;
}

/* A name in the runner's own root. */
static int resolve_own(const struct dindbind_runner *r, const char *path, struct spot *s)
{
    struct root root = { r->root_fd, r->task_fd, IN_ROOT, NULL, 0 };
    return resolve_contained(r, &root, path, s);
}

/* ==== missing directories ========================================================================
 *
 * In: a root, and a path in it of which the end is not there. Out: the directories, made, and
 * the last one pinned. The only part that changes anything of the runner's. Never here: a step
 * that is not relative to a descriptor, or a directory that stays although the call failed. */

/* Give a directory that was just made its owner and mode, whatever umask(2) made of them. A
 * hostile runner may have swapped it for another one: only an empty one that is ours is ever
 * given away. */
static int adopt(int fd, const struct node *owner)
{
    struct node n;
    int dir = sys_open(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int rc = sys_fstat(dir, &n);
    if (!rc && (n.uid != geteuid() || !is_empty_dir(dir, 2)))
        rc = -EAGAIN;
    if (!rc && (n.uid != owner->uid || n.gid != owner->gid))
        rc = CALL(SYS_fchownat, dir, "", owner->uid, owner->gid, AT_EMPTY_PATH);
    if (!rc && (n.mode & 0777) != 0755)
        rc = CALL3(SYS_fchmod, dir, (n.mode & S_ISGID) | 0755);
    sys_close(dir);
    return rc;
}

/* One directory level: made, or found and really a directory. `*made` says which. A descriptor,
 * or -errno. */
static int make_level(int parent, const char *name, const struct node *owner, bool *made)
{
    int rc = CALL3(SYS_mkdirat, parent, name, 0755);
    *made = !rc;
    if (rc && rc != -EEXIST)
        return rc;
    int fd = sys_open(parent, name, OPEN_DIR | O_NOFOLLOW);
    if (fd == -ENOTDIR || fd == -ELOOP)
        fd = -EEXIST;
    if (!*made)
        return fd;
    rc = fd < 0 ? fd : adopt(fd, owner);
    if (!rc)
        return fd;
    sys_close(fd);
    CALL3(SYS_unlinkat, parent, name, AT_REMOVEDIR);
    return rc;
}

/* A directory on the way down, and whether this call has made it. */
struct level {
    const char *name;
    int fd;                     /* or -errno */
    bool made;
};

/* The closest ancestor of `path` that is there. `*missing` gets what is not: names, from a slash
 * on. */
static int find_ancestor(const struct dindbind_runner *r, const struct root *root, const char *path,
                         struct spot *s, const char **missing)
{
    char above[DINDBIND_PATH_MAX];
    int rc;
    copy_path(above, path);
    do {
        *strrchr(above, '/') = 0;
        rc = resolve_contained(r, root, *above ? above : "/", s);
    } while (rc == -ENOENT && *above);
    *missing = path + strlen(above);
    return rc;
}

/* May these names be made below the ancestor? What the last of them will be called decides, so
 * that is put together first. */
static int may_make(const struct dindbind_runner *r, const struct root *root, struct spot *s,
                    const char *missing)
{
    struct text name = { s->name, strlen(as_prefix(s->name)), DINDBIND_PATH_MAX - root->prefix,
                         false };
    if (!S_ISDIR(s->node.mode))
        return -ENOTDIR;
    text_add(&name, missing);
    if (name.cut)
        return -ENAMETOOLONG;
    return root_allows(r, root, s->name) ? 0 : -EXDEV;
}

/* The levels down to v[n] are closed, and what of them was made is removed again if `undo`. */
static void levels_close(const struct level *v, size_t n, bool undo)
{
    for (size_t i = n; i > 0; i--) {
        if (undo && v[i].made && v[i].fd >= 0)
            CALL3(SYS_unlinkat, v[i - 1].fd, v[i].name, AT_REMOVEDIR);
        sys_close(v[i].fd);
    }
    sys_close(v[0].fd);
}

/* Create the missing directories of `path`. The closest ancestor that is there is resolved once;
 * from it down everything is relative to descriptors. What a failing call has made is removed
 * again. */
static int make_missing(const struct dindbind_runner *r, const struct root *root, const char *path,
                        struct spot *s)
{
    char names[DINDBIND_PATH_MAX];
    const char *missing;
    int rc = find_ancestor(r, root, path, s, &missing);
    if (rc)
        return rc;
    copy_path(names, missing);
    struct level *v = malloc((count_names(names) + 1) * sizeof *v);
    rc = -ENOMEM;
    if (v)
        rc = may_make(r, root, s, missing);
    if (rc) {
        free(v);
        sys_close(s->fd);
        return rc;
    }
    size_t n = 0;
    v[0] = (struct level){ .fd = s->fd };
    for (char *slash = names; slash && v[n].fd >= 0; n++) {
        char *name = slash + 1;
        slash = strchr(name, '/');
        if (slash)
            *slash = 0;
        v[n + 1].name = name;
        v[n + 1].fd = make_level(v[n].fd, name, &s->node, &v[n + 1].made);
    }
    s->fd = v[n].fd;
    rc = inspect_fd(r, s->fd, &s->node);
    if (rc)
        levels_close(v, n, true);
    else
        levels_close(v, n - 1, false);
    free(v);
    return rc;
}

/* ==== mountinfo ==================================================================================
 *
 * In: a mountinfo file of procfs. Out: its rows, decoded. The only reader of it, and the only
 * place that knows its octal escapes. Never here: a guess about a row that does not parse. */

/* \ooo to the byte; anything else stays. In place. */
static void octal_decode(char *s)
{
    char *out = s;
    while (*s) {
        if (s[0] == '\\' && s[1] >= '0' && s[1] <= '3' && s[2] >= '0' && s[2] <= '7' &&
            s[3] >= '0' && s[3] <= '7') {
            *out++ = (char)((s[1] - '0') << 6 | (s[2] - '0') << 3 | (s[3] - '0'));
            s += 4;
        } else
            *out++ = *s++;
    }
    *out = 0;
}

struct mount_row {
    unsigned long long id, parent, dev;
    bool shared, unbindable;    /* propagation: to or from others, or not to be cloned */
    enum { NOT_MARKED_YET, NOT_MARKED, MARKED } mark;   /* see mark_rows() */
    char *root, *point;         /* decoded */
    char *options;              /* per mount: ro, nodev, ... */
    char *type, *source;
    char *super;                /* options of the file system, not decoded */
};

static char *cut_word(char **line, char stop)
{
    char *word = *line, *end = word;
    while (*end && *end != stop)
        end++;
    *line = *end ? end + 1 : end;
    *end = 0;
    return word;
}

static bool cut_number(char **line, char stop, unsigned long long *number)
{
    const char *word = cut_word(line, stop);
    return parse_number(word, word + strlen(word), UINT32_MAX, number);
}

/* A line without its newline, cut into a row in place. false: that is no line of a mountinfo. */
static bool mount_parse(char *line, struct mount_row *row)
{
    unsigned long long major, minor;
    const char *field;
    bool numbers = cut_number(&line, ' ', &row->id) && cut_number(&line, ' ', &row->parent) &&
                   cut_number(&line, ':', &major) && cut_number(&line, ' ', &minor);
    row->root = cut_word(&line, ' ');
    row->point = cut_word(&line, ' ');
    row->options = cut_word(&line, ' ');
    row->shared = row->unbindable = false;
    row->mark = NOT_MARKED;
    do {                        /* optional fields, which a dash ends */
        field = cut_word(&line, ' ');
        row->unbindable |= !strcmp(field, "unbindable");
        row->shared |= starts_with(field, "shared:") || starts_with(field, "master:");
    } while (*line && strcmp(field, "-"));
    row->type = cut_word(&line, ' ');
    row->source = cut_word(&line, ' ');
    row->super = line;
    if (!numbers || !*row->options)
        return false;
    row->dev = major << 32 | minor;
    octal_decode(row->root);
    octal_decode(row->point);
    return true;
}

/* A runner can have a mountinfo of gigabytes, and mounts enough for its answer to fill the
 * host's table. */
enum { MAX_MOUNTINFO = 64 << 20, MAX_MOUNTS = 4096 };

struct mount_table {
    char *text;
    size_t len;                 /* of the text; MAX_MOUNTINFO: there was more */
    struct mount_row *v;        /* in the order of the file */
    struct mount_row **by_id;   /* in that of their numbers; in one block with `v` */
    /* in path_order() of their places, once table_sort() has been called; likewise */
    struct mount_row **by_point;
    size_t n;
};

static int compare_ids(const void *a, const void *b)
{
    const struct mount_row *x = *(struct mount_row *const *)a, *y = *(struct mount_row *const *)b;
    return x->id < y->id ? -1 : x->id > y->id;
}

/* The rows of a text that the table has already, and frees. */
static int table_parse(struct mount_table *t)
{
    size_t lines = 0;
    char *next = t->text;
    for (size_t i = 0; i < t->len; i++)
        lines += t->text[i] == '\n';
    t->v = malloc((lines + 1) * (sizeof *t->v + sizeof *t->by_id + sizeof *t->by_point));
    if (!t->v)
        return DINDBIND_E_NOMEM;
    t->by_id = (struct mount_row **)(t->v + lines + 1);
    t->by_point = t->by_id + lines + 1;
    while (*next) {
        struct mount_row *row = &t->v[t->n];
        if (!mount_parse(cut_word(&next, '\n'), row))
            return DINDBIND_E_PROCFS;
        t->by_id[t->n++] = row;
    }
    qsort(t->by_id, t->n, sizeof *t->by_id, compare_ids);
    return 0;
}

/* The mounts that the runner's task sees; or (`host`) those of whoever mounts the answers, which
 * with self is nobody who could be asked: the caller's own, who is the runner. */
static int table_read(const struct dindbind_runner *r, bool host, struct mount_table *t)
{
    bool own = host && !r->engine;
    int fd, task = host ? r->engine_fd : r->task_fd;
    *t = (struct mount_table){ 0 };
    if (own)
        fd = proc_entry(r, r->proc_fd, "thread-self/mountinfo", O_RDONLY | O_CLOEXEC);
    else
        fd = proc_entry(r, task, "mountinfo", O_RDONLY | O_CLOEXEC);
    long len = read_whole(fd, own && !r->self ? LONG_MAX : MAX_MOUNTINFO, &t->text);
    t->len = len < 0 ? 0 : (size_t)len;
    if (len == -EFBIG)
        t->len = MAX_MOUNTINFO;
    /* EINVAL: of a task that is exiting (mounts_open_common() in fs/proc_namespace.c) */
    if (len < 0)
        return len == -EINVAL ? DINDBIND_E_GONE : task_error((int)len);
    return table_parse(t);
}

static void table_free(struct mount_table *t)
{
    free(t->text);
    free(t->v);
    *t = (struct mount_table){ 0 };
}

static struct mount_row *row_by_id(const struct mount_table *t, uint64_t id)
{
    const struct mount_row key = { .id = id }, *const at = &key;
    struct mount_row **found =
        t->n ? bsearch(&at, t->by_id, t->n, sizeof *t->by_id, compare_ids) : NULL;
    return found ? *found : NULL;
}

static bool is_ro(const struct mount_row *row)
{
    return has_word(row->options, "ro");
}

static struct mount_row *parent_row(const struct mount_table *t, const struct mount_row *row)
{
    return row->parent == row->id ? NULL : row_by_id(t, row->parent);
}

/* Two mounts at one place: as they stand in the table. */
static int compare_points(const void *a, const void *b)
{
    const struct mount_row *x = *(struct mount_row *const *)a, *y = *(struct mount_row *const *)b;
    int order = path_order(x->point, y->point);
    return order ? order : (x > y) - (x < y);
}

static void table_sort(struct mount_table *t)
{
    for (size_t i = 0; i < t->n; i++)
        t->by_point[i] = &t->v[i];
    if (t->n)                   /* a runner that has died has none, and no array */
        qsort(t->by_point, t->n, sizeof *t->by_point, compare_points);
}

/* The first row, in that order, which is at this place or follows it. */
static size_t first_from(const struct mount_table *t, const char *place)
{
    size_t low = 0, high = t->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (path_order(t->by_point[middle]->point, place) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Of these rows mark those for which `is` says so, and all that are mounted on one of them,
 * however far up; the rows in between must be among them. Each is looked at twice at most, in
 * whatever order they come. */
static void mark_rows(const struct mount_table *t, struct mount_row *const *rows, size_t n,
                      bool (*is)(const struct mount_row *, const void *), const void *arg)
{
    for (size_t i = 0; i < n; i++)
        rows[i]->mark = NOT_MARKED_YET;
    for (size_t i = 0; i < n; i++) {
        struct mount_row *top = rows[i];
        while (top && top->mark == NOT_MARKED_YET) {
            top->mark = is(top, arg) ? MARKED : NOT_MARKED;
            if (top->mark == NOT_MARKED)
                top = parent_row(t, top);
        }
        if (!top || top->mark == NOT_MARKED)
            continue;
        for (struct mount_row *row = rows[i]; row != top; row = parent_row(t, row))
            row->mark = MARKED;
    }
}

/* Is this one of the two tmpfs of a stage? */
static bool is_ours(const struct mount_row *row)
{
    return row && !strcmp(row->type, "tmpfs") && !strcmp(row->source, "dindbind");
}

static bool is_of_stage(const struct mount_row *row, const void *unused)
{
    (void)unused;
    return is_ours(row);
}

/* ==== layers: options ============================================================================
 *
 * In: overlay mount options, as a string for mount(2) or as mountinfo shows them. Out: the
 * layers in order and how the kernel would treat them. Never here: one reading of a text that
 * has two. */

enum { MAX_LAYERS = 500 };

struct layer {
    char *dir;                  /* absolute */
    atomic_int fd;              /* -1 until somebody looks in; two threads may race for it */
    atomic_uint mnt;            /* the mount that the layer's root is on */
};

enum setting { OFF, ON, UNKNOWN };      /* UNKNOWN: the kernel's default, and it cannot be read */

struct dindbind_layers {
    size_t n, nlower;           /* all; lowers that are no data-only layers */
    /* whole components that all their paths start with; opened once for all of them */
    size_t base;
    int base_fd;
    bool upper;                 /* v[0] is the upperdir */
    bool userxattr, ro, index;
    bool attrs;                 /* the attributes of overlayfs can be read */
    enum setting follow, metacopy;
    const char *words;          /* the options that a second overlay of the same layers needs */
    struct layer v[];           /* after them, what their `dir` points to */
};

/* How the text may be read. mountinfo escapes in octal and shows an upperdir as it was given,
 * which is with its backslashes when it was a string, and without when it was a descriptor. */
enum reading { AS_MOUNTINFO, AS_MOUNTINFO_RAW, AS_STRING, READINGS };

/* The options that decide about look-ups: first those that are words, or have one as their
 * value, then those with a directory. */
enum option_name {
    USERXATTR, NOUSERXATTR, RO, INDEX, NFS_EXPORT, METACOPY, REDIRECT_DIR, WORDS,
    LOWERDIR = WORDS, LOWERDIR_ADD, DATADIR_ADD, UPPERDIR,
    HARMLESS                    /* any other */
};

enum option_value { NOTHING, ON_OR_OFF, HOW_TO_REDIRECT, DIRECTORY, ANYTHING };

static const struct overlay_option {
    const char *text;
    enum option_name name;
    enum option_value value;
} overlay_options[] = {
    { "userxattr", USERXATTR, NOTHING },
    { "nouserxattr", NOUSERXATTR, NOTHING },    /* of Ubuntu's kernels and LinuxKit's */
    { "ro", RO, NOTHING },
    { "index", INDEX, ON_OR_OFF },
    { "nfs_export", NFS_EXPORT, ON_OR_OFF },
    { "metacopy", METACOPY, ON_OR_OFF },
    { "redirect_dir", REDIRECT_DIR, HOW_TO_REDIRECT },
    { "lowerdir", LOWERDIR, DIRECTORY },
    { "lowerdir+", LOWERDIR_ADD, DIRECTORY },
    { "datadir+", DATADIR_ADD, DIRECTORY },
    { "upperdir", UPPERDIR, DIRECTORY },
    /* what does not change the meaning of a path (docs/overlay.md, rule 2) */
    { "workdir", HARMLESS, ANYTHING },
    { "xino", HARMLESS, ANYTHING },
    { "uuid", HARMLESS, ANYTHING },
    { "volatile", HARMLESS, ANYTHING },
    { "fsync", HARMLESS, ANYTHING },
    { "default_permissions", HARMLESS, ANYTHING },
    { "verity", HARMLESS, ANYTHING },
    { "override_creds", HARMLESS, ANYTHING },
    { "nooverride_creds", HARMLESS, ANYTHING },
    { "context", HARMLESS, ANYTHING },
    { "fscontext", HARMLESS, ANYTHING },
    { "defcontext", HARMLESS, ANYTHING },
    { "rootcontext", HARMLESS, ANYTHING },
    { "seclabel", HARMLESS, ANYTHING },
    /* and what is mount(8)'s own */
    { "rw", HARMLESS, ANYTHING },
    { "relatime", HARMLESS, ANYTHING },
    { "noatime", HARMLESS, ANYTHING },
    { "nodiratime", HARMLESS, ANYTHING },
    { "strictatime", HARMLESS, ANYTHING },
    { "lazytime", HARMLESS, ANYTHING },
    { "nosuid", HARMLESS, ANYTHING },
    { "nodev", HARMLESS, ANYTHING },
    { "noexec", HARMLESS, ANYTHING },
    { "sync", HARMLESS, ANYTHING },
    { "dirsync", HARMLESS, ANYTHING },
    { "mand", HARMLESS, ANYTHING },
    { "silent", HARMLESS, ANYTHING },
    { "loud", HARMLESS, ANYTHING },
};

static const struct overlay_option *find_overlay_option(const char *text)
{
    for (size_t i = 0; i < sizeof overlay_options / sizeof *overlay_options; i++)
        if (!strcmp(overlay_options[i].text, text))
            return &overlay_options[i];
    return NULL;
}

/* What was given for one of the first group. */
enum option_word { ABSENT, IS_ON, IS_OFF, IS_FOLLOW, IS_NOFOLLOW, OPTION_WORDS };

static const char *const option_words[OPTION_WORDS] = {
    [IS_ON] = "on", [IS_OFF] = "off", [IS_FOLLOW] = "follow", [IS_NOFOLLOW] = "nofollow"
};

/* The words and dirs of one reading, before they are believed. */
struct options {
    size_t nlower, ndata;
    enum option_word word[WORDS];       /* by enum option_name */
    const char *bad;            /* the word that was not understood */
    char *upper, *lower[MAX_LAYERS];
};

/* The next option of the text. In a string for mount(2) a backslash keeps a comma from ending it. A
 * security context is quoted and may hold commas. */
static size_t option_length(const char *s, bool string)
{
    size_t n = 0, key = strcspn(s, "=,");
    bool quoted = false, context = key >= 7 && s[key] == '=' && !memcmp(s + key - 7, "context", 7);
    for (; s[n] && (quoted || s[n] != ','); n++) {
        bool opens = n && s[n - 1] == '=';
        if (context && s[n] == '"')
            quoted = !quoted && opens;
        else if (string && s[n] == '\\' && s[n + 1])
            n++;
    }
    return n;
}

/* Backslash quotes the next byte. In place, up to an unquoted `stop` byte; returns what stopped
 * it. */
static char *unquote(char *s, char stop)
{
    char *out = s;
    for (; *s && *s != stop; s++) {
        if (*s == '\\' && !*++s)
            break;              /* the last byte: the kernel drops it */
        *out++ = *s;
    }
    char *next = *s ? s + 1 : NULL;
    *out = 0;
    return next;
}

static bool add_lower(struct options *o, char *dir, bool data)
{
    if (!*dir || o->nlower == MAX_LAYERS || (!data && o->ndata))
        return false;
    o->lower[o->nlower++] = dir;
    o->ndata += data;
    return true;
}

/* lowerdir=A:B::D, a colon between layers, two before data-only ones, and a backslash quotes. */
static bool parse_lowerdir(struct options *o, char *value)
{
    bool data = false;
    o->nlower = o->ndata = 0;   /* a later lowerdir= replaces an earlier one */
    while (value) {
        if (o->nlower && *value == ':') {
            data = true;
            value++;
        } else if (data)
            return false;
        char *next = unquote(value, ':');
        if (!add_lower(o, value, data))
            return false;
        value = next;
    }
    return true;
}

static bool take_option_word(struct options *o, const struct overlay_option *option,
                             const char *value)
{
    enum option_word last = option->value == HOW_TO_REDIRECT ? IS_NOFOLLOW : IS_OFF;
    CHECK(option->name < WORDS);
    for (enum option_word word = IS_ON; word <= last; word++)
        if (!strcmp(option_words[word], value)) {
            o->word[option->name] = word;
            return true;
        }
    return false;
}

static bool take_directory(struct options *o, enum option_name name, char *value, enum reading how)
{
    switch (name) {
    case LOWERDIR: return parse_lowerdir(o, value);
    case LOWERDIR_ADD: return add_lower(o, value, false);
    case DATADIR_ADD: return o->nlower && add_lower(o, value, true);
    default: break;
    }
    if (how != AS_MOUNTINFO_RAW)
        unquote(value, 0);
    o->upper = value;
    return *value != 0;
}

/* `word` is a copy that is ours. */
static bool parse_option(struct options *o, char *word, enum reading how)
{
    char *value = strchr(word, '=');
    if (value)
        *value++ = 0;
    const struct overlay_option *option = find_overlay_option(word);
    if (!option)
        return false;
    if (option->value == ANYTHING)
        return true;
    if (option->value == NOTHING) {
        o->word[option->name] = IS_ON;
        if (option->name == NOUSERXATTR)        /* the later one of the two counts */
            o->word[USERXATTR] = ABSENT;
        return !value;
    }
    if (!value)
        return false;
    if (how != AS_STRING)
        octal_decode(value);
    if (option->value == DIRECTORY)
        return take_directory(o, option->name, value, how);
    return take_option_word(o, option, value);
}

/* All options under one reading. `space` has room for the whole text. */
static bool parse_options(struct options *o, const char *text, char *space, enum reading how)
{
    memset(o, 0, sizeof *o);
    while (*text) {
        size_t n = option_length(text, how == AS_STRING);
        memcpy(space, text, n);
        space[n] = 0;
        o->bad = text;
        if (n && !parse_option(o, space, how))
            return false;
        space += n + 1;
        text = after_word(text, n);
    }
    o->bad = "lowerdir";
    return o->nlower > o->ndata;
}

/* Could mountinfo have written this? It leaves no backslash but as the start of an octal escape. */
static bool may_be_mountinfo(const char *s)
{
    while ((s = strchr(s, '\\'))) {
        if (!strspn(s + 1, "01") || strspn(s + 1, "01234567") < 3)
            return false;
        s += 4;
    }
    return true;
}

/* A layer as it was given, from the top; NULL after the last. */
static const char *layer_given(const struct options *o, size_t i)
{
    if (o->upper && !i--)
        return o->upper;
    return i < o->nlower ? o->lower[i] : NULL;
}

static bool same_options(const struct options *a, const struct options *b)
{
    const char *x, *y;
    size_t i = 0;
    do {
        x = layer_given(a, i);
        y = layer_given(b, i++);
    } while (x && y && !strcmp(x, y));
    return !x && !y && a->nlower == b->nlower && a->ndata == b->ndata;
}

/* The directory that relative lowerdirs are meant from: containerd drops the common `snapshots`
 * directory from them and leaves the upperdir as it is, `.../snapshots/<id>/fs`. */
static size_t base_length(const struct options *o)
{
    size_t n = o->upper && *o->upper == '/' ? strlen(o->upper) : 0;
    for (int up = 0; up < 2; up++) {
        while (n && o->upper[n - 1] == '/')
            n--;
        while (n && o->upper[n - 1] != '/')
            n--;
    }
    return n;
}

/* A layer as an absolute path, and its length; 0 where it cannot be one. */
static size_t layer_path(const struct options *o, const char *dir, char *out)
{
    struct text t = text_new(out, DINDBIND_PATH_MAX);
    if (*dir != '/') {
        size_t base = base_length(o);
        if (!base || !o->upper)
            return 0;
        text_bytes(&t, o->upper, base);
    }
    text_add(&t, dir);
    return !t.cut && strspn(out, "/.") < t.len ? t.len : 0;
}

static int layers_exist(const struct dindbind_runner *r, const struct options *o, bool *all)
{
    char path[DINDBIND_PATH_MAX];
    const char *dir;
    *all = true;
    for (size_t i = 0; *all && (dir = layer_given(o, i)); i++) {
        int fd = -ENOENT;
        if (layer_path(o, dir, path))
            fd = open_host(r, path, OPEN_DIR);
        sys_close(fd);
        if (fd < 0 && !is_absent(fd))
            return error_of(fd);
        *all = fd >= 0;
    }
    return 0;
}

static int layers_unread(struct text *why, const char *what, const char *text)
{
    text_add(why, what);
    text_shown(why, text);
    return DINDBIND_E_LAYERS;
}

/* The one reading to believe: where there are several, the one whose layers exist. It is left in
 * o[0]; o[1] is for those that are tried, and after it there is room for all of their texts. */
static int choose_reading(const struct dindbind_runner *r, struct options *o, struct text *why)
{
    const char *text = r->overlay;
    char *space = (char *)(o + 2);
    bool plain = !strchr(text, '\\');          /* then there is but one */
    bool parsed = false, seen = false;
    enum reading how = !plain && may_be_mountinfo(text) ? AS_MOUNTINFO : AS_STRING;
    for (; how < READINGS && !(plain && parsed); how++, space += strlen(text) + 2) {
        bool there = false;
        if (!parse_options(o + 1, text, space, how) || (parsed && same_options(o, o + 1)))
            continue;
        int rc = 0;
        if (!plain)
            rc = layers_exist(r, o + 1, &there);
        if (rc)
            return rc;
        if (there && seen)
            return layers_unread(why,
                                 "the options have two readings, and the layers of both exist: ",
                                 text);
        if (there || !parsed)
            *o = o[1];
        parsed = true;
        seen = seen || there;
    }
    return parsed ? 0 : layers_unread(why, "overlay option not understood: ", o[1].bad);
}

/* A default of this kernel's overlayfs, which mountinfo omits. */
static enum setting kernel_default(const char *name)
{
    char path[DINDBIND_PATH_MAX], value;
    put_path(path, "/sys/module/overlay/parameters/", name);
    int fd = open_path(path, O_RDONLY | O_CLOEXEC);
    int n = sys_read(fd, &value, 1);
    sys_close(fd);
    if (n != 1)
        return UNKNOWN;
    return value == 'Y' ? ON : OFF;
}

/* Does it have an index? If the default cannot be read it may: that refuses more. */
static bool is_indexing(const struct options *o)
{
    if (o->word[INDEX])
        return o->word[INDEX] == IS_ON;
    return kernel_default("index") != OFF;
}

/* Without an index the kernel makes nothing of its default of nfs_export. */
static bool is_exported(const struct options *o)
{
    if (o->word[NFS_EXPORT])
        return o->word[NFS_EXPORT] == IS_ON;
    return is_indexing(o) && kernel_default("nfs_export") == ON;
}

/* docs/overlay.md, rule 1. Following redirects and making them are the same for a look-up. */
static void set_modes(struct dindbind_layers *l, const struct options *o)
{
    enum option_word redirect = o->word[REDIRECT_DIR], metacopy = o->word[METACOPY];
    l->follow = l->metacopy = OFF;
    if (o->word[USERXATTR])
        return;
    if (metacopy != IS_OFF)
        l->metacopy = metacopy ? ON : kernel_default("metacopy");
    if (redirect == IS_ON || redirect == IS_FOLLOW || (!redirect && metacopy == IS_ON))
        l->follow = ON;
    else if (redirect != IS_NOFOLLOW) {
        l->follow = kernel_default("redirect_always_follow");
        if (!redirect && l->follow != ON) {
            enum setting made = kernel_default("redirect_dir");
            l->follow = made == OFF ? l->follow : made;
        }
    }
}

/* The options that a second overlay needs to treat the same directories the same way. */
static const char *mode_words(const struct options *o)
{
    /* no kernel mounts the two that are left out */
    static const char *const words[OPTION_WORDS][IS_OFF + 1] = {
        [ABSENT] = { "", [IS_ON] = "metacopy=on", [IS_OFF] = "metacopy=off" },
        [IS_ON] = { "redirect_dir=on", [IS_ON] = "redirect_dir=on,metacopy=on",
                    [IS_OFF] = "redirect_dir=on,metacopy=off" },
        [IS_OFF] = { "redirect_dir=off", [IS_ON] = "", [IS_OFF] = "redirect_dir=off,metacopy=off" },
        [IS_FOLLOW] = { "redirect_dir=follow", [IS_ON] = "redirect_dir=on,metacopy=on",
                        [IS_OFF] = "redirect_dir=follow,metacopy=off" },
        [IS_NOFOLLOW] = { "redirect_dir=nofollow", [IS_ON] = "",
                          [IS_OFF] = "redirect_dir=nofollow,metacopy=off" },
    };
    if (o->word[USERXATTR])
        return "userxattr";
    return words[o->word[REDIRECT_DIR]][o->word[METACOPY]];
}

/* trusted.* attributes read as absent without CAP_SYS_ADMIN in the initial user namespace. */
static bool can_read_trusted(const struct dindbind_runner *r)
{
    struct { uint32_t version; int pid; } head = { 0x20080522, 0 };
    struct { uint32_t effective, permitted, inheritable; } caps[2];
    struct node ns;
    return !inspect_magic(r->proc_fd, "thread-self/ns/user", &ns) && ns.ino == init_user_ns_ino &&
           !CALL3(SYS_capget, &head, caps) && (caps[0].effective >> 21 & 1);
}

static void layers_free(struct dindbind_layers *l)
{
    if (!l)
        return;
    for (size_t i = 0; i < l->n; i++)
        sys_close(l->v[i].fd);
    sys_close(l->base_fd);
    free(l);
}

/* Engines keep all layers in one directory, and every call is shorter from there. */
static void layers_base(const struct dindbind_runner *r, struct dindbind_layers *l)
{
    char *first = l->v->dir, *end, kept;
    size_t base = strlen(first);
    for (size_t i = 0; i < l->n; i++)
        while (strncmp(l->v[i].dir, first, base) || first[base - 1] != '/')
            base--;
    end = first + base;
    kept = *end;
    *end = 0;
    /* if that fails, the layer that is needed says why */
    l->base_fd = open_host(r, first, OPEN_DIR);
    l->base = base;
    *end = kept;
}

/* The chosen options as layers. Their paths are made absolute here and opened when first needed. */
static int layers_build(struct dindbind_runner *r, const struct options *o, struct text *why)
{
    size_t n = o->nlower + !!o->upper;
    /* no more text than that of the options, from which it is cut, and the base of each */
    struct dindbind_layers *l =
        malloc(sizeof *l + n * (sizeof *l->v + base_length(o)) + strlen(r->overlay) + 2);
    if (!l)
        return DINDBIND_E_NOMEM;
    char *at = (char *)(l->v + n);
    l->base_fd = -1;
    l->n = 0;
    do {                        /* there is one at least */
        const char *dir = layer_given(o, l->n);
        size_t len = layer_path(o, dir, at);
        if (*dir != '/' && !dir[strspn(dir, "0123456789")]) {
            layers_free(l);
            return layers_unread(why,
                                 "a layer is named by a descriptor of the process that mounted it; "
                                 "inspect has its name: ",
                                 dir);
        }
        if (!len) {
            layers_free(l);
            return layers_unread(
                why,
                *dir == '/' ? "a layer cannot be the root: "
                            : "a relative layer, and no absolute upperdir that shows where it is: ",
                dir);
        }
        l->v[l->n].dir = at;
        l->v[l->n].fd = -1;
        l->v[l->n].mnt = 0;
        l->n++;
        at += len + 1;
    } while (l->n < n);
    l->upper = o->upper;
    l->nlower = o->nlower - o->ndata;
    l->userxattr = o->word[USERXATTR];
    l->ro = o->word[RO] || !o->upper;
    l->index = is_indexing(o);
    l->words = mode_words(o);
    l->attrs = l->userxattr || can_read_trusted(r);
    set_modes(l, o);
    layers_base(r, l);
    r->layers = l;
    return 0;
}

static int layers_open(struct dindbind_runner *r, struct text *why)
{
    _Alignas(16) char space[4 * DINDBIND_PATH_MAX];
    struct arena a = arena_in(space, sizeof space);
    struct options *o = arena_alloc(&a, 2 * sizeof *o + READINGS * (strlen(r->overlay) + 2));
    if (!o)
        return DINDBIND_E_NOMEM;
    int rc = choose_reading(r, o, why);
    if (!rc && is_exported(o))
        rc = layers_unread(why, "nfs_export=on: merging then depends on file handles", "");
    if (!rc)
        rc = layers_build(r, o, why);
    arena_free(&a);
    return rc;
}

/* ==== layers: look-up ============================================================================
 *
 * In: the layers and a clean path. Out: the layer objects that the overlay would show there. It
 * follows fs/overlayfs/namei.c, ovl_lookup() and what that calls, as measured in rules 12 to 27 of
 * docs/overlay.md, to which all numbers of rules from here on belong. Never here: a symlink
 * followed by the kernel, or a component looked up in a layer that no longer matters. All return 0,
 * or what they are asked for, which is never negative, or a DINDBIND_E_ code; `sys_errno` has the
 * overlay's own errno for BROKEN. */

/* An object in a layer: its path from that layer's root, "" for the root itself. */
struct entry {
    unsigned layer;
    unsigned nlink;             /* of a directory that was found */
    const char *rel;
};

/* A directory of the overlay: the layer directories that make it up, topmost first. */
struct stack {
    struct entry *v;
    size_t n;
};

struct overlay {
    const struct dindbind_runner *r;
    struct dindbind_layers *l;
    struct arena arena;
    struct stack roots, here, next;
    unsigned peeked;            /* of the layers before this one some are not opened */
    bool data_layers;           /* there are data-only ones */
    bool redirects;             /* redirects are looked at below a directory's last layer too */
    int sys_errno;
    /* the last join, shared by all layers that have it */
    const char *parent_rel, *name, *child_rel;

    /* what the last look-up found, when it was no directory */
    struct entry top, data;
    const char *data_name;      /* where the data is in the data-only layers, when not in `data` */
    struct node node;

    struct entry attr;          /* the object whose attributes were listed last */
    bool no_listxattrat;
    /* a mount whose directories have two links and one for each directory in them */
    unsigned counting;

    /* not touched before they are needed */
    char value[DINDBIND_PATH_MAX];      /* of one of them */
    /* of the arena, enough for a hundred layers */
    _Alignas(16) char space[3 * DINDBIND_PATH_MAX];
};

/* A component on its way down the layers, as struct ovl_lookup_data is. */
struct lookup {
    /* one component, or after an absolute redirect a path from the root */
    const char *name;
    /* what the last layer has; rel NULL: nothing. Before that, where to look */
    struct entry found;
    struct node node;
    bool is_dir, stop, last, redirect, absolute, metacopy;
};

enum { ATTR_OPAQUE = 1, ATTR_REDIRECT = 2, ATTR_METACOPY = 4, ATTR_WHITEOUT = 8 };

static int broken(struct overlay *o, int err)
{
    o->sys_errno = err;
    return DINDBIND_E_BROKEN;
}

/* An -errno of the overlay's path walk; 0: none. */
static int walk_failed(struct overlay *o, int rc)
{
    o->sys_errno = -rc;
    return rc ? error_of(rc) : 0;
}

/* An -errno of this system, not of the overlay's rules. */
static int failed(struct overlay *o, int rc)
{
    int error = walk_failed(o, rc);
    return rc == -ENOENT || rc == -ENOTDIR || rc == -EAGAIN ? DINDBIND_E_CHANGED : error;
}

/* The object that a refusal is about, for the message. */
static int blame(struct overlay *o, struct entry e, int error, int err)
{
    const char *rel = arena_copy(&o->arena, e.rel, strlen(e.rel));
    o->top = (struct entry){ e.layer, 0, rel };
    o->sys_errno = err;
    return error;
}

/* How a layer is called from the base of all. */
static const char *layer_name(const struct overlay *o, unsigned i)
{
    return below(o->l->v[i].dir + o->l->base);
}

/* The descriptor of a layer's root, opened when it is first needed; or an error. */
static int layer_fd(struct overlay *o, unsigned i)
{
    struct layer *l = &o->l->v[i];
    int none = -1, fd = l->fd;
    if (fd >= 0)
        return fd;
    fd = sys_open(o->l->base_fd, layer_name(o, i), OPEN_DIR);
    if (fd < 0)
        return blame(o, (struct entry){ i, 0, "" },
                     fd == -ENOENT || fd == -ENOTDIR ? DINDBIND_E_LAYERS : error_of(fd), -fd);
    if (!atomic_compare_exchange_strong(&l->fd, &none, fd)) {
        sys_close(fd);          /* another thread was here */
        fd = none;
    }
    return fd;
}

/* rel/name in the arena; the same string for every layer that has the directory under the same
 * name. */
static const char *join(struct overlay *o, const char *rel, const char *name, size_t n)
{
    if (o->parent_rel == rel && !strncmp(o->name, name, n) && !o->name[n])
        return o->child_rel;
    size_t len = strlen(rel);
    char *s = arena_alloc(&o->arena, len + n + 2);
    if (!s)
        return NULL;
    memcpy(s, rel, len);
    if (len)
        s[len++] = '/';
    memcpy(s + len, name, n);
    s[len + n] = 0;
    o->parent_rel = rel;
    o->name = s + len;
    o->child_rel = s;
    return s;
}

/* See to it that the mount of a layer's root is known. */
static int layer_mount(struct overlay *o, unsigned i)
{
    struct layer *l = &o->l->v[i];
    struct node n;
    int fd = layer_fd(o, i);
    if (fd < 0 || l->mnt)
        return fd < 0 ? fd : 0;
    int rc = inspect_fd(o->r, fd, &n);
    l->mnt = (unsigned)n.mnt;
    return rc ? failed(o, rc) : 0;
}

/* An object of a layer that nobody has looked into: most have not the first component of a path,
 * and need not be opened to see that. 0, or -ENOENT, which is to be confirmed; all else the
 * layer's descriptor has to tell. */
static int layer_peek(struct overlay *o, struct entry e, struct node *n)
{
    char path[DINDBIND_PATH_MAX];
    int rc = -EAGAIN;
    if (join_path(path, layer_name(o, e.layer), e.rel))
        rc = inspect(o->r, o->l->base_fd, path, n);
    if (rc == -ENOENT && o->peeked <= e.layer)
        o->peeked = e.layer + 1;
    return rc;
}

/* The names of some layers as one walk through all of them: `1/../2/../`. false: it does not
 * fit. */
static bool text_layer_walk(const struct overlay *o, unsigned from, unsigned to,
                            char path[DINDBIND_PATH_MAX])
{
    struct text t = text_new(path, DINDBIND_PATH_MAX);
    for (unsigned i = from; i < to; i++) {
        const char *name = layer_name(o, i);
        size_t names = 1 + count_names(name);
        text_add(&t, name);
        while (names--)
            text_add(&t, "/../");
    }
    return !t.cut;
}

/* Are all layers there in which nothing was found? One walk through 32 of them costs a sixth of
 * a look at each. Where it fails, as with a name that is a link, each layer's own descriptor has
 * to show it. 0, or an error. */
static int layers_confirm(struct overlay *o)
{
    char path[DINDBIND_PATH_MAX];
    for (unsigned from = 0, to; from < o->peeked; from = to) {
        to = o->peeked - from < 32 ? o->peeked : from + 32;
        int fd = -1;
        if (text_layer_walk(o, from, to, path))
            fd = sys_openat2(o->l->base_fd, path, OPEN_DIR, BENEATH | NO_SYMLINKS);
        sys_close(fd);
        for (unsigned i = from; fd < 0 && i < to; i++) {
            int layer = layer_fd(o, i);
            if (layer < 0)
                return layer;
        }
    }
    return 0;
}

/* What is at a place of a layer. Mode 0: nothing. */
static int layer_stat(struct overlay *o, struct entry e, struct node *n)
{
    int rc = -EAGAIN;
    if (o->l->v[e.layer].fd < 0)
        rc = layer_peek(o, e, n);
    if (rc && rc != -ENOENT) {
        int fd = layer_fd(o, e.layer);
        if (fd < 0)
            return fd;
        rc = inspect(o->r, fd, e.rel, n);
    }
    if (rc == -ENOENT) {
        n->mode = 0;
        return 0;
    }
    if (rc)
        return failed(o, rc);
    struct layer *l = &o->l->v[e.layer];
    if (n->inside)
        l->mnt = (unsigned)n->mnt;      /* as everything on the way to it is */
    rc = layer_mount(o, e.layer);
    /* the overlay has what this mount covers (docs/overlay.md, rule 11) */
    return rc || (unsigned)n->mnt == l->mnt ? rc : blame(o, e, DINDBIND_E_INEXACT, EXDEV);
}

static const char *attr_prefix(const struct overlay *o)
{
    return o->l->userxattr ? "user.overlay." : "trusted.overlay.";
}

static bool is_whiteout(const struct node *n, int set)
{
    return S_ISCHR(n->mode) ? !n->rdev : S_ISREG(n->mode) && !n->size && (set & ATTR_WHITEOUT);
}

/* The path of the object that `attr` is: O_PATH descriptors have no attributes, and the magic
 * link of the layer's descriptor is thrice as far. */
static bool attr_path(const struct overlay *o, char out[DINDBIND_PATH_MAX])
{
    return join_path(out, o->l->v[o->attr.layer].dir, o->attr.rel);
}

static int list_attrs(struct overlay *o, int layer, char *to, size_t size)
{
    char path[DINDBIND_PATH_MAX];
    int n = -ENOSYS;
    if (!o->no_listxattrat)
        n = CALL(SYS_listxattrat, layer, o->attr.rel, AT_SYMLINK_NOFOLLOW, to, size);
    o->no_listxattrat = is_lacking(n, SYS_listxattrat);         /* before Linux 6.13 */
    if (o->no_listxattrat)
        n = attr_path(o, path) ? CALL3(SYS_llistxattr, path, to, size) : -ENAMETOOLONG;
    return n;
}

/* The attributes of overlayfs that decide about look-ups. */
static const struct overlay_attr {
    const char *name;
    int bit;
} overlay_attrs[] = {
    { "opaque", ATTR_OPAQUE },
    { "redirect", ATTR_REDIRECT },
    { "metacopy", ATTR_METACOPY },
    { "whiteout", ATTR_WHITEOUT },
};

static int attr_bit(const char *name)
{
    for (size_t i = 0; i < sizeof overlay_attrs / sizeof *overlay_attrs; i++)
        if (!strcmp(overlay_attrs[i].name, name))
            return overlay_attrs[i].bit;
    return 0;
}

/* Which attributes of overlayfs an object has, as a set. */
static int attrs(struct overlay *o, struct entry e, int *set)
{
    char *list = o->value, *large = NULL;
    const char *prefix = attr_prefix(o);
    int rc = 0;
    *set = 0;
    if (!o->l->attrs)
        return blame(o, e, DINDBIND_E_XATTR, 0);
    int fd = layer_fd(o, e.layer);
    if (fd < 0)
        return fd;
    o->attr = e;
    int n = list_attrs(o, fd, list, sizeof o->value);
    if (n == -ERANGE) {
        large = malloc(65536);  /* XATTR_LIST_MAX */
        list = large;
        n = -ENOMEM;
        if (large)
            n = list_attrs(o, fd, large, 65536);
    }
    if (n < 0 && n != -EOPNOTSUPP)
        rc = failed(o, n);
    for (char *name = list; name - list < n; name += strlen(name) + 1)
        if (starts_with(name, prefix))
            *set |= attr_bit(name + strlen(prefix));
    free(large);
    return rc;
}

/* One attribute of the object that attrs() was asked about last. `value` is terminated. */
static int attr_value(struct overlay *o, const char *name, size_t *len)
{
    char full[64], path[DINDBIND_PATH_MAX];
    struct text t = text_in(full, sizeof full, attr_prefix(o));
    text_add(&t, name);
    int n = -ENAMETOOLONG;
    if (attr_path(o, path))
        n = CALL(SYS_lgetxattr, path, full, o->value, sizeof o->value - 1);
    if (n == -ERANGE)
        return broken(o, EINVAL);
    if (n < 0)
        return failed(o, n);
    o->value[n] = 0;
    *len = (size_t)n;
    return 0;
}

/* Follow redirects, make metacopy files whole? A default that cannot be read must not be
 * guessed. */
static int allowed(struct overlay *o, enum setting s)
{
    if (s == ON)
        return 0;
    o->sys_errno = s == UNKNOWN ? ENOENT : EPERM;
    return s == UNKNOWN ? DINDBIND_E_LAYERS : DINDBIND_E_BROKEN;
}

static int check_follow(struct overlay *o, const struct lookup *d)
{
    int rc = 0;
    if (d->metacopy)
        rc = allowed(o, o->l->metacopy);
    if (!rc && d->redirect)
        rc = allowed(o, o->l->follow);
    return rc;
}

/* May this be the value of a redirect? */
static bool is_redirect(const char *value)
{
    size_t n = strlen(value);
    if (*value != '/')
        return n && !strchr(value, '/');
    return value[n - 1] != '/' && !strstr(value, "//");
}

/* A redirect replaces the component that was looked up, or the whole name; rule 17. `rest` is
 * what follows the component in the name. */
static int take_redirect(struct overlay *o, struct lookup *d, const char *rest)
{
    const char *value = o->value;
    size_t keep = 0, n;
    int rc = attr_value(o, "redirect", &n);
    if (rc)
        return rc;
    if (!is_redirect(value))
        return broken(o, EINVAL);
    d->absolute = *value == '/';
    if (d->absolute)
        d->stop = false;
    else {
        keep = strlen(d->name) - strlen(rest);
        while (keep && d->name[keep - 1] != '/')
            keep--;
    }
    size_t size = keep + strlen(value) + strlen(rest) + 1;
    char *name = arena_alloc(&o->arena, size);
    if (!name)
        return DINDBIND_E_NOMEM;
    struct text t = text_new(name, size);
    text_bytes(&t, d->name, keep);
    text_add(&t, value);
    text_add(&t, rest);
    d->name = name;
    d->redirect = true;
    return 0;
}

/* A file that may hold attributes only, its data being further down. */
static int take_metacopy(struct overlay *o, struct lookup *d, int set)
{
    size_t n = 0;
    d->metacopy = false;
    if (set & ATTR_METACOPY) {
        int rc = attr_value(o, "metacopy", &n);
        if (rc)
            return rc;
        d->metacopy = true;
        if (n && n < 4)
            return broken(o, EIO);
    }
    d->stop = !d->metacopy;
    return 0;
}

/* Do attributes decide about this object? Not about a directory that nothing lies below, nor
 * about a file that cannot be what is looked for. */
static bool needs_attrs(const struct lookup *d, bool last_element)
{
    if (S_ISDIR(d->node.mode))
        return !d->last;
    return S_ISREG(d->node.mode) && last_element && !d->is_dir;
}

/* Does this object end the search, as if nothing lay below it? A whiteout does, and what is not
 * of the kind that the layers above have. */
static bool ends_search(const struct lookup *d, int set, bool last_element)
{
    unsigned mode = d->node.mode;
    if (is_whiteout(&d->node, set))
        return true;
    if (last_element && d->metacopy && !S_ISREG(mode))
        return true;
    return !S_ISDIR(mode) && (d->is_dir || !last_element);
}

/* Is the directory that attrs() was asked about opaque? */
static int is_opaque(struct overlay *o, bool *opaque)
{
    size_t n = 0;
    int rc = attr_value(o, "opaque", &n);
    *opaque = !rc && n == 1 && *o->value == 'y';
    /* that is: longer than any value that has a meaning */
    return rc == DINDBIND_E_BROKEN ? 0 : rc;
}

/* What an object that was found says of the layers below; rules 14 to 17. */
static int lookup_further(struct overlay *o, struct lookup *d, int set, const char *rest)
{
    bool is_dir = S_ISDIR(d->node.mode), opaque = false;
    int rc = 0;
    if (!is_dir)
        rc = take_metacopy(o, d, set);
    else if (!*rest)
        d->is_dir = true;
    if (rc || d->last || !(is_dir || d->metacopy))
        return rc;
    if (is_dir && (set & ATTR_OPAQUE))
        rc = is_opaque(o, &opaque);
    if (rc)
        return rc;
    if (opaque) {
        d->stop = true;
        return 0;
    }
    d->absolute = false;
    return set & ATTR_REDIRECT ? take_redirect(o, d, rest) : 0;
}

/* The next component in one layer, below what was found; rules 12 to 17. */
static int lookup_single(struct overlay *o, struct lookup *d, const char *name, size_t len)
{
    struct entry e = d->found;
    const char *rest = name + len;
    int set = 0;
    d->found.rel = NULL;
    if (is_dots(name, len))
        return broken(o, EACCES);
    if (len > MAX_NAME)
        return 0;
    e.rel = join(o, e.rel, name, len);
    if (!e.rel)
        return DINDBIND_E_NOMEM;
    int rc = layer_stat(o, e, &d->node);
    if (rc || !d->node.mode)
        return rc;
    if (needs_attrs(d, !*rest)) {
        rc = attrs(o, e, &set);
        if (rc)
            return rc;
    }
    if (ends_search(d, set, !*rest)) {
        d->stop = true;
        return 0;
    }
    d->found = e;
    return lookup_further(o, d, set, rest);
}

/* The whole name in one layer; rule 18 when it is a path. */
static int lookup_layer(struct overlay *o, struct entry dir, struct lookup *d)
{
    const char *name = d->name;         /* a redirect on the way is for the layers below */
    int rc;
    d->found = dir;
    do {
        name += *name == '/';
        size_t len = strcspn(name, "/");
        rc = lookup_single(o, d, name, len);
        name += len;
    } while (!rc && d->found.rel && *name);
    return rc;
}

/* A path in a data-only layer, as the kernel walks one beneath a directory: `.` and `..` are
 * followed, symlinks are not. *err: why no regular file is there, or 0. */
static int walk_data(struct overlay *o, unsigned layer, const char *name, struct entry *e, int *err)
{
    struct node n = { .mode = S_IFDIR };
    const char *p = name;
    *e = (struct entry){ layer, 0, "" };
    *err = 0;
    while (*p && !*err) {
        size_t len = strcspn(++p, "/");
        const char *slash = strrchr(e->rel, '/');
        if (!n.mode)
            *err = ENOENT;
        else if (!S_ISDIR(n.mode))
            *err = S_ISLNK(n.mode) ? ELOOP : ENOTDIR;
        else if (len == 2 && !memcmp(p, "..", 2) && !*e->rel)
            *err = EXDEV;
        else if (len == 2 && !memcmp(p, "..", 2))
            e->rel = slash ? arena_copy(&o->arena, e->rel, (size_t)(slash - e->rel)) : "";
        else if (!is_dots(p, len)) {
            e->rel = join(o, e->rel, p, len);
            int rc = e->rel ? layer_stat(o, *e, &n) : 0;
            if (rc)
                return rc;
        }
        if (!e->rel)
            return DINDBIND_E_NOMEM;
        p += len;
    }
    if (!*err && !S_ISREG(n.mode))
        *err = ENOENT;
    return 0;
}

/* The data of a metacopy file whose redirect leads into the data-only layers; rule 25. */
static int lookup_data(struct overlay *o, const char *name, struct entry *found)
{
    int err = ENOENT;
    for (unsigned i = (unsigned)o->roots.n; i < o->l->n; i++) {
        int rc = walk_data(o, i, name, found, &err);
        if (rc)
            return rc;
        if (!err)
            return layers_confirm(o);
    }
    return broken(o, err);
}

/* What one layer contributes. A directory goes onto the stack; of files the topmost is the
 * object. */
static void take_found(struct overlay *o, const struct lookup *d)
{
    bool first = !o->next.n && !o->top.rel;
    if (first)
        o->node = d->node;
    if (d->is_dir)
        o->next.v[o->next.n++] = (struct entry){ d->found.layer, d->node.nlink, d->found.rel };
    else if (first)
        o->top = d->found;
    else if (!d->metacopy)
        o->data = d->found;
}

/* One component of the overlay, looked up in `here`; rules 19 to 22. A directory is `here` then,
 * anything else in `top`, `data` and `node`; nothing at all is MISSING. */
static int overlay_lookup(struct overlay *o, const char *name)
{
    struct lookup d = { .name = name };
    const struct stack *parent = &o->here;
    bool lowers = false;
    int rc = 0;
    o->next.n = 0;
    o->top.rel = o->data.rel = o->data_name = NULL;
    for (size_t i = 0; !d.stop && i < parent->n; i++) {
        struct entry dir = parent->v[i];
        rc = check_follow(o, &d);
        if (rc)
            return rc;
        if (!o->redirects)
            d.last = i + 1 == parent->n;
        else if (d.is_dir || !o->data_layers)
            d.last = dir.layer + 1 == o->roots.n;
        rc = lookup_layer(o, dir, &d);
        if (rc)
            return rc;
        if (!d.found.rel)
            continue;
        take_found(o, &d);
        lowers = lowers || dir.layer >= o->l->upper;
        /* after an absolute redirect. roots.v[k] is layer k: go on below it */
        if (*d.name == '/') {
            parent = &o->roots;
            i = dir.layer;
        }
    }
    if (d.metacopy && lowers && o->data_layers && d.absolute) {
        /* looked up when it is the answer, as the kernel does at the first open */
        o->data_name = d.name;
        return 0;
    }
    rc = check_follow(o, &d);
    if (rc)
        return rc;
    if (d.metacopy)
        return broken(o, EIO);
    if (o->next.n) {
        struct stack old = o->here;
        o->here = o->next;
        o->next = old;
        return 0;
    }
    return o->top.rel ? 0 : DINDBIND_E_MISSING;
}

static void overlay_root(struct overlay *o)
{
    memcpy(o->here.v, o->roots.v, o->roots.n * sizeof *o->roots.v);
    /* clang's analyzer loses the arena here, which whoever has called overlay_init() frees:
     * NOLINTNEXTLINE(clang-analyzer-unix.Malloc) */
    o->here.n = o->roots.n;
}

static int overlay_init(struct overlay *o, const struct dindbind_runner *r)
{
    struct dindbind_layers *l = r->layers;
    size_t n = l->upper + l->nlower;
    memset(o, 0, offsetof(struct overlay, value));
    o->r = r;
    o->l = l;
    o->arena = arena_in(o->space, sizeof o->space);
    o->data_layers = l->n > n;
    o->redirects = l->follow != OFF || o->data_layers;
    struct entry *v = arena_alloc(&o->arena, 3 * n * sizeof *v);
    if (!v)
        return DINDBIND_E_NOMEM;
    o->roots = (struct stack){ v, n };
    o->here.v = v + n;
    o->next.v = v + 2 * n;
    for (unsigned i = 0; i < n; i++)
        v[i] = (struct entry){ i, 0, "" };
    overlay_root(o);
    return 0;
}

/* Follow a symlink: its text comes from the topmost layer, and leads on in the overlay. */
static int overlay_link(struct overlay *o, struct walk *w)
{
    char target[DINDBIND_PATH_MAX];
    struct entry link = o->top;         /* which a failure may put another one into */
    int fd = layer_fd(o, link.layer);
    if (fd < 0)
        return fd;
    int rc = sys_readlink(fd, link.rel, target);
    if (rc < 0 && rc != -ENAMETOOLONG)
        return failed(o, rc);
    bool anew = false;
    if (rc >= 0)
        rc = walk_link(w, target, (size_t)rc, &anew);
    if (anew)
        overlay_root(o);
    return walk_failed(o, rc);
}

/* `..` leads to the parent in the overlay, which no layer knows: walk there again. */
static int overlay_up(struct overlay *o, struct walk *w)
{
    int rc = 0;
    walk_pop(w);
    overlay_root(o);
    for (char *p = w->done; !rc && *p;) {
        char *name = ++p;
        p += strcspn(p, "/");
        char end = *p;
        *p = 0;
        rc = overlay_lookup(o, name);
        *p = end;
        if (!rc && o->top.rel)
            rc = DINDBIND_E_MISSING;
    }
    return rc == DINDBIND_E_MISSING ? DINDBIND_E_CHANGED : rc;
}

/* Does a link lead to where a bind row is mounted over the overlay? */
static bool enters_row(const struct dindbind_runner *r, const struct walk *w)
{
    char path[DINDBIND_PATH_MAX];
    const char *rest;
    /* no row has a path that does not fit */
    return join_path(path, w->done, w->name) && bind_row(r, path, &rest);
}

/* One name of a path: a link leads on, a directory is `here`, and anything else must be the end. */
static int overlay_step(struct overlay *o, struct walk *w)
{
    if (enters_row(o->r, w))
        return walk_failed(o, -EXDEV);
    int rc = overlay_lookup(o, w->name);
    if (rc)
        return rc;
    if (o->top.rel && S_ISLNK(o->node.mode)) {
        rc = overlay_link(o, w);
        o->top.rel = NULL;
        return rc;
    }
    if (o->top.rel && walk_more(w))
        return walk_failed(o, -ENOTDIR);
    return walk_failed(o, walk_push(w));
}

/* Walk a path. On success `here` is the directory, or `top` (with rel set) the object, and
 * `name` the path without links. */
static int overlay_walk(struct overlay *o, const struct dindbind_runner *r, const char *path,
                        char name[DINDBIND_PATH_MAX])
{
    struct walk w;
    enum walk_step step;
    int rc = overlay_init(o, r);
    walk_start(&w, path);
    while (!rc && (step = walk_next(&w)) != WALK_END) {
        switch (step) {
        case WALK_UP: rc = overlay_up(o, &w); break;
        case WALK_TOO_LONG: rc = walk_failed(o, -ENAMETOOLONG); break;
        default: rc = overlay_step(o, &w); break;
        }
    }
    copy_path(name, *w.done ? w.done : "/");
    int missing = layers_confirm(o);
    if (missing)
        return missing;
    return rc;
}

/* Where a path really is in the overlay, links followed. */
static int overlay_name(const struct dindbind_runner *r, const char *path,
                        char out[DINDBIND_PATH_MAX])
{
    struct overlay o;
    int rc = overlay_walk(&o, r, path, out);
    arena_free(&o.arena);
    return rc;
}

/* ==== layers: subtrees ===========================================================================
 *
 * In: the layer directories of one overlay directory. Out: whether the raw tree of the only one,
 * or a read-only overlay of the several, shows all that the overlay shows below (rules 30 and
 * 31). Never here: anything opened but directories, and those only to be listed. */

struct scan {
    struct overlay *o;
    bool single;                /* else: several directories, merged by a second overlay */
    bool files;                 /* do the attributes of files matter? */
    bool dirs;                  /* and those of directories? */
    /* a directory above has a redirect, or this one has: the same name may be another object */
    bool renamed, renames;
    size_t at;                  /* in which of the directories, from the top */
    unsigned layer;
    struct out todo;            /* directories to be listed, a stack of strings */
};

/* linux_dirent64, by offsets: ino 8, off 8, reclen 2, type 1, name. */
enum { DIRENT_RECLEN = 16, DIRENT_TYPE = 18, DIRENT_NAME = 19 };

static int scan_push(struct scan *s, const char *rel)
{
    put_string(&s->todo, rel);
    return s->todo.failed ? DINDBIND_E_NOMEM : 0;
}

static const char *scan_pop(struct scan *s)
{
    size_t start = s->todo.len - 1;
    while (start && s->todo.at[start - 1])
        start--;
    s->todo.len = start;
    return s->todo.at + start;
}

/* Do attributes decide about an entry of this kind? */
static bool scan_needs_attrs(const struct scan *s, unsigned mode)
{
    return (S_ISDIR(mode) && s->dirs) || (S_ISREG(mode) && s->files);
}

/* Does an object end the look-up? A whiteout does, a directory with opaque=y and no other value,
 * and a file, unless its data is further down. */
enum cover { NOTHING_THERE, GOES_ON, COVERS };

static int scan_cover(struct scan *s, struct entry e, bool last, enum cover *cover)
{
    struct node n;
    bool opaque = false;
    int set = 0, rc = layer_stat(s->o, e, &n);
    *cover = NOTHING_THERE;
    if (rc || !n.mode)
        return rc;
    if (S_ISDIR(n.mode) || S_ISREG(n.mode))
        rc = attrs(s->o, e, &set);
    if (!rc && S_ISDIR(n.mode) && (set & ATTR_OPAQUE))
        rc = is_opaque(s->o, &opaque);
    *cover = COVERS;
    if (S_ISDIR(n.mode) && !opaque)
        *cover = GOES_ON;
    if (S_ISREG(n.mode) && (set & ATTR_METACOPY) && last)
        *cover = GOES_ON;
    return rc;
}

/* Does one of the directories above hide the entry: by a whiteout, an opaque directory or a file,
 * at its name or on the way to it? After a redirect the names differ, and nothing counts as
 * hidden. */
static int scan_hidden(struct scan *s, const char *rel, bool *hidden)
{
    const struct stack *here = &s->o->here;
    const char *rest = rel + strlen(here->v[s->at].rel);
    char path[DINDBIND_PATH_MAX];
    *hidden = false;
    for (size_t i = 0; !s->renamed && i < s->at; i++) {
        enum cover cover = GOES_ON;
        struct text t = text_in(path, sizeof path, here->v[i].rel);
        for (const char *p = rest + (*rest == '/'); *p && cover == GOES_ON; p += *p == '/') {
            size_t len = strcspn(p, "/");
            text_add(&t, t.len ? "/" : "");
            text_bytes(&t, p, len);
            p += len;
            int rc = DINDBIND_E_TOOLONG;
            if (!t.cut)
                rc = scan_cover(s, (struct entry){ here->v[i].layer, 0, path }, !*p, &cover);
            if (rc)
                return rc;
        }
        *hidden |= cover == COVERS;
    }
    return 0;
}

/* Does a redirect lead out of the directories that are answered? A relative one only renames
 * within them. What is hidden leads nowhere. */
static int scan_redirect(struct scan *s, struct entry e)
{
    struct lookup d = { .name = e.rel };
    bool hidden;
    int rc = scan_hidden(s, e.rel, &hidden);
    if (rc || hidden)
        return rc;
    s->renames = true;
    s->o->attr = e;
    rc = take_redirect(s->o, &d, "");
    if (rc && rc != DINDBIND_E_BROKEN)
        return rc;
    if (rc || d.absolute || s->o->l->follow != ON)
        return blame(s->o, e, DINDBIND_E_INEXACT, 0);
    return 0;
}

/* With index=on a lower hard link may really be another copied-up one (rule 3). */
static bool is_indexed(const struct overlay *o, unsigned layer)
{
    return o->l->index && (!o->l->upper || layer);
}

/* Does this entry mean something else in the overlay than it is? `type` is the file type of its
 * mode, or 0. */
static int scan_entry(struct scan *s, const char *rel, unsigned type)
{
    struct entry e = { s->layer, 0, rel };
    struct node n = { .mode = type, .size = 1 };
    int set = 0, rc = 0;
    if (!type || S_ISCHR(type))
        rc = layer_stat(s->o, e, &n);
    if (!rc && scan_needs_attrs(s, n.mode))
        rc = attrs(s->o, e, &set);
    bool is_dir = S_ISDIR(n.mode), metacopy = S_ISREG(n.mode) && (set & ATTR_METACOPY);
    bool indexed = !is_dir && is_indexed(s->o, e.layer);
    bool may_be_whiteout = s->single && S_ISREG(n.mode) && (set & ATTR_WHITEOUT);
    if (!rc && (indexed || may_be_whiteout))
        rc = layer_stat(s->o, e, &n);
    if (rc)
        return rc;
    if (!n.mode)
        return failed(s->o, -ENOENT);
    if (indexed && n.nlink > 1)
        return blame(s->o, e, DINDBIND_E_INEXACT, 0);
    if (s->single && (is_whiteout(&n, set) || metacopy))
        return blame(s->o, e, DINDBIND_E_INEXACT, 0);
    if ((set & ATTR_REDIRECT) && (is_dir || metacopy)) {
        rc = scan_redirect(s, e);
        if (rc)
            return rc;
    }
    return is_dir ? scan_push(s, rel) : 0;
}

/* The directory that was pushed last. */
static int scan_dir(struct scan *s)
{
    char buf[32768], rel[DINDBIND_PATH_MAX];
    struct overlay *o = s->o;
    int root = layer_fd(o, s->layer), rc = 0;
    if (root < 0)
        return root;
    struct text t = text_in(rel, sizeof rel, scan_pop(s));
    int fd = sys_open(root, below(rel), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return failed(o, fd);
    if (t.len)
        text_add(&t, "/");
    size_t base = t.len;
    int n = 0;
    while (!rc && (n = CALL3(SYS_getdents64, fd, buf, sizeof buf)) > 0)
        for (int at = 0; !rc && at < n;) {
            const char *name = buf + at + DIRENT_NAME;
            uint16_t len;
            unsigned type = (unsigned char)buf[at + DIRENT_TYPE];
            memcpy(&len, buf + at + DIRENT_RECLEN, sizeof len);
            at += len;
            if (is_dots(name, strlen(name)))
                continue;
            t.len = base;
            text_add(&t, name);
            rc = DINDBIND_E_TOOLONG;
            if (!t.cut)
                rc = scan_entry(s, rel, type << 12);
        }
    if (!rc && n < 0)
        rc = failed(o, n);
    sys_close(fd);
    return rc;
}

/* What is mounted within a layer is not in the overlay: that sees what it covers (OVERLAY.md
 * 11). */
static int scan_mounts(struct overlay *o, const struct mount_table *table, struct entry dir)
{
    char name[DINDBIND_PATH_MAX], full[DINDBIND_PATH_MAX];
    const struct layer *l = &o->l->v[dir.layer];
    bool named = false;
    int rc = layer_mount(o, dir.layer);
    for (size_t i = 0; !rc && i < table->n; i++) {
        if (table->v[i].parent != l->mnt || !strstr(table->v[i].point, dir.rel))
            continue;           /* on another mount, or on one that is on this one; or not below */
        rc = 0;
        if (!named)
            rc = host_name(o->r, l->fd, name);
        if (rc)
            return failed(o, rc);
        if (!named)
            join_path(full, name[1] || !*dir.rel ? name : "", dir.rel);
        named = true;
        if (is_below(table->v[i].point, full))
            return blame(o, dir, DINDBIND_E_INEXACT, EXDEV);
    }
    return rc;
}

/* Is the link count of this directory two because there is no directory in it? btrfs does not
 * count, and others only pretend to. */
static bool has_no_dirs(struct overlay *o, struct entry dir)
{
    const struct layer *l = &o->l->v[dir.layer];
    struct statfs fs;
    if (dir.nlink != 2 || !l->mnt)
        return false;
    if (l->mnt != o->counting && !sys_fstatfs(l->fd, &fs)) {
        unsigned type = (unsigned)fs.f_type;
        bool ext4 = type == 0xef53, xfs = type == 0x58465342, tmpfs = type == 0x01021994;
        bool f2fs = type == 0xf2f52010;
        if (ext4 || xfs || tmpfs || f2fs)
            o->counting = l->mnt;
    }
    return l->mnt == o->counting;
}

/* `here` is a directory. May it be answered at all? `links`: it will be by an overlay of all
 * layers, in which only hard links can be other files, if the runner's has an index. */
static int check_subtree(struct overlay *o, bool links)
{
    char space[DINDBIND_PATH_MAX];
    struct scan s = { .o = o,
                      .single = o->here.n == 1 && !links,
                      .todo = { .at = space, .size = sizeof space } };
    struct mount_table table = { 0 };
    int rc = links ? 0 : table_read(o->r, true, &table);
    for (size_t i = 0; !rc && i < o->here.n; i++) {
        struct entry dir = o->here.v[i];
        bool lowest = dir.layer + 1 == o->roots.n;
        s.layer = dir.layer;
        s.at = i;
        s.renamed |= s.renames;
        /* Where the overlay follows no redirects, a second one does not either, so they need not
         * be looked for; nor in the lowest layer, which has nothing below that one could lead
         * to. */
        s.dirs = !links && o->redirects && (!lowest || o->data_layers);
        s.files = !links && (s.single || o->l->metacopy != OFF || o->data_layers);
        bool index = is_indexed(o, dir.layer);
        if (!links)
            rc = scan_mounts(o, &table, dir);
        if (!rc && (s.files || index || (s.dirs && !has_no_dirs(o, dir))))
            rc = scan_push(&s, dir.rel);
        while (!rc && s.todo.len)
            rc = scan_dir(&s);
    }
    table_free(&table);
    if (s.todo.ours)
        free(s.todo.at);
    return rc;
}

/* ==== layers: answers ============================================================================
 *
 * In: what the look-up found. Out: a result: the one object, pinned, or the layers that make it
 * up. Never here: an object that is not the one that was looked at, or a lowerdir that may be
 * written. */

/* Pin the one object that is the answer, and make sure that it is the one that was looked at. */
static int layers_pin(struct overlay *o, struct dindbind_result *res)
{
    struct node n;
    bool is_dir = !o->top.rel;
    const struct entry e = is_dir ? *o->here.v : o->top;
    const char *name = below(e.rel);
    int root = layer_fd(o, e.layer), fd;
    if (root < 0)
        return root;
    if (o->r->caps & CAPS_NO_OPENAT2)
        fd = sys_open(root, name, OPEN_PIN | O_NOFOLLOW);
    else
        fd = sys_openat2(root, name, OPEN_PIN | O_NOFOLLOW,
                         BENEATH | NO_XDEV | NO_SYMLINKS | NO_MAGICLINKS);
    int rc = inspect_fd(o->r, fd, &n);
    if (!rc && !is_dir && !same_node(&n, &o->node))
        rc = -EAGAIN;
    if (!rc && !join_path(res->path, o->l->v[e.layer].dir, e.rel))
        rc = -ENAMETOOLONG;
    if (rc) {
        sys_close(fd);
        return failed(o, rc);
    }
    /* a lowerdir is shared by every container of the image: read-only, always */
    return accept_node(res, 0, fd, &n, o->l->ro || !o->l->upper || e.layer);
}

/* The layer paths of a merged directory or a metacopy file, in one block. */
static int layers_list(struct overlay *o, const struct entry *v, size_t n,
                       struct dindbind_result *res)
{
    size_t size = 1;
    for (size_t i = 0; i < n; i++)
        size += strlen(o->l->v[v[i].layer].dir) + strlen(v[i].rel) + 2;
    res->layers = malloc(n * sizeof *res->layers + size);
    if (!res->layers)
        return DINDBIND_E_NOMEM;
    struct text t = text_new((char *)(res->layers + n), size);
    for (size_t i = 0; i < n; i++, v++, t.len++) {      /* over its NUL */
        res->layers[i] = t.at + t.len;
        text_add(&t, o->l->v[v->layer].dir);
        text_add(&t, *v->rel ? "/" : "");
        text_add(&t, v->rel);
    }
    res->nlayers = n;
    res->ro = true;
    return 0;
}

/* An object that is no directory. */
static int layers_file(struct overlay *o, struct dindbind_result *res)
{
    if (is_indexed(o, o->top.layer) && o->node.nlink > 1)
        return DINDBIND_E_INEXACT;
    if (o->data_name) {
        int rc = lookup_data(o, o->data_name, &o->data);
        if (rc)
            return rc;
    }
    if (!o->data.rel)
        return layers_pin(o, res);
    struct entry both[2] = { o->top, o->data };
    res->kind = DINDBIND_METACOPY;
    res->type = S_IFREG;
    return layers_list(o, both, 2, res);
}

static int layers_answer(struct overlay *o, unsigned flags, struct dindbind_result *res)
{
    if (o->top.rel)
        return layers_file(o, res);
    /* an overlay of all layers is exact; of the root the answer is just that */
    bool whole = (flags & DINDBIND_TO_STAGE) && o->l->n > 1;
    bool root = !*o->here.v->rel && o->l->n > 1 && !o->data_layers;
    int rc = 0;
    if (root) {                 /* of which nothing was looked at so far */
        o->peeked = (unsigned)o->l->n;
        rc = layers_confirm(o);
    }
    if (!rc && (root || whole) && o->l->index)
        rc = check_subtree(o, true);
    if (rc)
        return rc;
    if (!root && (!whole || o->here.n == 1)) {
        rc = check_subtree(o, false);
        if (rc && !(whole && rc == DINDBIND_E_INEXACT))
            return rc;
        if (!rc && o->here.n == 1)
            return layers_pin(o, res);
    }
    res->kind = DINDBIND_MERGED;
    res->type = S_IFDIR;
    res->options = o->l->words;
    return layers_list(o, o->here.v, o->here.n, res);
}

/* Errors for which the walk has noted an object of a layer that they are about. */
static bool is_about_an_object(int error)
{
    return error == DINDBIND_E_INEXACT || error == DINDBIND_E_LAYERS ||
           error == DINDBIND_E_BROKEN || error == DINDBIND_E_XATTR;
}

/* The rule LAYERS. */
static int by_layers(const struct dindbind_runner *r, const char *path, unsigned flags,
                     struct dindbind_result *res)
{
    struct overlay o;
    res->rule = DINDBIND_RULE_LAYERS;
    copy_path(res->path, path);
    trace(r, "rule layers: ", path);
    /* the engine's root can clear `ro` of what is mounted in its namespace */
    if (r->engine_apart)
        return refuse(res, DINDBIND_E_FOREIGN, EUSERS);
    int rc = overlay_walk(&o, r, path, res->name);
    if (!rc)
        rc = layers_answer(&o, flags, res);
    if (rc) {
        *res->path = 0;
        if (o.top.rel && is_about_an_object(rc))
            join_path(res->path, o.l->v[o.top.layer].dir, o.top.rel);
        refuse(res, rc, o.sys_errno);
    }
    arena_free(&o.arena);
    return rc;
}

/* ==== the runner =================================================================================
 *
 * In: what the caller knows of a runner. Out: one that is open, or why it is not. Never here:
 * belief in a description that could have been held against what the kernel shows. */

/* Does `path` end with these whole components? */
static bool ends_with(const char *path, const char *tail)
{
    size_t n = strlen(path), k = strlen(tail);
    return k <= n && !strcmp(path + n - k, tail) &&
           (k == n || !k || *tail == '/' || path[n - k - 1] == '/');
}

/* An engine that describes its layers does not tell how it mounts them. One that runs as root,
 * with root's files in its containers, does it as the kernel's defaults are; others use user.*
 * attributes, FUSE with whiteouts of its own, or layers with other owners. */
static int layers_told(const struct dindbind_runner *r, struct text *why)
{
    struct node n;
    if (!r->merged || !r->layers->upper)
        return 0;
    int rc = inspect(r, AT_FDCWD, r->layers->v[0].dir, &n);
    if (is_absent(rc) || (!rc && !n.uid))
        return 0;
    text_add(why, r->layers->v[0].dir);
    if (rc)
        return error_of(rc);
    text_add(why, " is of the user ");
    text_number(why, n.uid);
    return layers_unread(why,
                         ": its engine runs without root, or maps users, and nobody reports how it "
                         "mounts layers: give that with -o",
                         "");
}

/* What is called so `up` directories above a layer. */
static int open_above(const struct dindbind_runner *r, const char *layer, int up, const char *name,
                      int flags)
{
    char dir[DINDBIND_PATH_MAX], path[DINDBIND_PATH_MAX];
    copy_path(dir, layer);
    while (up-- > 0)
        cut_last(dir);
    return put_path(path, dir, name) ? open_host(r, path, flags) : -ENAMETOOLONG;
}

/* With composefs podman has files named by their digests in `diff`, and their names in images
 * that are mounted at composefs-layers while the runner lives. */
static int uses_composefs(const struct dindbind_runner *r, const char *layer, bool *yes)
{
    int fd = open_above(r, layer, 1, "/composefs-data", OPEN_PIN);
    sys_close(fd);
    *yes = fd >= 0;
    return unless_absent(fd);
}

/* fuse-overlayfs has files for whiteouts, which the kernel's overlay shows. podman notes in a store
 * that such a program mounts it, and has it do so from then on. */
static int uses_program(const struct dindbind_runner *r, const char *layer, bool *yes)
{
    enum { MAX_FLAG = 64 };     /* "true", or "false" */
    char *text;
    int fd = open_above(r, layer, 2, "/.has-mount-program", O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    long rc = read_whole(fd, MAX_FLAG, &text);
    *yes = rc >= 0 && starts_with(text, "true");
    free(text);
    return unless_absent((int)rc);
}

/* Are the layers that an engine described what the kernel's overlay would take? */
static int layers_plain(struct dindbind_runner *r, struct text *why)
{
    for (size_t i = 0; i < r->layers->n; i++) {
        const char *dir = r->layers->v[i].dir;
        bool composefs = strstr(dir, "/composefs-layers/"), program = false;
        bool podmans = r->merged && strstr(dir, "/overlay/") && ends_with(dir, "/diff");
        int rc = 0;
        if (podmans)
            rc = uses_composefs(r, dir, &composefs);
        if (podmans && !rc)
            rc = uses_program(r, dir, &program);
        if (rc)
            return rc;
        r->layers_errno = EOPNOTSUPP;
        if (composefs || program)
            return layers_unread(why, "composefs or fuse-overlayfs, and only a live runner shows "
                                      "its files: ", dir);
    }
    r->layers_errno = 0;
    return 0;
}

/* A row of a dead runner may have been named through a link: /var/run/x is mounted at /run/x,
 * and hides what the layers have there. That place becomes a row of its own, without a name. */
static int rows_through_links(struct dindbind_runner *r)
{
    struct dindbind_runner bare = *r;
    char name[DINDBIND_PATH_MAX];
    bare.nbinds = bare.npoints = 0;
    for (size_t i = 0; i < r->nbinds; i++) {
        const char *path = r->binds[i].path;
        int rc = overlay_name(&bare, path, name);
        if (dindbind_status(rc) == 3 && rc != DINDBIND_E_XATTR)
            return rc;
        if (rc || !strcmp(name, path))
            continue;
        if (!r->points)
            r->points = malloc(r->nbinds * sizeof *r->points);
        char *copy = r->points ? malloc(sizeof name) : NULL;
        if (!copy)
            return DINDBIND_E_NOMEM;
        copy_path(copy, name);
        r->points[r->npoints++] = (struct dindbind_bind){ .path = copy };
    }
    return 0;
}

/* All that is to be known of a dead runner's overlay. */
static int layers_start(struct dindbind_runner *r, struct text *why)
{
    if (r->no_layers)
        return layers_unread(why, r->no_layers, "");
    int rc = layers_open(r, why);
    if (!rc)
        rc = layers_told(r, why);
    if (!rc)
        rc = layers_plain(r, why);
    if (!rc)
        rc = rows_through_links(r);
    return rc;
}

/* Volumes and other rows that an engine has reported are answered although its layers are not:
 * these are refused when a source asks for them. */
static int layers_start_described(struct dindbind_runner *r, struct text *why)
{
    int rc = layers_start(r, why);
    if (!rc || rc == DINDBIND_E_NOMEM || !r->merged)
        return rc;
    layers_free(r->layers);
    r->layers = NULL;
    r->layers_error = rc;
    return 0;
}

/* The upperdir among overlay options as an engine hands them to mount(2). */
static int upperdir_given(const char *options, char out[DINDBIND_PATH_MAX], bool *given)
{
    struct options *o = malloc(sizeof *o + strlen(options) + 2);
    if (!o)
        return DINDBIND_E_NOMEM;
    *given = parse_options(o, options, (char *)(o + 1), AS_STRING) && o->upper &&
             copy_path(out, o->upper);
    free(o);
    return 0;
}

/* The upperdir of an overlay's row that was read from procfs. Kernels add words (Ubuntu's end
 * each row with `nouserxattr`), and none of them makes upperdir= another directory: only who
 * looks a path up in the layers has to know all. false: none, or one whose backslashes can be
 * read in two ways. */
static bool upperdir_shown(const char *options, char out[DINDBIND_PATH_MAX])
{
    static const char key[] = "upperdir=";
    size_t n, found = 0;
    for (; *options; options = after_word(options, n)) {
        n = option_length(options, false);
        if (!starts_with(options, key))
            continue;
        struct text t = text_new(out, DINDBIND_PATH_MAX);
        text_bytes(&t, options + strlen(key), n - strlen(key));
        octal_decode(out);
        found += t.cut || !*out ? 2 : 1;
    }
    return found == 1 && !strchr(out, '\\');
}

/* It is not the runner that was described. */
static int not_it(struct text *why, const char *what, const char *name)
{
    text_add(why, what);
    text_add(why, name);
    return DINDBIND_E_REUSED;
}

/* A runner that an engine described: its overlay's upperdir belongs to one container alone.
 * `root` is the row of the root that is open. A relative upperdir is the tail of the one that
 * the engine reports. `*proven` stays as it is where nothing can be compared, as with a FUSE
 * root, whose options the kernel does not show. */
static int upperdir_check(struct dindbind_runner *r, const struct mount_row *root, bool *proven,
                          struct text *why)
{
    char described[DINDBIND_PATH_MAX], own[DINDBIND_PATH_MAX + 2];
    bool given = false, shown = upperdir_shown(root->super, own);
    int rc = 0;
    if (r->overlay)
        rc = upperdir_given(r->overlay, described, &given);
    if (rc)
        return rc;
    if (given && !starts_with(root->type, "fuse")) {
        if (!shown || strcmp(root->type, "overlay") || !ends_with(described, own))
            return not_it(why, " is not the overlay with the upperdir ", described);
        *proven = true;
    }
    if (r->self && r->merged && shown && ends_with(own, "/diff") &&
        ends_with(r->merged, "/merged")) {
        memcpy(own + strlen(own) - 4, "merged", 7);     /* they lie side by side */
        if (!ends_with(r->merged, own))
            return not_it(why, " is not ", r->merged);
        *proven = true;
    }
    return 0;
}

/* What a directory of the caller's looks like, beside the runner's root. */
enum likeness { NOT_SEEN, SAME_DIR, EMPTY_DIR, OTHER_DIR };

static int compare_root(const struct dindbind_runner *r, const char *path, const struct node *root,
                        enum likeness *is)
{
    struct node n;
    *is = NOT_SEEN;
    int fd = open_host(r, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (is_absent(fd))
        return 0;
    int rc = inspect_fd(r, fd, &n);
    if (!rc && n.ino == root->ino && n.dev == root->dev)
        *is = SAME_DIR;
    else if (!rc)
        *is = is_empty_dir(fd, 2) ? EMPTY_DIR : OTHER_DIR;
    sys_close(fd);
    return error_unless_ok(rc);
}

/* The same for the merged root, where it can be seen: an engine with mounts of its own shows us
 * an empty stub. The caller's own root is no container's. */
static int merged_check(struct dindbind_runner *r, const struct node *root, bool *proven,
                        struct text *why)
{
    enum likeness is;
    int rc = compare_root(r, "/", root, &is);
    if (!rc && is == SAME_DIR)
        return not_it(why, " is the root of whoever would mount it, not ", r->merged);
    if (!rc)
        rc = compare_root(r, r->merged, root, &is);
    if (!rc && is == OTHER_DIR)
        return not_it(why, " is not ", r->merged);
    *proven = !rc && is == SAME_DIR;
    return rc;
}

enum { ID_LENGTH = 64 };

static const char hex_digits[] = "0123456789abcdef";

/* Is there an engine's id of a container, and nothing that it would be a part of? */
static bool is_id(const char *s)
{
    return strspn(s, hex_digits) == ID_LENGTH;
}

/* What an engine calls by the same name on each device and below each data root. */
enum own { NOT_OWN, OWN_VOLUME, OWN_FILE };

/* The last part of a path that is such a name; *tail is that, from its slash on:
 * /volumes/NAME/_data, /containers/ID/hosts (docker), /overlay-containers/ID/userdata/hosts
 * (podman). */
static enum own own_tail(const char *path, const char **tail)
{
    static const char dir[] = "containers";
    enum { DIR = sizeof dir - 1 };
    enum own found = NOT_OWN;
    *tail = path;
    for (const char *p = path; (p = strchr(p, '/')); p++) {
        const char *end = p + 1 + strcspn(p + 1, "/"), *name = end + !!*end;
        bool volume = starts_with(p, "/volumes/") && is_below(name + strcspn(name, "/"), "/_data"),
             file = end - p > DIR && !memcmp(end - DIR, dir, DIR) && is_id(name) &&
                    name[ID_LENGTH] == '/';
        if (!volume && !file)
            continue;
        found = volume ? OWN_VOLUME : OWN_FILE;
        *tail = p;
    }
    return found;
}

/* Is that name a part of the path, by whole components? */
static bool has_tail(const char *path, const char *tail)
{
    for (; (path = strstr(path, tail)); path++)
        if (is_below(path, tail))
            return true;
    return false;
}

/* Has the engine mounted a file of its own there that has the container's id in its name? */
static bool row_shows_id(const struct mount_row *row, const char *id)
{
    static const char places[] =
        "/etc/hosts\0/etc/hostname\0/etc/resolv.conf\0/run/.containerenv\0";
    const char *tail;
    if (!is_id(id) || !is_one_of(places, row->point) || own_tail(row->root, &tail) != OWN_FILE)
        return false;
    return !memcmp(strchr(tail + 1, '/') + 1, id, ID_LENGTH);
}

/* The last name of a host directory, from its slash on, which the root of a mount of it ends with
 * unless it is a link; or "": a volume with options is a mount of anything. */
static const char *host_tail(const char *path)
{
    const char *slash = strrchr(path, '/'), *tail;
    if (!slash || !slash[1] || own_tail(path, &tail) == OWN_VOLUME)
        return "";
    return slash;
}

/* What is mounted at the place of a row that was described. An empty tail fits to all. */
enum standing { UNMOUNTED, AGREES, DIFFERS, ANOTHERS };

static enum standing standing_of(const struct mount_table *t, const char *place, enum own kind,
                                 const char *tail)
{
    enum standing is = UNMOUNTED;
    const char *other;
    for (const struct mount_row *row = t->v; row < t->v + t->n; row++) {
        if (strcmp(row->point, place))
            continue;
        if (!*tail || (kind == NOT_OWN && !row->root[1]) || has_tail(row->root, tail))
            return AGREES;
        if (is != ANOTHERS)
            is = kind != NOT_OWN && own_tail(row->root, &other) == kind ? ANOTHERS : DIFFERS;
    }
    return is;
}

/* Does that speak against the description? If something else proves it already, a volume at whose
 * place something else is mounted may have options, which inspect does not report, and what is not
 * mounted has been unmounted. With -S a host directory need not be mounted: then it does not
 * count. */
static bool contradicts(const struct dindbind_runner *r, const struct dindbind_bind *b,
                        enum own kind, enum standing is, bool proven)
{
    if (is != UNMOUNTED)
        return is == ANOTHERS || (is == DIFFERS && !proven);
    return !proven && (kind == OWN_VOLUME || (b->origin == DINDBIND_REPORTED && r->pid));
}

/* Is there a later row at the same place, which counts instead? */
static bool is_replaced(const struct dindbind_runner *r, size_t i)
{
    for (size_t k = i + 1; k < r->nbinds; k++)
        if (!strcmp(r->binds[k].path, r->binds[i].path))
            return true;
    return false;
}

/* Is it a volume, and none of those that were described? The runner itself can mount its own once
 * more, and no other one. */
static bool is_strange(const struct dindbind_runner *r, const struct mount_row *mount)
{
    const char *tail;
    if (own_tail(mount->root, &tail) != OWN_VOLUME)
        return false;
    for (size_t i = 0; i < r->nbinds; i++) {
        const struct dindbind_bind *b = &r->binds[i];
        if (!strcmp(b->path, mount->point) || (b->host && own_tail(b->host, &tail) == OWN_VOLUME &&
                                               has_tail(mount->root, tail)))
            return false;
    }
    return true;
}

/* What the engine names itself has to be there: its own files, by which a container is known,
 * or the one whose network it joined; and the volumes, which tell these two apart. */
static int rows_check(const struct dindbind_runner *r, const struct mount_table *t, bool proven,
                      struct text *why)
{
    char place[DINDBIND_PATH_MAX];
    const struct dindbind_bind *wrong = NULL;
    const struct mount_row *strange = NULL;
    const char *tail = NULL;
    bool shown = proven;
    for (const struct mount_row *row = t->v; !proven && row < t->v + t->n; row++) {
        shown |= row_shows_id(row, r->id);
        if (!strange && is_strange(r, row))
            strange = row;
    }
    for (size_t i = 0; i < r->nbinds; i++) {
        const struct dindbind_bind *b = &r->binds[i];
        struct spot at = { .name = place };
        enum own kind = NOT_OWN;
        if (!b->host || b->origin == DINDBIND_GIVEN)
            continue;
        if (b->origin == DINDBIND_ENGINES)
            kind = own_tail(b->host, &tail);
        if (kind == NOT_OWN)
            tail = proven ? "" : host_tail(b->host);
        /* what is not there has no mount on it */
        if (resolve_own(r, b->path, &at))
            copy_path(place, b->path);
        else
            sys_close(at.fd);
        enum standing is = standing_of(t, place, kind, tail);
        shown |= kind == OWN_FILE && is == AGREES;
        if (!wrong && contradicts(r, b, kind, is, proven) && !is_replaced(r, i))
            wrong = b;
    }
    if (!shown)
        return not_it(why, ": nothing shows that it is ", r->id);
    if (strange)
        return not_it(why, ": it has a volume that was not described at ", strange->point);
    if (!wrong)
        return 0;
    not_it(why, ": what was described is not mounted at ", wrong->path);
    if (own_tail(wrong->host, &tail) == OWN_VOLUME)
        text_add(why, " (a volume with options: name it with -b)");
    return DINDBIND_E_REUSED;
}

/* The last id in a text of cgroups, before which those of the engines around may stand; or "". */
static void last_id(const char *text, char id[ID_LENGTH + 1])
{
    *id = 0;
    while (*text) {
        size_t n = strspn(text, hex_digits);
        if (n == ID_LENGTH) {
            memcpy(id, text, n);
            id[n] = 0;
        }
        text += n ? n : 1;
    }
}

/* The engine puts each container into a cgroup of its own. */
static void cgroup_id(const struct dindbind_runner *r, int dir, const char *file,
                      char id[ID_LENGTH + 1])
{
    char *text;
    *id = 0;
    read_whole(proc_entry(r, dir, file, O_RDONLY | O_CLOEXEC), MAX_MOUNTINFO, &text);
    if (text)
        last_id(text, id);
    free(text);
}

/* The container whose session keyring the caller has, or "": runtimes make one for each, and call
 * it _ses.ID (runc) or ID (crun). docker's seccomp filter refuses keyctl(2). */
static void keyring_id(char id[ID_LENGTH + 1])
{
    enum { DESCRIBE = 6, SESSION_KEYRING = -3 };        /* linux/keyctl.h */
    char text[256] = "";        /* keyring;UID;GID;PERMISSIONS;NAME */
    *id = 0;
    if (CALL(SYS_keyctl, DESCRIBE, SESSION_KEYRING, text, sizeof text - 1) > 0)
        last_id(text, id);
}

/* podman has a file in each container that is not shared with its network, and has the id in its
 * name. false: it is not mounted there. */
static bool containerenv_id(const struct mount_table *t, char id[ID_LENGTH + 1])
{
    const char *tail;
    *id = 0;
    for (const struct mount_row *row = t->v; row < t->v + t->n; row++)
        if (!strcmp(row->point, "/run/.containerenv") && own_tail(row->root, &tail) == OWN_FILE)
            last_id(tail, id);
    return *id;
}

/* Does a cgroup or keyring show which container it is? Either may be that of a container around
 * it. A cgroup that is also mine, as where the engine makes none, says nothing of others. */
static int id_check(const struct dindbind_runner *r, const struct mount_table *t, bool *proven,
                    struct text *why)
{
    char cgroup[ID_LENGTH + 1], keyring[ID_LENGTH + 1] = "", mine[ID_LENGTH + 1] = "";
    if (containerenv_id(t, mine)) {
        *proven = !strcmp(mine, r->id);
        return *proven ? 0 : not_it(why, " has the /run/.containerenv of another one than ", r->id);
    }
    cgroup_id(r, r->proc_fd, "thread-self/cgroup", cgroup);
    if (r->self)
        keyring_id(keyring);
    else {
        memcpy(mine, cgroup, sizeof mine);
        cgroup_id(r, r->task_fd, "cgroup", cgroup);
    }
    *proven = !strcmp(cgroup, r->id) || !strcmp(keyring, r->id);
    if (*proven)
        return 0;
    if (*keyring)
        return not_it(why, " has the session keyring of another container than ", r->id);
    if (*cgroup && strcmp(cgroup, mine))
        return not_it(why, " is in the cgroup of another container than ", r->id);
    return 0;
}

static const char too_large[] = ": its mountinfo has more than 64 MiB";

/* The same again, by the row of that root in the task's mountinfo. */
static int root_row_check(struct dindbind_runner *r, const struct mount_table *t,
                          const struct node *root, bool *proven, struct text *why)
{
    const struct mount_row *row = row_by_id(t, root->mnt);
    if (row)
        return upperdir_check(r, row, proven, why);
    return *proven ? 0 : not_it(why, " is not the root of a mount", "");        /* a mere chroot */
}

/* Is the root that was opened the one that was described? One thing has to prove it, and what
 * proves most is asked first: a container that joined another one's network has the files of
 * that one. */
static int described_check(struct dindbind_runner *r, struct text *why)
{
    struct node root;
    struct mount_table t;
    bool proven = false;
    int rc = error_unless_ok(inspect_fd(r, r->root_fd, &root));
    if (!rc && !r->self)
        rc = merged_check(r, &root, &proven, why);
    if (rc)
        return rc;
    rc = table_read(r, r->self, &t);
    if (t.len == MAX_MOUNTINFO)
        text_add(why, too_large);
    if (!rc)
        rc = root_row_check(r, &t, &root, &proven, why);
    if (!rc && r->id && !proven)
        rc = id_check(r, &t, &proven, why);
    if (!rc && r->id)
        rc = rows_check(r, &t, proven, why);
    r->proven = proven;
    table_free(&t);
    return rc;
}

/* Has the caller said that it means its own host? */
static bool has_host_row(const struct dindbind_runner *r)
{
    char host[DINDBIND_PATH_MAX];
    bool found = false;
    for (size_t i = 0; !found && i < r->nbinds; i++)
        found = !strcmp(r->binds[i].path, "/") && r->binds[i].host &&
                !clean_path(r->binds[i].host, host) && !strcmp(host, "/");
    return found;
}

/* Is the runner's user namespace the engine's, or one below? What root of the host, or another
 * user, has made may have devices and setuid files in it, and the engine's user may clear nodev and
 * nosuid of what is mounted for it. */
static bool is_engines_user(const struct dindbind_runner *r)
{
    enum { GET_PARENT = 0xb702, DEPTH = 33 };   /* linux/nsfs.h; 32 in kernel/user_namespace.c */
    struct node engines, n;
    bool found = false;
    int rc = inspect_magic(r->engine_fd, "ns/user", &engines);
    int fd = sys_open(r->task_fd, "ns/user", O_RDONLY | O_CLOEXEC);
    for (int i = 0; !rc && !found && fd >= 0 && i < DEPTH; i++) {
        rc = sys_fstat(fd, &n);
        found = !rc && n.ino == engines.ino;
        int parent = CALL3(SYS_ioctl, fd, GET_PARENT, 0);
        sys_close(fd);
        fd = parent;
    }
    sys_close(fd);
    return found;
}

/* A shim's PID, a shell's own or a kernel thread's is no container's, and each of its paths
 * would be "translated" to itself: the directory of the host that happens to be called as the
 * runner's. The same directory on the same mount is the same root, in whichever mount namespace
 * the process is otherwise: a mount belongs to one namespace, and names are walked from the
 * root. Kernel threads may have another one, and never a container's. To be asked before
 * something to mount is given. 0: it is another one; or HOST, or an error. */
static int host_check(const struct dindbind_runner *r)
{
    enum { IS_KERNEL_THREAD = 0x200000 };       /* PF_KTHREAD in linux/sched.h */
    struct node own, engines, theirs;
    unsigned long long flags = 0;
    if (!r->pid || has_host_row(r))
        return 0;
    int fd = open_path("/", OPEN_DIR), rc = inspect_fd(r, fd, &own);
    sys_close(fd);
    engines = own;
    if (!rc && r->engine)
        rc = inspect_fd(r, r->engine_root, &engines);
    if (!rc)
        rc = inspect_fd(r, r->root_fd, &theirs);
    if (rc)
        return error_of(rc);
    if (r->engine_apart && !is_engines_user(r))
        return DINDBIND_E_HOST;
    rc = proc_stat(r, r->task_fd, STAT_FLAGS, &flags);
    if (rc)
        return task_error(rc);
    bool is_host = same_node(&own, &theirs) || same_node(&engines, &theirs);
    return is_host || (flags & IS_KERNEL_THREAD) ? DINDBIND_E_HOST : 0;
}

/* The id in the caller's user namespace of who is root in the engine's: the first line of its map
 * is "0 ID LENGTH". */
static int engine_id(struct dindbind_runner *r, const char *map, unsigned *id)
{
    char buf[64];
    unsigned long long number;
    int fd = proc_entry(r, r->engine_fd, map, O_RDONLY | O_CLOEXEC);
    int n = read_start(fd, buf, sizeof buf);
    sys_close(fd);
    if (n < 0)
        return task_error(n);
    const char *zero = buf + strspn(buf, " "), *first = zero + 1 + strspn(zero + !!*zero, " ");
    if (*zero != '0' || !parse_number(first, first + strcspn(first, " "), UINT32_MAX, &number))
        return DINDBIND_E_DENIED;       /* nobody is root in it */
    *id = (unsigned)number;
    return 0;
}

/* The process that mounts the answers, which may be in another user namespace. */
static int engine_open(struct dindbind_runner *r, struct text *why)
{
    enum { NS_OWNER = 0xb701 };         /* NS_GET_USERNS of linux/nsfs.h */
    struct node own, theirs;
    if (r->caps & CAPS_NO_OPENAT2)
        return DINDBIND_E_KERNEL;
    why->len = 0;
    text_add(why, "the engine (-E), /proc");
    int rc = task_open(r, r->engine, r->engine_start, ", and was given as started at ",
                       &r->engine_fd, &r->engine_root, why);
    if (!rc)
        rc = error_unless_ok(inspect_magic(r->proc_fd, "thread-self/ns/user", &own));
    if (!rc)
        rc = error_unless_ok(inspect_magic(r->engine_fd, "ns/user", &theirs));
    if (rc)
        return rc;
    r->engine_apart = own.ino != theirs.ino;
    /* one who has only entered the mounts of somebody else, or only another user namespace */
    int ns = sys_open(r->engine_fd, "ns/mnt", O_RDONLY | O_CLOEXEC);
    int owner = CALL3(SYS_ioctl, ns, NS_OWNER, 0);
    rc = sys_fstat(owner, &own);
    sys_close(owner);
    sys_close(ns);
    if (rc || own.ino != theirs.ino) {
        text_add(why, ": its mounts are of another user namespace");
        return DINDBIND_E_DENIED;
    }
    if (r->engine_apart)
        rc = engine_id(r, "uid_map", &r->engine_uid);
    if (!rc && r->engine_apart)
        rc = engine_id(r, "gid_map", &r->engine_gid);
    if (rc)
        return rc;
    why->len = 0;
    text_add(why, "/proc");
    return 0;
}

/* dindbind_open() without the clean-up. */
static int runner_open(struct dindbind_runner *r, struct text *why)
{
    int rc = binds_check(r, why);
    if (rc)
        return rc;
    if (r->pid < 0 || r->engine < 0 || ((r->pid || r->engine) && r->self)) {
        text_add(why, "a PID is a positive number, or 0 for no live task and for self");
        return DINDBIND_E_USAGE;
    }
    rc = proc_open(r, why);
    /* bind rows alone can do without procfs: descriptors are walked to, not named, then */
    if (rc == DINDBIND_E_PROCFS && !r->pid && !r->overlay && !r->self && !r->engine) {
        sys_close(r->proc_fd);
        r->proc_fd = -1;
        if (is_missing(SYS_statx))
            r->caps |= CAPS_NO_STATX;
        if (is_missing(SYS_openat2))
            r->caps |= CAPS_NO_OPENAT2;
        return 0;
    }
    if (!rc && r->engine)
        rc = engine_open(r, why);
    if (rc)
        return rc;
    if (!r->pid) {              /* no more about /proc */
        why->len = 0;
        text_add(why, "");
    }
    if (!r->pid && !r->self)
        return r->overlay ? layers_start_described(r, why) : 0;
    if (r->pid)
        rc = task_open(r, r->pid, r->start, ", the runner at ", &r->task_fd, &r->root_fd, why);
    else
        rc = self_open(r, why);
    bool described = r->merged || r->id || (r->self && r->overlay);
    if (rc || !described)
        return rc;              /* nothing else was claimed that could be compared */
    return described_check(r, why);
}

int dindbind_open(struct dindbind_runner *r)
{
    struct text why = text_new(r->detail, sizeof r->detail);
    r->proc_fd = r->task_fd = r->root_fd = r->engine_fd = r->engine_root = -1;
    r->engine_apart = r->proven = 0;
    r->caps = CAPS_KNOWN;
    r->layers = NULL;
    r->layers_error = r->layers_errno = 0;
    r->points = NULL;
    r->npoints = 0;
    int rc = runner_open(r, &why);
    if (rc)
        dindbind_close(r);
    return rc;
}

void dindbind_close(struct dindbind_runner *r)
{
    if (!(r->caps & CAPS_KNOWN))
        return;
    layers_free(r->layers);
    r->layers = NULL;
    while (r->npoints)
        free((char *)(uintptr_t)r->points[--r->npoints].path);
    free(r->points);
    r->points = NULL;
    r->caps = 0;
    sys_close(r->engine_root);
    sys_close(r->engine_fd);
    sys_close(r->root_fd);
    sys_close(r->task_fd);
    sys_close(r->proc_fd);
    r->proc_fd = r->task_fd = r->root_fd = r->engine_fd = r->engine_root = -1;
}

/* ==== one source =================================================================================
 *
 * In: an opened runner and a source as it was given. Out: the result. This is where the rules
 * follow one another. Never here: a rule tried after another one has decided. */

/* host_check() has refused the runner. */
static int refuse_host(const struct dindbind_runner *r, struct dindbind_result *res, int error)
{
    struct text t = text_new(res->path, sizeof res->path);
    proc_path(&t, r);
    res->error = error;
    res->sys_errno = r->engine_apart ? EUSERS : 0;
    return error;
}

/* What follows the name of a root; a row is named without a slash at its end. */
static const char *row_name(const struct root *root, const char *name)
{
    return root->row && root->prefix && !name[1] ? "" : name;
}

/* Look up below a root, the name of which `res->path` starts with; on an error it has what was
 * tried. Where nothing is there and the caller wants it: create it. `res->name` gets the name
 * below the root. */
static int by_root(const struct dindbind_runner *r, const struct root *root, const char *path,
                   unsigned flags, struct dindbind_result *res)
{
    struct spot s = { .fd = -1, .name = res->name };
    struct text t = { res->path, root->prefix, sizeof res->path, false };
    int rc;
    for (int i = 0;; i++) {
        rc = resolve_contained(r, root, path, &s);
        if (rc != -ENOENT || !(flags & DINDBIND_MKDIR) || i == RETRIES)
            break;
        rc = make_missing(r, root, path, &s);
        if (rc != -EAGAIN)
            break;
    }
    if (rc)
        s.fd = -1;
    else if (!root_allows(r, root, s.name))
        rc = -EXDEV;
    text_add(&t, row_name(root, rc ? path : s.name));
    return accept_node(res, rc, s.fd, &s.node, root->row && root->row->ro);
}

/* The row itself is the caller's own word and passes as it is, seen from here or not. */
static int by_row(const struct dindbind_runner *r, const struct dindbind_bind *row,
                  struct dindbind_result *res)
{
    struct node n;
    int fd = open_host(r, row->host, OPEN_PIN);
    res->ro = row->ro;
    copy_path(res->name, row->path);
    if (is_absent(fd))
        return 0;
    return accept_node(res, inspect_fd(r, fd, &n), fd, &n, row->ro);
}

/* What is left over of a source that a row covers, strictly beneath that. */
static int by_rest(const struct dindbind_runner *r, const struct dindbind_bind *row,
                   const char *rest, unsigned flags, struct dindbind_result *res)
{
    char inside[DINDBIND_PATH_MAX];
    struct text t = text_in(res->path, sizeof res->path, row->host);
    while (t.len && row->host[t.len - 1] == '/')
        t.len--;
    struct root root = { open_host(r, row->host, OPEN_DIR), -1, BENEATH, row, t.len };
    text_add(&t, row_name(&root, rest));
    if (root.fd < 0)
        return refuse_errno(res, root.fd);
    int rc = by_root(r, &root, rest, flags, res);
    sys_close(root.fd);
    if (!rc) {                  /* root_allows() has seen that it fits */
        copy_path(inside, res->name);
        graft(res->name, row->path, inside, "/");
    }
    return rc;
}

/* The rule BIND. ESCAPE: a link leaves the row. */
static int by_bind(const struct dindbind_runner *r, const struct dindbind_bind *row,
                   const char *rest, unsigned flags, struct dindbind_result *res)
{
    trace(r, "rule bind: the row at ", row->path);
    res->rule = DINDBIND_RULE_BIND;
    if (!row->host) {
        copy_path(res->path, row->path);
        return refuse(res, DINDBIND_E_FOREIGN, 0);
    }
    copy_path(res->path, row->host);
    if (!*rest)
        return by_row(r, row, res);
    /* the runner could not have made it either; or root of the engine's user namespace has mounted
     * at HOST what it wants */
    if (row->ro || r->engine_apart)
        flags &= ~(unsigned)DINDBIND_MKDIR;
    return by_rest(r, row, rest, flags, res);
}

/* The rule PROC, and SELF: the same in the caller's own view. */
static int by_proc(const struct dindbind_runner *r, const char *path, unsigned flags,
                   struct dindbind_result *res)
{
    struct text t = text_new(res->path, sizeof res->path);
    proc_path(&t, r);
    struct root root = { r->root_fd, r->task_fd, IN_ROOT, NULL, t.len };
    res->rule = r->self ? DINDBIND_RULE_SELF : DINDBIND_RULE_PROC;
    text_add(&t, path);
    trace(r, r->self ? "rule self: " : "rule proc: ", res->path);
    return by_root(r, &root, path, flags, res);
}

/* Is it the same inode that two descriptors pin? 0 or -errno. */
static int same_inode(int a, int b, bool *same)
{
    struct node x, y;
    int rc = sys_fstat(a, &x);
    if (!rc)
        rc = sys_fstat(b, &y);
    *same = !rc && same_node(&x, &y);
    return rc;
}

/* A stage carries the mounts below a source, and only the runner's own mount of it has them. So
 * that one is pinned if the runner sees the same inode at the row's path, or if there is nothing at
 * the row's HOST for the caller. */
static int prefer_view(const struct dindbind_runner *r, const char *path,
                       struct dindbind_result *res)
{
    struct dindbind_result view = *res;
    bool same = true;
    int rc = by_proc(r, path, 0, &view);
    if (rc && dindbind_status(rc) < 3)
        return 0;               /* it sees nothing there: the row stands */
    if (rc) {
        sys_close(res->fd);
        return refuse(res, rc, view.sys_errno);
    }
    if (res->fd >= 0)
        rc = same_inode(res->fd, view.fd, &same);
    if (rc) {
        sys_close(view.fd);
        sys_close(res->fd);
        return refuse_errno(res, rc);
    }
    if (!same) {
        sys_close(view.fd);
        return 0;
    }
    sys_close(res->fd);
    if (res->ro && !res->ro_mount)
        view.ro_mount = false;
    view.ro |= res->ro;
    *res = view;
    return 0;
}

/* A path in the runner's own view or, while nothing is there, the directory above it, up to `top`.
 * 0 or -errno. */
static int resolve_nearest(const struct dindbind_runner *r, const char *path, const char *top,
                           struct spot *s)
{
    char at[DINDBIND_PATH_MAX];
    copy_path(at, path);
    int rc = resolve_own(r, at, s);
    while (rc == -ENOENT && strcmp(at, top)) {
        char *slash = strrchr(at, '/');
        slash[slash == at] = 0;
        rc = resolve_own(r, at, s);
    }
    return rc;
}

/* How the runner itself sees this path or, with `nearest`, the closest directory above it that
 * is there: is the mount read-only that it is on, and what is it called without links? The name
 * is "" where the runner sees nothing. 0, or -errno. */
static int view_look(const struct dindbind_runner *r, const char *path, bool nearest, bool *ro,
                     char name[DINDBIND_PATH_MAX])
{
    struct statfs fs;
    struct spot s = { .name = name };
    *ro = false;
    int rc = resolve_nearest(r, path, nearest ? "/" : path, &s);
    if (rc) {
        *name = 0;
        return rc == -EACCES || !is_absent(rc) ? rc : 0;
    }
    rc = sys_fstatfs(s.fd, &fs);
    sys_close(s.fd);
    *ro = !rc && (fs.f_flags & ST_RDONLY);
    return rc;
}

/* What the runner may not write no sibling may, whatever the row says: the runner's own mount
 * counts. */
static int heed_view(const struct dindbind_runner *r, const char *path, struct dindbind_result *res)
{
    bool ro;
    int rc = view_look(r, path, false, &ro, res->name);
    if (rc) {
        sys_close(res->fd);
        return refuse_errno(res, rc);
    }
    if (ro) {
        res->ro = true;
        res->ro_mount = false;  /* that mount is not the one that is answered */
    }
    return 0;
}

/* The rule BIND with a live runner. */
static int by_live_bind(const struct dindbind_runner *r, const struct dindbind_bind *row,
                        const char *path, const char *rest, unsigned flags,
                        struct dindbind_result *res)
{
    if (flags & DINDBIND_MKDIR) {
        bool ro;
        int rc = view_look(r, path, true, &ro, res->name);
        if (rc)
            return refuse_errno(res, rc);
        if (ro)
            flags &= ~(unsigned)DINDBIND_MKDIR;     /* the runner could not have made it either */
    }
    int rc = by_bind(r, row, rest, flags, res);
    if (!rc && (flags & DINDBIND_TO_STAGE))
        rc = prefer_view(r, path, res);
    if (!rc && res->rule == DINDBIND_RULE_BIND)
        rc = heed_view(r, path, res);
    return rc;
}

/* Does the caller see a mount at this place, or between that and a path below? The closest of the
 * path that is there is on it then. */
static bool is_mounted(const struct dindbind_runner *r, const char *place, const char *path)
{
    char name[DINDBIND_PATH_MAX];
    struct spot s = { .name = name };
    struct node root = { 0 };
    if (resolve_nearest(r, path, place, &s))
        return false;
    int rc = inspect_fd(r, s.fd, &s.node);
    sys_close(s.fd);
    if (!rc)
        rc = inspect_fd(r, r->root_fd, &root);
    return rc || s.node.mnt != root.mnt;
}

/* The rule SELF. A row of -b says what the daemon has at a place. If that is not mounted here there
 * is nothing to look at, and the name stands as it is, as a path that is the host's already. */
static int by_self(const struct dindbind_runner *r, const char *path, unsigned flags,
                   struct dindbind_result *res)
{
    const char *rest;
    const struct dindbind_bind *row = bind_row(r, path, &rest);
    bool given = row && row->host && row->origin == DINDBIND_GIVEN;
    bool hosts = given && !is_mounted(r, row->path, path);
    if (hosts)
        flags &= ~(unsigned)DINDBIND_MKDIR;     /* it would be made here, and not there */
    int rc = by_proc(r, path, flags, res);
    if (rc != DINDBIND_E_MISSING || !hosts)
        return rc;
    trace(r, "rule bind: nothing is mounted here at ", row->path);
    res->rule = DINDBIND_RULE_BIND;
    res->error = res->sys_errno = 0;
    res->ro = row->ro;
    if (!put_path(res->path, as_prefix(row->host), rest))
        return refuse(res, DINDBIND_E_TOOLONG, 0);
    return 0;
}

/* One rule after the other. */
static int by_rules(const struct dindbind_runner *r, const char *path, unsigned flags,
                    struct dindbind_result *res)
{
    const char *rest;
    if (r->self)
        return by_self(r, path, flags, res);
    const struct dindbind_bind *row = bind_row(r, path, &rest);
    if (row && !r->pid)
        return by_bind(r, row, rest, flags, res);
    if (row && row->host) {
        int rc = by_live_bind(r, row, path, rest, flags, res);
        if (rc != DINDBIND_E_ESCAPE)
            return rc;
        trace(r, "rule bind: a link leaves the row: ", path);
    } else if (r->nbinds)
        trace(r, "rule bind: no row covers ", path);
    if (r->pid)
        return by_proc(r, path, flags, res);
    if (r->layers)
        return by_layers(r, path, flags, res);
    if (!r->layers_error)
        return refuse(res, DINDBIND_E_UNMATCHED, 0);
    res->rule = DINDBIND_RULE_LAYERS;
    copy_path(res->path, r->detail);
    return refuse(res, r->layers_error, r->layers_errno);
}

/* Not inlined: its copy of a path would be one more page of stack for sources that are clean
 * already. */
__attribute__((noinline))
static int by_cleaned(const struct dindbind_runner *r, const char *source, unsigned flags,
                      struct dindbind_result *res)
{
    char path[DINDBIND_PATH_MAX];
    int rc = clean_path(source, path);
    if (rc)
        return refuse(res, rc, 0);
    return by_rules(r, path, flags, res);
}

int dindbind_resolve(const struct dindbind_runner *r, const char *source, unsigned flags,
                     struct dindbind_result *res)
{
    memset(res, 0, offsetof(struct dindbind_result, path));
    res->fd = -1;
    res->options = "";
    *res->name = *res->path = 0;
    if (is_clean(source))
        return by_rules(r, source, flags, res);
    return by_cleaned(r, source, flags, res);
}

void dindbind_release(struct dindbind_result *res)
{
    sys_close(res->fd);
    free(res->layers);
    res->fd = -1;
    res->layers = NULL;
    res->nlayers = 0;
}

/* ==== messages ===================================================================================
 *
 * In: an error, with what it is about. Out: one line for people: what was given, what is wrong,
 * what was tried, what to do. Never here: the same sentence for two causes that ask for
 * different things. */

/* Where one code has several causes that ask for different things, the errno beside it says which
 * it was. */
struct reason {
    int error, err;
    const char *what, *hint;
};

static const struct reason reasons[] = {
    { DINDBIND_E_MISSING, EROFS, "not there, and its file system is read-only",
      "make it in the image, or give a directory that can be written" },
    { DINDBIND_E_READONLY, EROFS, "is read-only, and a volume of it would be writable by its name",
      "put ro into the options of the volume (o=bind,ro)" },
    { DINDBIND_E_UNSAFE, ENOENT, "a directory above the staging directory is missing",
      "make that one first" },
    { DINDBIND_E_UNSAFE, ENOTDIR, "no staging directory: something on the way is not a directory",
      "take a new directory" },
    { DINDBIND_E_UNSAFE, ELOOP, "no staging directory: it, or something above it, is a symlink",
      "give the real path" },
    { DINDBIND_E_UNSAFE, EPERM,
      "a directory above the staging directory is another user's, or open to changes by others",
      "take one below directories that are root's or yours, such as /run or $XDG_RUNTIME_DIR" },
    { DINDBIND_E_UNSAFE, EACCES, "the staging directory is not yours alone",
      "chmod 700 it, or take a new one" },
    { DINDBIND_E_UNSAFE, EEXIST, "neither a stage nor an empty directory",
      "give a new directory, or an empty one" },
    { DINDBIND_E_UNSAFE, ENOTEMPTY, "not a stage, and not empty",
      "nothing was removed: give a directory that was given to -s, or DIR/N of one" },
    { DINDBIND_E_UNSAFE, EROFS, "no directory can be made or marked there",
      "take one on a file system that can be written, such as /run" },
    { DINDBIND_E_UNSAFE, EBUSY, "something else is mounted there",
      "take a directory that is no mount" },
    { DINDBIND_E_UNSAFE, EADDRINUSE, "not a stage, but another mount namespace may have one there",
      "take it down there (-E PID), or take a new directory" },
    { DINDBIND_E_UNSAFE, EINVAL, "a stage that came with the mounts of another user namespace",
      "go to the namespace where it was made (nsenter), or take another directory" },
    { DINDBIND_E_FOREIGN, ESTALE,
      "what its description names is not mounted there any more, or a link leads elsewhere",
      "mount it again, or give a bind row (-b)" },
    { DINDBIND_E_FOREIGN, EINVAL, "it lies on a mount that cannot be cloned",
      "give a bind row (-b) of what you see yourself" },
    { DINDBIND_E_GONE, EOWNERDEAD, "the engine (-E) has ended", "" },
    { DINDBIND_E_NESTED, ENODEV, "only this container has a mount that is below it",
      "ask for what lies beside it" },
    { DINDBIND_E_LAYERS, EOPNOTSUPP, "its layers cannot be read",
      "start the runner again and give its PID" },
    { DINDBIND_E_HOST, EUSERS, "no container in the engine's user namespace (-E)",
      "copy the files" },
    { DINDBIND_E_FOREIGN, EUSERS,
      "an image layer, which root of the engine could make writable",
      "start the runner again and name its PID" },
    { DINDBIND_E_FOREIGN, EPERM,
      "nothing proves that the root in the description is this container's",
      "have the daemon read a file of yours by its Id (docker cp), then give -b ROOT:/ (-x prints "
      "ROOT)" },
    { DINDBIND_E_FOREIGN, ENODEV, "it is on a file system that only this container has",
      "put it on a volume or a bind mount; if it is the host's after all, give a bind row (-b)" },
    { DINDBIND_E_NESTED, EINVAL,
      "this mount below cannot be cloned (unbindable), or it came and went",
      "have the runner make it private (mount --make-private), or stage what lies beside it" },
    { DINDBIND_E_NESTED, E2BIG, "more than 4096 mounts in one call",
      "ask for fewer sources at once, or for directories below" },
};

static const struct reason *reason_of(int error, int err)
{
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
        if (reasons[i].error == error && reasons[i].err == err)
            return &reasons[i];
    return NULL;
}

/* Which layers were searched, the first ones by name. */
static void text_layers(struct text *t, const struct dindbind_layers *l)
{
    text_add(t, " in the layers ");
    for (size_t i = 0; i < l->n && i < 6; i++) {
        text_add(t, i ? ", " : "");
        text_shown(t, l->v[i].dir);
    }
    if (l->n > 6) {
        text_add(t, " and ");
        text_number(t, l->n - 6);
        text_add(t, " more");
    }
}

/* A part of the message, where there is one. */
static void text_part(struct text *t, const char *before, const char *part)
{
    text_add(t, *part ? before : "");
    text_shown(t, part);
}

static void text_message(struct text *t, const struct dindbind_runner *r, const char *source,
                         const struct dindbind_result *res, int error)
{
    text_shown(t, source ? source : "runner");
    bool self = res && res->rule == DINDBIND_RULE_SELF,
         unknown = self && error == DINDBIND_E_FOREIGN;
    const struct reason *reason = res ? reason_of(error, res->sys_errno) : NULL;
    const char *what = error_row(error)->what, *hint = error_row(error)->hint;
    if (unknown)
        what = "the daemon's name for it is not known";
    if (reason) {
        what = reason->what;
        hint = reason->hint;
    }
    text_add(t, ": ");
    text_add(t, what);
    text_part(t, ": ", res ? res->path : r->detail);
    if (res && res->rule == DINDBIND_RULE_LAYERS && r->layers) {
        text_add(t, *res->path ? "," : ":");
        text_layers(t, r->layers);
    }
    if (res && res->sys_errno && !reason) {
        text_add(t, ": ");
        text_errno(t, -res->sys_errno);
    }
    if (!reason && (unknown || (self && error == DINDBIND_E_NESTED)))
        hint = r->merged ? "its description does not name it: give a bind row (-b)" :
                           "only the daemon knows it: give what `docker inspect` prints of this "
                           "container (-r), or a bind row (-b)";
    text_part(t, "; ", hint);
}

char *dindbind_message(const struct dindbind_runner *r, const char *source,
                       const struct dindbind_result *res, int error, char *buf, size_t size)
{
    struct text t = text_new(buf, size);
    text_message(&t, r, source, res, error);
    return buf;
}

/* ==== mount identity =============================================================================
 *
 * In: a pinned source of a live runner, and the mounts that the runner and the caller see. Out:
 * a path of the caller's that names the same file on the same file system. Never here: a path
 * that was not opened and compared, or a guess from a name that belongs to another mount
 * namespace. */

/* What is known of one of the runner's mounts, once it has been looked at. */
struct outlook {
    /* by a later mount; without a host path; with one */
    enum { NOT_ASKED, HIDDEN, NAMELESS, NAMED } state;
    unsigned type;
    bool ro;
    const char *host;
};

/* A row of a dead runner, and where it is in the table. */
struct bind_at {
    const struct dindbind_bind *row;
    size_t at;
};

/* What several sources that are asked about at once share. */
struct tables {
    const struct dindbind_runner *r;
    struct mount_table mine, theirs;    /* with self: only theirs */
    /* theirs lacks a mount that was met: worth another reading */
    bool stale;
    struct outlook *outlooks;           /* of each of theirs */
    struct arena names;
    struct bind_at *rows;               /* of a dead runner, sorted; NULL: not yet */
    size_t nrows;
    size_t spent;                       /* bytes of mountinfo that were read of the runner's */
    bool too_large;                     /* it has more of them than are read */
    uint64_t root_dev;                  /* self: of the root, if it is a file system of its own */
    /* self: the daemon's data root as it names it; "": not known */
    char *data;
    bool presumed;                      /* ... which is that of docker's packages */
    bool snapshot;                      /* self: the root is one of containerd's */
    bool unproven;                      /* self: the root has a name, if the runner's id is mine */
    /* self: the runner's root, likewise; in one block with `data` */
    char *merged;
};

enum { TABLE_TRIES = 16, MAX_SPENT = 4 * MAX_MOUNTINFO };

struct found_host {
    bool ro;                            /* the mount that it is on */
    int err;                            /* self: what a message has to say, see reasons[] */
    char path[DINDBIND_PATH_MAX];
};

/* What an absolute path leads to that has no symlink in it, from the runner's root or (AT_FDCWD)
 * from the caller's. */
static int plain_node(const struct dindbind_runner *r, int dir, const char *path, struct node *n)
{
    bool from_cwd = dir == AT_FDCWD;
    int fd;
    if (!(r->caps & CAPS_NO_OPENAT2))
        fd = sys_openat2(dir, from_cwd ? path : below(path), OPEN_PIN | O_NOFOLLOW,
                         NO_SYMLINKS | NO_MAGICLINKS);
    else {
        struct root root = { .fd = sys_open(dir, from_cwd ? "/" : ".", OPEN_DIR) };
        fd = root.fd;
        if (fd >= 0)
            fd = reopen(&root, as_prefix(path), OPEN_PIN);
        sys_close(root.fd);
        if (fd == -EAGAIN)
            fd = -ENOENT;       /* nobody has walked it before */
    }
    int rc = inspect_fd(r, fd, n);
    sys_close(fd);
    return rc;
}

/* Is this path of the caller's that node, on this mount? */
static int is_mount_of(const struct tables *t, const char *path, const struct node *want,
                       uint64_t mnt, bool *yes)
{
    struct node n;
    *yes = false;
    int rc = plain_node(t->r, host_root(t->r), path, &n);
    if (rc)
        return unless_absent(rc);
    if (n.mnt != mnt)
        return 0;
    n.mnt = want->mnt;
    *yes = same_node(&n, want);
    return 0;
}

/* Of a runner in the caller's own mount namespace, as with a mere chroot, the very same mount. */
static int find_own(const struct tables *t, const struct spot *s, char path[DINDBIND_PATH_MAX],
                    bool *found)
{
    const struct mount_row *row = row_by_id(&t->mine, s->node.mnt);
    *found = false;
    if (!row || row->mark == MARKED)
        return 0;
    int rc = host_name(t->r, s->fd, path);
    if (rc)
        return unless_absent(rc);
    return is_mount_of(t, path, &s->node, s->node.mnt, found);
}

/* A mount of the caller's that has the file: same device, and the mount's root above it; then
 * opened and compared, so that an over-mounted candidate falls out. Device numbers are compared
 * row with row, never with st_dev, which btrfs and overlayfs number otherwise. A writable one is
 * preferred. */
static int find_seen(const struct tables *t, const struct mount_row *from, const struct node *node,
                     const char *name, struct found_host *h)
{
    char inside[DINDBIND_PATH_MAX], candidate[DINDBIND_PATH_MAX];
    const struct mount_row *end = t->mine.v + t->mine.n;
    bool found = false, same;
    if (!is_below(name, from->point) || !graft(inside, from->root, name, from->point))
        return DINDBIND_E_FOREIGN;
    for (const struct mount_row *row = t->mine.v; row < end && (!found || h->ro); row++) {
        if (row->dev != from->dev || !is_below(inside, row->root) || (found && is_ro(row)))
            continue;
        /* what is in a stage vanishes with it, and its number is another source's in the next
         * one */
        if (row->mark == MARKED || !graft(candidate, row->point, inside, row->root))
            continue;
        int rc = is_mount_of(t, candidate, node, row->id, &same);
        if (rc)
            return rc;
        trace(t->r,
              same ? "host path: " : "host path: not the same file on that mount: ", candidate);
        if (!same)
            continue;
        found = true;
        h->ro = is_ro(row);
        copy_path(h->path, candidate);
    }
    return found ? 0 : DINDBIND_E_FOREIGN;
}

/* ==== the daemon's names =========================================================================
 *
 * In: a pinned source of the caller's own, who is in the runner (self). Out: what the daemon
 * outside calls it. The caller's own mounts show the paths of its directories: the upperdir as
 * the daemon names it, the root of a bind mount as its file system does. Never here: a name that
 * could be another one's, for nothing of it can be looked at from inside. */

/* The data root by the upperdir, in one of the layouts
 *   ROOT/overlay2/ID/diff, ROOT/overlay/ID/diff (podman): `merged` beside it is the root
 *   ROOT/containerd/daemon/io.containerd.snapshotter.v1.NAME/snapshots/N/fs: dockerd's containerd
 *   /var/lib/containerd/io.containerd.snapshotter.v1.NAME/snapshots/N/fs: one of the system's. It
 *     does not show where docker's data root is. Both packages together have it at /var/lib/docker
 *     if nobody has configured anything else: calibrate() asks for more. */
static void daemon_layout(struct tables *t, const char *dir)
{
    static const char docker[] = "/var/lib/docker";
    bool known = *dir == '/' && copy_path(t->data, dir);
    *t->merged = 0;
    t->presumed = false;
    const char *last = cut_last(t->data);
    if (known && is_one_of("diff\0merged\0", last)) {
        known = put_path(t->merged, t->data, "/merged");
        cut_last(t->data);
        known = known && is_one_of("overlay2\0overlay\0", cut_last(t->data));
    } else if (known && !strcmp(last, "fs")) {
        cut_last(t->data);
        known = !strcmp(cut_last(t->data), "snapshots") &&
                starts_with(cut_last(t->data), "io.containerd.snapshotter.v1.");
        t->snapshot = known;
        t->presumed = known && !strcmp(t->data, "/var/lib/containerd");
        if (t->presumed)
            memcpy(t->data, docker, sizeof docker);
        else
            known = known && !strcmp(cut_last(t->data), "daemon") &&
                    !strcmp(cut_last(t->data), "containerd");
    } else
        known = false;
    if (!known)
        *t->merged = *t->data = 0;
}

/* What stands before such a name in the first row that has one and is the engine's own. */
static void data_described(struct tables *t, enum own kind)
{
    const char *tail;
    for (size_t i = 0; i < t->r->nbinds; i++) {
        const struct dindbind_bind *b = &t->r->binds[i];
        if (!b->host || b->origin != DINDBIND_ENGINES || own_tail(b->host, &tail) != kind)
            continue;
        if (kind == OWN_FILE && !starts_with(tail, "/containers/"))
            continue;           /* podman's, which are not below its data root */
        struct text data = text_new(t->data, DINDBIND_PATH_MAX);
        text_bytes(&data, b->host, (size_t)(tail - b->host));
        t->presumed = false;
        return;
    }
}

/* The upperdir of the caller's own root: by its description, else by its row. false: not known. */
static int own_upperdir(const struct tables *t, const struct mount_row *root,
                        char out[DINDBIND_PATH_MAX], bool *known)
{
    if (t->r->overlay)
        return upperdir_given(t->r->overlay, out, known);
    *known = upperdir_shown(root->super, out);
    return 0;
}

/* What a description reports as the root is another one's where nothing but files in /etc shows
 * that it is mine, which a container has that joined another one's network. And of docker's image
 * store, where the root is called by the container's id, mine must be one: a process may have
 * another root in the same container. */
static bool is_known_root(const struct tables *t)
{
    const struct dindbind_runner *r = t->r;
    if (!r->id)
        return true;            /* an OCI state: the caller's word */
    return r->proven && (!ends_with(t->merged, r->id) || t->snapshot);
}

/* What is known for certain of the daemon's own names. */
static int daemon_names(struct tables *t)
{
    static const char root_name[] = "self: the daemon's name of my root: ";
    const struct dindbind_runner *r = t->r;
    char upper[DINDBIND_PATH_MAX];
    struct node n;
    bool known;
    bool told = r->merged && *r->merged;
    t->data = malloc(2 * DINDBIND_PATH_MAX);
    if (!t->data)
        return DINDBIND_E_NOMEM;
    t->merged = t->data + DINDBIND_PATH_MAX;
    *t->merged = *t->data = 0;
    int rc = inspect_fd(r, r->root_fd, &n);
    if (rc)
        return error_of(rc);
    const struct mount_row *root = row_by_id(&t->theirs, n.mnt);
    if (!root) {
        t->stale = true;
        return DINDBIND_E_FOREIGN;
    }
    /* a part of an overlay (vfs in docker in docker) is the engine's around, as its upperdir is */
    bool whole = !strcmp(root->root, "/");
    if (whole && (!strcmp(root->type, "overlay") || starts_with(root->type, "fuse")))
        t->root_dev = root->dev;
    rc = own_upperdir(t, root, upper, &known);
    if (rc)
        return rc;
    if (known && whole)
        daemon_layout(t, upper);
    if (told && !*t->data)
        daemon_layout(t, r->merged);
    data_described(t, OWN_FILE);
    if (!*t->data)
        data_described(t, OWN_VOLUME);
    if (told && !copy_path(t->merged, r->merged))
        *t->merged = 0;
    if (!t->root_dev)           /* a directory of the data root's device, as all else there */
        *t->merged = 0;
    t->unproven = told && *t->merged && !is_known_root(t);
    trace(r, t->unproven ? "self: my root, if it is mine: " : root_name,
          *t->merged ? t->merged : "not known");
    if (t->unproven)
        *t->merged = 0;
    return 0;
}

/* The length of the data root's name in the root of a row: that of a part of a volume, or of a
 * file of docker's own in /etc. -1: it is none. */
static int data_root_length(const struct mount_row *row, enum own kind)
{
    static const char places[] = "/etc/hosts\0/etc/hostname\0/etc/resolv.conf\0";
    static const char dir[] = "/containers/";
    const char *tail;
    if (own_tail(row->root, &tail) != kind)
        return -1;
    if (kind == OWN_FILE && (!is_one_of(places, row->point) || !starts_with(tail, dir) ||
                             strcmp(tail + strlen(dir) + ID_LENGTH, strrchr(row->point, '/'))))
        return -1;
    return (int)(tail - row->root);
}

/* How the daemon names what is on a device. */
struct calibration {
    const struct mount_row *row;        /* NULL: not known */
    const char *host;                   /* what the daemon has for ... */
    size_t len;                         /* ... this much of the row's root */
};

/* Is this on the file system that has the upperdir of the root's overlay? statfs(2) gives the
 * numbers of that. Between two looks at the root that see the same, nothing has been written
 * meanwhile. Of what is not there: no. */
static int same_numbers(const char *path, bool *same)
{
    /* f_bsize, f_blocks, f_bfree, f_bavail, f_files, f_ffree */
    enum {
        FIRST = offsetof(struct statfs, f_bsize),
        ALL = offsetof(struct statfs, f_fsid) - FIRST
    };
    enum { BEFORE, THERE, AFTER, LOOKS };
    struct statfs fs[LOOKS];
    *same = false;
    for (int i = 0; i < RETRIES; i++) {
        for (int k = 0; k < LOOKS; k++) {
            int fd = open_path(k == THERE ? path : "/", OPEN_PIN);
            int rc = sys_fstatfs(fd, &fs[k]);
            sys_close(fd);
            if (rc)
                return unless_absent(rc);
        }
        if (memcmp((char *)&fs[BEFORE] + FIRST, (char *)&fs[AFTER] + FIRST, ALL))
            continue;
        *same = !memcmp((char *)&fs[BEFORE] + FIRST, (char *)&fs[THERE] + FIRST, ALL);
        break;
    }
    return 0;
}

/* Is the length of a row's root all of the data root's name? */
static bool is_data_root(const struct tables *t, const struct mount_row *row, size_t len)
{
    return len == strlen(t->data) && !strncmp(row->root, t->data, len);
}

/* What one row says, in which the data root's name has that length. If it is all of the name, the
 * device is taken to be mounted at /, unless a description shows what is certain. */
static struct calibration calibration_of(const struct tables *t, const struct mount_row *row,
                                         size_t len)
{
    if (is_data_root(t, row, len) && !t->r->merged)
        return (struct calibration){ row, "/", 0 };
    return (struct calibration){ row, t->data, len };
}

static bool same_calibration(const struct calibration *a, const struct calibration *b)
{
    return a->row->dev == b->row->dev && !strcmp(a->host, b->host) && a->len == b->len &&
           !memcmp(a->row->root, b->row->root, a->len);
}

/* Does the description name just that file or volume, below the data root, at that place? */
static bool is_described(const struct tables *t, const struct mount_row *row, enum own kind)
{
    const char *own, *theirs;
    char place[DINDBIND_PATH_MAX];
    size_t len = strlen(t->data);
    own_tail(row->root, &own);
    for (size_t i = 0; i < t->r->nbinds; i++) {
        const struct dindbind_bind *b = &t->r->binds[i];
        struct spot at = { .name = place };
        if (!b->host || b->origin != DINDBIND_ENGINES || own_tail(b->host, &theirs) != kind ||
            !is_below(own, theirs) || len != (size_t)(theirs - b->host) ||
            memcmp(b->host, t->data, len))
            continue;
        int rc = resolve_own(t->r, b->path, &at);
        if (rc)
            continue;
        sys_close(at.fd);
        if (!strcmp(place, row->point))
            return true;
    }
    return false;
}

/* By the rows of docker's own files, or by those of volumes. FOREIGN: two rows say two things. */
static int calibrate_by(const struct tables *t, enum own kind, struct calibration *c)
{
    for (const struct mount_row *row = t->theirs.v; row < t->theirs.v + t->theirs.n; row++) {
        int len = data_root_length(row, kind);
        bool whole = kind == OWN_VOLUME || t->presumed;
        if (len < 0 || (whole && !is_data_root(t, row, (size_t)len)))
            continue;
        bool counts = is_described(t, row, kind);
        int rc = counts ? 0 : same_numbers(row->point, &counts);
        if (rc)
            return rc;
        if (!counts)
            continue;
        struct calibration new = calibration_of(t, row, (size_t)len);
        if (c->row && !same_calibration(c, &new))
            return DINDBIND_E_FOREIGN;
        *c = new;
    }
    return 0;
}

/* How the daemon names what is on the device of its data root. Two things are known for certain:
 * the data root's own name (by the upperdir, or by a file that the description names), and its
 * place on its device (by the root of a row that lies in it). So all that lies below it there has
 * a name. If both are the same text, the device is mounted at /, and everything on it has a name.
 * Nothing more is certain of any other device: /docker on it, at /var/lib/docker, may be a disk
 * that is mounted at /var/lib, or a bind mount of a directory of a disk that is mounted elsewhere.
 * Docker's own files can only be in its data root. A directory that looks like a volume can be
 * any, and counts where all of the data root's name stands before it. A row counts if the
 * description names it, or if it is on the upperdir's file system.
 * Of a data root that is only presumed nothing is certain, and this is the one exception: if an own
 * file of docker's is at just that place of its device, and on the upperdir's file system, both
 * packages are taken to be where they install themselves.
 * FOREIGN: nothing is known, or two rows say two things. */
static int calibrate(const struct tables *t, struct calibration *c)
{
    *c = (struct calibration){ 0 };
    if (!*t->data)
        return DINDBIND_E_FOREIGN;
    int rc = calibrate_by(t, OWN_FILE, c);
    if (!rc && !c->row && !t->presumed)
        rc = calibrate_by(t, OWN_VOLUME, c);
    if (rc)
        return rc;
    return c->row ? 0 : DINDBIND_E_FOREIGN;
}

static size_t mounts_at(const struct tables *t, const char *point)
{
    size_t n = 0;
    for (const struct mount_row *row = t->theirs.v; row < t->theirs.v + t->theirs.n; row++)
        n += !strcmp(row->point, point);
    return n;
}

/* Whether a bind row names what is on the mount `from`, `place` being where the row is. A row of
 * the caller's counts if no other mount lies between, or over it. One that was reported counts
 * while its mount is there: just one, and it is the one that the source is on. */
enum counting { COUNTS_NOT, COUNTS, IS_GONE };

static enum counting counting_of(const struct tables *t, const struct dindbind_bind *row,
                                 const struct mount_row *from, const char *place)
{
    if (strictly_below(from->point, place))
        return COUNTS_NOT;
    /* and no engine mounts a part of the container's own root into it */
    if (row->origin != DINDBIND_GIVEN &&
        (!is_below(from->point, place) || from->dev == t->root_dev))
        return row->host ? IS_GONE : COUNTS_NOT;
    return mounts_at(t, place) > 1 ? COUNTS_NOT : COUNTS;
}

/* Two reported rows, and one mount at the place of both: a link that one of them was named
 * through leads elsewhere now. */
static bool has_strayed(const struct dindbind_bind *a, const struct dindbind_bind *b)
{
    return a->origin != DINDBIND_GIVEN && b->origin != DINDBIND_GIVEN && strcmp(a->path, b->path);
}

/* The name by the bind row that a place is in, the deepest. FOREIGN: what that row names is not
 * mounted any more. */
static int daemon_row(const struct tables *t, const struct mount_row *from, const char *name,
                      struct found_host *h, bool *found)
{
    const struct dindbind_bind *best = NULL;
    bool gone = false;
    size_t best_len = 0;
    char place[DINDBIND_PATH_MAX];
    *found = false;
    for (size_t i = 0; i < t->r->nbinds; i++) {
        const struct dindbind_bind *row = &t->r->binds[i];
        struct spot at = { .name = place };
        if (!row->host && row->origin == DINDBIND_GIVEN)
            continue;
        int rc = resolve_own(t->r, row->path, &at);
        if (rc && unless_absent(rc))
            return unless_absent(rc);
        if (rc)
            continue;
        sys_close(at.fd);
        size_t len = strlen(place);
        if (len < best_len || !is_below(name, place))
            continue;
        enum counting counts = counting_of(t, row, from, place);
        if (counts == COUNTS_NOT)
            continue;
        bool again = best && len == best_len && row->origin != DINDBIND_GIVEN;
        gone = counts == IS_GONE || (again && (gone || has_strayed(best, row)));
        best = row;
        best_len = len;
        /* made here, as `place` is the next row's then */
        *found = row->host && graft(h->path, row->host, name, place);
        if (row->host && !*found && !gone)
            return DINDBIND_E_TOOLONG;
    }
    if (!gone) {
        h->ro = *found && best->ro;
        return 0;
    }
    trace(t->r, "self: what was described is not mounted at ", best->path);
    h->err = ESTALE;
    return DINDBIND_E_FOREIGN;
}

/* What is on the device of the data root, by its place there. */
static int find_calibrated(const struct tables *t, const struct mount_row *from, const char *inside,
                           struct found_host *h)
{
    struct calibration c;
    int rc = calibrate(t, &c);
    if (rc)
        return rc;
    const char *rest = inside + c.len;
    if (c.row->dev != from->dev || strncmp(inside, c.row->root, c.len) || (*rest && *rest != '/'))
        return DINDBIND_E_FOREIGN;
    return graft(h->path, c.host, rest, "/") ? 0 : DINDBIND_E_TOOLONG;
}

/* Is all of this mount a file system that the engine or the kernel makes for one container? Then
 * no description names it. */
static bool is_own(const struct mount_row *row)
{
    return !strcmp(row->root, "/") &&
           is_one_of("tmpfs\0proc\0sysfs\0devpts\0mqueue\0cgroup\0cgroup2\0", row->type);
}

/* What the daemon calls a place in the caller's own view. Nothing here can be looked at: what is
 * not known for certain has no name. */
static int find_daemon(const struct tables *t, const struct mount_row *from, const char *name,
                       struct found_host *h)
{
    char inside[DINDBIND_PATH_MAX];
    bool found;
    h->ro = false;
    h->err = is_own(from) ? ENODEV : 0;
    int rc = daemon_row(t, from, name, h, &found);
    h->ro |= is_ro(from);
    if (rc || found)
        return rc;
    if (ends_with(from->root, "//deleted") || !is_below(name, from->point))
        return DINDBIND_E_FOREIGN;
    if (!graft(inside, from->root, name, from->point))
        return DINDBIND_E_FOREIGN;
    if (from->dev == t->root_dev && t->unproven)
        h->err = EPERM;
    if (from->dev != t->root_dev || !*t->merged)
        return find_calibrated(t, from, inside, h);
    return graft(h->path, t->merged, inside, "/") ? 0 : DINDBIND_E_TOOLONG;
}

/* ==== host paths =================================================================================
 *
 * In: a result of a live runner, of the caller's own, or of rows and layers. Out: its host path,
 * and the runner's mounts below it. Never here: a mount below that is left out without a word. */

static int find_host(const struct tables *t, const struct mount_row *from, const struct node *node,
                     const char *name, struct found_host *h)
{
    if (t->r->self)
        return find_daemon(t, from, name, h);
    return find_seen(t, from, node, name, h);
}

/* Mounts below, parents first, while they are collected. */
struct below {
    struct out items;                   /* struct below_item */
    struct out names;                   /* their strings, each with its NUL */
    size_t n;
};

struct below_item {
    size_t source, path;                /* where these begin in `names`, which may still move */
    unsigned type;
    bool ro;
};

static int below_add(struct below *b, const char *source, const char *path, unsigned type, bool ro)
{
    struct below_item item = { .source = b->names.len, .type = type & S_IFMT, .ro = ro };
    put_string(&b->names, source);
    item.path = b->names.len;
    put_string(&b->names, path);
    put_bytes(&b->items, (const char *)&item, sizeof item);
    b->n++;
    return b->names.failed || b->items.failed ? DINDBIND_E_NOMEM : 0;
}

/* One block that the caller frees. */
static int below_pack(const struct below *b, const char *source, struct dindbind_mount **out)
{
    const struct below_item *items = (const void *)b->items.at;
    if (!b->n)
        return 0;
    struct dindbind_mount *v = malloc(b->n * sizeof *v + b->names.len);
    if (!v)
        return DINDBIND_E_NOMEM;
    const char *names = memcpy(v + b->n, b->names.at, b->names.len);
    size_t base = strlen(as_prefix(source));
    for (size_t i = 0; i < b->n; i++)
        v[i] = (struct dindbind_mount){ .source = names + items[i].source,
                                        .rest = names + items[i].source + base,
                                        .path = names + items[i].path,
                                        .type = items[i].type,
                                        .ro = items[i].ro };
    *out = v;
    return 0;
}

static const char too_many[] = "it has more than 4096 mounts below it";
_Static_assert(MAX_MOUNTS == 4096, "too_many says so");

static int nested(struct dindbind_result *res, const char *culprit)
{
    copy_path(res->path, culprit);
    return DINDBIND_E_NESTED;
}

/* Look at a mount of the runner's: does it see it, and what is its host path? */
static int look_at(struct tables *t, const struct mount_row *row, struct outlook *p)
{
    struct found_host h;
    struct node n;
    int rc = plain_node(t->r, t->r->root_fd, row->point, &n);
    if (rc == -ENOENT || rc == -ENOTDIR || rc == -ELOOP || (!rc && n.mnt != row->id)) {
        p->state = HIDDEN;
        return 0;
    }
    if (rc)
        return error_of(rc);
    rc = find_host(t, row, &n, row->point, &h);
    if (rc == DINDBIND_E_FOREIGN) {
        p->state = NAMELESS;
        return 0;
    }
    if (rc)
        return rc;
    p->host = arena_copy(&t->names, h.path, strlen(h.path));
    p->type = n.mode;
    p->ro = is_ro(row) || h.ro;
    p->state = NAMED;
    return p->host ? 0 : DINDBIND_E_NOMEM;
}

/* The runner's mount at this row, if it is what the runner sees there, and its host path. Many
 * sources may have it below: it is looked at once. */
static int add_mount(struct tables *t, const struct mount_row *row, struct dindbind_result *res,
                     struct below *b)
{
    struct outlook *p = &t->outlooks[row - t->theirs.v];
    int rc = 0;
    if (p->state == NOT_ASKED)
        rc = look_at(t, row, p);
    if (rc || p->state == HIDDEN)
        return rc;
    if (p->state == NAMELESS) {
        res->sys_errno = t->r->self && is_own(row) ? ENODEV : 0;
        return nested(res, row->point);
    }
    if (b->n == MAX_MOUNTS)
        return nested(res, too_many);
    return below_add(b, row->point, p->host, p->type, p->ro);
}

/* Does the runner have this mount of the caller's at that place? */
static bool has_mount(const struct tables *t, const struct mount_row *row, const char *place)
{
    const struct mount_row *theirs;
    for (size_t i = first_from(&t->theirs, place); i < t->theirs.n; i++) {
        theirs = t->theirs.by_point[i];
        if (strcmp(theirs->point, place))
            return false;
        if (theirs->dev == row->dev && !strcmp(theirs->root, row->root))
            return true;
    }
    return false;
}

/* A bind mount of the host path is recursive and carries the caller's mounts below it: each must
 * be one that the runner has at the same place. */
static int check_host_mounts(const struct tables *t, const char *name, const char *host,
                             struct dindbind_result *res)
{
    char there[DINDBIND_PATH_MAX];
    for (const struct mount_row *row = t->mine.v; row < t->mine.v + t->mine.n; row++) {
        struct node n;
        if (!strictly_below(row->point, host) || !graft(there, name, row->point, host) ||
            has_mount(t, row, there))
            continue;
        int rc = plain_node(t->r, host_root(t->r), row->point, &n);
        if (!rc && n.mnt == row->id)
            return nested(res, row->point);
        if (rc == -EACCES || unless_absent(rc))
            return error_of(rc);
    }
    return 0;
}

/* With its last task a mount namespace loses its mounts: what was seen of them counts if there
 * is a task now. */
static int still_alive(const struct dindbind_runner *r)
{
    char root[DINDBIND_PATH_MAX];
    if (r->self)
        return 0;
    int rc = sys_readlink(r->task_fd, "root", root);
    return rc < 0 ? task_error(rc) : 0;
}

/* The mounts below a place of the runner's, and whether the host path has just these. */
static int find_below(struct tables *t, const char *name, const char *host,
                      struct dindbind_result *res, struct below *b)
{
    for (size_t i = first_from(&t->theirs, name); i < t->theirs.n; i++) {
        const struct mount_row *row = t->theirs.by_point[i];
        if (!is_below(row->point, name))
            break;
        if (!strcmp(row->point, name))
            continue;
        int rc = add_mount(t, row, res, b);
        if (rc)
            return rc;
    }
    int rc = check_host_mounts(t, name, host, res);
    if (rc)
        return rc;
    return still_alive(t->r);
}

/* The host path of what is pinned in the runner's own view. */
static int host_of_view(struct tables *t, struct dindbind_result *res, struct below *b)
{
    struct spot s = { .fd = res->fd, .name = res->name };
    struct found_host h;
    bool own;
    int rc = error_unless_ok(inspect_fd(t->r, s.fd, &s.node));
    if (!rc)
        rc = find_own(t, &s, h.path, &own);
    if (rc)
        return rc;
    if (own) {
        copy_path(res->path, h.path);
        return 0;
    }
    const struct mount_row *row = row_by_id(&t->theirs, s.node.mnt);
    if (!row) {
        t->stale = true;
        return DINDBIND_E_FOREIGN;
    }
    h.err = 0;
    rc = find_host(t, row, &s.node, s.name, &h);
    if (rc == DINDBIND_E_FOREIGN && t->r->self)
        res->sys_errno = h.err;
    if (!rc)
        rc = find_below(t, s.name, h.path, res, b);
    if (rc)
        return rc;
    res->ro |= h.ro;
    copy_path(res->path, h.path);
    return 0;
}

/* A bind row of a live runner has its host path already. */
static int host_of_row(struct tables *t, struct dindbind_result *res, struct below *b)
{
    char host[DINDBIND_PATH_MAX];
    /* a row's HOST may be spelled in any way: mounts are listed under the kernel's name of it */
    int rc = host_name(t->r, res->fd, host);
    if (rc)
        return error_of(rc);
    return find_below(t, res->name, host, res, b);
}

static void tables_free(struct tables *t)
{
    table_free(&t->mine);
    table_free(&t->theirs);
    free(t->outlooks);
    free(t->rows);
    arena_free(&t->names);
    free(t->data);
    t->data = NULL;
    t->outlooks = NULL;
    t->rows = NULL;
}

static int tables_read(struct tables *t)
{
    int rc = table_read(t->r, t->r->self, &t->theirs);
    t->spent += t->theirs.len;
    t->too_large = t->theirs.len == MAX_MOUNTINFO;
    if (!rc) {
        table_sort(&t->theirs);
        t->outlooks = malloc((t->theirs.n + 1) * sizeof *t->outlooks);
        if (!t->outlooks)
            rc = DINDBIND_E_NOMEM;
    }
    if (!rc) {
        memset(t->outlooks, 0, t->theirs.n * sizeof *t->outlooks);
        if (t->r->self)
            rc = daemon_names(t);
        else
            rc = table_read(t->r, true, &t->mine);
    }
    if (!rc)
        mark_rows(&t->mine, t->mine.by_id, t->mine.n, is_of_stage, NULL);
    if (rc)
        tables_free(t);         /* of which one is not there, or half */
    return rc;
}

/* Sources that are asked about at once share one reading: if the last one has left its tables in
 * `t`, they are used. */
static int host_live(struct tables *t, struct dindbind_result *res, struct below *b)
{
    int rc;
    if (t->too_large)
        return DINDBIND_E_SYSTEM;
    for (int i = 0; i < TABLE_TRIES; i++) {
        t->stale = false;
        b->n = b->items.len = b->names.len = 0;
        rc = 0;
        if (!t->theirs.v)
            rc = tables_read(t);
        if (!rc && res->rule == DINDBIND_RULE_BIND)
            rc = host_of_row(t, res, b);
        else if (!rc)
            rc = host_of_view(t, res, b);
        /* kernels before 5.8 drop rows while mounts come and go: a missing row is worth another
         * look */
        if (!t->stale || t->spent >= MAX_SPENT)
            break;
        tables_free(t);
    }
    return rc;
}

/* Of rows at one place the one that counts comes last. */
static int bind_order(const void *a, const void *b)
{
    const struct bind_at *x = a, *y = b;
    int order = path_order(x->row->path, y->row->path);
    return order ? order : (x->at > y->at) - (x->at < y->at);
}

/* The rows that count, in path_order(). */
static int rows_sort(struct tables *t)
{
    const struct dindbind_bind *row;
    size_t n = 0;
    t->rows = malloc((t->r->nbinds + t->r->npoints + 1) * sizeof *t->rows);
    if (!t->rows)
        return DINDBIND_E_NOMEM;
    for (; (row = row_at(t->r, n)); n++)
        t->rows[n] = (struct bind_at){ row, n };
    qsort(t->rows, n, sizeof *t->rows, bind_order);
    t->nrows = 0;
    for (size_t i = 0; i < n; i++)
        if (i + 1 == n || strcmp(t->rows[i].row->path, t->rows[i + 1].row->path))
            t->rows[t->nrows++] = t->rows[i];
    return 0;
}

/* The first of these rows that follows a place. */
static size_t first_row_after(const struct tables *t, const char *place)
{
    size_t low = 0, high = t->nrows;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (path_order(t->rows[middle].row->path, place) <= 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Without a live task the bind rows are all that is known of mounts below. */
static int host_dead(struct tables *t, struct dindbind_result *res, struct below *b)
{
    if (!t->r->nbinds)
        return 0;
    int rc = 0;
    if (!t->rows)
        rc = rows_sort(t);
    if (rc)
        return rc;
    for (size_t i = first_row_after(t, res->name); i < t->nrows; i++) {
        const struct dindbind_bind *row = t->rows[i].row;
        if (!is_below(row->path, res->name))
            break;
        if (!row->host)
            return nested(res, row->path);
        if (b->n == MAX_MOUNTS)
            return nested(res, too_many);
        rc = below_add(b, row->path, row->host, 0, row->ro);
        if (rc)
            return rc;
    }
    return 0;
}

/* The runner has more mounts than are read: that is what the result is about. */
static void blame_mountinfo(const struct dindbind_runner *r, struct dindbind_result *res)
{
    struct text where = text_new(res->path, sizeof res->path);
    if (!r->self) {
        text_add(&where, "PID ");
        text_number(&where, (unsigned long long)r->pid);
    }
    text_add(&where, too_large);
    res->sys_errno = EFBIG;
}

static int host_path(struct tables *t, struct dindbind_result *res, struct dindbind_mount **below,
                     size_t *nbelow)
{
    const struct dindbind_runner *r = t->r;
    struct below b = { 0 };
    int rc;
    *below = NULL;
    if (!r->pid && !r->self)
        rc = host_dead(t, res, &b);
    else if (res->rule == DINDBIND_RULE_BIND && (res->fd < 0 || !*res->name))
        /* where the runner does not see a row's place, it has no mounts there either */
        rc = 0;
    else
        rc = host_live(t, res, &b);
    if (t->too_large)
        blame_mountinfo(r, res);
    if (!rc)
        rc = below_pack(&b, res->name, below);
    *nbelow = rc ? 0 : b.n;
    free(b.items.at);
    free(b.names.at);
    res->error = rc;
    return rc;
}

int dindbind_host(const struct dindbind_runner *r, struct dindbind_result *res,
                  struct dindbind_mount **below, size_t *nbelow)
{
    struct tables t = { .r = r };
    int rc = host_check(r);
    if (rc) {
        *below = NULL;
        *nbelow = 0;
        return refuse_host(r, res, rc);
    }
    rc = host_path(&t, res, below, nbelow);
    tables_free(&t);
    return rc;
}

/* ==== staging ====================================================================================
 *
 * In: pinned sources and a directory. Out: mounts of just these inodes in a tmpfs of our own,
 * which stay what they are: private, so that nothing shows in them that is mounted later, by
 * whomever. Never here: a byte of a path that the runner chose, anything deleted through a
 * mount, a question to a file system while the lock on the directory is held (its server may not
 * answer, and others wait for the lock), or a mount that could propagate in any direction. All
 * return 0 or a DINDBIND_E_ code, with the errno in a place of the caller's. */

#ifndef SYS_open_tree
#define SYS_open_tree 428
#define SYS_move_mount 429
#define SYS_fsopen 430
#define SYS_fsconfig 431
#define SYS_fsmount 432
#endif
#ifndef SYS_mount_setattr
#define SYS_mount_setattr 442
#endif

/* linux/mount.h */
enum {
    TREE_CLONE = 1, TREE_RECURSIVE = 0x8000, MOVE_FROM_FD = 4, MOVE_TO_FD = 0x40,
    FS_CLOEXEC = 1, FS_SET_FLAG = 0, FS_SET_STRING = 1, FS_CREATE = 6,
    ATTR_RDONLY = 1, ATTR_NOSUID = 2, ATTR_NODEV = 4, ATTR_NOEXEC = 8,
    ATTR_OURS = ATTR_NOSUID | ATTR_NODEV | ATTR_NOEXEC
};

enum {
    FOR_ENGINE = S_ISVTX,       /* marks a directory that was made in another namespace (-E) */
    /* sources that are cloned, attached and let go of before the next ones: one turn */
    AT_A_TIME = 64,
    LOCK_PATIENCE = 5           /* seconds */
};

/* What becomes of one result. */
struct staged {
    struct node node;           /* what is pinned */
    /* the first result with the same source in the same mode; mostly itself */
    size_t same;
    int tree;                   /* its mounts, detached; or -errno */
    uint64_t number;            /* of its entry */
    size_t mounts;              /* the mounts below it that were counted */
    bool ro;                    /* sealed read-only */
    bool attached;
};

/* A mount below a source. */
struct nested_mount {
    size_t source;
    /* where it is, and the part of that after the source, or after the entry */
    const char *point, *rest;
    uint64_t id;
};

/* Where the stage is, and what comes onto it. */
struct stage {
    const char *name;                   /* the last component of dir */
    int parent;                         /* O_PATH */
    /* what `name` leads to: the inner tmpfs's root, or the plain directory; locked */
    int fd;
    int err;
    bool ours;                          /* a tmpfs of a stage is on top at the directory */
    bool is_stage;                      /* and it is the inner one */
    uint64_t top;                       /* the mount of `fd` */
    /* none could be made, and the caller's working directory is not ours to change */
    bool no_child;
    bool created, mounted;              /* by this call: the directory, the outer tmpfs */
    bool known;                         /* the directory is nobody else's */
    /* any: r or `none`, for /proc and what this kernel lacks */
    const struct dindbind_runner *r, *any;
    struct dindbind_result *const *results;
    size_t n, at;                       /* results; the one that is at work, n: none */
    /* the results that get an entry of their own, in order; after `s` in the block */
    size_t *entry, nentries;
    size_t from, to;                    /* of these, the ones of this turn */
    uint64_t next;                      /* number */
    char dir[DINDBIND_PATH_MAX];        /* clean, no symlink in it */
    struct node above;                  /* what `parent` is */
    struct dindbind_runner none;
    /* the runner's mounts and those of whoever mounts the answer, where they were needed */
    struct mount_table theirs, mine;
    struct mount_table after;           /* the latter, with the stage */
    /* struct nested_mount: what must be below the sources, and what is */
    struct out nested, found;
    size_t nnested;
    int runner_ns;                      /* the runner's mount namespace; -1: not needed */
    int engine_ns;                      /* of whoever mounts the answer; -1: the caller's own */
    /* the two tmpfs, until they are attached; before that, what a source of several layers is made
     * of: an overlay and the part of it */
    int outer, inner;
    int outer_root;                     /* of the outer one that this call made, locked */
    int counter;                        /* the file that knows the next number */
    struct staged s[];
};

/* What a call gave: the code of -errno, which is noted, else 0. EPERM is also what the seccomp
 * filters of old engines answer for the mount calls of Linux 5.2: as root would not help then. */
static int stage_result(struct stage *st, int rc)
{
    if (rc >= 0)
        return 0;
    if (rc == -EPERM && is_missing(SYS_open_tree))
        rc = -ENOSYS;
    st->err = -rc;
    return error_of(rc);
}

/* The same of cloning a source: EINVAL says that it is on a mount of another namespace than the
 * runner's. */
static int clone_result(struct stage *st, int tree)
{
    int rc = stage_result(st, tree);
    return tree == -EINVAL ? DINDBIND_E_FOREIGN : rc;
}

/* The directory cannot be used; `err` says why, see reasons[]. */
static int unsafe(struct stage *st, int err)
{
    st->err = err;
    return DINDBIND_E_UNSAFE;
}

/* ---- In a child: mounts are made and taken down in the namespace that they belong to ---- */

/* `run` may only make system calls: it has a small stack, in the caller's memory. It returns 0
 * or -errno. */
struct errand {
    struct stage *st;
    int ns;                             /* -1: the caller's own mount namespace */
    int (*run)(struct stage *st);
    int rc;
};

static int errand_run(void *arg)
{
    struct errand *e = arg;
    int rc = 0;
    if (e->ns >= 0)
        rc = CALL3(SYS_setns, e->ns, CLONE_NEWNS);
    if (!rc)
        rc = e->run(e->st);
    e->rc = rc;                 /* at the very end: until then it says that the child died */
    return 0;
}

static void set_signals(const sigset_t *mask, sigset_t *old)
{
    CALL(SYS_rt_sigprocmask, SIG_SETMASK, mask, old, _NSIG / 8);
}

/* A child runs the errand while this thread waits for it: it shares our descriptors, so that
 * what it opens stays with us, and our memory, of which the page tables alone may be too large
 * to be copied, but not our working directory and root, which setns(2) and chdir(2) change. A
 * handler of the caller's must not run in it, so it is born with all signals blocked. No exit
 * signal: the caller's SIGCHLD is the caller's. */
static int in_child(struct stage *st, int ns, int (*run)(struct stage *st))
{
    _Alignas(16) char stack[2 * 8192];      /* used from its middle, whichever way it grows */
    struct errand e = { st, ns, run, -EINTR };      /* what is left of one whose child died */
    sigset_t all, old;
    int status = 0;
    memset(&all, -1, sizeof all);
    set_signals(&all, &old);
    int pid = clone(errand_run, stack + sizeof stack / 2, CLONE_VM | CLONE_VFORK | CLONE_FILES, &e);
    int rc = 0;
    if (pid < 0)
        rc = -errno;
    set_signals(&old, NULL);
    if (pid > 0)
        CALL3(SYS_wait4, pid, &status, __WALL);
    if (rc)
        return rc;
    return e.rc;
}

/* An errand in the namespace of whoever mounts the answer that needs no working directory: if
 * that is the caller's own, no child is needed either. */
static int in_engine(struct stage *st, int (*run)(struct stage *st))
{
    if (st->engine_ns < 0)
        return run(st);
    return in_child(st, st->engine_ns, run);
}

/* An errand that takes something down. What has been mounted must not stay because no more
 * processes are allowed, as by what a runner of the same user has started (RLIMIT_NPROC): then
 * it is done here, by way of procfs. */
static int take_down(struct stage *st, int (*run)(struct stage *st))
{
    int rc = in_child(st, st->engine_ns, run);
    if (st->engine_ns >= 0 || (rc != -EAGAIN && rc != -ENOMEM))
        return rc;
    st->no_child = true;
    return run(st);
}

static int detach(struct stage *st, int dir, const char *name)
{
    char path[FD_PATH + NAME_MAX + 1];
    if (!st->no_child) {
        int rc = CALL3(SYS_fchdir, dir, 0, 0);
        if (rc)
            return rc;
        return CALL3(SYS_umount2, name, MNT_DETACH | UMOUNT_NOFOLLOW);
    }
    struct text t = text_in(path, sizeof path, "/proc/thread-self/fd/");
    text_number(&t, (unsigned)dir);
    text_add(&t, "/");
    text_add(&t, name);
    return t.cut ? -ENAMETOOLONG : CALL3(SYS_umount2, path, MNT_DETACH | UMOUNT_NOFOLLOW);
}

/* Errand: the topmost mount at the directory, with all that is mounted in it. Only whoever holds
 * the lock on its root may do this: under the lock it is still the one that was looked at.
 * EINVAL: there is no mount, for a peer's unmount has taken it along; or it is locked there,
 * because it came with the mounts of another user namespace. */
static int detach_top(struct stage *st)
{
    return detach(st, st->parent, st->name);
}

/* An entry, whose name is a number: detach what is mounted there, and remove the place for it,
 * which is on the tmpfs. A mount point cannot be removed (EBUSY), so nothing is ever removed
 * through one. */
static int entry_remove(struct stage *st, uint64_t number)
{
    char name[FD_PATH];
    struct text t = text_new(name, sizeof name);
    text_number(&t, number);
    int rc = 0;
    for (int i = 0; !rc && i < RETRIES; i++) {
        rc = CALL3(SYS_unlinkat, st->fd, name, 0);
        if (rc == -EISDIR)
            rc = CALL3(SYS_unlinkat, st->fd, name, AT_REMOVEDIR);
        if (!rc || rc == -ENOENT)
            return 0;
        if (rc == -EBUSY)
            rc = detach(st, st->fd, name);
    }
    if (rc)
        return rc;
    return -EBUSY;
}

/* Errand: what this call has attached so far. */
static int remove_attached(struct stage *st)
{
    int rc = 0;
    for (size_t i = 0; i < st->n; i++)
        if (st->s[i].attached) {
            int removed = entry_remove(st, st->s[i].number);
            rc = rc ? rc : removed;
            st->s[i].attached = false;
        }
    return rc;
}

/* Errand: the one entry `next`. */
static int remove_next(struct stage *st)
{
    return entry_remove(st, st->next);
}

/* All mounts of a tree become private, in both directions and for good; not unbindable, for whoever
 * mounts the answer binds it. What is read-only is so in every one of them. */
static int tree_seal(int tree, bool ro)
{
    struct {
        uint64_t set, clear, propagation, userns;
    } attr = { ro ? ATTR_RDONLY : 0, 0, MS_PRIVATE, 0 };
    return CALL(SYS_mount_setattr, tree, "", AT_EMPTY_PATH | TREE_RECURSIVE, &attr, sizeof attr);
}

static int tree_clone(int fd)
{
    return CALL3(SYS_open_tree, fd, "", AT_EMPTY_PATH | TREE_RECURSIVE | TREE_CLONE | O_CLOEXEC);
}

static int clone_sealed(int fd, bool ro)
{
    int tree = tree_clone(fd);
    int rc = tree < 0 ? tree : tree_seal(tree, ro);
    if (rc >= 0)
        return tree;
    sys_close(tree);
    return rc;
}

static int attach(int tree, int at, const char *name)
{
    return CALL(SYS_move_mount, tree, "", at, name, MOVE_FROM_FD | (*name ? 0 : MOVE_TO_FD));
}

/* Errand: this turn's trees of the runner's own mounts, which can only be cloned from within its
 * mount namespace. With a mere chroot that is where we are already: then setns(2) may be
 * refused, and is not needed. */
static int clone_foreign(struct stage *st)
{
    int rc = CALL3(SYS_setns, st->runner_ns, CLONE_NEWNS);
    for (size_t k = st->from; k < st->to; k++) {
        size_t i = st->entry[k];
        if (st->results[i]->rule != DINDBIND_RULE_PROC)
            continue;
        int tree = clone_sealed(st->results[i]->fd, st->s[i].ro);
        st->s[i].tree = tree < 0 && rc ? rc : tree;
    }
    return 0;
}

/* Errand: this turn's trees of the mounts of whoever mounts the answer. */
static int clone_own(struct stage *st)
{
    for (size_t k = st->from; k < st->to; k++) {
        const struct dindbind_result *res = st->results[st->entry[k]];
        struct staged *s = &st->s[st->entry[k]];
        if (res->rule != DINDBIND_RULE_PROC && res->fd >= 0)
            s->tree = clone_sealed(res->fd, s->ro);
    }
    return 0;
}

/* Errand: a part of an overlay that is attached nowhere. A clone is only made of what is
 * attached; so it is attached for a moment, in a mount namespace of this child's own, over
 * /proc, where nobody looks any more. */
static int clone_overlay(struct stage *st)
{
    int rc = CALL3(SYS_unshare, CLONE_NEWNS, 0, 0);
    if (!rc)
        rc = CALL(SYS_mount, NULL, "/proc", NULL, MS_PRIVATE, NULL);
    if (!rc)
        rc = CALL(SYS_move_mount, st->outer, "", AT_FDCWD, "/proc", MOVE_FROM_FD);
    if (rc)
        return rc;
    return clone_sealed(st->inner, true);
}

/* Errand: two tmpfs, one on the other. Where the directory lies on a shared mount, the outer one
 * gets to all peers and slaves of that, and is shared itself until tree_seal() makes it private. It
 * is empty and read-only, so that what looks there for an entry fails loudly. The inner one is
 * attached after that: on a private mount it is private, and seen by nobody else. */
static int attach_stage(struct stage *st)
{
    int rc = attach(st->outer, st->fd, "");
    if (!rc)
        st->mounted = true;
    if (!rc)
        rc = tree_seal(st->outer, true);
    if (rc)
        return rc;
    return attach(st->inner, st->outer, "");
}

/* Errand: this turn's trees, each on its entry, the places for which are there. */
static int attach_turn(struct stage *st)
{
    int rc = 0;
    for (size_t k = st->from; !rc && k < st->to; k++) {
        char name[FD_PATH];
        struct text t = text_new(name, sizeof name);
        st->at = st->entry[k];
        text_number(&t, st->s[st->at].number);
        rc = attach(st->s[st->at].tree, st->fd, name);
    }
    return rc;
}

/* ---- The directory ---- */

/* The owner that a user namespace shows for everybody who is not in it, root of the host
 * included; 0: this is the initial one, where everybody is who he is. */
static unsigned overflow_uid(const struct dindbind_runner *any)
{
    struct node ns;
    char buf[24];
    unsigned long long uid = 0;
    if (!inspect_magic(any->proc_fd, "thread-self/ns/user", &ns) && ns.ino == init_user_ns_ino)
        return 0;
    int fd = proc_entry(any, any->proc_fd, "sys/kernel/overflowuid", O_RDONLY | O_CLOEXEC);
    int len = read_start(fd, buf, sizeof buf);
    sys_close(fd);
    return len > 0 && parse_number(buf, buf + strcspn(buf, "\n"), UINT32_MAX, &uid) ? (unsigned)uid
                                                                                    : 0;
}

/* The caller, or who is root of an engine in another user namespace: that one can do there what
 * it wants in any case. */
static bool is_ours_or_engines(const struct stage *st, unsigned uid)
{
    return uid == geteuid() || (st->any->engine_apart && uid == st->any->engine_uid);
}

/* May a stage lie below this directory? It must be root's or ours, and nobody else may change
 * what is in it, or a sticky bit must keep them from changing what is not theirs. The overflow
 * user stands for root in an unbroken run from / in which nothing is writable by others: below
 * such a place he may be anybody. */
static bool is_safe_dir(const struct stage *st, unsigned overflow, bool *run)
{
    const struct node *n = &st->above;
    bool others = n->mode & 022, stands_for_root = *run && overflow && n->uid == overflow;
    *run = stands_for_root && !others;
    return S_ISDIR(n->mode) && (!n->uid || is_ours_or_engines(st, n->uid) || stands_for_root) &&
           (!others || (n->mode & S_ISVTX));
}

/* Every component above: a real directory that nobody else can change. */
static int stage_parent(struct stage *st)
{
    char *name = st->dir;
    unsigned overflow = 0;
    bool run = true;
    st->parent = open_host(st->any, "/", OPEN_DIR);
    for (;;) {
        int rc = inspect_fd(st->any, st->parent, &st->above);
        if (rc == -ENOENT || rc == -ENOTDIR || rc == -ELOOP)
            return unsafe(st, -rc);
        if (rc)
            return stage_result(st, rc);
        if (name == st->dir && st->above.uid)
            overflow = overflow_uid(st->any);
        if (!is_safe_dir(st, overflow, &run))
            return unsafe(st, EPERM);
        st->name = ++name;
        char *end = strchr(name, '/');
        if (!end)
            return 0;
        *end = 0;
        int next = sys_open(st->parent, name, OPEN_DIR | O_NOFOLLOW);
        *end = '/';
        sys_close(st->parent);
        st->parent = next;
        name = end;
    }
}

/* Who is root of an engine in another user namespace can mount a tmpfs that is called as ours, or
 * other stages that he gets hold of: what is ours there has just these marks. */
static bool is_made_here(const struct stage *st, const struct node *n, const struct mount_row *row)
{
    const struct dindbind_runner *r = st->any;
    if (!r->engine_apart || is_ro(row))
        return true;
    return n->uid == geteuid() && n->gid == r->engine_gid && (n->mode & 07777) == 0710;
}

/* Is the directory that is open the root of a tmpfs of ours? CHANGED: what it is the root of has
 * just been unmounted. */
static int stage_look(struct stage *st, const struct node *n)
{
    struct mount_table t;
    st->ours = st->is_stage = false;
    st->top = n->mnt;
    if (st->above.mnt == n->mnt)
        return 0;
    int rc = table_read(st->any, true, &t);
    const struct mount_row *row = rc ? NULL : row_by_id(&t, n->mnt);
    if (!rc && !row)
        rc = DINDBIND_E_CHANGED;
    else if (!rc && (!is_ours(row) || !is_made_here(st, n, row)))
        rc = unsafe(st, EBUSY);
    else if (!rc) {
        st->ours = true;
        st->is_stage = !is_ro(row);
    }
    table_free(&t);
    return rc;
}

struct waiter {
    int fd, parent;
};

/* It does not outlive its parent: it would keep all of its descriptors, also of a pipe that
 * somebody reads to its end. */
static int wait_for_lock(void *arg)
{
    const struct waiter *w = arg;
    syscall(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() == w->parent)
        syscall(SYS_flock, w->fd, LOCK_EX);
    return 0;
}

/* flock(2), for at most five seconds. Only processes of ours can hold the lock, because the
 * directory is closed to others, and what they do meanwhile is a few mounts; but one of them may
 * have been stopped. A child waits, since that is the one way to wait in turn and not forever
 * without a signal of the caller's; the lock is the open file's, which it shares. */
static int lock_patiently(int fd)
{
    _Alignas(16) char stack[2 * 8192];
    sigset_t all, old;
    int pidfd = -1, rc = CALL3(SYS_flock, fd, LOCK_EX | LOCK_NB);
    if (rc != -EWOULDBLOCK)
        return rc;
    struct waiter w = { fd, getpid() };
    memset(&all, -1, sizeof all);
    set_signals(&all, &old);
    int pid = clone(wait_for_lock, stack + sizeof stack / 2, CLONE_FILES | CLONE_PIDFD, &w, &pidfd);
    rc = 0;
    if (pid < 0)
        rc = -errno;
    set_signals(&old, NULL);
    if (rc)
        return rc;
    struct pollfd ended = { .fd = pidfd, .events = POLLIN };
    /* in steps, of which a signal of the caller's ends one */
    for (int step = 0; rc <= 0 && step < LOCK_PATIENCE * 100; step++)
        rc = poll(&ended, 1, 10);
    CALL3(SYS_kill, pid, SIGKILL, 0);
    CALL3(SYS_wait4, pid, NULL, __WALL);
    sys_close(pidfd);
    /* it is ours already, if the child got it */
    return CALL3(SYS_flock, fd, LOCK_EX | LOCK_NB);
}

/* Can nobody else reach into it? Of an engine in another user namespace the one who is root there
 * must be able to. */
static bool is_closed(const struct stage *st, const struct node *n)
{
    unsigned others = n->mode & 077;
    if (st->any->engine_apart && n->gid == st->any->engine_gid)
        others &= ~(unsigned)S_IXGRP;
    return is_ours_or_engines(st, n->uid) && !others;
}

/* Errand: the directory is made, and removed, as who is root in the engine's user namespace: where
 * that has no right, nothing happens; and a tmpfs of that namespace has no inode of others. */
static void act_for_engine(const struct stage *st)
{
    if (!st->any->engine_apart)
        return;
    CALL3(SYS_setfsgid, st->any->engine_gid, 0, 0);
    CALL3(SYS_setfsuid, st->any->engine_uid, 0, 0);
}

/* Errand: the directory itself. Outside of its namespace this call would drop what is mounted
 * there. */
static int remove_dir(struct stage *st)
{
    act_for_engine(st);
    return CALL3(SYS_unlinkat, st->parent, st->name, AT_REMOVEDIR);
}

static int stage_mkdir(struct stage *st)
{
    act_for_engine(st);
    unsigned mode = st->engine_ns < 0 ? 0700 : FOR_ENGINE | 0700;
    return CALL3(SYS_mkdirat, st->parent, st->name, mode);
}

/* A directory that may have a stage on it in another mount namespace: by where it is on its device,
 * or, with no device, by its name there. */
struct elsewhere {
    const char *place;
    uint64_t dev;
};

static bool is_stage_at(const struct mount_table *t, const struct mount_row *row,
                        const struct elsewhere *at)
{
    char inside[DINDBIND_PATH_MAX];
    const struct mount_row *on = parent_row(t, row);
    if (!is_ours(row))
        return false;
    if (!at->dev)
        return is_below(at->place, row->point);
    return on && on->dev == at->dev && graft(inside, on->root, row->point, on->point) &&
           !strcmp(inside, at->place);
}

/* Does a process see a stage there? By name those in the caller's mounts do not count, nor do any
 * that cannot be read. Its PID, or 0; or an error. */
static int seen_elsewhere(const struct elsewhere *at)
{
    char buf[2048];
    struct text ignored = text_new(buf, sizeof buf);
    struct dindbind_runner any = { 0 };
    struct node own, theirs;
    unsigned long long pid;
    int found = 0, n = 0, rc = proc_open(&any, &ignored);
    int fd = rc ? -1 : sys_open(any.proc_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (!rc)
        rc = inspect_magic(any.proc_fd, "thread-self/ns/mnt", &own);
    while (!rc && !found && (n = CALL3(SYS_getdents64, fd, buf, sizeof buf)) > 0)
        for (int k = 0; k < n && !found;) {
            const char *name = buf + k + DIRENT_NAME;
            struct mount_table t = { 0 };
            uint16_t len;
            memcpy(&len, buf + k + DIRENT_RECLEN, sizeof len);
            k += len;
            if (!parse_number(name, name + strlen(name), INT_MAX, &pid))
                continue;
            any.task_fd = proc_entry(&any, any.proc_fd, name, OPEN_DIR);
            if (any.task_fd >= 0 && !inspect_magic(any.task_fd, "ns/mnt", &theirs) &&
                (at->dev || theirs.ino != own.ino) && !table_read(&any, false, &t))
                for (size_t i = 0; i < t.n && !found; i++)
                    found = is_stage_at(&t, &t.v[i], at) ? (int)pid : 0;
            table_free(&t);
            sys_close(any.task_fd);
        }
    sys_close(fd);
    sys_close(any.proc_fd);
    return rc ? DINDBIND_E_PROCFS : found;
}

/* Removing a directory takes down what other namespaces have mounted there: so one that was made
 * for an engine, or is used for one, has a mark, and is left alone where one of them has a stage
 * on it. */
static int mark_plain(struct stage *st, const struct node *n, bool create)
{
    char inside[DINDBIND_PATH_MAX];
    struct mount_table t;
    if (st->known || (!(n->mode & FOR_ENGINE) && st->engine_ns < 0))
        return 0;
    int rc = table_read(st->any, true, &t), pid = 0;
    const struct mount_row *on = rc ? NULL : row_by_id(&t, n->mnt);
    if (on && graft(inside, on->root, st->dir, on->point))
        pid = seen_elsewhere(&(struct elsewhere){ inside, on->dev });
    table_free(&t);
    if (rc || pid < 0)
        return rc ? rc : pid;
    if (pid)
        return unsafe(st, EADDRINUSE);
    /* on a read-only mount it may have the mark already; what becomes no stage gets none */
    if ((n->mode & 07777) == (FOR_ENGINE | 0700) || !create)
        return 0;
    int list = sys_open(st->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool empty = is_empty_dir(list, 2);
    sys_close(list);
    if (list < 0)
        return stage_result(st, list);
    if (!empty)
        return 0;
    rc = CALL3(SYS_fchmod, st->fd, FOR_ENGINE | 0700, 0);
    return rc == -EROFS ? unsafe(st, EROFS) : stage_result(st, rc);
}

/* Open and lock the directory. Somebody may mount or unmount a stage on it while we wait for the
 * lock: then what we have is no longer what its name leads to. */
static int stage_lock(struct stage *st, bool create)
{
    struct node n, again;
    for (int i = 0; i < RETRIES; i++) {
        sys_close(st->fd);
        int rc = -EEXIST;
        if (create)
            rc = in_engine(st, stage_mkdir);
        if (!rc)
            st->created = st->known = true;
        else if (rc == -ENOENT || rc == -EROFS)
            return unsafe(st, EROFS);
        else if (rc != -EEXIST)
            return stage_result(st, rc);
        st->fd = sys_open(st->parent, st->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (st->fd == -ENOENT && create)
            continue;
        if (st->fd == -ENOTDIR || st->fd == -ELOOP)
            return unsafe(st, -st->fd);
        rc = inspect_fd(st->any, st->fd, &n);
        if (rc)
            return stage_result(st, rc);
        /* one that is open to others cannot be locked, for they can; it can be removed, if it is
         * empty */
        bool closed = is_closed(st, &n);
        if (create && !closed)
            return unsafe(st, EACCES);
        rc = 0;
        if (closed)
            rc = lock_patiently(st->fd);
        if (rc == -EWOULDBLOCK)
            return DINDBIND_E_BUSY;
        if (rc)
            return stage_result(st, rc);
        if (inspect(st->any, st->parent, st->name, &again) || !same_node(&n, &again))
            continue;
        rc = stage_look(st, &n);
        if (!rc && !st->ours)
            rc = mark_plain(st, &n, create);
        if (rc != DINDBIND_E_CHANGED)
            return rc;
    }
    return stage_result(st, -EAGAIN);
}

/* What is ours at the directory is unmounted, each under its own lock; then the directory shows
 * again, and is locked. Somebody may have made a stage of it once more before that: this one is
 * theirs. */
static int stage_clear(struct stage *st)
{
    int rc = 0;
    for (int i = 0; i < RETRIES; i++) {
        uint64_t top = st->top;
        int detached = take_down(st, detach_top);
        st->known |= !detached;
        rc = 0;
        if (detached != -EINVAL)
            rc = stage_result(st, detached);
        if (!rc)
            rc = stage_lock(st, false);
        if (!rc && detached && st->ours && st->top == top)
            rc = unsafe(st, EINVAL);
        if (rc || !st->ours || st->is_stage)
            return rc;
    }
    return stage_result(st, -EAGAIN);
}

/* Whatever it returns: stage_close() comes next, and stage_lock() before that if it is 0. */
static int stage_open(struct stage *st, const char *dir, const struct dindbind_runner *r)
{
    *st = (struct stage){ .parent = -1,
                          .fd = -1,
                          .outer = -1,
                          .inner = -1,
                          .outer_root = -1,
                          .counter = -1,
                          .runner_ns = -1,
                          .engine_ns = -1,
                          .r = r,
                          .any = r,
                          .none.proc_fd = -1 };
    int rc = clean_path(dir, st->dir);
    if (rc)
        return rc;
    if (!st->dir[1])
        return unsafe(st, EBUSY);
    if (r && r->engine) {
        st->engine_ns = sys_open(r->engine_fd, "ns/mnt", O_RDONLY | O_CLOEXEC);
        if (st->engine_ns < 0)
            return task_error(st->engine_ns);
    }
    if (!r || r->proc_fd < 0) {
        struct text why = text_new(st->none.detail, sizeof st->none.detail);
        /* what is no procfs serves while nothing has to be read there */
        proc_open(&st->none, &why);
        if (st->none.proc_fd < 0)
            return DINDBIND_E_PROCFS;
        st->any = &st->none;
    }
    return stage_parent(st);
}

static void stage_close(struct stage *st)
{
    table_free(&st->theirs);
    table_free(&st->mine);
    table_free(&st->after);
    if (st->nested.ours)
        free(st->nested.at);
    if (st->found.ours)
        free(st->found.at);
    sys_close(st->outer);
    sys_close(st->inner);
    sys_close(st->outer_root);
    sys_close(st->counter);
    sys_close(st->runner_ns);
    sys_close(st->engine_ns);
    sys_close(st->fd);
    sys_close(st->parent);
    sys_close(st->none.proc_fd);
}

/* ---- File systems of our own ---- */

/* A file system that is being set up: each step takes what the one before it gave, a descriptor
 * or -errno, and gives one of both. */
static int fs_set(int fs, const char *key, const char *value)
{
    int rc = CALL(SYS_fsconfig, fs, value ? FS_SET_STRING : FS_SET_FLAG, key, value, 0);
    if (!rc)
        return fs;
    sys_close(fs);
    return rc;
}

/* A comma list of key=value and flags. */
static int fs_options(int fs, const char *list)
{
    char key[FD_PATH];
    while (*list) {
        struct text t = text_new(key, sizeof key);
        size_t n = strcspn(list, ",");
        text_bytes(&t, list, n);
        char *value = strchr(key, '=');
        if (value)
            *value++ = 0;
        fs = fs_set(fs, key, value);
        list = after_word(list, n);
    }
    return fs;
}

static int fs_open(const char *type, const char *options)
{
    return fs_options(CALL3(SYS_fsopen, type, FS_CLOEXEC), options);
}

/* The last step: a mount, which is not attached. */
static int fs_mount(int fs, unsigned attrs)
{
    int rc = CALL(SYS_fsconfig, fs, FS_CREATE, NULL, NULL, 0);
    if (!rc)
        rc = CALL3(SYS_fsmount, fs, FS_CLOEXEC, attrs);
    sys_close(fs);
    return rc;
}

/* Put the two tmpfs over the directory. */
static int stage_mount(struct stage *st)
{
    st->outer =
        fs_mount(fs_open("tmpfs", "source=dindbind,mode=0700,size=4k,ro"), ATTR_OURS | ATTR_RDONLY);
    char options[] = "source=dindbind,size=1m,mode=0700,gid=4294967295";
    struct text t = text_in(options, sizeof options, "source=dindbind,size=1m,mode=0700");
    if (st->any->engine_apart) {
        t.len -= strlen("00");
        text_add(&t, "10,gid=");
        text_number(&t, st->any->engine_gid);
    }
    st->inner = fs_mount(fs_open("tmpfs", options), ATTR_OURS);
    /* both locked before anybody can see them: nobody takes the outer one for what a crash has
     * left, and nobody else's entry is in the inner one while this call may still fail */
    st->outer_root = sys_open(st->outer, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int root = sys_open(st->inner, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int rc = CALL3(SYS_flock, st->outer_root, LOCK_EX);
    if (!rc)
        rc = CALL3(SYS_flock, root, LOCK_EX);
    if (!rc)
        rc = in_engine(st, attach_stage);
    if (rc) {
        sys_close(root);
        return stage_result(st, rc);
    }
    st->ours = st->is_stage = true;
    /* whoever waits for this lock finds the tmpfs, and waits for the next one */
    sys_close(st->fd);
    st->fd = root;
    return 0;
}

/* Errand: a second overlay of all layers, read-only. A layer can only be used where it is
 * mounted; there it is named by way of the working directory, as procfs may be another one. A
 * mount, or -errno. */
static int mount_layers(struct stage *st)
{
    const struct dindbind_layers *l = st->r->layers;
    int fs = fs_open("overlay", "source=dindbind");
    for (unsigned i = 0; fs >= 0 && i < l->n; i++) {
        int rc = CALL3(SYS_fchdir, l->v[i].fd, 0, 0);
        if (rc) {
            sys_close(fs);
            return rc;
        }
        fs = fs_set(fs, i < l->upper + l->nlower ? "lowerdir+" : "datadir+", ".");
        if (fs == -EINVAL && !i)
            fs = -ENOSYS;       /* before Linux 6.8: one string for all layers, 255 bytes at most */
    }
    return fs_mount(fs_options(fs, l->words), ATTR_RDONLY);
}

/* All layers opened, and mounted. */
static int overlay_open(struct stage *st, struct overlay *o)
{
    for (unsigned i = 0; i < st->r->layers->n; i++)
        if (layer_fd(o, i) < 0)
            return -o->sys_errno;
    return in_child(st, st->engine_ns, mount_layers);
}

/* ---- The sources ---- */

static int clone_merged(struct stage *st, const struct dindbind_result *res)
{
    char name[DINDBIND_PATH_MAX];
    struct overlay o;
    struct spot s = { .fd = -1, .name = name };
    int rc = overlay_init(&o, st->r);
    st->outer = rc ? -ENOMEM : overlay_open(st, &o);
    struct root root = { st->outer, -1, IN_ROOT, NULL, 0 };
    rc = st->outer < 0 ? st->outer : resolve_contained(st->r, &root, res->path, &s);
    st->inner = s.fd;
    if (!rc)
        rc = in_child(st, -1, clone_overlay);
    sys_close(st->inner);
    sys_close(st->outer);
    st->outer = st->inner = -1;
    arena_free(&o.arena);
    return rc;
}

/* What each result pins, and which of them have the same source in the same mode: these share an
 * entry. */
static int sources_look(struct stage *st)
{
    for (st->at = 0; st->at < st->n; st->at++) {
        const struct dindbind_result *res = st->results[st->at];
        struct staged *s = &st->s[st->at];
        s->ro = res->ro && !res->ro_mount;
        s->same = st->at;
        if (res->fd < 0 && res->kind == DINDBIND_SINGLE)
            return stage_result(st, -ENOENT);   /* a bind row that cannot be seen from here */
        int rc = 0;
        if (res->fd >= 0)
            rc = inspect_fd(st->any, res->fd, &s->node);
        if (rc)
            return stage_result(st, rc);
        for (size_t i = 0; i < st->at && s->same == st->at; i++) {
            const struct dindbind_result *other = st->results[i];
            if (res->kind == other->kind && s->ro == st->s[i].ro &&
                same_node(&s->node, &st->s[i].node) &&
                (res->fd >= 0 || !strcmp(res->path, other->path)))
                s->same = st->s[i].same;
        }
        if (s->same == st->at)
            st->entry[st->nentries++] = st->at;
    }
    return 0;
}

/* What comes along with a recursive clone: mounts on the source's own mount below it, and all
 * that is on these. */
struct clone_of {
    uint64_t mnt;
    const char *name;
};

static bool is_cloned(const struct mount_row *row, const void *arg)
{
    const struct clone_of *of = arg;
    return row->parent == of->mnt && is_below(row->point, of->name);
}

/* A call stages no more mounts than this. `path` says which source has most of them. */
static int stage_too_large(struct stage *st)
{
    size_t most = 0;
    for (size_t i = 0; i < st->n; i++)
        if (st->s[i].mounts > st->s[most].mounts)
            most = i;
    struct dindbind_result *res = st->results[most];
    struct text t = { res->path, strlen(res->path), sizeof res->path, false };
    text_add(&t, ", which has ");
    text_number(&t, st->s[most].mounts);
    text_add(&t, " mounts below");
    st->at = most;
    st->err = E2BIG;
    return DINDBIND_E_NESTED;
}

/* One mount more that must be below the source at work. */
static int note_nested(struct stage *st, const struct mount_row *row, const char *name)
{
    struct staged *s = &st->s[st->at];
    const struct nested_mount m = { st->at, row->point, row->point + strlen(as_prefix(name)),
                                    row->id };
    if (row->unbindable) {
        copy_path(st->results[st->at]->path, row->point);
        st->err = EINVAL;
        return DINDBIND_E_NESTED;
    }
    if (row->id == s->node.mnt)
        return 0;
    if (!strcmp(row->point, name))
        return stage_result(st, -EAGAIN);       /* mounted over the source since that was pinned */
    if (st->nnested < MAX_MOUNTS)
        put_bytes(&st->nested, (const char *)&m, sizeof m);
    st->nnested++;
    s->mounts++;
    return 0;
}

/* Which mounts must be below a source, by the table of whose mount it is. Only those at its
 * place and below it are looked at, so that many sources with few mounts below cost little,
 * however many the runner has elsewhere. */
static int count_nested(struct stage *st, struct mount_table *t, const char *name)
{
    const struct clone_of of = { st->s[st->at].node.mnt, name };
    const struct mount_row *own = row_by_id(t, of.mnt);
    struct mount_row **rows = t->by_point + first_from(t, name);
    size_t n = 0;
    int rc = 0;
    if (own)
        rc = note_nested(st, own, name);
    while (rows + n < t->by_point + t->n && is_below(rows[n]->point, name))
        n++;
    mark_rows(t, rows, n, is_cloned, &of);
    for (size_t i = 0; i < n; i++) {
        if (!rc && rows[i]->id != of.mnt && rows[i]->mark == MARKED)
            rc = note_nested(st, rows[i], name);
        rows[i]->mark = NOT_MARKED;
    }
    return rc;
}

/* What whoever's mount it is calls a source, by the descriptor: the path in a result may be
 * another one by now. Of a runner that is only chrooted the table begins at its own root. */
static int source_name(struct stage *st, const struct dindbind_result *res,
                       char name[DINDBIND_PATH_MAX])
{
    if (res->rule == DINDBIND_RULE_PROC)
        return name_in(st->r, st->r->task_fd, res->fd, name);
    return host_name(st->any, res->fd, name);
}

/* All mounts that this call is about to make, before it makes the first. */
static int sources_count(struct stage *st)
{
    char name[DINDBIND_PATH_MAX];
    int rc = 0;
    for (size_t k = 0; !rc && k < st->nentries; k++) {
        const struct dindbind_result *res = st->results[st->at = st->entry[k]];
        bool own = res->rule != DINDBIND_RULE_PROC;
        struct mount_table *t = own ? &st->mine : &st->theirs;
        if (res->fd < 0)
            continue;           /* of an overlay that is made for it: nothing is mounted in that */
        if (!t->v) {
            rc = table_read(own ? st->any : st->r, own, t);
            table_sort(t);
        }
        if (!rc)
            rc = stage_result(st, source_name(st, res, name));
        if (!rc)
            rc = count_nested(st, t, name);
        if (!rc && st->nentries + st->nnested > MAX_MOUNTS)
            return stage_too_large(st);
    }
    return !rc && st->nentries > MAX_MOUNTS ? stage_too_large(st) : rc;
}

/* Numbers are given once in the life of a stage: a container that is started again must not find
 * another source under an old number. The next one is the size of a file of the tmpfs that has
 * no data. */
static int counter_open(struct stage *st)
{
    struct node file;
    int rc = CALL(SYS_mknodat, st->fd, "next", S_IFREG | 0600, 0);
    if (rc == -EEXIST)
        rc = 0;
    /* whoever may pass through a stage of another user namespace can mount something over it */
    if (!rc)
        rc = proc_entry(st->any, st->fd, "next", O_RDWR | O_NOFOLLOW | O_CLOEXEC);
    st->counter = rc;
    rc = sys_fstat(st->counter, &file);
    if (!rc)
        st->next = file.size;
    return stage_result(st, rc);
}

/* The name of an entry, which the path of its result ends with. */
static bool name_entry(struct stage *st, size_t i)
{
    struct dindbind_result *res = st->results[i];
    struct text t = text_in(res->path, sizeof res->path, st->dir);
    text_add(&t, "/");
    text_number(&t, st->s[i].number);
    return !t.cut;
}

/* An empty place of the right kind: a directory for a directory, a file for everything else.
 * Where a number is taken by what an engine made when it found nothing there, the next one is
 * tried. */
static int make_place(struct stage *st)
{
    struct dindbind_result *res = st->results[st->at];
    const char *name = res->path + strlen(st->dir) + 1;
    int rc = -EEXIST;
    while (rc == -EEXIST) {
        st->s[st->at].number = st->next++;
        if (!name_entry(st, st->at))
            return DINDBIND_E_TOOLONG;
        rc = res->type == S_IFDIR ? CALL3(SYS_mkdirat, st->fd, name, 0700)
                                  : CALL3(SYS_mknodat, st->fd, name, S_IFREG | 0600);
    }
    st->s[st->at].attached = !rc;       /* to be removed after a failure, from here on */
    return stage_result(st, rc);
}

/* Places for the entries of this turn, whose numbers are noted before anything is mounted there. */
static int make_places(struct stage *st)
{
    for (size_t k = st->from; k < st->to; k++) {
        st->at = st->entry[k];
        int rc = make_place(st);
        if (rc)
            return rc;
    }
    return stage_result(st, ftruncate(st->counter, (off_t)st->next) ? -errno : 0);
}

/* The trees of this turn, each in the namespace of whose mount it is. */
static int clone_turn(struct stage *st)
{
    bool foreign = false, own = false;
    for (size_t k = st->from; k < st->to; k++) {
        bool theirs = st->results[st->entry[k]]->rule == DINDBIND_RULE_PROC;
        foreign |= theirs;
        own |= !theirs;
    }
    int rc = 0;
    if (foreign)
        rc = stage_result(st, in_child(st, -1, clone_foreign));
    if (!rc && own)
        rc = stage_result(st, in_engine(st, clone_own));
    for (size_t k = st->from; !rc && k < st->to; k++) {
        st->at = st->entry[k];
        if (st->s[st->at].tree < 0)
            rc = clone_result(st, st->s[st->at].tree);
    }
    return rc;
}

/* Every result gets the name of its entry, which several may share. */
static int name_all(struct stage *st)
{
    for (st->at = 0; st->at < st->n; st->at++) {
        struct dindbind_result *res = st->results[st->at];
        st->s[st->at].number = st->s[st->s[st->at].same].number;
        if (!name_entry(st, st->at))
            return DINDBIND_E_TOOLONG;
        trace(st->r, res->ro ? "stage, read-only: " : "stage: ", res->path);
    }
    return 0;
}

/* Some at a time, so that a source needs one descriptor, and only a few need two. */
static int attach_all(struct stage *st)
{
    int rc = counter_open(st);
    for (st->to = 0; !rc && st->to < st->nentries;) {
        st->from = st->to;
        st->to = st->nentries - st->from < AT_A_TIME ? st->nentries : st->from + AT_A_TIME;
        rc = clone_turn(st);
        if (!rc)
            rc = make_places(st);
        if (!rc)
            rc = stage_result(st, in_engine(st, attach_turn));
        for (size_t k = st->from; k < st->to; k++) {
            sys_close(st->s[st->entry[k]].tree);
            st->s[st->entry[k]].tree = -EINTR;
        }
    }
    if (rc)
        return rc;
    return name_all(st);
}

/* The source whose entry has this number; n: none of this call. Numbers were given in the order
 * of the entries. */
static size_t source_of(const struct stage *st, uint64_t number)
{
    size_t low = 0, high = st->nentries;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (st->s[st->entry[middle]].number < number)
            low = middle + 1;
        else
            high = middle;
    }
    return low < st->nentries && st->s[st->entry[low]].number == number ? st->entry[low] : st->n;
}

static int compare_nested(const void *a, const void *b)
{
    const struct nested_mount *x = a, *y = b;
    if (x->source != y->source)
        return x->source < y->source ? -1 : 1;
    return strcmp(x->rest, y->rest);
}

/* The mounts that are on the entries of this call now, by the table of whoever mounts the answer.
 * The first one on an entry is the source's own, and is counted; those on that one are collected.
 * CHANGED: one of them still propagates, or an entry has no mount. */
static int staged_mounts(struct stage *st)
{
    size_t prefix = strlen(st->dir) + 1;
    for (size_t i = 0; i < st->n; i++)
        st->s[i].mounts = 0;
    for (const struct mount_row *row = st->after.v; row < st->after.v + st->after.n; row++) {
        unsigned long long number;
        if (!strictly_below(row->point, st->dir))
            continue;
        const char *name = row->point + prefix, *rest = name + strcspn(name, "/");
        if (!parse_number(name, rest, UINT64_MAX, &number))
            continue;
        size_t i = source_of(st, number);
        if (i == st->n)
            continue;           /* another call's */
        const struct nested_mount m = { i, row->point, rest, row->id };
        st->at = i;
        if (row->shared)
            return stage_result(st, -EAGAIN);
        if (*rest || st->s[i].mounts)
            put_bytes(&st->found, (const char *)&m, sizeof m);
        if (!*rest)
            st->s[i].mounts++;
    }
    for (size_t k = 0; k < st->nentries; k++) {
        st->at = st->entry[k];
        if (!st->s[st->at].mounts)
            return stage_result(st, -EAGAIN);
    }
    st->at = st->n;
    return 0;
}

/* A mount that did not come along: it cannot be cloned, if its namespace has it still; else it
 * was unmounted meanwhile. */
static int missing_mount(struct stage *st, const struct nested_mount *m)
{
    struct mount_table now;
    bool own = st->results[m->source]->rule != DINDBIND_RULE_PROC;
    st->at = m->source;
    int rc = table_read(own ? st->any : st->r, own, &now);
    if (!rc && !row_by_id(&now, m->id))
        rc = stage_result(st, -EAGAIN);
    else if (!rc) {
        copy_path(st->results[st->at]->path, m->point);
        st->err = EINVAL;
        rc = DINDBIND_E_NESTED;
    }
    table_free(&now);
    return rc;
}

/* open_tree(2) leaves unbindable mounts out without an error (copy_tree() in fs/namespace.c),
 * and until its tree is private the runner can mount something on it. So what has come is
 * compared with what should have. */
static int check_all(struct stage *st)
{
    /* what is wanted points into the other two */
    int rc = table_read(st->any, true, &st->after);
    if (!rc)
        rc = staged_mounts(st);
    if (!rc && (st->nested.failed || st->found.failed))
        rc = DINDBIND_E_NOMEM;
    if (rc)
        return rc;
    struct nested_mount *want = (struct nested_mount *)(void *)st->nested.at,
                        *have = (void *)st->found.at;
    size_t nwant = st->nested.len / sizeof *want, nhave = st->found.len / sizeof *have, i = 0;
    if (nwant)
        qsort(want, nwant, sizeof *want, compare_nested);
    if (nhave)
        qsort(have, nhave, sizeof *have, compare_nested);
    while (i < nwant && i < nhave && !compare_nested(&want[i], &have[i]))
        i++;
    if (i < nwant && (i == nhave || compare_nested(&want[i], &have[i]) < 0))
        return missing_mount(st, &want[i]);
    if (i < nhave) {
        st->at = have[i].source;
        return stage_result(st, -EAGAIN);
    }
    return 0;
}

/* ---- The whole ---- */

static int runner_ns_open(struct stage *st)
{
    bool foreign = false;
    for (size_t i = 0; i < st->n; i++)
        foreign |= st->results[i]->rule == DINDBIND_RULE_PROC;
    if (!foreign)
        return 0;
    int rc = proc_entry(st->r, st->r->task_fd, "ns/mnt", OPEN_PIN | O_NOFOLLOW);     /* the link */
    sys_close(rc);
    st->runner_ns = rc < 0 ? rc : sys_open(st->r->task_fd, "ns/mnt", O_RDONLY | O_CLOEXEC);
    return st->runner_ns < 0 ? task_error(st->runner_ns) : 0;
}

/* All that asks somebody else, before the lock: the runner's file systems and its procfs, the
 * layers. */
static int stage_prepare(struct stage *st)
{
    int rc = runner_ns_open(st);
    if (!rc)
        rc = sources_look(st);
    if (!rc)
        rc = sources_count(st);
    if (rc)
        return rc;
    for (size_t k = 0; k < st->nentries; k++) {
        struct dindbind_result *res = st->results[st->at = st->entry[k]];
        struct staged *s = &st->s[st->at];
        if (res->kind == DINDBIND_SINGLE)
            continue;
        s->tree = clone_merged(st, res);
        if (s->tree < 0)
            return stage_result(st, s->tree);
    }
    st->at = st->n;
    return 0;
}

/* With its last task a mount namespace loses its mounts, though it takes them while somebody
 * holds a descriptor of it. */
static int engine_alive(struct stage *st)
{
    char root[DINDBIND_PATH_MAX];
    int rc = 0;
    if (st->engine_ns >= 0)
        rc = sys_readlink(st->r->engine_fd, "root", root);
    if (rc >= 0)
        return 0;
    st->err = EOWNERDEAD;
    return DINDBIND_E_GONE;
}

/* Lock the directory, and make a stage of it unless it is one. */
static int stage_enter(struct stage *st)
{
    int rc = stage_lock(st, true);
    /* an outer tmpfs alone is what a crash left, or a peer's that is gone */
    for (int i = 0; !rc && st->ours && !st->is_stage && i < RETRIES; i++) {
        rc = stage_clear(st);
        if (!rc || rc == DINDBIND_E_MISSING)
            rc = stage_lock(st, true);
    }
    if (rc || st->is_stage)
        return rc;
    if (is_empty_dir(st->fd, 2))
        return stage_mount(st);
    return unsafe(st, EEXIST);
}

/* After a failure nothing stays. */
static void stage_undo(struct stage *st)
{
    int rc = 0;
    if (st->is_stage && !st->mounted)
        take_down(st, remove_attached);
    else if (st->is_stage)
        rc = take_down(st, detach_top);   /* the inner one, and the outer one next */
    if (rc == -EINVAL)
        rc = 0;
    if (st->mounted && !rc)
        rc = take_down(st, detach_top);
    if (rc == -EINVAL)
        rc = 0;
    if (st->created && !rc && (st->mounted || !st->ours))
        rc = take_down(st, remove_dir);
    /* no process can be made: while we have its lock nobody mounts a stage there */
    if (rc == -EAGAIN && !st->mounted && !CALL3(SYS_flock, st->fd, LOCK_EX | LOCK_NB))
        remove_dir(st);
}

/* Was there a stage before, or at least its directory? */
enum made { NOT_MADE, MADE, MADE_IN_OLD };

static int stage_sources(const struct dindbind_runner *r, const char *dir,
                         struct dindbind_result *const *results, size_t n, int *sys_errno,
                         enum made *made)
{
    struct stage *st = malloc(sizeof *st + n * (sizeof *st->s + sizeof *st->entry));
    *sys_errno = 0;
    *made = NOT_MADE;
    if (!st)
        return DINDBIND_E_NOMEM;
    int rc = stage_open(st, dir, r);
    rc = rc ? rc : host_check(r);
    st->results = results;
    st->n = n;
    st->entry = (size_t *)(st->s + n);
    for (size_t i = 0; i < n; i++)
        st->s[i] = (struct staged){ .same = i, .tree = -EINTR };
    st->at = n;
    if (!rc)
        rc = stage_prepare(st);
    if (!rc)
        rc = stage_enter(st);
    if (!rc)
        rc = attach_all(st);
    if (!rc)
        rc = check_all(st);
    if (!rc)
        rc = engine_alive(st);
    for (size_t i = 0; i < n; i++)
        sys_close(st->s[i].tree);
    *sys_errno = st->err;
    if (rc && st->at < n) {
        results[st->at]->error = rc;
        results[st->at]->sys_errno = st->err;
    }
    if (rc)
        stage_undo(st);
    else if (st->mounted)
        *made = st->created ? MADE : MADE_IN_OLD;
    stage_close(st);
    free(st);
    return rc;
}

int dindbind_stage(const struct dindbind_runner *r, const char *dir,
                   struct dindbind_result *const *results, size_t n, int *sys_errno)
{
    enum made made;
    return stage_sources(r, dir, results, n, sys_errno, &made);
}

/* Take the stage down, and remove the directory if it is empty and nobody has made a stage of it
 * meanwhile. */
static int stage_remove(struct stage *st)
{
    int rc = 0;
    if (st->ours)
        rc = stage_clear(st);
    if (!rc && !st->ours) {
        rc = take_down(st, remove_dir);
        if (rc == -ENOTEMPTY)
            rc = unsafe(st, ENOTEMPTY);
        else
            rc = stage_result(st, rc);
    }
    return rc == DINDBIND_E_MISSING ? 0 : rc;
}

/* After an answer could not be given: take the stage down if nothing is in it but its counter. */
static void unstage_empty(const struct dindbind_runner *r, const char *dir, enum made made)
{
    struct stage st;
    int rc = stage_open(&st, dir, r);
    if (!rc)
        rc = stage_lock(&st, false);
    if (!rc && st.is_stage && is_empty_dir(st.fd, 3)) {
        if (made == MADE)
            stage_remove(&st);
        else
            stage_clear(&st);   /* the directory was there before */
    }
    stage_close(&st);
}

/* The number of an entry, as we write it. */
static bool entry_number(const char *name, uint64_t *number)
{
    unsigned long long v;
    if (!parse_number(name, name + strlen(name), UINT64_MAX, &v) || (*name == '0' && name[1]))
        return false;
    *number = v;
    return true;
}

/* DIR/N is an entry, unless DIR is no stage: then N may be a stage that is called like that. */
int dindbind_unstage(const struct dindbind_runner *r, const char *path, int *sys_errno)
{
    char clean[DINDBIND_PATH_MAX];
    struct stage st;
    uint64_t number = 0;
    int rc = clean_path(path, clean);
    *sys_errno = 0;
    if (!rc && r && r->engine && !(r->caps & CAPS_KNOWN)) {
        rc = seen_elsewhere(&(struct elsewhere){ clean, 0 });
        *sys_errno = rc;
        return rc > 0 ? DINDBIND_E_GONE : rc;
    }
    if (rc)
        return rc;
    char *slash = strrchr(clean, '/');
    bool entry = slash > clean && entry_number(slash + 1, &number);
    for (;; entry = false) {
        *slash = entry ? 0 : '/';
        rc = stage_open(&st, clean, r);
        if (!rc)
            rc = stage_lock(&st, false);
        *slash = '/';
        st.next = number;
        bool again = entry && (rc == DINDBIND_E_UNSAFE || (!rc && !st.ours));
        if (!rc && entry && st.is_stage) {
            rc = take_down(&st, remove_next);
            if (rc == -ENOTEMPTY)
                rc = unsafe(&st, ENOTEMPTY);
            else
                rc = stage_result(&st, rc);
        } else if (!rc && !entry)
            rc = stage_remove(&st);
        stage_close(&st);
        if (!again)
            break;
    }
    *sys_errno = st.err;
    return st.err == ENOENT ? 0 : rc;
}

/* ==== specs ======================================================================================
 *
 * In: a SPEC of `docker run -v` or `--mount`, as it was given. Out: the source and target in it,
 * what it asks for, and where in the text the source stands. Never here: a spec half understood. */

static const char bad_modes[] = "modes not understood: at most one of each kind, and no fourth "
                                "field",
                  bad_target[] = "no target, or one that is no absolute path",
                  bad_option[] = "the local driver has type, device, o and size as options",
                  bad_type[] = "the type must be bind, volume, tmpfs, image, cluster or npipe",
                  empty_spec[] = "an empty spec";

/* A mount has at most one mode of each class. */
enum mode_class {
    MODE_ACCESS, MODE_LABEL, MODE_PROPAGATION, MODE_COPY, MODE_CONSISTENCY, MODE_EXEC, MODE_DEV,
    MODE_SUID, MODE_DEPTH, MODE_OVERLAY, MODE_OWNER, MODE_IDMAP, MODE_CLASSES
};

/* What becomes of a mode in an OCI mount. */
enum mode_in_oci {
    OCI_DROPPED,                /* it means nothing there, or a field of struct spec carries it */
    OCI_WORD,                   /* it is an option, by the same word */
    OCI_NEVER                   /* no OCI mount can express it */
};

/* moby volume/mounts/linux_parser.go; from exec on, what podman adds (podman-run(1), --volume). */
static const struct mode {
    const char *word;
    enum mode_class class;
    enum mode_in_oci oci;
    bool ro, flat, relabel;     /* what it sets in struct spec */
    bool peer;                  /* mounts made elsewhere are to show in it: never in a stage */
} modes[] = {
    { .word = "ro", .class = MODE_ACCESS, .ro = true },
    { .word = "rw", .class = MODE_ACCESS },
    { .word = "z", .class = MODE_LABEL, .oci = OCI_NEVER },
    { .word = "Z", .class = MODE_LABEL, .oci = OCI_NEVER, .relabel = true },
    { .word = "private", .class = MODE_PROPAGATION, .oci = OCI_WORD },
    { .word = "rprivate", .class = MODE_PROPAGATION, .oci = OCI_WORD },
    { .word = "shared", .class = MODE_PROPAGATION, .oci = OCI_WORD, .peer = true },
    { .word = "rshared", .class = MODE_PROPAGATION, .oci = OCI_WORD, .peer = true },
    { .word = "slave", .class = MODE_PROPAGATION, .oci = OCI_WORD, .peer = true },
    { .word = "rslave", .class = MODE_PROPAGATION, .oci = OCI_WORD, .peer = true },
    { .word = "unbindable", .class = MODE_PROPAGATION, .oci = OCI_WORD },
    { .word = "runbindable", .class = MODE_PROPAGATION, .oci = OCI_WORD },
    { .word = "nocopy", .class = MODE_COPY },
    { .word = "copy", .class = MODE_COPY },
    { .word = "consistent", .class = MODE_CONSISTENCY },
    { .word = "cached", .class = MODE_CONSISTENCY },
    { .word = "delegated", .class = MODE_CONSISTENCY },
    { .word = "exec", .class = MODE_EXEC, .oci = OCI_WORD },
    { .word = "noexec", .class = MODE_EXEC, .oci = OCI_WORD },
    { .word = "dev", .class = MODE_DEV, .oci = OCI_WORD },
    { .word = "nodev", .class = MODE_DEV, .oci = OCI_WORD },
    { .word = "suid", .class = MODE_SUID, .oci = OCI_WORD },
    { .word = "nosuid", .class = MODE_SUID, .oci = OCI_WORD },
    { .word = "bind", .class = MODE_DEPTH, .flat = true },
    { .word = "rbind", .class = MODE_DEPTH },
    { .word = "O", .class = MODE_OVERLAY, .oci = OCI_NEVER },
    { .word = "U", .class = MODE_OWNER, .oci = OCI_NEVER },
    { .word = "idmap", .class = MODE_IDMAP, .oci = OCI_NEVER },
};

/* The types of mounts that are known; bad_type names them. Any other is refused: podman's type=glob
 * binds what matches on the host. */
enum mount_type {
    TYPE_BIND, TYPE_VOLUME, TYPE_TMPFS, TYPE_IMAGE, TYPE_CLUSTER, TYPE_NPIPE, TYPE_UNKNOWN
};

static const char *const mount_types[] = {
    [TYPE_BIND] = "bind",
    [TYPE_VOLUME] = "volume",
    [TYPE_TMPFS] = "tmpfs",
    [TYPE_IMAGE] = "image",
    [TYPE_CLUSTER] = "cluster",
    [TYPE_NPIPE] = "npipe",
};

_Static_assert(sizeof mount_types / sizeof *mount_types == TYPE_UNKNOWN, "each type has its name");

static enum mount_type find_type(const char *word)
{
    unsigned type = 0;
    while (type < TYPE_UNKNOWN && strcmp(mount_types[type], word))
        type++;
    return (enum mount_type)type;
}

enum { MAX_FIELDS = 64 };

enum field_role { FIELD_OTHER, FIELD_SOURCE, FIELD_TARGET, FIELD_READONLY };

struct mount_key;

/* A field of a --mount record: its text as it was given, and what it is. */
struct field {
    const char *at;
    size_t len, key_len;        /* key_len counts the `=` before the source too, decoded */
    enum field_role role;
    const struct mount_key *key;
};

struct spec {
    bool csv;
    bool ro, flat;              /* asked for; not recursive */
    bool ro_top;                /* read-only at the top alone: mounts below stay as they are */
    bool ro_all;                /* in a body: with all mounts below, or not at all */
    bool relabel;               /* Z: SELinux's label becomes one of the sibling's own */
    bool create;                /* a missing source may be created */
    bool volume;                /* a bind in the guise of a volume, which has one source */
    bool volume_ro;             /* and is read-only by its own options, whoever mounts it */
    bool aside;                 /* only its target counts: of another kind of mount, which may give
                                 * way to ours */
    const char *text;           /* as given */
    const char *source;         /* NULL: nothing in it to translate */
    const char *target;         /* cleaned */
    const char *rest, *mode;    /* -v: from the colon after the source, and the modes or NULL */
    size_t rest_len;            /* -v: of the rest without the modes */
    struct field *fields;
    size_t nfields;
    const char *never;          /* a word that an OCI mount cannot express */
    const char *peers;          /* shared, slave, ...: no stage has that, it is private */
    /* in a body: the element; of a bind, the rest of its string after target and colon; of a mount,
     * the values that may have to change */
    const char *json, *tail, *at_source, *at_target, *at_readonly, *at_options, *at_ro_top;
    size_t tail_len;
    unsigned classes;           /* of modes that it has, a bit for each */
    size_t noci;
    const char *oci[MODE_CLASSES];      /* mode words for an OCI mount */
};

/* NULL: there is no such mode. */
static const struct mode *find_mode(const char *word, size_t n)
{
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++)
        if (!strncmp(modes[i].word, word, n) && !modes[i].word[n])
            return &modes[i];
    return NULL;
}

/* false: it is unknown (NULL), or a second one of its class. */
static bool take_mode(struct spec *s, const struct mode *mode)
{
    if (!mode || (s->classes & 1u << mode->class))
        return false;
    s->classes |= 1u << mode->class;
    if (mode->oci == OCI_WORD)
        s->oci[s->noci++] = mode->word;
    if (mode->oci == OCI_NEVER)
        s->never = mode->word;
    if (mode->peer)
        s->peers = mode->word;
    s->ro |= mode->ro;
    s->flat |= mode->flat;
    s->relabel |= mode->relabel;
    return true;
}

static bool take_mode_named(struct spec *s, const char *word)
{
    return take_mode(s, find_mode(word, strlen(word)));
}

/* false: it is no kind of propagation, or a second one. */
static bool take_propagation(struct spec *s, const char *word)
{
    const struct mode *mode = find_mode(word, strlen(word));
    return mode && mode->class == MODE_PROPAGATION && take_mode(s, mode);
}

/* A comma list with at most one mode of each class. */
static bool parse_modes(struct spec *s, const char *list)
{
    while (*list) {
        size_t n = strcspn(list, ","), word = n;
        bool dangling = list[n] && !list[n + 1];
        if (starts_with(list, "idmap="))
            word = strlen("idmap");     /* the only mode that may have a value */
        if (dangling || !take_mode(s, find_mode(list, word)))
            return false;
        list = after_word(list, n);
    }
    return true;
}

static const char *clean_target(struct arena *a, const char *path, const char **target)
{
    char clean[DINDBIND_PATH_MAX];
    *target = NULL;
    if (!path || clean_path(path, clean))
        return bad_target;
    *target = arena_copy(a, clean, strlen(clean));
    return *target ? NULL : no_memory;
}

/* The text before the first colon, and what is after it. */
static const char *split_volume(struct arena *a, struct spec *s, size_t source_len)
{
    s->source = arena_copy(a, s->text, source_len);
    s->create = true;
    s->rest = s->text + source_len;
    s->rest_len = 1 + strcspn(s->rest + 1, ":");
    if (s->rest[s->rest_len])
        s->mode = s->rest + s->rest_len + 1;
    const char *target = arena_copy(a, s->rest + 1, s->rest_len - 1);
    if (!s->source || !target)
        return no_memory;
    return clean_target(a, target, &s->target);
}

/* SOURCE:TARGET[:MODES], or a lone TARGET for an anonymous volume. */
static const char *parse_volume(struct arena *a, const char *text, struct spec *s)
{
    size_t n = strcspn(text, ":");
    *s = (struct spec){ .text = text };
    if (!*text)
        return empty_spec;
    if (!n)
        return "no source before the colon";
    if (!text[n])
        return clean_target(a, text, &s->target);
    const char *wrong = split_volume(a, s, n);
    if (wrong)
        return wrong;
    if (s->mode && (strchr(s->mode, ':') || !parse_modes(s, s->mode)))
        return bad_modes;
    return NULL;
}

/* Do so many bytes name a volume? [a-zA-Z0-9][a-zA-Z0-9_.-]*; of one letter podman's may be. */
static bool names_volume(const char *s, size_t len)
{
    size_t n = strspn(s, "_.-0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");
    return len && n >= len && !strchr("_.-", *s);
}

static bool is_volume_name(const char *s)
{
    return names_volume(s, strlen(s));
}

static size_t csv_plain(const char *s, char *out, bool *bad)
{
    size_t n = strcspn(s, ",");
    memcpy(out, s, n);
    out[n] = 0;
    *bad = out[strcspn(out, "\"\r\n")];
    return n;
}

static size_t csv_quoted(const char *s, char *out, bool *bad)
{
    size_t n = 1;
    *bad = false;
    while (s[n] && (s[n] != '"' || s[n + 1] == '"')) {
        if (s[n] == '"')
            n++;                /* two of them are one that does not end the field */
        if (s[n] == '\r')
            *bad = true;
        *out++ = s[n++];
    }
    *out = 0;
    if (!s[n]) {
        *bad = true;
        return n;
    }
    n++;
    if (s[n] && s[n] != ',')
        *bad = true;
    return n;
}

/* One CSV field as Go's encoding/csv reads it. Returns its length in the text. */
static size_t csv_field(const char *s, char *out, bool *bad)
{
    if (*s == '"')
        return csv_quoted(s, out, bad);
    return csv_plain(s, out, bad);
}

/* strconv.ParseBool of Go: what docker takes for a boolean. false: it is none. */
static bool parse_bool(const char *s, bool *yes)
{
    static const struct { const char *word; bool yes; } words[] = {
        { "0", false }, { "f", false }, { "F", false },
        { "FALSE", false }, { "false", false }, { "False", false },
        { "1", true }, { "t", true }, { "T", true },
        { "TRUE", true }, { "true", true }, { "True", true },
    };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (!strcmp(words[i].word, s)) {
            *yes = words[i].yes;
            return true;
        }
    return false;
}

/* What a --mount record says, before it is known which of that counts for its type. */
enum mount_part {
    PART_TYPE, PART_SOURCE, PART_TARGET, PART_DRIVER, PART_FSTYPE, PART_DEVICE, PART_OPTIONS, PARTS
};

struct record {
    const char *value[PARTS];
    struct field *field[PARTS];
    bool options;               /* the volume's driver gets some */
};

enum key_kind {
    KEY_PLAIN, KEY_TYPE, KEY_SOURCE, KEY_TARGET, KEY_READONLY, KEY_WRITABLE, KEY_FLAT, KEY_DEPTH,
    KEY_CREATE, KEY_PROPAGATION, KEY_MODE, KEY_RELABEL, KEY_DRIVER, KEY_OPTION, KEY_NEVER, KEY_LINK
};

enum key_value { NO_VALUE, A_VALUE, MAY_HAVE_VALUE, TRUE_OR_FALSE };

enum {
    FOR_BIND = 1 << TYPE_BIND, FOR_VOLUME = 1 << TYPE_VOLUME, FOR_TMPFS = 1 << TYPE_TMPFS,
    FOR_IMAGE = 1 << TYPE_IMAGE, FOR_DISK = FOR_BIND | FOR_VOLUME, FOR_MADE = FOR_DISK | FOR_TMPFS,
    FOR_ANY = (1 << TYPE_UNKNOWN) - 1
};

/* All keys of docker (docker/cli opts/mount.go, 20.10 to 29) and of podman (podman-run(1) --mount,
 * from 4.3 on), and the types that have them. Those of a kind of their own matter here; KEY_NEVER
 * is not for an OCI mount. */
static const struct mount_key {
    const char *name;
    unsigned types;
    enum key_kind kind;
    enum key_value value;
} mount_keys[] = {
    { "type", FOR_ANY, KEY_TYPE, A_VALUE },
    { "source", FOR_ANY, KEY_SOURCE, A_VALUE },
    { "src", FOR_ANY, KEY_SOURCE, A_VALUE },
    { "target", FOR_ANY, KEY_TARGET, A_VALUE },
    { "destination", FOR_ANY, KEY_TARGET, A_VALUE },
    { "dst", FOR_ANY, KEY_TARGET, A_VALUE },
    { "dest", FOR_ANY, KEY_TARGET, A_VALUE },
    { "readonly", FOR_ANY, KEY_READONLY, TRUE_OR_FALSE },
    { "ro", FOR_ANY, KEY_READONLY, TRUE_OR_FALSE },
    { "rw", FOR_MADE | FOR_IMAGE, KEY_WRITABLE, TRUE_OR_FALSE },
    { "readwrite", FOR_IMAGE, KEY_WRITABLE, TRUE_OR_FALSE },
    { "consistency", FOR_ANY, KEY_PLAIN, A_VALUE },
    { "bind-propagation", FOR_BIND, KEY_PROPAGATION, A_VALUE },
    { "bind-nonrecursive", FOR_BIND, KEY_FLAT, TRUE_OR_FALSE },
    { "bind-recursive", FOR_BIND, KEY_DEPTH, A_VALUE },
    { "bind-create-src", FOR_BIND, KEY_CREATE, TRUE_OR_FALSE },
    { "private", FOR_MADE, KEY_MODE, NO_VALUE },
    { "rprivate", FOR_MADE, KEY_MODE, NO_VALUE },
    { "shared", FOR_MADE, KEY_MODE, NO_VALUE },
    { "rshared", FOR_MADE, KEY_MODE, NO_VALUE },
    { "slave", FOR_MADE, KEY_MODE, NO_VALUE },
    { "rslave", FOR_MADE, KEY_MODE, NO_VALUE },
    { "unbindable", FOR_MADE, KEY_MODE, NO_VALUE },
    { "runbindable", FOR_MADE, KEY_MODE, NO_VALUE },
    { "exec", FOR_MADE, KEY_MODE, NO_VALUE },
    { "noexec", FOR_MADE, KEY_MODE, NO_VALUE },
    { "dev", FOR_MADE, KEY_MODE, NO_VALUE },
    { "nodev", FOR_MADE, KEY_MODE, NO_VALUE },
    { "suid", FOR_MADE, KEY_MODE, NO_VALUE },
    { "nosuid", FOR_MADE, KEY_MODE, NO_VALUE },
    { "relabel", FOR_DISK, KEY_RELABEL, A_VALUE },
    { "Z", FOR_DISK, KEY_MODE, MAY_HAVE_VALUE },     /* whatever the value, podman relabels */
    { "z", FOR_DISK, KEY_MODE, MAY_HAVE_VALUE },
    { "U", FOR_MADE, KEY_NEVER, TRUE_OR_FALSE },
    { "chown", FOR_MADE, KEY_NEVER, TRUE_OR_FALSE },
    { "idmap", FOR_DISK | FOR_IMAGE, KEY_NEVER, MAY_HAVE_VALUE },
    { "no-dereference", FOR_BIND, KEY_LINK, NO_VALUE },
    { "subpath", FOR_VOLUME | FOR_IMAGE, KEY_PLAIN, A_VALUE },
    { "volume-subpath", FOR_VOLUME, KEY_PLAIN, A_VALUE },
    { "volume-nocopy", FOR_VOLUME, KEY_PLAIN, TRUE_OR_FALSE },
    { "volume-label", FOR_VOLUME, KEY_PLAIN, A_VALUE },
    { "volume-driver", FOR_VOLUME, KEY_DRIVER, A_VALUE },
    { "volume-opt", FOR_VOLUME, KEY_OPTION, A_VALUE },
    { "image-subpath", FOR_IMAGE, KEY_PLAIN, A_VALUE },
    { "tmpfs-size", FOR_TMPFS, KEY_PLAIN, A_VALUE },
    { "tmpfs-mode", FOR_TMPFS, KEY_PLAIN, A_VALUE },
    { "tmpcopyup", FOR_TMPFS, KEY_PLAIN, NO_VALUE },
    { "notmpcopyup", FOR_TMPFS, KEY_PLAIN, NO_VALUE },
    { "noatime", FOR_TMPFS, KEY_PLAIN, NO_VALUE },
    { "noswap", FOR_TMPFS, KEY_PLAIN, NO_VALUE },
};

static const struct mount_key *find_key(const char *name)
{
    for (size_t i = 0; i < sizeof mount_keys / sizeof *mount_keys; i++)
        if (!strcmp(mount_keys[i].name, name))
            return &mount_keys[i];
    return NULL;
}

/* In any case, as docker takes them; but Z and U of podman's are not z and u. NULL: there is no
 * such key. */
static const struct mount_key *find_key_folded(char *name)
{
    const struct mount_key *key = find_key(name);
    if (!key && name[0] && name[1]) {
        lower_case(name);
        key = find_key(name);
    }
    return key;
}

/* What is wrong, in two parts, of which one is the name of a key. */
static const char *wrong_key(struct arena *a, const char *first, const char *second)
{
    size_t size = strlen(first) + strlen(second) + 1;
    char *line = arena_alloc(a, size);
    if (!line)
        return no_memory;
    struct text t = text_in(line, size, first);
    text_add(&t, second);
    return line;
}

static const char *take_flag(struct spec *s, enum key_kind kind, const char *value, struct field *f)
{
    bool on;
    if (!parse_bool(value, &on))
        return "a value that is neither true nor false";
    switch (kind) {
    case KEY_FLAT: s->flat = on; break;
    case KEY_CREATE: s->create = on; break;
    case KEY_READONLY:
    case KEY_WRITABLE:
        s->ro = on == (kind == KEY_READONLY);
        /* podman knows `true` and `false` alone, and ignores any other value: it is written anew */
        if (!s->ro || !is_one_of("true\0True\0TRUE\0false\0False\0FALSE\0", value))
            f->role = FIELD_READONLY;
        break;
    default: break;
    }
    return NULL;
}

static const char *take_depth(struct spec *s, const char *word)
{
    if (!is_one_of("enabled\0disabled\0writable\0readonly\0", word))
        return "bind-recursive must be enabled, disabled, writable or readonly";
    s->flat = !strcmp(word, "disabled");
    s->ro_top = !strcmp(word, "writable");
    if (s->ro_top || !strcmp(word, "readonly"))
        s->never = "bind-recursive";
    return NULL;
}

/* The options of the local driver, and which part of a record each is; PARTS: of no account. */
static const struct driver_option {
    const char *name;
    enum mount_part part;
} driver_options[] = {
    { "type", PART_FSTYPE },
    { "device", PART_DEVICE },
    { "o", PART_OPTIONS },
    { "size", PARTS },
};

static const struct driver_option *find_driver_option(const char *name, size_t n)
{
    for (size_t i = 0; i < sizeof driver_options / sizeof *driver_options; i++)
        if (!strncmp(driver_options[i].name, name, n) && !driver_options[i].name[n])
            return &driver_options[i];
    return NULL;
}

static void take_part(struct record *m, enum mount_part part, const char *value, struct field *f)
{
    m->value[part] = value;
    m->field[part] = f;
}

/* Each option has one value here, since podman puts together what docker replaces. */
static const char *take_volume_option(struct record *m, const char *value, struct field *f)
{
    size_t n = strcspn(value, "=");
    const struct driver_option *option = find_driver_option(value, n);
    m->options = true;
    if (!option || !value[n])
        return bad_option;
    if (option->part == PARTS)
        return NULL;
    if (m->field[option->part])
        return "volume-opt: one option twice";
    if (option->part == PART_DEVICE)
        f->key_len += n + 1;
    take_part(m, option->part, value + n + 1, f);
    return NULL;
}

static const char *take_relabel(struct spec *s, const char *word)
{
    const char *label = NULL;
    if (!strcmp(word, "shared"))
        label = "z";
    if (!strcmp(word, "private"))
        label = "Z";
    if (!label)
        return "relabel must be shared or private";
    return take_mode_named(s, label) ? NULL : "two labels";
}

/* `value` is "true" where there is none. */
static const char *take_key(struct spec *s, struct record *m, char *value, struct field *f)
{
    enum key_kind kind = f->key->kind;
    switch (kind) {
    case KEY_TYPE:
        lower_case(value);
        take_part(m, PART_TYPE, value, f);
        break;
    case KEY_SOURCE: take_part(m, PART_SOURCE, value, f); break;
    case KEY_TARGET:
        f->role = FIELD_TARGET;
        take_part(m, PART_TARGET, value, f);
        break;
    case KEY_DRIVER: take_part(m, PART_DRIVER, value, f); break;
    case KEY_OPTION: return take_volume_option(m, value, f);
    case KEY_DEPTH: return take_depth(s, value);
    case KEY_PROPAGATION:
        lower_case(value);
        if (!take_propagation(s, value))
            return "bind-propagation not understood";
        break;
    case KEY_RELABEL: return take_relabel(s, value);
    case KEY_MODE: return take_mode_named(s, f->key->name) ? NULL : "two keys of one kind";
    case KEY_LINK: return "no-dereference: links in a source are always followed";
    case KEY_NEVER: s->never = f->key->name; break;
    default: break;
    }
    return f->key->value == TRUE_OR_FALSE ? take_flag(s, kind, value, f) : NULL;
}

static const char *take_field(struct arena *a, struct spec *s, struct record *m, char *decoded,
                              struct field *f)
{
    char *value = strchr(decoded, '=');
    if (!*decoded)
        return "an empty field";
    if (value == decoded)
        return "a field without a key: nothing is before the =";
    if (value) {
        *value++ = 0;
        f->key_len = (size_t)(value - decoded);
    }
    f->key = find_key_folded(decoded);
    if (!f->key)
        return wrong_key(a, "there is no such key: ", decoded);
    if (!value && f->key->value == A_VALUE)
        return wrong_key(a, "a key without a value: ", f->key->name);
    if (value && f->key->value == NO_VALUE)
        return wrong_key(a, "a key that has no value: ", f->key->name);
    if (!value)
        value = arena_copy(a, "true", 4);
    return value ? take_key(s, m, value, f) : no_memory;
}

static const char pathlike[] = "a path as the source needs type=bind";

/* Does a volume's option name directories of the host? Those with x- are mount(8)'s own, and may
 * choose one. */
static bool names_dirs(const char *o)
{
    for (; *o; o = after_word(o, strcspn(o, ","))) {
        size_t n = strcspn(o, "=,");
        if (o[n] == '=' && (o[n + 1] == '/' || (n > 3 && !memcmp(o + n - 3, "dir", 3))))
            return true;
        if ((*o == 'x' || *o == 'X') && o[1] == '-')
            return true;
    }
    return false;
}

/* Is there an option of that name, with a value or without? */
static bool has_option(const char *o, const char *name)
{
    size_t len = strlen(name);
    for (; *o; o = after_word(o, strcspn(o, ",")))
        if (strcspn(o, "=,") == len && !strncmp(o, name, len))
            return true;
    return false;
}

/* Has each word of a comma list its name in one of the two rows? */
static bool all_known(const char *o, const char *flags, const char *options)
{
    for (; *o; o = after_word(o, strcspn(o, ","))) {
        size_t n = strcspn(o, "=,");
        const char *words = flags;
        if (o[n] == '=')
            words = options;
        if (find_word(words, o, n) < 0)
            return false;
    }
    return true;
}

/* The driver of a volume and the options that it gets: VolumeOptions.DriverConfig, volume-driver
 * and volume-opt. */
struct driver {
    const char *name, *fstype, *device, *o;     /* NULL: not there */
    bool options;               /* it gets some */
};

/* The flags of mount(2) that dockerd and mount(8) both know by these names. */
static const char mount_flags[] =
    "bind\0rbind\0defaults\0ro\0rw\0suid\0nosuid\0dev\0nodev\0exec\0noexec\0sync\0async\0dirsync\0"
    "atime\0noatime\0diratime\0nodiratime\0relatime\0norelatime\0strictatime\0nostrictatime\0"
    "private\0rprivate\0shared\0rshared\0slave\0rslave\0unbindable\0runbindable\0"
    "noswap\0inode32\0inode64\0";

/* The last one of ro and rw counts. */
static bool has_ro(const char *o)
{
    bool ro = false;
    for (; *o; o = after_word(o, strcspn(o, ","))) {
        const struct mode *mode = find_mode(o, strcspn(o, ","));
        if (mode && mode->class == MODE_ACCESS)
            ro = mode->ro;
    }
    return ro;
}

/* A volume of the local driver with o=bind or o=rbind is a bind mount of its device, whatever the
 * type says. */
static const char *take_bind_volume(struct spec *s, const struct driver *d)
{
    if (!all_known(d->o, mount_flags, ""))
        return "a volume with o=bind has other options that are not known";
    if (!d->device)
        return "a volume with o=bind has no device";
    s->volume = true;
    s->volume_ro = has_ro(d->o);
    s->flat = !has_word(d->o, "rbind");
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++)
        if (modes[i].peer && has_word(d->o, modes[i].word))
            s->peers = modes[i].word;
    return NULL;
}

/* Options of nfs(5) and mount.cifs(8), and those of mount(8) that mean nothing here. What is not in
 * the list is refused: `move` makes busybox's mount take a mount of the host's away, whatever the
 * type says, `loop` wants a file of the host's, and `credentials` reads one. */
static const char net_flags[] =
    "_netdev\0nofail\0soft\0hard\0softerr\0softreval\0nosoftreval\0intr\0nointr\0ac\0noac\0bg\0"
    "fg\0rdirplus\0nordirplus\0sharecache\0nosharecache\0resvport\0noresvport\0fsc\0nofsc\0"
    "sloppy\0udp\0tcp\0rdma\0lock\0nolock\0cto\0nocto\0acl\0noacl\0migration\0nomigration\0"
    "posix\0noposix\0trunkdiscovery\0notrunkdiscovery\0guest\0forceuid\0noforceuid\0forcegid\0"
    "noforcegid\0perm\0noperm\0dynperm\0nodynperm\0setuids\0nosetuids\0serverino\0noserverino\0"
    "mapchars\0nomapchars\0mapposix\0nomapposix\0nocase\0ignorecase\0brl\0nobrl\0sfu\0nosfu\0"
    "mfsymlinks\0seal\0sign\0unix\0nounix\0linux\0nolinux\0user_xattr\0nouser_xattr\0cifsacl\0"
    "nocifsacl\0idsfromsid\0modefromsid\0multiuser\0nodfs\0persistenthandles\0"
    "nopersistenthandles\0resilienthandles\0noresilienthandles\0multichannel\0nomultichannel\0"
    "domainauto\0nosharesock\0noblocksend\0forcemandatorylock\0nohandlecache\0posixpaths\0"
    "noposixpaths\0nostrictsync\0strictsync\0";

static const char net_options[] =
    "addr\0timeo\0retrans\0rsize\0wsize\0acregmin\0acregmax\0acdirmin\0acdirmax\0actimeo\0"
    "retry\0sec\0nconnect\0max_connect\0lookupcache\0fsc\0proto\0port\0mountport\0mountproto\0"
    "mounthost\0mountaddr\0mountvers\0namlen\0local_lock\0clientaddr\0vers\0nfsvers\0"
    "minorversion\0rdirplus\0write\0xprtsec\0username\0user\0password\0pass\0password2\0"
    "domain\0dom\0workgroup\0ip\0uid\0gid\0cruid\0backupuid\0backupgid\0file_mode\0dir_mode\0"
    "servern\0netbiosname\0cache\0iocharset\0echo_interval\0bsize\0esize\0snapshot\0"
    "max_credits\0max_channels\0handletimeout\0multichannel\0symlink\0reparse\0";

static bool is_net_safe(const char *o)
{
    for (; *o; o = after_word(o, strcspn(o, ","))) {
        size_t n = strcspn(o, "=,");
        bool known = find_word(net_flags, o, n) >= 0 || find_word(mount_flags, o, n) >= 0;
        if (o[n] == '=')
            known = find_word(net_options, o, n) >= 0;
        if (!known)
            return false;
    }
    return true;
}

/* File systems whose device is nothing of the host's: none, or another machine's. */
static bool is_elsewhere(const struct driver *d)
{
    static const char sizes[] = "size\0nr_blocks\0nr_inodes\0mode\0uid\0gid\0huge\0mpol\0";
    const char *type = or_empty(d->fstype), *device = or_empty(d->device), *o = or_empty(d->o);
    bool local = *device == '/' || *device == '.';
    if (!strcmp(type, "tmpfs"))
        return !local && all_known(o, mount_flags, sizes);
    if (names_dirs(o) || !is_net_safe(o))
        return false;
    if (!strcmp(type, "cifs"))
        return starts_with(device, "//") || starts_with(device, "\\\\");
    return is_one_of("nfs\0nfs3\0nfs4\0", type) && !local && strchr(device, ':');
}

/* NULL, or what is wrong. */
static const char *take_volume(struct spec *s, const struct driver *d)
{
    if (!d->options)
        return NULL;
    if (d->name && *d->name && strcmp(d->name, "local"))
        return "options of another driver are not understood: make the volume beforehand";
    if (d->o && (has_option(d->o, "bind") || has_option(d->o, "rbind")))
        return take_bind_volume(s, d);
    if (is_elsewhere(d))
        return NULL;
    return "a volume with options must have o=bind, or type tmpfs, nfs or cifs with options of "
           "that type: make it beforehand";
}

/* A key of another type is refused, as docker does; not so podman, which skips some. */
static const char *check_keys(struct arena *a, const struct spec *s, enum mount_type type)
{
    for (size_t i = 0; i < s->nfields; i++)
        if (!(s->fields[i].key->types & 1u << type))
            return wrong_key(a, "a key of another type of mount: ", s->fields[i].key->name);
    return NULL;
}

/* A source of a mount that is no bind. */
static bool is_pathlike(const char *source)
{
    return source && (*source == '/' || *source == '.');
}

/* This part of the record is the source that is translated. */
static void source_is(struct spec *s, const struct record *m, enum mount_part part)
{
    s->source = m->value[part];
    m->field[part]->role = FIELD_SOURCE;
}

static const char *take_bind_record(struct spec *s, const struct record *m)
{
    const char *source = m->value[PART_SOURCE];
    if (!source)
        return "a bind mount without a source";
    if (!*source)
        return "a bind mount with an empty source";
    source_is(s, m, PART_SOURCE);
    return NULL;
}

static const char *take_volume_record(struct spec *s, const struct record *m)
{
    const struct driver driver = { .name = m->value[PART_DRIVER], .fstype = m->value[PART_FSTYPE],
                                   .device = m->value[PART_DEVICE], .o = m->value[PART_OPTIONS],
                                   .options = m->options };
    const char *wrong = take_volume(s, &driver);
    if (wrong)
        return wrong;
    if (is_pathlike(m->value[PART_SOURCE]))
        return pathlike;
    s->never = mount_types[TYPE_VOLUME];
    if (s->volume) {
        s->never = "volume-opt";
        source_is(s, m, PART_DEVICE);
    }
    return NULL;
}

/* Which of the record is a path of the runner's. */
static const char *take_record(struct arena *a, struct spec *s, const struct record *m)
{
    enum mount_type type = find_type(m->value[PART_TYPE]);
    if (type == TYPE_UNKNOWN)
        return bad_type;
    const char *wrong = check_keys(a, s, type);
    if (wrong)
        return wrong;
    if (type == TYPE_BIND)
        return take_bind_record(s, m);
    if (type == TYPE_VOLUME)
        return take_volume_record(s, m);
    if (is_pathlike(m->value[PART_SOURCE]))
        return pathlike;
    s->never = mount_types[type];
    return NULL;
}

/* The next field of a record, from `p` on. */
static const char *parse_field(struct arena *a, struct spec *s, struct record *m, const char *p,
                               char *decoded)
{
    bool bad;
    if (s->nfields == MAX_FIELDS)
        return "too many fields";
    struct field *f = &s->fields[s->nfields++];
    *f = (struct field){ .at = p, .len = csv_field(p, decoded, &bad) };
    if (bad)
        return "a stray quote, or a line break";
    return take_field(a, s, m, decoded, f);
}

/* One CSV record of key=value. */
static const char *parse_mount(struct arena *a, const char *text, struct spec *s)
{
    struct record m = { .value[PART_TYPE] = "volume" };
    const char *p = text, *wrong;
    *s = (struct spec){ .csv = true, .text = text };
    if (!*text)
        return empty_spec;
    /* the fields, and after them their texts, which no quotes make longer */
    s->fields = arena_alloc(a, MAX_FIELDS * sizeof *s->fields + strlen(text) + 1);
    if (!s->fields)
        return no_memory;
    char *decoded = (char *)(s->fields + MAX_FIELDS);
    for (;;) {
        wrong = parse_field(a, s, &m, p, decoded + (p - text));
        if (wrong)
            return wrong;
        p += s->fields[s->nfields - 1].len;
        if (!*p)
            break;
        p++;                    /* a comma */
    }
    wrong = clean_target(a, m.value[PART_TARGET], &s->target);
    if (wrong)
        return wrong;
    return take_record(a, s, &m);
}

/* ==== json =======================================================================================
 *
 * In: text that ends with a NUL, from anybody. Out: whether it is JSON (RFC 8259), where in it the
 * values are that somebody asks for, their text; and text as a JSON string. The only place that
 * knows JSON, and it keeps nothing: a value is where it stands in the text. Never here: a value in
 * a text that was not checked as a whole, a number as anything but its digits, or recursion that
 * the text could make deep. */

enum { JSON_DEPTH = 256 };

struct json_error {
    const char *at, *what;
};

static const char repeated[] = "the key is there twice";

static const char *json_space(const char *p)
{
    while (*p == ' ' || *p == '\n' || *p == '\t' || *p == '\r')
        p++;
    return p;
}

/* The length of the UTF-8 sequence at s, 0 where there is none. The rows are those of RFC 3629: the
 * second byte excludes longer forms than needed, surrogates, and what is beyond U+10FFFF. */
static size_t utf8_length(const unsigned char *s)
{
    static const struct { unsigned char first, last, second_min, second_max; size_t n; } rows[] = {
        { 0xc2, 0xdf, 0x80, 0xbf, 2 },
        { 0xe0, 0xe0, 0xa0, 0xbf, 3 },
        { 0xe1, 0xec, 0x80, 0xbf, 3 },
        { 0xed, 0xed, 0x80, 0x9f, 3 },
        { 0xee, 0xef, 0x80, 0xbf, 3 },
        { 0xf0, 0xf0, 0x90, 0xbf, 4 },
        { 0xf1, 0xf3, 0x80, 0xbf, 4 },
        { 0xf4, 0xf4, 0x80, 0x8f, 4 },
    };
    size_t row = 0;
    if (*s < 0x80)
        return 1;
    while (row < sizeof rows / sizeof *rows && *s > rows[row].last)
        row++;
    if (row == sizeof rows / sizeof *rows || *s < rows[row].first)
        return 0;
    if (s[1] < rows[row].second_min || s[1] > rows[row].second_max)
        return 0;
    for (size_t i = 2; i < rows[row].n; i++)
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    return rows[row].n;
}

/* The readers of JSON move `*at` past what they read. They return NULL, or what is wrong at the
 * place where they leave it. */

/* Past this sign, if it is what comes next. */
static bool json_sign(const char **at, char sign)
{
    *at = json_space(*at);
    bool found = **at == sign;
    *at += found;
    return found;
}

/* The length of an escape, from its backslash on; 0: there is no such escape. */
static size_t escape_length(const char *p)
{
    if (p[1] == 'u')
        return strspn(p + 2, "0123456789abcdefABCDEF") < 4 ? 0 : 6;
    return p[1] && strchr("\"\\/bfnrt", p[1]) ? 2 : 0;
}

/* The rest of a string, after its first quote. */
static const char *json_string(const char **at)
{
    for (size_t n; **at != '"'; *at += n) {
        const unsigned char *p = (const unsigned char *)*at;
        if (*p < 0x20)
            return "a control character in a string";
        n = utf8_length(p);
        if (!n)
            return "not UTF-8";
        if (*p == '\\')
            n = escape_length(*at);
        if (!n)
            return "a bad escape";
    }
    ++*at;
    return NULL;
}

/* Past some digits. false: there are none. */
static bool json_digits(const char **at)
{
    size_t n = strspn(*at, "0123456789");
    *at += n;
    return n;
}

static bool json_number(const char **at)
{
    if (**at == '-')
        ++*at;
    if (**at == '0')
        ++*at;                  /* no digit may follow it */
    else if (!json_digits(at))
        return false;
    if (**at == '.') {
        ++*at;
        if (!json_digits(at))
            return false;
    }
    if (**at != 'e' && **at != 'E')
        return true;
    ++*at;
    if (**at == '+' || **at == '-')
        ++*at;
    return json_digits(at);
}

/* A word or a number. */
static const char *json_plain(const char **at)
{
    const char *start = *at;
    size_t n = strspn(start, "aeflnrstu");
    if (find_word("true\0false\0null\0", start, n) >= 0) {
        *at += n;
        return NULL;
    }
    if (json_number(at))
        return NULL;
    return *at == start ? "no value" : "a bad number";
}

/* The key of a member, and the colon. */
static const char *json_key(const char **at)
{
    if (!json_sign(at, '"'))
        return "no key";
    const char *wrong = json_string(at);
    if (wrong)
        return wrong;
    return json_sign(at, ':') ? NULL : "no colon after a key";
}

/* A value, and the white space before it. */
static const char *json_value(const char **at, unsigned depth)
{
    if (json_sign(at, '"'))
        return json_string(at);
    char first = **at, end = first == '{' ? '}' : ']';
    if (first != '{' && first != '[')
        return json_plain(at);
    if (depth == JSON_DEPTH)
        return "nested too deeply";
    ++*at;
    if (json_sign(at, end))
        return NULL;
    do {
        const char *wrong = NULL;
        if (first == '{')
            wrong = json_key(at);
        if (!wrong)
            wrong = json_value(at, depth + 1);
        if (wrong)
            return wrong;
    } while (json_sign(at, ','));
    return json_sign(at, end) ? NULL : "neither a comma nor an end";
}

/* The one value that the whole text is. NULL, with `e`. */
static const char *json_check(struct json_error *e, const char *text, size_t len)
{
    const char *at = text, *wrong = json_value(&at, 0);
    if (!wrong) {
        at = json_space(at);
        if (at == text + len)
            return json_space(text);
        wrong = "more than one value";
    }
    *e = (struct json_error){ at, *at ? wrong : "the JSON ends too early" };
    return NULL;
}

/* From here on the text has been checked. */
static const char *json_skip(const char *value)
{
    size_t depth = 0;
    if (!strchr("\"{[", *value))
        return value + strcspn(value, ",]} \n\t\r");
    do {
        if (*value == '"')
            do
                while (*++value == '\\')
                    value++;
            while (*value != '"');
        depth += *value == '{' || *value == '[';
        depth -= *value == '}' || *value == ']';
        value++;
    } while (depth);
    return value;
}

static unsigned json_hex(const char *p)
{
    unsigned v = 0;
    for (int i = 0; i < 4; i++) {
        unsigned digit = (unsigned)p[i] - '0';
        if (p[i] > '9')
            digit = ((unsigned)p[i] & 7) + 9;    /* a letter of either case */
        v = v << 4 | digit;
    }
    return v;
}

/* Whose reading of \udc80 to \udcff counts, which alone are half of a surrogate pair. */
enum json_reader {
    JSON_OURS,      /* a byte that is no UTF-8, as put_json() and Python write it */
    JSON_GO         /* nothing that a path can hold: encoding/json, the daemon's, reads U+FFFD */
};

/* The code point of a \u escape; of two, where they are a surrogate pair. */
static unsigned json_point(const char **at)
{
    const char *p = *at;
    unsigned c = json_hex(p + 2), low = 0;
    *at += 6;
    if ((c & 0xfc00) == 0xd800 && p[6] == '\\' && p[7] == 'u')
        low = json_hex(p + 8);
    if ((low & 0xfc00) != 0xdc00)
        return c;
    *at += 6;
    return 0x10000 + ((c & 0x3ff) << 10 | (low & 0x3ff));
}

/* In UTF-8; the number of bytes. */
static size_t put_point(char out[4], unsigned c)
{
    size_t n = 4;
    unsigned mark = 0xf0;       /* of the first byte */
    if (c < 0x80) {
        *out = (char)c;
        return 1;
    }
    if (c < 0x800) {
        n = 2;
        mark = 0xc0;
    } else if (c < 0x10000) {
        n = 3;
        mark = 0xe0;
    }
    for (size_t i = n - 1; i; i--) {
        out[i] = (char)(0x80 | (c & 0x3f));
        c >>= 6;
    }
    *out = (char)(mark | c);
    return n;
}

/* The next bytes of a string's text. 0: what no path can hold, a NUL or half of a surrogate
 * pair. */
static size_t json_char(const char **at, enum json_reader who, char out[4])
{
    static const char from[] = "bfnrt", to[] = "\b\f\n\r\t";
    const char *p = *at;
    if (*p == '\\' && p[1] == 'u') {
        unsigned c = json_point(at);
        bool surrogate = c >= 0xd800 && c <= 0xdfff;
        if (who == JSON_OURS && c >= 0xdc80 && c <= 0xdcff) {
            *out = (char)c;
            return 1;
        }
        return c && !surrogate ? put_point(out, c) : 0;
    }
    *out = *p;
    *at += 1;
    if (*p != '\\')
        return 1;
    *at += 1;
    const char *special = strchr(from, p[1]);
    *out = special ? to[special - from] : p[1];
    return 1;
}

/* What is between the quotes. NULL: it is no string. */
static const char *json_inside(const char *value)
{
    return value && *value == '"' ? value + 1 : NULL;
}

/* The text of a string. false: it is no string, one that no path can be, or one that does not
 * fit. */
static bool json_copy(const char *value, enum json_reader who, char *out, size_t size)
{
    value = json_inside(value);
    if (!value)
        return false;
    while (*value != '"') {
        if (size <= 4)
            return false;
        size_t n = json_char(&value, who, out);
        if (!n)
            return false;
        out += n;
        size -= n;
    }
    *out = 0;
    return true;
}

/* Likewise, in memory of its own; NULL there if it has no such text. Returns NULL, or what is
 * wrong. */
static const char *json_decode(struct arena *a, enum json_reader who, const char *value,
                               char **text)
{
    static const char no_text[] = "not a string, or one that cannot be a path";
    *text = NULL;
    if (!json_inside(value))
        return no_text;
    size_t size = (size_t)(json_skip(value) - value) + 4;
    char *copy = arena_alloc(a, size);
    if (!copy)
        return no_memory;
    if (!json_copy(value, who, copy, size))
        return no_text;
    *text = copy;
    return NULL;
}

/* Is it a string with this character of ASCII, also where it is no text that we take? */
static bool json_has(const char *value, char c)
{
    char text[4];
    value = json_inside(value);
    while (value && *value != '"')
        if (json_char(&value, JSON_GO, text) == 1 && *text == c)
            return true;
    return false;
}

/* Where in the spelling of a string, which json_copy() takes, the n-th byte of its text is. */
static const char *json_place(const char *value, enum json_reader who, size_t n)
{
    char c[4];
    value = json_inside(value);
    while (value && n && *value != '"')
        n -= json_char(&value, who, c);
    return value;
}

/* In lower case, with k and s for the two letters outside of ASCII that Go's encoding/json folds to
 * them (U+212A, U+017F). */
static void json_fold(char *text)
{
    char *to = text;
    for (const char *p = text; *p; p++, to++) {
        *to = *p;
        if (starts_with(p, "\xe2\x84\xaa")) {
            *to = 'k';
            p += 2;
        } else if (starts_with(p, "\xc5\xbf")) {
            *to = 's';
            p++;
        }
    }
    *to = 0;
    lower_case(text);
}

enum { JSON_NAME = 64 };        /* more than any name that is looked for has */

/* The text of a key or word, empty where it is none that can be looked for. */
static void json_name(const char *value, enum json_reader who, bool fold, char text[JSON_NAME])
{
    if (!json_copy(value, who, text, JSON_NAME))
        *text = 0;
    if (fold)
        json_fold(text);
}

/* A walk over an object or array: the first of its keys or elements, the one after another, and the
 * value of a key. NULL: there is none. An element is its own value. */
static const char *json_first(const char *value)
{
    if (!value || (*value != '{' && *value != '['))
        return NULL;
    value = json_space(value + 1);
    return *value == '}' || *value == ']' ? NULL : value;
}

static const char *json_of(const char *key)
{
    const char *p = json_skip(key);
    return json_sign(&p, ':') ? json_space(p) : key;
}

static const char *json_after(const char *key)
{
    const char *p = json_skip(json_of(key));
    return json_sign(&p, ',') ? json_space(p) : NULL;
}

enum json_kind { JSON_ANY, JSON_TEXT, JSON_BOOL, JSON_OBJECT, JSON_ARRAY };

static const char *const wrong_kinds[] = {
    [JSON_TEXT] = " must be a string that can be a path",
    [JSON_BOOL] = " must be true or false",
    [JSON_OBJECT] = " must be a JSON object",
    [JSON_ARRAY] = " must be a JSON array",
};

/* A member that a reader wants, as a row of a table. Row 0, TOP, is the object itself, in which all
 * lie whose row says nothing else; a row stands below the row of the object that it lies in. */
struct json_row {
    const char *name;
    unsigned in;                /* the row of that object */
    enum json_kind kind;        /* which json_kinds() checks */
    bool exact;                 /* a key of a map; any other is to Go a field of a struct, which it
                                 * finds in any case */
};

enum { TOP };

/* What was found for such a row. */
struct member {
    const char *at;             /* NULL: there is none */
    char *text;                 /* if it is a string that a path can be */
    bool twice;                 /* there are several; `at` is the last one */
};

/* Is it, as this one reads it, the key that a row names? */
static bool is_wanted(const struct json_row *row, const char *key, enum json_reader who)
{
    char found[JSON_NAME], name[JSON_NAME];
    bool fold = who == JSON_GO && !row->exact;
    json_name(key, who, fold, found);
    text_in(name, sizeof name, row->name);
    if (fold)
        lower_case(name);
    return !strcmp(found, name);
}

/* All of them, which are none for what is no object. NULL, or what is wrong. */
static const char *json_members(struct arena *a, enum json_reader who, const char *object,
                                const struct json_row *rows, size_t n, struct member *m)
{
    const char *wrong = NULL;
    m[TOP] = (struct member){ .at = object };
    for (size_t i = TOP + 1; i < n; i++) {
        const char *outer = m[rows[i].in].at;
        m[i] = (struct member){ .at = NULL };
        if (!outer || *outer != '{')
            continue;
        for (const char *key = json_first(outer); key; key = json_after(key))
            if (is_wanted(&rows[i], key, who)) {
                m[i].twice = m[i].at != NULL;
                m[i].at = json_of(key);
            }
        if (m[i].twice)
            wrong = repeated;
        if (json_decode(a, who, m[i].at, &m[i].text) == no_memory)
            return no_memory;
    }
    return wrong;
}

static bool json_null(const char *value)
{
    return !value || *value == 'n';
}

/* null is of any kind: to Go it is nothing at all. */
static bool is_of_kind(const struct member *m, enum json_kind kind)
{
    if (json_null(m->at))
        return true;
    switch (kind) {
    case JSON_TEXT: return m->text;
    case JSON_BOOL: return *m->at == 't' || *m->at == 'f';
    case JSON_OBJECT: return *m->at == '{';
    case JSON_ARRAY: return *m->at == '[';
    case JSON_ANY: break;
    }
    return true;
}

/* Is each of them of its kind? What the daemon's decoder refuses, some other one may take for
 * something. NULL, or what is wrong. */
static const char *json_kinds(struct arena *a, const struct json_row *rows, size_t n,
                              const struct member *m)
{
    for (size_t i = TOP + 1; i < n; i++)
        if (!is_of_kind(&m[i], rows[i].kind))
            return wrong_key(a, rows[i].name, wrong_kinds[rows[i].kind]);
    return NULL;
}

static bool json_true(const char *value)
{
    return value && *value == 't';
}

/* Not missing, and not false: what is no boolean may mean yes. */
static bool json_may_be_true(const char *value)
{
    return !json_null(value) && *value != 'f';
}

static bool is_word(const char *text, const char *word)
{
    return text && !strcmp(text, word);
}

static bool is_utf8(const char *s)
{
    for (size_t n; *s; s += n) {
        n = utf8_length((const unsigned char *)s);
        if (!n)
            return false;
    }
    return true;
}

/* One byte as \u00XX, or \udcXX. */
static void put_json_byte(struct out *o, const char *prefix, unsigned char c)
{
    static const char hex[] = "0123456789abcdef";
    put(o, prefix);
    put_bytes(o, &hex[c >> 4], 1);
    put_bytes(o, &hex[c & 15], 1);
}

/* The inside of a string. Bytes that are not UTF-8 become \udcXX, as Python's surrogateescape has
 * them. */
static void put_json_text(struct out *o, const char *text)
{
    for (size_t n; *text; text += n) {
        unsigned char c = (unsigned char)*text;
        n = utf8_length((const unsigned char *)text);
        if (!n) {
            put_json_byte(o, "\\udc", c);
            n = 1;
        } else if (c == '\n')
            put(o, "\\n");
        else if (c == '\t')
            put(o, "\\t");
        else if (c < 0x20)
            put_json_byte(o, "\\u00", c);
        else {
            if (c == '"' || c == '\\')
                put(o, "\\");
            put_bytes(o, text, n);
        }
    }
}

static void put_json(struct out *o, const char *text)
{
    put(o, "\"");
    put_json_text(o, text);
    put(o, "\"");
}

/* ==== formats ====================================================================================
 *
 * In: a result, and the spec that it is for. Out: bytes in a buffer. Never here: a descriptor, or a
 * record that could be read as two. */

/* A string, after a comma unless it is the first one in its brackets or the value of a key. */
static void put_next(struct out *o, const char *text)
{
    if (o->len && !strchr("{[:", o->at[o->len - 1]))
        put(o, ",");
    put_json(o, text);
}

/* A member of an object. */
static void put_member(struct out *o, const char *key, const char *value)
{
    put_next(o, key);
    put(o, ":");
    put_next(o, value);
}

static const char *const rule_words[] = {
    [DINDBIND_RULE_NONE] = "none",
    [DINDBIND_RULE_BIND] = "bind",
    [DINDBIND_RULE_PROC] = "proc",
    [DINDBIND_RULE_LAYERS] = "layers",
    [DINDBIND_RULE_SELF] = "self",
};

static const char *const kind_words[] = {
    [DINDBIND_SINGLE] = "single",
    [DINDBIND_MERGED] = "merged",
    [DINDBIND_METACOPY] = "metacopy",
};

static const struct { unsigned type; const char *word; } file_types[] = {
    { S_IFDIR, "directory" },
    { S_IFREG, "file" },
    { S_IFSOCK, "socket" },
    { S_IFIFO, "fifo" },
    { S_IFCHR, "char" },
    { S_IFBLK, "block" },
};

static const char *word_of_type(unsigned type)
{
    for (size_t i = 0; i < sizeof file_types / sizeof *file_types; i++)
        if (file_types[i].type == type)
            return file_types[i].word;
    return "unknown";
}

static void put_layers(struct out *o, const struct dindbind_result *res)
{
    put(o, ",\"layers\":[");
    for (size_t i = 0; i < res->nlayers; i++)
        put_next(o, res->layers[i]);
    put(o, "]");
}

/* The members that say what to mount. */
static void put_answer(struct out *o, const struct dindbind_result *res)
{
    put_member(o, "kind", kind_words[res->kind]);
    if (res->kind == DINDBIND_SINGLE)
        put_member(o, "path", res->path);
    else
        put_layers(o, res);
    if (res->kind == DINDBIND_MERGED && *res->options)
        put_member(o, "options", res->options);
    put_member(o, "type", word_of_type(res->type));
    put(o, ",\"ro\":");
    put(o, res->ro ? "true" : "false");
}

/* A line of -f json: with a message a refusal, without one an answer. `spec` is NULL for a PATH. */
static void put_record(struct out *o, const char *source, const struct spec *spec,
                       const struct dindbind_result *res, const char *message)
{
    put(o, "{");
    put_member(o, "source", source);
    if (spec)
        put_member(o, "target", spec->target);
    if (message) {
        put_member(o, "error", dindbind_word(res->error));
        put_member(o, "message", message);
    } else {
        put_member(o, "rule", rule_words[res->rule]);
        if (res->rule != DINDBIND_RULE_NONE)
            put_answer(o, res);
    }
    put(o, "}");
}

/* mount(2) cuts its data at a page; a kernel needs some of it. */
enum { MAX_OCI_OPTIONS = 4089 };

/* lowerdir= with all layers. `:`, `\` and `,` are escaped as overlayfs unescapes them. */
static void text_lowerdirs(struct text *t, const struct dindbind_result *res)
{
    text_add(t, "lowerdir=");
    for (size_t i = 0; i < res->nlayers; i++) {
        if (i)
            text_add(t, ":");
        text_escaped(t, res->layers[i], ":\\,");
    }
}

/* The options of a read-only overlay of the layers, each a string of its own. NULL, or what is
 * wrong. */
static const char *put_oci_overlay(struct out *o, const struct dindbind_result *res)
{
    char options[DINDBIND_PATH_MAX];
    struct text t = text_new(options, sizeof options);
    text_lowerdirs(&t, res);
    put_next(o, options);
    for (const char *p = res->options; *p;) {
        size_t n = strcspn(p, ",");
        text_add(&t, ",");
        const char *word = options + t.len;
        text_bytes(&t, p, n);
        put_next(o, word);
        p = after_word(p, n);
    }
    if (t.cut || t.len > MAX_OCI_OPTIONS)
        return "too many layers for one page of mount options";
    return NULL;
}

/* The head of an OCI mount, as far as the first of its options. */
static void put_oci_head(struct out *o, const char *target, const char *type, const char *source)
{
    put(o, "{");
    put_member(o, "destination", target);
    put_member(o, "type", type);
    put_member(o, "source", source);
    put(o, ",\"options\":[");
}

/* One OCI runtime mount. NULL, or what is wrong. */
static const char *put_oci(struct out *o, const struct spec *s, const struct dindbind_result *res)
{
    const char *wrong = NULL;
    if (res->kind == DINDBIND_METACOPY)
        return "the attributes are in one layer and the data in another: no mount shows that";
    if (res->kind == DINDBIND_MERGED) {
        put_oci_head(o, s->target, "overlay", "overlay");
        put_next(o, "ro");
        wrong = put_oci_overlay(o, res);
    } else {
        put_oci_head(o, s->target, "bind", res->path);
        put_next(o, s->flat ? "bind" : "rbind");
        put_next(o, res->ro ? "ro" : "rw");
    }
    for (size_t i = 0; i < s->noci; i++)
        put_next(o, s->oci[i]);
    put(o, "]}");
    return wrong;
}

/* The modes of -v, with ro where it must be: in place of the ro or rw that was given, else at the
 * end. */
static void put_modes(struct out *o, const char *modes_given, bool ro)
{
    const char *mode = or_empty(modes_given), *separator = ":";
    while (*mode) {
        size_t n = strcspn(mode, ",");
        put(o, separator);
        if (ro && n == 2 && is_one_of("ro\0rw\0", (const char[]){ mode[0], mode[1], 0 })) {
            put(o, "ro");
            ro = false;
        } else
            put_bytes(o, mode, n);
        separator = ",";
        mode = after_word(mode, n);
    }
    if (ro) {
        put(o, separator);
        put(o, "ro");
    }
}

/* Has one of the two this character? `target` may be NULL. */
static bool either_has(const char *source, const char *target, char c)
{
    return strchr(source, c) || (target && strchr(target, c));
}

/* A path in a -v spec, which in a body is the inside of a JSON string. */
static void put_volume_path(struct out *o, const struct spec *s, const char *path)
{
    if (s->json)
        put_json_text(o, path);
    else
        put(o, path);
}

/* `target` is NULL for the one that was given. In a body all of it is the inside of a JSON string,
 * and what does not change stays spelled as it was. NULL, or what is wrong. */
static const char *put_volume(struct out *o, const struct spec *s, const char *source,
                              const char *target, bool ro)
{
    put_volume_path(o, s, source);
    if (target) {
        put(o, ":");
        put_volume_path(o, s, target);
    } else
        put_bytes(o, s->rest, s->rest_len);
    if (s->json && (!ro || s->ro))
        put_bytes(o, s->tail, s->tail_len);
    else
        put_modes(o, s->mode, ro);
    if (either_has(source, target, ':'))
        return "a colon cannot be escaped: use --mount, in a body Mounts";
    return NULL;
}

/* A field of a --mount record with another value. It is quoted where its key was, and where Go's
 * encoding/csv would not read it back otherwise. A key has no quotes in it: what follows an opening
 * quote is the key. */
static void put_csv(struct out *o, const char *key, size_t key_len, const char *value)
{
    bool was_quoted = key_len && *key == '"';
    bool quote = was_quoted || strpbrk(value, ",\"\n");
    if (quote)
        put(o, "\"");
    put_bytes(o, key + was_quoted, key_len);
    for (; *value; value++) {
        if (*value == '"')
            put(o, "\"");
        put_bytes(o, value, 1);
    }
    if (quote)
        put(o, "\"");
}

/* Does it end with what Go's strings.TrimSpace() takes away? docker's command line does that to a
 * --mount from 29.2.1 on. At the start stands a key. */
static bool ends_blank(const char *s, size_t len)
{
    static const char *const blanks[] = {
        " ", "\t", "\n", "\v", "\f", "\r", "\xc2\x85", "\xc2\xa0", "\xe1\x9a\x80", "\xe2\x80\x80",
        "\xe2\x80\x81", "\xe2\x80\x82", "\xe2\x80\x83", "\xe2\x80\x84", "\xe2\x80\x85",
        "\xe2\x80\x86", "\xe2\x80\x87", "\xe2\x80\x88", "\xe2\x80\x89", "\xe2\x80\x8a",
        "\xe2\x80\xa8", "\xe2\x80\xa9", "\xe2\x80\xaf", "\xe2\x81\x9f", "\xe3\x80\x80",
    };
    for (size_t i = 0; i < sizeof blanks / sizeof *blanks; i++) {
        size_t n = strlen(blanks[i]);
        if (len >= n && !memcmp(s + len - n, blanks[i], n))
            return true;
    }
    return false;
}

/* NULL, or what is wrong. `target` is NULL for the one that was given. */
static const char *put_mount(struct out *o, const struct spec *s, const char *source,
                             const char *target, bool ro)
{
    bool says_ro = s->ro;
    size_t start = o->len;
    for (size_t i = 0; i < s->nfields; i++) {
        const struct field *f = &s->fields[i];
        if (i)
            put(o, ",");
        if (f->role == FIELD_SOURCE)
            put_csv(o, f->at, f->key_len, source);
        else if (f->role == FIELD_TARGET && target)
            put_csv(o, f->at, f->key_len, target);
        else if (f->role == FIELD_READONLY && ro) {
            put(o, "readonly");
            says_ro = true;
        } else
            put_bytes(o, f->at, f->len);
    }
    if (ro && !says_ro)
        put(o, ",readonly");
    if (either_has(source, target, '\r'))
        return "a carriage return in a path does not survive --mount";
    if (ends_blank(o->at + start, o->len - start))
        return "docker removes white space at the end of a --mount: put another key "
               "last, or use -v";
    return NULL;
}

/* ==== descriptions ===============================================================================
 *
 * In: the words of -p, -b and -o, or a file that has them line by line or is what an engine prints
 * of a container. Out: a runner that is ready to be opened. Never here: half a description, or a
 * mount of the runner's that is left out because nobody can name it - then its place is noted, so
 * that what lies below it on the host is not taken for what the runner sees there. */

static const char no_pid[] = "not a decimal PID[:START], as docker inspect -f '{{.State.Pid}}' "
                             "NAME prints it";

enum { MAX_FILE = 64 << 20 };   /* bytes: of a description, and of a body on standard input */

/* Standard input, which stays open. */
static long read_input(char **text)
{
    return read_whole(CALL3(SYS_fcntl, 0, F_DUPFD_CLOEXEC, 0), MAX_FILE, text);
}

struct view {
    struct dindbind_runner *runner;
    struct arena *arena;
    struct dindbind_bind *rows;
    size_t nrows;
    bool have_pid;
    bool readonly;              /* a description says that the root is; what the engine puts there
                                 * by itself is so too */
    const char *wrong;          /* the first of what is wrong in a JSON description */
};

/* At each power of two the rows get room for as many again. */
static const char *view_grow(struct view *v)
{
    size_t n = v->nrows;
    bool power = !(n & (n - 1));    /* of two, or 0 */
    if (!power)
        return NULL;
    struct dindbind_bind *more = arena_alloc(v->arena, (2 * n + 1) * sizeof *more);
    if (!more)
        return no_memory;
    if (n)
        memcpy(more, v->rows, n * sizeof *more);
    v->rows = more;
    return NULL;
}

static const char *view_row(struct view *v, const char *host, const char *path, bool ro)
{
    const char *place, *wrong = clean_target(v->arena, path, &place);
    if (wrong == bad_target)
        return "a mount whose place is no absolute path";
    if (!wrong)
        wrong = view_grow(v);
    if (wrong)
        return wrong;
    v->rows[v->nrows++] = (struct dindbind_bind){ .host = host, .path = place, .ro = ro };
    return NULL;
}

/* What is wrong is noted and does not stop the reading: only the first of it is reported. */
static void view_note(struct view *v, const char *wrong)
{
    if (!v->wrong)
        v->wrong = wrong;
}

static void view_mount(struct view *v, const char *host, const char *path, bool ro,
                       enum dindbind_origin origin)
{
    const char *wrong = view_row(v, host, path, ro);
    view_note(v, wrong);
    if (!wrong)
        v->rows[v->nrows - 1].origin = origin;
}

/* PID[:START]. NULL, or what is wrong with it. */
static const char *parse_pid(const char *value, long *pid, unsigned long long *start)
{
    unsigned long long number;
    const char *end = value + strcspn(value, ":");
    if (!parse_number(value, end, INT_MAX, &number) ||
        (*end && !parse_number(end + 1, end + strlen(end), ULLONG_MAX, start)))
        return no_pid;
    *pid = (long)number;
    return NULL;
}

static const char *view_pid(struct view *v, const char *value)
{
    if (v->have_pid)
        return "given twice";
    v->have_pid = true;
    return parse_pid(value, &v->runner->pid, &v->runner->start);
}

/* A bind row has the grammar of -v; of its modes only ro matters. */
static const char *view_bind(struct view *v, const char *value)
{
    struct spec s;
    if (*value && !strchr(value, ':'))
        return "no :PATH; write HOST:PATH";
    const char *wrong = parse_volume(v->arena, value, &s);
    if (wrong)
        return wrong;
    if (!s.source || *s.source != '/')
        return "HOST must be an absolute path";
    return view_row(v, s.source, s.target, s.ro);
}

static const char *view_overlay(struct view *v, const char *value)
{
    if (v->runner->overlay)
        return "given twice";
    v->runner->overlay = value;
    return NULL;
}

/* An engine has described it, and where its root is if it said so. */
static void view_merged(struct view *v, const char *dir)
{
    if (dir && *dir == '/')
        v->runner->merged = dir;
    else if (!v->runner->merged)
        v->runner->merged = "";
}

/* An option without its dashes: a word, blanks, a value. */
static const char *view_line(struct view *v, const char *line)
{
    static const struct {
        const char *word;
        const char *(*take)(struct view *, const char *);
    } words[] = {
        { "pid", view_pid },
        { "bind", view_bind },
        { "overlay", view_overlay },
    };
    size_t n = strcspn(line, " \t"), blanks = strspn(line + n, " \t");
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strncmp(words[i].word, line, n) || words[i].word[n])
            continue;
        const char *value = line + n + blanks;
        if (!*value)
            return "needs a value";
        value = arena_copy(v->arena, value, strlen(value));
        return value ? words[i].take(v, value) : no_memory;
    }
    return "not one of pid, bind, overlay";
}

/* A file of such lines, blank ones, and comments. `number` is that of the line that is wrong. */
static const char *view_lines(struct view *v, char *text, size_t len, size_t *number)
{
    char *stop = text + len, *end;
    *number = 0;
    for (char *line = text; line < stop; line = end + 1) {
        line += strspn(line, " \t");
        end = line + strcspn(line, "\n");
        ++*number;
        if (!*end && end != stop)
            return "a NUL byte";
        *end = 0;
        if (!*line || *line == '#')
            continue;
        if (strchr(" \t\r", end[-1]))
            return "a blank or a carriage return at its end";
        const char *wrong = view_line(v, line);
        if (wrong)
            return wrong;
    }
    return NULL;
}

static void view_json_pid(struct view *v, const char *value)
{
    char number[24];
    struct text t = text_new(number, sizeof number);
    if (value)
        text_bytes(&t, value, (size_t)(json_skip(value) - value));
    view_note(v, view_pid(v, strchr(number, ':') ? "" : number));
}

static const char *view_copy(struct view *v, const char *text)
{
    const char *copy = arena_copy(v->arena, text, strlen(text));
    view_note(v, copy ? NULL : no_memory);
    return copy;
}

/* A path that may be relative to a directory; NULL where one of them is missing, or they make no
 * path. */
static const char *view_absolute(struct view *v, const char *dir, const char *path)
{
    char full[DINDBIND_PATH_MAX];
    if (path && *path == '/')
        return path;
    if (!path || !*path || !dir || !absolute_path(full, dir, path))
        return NULL;
    return view_copy(v, full);
}

static bool is_empty_path(const char *path)
{
    int fd = open_path(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool empty = fd >= 0 && is_empty_dir(fd, 2);
    sys_close(fd);
    return empty;
}

static void view_members(struct view *v, const char *object, const struct json_row *rows, size_t n,
                         struct member *m)
{
    view_note(v, json_members(v->arena, JSON_OURS, object, rows, n, m));
}

/* The text of a string, or NULL. */
static const char *view_text(struct view *v, const char *value)
{
    char *text;
    if (json_decode(v->arena, JSON_OURS, value, &text) == no_memory)
        view_note(v, no_memory);
    return text;
}

/* Is one of these words an element of the list? */
static bool json_lists(const char *list, const char *words)
{
    char text[JSON_NAME];
    for (const char *p = json_first(list); p; p = json_after(p)) {
        json_name(p, JSON_OURS, false, text);
        if (is_one_of(words, text))
            return true;
    }
    return false;
}

/* Missing, null, or an empty string. */
static bool is_empty_member(const struct member *m)
{
    return json_null(m->at) || is_word(m->text, "");
}

/* An element of `Mounts` of docker inspect and podman inspect. */
enum {
    MOUNT_TYPE = TOP + 1, MOUNT_SOURCE, MOUNT_DESTINATION, MOUNT_DRIVER, MOUNT_RW, MOUNT_OPTIONS,
    MOUNT_SUBPATH, MOUNT_KEYS
};

static const struct json_row mount_members[MOUNT_KEYS] = {
    [MOUNT_TYPE] = { .name = "Type" },
    [MOUNT_SOURCE] = { .name = "Source" },
    [MOUNT_DESTINATION] = { .name = "Destination" },
    [MOUNT_DRIVER] = { .name = "Driver" },
    [MOUNT_RW] = { .name = "RW" },
    [MOUNT_OPTIONS] = { .name = "Options" },
    [MOUNT_SUBPATH] = { .name = "SubPath" },
};

/* Is there no task whose view the kernel would show? */
static bool is_dead(const struct view *v)
{
    return !v->runner->pid && !v->runner->self;
}

/* Does one of these options name directories? What is no text may. */
static bool options_name_dirs(struct view *v, const char *options)
{
    for (const char *p = json_first(options); p; p = json_after(p)) {
        const char *option = view_text(v, p);
        if (!option || names_dirs(option))
            return true;
    }
    return false;
}

/* Is this path below a directory there, with no link on the way or at its end? */
static bool is_there_without_links(const char *dir, const char *path)
{
    char first;
    struct root root = { .fd = open_path(dir, OPEN_DIR) };
    if (root.fd < 0)
        return false;
    int fd = reopen(&root, path, OPEN_PIN);
    bool known = fd >= 0 && CALL(SYS_readlinkat, fd, "", &first, 1) < 0;
    sys_close(fd);
    sys_close(root.fd);
    return known;
}

/* A part of a volume (podman: with a slash before it), which a link on the way would make another
 * one. NULL: only the kernel knows which it is. */
static const char *inspect_subpath(struct view *v, const char *host, const char *path)
{
    if (!path || !is_dead(v))
        return NULL;
    const char *clean = view_absolute(v, "/", path);
    if (!clean || !is_there_without_links(host, clean))
        return NULL;
    return view_absolute(v, host, clean + 1);
}

/* Where on the host it comes from. NULL: that is not known. */
static const char *inspect_source(struct view *v, const struct member *m)
{
    const char *source = m[MOUNT_SOURCE].text;
    bool volume = is_word(m[MOUNT_TYPE].text, "volume");
    if (!source || *source != '/')
        return NULL;
    if (!volume && !is_word(m[MOUNT_TYPE].text, "bind"))
        return NULL;
    /* U+FFFD: a name that is not UTF-8 was not printed as it is */
    if (strstr(source, "\xef\xbf\xbd"))
        return NULL;
    /* podman mounts an overlay of it, where only podman sees it */
    if (options_name_dirs(v, m[MOUNT_OPTIONS].at))
        return NULL;
    /* the directory of a volume that is a mount itself is empty once that has been unmounted */
    if (volume && is_dead(v) && is_empty_path(source))
        return NULL;
    if (is_empty_member(&m[MOUNT_SUBPATH]))
        return source;
    return inspect_subpath(v, source, m[MOUNT_SUBPATH].text);
}

static void inspect_mounts(struct view *v, const char *mounts)
{
    struct member m[MOUNT_KEYS];
    for (const char *p = json_first(mounts); p; p = json_after(p)) {
        view_members(v, p, mount_members, MOUNT_KEYS, m);
        bool own = is_word(m[MOUNT_TYPE].text, "volume") && is_word(m[MOUNT_DRIVER].text, "local");
        /* docker takes one without its first slash, and so do runtimes */
        view_mount(v, inspect_source(v, m), view_absolute(v, "/", m[MOUNT_DESTINATION].text),
                   !json_true(m[MOUNT_RW].at), own ? DINDBIND_ENGINES : DINDBIND_REPORTED);
    }
}

/* An element of `HostConfig.Mounts`, which is what the engine was asked for. */
enum {
    ASKED_TARGET = TOP + 1, ASKED_VOLUME, ASKED_SUBPATH, ASKED_DRIVER, ASKED_OPTIONS, ASKED_KEYS
};

static const struct json_row asked_members[ASKED_KEYS] = {
    [ASKED_TARGET] = { .name = "Target" },
    [ASKED_VOLUME] = { .name = "VolumeOptions" },
    [ASKED_SUBPATH] = { .name = "Subpath", .in = ASKED_VOLUME },
    [ASKED_DRIVER] = { .name = "DriverConfig", .in = ASKED_VOLUME },
    [ASKED_OPTIONS] = { .name = "Options", .in = ASKED_DRIVER },
};

/* inspect names a volume's root also where only a part of it is mounted, or a directory that its
 * options name. */
static void inspect_asked(struct view *v, const char *mounts)
{
    struct member m[ASKED_KEYS];
    for (const char *p = json_first(mounts); p; p = json_after(p)) {
        const char *target;
        view_members(v, p, asked_members, ASKED_KEYS, m);
        bool part = !is_empty_member(&m[ASKED_SUBPATH]);
        if (!part && !json_first(m[ASKED_OPTIONS].at))
            continue;
        if (clean_target(v->arena, m[ASKED_TARGET].text, &target) == no_memory)
            view_note(v, no_memory);
        /* with no such target it may be any of them */
        for (struct dindbind_bind *row = v->rows, *end = row + v->nrows; row < end; row++) {
            if (!row->host || (target && strcmp(row->path, target)))
                continue;
            if (json_first(m[ASKED_OPTIONS].at))
                row->origin = DINDBIND_REPORTED;
            if (part)
                row->host = inspect_subpath(v, row->host, m[ASKED_SUBPATH].text);
        }
    }
}

/* The layers as mount options: lowerdirs are separated by colons already. */
static const char *view_layers(struct view *v, const char *lower, const char *upper)
{
    if (!lower || !upper || !*lower || !*upper)
        return NULL;
    size_t size = 2 * (strlen(lower) + strlen(upper)) + 32;
    char *options = arena_alloc(v->arena, size);
    if (!options)
        return no_memory;
    struct text t = text_in(options, size, "lowerdir=");
    text_escaped(&t, lower, ",\\");
    text_add(&t, ",upperdir=");
    text_escaped(&t, upper, ",\\");
    return view_overlay(v, options);
}

/* docker inspect, podman inspect. */
enum {
    INSPECT_STATE = TOP + 1, INSPECT_PID, INSPECT_MOUNTS, INSPECT_HOST, INSPECT_TMPFS,
    INSPECT_ASKED, INSPECT_READONLY, INSPECT_ID, INSPECT_CONFIG, INSPECT_SYSTEMD, INSPECT_SECRETS,
    INSPECT_PODMAN, INSPECT_BUNDLE, INSPECT_STORE, INSPECT_GRAPH, INSPECT_DRIVER, INSPECT_DATA,
    INSPECT_LOWER, INSPECT_UPPER, INSPECT_MERGED, INSPECT_HOSTS_FILE, INSPECT_HOSTNAME_FILE,
    INSPECT_RESOLV_FILE, INSPECT_KEYS
};

static const struct json_row inspect_members[INSPECT_KEYS] = {
    [INSPECT_STATE] = { .name = "State" },
    [INSPECT_PID] = { .name = "Pid", .in = INSPECT_STATE },
    [INSPECT_MOUNTS] = { .name = "Mounts" },
    [INSPECT_HOST] = { .name = "HostConfig" },
    [INSPECT_TMPFS] = { .name = "Tmpfs", .in = INSPECT_HOST },
    [INSPECT_ASKED] = { .name = "Mounts", .in = INSPECT_HOST },
    [INSPECT_READONLY] = { .name = "ReadonlyRootfs", .in = INSPECT_HOST },
    [INSPECT_ID] = { .name = "Id" },
    [INSPECT_CONFIG] = { .name = "Config" },
    [INSPECT_SYSTEMD] = { .name = "SystemdMode", .in = INSPECT_CONFIG },
    [INSPECT_SECRETS] = { .name = "Secrets", .in = INSPECT_CONFIG },
    [INSPECT_PODMAN] = { .name = "StaticDir" },     /* nobody else has that */
    [INSPECT_BUNDLE] = { .name = "OCIConfigPath" },
    [INSPECT_STORE] = { .name = "Driver" },
    [INSPECT_GRAPH] = { .name = "GraphDriver" },
    [INSPECT_DRIVER] = { .name = "Name", .in = INSPECT_GRAPH },
    [INSPECT_DATA] = { .name = "Data", .in = INSPECT_GRAPH },
    [INSPECT_LOWER] = { .name = "LowerDir", .in = INSPECT_DATA },
    [INSPECT_UPPER] = { .name = "UpperDir", .in = INSPECT_DATA },
    [INSPECT_MERGED] = { .name = "MergedDir", .in = INSPECT_DATA },
    [INSPECT_HOSTS_FILE] = { .name = "HostsPath" },
    [INSPECT_HOSTNAME_FILE] = { .name = "HostnamePath" },
    [INSPECT_RESOLV_FILE] = { .name = "ResolvConfPath" },
};

/* Of a dead runner of podman's what its config.json has is not known. */
enum unknown { PODMANS = 1, SYSTEMDS = 2, READONLYS = 4 };

/* What engines mount into each runner and do not list under Mounts. */
static const struct silent_mount {
    const char *place;
    enum unknown only;          /* it is one only if one of these is not known; 0: always */
    unsigned file;              /* the member that names it on the host, or 0 */
} silent_mounts[] = {
    { .place = "/proc" },
    { .place = "/sys" },
    { .place = "/dev" },
    { .place = "/run/secrets" },
    { .place = "/sbin/docker-init" },
    { .place = "/run/.containerenv", .only = PODMANS },
    { .place = "/etc/localtime", .only = PODMANS },
    { .place = "/run/podman-init", .only = PODMANS },
    { .place = "/run", .only = SYSTEMDS | READONLYS },
    { .place = "/run/lock", .only = SYSTEMDS },
    { .place = "/tmp", .only = SYSTEMDS | READONLYS },
    { .place = "/var/tmp", .only = READONLYS },
    { .place = "/var/log/journal", .only = SYSTEMDS },
    { .place = "/etc/hosts", .file = INSPECT_HOSTS_FILE },
    { .place = "/etc/hostname", .file = INSPECT_HOSTNAME_FILE },
    { .place = "/etc/resolv.conf", .file = INSPECT_RESOLV_FILE },
};

static void inspect_silent(struct view *v, const struct member *m, unsigned unknown)
{
    if (unknown && json_true(m[INSPECT_SYSTEMD].at))
        unknown |= SYSTEMDS;
    if (unknown && v->readonly)
        unknown |= READONLYS;
    for (size_t i = 0; i < sizeof silent_mounts / sizeof *silent_mounts; i++) {
        const struct silent_mount *row = &silent_mounts[i];
        const char *host = NULL;
        if (row->only && !(row->only & unknown))
            continue;
        /* if the container was never started the file is not made yet, and has no name */
        if (row->file && m[row->file].text && *m[row->file].text == '/')
            host = m[row->file].text;
        /* not all engines mount all of those that have no name */
        view_mount(v, host, row->place, v->readonly, host ? DINDBIND_ENGINES : DINDBIND_GIVEN);
    }
}

/* docker does not report where it mounts a root of its containerd image store,
 * <data root>/rootfs/<Driver>/<Id>. Its files tell the data root. NULL: they do not. */
static const char *inspect_merged(struct view *v, const struct member *m)
{
    const char *tail, *store = m[INSPECT_STORE].text, *id = m[INSPECT_ID].text;
    char place[DINDBIND_PATH_MAX];
    if (m[INSPECT_MERGED].text || !store || strchr(store, '/') || !id || !*id || strchr(id, '/'))
        return m[INSPECT_MERGED].text;
    for (unsigned i = INSPECT_HOSTS_FILE; i <= INSPECT_RESOLV_FILE; i++) {
        const char *file = m[i].text;
        if (!file || own_tail(file, &tail) != OWN_FILE || !starts_with(tail, "/containers/"))
            continue;
        struct text t = text_new(place, sizeof place);
        text_bytes(&t, file, (size_t)(tail - file));
        text_add(&t, "/rootfs/");
        text_add(&t, store);
        text_add(&t, "/");
        text_add(&t, id);
        const char *merged = arena_copy(v->arena, place, t.len);
        if (!merged)
            view_note(v, no_memory);
        return t.cut ? NULL : merged;
    }
    return NULL;
}

/* An element of `mounts` of config.json. */
enum {
    CONFIG_DESTINATION = TOP + 1, CONFIG_TYPE, CONFIG_SOURCE, CONFIG_OPTIONS, CONFIG_KEYS
};

static const struct json_row config_members[CONFIG_KEYS] = {
    [CONFIG_DESTINATION] = { .name = "destination" },
    [CONFIG_TYPE] = { .name = "type" },
    [CONFIG_SOURCE] = { .name = "source" },
    [CONFIG_OPTIONS] = { .name = "options" },
};

static void config_mount(struct view *v, const char *mount, const char *bundle)
{
    struct member m[CONFIG_KEYS];
    view_members(v, mount, config_members, CONFIG_KEYS, m);
    const char *source = NULL, *options = m[CONFIG_OPTIONS].at;
    if (is_word(m[CONFIG_TYPE].text, "bind") || json_lists(options, "bind\0rbind\0"))
        source = view_absolute(v, bundle, m[CONFIG_SOURCE].text);
    const char *place = view_absolute(v, "/", m[CONFIG_DESTINATION].text);
    view_mount(v, source, place, json_lists(options, "ro\0rro\0"), DINDBIND_REPORTED);
}

/* The runtime mounts them in this order: each hides what was mounted below it before. */
static void config_mounts(struct view *v, const char *mounts, const char *bundle)
{
    for (const char *p = json_first(mounts); p; p = json_after(p)) {
        config_mount(v, p, bundle);
        if (v->wrong)
            return;
        const char *last = v->rows[v->nrows - 1].path;
        size_t n = v->nrows;
        v->nrows = 0;
        for (size_t i = 0; i < n; i++)
            if (!strictly_below(v->rows[i].path, last))
                v->rows[v->nrows++] = v->rows[i];
    }
}

/* What distinguishes the three kinds of descriptions, and what the two short ones have. */
enum {
    VIEW_STATE = TOP + 1, VIEW_PID, VIEW_BUNDLE, VIEW_ROOTFS, VIEW_ROOT, VIEW_PATH, VIEW_READONLY,
    VIEW_MOUNTS, VIEW_KEYS
};

static const struct json_row description_members[VIEW_KEYS] = {
    [VIEW_STATE] = { .name = "State" },
    [VIEW_PID] = { .name = "pid" },
    [VIEW_BUNDLE] = { .name = "bundle" },
    [VIEW_ROOTFS] = { .name = "rootfs" },
    [VIEW_ROOT] = { .name = "root" },
    [VIEW_PATH] = { .name = "path", .in = VIEW_ROOT },
    [VIEW_READONLY] = { .name = "readonly", .in = VIEW_ROOT },
    [VIEW_MOUNTS] = { .name = "mounts" },
};

/* All mounts of the config.json that a container was started with. false: it cannot be read. */
static bool bundle_mounts(struct view *v, const char *file)
{
    struct member m[VIEW_KEYS];
    struct json_error e;
    char *text;
    /* a FIFO is none, and must not be waited for */
    long len = read_whole(open_path(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK), MAX_FILE, &text);
    const char *top = len < 0 ? NULL : json_check(&e, text, (size_t)len);
    if (top)
        view_members(v, top, description_members, VIEW_KEYS, m);
    bool read = top && m[VIEW_MOUNTS].at && *m[VIEW_MOUNTS].at == '[';
    if (read)
        config_mounts(v, m[VIEW_MOUNTS].at, NULL);
    free(text);
    return read;
}

/* podman does not report secrets, artifacts and tmpfs of its own, but where the config.json is
 * that has them. What it names that is gone, as the tmpfs of /dev/shm, has no name. Without it
 * the layers are not asked: they have something else at these places. What was never started
 * has no config.json yet, and its secrets are reported. Returns what is not known. */
static unsigned inspect_bundle(struct view *v, const struct member *m)
{
    const char *file = m[INSPECT_BUNDLE].text;
    if (!m[INSPECT_PODMAN].at || !is_dead(v))
        return 0;
    bool started = file && *file == '/';
    if (!started || !bundle_mounts(v, file)) {
        if (started || json_first(m[INSPECT_SECRETS].at))
            v->runner->no_layers = "podman mounts more than it reports, and its config.json "
                                   "(OCIConfigPath) cannot be read";
        return PODMANS;
    }
    for (size_t i = 0; i < v->nrows; i++) {
        struct dindbind_bind *row = &v->rows[i];
        int fd = row->host ? open_path(row->host, OPEN_PIN) : -ENOENT;
        sys_close(fd);
        if (fd < 0 || is_empty_path(row->host))
            row->host = NULL;
    }
    return 0;
}

static void view_inspect(struct view *v, const char *top)
{
    struct member m[INSPECT_KEYS];
    view_members(v, top, inspect_members, INSPECT_KEYS, m);
    view_json_pid(v, m[INSPECT_PID].at);
    view_merged(v, inspect_merged(v, m));
    /* without an id nothing shows it either, and a message has to call it something */
    v->runner->id = "the container of the description";
    if (m[INSPECT_ID].text && *m[INSPECT_ID].text)
        v->runner->id = m[INSPECT_ID].text;
    v->readonly |= json_may_be_true(m[INSPECT_READONLY].at);
    /* where two are at one place the later one counts */
    inspect_silent(v, m, inspect_bundle(v, m));
    for (const char *p = json_first(m[INSPECT_TMPFS].at); p; p = json_after(p))
        view_mount(v, NULL, view_text(v, p), false, DINDBIND_REPORTED);
    inspect_mounts(v, m[INSPECT_MOUNTS].at);
    inspect_asked(v, m[INSPECT_ASKED].at);
    const char *driver = m[INSPECT_DRIVER].text;
    if (is_word(driver, "overlay2") || is_word(driver, "overlay"))
        view_note(v, view_layers(v, m[INSPECT_LOWER].text, m[INSPECT_UPPER].text));
}

/* What inspect prints; what runc state and crun state print and a hook gets; or the config.json of
 * an OCI bundle, which is the file's directory. */
static const char *view_object(struct view *v, const char *value, const char *bundle)
{
    struct member m[VIEW_KEYS];
    view_members(v, value, description_members, VIEW_KEYS, m);
    if (m[VIEW_STATE].at && *m[VIEW_STATE].at == '{')
        view_inspect(v, value);
    else if (m[VIEW_PID].at && m[VIEW_BUNDLE].at) {
        view_merged(v, view_absolute(v, m[VIEW_BUNDLE].text, m[VIEW_ROOTFS].text));
        view_json_pid(v, m[VIEW_PID].at);
    } else if (m[VIEW_ROOT].at) {
        /* from inside, its directory is none of the daemon's names */
        if (!v->runner->self)
            view_merged(v, view_absolute(v, bundle, m[VIEW_PATH].text));
        v->readonly |= json_may_be_true(m[VIEW_READONLY].at);
        config_mounts(v, m[VIEW_MOUNTS].at, bundle);
    } else
        view_note(v, "neither inspect's output, nor an OCI state, nor a config.json");
    return v->wrong;
}

/* The engine's file at /etc/hosts, or another one that containers share which share a network. */
static const char *view_own_file(const struct view *v)
{
    const char *tail;
    for (size_t i = 0; i < v->nrows; i++)
        if (v->rows[i].host && own_tail(v->rows[i].host, &tail) == OWN_FILE)
            return v->rows[i].host;
    return NULL;
}

/* One of many containers, and whether its description is not contradicted. */
struct candidate {
    struct dindbind_runner runner;
    struct view view;
    const char *file;
    bool fits;
};

/* An element of the array; it fits too if something else is wrong than that it is another one's:
 * what that is will be said of it later. */
static const char *view_candidate(struct candidate *c, struct arena *arena, const char *value)
{
    *c = (struct candidate){ .runner.self = true };
    c->view = (struct view){ .runner = &c->runner, .arena = arena };
    const char *wrong = view_object(&c->view, value, NULL);
    if (wrong)
        return wrong;
    if (!c->runner.id)
        return "one of many that is not inspect's output";
    c->runner.pid = 0;
    c->runner.binds = c->view.rows;
    c->runner.nbinds = c->view.nrows;
    c->file = view_own_file(&c->view);
    c->fits = dindbind_open(&c->runner) != DINDBIND_E_REUSED;
    dindbind_close(&c->runner);
    return NULL;
}

/* Of what `docker inspect $(docker ps -q)` prints, the one container that is the caller's own. If
 * only the engine's files show which it is, it must be the only one that has these: one that joined
 * its network, and is the caller's, may be refused for another reason. */
static const char *view_mine(struct view *v, const char *array)
{
    struct candidate mine = { 0 }, c;
    bool many = false;
    const char *wrong = NULL;
    for (const char *p = json_first(array); p && !wrong; p = json_after(p)) {
        wrong = view_candidate(&c, v->arena, p);
        bool again = mine.fits && !wrong && !strcmp(c.runner.id, mine.runner.id);
        many |= c.fits && mine.fits && !again;
        if (!wrong && c.fits)
            mine = c;
    }
    for (const char *p = json_first(array); p && !wrong && mine.fits; p = json_after(p)) {
        if (mine.runner.proven || !mine.file)
            break;
        wrong = view_candidate(&c, v->arena, p);
        bool joined = !wrong && c.file && !strcmp(c.file, mine.file);
        many |= joined && strcmp(c.runner.id, mine.runner.id);
    }
    if (wrong)
        return wrong;
    v->have_pid = true;
    v->runner->merged = "";
    v->runner->id = "just one of those that were described";
    if (many || !mine.fits)
        return NULL;            /* refused when it is opened, as any that is another one's */
    v->runner->overlay = mine.runner.overlay;
    v->runner->merged = mine.runner.merged;
    v->runner->id = mine.runner.id;
    for (size_t i = 0; i < mine.view.nrows; i++) {
        const struct dindbind_bind *row = &mine.view.rows[i];
        view_mount(v, row->host, row->path, row->ro, row->origin);
    }
    return v->wrong;
}

static const char *view_json(struct view *v, const char *value, const char *bundle)
{
    if (*value != '[')
        return view_object(v, value, bundle);
    const char *first = json_first(value);
    if (first && !json_after(first))
        return view_object(v, first, bundle);
    if (!v->runner->self)
        return "not the description of just one container";
    return view_mine(v, value);
}

/* The directory that a file lies in, as the kernel calls it. NULL: it has no such name. */
static const char *dir_of(struct view *v, const char *file)
{
    char dir[DINDBIND_PATH_MAX], real[DINDBIND_PATH_MAX];
    const char *slash = strrchr(file, '/');
    struct text t = text_in(dir, sizeof dir, slash ? "" : ".");
    if (slash)
        text_bytes(&t, file, (size_t)(slash - file) + 1);
    return !t.cut && real_dir(dir, real) ? view_copy(v, real) : NULL;
}

static void text_position(struct text *t, const char *unit, size_t number)
{
    text_add(t, unit);
    text_number(t, number);
    text_add(t, ": ");
}

/* The text of a file, in either form. `why` gets the place of what is wrong, where it has one. */
static const char *view_document(struct view *v, const char *file, char *text, size_t len,
                                 struct text *why)
{
    struct json_error e = { NULL, NULL };
    const char *first = json_space(text);
    if (*first != '{' && *first != '[') {
        size_t line;
        const char *wrong = view_lines(v, text, len, &line);
        if (wrong)
            text_position(why, "line ", line);
        return wrong;
    }
    const char *top = json_check(&e, text, len);
    if (top)
        return view_json(v, top, dir_of(v, file));
    text_position(why, "byte ", (size_t)(e.at - text));
    return e.what;
}

/* A whole file, "-" for standard input. Returns the exit status; `why` gets what is wrong. */
static int view_file(struct view *v, const char *file, struct text *why)
{
    char *text;
    long len;
    if (!strcmp(file, "-"))
        len = read_input(&text);
    else
        len = read_whole(open_path(file, O_RDONLY | O_CLOEXEC), MAX_FILE, &text);
    text_shown(why, file);
    text_add(why, ": ");
    if (len < 0) {
        text_errno(why, (int)len);
        text_add(
            why,
            ": the description of the runner cannot be read; give a file that has it, or - for "
            "standard input");
        return 3;
    }
    const char *wrong = view_document(v, file, text, (size_t)len, why);
    free(text);
    if (!wrong)
        return 0;
    text_add(why, wrong);
    return wrong == no_memory ? 3 : 2;
}

/* What a read-only root has in its upperdir is read-only too, when the runner is dead and its
 * layers answer. */
static const char *view_readonly(struct view *v)
{
    static const char word[] = ",ro";
    const char *options = v->runner->overlay;
    if (!v->readonly || !options)
        return NULL;
    size_t size = strlen(options) + sizeof word;
    char *more = arena_alloc(v->arena, size);
    if (!more)
        return no_memory;
    struct text t = text_in(more, size, options);
    text_add(&t, word);
    v->runner->overlay = more;
    return NULL;
}

/* ==== bodies =====================================================================================
 *
 * In: the body of a container-create request of Docker's Engine API. Out: a spec for each mount in
 * it, with the places in the text that may have to change; and the text with these changed. Never
 * here: a key that the daemon would read otherwise, or any other byte changed. */

enum { MAX_BODY_MOUNTS = 1000 };

static const char comma[] = "a comma, after which podman would see another option: use Binds, or "
                            "stage it (-s DIR)",
                  not_utf8[] = "not UTF-8, which the daemon would change: stage it (-s DIR)",
                  not_object[] = "must be a JSON object";

struct body {
    struct arena *arena;
    const char *text, *end;
    const char *done;           /* put out so far: elements come in the order of the text */
    struct spec *specs;
    size_t n;
    const char *what, *wrong;   /* what an error is about, and the error */
};

/* What no mode has: then modes can be copied into a JSON string as they are. */
static bool needs_escape(const char *s)
{
    for (; *s; s++)
        if (*s == '"' || *s == '\\' || (unsigned char)*s < 0x20)
            return true;
    return false;
}

static const char *body_bind(struct body *b, const char *value, struct spec *s)
{
    char *text;
    const char *wrong = json_decode(b->arena, JSON_GO, value, &text);
    if (wrong)
        return wrong;
    b->what = text;
    wrong = parse_volume(b->arena, text, s);
    s->json = value;
    if (wrong || !s->source)
        return wrong;
    if (s->mode && needs_escape(s->mode))
        return bad_modes;
    /* the rest as it is spelled here, for which escapes count */
    size_t n = strlen(s->source);
    s->rest = json_place(value, JSON_GO, n);
    s->tail = json_place(value, JSON_GO, n + s->rest_len);
    s->rest_len = (size_t)(s->tail - s->rest);
    s->tail_len = (size_t)(json_skip(value) - 1 - s->tail);
    return NULL;
}

/* A key that stands twice is what the error is about. */
static const char *body_members(struct body *b, const char *object, const struct json_row *rows,
                                size_t n, struct member *m)
{
    const char *wrong = json_members(b->arena, JSON_GO, object, rows, n, m);
    if (wrong == repeated)
        for (size_t i = TOP + 1; i < n; i++)
            if (m[i].twice)
                b->what = rows[i].name;
    return wrong;
}

/* Is this the key of a map? podman's API does not take maps apart. */
static bool is_key_of_map(const char *key)
{
    char name[JSON_NAME];
    json_name(key, JSON_GO, true, name);
    return !strcmp(name, "options") || !strcmp(name, "labels");
}

/* podman's API joins the strings of a mount with commas, and takes that apart again. Is there a
 * comma in one? `but` is left out: another value takes its place. */
static bool has_comma(const char *value, const char *but)
{
    if (value == but)
        return false;
    if (json_has(value, ','))
        return true;
    for (const char *p = json_first(value); p; p = json_after(p)) {
        const char *part = json_of(p);
        bool whole = *value == '{' && *part != '"' && is_key_of_map(p);
        if (!whole && has_comma(part, but))
            return true;
    }
    return false;
}

/* An element of HostConfig.Mounts. */
enum {
    BODY_TYPE = TOP + 1, BODY_SOURCE, BODY_TARGET, BODY_READONLY,
    BODY_BIND_OPTIONS, BODY_FLAT, BODY_CREATE, BODY_RO_TOP, BODY_RO_ALL, BODY_PROPAGATION,
    BODY_VOLUME_OPTIONS, BODY_DRIVER, BODY_NAME, BODY_OPTIONS, BODY_FSTYPE, BODY_DEVICE, BODY_O,
    BODY_KEYS
};

static const struct json_row body_mount_members[BODY_KEYS] = {
    [BODY_TYPE] = { .name = "Type" },
    [BODY_SOURCE] = { .name = "Source", .kind = JSON_TEXT },
    [BODY_TARGET] = { .name = "Target", .kind = JSON_TEXT },
    [BODY_READONLY] = { .name = "ReadOnly", .kind = JSON_BOOL },
    [BODY_BIND_OPTIONS] = { .name = "BindOptions", .kind = JSON_OBJECT },
    [BODY_FLAT] = { .name = "NonRecursive", .in = BODY_BIND_OPTIONS, .kind = JSON_BOOL },
    [BODY_CREATE] = { .name = "CreateMountpoint", .in = BODY_BIND_OPTIONS, .kind = JSON_BOOL },
    [BODY_RO_TOP] = { .name = "ReadOnlyNonRecursive", .in = BODY_BIND_OPTIONS, .kind = JSON_BOOL },
    [BODY_RO_ALL] = { .name = "ReadOnlyForceRecursive", .in = BODY_BIND_OPTIONS,
                      .kind = JSON_BOOL },
    [BODY_PROPAGATION] = { .name = "Propagation", .in = BODY_BIND_OPTIONS, .kind = JSON_TEXT },
    [BODY_VOLUME_OPTIONS] = { .name = "VolumeOptions", .kind = JSON_OBJECT },
    [BODY_DRIVER] = { .name = "DriverConfig", .in = BODY_VOLUME_OPTIONS, .kind = JSON_OBJECT },
    [BODY_NAME] = { .name = "Name", .in = BODY_DRIVER, .kind = JSON_TEXT },
    [BODY_OPTIONS] = { .name = "Options", .in = BODY_DRIVER, .kind = JSON_OBJECT },
    [BODY_FSTYPE] = { .name = "type", .in = BODY_OPTIONS, .kind = JSON_TEXT, .exact = true },
    [BODY_DEVICE] = { .name = "device", .in = BODY_OPTIONS, .kind = JSON_TEXT, .exact = true },
    [BODY_O] = { .name = "o", .in = BODY_OPTIONS, .kind = JSON_TEXT, .exact = true },
};

/* This member is the source that is translated. */
static void body_source(struct spec *s, const struct member *from)
{
    s->at_source = from->at;
    s->source = from->text;
}

static const char *body_bind_options(struct spec *s, const struct member *m)
{
    const char *propagation = m[BODY_PROPAGATION].text;
    s->flat = json_true(m[BODY_FLAT].at);
    s->create = json_true(m[BODY_CREATE].at);
    s->ro_top = json_true(m[BODY_RO_TOP].at);
    s->ro_all = json_true(m[BODY_RO_ALL].at);
    s->at_options = m[BODY_BIND_OPTIONS].at;
    s->at_ro_top = m[BODY_RO_TOP].at;
    if (propagation && *propagation && !take_propagation(s, propagation))
        return "the Propagation is not understood";
    if (json_null(m[BODY_SOURCE].at))
        return "a bind mount without a source";
    body_source(s, &m[BODY_SOURCE]);
    return NULL;
}

static const char *body_volume(struct spec *s, const struct member *m)
{
    const char *options = json_first(m[BODY_OPTIONS].at);
    const struct driver driver = { .name = m[BODY_NAME].text, .fstype = m[BODY_FSTYPE].text,
                                   .device = m[BODY_DEVICE].text, .o = m[BODY_O].text,
                                   .options = options };
    for (const char *key = options; key; key = json_after(key)) {
        char name[JSON_NAME];
        json_name(key, JSON_GO, false, name);
        if (!find_driver_option(name, strlen(name)))
            return bad_option;
    }
    const char *wrong = take_volume(s, &driver);
    if (!wrong && s->volume)
        body_source(s, &m[BODY_DEVICE]);
    return wrong;
}

/* A target that is no path is left for the daemon to refuse, where nothing is translated for it. */
static const char *body_target(struct body *b, struct spec *s, const char *text)
{
    const char *wrong = clean_target(b->arena, text, &s->target);
    if (wrong == bad_target && !s->source) {
        s->target = "";
        return NULL;
    }
    return wrong;
}

static const char *body_mount(struct body *b, const char *value, struct spec *s)
{
    struct member m[BODY_KEYS];
    enum mount_type type = TYPE_UNKNOWN;
    if (*value != '{')
        return not_object;
    const char *but = NULL, *wrong = body_members(b, value, body_mount_members, BODY_KEYS, m);
    if (wrong)
        return wrong;
    if (m[BODY_TYPE].text)
        type = find_type(m[BODY_TYPE].text);    /* in lower case: no daemon takes another one */
    if (type == TYPE_UNKNOWN)
        return bad_type;
    if (type == TYPE_BIND)
        but = m[BODY_SOURCE].at;
    if (has_comma(value, but))
        return comma;
    *s = (struct spec){ .json = value, .at_target = m[BODY_TARGET].at,
                        .at_readonly = m[BODY_READONLY].at, .ro = json_true(m[BODY_READONLY].at) };
    wrong = json_kinds(b->arena, body_mount_members, BODY_KEYS, m);
    if (!wrong && type == TYPE_BIND)
        wrong = body_bind_options(s, m);
    if (!wrong && type == TYPE_VOLUME)
        wrong = body_volume(s, m);
    if (wrong)
        return wrong;
    if (type != TYPE_BIND && is_pathlike(m[BODY_SOURCE].text))
        return pathlike;
    return body_target(b, s, m[BODY_TARGET].text);
}

/* What only occupies a target: the key of an object. podman reads a key of Volumes as -v, where one
 * with an absolute path after a colon is a bind, unless it starts with a volume's name, as the
 * `b:/c` of docker's CLI; docker-py's `/b:z`, of `/a:/b:z`, is none. */
static const char *body_place(struct body *b, const char *key, struct spec *s)
{
    char *text;
    const char *wrong = json_decode(b->arena, JSON_GO, key, &text);
    if (wrong)
        return wrong;
    const char *colon = strchr(text, ':');
    if (strstr(text, ":/") && !names_volume(text, (size_t)(colon - text)))
        return "a place with a path after a colon: a bind belongs in HostConfig.Binds";
    *s = (struct spec){ .json = key, .aside = true };
    return body_target(b, s, text);
}

static void body_each(struct body *b, const char *list, const char *what,
                      const char *(*take)(struct body *, const char *, struct spec *))
{
    for (const char *p = json_first(list); p && !b->wrong; p = json_after(p)) {
        b->what = what;
        if (b->n == MAX_BODY_MOUNTS)
            b->wrong = "more than 1000 mounts";
        else
            b->wrong = take(b, p, &b->specs[b->n++]);
    }
}

/* What matters of a body. */
enum {
    CREATE_HOST_CONFIG = TOP + 1, CREATE_BINDS, CREATE_MOUNTS, CREATE_TMPFS, CREATE_TOP_BINDS,
    CREATE_TOP_MOUNTS, CREATE_VOLUMES, CREATE_KEYS
};

static const struct json_row create_members[CREATE_KEYS] = {
    [CREATE_HOST_CONFIG] = { .name = "HostConfig", .kind = JSON_OBJECT },
    [CREATE_BINDS] = { .name = "Binds", .in = CREATE_HOST_CONFIG, .kind = JSON_ARRAY },
    [CREATE_MOUNTS] = { .name = "Mounts", .in = CREATE_HOST_CONFIG, .kind = JSON_ARRAY },
    [CREATE_TMPFS] = { .name = "Tmpfs", .in = CREATE_HOST_CONFIG, .kind = JSON_OBJECT },
    [CREATE_TOP_BINDS] = { .name = "Binds", .kind = JSON_ARRAY },
    [CREATE_TOP_MOUNTS] = { .name = "Mounts", .kind = JSON_ARRAY },
    [CREATE_VOLUMES] = { .name = "Volumes", .kind = JSON_OBJECT },
};

static void body_binds(struct body *b, const struct member *m)
{
    body_each(b, m[CREATE_BINDS].at, "HostConfig.Binds", body_bind);
}

static void body_mounts(struct body *b, const struct member *m)
{
    body_each(b, m[CREATE_MOUNTS].at, "HostConfig.Mounts", body_mount);
}

/* All mounts of a body: Binds and Mounts in the order in which they stand there, for what lies
 * between them is copied on the way from one to the next. */
static const char *body_parse(struct body *b, const char *top)
{
    struct member m[CREATE_KEYS];
    b->what = "body";
    if (*top != '{')
        return not_object;
    const char *wrong = body_members(b, top, create_members, CREATE_KEYS, m);
    if (!wrong)
        wrong = json_kinds(b->arena, create_members, CREATE_KEYS, m);
    if (wrong)
        return wrong;
    /* dockerd before 23 takes them for HostConfig's when that is missing */
    if (json_first(m[CREATE_TOP_BINDS].at) || json_first(m[CREATE_TOP_MOUNTS].at))
        return "Binds and Mounts belong in HostConfig";
    b->specs = arena_alloc(b->arena, MAX_BODY_MOUNTS * sizeof *b->specs);
    if (!b->specs)
        return no_memory;
    if (m[CREATE_BINDS].at < m[CREATE_MOUNTS].at) {
        body_binds(b, m);
        body_mounts(b, m);
    } else {
        body_mounts(b, m);
        body_binds(b, m);
    }
    body_each(b, m[CREATE_TMPFS].at, "Volumes or Tmpfs", body_place);
    body_each(b, m[CREATE_VOLUMES].at, "Volumes or Tmpfs", body_place);
    return b->wrong;
}

static const char ro_top_alone[] = "\"ReadOnlyNonRecursive\":true";

/* BindOptions with one more member, as far as that. The rest of the value, which is copied. */
static const char *put_options(struct out *o, const char *value)
{
    bool null = *value != '{';
    put(o, "{");
    put(o, ro_top_alone);
    if (null)
        put(o, "}");
    else if (json_first(value))
        put(o, ",");
    return null ? json_skip(value) : value + 1;
}

/* What stands after the target, if the element has nothing of it. */
static void put_missing(struct out *o, const struct spec *s, bool ro, bool top)
{
    if (ro && !s->at_readonly)
        put(o, ",\"ReadOnly\":true");
    if (top && !s->at_options) {
        put(o, ",\"BindOptions\":{");
        put(o, ro_top_alone);
        put(o, "}");
    }
}

/* One element of Mounts, byte by byte, with other values at the places that change. `top`: what is
 * mounted below stays as it is, which docker from 25 on needs in words. */
static void put_body_mount(struct out *o, const struct spec *s, const char *source,
                           const char *target, bool ro, bool top)
{
    const char *p = s->json, *end = json_skip(p);
    while (p < end) {
        const char *value = p;
        if (p == s->at_source) {
            put_json(o, source);
            p = json_skip(p);
        } else if (p == s->at_target) {
            p = json_skip(p);
            if (target)
                put_json(o, target);
            else
                put_bytes(o, value, (size_t)(p - value));
            put_missing(o, s, ro, top);
        } else if ((ro && p == s->at_readonly) || (top && p == s->at_ro_top)) {
            put(o, "true");
            p = json_skip(p);
        } else if (top && p == s->at_options && !s->at_ro_top)
            p = put_options(o, p);
        else {
            put_bytes(o, p, 1);
            p++;
        }
    }
}

/* One element of Binds or Mounts; `target` is NULL for the one that was given. `top`: see
 * put_body_mount(). NULL, or what is wrong. */
static const char *put_body(struct out *o, const struct spec *s, const char *source,
                            const char *target, bool ro, bool top)
{
    ro = ro && !s->ro;
    if (!is_utf8(source) || (target && !is_utf8(target)))
        return not_utf8;
    if (s->rest) {
        put(o, "\"");
        const char *wrong = put_volume(o, s, source, target, ro);
        put(o, "\"");
        return wrong;
    }
    /* a volume's source stays its name */
    if (!s->volume && strchr(source, ','))
        return comma;
    if (target && strchr(target, ','))
        return comma;
    put_body_mount(o, s, source, target, ro, ro && top && !s->volume && !s->flat && !s->ro_all);
    return NULL;
}

/* ==== answers ====================================================================================
 *
 * In: a batch: an opened runner, what is asked for, and items, which are paths and specs that stand
 * or fall together. Out: their answers as bytes, and a line for each item that was refused. What a
 * refused batch has staged is taken down again. Never here: the command line, the caller's
 * descriptors, or anything printed. */

struct item {
    const char *source;         /* as given */
    struct spec *spec;          /* NULL for a path */
    const char *invalid;        /* why it is no path at all; NULL: it is one */
    int invalid_error;          /* the DINDBIND_E_ code for that */
    /* a spec that names a volume, or nothing: the daemon's own business */
    bool passes;

    struct dindbind_result *res;
    const char *wrong;          /* more about the error in `res`, or NULL */
    struct dindbind_mount *below;
    size_t nbelow;
};

/* What a refusal is put together in: too much for the stack, on which a look-up comes. */
struct scratch {
    struct dindbind_result res;
    char path[DINDBIND_PATH_MAX], target[DINDBIND_PATH_MAX], message[3 * DINDBIND_PATH_MAX];
};

/* A batch, as it is worked on. */
struct dindbind_work {
    struct dindbind_batch *ask;
    struct tables tables;       /* of mounts, shared by all items until the batch ends */
    bool host_checked;
    int host_error;             /* host_check() says so: nothing of this process is to be mounted */
    struct out out, lines;      /* the batch's text, and its messages */

    /* from the first item to the end of its round */
    struct arena arena;
    struct body body;           /* whose mounts the items are, if `text` is there */
    struct item *items;
    size_t nitems, items_size;
    struct dindbind_result **results;   /* of the items that do not pass */
    size_t nresults;
    bool answered;

    /* an item cannot be answered, whatever its source is: create nothing */
    bool doomed;
    bool staged;                /* the sources are */
    bool blames_dir;            /* they are not, because of the directory */
    enum made stage_made;
    size_t nmounts;             /* in the answers so far */
    size_t start;               /* where they start in `out` */
    struct scratch *scratch;    /* NULL: not needed so far */
    const char **targets;       /* of the specs, sorted; NULL: not needed so far */
    size_t ntargets;
};

static bool asks(const struct dindbind_work *w, unsigned flag)
{
    return w->ask->flags & flag;
}

static bool is_body(const struct dindbind_work *w)
{
    return w->body.text;
}

static void say(struct dindbind_work *w, const char *line)
{
    put(&w->lines, line);
    put(&w->lines, "\n");
}

/* What a batch has before anything is asked of malloc(3): asking the kernel for memory costs more
 * than resolving a source. */
struct room {
    struct dindbind_work work;
    char answers[1024];
    _Alignas(8) char space[3 * DINDBIND_PATH_MAX];
};

_Static_assert(sizeof(struct room) <= sizeof((struct dindbind_batch *)0)->room, "it fits");

/* ---- items ---- */

static struct dindbind_work *work_of(struct dindbind_batch *b)
{
    struct room *room = (void *)b->room;
    if (!b->work) {
        b->work = &room->work;
        room->work = (struct dindbind_work){
            .ask = b,
            .arena = arena_in(room->space, sizeof room->space),
            .out = { .at = room->answers, .size = sizeof room->answers },
        };
    }
    return b->work;
}

/* 0, or the error: nothing is added. */
static int refuse_to_add(struct dindbind_batch *b, const char *wrong)
{
    if (!wrong)
        return 0;
    b->wrong = wrong;
    return wrong == no_memory ? DINDBIND_E_NOMEM : DINDBIND_E_USAGE;
}

/* NULL, or why nothing can be added. */
static const char *check_open(const struct dindbind_work *w)
{
    w->ask->about = w->ask->wrong = NULL;
    if (w->answered)
        return "the answers before it are not settled";
    return is_body(w) ? "a body comes alone" : NULL;
}

/* NULL, or no_memory. */
static const char *grow_items(struct dindbind_work *w)
{
    size_t size = w->items_size ? 2 * w->items_size : 4;
    struct item *more = arena_alloc(&w->arena, size * sizeof *more);
    if (!more)
        return no_memory;
    if (w->nitems)
        memcpy(more, w->items, w->nitems * sizeof *more);
    w->items = more;
    w->items_size = size;
    return NULL;
}

/* NULL, or no_memory. */
static const char *add_item(struct dindbind_work *w, const struct item *it)
{
    if (w->nitems == w->items_size && grow_items(w))
        return no_memory;
    w->items[w->nitems++] = *it;
    return NULL;
}

/* NULL, or what is wrong. */
static const char *add_spec(struct dindbind_work *w, struct spec *s)
{
    struct item it = { .source = or_empty(s->source), .spec = s };
    it.passes = !s->source || (s->rest && is_volume_name(s->source));
    if (!strcmp(s->target, "/"))
        return "the target cannot be /";
    for (size_t i = 0; i < w->nitems && *s->target && !s->aside; i++) {
        const struct spec *other = w->items[i].spec;
        if (other && !other->aside && !strcmp(other->target, s->target)) {
            w->ask->about = s->target;
            return "another spec has the same target";
        }
    }
    return add_item(w, &it);
}

int dindbind_add_path(struct dindbind_batch *b, const char *path)
{
    struct dindbind_work *w = work_of(b);
    const struct item it = { .source = path };
    const char *wrong = check_open(w);
    if (!wrong && b->format == DINDBIND_OCI)
        wrong = "a path has no target to mount it at: give a spec";
    if (!wrong)
        wrong = add_item(w, &it);
    return refuse_to_add(b, wrong);
}

/* No path at all, but it has its place among the answers. */
static int add_invalid(struct dindbind_batch *b, const char *shown, int error, const char *why)
{
    const struct item it = { .source = shown, .invalid = why, .invalid_error = error };
    return refuse_to_add(b, add_item(work_of(b), &it));
}

static int add_parsed(struct dindbind_batch *b, const char *text, const char *if_empty,
                      const char *(*parse)(struct arena *, const char *, struct spec *))
{
    struct dindbind_work *w = work_of(b);
    const char *wrong = check_open(w);
    if (!wrong && !*text)
        wrong = if_empty;
    if (wrong)
        return refuse_to_add(b, wrong);
    struct spec *s = arena_alloc(&w->arena, sizeof *s);
    wrong = s ? parse(&w->arena, text, s) : no_memory;
    if (!wrong)
        wrong = add_spec(w, s);
    return refuse_to_add(b, wrong);
}

int dindbind_add_volume(struct dindbind_batch *b, const char *spec)
{
    return add_parsed(b, spec, "an empty spec: give SOURCE:TARGET[:MODES]", parse_volume);
}

int dindbind_add_mount(struct dindbind_batch *b, const char *spec)
{
    return add_parsed(b, spec, "an empty spec: give type=bind,source=PATH,target=PATH",
                      parse_mount);
}

/* Its text is no JSON. */
static const char *refuse_json(struct dindbind_work *w, const struct json_error *e)
{
    enum { SIZE = 32 };
    char *place = arena_alloc(&w->arena, SIZE);
    if (!place)
        return no_memory;
    struct text t = text_in(place, SIZE, "byte ");
    text_number(&t, (unsigned long long)(e->at - w->body.text));
    w->ask->about = place;
    return e->what;
}

/* The mounts in it become the items. */
static const char *add_mounts(struct dindbind_work *w, size_t len)
{
    struct json_error e = { NULL, NULL };
    struct body *body = &w->body;
    const char *top = json_check(&e, body->text, len);
    if (!top)
        return refuse_json(w, &e);
    const char *wrong = body_parse(body, top);
    w->ask->about = body->what;
    for (size_t i = 0; !wrong && i < body->n; i++)
        wrong = add_spec(w, &body->specs[i]);
    return wrong;
}

int dindbind_add_body(struct dindbind_batch *b, const char *json, size_t len)
{
    struct dindbind_work *w = work_of(b);
    const char *wrong = check_open(w);
    b->about = "body";
    if (!wrong && w->nitems)
        wrong = "a body comes alone";
    if (!wrong && b->format != DINDBIND_TEXT)
        wrong = "the answer to a body is a body: leave the format out";
    if (wrong)
        return refuse_to_add(b, wrong);
    w->body = (struct body){ .arena = &w->arena, .text = json, .done = json, .end = json + len };
    wrong = add_mounts(w, len);
    if (wrong) {
        w->body.text = NULL;
        w->nitems = 0;
    }
    return refuse_to_add(b, wrong);
}

/* Results for the items, of which there are no more to come. false: out of memory. */
static bool add_results(struct dindbind_work *w)
{
    struct dindbind_result *res;
    w->results = arena_alloc(&w->arena, w->nitems * (sizeof *res + sizeof *w->results));
    if (!w->results)
        return false;
    res = (struct dindbind_result *)(w->results + w->nitems);
    for (size_t i = 0; i < w->nitems; i++, res++) {
        w->items[i].res = res;
        if (!w->items[i].passes)
            w->results[w->nresults++] = res;
    }
    return true;
}

/* ---- writing an answer ---- */

static const char line_break[] = "a line break in it: use -0 or -f json";

/* The end of a record that starts at `start`. NULL, or what is wrong: it could be read as two. */
static const char *end_record(struct dindbind_work *w, size_t start)
{
    struct out *o = &w->out;
    if (w->ask->end && memchr(o->at + start, '\n', o->len - start))
        return line_break;
    put_bytes(o, &w->ask->end, 1);
    return NULL;
}

/* NULL, or what is wrong. */
static const char *put_plain(struct out *o, const struct item *it, const char *target)
{
    const struct spec *s = it->spec;
    const struct dindbind_result *res = it->res;
    if (s && it->passes)
        put(o, s->text);
    else if (!s)
        put(o, res->path);
    else if (s->csv)
        return put_mount(o, s, res->path, target, res->ro);
    else
        return put_volume(o, s, res->path, target, res->ro);
    return NULL;
}

/* What stands in the body before this element, and the element. NULL, or what is wrong. */
static const char *put_element(struct dindbind_work *w, const struct item *it, const char *target)
{
    const char *element = it->spec->json;
    if (target)
        put(&w->out, ",");
    else
        put_bytes(&w->out, w->body.done, (size_t)(element - w->body.done));
    w->body.done = json_skip(element);
    /* a stage carries mounts below, which may be writable; host paths have specs of their own */
    bool top = w->ask->dir && it->res->ro_mount;
    return put_body(&w->out, it->spec, it->res->path, target, it->res->ro, top);
}

/* One record, or part of the one array or body. `target` is NULL for the one that was given. NULL,
 * or what is wrong. */
static const char *put_one(struct dindbind_work *w, const struct item *it, const char *target)
{
    struct out *o = &w->out;
    size_t start = o->len;
    if (w->ask->format == DINDBIND_OCI) {
        put(o, start > w->start + 1 ? "," : "");
        return put_oci(o, it->spec, it->res);
    }
    if (w->ask->format == DINDBIND_JSON) {
        put_record(o, it->source, it->spec, it->res, NULL);
        return end_record(w, start);
    }
    if (it->res->kind != DINDBIND_SINGLE)
        return "several layers make it up: use -s DIR, -f json, or -f oci with a spec";
    if (is_body(w))
        return put_element(w, it, target);
    const char *wrong = put_plain(o, it, target);
    if (!wrong)
        wrong = end_record(w, start);
    return wrong;
}

static int target_order(const void *a, const void *w)
{
    return strcmp(*(const char *const *)a, *(const char *const *)w);
}

static bool sort_targets(struct dindbind_work *w)
{
    w->targets = arena_alloc(&w->arena, (w->nitems + 1) * sizeof *w->targets);
    if (!w->targets)
        return false;
    for (size_t i = 0; i < w->nitems; i++)
        if (w->items[i].spec && *w->items[i].spec->target)
            w->targets[w->ntargets++] = w->items[i].spec->target;
    qsort(w->targets, w->ntargets, sizeof *w->targets, target_order);
    return true;
}

/* Was something asked for at a place below `above` that has `target`, or is above it? */
static bool is_taken(const struct dindbind_work *w, const char *above, const char *target)
{
    char place[DINDBIND_PATH_MAX];
    const char *key = place;
    bool taken = false;
    copy_path(place, target);
    for (char *end = place + strlen(above); *end && !taken;) {
        end += 1 + strcspn(end + 1, "/");
        char kept = *end;
        *end = 0;
        taken = bsearch(&key, w->targets, w->ntargets, sizeof *w->targets, target_order) != NULL;
        *end = kept;
    }
    return taken;
}

/* A mount below a source, as one more spec; unless something else was asked for there, or above it.
 * NULL, or what is wrong. */
static const char *put_below(struct dindbind_work *w, const struct item *it,
                             const struct dindbind_mount *m)
{
    char target[DINDBIND_PATH_MAX];
    bool fits = put_path(target, it->spec->target, m->rest);
    if (!w->targets && !sort_targets(w))
        return no_memory;
    if (is_taken(w, it->spec->target, target))
        return NULL;
    if (!fits)
        return "a mount below it has too long a target";
    struct spec s = *it->spec;
    struct dindbind_result res = { .rule = it->res->rule, .type = m->type };
    const struct item below = { .source = m->source, .spec = &s, .res = &res };
    res.ro = m->ro || s.ro || asks(w, DINDBIND_READONLY);
    copy_path(res.path, m->path);
    s.target = target;
    return put_one(w, &below, target);
}

/* ---- refusing an item ---- */

/* A slash between two others, as far in the middle as there is one; `low`: there is none. */
static size_t slash_between(const char *path, size_t low, size_t high)
{
    size_t middle = low + (high - low) / 2, at = middle;
    while (at > low && path[at] != '/')
        at--;
    if (at > low)
        return at;
    at = middle;
    while (at < high && path[at] != '/')
        at++;
    return at < high ? at : low;
}

/* 0, or the error of looking it up. A row whose HOST cannot be seen says nothing. */
static int look_at_start(const struct dindbind_runner *r, const char *path,
                         struct dindbind_result *res)
{
    int error = dindbind_resolve(r, path, 0, res);
    return !error && !res->type ? DINDBIND_E_MISSING : error;
}

/* How much of a clean path is right; 0: none, or it cannot be said. Halved at each step: there may
 * be 2,000 names. */
static size_t length_right(const struct dindbind_runner *r, struct scratch *s)
{
    char *path = s->path;
    size_t good = 0, bad = strlen(path), at = slash_between(path, good, bad);
    while (at != good) {
        path[at] = 0;
        int error = look_at_start(r, path, &s->res);
        dindbind_release(&s->res);
        path[at] = '/';
        if (error && error != DINDBIND_E_MISSING)
            return 0;
        if (error)
            bad = at;
        else
            good = at;
        at = slash_between(path, good, bad);
    }
    return good;
}

/* Where the name after what is right leads to, if it is a link. Else: could a directory be made
 * there? */
static bool text_dangling(struct text *t, const struct dindbind_runner *r, struct scratch *s,
                          size_t good)
{
    char *name = s->path + good + 1;
    name[strcspn(name, "/")] = 0;
    s->path[good] = 0;
    int error = look_at_start(r, s->path, &s->res);
    s->path[good] = '/';
    bool link = !error && s->res.fd >= 0 && sys_readlink(s->res.fd, name, s->target) > 0;
    dindbind_release(&s->res);
    if (link) {
        text_add(t, "; ");
        text_shown(t, s->path);
        text_add(t, " is a link to ");
        text_shown(t, s->target);
    }
    return !error && !link && !s->res.ro;
}

/* A path that is not there is mostly mistyped: how far it is right, and what comes then. Could a
 * directory be made there? */
static bool text_nearest(struct text *t, const struct dindbind_runner *r, const char *source,
                         struct scratch *s)
{
    struct dindbind_runner quiet = *r;
    if (clean_path(source, s->path))
        return false;
    quiet.trace = NULL;
    size_t good = length_right(&quiet, s);
    if (!good)
        return false;
    s->path[good] = 0;
    text_add(t, "; ");
    text_shown(t, s->path);
    text_add(t, " is there");
    s->path[good] = '/';
    return text_dangling(t, &quiet, s, good);
}

/* What a message starts with: a source, or what stands for one that is empty. */
static const char *name_of_item(const struct item *it)
{
    if (*it->source)
        return it->source;
    if (!it->spec)
        return "\"\"";
    if (it->spec->text)
        return it->spec->text;
    return it->spec->target;
}

static void text_refusal(struct text *t, struct dindbind_work *w, const struct item *it)
{
    const struct dindbind_runner *r = w->ask->runner;
    int error = it->res->error;
    if (w->ask->runner_error)
        text_message(t, r, name_of_item(it), NULL, error);
    else if (it->invalid) {
        text_shown(t, it->source);
        text_add(t, ": ");
    } else if (w->blames_dir && error != DINDBIND_E_UNSTAGED) {
        *it->res->path = 0;
        text_message(t, r, w->ask->dir, it->res, error);
    } else
        text_message(t, r, name_of_item(it), it->res, error);
    if (it->wrong && !it->invalid)
        text_add(t, "; ");
    text_add(t, or_empty(it->wrong));
    if (error != DINDBIND_E_MISSING || w->ask->runner_error || !w->scratch)
        return;
    bool plain = text_nearest(t, r, it->source, w->scratch);
    bool in_layer = it->res->rule == DINDBIND_RULE_LAYERS;
    if (plain && !in_layer && it->spec && it->spec->create && !asks(w, DINDBIND_MKDIR))
        text_add(t, "; -m creates a missing directory, as docker does");
}

static void put_refusal(struct dindbind_work *w, const struct item *it)
{
    if (!w->scratch)
        w->scratch = arena_alloc(&w->arena, sizeof *w->scratch);
    char brief[512], *message = w->scratch ? w->scratch->message : brief;
    struct text t = text_new(message, w->scratch ? sizeof w->scratch->message : sizeof brief);
    int error = it->res->error, *worst = &w->ask->error;
    text_refusal(&t, w, it);
    if (*worst == DINDBIND_E_UNSTAGED || dindbind_status(*worst) < dindbind_status(error))
        *worst = error;
    /* the refused source has said why */
    if (error != DINDBIND_E_UNSTAGED)
        say(w, message);
    if (w->ask->format != DINDBIND_JSON)
        return;
    put_record(&w->out, it->source, it->spec, it->res, message);
    put_bytes(&w->out, &w->ask->end, 1);
}

/* With Z the engine gives the files a label that the sibling alone has: the runner loses them. */
static void warn_of_label(struct dindbind_work *w, const struct item *it)
{
    char line[2 * DINDBIND_PATH_MAX];
    bool alive = w->ask->runner->pid || w->ask->runner->self;
    if (!alive || it->res->error || it->passes || !it->spec || !it->spec->relabel)
        return;
    struct text t = text_new(line, sizeof line);
    text_shown(&t, it->source);
    text_add(
        &t,
        ": warning: Z gives it an SELinux label of the sibling's own, and the live runner loses "
        "access: use z");
    say(w, line);
}

/* NULL, or what is wrong. */
static const char *put_with_below(struct dindbind_work *w, const struct item *it)
{
    const char *wrong = put_one(w, it, NULL);
    for (size_t i = 0; !wrong && i < it->nbelow; i++)
        wrong = put_below(w, it, &it->below[i]);
    return wrong;
}

static void trace_answer(const struct dindbind_work *w, const struct dindbind_result *res)
{
    const char *what = res->kind == DINDBIND_SINGLE ? res->path : "several layers";
    trace(w->ask->runner, res->ro ? "answer, read-only: " : "answer: ", what);
}

/* Its answer, or its refusal. */
static void put_item(struct dindbind_work *w, struct item *it)
{
    struct dindbind_result *res = it->res;
    size_t mark = w->out.len;
    w->ask->source = name_of_item(it);
    if (!res->error) {
        if (it->passes)
            trace(w->ask->runner, "answer: unchanged, because it names no path of the runner's",
                  "");
        else
            trace_answer(w, res);
        if (it->passes && is_body(w))
            return;
        it->wrong = put_with_below(w, it);
        if (it->wrong)
            res->error = DINDBIND_E_FORMAT;
        if (it->wrong == no_memory) {
            res->error = DINDBIND_E_NOMEM;
            it->wrong = NULL;
        }
        warn_of_label(w, it);
    }
    if (res->error) {
        w->out.len = mark;
        put_refusal(w, it);
    }
}

/* ---- what the request alone prevents ---- */

/* Does a line break end an answer, as text has it? */
static bool is_by_line(const struct dindbind_work *w)
{
    return w->ask->format == DINDBIND_TEXT && !is_body(w) && w->ask->end == '\n';
}

/* What the format or the place asked for cannot say of a spec, whatever its source. NULL: nothing.
 * */
static const char *not_to_say(const struct dindbind_work *w, const struct item *it)
{
    const struct spec *s = it->spec;
    if (w->ask->format == DINDBIND_OCI && s->never)
        return s->never;
    if (w->ask->format == DINDBIND_OCI && it->passes)
        return "a volume, which only its engine can make";
    if (w->ask->dir && s && s->peers && !it->passes)
        return "a stage is private, not shared or slave: leave that out, or take the host path "
               "(-H)";
    /* one in the source may be gone from the answer */
    if (is_by_line(w) && s && strchr(s->text, '\n') && !strchr(it->source, '\n'))
        return line_break;
    return NULL;
}

/* Why the answer could not be written if this source were made, since its own name would stand in
 * it. NULL: it can be made. */
static const char *not_to_make(const struct dindbind_work *w, const struct item *it)
{
    const struct spec *s = it->spec;
    if (w->ask->dir)
        return NULL;            /* no byte of it is in the answer */
    if (is_by_line(w) && strchr(it->source, '\n'))
        return line_break;
    if (is_body(w) && !is_utf8(it->source))
        return not_utf8;
    if (is_body(w) && s && !s->rest && !s->volume && strchr(it->source, ','))
        return comma;
    return NULL;
}

static bool is_relative_to_me(const struct dindbind_work *w, const struct item *it)
{
    return w->ask->runner->self && *it->source == '.';
}

/* Is its text enough to refuse it, before any source is looked at? */
static bool is_hopeless(const struct dindbind_work *w, const struct item *it)
{
    char clean[DINDBIND_PATH_MAX];
    if (it->invalid || not_to_say(w, it))
        return true;
    return !it->passes && !is_relative_to_me(w, it) && clean_path(it->source, clean);
}

/* Will all answers fall with one of them? */
static bool is_doomed(const struct dindbind_work *w)
{
    if (w->ask->format == DINDBIND_JSON && !w->ask->dir)
        return false;
    for (size_t i = 0; i < w->nitems; i++)
        if (is_hopeless(w, &w->items[i]))
            return true;
    return false;
}

/* ---- finding an answer ---- */

/* What only opens a PATH needs no container: its names serve as they are. */
static bool is_to_mount(const struct dindbind_work *w, const struct item *it)
{
    return it->spec || w->ask->dir || asks(w, DINDBIND_TO_HOST) || w->ask->runner->self;
}

/* 0 or an error, as all of these. The source, and a missing directory made. */
static int look_up(struct dindbind_work *w, struct item *it, const char *source)
{
    bool create = asks(w, DINDBIND_MKDIR) && (!it->spec || it->spec->create);
    const char *unsaid = create ? not_to_make(w, it) : NULL;
    unsigned flags = 0;
    if (w->ask->dir)
        flags |= DINDBIND_TO_STAGE;
    if (create && !w->doomed && !unsaid)
        flags |= DINDBIND_MKDIR;
    int error = dindbind_resolve(w->ask->runner, source, flags, it->res);
    if (error != DINDBIND_E_MISSING)
        return error;
    if (unsaid) {
        it->wrong = unsaid;
        return DINDBIND_E_FORMAT;
    }
    /* it would have been created, but for the item that is refused */
    return create && w->doomed ? DINDBIND_E_UNSTAGED : error;
}

/* The host path, for what is to be mounted, and the mounts below it. A stage of a live runner needs
 * neither. */
static int find_host_path(struct dindbind_work *w, struct item *it)
{
    bool needed = is_to_mount(w, it);
    if (w->ask->dir)
        needed = !w->ask->runner->pid;
    if (!needed)
        return 0;
    return host_path(&w->tables, it->res, &it->below, &it->nbelow);
}

/* A volume keeps its name, and another mount of it by that name would be writable. A stage never
 * is. */
static int check_named_volume(struct dindbind_work *w, struct item *it)
{
    const struct spec *s = it->spec;
    if (!s || !s->volume || s->volume_ro || !it->res->ro || w->ask->dir)
        return 0;
    it->res->sys_errno = EROFS;
    return DINDBIND_E_READONLY;
}

static int check_stage_below(struct dindbind_work *w, struct item *it)
{
    if (!w->ask->dir || !it->nbelow)
        return 0;
    it->wrong = "without a live PID a stage has no mounts below: stage them one by one";
    return DINDBIND_E_NESTED;
}

/* An answer that becomes too large with this source is refused, and what the source has below is
 * given back at once. */
static int count_mounts(struct dindbind_work *w, struct item *it)
{
    if (it->spec && it->spec->flat)
        it->nbelow = 0;
    if (!it->spec || w->ask->dir)
        return 0;
    size_t all = w->nmounts + 1 + it->nbelow;
    if (all <= MAX_MOUNTS) {
        w->nmounts = all;
        return 0;
    }
    struct text t = text_new(it->res->path, sizeof it->res->path);
    text_number(&t, all);
    text_add(&t, " with this source and those before it");
    it->res->sys_errno = E2BIG;
    free(it->below);
    it->below = NULL;
    it->nbelow = 0;
    return DINDBIND_E_NESTED;
}

/* It is about the first of the mounts below. */
static int refuse_below(struct item *it, const char *wrong)
{
    copy_path(it->res->path, it->below[0].source);
    it->wrong = wrong;
    return DINDBIND_E_NESTED;
}

/* A path has no room for the mounts below, and a volume has one source. */
static int check_carried(struct dindbind_work *w, struct item *it)
{
    (void)w;
    if (it->nbelow && !it->spec)
        return refuse_below(it, "or use -v or --mount, which carry it");
    if (it->nbelow && it->spec->volume)
        return refuse_below(it, NULL);
    return 0;
}

/* The specs of mounts below copy `ro`, also where these are to stay writable below a source that is
 * not. */
static int check_writable(struct dindbind_work *w, struct item *it)
{
    const struct spec *s = it->spec;
    if (!s || !s->ro || !s->ro_top || asks(w, DINDBIND_READONLY))
        return 0;
    for (size_t i = 0; i < it->nbelow; i++)
        if (!it->below[i].ro)
            return refuse_below(
                it, "what stays writable below a read-only mount has no spec of its own");
    return 0;
}

/* A bare path cannot say that it must be mounted read-only. The proc path need not: its own mount
 * is what opens. */
static int check_bare(struct dindbind_work *w, struct item *it)
{
    const struct dindbind_result *res = it->res;
    if (it->spec || w->ask->format != DINDBIND_TEXT || w->ask->dir || asks(w, DINDBIND_READONLY))
        return 0;
    if (res->kind != DINDBIND_SINGLE || !res->ro)
        return 0;
    if (!is_to_mount(w, it) && res->rule == DINDBIND_RULE_PROC)
        return 0;
    return DINDBIND_E_READONLY;
}

/* In a stage the mounts below become read-only with it, unless they are to stay as they are. */
static int mark_readonly(struct dindbind_work *w, struct item *it)
{
    struct dindbind_result *res = it->res;
    bool asked = it->spec && it->spec->ro;
    if (asks(w, DINDBIND_READONLY) || asked) {
        bool top_alone = !asks(w, DINDBIND_READONLY) && it->spec->ro_top;
        res->ro_mount = top_alone && (!res->ro || res->ro_mount);
        res->ro = true;
    }
    return 0;
}

/* In this order; each returns 0 or an error. */
static int (*const answer_steps[])(struct dindbind_work *w, struct item *it) = {
    check_named_volume,
    check_stage_below,
    count_mounts,
    check_carried,
    check_writable,
    check_bare,
    mark_readonly,
};

/* 0, or why nothing of this process is to be mounted. */
static int process_error(struct dindbind_work *w)
{
    if (!w->host_checked)
        w->host_error = host_check(w->ask->runner);
    w->host_checked = true;
    return w->host_error;
}

/* The answer for one source, but for staging it. */
static int find_answer(struct dindbind_work *w, struct item *it, const char *source)
{
    /* before anything is made */
    if (is_to_mount(w, it) && process_error(w))
        return refuse_host(w->ask->runner, it->res, w->host_error);
    int error = look_up(w, it, source);
    if (!error)
        error = find_host_path(w, it);
    for (size_t i = 0; !error && i < sizeof answer_steps / sizeof *answer_steps; i++)
        error = answer_steps[i](w, it);
    return error;
}

/* For a path of my own that starts from the current directory. */
static int find_relative(struct dindbind_work *w, struct item *it)
{
    char here[DINDBIND_PATH_MAX], source[DINDBIND_PATH_MAX];
    if (!real_dir(".", here) || !absolute_path(source, here, it->source))
        return DINDBIND_E_TOOLONG;
    return find_answer(w, it, source);
}

static int resolve_error(struct dindbind_work *w, struct item *it)
{
    if (w->ask->runner_error)
        return w->ask->runner_error;
    if (it->invalid) {
        it->wrong = it->invalid;
        return it->invalid_error;
    }
    it->wrong = not_to_say(w, it);
    if (it->wrong)
        return DINDBIND_E_FORMAT;
    if (it->passes)
        return 0;
    if (is_relative_to_me(w, it))
        return find_relative(w, it);
    return find_answer(w, it, it->source);
}

static void resolve_item(struct dindbind_work *w, struct item *it)
{
    /* all but its path, which is large */
    memset(it->res, 0, offsetof(struct dindbind_result, path) + 1);
    it->res->fd = -1;
    it->wrong = NULL;
    it->below = NULL;
    it->nbelow = 0;
    w->ask->source = name_of_item(it);
    it->res->error = resolve_error(w, it);
}

/* ---- all items ---- */

static bool any_refused(const struct dindbind_work *w)
{
    for (size_t i = 0; i < w->nitems; i++)
        if (w->items[i].res->error)
            return true;
    return false;
}

/* None of them is staged, because of this error. Where no result is to blame the first one gets it.
 * */
static void refuse_stage(struct dindbind_work *w, int error, int sys_errno)
{
    bool blamed = any_refused(w);
    w->blames_dir = !blamed && (error == DINDBIND_E_UNSAFE || error == DINDBIND_E_BUSY);
    for (size_t i = 0; i < w->nresults; i++) {
        struct dindbind_result *res = w->results[i];
        if (res->error)
            continue;
        copy_path(res->path, w->ask->dir);
        res->error = blamed ? DINDBIND_E_UNSTAGED : error;
        res->sys_errno = blamed ? 0 : sys_errno;
        blamed = true;
    }
}

/* Stage all of them, or none. */
static void stage_items(struct dindbind_work *w)
{
    int sys_errno = 0, error = 0;
    w->stage_made = NOT_MADE;
    w->blames_dir = false;
    if (any_refused(w))
        error = DINDBIND_E_UNSTAGED;
    else if (w->nresults)
        error = stage_sources(w->ask->runner, w->ask->dir, w->results, w->nresults, &sys_errno,
                              &w->stage_made);
    w->staged = !error;
    if (error)
        refuse_stage(w, error, sys_errno);
    else
        for (size_t i = 0; i < w->nresults; i++)
            w->results[i]->kind = DINDBIND_SINGLE;
}

/* A staged answer that nobody gets to know must not stay. 0, or why it does. */
static int unstage_items(struct dindbind_work *w)
{
    int sys_errno, error = 0;
    for (size_t i = 0; w->staged && i < w->nresults && !error; i++)
        error = dindbind_unstage(w->ask->runner, w->results[i]->path, &sys_errno);
    if (error)
        return error;
    w->staged = false;
    if (w->stage_made != NOT_MADE)
        unstage_empty(w->ask->runner, w->ask->dir, w->stage_made);
    w->stage_made = NOT_MADE;
    return 0;
}

/* No answers at all, but for an empty record for each where its caller counts. */
static void refuse_round(struct dindbind_work *w)
{
    w->out.len = w->start;
    w->out.failed = false;
    for (size_t i = 0; i < w->nitems && asks(w, DINDBIND_ALIGNED) && !is_body(w); i++)
        put_bytes(&w->out, &w->ask->end, 1);
}

/* All answers, or of a refused batch what its caller wants of it. */
static void put_items(struct dindbind_work *w)
{
    struct out *o = &w->out;
    if (w->ask->format == DINDBIND_OCI)
        put(o, "[");
    for (size_t i = 0; i < w->nitems; i++)
        put_item(w, &w->items[i]);
    if (w->ask->format == DINDBIND_OCI) {
        put(o, "]");
        put_bytes(o, &w->ask->end, 1);
    }
    if (is_body(w))
        put_bytes(o, w->body.done, (size_t)(w->body.end - w->body.done));
    if (!w->ask->error || w->ask->format == DINDBIND_JSON)
        return;
    refuse_round(w);
}

static void answer_items(struct dindbind_work *w)
{
    w->doomed = asks(w, DINDBIND_MKDIR) && is_doomed(w);
    for (size_t i = 0; i < w->nitems; i++)
        resolve_item(w, &w->items[i]);
    if (w->ask->dir)
        stage_items(w);
    put_items(w);
}

int dindbind_answer(struct dindbind_batch *b)
{
    struct dindbind_work *w = work_of(b);
    if (w->answered)
        return refuse_to_add(b, check_open(w));
    w->answered = true;
    w->tables.r = b->runner;
    w->out.len = b->len;
    w->lines.len = 0;
    w->lines.failed = false;
    b->error = 0;
    w->start = b->len;
    bool good = add_results(w);
    if (good)
        answer_items(w);
    if (w->lines.len)
        put_string(&w->lines, "");
    b->messages = w->lines.len ? w->lines.at : "";
    bool lost = !good || w->out.failed || (w->lines.failed && !b->error);
    if (lost || w->lines.failed)
        b->messages = "out of memory\n";
    if (lost) {
        b->error = DINDBIND_E_NOMEM;
        refuse_round(w);
    }
    if (b->error)
        unstage_items(w);
    b->text = w->out.at;
    b->len = w->out.len;
    return b->error;
}

int dindbind_settle(struct dindbind_batch *b, int kept)
{
    struct dindbind_work *w = b->work;
    int error = 0;
    if (!w)
        return 0;
    if (!kept)
        error = unstage_items(w);
    if (error)
        return error;
    for (size_t i = 0; i < w->nitems && w->items[i].res; i++) {
        dindbind_release(w->items[i].res);
        free(w->items[i].below);
    }
    arena_free(&w->arena);
    struct room *room = (void *)b->room;
    room->work = (struct dindbind_work){
        .ask = b,
        .tables = w->tables,
        .host_checked = w->host_checked,
        .host_error = w->host_error,
        .arena = arena_in(room->space, sizeof room->space),
        .out = w->out,
        .lines = w->lines,
    };
    b->source = b->about = NULL;
    return 0;
}

void dindbind_end(struct dindbind_batch *b)
{
    struct dindbind_work *w = b->work;
    if (!w)
        return;
    if (dindbind_settle(b, 0))
        dindbind_settle(b, 1);          /* it was tried: a stage that stays is its caller's */
    tables_free(&w->tables);
    if (w->out.ours)
        free(w->out.at);
    free(w->lines.at);
    b->work = NULL;
    b->text = NULL;
    b->messages = NULL;
    b->len = 0;
}

/* ==== applet =====================================================================================
 *
 * In: a command line. Out: answers on standard output, messages on standard error, an exit status.
 * The only part that prints. Never here: half an answer, or a system call on a source.
 *
 * The applet and the descriptions call the library through dindbind.h. These few names of its
 * rooms they use besides dindbind.h: CALL,
 * CALL3, CAPS_NO_OPENAT2, CAPS_NO_STATX, OPEN_DIR, OPEN_PIN, OWN_FILE, add_invalid, clean_target,
 * error_row, is_empty_dir, names_dirs, open_path, own_tail, parse_volume, real_dir, reopen, root,
 * spec, sys_close, sys_read, text_errno. */

enum {
    FEW_SOURCES = 256,          /* for which any limit on descriptors is enough */
    MOUNT_BYTES = 8             /* at least that a mount takes in a body */
};

/* What a command line has. */
enum {
    GIVEN_PID = 1 << 0,
    GIVEN_BIND = 1 << 1,
    GIVEN_OVERLAY = 1 << 2,
    GIVEN_RUNNER = 1 << 3,
    GIVEN_SELF = 1 << 4,
    GIVEN_VOLUME = 1 << 5,
    GIVEN_MOUNT = 1 << 6,
    GIVEN_CREATE = 1 << 7,
    GIVEN_HOST = 1 << 8,
    GIVEN_STAGE = 1 << 9,
    GIVEN_FORMAT = 1 << 10,
    GIVEN_NULL = 1 << 11,
    GIVEN_READONLY = 1 << 12,
    GIVEN_MKDIR = 1 << 13,
    GIVEN_UNSTAGE = 1 << 14,
    GIVEN_EXPLAIN = 1 << 15,
    GIVEN_HELP = 1 << 16,
    GIVEN_VERSION = 1 << 17,
    GIVEN_PATH = 1 << 18,       /* no options, but needed for the same checks */
    GIVEN_STDIN = 1 << 19,
    GIVEN_STDIN_FILE = 1 << 20,
    GIVEN_OCI = 1 << 21,
    GIVEN_ENGINE = 1 << 22,

    GIVEN_VIEW = GIVEN_PID | GIVEN_BIND | GIVEN_OVERLAY | GIVEN_RUNNER,
    GIVEN_SPEC = GIVEN_VOLUME | GIVEN_MOUNT
};

struct job {
    struct dindbind_batch *batch;
    struct dindbind_runner *runner;
    struct arena arena;         /* of what lasts as long as the job */
    unsigned given;             /* GIVEN_ bits */
    int status;                 /* to exit with */
    enum dindbind_format format;
    char *body;                 /* what standard input had, for -c */
    size_t body_len;
    struct view view;
    const char **files;         /* of -r */
    unsigned nfiles;
    bool files_by_environment;  /* their only one is $DINDBIND_RUNNER's */
    /* where it was given: the option, or one of the files */
    const char *pid_from, *overlay_from;
    const char *unstage;        /* DIR of -u */
    char **next;                /* word of the command line */
};

static const char usage_text[] =
    "usage: dindbind [VIEW]... [PLACE] PATH...\n"
    "       dindbind [VIEW]... [PLACE] -v SPEC... --mount SPEC...\n"
    "       dindbind [VIEW]... [PLACE] -c <create.json >translated.json\n"
    "       dindbind [-E PID] -u DIR|DIR/N\n"
    "What to mount so that a sibling container sees what the runner sees.\n"
    "VIEW, whose paths they are:\n"
    "  -p, --pid PID[:START]         the runner's task PID; 0: no live task\n"
    "  -b, --bind HOST:PATH[:ro]     the runner has HOST mounted at PATH\n"
    "  -o, --overlay OPTIONS         mount options of the runner's overlay root\n"
    "  -r, --runner FILE             a file: these, or JSON of inspect, config.json\n"
    "  -S, --self                    I am in the runner: give the daemon's names\n"
    "  -E, --engine PID[:START]      who mounts the answer, if in another namespace\n"
    "What to translate:\n"
    "  PATH                          to a path that opens the same file\n"
    "  -                             the same for paths on standard input\n"
    "  -v, --volume SPEC             of docker run -v\n"
    "      --mount SPEC              of docker run --mount\n"
    "  -c, --create                  a create body of Docker's API, in to out\n"
    "PLACE, what to answer with (without it: a SPEC gets the host path):\n"
    "  -H, --host                    the host path, if you trust the runner\n"
    "  -s, --stage DIR               a mount of the source itself, DIR/0, DIR/1, ...\n"
    "Others:\n"
    "  -f, --format text|json|oci    oci: mounts of a config.json, from SPECs\n"
    "  -0, --null                    NUL ends a path, in and out\n"
    "  -R, --read-only               I mount it read-only\n"
    "  -m, --mkdir                   create a missing directory, as docker run -v\n"
    "  -u, --unstage DIR|DIR/N       take a stage down, or one entry of it\n"
    "  -x, --explain                 each rule tried, on standard error\n"
    "  -h, --help   -V, --version\n"
    "Exit: 0 translated, 1 a source refused, 2 usage, 3 runner or system unreadable\n"
    "Examples, outside of the runner and inside:\n"
    "  dindbind -p \"$(docker inspect -f '{{.State.Pid}}' runner)\" -v /work:/w\n"
    "  docker run --rm -v \"$(dindbind -S -v ./work:/w)\" alpine ls /w\n";

/* ---- printing ---- */

/* 0 or -errno. */
static int write_all(int fd, const char *s, size_t n)
{
    while (n) {
        int done = CALL3(SYS_write, fd, s, n);
        if (done < 0)
            return done;
        s += done;
        n -= (size_t)done;
    }
    return 0;
}

/* One line on standard error, in one write: what it is about, and what is wrong, or NULL where
 * `about` says it all. */
static void complain(const char *about, const char *what)
{
    char line[4 * DINDBIND_PATH_MAX];
    struct text t = text_in(line, sizeof line - 1, "dindbind: ");
    text_shown(&t, about);
    if (what) {
        text_add(&t, ": ");
        text_shown(&t, what);
    }
    line[t.len++] = '\n';
    write_all(2, line, t.len);
}

/* This and the next ones return the exit status. */
static int complain_errno(const char *about, int rc)
{
    char name[24];
    struct text t = text_new(name, sizeof name);
    text_errno(&t, rc);
    complain(about, name);
    return 3;
}

static int usage_error(const char *about, const char *what)
{
    complain(about, what);
    return 2;
}

static int out_of_memory(void)
{
    complain("out of memory", NULL);
    return 3;
}

static int print(const char *s, size_t n)
{
    int rc = write_all(1, s, n);
    return rc ? complain_errno("standard output", rc) : 0;
}

/* Lines of a batch, each with its line break. */
static void complain_lines(const char *lines)
{
    char line[3 * DINDBIND_PATH_MAX];
    while (*lines) {
        size_t n = strcspn(lines, "\n");
        struct text t = text_new(line, sizeof line);
        text_bytes(&t, lines, n);
        complain(line, NULL);
        lines += n + 1;
    }
}

/* A line of a trace. */
static void explain(void *arg, const char *line)
{
    const struct job *j = arg;
    complain(j->batch->source ? j->batch->source : "runner", line);
}

/* The head of a report: what this is, where it runs, and what is known of the runner. */
static void explain_runner(const struct dindbind_runner *r)
{
    const struct {
        const char *name;
        unsigned long long value;       /* 0: not worth a word */
    } facts[] = {
        { "PID", (unsigned long long)r->pid },
        { "start", r->start },
        { "engine PID", (unsigned long long)r->engine },
        { "bind rows", r->nbinds },
        { "layers", r->layers ? r->layers->n : 0 },
    };
    char line[512];
    struct utsname os;
    struct text t = text_in(line, sizeof line, "version " DINDBIND_VERSION ", Linux ");
    if (!CALL3(SYS_uname, &os))
        text_add(&t, os.release);
    for (size_t i = 0; i < sizeof facts / sizeof *facts; i++) {
        if (!facts[i].value)
            continue;
        text_add(&t, ", ");
        text_add(&t, facts[i].name);
        text_add(&t, " ");
        text_number(&t, facts[i].value);
    }
    if (r->caps & CAPS_NO_OPENAT2)
        text_add(&t, ", without openat2");
    if (r->caps & CAPS_NO_STATX)
        text_add(&t, ", without statx");
    if (r->id) {
        text_add(&t, ", described as ");
        text_add(&t, r->id);
    }
    complain(line, NULL);
}

/* ---- options ---- */

/* Does the command line go on after this, or is it over: for an error, or for an answer like that
 * of -h? Then `status` of the job is the exit status. */
enum step { GO_ON, STOP };

static enum step stop(struct job *j, int status)
{
    j->status = status;
    return STOP;
}

/* The functions of options return NULL, or what is wrong with the value. */
static const char *take_engine(struct job *j, const char *value)
{
    const char *wrong = parse_pid(value, &j->runner->engine, &j->runner->engine_start);
    if (!wrong && !j->runner->engine)
        wrong = "0 is no process";
    return wrong;
}

static const char *take_pid(struct job *j, const char *value)
{
    j->pid_from = "-p";
    return view_pid(&j->view, value);
}

static const char *take_bind(struct job *j, const char *value)
{
    return view_bind(&j->view, value);
}

static const char *take_overlay(struct job *j, const char *value)
{
    j->overlay_from = "-o";
    return view_overlay(&j->view, value);
}

static const char *take_file(struct job *j, const char *file)
{
    if (!strcmp(file, "-")) {
        if (j->given & GIVEN_STDIN_FILE)
            return "given twice";
        j->given |= GIVEN_STDIN_FILE;
    }
    j->files[j->nfiles++] = file;
    return NULL;
}

/* NULL, or why the batch does not take a word: `error` is what it returned. */
static const char *wrong_word(const struct job *j, int error)
{
    if (error == DINDBIND_E_NOMEM)
        return no_memory;
    return error ? j->batch->wrong : NULL;
}

static const char *take_volume_spec(struct job *j, const char *value)
{
    return wrong_word(j, dindbind_add_volume(j->batch, value));
}

static const char *take_mount_spec(struct job *j, const char *value)
{
    return wrong_word(j, dindbind_add_mount(j->batch, value));
}

/* Before anything is looked at, and maybe created, for what is never to be staged. */
static const char *wrong_dir(const char *value)
{
    char clean[DINDBIND_PATH_MAX];
    int error = clean_path(value, clean);
    return error ? error_row(error)->what : NULL;
}

static const char *take_stage(struct job *j, const char *value)
{
    j->batch->dir = value;
    return wrong_dir(value);
}

static const char *take_unstage(struct job *j, const char *value)
{
    j->unstage = value;
    return wrong_dir(value);
}

static const char *take_format(struct job *j, const char *value)
{
    static const char *const names[] = {
        [DINDBIND_TEXT] = "text", [DINDBIND_JSON] = "json", [DINDBIND_OCI] = "oci"
    };
    size_t i = 0, n = sizeof names / sizeof *names;
    while (i < n && strcmp(names[i], value))
        i++;
    if (i == n)
        return "text, json or oci";
    j->format = (enum dindbind_format)i;
    if (i == DINDBIND_OCI)
        j->given |= GIVEN_OCI;
    return NULL;
}

struct option_row {
    const char *name;
    const char *(*take)(struct job *j, const char *value);      /* NULL: it has no value */
    unsigned given;
    char letter;                /* 0: it has none */
    bool once;                  /* a second one is an error */
};

static const struct option_row option_rows[] = {
    { .letter = 'p', .name = "pid", .given = GIVEN_PID, .take = take_pid },
    { .letter = 'b', .name = "bind", .given = GIVEN_BIND, .take = take_bind },
    { .letter = 'o', .name = "overlay", .given = GIVEN_OVERLAY, .take = take_overlay,
      .once = true },
    { .letter = 'r', .name = "runner", .given = GIVEN_RUNNER, .take = take_file },
    { .letter = 'S', .name = "self", .given = GIVEN_SELF },
    { .letter = 'E', .name = "engine", .given = GIVEN_ENGINE, .take = take_engine, .once = true },
    { .letter = 'v', .name = "volume", .given = GIVEN_VOLUME, .take = take_volume_spec },
    { .letter = 0, .name = "mount", .given = GIVEN_MOUNT, .take = take_mount_spec },
    { .letter = 'c', .name = "create", .given = GIVEN_CREATE },
    { .letter = 'H', .name = "host", .given = GIVEN_HOST },
    { .letter = 's', .name = "stage", .given = GIVEN_STAGE, .take = take_stage, .once = true },
    { .letter = 'f', .name = "format", .given = GIVEN_FORMAT, .take = take_format, .once = true },
    { .letter = '0', .name = "null", .given = GIVEN_NULL },
    { .letter = 'R', .name = "read-only", .given = GIVEN_READONLY },
    { .letter = 'm', .name = "mkdir", .given = GIVEN_MKDIR },
    { .letter = 'u', .name = "unstage", .given = GIVEN_UNSTAGE, .take = take_unstage,
      .once = true },
    { .letter = 'x', .name = "explain", .given = GIVEN_EXPLAIN },
    { .letter = 'h', .name = "help", .given = GIVEN_HELP },
    { .letter = 'V', .name = "version", .given = GIVEN_VERSION },
};

enum { OPTIONS = sizeof option_rows / sizeof *option_rows };

static const struct option_row *find_letter_option(char letter)
{
    for (size_t i = 0; i < OPTIONS; i++)
        if (option_rows[i].letter == letter)
            return &option_rows[i];
    return NULL;
}

static const struct option_row *find_named_option(const char *name, size_t n)
{
    for (size_t i = 0; i < OPTIONS; i++)
        if (strlen(option_rows[i].name) == n && !strncmp(option_rows[i].name, name, n))
            return &option_rows[i];
    return NULL;
}

/* `spelled` is the option as it was given, so many bytes of it. */
static enum step refuse_value(struct job *j, const char *spelled, size_t n, const char *value,
                              const char *wrong)
{
    char given[2 * DINDBIND_PATH_MAX];
    if (wrong == no_memory)
        return stop(j, out_of_memory());
    struct text t = text_new(given, sizeof given);
    text_bytes(&t, spelled, n);
    text_add(&t, " ");
    text_add(&t, value);
    return stop(j, usage_error(given, wrong));
}

/* NULL, or what is wrong: an option was given, with its value if it has one. */
static const char *take_option(struct job *j, const struct option_row *option, const char *value)
{
    if (option->once && (j->given & option->given))
        return "given twice";
    j->given |= option->given;
    return option->take ? option->take(j, value) : NULL;
}

/* What -h and -V print, at once, whatever else is on the line. */
static enum step answer_at_once(struct job *j)
{
    static const char version[] = "dindbind " DINDBIND_VERSION "\n";
    if (j->given & GIVEN_HELP)
        return stop(j, print(usage_text, sizeof usage_text - 1));
    if (j->given & GIVEN_VERSION)
        return stop(j, print(version, sizeof version - 1));
    return GO_ON;
}

/* --name, --name=value or --name value */
static enum step parse_long(struct job *j, const char *word)
{
    size_t n = strcspn(word, "=");
    const struct option_row *option = find_named_option(word + 2, n - 2);
    const char *value = NULL;
    if (!option)
        return stop(j, usage_error(word, "no such option; see dindbind -h"));
    if (word[n])
        value = word + n + 1;
    if (value && !option->take)
        return stop(j, usage_error(word, "takes no value; see dindbind -h"));
    if (!value && option->take) {
        value = *j->next++;
        if (!value)
            return stop(j, usage_error(word, "needs a value; see dindbind -h"));
    }
    const char *wrong = take_option(j, option, value);
    if (wrong)
        return refuse_value(j, word, n, or_empty(value), wrong);
    return answer_at_once(j);
}

/* A word with one dash that is the name of a long option: `-mount` is not -m -o unt. */
static enum step refuse_one_dash(struct job *j, const char *word)
{
    char name[64], what[128];
    struct text folded = text_new(name, sizeof name);
    text_bytes(&folded, word + 1, strcspn(word + 1, "="));
    lower_case(name);
    if (folded.cut || !find_named_option(name, folded.len))
        return GO_ON;
    struct text t = text_in(what, sizeof what, "did you mean --");
    text_add(&t, name);
    text_add(&t, "?");
    return stop(j, usage_error(word, what));
}

/* Letters without a value, and at their end maybe one with a value: -xRp42, -xRp=42 or -xRp 42 */
static enum step parse_short(struct job *j, const char *word)
{
    enum step step = refuse_one_dash(j, word);
    for (const char *p = word + 1; step == GO_ON && *p;) {
        const char spelled[] = { '-', *p, 0 }, *value = NULL;
        const struct option_row *option = find_letter_option(*p++);
        if (!option)
            return stop(j, usage_error(word, "no such option; see dindbind -h"));
        if (option->take && *p) {
            value = *p == '=' ? p + 1 : p;
            p = "";
        } else if (option->take) {
            value = *j->next++;
            if (!value)
                return stop(j, usage_error(word, "needs a value; see dindbind -h"));
        }
        const char *wrong = take_option(j, option, value);
        if (wrong)
            return refuse_value(j, spelled, 2, or_empty(value), wrong);
        step = answer_at_once(j);
    }
    return step;
}

/* ---- the command line as a whole ---- */

/* An error if something of `one` and something of `other` was given, or nothing of what is
 * `needed`. */
static const struct clash {
    unsigned one, other, needed;
    const char *wrong;
} clashes[] = {
    { .one = GIVEN_UNSTAGE, .other = ~(unsigned)(GIVEN_UNSTAGE | GIVEN_ENGINE),
      .wrong = "-u: goes alone, or with -E, and the DIR or DIR/N to take down" },
    { .one = GIVEN_HOST, .other = GIVEN_STAGE,
      .wrong = "-H -s: one kind of answer: the host path, or a staged one" },
    { .one = GIVEN_SELF, .other = GIVEN_PID | GIVEN_OVERLAY,
      .wrong = "-S: describes the caller itself; -p and -o describe another process" },
    { .one = GIVEN_SELF, .other = GIVEN_STAGE,
      .wrong = "-S -s: the daemon outside cannot see what is mounted in here" },
    { .one = GIVEN_SELF, .other = GIVEN_ENGINE,
      .wrong = "-S -E: the daemon outside cannot be seen in here" },
    { .one = GIVEN_CREATE,
      .other = GIVEN_PATH | GIVEN_SPEC | GIVEN_STDIN | GIVEN_FORMAT | GIVEN_NULL,
      .wrong = "-c: no PATH, -v, --mount, -, -f or -0 goes with it" },
    { .one = GIVEN_STDIN_FILE, .other = GIVEN_STDIN | GIVEN_CREATE,
      .wrong = "-: standard input can be read only once" },
    { .needed = GIVEN_VIEW | GIVEN_SELF | GIVEN_UNSTAGE,
      .wrong = "no runner given: its PID (-p), a description (-r), bind rows (-b), or -S for "
               "myself; "
               "see dindbind -h" },
    { .needed = GIVEN_PATH | GIVEN_SPEC | GIVEN_STDIN | GIVEN_CREATE | GIVEN_UNSTAGE,
      .wrong = "nothing to translate: give a PATH, -v, --mount or -c; see dindbind -h" },
    { .one = GIVEN_STDIN, .other = GIVEN_PATH | GIVEN_SPEC,
      .wrong = "-: standard input stands alone: no PATH, -v or --mount beside it" },
    { .one = GIVEN_OCI, .other = GIVEN_PATH | GIVEN_STDIN,
      .wrong = "-f oci: a PATH has no target to mount it at: use -v or --mount" },
};

/* NULL, or what does not go together, or is missing. */
static const char *wrong_together(unsigned given)
{
    for (size_t i = 0; i < sizeof clashes / sizeof *clashes; i++) {
        const struct clash *c = &clashes[i];
        if ((given & c->one) && (given & c->other))
            return c->wrong;
        if (c->needed && !(given & c->needed))
            return c->wrong;
    }
    return NULL;
}

/* $DINDBIND_RUNNER counts where the command line says nothing of a runner. */
static void take_environment(struct job *j)
{
    const char *file = getenv("DINDBIND_RUNNER");
    if (!file || !*file || (j->given & (GIVEN_VIEW | GIVEN_UNSTAGE)))
        return;
    take_file(j, file);
    j->given |= GIVEN_RUNNER;
    j->files_by_environment = true;
}

/* What the options mean for the batch. */
static void make_request(struct job *j)
{
    static const struct { unsigned given, flag; } flags[] = {
        { GIVEN_MKDIR, DINDBIND_MKDIR },
        { GIVEN_HOST, DINDBIND_TO_HOST },
        { GIVEN_READONLY, DINDBIND_READONLY },
        { GIVEN_STDIN, DINDBIND_ALIGNED },
    };
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
        if (j->given & flags[i].given)
            j->batch->flags |= flags[i].flag;
    j->batch->format = j->format;
    j->batch->end = j->given & GIVEN_NULL ? 0 : '\n';
}

/* A reader that is gone is a write error then, which takes the stage down. */
static void block_pipe_signal(void)
{
    unsigned long pipe_signal[2] = { 1ul << (SIGPIPE - 1) };
    CALL(SYS_rt_sigprocmask, SIG_BLOCK, pipe_signal, NULL, _NSIG / 8);
}

static enum step parse_words(struct job *j)
{
    bool only_paths = false;
    enum step step = GO_ON;
    while (step == GO_ON && *j->next) {
        const char *word = *j->next++;
        if (only_paths || *word != '-') {
            if (dindbind_add_path(j->batch, word))
                return stop(j, out_of_memory());
            j->given |= GIVEN_PATH;
        } else if (!strcmp(word, "-"))
            j->given |= GIVEN_STDIN;
        else if (!strcmp(word, "--"))
            only_paths = true;
        else if (starts_with(word, "--"))
            step = parse_long(j, word);
        else
            step = parse_short(j, word);
    }
    return step;
}

static enum step parse_line(struct job *j, int argc, char **argv)
{
    j->files = arena_alloc(&j->arena, ((size_t)argc + 1) * sizeof *j->files);
    if (!j->files)
        return stop(j, out_of_memory());
    j->next = *argv ? argv + 1 : argv;
    if (parse_words(j) == STOP)
        return STOP;
    take_environment(j);
    const char *wrong = wrong_together(j->given);
    if (wrong)
        return stop(j, usage_error(wrong, NULL));
    make_request(j);
    if (j->batch->dir)
        block_pipe_signal();
    return GO_ON;
}

/* ---- the runner ---- */

/* `why` is the file and what is wrong with it, or with opening it. */
static enum step refuse_file(struct job *j, int status, const char *why)
{
    char line[3 * DINDBIND_PATH_MAX];
    const char *by = j->files_by_environment ? "$DINDBIND_RUNNER" : "-r";
    struct text t = text_new(line, sizeof line);
    if (status == 3 || j->files_by_environment) {
        text_add(&t, by);
        text_add(&t, " ");
    }
    text_add(&t, why);
    complain(line, NULL);
    return stop(j, status);
}

/* A file has something that was given elsewhere already, in an option or another file. */
static enum step refuse_second(struct job *j, const char *file, const char *what, const char *first)
{
    char line[2 * DINDBIND_PATH_MAX];
    struct text t = text_new(line, sizeof line);
    text_add(&t, what);
    text_add(&t, " given twice: in it, and by ");
    text_shown(&t, first);
    text_add(&t, "; leave one of them out");
    return stop(j, usage_error(file, line));
}

/* Each file is read as if nothing had been given before, so that a second PID is known with both of
 * its places. */
static enum step load_file(struct job *j, const char *file)
{
    char line[2 * DINDBIND_PATH_MAX];
    struct text why = text_new(line, sizeof line);
    struct view *v = &j->view;
    struct dindbind_runner *r = v->runner;
    const struct dindbind_runner before = *r;
    bool had_pid = v->have_pid;
    v->have_pid = false;
    r->pid = 0;
    r->start = 0;
    r->overlay = NULL;
    int status = view_file(v, file, &why);
    if (status)
        return refuse_file(j, status, line);
    if (had_pid && v->have_pid)
        return refuse_second(j, file, "the PID is", j->pid_from);
    if (before.overlay && r->overlay)
        return refuse_second(j, file, "the overlay's options are", j->overlay_from);
    if (v->have_pid)
        j->pid_from = file;
    if (r->overlay)
        j->overlay_from = file;
    if (had_pid) {
        v->have_pid = true;
        r->pid = before.pid;
        r->start = before.start;
    }
    if (before.overlay)
        r->overlay = before.overlay;
    return GO_ON;
}

/* The files of -r, and then the rows of -b: where both have one at a path the latter counts. */
static enum step load_view(struct job *j)
{
    struct view *v = &j->view;
    struct dindbind_runner *r = v->runner;
    const struct dindbind_bind *rows = v->rows;
    size_t nrows = v->nrows;
    r->self = !!(j->given & GIVEN_SELF);        /* a description is read otherwise then */
    v->nrows = 0;
    for (unsigned i = 0; i < j->nfiles; i++)
        if (load_file(j, j->files[i]) == STOP)
            return STOP;
    for (size_t i = 0; i < nrows; i++)
        if (view_row(v, rows[i].host, rows[i].path, rows[i].ro))
            return stop(j, out_of_memory());
    if (view_readonly(v))
        return stop(j, out_of_memory());
    if (!v->have_pid && !v->nrows && !r->overlay && !r->merged && !r->self)
        return stop(j, usage_error(j->files[0], "describes no runner"));
    r->binds = v->rows;
    r->nbinds = v->nrows;
    if (r->self)
        r->pid = 0;             /* the daemon's number for it means nothing in here */
    return GO_ON;
}

/* The runner itself is refused, with no result, or the stage that is to go. */
static int refuse_whole(const struct job *j, const char *name, const struct dindbind_result *res,
                        int error)
{
    char message[3 * DINDBIND_PATH_MAX];
    complain(dindbind_message(j->runner, name, res, error, message, sizeof message), NULL);
    return dindbind_status(error);
}

static int engine_namespace(const struct dindbind_runner *r, const char *kind)
{
    char path[FD_PATH + 32];
    struct text t = text_in(path, sizeof path, "/proc/");
    text_number(&t, (unsigned long long)r->engine);
    text_add(&t, kind);
    return open_path(path, O_RDONLY | O_CLOEXEC);
}

/* Who is not root but owns the engine's user namespace (rootless podman, docker) is root in that,
 * and mounts only in a mount namespace of it: so this process goes there, as `podman unshare` does.
 * Whoever may not learns it from what comes next. */
static int enter_engine(const struct job *j)
{
    struct dindbind_runner *r = j->runner;
    struct dindbind_runner engine = { .engine = r->engine, .engine_start = r->engine_start };
    if (!r->engine || !geteuid() || !(j->given & (GIVEN_STAGE | GIVEN_UNSTAGE)))
        return 0;
    int user = engine_namespace(r, "/ns/user"), mounts = engine_namespace(r, "/ns/mnt");
    int error = dindbind_open(&engine);
    dindbind_close(&engine);
    if (!error && !CALL3(SYS_setns, user, CLONE_NEWUSER) && !CALL3(SYS_setns, mounts, CLONE_NEWNS))
        r->engine = 0;          /* it is at home */
    sys_close(user);
    sys_close(mounts);
    if (error)
        memcpy(r->detail, engine.detail, sizeof r->detail);
    return error;
}

static enum step open_described(struct job *j)
{
    struct dindbind_runner *r = j->runner;
    if (j->given & GIVEN_EXPLAIN) {
        r->trace = explain;
        r->trace_arg = j;
    }
    int error = enter_engine(j);
    if (!error)
        error = dindbind_open(r);
    j->batch->runner_error = error;
    if (r->trace)
        explain_runner(r);
    /* -f json has a record for each source in any case */
    if (error && j->format != DINDBIND_JSON)
        return stop(j, refuse_whole(j, NULL, NULL, error));
    return GO_ON;
}

/* ---- answers ---- */

/* All of these return the exit status of reading and writing; that of refused sources is noted in
 * the job. */
static int flush(struct job *j)
{
    int status = print(j->batch->text, j->batch->len);
    j->batch->len = 0;
    return status;
}

static int translate(struct job *j)
{
    int refused = dindbind_status(dindbind_answer(j->batch)), status = 0;
    complain_lines(j->batch->messages);
    if (j->status < refused)
        j->status = refused;
    /* answers to lines are collected, unless something is staged for them */
    if (j->batch->dir || !(j->given & GIVEN_STDIN))
        status = flush(j);
    struct dindbind_result res = { 0 };
    res.error = dindbind_settle(j->batch, !status && !refused);
    if (res.error)
        status = refuse_whole(j, j->batch->dir, &res, res.error);
    return status;
}

/* Records of standard input, as far as they have come. */
struct input {
    char *at;
    size_t len;
    bool skipping;              /* the rest of a record that was refused for its length */
};

enum { INPUT_SIZE = 65536, MAX_RECORD = INPUT_SIZE / 2, SHOWN_OF_RECORD = 64 };

/* A record that ends at `stop`, where a NUL is now. */
static int translate_record(struct job *j, const char *record, const char *stop)
{
    int error;
    if (strlen(record) == (size_t)(stop - record))
        error = dindbind_add_path(j->batch, record);
    else
        error = add_invalid(j->batch, record, DINDBIND_E_FORMAT,
                            "a NUL byte within the line, which no path has: use -0 if NUL ends "
                            "each path");
    return error ? out_of_memory() : translate(j);
}

/* A record that is longer than any path and has no end so far: its start stands for it. */
static int refuse_long_record(struct job *j, struct input *in)
{
    for (int i = 0; i < SHOWN_OF_RECORD; i++)
        if (!in->at[i])
            in->at[i] = '?';
    in->at[SHOWN_OF_RECORD] = 0;
    if (add_invalid(j->batch, in->at, DINDBIND_E_TOOLONG,
                    "the start of a line that is longer than any path: a path has 4095 bytes at "
                    "most, and ends with a line break, or with NUL if you say -0"))
        return out_of_memory();
    return translate(j);
}

/* The records that are complete, and what is too long to become one. */
static int translate_input(struct job *j, struct input *in)
{
    char *record = in->at, *stop;
    int status = 0;
    while (!status && (stop = memchr(record, j->batch->end, in->len))) {
        *stop = 0;
        in->len -= (size_t)(stop + 1 - record);
        if (!in->skipping)
            status = translate_record(j, record, stop);
        in->skipping = false;
        record = stop + 1;
    }
    memmove(in->at, record, in->len);
    if (!status && in->len > MAX_RECORD) {
        if (!in->skipping)
            status = refuse_long_record(j, in);
        in->skipping = true;
        in->len = 0;
    }
    return status;
}

/* Paths from standard input, answered as they come: what has been answered is written before the
 * next read, which may have to wait. */
static int translate_stdin(struct job *j)
{
    struct input in = { .at = malloc(INPUT_SIZE) };
    bool more = true;
    int status = 0;
    if (!in.at)
        return out_of_memory();
    while (!status && more) {
        int got = sys_read(0, in.at + in.len, INPUT_SIZE - in.len - 1);
        if (got < 0) {
            status = complain_errno("standard input", got);
            break;
        }
        in.len += (size_t)got;
        more = got > 0;
        if (!more && in.len)
            in.at[in.len++] = j->batch->end;         /* the last record may lack its end */
        status = translate_input(j, &in);
        if (!status)
            status = flush(j);
        dindbind_end(j->batch);         /* until there is more to read the mounts may change */
    }
    free(in.at);
    return status;
}

/* The mounts of the body on standard input become what is translated. */
static int add_body(struct job *j)
{
    char start[256];            /* so that the reason fits after it */
    long len = read_input(&j->body);
    if (len < 0) {
        int status = complain_errno("standard input", (int)len);
        return len == -EFBIG ? 1 : status;
    }
    j->body_len = (size_t)len;
    int error = dindbind_add_body(j->batch, j->body, j->body_len);
    if (error == DINDBIND_E_NOMEM)
        return out_of_memory();
    if (!error)
        return 0;
    text_in(start, sizeof start, j->batch->about);
    complain(start, j->batch->wrong);
    return 1;
}

/* A source holds a descriptor, and a stage needs some more. The soft limit is mostly 1,024, for
 * select(2)'s sake, which is not used here. */
static void raise_limit(void)
{
    struct {
        uint64_t soft, hard;
    } limit;                    /* musl's setrlimit(3) brings far more along */
    if (CALL(SYS_prlimit64, 0, RLIMIT_NOFILE, NULL, &limit) || limit.soft == limit.hard)
        return;
    limit.soft = limit.hard;
    CALL(SYS_prlimit64, 0, RLIMIT_NOFILE, &limit, NULL);
}

static int translate_all(struct job *j, int argc)
{
    int status = 0;
    if (j->given & GIVEN_STDIN)
        return translate_stdin(j);
    if (j->given & GIVEN_CREATE)
        status = add_body(j);
    if (status)
        return status;
    if (argc > FEW_SOURCES || j->body_len > FEW_SOURCES * MOUNT_BYTES)
        raise_limit();
    return translate(j);
}

/* The engine is gone. Its stage is too, unless another process still sees that. */
static int report_gone(const struct job *j, int error, int pid)
{
    char line[2 * DINDBIND_PATH_MAX];
    struct text t = text_in(line, sizeof line, "the engine is gone; ");
    if (!error)
        text_add(&t, "no process sees a stage there any more");
    else {
        text_add(&t, "there is one that PID ");
        text_number(&t, (unsigned)pid);
        text_add(&t, " sees: name that (-E)");
    }
    complain(j->unstage, line);
    return dindbind_status(error);
}

static int unstage(struct job *j)
{
    struct dindbind_result res = { 0 };
    int error = enter_engine(j);
    const struct dindbind_runner *engine = j->runner->engine ? j->runner : NULL;
    if (engine && !error)
        error = dindbind_open(j->runner);
    bool gone = error == DINDBIND_E_GONE || error == DINDBIND_E_REUSED;
    if (error && !gone)
        return refuse_whole(j, NULL, NULL, error);
    res.error = dindbind_unstage(engine, j->unstage, &res.sys_errno);
    if (gone && (!res.error || res.error == DINDBIND_E_GONE))
        return report_gone(j, res.error, res.sys_errno);
    return res.error ? refuse_whole(j, j->unstage, &res, res.error) : 0;
}

/* The exit status. */
static int answer_line(struct job *j, int argc, char **argv)
{
    if (parse_line(j, argc, argv) == STOP)
        return j->status;
    if (j->given & GIVEN_UNSTAGE)
        return unstage(j);
    if (load_view(j) == STOP || open_described(j) == STOP)
        return j->status;
    int status = translate_all(j, argc);
    return status > j->status ? status : j->status;
}

/* What most command lines need, side by side: asking the kernel for memory costs more than
 * resolving a source, and a page more half as much. */
struct desk {
    struct dindbind_runner runner;
    struct dindbind_batch batch;
    _Alignas(16) char space[DINDBIND_PATH_MAX];
};

/* The whole applet but for letting go of the runner. Of the desk all before the batch's room is
 * zero. */
static int applet(int argc, char **argv, struct desk *desk)
{
    struct job j = {
        .runner = &desk->runner,
        .batch = &desk->batch,
        .arena = arena_in(desk->space, sizeof desk->space),
    };
    j.view = (struct view){ .runner = j.runner, .arena = &j.arena };
    j.batch->runner = j.runner;
    int status = answer_line(&j, argc, argv);
    dindbind_end(j.batch);
    arena_free(&j.arena);
    free(j.body);
    return status;
}

int dindbind_main(int argc, char **argv)
{
    struct desk desk;
    memset(&desk, 0, offsetof(struct desk, batch.room));
    int status = applet(argc, argv, &desk);
    dindbind_close(&desk.runner);
    return status;
}

#ifndef DINDBIND_NO_MAIN
int main(int argc, char **argv)
{
    static struct desk desk;
    return applet(argc, argv, &desk);   /* the exit of the process closes the runner */
}
#endif
