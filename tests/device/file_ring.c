/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * File requests, by io_uring and by plain system calls: both ways show the same. _i of each test: 1 asks for io_uring;
 * where the kernel has none, that way is the plain one again.
 */
#define _GNU_SOURCE /* memfd_create() */
#include "device/file_ring.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "device/loop.h"
#include "tests/device/bench.h"
#include "tests/device/ring_bench.h"

#define PIECE 4096u
#define MANY  1000u /* more than the ring sends out at once */

START_TEST(pieces_are_written_and_read)
{
    uint8_t out[3][100], in[300];
    struct iovec pieces[3] = {{out[0], 100}, {out[1], 50}, {out[2], 100}};
    struct iovec whole = {in, 250};

    bench_open_ring(_i != 0);
    for (unsigned i = 0; i < 3; i++) {
        memset(out[i], 'a' + (int)i, 100);
    }
    ck_assert_int_eq(bench_run_one(IOREQD_FILE_WRITE, 1000, pieces, 3, bench_fd), 0);
    ck_assert_int_eq(bench_run_one(IOREQD_FILE_FLUSH, 0, NULL, 0, bench_fd), 0);
    ck_assert_int_eq(bench_run_one(IOREQD_FILE_READ, 1000, &whole, 1, bench_fd), 0);
    for (unsigned i = 0; i < 250; i++) {
        ck_assert_uint_eq(in[i], i < 100 ? 'a' : i < 150 ? 'b' : 'c');
    }
    ck_assert_int_eq(pread(bench_fd, in, 300, 0), 300);
    ck_assert_uint_eq(in[0], 0);
    ck_assert_int_eq(lseek(bench_fd, 0, SEEK_END), 1250);
    ck_assert_int_eq(bench_run_one(IOREQD_FILE_READ, 0, &whole, 0, bench_fd), 0); /* of nothing */
    bench_close_ring();
}
END_TEST

/* More in one turn than the ring has entries: each is done once, with its own bytes. */
START_TEST(many_in_one_turn)
{
    struct ioreqd_file_request *request = calloc(MANY, sizeof(*request));
    struct iovec *iov = calloc(MANY, sizeof(*iov));
    uint32_t *word = calloc(MANY, sizeof(*word));

    bench_open_ring(_i != 0);
    for (unsigned pass = 0; pass < 2; pass++) {
        for (unsigned i = 0; i < MANY; i++) {
            word[i] = pass == 0 ? i * 3 + 1 : 0;
            iov[i] = (struct iovec){&word[i], sizeof(word[i])};
            request[i] = (struct ioreqd_file_request){.operation = pass == 0 ? IOREQD_FILE_WRITE : IOREQD_FILE_READ,
                                                      .offset = (MANY - i) * UINT64_C(8),
                                                      .iov = &iov[i],
                                                      .iov_count = 1,
                                                      .result = 1,
                                                      .done = bench_on_done};
            bench_submit(bench_ring, bench_fd, &request[i]);
        }
        bench_run_until((pass + 1) * MANY);
    }
    for (unsigned i = 0; i < MANY; i++) {
        ck_assert_int_eq(request[i].result, 0);
        ck_assert_uint_eq(word[i], i * 3 + 1);
    }
    bench_close_ring();
    free(request);
    free(iov);
    free(word);
}
END_TEST

/* A file that has become shorter: an error, not silence. */
START_TEST(reads_beyond_the_end)
{
    uint8_t bytes[PIECE];
    struct iovec two[2] = {{bytes, 100}, {bytes + 100, PIECE - 100}};

    bench_open_ring(_i != 0);
    ck_assert_int_eq(ftruncate(bench_fd, PIECE), 0);
    ck_assert_int_eq(bench_run_one(IOREQD_FILE_READ, 0, two, 2, bench_fd), 0);
    ck_assert_int_eq(bench_run_one(IOREQD_FILE_READ, PIECE - 150, two, 2, bench_fd), -EIO);
    ck_assert_int_eq(bench_run_one(IOREQD_FILE_READ, PIECE - 50, two, 2, bench_fd), -EIO);
    ck_assert_int_eq(bench_run_one(IOREQD_FILE_READ, PIECE, two, 2, bench_fd), -EIO);
    bench_close_ring();
}
END_TEST

