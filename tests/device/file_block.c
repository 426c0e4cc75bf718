/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A block device: a loop device on a file in /tmp, where the test may have one. _i of each test: 1 goes past the page
 * cache.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "device/file.h"
#include "device/loop.h"
#include "tests/device/bench.h"

#define IMAGE_BYTES ((size_t)8 << 20)
#define TRIES       20

static char image[] = "/tmp/test-block-XXXXXX";
static char path[32];
static char reason[256];
static int backing, device;
static struct ioreqd_file *file;
static struct ioreqd_loop *loop;

/* False: there is none for us, as in a container. */
static bool make_device(void)
{
    struct loop_config config = {0};
    int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);

    backing = mkstemp(image);
    unlink(image);
    ck_assert_int_eq(ftruncate(backing, IMAGE_BYTES), 0);
    device = -1;
    config.fd = (uint32_t)backing;
    config.info.lo_flags = LO_FLAGS_AUTOCLEAR;
    for (unsigned i = 0; control >= 0 && i < TRIES; i++) { /* others want one too */
        int number = ioctl(control, LOOP_CTL_GET_FREE);

        snprintf(path, sizeof(path), "/dev/loop%d", number);
        device = number < 0 ? -1 : open(path, O_RDWR | O_CLOEXEC);
        if (device < 0) {
            break;
        }
        if (ioctl(device, LOOP_CONFIGURE, &config) == 0) {
            close(control);
            return true;
        }
        close(device);
        device = -1;
    }
    close(control);
    close(backing);
    printf("block devices: not there, so they are not tested\n");
    return false;
}

static atomic_bool done;

static void on_done(struct ioreqd_file_request *request)
{
    (void)request;
    atomic_store(&done, true);
}

static void submit(void *argument)
{
    file_submit(file, loop, argument);
}

static bool is_done(void *argument)
{
    (void)argument;
    return atomic_load(&done);
}

static int32_t run(uint8_t operation, uint8_t flags, uint64_t offset, void *bytes, size_t length)
{
    struct iovec iov = {bytes, length};
    struct ioreqd_file_request request = {.operation = operation,
                                          .flags = flags,
                                          .offset = offset,
                                          .length = length,
                                          .iov = &iov,
                                          .iov_count = 1,
                                          .result = 1,
                                          .done = on_done};
    struct ioreqd_work work = {.run = submit, .argument = &request};

    atomic_store(&done, false);
    loop_post(loop, &work);
    ck_assert(bench_wait(is_done, NULL));
    return request.result;
}

static bool begin(int direct)
{
    const struct file_options options = {.cache = direct ? FILE_CACHE_NONE : FILE_CACHE_WRITEBACK};

    if (!make_device()) {
        return false;
    }
    loop = loop_create();
    file = file_open_with(path, &options, reason, sizeof(reason));
    ck_assert_msg(file != NULL, "%s", reason);
    return true;
}

static void end(void)
{
    loop_stop(loop);
    file_close(file);
    loop_destroy(loop);
    close(device);
    close(backing);
}

START_TEST(block_devices_do_all)
{
    static const struct {
        uint8_t operation, flags;
    } how[] = {
        {IOREQD_FILE_DISCARD, 0}, {IOREQD_FILE_WRITE_ZEROES, 0}, {IOREQD_FILE_WRITE_ZEROES, IOREQD_FILE_MAY_UNMAP}};
    struct ioreqd_file_facts facts = {.struct_size = sizeof(facts)};
    uint8_t *out, *in;

    if (!begin(_i)) {
        return;
    }
    out = malloc(IMAGE_BYTES);
    in = malloc(IMAGE_BYTES);
    loop_start(loop, "files");
    ck_assert_uint_eq(file_size(file), IMAGE_BYTES);
    file_tell_facts(file, &facts);
    ck_assert_uint_eq(facts.logical_block, 512);
    ck_assert_uint_ge(facts.physical_block, 512);
    ck_assert((facts.abilities & IOREQD_FILE_CAN_WRITE_ZEROES) != 0);
    ck_assert_uint_eq(facts.abilities & IOREQD_FILE_CAN_ERASE, 0); /* loop devices cannot */
    ck_assert_int_eq((facts.abilities & IOREQD_FILE_CAN_DISCARD) != 0, facts.discard_granularity != 0);
    for (unsigned i = 0; i < sizeof(how) / sizeof(how[0]); i++) {
        size_t at = 1 << 20, length = 2 << 20;

        memset(out, 0x5a, IMAGE_BYTES);
        ck_assert_int_eq(run(IOREQD_FILE_WRITE, 0, 0, out, IMAGE_BYTES), 0);
        ck_assert_int_eq(run(how[i].operation, how[i].flags, at, NULL, length), 0);
        ck_assert_int_eq(run(IOREQD_FILE_READ, 0, 0, in, IMAGE_BYTES), 0);
        if (how[i].operation != IOREQD_FILE_DISCARD || (facts.abilities & IOREQD_FILE_CAN_DISCARD) != 0) {
            memset(out + at, 0, length); /* a hole in the file below, which reads as zeroes */
        }
        ck_assert_int_eq(memcmp(in, out, IMAGE_BYTES), 0);
        /* Parts of a block: a discard has no effect, zeroes are written. */
        ck_assert_int_eq(run(how[i].operation, how[i].flags, 100, NULL, 200), 0);
        ck_assert_int_eq(run(IOREQD_FILE_READ, 0, 0, in, 512), 0);
        ck_assert_uint_eq(in[99], 0x5a);
        ck_assert_uint_eq(in[100], how[i].operation == IOREQD_FILE_DISCARD ? 0x5a : 0);
        ck_assert_uint_eq(in[300], 0x5a);
    }
    ck_assert_int_eq(run(IOREQD_FILE_ERASE, 0, 0, NULL, 4096), -EOPNOTSUPP);
    ck_assert_int_eq(run(IOREQD_FILE_FLUSH, 0, 0, NULL, 0), 0);
    end();
    free(out);
    free(in);
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
    return atomic_load(&resizes) != 0;
}

START_TEST(block_devices_grow)
{
    uint8_t byte[512] = {1};

    if (!begin(_i)) {
        return;
    }
    ck_assert_int_eq(file_follow_size(file, loop, on_resize, NULL), 0);
    loop_start(loop, "files");
    ck_assert_int_eq(ftruncate(backing, 2 * IMAGE_BYTES), 0);
    ck_assert_int_eq(ioctl(device, LOOP_SET_CAPACITY), 0);
    ck_assert(bench_wait(is_resized, NULL));
    ck_assert_uint_eq(file_size(file), 2 * IMAGE_BYTES);
    ck_assert_int_eq(run(IOREQD_FILE_WRITE, 0, 2 * IMAGE_BYTES - 512, byte, 512), 0);
    end();
}
END_TEST

TCase *file_block_tests(void)
{
    TCase *group = tcase_create("block devices");

    tcase_set_timeout(group, 60);
    tcase_add_loop_test(group, block_devices_do_all, 0, 2);
    tcase_add_loop_test(group, block_devices_grow, 0, 2);
    return group;
}
