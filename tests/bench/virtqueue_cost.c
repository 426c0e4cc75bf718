/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Requests through the virtio library, against a host in memory: taken, mapped, completed and told to the driver. Run
 * under a tool that counts instructions, with measure() as what is counted; what the driver does is not.
 *
 *   bench-virtqueue-cost split|packed FEATURES DEPTH ROUNDS
 *
 * FEATURES: letters, `i` indirect tables, `e` EVENT_IDX, `o` IN_ORDER, `-` none. In each round DEPTH requests of a
 * header, a page of data and a status are made available, with one doorbell.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/virtio/driver.h"
#include "tests/virtio/probe.h"

#define SIZE  128
#define TABLE 0x60000u

static const struct part parts[] = {{0x8000, 16, 0}, {0x80000, 4096, WRITE}, {0x9000, 1, WRITE}};

unsigned measure(struct driver *driver, struct probe *probe);

/* Has the device serve what was made available; returns how many requests that were. */
__attribute__((noinline)) unsigned measure(struct driver *driver, struct probe *probe)
{
    const struct iovec *iov;
    uint32_t count;
    unsigned served;

    driver_kick(driver, 0);
    for (served = 0; served < probe->count; served++) {
        struct ioreqd_virtio_request *request = probe->held[served];

        if (ioreqd_virtio_request_map(request, IOREQD_TO_GUEST, 0, 4096, &iov, &count) != 0) {
            abort();
        }
        ioreqd_virtio_request_complete(request, 4097);
    }
    probe->count = 0;
    fake_pump(driver->fake);
    return served;
}

static void make_available(struct driver *driver, bool indirect)
{
    const struct part table = {TABLE, 48, INDIRECT};

    if (indirect) {
        for (uint16_t i = 0; i < 3; i++) {
            struct part one = parts[i];

            one.flags |= i < 2 ? NEXT : 0;
            driver_table(driver, TABLE, i, one, (uint16_t)(i + 1));
        }
        driver_add(driver, 0, &table, 1);
    } else {
        driver_add(driver, 0, parts, 3);
    }
}

int main(int argc, char **argv)
{
    struct fake *fake = fake_create(0);
    struct probe *probe = calloc(1, sizeof(*probe));
    const char *letters = argc == 5 ? argv[2] : "";
    unsigned depth = argc == 5 ? (unsigned)atoi(argv[3]) : 0, rounds = argc == 5 ? (unsigned)atoi(argv[4]) : 0;
    bool indirect = strchr(letters, 'i') != NULL;
    uint64_t features = F_VERSION_1;
    struct driver driver;
    unsigned served = 0;
    uint32_t id, length;

    if (depth == 0 || depth * 3 > SIZE || (strcmp(argv[1], "split") != 0 && strcmp(argv[1], "packed") != 0)) {
        fprintf(stderr, "usage: bench-virtqueue-cost split|packed FEATURES DEPTH ROUNDS\n");
        return 2;
    }
    features |= strcmp(argv[1], "packed") == 0 ? F_PACKED : 0;
    features |= indirect ? F_INDIRECT : 0;
    features |= strchr(letters, 'e') != NULL ? F_EVENT_IDX : 0;
    features |= strchr(letters, 'o') != NULL ? F_IN_ORDER : 0;
    if (driver_begin(&driver, fake, &probe_model, probe) != 0) {
        return 1;
    }
    driver_start(&driver, features, 1, SIZE);
    for (unsigned i = 0; i < rounds; i++) {
        for (unsigned j = 0; j < depth; j++) {
            make_available(&driver, indirect);
        }
        served += measure(&driver, probe);
        while (driver_used(&driver, 0, &id, &length)) {
        }
    }
    printf("%u\n", served);
    driver_end(&driver);
    free(probe);
    fake_destroy(fake);
    return served == rounds * depth ? 0 : 1;
}
