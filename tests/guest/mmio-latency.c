/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mmio-latency: how long a 32-bit read of a device's BAR takes, seen from user space of a Linux x86 guest. Run as root
 * in the guest, on a function without a driver:
 *
 *     mmio-latency 0000:00:01.0 4 0x0 2000
 *
 * is 2000 reads of offset 0 of BAR 4. Each is timed alone, the clock's own time included.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "pci.h"

static uint64_t now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static int compare(const void *left, const void *right)
{
    const uint64_t a = *(const uint64_t *)left;
    const uint64_t b = *(const uint64_t *)right;

    return (a > b) - (a < b);
}

static bool parse(const char *text, unsigned long maximum, unsigned long *value)
{
    char *end;

    *value = strtoul(text, &end, 0);
    if (end == text || *end != '\0' || *value > maximum) {
        fprintf(stderr, "mmio-latency: %s: not a number up to %lu\n", text, maximum);
        return false;
    }
    return true;
}

int main(int argc, char **argv)
{
    struct pci_function function;
    unsigned long index;
    unsigned long offset;
    unsigned long count;
    uint64_t *taken;
    const volatile uint8_t *place;

    if (argc != 5) {
        fprintf(stderr, "usage: mmio-latency SEGMENT:BUS:DEVICE.FUNCTION BAR OFFSET COUNT\n");
        return 2;
    }
    if (!parse(argv[2], PCI_BARS - 1, &index) || !parse(argv[3], UINT32_MAX, &offset) ||
        !parse(argv[4], 10000000, &count) || !pci_open(&function, argv[1])) {
        return 2;
    }
    if (function.bar[index].base == NULL || offset % 4 != 0 || offset + 4 > function.bar[index].length || count == 0) {
        fprintf(stderr, "mmio-latency: BAR %lu has no 32-bit register at %#lx, or the count is 0\n", index, offset);
        return 2;
    }
    place = function.bar[index].base + offset;
    taken = malloc(count * sizeof(*taken));
    if (taken == NULL) {
        perror("mmio-latency");
        return 2;
    }
    load(place, 4); /* the first one pays for the page fault */
    for (unsigned long i = 0; i < count; i++) {
        const uint64_t start = now();

        load(place, 4);
        taken[i] = now() - start;
    }
    qsort(taken, count, sizeof(*taken), compare);
    printf("mmio-latency: count %lu min %llu median %llu p99 %llu ns\n", count, (unsigned long long)taken[0],
           (unsigned long long)taken[count / 2], (unsigned long long)taken[(count - 1) * 99 / 100]);
    free(taken);
    pci_close(&function);
    return 0;
}
