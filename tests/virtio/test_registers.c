/* SPDX-License-Identifier: BSD-2-Clause */
/* The registers of the PCI transport, clause by clause. */
#include <string.h>

#include "tests/virtio/suites.h"

START_TEST(description)
{
    const struct ioreqd_description *d = &driver.description;

    ck_assert_uint_eq(d->vendor, 0x1af4);
    ck_assert_uint_eq(d->device, 0x1040 + 63);
    ck_assert_uint_ge(d->subsystem, 0x40);
    ck_assert_uint_ge(d->revision, 1);
    ck_assert_uint_eq(d->msix, 3);
    ck_assert_uint_eq(d->capabilities, 5);
    for (unsigned i = 0; i < d->capabilities; i++) {
        ck_assert_uint_eq(d->capability[i].id, 9);
        ck_assert_uint_eq(d->capability[i].body[0], d->capability[i].length);
    }
    ck_assert_uint_eq(d->capability[1].body[14], 4);  /* notify_off_multiplier */
    ck_assert_uint_eq(d->capability[1].body[10], 8);  /* two queues */
    ck_assert_uint_eq(d->capability[0].body[10], 60); /* common */
    ck_assert_uint_eq(d->capability[3].body[10], 8);  /* device configuration */
    ck_assert_uint_eq(d->capability[4].flags, IOREQD_CAPABILITY_TRAP);
}
END_TEST

START_TEST(saved_fields)
{
    const struct ioreqd_field *field = probe_model.field;
    unsigned count = 0;

    for (; field->tag != 0; field++, count++) {
        ck_assert_uint_ge(field->tag, 0x8000);
        ck_assert_uint_ge(field->count, 1);
        ck_assert_uint_lt(field->offset, sizeof(struct ioreqd_virtio));
        ck_assert(count == 0 || field[-1].tag < field->tag);
    }
    ck_assert_uint_eq(count, 20);
}
END_TEST

START_TEST(offered_features)
{
    uint64_t offered = driver_offered(&driver);

    ck_assert(offered == (1 | F_INDIRECT | F_EVENT_IDX | F_VERSION_1 | F_PACKED | F_IN_ORDER | F_NOTIFICATION_DATA |
                          F_RING_RESET));
    driver_write(&driver, DEVICE_FEATURE_SELECT, 4, 3);
    ck_assert_uint_eq(driver_read(&driver, DEVICE_FEATURE, 4), 1u << 4); /* bit 100 */
    for (unsigned i = 4; i != 0; i <<= 1) {
        driver_write(&driver, DEVICE_FEATURE_SELECT, 4, i);
        ck_assert_uint_eq(driver_read(&driver, DEVICE_FEATURE_SELECT, 4), i);
        ck_assert_uint_eq(driver_read(&driver, DEVICE_FEATURE, 4), 0);
        driver_write(&driver, DRIVER_FEATURE_SELECT, 4, i);
        driver_write(&driver, DRIVER_FEATURE, 4, 0xffffffff);
        ck_assert_uint_eq(driver_read(&driver, DRIVER_FEATURE, 4), 0);
    }
}
END_TEST

START_TEST(accepted_features)
{
    driver_negotiate(&driver, F_VERSION_1 | F_EVENT_IDX);
    ck_assert_uint_eq(driver_status(&driver), 0xb);
    ck_assert(ioreqd_virtio_negotiated(&probe->virtio, 29));
    ck_assert(!ioreqd_virtio_negotiated(&probe->virtio, 28));
    ck_assert(!ioreqd_virtio_negotiated(&probe->virtio, 200));
    /* Settled: later writes change nothing. */
    driver_write(&driver, DRIVER_FEATURE_SELECT, 4, 0);
    driver_write(&driver, DRIVER_FEATURE, 4, 1);
    ck_assert_uint_eq(driver_read(&driver, DRIVER_FEATURE, 4), 1u << 29);
}
END_TEST

