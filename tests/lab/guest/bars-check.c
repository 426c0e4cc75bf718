/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Looks at all BARs of an every-bar device (tests/modules/every_bar.c) from inside a guest: bars-check 0000:00:10.0
 * Each is read at its beginning, its end and places in between, through what the kernel shows in sysfs, and compared
 * with the pattern; then written and read back. Prints what it did; ends with 1 at the first thing that is wrong.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define BARS 6
#define UNIT 4u
#define PAGE UINT64_C(4096)
#define IO   0

struct bar {
    uint64_t first;
    uint64_t size;
};

static char folder[128];

static void die(const char *what, unsigned bar, uint64_t offset, uint32_t wanted, uint32_t got)
{
    printf("BAR %u at 0x%llx: %s: wanted 0x%x, got 0x%x\n", bar, (unsigned long long)offset, what, wanted, got);
    exit(1);
}

static uint32_t pattern(unsigned bar, uint64_t offset)
{
    uint64_t mixed = (offset / UNIT + 1) * UINT64_C(0x9e3779b97f4a7c15) + bar;

    return (uint32_t)(mixed >> 32);
}

static int open_resource(unsigned bar)
{
    char path[160];
    int fd;

    snprintf(path, sizeof(path), "%s/resource%u", folder, bar);
    fd = open(path, O_RDWR | O_SYNC);
    if (fd < 0) {
        perror(path);
        exit(1);
    }
    return fd;
}

/* One dword of a memory BAR: the page around it is mapped for as long. */
static uint32_t memory_access(int fd, const struct bar *bar, uint64_t offset, const uint32_t *write)
{
    uint64_t in_page = (bar->first + offset) % PAGE;
    uint64_t page = (offset + bar->first % PAGE) / PAGE * PAGE;
    volatile uint8_t *base = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)page);
    uint32_t value = 0;

    if (base == MAP_FAILED) {
        perror("mmap");
        exit(1);
    }
    volatile uint32_t *at = (volatile uint32_t *)(volatile void *)(base + in_page);

    if (write != NULL) {
        *at = *write;
    } else {
        value = *at;
    }
    munmap((void *)(uintptr_t)base, PAGE);
    return value;
}

static uint32_t port_access(int fd, uint64_t offset, const uint32_t *write)
{
    uint32_t value = write != NULL ? *write : 0;
    ssize_t done = write != NULL ? pwrite(fd, &value, UNIT, (off_t)offset) : pread(fd, &value, UNIT, (off_t)offset);

    if (done != UNIT) {
        perror("resource of ports");
        exit(1);
    }
    return value;
}

static uint32_t access_bar(int fd, unsigned index, const struct bar *bar, uint64_t offset, const uint32_t *write)
{
    return index == IO ? port_access(fd, offset, write) : memory_access(fd, bar, offset, write);
}

static void check_place(int fd, unsigned index, const struct bar *bar, uint64_t offset)
{
    uint32_t wanted = pattern(index, offset);
    uint32_t got = access_bar(fd, index, bar, offset, NULL);
    uint32_t other = ~wanted;

    if (got != wanted) {
        die("the pattern is another", index, offset, wanted, got);
    }
    access_bar(fd, index, bar, offset, &other);
    got = access_bar(fd, index, bar, offset, NULL);
    if (got != other) {
        die("what was written is not read back", index, offset, other, got);
    }
}

static void check_bar(unsigned index, const struct bar *bar)
{
    int fd = open_resource(index);
    unsigned places = 0;

    for (uint64_t step = UNIT; step < bar->size; step *= 16) {
        check_place(fd, index, bar, step);
        places++;
    }
    if (bar->size > SIZE_MAX / 2) {
        die("its size is nonsense", index, 0, 0, 0);
    }
    check_place(fd, index, bar, bar->size - UNIT);
    close(fd);
    printf("BAR %u: %llu bytes at 0x%llx: %u places are right\n", index, (unsigned long long)bar->size,
           (unsigned long long)bar->first, places + 1);
}

int main(int argc, char **argv)
{
    char path[160];
    unsigned found = 0;
    FILE *list;

    if (argc != 2) {
        fprintf(stderr, "usage: bars-check SEGMENT:BUS:DEVICE.FUNCTION\n");
        return 2;
    }
    snprintf(folder, sizeof(folder), "/sys/bus/pci/devices/%s", argv[1]);
    snprintf(path, sizeof(path), "%s/resource", folder);
    list = fopen(path, "r");
    if (list == NULL) {
        perror(path);
        return 1;
    }
    for (unsigned i = 0; i < BARS; i++) {
        unsigned long long first, last, flags;

        if (fscanf(list, "%llx %llx %llx", &first, &last, &flags) != 3) {
            break;
        }
        if (flags != 0 && first != 0) {
            struct bar bar = {.first = first, .size = last - first + 1};

            check_bar(i, &bar);
            found++;
        }
    }
    fclose(list);
    printf("%u BARs\n", found);
    return found == 0;
}
