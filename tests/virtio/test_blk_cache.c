/* SPDX-License-Identifier: BSD-2-Clause */
/* The write cache of virtio-blk: when writes are stable, and who chooses the mode (virtio 1.4 §5.2.5, §5.2.6.2). */
#include <errno.h>

#include "tests/virtio/blk.h"

static void create(bool write_cache)
{
    blk_prepare(BLK_SECTORS * 512);
    fake->file.facts.abilities =
        IOREQD_FILE_CAN_DISCARD | IOREQD_FILE_CAN_WRITE_ZEROES | IOREQD_FILE_CAN_UNMAP | IOREQD_FILE_CAN_ERASE;
    *(uint8_t *)blk_property("write-cache") = write_cache;
    ck_assert_int_eq(blk_create(), 0);
}

/* Whether a request is told to be done only after a flush that comes behind it. */
static bool is_stable(uint32_t type)
{
    blk_range(0, 0, 1, type == ZEROES);
    blk_submit(type, 0, type == OUT ? 512 : 16);
    ck_assert_uint_eq(fake->requests, 1);
    fake_complete(fake, 0, 0);
    fake_pump(fake);
    if (blk_status() != UNTOUCHED) {
        ck_assert_uint_eq(blk_status(), OK);
        ck_assert_uint_eq(blk_used(), 1);
        return false;
    }
    ck_assert_uint_eq(fake->requests, 1);
    ck_assert_uint_eq(fake->request[0]->operation, IOREQD_FILE_FLUSH);
    ck_assert_uint_eq(fake->request[0]->flags, 0);
    fake_complete_all(fake);
    ck_assert_uint_eq(blk_status(), OK);
    ck_assert_uint_eq(blk_used(), 1);
    return true;
}

START_TEST(flush)
{
    const struct part parts[] = {{HEADER, 16, 0}, {STATUS_, 1, WRITE}};

    create(true);
    blk_start(0);
    blk_header(FLUSH, 0);
    driver_add(&driver, 0, parts, 2);
    driver_kick(&driver, 0);
    ck_assert_uint_eq(fake->requests, 1);
    ck_assert_uint_eq(fake->request[0]->operation, IOREQD_FILE_FLUSH);
    ck_assert_uint_eq(blk_status(), UNTOUCHED);
    fake_complete(fake, 0, _i == 0 ? 0 : -EIO);
    fake_pump(fake);
    ck_assert_uint_eq(blk_used(), 1);
    ck_assert_uint_eq(blk_status(), _i == 0 ? OK : IOERR);
    ck_assert_uint_eq(blk_counter("flushes"), 1);
    blk_end();
}
END_TEST

/* Case 1: FLUSH was offered, and neither it nor CONFIG_WCE taken. */
START_TEST(stable_without_features_5_2_6_2)
{
    create(_i != 0);
    blk_start(F_FLUSH | F_CONFIG_WCE);
    ck_assert(is_stable(OUT));
    ck_assert(is_stable(ZEROES));
    ck_assert(is_stable(ERASE));
    driver_write(&driver, WRITEBACK, 1, 1); /* not the driver's to choose */
    ck_assert(is_stable(OUT));
    blk_end();
}
END_TEST

/* Case 2: CONFIG_WCE was taken, and writeback is 0. */
START_TEST(stable_with_writeback_0_5_2_6_2)
{
    create(true);
    blk_start(0);
    ck_assert_uint_eq(driver_read(&driver, WRITEBACK, 1), 1);
    ck_assert(!is_stable(OUT));
    ck_assert(!is_stable(ZEROES));
    driver_write(&driver, WRITEBACK, 1, 0);
    ck_assert_uint_eq(driver_read(&driver, WRITEBACK, 1), 0);
    ck_assert(is_stable(OUT));
    ck_assert(is_stable(ZEROES));
    ck_assert(is_stable(ERASE));
    ck_assert(!is_stable(DISCARD)); /* nothing is promised that could be lost */
    driver_write(&driver, WRITEBACK, 1, 1);
    ck_assert(!is_stable(OUT));
    blk_end();
}
END_TEST

/* Case 3: a flush that is sent after writes are completed reaches the file after them. */
START_TEST(stable_by_flush_5_2_6_2)
{
    create(true);
    blk_start(F_CONFIG_WCE);
    ck_assert(!is_stable(OUT));
    blk_submit(FLUSH, 0, 0);
    ck_assert_uint_eq(fake->requests, 1);
    ck_assert_uint_eq(fake->request[0]->operation, IOREQD_FILE_FLUSH);
    ck_assert_uint_eq(blk_status(), UNTOUCHED);
    fake_complete_all(fake);
    ck_assert_uint_eq(blk_status(), OK);
    blk_end();
}
END_TEST

