/* SPDX-License-Identifier: BSD-2-Clause */
/* Watches: what was asked for and nothing else, set and destroyed from within, and descriptors that will not do. */
#include "device/watch.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>

#include "device/loop.h"
#include "tests/device/bench.h"

static struct ioreqd_loop *loop;
static struct ioreqd_watch *watch;
static int near, far;
static unsigned calls, seen;

static void open_pair(void)
{
    int pair[2];

    loop = loop_create();
    ck_assert_ptr_nonnull(loop);
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
    near = pair[0];
    far = pair[1];
    calls = seen = 0;
}

static void close_pair(void)
{
    watch_free(watch);
    watch = NULL;
    loop_destroy(loop);
    close(near);
    close(far);
}

static void note(void *argument, unsigned events)
{
    ck_assert_ptr_eq(argument, &watch);
    calls++;
    seen = events;
}

static void turn(void)
{
    event_base_loop(loop_event_base(loop), EVLOOP_ONCE | EVLOOP_NONBLOCK);
}

START_TEST(nothing_at_first)
{
    ck_assert_int_eq(watch_make(loop, near, note, &watch, &watch), 0);
    ck_assert_int_eq(write(far, "x", 1), 1);
    turn();
    ck_assert_uint_eq(calls, 0);
}
END_TEST

START_TEST(as_asked)
{
    char byte;

    ck_assert_int_eq(watch_make(loop, near, note, &watch, &watch), 0);
    watch_arm(watch, IOREQD_READABLE);
    turn();
    ck_assert_uint_eq(calls, 0);
    ck_assert_int_eq(write(far, "x", 1), 1);
    turn();
    ck_assert_uint_eq(seen, IOREQD_READABLE);
    watch_arm(watch, IOREQD_WRITABLE);
    turn();
    ck_assert_uint_eq(seen, IOREQD_WRITABLE);
    watch_arm(watch, IOREQD_READABLE | IOREQD_WRITABLE | IOREQD_CONNECTED);
    turn();
    ck_assert_uint_eq(seen, IOREQD_READABLE | IOREQD_WRITABLE);
    calls = 0;
    watch_arm(watch, 0);
    turn();
    ck_assert_uint_eq(calls, 0);
    ck_assert_int_eq(read(near, &byte, 1), 1);
    watch_arm(watch, IOREQD_READABLE);
    turn();
    ck_assert_uint_eq(calls, 0);
}
END_TEST

/* For as long as the descriptor is ready, and as soon as the other end hangs up. */
START_TEST(level)
{
    ck_assert_int_eq(watch_make(loop, near, note, &watch, &watch), 0);
    watch_arm(watch, IOREQD_READABLE);
    ck_assert_int_eq(shutdown(far, SHUT_WR), 0);
    for (unsigned i = 1; i < 4; i++) {
        turn();
        ck_assert_uint_eq(calls, i);
    }
}
END_TEST

static void silence(void *argument, unsigned events)
{
    note(argument, events);
    watch_arm(watch, 0);
}

START_TEST(set_from_within)
{
    ck_assert_int_eq(watch_make(loop, near, silence, &watch, &watch), 0);
    watch_arm(watch, IOREQD_WRITABLE);
    turn();
    turn();
    ck_assert_uint_eq(calls, 1);
}
END_TEST

static void end_itself(void *argument, unsigned events)
{
    note(argument, events);
    watch_free(watch);
    watch = NULL;
}

START_TEST(destroyed_from_within)
{
    ck_assert_int_eq(watch_make(loop, near, end_itself, &watch, &watch), 0);
    watch_arm(watch, IOREQD_WRITABLE);
    turn();
    turn();
    ck_assert_uint_eq(calls, 1);
}
END_TEST

/* The next descriptor may have the number of one that was closed. */
START_TEST(same_number)
{
    for (unsigned i = 1; i < 20; i++) {
        ck_assert_int_eq(watch_make(loop, near, note, &watch, &watch), 0);
        watch_arm(watch, IOREQD_READABLE);
        ck_assert_int_eq(write(far, "x", 1), 1);
        turn();
        ck_assert_uint_eq(calls, i);
        watch_free(watch);
        close(near);
        close(far);
        int pair[2];
        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
        ck_assert_int_eq(pair[0], near);
        far = pair[1];
    }
    watch = NULL;
}
END_TEST

START_TEST(will_not_do)
{
    int file = open("/proc/self/exe", O_RDONLY);

    ck_assert_int_eq(watch_make(loop, file, note, &watch, &watch), -EPERM);
    close(file);
    ck_assert_int_eq(watch_make(loop, file, note, &watch, &watch), -EBADF);
    ck_assert_ptr_null(watch);
}
END_TEST

TCase *watch_tests(void)
{
    TCase *group = tcase_create("watch");

    tcase_add_checked_fixture(group, open_pair, close_pair);
    tcase_add_test(group, nothing_at_first);
    tcase_add_test(group, as_asked);
    tcase_add_test(group, level);
    tcase_add_test(group, set_from_within);
    tcase_add_test(group, destroyed_from_within);
    tcase_add_test(group, same_number);
    tcase_add_test(group, will_not_do);
    return group;
}
