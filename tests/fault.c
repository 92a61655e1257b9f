/* fault.c - every system call of the tool fails once
 *
 * SPDX-License-Identifier: 0BSD
 *
 * Black-box: the static binary that $DINDBIND names (./dindbind) is run. White-box: dindbind.c is linked in, and
 * its applet runs in a child of the test, where descriptors and memory can be counted. Both under a ptrace(2)
 * tracer of the test's own, which is faster than strace by an order of magnitude and sees the child that staging
 * makes as well.
 *
 * A set of invocations covers every rule, place and format, and the refusals. Each runs undisturbed first; that
 * run is the measure. Then, one injection a run, each of its system calls fails with each error that it can
 * really give, is cut short, or is the moment at which the tool is killed. What must hold then is in judge().
 *
 * Everything happens in a mount namespace of the test's own (an ordinary user gets a user namespace for it), on
 * a tmpfs that holds nothing but /proc, /w and what is made there. Root may skip nothing. Without an argument a
 * sample of the injections is made, with -l all of them; -n NUMBER is one invocation, -v says what is injected.
 * The last line on standard output counts what passed, failed and was skipped.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
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
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#include "../dindbind.h"
#include "world.h"

/* What the traced child reports, and what it is asked to do. */
static struct shared {
    bool armed;                 /* the applet is running: its calls count */
    int allocations, fail_allocation;
    long live;                  /* blocks that were not given back */
    int before, after;          /* open descriptors */
} *shared;

/* The linker puts these before the C library's (--wrap). */
void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *old, size_t n);
void __real_free(void *p);

static bool may_allocate(void)
{
    if (!shared || !shared->armed || shared->allocations++ != shared->fail_allocation)
        return true;
    errno = ENOMEM;
    return false;
}

void *__wrap_malloc(size_t n)
{
    void *p = may_allocate() ? __real_malloc(n) : NULL;
    if (shared && shared->armed)
        shared->live += p != NULL;
    return p;
}

/* gcc makes it of malloc(3) and memset(3) */
void *__wrap_calloc(size_t n, size_t size)
{
    void *p = may_allocate() ? __real_calloc(n, size) : NULL;
    if (shared && shared->armed)
        shared->live += p != NULL;
    return p;
}

void *__wrap_realloc(void *old, size_t n)
{
    void *p = may_allocate() ? __real_realloc(old, n) : NULL;
    if (shared && shared->armed)
        shared->live += p && !old;
    return p;
}

void __wrap_free(void *p)
{
    if (shared && shared->armed)
        shared->live -= p != NULL;
    __real_free(p);
}

static struct {
    bool root;                  /* of the initial user namespace */
    bool all, verbose, library; /* -l, -v; the applet in a child instead of the binary */
    int only;                   /* -n, or -1 */
    bool white_box, black_box;
    pid_t runner[3];
    unsigned long long start;   /* of runner[0] */
    int runner_ns[3], runner_root[3];
    int tool, in, out, err, full;
    char base[64];
} world = { .only = -1, .white_box = true, .black_box = true };

static long passed, failures, skips, injected, refusals, made_good;

/* ==== text and files ==================================================================================== */

__attribute__((format(printf, 1, 2), noreturn))
static void flunk(const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    vfprintf(stderr, format, ap);
    va_end(ap);
    fputc('\n', stderr);
    fflush(stdout);
    _exit(1);
}

static const struct mark *marks(void)
{
    static char pid[16], start[32], chrooted[16], own[16];
    static const struct mark list[] = {
        { "@", "/w" }, { "%", byte_in_hex }, { "$PID", pid }, { "$START", start }, { "$CHROOTED", chrooted },
        { "$OWN", own }, { NULL, NULL },
    };
    snprintf(pid, sizeof pid, "%d", world.runner[0]);
    snprintf(start, sizeof start, "%llu", world.start);
    snprintf(chrooted, sizeof chrooted, "%d", world.runner[2]);
    snprintf(own, sizeof own, "%d", getpid());
    return list;
}

static size_t expand_bytes(const char *t, size_t n, char *out, size_t size)
{
    ssize_t len = expand_marks(marks(), t, n, out, size);
    if (len < 0)
        flunk("too long: %s", t);
    return (size_t)len;
}

static char *expand(const char *t, char *out, size_t size)
{
    expand_bytes(t, strlen(t), out, size);
    return out;
}

/* In memory that ends with the process. */
static char *expand_word(const char *t, size_t n)
{
    char *out = malloc(n + 512);
    expand_bytes(t, n, out, n + 512);
    return out;
}

#include "runner.h"

/* All of a file, in memory that the caller frees. */
static char *slurp(const char *path)
{
    char *text = read_file(path, NULL);
    if (!text)
        flunk("%s: %s", path, strerror(errno));
    return text;
}

/* ==== the state of the world ============================================================================
 *
 * All mounts of ours and of the runner, and every file below /w, as one text. */

struct state {
    char text[256 << 10];
    size_t len;
};

__attribute__((format(printf, 2, 3)))
static void note(struct state *s, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    s->len += (size_t)vsnprintf(s->text + s->len, sizeof s->text - s->len, format, ap);
    va_end(ap);
    if (s->len >= sizeof s->text)
        flunk("the world is too large");
}

/* A stage of layers names the descriptors that it was made from. */
static void note_word(struct state *s, const char *word)
{
    static const char link[] = "/proc/thread-self/fd/";
    note(s, " ");
    for (const char *fd; (fd = strstr(word, link));
         word = fd + sizeof link - 1 + strspn(fd + sizeof link - 1, "0123456789"))
        note(s, "%.*s(fd)", (int)(fd - word), word);
    note(s, "%s", word);
}

/* Without the numbers, which are new for every mount: root, point, options, kinds of propagation, type, source,
 * options of the file system. */
