/* SPDX-License-Identifier: BSD-2-Clause */
/* A disk whose file is resized under it (virtio 1.4 §5.2.6.2), at the moments that matter. */
#include <string.h>

#include "tests/virtio/blk.h"

#define LAST (BLK_SECTORS - 1)

static uint64_t capacity(void)
{
    return driver_read(&driver, CAPACITY, 4) | (uint64_t)driver_read(&driver, CAPACITY + 4, 4) << 32;
}

START_TEST(growth_is_told_5_2_6_2)
{
    uint8_t generation = (uint8_t)driver_read(&driver, GENERATION, 1);

    blk_request(IN, BLK_SECTORS, 512);
    ck_assert_uint_eq(blk_status(), IOERR);
    fake_resize(fake, 2 * BLK_SECTORS * 512);
    ck_assert_uint_eq(fake->msix[0], 1);
    ck_assert_uint_eq(capacity(), 2 * BLK_SECTORS);
    ck_assert_uint_ne(driver_read(&driver, GENERATION, 1), generation);
    blk_request(IN, 2 * BLK_SECTORS - 1, 512);
    ck_assert_uint_eq(blk_status(), OK);
    memset(fake->ram + DATA, 0x77, 512);
    blk_request(OUT, BLK_SECTORS, 512);
    ck_assert_uint_eq(blk_status(), OK);
    ck_assert_mem_eq(fake->file.data + BLK_SECTORS * 512, fake->ram + DATA, 512);
    blk_range(0, LAST, 2, 0);
    blk_request(ZEROES, 0, 16);
    ck_assert_uint_eq(blk_status(), OK);
}
END_TEST

START_TEST(shrinking_is_told_5_2_6_2)
{
    fake_resize(fake, BLK_SECTORS / 2 * 512);
    ck_assert_uint_eq(fake->msix[0], 1);
    ck_assert_uint_eq(capacity(), BLK_SECTORS / 2);
    blk_request(IN, BLK_SECTORS / 2 - 1, 512);
    ck_assert_uint_eq(blk_status(), OK);
    blk_request(IN, BLK_SECTORS / 2 - 1, 1024);
    ck_assert_uint_eq(blk_status(), IOERR);
    blk_request(OUT, BLK_SECTORS / 2, 512);
    ck_assert_uint_eq(blk_status(), IOERR);
    blk_range(0, BLK_SECTORS / 2 - 1, 2, 0);
    blk_request(DISCARD, 0, 16);
    ck_assert_uint_eq(blk_status(), IOERR);
    ck_assert_uint_eq(driver_status(&driver), 0xf);
}
END_TEST

START_TEST(shrinking_to_nothing)
{
    fake_resize(fake, _i == 0 ? 0 : 511);
    ck_assert_uint_eq(capacity(), 0);
    blk_request(IN, 0, 512);
    ck_assert_uint_eq(blk_status(), IOERR);
    fake_resize(fake, 512);
    ck_assert_uint_eq(capacity(), 1);
    blk_request(IN, 0, 512);
    ck_assert_uint_eq(blk_status(), OK);
}
END_TEST

/* A part of a sector is of no use, and no news. */
START_TEST(less_than_a_sector)
{
    fake_resize(fake, BLK_SECTORS * 512 + 511);
    ck_assert_uint_eq(fake->msix[0], 0);
    ck_assert_uint_eq(capacity(), BLK_SECTORS);
    fake_resize(fake, BLK_SECTORS * 512 + 512);
    ck_assert_uint_eq(fake->msix[0], 1);
    ck_assert_uint_eq(capacity(), BLK_SECTORS + 1);
}
END_TEST

/* Nor part of a block, to a driver that reads whole ones. */
START_TEST(less_than_a_block)
{
    blk_end();
    blk_prepare(8 * 4096);
    *(uint64_t *)blk_property("logical-block") = 4096;
    ck_assert_int_eq(blk_create(), 0);
    blk_start(0);
    fake_resize(fake, 10 * 4096 + 512);
    ck_assert_uint_eq(fake->msix[0], 1);
    ck_assert_uint_eq(capacity(), 80);
    fake_resize(fake, 10 * 4096);
    ck_assert_uint_eq(fake->msix[0], 1);
}
END_TEST

