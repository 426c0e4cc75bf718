/* SPDX-License-Identifier: BSD-2-Clause */
/* Streams on pseudo terminals: people who open, close and open again, read slowly or not at all; and the link. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/device/stream_bench.h"

static int open_far(void)
{
    int far = open(stream_place(near_end.stream), O_RDWR | O_NOCTTY | O_NONBLOCK);

    ck_assert_int_ge(far, 0);
    return far;
}

static void expect_far(int descriptor, const char *text)
{
    char got[256] = "";
    size_t length = 0;

    for (unsigned i = 0; i < 200 && length < strlen(text); i++) {
        ssize_t count = read(descriptor, got + length, sizeof(got) - 1 - length);

        length += count > 0 ? (size_t)count : 0;
        turn_for(1);
    }
    ck_assert_str_eq(got, text);
}

static size_t say(const char *text)
{
    return stream_write(near_end.stream, text, strlen(text));
}

START_TEST(both_ways)
{
    int far;

    open_near("pty");
    turn_for(5);
    ck_assert(!stream_connected(near_end.stream));
    ck_assert_uint_eq(say("lost"), 4);
    ck_assert_uint_lt(idle_cost(), 50);
    ck_assert_uint_eq(near_end.calls, 0);
    far = open_far();
    turn_until(somebody);
    turn_for(5);
    ck_assert_uint_eq(near_end.connects, 1);
    ck_assert_uint_eq(say("a\r\n\x03z"), 5); /* as it is */
    expect_far(far, "a\r\n\x03z");
    ck_assert_int_eq(write(far, "b\n\x04y", 4), 4);
    expect("b\n\x04y");
    close(far);
    turn_until(nobody);
    turn_for(5);
    ck_assert_uint_eq(near_end.connects, 2);
    ck_assert_uint_lt(idle_cost(), 50);
    ck_assert_uint_eq(say("lost"), 4);
    far = open_far();
    turn_until(somebody);
    say("again");
    expect_far(far, "again"); /* and nothing from before */
    close(far);
}
END_TEST

START_TEST(a_megabyte_each_way)
{
    int far;

    open_near("pty");
    far = open_far();
    turn_until(somebody);
    exchange(far);
    close(far);
}
END_TEST

/* The terminal is closed when its last opener closes it. */
START_TEST(opened_twice)
{
    int first, second;

    open_near("pty");
    first = open_far();
    second = open_far();
    turn_until(somebody);
    close(first);
    turn_for(50);
    ck_assert(stream_connected(near_end.stream));
    close(second);
    turn_until(nobody);
}
END_TEST

/* As of `echo text > /dev/pts/3`: gone before anybody looks. */
START_TEST(only_in_passing)
{
    open_near("pty");
    for (unsigned i = 0; i < 5; i++) {
        int far = open_far();

        ck_assert_int_eq(write(far, "hey!", 4), 4);
        close(far);
        turn_for(20);
    }
    expect("hey!hey!hey!hey!hey!");
    turn_until(nobody);
    ck_assert_uint_lt(idle_cost(), 50);
}
END_TEST

/* What nobody reads, neither here nor there, costs nothing and is not lost. */
START_TEST(left_unread)
{
    int far;

    open_near("pty");
    stream_want(near_end.stream, 0);
    far = open_far();
    turn_until(somebody);
    ck_assert_int_eq(write(far, "command", 7), 7);
    close(far);
    turn_until(nobody);
    ck_assert_uint_lt(idle_cost(), 50);
    stream_want(near_end.stream, IOREQD_READABLE);
    expect("command");
    ck_assert_uint_lt(idle_cost(), 50);
}
END_TEST

