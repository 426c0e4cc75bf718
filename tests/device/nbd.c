/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Files that are exports of an NBD server: what moves, what the server says of itself, and what becomes of requests
 * when it goes away and comes back.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "device/bounce.h"
#include "device/file.h"
#include "device/loop.h"
#include "tests/device/bench.h"
#include "tests/device/nbd_server.h"

#define IMAGE_BYTES (UINT64_C(8) << 20)
#define ALL         (NBD_SERVER_FLUSH | NBD_SERVER_TRIM | NBD_SERVER_ZEROES)
#define MANY        300u /* more than are sent at once */

static char folder[] = "/tmp/test-nbd-XXXXXX";
static char path[64], uri[96];
static char reason[256];
static struct ioreqd_file *file;
static struct ioreqd_loop *loop, *other;
static const struct nbd_server_options usual = {.size = IMAGE_BYTES, .abilities = ALL};

struct job {
    struct ioreqd_file_request request; /* first */
    struct ioreqd_work work;
    struct ioreqd_loop *loop;
    struct iovec iov;
    pthread_t thread;
    atomic_bool done;
};

static void on_done(struct ioreqd_file_request *request)
{
    struct job *job = (struct job *)request;

    if (!pthread_equal(job->thread, pthread_self())) {
        job->request.result = -ESRCH; /* not on the loop that submitted it */
    }
    atomic_store(&job->done, true);
}

static void submit_job(void *argument)
{
    struct job *job = argument;

    job->thread = pthread_self();
    file_submit(file, job->loop, &job->request);
    ck_assert(!atomic_load(&job->done)); /* not before submitting has returned */
}

static void post(struct job *job)
{
    job->loop = job->loop != NULL ? job->loop : loop;
    job->request.done = on_done;
    job->request.result = 1;
    job->work = (struct ioreqd_work){.run = submit_job, .argument = job};
    loop_post(job->loop, &job->work);
}

static void post_transfer(struct job *job, uint8_t operation, uint64_t offset, void *bytes, size_t length)
{
    job->iov = (struct iovec){bytes, length};
    job->request = (struct ioreqd_file_request){
        .operation = operation, .offset = offset, .iov = &job->iov, .iov_count = 1, .length = length};
    post(job);
}

static bool is_done(void *argument)
{
    return atomic_load(&((struct job *)argument)->done);
}

static int32_t wait_for(struct job *job)
{
    ck_assert(bench_wait(is_done, job));
    return job->request.result;
}

static int32_t transfer(uint8_t operation, uint64_t offset, void *bytes, size_t length)
{
    struct job job = {0};

    post_transfer(&job, operation, offset, bytes, length);
    return wait_for(&job);
}

static int32_t flush(void)
{
    return transfer(IOREQD_FILE_FLUSH, 0, NULL, 0);
}

static void open_folder(void)
{
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/s", folder);
    snprintf(uri, sizeof(uri), "nbd+unix:///disk?socket=%s", path);
}

static void close_folder(void)
{
    rmdir(folder);
}

static void open_export(const struct nbd_server_options *server, const struct file_options *options)
{
    nbd_server_start(path, server);
    file = file_open_with(uri, options, reason, sizeof(reason));
    ck_assert_msg(file != NULL, "%s", reason);
    loop = loop_create();
    other = loop_create();
    ck_assert_int_eq(loop_start(loop, "home"), 0);
    ck_assert_int_eq(loop_start(other, "other"), 0);
}

/* A file is left while its loops do not run. */
static void close_export(void)
{
    loop_stop(loop);
    loop_stop(other);
    file_close(file);
    loop_destroy(loop);
    loop_destroy(other);
    nbd_server_stop(false);
}

static void fill(uint8_t *bytes, size_t length, unsigned salt)
{
    for (size_t i = 0; i < length; i++) {
        bytes[i] = bench_byte(i, salt);
    }
}

