/* hostile_runner.c - surroundings that lie: a /proc that is none, PIDs that come back, runners that die in the middle
 *
 * SPDX-License-Identifier: 0BSD
 *
 * White-box: dindbind.c is included. Black-box: the static binary that $DINDBIND names (./dindbind) is run.
 *
 * Each test is a process of its own, the first one in mount and PID namespaces of its own: over-mounts of /proc end
 * with it, and so does every runner. It runs twice, with openat2(2) and with a seccomp filter that answers ENOSYS
 * for it. Its root is a tmpfs that holds /proc, the tool, and two roots for runners: /r (files say "right") and
 * /decoy (files say "decoy").
 *
 * An ordinary user gets a user namespace for it, and skips what needs a second user. Root may skip nothing. The last
 * line on standard output counts what passed, failed and was skipped.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
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
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define DINDBIND_NO_MAIN
#include "../dindbind.c"
#include "process.h"

static struct {
    bool root, walk;            /* real root; openat2 is missing */
    char base[64];
} world;

/* The tool as another user. */
static unsigned tool_user;

static bool be_user(void)
{
    return !setgid(tool_user) && !setuid(tool_user);
}

static struct ran run_as(unsigned uid, char *const argv[])
{
    tool_user = uid;
    return end_tool(start_tool(argv, -1, -1, be_user));
}

#define RUN_AS(uid, ...) run_as(uid, ARGV(__VA_ARGS__))

/* Seconds of a processor that the tool may take. */
static rlim_t tool_seconds;

static bool be_limited(void)
{
    const struct rlimit limit = { tool_seconds, tool_seconds };
    return !setrlimit(RLIMIT_CPU, &limit);
}

/* So many are a hundred times what it takes, and less than it took. */
static struct ran run_within(rlim_t seconds, const char *in, char *const argv[])
{
    int fd = in ? memfd_create("in", MFD_CLOEXEC) : -1;
    if (in)
        must(write(fd, in, strlen(in)) == (ssize_t)strlen(in) && !lseek(fd, 0, SEEK_SET), "input");
    tool_seconds = seconds;
    struct ran r = end_tool(start_tool(argv, fd, -1, be_limited));
    if (fd >= 0)
        close(fd);
    return r;
}

#define RUN_WITHIN(seconds, in, ...) run_within(seconds, in, ARGV(__VA_ARGS__))

static char *link_text(const char *path)
{
    char *text = calloc(1, 256);
    must(text && readlink(path, text, 255) > 0, path);
    return text;
}

/* ---- Runners ------------------------------------------------------------------------------------------- */

static struct actor latest;     /* of the runners */

static pid_t start_runner(const char *root, int kind, void (*before)(void))
{
    latest = start_runner_at(root, kind, before);
    return latest.pid;
}

/* What most tests have one of; each is a process of its own. */
static struct {
    struct dindbind_runner r;
    struct dindbind_result res;
    struct dindbind_mount *below;
    size_t nbelow;
    bool shown;                 /* the stage shows the file that is pinned */
} it;

static void hold(pid_t pid)
{
    it.r = (struct dindbind_runner){ .pid = pid };
    int rc = dindbind_open(&it.r);
    if (rc)
        flunk("open: %s", dindbind_word(rc));
}

static void let_go(void)
{
    dindbind_release(&it.res);
    dindbind_close(&it.r);
}

static void want(const char *call, int got, int wanted)
{
    if (got != wanted)
        flunk("%s: wanted %s, got %s", call, dindbind_word(wanted), dindbind_word(got));
}

/* Staged as a single source; nothing may be left when that fails. *shown: is it the pinned file there? */
static int stage_one(const struct dindbind_runner *r, struct dindbind_result *res, bool *shown)
{
    struct dindbind_result *const one[] = { res };
    int err = 0, rc = dindbind_stage(r, "/stage", one, 1, &err);
    *shown = !rc && same_file(res->fd, res->path);
    if (rc && !access("/stage", F_OK))
        flunk("stage: %s, and /stage is there", dindbind_word(rc));
    return rc;
}

static void find_it(const char *source, unsigned flags)
{
    want("resolve", dindbind_resolve(&it.r, source, flags, &it.res), 0);
}

static void find_on_host(void)
{
    want("host", dindbind_host(&it.r, &it.res, &it.below, &it.nbelow), 0);
}

static int stage_it(void)
{
    return stage_one(&it.r, &it.res, &it.shown);
}

static void unstage_all(void)
{
    int err, rc = dindbind_unstage(NULL, "/stage", &err);
    if (rc || !access("/stage", F_OK))
        flunk("unstage: %s, %s", dindbind_word(rc), strerror(err));
}

/* ==== /proc is not what it should be ==================================================================== */

static void fake_proc(void)
{
    pid_t pid = start_runner("/r", 0, NULL);
    struct dindbind_runner r = { .pid = pid };
    char *number = textf("%d", pid), *dir = textf("/proc/%d", pid);
    int before = count_descriptors();
    must(!mount("t", "/proc", "tmpfs", 0, "mode=755"), "/proc");
    make_dir(dir);
    must(!symlink("/decoy", textf("%s/root", dir)), "root");
    new_file(textf("%s/stat", dir), "1 (x) S 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 99 0 0\n");
    new_file(textf("%s/mountinfo", dir), "1 1 0:1 / / rw - tmpfs t rw\n");
    want("open", dindbind_open(&r), DINDBIND_E_PROCFS);
    said(RUN("-p", number, "/d/f"), 3, "", "/proc");
    said(RUN("-S", "/d/f"), 3, "", "/proc");
    said(RUN("-o", "lowerdir=/r", "/d/f"), 3, "", "/proc");
    /* rows alone need none */
    said(RUN("-b", "/r:/x", "/x/d/f"), 0, "/r/d/f\n", "");
    struct ran staged = RUN("-b", "/r:/x", "-s", "/stage", "/x/d/f");
    if (staged.status ? staged.status != 3 || *staged.out || !access("/stage", F_OK)
                      : strcmp(staged.out, "/stage/0\n") != 0)
        flunk("staged without procfs: %d, %s, %s", staged.status, staged.out, staged.err);
    must(!umount2("/proc", MNT_DETACH), "/proc");
    if (count_descriptors() != before)
        flunk("descriptors left");
}

/* A part of the true procfs instead of all of it. */
static void part_of_proc(void)
{
    pid_t pid = start_runner("/r", 0, NULL);
    struct dindbind_runner r = { .pid = pid };
    must(!mount("/proc/sys", "/proc", NULL, MS_BIND, NULL), "/proc");
    want("open", dindbind_open(&r), DINDBIND_E_PROCFS);
    must(!umount2("/proc", MNT_DETACH) && !mount(textf("/proc/%d/task", pid), "/proc", NULL, MS_BIND, NULL), "/proc");
    want("open", dindbind_open(&r), DINDBIND_E_PROCFS);
    said(RUN("-p", textf("%d", pid), "/d/f"), 3, "", "/proc");
}

/* Entries of the decoy's, or faked files, over those of the runner's. */
static void nest(void)
{
    must(!mount("/r/vol", "/r/d/n", NULL, MS_BIND, NULL), "nested");
}

/* A mountinfo without the rows that have this in them. */
static void put_without(const char *path, char *text, const char *word)
{
    FILE *f = fopen(path, "we");
    char *save = NULL;
    must(f != NULL, path);
    for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
        if (!strstr(line, word))
            fprintf(f, "%s\n", line);
    must(!fclose(f), path);
}

enum call { OPEN, RESOLVE, HOST, STAGE, NONE };
static const char *const call_names[] = { "open", "resolve", "host", "stage" };