/* A write that could not be made stable is none that was done. */
START_TEST(flush_behind_a_write_fails)
{
    create(false);
    blk_start(0);
    blk_range(0, 0, 1, 0);
    blk_submit(_i == 0 ? OUT : ZEROES, 0, _i == 0 ? 512 : 16);
    fake_complete(fake, 0, 0);
    fake_pump(fake);
    fake_complete(fake, 0, -EOPNOTSUPP);
    fake_pump(fake);
    ck_assert_uint_eq(blk_status(), IOERR);
    ck_assert_uint_eq(blk_used(), 1);
    blk_end();
}
END_TEST

/* No flush for what was not written. */
START_TEST(failed_write_is_not_flushed)
{
    create(false);
    blk_start(0);
    blk_submit(OUT, 0, 512);
    fake_complete(fake, 0, -ENOSPC);
    fake_pump(fake);
    ck_assert_uint_eq(fake->requests, 0);
    ck_assert_uint_eq(blk_status(), IOERR);
    blk_end();
}
END_TEST

START_TEST(writeback_begins_as_0_without_flush_5_2_5_2)
{
    create(true);
    driver_negotiate(&driver, F_VERSION_1 | F_CONFIG_WCE);
    ck_assert_uint_eq(driver_read(&driver, WRITEBACK, 1), 0);
    driver_set_queue(&driver, 0, BLK_SIZE);
    driver_write(&driver, STATUS, 1, 0xf);
    fake_pump(fake);
    ck_assert_uint_eq(driver_read(&driver, WRITEBACK, 1), 0);
    ck_assert(is_stable(OUT));
    blk_end();
}
END_TEST

/* Before DRIVER_OK as well as after. */
START_TEST(driver_chooses_early)
{
    create(_i != 0);
    driver_negotiate(&driver, F_VERSION_1 | F_CONFIG_WCE | F_FLUSH);
    ck_assert_uint_eq(driver_read(&driver, WRITEBACK, 1), _i != 0);
    driver_write(&driver, WRITEBACK, 1, _i == 0);
    driver_set_queue(&driver, 0, BLK_SIZE);
    driver_write(&driver, STATUS, 1, 0xf);
    fake_pump(fake);
    ck_assert_uint_eq(driver_read(&driver, WRITEBACK, 1), _i == 0);
    ck_assert(is_stable(OUT) == (_i != 0));
    blk_end();
}
END_TEST

/* The property holds for drivers that cannot choose, and where the mode begins for those that can. */
START_TEST(mode_of_the_property)
{
    create(_i & 1);
    blk_start(_i & 2 ? F_CONFIG_WCE : 0);
    ck_assert(is_stable(OUT) == ((_i & 1) == 0));
    blk_end();
}
END_TEST

/* The next driver does not find what the last one chose, or could not. */
START_TEST(reset_brings_the_mode_back)
{
    create(true);
    blk_start(_i == 0 ? 0 : F_FLUSH | F_CONFIG_WCE);
    driver_write(&driver, WRITEBACK, 1, 0);
    ck_assert(is_stable(OUT));
    driver_write(&driver, STATUS, 1, 0);
    ck_assert_uint_eq(driver_read(&driver, WRITEBACK, 1), 1);
    blk_start(0);
    ck_assert(!is_stable(OUT));
    blk_end();
}
END_TEST

TCase *blk_cache_cases(void)
{
    TCase *cases = tcase_create("virtio-blk write cache");

    tcase_add_loop_test(cases, flush, 0, 2);
    tcase_add_loop_test(cases, stable_without_features_5_2_6_2, 0, 2);
    tcase_add_test(cases, stable_with_writeback_0_5_2_6_2);
    tcase_add_test(cases, stable_by_flush_5_2_6_2);
    tcase_add_loop_test(cases, flush_behind_a_write_fails, 0, 2);
    tcase_add_test(cases, failed_write_is_not_flushed);
    tcase_add_test(cases, writeback_begins_as_0_without_flush_5_2_5_2);
    tcase_add_loop_test(cases, driver_chooses_early, 0, 2);
    tcase_add_loop_test(cases, mode_of_the_property, 0, 4);
    tcase_add_loop_test(cases, reset_brings_the_mode_back, 0, 2);
    return cases;
}
