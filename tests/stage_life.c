/* stage_life.c - a stage stays what it is, for its whole life, and is nobody else's business
 *
 * SPDX-License-Identifier: 0BSD
 *
 * Black-box: the static binary that $DINDBIND names (./dindbind) is run. What it must do is in the contract, not in its
 * source: hostile runners, siblings, hosts and other users act *after* the answer, and the stage must not change;
 * engines in other mount namespaces must find no empty directory; what is taken down must be gone everywhere.
 *
 * Each test is a process of its own (process.h), in a root that holds /proc, the tool, a secret of the host's, and one
 * root for runners, /r. DIR is /p/st, and /p is a private, a shared or a slave mount. A runner is a child with a mount
 * namespace of its own, as plain root or in a user namespace of its own, whose mounts are shared. Runners, engines,
 * siblings and others are actors: they do what they are asked to, in their own namespaces.
 *
 * Root may skip nothing. An ordinary user gets a user namespace, and skips what needs a second user or a device. With
 * words only the tests whose names hold one of them are run.
 */
#define _GNU_SOURCE
#include <grp.h>
#include <linux/fuse.h>
#include <poll.h>
#include <stdint.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>

#include "process.h"

/* ==== The world ========================================================================================= */

/* What DIR lies on, and what a runner is. */
enum place { ON_PRIVATE, ON_SHARED, ON_SLAVE, PLACES };
enum kind { AS_ROOT, AS_USER, KINDS };

static struct {
    bool root;
    enum place place;
    enum kind kind;
    int fuse, fuse_error;       /* /dev/fuse, O_PATH, or why not */
    char base[64];
} world;


#define ST "/p/st"

static const char secret[] = "the secret of the host";

/* One runner a test: */
static const char *const runner_dirs[] = { "/r", "/r/d", "/r/d/n", "/r/d/v", "/r/d/h", "/r/decoy", "/r/decoy/n",
    "/r/proc" };
static const char *const runner_files[] = { "/r/one", "/r/d/f" };

static void make_place(void)
{
    static const unsigned long flags[] = { [ON_PRIVATE] = MS_PRIVATE, [ON_SHARED] = MS_SHARED, [ON_SLAVE] = MS_SHARED };
    make_dir("/p");
    must(!mount("t", "/p", "tmpfs", 0, "mode=755") && !mount(NULL, "/p", NULL, flags[world.place], NULL), "/p");
    if (world.place != ON_SLAVE)
        return;
    make_dir("/q");             /* the master */
    must(!mount("/p", "/q", NULL, MS_BIND, NULL) && !mount(NULL, "/p", NULL, MS_SLAVE, NULL), "/q");
}

static void furnish(void)
{
    for (size_t i = 0; i < COUNT(runner_dirs); i++)
        make_dir(runner_dirs[i]);
    for (size_t i = 0; i < COUNT(runner_files); i++)
        new_file(runner_files[i], "right");
    new_file("/r/decoy/f", "decoy");
    must(!symlink("/secret", "/r/evil"), "/r/evil");
    new_file("/secret", secret);
    must(!chmod("/secret", 0600), "/secret");
    make_place();
}

/* ---- What actors do ------------------------------------------------------------------------------------ */

static int zero_or_errno(int rc)
{
    return rc ? errno : 0;
}

/* Two words of an argument. */
static void split(const char *arg, char first[100], char second[100])
{
    first[0] = second[0] = 0;
    sscanf(arg, "%99s %99s", first, second);
}

static int op_cover(char *const w[])
{
    errno = cover_with(w[2], w[1]);
    return errno ? -1 : 0;
}

static const struct operation_row actor_operations[] = {
    { "cover", op_cover, false },       /* PATH SOURCE, which may be a symlink that is not followed */
    { 0 },
};

/* A directory or file mounted on itself: each call doubles the mounts there, which are peers of each other. */
static int do_doublings(const char *arg)
{
    char path[100], times[100];
    split(arg, path, times);
    for (int i = atoi(times); i > 0; i--)
        if (mount(path, path, NULL, MS_BIND, NULL))
            return errno;
    return 0;
}

static int do_look(const char *path)
{
    struct stat st;
    return zero_or_errno(lstat(path, &st));
}

static int do_count(const char *unused)
{
    (void)unused;
    return (int)mounts();
}