static void over_entry(const char *entry, const char *what, enum call refuses)
{
    pid_t decoy = start_runner("/decoy", 0, NULL), pid = start_runner("/r", 0, nest);
    struct dindbind_runner r = { .pid = pid, .start = start_time(pid) };
    struct dindbind_result res = { .fd = -1 };
    struct dindbind_mount *below = NULL;
    size_t nbelow = 0;
    bool shown = true;
    int rc = 0, fds = count_descriptors();
    put_without("/faked", slurp(textf("/proc/%d/mountinfo", pid)), "/d/n");
    over(what ? what : textf("/proc/%d%s", decoy, entry), textf("/proc/%d%s", pid, entry));
    enum call call = OPEN;
    rc = dindbind_open(&r);
    if (!rc) {
        call = RESOLVE;
        rc = dindbind_resolve(&r, "/d", DINDBIND_TO_STAGE, &res);
        if (!rc && !same_file(res.fd, "/r/d"))
            flunk("resolve: the decoy's, or another one");
    }
    if (!rc) {
        call = HOST;
        rc = dindbind_host(&r, &res, &below, &nbelow);
        if (!rc && (strcmp(res.path, "/r/d") || nbelow != 1))
            flunk("host: %s, with %zu mounts below", res.path, nbelow);
        free(below);
    }
    if (!rc) {
        call = STAGE;
        rc = stage_one(&r, &res, &shown);
        if (!rc && !shown)
            flunk("stage: another file");
        if (!rc)
            unstage_all();
    }
    dindbind_release(&res);
    dindbind_close(&r);
    if (rc != (refuses == NONE ? 0 : DINDBIND_E_PROCFS) || (rc && call != refuses))
        flunk("%s: %s; wanted %s from %s", call_names[call], dindbind_word(rc), refuses == NONE ? "no error" : "procfs",
              refuses == NONE ? "all" : call_names[refuses]);
    if (count_descriptors() != fds)
        flunk("descriptors left");
}

static void over_pid(void) { over_entry("", NULL, OPEN); }
static void over_pid_tmpfs(void) { over_entry("", "/decoy", OPEN); }
static void over_root(void) { over_entry("/root", NULL, OPEN); }
static void over_stat(void) { over_entry("/stat", NULL, OPEN); }
static void over_mountinfo(void) { over_entry("/mountinfo", NULL, HOST); }
static void over_mountinfo_faked(void) { over_entry("/mountinfo", "/faked", HOST); }
static void over_ns(void) { over_entry("/ns", NULL, STAGE); }
static void over_ns_mnt(void) { over_entry("/ns/mnt", NULL, STAGE); }
static void over_exe(void) { over_entry("/exe", NULL, NONE); }

/* What is our own in /proc, faked: a mountinfo that hides a mount of ours below the host path. */
static void over_own(const char *link, bool pid_dir)
{
    pid_t pid = start_runner("/r", 0, NULL);
    struct dindbind_runner r = { .pid = pid };
    struct dindbind_result res = { .fd = -1 };
    struct dindbind_mount *below = NULL;
    size_t nbelow = 0;
    bool shown = true;
    must(!mount("t", "/r/d/n", "tmpfs", 0, NULL), "a mount that the runner does not see");
    make_dir("/faked");
    put_without("/faked/mountinfo", slurp("/proc/thread-self/mountinfo"), "/d/n");
    static const char *const rest[] = { "fd", "fdinfo", "ns" };
    must(!mount("/proc", "/again", NULL, MS_BIND, NULL), "/again");
    for (size_t i = 0; i < COUNT(rest); i++)
        must(!symlink(textf("/again/thread-self/%s", rest[i]), textf("/faked/%s", rest[i])), rest[i]);
    if (pid_dir) {
        make_dir("/faked/task");
        must(!symlink("/faked", textf("/faked/task/%d", getpid())), "task");
        over("/faked", textf("/proc/%d", getpid()));
    } else {
        must(!symlink("/faked", "/link"), "link");
        over("/link", link);
    }
    int rc = dindbind_open(&r);
    if (!rc)
        rc = dindbind_resolve(&r, "/d", 0, &res);
    if (!rc && (!same_file(res.fd, "/r/d") || strcmp(res.path, textf("/proc/%d/root/d", pid))))
        flunk("resolve: %s", res.path);
    if (!rc) {
        rc = dindbind_host(&r, &res, &below, &nbelow);
        if (!rc)
            flunk("host: %s, and the mount below is hidden", res.path);
    }
    if (rc != DINDBIND_E_PROCFS && (rc != DINDBIND_E_NESTED || strcmp(link, "/proc/self") != 0))
        flunk("wanted procfs, got %s", dindbind_word(rc));
    if (res.fd >= 0) {
        rc = stage_one(&r, &res, &shown);
        if (rc ? rc != DINDBIND_E_PROCFS : !shown)
            flunk("stage: %s", dindbind_word(rc));
    }
    dindbind_release(&res);
    dindbind_close(&r);
}

static void over_thread_self(void) { over_own("/proc/thread-self", false); }
static void over_self(void) { over_own("/proc/self", false); }
static void over_own_pid(void) { over_own("", true); }

/* All is as it should be, only that less is shown. */
static void works(const char *source)
{
    pid_t pid = start_runner("/r", 0, NULL);
    char *number = textf("%d:%llu", pid, start_time(pid));
    hold(pid);
    find_it(source, 0);
    find_on_host();
    if (strcmp(it.res.path, textf("/r%s", source)))
        flunk("host: %s", it.res.path);
    want("stage", stage_it(), 0);
    if (!it.shown)
        flunk("stage: another file");
    unstage_all();
    let_go();
    said(RUN("-p", number, "-H", (char *)source), 0, textf("/r%s\n", source), "");
}

static void remount_proc(const char *how)
{
    if (mount("proc", "/proc", "proc", 0, how)) {
        if (world.root)
            flunk("proc with %s: %s", how, strerror(errno));
        skip("this procfs cannot be mounted in a user namespace");
    }
}

static void hide_pids(void)
{
    remount_proc("hidepid=2");
    works("/d/f");
    if (!world.root)
        return;
    pid_t pid = start_runner("/r", 0, NULL);
    said(RUN_AS(65534, "-p", textf("%d", pid), "/d/f"), 3, "", "no live process");
    must(!umount2("/proc", MNT_DETACH), "/proc");
    remount_proc("hidepid=1");
    struct ran r = RUN_AS(65534, "-p", textf("%d", pid), "/d/f");
    said(r, 3, "", "no permission");
    must(!umount2("/proc", MNT_DETACH), "/proc");
    remount_proc("hidepid=4");
    r = RUN_AS(65534, "-p", textf("%d", pid), "/d/f");
    if (r.status != 3 || *r.out)
        flunk("hidepid=4: %d, %s", r.status, r.out);
    said(RUN("-p", textf("%d", pid), "-H", "/d/f"), 0, "/r/d/f\n", "");
}

static void pids_only(void)
{
    remount_proc("subset=pid");
    works("/d/f");
}

/* The procfs of a PID namespace that the caller is not in: nothing in it is the caller's own. */
static void other_proc(void)
{
    int done[2];
    char c;
    must(!unshare(CLONE_NEWPID) && !pipe2(done, O_CLOEXEC), "unshare");
    pid_t child = fork();
    if (!child) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        must(!mount("proc", "/proc", "proc", 0, NULL), "/proc");
        must(write(done[1], "d", 1) == 1, "pipe");
        pause();
    }
    must(read(done[0], &c, 1) == 1, "a procfs");
    struct dindbind_runner r = { .pid = 1 };
    want("open", dindbind_open(&r), DINDBIND_E_PROCFS);
    r = (struct dindbind_runner){ .self = 1 };
    want("open of myself", dindbind_open(&r), DINDBIND_E_PROCFS);
}

/* ==== the process is not what it was ==================================================================== */

/* The same number for another process, with the decoy's root. */
static pid_t reuse(pid_t pid)
{
    for (int i = 0; i < 100; i++) {
        must(write_text("/proc/sys/kernel/ns_last_pid", textf("%d", pid - 1), 0), "ns_last_pid");
        pid_t other = start_runner("/decoy", 0, NULL);
        if (other == pid)
            return other;
        end_actor(&latest);
    }
    flunk("the number does not come back");
}

