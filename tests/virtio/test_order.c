/* SPDX-License-Identifier: BSD-2-Clause */
/* IN_ORDER over either format: buffers are used in the order in which they were made available (virtio 1.4 §6.2). */
#include <string.h>

#include "tests/virtio/suites.h"

#define SIZE 16

static const struct part one = {0x8000, 16, WRITE};

static void start(uint64_t features)
{
    driver_start(&driver, F_VERSION_1 | F_IN_ORDER | ring_format | features, 2, SIZE);
}

static void add(unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        driver_add(&driver, 0, &one, 1);
    }
    driver_kick(&driver, 0);
    ck_assert_uint_eq(probe->count, count);
}

/* What is done waits for what was taken before it, and is then told at once. */
START_TEST(waits)
{
    uint32_t id, length;

    start(0);
    add(4);
    probe_complete(3, 3);
    probe_complete(1, 1);
    fake_pump(fake);
    ck_assert(!driver_used(&driver, 0, &id, &length));
    ck_assert_uint_eq(fake->msix[1], 0);
    probe_complete(0, 0);
    fake_pump(fake);
    ck_assert_uint_eq(fake->msix[1], 1);
    ck_assert(driver_used(&driver, 0, &id, &length) && id == 0 && length == 0);
    ck_assert(driver_used(&driver, 0, &id, &length) && id == 1 && length == 1);
    ck_assert(!driver_used(&driver, 0, &id, &length));
    probe_complete(0, 2);
    fake_pump(fake);
    ck_assert_uint_eq(fake->msix[1], 2);
    ck_assert(driver_used(&driver, 0, &id, &length) && id == 2 && length == 2);
    ck_assert(driver_used(&driver, 0, &id, &length) && id == 3 && length == 3);
    ck_assert(!driver_used(&driver, 0, &id, &length));
}
END_TEST

/* One used descriptor of a packed ring stands for buffers that were written in full, and ends at one that was not. */
START_TEST(batches)
{
    static const uint32_t lengths[] = {16, 16, 5, 16, 16};
    uint32_t id, length;

    start(F_EVENT_IDX);
    driver_listen(&driver, 0);
    add(5);
    for (unsigned i = 0; i < 5; i++) {
        probe_complete(0, lengths[i]);
    }
    fake_pump(fake);
    ck_assert_uint_eq(fake->msix[1], 1);
    if (ring_format == F_PACKED) {
        static const uint16_t used[] = {AVAILABLE | USED | WRITE, AVAILABLE | WRITE, AVAILABLE | WRITE,
                                        AVAILABLE | USED | WRITE, AVAILABLE | WRITE};

        for (unsigned i = 0; i < 5; i++) {
            ck_assert_uint_eq(driver_get16(&driver, DESC_AREA(0) + 16 * i + 14), used[i]);
        }
        ck_assert_uint_eq(driver_get16(&driver, DESC_AREA(0) + 12), 2);
        ck_assert_uint_eq(driver_get16(&driver, DESC_AREA(0) + 16 * 3 + 12), 4);
    }
    for (unsigned i = 0; i < 5; i++) {
        ck_assert(driver_used(&driver, 0, &id, &length));
        ck_assert_uint_eq(id, i);
        ck_assert_uint_eq(length, lengths[i]);
    }
    ck_assert(!driver_used(&driver, 0, &id, &length));
}
END_TEST

/* Many buffers, answered in any order, with all lengths, against a list of what is in flight. */
START_TEST(long_run)
{
    const struct part parts[] = {{0x9000, 8, 0}, {0x8000, 16, WRITE}, {0xa000, 4, WRITE}};
    static struct {
        uint16_t id;
        uint32_t used;
    } made[20000];
    unsigned held[SIZE + 1], added = 0, seen = 0, free = SIZE;
    uint32_t seed = 7, id, length;
    const char *wrong = NULL;

    start(_i == 0 ? 0 : F_EVENT_IDX);
    while (wrong == NULL && seen < 20000) {
        unsigned descriptors = 1 + (seed >> 16) % 3;

        seed = seed * 1664525 + 1013904223;
        if (added < 20000 && free >= descriptors && (seed >> 24) % 3 != 0) {
            held[probe->count] = added; /* as the probe keeps them */
            made[added++].id = driver_add(&driver, 0, parts, descriptors);
            driver_kick(&driver, 0);
            free -= descriptors;
        } else if (probe->count != 0) {
            unsigned which = (seed >> 20) % probe->count;
            uint32_t writable = ioreqd_virtio_request_writable(probe->held[which]);
            uint32_t used = (seed & 0x100) != 0 ? writable : writable / 2;

            made[held[which]].used = used;
            probe_complete(which, used);
            memmove(&held[which], &held[which + 1], (probe->count - which) * sizeof(held[0]));
            fake_pump(fake);
        }
        while (driver_used(&driver, 0, &id, &length)) {
            if (id != made[seen].id || length != made[seen].used) {
                wrong = "a buffer came out of order, or with another's length";
            }
            free += driver.queue[0].id[id].descriptors;
            seen++;
        }
        if (fake->guest_errors != 0) {
            wrong = fake->text;
        }
    }
    ck_assert_msg(wrong == NULL, "%s", wrong);
}
END_TEST

/* A reset, or a quiesce, while what is done waits for what is not. */
START_TEST(stops)
{
    start(0);
    add(3);
    probe_complete(2, 0);
    probe_complete(1, 0);
    fake_pump(fake);
    if (_i == 0) {
        driver_write(&driver, STATUS, 1, 0);
    } else {
        driver.model->quiesce(fake_device(fake), driver.state);
    }
    fake_pump(fake);
    ck_assert_uint_eq(driver_status(&driver), 0xf);
    ck_assert_uint_eq(fake->quiesced, 0);
    probe_complete(0, 0);
    fake_pump(fake);
    ck_assert_uint_eq(driver_status(&driver), _i == 0 ? 0 : 0xf);
    ck_assert_uint_eq(fake->quiesced, _i == 0 ? 0 : 1);
    ck_assert_uint_eq(driver_used_index(&driver, 0), _i == 0 ? 0 : 3);
}
END_TEST

TCase *order_cases(const char *name, void (*begin)(void))
{
    TCase *cases = tcase_create(name);

    tcase_add_checked_fixture(cases, begin, probe_end);
    tcase_add_test(cases, waits);
    tcase_add_test(cases, batches);
    tcase_add_loop_test(cases, long_run, 0, 2);
    tcase_add_loop_test(cases, stops, 0, 2);
    return cases;
}
