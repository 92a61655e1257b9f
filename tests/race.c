/* race.c - a runner that swaps everything under the look-ups, as fast as it can
 *
 * SPDX-License-Identifier: 0BSD
 *
 * White-box: dindbind.c is included, so that each back end (openat2, and the walk by components) can be chosen.
 *
 *     race [-n RESOLUTIONS] [-t SECONDS] [-s SEED]
 *
 * until both are reached, over all phases together (what the process inside asks is not counted). The runner lies in
 * mount and PID namespaces of its own; its root is an overlay, entered by pivot_root(2) or only by chroot(2). One of
 * its threads exchanges directories, files and symlinks (inside, outside, dangling, magic), another one mounts, moves
 * and unmounts. Two threads on the outside share one opened runner and ask for names in the middle of that; a process
 * inside asks for its own (self).
 *
 * Everything that a name can mean in the runner is known by device and inode, and so is the secret: what the same
 * names mean in the caller's root. Each answer must be something of the runner's that its name can mean, or one of a
 * few errors. Controls do the same as a careless tool would: plain open(2) and mkdir(2) through /proc/PID/root, and
 * lstat(2) of every component before the open(2). Where they are not seen to reach the secret the race proves
 * nothing, and that is a failure too.
 *
 * All in a mount namespace of the test's own (an ordinary user gets a user namespace for it). The last line on
 * standard output counts what passed, failed and was skipped.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define DINDBIND_NO_MAIN
#include "../dindbind.c"
#include "world.h"

/* ==== what there is ===================================================================================== */

/* A tree: itself, f, d, d/f, and two links: up to .., d/back to .. */
enum tree { A, B, D, E, VA, VB, P, Q, M1, M2, T, SECRET, SECRET2, TREES };
enum part { ROOT, FILE_F, DIR_D, FILE_DF, TREE_PARTS };

#define BIT(tree, part) (UINT64_C(1) << ((tree) * TREE_PARTS + (part)))
#define LONE (UINT64_C(1) << 60)        /* /w/file */
#define ROW_TREES (UINT64_C(0xff) << (VA * TREE_PARTS))
#define SECRETS (UINT64_C(0xff) << (SECRET * TREE_PARTS))

static const char *const tree_names[TREES] = { "a", "b", "deep", "esc", "va", "vb", "p", "q", "m1", "m2", "t",
                                               "the secret /esc", "the secret /nowhere/x" };

struct object {
    dev_t dev;
    ino_t ino;
    uint64_t bit;
};

enum op { RESOLVE, SELF, ROWS, HOST, STAGE, MAKE, OPS };
static const char *const op_names[OPS] = { "resolve", "self", "rows only", "host", "stage", "mkdir" };

enum control { PLAIN, CHECKED, PLAIN_ROW, PLAIN_MKDIR, CONTROLS };
static const char *const control_names[CONTROLS] = { "open", "lstat, then open", "open of a row's path", "mkdir" };

enum { CODES = 32, THREADS = 2, PATIENCE_MS = 60000 };

/* Shared by all processes of a phase. */
static struct shared {
    atomic_bool go, stop;
    atomic_ulong swaps, mounts;
    atomic_ulong answers[OPS], errors[OPS][CODES], wrong[OPS];
    atomic_ulong tries[CONTROLS], escapes[CONTROLS];
    struct object objects[TREES * TREE_PARTS + 1];
    size_t nobjects;
    dev_t devs[3];              /* of the runner's file systems */
} *sh;

static struct {
    bool root;
    char base[64], dir[32];
    pid_t pid;
    unsigned long resolutions, seconds, seed;
} world = { .seconds = 12 };

static int tests_passed, tests_failed, tests_skipped;

