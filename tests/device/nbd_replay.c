/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a server forgets when it dies is there again when it has come back, as far as it was not flushed. Loop tests are
 * run over a Unix socket and over TCP.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "device/bounce.h"
#include "device/file_nbd_journal.h"
#include "tests/device/nbd_bench.h"

#define STEPS 300u

static uint32_t seed = 1;

static uint32_t pick(uint32_t below)
{
    seed = seed * 1664525u + 1013904223u;
    return (seed >> 8) % below;
}

START_TEST(acknowledged_writes_are_sent_again)
{
    nbd_open_at(_i, &nbd_usual, &(struct file_options){0});
    nbd_write(0, 4096, 1);
    ck_assert_int_eq(nbd_flush(), 0);
    nbd_write(4096, 4096, 2);
    nbd_write(1 << 20, 3 * BOUNCE_BYTES + 512, 3);
    nbd_zero(512, 1024);
    nbd_die_and_return();
    nbd_expect_model();
    ck_assert_uint_eq(atomic_load(&nbd_server_writes), 1 + 5 + 5); /* the first was flushed */
    ck_assert_uint_eq(atomic_load(&nbd_server_zeroes), 2);
    nbd_close_export();
}
END_TEST

/*
 * One after another, over one another, with flushes in between, and the server dies again and again. What it gets then
 * it does in any order that the protocol allows.
 */
START_TEST(overlapping_writes_keep_their_order)
{
    uint8_t bytes[512];

    nbd_open_at(_i, &nbd_usual, &(struct file_options){0});
    for (unsigned i = 0; i < STEPS; i++) {
        uint64_t offset = pick(64) * UINT64_C(512);
        size_t length = (1 + pick(32)) * 512;

        if (pick(6) == 0) {
            nbd_zero(offset, length);
        } else {
            nbd_write(offset, length, i);
        }
        if (pick(40) == 0) {
            ck_assert_int_eq(nbd_flush(), 0);
        }
        if (i % 100 == 99) {
            atomic_store(&nbd_server_reverses, true);
            nbd_die_and_return();
            ck_assert_int_eq(nbd_transfer(IOREQD_FILE_READ, 0, bytes, sizeof(bytes)), 0);
            atomic_store(&nbd_server_reverses, false);
        }
    }
    nbd_expect_model();
    nbd_close_export();
}
END_TEST

/* Zeroes that the server that has come back cannot make are written. */
START_TEST(zeroes_are_written_where_they_cannot_be_made)
{
    const struct nbd_server_options poor = {.size = NBD_IMAGE_BYTES, .abilities = NBD_SERVER_FLUSH};

    nbd_open_at(0, &nbd_usual, &(struct file_options){0});
    nbd_write(0, 4 << 20, 1);
    ck_assert_int_eq(nbd_flush(), 0);
    nbd_zero(512, 3 << 20);
    nbd_server_stop(true);
    nbd_serve(&poor);
    nbd_expect_model();
    ck_assert_uint_eq(atomic_load(&nbd_server_zeroes), 1);
    nbd_close_export();
}
END_TEST

START_TEST(flushed_writes_are_not_sent_again)
{
    uint8_t bytes[512];

    nbd_open_at(_i, &nbd_usual, &(struct file_options){0});
    nbd_write(0, 1 << 20, 1);
    ck_assert_int_eq(nbd_flush(), 0);
    nbd_die_and_return();
    ck_assert_int_eq(nbd_transfer(IOREQD_FILE_READ, 0, bytes, 512), 0);
    ck_assert_uint_eq(atomic_load(&nbd_server_writes), 4);
    nbd_expect_model();
    nbd_close_export();
}
END_TEST

