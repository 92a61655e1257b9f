/* bench.c - what dindbind costs, against what cannot be done without, and against the ways that others go
 *
 * SPDX-License-Identifier: 0BSD
 *
 *     bench [NAME...]
 *
 * runs the benchmarks of these names, or all. White-box: dindbind.c is included for what the library does; for what
 * the tool does a copy of it lies beside this program, as do the empty program and the bare system calls.
 *
 * Everything is compared within one run: A and B take turns, and what counts is the median of the ratios of
 * neighbours, so that a machine that is slow for a while is slow for both. Every answer is checked. No timing makes
 * this fail; an answer that is wrong does.
 *
 * All in a mount namespace of its own, with a root of its own that has the system's programs in it (an ordinary user
 * gets a user namespace for it). The runner lies in another one, its root is an overlay.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#define DINDBIND_NO_MAIN
#include "../dindbind.c"
#include "../tests/world.h"

enum { MAX_ROUNDS = 1000, SKIPPED = 77 };

static struct {
    bool root, overlay;         /* of the initial user namespace; the runner's root is one */
    char base[64];
    char disk[64];              /* a directory that is no tmpfs, if $TMPDIR is not; later it is /disk */
} world;

static _Noreturn void die(const char *what)
{
    fprintf(stderr, "bench: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void need(bool good, const char *what)
{
    if (!good)
        die(what);
}

static _Noreturn void wrong(const char *what, const char *got)
{
    fprintf(stderr, "bench: %s: wrong answer: %s\n", what, got);
    exit(1);
}

/* Why a benchmark cannot be run here. */
static _Noreturn void skip(const char *name, const char *why)
{
    printf("%-32s skipped: %s\n", name, why);
    exit(SKIPPED);
}

static void make_dir(const char *path)
{
    if (mkdir(path, 0755) && errno != EEXIST)
        die(path);
}

/* With all above it. */
static void make_dirs(const char *path)
{
    char copy[512];
    snprintf(copy, sizeof copy, "%s", path);
    for (char *p = copy + 1; (p = strchr(p, '/')); *p++ = '/') {
        *p = 0;
        make_dir(copy);
    }
    make_dir(copy);
}

static void new_file(const char *path)
{
    if (!put_file(path, "x"))
        die(path);
}

/* Without what is mounted below, where that may be left out: in a user namespace it is locked to what it covers. */
static void bind_to(const char *from, const char *to)
{
    if (mount(from, to, NULL, MS_BIND | (world.root ? 0 : MS_REC), NULL))
        die(to);
}

/* ==== figures =========================================================================================== */

/* What takes turns: done `times` times, then `after`, which is not timed. */
struct side {
    void (*run)(void *arg);
    void (*after)(void *arg);
    void *arg;
    unsigned times;
    double us[MAX_ROUNDS];      /* for one time */
};

static double now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static double timed(const struct side *s, unsigned times)
{
    double start = now_us();
    for (unsigned t = 0; t < times; t++)
        s->run(s->arg);
    double us = (now_us() - start) / times;
    if (s->after)
        s->after(s->arg);
    return us;
}

/* Each is done once before it is timed: what the one before has left, caches that are full of its own and memory that the
 * kernel is still giving back, is not its fault. */
static void take_turns(struct side *const *sides, size_t n, unsigned rounds)
{
    for (unsigned i = 0; i < rounds; i++)
        for (size_t k = 0; k < n; k++) {
            timed(sides[k], 1);
            sides[k]->us[i] = timed(sides[k], sides[k]->times);
        }
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

struct spread {
    double low, middle, high;   /* quartiles */
};

static struct spread spread_of(const double *v, unsigned n)
{
    static double sorted[MAX_ROUNDS];
    memcpy(sorted, v, n * sizeof *v);
    qsort(sorted, n, sizeof *sorted, by_value);
    return (struct spread){ sorted[n / 4], sorted[n / 2], sorted[3 * n / 4] };
}

static struct spread ratio_of(const struct side *a, const struct side *b, unsigned n)
{
    static double ratios[MAX_ROUNDS];
    for (unsigned i = 0; i < n; i++)
        ratios[i] = a->us[i] / b->us[i];
    return spread_of(ratios, n);
}

/* A line of the table. `other`: 0, or the figure that it is compared with. `goal`: 0, or what the ratio, or the figure
 * where there is none, should be at most; at least, when negative. */
static void put_line(const char *name, double figure, double other, const char *unit, const struct spread *ratio,
                     double goal)
{
    char against[32] = "-", times[48] = "-", verdict[48] = "";
    double value = ratio ? ratio->middle : figure;
    bool met = goal > 0 ? value <= goal : value >= -goal;
    if (other > 0)
        snprintf(against, sizeof against, "%.*f", other < 100, other);
    if (ratio)
        snprintf(times, sizeof times, "%.2f (%.2f-%.2f)", ratio->middle, ratio->low, ratio->high);
    if (goal < 0 || goal > 0)
        snprintf(verdict, sizeof verdict, "%s %g: %s", goal > 0 ? "at most" : "at least", goal > 0 ? goal : -goal,
                 met ? "met" : "missed");
    printf("%-32s %10.*f %10s %-8s %-20s %s\n", name, figure < 100, figure, against, unit, times, verdict);
    fflush(stdout);
}

static void put_head(void)
{
    printf("%-32s %10s %10s %-8s %-20s %s\n", "benchmark", "dindbind", "against", "unit", "ratio (quartiles)", "goal");
}

static void compare(const char *name, const struct side *a, const struct side *b, unsigned rounds, double goal)
{
    struct spread r = ratio_of(a, b, rounds);
    put_line(name, spread_of(a->us, rounds).middle, spread_of(b->us, rounds).middle, "us", &r, goal);
}

/* ==== processes ========================================================================================= */

struct program {
    char *argv[24];
    const char *in;             /* a file; NULL: nothing */
    int out;
};

static struct program program(int out, const char *in, ...)
{
    struct program p = { .in = in, .out = out };
    char *word;
    va_list ap;
    va_start(ap, in);
    for (size_t i = 0; (word = va_arg(ap, char *)) && i < COUNT(p.argv) - 1; i++)
        p.argv[i] = word;
    va_end(ap);
    return p;
}

/* In a child, that of vfork(2) too. */
static _Noreturn void become(const struct program *p)
{
    int in = p->in ? open(p->in, O_RDONLY | O_CLOEXEC) : -1;
    if ((!p->in || (in >= 0 && dup2(in, 0) == 0)) && (p->out < 0 || dup2(p->out, 1) == 1))
        execvp(p->argv[0], p->argv);
    _exit(127);
}

static void run_program(void *arg)
{
    const struct program *p = arg;
    int status = 0;
    pid_t pid = vfork();
    if (!pid)
        become(p);
    if (pid < 0 || waitpid(pid, &status, 0) != pid || status)
        wrong(p->argv[0], pathf("status %x", (unsigned)status));
}

/* What it writes, in a mapping of its own, terminated. */
static char *output_of(struct program p, size_t *len)
{
    struct stat st = { 0 };
    p.out = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (p.out < 0)
        die("/tmp");
    run_program(&p);
    if (fstat(p.out, &st) || ftruncate(p.out, st.st_size + 1))
        die("output");
    char *text = mmap(NULL, (size_t)st.st_size + 1, PROT_READ, MAP_PRIVATE, p.out, 0);
    if (text == MAP_FAILED)
        die("output");
    close(p.out);
    *len = (size_t)st.st_size;
    return text;
}

static void expect(const struct program *p, const char *text)
{
    size_t len;
    char *got = output_of(*p, &len);
    if (strcmp(got, text))
        wrong(p->argv[0], got);
    munmap(got, len + 1);
}

struct traced {
    unsigned long calls;
    unsigned long peak;         /* KiB that were resident at once */
};

static unsigned long resident(pid_t pid)
{
    char buf[2048];
    unsigned long kib = 0;
    int fd = open(pathf("/proc/%d/smaps_rollup", pid), O_RDONLY | O_CLOEXEC);
    if (fd >= 0 && read_start(fd, buf, sizeof buf) > 0 && strstr(buf, "\nRss:"))
        kib = strtoul(strstr(buf, "\nRss:") + 5, NULL, 10);
    sys_close(fd);
    return kib;
}

/* Its system calls, and its memory before each of those that could give some back. ru_maxrss is not used: since
 * Linux 6.2 it is short of up to 32 pages for each processor, and of a small process that is all. */
static struct traced trace_program(const struct program *p)
{
    struct { uint8_t op, pad[3]; uint32_t arch; uint64_t ip, sp, nr, args[8]; } info;
    struct traced t = { 0 };
    int status = 0;
    pid_t pid = fork();
    if (!pid) {
        ptrace(PTRACE_TRACEME, 0, NULL, NULL);
        become(p);
    }
    if (waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status))
        die("ptrace");
    ptrace(PTRACE_SETOPTIONS, pid, NULL, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL);
    while (WIFSTOPPED(status)) {
        bool call = WSTOPSIG(status) == (SIGTRAP | 0x80) &&
                    ptrace((int)0x420e /* PTRACE_GET_SYSCALL_INFO */, pid, (void *)sizeof info, &info) > 0 &&
                    info.op == 1;       /* an entry */
        t.calls += call;
        if (call && (info.nr == SYS_munmap || info.nr == SYS_mremap || info.nr == SYS_exit_group)) {
            unsigned long kib = resident(pid);
            t.peak = kib > t.peak ? kib : t.peak;
        }
        if (ptrace(PTRACE_SYSCALL, pid, NULL, NULL) || waitpid(pid, &status, 0) != pid)
            die("ptrace");
    }
    if (status || !t.calls || !t.peak)
        wrong(p->argv[0], "traced");
    return t;
}

static void put_traced(const char *name, const struct traced *t, const struct traced *other, double goal)
{
    if (other)
        put_line(pathf("%s, calls", name), (double)t->calls, (double)other->calls, "calls", NULL, 0);
    put_line(pathf("%s, peak memory", name), (double)t->peak, other ? (double)other->peak : 0, "KiB", NULL, goal);
}

/* ==== the world, and a runner in it ===================================================================== */

static const char tool[] = "/disk/dindbind", dev_null[] = "/dev/null", source[] = "/home/runner/_work/repo";

/* The programs that others would use, as they are here. */
static void lend_system(const char *root)
{
    static const char *const dirs[] = { "/bin", "/sbin", "/lib", "/lib64", "/usr", "/etc", "/sys", "/dev" };
    char target[64];
    struct stat st;
    for (size_t i = 0; i < COUNT(dirs); i++) {
        const char *to = pathf("%s%s", root, dirs[i]);
        ssize_t n = readlink(dirs[i], target, sizeof target - 1);
        if (n > 0) {
            target[n] = 0;
            if (symlink(target, to) && errno != EEXIST)
                die(to);
        } else if (!stat(dirs[i], &st)) {
            make_dir(to);
            bind_to(dirs[i], to);
        }
    }
}

static void copy_file(const char *from, const char *to)
{
    static char buf[65536];
    int in = open(from, O_RDONLY | O_CLOEXEC), out = open(to, O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
    ssize_t n = 0;
    while (in >= 0 && out >= 0 && (n = read(in, buf, sizeof buf)) > 0)
        if (write(out, buf, (size_t)n) != n)
            die(to);
    if (in < 0 || out < 0 || n < 0)
        die(from);
    close(in);
    close(out);
}

/* Ours, built beside this program. */
static void copy_programs(void)
{
    static const char *const names[][2] = { { "tool", "dindbind" }, { "empty", "empty" }, { "bare", "bare" } };
    char self[256];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    self[n > 0 ? n : 0] = 0;
    for (size_t i = 0; i < COUNT(names); i++)
        copy_file(pathf("%s-%s", self, names[i][0]), pathf("%s/disk/%s", world.base, names[i][1]));
}

enum { FILES = 1000, NESTED = 300, MOST_SOURCES = 64 };

/* The runner's root, merged at /r/merged, and volumes with names of our own: /vol/work, /vol/nest. */
static void furnish(void)
{
    make_dirs("/r/lower/home/runner/_work/repo");
    make_dirs("/r/upper");
    make_dirs("/r/work");
    make_dirs("/r/merged");
    make_dirs("/r/lower/nest");
    make_dirs("/r/lower/fill");
    make_dirs("/r/lower/proc");
    make_dirs("/r/lower/mnt");
    make_dirs("/vol/work");
    make_dirs("/tmp");
    for (int i = 0; i < NESTED; i++) {
        make_dirs(pathf("/r/lower/nest/m%d", i));
        make_dirs(pathf("/vol/nest/m%d", i));
    }
    for (int i = 0; i < FILES; i++) {
        new_file(pathf("/r/lower/home/runner/_work/f%d", i));
        new_file(pathf("/vol/work/f%d", i));
    }
    for (int i = 0; i < MOST_SOURCES; i++) {
        make_dirs(pathf("/r/lower%s/%d", source, i));
        make_dirs(pathf("/r/lower/mnt/%d", i));
    }
    if (symlink("_work", "/r/lower/home/runner/link"))
        die("link");
    const char *dirs = "lowerdir=/r/lower,upperdir=/r/upper,workdir=/r/work";
    world.overlay = !mount("overlay", "/r/merged", "overlay", 0, dirs) ||
                    !mount("overlay", "/r/merged", "overlay", 0, pathf("%s,userxattr", dirs));
    if (!world.overlay)
        bind_to("/r/lower", "/r/merged");
}

static void make_world(void)
{
    char base[64];
    memcpy(base, world.base, sizeof base);
    world.root = is_real_root();
    if (!own_mounts(base))
        die("own mounts");
    make_dir(pathf("%s/disk", base));
    bind_to(world.disk, pathf("%s/disk", base));
    lend_system(base);
    copy_programs();
    if (!own_root(base))
        die("own root");
    furnish();
}

static size_t count_rows(void)
{
    size_t n = 0;
    char *text;
    read_whole(open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC), LONG_MAX, &text);
    for (const char *p = text; p && (p = strchr(p, '\n')); p++)
        n++;
    free(text);
    return n;
}

/* Mounts in this namespace, until it has so many; all below /fill. */
static void fill(size_t mounts)
{
    size_t n = count_rows();
    if (n >= mounts)
        return;
    make_dir("/fill");
    if (mount("fill", "/fill", "tmpfs", 0, "mode=755"))
        die("/fill");
    make_dir("/fill/src");
    for (n++; n < mounts; n++) {
        const char *at = pathf("/fill/%zu", n);
        make_dir(at);
        if (mount("/fill/src", at, NULL, MS_BIND, NULL))
            die(at);
    }
}

struct wanted {
    size_t mounts;              /* at least so many rows in its mountinfo */
    bool nested;                /* with those below /nest */
};

static _Noreturn void be_runner(const struct wanted *w, int ready)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
        die("the runner's mounts");
    umount2("/fill", MNT_DETACH);
    for (int i = 0; w->nested && i < NESTED; i++)
        bind_to(pathf("/vol/nest/m%d", i), pathf("/r/merged/nest/m%d", i));
    lend_system("/r/merged");
    bind_to("/proc", "/r/merged/proc");
    /* it must be a mount of this namespace to become its root, and one without a parent to lose */
    if (chdir("/r/merged") || syscall(SYS_pivot_root, ".", ".") || umount2(".", MNT_DETACH) || chdir("/"))
        die("the runner's root");
    fill(w->mounts);
    if (write(ready, "r", 1) != 1)
        die("pipe");
    for (;;)
        pause();
}

static pid_t start_runner(struct wanted w)
{
    int ends[2];
    char c;
    if (pipe2(ends, O_CLOEXEC))
        die("pipe");
    pid_t pid = fork();
    if (!pid)
        be_runner(&w, ends[1]);
    close(ends[1]);
    if (pid < 0 || read(ends[0], &c, 1) != 1)
        die("the runner");
    close(ends[0]);
    return pid;
}

static void stop_runner(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

/* An opened one, for the library. */
static struct dindbind_runner open_runner(pid_t pid)
{
    struct dindbind_runner r = { .pid = pid };
    if (dindbind_open(&r))
        wrong("dindbind_open", r.detail);
    return r;
}

/* ==== a. start to answer ================================================================================ */

static void bench_start(void)
{
    enum { ROUNDS = MAX_ROUNDS, SLOW_ROUNDS = 150 };
    pid_t pid = start_runner((struct wanted){ 0 });
    char number[16], place[64], answer[128];
    int null = open(dev_null, O_RDWR | O_CLOEXEC);
    snprintf(number, sizeof number, "%d", pid);
    snprintf(place, sizeof place, "/proc/%d/root%s", pid, source);
    snprintf(answer, sizeof answer, "%s\n", place);
    struct program ours = program(null, NULL, tool, "-p", number, source, NULL);
    struct program empty = program(null, NULL, "/disk/empty", NULL);
    struct program bare = program(null, NULL, "/disk/bare", number, source, NULL);
    struct program nsenter = program(null, NULL, "/usr/bin/nsenter", "-t", number, "-m", "/usr/bin/realpath", source,
                                     NULL);
    /* which would follow /proc/PID/root by its text, into the wrong root: given the host path */
    struct program readlink = program(null, NULL, "/usr/bin/readlink", "-f", "/r/merged/home/runner/_work/repo", NULL);
    static struct side a = { .times = 1 }, b = { .times = 1 }, c = { .times = 1 }, d = { .times = 1 };
    a.arg = &ours, b.arg = &empty, c.arg = &bare;
    a.run = b.run = c.run = d.run = run_program;
    expect(&ours, answer);
    expect(&bare, answer);
    take_turns((struct side *[]){ &a, &b, &c }, 3, ROUNDS);
    compare("start: an empty program", &a, &b, ROUNDS, 1.5);
    compare("start: the bare calls", &a, &c, ROUNDS, 0);
    if (!access(nsenter.argv[0], X_OK) && !access(nsenter.argv[4], X_OK)) {
        expect(&nsenter, pathf("%s\n", source));
        d.arg = &nsenter;
        take_turns((struct side *[]){ &a, &d }, 2, SLOW_ROUNDS);
        compare("start: nsenter realpath", &a, &d, SLOW_ROUNDS, 0);
    } else
        printf("%-32s skipped: no nsenter or realpath in /usr/bin\n", "start: nsenter realpath");
    expect(&readlink, "/r/merged/home/runner/_work/repo\n");
    d.arg = &readlink;
    take_turns((struct side *[]){ &a, &d }, 2, SLOW_ROUNDS);
    compare("start: readlink -f", &a, &d, SLOW_ROUNDS, 0);
    struct traced t = trace_program(&ours), u = trace_program(&bare);
    put_traced("start", &t, &u, 0);
    stop_runner(pid);
}

/* ==== b. one resolution ================================================================================= */

struct question {
    struct dindbind_runner *r;
    const char *source;
    size_t prefix;              /* of the proc path */
    bool prove;                 /* the name that was read */
    char answer[128];
};

static void ask_library(void *arg)
{
    const struct question *q = arg;
    struct dindbind_result res;
    if (dindbind_resolve(q->r, q->source, 0, &res) || strcmp(res.path, q->answer))
        wrong("resolve", res.path);
    dindbind_release(&res);
}

/* The contract needs of the kernel, for one source:
 *   openat2     the source itself, contained and without a symlink: then its name is the one that was given
 *   statx       what it is (a file, a directory), and on which mount
 *   readlink    of /proc/PID/root: the task was still alive, so that the PID in the answer meant it
 *   fstatfs     whether the mount is read-only
 *   close
 * and where there are symlinks on the way (ELOOP):
 *   openat2     once more, following them
 *   readlink    of the descriptor: its name without symlinks
 * and, to prove that name:
 *   openat2, statx, close       it leads to that inode: a file that was removed, or whose mount was detached meanwhile,
 *               is called something else */
static void ask_bare(void *arg)
{
    enum { EMPTY = AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT };
    const struct question *q = arg;
    const char *name = q->answer + q->prefix;
    char link[FD_PATH], path[DINDBIND_PATH_MAX], root[2];
    struct statx_buf x;
    struct statfs fs;
    int fd = sys_openat2(q->r->root_fd, q->source + 1, OPEN_PIN, IN_ROOT | NO_MAGICLINKS | NO_SYMLINKS), again;
    bool links = fd == -ELOOP;
    if (links)
        fd = sys_openat2(q->r->root_fd, q->source + 1, OPEN_PIN, IN_ROOT | NO_MAGICLINKS);
    need(fd >= 0 && !syscall(SYS_statx, fd, "", EMPTY, STATX_WANTED, &x), "the source");
    if (links) {
        long n = syscall(SYS_readlinkat, q->r->proc_fd, fd_path(link, "thread-self/fd/", fd), path, sizeof path);
        need(n == (long)strlen(name) && !memcmp(path, name, (size_t)n), "its name");
    }
    if (links && q->prove) {
        again = sys_openat2(q->r->root_fd, name + 1, OPEN_PIN | O_NOFOLLOW, IN_ROOT | NO_MAGICLINKS | NO_SYMLINKS);
        need(again >= 0 && !syscall(SYS_statx, again, "", EMPTY, STATX_WANTED, &x) && !close(again), "its name again");
    }
    need(syscall(SYS_readlinkat, q->r->task_fd, "root", root, sizeof root) == 1 && !syscall(SYS_fstatfs, fd, &fs),
         "the task, the mount");
    close(fd);
}

static void bench_resolve(void)
{
    static const struct { const char *name, *source, *answer; bool prove; } rows[] = {
        { "resolve: four components", source, source, false },
        { "resolve: a file", "/home/runner/_work/f7", "/home/runner/_work/f7", false },
        /* a path without a link in it is the answer, so what proves the name cannot be done without */
        { "resolve: through a symlink", "/home/runner/link/repo", source, true },
        { "resolve: its name not proven", "/home/runner/link/repo", source, false },
    };
    enum { ROUNDS = 300, TIMES = 100 };
    pid_t pid = start_runner((struct wanted){ 0 });
    struct dindbind_runner r = open_runner(pid);
    for (size_t i = 0; i < COUNT(rows); i++) {
        static struct side a, b;
        struct question q = { .r = &r, .source = rows[i].source, .prove = rows[i].prove };
        q.prefix = (size_t)snprintf(q.answer, sizeof q.answer, "/proc/%d/root", pid);
        snprintf(q.answer + q.prefix, sizeof q.answer - q.prefix, "%s", rows[i].answer);
        a = (struct side){ .run = ask_library, .arg = &q, .times = TIMES };
        b = (struct side){ .run = ask_bare, .arg = &q, .times = TIMES };
        take_turns((struct side *[]){ &a, &b }, 2, ROUNDS);
        compare(rows[i].name, &a, &b, ROUNDS, strstr(rows[i].name, "not proven") ? 0 : 1.3);
    }
    dindbind_close(&r);
    stop_runner(pid);
}

/* ==== c. layers ========================================================================================= */

static const char looked_for[] = "/opt/app/lib/node";

enum holds { IN_FIRST, IN_LAST, IN_ALL, IN_NONE, HOLDS };

static const char *const holds_names[HOLDS] = { "first", "last", "all", "none" };

struct stacked {
    const char *dir;            /* that they are in */
    char *options;
    unsigned n, holders;
    struct dindbind_runner *r;  /* opened, or NULL: from opening it on */
    bool attach;                /* the mount that it is compared with */
};

/* Of n layers the `holders` topmost, or the lowest one, have the directory; each has something else, too. */
static void make_layers(struct stacked *s, const char *dir, unsigned n, unsigned holders, bool lowest)
{
    size_t size = 32 + 24 * (size_t)n, len;
    make_dir(dir);
    s->options = malloc(size);
    len = (size_t)snprintf(s->options, size, "%slowerdir=", world.root ? "" : "userxattr,");
    for (unsigned i = 0; i < n; i++) {
        make_dirs(pathf("%s/%u/etc/conf.d", dir, i));
        new_file(pathf("%s/%u/etc/conf.d/%u", dir, i, i));
        if (lowest ? i == n - 1 : i < holders) {
            make_dirs(pathf("%s/%u%s", dir, i, looked_for));
            for (int k = 0; k < 3; k++)
                new_file(pathf("%s/%u%s/%u-%d", dir, i, looked_for, i, k));
        }
        len += (size_t)snprintf(s->options + len, size - len, "%s%s/%u", i ? ":" : "", dir, i);
    }
    s->dir = dir;
    s->n = n;
    s->holders = lowest ? 1 : holders;
    s->r = NULL;
    s->attach = false;
    make_dir("/m");
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *place)
{
    (void)st, (void)type, (void)place;
    return remove(path);
}

static void drop_layers(struct stacked *s)
{
    free(s->options);
    if (nftw(s->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS))
        die(s->dir);
}

static void ask_layers(void *arg)
{
    const struct stacked *s = arg;
    struct dindbind_runner own = { .overlay = s->options }, *r = s->r ? s->r : &own;
    struct dindbind_result res;
    if (!s->r && dindbind_open(r))
        wrong("dindbind_open", r->detail);
    int rc = dindbind_resolve(r, looked_for, 0, &res);
    bool good = s->holders ? !rc && (s->holders == 1 ? res.kind == DINDBIND_SINGLE
                                                     : res.kind == DINDBIND_MERGED && res.nlayers == s->holders)
                           : rc == DINDBIND_E_MISSING;
    if (!good)
        wrong("layers", pathf("%s, kind %d, %zu layers", dindbind_word(rc), res.kind, res.nlayers));
    dindbind_release(&res);
    if (!s->r)
        dindbind_close(r);
}

/* fsopen, a lowerdir+ for each layer, fsmount, move_mount; openat2 and statx; umount2. A mount that is attached nowhere
 * spares move_mount and umount2, and is as good for a look. */
static void ask_mount(void *arg)
{
    const struct stacked *s = arg;
    struct node n;
    int fs = (int)syscall(SYS_fsopen, "overlay", FS_CLOEXEC), rc = fs < 0 ? -errno : 0;
    if (!rc && !world.root)
        rc = (int)syscall(SYS_fsconfig, fs, FS_SET_FLAG, "userxattr", NULL, 0);
    for (unsigned i = 0; !rc && i < s->n; i++)
        rc = (int)syscall(SYS_fsconfig, fs, FS_SET_STRING, "lowerdir+", pathf("%s/%u", s->dir, i), 0);
    int mnt = rc ? -1 : fs_mount(fs, ATTR_RDONLY);
    if (mnt < 0)
        die("mounting the overlay");
    if (s->attach && syscall(SYS_move_mount, mnt, "", AT_FDCWD, "/m", MOVE_FROM_FD))
        die("/m");
    int fd = sys_openat2(mnt, looked_for + 1, OPEN_PIN, IN_ROOT | NO_MAGICLINKS);
    if (s->holders ? fd < 0 || sys_statx(fd, "", &n) : fd != -ENOENT)
        wrong("overlay", looked_for);
    sys_close(fd);
    close(mnt);
    close(fs);
    if (s->attach && umount2("/m", 0))
        die("/m");
}

/* The least that shows that no layer has it: a look for the first component in each, and a walk through many to see that
 * they are there. */
static void ask_bare_layers(void *arg)
{
    const struct stacked *s = arg;
    struct node n;
    int base = open(s->dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    char walk[1024], *end = walk, dir[FD_PATH], top[FD_PATH + 8];
    for (unsigned i = 0; i < s->n; i++) {
        const char *name = fd_path(dir, "", (int)i);
        strcpy(stpcpy(top, name), "/opt");
        if (sys_statx(base, top, &n) != -ENOENT)
            wrong("layers", top);
        end = stpcpy(stpcpy(end, name), "/../");
        if (i % 32 < 31 && i + 1 < s->n)
            continue;
        int fd;
        do                      /* EAGAIN: somebody on this machine renamed something during a `..` */
            fd = sys_openat2(base, walk, OPEN_DIR, BENEATH | NO_SYMLINKS);
        while (fd == -EAGAIN);
        if (fd < 0)
            wrong("layers", walk);
        close(fd);
        end = walk;
    }
    close(base);
}

enum { LAYER_ROUNDS = 30 };

static const char on_disk[] = "/disk/l", in_memory[] = "/l";

static void layers_and_mounts(const char *dir, unsigned n, enum holds h)
{
    static struct side a, b, c, d;
    char name[64];
    struct stacked s, attached;
    double goal = h == IN_ALL ? (n == 128 ? 1 : 0) : h == IN_NONE ? 0 : 0.25;
    make_layers(&s, dir, n, h == IN_ALL ? n : h == IN_FIRST, h == IN_LAST);
    attached = s;
    attached.attach = true;
    a = (struct side){ .run = ask_layers, .arg = &s, .times = 1 };
    b = (struct side){ .run = ask_mount, .arg = &attached, .times = 1 };
    c = (struct side){ .run = ask_mount, .arg = &s, .times = 1 };
    d = (struct side){ .run = ask_bare_layers, .arg = &s, .times = 1 };
    take_turns((struct side *[]){ &a, &b, &c, &d }, h == IN_NONE ? 4 : 3, LAYER_ROUNDS);
    snprintf(name, sizeof name, "layers%s: %u, in %s", dir == in_memory ? " in memory" : "", n, holds_names[h]);
    compare(name, &a, &b, LAYER_ROUNDS, goal);
    compare("  mounted, attached nowhere", &a, &c, LAYER_ROUNDS, 0);
    if (h == IN_NONE)
        compare("  the bare calls", &a, &d, LAYER_ROUNDS, 0);
    drop_layers(&s);
}

/* One look-up by a runner that is open already. */
static double opened_layers(unsigned n, unsigned holders)
{
    static struct side a;
    struct stacked s;
    make_layers(&s, on_disk, n, holders, false);
    struct dindbind_runner r = { .overlay = s.options };
    if (dindbind_open(&r))
        wrong("dindbind_open", r.detail);
    s.r = &r;
    a = (struct side){ .run = ask_layers, .arg = &s, .times = 1 };
    take_turns((struct side *[]){ &a }, 1, LAYER_ROUNDS);
    dindbind_close(&r);
    drop_layers(&s);
    return spread_of(a.us, LAYER_ROUNDS).middle;
}

/* On a disk, as engines have them, and on a tmpfs, which does not remember what it has not: a look that finds nothing costs
 * thrice as much there. */
static void bench_layers(void)
{
    static const unsigned counts[] = { 2, 8, 32, 128, 500 };
    struct statfs fs;
    if (statfs("/disk", &fs) || fs.f_type == 0x01021994 /* TMPFS_MAGIC */)
        printf("layers: $TMPDIR is in memory: all layers are\n");
    for (int h = 0; h < HOLDS; h++)
        for (size_t i = 0; i < COUNT(counts); i++)
            layers_and_mounts(on_disk, counts[i], (enum holds)h);
    for (int h = 0; h < HOLDS; h++)
        layers_and_mounts(in_memory, 128, (enum holds)h);
    /* once it is open: what one more layer costs that has not the directory, and one that has it */
    double without = (opened_layers(500, 1) - opened_layers(2, 1)) / 498;
    double with = (opened_layers(500, 500) - opened_layers(2, 2)) / 498;
    put_line("layers: one more without, with", without, with, "us", NULL, 0);
}

/* Does one layer's directory stand for the whole subtree? */
enum { TREE_DIRS = 1000, TREE_FILES = 100 };

/* The least that shows it: each directory is listed, and the attributes of each entry are listed, for a file can be a
 * whiteout by its attributes, and a directory redirected. */
static void ask_tree(void *arg)
{
    static char buf[32768], list[1024];
    unsigned long seen = 0;
    int top = open("/l/0/opt/app/lib/node", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    (void)arg;
    for (int i = 0; i < TREE_DIRS; i++) {
        char name[FD_PATH];
        int fd = openat(top, fd_path(name, "", i), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        long n;
        if (fd < 0 || fchdir(fd))
            die("the tree");
        while ((n = syscall(SYS_getdents64, fd, buf, sizeof buf)) > 0)
            for (long at = 0; at < n; at += *(uint16_t *)(void *)(buf + at + DIRENT_RECLEN))
                seen += buf[at + DIRENT_NAME] != '.' && llistxattr(buf + at + DIRENT_NAME, list, sizeof list) >= 0;
        close(fd);
    }
    if (chdir("/") || seen != (unsigned long)TREE_DIRS * TREE_FILES)
        wrong("the tree", pathf("%lu files", seen));
    close(top);
}

static void bench_subtree(void)
{
    enum { ROUNDS = 7 };
    static struct side a, b;
    struct stacked s;
    make_layers(&s, in_memory, 2, 1, false);
    for (int i = 0; i < TREE_DIRS; i++) {
        make_dir(pathf("/l/0%s/%d", looked_for, i));
        for (int k = 0; k < TREE_FILES; k++)
            new_file(pathf("/l/0%s/%d/%d", looked_for, i, k));
    }
    a = (struct side){ .run = ask_layers, .arg = &s, .times = 1 };
    b = (struct side){ .run = ask_tree, .times = 1 };
    take_turns((struct side *[]){ &a, &b }, 2, ROUNDS);
    compare("subtree: 100,000 files", &a, &b, ROUNDS, 0);
    drop_layers(&s);
}

/* ==== d. staging ======================================================================================== */

struct staging {
    struct dindbind_runner *r;
    struct dindbind_result results[MOST_SOURCES];
    unsigned n;
    char number[16];
};

/* One entry in one mode is staged once, so each source is a directory of its own. */
static const char *source_at(unsigned i)
{
    return pathf("%s/%u", source, i);
}

/* What is mounted at and in /stage, and whether anything of it could propagate. */
static unsigned rows_of_stage(void)
{
    static char text[65536];
    unsigned n = 0;
    int fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
    need(read_start(fd, text, sizeof text) > 0 && !close(fd), "mountinfo");
    for (char *end, *line = text; (end = strchr(line, '\n')); line = end + 1) {
        *end = 0;
        if (!strstr(line, " /stage ") && !strstr(line, " /stage/"))
            continue;
        if (strstr(line, " shared:") || strstr(line, " master:"))
            wrong("stage", line);
        n++;
    }
    return n;
}

static void check_stage(const struct staging *s)
{
    struct stat a, b;
    for (unsigned i = 0; i < s->n; i++)
        if (lstat(pathf("/stage/%u", i), &a) || fstat(s->results[i].fd, &b) || a.st_ino != b.st_ino ||
            a.st_dev != b.st_dev)
            wrong("stage", pathf("/stage/%u", i));
    unsigned rows = rows_of_stage();
    if (rows != s->n + 2)
        wrong("stage", pathf("%u mounts", rows));
}

/* Both tmpfs, each with what is mounted on it. */
static void remove_stage(void)
{
    if (umount2("/stage", MNT_DETACH) || umount2("/stage", MNT_DETACH) || rmdir("/stage"))
        die("/stage");
}

/* The results are asked again, for their paths are those of a stage that is gone. */
static void drop_stage(void *arg)
{
    struct staging *s = arg;
    check_stage(s);
    remove_stage();
    for (unsigned i = 0; i < s->n; i++) {
        dindbind_release(&s->results[i]);
        if (dindbind_resolve(s->r, source_at(i), DINDBIND_TO_STAGE, &s->results[i]))
            wrong("resolve", source_at(i));
    }
}

static void stage_library(void *arg)
{
    struct staging *s = arg;
    struct dindbind_result *list[MOST_SOURCES];
    int err;
    for (unsigned i = 0; i < s->n; i++)
        list[i] = &s->results[i];
    int rc = dindbind_stage(s->r, "/stage", list, s->n, &err);
    if (rc)
        wrong("dindbind_stage", pathf("%s, %s", dindbind_word(rc), strerror(err)));
}

struct cloning {
    const struct staging *s;
    int ns, trees[MOST_SOURCES];
    bool done;
};

static bool bare_seal(int mount)
{
    struct { uint64_t set, clear, propagation, userns; } attr = { 0, 0, MS_PRIVATE, 0 };
    return !syscall(SYS_mount_setattr, mount, "", AT_EMPTY_PATH | TREE_RECURSIVE, &attr, sizeof attr);
}

static bool bare_move(int mount, int to, const char *name)
{
    return !syscall(SYS_move_mount, mount, "", to, name, MOVE_FROM_FD | (*name ? 0 : MOVE_TO_FD));
}

/* Until its end, for only that shows that nothing is missing. */
static void bare_mountinfo(int proc, const char *name)
{
    static char text[65536];
    int fd = sys_openat2(proc, name, O_RDONLY | O_CLOEXEC, BENEATH | NO_XDEV | NO_MAGICLINKS);
    need(read_start(fd, text, sizeof text) > 0 && !close(fd), name);
}

static int clone_trees(void *arg)
{
    enum { CLONE_ALL = AT_EMPTY_PATH | TREE_RECURSIVE | TREE_CLONE | O_CLOEXEC };
    struct cloning *c = arg;
    c->done = !syscall(SYS_setns, c->ns, CLONE_NEWNS);
    for (unsigned i = 0; c->done && i < c->s->n; i++) {
        c->trees[i] = (int)syscall(SYS_open_tree, c->s->results[i].fd, "", CLONE_ALL);
        c->done = c->trees[i] >= 0 && bare_seal(c->trees[i]);
    }
    return 0;
}

static void bare_clone(struct cloning *c)
{
    static char stack[16384] __attribute__((aligned(16)));
    sigset_t all, old;
    memset(&all, -1, sizeof all);
    set_signals(&all, &old);
    pid_t pid = clone(clone_trees, stack + sizeof stack, CLONE_VM | CLONE_VFORK | CLONE_FILES, c);
    set_signals(&old, NULL);
    need(pid > 0 && waitpid(pid, NULL, __WALL) == pid && c->done, "cloning");
}

/* The root of a tmpfs that is attached nowhere yet, locked. */
static int bare_root(int mount)
{
    int root = sys_open(mount, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    need(root >= 0 && !CALL3(SYS_flock, root, LOCK_EX), "tmpfs");
    return root;
}

/* The contract needs of the kernel, before the directory is locked, since a server that does not
 * answer must not make others wait:
 *   openat2, close, openat      the runner's mount namespace, after a look that nothing is mounted over
 *               its name. Its mounts can only be cloned from within it
 *   statx       of each source: which mount it is on
 *   openat2 to close    the runner's mountinfo: which mounts come along, how many, and whether all of
 *               them can be cloned: open_tree leaves unbindable ones out without an error
 * for the directory:
 *   openat, statx       every directory above it is a safe one; here that is / alone
 *   mkdirat, openat, statx      it exists, is the caller's, and is closed to others
 *   flock, statx        other calls wait now, and it still is what its name leads to
 *   getdents64 (2)      it is empty
 * for the two tmpfs on it:
 *   fsopen to close     the outer one is read-only and stays empty: where the directory lies on a shared
 *               mount peers get a copy, and what looks there for an entry fails. The inner one has the
 *               entries. Both have the name by which a stage is recognized, and are closed to others
 *   openat, flock       of each: they are locked before anybody can see them
 *   move_mount, mount_setattr, move_mount       the outer one gets its parent's propagation, until it is
 *               told to be private; the inner one is attached after that. While it is the caller who
 *               mounts the answer no child is needed for this: descriptors name all of it
 * for the entries:
 *   openat, ftruncate, close    numbers are not given twice in the life of a stage
 *   rt_sigprocmask to wait4     a child in the runner's mount namespace, in which no signal handler of
 *               the caller's may run:
 *     setns
 *     open_tree, mount_setattr  of each source: its tree is private, in both directions and for good
 *   mkdirat, move_mount, close  of each source: its place, and the tree on it
 * and in the end:
 *   openat2 to close    our own mountinfo: what came is what should have come, for the runner can mount
 *               something on a tree until that is private; and nothing is left that propagates */
static void stage_bare(void *arg)
{
    enum { NOT_OVER = BENEATH | NO_XDEV | NO_MAGICLINKS };
    struct cloning c = { .s = arg };
    const struct dindbind_runner *r = c.s->r;
    struct node n, again;
    char name[FD_PATH], list[1024];
    int link = sys_openat2(r->task_fd, "ns/mnt", OPEN_PIN | O_NOFOLLOW, NOT_OVER);
    need(link >= 0 && !close(link), "the link");
    c.ns = sys_open(r->task_fd, "ns/mnt", O_RDONLY | O_CLOEXEC);
    for (unsigned i = 0; i < c.s->n; i++)
        need(!sys_statx(c.s->results[i].fd, "", &n), "the source");
    bare_mountinfo(r->task_fd, "mountinfo");

    int top = sys_open(AT_FDCWD, "/", OPEN_DIR);
    need(!sys_statx(top, "", &n) && !mkdirat(top, "stage", 0700), "/stage");
    int dir = sys_open(top, "stage", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    need(!sys_statx(dir, "", &n) && !CALL3(SYS_flock, dir, LOCK_EX | LOCK_NB), "/stage, locked");
    need(!sys_statx(top, "stage", &again) && same_node(&n, &again), "/stage again");
    need(CALL3(SYS_getdents64, dir, list, sizeof list) == 48 &&
         !CALL3(SYS_getdents64, dir, list, sizeof list), "/stage, empty");

    int outer = fs_mount(fs_open("tmpfs", "source=dindbind,mode=0700"), ATTR_OURS | ATTR_RDONLY);
    int inner = fs_mount(fs_open("tmpfs", "source=dindbind,mode=0700,size=1m"), ATTR_OURS);
    int outer_root = bare_root(outer), root = bare_root(inner);
    need(bare_move(outer, dir, "") && bare_seal(outer) && bare_move(inner, outer, ""), "tmpfs");

    int next = sys_open(root, "next", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC);
    need(!ftruncate(next, c.s->n) && !close(next), "next");
    bare_clone(&c);
    for (unsigned i = 0; i < c.s->n; i++) {
        fd_path(name, "", (int)i);
        need(!mkdirat(root, name, 0700) && bare_move(c.trees[i], root, name) && !close(c.trees[i]),
             "an entry");
    }
    bare_mountinfo(r->proc_fd, "thread-self/mountinfo");
    const int opened[] = { c.ns, top, dir, outer, inner, outer_root, root };
    for (size_t i = 0; i < COUNT(opened); i++)
        close(opened[i]);
}

/* What people do: into the runner, once for each source. It ends up there, not here. */
static void stage_nsenter(void *arg)
{
    struct staging *s = arg;
    for (unsigned i = 0; i < s->n; i++) {
        struct program p = program(-1, NULL, "/usr/bin/nsenter", "-t", s->number, "-m", "/usr/bin/mount", "--bind",
                                   source_at(i), pathf("/mnt/%u", i), NULL);
        run_program(&p);
    }
}

static void drop_nsenter(void *arg)
{
    struct staging *s = arg;
    struct program p = program(-1, NULL, "/usr/bin/nsenter", "-t", s->number, "-m", "/usr/bin/umount", NULL);
    for (unsigned i = 0; i < s->n; i++) {
        p.argv[5] = (char *)(uintptr_t)pathf("/mnt/%u", i);
        run_program(&p);
    }
}

/* For each further source; the five of its resolution, and statx, mkdirat, move_mount, close here, are
 * what it needs of the calling process. */
static void stage_calls(char *number)
{
    struct program p = program(open(dev_null, O_WRONLY | O_CLOEXEC), NULL, tool, "-p", number, "-s", "/stage", NULL);
    struct traced t[2];
    size_t words = 5;
    for (unsigned i = 0, n = 0; i < 2; i++) {
        for (; n < 1 + 8 * i; n++)
            p.argv[words++] = (char *)(uintptr_t)strdup(source_at(n));
        t[i] = trace_program(&p);
        remove_stage();
    }
    put_line("stage: calls for each source", (double)(t[1].calls - t[0].calls) / 8, 9, "calls", NULL, 0);
}

static void bench_stage(void)
{
    static const unsigned counts[] = { 1, 8, 64 };
    enum { ROUNDS = 100 };
    static struct side a, b, c;
    static struct staging s;
    pid_t pid = start_runner((struct wanted){ 0 });
    struct dindbind_runner r = open_runner(pid);
    bool others = !access("/usr/bin/nsenter", X_OK) && !access("/usr/bin/mount", X_OK);
    s.r = &r;
    snprintf(s.number, sizeof s.number, "%d", pid);
    for (unsigned i = 0; i < MOST_SOURCES; i++)
        if (dindbind_resolve(&r, source_at(i), DINDBIND_TO_STAGE, &s.results[i]))
            wrong("resolve", source_at(i));
    for (size_t i = 0; i < COUNT(counts); i++) {
        s.n = counts[i];
        a = (struct side){ .run = stage_library, .after = drop_stage, .arg = &s, .times = 1 };
        b = (struct side){ .run = stage_bare, .after = drop_stage, .arg = &s, .times = 1 };
        c = (struct side){ .run = stage_nsenter, .after = drop_nsenter, .arg = &s, .times = 1 };
        take_turns((struct side *[]){ &a, &b }, 2, ROUNDS);
        compare(pathf("stage: %u, the bare calls", s.n), &a, &b, ROUNDS, 1.5);
        if (others) {
            unsigned rounds = s.n > 8 ? 2 : 5;
            take_turns((struct side *[]){ &a, &c }, 2, rounds);
            compare(pathf("stage: %u, nsenter mount", s.n), &a, &c, rounds, 0);
        } else
            printf("%-32s skipped: no nsenter or mount in /usr/bin\n", "stage: nsenter mount");
    }
    stage_calls(s.number);
    for (unsigned i = 0; i < MOST_SOURCES; i++)
        dindbind_release(&s.results[i]);
    dindbind_close(&r);
    stop_runner(pid);
}

/* ==== e. paths on standard input ======================================================================== */

/* So many of four components, each a file that is there. */
static const char *make_paths(unsigned n, char end, const char *name)
{
    FILE *f = fopen(name, "we");
    for (unsigned i = 0; f && i < n; i++)
        fprintf(f, "/home/runner/_work/f%u%c", i % FILES, end);
    if (!f || fclose(f))
        die(name);
    return name;
}

/* Each answer is what stands before the path, and the path. */
static void check_paths(const struct program *p, unsigned n, char end, const char *before, const char *dir)
{
    char want[128];
    size_t len;
    char *got = output_of(*p, &len), *at = got;
    for (unsigned i = 0; i < n; i++) {
        size_t k = (size_t)snprintf(want, sizeof want, "%s%s/f%u%c", before, dir, i % FILES, end);
        if (strncmp(at, want, k - !end) || at[k - 1] != end)
            wrong("standard input", at);
        at += k;
    }
    if (at != got + len)
        wrong("standard input", "more than was asked for");
    munmap(got, len + 1);
}

/* The same system calls for one path after the other, in a process that is there already. */
static void ask_many(void *arg)
{
    struct question *q = arg;
    for (unsigned i = 0; i < 100 * FILES; i++)
        ask_bare(&q[i % FILES]);
}

static void stdin_and_bare(struct dindbind_runner *r, struct side *a, unsigned rounds)
{
    static struct question q[FILES];
    static struct side b;
    for (unsigned i = 0; i < FILES; i++) {
        q[i].r = r;
        q[i].prefix = (size_t)snprintf(q[i].answer, sizeof q[i].answer, "/proc/%ld/root", r->pid);
        snprintf(q[i].answer + q[i].prefix, sizeof q[i].answer - q[i].prefix, "/home/runner/_work/f%u", i);
        q[i].source = q[i].answer + q[i].prefix;
    }
    b = (struct side){ .run = ask_many, .arg = q, .times = 1 };
    take_turns((struct side *[]){ a, &b }, 2, rounds);
    struct spread ratio = ratio_of(a, &b, rounds);
    put_line("stdin: 100000, the bare calls", 1e11 / spread_of(a->us, rounds).middle,
             1e11 / spread_of(b.us, rounds).middle, "paths/s", &ratio, 0);
}

static void bench_stdin(void)
{
    static const unsigned counts[] = { 1, 1000, 10000, 100000 }, all_rounds[] = { 200, 50, 7, 7 };
    enum { LAST = 3 };
    static struct side a = { .run = run_program, .times = 1 };
    struct traced t[COUNT(counts)];
    char number[16], place[64], name[64];
    pid_t pid = start_runner((struct wanted){ 0 });
    struct dindbind_runner r = open_runner(pid);
    int out = open("/tmp/answers", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    snprintf(number, sizeof number, "%d", pid);
    snprintf(place, sizeof place, "/proc/%d/root", pid);
    for (size_t i = 0; i < COUNT(counts); i++) {
        unsigned n = counts[i], rounds = all_rounds[i];
        const char *lines = make_paths(n, '\n', "/tmp/lines"), *nuls = make_paths(n, 0, "/tmp/nuls");
        struct program p[] = {
            program(out, lines, tool, "-p", number, "-", NULL),
            program(out, nuls, tool, "-p", number, "-0", "-", NULL),
            program(out, lines, tool, "-b", "/vol/work:/home/runner/_work", "-", NULL),
        };
        static const char *const names[] = { "lines", "-0", "a bind row" };
        for (int k = 0; k < 3; k++) {
            check_paths(&p[k], n, k == 1 ? 0 : '\n', k == 2 ? "" : place, k == 2 ? "/vol/work" : "/home/runner/_work");
            a.arg = &p[k];
            take_turns((struct side *[]){ &a }, 1, rounds);
            snprintf(name, sizeof name, "stdin: %u, %s", n, names[k]);
            put_line(name, 1e6 * n / spread_of(a.us, rounds).middle, 0, "paths/s", NULL, i == LAST ? -300000 : 0);
            if (i == LAST && !k)
                stdin_and_bare(&r, &a, rounds);
        }
        t[i] = trace_program(&p[0]);
        put_line(pathf("stdin: %u, peak memory", n), (double)t[i].peak, (double)t[0].peak, "KiB", NULL,
                 i == LAST ? (double)t[LAST - 1].peak + 16 : 0);
    }
    double calls = (double)(t[LAST].calls - t[0].calls) / (counts[LAST] - counts[0]);
    put_line("stdin: calls for each path", calls, 5, "calls", NULL, 0);
    dindbind_close(&r);
    stop_runner(pid);
}

/* ==== f. host paths ===================================================================================== */

static void host_stdin(const char *number, size_t mounts, double one_us)
{
    static struct side a = { .run = run_program, .times = 1 };
    /* where a thousand would take long, fewer: the figure is for one path */
    unsigned n = one_us * 1000 > 8e6 ? 50 : 1000, rounds = one_us * n > 5e5 ? 1 : 5;
    int out = open("/tmp/answers", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    struct program p = program(out, make_paths(n, '\n', "/tmp/lines"), tool, "-p", number, "-H", "-", NULL);
    check_paths(&p, n, '\n', "", "/r/merged/home/runner/_work");
    a.arg = &p;
    take_turns((struct side *[]){ &a }, 1, rounds);
    put_line(pathf("host: %zu mounts, of %u paths", mounts, n), spread_of(a.us, rounds).middle / n, 0, "us/path",
             NULL, 0);
    close(out);
}

/* Two mountinfo files are read whole: less does not show which mount a mount id is, before statmount(2) of 6.8. */
static void read_tables(void *arg)
{
    static char buf[65536];
    const char *const files[] = { "/proc/self/mountinfo", arg };
    for (int i = 0; i < 2; i++) {
        int fd = open(files[i], O_RDONLY | O_CLOEXEC);
        long n = 1;
        while (fd >= 0 && (n = read(fd, buf, sizeof buf)) > 0)
            ;
        need(fd >= 0 && !n && !close(fd), files[i]);
    }
}

static void bench_host(void)
{
    static const size_t counts[] = { 10, 1000, 20000 };
    static struct side a = { .run = run_program, .times = 1 }, b = { .run = read_tables, .times = 1 };
    if (!world.overlay)
        skip("host", "no overlay can be mounted");
    for (size_t i = 0; i < COUNT(counts); i++) {
        unsigned rounds = counts[i] > 1000 ? 15 : 200;
        char number[16], table[64];
        fill(counts[i]);
        pid_t pid = start_runner((struct wanted){ .mounts = counts[i] });
        snprintf(number, sizeof number, "%d", pid);
        snprintf(table, sizeof table, "/proc/%d/mountinfo", pid);
        int null = open(dev_null, O_RDWR | O_CLOEXEC);
        struct program p = program(null, NULL, tool, "-p", number, "-H", source, NULL);
        expect(&p, pathf("/r/merged%s\n", source));
        a.arg = &p;
        b.arg = table;
        take_turns((struct side *[]){ &a, &b }, 2, rounds);
        size_t rows = count_rows();
        compare(pathf("host: %zu mounts, the tables read", rows), &a, &b, rounds, 0);
        host_stdin(number, rows, spread_of(a.us, rounds).middle);
        struct traced t = trace_program(&p);
        put_traced(pathf("host: %zu mounts", rows), &t, NULL, 0);
        stop_runner(pid);
        close(null);
        if (umount2("/fill", MNT_DETACH) && errno != EINVAL && errno != ENOENT)
            die("/fill");
    }
}

/* ==== f, g. bodies ====================================================================================== */

static unsigned count_text(const char *s, const char *what)
{
    unsigned n = 0;
    for (; (s = strstr(s, what)); s += strlen(what))
        n++;
    return n;
}

/* Binds of a directory with three hundred mounts below: each becomes three hundred and one. Thirteen are what an answer
 * can hold. */
static void bench_nested(void)
{
    enum { BINDS = 13, ROUNDS = 5 };
    static struct side a = { .run = run_program, .times = 1 };
    if (!world.overlay)
        skip("nested", "no overlay can be mounted");
    pid_t pid = start_runner((struct wanted){ .nested = true });
    char number[16];
    size_t len;
    snprintf(number, sizeof number, "%d", pid);
    for (unsigned binds = 1; binds <= BINDS; binds += BINDS - 1) {
        FILE *f = fopen("/tmp/body", "we");
        fprintf(f, "{\"Image\":\"x\",\"HostConfig\":{\"Binds\":[");
        for (unsigned i = 0; i < binds; i++)
            fprintf(f, "%s\"/nest:/t%u\"", i ? "," : "", i);
        fprintf(f, "]}}");
        if (fclose(f))
            die("/tmp/body");
        struct program p = program(-1, "/tmp/body", tool, "-p", number, "-c", NULL);
        char *got = output_of(p, &len);
        unsigned tops = count_text(got, "\"/r/merged/nest:/t"), below_them = count_text(got, "\"/vol/nest/m");
        if (tops != binds || below_them != binds * NESTED)
            wrong("nested", pathf("%u and %u binds", tops, below_them));
        munmap(got, len + 1);
        p.out = open(dev_null, O_WRONLY | O_CLOEXEC);
        a.arg = &p;
        take_turns((struct side *[]){ &a }, 1, ROUNDS);
        double us = spread_of(a.us, ROUNDS).middle;
        put_line(pathf("nested: %u binds, 300 below", binds), us / 1e3, 0, "ms", NULL, 0);
        put_line(pathf("nested: %u binds, for a mount", binds), us / (binds * (NESTED + 1)), 0, "us", NULL, 0);
        close(p.out);
    }
    stop_runner(pid);
}

/* As a client sends it: variables, labels, an entrypoint with escapes, nested objects, and one bind. */
static void make_body(const char *name, size_t size)
{
    FILE *f = fopen(name, "we");
    fprintf(f, "{\"Hostname\":\"\",\"Tty\":false,\"Image\":\"img\",\"HostConfig\":{\"Binds\":[\"%s:/__w\"],"
               "\"NetworkMode\":\"default\",\"Memory\":0,\"NanoCpus\":1.5e9,\"LogConfig\":{\"Type\":\"\"}},\"Env\":[",
            source);
    for (unsigned i = 0; (size_t)ftell(f) + 200 < size / 2; i++)
        fprintf(f, "%s\"VARIABLE_%u=/usr/local/bin:/usr/bin \\\"quoted\\\" and some more text\"", i ? "," : "", i);
    fprintf(f, "],\"Labels\":{");
    for (unsigned i = 0; (size_t)ftell(f) + 120 < size; i++)
        fprintf(f, "%s\"com.example.label%u\":\"value \\u00e9 \xc3\xa9 %u\"", i ? "," : "", i, i);
    fprintf(f, "}}");
    if (fclose(f))
        die(name);
}

/* To read it and to write it again. */
static void copy_body(void *arg)
{
    const struct program *p = arg;
    char *text;
    long len = read_whole(open(p->in, O_RDONLY | O_CLOEXEC), LONG_MAX, &text);
    if (len < 0 || write_all(p->out, text, (size_t)len))
        die("copy");
    free(text);
}

static void bench_body(void)
{
    static const struct { const char *name; size_t size; unsigned rounds; } rows[] = {
        { "1 KiB", 1 << 10, 200 }, { "100 KiB", 100 << 10, 100 }, { "10 MiB", 10 << 20, 7 },
    };
    static struct side a = { .run = run_program, .times = 1 }, b = { .run = copy_body, .times = 1 };
    if (!world.overlay)
        skip("body", "no overlay can be mounted");
    pid_t pid = start_runner((struct wanted){ 0 });
    char number[16];
    snprintf(number, sizeof number, "%d", pid);
    int null = open(dev_null, O_WRONLY | O_CLOEXEC);
    for (size_t i = 0; i < COUNT(rows); i++) {
        size_t len;
        make_body("/tmp/body", rows[i].size);
        struct program p = program(null, "/tmp/body", tool, "-p", number, "-c", NULL);
        char *text, *got = output_of(p, &len);
        read_whole(open("/tmp/body", O_RDONLY | O_CLOEXEC), LONG_MAX, &text);
        const char *bind = strstr(text, source), *there = strstr(got, "/r/merged");
        if (!there || there - got != bind - text || strcmp(there + strlen("/r/merged"), bind))
            wrong("body", got);
        munmap(got, len + 1);
        free(text);
        a.arg = b.arg = &p;
        take_turns((struct side *[]){ &a, &b }, 2, rows[i].rounds);
        double ours = spread_of(a.us, rows[i].rounds).middle, copied = spread_of(b.us, rows[i].rounds).middle;
        struct spread r = ratio_of(&a, &b, rows[i].rounds);
        double size = (double)rows[i].size;
        put_line(pathf("body: %s, a mere copy", rows[i].name), size / ours, size / copied, "MB/s", &r, 0);
        struct traced t = trace_program(&p);
        put_line(pathf("body: %s, peak memory", rows[i].name), (double)t.peak, size / 1024, "KiB", NULL, 0);
    }
    stop_runner(pid);
}

/* ==== h. size =========================================================================================== */

static void bench_size(void)
{
    struct stat ours, empty;
    char number[16];
    pid_t pid = start_runner((struct wanted){ 0 });
    int null = open(dev_null, O_WRONLY | O_CLOEXEC);
    snprintf(number, sizeof number, "%d", pid);
    if (stat(tool, &ours) || stat("/disk/empty", &empty))
        die(tool);
    put_line("size: the program", (double)ours.st_size / 1024, (double)empty.st_size / 1024, "KiB", NULL, 128);
    struct program none = program(null, NULL, "/disk/empty", NULL);
    struct program version = program(null, NULL, tool, "-V", NULL);
    struct program one = program(null, NULL, tool, "-p", number, source, NULL);
    struct program host = program(null, NULL, tool, "-p", number, "-H", source, NULL);
    struct program stage = program(null, NULL, tool, "-p", number, "-s", "/stage", source, NULL);
    struct traced e = trace_program(&none), t = trace_program(&version);
    put_line("size: -V, peak memory", (double)t.peak, (double)e.peak, "KiB", NULL, 0);
    t = trace_program(&one);
    put_line("size: one source, peak memory", (double)t.peak, (double)e.peak, "KiB", NULL, 300);
    t = trace_program(&host);
    put_line("size: -H, peak memory", (double)t.peak, (double)e.peak, "KiB", NULL, 300);
    t = trace_program(&stage);
    put_line("size: -s, peak memory", (double)t.peak, (double)e.peak, "KiB", NULL, 300);
    stop_runner(pid);
}

/* ==== which ============================================================================================= */

static const struct bench {
    const char *name;
    void (*run)(void);
} benches[] = {
    { "start", bench_start }, { "resolve", bench_resolve }, { "layers", bench_layers }, { "subtree", bench_subtree },
    { "stage", bench_stage }, { "stdin", bench_stdin }, { "host", bench_host }, { "nested", bench_nested },
    { "body", bench_body }, { "size", bench_size },
};

/* Each in a process of its own, so that one does not see what another one has left. */
static int run_bench(const struct bench *b)
{
    int status = 1;
    fflush(stdout);
    pid_t pid = fork();
    if (!pid) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        b->run();
        exit(0);
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid)
        die("fork");
    if (WIFSIGNALED(status))
        fprintf(stderr, "bench: %s: killed by signal %d\n", b->name, WTERMSIG(status));
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

static int run_all(char **words)
{
    unsigned done = 0, skipped = 0, failed_ones = 0;
    make_world();
    put_head();
    for (size_t i = 0; i < COUNT(benches); i++) {
        bool wanted = !*words;
        for (char **w = words; *w; w++)
            wanted |= !strcmp(*w, benches[i].name);
        int rc = wanted ? run_bench(&benches[i]) : 0;
        done += wanted && !rc;
        skipped += rc == SKIPPED;
        failed_ones += rc && rc != SKIPPED;
    }
    printf("%u benchmarks ran, %u could not, %u skipped\n", done, failed_ones, skipped);
    return failed_ones > 0;
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        size_t k = 0;
        while (k < COUNT(benches) && strcmp(argv[i], benches[k].name))
            k++;
        if (k == COUNT(benches)) {
            fprintf(stderr, "bench: %s: no such benchmark; there are", argv[i]);
            for (k = 0; k < COUNT(benches); k++)
                fprintf(stderr, " %s", benches[k].name);
            fprintf(stderr, "\n");
            return 2;
        }
    }
    const char *tmp = getenv("TMPDIR");
    snprintf(world.disk, sizeof world.disk, "%.30s/bench-layers-XXXXXX", tmp ? tmp : "/tmp");
    if (!mkdtemp(world.disk))
        die(world.disk);
    int status = run_in_child("bench", world.base, run_all, argv + 1);
    nftw(world.disk, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    return status;
}