static void note_mounts(struct state *s, const char *file)
{
    char *text = slurp(file), *save = NULL, *words = NULL;
    for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        int i = 0;
        for (char *w = strtok_r(line, " ", &words); w; w = strtok_r(NULL, " ", &words), i++)
            if (i >= 6 && strchr(w, ':') && (!strncmp(w, "shared:", 7) || !strncmp(w, "master:", 7)))
                note(s, " %.7s", w);
            else if (i > 2)
                note_word(s, w);
        note(s, "\n");
    }
    free(text);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void note_tree(struct state *s, int dir, const char *path)
{
    char *names[512], sub[512], target[512];
    size_t n = 0;
    DIR *d = fdopendir(dir);
    for (struct dirent *e; d && (e = readdir(d));)
        if (strcmp(e->d_name, ".") && strcmp(e->d_name, "..") && n < COUNT(names))
            names[n++] = strdup(e->d_name);
    qsort(names, n, sizeof *names, by_name);
    for (size_t i = 0; d && i < n; i++) {
        struct stat st;
        snprintf(sub, sizeof sub, "%s/%s", path, names[i]);
        if (fstatat(dir, names[i], &st, AT_SYMLINK_NOFOLLOW))
            flunk("%s: %s", sub, strerror(errno));
        ssize_t len = S_ISLNK(st.st_mode) ? readlinkat(dir, names[i], target, sizeof target - 1) : 0;
        target[len < 0 ? 0 : len] = 0;
        /* a stage counts on, also for an entry that is removed again: by the size of that file */
        bool sized = S_ISREG(st.st_mode) && strcmp(names[i], "next") != 0;
        note(s, "%s %o %u %u %lld %s\n", sub, st.st_mode, st.st_uid, st.st_gid, sized ? (long long)st.st_size : 0,
            target);
        int fd = S_ISDIR(st.st_mode) ? openat(dir, names[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
        if (fd >= 0)
            note_tree(s, fd, sub);
        free(names[i]);
    }
    closedir(d);
}

static const char *world_state(struct state *s)
{
    char file[64];
    s->len = 0;
    note_mounts(s, "/proc/self/mountinfo");
    snprintf(file, sizeof file, "/proc/%d/mountinfo", world.runner[0]);
    note_mounts(s, file);
    note_tree(s, open("/w", O_RDONLY | O_DIRECTORY | O_CLOEXEC), "/w");
    return s->text;
}

/* The first line in which two of them differ. */
static const char *difference(const char *was, const char *is)
{
    static char line[2048];
    const char *p = was, *q = is;
    while (*p && *p == *q)
        p++, q++;
    while (p > was && p[-1] != '\n')
        p--, q--;
    snprintf(line, sizeof line, "was `%.*s', is `%.*s'", (int)strcspn(p, "\n"), p, (int)strcspn(q, "\n"), q);
    return line;
}

/* ==== the tracer ======================================================================================== */

enum how { NOTHING, FAILS, FAILS_DONE, SHORT, KILLED, ALLOCATION };

/* One injection: into the `call`th time that the `task`th process makes this system call. Counted for each call by
 * itself: what the C library's allocator asks for depends on what the test has allocated before. */
struct fault {
    enum how how;
    int task, call, value;
    long nr;
};

struct call {
    int task, number;           /* of the task, and how many times it has made this call before */
    long nr, result;
    unsigned long long args[3];
};

enum { MAX_CALLS = 4096, MAX_TASKS = 64, MAX_NR = 512, TEXT = 1 << 16, LIMIT = 10 };

struct ran {
    int status;                 /* as a shell has it */
    bool hung, orphan, met;     /* met: the fault was injected */
    char out[TEXT], err[TEXT];
    struct call calls[MAX_CALLS];
    int ncalls;
};

struct task {
    pid_t pid;
    int calls[MAX_NR];          /* how often each was made */
    bool inside, watched, alive;
    struct call now;
    bool spoil;                 /* give this result when it returns */
};

/* Skip the call that is about to be made, cut its third argument, or set what it returns. */
static void poke(pid_t pid, bool skip, long third, long result)
{
#if defined __x86_64__
    if (skip)
        ptrace(PTRACE_POKEUSER, pid, 8 * 15 /* ORIG_RAX */, -1L);
    else if (third)
        ptrace(PTRACE_POKEUSER, pid, 8 * 12 /* RDX */, third);
    else
        ptrace(PTRACE_POKEUSER, pid, 8 * 10 /* RAX */, result);
#elif defined __aarch64__
    unsigned long long regs[34];
    int nr = -1;
    struct iovec all = { regs, sizeof regs }, number = { &nr, sizeof nr };
    if (skip) {
        ptrace(PTRACE_SETREGSET, pid, 0x404 /* NT_ARM_SYSTEM_CALL */, &number);
        return;
    }
    ptrace(PTRACE_GETREGSET, pid, NT_PRSTATUS, &all);
    regs[third ? 2 : 0] = (unsigned long long)(third ? third : result);
    ptrace(PTRACE_SETREGSET, pid, NT_PRSTATUS, &all);
#else
#error "registers of this machine are not known here"
#endif
}

/* linux/ptrace.h, which does not go together with sys/ptrace.h everywhere */
struct call_info {
    uint8_t op, pad[3];
    uint32_t arch;
    uint64_t ip, sp;
    union {
        struct { uint64_t nr, args[6]; } entry;
        struct { int64_t result; uint8_t error; } exit;
    } u;
};

static void on_entry(struct task *t, int index, const struct fault *f, const struct call_info *info, struct ran *r)
{
    long nr = (long)info->u.entry.nr;
    int *number = &t->calls[nr >= 0 && nr < MAX_NR ? nr : 0];
    t->now = (struct call){ index, *number, nr, 0,
                            { info->u.entry.args[0], info->u.entry.args[1], info->u.entry.args[2] } };
    t->spoil = false;
    if (f->how != NOTHING && f->how != ALLOCATION && f->task == index && f->nr == nr && f->call == *number) {
        r->met = true;
        if (f->how == KILLED)
            kill(t->pid, SIGKILL);
        else if (f->how == SHORT)
            poke(t->pid, false, f->value, 0);
        else {
            if (f->how == FAILS)
                poke(t->pid, true, 0, 0);
            t->spoil = true;
        }
    }
    ++*number;
}

static void on_exit_of(struct task *t, const struct fault *f, const struct call_info *info, struct ran *r)
{
    if (t->spoil)
        poke(t->pid, false, 0, -f->value);
    t->spoil = false;
    t->now.result = info->u.exit.result;
    if (r->ncalls < MAX_CALLS)
        r->calls[r->ncalls++] = t->now;
}

static void on_stop(struct task *t, int index, const struct fault *f, struct ran *r)
{
    struct call_info info = { 0 };
    enum { GET_CALL_INFO = 0x420e, ENTRY = 1, EXIT = 2 };
    if (ptrace((enum __ptrace_request)GET_CALL_INFO, t->pid, sizeof info, &info) <= 0 ||
        (world.library && !shared->armed && !t->inside))
        return;
    if (info.op == ENTRY) {
        t->inside = true;
        on_entry(t, index, f, &info, r);
    } else if (info.op == EXIT && t->inside) {
        t->inside = false;
        on_exit_of(t, f, &info, r);
    }
}

static volatile sig_atomic_t time_is_up;

static void on_alarm(int sig)
{
    (void)sig;
    time_is_up = 1;
}

static struct task *task_of(struct task *tasks, pid_t pid)
{
    for (int i = 0; i < MAX_TASKS; i++) {
        if (!tasks[i].pid)
            tasks[i] = (struct task){ .pid = pid, .alive = true, .watched = i > 0 };
        if (tasks[i].pid == pid)
            return &tasks[i];
    }
    flunk("too many processes");
}

static int left_of(const struct task *tasks, bool end_them)
{
    int n = 0;
    for (int i = 0; i < MAX_TASKS; i++) {
        n += tasks[i].alive;
        if (tasks[i].alive && end_them)
            kill(tasks[i].pid, SIGKILL);
    }
    return n;
}

/* A process stopped. The signal that it goes on with. */
static long on_wait(struct task *tasks, struct task *t, int status, const struct fault *f, struct ran *r)
{
    int sig = WSTOPSIG(status), event = status >> 16;
    unsigned long child;
    if (sig == (SIGTRAP | 0x80))
        on_stop(t, (int)(t - tasks), f, r);
    else if (event == PTRACE_EVENT_EXEC)
        t->watched = true;
    else if (event && !ptrace(PTRACE_GETEVENTMSG, t->pid, 0, &child))
        task_of(tasks, (pid_t)child);
    else if (sig != SIGSTOP)
        return sig;
    return 0;
}

/* Until all processes are gone. The first one has stopped itself. */
static void trace_all(pid_t first, const struct fault *f, struct ran *r)
{
    struct task tasks[MAX_TASKS] = { { .pid = first, .alive = true, .watched = world.library } };
    int status;
    time_is_up = 0;
    alarm(LIMIT);
    while (left_of(tasks, time_is_up)) {
        pid_t pid = waitpid(-1, &status, __WALL);
        if (pid < 0 && errno == EINTR)
            continue;
        if (pid < 0)
            flunk("waitpid: %s", strerror(errno));
        struct task *t = task_of(tasks, pid);
        if (WIFSTOPPED(status)) {
            long sig = on_wait(tasks, t, status, f, r);
            /* when it has happened the rest is not looked at; a call that was changed still has to return */
            ptrace(t->watched && (!r->met || t->inside) ? PTRACE_SYSCALL : PTRACE_CONT, pid, 0, sig);
            continue;
        }
        t->alive = false;
        if (pid != first)
            continue;
        r->status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
        /* one that was killed cannot wait for its child */
        r->orphan = f->how != KILLED && left_of(tasks, false);
    }
    r->hung = time_is_up;
    alarm(0);
}

/* ==== running it ======================================================================================== */

enum flags {
    STAGES = 1,                 /* there is a stage afterwards */
    REMOVES = 2,                /* -u: it is there before */
    MAKES = 4,                  /* directories */
    RECORDS = 8,                /* json: what can be answered is answered */
    LINES = 16,                 /* from standard input, one by one */
    EXPLAINS = 32,
    SELF = 64,                  /* from within the runner */
    SELF_DOUBT = 128,           /* from within the other runner */
    ROOT = 256,                 /* needs trusted.* attributes */
    OWN_DIR = 512,              /* the stage is @/bare, which was there before */
};

struct invocation {
    const char *args;
    int status;
    unsigned flags;
    const char *input;          /* standard input */
    const char *setup;          /* args of another run before */
    const char *made;           /* what to rmdir(2) afterwards, deepest first */
};

/* What standard descriptors are, besides files in memory. */
enum stdio { CLOSED_IN = 1, CLOSED_OUT = 2, CLOSED_ERR = 4, FULL_OUT = 8, FULL_ERR = 16, NO_READER = 32,
             NO_SIGNAL = 64 };

struct surroundings {
    unsigned stdio;
    rlim_t files;               /* 0: as they come */
};

static int descriptors(void)
{
    int n = 0;
    for (int fd = 0; fd < 64; fd++)
        n += fcntl(fd, F_GETFD) >= 0;
    return n;
}

static void set_stdio(const struct surroundings *s)
{
    int ends[2];
    dup2(world.in, 0);
    dup2(world.out, 1);
    dup2(world.err, 2);
    signal(SIGPIPE, s->stdio & NO_SIGNAL ? SIG_IGN : SIG_DFL);
    if (s->stdio & FULL_OUT)
        dup2(world.full, 1);
    if (s->stdio & FULL_ERR)
        dup2(world.full, 2);
    if (s->stdio & NO_READER) {
        if (pipe(ends))
            _exit(98);
        dup2(ends[1], 1);
        close(ends[0]);
        close(ends[1]);
    }
    for (int i = 0; i < 3; i++)
        if (s->stdio & 1u << i)
            close(i);
}

static _Noreturn void be_tool(const struct invocation *inv, const char *args, const struct surroundings *s,
                              bool traced)
{
    char *argv[64] = { "dindbind" }, *envp[] = { NULL };
    int n = 1, runner = inv->flags & SELF ? 0 : 1;
    while (args += strspn(args, " "), *args && n < 63) {
        size_t len = strcspn(args, " ");
        argv[n++] = expand_word(args, len);
        args += len;
    }
    if (inv->flags & (SELF | SELF_DOUBT))
        if (setns(world.runner_ns[runner], CLONE_NEWNS) || fchdir(world.runner_root[runner]) || chroot(".") ||
            chdir("/m"))
            _exit(97);
    set_stdio(s);
    shared->before = descriptors();     /* before each call has to stop for the tracer */
    if (traced && (ptrace(PTRACE_TRACEME, 0, 0, 0) || raise(SIGSTOP)))
        _exit(96);
    if (s->files) {
        /* the test's own descriptors stay open beyond the limit; exec closes them */
        struct rlimit limit = { s->files, s->files };
        setrlimit(RLIMIT_NOFILE, &limit);
    }
    if (!world.library) {
        syscall(SYS_execveat, world.tool, "", argv, envp, AT_EMPTY_PATH);
        _exit(95);
    }
    environ = envp;
    shared->live = 0;
    shared->allocations = 0;
    shared->armed = true;
    int rc = dindbind_main(n, argv);
    shared->armed = false;
    shared->after = descriptors();
    _exit(rc);
}

static void fetch(int fd, char *text)
{
    ssize_t n = pread(fd, text, TEXT - 1, 0);
    text[n < 0 ? 0 : n] = 0;
    for (ssize_t i = 0; i < n; i++)
        text[i] = text[i] ? text[i] : '\n';    /* of -0; which one it is a run before has to show */
}

static const struct surroundings ordinary;

static void rewind_stdio(const char *input)
{
    char text[4096];
    int fds[] = { world.in, world.out, world.err };
    for (int i = 0; i < 3; i++)
        if (ftruncate(fds[i], 0) || lseek(fds[i], 0, SEEK_SET))
            flunk("cannot rewind: %s", strerror(errno));
    if (input) {
        size_t len = expand_bytes(input, strlen(input), text, sizeof text);
        if (pwrite(world.in, text, len, 0) != (ssize_t)len)
            flunk("cannot write input");
    }
}

static void run(const struct invocation *inv, const struct fault *f, const struct surroundings *s, struct ran *r)
{
    int status = 0;
    r->status = 0;
    r->ncalls = 0;
    r->hung = r->orphan = r->met = false;
    rewind_stdio(inv->input);
    shared->armed = false;
    shared->fail_allocation = f->how == ALLOCATION ? f->call : -1;
    shared->before = shared->after = 0;
    shared->live = 0;
    pid_t pid = fork();
    if (!pid)
        be_tool(inv, inv->args, s, true);
    if (pid < 0 || waitpid(pid, &status, __WALL) != pid || !WIFSTOPPED(status))
        flunk("the tool did not start: %s, status %x", inv->args, status);
    ptrace(PTRACE_SETOPTIONS, pid, 0,
           PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
           PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL);
    ptrace(world.library ? PTRACE_SYSCALL : PTRACE_CONT, pid, 0, 0);
    trace_all(pid, f, r);
    r->met |= f->how == ALLOCATION && shared->allocations > f->call;
    fetch(world.out, r->out);
    fetch(world.err, r->err);
}

/* Another run of the tool, undisturbed. */
static int plain(const char *args, char *said)
{
    static const struct invocation other = { .args = "" };
    int status = -1;
    bool library = world.library;
    rewind_stdio(NULL);
    world.library = false;
    pid_t pid = fork();
    if (!pid)
        be_tool(&other, args, &ordinary, false);
    if (pid < 0 || waitpid(pid, &status, 0) != pid)
        flunk("fork: %s", strerror(errno));
    world.library = library;
    if (said) {
        fetch(world.out, said);
        if (!*said)
            fetch(world.err, said);
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* ==== what can fail, and how ============================================================================
 *
 * From the manual pages. EACCES is no fault: what may not be looked at is not there for the caller. fsconfig(2) and
 * fsmount(2) take a mutex interruptibly. */

static const struct callee {
    long nr;
    const char *name;
    bool cut;                   /* its third argument is a size */
    int errors[10];
} callees[] = {
    { SYS_openat, "openat", false, { EINTR, EMFILE, EIO, ENOMEM, ENFILE, EPERM } },
    { SYS_openat2, "openat2", false, { EINTR, EMFILE, EIO, ENOMEM, ENOSYS, EPERM, EAGAIN } },
    { SYS_statx, "statx", false, { EIO, ENOMEM, ENOSYS, EPERM } },
    { SYS_newfstatat, "newfstatat", false, { EIO, ENOMEM } },
    { SYS_fstat, "fstat", false, { EIO, ENOMEM } },
    { SYS_statfs, "statfs", false, { EINTR, EIO, ENOMEM, ENOSYS } },
    { SYS_fstatfs, "fstatfs", false, { EINTR, EIO, ENOMEM, ENOSYS } },
    { SYS_readlinkat, "readlinkat", false, { EIO, ENOMEM } },
#ifdef SYS_readlink
    { SYS_readlink, "readlink", false, { EIO, ENOMEM } },
#endif
    { SYS_read, "read", true, { EINTR, EIO, ENOMEM } },
    { SYS_pread64, "pread64", true, { EINTR, EIO, ENOMEM } },
    { SYS_write, "write", true, { EINTR, ENOSPC, EIO, EAGAIN, EPERM } },
    { SYS_pwrite64, "pwrite64", true, { EINTR, ENOSPC, EIO, ENOMEM } },
    { SYS_getdents64, "getdents64", true, { EIO, ENOMEM } },
    { SYS_brk, "brk", false, { ENOMEM } },
    { SYS_madvise, "madvise", false, { EINVAL } },
    { SYS_mmap, "mmap", false, { ENOMEM } },
    { SYS_mremap, "mremap", false, { ENOMEM } },
    { SYS_munmap, "munmap", false, { ENOMEM } },
    { SYS_close, "close", false, { EINTR, EIO } },
    { SYS_mkdirat, "mkdirat", false, { ENOSPC, EIO, ENOMEM, EPERM, EDQUOT, EMLINK } },
    { SYS_mknodat, "mknodat", false, { ENOSPC, EIO, ENOMEM, EPERM, EDQUOT } },
    { SYS_fcntl, "fcntl", false, { EMFILE, EINVAL } },
    { SYS_uname, "uname", false, { EPERM } },
    { SYS_ftruncate, "ftruncate", false, { EIO, EPERM, EFBIG } },
    { SYS_unlinkat, "unlinkat", false, { EIO, ENOMEM, EPERM, EBUSY } },
    { SYS_fchownat, "fchownat", false, { EPERM, EIO, ENOSPC } },
    { SYS_fchmod, "fchmod", false, { EPERM, EIO, ENOSPC } },
    { SYS_flock, "flock", false, { EINTR, ENOLCK, ENOMEM } },
    { SYS_llistxattr, "llistxattr", false, { EIO, ENOMEM, EPERM } },
    { 465, "listxattrat", false, { EIO, ENOMEM, EPERM, ENOSYS } },     /* Linux 6.13 */
    { SYS_lgetxattr, "lgetxattr", false, { EIO, ENOMEM, EPERM } },
    { SYS_capget, "capget", false, { EPERM, ENOSYS } },
    { SYS_getcwd, "getcwd", false, { ENOMEM, ENOENT } },
    { SYS_clone, "clone", false, { EAGAIN, ENOMEM, EPERM, ENOSYS } },
    { SYS_wait4, "wait4", false, { EINTR } },
    { SYS_fchdir, "fchdir", false, { ENOMEM, EIO } },
    { SYS_unshare, "unshare", false, { EPERM, ENOMEM, ENOSPC, ENOSYS } },
    { SYS_mount, "mount", false, { EPERM, ENOMEM, EINVAL } },
    { SYS_ioctl, "ioctl", false, { EPERM, ENOTTY, EMFILE } },
    { SYS_keyctl, "keyctl", false, { EPERM, ENOSYS, ENOKEY } },
    { SYS_setns, "setns", false, { EPERM, ENOMEM, EINVAL, ENOSYS } },
    { SYS_open_tree, "open_tree", false, { ENOSYS, EPERM, ENOMEM, EINVAL, EMFILE } },
    { SYS_move_mount, "move_mount", false, { ENOSYS, EPERM, ENOMEM, EINVAL, ENOSPC, ELOOP } },
    { SYS_mount_setattr, "mount_setattr", false, { ENOSYS, EPERM, ENOMEM, EINVAL } },
    { SYS_fsopen, "fsopen", false, { ENOSYS, EPERM, ENOMEM, ENODEV, EMFILE } },
    { SYS_fsconfig, "fsconfig", false, { ENOSYS, EPERM, ENOMEM, EINVAL, EIO, EINTR } },
    { SYS_fsmount, "fsmount", false, { ENOSYS, EPERM, ENOMEM, EMFILE, EINTR } },
    { SYS_umount2, "umount2", false, { EPERM, ENOMEM } },
    /* these cannot fail, or there is nothing that could be done about it */
    { SYS_geteuid, "geteuid", false, { 0 } },
    { SYS_rt_sigprocmask, "rt_sigprocmask", false, { 0 } },
    { SYS_set_tid_address, "set_tid_address", false, { 0 } },
    { SYS_exit_group, "exit_group", false, { 0 } },
#ifdef SYS_arch_prctl
    { SYS_arch_prctl, "arch_prctl", false, { 0 } },
#endif
};

static const struct callee *callee_of(long nr)
{
    for (size_t i = 0; i < COUNT(callees); i++)
        if (callees[i].nr == nr)
            return &callees[i];
    return NULL;
}

/* Is it the tool's duty to make good for it, so that nobody sees it? */
static bool must_hide(const struct call *c, const struct fault *f)
{
    if (f->how == FAILS_DONE)   /* close(2): what it held is released in any case */
        return true;
    if (f->how == SHORT)
        return (c->nr == SYS_read && !c->args[0]) || (c->nr == SYS_write && c->args[0] <= 2);
    return f->how == FAILS && f->value == EINTR && c->nr != SYS_fsconfig && c->nr != SYS_fsmount;
}

/* ==== judging =========================================================================================== */

static struct ran good, now;
static struct state pristine, before, after, is;

static char reason[8192];

__attribute__((format(printf, 1, 2)))
static const char *wrong(const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    vsnprintf(reason, sizeof reason, format, ap);
    va_end(ap);
    return reason;
}

static const char *line_of(const char **text, size_t *n)
{
    const char *line = *text;
    *n = strcspn(line, "\n");
    *text += *n + (line[*n] == '\n');
    return line;
}

/* The source that a record is about, with what stands before it. */
static size_t head_of(const char *line)
{
    return strcspn(line, ",\n");
}

/* Records beside those of the undisturbed run: each is the same, or refused. A refused one has no further records
 * for the mounts below it. */
static const char *judge_records(const struct ran *r, bool lost)
{
    const char *want = good.out, *got = r->out;
    while (*want && *got) {
        size_t n, k;
        const char *w = line_of(&want, &n), *g = line_of(&got, &k);
        bool same = n == k && !memcmp(w, g, n);
        if (g[k] != '\n' || (!same && (memcmp(w, g, head_of(w)) || !memmem(g, k, ",\"error\":\"", 10))))
            return wrong("a wrong record: %s", r->out);
        while (!same && *want && !memcmp(want, w, head_of(w) - 1) && want[head_of(w) - 1] == '/' && n > 0 &&
               !strncmp(want + head_of(want), ",\"target\":", 10))
            line_of(&want, &n);
    }
    if (*got || (*want && !lost))
        return wrong("records too many, or missing: %s", r->out);
    return NULL;
}

/* Lines, answered or empty; there may be fewer. A stage has a mount for each that was answered, by whatever number. */
static const char *judge_lines(const struct invocation *inv, const struct ran *r)
{
    const char *want = good.out, *got = r->out;
    int answers = 0;
    while (*got) {
        size_t n, k;
        const char *w = line_of(&want, &n), *g = line_of(&got, &k);
        bool same = n == k && !memcmp(w, g, n);
        if (inv->flags & STAGES)
            same = n && !strncmp(g, "/w/st/", 6);
        if (w[n] != '\n' || g[k] != '\n' || (k && !same))
            return wrong("a wrong line: %s", r->out);
        answers += k != 0;
    }
    char *mounts = slurp("/proc/self/mountinfo");
    for (const char *p = mounts; (p = strstr(p, " /w/st/")); p++)
        answers--;
    free(mounts);
    return (inv->flags & STAGES) && answers ? wrong("%d answers too many for the stage: %s", answers, r->out) : NULL;
}

/* No more than there are sources, for which every word of the command line and of the input may stand. */
static const char *judge_messages(const struct invocation *inv, const struct ran *r)
{
    const char *text = r->err;
    int lines = 0, causes = 1;
    for (const char *p = inv->args; *p; p++)
        causes += *p == ' ';
    for (const char *p = inv->input ? inv->input : ""; *p; p++)
        causes += *p == '\n' || *p == ',';
    while (*text) {
        size_t n;
        const char *line = line_of(&text, &n);
        if (strncmp(line, "dindbind: ", 10) || line[n] != '\n')
            return wrong("not a message: %s", r->err);
        lines++;
    }
    if (!lines)
        return wrong("status %d without a message", r->status);
    return lines > causes ? wrong("more messages than causes: %s", r->err) : NULL;
}

/* What must hold after any run, whatever was injected. NULL, or what is wrong. `lost`: standard output could not
 * be written to; `silenced`: standard error could not. */
static const char *judge(const struct invocation *inv, const struct ran *r, bool lost, bool silenced, bool hide)
{
    const char *bad = NULL;
    if (r->hung)
        return "it hangs";
    if (r->status < 0 || r->status > 3)
        return wrong("status %d", r->status);
    if (r->orphan)
        return "a child is left";
    if (world.library && shared->before != shared->after)
        return wrong("%d descriptors before, %d after", shared->before, shared->after);
    if (world.library && shared->live)
        return wrong("%ld blocks of memory are left", shared->live);
    if (!r->status && good.status)
        return wrong("status 0 instead of %d: %s", good.status, r->out);
    if (hide && r->status != good.status)
        return wrong("status %d instead of %d: %s", r->status, good.status, r->err);
    if ((!r->status || hide) && strcmp(r->out, good.out))
        return wrong("another answer: %s", r->out);
    if (!r->status && !silenced && !(inv->flags & EXPLAINS) && strcmp(r->err, good.err))
        return wrong("status 0 with a message: %s", r->err);
    bool some = r->status && *r->out;
    if (some && (inv->flags & RECORDS))
        bad = judge_records(r, lost || (inv->flags & LINES));
    else if (some && (inv->flags & LINES))
        bad = judge_lines(inv, r);
    else if (some)
        bad = wrong("status %d with an answer: %s", r->status, r->out);
    if (!bad && r->status && !silenced && !(inv->flags & EXPLAINS))
        bad = judge_messages(inv, r);
    if (bad)
        return bad;
    world_state(&is);
    if (!r->status ? !strcmp(is.text, after.text)
                   : !strcmp(is.text, before.text) || (inv->flags & (MAKES | LINES) && !strcmp(is.text, after.text)))
        return NULL;
    if (r->status && strchr(r->out, '/') && (inv->flags & (STAGES | LINES)) == (STAGES | LINES))
        return NULL;            /* judge_lines() has counted what is staged */
    /* what -u could not do is done by the next one, which clean_up() runs */
    if (r->status && (inv->flags & REMOVES))
        return NULL;
    return wrong("status %d, and left behind: %s", r->status,
                 difference(r->status ? before.text : after.text, is.text));
}

/* Back to how everything was, as a user would do it. NULL, or what is wrong. */
static const char *clean_up(const struct invocation *inv)
{
    char path[256], copy[256], *save = NULL;
    static char said[TEXT];
    const char *bad = NULL;
    if (inv->flags & (STAGES | REMOVES)) {
        bool own = inv->flags & OWN_DIR;
        int status = plain(own ? "-u @/bare" : "-u @/st", said);
        if (status || *said || !access(own ? "/w/bare" : "/w/st", F_OK))
            bad = wrong("-u afterwards: status %d, %s", status, said);
        if (own)
            mkdir("/w/bare", 0700);
    }
    snprintf(copy, sizeof copy, "%s", inv->made ? inv->made : "");
    for (char *w = strtok_r(copy, " ", &save); w; w = strtok_r(NULL, " ", &save))
        rmdir(expand(w, path, sizeof path));
    world_state(&is);
    if (!strcmp(is.text, pristine.text))
        return bad;
    if (!bad)
        bad = wrong("left behind after -u: %s", difference(pristine.text, is.text));
    while (!umount2("/w/st", MNT_DETACH) || !umount2("/w/bare", MNT_DETACH))
        ;
    rmdir("/w/st");
    if (strcmp(world_state(&is), pristine.text))
        flunk("not to be cleaned up: %s: %s", inv->args, difference(pristine.text, is.text));
    return bad;
}

static void set_up(const struct invocation *inv)
{
    static char said[TEXT];
    if (!inv->setup)
        return;
    int status = plain(inv->setup, said);
    if (status)
        flunk("%s: status %d, %s", inv->setup, status, said);
}

static void report_failure(const struct invocation *inv, const char *what, const char *bad)
{
    failures++;
    printf("not ok: dindbind %s\n  %s: %s\n", inv->args, what, bad);
    if (!strstr(bad, now.err) && *now.err)
        printf("  it says: %s", now.err);
}

/* ==== injecting ========================================================================================= */

static const char *shown(const struct call *c, const struct fault *f)
{
    static char text[160];
    const struct callee *k = callee_of(c->nr);
    const char *how = f->how == KILLED ? "killed" : f->how == SHORT ? "cut to" : strerrorname_np(f->value);
    snprintf(text, sizeof text, "%s%s%s #%d (task %d, %lld, .., %lld): %s %.0d", world.library ? "library: " : "",
             k ? k->name : "", k ? "" : "call", f->call, f->task, (long long)c->args[0], (long long)c->args[2], how,
             f->how == SHORT ? f->value : 0);
    return text;
}

static void run_injected(const struct invocation *inv, const struct fault *f, const struct surroundings *s,
                         const char *what)
{
    if (world.verbose)
        printf("%s\n", what);
    set_up(inv);
    run(inv, f, s, &now);
    injected++;
}

static void inject(const struct invocation *inv, const struct call *c, struct fault f)
{
    bool lost = c->nr == SYS_write && c->args[0] == 1, silenced = c->nr == SYS_write && c->args[0] == 2;
    bool hide = must_hide(c, &f);
    char what[160];
    snprintf(what, sizeof what, "%s", shown(c, &f));
    run_injected(inv, &f, &ordinary, what);
    const char *bad = NULL;
    if (!now.met)
        bad = wrong("the call was never made");
    else if (f.how == KILLED && f.task == 0)
        bad = now.status == 128 + SIGKILL || now.hung ? NULL : wrong("status %d", now.status);
    else
        bad = judge(inv, &now, lost, silenced, hide);
    if (bad)
        report_failure(inv, what, bad);
    passed += !bad;
    refusals += !bad && now.status && !good.status;
    made_good += !bad && !now.status;
    bad = clean_up(inv);
    if (bad)
        report_failure(inv, what, bad);
}

/* The sizes to which a read or write is cut: everywhere in a short file of procfs, where a number could be cut. */
static void inject_short(const struct invocation *inv, const struct call *c, struct fault f)
{
    long n = c->result;
    f.how = SHORT;
    long step = !world.all ? n : n < 400 ? 1 + n / 100 : n / 2;
    if (c->nr == SYS_getdents64) {
        f.value = 280;          /* an entry with the longest name */
        if (n > f.value)
            inject(inv, c, f);
        return;
    }
    for (long cut = 1; cut < n; cut += step) {
        f.value = (int)cut;
        inject(inv, c, f);
    }
}

static void inject_all(const struct invocation *inv, const struct call *c)
{
    static unsigned turn;
    const struct callee *k = callee_of(c->nr);
    struct fault f = { .task = c->task, .call = c->number, .nr = c->nr };
    size_t n = 0;
    if (!k && world.library)
        return;                 /* the C library's and the sanitizers' own */
    if (!k) {
        failures++;
        printf("not ok: dindbind %s\n  system call %ld is not in the table of this test\n", inv->args, c->nr);
        return;
    }
    if (c->result == -ENOSYS || c->result == -EPERM)
        return;                 /* under tests/old_kernel.c: it is refused before it could fail otherwise */
    while (n < COUNT(k->errors) && k->errors[n])
        n++;
    turn++;
    if (world.library && !world.all && turn % 2)
        return;
    for (size_t i = 0; i < n; i++) {
        f.value = k->errors[i];
        f.how = c->nr == SYS_close ? FAILS_DONE : FAILS;
        if (world.all || i == turn % n)
            inject(inv, c, f);
    }
    if (k->cut && c->result > 1)
        inject_short(inv, c, f);
}

/* Killed before each call of staging, its child too; then -u. */
static void kill_all(const struct invocation *inv, const struct call *calls, int n)
{
    for (int i = 0; i < n; i++)
        inject(inv, &calls[i], (struct fault){ KILLED, calls[i].task, calls[i].number, 0, calls[i].nr });
    /* exit_group(2) never returns, so it is in no list */
    struct call last = { .nr = SYS_exit_group };
    inject(inv, &last, (struct fault){ KILLED, 0, 0, 0, last.nr });
}

static void fail_allocations(const struct invocation *inv)
{
    struct call none = { .nr = -1 };
    int n = shared->allocations;
    for (int i = 0; i < n; i++)
        inject(inv, &none, (struct fault){ ALLOCATION, 0, i, ENOMEM, -1 });
}

/* ---- Standard descriptors, and few descriptors at all ---------------------------------------------------- */

static void try_setting(const struct invocation *inv, struct surroundings s, const char *name)
{
    static const struct fault none = { .how = NOTHING };
    char what[160];
    bool lost = (s.stdio & (CLOSED_OUT | FULL_OUT | NO_READER)) && *good.out;
    bool silenced = s.stdio & (CLOSED_ERR | FULL_ERR), empty = (s.stdio & CLOSED_IN) && inv->input;
    snprintf(what, sizeof what, "%s %u", name, s.files ? (unsigned)s.files : s.stdio);
    run_injected(inv, &none, &s, what);
    const char *bad = NULL;
    /* a pipe without a reader ends it, as it ends any tool; only a stage has to be taken down first */
    bool ended = now.status == 128 + SIGPIPE && (s.stdio & NO_READER) && !(s.stdio & NO_SIGNAL) &&
                 !strstr(inv->args, "-s ");
    if (ended)
        now.status = 3;
    if ((lost || empty) && now.status != 3 && !(good.status && now.status))
        bad = wrong("status %d, and nobody got the answer", now.status);
    else if (!lost && !empty && !s.files && now.status != good.status)
        bad = wrong("status %d instead of %d", now.status, good.status);
    else
        bad = judge(inv, &now, lost, silenced || ended, false);
    if (bad)
        report_failure(inv, what, bad);
    passed += !bad;
    bad = clean_up(inv);
    if (bad)
        report_failure(inv, what, bad);
}

static void try_settings(const struct invocation *inv)
{
    for (unsigned i = 1; i < 8; i++)
        try_setting(inv, (struct surroundings){ .stdio = i }, "closed descriptors");
    static const unsigned others[] = { FULL_OUT, FULL_ERR, FULL_OUT | FULL_ERR, FULL_OUT | CLOSED_IN, NO_READER,
                                       NO_READER | NO_SIGNAL };
    for (size_t i = 0; i < COUNT(others); i++)
        try_setting(inv, (struct surroundings){ .stdio = others[i] }, "full or broken output");
    static rlim_t first;
    for (rlim_t files = 3 + (world.all ? 0 : first++ % 4); files < 20; files += world.all ? 1 : 4)
        try_setting(inv, (struct surroundings){ .files = files }, "no more descriptors than");
}

/* ==== the world =========================================================================================
 *
 * A docker-like host in /w: an overlay in docker's layout, volumes; a runner with all kinds of mounts; another
 * one whose own files contradict one another; a third one that is merely chrooted. And the layers of a dead one. */

#define ID64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define DIFF "@/docker/overlay2/id/diff"
#define ROOTFS "@/docker/overlay2/id/merged"
#define OTHER "@/docker/overlay2/id2/merged"
#define HOSTS "@/docker/containers/" ID64

static void script(const char *text)
{
    if (do_script(text))
        flunk("a script failed");
}

static const char host_script[] =
    "dir @;dir @/docker;dir @/docker/overlay2;dir @/docker/overlay2/id;dir @/docker/overlay2/id2;"
    "dir " DIFF ";dir @/docker/overlay2/id/work;dir " ROOTFS ";"
    "dir @/docker/overlay2/id2/diff;dir @/docker/overlay2/id2/work;dir " OTHER ";"
    "dir @/docker/containers;dir " HOSTS ";file " HOSTS "/hosts h;file " HOSTS "/hostname n;"
    "dir @/docker/volumes;dir @/docker/volumes/v;dir @/docker/volumes/v/_data;file @/docker/volumes/v/_data/c cache;"
    "dir @/else;dir @/else/docker;dir @/else/docker/containers;dir @/else/docker/containers/" ID64 ";"
    "file @/else/docker/containers/" ID64 "/hostname n;"
    "dir @/vol;dir @/vol/sub;file @/vol/v volume;file @/vol/sub/x x;link @/vol/out /m;link @/vol/in sub/x;"
    "dir @/data;dir @/data/d;file @/data/f data;dir @/two;file @/two/f two;dir @/again;dir @/third;dir @/bare;"
    "chmod @/bare 700;"
    "dir @/open;chmod @/open 777;dir @/full;file @/full/x x;dir @/rows;file @/rows/x row;dir @/etc;"
    /* the image of both runners */
    "dir @/l1;dir @/l2;dir @/l1/m;file @/l1/m/one 1;dir @/l2/m;file @/l2/m/two 2;file @/l1/file low;sock @/l1/sock;"
    "dir @/l1/vol;dir @/l1/a;dir @/l1/a/b;dir @/l1/ro;dir @/l1/t;dir @/l1/t/mp;dir @/l1/over;dir @/l1/two;"
    "dir @/l1/three;"
    "dir @/l1/proc;dir @/l1/etc;file @/l1/etc/hosts -;file @/l1/etc/hostname -;dir @/l1/cache;dir @/l1/w;"
    "link @/l1/ln m;link @/l1/abs /vol/sub/x;link @/l1/loop loop;dir " DIFF "/up;"
    /* the layers of a dead one */
    "dir @/k1;dir @/k2;dir @/kup;dir @/k1/m;file @/k1/m/one 1;dir @/k2/m;file @/k2/m/two 2;dir @/k1/only;"
    "file @/k1/only/x x;dir @/k1/only/vol;file @/k1/only/vol/x covered;"
    "file @/k1/low lower;dir @/kup/new;file @/kup/new/n n;dir @/k1/op;file @/k1/op/a a;dir @/kup/op;file @/kup/op/b b;"
    "file @/k1/gone g;wh @/kup/gone;link @/k2/ln only;link @/k1/abs /m/two;link @/k2/up m/../only/x;"
    "dir @/kup/data;dir @/kup/data/vol;file @/kup/data/vol/x covered;link @/kup/alias data;"
    "dir @/a:b;dir @/a:b/m;dir @/xy;dir @/xy/m;dir @/x134y;dir @/x134y/m;";

static const char dead_script[] =
    "xattr @/kup/op trusted.overlay.opaque y;dir @/kup/moved;xattr @/kup/moved trusted.overlay.redirect /only;"
    "file @/kup/meta -;xattr @/kup/meta trusted.overlay.metacopy ;xattr @/kup/meta trusted.overlay.redirect /low;";

static const char runner_script[] =
    "bind /proc " ROOTFS "/proc;bind " HOSTS "/hosts " ROOTFS "/etc/hosts;bind " HOSTS "/hostname " ROOTFS
    "/etc/hostname;"
    "bind @/docker/volumes/v/_data " ROOTFS "/cache;bind @/vol " ROOTFS "/vol;bind @/vol " ROOTFS "/a/b;"
    "bind @/vol " ROOTFS "/ro;ro " ROOTFS "/ro;tmpfs " ROOTFS "/t/mp;bind @/data " ROOTFS "/over;bind @/two " ROOTFS
    "/two;"
    "bind @/third " ROOTFS "/three;bind @/third " ROOTFS "/w";

static const char other_script[] =
    "bind /proc " OTHER "/proc;bind " HOSTS "/hosts " OTHER "/etc/hosts;"
    "bind @/else/docker/containers/" ID64 "/hostname " OTHER "/etc/hostname;bind @/docker/volumes/v/_data " OTHER
    "/cache";

/* on the host, when the runners are there: what they do not see; a second name, read-only, of what they have */
static const char late_script[] = "tmpfs @/data/d;bind @/two @/again;ro @/again";

#define INSPECT(pid, upper, merged) \
    "[{\"State\":{\"Pid\":" pid "},\"Mounts\":[{\"Type\":\"bind\",\"Source\":\"@/vol\",\"Destination\":\"/vol\",\"RW\":true}," \
    "{\"Type\":\"volume\",\"Source\":\"@/vol\",\"Destination\":\"/part\",\"RW\":true}]," \
    "\"HostConfig\":{\"Mounts\":[{\"Target\":\"/part\",\"VolumeOptions\":{\"Subpath\":\"sub\"}}]}," \
    "\"GraphDriver\":{\"Name\":\"overlay2\",\"Data\":{\"LowerDir\":\"@/l2:@/l1\",\"UpperDir\":\"" upper "\"," \
    "\"MergedDir\":\"" merged "\"}}}]"

static const struct { const char *name, *text; } files[] = {
    { "/w/etc/lines", "# a runner\npid $PID:$START\nbind @/vol:/vol\n" },
    { "/w/etc/live", INSPECT("$PID", DIFF, ROOTFS) },
    { "/w/etc/dead", INSPECT("0", DIFF, ROOTFS) },
    { "/w/etc/merged", INSPECT("$PID", DIFF, OTHER) },
    { "/w/etc/upper", INSPECT("$PID", "@/docker/overlay2/id2/diff", "/nowhere") },
    { "/w/etc/state", "{\"pid\":$PID,\"bundle\":\"@/docker/overlay2/id\",\"rootfs\":\"merged\"}" },
    { "/w/docker/overlay2/id/config.json",
      "{\"root\":{\"path\":\"merged\"},\"mounts\":[{\"destination\":\"/vol\",\"type\":"
      "\"bind\",\"source\":\"../../../vol\",\"options\":[\"rbind\"]},{\"destination\":\"/proc\",\"type\":\"proc\"}]}" },
    /* within the runners: their own description */
    { "/w/l1/m/mine", INSPECT("7", DIFF, ROOTFS) },
    { "/w/l1/m/his", INSPECT("7", "@/docker/overlay2/id2/diff", OTHER) },
};

#define BODY(source) \
    "{\"Image\":\"x\",\"HostConfig\":{\"Binds\":[\"" source ":/t\",\"name:/n\"],\"Mounts\":[{\"Type\":\"bind\"," \
    "\"Source\":\"/ro\",\"Target\":\"/u\"}]}}"

#define LIVE "-p $PID:$START "
#define DEAD "-o lowerdir=@/k2:@/k1,upperdir=@/kup,redirect_dir=on,metacopy=on "
#define PLAIN "-o lowerdir=@/k2:@/k1,userxattr "
#define ROWS "-b @/vol:/vol -b @/rows:/vol/sub "

static const struct invocation invocations[] = {
    /* the runner's view */
    { LIVE "/file /m /ln/two /abs", 0, 0, 0, 0, 0 },
    { "-p $PID -f json /vol /nope /loop /t/mp", 1, RECORDS, 0, 0, 0 },
    { "-p $PID -x /file /nope", 1, EXPLAINS, 0, 0, 0 },
    { "-p $PID -0 -", 1, LINES, "/file%00/nope%00/a", 0, 0 },
    { LIVE "-", 1, LINES, "/file\n/nope\n/vol/v\n", 0, 0 },
    { LIVE "-f json -", 1, LINES | RECORDS, "/file\n/nope\n/vol/v\n", 0, 0 },
    { "-p $PID:7 /file", 3, 0, 0, 0, 0 },
    { "-p $PID:7 -f json /file /m", 3, RECORDS, 0, 0, 0 },
    { "-p $PID -m /up/made/deep", 0, MAKES, 0, 0, ROOTFS "/up/made/deep " ROOTFS "/up/made" },
    { "-p $PID -m -v /cache/made:/t", 0, MAKES, 0, 0, "@/docker/volumes/v/_data/made" },
    /* host paths */
    { LIVE "-H /file /vol/sub /m", 0, 0, 0, 0, 0 },
    { "-p $PID -H /two/f", 0, 0, 0, 0, 0 },
    { "-p $PID -H /over", 1, 0, 0, 0, 0 },
    { "-p $PID -H /a", 1, 0, 0, 0, 0 },
    { "-p $PID -H /t/mp", 1, 0, 0, 0, 0 },
    { "-p $PID -H /ro", 1, 0, 0, 0, 0 },
    { "-p $PID -H -R -f json /ro /over /vol", 1, RECORDS, 0, 0, 0 },
    { "-p $CHROOTED -H /file /a", 0, 0, 0, 0, 0 },
    { "-p $CHROOTED -s @/st /file /m", 0, STAGES, 0, 0, 0 },
    /* specs */
    { "-p $PID -v /a:/t -v name:/n --mount type=bind,src=/ro,dst=/u", 0, 0, 0, 0, 0 },
    { "-p $PID -f oci -v /a:/t:rslave,ro --mount type=bind,source=/two,target=/u", 0, 0, 0, 0, 0 },
    { "-p $PID -f json -v /a:/t -v /over:/u", 1, RECORDS, 0, 0, 0 },
    { "-p $PID -c", 0, 0, BODY("/a"), 0, 0 },
    { "-p $PID -c", 1, 0, BODY("/over"), 0, 0 },
    { "-p $PID -m -c", 0, MAKES, BODY("/up/made"), 0, ROOTFS "/up/made" },
    /* stages */
    { "-p $PID -s @/st /a /file /ro", 0, STAGES, 0, 0, 0 },
    { "-p $PID -R -s @/st /vol", 0, STAGES, 0, 0, 0 },
    { "-p $PID -s @/st /m", 0, STAGES, 0, "-p $PID -s @/st /vol /file", 0 },
    { "-p $PID -s @/bare /m", 0, STAGES | OWN_DIR, 0, 0, 0 },
    { "-p $PID -s @/st -f oci -v /vol:/t -v /ro:/u", 0, STAGES, 0, 0, 0 },
    { "-p $PID -s @/st -c", 0, STAGES, BODY("/a"), 0, 0 },
    { "-p $PID -s @/st -f json /m /nope", 1, RECORDS, 0, 0, 0 },
    { "-p $PID -s @/st -", 1, STAGES | LINES, "/m\n/nope\n/vol\n", 0, 0 },
    { "-p $PID -b @/vol:/vol -s @/st /vol/sub /vol", 0, STAGES, 0, 0, 0 },
    { "-b @/vol:/vol -s @/st /vol/sub", 0, STAGES, 0, 0, 0 },
    { "-p $PID -s @/open/st /m", 1, 0, 0, 0, 0 },
    { "-p $PID -s @/full /m", 1, 0, 0, 0, 0 },
    { "-u @/st", 0, REMOVES, 0, "-p $PID -s @/st /a /file", 0 },
    { "-u @/st/1", 0, REMOVES, 0, "-p $PID -s @/st /a /file", 0 },
    { "-E $OWN -p $PID -H /file", 0, 0, 0, 0, 0 },
    { "-E $OWN -p $PID -s @/st /a /file", 0, STAGES, 0, 0, 0 },
    { "-E $OWN -b @/vol:/vol -s @/st /vol/sub", 0, STAGES, 0, 0, 0 },
    { "-E $OWN -u @/st", 0, REMOVES, 0, "-E $OWN -p $PID -s @/st /a /file", 0 },
    { "-u @/nowhere", 0, 0, 0, 0, 0 },
    /* bind rows */
    { ROWS "/vol /vol/v /vol/sub/x", 0, 0, 0, 0, 0 },
    { ROWS "-f json /vol/in /vol/v /other", 1, RECORDS, 0, 0, 0 },
    { ROWS "/vol/in", 1, 0, 0, 0, 0 },
    { "-b @/vol:/vol /vol/out", 1, 0, 0, 0, 0 },
    { "-p $PID -b @/vol:/vol /vol/out", 0, 0, 0, 0, 0 },
    { ROWS "-v /vol:/t", 0, 0, 0, 0, 0 },
    { "-b @/again:/w /w", 1, 0, 0, 0, 0 },
    { "-b @/again:/w -f json /w /w/f", 0, RECORDS, 0, 0, 0 },
    { "-b @/vol:/vol:ro -R /vol/v", 0, 0, 0, 0, 0 },
    { "-b @/vol:/vol -m /vol/made/deep", 0, MAKES, 0, 0, "@/vol/made/deep @/vol/made" },
    { "-p $PID -b @/data:/over -v /over:/t", 1, 0, 0, 0, 0 },
    { "-b @/vol:/vol -", 1, LINES, "/vol/v\n/nope\n/vol/sub\n", 0, 0 },
    /* layers */
    { DEAD "/new /op", 0, ROOT, 0, 0, 0 },
    { DEAD "-f json /m /op /meta /moved /ln/x /gone", 1, RECORDS | ROOT, 0, 0, 0 },
    { DEAD "-R /ln/x /up /abs", 0, ROOT, 0, 0, 0 },
    { DEAD "-f oci -v /m:/t -v /new:/u", 0, ROOT, 0, 0, 0 },
    { DEAD "/m", 1, ROOT, 0, 0, 0 },
    { DEAD "/only/x", 1, ROOT, 0, 0, 0 },
    { DEAD "-s @/st /m /meta /only", 0, STAGES | ROOT, 0, 0, 0 },
    { DEAD "-s @/st /new", 0, STAGES | ROOT, 0, "-p $PID -s @/st /vol", 0 },
    { DEAD "-c", 1, ROOT, "{\"HostConfig\":{\"Binds\":[\"/m:/t\"]}}", 0, 0 },
    { DEAD "-b @/rows:/alias/vol /data/vol/x", 1, ROOT, 0, 0, 0 },
    { DEAD "-b @/rows:/alias/vol -v /data:/t", 1, ROOT, 0, 0, 0 },
    { DEAD "-b @/rows:/data/vol -v /data:/t -v /alias:/u", 0, ROOT, 0, 0, 0 },
    { PLAIN "-f json /m /only /abs", 0, RECORDS, 0, 0, 0 },
    { PLAIN "-s @/st /m /only", 0, STAGES, 0, 0, 0 },
    { PLAIN "-R -b @/rows:/ln/vol /only/vol/x", 1, 0, 0, 0, 0 },
    { "-o lowerdir=@/a\\:b:@/k1,userxattr -f json /m", 0, RECORDS, 0, 0, 0 },
    { "-o lowerdir=@/x\\134y:@/k1,userxattr -f json /m", 1, RECORDS, 0, 0, 0 },
    /* descriptions */
    { "-r @/etc/lines -v /vol:/t /file", 0, 0, 0, 0, 0 },
    { "-r @/etc/live -v /vol/sub:/t -v /m:/u", 0, 0, 0, 0, 0 },
    { "-r @/etc/dead -f json /vol/v /part/x /m", 0, RECORDS | ROOT, 0, 0, 0 },
    { "-r @/etc/merged /file", 3, 0, 0, 0, 0 },
    { "-r @/etc/upper /file", 3, 0, 0, 0, 0 },
    { "-r @/etc/state -H /file", 0, 0, 0, 0, 0 },
    { "-p 0 -r @/docker/overlay2/id/config.json /vol/v", 0, 0, 0, 0, 0 },
    { "-r - -H /vol/v", 0, 0, "pid $PID\nbind @/vol:/vol\n", 0, 0 },
    { "-r @/etc/none /vol/v", 3, 0, 0, 0, 0 },
    /* from within */
    { "-S /file /cache/c /etc/hosts", 0, SELF, 0, 0, 0 },
    { "-S -v ./one:/t -v /ro:/u", 0, SELF, 0, 0, 0 },
    { "-S -f json /t/mp /file /over", 1, SELF | RECORDS, 0, 0, 0 },
    { "-S -b /host/cache:/cache -f json /cache/c", 0, SELF | RECORDS, 0, 0, 0 },
    { "-S -c", 0, SELF, BODY("/cache"), 0, 0 },
    { "-S -r mine -f json /vol/v /file", 0, SELF | RECORDS, 0, 0, 0 },
    { "-S -r his /file", 3, SELF, 0, 0, 0 },
    { "-S -", 1, SELF | LINES, "/file\n/nope\n./one\n", 0, 0 },
    { "-S /etc/hosts", 1, SELF_DOUBT, 0, 0, 0 },
    /* the command line alone */
    { "-V", 0, 0, 0, 0, 0 },
    { "-p x /file", 2, 0, 0, 0, 0 },
};

/* ==== main ============================================================================================== */

/* A child whose root is an overlay: in a mount namespace of its own, with shared mounts, or merely chrooted. */
static void start_runner(int number, const char *root, const char *mounts)
{
    char dir[64], file[64];
    expand(root, dir, sizeof dir);
    struct actor a = runner_in(dir, mounts ? SHARED : SAME_MOUNTS, do_script, mounts ? mounts : "");
    pid_t pid = world.runner[number] = a.pid;
    snprintf(file, sizeof file, "/proc/%d/ns/mnt", pid);
    world.runner_ns[number] = open(file, O_RDONLY | O_CLOEXEC);
    snprintf(file, sizeof file, "/proc/%d/root", pid);
    world.runner_root[number] = open(file, O_PATH | O_CLOEXEC);
}

static void build_world(void)
{
    char text[4096], opts[512], dir[64];
    static const char *const ids[] = { "@/docker/overlay2/id", "@/docker/overlay2/id2" };
    script(host_script);
    if (world.root)
        script(dead_script);
    /* what the runners find in their image must be there before they are */
    for (size_t i = 0; i < COUNT(files); i++)
        if (!put_file(files[i].name, "-"))
            flunk("%s: %s", files[i].name, strerror(errno));
    for (int i = 7; i < 9; i++)
        put_file(files[i].name, expand(files[i].text, text, sizeof text));
    for (int i = 0; i < 2; i++) {
        expand(ids[i], dir, sizeof dir);
        snprintf(opts, sizeof opts, "lowerdir=/w/l2:/w/l1,upperdir=%s/diff,workdir=%s/work%s", dir, dir,
                 world.root ? "" : ",userxattr");
        strcat(dir, "/merged");
        if (mount("o", dir, "overlay", 0, opts))
            flunk("overlay: %s", strerror(errno));
    }
    start_runner(0, ROOTFS, runner_script);
    start_runner(1, OTHER, other_script);
    start_runner(2, ROOTFS, NULL);
    world.start = start_time(world.runner[0]);
    script(late_script);
    for (int i = 0; i < 7; i++)
        put_file(files[i].name, expand(files[i].text, text, sizeof text));
}

/* Tracer and traced take turns: on one processor neither has to be woken on another one. */
static void stay_here(void)
{
    cpu_set_t set;
    int cpu = sched_getcpu();
    CPU_ZERO(&set);
    CPU_SET(cpu < 0 ? 0 : cpu, &set);
    if (cpu >= 0)
        sched_setaffinity(0, sizeof set, &set);
}

/* A root of our own. */
static bool enter_world(void)
{
    const char *from = getenv("DINDBIND");
    world.tool = open(from ? from : "./dindbind", O_PATH | O_CLOEXEC);
    world.full = open("/dev/full", O_WRONLY | O_CLOEXEC);
    world.in = memfd_create("in", MFD_CLOEXEC);
    world.out = memfd_create("out", MFD_CLOEXEC);
    world.err = memfd_create("err", MFD_CLOEXEC);
    world.root = is_real_root();
    if (world.tool < 0 || world.full < 0)
        flunk("%s or /dev/full: %s", from ? from : "./dindbind", strerror(errno));
    return own_mounts(world.base) && own_root(world.base);
}

/* The undisturbed run: what all others are measured by. */
static bool measure(const struct invocation *inv)
{
    static const struct fault none = { .how = NOTHING };
    set_up(inv);
    world_state(&before);
    run(inv, &none, &ordinary, &good);
    world_state(&after);
    int blocks = shared->allocations;
    const char *bad = good.status != inv->status ? wrong("undisturbed: status %d instead of %d, %s%s", good.status,
                                                         inv->status, good.out, good.err)
                                                 : judge(inv, &good, false, false, true);
    if (bad)
        report_failure(inv, "undisturbed", bad);
    passed += !bad;
    const char *worse = clean_up(inv);
    if (worse)
        report_failure(inv, "undisturbed", worse);
    shared->allocations = blocks;
    return !bad && !worse;
}

static void test(const struct invocation *inv)
{
    static struct call calls[MAX_CALLS];
    if ((inv->flags & ROOT) && !world.root) {
        printf("skipped: trusted.* attributes need the real root: %s\n", inv->args);
        skips++;
        return;
    }
    if (!measure(inv))
        return;
    int n = good.ncalls;
    memcpy(calls, good.calls, (size_t)n * sizeof *calls);
    if (world.library)
        fail_allocations(inv);
    for (int i = 0; i < n; i++)
        inject_all(inv, &calls[i]);
    if (world.library)
        return;
    if (inv->flags & (STAGES | REMOVES))
        kill_all(inv, calls, n);
    try_settings(inv);
}

static int run_all(char **words)
{
    (void)words;
    struct sigaction act = { .sa_handler = on_alarm };
    struct timespec t0, t1;
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (!enter_world()) {
        printf("skipped: no mount namespace can be made here: %s\n0 passed, %d failed, 1 skipped\n", strerror(errno),
               !geteuid());
        return !geteuid();
    }
    stay_here();
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    sigaction(SIGALRM, &act, NULL);
    clock_gettime(CLOCK_MONOTONIC, &t0);
    build_world();
    world_state(&pristine);
    for (int library = 0; library < 2; library++) {
        world.library = library;
        if (library ? !world.white_box : !world.black_box)
            continue;
        for (size_t i = 0; i < COUNT(invocations); i++)
            if (world.only < 0 || world.only == (int)i)
                test(&invocations[i]);
        printf("%s: %ld injections so far, %ld made good, %ld refused\n", library ? "library" : "binary", injected,
            made_good,
               refusals);
    }
    clock_gettime(CLOCK_MONOTONIC, &t1);
    printf("%zu invocations, %ld injections in %ld s\n", COUNT(invocations), injected, (long)(t1.tv_sec - t0.tv_sec));
    printf("%ld passed, %ld failed, %ld skipped\n", passed, failures, skips);
    fflush(stdout);
    return failures != 0;
}

int main(int argc, char **argv)
{
    int c;
    while ((c = getopt(argc, argv, "lvbwn:")) != -1)
        switch (c) {
        case 'l': world.all = true; break;
        case 'v': world.verbose = true; break;
        case 'b': world.white_box = false; break;
        case 'w': world.black_box = false; break;
        case 'n': world.only = atoi(optarg); break;
        default: return 2;
        }
    setvbuf(stdout, NULL, _IOLBF, 0);
    return run_in_child("fault", world.base, run_all, NULL);
}