/* A request that the file has already when it shrinks is the file's to refuse. */
START_TEST(shrinking_under_a_request)
{
    static const uint32_t types[] = {IN, OUT, ZEROES};

    blk_range(0, LAST, 1, 0);
    blk_submit(types[_i], LAST, types[_i] == ZEROES ? 16 : 512);
    ck_assert_uint_eq(fake->requests, 1);
    fake_resize(fake, 512);
    fake_complete_all(fake);
    ck_assert_uint_eq(blk_status(), IOERR);
}
END_TEST

/* The rest of a list is looked at again. */
START_TEST(shrinking_under_a_list)
{
    blk_range(0, 0, 1, 0);
    blk_range(1, LAST, 1, 0);
    blk_submit(ZEROES, 0, 32);
    fake_resize(fake, 512);
    fake_complete(fake, 0, 0);
    fake_pump(fake);
    ck_assert_uint_eq(fake->requests, 0);
    ck_assert_uint_eq(blk_status(), IOERR);
}
END_TEST

/* More than 32 bits of sectors. */
START_TEST(large_disk)
{
    uint64_t size = fake->file.size;

    fake->file.size = UINT64_C(3) << 50;
    fake->file.resized(fake->file.resized_argument);
    ck_assert(capacity() == UINT64_C(3) << 41);
    fake->file.size = size;
    fake->file.resized(fake->file.resized_argument);
    ck_assert_uint_eq(capacity(), BLK_SECTORS);
}
END_TEST

/* Before DRIVER_OK nobody is told, but everybody sees it. */
START_TEST(before_the_driver_is_ready)
{
    driver_write(&driver, STATUS, 1, 0);
    fake_resize(fake, 2 * BLK_SECTORS * 512);
    ck_assert_uint_eq(fake->msix[0], 0);
    ck_assert_uint_eq(capacity(), 2 * BLK_SECTORS);
    blk_start(0);
    blk_request(IN, 2 * BLK_SECTORS - 1, 512);
    ck_assert_uint_eq(blk_status(), OK);
}
END_TEST

/* A device that is quiet sends no interrupt and changes no register; the driver hears of it when it goes on. */
START_TEST(while_quiet)
{
    uint8_t generation = (uint8_t)driver_read(&driver, GENERATION, 1);

    blk_model->quiesce(fake_device(fake), blk_state);
    ck_assert_uint_eq(fake->quiesced, 1);
    fake_resize(fake, 2 * BLK_SECTORS * 512);
    fake_pump(fake);
    ck_assert_uint_eq(fake->msix[0], 0);
    if (_i == 0) {
        blk_model->resume(fake_device(fake), blk_state);
        ck_assert_uint_eq(fake->msix[0], 1);
    } else {
        blk_model->reset(fake_device(fake), blk_state, IOREQD_RESET_FUNCTION);
        blk_model->resume(fake_device(fake), blk_state);
        ck_assert_uint_eq(fake->msix[0], 0);
    }
    ck_assert_uint_eq(capacity(), 2 * BLK_SECTORS);
    ck_assert_uint_ne(driver_read(&driver, GENERATION, 1), generation);
    blk_model->quiesce(fake_device(fake), blk_state);
    blk_model->resume(fake_device(fake), blk_state);
    ck_assert_uint_eq(fake->msix[0], _i == 0);
}
END_TEST

TCase *blk_resize_cases(void)
{
    TCase *cases = tcase_create("virtio-blk resize");

    tcase_add_checked_fixture(cases, blk_setup, blk_end);
    tcase_add_test(cases, growth_is_told_5_2_6_2);
    tcase_add_test(cases, shrinking_is_told_5_2_6_2);
    tcase_add_loop_test(cases, shrinking_to_nothing, 0, 2);
    tcase_add_test(cases, less_than_a_sector);
    tcase_add_test(cases, less_than_a_block);
    tcase_add_loop_test(cases, shrinking_under_a_request, 0, 3);
    tcase_add_test(cases, shrinking_under_a_list);
    tcase_add_test(cases, large_disk);
    tcase_add_test(cases, before_the_driver_is_ready);
    tcase_add_loop_test(cases, while_quiet, 0, 2);
    return cases;
}
