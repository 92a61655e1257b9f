/* differential.c - the layer walk against the kernel's own overlayfs
 *
 * SPDX-License-Identifier: 0BSD
 *
 * usage: differential [-n ROUNDS] [-s SEED] [-t SECONDS]
 *
 * A round makes one stack of layers, mounts it as an overlay, hands the mount options to dindbind with
 * pid 0, and asks both for the same paths:
 *
 *   the kernel    openat2(overlay, path, O_PATH) with RESOLVE_IN_ROOT, as the runner would walk
 *   dindbind      dindbind_resolve()
 *
 * An error must be the error that belongs to the kernel's. An answer is taken at its word: what it
 * says to mount is compared with what the overlay shows there, down to the last file.
 *
 *   single        the file or the whole tree that the answer's descriptor is open on
 *   merged        a read-only overlay of just these directories, mounted for the purpose
 *   metacopy      attributes of the first file, bytes of the second
 *
 * Where the kernel has an answer dindbind may refuse, since not everything can be said with directories
 * of layers; but never in a stack that overlayfs itself made without an absolute redirect, and not too
 * often elsewhere.
 *
 * Stacks come from two sources. Some are made by overlayfs: mount, change at random, unmount, and the
 * upperdir is the next lowerdir. Others are made by hand, as image extractors and bad actors do it: each
 * attribute that means something to overlayfs, in places and with values that it would not choose. Some
 * of the first kind are tampered with afterwards.
 *
 * Everything is mounted in a mount namespace of this process and goes away with it. An ordinary user
 * gets a user namespace as well; trusted.* cannot be read there, so that only userxattr is tested.
 *
 * Round R of seed S is round 0 of seed S+R: one failing round is repeated with -s and -n 1.
 */
#define _GNU_SOURCE
#include "../dindbind.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <sched.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#include "world.h"

/* Newer than some headers; one number on every architecture since Linux 5.0. */
#ifndef SYS_move_mount
#define SYS_move_mount 429
#endif
#ifndef SYS_fsopen
#define SYS_fsopen 430
#endif
#ifndef SYS_fsconfig
#define SYS_fsconfig 431
#endif
#ifndef SYS_fsmount
#define SYS_fsmount 432
#endif
#ifndef SYS_openat2
#define SYS_openat2 437
#endif

enum { CFG_FLAG = 0, CFG_STRING = 1, CFG_FD = 5, CFG_CREATE = 6 };
enum { CLOEXEC_FSOPEN = 1, CLOEXEC_FSMOUNT = 1, ATTR_RDONLY = 1, FROM_EMPTY_PATH = 4 };
enum { NO_MAGICLINKS = 0x02, IN_ROOT = 0x10 };
enum { OPTION_PAGE = 4095 };    /* mount(2) cuts its data here */

struct how { uint64_t flags, mode, resolve; };

/* A sixth argument that no call has: tests/old_kernel.c lets it pass. */
static const long OWN_CALL = 0x0dac1e;

/* ---- Small things ----------------------------------------------------------------------------------- */

struct list { char **v; size_t n, cap; };

/* Which word the stack is mounted with; WORD_NONE leaves it out. */
enum word { WORD_NONE, WORD_ON, WORD_OFF, WORD_FOLLOW, WORD_NOFOLLOW };
static const char *const word_text[] = { "", "on", "off", "follow", "nofollow" };

/* How the overlay is mounted, and with that what dindbind is handed. */
enum form {
    FORM_STRING,        /* mount(2), and the string given to it */
    FORM_MOUNTINFO,     /* mount(2), and what mountinfo shows of it */
    FORM_ADD,           /* lowerdir+= and datadir+=, and mountinfo */
    FORM_ADD_FD,        /* the same with descriptors instead of names */
    FORMS
};
static const char *const form_text[] = { "mount(2) string", "mountinfo", "lowerdir+, mountinfo",
                                         "lowerdir+ by descriptor, mountinfo" };

enum relative { ABSOLUTE, RELATIVE_LOWER /* containerd */, RELATIVE_ALL /* docker, many layers */ };
enum origin { BY_KERNEL, TAMPERED, BY_HAND, ORIGINS };
static const char *const origin_text[] = { "made by the kernel", "tampered with", "by hand" };

struct stack {
    struct list layers;         /* topmost first; [0] is the upperdir if there is one */
    struct list data;           /* data-only layers */
    struct list targets;        /* what hand-made redirects point at, see redirect_by_hand() */
    enum word redirect, metacopy;
    enum relative relative;
    enum origin origin;
    int userxattr, has_upper, rdonly;
    int strict;                 /* refusals are failures */
    int odd_names, many, on_ext4;
    char base[64];              /* what relative layers are relative to */
    char work[96];
};

static struct {
    uint64_t rng, seed, round_seed;
    unsigned serial;            /* names, contents and sizes that never repeat within a round */
    int trusted;                /* trusted.* xattrs work: real root */
    int ext4, new_api, by_fd;
    char stage[32], over[32], sub[32], empty[32], ext[32];      /* layers; the two mounts; ... */
    char why[2048];             /* the last difference */
    int stale;                  /* the kernel said ESTALE on the way to it: see involves_alias() */
    char options[65536];        /* the last mount(2) */
    char handed[65536];         /* what dindbind was handed; must not change while its runner is open */
    int listed;                 /* this round's layers have been printed */

    unsigned long stacks[ORIGINS], strict_stacks, ext4_stacks, many_stacks, unmountable, unreadable;
    unsigned long paths[ORIGINS], refused[ORIGINS];
    unsigned long single, merged, metacopy, error[32], forms[FORMS];
    unsigned long rw, empty_below, bare, bare_holds, aliases, failed, passed;
} T;

