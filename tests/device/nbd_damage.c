/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is lost with an NBD server all the same, and who is told. Loop tests are run over a Unix socket and over TCP.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/device/nbd_bench.h"

static void capture_log(void)
{
    char name[96];
    int fd;

    snprintf(name, sizeof(name), "%s/log", nbd_folder);
    fd = open(name, O_RDWR | O_CREAT | O_TRUNC | O_APPEND, 0600);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(dup2(fd, STDERR_FILENO), STDERR_FILENO);
    close(fd);
    unlink(name);
}

static const char *log_text(void)
{
    static char log[65536];
    ssize_t got = pread(STDERR_FILENO, log, sizeof(log) - 1, 0);

    log[got > 0 ? got : 0] = '\0';
    return log;
}

static bool log_has(const char *text)
{
    return strstr(log_text(), text) != NULL;
}

static bool is_lost(void *argument)
{
    (void)argument;
    return log_has("event nbd-lost");
}

/* The next flush fails, and only that; one that was under way when the server died (_i >= 2) is the next. */
START_TEST(a_refused_replay_fails_a_flush)
{
    struct nbd_job sync = {0};
    uint8_t bytes[512];

    nbd_open_at(_i, &nbd_usual, &(struct file_options){0});
    capture_log();
    nbd_write(4096, 4096, 1);
    nbd_write(1 << 20, 512, 2);
    nbd_zero(0, 512);
    nbd_server_stop(true);
    if (_i >= 2) {
        nbd_post_transfer(&sync, IOREQD_FILE_FLUSH, 0, NULL, 0);
    }
    atomic_store(&nbd_server_error, 28); /* NBD_ENOSPC */
    atomic_store(&nbd_server_error_of, NBD_SERVER_OF_WRITES);
    nbd_serve(&nbd_usual);
    ck_assert_int_eq(nbd_transfer(IOREQD_FILE_READ, 4096, bytes, 512), 0);
    ck_assert(log_has("4608 bytes that were written to"));
    ck_assert(log_has("from byte 4096 to 1049087"));
    ck_assert(log_has("No space left on device"));
    atomic_store(&nbd_server_error, 0);
    ck_assert_int_eq(_i >= 2 ? nbd_wait_for(&sync) : nbd_flush(), -EIO);
    ck_assert_int_eq(nbd_flush(), 0);
    ck_assert_uint_eq(atomic_load(&nbd_server_zeroes), 2); /* what could be was sent again */
    nbd_close_export();
}
END_TEST

/* The guest knows nothing of our own, so its next one has to tell it. */
START_TEST(a_flush_of_our_own_that_fails_is_told)
{
    nbd_open_at(_i, &nbd_usual, &(struct file_options){0});
    capture_log();
    atomic_store(&nbd_server_error, 5); /* NBD_EIO */
    atomic_store(&nbd_server_error_of, NBD_SERVER_OF_FLUSHES);
    for (unsigned i = 0; i < 8; i++) { /* none of them fails, or waits for ever */
        nbd_write(i * UINT64_C(1048576), 1048576, i);
    }
    ck_assert(log_has("because a flush failed"));
    atomic_store(&nbd_server_error, 0);
    ck_assert_int_eq(nbd_flush(), -EIO);
    ck_assert_int_eq(nbd_flush(), 0);
    nbd_close_export();
}
END_TEST

static unsigned log_count(const char *text)
{
    unsigned count = 0;

    for (const char *at = log_text(); (at = strstr(at, text)) != NULL; at++) {
        count++;
    }
    return count;
}

/* Whoever ends the process while the server is away is told what that costs. */
START_TEST(what_is_given_up_is_told)
{
    nbd_open_at(_i, &nbd_usual, &(struct file_options){0});
    capture_log();
    nbd_write(0, 4096, 1);
    nbd_server_stop(true);
    ck_assert(bench_wait(is_lost, NULL));
    nbd_close_file();
    ck_assert_uint_eq(log_count("4096 bytes that were written since the last flush"), 1);
}
END_TEST

/* Neither for users who do not want it, nor where nothing could ever be dropped again. */
START_TEST(nothing_is_kept_without_flushes)
{
    const struct nbd_server_options without = {.size = NBD_IMAGE_BYTES, .abilities = NBD_ALL & ~NBD_SERVER_FLUSH};
    const struct nbd_server_options *server = _i == 0 ? &nbd_usual : &without;
    uint8_t bytes[512];

    nbd_open_at(0, server, &(struct file_options){.cache = _i == 0 ? FILE_CACHE_UNSAFE : FILE_CACHE_WRITEBACK});
    capture_log();
    for (unsigned i = 0; i < 6; i++) {
        nbd_write(i * UINT64_C(1048576), 1048576, i);
    }
    nbd_zero(0, 512);
    ck_assert_int_eq(nbd_flush(), 0);
    nbd_server_stop(true);
    nbd_serve(server);
    ck_assert_int_eq(nbd_transfer(IOREQD_FILE_READ, 1 << 20, bytes, 512), 0);
    ck_assert_uint_eq(bytes[1], 0);
    ck_assert_uint_eq(atomic_load(&nbd_server_writes), 24);
    ck_assert_uint_eq(atomic_load(&nbd_server_flushes), 0);
    ck_assert(log_has("is there only if the server has kept it"));
    nbd_close_export();
}
END_TEST

TCase *nbd_damage_tests(void)
{
    TCase *group = tcase_create("NBD damage");

    tcase_set_timeout(group, 120);
    tcase_add_checked_fixture(group, nbd_open_folder, nbd_close_folder);
    tcase_add_loop_test(group, a_refused_replay_fails_a_flush, 0, 4);
    tcase_add_loop_test(group, a_flush_of_our_own_that_fails_is_told, 0, 2);
    tcase_add_loop_test(group, what_is_given_up_is_told, 0, 2);
    tcase_add_loop_test(group, nothing_is_kept_without_flushes, 0, 2);
    return group;
}
