/* SPDX-License-Identifier: BSD-2-Clause */
/* What packed virtqueues alone have: wrap counters, buffer ids, event suppression structures (virtio 1.4 §2.8). */
#include "tests/virtio/suites.h"

#define SIZE 16
#define WRAP 0x8000u

enum { EVENT_ENABLE = 0, EVENT_DISABLE = 1, EVENT_DESCRIPTOR = 2 };

static const struct part one = {0x8000, 16, WRITE};

static void start(uint64_t features)
{
    driver_start(&driver, F_VERSION_1 | F_PACKED | features, 2, SIZE);
}

static uint16_t flags_of(unsigned index)
{
    return driver_get16(&driver, DESC_AREA(0) + 16u * index + 14);
}

static uint16_t id_of(unsigned index)
{
    return driver_get16(&driver, DESC_AREA(0) + 16u * index + 12);
}

static void set_driver_event(uint16_t place, uint16_t flags)
{
    driver_set16(&driver, DRIVER_AREA(0), place);
    driver_set16(&driver, DRIVER_AREA(0) + 2, flags);
}

/* ------------------------------------------------------------------------------------------------------------------
 * Descriptors
 */

/* One used descriptor a chain, in the place of the first, with the id of the last (§2.8.6); WRITE tells of bytes. */
START_TEST(used_descriptors)
{
    const struct part parts[] = {{0x8000, 4, 0}, {0x9000, 8, WRITE}, {0xa000, 8, WRITE}};
    uint32_t id, length;

    start(0);
    ck_assert_uint_eq(driver_add(&driver, 0, parts, 3), 0);
    ck_assert_uint_eq(driver_add(&driver, 0, parts, 1), 1);
    driver_kick(&driver, 0);
    ck_assert_uint_eq(probe->count, 2);
    probe_complete(1, 0);
    fake_pump(fake);
    ck_assert_uint_eq(flags_of(0), AVAILABLE | USED);
    ck_assert_uint_eq(id_of(0), 1);
    ck_assert_uint_eq(flags_of(1), NEXT | WRITE | AVAILABLE); /* as the driver left it */
    ck_assert_uint_eq(flags_of(2), WRITE | AVAILABLE);
    ck_assert(driver_used(&driver, 0, &id, &length) && id == 1 && length == 0);
    probe_complete(0, 9);
    fake_pump(fake);
    ck_assert_uint_eq(flags_of(1), WRITE | AVAILABLE | USED);
    ck_assert_uint_eq(id_of(1), 0);
    ck_assert(driver_used(&driver, 0, &id, &length) && id == 0 && length == 9);
    ck_assert(!driver_used(&driver, 0, &id, &length));
    ck_assert_uint_eq(probe->virtio.registers.queue_next_available[0], WRAP | 4);
    ck_assert_uint_eq(probe->virtio.registers.queue_next_used[0], WRAP | 4);
}
END_TEST

/* Elements follow each other, and of their flags only WRITE counts (§2.8.7). */
START_TEST(indirect)
{
    const struct part part = {0x7000, 48, INDIRECT | WRITE};

    start(F_INDIRECT);
    driver_table(&driver, 0x7000, 0, (struct part){0x9000, 8, 0}, 7);
    driver_table(&driver, 0x7000, 1, (struct part){0x9100, 4, INDIRECT | NEXT}, 7);
    driver_table(&driver, 0x7000, 2, (struct part){0xa000, 16, WRITE | NEXT | USED}, 7);
    driver_add(&driver, 0, &part, 1);
    driver_kick(&driver, 0);
    ck_assert_uint_eq(probe->count, 1);
    ck_assert_uint_eq(ioreqd_virtio_request_readable(probe->held[0]), 12);
    ck_assert_uint_eq(ioreqd_virtio_request_writable(probe->held[0]), 16);
    probe_complete(0, 0);
    fake_pump(fake);
    ck_assert_uint_eq(driver_used_index(&driver, 0), 1);
}
END_TEST

/*
 * Rings of any size (§2.8.10.1), through many laps: chains of all lengths, as many in flight as fit, answered in any
 * order.
 */
