/* test_dindbind.c - what dindbind promises, checked
 *
 * SPDX-License-Identifier: 0BSD
 *
 * White-box: dindbind.c is included here, so that each back end of the contained resolution can be forced,
 * and allocations and descriptors be counted. Black-box: the binary that $DINDBIND names (./dindbind) is run,
 * plain and under seccomp filters that take openat2(2) away.
 *
 * All mounts are made in a mount namespace of the test's own, on one tmpfs; an unprivileged caller gets a user
 * namespace for that. Root may skip nothing but the limits, which hold for the default build and are counted with
 * strace: any other skip is a failure then. The last line on standard output counts what passed, failed and was
 * skipped.
 *
 * From top to bottom: running the tool, calling the library, the world, then the tables of promises with what checks
 * them. Their strings are templates in the little language of tests/world.h; in answers $ANY is anything.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

/* Every allocation that dindbind.c asks for counts. */
static atomic_long allocations;
#define COUNTED(type, name, parameters, call) \
    __attribute__((unused)) static type counted_##name parameters { allocations++; return call; }
COUNTED(void *, malloc, (size_t n), malloc(n))
COUNTED(void *, calloc, (size_t n, size_t size), calloc(n, size))
COUNTED(void *, realloc, (void *p, size_t n), realloc(p, n))
COUNTED(char *, strdup, (const char *s), strdup(s))
COUNTED(char *, strndup, (const char *s, size_t n), strndup(s, n))
#define malloc counted_malloc
#define calloc counted_calloc
#define realloc counted_realloc
#define strdup counted_strdup
#define strndup counted_strndup
#define DINDBIND_NO_MAIN
#include "dindbind.c"
#undef malloc
#undef calloc
#undef realloc
#undef strdup
#undef strndup

#include "tests/cases.h"

/* ==== helpers ========================================================================================= */

/* Only what the comment at the top allows may be skipped by root. */
static void skip_because(const char *why, bool root_may)
{
    if (world.root && !root_may)
        flunk("root may not skip this: %s", why);
    skip_case(why);
}

/* A directory of its own for a case. */
static void new_dir(void)
{
    static unsigned number;
    snprintf(world.dir, sizeof world.dir, "%s/%u", world.base, number++);
    if (mkdir(world.dir, 0755))
        flunk("%s: %s", world.dir, strerror(errno));
}

/* ==== running the tool ================================================================================== */

/* What the kernel lacks, as the tool sees it. */
enum { PLAIN, NO_OPENAT2, EPERM_OPENAT2, OLD_KERNEL, FILTERS };

static const char *const filter_names[FILTERS] = {
    "openat2", "the walk (ENOSYS)", "the walk (EPERM)", "the walk (ENOSYS), no statx"
};

static const unsigned filter_caps[FILTERS] = {
    0, CAPS_NO_OPENAT2, CAPS_NO_OPENAT2, CAPS_NO_OPENAT2 | CAPS_NO_STATX
};

/* In a child, before exec. */
static int take_away(int what)
{
#if defined __x86_64__
    enum { ARCH = AUDIT_ARCH_X86_64 };
#elif defined __aarch64__
    enum { ARCH = AUDIT_ARCH_AARCH64 };
#else
#error "which AUDIT_ARCH_ is it?"
#endif
    unsigned error = what == EPERM_OPENAT2 ? EPERM : ENOSYS;
    unsigned statx_number = what == OLD_KERNEL ? SYS_statx : SYS_openat2;
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)ARCH, 0, 4),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat2, 1, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, statx_number, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = { COUNT(code), code };
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

struct set_up {
    int filter;
    const char *in;             /* standard input, a template */
    void (*before)(void);       /* called in the child before exec */
    const char *out;            /* a file to have as standard output */
};

static const struct set_up *setting_up;

/* In the child. */
static bool set_up_child(void)
{
    if (setting_up->before)
        setting_up->before();
    if (setting_up->filter && take_away(setting_up->filter)) {
        dprintf(2, "test: no seccomp filter: %s\n", strerror(errno));
        return false;
    }
    return true;
}

static struct ran run_vector(const struct set_up *s, char **argv)
{
    size_t n = 0;
    const char *text = s->in ? expand_n(s->in, &n) : "";
    int in = input_of(text, n), out = s->out ? open(s->out, O_RDWR | O_CLOEXEC) : -1;
    if (s->out && out < 0)
        flunk("%s: %s", s->out, strerror(errno));
    setting_up = s;
    struct running t = start_tool(argv, in, out, set_up_child);
    close(in);
    return end_tool(t);
}

static struct ran run_tool(const struct set_up *s, const char *command)
{
    return run_vector(s, arguments(command));
}

static struct ran run_plain(const char *command)
{
    return run_tool(&(struct set_up){ 0 }, command);
}

static void expect(const char *command, int status, const char *out, const char *err)
{
    expect_ran(command, run_plain(command), status, out, err);
}

/* ==== answers ===========================================================================================
 *
 * The library's result and the tool's json record, both as one short line:
 *
 *      file rw proc /proc/42/root/f        directory ro layers merged /l2/d:/l1/d        error missing */

/* The JSON string that starts at `s` (after its quote), decoded into `out`; the place after it. */
static const char *json_text(const char *s, char *out)
{
    while (*s && *s != '"') {
        if (*s != '\\') {
            *out++ = *s++;
            continue;
        }
        static const char from[] = "nrtbf\"\\/", to[] = "\n\r\t\b\f\"\\/";
        const char *at = strchr(from, s[1]);
        if (s[1] != 'u') {
            *out++ = at ? to[at - from] : '?';
            s += 2;
            continue;
        }
        unsigned c = 0;
        sscanf(s + 2, "%4x", &c);
        if (c < 0x80 || (c & 0xff80) == 0xdc80) {
            *out++ = (char)c;
        } else if (c < 0x800) {
            *out++ = (char)(0xc0 | c >> 6);
            *out++ = (char)(0x80 | (c & 63));
        } else {
            *out++ = (char)(0xe0 | c >> 12);
            *out++ = (char)(0x80 | (c >> 6 & 63));
            *out++ = (char)(0x80 | (c & 63));
        }
        s += 6;
    }
    *out = 0;
    return *s ? s + 1 : s;
}

static char *json_field(const char *record, const char *key)
{
    char *out = keep(strlen(record) + 1);
    const char *at = strstr(record, textf(",\"%s\":", key));
    *out = 0;
    if (!at)
        at = strstr(record, textf("{\"%s\":", key));
    if (!at)
        return out;
    at += strlen(key) + 4;
    if (*at == '"') {
        json_text(at + 1, out);
    } else if (*at == '[') {
        char *p = out;
        while (*at && *at != ']' && *++at == '"') {
            if (p > out)
                *p++ = ':';
            at = json_text(at + 1, p);
            p += strlen(p);
        }
    } else {
        memcpy(out, at, strcspn(at, ",}"));
        out[strcspn(at, ",}")] = 0;
    }
    return out;
}

static char *told_by_record(const char *record)
{
    char *error = json_field(record, "error"), *kind = json_field(record, "kind");
    if (*error)
        return textf("error %s", error);
    bool single = !strcmp(kind, "single");
    return textf("%s %s %s %s%s%s", json_field(record, "type"), strcmp(json_field(record, "ro"),
        "true") ? "rw" : "ro",
                 json_field(record, "rule"), single ? "" : kind, single ? "" : " ",
                 json_field(record, single ? "path" : "layers"));
}

static const char *type_word(unsigned mode)
{
    switch (mode & S_IFMT) {
    case S_IFREG: return "file";
    case S_IFDIR: return "directory";
    case S_IFIFO: return "fifo";
    case S_IFSOCK: return "socket";
    case S_IFBLK: return "block";
    case S_IFCHR: return "char";
    case 0: return "unknown";
    default: return "?";
    }
}

static char *told_by_result(const struct dindbind_result *r)
{
    static const char *const rules[] = { "none", "bind", "proc", "layers" };
    if (r->error)
        return textf("error %s", dindbind_word(r->error));
    char *list = textf("%s", r->path);
    if (r->kind != DINDBIND_SINGLE) {
        list = textf("%s %s", r->kind == DINDBIND_MERGED ? "merged" : "metacopy",
            r->nlayers ? r->layers[0] : "");
        for (size_t i = 1; i < r->nlayers; i++)
            list = textf("%s:%s", list, r->layers[i]);
    }
    return textf("%s %s %s %s", type_word(r->type), r->ro ? "ro" : "rw", rules[r->rule], list);
}

/* ==== calling the library =============================================================================== */

/* The VIEW options of a command line, for the library. Paths here have no colons. */
static void view_of(const char *view, struct dindbind_runner *r)
{
    char **argv = arguments(view);
    struct dindbind_bind *rows = keep(32 * sizeof *rows);
    memset(r, 0, sizeof *r);
    r->binds = rows;
    for (argv++; argv[0] && argv[1]; argv += 2) {
        char *value = textf("%s", argv[1]), *colon = strchr(value, ':');
        if (argv[0][1] == 'p') {
            r->pid = atol(value);
            r->start = colon ? strtoull(colon + 1, NULL, 10) : 0;
        } else if (argv[0][1] == 'o') {
            r->overlay = value;
        } else {
            char *mode = strchr(colon + 1, ':');
            *colon = 0;
            if (mode)
                *mode = 0;
            rows[r->nbinds++] = (struct dindbind_bind){ value, colon + 1, mode != NULL, DINDBIND_GIVEN };
        }
    }
}

/* Which descriptors are open; 1 for each that is, 2 where it would leak into a child. */
static void list_descriptors(unsigned char at[1024])
{
    DIR *d = opendir("/proc/self/fd");
    memset(at, 0, 1024);
    if (!d)
        flunk("/proc/self/fd: %s", strerror(errno));
    for (struct dirent *e; (e = readdir(d));) {
        int fd = atoi(e->d_name);
        if (*e->d_name != '.' && fd != dirfd(d) && fd < 1024)
            at[fd] = fcntl(fd, F_GETFD) & FD_CLOEXEC ? 1 : 2;
    }
    closedir(d);
}

/* A descriptor in a result is the file that its path names, and pins it without opening it. */
static void check_pin(const struct dindbind_result *r)
{
    struct stat a, b;
    if (r->fd < 0) {
        if (!r->error && r->kind == DINDBIND_SINGLE && r->type)
            flunk("no descriptor pins %s", r->path);
        return;
    }
    if (r->error || r->kind != DINDBIND_SINGLE)
        flunk("a descriptor with an error, or with several layers");
    if (!(fcntl(r->fd, F_GETFL) & O_PATH) || fstat(r->fd, &a) || lstat(r->path, &b))
        flunk("%s: not an O_PATH descriptor, or not there: %s", r->path, strerror(errno));
    if (a.st_dev != b.st_dev || a.st_ino != b.st_ino || (a.st_mode & S_IFMT) != (r->type & S_IFMT))
        flunk("%s: the descriptor is another file", r->path);
}

/* One source through the library; on the way, what holds for every call: no descriptor leaks, and the procfs
 * path allocates nothing. */
static char *by_library(const char *view, const char *source, int filter)
{
    unsigned char before[1024], during[1024], after[1024];
    static struct dindbind_result result;
    struct dindbind_runner r;
    view_of(view, &r);
    list_descriptors(before);
    int error = dindbind_open(&r);
    if (error) {
        char *message = keep(4096);
        dindbind_message(&r, source, NULL, error, message, 4096);
        assert_true(*message && !strchr(message, '\n'));
        list_descriptors(after);
        assert_memory_equal(before, after, sizeof before);
        return textf("error %s", dindbind_word(error));
    }
    r.caps |= filter_caps[filter];
    long count = allocations;
    memset(&result, 0xa5, sizeof result);
    error = dindbind_resolve(&r, source, 0, &result);
    if (r.pid > 0 && allocations != count)
        flunk("%s: %ld allocations", source, allocations - count);
    list_descriptors(during);
    for (int i = 0; i < 1024; i++)
        if (during[i] == 2 && !before[i])
            flunk("%s: descriptor %d would leak into a child", source, i);
    assert_int_equal(error, result.error);
    check_pin(&result);
    char *told = told_by_result(&result);
    if (error) {
        char *message = keep(16384);
        dindbind_message(&r, source, &result, error, message, 16384);
        if (!*message || strchr(message, '\n') || (*source && strlen(source) < 200 && !strstr(message, source)))
            flunk("%s: a message that does not name it in one line: %s", source, message);
    }
    dindbind_close(&r);
    check_pin(&result);
    dindbind_release(&result);
    list_descriptors(after);
    if (memcmp(before, after, sizeof before))
        flunk("%s: descriptors stay open", source);
    return told;
}

/* One source through the tool. */
static char *by_tool(const char *view, const char *source, int filter)
{
    char **argv = arguments(textf("%s -f json -- ''", view));
    int n = 0;
    while (argv[n])
        n++;
    argv[n - 1] = (char *)(uintptr_t)source;
    struct ran r = run_vector(&(struct set_up){ .filter = filter }, argv);
    char *told = told_by_record(r.out), *given = json_field(r.out, "source");
    bool error = !strncmp(told, "error ", 6);
    if (!r.outlen || strchr(r.out, '\n') != r.out + r.outlen - 1 || strcmp(given, source) ||
        (r.status != 0) != error || (r.errlen != 0) != error || r.status > 3 || r.status == 2)
        flunk("%s: status %d, record %s, message %s", source, r.status, shown(r.out, r.outlen), shown(r.err,
            r.errlen));
    return told;
}

/* ==== promises ==========================================================================================
 *
 * A source and its answer in a view. Each is asked of the library and of the tool, on every back end.
 * Several answers are separated by '|'. */

enum { ROOT_ONLY = 1 };

struct promise {
    const char *name, *source, *answer;
    int only;
};

static bool among(const char *answers, const char *told)
{
    for (const char *end; *answers; answers = *end ? end + 1 : end) {
        size_t len;
        end = strchrnul(answers, '|');
        char *want = expand_bytes(answers, (size_t)(end - answers), &len);
        if (alike(want, len, told, strlen(told)))
            return true;
    }
    return false;
}

static void check_promise(const char *view, const struct promise *p)
{
    char *source = expand(p->source);
    for (int filter = 0; filter < FILTERS; filter++) {
        char *lib = by_library(view, source, filter);
        char *tool = by_tool(view, source, filter);
        if (!among(p->answer, lib) || !among(p->answer, tool))
            flunk("%s\n-- view %s, on %s\n-- wanted  %s\n-- library %s\n-- tool    %s", shown(source,
                strlen(source)),
                     expand(view), filter_names[filter], expand(p->answer), shown(lib, strlen(lib)),
                     shown(tool, strlen(tool)));
    }
}

/* Tests made from tables. */
static struct CMUnitTest tests[1024];
static size_t ntests;
static int empty_pool(void **state)
{
    (void)state;
    pooled = 0;
    return 0;
}

static void add_test(const char *group, const char *name, CMUnitTestFunction call, const void *row)
{
    static char names[1024][160];
    snprintf(names[ntests], sizeof names[0], "%s: %s", group, name);
    tests[ntests] = (struct CMUnitTest){ names[ntests], call, empty_pool, NULL, (void *)(uintptr_t)row };
    ntests++;
}

static void run_group(const char *group, CMFixtureFunction set_up, CMFixtureFunction tear_down)
{
    int before = tests_skipped, bad = _cmocka_run_group_tests(group, tests, ntests, set_up, tear_down);
    tests_failed += bad;
    tests_passed += (int)ntests - bad - (tests_skipped - before);
    ntests = 0;
}

/* ==== the world ========================================================================================= */

static void need_mounts(void)
{
    if (!world.mounts)
        skip_because("no user namespace, so no mounts", false);
}

static void need_root(void)
{
    if (!world.root)
        skip_because("needs CAP_SYS_ADMIN in the initial user namespace", false);
}

/* A descriptor that every runner has, of its root. */
#define RUNNER_FD "77"

static int op_hold(char *const w[])
{
    return dup2(open(w[1], O_PATH), atoi(w[2])) < 0 ? -1 : 0;
}

static const struct operation_row house_operations[] = {
    { "hold", op_hold, false },         /* PATH NUMBER: an open descriptor */
    { 0 },
};

/* A runner with this root; `mounts` is a script with paths relative to it. */
static void start_runner_at(const char *root, int kind, const char *mounts)
{
    snprintf(world.merged, sizeof world.merged, "%s", root);
    start_runner(kind, textf("cd ^;%s", mounts));
    order_must("hold / " RUNNER_FD);
}

static int end_house(void **state)
{
    (void)state;
    stop_runner();
    return 0;
}

/* ---- The house that most tables are about: root is the runner's, the rest is the host's ------------------ */

static const char house[] =
    "file root/etc/hostname runner; file root/etc/passwd users; dir root/etc/empty; file root/f 0123456789;"
    "sock root/run/docker.sock; link root/var/run ../run; fifo root/pipe; device root/null /dev/null;"
    "link root/abs /etc/hostname; link root/rel etc/hostname; link root/dots ./etc/../etc/./hostname;"
    "link root/up ../../../../etc/hostname; link root/absup /../../etc/hostname;"
    "link root/d/e/two ../../etc/hostname; link root/d/e/top ../../..; file root/d/e/f deep;"
    "link root/loop loop; link root/ping pong; link root/pong ping; link root/d/here ../d/here/x;"
    "link root/dang nowhere; link root/dangabs /nowhere/at/all; link root/leak @/secret; link root/out @/outside;"
    "link root/dirlink etc; link root/dirslash etc/; link root/fileslash etc/hostname/; link root/dot .;"
    "link root/slashes //etc///hostname; link root/slash /; link root/long $N256; link root/filedots etc/hostname/..;"
    "file root/$N255 long; dir root/vol; dir root/rom; file root/rom/f read-only;"
    "file root/odd/a%20b 1; file root/odd/new%0aline 2; file root/odd/co:lon 3; file root/odd/com,ma 4;"
    "file root/odd/back\\slash 5; file root/odd/%ff 6; file root/odd/qu\"ote 7; file root/odd/%c3%a9 8;"
    "file root/odd/%ed%a0%80 9; file root/odd/%c0%80 10; file root/odd/-dash 11; file root/odd/%01 12;"
    "file root/odd/%e2%80%a8 13; file root/odd/%f4%90%80%80 14; file root/odd/%f0%9f%98%80 15; file root/odd/%c3 16;"
    "link root/odd/l co:lon;"
    "file secret host; file outside/f host; file nowhere host; file work/a work; file work/sub/shadowed x;"
    "link work/l a; link work/up sub/../a; link work/abs /etc/hostname; link work/dd ../secret;"
    "link work/d/up ../a; link work/d/out ../../work/a; link work/hostabs @/work/a; link work/loop loop;"
    "link work/dang nowhere; sock work/s; fifo work/p; file work/com,ma 1; file work/qu\"ote 1; file work/new%0aline 1;"
    "file work/co:lon 1; link work/tocolon co:lon; link work/tonew new%0aline; dir work/%ff/x; file work/a%20b 1;"
    "file sub/f sub; file ro/f ro; sock docker.sock; file a,b/f comma; dir naïve";

