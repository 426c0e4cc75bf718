/* SPDX-License-Identifier: BSD-2-Clause */
/* Virtqueues of either format: chains, broken rings, notifications. */
#include <errno.h>
#include <string.h>

#include "tests/virtio/suites.h"

#define SIZE  16
#define LIMIT 1024 /* descriptors of a chain */

static void start(uint64_t features)
{
    driver_start(&driver, F_VERSION_1 | ring_format | features, 2, SIZE);
}

/* ------------------------------------------------------------------------------------------------------------------
 * Chains
 */

START_TEST(framing)
{
    const struct part parts[] = {
        {0x8000, 3, 0}, {0x8010, 0, 0}, {0x8020, 5, 0}, {0x9000, 2, WRITE}, {0x9010, 6, WRITE}};
    struct ioreqd_virtio_request *request;
    uint8_t bytes[8];
    uint32_t id, length;

    start(0);
    memcpy(fake->ram + 0x8000, "abc", 3);
    memcpy(fake->ram + 0x8020, "defgh", 5);
    uint16_t head = driver_add(&driver, 0, parts, 5);
    driver_kick(&driver, 0);
    ck_assert_uint_eq(probe->count, 1);
    request = probe->held[0];
    ck_assert_uint_eq(ioreqd_virtio_request_readable(request), 8);
    ck_assert_uint_eq(ioreqd_virtio_request_writable(request), 8);
    ck_assert_int_eq(ioreqd_virtio_request_read(request, 0, bytes, 8), 0);
    ck_assert_mem_eq(bytes, "abcdefgh", 8);
    ck_assert_int_eq(ioreqd_virtio_request_read(request, 2, bytes, 3), 0);
    ck_assert_mem_eq(bytes, "cde", 3);
    ck_assert_int_eq(ioreqd_virtio_request_read(request, 8, bytes, 0), 0);
    ck_assert_int_eq(ioreqd_virtio_request_read(request, 8, bytes, 1), -EINVAL);
    ck_assert_int_eq(ioreqd_virtio_request_read(request, 0xffffffff, bytes, 2), -EINVAL);
    ck_assert_int_eq(ioreqd_virtio_request_write(request, 1, "xyz", 3), 0);
    ck_assert_mem_eq(fake->ram + 0x9001, "x", 1);
    ck_assert_mem_eq(fake->ram + 0x9010, "yz", 2);
    ck_assert_int_eq(ioreqd_virtio_request_write(request, 7, "xy", 2), -EINVAL);
    probe_complete(0, 8);
    fake_pump(fake);
    ck_assert(driver_used(&driver, 0, &id, &length));
    ck_assert_uint_eq(id, head);
    ck_assert_uint_eq(length, 8);
}
END_TEST

START_TEST(maps)
{
    const struct part parts[] = {{0x8ff0, 0x20, 0}, {0xa000, 0x10, WRITE}, {0xb000, 0x10, WRITE}};
    const struct iovec *iov, *more;
    uint32_t count;

    fake->piece = 4096;
    start(0);
    driver_add(&driver, 0, parts, 3);
    driver_kick(&driver, 0);
    ck_assert_int_eq(ioreqd_virtio_request_map(probe->held[0], IOREQD_FROM_GUEST, 8, 0x18, &iov, &count), 0);
    ck_assert_uint_eq(count, 2);
    ck_assert_ptr_eq(iov[0].iov_base, fake->ram + 0x8ff8);
    ck_assert_uint_eq(iov[0].iov_len, 8);
    ck_assert_uint_eq(iov[1].iov_len, 0x10);
    ck_assert_int_eq(ioreqd_virtio_request_map(probe->held[0], IOREQD_TO_GUEST, 0, 0x1f, &more, &count), 0);
    ck_assert_uint_eq(count, 2);
    ck_assert_uint_eq(more[1].iov_len, 0xf);
    ck_assert_uint_eq(fake->pinned, 4);
    ck_assert_int_eq(ioreqd_virtio_request_map(probe->held[0], IOREQD_TO_GUEST, 0x20, 1, &more, &count), -EINVAL);
    ck_assert_int_eq(ioreqd_virtio_request_map(probe->held[0], IOREQD_TO_GUEST, 0, 0, &more, &count), -EINVAL);
    probe_complete(0, 0);
    ck_assert_uint_eq(fake->pinned, 0);
    fake_pump(fake);
}
END_TEST

START_TEST(map_in_too_many_pieces)
{
    const struct part part = {0x40000, 0x8000, 0};
    const struct iovec *iov;
    uint32_t count;

    fake->piece = 16;
    start(0);
    driver_add(&driver, 0, &part, 1);
    driver_kick(&driver, 0);
    ck_assert_int_eq(ioreqd_virtio_request_map(probe->held[0], IOREQD_FROM_GUEST, 0, 0x8000, &iov, &count), -E2BIG);
    probe_complete(0, 0);
    fake_pump(fake);
}
END_TEST