/* A flush covers what was acknowledged before it was sent, and not what was while it was under way. */
START_TEST(a_flush_covers_what_was_before_it)
{
    struct nbd_job sync = {0};
    unsigned expected = 2;

    nbd_open_at(_i, &nbd_usual, &(struct file_options){0});
    nbd_write(0, 4096, 1);
    atomic_store(&nbd_server_defers, true);
    nbd_post_transfer(&sync, IOREQD_FILE_FLUSH, 0, NULL, 0);
    ck_assert(bench_wait(nbd_has_received, &expected));
    nbd_write(8192, 4096, 2);
    ck_assert(!nbd_is_done(&sync));
    atomic_store(&nbd_server_defers, false);
    ck_assert_int_eq(nbd_wait_for(&sync), 0);
    nbd_die_and_return();
    nbd_expect_model();
    ck_assert_uint_eq(atomic_load(&nbd_server_writes), 3);
    nbd_close_export();
}
END_TEST

/* The server dies in a flush: not answered though done (silent 1), or not even done (2). */
START_TEST(a_flush_under_way_waits_for_the_journal)
{
    struct nbd_job sync = {0}, late = {0};
    uint8_t bytes[512];
    unsigned expected = 2;

    nbd_open_at(_i, &nbd_usual, &(struct file_options){0});
    nbd_write(0, 4096, 1);
    atomic_store(&nbd_server_silent, 1 + (unsigned)_i / 2);
    nbd_post_transfer(&sync, IOREQD_FILE_FLUSH, 0, NULL, 0);
    ck_assert(bench_wait(nbd_has_received, &expected));
    memset(bytes, 0x3c, sizeof(bytes));
    memset(nbd_model + 65536, 0x3c, sizeof(bytes));
    nbd_post_transfer(&late, IOREQD_FILE_WRITE, 65536, bytes, sizeof(bytes));
    expected = 3;
    ck_assert(bench_wait(nbd_has_received, &expected));
    nbd_server_stop(true);
    atomic_store(&nbd_server_silent, 0);
    nbd_serve(&nbd_usual);
    ck_assert_int_eq(nbd_wait_for(&sync), 0);
    ck_assert_int_eq(nbd_wait_for(&late), 0);
    nbd_expect_model();
    nbd_close_export();
}
END_TEST

/* The server dies while the journal is sent. */
START_TEST(a_replay_begins_anew)
{
    unsigned expected;

    nbd_open_at(_i, &nbd_usual, &(struct file_options){0});
    for (unsigned i = 0; i < 64; i++) {
        nbd_write(i * UINT64_C(2048), 4096, i);
    }
    nbd_server_stop(true);
    expected = atomic_load(&nbd_server_received) + 1;
    atomic_store(&nbd_server_silent, 1);
    nbd_serve(&nbd_usual);
    ck_assert(bench_wait(nbd_has_received, &expected));
    nbd_server_stop(true);
    atomic_store(&nbd_server_silent, 0);
    nbd_serve(&nbd_usual);
    nbd_expect_model();
    nbd_close_export();
}
END_TEST

START_TEST(a_hurry_does_not_empty_the_journal)
{
    struct nbd_job read = {0};
    uint8_t bytes[512];

    nbd_open_at(_i, &nbd_usual, &(struct file_options){0});
    nbd_write(0, 65536, 1);
    nbd_server_stop(true);
    nbd_post_transfer(&read, IOREQD_FILE_READ, 0, bytes, sizeof(bytes));
    file_hurry(nbd_file, true);
    ck_assert_int_eq(nbd_wait_for(&read), -EIO);
    file_hurry(nbd_file, false);
    nbd_serve(&nbd_usual);
    nbd_expect_model();
    nbd_close_export();
}
END_TEST

/* ---- a journal that is full ---- */

START_TEST(a_full_journal_is_flushed)
{
    nbd_open_at(_i, &nbd_usual, &(struct file_options){0});
    for (unsigned i = 0; i < 24; i++) { /* three times over */
        nbd_write(i % 8 * UINT64_C(1048576) + i, 1048576 - 64 - i, i);
    }
    ck_assert_uint_gt(atomic_load(&nbd_server_flushes), 4);
    nbd_die_and_return();
    nbd_expect_model();
    nbd_close_export();
}
END_TEST

