/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a server may forget when it dies is there again when it has come back: the journal by itself, and through servers
 * that lose all that was not flushed. Loop tests are run over a Unix socket and over TCP.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "device/file_nbd_journal.h"
#include "tests/device/nbd_bench.h"

#define LARGE_RECORD 262144u
#define RECORDS      4096u
#define ROUNDS       20000u
#define STEPS        300u

/* ---- the journal by itself ---- */

static uint32_t seed = 1;

static uint32_t pick(uint32_t below)
{
    seed = seed * 1664525u + 1013904223u;
    return (seed >> 8) % below;
}

static void check_record(const struct nbd_record *record)
{
    uint32_t bytes = (uint32_t)record->length;

    if (bytes != 0 &&
        (record->bytes[0] != (uint8_t)record->offset || record->bytes[bytes - 1] != (uint8_t)record->offset)) {
        ck_abort_msg("the bytes of a record were changed");
    }
}

static struct nbd_record *make_record(struct nbd_journal *journal, uint32_t bytes, uint64_t offset)
{
    struct nbd_record *record = nbd_journal_begin(journal, bytes);

    if (record != NULL) {
        record->offset = offset;
        record->length = bytes;
        memset(record->bytes, (int)(uint8_t)offset, bytes);
    }
    return record;
}

/* Records are begun, kept, given up and dropped in any order: none overlaps another, and there is room when promised. */
START_TEST(records_keep_their_bytes)
{
    static struct nbd_record *begun[RECORDS];
    struct nbd_journal journal;
    unsigned count = 0, refused = 0;
    uint64_t last = 0;

    nbd_journal_init(&journal);
    ck_assert(nbd_journal_prepare(&journal));
    for (unsigned i = 0; i < ROUNDS; i++) {
        uint32_t bytes = pick(4) == 0 ? pick(LARGE_RECORD + 1) : pick(3) * 4096;
        struct nbd_record *record = count < RECORDS ? make_record(&journal, bytes, i) : NULL;

        if (record != NULL) {
            begun[count++] = record;
        } else {
            refused++;
            ck_assert_uint_gt(journal.used, NBD_JOURNAL_BYTES / 2);
        }
        ck_assert_uint_le(journal.used, NBD_JOURNAL_BYTES);
        if (count > 0 && pick(8) != 0) {
            unsigned which = pick(count);

            check_record(begun[which]);
            if (pick(10) == 0) {
                nbd_journal_release(&journal, begun[which]);
            } else {
                nbd_journal_keep(&journal, begun[which]);
            }
            begun[which] = begun[--count];
        }
        if (pick(64) == 0) {
            struct nbd_record *kept;
            uint64_t before = 0;

            TAILQ_FOREACH(kept, &journal.kept, place)
            {
                check_record(kept);
                if (kept->number <= before || kept->number <= last) {
                    ck_abort_msg("not in the order of acknowledgement");
                }
                before = kept->number;
            }
            last = journal.acknowledged -
                   (journal.acknowledged > last ? pick((uint32_t)(journal.acknowledged - last)) : 0);
            nbd_journal_drop(&journal, last);
        }
    }
    ck_assert_uint_gt(refused, 0);
    while (count > 0) {
        nbd_journal_release(&journal, begun[--count]);
    }
    nbd_journal_drop(&journal, journal.acknowledged);
    ck_assert_uint_eq(journal.used | journal.kept_size | journal.kept_length, 0);
    nbd_journal_destroy(&journal);
}
END_TEST

static unsigned resident_pages(const struct nbd_journal *journal)
{
    static unsigned char map[NBD_JOURNAL_BYTES / 4096];
    unsigned pages = 0;

    ck_assert_int_eq(mincore(journal->memory, NBD_JOURNAL_BYTES, map), 0);
    for (unsigned i = 0; i < NBD_JOURNAL_BYTES / (unsigned)sysconf(_SC_PAGESIZE); i++) {
        pages += map[i] & 1;
    }
    return pages;
}

