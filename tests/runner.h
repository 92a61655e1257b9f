/* runner.h - the runner of a case: scripts that lay out what it has, and a child that obeys them from inside
 *
 * SPDX-License-Identifier: 0BSD
 *
 * Scripts are in the little language of world.h.
 */
#ifndef RUNNER_H
#define RUNNER_H

#include <sys/socket.h>

#include "cases.h"

/* ---- Scripts --------------------------------------------------------------------------------------------- */

/* An operation with its one or two words. -1 and errno where it fails. */
typedef int operation(const char *a, const char *b);

struct operation_row {
    const char *name;
    operation *run;
};

static inline int op_dir(const char *a, const char *b) { (void)b; return mkdir(a, 0755); }
static inline int op_file(const char *a, const char *b) { return put_file(a, b) ? 0 : -1; }
static inline int op_link(const char *a, const char *b) { return symlink(b, a); }
static inline int op_hard(const char *a, const char *b) { return link(b, a); }
static inline int op_move(const char *a, const char *b) { return rename(b, a); }
static inline int op_sock(const char *a, const char *b) { (void)b; return mknod(a, S_IFSOCK | 0755, 0); }
static inline int op_fifo(const char *a, const char *b) { (void)b; return mkfifo(a, 0644); }
static inline int op_wh(const char *a, const char *b) { (void)b; return mknod(a, S_IFCHR | 0644, 0); }
static inline int op_chmod(const char *a, const char *b) { return chmod(a, (mode_t)strtoul(b, NULL, 8)); }
static inline int op_chown(const char *a, const char *b) { return chown(a, (uid_t)atoi(b), (gid_t)atoi(b)); }
static inline int op_rm(const char *a, const char *b) { (void)b; return unlink(a); }
static inline int op_rmdir(const char *a, const char *b) { (void)b; return rmdir(a); }
static inline int op_cd(const char *a, const char *b) { (void)b; return chdir(a); }
static inline int op_bind(const char *a, const char *b) { return mount(a, b, NULL, MS_BIND | MS_REC, NULL); }
static inline int op_bindone(const char *a, const char *b) { return mount(a, b, NULL, MS_BIND, NULL); }
static inline int op_tmpfs(const char *a, const char *b) { return mount("t", a, "tmpfs", 0, b ? b : "mode=755"); }
static inline int op_umount(const char *a, const char *b) { (void)b; return umount2(a, MNT_DETACH); }

static inline int change_mount(const char *path, unsigned long flags)
{
    return mount(NULL, path, NULL, flags, NULL);
}

static inline int op_ro(const char *a, const char *b) { (void)b; return change_mount(a, MS_REMOUNT | MS_BIND | MS_RDONLY); }
static inline int op_shared(const char *a, const char *b) { (void)b; return change_mount(a, MS_REC | MS_SHARED); }
static inline int op_slave(const char *a, const char *b) { (void)b; return change_mount(a, MS_REC | MS_SLAVE); }
static inline int op_private(const char *a, const char *b) { (void)b; return change_mount(a, MS_REC | MS_PRIVATE); }

static inline int op_over(const char *a, const char *b)
{
    (void)b;
    return mount("o", a, "overlay", 0, "lowerdir=/m:/w");
}

static inline int op_is(const char *a, const char *b)
{
    if (is_text(a, b))
        return 0;
    errno = EILSEQ;
    return -1;
}

static const struct operation_row operations[] = {
    { "dir", op_dir },          /* PATH */
    { "file", op_file },        /* PATH TEXT */
    { "link", op_link },        /* PATH TARGET */
    { "hard", op_hard },        /* PATH EXISTING */
    { "move", op_move },        /* PATH OLD */
    { "sock", op_sock },        /* PATH */
    { "fifo", op_fifo },        /* PATH */
    { "wh", op_wh },            /* PATH: a whiteout */
    { "chmod", op_chmod },      /* PATH MODE */
    { "chown", op_chown },      /* PATH ID, user and group */
    { "rm", op_rm },            /* PATH */
    { "rmdir", op_rmdir },      /* PATH */
    { "cd", op_cd },            /* PATH */
    { "bind", op_bind },        /* PATH PLACE, with the mounts below */
    { "bindone", op_bindone },  /* PATH PLACE, without them */
    { "ro", op_ro },            /* PLACE */
    { "tmpfs", op_tmpfs },      /* PLACE [OPTIONS] */
    { "over", op_over },        /* PLACE: an overlay of /m and /w */
    { "umount", op_umount },    /* PLACE */
    { "shared", op_shared },    /* PLACE */
    { "slave", op_slave },      /* PLACE */
    { "private", op_private },  /* PLACE */
    { "is", op_is },            /* PATH TEXT: what the file holds */
};

/* Those that only this suite has, a list that ends with an empty row; or NULL. */
static const struct operation_row *own_operations;

