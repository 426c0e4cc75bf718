/* SPDX-License-Identifier: BSD-2-Clause */
/* A file ring with a file for tests, see ring_bench.h. */
#define _GNU_SOURCE /* memfd_create(), memmem() */
#include "tests/device/ring_bench.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "tests/device/bench.h"

struct file_ring *bench_ring;
int bench_fd;
unsigned bench_done;
struct ioreqd_file_request *bench_done_last;

void bench_on_done(struct ioreqd_file_request *request)
{
    bench_done_last = request;
    bench_done++;
}

/* A request as one operation on a descriptor. */
static void operation_done(struct file_operation *operation, int result)
{
    struct ioreqd_file_request *request =
        (struct ioreqd_file_request *)(void *)((char *)operation - offsetof(struct ioreqd_file_request, host));

    request->result = result;
    request->done(request);
}

void bench_submit(struct file_ring *on, int descriptor, struct ioreqd_file_request *request)
{
    struct file_operation *operation = (struct file_operation *)request->host;

    *operation = (struct file_operation){
        .done = operation_done,
        .iov = request->iov,
        .iov_count = request->iov_count,
        .fd = descriptor,
        .offset = request->offset,
        .length = request->length,
        .kind = request->operation,
        .flags = request->flags,
    };
    file_ring_submit(on, operation);
}

void bench_open_ring(bool try_uring)
{
    bench_ring = file_ring_create(try_uring);
    ck_assert_ptr_nonnull(bench_ring);
    ck_assert(try_uring || !file_ring_uses_uring(bench_ring));
    bench_fd = memfd_create("file", MFD_CLOEXEC);
    ck_assert_int_ge(bench_fd, 0);
    bench_done = 0;
}

void bench_close_ring(void)
{
    file_ring_destroy(bench_ring);
    close(bench_fd);
}

/* Runs the ring until so many requests are done. */
void bench_run_until(unsigned count)
{
    const struct timespec pause = {.tv_nsec = 10000};

    for (unsigned idle = 0; bench_done < count && idle < 1000000; idle++) {
        if (!file_ring_turn(bench_ring)) {
            nanosleep(&pause, NULL);
        }
    }
    ck_assert_uint_eq(bench_done, count);
    ck_assert(!file_ring_turn(bench_ring));
}

int32_t bench_run_one(uint8_t operation, uint64_t offset, struct iovec *iov, uint32_t iov_count, int on)
{
    struct ioreqd_file_request request = {.operation = operation,
                                          .offset = offset,
                                          .iov = iov,
                                          .iov_count = iov_count,
                                          .result = 1,
                                          .done = bench_on_done};
    unsigned before = bench_done;

    bench_submit(bench_ring, on, &request);
    ck_assert_uint_eq(bench_done, before); /* not before the turn ends */
    bench_run_until(before + 1);
    ck_assert_ptr_eq(bench_done_last, &request);
    return request.result;
}

/* The descriptor of an io_uring of ours; -1: there is none. */
static int find_uring(void)
{
    char name[32], target[64];

    for (int i = 0; i < 64; i++) {
        ssize_t length;

        snprintf(name, sizeof(name), "/proc/self/fd/%d", i);
        length = readlink(name, target, sizeof(target) - 1);
        if (length > 0 && memmem(target, (size_t)length, "[io_uring]", 10) != NULL) {
            return i;
        }
    }
    return -1;
}

bool bench_break_uring(void)
{
    int uring = find_uring();
    int null;

    if (uring < 0) {
        return false;
    }
    null = open("/dev/null", O_RDWR | O_CLOEXEC);
    ck_assert_int_eq(dup2(null, uring), uring);
    close(null);
    return true;
}