static void build_house(void)
{
    char from[16], to[16] = "etc/hostname", path[300], text[4096];
    new_dir();
    grow(world.dir, house);
    for (int i = 1; i <= 41; i++) {         /* k40 takes 40 links, k41 one too many */
        snprintf(from, sizeof from, "k%d", i);
        snprintf(path, sizeof path, "%s/root/%s", world.dir, from);
        assert_int_equal(symlink(to, path), 0);
        strcpy(to, from);
    }
    /* Texts of links that fill a page, so that what is left after them does not fit beside. */
    for (int i = 0; i < 2; i++) {
        memset(text, 0, sizeof text);
        for (int n = 0; n < 2040; n++)
            memcpy(text + 2 * n, "./", 2);
        strcpy(text + 4080, i ? "page0" : "etc");
        snprintf(path, sizeof path, "%s/root/page%d", world.dir, i);
        assert_int_equal(symlink(text, path), 0);
    }
    if (world.mounts)
        grow(world.dir, "proc root/proc; proc root/again; link root/magic /proc/self/root/etc/hostname;"
             "link root/etc/mtab ../proc/self/mounts; link root/dev/fd /proc/self/fd;"
             " link root/info /proc/self/fdinfo/3;"
             "link root/off /proc/self/../version; link root/away /proc/thread-self/../../../../f;"
             "link root/other again/self/status; link root/version proc/version; link root/by/number /again/1/status");
}

static char house_root[300];

static int pivoted_house(void **state)
{
    (void)state;
    pooled = 0;
    build_house();
    snprintf(house_root, sizeof house_root, "%s/root", world.dir);
    if (world.mounts)
        start_runner_at(house_root, 0,
            "tmpfs vol; file vol/f volume; link vol/up ../etc/hostname; bindone rom rom; ro rom;"
                     "sock vol/s; tmpfs vol/inner; file vol/inner/f x");
    return 0;
}

static int chrooted_house(void **state)
{
    (void)state;
    pooled = 0;
    build_house();
    snprintf(house_root, sizeof house_root, "%s/root", world.dir);
    if (world.mounts)
        start_runner_at(house_root, SAME_MOUNTS, "");
    return 0;
}

/* ==== procfs: containment ===============================================================================
 *
 * The same table for a runner with a mount namespace of its own and for one that is only chrooted. */

#define PROC(path) "/proc/$PID/root" path
#define HOSTNAME "file rw proc " PROC("/etc/hostname")

static const struct promise in_the_house[] = {
    { "a live PID resolves", "/etc/hostname", HOSTNAME, 0 },
    { "a directory", "/etc", "directory rw proc " PROC("/etc"), 0 },
    { "the root itself", "/", "directory rw proc " PROC("/"), 0 },
    { "cleaned: /..", "/..", "directory rw proc " PROC("/"), 0 },
    { "cleaned: .. stays inside", "/../../../etc/hostname", HOSTNAME, 0 },
    { "cleaned: . and //", "//etc/.//./hostname", HOSTNAME, 0 },
    { "cleaned: trailing slash", "/etc/hostname/", HOSTNAME, 0 },
    { "cleaned: trailing slash after a link", "/abs/", HOSTNAME, 0 },
    { "cleaned: .. after what is missing", "/nope/../etc/hostname", HOSTNAME, 0 },
    { "cleaned: .. after a loop", "/loop/../etc/hostname", HOSTNAME, 0 },
    { "cleaned: .. after a link to a directory", "/dirlink/../f", "file rw proc " PROC("/f"), 0 },
    { "a missing source", "/nope", "error missing", 0 },
    { "a missing directory", "/nope/x/y", "error missing", 0 },
    { "below a file", "/f/x", "error notdir", 0 },
    { "the empty path", "", "error empty", 0 },
    { "a relative path", "etc/hostname", "error relative", 0 },
    { "a relative path with a dot", "./etc", "error relative", 0 },

    { "an absolute symlink starts at the runner's root", "/abs", HOSTNAME, 0 },
    { "a relative symlink", "/rel", HOSTNAME, 0 },
    { "a symlink with . and ..", "/dots", HOSTNAME, 0 },
    { "a symlink with too many ..", "/up", HOSTNAME, 0 },
    { "a symlink with /..", "/absup", HOSTNAME, 0 },
    { "a symlink with .. from below", "/d/e/two", HOSTNAME, 0 },
    { "a symlink up to the root", "/d/e/top/etc/hostname", HOSTNAME, 0 },
    { "a symlink to itself", "/loop", "error loop", 0 },
    { "symlinks to each other", "/ping", "error loop", 0 },
    { "below a looping symlink", "/ping/x", "error loop", 0 },
    { "a symlink through itself", "/d/here", "error loop", 0 },
    { "a dangling symlink", "/dang", "error missing", 0 },
    { "a dangling absolute symlink", "/dangabs", "error missing", 0 },
    { "a symlink to a file of the host", "/leak", "error missing", 0 },
    { "a symlink to a directory of the host", "/out/f", "error missing", 0 },
    { "through a symlink to a directory", "/dirlink/hostname", HOSTNAME, 0 },
    { "a symlink with a trailing slash", "/dirslash/hostname", HOSTNAME, 0 },
    { "a symlink to a file with a trailing slash", "/fileslash", "error notdir", 0 },
    { "a symlink to .. of a file", "/filedots", "error notdir", 0 },
    { "a symlink to .", "/dot/dot/dot/f", "file rw proc " PROC("/f"), 0 },
    { "a symlink with //", "/slashes", HOSTNAME, 0 },
    { "a symlink to /", "/slash/slash/etc/hostname", HOSTNAME, 0 },
    { "a symlink to /, alone", "/slash", "directory rw proc " PROC("/"), 0 },
    { "/var/run", "/var/run/docker.sock", "socket rw proc " PROC("/run/docker.sock"), 0 },
    { "40 symlinks", "/k40", HOSTNAME, 0 },
    { "41 symlinks", "/k41", "error loop", 0 },
    { "40 symlinks, spread over a path", "/k20/../k39", HOSTNAME, 0 },
    { "a symlink that fills a page", "/page0/hostname", HOSTNAME, 0 },
    { "a symlink that fills a page, to another", "/page1/hostname", HOSTNAME, 0 },

    { "a name of 255 bytes", "/$N255", "file rw proc " PROC("/$N255"), 0 },
    { "a name of 256 bytes", "/$N256", "error toolong", 0 },
    { "a directory with a name of 256 bytes", "/$N256/x", "error toolong", 0 },
    { "a symlink to a name of 256 bytes", "/long", "error toolong", 0 },

    { "a FIFO", "/pipe", "fifo rw proc " PROC("/pipe"), 0 },
    { "a socket", "/run/docker.sock", "socket rw proc " PROC("/run/docker.sock"), 0 },
    { "a character device", "/null", "char rw proc " PROC("/null"), 0 },
    { "below a FIFO", "/pipe/x", "error notdir", 0 },

    { "a name with a space", "/odd/a b", "file rw proc " PROC("/odd/a b"), 0 },
    { "a name with a newline", "/odd/new%0aline", "file rw proc " PROC("/odd/new%0aline"), 0 },
    { "a name with a colon", "/odd/co:lon", "file rw proc " PROC("/odd/co:lon"), 0 },
    { "a name with a comma", "/odd/com,ma", "file rw proc " PROC("/odd/com,ma"), 0 },
    { "a name with a backslash", "/odd/back\\slash", "file rw proc " PROC("/odd/back\\slash"), 0 },
    { "a name with 0xFF", "/odd/%ff", "file rw proc " PROC("/odd/%ff"), 0 },
    { "a name with a quote", "/odd/qu\"ote", "file rw proc " PROC("/odd/qu\"ote"), 0 },
    { "a name in UTF-8", "/odd/%c3%a9", "file rw proc " PROC("/odd/%c3%a9"), 0 },
    { "a name with a surrogate", "/odd/%ed%a0%80", "file rw proc " PROC("/odd/%ed%a0%80"), 0 },
    { "a name with an overlong NUL", "/odd/%c0%80", "file rw proc " PROC("/odd/%c0%80"), 0 },
    { "a name with a control character", "/odd/%01", "file rw proc " PROC("/odd/%01"), 0 },

    { "magic link: /proc/PID/root", "/proc/$PID/root", "error loop", 0 },
    { "magic link: below /proc/PID/root", "/proc/$PID/root/etc/hostname", "error loop", 0 },
    { "magic link: /proc/PID/cwd", "/proc/$PID/cwd", "error loop", 0 },
    { "magic link: below /proc/PID/cwd", "/proc/$PID/cwd/f", "error loop", 0 },
    { "magic link: /proc/PID/exe", "/proc/$PID/exe", "error loop", 0 },
    { "magic link: /proc/PID/fd/N", "/proc/$PID/fd/77", "error loop", 0 },
    { "magic link: below /proc/PID/fd/N", "/proc/$PID/fd/77/etc", "error loop", 0 },
    { "magic link: /proc/PID/ns/mnt", "/proc/$PID/ns/mnt", "error loop", 0 },
    { "magic link: /proc/self/root", "/proc/self/root", "error loop", 0 },
    { "magic link: below /proc/self/root", "/proc/self/root/etc", "error loop", 0 },
    { "magic link: /proc/self/fd/N", "/proc/self/fd/0", "error loop", 0 },
    { "magic link: through a symlink", "/magic", "error loop", 0 },
    { "magic link: /proc/1/root", "/proc/1/root/etc", "error loop|error denied", 0 },
    { "whoever looks: /proc/self", "/proc/self", "error loop", 0 },
    { "whoever looks: below /proc/self", "/proc/self/status", "error loop", 0 },
    { "whoever looks: a descriptor's number", "/proc/self/fdinfo/0", "error loop", 0 },
    { "whoever looks: not there for us", "/proc/self/fdinfo/987654", "error loop", 0 },
    { "whoever looks: not there at all", "/proc/self/nope", "error loop", 0 },
    { "whoever looks: /proc/thread-self", "/proc/thread-self/comm", "error loop", 0 },
    { "whoever looks: /proc/self/task", "/proc/self/task", "error loop", 0 },
    { "whoever looks: /proc/mounts", "/proc/mounts", "error loop", 0 },
    { "whoever looks: /proc/net", "/proc/net/dev", "error loop", 0 },
    { "whoever looks: /etc/mtab", "/etc/mtab", "error loop", 0 },
    { "whoever looks: /dev/fd", "/dev/fd", "error loop", 0 },
    { "whoever looks: below /dev/fd", "/dev/fd/0", "error loop", 0 },
    { "whoever looks: a symlink to a number", "/info", "error loop", 0 },
    { "whoever looks: and off it again", "/off", "error loop", 0 },
    { "whoever looks: and out of procfs again", "/away", "error loop", 0 },
    { "whoever looks: a procfs elsewhere", "/again/self/status", "error loop", 0 },
    { "whoever looks: a symlink to a procfs elsewhere", "/other", "error loop", 0 },
    { "an ordinary file of procfs", "/proc/$PID/status", "file rw proc " PROC("/proc/$PID/status"), 0 },
    { "a file of procfs's root", "/proc/version", "file rw proc " PROC("/proc/version"), 0 },
    { "a symlink to a file of procfs's root", "/version", "file rw proc " PROC("/proc/version"), 0 },
    { "a symlink to a process's file", "/by/number", "file rw proc " PROC("/again/1/status"), 0 },
    { "a process by its number", "/proc/1/status", "file rw proc " PROC("/proc/1/status"), 0 },
    { "a descriptor of a process by its number", "/proc/$PID/fdinfo/77", "file rw proc " PROC("/proc/$PID/fdinfo/77"),
      0 },
};

static const struct promise in_own_mounts[] = {
    { "a file on a mount of the runner", "/vol/f", "file rw proc " PROC("/vol/f"), 0 },
    { "the root of a mount of the runner", "/vol", "directory rw proc " PROC("/vol"), 0 },
    { "a mount on a mount", "/vol/inner/f", "file rw proc " PROC("/vol/inner/f"), 0 },
    { "a symlink out of a mount", "/vol/up", HOSTNAME, 0 },
    { "a read-only mount", "/rom", "directory ro proc " PROC("/rom"), 0 },
    { "a file on a read-only mount", "/rom/f", "file ro proc " PROC("/rom/f"), 0 },
    { "a socket on a mount of the runner", "/vol/s", "socket rw proc " PROC("/vol/s"), 0 },
};

static void promise_by_pid(void **state)
{
    need_mounts();
    check_promise("-p $PID", *state);
}

static void promise_by_pid_and_start(void **state)
{
    need_mounts();
    check_promise("-p $PID:$START", *state);
}

static void in_block_device(void **state)
{
    static const struct promise p = { "", "/disk", "block rw proc " PROC("/disk"), 0 };
    (void)state;
    need_root();
    grow(house_root, "blk disk 7 99");
    check_promise("-p $PID", &p);
}

