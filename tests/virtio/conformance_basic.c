/* SPDX-License-Identifier: BSD-2-Clause */
/* Device status, reset and device configuration: virtio 1.4 §2.1, §2.4, §2.5, §2.6.1. */
#include <string.h>

#include "tests/virtio/suites.h"

#define SIZE 16

static const struct part part = {0x8000, 16, WRITE};

static void start_with_one(uint64_t features)
{
    driver_start(&driver, F_VERSION_1 | features, 2, SIZE);
    driver_add(&driver, 0, &part, 1);
    driver_kick(&driver, 0);
    ck_assert_uint_eq(probe->count, 1);
}

static void finish_all(void)
{
    while (probe->count != 0) {
        probe_complete(0, 0);
    }
    fake_pump(fake);
}

/* ------------------------------------------------------------------------------------------------------------------
 * §2.1 Device status
 */

START_TEST(clause_2_1_starts_as_0)
{
    ck_assert_uint_eq(driver_status(&driver), 0);
}
END_TEST

START_TEST(clause_2_1_2_no_buffer_before_driver_ok)
{
    static const uint8_t status[] = {0, 1, 3, 0xb};

    driver_negotiate(&driver, F_VERSION_1);
    driver_set_queue(&driver, 0, SIZE);
    driver_add(&driver, 0, &part, 1);
    for (unsigned i = 0; i < sizeof(status); i++) {
        if (status[i] != 0) {
            driver_write(&driver, STATUS, 1, status[i]);
        }
        driver_kick(&driver, 0);
        ck_assert_uint_eq(probe->readies, 0);
        ck_assert_uint_eq(fake->msix[1], 0);
    }
    driver_write(&driver, STATUS, 1, 0xf);
    driver_kick(&driver, 0);
    ck_assert_uint_eq(probe->count, 1);
    finish_all();
    ck_assert_uint_eq(fake->msix[1], 1);
}
END_TEST

/* Before DRIVER_OK the bit is set too, and nothing is sent. */
START_TEST(clause_2_1_2_needs_reset)
{
    bool live = _i == 1;

    driver_negotiate(&driver, F_VERSION_1);
    driver_write(&driver, CONFIG_VECTOR, 2, 0);
    if (live) {
        driver_write(&driver, STATUS, 1, 0xf);
    }
    ioreqd_virtio_broken(&probe->virtio, "for the test");
    fake_pump(fake);
    ck_assert_uint_eq(driver_status(&driver), live ? 0x4f : 0x4b);
    ck_assert_uint_eq(fake->msix[0], live);
    ck_assert_uint_eq(driver_read(&driver, ISR, 1), live ? 2 : 0);
    driver_write(&driver, STATUS, 1, 0);
    ck_assert_uint_eq(driver_status(&driver), 0);
}
END_TEST

/* Bits that a driver leaves out stay, those that are not its own stay clear, and each such write is its error. */
START_TEST(clause_2_1_illegal_writes)
{
    static const struct {
        uint8_t before, value, after;
    } writes[] = {
        {0, 0x02, 0x00},    /* DRIVER without ACKNOWLEDGE */
        {0x01, 0x05, 0x01}, /* DRIVER_OK without FEATURES_OK */
        {0x01, 0x09, 0x01}, /* FEATURES_OK without DRIVER */
        {0x03, 0x07, 0x03}, /* DRIVER_OK without FEATURES_OK */
        {0x03, 0x01, 0x03}, /* clears DRIVER */
        {0x0f, 0x0b, 0x0f}, /* clears DRIVER_OK */
        {0x0f, 0x4f, 0x0f}, /* DEVICE_NEEDS_RESET is the device's */
        {0x0f, 0x1f, 0x0f}, /* SUSPEND, which is not offered */
        {0x0f, 0x2f, 0x0f}, /* reserved */
        {0x01, 0x10, 0x01},
    };
    unsigned errors;

    driver_negotiate(&driver, F_VERSION_1);
    driver_write(&driver, STATUS, 1, 0);
    driver_write(&driver, DRIVER_FEATURE_SELECT, 4, 1);
    driver_write(&driver, DRIVER_FEATURE, 4, 1);
    if (writes[_i].before != 0) {
        driver_write(&driver, STATUS, 1, writes[_i].before);
    }
    ck_assert_uint_eq(driver_status(&driver), writes[_i].before);
    errors = fake->guest_errors;
    driver_write(&driver, STATUS, 1, writes[_i].value);
    ck_assert_uint_eq(driver_status(&driver), writes[_i].after);
    ck_assert_uint_gt(fake->guest_errors, errors);
}
END_TEST

