/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The capabilities of PCI Express functions, byte by byte: PCI Express (PCI Express 4.0 §7.5.3) and power management
 * (PCI Power Management 1.2 §3.2), on a root bus and behind a port.
 */
#include <string.h>

#include "tests/bridge/board.h"

#define PORT    0x10u
#define BEHIND  0x100u
#define POWER   0x40u
#define EXPRESS 0x48u

static struct probe probe;

static const struct ioreqd_description express = {
    .struct_size = sizeof(express), .vendor = 0x1af4, .device = 0x1234, .express = 1};

static void open_both(void)
{
    struct bridge_bus *secondary;

    board_open();
    secondary = board_add_port(PORT, 1);
    config_put(PORT, PCI_PRIMARY_BUS, 4, 0x10100);
    board_add_on(secondary, 0, &express, &probe);
    board_add(PLACE, &express, &probe);
}

static void expect_bytes(uint32_t number, unsigned at, const uint8_t *bytes, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        ck_assert_msg(config_get(number, at + i, 1) == bytes[i], "%x: byte 0x%x is 0x%x", number, at + i,
                      config_get(number, at + i, 1));
    }
}

/* Writes ones and zeroes everywhere: bits of the mask change, and no others. No bit is set that resets. */
static void expect_mask(uint32_t number, unsigned at, const uint8_t *writable, unsigned count, unsigned skipped)
{
    for (unsigned i = 0; i < count; i++) {
        uint8_t before = (uint8_t)config_get(number, at + i, 1);
        uint8_t ones = i == skipped ? 0x7f : 0xff;

        config_put(number, at + i, 1, ones);
        ck_assert_msg(config_get(number, at + i, 1) == (uint8_t)(before | writable[i]), "%x: 0x%x", number, at + i);
        config_put(number, at + i, 1, 0);
        ck_assert_msg(config_get(number, at + i, 1) == (uint8_t)(before & ~writable[i]), "%x: 0x%x", number, at + i);
        config_put(number, at + i, 1, before);
    }
}

/* PM §3.2.1 to §3.2.4: version 3 (1.2), no PME, no D1, no D2; D0, No_Soft_Reset. */
START_TEST(power_capability)
{
    static const uint8_t wanted[8] = {0x01, EXPRESS, 0x03, 0x00, 0x08, 0x00, 0x00, 0x00};
    static const uint8_t writable[8] = {0};

    expect_bytes(PLACE, POWER, wanted, 8);
    expect_bytes(BEHIND, POWER, wanted, 8);
    config_put(PLACE, POWER + 4, 1, 0x03);
    ck_assert_uint_eq(config_get(PLACE, POWER + 4, 1), 0x0b);
    config_put(PLACE, POWER + 4, 1, 0x00);
    ck_assert_uint_eq(config_get(PLACE, POWER + 4, 1), 0x08);
    expect_mask(PLACE, POWER, writable, 4, 8);
    config_put(PLACE, POWER + 4, 4, 0xfffffffc); /* state D0: nothing else can be written */
    expect_bytes(PLACE, POWER, wanted, 8);
}
END_TEST

/* §7.5.3.2, .3: an integrated endpoint has type 9 and no link; role-based errors and function-level reset. */
START_TEST(integrated_endpoint)
{
    static const uint8_t wanted[60] = {
        [0x00] = 0x10, 0x00, 0x92, 0x00, 0x00, 0x80, 0x00, 0x10, 0x10, 0x28,
    };
    static const uint8_t writable[60] = {[0x08] = 0xff, 0x78};

    expect_bytes(PLACE, EXPRESS, wanted, 60);
    expect_mask(PLACE, EXPRESS, writable, 60, 9);
    expect_bytes(PLACE, EXPRESS, wanted, 60);
    ck_assert_uint_eq(config_get(PLACE, EXPRESS + 60, 4), 0);
}
END_TEST

/* §7.5.3.6, .8, .18, .19: behind a port it has type 0, and a link of one lane at 2.5 GT/s. */
START_TEST(endpoint_behind_a_port)
{
    static const uint8_t wanted[60] = {
        [0x00] = 0x10, 0x00, 0x02, 0x00,          0x00,          0x80,          0x00,
        0x10,          0x10, 0x28, [0x0c] = 0x11, [0x12] = 0x11, [0x2c] = 0x02, [0x30] = 0x01,
    };
    static const uint8_t writable[60] = {[0x08] = 0xff, 0x78, [0x10] = 0xc0};

    expect_bytes(BEHIND, EXPRESS, wanted, 60);
    expect_mask(BEHIND, EXPRESS, writable, 60, 9);
    expect_bytes(BEHIND, EXPRESS, wanted, 60);
}
END_TEST

