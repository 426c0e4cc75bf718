/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * For scenarios of the lab, in guests: uses an edu device (1234:11e8, QEMU's or ioreqd's) through its BAR: prints its
 * identification register, has it compute a factorial, COUNT times, and has it copy half a page of memory to itself and back
 * to another page. FUNCTION is its place, as 0000:00:05.0; without it, the first one that is found.
 *
 *   edu-check [COUNT [FUNCTION]]
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
enum { DMA_SOURCE = 0x80 / 4, DMA_TARGET = 0x88 / 4, DMA_COUNT = 0x90 / 4, DMA_COMMAND = 0x98 / 4 };
#define STATUS_COMPUTING 1u
#define DMA_START        1u
#define DMA_TO_MEMORY    2u
#define DMA_BUFFER       0x40000u
#define PAGE             4096u
#define DMA_BYTES        2048u /* QEMU's device ends the emulator when its whole buffer is transferred */
#define COMMAND_MASTER   4u

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

/* The guest-physical address of a page that is locked in memory, or 0. */
static uint64_t physical(const void *page)
{
    uint64_t entry = 0;
    int fd = open("/proc/self/pagemap", O_RDONLY);

    if (fd < 0 || pread(fd, &entry, sizeof(entry), (off_t)((uintptr_t)page / PAGE * sizeof(entry))) != sizeof(entry) ||
        !(entry >> 63))
        entry = 0;
    if (fd >= 0)
        close(fd);
    return (entry & ((1ull << 55) - 1)) * PAGE;
}

static void allow_dma(const char *function)
{
    char path[512];
    uint16_t command;
    int fd;

    snprintf(path, sizeof(path), DEVICES "/%s/config", function);
    fd = open(path, O_RDWR);
    if (fd >= 0 && pread(fd, &command, sizeof(command), 4) == sizeof(command)) {
        command |= COMMAND_MASTER;
        if (pwrite(fd, &command, sizeof(command), 4) != sizeof(command))
            perror(path);
    }
    if (fd >= 0)
        close(fd);
}

static void move(volatile uint32_t *edu, uint64_t source, uint64_t target, uint32_t command)
{
    const struct timespec moment = {.tv_nsec = 1000000};
    int tries = 5000;

    edu[DMA_SOURCE] = (uint32_t)source;
    edu[DMA_SOURCE + 1] = (uint32_t)(source >> 32);
    edu[DMA_TARGET] = (uint32_t)target;
    edu[DMA_TARGET + 1] = (uint32_t)(target >> 32);
    edu[DMA_COUNT] = DMA_BYTES;
    edu[DMA_COUNT + 1] = 0;
    edu[DMA_COMMAND] = command;
    while ((edu[DMA_COMMAND] & DMA_START) && tries-- > 0)
        nanosleep(&moment, NULL);
}

/* Half a page to the device, and back into another one. */
static int check_dma(const char *function, volatile uint32_t *edu)
{
    uint8_t *pages = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    uint64_t from, to;
    int same;

    if (pages == MAP_FAILED || mlock(pages, 2 * PAGE) != 0)
        return 1;
    for (unsigned i = 0; i < PAGE; i++) {
        pages[i] = (uint8_t)(i * 7 + i / 256);
        pages[PAGE + i] = 0xee;
    }
    from = physical(pages);
    to = physical(pages + PAGE);
    if (!from || !to) {
        printf("dma: no physical addresses\n");
        return 1;
    }
    allow_dma(function);
    move(edu, from, DMA_BUFFER, DMA_START);
    move(edu, DMA_BUFFER, to, DMA_START | DMA_TO_MEMORY);
    same = memcmp(pages, pages + PAGE, DMA_BYTES) == 0;
    printf("dma there and back: %s\n", same ? "same" : "different");
    return !same;
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
    return check_dma(function, edu) || result != 5040;
}

int main(int argc, char **argv)
{
    DIR *folder = opendir(DEVICES);
    struct dirent *entry;

    if (argc > 2)
        return check(argv[2], strtol(argv[1], NULL, 0));

    while (folder && (entry = readdir(folder))) {
        if (entry->d_name[0] != '.' && read_number(entry->d_name, "vendor") == 0x1234 &&
            read_number(entry->d_name, "device") == 0x11e8)
            return check(entry->d_name, argc > 1 ? strtol(argv[1], NULL, 0) : 1);
    }
    fprintf(stderr, "edu-check: there is no function 1234:11e8\n");
    return 1;
}
