/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the tests of NBD exports share: a server, the file that is its export, two loops that use it, and requests with
 * somebody who waits for them. One of each a test.
 */
#ifndef TESTS_DEVICE_NBD_BENCH_H
#define TESTS_DEVICE_NBD_BENCH_H

#include <pthread.h>

#include "device/file.h"
#include "device/loop.h"
#include "tests/device/bench.h"
#include "tests/device/nbd_server.h"

#define NBD_IMAGE_BYTES (UINT64_C(8) << 20)
#define NBD_ALL         (NBD_SERVER_FLUSH | NBD_SERVER_TRIM | NBD_SERVER_ZEROES)

struct nbd_job {
    struct ioreqd_file_request request; /* first */
    struct ioreqd_work work;
    struct ioreqd_loop *loop; /* NULL: nbd_loop */
    struct iovec iov;
    pthread_t thread;
    atomic_bool done;
};

extern char nbd_folder[], nbd_uri[96], nbd_reason[256];
extern struct ioreqd_file *nbd_file;
extern struct ioreqd_loop *nbd_loop, *nbd_other; /* the first has the connection */
extern const struct nbd_server_options nbd_usual;

void nbd_open_folder(void);
void nbd_close_folder(void);
/* Has servers listen at a port of 127.0.0.1, or at a Unix socket in the folder, which they do at first. */
void nbd_use_tcp(bool tcp);
void nbd_serve(const struct nbd_server_options *server);
void nbd_open_export(const struct nbd_server_options *server, const struct file_options *options);
void nbd_close_export(void);
/* The same when the server is gone already. */
void nbd_close_file(void);

/* Has the job's loop submit it. */
void nbd_post(struct nbd_job *job);
void nbd_post_transfer(struct nbd_job *job, uint8_t operation, uint64_t offset, void *bytes, size_t length);
bool nbd_is_done(void *job);
/* Its result. */
int32_t nbd_wait_for(struct nbd_job *job);
/* One request from beginning to end. */
int32_t nbd_transfer(uint8_t operation, uint64_t offset, void *bytes, size_t length);
int32_t nbd_flush(void);

/* What the export has to hold, if it is written to by these. */
extern uint8_t nbd_model[NBD_IMAGE_BYTES];

/* Over TCP if the index of a loop test is odd. */
void nbd_open_at(int index, const struct nbd_server_options *server, const struct file_options *options);
void nbd_write(uint64_t offset, size_t length, unsigned salt);
void nbd_zero(uint64_t offset, size_t length);
/* The server forgets what was not flushed. */
void nbd_die_and_return(void);
/* As the guest sees it, and, after a flush, as the server would have it for all time. */
void nbd_expect_model(void);

void nbd_fill(uint8_t *bytes, size_t length, unsigned salt);
/* Whether the server has received *count commands: for bench_wait(). */
bool nbd_has_received(void *count);
void nbd_sleep(unsigned milliseconds);

#endif