/* Whatever the start time of the first one: the second one's is another. */
static void pass_a_tick(void)
{
    usleep(50000);
}

static void reused_before(void)
{
    pid_t pid = start_runner("/r", 0, NULL);
    unsigned long long start = start_time(pid);
    struct dindbind_runner r = { .pid = pid, .start = start };
    want("open", dindbind_open(&r), 0);
    dindbind_close(&r);
    end_actor(&latest);
    want("open of a dead one", dindbind_open(&r), DINDBIND_E_GONE);
    pass_a_tick();
    reuse(pid);
    want("open", dindbind_open(&r), DINDBIND_E_REUSED);
    said(RUN("-p", textf("%d:%llu", pid, start), "/d/f"), 3, "", "not the runner that was described");
    said(RUN("-p", textf("%d:%llu", pid, start), "-s", "/stage", "/d/f"), 3, "",
         "not the runner that was described");
    /* nobody can know without the start time, and what is answered is what the number means now */
    said(RUN("-p", textf("%d", pid), "-H", "/d/f"), 0, "/decoy/d/f\n", "");
}

/* Opened, then the number is another's: nothing of the new one is ever answered. */
static void after_open(bool comes_back)
{
    static const char *const sources[] = { "/d/f", "/d", "/", "/link", "/nope", "/only-decoy" };
    pid_t pid = start_runner("/r", 0, NULL);
    struct dindbind_result old, file;
    size_t rows = mounts();
    int fds = count_descriptors();
    hold(pid);
    want("resolve", dindbind_resolve(&it.r, "/d", DINDBIND_TO_STAGE, &old), 0);
    want("resolve", dindbind_resolve(&it.r, "/d/f", DINDBIND_TO_STAGE, &file), 0);
    end_actor(&latest);
    if (comes_back) {
        pass_a_tick();
        reuse(pid);
    }
    for (size_t i = 0; i < COUNT(sources); i++) {
        int rc = dindbind_resolve(&it.r, sources[i], 0, &it.res);
        /* what the pinned root does not have may be missing just as well */
        if (rc != DINDBIND_E_GONE && !(rc == DINDBIND_E_MISSING && i >= 4))
            flunk("resolve %s: %s", sources[i], rc ? dindbind_word(rc) : it.res.path);
        dindbind_release(&it.res);
    }
    want("mkdir", dindbind_resolve(&it.r, "/d/new", DINDBIND_MKDIR, &it.res), DINDBIND_E_GONE);
    dindbind_release(&it.res);
    if (!access("/r/d/new", F_OK) || !access("/decoy/d/new", F_OK))
        flunk("something was made");
    int rc = dindbind_host(&it.r, &old, &it.below, &it.nbelow);
    if (rc != DINDBIND_E_GONE)
        flunk("host: %s", rc ? dindbind_word(rc) : old.path);
    struct dindbind_result *const two[] = { &old, &file };
    int err = 0;
    want("stage of two", dindbind_stage(&it.r, "/stage", two, 2, &err), DINDBIND_E_GONE);
    want("stage", stage_one(&it.r, &file, &it.shown), DINDBIND_E_GONE);
    if (!access("/stage", F_OK) || mounts() != rows)
        flunk("something stays mounted");
    dindbind_release(&old);
    dindbind_release(&file);
    dindbind_close(&it.r);
    if (count_descriptors() > fds)
        flunk("descriptors left");
}

static void reused_after(void) { after_open(true); }
static void dies_after_open(void) { after_open(false); }

/* One of many sources is staged when the runner is gone: all or nothing, also in a stage that is there already. */
static void dies_before_stage(void)
{
    pid_t pid = start_runner("/r", 0, NULL);
    char *number = textf("%d", pid);
    int err = 0;
    hold(pid);
    find_it("/d", DINDBIND_TO_STAGE);
    said(RUN("-p", number, "-s", "/stage", "/d/f"), 0, "/stage/0\n", "");
    size_t rows = mounts();
    end_actor(&latest);
    struct dindbind_result *const one[] = { &it.res };
    want("stage", dindbind_stage(&it.r, "/stage", one, 1, &err), DINDBIND_E_GONE);
    if (mounts() != rows || strcmp(slurp("/stage/0"), "right"))
        flunk("the stage that was there has changed");
    said(RUN("-p", number, "-s", "/stage", "/d"), 3, "", "no live process");
    said(RUN("-u", "/stage"), 0, "", "");
    let_go();
}

/* It dies at any moment of open, resolve, host and stage, which are repeated until then: what is answered is right,
 * or it is gone; nothing stays. */
static void *kill_soon(void *arg)
{
    const pid_t *pid = arg;
    usleep((useconds_t)(*pid * 7919 % 3000));
    kill(*pid, SIGKILL);
    return NULL;
}

static enum call ask_once(pid_t pid, enum call until, int i, int *rc)
{
    static const char *const sources[] = { "/d", "/d/f", "/link", "/" }, *const hosts[] = { "/r/d", "/r/d/f", "/r/esc",
        "/r" };
    struct dindbind_runner r = { .pid = pid };
    struct dindbind_result res = { .fd = -1 };
    struct dindbind_mount *below = NULL;
    size_t nbelow = 0;
    enum call call = OPEN;
    bool shown = false;
    *rc = dindbind_open(&r);
    for (int k = 0; !*rc && until != OPEN && k < 4; k++) {
        const char *source = sources[(i + k) % 4], *host = hosts[(i + k) % 4];
        call = RESOLVE;
        dindbind_release(&res);
        *rc = dindbind_resolve(&r, source, until == STAGE ? DINDBIND_TO_STAGE : 0, &res);
        if (!*rc && !same_file(res.fd, host))
            flunk("resolve: %s", res.path);
        if (!*rc && until == HOST) {
            call = HOST;
            *rc = dindbind_host(&r, &res, &below, &nbelow);
            if (!*rc && (strcmp(res.path, host) || nbelow))
                flunk("host: %s, %zu below", res.path, nbelow);
            free(below);
        } else if (!*rc && until == STAGE) {
            call = STAGE;
            *rc = stage_one(&r, &res, &shown);
            if (!*rc && !shown)
                flunk("stage: another file");
            if (!*rc)
                unstage_all();
        }
    }
    dindbind_release(&res);
    dindbind_close(&r);
    return call;
}

static void dies_anytime(void)
{
    unsigned gone[NONE] = { 0 };
    size_t rows = mounts();
    int fds = count_descriptors();
    for (int i = 0; i < 200; i++) {
        pthread_t t;
        pid_t pid = start_runner("/r", 0, NULL);
        enum call call;
        int rc;
        must(!pthread_create(&t, NULL, kill_soon, &pid), "thread");
        do
            call = ask_once(pid, (enum call)(i % NONE), i, &rc);
        while (!rc);
        gone[call]++;
        if (rc != DINDBIND_E_GONE)
            flunk("%s: %s", call_names[call], dindbind_word(rc));
        pthread_join(t, NULL);
        end_actor(&latest);
        if (count_descriptors() != fds || mounts() != rows)
            flunk("left: %d descriptors, %zu mounts", count_descriptors() - fds, mounts() - rows);
    }
    printf("    gone in open %u times, in resolve %u, in host %u, in stage %u\n", gone[0], gone[1], gone[2], gone[3]);
}

static void zombie(void)
{
    pid_t pid = start_runner("/r", 0, NULL);
    struct dindbind_runner r = { .pid = pid, .start = start_time(pid) };
    siginfo_t info;
    hold(pid);
    kill(pid, SIGKILL);
    must(!waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), "a zombie");
    want("open", dindbind_open(&r), DINDBIND_E_GONE);
    r.start = 0;
    want("open without its start", dindbind_open(&r), DINDBIND_E_GONE);
    want("resolve", dindbind_resolve(&it.r, "/d/f", 0, &it.res), DINDBIND_E_GONE);
    let_go();
    said(RUN("-p", textf("%d", pid), "/d/f"), 3, "", "no live process");
}

