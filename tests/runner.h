/* runner.h - scripts, and actors: children that obey orders, runners among them
 *
 * SPDX-License-Identifier: 0BSD
 *
 * Whoever includes it has said before how a test fails (flunk) and what the marks of a word stand for (expand_word).
 * cases.h and process.h do that for their suites.
 */
#ifndef RUNNER_H
#define RUNNER_H

#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include "world.h"

/* ---- Scripts (the little language in world.h) ------------------------------------------------------------ */

/* An operation with its words: w[0] is its name, and after the last one comes NULL. -1 and errno where it fails. */
typedef int operation(char *const w[]);

struct operation_row {
    const char *name;
    operation *run;
    bool makes;                 /* what w[1] names; directories above it that are missing come into being with it */
};

static inline int op_dir(char *const w[])
{
    if (mkdir(w[1], 0755) && errno != EEXIST)
        return -1;
    return w[2] ? chmod(w[1], (mode_t)strtoul(w[2], NULL, 8)) : 0;
}

static inline int op_file(char *const w[]) { return put_file(w[1], w[2] ? w[2] : "") ? 0 : -1; }
static inline int op_link(char *const w[]) { return symlink(w[2], w[1]); }
static inline int op_hard(char *const w[]) { return link(w[2], w[1]); }
static inline int op_move(char *const w[]) { return rename(w[2], w[1]); }
static inline int op_sock(char *const w[]) { return mknod(w[1], S_IFSOCK | 0755, 0); }
static inline int op_fifo(char *const w[]) { return mkfifo(w[1], 0644); }
static inline int op_wh(char *const w[]) { return mknod(w[1], S_IFCHR | 0644, 0); }
static inline int op_chmod(char *const w[]) { return chmod(w[1], (mode_t)strtoul(w[2], NULL, 8)); }
static inline int op_rm(char *const w[]) { return unlink(w[1]); }
static inline int op_rmdir(char *const w[]) { return rmdir(w[1]); }
static inline int op_cd(char *const w[]) { return chdir(w[1]); }
static inline int op_bind(char *const w[]) { return mount(w[1], w[2], NULL, MS_BIND | MS_REC, NULL); }
static inline int op_bindone(char *const w[]) { return mount(w[1], w[2], NULL, MS_BIND, NULL); }
static inline int op_umount(char *const w[]) { return umount2(w[1], MNT_DETACH | UMOUNT_NOFOLLOW); }

static inline int op_chown(char *const w[])
{
    return lchown(w[1], (uid_t)atoi(w[2]), (gid_t)atoi(w[3] ? w[3] : w[2]));
}

static inline int op_xattr(char *const w[])
{
    return lsetxattr(w[1], w[2], w[3] ? w[3] : "", w[3] ? strlen(w[3]) : 0, 0);
}

static inline int make_node(char *const w[], mode_t type)
{
    return mknod(w[1], type | 0644, makedev((unsigned)atoi(w[2]), (unsigned)atoi(w[3])));
}

static inline int op_chr(char *const w[]) { return make_node(w, S_IFCHR); }
static inline int op_blk(char *const w[]) { return make_node(w, S_IFBLK); }

/* Made, or where that is not allowed, the one of the system bound over a file. */
static inline int op_device(char *const w[])
{
    struct stat st;
    if (stat(w[2], &st))
        return -1;
    if (!mknod(w[1], (st.st_mode & S_IFMT) | 0666, st.st_rdev))
        return 0;
    return put_file(w[1], "") ? mount(w[2], w[1], NULL, MS_BIND, NULL) : -1;
}

static inline int op_tmpfs(char *const w[])
{
    if (mkdir(w[1], 0755) && errno != EEXIST)
        return -1;
    return mount("t", w[1], "tmpfs", 0, w[2] ? w[2] : "mode=755");
}

static inline int op_proc(char *const w[])
{
    if (mkdir(w[1], 0755) && errno != EEXIST)
        return -1;
    return mount("/proc", w[1], NULL, MS_BIND | MS_REC, NULL);
}

static inline int op_orphan(char *const w[])
{
    char from[512];
    snprintf(from, sizeof from, "%s.gone", w[1]);
    return mkdir(w[1], 0755) || mkdir(from, 0755) || mount(from, w[1], NULL, MS_BIND, NULL) || rmdir(from) ? -1 : 0;
}

static inline int op_over(char *const w[])
{
    return mount("o", w[1], "overlay", 0, "lowerdir=/m:/w");
}

static inline int change_mount(const char *path, unsigned long flags)
{
    return mount(NULL, path, NULL, flags, NULL);
}

