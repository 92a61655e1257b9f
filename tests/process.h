/* process.h - for the tests that are a process each, the first one of mount and PID namespaces of its own
 *
 * SPDX-License-Identifier: 0BSD
 *
 * Whatever a test mounts or starts ends with it. Its root is a tmpfs that holds /proc and the tool. A failure says
 * `not ok: NAME: ...` on standard output; the last line there counts what passed, failed and was skipped.
 */
#ifndef PROCESS_H
#define PROCESS_H

#include <stdarg.h>

#include "world.h"

#ifndef OPEN_TREE_CLONE
#define OPEN_TREE_CLONE 1
#endif
#ifndef MOVE_MOUNT_F_EMPTY_PATH
#define MOVE_MOUNT_F_EMPTY_PATH 4
#define MOVE_MOUNT_T_EMPTY_PATH 0x40
#endif

enum { SKIPPED = 77 };

static int tests_passed, tests_failed, tests_skipped;
static char test_name[200];

/* ---- The test that is running -------------------------------------------------------------------------- */

__attribute__((format(printf, 1, 2), noreturn))
static void flunk(const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    printf("not ok: %s: ", test_name);
    vprintf(format, ap);
    printf("\n");
    va_end(ap);
    fflush(stdout);
    _exit(1);
}

static inline _Noreturn void skip(const char *why)
{
    printf("skipped: %s: %s\n", test_name, why);
    fflush(stdout);
    _exit(SKIPPED);
}

static inline void must(bool good, const char *what)
{
    if (!good)
        flunk("setup: %s: %s", what, strerror(errno));
}

__attribute__((format(printf, 1, 2)))
static inline char *textf(const char *format, ...)
{
    char *s;
    va_list ap;
    va_start(ap, format);
    must(vasprintf(&s, format, ap) >= 0, "memory");
    va_end(ap);
    return s;                   /* the process ends soon */
}

/* All that a descriptor has, in memory that ends with the process; it is closed. */
static inline char *text_of(int fd, size_t *n)
{
    /* not through /proc, which may be a lie by now */
    lseek(fd, 0, SEEK_SET);
    char *text = read_all(fd, n);
    must(text != NULL, "read");
    close(fd);
    return text;
}

static inline char *slurp(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    must(fd >= 0, path);
    return text_of(fd, NULL);
}

/* These tests are no cases: their words hold no marks but bytes. */
static inline char *expand_word(const char *t, size_t n)
{
    static const struct mark marks[] = { { "`", "\"" }, { "%", byte_in_hex }, { NULL, NULL } };
    char *out = malloc(n + 1);
    must(out && expand_marks(marks, t, n, out, n + 1) >= 0, "memory");
    return out;
}

#include "runner.h"
#include "tool.h"

static inline void new_file(const char *path, const char *text)
{
    must(put_file(path, text), path);
}

static inline void make_dir(const char *path)
{
    must(!mkdir(path, 0755), path);
}

static inline size_t count_lines(const char *text)
{
    size_t n = 0;
    for (; *text; text++)
        n += *text == '\n';
    return n;
}

static inline size_t mounts(void)
{
    char *text = slurp("/proc/self/mountinfo");
    size_t n = count_lines(text);
    free(text);
    return n;
}

static inline bool same_file(int fd, const char *path)
{
    struct stat a, b;
    return !fstat(fd, &a) && !lstat(path, &b) && a.st_ino == b.st_ino && a.st_dev == b.st_dev;
}

/* Put `what` (a symlink itself, too) over `path`, which may be one of procfs's magic links. 0 or an errno. */
static inline int cover_with(const char *what, const char *path)
{
    int tree = (int)syscall(SYS_open_tree, AT_FDCWD, what, OPEN_TREE_CLONE | O_CLOEXEC | AT_SYMLINK_NOFOLLOW);
    int at = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC), err = 0;
    if (tree < 0 || at < 0 ||
        syscall(SYS_move_mount, tree, "", at, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH))
        err = errno;
    close(tree);
    close(at);
    return err;
}

