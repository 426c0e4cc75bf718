/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Clearing parts of files, by io_uring and by the helping thread, and what becomes of a ring whose io_uring refuses.
 * _i of each test: 1 asks for io_uring.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/device/bench.h"
#include "tests/device/ring_bench.h"

#define MANY 1000u /* more than the ring sends out at once */

static int32_t clear_on(int on, uint8_t operation, uint8_t flags, uint64_t offset, uint64_t length)
{
    struct ioreqd_file_request request = {.operation = operation,
                                          .flags = flags,
                                          .offset = offset,
                                          .length = length,
                                          .iov_count = 7, /* not looked at */
                                          .result = 1,
                                          .done = bench_on_done};
    unsigned before = bench_done;

    bench_submit(bench_ring, on, &request);
    ck_assert_uint_eq(bench_done, before);
    bench_run_until(before + 1);
    return request.result;
}

/* Where the file's bytes are not `salt` from 0 to size, as one number: first << 32 | end. */
static uint64_t changed(int on, size_t size, uint8_t salt)
{
    uint8_t *bytes = malloc(size);
    size_t first = 0, end = size;

    ck_assert_int_eq(pread(on, bytes, size, 0), (ssize_t)size);
    while (first < size && bytes[first] == salt) {
        first++;
    }
    while (end > first && bytes[end - 1] == salt) {
        end--;
    }
    for (size_t i = first; i < end; i++) {
        if (bytes[i] != 0) {
            ck_abort_msg("byte %zu is neither kept nor cleared", i);
        }
    }
    free(bytes);
    return (uint64_t)first << 32 | end;
}

static void fill(int on, size_t size, uint8_t salt)
{
    uint8_t *bytes = malloc(size);

    memset(bytes, salt, size);
    ck_assert_int_eq(pwrite(on, bytes, size, 0), (ssize_t)size);
    free(bytes);
}

#define CLEAR_BYTES ((size_t)3 << 20)

static void check_clearing(int on)
{
    static const struct {
        uint8_t operation;
        uint8_t flags;
    } how[] = {
        {IOREQD_FILE_DISCARD, 0}, {IOREQD_FILE_WRITE_ZEROES, 0}, {IOREQD_FILE_WRITE_ZEROES, IOREQD_FILE_MAY_UNMAP}};

    for (unsigned i = 0; i < sizeof(how) / sizeof(how[0]); i++) {
        fill(on, CLEAR_BYTES, 0x5a);
        ck_assert_int_eq(clear_on(on, how[i].operation, how[i].flags, 512, 2 << 20), 0);
        ck_assert_uint_eq(changed(on, CLEAR_BYTES, 0x5a), (UINT64_C(512) << 32) + (2 << 20) + 512);
        ck_assert_int_eq(clear_on(on, how[i].operation, how[i].flags, 0, 0), 0);
        ck_assert_int_eq(clear_on(on, how[i].operation, how[i].flags, CLEAR_BYTES - 100, 100), 0);
        ck_assert_int_eq(lseek(on, 0, SEEK_END), CLEAR_BYTES);
    }
    ck_assert_int_eq(clear_on(on, IOREQD_FILE_ERASE, 0, 0, 4096), -EOPNOTSUPP);
}

/* tmpfs can make holes but not zero a range; other file systems can do both. */
START_TEST(parts_are_cleared)
{
    char path[] = "/tmp/test-device-XXXXXX";
    int file = mkstemp(path);

    ck_assert_int_ge(file, 0);
    unlink(path);
    bench_open_ring(_i != 0);
    check_clearing(bench_fd);
    check_clearing(file);
    close(file);
    bench_close_ring();
}
END_TEST