/* Every way through the status in the order of §3.1.1 is no error, whatever is written again. */
START_TEST(clause_2_1_legal_writes)
{
    static const uint8_t order[] = {1, 1, 3, 3, 0xb, 0xb, 0xf, 0xf, 0x8f};

    driver_write(&driver, DRIVER_FEATURE_SELECT, 4, 1);
    driver_write(&driver, DRIVER_FEATURE, 4, 1);
    for (unsigned i = 0; i < sizeof(order); i++) {
        driver_write(&driver, STATUS, 1, order[i]);
        ck_assert_uint_eq(driver_status(&driver), order[i]);
    }
    ck_assert_uint_eq(fake->guest_errors, 0);
    /* A driver may write back what it read. */
    ioreqd_virtio_broken(&probe->virtio, "for the test");
    fake_pump(fake);
    driver_write(&driver, STATUS, 1, driver_status(&driver));
    ck_assert_uint_eq(driver_status(&driver), 0xcf);
    ck_assert_uint_eq(fake->guest_errors, 1);
}
END_TEST

/* ------------------------------------------------------------------------------------------------------------------
 * §2.4 Device reset
 */

START_TEST(clause_2_4_1_status_0_after_reset)
{
    start_with_one(0);
    finish_all();
    driver_write(&driver, STATUS, 1, 0);
    ck_assert_uint_eq(driver_status(&driver), 0);
}
END_TEST

/* The status is not 0 before the last request has ended, and nothing happens after. */
START_TEST(clause_2_4_1_quiet_after_reset)
{
    unsigned accesses, errors;

    start_with_one(0);
    driver_write(&driver, STATUS, 1, 0);
    fake_pump(fake);
    ck_assert_uint_ne(driver_status(&driver), 0);
    errors = fake->guest_errors;
    driver_write(&driver, CONFIG_VECTOR, 2, 1); /* too early: it would be lost */
    ck_assert_uint_gt(fake->guest_errors, errors);
    finish_all();
    ck_assert_uint_eq(driver_status(&driver), 0);
    accesses = fake->accesses;
    driver_add(&driver, 0, &part, 1);
    driver_kick(&driver, 0);
    ioreqd_virtio_config_changed(&probe->virtio);
    fake_pump(fake);
    ck_assert_uint_eq(fake->accesses, accesses);
    ck_assert_uint_eq(fake->msix[0] + fake->msix[1] + fake->msix[2], 0);
    ck_assert_uint_eq(driver_used_index(&driver, 0), 0);
}
END_TEST

/* A function-level reset, or one of the bus: the host has the device come to rest first. */
START_TEST(clause_2_4_1_function_reset)
{
    start_with_one(0);
    driver.model->quiesce(fake_device(fake), driver.state);
    finish_all();
    ck_assert_uint_eq(fake->quiesced, 1);
    driver.model->reset(fake_device(fake), driver.state, _i == 0 ? IOREQD_RESET_FUNCTION : IOREQD_RESET_BUS);
    ck_assert_uint_eq(driver_status(&driver), 0);
    ck_assert_uint_eq(fake->windows, 0);
    driver.model->resume(fake_device(fake), driver.state);
    ck_assert_uint_eq(driver_status(&driver), 0);
    driver_kick(&driver, 0);
    ck_assert_uint_eq(probe->count, 0);
    start_with_one(0);
    finish_all();
    ck_assert_uint_eq(driver_used_index(&driver, 0), 1);
}
END_TEST

/* ------------------------------------------------------------------------------------------------------------------
 * §2.5 Device configuration
 */

