/* SPDX-License-Identifier: BSD-2-Clause */
/* UNIX sockets of a device: who comes, whom it reaches, and what is at the path already. */
#include "device/sockets.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/device/stream_bench.h"

static struct ioreqd_sockets *sockets;
static int arrived[8];
static unsigned arrivals;

static void came(void *argument, int descriptor)
{
    ck_assert_ptr_eq(argument, &arrivals);
    ck_assert_uint_lt(arrivals, 8);
    arrived[arrivals++] = descriptor;
}

static void open_sockets(void)
{
    char reason[256] = "";

    arrivals = 0;
    ck_assert_msg(sockets_open(in_folder("s"), false, &sockets, reason, sizeof(reason)) == 0, "%s", reason);
    ck_assert_int_eq(sockets_attach(stream_loop, sockets, came, &arrivals), 0);
    ck_assert_int_eq(sockets_attach(stream_loop, sockets, came, &arrivals), -EBUSY);
}

static void close_sockets(void)
{
    for (unsigned i = 0; i < arrivals; i++) {
        close(arrived[i]);
    }
    sockets_close(sockets);
    ck_assert_int_ne(access(in_folder("s"), F_OK), 0);
}

static struct sockaddr_un address_of(const char *name)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    memcpy(address.sun_path, name, strlen(name) + 1);
    return address;
}

static int call(const char *name)
{
    struct sockaddr_un address = address_of(name);
    int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

    ck_assert_int_eq(connect(descriptor, (struct sockaddr *)&address, sizeof(address)), 0);
    return descriptor;
}

/* A socket that listens there. */
static int occupy(const char *name)
{
    struct sockaddr_un address = address_of(name);
    int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

    ck_assert_int_eq(bind(descriptor, (struct sockaddr *)&address, sizeof(address)), 0);
    ck_assert_int_eq(listen(descriptor, 0), 0);
    return descriptor;
}

static const char *why_not(const char *path, bool check, int error)
{
    static char reason[256];
    struct ioreqd_sockets *none;

    reason[0] = 0;
    ck_assert_int_eq(sockets_open(path, check, &none, reason, sizeof(reason)), -1);
    ck_assert_int_eq(errno, error);
    ck_assert_ptr_null(none);
    return reason;
}