/* §7.5.3.4: what stands there at reset is enough to reset to; the whole register at once. */
START_TEST(device_control_takes_its_bits)
{
    config_put(PLACE, EXPRESS + PCI_EXPRESS_DEVICE_CONTROL, 4, 0xffff7fff);
    ck_assert_uint_eq(config_get(PLACE, EXPRESS + PCI_EXPRESS_DEVICE_CONTROL, 4), 0x78ff);
    config_put(PLACE, EXPRESS + PCI_EXPRESS_DEVICE_CONTROL, 2, 0);
    ck_assert_uint_eq(config_get(PLACE, EXPRESS + PCI_EXPRESS_DEVICE_CONTROL, 4), 0);
    ck_assert_uint_eq(bridge_counters(bridge)->resets, 0);
}
END_TEST

/* §7.5.3.5: errors are cleared by 1 and kept by 0. Nothing sets them here: the test does. */
START_TEST(device_status_is_cleared_by_ones)
{
    struct bridge_function *function = board_add(PLACE + 1, &express, &probe);
    unsigned at = EXPRESS + PCI_EXPRESS_DEVICE_STATUS;

    config_space_set(&function->config, at, 2, 0x3f);
    config_put(PLACE + 1, at, 2, 0);
    ck_assert_uint_eq(config_get(PLACE + 1, at, 2), 0x3f);
    config_put(PLACE + 1, at, 1, 0x05);
    ck_assert_uint_eq(config_get(PLACE + 1, at, 2), 0x3a);
    config_put(PLACE + 1, at, 2, 0xffff);
    ck_assert_uint_eq(config_get(PLACE + 1, at, 2), 0x30); /* pending transactions, auxiliary power: read-only */
}
END_TEST

/* PCI 3.0 §6.2.3: errors of the header, the same. */
START_TEST(status_is_cleared_by_ones)
{
    struct bridge_function *function = board_add(PLACE + 1, &express, &probe);

    config_space_set(&function->config, PCI_STATUS, 2, 0xf910);
    config_put(PLACE + 1, PCI_STATUS, 2, 0);
    ck_assert_uint_eq(config_get(PLACE + 1, PCI_STATUS, 2), 0xf910);
    config_put(PLACE + 1, PCI_STATUS + 1, 1, 0x81);
    ck_assert_uint_eq(config_get(PLACE + 1, PCI_STATUS, 2), 0x7810);
    config_put(PLACE + 1, PCI_STATUS, 2, 0xffff);
    ck_assert_uint_eq(config_get(PLACE + 1, PCI_STATUS, 2), 0x0010);
}
END_TEST

/* §7.5.1.1.5: the latency timer is hardwired to 0 in express functions; and the one chain holds them all, in order. */
START_TEST(the_rest_of_the_header)
{
    static const struct ioreqd_description all = {
        .struct_size = sizeof(all), .vendor = 0x1af4, .express = 1, .msix = 1, .msix_bar = 0, .msi = 1, .power = 2};
    static const uint8_t id[] = {PCI_CAPABILITY_MSIX, PCI_CAPABILITY_MSI, PCI_CAPABILITY_POWER, PCI_CAPABILITY_EXPRESS};
    unsigned at = PCI_CAPABILITY_POINTER - 1;

    config_put(PLACE, PCI_LATENCY_TIMER, 1, 0xff);
    ck_assert_uint_eq(config_get(PLACE, PCI_LATENCY_TIMER, 1), 0);
    ck_assert_uint_eq(config_get(PLACE, PCI_STATUS, 2), PCI_STATUS_CAPABILITIES);
    board_add(PLACE + 1, &all, &probe);
    for (unsigned i = 0; i < 4; i++) {
        at = config_get(PLACE + 1, at + 1, 1);
        ck_assert_uint_eq(config_get(PLACE + 1, at, 1), id[i]);
    }
    ck_assert_uint_eq(config_get(PLACE + 1, at + 1, 1), 0);
}
END_TEST

/* Modules built before all this have a shorter table: no express, no power management, no ROM. */
START_TEST(older_descriptions_have_none_of_it)
{
    struct ioreqd_description old = express;

    old.struct_size = offsetof(struct ioreqd_description, express);
    old.rom_size = 0x800;
    board_add(PLACE + 1, &old, &probe);
    ck_assert_uint_eq(config_get(PLACE + 1, PCI_CAPABILITY_POINTER, 1), 0);
    ck_assert_uint_eq(config_get(PLACE + 1, 0x100, 4), 0xffffffff);
    config_put(PLACE + 1, PCI_ROM, 4, 0xffffffff);
    ck_assert_uint_eq(config_get(PLACE + 1, PCI_ROM, 4), 0);
}
END_TEST

TCase *express_tests(void)
{
    TCase *group = tcase_create("PCI Express");

    tcase_add_checked_fixture(group, open_both, board_close);
    tcase_add_test(group, power_capability);
    tcase_add_test(group, integrated_endpoint);
    tcase_add_test(group, endpoint_behind_a_port);
    tcase_add_test(group, device_control_takes_its_bits);
    tcase_add_test(group, device_status_is_cleared_by_ones);
    tcase_add_test(group, status_is_cleared_by_ones);
    tcase_add_test(group, the_rest_of_the_header);
    tcase_add_test(group, older_descriptions_have_none_of_it);
    return group;
}