static int do_forge(const char *path)
{
    return zero_or_errno(mount("dindbind", path, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=710"));
}

/* A number that stands for its table of mounts, parent IDs and all. */
static int do_sum(const char *unused)
{
    (void)unused;
    unsigned sum = 5381;
    for (const char *p = slurp("/proc/self/mountinfo"); *p; p++)
        sum = sum * 33 + (unsigned char)*p;
    return (int)(sum & 0x7fffffff);
}

/* ---- Runners ------------------------------------------------------------------------------------------- */

static struct actor runner;
static void (*mounts_of_runner)(void);
static int runner_from_host;    /* SLAVE_OF_HOST, or 0 */

static void with_proc(void)
{
    must(!mount("/proc", "/r/proc", NULL, MS_BIND | MS_REC, NULL), "/r/proc");
    if (mounts_of_runner)
        mounts_of_runner();
}

/* The usual one has a volume below /d. */
static void with_volume(void)
{
    must(!mount("t", "/r/d/v", "tmpfs", 0, "mode=755"), "/r/d/v");
    new_file("/r/d/v/w", "right");
}

static char *runner_pid(void)
{
    return textf("%d", runner.pid);
}

static void start_runner(void (*before)(void))
{
    mounts_of_runner = before;
    runner = start_runner_at("/r", SHARED | (world.kind == AS_USER ? OWN_USER : 0) | runner_from_host, with_proc);
}

#define STAGE(...) RUN("-p", runner_pid(), "-s", ST, __VA_ARGS__)
#define STAGE_JSON(...) STAGE("-f", "json", __VA_ARGS__)

/* ---- Tables of mounts ---------------------------------------------------------------------------------- */

static char *my_table(void)
{
    return slurp("/proc/self/mountinfo");
}

static bool is_at_or_below(const char *path, const char *dir)
{
    size_t n = strlen(dir);
    return !strncmp(path, dir, n) && (!path[n] || path[n] == '/');
}

/* Calls `row` for each mount at or below a directory; how many. */
static size_t each_row(const char *dir, void (*row)(const char *point, const char *optional))
{
    size_t n = 0;
    for (char *save = NULL, *line = strtok_r(my_table(), "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        char point[1000], optional[200] = "";
        int at = 0;
        if (sscanf(line, "%*d %*d %*s %*s %999s %*s %n", point, &at) < 1 || !is_at_or_below(point, dir))
            continue;
        char *end = strstr(line + at - 1, " - ");
        if (end > line + at)
            snprintf(optional, sizeof optional, "%.*s", (int)(end - line - at), line + at);
        if (row)
            row(point, optional);
        n++;
    }
    return n;
}

static void must_be_private(const char *point, const char *optional)
{
    if (*optional)
        flunk("the mount at %s is %s", point, optional);
}

static void stage_is_private(void)
{
    if (!each_row(ST, must_be_private))
        flunk("nothing is mounted at %s", ST);
}

/* ---- The stage as it was ------------------------------------------------------------------------------- */

static const struct { const char *path, *text; } staged_files[] = {
    { ST "/0/f", "right" }, { ST "/0/v/w", "right" }, { ST "/1", "right" },
    { ST "/2/f", "right" }, { ST "/2/v/w", "right" }, { ST "/3", "right" },
};
static const char *const staged_nodes[] = { ST, ST "/0", ST "/0/f", ST "/0/n", ST "/0/v", ST "/1", ST "/2",
                                            ST "/2/f", ST "/2/n", ST "/2/v", ST "/3" };
static const char *const read_only[] = { ST "/2/new", ST "/2/n/new", ST "/2/v/new", ST "/2/f", ST "/3" };
static const char *const empty_dirs[] = { ST "/0/n", ST "/2/n" };

static struct stat node_was[COUNT(staged_nodes)];
static char *table_was;

static void see_node(size_t i, struct stat *st)
{
    if (lstat(staged_nodes[i], st))
        flunk("%s: %s", staged_nodes[i], strerror(errno));
}

static size_t entries(const char *path)
{
    size_t n = 0;
    DIR *d = opendir(path);
    if (!d)
        flunk("%s: %s", path, strerror(errno));
    while (readdir(d))
        n++;
    closedir(d);
    return n - 2;
}

/* The files, and what may be written. */
static void stage_shows_the_same(void)
{
    for (size_t i = 0; i < COUNT(staged_nodes); i++) {
        struct stat st;
        see_node(i, &st);
        if (st.st_ino != node_was[i].st_ino || st.st_dev != node_was[i].st_dev || st.st_mode != node_was[i].st_mode)
            flunk("%s is another file now, of mode %o", staged_nodes[i], st.st_mode);
    }
    for (size_t i = 0; i < COUNT(staged_files); i++)
        if (!is_text(staged_files[i].path, staged_files[i].text))
            flunk("%s reads \"%s\"", staged_files[i].path, slurp(staged_files[i].path));
    for (size_t i = 0; i < COUNT(empty_dirs); i++)
        if (entries(empty_dirs[i]))
            flunk("%s is not empty any more", empty_dirs[i]);
    for (size_t i = 0; i < COUNT(read_only); i++)
        if (write_text(read_only[i], "w", O_CREAT) || errno != EROFS)
            flunk("%s can be written, or %s", read_only[i], strerror(errno));
}

/* And not a mount more, less, or of another propagation. */
static void stage_is_the_same(void)
{
    char *table = my_table();
    size_t was = count_lines(table_was), is = count_lines(table);
    if (was != is)
        flunk("the caller had %zu mounts after the call, and has %zu now", was, is);
    stage_shows_the_same();
    if (strcmp(table, table_was))
        flunk("the caller's table of mounts has changed");
    stage_is_private();
}

/* /0 is a directory and /1 a file, /2 and /3 the same with -R. */
static void stage_four(void)
{
    said(STAGE("/d", "/one"), 0, ST "/0\n" ST "/1\n", "");
    said(STAGE("-R", "/d", "/one"), 0, ST "/2\n" ST "/3\n", "");
    for (size_t i = 0; i < COUNT(staged_nodes); i++)
        see_node(i, &node_was[i]);
    table_was = my_table();
    stage_shows_the_same();
}

static void is_gone(const char *path)
{
    struct stat st;
    if (!lstat(path, &st))
        flunk("%s is there", path);
}

static void unstage(void)
{
    said(RUN("-u", ST), 0, "", "");
    is_gone(ST);
}

static void begin(void)
{
    furnish();
    start_runner(with_volume);
    stage_four();
}

/* After the call, and after everything: all of one, so that a test of what comes later is one of just that. */
static void stays_private(void)
{
    begin();
    stage_is_private();
    unstage();
}

/* ==== What a runner does after the answer =============================================================== */

static void symlink_over_file(void)
{
    begin();
    have(&runner, do_script, "cover /one /evil");
    if (is_text(ST "/1", secret) || is_text(ST "/3", secret))
        flunk("%s reads a secret of the host's", is_text(ST "/1", secret) ? ST "/1" : ST "/3");
    stage_is_the_same();
    have(&runner, do_script, "cover /d/f /evil");
    if (is_text(ST "/0/f", secret))
        flunk("%s reads a secret of the host's", ST "/0/f");
    stage_is_the_same();
}

static void directory_over_directory(void)
{
    begin();
    have(&runner, do_script, "bind /decoy /d");
    stage_is_the_same();
    have(&runner, do_script, "bind /decoy/f /one");
    stage_is_the_same();
}

static void tmpfs_below(void)
{
    begin();
    have(&runner, do_script, "tmpfs /d/n;file /d/n/new later");
    stage_is_the_same();
    have(&runner, do_script, "tmpfs /d/v;file /d/v/new later");
    stage_is_the_same();
}

static void doublings(const char *of)
{
    begin();
    have(&runner, do_doublings, of);
    stage_is_the_same();
}

static void doublings_directory(void) { doublings("/d 10"); }
static void doublings_below(void) { doublings("/d/n 10"); }
static void doublings_file(void) { doublings("/one 10"); }
static void doublings_many(void) { doublings("/d/n 13"); }

static void runner_unmounts(void)
{
    begin();
    have(&runner, do_script, "umount /d/v");
    stage_is_the_same();
    have(&runner, do_script, "bind /decoy /d");
    have(&runner, do_script, "umount /d");
    stage_is_the_same();
    end_actor(&runner);
    stage_is_the_same();
    unstage();
}

/* The runner's mounts are slaves of the host's: with /hv the host gives it /hv/gone, takes that away, and mounts. */
static void with_host_volume(void)
{
    with_volume();
    must(!mount("/hv", "/r/d/h", NULL, MS_BIND | MS_REC, NULL), "/r/d/h");
}

static void host_mounts(void)
{
    furnish();
    make_dir("/hv");
    must(!mount("t", "/hv", "tmpfs", 0, "mode=755") && !mount(NULL, "/hv", NULL, MS_SHARED, NULL), "/hv");
    make_dir("/hv/gone");
    make_dir("/hv/later");
    must(!mount("t", "/hv/gone", "tmpfs", 0, "mode=755"), "/hv/gone");
    new_file("/hv/gone/kept", "right");
    runner_from_host = SLAVE_OF_HOST;
    start_runner(with_host_volume);
    stage_four();
    size_t rows = mounts(), below = each_row(ST, NULL);
    errno = do_script("tmpfs /hv/later;file /hv/later/new later");
    must(!errno, "/hv/later");
    have(&runner, do_look, "/d/h/later/new");   /* it reaches the runner ... */
    if (!do_look(ST "/0/h/later/new") || each_row(ST, NULL) != below || mounts() != rows + 1)
        flunk("what the host mounts in the runner later shows in the stage");
    errno = do_script("umount /hv/gone");
    must(!errno && ask(&runner, do_look, "/d/h/gone/kept") == ENOENT, "/hv/gone");
    if (!is_text(ST "/0/h/gone/kept", "right") || each_row(ST, NULL) != below)
        flunk("what the host unmounts in the runner is gone from the stage");
    stage_shows_the_same();
    stage_is_private();
    unstage();
}

/* ==== Siblings, other namespaces ======================================================================== */

/* The stage's own mount there, as one with :rshared has it. */
static int be_sibling(const char *from)
{
    if (unshare(CLONE_NEWNS) || mkdir("/sib", 0755) || mount(from, "/sib", NULL, MS_BIND | MS_REC, NULL))
        return errno;
    return zero_or_errno(mount(NULL, "/sib", NULL, MS_REC | MS_SHARED, NULL));
}

static void sibling_mounts(void)
{
    begin();
    int rows = ask(&runner, do_count, "");
    struct actor sibling = start_actor(be_sibling, ST "/0");
    stage_is_the_same();
    have(&sibling, do_script, "tmpfs /sib/n;file /sib/n/new later");
    stage_is_the_same();
    if (!ask(&runner, do_look, "/d/n/new") || ask(&runner, do_count, "") != rows)
        flunk("a mount of a sibling's reaches the runner");
    have(&sibling, do_doublings, "/sib/n 8");
    have(&sibling, do_script, "umount /sib/v");
    stage_is_the_same();
    have(&runner, do_look, "/d/v/w");
    if (ask(&runner, do_count, "") != rows)
        flunk("a mount of a sibling's reaches the runner");
    unstage();
    have(&runner, do_look, "/d/v/w");
    /* it keeps what it has */
    have(&sibling, do_look, "/sib/f");
}

static int be_peer(const char *unused)
{
    (void)unused;
    return zero_or_errno(unshare(CLONE_NEWNS));
}

static int be_slave(const char *unused)
{
    int err = be_peer(unused);
    return err ? err : zero_or_errno(mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL));
}

/* Engines that were there before the stage, and what they had. */
static struct actor engines[2];
static int engine_had[2];
static const char *const engine_is[] = { "a peer", "a slave" };

static void start_engines(void)
{
    engines[0] = start_actor(be_peer, "");
    engines[1] = start_actor(be_slave, "");
    for (size_t i = 0; i < COUNT(engines); i++)
        engine_had[i] = ask(&engines[i], do_sum, "");
}

/* `path` is what an engine would bind: it must not be there, and below a shared mount nobody can make it. */
static void engines_fail(const char *path)
{
    for (size_t i = 0; i < COUNT(engines); i++) {
        int err = ask(&engines[i], do_look, path);
        if (err != ENOENT)
            flunk("%s is there for an engine in %s namespace: %s", path, engine_is[i], strerror(err));
        err = ask(&engines[i], do_script, textf("dir %s", path));
        if (!err)
            have(&engines[i], do_script, textf("rmdir %s", path));
        if (world.place == ON_SHARED && err != EROFS)
            flunk("an engine in %s namespace makes %s: %s", engine_is[i], path, strerror(err));
        if (ask(&engines[i], do_look, path) != ENOENT)
            flunk("%s is there for an engine in %s namespace", path, engine_is[i]);
    }
}

static void engines_have_what_they_had(void)
{
    for (size_t i = 0; i < COUNT(engines); i++)
        if (ask(&engines[i], do_sum, "") != engine_had[i])
            flunk("the mounts in %s namespace are not what they were", engine_is[i]);
}

static void engines_find_nothing(void)
{
    furnish();
    start_runner(with_volume);
    start_engines();
    stage_four();
    stage_is_private();
    for (int i = 0; i < 4; i++)
        engines_fail(textf(ST "/%d", i));
    stage_is_the_same();
    struct actor own = start_actor(NULL, "");
    have(&own, do_look, ST "/0/f");
    have(&own, do_look, ST "/3");
}

/* A namespace that is made while there is a stage has a copy of it, which knows nothing of later calls. */
/* It has a copy of all that was there when it came, and keeps it. What a later call stages it does not get, and the
 * place for it shows there as an empty directory: dindbind.1 says that such an engine's siblings need a DIR of their
 * own. */
static void late_engine(void)
{
    begin();
    struct actor late = start_actor(be_slave, "");
    have(&late, do_look, ST "/0/f");
    said(STAGE("/d"), 0, ST "/4\n", "");
    if (!ask(&late, do_look, ST "/4/f"))
        flunk("an engine elsewhere sees a later stage");
    have(&late, do_look, ST "/0/f");
    unstage();
}

/* ==== Take-down ========================================================================================= */

static char *table_at_first;

static void begin_with_engines(void)
{
    furnish();
    start_runner(with_volume);
    start_engines();
    table_at_first = my_table();
}

/* Here and in both namespaces, and its directory. */
static void nothing_left(const char *when)
{
    if (strcmp(my_table(), table_at_first))
        flunk("%s: %zu mounts, and there were %zu", when, mounts(), count_lines(table_at_first));
    engines_have_what_they_had();
    struct stat st;
    if (!lstat(ST, &st))
        flunk("%s: %s is there", when, ST);
}

static void take_down(void)
{
    begin_with_engines();
    stage_four();
    unstage();
    nothing_left("after -u");
    unstage();
    unstage();
    nothing_left("after a third -u");
    /* and again, by its entries */
    stage_four();
    for (int i = 3; i >= 0; i--) {
        said(RUN("-u", textf(ST "/%d", i)), 0, "", "");
        said(RUN("-u", textf(ST "/%d", i)), 0, "", "");
        is_gone(textf(ST "/%d", i));
    }
    engines_fail(ST "/0");
    unstage();
    nothing_left("after -u of each entry");
    have(&runner, do_look, "/d/v/w");
}

/* Which takes the caller's outer one along. */
static void engine_unmounts_its_copy(size_t which)
{
    begin_with_engines();
    stage_four();
    int err = ask(&engines[which], do_script, "umount " ST);
    if (world.place == ON_SHARED && err)
        flunk("nothing is mounted on %s in %s namespace: %s", ST, engine_is[which], strerror(err));
    stage_shows_the_same();
    stage_is_private();
    said(STAGE("/one"), 0, ST "/4\n", "");
    stage_is_private();
    if (ask(&engines[0], do_look, ST "/4") != ENOENT || ask(&engines[1], do_look, ST "/4") != ENOENT)
        flunk("an engine sees %s", ST "/4");
    unstage();
    nothing_left("after -u");
}

static void peer_unmounts(void) { engine_unmounts_its_copy(0); }
static void slave_unmounts(void) { engine_unmounts_its_copy(1); }

/* What is mounted on DIR where DIR's mount gets its mounts from goes below the stage, not over it. */
static void master_mounts(void)
{
    begin_with_engines();
    stage_four();
    errno = do_script("tmpfs /q/st;file /q/st/new later");
    must(!errno, "/q/st");
    stage_shows_the_same();
    said(STAGE("/one"), 0, ST "/4\n", "");
    said(RUN("-u", ST "/4"), 0, "", "");
    errno = do_script("umount /q/st");
    must(!errno, "/q/st");
    stage_is_the_same();
    unstage();
    nothing_left("after -u");
}

/* The stage's namespace ends: what a peer keeps is empty and read-only, and -u takes it. */
static int be_caller(const char *unused)
{
    int err = be_peer(unused);
    if (err)
        return err;
    struct ran r = STAGE("/d");
    return r.status ? EPROTO : do_look(ST "/0/f");
}

static void namespace_dies(void)
{
    begin_with_engines();
    struct actor caller = start_actor(be_caller, "");
    if (!do_look(ST "/0"))
        flunk("a stage in another namespace shows here");
    end_actor(&caller);
    /* it ends a moment after its last process */
    engines_fail(ST "/0");
    if (mkdir(ST "/0", 0755) == 0 || errno != EROFS)
        flunk("%s can be made in a peer namespace: %s", ST "/0", strerror(errno));
    unstage();
    nothing_left("after -u");
    struct ran r = STAGE("/d");
    said(r, 0, ST "/0\n", "");
    unstage();
    nothing_left("after another stage and -u");
}

/* And a stage where that is left. */
static void stage_on_remains(void)
{
    begin_with_engines();
    struct actor caller = start_actor(be_caller, "");
    end_actor(&caller);
    struct ran r = STAGE("/d");
    if (!r.status) {
        said(r, 0, ST "/0\n", "");
        stage_is_private();
        engines_fail(ST "/0");
    } else if (*r.out || !strstr(r.err, ST))
        flunk("refused with %d, \"%s\" and \"%s\"", r.status, r.out, r.err);
    unstage();
    nothing_left("after -u");
}

/* ---- Killed at each of its system calls ----------------------------------------------------------------- */

static _Noreturn void be_traced(char *const argv[], int out)
{
    dup2(out, 1);
    dup2(out, 2);
    ptrace(PTRACE_TRACEME, 0, NULL, NULL);
    raise(SIGSTOP);
    execv("/dindbind", argv);
    _exit(99);
}

/* The tool and its children, those that have ended too: the end of one may show before its parent says that it has
 * it. */
struct traced {
    pid_t first, pids[64];
    bool ended[64];
    unsigned n, live;
};

static unsigned traced_at(const struct traced *t, pid_t pid)
{
    unsigned i = 0;
    while (i < t->n && t->pids[i] != pid)
        i++;
    return i;
}

static void now_traced(struct traced *t, pid_t pid)
{
    if (traced_at(t, pid) < t->n)
        return;
    if (t->n == COUNT(t->pids))
        flunk("the tool has more than %zu children", COUNT(t->pids));
    t->pids[t->n++] = pid;
    t->live++;
}

static void not_traced(struct traced *t, pid_t pid)
{
    unsigned i = traced_at(t, pid);
    if (i == t->n || t->ended[i])
        return;                 /* none of the tool's */
    t->ended[i] = true;
    t->live--;
}

static bool enters_call(pid_t pid)
{
    struct __ptrace_syscall_info info;
    return ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof info, &info) > 0 && info.op == PTRACE_SYSCALL_INFO_ENTRY;
}

/* Until nothing of the tool lives: a child may show before its parent says that it has one. Before system call number
 * `at` something happens. False when the tool ended before; *status is its. */
static bool traced_to(unsigned at, void (*happens)(const struct traced *), int out, char *const argv[], int *ended)
{
    struct traced t = { 0 };
    unsigned calls = 0;
    int status = 0;
    pid_t first = fork();
    if (!first)
        be_traced(argv, out);
    must(first > 0 && waitpid(first, &status, 0) == first && WIFSTOPPED(status), "a traced tool");
    must(!ptrace(PTRACE_SETOPTIONS, first, NULL, PTRACE_O_EXITKILL | PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEEXEC |
                 PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK) &&
         !ptrace(PTRACE_SYSCALL, first, NULL, 0), "ptrace");
    now_traced(&t, first);
    t.first = first;
    while (t.live) {
        pid_t pid = waitpid(-1, &status, __WALL);
        unsigned long child = 0;
        must(pid > 0, "wait");
        if (!WIFSTOPPED(status)) {
            if (pid == first)
                *ended = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
            not_traced(&t, pid);
            continue;
        }
        int sig = WSTOPSIG(status), event = status >> 16;
        now_traced(&t, pid);
        if (event && event != PTRACE_EVENT_EXEC && !ptrace(PTRACE_GETEVENTMSG, pid, NULL, &child))
            now_traced(&t, (pid_t)child);
        bool call = sig == (SIGTRAP | 0x80);
        bool enters = call && enters_call(pid);
        calls += enters;
        if (enters && calls == at)
            happens(&t);
        ptrace(PTRACE_SYSCALL, pid, NULL, event || call || sig == SIGSTOP || sig == SIGTRAP ? 0 : sig);
    }
    return calls >= at;
}

static void kill_all(const struct traced *t)
{
    for (unsigned i = 0; i < t->n; i++)
        if (!t->ended[i])
            kill(t->pids[i], SIGKILL);
}

/* Its child goes on. */
static void kill_first(const struct traced *t)
{
    kill(t->first, SIGKILL);
}

static bool killed_at(unsigned at, bool all, char *const argv[])
{
    int ended, out = memfd_create("out", MFD_CLOEXEC);
    bool reached = traced_to(at, all ? kill_all : kill_first, out, argv, &ended);
    close(out);
    return reached;
}

static void killed_staging(void)
{
    begin_with_engines();
    for (int all = 0; all < 2; all++) {
        for (unsigned at = 1; killed_at(at, all, ARGV("-p", runner_pid(), "-s", ST, "/d",
                                                      "/one")); at++) {
            struct ran r = RUN("-u", ST);
            if (r.status)
                flunk("killed at call %u: -u: %d, %s", at, r.status, r.err);
            nothing_left(textf("killed at call %u", at));
        }
        if (!is_text(ST "/0/f", "right"))
            flunk("it was not killed, and there is no stage");
        unstage();
    }
}

/* What was in it stays; what the killed one put there is for -u, and in nobody's way. */
static void killed_staging_more(void)
{
    begin_with_engines();
    stage_four();
    for (unsigned at = 1; killed_at(at, true, ARGV("-p", runner_pid(), "-s", ST, "/d",
                                                   "/one")); at++) {
        stage_shows_the_same();
        stage_is_private();
        if (entries(ST) < 12)
            continue;
        unstage();              /* what the killed ones left makes the next ones longer */
        nothing_left("after -u");
        stage_four();
    }
    engines_fail(ST "/0");
    struct ran r = STAGE("/one");
    if (r.status || !is_text(textf("%.*s", (int)strcspn(r.out, "\n"), r.out), "right"))
        flunk("-s after that: %d, %s%s", r.status, r.out, r.err);
    unstage();
    nothing_left("after -u");
}

static void killed_unstaging(void)
{
    begin_with_engines();
    for (int all = 0; all < 2; all++)
        for (unsigned at = 1;; at++) {
            stage_four();
            if (!killed_at(at, all, ARGV("-u", ST)))
                break;
            struct ran r = RUN("-u", ST);
            if (r.status)
                flunk("killed at call %u: another -u: %d, %s", at, r.status, r.err);
            nothing_left(textf("killed at call %u", at));
        }
}

/* ---- The runner acts before each of its system calls ---------------------------------------------------- */

static const struct act {
    const char *name;
    const char *does;
    const char *undoes;         /* the runner is as it was then */
} acts[] = {
    { "a symlink over the file", "cover /one /evil", "umount /one" },
    { "a symlink over a file below", "cover /d/f /evil", "umount /d/f" },
    { "a directory over the directory", "bind /decoy /d", "umount /d" },
    { "a tmpfs below", "tmpfs /d/n;file /d/n/new later", "umount /d/n" },
    { "the volume is unbindable", "unbindable /d/v", "shared /d/v" },
};

static const struct act *act;

static void do_act(const struct traced *t)
{
    (void)t;
    have(&runner, do_script, act->does);
}

static size_t rows_at_entries;

static void count_entry(const char *point, const char *optional)
{
    must_be_private(point, optional);
    rows_at_entries += !strcmp(point, ST "/0") || !strcmp(point, ST "/1");
}

/* Refused, and nothing is there; or all of it is what was asked for: one mount an entry, so that what the runner put
 * over a source after it was found is not there, and a volume, not its empty place. What was covered before is found
 * so, and what is below a source may be a link, as any of the runner's files. */
static void acted(unsigned at, int ended, const char *said_so)
{
    char *when = textf("%s before call %u", act->name, at);
    struct stat one, below;
    if (ended) {
        is_gone(ST);
        return;
    }
    if (strcmp(said_so, ST "/0\n" ST "/1\n"))
        flunk("%s: %s", when, said_so);
    must(!lstat(ST "/1", &one) && !lstat(ST "/0/f", &below), ST);
    if (!S_ISREG(one.st_mode) || !is_text(ST "/1", "right"))
        flunk("%s: %s is not the file, but %s", when, ST "/1", is_text(ST "/1", secret) ? "a secret of the host's" :
            "another");
    rows_at_entries = 0;
    each_row(ST, count_entry);
    if (rows_at_entries != 2)
        flunk("%s: %zu mounts at two entries", when, rows_at_entries);
    if (is_text(ST "/0/f", "decoy"))
        return;
    if (S_ISREG(below.st_mode) && !is_text(ST "/0/f", "right"))
        flunk("%s: another directory is staged", when);
    if (!is_text(ST "/0/v/w", "right"))
        flunk("%s: the volume is missing, and nothing is said of it", when);
}

static void runner_acts(void)
{
    begin_with_engines();
    for (act = acts; act < acts + COUNT(acts); act++)
        for (unsigned at = 1;; at++) {
            int ended = -1, out = memfd_create("out", MFD_CLOEXEC);
            bool reached = traced_to(at, do_act, out, ARGV("-p", runner_pid(), "-s", ST, "/d",
                                                           "/one"), &ended);
            acted(at, ended, text_of(out, NULL));
            unstage();
            nothing_left(textf("%s before call %u", act->name, at));
            if (!reached)
                break;
            have(&runner, do_script, act->undoes);
        }
}

/* ==== A clone that lacks a mount ======================================================================== */

static void refused_with(struct ran r, const char *word)
{
    if (!r.status || !strstr(r.out, textf("\"error\":\"%s\"", word)))
        flunk("wanted %s, got %d, %s%s", word, r.status, r.out, r.err);
    is_gone(ST);
}

/* In json, which names the cause, and in text, which prints nothing. */
static void lacks(char *source, const char *culprit)
{
    struct ran r = STAGE_JSON(source);
    refused_with(r, "nested");
    if (strcmp(my_table(), table_at_first))
        flunk("refused, and something stays mounted");
    r = STAGE("-v", textf("%s:/x", source));
    if (r.status != 1 || *r.out || !strstr(r.err, culprit))
        flunk("-v: wanted a message that names %s, got %d, %s%s", culprit, r.status, r.out, r.err);
    is_gone(ST);
}

static void begin_to_lack(void)
{
    furnish();
    start_runner(with_volume);
    table_at_first = my_table();
}

static void unbindable_below(void)
{
    begin_to_lack();
    have(&runner, do_script, "unbindable /d/v");
    lacks("/d", "/d/v");
    lacks("/", "/d/v");
    said(STAGE("/one"), 0, ST "/0\n", "");      /* is not concerned */
}

/* One of several, and one of many calls: nothing is staged for the others either. */
static void unbindable_among(void)
{
    begin_to_lack();
    have(&runner, do_script, "unbindable /d/v");
    struct ran r = STAGE_JSON("/one", "/d", "/decoy");
    refused_with(r, "nested");
    if (!strstr(r.out, "\"source\":\"/d\",\"error\":\"nested\"") ||
        !strstr(r.out, "\"source\":\"/one\",\"error\":\"unstaged\""))
        flunk("another source is blamed: %s", r.out);
    if (strcmp(my_table(), table_at_first))
        flunk("refused, and something stays mounted");
    said(STAGE("/one"), 0, ST "/0\n", "");
    r = STAGE_JSON("/d");
    if (!r.status || !strstr(r.out, "\"error\":\"nested\""))
        flunk("in a stage that is there: %s", r.out);
    is_gone(ST "/1");
    if (!is_text(ST "/0", "right"))
        flunk("the stage that was there is not what it was");
    unstage();
}

static void unbindable_below_mount(void)
{
    begin_to_lack();
    have(&runner, do_script, "tmpfs /d/n;file /d/n/new later");
    have(&runner, do_script, "dir /d/n/x");
    have(&runner, do_script, "tmpfs /d/n/x;file /d/n/x/new later");
    have(&runner, do_script, "unbindable /d/n/x");
    lacks("/d", "/d/n/x");
    lacks("/d/n", "/d/n/x");
}

/* The one that shows is bindable, but is mounted on one that is not: the clone has neither. */
static void unbindable_covered(void)
{
    begin_to_lack();
    have(&runner, do_script, "tmpfs /d/n;file /d/n/new later");
    have(&runner, do_script, "unbindable /d/n");
    have(&runner, do_script, "tmpfs /d/n;file /d/n/new later");
    lacks("/d", "/d/n");
}

/* Any refusal will do: there is nothing that could be cloned. */
static void unbindable_itself(void)
{
    begin_to_lack();
    have(&runner, do_script, "unbindable /d/v");
    static const char *const sources[] = { "/d/v", "/d/v/w" };
    for (size_t i = 0; i < COUNT(sources); i++) {
        struct ran r = STAGE_JSON((char *)sources[i]);
        if (!r.status || !strstr(r.out, "\"error\":\""))
            flunk("%s: %d, %s", sources[i], r.status, r.out);
        is_gone(ST);
        if (strcmp(my_table(), table_at_first))
            flunk("refused, and something stays mounted");
    }
}

/* A mount namespace that is bound to a file: clones have it, and not every namespace may. All of it, or nothing. The
 * kernel takes only one with a higher number, and each processor gives them from a range of its own. */
static int do_bind_namespace(const char *path)
{
    int err = EINVAL;
    for (int i = 0; i < 1000 && err == EINVAL; i++) {
        struct actor other = start_actor(be_peer, "");
        err = zero_or_errno(mount(textf("/proc/%d/ns/mnt", other.pid), path, NULL, MS_BIND, NULL));
        end_actor(&other);
    }
    return err;
}

static void namespace_below(void)
{
    begin_to_lack();
    have(&runner, do_script, "tmpfs /d/n;file /d/n/new later");
    have(&runner, do_script, "private /d/n");          /* it cannot be where it would be copied */
    have(&runner, do_bind_namespace, "/d/n/new");
    struct ran r = STAGE_JSON("/d");
    if (!r.status) {
        struct stat st;
        if (each_row(ST "/0", NULL) != 4 || stat(ST "/0/n/new", &st) || st.st_size)
            flunk("the mount of a mount namespace is missing in the stage");
        unstage();
    }
    if (r.status && !strstr(r.out, "\"error\":\""))
        flunk("%d, %s%s", r.status, r.out, r.err);
    is_gone(ST);
    if (strcmp(my_table(), table_at_first))
        flunk("something stays mounted");
}

/* ==== How much is staged ================================================================================ */

static void said_of(struct ran r, const char *out)
{
    said(r, 0, out, "");
}

static void one_entry_each(void)
{
    furnish();
    start_runner(with_volume);
    said_of(STAGE("-v", "/:/a", "-v", "/:/b"), ST "/0:/a\n" ST "/0:/b\n");
    if (each_row(ST, NULL) > 2 + (size_t)ask(&runner, do_count, ""))
        flunk("%zu mounts for one source", each_row(ST, NULL));
    /* the next call is another one */
    said_of(STAGE("-v", "/d:/a", "/d//", "--mount",
                  "type=bind,source=/d/,target=/c"),
            ST "/1:/a\n" ST "/1\ntype=bind,source=" ST "/1,target=/c\n");
    unstage();
    said_of(STAGE("/d", "/one", "/d", "/one"),
            ST "/0\n" ST "/1\n" ST "/0\n" ST "/1\n");
    unstage();
}

static void one_entry_a_mode(void)
{
    furnish();
    start_runner(with_volume);
    said_of(STAGE("-v", "/d:/a:ro", "-v", "/d:/b", "-v", "/d:/c:ro", "-v",
                  "/d:/e"),
            ST "/0:/a:ro\n" ST "/1:/b\n" ST "/0:/c:ro\n" ST "/1:/e\n");
    if (write_text(ST "/0/new", "w", O_CREAT) || errno != EROFS || !write_text(ST "/1/new", "w", O_CREAT))
        flunk("the entry that is read-only can be written, or the other one cannot");
    unstage();
}

/* Of the caller's own mounts, with so many below. */
static void row_with_mounts(unsigned n)
{
    char *row = textf("/h%u:/x", n);
    make_dir(textf("/h%u", n));
    for (unsigned i = 0; i < n; i++) {
        char *path = textf("/h%u/%u", n, i);
        make_dir(path);
        errno = do_script(textf("tmpfs %s;file %s/new later", path, path));
        must(!errno, path);
    }
    said_of(RUN("-b", row, "-s", ST, "/x"), ST "/0\n");
    stage_is_private();
    if (each_row(ST "/0", NULL) != n + 1)
        flunk("%zu mounts of a row with %u below", each_row(ST "/0", NULL), n);
    for (unsigned i = 0; i < n; i++)
        if (do_look(textf(ST "/0/%u/new", i)))
            flunk("the mount at %u is missing in the stage", i);
    unstage();
}

static void rows_with_mounts(void)
{
    furnish();
    row_with_mounts(0);
    row_with_mounts(2);
    row_with_mounts(300);
}

static struct ran create(char *body, bool (*before)(void))
{
    int in = memfd_create("in", MFD_CLOEXEC);
    must(write(in, body, strlen(body)) == (ssize_t)strlen(body) && !lseek(in, 0, SEEK_SET), "a body");
    struct ran r = end_tool(start_tool(ARGV("-p", runner_pid(), "-s", ST, "-c"), in, -1, before));
    close(in);
    return r;
}

/* {"HostConfig":{"Binds":["SOURCE:/t0",...]}}; a %u in it is the number. */
static char *body_of(unsigned n, const char *source)
{
    char *body = malloc(n * 64 + 64), *p = body + sprintf(body, "{\"HostConfig\":{\"Binds\":[");
    for (unsigned i = 0; i < n; i++) {
        p += sprintf(p, "%s\"", i ? "," : "");
        p += snprintf(p, 40, source, i);
        p += sprintf(p, ":/t%u\"", i);
    }
    strcpy(p, "]}}");
    return body;
}

static void thousand_binds_of_one(void)
{
    furnish();
    start_runner(with_volume);
    struct ran r = create(body_of(1000, "/"), NULL);
    if (r.status || strcmp(r.out, body_of(1000, ST "/0")))
        flunk("%d, %.200s %s", r.status, r.out, r.err);
    if (each_row(ST, NULL) > 2 + (size_t)ask(&runner, do_count, ""))
        flunk("%zu mounts for one source", each_row(ST, NULL));
    unstage();
}

/* /m/0, /m/1, ... with so many mounts below each */
static int do_many(const char *arg)
{
    unsigned dirs = 0, each = 0;
    sscanf(arg, "%u %u", &dirs, &each);
    must(!mkdir("/m", 0755) && !mount("t", "/m", "tmpfs", 0, "mode=755,nr_inodes=0") &&
         !mount(NULL, "/m", NULL, MS_PRIVATE, NULL), "/m");
    for (unsigned i = 0; i < dirs; i++) {
        make_dir(textf("/m/%u", i));
        for (unsigned k = 0; k < each; k++) {
            char *path = textf("/m/%u/%u", i, k);
            make_dir(path);
            must(!mount("/vol", path, NULL, MS_BIND, NULL), path);
            free(path);
        }
    }
    return 0;
}

static void start_with_many(const char *how)
{
    furnish();
    make_dir("/r/vol");
    start_runner(NULL);
    have(&runner, do_many, how);
    table_at_first = my_table();
}

static void names_how_many(struct ran r, const char *source, unsigned how_many)
{
    refused_with(r, "nested");
    if (strcmp(my_table(), table_at_first))
        flunk("refused, and something stays mounted");
    if (!strstr(r.err, source) && !strstr(r.out, textf("\"message\":\"%s", source)))
        flunk("the message does not name %s: %s%s", source, r.out, r.err);
    char *all = textf("%s%s", r.out, r.err);
    for (unsigned n = how_many - 1; n <= how_many + 1; n++)
        if (strstr(all, textf("%u", n)) || strstr(all, textf("%u,%03u", n / 1000, n % 1000)))
            return;
    flunk("the message does not say that it has %u: %s", how_many, all);
}

static void too_many_of_one(void)
{
    start_with_many("1 4200");
    names_how_many(STAGE_JSON("/m/0"), "/m/0", 4201);
    names_how_many(STAGE_JSON("/one", "-v", "/m/0:/x"), "/m/0", 4201);
}

static void too_many_together(void)
{
    start_with_many("3 1500");
    names_how_many(STAGE_JSON("/m/0", "/m/1", "/m/2"), "/m/", 1501);
    said_of(STAGE("/m/0", "/m/1", "/m/0", "/m/1"),
            ST "/0\n" ST "/1\n" ST "/0\n" ST "/1\n");
    size_t n = each_row(ST, NULL);
    if (n < 3002 || n > 3004)
        flunk("%zu mounts for two sources with 1501 each", n);
    unstage();
    if (strcmp(my_table(), table_at_first))
        flunk("something stays mounted");
}

/* ==== Nobody can make others wait ======================================================================= */

/* How it is silent: it does not even read, so that whoever waits can be killed; or it reads, and says nothing. */
enum silence { READS_NOTHING, ANSWERS_NOTHING };

static struct {
    enum silence how;
    int left;                   /* so many answers, -1: no end */
    int waits;                  /* somebody has got none */
} *fuse;                        /* shared with the server */

static void fuse_reply(int fd, uint64_t unique, int error, const void *data, size_t size)
{
    char buf[512];
    struct fuse_out_header h = { (uint32_t)(sizeof h + size), -error, unique };
    memcpy(buf, &h, sizeof h);
    if (size)
        memcpy(buf + sizeof h, data, size);
    if (write(fd, buf, sizeof h + size) < 0)
        return;                 /* interrupted: nobody waits for it any more */
}

/* 1: the root; 2: the file f; 3: the directory dir */
static struct fuse_attr fuse_attr_of(uint64_t node)
{
    struct fuse_attr a = { .ino = node, .nlink = 1, .blksize = 4096 };
    a.mode = node == 2 ? S_IFREG | 0644 : S_IFDIR | 0755;
    a.size = node == 2 ? 5 : 0;
    return a;
}

static bool is_question(const struct fuse_in_header *in)
{
    return in->opcode != FUSE_FORGET && in->opcode != FUSE_BATCH_FORGET && in->opcode != FUSE_INTERRUPT;
}

/* Nothing of what it says may be kept by the kernel. */
static void fuse_serve(int fd, const struct fuse_in_header *in, const void *arg)
{
    if (in->opcode == FUSE_INIT) {
        struct fuse_init_out out = { .major = 7, .minor = 31, .max_write = 4096, .time_gran = 1 };
        fuse_reply(fd, in->unique, 0, &out, sizeof out);
    } else if (in->opcode == FUSE_GETATTR) {
        struct fuse_attr_out out = { .attr = fuse_attr_of(in->nodeid) };
        fuse_reply(fd, in->unique, 0, &out, sizeof out);
    } else if (in->opcode == FUSE_LOOKUP) {
        struct fuse_entry_out out = { .nodeid = 2 + !strcmp(arg, "dir") };
        out.attr = fuse_attr_of(out.nodeid);
        bool there = in->nodeid == 1 && (!strcmp(arg, "f") || !strcmp(arg, "dir"));
        fuse_reply(fd, in->unique, there ? 0 : ENOENT, &out, there ? sizeof out : 0);
    } else if (in->opcode == FUSE_OPEN) {
        struct fuse_open_out out = { .open_flags = FOPEN_DIRECT_IO };
        fuse_reply(fd, in->unique, 0, &out, sizeof out);
    } else if (in->opcode == FUSE_READ) {
        const struct fuse_read_in *read_in = arg;
        fuse_reply(fd, in->unique, 0, "right", read_in->offset ? 0 : 5);
    } else if (in->opcode == FUSE_STATFS) {
        struct fuse_statfs_out out = { .st = { .bsize = 4096, .namelen = 255 } };
        fuse_reply(fd, in->unique, 0, &out, sizeof out);
    } else if (in->opcode == FUSE_FLUSH || in->opcode == FUSE_RELEASE)
        fuse_reply(fd, in->unique, 0, NULL, 0);
    else if (is_question(in))
        fuse_reply(fd, in->unique, ENOSYS, NULL, 0);
}

/* One request. What gets no answer gets an error as soon as there are answers again. */
static void fuse_request(int fd)
{
    static char buf[64 << 10];
    static uint64_t late[64];
    static size_t nlate;
    const struct fuse_in_header *in = (void *)buf;
    for (; fuse->left && nlate; nlate--)
        fuse_reply(fd, late[nlate - 1], EIO, NULL, 0);
    struct pollfd p = { fd, POLLIN, 0 };
    if (poll(&p, 1, 2) <= 0)
        return;
    if (!fuse->left && fuse->how == READS_NOTHING) {
        fuse->waits = 1;
        usleep(1000);
        return;
    }
    ssize_t n = read(fd, buf, sizeof buf);
    if (n < 0 && errno == ENODEV)
        _exit(0);
    if (n <= 0)
        return;
    if (!fuse->left && is_question(in) && nlate < COUNT(late)) {
        late[nlate++] = in->unique;
        fuse->waits = 1;
        return;
    }
    fuse->left -= is_question(in) && fuse->left > 0;
    fuse_serve(fd, in, buf + sizeof *in);
}

static _Noreturn void fuse_server(int fd)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (;;)
        fuse_request(fd);
}