static unsigned rnd(unsigned *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

__attribute__((format(printf, 2, 3)))
static void wrong(enum op op, const char *format, ...)
{
    char line[2 * DINDBIND_PATH_MAX];
    va_list ap;
    if (sh->wrong[op]++ > 4)
        return;
    va_start(ap, format);
    vsnprintf(line, sizeof line, format, ap);
    va_end(ap);
    fprintf(stderr, "WRONG: %s: %s\n", op_names[op], line);
}

static _Noreturn void die(const char *what)
{
    fprintf(stderr, "race: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void new_file(const char *path, const char *text)
{
    if (!write_text(path, text, O_CREAT | O_EXCL))
        die(path);
}

static void make_dir(const char *path)
{
    if (mkdir(path, 0755))
        die(path);
}

static void make_link(const char *target, const char *path)
{
    if (symlink(target, path))
        die(path);
}

static void make_tree(const char *path, const char *text)
{
    make_dir(path);
    new_file(pathf("%s/f", path), text);
    make_dir(pathf("%s/d", path));
    new_file(pathf("%s/d/f", path), text);
    make_link("..", pathf("%s/up", path));
    make_link("..", pathf("%s/d/back", path));
}

static void know(const char *path, uint64_t bit)
{
    struct stat st;
    if (lstat(path, &st))
        die(path);
    sh->objects[sh->nobjects++] = (struct object){ st.st_dev, st.st_ino, bit };
}

static void know_tree(const char *path, enum tree t)
{
    static const char *const parts[TREE_PARTS] = { "", "/f", "/d", "/d/f" };
    for (int k = 0; k < TREE_PARTS; k++)
        know(pathf("%s%s", path, parts[k]), BIT(t, k));
}

/* What a descriptor is; 0: nothing that is known. */
static uint64_t what_is(int fd)
{
    struct stat st;
    if (fd < 0 || fstat(fd, &st))
        return 0;
    for (size_t i = 0; i < sh->nobjects; i++)
        if (sh->objects[i].ino == st.st_ino && sh->objects[i].dev == st.st_dev)
            return sh->objects[i].bit;
    return 0;
}

static const char *name_bit(uint64_t bit)
{
    static const char *const parts[TREE_PARTS] = { "", "/f", "/d", "/d/f" };
    for (int t = 0; t < TREES; t++)
        for (int k = 0; k < TREE_PARTS; k++)
            if (bit == BIT(t, k))
                return pathf("%s%s", tree_names[t], parts[k]);
    return bit == LONE ? "file" : "an inode that the name cannot mean";
}

/* ==== the runner ======================================================================================== */

enum { CHROOTED = 1 };

static const char *const slots[] = { "/w/x", "/w/a", "/w/b", "/w/in", "/w/out", "/w/dang", "/w/magic", "/w/file" };
static const char *const row_slots[] = { "/vol/x", "/vol/va", "/vol/vb", "/vol/in", "/vol/out", "/vol/dang",
                                         "/vol/beside" };

static bool exchange(const char *a, const char *b)
{
    return !renameat2(AT_FDCWD, a, AT_FDCWD, b, RENAME_EXCHANGE);
}

static void *swap_names(void *arg)
{
    static const char *const ds[] = { "/w/a/d", "/w/b/d", "/w/x/d", "/w/deep/er/d" };
    unsigned seed = (unsigned)world.seed * 7 + 1, done = 0;
    (void)arg;
    while (!sh->stop) {
        unsigned r = rnd(&seed) >> 3, which = r % 16;
        if (which < 7)
            done += exchange("/w/x", slots[1 + r / 16 % (COUNT(slots) - 1)]);
        else if (which < 9)
            done += exchange(ds[r / 16 % 4], ds[r / 64 % 4]);
        else if (which < 13)
            done += exchange("/vol/x", row_slots[1 + r / 16 % (COUNT(row_slots) - 1)]);
        else if (which < 14)
            done += exchange("/mnt/l", "/mnt/k");
        else if (which < 15)
            done += exchange("/w/made", "/w/madelink");
        else {
            rmdir("/w/made");
            rmdir("/w/madelink");
        }
        if (done > 256) {
            sh->swaps += done;
            done = 0;
        }
    }
    return NULL;
}

static void *swap_mounts(void *arg)
{
    unsigned seed = (unsigned)world.seed * 11 + 5, done = 0;
    (void)arg;
    while (!sh->stop) {
        const char *p = rnd(&seed) & 8 ? "/mnt/p" : "/mnt/q";
        switch (rnd(&seed) >> 4 & 7) {
        case 0: done += !mount("/vol/m1", p, NULL, MS_BIND, NULL); break;
        case 1: done += !mount("/t/t", p, NULL, MS_BIND, NULL); break;
        case 2: done += !mount("/vol/m2", pathf("%s/d", p), NULL, MS_BIND, NULL); break;
        case 3: done += !mount(p, p[5] == 'p' ? "/mnt/q" : "/mnt/p", NULL, MS_MOVE, NULL); break;
        case 4: done += !mount("/vol/m1/f", pathf("%s/f", p), NULL, MS_BIND, NULL); break;
        case 5: done += !umount2(pathf("%s/d", p), MNT_DETACH); break;
        default:
            while (!umount2(p, MNT_DETACH | UMOUNT_NOFOLLOW))
                done++;
            umount2(pathf("%s/f", p), MNT_DETACH);
        }
        if (done > 64) {
            sh->mounts += done;
            done = 0;
        }
        if (!(rnd(&seed) & 31))
            usleep(500);        /* the mount lock would else starve all others */
    }
    return NULL;
}

static void furnish(void)
{
    make_dir("/w");
    make_tree("/w/a", "inside");
    make_tree("/w/b", "inside");
    make_dir("/w/deep");
    make_tree("/w/deep/er", "inside");
    make_tree("/esc", "inside");
    make_link("/esc", "/w/in");
    make_link("../../../../../../esc", "/w/out");
    make_link("/nowhere/x", "/w/dang");
    make_link("/proc/self/root/esc", "/w/magic");
    make_link("a", "/w/x");
    new_file("/w/file", "inside");
    make_link("/esc", "/w/madelink");
    make_dir("/mnt");
    make_tree("/mnt/p", "inside");
    make_tree("/mnt/q", "inside");
    make_link("p", "/mnt/l");
    make_link("/mnt/q", "/mnt/k");
    make_tree("/vol/va", "inside");
    make_tree("/vol/vb", "inside");
    make_tree("/vol/m1", "inside");
    make_tree("/vol/m2", "inside");
    make_link("va", "/vol/x");
    make_link("vb", "/vol/beside");
    make_link("/esc", "/vol/in");
    make_link("../../esc", "/vol/out");
    make_link("/nowhere/x", "/vol/dang");
    make_dir("/t");
    if (mount("t", "/t", "tmpfs", 0, "mode=755"))
        die("/t");
    make_tree("/t/t", "inside");
}

static void ask_self(unsigned caps);

static _Noreturn void be_runner(int kind, unsigned caps, int ready)
{
    pthread_t thread[2];
    const char *root = pathf("%s/merged", world.dir);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    umask(022);
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) || mount(root, root, NULL, MS_BIND | MS_REC, NULL) ||
        mkdir(pathf("%s/vol", root), 0755) ||
        mount(pathf("%s/vol", world.dir), pathf("%s/vol", root), NULL, MS_BIND | MS_REC, NULL) ||
        mkdir(pathf("%s/proc", root), 0755) || mount("proc", pathf("%s/proc", root), "proc", 0, NULL))
        die("the runner's mounts");
    if (kind & CHROOTED ? chroot(root) : chdir(root) || syscall(SYS_pivot_root, ".", ".") || umount2(".", MNT_DETACH))
        die("the runner's root");
    if (chdir("/"))
        die("/");
    furnish();
    pid_t self = fork();
    if (!self) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        ask_self(caps);
        _exit(0);
    }
    if (write(ready, "r", 1) != 1)
        die("pipe");
    while (!sh->go)
        usleep(1000);
    if (pthread_create(&thread[0], NULL, swap_names, NULL) || pthread_create(&thread[1], NULL, swap_mounts, NULL))
        die("thread");
    pthread_join(thread[0], NULL);
    pthread_join(thread[1], NULL);
    waitpid(self, NULL, 0);
    for (;;)
        pause();
}

