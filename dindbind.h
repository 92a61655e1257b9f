/* dindbind.h - what to mount so that a sibling container sees what the runner sees
 *
 * SPDX-License-Identifier: 0BSD
 *
 * This header is the whole interface and the reference for it. To embed it, copy dindbind.c and
 * dindbind.h into your project and compile dindbind.c with -DDINDBIND_NO_MAIN. Plain C11; C++ may
 * include it.
 *
 * In general
 *   - A call that can fail returns 0, or a negative DINDBIND_E_ code.
 *   - Every call is re-entrant: two threads may use one opened runner at the same time, each with a
 *     result of its own. There is no global state.
 *   - Nothing of the process is changed: no cwd, umask, signal, namespace, resource limit.
 *   - Nothing is printed, and nothing calls exit(3).
 *   - Every descriptor is close-on-exec from the moment it exists.
 *   - A call takes up to 96 KiB of the caller's stack.
 *   - Paths are bytes, terminated by NUL, without a terminating newline, in any encoding.
 */
#ifndef DINDBIND_H
#define DINDBIND_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The version, and what it promises (semver.org).
 *
 * While MAJOR stays, each later version serves the programs of an earlier one, once they are
 * compiled with it. Functions, members that are not private, names of enums and macros, the words
 * of errors and exit statuses stay. A new MINOR may add some; a new PATCH only repairs. Two things
 * may change in any version: a source that was refused may be answered, and an answer that turns
 * out to be wrong or unsafe is corrected or refused. So may texts for people (messages, traces).
 *
 * In return a caller
 *   - zeroes structs and fills members in by name: `struct dindbind_runner r = { .pid = 42 };`.
 *     A new member may stand anywhere; 0 is what earlier versions did;
 *   - leaves private members alone, and takes sizes from sizeof;
 *   - expects codes, rules and kinds that are new. dindbind_word() and dindbind_status() know each
 *     code; what is stored or compared is the word;
 *   - compiles with the header that came with dindbind.c.
 *
 * Binaries: sizes of structs, places of members and numbers of enums stay while MAJOR and MINOR
 * both stay, not longer, because callers allocate these structs. A project that has the two files
 * compiles them together and need not care. A shared library has both numbers in its soname
 * (libdindbind.so.1.0), so that its users are compiled again for each MINOR. */
#define DINDBIND_VERSION_MAJOR 1
#define DINDBIND_VERSION_MINOR 0
#define DINDBIND_VERSION_PATCH 0
#define DINDBIND_VERSION "1.0.0"

enum { DINDBIND_PATH_MAX = 4096 };      /* Linux's PATH_MAX, the NUL included */

/* ---- Errors ---------------------------------------------------------------------------------- */

/* One code per cause; none of them is an -errno. A new code goes to the end of its group, and
 * SYSTEM stays the last: words are stable, numbers are not. dindbind_word() gives the stable
 * lower-case word of each, which is what the `error` field of the json format holds;
 * dindbind_status() the exit status that belongs to it. */