START_TEST(leaves_while_full)
{
    static const uint8_t piece[4096];
    int far;

    open_near("pty");
    far = open_far();
    turn_until(somebody);
    /* The kernel moves on what was written at its leisure, and then has room again. */
    while (stream_write(near_end.stream, piece, sizeof(piece)) > 0) {
        turn_for(100);
    }
    stream_want(near_end.stream, IOREQD_WRITABLE);
    turn_for(20);
    ck_assert_uint_eq(near_end.writables, 0);
    close(far);
    for (unsigned i = 0; i < 400 && near_end.writables == 0; i++) {
        turn_for(5);
    }
    ck_assert_uint_gt(near_end.writables, 0);
    ck_assert_uint_eq(stream_write(near_end.stream, piece, sizeof(piece)), sizeof(piece));
}
END_TEST

static const char *target_of(const char *name)
{
    static char target[256];
    ssize_t length = readlink(name, target, sizeof(target) - 1);

    ck_assert_int_gt(length, 0);
    target[length] = 0;
    return target;
}

START_TEST(with_link)
{
    open_near(in_folder("pty:l"));
    ck_assert_str_eq(target_of(in_folder("l")), stream_place(near_end.stream));
    stream_close(near_end.stream);
    near_end.stream = NULL;
    ck_assert_int_ne(access(in_folder("l"), F_OK), 0);

    ck_assert_int_eq(symlink("/dev/pts/there-is-none", in_folder("l")), 0); /* left by somebody */
    open_near(in_folder("pty:l"));
    ck_assert_str_eq(target_of(in_folder("l")), stream_place(near_end.stream));
}
END_TEST

/* A link that somebody has put in the place of ours stays. */
START_TEST(link_replaced)
{
    open_near(in_folder("pty:l"));
    ck_assert_int_eq(unlink(in_folder("l")), 0);
    ck_assert_int_eq(symlink("other", in_folder("l")), 0);
    stream_close(near_end.stream);
    near_end.stream = NULL;
    ck_assert_str_eq(target_of(in_folder("l")), "other");
    ck_assert_int_eq(unlink(in_folder("l")), 0);
}
END_TEST

START_TEST(link_refused)
{
    struct ioreqd_stream *stream;
    char reason[256];
    int error;

    ck_assert_int_eq(mkdir(in_folder("d"), 0700), 0);
    ck_assert_int_eq(symlink("/dev/null", in_folder("l")), 0);
    for (int check = 0; check < 2; check++) {
        ck_assert_str_eq(refusal(in_folder("pty:d"), check, &error),
                         "something other than a symbolic link is there: remove it, or name another path");
        ck_assert_int_eq(error, EEXIST);
        ck_assert_str_eq(refusal(in_folder("pty:l"), check, &error),
                         "a symbolic link to something that exists is there: remove it, or name another path");
        ck_assert_ptr_nonnull(strstr(refusal(in_folder("pty:missing/l"), check, &error), "correct the path"));
        ck_assert_int_eq(error, ENOENT);
    }
    ck_assert_str_eq(refusal("pty:", false, &error), "the path is missing: give pty, pty:LINK");
    ck_assert_int_eq(unlink(in_folder("l")), 0);
    ck_assert_int_eq(rmdir(in_folder("d")), 0);
    ck_assert_int_eq(stream_open(in_folder("pty:l"), true, &stream, reason, sizeof(reason)), 0);
    ck_assert_ptr_null(stream);
    ck_assert_int_eq(stream_open("pty", true, &stream, reason, sizeof(reason)), 0);
    ck_assert_ptr_null(stream);
    ck_assert_int_ne(access(in_folder("l"), F_OK), 0);
}
END_TEST

TCase *stream_pty_tests(void)
{
    TCase *group = tcase_create("stream on a pseudo terminal");

    tcase_set_timeout(group, 60);
    tcase_add_checked_fixture(group, open_stream_bench, close_stream_bench);
    tcase_add_test(group, both_ways);
    tcase_add_test(group, a_megabyte_each_way);
    tcase_add_test(group, opened_twice);
    tcase_add_test(group, only_in_passing);
    tcase_add_test(group, left_unread);
    tcase_add_test(group, leaves_while_full);
    tcase_add_test(group, with_link);
    tcase_add_test(group, link_replaced);
    tcase_add_test(group, link_refused);
    return group;
}
