/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * For scenarios of the lab, in guests and in dom0: writes data that is the same for the same seed, looks random and does not repeat.
 *
 *   pattern SEED MEGABYTES
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    static uint64_t block[1 << 17]; /* 1 MB */
    uint64_t state;
    long megabytes;

    if (argc != 3) {
        fprintf(stderr, "usage: pattern SEED MEGABYTES\n");
        return 2;
    }
    /* xorshift64 (Marsaglia), which must not start at 0. */
    state = strtoull(argv[1], NULL, 0) * 2 + 1;
    megabytes = strtol(argv[2], NULL, 0);
    for (long done = 0; done < megabytes; done++) {
        for (size_t i = 0; i < sizeof(block) / sizeof(block[0]); i++) {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            block[i] = state;
        }
        if (fwrite(block, sizeof(block), 1, stdout) != 1) {
            perror("pattern: cannot write");
            return 1;
        }
    }
    if (fflush(stdout) != 0) {
        perror("pattern: cannot write");
        return 1;
    }
    return 0;
}
