/* SPDX-License-Identifier: BSD-2-Clause */
/* Start, stop, reset and quiesce, with and without requests in flight. */
#include "tests/virtio/suites.h"

#define SIZE 16

static const struct part part = {0x8000, 16, WRITE};

static void start(uint64_t features)
{
    driver_start(&driver, F_VERSION_1 | ring_format | features, 2, SIZE);
}

/* Two requests of queue 0 and one of queue 1 in flight. */
static void start_with_three(uint64_t features)
{
    start(features);
    driver_add(&driver, 0, &part, 1);
    driver_add(&driver, 0, &part, 1);
    driver_add(&driver, 1, &part, 1);
    driver_kick(&driver, 0);
    driver_kick(&driver, 1);
    ck_assert_uint_eq(probe->count, 3);
}

START_TEST(nothing_before_driver_ok)
{
    driver_negotiate(&driver, F_VERSION_1 | ring_format);
    driver_set_queue(&driver, 0, SIZE);
    driver_add(&driver, 0, &part, 1);
    driver_kick(&driver, 0);
    ck_assert_uint_eq(probe->readies, 0);
    /* What was filled before is found without a doorbell. */
    driver_write(&driver, STATUS, 1, 0xf);
    fake_pump(fake);
    ck_assert_uint_eq(probe->count, 1);
    probe_complete(0, 0);
    fake_pump(fake);
}
END_TEST

START_TEST(bell_of_no_queue)
{
    start(0);
    driver_kick(&driver, 2);
    driver_kick(&driver, 1000);
}
END_TEST

/* Firmware writes 0 and goes on without waiting: idle queues stop at once. */
START_TEST(reset_idle)
{
    start(0);
    driver_write(&driver, STATUS, 1, 0);
    ck_assert_uint_eq(driver_status(&driver), 0);
    ck_assert_uint_eq(fake->windows, 0);
    driver_select(&driver, 0);
    ck_assert_uint_eq(driver_read(&driver, QUEUE_ENABLE, 2), 0);
    ck_assert_uint_eq(driver_read(&driver, QUEUE_SIZE, 2), PROBE_SIZE);
    ck_assert_uint_eq(driver_read(&driver, QUEUE_DESC, 4), 0);
    ck_assert_uint_eq(driver_read(&driver, QUEUE_VECTOR, 2), 0xffff);
    ck_assert_uint_eq(driver_read(&driver, CONFIG_VECTOR, 2), 0xffff);
    ck_assert_uint_eq(driver_read(&driver, DRIVER_FEATURE, 4), 0);
    driver_kick(&driver, 0);
    start(0);
    ck_assert_uint_eq(driver_status(&driver), 0xf);
}
END_TEST

START_TEST(reset_in_flight)
{
    start_with_three(0);
    driver_write(&driver, STATUS, 1, 0);
    fake_pump(fake);
    ck_assert_uint_eq(driver_status(&driver), 0xf);
    /* Meanwhile nothing is taken, nothing is set, and a second reset changes nothing. */
    driver_add(&driver, 0, &part, 1);
    driver_kick(&driver, 0);
    driver_write(&driver, STATUS, 1, 1);
    driver_write(&driver, CONFIG_VECTOR, 2, 2);
    driver_write(&driver, STATUS, 1, 0);
    fake_pump(fake);
    ck_assert_uint_eq(probe->count, 3);
    ck_assert_uint_eq(driver_status(&driver), 0xf);
    probe_complete(1, 0);
    fake_pump(fake);
    probe_complete(1, 0);
    fake_pump(fake);
    ck_assert_uint_eq(driver_status(&driver), 0xf);
    probe_complete(0, 0);
    ck_assert_uint_eq(driver_status(&driver), 0xf);
    fake_pump(fake);
    ck_assert_uint_eq(driver_status(&driver), 0);
    ck_assert_uint_eq(driver_used_index(&driver, 0), 0);
    ck_assert_uint_eq(fake->msix[1] + fake->msix[2], 0);
    ck_assert_uint_eq(fake->windows, 0);
    start_with_three(0);
    while (probe->count != 0) {
        probe_complete(0, 0);
    }
    fake_pump(fake);
    ck_assert_uint_eq(driver_used_index(&driver, 0), 2);
}
END_TEST