START_TEST(refused_features)
{
    driver_negotiate(&driver, F_VERSION_1 | 2);
    ck_assert_uint_eq(driver_status(&driver), 3);
    driver_write(&driver, DRIVER_FEATURE_SELECT, 4, 0);
    driver_write(&driver, DRIVER_FEATURE, 4, 1);
    driver_write(&driver, STATUS, 1, 0xb);
    ck_assert_uint_eq(driver_status(&driver), 0xb);
}
END_TEST

START_TEST(refused_extended_feature)
{
    driver_write(&driver, DRIVER_FEATURE_SELECT, 4, 2);
    driver_write(&driver, DRIVER_FEATURE, 4, 1);
    driver_negotiate(&driver, F_VERSION_1);
    ck_assert_uint_eq(driver_status(&driver), 3);
}
END_TEST

START_TEST(legacy_driver)
{
    driver_negotiate(&driver, F_INDIRECT);
    ck_assert_uint_eq(driver_status(&driver), 3);
}
END_TEST

START_TEST(status_order)
{
    driver_write(&driver, STATUS, 1, 2);
    ck_assert_uint_eq(driver_status(&driver), 0);
    driver_write(&driver, STATUS, 1, 1);
    driver_write(&driver, STATUS, 1, 4); /* neither clears ACKNOWLEDGE nor sets DRIVER_OK */
    ck_assert_uint_eq(driver_status(&driver), 1);
    driver_write(&driver, STATUS, 1, 0x40); /* the device's own bit */
    ck_assert_uint_eq(driver_status(&driver), 1);
    driver_write(&driver, STATUS, 1, 0x10); /* SUSPEND is not offered */
    ck_assert_uint_eq(driver_status(&driver), 1);
    driver_write(&driver, STATUS, 1, 0x80);
    ck_assert_uint_eq(driver_status(&driver), 0x81);
    driver_write(&driver, STATUS, 1, 0);
    ck_assert_uint_eq(driver_status(&driver), 0);
}
END_TEST

START_TEST(status_at_once)
{
    driver_write(&driver, DRIVER_FEATURE_SELECT, 4, 1);
    driver_write(&driver, DRIVER_FEATURE, 4, 1);
    driver_write(&driver, STATUS, 1, 0xf);
    ck_assert_uint_eq(driver_status(&driver), 0xf);
}
END_TEST

START_TEST(widths)
{
    unsigned errors = fake->guest_errors;

    ck_assert_uint_eq(driver_read(&driver, NUM_QUEUES, 2), 2);
    ck_assert_uint_eq(driver_read(&driver, NUM_QUEUES, 1), 0);
    ck_assert_uint_eq(driver_read(&driver, CONFIG_VECTOR, 4), 0);
    driver_write(&driver, STATUS, 4, 1);
    ck_assert_uint_eq(driver_status(&driver), 0);
    ck_assert_uint_eq(driver_read(&driver, 60, 4), 0); /* no administration queue: reads as 0 */
    ck_assert_uint_eq(fake->guest_errors, errors + 3);
}
END_TEST

START_TEST(queue_registers)
{
    for (uint16_t i = 0; i < 2; i++) {
        driver_select(&driver, i);
        ck_assert_uint_eq(driver_read(&driver, QUEUE_SIZE, 2), PROBE_SIZE);
        ck_assert_uint_eq(driver_read(&driver, QUEUE_NOTIFY_OFF, 2), i);
        ck_assert_uint_eq(driver_read(&driver, QUEUE_VECTOR, 2), 0xffff);
        ck_assert_uint_eq(driver_read(&driver, QUEUE_ENABLE, 2), 0);
    }
    driver_write(&driver, QUEUE_SIZE, 2, 64);
    ck_assert_uint_eq(driver_read(&driver, QUEUE_SIZE, 2), 64);
    driver_write(&driver, QUEUE_SIZE, 2, 48);
    driver_write(&driver, QUEUE_SIZE, 2, 256);
    driver_write(&driver, QUEUE_SIZE, 2, 0);
    ck_assert_uint_eq(driver_read(&driver, QUEUE_SIZE, 2), 64);
    driver_write(&driver, QUEUE_DESC + 4, 4, 0x12345678);
    driver_write(&driver, QUEUE_DESC, 4, 0x9abcdef0);
    ck_assert_uint_eq(driver_read(&driver, QUEUE_DESC, 4), 0x9abcdef0);
    ck_assert_uint_eq(driver_read(&driver, QUEUE_DESC + 4, 4), 0x12345678);
    driver_write(&driver, QUEUE_NOTIFY_OFF, 2, 9);
    ck_assert_uint_eq(driver_read(&driver, QUEUE_NOTIFY_OFF, 2), 1);
}
END_TEST