/* Paths as long as PATH_MAX allows, the answer being longer than the source. */
static void in_deep(void **state)
{
    char name[202], *source = keep(8192);
    int dir = open(house_root, O_PATH | O_DIRECTORY | O_CLOEXEC), next;
    struct promise p = { .source = source };
    (void)state;
    need_mounts();
    memset(name, 'd', 200);
    name[200] = 0;
    *source = 0;
    for (int i = 0; i < 20; i++) {          /* 20 * 201 = 4020 bytes */
        assert_int_equal(mkdirat(dir, name, 0755), 0);
        next = openat(dir, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
        assert_true(next >= 0);
        close(dir);
        dir = next;
        strcat(strcat(source, "/"), name);
    }
    close(dir);
    p.answer = textf("directory rw proc /proc/$PID/root%s", source);
    check_promise("-p $PID", &p);
    p.answer = "error toolong|error missing";   /* 4021 and 74 fit the kernel's limit, but not the answer */
    name[73] = 0;
    strcat(strcat(source, "/"), name);
    check_promise("-p $PID", &p);
    p.answer = "error toolong";
    p.source = textf("%s%s", source, source);
    check_promise("-p $PID", &p);
}

/* The printed path, really opened, reads what the runner reads. */
static void in_read_back(void **state)
{
    char text[64];
    (void)state;
    need_mounts();
    for (int filter = 0; filter < FILTERS; filter++) {
        struct ran r = run_tool(&(struct set_up){ .filter = filter }, "-p $PID /abs");
        assert_int_equal(r.status, 0);
        r.out[r.outlen - 1] = 0;
        int fd = open(r.out, O_RDONLY | O_CLOEXEC);
        ssize_t n = read(fd, text, sizeof text);
        close(fd);
        assert_int_equal(n, 6);
        assert_memory_equal(text, "runner", 6);
    }
}

static void in_layer_never(void **state)
{
    (void)state;
    need_mounts();
    grow(world.dir, "file l1/only/here x; dir l2/only");
    expect("-p $PID -o lowerdir=@/l2:@/l1 /only/here", 1, "",
        "dindbind: /only/here: $ANY/proc/$PID/root/only/here");
    expect("-p $PID -o lowerdir=@/l2:@/l1 -f json /only/here", 1,
           "{\"source\":\"/only/here\",\"error\":\"missing\",\"message\":\"$ANY\"}\n", "/proc/$PID/root/only/here");
    expect("-p 0 -o lowerdir=@/l2:@/l1$USERXATTR -R /only/here", 0, "@/l1/only/here\n", NULL);
}

static void in_one_bad_refuses_all(void **state)
{
    (void)state;
    need_mounts();
    expect("-p $PID /etc /nope /f", 1, "", "dindbind: /nope: $ANY/proc/$PID/root/nope");
    expect("-p $PID /etc /nope2 /f/x", 1, "", "/nope2: $ANY\ndindbind: /f/x: ");
}

static int no_setup(void **state)
{
    (void)state;
    pooled = 0;
    new_dir();
    return 0;
}

static void run_house(void)
{
    for (size_t i = 0; i < COUNT(in_the_house); i++)
        add_test("proc", in_the_house[i].name, promise_by_pid, in_the_house + i);
    for (size_t i = 0; i < COUNT(in_own_mounts); i++)
        add_test("proc", in_own_mounts[i].name, promise_by_pid_and_start, in_own_mounts + i);
    add_test("proc", "a block device", in_block_device, NULL);
    add_test("proc", "PATH_MAX", in_deep, NULL);
    add_test("proc", "the bytes are read back through the printed path", in_read_back, NULL);
    add_test("proc", "missing in a live runner although a layer has it", in_layer_never, NULL);
    add_test("proc", "one bad source refuses all", in_one_bad_refuses_all, NULL);
    run_group("a live runner", pivoted_house, end_house);
    for (size_t i = 0; i < COUNT(in_the_house); i++)
        add_test("chroot", in_the_house[i].name, promise_by_pid, in_the_house + i);
    add_test("chroot", "PATH_MAX", in_deep, NULL);
    run_group("a runner that is only chrooted", chrooted_house, end_house);
}

/* ==== the bind table ==================================================================================== */

#define ROWS "-b @/work:/work -b @/sub:/work/sub -b @/ro:/ro:ro -b @/docker.sock:/var/run/docker.sock " \
             "-b @/gone:/gone -b @/work/a:/onefile "

static const struct promise by_rows[] = {
    { "a bind row translates", "/work", "directory rw bind @/work", 0 },
    { "a sub-path of a bind row", "/work/a", "file rw bind @/work/a", 0 },
    { "the longest prefix wins", "/work/sub/f", "file rw bind @/sub/f", 0 },
    { "the longest prefix wins, on its own row", "/work/sub", "directory rw bind @/sub", 0 },
    { "what a longer row hides", "/work/sub/shadowed", "error missing", 0 },
    { "a component boundary", "/workx", "error unmatched", 0 },
    { "a component boundary, with a path", "/workx/a", "error unmatched", 0 },
    { "a component boundary within a row", "/work/subx", "error missing", 0 },
    { "a shorter name than a row", "/wor", "error unmatched", 0 },
    { "above all rows", "/", "error unmatched", 0 },
    { "a read-only row", "/ro", "directory ro bind @/ro", 0 },
    { "below a read-only row", "/ro/f", "file ro bind @/ro/f", 0 },
    { "a row that is a socket", "/var/run/docker.sock", "socket rw bind @/docker.sock", 0 },
    { "a row by another name than the runner's", "/run/docker.sock", "error unmatched", 0 },
    { "a row that cannot be seen from here", "/gone", "unknown rw bind @/gone", 0 },
    { "below a row that cannot be seen from here", "/gone/x", "error missing", 0 },
    { "a row that is a file", "/onefile", "file rw bind @/work/a", 0 },
    { "below a row that is a file", "/onefile/x", "error notdir", 0 },
    { "missing below a row", "/work/nope", "error missing", 0 },
    { "cleaned before the match", "/x/..//work/./a/", "file rw bind @/work/a", 0 },
    { "cleaned before the match: ..", "/work/sub/../a", "file rw bind @/work/a", 0 },
    { "cleaned out of a row", "/work/../work/../ro/f", "file ro bind @/ro/f", 0 },
    { "cleaned out of all rows", "/work/../secret", "error unmatched", 0 },
    { "a symlink below", "/work/l", "file rw bind @/work/a", 0 },
    { "a symlink with .. that stays", "/work/d/up", "file rw bind @/work/a", 0 },
    { "a symlink up and down again", "/work/up", "file rw bind @/work/a", 0 },
    { "an absolute symlink leaves", "/work/abs", "error escape", 0 },
    { "an absolute symlink to the row's own host path leaves", "/work/hostabs", "error escape", 0 },
    { "a symlink with .. leaves", "/work/dd", "error escape", 0 },
    { "a symlink with .. leaves and comes back", "/work/d/out", "error escape", 0 },
    { "a looping symlink", "/work/loop", "error loop", 0 },
    { "a dangling symlink", "/work/dang", "error missing", 0 },
    { "a socket below", "/work/s", "socket rw bind @/work/s", 0 },
    { "a FIFO below", "/work/p", "fifo rw bind @/work/p", 0 },
    { "a name with 0xFF below", "/work/%ff/x", "directory rw bind @/work/%ff/x", 0 },
    { "a name of 256 bytes below", "/work/$N256", "error toolong", 0 },
    { "a name of 255 bytes below", "/work/$N255", "error missing", 0 },
    { "the empty path", "", "error empty", 0 },
    { "a relative path", "work/a", "error relative", 0 },
};

static void promise_by_rows(void **state)
{
    check_promise(ROWS, *state);
}

static void promise_by_rows_and_dead_task(void **state)
{
    check_promise(ROWS "-p 0", *state);
}

/* Rows first, then the live task; what a link out of a row means is the task's to say. */
static const struct promise by_rows_and_pid[] = {
    { "a row goes before the live task", "/work/a", "file rw bind @/work/a", 0 },
    { "a missing name below a row does not fall through", "/work/nope", "error missing", 0 },
    { "no row: the live task", "/etc/hostname", HOSTNAME, 0 },
    { "a component boundary: the live task", "/workx", "error missing", 0 },
    { "an absolute symlink out of a row: the live task", "/work/abs", HOSTNAME, 0 },
    { "a symlink with .. out of a row: the live task", "/work/dd", "file rw proc " PROC("/secret"), 0 },
    { "a looping symlink below a row", "/work/loop", "error loop", 0 },
    { "a row is matched by the name that the runner used", "/var/run/docker.sock",
      "socket rw bind @/docker.sock", 0 },
    { "a row that cannot be seen from here", "/gone", "unknown rw bind @/gone", 0 },
};

static void promise_by_rows_and_pid(void **state)
{
    need_mounts();
    check_promise(ROWS "-p $PID", *state);
}

static const struct promise by_root_row[] = {
    { "a row at /", "/work/a", "file rw bind @/work/a", 0 },
    { "a row at /, itself", "/", "directory rw bind @", 0 },
    { "a row at /, .. stays", "/../secret", "file rw bind @/secret", 0 },
    { "a longer row than /", "/ro/f", "file ro bind @/ro/f", 0 },
    { "an absolute symlink below a row at /", "/work/abs", "error escape", 0 },
};

/* The library alone: on the command line a row follows the grammar of -v, where the target is never /. */
static void promise_by_root_row(void **state)
{
    const struct promise *p = *state;
    for (int filter = 0; filter < FILTERS; filter++) {
        char *told = by_library("-b @:/ -b @/ro:/ro:ro", p->source, filter);
        if (!among(p->answer, told))
            flunk("%s on %s\n-- wanted %s\n-- got %s", p->source, filter_names[filter], expand(p->answer),
                told);
    }
}

/* A link of procfs below a row would leave it: never followed. */
static void in_row_magic(void **state)
{
    (void)state;
    struct promise p = { "", "/p/self/root/etc", "error loop|error escape", 0 };
    check_promise("-b /proc:/p", &p);
    p.source = "/p/self/fd/0";
    check_promise("-b /proc:/p", &p);
    p.source = "/p/self/cwd/x";
    check_promise("-b /proc:/p", &p);
}

/* The runner's own view, with the row mounted in it, where a link out of the row is looked up. */
static int house_with_volume(void **state)
{
    (void)state;
    pooled = 0;
    build_house();
    snprintf(house_root, sizeof house_root, "%s/root", world.dir);
    grow(world.dir, "file root/work/a other; link root/work/abs /etc/hostname; link root/work/dd ../secret;"
         "file root/secret runner's; link root/work/loop loop");
    if (world.mounts)
        start_runner_at(house_root, 0, "");
    return 0;
}

static void run_rows(void)
{
    for (size_t i = 0; i < COUNT(by_rows); i++)
        add_test("bind", by_rows[i].name, promise_by_rows, by_rows + i);
    for (size_t i = 0; i < COUNT(by_rows); i++)
        add_test("bind, PID 0", by_rows[i].name, promise_by_rows_and_dead_task, by_rows + i);
    for (size_t i = 0; i < COUNT(by_root_row); i++)
        add_test("bind", by_root_row[i].name, promise_by_root_row, by_root_row + i);
    for (size_t i = 0; i < COUNT(by_rows_and_pid); i++)
        add_test("bind and proc", by_rows_and_pid[i].name, promise_by_rows_and_pid, by_rows_and_pid + i);
    add_test("bind", "magic links", in_row_magic, NULL);
    run_group("the bind table", house_with_volume, end_house);
}

/* ==== the layer walk ====================================================================================
 *
 * Each case has a tree of its own: layers u (upper), 2, 1 (lowest), w (work). The kernel is asked too, where it
 * mounts the same options: what exists there, and of which type. */

#define U21 "lowerdir=@/2:@/1,upperdir=@/u,workdir=@/w$USERXATTR"
#define L21 "lowerdir=@/2:@/1$USERXATTR"
#define REDIRECT "lowerdir=@/2:@/1,redirect_dir=on,metacopy=off"
#define REDIRECT3 "lowerdir=@/2:@/1:@/0,redirect_dir=on,metacopy=off"
#define INDEXED "lowerdir=@/2:@/1,upperdir=@/u,workdir=@/w,index=on$USERXATTR"
#define META "lowerdir=@/2:@/1,redirect_dir=on,metacopy=on"
#define DATA "lowerdir=@/1::@/data,redirect_dir=on,metacopy=on"

static const struct layer_case {
    const char *name, *tree, *options, *source, *answer;
    int only;
} layer_promises[] = {
    { "upperdir match is rw", "file u/f x", U21, "/f", "file rw layers @/u/f", 0 },
    { "lowerdir match is ro", "file 1/f x", U21, "/f", "file ro layers @/1/f", 0 },
    { "upper preferred over lower", "file u/f x; file 2/f y; file 1/f z", U21, "/f", "file rw layers @/u/f",
      0 },
    { "upper layer of two lowers preferred", "file 2/f y; file 1/f z", U21, "/f", "file ro layers @/2/f", 0 },
    { "a directory of the upper alone", "file u/d/f x", U21, "/d", "directory rw layers @/u/d", 0 },
    { "a directory of one lower", "file 1/d/f x", U21, "/d", "directory ro layers @/1/d", 0 },
    { "a directory of upper and lower is merged", "file u/d/f x; file 1/d/g x", U21, "/d",
      "directory ro layers merged @/u/d:@/1/d", 0 },
    { "a directory of three layers is merged", "dir u/d; dir 2/d; dir 1/d", U21, "/d",
      "directory ro layers merged @/u/d:@/2/d:@/1/d", 0 },
    { "externals/node20: an empty directory above the content",
      "dir 2/externals; file 1/externals/node20/bin/node x",
      U21, "/externals", "directory ro layers merged @/2/externals:@/1/externals", 0 },
    { "externals/node20: the content", "dir 2/externals; file 1/externals/node20/bin/node x", U21,
      "/externals/node20/bin/node", "file ro layers @/1/externals/node20/bin/node", 0 },
    { "externals/node20: content above an empty directory",
      "dir 1/externals; file 2/externals/node20/bin/node x", U21,
      "/externals", "directory ro layers merged @/2/externals:@/1/externals", 0 },
    { "the root is merged", "dir u/a; dir 2/b; dir 1/c", U21, "/", "directory ro layers merged @/u:@/2:@/1",
      0 },
    { "missing everywhere", "file 1/f x", U21, "/nope", "error missing", 0 },
    { "below a file", "file 1/f x", U21, "/f/x", "error notdir", 0 },
    { ".. stays inside", "file 1/f x", U21, "/../../f", "file ro layers @/1/f", 0 },
    { "the empty path", "", U21, "", "error empty", 0 },
    { "a relative path", "file 1/f x", U21, "f", "error relative", 0 },

    { "a whiteout in the upper", "wh u/f; file 1/f x", U21, "/f", "error missing", 0 },
    { "a whiteout in a lower", "wh 2/f; file 1/f x", U21, "/f", "error missing", 0 },
    { "a whiteout in the lowest layer", "wh 1/f; dir 2/x", U21, "/f", "error missing", 0 },
    { "a whiteout under a file", "file u/f y; wh 2/f; file 1/f x", U21, "/f", "file rw layers @/u/f", 0 },
    { "a whiteout of a parent", "wh 2/d; file 1/d/f x", U21, "/d/f", "error missing", 0 },
    { "a directory made anew above a whiteout", "file u/d/g y; wh 2/d; file 1/d/f x", U21, "/d",
      "directory rw layers @/u/d", 0 },
    { "a directory made anew above a whiteout: the old content", "file u/d/g y; wh 2/d; file 1/d/f x", U21,
      "/d/f",
      "error missing", 0 },
    { "a character device 0:1 is no whiteout", "chr 2/c 0 1; file 1/c x", U21, "/c", "char ro layers @/2/c",
      ROOT_ONLY },
    { "a block device 0:0 is no whiteout", "blk 2/c 0 0; file 1/c x", U21, "/c", "block ro layers @/2/c",
      ROOT_ONLY },
    { "a whiteout by attribute", "file 2/f; xattr 2/f $OVERLAY.whiteout y; file 1/f x", U21, "/f", "error missing",
      0 },
    { "a whiteout by attribute in the upper", "file u/f; xattr u/f $OVERLAY.whiteout y; file 1/f x", U21, "/f",
      "error missing", 0 },
    { "a whiteout by an empty attribute", "file 2/f; xattr 2/f $OVERLAY.whiteout; file 1/f x", U21, "/f",
      "error missing", 0 },
    { "the whiteout attribute on a file with content", "file 2/f full; xattr 2/f $OVERLAY.whiteout y; file 1/f x", U21,
      "/f",
      "file ro layers @/2/f", 0 },

    { "an opaque directory", "file u/d/f x; xattr u/d $OVERLAY.opaque y; file 1/d/g x", U21, "/d",
      "directory rw layers @/u/d", 0 },
    { "below an opaque directory", "file u/d/f x; xattr u/d $OVERLAY.opaque y; file 1/d/g x", U21, "/d/g",
      "error missing", 0 },
    { "an opaque directory in a lower", "dir u/d; dir 2/d; xattr 2/d $OVERLAY.opaque y; file 1/d/g x", U21, "/d",
      "directory ro layers merged @/u/d:@/2/d", 0 },
    { "opaque=yes is not opaque", "dir 2/d; xattr 2/d $OVERLAY.opaque yes; file 1/d/g x", U21, "/d/g",
      "file ro layers @/1/d/g", 0 },
    { "opaque=Y is not opaque", "dir 2/d; xattr 2/d $OVERLAY.opaque Y; file 1/d/g x", U21, "/d",
      "directory ro layers merged @/2/d:@/1/d", 0 },
    { "opaque on the root of a layer counts for nothing", "dir 2/d; xattr 2 $OVERLAY.opaque y; file 1/f x", U21, "/f",
      "file ro layers @/1/f", 0 },
    { "user.overlay.opaque without userxattr", "dir 2/d; xattr 2/d user.overlay.opaque y; file 1/d/g x", L21,
      "/d/g",
      "file ro layers @/1/d/g", ROOT_ONLY },
    { "user.overlay.opaque with userxattr", "dir 2/d; xattr 2/d user.overlay.opaque y; file 1/d/g x",
      "lowerdir=@/2:@/1,userxattr", "/d/g", "error missing", 0 },
    { "trusted.overlay.opaque with userxattr", "dir 2/d; xattr 2/d trusted.overlay.opaque y; file 1/d/g x",
      "lowerdir=@/2:@/1,userxattr", "/d/g", "file ro layers @/1/d/g", ROOT_ONLY },

    { "a raw whiteout within the only layer of a directory",
      "file u/d/f x; wh u/d/w; xattr u/d $OVERLAY.opaque y; file 1/d/g x",
      U21, "/d", "error inexact", 0 },
    { "a whiteout by attribute within the only layer of a directory",
      "file 1/d/f x; file 1/d/e/w; xattr 1/d/e/w $OVERLAY.whiteout y;"
      "dir 2/x", U21, "/d", "error inexact", 0 },
    { "a whiteout in a merged directory", "wh u/d/f; file 1/d/f x", U21, "/d",
      "directory ro layers merged @/u/d:@/1/d", 0 },

    { "a file hides a directory", "file 2/x f; file 1/x/f x", U21, "/x", "file ro layers @/2/x", 0 },
    { "a file hides a directory: below", "file 2/x f; file 1/x/f x", U21, "/x/f", "error notdir", 0 },
    { "a directory hides a file", "dir 2/x; file 1/x f", U21, "/x", "directory ro layers @/2/x", 0 },
    { "a file between two directories", "file u/x/a 1; file 2/x f; file 1/x/b 2", U21, "/x",
      "directory rw layers @/u/x", 0 },
    { "a file between two directories: below", "file u/x/a 1; file 2/x f; file 1/x/b 2", U21, "/x/b",
      "error missing", 0 },
    { "a file where a directory was, one level down", "dir 2/a; file 2/a/b f; file 1/a/b/c x", U21, "/a/b/c",
      "error notdir", 0 },

    { "an absolute symlink starts at the overlay's root", "link 2/l /e/f; file 1/e/f x", U21, "/l",
      "file ro layers @/1/e/f", 0 },
    { "a relative symlink into another layer", "link u/d/l ../e/f; file 1/e/f x", U21, "/d/l",
      "file ro layers @/1/e/f", 0 },
    { "a symlink in the lowest layer to the upper", "link 1/l e/f; file u/e/f x", U21, "/l",
      "file rw layers @/u/e/f", 0 },
    { "a symlink with too many ..", "link 1/d/l ../../../../e/f; file 2/e/f x", U21, "/d/l",
      "file ro layers @/2/e/f", 0 },
    { "a symlink hides a directory", "link u/d e; file 1/d/f x; file 2/e/g x", U21, "/d/g",
      "file ro layers @/2/e/g", 0 },
    { "a symlink hides a directory: the old content", "link u/d e; file 1/d/f x; file 2/e/g x", U21, "/d/f",
      "error missing", 0 },
    { "through a symlink to a merged directory", "link u/l d; file 2/d/f x; file 1/d/g x", U21, "/l",
      "directory ro layers merged @/2/d:@/1/d", 0 },
    { "a looping symlink", "link u/l m; link 1/m l", U21, "/l", "error loop", 0 },
    { "a dangling symlink", "link u/l nowhere", U21, "/l", "error missing", 0 },
    { "a symlink to a file of the host", "link u/l @/1/f; file 1/f x", U21, "/l", "error missing", 0 },
    { "a symlink to a whiteout", "link 1/l f; wh u/f; file 1/f x", U21, "/l", "error missing", 0 },
    { "a symlink to a file with a slash", "link 1/l f/; file 1/f x", U21, "/l", "error notdir", 0 },
    { ".. of a symlinked directory pops the overlay's stack",
      "link u/l a/b; dir 1/a/b; link 2/a/b/up ../f; file 1/a/f x", U21,
      "/l/up", "file ro layers @/1/a/f", 0 },
    { "a name of 255 bytes", "file 1/$N255 x", U21, "/$N255", "file ro layers @/1/$N255", 0 },
    { "a name of 256 bytes", "file 1/f x", U21, "/$N256", "error toolong", 0 },

    { "a FIFO", "fifo 1/p", U21, "/p", "fifo ro layers @/1/p", 0 },
    { "a socket", "sock u/s", U21, "/s", "socket rw layers @/u/s", 0 },
    { "a character device", "chr 1/null 1 3", U21, "/null", "char ro layers @/1/null", ROOT_ONLY },
    { "a block device", "blk u/disk 7 99", U21, "/disk", "block rw layers @/u/disk", ROOT_ONLY },
    { "a name with 0xFF and a newline", "file 1/%ff%0a x", U21, "/%ff%0a", "file ro layers @/1/%ff%0a", 0 },

    { "a relative redirect", "file 2/new/a x; xattr 2/new $OVERLAY.redirect old; file 1/old/b x", REDIRECT, "/new",
      "directory ro layers merged @/2/new:@/1/old", ROOT_ONLY },
    { "a relative redirect: below", "file 2/new/a x; xattr 2/new $OVERLAY.redirect old; file 1/old/b x", REDIRECT,
      "/new/b",
      "file ro layers @/1/old/b", ROOT_ONLY },
    { "an absolute redirect", "file 2/a/new/a x; xattr 2/a/new $OVERLAY.redirect /x/old; file 1/x/old/b x", REDIRECT,
      "/a/new",
      "directory ro layers merged @/2/a/new:@/1/x/old", ROOT_ONLY },
    { "an absolute redirect: below", "file 2/a/new/a x; xattr 2/a/new $OVERLAY.redirect /x/old; file 1/x/old/b x",
      REDIRECT,
      "/a/new/b", "file ro layers @/1/x/old/b", ROOT_ONLY },
    { "an absolute redirect inside a directory",
      "dir 2/a/new; xattr 2/a/new $OVERLAY.redirect /x/old; file 1/x/old/b x", REDIRECT,
      "/a", "error inexact", ROOT_ONLY },
    { "an absolute redirect inside a merged directory",
      "dir 2/a/new; xattr 2/a/new $OVERLAY.redirect /x/old; file 1/x/old/b x;"
      "dir 1/a", REDIRECT, "/a", "error inexact", ROOT_ONLY },
    { "the root is all layers, whatever is in them", "dir 2/a/new; xattr 2/a/new $OVERLAY.redirect /x/old; file 1/x/old/b x",
      REDIRECT, "/", "directory ro layers merged @/2:@/1", ROOT_ONLY },
    { "the root, and a layer that is gone", "file 2/f x", "lowerdir=@/2:@/gone,index=off", "/", "error layers", 0 },
    { "the root, and a layer that is a file", "file 2/f x; file 3 x", "lowerdir=@/3:@/2,index=off", "/", "error layers", 0 },
    { "an absolute redirect that a whiteout hides", "file 2/d/f x; dir 1/d/a; xattr 1/d/a $OVERLAY.redirect /x; wh 2/d/a; dir 0/x",
      REDIRECT3, "/d", "directory ro layers merged @/2/d:@/1/d", ROOT_ONLY },
    { "an absolute redirect in what an opaque directory hides",
      "file 2/d/a/f x; xattr 2/d/a $OVERLAY.opaque y; dir 1/d/a/b; xattr 1/d/a/b $OVERLAY.redirect /x; dir 0/x", REDIRECT3, "/d",
      "directory ro layers merged @/2/d:@/1/d", ROOT_ONLY },
    { "an absolute redirect that a file hides", "file 2/d/a x; dir 1/d/a/b; xattr 1/d/a/b $OVERLAY.redirect /x; dir 0/x",
      REDIRECT3, "/d", "directory ro layers merged @/2/d:@/1/d", ROOT_ONLY },
    { "an absolute redirect that is hidden, and has another name",
      "dir 2/d/n; xattr 2/d/n $OVERLAY.redirect a; wh 2/d/a; dir 1/d/a/b; xattr 1/d/a/b $OVERLAY.redirect /x; dir 0/x", REDIRECT3, "/d",
      "error inexact", ROOT_ONLY },
    { "an absolute redirect that nothing hides", "file 2/d/a/f x; dir 1/d/a/b; xattr 1/d/a/b $OVERLAY.redirect /x; dir 0/x",
      REDIRECT3, "/d", "error inexact", ROOT_ONLY },
    { "an absolute redirect below opaque=x, which hides nothing",
      "file 2/d/a/f x; xattr 2/d/a $OVERLAY.opaque x; dir 1/d/a/b; xattr 1/d/a/b $OVERLAY.redirect /x; dir 0/x", REDIRECT3,
      "/d", "error inexact", ROOT_ONLY },
    { "a hard link in a merged directory, with an index", "file 1/d/a x; hard 1/d/b 1/d/a; file 2/d/c x", INDEXED, "/d",
      "error inexact", 0 },
    { "a hard link in the root, with an index", "file 1/d/a x; hard 1/d/b 1/d/a; dir 2/e", INDEXED, "/", "error inexact", 0 },
    { "a hard link in a directory, with an index", "file 1/d/a x; hard 1/d/b 1/d/a; dir 2/e", INDEXED, "/d",
      "error inexact", 0 },
    { "no hard link, with an index", "file 1/d/a x; file 2/d/c x", INDEXED, "/d",
      "directory ro layers merged @/2/d:@/1/d", 0 },
    { "data of a metacopy file, through ..", "file 2/f; xattr 2/f $OVERLAY.metacopy; xattr 2/f $OVERLAY.redirect /a/../g; dir 1/y;"
      "dir 0/a; file 0/g data", "lowerdir=@/2:@/1::@/0,redirect_dir=on,metacopy=on", "/f",
      "file ro layers metacopy @/2/f:@/0/g", ROOT_ONLY },
    { "data of a metacopy file, beyond the layer", "file 2/f; xattr 2/f $OVERLAY.metacopy; xattr 2/f $OVERLAY.redirect /a/../../g; dir 1/y;"
      "dir 0/a; file 0/g data", "lowerdir=@/2:@/1::@/0,redirect_dir=on,metacopy=on", "/f", "error broken", ROOT_ONLY },
    { "a redirect to what is not there", "file 2/new/a x; xattr 2/new $OVERLAY.redirect old; dir 1/y", REDIRECT,
      "/new/b",
      "error missing", ROOT_ONLY },
    { "a redirect where redirects are not followed", "dir 2/new; xattr 2/new $OVERLAY.redirect old; file 1/old/b x",
      "lowerdir=@/2:@/1,redirect_dir=nofollow,metacopy=off", "/new", "error broken", ROOT_ONLY },
    { "a redirect with userxattr", "dir 2/new; xattr 2/new user.overlay.redirect old; file 1/old/b x",
      "lowerdir=@/2:@/1,userxattr", "/new/b", "error broken", 0 },
    { "an empty redirect", "dir 2/new; xattr 2/new $OVERLAY.redirect; file 1/new/b x", REDIRECT, "/new",
      "error broken", ROOT_ONLY },
    { "a redirect through ..", "dir 2/new; xattr 2/new $OVERLAY.redirect /x/../y; file 1/y/b x; dir 1/x", REDIRECT,
      "/new",
      "error broken", ROOT_ONLY },
    { "a redirect on an opaque directory",
      "dir 2/new; xattr 2/new $OVERLAY.opaque y; xattr 2/new $OVERLAY.redirect old; file 1/old/b x",
      REDIRECT, "/new/b", "error missing", ROOT_ONLY },

    { "a metacopy file", "file 2/f; xattr 2/f $OVERLAY.metacopy; file 1/f data", META, "/f",
      "file ro layers metacopy @/2/f:@/1/f", ROOT_ONLY },
    { "a metacopy file with a redirect",
      "file 2/f; xattr 2/f $OVERLAY.metacopy; xattr 2/f $OVERLAY.redirect /x/g; file 1/x/g data",
      META, "/f", "file ro layers metacopy @/2/f:@/1/x/g", ROOT_ONLY },
    { "a metacopy file where metacopy is off", "file 2/f; xattr 2/f $OVERLAY.metacopy; file 1/f data", REDIRECT, "/f",
      "error broken", ROOT_ONLY },
    { "a metacopy file without data", "file 2/f; xattr 2/f $OVERLAY.metacopy; dir 1/x", META, "/f", "error broken",
      ROOT_ONLY },
    { "a metacopy file above a directory", "file 2/f; xattr 2/f $OVERLAY.metacopy; dir 1/f", META, "/f",
      "error broken", ROOT_ONLY },
    { "a metacopy file within a directory of one layer",
      "file 2/d/f; xattr 2/d/f $OVERLAY.metacopy; xattr 2/d/f $OVERLAY.redirect /g;"
      "file 1/g data", META, "/d", "error inexact", ROOT_ONLY },
    { "a metacopy file within a merged directory", "file 2/d/f; xattr 2/d/f $OVERLAY.metacopy; file 1/d/f data", META,
      "/d",
      "directory ro layers merged @/2/d:@/1/d", ROOT_ONLY },
    { "a data-only layer", "file 1/f; xattr 1/f $OVERLAY.metacopy; xattr 1/f $OVERLAY.redirect /blob/f;"
      " file data/blob/f x",
      DATA, "/f",
      "file ro layers metacopy @/1/f:@/data/blob/f", ROOT_ONLY },
    { "a data-only layer without the data",
      "file 1/f; xattr 1/f $OVERLAY.metacopy; xattr 1/f $OVERLAY.redirect /blob/f; file data/blob/g x",
      DATA, "/f", "error broken", ROOT_ONLY },
    { "an attribute that is longer than any path", "file 1/d/f x; dir 2/d; xattr 2/d $OVERLAY.redirect "
      "/$N255/$N255/$N255/$N255/$N255/$N255/$N255/$N255/$N255/$N255/$N255/$N255/$N255/$N255/$N255/$N255/$N255",
      "lowerdir=@/2:@/1,redirect_dir=on", "/d", "error broken", ROOT_ONLY },
    { "a data-only layer with a file in the way", "file 1/f; xattr 1/f $OVERLAY.metacopy; xattr 1/f $OVERLAY.redirect /blob/f; file data/blob x",
      DATA, "/f", "error broken", ROOT_ONLY },
    { "a data-only layer with a symlink in the way", "file 1/f; xattr 1/f $OVERLAY.metacopy; xattr 1/f $OVERLAY.redirect /blob/f; link data/blob other; file data/other/f x",
      DATA, "/f", "error broken", ROOT_ONLY },
    { "a data-only layer with a symlink for the data", "file 1/f; xattr 1/f $OVERLAY.metacopy; xattr 1/f $OVERLAY.redirect /blob/f; link data/blob/f g; file data/blob/g x",
      DATA, "/f", "error broken", ROOT_ONLY },
    { "a data-only layer with a directory for the data", "file 1/f; xattr 1/f $OVERLAY.metacopy; xattr 1/f $OVERLAY.redirect /blob/f; dir data/blob/f",
      DATA, "/f", "error broken", ROOT_ONLY },
    { "a data-only layer is not looked up", "dir 1/x; file data/blob/f x", DATA, "/blob/f", "error missing",
      ROOT_ONLY },
    { "a data-only layer does not merge", "file 1/d/f x; file data/d/g x", DATA, "/d",
      "directory ro layers @/1/d", ROOT_ONLY },
    { "datadir+", "file 1/f; xattr 1/f $OVERLAY.metacopy; xattr 1/f $OVERLAY.redirect /blob/f; file data/blob/f x",
      "lowerdir+=@/1,datadir+=@/data,redirect_dir=on,metacopy=on", "/f",
      "file ro layers metacopy @/1/f:@/data/blob/f", ROOT_ONLY },
    { "the wrong order: a lower after a data-only layer", "dir 1/x", "lowerdir=@/1::@/data:@/2", "/x",
      "error layers", 0 },

    { "lowerdir+", "file 1/f x", "lowerdir+=@/2,lowerdir+=@/1$USERXATTR", "/f", "file ro layers @/1/f", 0 },
    { "lowerdir+ with a raw colon", "file a:b/f x; dir 1/x", "lowerdir+=@/a:b,lowerdir+=@/1$USERXATTR", "/f",
      "file ro layers @/a:b/f", 0 },
    { "an escaped colon", "file a:b/f x; dir 1/x", "lowerdir=@/a\\:b:@/1$USERXATTR", "/f", "file ro layers @/a:b/f",
      0 },
    { "an escaped colon as mountinfo shows it", "file a:b/f x; dir 1/x", "lowerdir=@/a\\134:b:@/1$USERXATTR", "/f",
      "file ro layers @/a:b/f", 0 },
    { "a space as mountinfo shows it", "file a%20b/f x; dir 1/x", "lowerdir=@/a\\040b:@/1$USERXATTR", "/f",
      "file ro layers @/a b/f", 0 },
    { "a comma as mountinfo shows it", "file a,b/f x; dir 1/x", "lowerdir=@/a\\134\\054b:@/1$USERXATTR", "/f",
      "file ro layers @/a,b/f", 0 },
    { "a comma as mount(2) wants it", "file a,b/f x; dir 1/x", "lowerdir=@/a\\,b:@/1$USERXATTR", "/f",
      "file ro layers @/a,b/f", 0 },
    { "a colon in the upper", "file u:u/f x; dir 1/x", "lowerdir=@/2:@/1,upperdir=@/u:u,workdir=@/w$USERXATTR",
      "/f",
      "file rw layers @/u:u/f", 0 },
    { "an upper with two readings, one of them there", "file ax/f x",
      "lowerdir=@/2:@/1,upperdir=@/a\\134x,workdir=@/w$USERXATTR", "/f",
      "file rw layers @/ax/f", 0 },
    { "an upper with two readings, both there", "file ax/f x; file a\\x/f y",
      "lowerdir=@/2:@/1,upperdir=@/a\\134x,workdir=@/w$USERXATTR",
      "/f", "error layers", 0 },
    { "options that change no path", "file 1/f x",
      "rw,relatime,lowerdir=@/2:@/1,upperdir=@/u,workdir=@/w,xino=off,uuid=null$USERXATTR", "/f",
      "file ro layers @/1/f", 0 },
    { "words that other kernels show", "file 1/f x",
      "rw,mand,lowerdir=@/2:@/1,upperdir=@/u,workdir=@/w,nouserxattr$USERXATTR", "/f", "file ro layers @/1/f", 0 },
    { "nouserxattr alone", "file 1/f x", "lowerdir=@/2:@/1,nouserxattr", "/f", "file ro layers @/1/f", ROOT_ONLY },
    { "userxattr, then nouserxattr", "dir 2/d; xattr 2/d trusted.overlay.opaque y; file 1/d/g x",
      "lowerdir=@/2:@/1,userxattr,nouserxattr", "/d/g", "error missing", ROOT_ONLY },
    { "nouserxattr, then userxattr", "dir 2/d; xattr 2/d user.overlay.opaque y; file 1/d/g x",
      "lowerdir=@/2:@/1,nouserxattr,userxattr", "/d/g", "error missing", 0 },
    { "nouserxattr has no value", "file 1/f x", "lowerdir=@/2:@/1,nouserxattr=on$USERXATTR", "/f", "error layers", 0 },
    { "a word that changes look-ups", "file 1/f x", "lowerdir=@/2:@/1,casefold$USERXATTR", "/f", "error layers", 0 },
    { "a later lowerdir= replaces", "file 1/f x; file 2/f x; file 3/f y; dir 4",
      "lowerdir=@/2:@/1,lowerdir=@/4:@/3$USERXATTR", "/f",
      "file ro layers @/3/f", 0 },
    { "relative lowerdirs as containerd gives them",
      "file s/71/fs/f x; dir s/72/fs; dir s/73/fs; dir s/73/work",
      "lowerdir=72/fs:71/fs,upperdir=@/s/73/fs,workdir=@/s/73/work$USERXATTR", "/f", "file ro layers @/s/71/fs/f", 0 },
    { "relative layers with nothing to start from", "file 1/f x",
      "lowerdir=l/A:l/B,upperdir=x/diff,workdir=x/work$USERXATTR", "/f",
      "error layers", 0 },
    { "relative lowerdirs of a dead process", "file 1/f x", "lowerdir=5:6:7$USERXATTR", "/f", "error layers", 0 },
    { "a layer that is /", "file 1/f x", "lowerdir=/:@/1$USERXATTR", "/f", "error layers", 0 },
    { "a layer that is /, by lowerdir+", "file 1/f x", "lowerdir+=@/1,lowerdir+=/$USERXATTR", "/f", "error layers",
      0 },
    { "a layer that is not there", "file 1/f x", "lowerdir=@/9:@/1$USERXATTR", "/f", "error layers|error missing",
      0 },
    { "an empty layer name in front", "file 1/f x", "lowerdir=:@/1$USERXATTR", "/f", "error layers", 0 },
    { "an empty layer name at the end", "file 1/f x", "lowerdir=@/1:$USERXATTR", "/f", "error layers", 0 },
    { "three colons", "file 1/f x", "lowerdir=@/2:::@/1$USERXATTR", "/f", "error layers", 0 },
    { "no layers at all", "", "xino=off", "/f", "error layers", 0 },
    { "nfs_export", "file 1/f x", "lowerdir=@/2:@/1,upperdir=@/u,workdir=@/w,index=on,nfs_export=on", "/f",
      "error layers|error inexact", ROOT_ONLY },
    { "index=on and a hard link in a lower", "file 1/f x; hard 1/g 1/f",
      "lowerdir=@/2:@/1,upperdir=@/u,workdir=@/w,index=on", "/f",
      "error inexact", ROOT_ONLY },
    { "index=on and no hard link", "file 1/f x", "lowerdir=@/2:@/1,upperdir=@/u,workdir=@/w,index=on", "/f",
      "file ro layers @/1/f", ROOT_ONLY },
};

/* A sixth argument that no call has: tests/old_kernel.c lets it pass. */
static const long OWN_CALL = 0x0dac1e;

/* What the kernel says of a source in a read-only overlay with these options; false where it mounts none. */
static bool ask_kernel(const char *given, const char *source, int *error, unsigned *mode)
{
    struct stat st = { 0 };
    const char *at = textf("%s/mounted", world.dir);
    if (!world.mounts || *source != '/' || strstr(source, "..") || mount("overlay", at, "overlay", MS_RDONLY,
        given))
        return false;
    int root = open(at, O_PATH | O_DIRECTORY | O_CLOEXEC);
    struct { uint64_t flags, mode, resolve; } how = { O_PATH | O_CLOEXEC, 0, IN_ROOT };
    int fd, tries = 0;
    do                          /* renames elsewhere on the machine are enough for EAGAIN where there is a `..` */
        fd = (int)syscall(SYS_openat2, root, source, &how, sizeof how, 0L, OWN_CALL);
    while (fd < 0 && (errno == EAGAIN || (errno == ELOOP && tries++ < 3)));
    *error = fd < 0 ? errno : 0;
    if (fd >= 0 && fstat(fd, &st))
        *error = errno;
    *mode = st.st_mode;
    close(fd);
    close(root);
    umount2(at, MNT_DETACH);
    return fd >= 0 || *error != ENOSYS;
}

static void check_kernel(const struct layer_case *c, const char *told)
{
    int error;
    unsigned mode;
    char *source = expand(c->source);
    if (!ask_kernel(expand(c->options), source, &error, &mode))
        return;
    const char *want = error == ENOENT       ? "error missing"
                       : error == ENOTDIR    ? "error notdir"
                       : error == ELOOP      ? "error loop"
                       : error == ENAMETOOLONG ? "error toolong"
                       : error               ? "error broken"
                                             : type_word(mode);
    if (!strcmp(told, "error layers") || !strcmp(told, "error inexact") || !strncmp(told, want, strlen(want)))
        return;
    /* A metacopy file without data is there until it is opened; before 6.16 a redirect that is not followed too. */
    if (!strcmp(told, "error broken"))
        return;
    flunk("%s: the kernel says %s (%s), dindbind says %s", source, want, strerror(error), told);
}

static void promise_by_layers(void **state)
{
    const struct layer_case *c = *state;
    struct promise p = { c->name, c->source, c->answer, c->only };
    if (c->only == ROOT_ONLY)
        need_root();
    new_dir();
    grow(world.dir, "dir u; dir 2; dir 1; dir w; dir data; dir mounted");
    grow(world.dir, c->tree);
    check_promise(textf("-o %s", c->options), &p);
    check_promise(textf("-p 0 -o %s", c->options), &p);
    check_kernel(c, by_library(textf("-o %s", c->options), expand(c->source), PLAIN));
}

/* Each rule before the next: a row hides the layers; what no row covers is theirs. */
static void layers_after_rows(void **state)
{
    static const struct promise promises[] = {
        { "", "/w/f", "file rw bind @/host/f", 0 },
        { "", "/w/nope", "error missing", 0 },
        { "", "/w/abs", "file ro layers @/1/etc/f|error escape", 0 },
        { "", "/wx", "file ro layers @/1/wx", 0 },
        { "", "/etc/f", "file ro layers @/1/etc/f", 0 },
    };
    (void)state;
    new_dir();
    grow(world.dir, "dir 2; file 1/etc/f x; file 1/wx x; dir 1/w; file host/f x; link host/abs /etc/f;"
        " link 1/w/abs /etc/f");
    for (size_t i = 0; i < COUNT(promises); i++)
        check_promise("-b @/host:/w -o " L21, promises + i);
}

/* "lowerdir=" with `n` layers, the file in the lowest. */
static char *many_layers(int n, const char *spelling)
{
    char *given = keep((size_t)n * 80 + 80), *p = given;
    for (int i = n; i > 0; i--) {
        grow(world.dir, textf("dir %d/d", i));
        p += sprintf(p, spelling, i == n ? "lowerdir=" : ":", world.dir, i);
    }
    strcpy(p, world.root ? "" : ",userxattr");
    grow(world.dir, "file 1/d/f x; file 1/only/f x");
    return given;
}

static void layers_500(void **state)
{
    struct ran r;
    struct promise p = { "", "/d/f", "file ro layers @/1/d/f", 0 };
    (void)state;
    new_dir();
    char *given = many_layers(500, "%s%s/%d");
    check_promise(textf("-o %s", given), &p);
    p.source = "/only";
    p.answer = "directory ro layers @/1/only";
    check_promise(textf("-o %s", given), &p);
    r = run_plain(textf("-o %s -f json /d", given));
    assert_int_equal(r.status, 0);
    char *told = told_by_record(r.out);
    int colons = 0;
    for (char *s = told; *s; s++)
        colons += *s == ':';
    assert_int_equal(colons, 499);
    assert_non_null(strstr(told, expand("merged @/500/d:@/499/d:")));
    expect(textf("-o %s -f oci -v /d:/t", given), 1, "", "too many layers for one page of mount options");
}

/* A layer that is gone is never taken for one that has not the path: wherever it lies in the stack, whatever it is
 * called and whatever is in its place. All before the last are looked at, none but that is opened. */
static void layers_gone(void **state)
{
    static const struct { const char *layer, *moved; } names[] = {
        { "plain/%d", "plain/%d" }, { "two/%d/fs", "two/%d/fs" }, { "link/%d", "real/%d" }, { "link/%d", "link/%d" },
    };
    static const int gone[] = { 70, 69, 39, 38, 7, 6, 2 };      /* both ends of each walk through many of them */
    struct promise found = { "", "/f", NULL, 0 }, missing = { "", "/none", "error missing", 0 };
    struct promise refused[] = { { "", "/f", "error layers", 0 }, { "", "/none/f", "error layers", 0 } };
    (void)state;
    for (size_t i = 0; i < COUNT(names); i++) {
        char *given = keep(9000), *p = stpcpy(given, "-o lowerdir=");
        new_dir();
        for (int n = 70; n > 0; n--) {
            grow(world.dir, textf("dir plain/%d; dir two/%d/fs; dir real/%d; link link/%d ../real/%d", n, n, n, n, n));
            p = stpcpy(p, n < 70 ? ":@/" : "@/");
            p += sprintf(p, names[i].layer, n);
        }
        strcpy(p, world.root ? "" : ",userxattr");
        grow(world.dir, "file plain/1/f x; file two/1/fs/f x; file real/1/f x");
        found.answer = textf(textf("file ro layers @/%s/f", names[i].layer), 1);
        check_promise(given, &found);
        check_promise(given, &missing);
        for (size_t k = 0; k < COUNT(gone) * 2; k++) {
            char *place = textf(textf("%s/%s", world.dir, names[i].moved), gone[k / 2]);
            char *aside = textf("%s.aside", place);
            assert_false(rename(place, aside));
            if (k % 2)
                grow(world.dir, textf("file %s x", place + strlen(world.dir) + 1));
            check_promise(given, &refused[0]);
            check_promise(given, &refused[1]);
            assert_false(k % 2 && unlink(place));
            assert_false(rename(aside, place));
        }
        check_promise(given, &found);
    }
}

/* More names of attributes than a page holds, and what matters is among them. */
static void layers_many_attributes(void **state)
{
    struct promise p = { "", "/d", "directory ro layers @/2/d", 0 };
    (void)state;
    new_dir();
    grow(world.dir, "file 2/d/f x; file 1/d/g x");
    const char *at = textf("%s/2/d", world.dir), *space = world.root ? "trusted" : "user";
    for (int i = 0; i < 40; i++)
        if (lsetxattr(at, textf("%s.%0200d", space, i), "", 0, 0))
            skip_because("forty attributes cannot be set here", false);
    assert_false(lsetxattr(at, textf("%s.overlay.opaque", space), "y", 1, 0));
    check_promise("-o lowerdir=@/2:@/1$USERXATTR", &p);
}

/* More directories below one than the names of which fit into a page; in the last one listed is a whiteout. */
static void layers_wide_directory(void **state)
{
    struct promise p = { "", "/d", "directory ro layers @/1/d", 0 };
    (void)state;
    new_dir();
    grow(world.dir, "dir 2");
    for (int i = 0; i < 300; i++)
        grow(world.dir, textf("dir 1/d/a_name_of_its_own_%d/e", i));
    check_promise("-o lowerdir=@/2:@/1$USERXATTR", &p);
    p.answer = "error inexact";
    for (int i = 0; i < 300; i += 299) {
        const char *place = textf("%s/1/d/a_name_of_its_own_%d/e/w", world.dir, i);
        grow(world.dir, textf("wh %s", place + strlen(world.dir) + 1));
        check_promise("-o lowerdir=@/2:@/1$USERXATTR", &p);
        assert_false(unlink(place));
    }
}

/* No mount shows a file of which one layer has the attributes and another one the data. */
static void layers_metacopy_oci(void **state)
{
    (void)state;
    need_root();
    new_dir();
    grow(world.dir, "file 2/f; xattr 2/f $OVERLAY.metacopy; file 1/f data");
    struct ran r = run_plain("-o " META " -f oci -v /f:/t");
    expect_ran("-f oci of a metacopy file", r, 1, "", "no mount shows that");
}

static void layers_40_symlinks(void **state)
{
    struct promise p = { "", "/k40", "file ro layers @/1/f", 0 };
    (void)state;
    new_dir();
    grow(world.dir, "file 1/f x; dir 2");
    for (int i = 1; i <= 41; i++)
        grow(world.dir, i > 1 ? textf("link %d/k%d k%d", i % 2 + 1, i, i - 1) : "link 1/k1 /f");
    check_promise("-o " L21, &p);
    p.source = "/k41";
    p.answer = "error loop";
    check_promise("-o " L21, &p);
}

static void layers_501(void **state)
{
    struct promise p = { "", "/d/f", "error layers", 0 };
    (void)state;
    new_dir();
    check_promise(textf("-o %s", many_layers(501, "%s%s/%d")), &p);
}

static void layers_many_lowerdir_plus(void **state)
{
    struct promise p = { "", "/d/f", "file ro layers @/1/d/f", 0 };
    (void)state;
    new_dir();
    char *given = many_layers(300, "%.0s,lowerdir+=%s/%d") + 1;
    check_promise(textf("-o %s", given), &p);
}

/* A caller for whom trusted.* reads as absent must not guess. */
static void become_nobody(void)
{
    if (setgid(65534) || setuid(65534))
        _exit(97);
}

static void layers_without_rights(void **state)
{
    struct set_up nobody = { .before = world.root ? become_nobody : NULL };
    struct ran r;
    (void)state;
    new_dir();
    grow(world.dir, "dir 2/d; file 1/d/f x; dir u");
    for (int filter = 0; filter < FILTERS; filter++) {
        nobody.filter = filter;
        r = run_tool(&nobody, "-o lowerdir=@/2:@/1 -R /d");
        expect_ran("/d", r, 3, "", "dindbind: /d: ");
        r = run_tool(&nobody, "-o lowerdir=@/2:@/1 -f json /d /d/f");
        expect_ran("-f json /d /d/f", r, 3, "{\"source\":\"/d\",\"error\":\"xattr\",$ANY}\n"
                   "{\"source\":\"/d/f\",\"error\":\"xattr\",$ANY}\n", "dindbind: /d/f: ");
        r = run_tool(&nobody, "-o lowerdir=@/2:@/1,userxattr -R /d/f");
        expect_ran("userxattr /d/f", r, 0, "@/1/d/f\n", NULL);
    }
}

/* A live runner on a real overlay: the merged view, read back. */
static void live_overlay(void **state)
{
    char text[16] = "";
    (void)state;
    need_mounts();
    new_dir();
    grow(world.dir, "dir 2/externals; file 1/externals/node20/bin/node elf; dir u; dir w; dir m");
    const char *at = textf("%s/m", world.dir);
    if (mount("overlay", at, "overlay", 0, expand(U21)))
        skip_because("no overlay can be mounted here", false);
    start_runner_at(at, 0, "");
    struct promise p = { "", "/externals", "directory rw proc " PROC("/externals"), 0 };
    check_promise("-p $PID -o " U21, &p);
    struct ran r = run_plain("-p $PID /externals");
    assert_int_equal(r.status, 0);
    r.out[r.outlen - 1] = 0;
    int fd = open(textf("%s/node20/bin/node", r.out), O_RDONLY | O_CLOEXEC);
    assert_int_equal(read(fd, text, sizeof text), 3);
    close(fd);
    assert_string_equal(text, "elf");
    stop_runner();
    umount2(at, MNT_DETACH);
}

/* The kernel says " (deleted)" after the name of such a mount's root, which is no part of it. */
static void live_orphan(void **state)
{
    static const struct promise promises[] = {
        { "", "/l", "directory rw proc " PROC("/b"), 0 },
        { "", "/ll", "directory rw proc " PROC("/b (deleted)"), 0 },
        { "", "/lf", "error missing", 0 },
    };
    (void)state;
    need_mounts();
    new_dir();
    grow(world.dir, "dir m; link m/l b; dir m/x; link m/ll b%20(deleted); dir m/b%20(deleted); link m/lf b/f");
    start_runner_at(textf("%s/m", world.dir), 0, "orphan b");
    for (size_t i = 0; i < COUNT(promises); i++)
        check_promise("-p $PID", promises + i);
    stop_runner();
}

static void run_layers(void)
{
    for (size_t i = 0; i < COUNT(layer_promises); i++)
        add_test("layers", layer_promises[i].name, promise_by_layers, layer_promises + i);
    add_test("layers", "rows first", layers_after_rows, NULL);
    add_test("layers", "500 layers", layers_500, NULL);
    add_test("layers", "a layer that is gone, among many", layers_gone, NULL);
    add_test("layers", "more names of attributes than a page holds", layers_many_attributes, NULL);
    add_test("layers", "more directories than a page has names of", layers_wide_directory, NULL);
    add_test("layers", "a metacopy file in a spec", layers_metacopy_oci, NULL);
    add_test("layers", "40 and 41 symlinks", layers_40_symlinks, NULL);
    add_test("layers", "501 layers", layers_501, NULL);
    add_test("layers", "300 times lowerdir+", layers_many_lowerdir_plus, NULL);
    add_test("layers", "trusted.* cannot be read", layers_without_rights, NULL);
    add_test("layers", "a live runner on an overlay is answered by procfs", live_overlay, NULL);
    add_test("layers", "a live runner with a mount that has lost its directory", live_orphan, NULL);
    run_group("the layer walk", no_setup, end_house);
}

/* ==== the command line ==================================================================================
 *
 * Command, status, all of standard output, a part of standard error. In the house, with a live runner. */

#define NUMBER(number) #number
#define VERSION(major, minor, patch) NUMBER(major) "." NUMBER(minor) "." NUMBER(patch)

static const struct command {
    const char *name, *command;
    int status;
    const char *out, *err;
    int live;
} commands[] = {
    /* text */
    { "one path a line", "-b @/work:/work /work /work/a", 0, "@/work\n@/work/a\n", NULL, 0 },
    { "the order is that of the command line", "/work/l -b @/work:/work /work", 0, "@/work/a\n@/work\n",
      NULL, 0 },
    { "a path like an option, after --", "-b @/work:/work -- -p", 1, "", "dindbind: -p: ", 0 },
    { "-0", "-0 -b @/work:/work /work /work/a", 0, "@/work%00@/work/a%00", NULL, 0 },
    { "--null", "--null -b @/work:/work /work", 0, "@/work%00", NULL, 0 },
    { "an answer with a newline needs -0", "-b @/work:/work /work/new%0aline", 1, "", "-0", 0 },
    { "an answer with a newline, by a symlink", "-b @/work:/work /work/tonew", 1, "",
      "dindbind: /work/tonew: ", 0 },
    { "an answer with a newline, with -0", "-0 -b @/work:/work /work/tonew", 0, "@/work/new%0aline%00", NULL,
      0 },
    { "odd bytes in text",
      "-0 -b @/work:/work /work/%ff/x /work/a%20b /work/qu\"ote /work/com,ma /work/co:lon", 0,
      "@/work/%ff/x%00@/work/a b%00@/work/qu\"ote%00@/work/com,ma%00@/work/co:lon%00", NULL, 0 },
    { "-H of a row that cannot be seen from here", "-p $PID -b @/none:/etc -H /etc", 0, "@/none\n", NULL, 1 },
    { "-f text", "-f text -b @/work:/work /work", 0, "@/work\n", NULL, 0 },
    { "--format=text", "--format=text --bind=@/work:/work /work", 0, "@/work\n", NULL, 0 },
    { "a read-only row needs -R", "-b @/ro:/ro:ro /ro", 1, "", "-R", 0 },
    { "a read-only row with -R", "-R -b @/ro:/ro:ro /ro/f", 0, "@/ro/f\n", NULL, 0 },
    { "a lowerdir needs -R", "-o lowerdir=@/l2:@/l1$USERXATTR /only/f", 1, "", "-R", 0 },
    { "a lowerdir with -R", "-R -o lowerdir=@/l2:@/l1$USERXATTR /only/f", 0, "@/l1/only/f\n", NULL, 0 },
    { "a merged directory is no text", "-R -o lowerdir=@/l2:@/l1$USERXATTR /both", 1, "", "dindbind: /both: $ANY@/l2",
      0 },
    { "the upperdir needs no -R", "-o lowerdir=@/l2:@/l1,upperdir=@/l3,workdir=@/lw$USERXATTR /up/f", 0,
      "@/l3/up/f\n", NULL, 0 },
    { "one bad source refuses all", "-b @/work:/work /work /nope /work/a", 1, "", "dindbind: /nope: ", 0 },
    { "every bad source is told", "-b @/work:/work /nope1 /nope2", 1, "", "/nope1: $ANY\ndindbind: /nope2: ",
      0 },
    { "an unknown source names itself", "-b @/work:/work /x/y", 1, "", "dindbind: /x/y: ", 0 },
    { "the layers that were tried are named", "-o lowerdir=@/l2:@/l1$USERXATTR /nope", 1, "",
      "dindbind: /nope: $ANY@/l2", 0 },
    { "the empty path", "-b @/work:/work ''", 1, "", "dindbind: ", 0 },
    { "a relative path", "-b @/work:/work work/a", 1, "", "dindbind: work/a: ", 0 },
    { "PID 0 alone matches nothing", "-p 0 /etc", 1, "", "dindbind: /etc: ", 0 },
    { "an escape without a live task", "-p 0 -b @/work:/work /work/abs", 1, "", "dindbind: /work/abs: ", 0 },
    { "bundled: -p0", "-p0 -b@/work:/work /work", 0, "@/work\n", NULL, 0 },
    { "bundled: -0R", "-0Rb @/ro:/ro:ro /ro", 0, "@/ro%00", NULL, 0 },
    { "--pid 0", "--pid 0 --bind @/work:/work /work", 0, "@/work\n", NULL, 0 },
    { "--pid=0", "--pid=0 --bind @/work:/work /work", 0, "@/work\n", NULL, 0 },
    { "--read-only", "--read-only -b @/ro:/ro:ro /ro", 0, "@/ro\n", NULL, 0 },
    { "--overlay", "--read-only --overlay lowerdir=@/l2:@/l1$USERXATTR /only/f", 0, "@/l1/only/f\n", NULL, 0 },
    { "-x explains on standard error", "-x -b @/work:/work /work/a", 0, "@/work/a\n", "/work", 0 },
    { "--explain names each rule", "--explain -b @/work:/work -p 0 -o lowerdir=@/l2:@/l1$USERXATTR -R /only/f", 0,
      "@/l1/only/f\n",
      "rule bind$ANYrule layers", 0 },
    { "-h", "-h", 0, "$ANY-p$ANY--pid$ANY--mount$ANY", NULL, 0 },
    { "--help", "--help", 0, "$ANY-p$ANY--pid$ANY", NULL, 0 },
    { "-V: the header's numbers", "-V", 0,
      "dindbind " VERSION(DINDBIND_VERSION_MAJOR, DINDBIND_VERSION_MINOR, DINDBIND_VERSION_PATCH) "\n", NULL, 0 },
    { "--version", "--version", 0, "dindbind " DINDBIND_VERSION "\n", NULL, 0 },

    /* a live runner */
    { "a proc path", "-p $PID /etc/hostname", 0, "/proc/$PID/root/etc/hostname\n", NULL, 1 },
    { "a proc path by PID and start time", "-p $PID:$START /etc/hostname", 0, "/proc/$PID/root/etc/hostname\n", NULL,
      1 },
    { "a read-only mount of the runner needs no -R", "-p $PID /rom/f", 0, "/proc/$PID/root/rom/f\n", NULL, 1 },
    { "a missing source names the proc path", "-p $PID /nope", 1, "", "dindbind: /nope: $ANY/proc/$PID/root/nope",
      1 },
    { "a live PID goes before layers", "-p $PID -o lowerdir=@/l2:@/l1$USERXATTR /only/f", 1, "",
      "/proc/$PID/root/only/f",
      1 },
    { "another start time", "-p $PID:1 /etc", 3, "", "dindbind: ", 1 },
    { "another start time, in json", "-p $PID:1 -f json /etc", 3,
      "{\"source\":\"/etc\",\"error\":\"reused\",\"message\":\"$ANY\"}\n", "", 1 },

    /* json */
    { "a record", "-b @/work:/work -f json /work/a", 0,
      "{\"source\":\"/work/a\",\"rule\":\"bind\",\"kind\":\"single\",\"path\":\"@/work/a\",\"type\":\"file\","
      "\"ro\":false}\n", NULL, 0 },
    { "a read-only record", "-b @/ro:/ro:ro -f json /ro", 0,
      "{\"source\":\"/ro\",\"rule\":\"bind\",\"kind\":\"single\",\"path\":\"@/ro\",\"type\":\"directory\","
      "\"ro\":true}\n", NULL, 0 },
    { "-R makes it read-only", "-R -b @/work:/work -f json /work", 0,
      "{\"source\":\"/work\",\"rule\":\"bind\",\"kind\":\"single\",\"path\":\"@/work\",\"type\":\"directory\","
      "\"ro\":true}\n", NULL, 0 },
    { "a record of the live runner", "-p $PID -f json /etc", 0,
      "{\"source\":\"/etc\",\"rule\":\"proc\",\"kind\":\"single\",\"path\":\"/proc/$PID/root/etc\","
      "\"type\":\"directory\",\"ro\":false}\n", NULL, 1 },
    { "a merged record", "-o lowerdir=@/l2:@/l1$USERXATTR -f json /both", 0,
      "{\"source\":\"/both\",\"rule\":\"layers\",\"kind\":\"merged\",\"layers\":[\"@/l2/both\",\"@/l1/both\"],"
      "$ANY\"type\":\"directory\",\"ro\":true}\n",
      NULL, 0 },
    { "a row for the root", "-b @/work:/ /", 0, "@/work\n", NULL, 0 },
    { "a record with a target", "-b @/work:/work -f json -v /work:/x", 0,
      "{\"source\":\"/work\",\"target\":\"/x\",\"rule\":\"bind\",\"kind\":\"single\",\"path\":\"@/work\","
      "\"type\":\"directory\",\"ro\":false}\n",
      NULL, 0 },
    { "a refused record with a target", "-b @/work:/work -f json -v /nope:/x", 1,
      "{\"source\":\"/nope\",\"target\":\"/x\",\"error\":\"unmatched\",\"message\":\"$ANY\"}\n", "dindbind: ", 0 },
    { "all records in order, refused or not", "-b @/work:/work -f json /nope /work", 1,
      "{\"source\":\"/nope\",\"error\":\"unmatched\",\"message\":\"$ANY\"}\n"
      "{\"source\":\"/work\",\"rule\":\"bind\",\"kind\":\"single\",\"path\":\"@/work\",\"type\":\"directory\","
      "\"ro\":false}\n", "dindbind: /nope: ", 0 },
    { "0xFF in a record", "-b @/work:/work -f json /work/%ff/x", 0,
      "{\"source\":\"/work/\\udcff/x\",\"rule\":\"bind\",\"kind\":\"single\",\"path\":\"@/work/\\udcff/x\","
      "\"type\":\"directory\",\"ro\":false}\n",
      NULL, 0 },
    { "bytes that are not UTF-8 in a record",
      "-b /h:/h -f json /h%ed%a0%80 /h%c0%80 /h%c3 /h%f4%90%80%80 /h%e9x /h%f0%9f%98", 1,
      "{\"source\":\"/h\\udced\\udca0\\udc80\",$ANY}\n{\"source\":\"/h\\udcc0\\udc80\","
      "$ANY}\n{\"source\":\"/h\\udcc3\",$ANY}\n"
      "{\"source\":\"/h\\udcf4\\udc90\\udc80\\udc80\",$ANY}\n{\"source\":\"/h\\udce9x\","
      "$ANY}\n{\"source\":\"/h\\udcf0\\udc9f\\udc98\",$ANY}\n", "", 0 },
    { "quote and backslash in a record", "-b /h:/h -f json /q\"\\", 1, "{\"source\":\"/q\\\"\\\\\",$ANY}\n", "",
      0 },
    { "a newline in a record is escaped", "-b @/work:/work -f json /work/tonew", 0,
      "{\"source\":\"/work/tonew\",$ANYnew\\$ANYline\",$ANY}\n", NULL, 0 },
    { "-0 with json", "-0 -b @/work:/work -f json /work", 0, "{\"source\":\"/work\",$ANY}%00", NULL, 0 },

    /* -v */
    { "-v", "-b @/work:/work -v /work:/x", 0, "@/work:/x\n", NULL, 0 },
    { "--volume=", "-b @/work:/work --volume=/work/a:/x:rw", 0, "@/work/a:/x:rw\n", NULL, 0 },
    { "-v, ro stays", "-b @/work:/work -v /work/a:/x:ro", 0, "@/work/a:/x:ro\n", NULL, 0 },
    { "-v, ro is added", "-b @/ro:/ro:ro -v /ro:/x", 0, "@/ro:/x:ro\n", NULL, 0 },
    { "-v, rw becomes ro", "-b @/ro:/ro:ro -v /ro:/x:rw", 0, "@/ro:/x:ro\n", NULL, 0 },
    { "-v, z becomes z,ro", "-b @/ro:/ro:ro -v /ro:/x:z", 0, "@/ro:/x:z,ro\n", NULL, 0 },
    { "-v, rw,z becomes ro,z", "-b @/ro:/ro:ro -v /ro:/x:rw,z", 0, "@/ro:/x:ro,z\n", NULL, 0 },
    { "-v, ro,z is ro already", "-b @/ro:/ro:ro -v /ro:/x:ro,z", 0, "@/ro:/x:ro,z\n", NULL, 0 },
    { "-v, -R", "-R -b @/work:/work -v /work:/x", 0, "@/work:/x:ro\n", NULL, 0 },
    { "-v, a lowerdir is ro", "-o lowerdir=@/l2:@/l1$USERXATTR -v /only:/x", 0, "@/l1/only:/x:ro\n", NULL, 0 },
    { "-v, a merged directory has no path", "-o lowerdir=@/l2:@/l1$USERXATTR -v /both:/x", 1, "", "dindbind: /both: ",
      0 },
    { "-v, modes pass", "-b @/work:/work -v /work:/x:rslave,Z,consistent", 0,
      "@/work:/x:rslave,Z,consistent\n", NULL, 0 },
    { "-v, what podman adds", "-b @/work:/work -v /work:/x:U,noexec", 0, "@/work:/x:U,noexec\n", NULL, 0 },
    { "-v, the source is cleaned and resolved", "-b @/work:/work -v /work//d/../l:/x", 0, "@/work/a:/x\n",
      NULL, 0 },
    { "-v, a volume name passes", "-b @/work:/work -v cache:/x", 0, "cache:/x\n", NULL, 0 },
    { "-v, a volume name passes with a mode", "-b @/work:/work -v cache:/x:nocopy,ro", 0,
      "cache:/x:nocopy,ro\n", NULL, 0 },
    { "-v, an answer with a colon", "-b @/work:/work -v /work/tocolon:/x", 1, "", "dindbind: /work/tocolon: ",
      0 },
    { "-v, paths and --mount in order",
      "-b @/work:/work -v /work:/x /work --mount type=bind,source=/work/a,target=/y", 0,
      "@/work:/x\n@/work\ntype=bind,source=@/work/a,target=/y\n", NULL, 0 },
    { "-v, one bad spec refuses all", "-b @/work:/work -v /work:/x -v /nope:/y", 1, "", "dindbind: /nope: ",
      0 },
    { "-v, 0xFF", "-b @/work:/work -v /work/%ff:/x", 0, "@/work/%ff:/x\n", NULL, 0 },
    { "-v, no path in this namespace", "-p $PID -v /vol/f:/x", 1, "", "dindbind: /vol/f: ", 1 },
    { "-v, no path in this namespace, in json", "-p $PID -f json -v /vol/f:/x", 1,
      "{\"source\":\"/vol/f\",\"target\":\"/x\",\"error\":\"foreign\",\"message\":\"$ANY\"}\n", "", 1 },
    { "-v, a row with a live runner", "-p $PID -b @/work:/work -v /work:/x", 0, "@/work:/x\n", NULL, 1 },
    { "-v, an empty spec", "-b @/work:/work --volume=", 2, "", "an empty spec", 0 },
    { "-v, an empty source", "-b @/work:/work -v :/x", 2, "", "no source before the colon", 0 },
    { "-b, no PATH", "-b /data /x", 2, "", "dindbind: -b /data: no :PATH; write HOST:PATH", 0 },
    { "-b, neither absolute nor a PATH", "-b data /x", 2, "", "no :PATH; write HOST:PATH", 0 },
    { "-b, a relative HOST", "-b data:/x /x", 2, "", "HOST must be an absolute path", 0 },
    { "-b, nothing", "--bind= /x", 2, "", "an empty spec", 0 },
    { "--mount, an empty spec", "-b @/work:/work --mount=", 2, "", "an empty spec", 0 },
    { "--mount, an empty field", "-b @/work:/work --mount type=bind,,src=/work,dst=/x", 2, "", "an empty field", 0 },
    { "--mount, no key", "-b @/work:/work --mount type=bind,=/work,dst=/x", 2, "", "a field without a key", 0 },
    { "--mount, an empty source", "-b @/work:/work --mount type=bind,src=,target=/y", 2, "",
      "a bind mount with an empty source", 0 },

    /* --mount */
    { "--mount", "-b @/work:/work --mount type=bind,source=/work,target=/x", 0,
      "type=bind,source=@/work,target=/x\n", NULL, 0 },
    { "--mount, aliases and order", "-b @/work:/work --mount dst=/x,src=/work/a,type=bind", 0,
      "dst=/x,src=@/work/a,type=bind\n", NULL, 0 },
    { "--mount, readonly is added", "-b @/ro:/ro:ro --mount type=bind,src=/ro,destination=/x", 0,
      "type=bind,src=@/ro,destination=/x,readonly\n", NULL, 0 },
    { "--mount, readonly stays", "-b @/ro:/ro:ro --mount type=bind,readonly,src=/ro,dst=/x", 0,
      "type=bind,readonly,src=@/ro,dst=/x\n", NULL, 0 },
    { "--mount, ro=true stays", "-b @/ro:/ro:ro --mount type=bind,ro=true,src=/ro,dst=/x", 0,
      "type=bind,ro=true,src=@/ro,dst=/x\n", NULL, 0 },
    { "--mount, readonly=false is replaced", "-b @/ro:/ro:ro --mount type=bind,src=/ro,dst=/x,readonly=false",
      0,
      "type=bind,src=@/ro,dst=/x,readonly\n", NULL, 0 },
    { "--mount, -R", "-R -b @/work:/work --mount type=bind,src=/work,dst=/x", 0,
      "type=bind,src=@/work,dst=/x,readonly\n", NULL, 0 },
    { "--mount, a volume passes", "-b @/work:/work --mount type=volume,source=cache,target=/x,volume-nocopy",
      0,
      "type=volume,source=cache,target=/x,volume-nocopy\n", NULL, 0 },
    { "--mount, no type is a volume", "-b @/work:/work --mount source=cache,target=/x", 0,
      "source=cache,target=/x\n", NULL, 0 },
    { "--mount, tmpfs passes", "-b @/work:/work --mount type=tmpfs,target=/x,tmpfs-size=1m", 0,
      "type=tmpfs,target=/x,tmpfs-size=1m\n", NULL, 0 },
    { "--mount, a quoted comma", "-b @/work:/work --mount type=bind,\"source=/work/com,ma\",target=/x", 0,
      "type=bind,\"source=@/work/com,ma\",target=/x\n", NULL, 0 },
    { "--mount, a doubled quote", "-b @/work:/work --mount type=bind,\"source=/work/qu\"\"ote\",target=/x", 0,
      "type=bind,\"source=@/work/qu\"\"ote\",target=/x\n", NULL, 0 },
    { "--mount, an answer that needs quotes", "-b @/a,b:/c --mount type=bind,source=/c/f,target=/x", 0,
      "type=bind,\"source=@/a,b/f\",target=/x\n", NULL, 0 },
    { "--mount, a colon", "-b @/work:/work --mount type=bind,source=/work/tocolon,target=/x", 0,
      "type=bind,source=@/work/co:lon,target=/x\n", NULL, 0 },
    { "--mount, other keys pass",
      "-b @/work:/work --mount type=bind,source=/work,target=/x,bind-propagation=rslave,consistency=cached", 0,
      "type=bind,source=@/work,target=/x,bind-propagation=rslave,consistency=cached\n", NULL, 0 },

    /* oci */
    { "oci", "-b @/work:/work -f oci -v /work:/x", 0,
      "[{\"destination\":\"/x\",\"type\":\"bind\",\"source\":\"@/work\",\"options\":[\"rbind\",\"rw\"]}]\n", NULL, 0 },
    { "oci, read-only", "-b @/ro:/ro:ro -f oci -v /ro:/x:rw --mount type=bind,source=/ro/f,target=/y", 0,
      "[{\"destination\":\"/x\",\"type\":\"bind\",\"source\":\"@/ro\",\"options\":[\"rbind\",\"ro\"]},"
      "{\"destination\":\"/y\",\"type\":\"bind\",\"source\":\"@/ro/f\",\"options\":[\"rbind\",\"ro\"]}]\n", NULL, 0 },
    { "oci, propagation", "-b @/work:/work -f oci -v /work:/x:rslave --mount type=bind,source=/work/a,target=/y,"
      "bind-propagation=rshared", 0,
      "[{\"destination\":\"/x\",\"type\":\"bind\",\"source\":\"@/work\",\"options\":[\"rbind\",\"rw\",\"rslave\"]},"
      "{\"destination\":\"/y\",\"type\":\"bind\",\"source\":\"@/work/a\",\"options\":[\"rbind\",\"rw\","
      "\"rshared\"]}]\n", NULL, 0 },
    { "oci, bind-nonrecursive",
      "-b @/work:/work -f oci --mount type=bind,source=/work,target=/x,bind-nonrecursive", 0,
      "[{\"destination\":\"/x\",\"type\":\"bind\",\"source\":\"@/work\",\"options\":[\"bind\",\"rw\"]}]\n", NULL, 0 },
    { "oci, a merged directory", "-o lowerdir=@/l2:@/l1$USERXATTR -f oci -v /both:/x", 0,
      "[{\"destination\":\"/x\",\"type\":\"overlay\",\"source\":\"overlay\",\"options\":[\"ro\","
      "\"lowerdir=@/l2/both:@/l1/both$ANY\"]}]\n", NULL, 0 },
    { "oci, 0xFF", "-b @/work:/work -f oci -v /work/%ff:/x", 0, "[{$ANY,\"source\":\"@/work/\\udcff\",$ANY}]\n",
      NULL, 0 },
    { "oci, a volume name", "-b @/work:/work -f oci -v cache:/x", 1, "", "cache", 0 },
    { "oci, one bad spec refuses all", "-b @/work:/work -f oci -v /work:/x -v /nope:/y", 1, "",
      "dindbind: /nope: ", 0 },
};

static void check_command(void **state)
{
    const struct command *c = *state;
    if (c->live)
        need_mounts();
    for (int filter = 0; filter < FILTERS; filter++) {
        struct ran r = run_tool(&(struct set_up){ .filter = filter }, c->command);
        expect_ran(c->command, r, c->status, c->out, c->err);
    }
}

/* Command lines that are wrong: status 2, a word on standard error, nothing on standard output. */
static const char *const wrong[] = {
    "", "/etc", "-", "-v /work:/x", "-f json /etc", "-R /etc",              /* no VIEW */
    "-p 0", "-b /h:/h", "-b /h:/h -R -f json",                              /* nothing to translate */
    "-b /h:/h --bogus /h", "-b /h:/h -Z /h", "-b /h:/h /h --mount", "-p", "--pid",
    "-p 1 -p 1 /h", "-b /h:/h -f json -f json /h", "-o lowerdir=/a:/b -o lowerdir=/a:/b /h",
    "-b /h:/h -f xml /h", "-b /h:/h -f '' /h", "-b /h:/h -f oci /h", "-b /h:/h -f oci -", "-b /h:/h - /h",
    "-b /h:/h -v /h:/x -",
    "-p -1 /h", "-p abc /h", "-p 1x /h", "-p '' /h", "-p 1: /h", "-p :1 /h", "-p 1:x /h", "-p 99999999999999999999 /h",
    "-p 1:99999999999999999999999 /h", "-p 0x1 /h", "-p +1 /h", "-p %201 /h",
    "-b '' /h", "-b /h /h", "-b /h: /h", "-b :/h /h", "-b h:/h /h", "-b /h:h /h", "-b /h:/h:rx /h", "-b /h:/h:ro:ro /h",
    "-b /h:/h -v ''", "-b /h:/h -v /h:", "-b /h:/h -v :/x", "-b /h:/h -v /h:x", "-b /h:/h -v /h:/",
    "-b /h:/h -v /h:/..", "-b /h:/h -v /h:ro", "-b /h:/h -v /h:/x:bogus", "-b /h:/h -v /h:/x:ro,rw",
    "-b /h:/h -v /h:/x:rw,rw",
    "-b /h:/h -v /h:/x:z,Z", "-b /h:/h -v /h:/x:rslave,rshared", "-b /h:/h -v /h:/x:ro:z", "-b /h:/h -v /h:/x:ro:z:U",
    "-b /h:/h -v /h:/x:consistent,cached", "-b /h:/h -v /h:/x:ro,,z", "-b /h:/h -v /h:/x:RO",
    "-b /h:/h -v /h:/x -v /h:/x", "-b /h:/h -v /h:/x -v /h/a:/x/", "-b /h:/h -v /h:/x -v cache:/y/../x",
    "-b /h:/h -v /h:/x --mount type=bind,source=/h,target=//x",
    "-b /h:/h --mount ''", "-b /h:/h --mount bogus", "-b /h:/h --mount type=bind,target=/x",
    "-b /h:/h --mount type=bind,source=/h",
    "-b /h:/h --mount type=bind,source=/h,target=/x,nokey=1",
    "-b /h:/h --mount type=bind,source=/h,target=/x,readonly=maybe", "-b /h:/h --mount type=bind,source=/h,target=x",
    "-b /h:/h --mount type=bind,\"source=/h,target=/x", "-b /h:/h --mount type=bind,sou\"rce=/h,target=/x",
    "-b /h:/h --mount type=bind,source=/h,target=/x,bind-propagation=bogus",
    "-b /h:/h --mount type=bind,source=/h,target=/x%0atype=bind,source=/h,target=/y",
};

static void check_wrong(void **state)
{
    int bad = 0;
    (void)state;
    for (size_t i = 0; i < COUNT(wrong); i++) {
        struct ran r = run_plain(wrong[i]);
        if (r.status != 2 || r.outlen || strncmp(r.err, "dindbind: ", 10)) {
            print_error("dindbind %s: status %d, out %s, err %s\n", wrong[i], r.status, shown(r.out, r.outlen),
                r.err);
            bad++;
        }
    }
    assert_int_equal(bad, 0);
}

/* What is not understood is quoted. */
static void check_quoting(void **state)
{
    static const char *const rows[][2] = {
        { "-b /h:/h -v /h:/x:bogus", "bogus" }, { "-b /h:/h -v /h:/x:ro:z:U", "/h:/x:ro:z:U" },
        { "-b /h:/h --mount type=bind,source=/h,target=/x,nokey=1", "nokey" }, { "-b /h:/h --frob /h", "frob" },
        { "-p abc /h", "abc" }, { "-b /h:/h:rx /h", "/h:/h:rx" }, { "-b /h:/h -f xml /h", "xml" },
        { "-b /h:/h -v /h:/x -v /h/a:/x", "/x" },
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++)
        expect(rows[i][0], 2, "", rows[i][1]);
}

/* The mounts of a GitHub Actions runner for a `container:` job, as one call. */
static void github_set(void **state)
{
    (void)state;
    new_dir();
    grow(world.dir, "sock docker.sock; dir _work/_temp/_github_home; dir _work/_temp/_github_workflow;"
        " dir _work/_actions;"
         "dir _work/_tool; dir l2/home/runner/externals; file l1/home/runner/externals/node20/bin/node x");
#define GITHUB "-b @/docker.sock:/var/run/docker.sock -b @/_work:/home/runner/_work -f oci " \
        "-v /var/run/docker.sock:/var/run/docker.sock -v /home/runner/_work:/__w -v /home/runner/externals:/__e:ro " \
        "-v /home/runner/_work/_temp:/__w/_temp -v /home/runner/_work/_actions:/__w/_actions " \
        "-v /home/runner/_work/_tool:/__w/_tool -v /home/runner/_work/_temp/_github_home:/github/home " \
        "-v /home/runner/_work/_temp/_github_workflow:/github/workflow "
#define BIND(target, source) "{\"destination\":\"" target "\",\"type\":\"bind\",\"source\":\"@" source "\",\"options\":[\"rbind\",\"rw\"]}"
    for (int filter = 0; filter < FILTERS; filter++) {
        struct set_up s = { .filter = filter };
        struct ran r = run_tool(&s, GITHUB "-o lowerdir=@/l2:@/l1$USERXATTR");
        expect_ran(GITHUB, r, 0,
            "[" BIND("/var/run/docker.sock", "/docker.sock") "," BIND("/__w", "/_work") ","
            "{\"destination\":\"/__e\",\"type\":\"overlay\",\"source\":\"overlay\",\"options\":[\"ro\","
            "\"lowerdir=@/l2/home/runner/externals:@/l1/home/runner/externals$ANY\"]}," BIND("/__w/_temp",
                "/_work/_temp") ","
            BIND("/__w/_actions", "/_work/_actions") "," BIND("/__w/_tool", "/_work/_tool") ","
            BIND("/github/home", "/_work/_temp/_github_home") ","
            BIND("/github/workflow", "/_work/_temp/_github_workflow") "]\n", NULL);
        r = run_tool(&s, GITHUB "-v /home/runner/nope:/nope -o lowerdir=@/l2:@/l1$USERXATTR");
        expect_ran(GITHUB, r, 1, "", "dindbind: /home/runner/nope: ");
    }
}

/* ---- Standard input and output --------------------------------------------------------------------------- */

static void by_standard_input(void **state)
{
    static const struct { const char *command, *in; int status; const char *out, *err; } rows[] = {
        { "-b @/work:/work -", "/work\n/work/a\n", 0, "@/work\n@/work/a\n", NULL },
        { "-b @/work:/work -", "/work\n/work/a", 0, "@/work\n@/work/a\n", NULL },
        { "-b @/work:/work -", "", 0, "", NULL },
        { "-b @/work:/work -", "/nope\n/work\nwork\n/work/a\n", 1, "\n@/work\n\n@/work/a\n",
          "dindbind: /nope: $ANY\ndindbind: work: " },
        { "-b @/work:/work -", "/work\n\n/work/a\n", 1, "@/work\n\n@/work/a\n", "dindbind: " },
        { "-b @/work:/work -0 -", "/work%00/work/new%0aline%00", 0, "@/work%00@/work/new%0aline%00", NULL },
        { "-b @/work:/work -0 -", "/nope%00/work", 1, "%00@/work%00", "dindbind: /nope: " },
        { "-b @/work:/work -", "/work/tonew\n/work\n", 1, "\n@/work\n", "dindbind: /work/tonew: " },
        { "-b @/work:/work -", "/$N256\n/work\n", 1, "\n@/work\n", "dindbind: " },
        { "-b @/work:/work -", "/work/%ff/x\n", 0, "@/work/%ff/x\n", NULL },
        { "-b @/work:/work -f json -", "/nope\n/work\n", 1,
          "{\"source\":\"/nope\",\"error\":\"unmatched\",\"message\":\"$ANY\"}\n"
          "{\"source\":\"/work\",$ANY}\n", "dindbind: /nope: " },
    };
    (void)state;
    for (int filter = 0; filter < FILTERS; filter++)
        for (size_t i = 0; i < COUNT(rows); i++) {
            struct ran r = run_tool(&(struct set_up){ .filter = filter, .in = rows[i].in }, rows[i].command);
            expect_ran(textf("%s <<< %s", rows[i].command, shown(rows[i].in, strlen(rows[i].in))), r, rows[i].status,
                       rows[i].out, rows[i].err);
        }
}

/* A record that no path can be is refused, and what follows it is answered still. */
static void input_too_long(void **state)
{
    char *in = keep(100100);
    (void)state;
    memset(in, 'x', 100000);
    strcpy(in + 100000, "\n/work\n");
    *in = '/';
    struct ran r = run_tool(&(struct set_up){ .in = in }, "-b @/work:/work -");
    expect_ran("-b @/work:/work - (100000 bytes)", r, 1, "\n@/work\n", "dindbind: /xxx");
    memcpy(in + 3, "%00", 3);
    r = run_tool(&(struct set_up){ .in = in }, "-b @/work:/work -");
    expect_ran("-b @/work:/work - (100000 bytes, one of them a NUL)", r, 1, "\n@/work\n", "dindbind: /xx?xxx");
}

/* A NUL within a line must not cut a path short. */
static void input_with_nul(void **state)
{
    (void)state;
    struct ran r = run_tool(&(struct set_up){ .in = "/work%00/a\n/work/a\n" }, "-b @/work:/work -");
    expect_ran("-b @/work:/work - (a NUL in a line)", r, 1, "\n@/work/a\n", "dindbind: ");
}

/* Each answer comes before more is sent. */
static void input_with_pauses(void **state)
{
    int to[2], from[2];
    char buf[512];
    (void)state;
    assert_int_equal(pipe2(to, O_CLOEXEC) | pipe2(from, O_CLOEXEC), 0);
    struct running t = start_tool(arguments("-b @/work:/work -"), to[0], from[1], NULL);
    close(to[0]);
    close(from[1]);
    static const char *const pieces[][2] = {
        { "/work\n", "@/work\n" }, { "/wo", NULL }, { "rk/a\n", "@/work/a\n" }, { "/work\n/work/l\n",
          "@/work\n@/work/a\n" },
    };
    for (size_t i = 0; i < COUNT(pieces); i++) {
        size_t got = 0;
        assert_int_equal(write(to[1], pieces[i][0], strlen(pieces[i][0])), strlen(pieces[i][0]));
        const char *want = pieces[i][1] ? expand(pieces[i][1]) : "";
        while (got < strlen(want)) {
            struct pollfd p = { from[0], POLLIN, 0 };
            if (poll(&p, 1, 15000) != 1)
                flunk("no answer to %s before more is sent", pieces[i][0]);
            ssize_t n = read(from[0], buf + got, sizeof buf - got);
            if (n <= 0)
                flunk("the tool ended early");
            got += (size_t)n;
        }
        assert_memory_equal(buf, want, got);
    }
    close(to[1]);
    assert_int_equal(read(from[0], buf, sizeof buf), 0);
    close(from[0]);
    assert_int_equal(end_tool(t).status, 0);
}

static void close_output(void)
{
    close(1);
}

static void close_input(void)
{
    close(0);
}

static void output_fails(void **state)
{
    static const char *const rows[] = {
        "-b @/work:/work /work", "-b @/work:/work -f json /work", "-b @/work:/work -f oci -v /work:/x",
        "-b @/work:/work -", "-h", "-V",
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct ran full = run_tool(&(struct set_up){ .in = "/work\n", .out = "/dev/full" }, rows[i]);
        struct ran closed = run_tool(&(struct set_up){ .in = "/work\n", .before = close_output }, rows[i]);
        if (!full.status || full.status > 3 || (strlen(rows[i]) > 2 && !full.errlen) || !closed.status ||
            closed.status > 3)
            flunk("dindbind %s: status %d on a full device, %d on a closed output", rows[i], full.status,
                closed.status);
    }
    struct ran r = run_tool(&(struct set_up){ .before = close_input }, "-b @/work:/work -");
    if (!r.status || r.status > 3 || r.outlen)
        flunk("status %d with standard input closed", r.status);
}

/* A pipe that nobody reads: the tool is not killed for it without a word if SIGPIPE is ignored. */
static void ignore_pipe(void)
{
    int p[2];
    signal(SIGPIPE, SIG_IGN);
    if (pipe(p))
        _exit(97);
    close(p[0]);
    dup2(p[1], 1);
}

static void output_has_no_reader(void **state)
{
    (void)state;
    struct ran r = run_tool(&(struct set_up){ .before = ignore_pipe }, "-b @/work:/work /work");
    assert_true(r.status >= 1 && r.status <= 3 && r.errlen);
}

/* The limits on the tool hold for one build of it: musl, x86_64, the default flags. `make check` knows which it is. */
static void need_limits(void)
{
    const char *limits = getenv("LIMITS");
    if (!limits || strcmp(limits, "hold"))
        skip_because(limits ? limits : "the limits hold for the default build, which make check runs this on", true);
}

/* A description that can be read, but whose texts cannot be copied: that is no fault of whoever wrote it. */
static void scarce_memory(const char *head, const char *tail)
{
    static const size_t size = 30 << 20;
    struct rlimit limit = { 50 << 20, 50 << 20 };
    int in = memfd_create("in", 0);
    char *filling = malloc(size);
    memset(filling, 'x', size);
    if (write(in, head, strlen(head)) < 0 || write(in, filling, size) != (ssize_t)size ||
        write(in, tail, strlen(tail)) < 0 ||
        lseek(in, 0, SEEK_SET) || dup2(in, 0) || setrlimit(RLIMIT_AS, &limit))
        _exit(97);
}

static void scarce_json(void)
{
    scarce_memory("{\"State\":{\"Pid\":0},\"Id\":\"", "\"}");
}

static void scarce_lines(void)
{
    scarce_memory("overlay lowerdir=/", "\n");
}

static void memory_fails(void **state)
{
    (void)state;
    need_limits();              /* another build may need more to start with */
    struct ran json = run_tool(&(struct set_up){ .before = scarce_json }, "-r - /x");
    struct ran lines = run_tool(&(struct set_up){ .before = scarce_lines }, "-r - /x");
    expect_ran("-r - /x", json, 3, "", "dindbind: -r -: $ANYout of memory");
    expect_ran("-r - /x", lines, 3, "", "dindbind: -r -: line 1: out of memory");
}

/* ---- The runner cannot be read ---------------------------------------------------------------------------- */

static void cover_proc(void)
{
    if (unshare(CLONE_NEWNS) || mount("t", "/proc", "tmpfs", 0, NULL))
        _exit(97);
}

static void cover_proc_by_a_part(void)
{
    if (unshare(CLONE_NEWNS) || mount("/proc/sys", "/proc", NULL, MS_BIND, NULL))
        _exit(97);
}

static void cover_task(void)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d", world.pid);
    if (unshare(CLONE_NEWNS) || mount("t", path, "tmpfs", 0, NULL) || mkdir(strcat(path, "/root"), 0755) ||
        mkdir(strcat(path, "/etc"), 0755))
        _exit(97);
}

