/* SPDX-License-Identifier: BSD-2-Clause */
/* The sockets themselves: their modes, what is in their place, and that nothing is left. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/control/served.h"

static char folder[32], deeper[64], first[96], second[96];

static void open_folder(void)
{
    const struct stack_options options = {0};

    snprintf(folder, sizeof(folder), "/tmp/test-sockets-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(deeper, sizeof(deeper), "%s/made", folder);
    snprintf(first, sizeof(first), "%s/c", deeper);
    snprintf(second, sizeof(second), "%s/m", deeper);
    ck_assert_msg(stack_open(&stack, &options) && stack_serve(&stack), "%s", stack.error);
}

static void close_folder(void)
{
    ck_assert_uint_eq(stack_close(&stack), 0);
    rmdir(deeper);
    ck_assert_int_eq(rmdir(folder), 0);
}

static struct control *open_at(const char *path, const char *monitor, char *reason, size_t size)
{
    const struct control_options options = {.control = path, .monitor = monitor, .domain = 1};

    return control_open(stack.worker, &options, reason, size);
}

static unsigned mode_of(const char *path)
{
    struct stat status;

    ck_assert_int_eq(stat(path, &status), 0);
    return status.st_mode & 07777u;
}

START_TEST(modes)
{
    char reason[256];
    mode_t before = umask(_i == 0 ? 077 : 0);
    struct control *made = open_at(first, second, reason, sizeof(reason));

    umask(before);
    ck_assert_msg(made != NULL, "%s", reason);
    ck_assert_uint_eq(mode_of(first), 0600);
    ck_assert_uint_eq(mode_of(second), 0660);
    ck_assert_uint_eq(mode_of(deeper) & 0022, 0);
    control_close(made);
    ck_assert_int_ne(access(first, F_OK), 0);
    ck_assert_int_ne(access(second, F_OK), 0);
}
END_TEST

/* A socket whose process has ended: bound, and closed without being removed. */
static int bind_at(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int descriptor = socket(AF_UNIX, SOCK_STREAM, 0);

    memcpy(address.sun_path, path, strlen(path) + 1);
    ck_assert_int_eq(bind(descriptor, (const struct sockaddr *)&address, sizeof(address)), 0);
    ck_assert_int_eq(listen(descriptor, 1), 0);
    return descriptor;
}

START_TEST(a_stale_socket_is_replaced)
{
    char reason[256];
    struct control *made;

    ck_assert_int_eq(mkdir(deeper, 0700), 0);
    close(bind_at(first));
    made = open_at(first, NULL, reason, sizeof(reason));
    ck_assert_msg(made != NULL, "%s", reason);
    control_close(made);
}
END_TEST

START_TEST(a_live_socket_is_an_error)
{
    struct control *made;
    char reason[256];
    int other;

    ck_assert_int_eq(mkdir(deeper, 0700), 0);
    other = bind_at(second);
    made = open_at(first, second, reason, sizeof(reason));
    ck_assert_ptr_null(made);
    ck_assert_int_eq(errno, EADDRINUSE);
    ck_assert_msg(strstr(reason, second) != NULL && strstr(reason, "another process listens") != NULL, "%s", reason);
    ck_assert_int_ne(access(first, F_OK), 0); /* what was made before is taken back */
    ck_assert_int_eq(access(second, F_OK), 0);
    close(other);
    unlink(second);
}
END_TEST

START_TEST(places_that_cannot_be)
{
    char long_path[200], reason[256], far_path[120];

    memset(long_path, 'a', sizeof(long_path) - 1);
    long_path[0] = '/';
    long_path[sizeof(long_path) - 1] = 0;
    ck_assert_ptr_null(open_at(long_path, NULL, reason, sizeof(reason)));
    ck_assert_int_eq(errno, ENAMETOOLONG);
    snprintf(far_path, sizeof(far_path), "%s/no/such/c", deeper); /* one folder is made, not two */
    ck_assert_ptr_null(open_at(far_path, NULL, reason, sizeof(reason)));
    ck_assert_int_eq(errno, ENOENT);
}
END_TEST

TCase *socket_tests(void)
{
    TCase *group = tcase_create("sockets");

    tcase_add_checked_fixture(group, open_folder, close_folder);
    tcase_add_loop_test(group, modes, 0, 2);
    tcase_add_test(group, a_stale_socket_is_replaced);
    tcase_add_test(group, a_live_socket_is_an_error);
    tcase_add_test(group, places_that_cannot_be);
    return group;
}