START_TEST(longest_chain)
{
    struct part parts[SIZE];

    for (unsigned i = 0; i < SIZE; i++) {
        parts[i] = (struct part){0x8000 + 16 * i, 16, 0};
    }
    start(0);
    driver_add(&driver, 0, parts, SIZE);
    driver_kick(&driver, 0);
    ck_assert_uint_eq(probe->count, 1);
    ck_assert_uint_eq(ioreqd_virtio_request_readable(probe->held[0]), 16 * SIZE);
    probe_complete(0, 0);
    fake_pump(fake);
}
END_TEST

START_TEST(longest_indirect)
{
    const struct part direct = {0x7000, 16 * SIZE, INDIRECT};

    start(F_INDIRECT);
    for (unsigned i = 0; i < SIZE; i++) {
        driver_table(&driver, 0x7000, i, (struct part){0x9000, 8, i + 1 < SIZE ? NEXT : 0}, (uint16_t)(i + 1));
    }
    for (unsigned i = 0; i < SIZE; i++) {
        driver_add(&driver, 0, &direct, 1);
    }
    driver_kick(&driver, 0);
    ck_assert_uint_eq(probe->count, SIZE);
    while (probe->count != 0) {
        probe_complete(probe->count - 1, 0);
    }
    fake_pump(fake);
    ck_assert_uint_eq(driver_used_index(&driver, 0), SIZE);
}
END_TEST

/* ------------------------------------------------------------------------------------------------------------------
 * Broken rings
 */

START_TEST(broken_order)
{
    const struct part parts[] = {{0x8000, 16, WRITE}, {0x9000, 16, 0}};

    start(0);
    driver_add(&driver, 0, parts, 2);
    driver_kick(&driver, 0);
    assert_ring_broken();
}
END_TEST

START_TEST(broken_empty)
{
    const struct part parts[] = {{0x8000, 0, 0}, {0x9000, 0, WRITE}};

    start(0);
    driver_add(&driver, 0, parts, 2);
    driver_kick(&driver, 0);
    assert_ring_broken();
}
END_TEST

START_TEST(broken_total)
{
    const struct part parts[] = {{0, 0x80000000, 0}, {0, 0x80000000, WRITE}};

    start(0);
    driver_add(&driver, 0, parts, 2);
    driver_kick(&driver, 0);
    assert_ring_broken();
}
END_TEST

START_TEST(broken_wrap)
{
    const struct part part = {UINT64_MAX - 8, 16, 0};

    start(0);
    driver_add(&driver, 0, &part, 1);
    driver_kick(&driver, 0);
    assert_ring_broken();
}
END_TEST

/* As many as the queue holds are in flight, and one more is offered. */
START_TEST(broken_overcommitted)
{
    const struct part part = {0x8000, 16, WRITE};

    start(0);
    for (unsigned i = 0; i < SIZE; i++) {
        driver_add(&driver, 0, &part, 1);
    }
    driver_kick(&driver, 0);
    ck_assert_uint_eq(probe->count, SIZE);
    driver_add(&driver, 0, &part, 1);
    driver_kick(&driver, 0);
    assert_ring_broken();
}
END_TEST

START_TEST(broken_indirect_not_negotiated)
{
    const struct part part = {0x7000, 16, INDIRECT};

    start(0);
    driver_add(&driver, 0, &part, 1);
    driver_kick(&driver, 0);
    assert_ring_broken();
}
END_TEST

START_TEST(broken_indirect_next)
{
    const struct part parts[] = {{0x7000, 16, INDIRECT}, {0x8000, 16, 0}};

    start(F_INDIRECT);
    driver_add(&driver, 0, parts, 2);
    driver_kick(&driver, 0);
    assert_ring_broken();
}
END_TEST

START_TEST(broken_indirect_length)
{
    static const uint32_t length[] = {0, 8, 24, 16 * (LIMIT + 1), 0xffffffff, 0xfffffff0};
    const struct part part = {0x7000, length[_i], INDIRECT};

    start(F_INDIRECT);
    driver_table(&driver, 0x7000, 0, (struct part){0x8000, 16, 0}, 0); /* nothing else is wrong */
    driver_add(&driver, 0, &part, 1);
    driver_kick(&driver, 0);
    assert_ring_broken();
}
END_TEST

START_TEST(broken_indirect_address)
{
    const struct part part = {FAKE_RAM - 8, 16, INDIRECT};

    start(F_INDIRECT);
    driver_add(&driver, 0, &part, 1);
    driver_kick(&driver, 0);
    assert_ring_broken();
}
END_TEST

/* ------------------------------------------------------------------------------------------------------------------
 * Notifications
 */

START_TEST(batches)
{
    const struct part part = {0x8000, 16, WRITE};
    uint32_t id, length;

    start(0);
    for (unsigned i = 0; i < 4; i++) {
        driver_add(&driver, 0, &part, 1);
    }
    driver_kick(&driver, 0);
    ck_assert_uint_eq(probe->readies, 3); /* one at the start of each queue */
    ck_assert_uint_eq(probe->count, 4);
    probe_complete(2, 1);
    probe_complete(0, 2);
    probe_complete(1, 3);
    fake_pump(fake);
    ck_assert_uint_eq(fake->msix[1], 1); /* for the three of them */
    ck_assert_uint_eq(fake->msix[2], 0);
    ck_assert(driver_used(&driver, 0, &id, &length) && id == 2 && length == 1);
    ck_assert(driver_used(&driver, 0, &id, &length) && id == 0 && length == 2);
    ck_assert(driver_used(&driver, 0, &id, &length) && id == 3 && length == 3);
    ck_assert(!driver_used(&driver, 0, &id, &length));
    probe_complete(0, 0);
    fake_pump(fake);
    ck_assert_uint_eq(fake->msix[1], 2);
}
END_TEST

