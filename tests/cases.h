/* cases.h - for the suites on cmocka: their world, the strings of a case, and how a case fails or is skipped
 *
 * SPDX-License-Identifier: 0BSD
 */
#ifndef CASES_H
#define CASES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

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
    int sock;                   /* orders to it */
    int tool;                   /* the binary */
} world;

static int tests_passed, tests_failed, tests_skipped;
static bool am_child;           /* forked, before exec: never return into cmocka */

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

/* ---- Templates (the little language in world.h) ---------------------------------------------------------- */

static inline const struct mark *case_marks(void)
{
    static char runner[16], own[16];
    static struct mark marks[] = {
        { "@", world.dir }, { "^", world.merged }, { "$", runner }, { "`", "\"" }, { "\1", NULL }, { "\3", own },
        [6] = { "\4", NULL }, { NULL, NULL },
    };
    snprintf(runner, sizeof runner, "%d", world.pid);
    snprintf(own, sizeof own, "%d", getpid());
    marks[6].value = world.root ? "" : ",userxattr";
    return marks;
}

/* The vocabulary of the suite. */
static const struct mark *(*marks_now)(void) = case_marks;

static inline char *expand_bytes(const char *t, size_t n, size_t *len)
{
    ssize_t got = expand_marks(marks_now(), t, n, pool + pooled, sizeof pool - pooled);
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

#endif
