/* SPDX-License-Identifier: BSD-2-Clause */
/* Split virtqueues: chains, broken rings, notifications. */
#include <errno.h>
#include <string.h>

#include "tests/virtio/suites.h"

#define SIZE 16

static void start(uint64_t features)
{
    driver_start(&driver, F_VERSION_1 | features, 2, SIZE);
}

/* The device shows that it needs a reset, told so once, and touches nothing any more. */
static void assert_broken(void)
{
    const struct part part = {0x8000, 16, WRITE};
    unsigned taken = probe->taken;
    unsigned accesses;
    uint32_t id, length;

    fake_pump(fake);
    ck_assert_uint_eq(driver_status(&driver), 0x4f);
    ck_assert_uint_eq(fake->guest_errors, 1);
    ck_assert_uint_eq(fake->msix[0], 1);
    accesses = fake->accesses;
    driver_add(&driver, 1, &part, 1);
    driver_kick(&driver, 0);
    driver_kick(&driver, 1);
    driver_kick(&driver, 0);
    while (probe->count != 0) {
        probe_complete(0, 0);
    }
    fake_pump(fake);
    ck_assert_uint_eq(fake->accesses, accesses);
    ck_assert_uint_eq(probe->taken, taken);
    ck_assert(!driver_used(&driver, 0, &id, &length));
    ck_assert_uint_eq(fake->msix[1] + fake->msix[2], 0);
    /* A reset heals. */
    driver_write(&driver, STATUS, 1, 0);
    ck_assert_uint_eq(driver_status(&driver), 0);
    start(0);
    driver_add(&driver, 0, &part, 1);
    driver_kick(&driver, 0);
    ck_assert_uint_eq(probe->taken, taken + 1);
    probe_complete(0, 0);
    fake_pump(fake);
}