static inline void over(const char *what, const char *path)
{
    errno = cover_with(what, path);
    must(!errno, path);
}

/* ---- Runners ------------------------------------------------------------------------------------------- */

static void (*runner_before)(void);

static inline int before_deed(const char *unused)
{
    (void)unused;
    if (runner_before)
        runner_before();
    return 0;
}

/* `before`, when not NULL, happens in its mount namespace, which is not yet at its root. */
static inline struct actor start_runner_at(const char *root, int kind, void (*before)(void))
{
    runner_before = before;
    return runner_in(root, kind, before_deed, root);
}

/* ---- The tool ------------------------------------------------------------------------------------------ */

#define ARGV(...) ((char *const[]){ "dindbind", __VA_ARGS__, NULL })
#define RUN(...) run_argv(ARGV(__VA_ARGS__))

static inline void said(struct ran r, int status, const char *out, const char *err)
{
    if (r.status != status || strcmp(r.out, out) || !strstr(r.err, err))
        flunk("the tool: wanted %d, \"%s\" and \"%s\", got %d, \"%s\" and \"%s\"", status, out, err, r.status, r.out,
              r.err);
}

/* ---- All of them --------------------------------------------------------------------------------------- */

static inline void too_long(int sig)
{
    (void)sig;
    flunk("does not end");
}

/* In the child: a root that is gone with the test. */
static inline void enter_test(void)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    /* the first process of a namespace is not ended by a signal that it has no handler for */
    signal(SIGALRM, too_long);
    alarm(300);
    make_dir("/world/proc");
    must(!mount("/proc", "/world/proc", NULL, MS_BIND | MS_REC, NULL), "/world/proc");
    new_file("/world/dindbind", "");
    must(!mount("/dindbind", "/world/dindbind", NULL, MS_BIND, NULL), "the tool");
    must(!mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) && !chdir("/world") &&
         !syscall(SYS_pivot_root, ".", ".") && !umount2(".", MNT_DETACH) && !chdir("/"), "a root");
    if (mount("proc", "/proc", "proc", 0, NULL)) {
        if (is_real_root())
            flunk("/proc: %s", strerror(errno));
        skip("procfs cannot be mounted in this user namespace");
    }
}

/* One test, in a process and a root of its own. Its name has two parts. */
static inline void run_test(const char *name, const char *variant, void (*call)(void))
{
    int status = -1;
    snprintf(test_name, sizeof test_name, "%s%s", name, variant);
    fflush(NULL);
    must(!mount("t", "/world", "tmpfs", 0, "mode=755"), "/world");
    pid_t pid = (pid_t)syscall(SYS_clone, CLONE_NEWNS | CLONE_NEWPID | SIGCHLD, NULL, NULL, NULL, NULL);
    if (!pid) {
        enter_test();
        call();
        fflush(NULL);
        _exit(0);
    }
    must(pid > 0 && waitpid(pid, &status, 0) == pid, "clone");
    umount2("/world", MNT_DETACH);
    if (WIFSIGNALED(status))
        printf("not ok: %s: killed by signal %d\n", test_name, WTERMSIG(status));
    if (!status) {
        printf("ok: %s\n", test_name);
        tests_passed++;
    } else if (WIFEXITED(status) && WEXITSTATUS(status) == SKIPPED)
        tests_skipped++;
    else
        tests_failed++;
}

/* The world that each test makes its own from, and after all of them the last line. The exit status. */
static inline int run_tests(const char *base, void (*all)(char **), char **words)
{
    bool root = is_real_root();
    if (own_mounts(base) && copy_tool(base) && own_root(base) && !mkdir("/world", 0755))
        all(words);
    else {
        printf("no mount namespace can be made here, or no tool: %s\n", strerror(errno));
        tests_skipped++;
        tests_failed += !geteuid();
    }
    printf("%d passed, %d failed, %d skipped\n", tests_passed, tests_failed, tests_skipped);
    fflush(stdout);
    return tests_failed || (root && tests_skipped);
}

#endif