/* Where nothing can be cleared, discarding has no effect, and zeroes are written. */
START_TEST(clearing_without_help)
{
    int full = open("/dev/full", O_RDWR | O_CLOEXEC);
    int zero = open("/dev/zero", O_RDWR | O_CLOEXEC);

    bench_open_ring(_i != 0);
    ck_assert_int_eq(clear_on(full, IOREQD_FILE_DISCARD, 0, 0, 4096), 0);
    ck_assert_int_eq(clear_on(full, IOREQD_FILE_WRITE_ZEROES, 0, 0, 4096), -ENOSPC);
    ck_assert_int_eq(clear_on(full, IOREQD_FILE_WRITE_ZEROES, IOREQD_FILE_MAY_UNMAP, 0, 4096), -ENOSPC);
    ck_assert_int_eq(clear_on(zero, IOREQD_FILE_WRITE_ZEROES, 0, 0, 5 << 20), 0);
    ck_assert_int_eq(clear_on(-1, IOREQD_FILE_WRITE_ZEROES, 0, 0, 4096), -EBADF);
    close(full);
    close(zero);
    bench_close_ring();
}
END_TEST

/* Clearing goes on beside transfers, and each is answered once. */
START_TEST(clearing_beside_transfers)
{
    struct ioreqd_file_request request[200];
    uint32_t word[200];
    struct iovec iov[200];

    bench_open_ring(_i != 0);
    ck_assert_int_eq(ftruncate(bench_fd, 1 << 20), 0);
    for (unsigned i = 0; i < 200; i++) {
        word[i] = i;
        iov[i] = (struct iovec){&word[i], sizeof(word[i])};
        request[i] =
            (struct ioreqd_file_request){.operation = i % 2 == 0 ? IOREQD_FILE_WRITE : IOREQD_FILE_WRITE_ZEROES,
                                         .offset = i * UINT64_C(4096),
                                         .iov = &iov[i],
                                         .iov_count = 1,
                                         .length = 4096,
                                         .result = 1,
                                         .done = bench_on_done};
        bench_submit(bench_ring, bench_fd, &request[i]);
    }
    bench_run_until(200);
    for (unsigned i = 0; i < 200; i++) {
        ck_assert_int_eq(request[i].result, 0);
    }
    bench_close_ring();
}
END_TEST

/* io_uring that refuses for good: each request is done by plain calls, once, and so are those that come later. */
START_TEST(uring_refuses_for_good)
{
    struct ioreqd_file_request request[MANY];
    uint32_t word[MANY];
    struct iovec iov[MANY];

    bench_open_ring(true);
    if (!bench_break_uring()) {
        bench_close_ring();
        return;
    }
    for (unsigned i = 0; i < MANY; i++) {
        word[i] = i + 1;
        iov[i] = (struct iovec){&word[i], sizeof(word[i])};
        request[i] = (struct ioreqd_file_request){.operation = IOREQD_FILE_WRITE,
                                                  .offset = i * UINT64_C(8),
                                                  .iov = &iov[i],
                                                  .iov_count = 1,
                                                  .result = 1,
                                                  .done = bench_on_done};
        bench_submit(bench_ring, bench_fd, &request[i]);
    }
    bench_run_until(MANY);
    ck_assert(!file_ring_uses_uring(bench_ring));
    for (unsigned i = 0; i < MANY; i++) {
        uint32_t found = 0;

        if (request[i].result != 0 || pread(bench_fd, &found, sizeof(found), i * 8) != sizeof(found) ||
            found != i + 1) {
            ck_abort_msg("request %u was not done", i);
        }
    }
    ck_assert_int_eq(bench_run_one(IOREQD_FILE_FLUSH, 0, NULL, 0, bench_fd), 0);
    ck_assert_int_eq(clear_on(bench_fd, IOREQD_FILE_DISCARD, 0, 0, 4096), 0);
    bench_close_ring();
}
END_TEST

TCase *file_clear_tests(void)
{
    TCase *group = tcase_create("clearing");

    tcase_set_timeout(group, 60);
    tcase_add_loop_test(group, parts_are_cleared, 0, 2);
    tcase_add_loop_test(group, clearing_without_help, 0, 2);
    tcase_add_loop_test(group, clearing_beside_transfers, 0, 2);
    tcase_add_test(group, uring_refuses_for_good);
    return group;
}