static void cover_task_by_another(void)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d", world.pid);
    if (unshare(CLONE_NEWNS) || mount("/proc/self", path, NULL, MS_BIND, NULL))
        _exit(97);
}

static void expect_proc_error(const char *command, int filter, void (*before)(void), const char *word)
{
    struct set_up s = { .filter = filter, .before = before };
    struct ran r = run_tool(&s, textf("%s /etc /f", command));
    expect_ran(command, r, 3, "", "dindbind: ");
    r = run_tool(&s, textf("%s -f json /etc /f", command));
    expect_ran(command, r, 3, textf("{\"source\":\"/etc\",\"error\":\"%s\",\"message\":\"$ANY\"}\n"
                                     "{\"source\":\"/f\",\"error\":\"%s\",\"message\":\"$ANY\"}\n", word, word),
                                     "dindbind: ");
}

static void task_gone(void **state)
{
    int status;
    pid_t pid = fork();
    (void)state;
    if (!pid)
        _exit(0);
    waitpid(pid, &status, 0);
    for (int filter = 0; filter < FILTERS; filter++) {
        expect_proc_error(textf("-p %d", pid), filter, NULL, "gone");
        expect_proc_error(textf("-p %d:5", pid), filter, NULL, "gone");
        expect_proc_error("-p 4194305", filter, NULL, "gone");
        assert_string_equal(by_library(textf("-p %d", pid), "/etc", filter), "error gone");
    }
    /* layers are for no live task, not for a dead one that was said to live */
    expect(textf("-p %d -o lowerdir=@/l2:@/l1$USERXATTR -R /only/f", pid), 3, "", "dindbind: ");
}