START_TEST(queue_select_out_of_range)
{
    driver_select(&driver, 2);
    ck_assert_uint_eq(driver_read(&driver, QUEUE_SELECT, 2), 2);
    ck_assert_uint_eq(driver_read(&driver, QUEUE_SIZE, 2), 0);
    ck_assert_uint_eq(driver_read(&driver, QUEUE_ENABLE, 2), 0);
    ck_assert_uint_eq(driver_read(&driver, QUEUE_VECTOR, 2), 0xffff);
    driver_write(&driver, QUEUE_SIZE, 2, 4);
    driver_write(&driver, QUEUE_DESC, 4, 4);
    driver_write(&driver, QUEUE_ENABLE, 2, 1);
    ck_assert_uint_eq(driver_read(&driver, QUEUE_SIZE, 2), 0);
    ck_assert_uint_eq(driver_read(&driver, QUEUE_DESC, 4), 0);
    driver_select(&driver, 0xffff);
    ck_assert_uint_eq(driver_read(&driver, QUEUE_SIZE, 2), 0);
}
END_TEST

START_TEST(vectors)
{
    ck_assert_uint_eq(driver_read(&driver, CONFIG_VECTOR, 2), 0xffff);
    driver_write(&driver, CONFIG_VECTOR, 2, 2);
    ck_assert_uint_eq(driver_read(&driver, CONFIG_VECTOR, 2), 2);
    driver_write(&driver, CONFIG_VECTOR, 2, 3);
    ck_assert_uint_eq(driver_read(&driver, CONFIG_VECTOR, 2), 0xffff);
    driver_write(&driver, QUEUE_VECTOR, 2, 1);
    ck_assert_uint_eq(driver_read(&driver, QUEUE_VECTOR, 2), 1);
    driver_write(&driver, QUEUE_VECTOR, 2, 0xffff);
    ck_assert_uint_eq(driver_read(&driver, QUEUE_VECTOR, 2), 0xffff);
    driver_write(&driver, QUEUE_VECTOR, 2, 2);
    driver_write(&driver, QUEUE_VECTOR, 2, 0x800);
    ck_assert_uint_eq(driver_read(&driver, QUEUE_VECTOR, 2), 0xffff);
    driver_write(&driver, QUEUE_VECTOR, 2, 2);
    driver_write(&driver, STATUS, 1, 0); /* all unmapped */
    ck_assert_uint_eq(driver_read(&driver, QUEUE_VECTOR, 2), 0xffff);
}
END_TEST

START_TEST(frozen_queue)
{
    driver_negotiate(&driver, F_VERSION_1);
    driver_set_queue(&driver, 0, 16);
    ck_assert_uint_eq(driver_read(&driver, QUEUE_ENABLE, 2), 1);
    driver_write(&driver, QUEUE_SIZE, 2, 8);
    driver_write(&driver, QUEUE_DESC, 4, 0);
    driver_write(&driver, QUEUE_DRIVER, 4, 0);
    driver_write(&driver, QUEUE_DEVICE, 4, 0);
    driver_write(&driver, QUEUE_ENABLE, 2, 0);
    ck_assert_uint_eq(driver_read(&driver, QUEUE_SIZE, 2), 16);
    ck_assert_uint_eq(driver_read(&driver, QUEUE_DESC, 4), DESC_AREA(0));
    ck_assert_uint_eq(driver_read(&driver, QUEUE_DRIVER, 4), DRIVER_AREA(0));
    ck_assert_uint_eq(driver_read(&driver, QUEUE_DEVICE, 4), DEVICE_AREA(0));
    ck_assert_uint_eq(driver_read(&driver, QUEUE_ENABLE, 2), 1);
    driver_write(&driver, QUEUE_VECTOR, 2, 2); /* some drivers come with it late, but before DRIVER_OK */
    ck_assert_uint_eq(driver_read(&driver, QUEUE_VECTOR, 2), 2);
    driver_write(&driver, STATUS, 1, 0xf);
    driver_write(&driver, QUEUE_VECTOR, 2, 0); /* and some while the queue runs, which they may */
    ck_assert_uint_eq(driver_read(&driver, QUEUE_VECTOR, 2), 0);
}
END_TEST

