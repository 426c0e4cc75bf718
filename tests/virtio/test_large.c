/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The largest queues that there are, and the memory that their requests take: little before they are used, bounded when
 * a guest has many long chains in flight, which then wait for each other. Loop 0 of a case is split, 1 packed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/virtio/suites.h"

#define SIZE   32768u
#define ROOMS  256u /* long chains in flight */
#define LONG   512u /* descriptors: what a disk takes, with header and status */
#define TABLE  0xf0000u
#define BUFFER 0x8000u

/* Its rings take most of the fake's memory. */
#define DESCRIPTORS 0x10000u
#define DRIVER      0x90000u
#define DEVICE      0xa4000u

static bool packed;
static uint16_t added;

static void begin(void)
{
    fake = fake_create(0);
    probe = calloc(1, sizeof(*probe));
    probe->size = SIZE;
    ck_assert_int_eq(driver_begin(&driver, fake, &probe_model, probe), 0);
}

static void start(int format)
{
    packed = format == 1;
    added = 0;
    driver_negotiate(&driver, F_VERSION_1 | F_INDIRECT | (packed ? F_PACKED : 0));
    driver_select(&driver, 0);
    ck_assert_uint_eq(driver_read(&driver, QUEUE_SIZE, 2), SIZE);
    driver_write(&driver, QUEUE_DESC, 4, DESCRIPTORS);
    driver_write(&driver, QUEUE_DRIVER, 4, DRIVER);
    driver_write(&driver, QUEUE_DEVICE, 4, DEVICE);
    driver_write(&driver, QUEUE_ENABLE, 2, 1);
    driver_write(&driver, STATUS, 1, 0xf);
    fake_pump(fake);
    ck_assert_uint_eq(driver_status(&driver), 0xf);
}

/* Buffers of one descriptor each, the first SIZE in the first lap, the next in the second. */
static void add(struct part part, unsigned count)
{
    for (unsigned i = 0; i < count; i++, added++) {
        uint8_t *to = fake->ram + DESCRIPTORS + 16u * (added % SIZE);
        uint16_t id = added % SIZE;
        uint16_t flags = part.flags;

        memcpy(to, &part.address, 8);
        memcpy(to + 8, &part.length, 4);
        if (packed) {
            flags = (uint16_t)(flags | (added < SIZE ? AVAILABLE : USED));
        } else {
            driver_set16(&driver, DRIVER + 4 + 2u * id, id);
        }
        memcpy(to + (packed ? 12 : 14), &id, 2);
        memcpy(to + (packed ? 14 : 12), &flags, 2);
    }
    if (!packed) {
        driver_set16(&driver, DRIVER + 2, added);
    }
    driver.model->bell(fake_device(fake), driver.state, 0, 0);
    fake_pump(fake);
}

/* The place where the device goes on, counted from the start. */
static uint16_t used(void)
{
    uint16_t place = probe->virtio.registers.queue_next_used[0];

    return packed ? (uint16_t)(place ^ 0x8000) : place;
}