START_TEST(exports_are_read_and_written)
{
    const size_t length = 2 * BOUNCE_BYTES + 1536;
    uint8_t *out = malloc(length), *in = calloc(1, length);
    struct iovec pieces[3] = {{in, 7}, {in + 7, BOUNCE_BYTES}, {in + 7 + BOUNCE_BYTES, length - 7 - BOUNCE_BYTES}};
    struct job job = {.request = {.operation = IOREQD_FILE_READ, .offset = 512, .iov = pieces, .iov_count = 3}};

    open_export(&usual, &(struct file_options){0});
    ck_assert_uint_eq(file_size(file), IMAGE_BYTES);
    ck_assert(!file_read_only(file));
    ck_assert_int_eq(file_descriptor(file), -1);
    fill(out, length, 5);
    ck_assert_int_eq(transfer(IOREQD_FILE_WRITE, 512, out, length), 0);
    ck_assert_int_eq(memcmp(nbd_server_image + 512, out, length), 0);
    post(&job);
    ck_assert_int_eq(wait_for(&job), 0);
    ck_assert_int_eq(memcmp(in, out, length), 0);
    ck_assert_int_eq(flush(), 0);
    ck_assert_uint_eq(atomic_load(&nbd_server_flushes), 1);
    ck_assert_int_eq(transfer(IOREQD_FILE_DISCARD, 512, NULL, 1024), 0);
    ck_assert_uint_eq(nbd_server_image[512 + 1023], 0xdd);
    ck_assert_int_eq(transfer(IOREQD_FILE_WRITE_ZEROES, 0, NULL, IMAGE_BYTES), 0);
    ck_assert_uint_eq(nbd_server_image[512] | nbd_server_image[IMAGE_BYTES - 1], 0);
    ck_assert_uint_eq(atomic_load(&nbd_server_zeroes), 1);
    ck_assert_int_eq(transfer(IOREQD_FILE_ERASE, 0, NULL, 512), -EOPNOTSUPP);
    ck_assert_int_eq(transfer(IOREQD_FILE_READ, IMAGE_BYTES, in, 512), -EIO);
    ck_assert_int_eq(transfer(IOREQD_FILE_READ, 0, in, 0), 0);
    close_export();
    free(out);
    free(in);
}
END_TEST

START_TEST(the_server_tells_what_it_can)
{
    struct ioreqd_file_facts facts = {.struct_size = sizeof(facts)};
    struct nbd_server_options poor = {.size = IMAGE_BYTES, .minimum_block = 4096};
    uint8_t *bytes = calloc(1, 8192);

    open_export(&usual, &(struct file_options){0});
    file_tell_facts(file, &facts);
    ck_assert_uint_eq(facts.logical_block, 512);
    ck_assert_uint_eq(facts.abilities, IOREQD_FILE_CAN_DISCARD | IOREQD_FILE_CAN_WRITE_ZEROES | IOREQD_FILE_CAN_UNMAP);
    close_export();

    /* What it cannot do is done without it, and its blocks are respected. */
    open_export(&poor, &(struct file_options){0});
    file_tell_facts(file, &facts);
    ck_assert_uint_eq(facts.logical_block, 4096);
    ck_assert_uint_eq(facts.abilities, IOREQD_FILE_CAN_WRITE_ZEROES);
    memset(nbd_server_image, 0x5a, IMAGE_BYTES);
    ck_assert_int_eq(transfer(IOREQD_FILE_DISCARD, 0, NULL, 8192), 0);
    ck_assert_uint_eq(nbd_server_image[0], 0x5a);
    ck_assert_int_eq(transfer(IOREQD_FILE_WRITE_ZEROES, 4096, NULL, 3 * BOUNCE_BYTES), 0);
    ck_assert_uint_eq(nbd_server_image[4095], 0x5a);
    ck_assert_uint_eq(nbd_server_image[4096] | nbd_server_image[4095 + 3 * BOUNCE_BYTES], 0);
    ck_assert_uint_eq(nbd_server_image[4096 + 3 * BOUNCE_BYTES], 0x5a);
    ck_assert_int_eq(flush(), 0);
    ck_assert_uint_eq(atomic_load(&nbd_server_flushes), 0);
    ck_assert_int_eq(transfer(IOREQD_FILE_WRITE, 512, bytes, 4096), -EINVAL);
    ck_assert_int_eq(transfer(IOREQD_FILE_WRITE, 4096, bytes, 8192), 0);
    close_export();

    poor.abilities = ALL | NBD_SERVER_READ_ONLY;
    open_export(&poor, &(struct file_options){0});
    ck_assert(file_read_only(file));
    file_tell_facts(file, &facts);
    ck_assert_uint_eq(facts.abilities, 0);
    ck_assert_int_eq(transfer(IOREQD_FILE_WRITE, 0, bytes, 4096), -EROFS);
    ck_assert_int_eq(transfer(IOREQD_FILE_READ, 0, bytes, 4096), 0);
    close_export();
    free(bytes);
}
END_TEST

START_TEST(reasons_tell_what_to_do)
{
    ck_assert_ptr_null(file_open_with(uri, &(struct file_options){0}, reason, sizeof(reason)));
    ck_assert_msg(strstr(reason, "cannot connect") != NULL, "%s", reason);
    nbd_server_start(path, &usual);
    ck_assert_ptr_null(file_open_with(uri, &(struct file_options){.cache = FILE_CACHE_NONE}, reason, sizeof(reason)));
    ck_assert_msg(strstr(reason, "leave cache=none out") != NULL, "%s", reason);
    ck_assert_ptr_null(file_open("nbd://[bad", false, reason, sizeof(reason)));
    nbd_server_stop(false);
}
END_TEST