START_TEST(laps)
{
    static const uint16_t sizes[] = {1, 2, 3, 5, 16, 127};
    const struct part parts[] = {{0x8000, 16, 0}, {0x9000, 16, WRITE}, {0xa000, 1, WRITE}, {0xb000, 1, WRITE}};
    uint16_t size = sizes[_i];
    uint32_t seed = 1, id, length;
    unsigned free = size;
    const char *wrong = NULL;

    driver_start(&driver, F_VERSION_1 | F_PACKED, 1, size);
    for (unsigned round = 0; round < 3000 && wrong == NULL; round++) {
        unsigned descriptors = 1 + (seed >> 16) % (size < 4 ? size : 4);

        seed = seed * 1664525 + 1013904223;
        if (free >= descriptors && (seed >> 24) % 3 != 0) {
            driver_add(&driver, 0, parts, descriptors);
            driver_kick(&driver, 0);
            free -= descriptors;
        } else if (probe->count != 0) {
            unsigned which = (seed >> 20) % probe->count;
            uint16_t used = (uint16_t)(seed >> 8);

            probe_complete(which, used);
            fake_pump(fake);
            if (!driver_used(&driver, 0, &id, &length) || length != used) {
                wrong = "a used descriptor is missing or another's";
            } else {
                free += driver.queue[0].id[id].descriptors;
            }
        }
        if (fake->guest_errors != 0) {
            wrong = fake->text;
        }
    }
    ck_assert_msg(wrong == NULL, "%s", wrong);
    while (probe->count != 0) {
        probe_complete(0, 0);
    }
    fake_pump(fake);
}
END_TEST

/* A successor goes on in the middle of a lap, with what the registers say. */
START_TEST(goes_on)
{
    static const struct {
        uint16_t place;
        bool wrap;
    } rows[] = {{0, true}, {0, false}, {7, false}, {15, true}, {15, false}};
    uint16_t place = (uint16_t)(rows[_i].place | (rows[_i].wrap ? WRAP : 0));
    uint32_t id, length;

    driver_negotiate(&driver, F_VERSION_1 | F_PACKED | F_EVENT_IDX);
    driver_set_queue(&driver, 0, SIZE);
    ck_assert_uint_eq(probe->virtio.registers.queue_next_available[0], WRAP);
    ck_assert_uint_eq(probe->virtio.registers.queue_next_used[0], WRAP);
    for (unsigned i = 0; i < SIZE; i++) { /* all used so far, in this lap or the one before */
        bool lap = (i < rows[_i].place) == rows[_i].wrap;

        driver_packed(&driver, 0, (uint16_t)i, (struct part){0, 0, lap ? AVAILABLE | USED : 0}, 0);
    }
    probe->virtio.registers.queue_next_available[0] = place;
    probe->virtio.registers.queue_next_used[0] = place;
    driver.queue[0].next_free = driver.queue[0].next_used = rows[_i].place;
    driver.queue[0].wrap = driver.queue[0].used_wrap = rows[_i].wrap;
    driver_write(&driver, STATUS, 1, 0xf);
    fake_pump(fake);
    ck_assert_uint_eq(probe->count, 0);
    ck_assert_uint_eq(driver_get16(&driver, DEVICE_AREA(0)), place);
    ck_assert_uint_eq(driver_get16(&driver, DEVICE_AREA(0) + 2), EVENT_DESCRIPTOR);
    driver_add(&driver, 0, &one, 1);
    driver_add(&driver, 0, &one, 1);
    driver_kick(&driver, 0);
    ck_assert_uint_eq(probe->count, 2);
    probe_complete(1, 3);
    probe_complete(0, 4);
    fake_pump(fake);
    ck_assert(driver_used(&driver, 0, &id, &length) && id == 1 && length == 3);
    ck_assert(driver_used(&driver, 0, &id, &length) && id == 0 && length == 4);
    ck_assert_uint_eq(fake->guest_errors, 0);
}
END_TEST

START_TEST(impossible_places)
{
    static const struct {
        uint16_t available, used;
    } rows[] = {{WRAP | SIZE, WRAP | SIZE}, {0x7fff, 0x7fff}, {WRAP | 4, WRAP | 5}, {WRAP | 5, 4}};

    driver_negotiate(&driver, F_VERSION_1 | F_PACKED);
    driver_set_queue(&driver, 0, SIZE);
    probe->virtio.registers.queue_next_available[0] = rows[_i].available;
    probe->virtio.registers.queue_next_used[0] = rows[_i].used;
    driver_write(&driver, STATUS, 1, 0xf);
    fake_pump(fake);
    ck_assert_uint_eq(driver_status(&driver), 0x4f);
    ck_assert_uint_eq(probe->readies, 0);
}
END_TEST