static void *sleep_on(void *arg)
{
    (void)arg;
    for (;;)
        pause();
    return NULL;
}

/* Its first thread has ended, others run: such a process shows no root. */
static void headless(void)
{
    pthread_t t;
    pid_t pid = fork();
    if (!pid) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        pthread_create(&t, NULL, sleep_on, NULL);
        syscall(SYS_exit, 0);
    }
    char *path = textf("/proc/%d/stat", pid);
    for (int i = 0; i < 1000 && !strstr(slurp(path), ") Z"); i++)
        usleep(1000);
    struct dindbind_runner r = { .pid = pid };
    want("open", dindbind_open(&r), DINDBIND_E_GONE);
    kill(pid, SIGKILL);
}

static void hostile_comm(void)
{
    prctl(PR_SET_NAME, ") R 1 \n(\xff 9 9");
}

static void command_name(void)
{
    pid_t pid = start_runner("/r", 0, hostile_comm);
    struct dindbind_runner r = { .pid = pid, .start = start_time(pid) };
    want("open", dindbind_open(&r), 0);
    dindbind_close(&r);
    r.start++;
    want("open", dindbind_open(&r), DINDBIND_E_REUSED);
}

static void unprivileged(void)
{
    if (!world.root)
        skip("needs a second user");
    pid_t pid = start_runner("/r", 0, NULL);
    char *number = textf("%d", pid), *started = textf("%d:%llu", pid, start_time(pid));
    said(RUN_AS(65534, "-p", number, "/d/f"), 3, "", "no permission");
    said(RUN_AS(65534, "-p", started, "-H", "/d/f"), 3, "", "no permission");
    must(!chmod("/", 01777), "/");
    said(RUN_AS(65534, "-p", number, "-s", "/stage", "/d/f"), 3, "", "no permission");
    said(RUN_AS(65534, "-b", "/r:/x", "-s", "/stage", "/x/d/f"), 3, "", "");
    if (!access("/stage", F_OK))
        flunk("/stage is there");
    said(RUN_AS(65534, "-b", "/r:/x", "/x/d/f"), 0, "/r/d/f\n", "");
}

/* ==== the runner's mounts =============================================================================== */

static const char *const odd_names[] = { "new\nline", "sp ace", "back\\slash", "tab\t", "\xff\xfe", "\\040", "a\\012b",
                                         "\n", "x//deleted-not", "end " };

enum { MANY = 4095 };

static char *odd(size_t i, const char *dir)
{
    char *s = textf("%s/%s", dir, odd_names[i]), *p = s + strlen(dir) + 1;
    for (; *p; p++)
        if (*p == '/')
            *p = '_';
    return s;
}

static void many_mounts(void)
{
    for (size_t i = 0; i < COUNT(odd_names); i++)
        must(!mount(odd(i, "/r/src"), odd(i, "/r/odd"), NULL, MS_BIND, NULL), odd_names[i]);
    for (int i = 0; i < MANY; i++)
        must(!mount("/r/vol", textf("/r/m/%d", i), NULL, MS_BIND, NULL), "one of many");
}

static void many_rows(void)
{
    for (size_t i = 0; i < 2; i++)
        make_dir(i ? "/r/src" : "/r/odd");
    make_dir("/r/m");
    for (size_t i = 0; i < COUNT(odd_names); i++) {
        make_dir(odd(i, "/r/odd"));
        make_dir(odd(i, "/r/src"));
        new_file(textf("%s/f", odd(i, "/r/src")), "right");
    }
    for (int i = 0; i < MANY; i++)
        make_dir(textf("/r/m/%d", i));
    make_dir("/r/m/more");
    make_dir("/r/m/yet");
    pid_t pid = start_runner("/r", 0, many_mounts);
    hold(pid);
    for (size_t i = 0; i < COUNT(odd_names); i++)
        for (int file = 0; file < 2; file++) {
            const char *source = textf("%s%s", odd(i, "/odd"), file ? "/f" : "");
            const char *host = textf("%s%s", odd(i, "/r/src"), file ? "/f" : "");
            find_it(source, 0);
            if (!same_file(it.res.fd, host) || strcmp(it.res.path, textf("/proc/%d/root%s", pid, source)))
                flunk("resolve: %s", it.res.path);
            find_on_host();
            if (strcmp(it.res.path, host) || it.nbelow)
                flunk("host of %s: %s", source, it.res.path);
            dindbind_release(&it.res);
            said(RUN("-p", textf("%d", pid), "-H", "-0", (char *)source), 0, host, "");
        }
    find_it("/odd", 0);
    find_on_host();
    if (it.nbelow != COUNT(odd_names))
        flunk("%zu odd mounts below", it.nbelow);
    for (size_t k = 0; k < it.nbelow; k++) {
        size_t i = 0;
        while (i < COUNT(odd_names) && strcmp(it.below[k].source, odd(i, "/odd")))
            i++;
        if (i == COUNT(odd_names) || strcmp(it.below[k].path, odd(i, "/r/src")))
            flunk("below: %s at %s", it.below[k].path, it.below[k].source);
    }
    free(it.below);
    dindbind_release(&it.res);
    find_it("/m", DINDBIND_TO_STAGE);
    find_on_host();
    if (it.nbelow != MANY || strcmp(it.res.path, "/r/m"))
        flunk("host of /m: %s, %zu below", it.res.path, it.nbelow);
    free(it.below);
    want("stage", stage_it(), 0);
    if (!it.shown || strcmp(slurp(textf("%s/3711/v", it.res.path)), "right"))
        flunk("stage: another file");
    unstage_all();
    if (strcmp(slurp(textf("/proc/%d/root/m/3711/v", pid)), "right"))
        flunk("the runner's mount is gone");
    dindbind_release(&it.res);
    have(&latest, do_script, "bindone /vol /m/more;bindone /vol /m/yet");
    find_it("/m", 0);
    want("host, one more", dindbind_host(&it.r, &it.res, &it.below, &it.nbelow), DINDBIND_E_NESTED);
    if (it.below || it.nbelow || !strstr(it.res.path, "more than 4096"))
        flunk("host of /m: %s, %zu below", it.res.path, it.nbelow);
    said(RUN("-p", textf("%d", pid), "-v", "/m:/x"), 1, "", "more than 4096 mounts below");
    let_go();
}

static void own_user(void)
{
    pid_t pid = start_runner("/r", OWN_USER, nest);
    hold(pid);
    find_it("/link", 0);
    if (!same_file(it.res.fd, "/r/esc"))
        flunk("resolve: %s", it.res.path);
    dindbind_release(&it.res);
    find_it("/d", DINDBIND_TO_STAGE);
    find_on_host();
    if (strcmp(it.res.path, "/r/d") || it.nbelow != 1 || strcmp(it.below->path, "/r/vol"))
        flunk("host: %s, %zu below", it.res.path, it.nbelow);
    free(it.below);
    want("stage", stage_it(), 0);
    if (!it.shown || access(textf("%s/n/v", it.res.path), F_OK))
        flunk("stage: another file, or the mount below is missing");
    unstage_all();
    let_go();
}