START_TEST(enable_too_early)
{
    driver_set_queue(&driver, 0, 16);
    ck_assert_uint_eq(driver_read(&driver, QUEUE_ENABLE, 2), 0);
    ck_assert_uint_eq(fake->windows, 0);
}
END_TEST

/* Addresses that a queue cannot have: misaligned areas, the end of memory, beyond it, wrapping. */
START_TEST(enable_bad_address)
{
    static const struct {
        uint32_t offset, low, high;
    } bad[] = {
        {QUEUE_DESC, 0x10008, 0},
        {QUEUE_DRIVER, 0x10001, 0},
        {QUEUE_DEVICE, 0x10002, 0},
        {QUEUE_DESC, FAKE_RAM, 0},
        {QUEUE_DRIVER, FAKE_RAM - 2, 0},
        {QUEUE_DEVICE, 0, 1},
        {QUEUE_DESC, 0xfffffff0, 0xffffffff},
    };

    driver_negotiate(&driver, F_VERSION_1);
    driver_select(&driver, 0);
    driver_write(&driver, QUEUE_DESC, 4, DESC_AREA(0));
    driver_write(&driver, QUEUE_DRIVER, 4, DRIVER_AREA(0));
    driver_write(&driver, QUEUE_DEVICE, 4, DEVICE_AREA(0));
    driver_write(&driver, bad[_i].offset, 4, bad[_i].low);
    driver_write(&driver, bad[_i].offset + 4, 4, bad[_i].high);
    driver_write(&driver, QUEUE_ENABLE, 2, 1);
    fake_pump(fake);
    ck_assert_uint_eq(driver_read(&driver, QUEUE_ENABLE, 2), 0);
    ck_assert_uint_eq(driver_status(&driver), 0x4b);
    ck_assert_uint_eq(fake->windows, 0);
    ck_assert_uint_eq(fake->msix[0], 0); /* before DRIVER_OK nothing is notified */
    driver_write(&driver, STATUS, 1, 0xf);
    ck_assert_uint_eq(driver_status(&driver), 0x4b);
}
END_TEST

START_TEST(generation)
{
    uint8_t before = (uint8_t)driver_read(&driver, GENERATION, 1);

    driver_read(&driver, CONFIG, 4);
    ck_assert_uint_eq(driver_read(&driver, GENERATION, 1), before);
    /* However often it changes unseen, it moves once, when the driver reads. */
    for (unsigned i = 0; i < 256; i++) {
        probe->config[0] = (uint8_t)(i + 1);
        ioreqd_virtio_config_changed(&probe->virtio);
    }
    ck_assert_uint_eq(driver_read(&driver, GENERATION, 1), before);
    driver_read(&driver, CONFIG + 4, 1);
    ck_assert_uint_ne(driver_read(&driver, GENERATION, 1), before);
    before = (uint8_t)driver_read(&driver, GENERATION, 1);
    driver_read(&driver, CONFIG, 4);
    ck_assert_uint_eq(driver_read(&driver, GENERATION, 1), before);
}
END_TEST