/* The areas' alignment (§2.8.10.1). */
START_TEST(misaligned)
{
    static const struct {
        uint32_t offset, by;
    } rows[] = {{QUEUE_DESC, 8}, {QUEUE_DRIVER, 2}, {QUEUE_DEVICE, 2}};

    driver_negotiate(&driver, F_VERSION_1 | F_PACKED);
    driver_select(&driver, 0);
    driver_write(&driver, QUEUE_SIZE, 2, SIZE);
    driver_write(&driver, QUEUE_DESC, 4, DESC_AREA(0));
    driver_write(&driver, QUEUE_DRIVER, 4, DRIVER_AREA(0));
    driver_write(&driver, QUEUE_DEVICE, 4, DEVICE_AREA(0));
    driver_write(&driver, rows[_i].offset, 4, driver_read(&driver, rows[_i].offset, 4) + rows[_i].by);
    driver_write(&driver, QUEUE_ENABLE, 2, 1);
    ck_assert_uint_eq(driver_read(&driver, QUEUE_ENABLE, 2), 0);
    fake_pump(fake);
    ck_assert_uint_eq(driver_status(&driver), 0x4b);
}
END_TEST

START_TEST(sizes)
{
    static const struct {
        uint16_t size;
        bool good;
    } rows[] = {{0, false}, {1, true}, {3, true}, {100, true}, {128, true}, {129, false}, {0xffff, false}};

    driver_negotiate(&driver, F_VERSION_1 | F_PACKED);
    driver_select(&driver, 0);
    driver_write(&driver, QUEUE_SIZE, 2, rows[_i].size);
    ck_assert_uint_eq(driver_read(&driver, QUEUE_SIZE, 2), rows[_i].good ? rows[_i].size : PROBE_SIZE);
    ck_assert_uint_eq(fake->guest_errors, rows[_i].good ? 0 : 1);
}
END_TEST

/* ------------------------------------------------------------------------------------------------------------------
 * Broken rings
 */

/* Flags that do not make the first descriptor available: the ring is empty, and no rule is broken. */
START_TEST(not_available)
{
    static const uint16_t flags[] = {0, USED, AVAILABLE | USED};

    start(0);
    driver_packed(&driver, 0, 0, (struct part){0x8000, 16, flags[_i]}, 0);
    driver_kick(&driver, 0);
    ck_assert_uint_eq(probe->count, 0);
    ck_assert_uint_eq(driver_status(&driver), 0xf);
}
END_TEST

/* A chain whose second descriptor is of another lap, or used, or nothing yet. */
START_TEST(broken_chain)
{
    static const uint16_t flags[] = {0, USED, AVAILABLE | USED};

    start(0);
    driver_packed(&driver, 0, 0, (struct part){0x8000, 16, NEXT | AVAILABLE}, 0);
    driver_packed(&driver, 0, 1, (struct part){0x8000, 16, flags[_i]}, 0);
    driver_kick(&driver, 0);
    assert_ring_broken();
}
END_TEST

/* A chain that goes around the ring, and in the next lap would meet itself. */
START_TEST(broken_loop)
{
    start(0);
    for (uint16_t i = 0; i < SIZE; i++) {
        driver_packed(&driver, 0, i, (struct part){0x8000, 16, NEXT | AVAILABLE}, 0);
    }
    driver_kick(&driver, 0);
    assert_ring_broken();
}
END_TEST

/* A chain of more descriptors than are free: it overwrites one that is in flight. */
START_TEST(broken_overlap)
{
    struct part parts[SIZE];

    for (unsigned i = 0; i < SIZE; i++) {
        parts[i] = one;
    }
    start(0);
    driver_add(&driver, 0, parts, 4);
    driver_kick(&driver, 0);
    ck_assert_uint_eq(probe->count, 1);
    driver_add(&driver, 0, parts, SIZE - 3);
    driver_kick(&driver, 0);
    assert_ring_broken();
}
END_TEST

