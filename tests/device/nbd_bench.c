/* SPDX-License-Identifier: BSD-2-Clause */
/* A server, its export and who uses it, see nbd_bench.h. */
#define _GNU_SOURCE
#include "tests/device/nbd_bench.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

char nbd_folder[] = "/tmp/test-nbd-XXXXXX", nbd_uri[96], nbd_reason[256];
struct ioreqd_file *nbd_file;
struct ioreqd_loop *nbd_loop, *nbd_other;
const struct nbd_server_options nbd_usual = {.size = NBD_IMAGE_BYTES, .abilities = NBD_ALL};

static char path[64];
static bool tcp;

static void on_done(struct ioreqd_file_request *request)
{
    struct nbd_job *job = (struct nbd_job *)request;

    if (!pthread_equal(job->thread, pthread_self())) {
        job->request.result = -ESRCH; /* not on the loop that submitted it */
    }
    atomic_store(&job->done, true);
}

static void submit_job(void *argument)
{
    struct nbd_job *job = argument;

    job->thread = pthread_self();
    file_submit(nbd_file, job->loop, &job->request);
    ck_assert(!atomic_load(&job->done)); /* not before submitting has returned */
}

void nbd_post(struct nbd_job *job)
{
    job->loop = job->loop != NULL ? job->loop : nbd_loop;
    job->request.done = on_done;
    job->request.result = 1;
    job->work = (struct ioreqd_work){.run = submit_job, .argument = job};
    loop_post(job->loop, &job->work);
}

void nbd_post_transfer(struct nbd_job *job, uint8_t operation, uint64_t offset, void *bytes, size_t length)
{
    job->iov = (struct iovec){bytes, length};
    job->request = (struct ioreqd_file_request){
        .operation = operation, .offset = offset, .iov = &job->iov, .iov_count = 1, .length = length};
    nbd_post(job);
}

bool nbd_is_done(void *argument)
{
    return atomic_load(&((struct nbd_job *)argument)->done);
}

int32_t nbd_wait_for(struct nbd_job *job)
{
    ck_assert(bench_wait(nbd_is_done, job));
    return job->request.result;
}

int32_t nbd_transfer(uint8_t operation, uint64_t offset, void *bytes, size_t length)
{
    struct nbd_job job = {0};

    nbd_post_transfer(&job, operation, offset, bytes, length);
    return nbd_wait_for(&job);
}

int32_t nbd_flush(void)
{
    return nbd_transfer(IOREQD_FILE_FLUSH, 0, NULL, 0);
}

void nbd_open_folder(void)
{
    ck_assert_ptr_nonnull(mkdtemp(nbd_folder));
    snprintf(path, sizeof(path), "%s/s", nbd_folder);
    snprintf(nbd_uri, sizeof(nbd_uri), "nbd+unix:///disk?socket=%s", path);
}

void nbd_close_folder(void)
{
    rmdir(nbd_folder);
}

void nbd_use_tcp(bool wanted)
{
    tcp = wanted;
}

void nbd_serve(const struct nbd_server_options *server)
{
    nbd_server_start(tcp ? NULL : path, server);
}

void nbd_open_export(const struct nbd_server_options *server, const struct file_options *options)
{
    nbd_serve(server);
    if (tcp) {
        snprintf(nbd_uri, sizeof(nbd_uri), "nbd://127.0.0.1:%u/disk", nbd_server_port());
    }
    nbd_file = file_open_with(nbd_uri, options, nbd_reason, sizeof(nbd_reason));
    ck_assert_msg(nbd_file != NULL, "%s", nbd_reason);
    nbd_loop = loop_create();
    nbd_other = loop_create();
    ck_assert_int_eq(loop_start(nbd_loop, "home"), 0);
    ck_assert_int_eq(loop_start(nbd_other, "other"), 0);
}

/* A file is left while its loops do not run. */
void nbd_close_file(void)
{
    loop_stop(nbd_loop);
    loop_stop(nbd_other);
    file_close(nbd_file);
    loop_destroy(nbd_loop);
    loop_destroy(nbd_other);
}

void nbd_close_export(void)
{
    nbd_close_file();
    nbd_server_stop(false);
}

void nbd_fill(uint8_t *bytes, size_t length, unsigned salt)
{
    for (size_t i = 0; i < length; i++) {
        bytes[i] = bench_byte(i, salt);
    }
}

bool nbd_has_received(void *argument)
{
    return atomic_load(&nbd_server_received) >= *(unsigned *)argument;
}

void nbd_sleep(unsigned milliseconds)
{
    nanosleep(&(struct timespec){.tv_sec = milliseconds / 1000, .tv_nsec = milliseconds % 1000 * 1000000L}, NULL);
}

/* ---- an export with a model of what it holds ---- */

uint8_t nbd_model[NBD_IMAGE_BYTES];

void nbd_open_at(int index, const struct nbd_server_options *server, const struct file_options *options)
{
    nbd_use_tcp(index % 2 != 0);
    nbd_open_export(server, options);
    memset(nbd_model, 0, sizeof(nbd_model));
}

void nbd_write(uint64_t offset, size_t length, unsigned salt)
{
    nbd_fill(nbd_model + offset, length, salt);
    ck_assert_int_eq(nbd_transfer(IOREQD_FILE_WRITE, offset, nbd_model + offset, length), 0);
}

void nbd_zero(uint64_t offset, size_t length)
{
    memset(nbd_model + offset, 0, length);
    ck_assert_int_eq(nbd_transfer(IOREQD_FILE_WRITE_ZEROES, offset, NULL, length), 0);
}

void nbd_die_and_return(void)
{
    nbd_server_stop(true);
    nbd_serve(&nbd_usual);
}

void nbd_expect_model(void)
{
    uint8_t *in = malloc(NBD_IMAGE_BYTES);

    ck_assert_int_eq(nbd_transfer(IOREQD_FILE_READ, 0, in, NBD_IMAGE_BYTES), 0);
    ck_assert(memcmp(in, nbd_model, NBD_IMAGE_BYTES) == 0);
    ck_assert_int_eq(nbd_flush(), 0);
    nbd_server_stop(true);
    ck_assert(memcmp(nbd_server_image, nbd_model, NBD_IMAGE_BYTES) == 0);
    nbd_serve(&nbd_usual);
    free(in);
}