/* The order in which the last completion and the reset reach their loops must not matter. */
START_TEST(reset_and_completion)
{
    start_with_three(0);
    probe_complete(0, 0);
    if (_i == 1) {
        probe_complete(0, 0);
        probe_complete(0, 0);
    }
    driver_write(&driver, STATUS, 1, 0); /* before any turn has published */
    ck_assert_uint_eq(driver_status(&driver), 0xf);
    while (probe->count != 0) {
        probe_complete(0, 0);
    }
    fake_pump(fake);
    ck_assert_uint_eq(driver_status(&driver), 0);
    ck_assert_uint_eq(driver_used_index(&driver, 0), 0);
}
END_TEST

/* A rule was broken and the driver reset at once: the late report must not spoil the next life. */
START_TEST(reset_overtakes_report)
{
    start(0);
    ioreqd_virtio_broken(&probe->virtio, "for the test");
    driver_write(&driver, STATUS, 1, 0);
    ck_assert_uint_eq(driver_status(&driver), 0);
    fake_pump(fake);
    ck_assert_uint_eq(driver_status(&driver), 0);
    ck_assert_uint_eq(fake->msix[0], 0);
}
END_TEST

/* Nothing happens after the answer to quiesce(): the report comes before it, and once. */
START_TEST(quiesce_overtakes_report)
{
    start(0);
    ioreqd_virtio_broken(&probe->virtio, "for the test");
    driver.model->quiesce(fake_device(fake), driver.state);
    ck_assert_uint_eq(fake->quiesced, 1);
    ck_assert_uint_eq(driver_status(&driver), 0x4f);
    ck_assert_uint_eq(fake->msix[0], 1);
    fake_pump(fake);
    ck_assert_uint_eq(driver_status(&driver), 0x4f);
    ck_assert_uint_eq(fake->msix[0], 1);
}
END_TEST

START_TEST(broken_by_model)
{
    start_with_three(0);
    ioreqd_virtio_broken(&probe->virtio, "for the test");
    ioreqd_virtio_broken(&probe->virtio, "for the test");
    fake_pump(fake);
    ck_assert_uint_eq(driver_status(&driver), 0x4f);
    ck_assert_uint_eq(fake->guest_errors, 1);
    ck_assert_uint_eq(fake->msix[0], 1);
    ck_assert_str_eq(fake->needs_reset, "for the test");
    driver_write(&driver, STATUS, 1, 0);
    fake_pump(fake);
    ck_assert_uint_eq(driver_status(&driver), 0x4f);
    ck_assert_str_eq(fake->needs_reset, "for the test");
    while (probe->count != 0) {
        probe_complete(0, 0);
    }
    fake_pump(fake);
    ck_assert_uint_eq(driver_status(&driver), 0);
    ck_assert_str_eq(fake->needs_reset, ""); /* not before the driver sees it */
    ck_assert_uint_eq(fake->told_of_resets, 1);
    driver_write(&driver, STATUS, 1, 0);
    fake_pump(fake);
    ck_assert_uint_eq(fake->told_of_resets, 1); /* nothing was wrong */
}
END_TEST