enum dindbind_error {
    DINDBIND_OK = 0,
    /* the caller's words: exit status 2 */
    DINDBIND_E_USAGE = -5001,     /* "usage": a bind row, layer option or spec that is invalid */
    /* this source is refused: exit status 1 */
    DINDBIND_E_EMPTY = -5002,     /* "empty": the empty string */
    DINDBIND_E_RELATIVE = -5003,  /* "relative": not an absolute path */
    DINDBIND_E_TOOLONG = -5004,   /* "toolong": a name over 255 bytes, a path or an answer over
                                   * PATH_MAX */
    DINDBIND_E_MISSING = -5005,   /* "missing": not there, in the view that decides */
    DINDBIND_E_NOTDIR = -5006,    /* "notdir": something below a file */
    DINDBIND_E_LOOP = -5007,      /* "loop": more than 40 symlinks, links that are very long, or a
                                   * link of procfs (/proc/PID/root, and /proc/self: it means
                                   * whoever looks) */
    DINDBIND_E_ESCAPE = -5008,    /* "escape": a link leads into or out of a bind row, and no live
                                   * task to ask */
    DINDBIND_E_UNMATCHED = -5009, /* "unmatched": no rule applies */
    DINDBIND_E_LAYERS = -5010,    /* "layers": the layer options cannot be read with certainty */
    DINDBIND_E_INEXACT = -5011,   /* "inexact": no set of layer directories shows what the overlay
                                   * shows */
    DINDBIND_E_BROKEN = -5012,    /* "broken": the overlay itself would fail here; sys_errno says
                                   * how */
    DINDBIND_E_CHANGED = -5013,   /* "changed": kept being renamed while it was looked at */
    DINDBIND_E_READONLY = -5014,  /* "readonly": must be mounted read-only, which a bare path cannot
                                   * say, nor (EROFS) a volume that is writable by its own
                                   * options */
    DINDBIND_E_FORMAT = -5015,    /* "format": the answer cannot be written in the format asked
                                   * for */
    DINDBIND_E_FOREIGN = -5016,   /* "foreign": has no path in the caller's mount namespace */
    DINDBIND_E_EXISTS = -5017,    /* "exists": what is to be created is there, and is no
                                   * directory */
    DINDBIND_E_NESTED = -5018,    /* "nested": a mount below it that cannot be carried along, or too
                                   * many */
    DINDBIND_E_UNSAFE = -5019,    /* "unsafe": the staging directory, or one above it, is not safe
                                   * to use */
    DINDBIND_E_HOST = -5020,      /* "host": the PID is a process of the host itself, which needs no
                                   * translation */
    DINDBIND_E_BUSY = -5021,      /* "busy": another call holds the lock on the staging directory */
    DINDBIND_E_UNSTAGED = -5022,  /* "unstaged": fine, but not staged because another source was
                                   * refused */
    /* the runner or this system cannot be read: exit status 3 */
    DINDBIND_E_GONE = -5023,      /* "gone": no live process has this PID */
    DINDBIND_E_REUSED = -5024,    /* "reused": the PID, or the description, is another process's or
                                   * container's */
    DINDBIND_E_PROCFS = -5025,    /* "procfs": /proc is not a procfs, or something is mounted over
                                   * it */
    DINDBIND_E_DENIED = -5026,    /* "denied": no permission */
    DINDBIND_E_XATTR = -5027,     /* "xattr": trusted.* attributes decide, and cannot be read */
    DINDBIND_E_KERNEL = -5028,    /* "kernel": this kernel, or a seccomp filter, lacks a system
                                   * call */
    DINDBIND_E_NOMEM = -5029,     /* "nomem": out of memory */
    DINDBIND_E_SYSTEM = -5030     /* "system": any other failure; sys_errno says which */
};

/* The stable word of a code; "ok" for 0. Never NULL. */
const char *dindbind_word(int error);

/* The exit status of a code: 0, 1, 2 or 3. */
int dindbind_status(int error);

/* ---- The runner ------------------------------------------------------------------------------ */

/* Who says that a row of the bind table is so. */
enum dindbind_origin {
    DINDBIND_GIVEN,             /* the caller, who is believed */
    DINDBIND_REPORTED,          /* an engine. With `self` the row counts while exactly one mount is
                                 * at `path`, and the source is on that mount. With a pid something
                                 * must be mounted there, unless the root proves which container it
                                 * is */
    DINDBIND_ENGINES,           /* likewise, and `host` is a file or volume of the engine's own,
                                 * .../containers/ID/hosts or .../volumes/NAME/_data: what is
                                 * mounted at `path` must have a root that ends so, or lies below */
};

/* A row of the bind table: the runner has `host` mounted at `path`. */
struct dindbind_bind {
    const char *host;           /* absolute; the caller's own name, handed out as it is. NULL: the
                                 * runner has something there that has no name here (a tmpfs): only
                                 * its own view can show what */
    const char *path;           /* absolute and lexically clean, as the runner names it */
    int ro;                     /* mounted read-only */
    enum dindbind_origin origin;
};

struct dindbind_layers;         /* private */

/* Whose paths they are. Zero it, fill in the first part, hand it to dindbind_open(). The strings
 * and rows stay the caller's, and must stay as they are until dindbind_close(). */