/* No pivot_root, so that .. and the caller's names are within reach. */
static void chrooted(int kind)
{
    static const struct { const char *source, *host; int error; } cases[] = {
        { "/d/f", "/r/d/f", 0 },          { "/link", "/r/esc", 0 },       { "/up/f", "/r/esc/f", 0 },
        { "/", "/r", 0 },                 { "/dangling", "", DINDBIND_E_MISSING },
        { "/../../decoy/d/f", "", DINDBIND_E_MISSING },
    };
    pid_t pid = start_runner("/r", kind, NULL);
    hold(pid);
    for (size_t i = 0; i < COUNT(cases); i++) {
        want(cases[i].source, dindbind_resolve(&it.r, cases[i].source, 0, &it.res), cases[i].error);
        if (!cases[i].error) {
            if (!same_file(it.res.fd, cases[i].host))
                flunk("%s: %s", cases[i].source, it.res.path);
            find_on_host();
            if (strcmp(it.res.path, cases[i].host))
                flunk("host of %s: %s", cases[i].source, it.res.path);
            free(it.below);
            want("stage", stage_it(), 0);
            if (!it.shown)
                flunk("stage of %s: another file", cases[i].source);
            unstage_all();
        }
        dindbind_release(&it.res);
    }
    dindbind_close(&it.r);
}

static void chroot_own_mounts(void) { chrooted(CHROOTED); }
static void chroot_our_mounts(void) { chrooted(SAME_MOUNTS); }

static void bind_e(void)
{
    must(!mount("/r/e", "/r/d/n", NULL, MS_BIND, NULL), "/r/e");
}

static void deleted_rows(void)
{
    make_dir("/r/e");
    pid_t pid = start_runner("/r", 0, bind_e);
    must(!rmdir("/r/e"), "/r/e");
    must(strstr(slurp(textf("/proc/%d/mountinfo", pid)), "//deleted ") != NULL, "a row with //deleted");
    hold(pid);
    /* the second and third time others have its name, even with what the row adds to it */
    for (int again = 0; again < 3; again++) {
        if (again == 1)
            make_dir("/r/e");
        if (again == 2)
            make_dir("/r/e/deleted");
        find_it("/d/n", 0);
        want("host", dindbind_host(&it.r, &it.res, &it.below, &it.nbelow), DINDBIND_E_FOREIGN);
        dindbind_release(&it.res);
        find_it("/d", 0);
        want("host of what is above", dindbind_host(&it.r, &it.res, &it.below, &it.nbelow), DINDBIND_E_NESTED);
        dindbind_release(&it.res);
    }
    dindbind_close(&it.r);
}

static void shared_mounts(void)
{
    static const char *const sources[] = { "/", "/d", "/d/n" };
    make_dir("/r/d/later");
    pid_t pid = start_runner("/r", SHARED, nest);
    char *volume = textf("/proc/%d/root/d/n/v", pid), *later = textf("/proc/%d/root/d/later/v", pid);
    size_t rows = mounts();
    for (size_t i = 0; i < COUNT(sources); i++) {
        said(RUN("-p", textf("%d", pid), "-s", "/stage", (char *)sources[i],
                 "/d/n/v"), 0, "/stage/0\n/stage/1\n", "");
        if (i == 1) {
            have(&latest, do_script, "bindone /vol /d/later");
            if (access(later, F_OK) || !access("/stage/0/later/v", F_OK))
                flunk("a later mount shows in the stage");
        }
        said(RUN("-u", "/stage/1"), 0, "", "");
        if (access(volume, F_OK))
            flunk("unstaging an entry has unmounted the runner's volume");
        said(RUN("-u", "/stage"), 0, "", "");
        if (access(volume, F_OK) || (i && access(later, F_OK)))
            flunk("unstaging has unmounted the runner's volume");
        if (mounts() != rows)
            flunk("mounts left here");
    }
}

/* The runner mounts something over the very source between the answer and the stage. */
static void covered_source(void)
{
    pid_t pid = start_runner("/r", 0, NULL);
    size_t rows = mounts();
    hold(pid);
    find_it("/d", DINDBIND_TO_STAGE);
    have(&latest, do_script, "bindone /vol /d");
    int rc = stage_it();
    if (rc ? rc != DINDBIND_E_CHANGED : !it.shown)
        flunk("stage: %s", rc ? dindbind_word(rc) : "not the inode that the result pins");
    if (!rc)
        unstage_all();
    if (mounts() != rows)
        flunk("mounts left");
    let_go();
}

/* The runner may only read what a row calls writable: where the row names just that directory, and where it does
 * not. */
static void read_only_d(void)
{
    must(!mount("/r/vol", "/r/d", NULL, MS_BIND, NULL) &&
         !mount(NULL, "/r/d", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL), "a read-only mount");
}

static void read_only_view(void)
{
    static const char *const rows[] = { "/r/vol:/d", "/r/esc:/d" };
    char *number = textf("%d", start_runner("/r", 0, read_only_d));
    for (size_t i = 0; i < COUNT(rows); i++) {
        char *row = (char *)(uintptr_t)rows[i], *host = textf("%.*s", (int)strcspn(row, ":"), row);
        said(RUN("-p", number, "-b", row, "-v", "/d:/x"), 0, textf("%s:/x:ro\n", host), "");
        said(RUN("-p", number, "-b", row, "/d"), 1, "", "read-only");
        said(RUN("-p", number, "-b", row, "-m", "-v", "/d/new:/x"), 1, "", "not there");
        said(RUN("-p", number, "-b", row, "-s", "/stage", "/d"), 0, "/stage/0\n", "");
        if (!mkdir("/stage/0/made", 0755) || errno != EROFS)
            flunk("%s: the stage can be written to", rows[i]);
        unstage_all();
        if (!access(textf("%s/new", host), F_OK))
            flunk("%s: made", rows[i]);
    }
}

/* A procfs of the runner's own, and one that it has faked. */
static void fake_inside(void)
{
    must(!mount("t", "/r/proc", "tmpfs", 0, "mode=755"), "a fake procfs");
    make_dir("/r/proc/self");
    must(!symlink("/esc", "/r/proc/self/root"), "a link like a magic one");
}

static void true_inside(void)
{
    must(!mount("/proc", "/r/proc", NULL, MS_BIND | MS_REC, NULL), "procfs");
}

static void procfs_inside(void)
{
    pid_t pid = start_runner("/r", 0, fake_inside);
    hold(pid);
    find_it("/proc/self/root/f", 0);
    if (!same_file(it.res.fd, "/r/esc/f"))
        flunk("resolve: %s", it.res.path);
    let_go();
    pid = start_runner("/r", 0, true_inside);
    hold(pid);
    static const char *const magic[] = { "/proc/self/root/f", "/proc/1/root", "/proc/1/cwd/decoy", "/proc/1/exe",
                                         "/proc/1/ns/mnt", "/proc/thread-self/root/d/f", "/proc/1/task/1/root/d" };
    for (size_t i = 0; i < COUNT(magic); i++) {
        want(magic[i], dindbind_resolve(&it.r, magic[i], 0, &it.res), DINDBIND_E_LOOP);
        dindbind_release(&it.res);
    }
    dindbind_close(&it.r);
}

/* ---- A PID that is no runner's -------------------------------------------------------------------------- */

static void wait_for_end(void)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (;;)
        pause();
}

/* A shim, which is where we are; and one that has left, but has its root where we are. */
static pid_t host_child(bool other_mounts)
{
    int done[2], root = open("/", O_PATH | O_CLOEXEC);
    char c;
    must(root >= 0 && !pipe2(done, O_CLOEXEC), "pipe");
    pid_t pid = fork();
    if (!pid) {
        if (other_mounts)
            must(!unshare(CLONE_NEWNS) && !fchdir(root) && !chroot("."), "our root in other mounts");
        must(write(done[1], "d", 1) == 1, "pipe");
        wait_for_end();
    }
    close(done[1]);
    must(pid > 0 && read(done[0], &c, 1) == 1, "a process of the host");
    close(done[0]);
    close(root);
    return pid;
}

