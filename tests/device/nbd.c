/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Files that are exports of an NBD server: what moves, what the server says of itself, and what becomes of requests
 * when it goes away and comes back.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "device/bounce.h"
#include "tests/device/nbd_bench.h"

#define MANY 300u /* more than are sent at once */

START_TEST(exports_are_read_and_written)
{
    const size_t length = 2 * BOUNCE_BYTES + 1536;
    uint8_t *out = malloc(length), *in = calloc(1, length);
    struct iovec pieces[3] = {{in, 7}, {in + 7, BOUNCE_BYTES}, {in + 7 + BOUNCE_BYTES, length - 7 - BOUNCE_BYTES}};
    struct nbd_job job = {.request = {.operation = IOREQD_FILE_READ, .offset = 512, .iov = pieces, .iov_count = 3}};

    nbd_open_export(&nbd_usual, &(struct file_options){0});
    ck_assert_uint_eq(file_size(nbd_file), NBD_IMAGE_BYTES);
    ck_assert(!file_read_only(nbd_file));
    ck_assert_int_eq(file_descriptor(nbd_file), -1);
    nbd_fill(out, length, 5);
    ck_assert_int_eq(nbd_transfer(IOREQD_FILE_WRITE, 512, out, length), 0);
    ck_assert_int_eq(memcmp(nbd_server_image + 512, out, length), 0);
    nbd_post(&job);
    ck_assert_int_eq(nbd_wait_for(&job), 0);
    ck_assert_int_eq(memcmp(in, out, length), 0);
    ck_assert_int_eq(nbd_flush(), 0);
    ck_assert_uint_eq(atomic_load(&nbd_server_flushes), 1);
    ck_assert_int_eq(nbd_transfer(IOREQD_FILE_DISCARD, 512, NULL, 1024), 0);
    ck_assert_uint_eq(nbd_server_image[512 + 1023], 0xdd);
    ck_assert_int_eq(nbd_transfer(IOREQD_FILE_WRITE_ZEROES, 0, NULL, NBD_IMAGE_BYTES), 0);
    ck_assert_uint_eq(nbd_server_image[512] | nbd_server_image[NBD_IMAGE_BYTES - 1], 0);
    ck_assert_uint_eq(atomic_load(&nbd_server_zeroes), 1);
    ck_assert_int_eq(nbd_transfer(IOREQD_FILE_ERASE, 0, NULL, 512), -EOPNOTSUPP);
    ck_assert_int_eq(nbd_transfer(IOREQD_FILE_READ, NBD_IMAGE_BYTES, in, 512), -EIO);
    ck_assert_int_eq(nbd_transfer(IOREQD_FILE_READ, 0, in, 0), 0);
    nbd_close_export();
    free(out);
    free(in);
}
END_TEST

