/* old_kernel.c - run a command on a kernel that lacks system calls
 *
 * SPDX-License-Identifier: 0BSD
 *
 *      old_kernel ENOSYS|EPERM CALL[,CALL]... COMMAND [ARG]...
 *
 * A seccomp(2) filter answers the calls with the error, as a kernel before them does (ENOSYS), or the filter of an
 * old engine (EPERM). It holds for the command and all that it starts. `none` refuses nothing. What a test program
 * calls for itself, to prepare something or to ask the kernel for the right answer, passes when its sixth argument,
 * which none of the calls has, is OWN_CALL. Exits 125 where no filter can be installed.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined __x86_64__
#define ARCH AUDIT_ARCH_X86_64
#elif defined __aarch64__
#define ARCH AUDIT_ARCH_AARCH64
#else
#error "the audit number of this machine is not known here"
#endif

/* Since Linux 5.1 new calls have one number on every architecture but alpha. */
static const struct { const char *name; unsigned nr; } calls[] = {
    { "statx", SYS_statx }, { "open_tree", 428 },  { "move_mount", 429 }, { "fsopen", 430 },
    { "fsconfig", 431 },    { "fsmount", 432 },    { "openat2", 437 },    { "mount_setattr", 442 },
    { "listxattrat", 465 },
};

enum { OWN_CALL = 0x0dac1e };

enum { COUNT = sizeof calls / sizeof *calls };

/* of the sixth argument */
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
enum { LOW_HALF = offsetof(struct seccomp_data, args[5]) };
#else
enum { LOW_HALF = offsetof(struct seccomp_data, args[5]) + 4 };
#endif

static int refuse(const char *list, unsigned error)
{
    struct sock_filter code[7 + 2 * COUNT] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCH, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, LOW_HALF),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, OWN_CALL, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
    };
    unsigned short n = 7;
    for (const char *p = list; *p; p += strcspn(p, ","), p += *p == ',') {
        size_t len = strcspn(p, ","), i = 0;
        while (i < COUNT && (strlen(calls[i].name) != len || memcmp(calls[i].name, p, len)))
            i++;
        if (i == COUNT || n + 2 > (int)(sizeof code / sizeof *code))
            return EINVAL;
        code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, calls[i].nr, 0, 1);
        code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error);
    }
    struct sock_filter all[sizeof code / sizeof *code + 1];
    memcpy(all, code, n * sizeof *code);
    all[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    struct sock_fprog program = { n, all };
    /* with the capability no other privilege has to be given up for it */
    if (!syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program))
        return 0;
    if (errno != EACCES || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
        return errno;
    return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) ? errno : 0;
}

int main(int argc, char **argv)
{
    unsigned error = argc < 4 ? 0 : !strcmp(argv[1], "ENOSYS") ? ENOSYS : !strcmp(argv[1], "EPERM") ? EPERM : 0;
    if (!error) {
        fprintf(stderr, "usage: old_kernel ENOSYS|EPERM CALL[,CALL]... COMMAND [ARG]...\n");
        return 125;
    }
    int err = strcmp(argv[2], "none") ? refuse(argv[2], error) : 0;
    if (err) {
        fprintf(stderr, "old_kernel: %s: %s\n", argv[2], strerror(err));
        return 125;
    }
    execvp(argv[3], argv + 3);
    perror(argv[3]);
    return 127;
}
