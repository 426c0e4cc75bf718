/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The virtio library and virtio-blk with loops that are threads: a driver that honours notification suppression must
 * never wait for ever, and may reset, change the cache mode or see the disk change its size at any moment. The driver runs
 * on the main loop's thread; each queue's loop has another. Made for -fsanitize=thread, and of use without.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/virtio/threads.h"

#define QUEUES  3
#define SIZE    THREADS_SIZE
#define BUFFERS 20000u
#define RESETS  300u

#define WRITEBACK    (CONFIG + 32)
#define F_FLUSH      (UINT64_C(1) << 9)
#define F_CONFIG_WCE (UINT64_C(1) << 11)
#define F_MQ         (UINT64_C(1) << 12)

/* Where a slot of a queue has its header, with 512 bytes of data behind it, and its status. */
static uint32_t header_of(unsigned queue, unsigned slot)
{
    return 0x80000 + queue * 0x8000 + slot * 0x1000;
}

static uint32_t status_of(unsigned queue, unsigned slot)
{
    return header_of(queue, slot) + 0x800;
}

static void set_queue(unsigned queue)
{
    driver_set_queue(&threads_driver, (uint16_t)queue, SIZE);
    threads_available[queue] = 0;
    for (unsigned slot = 0; slot < SIZE / 2; slot++) {
        memset(threads_fake->ram + header_of(queue, slot), 0, 16);
        threads_fake->ram[header_of(queue, slot)] = slot % 2 == 0 ? 4 : 1; /* a flush, or a write to the first sector */
    }
}

static void start(uint64_t features)
{
    driver_negotiate(&threads_driver, features);
    for (unsigned queue = 0; queue < QUEUES; queue++) {
        set_queue(queue);
    }
    driver_write(&threads_driver, STATUS, 1, 0xf);
}

static void make_available(unsigned queue, bool event_idx)
{
    uint16_t slot = threads_available[queue] % (SIZE / 2);
    uint16_t head = (uint16_t)(2 * slot);

    driver_descriptor(&threads_driver, queue, head, (struct part){header_of(queue, slot), 16 + 512, NEXT},
                      (uint16_t)(head + 1));
    driver_descriptor(&threads_driver, queue, (uint16_t)(head + 1), (struct part){status_of(queue, slot), 1, WRITE}, 0);
    threads_make_available(queue, head, event_idx);
}

/* What the main loop does meanwhile. */
static void disturb(unsigned turn)
{
    if (turn % 5 == 0) {
        driver_write(&threads_driver, WRITEBACK, 1, turn / 5 % 2);
    }
    if (turn % 7 == 0) {
        threads_fake->file.size = turn / 7 % 2 == 0 ? 512 : 1024;
        threads_fake->file.resized(threads_fake->file.resized_argument);
    }
}

static bool has_room(void)
{
    bool room = true;

    for (unsigned queue = 0; queue < QUEUES; queue++) {
        room &= (uint16_t)(threads_available[queue] - threads_used(queue)) < SIZE / 2;
    }
    return room;
}

/* Buffers are used out of order: a slot is free again only when all before it are. */
static bool all_used(void)
{
    bool all = true;

    for (unsigned queue = 0; queue < QUEUES; queue++) {
        all &= threads_available[queue] == threads_used(queue);
    }
    return all;
}

static bool run(uint64_t features)
{
    for (unsigned round = 0; round <= RESETS; round++) {
        unsigned buffers = round == RESETS ? BUFFERS : round % 23;

        start(features);
        for (unsigned i = 0; i < buffers; i++) {
            for (unsigned queue = 0; queue < QUEUES; queue++) {
                make_available(queue, (features & F_EVENT_IDX) != 0);
            }
            disturb(i);
            if (!threads_wait(i % 4 == 3 ? all_used : has_room)) {
                fprintf(stderr, "round %u: lost a notification at %u\n", round, i);
                return false;
            }
        }
        driver_write(&threads_driver, STATUS, 1, 0);
        if (!threads_wait(threads_is_reset)) {
            fprintf(stderr, "round %u: no end of reset\n", round);
            return false;
        }
    }
    return true;
}

static bool run_all(void)
{
    return run(F_VERSION_1 | F_FLUSH | F_CONFIG_WCE | F_MQ) &&
           run(F_VERSION_1 | F_FLUSH | F_CONFIG_WCE | F_MQ | F_EVENT_IDX);
}

static void set(const struct ioreqd_property *property, void *place)
{
    struct ioreqd_file *file = &threads_fake->file;

    if (property->kind == IOREQD_PROPERTY_FILE) {
        memcpy(place, &file, sizeof(file));
    } else if (property->kind == IOREQD_PROPERTY_U32) {
        *(uint32_t *)place = strcmp(property->name, "queues") == 0 ? QUEUES : 64;
    }
}

int main(void)
{
    struct ioreqd_host host = fake_host;
    const struct threads_test test = {.host = &host,
                                      .loops = QUEUES,
                                      .queues_of_loop = 1,
                                      .patience = 10,
                                      .file_size = 512,
                                      .set = set,
                                      .run = run_all};

    threads_make_host(&host);
    return threads_run(&test) ? EXIT_SUCCESS : EXIT_FAILURE;
}