static bool is_flushed(void *argument)
{
    (void)argument;
    return atomic_load(&nbd_server_flushes) != 0;
}

/* Until nothing has come to the server for a while. */
static void wait_until_full(void)
{
    unsigned before;

    ck_assert(bench_wait(is_flushed, NULL));
    do {
        before = atomic_load(&nbd_server_writes);
        nbd_sleep(500);
    } while (atomic_load(&nbd_server_writes) != before);
}

/* Until the flush has succeeded as many writes go on as there is room for; others wait, and none fails. Reads go on. */
START_TEST(writes_wait_for_room)
{
    enum { WRITES = 100, BYTES = 65536 };
    struct nbd_job *job = calloc(WRITES, sizeof(*job));
    unsigned done = 0;
    uint8_t bytes[512];

    nbd_open_at(_i, &nbd_usual, &(struct file_options){0});
    nbd_fill(nbd_model, WRITES * BYTES, 9);
    atomic_store(&nbd_server_defers, true);
    for (unsigned i = 0; i < WRITES; i++) {
        nbd_post_transfer(&job[i], IOREQD_FILE_WRITE, i * UINT64_C(65536), nbd_model + i * BYTES, BYTES);
    }
    wait_until_full();
    for (unsigned i = 0; i < WRITES; i++) {
        done += nbd_is_done(&job[i]);
    }
    ck_assert_uint_gt(atomic_load(&nbd_server_writes), NBD_JOURNAL_BYTES / BYTES / 2);
    ck_assert_uint_lt(atomic_load(&nbd_server_writes), NBD_JOURNAL_BYTES / BYTES);
    ck_assert_uint_le(done, atomic_load(&nbd_server_writes));
    ck_assert_uint_eq(atomic_load(&nbd_server_flushes), 1);
    ck_assert_int_eq(nbd_transfer(IOREQD_FILE_READ, 0, bytes, sizeof(bytes)), 0);
    if (_i / 2 == 0) {
        atomic_store(&nbd_server_defers, false);
    } else {
        nbd_server_stop(true);
        atomic_store(&nbd_server_defers, false);
        nbd_serve(&nbd_usual);
    }
    for (unsigned i = 0; i < WRITES; i++) {
        ck_assert_int_eq(nbd_wait_for(&job[i]), 0);
    }
    nbd_die_and_return();
    nbd_expect_model();
    nbd_close_export();
    free(job);
}
END_TEST

START_TEST(an_idle_disk_is_flushed)
{
    nbd_open_at(0, &nbd_usual, &(struct file_options){0});
    nbd_write(0, 4096, 1);
    ck_assert(bench_wait(is_flushed, NULL));
    nbd_close_export();
}
END_TEST

TCase *nbd_replay_tests(void)
{
    TCase *group = tcase_create("NBD replay");

    tcase_set_timeout(group, 120);
    tcase_add_checked_fixture(group, nbd_open_folder, nbd_close_folder);
    tcase_add_loop_test(group, acknowledged_writes_are_sent_again, 0, 2);
    tcase_add_loop_test(group, overlapping_writes_keep_their_order, 0, 2);
    tcase_add_test(group, zeroes_are_written_where_they_cannot_be_made);
    tcase_add_loop_test(group, flushed_writes_are_not_sent_again, 0, 2);
    tcase_add_loop_test(group, a_flush_covers_what_was_before_it, 0, 2);
    tcase_add_loop_test(group, a_flush_under_way_waits_for_the_journal, 0, 4);
    tcase_add_loop_test(group, a_replay_begins_anew, 0, 2);
    tcase_add_loop_test(group, a_hurry_does_not_empty_the_journal, 0, 2);
    tcase_add_loop_test(group, a_full_journal_is_flushed, 0, 2);
    tcase_add_loop_test(group, writes_wait_for_room, 0, 4);
    tcase_add_test(group, an_idle_disk_is_flushed);
    return group;
}