/* A transfer that the kernel cuts short is carried on, until there is an error. */
START_TEST(short_writes_are_carried_on)
{
    const struct rlimit limit = {PIECE + 100, PIECE + 100};
    uint8_t bytes[2 * PIECE];
    struct iovec two[2] = {{bytes, PIECE + 50}, {bytes + PIECE + 50, PIECE - 50}};
    char path[] = "/tmp/test-device-XXXXXX";
    int file;

    bench_open_ring(_i != 0);
    file = mkstemp(path);
    ck_assert_int_ge(file, 0);
    unlink(path);
    memset(bytes, 0x5a, sizeof(bytes));
    signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    ck_assert_int_eq(bench_run_one(IOREQD_FILE_WRITE, 0, two, 2, file), -EFBIG);
    memset(bytes, 0, sizeof(bytes));
    ck_assert_int_eq(pread(file, bytes, sizeof(bytes), 0), PIECE + 100);
    ck_assert_uint_eq(bytes[PIECE + 99], 0x5a);
    close(file);
    bench_close_ring();
}
END_TEST

/* Linux transfers 2 GiB less a page at a time: what is left is read into the right pieces from the right place. */
START_TEST(large_reads_are_carried_on)
{
    const size_t large = (size_t)4 << 20;
    uint8_t *bytes = malloc(large);
    uint8_t tail[3][16];
    struct iovec iov[515];

    bench_open_ring(_i != 0);
    for (unsigned i = 0; i < 512; i++) { /* 2 GiB, all into one place */
        iov[i] = (struct iovec){bytes, large};
    }
    for (unsigned i = 0; i < 3; i++) {
        iov[512 + i] = (struct iovec){tail[i], 16};
    }
    ck_assert_int_eq(pwrite(bench_fd, "sixteen bytes.. and sixteen more and the end...", 48, (off_t)512 * (off_t)large),
                     48);
    ck_assert_int_eq(bench_run_one(IOREQD_FILE_READ, 0, iov, 515, bench_fd), 0);
    ck_assert_mem_eq(tail, "sixteen bytes.. and sixteen more and the end...", 48);
    bench_close_ring();
    free(bytes);
}
END_TEST

START_TEST(errors_of_the_kernel)
{
    uint8_t bytes[64];
    struct iovec one = {bytes, sizeof(bytes)};
    int full = open("/dev/full", O_RDWR | O_CLOEXEC);
    int reader = open("/dev/null", O_RDONLY | O_CLOEXEC);
    int writer = open("/dev/null", O_WRONLY | O_CLOEXEC);

    bench_open_ring(_i != 0);
    ck_assert(full >= 0 && reader >= 0 && writer >= 0);
    ck_assert_int_eq(bench_run_one(IOREQD_FILE_WRITE, 0, &one, 1, full), -ENOSPC);
    ck_assert_int_eq(bench_run_one(IOREQD_FILE_WRITE, 0, &one, 1, reader), -EBADF);
    ck_assert_int_eq(bench_run_one(IOREQD_FILE_READ, 0, &one, 1, writer), -EBADF);
    ck_assert_int_eq(bench_run_one(IOREQD_FILE_FLUSH, 0, NULL, 0, -1), -EBADF);
    ck_assert_int_eq(bench_run_one(IOREQD_FILE_FLUSH, 0, NULL, 0, full), -EINVAL);
    ck_assert_int_eq(bench_run_one(IOREQD_FILE_WRITE, (uint64_t)INT64_MAX + 1, &one, 1, bench_fd), -EINVAL);
    one.iov_base = (void *)(uintptr_t)8; /* memory that went away */
    ck_assert_int_eq(ftruncate(bench_fd, 64), 0);
    ck_assert_int_eq(bench_run_one(IOREQD_FILE_READ, 0, &one, 1, bench_fd), -EFAULT);
    close(full);
    close(reader);
    close(writer);
    bench_close_ring();
}
END_TEST

