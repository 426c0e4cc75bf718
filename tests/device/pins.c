/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pinned guest memory: stays where it is until it is given back, whatever happens to the guest's map meanwhile.
 */
#include <errno.h>
#include <string.h>

#include "tests/device/bench.h"

#define SET_STRIDE (1024 * CHUNK) /* chunks this far apart share a set of guest_memory.c */
#define WAYS       4u
#define RAM        (6 * SET_STRIDE + CHUNK)

static struct iovec iov[16];
static uint64_t pin[16];

static void open_large(void)
{
    bench_open(RAM);
}

static void pin_one(unsigned at, uint64_t address, size_t length)
{
    ck_assert_int_eq(guest_memory_pin(memory, address, length, &iov[at], &pin[at], 1), 1);
    ck_assert_uint_eq(iov[at].iov_len, length);
}

START_TEST(pieces_cover_the_range)
{
    bench_fill(CHUNK - PAGE, 2 * CHUNK, 3);
    ck_assert_int_eq(guest_memory_pin(memory, CHUNK - 100, CHUNK + 200, iov, pin, 16), 3);
    ck_assert_uint_eq(iov[0].iov_len, 100);
    ck_assert_uint_eq(iov[1].iov_len, CHUNK);
    ck_assert_uint_eq(iov[2].iov_len, 100);
    ck_assert_mem_eq(iov[0].iov_base, sim_memory(sim, CHUNK - 100, 100), 100);
    ck_assert_mem_eq(iov[1].iov_base, sim_memory(sim, CHUNK, CHUNK), CHUNK);
    ck_assert_mem_eq(iov[2].iov_base, sim_memory(sim, 2 * CHUNK, 100), 100);
    memset(iov[2].iov_base, 0x77, 100);
    ck_assert_uint_eq(*(uint8_t *)sim_memory(sim, 2 * CHUNK + 99, 1), 0x77);
    guest_memory_unpin(memory, pin, 3);
}
END_TEST

START_TEST(refusals_keep_nothing_pinned)
{
    ck_assert_int_eq(guest_memory_pin(memory, 0, 0, iov, pin, 16), -EINVAL);
    ck_assert_int_eq(guest_memory_pin(memory, 0, CHUNK + 1, iov, pin, 1), -E2BIG);
    ck_assert_int_eq(guest_memory_pin(memory, 0, 1, iov, pin, 0), -E2BIG);
    ck_assert_int_eq(guest_memory_pin(memory, RAM - 1, 2, iov, pin, 16), -EFAULT);
    ck_assert_int_eq(guest_memory_pin(memory, UINT64_MAX - 3, 8, iov, pin, 16), -EFAULT);
    sim_punch(sim, CHUNK / PAGE + 3, 1, -1);
    ck_assert_int_eq(guest_memory_pin(memory, CHUNK - 1, 5 * PAGE, iov, pin, 16), -EFAULT);
    /* Nothing is pinned: after an invalidation all can be swept. */
    guest_memory_invalidate(memory);
    while (guest_memory_sweep(memory)) {
    }
    ck_assert_uint_eq(sim_mappings(sim).open, 0);
}
END_TEST

START_TEST(a_pin_survives_an_invalidation)
{
    bench_fill(0, CHUNK, 1);
    pin_one(0, 5 * PAGE, PAGE);
    sim_punch(sim, 5, 1, -1);
    guest_memory_invalidate(memory);
    for (unsigned i = 0; i < 200; i++) {
        ck_assert(guest_memory_sweep(memory)); /* there is something that cannot be swept yet */
    }
    ck_assert_uint_eq(*(uint8_t *)iov[0].iov_base, bench_byte(5 * PAGE, 1));
    memset(iov[0].iov_base, 0x99, PAGE); /* a transfer that ends late writes to the page that was */
    ck_assert_int_eq(sim_populate(sim, 5, 1), 0);
    guest_memory_invalidate(memory);
    pin_one(1, 5 * PAGE, PAGE);
    ck_assert_uint_eq(*(uint8_t *)iov[1].iov_base, 0);
    ck_assert_ptr_ne(iov[1].iov_base, iov[0].iov_base);
    memset(iov[0].iov_base, 0xaa, PAGE);
    ck_assert_uint_eq(*(uint8_t *)sim_memory(sim, 5 * PAGE, 1), 0);
    guest_memory_unpin(memory, &pin[0], 1);
    while (guest_memory_sweep(memory)) {
    }
    ck_assert_uint_eq(sim_mappings(sim).open, 1);
    *(uint8_t *)iov[1].iov_base = 0x11;
    ck_assert_uint_eq(*(uint8_t *)sim_memory(sim, 5 * PAGE, 1), 0x11);
    guest_memory_unpin(memory, &pin[1], 1);
}
END_TEST

