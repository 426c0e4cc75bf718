/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Token buckets, by a clock of the test's own.
 */
#include "device/throttle.h"

#include "tests/device/bench.h"

#define SECOND UINT64_C(1000000000)
#define START  (100 * SECOND)

static struct throttle throttle;

START_TEST(no_limit)
{
    throttle_init(&throttle, 0, 5, 0, 5);
    ck_assert(!throttle_limits(&throttle));
    ck_assert_uint_eq(throttle_take(&throttle, START, UINT64_MAX), START);
}
END_TEST

START_TEST(requests_are_spread)
{
    throttle_init(&throttle, 10, 3, 0, 0);
    ck_assert(throttle_limits(&throttle));
    for (unsigned i = 0; i < 3; i++) {
        ck_assert_uint_eq(throttle_take(&throttle, START, 1000000), START);
    }
    for (unsigned i = 1; i < 10; i++) {
        ck_assert_uint_eq(throttle_take(&throttle, START, 0), START + i * SECOND / 10);
    }
    /* The bucket fills, and not beyond its size. */
    for (unsigned i = 0; i < 3; i++) {
        ck_assert_uint_eq(throttle_take(&throttle, START + 60 * SECOND, 0), START + 60 * SECOND);
    }
    ck_assert_uint_eq(throttle_take(&throttle, START + 60 * SECOND, 0), START + 60 * SECOND + SECOND / 10);
}
END_TEST

/* Without a burst it is a tenth of a second's worth, and one request can always go. */
START_TEST(bursts_that_were_not_given)
{
    throttle_init(&throttle, 100, 0, 0, 0);
    for (unsigned i = 0; i < 10; i++) {
        ck_assert_uint_eq(throttle_take(&throttle, START, 0), START);
    }
    ck_assert_uint_eq(throttle_take(&throttle, START, 0), START + SECOND / 100);
    throttle_init(&throttle, 2, 0, 0, 0);
    ck_assert_uint_eq(throttle_take(&throttle, START, 0), START);
    ck_assert_uint_eq(throttle_take(&throttle, START, 0), START + SECOND / 2);
}
END_TEST

/* What is larger than the bucket goes when that is full, and is paid for by those after it. */
START_TEST(large_requests_go_too)
{
    throttle_init(&throttle, 0, 0, 1000, 100);
    ck_assert_uint_eq(throttle_take(&throttle, START, 5000), START);
    ck_assert_uint_eq(throttle_take(&throttle, START, 1), START + 5 * SECOND - SECOND / 10 + SECOND / 1000);
    throttle_init(&throttle, 1, 0, 1, 0);
    ck_assert_uint_eq(throttle_take(&throttle, START, UINT64_MAX), START);
    ck_assert_uint_ge(throttle_take(&throttle, START, UINT64_MAX), START + 3600 * SECOND);
}
END_TEST

START_TEST(the_stricter_limit_holds)
{
    throttle_init(&throttle, 1, 1, 1000, 1000);
    ck_assert_uint_eq(throttle_take(&throttle, START, 100), START);
    ck_assert_uint_eq(throttle_take(&throttle, START, 100), START + SECOND);
    throttle_init(&throttle, 100, 100, 1000, 1000);
    ck_assert_uint_eq(throttle_take(&throttle, START, 1000), START);
    ck_assert_uint_eq(throttle_take(&throttle, START, 1000), START + SECOND);
}
END_TEST

TCase *throttle_tests(void)
{
    TCase *group = tcase_create("limits");

    tcase_add_test(group, no_limit);
    tcase_add_test(group, requests_are_spread);
    tcase_add_test(group, bursts_that_were_not_given);
    tcase_add_test(group, large_requests_go_too);
    tcase_add_test(group, the_stricter_limit_holds);
    return group;
}