static void task_is_a_zombie(void **state)
{
    int status;
    siginfo_t info;
    pid_t pid = fork();
    (void)state;
    if (!pid)
        _exit(0);
    assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
    for (int filter = 0; filter < FILTERS; filter++)
        expect_proc_error(textf("-p %d", pid), filter, NULL, "gone");
    waitpid(pid, &status, 0);
}

static void task_number_reused(void **state)
{
    (void)state;
    need_mounts();
    for (int filter = 0; filter < FILTERS; filter++) {
        expect_proc_error("-p $PID:1", filter, NULL, "reused");
        expect_proc_error(textf("-p $PID:%llu", world.start + 1), filter, NULL, "reused");
        assert_string_equal(by_library("-p $PID:1", "/etc", filter), "error reused");
    }
}

static void task_denied(void **state)
{
    (void)state;
    need_mounts();
    for (int filter = 0; filter < FILTERS; filter++)
        expect_proc_error(world.root ? "-p $PID" : "-p 1", filter, world.root ? become_nobody : NULL, "denied");
}

static void procfs_covered(void **state)
{
    (void)state;
    need_mounts();
    for (int filter = 0; filter < FILTERS; filter++) {
        expect_proc_error("-p $PID", filter, cover_proc, "procfs");
        expect_proc_error("-p $PID", filter, cover_proc_by_a_part, "procfs");
        expect_proc_error("-p $PID", filter, cover_task, "procfs");
        expect_proc_error("-p $PID", filter, cover_task_by_another, "procfs");
    }
}

