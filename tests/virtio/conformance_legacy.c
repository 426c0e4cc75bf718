/* SPDX-License-Identifier: BSD-2-Clause */
/* A transitional device and its legacy interface: virtio 1.4 §2.2.3, §2.7.2, §3.1.2, §4.1.2.3, §4.1.4.10, §6.3. */
#include <errno.h>
#include <string.h>

#include "tests/virtio/suites.h"

enum legacy {
    L_DEVICE_FEATURES = 0,
    L_DRIVER_FEATURES = 4,
    L_ADDRESS = 8,
    L_SIZE = 12,
    L_SELECT = 14,
    L_NOTIFY = 16,
    L_STATUS = 18,
    L_ISR = 19,
    L_CONFIG_VECTOR = 20,
    L_QUEUE_VECTOR = 22
};

#define F_ANY_LAYOUT (1u << 27)

/* Where queue q lies: descriptors, available ring, and used ring on the next page. */
#define PAGE(q)      (0x10u + 0x10u * (q))
#define AVAILABLE(q) (PAGE(q) * 4096u + 16u * PROBE_SIZE)
#define USED(q)      (PAGE(q) * 4096u + 4096u)

static uint32_t in(uint32_t offset, unsigned size)
{
    return (uint32_t)driver.model->read(fake_device(fake), probe, 0, offset, size);
}

static void out(uint32_t offset, unsigned size, uint32_t value)
{
    driver.model->write(fake_device(fake), probe, 0, offset, size, value);
}

static void set_queue(unsigned queue)
{
    memset(fake->ram + PAGE(queue) * 4096u, 0, 0x2000);
    driver.queue[queue].available = 0;
    out(L_SELECT, 2, queue);
    out(L_ADDRESS, 4, PAGE(queue));
}

/* One buffer of one descriptor, made available; its id is its place in the ring. */
static void add(unsigned queue)
{
    uint16_t index = driver.queue[queue].available++;
    uint16_t slot = index % PROBE_SIZE;
    const struct {
        uint64_t address;
        uint32_t length;
        uint16_t flags, next;
    } descriptor = {0x8000, 16, WRITE, 0};

    memcpy(fake->ram + PAGE(queue) * 4096u + 16u * slot, &descriptor, 16);
    driver_set16(&driver, AVAILABLE(queue) + 4 + 2u * slot, slot);
    driver_set16(&driver, AVAILABLE(queue) + 2, driver.queue[queue].available);
}

static void notify(unsigned queue)
{
    out(L_NOTIFY, 2, queue);
    fake_pump(fake);
}

static uint16_t used(unsigned queue)
{
    return driver_get16(&driver, USED(queue) + 2);
}

static void finish_all(void)
{
    while (probe->count != 0) {
        probe_complete(0, 7);
    }
    fake_pump(fake);
}

/* As Linux does. */
static void start(uint32_t features)
{
    out(L_STATUS, 1, 0);
    out(L_STATUS, 1, 1);
    out(L_STATUS, 1, 3);
    out(L_DRIVER_FEATURES, 4, features);
    for (unsigned i = 0; i < 2; i++) {
        set_queue(i);
        out(L_QUEUE_VECTOR, 2, i + 1);
    }
    out(L_STATUS, 1, 7);
    fake_pump(fake);
}

/* ------------------------------------------------------------------------------------------------------------------
 * What PCI sees
 */

START_TEST(clause_4_1_2_3_ids)
{
    const struct ioreqd_description *d = &driver.description;

    ck_assert_uint_eq(d->vendor, 0x1af4);
    ck_assert_uint_eq(d->device, 0x1005);
    ck_assert_uint_eq(d->revision, 0);
    ck_assert_uint_eq(d->subsystem, 4);
    ck_assert_uint_eq(d->bar[0].kind, IOREQD_BAR_IO);
    ck_assert_uint_eq(d->bar[0].size, 32);
    ck_assert_uint_eq(d->capabilities, 5); /* the modern interface is there too */
}
END_TEST