/* ==== what is asked ===================================================================================== */

#define R4(part, a, b, c, d) (BIT(a, part) | BIT(b, part) | BIT(c, part) | BIT(d, part))
#define INDEX(error) (DINDBIND_E_USAGE - (error))
#define ERR(word) (1u << INDEX(DINDBIND_E_##word))

static const struct name {
    const char *source;
    uint64_t may;               /* what it can mean */
    bool row;                   /* below the row /vol */
} names[] = {
    /* the first four are those that the checking control asks for */
    { "/w/x", R4(ROOT, A, B, E, E) | LONE, false },
    { "/w/x/f", R4(FILE_F, A, B, E, E), false },
    { "/w/x/d", R4(DIR_D, A, B, D, E), false },
    { "/w/x/d/f", R4(FILE_DF, A, B, D, E), false },
    { "/w/x/d/back/f", R4(FILE_F, A, B, D, E), false },
    { "/w/x/up/x/f", R4(FILE_F, A, B, E, E), false },
    { "/w/x/d/back/up/x/d/f", R4(FILE_DF, A, B, D, E), false },
    { "/w/a/d/back", R4(ROOT, A, B, D, E), false },
    { "/mnt/p", R4(ROOT, P, M1, T, T), false },
    { "/mnt/p/f", R4(FILE_F, P, M1, T, T), false },
    { "/mnt/p/d", R4(DIR_D, P, M1, T, T) | BIT(M2, ROOT), false },
    { "/mnt/q/d/f", R4(FILE_DF, Q, M1, T, T) | BIT(M2, FILE_F), false },
    { "/mnt/l/f", R4(FILE_F, P, Q, M1, T), false },
    { "/mnt/l/d/back/f", R4(FILE_F, P, Q, M1, T), false },
    { "/vol/x", R4(ROOT, VA, VB, E, E), true },
    { "/vol/x/f", R4(FILE_F, VA, VB, E, E), true },
    { "/vol/x/d/f", R4(FILE_DF, VA, VB, E, E) | R4(FILE_DF, A, B, D, E), true },
    { "/vol/x/d/back/f", R4(FILE_F, VA, VB, E, E) | R4(FILE_F, A, B, D, E), true },
};

