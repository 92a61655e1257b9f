/* cover.c - what a hostile runner does after the answer: its mounts are shared, and one is a symlink
 *
 * SPDX-License-Identifier: 0BSD
 *
 *   cover LINK FILE      mount the symlink LINK itself over FILE
 *   cover - FILE         and take that away, which umount(8) does not: it follows the link
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_open_tree
#define SYS_open_tree 428
#define SYS_move_mount 429
#endif

int main(int argc, char **argv)
{
    if (argc == 3 && !strcmp(argv[1], "-"))
        return umount2(argv[2], MNT_DETACH | UMOUNT_NOFOLLOW) ? 1 : 0;
    if (argc != 3 || mount(NULL, "/", NULL, MS_REC | MS_SHARED, NULL))
        return 2;
    int tree = (int)syscall(SYS_open_tree, AT_FDCWD, argv[1], 1 /* a clone */ | AT_SYMLINK_NOFOLLOW);
    if (tree < 0 || syscall(SYS_move_mount, tree, "", AT_FDCWD, argv[2], 4 /* from a descriptor */)) {
        perror(argv[2]);
        return 1;
    }
    return 0;
}