struct dindbind_runner {
    long pid;                   /* the task PID as the caller's /proc numbers it; 0: no live task */
    unsigned long long start;   /* its start time, field 22 of /proc/PID/stat (clock ticks); 0:
                                 * unknown */
    const struct dindbind_bind *binds;
    size_t nbinds;
    const char *overlay;        /* mount options of the runner's overlay root, or NULL. They are
                                 * used if pid is 0, and then each word must be known (LAYERS) */
    const char *merged;         /* where its engine says that its root is, or NULL; "": the engine
                                 * does not report it. With a pid: the task must have that root, if
                                 * it can be seen, and the upperdir of `overlay`, else REUSED. With
                                 * self: the daemon's name of /; a name that ends with `id` counts
                                 * if that id is the caller's own, see there */
    const char *id;             /* the engine's id of the container, or NULL. If neither `merged`
                                 * nor `overlay` proves that it is this container, the id must be
                                 * in the task's cgroup, or in a mount of a file of the engine's
                                 * own (a row, or /etc/hosts, /etc/hostname, /etc/resolv.conf,
                                 * /run/.containerenv). With self: in the caller's cgroup, or in
                                 * its session keyring, which runtimes call ID or _ses.ID
                                 * (keyctl(2); a process without one gets its user's when the
                                 * kernel is asked), or in such a mount. The rows must fit too,
                                 * see `origin`. Otherwise REUSED */
    const char *no_layers;      /* why `overlay` must not answer although it was reported, or
                                 * NULL */
    int self;                   /* 1: the caller itself is in the runner; pid must be 0.
                                 * dindbind_host() then gives the names of the daemon outside;
                                 * `overlay`, if any, must be the caller's own, and has its
                                 * lowerdirs and upperdir as the daemon names them */

    long engine;                /* the PID of the process that will mount the answers, if its mount
                                 * namespace is not the caller's (a dind sidecar, a rootless engine,
                                 * snap's docker); 0: the caller. Host paths, the `host` of rows,
                                 * layers, and the directory of a stage are names in that namespace.
                                 * If it is in another user namespace too, layers are refused
                                 * (FOREIGN), because its root can clear `ro`. Not with self. Needs
                                 * openat2(2) */
    unsigned long long engine_start;    /* its start time, as `start`; 0: unknown */

    /* Called, when not NULL, with one line (no newline) per rule tried. */
    void (*trace)(void *trace_arg, const char *line);
    void *trace_arg;

    /* private, between dindbind_open() and dindbind_close() */
    int proc_fd;                /* /proc */
    int task_fd;                /* /proc/PID: stays with that process, whatever becomes of the
                                 * number */
    int root_fd;                /* /proc/PID/root */
    int proven;                 /* the root or the cgroup shows that it is the one described */
    int engine_fd, engine_root; /* the same two of the engine */
    int engine_apart;           /* it is in another user namespace; who is root there: */
    unsigned engine_uid, engine_gid;
    unsigned caps;              /* what this kernel lacks */
    struct dindbind_layers *layers;
    int layers_error, layers_errno;     /* why there are none; `detail` has the words */
    struct dindbind_bind *points;       /* rows that were named through links: where they are */
    size_t npoints;
    char detail[256];           /* what went wrong in dindbind_open(), for dindbind_message() */
};

/* Take hold of a runner: check the rows, open /proc and the task's root, parse the layer options.
 *
 * 0, or USAGE, LAYERS, GONE, REUSED, PROCFS, DENIED, NOMEM, SYSTEM. Layers that an engine reported
 * (`merged` is not NULL) and that cannot be read are refused by dindbind_resolve(), if a source
 * asks for them. After a failure there is nothing to close, and dindbind_message() with a NULL
 * result says what it was.
 *
 * Needs a mounted procfs for pid > 0 (proc(5)), and for layers where extended attributes are looked
 * at. Reading /proc/PID/root is governed by PTRACE_MODE_READ_FSCREDS (ptrace(2)). The descriptor of
 * the directory /proc/PID belongs to that process alone: after its death look-ups through it give
 * ESRCH (fs/proc/base.c). A zombie has no root and counts as gone.
 *
 * Holds up to 3 descriptors, plus one for each layer that has been looked into. */
int dindbind_open(struct dindbind_runner *runner);

