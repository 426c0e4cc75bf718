/* SPDX-License-Identifier: BSD-2-Clause */
/* The PCI transport's discovery, capabilities and structures: virtio 1.4 §4.1.1 to §4.1.4. */
#include <string.h>

#include "tests/virtio/suites.h"

enum { COMMON = 1, NOTIFICATION = 2, ISR_STATUS = 3, DEVICE = 4, ACCESS = 5 };

static uint32_t le32(const uint8_t *bytes)
{
    return bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

/* The body, after id and next pointer, of the first capability of a type. */
static const struct ioreqd_capability *find(uint8_t type)
{
    for (unsigned i = 0; i < driver.description.capabilities; i++) {
        const struct ioreqd_capability *one = &driver.description.capability[i];

        if (one->id == 9 && one->body[1] == type) {
            return one;
        }
    }
    return NULL;
}

static uint32_t offset_of(uint8_t type)
{
    return le32(find(type)->body + 6);
}

static uint32_t length_of(uint8_t type)
{
    return le32(find(type)->body + 10);
}

START_TEST(clause_4_1_2_1_ids)
{
    ck_assert_uint_eq(driver.description.vendor, 0x1af4);
    ck_assert_uint_eq(driver.description.device, 0x1040 + 63);
    ck_assert_uint_ge(driver.description.revision, 1);
    ck_assert_uint_ge(driver.description.subsystem, 0x40);
    ck_assert_uint_eq(driver.description.bar[0].kind, IOREQD_BAR_NONE);
}
END_TEST

START_TEST(clause_4_1_3_2_halves_of_64_bits)
{
    static const uint32_t registers[] = {QUEUE_DESC, QUEUE_DRIVER, QUEUE_DEVICE};

    for (unsigned i = 0; i < 3; i++) {
        uint32_t low = registers[i], high = low + 4;

        driver_write(&driver, high, 4, 0x12345678);
        ck_assert_uint_eq(driver_read(&driver, low, 4), 0);
        driver_write(&driver, low, 4, 0x9abcdef0);
        ck_assert_uint_eq(driver_read(&driver, high, 4), 0x12345678);
        ck_assert_uint_eq(driver_read(&driver, low, 4), 0x9abcdef0);
        driver_write(&driver, high, 4, 0);
        ck_assert_uint_eq(driver_read(&driver, low, 4), 0x9abcdef0);
    }
}
END_TEST

/* Each structure that must be there is, whole, aligned, and inside its BAR. */
START_TEST(clause_4_1_4_2_capabilities)
{
    static const uint8_t types[] = {COMMON, NOTIFICATION, ISR_STATUS, DEVICE, ACCESS};

    for (unsigned i = 0; i < sizeof(types); i++) {
        const struct ioreqd_capability *one = find(types[i]);

        ck_assert_ptr_nonnull(one);
        ck_assert_uint_eq(one->body[0], one->length); /* with all extra data */
        if (types[i] == ACCESS) {
            continue;
        }
        const struct ioreqd_bar *bar = &driver.description.bar[one->body[2]];
        ck_assert_uint_ne(bar->kind, IOREQD_BAR_NONE);
        ck_assert_uint_le(offset_of(types[i]) + length_of(types[i]), bar->size);
        ck_assert_uint_eq(offset_of(types[i]) % 4, 0);
    }
    ck_assert_uint_ge(length_of(COMMON), QUEUE_RESET + 2);
    ck_assert_uint_eq(length_of(DEVICE), sizeof(probe->config));
}
END_TEST

static const struct ioreqd_description none = IOREQD_VIRTIO_DESCRIPTION(4, 0xff, 0, 0, 1, 0);

/* A type without configuration: no structure is empty, as drivers would refuse it. */
START_TEST(clause_4_1_4_6_none)
{
    driver.description = none;
    ck_assert_uint_eq(length_of(DEVICE), 4);
}
END_TEST

/* Room for two registers of an administration queue, of which nothing is there. */
START_TEST(clause_4_1_4_3_room_for_admin_queue)
{
    ck_assert_uint_le(offset_of(COMMON) + 64, offset_of(ISR_STATUS));
    ck_assert_uint_eq(driver_read(&driver, 60, 2), 0);
    driver_write(&driver, 62, 2, 1);
    ck_assert_uint_eq(driver_read(&driver, 62, 2), 0);
}
END_TEST

START_TEST(clause_4_1_4_3_1_on_reset)
{
    driver_start(&driver, F_VERSION_1 | F_RING_RESET, 2, 16);
    driver_write(&driver, STATUS, 1, 0);
    for (uint16_t i = 0; i < 2; i++) {
        driver_select(&driver, i);
        ck_assert_uint_eq(driver_read(&driver, QUEUE_ENABLE, 2), 0);
        ck_assert_uint_eq(driver_read(&driver, QUEUE_RESET, 2), 0);
        ck_assert_uint_eq(driver_read(&driver, QUEUE_SIZE, 2), PROBE_SIZE);
    }
}
END_TEST

START_TEST(clause_4_1_4_3_1_queue_size)
{
    driver_select(&driver, 2);
    ck_assert_uint_eq(driver_read(&driver, QUEUE_SIZE, 2), 0);
    driver_select(&driver, 1);
    for (uint32_t size = 0; size < 300; size++) {
        uint32_t shown;

        driver_write(&driver, QUEUE_SIZE, 2, size);
        shown = driver_read(&driver, QUEUE_SIZE, 2);
        if ((shown & (shown - 1)) != 0 || shown == 0 || shown > PROBE_SIZE) {
            ck_abort_msg("size %u is shown as %u", size, shown);
        }
    }
}
END_TEST

START_TEST(clause_4_1_4_3_1_queue_reset)
{
    const struct part part = {0x8000, 16, WRITE};

    driver_start(&driver, F_VERSION_1 | F_RING_RESET, 2, 16);
    driver_select(&driver, 1);
    ck_assert_uint_eq(driver_read(&driver, QUEUE_RESET, 2), 0);
    driver_add(&driver, 1, &part, 1);
    driver_kick(&driver, 1);
    driver_write(&driver, QUEUE_RESET, 2, 1);
    for (unsigned i = 0; i < 3; i++) {
        fake_pump(fake);
        ck_assert_uint_eq(driver_read(&driver, QUEUE_RESET, 2), 1);
    }
    probe_complete(0, 0);
    fake_pump(fake);
    ck_assert_uint_eq(driver_read(&driver, QUEUE_RESET, 2), 0);
    ck_assert_uint_eq(driver_read(&driver, QUEUE_ENABLE, 2), 0);
    driver_set_queue(&driver, 1, 16);
    ck_assert_uint_eq(driver_read(&driver, QUEUE_RESET, 2), 0);
    ck_assert_uint_eq(driver_read(&driver, QUEUE_ENABLE, 2), 1);
}
END_TEST

START_TEST(clause_4_1_4_3_1_generation)
{
    uint8_t before;

    driver_read(&driver, CONFIG, 1);
    before = (uint8_t)driver_read(&driver, GENERATION, 1);
    probe->config[3] = 1;
    ioreqd_virtio_config_changed(&probe->virtio);
    driver_read(&driver, CONFIG + 3, 1);
    ck_assert_uint_ne(driver_read(&driver, GENERATION, 1), before);
    before = (uint8_t)driver_read(&driver, GENERATION, 1);
    driver_read(&driver, CONFIG, 4);
    ck_assert_uint_eq(driver_read(&driver, GENERATION, 1), before);
    driver_write(&driver, GENERATION, 1, 77); /* read-only */
    ck_assert_uint_eq(driver_read(&driver, GENERATION, 1), before);
}
END_TEST

START_TEST(clause_4_1_4_4_1_notification)
{
    const struct ioreqd_capability *one = find(NOTIFICATION);
    uint32_t multiplier = le32(one->body + 14);

    ck_assert_uint_eq(one->length, 20);
    ck_assert_uint_ne(multiplier, 0);
    ck_assert_uint_eq(multiplier & (multiplier - 1), 0);
    ck_assert_uint_eq(multiplier % 4, 0);
    for (uint16_t i = 0; i < driver_read(&driver, NUM_QUEUES, 2); i++) {
        const struct ioreqd_bell *bell = driver.description.bell;
        uint32_t place;

        driver_select(&driver, i);
        place = driver_read(&driver, QUEUE_NOTIFY_OFF, 2) * multiplier;
        ck_assert_uint_ge(length_of(NOTIFICATION), place + 4);
        /* That is where the host listens. */
        ck_assert_uint_eq(bell->bar, one->body[2]);
        ck_assert_uint_eq(bell->offset + (uint64_t)i * bell->stride, offset_of(NOTIFICATION) + place);
        ck_assert_uint_le(bell->size, 2);
    }
}
END_TEST

/* The same registers, one time through the BAR and one through configuration space. */
static uint32_t access(bool write, uint32_t offset, uint32_t length, uint32_t value)
{
    const struct ioreqd_model *model = driver.model;
    unsigned index = (unsigned)(find(ACCESS) - driver.description.capability);

    model->config_write(fake_device(fake), probe, index, 4, 1, find(COMMON)->body[2]);
    model->config_write(fake_device(fake), probe, index, 8, 4, offset);
    model->config_write(fake_device(fake), probe, index, 12, 4, length);
    if (write) {
        model->config_write(fake_device(fake), probe, index, 16, 4, value);
        return 0;
    }
    value = model->config_read(fake_device(fake), probe, index, 16, 4, 0);
    return length == 4 ? value : value & ((1u << 8 * length) - 1);
}

START_TEST(clause_4_1_4_9_1_access)
{
    static const struct {
        uint32_t offset, length;
    } reads[] = {{NUM_QUEUES, 2}, {QUEUE_SIZE, 2}, {STATUS, 1}, {DEVICE_FEATURE, 4}, {CONFIG, 4}, {CONFIG + 6, 2}};
    const uint8_t *mask = find(ACCESS)->write_mask;

    memcpy(probe->config, "abcdefgh", 8);
    for (unsigned i = 0; i < sizeof(reads) / sizeof(reads[0]); i++) {
        ck_assert_uint_eq(access(false, reads[i].offset, reads[i].length, 0),
                          driver_read(&driver, reads[i].offset, reads[i].length));
    }
    access(true, STATUS, 1, 1);
    ck_assert_uint_eq(driver_status(&driver), 1);
    access(true, QUEUE_SIZE, 2, 32);
    ck_assert_uint_eq(driver_read(&driver, QUEUE_SIZE, 2), 32);
    access(true, CONFIG, 4, 0x44434241);
    ck_assert_mem_eq(probe->config, "ABCDefgh", 8);
    /* bar, offset, length and data are the driver's; id and type are not. */
    for (unsigned i = 0; i < 18; i++) {
        ck_assert_uint_eq(mask[i], i == 2 || i >= 6 ? 0xff : 0);
    }
}
END_TEST

TCase *conformance_pci_cases(void)
{
    TCase *cases = tcase_create("pci");

    tcase_add_checked_fixture(cases, probe_begin, probe_end);
    tcase_add_test(cases, clause_4_1_2_1_ids);
    tcase_add_test(cases, clause_4_1_3_2_halves_of_64_bits);
    tcase_add_test(cases, clause_4_1_4_2_capabilities);
    tcase_add_test(cases, clause_4_1_4_6_none);
    tcase_add_test(cases, clause_4_1_4_3_room_for_admin_queue);
    tcase_add_test(cases, clause_4_1_4_3_1_on_reset);
    tcase_add_test(cases, clause_4_1_4_3_1_queue_size);
    tcase_add_test(cases, clause_4_1_4_3_1_queue_reset);
    tcase_add_test(cases, clause_4_1_4_3_1_generation);
    tcase_add_test(cases, clause_4_1_4_4_1_notification);
    tcase_add_test(cases, clause_4_1_4_9_1_access);
    return cases;
}