static void set_table(uint64_t address, unsigned index, struct part part, uint16_t next)
{
    uint8_t *to = fake->ram + address + 16u * index;

    memcpy(to, &part.address, 8);
    memcpy(to + 8, &part.length, 4);
    memcpy(to + 12, &part.flags, 2);
    memcpy(to + 14, &next, 2);
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

    fake->piece = 512;
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

START_TEST(indirect)
{
    const struct part direct[] = {{0x8000, 4, 0}, {0x7000, 32, INDIRECT | WRITE}}; /* WRITE is ignored (§2.7.5.3.2) */

    start(F_INDIRECT);
    set_table(0x7000, 0, (struct part){0x9000, 8, NEXT}, 1);
    set_table(0x7000, 1, (struct part){0xa000, 16, WRITE}, 0);
    driver_add(&driver, 0, direct, 2);
    driver_kick(&driver, 0);
    ck_assert_uint_eq(probe->count, 1);
    ck_assert_uint_eq(ioreqd_virtio_request_readable(probe->held[0]), 12);
    ck_assert_uint_eq(ioreqd_virtio_request_writable(probe->held[0]), 16);
    probe_complete(0, 0);
    fake_pump(fake);
}
END_TEST

START_TEST(longest_indirect)
{
    const struct part direct = {0x7000, 16 * SIZE, INDIRECT};

    start(F_INDIRECT);
    for (unsigned i = 0; i < SIZE; i++) {
        set_table(0x7000, i, (struct part){0x9000, 8, i + 1 < SIZE ? NEXT : 0}, (uint16_t)(i + 1));
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

START_TEST(broken_head)
{
    start(0);
    driver_expose(&driver, 0, SIZE);
    driver_kick(&driver, 0);
    assert_broken();
}
END_TEST

START_TEST(broken_next)
{
    start(0);
    driver_descriptor(&driver, 0, 0, (struct part){0x8000, 16, NEXT}, SIZE);
    driver_expose(&driver, 0, 0);
    driver_kick(&driver, 0);
    assert_broken();
}
END_TEST

START_TEST(broken_loop)
{
    start(0);
    driver_descriptor(&driver, 0, 0, (struct part){0x8000, 16, NEXT}, 1);
    driver_descriptor(&driver, 0, 1, (struct part){0x8000, 16, NEXT}, 0);
    driver_expose(&driver, 0, 0);
    driver_kick(&driver, 0);
    assert_broken();
}
END_TEST

START_TEST(broken_order)
{
    const struct part parts[] = {{0x8000, 16, WRITE}, {0x9000, 16, 0}};

    start(0);
    driver_add(&driver, 0, parts, 2);
    driver_kick(&driver, 0);
    assert_broken();
}
END_TEST

START_TEST(broken_empty)
{
    const struct part parts[] = {{0x8000, 0, 0}, {0x9000, 0, WRITE}};

    start(0);
    driver_add(&driver, 0, parts, 2);
    driver_kick(&driver, 0);
    assert_broken();
}
END_TEST

START_TEST(broken_total)
{
    const struct part parts[] = {{0, 0x80000000, 0}, {0, 0x80000000, WRITE}};

    start(0);
    driver_add(&driver, 0, parts, 2);
    driver_kick(&driver, 0);
    assert_broken();
}
END_TEST

START_TEST(broken_wrap)
{
    const struct part part = {UINT64_MAX - 8, 16, 0};

    start(0);
    driver_add(&driver, 0, &part, 1);
    driver_kick(&driver, 0);
    assert_broken();
}
END_TEST

START_TEST(broken_available_ahead)
{
    start(0);
    driver_set_available(&driver, 0, SIZE + 1);
    driver_kick(&driver, 0);
    assert_broken();
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
    assert_broken();
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
    assert_broken();
}
END_TEST

START_TEST(broken_indirect_not_negotiated)
{
    const struct part part = {0x7000, 16, INDIRECT};

    start(0);
    driver_add(&driver, 0, &part, 1);
    driver_kick(&driver, 0);
    assert_broken();
}
END_TEST

START_TEST(broken_indirect_next)
{
    const struct part parts[] = {{0x7000, 16, INDIRECT}, {0x8000, 16, 0}};

    start(F_INDIRECT);
    driver_add(&driver, 0, parts, 2);
    driver_kick(&driver, 0);
    assert_broken();
}
END_TEST

START_TEST(broken_indirect_nested)
{
    const struct part part = {0x7000, 16, INDIRECT};

    start(F_INDIRECT);
    set_table(0x7000, 0, part, 0); /* and to itself, at that */
    driver_add(&driver, 0, &part, 1);
    driver_kick(&driver, 0);
    assert_broken();
}
END_TEST

START_TEST(broken_indirect_length)
{
    static const uint32_t length[] = {0, 8, 24, 16 * (SIZE + 1), 0xffffffff, 0xfffffff0};
    const struct part part = {0x7000, length[_i], INDIRECT};

    start(F_INDIRECT);
    set_table(0x7000, 0, (struct part){0x8000, 16, 0}, 0); /* nothing else is wrong */
    driver_add(&driver, 0, &part, 1);
    driver_kick(&driver, 0);
    assert_broken();
}
END_TEST

START_TEST(broken_indirect_address)
{
    const struct part part = {FAKE_RAM - 8, 16, INDIRECT};

    start(F_INDIRECT);
    driver_add(&driver, 0, &part, 1);
    driver_kick(&driver, 0);
    assert_broken();
}
END_TEST

START_TEST(broken_indirect_next_index)
{
    const struct part part = {0x7000, 32, INDIRECT};

    start(F_INDIRECT);
    set_table(0x7000, 0, (struct part){0x8000, 16, NEXT}, 2); /* inside the ring, but not the table */
    driver_add(&driver, 0, &part, 1);
    driver_kick(&driver, 0);
    assert_broken();
}
END_TEST

START_TEST(broken_indirect_loop)
{
    const struct part part = {0x7000, 32, INDIRECT};

    start(F_INDIRECT);
    set_table(0x7000, 0, (struct part){0x8000, 16, NEXT}, 1);
    set_table(0x7000, 1, (struct part){0x8000, 16, NEXT}, 0);
    driver_add(&driver, 0, &part, 1);
    driver_kick(&driver, 0);
    assert_broken();
}
END_TEST

/* Direct and indirect descriptors together exceed the queue's size. */
START_TEST(broken_indirect_count)
{
    const struct part parts[] = {{0x8000, 16, 0}, {0x7000, 16 * SIZE, INDIRECT}};

    start(F_INDIRECT);
    for (unsigned i = 0; i < SIZE; i++) {
        set_table(0x7000, i, (struct part){0x9000, 8, i + 1 < SIZE ? NEXT : 0}, (uint16_t)(i + 1));
    }
    driver_add(&driver, 0, parts, 2);
    driver_kick(&driver, 0);
    assert_broken();
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
    driver_set16(&driver, DRIVER_AREA(0), 1);
    driver_set_used_event(&driver, 0, 0); /* must be ignored (virtio 1.4 §2.7.7.2) */
    driver_add(&driver, 0, &part, 1);
    driver_kick(&driver, 0);
    ck_assert_uint_eq(driver_used_index(&driver, 0), 1);
    ck_assert_uint_eq(fake->msix[1], 0);
    driver_set16(&driver, DRIVER_AREA(0), 0);
    driver_add(&driver, 0, &part, 1);
    driver_kick(&driver, 0);
    ck_assert_uint_eq(fake->msix[1], 1);
    ck_assert_uint_eq(driver_get16(&driver, DEVICE_AREA(0)), 0); /* the driver is to ring again */
}
END_TEST

START_TEST(kicks_held_back)
{
    const struct part part = {0x8000, 16, WRITE};

    start(0);
    probe->lazy = true;
    driver_add(&driver, 0, &part, 1);
    driver_kick(&driver, 0);
    ck_assert_uint_eq(driver_get16(&driver, DEVICE_AREA(0)), 1); /* the model has not asked for more: no doorbells */
    probe->lazy = false;
    ioreqd_virtio_queue_kick(probe->last);
    fake_pump(fake);
    ck_assert_uint_eq(probe->count, 1);
    ck_assert_uint_eq(driver_get16(&driver, DEVICE_AREA(0)), 0);
    probe_complete(0, 0);
    fake_pump(fake);
}
END_TEST

START_TEST(no_vector)
{
    const struct part part = {0x8000, 16, WRITE};

    driver_negotiate(&driver, F_VERSION_1);
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

/* Many buffers one after the other, through several wraps of a 16-bit index. */
START_TEST(long_run)
{
    const struct part parts[] = {{0x8000, 16, 0}, {0x9000, 16, WRITE}};
    uint32_t id, length;

    start(_i ? F_EVENT_IDX : 0);
    probe->instant = true;
    for (unsigned i = 0; i < 70000; i++) {
        uint16_t head = driver_add(&driver, 0, parts, 2);

        driver_set_used_event(&driver, 0, driver.seen_used[0]);
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
    ck_assert_uint_eq(driver_get16(&driver, DEVICE_AREA(0)), 0);
}
END_TEST

TCase *ring_cases(void)
{
    TCase *cases = tcase_create("rings");

    tcase_set_timeout(cases, 60);
    tcase_add_checked_fixture(cases, probe_begin, probe_end);
    tcase_add_test(cases, framing);
    tcase_add_test(cases, maps);
    tcase_add_test(cases, map_in_too_many_pieces);
    tcase_add_test(cases, longest_chain);
    tcase_add_test(cases, indirect);
    tcase_add_test(cases, longest_indirect);
    tcase_add_test(cases, broken_head);
    tcase_add_test(cases, broken_next);
    tcase_add_test(cases, broken_loop);
    tcase_add_test(cases, broken_order);
    tcase_add_test(cases, broken_empty);
    tcase_add_test(cases, broken_total);
    tcase_add_test(cases, broken_wrap);
    tcase_add_test(cases, broken_available_ahead);
    tcase_add_test(cases, broken_available_back);
    tcase_add_test(cases, broken_overcommitted);
    tcase_add_test(cases, broken_indirect_not_negotiated);
    tcase_add_test(cases, broken_indirect_next);
    tcase_add_test(cases, broken_indirect_nested);
    tcase_add_loop_test(cases, broken_indirect_length, 0, 6);
    tcase_add_test(cases, broken_indirect_address);
    tcase_add_test(cases, broken_indirect_next_index);
    tcase_add_test(cases, broken_indirect_loop);
    tcase_add_test(cases, broken_indirect_count);
    tcase_add_test(cases, batches);
    tcase_add_test(cases, no_interrupt_flag);
    tcase_add_test(cases, kicks_held_back);
    tcase_add_test(cases, no_vector);
    tcase_add_loop_test(cases, event_idx, 0, 17);
    tcase_add_loop_test(cases, long_run, 0, 2);
    tcase_add_test(cases, full_queue);
    return cases;
}