START_TEST(no_interrupt_flag)
{
    const struct part part = {0x8000, 16, WRITE};

    start(0);
    probe->instant = true;
    driver_hold_back(&driver, 0, true);
    driver_add(&driver, 0, &part, 1);
    driver_kick(&driver, 0);
    ck_assert_uint_eq(driver_used_index(&driver, 0), 1);
    ck_assert_uint_eq(fake->msix[1], 0);
    driver_hold_back(&driver, 0, false);
    driver_add(&driver, 0, &part, 1);
    driver_kick(&driver, 0);
    ck_assert_uint_eq(fake->msix[1], 1);
    ck_assert(!driver_held_back(&driver, 0)); /* the driver is to ring again */
}
END_TEST

START_TEST(kicks_held_back)
{
    const struct part part = {0x8000, 16, WRITE};

    start(0);
    probe->lazy = true;
    driver_add(&driver, 0, &part, 1);
    driver_kick(&driver, 0);
    ck_assert(driver_held_back(&driver, 0)); /* the model has not asked for more: no doorbells */
    probe->lazy = false;
    ioreqd_virtio_queue_kick(probe->last);
    fake_pump(fake);
    ck_assert_uint_eq(probe->count, 1);
    ck_assert(!driver_held_back(&driver, 0));
    probe_complete(0, 0);
    fake_pump(fake);
}
END_TEST

START_TEST(no_vector)
{
    const struct part part = {0x8000, 16, WRITE};

    driver_negotiate(&driver, F_VERSION_1 | ring_format);
    driver_set_queue(&driver, 0, SIZE);
    driver_write(&driver, QUEUE_VECTOR, 2, 0xffff);
    driver_write(&driver, STATUS, 1, 0xf);
    probe->instant = true;
    driver_add(&driver, 0, &part, 1);
    driver_kick(&driver, 0);
    ck_assert_uint_eq(driver_used_index(&driver, 0), 1);
    ck_assert_uint_eq(fake->msix[0] + fake->msix[1] + fake->msix[2], 0);
}
END_TEST

/* Many buffers one after the other, through several wraps of a 16-bit index. */
START_TEST(long_run)
{
    const struct part parts[] = {{0x8000, 16, 0}, {0x9000, 16, WRITE}};
    uint32_t id, length;

    start(_i ? F_EVENT_IDX : 0);
    probe->instant = true;
    for (unsigned i = 0; i < 70000; i++) {
        uint16_t head = driver_add(&driver, 0, parts, 2);

        driver_listen(&driver, 0);
        driver_kick(&driver, 0);
        ck_assert(driver_used(&driver, 0, &id, &length));
        ck_assert_uint_eq(id, head);
    }
    ck_assert_uint_eq(fake->msix[1], 70000);
    ck_assert_uint_eq(fake->guest_errors, 0);
}
END_TEST

/* A turn that takes as many as the queue has yields to its loop, and goes on by itself. */
START_TEST(full_queue)
{
    const struct part part = {0x8000, 16, WRITE};

    start(0);
    probe->instant = true;
    for (unsigned i = 0; i < SIZE; i++) {
        driver_add(&driver, 0, &part, 1);
    }
    driver_kick(&driver, 0);
    ck_assert_uint_eq(driver_used_index(&driver, 0), SIZE);
    ck_assert(!driver_held_back(&driver, 0));
}
END_TEST

TCase *ring_cases(const char *name, void (*begin)(void))
{
    TCase *cases = tcase_create(name);

    tcase_set_timeout(cases, 60);
    tcase_add_checked_fixture(cases, begin, probe_end);
    tcase_add_test(cases, framing);
    tcase_add_test(cases, maps);
    tcase_add_test(cases, map_in_too_many_pieces);
    tcase_add_test(cases, longest_chain);
    tcase_add_test(cases, longest_indirect);
    tcase_add_test(cases, broken_order);
    tcase_add_test(cases, broken_empty);
    tcase_add_test(cases, broken_total);
    tcase_add_test(cases, broken_wrap);
    tcase_add_test(cases, broken_overcommitted);
    tcase_add_test(cases, broken_indirect_not_negotiated);
    tcase_add_test(cases, broken_indirect_next);
    tcase_add_loop_test(cases, broken_indirect_length, 0, 6);
    tcase_add_test(cases, broken_indirect_address);
    tcase_add_test(cases, batches);
    tcase_add_test(cases, no_interrupt_flag);
    tcase_add_test(cases, kicks_held_back);
    tcase_add_test(cases, no_vector);
    tcase_add_loop_test(cases, long_run, 0, 2);
    tcase_add_test(cases, full_queue);
    return cases;
}