static const unsigned may_fail[OPS] = {
    [RESOLVE] = ERR(MISSING) | ERR(NOTDIR) | ERR(LOOP) | ERR(CHANGED),
    [SELF] = ERR(MISSING) | ERR(NOTDIR) | ERR(LOOP) | ERR(CHANGED),
    [ROWS] = ERR(MISSING) | ERR(NOTDIR) | ERR(LOOP) | ERR(CHANGED) | ERR(ESCAPE),
    [HOST] = ERR(FOREIGN) | ERR(NESTED) | ERR(CHANGED),
    [STAGE] = ERR(FOREIGN) | ERR(NESTED) | ERR(CHANGED),       /* NESTED: a directory with mounts came or went */
    [MAKE] = ERR(MISSING) | ERR(NOTDIR) | ERR(LOOP) | ERR(CHANGED) | ERR(EXISTS),
};

static bool failed_as_it_may(enum op op, const char *source, int rc, const struct dindbind_result *res)
{
    sh->errors[op][INDEX(rc) % CODES]++;
    if (!(may_fail[op] & 1u << INDEX(rc)))
        wrong(op, "%s: error %s (%s), %s", source, dindbind_word(rc), strerror(res->sys_errno), res->path);
    return true;
}

static void check_answer(enum op op, const struct name *n, const struct dindbind_result *res)
{
    char text[16] = "";
    uint64_t bit = what_is(res->fd);
    bool is_file = bit & (R4(FILE_F, A, B, D, E) | R4(FILE_DF, A, B, D, E));
    sh->answers[op]++;
    if (!(bit & n->may)) {
        struct stat st = { 0 };
        fstat(res->fd, &st);
        wrong(op, "%s: %s is %s (device %llx, inode %llu)", n->source, res->path, name_bit(bit),
              (unsigned long long)st.st_dev, (unsigned long long)st.st_ino);
    }
    if (!is_file || sh->answers[op] % 64)
        return;
    int fd = open(pathf("/proc/thread-self/fd/%d", res->fd), O_RDONLY | O_CLOEXEC);
    if (fd < 0 || read(fd, text, sizeof text - 1) < 0 || strcmp(text, "inside"))
        wrong(op, "%s: contents %s", n->source, text);
    if (fd >= 0)
        close(fd);
}

/* Is `path` the directory `dir` or below it? */
static bool lies_in(const char *path, const char *dir)
{
    size_t n = strlen(dir);
    return !strncmp(path, dir, n) && (!path[n] || path[n] == '/');
}

/* The runner's overlay, its volume, or a stage: that is a mount of ours, too, that holds what is the runner's. */
static bool lies_in_runner(const char *path)
{
    return lies_in(path, pathf("%s/merged", world.dir)) || lies_in(path, pathf("%s/vol", world.dir)) ||
           (lies_in(path, pathf("%s-stage", world.dir)) && strcmp(path, pathf("%s-stage", world.dir)));
}

/* The string can be old already; the directory that it lies in cannot. */
static void ask_host(const struct dindbind_runner *r, const struct name *n, struct dindbind_result *res)
{
    struct dindbind_mount *below = NULL;
    size_t nbelow = 0;
    int rc = dindbind_host(r, res, &below, &nbelow);
    if (rc) {
        failed_as_it_may(HOST, n->source, rc, res);
        return;
    }
    check_answer(HOST, n, res);
    if (!lies_in_runner(res->path))
        wrong(HOST, "%s: %s", n->source, res->path);
    for (size_t i = 0; i < nbelow; i++)
        if (!lies_in_runner(below[i].path) || !lies_in(below[i].source, "/mnt"))
            wrong(HOST, "%s: below: %s at %s", n->source, below[i].path, below[i].source);
    free(below);
}