/* Let go of it. Results outlive it. Harmless on a zeroed struct and after a failed open. */
void dindbind_close(struct dindbind_runner *runner);

/* ---- One source ------------------------------------------------------------------------------ */

enum dindbind_rule {
    DINDBIND_RULE_NONE, DINDBIND_RULE_BIND, DINDBIND_RULE_PROC, DINDBIND_RULE_LAYERS,
    DINDBIND_RULE_SELF
};

enum dindbind_kind {
    DINDBIND_SINGLE,            /* `path` is it */
    DINDBIND_MERGED,            /* a read-only overlay of `layers`, topmost first, is it */
    DINDBIND_METACOPY           /* a file: attributes of layers[0], data of layers[1] */
};

struct dindbind_result {
    int error;                  /* 0 or a DINDBIND_E_ code, as returned */
    int sys_errno;              /* the errno that it comes from, or 0 */
    enum dindbind_rule rule;    /* which rule decided, also on most errors */
    enum dindbind_kind kind;
    int ro;                     /* must be mounted read-only, or already is; BIND: also where the
                                 * live runner's own mount is, whatever the row says */
    int ro_mount;               /* it is so only because its mount is, or because whoever mounts it
                                 * makes it so: mounts below may be writable */
    unsigned type;              /* S_IFDIR, S_IFREG, ...; 0: a bind row that cannot be seen from
                                 * here */
    int fd;                     /* O_PATH, pins the source: mount or open through it and no later
                                 * change of a name matters. -1: an error, a bind row that cannot be
                                 * seen from here, or kind is not SINGLE. Owned by the result. */
    char **layers;              /* MERGED and METACOPY: absolute paths. Owned by the result. */
    size_t nlayers;
    const char *options;        /* MERGED: what the overlay of `layers` needs besides lowerdir=,
                                 * separated by commas ("redirect_dir=on,metacopy=on"); mostly "".
                                 * Static. */
    /* strings, each terminated; what stands after its end is not initialised */
    char path[DINDBIND_PATH_MAX]; /* SINGLE: the answer. MERGED and METACOPY: the source, cleaned.
                                   * On an error: what was tried. */
    char name[DINDBIND_PATH_MAX]; /* what the runner calls it, links followed; "": it does not see
                                   * it (a bind row), or an error */
};

enum {
    DINDBIND_MKDIR = 1,         /* create a missing directory, as `docker run -v` does (see
                                 * below) */
    DINDBIND_TO_STAGE = 2       /* dindbind_stage() comes next: a directory that only an overlay of
                                 * all layers shows exactly is MERGED instead of INEXACT; a bind row
                                 * that the live runner has as it stands is pinned in the runner's
                                 * view, with the mounts below */
};

/* Translate one source.
 *
 * 0, or any code but USAGE. Fills in the whole result in either case; it need not be initialised.
 * Nothing is ever dropped: a source that no rule covers is UNMATCHED.
 *
 * The rules, in order:
 *   BIND    the longest row by path components. The row itself is handed out as it is, but `ro`
 *           where a live runner's own mount there is read-only. What is left over is resolved
 *           beneath it (openat2(2), RESOLVE_BENEATH); where a link leaves the row the next rule
 *           decides, and without a live task the source is refused (ESCAPE).
 *   PROC    pid > 0: through /proc/PID/root (openat2(2), RESOLVE_IN_ROOT|RESOLVE_NO_MAGICLINKS).
 *           `path` is free of symlinks, so that open(2) of it does not stray into the caller's own
 *           root. Where there are links on the way, a walk by components has to end at the same
 *           inode: it refuses those of procfs.
 *   SELF    with `self`, instead of all others: through the caller's own root, in the same way.
 *           What is not there is named by the GIVEN row that it is below (BIND), if nothing is
 *           mounted at that row's place or between.
 *   LAYERS  pid 0 and overlay options: what overlayfs would show (fs/overlayfs/namei.c), without
 *           mounting it. A lowerdir's object is ro, always.
 *
 * With DINDBIND_MKDIR a missing directory is created under BIND and PROC, never in a layer, nor
 * beneath a row for an engine in another user namespace: mode 0755, the owner of its closest
 * existing ancestor, one mkdirat(2) at a time beneath descriptors. What a failing call had created
 * is removed again.
 *
 * Nothing is opened for reading or writing, with one exception: directories of layers are listed,
 * which is the only way to know that nothing below them means something else in the overlay.
 *
 * The PROC rule costs no allocation. Where openat2 (Linux 5.6) is missing or refused by seccomp,
 * the walk by components, which is contained just as well, is used alone. STATX_MNT_ID (5.8) falls
 * back to fdinfo. */