/* Two pins of a page are two: the first that ends does not end the other. */
START_TEST(pins_are_counted)
{
    pin_one(0, 0, PAGE);
    pin_one(1, 0, PAGE);
    ck_assert_ptr_eq(iov[0].iov_base, iov[1].iov_base);
    guest_memory_unpin(memory, &pin[0], 1);
    guest_memory_invalidate(memory);
    for (unsigned i = 0; i < 200; i++) {
        guest_memory_sweep(memory);
    }
    ck_assert_uint_eq(sim_mappings(sim).open, 1);
    *(uint8_t *)iov[1].iov_base = 1;
    guest_memory_unpin(memory, &pin[1], 1);
}
END_TEST

/* Chunks that share a set take turns in its places. */
START_TEST(a_set_has_four_places)
{
    uint8_t byte;

    for (unsigned i = 0; i < 12; i++) {
        bench_fill(i % 6 * SET_STRIDE, 16, i);
        ck_assert_int_eq(guest_memory_read(memory, i % 6 * SET_STRIDE, &byte, 1), 0);
        ck_assert_uint_eq(byte, bench_byte(i % 6 * SET_STRIDE, i));
    }
    ck_assert_uint_eq(sim_mappings(sim).open, WAYS);
}
END_TEST

/* A set whose places are all pinned does not stop a transfer: it gets a mapping that ends with its pin. */
START_TEST(extra_chunks_when_all_are_pinned)
{
    for (unsigned i = 0; i < 6; i++) {
        bench_fill(i * SET_STRIDE, 16, i);
        pin_one(i, i * SET_STRIDE, 16);
    }
    ck_assert_uint_eq(sim_mappings(sim).open, 6);
    for (unsigned i = 0; i < 6; i++) {
        ck_assert_uint_eq(*(uint8_t *)iov[i].iov_base, bench_byte(i * SET_STRIDE, i));
    }
    guest_memory_unpin(memory, &pin[4], 2);
    ck_assert_uint_eq(sim_mappings(sim).open, WAYS);
    /* Even a place that cannot be mapped leaves no extra chunk behind. */
    ck_assert_int_eq(guest_memory_pin(memory, 7 * SET_STRIDE, 16, &iov[4], &pin[4], 1), -EFAULT);
    guest_memory_unpin(memory, &pin[0], 4);
    pin_one(4, 5 * SET_STRIDE, 16);
    guest_memory_unpin(memory, &pin[4], 1);
    ck_assert_uint_eq(sim_mappings(sim).open, WAYS);
}
END_TEST

/* A pinned place is never the one that is taken for another chunk. */
START_TEST(a_pinned_chunk_is_not_replaced)
{
    uint8_t byte;

    bench_fill(0, 16, 9);
    pin_one(0, 0, 16);
    for (unsigned i = 0; i < 60; i++) {
        ck_assert_int_eq(guest_memory_read(memory, (1 + i % 5) * SET_STRIDE, &byte, 1), 0);
        ck_assert_uint_eq(*(uint8_t *)iov[0].iov_base, bench_byte(0, 9));
    }
    guest_memory_unpin(memory, pin, 1);
}
END_TEST

TCase *pin_tests(void)
{
    TCase *group = tcase_create("pins");

    tcase_add_checked_fixture(group, open_large, bench_close);
    tcase_set_timeout(group, 30);
    tcase_add_test(group, pieces_cover_the_range);
    tcase_add_test(group, refusals_keep_nothing_pinned);
    tcase_add_test(group, a_pin_survives_an_invalidation);
    tcase_add_test(group, pins_are_counted);
    tcase_add_test(group, a_set_has_four_places);
    tcase_add_test(group, extra_chunks_when_all_are_pinned);
    tcase_add_test(group, a_pinned_chunk_is_not_replaced);
    return group;
}
