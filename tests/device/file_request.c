/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The way of requests through a file: bounds, size, direct I/O, errors that are waited for, limits. Each test has a
 * file in /tmp and a loop with a thread, with io_uring and without.
 */
#define _GNU_SOURCE
#include "device/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "device/bounce.h"
#include "device/loop.h"
#include "tests/device/bench.h"
#include "tests/device/ring_bench.h"

#define IMAGE_BYTES ((size_t)4 << 20)
#define MANY        400u /* more than there are buffers */

static char path[] = "/tmp/test-device-XXXXXX";
static char reason[256];
static struct ioreqd_file *file;
static struct ioreqd_loop *loop;
static atomic_uint done_count;
static unsigned order[MANY];
static bool plain; /* the loop has no io_uring */

struct job {
    struct ioreqd_file_request request; /* first */
    struct ioreqd_work work;
    unsigned number;
    atomic_bool done;
};

static void on_done(struct ioreqd_file_request *request)
{
    struct job *job = (struct job *)request;

    if (job->number < MANY) {
        order[job->number] = atomic_load(&done_count);
    }
    atomic_fetch_add(&done_count, 1);
    atomic_store(&job->done, true);
}

static void submit_job(void *argument)
{
    struct job *job = argument;

    job->request.done = on_done;
    job->request.result = 1;
    file_submit(file, loop, &job->request);
}