int dindbind_resolve(const struct dindbind_runner *runner, const char *source, unsigned flags,
                     struct dindbind_result *result);

/* Close the descriptor and free the layers. Call it once for each dindbind_resolve(), failed or
 * not. */
void dindbind_release(struct dindbind_result *result);

/* ---- Something to mount ---------------------------------------------------------------------- */

/* A mount of the runner's below a source, and what a sibling needs mounted there. */
struct dindbind_mount {
    const char *source;         /* where it is in the runner */
    const char *rest;           /* the part of it after the source, from a slash on */
    const char *path;           /* its host path */
    unsigned type;              /* S_IFDIR, ...; 0: not known */
    int ro;
};

/* dindbind_host() and dindbind_stage() give HOST for a PID that is no container's: a process that
 * has the caller's own root, on the same mount (a shim, a shell), and a kernel thread. Its names
 * are the caller's and need no translation. If you mean the host, give a row of "/" at "/".
 * dindbind_resolve() answers: its path opens what that process sees. */

/* Turn an answer into the host path: a path in the caller's mount namespace that names the same
 * file, on a mount of the same file system.
 *   BIND, LAYERS   The answer is the host path already.
 *   PROC    The mount that the descriptor is on is found in the runner's mountinfo, then a mount of
 *           the same file system that contains the file in the caller's. The path there must open,
 *           without a symlink, to the same device and inode on exactly that mount
 *           (proc_pid_mountinfo(5)). If two mounts qualify, the first writable one counts.
 *   SELF    It is the daemon's name, and nothing inside can be compared with it. What the caller's
 *           own mountinfo, `merged` and the rows do not show with certainty is FOREIGN.
 *
 * *below gets the runner's mounts below the source, parents first, which a bind mount of the host
 * path does not carry: mount each of them too, or refuse the source. One block, free(3) it; NULL
 * when there are none. More than 4,096 are NESTED. Of the runner's mountinfo 64 MiB are read; if
 * there is more it is SYSTEM, with EFBIG.
 *
 * `result` is an answer of dindbind_resolve(); no name is looked up again. One that was refused
 * must be resolved again.
 *
 * 0, or HOST, see above; FOREIGN: no such path (tmpfs, an engine in a mount namespace of its own);
 * NESTED: a mount below has none, or the host has one below that the runner does not see; TOOLONG,
 * GONE, DENIED, NOMEM, SYSTEM. Then result->error is set and result->path says what it was.
 * Allocates both mount tables for the time of the call. A host path is a string that somebody walks
 * again later: only for a runner that is trusted not to swap directories meanwhile. */
int dindbind_host(const struct dindbind_runner *runner, struct dindbind_result *result,
                  struct dindbind_mount **below, size_t *nbelow);