static const struct {
    uint16_t type, id;
} ids[] = {{1, 0x1000}, {2, 0x1001}, {3, 0x1003}, {4, 0x1005}, {5, 0x1002}, {8, 0x1004}, {9, 0x1009}, {19, 0}, {0, 0}};

START_TEST(clause_4_1_2_1_transitional_ids)
{
    struct ioreqd_description changed = *probe_old_model.description;
    struct ioreqd_virtio virtio = {.transitional = 1};
    struct ioreqd_virtio_options options = {.queues = 2,
                                            .queue_size = 4,
                                            .config = probe->config,
                                            .config_length = 8,
                                            .ready = probe_ready,
                                            .description = &changed};
    int error;

    changed.device = (uint16_t)(0x1040 + ids[_i].type);
    error = ioreqd_virtio_create(&virtio, &fake_host, fake_device(fake), &options);
    if (ids[_i].id == 0) { /* types that are younger than the legacy interface */
        ck_assert_int_eq(error, -EINVAL);
        ck_assert_uint_eq(fake->property_errors, 1);
        return;
    }
    ck_assert_int_eq(error, 0);
    ck_assert_uint_eq(changed.device, ids[_i].id);
    ck_assert_uint_eq(changed.subsystem, ids[_i].type);
    ioreqd_virtio_destroy(&virtio);
}
END_TEST

START_TEST(off_by_default)
{
    probe_end();
    probe_old_begin();
    ck_assert_uint_eq(driver.description.device, 0x1044);
    ck_assert_uint_eq(driver.description.bar[0].kind, IOREQD_BAR_NONE);
    ck_assert_uint_eq(in(L_STATUS, 1), UINT32_MAX);
    out(L_STATUS, 1, 1);
    ck_assert_uint_eq(driver_status(&driver), 0);
}
END_TEST

/* ------------------------------------------------------------------------------------------------------------------
 * Registers
 */

START_TEST(clause_4_1_4_10_header)
{
    ck_assert_uint_eq(in(L_SIZE, 2), PROBE_SIZE);
    out(L_SIZE, 2, 16); /* read-only */
    ck_assert_uint_eq(in(L_SIZE, 2), PROBE_SIZE);
    out(L_SELECT, 2, 2);
    ck_assert_uint_eq(in(L_SELECT, 2), 2);
    ck_assert_uint_eq(in(L_SIZE, 2), 0);
    out(L_ADDRESS, 4, 0x10);
    ck_assert_uint_eq(in(L_ADDRESS, 4), 0);
    out(L_SELECT, 2, 1);
    out(L_ADDRESS, 4, 0x10);
    ck_assert_uint_eq(in(L_ADDRESS, 4), 0x10);
    ck_assert_uint_eq(in(L_NOTIFY, 2), 0);
    ck_assert_uint_eq(in(L_STATUS, 1), 0);
    ck_assert_uint_eq(in(L_ISR, 1), 0);
    ck_assert_uint_eq(in(L_CONFIG_VECTOR, 2), 0xffff);
    ck_assert_uint_eq(in(L_QUEUE_VECTOR, 2), 0xffff);
    ck_assert_uint_eq(fake->guest_errors, 0);
    ck_assert_uint_eq(in(L_SIZE, 4), 0); /* two registers at once */
    ck_assert_uint_eq(in(L_STATUS + 1, 2), 0);
    ck_assert_uint_eq(fake->guest_errors, 2);
}
END_TEST