START_TEST(errors_of_the_server)
{
    uint8_t bytes[512] = {0};

    open_export(&usual, &(struct file_options){0});
    atomic_store(&nbd_server_error, 28); /* NBD_ENOSPC */
    ck_assert_int_eq(transfer(IOREQD_FILE_WRITE, 0, bytes, 512), -ENOSPC);
    ck_assert_int_eq(transfer(IOREQD_FILE_DISCARD, 0, NULL, 512), 0);
    atomic_store(&nbd_server_error, 5); /* NBD_EIO */
    ck_assert_int_eq(flush(), -EIO);
    ck_assert_int_eq(transfer(IOREQD_FILE_READ, 0, bytes, 512), -EIO);
    atomic_store(&nbd_server_error, 0);
    ck_assert_int_eq(transfer(IOREQD_FILE_READ, 0, bytes, 512), 0);
    close_export();
}
END_TEST

/* From two loops, more at once than are sent at once; the connection goes away and comes back in the middle. */
START_TEST(nothing_is_lost_on_the_way)
{
    struct job *job = calloc(MANY, sizeof(*job));
    uint32_t *word = calloc(MANY, 512);

    open_export(&usual, &(struct file_options){0});
    for (unsigned pass = 0; pass < 2; pass++) {
        for (unsigned i = 0; i < MANY; i++) {
            word[i * 128] = pass == 0 ? i + 1 : 0;
            job[i] = (struct job){.loop = i % 3 == 0 ? other : loop};
            post_transfer(&job[i], pass == 0 ? IOREQD_FILE_WRITE : IOREQD_FILE_READ, i * UINT64_C(1024), word + i * 128,
                          512);
            if (_i != 0 && i == MANY / 2) {
                nbd_server_stop(false);
                nbd_server_start(path, &usual);
            }
        }
        for (unsigned i = 0; i < MANY; i++) {
            if (wait_for(&job[i]) != 0 || word[i * 128] != i + 1) {
                ck_abort_msg("pass %u, request %u: %d", pass, i, job[i].request.result);
            }
        }
    }
    close_export();
    free(job);
    free(word);
}
END_TEST

/* ---- the server goes away ---- */

static bool has_received(void *argument)
{
    return atomic_load(&nbd_server_received) >= *(unsigned *)argument;
}

static void sleep_milliseconds(unsigned milliseconds)
{
    nanosleep(&(struct timespec){.tv_sec = milliseconds / 1000, .tv_nsec = milliseconds % 1000 * 1000000L}, NULL);
}

/* What was under way is sent again with the bytes that it had, whether it had been done (_i == 1) or not (2). */
START_TEST(requests_survive_the_server)
{
    struct job write = {0}, read = {0}, sync = {0}, late = {0};
    uint8_t out[512], in[512] = {0}, late_in[512] = {0};
    unsigned expected = 4;

    open_export(&usual, &(struct file_options){0});
    nbd_server_image[4096] = 0x77;
    ck_assert_int_eq(flush(), 0);
    memset(out, 0x11, sizeof(out));
    atomic_store(&nbd_server_silent, (unsigned)_i);
    post_transfer(&write, IOREQD_FILE_WRITE, 0, out, 512);
    post_transfer(&read, IOREQD_FILE_READ, 4096, in, 512);
    post_transfer(&sync, IOREQD_FILE_FLUSH, 0, NULL, 0);
    ck_assert(bench_wait(has_received, &expected));
    memset(out, 0x22, sizeof(out)); /* the guest may do that */
    nbd_server_stop(true);
    post_transfer(&late, IOREQD_FILE_READ, 0, late_in, 512);
    sleep_milliseconds(250);
    ck_assert(!is_done(&write) && !is_done(&read) && !is_done(&sync) && !is_done(&late));
    atomic_store(&nbd_server_silent, 0);
    nbd_server_start(path, &usual);
    ck_assert_int_eq(wait_for(&write), 0);
    ck_assert_int_eq(wait_for(&read), 0);
    ck_assert_int_eq(wait_for(&sync), 0);
    ck_assert_int_eq(wait_for(&late), 0);
    ck_assert_uint_eq(nbd_server_image[0], 0x11);
    ck_assert_uint_eq(in[0], 0x77);
    ck_assert_uint_eq(late_in[511], 0x11);
    close_export();
}
END_TEST

START_TEST(an_idle_connection_comes_back)
{
    uint8_t bytes[512];

    open_export(&usual, &(struct file_options){0});
    nbd_server_stop(false); /* before the file was used */
    nbd_server_start(path, &usual);
    ck_assert_int_eq(transfer(IOREQD_FILE_READ, 0, bytes, 512), 0);
    nbd_server_stop(false);
    sleep_milliseconds(100);
    nbd_server_start(path, &usual);
    ck_assert_int_eq(transfer(IOREQD_FILE_READ, 0, bytes, 512), 0);
    close_export();
}
END_TEST