static inline operation *find_operation(const char *name)
{
    for (size_t i = 0; i < COUNT(operations); i++)
        if (!strcmp(operations[i].name, name))
            return operations[i].run;
    for (const struct operation_row *o = own_operations; o && o->name; o++)
        if (!strcmp(o->name, name))
            return o->run;
    return NULL;
}

/* 0 or an errno. */
static inline int do_operation(char *const words[], int n)
{
    operation *run = n >= 2 ? find_operation(words[0]) : NULL;
    if (!run)
        return n < 2 ? EINVAL : ENOTSUP;
    return run(words[1], words[2]) ? errno : 0;
}

/* A script that was expanded before. 0 or an errno. */
static inline int do_script(const char *script)
{
    char copy[8192];
    char *save = NULL, *words = NULL;
    snprintf(copy, sizeof copy, "%s", script);
    for (char *op = strtok_r(copy, ";", &save); op; op = strtok_r(NULL, ";", &save)) {
        char *f[4] = { 0 };
        int n = 0;
        for (char *w = strtok_r(op, " ", &words); w && n < 3; w = strtok_r(NULL, " ", &words)) {
            f[n++] = w;
            for (; (w = strchr(w, 2)); *w = ' ')
                ;
        }
        int err = do_operation(f, n);
        if (err) {
            fprintf(stderr, "script: %s %s %s: %s\n", f[0] ? f[0] : "", f[1] ? f[1] : "", f[2] ? f[2] : "",
                    strerror(err));
            return err;
        }
    }
    return 0;
}

/* For what is split at spaces later: those in the name of the runner's root do not separate. */
static inline char *expand_words(const char *s)
{
    char was[sizeof world.merged];
    memcpy(was, world.merged, sizeof was);
    for (char *p = world.merged; (p = strchr(p, ' ')); )
        *p = 2;
    char *out = expand(s);
    memcpy(world.merged, was, sizeof was);
    return out;
}

/* Expanded operation by operation: one of them may decide what ^ is from then on. */
static inline void must(const char *script)
{
    char *copy = textf("%s", script), *save = NULL;
    for (char *op = strtok_r(copy, ";", &save); op; op = strtok_r(NULL, ";", &save))
        if (do_script(expand_words(op)))
            flunk("script failed: %s", expand(op));
}

/* ---- The runner ------------------------------------------------------------------------------------------ */

enum { CHROOTED = 1, OWN_USER = 2 };

struct order {
    char script[4096];
};

static inline _Noreturn void be_runner(int kind, const char *before, int sock)
{
    const char *root = world.merged;
    struct order o;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (unshare(CLONE_NEWNS | (kind & OWN_USER ? CLONE_NEWUSER : 0)))
        _exit(90);
    if (kind & OWN_USER)
        if (!write_proc("/proc/self/setgroups", "deny") || !write_proc("/proc/self/uid_map", "0 0 1") ||
            !write_proc("/proc/self/gid_map", "0 0 1"))
            _exit(91);
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) || mount(root, root, NULL, MS_BIND | MS_REC, NULL) ||
        do_script(before))
        _exit(92);
    if (kind & CHROOTED ? chroot(root) : chdir(root) || syscall(SYS_pivot_root, ".", ".") ||
        umount2(".", MNT_DETACH))
        _exit(93);
    if (chdir("/"))
        _exit(94);
    int err = 0;
    do {
        if (write(sock, &err, sizeof err) != sizeof err || read(sock, &o, sizeof o) != sizeof o)
            _exit(0);
        err = do_script(o.script);
    } while (1);
}

/* `before` runs in its mount namespace, before it enters its root ^. */
static inline void start_runner(int kind, const char *before)
{
    int pair[2], err = -1;
    char *script = expand_words(before);
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
        flunk("socketpair: %s", strerror(errno));
    world.pid = fork();
    if (!world.pid) {
        close(pair[0]);
        be_runner(kind, script, pair[1]);
    }
    close(pair[1]);
    world.sock = pair[0];
    if (read(world.sock, &err, sizeof err) != sizeof err || err)
        flunk("no runner: %s", script);
}

/* In the runner, with its own paths. The script was expanded before: a thread that gives orders must not use the pool.
 * 0 or an errno. */
static inline int order(const char *script)
{
    struct order o = { 0 };
    int err = -1;
    snprintf(o.script, sizeof o.script, "%s", script);
    if (write(world.sock, &o, sizeof o) != sizeof o || read(world.sock, &err, sizeof err) != sizeof err)
        flunk("the runner is gone");
    return err;
}

static inline void order_must(const char *script)
{
    char *words = expand_words(script);
    int err = order(words);
    if (err)
        flunk("in the runner: %s: %s", words, strerror(err));
}

static inline void stop_runner(void)
{
    if (world.pid > 0) {
        kill(world.pid, SIGKILL);
        waitpid(world.pid, NULL, 0);
        close(world.sock);
    }
    world.pid = 0;
}

#endif