static void rows_need_no_procfs(void **state)
{
    (void)state;
    need_mounts();
    for (int filter = 0; filter < FILTERS; filter++) {
        struct ran r = run_tool(&(struct set_up){ .filter = filter, .before = cover_proc },
            "-b @/work:/work /work /work/a /work/s");
        expect_ran("rows without procfs", r, 0, "@/work\n@/work/a\n@/work/s\n", NULL);
    }
}

/* The runner dies while it is held: its files are not another's. */
static void task_dies_while_held(void **state)
{
    static struct dindbind_result result;
    struct dindbind_runner r = { 0 };
    (void)state;
    need_mounts();
    struct actor kept = runner;
    unsigned long long kept_start = world.start;
    start_runner_at(house_root, SAME_MOUNTS, "");
    r.pid = world.pid;
    assert_int_equal(dindbind_open(&r), 0);
    stop_runner();
    int error = dindbind_resolve(&r, "/etc/hostname", 0, &result);
    if (error && error != DINDBIND_E_GONE)
        flunk("a dead runner: %s", dindbind_word(error));
    dindbind_release(&result);
    dindbind_close(&r);
    runner = kept;
    world.pid = kept.pid;
    world.start = kept_start;
}

/* ---- -m ------------------------------------------------------------------------------------------------------- */