static void refused_as_host(pid_t pid)
{
    static const char why[] = "this is a process of the host itself", body[] =
        "{\"HostConfig\":{\"Binds\":[\"/r/new:/x\"]}}";
    struct dindbind_mount *below = (struct dindbind_mount *)1;
    size_t nbelow = 1;
    char *number = textf("%d", pid), *started = textf("%d:%llu", pid, start_time(pid));
    new_file("/lines", textf("pid %d\n", pid));
    new_file("/more", textf("pid %d\nbind /r/d:/data\n", pid));
    said(RUN("-p", number, "-v", "/r:/x"), 1, "", why);
    said(RUN("-p", started, "--mount", "type=bind,source=/r,target=/x"), 1, "", why);
    said(RUN("-p", number, "-m", "-H", "/r/new"), 1, "", "say -b /:/");
    said(RUN("-p", number, "-m", "-v", "/r/new:/x"), 1, "", why);
    said(RUN("-p", number, "-m", "-s", "/stage", "/r/new"), 1, "", why);
    said(run_within(60, body, (char *const[]){ "dindbind", "-p", number, "-m", "-c", NULL }),
         1, "", why);
    said(RUN("-r", "/lines", "-f", "oci", "-v", "/r:/x"), 1, "", why);
    said(RUN("-r", "/more", "-v", "/data:/x"), 1, "", why);
    said(RUN("-p", number, "-b", "/r:/", "-H", "/d"), 1, "", why);
    struct ran json = RUN("-p", number, "-f", "json", "-v", "/r:/x");
    if (json.status != 1 || !strstr(json.out, "\"error\":\"host\""))
        flunk("json: %d, %s", json.status, json.out);
    if (!access("/r/new", F_OK) || !access("/stage", F_OK))
        flunk("something was made");
    /* what opens the file of that very process is right; and a volume's name is nobody's path */
    said(RUN("-p", number, "/r/d"), 0, textf("/proc/%d/root/r/d\n", pid), "");
    said(RUN("-p", number, "-v", "cache:/x"), 0, "cache:/x\n", "");
    /* and whoever says so may mean it: links by rule 2 */
    said(RUN("-p", number, "-b", "/:/", "-v", "/r/d:/x", "-v",
             "/to-d/f:/y"), 0, "/r/d:/x\n/r/d/f:/y\n", "");
    hold(pid);
    find_it("/r/d", DINDBIND_TO_STAGE);
    want("stage", stage_it(), DINDBIND_E_HOST);
    want("host", dindbind_host(&it.r, &it.res, &below, &nbelow), DINDBIND_E_HOST);
    if (below || nbelow || it.res.error != DINDBIND_E_HOST)
        flunk("host: something below, or no error in the result");
    let_go();
    must(!unlink("/lines") && !unlink("/more"), "lines");
}

static void host_process(void)
{
    struct dindbind_bind row = { .host = "//.", .path = "/" };
    struct dindbind_runner r = { .pid = getpid(), .binds = &row, .nbinds = 1 };
    struct dindbind_result res;
    bool shown;
    must(!symlink("/r/d", "/to-d"), "a link");
    refused_as_host(getpid());
    for (int i = 0; i < 2; i++) {
        pid_t pid = host_child(i);
        refused_as_host(pid);
        kill(pid, SIGKILL);
        must(waitpid(pid, NULL, 0) == pid, "wait");
    }
    want("open", dindbind_open(&r), 0);
    want("resolve", dindbind_resolve(&r, "/r/d", DINDBIND_TO_STAGE, &res), 0);
    want("stage, which is meant", stage_one(&r, &res, &shown), 0);
    if (!shown)
        flunk("stage: another directory");
    unstage_all();
    dindbind_release(&res);
    dindbind_close(&r);
    /* in mounts of its own it is no process of the host, whatever it has there */
    pid_t pid = fork();
    if (!pid) {
        must(!unshare(CLONE_NEWNS), "unshare");
        wait_for_end();
    }
    while (!strcmp(link_text("/proc/self/ns/mnt"), link_text(textf("/proc/%d/ns/mnt", pid))))
        usleep(1000);
    said(RUN("-p", textf("%d", pid), "-v", "/r/d:/x"), 0, "/r/d:/x\n", "");
    kill(pid, SIGKILL);
}

/* ---- Links that mean whoever looks: in the runner they are its own process, here they would be ours ------- */

/* The link itself mounted over a file, a directory of procfs elsewhere, and links into both. */
static void self_elsewhere(void)
{
    true_inside();
    over("/proc/self", "/r/esc/f");
    over("/proc/mounts", "/r/d/f");
    must(!mount("/proc", "/r/d/n", NULL, MS_BIND, NULL), "procfs elsewhere");
    must(!mount("/proc/1/fd", "/r/vol", NULL, MS_BIND, NULL), "a directory of procfs");
    must(!symlink("/d/n/self/fdinfo/0", "/r/info") && !symlink("d/n/thread-self/comm", "/r/comm") &&
         !symlink("/proc/self/../../d", "/r/there-and-back") && !symlink("d/n/../../proc/mounts", "/r/mtab"), "links");
}

static void whoever_looks(void)
{
    static const char *const sources[] = {
        "/esc/f", "/esc/f/status", "/d/f", "/d/n/self", "/d/n/self/fdinfo/0", "/d/n/mounts", "/info", "/comm",
        "/there-and-back", "/there-and-back/n", "/mtab", "/vol/0", "/proc/self/fdinfo/0", "/proc/self/nothing",
        "/proc/net/unix",
    };
    static const char *const good[] = { "/d/n/version", "/proc/1/comm", "/d/n/1/fdinfo/0" };
    pid_t pid = start_runner("/r", 0, self_elsewhere);
    hold(pid);
    for (size_t i = 0; i < COUNT(sources); i++)
        for (unsigned flags = 0; flags < 4; flags++) {
            want(sources[i], dindbind_resolve(&it.r, sources[i], flags, &it.res), DINDBIND_E_LOOP);
            dindbind_release(&it.res);
        }
    for (size_t i = 0; i < COUNT(good); i++) {
        want(good[i], dindbind_resolve(&it.r, good[i], 0, &it.res), 0);
        if (strcmp(it.res.path, textf("/proc/%d/root%s", pid, good[i])))
            flunk("resolve: %s", it.res.path);
        dindbind_release(&it.res);
    }
    dindbind_close(&it.r);
    /* and in a row, of a dead runner and of a live one, and of one's own */
    said(RUN("-b", "/proc:/p", "/p/self/comm"), 1, "", "a link of procfs");
    said(RUN("-p", textf("%d", pid), "-b", "/proc:/p", "-H", "/p/mounts"), 1, "",
         "a link of procfs");
    said(RUN("-b", "/proc:/p", "/p/version"), 0, "/proc/version\n", "");
    said(RUN("-S", "/proc/self/comm"), 1, "", "a link of procfs");
}

/* In PID namespaces of their own, as most runners are, /proc/self is nobody for us: that is no reason to make it. */
static void own_pids(void)
{
    int done[2];
    char c;
    must(!pipe2(done, O_CLOEXEC), "pipe");
    must(!unshare(CLONE_NEWPID), "unshare");
    pid_t pid = fork();
    if (!pid) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        must(!unshare(CLONE_NEWNS) && !mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) &&
             !mount("/r", "/r", NULL, MS_BIND, NULL), "/r");
        if (mount("proc", "/r/proc", "proc", 0, NULL))
            _exit(SKIPPED);
        must(!symlink("/proc/mounts", "/r/mtab") && !chdir("/r") && !syscall(SYS_pivot_root, ".", ".") &&
             !umount2(".", MNT_DETACH) && !chdir("/"), "/r");
        must(write(done[1], "d", 1) == 1, "pipe");
        for (;;)
            pause();
    }
    close(done[1]);
    if (read(done[0], &c, 1) != 1)
        skip("procfs cannot be mounted in this user namespace");
    static const char *const sources[] = { "/proc/self/status", "/proc/self/new", "/mtab", "/proc/thread-self" };
    hold(pid);
    for (size_t i = 0; i < COUNT(sources); i++)
        for (unsigned flags = 0; flags < 2; flags++) {
            want(sources[i], dindbind_resolve(&it.r, sources[i], flags, &it.res), DINDBIND_E_LOOP);
            dindbind_release(&it.res);
        }
    want("its first process", dindbind_resolve(&it.r, "/proc/1/status", 0, &it.res), 0);
    let_go();
    kill(pid, SIGKILL);
}