static void ask_stage(const struct dindbind_runner *r, const struct name *n, struct dindbind_result *res)
{
    struct dindbind_result *const one[] = { res };
    struct stat a, b;
    int err = 0, rc = dindbind_stage(r, pathf("%s-stage", world.dir), one, 1, &err);
    if (rc) {
        res->sys_errno = err;
        failed_as_it_may(STAGE, n->source, rc, res);
        return;
    }
    check_answer(STAGE, n, res);
    int fd = open(res->path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &a) || fstat(res->fd, &b) || a.st_ino != b.st_ino || a.st_dev != b.st_dev)
        wrong(STAGE, "%s: %s is something else", n->source, res->path);
    if (fd >= 0 && S_ISDIR(b.st_mode)) {
        int f = openat(fd, "f", O_PATH | O_NOFOLLOW | O_CLOEXEC);
        uint64_t bit = what_is(f);
        if (f >= 0 && (!bit || bit & SECRETS))
            wrong(STAGE, "%s: f in %s is %s", n->source, res->path, name_bit(bit));
        if (f >= 0)
            close(f);
    }
    if (fd >= 0)
        close(fd);
    rc = dindbind_unstage(NULL, res->path, &err);
    if (rc || !stat(res->path, &a))
        wrong(STAGE, "unstage %s: %s %s", res->path, dindbind_word(rc), strerror(err));
}

