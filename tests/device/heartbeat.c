/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The watch over event loops: it beats while all turn, stops while one is stuck or blocked, and goes on after it.
 */
#include "device/heartbeat.h"

#include <event2/event.h>
#include <stdatomic.h>
#include <unistd.h>

#include "device/loop.h"
#include "device/timer.h"
#include "tests/device/bench.h"

#define MILLISECOND UINT64_C(1000000)
#define PERIOD      200u /* milliseconds: a beat every 50 */

static struct ioreqd_loop *main_loop, *queue[2];
static struct heartbeat *heartbeat;
static unsigned beats;
static atomic_bool stuck, entered;

static void on_beat(void *argument)
{
    (void)argument;
    beats++;
}

static void open_loops(void)
{
    main_loop = loop_create();
    ck_assert_ptr_nonnull(main_loop);
    for (unsigned i = 0; i < 2; i++) {
        queue[i] = loop_create();
        ck_assert_ptr_nonnull(queue[i]);
        ck_assert_int_eq(loop_start(queue[i], "queue"), 0);
    }
    beats = 0;
    atomic_store(&stuck, false);
    atomic_store(&entered, false);
    heartbeat = heartbeat_create(main_loop, PERIOD, on_beat, NULL);
    ck_assert_ptr_nonnull(heartbeat);
    ck_assert_int_eq(heartbeat_add(heartbeat, queue[0], "disk0"), 0);
    ck_assert_int_eq(heartbeat_add(heartbeat, queue[1], "net0"), 0);
}

static void close_loops(void)
{
    for (unsigned i = 0; i < 2; i++) {
        loop_stop(queue[i]);
        heartbeat_remove(heartbeat, queue[i]);
        loop_destroy(queue[i]);
    }
    heartbeat_destroy(heartbeat);
    loop_destroy(main_loop);
}

static void end_turning(evutil_socket_t fd, short what, void *argument)
{
    (void)fd;
    (void)what;
    loop_break(argument);
}

/* The main loop for so long: how many beats there were. */
static unsigned beats_in(unsigned milliseconds)
{
    const struct timeval time = {.tv_sec = milliseconds / 1000, .tv_usec = milliseconds % 1000 * 1000};
    unsigned before = beats;

    ck_assert_int_eq(event_base_once(loop_event_base(main_loop), -1, EV_TIMEOUT, end_turning, main_loop, &time), 0);
    loop_run(main_loop);
    return beats - before;
}

/* Until there was one more beat; the test's time limit is the end of patience. */
static void wait_for_beat(void)
{
    while (beats_in(PERIOD) == 0) {
    }
}

/* What a model does that never comes back, or whose disk does not. */
static void be_stuck(void *argument)
{
    (void)argument;
    atomic_store(&entered, true);
    while (atomic_load(&stuck)) {
        usleep(1000);
    }
}

START_TEST(beats_while_all_turn)
{
    uint64_t start = timer_now();

    for (unsigned i = 0; i < 3; i++) {
        wait_for_beat();
    }
    ck_assert_uint_ge(timer_now() - start, 3 * 50 * MILLISECOND);
}
END_TEST

START_TEST(a_stuck_loop_stops_it)
{
    static struct ioreqd_work work = {.run = be_stuck};

    wait_for_beat();
    atomic_store(&stuck, true);
    loop_post(queue[_i], &work);
    while (!atomic_load(&entered)) {
        usleep(1000);
    }
    /* What was asked before it was stuck may have been answered: one beat at most. */
    ck_assert_uint_le(beats_in(PERIOD), 1);
    ck_assert_uint_eq(beats_in(3 * PERIOD), 0);

    atomic_store(&stuck, false);
    wait_for_beat();
}
END_TEST

START_TEST(a_loop_that_went_is_not_missed)
{
    loop_stop(queue[0]);
    heartbeat_remove(heartbeat, queue[0]);
    wait_for_beat();
    wait_for_beat();
    heartbeat_remove(heartbeat, queue[0]); /* again: it is not there */
}
END_TEST

START_TEST(nobody_asks)
{
    ck_assert_int_eq(heartbeat_add(NULL, queue[0], "disk0"), 0);
    heartbeat_remove(NULL, queue[0]);
    heartbeat_destroy(NULL);
}
END_TEST

TCase *heartbeat_tests(void)
{
    TCase *group = tcase_create("heartbeat");

    tcase_set_timeout(group, 60);
    tcase_add_checked_fixture(group, open_loops, close_loops);
    tcase_add_test(group, beats_while_all_turn);
    tcase_add_loop_test(group, a_stuck_loop_stops_it, 0, 2);
    tcase_add_test(group, a_loop_that_went_is_not_missed);
    tcase_add_test(group, nobody_asks);
    return group;
}
