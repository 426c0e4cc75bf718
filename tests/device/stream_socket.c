/* SPDX-License-Identifier: BSD-2-Clause */
/* Streams on UNIX sockets: peers that come, go and come again, wait, are turned away or leave much unread. */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/device/stream_bench.h"

static struct sockaddr_un address_of(const char *name)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    memcpy(address.sun_path, name, strlen(name) + 1);
    return address;
}

static int make_socket(void)
{
    int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

    ck_assert_int_ge(descriptor, 0);
    return descriptor;
}

static int call(const char *name)
{
    struct sockaddr_un address = address_of(name);
    int descriptor = make_socket();

    ck_assert_int_eq(connect(descriptor, (struct sockaddr *)&address, sizeof(address)), 0);
    return descriptor;
}

/* A socket at the path, and its descriptor. */
static int occupy(const char *name)
{
    struct sockaddr_un address = address_of(name);
    int descriptor = make_socket();

    ck_assert_int_eq(bind(descriptor, (struct sockaddr *)&address, sizeof(address)), 0);
    ck_assert_int_eq(listen(descriptor, 1), 0);
    return descriptor;
}

static void expect_far(int descriptor, const char *text)
{
    char got[256] = "";

    ck_assert_int_eq(recv(descriptor, got, sizeof(got) - 1, 0), (int)strlen(text));
    ck_assert_str_eq(got, text);
}

static size_t say(const char *text)
{
    return stream_write(near_end.stream, text, strlen(text));
}

START_TEST(both_ways)
{
    struct stat status;
    int far;

    open_near(in_folder("unix:s"));
    ck_assert_str_eq(stream_place(near_end.stream), in_folder("s"));
    ck_assert_int_eq(stat(in_folder("s"), &status), 0);
    ck_assert_uint_eq(status.st_mode & 0777, 0600);
    ck_assert(!stream_connected(near_end.stream));
    ck_assert_uint_eq(say("lost"), 4);
    far = call(in_folder("s"));
    turn_until(somebody);
    turn_for(5);
    ck_assert_uint_eq(near_end.connects, 1);
    ck_assert_uint_eq(say("hello"), 5);
    expect_far(far, "hello");
    ck_assert_int_eq(write(far, "you", 3), 3);
    expect("you");
    close(far);
    turn_until(nobody);
    turn_for(5);
    ck_assert_uint_eq(near_end.connects, 2);
    ck_assert_uint_lt(idle_cost(), 50);
    far = call(in_folder("s"));
    turn_until(somebody);
    ck_assert_uint_eq(say("again"), 5);
    expect_far(far, "again");
    close(far);
}
END_TEST

START_TEST(a_megabyte_each_way)
{
    int far;

    open_near(in_folder("unix:s"));
    far = call(in_folder("s"));
    turn_until(somebody);
    exchange(far);
    close(far);
}
END_TEST

/* Many at once, whose descriptors may have the same numbers. */
START_TEST(one_after_the_other)
{
    open_near(in_folder("unix:s"));
    for (unsigned i = 0; i < 200; i++) {
        int far = call(in_folder("s"));

        ck_assert_int_eq(write(far, "x", 1), 1);
        close(far);
        turn_for(i % 3 == 0);
    }
    turn_until(nobody);
    for (unsigned i = 0; i < 100 && near_end.length < 200; i++) {
        turn_for(5);
    }
    ck_assert_uint_eq(near_end.length, 200);
}
END_TEST

START_TEST(turned_away)
{
    int first, second;
    char byte;

    open_near(in_folder("unix:s"));
    first = call(in_folder("s"));
    turn_until(somebody);
    second = call(in_folder("s"));
    turn_for(5);
    ck_assert_int_eq(read(second, &byte, 1), 0);
    close(second);
    say("first");
    expect_far(first, "first");
    close(first);
}
END_TEST

/* What somebody sent before they left arrives, and whoever comes next waits for that. */
START_TEST(waits_for_what_is_unread)
{
    int first, second;

    open_near(in_folder("unix:s"));
    stream_want(near_end.stream, 0);
    first = call(in_folder("s"));
    ck_assert_int_eq(write(first, "first", 5), 5);
    turn_until(somebody);
    close(first);
    second = call(in_folder("s"));
    ck_assert_int_eq(write(second, "second", 6), 6);
    turn_for(20);
    ck_assert_uint_lt(idle_cost(), 50);
    ck_assert_uint_eq(near_end.length, 0);
    stream_want(near_end.stream, IOREQD_READABLE);
    expect("firstsecond");
    ck_assert(stream_connected(near_end.stream));
    close(second);
}
END_TEST

/* A device that wants nothing of a stream hears all the same that nobody is there any more. */
START_TEST(leaves_unasked)
{
    int far;

    open_near(in_folder("unix:s"));
    stream_want(near_end.stream, 0);
    far = call(in_folder("s"));
    turn_until(somebody);
    close(far);
    turn_until(nobody);
    ck_assert_uint_eq(near_end.connects, 2);
    ck_assert_uint_lt(idle_cost(), 50);
}
END_TEST