START_TEST(device_configuration)
{
    static const uint8_t bytes[8] = {1, 2, 3, 4, 5, 6, 7, 8};

    memcpy(probe->config, bytes, sizeof(bytes));
    ck_assert_uint_eq(driver_read(&driver, CONFIG, 1), 1);
    ck_assert_uint_eq(driver_read(&driver, CONFIG + 2, 2), 0x0403);
    ck_assert_uint_eq(driver_read(&driver, CONFIG + 4, 4), 0x08070605);
    ck_assert_uint_eq(driver_read(&driver, CONFIG + 8, 4), 0);
    ck_assert_uint_eq(driver_read(&driver, CONFIG + 0xffc, 4), 0);
    driver_write(&driver, CONFIG + 4, 2, 0xabcd);
    ck_assert_uint_eq(driver_read(&driver, CONFIG + 4, 4), 0x0807abcd);
    driver_write(&driver, CONFIG + 8, 4, 1); /* outside */
}
END_TEST

START_TEST(config_interrupt)
{
    ioreqd_virtio_config_changed(&probe->virtio);
    ck_assert_uint_eq(fake->msix[0], 0); /* not before DRIVER_OK */
    driver_start(&driver, F_VERSION_1, 1, 16);
    ioreqd_virtio_config_changed(&probe->virtio);
    ck_assert_uint_eq(fake->msix[0], 1);
    ck_assert_uint_eq(driver_read(&driver, ISR, 1), 2); /* set under MSI-X too (virtio 1.4 §4.1.4.5.1) */
    driver_write(&driver, CONFIG_VECTOR, 2, 0xffff);
    ioreqd_virtio_config_changed(&probe->virtio);
    ck_assert_uint_eq(fake->msix[0], 1);
}
END_TEST

START_TEST(isr_and_line)
{
    const struct part part = {0x8000, 16, WRITE};

    fake->msix_on = false;
    probe->instant = true;
    driver_start(&driver, F_VERSION_1, 1, 16);
    ck_assert_int_eq(fake->intx, 0);
    driver_add(&driver, 0, &part, 1);
    driver_kick(&driver, 0);
    ck_assert_int_eq(fake->intx, 1);
    ioreqd_virtio_config_changed(&probe->virtio);
    ck_assert_uint_eq(driver_read(&driver, ISR, 1), 3);
    ck_assert_int_eq(fake->intx, 0);
    ck_assert_uint_eq(driver_read(&driver, ISR, 1), 0);
    ioreqd_virtio_config_changed(&probe->virtio);
    ck_assert_int_eq(fake->intx, 1);
    driver_write(&driver, ISR, 1, 0); /* read-only */
    ck_assert_int_eq(fake->intx, 1);
    driver_write(&driver, STATUS, 1, 0);
    ck_assert_int_eq(fake->intx, 0);
    ck_assert_uint_eq(driver_read(&driver, ISR, 1), 0);
}
END_TEST

/* ------------------------------------------------------------------------------------------------------------------
 * The PCI configuration access capability
 */

static void access_set(uint8_t bar, uint32_t offset, uint32_t length)
{
    driver.model->config_write(fake_device(fake), probe, 4, 4, 1, bar);
    driver.model->config_write(fake_device(fake), probe, 4, 8, 4, offset);
    driver.model->config_write(fake_device(fake), probe, 4, 12, 4, length);
}

static uint32_t access_read(void)
{
    return driver.model->config_read(fake_device(fake), probe, 4, 16, 4, 0);
}

static void access_write(uint32_t value)
{
    driver.model->config_write(fake_device(fake), probe, 4, 16, 4, value);
}

START_TEST(access_registers)
{
    access_set(4, NUM_QUEUES, 2);
    ck_assert_uint_eq(access_read() & 0xffff, 2);
    access_set(4, STATUS, 1);
    access_write(1);
    ck_assert_uint_eq(driver_status(&driver), 1);
    ck_assert_uint_eq(access_read() & 0xff, 1);
    access_set(4, CONFIG + 4, 4);
    access_write(0x11223344);
    ck_assert_uint_eq(driver_read(&driver, CONFIG + 4, 4), 0x11223344);
    ck_assert_uint_eq(driver.model->config_read(fake_device(fake), probe, 4, 17, 1, 0), 0x33);
    /* The other members read as the host has them. */
    ck_assert_uint_eq(driver.model->config_read(fake_device(fake), probe, 4, 8, 4, 77), 77);
    /* Piecewise, as firmware may write them. */
    driver.model->config_write(fake_device(fake), probe, 4, 12, 1, 2);
    driver.model->config_write(fake_device(fake), probe, 4, 8, 2, NUM_QUEUES);
    ck_assert_uint_eq(access_read() & 0xffff, 2);
}
END_TEST