static uint64_t rnd(void)       /* splitmix64 */
{
    uint64_t z = (T.rng += 0x9e3779b97f4a7c15u);

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static unsigned below(size_t n) { return n ? (unsigned)(rnd() % n) : 0; }
static int chance(unsigned percent) { return below(100) < percent; }

static void die(const char *what)
{
    printf("differential: %s: %s\n0 passed, 1 failed, 0 skipped\n", what, strerror(errno));
    exit(1);
}

static void list_add(struct list *l, const char *s)
{
    if (l->n == l->cap) {
        l->cap = l->cap ? 2 * l->cap : 16;
        l->v = realloc(l->v, l->cap * sizeof *l->v);
        if (!l->v)
            die("memory");
    }
    l->v[l->n] = strdup(s);
    if (!l->v[l->n++])
        die("memory");
}

static void list_free(struct list *l)
{
    for (size_t i = 0; i < l->n; i++)
        free(l->v[i]);
    free(l->v);
    *l = (struct list){ 0 };
}

static int list_has(const struct list *l, const char *s)
{
    for (size_t i = 0; i < l->n; i++)
        if (strcmp(l->v[i], s) == 0)
            return 1;
    return 0;
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Sorted and each once: the order of readdir is no part of a seed. */
static void list_tidy(struct list *l)
{
    size_t kept = 0;

    if (l->n)
        qsort(l->v, l->n, sizeof *l->v, by_bytes);
    for (size_t i = 0; i < l->n; i++)
        if (kept && strcmp(l->v[kept - 1], l->v[i]) == 0)
            free(l->v[i]);
        else
            l->v[kept++] = l->v[i];
    l->n = kept;
}

/* out = a/b; an empty half brings no slash. `out` may be `a`. */
static void join(char out[PATH_MAX], const char *a, const char *b)
{
    size_t na = strlen(a), nb = strlen(b);

    if (na + nb + 2 > PATH_MAX) {
        errno = ENAMETOOLONG;
        die("path");
    }
    memmove(out, a, na);
    if (na && nb)
        out[na++] = '/';
    memcpy(out + na, b, nb + 1);
}

/* Bytes that a terminal survives, in a form that printf(1) reads back. */
static void print_quoted(const char *s)
{
    for (; *s; s++)
        if (*s == '\\' || *s == '\'')
            printf("\\%c", *s);
        else if (*s < ' ' || *s > '~')
            printf("\\%03o", (unsigned)(unsigned char)*s);
        else
            putchar(*s);
}

static int openat2_path(int dirfd, const char *path, uint64_t flags)
{
    struct how how = { flags | O_CLOEXEC, 0, IN_ROOT | NO_MAGICLINKS };
    int fd = -1;

    /* EAGAIN: a rename somewhere on this machine crossed the walk. A busy machine has many, and the oracle must not be
     * the one that gives up. */
    for (int tries = 0; tries < 1000000; tries++) {
        fd = (int)syscall(SYS_openat2, dirfd, *path ? path : ".", &how, sizeof how, 0L, OWN_CALL);
        if (fd >= 0 || (errno != EAGAIN && !(errno == ELOOP && tries < 3)))
            break;              /* ELOOP: or the kernel started anew, and counted the links of both walks */
    }
    return fd;
}

/* The names in a directory, sorted. A failing readdir keeps what was read: see rule 28 of overlayfs
 * lookup, which is why names are always looked up afterwards. */
static int list_dir(int dirfd, const char *path, struct list *names)
{
    int fd = openat(dirfd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    struct dirent *entry;

    if (!dir) {
        if (fd >= 0)
            close(fd);
        return -1;
    }
    while ((entry = readdir(dir)))
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            list_add(names, entry->d_name);
    closedir(dir);
    list_tidy(names);
    return 0;
}

/* Every path below root/rel, parents first, without following links. */
static void walk(const char *root, const char *rel, int depth, struct list *paths)
{
    struct list names = { 0 };
    char path[PATH_MAX];
    struct stat st;

    join(path, root, rel);
    list_dir(AT_FDCWD, path, &names);
    for (size_t i = 0; i < names.n; i++) {
        char child[PATH_MAX];

        join(child, rel, names.v[i]);
        join(path, root, child);
        list_add(paths, child);
        if (depth > 1 && lstat(path, &st) == 0 && S_ISDIR(st.st_mode))
            walk(root, child, depth - 1, paths);
    }
    list_free(&names);
}

/* ---- Changing a tree -------------------------------------------------------------------------------- */

/* Paths here are made of names from a pool that is small, so that layers meet. No link is followed in
 * any of them: an absolute one would lead out of the scratch directory. */
static const char *pool(void)
{
    static const char *const plain[] = { "a", "b", "c", "d", "e", "f" };
    static const char *const odd[] = { "x y", "n\nl", "\377\376", "c,o:l", "\\072", ".wh.a", "..." };

    return chance(4) ? odd[below(COUNT(odd))] : plain[below(COUNT(plain))];
}

static mode_t type_of(const char *path)
{
    struct stat st;

    return lstat(path, &st) == 0 ? st.st_mode & S_IFMT : 0;
}

static void remove_tree(const char *path)
{
    struct list names = { 0 };
    char child[PATH_MAX];

    if (type_of(path) != S_IFDIR) {
        (void)unlink(path);
        return;
    }
    list_dir(AT_FDCWD, path, &names);
    for (size_t i = 0; i < names.n; i++) {
        join(child, path, names.v[i]);
        remove_tree(child);
    }
    list_free(&names);
    (void)rmdir(path);
}

static void write_file(const char *path, int flags)
{
    char text[400];
    int fd, len = snprintf(text, sizeof text, "%u ", ++T.serial);
    mode_t type = type_of(path);

    if (type && type != S_IFREG)        /* a FIFO would block */
        return;
    fd = open(path, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC | flags, 0600 + 011 * (mode_t)below(8));
    if (fd < 0)
        return;
    memset(text + len, '.', sizeof text - (size_t)len);
    if (write(fd, text, chance(10) ? 0 : (size_t)len + below(300)) < 0)
        (void)0;                        /* a full scratch device: the file is what it is */
    close(fd);
}

static void make_link(const char *path)
{
    static const char *const shapes[] = { "$A", "$A/$B", "/$A", "/$A/$B", "../$A", "../../$A/$B", "./$A/.", "$A/../$B",
                                          "../../../../$A", "/../$A", "$A//$B", "nothing", "/", "..", ".",
                                          "/$A/../$B/" };
    const char *shape = shapes[below(COUNT(shapes))];
    struct mark marks[] = { { "$A", "" }, { "$B", "" }, { NULL, NULL } };
    char target[256];

    for (int i = 0; i < 2; i++)
        if (strstr(shape, marks[i].mark))
            marks[i].value = pool();
    if (expand_marks(marks, shape, strlen(shape), target, sizeof target) >= 0)
        (void)!symlink(target, path);
}

static void make_special(const char *path)
{
    static const struct { mode_t type; unsigned major, minor; } kinds[] = {
        { S_IFIFO, 0, 0 }, { S_IFSOCK, 0, 0 }, { S_IFCHR, 0, 1 }, { S_IFCHR, 1, 3 }, { S_IFBLK, 0, 0 },
    };
    unsigned i = below(COUNT(kinds));

    (void)mknod(path, kinds[i].type | 0640, makedev(kinds[i].major, kinds[i].minor));
}

/* A relative path of so many names; nothing is made. */
static void pool_path(unsigned depth, char out[PATH_MAX])
{
    for (out[0] = 0; depth > 0; depth--)
        join(out, out, pool());
}

/* A path of which each directory is made where it is missing. */
static void place(const char *root, unsigned depth, char at[PATH_MAX])
{
    join(at, root, "");
    for (; depth > 0; depth--) {
        join(at, at, pool());
        if (depth > 1)
            (void)mkdir(at, 0755);
    }
}

/* Something of `have` to act on, and a place for something new: below an existing directory. */
static void choose(const char *root, const struct list *have, char old[PATH_MAX], char fresh[PATH_MAX])
{
    join(old, root, have->n ? have->v[below(have->n)] : pool());
    join(fresh, root, have->n && chance(75) ? have->v[below(have->n)] : "");
    if (type_of(fresh) != S_IFDIR)
        join(fresh, root, "");
    join(fresh, fresh, pool());
}

/* One thing that a program in the runner may do. It fails where it makes no sense, which is fine. */
static void change(const char *root)
{
    struct list have = { 0 };
    char old[PATH_MAX], fresh[PATH_MAX];
    unsigned kind = below(28), uid = below(3), gid = below(3);    /* here: arguments have no order */

    walk(root, "", 6, &have);
    choose(root, &have, old, fresh);
    list_free(&have);
    switch (kind) {
    case 0: case 1: case 2: write_file(fresh, O_TRUNC); break;
    case 3: case 4: case 5: (void)mkdir(fresh, 0700 + 011 * (mode_t)below(8)); break;
    case 6: write_file(old, O_APPEND); break;
    case 7: (void)unlink(old); break;
    case 8: remove_tree(old); break;
    case 9: remove_tree(old); (void)mkdir(old, 0755); break;
    case 10: remove_tree(old); write_file(old, O_TRUNC); break;
    case 11: make_link(fresh); break;
    case 12: make_special(fresh); break;
    case 13: (void)!link(old, fresh); break;
    case 14: case 15: case 24: case 25: case 26: case 27:
        if (type_of(old) && type_of(old) != S_IFLNK)
            (void)chmod(old, 0700 + 011 * (mode_t)below(8));
        break;
    case 16: (void)!lchown(old, uid, gid); break;
    case 17: (void)syscall(SYS_renameat2, AT_FDCWD, old, AT_FDCWD, fresh, 2U /* RENAME_EXCHANGE */); break;
    case 18: remove_tree(fresh); (void)rename(old, fresh); break;
    default: (void)rename(old, fresh); break;
    }
}

/* ---- What overlayfs gives a meaning to -------------------------------------------------------------- */

static void set_attr(const struct stack *s, const char *path, const char *name, const char *value, size_t len)
{
    char full[64];
    int user = s->userxattr;

    if (chance(3))              /* the other name space means nothing */
        user = !user;
    snprintf(full, sizeof full, "%s.overlay.%s", user ? "user" : "trusted", name);
    (void)lsetxattr(path, full, value, len, 0);
}

static void set_text(const struct stack *s, const char *path, const char *name, const char *value)
{
    set_attr(s, path, name, value, strlen(value));
}

static void whiteout(const struct stack *s, const char *path)
{
    if (chance(70)) {
        (void)mknod(path, S_IFCHR, makedev(0, 0));
        return;
    }
    remove_tree(path);
    write_file(path, O_TRUNC);
    if (chance(95))             /* only an empty file is one */
        (void)!truncate(path, 0);
    set_text(s, path, "whiteout", chance(50) ? "y" : "");
}

static void opaque_by_hand(const struct stack *s, const char *path)
{
    static const char *const values[] = { "y", "y", "y", "y", "yes", "x", "Y", "" };

    (void)mkdir(path, 0755);
    set_text(s, path, "opaque", values[below(COUNT(values))]);
}

/* A layer below number i, where there is one. */
static const char *layer_below(const struct stack *s, size_t i)
{
    size_t n = s->layers.n - i - 1;

    return n ? s->layers.v[i + 1 + below(n)] : s->layers.v[i];
}

static void absolute(const char *rel, char out[PATH_MAX])
{
    out[0] = '/';
    out[1] = 0;
    if (strlen(rel) < PATH_MAX - 1)
        strcpy(out + 1, rel);
}

/* Where a redirect of `rel` leads: a name beside it, or a path from the root. */
static void redirect_target(const char *rel, char text[PATH_MAX], char target[PATH_MAX])
{
    char *slash;

    if (chance(50)) {
        pool_path(chance(40) ? 2 : 1, target);
        absolute(target, text);
        return;
    }
    join(text, "", pool());
    join(target, "", rel);
    slash = strrchr(target, '/');
    if (slash)
        *slash = 0;
    else
        target[0] = 0;
    join(target, target, text);
}

/* mkdir -p of everything above the last name */
static void make_parents(const char *root, const char *rel, char at[PATH_MAX])
{
    join(at, root, rel);
    for (char *slash = at + strlen(root) + 1; (slash = strchr(slash, '/')); *slash++ = '/') {
        *slash = 0;
        (void)mkdir(at, 0755);
    }
}

/* overlayfs leaves a whiteout where it renamed a directory away. Without it two names of the overlay
 * would have one lower directory, and the kernel answers the second one with ESTALE or with what belongs
 * to the first: a hand-made stack may do that, but seldom, since nothing can be compared there. */
static void redirect_by_hand(struct stack *s, size_t i, const char *rel, int metacopy)
{
    static const char *const bad[] = { "", "a/", "/", "//a", ".", "..", "/a/../b", "/.", "a/b", "/a/" };
    char path[PATH_MAX], text[PATH_MAX], target[PATH_MAX], at[PATH_MAX];

    join(path, s->layers.v[i], rel);
    if (!metacopy)
        (void)mkdir(path, 0755);
    if (chance(12)) {
        set_text(s, path, "redirect", bad[below(COUNT(bad))]);
        return;
    }
    redirect_target(rel, text, target);
    if (list_has(&s->targets, target) && chance(95))
        return;
    list_add(&s->targets, target);
    set_text(s, path, "redirect", text);
    make_parents(layer_below(s, i), target, at);
    if (metacopy || chance(20)) {
        write_file(at, O_TRUNC);
    } else if (chance(80)) {
        (void)mkdir(at, 0755);
        join(at, at, pool());
        write_file(at, O_TRUNC);
    }
    make_parents(s->layers.v[i], target, at);
    if (chance(90) && !type_of(at))
        (void)mknod(at, S_IFCHR, makedev(0, 0));
}

static void metacopy_by_hand(struct stack *s, size_t i, const char *rel)
{
    static const struct { const char *bytes; size_t len; } values[] = {
        { "", 0 }, { "", 0 }, { "", 0 }, { "", 0 }, { "", 0 }, { "", 0 }, { "", 0 }, { "\0\4\0\0", 4 },
        { "\0", 1 }, { "\0\4\0", 3 }, { "\0\7\0\0abc", 7 },
    };
    unsigned v = below(COUNT(values));
    char path[PATH_MAX], at[PATH_MAX];

    join(path, s->layers.v[i], rel);
    if (type_of(path) != S_IFREG)
        remove_tree(path);
    write_file(path, O_TRUNC);
    (void)!truncate(path, (off_t)below(200));
    set_attr(s, path, "metacopy", values[v].bytes, values[v].len);
    if (s->data.n && chance(60)) {
        char rest[PATH_MAX], text[PATH_MAX];

        pool_path(1 + below(2), rest);
        absolute(rest, text);
        const char *data = s->data.v[below(s->data.n)];
        make_parents(data, rest, at);
        write_file(at, O_TRUNC);
        if (chance(30)) {               /* data-only layers are walked as any path is */
            static const char *const shapes[] = { "/%s/..%s", "/./%s/..%s", "/%s/../..%s", "/%s/.%s" };
            const char *name = pool();
            char plain[PATH_MAX];
            memcpy(plain, text, sizeof plain);
            snprintf(text, sizeof text, shapes[below(4)], name, plain);
            join(at, data, name);
            (void)mkdir(at, 0755);
        }
        set_text(s, path, "redirect", text);
    } else if (chance(40)) {
        redirect_by_hand(s, i, rel, 1);
    } else if (chance(70)) {
        make_parents(layer_below(s, i), rel, at);
        write_file(at, O_TRUNC);
    }
}

static void junk_attributes(const struct stack *s, const char *path)
{
    static const char *const names[] = { "impure", "nlink", "origin", "uuid", "protattr", "redirect", "opaque",
                                         "whiteout", "metacopy", "upper", "overlay.opaque", "overlay.whiteout" };
    const char *name = names[below(COUNT(names))], *value = chance(50) ? "y" : "";

    if (!type_of(path))
        write_file(path, O_TRUNC);
    set_text(s, path, name, value);
}

/* One entry of layer i, of any kind that a layer can hold. */
static void enter_by_hand(struct stack *s, size_t i, unsigned depth)
{
    const char *root = s->layers.v[i];
    char path[PATH_MAX];
    const char *rel = path + strlen(root) + 1;

    place(root, depth, path);
    if (chance(8))
        remove_tree(path);
    switch (below(24)) {
    case 0: case 1: case 2: case 3: case 4: (void)mkdir(path, 0755); break;
    case 5: case 6: case 7: case 8: write_file(path, O_TRUNC); break;
    case 9: case 10: make_link(path); break;
    case 11: case 12: case 13: whiteout(s, path); break;
    case 14: make_special(path); break;
    case 15: case 16: opaque_by_hand(s, path); break;
    case 17: case 18: case 19: redirect_by_hand(s, i, rel, 0); break;
    case 20: case 21: case 22: metacopy_by_hand(s, i, rel); break;
    default: junk_attributes(s, path); break;
    }
}

/* ---- Mounting --------------------------------------------------------------------------------------- */

/* The words of a stack beside its layers; returns how many. */
static size_t stack_words(const struct stack *s, char words[4][32])
{
    size_t n = 0;

    if (s->redirect)
        snprintf(words[n++], 32, "redirect_dir=%s", word_text[s->redirect]);
    if (s->metacopy)
        snprintf(words[n++], 32, "metacopy=%s", word_text[s->metacopy]);
    if (s->userxattr)
        snprintf(words[n++], 32, "userxattr");
    return n;
}

/* Append to a string of options; `quote` are the bytes that get a backslash. */
static void put(char *out, size_t size, const char *text, const char *quote)
{
    size_t n = strlen(out);

    for (; *text && n + 3 < size; text++) {
        if (strchr(quote, *text))
            out[n++] = '\\';
        out[n++] = *text;
    }
    out[n] = 0;
}

/* The name by which a layer is given: cut where it is relative. */
static const char *given(const struct stack *s, const char *layer, int upper)
{
    int cut = s->relative == RELATIVE_ALL || (s->relative == RELATIVE_LOWER && !upper);

    return cut ? layer + strlen(s->base) + 1 : layer;
}

/* Options as for mount(2). In lowerdir a backslash quotes ':' too; a comma must be quoted in any value. */
static void stack_string(const struct stack *s, char *out, size_t size)
{
    char words[4][32];
    size_t n = stack_words(s, words);

    out[0] = 0;
    for (size_t i = 0; i < n; i++) {
        put(out, size, words[i], "");
        put(out, size, ",", "");
    }
    put(out, size, "lowerdir=", "");
    for (size_t i = s->has_upper ? 1 : 0; i < s->layers.n; i++) {
        put(out, size, given(s, s->layers.v[i], 0), ":,\\");
        if (i + 1 < s->layers.n)
            put(out, size, ":", "");
    }
    for (size_t i = 0; i < s->data.n; i++) {
        put(out, size, "::", "");
        put(out, size, given(s, s->data.v[i], 0), ":,\\");
    }
    if (s->has_upper) {
        put(out, size, ",upperdir=", "");
        put(out, size, given(s, s->layers.v[0], 1), ",\\");
        put(out, size, ",workdir=", "");
        put(out, size, given(s, s->work, 1), ",\\");
    }
}

/* One layer for fsconfig(2). A descriptor has no limit of length and needs Linux 6.13. */
static int add_layer(int fs, const char *key, const char *path, int by_fd)
{
    char quoted[PATH_MAX] = "";
    int fd, result;

    if (!by_fd) {
        /* upperdir and workdir lose one level of backslashes, layers that are added do not */
        put(quoted, sizeof quoted, path, strchr(key, '+') ? "" : "\\");
        return (int)syscall(SYS_fsconfig, fs, CFG_STRING, key, quoted, 0L, OWN_CALL);
    }
    fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    result = (int)syscall(SYS_fsconfig, fs, CFG_FD, key, NULL, fd, OWN_CALL);
    if (fd >= 0)
        close(fd);
    return result;
}

static int configure(int fs, const struct stack *s, int by_fd)
{
    char words[4][32];
    size_t n = stack_words(s, words);
    long bad = 0;

    for (size_t i = 0; i < n; i++) {
        char *value = strchr(words[i], '=');

        if (value)
            *value++ = 0;
        bad |= syscall(SYS_fsconfig, fs, value ? CFG_STRING : CFG_FLAG, words[i], value, 0L, OWN_CALL);
    }
    for (size_t i = s->has_upper ? 1 : 0; i < s->layers.n; i++)
        bad |= add_layer(fs, "lowerdir+", given(s, s->layers.v[i], 0), by_fd);
    for (size_t i = 0; i < s->data.n; i++)
        bad |= add_layer(fs, "datadir+", given(s, s->data.v[i], 0), by_fd);
    if (s->has_upper) {
        bad |= add_layer(fs, "upperdir", given(s, s->layers.v[0], 1), by_fd);
        bad |= add_layer(fs, "workdir", given(s, s->work, 1), by_fd);
    }
    return bad ? -1 : (int)syscall(SYS_fsconfig, fs, CFG_CREATE, NULL, NULL, 0L, OWN_CALL);
}

static int mount_added(const struct stack *s, const char *at, int by_fd)
{
    int fs = (int)syscall(SYS_fsopen, "overlay", CLOEXEC_FSOPEN, 0L, 0L, 0L, OWN_CALL), tree = -1, result = -1;

    if (fs >= 0 && configure(fs, s, by_fd) == 0)
        tree = (int)syscall(SYS_fsmount, fs, CLOEXEC_FSMOUNT, s->rdonly ? ATTR_RDONLY : 0, 0L, 0L, OWN_CALL);
    if (tree >= 0)
        result = (int)syscall(SYS_move_mount, tree, "", AT_FDCWD, at, FROM_EMPTY_PATH, OWN_CALL);
    if (tree >= 0)
        close(tree);
    if (fs >= 0)
        close(fs);
    return result;
}

static int mount_stack(const struct stack *s, const char *at, enum form form)
{
    int result = -1;

    if (s->relative && chdir(s->base) != 0)
        die(s->base);
    if (form == FORM_ADD || form == FORM_ADD_FD) {
        result = mount_added(s, at, form == FORM_ADD_FD);
    } else {
        stack_string(s, T.options, sizeof T.options);
        if (strlen(T.options) <= OPTION_PAGE)
            result = mount("overlay", at, "overlay", s->rdonly ? MS_RDONLY : 0, T.options);
        else
            errno = E2BIG;
    }
    if (s->relative && chdir("/") != 0)
        die("/");
    return result;
}

/* The super options of the mount at `at`, escapes and all. */
static void read_mountinfo(const char *at, char *out, size_t size)
{
    FILE *f = fopen("/proc/self/mountinfo", "re");
    char *line = NULL, *options, point[64];
    size_t cap = 0;

    if (!f)
        die("/proc/self/mountinfo");
    out[0] = 0;
    while (getline(&line, &cap, f) > 0) {
        if (sscanf(line, "%*s %*s %*s %*s %63s", point) != 1 || strcmp(point, at) != 0)
            continue;
        options = strrchr(line, ' ');
        options[strcspn(options, "\n")] = 0;
        snprintf(out, size, "%s", options + 1);
    }
    free(line);
    fclose(f);
}

/* ---- Making stacks ---------------------------------------------------------------------------------- */

/* A new directory for a layer, the upperdir's workdir next to it as containerd has it. */
static void layer_dir(struct stack *s, char path[PATH_MAX])
{
    static const char *const odd[] = { "a:b", "a,b", "b\\s", "s p", "n\nl", "\377\376", "q\"#=", "\\054", "t\tt", "e\\",
                                       "::", "\\\\", "o,r=o\\,", "\\:" };
    char name[64];

    snprintf(name, sizeof name, "%u%s", ++T.serial,
             s->odd_names && chance(50) ? odd[below(COUNT(odd))] : "");
    join(path, s->relative ? s->base : T.stage, name);
    if (mkdir(path, 0755) != 0)
        die(path);
    if (s->relative) {
        join(path, path, "fs");
        (void)mkdir(path, 0755);
    }
}

static void push_layer(struct list *l, const char *path)
{
    char *last;

    list_add(l, path);
    last = l->v[l->n - 1];
    memmove(l->v + 1, l->v, (l->n - 1) * sizeof *l->v);
    l->v[0] = last;
}

static void fresh_work(struct stack *s)
{
    snprintf(s->work, sizeof s->work, "%s/w%u", s->relative ? s->base : T.stage, ++T.serial);
    if (mkdir(s->work, 0755) != 0)
        die(s->work);
}

/* Words that mount(2) accepts together. */
static void choose_words(struct stack *s)
{
    s->redirect = WORD_NONE;
    s->metacopy = WORD_NONE;
    if (s->userxattr)
        return;
    if (chance(45)) {
        s->metacopy = WORD_ON;
        s->redirect = chance(50) ? WORD_ON : s->has_upper || chance(50) ? WORD_NONE : WORD_FOLLOW;
        return;
    }
    s->redirect = (enum word)below(5);
    s->metacopy = chance(20) ? WORD_OFF : WORD_NONE;
}

/* One generation: what a container leaves in its upperdir. */
static int generation(struct stack *s)
{
    char path[PATH_MAX];
    int n = 6 + (int)below(20);

    layer_dir(s, path);
    push_layer(&s->layers, path);
    s->has_upper = 1;
    s->rdonly = 0;
    fresh_work(s);
    if (mount_stack(s, T.over, FORM_STRING) != 0 && mount_stack(s, T.over, FORM_ADD) != 0)
        return -1;
    while (n-- > 0)
        change(T.over);
    return umount2(T.over, MNT_DETACH);
}

static int make_by_kernel(struct stack *s)
{
    char path[PATH_MAX];
    int generations = 1 + (int)below(6);

    layer_dir(s, path);
    push_layer(&s->layers, path);
    for (int n = 30 + (int)below(40); n > 0; n--)
        change(path);
    s->has_upper = 1;
    choose_words(s);
    if (!s->userxattr && chance(70))
        s->redirect = WORD_ON;
    while (generations-- > 0)
        if (generation(s) != 0)
            return -1;
    if (chance(40) && s->layers.n > 1)
        s->has_upper = 0;
    return 0;
}

static void make_by_hand(struct stack *s)
{
    size_t layers = 2 + below(4), data = !s->userxattr && chance(20) ? 1 + below(2) : 0;
    char path[PATH_MAX];

    if (s->many) {
        static const size_t sizes[] = { 128, 300, 500 };

        layers = sizes[below(3)];
        data = 0;
    }
    for (size_t i = 0; i < layers; i++) {
        layer_dir(s, path);
        push_layer(&s->layers, path);
    }
    for (size_t i = 0; i < data; i++) {
        layer_dir(s, path);
        push_layer(&s->data, path);
    }
    s->has_upper = chance(50);
    choose_words(s);
    for (size_t i = 0; i < layers; i++)
        for (unsigned n = s->many ? 1 + below(2) : 6 + below(12); n > 0; n--)
            enter_by_hand(s, i, 1 + below(s->many ? 2 : 4));
}

static void tamper(struct stack *s)
{
    for (unsigned n = 2 + below(8); n > 0; n--) {
        size_t i = below(s->layers.n);
        struct list have = { 0 };
        char path[PATH_MAX];

        walk(s->layers.v[i], "", 6, &have);
        if (have.n && chance(60)) {
            const char *rel = have.v[below(have.n)];

            join(path, s->layers.v[i], rel);
            switch (below(6)) {
            case 0: whiteout(s, path); break;
            case 1: remove_tree(path); whiteout(s, path); break;
            case 2: if (type_of(path) == S_IFDIR) opaque_by_hand(s, path); break;
            case 3: if (type_of(path) == S_IFDIR) redirect_by_hand(s, i, rel, 0); break;
            case 4: metacopy_by_hand(s, i, rel); break;
            default: junk_attributes(s, path); break;
            }
        } else if (chance(50)) {
            change(s->layers.v[i]);
        } else {
            enter_by_hand(s, i, 1 + below(4));
        }
        list_free(&have);
    }
}

/* Is there a redirect that begins at the root? Then a directory's layers need not be a stack of its own. */
static int has_absolute_redirect(const struct stack *s)
{
    int found = 0;

    for (size_t i = 0; i < s->layers.n && !found; i++) {
        struct list have = { 0 };

        walk(s->layers.v[i], "", 16, &have);
        for (size_t k = 0; k < have.n && !found; k++) {
            char path[PATH_MAX], value[PATH_MAX] = "";

            join(path, s->layers.v[i], have.v[k]);
            found = lgetxattr(path, "trusted.overlay.redirect", value, sizeof value) > 0 && value[0] == '/';
        }
        list_free(&have);
    }
    return found;
}

/* 0, or -1 when the kernel does not mount what came out. */
static int make_stack(struct stack *s)
{
    *s = (struct stack){ .origin = chance(45) ? BY_HAND : chance(30) ? TAMPERED : BY_KERNEL };
    snprintf(s->base, sizeof s->base, "%s/snap", T.stage);
    (void)mkdir(s->base, 0755);
    s->userxattr = !T.trusted || chance(15);
    s->many = chance(5);
    if (s->many)
        s->origin = BY_HAND;
    s->relative = chance(80) ? ABSOLUTE : chance(90) ? RELATIVE_LOWER : RELATIVE_ALL;
    s->odd_names = !s->many && chance(20);
    if (s->origin == BY_HAND) {
        make_by_hand(s);
    } else {
        if (make_by_kernel(s) != 0)
            return -1;
        s->strict = s->origin == BY_KERNEL && (s->has_upper || s->redirect == WORD_ON || !s->redirect);
        if (s->origin == TAMPERED)
            tamper(s);
        if (chance(25)) {
            choose_words(s);
            s->strict = 0;
        }
        s->strict = s->strict && !has_absolute_redirect(s);
    }
    s->rdonly = !s->has_upper || chance(50);
    if (s->has_upper)
        fresh_work(s);
    return 0;
}

/* ---- Comparing files and trees ---------------------------------------------------------------------- */

/* Each comparison returns 0 for the same, or 1 with T.why filled in. A difference found below is given the
 * names of the directories above on its way out, so that the reason ends as a path. */
__attribute__((format(printf, 1, 2)))
static int differ(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(T.why, sizeof T.why, format, args);
    va_end(args);
    return 1;
}

static int within(const char *name)
{
    char inner[sizeof T.why];

    memcpy(inner, T.why, sizeof inner);
    snprintf(T.why, sizeof T.why, "/%.255s%.1700s", name, inner);
    return 1;
}

static int same_attributes(const struct stat *want, const struct stat *got)
{
    if (want->st_mode != got->st_mode)
        return differ(": mode %o, not %o", got->st_mode, want->st_mode);
    if (want->st_uid != got->st_uid || want->st_gid != got->st_gid)
        return differ(": owner %u:%u, not %u:%u", got->st_uid, got->st_gid, want->st_uid, want->st_gid);
    if ((S_ISCHR(want->st_mode) || S_ISBLK(want->st_mode)) && want->st_rdev != got->st_rdev)
        return differ(": another device number");
    if (!S_ISDIR(want->st_mode) && want->st_size != got->st_size)
        return differ(": size %lld, not %lld", (long long)got->st_size, (long long)want->st_size);
    if (want->st_mtim.tv_sec != got->st_mtim.tv_sec || want->st_mtim.tv_nsec != got->st_mtim.tv_nsec)
        return differ(": another mtime");
    return 0;
}

static int reopen(int fd, int flags)
{
    char path[64];

    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    return open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | flags);
}

static ssize_t read_up_to(int fd, char *buf, size_t size)
{
    size_t n = 0;
    ssize_t got = 0;

    while (n < size && (got = read(fd, buf + n, size - n)) > 0)
        n += (size_t)got;
    return got < 0 ? -1 : (ssize_t)n;
}

/* The bytes of two regular files, given by O_PATH descriptors. Both may fail to open: a metacopy whose data
 * is gone can be named, but not read. */
static int same_content(int want, int got)
{
    char a[4096], b[4096];
    int fa = reopen(want, 0), ea = fa < 0 ? errno : 0;
    int fb = reopen(got, 0), eb = fb < 0 ? errno : 0;
    ssize_t na = fa < 0 ? 0 : read_up_to(fa, a, sizeof a), nb = fb < 0 ? 0 : read_up_to(fb, b, sizeof b);

    if (fa >= 0)
        close(fa);
    if (fb >= 0)
        close(fb);
    if (!ea != !eb)
        return differ(": open: %s, not %s", eb ? strerror(eb) : "fine", ea ? strerror(ea) : "fine");
    if (na != nb || (na > 0 && memcmp(a, b, (size_t)na) != 0))
        return differ(": content \"%.*s\", not \"%.*s\"", nb < 12 ? (int)nb : 12, b, na < 12 ? (int)na : 12, a);
    return 0;
}

static int same_tree(int want, int got, int depth);

static int same_object(int want, int got, int depth)
{
    struct stat a, b;
    char ta[PATH_MAX], tb[PATH_MAX];
    ssize_t na, nb;

    if (fstat(want, &a) != 0 || fstat(got, &b) != 0)
        return differ(": stat: %s", strerror(errno));
    if (same_attributes(&a, &b))
        return 1;
    if (S_ISREG(a.st_mode))
        return same_content(want, got);
    if (S_ISDIR(a.st_mode))
        return same_tree(want, got, depth);
    if (!S_ISLNK(a.st_mode))
        return 0;
    na = readlinkat(want, "", ta, sizeof ta);
    nb = readlinkat(got, "", tb, sizeof tb);
    if (na < 0 || na != nb || memcmp(ta, tb, (size_t)na) != 0)
        return differ(": another link text");
    return 0;
}

static int same_name(int want, int got, const char *name, int depth)
{
    int a = openat(want, name, O_PATH | O_NOFOLLOW | O_CLOEXEC), ea = a < 0 ? errno : 0;
    int b = openat(got, name, O_PATH | O_NOFOLLOW | O_CLOEXEC), eb = b < 0 ? errno : 0;
    int bad = 0;

    T.stale |= ea == ESTALE || eb == ESTALE;
    /* Two failures are alike, however they are called, unless one says that there is nothing. */
    if (!ea != !eb || (ea == ENOENT) != (eb == ENOENT))
        bad = differ(": %s, not %s", eb ? strerror(eb) : "there", ea ? strerror(ea) : "there");
    else if (!ea)
        bad = same_object(a, b, depth + 1);
    if (a >= 0)
        close(a);
    if (b >= 0)
        close(b);
    return bad ? within(name) : 0;
}

/* Every name that either of two directories lists is looked up in both: a list may hold names that a
 * look-up does not find, and a directory is what look-ups say it is. */
static int same_tree(int want, int got, int depth)
{
    struct list names = { 0 };
    int bad = 0, a, b;

    if (depth > 24)
        return 0;
    a = openat(want, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    b = openat(got, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (a < 0 || b < 0) {
        bad = differ(": cannot be opened");
    } else {
        list_dir(a, ".", &names);
        list_dir(b, ".", &names);
        for (size_t i = 0; i < names.n && !bad; i++)
            bad = same_name(a, b, names.v[i], depth);
    }
    if (a >= 0)
        close(a);
    if (b >= 0)
        close(b);
    list_free(&names);
    return bad;
}

/* ---- Comparing one answer --------------------------------------------------------------------------- */

/* Which layer's directory a path lies in: an index, or -1. */
static int layer_of(const struct stack *s, const char *path)
{
    for (size_t i = 0; i < s->layers.n + s->data.n; i++) {
        const char *root = i < s->layers.n ? s->layers.v[i] : s->data.v[i - s->layers.n];
        size_t n = strlen(root);

        if (strncmp(path, root, n) == 0 && (path[n] == '/' || !path[n]))
            return (int)i;
    }
    return -1;
}

static int check_single(const struct stack *s, int want, const struct dindbind_result *r)
{
    /* A mountinfo row that says ro says so of the upperdir too. */
    int layer = layer_of(s, r->path), ro = !(s->has_upper && layer == 0) || strncmp(T.handed, "ro,", 3) == 0;
    int again = open(r->path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    struct stat a, b;
    int named = again >= 0 && fstat(again, &a) == 0 && fstat(r->fd, &b) == 0 && a.st_ino == b.st_ino &&
                a.st_dev == b.st_dev;

    if (again >= 0)
        close(again);
    if (r->fd < 0)
        return differ(": no descriptor");
    if (layer < 0)
        return differ(": \"%.300s\" is in no layer", r->path);
    if (!named)
        return differ(": path and descriptor are not the same file");
    if (r->ro != ro)
        return differ(": ro %d, not %d", r->ro, ro);
    T.rw += !ro;
    return same_object(want, r->fd, 0);
}

/* Mount the answer of `merged` and compare. Without `words` as someone does who knows the directories only. */
static int compare_merged(const struct stack *s, int want, const struct dindbind_result *r, int words)
{
    struct stack sub = { .rdonly = 1 };
    int got, bad;

    if (words) {
        sub.redirect = s->redirect;
        sub.metacopy = s->metacopy;
        sub.userxattr = s->userxattr;
    }
    for (size_t i = 0; i < r->nlayers; i++)
        list_add(&sub.layers, r->layers[i]);
    if (r->nlayers == 1)        /* overlayfs wants two */
        list_add(&sub.layers, T.empty);
    bad = mount_stack(&sub, T.sub, FORM_STRING);
    if (bad && errno == E2BIG)
        bad = mount_stack(&sub, T.sub, FORM_ADD_FD);
    if (bad)
        differ(": cannot be mounted: %s", strerror(errno));
    list_free(&sub.layers);
    if (bad)
        return 1;
    got = open(T.sub, O_PATH | O_DIRECTORY | O_CLOEXEC);
    bad = got < 0 ? differ(": %s: %s", T.sub, strerror(errno)) : same_object(want, got, 0);
    if (got >= 0)
        close(got);
    (void)umount2(T.sub, MNT_DETACH);
    return bad;
}

static int check_merged(const struct stack *s, int want, const struct dindbind_result *r)
{
    if (r->type != S_IFDIR || !r->ro || r->fd >= 0 || !r->nlayers)
        return differ(": a merged answer is a directory, ro, has layers and no descriptor");
    for (size_t i = 0; i < r->nlayers; i++)
        if (layer_of(s, r->layers[i]) < 0)
            return differ(": \"%.300s\" is in no layer", r->layers[i]);
    T.empty_below += r->nlayers == 1;
    if (compare_merged(s, want, r, 1))
        return 1;
    if (chance(20)) {
        T.bare++;
        T.bare_holds += !compare_merged(s, want, r, 0);
    }
    return 0;
}

static int check_metacopy(const struct stack *s, int want, const struct dindbind_result *r)
{
    struct stat a, b;
    int meta, data, bad = 0;

    if (r->type != S_IFREG || !r->ro || r->fd >= 0 || r->nlayers != 2)
        return differ(": a metacopy answer is a file, ro, has two layers and no descriptor");
    if (layer_of(s, r->layers[0]) < 0 || layer_of(s, r->layers[1]) < 0)
        return differ(": in no layer");
    meta = open(r->layers[0], O_PATH | O_NOFOLLOW | O_CLOEXEC);
    data = open(r->layers[1], O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (meta < 0 || data < 0 || fstat(want, &a) != 0 || fstat(meta, &b) != 0)
        bad = differ(": %s", strerror(errno));
    else
        bad = same_attributes(&a, &b) || same_content(want, data);
    if (meta >= 0)
        close(meta);
    if (data >= 0)
        close(data);
    return bad;
}

static int check_answer(const struct stack *s, int want, const struct dindbind_result *r)
{
    struct stat st;

    if (fstat(want, &st) != 0)
        return differ(": stat: %s", strerror(errno));
    if (r->error || r->rule != DINDBIND_RULE_LAYERS)
        return differ(": error %d, rule %d in an answer", r->error, (int)r->rule);
    if (r->type != (st.st_mode & S_IFMT))
        return differ(": type %o, not %o", r->type, st.st_mode & S_IFMT);
    switch (r->kind) {
    case DINDBIND_SINGLE: return check_single(s, want, r);
    case DINDBIND_MERGED: return check_merged(s, want, r);
    case DINDBIND_METACOPY: return check_metacopy(s, want, r);
    }
    return differ(": kind %d", (int)r->kind);
}

/* The refusal that belongs to an errno of the kernel's walk. */
static int word_of(int error)
{
    switch (error) {
    case ENOENT: return DINDBIND_E_MISSING;
    case ENOTDIR: return DINDBIND_E_NOTDIR;
    case ELOOP: return DINDBIND_E_LOOP;
    case ENAMETOOLONG: return DINDBIND_E_TOOLONG;
    default: return DINDBIND_E_BROKEN;
    }
}

/* The kernel has something and dindbind says no. That must not be a wrong "there is nothing"; BROKEN is the
 * truth for a file that can be named and not read. */
static int check_refusal(const struct stack *s, int want, int error)
{
    struct stat st;
    int fd = reopen(want, 0);

    if (fd >= 0)
        close(fd);
    else if (error == DINDBIND_E_BROKEN && fstat(want, &st) == 0 && S_ISREG(st.st_mode))
        return 0;
    if (error != DINDBIND_E_INEXACT && error != DINDBIND_E_LAYERS && error != DINDBIND_E_XATTR)
        return differ(": refused as \"%s\", but it is there", dindbind_word(error));
    if (s->strict)
        return differ(": refused as \"%s\" in a stack that overlayfs made without absolute redirects",
                      dindbind_word(error));
    T.refused[s->origin]++;
    return 0;
}

/* The same path in a longer spelling, which is cleaned lexically. */
static void spell(const char *path, char out[PATH_MAX + 16])
{
    size_t n = 0;

    out[n++] = '/';
    for (; *path; path++) {
        out[n++] = *path;
        if (*path == '/' && n + 8 < PATH_MAX && chance(10)) {
            const char *more = chance(50) ? "./" : chance(50) ? "/" : "b/../";

            memcpy(out + n, more, strlen(more));
            n += strlen(more);
        }
    }
    out[n] = 0;
}

static void count_answer(const struct dindbind_result *r, int error)
{
    if (error)
        T.error[(DINDBIND_E_USAGE - error) & 31]++;
    else if (r->kind == DINDBIND_SINGLE)
        T.single++;
    else if (r->kind == DINDBIND_MERGED)
        T.merged++;
    else
        T.metacopy++;
}

/* One path, asked of both. */
static int compare_path(const struct stack *s, int root, const struct dindbind_runner *runner, const char *path,
                        int count)
{
    struct dindbind_result r;
    char source[PATH_MAX + 16];
    int want, kernel, error, bad;

    spell(path, source);
    want = openat2_path(root, path, O_PATH);
    kernel = want < 0 ? errno : 0;
    T.stale = kernel == ESTALE;
    error = dindbind_resolve(runner, source, 0, &r);
    if (count)
        count_answer(&r, error);
    if (kernel && error == word_of(kernel))
        bad = 0;
    else if (kernel)
        bad = differ(": kernel says %s (%s), dindbind \"%s\" %s", strerror(kernel), dindbind_word(word_of(kernel)),
                     dindbind_word(error), error ? "" : r.kind == DINDBIND_SINGLE ? r.path : "layers");
    else if (error)
        bad = check_refusal(s, want, error);
    else
        bad = check_answer(s, want, &r);
    if (bad) {
        size_t n = strlen(T.why);

        if (!error && r.kind == DINDBIND_SINGLE)
            snprintf(T.why + n, sizeof T.why - n, "\n  answer: single %s", r.path);
        for (size_t i = 0; !error && r.kind != DINDBIND_SINGLE && i < r.nlayers && n + 300 < sizeof T.why; i++) {
            n = strlen(T.why);
            snprintf(T.why + n, sizeof T.why - n, "\n  answer: layer %s", r.layers[i]);
        }
    }
    dindbind_release(&r);
    if (want >= 0)
        close(want);
    return bad;
}

/* ---- Aliases ---------------------------------------------------------------------------------------- */

/* Two names of the overlay with one lower object share an inode in it, and which of them gets it right
 * depends on what was looked up first. overlayfs never makes that; a redirect by hand can. Such inodes are
 * found by their number, and a difference that involves one of them says nothing. */
struct seen { dev_t dev; ino_t ino; nlink_t names; };   /* how many names it should have */

static int by_inode(const void *a, const void *b)
{
    const struct seen *x = a, *y = b;

    if (x->ino != y->ino)
        return x->ino < y->ino ? -1 : 1;
    return x->dev < y->dev ? -1 : x->dev > y->dev;
}

/* All inodes below `root`/`rel`, once for each name. *stale: the kernel itself found an alias. */
static size_t inodes(const char *root, const char *rel, struct seen **out, int *stale)
{
    struct list paths = { 0 };
    size_t n = 0;
    struct stat st;

    walk(root, rel, 12, &paths);
    *out = calloc(paths.n + 1, sizeof **out);
    if (!*out)
        die("memory");
    for (size_t i = 0; i <= paths.n; i++) {
        char path[PATH_MAX];

        join(path, root, i < paths.n ? paths.v[i] : rel);
        if (lstat(path, &st) != 0)
            *stale |= errno == ESTALE;
        else
            (*out)[n++] = (struct seen){ st.st_dev, st.st_ino, S_ISDIR(st.st_mode) ? 1 : st.st_nlink };
    }
    list_free(&paths);
    qsort(*out, n, sizeof **out, by_inode);
    return n;
}

/* Has it more names than it should have? */
static int is_alias(const struct seen *all, size_t n, const struct seen *one)
{
    const struct seen *hit = bsearch(one, all, n, sizeof *all, by_inode);
    size_t names = 1;

    if (!hit)
        return 0;
    for (const struct seen *p = hit; p > all && by_inode(p - 1, one) == 0; p--)
        names++;
    for (const struct seen *p = hit; p + 1 < all + n && by_inode(p + 1, one) == 0; p++)
        names++;
    return names > hit->names;
}

/* Does a path of the overlay, one of its parents or anything below it have an alias? */
static int involves_alias(int root, const char *path)
{
    struct seen *all, *mine;
    size_t n, m;
    int found = 0, stale = 0, fd;
    char prefix[PATH_MAX], link[64], real[PATH_MAX];

    n = inodes(T.over, "", &all, &stale);
    join(prefix, path, "");
    for (char *end = prefix + strlen(prefix); end && !found; end = strrchr(prefix, '/')) {
        struct stat st;

        *end = 0;
        fd = openat2_path(root, prefix, O_PATH);
        if (fd >= 0 && fstat(fd, &st) == 0)
            found = is_alias(all, n, &(struct seen){ st.st_dev, st.st_ino, 1 });
        if (fd >= 0)
            close(fd);
    }
    fd = openat2_path(root, path, O_PATH);
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t len = fd < 0 ? -1 : readlink(link, real, sizeof real - 1);
    if (len > 0) {
        real[len] = 0;
        m = inodes(real, "", &mine, &stale);
        for (size_t i = 0; i < m && !found; i++)
            found = is_alias(all, n, &mine[i]);
        free(mine);
    }
    if (fd >= 0)
        close(fd);
    free(all);
    return found || stale;
}

/* ---- One stack -------------------------------------------------------------------------------------- */

/* Every path of every layer, and every name that occurs anywhere below every directory of the overlay that
 * can be reached, links included. */
static void universe(const struct stack *s, int root, struct list *paths)
{
    struct list names = { 0 }, dirs = { 0 };
    char path[PATH_MAX];

    for (size_t i = 0; i < s->layers.n + s->data.n; i++)
        walk(i < s->layers.n ? s->layers.v[i] : s->data.v[i - s->layers.n], "", 8, paths);
    for (size_t i = 0; i < paths->n; i++) {
        const char *slash = strrchr(paths->v[i], '/');

        list_add(&names, slash ? slash + 1 : paths->v[i]);
    }
    list_add(&names, "nope");
    list_tidy(&names);
    list_add(&dirs, "");
    for (size_t d = 0; d < dirs.n; d++)
        for (size_t i = 0; i < names.n; i++) {
            int fd, deep = 0;

            join(path, dirs.v[d], names.v[i]);
            list_add(paths, path);
            for (const char *p = path; (p = strchr(p, '/')); p++)
                deep++;
            if (deep >= 4 || dirs.n > 50)
                continue;
            fd = openat2_path(root, path, O_PATH | O_DIRECTORY);
            if (fd >= 0) {
                list_add(&dirs, path);
                close(fd);
            }
        }
    list_tidy(paths);
    list_free(&names);
    list_free(&dirs);
}

static void shuffle(struct list *l)
{
    for (size_t i = l->n; i > 1; i--) {
        size_t k = below(i);
        char *swap = l->v[i - 1];

        l->v[i - 1] = l->v[k];
        l->v[k] = swap;
    }
}

/* What to ask for, the root first, and of a universe that is mostly empty not too much that is not there. */
static void choose_paths(const struct stack *s, int root, struct list *out)
{
    size_t most = s->many ? 20 : 120, gone = s->many ? 10 : 40;
    struct list all = { 0 };
    char longname[300];

    universe(s, root, &all);
    shuffle(&all);
    list_add(out, "");
    for (size_t i = 0; i < all.n; i++) {
        int fd = openat2_path(root, all.v[i], O_PATH);
        size_t *left = fd < 0 && errno == ENOENT ? &gone : &most;

        if (fd >= 0)
            close(fd);
        if (*left) {
            list_add(out, all.v[i]);
            --*left;
        }
    }
    memset(longname, 'n', 256);
    longname[256] = 0;
    list_add(out, longname);
    list_free(&all);
}

static void print_attributes(const char *path)
{
    char names[1024], value[256];
    ssize_t n = llistxattr(path, names, sizeof names);

    for (ssize_t i = 0; i < n; i += (ssize_t)strlen(names + i) + 1) {
        ssize_t len = lgetxattr(path, names + i, value, sizeof value - 1);

        if (!strstr(names + i, ".overlay."))
            continue;
        value[len > 0 ? len : 0] = 0;
        printf(" %s=", names + i);
        if (len > 16 && strstr(names + i, ".origin")) {     /* a file handle, another one in each run */
            printf("(handle)");
            continue;
        }
        for (ssize_t k = 0; k < len; k++)
            printf(value[k] > ' ' && value[k] <= '~' ? "%c" : "\\%03o", (unsigned)(unsigned char)value[k]);
    }
}

static void print_layer(const char *what, const char *layer)
{
    struct list have = { 0 };
    char path[PATH_MAX], text[PATH_MAX];
    struct stat st;

    printf("  %s '", what);
    print_quoted(layer);
    puts("'");
    walk(layer, "", 16, &have);
    for (size_t i = 0; i < have.n; i++) {
        join(path, layer, have.v[i]);
        if (lstat(path, &st) != 0)
            continue;
        printf("    %s '", S_ISDIR(st.st_mode) ? "dir " : S_ISREG(st.st_mode) ? "file" : S_ISLNK(st.st_mode) ? "link" :
                           S_ISCHR(st.st_mode) ? "char" : S_ISBLK(st.st_mode) ? "blk " : "other");
        print_quoted(have.v[i]);
        printf("' %04o", st.st_mode & 07777);
        if (S_ISREG(st.st_mode))
            printf(" %lld bytes", (long long)st.st_size);
        if (S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode))
            printf(" %u:%u", major(st.st_rdev), minor(st.st_rdev));
        if (S_ISLNK(st.st_mode)) {
            ssize_t n = readlink(path, text, sizeof text - 1);

            text[n > 0 ? n : 0] = 0;
            printf(" -> '");
            print_quoted(text);
            putchar('\'');
        }
        print_attributes(path);
        putchar('\n');
    }
    list_free(&have);
}

static void print_stack(const struct stack *s, enum form form)
{
    printf("stack of seed %llu: %s%s, %zu layers%s%s%s%s, handed over as %s:\n  ",
           (unsigned long long)T.round_seed, origin_text[s->origin], s->on_ext4 ? " on ext4" : "", s->layers.n,
           s->has_upper ? ", upperdir" : "", s->rdonly ? ", mounted ro" : "", s->relative ? ", relative" : "",
           s->strict ? ", strict" : "", form_text[form]);
    print_quoted(T.handed);
    puts("");
    for (size_t i = 0; i < s->layers.n; i++)
        print_layer(i == 0 && s->has_upper ? "upper" : "lower", s->layers.v[i]);
    for (size_t i = 0; i < s->data.n; i++)
        print_layer("data ", s->data.v[i]);
}

static void fail(const struct stack *s, enum form form, const char *path)
{
    char why[sizeof T.why];

    T.failed++;
    memcpy(why, T.why, sizeof why);
    if (!T.listed++)
        print_stack(s, form);
    printf("FAIL seed %llu: '/", (unsigned long long)T.round_seed);
    print_quoted(path);
    printf("'%s\n  repeat: differential -s %llu -n 1\n", why, (unsigned long long)T.round_seed);
    fflush(stdout);
}

/* A path that differs in a stack that overlayfs did not make gets a mount of its own, where nothing else has
 * been looked up before. */
static int compare_again(struct stack *s, enum form form, int *root, const struct dindbind_runner *runner,
                         const char *path)
{
    close(*root);
    (void)umount2(T.over, MNT_DETACH);
    if (s->has_upper)
        fresh_work(s);
    if (mount_stack(s, T.over, form) != 0)
        die("mounting it again");
    *root = open(T.over, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (*root < 0)
        die(T.over);
    if (!compare_path(s, *root, runner, path, 0))
        return 0;
    char why[sizeof T.why];

    memcpy(why, T.why, sizeof why);
    if (T.stale || involves_alias(*root, path))
        return 0;
    memcpy(T.why, why, sizeof why);
    return 1;
}

static void compare_paths(struct stack *s, enum form form, int *root, const struct dindbind_runner *runner)
{
    struct list paths = { 0 };
    int bad = 0;

    choose_paths(s, *root, &paths);
    for (size_t i = 0; i < paths.n && bad < 5; i++) {
        const char *path = paths.v[i];

        T.paths[s->origin]++;
        if (!compare_path(s, *root, runner, path, 1)) {
            T.passed++;
        } else if (s->origin != BY_KERNEL && !compare_again(s, form, root, runner, path)) {
            T.aliases++;
        } else {
            bad++;
            fail(s, form, path);
        }
    }
    list_free(&paths);
}

static int count_fds(void)
{
    struct list names = { 0 };
    int n;

    list_dir(AT_FDCWD, "/proc/self/fd", &names);
    n = (int)names.n;
    list_free(&names);
    return n;
}

/* Hand the options over. A stack whose layers cannot be known must be refused here, or later one by one. */
static void compare_stack(struct stack *s, enum form form, int *root)
{
    struct dindbind_runner runner = { .overlay = T.handed };
    int before = count_fds(), error = dindbind_open(&runner);
    char text[512];

    if (error == DINDBIND_E_LAYERS && (s->relative == RELATIVE_ALL || (s->relative && !s->has_upper))) {
        T.unreadable++;
        T.passed++;
        return;
    }
    if (error) {
        differ(": dindbind_open: %s", dindbind_message(&runner, NULL, NULL, error, text, sizeof text));
        fail(s, form, "");
        return;
    }
    if (s->relative == RELATIVE_ALL || (s->relative && !s->has_upper))
        s->strict = 0;
    compare_paths(s, form, root, &runner);
    dindbind_close(&runner);
    if (count_fds() != before) {
        differ(": descriptors: %d before, %d after", before, count_fds());
        fail(s, form, "");
    }
}

static enum form choose_form(const struct stack *s)
{
    enum form form = (enum form)below(FORMS);
    static char probe[sizeof T.options];

    if (!T.new_api)
        form = (enum form)below(2);
    if (form == FORM_ADD_FD && !T.by_fd)
        form = FORM_ADD;
    stack_string(s, probe, sizeof probe);
    if (strlen(probe) > OPTION_PAGE && form < FORM_ADD)
        form = FORM_ADD;
    return form;
}

static void enter_stage(int on_ext4)
{
    if (on_ext4) {
        char dir[PATH_MAX], name[32];

        snprintf(name, sizeof name, "%llu", (unsigned long long)T.round_seed);
        join(dir, T.ext, name);
        (void)mkdir(dir, 0755);
        if (mount(dir, T.stage, NULL, MS_BIND, NULL) != 0)
            die(dir);
    } else if (mount("dindbind", T.stage, "tmpfs", 0, "mode=0755") != 0) {
        die(T.stage);
    }
}

/* What lies on ext4 would stay in its image; a tmpfs goes with its mount. */
static void leave_stage(int on_ext4)
{
    (void)umount2(T.over, MNT_DETACH);
    if (on_ext4) {
        struct list names = { 0 };
        char path[PATH_MAX];

        list_dir(AT_FDCWD, T.stage, &names);
        for (size_t i = 0; i < names.n; i++) {
            join(path, T.stage, names.v[i]);
            remove_tree(path);
        }
        list_free(&names);
    }
    (void)umount2(T.stage, MNT_DETACH);
}

static void round_of(uint64_t seed)
{
    struct stack s = { 0 };
    int on_ext4, root;
    enum form form;

    T.round_seed = T.rng = seed;
    T.serial = 0;
    T.listed = 0;
    on_ext4 = chance(12) && T.ext4;
    enter_stage(on_ext4);
    if (make_stack(&s) != 0) {
        T.unmountable++;
    } else {
        s.on_ext4 = on_ext4;
        form = choose_form(&s);
        if (mount_stack(&s, T.over, form) != 0) {
            T.unmountable++;
        } else {
            if (form != FORM_STRING)
                read_mountinfo(T.over, T.handed, sizeof T.handed);
            else
                memcpy(T.handed, T.options, sizeof T.handed);
            root = open(T.over, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
            if (root < 0)
                die(T.over);
            T.stacks[s.origin]++;
            T.forms[form]++;
            T.strict_stacks += (unsigned long)s.strict;
            T.ext4_stacks += (unsigned long)on_ext4;
            T.many_stacks += (unsigned long)s.many;
            compare_stack(&s, form, &root);
            close(root);
        }
    }
    leave_stage(on_ext4);
    list_free(&s.layers);
    list_free(&s.data);
    list_free(&s.targets);
}

/* ---- The namespace ---------------------------------------------------------------------------------- */

static void skip(const char *why)
{
    int root = geteuid() == 0;

    printf("differential: %s: %s\n0 passed, 0 failed, 1 skipped\n", why, strerror(errno));
    exit(root ? 1 : 0);
}

/* An ext4 of its own, where real root has the tools: xattrs, whiteouts and inode numbers of a file system on
 * disk. In an image file with a loop device that goes with its mount. */
static int attach_loop(const char *image)
{
    int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC), file = open(image, O_RDWR | O_CLOEXEC), ok = -1;

    for (int tries = 0; tries < 8 && ok != 0 && control >= 0 && file >= 0; tries++) {
        struct loop_info64 info = { .lo_flags = LO_FLAGS_AUTOCLEAR };
        char path[64];
        int number = ioctl(control, LOOP_CTL_GET_FREE), loop;

        snprintf(path, sizeof path, "/dev/loop%d", number);
        loop = open(path, O_RDWR | O_CLOEXEC);
        if (loop >= 0 && ioctl(loop, LOOP_SET_FD, file) == 0) {     /* EBUSY: someone was faster */
            (void)ioctl(loop, LOOP_SET_STATUS64, &info);
            ok = mount(path, T.ext, "ext4", 0, "");
        }
        if (loop >= 0)
            close(loop);
    }
    if (control >= 0)
        close(control);
    if (file >= 0)
        close(file);
    return ok;
}

static int make_ext4(const char *image)
{
    int fd = open(image, O_RDWR | O_CREAT | O_CLOEXEC, 0600), status = -1;
    pid_t child;

    if (fd < 0 || ftruncate(fd, 64 << 20) != 0)
        return -1;
    close(fd);
    child = fork();
    if (child == 0) {
        int null = open("/dev/null", O_RDWR);

        if (null >= 0 && dup2(null, 1) == 1 && dup2(null, 2) == 2) {
            (void)setenv("PATH", "/usr/sbin:/usr/bin:/sbin:/bin", 1);
            execlp("mkfs.ext4", "mkfs.ext4", "-q", "-F", "-N", "16384", image, (char *)NULL);
        }
        _exit(127);
    }
    if (child < 0 || waitpid(child, &status, 0) != child || status != 0)
        return -1;
    return attach_loop(image);
}

/* A directory that is there everywhere and that nobody here needs: the tmpfs covers it for this process. */
static void make_scratch(void)
{
    static const char *const places[] = { "/mnt", "/media", "/opt", "/tmp" };
    char path[PATH_MAX];
    size_t i = 0;

    while (i < 4 && mount("dindbind", places[i], "tmpfs", 0, "mode=0755") != 0)
        i++;
    if (i == 4)
        skip("no tmpfs can be mounted");
    snprintf(T.stage, sizeof T.stage, "%s/s", places[i]);
    snprintf(T.over, sizeof T.over, "%s/m", places[i]);
    snprintf(T.sub, sizeof T.sub, "%s/n", places[i]);
    snprintf(T.empty, sizeof T.empty, "%s/e", places[i]);
    snprintf(T.ext, sizeof T.ext, "%s/x", places[i]);
    if (mkdir(T.stage, 0755) || mkdir(T.over, 0755) || mkdir(T.sub, 0755) || mkdir(T.empty, 0755) ||
        mkdir(T.ext, 0755))
        die(places[i]);
    T.trusted = setxattr(T.empty, "trusted.overlay.nothing", "", 0, 0) == 0;
    if (!T.trusted && setxattr(T.empty, "user.overlay.nothing", "", 0, 0) != 0)
        skip("neither trusted nor user attributes on tmpfs");
    if (!T.trusted)
        puts("trusted.* attributes cannot be set here: only stacks with userxattr");
    (void)removexattr(T.empty, T.trusted ? "trusted.overlay.nothing" : "user.overlay.nothing");
    join(path, places[i], "image");
    T.ext4 = T.trusted && make_ext4(path) == 0;
}

/* Can layers be added one by one (6.8), and by descriptor (6.13)? */
static void probe_kernel(void)
{
    int fs = (int)syscall(SYS_fsopen, "overlay", CLOEXEC_FSOPEN, 0L, 0L, 0L, OWN_CALL);

    if (fs < 0) {
        if (mount("overlay", T.over, "overlay", 0, "lowerdir=/nothing") != 0 && errno == ENODEV)
            skip("no overlayfs in this kernel");
        return;
    }
    T.new_api = add_layer(fs, "lowerdir+", T.empty, 0) == 0;
    T.by_fd = T.new_api && add_layer(fs, "lowerdir+", T.stage, 1) == 0;
    close(fs);
}

/* ---- The report ------------------------------------------------------------------------------------- */

/* A class of answers that never came was not tested. A run of a few rounds is a look at these alone. */
static void demand(unsigned long rounds, const char *what, unsigned long n)
{
    if (n || rounds < 24)
        return;
    printf("FAIL: not one of the kind \"%s\"\n", what);
    T.failed++;
}

/* Refusing is always safe, so that only its share says whether the walk is worth its name. */
static void demand_share(enum origin origin, unsigned percent)
{
    unsigned long n = T.paths[origin], refused = T.refused[origin];

    printf("%s: %lu stacks, %lu paths, %lu refused where the kernel has an answer (%lu %%)\n", origin_text[origin],
           T.stacks[origin], n, refused, n ? 100 * refused / n : 0);
    if (n > 1000 && 100 * refused > percent * n) {
        printf("FAIL: more than %u %% refused\n", percent);
        T.failed++;
    }
}

static int report(unsigned long rounds)
{
    printf("%lu rounds: %lu stacks that must be answered in full, %lu on ext4, %lu of many layers, "
           "%lu with relative layers that cannot be known, %lu that the kernel does not mount\n", rounds,
           T.strict_stacks, T.ext4_stacks, T.many_stacks, T.unreadable, T.unmountable);
    for (int i = 0; i < FORMS; i++)
        printf("%s%s %lu", i ? ", " : "handed over: ", form_text[i], T.forms[i]);
    puts("");
    demand_share(BY_KERNEL, 15);
    demand_share(TAMPERED, 25);
    demand_share(BY_HAND, 25);
    printf("answers: single %lu (%lu rw), merged %lu, metacopy %lu", T.single, T.rw, T.merged, T.metacopy);
    for (int i = 0; i < 32; i++)
        if (T.error[i])
            printf(", %s %lu", dindbind_word(DINDBIND_E_USAGE - i), T.error[i]);
    printf("\nmerged: %lu of one directory (compared above an empty one);"
        " of %lu tried without the stack's words %lu hold\n",
           T.empty_below, T.bare, T.bare_holds);
    printf("aliases: %lu paths where the kernel's answer depends on the order of look-ups\n", T.aliases);
    demand(rounds, "a stack that must be answered in full", T.strict_stacks);
    demand(rounds, "single", T.single);
    demand(rounds, "merged", T.merged);
    demand(rounds, "missing", T.error[DINDBIND_E_USAGE - DINDBIND_E_MISSING]);
    demand(rounds, "notdir", T.error[DINDBIND_E_USAGE - DINDBIND_E_NOTDIR]);
    if (T.trusted)
        demand(rounds, "metacopy", T.metacopy);
    printf("%lu passed, %lu failed, 0 skipped\n", T.passed, T.failed);
    return T.failed ? 1 : 0;
}

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
    unsigned long rounds = 0, done = 0;
    double end = 0;
    int option;

    T.seed = 1;
    while ((option = getopt(argc, argv, "n:s:t:")) != -1)
        if (option == 'n') {
            rounds = strtoul(optarg, NULL, 10);
        } else if (option == 's') {
            T.seed = strtoull(optarg, NULL, 10);
        } else if (option == 't') {
            end = now() + strtod(optarg, NULL);
        } else {
            fputs("usage: differential [-n ROUNDS] [-s SEED] [-t SECONDS]\n", stderr);
            return 2;
        }
    if (!rounds)
        rounds = end > 0 ? (unsigned long)-1 : 500;
    printf("seed %llu\n", (unsigned long long)T.seed);
    umask(0);
    if (!own_namespaces())
        skip("neither a mount nor a user namespace");
    make_scratch();
    probe_kernel();
    while (done < rounds && (end <= 0 || now() < end) && T.failed < 20)
        round_of(T.seed + done++);
    return report(done);
}
