/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * For scenarios of the lab, in guests: uses QEMU's edu device (1234:11e8) through its BAR: prints its identification register and
 * has it compute a factorial, COUNT times.
 *
 *   edu-check [COUNT]
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define DEVICES "/sys/bus/pci/devices"

/* Registers of edu, as indices of 32-bit words. */
enum { IDENTIFICATION = 0x00 / 4, FACTORIAL = 0x08 / 4, STATUS = 0x20 / 4 };
#define STATUS_COMPUTING 1u

static unsigned long read_number(const char *function, const char *file)
{
    char path[512];
    unsigned long value = 0;
    FILE *stream;

    snprintf(path, sizeof(path), DEVICES "/%s/%s", function, file);
    stream = fopen(path, "r");
    if (stream) {
        if (fscanf(stream, "%lx", &value) != 1)
            value = 0;
        fclose(stream);
    }
    return value;
}

/* Maps BAR 0 of the function with memory decoding on; NULL with a message when that fails. */
static volatile uint32_t *map(const char *function)
{
    char path[512];
    void *bar;
    FILE *enable;
    int fd;

    snprintf(path, sizeof(path), DEVICES "/%s/enable", function);
    enable = fopen(path, "w");
    if (enable) {
        fputs("1", enable);
        fclose(enable);
    }
    snprintf(path, sizeof(path), DEVICES "/%s/resource0", function);
    fd = open(path, O_RDWR | O_SYNC);
    if (fd < 0) {
        perror(path);
        return NULL;
    }
    bar = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (bar == MAP_FAILED) {
        perror(path);
        return NULL;
    }
    return bar;
}

static int check(const char *function, long count)
{
    const struct timespec moment = {.tv_nsec = 1000000};
    volatile uint32_t *edu = map(function);
    uint32_t result = 0;

    if (!edu)
        return 1;
    printf("identification 0x%08x\n", edu[IDENTIFICATION]);
    while (count-- > 0) {
        int tries = 5000;

        edu[FACTORIAL] = 7;
        while ((edu[STATUS] & STATUS_COMPUTING) && tries-- > 0)
            nanosleep(&moment, NULL);
        result = edu[FACTORIAL];
        if (result != 5040)
            break;
    }
    printf("factorial of 7 is %u\n", result);
    return result != 5040;
}

int main(int argc, char **argv)
{
    DIR *folder = opendir(DEVICES);
    struct dirent *entry;

    while (folder && (entry = readdir(folder))) {
        if (entry->d_name[0] != '.' && read_number(entry->d_name, "vendor") == 0x1234 &&
            read_number(entry->d_name, "device") == 0x11e8)
            return check(entry->d_name, argc > 1 ? strtol(argv[1], NULL, 0) : 1);
    }
    fprintf(stderr, "edu-check: there is no function 1234:11e8\n");
    return 1;
}
