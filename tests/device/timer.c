/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Timers of models: never early, in order, taken back, set again from within.
 */
#include "device/timer.h"

#include "device/loop.h"
#include "tests/device/bench.h"

#define MILLISECOND UINT64_C(1000000)

static struct ioreqd_loop *loop;
static struct ioreqd_timer *first, *second;
static uint64_t fired_at[8];
static struct ioreqd_timer *fired_timer[8];
static unsigned fired;

static void open_loop(void)
{
    loop = loop_create();
    ck_assert_ptr_nonnull(loop);
    fired = 0;
}

static void close_loop(void)
{
    timer_free(first);
    timer_free(second);
    first = second = NULL;
    loop_destroy(loop);
}

static void note(void *argument)
{
    struct ioreqd_timer **timer = argument;

    fired_timer[fired] = *timer;
    fired_at[fired++] = timer_now();
}

static void note_and_end(void *argument)
{
    note(argument);
    loop_break(loop);
}

START_TEST(never_early_and_in_order)
{
    uint64_t start = timer_now();

    first = timer_make(loop, note_and_end, &first);
    second = timer_make(loop, note, &second);
    timer_arm(first, start + 20 * MILLISECOND);
    timer_arm(second, start + 5 * MILLISECOND);
    loop_run(loop);
    ck_assert_uint_eq(fired, 2);
    ck_assert_ptr_eq(fired_timer[0], second);
    ck_assert_uint_ge(fired_at[0], start + 5 * MILLISECOND);
    ck_assert_uint_ge(fired_at[1], start + 20 * MILLISECOND);
}
END_TEST

START_TEST(taken_back_and_set_anew)
{
    uint64_t start = timer_now();

    first = timer_make(loop, note, &first);
    second = timer_make(loop, note_and_end, &second);
    timer_arm(first, start + MILLISECOND);
    timer_arm(first, 0);
    timer_arm(second, start + 50000 * MILLISECOND);
    timer_arm(second, start + 10 * MILLISECOND);
    loop_run(loop);
    ck_assert_uint_eq(fired, 1);
    ck_assert_ptr_eq(fired_timer[0], second);
}
END_TEST

/* A time that has passed is now. */
START_TEST(the_past_is_at_once)
{
    first = timer_make(loop, note_and_end, &first);
    timer_arm(first, 1);
    loop_run(loop);
    ck_assert_uint_eq(fired, 1);
}
END_TEST

static void again(void *argument)
{
    note(argument);
    if (fired == 3) {
        loop_break(loop);
    } else {
        timer_arm(first, timer_now() + MILLISECOND);
    }
}

START_TEST(set_from_within)
{
    first = timer_make(loop, again, &first);
    timer_arm(first, timer_now() + MILLISECOND);
    loop_run(loop);
    ck_assert_uint_eq(fired, 3);
    ck_assert_uint_ge(fired_at[2] - fired_at[0], 2 * MILLISECOND);
}
END_TEST

static void end_itself(void *argument)
{
    note(argument);
    timer_free(first);
    first = NULL;
    loop_break(loop);
}

START_TEST(destroyed_from_within)
{
    first = timer_make(loop, end_itself, &first);
    timer_arm(first, timer_now() + MILLISECOND);
    loop_run(loop);
    ck_assert_uint_eq(fired, 1);
}
END_TEST

TCase *timer_tests(void)
{
    TCase *group = tcase_create("timer");

    tcase_add_checked_fixture(group, open_loop, close_loop);
    tcase_add_test(group, never_early_and_in_order);
    tcase_add_test(group, taken_back_and_set_anew);
    tcase_add_test(group, the_past_is_at_once);
    tcase_add_test(group, set_from_within);
    tcase_add_test(group, destroyed_from_within);
    return group;
}