START_TEST(queue_reset)
{
    start_with_three(F_RING_RESET);
    driver_select(&driver, 0);
    driver_write(&driver, QUEUE_RESET, 2, 1);
    fake_pump(fake);
    ck_assert_uint_eq(driver_read(&driver, QUEUE_RESET, 2), 1);
    ck_assert_uint_eq(driver_read(&driver, QUEUE_ENABLE, 2), 1);
    driver_write(&driver, QUEUE_RESET, 2, 1);
    driver_write(&driver, QUEUE_ENABLE, 2, 1);
    probe_complete(0, 0);
    fake_pump(fake);
    ck_assert_uint_eq(driver_read(&driver, QUEUE_RESET, 2), 1);
    probe_complete(0, 0);
    fake_pump(fake);
    ck_assert_uint_eq(driver_read(&driver, QUEUE_RESET, 2), 0);
    ck_assert_uint_eq(driver_read(&driver, QUEUE_ENABLE, 2), 0);
    ck_assert_uint_eq(driver_used_index(&driver, 0), 0);
    ck_assert_uint_eq(driver_status(&driver), 0xf);
    /* The other queue has not noticed. */
    probe_complete(0, 0);
    fake_pump(fake);
    ck_assert_uint_eq(driver_used_index(&driver, 1), 1);
    /* Enabled again, with another size, it runs at once. */
    driver_set_queue(&driver, 0, 8);
    ck_assert_uint_eq(driver_read(&driver, QUEUE_RESET, 2), 0);
    driver_add(&driver, 0, &part, 1);
    driver_kick(&driver, 0);
    ck_assert_uint_eq(probe->count, 1);
    probe_complete(0, 0);
    fake_pump(fake);
    ck_assert_uint_eq(driver_used_index(&driver, 0), 1);
}
END_TEST

START_TEST(queue_reset_not_negotiated)
{
    start(0);
    driver_select(&driver, 0);
    driver_write(&driver, QUEUE_RESET, 2, 1);
    ck_assert_uint_eq(driver_read(&driver, QUEUE_RESET, 2), 0);
    ck_assert_uint_eq(driver_read(&driver, QUEUE_ENABLE, 2), 1);
}
END_TEST

START_TEST(queue_reset_within_reset)
{
    start_with_three(F_RING_RESET);
    driver_select(&driver, 0);
    driver_write(&driver, QUEUE_RESET, 2, 1);
    driver_write(&driver, STATUS, 1, 0);
    fake_pump(fake);
    while (probe->count != 0) {
        ck_assert_uint_eq(driver_status(&driver), 0xf);
        probe_complete(0, 0);
        fake_pump(fake);
    }
    ck_assert_uint_eq(driver_status(&driver), 0);
    ck_assert_uint_eq(fake->windows, 0);
}
END_TEST

START_TEST(quiesce_idle)
{
    start(0);
    driver.model->quiesce(fake_device(fake), probe);
    ck_assert_uint_eq(fake->quiesced, 1);
    ck_assert_uint_eq(driver_status(&driver), 0xf);
    driver_add(&driver, 0, &part, 1);
    driver_kick(&driver, 0);
    ck_assert_uint_eq(probe->count, 0);
}
END_TEST

/* What is in flight is told to the driver before the device is quiet. */
START_TEST(quiesce_in_flight)
{
    start_with_three(0);
    driver.model->quiesce(fake_device(fake), probe);
    fake_pump(fake);
    ck_assert_uint_eq(fake->quiesced, 0);
    driver_add(&driver, 0, &part, 1);
    driver_kick(&driver, 0);
    ck_assert_uint_eq(probe->count, 3);
    while (probe->count != 0) {
        ck_assert_uint_eq(fake->quiesced, 0);
        probe_complete(0, 0);
        fake_pump(fake);
    }
    ck_assert_uint_eq(fake->quiesced, 1);
    ck_assert_uint_eq(driver_used_index(&driver, 0), 2);
    ck_assert_uint_eq(probe->virtio.registers.queue_next_available[0], ring_format != 0 ? 0x8002 : 2);
    ck_assert_uint_eq(probe->virtio.registers.queue_next_used[0], ring_format != 0 ? 0x8002 : 2);
    ck_assert_uint_eq(fake->msix[1], 2);
    /* Then a power-on reset. */
    driver.model->reset(fake_device(fake), probe, IOREQD_RESET_COLD);
    ck_assert_uint_eq(driver_status(&driver), 0);
    start(0);
    ck_assert_uint_eq(driver_status(&driver), 0xf);
}
END_TEST