static inline int op_ro(char *const w[]) { return change_mount(w[1], MS_REMOUNT | MS_BIND | MS_RDONLY); }
static inline int op_shared(char *const w[]) { return change_mount(w[1], MS_REC | MS_SHARED); }
static inline int op_slave(char *const w[]) { return change_mount(w[1], MS_REC | MS_SLAVE); }
static inline int op_private(char *const w[]) { return change_mount(w[1], MS_REC | MS_PRIVATE); }
static inline int op_unbindable(char *const w[]) { return change_mount(w[1], MS_UNBINDABLE); }

static inline int op_is(char *const w[])
{
    if (is_text(w[1], w[2] ? w[2] : ""))
        return 0;
    errno = EILSEQ;
    return -1;
}

static inline int op_there(char *const w[])
{
    struct stat st;
    return lstat(w[1], &st);
}

static inline int op_gone(char *const w[])
{
    struct stat st;
    if (lstat(w[1], &st))
        return errno == ENOENT ? 0 : -1;
    errno = EEXIST;
    return -1;
}

static const struct operation_row operations[] = {
    { "dir", op_dir, true },            /* PATH [MODE] */
    { "file", op_file, true },          /* PATH [TEXT] */
    { "link", op_link, true },          /* PATH TARGET */
    { "hard", op_hard, true },          /* PATH EXISTING */
    { "move", op_move, true },          /* PATH OLD */
    { "sock", op_sock, true },          /* PATH */
    { "fifo", op_fifo, true },          /* PATH */
    { "wh", op_wh, true },              /* PATH: a whiteout */
    { "chr", op_chr, true },            /* PATH MAJOR MINOR */
    { "blk", op_blk, true },            /* PATH MAJOR MINOR */
    { "device", op_device, true },      /* PATH MODEL */
    { "xattr", op_xattr, false },       /* PATH NAME [VALUE] */
    { "chmod", op_chmod, false },       /* PATH MODE */
    { "chown", op_chown, false },       /* PATH USER [GROUP], the same number where there is one */
    { "rm", op_rm, false },             /* PATH */
    { "rmdir", op_rmdir, false },       /* PATH */
    { "cd", op_cd, false },             /* PATH */
    { "bind", op_bind, false },         /* PATH PLACE, with the mounts below */
    { "bindone", op_bindone, false },   /* PATH PLACE, without them */
    { "ro", op_ro, false },             /* PLACE */
    { "tmpfs", op_tmpfs, true },        /* PLACE [OPTIONS] */
    { "proc", op_proc, true },          /* PLACE: what is at /proc */
    { "orphan", op_orphan, true },      /* PLACE: a mount of a directory that has no name any more */
    { "over", op_over, false },         /* PLACE: an overlay of /m and /w */
    { "umount", op_umount, false },     /* PLACE */
    { "shared", op_shared, false },     /* PLACE */
    { "slave", op_slave, false },       /* PLACE */
    { "private", op_private, false },   /* PLACE */
    { "unbindable", op_unbindable, false },     /* PLACE, without the mounts below */
    { "is", op_is, false },             /* PATH TEXT: what the file holds */
    { "there", op_there, false },       /* PATH: it exists */
    { "gone", op_gone, false },         /* PATH: it does not */
};

/* Those that only this suite has, a list that ends with an empty row; or NULL. */
__attribute__((unused))
static const struct operation_row *own_operations;

static inline const struct operation_row *find_operation(const char *name)
{
    for (size_t i = 0; i < COUNT(operations); i++)
        if (!strcmp(operations[i].name, name))
            return &operations[i];
    for (const struct operation_row *o = own_operations; o && o->name; o++)
        if (!strcmp(o->name, name))
            return o;
    return NULL;
}

/* What cannot be made here is for the operation to report. */
static inline void make_parents(char *path)
{
    for (char *s = strchr(path + 1, '/'); s; s = strchr(s + 1, '/')) {
        *s = 0;
        mkdir(path, 0755);
        *s = '/';
    }
}

/* 0 or an errno. */
static inline int do_operation(char *const w[], int n)
{
    const struct operation_row *o = n >= 2 ? find_operation(w[0]) : NULL;
    if (!o)
        return EINVAL;
    if (o->makes)
        make_parents(w[1]);
    return o->run(w) ? errno : 0;
}

/* 0 or an errno. */
static inline int do_script(const char *script)
{
    enum { MOST = 4 };
    for (const char *end; script += strspn(script, "; "), *script; script = end) {
        char *w[MOST + 1] = { 0 };
        int n = 0;
        end = script + strcspn(script, ";");
        for (const char *p = script; p < end && n < MOST; n++) {
            size_t len = strcspn(p, " ;");
            w[n] = expand_word(p, len);
            p += len;
            p += strspn(p, " ");
        }
        int err = do_operation(w, n);
        if (err) {
            fprintf(stderr, "script: %s %s %s: %s\n", w[0], w[1] ? w[1] : "", w[2] ? w[2] : "", strerror(err));
            return err;
        }
    }
    return 0;
}

/* ---- Actors: children that do what they are asked to, where they are, and report ------------------------- */

