/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copies to and from guest memory, and the cache of mappings behind them.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/device/bench.h"

#define RAM         (8 * CHUNK)
#define SWEEP_MOST  4u /* SWEEP_UNMAPS of guest_memory.c */
#define SWEEPS_MOST 1000u

static uint8_t buffer[6 * 1024 * 1024];

static void open_small(void)
{
    bench_open(RAM);
}

static void expect_pattern(uint64_t address, size_t length, unsigned salt)
{
    size_t right = 0;

    while (right < length && buffer[right] == bench_byte(address + right, salt)) {
        right++;
    }
    ck_assert_uint_eq(right, length);
}

START_TEST(copies_of_every_shape)
{
    static const struct {
        uint64_t address;
        size_t length;
    } shape[] = {
        {0, 1},
        {PAGE - 1, 2},
        {5, 3 * PAGE},
        {CHUNK - 1, 2},
        {CHUNK - 7, CHUNK},
        {1, 2 * CHUNK},
        {RAM - 9, 9},
        {CHUNK + 100, CHUNK + 5 * PAGE},
    };

    for (unsigned i = 0; i < sizeof(shape) / sizeof(shape[0]); i++) {
        bench_fill(shape[i].address, shape[i].length, i);
        ck_assert_int_eq(guest_memory_read(memory, shape[i].address, buffer, shape[i].length), 0);
        expect_pattern(shape[i].address, shape[i].length, i);
        memset(buffer, (int)i + 1, shape[i].length);
        ck_assert_int_eq(guest_memory_write(memory, shape[i].address, buffer, shape[i].length), 0);
        ck_assert_mem_eq(sim_memory(sim, shape[i].address, shape[i].length), buffer, shape[i].length);
    }
    ck_assert_int_eq(guest_memory_read(memory, 0, buffer, 0), 0);
    ck_assert_uint_eq(sim_mappings(sim).mapped, 4); /* each chunk once, however often it was used */
}
END_TEST

START_TEST(a_hole_fails_the_whole_copy)
{
    bench_fill(0, RAM, 0);
    sim_punch(sim, 3, 1, -1);
    memset(buffer, 0x55, sizeof(buffer));
    ck_assert_int_eq(guest_memory_read(memory, 3 * PAGE - 8, buffer, 16), -EFAULT);
    ck_assert_int_eq(guest_memory_read(memory, 4 * PAGE - 1, buffer, 2), -EFAULT);
    ck_assert_int_eq(guest_memory_write(memory, 3 * PAGE - 8, buffer, 16), -EFAULT);
    ck_assert_int_eq(guest_memory_write(memory, 0, buffer, 5 * PAGE), -EFAULT);
    for (unsigned i = 0; i < 16; i++) {
        ck_assert_uint_eq(buffer[i], 0x55);
    }
    ck_assert_int_eq(guest_memory_read(memory, 0, buffer, 3 * PAGE), 0);
    expect_pattern(0, 3 * PAGE, 0);
    ck_assert_int_eq(guest_memory_read(memory, 4 * PAGE, buffer, PAGE), 0);
    expect_pattern(4 * PAGE, PAGE, 0);
}
END_TEST

/* All or nothing holds for copies that are larger than a mapping, too. */
START_TEST(a_late_hole_fails_a_large_copy)
{
    bench_fill(0, RAM, 0);
    sim_punch(sim, (2 * CHUNK + CHUNK / 2) / PAGE, 1, -1);
    memset(buffer, 0x55, sizeof(buffer));
    ck_assert_int_eq(guest_memory_write(memory, 0, buffer, 3 * CHUNK), -EFAULT);
    ck_assert_uint_eq(*(uint8_t *)sim_memory(sim, 0, 1), bench_byte(0, 0));
    ck_assert_int_eq(guest_memory_read(memory, 0, buffer, 3 * CHUNK), -EFAULT);
    ck_assert_uint_eq(buffer[0], 0x55);
}
END_TEST

START_TEST(addresses_that_are_no_memory)
{
    static const uint64_t nowhere[] = {RAM, RAM + 5 * CHUNK, UINT64_C(1) << 40, UINT64_MAX - PAGE, UINT64_MAX};

    for (unsigned i = 0; i < sizeof(nowhere) / sizeof(nowhere[0]); i++) {
        ck_assert_int_eq(guest_memory_read(memory, nowhere[i], buffer, 1), -EFAULT);
        ck_assert_int_eq(guest_memory_write(memory, nowhere[i], buffer, 1), -EFAULT);
    }
    ck_assert_int_eq(guest_memory_read(memory, RAM - 1, buffer, 2), -EFAULT);
    /* Around the end of all addresses, and so to 0, which is memory. */
    ck_assert_int_eq(guest_memory_read(memory, UINT64_MAX, buffer, 2), -EFAULT);
    ck_assert_int_eq(guest_memory_read(memory, UINT64_MAX - CHUNK, buffer, 2 * CHUNK), -EFAULT);
    ck_assert_int_eq(guest_memory_read(memory, 16, buffer, SIZE_MAX), -EFAULT);
    ck_assert_uint_eq(sim_mappings(sim).open, 1);
}
END_TEST

START_TEST(a_failed_mapping_is_tried_again)
{
    sim_fail(sim, SIM_FAULT_MAP, 0, ENOMEM);
    ck_assert_int_eq(guest_memory_read(memory, 0, buffer, 1), -EFAULT);
    ck_assert_int_eq(guest_memory_read(memory, 0, buffer, 1), 0);
}
END_TEST

