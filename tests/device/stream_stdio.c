/* SPDX-License-Identifier: BSD-2-Clause */
/* Streams on the terminal of standard input and output, and the sizes of terminals. */
#define _GNU_SOURCE /* posix_openpt() */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "tests/device/stream_bench.h"

static int far = -1, before[2];

static void be_at(int input, int output)
{
    before[0] = dup(STDIN_FILENO);
    before[1] = dup(STDOUT_FILENO);
    ck_assert_int_ge(dup2(input, STDIN_FILENO), 0);
    ck_assert_int_ge(dup2(output, STDOUT_FILENO), 0);
}

/* A terminal whose other side is far: ours now. */
static void sit_down(void)
{
    int near;

    far = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK);
    ck_assert(far >= 0 && grantpt(far) == 0 && unlockpt(far) == 0);
    near = open(ptsname(far), O_RDWR | O_NOCTTY);
    ck_assert_int_ge(near, 0);
    be_at(near, near);
    close(near);
}

static void stand_up(void)
{
    dup2(before[0], STDIN_FILENO);
    dup2(before[1], STDOUT_FILENO);
    close(before[0]);
    close(before[1]);
    if (far >= 0) {
        close(far);
    }
}

static void open_desk(void)
{
    open_stream_bench();
    sit_down();
}

static void close_desk(void)
{
    stand_up();
    close_stream_bench();
}

static void set_size(int descriptor, unsigned short columns, unsigned short rows)
{
    ck_assert_int_eq(ioctl(descriptor, TIOCSWINSZ, &(struct winsize){.ws_col = columns, .ws_row = rows}), 0);
}

static void expect_size(uint16_t columns, uint16_t rows)
{
    uint16_t got[2] = {0, 0};

    ck_assert_int_eq(stream_size(near_end.stream, &got[0], &got[1]), 0);
    ck_assert_uint_eq(got[0], columns);
    ck_assert_uint_eq(got[1], rows);
}

static bool resized(void)
{
    turn_for(1);
    return near_end.resizes != 0;
}

START_TEST(keys_and_screen)
{
    char got[16] = "";

    open_near("stdio");
    turn_until(somebody);
    ck_assert_str_eq(stream_place(near_end.stream), ttyname(STDIN_FILENO));
    ck_assert_uint_eq(stream_write(near_end.stream, "a\nb\x04", 4), 4);
    ck_assert_int_eq(read(far, got, sizeof(got)), 4);
    ck_assert_mem_eq(got, "a\nb\x04", 4); /* as it is */
    ck_assert_int_eq(write(far, "x\r\x03\x1a\x1c", 5), 5);
    expect("x\r\x03\x1a\x1c");
    ck_assert_int_eq(read(far, got, sizeof(got)), -1); /* no echo */
    ck_assert_uint_lt(idle_cost(), 50);
}
END_TEST

/* Whoever started us reads standard input on, and blocking. */
START_TEST(the_terminal_comes_back)
{
    struct termios was, now;

    memset(&was, 0, sizeof(was));
    memset(&now, 0, sizeof(now));
    ck_assert_int_eq(tcgetattr(STDIN_FILENO, &was), 0);
    open_near("stdio");
    ck_assert_int_eq(tcgetattr(STDIN_FILENO, &now), 0);
    ck_assert_uint_eq(now.c_lflag & (ICANON | ECHO | ISIG), ISIG);
    ck_assert_uint_eq(now.c_cc[VINTR], 0x1d);
    ck_assert_int_eq(fcntl(STDIN_FILENO, F_GETFL) & O_NONBLOCK, 0);
    stream_close(near_end.stream);
    near_end.stream = NULL;
    ck_assert_int_eq(tcgetattr(STDIN_FILENO, &now), 0);
    ck_assert_mem_eq(&now, &was, sizeof(was));
}
END_TEST

START_TEST(one_user)
{
    int error;

    open_near("stdio");
    ck_assert_ptr_nonnull(strstr(refusal("stdio", false, &error), "another device"));
    stream_close(near_end.stream);
    open_near("stdio");
}
END_TEST

START_TEST(hung_up)
{
    open_near("stdio");
    turn_until(somebody);
    close(far);
    far = -1;
    turn_until(nobody);
    ck_assert_uint_lt(idle_cost(), 50);
    ck_assert_uint_eq(stream_write(near_end.stream, "lost", 4), 4);
}
END_TEST

START_TEST(size_by_signal)
{
    set_size(far, 80, 25);
    open_near("stdio");
    expect_size(80, 25);
    stream_want(near_end.stream, IOREQD_READABLE | IOREQD_RESIZED);
    turn_for(5);
    ck_assert_uint_eq(near_end.resizes, 0);
    set_size(far, 100, 30);
    kill(getpid(), SIGWINCH); /* as the kernel does for a controlling terminal */
    turn_until(resized);
    ck_assert_uint_eq(near_end.resizes, 1);
    expect_size(100, 30);
    kill(getpid(), SIGWINCH);
    turn_for(5);
    ck_assert_uint_eq(near_end.resizes, 1);
}
END_TEST

START_TEST(refused)
{
    int nothing = open("/dev/null", O_RDWR), error;

    ck_assert_int_ge(nothing, 0);
    ck_assert_ptr_nonnull(strstr(refusal("stdio:x", false, &error), "nothing may follow"));
    be_at(nothing, nothing);
    close(nothing);
    ck_assert_ptr_nonnull(strstr(refusal("stdio", _i != 0, &error), "no terminal"));
    ck_assert_int_eq(error, ENOTTY);
    stand_up();
}
END_TEST

/* A pseudo terminal does not tell its master: it is asked now and then while somebody is there. */
START_TEST(size_of_a_pseudo_terminal)
{
    int side;

    open_near("pty");
    expect_size(0, 0);
    stream_want(near_end.stream, IOREQD_READABLE | IOREQD_RESIZED);
    side = open(stream_place(near_end.stream), O_RDWR | O_NOCTTY);
    ck_assert_int_ge(side, 0);
    turn_until(somebody);
    ck_assert_uint_eq(near_end.resizes, 0);
    set_size(side, 132, 43);
    turn_until(resized);
    expect_size(132, 43);
    ck_assert_uint_lt(idle_cost(), 50);
    stream_want(near_end.stream, IOREQD_READABLE);
    set_size(side, 80, 25);
    turn_for(1200);
    ck_assert_uint_eq(near_end.resizes, 1);
    close(side);
}
END_TEST

START_TEST(no_terminal)
{
    uint16_t columns, rows;

    open_near(in_folder("unix:socket"));
    ck_assert_int_eq(stream_size(near_end.stream, &columns, &rows), -ENOTTY);
    stream_want(near_end.stream, IOREQD_RESIZED);
    turn_for(5);
}
END_TEST

TCase *stream_stdio_tests(void)
{
    TCase *cases = tcase_create("streams on standard input and output");

    tcase_add_checked_fixture(cases, open_desk, close_desk);
    tcase_add_test(cases, keys_and_screen);
    tcase_add_test(cases, the_terminal_comes_back);
    tcase_add_test(cases, one_user);
    tcase_add_test(cases, hung_up);
    tcase_add_test(cases, size_by_signal);
    tcase_add_loop_test(cases, refused, 0, 2);
    tcase_add_test(cases, size_of_a_pseudo_terminal);
    tcase_add_test(cases, no_terminal);
    return cases;
}