/* A completion starts the next request, as a write-through disk does. */
static unsigned chain_left;

static void on_chain(struct ioreqd_file_request *request)
{
    bench_done++;
    if (request->result == 0 && chain_left-- > 0) {
        request->operation = request->operation == IOREQD_FILE_WRITE ? IOREQD_FILE_FLUSH : IOREQD_FILE_WRITE;
        request->offset++;
        bench_submit(bench_ring, bench_fd, request);
    }
}

START_TEST(completions_submit)
{
    struct iovec one = {(void *)(uintptr_t) "x", 1};
    struct ioreqd_file_request request = {
        .operation = IOREQD_FILE_WRITE, .iov = &one, .iov_count = 1, .done = on_chain};

    bench_open_ring(_i != 0);
    chain_left = 99;
    bench_submit(bench_ring, bench_fd, &request);
    bench_run_until(100);
    ck_assert_int_eq(request.result, 0);
    ck_assert_int_eq(lseek(bench_fd, 0, SEEK_END), 99);
    bench_close_ring();
}
END_TEST

/* On a loop: work submits, the loop sleeps, the completion wakes it. */
static struct ioreqd_loop *loop;
static atomic_uint rounds;
static struct ioreqd_file_request looped;
static struct iovec looped_iov;
static uint8_t looped_byte;

static void on_looped(struct ioreqd_file_request *request)
{
    if (request->result == 0 && atomic_fetch_add(&rounds, 1) + 1 < 2000) {
        bench_submit(loop_file_ring(loop), bench_fd, request);
    }
}

static void submit_looped(void *argument)
{
    (void)argument;
    bench_submit(loop_file_ring(loop), bench_fd, &looped);
}

static bool is_round(void *argument)
{
    (void)argument;
    return atomic_load(&rounds) == 2000;
}

START_TEST(completions_wake_the_loop)
{
    struct ioreqd_work work = {.run = submit_looped};

    bench_fd = memfd_create("file", MFD_CLOEXEC);
    ck_assert_int_eq(ftruncate(bench_fd, 16), 0);
    looped_iov = (struct iovec){&looped_byte, 1};
    looped = (struct ioreqd_file_request){
        .operation = IOREQD_FILE_READ, .iov = &looped_iov, .iov_count = 1, .done = on_looped};
    loop = loop_create();
    ck_assert_int_eq(loop_start(loop, "files"), 0);
    loop_post(loop, &work);
    ck_assert(bench_wait(is_round, NULL));
    loop_destroy(loop);
    close(bench_fd);
}
END_TEST

/* Asked for io_uring, the tests run the plain way where there is none: scripts/test shows this line. */
START_TEST(the_log_tells_the_way)
{
    bench_open_ring(true);
    printf("file requests: %s\n",
           file_ring_uses_uring(bench_ring) ? "tested" : "not there, so plain calls were tested twice");
    fflush(stdout);
    bench_close_ring();
}
END_TEST

TCase *file_ring_tests(void)
{
    TCase *group = tcase_create("file requests");

    tcase_set_timeout(group, 60);
    tcase_add_test(group, the_log_tells_the_way);
    tcase_add_loop_test(group, pieces_are_written_and_read, 0, 2);
    tcase_add_loop_test(group, many_in_one_turn, 0, 2);
    tcase_add_loop_test(group, reads_beyond_the_end, 0, 2);
    tcase_add_loop_test(group, short_writes_are_carried_on, 0, 2);
    tcase_add_loop_test(group, large_reads_are_carried_on, 0, 2);
    tcase_add_loop_test(group, errors_of_the_kernel, 0, 2);
    tcase_add_loop_test(group, completions_submit, 0, 2);
    tcase_add_test(group, completions_wake_the_loop);
    return group;
}