/* '#' is the number of the back end: each makes directories of its own. */
static const struct mkdir_case {
    const char *name, *source;
    bool good;
    const char *made, *never;
} mkdir_cases[] = {
    { "one directory", "/new#", true, "root/new#", NULL },
    { "several levels", "/deep#/a/b", true, "root/deep#/a/b", NULL },
    { "beneath another owner's", "/owned/a#/b", true, "root/owned/a#/b", NULL },
    { "below a bind row", "/work/new#/x", true, "work/new#/x", "root/work" },
    { "through a symlink to a directory", "/dirlink/new#", true, "root/etc/new#", NULL },
    { "through a symlink to /", "/slash/sl#/x", true, "root/sl#/x", NULL },
    { "after a symlink with too many ..", "/d/e/top/top#", true, "root/top#", "top#" },
    { "what is there", "/etc/empty", true, "root/etc/empty", NULL },
    { "a file that is there", "/f", true, NULL, NULL },
    { "a dangling symlink", "/dang", false, NULL, "root/nowhere" },
    { "below a dangling symlink", "/dang/x", false, NULL, "root/nowhere" },
    { "a dangling absolute symlink", "/dangabs", false, NULL, "root/nowhere" },
    { "below a dangling absolute symlink", "/dangabs/x", false, NULL, "root/nowhere" },
    { "after a symlink to a directory of the host", "/out/new#", false, NULL, "outside/new#" },
    { "a looping symlink", "/loop/x", false, NULL, NULL },
    { "below a file", "/f/x", false, NULL, NULL },
    { "a dangling symlink below a row", "/work/dang", false, NULL, "work/nowhere" },
    { "nothing is left behind: a name too long", "/part#/x/$N256", false, NULL, "root/part#" },
    { "nothing is left behind: a name too long, below a row", "/work/part#/x/$N256", false, NULL, "work/part#" },
    { "a read-only mount", "/rom/new#", false, NULL, "root/rom/new#" },
    { "a magic link", "/proc/self/root/magic#", false, NULL, "root/magic#" },
};