START_TEST(memory_is_taken_as_needed_and_given_back)
{
    struct nbd_journal journal;
    struct nbd_record *record;

    nbd_journal_init(&journal);
    ck_assert(nbd_journal_prepare(&journal));
    ck_assert_uint_eq(resident_pages(&journal), 0);
    record = make_record(&journal, LARGE_RECORD, 1);
    ck_assert_uint_gt(resident_pages(&journal), 0);
    nbd_journal_trim(&journal); /* it is needed */
    check_record(record);
    nbd_journal_keep(&journal, record);
    nbd_journal_drop(&journal, journal.acknowledged);
    nbd_journal_trim(&journal);
    ck_assert_uint_eq(resident_pages(&journal), 0);
    nbd_journal_destroy(&journal);
}
END_TEST

/* ---- a server that forgets ---- */

static uint8_t model[NBD_IMAGE_BYTES];

static void open_at(int index, const struct nbd_server_options *server, const struct file_options *options)
{
    nbd_use_tcp(index % 2 != 0);
    nbd_open_export(server, options);
    memset(model, 0, sizeof(model));
}

static void write_some(uint64_t offset, size_t length, unsigned salt)
{
    nbd_fill(model + offset, length, salt);
    ck_assert_int_eq(nbd_transfer(IOREQD_FILE_WRITE, offset, model + offset, length), 0);
}

static void zero_some(uint64_t offset, size_t length)
{
    memset(model + offset, 0, length);
    ck_assert_int_eq(nbd_transfer(IOREQD_FILE_WRITE_ZEROES, offset, NULL, length), 0);
}

static void die_and_return(void)
{
    nbd_server_stop(true);
    nbd_serve(&nbd_usual);
}

/* As the guest sees it, and, after a flush, as the server would have it for all time. */
static void expect_model(void)
{
    uint8_t *in = malloc(NBD_IMAGE_BYTES);

    ck_assert_int_eq(nbd_transfer(IOREQD_FILE_READ, 0, in, NBD_IMAGE_BYTES), 0);
    ck_assert(memcmp(in, model, NBD_IMAGE_BYTES) == 0);
    ck_assert_int_eq(nbd_flush(), 0);
    nbd_server_stop(true);
    ck_assert(memcmp(nbd_server_image, model, NBD_IMAGE_BYTES) == 0);
    nbd_serve(&nbd_usual);
    free(in);
}

START_TEST(acknowledged_writes_are_sent_again)
{
    open_at(_i, &nbd_usual, &(struct file_options){0});
    write_some(0, 4096, 1);
    ck_assert_int_eq(nbd_flush(), 0);
    write_some(4096, 4096, 2);
    write_some(1 << 20, 3 * LARGE_RECORD + 512, 3);
    zero_some(512, 1024);
    die_and_return();
    expect_model();
    ck_assert_uint_eq(atomic_load(&nbd_server_writes), 1 + 5 + 5); /* the first was flushed */
    ck_assert_uint_eq(atomic_load(&nbd_server_zeroes), 2);
    nbd_close_export();
}
END_TEST

/* One after another, over one another, with flushes in between, and the server dies again and again. */
START_TEST(overlapping_writes_keep_their_order)
{
    open_at(_i, &nbd_usual, &(struct file_options){0});
    for (unsigned i = 0; i < STEPS; i++) {
        uint64_t offset = pick(64) * UINT64_C(512);
        size_t length = (1 + pick(32)) * 512;

        if (pick(6) == 0) {
            zero_some(offset, length);
        } else {
            write_some(offset, length, i);
        }
        if (pick(40) == 0) {
            ck_assert_int_eq(nbd_flush(), 0);
        }
        if (i % 100 == 99) {
            die_and_return();
        }
    }
    expect_model();
    nbd_close_export();
}
END_TEST

/* Zeroes that the server that has come back cannot make are written. */
START_TEST(zeroes_are_written_where_they_cannot_be_made)
{
    const struct nbd_server_options poor = {.size = NBD_IMAGE_BYTES, .abilities = NBD_SERVER_FLUSH};

    open_at(0, &nbd_usual, &(struct file_options){0});
    write_some(0, 4 << 20, 1);
    ck_assert_int_eq(nbd_flush(), 0);
    zero_some(512, 3 << 20);
    nbd_server_stop(true);
    nbd_serve(&poor);
    expect_model();
    ck_assert_uint_eq(atomic_load(&nbd_server_zeroes), 1);
    nbd_close_export();
}
END_TEST