START_TEST(quiesce_then_reset)
{
    start_with_three(0);
    driver.model->quiesce(fake_device(fake), probe);
    driver_write(&driver, STATUS, 1, 0);
    fake_pump(fake);
    while (probe->count != 0) {
        probe_complete(0, 0);
    }
    fake_pump(fake);
    ck_assert_uint_eq(fake->quiesced, 1);
    ck_assert_uint_eq(driver_status(&driver), 0);
    ck_assert_uint_eq(driver_used_index(&driver, 0), 0);
}
END_TEST

START_TEST(quiesce_broken)
{
    start_with_three(0);
    ioreqd_virtio_broken(&probe->virtio, "for the test");
    driver.model->quiesce(fake_device(fake), probe);
    while (probe->count != 0) {
        probe_complete(0, 0);
    }
    fake_pump(fake);
    ck_assert_uint_eq(fake->quiesced, 1);
}
END_TEST

/* Memory that goes away for a while: used entries wait for it, and no index moves unseen. */
START_TEST(bus_master_off)
{
    start_with_three(0);
    fake->no_bus_master = true;
    probe_complete(0, 0);
    driver_add(&driver, 0, &part, 1);
    driver_kick(&driver, 0);
    ck_assert_uint_eq(driver_used_index(&driver, 0), 0);
    ck_assert_uint_eq(probe->count, 2);
    fake->no_bus_master = false;
    driver_kick(&driver, 0);
    ck_assert_uint_eq(driver_used_index(&driver, 0), 1);
    ck_assert_uint_eq(probe->count, 3);
    ck_assert_uint_eq(driver_status(&driver), 0xf);
    ck_assert_uint_eq(fake->guest_errors, 0);
    while (probe->count != 0) {
        probe_complete(0, 0);
    }
    fake_pump(fake);
    ck_assert_uint_eq(driver_used_index(&driver, 0), 3);
}
END_TEST

START_TEST(bus_master_off_and_stop)
{
    start_with_three(0);
    fake->no_bus_master = true;
    while (probe->count != 0) {
        probe_complete(0, 0);
    }
    fake_pump(fake);
    if (_i == 0) {
        driver.model->quiesce(fake_device(fake), probe);
        fake_pump(fake);
        ck_assert_uint_eq(fake->quiesced, 1);
    } else {
        driver_write(&driver, STATUS, 1, 0);
        fake_pump(fake);
        ck_assert_uint_eq(driver_status(&driver), 0);
    }
}
END_TEST

START_TEST(destroy_in_flight)
{
    start_with_three(0);
    probe->count = 0; /* no loop runs any more: they never come back */
}
END_TEST

START_TEST(refused_options)
{
    struct ioreqd_virtio virtio;
    struct ioreqd_virtio_options options = {.queues = 1, .queue_size = 3};

    ck_assert_int_lt(ioreqd_virtio_create(&virtio, &fake_host, fake_device(fake), &options), 0);
    ioreqd_virtio_destroy(&virtio);
}
END_TEST

TCase *life_cases(const char *name, void (*begin)(void))
{
    TCase *cases = tcase_create(name);

    tcase_add_checked_fixture(cases, begin, probe_end);
    tcase_add_test(cases, nothing_before_driver_ok);
    tcase_add_test(cases, bell_of_no_queue);
    tcase_add_test(cases, reset_idle);
    tcase_add_test(cases, reset_in_flight);
    tcase_add_loop_test(cases, reset_and_completion, 0, 2);
    tcase_add_test(cases, reset_overtakes_report);
    tcase_add_test(cases, quiesce_overtakes_report);
    tcase_add_test(cases, broken_by_model);
    tcase_add_test(cases, queue_reset);
    tcase_add_test(cases, queue_reset_not_negotiated);
    tcase_add_test(cases, queue_reset_within_reset);
    tcase_add_test(cases, quiesce_idle);
    tcase_add_test(cases, quiesce_in_flight);
    tcase_add_test(cases, quiesce_then_reset);
    tcase_add_test(cases, quiesce_broken);
    tcase_add_test(cases, bus_master_off);
    tcase_add_loop_test(cases, bus_master_off_and_stop, 0, 2);
    tcase_add_test(cases, destroy_in_flight);
    tcase_add_test(cases, refused_options);
    return cases;
}
