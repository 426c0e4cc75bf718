/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Windows: guest memory that stays in sight, for rings.
 */
#include <errno.h>
#include <string.h>

#include "tests/device/bench.h"

#define RAM (1024 * PAGE)

static struct guest_window *window;

static void open_small(void)
{
    bench_open(RAM);
}

/* Nobody changes the bytes while a test looks at them. */
static uint8_t *base_now(void)
{
    return (uint8_t *)(uintptr_t)guest_window_base(window);
}

static void open_at(uint64_t address, size_t length)
{
    ck_assert_int_eq(guest_window_open(memory, address, length, &window), 0);
    ck_assert_ptr_nonnull(window);
}

START_TEST(a_window_shows_the_guests_bytes)
{
    uint8_t *base;

    bench_fill(3 * PAGE, 4 * PAGE, 1);
    open_at(3 * PAGE + 0x123, 2 * PAGE);
    base = base_now();
    for (unsigned i = 0; i < 2 * PAGE; i++) {
        ck_assert_uint_eq(base[i], bench_byte(3 * PAGE + 0x123 + i, 1));
    }
    base[2 * PAGE - 1] = 0xee;
    ck_assert_uint_eq(*(uint8_t *)sim_memory(sim, 5 * PAGE + 0x122, 1), 0xee);
    ck_assert_ptr_eq(base_now(), base);
    ck_assert_uint_eq(sim_mappings(sim).frames, 3);
    ck_assert_uint_eq(sim_mappings(sim).mapped, 1);
    guest_window_close(window);
    ck_assert_uint_eq(sim_mappings(sim).open, 0);
}
END_TEST

START_TEST(bounds_of_windows)
{
    const uint64_t most = HYPERVISOR_MAP_MAX * PAGE;

    ck_assert_int_eq(guest_window_open(memory, 0, 0, &window), -EINVAL);
    ck_assert_int_eq(guest_window_open(memory, UINT64_MAX, 2, &window), -EINVAL);
    ck_assert_int_eq(guest_window_open(memory, 0, most + 1, &window), -E2BIG);
    ck_assert_int_eq(guest_window_open(memory, 1, most, &window), -E2BIG);
    ck_assert_int_eq(guest_window_open(memory, 0, SIZE_MAX, &window), -E2BIG);
    ck_assert_int_eq(guest_window_open(memory, RAM, 1, &window), -EFAULT);
    ck_assert_int_eq(guest_window_open(memory, RAM - 1, 2, &window), -EFAULT);
    ck_assert_int_eq(guest_window_open(memory, UINT64_MAX, 1, &window), -EFAULT);
    ck_assert_uint_eq(sim_mappings(sim).open, 0);
    open_at(1, most - 1);
    ck_assert_uint_eq(sim_mappings(sim).frames, HYPERVISOR_MAP_MAX);
    guest_window_close(window);
    open_at(PAGE - 1, 1);
    ck_assert_uint_eq(sim_mappings(sim).frames, 1);
    guest_window_close(window);
    guest_window_close(NULL);
}
END_TEST

START_TEST(a_window_is_renewed_after_an_invalidation)
{
    uint8_t *base;

    bench_fill(0, 4 * PAGE, 1);
    open_at(PAGE, 2 * PAGE);
    ck_assert_uint_eq(*base_now(), bench_byte(PAGE, 1));
    sim_punch(sim, 2, 1, -1);
    ck_assert_int_eq(sim_populate(sim, 2, 1), 0);
    bench_fill(2 * PAGE, PAGE, 2);
    guest_memory_invalidate(memory);
    base = base_now();
    ck_assert_ptr_nonnull(base);
    ck_assert_uint_eq(base[0], bench_byte(PAGE, 1));
    ck_assert_uint_eq(base[PAGE], bench_byte(2 * PAGE, 2));
    ck_assert_uint_eq(sim_mappings(sim).mapped, 2);
    base_now();
    ck_assert_uint_eq(sim_mappings(sim).mapped, 2); /* once for each invalidation */
    guest_window_close(window);
}
END_TEST

START_TEST(a_window_goes_with_its_page_and_comes_back)
{
    open_at(PAGE, 3 * PAGE);
    sim_punch(sim, 3, 1, -1);
    guest_memory_invalidate(memory);
    ck_assert_ptr_null(base_now());
    ck_assert_ptr_null(base_now());
    ck_assert_uint_eq(sim_mappings(sim).open, 0);
    ck_assert_int_eq(sim_populate(sim, 3, 1), 0);
    ck_assert_ptr_nonnull(base_now());
    *(uint8_t *)sim_memory(sim, 3 * PAGE, 1) = 0x42;
    ck_assert_uint_eq(base_now()[2 * PAGE], 0x42);
    sim_punch(sim, 1, 3, -1); /* all of it: nothing can be mapped */
    guest_memory_invalidate(memory);
    ck_assert_ptr_null(base_now());
    guest_window_close(window);
}
END_TEST

START_TEST(a_window_survives_a_failed_mapping)
{
    open_at(0, PAGE);
    guest_memory_invalidate(memory);
    sim_fail(sim, SIM_FAULT_MAP, 0, ENOMEM);
    ck_assert_ptr_null(base_now());
    ck_assert_ptr_nonnull(base_now());
    guest_window_close(window);
    sim_fail(sim, SIM_FAULT_MAP, 0, ENOMEM);
    ck_assert_int_eq(guest_window_open(memory, 0, PAGE, &window), -EFAULT);
}
END_TEST

TCase *window_tests(void)
{
    TCase *group = tcase_create("windows");

    tcase_add_checked_fixture(group, open_small, bench_close);
    tcase_add_test(group, a_window_shows_the_guests_bytes);
    tcase_add_test(group, bounds_of_windows);
    tcase_add_test(group, a_window_is_renewed_after_an_invalidation);
    tcase_add_test(group, a_window_goes_with_its_page_and_comes_back);
    tcase_add_test(group, a_window_survives_a_failed_mapping);
    return group;
}