START_TEST(nothing_waits_in_a_hurry)
{
    struct job job[2] = {0};
    uint8_t bytes[2][512];
    unsigned expected = 1;

    open_export(&usual, &(struct file_options){0});
    atomic_store(&nbd_server_silent, 2);
    post_transfer(&job[0], IOREQD_FILE_READ, 0, bytes[0], 512);
    ck_assert(bench_wait(has_received, &expected));
    nbd_server_stop(false);
    post_transfer(&job[1], IOREQD_FILE_READ, 0, bytes[1], 512);
    sleep_milliseconds(100);
    ck_assert(!is_done(&job[0]) && !is_done(&job[1]));
    file_hurry(file, true);
    ck_assert_int_eq(wait_for(&job[0]), -EIO);
    ck_assert_int_eq(wait_for(&job[1]), -EIO);
    ck_assert_int_eq(flush(), -EIO);
    file_hurry(file, false);
    atomic_store(&nbd_server_silent, 0);
    nbd_server_start(path, &usual);
    ck_assert_int_eq(flush(), 0);
    close_export();
}
END_TEST

/* ---- it comes back as another ---- */

START_TEST(another_export_is_not_touched)
{
    static const struct nbd_server_options others[] = {
        {.size = IMAGE_BYTES - 512, .abilities = ALL},
        {.size = IMAGE_BYTES, .abilities = ALL | NBD_SERVER_READ_ONLY},
        {.size = IMAGE_BYTES, .abilities = ALL & ~NBD_SERVER_FLUSH},
        {.size = IMAGE_BYTES, .abilities = ALL, .minimum_block = 4096},
    };
    struct job job = {0};
    uint8_t byte[512] = {0x33};

    open_export(&usual, &(struct file_options){0});
    ck_assert_int_eq(flush(), 0);
    nbd_server_stop(false);
    nbd_server_image[0] = 0x44;
    post_transfer(&job, IOREQD_FILE_WRITE, 0, byte, 512);
    nbd_server_start(path, &others[_i]);
    sleep_milliseconds(700);
    ck_assert(!is_done(&job));
    ck_assert_uint_eq(nbd_server_image[0], 0x44);
    ck_assert_uint_eq(atomic_load(&nbd_server_writes), 0);
    nbd_server_stop(false);
    nbd_server_start(path, &usual);
    ck_assert_int_eq(wait_for(&job), 0);
    ck_assert_uint_eq(nbd_server_image[0], 0x33);
    close_export();
}
END_TEST

static atomic_uint resizes;

static void on_resize(void *argument)
{
    (void)argument;
    atomic_fetch_add(&resizes, 1);
}

static bool is_resized(void *argument)
{
    (void)argument;
    return atomic_load(&resizes) == 1;
}

START_TEST(a_larger_export_is_a_resize)
{
    const struct nbd_server_options larger = {.size = 2 * IMAGE_BYTES, .abilities = ALL};
    uint8_t bytes[512] = {0};

    open_export(&usual, &(struct file_options){0});
    ck_assert_int_eq(file_follow_size(file, other, on_resize, NULL), 0);
    ck_assert_int_eq(transfer(IOREQD_FILE_WRITE, 2 * IMAGE_BYTES - 512, bytes, 512), -EIO);
    ck_assert_int_eq(flush(), 0);
    nbd_server_stop(false);
    nbd_server_start(path, &larger);
    ck_assert(bench_wait(is_resized, NULL));
    ck_assert_uint_eq(file_size(file), 2 * IMAGE_BYTES);
    ck_assert_int_eq(transfer(IOREQD_FILE_WRITE, 2 * IMAGE_BYTES - 512, bytes, 512), 0);
    close_export();
}
END_TEST

TCase *nbd_tests(void)
{
    TCase *group = tcase_create("NBD exports");

    tcase_set_timeout(group, 60);
    tcase_add_checked_fixture(group, open_folder, close_folder);
    tcase_add_test(group, exports_are_read_and_written);
    tcase_add_test(group, the_server_tells_what_it_can);
    tcase_add_test(group, reasons_tell_what_to_do);
    tcase_add_test(group, errors_of_the_server);
    tcase_add_loop_test(group, nothing_is_lost_on_the_way, 0, 2);
    tcase_add_loop_test(group, requests_survive_the_server, 1, 3);
    tcase_add_test(group, an_idle_connection_comes_back);
    tcase_add_test(group, nothing_waits_in_a_hurry);
    tcase_add_loop_test(group, another_export_is_not_touched, 0, 4);
    tcase_add_test(group, a_larger_export_is_a_resize);
    return group;
}