/* The report: 0, or an errno, or whatever is agreed on. Functions are where they are in every child. */
typedef int deed(const char *arg);

struct actor {
    pid_t pid;
    int sock;
};

struct order {
    deed *call;
    char arg[4096];
};

/* Returns in the actor too: with the PID 0. */
static inline struct actor fork_actor(void)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
        flunk("socketpair: %s", strerror(errno));
    fflush(stdout);
    pid_t pid = fork();
    if (pid < 0)
        flunk("fork: %s", strerror(errno));
    close(pair[!pid ? 0 : 1]);
    if (!pid) {
        am_child = true;
        prctl(PR_SET_PDEATHSIG, SIGKILL);
    }
    return (struct actor){ pid, pair[!pid ? 1 : 0] };
}

/* The actor's side: the report on how it began, then orders. */
static inline _Noreturn void obey(int sock, int report)
{
    struct order o;
    while (write(sock, &report, sizeof report) == sizeof report && read(sock, &o, sizeof o) == sizeof o)
        report = o.call(o.arg);
    _exit(0);
}

static inline int report_of(const struct actor *a)
{
    int report = -1;
    if (read(a->sock, &report, sizeof report) != sizeof report)
        flunk("an actor is gone");
    return report;
}

static inline void began(const struct actor *a, const char *how)
{
    int err = report_of(a);
    if (err)
        flunk("an actor does not begin: %s: %s", how, strerror(err));
}

static inline struct actor start_actor(deed *first, const char *arg)
{
    struct actor a = fork_actor();
    if (!a.pid)
        obey(a.sock, first ? first(arg) : 0);
    began(&a, arg);
    return a;
}

static inline int ask(const struct actor *a, deed *call, const char *arg)
{
    struct order o = { .call = call };
    snprintf(o.arg, sizeof o.arg, "%s", arg);
    if (write(a->sock, &o, sizeof o) != sizeof o)
        flunk("an actor takes no order");
    return report_of(a);
}

/* It must work, or the test shows nothing. */
static inline void have(const struct actor *a, deed *call, const char *arg)
{
    int err = ask(a, call, arg);
    if (err)
        flunk("an actor: %s: %s", arg, strerror(err));
}

static inline void end_actor(struct actor *a)
{
    if (a->pid <= 0)
        return;
    kill(a->pid, SIGKILL);
    waitpid(a->pid, NULL, 0);
    close(a->sock);
    a->pid = 0;
}

/* ---- Runners: actors with a root, and as a rule mounts, of their own -------------------------------------- */

enum runner_kind {
    CHROOTED = 1,               /* its root is changed, not the one of its mount namespace */
    OWN_USER = 2,               /* in a user namespace of its own */
    SHARED = 4,                 /* its mounts are */
    SAME_MOUNTS = 8,            /* chrooted in the mount namespace of the test */
    SLAVE_OF_HOST = 16,         /* what the host mounts later shows in it */
};

static inline int map_root(unsigned uid, unsigned gid)
{
    char uids[64], gids[64];
    snprintf(uids, sizeof uids, "0 %u 1", uid);
    snprintf(gids, sizeof gids, "0 %u 1", gid);
    return write_proc("/proc/self/setgroups", "deny") && write_proc("/proc/self/uid_map", uids) &&
           write_proc("/proc/self/gid_map", gids) ? 0 : errno;
}

static inline int runner_namespaces(const char *root, int kind)
{
    if (unshare(CLONE_NEWNS | (kind & OWN_USER ? CLONE_NEWUSER : 0)))
        return errno;
    int err = kind & OWN_USER ? map_root(0, 0) : 0;
    if (err)
        return err;
    if (change_mount("/", MS_REC | (kind & SLAVE_OF_HOST ? MS_SLAVE : MS_PRIVATE)) ||
        mount(root, root, NULL, MS_BIND | MS_REC, NULL))
        return errno;
    return 0;
}

/* `before`, when not NULL, happens in the mount namespace of the runner, which is not yet at its root. 0 or an
 * errno. */
static inline int enter_root(const char *root, int kind, deed *before, const char *arg)
{
    int err = kind & SAME_MOUNTS ? 0 : runner_namespaces(root, kind);
    if (!err && before)
        err = before(arg);
    if (err)
        return err;
    if (kind & (CHROOTED | SAME_MOUNTS))
        err = chroot(root);
    else
        err = chdir(root) || syscall(SYS_pivot_root, ".", ".") || umount2(".", MNT_DETACH);
    if (err || chdir("/"))
        return errno;
    return kind & SHARED && change_mount("/", MS_REC | MS_SHARED) ? errno : 0;
}

static inline struct actor runner_in(const char *root, int kind, deed *before, const char *arg)
{
    struct actor a = fork_actor();
    if (!a.pid)
        obey(a.sock, enter_root(root, kind, before, arg));
    began(&a, arg);
    return a;
}

#endif
