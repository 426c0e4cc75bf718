/* SPDX-License-Identifier: BSD-2-Clause */
/* What split virtqueues alone have: heads and links, the available index, used_event (virtio 1.4 §2.7). */
#include "tests/virtio/suites.h"

#define SIZE  16
#define LIMIT 1024 /* descriptors of a chain */

static void start(uint64_t features)
{
    driver_start(&driver, F_VERSION_1 | features, 2, SIZE);
}

START_TEST(indirect)
{
    const struct part direct[] = {{0x8000, 4, 0}, {0x7000, 32, INDIRECT | WRITE}}; /* WRITE is ignored (§2.7.5.3.2) */

    start(F_INDIRECT);
    driver_table(&driver, 0x7000, 0, (struct part){0x9000, 8, NEXT}, 1);
    driver_table(&driver, 0x7000, 1, (struct part){0xa000, 16, WRITE}, 0);
    driver_add(&driver, 0, direct, 2);
    driver_kick(&driver, 0);
    ck_assert_uint_eq(probe->count, 1);
    ck_assert_uint_eq(ioreqd_virtio_request_readable(probe->held[0]), 12);
    ck_assert_uint_eq(ioreqd_virtio_request_writable(probe->held[0]), 16);
    probe_complete(0, 0);
    fake_pump(fake);
}
END_TEST

START_TEST(broken_head)
{
    start(0);
    driver_expose(&driver, 0, SIZE);
    driver_kick(&driver, 0);
    assert_ring_broken();
}
END_TEST

START_TEST(broken_next)
{
    start(0);
    driver_descriptor(&driver, 0, 0, (struct part){0x8000, 16, NEXT}, SIZE);
    driver_expose(&driver, 0, 0);
    driver_kick(&driver, 0);
    assert_ring_broken();
}
END_TEST

START_TEST(broken_loop)
{
    start(0);
    driver_descriptor(&driver, 0, 0, (struct part){0x8000, 16, NEXT}, 1);
    driver_descriptor(&driver, 0, 1, (struct part){0x8000, 16, NEXT}, 0);
    driver_expose(&driver, 0, 0);
    driver_kick(&driver, 0);
    assert_ring_broken();
}
END_TEST

START_TEST(broken_available_ahead)
{
    start(0);
    driver_set_available(&driver, 0, SIZE + 1);
    driver_kick(&driver, 0);
    assert_ring_broken();
}
END_TEST

START_TEST(broken_available_back)
{
    const struct part part = {0x8000, 16, WRITE};

    start(0);
    driver_add(&driver, 0, &part, 1);
    driver_kick(&driver, 0);
    driver_set_available(&driver, 0, 0);
    driver_kick(&driver, 0);
    assert_ring_broken();
}
END_TEST

START_TEST(broken_indirect_nested)
{
    const struct part part = {0x7000, 16, INDIRECT};

    start(F_INDIRECT);
    driver_table(&driver, 0x7000, 0, part, 0); /* and to itself, at that */
    driver_add(&driver, 0, &part, 1);
    driver_kick(&driver, 0);
    assert_ring_broken();
}
END_TEST

START_TEST(broken_indirect_next_index)
{
    const struct part part = {0x7000, 32, INDIRECT};

    start(F_INDIRECT);
    driver_table(&driver, 0x7000, 0, (struct part){0x8000, 16, NEXT}, 2); /* inside the ring, but not the table */
    driver_add(&driver, 0, &part, 1);
    driver_kick(&driver, 0);
    assert_ring_broken();
}
END_TEST

START_TEST(broken_indirect_loop)
{
    const struct part part = {0x7000, 32, INDIRECT};

    start(F_INDIRECT);
    driver_table(&driver, 0x7000, 0, (struct part){0x8000, 16, NEXT}, 1);
    driver_table(&driver, 0x7000, 1, (struct part){0x8000, 16, NEXT}, 0);
    driver_add(&driver, 0, &part, 1);
    driver_kick(&driver, 0);
    assert_ring_broken();
}
END_TEST

/* Direct and indirect descriptors together are more than the device takes. */
START_TEST(broken_indirect_count)
{
    const struct part parts[] = {{0x8000, 16, 0}, {0x70000, 16 * LIMIT, INDIRECT}};

    start(F_INDIRECT);
    for (unsigned i = 0; i < LIMIT; i++) {
        driver_table(&driver, 0x70000, i, (struct part){0x9000, 8, i + 1 < LIMIT ? NEXT : 0}, (uint16_t)(i + 1));
    }
    driver_add(&driver, 0, parts, 2);
    driver_kick(&driver, 0);
    assert_ring_broken();
}
END_TEST