START_TEST(the_server_tells_what_it_can)
{
    struct ioreqd_file_facts facts = {.struct_size = sizeof(facts)};
    struct nbd_server_options poor = {.size = NBD_IMAGE_BYTES, .minimum_block = 4096};
    uint8_t *bytes = calloc(1, 8192);

    nbd_open_export(&nbd_usual, &(struct file_options){0});
    file_tell_facts(nbd_file, &facts);
    ck_assert_uint_eq(facts.logical_block, 512);
    ck_assert_uint_eq(facts.abilities, IOREQD_FILE_CAN_DISCARD | IOREQD_FILE_CAN_WRITE_ZEROES | IOREQD_FILE_CAN_UNMAP);
    nbd_close_export();

    /* What it cannot do is done without it, and its blocks are respected. */
    nbd_open_export(&poor, &(struct file_options){0});
    file_tell_facts(nbd_file, &facts);
    ck_assert_uint_eq(facts.logical_block, 4096);
    ck_assert_uint_eq(facts.abilities, IOREQD_FILE_CAN_WRITE_ZEROES);
    memset(nbd_server_image, 0x5a, NBD_IMAGE_BYTES);
    ck_assert_int_eq(nbd_transfer(IOREQD_FILE_DISCARD, 0, NULL, 8192), 0);
    ck_assert_uint_eq(nbd_server_image[0], 0x5a);
    ck_assert_int_eq(nbd_transfer(IOREQD_FILE_WRITE_ZEROES, 4096, NULL, 3 * BOUNCE_BYTES), 0);
    ck_assert_uint_eq(nbd_server_image[4095], 0x5a);
    ck_assert_uint_eq(nbd_server_image[4096] | nbd_server_image[4095 + 3 * BOUNCE_BYTES], 0);
    ck_assert_uint_eq(nbd_server_image[4096 + 3 * BOUNCE_BYTES], 0x5a);
    ck_assert_int_eq(nbd_flush(), 0);
    ck_assert_uint_eq(atomic_load(&nbd_server_flushes), 0);
    ck_assert_int_eq(nbd_transfer(IOREQD_FILE_WRITE, 512, bytes, 4096), -EINVAL);
    ck_assert_int_eq(nbd_transfer(IOREQD_FILE_WRITE, 4096, bytes, 8192), 0);
    nbd_close_export();

    poor.abilities = NBD_ALL | NBD_SERVER_READ_ONLY;
    nbd_open_export(&poor, &(struct file_options){0});
    ck_assert(file_read_only(nbd_file));
    file_tell_facts(nbd_file, &facts);
    ck_assert_uint_eq(facts.abilities, 0);
    ck_assert_int_eq(nbd_transfer(IOREQD_FILE_WRITE, 0, bytes, 4096), -EROFS);
    ck_assert_int_eq(nbd_transfer(IOREQD_FILE_READ, 0, bytes, 4096), 0);
    nbd_close_export();
    free(bytes);
}
END_TEST

START_TEST(reasons_tell_what_to_do)
{
    ck_assert_ptr_null(file_open_with(nbd_uri, &(struct file_options){0}, nbd_reason, sizeof(nbd_reason)));
    ck_assert_msg(strstr(nbd_reason, "cannot connect") != NULL, "%s", nbd_reason);
    nbd_serve(&nbd_usual);
    ck_assert_ptr_null(
        file_open_with(nbd_uri, &(struct file_options){.cache = FILE_CACHE_NONE}, nbd_reason, sizeof(nbd_reason)));
    ck_assert_msg(strstr(nbd_reason, "leave cache=none out") != NULL, "%s", nbd_reason);
    ck_assert_ptr_null(file_open("nbd://[bad", false, nbd_reason, sizeof(nbd_reason)));
    nbd_server_stop(false);
}
END_TEST

START_TEST(errors_of_the_server)
{
    uint8_t bytes[512] = {0};

    nbd_open_export(&nbd_usual, &(struct file_options){0});
    atomic_store(&nbd_server_error, 28); /* NBD_ENOSPC */
    ck_assert_int_eq(nbd_transfer(IOREQD_FILE_WRITE, 0, bytes, 512), -ENOSPC);
    ck_assert_int_eq(nbd_transfer(IOREQD_FILE_DISCARD, 0, NULL, 512), 0);
    atomic_store(&nbd_server_error, 5); /* NBD_EIO */
    ck_assert_int_eq(nbd_flush(), -EIO);
    ck_assert_int_eq(nbd_transfer(IOREQD_FILE_READ, 0, bytes, 512), -EIO);
    atomic_store(&nbd_server_error, 0);
    ck_assert_int_eq(nbd_transfer(IOREQD_FILE_READ, 0, bytes, 512), 0);
    nbd_close_export();
}
END_TEST