START_TEST(broken_id)
{
    static const uint16_t id[] = {SIZE, 64, 0xffff};

    start(0);
    driver_packed(&driver, 0, 0, (struct part){0x8000, 16, WRITE | AVAILABLE}, id[_i]);
    driver_kick(&driver, 0);
    assert_ring_broken();
}
END_TEST

START_TEST(broken_id_in_flight)
{
    start(0);
    driver_packed(&driver, 0, 0, (struct part){0x8000, 16, WRITE | AVAILABLE}, 3);
    driver_packed(&driver, 0, 1, (struct part){0x8000, 16, WRITE | AVAILABLE}, 3);
    driver_kick(&driver, 0);
    assert_ring_broken();
}
END_TEST

/* §2.8.19: no table in a chain, at its end, at its beginning or within. */
START_TEST(broken_indirect_in_chain)
{
    const struct part parts[] = {{0x8000, 16, _i == 0 ? INDIRECT : 0},
                                 {0x7000, 16, _i == 1 ? INDIRECT : 0},
                                 {0x7000, 16, _i == 2 ? INDIRECT : 0}};

    start(F_INDIRECT);
    driver_table(&driver, 0x7000, 0, (struct part){0x9000, 8, 0}, 0);
    driver_table(&driver, 0x8000, 0, (struct part){0x9000, 8, 0}, 0);
    driver_add(&driver, 0, parts, 3);
    driver_kick(&driver, 0);
    assert_ring_broken();
}
END_TEST

/* ------------------------------------------------------------------------------------------------------------------
 * Notifications
 */

/* §2.8.10: what the driver wants against batches, around the end of a lap. Sixteen descriptors. */
START_TEST(interrupts)
{
    static const struct {
        uint16_t from; /* place of the first used descriptor */
        unsigned batch;
        uint16_t place, flags;
        unsigned interrupts;
    } rows[] = {
        {WRAP, 1, 0, EVENT_ENABLE, 1},
        {WRAP, 1, 0, EVENT_DISABLE, 0},
        {WRAP, 3, WRAP, EVENT_DESCRIPTOR, 1},
        {WRAP, 3, WRAP | 2, EVENT_DESCRIPTOR, 1},
        {WRAP, 3, WRAP | 3, EVENT_DESCRIPTOR, 0},
        {WRAP, 3, 2, EVENT_DESCRIPTOR, 0}, /* of the next lap */
        {WRAP | 5, 3, WRAP | 4, EVENT_DESCRIPTOR, 0},
        {WRAP | 14, 4, WRAP | 13, EVENT_DESCRIPTOR, 0},
        {WRAP | 14, 4, WRAP | 15, EVENT_DESCRIPTOR, 1},
        {WRAP | 14, 4, 1, EVENT_DESCRIPTOR, 1},
        {WRAP | 14, 4, 2, EVENT_DESCRIPTOR, 0},
        {14, 4, WRAP | 1, EVENT_DESCRIPTOR, 1},
        {14, 4, 15, EVENT_DESCRIPTOR, 1},
        {14, 4, 1, EVENT_DESCRIPTOR, 0},
        {WRAP, SIZE, WRAP | 15, EVENT_DESCRIPTOR, 1},
        {3, SIZE, WRAP | 2, EVENT_DESCRIPTOR, 1},
        {3, SIZE, 2, EVENT_DESCRIPTOR, 0},
    };

    driver_negotiate(&driver, F_VERSION_1 | F_PACKED | F_EVENT_IDX);
    driver_set_queue(&driver, 0, SIZE);
    probe->virtio.registers.queue_next_available[0] = rows[_i].from;
    probe->virtio.registers.queue_next_used[0] = rows[_i].from;
    driver.queue[0].next_free = driver.queue[0].next_used = rows[_i].from & 0x7fff;
    driver.queue[0].wrap = driver.queue[0].used_wrap = (rows[_i].from & WRAP) != 0;
    for (unsigned i = 0; i < SIZE; i++) {
        bool lap = (i < (rows[_i].from & 0x7fffu)) == ((rows[_i].from & WRAP) != 0);

        driver_packed(&driver, 0, (uint16_t)i, (struct part){0, 0, lap ? AVAILABLE | USED : 0}, 0);
    }
    driver_write(&driver, STATUS, 1, 0xf);
    fake_pump(fake);
    for (unsigned i = 0; i < rows[_i].batch; i++) {
        driver_add(&driver, 0, &one, 1);
    }
    set_driver_event(rows[_i].place, rows[_i].flags);
    driver_kick(&driver, 0);
    while (probe->count != 0) {
        probe_complete(0, 0);
    }
    fake_pump(fake);
    ck_assert_uint_eq(driver_used_index(&driver, 0), rows[_i].batch);
    ck_assert_uint_eq(fake->msix[1], rows[_i].interrupts);
}
END_TEST