static long resident_kib(void)
{
    long pages = 0, unused;
    FILE *file = fopen("/proc/self/statm", "re");

    if (file == NULL || fscanf(file, "%ld %ld", &unused, &pages) != 2) {
        pages = 0;
    }
    if (file != NULL) {
        fclose(file);
    }
    return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

/* Two laps, one buffer less than the ring holds at a time. */
START_TEST(full_laps)
{
    const struct part part = {BUFFER, 16, WRITE};

    start(_i);
    probe->instant = true;
    add(part, SIZE - 1);
    ck_assert_uint_eq(used(), SIZE - 1);
    add(part, 1);
    ck_assert_uint_eq(used(), SIZE);
    add(part, SIZE - 1);
    ck_assert_uint_eq(used(), (uint16_t)(2 * SIZE - 1));
    ck_assert_uint_eq(probe->taken, 2 * SIZE - 1);
    ck_assert_uint_eq(fake->guest_errors, 0);
}
END_TEST

/* That sanitizer keeps several bytes of its own for each that is allocated: what is resident then tells nothing. */
#ifdef __has_feature
#define THREAD_SANITIZER __has_feature(thread_sanitizer)
#elif defined(__SANITIZE_THREAD__)
#define THREAD_SANITIZER 1
#else
#define THREAD_SANITIZER 0
#endif

/* What serves a queue of that size one buffer after the other is little. */
START_TEST(small_when_idle)
{
    const struct part part = {BUFFER, 16, WRITE};
    long before = resident_kib();

    start(_i);
    probe->instant = true;
    for (unsigned i = 0; i < 1000; i++) {
        add(part, 1);
    }
    ck_assert_int_lt(resident_kib() - before, 3000);
}
END_TEST

/* More long chains than there are rooms: the rest stays in the ring until others are answered, without a doorbell. */
START_TEST(long_chains_wait)
{
    const struct part table = {TABLE, 16 * LONG, INDIRECT};
    const struct iovec *iov;
    unsigned good = 0;
    uint32_t count;

    start(_i);
    for (unsigned i = 0; i < LONG; i++) {
        driver_table(&driver, TABLE, i, (struct part){BUFFER + i, 1, i + 1 < LONG ? NEXT : 0}, (uint16_t)(i + 1));
    }
    add(table, ROOMS + 3);
    ck_assert_uint_eq(probe->count, ROOMS);
    for (unsigned i = 0; i < ROOMS; i++) {
        good +=
            ioreqd_virtio_request_map(probe->held[i], IOREQD_FROM_GUEST, 0, LONG, &iov, &count) == 0 && count == LONG;
    }
    ck_assert_uint_eq(good, ROOMS);
    add((struct part){BUFFER, 16, WRITE}, 1); /* behind them, and buffers are taken in order */
    ck_assert_uint_eq(probe->count, ROOMS);
    probe_complete(17, 0);
    fake_pump(fake);
    ck_assert_uint_eq(probe->count, ROOMS);
    ck_assert_uint_eq(probe->taken, ROOMS + 1);
    while (probe->count > ROOMS - 2) {
        probe_complete(probe->count - 1, 0);
    }
    fake_pump(fake);
    ck_assert_uint_eq(probe->taken, ROOMS + 4);
    probe->instant = true;
    add(table, 2 * ROOMS); /* as each is answered at once, they need no more than one room */
    while (probe->count != 0) {
        probe_complete(0, 0);
    }
    fake_pump(fake);
    ck_assert_uint_eq(used(), 3 * ROOMS + 4);
    ck_assert_uint_eq(fake->guest_errors, 0);
    ck_assert_uint_eq(fake->pinned, 0);
}
END_TEST

/* A reset or a quiesce while buffers wait for room: it does not take them any more. */
START_TEST(stops_while_chains_wait)
{
    const struct part table = {TABLE, 16 * LONG, INDIRECT};

    start(_i % 2);
    for (unsigned i = 0; i < LONG; i++) {
        driver_table(&driver, TABLE, i, (struct part){BUFFER + i, 1, i + 1 < LONG ? NEXT : 0}, (uint16_t)(i + 1));
    }
    add(table, ROOMS + 3);
    if (_i < 2) {
        driver_write(&driver, STATUS, 1, 0);
    } else {
        driver.model->quiesce(fake_device(fake), driver.state);
    }
    while (probe->count != 0) {
        probe_complete(0, 0);
        fake_pump(fake);
    }
    ck_assert_uint_eq(probe->taken, ROOMS);
    ck_assert_uint_eq(driver_status(&driver), _i < 2 ? 0 : 0xf);
    ck_assert_uint_eq(fake->quiesced, _i < 2 ? 0 : 1);
}
END_TEST

/* A model that maps the same bytes again and again gets 1024 pieces, however short the chain is. */
START_TEST(maps_again)
{
    const struct part part = {BUFFER, 16, 0};
    const struct iovec *first, *iov;
    uint32_t count;

    start(_i);
    add(part, 1);
    ck_assert_int_eq(ioreqd_virtio_request_map(probe->held[0], IOREQD_FROM_GUEST, 0, 16, &first, &count), 0);
    for (unsigned i = 1; i < 1024; i++) {
        if (ioreqd_virtio_request_map(probe->held[0], IOREQD_FROM_GUEST, i % 16, 1, &iov, &count) != 0 ||
            iov->iov_base != fake->ram + BUFFER + i % 16) {
            ck_abort_msg("map %u", i);
        }
    }
    ck_assert_ptr_eq(first->iov_base, fake->ram + BUFFER);
    ck_assert_int_lt(ioreqd_virtio_request_map(probe->held[0], IOREQD_FROM_GUEST, 0, 1, &iov, &count), 0);
    ck_assert_uint_eq(fake->pinned, 1024);
    probe_complete(0, 0);
    fake_pump(fake);
    ck_assert_uint_eq(fake->pinned, 0);
}
END_TEST

TCase *large_cases(void)
{
    TCase *cases = tcase_create("large queues");

    tcase_add_checked_fixture(cases, begin, probe_end);
    tcase_add_loop_test(cases, full_laps, 0, 2);
    if (!THREAD_SANITIZER) {
        tcase_add_loop_test(cases, small_when_idle, 0, 2);
    }
    tcase_add_loop_test(cases, long_chains_wait, 0, 2);
    tcase_add_loop_test(cases, stops_while_chains_wait, 0, 4);
    tcase_add_loop_test(cases, maps_again, 0, 2);
    return cases;
}