START_TEST(flushed_writes_are_not_sent_again)
{
    uint8_t bytes[512];

    open_at(_i, &nbd_usual, &(struct file_options){0});
    write_some(0, 1 << 20, 1);
    ck_assert_int_eq(nbd_flush(), 0);
    die_and_return();
    ck_assert_int_eq(nbd_transfer(IOREQD_FILE_READ, 0, bytes, 512), 0);
    ck_assert_uint_eq(atomic_load(&nbd_server_writes), 4);
    expect_model();
    nbd_close_export();
}
END_TEST

/* A flush covers what was acknowledged before it was sent, and not what was while it was under way. */
START_TEST(a_flush_covers_what_was_before_it)
{
    struct nbd_job sync = {0};
    unsigned expected = 2;

    open_at(_i, &nbd_usual, &(struct file_options){0});
    write_some(0, 4096, 1);
    atomic_store(&nbd_server_defers, true);
    nbd_post_transfer(&sync, IOREQD_FILE_FLUSH, 0, NULL, 0);
    ck_assert(bench_wait(nbd_has_received, &expected));
    write_some(8192, 4096, 2);
    ck_assert(!nbd_is_done(&sync));
    atomic_store(&nbd_server_defers, false);
    ck_assert_int_eq(nbd_wait_for(&sync), 0);
    die_and_return();
    expect_model();
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

    open_at(_i, &nbd_usual, &(struct file_options){0});
    write_some(0, 4096, 1);
    atomic_store(&nbd_server_silent, 1 + (unsigned)_i / 2);
    nbd_post_transfer(&sync, IOREQD_FILE_FLUSH, 0, NULL, 0);
    ck_assert(bench_wait(nbd_has_received, &expected));
    memset(bytes, 0x3c, sizeof(bytes));
    memset(model + 65536, 0x3c, sizeof(bytes));
    nbd_post_transfer(&late, IOREQD_FILE_WRITE, 65536, bytes, sizeof(bytes));
    expected = 3;
    ck_assert(bench_wait(nbd_has_received, &expected));
    nbd_server_stop(true);
    atomic_store(&nbd_server_silent, 0);
    nbd_serve(&nbd_usual);
    ck_assert_int_eq(nbd_wait_for(&sync), 0);
    ck_assert_int_eq(nbd_wait_for(&late), 0);
    expect_model();
    nbd_close_export();
}
END_TEST

/* The server dies while the journal is sent. */
START_TEST(a_replay_begins_anew)
{
    unsigned expected;

    open_at(_i, &nbd_usual, &(struct file_options){0});
    for (unsigned i = 0; i < 64; i++) {
        write_some(i * UINT64_C(2048), 4096, i);
    }
    nbd_server_stop(true);
    expected = atomic_load(&nbd_server_received) + 1;
    atomic_store(&nbd_server_silent, 1);
    nbd_serve(&nbd_usual);
    ck_assert(bench_wait(nbd_has_received, &expected));
    nbd_server_stop(true);
    atomic_store(&nbd_server_silent, 0);
    nbd_serve(&nbd_usual);
    expect_model();
    nbd_close_export();
}
END_TEST

START_TEST(a_hurry_does_not_empty_the_journal)
{
    struct nbd_job read = {0};
    uint8_t bytes[512];

    open_at(_i, &nbd_usual, &(struct file_options){0});
    write_some(0, 65536, 1);
    nbd_server_stop(true);
    nbd_post_transfer(&read, IOREQD_FILE_READ, 0, bytes, sizeof(bytes));
    file_hurry(nbd_file, true);
    ck_assert_int_eq(nbd_wait_for(&read), -EIO);
    file_hurry(nbd_file, false);
    nbd_serve(&nbd_usual);
    expect_model();
    nbd_close_export();
}
END_TEST

