/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What virtio-blk does for a legacy driver (virtio 1.4 §5.2.5.3, §5.2.6.3). The transport that such a driver speaks to is
 * not needed for it: what it leaves behind is written into the registers, and the model told of the status as the
 * library does.
 */
#include "devices/virtio-blk/disk.h"
#include "tests/virtio/blk.h"

#define DRIVER_OK 4
#define LEGACY    2 /* of struct ioreqd_virtio_registers */

static void accept(uint64_t features)
{
    struct disk *disk = blk_state;

    disk->virtio.registers.driver_feature[0] = (uint32_t)features;
    disk->virtio.registers.driver_feature[1] = (uint32_t)(features >> 32);
}

static void set_status(uint8_t bit)
{
    struct disk *disk = blk_state;

    disk->virtio.registers.status |= bit;
    if (bit == DRIVER_OK) {
        uint8_t interface = disk->virtio.registers.interface; /* the test reads and writes by the modern one */

        disk->virtio.registers.interface = LEGACY;
        ck_assert_int_eq(disk_config_negotiate(fake_device(fake), blk_state), 0);
        disk->virtio.registers.interface = interface;
    }
}

static void create(void)
{
    blk_prepare(BLK_SECTORS * 512);
    ck_assert_int_eq(blk_create(), 0);
}

static uint8_t writeback(void)
{
    return (uint8_t)driver_read(&driver, WRITEBACK, 1);
}

START_TEST(writeback_before_the_status_5_2_5_3)
{
    create();
    driver_write(&driver, WRITEBACK, 1, 0);
    ck_assert_int_eq(writeback(), 0);
    driver_write(&driver, WRITEBACK, 1, 1);
    ck_assert_int_eq(writeback(), 1);
    blk_end();
}
END_TEST

START_TEST(features_and_status_leave_writeback_5_2_5_3)
{
    create();
    driver_write(&driver, WRITEBACK, 1, (uint32_t)_i);
    accept(F_CONFIG_WCE); /* without FLUSH */
    set_status(1);
    set_status(2);
    ck_assert_int_eq(writeback(), _i);
    set_status(DRIVER_OK);
    ck_assert_int_eq(writeback(), _i);
    driver_write(&driver, WRITEBACK, 1, (uint32_t)!_i);
    ck_assert_int_eq(writeback(), !_i);
    blk_end();
}
END_TEST

/* But for DRIVER_OK of a driver without CONFIG_WCE: its writes are stable unless it can flush. */
START_TEST(driver_ok_without_config_wce_5_2_5_3)
{
    create();
    driver_write(&driver, WRITEBACK, 1, (uint32_t)!_i);
    accept(_i == 0 ? 0 : F_FLUSH);
    set_status(1);
    set_status(2);
    ck_assert_int_eq(writeback(), !_i);
    set_status(DRIVER_OK);
    ck_assert_int_eq(writeback(), _i);
    driver_write(&driver, WRITEBACK, 1, (uint32_t)!_i); /* it has no say */
    ck_assert_int_eq(writeback(), _i);
    blk_end();
}
END_TEST

/* The other name of a flush; a driver that knows version 1 does not know it (test_blk.c). */
START_TEST(flush_out_5_2_6_3)
{
    create();
    blk_start(0);
    accept(0);
    blk_submit(FLUSH_OUT, 0, 0);
    ck_assert_uint_eq(fake->requests, 1);
    ck_assert_uint_eq(fake->request[0]->operation, IOREQD_FILE_FLUSH);
    fake_complete_all(fake);
    ck_assert_uint_eq(blk_status(), OK);
    blk_end();
}
END_TEST

TCase *blk_legacy_cases(void)
{
    TCase *cases = tcase_create("virtio-blk of legacy drivers");

    tcase_add_test(cases, writeback_before_the_status_5_2_5_3);
    tcase_add_loop_test(cases, features_and_status_leave_writeback_5_2_5_3, 0, 2);
    tcase_add_loop_test(cases, driver_ok_without_config_wce_5_2_5_3, 0, 2);
    tcase_add_test(cases, flush_out_5_2_6_3);
    return cases;
}