static void post(struct job *job)
{
    job->work = (struct ioreqd_work){.run = submit_job, .argument = job};
    loop_post(loop, &job->work);
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

static int32_t transfer(uint8_t operation, uint64_t offset, const struct iovec *iov, unsigned count)
{
    struct job job = {.request = {.operation = operation, .offset = offset, .iov = iov, .iov_count = count}};

    post(&job);
    return wait_for(&job);
}

static int32_t transfer_one(uint8_t operation, uint64_t offset, void *bytes, size_t length)
{
    struct iovec iov = {bytes, length};

    return transfer(operation, offset, &iov, 1);
}

static int32_t clear(uint8_t operation, uint64_t offset, uint64_t length)
{
    struct job job = {.request = {.operation = operation, .offset = offset, .length = length}};

    post(&job);
    return wait_for(&job);
}

static void start_loop(void)
{
    loop = loop_create();
    ck_assert_ptr_nonnull(loop);
    if (plain) {
        bench_break_uring();
    }
    ck_assert_int_eq(loop_start(loop, "files"), 0);
}

/* A file is left while its loop does not run. */
static void close_image(void)
{
    loop_stop(loop);
    file_close(file);
    file = NULL;
    loop_destroy(loop);
}

static void make_image(void)
{
    int fd = mkstemp(path);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(ftruncate(fd, IMAGE_BYTES), 0);
    close(fd);
    start_loop();
    atomic_store(&done_count, 0);
}

static void make_image_plain(void)
{
    plain = true;
    make_image();
}

static void remove_image(void)
{
    close_image();
    unlink(path);
}

static void open_image(const struct file_options *options)
{
    file = file_open_with(path, options, reason, sizeof(reason));
    ck_assert_msg(file != NULL, "%s", reason);
}

START_TEST(facts_of_a_file)
{
    struct {
        struct ioreqd_file_facts facts;
        uint8_t more[8];
    } newer = {.facts = {.struct_size = sizeof(newer)}, .more = {1, 2, 3}};
    struct ioreqd_file_facts facts = {.struct_size = sizeof(facts)};
    struct ioreqd_file_facts small = {.struct_size = 12, .physical_block = 77};

    open_image(&(struct file_options){0});
    file_tell_facts(file, &facts);
    ck_assert_uint_eq(facts.logical_block, 512);
    ck_assert_uint_ge(facts.physical_block, 512);
    ck_assert((facts.abilities & IOREQD_FILE_CAN_WRITE_ZEROES) != 0);
    ck_assert_uint_eq(facts.abilities & IOREQD_FILE_CAN_ERASE, 0);
    ck_assert_int_eq(clear(IOREQD_FILE_ERASE, 0, 512), -EOPNOTSUPP);
    file_tell_facts(file, &newer.facts);
    ck_assert_uint_eq(newer.facts.struct_size, sizeof(newer));
    ck_assert_uint_eq(newer.more[1], 0);
    file_tell_facts(file, &small);
    ck_assert_uint_eq(small.logical_block, 512);
    ck_assert_uint_eq(small.physical_block, 77);
    close_image();
    start_loop();
    open_image(&(struct file_options){.read_only = true});
    file_tell_facts(file, &facts);
    ck_assert_uint_eq(facts.abilities, 0);
}
END_TEST

START_TEST(requests_stay_inside)
{
    uint8_t bytes[1024] = {1};

    open_image(&(struct file_options){0});
    ck_assert_int_eq(transfer_one(IOREQD_FILE_WRITE, IMAGE_BYTES - 1024, bytes, 1024), 0);
    ck_assert_int_eq(transfer_one(IOREQD_FILE_WRITE, IMAGE_BYTES - 1023, bytes, 1024), -EIO);
    ck_assert_int_eq(transfer_one(IOREQD_FILE_READ, UINT64_MAX - 100, bytes, 1024), -EIO);
    ck_assert_int_eq(clear(IOREQD_FILE_DISCARD, 512, UINT64_MAX), -EIO);
    ck_assert_int_eq(clear(IOREQD_FILE_WRITE_ZEROES, 512, IMAGE_BYTES), -EIO);
    ck_assert_int_eq(transfer_one(0, 0, bytes, 1024), -EINVAL);
    ck_assert_int_eq(transfer_one(7, 0, bytes, 1024), -EINVAL);
    close_image();
    start_loop();
    open_image(&(struct file_options){.read_only = true});
    ck_assert_int_eq(transfer_one(IOREQD_FILE_READ, 0, bytes, 1024), 0);
    ck_assert_int_eq(transfer_one(IOREQD_FILE_WRITE, 0, bytes, 1024), -EROFS);
    ck_assert_int_eq(clear(IOREQD_FILE_WRITE_ZEROES, 0, 1024), -EROFS);
    ck_assert_int_eq(transfer_one(IOREQD_FILE_FLUSH, 0, NULL, 0), 0);
}
END_TEST

/* ---- size ---- */

static atomic_uint resizes;

static void on_resize(void *argument)
{
    (void)argument;
    atomic_fetch_add(&resizes, 1);
}

static bool is_resized(void *argument)
{
    return atomic_load(&resizes) == *(unsigned *)argument;
}

START_TEST(the_size_is_followed)
{
    unsigned expected = 1;
    uint8_t byte = 1;

    loop_stop(loop); /* models ask before the loop runs */
    open_image(&(struct file_options){0});
    atomic_store(&resizes, 0);
    loop_destroy(loop);
    loop = loop_create();
    ck_assert_int_eq(file_follow_size(file, loop, on_resize, NULL), 0);
    ck_assert_int_eq(file_follow_size(file, loop, on_resize, NULL), -EBUSY);
    ck_assert_int_eq(loop_start(loop, "files"), 0);
    ck_assert_int_eq(truncate(path, IMAGE_BYTES / 2), 0);
    ck_assert(bench_wait(is_resized, &expected));
    ck_assert_uint_eq(file_size(file), IMAGE_BYTES / 2);
    ck_assert_int_eq(transfer_one(IOREQD_FILE_WRITE, IMAGE_BYTES - 1, &byte, 1), -EIO);
    expected = 2;
    ck_assert_int_eq(truncate(path, 2 * IMAGE_BYTES), 0);
    ck_assert(bench_wait(is_resized, &expected));
    ck_assert_int_eq(transfer_one(IOREQD_FILE_WRITE, 2 * IMAGE_BYTES - 1, &byte, 1), 0);
}
END_TEST

/* ---- direct I/O ---- */

static bool open_image_direct(void)
{
    file = file_open_with(path, &(struct file_options){.cache = FILE_CACHE_NONE}, reason, sizeof(reason));
    if (file == NULL) { /* a file system that has no direct I/O: what to do is told */
        ck_assert_msg(strstr(reason, "cache=writeback") != NULL, "%s", reason);
        printf("direct I/O: not there, so it is not tested\n");
        return false;
    }
    return true;
}

static void fill(uint8_t *bytes, size_t length, unsigned salt)
{
    for (size_t i = 0; i < length; i++) {
        bytes[i] = bench_byte(i, salt);
    }
}

/* In pieces that suit no direct I/O, longer than a buffer, at the end of the file too. */
START_TEST(direct_transfers)
{
    const size_t length = 3 * BOUNCE_BYTES + 4096;
    uint8_t *out = malloc(length + 100), *in = malloc(length + 100);
    struct iovec odd[4] = {{out + 1, 13}, {NULL, 0}, {out + 14, BOUNCE_BYTES}, {out + 14 + BOUNCE_BYTES, 0}};
    struct iovec whole[2] = {{in + 3, 5}, {in + 8, length - 5}};

    odd[3].iov_len = length - 13 - BOUNCE_BYTES;
    fill(out, length + 100, 3);
    if (open_image_direct()) {
        ck_assert_int_eq(transfer(IOREQD_FILE_WRITE, 8192, odd, 4), 0);
        ck_assert_int_eq(transfer(IOREQD_FILE_READ, 8192, whole, 2), 0);
        ck_assert_int_eq(memcmp(in + 3, out + 1, length), 0);
        /* What is no multiple of pages, in the middle of what is. */
        ck_assert_int_eq(transfer_one(IOREQD_FILE_WRITE, 8192 + 100, out, 700), 0);
        ck_assert_int_eq(transfer(IOREQD_FILE_READ, 8192, whole, 2), 0);
        ck_assert_int_eq(memcmp(in + 3, out + 1, 100), 0);
        ck_assert_int_eq(memcmp(in + 103, out, 700), 0);
        ck_assert_int_eq(memcmp(in + 803, out + 801, length - 800), 0);
        ck_assert_int_eq(transfer_one(IOREQD_FILE_WRITE, IMAGE_BYTES - 4096, out, 4096), 0);
        ck_assert_int_eq(transfer_one(IOREQD_FILE_READ, IMAGE_BYTES - 512, in, 512), 0);
        ck_assert_int_eq(memcmp(in, out + 4096 - 512, 512), 0);
        ck_assert_int_eq(clear(IOREQD_FILE_WRITE_ZEROES, 8192, 4096), 0);
        ck_assert_int_eq(transfer_one(IOREQD_FILE_READ, 8192, in, 4096), 0);
        ck_assert_uint_eq(in[0] | in[4095], 0);
        ck_assert_int_eq(transfer_one(IOREQD_FILE_FLUSH, 0, NULL, 0), 0);
        ck_assert_int_eq(truncate(path, 4096), 0); /* which nobody has noticed yet */
        ck_assert_int_lt(transfer_one(IOREQD_FILE_READ, 8192, in, 4096), 0);
    }
    free(out);
    free(in);
}
END_TEST

static struct job *start_many(uint8_t operation, uint8_t *bytes)
{
    struct job *job = calloc(MANY, sizeof(*job));
    struct iovec *iov = calloc(MANY, sizeof(*iov));

    for (unsigned i = 0; i < MANY; i++) {
        iov[i] = (struct iovec){bytes + (size_t)i * 4096, 4096};
        job[i].number = i;
        job[i].request = (struct ioreqd_file_request){
            .operation = operation, .offset = i * UINT64_C(4096), .iov = &iov[i], .iov_count = 1};
        post(&job[i]);
    }
    return job;
}

static void end_many(struct job *job, int32_t result)
{
    for (unsigned i = 0; i < MANY; i++) {
        if (wait_for(&job[i]) != result) {
            ck_abort_msg("request %u: %d", i, job[i].request.result);
        }
    }
    free((void *)(uintptr_t)job[0].request.iov);
    free(job);
}

START_TEST(more_direct_transfers_than_buffers)
{
    uint8_t *out = malloc(MANY * 4096), *in = calloc(MANY, 4096);

    fill(out, MANY * 4096, 9);
    if (open_image_direct()) {
        end_many(start_many(IOREQD_FILE_WRITE, out), 0);
        end_many(start_many(IOREQD_FILE_READ, in), 0);
        ck_assert_int_eq(memcmp(in, out, MANY * 4096), 0);
    }
    free(out);
    free(in);
}
END_TEST

/* ---- flushes and errors: /dev/full takes the file's place, which writes nothing and cannot be flushed ---- */

static int real_fd;

static void break_file(void)
{
    int full = open("/dev/full", O_RDWR | O_CLOEXEC);

    real_fd = dup(file_descriptor(file));
    ck_assert_int_ge(dup2(full, file_descriptor(file)), 0);
    close(full);
}

static void mend_file(void)
{
    ck_assert_int_ge(dup2(real_fd, file_descriptor(file)), 0);
    close(real_fd);
}

START_TEST(unsafe_flushes_do_nothing)
{
    open_image(&(struct file_options){.cache = FILE_CACHE_UNSAFE});
    break_file();
    ck_assert_int_eq(transfer_one(IOREQD_FILE_FLUSH, 0, NULL, 0), 0);
    mend_file();
}
END_TEST

static struct file_counts counted(void)
{
    struct file_counts counts = {0};

    file_add_counts(file, &counts);
    return counts;
}

START_TEST(requests_are_counted)
{
    static uint8_t bytes[3 * BOUNCE_BYTES];
    atomic_bool timed = false;
    struct file_counts counts;
    uint64_t took = 0;

    open_image(&(struct file_options){.cache = _i == 0 ? FILE_CACHE_WRITEBACK : FILE_CACHE_UNSAFE});
    ck_assert_uint_eq(counted().requests[IOREQD_FILE_READ], 0);
    file_set_timed(file, &timed);
    ck_assert_int_eq(transfer_one(IOREQD_FILE_WRITE, 512, bytes, sizeof(bytes)), 0);
    ck_assert_int_eq(transfer_one(IOREQD_FILE_WRITE, 512, bytes, 100), 0);
    atomic_store(&timed, true);
    ck_assert_int_eq(transfer_one(IOREQD_FILE_READ, 0, bytes, 1000), 0);
    ck_assert_int_eq(transfer_one(IOREQD_FILE_READ, IMAGE_BYTES, bytes, 1), -EIO);
    ck_assert_int_eq(transfer_one(IOREQD_FILE_FLUSH, 0, NULL, 0), 0);
    atomic_store(&timed, false);
    ck_assert_int_eq(clear(IOREQD_FILE_DISCARD, 4096, 8192), 0);
    ck_assert_int_eq(clear(IOREQD_FILE_WRITE_ZEROES, 0, 512), 0);
    ck_assert_int_eq(transfer_one(200, 0, bytes, 1), -EINVAL);
    counts = counted();
    ck_assert_uint_eq(counts.requests[IOREQD_FILE_WRITE], 2);
    ck_assert_uint_eq(counts.bytes[IOREQD_FILE_WRITE], sizeof(bytes) + 100);
    ck_assert_uint_eq(counts.requests[IOREQD_FILE_READ], 2);
    ck_assert_uint_eq(counts.bytes[IOREQD_FILE_READ], 1000);
    ck_assert_uint_eq(counts.requests[IOREQD_FILE_FLUSH], 1);
    ck_assert_uint_eq(counts.requests[IOREQD_FILE_DISCARD], 1);
    ck_assert_uint_eq(counts.bytes[IOREQD_FILE_DISCARD], 8192);
    ck_assert_uint_eq(counts.requests[IOREQD_FILE_WRITE_ZEROES], 1);
    ck_assert_uint_eq(counts.bytes[IOREQD_FILE_WRITE_ZEROES], 512);
    ck_assert_uint_eq(counts.requests[0], 1);
    ck_assert_uint_eq(counts.errors, 2);
    ck_assert_uint_eq(counts.stops, 0);
    ck_assert_uint_eq(counts.under_way, 0);
    ck_assert_uint_eq(counts.most, 1);
    for (unsigned i = 0; i < TALLY_TIMES; i++) {
        took += counts.took[i];
    }
    ck_assert_uint_eq(took, 3); /* only while it is timed */
}
END_TEST

START_TEST(errors_are_reported)
{
    uint8_t byte = 1;

    open_image(&(struct file_options){0});
    break_file();
    ck_assert_int_eq(transfer_one(IOREQD_FILE_FLUSH, 0, NULL, 0), -EINVAL);
    ck_assert_int_eq(transfer_one(IOREQD_FILE_WRITE, 0, &byte, 1), -ENOSPC);
    mend_file();
    ck_assert_int_eq(transfer_one(IOREQD_FILE_WRITE, 0, &byte, 1), 0);
}
END_TEST

static void sleep_milliseconds(unsigned milliseconds)
{
    nanosleep(&(struct timespec){.tv_sec = milliseconds / 1000, .tv_nsec = milliseconds % 1000 * 1000000L}, NULL);
}

START_TEST(errors_are_waited_for)
{
    struct job job[2] = {0};
    uint8_t byte[2] = {0x11, 0x22}, in[2];
    struct iovec iov[2] = {{&byte[0], 1}, {&byte[1], 1}};

    open_image(&(struct file_options){.on_write_error = FILE_ON_ERROR_STOP});
    break_file();
    for (unsigned i = 0; i < 2; i++) {
        job[i].request =
            (struct ioreqd_file_request){.operation = IOREQD_FILE_WRITE, .offset = i, .iov = &iov[i], .iov_count = 1};
        post(&job[i]);
    }
    ck_assert_int_eq(transfer_one(IOREQD_FILE_READ, 0, in, 1), 0); /* /dev/full reads as zeroes */
    ck_assert_int_eq(transfer_one(IOREQD_FILE_FLUSH, 0, NULL, 0), -EINVAL);
    sleep_milliseconds(1300); /* one try more, which fails too */
    ck_assert(!is_done(&job[0]) && !is_done(&job[1]));
    ck_assert_uint_eq(counted().under_way, 2);
    ck_assert_uint_ge(counted().stops, 4);
    mend_file();
    ck_assert_int_eq(wait_for(&job[0]), 0);
    ck_assert_int_eq(wait_for(&job[1]), 0);
    ck_assert_int_eq(transfer_one(IOREQD_FILE_READ, 0, in, 2), 0);
    ck_assert_mem_eq(in, byte, 2);
    ck_assert_uint_eq(counted().requests[IOREQD_FILE_WRITE], 2); /* however often they were tried */
    ck_assert_uint_eq(counted().bytes[IOREQD_FILE_WRITE], 2);
    ck_assert_uint_eq(counted().errors, 1); /* the flush */
    ck_assert_uint_eq(counted().under_way, 0);
    ck_assert_uint_eq(counted().most, 3);
}
END_TEST

START_TEST(nothing_waits_in_a_hurry)
{
    struct job job = {0};
    uint8_t byte = 1;
    struct iovec iov = {&byte, 1};

    open_image(&(struct file_options){.on_write_error = FILE_ON_ERROR_STOP});
    break_file();
    job.request = (struct ioreqd_file_request){.operation = IOREQD_FILE_WRITE, .iov = &iov, .iov_count = 1};
    post(&job);
    sleep_milliseconds(100);
    ck_assert(!is_done(&job));
    file_hurry(file, true);
    ck_assert_int_eq(wait_for(&job), -ENOSPC);
    ck_assert_int_eq(transfer_one(IOREQD_FILE_WRITE, 0, &byte, 1), -ENOSPC);
    file_hurry(file, false);
    mend_file();
}
END_TEST

/* ---- limits ---- */

static uint64_t milliseconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

START_TEST(limits_hold_and_keep_order)
{
    uint8_t *out = calloc(MANY, 4096);
    uint64_t begin = milliseconds(), time;

    open_image(&(struct file_options){.iops = 1000, .iops_burst = 100});
    end_many(start_many(IOREQD_FILE_READ, out), 0);
    time = milliseconds() - begin;
    ck_assert_uint_ge(time, 290);
    ck_assert_uint_le(time, 5000);
    for (unsigned i = 1; i < MANY; i++) {
        if (order[i] != order[i - 1] + 1) {
            ck_abort_msg("request %u was done as %u.", i, order[i]);
        }
    }
    free(out);
}
END_TEST

START_TEST(limits_do_not_hold_in_a_hurry)
{
    uint8_t *out = calloc(MANY, 4096);
    uint64_t begin = milliseconds();
    struct job *job;

    open_image(&(struct file_options){.bps = 4096, .bps_burst = 4096});
    job = start_many(IOREQD_FILE_READ, out);
    wait_for(&job[0]);
    sleep_milliseconds(50);
    ck_assert(!is_done(&job[2]));
    file_hurry(file, true);
    end_many(job, 0);
    ck_assert_uint_le(milliseconds() - begin, 5000);
    free(out);
}
END_TEST

TCase *file_request_tests(void)
{
    TCase *group = tcase_create("ways of requests");

    tcase_set_timeout(group, 60);
    tcase_add_checked_fixture(group, make_image, remove_image);
    tcase_add_test(group, facts_of_a_file);
    tcase_add_test(group, requests_stay_inside);
    tcase_add_test(group, the_size_is_followed);
    tcase_add_test(group, direct_transfers);
    tcase_add_test(group, more_direct_transfers_than_buffers);
    tcase_add_test(group, unsafe_flushes_do_nothing);
    tcase_add_loop_test(group, requests_are_counted, 0, 2);
    tcase_add_test(group, errors_are_reported);
    tcase_add_test(group, errors_are_waited_for);
    tcase_add_test(group, nothing_waits_in_a_hurry);
    tcase_add_test(group, limits_hold_and_keep_order);
    tcase_add_test(group, limits_do_not_hold_in_a_hurry);
    return group;
}

TCase *file_request_plain_tests(void)
{
    TCase *group = tcase_create("ways of requests, plain");

    tcase_set_timeout(group, 60);
    tcase_add_checked_fixture(group, make_image_plain, remove_image);
    tcase_add_test(group, facts_of_a_file);
    tcase_add_test(group, requests_stay_inside);
    tcase_add_test(group, direct_transfers);
    tcase_add_test(group, more_direct_transfers_than_buffers);
    tcase_add_test(group, errors_are_waited_for);
    tcase_add_test(group, limits_hold_and_keep_order);
    return group;
}