START_TEST(clause_2_5_2_readable_before_features_ok)
{
    probe->config[5] = 0xa5;
    ck_assert_uint_eq(driver_read(&driver, CONFIG + 5, 1), 0xa5);
    driver_write(&driver, STATUS, 1, 3);
    ck_assert_uint_eq(driver_read(&driver, CONFIG + 4, 4), 0xa500);
}
END_TEST

/* What changes while the device is at rest is told, once, when it is over. */
START_TEST(clause_2_5_change_at_rest)
{
    uint8_t generation;

    driver_start(&driver, F_VERSION_1, 1, SIZE);
    generation = (uint8_t)driver_read(&driver, GENERATION, 1);
    driver.model->quiesce(fake_device(fake), driver.state);
    ck_assert_uint_eq(fake->quiesced, 1);
    ioreqd_virtio_config_changed(&probe->virtio);
    ioreqd_virtio_config_changed(&probe->virtio);
    ioreqd_virtio_broken(&probe->virtio, "for the test");
    fake_pump(fake);
    ck_assert_uint_eq(fake->msix[0], 0);
    ck_assert_uint_eq(probe->virtio.registers.config_changed, 0);
    ck_assert_uint_eq(probe->virtio.registers.isr, 0);
    ck_assert_uint_eq(driver_status(&driver), 0xf);
    driver.model->resume(fake_device(fake), driver.state);
    ck_assert_uint_eq(fake->msix[0], 2); /* the change, and DEVICE_NEEDS_RESET */
    ck_assert_uint_eq(driver_status(&driver), 0x4f);
    driver_read(&driver, CONFIG, 4);
    ck_assert_uint_ne(driver_read(&driver, GENERATION, 1), generation);
    driver.model->quiesce(fake_device(fake), driver.state);
    driver.model->resume(fake_device(fake), driver.state);
    ck_assert_uint_eq(fake->msix[0], 2);
}
END_TEST

/* The same across a reset, where nobody is there to be told but the generation must move. */
START_TEST(clause_2_5_change_at_rest_and_reset)
{
    uint8_t generation = (uint8_t)driver_read(&driver, GENERATION, 1);

    driver.model->quiesce(fake_device(fake), driver.state);
    ioreqd_virtio_config_changed(&probe->virtio);
    driver.model->reset(fake_device(fake), driver.state, IOREQD_RESET_FUNCTION);
    driver.model->resume(fake_device(fake), driver.state);
    driver_read(&driver, CONFIG, 4);
    ck_assert_uint_ne(driver_read(&driver, GENERATION, 1), generation);
    ck_assert_uint_eq(fake->msix[0], 0);
}
END_TEST

START_TEST(clause_2_5_writes)
{
    driver_write(&driver, CONFIG + 7, 1, 0x11);
    ck_assert_uint_eq(probe->config[7], 0x11);
    driver_write(&driver, CONFIG + 8, 1, 0x22); /* beyond */
    driver_write(&driver, CONFIG + 0xffc, 4, 0x22);
    ck_assert_uint_eq(driver_read(&driver, CONFIG + 8, 4), 0);
}
END_TEST

/* ------------------------------------------------------------------------------------------------------------------
 * §2.6.1 Virtqueue reset
 */

START_TEST(clause_2_6_1_1_1_nothing_of_a_reset_queue)
{
    start_with_one(F_RING_RESET);
    driver_select(&driver, 0);
    driver_write(&driver, QUEUE_RESET, 2, 1);
    driver_add(&driver, 0, &part, 1);
    driver_kick(&driver, 0);
    ck_assert_uint_eq(driver_read(&driver, QUEUE_RESET, 2), 1);
    finish_all();
    ck_assert_uint_eq(driver_read(&driver, QUEUE_RESET, 2), 0);
    ck_assert_uint_eq(probe->taken, 1);
    ck_assert_uint_eq(fake->msix[1], 0);
    ck_assert_uint_eq(driver_used_index(&driver, 0), 0);
    ck_assert_uint_eq(driver_read(&driver, QUEUE_SIZE, 2), PROBE_SIZE);
    ck_assert_uint_eq(driver_read(&driver, QUEUE_VECTOR, 2), 0xffff);
    ck_assert_uint_eq(probe->virtio.registers.queue_next_available[0], 0);
}
END_TEST