/* In the runner: the server is its child. */
static int do_fuse(const char *path)
{
    int fd = open(textf("/proc/self/fd/%d", world.fuse), O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return errno;
    pid_t pid = fork();
    if (!pid)
        fuse_server(fd);
    if (mount("fuse", path, "fuse", 0, textf("fd=%d,rootmode=40000,user_id=0,group_id=0", fd)))
        return errno;
    return is_text(textf("%s/f", path), "right") ? 0 : EPROTO;
}

/* Bounded: what waits for longer than a lock may be waited for is stuck. */
enum { LONG = 20 };

static bool ends(struct running t, struct ran *r)
{
    int status = 0;
    for (int i = 0; i < LONG * 50; i++) {
        pid_t pid = waitpid(t.pid, &status, WNOHANG);
        must(pid >= 0, "wait");
        if (pid) {
            *r = (struct ran){ .status = WEXITSTATUS(status), .out = text_of(t.out, NULL), .err = text_of(t.err, NULL) };
            if (WIFSIGNALED(status))
                r->status = 128 + WTERMSIG(status);
            return true;
        }
        usleep(20000);
    }
    return false;
}

static struct ran bounded(const char *what, char *const argv[])
{
    struct running t = start_tool(argv, -1, -1, NULL);
    struct ran r;
    if (!ends(t, &r))
        flunk("%s waits for a server that does not answer", what);
    return r;
}

#define BOUNDED(what, ...) bounded(what, ARGV(__VA_ARGS__))

static void begin_with_fuse(void)
{
    if (world.fuse < 0)
        skip(textf("/dev/fuse: %s", strerror(world.fuse_error)));
    fuse = mmap(NULL, sizeof *fuse, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    must(fuse != MAP_FAILED, "memory");
    fuse->left = -1;
    furnish();
    start_runner(with_volume);
    have(&runner, do_script, "dir /fuse");
    have(&runner, do_script, "dir /d/n/fuse");
    int err = ask(&runner, do_fuse, "/fuse");
    if (err)
        flunk("setup: a FUSE mount: %s", strerror(err));
    have(&runner, do_script, "bind /fuse /d/n/fuse");
}

static void fuse_works(void)
{
    begin_with_fuse();
    said_of(STAGE("/fuse/f", "/fuse", "/d"), ST "/0\n" ST "/1\n" ST "/2\n");
    if (!is_text(ST "/0", "right") || !is_text(ST "/1/f", "right") || !is_text(ST "/2/n/fuse/f", "right"))
        flunk("the FUSE mount's file does not read right in the stage");
    unstage();
}

/* Until it hangs; false when it has ended. */
static bool hangs(const struct running *t)
{
    siginfo_t info = { 0 };
    while (!fuse->waits) {
        must(!waitid(P_PID, (id_t)t->pid, &info, WEXITED | WNOHANG | WNOWAIT), "wait");
        if (info.si_pid)
            return fuse->waits;
        usleep(500);
    }
    return true;
}

static void all_is_gone(const char *when)
{
    struct stat st;
    if (!lstat(ST, &st))
        flunk("%s: %s is there", when, ST);
    if (strcmp(my_table(), table_at_first))
        flunk("%s: %zu mounts, and there were %zu", when, mounts(), count_lines(table_at_first));
}

/* With so many answers. False when the call needs no more than these. */
static bool hangs_after(int answers, const char *source)
{
    struct ran r;
    fuse->waits = 0;
    fuse->left = answers;
    struct running stuck = start_tool(ARGV("-p", runner_pid(), "-s", ST, (char *)source), -1, -1, NULL);
    bool hung = hangs(&stuck);
    char *when = textf("%s, silence after %d answers", source, answers);
    if (hung) {
        r = BOUNDED(textf("%s: another -s", when), "-p", runner_pid(), "-s", ST, "/decoy");
        if (r.status || !is_text(textf("%.*s/f", (int)strcspn(r.out, "\n"), r.out), "decoy"))
            flunk("%s: another -s: %d, %s%s", when, r.status, r.out, r.err);
        said(BOUNDED(textf("%s: -u", when), "-u", ST), 0, "", "");
        kill(stuck.pid, SIGKILL);
        if (fuse->how == ANSWERS_NOTHING)
            fuse->left = -1;    /* who waits for an answer that was begun cannot be killed before */
    }
    if (!ends(stuck, &r))
        flunk("%s: a call that hangs does not die by SIGKILL", when);
    fuse->left = -1;
    if (!hung && r.status)
        flunk("%s: %d, %s", when, r.status, r.err);
    said(BOUNDED(textf("%s: -u after all", when), "-u", ST), 0, "", "");
    all_is_gone(when);
    return hung;
}

static void fuse_stops(enum silence how)
{
    static const char *const sources[] = { "/fuse/f", "/fuse", "/fuse/dir", "/d" };
    begin_with_fuse();
    table_at_first = my_table();
    fuse->how = how;
    for (size_t i = 0; i < COUNT(sources); i++)
        for (int answers = 0; hangs_after(answers, sources[i]); answers++)
            ;
}

static void fuse_reads_nothing(void) { fuse_stops(READS_NOTHING); }
static void fuse_answers_nothing(void) { fuse_stops(ANSWERS_NOTHING); }

/* It was staged while it was alive. */
static void fuse_silent_in_stage(void)
{
    begin_with_fuse();
    table_at_first = my_table();
    for (fuse->how = READS_NOTHING; fuse->how <= ANSWERS_NOTHING; fuse->how++) {
        said_of(STAGE("/fuse", "/fuse/f", "/d"), ST "/0\n" ST "/1\n" ST "/2\n");
        fuse->left = 0;
        struct ran r = BOUNDED("another -s", "-p", runner_pid(), "-s", ST, "/one");
        said(r, 0, ST "/3\n", "");
        for (int i = 3; i >= 1; i--)
            said(BOUNDED("-u of an entry", "-u", textf(ST "/%d", i)), 0, "", "");
        said(BOUNDED("-u", "-u", ST), 0, "", "");
        fuse->left = -1;
        all_is_gone("after -u");
    }
}

/* ---- Locks and directories made beforehand -------------------------------------------------------------- */

static int do_lock(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 ? errno : zero_or_errno(flock(fd, LOCK_EX | LOCK_NB));
}

static struct actor lock_by_another(const char *path)
{
    return start_actor(do_lock, path);
}

static void made_before(const char *path, mode_t mode)
{
    must(!mkdir(path, 0700) && !chmod(path, mode), path);
}

static struct ran stage_at(char *dir)
{
    struct running t = start_tool(ARGV("-p", runner_pid(), "-f", "json", "-s", dir,
                                       "/d"), -1, -1, NULL);
    struct ran r;
    if (!ends(t, &r))
        flunk("%s: still waits after %d seconds", dir, LONG);
    return r;
}

static void unsafe_dir(char *dir, const char *advice)
{
    size_t rows = mounts();
    struct ran r = stage_at(dir);
    if (!r.status || !strstr(r.out, "\"error\":\"unsafe\""))
        flunk("%s: wanted unsafe, got %d, %s%s", dir, r.status, r.out, r.err);
    if (!strstr(r.out, advice) && !strstr(r.err, advice))
        flunk("%s: no advice: %s%s", dir, r.out, r.err);
    if (mounts() != rows)
        flunk("%s: refused, and something stays mounted", dir);
}

static void safe_dir(char *dir)
{
    struct ran r = stage_at(dir);
    if (r.status || !strstr(r.out, textf("\"path\":\"%s/0\"", dir)))
        flunk("%s: %d, %s%s", dir, r.status, r.out, r.err);
    if (!is_text(textf("%s/0/f", dir), "right"))
        flunk("%s/0 is not what was staged", dir);
    said(RUN("-u", dir), 0, "", "");
    is_gone(dir);
}

static void made_before_and_open(void)
{
    static const mode_t modes[] = { 0755, 0711, 0750, 0710, 0701, 0777, 01777, 0770, 0704 };
    furnish();
    start_runner(with_volume);
    for (size_t i = 0; i < COUNT(modes); i++) {
        char *dir = textf("/p/m%o", modes[i]);
        made_before(dir, modes[i]);
        if (i < 2) {
            struct actor locker = lock_by_another(dir);
            unsafe_dir(dir, "chmod 700");
            end_actor(&locker);
        }
        unsafe_dir(dir, "chmod 700");
        must(!chmod(dir, 0700), dir);   /* the advice works */
        safe_dir(dir);
    }
}

static void made_before_and_own(void)
{
    furnish();
    start_runner(with_volume);
    made_before("/p/own", 0700);
    safe_dir("/p/own");
    made_before("/p/full", 0700);
    new_file("/p/full/file", "");
    unsafe_dir("/p/full", "");
    made_before("/p/dirs", 0700);
    made_before("/p/dirs/d", 0700);
    unsafe_dir("/p/dirs", "");
    must(!symlink("own", "/p/link"), "/p/link");
    made_before("/p/own", 0700);
    unsafe_dir("/p/link", "");
    new_file("/p/file", "");
    unsafe_dir("/p/file", "");
    /* mounted, and none of ours */
    made_before("/p/other", 0700);
    must(!mount("t", "/p/other", "tmpfs", 0, "mode=700"), "/p/other");
    unsafe_dir("/p/other", "");
    if (!is_text("/p/full/file", ""))
        flunk("a file is gone");
}

static void must_have_mode(const char *path, mode_t mode)
{
    struct stat st;
    must(!stat(path, &st), path);
    if ((st.st_mode & 07777) != mode)
        flunk("%s: its mode is %o, and was %o", path, st.st_mode & 07777, mode);
}

/* What is no stage, and does not become one, keeps its mode. */
static void keeps_its_mode(void)
{
    static const mode_t modes[] = { 0755, 01777, 0700 };
    furnish();
    start_runner(with_volume);
    for (size_t i = 0; i < COUNT(modes); i++) {
        char *dir = textf("/p/m%o", modes[i]);
        made_before(dir, modes[i]);
        new_file(textf("%s/file", dir), "");
        if (RUN("-u", dir).status == 0)
            flunk("%s: taken down", dir);
        said(RUN("-u", textf("%s/0", dir)), 0, "", "");
        must_have_mode(dir, modes[i]);
        unsafe_dir(dir, "");
        must_have_mode(dir, modes[i]);
    }
}

/* A place that only its owner can write to, by another mount of it: a proxy keeps its stages so. */
static void read_only_place(void)
{
    furnish();
    start_runner(with_volume);
    made_before("/p/ro", 0700);
    must(!mount("t", "/p/ro", "tmpfs", 0, "mode=700"), "/p/ro");
    made_before("/p/ro/plain", 0700);
    made_before("/p/ro/marked", 01700);
    must(!mount(NULL, "/p/ro", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL), "/p/ro");
    unsafe_dir("/p/ro/missing", "take one on a file system that can be written");
    if (tool_elsewhere)
        unsafe_dir("/p/ro/plain", "take one on a file system that can be written");
    size_t rows = mounts();
    struct ran r = stage_at("/p/ro/marked");
    if (r.status || !is_text("/p/ro/marked/0/f", "right"))
        flunk("a directory with the mark, on a read-only mount: %d, %s%s", r.status, r.out, r.err);
    said(RUN("-u", "/p/ro/marked"), 0, "", "");
    if (mounts() != rows || access("/p/ro/marked", F_OK))
        flunk("the stage is not gone, or its directory is");
}

static void made_before_by_another(void)
{
    if (!world.root)
        skip("needs a second user");
    furnish();
    start_runner(with_volume);
    made_before("/p/others", 0700);
    must(!chown("/p/others", 65534, 65534), "chown");
    unsafe_dir("/p/others", "");
    made_before("/p/above", 0700);
    must(!chown("/p/above", 65534, 65534), "chown");
    made_before("/p/above/own", 0700);
    unsafe_dir("/p/above/own", "");
    unsafe_dir("/p/above/new", "");
}

/* A lock that root itself holds is waited for, and not for ever; nothing else comes of it. */
static void locked_for_long(void)
{
    furnish();
    start_runner(with_volume);
    made_before("/p/one", 0700);
    said(RUN("-p", runner_pid(), "-s", "/p/two", "/d"), 0, "/p/two/0\n", "");
    said(RUN("-p", runner_pid(), "-s", "/p/three", "/d"), 0, "/p/three/0\n", "");
    struct actor lockers[] = { lock_by_another("/p/one"), lock_by_another("/p/two"), lock_by_another("/p/three") };
    char *table = my_table();
    struct running t[] = {
        start_tool(ARGV("-p", runner_pid(), "-fjson", "-s", "/p/one", "/d"), -1, -1, NULL),
        start_tool(ARGV("-p", runner_pid(), "-fjson", "-s", "/p/two", "/d"), -1, -1, NULL),
        start_tool(ARGV("-u", "/p/three"), -1, -1, NULL),
    };
    for (size_t i = 0; i < COUNT(t); i++) {
        struct ran r;
        if (!ends(t[i], &r))
            flunk("call %zu still waits for the lock after %d seconds", i, LONG);
        if (!r.status || r.status > 3 || (i < 2 && !strstr(r.out, "\"error\":\"busy\"")))
            flunk("call %zu: wanted busy, got %d, %s%s", i, r.status, r.out, r.err);
    }
    if (strcmp(my_table(), table))
        flunk("refused, and the mounts are not what they were");
    for (size_t i = 0; i < COUNT(lockers); i++)
        end_actor(&lockers[i]);
    safe_dir("/p/one");
    said(RUN("-u", "/p/two"), 0, "", "");
    said(RUN("-u", "/p/three"), 0, "", "");
}

/* Who is killed while it waits is gone, and with it all that it had open. A reader of its output sees the end. */
static void killed_waiting(void)
{
    furnish();
    start_runner(with_volume);
    made_before("/p/one", 0700);
    struct actor locker = lock_by_another("/p/one");
    int ends_of[2];
    char byte;
    must(!pipe(ends_of), "pipe");
    pid_t pid = fork();
    if (!pid) {
        dup2(ends_of[1], 1);
        close(ends_of[0]);
        close(ends_of[1]);
        execv("/dindbind", ARGV("-p", runner_pid(), "-s", "/p/one", "/d"));
        _exit(99);
    }
    close(ends_of[1]);
    usleep(500000);
    must(pid > 0 && !kill(pid, SIGTERM) && waitpid(pid, NULL, 0) == pid, "a call that waits");
    struct pollfd end = { ends_of[0], POLLIN, 0 };
    if (poll(&end, 1, 2000) != 1 || read(ends_of[0], &byte, 1))
        flunk("killed while it waited for the lock, and something of it lives on");
    end_actor(&locker);
}

/* A lock that is let go of in time is no obstacle. */
static void locked_for_short(void)
{
    furnish();
    start_runner(with_volume);
    made_before("/p/one", 0700);
    struct actor locker = lock_by_another("/p/one");
    struct running t = start_tool(ARGV("-p", runner_pid(), "-s", "/p/one", "/d"), -1, -1, NULL);
    usleep(500000);
    end_actor(&locker);
    said_of(end_tool(t), "/p/one/0\n");
    said(RUN("-u", "/p/one"), 0, "", "");
}

/* ==== Another user of this host ========================================================================= */

static int be_other_user(const char *unused)
{
    (void)unused;
    if (setgroups(0, NULL) || setresgid(65534, 65534, 65534) || setresuid(65534, 65534, 65534))
        return errno;
    return 0;                   /* and with that all capabilities */
}

static int do_open(const char *path)
{
    int fd = open(path, O_PATH | O_CLOEXEC);
    int err = fd < 0 ? errno : 0;
    close(fd);
    return err;
}

static int do_run(const char *path)
{
    pid_t pid = fork();
    int status = -1;
    if (!pid) {
        execl(path, path, (char *)NULL);
        _exit(errno);
    }
    waitpid(pid, &status, 0);
    return WEXITSTATUS(status);
}

static int do_chdir(const char *path)
{
    return zero_or_errno(chdir(path));
}

static void other_user(void)
{
    static deed *const ways[] = { do_look, do_open, do_run, do_chdir, do_lock };
    if (!world.root)
        skip("needs a second user");
    furnish();
    must(!chmod("/r/d/f", 04755) && !chmod("/r/one", 04755), "setuid");
    start_runner(with_volume);
    struct actor other = start_actor(be_other_user, ""), before = start_actor(be_other_user, "");
    made_before(ST, 0700);
    stage_four();
    static const char *const paths[] = { ST "/0/f", ST "/0", ST "/1", ST "/2/f", ST "/3", ST "/0/v/w" };
    for (size_t i = 0; i < COUNT(paths); i++)
        for (size_t k = 0; k < COUNT(ways); k++) {
            int err = ask(&other, ways[k], paths[i]);
            if (err != EACCES)
                flunk("another user at %s, way %zu: %s", paths[i], k, strerror(err));
        }
    /* not through a relative name, nor by the lock */
    ask(&before, do_chdir, ST);
    if (ask(&before, do_look, "0/f") != ENOENT && ask(&before, do_look, "0/f") != EACCES)
        flunk("another user reaches a staged file from its working directory");
    ask(&other, do_lock, ST);
    ask(&before, do_lock, "/p");
    struct running t = start_tool(ARGV("-p", runner_pid(), "-s", ST, "/decoy"), -1, -1, NULL);
    struct ran r;
    if (!ends(t, &r))
        flunk("another user's lock is waited for");
    said_of(r, ST "/4\n");
    unstage();
}

/* DIR as the tool itself makes it. */
static void other_user_fresh(void)
{
    if (!world.root)
        skip("needs a second user");
    furnish();
    must(!chmod("/r/d/f", 04755), "setuid");
    start_runner(with_volume);
    struct actor other = start_actor(be_other_user, "");
    stage_four();
    if (ask(&other, do_look, ST "/0") != EACCES || ask(&other, do_run, ST "/0/f") != EACCES)
        flunk("another user reaches into the stage");
    unstage();
}

/* ==== Descriptors ======================================================================================= */

static rlim_t hard_limit;

static bool limited(void)
{
    struct rlimit l = { 1024, hard_limit };
    return !setrlimit(RLIMIT_NOFILE, &l);
}

static int do_thousand_dirs(const char *unused)
{
    (void)unused;
    make_dir("/t");
    for (int i = 0; i < 1000; i++) {
        make_dir(textf("/t/%d", i));
        new_file(textf("/t/%d/n", i), textf("%d", i));
    }
    return 0;
}

static void thousand_binds(rlim_t hard)
{
    hard_limit = hard;
    struct ran r = create(body_of(1000, "/t/%u"), limited);
    if (r.status || strcmp(r.out, body_of(1000, ST "/%u")))
        flunk("%d, %.200s %s", r.status, r.out, r.err);
    for (int i = 0; i < 1000; i++)
        if (!is_text(textf(ST "/%d/n", i), textf("%d", i)))
            flunk(ST "/%d is another directory", i);
    unstage();
}

static void many_sources(rlim_t hard)
{
    char *argv[700] = { "dindbind", "-p", runner_pid(), "-s", ST };
    for (int i = 0; i < 600; i++)
        argv[5 + i] = textf("/t/%d", i);
    hard_limit = hard;
    struct ran r = end_tool(start_tool(argv, -1, -1, limited));
    if (r.status || count_lines(r.out) != 600)
        flunk("%d, %.200s %.300s", r.status, r.out, r.err);
    for (int i = 0; i < 600; i++)
        if (!is_text(textf(ST "/%d/n", i), textf("%d", i)))
            flunk(ST "/%d is another directory", i);
    unstage();
}

static void begin_with_dirs(void)
{
    furnish();
    start_runner(with_volume);
    have(&runner, do_thousand_dirs, "");
}

static rlim_t high_limit(void)
{
    struct rlimit l;
    must(!getrlimit(RLIMIT_NOFILE, &l), "limits");
    if (l.rlim_max < 4096)
        skip(textf("the hard limit of descriptors is %lu", (unsigned long)l.rlim_max));
    return l.rlim_max;
}

static void sources_soft(void)
{
    rlim_t high = high_limit();
    begin_with_dirs();
    many_sources(high);
}

static void sources_hard(void)
{
    begin_with_dirs();
    many_sources(1024);
}

static void binds_soft(void)
{
    rlim_t high = high_limit();
    begin_with_dirs();
    thousand_binds(high);
}

/* ==== In a user namespace, where / is nobody's ========================================================== */

enum { USER = 1000, OTHER = 1001 };

/* What `unshare -Urm` makes, with a single ID: all that root owns is the overflow user's there. */
static void become_rootless(void)
{
    must(!setgroups(0, NULL) && !setresgid(USER, USER, USER) && !setresuid(USER, USER, USER) &&
         !prctl(PR_SET_DUMPABLE, 1), "another user");
    if (unshare(CLONE_NEWUSER | CLONE_NEWNS))
        skip(textf("no user namespace for an ordinary user: %s", strerror(errno)));
    errno = map_root(USER, USER);
    must(!errno && !mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), "maps");
    struct stat st;
    must(!stat("/", &st) && st.st_uid == 65534, "/ is the overflow user's");
}

/* In a user namespace below, all mounts that were there before it are locked, a stage too: what is not taken down is
 * not said to be, and nothing is tried for ever. */
static void cannot_take_down(const char *what)
{
    int status = -1;
    fflush(stdout);
    pid_t pid = fork();
    if (!pid) {
        uid_t uid = geteuid();
        gid_t gid = getegid();
        must(!unshare(CLONE_NEWUSER | CLONE_NEWNS), "a user namespace");
        errno = map_root(uid, gid);
        must(!errno, "maps");
        char *table = my_table();
        struct ran r = BOUNDED(what, "-u", ST);
        said(r, 1, "", "another user namespace");
        if (strcmp(my_table(), table))
            flunk("%s: the mounts are not what they were", what);
        _exit(0);
    }
    must(pid > 0 && waitpid(pid, &status, 0) == pid, "fork");
    if (status)
        flunk("%s: %d", what, status);
}

static void locked_by_the_kernel(void)
{
    begin();
    cannot_take_down("-u of a whole stage");
    stage_shows_the_same();
    must(!umount2(ST, MNT_DETACH), ST);
    cannot_take_down("-u of an outer tmpfs");
    unstage();
}

static void owned(const char *path, mode_t mode, uid_t uid)
{
    must(!mkdir(path, 0755) && !chown(path, uid, uid) && !chmod(path, mode), path);
}

static void rootless_dirs(void)
{
    owned("/run", 0755, 0);
    owned("/run/user", 0755, 0);
    owned("/run/user/1000", 0700, USER);
    owned("/run/user/1001", 0755, OTHER);
    owned("/run/user/1000/root", 0755, 0);
    owned("/run/user/1000/root/mine", 0700, USER);
    owned("/tmp", 01777, 0);
    owned("/tmp/mine", 0700, USER);
    owned("/tmp/other", 0755, OTHER);
    owned("/tmp/other/mine", 0700, USER);
    owned("/tmp/root", 0755, 0);
    owned("/tmp/root/mine", 0700, USER);
    owned("/open", 0777, 0);
    owned("/open/mine", 0700, USER);
    owned("/group", 0775, 0);
    owned("/group/mine", 0700, USER);
    owned("/run/user/1000/sub", 0755, USER);
    owned("/run/user/1000/open", 0777, USER);
    owned("/run/user/1000/before", 0700, USER);
    owned("/run/user/1000/readable", 0755, USER);
}

/* The rest in a process of its own, which is that user. */
static void rootless(void (*rest)(void))
{
    if (!world.root)
        skip("needs a second user: / is not the overflow user's in a world that one ID has made");
    furnish();
    rootless_dirs();
    fflush(stdout);
    int status = -1;
    pid_t pid = fork();
    if (!pid) {
        become_rootless();
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        start_runner(with_volume);
        rest();
        fflush(stdout);
        _exit(0);
    }
    must(pid > 0 && waitpid(pid, &status, 0) == pid, "fork");
    if (status)
        _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
}

static void rootless_runtime_dir(void)
{
    static const char *const dirs[] = { "/run/user/1000/st", "/run/user/1000/sub/st", "/run/user/1000/before" };
    char *table = my_table();
    for (size_t i = 0; i < COUNT(dirs); i++)
        safe_dir((char *)dirs[i]);
    if (strcmp(my_table(), table))
        flunk("something stays mounted");
}

static bool one_process(void)
{
    struct rlimit limit = { 1, 1 };
    return !setrlimit(RLIMIT_NPROC, &limit);
}

/* A runner of the same user may have used up all processes: what was mounted before one was needed does not stay. */
static void rootless_processes(void)
{
    char *table = my_table(), *dir = "/run/user/1000/st";
    struct stat st;
    struct ran r = end_tool(start_tool(ARGV("-p", runner_pid(), "-s", dir, "/d"), -1, -1, one_process));
    if (!r.status)
        flunk("setup: a process could be made: %s", r.out);
    if (strcmp(my_table(), table) || !lstat(dir, &st))
        flunk("no process can be made, and something stays: %s", r.err);
    if (tool_elsewhere)
        return;                 /* in other mounts nothing is taken down without a process */
    said_of(RUN("-p", runner_pid(), "-s", dir, "/d"), textf("%s/0\n", dir));
    said(end_tool(start_tool(ARGV("-u", textf("%s/0", dir)), -1, -1, one_process)), 0, "", "");
    said(end_tool(start_tool(ARGV("-u", dir), -1, -1, one_process)), 0, "", "");
    if (strcmp(my_table(), table) || !lstat(dir, &st))
        flunk("-u without another process: something stays");
}

/* Whoever may write to /tmp has nothing to do with what is the caller's in it. */
static void rootless_tmp(void)
{
    safe_dir("/tmp/st");
    safe_dir("/tmp/mine/st");
}

static void rootless_unsafe(void)
{
    static const char *const dirs[] = {
        "/tmp/other/st", "/tmp/other/mine", "/tmp/other/mine/st", "/tmp/other", "/tmp/root/mine", "/tmp/root/mine/st",
        "/run/user/1000/root/mine", "/run/user/1000/root/mine/st",
        "/open/mine", "/open/mine/st", "/group/mine/st", "/run/user/1000/open/st", "/run/user/1000/readable",
        "/run/user/1001",
    };
    for (size_t i = 0; i < COUNT(dirs); i++)
        unsafe_dir((char *)dirs[i], "");
}

static void in_runtime_dir(void) { rootless(rootless_runtime_dir); }
static void in_tmp(void) { rootless(rootless_tmp); }
static void in_unsafe(void) { rootless(rootless_unsafe); }
static void in_processes(void) { rootless(rootless_processes); }

/* ==== Whose names ======================================================================================= */

static void foreign(struct ran r, const char *word)
{
    if (!r.status || !strstr(r.out, textf("\"error\":\"%s\"", word)) || strstr(r.out, ST) || strstr(r.out, "/p/two"))
        flunk("wanted %s, got %d, %s%s", word, r.status, r.out, r.err);
}

/* What has no name on the host but in a stage has none. */
static void no_name_from_a_stage(void)
{
    begin();
    said(RUN("-p", runner_pid(), "-s", "/p/two", "/d/v"), 0, "/p/two/0\n", "");
    static const char *const sources[] = { "/d/v", "/d/v/w" };
    for (size_t i = 0; i < COUNT(sources); i++) {
        foreign(RUN("-p", runner_pid(), "-fjson", "-H", (char *)sources[i]), "foreign");
        foreign(RUN("-p", runner_pid(), "-fjson", "-v", textf("%s:/x", sources[i])), "foreign");
        foreign(RUN("-p", runner_pid(), "-fjson", "--mount",
                    textf("type=bind,source=%s,target=/x", sources[i])), "foreign");
    }
    foreign(RUN("-p", runner_pid(), "-fjson", "-v", "/d:/x"), "nested");
    /* what has one gets that one, however many stages have it too */
    said(RUN("-p", runner_pid(), "-H", "/one", "/decoy/f"), 0, "/r/one\n/r/decoy/f\n", "");
    said(RUN("-u", "/p/two"), 0, "", "");
    unstage();
}

/* A stage below the source is no mount that the answer would carry along, and none of the runner's. */
static void other_stages_in_the_way(void)
{
    begin();
    foreign(RUN("-p", runner_pid(), "-fjson", "-H", "/d/v/w"), "foreign");
    said(RUN("-u", ST "/0"), 0, "", "");
    foreign(RUN("-p", runner_pid(), "-fjson", "-H", "/d/v/w"), "foreign");
    unstage();
    foreign(RUN("-p", runner_pid(), "-fjson", "-H", "/d/v/w"), "foreign");
}

static void docker_directory_in_stage(void)
{
    begin();
    said(RUN("-u", ST "/0"), 0, "", "");
    make_dir(ST "/0");          /* as dockerd does when it starts a container again */
    said(RUN("-u", ST "/0"), 0, "", "");
    is_gone(ST "/0");
    make_dir(ST "/0");
    new_file(ST "/0/log", "of a container that did not know");
    make_dir(ST "/4");          /* a number that nobody has had */
    struct ran r = STAGE("/one");
    if (r.status || !is_text(textf("%.*s", (int)strcspn(r.out, "\n"), r.out), "right"))
        flunk("-s after that: %d, %s%s", r.status, r.out, r.err);
    unstage();
}

/* The stage is gone, and docker has made its directory anew. */
static void docker_directory_alone(void)
{
    static const char *const left[] = { ST "/0", ST "/1" };
    begin();
    unstage();
    must(!mkdir(ST, 0755), ST);
    for (size_t i = 0; i < COUNT(left); i++)
        make_dir(left[i]);
    if (!RUN("-u", ST).status || do_look(ST "/0"))
        flunk("-u takes a directory of others for a stage");
    for (size_t i = 0; i < COUNT(left); i++) {
        said(RUN("-u", (char *)(uintptr_t)left[i]), 0, "", "");
        is_gone(left[i]);
    }
    said(RUN("-u", ST), 0, "", "");
    is_gone(ST);
    /* what a container has written is not ours to delete */
    must(!mkdir(ST, 0755), ST);
    make_dir(ST "/0");
    new_file(ST "/0/log", "of a container that did not know");
    if (!RUN("-u", ST).status || !is_text(ST "/0/log", "of a container that did not know"))
        flunk("-u has deleted a file, or says that all is gone");
    /* nor is a directory with other names */
    must(!unlink(ST "/0/log") && !mkdir(ST "/mine", 0755), ST);
    if (!RUN("-u", ST).status || do_look(ST "/mine"))
        flunk("-u has deleted a directory that it knows nothing of");
}

static void first_number(void)
{
    furnish();
    start_runner(with_volume);
    said_of(STAGE("/d"), ST "/0\n");
    unstage();
    said_of(STAGE("/one"), ST "/0\n");
    said_of(STAGE("/one"), ST "/1\n");
    said(RUN("-u", ST "/1"), 0, "", "");
    said_of(STAGE("/one"), ST "/2\n");  /* numbers are given once in the life of a stage */
    unstage();
}

static void first_number_merged(void)
{
    furnish();
    static const char *const dirs[] = { "/l1", "/l1/m", "/l2", "/l2/m" };
    for (size_t i = 0; i < COUNT(dirs); i++)
        make_dir(dirs[i]);
    new_file("/l1/m/one", "1");
    new_file("/l2/m/two", "2");
    char *options = textf("lowerdir=/l2:/l1%s", world.root ? "" : ",userxattr");
    said_of(RUN("-p", "0", "-o", options, "-s", ST, "-R", "/m"),
            ST "/0\n");
    if (!is_text(ST "/0/one", "1") || !is_text(ST "/0/two", "2"))
        flunk("the merged directory is not what the layers are together");
    stage_is_private();
    said_of(RUN("-p", "0", "-o", options, "-s", ST, "-R", "/m", "/m/one"),
            ST "/1\n" ST "/2\n");
    unstage();
}

/* ==== All of them ======================================================================================= */

/* ==== Engines that are named (-E) ======================================================================= */

enum { ENGINE_UID = 1500, ENGINE_GID = 1600 };

/* An ordinary user's namespaces, with a file system of its own at /p. */
static int be_rootless_engine(const char *unused)
{
    (void)unused;
    if (setgroups(0, NULL) || setgid(ENGINE_GID) || setuid(ENGINE_UID) || prctl(PR_SET_DUMPABLE, 1) ||
        unshare(CLONE_NEWUSER | CLONE_NEWNS))
        return errno;
    int err = map_root(ENGINE_UID, ENGINE_GID);
    return err ? err : zero_or_errno(mount("t", "/p", "tmpfs", 0, "mode=755"));
}

/* In the same user namespace, and with no mounts of its own. */
static int be_half_an_engine(const char *unused)
{
    (void)unused;
    if (setgroups(0, NULL) || setgid(ENGINE_GID) || setuid(ENGINE_UID) || prctl(PR_SET_DUMPABLE, 1) ||
        unshare(CLONE_NEWUSER))
        return errno;
    return map_root(ENGINE_UID, ENGINE_GID);
}

/* A container of that engine's. */
static int be_engines_runner(const char *pid)
{
    int user = open(textf("/proc/%s/ns/user", pid), O_RDONLY | O_CLOEXEC);
    int fd = open(textf("/proc/%s/ns/mnt", pid), O_RDONLY | O_CLOEXEC);
    if (user < 0 || fd < 0 || setns(user, CLONE_NEWUSER) || setresgid(0, 0, 0) || setresuid(0, 0, 0) ||
        setns(fd, CLONE_NEWNS))
        return errno;
    runner_before = with_proc;
    mounts_of_runner = with_volume;
    return enter_root("/r", 0, before_deed, "");
}

/* In mounts of its own, with something else at /p. */
static int be_engine(const char *unused)
{
    (void)unused;
    return zero_or_errno(unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
                         mount("t", "/p", "tmpfs", 0, "mode=755"));
}

static int do_join(const char *pid)
{
    int fd = open(textf("/proc/%s/ns/mnt", pid), O_RDONLY | O_CLOEXEC);
    return zero_or_errno(fd < 0 || setns(fd, CLONE_NEWNS));
}

/* What an actor sees. */
static char *seen_by(const struct actor *a, const char *path)
{
    return textf("/proc/%d/root%s", a->pid, path);
}

static void has_no_stage(const struct actor *a)
{
    if (strstr(slurp(textf("/proc/%d/mountinfo", a->pid)), " tmpfs dindbind "))
        flunk("PID %d still has a stage", a->pid);
    is_gone(seen_by(a, ST));
}

static void rootless_engine(void)
{
    struct stat st;
    if (!world.root)
        skip("needs a second user");
    furnish();
    start_runner(with_volume);
    struct actor engine = start_actor(be_rootless_engine, ""), half = start_actor(be_half_an_engine, "");
    char *pid = textf("%d", engine.pid);
    /* root of the host, or another user, can make in a runner what this one's user may not have */
    said(RUN("-E", pid, "-p", runner_pid(), "-s", ST, "/d"), 1, "", "no container in the engine's user namespace");
    said(RUN("-E", pid, "-p", runner_pid(), "-v", "/d:/x"), 1, "", "no container in the engine's user namespace");
    is_gone(seen_by(&engine, ST));
    said(RUN("-E", textf("%d", half.pid), "-p", runner_pid(), "-s", ST, "/d"), 3, "",
         "its mounts are of another user namespace");
    end_actor(&half);
    end_actor(&runner);
    runner = start_actor(be_engines_runner, pid);
    said(RUN("-E", pid, "-p", runner_pid(), "-s", ST, "/d", "/one"), 0, ST "/0\n" ST "/1\n", "");
    if (ask(&engine, do_look, ST "/0/f") || ask(&engine, do_look, ST "/0/v/w") || ask(&engine, do_open, ST "/1"))
        flunk("the engine cannot reach into its stage");
    must(!stat(seen_by(&engine, ST), &st), "the stage");
    if ((st.st_mode & 07777) != 0710 || st.st_gid != ENGINE_GID || st.st_uid)
        flunk("the stage has the mode %o, and is of %u:%u", st.st_mode & 07777, st.st_uid, st.st_gid);
    if (each_row(ST, NULL))
        flunk("the caller has a stage, too");
    said(RUN("-E", pid, "-p", "0", "-o", "lowerdir=/r/d:/r/decoy", "-R", "/f"), 1, "", "could make writable");
    said(RUN("-E", pid, "-u", ST), 0, "", "");
    has_no_stage(&engine);
    end_actor(&engine);
}

/* What its root can mount in its own namespace is in nobody's way, and takes nothing of the host's along. */
static void hostile_engine(void)
{
    if (!world.root)
        skip("needs a second user");
    furnish();
    new_file("/victim", "of the host");
    make_dir("/hosts");
    must(!chmod("/victim", 0600), "/victim");
    struct actor engine = start_actor(be_rootless_engine, "");
    char *pid = textf("%d", engine.pid);
    runner = start_actor(be_engines_runner, pid);
    said(RUN("-E", pid, "-p", runner_pid(), "-s", ST, "/d"), 0, ST "/0\n", "");
    /* the counter */
    have(&engine, do_script, "cover " ST "/next /victim");
    said(RUN("-E", pid, "-p", runner_pid(), "-s", ST, "/one"), 1, "", "");
    if (!is_text("/victim", "of the host"))
        flunk("a file of the host's reads \"%s\"", slurp("/victim"));
    said(RUN("-E", pid, "-u", ST), 0, "", "");
    has_no_stage(&engine);
    /* a directory of the host's over the parent */
    have(&engine, do_script, "bind /hosts /p");
    said(RUN("-E", pid, "-p", runner_pid(), "-s", ST, "/d"), 3, "", "no permission: " ST);
    is_gone("/hosts/st");
    make_dir("/hosts/st");
    must(!chmod("/hosts/st", 0700), "/hosts/st");
    RUN("-E", pid, "-u", ST);
    struct stat st;
    if (lstat("/hosts/st", &st))
        flunk("a directory of the host's was removed");
    end_actor(&engine);
}

/* A tmpfs that is called as ours, of its own. */
static void forged_stage(void)
{
    if (!world.root)
        skip("needs a second user");
    furnish();
    struct actor engine = start_actor(be_rootless_engine, "");
    char *pid = textf("%d", engine.pid);
    runner = start_actor(be_engines_runner, pid);
    have(&engine, do_script, "dir " ST);
    have(&engine, do_forge, ST);
    said(RUN("-E", pid, "-p", runner_pid(), "-s", ST, "/d"), 1, "", "something else is mounted there");
    said(RUN("-E", pid, "-u", ST), 1, "", "something else is mounted there");
    end_actor(&engine);
}

/* One directory, two namespaces: removing it in one would take down what is mounted on it in the other. */
static void one_directory_two_namespaces(void)
{
    furnish();
    start_runner(with_volume);
    make_dir("/q");
    struct actor engine = start_actor(be_engine, ""), other = start_actor(be_engine, "");
    char *pid = textf("%d", engine.pid), *rest = textf("%d", other.pid);
    said(RUN("-E", pid, "-p", runner_pid(), "-s", "/q/st", "/d"), 0, "/q/st/0\n", "");
    said(RUN("-p", runner_pid(), "-s", "/q/st", "/d"), 1, "", "another mount namespace may have one there");
    said(RUN("-E", rest, "-p", runner_pid(), "-s", "/q/st", "/d"), 1, "", "another mount namespace may have one there");
    said(RUN("-u", "/q/st"), 1, "", "another mount namespace may have one there");
    said(RUN("-E", rest, "-u", "/q/st"), 1, "", "another mount namespace may have one there");
    if (ask(&engine, do_look, "/q/st/0/f"))
        flunk("the stage is gone");
    said(RUN("-E", pid, "-u", "/q/st"), 0, "", "");
    is_gone("/q/st");
    said(RUN("-p", runner_pid(), "-s", "/q/st", "/d"), 0, "/q/st/0\n", "");
    said(RUN("-E", pid, "-p", runner_pid(), "-s", "/q/st", "/d"), 1, "", "another mount namespace may have one there");
    said(RUN("-E", pid, "-u", "/q/st"), 1, "", "another mount namespace may have one there");
    if (!is_text("/q/st/0/f", "right"))
        flunk("the caller's own stage is gone");
    said(RUN("-u", "/q/st"), 0, "", "");
    is_gone("/q/st");
    end_actor(&engine);
    end_actor(&other);
}

/* Who is root in that namespace may own the directories, and nobody else but the caller's root. */
static void rootless_engine_dir(void)
{
    if (!world.root)
        skip("needs a second user");
    furnish();
    make_dir("/q");
    struct actor engine = start_actor(be_rootless_engine, "");
    char *pid = textf("%d", engine.pid);
    runner = start_actor(be_engines_runner, pid);
    must(!chown("/q", ENGINE_UID + 1, 0), "/q");
    said(RUN("-E", pid, "-p", runner_pid(), "-s", "/q/st", "/d"), 1, "", "another user's");
    must(!chown("/q", ENGINE_UID, 0), "/q");
    said(RUN("-p", runner_pid(), "-s", "/q/st", "/d"), 1, "", "another user's");
    said(RUN("-E", pid, "-p", runner_pid(), "-s", "/q/st", "/d"), 0, "/q/st/0\n", "");
    said(RUN("-E", pid, "-u", "/q/st"), 0, "", "");
    is_gone("/q/st");
    /* what it has mounted there may be any directory of the host's */
    said(RUN("-E", pid, "-b", "/q:/w", "-m", "-v", "/w/new:/x"), 1, "", "not there");
    is_gone("/q/new");
    end_actor(&engine);
}

static void gone_engine(void)
{
    furnish();
    start_runner(with_volume);
    struct actor engine = start_actor(be_engine, ""), other = start_actor(be_engine, "");
    char *pid = textf("%d", engine.pid), *start = textf("%d:1", engine.pid), *rest = textf("%d", other.pid);
    have(&other, do_join, pid);
    said(RUN("-E", pid, "-p", runner_pid(), "-s", ST, "/d"), 0, ST "/0\n", "");
    said(RUN("-E", start, "-u", ST), 3, "", "there is one that PID ");
    end_actor(&engine);
    said(RUN("-E", pid, "-p", runner_pid(), "-s", ST, "/d"), 3, "", "no live process has this PID");
    said(RUN("-E", pid, "-u", ST), 3, "", textf("the engine is gone; there is one that PID %s sees: name that (-E)\n", rest));
    said(RUN("-E", rest, "-u", ST), 0, "", "");
    has_no_stage(&other);
    said(RUN("-E", pid, "-u", ST), 0, "", "is gone; no process sees a stage there any more\n");
    said(RUN("-E", rest, "-p", runner_pid(), "-s", ST, "/d"), 0, ST "/0\n", "");
    end_actor(&other);
    said(RUN("-E", rest, "-u", ST), 0, "", "is gone; no process sees a stage there any more\n");
}

static int be_chrooted_engine(const char *unused)
{
    int err = be_engine(unused);
    return err ? err : zero_or_errno(mkdir("/p/jail", 0755) || mkdir("/p/jail/p", 0755) || mkdir("/p/jail/data", 0755) ||
                                     mount("t", "/p/jail/data", "tmpfs", 0, NULL) || chroot("/p/jail") || chdir("/"));
}

/* Names are names from its root on. */
static void chrooted_engine(void)
{
    furnish();
    start_runner(with_volume);
    struct actor engine = start_actor(be_chrooted_engine, "");
    char *pid = textf("%d", engine.pid);
    new_file(seen_by(&engine, "/data/f"), "right");
    said(RUN("-E", pid, "-p", runner_pid(), "-s", ST, "/d"), 0, ST "/0\n", "");
    if (ask(&engine, do_look, ST "/0/f"))
        flunk("the engine does not see its stage");
    said(RUN("-E", pid, "-b", "/data:/x", "-H", "/x/f"), 0, "/data/f\n", "");
    said(RUN("-E", pid, "-b", "/data:/x", "-s", ST, "/x/f"), 0, ST "/1\n", "");
    if (ask(&engine, do_look, ST "/1"))
        flunk("the engine does not see what a row named");
    said(RUN("-E", pid, "-u", ST), 0, "", "");
    has_no_stage(&engine);
    end_actor(&engine);
}

/* A process of the engine's own has its root, and one of the caller's that: both are no container's. */
static void engines_own(void)
{
    furnish();
    struct actor engine = start_actor(be_chrooted_engine, "");
    char *pid = textf("%d", engine.pid), *own = textf("%d", getpid());
    said(RUN("-E", pid, "-p", pid, "-v", "/data:/x"), 1, "", "a process of the host itself");
    said(RUN("-E", pid, "-p", pid, "-s", ST, "/data"), 1, "", "a process of the host itself");
    said(RUN("-p", own, "-v", "/r:/x"), 1, "", "a process of the host itself");
    said(RUN("-E", pid, "-p", own, "-v", "/r:/x"), 1, "", "a process of the host itself");
    said(RUN("-E", pid, "-p", own, "-s", ST, "/r/one"), 1, "", "a process of the host itself");
    end_actor(&engine);
}

enum { IN_PLACES = 1, OF_KINDS = 2, ONLY_SHARED = 4, ONLY_SLAVE = 8, NOT_SLAVE = 16, NAMES_ENGINE = 32 };

static const struct {
    const char *name;
    void (*call)(void);
    unsigned where;
} tests[] = {
    { "a stage is private", stays_private, IN_PLACES | OF_KINDS },
    { "a symlink over a staged file", symlink_over_file, IN_PLACES | OF_KINDS },
    { "a directory over a staged one", directory_over_directory, IN_PLACES | OF_KINDS },
    { "a tmpfs below a staged directory", tmpfs_below, IN_PLACES | OF_KINDS },
    { "ten doublings of a staged directory", doublings_directory, IN_PLACES | OF_KINDS },
    { "ten doublings below a staged directory", doublings_below, IN_PLACES | OF_KINDS },
    { "ten doublings of a staged file", doublings_file, IN_PLACES | OF_KINDS },
    { "thirteen doublings", doublings_many, OF_KINDS },
    { "the runner unmounts what is staged, and ends", runner_unmounts, IN_PLACES | OF_KINDS },
    { "the host mounts and unmounts in the runner", host_mounts, IN_PLACES | OF_KINDS },
    { "a sibling mounts below its copy", sibling_mounts, IN_PLACES | OF_KINDS },
    { "engines in a peer and a slave namespace find nothing", engines_find_nothing, IN_PLACES | OF_KINDS },
    { "take-down leaves nothing anywhere", take_down, IN_PLACES | OF_KINDS },
    { "a peer unmounts its copy first", peer_unmounts, IN_PLACES },
    { "a slave unmounts its copy first", slave_unmounts, IN_PLACES },
    { "a mount on DIR in its master", master_mounts, ONLY_SLAVE },
    { "the namespace of a stage dies", namespace_dies, ONLY_SHARED },
    { "a stage where another one's namespace died", stage_on_remains, ONLY_SHARED },
    { "-s killed at each system call", killed_staging, NOT_SLAVE },
    { "-s into a stage, killed at each system call", killed_staging_more, ONLY_SHARED },
    { "-u killed at each system call", killed_unstaging, NOT_SLAVE },
    { "the runner acts before each system call", runner_acts, ONLY_SHARED },
    { "an engine that came after the stage, and a later call", late_engine, IN_PLACES },
    { "an unbindable mount below", unbindable_below, OF_KINDS },
    { "an unbindable mount below one of several sources", unbindable_among, OF_KINDS },
    { "an unbindable mount below a mount below", unbindable_below_mount, OF_KINDS },
    { "a mount on an unbindable one below", unbindable_covered, OF_KINDS },
    { "an unbindable mount as the source", unbindable_itself, OF_KINDS },
    { "a mount namespace bound below", namespace_below, OF_KINDS },
    { "one source is staged once", one_entry_each, OF_KINDS },
    { "one source in two modes is two entries", one_entry_a_mode, 0 },
    { "a body with a thousand binds of /", thousand_binds_of_one, 0 },
    { "a source with too many mounts", too_many_of_one, OF_KINDS },
    { "sources with too many mounts together", too_many_together, OF_KINDS },
    { "a bind row with mounts below", rows_with_mounts, IN_PLACES },
    { "a FUSE mount is staged", fuse_works, OF_KINDS },
    { "a FUSE server that reads nothing more", fuse_reads_nothing, OF_KINDS },
    { "a FUSE server that answers nothing more", fuse_answers_nothing, OF_KINDS },
    { "a FUSE server that is silent in a stage", fuse_silent_in_stage, OF_KINDS },
    { "a DIR made before, open to others", made_before_and_open, 0 },
    { "a DIR made before, closed to others", made_before_and_own, 0 },
    { "a DIR made before keeps its mode", keeps_its_mode, 0 },
    { "a DIR made before, on a read-only mount", read_only_place, 0 },
    { "a DIR made before, another user's", made_before_by_another, 0 },
    { "a lock that is held", locked_for_long, 0 },
    { "a lock that is held for a moment", locked_for_short, 0 },
    { "killed while it waits for a lock", killed_waiting, 0 },
    { "a stage in a user namespace below", locked_by_the_kernel, 0 },
    { "another user at a setuid file in a stage", other_user, IN_PLACES },
    { "another user at a stage whose DIR was missing", other_user_fresh, IN_PLACES },
    { "600 sources, soft limit 1024", sources_soft, 0 },
    { "600 sources, hard limit 1024", sources_hard, 0 },
    { "a body with a thousand binds, soft limit 1024", binds_soft, 0 },
    { "in a user namespace: a runtime directory", in_runtime_dir, 0 },
    { "in a user namespace: below /tmp", in_tmp, 0 },
    { "in a user namespace: directories that are not safe", in_unsafe, 0 },
    { "in a user namespace: no more processes", in_processes, 0 },
    { "an engine in another user namespace", rootless_engine, NAMES_ENGINE },
    { "an engine in another user namespace, its directory", rootless_engine_dir, NAMES_ENGINE },
    { "an engine in another user namespace, hostile", hostile_engine, NAMES_ENGINE },
    { "an engine in another user namespace, a forged stage", forged_stage, NAMES_ENGINE },
    { "one directory and two namespaces", one_directory_two_namespaces, NAMES_ENGINE },
    { "an engine that is gone, and one that is in its namespace still", gone_engine, NAMES_ENGINE },
    { "an engine that is only chrooted", chrooted_engine, NAMES_ENGINE | OF_KINDS },
    { "a process of the engine's own", engines_own, NAMES_ENGINE },
    { "no host path is one in a stage", no_name_from_a_stage, IN_PLACES | OF_KINDS },
    { "no host path, whatever entry is gone", other_stages_in_the_way, 0 },
    { "a directory that docker made in a stage", docker_directory_in_stage, IN_PLACES },
    { "a directory that docker made where a stage was", docker_directory_alone, IN_PLACES },
    { "the first number is 0", first_number, IN_PLACES },
    { "the first number is 0, of a merged directory", first_number_merged, IN_PLACES },
};

static const char *const place_names[] = { ", DIR below a private mount", ", DIR below a shared mount",
                                           ", DIR below a slave mount" };
static const char *const kind_names[] = { ", a runner of plain root", ", a runner in a user namespace" };

static bool has_place(unsigned where, enum place place)
{
    if (where & (ONLY_SHARED | ONLY_SLAVE))
        return place == (where & ONLY_SHARED ? ON_SHARED : ON_SLAVE);
    if (where & NOT_SLAVE)
        return place != ON_SLAVE;
    return place == ON_PRIVATE || where & IN_PLACES;
}

/* The namespace of an ordinary user is one already. */
static bool has_kind(unsigned where, enum kind kind)
{
    return kind == AS_ROOT || where & OF_KINDS;
}

static void run_variants(size_t i)
{
    char variant[100];
    for (enum place place = 0; place < PLACES; place++)
        for (enum kind kind = 0; kind < KINDS; kind++) {
            if (!has_place(tests[i].where, place) || !has_kind(tests[i].where, kind))
                continue;
            world.place = place;
            world.kind = kind;
            snprintf(variant, sizeof variant, "%s%s", tests[i].where & ~(unsigned)OF_KINDS ? place_names[place] : "",
                     tests[i].where & OF_KINDS ? kind_names[kind] : "");
            run_test(tests[i].name, variant, tests[i].call);
            fflush(stdout);
        }
    if (tests[i].where & NAMES_ENGINE)
        return;
    /* once more, each, for an engine in other mounts: what this process sees is what that sees */
    world.place = tests[i].where & (IN_PLACES | ONLY_SHARED) ? ON_SHARED : ON_PRIVATE;
    if (tests[i].where & ONLY_SLAVE)
        world.place = ON_SLAVE;
    world.kind = tests[i].where & OF_KINDS ? AS_USER : AS_ROOT;
    tool_elsewhere = "/p";
    run_test(tests[i].name, ", for an engine in other mounts", tests[i].call);
    tool_elsewhere = NULL;
}

static void run_all(char **words)
{
    for (size_t i = 0; i < COUNT(tests); i++)
        if (wanted(tests[i].name, words))
            run_variants(i);
}

static int run(char **words)
{
    int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
    world.fuse_error = errno;
    world.fuse = fd < 0 ? -1 : open("/dev/fuse", O_PATH | O_CLOEXEC);
    if (fd >= 0)
        close(fd);
    world.root = is_real_root();
    own_operations = actor_operations;
    return run_tests(world.base, run_all, words);
}

int main(int argc, char **argv)
{
    (void)argc;
    return run_in_child("stage_life", world.base, run, argv + 1);
}
