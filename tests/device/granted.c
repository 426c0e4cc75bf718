/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory that the guest grants: found by the address, mapped only while it is used, and nothing beyond what was granted. */
#include <errno.h>
#include <string.h>

#include "device/granted_memory.h"
#include "tests/device/bench.h"

#define FIRST 100u /* reference */
#define FRAME 7u   /* frames are granted the other way round than their references count */

static struct iovec iov[4];
static uint64_t pin[4];
static uint8_t bytes[4 * PAGE];

static uint64_t granted(uint32_t reference, uint64_t offset)
{
    return UINT64_C(1) << 63 | (uint64_t)reference << HYPERVISOR_PAGE_SHIFT | offset;
}

/* Three pages that may be written, and one that may only be read. */
static void open_granted(void)
{
    bench_open(PAGE * 64);
    for (unsigned i = 0; i < 4; i++) {
        sim_grant(sim, FIRST + i, FRAME + 3 - i, i < 3);
        memset(sim_memory(sim, (FRAME + 3 - i) * PAGE, PAGE), 0xa0 + (int)i, PAGE);
    }
}

START_TEST(addresses_are_told_apart)
{
    ck_assert(granted_memory_is_address(granted(0, 0)));
    ck_assert(!granted_memory_is_address(UINT64_MAX >> 1));
    ck_assert_int_eq(guest_memory_pin(memory, 0, 1, iov, pin, 1), 1);
    ck_assert(!granted_memory_is_pin(pin[0]));
    guest_memory_unpin(memory, pin, 1);
}
END_TEST

START_TEST(copies_cross_pages)
{
    ck_assert_int_eq(granted_memory_read(sim, granted(FIRST, PAGE - 2), bytes, PAGE + 4), 0);
    ck_assert_uint_eq(bytes[1], 0xa0);
    ck_assert_uint_eq(bytes[2], 0xa1);
    ck_assert_uint_eq(bytes[PAGE + 1], 0xa1);
    ck_assert_uint_eq(bytes[PAGE + 2], 0xa2);
    ck_assert_int_eq(granted_memory_write(sim, granted(FIRST, PAGE - 1), "xy", 2), 0);
    ck_assert_uint_eq(*(uint8_t *)sim_memory(sim, (FRAME + 3) * PAGE + PAGE - 1, 1), 'x');
    ck_assert_uint_eq(*(uint8_t *)sim_memory(sim, (FRAME + 2) * PAGE, 1), 'y');
    ck_assert_int_eq(granted_memory_read(sim, granted(FIRST + 9, 0), bytes, 0), 0);
}
END_TEST

START_TEST(what_was_not_granted_is_refused)
{
    ck_assert_int_eq(granted_memory_read(sim, granted(FIRST + 4, 0), bytes, 1), -EFAULT);
    ck_assert_int_eq(granted_memory_read(sim, granted(FIRST + 3, PAGE - 1), bytes, 2), -EFAULT);
    ck_assert_int_eq(granted_memory_write(sim, granted(FIRST + 3, 0), bytes, 1), -EFAULT);
    ck_assert_int_eq(granted_memory_pin(sim, granted(FIRST + 3, 0), 1, true, iov, pin, 4), -EFAULT);
    ck_assert_int_eq(granted_memory_pin(sim, granted(FIRST + 3, 0), PAGE + 1, false, iov, pin, 4), -EFAULT);
    ck_assert_int_eq(granted_memory_pin(sim, granted(FIRST, 0), 0, false, iov, pin, 4), -EINVAL);
    ck_assert_int_eq(granted_memory_pin(sim, granted(FIRST, 0), 1, false, iov, pin, 0), -E2BIG);
    /* Beyond the last reference, and around the end of all addresses. */
    ck_assert_int_eq(granted_memory_read(sim, granted(UINT32_MAX, PAGE - 1), bytes, 2), -EFAULT);
    ck_assert_int_eq(granted_memory_read(sim, UINT64_C(1) << 63 | UINT64_C(1) << 44, bytes, 1), -EFAULT);
    ck_assert_int_eq(granted_memory_read(sim, UINT64_MAX, bytes, 2), -EFAULT);
    ck_assert_uint_eq(sim_mappings(sim).open, 0);
}
END_TEST

START_TEST(a_pin_lasts_until_it_is_given_back)
{
    ck_assert_int_eq(granted_memory_pin(sim, granted(FIRST, 8), 2 * PAGE, true, iov, pin, 4), 1);
    ck_assert(granted_memory_is_pin(pin[0]));
    ck_assert_uint_eq(iov[0].iov_len, 2 * PAGE);
    ck_assert_uint_eq(((uint8_t *)iov[0].iov_base)[PAGE], 0xa1);
    memset(iov[0].iov_base, 0x55, 2 * PAGE);
    ck_assert_uint_eq(*(uint8_t *)sim_memory(sim, (FRAME + 1) * PAGE + 7, 1), 0x55);
    ck_assert_uint_eq(*(uint8_t *)sim_memory(sim, (FRAME + 1) * PAGE + 8, 1), 0xa2);
    for (unsigned i = 0; i < 3; i++) {
        ck_assert(!sim_ungrant(sim, FIRST + i));
    }
    granted_memory_unpin(sim, pin[0]);
    for (unsigned i = 0; i < 3; i++) {
        ck_assert(sim_ungrant(sim, FIRST + i));
    }
    ck_assert_int_eq(granted_memory_pin(sim, granted(FIRST, 0), 1, true, iov, pin, 4), -EFAULT);
}
END_TEST

START_TEST(what_may_be_read_is_mapped_for_reading)
{
    ck_assert_int_eq(granted_memory_pin(sim, granted(FIRST + 2, 0), 2 * PAGE, false, iov, pin, 4), 1);
    ck_assert_uint_eq(((uint8_t *)iov[0].iov_base)[2 * PAGE - 1], 0xa3);
    granted_memory_unpin(sim, pin[0]);
    ck_assert_uint_eq(sim_mappings(sim).open, 0);
}
END_TEST

START_TEST(a_window_stays)
{
    struct granted_window window = {.base = NULL};

    ck_assert_int_eq(granted_window_open(sim, granted(FIRST + 3, 0), 8, &window), -EFAULT);
    ck_assert_int_eq(granted_window_open(sim, granted(FIRST, 0), 0, &window), -EINVAL);
    ck_assert_int_eq(granted_window_open(sim, granted(FIRST, 1), HYPERVISOR_GRANTS_MAX * PAGE, &window), -E2BIG);
    granted_window_close(sim, &window);
    ck_assert_int_eq(granted_window_open(sim, granted(FIRST, 16), PAGE, &window), 0);
    ((volatile uint8_t *)window.base)[PAGE - 16] = 0x77;
    ck_assert_uint_eq(*(uint8_t *)sim_memory(sim, (FRAME + 2) * PAGE, 1), 0x77);
    ck_assert(!sim_ungrant(sim, FIRST + 1));
    granted_window_close(sim, &window);
    ck_assert(sim_ungrant(sim, FIRST + 1));
}
END_TEST

TCase *granted_tests(void)
{
    TCase *group = tcase_create("granted memory");

    tcase_add_checked_fixture(group, open_granted, bench_close);
    tcase_add_test(group, addresses_are_told_apart);
    tcase_add_test(group, copies_cross_pages);
    tcase_add_test(group, what_was_not_granted_is_refused);
    tcase_add_test(group, a_pin_lasts_until_it_is_given_back);
    tcase_add_test(group, what_may_be_read_is_mapped_for_reading);
    tcase_add_test(group, a_window_stays);
    return group;
}