/* used_event against batches, around the wrap of the index; where the queue begins is set as a successor would. */
START_TEST(event_idx)
{
    static const struct {
        uint16_t from;
        unsigned batch;
        uint16_t event;
        unsigned interrupts;
    } rows[] = {
        {0, 1, 0, 1},      {0, 1, 1, 0},           {0, 1, 0xffff, 0},      {0, 3, 2, 1},
        {0, 3, 3, 0},      {0xfffe, 4, 0xfffd, 0}, {0xfffe, 4, 0xfffe, 1}, {0xfffe, 4, 0xffff, 1},
        {0xfffe, 4, 0, 1}, {0xfffe, 4, 1, 1},      {0xfffe, 4, 2, 0},      {0xffff, 1, 0xffff, 1},
        {0xffff, 1, 0, 0}, {0x7fff, 2, 0x8000, 1}, {0x7fff, 2, 0x8001, 0}, {5, SIZE, 20, 1},
        {5, SIZE, 21, 0},
    };
    const struct part part = {0x8000, 16, WRITE};

    driver_negotiate(&driver, F_VERSION_1 | F_EVENT_IDX);
    driver_set_queue(&driver, 0, SIZE);
    probe->virtio.registers.queue_next_available[0] = rows[_i].from;
    probe->virtio.registers.queue_next_used[0] = rows[_i].from;
    driver_set_available(&driver, 0, rows[_i].from);
    driver_set16(&driver, DEVICE_AREA(0) + 2, rows[_i].from);
    driver_set16(&driver, DRIVER_AREA(0), 1); /* the flag must be ignored */
    driver_write(&driver, STATUS, 1, 0xf);
    fake_pump(fake);
    ck_assert_uint_eq(driver_available_event(&driver, 0), rows[_i].from);
    for (unsigned i = 0; i < rows[_i].batch; i++) {
        driver_add(&driver, 0, &part, 1);
    }
    driver_set_used_event(&driver, 0, rows[_i].event);
    driver_kick(&driver, 0);
    ck_assert_uint_eq(driver_available_event(&driver, 0), (uint16_t)(rows[_i].from + rows[_i].batch));
    while (probe->count != 0) {
        probe_complete(0, 0);
    }
    fake_pump(fake);
    ck_assert_uint_eq(driver_used_index(&driver, 0), (uint16_t)(rows[_i].from + rows[_i].batch));
    ck_assert_uint_eq(driver_get16(&driver, DEVICE_AREA(0)), 0); /* flags are 0 under EVENT_IDX */
    ck_assert_uint_eq(fake->msix[1], rows[_i].interrupts);
    ck_assert_uint_eq(probe->virtio.registers.queue_next_used[0], (uint16_t)(rows[_i].from + rows[_i].batch));
}
END_TEST

/* Without EVENT_IDX the device ignores used_event (§2.7.7.2). */
START_TEST(used_event_ignored)
{
    const struct part part = {0x8000, 16, WRITE};

    start(0);
    probe->instant = true;
    driver_set_used_event(&driver, 0, 5);
    driver_add(&driver, 0, &part, 1);
    driver_kick(&driver, 0);
    ck_assert_uint_eq(fake->msix[1], 1);
}
END_TEST

/* A size that was right for a packed ring when it was written. */
START_TEST(size_no_power_of_2)
{
    driver_write(&driver, STATUS, 1, 1);
    driver_write(&driver, STATUS, 1, 3);
    driver_write(&driver, DRIVER_FEATURE_SELECT, 4, 1);
    driver_write(&driver, DRIVER_FEATURE, 4, (uint32_t)((F_VERSION_1 | F_PACKED) >> 32));
    driver_write(&driver, QUEUE_SIZE, 2, 5);
    driver_write(&driver, DRIVER_FEATURE, 4, (uint32_t)(F_VERSION_1 >> 32));
    driver_write(&driver, STATUS, 1, 0xb);
    driver_write(&driver, QUEUE_DESC, 4, DESC_AREA(0));
    driver_write(&driver, QUEUE_DRIVER, 4, DRIVER_AREA(0));
    driver_write(&driver, QUEUE_DEVICE, 4, DEVICE_AREA(0));
    driver_write(&driver, QUEUE_ENABLE, 2, 1);
    ck_assert_uint_eq(driver_read(&driver, QUEUE_ENABLE, 2), 0);
    fake_pump(fake);
    ck_assert_uint_eq(driver_status(&driver), 0x4b);
}
END_TEST

/* A successor's indices that are further apart than the queue is long. */
START_TEST(impossible_place)
{
    driver_negotiate(&driver, F_VERSION_1);
    driver_set_queue(&driver, 0, SIZE);
    probe->virtio.registers.queue_next_available[0] = 5;
    probe->virtio.registers.queue_next_used[0] = 6;
    driver_write(&driver, STATUS, 1, 0xf);
    fake_pump(fake);
    ck_assert_uint_eq(driver_status(&driver), 0x4f);
    ck_assert_uint_eq(probe->readies, 0);
}
END_TEST

TCase *split_cases(void)
{
    TCase *cases = tcase_create("what split rings alone have");

    tcase_add_checked_fixture(cases, probe_begin, probe_end);
    tcase_add_test(cases, indirect);
    tcase_add_test(cases, broken_head);
    tcase_add_test(cases, broken_next);
    tcase_add_test(cases, broken_loop);
    tcase_add_test(cases, broken_available_ahead);
    tcase_add_test(cases, broken_available_back);
    tcase_add_test(cases, broken_indirect_nested);
    tcase_add_test(cases, broken_indirect_next_index);
    tcase_add_test(cases, broken_indirect_loop);
    tcase_add_test(cases, broken_indirect_count);
    tcase_add_loop_test(cases, event_idx, 0, 17);
    tcase_add_test(cases, used_event_ignored);
    tcase_add_test(cases, size_no_power_of_2);
    tcase_add_test(cases, impossible_place);
    return cases;
}