START_TEST(access_out_of_range)
{
    static const struct {
        uint8_t bar;
        uint32_t offset, length;
    } bad[] = {
        {0, STATUS, 1},     {1, 0, 4},      {5, STATUS, 1},     {4, STATUS, 0},     {4, STATUS, 3},
        {4, STATUS, 8},     {4, 0x4000, 1}, {4, 0x3ffe, 4},     {4, 17, 2},         {4, 2, 4},
        {4, 0xffffffff, 1}, {255, 0, 4},    {4, 0xfffffffc, 4}, {4, 0, 0xffffffff},
    };
    struct ioreqd_virtio_registers before;

    driver_start(&driver, F_VERSION_1, 1, 16);
    ioreqd_virtio_config_changed(&probe->virtio);
    access_set(bad[_i].bar, bad[_i].offset, bad[_i].length);
    before = probe->virtio.registers;
    ck_assert_uint_eq(access_read(), 0xffffffff);
    access_write(0);
    fake_pump(fake);
    memcpy(before.config_access, probe->virtio.registers.config_access, sizeof(before.config_access));
    ck_assert_mem_eq(&before, &probe->virtio.registers, sizeof(before));
}
END_TEST

START_TEST(access_doorbell)
{
    const struct part part = {0x8000, 16, WRITE};

    driver_start(&driver, F_VERSION_1, 2, 16);
    driver_add(&driver, 1, &part, 1);
    access_set(4, NOTIFY + 4, 2);
    access_write(1);
    fake_pump(fake);
    ck_assert_uint_eq(probe->count, 1);
    ck_assert_uint_eq(ioreqd_virtio_queue_index(probe->last), 1);
    driver_add(&driver, 1, &part, 1);
    access_set(4, NOTIFY + 4, 1); /* too short */
    access_write(1);
    access_set(4, NOTIFY + 6, 2); /* between two */
    access_write(1);
    access_set(4, NOTIFY + 8, 2); /* no such queue */
    access_write(1);
    fake_pump(fake);
    ck_assert_uint_eq(probe->count, 1);
    ck_assert_uint_eq(access_read() & 0xffff, 0);
    driver_write(&driver, NOTIFY + 4, 4, 1);
    fake_pump(fake);
    ck_assert_uint_eq(probe->count, 2);
    probe_complete(0, 0);
    probe_complete(0, 0);
    fake_pump(fake);
}
END_TEST

TCase *registers_cases(void)
{
    TCase *cases = tcase_create("registers");

    tcase_add_checked_fixture(cases, probe_begin, probe_end);
    tcase_add_test(cases, description);
    tcase_add_test(cases, saved_fields);
    tcase_add_test(cases, offered_features);
    tcase_add_test(cases, accepted_features);
    tcase_add_test(cases, refused_features);
    tcase_add_test(cases, refused_extended_feature);
    tcase_add_test(cases, legacy_driver);
    tcase_add_test(cases, status_order);
    tcase_add_test(cases, status_at_once);
    tcase_add_test(cases, widths);
    tcase_add_test(cases, queue_registers);
    tcase_add_test(cases, queue_select_out_of_range);
    tcase_add_test(cases, vectors);
    tcase_add_test(cases, frozen_queue);
    tcase_add_test(cases, enable_too_early);
    tcase_add_loop_test(cases, enable_bad_address, 0, 7);
    tcase_add_test(cases, generation);
    tcase_add_test(cases, device_configuration);
    tcase_add_test(cases, config_interrupt);
    tcase_add_test(cases, isr_and_line);
    tcase_add_test(cases, access_registers);
    tcase_add_loop_test(cases, access_out_of_range, 0, 14);
    tcase_add_test(cases, access_doorbell);
    return cases;
}
