/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Readiness: what systemd is told, and when; the watchdog is only asked for where systemd wants it.
 */
#include "readiness.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "log.h"
#include "tests/process/process.h"

static int manager;

/* A manager's socket, as systemd has it. */
static void be_systemd(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    snprintf(address.sun_path, sizeof(address.sun_path), "%s", folder_path("notify"));
    manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    ck_assert_int_ge(manager, 0);
    ck_assert_int_eq(bind(manager, (const struct sockaddr *)&address, sizeof(address)), 0);
    setenv("NOTIFY_SOCKET", address.sun_path, 1);
}

/* The next message; "" when there is none. */
static const char *told(void)
{
    static char text[256];
    ssize_t length = recv(manager, text, sizeof(text) - 1, 0);

    text[length > 0 ? length : 0] = 0;
    return text;
}

static bool have_libsystemd(void)
{
    void *library = dlopen("libsystemd.so.0", RTLD_NOW);

    if (library == NULL) {
        printf("libsystemd is not here: what it is told is not tested\n");
        return false;
    }
    dlclose(library);
    return true;
}

START_TEST(systemd_is_told)
{
    struct readiness *readiness;
    char pid[16];

    if (!have_libsystemd()) {
        return;
    }
    be_systemd();
    snprintf(pid, sizeof(pid), "%d", getpid());
    setenv("WATCHDOG_PID", pid, 1);
    setenv("WATCHDOG_USEC", "30000000", 1);
    readiness = readiness_create(folder_path("pid"));
    ck_assert_ptr_nonnull(readiness);
    ck_assert_uint_eq(readiness_watchdog(readiness), 30000);
    ck_assert_str_eq(told(), "");
    ck_assert_int_eq(readiness_announce(readiness), 0);
    ck_assert_str_eq(told(), "READY=1");
    ck_assert_int_eq(access(folder_path("pid"), F_OK), 0);
    readiness_alive(readiness);
    ck_assert_str_eq(told(), "WATCHDOG=1");
    readiness_withdraw(readiness);
    ck_assert_str_eq(told(), "STOPPING=1");
    ck_assert_int_ne(access(folder_path("pid"), F_OK), 0);
    readiness_destroy(readiness);
    ck_assert_str_eq(told(), "");
}
END_TEST

START_TEST(a_pidfile_that_cannot_be)
{
    struct readiness *readiness;

    be_systemd();
    readiness = readiness_create(folder_path("missing/pid"));
    ck_assert_ptr_nonnull(readiness);
    ck_assert_uint_eq(readiness_watchdog(readiness), 0);
    ck_assert_int_eq(readiness_announce(readiness), -ENOENT);
    readiness_destroy(readiness);
    ck_assert_str_eq(told(), ""); /* neither that it is ready nor that it ends */
}
END_TEST

START_TEST(without_systemd)
{
    struct readiness *readiness;

    unsetenv("NOTIFY_SOCKET");
    setenv("WATCHDOG_USEC", "30000000", 1);
    readiness = readiness_create(NULL);
    ck_assert_ptr_nonnull(readiness);
    ck_assert_uint_eq(readiness_watchdog(readiness), 0);
    ck_assert_int_eq(readiness_announce(readiness), 0);
    readiness_alive(readiness);
    readiness_destroy(readiness);
    readiness_withdraw(NULL);
    readiness_destroy(NULL);
}
END_TEST

TCase *readiness_tests(void)
{
    TCase *group = tcase_create("readiness");

    tcase_add_test(group, systemd_is_told);
    tcase_add_test(group, a_pidfile_that_cannot_be);
    tcase_add_test(group, without_systemd);
    return group;
}