/* The link is another one at each look. */
static atomic_bool swapping;

static void *swap_links(void *arg)
{
    (void)arg;
    while (swapping)
        syscall(SYS_renameat2, AT_FDCWD, "/r/x", AT_FDCWD, "/r/y", 2 /* RENAME_EXCHANGE */);
    return NULL;
}

static void swapped_looks(void)
{
    struct statfs fs;
    unsigned refused = 0, answered = 0;
    pthread_t t;
    must(!symlink("/proc/self/../1/comm", "/r/x") && !symlink("/d/f", "/r/y"), "links");
    pid_t pid = start_runner("/r", 0, true_inside);
    hold(pid);
    swapping = true;
    must(!pthread_create(&t, NULL, swap_links, NULL), "thread");
    for (unsigned i = 0; i < 20000 || ((!refused || !answered) && i < 2000000); i++) {
        int rc = dindbind_resolve(&it.r, "/x", 0, &it.res);
        if (!rc && (fstatfs(it.res.fd, &fs) || (unsigned long)fs.f_type == proc_super_magic ||
            !same_file(it.res.fd, "/r/d/f")))
            flunk("answered: %s", it.res.path);
        if (rc && rc != DINDBIND_E_LOOP && rc != DINDBIND_E_CHANGED)
            flunk("refused: %s", dindbind_word(rc));
        refused += rc == DINDBIND_E_LOOP;
        answered += !rc;
        dindbind_release(&it.res);
    }
    swapping = false;
    pthread_join(t, NULL);
    if (!refused || !answered)
        flunk("refused %u times, answered %u times", refused, answered);
    dindbind_close(&it.r);
}

/* ---- Mounts that a runner can have */

static void hidden_again(void)
{
    for (int i = 0; i < 3000; i++)
        must(!mount("/r/vol", "/r/d/n", NULL, MS_BIND, NULL), "one over another");
}

/* The body of a request: so many binds of this source, and so many of each file of /r/w. */
static char *many_binds(const char *source, int binds, int others)
{
    char *body = malloc(64 + 64 * (size_t)(binds + others)), *p = stpcpy(body, "{\"HostConfig\":{\"Binds\":[");
    for (int i = 0; i < binds; i++)
        p += sprintf(p, "%s\"%s:/t%d\"", i ? "," : "", source, i);
    for (int i = 0; i < others; i++)
        p += sprintf(p, "%s\"/w:/o%d\"", i || binds ? "," : "", i);
    strcpy(p, "]}}");
    return body;
}

static size_t count_of(const char *text, const char *what)
{
    size_t n = 0;
    for (; (text = strstr(text, what)); text++)
        n++;
    return n;
}

static void a_thousand(void)
{
    for (int i = 0; i < 1000; i++)
        must(!mount("/r/vol", textf("/r/m/%d", i), NULL, MS_BIND, NULL), "one of a thousand");
}

/* Before there was a limit this took half a minute, most of it for comparing each mount with each bind. */
static void a_thousand_binds(void)
{
    make_dir("/r/m");
    make_dir("/r/w");
    for (int i = 0; i < 1000; i++)
        make_dir(textf("/r/m/%d", i));
    char *number = textf("%d", start_runner("/r", 0, a_thousand));
    struct ran r = RUN_WITHIN(10, many_binds("/m", 1000, 0), "-p", number, "-c");
    said(r, 1, "", "more than 4096 mounts in one call");
    /* the first four of them fit, and each other one is named */
    if (count_lines(r.err) != 996 || !strstr(r.err, "dindbind: /m: "))
        flunk("%zu messages: %.300s", count_lines(r.err), r.err);
    r = RUN_WITHIN(10, many_binds("/m", 3, 997), "-p", number, "-c");
    said((struct ran){ .status = r.status, .out = "", .err = r.err }, 0, "", "");
    if (count_of(r.out, "\"/r/m:/t") != 3 || count_of(r.out, "\"/r/w:/o") != 997 ||
        count_of(r.out, "\"/r/vol:/t") != 3000)
        flunk("%zu, %zu and %zu mounts", count_of(r.out, "\"/r/m:/t"), count_of(r.out, "\"/r/w:/o"),
              count_of(r.out, "\"/r/vol:/t"));
    /* a body that covers all but one of the mounts below by something else */
    char *body = malloc(1 << 16), *p = stpcpy(body, "{\"HostConfig\":{\"Binds\":[\"/m:/t\"");
    for (int i = 1; i < 999; i++)
        p += sprintf(p, ",\"/w:/t/%d\"", i);
    strcpy(p, "]}}");
    r = RUN_WITHIN(10, body, "-p", number, "-c");
    said((struct ran){ .status = r.status, .out = "", .err = r.err }, 0, "", "");
    if (count_of(r.out, "\"/r/vol:/t/") != 2 || !strstr(r.out, "\"/r/vol:/t/0\"") ||
        !strstr(r.out, "\"/r/vol:/t/999\""))
        flunk("%zu mounts that nothing covers", count_of(r.out, "\"/r/vol:/t/"));
}

/* All that a dead runner has are its rows. */
static void a_thousand_rows(void)
{
    char *lines = malloc(1 << 20), *p = lines;
    make_dir("/w");
    for (int i = 0; i < 8000; i++)
        p += sprintf(p, "bind /r/vol:/m/%d\n", i % 4000);
    p += sprintf(p, "bind /r/d:/m\nbind /r/e:/m/7\nbind /w:/w\n");
    new_file("/rows", lines);
    make_dir("/r/e");
    struct ran r = RUN_WITHIN(10, many_binds("/m", 1, 90), "-r", "/rows", "-c");
    said((struct ran){ .status = r.status, .out = "", .err = r.err }, 0, "", "");
    if (count_of(r.out, "\"/r/vol:/t0/") != 3999 || !strstr(r.out, "\"/r/e:/t0/7\"") ||
        count_of(r.out, "\"/w:/o") != 90)
        flunk("%zu mounts below", count_of(r.out, "\"/r/vol:/t0/"));
    said(RUN_WITHIN(10, many_binds("/m", 1000, 0), "-r", "/rows", "-c"), 1, "",
         "more than 4096 mounts in one call");
}

/* 3,000 rows that nobody sees cost a look each, and not one for each source. */
static void hidden_rows(void)
{
    make_dir("/r/w");
    char *number = textf("%d", start_runner("/r", 0, hidden_again));
    struct ran r = RUN_WITHIN(20, many_binds("/d", 1000, 0), "-p", number, "-c");
    said((struct ran){ .status = r.status, .out = "", .err = r.err }, 0, "", "");
    if (count_of(r.out, "\"/r/d:/t") != 1000 || count_of(r.out, "\"/r/vol:/t") != 1000)
        flunk("%zu and %zu mounts", count_of(r.out, "\"/r/d:/t"), count_of(r.out, "\"/r/vol:/t"));
}

/* A mountinfo of gigabytes: of a name each newline takes four bytes there, and the name stands in each row twice. */
static char *deep_name(void)
{
    char name[128];
    memset(name, '\n', 120);
    name[120] = 0;
    char *path = textf("/r/q");
    for (int i = 0; i < 30; i++) {
        make_dir(path);
        path = textf("%s/%s", path, name);
    }
    make_dir(path);
    return path;
}

static void huge_table(void)
{
    char *path = deep_name();
    for (int i = 0; i < 2600; i++)
        must(!mount(path, path, NULL, MS_BIND, NULL), "one over another");
}