/* A guest that only writes does not keep people out. */
START_TEST(guest_never_reads)
{
    int first, second;

    open_near(in_folder("unix:s"));
    stream_want(near_end.stream, 0);
    first = call(in_folder("s"));
    ck_assert_int_eq(write(first, "first", 5), 5);
    turn_until(somebody);
    close(first);
    ck_assert_uint_eq(say("lost"), 4);
    ck_assert(!stream_connected(near_end.stream));
    ck_assert_uint_eq(say("lost"), 4);
    second = call(in_folder("s"));
    turn_for(5);
    ck_assert_uint_eq(say("heard"), 5);
    ck_assert(stream_connected(near_end.stream));
    expect_far(second, "heard");
    close(second);
}
END_TEST

/* What was sent by somebody who has gone is read although writing has failed. */
START_TEST(left_with_an_echo)
{
    int far;

    open_near(in_folder("unix:s"));
    stream_want(near_end.stream, 0);
    far = call(in_folder("s"));
    turn_until(somebody);
    ck_assert_int_eq(write(far, "command", 7), 7);
    close(far);
    stream_want(near_end.stream, IOREQD_READABLE);
    say("c");
    expect("command");
    turn_until(nobody);
}
END_TEST

/* Whoever waits for room is told when nobody is there any more. */
START_TEST(leaves_while_full)
{
    static const uint8_t piece[4096];
    int far;

    open_near(in_folder("unix:s"));
    far = call(in_folder("s"));
    turn_until(somebody);
    while (stream_write(near_end.stream, piece, sizeof(piece)) == sizeof(piece)) {
    }
    stream_want(near_end.stream, IOREQD_WRITABLE);
    turn_for(20);
    ck_assert_uint_eq(near_end.writables, 0);
    close(far);
    for (unsigned i = 0; i < 100 && near_end.writables == 0; i++) {
        turn_for(5);
    }
    ck_assert_uint_gt(near_end.writables, 0);
    ck_assert_uint_eq(stream_write(near_end.stream, piece, sizeof(piece)), sizeof(piece));
}
END_TEST

START_TEST(stale)
{
    struct ioreqd_stream *stream;
    char reason[256];

    close(occupy(in_folder("s")));
    ck_assert_int_eq(stream_open(in_folder("unix:s"), true, &stream, reason, sizeof(reason)), 0);
    ck_assert_ptr_null(stream);
    ck_assert_int_eq(access(in_folder("s"), F_OK), 0);
    open_near(in_folder("unix:s"));
    close(call(in_folder("s")));
}
END_TEST

START_TEST(live)
{
    struct ioreqd_stream *stream;
    char reason[256];
    int owner = occupy(in_folder("s"));
    int error;

    for (int check = 0; check < 2; check++) {
        ck_assert_str_eq(refusal(in_folder("unix:s"), check, &error),
                         "another process listens there: end that one, or name another path");
        ck_assert_int_eq(error, EADDRINUSE);
    }
    ck_assert_int_eq(poll(&(struct pollfd){.fd = owner, .events = POLLIN}, 1, 0), 0); /* it was not disturbed */
    close(owner);
    ck_assert_int_eq(unlink(in_folder("s")), 0);
    ck_assert_int_eq(stream_open(in_folder("unix:s"), true, &stream, reason, sizeof(reason)), 0);
    ck_assert_int_ne(access(in_folder("s"), F_OK), 0); /* a check leaves nothing behind */
}
END_TEST

/* Only the socket that we made is removed. */
START_TEST(replaced)
{
    int other;

    open_near(in_folder("unix:s"));
    ck_assert_int_eq(unlink(in_folder("s")), 0);
    other = occupy(in_folder("s"));
    stream_close(near_end.stream);
    near_end.stream = NULL;
    ck_assert_int_eq(access(in_folder("s"), F_OK), 0);
    close(other);
    ck_assert_int_eq(unlink(in_folder("s")), 0);
}
END_TEST

START_TEST(refused)
{
    char name[200] = "unix:/";
    int error;

    ck_assert_int_eq(mkdir(in_folder("d"), 0700), 0);
    for (int check = 0; check < 2; check++) {
        ck_assert_str_eq(refusal(in_folder("unix:d"), check, &error),
                         "something other than a socket is there: remove it, or name another path");
        ck_assert_ptr_nonnull(strstr(refusal(in_folder("unix:missing/s"), check, &error), "correct the path"));
        ck_assert_int_eq(error, ENOENT);
        memset(name + 6, 'x', 150);
        ck_assert_str_eq(refusal(name, check, &error), "a socket's path has at most 107 bytes: name a shorter one");
    }
    ck_assert_str_eq(refusal("unix", false, &error), "the path is missing: give unix:PATH");
    ck_assert_str_eq(refusal("unix:", false, &error), "the path is missing: give unix:PATH");
    ck_assert_int_eq(rmdir(in_folder("d")), 0);
}
END_TEST

TCase *stream_socket_tests(void)
{
    TCase *group = tcase_create("stream on a socket");

    tcase_set_timeout(group, 60);
    tcase_add_checked_fixture(group, open_stream_bench, close_stream_bench);
    tcase_add_test(group, both_ways);
    tcase_add_test(group, a_megabyte_each_way);
    tcase_add_test(group, one_after_the_other);
    tcase_add_test(group, turned_away);
    tcase_add_test(group, waits_for_what_is_unread);
    tcase_add_test(group, leaves_unasked);
    tcase_add_test(group, guest_never_reads);
    tcase_add_test(group, left_with_an_echo);
    tcase_add_test(group, leaves_while_full);
    tcase_add_test(group, stale);
    tcase_add_test(group, live);
    tcase_add_test(group, replaced);
    tcase_add_test(group, refused);
    return group;
}