/* Mount the sources themselves, the inodes that the results pin, at `dir`/0, `dir`/1, ... and put
 * these paths into results[i]->path. Recursive, so with the mounts below; read-only, recursively,
 * where result->ro is set and ro_mount is not. Results with the same source in the same mode get
 * the same path. All of it is private (mount_namespaces(7)): what is mounted or unmounted later, by
 * whomever, does not show in the stage and is not reached through it. A MERGED directory or
 * METACOPY file comes out of a read-only overlay of all layers.
 *
 * `dir` must be absolute. It is created, 0700, when missing (its parent must be there); one that
 * exists must be empty, the caller's, and closed to everybody else. Every directory above must be a
 * real one, owned by root or the caller, and not writable by others unless sticky. In a user
 * namespace the overflow user counts as root in an unbroken run from / in which nothing is writable
 * by others. It becomes a tmpfs, mode 0700, on an empty read-only one, which is all that peers of a
 * shared mount at `dir` see. Several calls may use one `dir`, also at the same time; each waits at
 * most five seconds for the others (BUSY). While a call holds the lock it asks no server of a file
 * system.
 *
 * With an engine `dir` is a path in its mount namespace, and the stage is made there; it must still
 * live afterwards, else all is undone (GONE). The plain directory gets the mode 01700, and is
 * UNSAFE where another namespace has a stage on it. If the engine's user namespace is another one,
 * the runner must be in that or below (else HOST); whoever is root in it counts as the caller does
 * for the directories above, makes `dir`, and may pass through the stage: it has the mode 0710, and
 * his group. He can unmount what he got, and clear `ro`.
 *
 * 0, or HOST, UNSAFE, BUSY, TOOLONG, KERNEL, DENIED, FOREIGN, GONE, PROCFS, NOMEM, SYSTEM, CHANGED
 * (something was mounted or unmounted there meanwhile), NESTED (a mount of the runner's below the
 * source cannot be cloned, as unbindable ones; or more than 4,096 mounts in all), with the errno in
 * *sys_errno, which dindbind_message() needs to distinguish causes. Then nothing stays mounted and
 * no path is valid; the result that it was about, if it was about one, has its error set.
 *
 * Holds one more descriptor for each of up to 64 sources at a time, and for each that is not
 * SINGLE. A result keeps its descriptor, and can be staged again; one that is not SINGLE must be
 * resolved again before that.
 *
 * Needs CAP_SYS_ADMIN, open_tree(2) and move_mount(2) (Linux 5.2), mount_setattr(2) (5.12); for
 * MERGED and METACOPY lowerdir+ (6.8). What must be done in another mount namespace, or from
 * another directory, is done in a child, which shares descriptors and memory (vfork(2)), on a stack
 * of its own, makes system calls only, and is waited for with __WALL: no SIGCHLD. The calling
 * thread stands still meanwhile, with all signals blocked, so that no handler runs in the child;
 * then its mask is what it was. The calling process itself never moves. */
int dindbind_stage(const struct dindbind_runner *runner, const char *dir,
                   struct dindbind_result *const *results, size_t n, int *sys_errno);

/* Take a stage down: all of it (`dir`), which is detached in one step before the directory is
 * removed, or one entry of it (`dir`/N). It is no error if nothing is there, or if a crash has left
 * a half. Nothing is deleted through a mount: a directory that is neither a stage nor empty is
 * UNSAFE. So is a stage that came with the mounts of another user namespace, because the kernel
 * keeps it where it is. BUSY as above. Siblings that have the stage mounted keep what they have.
 *
 * `runner`: NULL, or one whose engine the stage was made for. If its dindbind_open() said that the
 * engine is GONE or REUSED, it is given as that left it. Then it is 0 if no process in other mounts
 * than the caller's sees a stage at `path`, for that goes with its mount namespace; else GONE, and
 * *sys_errno is the PID of one that does. */
int dindbind_unstage(const struct dindbind_runner *runner, const char *path, int *sys_errno);

/* ---- Specs and bodies ------------------------------------------------------------------------ */

/* What answers are written as. */
enum dindbind_format {
    DINDBIND_TEXT,              /* a path; a spec, or a body, with what had to change, and all else
                                 * as it was */
    DINDBIND_JSON,              /* an object for each source, refused or not: see dindbind(1) */
    DINDBIND_OCI                /* one array of OCI runtime mounts, of specs */
};

/* Sources in docker's own words, which are all translated or all refused. Zero it and fill in the
 * first part. Then, in this order and any number of times: add what is to be translated, call
 * dindbind_answer(), hand `text` on, call dindbind_settle(). At last call dindbind_end().
 *
 * A spec or a body gets what a runtime can mount: the host path (dindbind_host()), with one more
 * spec for each mount of the runner's below it, or an entry of the stage `dir` (dindbind_stage()).
 * So does a path, with a `dir` or DINDBIND_TO_HOST. Any other path gets one that opens the same
 * file. The runner's mount tables are read once, until dindbind_end(): use one batch for one
 * request. After something was added the struct must not be moved or copied. */