/* From two loops, more at once than are sent at once; the connection goes away and comes back in the middle. */
START_TEST(nothing_is_lost_on_the_way)
{
    struct nbd_job *job = calloc(MANY, sizeof(*job));
    uint32_t *word = calloc(MANY, 512);

    nbd_open_export(&nbd_usual, &(struct file_options){0});
    for (unsigned pass = 0; pass < 2; pass++) {
        for (unsigned i = 0; i < MANY; i++) {
            word[i * 128] = pass == 0 ? i + 1 : 0;
            job[i] = (struct nbd_job){.loop = i % 3 == 0 ? nbd_other : nbd_loop};
            nbd_post_transfer(&job[i], pass == 0 ? IOREQD_FILE_WRITE : IOREQD_FILE_READ, i * UINT64_C(1024),
                              word + i * 128, 512);
            if (_i != 0 && i == MANY / 2) {
                nbd_server_stop(false);
                nbd_serve(&nbd_usual);
            }
        }
        for (unsigned i = 0; i < MANY; i++) {
            if (nbd_wait_for(&job[i]) != 0 || word[i * 128] != i + 1) {
                ck_abort_msg("pass %u, request %u: %d", pass, i, job[i].request.result);
            }
        }
    }
    nbd_close_export();
    free(job);
    free(word);
}
END_TEST

/* ---- the server goes away ---- */

/* What was under way is sent again with the bytes that it had, whether it had been done (_i == 1) or not (2). */
START_TEST(requests_survive_the_server)
{
    struct nbd_job write = {0}, read = {0}, sync = {0}, late = {0};
    uint8_t out[512], in[512] = {0}, late_in[512] = {0};
    unsigned expected = 4;

    nbd_open_export(&nbd_usual, &(struct file_options){0});
    nbd_server_image[4096] = 0x77;
    ck_assert_int_eq(nbd_flush(), 0);
    memset(out, 0x11, sizeof(out));
    atomic_store(&nbd_server_silent, (unsigned)_i);
    nbd_post_transfer(&write, IOREQD_FILE_WRITE, 0, out, 512);
    nbd_post_transfer(&read, IOREQD_FILE_READ, 4096, in, 512);
    nbd_post_transfer(&sync, IOREQD_FILE_FLUSH, 0, NULL, 0);
    ck_assert(bench_wait(nbd_has_received, &expected));
    memset(out, 0x22, sizeof(out)); /* the guest may do that */
    nbd_server_stop(true);
    nbd_post_transfer(&late, IOREQD_FILE_READ, 0, late_in, 512);
    nbd_sleep(250);
    ck_assert(!nbd_is_done(&write) && !nbd_is_done(&read) && !nbd_is_done(&sync) && !nbd_is_done(&late));
    atomic_store(&nbd_server_silent, 0);
    nbd_serve(&nbd_usual);
    ck_assert_int_eq(nbd_wait_for(&write), 0);
    ck_assert_int_eq(nbd_wait_for(&read), 0);
    ck_assert_int_eq(nbd_wait_for(&sync), 0);
    ck_assert_int_eq(nbd_wait_for(&late), 0);
    ck_assert_uint_eq(nbd_server_image[0], 0x11);
    ck_assert_uint_eq(in[0], 0x77);
    ck_assert_uint_eq(late_in[511], 0x11);
    nbd_close_export();
}
END_TEST

START_TEST(an_idle_connection_comes_back)
{
    uint8_t bytes[512];

    nbd_open_export(&nbd_usual, &(struct file_options){0});
    nbd_server_stop(false); /* before the file was used */
    nbd_serve(&nbd_usual);
    ck_assert_int_eq(nbd_transfer(IOREQD_FILE_READ, 0, bytes, 512), 0);
    nbd_server_stop(false);
    nbd_sleep(100);
    nbd_serve(&nbd_usual);
    ck_assert_int_eq(nbd_transfer(IOREQD_FILE_READ, 0, bytes, 512), 0);
    nbd_close_export();
}
END_TEST

