/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The virtio library with loops that are threads: a driver that honours notification suppression must never wait for
 * ever, and may reset at any moment. The driver runs on the main loop's thread; the queue's loop has another. Made for
 * -fsanitize=thread, and of use without.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/virtio/threads.h"

#define SIZE    THREADS_SIZE
#define BUFFERS 10000u
#define RESETS  300u

static void set_queue(uint64_t features)
{
    driver_negotiate(&threads_driver, features);
    driver_set_queue(&threads_driver, 0, SIZE);
    for (uint16_t i = 0; i < SIZE; i++) { /* each a flush: header and status */
        threads_fake->ram[0x8000 + 16 * i] = 4;
    }
    driver_write(&threads_driver, STATUS, 1, 0xf);
}

static bool packed;
/* Packed rings: how many were made available and came back, and where the next one will. */
static uint16_t available;
static uint16_t buffers_used;
static uint16_t next_used;
static bool used_wrap;
static uint32_t ids_used; /* a bit for each id that came back and was not given out again */

/* Chains of two descriptors: a lap of the ring has SIZE / 2 of them. */
static bool lap_of(uint16_t index)
{
    return index / (SIZE / 2) % 2 == 0;
}

/* Whether the device wants to hear of the descriptors of the buffer that was just made available (§2.8.10). */
static bool packed_is_wanted(void)
{
    uint16_t flags = __atomic_load_n(threads_at16(DEVICE_AREA(0) + 2), __ATOMIC_ACQUIRE);
    uint16_t place = __atomic_load_n(threads_at16(DEVICE_AREA(0)), __ATOMIC_RELAXED);
    uint16_t index = (uint16_t)(available - 1);
    uint16_t head = (uint16_t)(2 * (index % (SIZE / 2)));
    uint16_t mine = (uint16_t)(head | (lap_of(index) ? 0x8000 : 0));

    return flags == 0 || (flags == 2 && (place == mine || place == mine + 1));
}

/* Ids, as the library checks them, must not be in flight: the lowest that came back. */
static uint16_t take_id(void)
{
    uint16_t id = (uint16_t)__builtin_ctz(ids_used);

    ids_used &= ~(1u << id);
    return id;
}

static void put_packed(uint16_t slot)
{
    uint16_t head = (uint16_t)(2 * slot);
    uint16_t lap = lap_of(available) ? AVAILABLE : USED;
    uint16_t id = take_id();
    struct part part = {0x9000 + head, 1, (uint16_t)(WRITE | lap)};

    driver_packed(&threads_driver, 0, (uint16_t)(head + 1), part, id);
    /* The first descriptor's flags last: the device looks at nothing else (§2.8.17). */
    uint8_t *to = threads_fake->ram + DESC_AREA(0) + 16 * head;
    uint64_t address = 0x8000;
    uint32_t length = 16;

    memcpy(to, &address, 8);
    memcpy(to + 8, &length, 4);
    memcpy(to + 12, &id, 2);
    __atomic_store_n(threads_at16(DESC_AREA(0) + 16u * head + 14), (uint16_t)(NEXT | lap), __ATOMIC_RELEASE);
}

/* Sees what the device has used: each used descriptor stands for the chains up to that of its id. */
static void see_packed(void)
{
    for (;;) {
        uint16_t flags = __atomic_load_n(threads_at16(DESC_AREA(0) + 16u * next_used + 14), __ATOMIC_ACQUIRE);
        uint16_t id;

        if (((flags & AVAILABLE) != 0) != used_wrap || ((flags & USED) != 0) != used_wrap) {
            return;
        }
        id = *threads_at16(DESC_AREA(0) + 16u * next_used + 12);
        ids_used |= 1u << (id % 32);
        buffers_used++;
        next_used = (uint16_t)((next_used + 2) % SIZE);
        used_wrap ^= next_used == 0;
    }
}

static uint16_t used_index(void)
{
    if (packed) {
        see_packed();
        return buffers_used;
    }
    return threads_used(0);
}

static uint16_t available_index(void)
{
    return packed ? available : threads_available[0];
}

static void make_packed_available(void)
{
    put_packed(available % (SIZE / 2));
    available++;
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (packed_is_wanted()) {
        threads_ring(0);
    }
}

static void make_available(bool event_idx)
{
    uint16_t head = (uint16_t)(2 * (available_index() % (SIZE / 2)));

    if (packed) {
        make_packed_available();
        return;
    }
    driver_descriptor(&threads_driver, 0, head, (struct part){0x8000, 16, NEXT}, (uint16_t)(head + 1));
    driver_descriptor(&threads_driver, 0, (uint16_t)(head + 1), (struct part){0x9000 + head, 1, WRITE}, 0);
    threads_make_available(0, head, event_idx);
}

static bool has_room(void)
{
    return (uint16_t)(available_index() - used_index()) < SIZE / 2;
}

/* Buffers are used out of order: a slot is free again only when all before it are. */
static bool all_used(void)
{
    return available_index() == used_index();
}

static bool run(uint64_t features)
{
    packed = (features & F_PACKED) != 0;
    for (unsigned round = 0; round <= RESETS; round++) {
        unsigned buffers = round == RESETS ? BUFFERS : round % 23;

        available = threads_available[0] = 0;
        buffers_used = 0;
        next_used = 0;
        used_wrap = true;
        ids_used = (1u << SIZE) - 1;
        set_queue(features);
        for (unsigned i = 0; i < buffers; i++) {
            make_available((features & F_EVENT_IDX) != 0);
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
    return run(F_VERSION_1) && run(F_VERSION_1 | F_EVENT_IDX) && run(F_VERSION_1 | F_PACKED) &&
           run(F_VERSION_1 | F_PACKED | F_EVENT_IDX);
}

static void set(const struct ioreqd_property *property, void *place)
{
    struct ioreqd_file *file = &threads_fake->file;

    if (property->kind == IOREQD_PROPERTY_FILE) {
        memcpy(place, &file, sizeof(file));
    } else if (property->kind == IOREQD_PROPERTY_U32) {
        *(uint32_t *)place = 64;
    }
}

int main(void)
{
    struct ioreqd_host host = fake_host;
    const struct threads_test test = {
        .host = &host, .loops = 1, .queues_of_loop = 1, .patience = 10, .file_size = 512, .set = set, .run = run_all};

    threads_make_host(&host);
    return threads_run(&test) ? EXIT_SUCCESS : EXIT_FAILURE;
}