/* The device configuration moves with MSI-X, and may be read and written in any width. */
START_TEST(clause_4_1_4_10_device_configuration)
{
    static const uint8_t bytes[8] = {1, 2, 3, 4, 5, 6, 7, 8};

    memcpy(probe->config, bytes, 8);
    for (unsigned on = 0; on < 2; on++) {
        uint32_t at = on ? 24 : 20;

        fake->msix_on = on;
        for (unsigned size = 1; size <= 4; size *= 2) {
            for (unsigned i = 0; i < 8; i += size) {
                uint32_t value = in(at + i, size);

                ck_assert_mem_eq(&value, bytes + i, size);
            }
        }
        ck_assert_uint_eq(in(at + 8, 1), 0);
    }
    fake->msix_on = false;
    out(20, 4, 0x0d0c0b0a); /* no vectors here */
    ck_assert_uint_eq(probe->config[0], 0x0a);
    out(24, 2, 0x1110);
    out(26, 1, 0x12);
    ck_assert_mem_eq(probe->config, "\x0a\x0b\x0c\x0d\x10\x11\x12\x08", 8);
    ck_assert_uint_eq(in(28, 4), 0);
    ck_assert(ioreqd_virtio_is_legacy(&probe->virtio));
}
END_TEST

START_TEST(clause_6_3_offer)
{
    uint32_t offered = in(L_DEVICE_FEATURES, 4);

    ck_assert_uint_eq(offered & F_ANY_LAYOUT, F_ANY_LAYOUT);
    ck_assert_uint_eq(offered & 0x00ffffff, 0x10003f);
    ck_assert_uint_eq(offered & (F_INDIRECT | F_EVENT_IDX), F_INDIRECT | F_EVENT_IDX);
    ck_assert_uint_eq(offered & (1u << 24 | 1u << 30), 0);
    /* Legacy bits are not offered to modern drivers. */
    ck_assert_uint_eq(driver_offered(&driver) & (F_ANY_LAYOUT | 1u << 20), 0);
}
END_TEST

/* There is no refusing: the driver gets what it asked for, as far as it can be had. */
START_TEST(clause_2_2_3_accepted)
{
    static const struct {
        uint32_t asked, got;
    } choice[] = {
        {0x10003f, 0x10003f}, {0x02, 0x00}, {0x28, 0x00}, {0x2a, 0x00}, {0x2c, 0x2c}, {0x40, 0x00}, {0x80000001, 1},
    };

    for (unsigned i = 0; i < sizeof(choice) / sizeof(choice[0]); i++) {
        out(L_DRIVER_FEATURES, 4, choice[i].asked);
        ck_assert_uint_eq(in(L_DRIVER_FEATURES, 4), choice[i].got);
    }
    ck_assert_uint_eq(fake->guest_errors, 5);
    ck_assert(ioreqd_virtio_negotiated(&probe->virtio, 0));
    for (unsigned bit = 32; bit < 128; bit++) {
        ck_assert(!ioreqd_virtio_negotiated(&probe->virtio, bit));
    }
    ck_assert(ioreqd_virtio_is_legacy(&probe->virtio));
}
END_TEST

START_TEST(clause_2_1_legacy_status)
{
    static const uint8_t order[] = {1, 3, 7, 0x87};

    for (unsigned i = 0; i < sizeof(order); i++) {
        out(L_STATUS, 1, order[i]);
        ck_assert_uint_eq(in(L_STATUS, 1), order[i]);
    }
    ck_assert_uint_eq(fake->guest_errors, 0);
    out(L_STATUS, 1, 0x8f); /* no FEATURES_OK */
    ck_assert_uint_eq(in(L_STATUS, 1), 0x87);
    ck_assert_uint_eq(fake->guest_errors, 1);
    out(L_STATUS, 1, 0);
    ck_assert_uint_eq(in(L_STATUS, 1), 0);
    out(L_STATUS, 1, 7); /* all at once, by firmware */
    ck_assert_uint_eq(in(L_STATUS, 1), 7);
}
END_TEST

/* ------------------------------------------------------------------------------------------------------------------
 * Queues
 */

