/* cases.h - for the suites on cmocka: their world, the strings of a case, its runner, and how it fails or is skipped
 *
 * SPDX-License-Identifier: 0BSD
 */
#ifndef CASES_H
#define CASES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "world.h"

static struct {
    bool root;                  /* of the initial user namespace: trusted.* attributes can be used */
    bool mounts;                /* mounts can be made */
    char base[64];              /* where the world is made */
    char dir[96];               /* of this case */
    char merged[512];           /* the root of its runner, as the host names it */
    pid_t pid;                  /* its runner, or 0 */
    unsigned long long start;   /* when that one started */
} world;

static int tests_passed, tests_failed, tests_skipped;

__attribute__((format(printf, 1, 2), noreturn, unused))
static void flunk(const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    vprint_error(format, ap);
    va_end(ap);
    print_error("\n");
    if (am_child)
        _exit(98);
    fail();
    abort();
}

static inline void skip_case(const char *why)
{
    print_message("    skipped: %s\n", why);
    tests_skipped++;
    skip();
}

/* In the place of a case, where no_stages(). */
static inline void cannot_stage(void **state)
{
    (void)state;
    skip_case("this kernel, or a seccomp filter, lacks what a stage is made with");
}

/* One case of its own, which cmocka reports and the last line counts. */
static inline void run_case(const char *name, void (*call)(void **), int (*first)(void **), int (*last)(void **),
                            const void *what)
{
    const struct CMUnitTest one[] = { { name, call, first, last, (void *)(uintptr_t)what } };
    int before = tests_skipped, failed = cmocka_run_group_tests_name(name, one, NULL, NULL);
    tests_failed += failed != 0;
    tests_passed += !failed && tests_skipped == before;
}

/* ---- Strings of one case; all given back when the next one starts ---------------------------------------- */

static _Alignas(16) char pool[96 << 20];
static size_t pooled;

/* `n` bytes, aligned for anything. What was written at pool + pooled before is kept by it. */
__attribute__((noinline, unused))
static void *keep(size_t n)
{
    void *at = pool + pooled;
    n = (n + 15) & ~(size_t)15;
    if (n >= sizeof pool - pooled)
        flunk("the pool of the test is too small");
    pooled += n;
    return at;
}

__attribute__((format(printf, 1, 2), unused))
static char *textf(const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    int n = vsnprintf(pool + pooled, sizeof pool - pooled, format, ap);
    va_end(ap);
    return keep((size_t)n + 1);
}

/* All that a descriptor has, from the start where it has one; it is closed. `n`, where given, gets the length. */
static inline char *text_of(int fd, size_t *n)
{
    size_t len;
    lseek(fd, 0, SEEK_SET);
    char *text = read_all(fd, &len);
    if (!text)
        flunk("read: %s", strerror(errno));
    close(fd);
    char *kept = keep(len + 1);
    memcpy(kept, text, len + 1);
    free(text);
    if (n)
        *n = len;
    return kept;
}

static inline char *slurp(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        flunk("%s: %s", path, strerror(errno));
    return text_of(fd, NULL);
}

/* A descriptor that has these bytes. */
static inline int input_of(const char *text, size_t n)
{
    int fd = memfd_create("in", MFD_CLOEXEC);
    if (fd < 0 || write(fd, text, n) != (ssize_t)n || lseek(fd, 0, SEEK_SET))
        flunk("memfd: %s", strerror(errno));
    return fd;
}

/* ---- Templates (the little language in world.h) ---------------------------------------------------------- */

/* What stands for $ANY in what was expanded. */
enum { ANY = 1 };

static inline const struct mark *case_marks(void)
{
    static char pid[16], start[32], own[16], n255[256], n256[257];
    static struct mark marks[] = {
        { "@", world.dir }, { "^", world.merged }, { "`", "\"" }, { "%", byte_in_hex }, { "$PID", pid },
        { "$START", start }, { "$OWN", own }, { "$BASE", world.base }, { "$N255", n255 }, { "$N256", n256 },
        { "$ANY", "\1" }, [11] = { "$OVERLAY", NULL }, [12] = { "$USERXATTR", NULL }, { NULL, NULL },
    };
    snprintf(pid, sizeof pid, "%d", world.pid);
    snprintf(start, sizeof start, "%llu", world.start);
    snprintf(own, sizeof own, "%d", getpid());
    memset(n255, 'n', 255);
    memset(n256, 'm', 256);
    marks[11].value = world.root ? "trusted.overlay" : "user.overlay";
    marks[12].value = world.root ? "" : ",userxattr";
    return marks;
}

static inline char *expand_bytes(const char *t, size_t n, size_t *len)
{
    ssize_t got = expand_marks(case_marks(), t, n, pool + pooled, sizeof pool - pooled);
    if (got < 0)
        flunk("the pool of the test is too small");
    *len = (size_t)got;
    return keep(*len + 1);
}

/* *n, where given, gets the length. */
static inline char *expand_n(const char *t, size_t *n)
{
    size_t len;
    char *out = expand_bytes(t, strlen(t), &len);
    if (n)
        *n = len;
    return out;
}

static inline char *expand(const char *t)
{
    return expand_n(t, NULL);
}

static inline char *expand_word(const char *t, size_t n)
{
    size_t len;
    return expand_bytes(t, n, &len);
}

/* A command as the arguments of the tool. */
static inline char **arguments(const char *command)
{
    size_t n = 2;
    for (const char *p = command; *p; p++)
        n += *p == ' ';
    char **argv = keep((n + 1) * sizeof *argv);
    n = 0;
    argv[n++] = textf("dindbind");
    while (command += strspn(command, " "), *command) {
        size_t len = strcspn(command, " ");
        bool empty = len == 2 && !memcmp(command, "''", 2);
        argv[n++] = expand_word(command, empty ? 0 : len);
        command += len;
    }
    argv[n] = NULL;
    return argv;
}