static void huge_mountinfo(void)
{
    pid_t pid = start_runner("/r", 0, huge_table);
    char *number = textf("%d", pid);
    must(strlen(slurp(textf("/proc/%d/stat", pid))) > 0, "alive");
    said(RUN_WITHIN(30, NULL, "-p", number, "-H", "/d"), 3, "", "mountinfo has more than 64 MiB");
    said(RUN_WITHIN(30, many_binds("/d", 1000, 0), "-p", number, "-c"), 3, "", "mountinfo has more than 64 MiB");
    said(RUN("-p", number, "/d"), 0, textf("/proc/%s/root/d\n", number), "");
    new_file("/state", textf("{\"pid\":%s,\"bundle\":\"/\",\"rootfs\":\"/nowhere\"}", number));
    said(RUN_WITHIN(30, NULL, "-r", "/state", "/d"), 3, "", "mountinfo has more than 64 MiB");
}

/* A source of 2,000 names that is not there at all: where it stops being right is not looked for name by name. */
static void long_and_missing(void)
{
    char *body = malloc(8 << 20), *p = stpcpy(body, "{\"HostConfig\":{\"Binds\":[\"/d/f:/t\""), *deep = malloc(5000),
        *q = deep;
    for (int i = 0; i < 2000; i++)
        q = stpcpy(q, "/a");
    for (int i = 0; i < 999; i++)
        p += sprintf(p, ",\"/d%s:/t%d\"", deep, i);
    strcpy(p, "]}}");
    char *number = textf("%d", start_runner("/r", 0, NULL));
    said(RUN_WITHIN(10, body, "-p", number, "-c"), 1, "", "; /d is there");
    said(RUN("-p", number, "/esc//../d/./nope/f"), 1, "", "; /d is there");
    said(RUN("-p", number, "/d/n/a/very/long/way"), 1, "", "; /d/n is there");
}

/* ---- Work that a runner can ask for ---------------------------------------------------------------------- */

/* Forty links of a page each, far below the root: each `..` of them is a walk from there. */
static void long_links(void)
{
    enum { DEPTH = 900, LINKS = 40 };
    char text[4000], *source;
    int dir = open("/r", O_PATH | O_CLOEXEC);
    for (int i = 0; i < DEPTH; i++) {
        must(!mkdirat(dir, "a", 0755), "a directory");
        int next = openat(dir, "a", O_PATH | O_CLOEXEC);
        close(dir);
        dir = next;
    }
    must(!mkdirat(dir, "a", 0755), "a directory");
    for (int i = 0; i < LINKS; i++) {
        char *p = text;
        for (int k = 0; k < 790; k++)
            p = stpcpy(p, "a/../");
        sprintf(p, i ? "l%d" : "a", i - 1);
        must(!symlinkat(text, dir, textf("l%d", i)), "a link");
    }
    source = calloc(1, 2 * DEPTH + 16);
    for (int i = 0; i < DEPTH; i++)
        memcpy(source + 2 * i, "/a", 2);
    pid_t pid = start_runner("/r", 0, NULL);
    sprintf(source + 2 * DEPTH, "/l%d", LINKS - 1);
    said(RUN_WITHIN(10, NULL, "-p", textf("%d", pid), source), 1, "", "too many symlinks");
    /* what anybody may need is far from that */
    must(!symlink("../a/../a/a/../../d/./n/../f", "/r/esc/s0"), "a link");
    for (int i = 1; i < LINKS; i++)
        must(!symlink(textf("../a/a/a/../../../a/../esc/s%d", i - 1), textf("/r/esc/s%d", i)), "a link");
    said(RUN_WITHIN(10, NULL, "-p", textf("%d", pid), textf("/esc/s%d", LINKS - 1)), 0,
         textf("/proc/%d/root/d/f\n", pid), "");
}

/* ==== main ============================================================================================== */

static const struct {
    const char *name;
    void (*call)(void);
} tests[] = {
    { "a tmpfs at /proc with faked files", fake_proc },
    { "a part of procfs at /proc", part_of_proc },
    { "another process's directory over /proc/PID", over_pid },
    { "a directory over /proc/PID", over_pid_tmpfs },
    { "another process's link over /proc/PID/root", over_root },
    { "another process's file over /proc/PID/stat", over_stat },
    { "another process's file over /proc/PID/mountinfo", over_mountinfo },
    { "a faked file over /proc/PID/mountinfo", over_mountinfo_faked },
    { "another process's directory over /proc/PID/ns", over_ns },
    { "another process's link over /proc/PID/ns/mnt", over_ns_mnt },
    { "a mount over what is of no use here", over_exe },
    { "a link over /proc/thread-self", over_thread_self },
    { "a link over /proc/self", over_self },
    { "a directory over /proc/PID of my own", over_own_pid },
    { "the procfs of another PID namespace", other_proc },
    { "hidepid", hide_pids },
    { "subset=pid", pids_only },
    { "a PID that was reused", reused_before },
    { "a PID that is reused after open", reused_after },
    { "a runner that exits after open", dies_after_open },
    { "a runner that exits before stage", dies_before_stage },
    { "a runner that dies at any moment", dies_anytime },
    { "a zombie", zombie },
    { "a process without its first thread", headless },
    { "a command name like other fields", command_name },
    { "an unprivileged caller", unprivileged },
    { "thousands of rows, odd names", many_rows },
    { "a runner in a user namespace", own_user },
    { "a chroot in mounts of its own", chroot_own_mounts },
    { "a chroot in our mounts", chroot_our_mounts },
    { "rows with //deleted", deleted_rows },
    { "shared propagation", shared_mounts },
    { "a mount over the source before it is staged", covered_source },
    { "a row that the runner itself may only read", read_only_view },
    { "procfs in the runner, true and faked", procfs_inside },
    { "a process of the host", host_process },
    { "links of procfs that mean whoever looks", whoever_looks },
    { "the same in a PID namespace of the runner's own", own_pids },
    { "the same, swapped with another link", swapped_looks },
    { "forty links of a page each", long_links },
    { "a thousand binds, a thousand mounts below", a_thousand_binds },
    { "thousands of rows of a dead runner", a_thousand_rows },
    { "thousands of mounts that nobody sees", hidden_rows },
    { "a mountinfo of more than 64 MiB", huge_mountinfo },
    { "long sources that are not there", long_and_missing },
};

/* openat2(2) is as on Linux 5.5. */
static void no_openat2(void)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat2, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog prog = { COUNT(code), code };
    must(!prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) && !prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog), "seccomp");
}

static void furnish(const char *root, const char *text)
{
    static const char *const dirs[] = { "", "/d", "/d/n", "/esc", "/vol", "/proc" };
    static const char *const files[] = { "/d/f", "/esc/f", "/vol/v" };
    for (size_t i = 0; i < COUNT(dirs); i++)
        make_dir(textf("%s%s", root, dirs[i]));
    for (size_t i = 0; i < COUNT(files); i++)
        new_file(textf("%s%s", root, files[i]), text);
    must(!symlink("/esc", textf("%s/link", root)) && !symlink("../../../esc", textf("%s/up", root)) &&
         !symlink("/decoy", textf("%s/dangling", root)), "links");
}

/* What each test starts with. */
static void (*test_call)(void);

static void be_test(void)
{
    furnish("/r", "right");
    furnish("/decoy", "decoy");
    new_file("/decoy/only-decoy", "decoy");
    make_dir("/again");
    if (world.walk)
        no_openat2();
    test_call();
}

/* With a word only the tests whose names hold it. */
static void run_all(char **words)
{
    for (int walk = 0; walk < 2; walk++) {
        world.walk = walk;
        for (size_t i = 0; i < COUNT(tests); i++)
            if (wanted(tests[i].name, words)) {
                test_call = tests[i].call;
                run_test(tests[i].name, walk ? ", without openat2" : "", be_test);
            }
    }
}

static int run(char **words)
{
    world.root = is_real_root();
    return run_tests(world.base, run_all, words);
}

int main(int argc, char **argv)
{
    (void)argc;
    return run_in_child("hostile_runner", world.base, run, argv + 1);
}