START_TEST(clause_2_7_2_layout)
{
    start(0);
    ck_assert_uint_eq(probe->virtio.registers.queue_driver[1], AVAILABLE(1));
    ck_assert_uint_eq(probe->virtio.registers.queue_device[1], USED(1));
    for (unsigned i = 0; i < 3 * PROBE_SIZE; i++) {
        add(1);
        notify(1);
        finish_all();
    }
    ck_assert_uint_eq(used(1), 3 * PROBE_SIZE);
    ck_assert_uint_eq(driver_get16(&driver, USED(1) + 4 + 8 * (PROBE_SIZE - 1)), PROBE_SIZE - 1);
    ck_assert_uint_eq(fake->ram[USED(1) + 8 + 8 * (PROBE_SIZE - 1)], 7);
    ck_assert_uint_eq(fake->msix[2], 3 * PROBE_SIZE);
    ck_assert_uint_eq(used(0), 0);
}
END_TEST

/* The used ring is the page after the available ring, however far into a page that reaches. */
START_TEST(clause_2_7_2_alignment)
{
    static const struct {
        uint16_t size;
        uint32_t used;
    } layouts[] = {{1, 0x1000}, {16, 0x1000}, {128, 0x1000}, {256, 0x2000}, {1024, 0x5000}};
    struct ioreqd_virtio virtio = {.transitional = 1};
    struct ioreqd_description changed = *probe_old_model.description;
    const struct ioreqd_virtio_options options = {
        .queues = 2, .queue_size = layouts[_i].size, .ready = probe_ready, .description = &changed};

    ck_assert_int_eq(ioreqd_virtio_create(&virtio, &fake_host, fake_device(fake), &options), 0);
    ioreqd_virtio_register_write(fake_device(fake), &virtio, 0, L_ADDRESS, 4, 0x20);
    ck_assert_uint_eq(virtio.registers.queue_descriptor[0], 0x20000);
    ck_assert_uint_eq(virtio.registers.queue_driver[0], 0x20000 + 16u * layouts[_i].size);
    ck_assert_uint_eq(virtio.registers.queue_device[0], 0x20000 + layouts[_i].used);
    ioreqd_virtio_destroy(&virtio);
}
END_TEST

/* Before DRIVER_OK, before any status, before the features: a notification is enough. */
START_TEST(clause_3_1_2_before_driver_ok)
{
    set_queue(0);
    add(0);
    fake_pump(fake);
    /* Not even a pause or bus mastering has it looked at. */
    driver.model->quiesce(fake_device(fake), probe);
    driver.model->resume(fake_device(fake), probe);
    driver.model->bus_master(fake_device(fake), probe, 1);
    fake_pump(fake);
    ck_assert_uint_eq(fake->quiesced, 1);
    ck_assert_uint_eq(probe->readies, 0);
    ck_assert_uint_eq(fake->windows, 0);
    out(L_DRIVER_FEATURES, 4, 1);
    out(L_QUEUE_VECTOR, 2, 1);
    notify(0);
    ck_assert_uint_eq(probe->count, 1);
    finish_all();
    ck_assert_uint_eq(used(0), 1);
    ck_assert_uint_eq(fake->msix[1], 1);
    /* Now that it is used the features are settled. */
    out(L_DRIVER_FEATURES, 4, 5);
    ck_assert_uint_eq(in(L_DRIVER_FEATURES, 4), 1);
    /* And it may come to rest and go on. */
    driver.model->quiesce(fake_device(fake), probe);
    ck_assert_uint_eq(fake->quiesced, 2);
    add(0);
    driver.model->resume(fake_device(fake), probe);
    fake_pump(fake);
    ck_assert_uint_eq(probe->count, 1);
    finish_all();
    out(L_STATUS, 1, 7);
    add(0);
    notify(0);
    finish_all();
    ck_assert_uint_eq(used(0), 3);
}
END_TEST

