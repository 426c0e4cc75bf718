/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * usage: as-nobody COMMAND [ARGUMENT...]
 *
 * Runs a command in dom0 without any of root's rights: as the user and group 65534.
 */
#include <grp.h>
#include <stdio.h>
#include <unistd.h>

#define NOBODY 65534

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: as-nobody COMMAND [ARGUMENT...]\n");
        return 2;
    }
    if (setgroups(0, NULL) != 0 || setgid(NOBODY) != 0 || setuid(NOBODY) != 0) {
        perror("as-nobody");
        return 126;
    }
    execvp(argv[1], &argv[1]);
    perror(argv[1]);
    return 127;
}