/* A descriptor's place means nothing without EVENT_IDX: the interrupt comes. */
START_TEST(place_without_event_idx)
{
    start(0);
    probe->instant = true;
    set_driver_event(WRAP | 9, EVENT_DESCRIPTOR);
    driver_add(&driver, 0, &one, 1);
    driver_kick(&driver, 0);
    ck_assert_uint_eq(fake->msix[1], 1);
    ck_assert_uint_eq(driver_get16(&driver, DEVICE_AREA(0) + 2), EVENT_ENABLE);
}
END_TEST

/* With EVENT_IDX the device says from which descriptor on it wants to hear. */
START_TEST(place_of_the_device)
{
    start(F_EVENT_IDX);
    probe->instant = true;
    for (unsigned i = 1; i <= SIZE; i++) {
        driver_add(&driver, 0, &one, 1);
        driver_kick(&driver, 0);
        ck_assert_uint_eq(driver_get16(&driver, DEVICE_AREA(0)), i < SIZE ? WRAP | i : 0);
        ck_assert_uint_eq(driver_get16(&driver, DEVICE_AREA(0) + 2), EVENT_DESCRIPTOR);
    }
}
END_TEST

static void bell(uint32_t value)
{
    driver.model->bell(fake_device(fake), driver.state, 0, value);
    fake_pump(fake);
}

/* §2.9: what a doorbell announces is checked, and the ring looked at whatever it was. */
START_TEST(announcements)
{
    static const struct {
        uint32_t value;
        bool good;
    } rows[] = {{(WRAP | 1) << 16, true},   {0, true},           {15u << 16, true},    {16u << 16, false},
                {(WRAP | 16) << 16, false}, {0x7fff0000, false}, {1u << 16 | 1, false}};

    start(F_NOTIFICATION_DATA);
    driver_add(&driver, 0, &one, 1);
    bell(rows[_i].value);
    ck_assert_uint_eq(fake->guest_errors, rows[_i].good ? 0 : 1);
    ck_assert_uint_eq(probe->count, 1);
    ck_assert_uint_eq(driver_status(&driver), 0xf);
    probe_complete(0, 0);
    fake_pump(fake);
}
END_TEST

START_TEST(no_announcements)
{
    start(0);
    bell(0xffff0007);
    ck_assert_uint_eq(fake->guest_errors, 0);
}
END_TEST

TCase *packed_cases(void)
{
    TCase *cases = tcase_create("what packed rings alone have");

    tcase_add_checked_fixture(cases, probe_begin_packed, probe_end);
    tcase_add_test(cases, used_descriptors);
    tcase_add_test(cases, indirect);
    tcase_add_loop_test(cases, laps, 0, 6);
    tcase_add_loop_test(cases, goes_on, 0, 5);
    tcase_add_loop_test(cases, impossible_places, 0, 4);
    tcase_add_loop_test(cases, misaligned, 0, 3);
    tcase_add_loop_test(cases, sizes, 0, 7);
    tcase_add_loop_test(cases, not_available, 0, 3);
    tcase_add_loop_test(cases, broken_chain, 0, 3);
    tcase_add_test(cases, broken_loop);
    tcase_add_test(cases, broken_overlap);
    tcase_add_loop_test(cases, broken_id, 0, 3);
    tcase_add_test(cases, broken_id_in_flight);
    tcase_add_loop_test(cases, broken_indirect_in_chain, 0, 3);
    tcase_add_loop_test(cases, interrupts, 0, 17);
    tcase_add_test(cases, place_without_event_idx);
    tcase_add_test(cases, place_of_the_device);
    tcase_add_loop_test(cases, announcements, 0, 7);
    tcase_add_test(cases, no_announcements);
    return cases;
}