/* What was filled before DRIVER_OK, or given an address after it, is found without a notification. */
START_TEST(clause_3_1_2_driver_ok_starts)
{
    set_queue(0);
    add(0);
    out(L_STATUS, 1, 7);
    fake_pump(fake);
    ck_assert_uint_eq(probe->count, 1);
    memset(fake->ram + PAGE(1) * 4096u, 0, 0x2000);
    add(1);
    out(L_SELECT, 2, 1);
    out(L_ADDRESS, 4, PAGE(1));
    fake_pump(fake);
    ck_assert_uint_eq(probe->count, 2);
    finish_all();
    ck_assert_uint_eq(used(0) + used(1), 2);
}
END_TEST

/* Some old drivers never turn bus mastering on themselves, and firmware may be late with it. */
START_TEST(used_without_bus_mastering)
{
    fake->no_bus_master = true;
    start(0);
    add(0);
    notify(0);
    ck_assert_uint_eq(in(L_STATUS, 1), 7);
    ck_assert_uint_eq(fake->guest_errors, 0);
    fake->no_bus_master = false;
    driver.model->bus_master(fake_device(fake), probe, 1);
    fake_pump(fake);
    ck_assert_uint_eq(probe->count, 1);
    finish_all();
    ck_assert_uint_eq(used(0), 1);
}
END_TEST

START_TEST(notify_of_nothing)
{
    notify(0); /* no address */
    notify(2);
    notify(0xffff);
    ck_assert_uint_eq(probe->readies, 0);
    ck_assert_uint_eq(fake->windows, 0);
}
END_TEST

/* An address of 0 takes the queue out of use, once nothing of it is in flight. */
START_TEST(address_0)
{
    start(0);
    add(0);
    notify(0);
    out(L_SELECT, 2, 0);
    out(L_ADDRESS, 4, 0x30); /* in use: ignored */
    ck_assert_uint_eq(in(L_ADDRESS, 4), PAGE(0));
    out(L_ADDRESS, 4, 0);
    fake_pump(fake);
    ck_assert_uint_eq(in(L_ADDRESS, 4), PAGE(0));
    notify(0);
    out(L_ADDRESS, 4, 0);
    finish_all();
    ck_assert_uint_eq(in(L_ADDRESS, 4), 0);
    ck_assert_uint_eq(used(0), 0);
    ck_assert_uint_eq(fake->msix[1], 0);
    /* The other one runs on, and this one again. */
    add(1);
    notify(1);
    set_queue(0);
    add(0);
    notify(0);
    finish_all();
    ck_assert_uint_eq(used(0), 1);
    ck_assert_uint_eq(used(1), 1);
}
END_TEST

START_TEST(bad_address)
{
    static const uint32_t pages[] = {FAKE_RAM / 4096, FAKE_RAM / 4096 - 1, 0xffffffff};
    unsigned accesses;

    out(L_STATUS, 1, 3);
    out(L_ADDRESS, 4, pages[_i]);
    ck_assert_uint_eq(in(L_ADDRESS, 4), pages[_i]);
    notify(0);
    ck_assert_uint_eq(in(L_STATUS, 1), 0x43);
    ck_assert_uint_eq(fake->windows, 0);
    accesses = fake->accesses;
    notify(0);
    out(L_STATUS, 1, 7);
    ck_assert_uint_eq(fake->accesses, accesses); /* not tried again before the reset */
    out(L_STATUS, 1, 0);
    ck_assert_uint_eq(in(L_ADDRESS, 4), 0);
    start(0);
    add(0);
    notify(0);
    finish_all();
    ck_assert_uint_eq(used(0), 1);
}
END_TEST

