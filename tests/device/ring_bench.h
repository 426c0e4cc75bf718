/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the tests of file rings share: a ring, a file in memory, and requests that are one operation each. One a test,
 * on the test's main thread.
 */
#ifndef TESTS_DEVICE_RING_BENCH_H
#define TESTS_DEVICE_RING_BENCH_H

#include <stdbool.h>
#include <stdint.h>

#include "device/file_ring.h"

extern struct file_ring *bench_ring;
extern int bench_fd;
extern unsigned bench_done; /* requests */
extern struct ioreqd_file_request *bench_done_last;

void bench_open_ring(bool try_uring);
void bench_close_ring(void);

/* For done() of a request. */
void bench_on_done(struct ioreqd_file_request *request);
void bench_submit(struct file_ring *on, int descriptor, struct ioreqd_file_request *request);
/* Runs the ring until so many requests are done. */
void bench_run_until(unsigned count);
int32_t bench_run_one(uint8_t operation, uint64_t offset, struct iovec *iov, uint32_t iov_count, int on);

/* Makes the last io_uring of ours refuse all from now on. False: there is none. */
bool bench_break_uring(void);

#endif