/* Before DRIVER_OK, while the device is broken, and while it is at rest there is nothing to wait for. */
START_TEST(clause_2_6_1_1_1_at_once)
{
    driver_negotiate(&driver, F_VERSION_1 | F_RING_RESET);
    driver_set_queue(&driver, 0, SIZE);
    if (_i != 0) {
        driver_write(&driver, STATUS, 1, 0xf);
    }
    if (_i == 1) {
        ioreqd_virtio_broken(&probe->virtio, "for the test");
        fake_pump(fake);
    }
    if (_i == 2) {
        driver.model->quiesce(fake_device(fake), driver.state);
    }
    driver_write(&driver, QUEUE_RESET, 2, 1);
    fake_pump(fake);
    ck_assert_uint_eq(driver_read(&driver, QUEUE_RESET, 2), 0);
    ck_assert_uint_eq(driver_read(&driver, QUEUE_ENABLE, 2), 0);
    ck_assert_uint_eq(fake->windows, 0);
}
END_TEST

START_TEST(clause_2_6_1_2_1_another_size)
{
    start_with_one(F_RING_RESET);
    finish_all();
    driver_select(&driver, 0);
    driver_write(&driver, QUEUE_RESET, 2, 1);
    fake_pump(fake);
    driver_set_queue(&driver, 0, 4);
    ck_assert_uint_eq(driver_read(&driver, QUEUE_SIZE, 2), 4);
    for (unsigned i = 0; i < 6; i++) { /* more than the queue has: it wraps where the new size says */
        driver_add(&driver, 0, &part, 1);
        driver_kick(&driver, 0);
        finish_all();
        ck_assert_uint_eq(driver_used_index(&driver, 0), i + 1);
    }
}
END_TEST

/* What the driver starts while the device is at rest begins when that is over. */
START_TEST(started_at_rest)
{
    driver_negotiate(&driver, F_VERSION_1);
    driver.model->quiesce(fake_device(fake), driver.state);
    driver_set_queue(&driver, 0, SIZE);
    driver_add(&driver, 0, &part, 1);
    driver_write(&driver, STATUS, 1, 0xf);
    driver_set_queue(&driver, 1, SIZE);
    driver_kick(&driver, 0);
    driver.model->bus_master(fake_device(fake), driver.state, 1);
    fake_pump(fake);
    ck_assert_uint_eq(probe->readies, 0);
    driver.model->resume(fake_device(fake), driver.state);
    fake_pump(fake);
    ck_assert_uint_eq(probe->count, 1);
    finish_all();
}
END_TEST

/*
 * Bus mastering (PCI 3.0 §6.2.2) may come as late as it wants: a queue that is enabled before is frozen, and found when its
 * memory can be reached.
 */
START_TEST(enabled_without_bus_mastering)
{
    bool late = _i == 1; /* after DRIVER_OK */

    driver_negotiate(&driver, F_VERSION_1);
    fake->no_bus_master = true;
    driver_set_queue(&driver, 0, SIZE);
    ck_assert_uint_eq(driver_read(&driver, QUEUE_ENABLE, 2), 1);
    driver_write(&driver, QUEUE_SIZE, 2, 4);
    ck_assert_uint_eq(driver_read(&driver, QUEUE_SIZE, 2), SIZE);
    driver_add(&driver, 0, &part, 1);
    if (late) {
        driver_write(&driver, STATUS, 1, 0xf);
        driver_kick(&driver, 0);
    }
    ck_assert_uint_eq(fake->windows, 0);
    fake->no_bus_master = false;
    driver.model->bus_master(fake_device(fake), driver.state, 1);
    if (!late) {
        fake_pump(fake);
        ck_assert_uint_eq(probe->count, 0);
        driver_write(&driver, STATUS, 1, 0xf);
    }
    fake_pump(fake);
    ck_assert_uint_eq(probe->count, 1);
    ck_assert_uint_eq(driver_status(&driver), 0xf);
    ck_assert_uint_eq(fake->guest_errors, 0);
    finish_all();
    ck_assert_uint_eq(driver_used_index(&driver, 0), 1);
}
END_TEST

