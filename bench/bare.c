/* bare.c - `dindbind -p PID PATH` as nothing but the system calls that it cannot do without
 *
 * SPDX-License-Identifier: 0BSD
 *
 *     bare PID PATH
 *
 * No message, no option, no other case: what dindbind may not cost is measured against this. Links are followed, and
 * the answer is as exact as dindbind's when all goes well; when something does not the exit status is 1.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { IN_ROOT = 0x10, BENEATH = 0x08, NO_MAGICLINKS = 0x02, NO_XDEV = 0x01 };  /* linux/openat2.h */
enum { PIN = O_PATH | O_CLOEXEC, DIRECTORY = PIN | O_DIRECTORY };

static int open2(int dir, const char *name, uint64_t flags, uint64_t resolve)
{
    uint64_t how[3] = { flags, 0, resolve };
    return (int)syscall(437, dir, name, how, sizeof how);
}

int main(int argc, char **argv)
{
    char name[32] = "thread-self/fd/0", answer[64 + 4096] = "/proc/", root[4096];
    char stx[256];
    struct statfs fs;
    if (argc != 3)
        return 1;
    /* a procfs, whole, and where a descriptor's name will be read nothing is mounted over it */
    int proc = open("/proc", DIRECTORY);
    if (fstatfs(proc, &fs) || fs.f_type != 0x9fa0 || syscall(SYS_statx, proc, "", 0x1000, 0x17ff, stx))
        return 1;
    int self = open2(proc, "thread-self/fd", DIRECTORY, BENEATH | NO_XDEV | NO_MAGICLINKS);
    /* the task: nothing mounted over it or over the link, whose target is then opened */
    int task = open2(proc, argv[1], DIRECTORY, BENEATH | NO_XDEV | NO_MAGICLINKS);
    int link = open2(task, "root", PIN | O_NOFOLLOW, BENEATH | NO_XDEV | NO_MAGICLINKS);
    int top = openat(task, "root", DIRECTORY);
    if (self < 0 || link < 0 || top < 0)
        return 1;
    /* the source, what it is, what it is called, whether it is read-only, and whether the task lived until then */
    int fd = open2(top, argv[2] + 1, PIN, IN_ROOT | NO_MAGICLINKS);
    if (fd < 0 || fd > 9 || syscall(SYS_statx, fd, "", 0x1000, 0x17ff, stx))
        return 1;
    name[strlen(name) - 1] = (char)('0' + fd);
    char *at = stpcpy(stpcpy(answer + 6, argv[1]), "/root");
    ssize_t n = readlinkat(proc, name, at, 4096);
    if (n <= 0 || readlinkat(task, "root", root, sizeof root) != 1 || fstatfs(fd, &fs))
        return 1;
    at[n] = '\n';
    n += at - answer + 1;
    return write(1, answer, (size_t)n) != n;
}