static void tight_umask(void)
{
    umask(077);
}

static char *with_number(const char *s, int n)
{
    char *copy = textf("%s", s);
    for (char *at = copy; (at = strchr(at, '#'));)
        *at = (char)('0' + n);
    return copy;
}

/* A new level belongs to the owner of what is above it, and has mode 0755. */
static void check_made(const char *path)
{
    struct stat made, above;
    if (lstat(path, &made) || lstat(textf("%s/..", path), &above))
        flunk("%s: not made: %s", path, strerror(errno));
    if (!S_ISDIR(made.st_mode) || (made.st_mode & 07777) != 0755 || made.st_uid != above.st_uid ||
        made.st_gid != above.st_gid)
        flunk("%s: mode %o, owner %u:%u below %u:%u", path, made.st_mode, made.st_uid, made.st_gid,
            above.st_uid, above.st_gid);
}

static void check_mkdir(void **state)
{
    const struct mkdir_case *c = *state;
    need_mounts();
    for (int filter = 0; filter < FILTERS; filter++) {
        struct stat st;
        const char *command = textf("-p $PID -b @/work:/work -m %s", with_number(c->source, filter));
        struct ran r = run_tool(&(struct set_up){ .filter = filter, .before = tight_umask }, command);
        if ((r.status == 0) != c->good || r.status == 2 || r.status > 3 || (r.outlen != 0) != c->good ||
            (r.errlen != 0) == c->good)
            flunk("-m %s on %s: status %d, %s%s", expand(c->source), filter_names[filter], r.status, r.out,
                r.err);
        if (c->made) {
            char *made = textf("%s/%s", world.dir, with_number(c->made, filter));
            check_made(made);
            r.out[r.outlen - 1] = 0;
            struct stat printed;
            assert_int_equal(lstat(made, &st) | lstat(r.out, &printed), 0);
            assert_int_equal(st.st_ino, printed.st_ino);
            for (char *up; strstr(c->made, "#/") && (up = strrchr(made, '/')) && !strchr(up, '0' + filter);) {
                *up = 0;                    /* the levels between */
                check_made(made);
            }
        }
        if (c->never && !lstat(textf("%s/%s", world.dir, with_number(c->never, filter)), &st))
            flunk("-m %s on %s made %s", c->source, filter_names[filter], with_number(c->never, filter));
    }
}

static void mkdir_for_specs(void **state)
{
    struct stat st;
    (void)state;
    expect("-m -b @/work:/work -v /work/spec/a:/x", 0, "@/work/spec/a:/x\n", NULL);
    check_made(expand("@/work/spec"));
    check_made(expand("@/work/spec/a"));
    expect("-m -b @/work:/work --mount type=bind,source=/work/mount,target=/x", 1, "",
        "dindbind: /work/mount: ");
    assert_int_equal(lstat(expand("@/work/mount"), &st), -1);
    expect("-b @/work:/work -v /work/without:/x", 1, "", "dindbind: /work/without: ");
    assert_int_equal(lstat(expand("@/work/without"), &st), -1);
}

/* The runner cannot write there: nor can it have dindbind write there. */
static void mkdir_never_below_a_read_only_row(void **state)
{
    struct stat st;
    (void)state;
    expect("-m -b @/ro:/ro:ro -R /ro/new", 1, "", "dindbind: /ro/new: ");
    assert_int_equal(lstat(expand("@/ro/new"), &st), -1);
}

static void mkdir_never_in_a_layer(void **state)
{
    struct stat st;
    (void)state;
    expect("-m -o lowerdir=@/l2:@/l1,upperdir=@/l3,workdir=@/lw$USERXATTR /up/new", 1, "", "dindbind: /up/new: ");
    assert_int_equal(lstat(expand("@/l3/up/new"), &st), -1);
    assert_int_equal(lstat(expand("@/l1/up/new"), &st), -1);
}

static void mkdir_leaves_the_umask(void **state)
{
    static struct dindbind_result result;
    struct dindbind_runner r;
    (void)state;
    view_of("-b @/work:/work", &r);
    umask(027);
    assert_int_equal(dindbind_open(&r), 0);
    assert_int_equal(dindbind_resolve(&r, "/work/by/library", DINDBIND_MKDIR, &result), 0);
    assert_int_equal(umask(0), 027);
    check_pin(&result);
    check_made(expand("@/work/by/library"));
    dindbind_release(&result);
    dindbind_close(&r);
}

/* ==== the library ======================================================================================= */

static void lib_words(void **state)
{
    (void)state;
    assert_string_equal(dindbind_word(0), "ok");
    assert_int_equal(dindbind_status(0), 0);
    for (int e = DINDBIND_E_SYSTEM; e <= DINDBIND_E_USAGE; e++) {
        const char *word = dindbind_word(e);
        assert_true(*word && strspn(word, "abcdefghijklmnopqrstuvwxyz") == strlen(word));
        for (int f = e + 1; f <= DINDBIND_E_USAGE; f++)
            assert_string_not_equal(word, dindbind_word(f));
        assert_int_equal(dindbind_status(e), e == DINDBIND_E_USAGE ? 2 : e > DINDBIND_E_GONE ? 1 : 3);
    }
    assert_string_equal(dindbind_word(DINDBIND_E_MISSING), "missing");
    assert_string_equal(dindbind_word(DINDBIND_E_XATTR), "xattr");
    assert_string_equal(dindbind_word(DINDBIND_E_EXISTS), "exists");
    static const int strange[] = { 1, 1000, -1000, INT_MAX, INT_MIN };
    for (size_t i = 0; i < COUNT(strange); i++) {
        assert_non_null(dindbind_word(strange[i]));
        assert_in_range(dindbind_status(strange[i]), 1, 3);
    }
}

static void lib_rows_that_cannot_be_meant(void **state)
{
    static const struct dindbind_bind rows[] = {
        { "h", "/h", 0, 0 }, { "/h", "h", 0, 0 }, { "", "/h", 0, 0 }, { "/h", "", 0, 0 }, { "/h", "/a/../b", 0, 0 },
        { "/h", "/a/", 0, 0 }, { "/h", "//a", 0, 0 }, { "/h", "/./a", 0, 0 },
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct dindbind_runner r = { .binds = rows + i, .nbinds = 1 };
        char message[512];
        int error = dindbind_open(&r);
        if (error != DINDBIND_E_USAGE)
            flunk("the row %s:%s: %s", rows[i].host, rows[i].path, dindbind_word(error));
        assert_true(*dindbind_message(&r, NULL, NULL, error, message, sizeof message));
        dindbind_close(&r);
    }
    struct dindbind_runner r = { .pid = -1 };
    assert_int_not_equal(dindbind_open(&r), 0);
    dindbind_close(&r);
}

static void lib_close_is_harmless(void **state)
{
    struct dindbind_runner r = { 0 };
    (void)state;
    dindbind_close(&r);
    assert_int_equal(fcntl(0, F_GETFD) == -1, 0);
    r = (struct dindbind_runner){ .pid = 4194305 };
    assert_int_equal(dindbind_open(&r), DINDBIND_E_GONE);
    dindbind_close(&r);
    dindbind_close(&r);
    assert_int_equal(fcntl(0, F_GETFD) == -1, 0);
    r = (struct dindbind_runner){ 0 };
    assert_int_equal(dindbind_open(&r), 0);
    dindbind_close(&r);
    dindbind_close(&r);
    assert_int_equal(fcntl(0, F_GETFD) == -1, 0);
}

/* Into buffers of every size: terminated, and not a byte too far (ASan watches the heap). */
static void lib_messages_are_cut(void **state)
{
    static struct dindbind_result result;
    struct dindbind_runner r;
    char whole[8192];
    (void)state;
    view_of("-o lowerdir=@/l2:@/l1$USERXATTR", &r);
    assert_int_equal(dindbind_open(&r), 0);
    int error = dindbind_resolve(&r, "/no\npe", 0, &result);
    assert_int_equal(error, DINDBIND_E_MISSING);
    dindbind_message(&r, "/no\npe", &result, error, whole, sizeof whole);
    assert_null(strchr(whole, '\n'));
    for (size_t size = 1; size < strlen(whole) + 3; size++) {
        char *buf = malloc(size);
        memset(buf, 'x', size);
        assert_ptr_equal(dindbind_message(&r, "/no\npe", &result, error, buf, size), buf);
        assert_true(memchr(buf, 0,
            size) && strlen(buf) == (size - 1 < strlen(whole) ? size - 1 : strlen(whole)));
        free(buf);
    }
    dindbind_release(&result);
    dindbind_close(&r);
}

static void count_line(void *arg, const char *line)
{
    assert_null(strchr(line, '\n'));
    ++*(int *)arg;
}

static void lib_trace(void **state)
{
    static struct dindbind_result result;
    struct dindbind_runner r;
    int lines = 0;
    (void)state;
    view_of("-b @/work:/work -o lowerdir=@/l2:@/l1$USERXATTR", &r);
    r.trace = count_line;
    r.trace_arg = &lines;
    assert_int_equal(dindbind_open(&r), 0);
    assert_int_equal(dindbind_resolve(&r, "/only/f", 0, &result), 0);
    dindbind_release(&result);
    assert_true(lines >= 2);                /* the rows that do not match, the layers that do */
    dindbind_close(&r);
}

/* Two threads, one runner. */
struct worker {
    const struct dindbind_runner *runner;
    const char *const *sources, *const *answers;
    int rounds, wrong;
};

static void *work(void *arg)
{
    struct worker *w = arg;
    struct dindbind_result *result = malloc(sizeof *result);
    for (int i = 0; i < w->rounds; i++) {
        int k = i % 3;
        int error = dindbind_resolve(w->runner, w->sources[k], 0, result);
        const char *got = result->kind == DINDBIND_SINGLE ? result->path : result->layers[0];
        if (error)
            got = dindbind_word(error);
        w->wrong += strcmp(got, w->answers[k]) != 0;
        dindbind_release(result);
    }
    free(result);
    return NULL;
}

static void two_threads(const char *view, const char *const sources[2][3], const char *const answers[2][3],
    int filter)
{
    pthread_t threads[2];
    struct dindbind_runner r;
    struct worker w[2];
    view_of(view, &r);
    assert_int_equal(dindbind_open(&r), 0);
    r.caps |= filter_caps[filter];
    for (int i = 0; i < 2; i++) {
        w[i] = (struct worker){ &r, sources[i], answers[i], 1000, 0 };
        assert_int_equal(pthread_create(threads + i, NULL, work, w + i), 0);
    }
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    dindbind_close(&r);
    assert_int_equal(w[0].wrong + w[1].wrong, 0);
}

static void lib_threads(void **state)
{
    (void)state;
    const char *const layer_sources[2][3] = { { "/only/f", "/nope", "/both" }, { "/both/a", "/up/f",
        "/only" } };
    const char *const layer_answers[2][3] = {
        { expand("@/l1/only/f"), "missing", expand("@/l2/both") },
        { expand("@/l1/both/a"), expand("@/l3/up/f"), expand("@/l1/only") },
    };
    for (int filter = 0; filter < FILTERS; filter++)
        two_threads("-o lowerdir=@/l2:@/l1,upperdir=@/l3,workdir=@/lw$USERXATTR", layer_sources, layer_answers,
            filter);
    need_mounts();
    const char *const proc_sources[2][3] = { { "/abs", "/nope", "/vol/f" }, { "/d/e/two", "/loop",
        "/work/a" } };
    const char *const proc_answers[2][3] = {
        { expand(PROC("/etc/hostname")), "missing", expand(PROC("/vol/f")) },
        { expand(PROC("/etc/hostname")), "loop", expand("@/work/a") },
    };
    for (int filter = 0; filter < FILTERS; filter++)
        two_threads("-p $PID -b @/work:/work", proc_sources, proc_answers, filter);
}

/* ---- Limits: 128 KiB; 20 system calls more than an empty static program makes -------------------------------- */

static int count_calls(const char *command)
{
    char line[8192];
    int calls = 0;
    const char *trace_file = expand("$BASE/strace");
    unlink(trace_file);
    if (system(textf("strace -f -o %s %s >/dev/null 2>&1", trace_file, command)))
        return -1;
    FILE *f = fopen(trace_file, "re");
    while (f && fgets(line, sizeof line, f))
        calls += strchr(line, '(') != NULL && !strstr(line, "+++ exited");
    if (f)
        fclose(f);
    return calls;
}

static void small(void **state)
{
    struct stat st;
    (void)state;
    need_mounts();
    need_limits();
    assert_int_equal(stat(expand("$BASE/dindbind"), &st), 0);
    print_message("    %lld bytes\n", (long long)st.st_size);
    assert_true(st.st_size <= 128 * 1024);
}

static void few_system_calls(void **state)
{
    (void)state;
    need_mounts();
    if (system("strace -o /dev/null true >/dev/null 2>&1"))
        skip_because("no strace, or it may not trace", true);
    need_limits();
    if (is_missing(SYS_openat2) || is_missing(SYS_statx))
        skip_because("openat2 or statx is missing: what stands for it makes more calls", true);
    put_file(expand("$BASE/empty.c"), "int main(void) { return 0; }\n");
    if (system(expand("cd $BASE && { musl-gcc -static -o empty empty.c || ${CC:-cc} -static -o empty empty.c; "
                      "} >/dev/null 2>&1")))
        flunk("no static program can be built");
    int empty = count_calls(expand("$BASE/empty")), ours = count_calls(expand("$BASE/dindbind -p $PID /etc"));
    print_message("    an empty static program: %d calls, one resolution: %d\n", empty, ours);
    assert_true(empty > 0 && ours > 0 && ours <= empty + 20);
}

/* A spec whose proc path can be mounted from here: the runner shares the caller's mount namespace. */
static void spec_in_the_same_namespace(void **state)
{
    struct stat want, got;
    (void)state;
    need_mounts();
    for (int filter = 0; filter < FILTERS; filter++) {
        struct ran r = run_tool(&(struct set_up){ .filter = filter }, "-p $PID -v /dirlink:/x");
        if (r.status || r.outlen < 4 || strcmp(r.out + r.outlen - 4, ":/x\n"))
            flunk("status %d, %s%s", r.status, r.out, r.err);
        r.out[r.outlen - 4] = 0;
        assert_int_equal(stat(r.out, &got) | stat(textf("%s/etc", house_root), &want), 0);
        assert_true(got.st_ino == want.st_ino && got.st_dev == want.st_dev);
    }
}

static int command_house(void **state)
{
    pivoted_house(state);
    grow(world.dir, "file l1/only/f x; dir l2/both; file l1/both/a x; file l3/up/f x; dir l1/up; dir lw;"
        " dir root/owned");
    if (world.root)
        grow(world.dir, "chown root/owned 1234 4321");
    return 0;
}

static void run_commands(void)
{
    static const struct { const char *name; CMUnitTestFunction call; } rest[] = {
        { "status 2 for what is wrong", check_wrong }, { "what is not understood is quoted", check_quoting },
        { "standard input", by_standard_input }, { "standard input: a record too long", input_too_long },
        { "standard input: a NUL in a line",
          input_with_nul }, { "standard input: each answer before more is sent", input_with_pauses },
        { "a write error on standard output is a failure", output_fails }, { "a pipe without a reader",
          output_has_no_reader },
        { "out of memory in a description", memory_fails },
        { "PID gone", task_gone }, { "a zombie is gone", task_is_a_zombie }, { "START mismatch",
          task_number_reused },
        { "no permission", task_denied }, { "something is mounted over procfs", procfs_covered },
        { "bind rows need no procfs", rows_need_no_procfs }, { "the runner dies while it is held",
          task_dies_while_held },
        { "at most 128 KiB", small },
        { "at most 20 system calls", few_system_calls },
        { "-m for -v, not for --mount", mkdir_for_specs }, { "-m never in a layer", mkdir_never_in_a_layer },
        { "-m never below a read-only row", mkdir_never_below_a_read_only_row },
        { "library: DINDBIND_MKDIR leaves the umask alone", mkdir_leaves_the_umask },
        { "library: words and status", lib_words }, { "library: rows that cannot be meant",
          lib_rows_that_cannot_be_meant },
        { "library: dindbind_close() is harmless", lib_close_is_harmless }, { "library: messages are cut",
          lib_messages_are_cut },
        { "library: trace", lib_trace }, { "library: two threads, one runner", lib_threads },
    };
    for (size_t i = 0; i < COUNT(commands); i++)
        add_test("command", commands[i].name, check_command, commands + i);
    for (size_t i = 0; i < COUNT(mkdir_cases); i++)
        add_test("-m", mkdir_cases[i].name, check_mkdir, mkdir_cases + i);
    for (size_t i = 0; i < COUNT(rest); i++)
        add_test("command", rest[i].name, rest[i].call, NULL);
    run_group("the command line", command_house, end_house);
    add_test("command", "a spec of a runner in the same mount namespace", spec_in_the_same_namespace, NULL);
    run_group("specs of a runner that is only chrooted", chrooted_house, end_house);
    add_test("command", "the eight mounts of a GitHub Actions job", github_set, NULL);
    run_group("the GitHub set", no_setup, NULL);
}

/* ==== main ============================================================================================== */

/* Without a mount namespace much is left to test. */
static int run_all(char **words)
{
    (void)words;
    static char tool[96];
    umask(0);
    world.mounts = own_mounts(world.base);
    world.root = world.mounts && is_real_root();
    own_operations = house_operations;
    snprintf(tool, sizeof tool, "%s/dindbind", world.base);
    tool_path = tool;
    if (!world.mounts)
        print_message("no mounts can be made here: no user namespace\n");
    if (!copy_tool(world.base)) {
        fprintf(stderr, "test: cannot copy the tool to %s: %s\n", tool, strerror(errno));
        return 1;
    }
    run_house();
    run_rows();
    run_layers();
    run_commands();
    printf("%d passed, %d failed, %d skipped\n", tests_passed, tests_failed, tests_skipped);
    fflush(stdout);
    return tests_failed != 0;
}

int main(void)
{
    return run_in_child("dindbind", world.base, run_all, NULL);
}