/* Without it ever coming, a reset, or one of the queue, ends it. */
START_TEST(reset_without_bus_mastering)
{
    driver_negotiate(&driver, F_VERSION_1 | F_RING_RESET);
    fake->no_bus_master = true;
    driver_set_queue(&driver, 0, SIZE);
    driver_write(&driver, STATUS, 1, 0xf);
    driver_write(&driver, _i == 0 ? STATUS : QUEUE_RESET, _i == 0 ? 1 : 2, _i == 0 ? 0 : 1);
    ck_assert_uint_eq(driver_read(&driver, QUEUE_ENABLE, 2), 0);
    ck_assert_uint_eq(driver_read(&driver, QUEUE_DESC, 4), 0);
    driver.model->bus_master(fake_device(fake), driver.state, 1);
    ck_assert_uint_eq(driver_read(&driver, QUEUE_ENABLE, 2), 0);
}
END_TEST

/* A bad address is found out when it can be looked at. */
START_TEST(bad_address_without_bus_mastering)
{
    driver_negotiate(&driver, F_VERSION_1);
    fake->no_bus_master = true;
    driver_write(&driver, QUEUE_DESC, 4, FAKE_RAM);
    driver_write(&driver, QUEUE_ENABLE, 2, 1);
    driver_write(&driver, STATUS, 1, 0xf);
    fake_pump(fake);
    ck_assert_uint_eq(driver_status(&driver), 0xf);
    fake->no_bus_master = false;
    driver.model->bus_master(fake_device(fake), driver.state, 1);
    fake_pump(fake);
    ck_assert_uint_eq(driver_status(&driver), 0x4f);
    ck_assert_uint_eq(fake->windows, 0);
}
END_TEST

/* A device that ends with requests in flight gives back what they hold. */
START_TEST(destroyed_in_flight)
{
    const struct iovec *iov;
    uint32_t count;

    start_with_one(0);
    fake->piece = 4;
    ck_assert_int_eq(ioreqd_virtio_request_map(probe->held[0], IOREQD_TO_GUEST, 0, 16, &iov, &count), 0);
    ck_assert_uint_eq(fake->pinned, 4);
    probe->count = 0;
}
END_TEST

TCase *conformance_basic_cases(void)
{
    TCase *cases = tcase_create("basic");

    tcase_add_checked_fixture(cases, probe_begin, probe_end);
    tcase_add_test(cases, clause_2_1_starts_as_0);
    tcase_add_test(cases, clause_2_1_2_no_buffer_before_driver_ok);
    tcase_add_loop_test(cases, clause_2_1_2_needs_reset, 0, 2);
    tcase_add_loop_test(cases, clause_2_1_illegal_writes, 0, 10);
    tcase_add_test(cases, clause_2_1_legal_writes);
    tcase_add_test(cases, clause_2_4_1_status_0_after_reset);
    tcase_add_test(cases, clause_2_4_1_quiet_after_reset);
    tcase_add_loop_test(cases, clause_2_4_1_function_reset, 0, 2);
    tcase_add_test(cases, clause_2_5_2_readable_before_features_ok);
    tcase_add_test(cases, clause_2_5_change_at_rest);
    tcase_add_test(cases, clause_2_5_change_at_rest_and_reset);
    tcase_add_test(cases, clause_2_5_writes);
    tcase_add_test(cases, clause_2_6_1_1_1_nothing_of_a_reset_queue);
    tcase_add_loop_test(cases, clause_2_6_1_1_1_at_once, 0, 3);
    tcase_add_test(cases, clause_2_6_1_2_1_another_size);
    tcase_add_test(cases, started_at_rest);
    tcase_add_loop_test(cases, enabled_without_bus_mastering, 0, 2);
    tcase_add_loop_test(cases, reset_without_bus_mastering, 0, 2);
    tcase_add_test(cases, bad_address_without_bus_mastering);
    tcase_add_test(cases, destroyed_in_flight);
    return cases;
}