/* New directories: their ancestor must be one that the name can mean; then they are taken away again. */
static void ask_make(const struct dindbind_runner *r, unsigned thread, unsigned kind)
{
    static const struct { const char *above; uint64_t may; } makes[] = {
        { "/w/x", R4(ROOT, A, B, E, E) },
        { "/w/x/d", R4(DIR_D, A, B, D, E) },
        { "/vol/x", R4(ROOT, VA, VB, E, E) },
        { "/w/made", BIT(E, ROOT) },    /* made too, and then exchanged for a link to /esc */
    };
    struct dindbind_result res;
    struct stat st = { 0 };
    const char *name = pathf("new%u", thread), *source = pathf("%s/%s/k", makes[kind].above, name);
    int rc = dindbind_resolve(r, source, DINDBIND_MKDIR, &res);
    if (rc) {
        failed_as_it_may(MAKE, source, rc, &res);
        dindbind_release(&res);
        return;
    }
    sh->answers[MAKE]++;
    int parent = openat(res.fd, "..", O_PATH | O_DIRECTORY | O_CLOEXEC), top = -1;
    if (parent >= 0)
        top = openat(parent, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
    uint64_t bit = what_is(top);
    bool own = !fstat(res.fd, &st) && S_ISDIR(st.st_mode) &&
               (st.st_dev == sh->devs[0] || st.st_dev == sh->devs[1] || st.st_dev == sh->devs[2]);
    if (!own || (st.st_mode & 07777) != 0755 || (bit ? !(bit & makes[kind].may) : kind != 3))
        wrong(MAKE, "%s: %s made in %s (mode %o, device %llx)", source, res.path, name_bit(bit), st.st_mode,
              (unsigned long long)st.st_dev);
    if (parent < 0 || unlinkat(parent, "k", AT_REMOVEDIR))
        wrong(MAKE, "%s: cannot be removed again: %s", source, strerror(errno));
    else if (top >= 0)
        unlinkat(top, name, AT_REMOVEDIR);
    if (top >= 0)
        close(top);
    if (parent >= 0)
        close(parent);
    dindbind_release(&res);
}

/* ==== controls ========================================================================================== */

static void control_open(enum control c, const char *path)
{
    int fd = open(path, O_PATH | O_CLOEXEC);
    sh->tries[c]++;
    if (fd < 0)
        return;
    if (what_is(fd) & SECRETS)
        sh->escapes[c]++;
    close(fd);
}

/* As a tool that knows of symlinks does it: look at every component, then open. */
static void control_checked(const char *source)
{
    char path[256];
    int n = snprintf(path, sizeof path, "/proc/%d/root", world.pid);
    struct stat st;
    for (const char *p = source; *p;) {
        size_t len = 1 + strcspn(p + 1, "/");
        memcpy(path + n, p, len);
        n += (int)len;
        path[n] = 0;
        p += len;
        if (lstat(path, &st) || S_ISLNK(st.st_mode))
            return;
    }
    control_open(CHECKED, path);
}

static void control_mkdir(unsigned thread)
{
    const char *outside[] = { pathf("/esc/ctl%u", thread), pathf("/nowhere/x/ctl%u", thread) };
    sh->tries[PLAIN_MKDIR]++;
    if (mkdir(pathf("/proc/%d/root/w/x/ctl%u", world.pid, thread), 0755))
        return;
    for (int i = 0; i < 2; i++)
        if (!rmdir(outside[i]))
            sh->escapes[PLAIN_MKDIR]++;
}

/* ==== the threads ======================================================================================= */

struct worker {
    const struct dindbind_runner *live, *rows;
    unsigned number;
};

static void *ask(void *arg)
{
    const struct worker *w = arg;
    struct dindbind_result res;
    unsigned seed = (unsigned)world.seed * 13 + w->number * 77 + 3;
    while (!sh->stop) {
        const struct name *n = &names[(rnd(&seed) >> 4) % COUNT(names)];
        unsigned what = (rnd(&seed) >> 4) % 256;
        if (what < 8)
            control_open(PLAIN, pathf("/proc/%d/root%s", world.pid, n->source));
        else if (what < 28)
            control_checked(names[what % 4].source);
        else if (what < 30)
            control_mkdir(w->number);
        else if (what < 34 && n->row)
            control_open(PLAIN_ROW, pathf("%s%s", world.dir, n->source));
        else if (what < 48)
            ask_make(w->live, w->number, what % 4);
        else if (what < 64 && n->row) {
            int rc = dindbind_resolve(w->rows, n->source, 0, &res);
            if (rc)
                failed_as_it_may(ROWS, n->source, rc, &res);
            else
                check_answer(ROWS, &(struct name){ n->source, n->may & ROW_TREES, true }, &res);
            dindbind_release(&res);
        } else {
            bool stage = what == 255;
            int rc = dindbind_resolve(w->live, n->source, stage ? DINDBIND_TO_STAGE : 0, &res);
            if (rc)
                failed_as_it_may(RESOLVE, n->source, rc, &res);
            else
                check_answer(RESOLVE, n, &res);
            if (!rc && stage)
                ask_stage(w->live, n, &res);
            else if (!rc && what > 245)
                ask_host(w->live, n, &res);
            dindbind_release(&res);
        }
    }
    return NULL;
}

/* From within. There is no way out of there to be seen; what a name means is just as uncertain. */
static void ask_self(unsigned caps)
{
    struct dindbind_runner r = { .self = 1 };
    struct dindbind_result res;
    unsigned seed = (unsigned)world.seed * 17 + 9;
    int rc = dindbind_open(&r);
    if (rc) {
        wrong(SELF, "open: %s", dindbind_word(rc));
        return;
    }
    r.caps |= caps;
    setpriority(PRIO_PROCESS, 0, 15);   /* it does nothing else, and would have most of the processor */
    while (!sh->go)
        usleep(1000);
    while (!sh->stop) {
        const struct name *n = &names[(rnd(&seed) >> 4) % COUNT(names)];
        rc = dindbind_resolve(&r, n->source, 0, &res);
        if (rc)
            failed_as_it_may(SELF, n->source, rc, &res);
        else
            check_answer(SELF, n, &res);
        dindbind_release(&res);
    }
    dindbind_close(&r);
}

/* ==== a phase =========================================================================================== */

/* Resolutions from the outside. */
static unsigned long asked(void)
{
    unsigned long n = 0;
    for (int op = 0; op < OPS; op++)
        if (op == RESOLVE || op == ROWS || op == MAKE) {
            n += sh->answers[op];
            for (int e = 0; e < CODES; e++)
                n += sh->errors[op][e];
        }
    return n;
}

static bool all_escape(void)
{
    bool all = true;
    for (int c = 0; c < CONTROLS; c++)
        all &= sh->escapes[c] > 0;
    return all;
}

static size_t count_lines(const char *path)
{
    FILE *f = fopen(path, "re");
    size_t n = 0;
    for (int c; f && (c = getc(f)) != EOF;)
        n += c == '\n';
    if (f)
        fclose(f);
    return n;
}

static void verdict(bool good, const char *format, const char *a, const char *b)
{
    char line[256];
    snprintf(line, sizeof line, format, a, b);
    printf("%s %s\n", good ? "ok     " : "FAILED ", line);
    tests_passed += good;
    tests_failed += !good;
}

/* Nothing in the secret but what was there. */
static bool untouched(const char *dir)
{
    static const char *const there[] = { ".", "..", "f", "d", "up", "back" };
    bool good = true;
    struct stat st;
    for (int deep = 0; deep < 2; deep++) {
        const char *at = deep ? pathf("%s/d", dir) : dir;
        DIR *d = opendir(at);
        for (struct dirent *e; d && (e = readdir(d));) {
            bool known = false;
            for (size_t i = 0; i < COUNT(there); i++)
                known |= !strcmp(e->d_name, there[i]);
            if (!known)
                fprintf(stderr, "WRONG: outside: %s/%s\n", at, e->d_name);
            good &= known;
        }
        good &= d && !stat(at, &st) && (st.st_mode & 07777) == 0755 && st.st_uid == geteuid();
        if (d)
            closedir(d);
    }
    return good;
}

/* What `mkdir` made and could not hand out has to be gone: in none of the trees is a new0 or new1. */
static size_t leftovers(void)
{
    static const char *const dirs[] = { "w/x", "w/a", "w/b", "w/in", "w/out", "w/dang", "w/magic", "w/file",
        "w/deep/er",
                                        "esc", "vol/x", "vol/va", "vol/vb", "vol/in", "vol/out", "vol/dang",
                                        "vol/beside" };
    size_t n = 0;
    struct stat st;
    for (size_t i = 0; i < COUNT(dirs); i++)
        for (unsigned k = 0; k < 2 * THREADS; k++) {
            const char *top = pathf("/proc/%d/root/%s", world.pid, dirs[i]);
            if (!lstat(top, &st) && S_ISDIR(st.st_mode) &&
                !lstat(pathf("%s/%snew%u", top, k % 2 ? "d/" : "", k / 2), &st)) {
                fprintf(stderr, "WRONG: left in the runner: %s/%snew%u\n", dirs[i], k % 2 ? "d/" : "", k / 2);
                n++;
            }
        }
    return n;
}

static void report(const char *phase)
{
    printf("-- %s: %lu resolutions against %lu exchanges and %lu mounts\n", phase, asked(), sh->swaps, sh->mounts);
    for (int op = 0; op < OPS; op++) {
        printf("   %-12s %8lu answers", op_names[op], sh->answers[op]);
        for (int e = 0; e < CODES; e++)
            if (sh->errors[op][e])
                printf(", %lu %s", sh->errors[op][e], dindbind_word(DINDBIND_E_USAGE - e));
        printf("\n");
    }
    for (int c = 0; c < CONTROLS; c++)
        printf("   control, %-21s %7lu of %7lu escape\n", control_names[c], sh->escapes[c], sh->tries[c]);
}

static void know_all(void)
{
    static const struct { const char *path; enum tree tree; } trees[] = {
        { "/w/a", A }, { "/w/b", B }, { "/w/deep/er", D }, { "/esc", E }, { "/vol/va", VA }, { "/vol/vb", VB },
        { "/mnt/p", P }, { "/mnt/q", Q }, { "/vol/m1", M1 }, { "/vol/m2", M2 }, { "/t/t", T },
    };
    static const char *const devs[] = { "/w", "/vol/va", "/t" };
    struct stat st;
    for (size_t i = 0; i < COUNT(trees); i++)
        know_tree(pathf("/proc/%d/root%s", world.pid, trees[i].path), trees[i].tree);
    know(pathf("/proc/%d/root/w/file", world.pid), LONE);
    know_tree("/esc", SECRET);
    know_tree("/nowhere/x", SECRET2);
    for (size_t i = 0; i < COUNT(devs); i++) {
        if (stat(pathf("/proc/%d/root%s", world.pid, devs[i]), &st))
            die(devs[i]);
        sh->devs[i] = st.st_dev;
    }
}

static unsigned long now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (unsigned long)t.tv_sec * 1000 + (unsigned long)t.tv_nsec / 1000000;
}