START_TEST(legacy_reset_in_flight)
{
    start(0);
    add(0);
    notify(0);
    out(L_STATUS, 1, 0);
    fake_pump(fake);
    ck_assert_uint_ne(in(L_STATUS, 1), 0);
    out(L_STATUS, 1, 1); /* too early */
    finish_all();
    ck_assert_uint_eq(in(L_STATUS, 1), 0);
    ck_assert_uint_eq(in(L_DRIVER_FEATURES, 4), 0);
    ck_assert_uint_eq(in(L_QUEUE_VECTOR, 2), 0xffff);
    ck_assert_uint_eq(used(0), 0);
    ck_assert_uint_eq(fake->windows, 0);
    start(0);
    add(0);
    notify(0);
    finish_all();
    ck_assert_uint_eq(used(0), 1);
}
END_TEST

START_TEST(legacy_reset_of_the_function)
{
    start(0);
    add(0);
    notify(0);
    driver.model->quiesce(fake_device(fake), probe);
    finish_all();
    driver.model->reset(fake_device(fake), probe, IOREQD_RESET_FUNCTION);
    ck_assert_uint_eq(in(L_STATUS, 1), 0);
    ck_assert_uint_eq(in(L_ADDRESS, 4), 0);
    ck_assert(!ioreqd_virtio_is_legacy(&probe->virtio));
    driver.model->resume(fake_device(fake), probe);
    start(0);
    add(0);
    notify(0);
    ck_assert_uint_eq(probe->count, 1);
    finish_all();
}
END_TEST

START_TEST(legacy_interrupts)
{
    fake->msix_on = false;
    start(0);
    add(0);
    notify(0);
    finish_all();
    ck_assert_int_eq(fake->intx, 1);
    ioreqd_virtio_config_changed(&probe->virtio);
    ck_assert_uint_eq(in(L_ISR, 1), 3);
    ck_assert_int_eq(fake->intx, 0);
    ck_assert_uint_eq(in(L_ISR, 1), 0);
    fake->msix_on = true;
    out(L_CONFIG_VECTOR, 2, 2);
    ck_assert_uint_eq(in(L_CONFIG_VECTOR, 2), 2);
    ioreqd_virtio_config_changed(&probe->virtio);
    ck_assert_uint_eq(fake->msix[2], 1);
    out(L_SELECT, 2, 0);
    out(L_QUEUE_VECTOR, 2, 3); /* beyond the table */
    ck_assert_uint_eq(in(L_QUEUE_VECTOR, 2), 0xffff);
    add(0);
    notify(0);
    finish_all();
    ck_assert_uint_eq(used(0), 2);
    ck_assert_uint_eq(fake->msix[0] + fake->msix[1] + fake->msix[3], 0);
}
END_TEST

/* ------------------------------------------------------------------------------------------------------------------
 * Two interfaces of one device
 */

START_TEST(clause_2_2_3_modern_driver)
{
    const struct part part = {0x8000, 16, WRITE};
    unsigned errors;

    driver_start(&driver, F_VERSION_1 | 1, 2, 16);
    ck_assert_uint_eq(driver_status(&driver), 0xf);
    ck_assert(!ioreqd_virtio_is_legacy(&probe->virtio));
    ck_assert_uint_eq(in(L_STATUS, 1), 0xf);
    errors = fake->guest_errors;
    out(L_STATUS, 1, 0x8f);
    out(L_DRIVER_FEATURES, 4, 0);
    out(L_NOTIFY, 2, 0);
    out(L_CONFIG_VECTOR, 2, 1);
    out(24, 1, 0xee);
    ck_assert_uint_eq(fake->guest_errors, errors + 5);
    ck_assert_uint_eq(driver_status(&driver), 0xf);
    ck_assert_uint_eq(probe->config[0], 0);
    driver_add(&driver, 0, &part, 1);
    driver_kick(&driver, 0);
    finish_all();
    ck_assert_uint_eq(driver_used_index(&driver, 0), 1);
    out(L_STATUS, 1, 0); /* a reset ends it, by either */
    ck_assert_uint_eq(driver_status(&driver), 0);
    start(0);
    ck_assert(ioreqd_virtio_is_legacy(&probe->virtio));
}
END_TEST