/* ---- The runner of a case -------------------------------------------------------------------------------- */

#include "runner.h"
#include "tool.h"

static struct actor runner;

/* What a script expands is given back: there may be many. */
static inline int script_deed(const char *script)
{
    size_t was = pooled;
    int err = do_script(script);
    pooled = was;
    return err;
}

static inline void must(const char *script)
{
    if (do_script(script))
        flunk("script failed: %s", expand(script));
}

/* A script with paths relative to a directory, which is made where it is missing. */
static inline void grow(const char *dir, const char *script)
{
    int here = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    char *path = textf("%s/", dir);
    make_parents(path);
    if (here < 0 || chdir(path))
        flunk("%s: %s", dir, strerror(errno));
    must(script);
    if (fchdir(here))
        flunk("fchdir: %s", strerror(errno));
    close(here);
}

/* `before` runs in its mount namespace, before it enters its root ^. */
static inline void start_runner(int kind, const char *before)
{
    runner = runner_in(world.merged, kind, script_deed, before);
    world.pid = runner.pid;
    world.start = start_time(runner.pid);
}

/* In the runner, with its own paths. 0 or an errno. */
static inline int order(const char *script)
{
    return ask(&runner, script_deed, script);
}

static inline void order_must(const char *script)
{
    have(&runner, script_deed, script);
}

/* One that has these mounts, then does `after`; then the host does something. NULL: nothing. */
static inline void have_runner(int kind, const char *before, const char *after, const char *host)
{
    start_runner(kind, before);
    if (after)
        order_must(after);
    if (host)
        must(host);
}

static inline void stop_runner(void)
{
    end_actor(&runner);
    world.pid = 0;
}

/* The tool, with a command and a standard input; `before` as in start_tool(). */
static inline struct ran run_command(const char *command, const char *in, bool (*before)(void))
{
    size_t n = 0;
    char *text = in ? expand_n(in, &n) : NULL;
    int fd = in ? input_of(text, n) : -1;
    struct ran r = end_tool(start_tool(arguments(command), fd, -1, before));
    if (fd >= 0)
        close(fd);
    return r;
}

/* Bytes against an expanded template. */
static inline bool alike(const char *want, size_t nwant, const char *got, size_t ngot)
{
    for (; nwant; want++, nwant--, got++, ngot--) {
        if (*want == ANY) {
            for (size_t i = 0; i <= ngot; i++)
                if (alike(want + 1, nwant - 1, got + i, ngot - i))
                    return true;
            return false;
        }
        if (!ngot || *got != *want)
            return false;
    }
    return !ngot;
}

/* Bytes for a message. */
static inline char *shown(const char *s, size_t n)
{
    char *out = keep(n * 4 + 8), *p = out;
    for (size_t i = 0; i < n && i < 6000; i++) {
        if (s[i] == ANY)
            p = stpcpy(p, "$ANY");
        else if ((unsigned char)s[i] < 0x20 && s[i] != '\n')
            p += sprintf(p, "%%%02x", (unsigned char)s[i]);
        else
            *p++ = s[i];
    }
    *p = 0;
    return out;
}

/* What the tool did against what it should have done: its status, all of standard output, and a part of standard error,
 * where NULL means that there is nothing. Whatever fails says why. */
static inline void expect_ran(const char *what, struct ran r, int status, const char *out, const char *err)
{
    size_t outlen, errlen = 0;
    char *want = expand_n(out, &outlen), *part = err ? expand_n(textf("$ANY%s$ANY", err), &errlen) : NULL;
    bool said = part ? alike(part, errlen, r.err, r.errlen) && (r.errlen || !status) : !r.errlen;
    if (r.status != status || !alike(want, outlen, r.out, r.outlen) || !said)
        flunk("%s\n-- wanted status %d, standard output\n%s\n-- standard error with\n%s\n"
              "-- got status %d, standard output\n%s\n-- standard error\n%s", what, status, shown(want, outlen),
              part ? shown(part, errlen) : "(nothing)", r.status, shown(r.out, r.outlen), shown(r.err, r.errlen));
}

/* A path of the runner's. */
static inline char *inside(const char *path)
{
    return textf("/proc/%d/root%s", world.pid, path);
}

static inline bool same_file(const char *a, const char *b)
{
    struct stat x, y;
    return !lstat(a, &x) && !lstat(b, &y) && x.st_dev == y.st_dev && x.st_ino == y.st_ino &&
           (x.st_mode & S_IFMT) == (y.st_mode & S_IFMT);
}

static inline void gone(const char *path)
{
    struct stat st;
    if (!lstat(path, &st) || errno != ENOENT)
        flunk("%s is still there", path);
    if (strstr(slurp("/proc/self/mountinfo"), textf(" %s ", path)))
        flunk("%s is still mounted", path);
}

/* The world that all cases share, and after them the last line. The exit status. */
static inline int run_all_in(bool (*enter_world)(void), void (*all)(char **), char **words)
{
    world.root = is_real_root();
    world.mounts = enter_world();
    if (!world.mounts) {
        print_message("no mount namespace can be made here, or no tool: %s\n", strerror(errno));
        tests_skipped++;
        tests_failed += !geteuid();
    } else
        all(words);
    printf("%d passed, %d failed, %d skipped\n", tests_passed, tests_failed, tests_skipped);
    fflush(stdout);
    return tests_failed != 0;
}

#endif