static unsigned long run_phase(const char *phase, int kind, unsigned caps, unsigned long resolutions,
                               unsigned long ms)
{
    static int number;
    int ready[2], err;
    char c, vol[64];
    snprintf(world.dir, sizeof world.dir, "/c%d", number++);
    make_dir(world.dir);
    memset(sh, 0, sizeof *sh);
    if (mount("t", world.dir, "tmpfs", 0, "mode=755"))
        die(world.dir);
    static const char *const dirs[] = { "low", "up", "work", "merged", "vol" };
    for (size_t i = 0; i < COUNT(dirs); i++)
        make_dir(pathf("%s/%s", world.dir, dirs[i]));
    if (mount("v", pathf("%s/vol", world.dir), "tmpfs", 0, "mode=755") ||
        mount("o", pathf("%s/merged", world.dir), "overlay", 0,
              pathf("lowerdir=%s/low,upperdir=%s/up,workdir=%s/work%s", world.dir, world.dir, world.dir,
                    world.root ? "" : ",userxattr")) || pipe2(ready, O_CLOEXEC))
        die("the case's mounts");
    fflush(NULL);
    world.pid = (pid_t)syscall(SYS_clone, CLONE_NEWNS | CLONE_NEWPID | SIGCHLD, NULL, NULL, NULL, NULL);
    if (world.pid < 0)
        die("clone");
    if (!world.pid)
        be_runner(kind, caps, ready[1]);
    close(ready[1]);
    if (read(ready[0], &c, 1) != 1)
        die("no runner");
    close(ready[0]);
    know_all();

    snprintf(vol, sizeof vol, "%s/vol", world.dir);
    const struct dindbind_bind row = { .host = vol, .path = "/vol" };
    struct dindbind_runner live = { .pid = world.pid, .binds = &row, .nbinds = 1 };
    struct dindbind_runner rows = { .binds = &row, .nbinds = 1 };
    size_t mounts = count_lines("/proc/self/mountinfo");
    int descriptors = count_descriptors();
    if ((err = dindbind_open(&live)) || (err = dindbind_open(&rows)))
        die(dindbind_word(err));
    live.caps |= caps;
    rows.caps |= caps;
    pthread_t thread[THREADS];
    struct worker workers[THREADS];
    unsigned long start = now_ms();
    sh->go = true;
    for (unsigned i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){ &live, &rows, i };
        if (pthread_create(&thread[i], NULL, ask, &workers[i]))
            die("thread");
    }
    /* a busy machine makes it longer, not weaker */
    while (now_ms() - start < ms || asked() < resolutions || (!all_escape() && now_ms() - start < ms + PATIENCE_MS))
        usleep(20000);
    sh->stop = true;
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(thread[i], NULL);
    usleep(200000);             /* nothing depends on it: the runner counts its last swaps */
    dindbind_close(&live);
    dindbind_close(&rows);

    report(phase);
    for (int op = 0; op < OPS; op++)
        verdict(!sh->wrong[op] && sh->answers[op], "%s: %s: each answer is the runner's", phase, op_names[op]);
    for (int k = 0; k < CONTROLS; k++)
        verdict(sh->escapes[k], "%s: control: %s is seen to escape (else: race too weak)", phase, control_names[k]);
    verdict(untouched("/esc") && untouched("/nowhere/x"), "%s: nothing made outside%s", phase, "");
    verdict(!leftovers(), "%s: nothing left in the runner%s", phase, "");
    err = 0;
    int rc = dindbind_unstage(NULL, pathf("%s-stage", world.dir), &err);
    verdict(!rc && count_lines("/proc/self/mountinfo") == mounts && access(pathf("%s-stage", world.dir), F_OK),
            "%s: no mount left%s", phase, "");
    verdict(count_descriptors() == descriptors, "%s: no descriptor left%s", phase, "");
    kill(world.pid, SIGKILL);
    waitpid(world.pid, NULL, 0);
    verdict(waitpid(-1, NULL, __WALL | WNOHANG) < 0 && errno == ECHILD, "%s: no child left%s", phase, "");
    umount2(pathf("%s/merged", world.dir), MNT_DETACH);
    umount2(vol, MNT_DETACH);
    umount2(world.dir, MNT_DETACH);
    return asked();
}