/* ---- a journal that is full ---- */

START_TEST(a_full_journal_is_flushed)
{
    open_at(_i, &nbd_usual, &(struct file_options){0});
    for (unsigned i = 0; i < 24; i++) { /* three times over */
        write_some(i % 8 * UINT64_C(1048576) + i, 1048576 - 64 - i, i);
    }
    ck_assert_uint_gt(atomic_load(&nbd_server_flushes), 4);
    die_and_return();
    expect_model();
    nbd_close_export();
}
END_TEST

/* Until the flush has succeeded as many writes go on as there is room for; others wait, and none fails. Reads go on. */
START_TEST(writes_wait_for_room)
{
    enum { WRITES = 100, BYTES = 65536 };
    struct nbd_job *job = calloc(WRITES, sizeof(*job));
    unsigned done = 0;
    uint8_t bytes[512];

    open_at(_i, &nbd_usual, &(struct file_options){0});
    nbd_fill(model, WRITES * BYTES, 9);
    atomic_store(&nbd_server_defers, true);
    for (unsigned i = 0; i < WRITES; i++) {
        nbd_post_transfer(&job[i], IOREQD_FILE_WRITE, i * UINT64_C(65536), model + i * BYTES, BYTES);
    }
    nbd_sleep(500);
    for (unsigned i = 0; i < WRITES; i++) {
        done += nbd_is_done(&job[i]);
    }
    ck_assert_uint_gt(done, NBD_JOURNAL_BYTES / BYTES / 2);
    ck_assert_uint_lt(done, NBD_JOURNAL_BYTES / BYTES);
    ck_assert_uint_eq(atomic_load(&nbd_server_writes), done);
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
    die_and_return();
    expect_model();
    nbd_close_export();
    free(job);
}
END_TEST

static bool is_flushed(void *argument)
{
    (void)argument;
    return atomic_load(&nbd_server_flushes) != 0;
}

START_TEST(an_idle_disk_is_flushed)
{
    open_at(0, &nbd_usual, &(struct file_options){0});
    write_some(0, 4096, 1);
    ck_assert(bench_wait(is_flushed, NULL));
    nbd_close_export();
}
END_TEST

/* ---- what cannot be kept ---- */

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

    open_at(_i, &nbd_usual, &(struct file_options){0});
    capture_log();
    write_some(4096, 4096, 1);
    write_some(1 << 20, 512, 2);
    zero_some(0, 512);
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
    open_at(_i, &nbd_usual, &(struct file_options){0});
    capture_log();
    atomic_store(&nbd_server_error, 5); /* NBD_EIO */
    atomic_store(&nbd_server_error_of, NBD_SERVER_OF_FLUSHES);
    for (unsigned i = 0; i < 8; i++) { /* none of them fails, or waits for ever */
        write_some(i * UINT64_C(1048576), 1048576, i);
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
    open_at(_i, &nbd_usual, &(struct file_options){0});
    capture_log();
    write_some(0, 4096, 1);
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

    open_at(0, server, &(struct file_options){.cache = _i == 0 ? FILE_CACHE_UNSAFE : FILE_CACHE_WRITEBACK});
    capture_log();
    for (unsigned i = 0; i < 6; i++) {
        write_some(i * UINT64_C(1048576), 1048576, i);
    }
    zero_some(0, 512);
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

TCase *nbd_journal_tests(void)
{
    TCase *group = tcase_create("NBD journal");

    tcase_set_timeout(group, 120);
    tcase_add_checked_fixture(group, nbd_open_folder, nbd_close_folder);
    tcase_add_test(group, records_keep_their_bytes);
    tcase_add_test(group, memory_is_taken_as_needed_and_given_back);
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
    tcase_add_loop_test(group, a_refused_replay_fails_a_flush, 0, 4);
    tcase_add_loop_test(group, a_flush_of_our_own_that_fails_is_told, 0, 2);
    tcase_add_loop_test(group, what_is_given_up_is_told, 0, 2);
    tcase_add_loop_test(group, nothing_is_kept_without_flushes, 0, 2);
    return group;
}