START_TEST(clause_2_2_3_legacy_driver)
{
    unsigned errors;

    start(1);
    errors = fake->guest_errors;
    driver_write(&driver, STATUS, 1, 0xf);
    driver_write(&driver, DRIVER_FEATURE_SELECT, 4, 1);
    driver_write(&driver, DRIVER_FEATURE, 4, 1);
    driver_select(&driver, 1);
    driver_write(&driver, QUEUE_RESET, 2, 1);
    driver_write(&driver, CONFIG, 1, 0xee);
    ck_assert_uint_eq(fake->guest_errors, errors + 6);
    ck_assert_uint_eq(in(L_STATUS, 1), 7);
    ck_assert_uint_eq(probe->config[0], 0);
    ck_assert(!ioreqd_virtio_negotiated(&probe->virtio, IOREQD_VIRTIO_F_VERSION_1));
    driver_write(&driver, STATUS, 1, 0);
    ck_assert_uint_eq(in(L_STATUS, 1), 0);
    driver_start(&driver, F_VERSION_1, 1, 16);
    ck_assert_uint_eq(driver_status(&driver), 0xf);
}
END_TEST

/* A driver that uses the modern registers without VERSION_1 is refused here as by any modern device. */
START_TEST(clause_2_2_3_modern_without_version_1)
{
    driver_negotiate(&driver, 1);
    ck_assert_uint_eq(driver_status(&driver), 3);
}
END_TEST

/* The legacy interface is no virtio structure: configuration space does not lead there (§4.1.4.9.2). */
START_TEST(no_access_by_configuration_space)
{
    driver.model->config_write(fake_device(fake), probe, 4, 4, 1, 0);
    driver.model->config_write(fake_device(fake), probe, 4, 8, 4, L_STATUS);
    driver.model->config_write(fake_device(fake), probe, 4, 12, 4, 1);
    driver.model->config_write(fake_device(fake), probe, 4, 16, 4, 1);
    ck_assert_uint_eq(in(L_STATUS, 1), 0);
}
END_TEST

TCase *conformance_legacy_cases(void)
{
    TCase *cases = tcase_create("legacy");

    tcase_add_checked_fixture(cases, probe_transitional_begin, probe_end);
    tcase_add_test(cases, clause_4_1_2_3_ids);
    tcase_add_loop_test(cases, clause_4_1_2_1_transitional_ids, 0, (int)(sizeof(ids) / sizeof(ids[0])));
    tcase_add_test(cases, off_by_default);
    tcase_add_test(cases, clause_4_1_4_10_header);
    tcase_add_test(cases, clause_4_1_4_10_device_configuration);
    tcase_add_test(cases, clause_6_3_offer);
    tcase_add_test(cases, clause_2_2_3_accepted);
    tcase_add_test(cases, clause_2_1_legacy_status);
    tcase_add_test(cases, clause_2_7_2_layout);
    tcase_add_loop_test(cases, clause_2_7_2_alignment, 0, 5);
    tcase_add_test(cases, clause_3_1_2_before_driver_ok);
    tcase_add_test(cases, clause_3_1_2_driver_ok_starts);
    tcase_add_test(cases, used_without_bus_mastering);
    tcase_add_test(cases, notify_of_nothing);
    tcase_add_test(cases, address_0);
    tcase_add_loop_test(cases, bad_address, 0, 3);
    tcase_add_test(cases, legacy_reset_in_flight);
    tcase_add_test(cases, legacy_reset_of_the_function);
    tcase_add_test(cases, legacy_interrupts);
    tcase_add_test(cases, clause_2_2_3_modern_driver);
    tcase_add_test(cases, clause_2_2_3_legacy_driver);
    tcase_add_test(cases, clause_2_2_3_modern_without_version_1);
    tcase_add_test(cases, no_access_by_configuration_space);
    return cases;
}