START_TEST(nothing_waits_in_a_hurry)
{
    struct nbd_job job[2] = {0};
    uint8_t bytes[2][512];
    unsigned expected = 1;

    nbd_open_export(&nbd_usual, &(struct file_options){0});
    atomic_store(&nbd_server_silent, 2);
    nbd_post_transfer(&job[0], IOREQD_FILE_READ, 0, bytes[0], 512);
    ck_assert(bench_wait(nbd_has_received, &expected));
    nbd_server_stop(false);
    nbd_post_transfer(&job[1], IOREQD_FILE_READ, 0, bytes[1], 512);
    nbd_sleep(100);
    ck_assert(!nbd_is_done(&job[0]) && !nbd_is_done(&job[1]));
    file_hurry(nbd_file, true);
    ck_assert_int_eq(nbd_wait_for(&job[0]), -EIO);
    ck_assert_int_eq(nbd_wait_for(&job[1]), -EIO);
    ck_assert_int_eq(nbd_flush(), -EIO);
    file_hurry(nbd_file, false);
    atomic_store(&nbd_server_silent, 0);
    nbd_serve(&nbd_usual);
    ck_assert_int_eq(nbd_flush(), 0);
    nbd_close_export();
}
END_TEST

/* ---- it comes back as another ---- */

START_TEST(another_export_is_not_touched)
{
    static const struct nbd_server_options others[] = {
        {.size = NBD_IMAGE_BYTES - 512, .abilities = NBD_ALL},
        {.size = NBD_IMAGE_BYTES, .abilities = NBD_ALL | NBD_SERVER_READ_ONLY},
        {.size = NBD_IMAGE_BYTES, .abilities = NBD_ALL & ~NBD_SERVER_FLUSH},
        {.size = NBD_IMAGE_BYTES, .abilities = NBD_ALL, .minimum_block = 4096},
    };
    struct nbd_job job = {0};
    uint8_t byte[512] = {0x33};

    nbd_open_export(&nbd_usual, &(struct file_options){0});
    ck_assert_int_eq(nbd_flush(), 0);
    nbd_server_stop(false);
    nbd_server_image[0] = 0x44;
    nbd_post_transfer(&job, IOREQD_FILE_WRITE, 0, byte, 512);
    nbd_serve(&others[_i]);
    nbd_sleep(700);
    ck_assert(!nbd_is_done(&job));
    ck_assert_uint_eq(nbd_server_image[0], 0x44);
    ck_assert_uint_eq(atomic_load(&nbd_server_writes), 0);
    nbd_server_stop(false);
    nbd_serve(&nbd_usual);
    ck_assert_int_eq(nbd_wait_for(&job), 0);
    ck_assert_uint_eq(nbd_server_image[0], 0x33);
    nbd_close_export();
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
    const struct nbd_server_options larger = {.size = 2 * NBD_IMAGE_BYTES, .abilities = NBD_ALL};
    uint8_t bytes[512] = {0};

    nbd_open_export(&nbd_usual, &(struct file_options){0});
    ck_assert_int_eq(file_follow_size(nbd_file, nbd_other, on_resize, NULL), 0);
    ck_assert_int_eq(nbd_transfer(IOREQD_FILE_WRITE, 2 * NBD_IMAGE_BYTES - 512, bytes, 512), -EIO);
    ck_assert_int_eq(nbd_flush(), 0);
    nbd_server_stop(false);
    nbd_serve(&larger);
    ck_assert(bench_wait(is_resized, NULL));
    ck_assert_uint_eq(file_size(nbd_file), 2 * NBD_IMAGE_BYTES);
    ck_assert_int_eq(nbd_transfer(IOREQD_FILE_WRITE, 2 * NBD_IMAGE_BYTES - 512, bytes, 512), 0);
    nbd_close_export();
}
END_TEST

TCase *nbd_tests(void)
{
    TCase *group = tcase_create("NBD exports");

    tcase_set_timeout(group, 60);
    tcase_add_checked_fixture(group, nbd_open_folder, nbd_close_folder);
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