struct dindbind_batch {
    const struct dindbind_runner *runner;       /* given to dindbind_open() before
                                                 * dindbind_answer() */
    int runner_error;           /* what that returned: every source is refused with it */
    enum dindbind_format format;
    unsigned flags;             /* DINDBIND_MKDIR, and those from DINDBIND_TO_HOST on */
    const char *dir;            /* stage the sources there; NULL: do not */
    char end;                   /* of a record of text and json: a line break, or NUL */

    /* answers, which are the batch's until dindbind_end() */
    char *text;                 /* all so far, no NUL after it; set `len` to 0 once it is handed
                                 * on */
    size_t len;
    const char *messages;       /* of the last dindbind_answer(), for people: a line, with its
                                 * newline, for each source that was refused, as dindbind_message()
                                 * puts it and more, and for each warning */
    int error;                  /* of the last dindbind_answer(): 0, or of the refused source with
                                 * the highest status */
    const char *about, *wrong;  /* after USAGE: the part of a body that it is about, or NULL; and
                                 * what is wrong */
    const char *source;         /* while dindbind_answer() runs: what it is at, for the runner's
                                 * trace */

    /* private */
    struct dindbind_work *work;
    unsigned long long room[1792];      /* most batches need no more, and allocate nothing */
};

enum {
    DINDBIND_TO_HOST = 4,       /* a path gets its host path */
    DINDBIND_READONLY = 8,      /* whoever mounts the answers makes them read-only */
    DINDBIND_ALIGNED = 16       /* refused, each source has an empty record: for callers who count
                                 * them */
};

/* Add a path, a SPEC of `docker run -v`, a SPEC of `--mount`, or the body of a create request of
 * Docker's API (len bytes and a NUL). A body comes alone. The strings stay the caller's, and as
 * they are, until dindbind_settle(). See dindbind(1) for what may stand in a spec and a body.
 *
 * 0, USAGE: `wrong` says what is wrong with it, and it was not added; NOMEM. */
int dindbind_add_path(struct dindbind_batch *batch, const char *path);
int dindbind_add_volume(struct dindbind_batch *batch, const char *spec);
int dindbind_add_mount(struct dindbind_batch *batch, const char *spec);
int dindbind_add_body(struct dindbind_batch *batch, const char *json, size_t len);

/* Answer all that was added since the last dindbind_settle(), at the end of `text`. If one source
 * is refused, there are no answers at all, nothing stays staged, and `messages` says why. (json has
 * its records in any case; see also DINDBIND_ALIGNED.)
 *
 * 0, or a code, which is in `error` too; USAGE: `wrong` says that the answers before are not
 * settled, or it is `runner_error`. Allocates for many sources or long answers, and for mount
 * tables. Holds a descriptor for each source until dindbind_settle(). */
int dindbind_answer(struct dindbind_batch *batch);

/* Say whether the answers were handed on (`kept`). If not, what was staged for them is taken down.
 * The sources are released, and new ones can be added. Harmless before dindbind_answer(), and a
 * second time.
 *
 * 0, or as dindbind_unstage(): then the stage is still there, nothing was released, and it can be
 * called again. */
int dindbind_settle(struct dindbind_batch *batch, int kept);

/* Release all of it. What was not settled is not kept: its stage is taken down, if that succeeds.
 * Harmless on a zeroed struct. */
void dindbind_end(struct dindbind_batch *batch);

/* ---- For people ------------------------------------------------------------------------------ */

/* One line, without a newline, for people: what was given, what is wrong, what was tried, what to
 * do. A NULL result is for the dindbind_open() that returned `error`. Returns `buf`, always
 * terminated, cut where it does not fit. */
char *dindbind_message(const struct dindbind_runner *runner, const char *source,
                       const struct dindbind_result *result, int error, char *buf, size_t size);

/* ---- The applet ------------------------------------------------------------------------------ */

/* The command line tool: see dindbind(1). Returns its exit status. The promise at the top holds for
 * its options and output (text, json, oci, bodies) too; a record of json may get more members.
 * Unlike all else here it writes to standard output and standard error. With -s it blocks SIGPIPE
 * in the calling thread: if the reader is gone the write fails, and nothing stays staged. With many
 * sources it raises the soft limit on descriptors to the hard one. */
int dindbind_main(int argc, char **argv);

#ifdef __cplusplus
}
#endif

#endif
