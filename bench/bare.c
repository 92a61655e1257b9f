/* bare.c - `dindbind -p PID PATH` as nothing but the system calls that it cannot do without
 *
 * SPDX-License-Identifier: 0BSD
 *
 *     bare PID PATH
 *
 * No message, no option, no other case: what dindbind adds is measured against this. The answer is as exact as
 * dindbind's for a source without a symlink on its way; for any other, and when something fails, the exit status is 1.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <unistd.h>

/* linux/openat2.h */
enum { IN_ROOT = 0x10, BENEATH = 0x08, NO_SYMLINKS = 0x04, NO_MAGICLINKS = 0x02, NO_XDEV = 0x01 };
enum { PIN = O_PATH | O_CLOEXEC, DIRECTORY = PIN | O_DIRECTORY };

static int open2(int dir, const char *name, uint64_t flags, uint64_t resolve)
{
    uint64_t how[3] = { flags, 0, resolve };
    return (int)syscall(437, dir, name, how, sizeof how);
}

int main(int argc, char **argv)
{
    char answer[1024], root[2], stx[256];
    struct statfs fs;
    if (argc != 3 || strlen(argv[1]) + strlen(argv[2]) + 20 > sizeof answer)
        return 1;
    /* a procfs, and all of it */
    int proc = open("/proc", DIRECTORY);
    if (fstatfs(proc, &fs) || fs.f_type != 0x9fa0 || syscall(SYS_statx, proc, "", 0x1000, 0x17ff, stx))
        return 1;
    /* the task: nothing mounted over it or over the link, whose target is then opened */
    int task = open2(proc, argv[1], DIRECTORY, BENEATH | NO_XDEV | NO_MAGICLINKS);
    int link = open2(task, "root", PIN | O_NOFOLLOW, BENEATH | NO_XDEV | NO_MAGICLINKS);
    int top = openat(task, "root", DIRECTORY);
    if (link < 0 || top < 0)
        return 1;
    /* the source: what it is, whether the mount is read-only, and whether the task lived until then */
    int fd = open2(top, argv[2] + 1, PIN, IN_ROOT | NO_MAGICLINKS | NO_SYMLINKS);
    if (fd < 0 || syscall(SYS_statx, fd, "", 0x1000, 0x17ff, stx) || readlinkat(task, "root", root, sizeof root) != 1 ||
        fstatfs(fd, &fs))
        return 1;
    char *end = stpcpy(stpcpy(stpcpy(stpcpy(stpcpy(answer, "/proc/"), argv[1]), "/root"), argv[2]), "\n");
    return write(1, answer, (size_t)(end - answer)) != end - answer;
}
