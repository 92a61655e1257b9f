/* tool.h - runs the tool, and keeps what it writes
 *
 * SPDX-License-Identifier: 0BSD
 *
 * Whoever includes it has said before how a test fails (flunk), where texts are kept (text_of), and what the marks of a
 * word stand for (expand_word). cases.h and process.h do that for their suites.
 */
#ifndef TOOL_H
#define TOOL_H

#include <sched.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/mount.h>

#include "world.h"

/* Does this kernel lack what a stage is made with (tests/old_kernel.c)? */
static inline bool no_stages(void)
{
    /* open_tree, move_mount, fsopen, fsconfig, fsmount, mount_setattr; without arguments that make sense */
    static const long calls[] = { 428, 429, 430, 431, 432, 442 };
    for (size_t i = 0; i < COUNT(calls); i++)
        if (syscall(calls[i], -1L, NULL, -1L, 0L, 0L) < 0 && (errno == ENOSYS || errno == EPERM))
            return true;
    return false;
}

__attribute__((unused))
static const char *tool_path = "/dindbind";

struct ran {
    int status;                 /* exit status, or 128 and the signal */
    char *out, *err;
    size_t outlen, errlen;
};

/* One that runs: what it writes goes to files in memory. */
struct running {
    pid_t pid;
    int out, err;
};

/* Does the tool run in mounts of its own, in which this one's directory is not, and get the test as the engine (-E)? */
static const char *tool_elsewhere;

static inline void go_elsewhere(char *const argv[], char *more[], size_t room)
{
    size_t n = 0;
    static char pid[24];
    snprintf(pid, sizeof pid, "%d", getppid());
    more[n++] = argv[0];
    more[n++] = (char *)(uintptr_t)"-E";
    more[n++] = pid;
    while (n < room - 1 && argv[n - 2]) {
        more[n] = argv[n - 2];
        n++;
    }
    more[n] = NULL;
    if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
        _exit(97);
    if (umount2(tool_elsewhere, MNT_DETACH))    /* locked, in a user namespace */
        mount("t", tool_elsewhere, "tmpfs", 0, NULL);
}

/* `in` and `out` are descriptors, or -1: the test's own, and a file in memory. `before`, when not NULL, runs in the
 * child, and ends it with false. A tool that blocks is ended by the alarm. */
static inline struct running start_tool(char *const argv[], int in, int out, bool (*before)(void))
{
    struct running r = { -1, out < 0 ? memfd_create("out", MFD_CLOEXEC) : -1, memfd_create("err", MFD_CLOEXEC) };
    fflush(stdout);
    r.pid = fork();
    if (!r.pid) {
        am_child = true;
        dup2(out < 0 ? r.out : out, 1);
        dup2(r.err, 2);
        if (in >= 0)
            dup2(in, 0);
        alarm(60);
        char *more[5000];
        if (tool_elsewhere)
            go_elsewhere(argv, more, COUNT(more));
        if (before && !before())
            _exit(98);
        execv(tool_path, tool_elsewhere ? more : argv);
        _exit(99);
    }
    if (r.pid < 0)
        flunk("fork: %s", strerror(errno));
    return r;
}

static inline struct ran end_tool(struct running t)
{
    int status = 0;
    struct ran r = { 0 };
    if (waitpid(t.pid, &status, 0) != t.pid)
        flunk("waitpid: %s", strerror(errno));
    r.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    r.out = t.out < 0 ? expand_word("", 0) : text_of(t.out, &r.outlen);
    r.err = text_of(t.err, &r.errlen);
    if (r.status == 98 || r.status == 99)
        flunk("%s cannot be run: %s", tool_path, r.err);
    return r;
}

static inline struct ran run_argv(char *const argv[])
{
    return end_tool(start_tool(argv, -1, -1, NULL));
}

#endif