/* Neither blocks nor is inherited. */
static void check_flags(int descriptor)
{
    ck_assert_int_eq(fcntl(descriptor, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
    ck_assert_int_eq(fcntl(descriptor, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
}

START_TEST(some_come)
{
    struct stat status;
    char byte;
    int far[3];

    open_sockets();
    ck_assert_int_eq(stat(in_folder("s"), &status), 0);
    ck_assert_uint_eq(status.st_mode & 0777, 0600);
    for (unsigned i = 0; i < 3; i++) {
        far[i] = call(in_folder("s"));
    }
    turn_for(5);
    ck_assert_uint_eq(arrivals, 3);
    for (unsigned i = 0; i < 3; i++) {
        check_flags(arrived[i]);
        ck_assert_int_eq(write(arrived[i], "x", 1), 1);
        ck_assert_int_eq(read(far[i], &byte, 1), 1);
        close(far[i]);
    }
    close_sockets();
}
END_TEST

/* Those who come before the device is made wait for it. */
START_TEST(somebody_is_early)
{
    char reason[256];
    int far;

    ck_assert_int_eq(sockets_open(in_folder("s"), false, &sockets, reason, sizeof(reason)), 0);
    far = call(in_folder("s"));
    arrivals = 0;
    ck_assert_int_eq(sockets_attach(stream_loop, sockets, came, &arrivals), 0);
    turn_for(5);
    ck_assert_uint_eq(arrivals, 1);
    close(far);
    close_sockets();
}
END_TEST

START_TEST(others_are_reached)
{
    int owner, near;

    open_sockets();
    ck_assert_int_eq(sockets_connect(sockets, "_1"), -ENOENT);
    owner = occupy(in_folder("s_1"));
    near = sockets_connect(sockets, "_1");
    ck_assert_int_ge(near, 0);
    check_flags(near);
    ck_assert_int_eq(poll(&(struct pollfd){.fd = owner, .events = POLLIN}, 1, 0), 1);
    /* One waits to be accepted, which is all that this one lets wait. */
    ck_assert_int_eq(sockets_connect(sockets, "_1"), -EAGAIN);
    close(owner);
    ck_assert_int_eq(sockets_connect(sockets, "_1"), -ECONNREFUSED);
    close(near);
    ck_assert_int_eq(unlink(in_folder("s_1")), 0);
    close_sockets();
}
END_TEST

START_TEST(suffixes)
{
    static const char *const bad[] = {"", "/", "_1/", "/../s", "_1 ", "_\n", "_\xc3\xa4", "~", "_1:2", "*"};
    char longest[128];

    open_sockets();
    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        ck_assert_int_eq(sockets_connect(sockets, bad[i]), -EINVAL);
    }
    ck_assert_int_eq(sockets_connect(sockets, ".azAZ09_-"), -ENOENT);
    memset(longest, 'a', sizeof(longest));
    longest[107 - strlen(in_folder("s"))] = 0;
    ck_assert_int_eq(sockets_connect(sockets, longest), -ENOENT);
    longest[107 - strlen(in_folder("s"))] = 'a';
    longest[108 - strlen(in_folder("s"))] = 0;
    ck_assert_int_eq(sockets_connect(sockets, longest), -ENAMETOOLONG);
    close_sockets();
}
END_TEST

START_TEST(what_is_there_already)
{
    struct ioreqd_sockets *none;
    char reason[256];
    int owner = occupy(in_folder("s"));

    for (int check = 0; check < 2; check++) {
        ck_assert_str_eq(why_not(in_folder("s"), check, EADDRINUSE),
                         "another process listens there: end that one, or name another path");
    }
    close(owner); /* and has left its socket behind */
    ck_assert_int_eq(sockets_open(in_folder("s"), true, &none, reason, sizeof(reason)), 0);
    ck_assert_int_eq(access(in_folder("s"), F_OK), 0);
    open_sockets();
    close(call(in_folder("s")));
    close_sockets();
    ck_assert_int_eq(sockets_open(in_folder("s"), true, &none, reason, sizeof(reason)), 0);
    ck_assert_ptr_null(none);
    ck_assert_int_ne(access(in_folder("s"), F_OK), 0); /* a check leaves nothing behind */
    close(open(in_folder("s"), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    ck_assert_str_eq(why_not(in_folder("s"), false, EEXIST),
                     "something other than a socket is there: remove it, or name another path");
    ck_assert_int_eq(unlink(in_folder("s")), 0);
}
END_TEST

/* Only the socket that we made is removed. */
START_TEST(replaced_by_another)
{
    int other;

    open_sockets();
    ck_assert_int_eq(unlink(in_folder("s")), 0);
    other = occupy(in_folder("s"));
    sockets_close(sockets);
    ck_assert_int_eq(access(in_folder("s"), F_OK), 0);
    close(other);
    ck_assert_int_eq(unlink(in_folder("s")), 0);
    sockets_close(NULL);
}
END_TEST

START_TEST(paths)
{
    char path[128];

    ck_assert_str_eq(why_not("", false, EINVAL), "the path is missing: give that of a socket to be made");
    memset(path, 'a', sizeof(path));
    path[97] = 0;
    for (int check = 0; check < 2; check++) {
        ck_assert_str_eq(why_not(path, check, ENAMETOOLONG),
                         "the path has 97 bytes, and at most 96 leave room for what is appended to it: name a "
                         "shorter one");
        ck_assert_ptr_nonnull(strstr(why_not(in_folder("none/s"), check, ENOENT), "No such file or directory"));
    }
}
END_TEST

static void begin(void)
{
    open_stream_bench();
}

static void end(void)
{
    near_end.stream = NULL;
    close_stream_bench();
}

TCase *sockets_tests(void)
{
    TCase *tests = tcase_create("sockets");

    tcase_add_checked_fixture(tests, begin, end);
    tcase_add_test(tests, some_come);
    tcase_add_test(tests, somebody_is_early);
    tcase_add_test(tests, others_are_reached);
    tcase_add_test(tests, suffixes);
    tcase_add_test(tests, what_is_there_already);
    tcase_add_test(tests, replaced_by_another);
    tcase_add_test(tests, paths);
    return tests;
}