/* What the guest has put in the place of a page is seen after an invalidation: at once, and whatever was cached. */
START_TEST(stale_chunks_are_mapped_anew)
{
    bench_fill(0, 2 * CHUNK, 1);
    ck_assert_int_eq(guest_memory_read(memory, 0, buffer, 2 * CHUNK), 0);
    sim_punch(sim, 7, 1, -1);
    guest_memory_invalidate(memory);
    ck_assert_int_eq(guest_memory_read(memory, 7 * PAGE, buffer, 1), -EFAULT);
    ck_assert_int_eq(guest_memory_read(memory, 8 * PAGE, buffer, 1), 0);
    ck_assert_int_eq(sim_populate(sim, 7, 1), 0);
    bench_fill(7 * PAGE, PAGE, 2);
    guest_memory_invalidate(memory);
    ck_assert_int_eq(guest_memory_read(memory, 7 * PAGE, buffer, PAGE), 0);
    expect_pattern(7 * PAGE, PAGE, 2);
    ck_assert_int_eq(guest_memory_read(memory, CHUNK, buffer, PAGE), 0);
    expect_pattern(CHUNK, PAGE, 1);
    ck_assert_uint_eq(sim_mappings(sim).mapped, 2 + 1 + 1 + 1);
    ck_assert_uint_eq(sim_mappings(sim).open, 2);
}
END_TEST

/* Xen tells of memory that goes, not of memory that comes: what a balloon gives back is found when it is used. */
START_TEST(pages_come_back_unannounced)
{
    sim_punch(sim, 7, 2, -1);
    guest_memory_invalidate(memory);
    ck_assert_int_eq(guest_memory_read(memory, 8 * PAGE, buffer, PAGE), -EFAULT);
    ck_assert_int_eq(guest_memory_read(memory, 0, buffer, PAGE), 0);
    ck_assert_int_eq(sim_populate(sim, 8, 1), 0);
    bench_fill(8 * PAGE, PAGE, 3);
    ck_assert_int_eq(guest_memory_read(memory, 8 * PAGE, buffer, 2 * PAGE), 0);
    expect_pattern(8 * PAGE, PAGE, 3);
    ck_assert_int_eq(guest_memory_read(memory, 7 * PAGE, buffer, 2 * PAGE), -EFAULT);
    ck_assert_uint_eq(sim_mappings(sim).open, 1);
}
END_TEST

/* An invalidation takes the same time whatever is mapped: it touches no mapping. */
START_TEST(invalidation_unmaps_nothing)
{
    for (uint64_t at = 0; at < RAM; at += CHUNK) {
        ck_assert_int_eq(guest_memory_read(memory, at, buffer, 1), 0);
    }
    for (unsigned i = 0; i < 1000; i++) {
        guest_memory_invalidate(memory);
    }
    ck_assert_uint_eq(sim_mappings(sim).open, RAM / CHUNK);
    ck_assert_uint_eq(sim_mappings(sim).unmapped, 0);
}
END_TEST

/* Sweeps unmap what is stale, a few at a time, and come to an end. */
START_TEST(sweeps_are_bounded)
{
    unsigned sweeps = 0;
    bool more = true;

    bench_close();
    bench_open(100 * CHUNK);
    ck_assert(!guest_memory_sweep(memory));
    for (uint64_t at = 0; at < 100 * CHUNK; at += CHUNK) {
        ck_assert_int_eq(guest_memory_read(memory, at, buffer, 1), 0);
    }
    ck_assert(!guest_memory_sweep(memory));
    ck_assert_uint_eq(sim_mappings(sim).open, 100);
    guest_memory_invalidate(memory);
    while (more) {
        uint64_t before = sim_mappings(sim).unmapped;

        more = guest_memory_sweep(memory);
        ck_assert_uint_le(sim_mappings(sim).unmapped - before, SWEEP_MOST);
        ck_assert_uint_lt(++sweeps, SWEEPS_MOST);
    }
    ck_assert_uint_eq(sim_mappings(sim).open, 0);
    ck_assert(!guest_memory_sweep(memory));
}
END_TEST

/* What is in use again after the invalidation is not swept. */
START_TEST(sweeps_leave_what_is_fresh)
{
    for (uint64_t at = 0; at < RAM; at += CHUNK) {
        ck_assert_int_eq(guest_memory_read(memory, at, buffer, 1), 0);
    }
    guest_memory_invalidate(memory);
    ck_assert_int_eq(guest_memory_read(memory, 2 * CHUNK, buffer, 1), 0);
    while (guest_memory_sweep(memory)) {
    }
    ck_assert_uint_eq(sim_mappings(sim).open, 1);
    ck_assert_int_eq(guest_memory_read(memory, 2 * CHUNK, buffer, 1), 0);
    ck_assert_uint_eq(sim_mappings(sim).mapped, RAM / CHUNK + 1);
}
END_TEST

TCase *memory_tests(void)
{
    TCase *group = tcase_create("guest memory");

    tcase_add_checked_fixture(group, open_small, bench_close);
    tcase_set_timeout(group, 30);
    tcase_add_test(group, copies_of_every_shape);
    tcase_add_test(group, a_hole_fails_the_whole_copy);
    tcase_add_test(group, a_late_hole_fails_a_large_copy);
    tcase_add_test(group, addresses_that_are_no_memory);
    tcase_add_test(group, a_failed_mapping_is_tried_again);
    tcase_add_test(group, stale_chunks_are_mapped_anew);
    tcase_add_test(group, pages_come_back_unannounced);
    tcase_add_test(group, invalidation_unmaps_nothing);
    tcase_add_test(group, sweeps_are_bounded);
    tcase_add_test(group, sweeps_leave_what_is_fresh);
    return group;
}