/* ==== main ============================================================================================== */

/* A root of our own, which holds nothing but /proc and the secret. */
static bool enter_world(void)
{
    world.root = is_real_root();
    if (!own_mounts(world.base) || !own_root(world.base))
        return false;
    make_tree("/esc", "secret");
    make_dir("/nowhere");
    make_tree("/nowhere/x", "secret");
    return true;
}

static int run_all(char **words)
{
    static const struct { const char *name; int kind; unsigned caps; } phases[] = {
        { "openat2, pivot_root", 0, 0 },
        { "walk, pivot_root", 0, CAPS_NO_OPENAT2 },
        { "openat2, chroot", CHROOTED, 0 },
        { "walk, chroot", CHROOTED, CAPS_NO_OPENAT2 },
    };
    unsigned long total = 0, n = COUNT(phases);
    (void)words;
    sh = mmap(NULL, sizeof *sh, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (sh == MAP_FAILED)
        die("mmap");
    if (!enter_world()) {
        printf("no mount namespace can be made here: %s\n", strerror(errno));
        tests_skipped++;
        tests_failed += !geteuid();
    } else {
        for (size_t i = 0; i < n; i++) {
            unsigned long left = world.resolutions > total ? world.resolutions - total : 0;
            total += run_phase(phases[i].name, phases[i].kind, phases[i].caps, (left + n - i - 1) / (n - i),
                               world.seconds * 1000 / n);
        }
        printf("%lu resolutions\n", total);
    }
    printf("%d passed, %d failed, %d skipped\n", tests_passed, tests_failed, tests_skipped);
    fflush(stdout);
    return tests_failed != 0;
}

int main(int argc, char **argv)
{
    world.seed = 1;
    for (int c; (c = getopt(argc, argv, "n:t:s:")) != -1;)
        switch (c) {
        case 'n': world.resolutions = strtoul(optarg, NULL, 10); break;
        case 't': world.seconds = strtoul(optarg, NULL, 10); break;
        case 's': world.seed = strtoul(optarg, NULL, 10); break;
        default: fprintf(stderr, "race [-n RESOLUTIONS] [-t SECONDS] [-s SEED]\n"); return 2;
        }
    setvbuf(stdout, NULL, _IOLBF, 0);
    return run_in_child("race", world.base, run_all, NULL);
}
