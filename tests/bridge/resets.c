/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Resets that a guest asks for: of one function (PCI Express 4.0 §6.6.2) and of the bus behind a port (PCI-to-PCI
 * Bridge 1.2 §3.2.5.18). What is reset, what is told to the device and in which order, and what stays.
 */
#include <string.h>

#include "tests/bridge/board.h"

#define PORT    0x10u
#define BEHIND  0x100u
#define TABLE   UINT64_C(0xfe000000)
#define MSIX_AT (0x40u + PCI_MSIX_CONTROL)
#define MSI_AT  0x4cu
#define DEVICE  (0x6cu + PCI_EXPRESS_DEVICE_CONTROL)
#define PM      (0x64u + PCI_POWER_CONTROL)
#define OWN_AT  0xa8u

static struct probe probe;
static struct probe beside_probe;
static struct bridge_bus *secondary;
static struct bridge_function *function;

static const uint8_t body[6] = {1, 2, 3, 4, 5, 6};
static const uint8_t mask[6] = {0, 0, 0xff, 0xff, 0, 0};
static const struct ioreqd_capability own = {.id = 9, .length = 8, .body = body, .write_mask = mask};
static const struct ioreqd_description full = {
    .struct_size = sizeof(full),
    .vendor = 0x1af4,
    .intx = 1,
    .msix = 2,
    .msix_bar = 0,
    .msi = 4,
    .express = 1,
    .capabilities = 1,
    .capability = &own,
    .bar = {[1] = {.kind = IOREQD_BAR_MEM32, .min_access = 1, .max_access = 4, .size = 0x1000}},
};

/* Port, function behind it and one beside that, all in full use. */
static void use(uint32_t number, uint64_t table)
{
    config_put(number, BAR_REG(0), 4, (uint32_t)table);
    config_put(number, BAR_REG(1), 4, (uint32_t)table + 0x1000);
    config_put(number, PCI_INTERRUPT_LINE, 1, 0x0b);
    config_put(number, PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_BUS_MASTER);
    config_put(number, OWN_AT + 4, 2, 0xbeef);
    bridge_write(bridge, BRIDGE_MEMORY, table, 4, 0xfee00000);
    bridge_write(bridge, BRIDGE_MEMORY, table + 8, 4, 0x40);
    bridge_write(bridge, BRIDGE_MEMORY, table + 12, 4, 0);
}

static void open_used(void)
{
    memset(&probe, 0, sizeof(probe));
    memset(&beside_probe, 0, sizeof(beside_probe));
    board_open();
    secondary = board_add_port(PORT, 1);
    config_put(PORT, PCI_PRIMARY_BUS, 4, 0x10100);
    config_put(PORT, PCI_MEMORY_BASE, 4, 0xfe00fe00);
    config_put(PORT, PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_BUS_MASTER);
    function = board_add_on(secondary, 0, &full, &probe);
    board_add_on(secondary, 3, &full, &beside_probe);
    use(BEHIND, TABLE);
    use(BEHIND + 3, TABLE + 0x10000);
    probe.tells = beside_probe.tells = true;
    ck_assert_uint_eq(board.claims, 4);
}

static void expect_fresh(uint32_t number)
{
    ck_assert_uint_eq(config_get(number, PCI_COMMAND, 2), 0);
    ck_assert_uint_eq(config_get(number, BAR_REG(0), 4), 0);
    ck_assert_uint_eq(config_get(number, BAR_REG(1), 4), 0);
    ck_assert_uint_eq(config_get(number, PCI_INTERRUPT_LINE, 2), 0x100);
    ck_assert_uint_eq(config_get(number, MSIX_AT, 2), 1);
    ck_assert_uint_eq(config_get(number, MSI_AT + PCI_MSI_CONTROL, 2), 0x184);
    ck_assert_uint_eq(config_get(number, DEVICE, 2), PCI_EXPRESS_CONTROL_INITIAL);
    ck_assert_uint_eq(config_get(number, OWN_AT + 4, 2), 0x0403);
    ck_assert_uint_eq(config_get(number, PCI_VENDOR, 2), 0x1af4);
}

static void expect_used(uint32_t number, uint64_t table)
{
    ck_assert_uint_eq(config_get(number, PCI_COMMAND, 2), PCI_COMMAND_MEMORY | PCI_COMMAND_BUS_MASTER);
    ck_assert_uint_eq(config_get(number, OWN_AT + 4, 2), 0xbeef);
    ck_assert_uint_eq(bridge_read(bridge, BRIDGE_MEMORY, table + 8, 4), 0x40);
    ck_assert(board_has_claim(BRIDGE_MEMORY, table + 0x1000, table + 0x1fff));
}

/* §6.6.2: all registers of the function, its tables, its line; then the device is told, once. Others stay. */
START_TEST(a_function_is_reset)
{
    static const struct tell tells[] = {
        {ACCESS_INTERRUPT_MODE, IOREQD_INTERRUPT_INTX}, {ACCESS_BUS_MASTER, 0}, {ACCESS_RESET, IOREQD_RESET_FUNCTION}};

    config_put(BEHIND, MSIX_AT, 2, PCI_MSIX_ENABLE);
    ck_assert_uint_eq(probe.accesses, 1);
    config_put(BEHIND, DEVICE, 2, PCI_EXPRESS_CONTROL_RESET | PCI_EXPRESS_CONTROL_INITIAL | 0xf);
    expect_fresh(BEHIND);
    probe_is_told(&probe, 1, 3, tells);
    ck_assert_uint_eq(board.claims, 2);
    ck_assert(!bridge_msix_enabled(function));
    ck_assert(!bridge_bus_master(function));
    ck_assert_uint_eq(config_get(BEHIND, PCI_HEADER_TYPE, 1), 0x80);
    expect_used(BEHIND + 3, TABLE + 0x10000);
    ck_assert_uint_eq(beside_probe.accesses, 0);
    ck_assert_uint_eq(bridge_counters(bridge)->resets, 1);
    ck_assert_uint_eq(config_get(PORT, PCI_SECONDARY_BUS, 1), 1);
}
END_TEST

/* PCI 3.0 §6.8.2: at reset the entries are masked and empty; what pended is forgotten. */
START_TEST(tables_and_pending_bits_are_reset)
{
    config_put(BEHIND, MSIX_AT, 2, PCI_MSIX_ENABLE | PCI_MSIX_FUNCTION_MASK);
    config_put(BEHIND, MSI_AT + PCI_MSI_CONTROL, 2, PCI_MSI_ENABLE);
    config_put(BEHIND, MSI_AT + PCI_MSI_MASK, 4, 1);
    bridge_msix(function, 0);
    bridge_msi(function, 0);
    config_put(BEHIND, DEVICE, 2, PCI_EXPRESS_CONTROL_RESET);
    ck_assert_uint_eq(config_get(BEHIND, MSI_AT + PCI_MSI_PENDING, 4), 0);
    ck_assert_uint_eq(config_get(BEHIND, MSI_AT + PCI_MSI_MASK, 4), 0);
    config_put(BEHIND, BAR_REG(0), 4, TABLE);
    config_put(BEHIND, MSIX_AT, 2, PCI_MSIX_ENABLE);
    config_put(BEHIND, MSI_AT + PCI_MSI_CONTROL, 2, PCI_MSI_ENABLE);
    config_put(BEHIND, PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_BUS_MASTER);
    for (unsigned i = 0; i < 2; i++) {
        ck_assert_uint_eq(bridge_read(bridge, BRIDGE_MEMORY, TABLE + 16 * i, 8), 0);
        ck_assert_uint_eq(bridge_read(bridge, BRIDGE_MEMORY, TABLE + 16 * i + 8, 8), UINT64_C(1) << 32);
    }
    ck_assert_uint_eq(bridge_read(bridge, BRIDGE_MEMORY, TABLE + 0x800, 4), 0);
    ck_assert_uint_eq(board.messages, 0);
}
END_TEST

START_TEST(the_line_falls)
{
    bridge_intx(function, true);
    ck_assert(board.level[PORT >> 3][0]);
    config_put(BEHIND, DEVICE, 2, PCI_EXPRESS_CONTROL_RESET);
    ck_assert(!board.level[PORT >> 3][0]);
    ck_assert_uint_eq(config_get(BEHIND, PCI_STATUS, 2) & PCI_STATUS_INTERRUPT, 0);
    bridge_intx(function, true); /* a new event of the device, not the old one */
    ck_assert(board.level[PORT >> 3][0]);
}
END_TEST

/* §7.5.3.4: the bit always reads as 0; a write of any width that has it resets, and of 0 does not. */
START_TEST(the_bit_is_one_of_its_byte)
{
    config_put(BEHIND, DEVICE, 1, 0x80);
    config_put(BEHIND, DEVICE + 2, 2, 0x8000);
    config_put(BEHIND, DEVICE - 1, 1, 0x80);
    config_put(BEHIND, DEVICE, 2, 0x7fff);
    ck_assert_uint_eq(bridge_counters(bridge)->resets, 0);
    ck_assert_uint_eq(config_get(BEHIND, DEVICE, 2), 0x78ff);
    config_put(BEHIND, DEVICE + 1, 1, 0x80);
    ck_assert_uint_eq(bridge_counters(bridge)->resets, 1);
    config_put(BEHIND, DEVICE, 4, 0x8000);
    ck_assert_uint_eq(bridge_counters(bridge)->resets, 2);
    config_put(BEHIND, DEVICE + 1, 2, 0x0080); /* byte enables that no aligned access makes */
    ck_assert_uint_eq(bridge_counters(bridge)->resets, 3);
    ck_assert_uint_eq(config_get(BEHIND, DEVICE, 4), PCI_EXPRESS_CONTROL_INITIAL);
    ck_assert_uint_eq(probe.access[probe.accesses - 1].value, IOREQD_RESET_FUNCTION);
}
END_TEST

/* §6.6.2 and PCI PM 1.2 §5.4.1: asleep too. */
START_TEST(a_sleeping_function_is_reset)
{
    config_put(BEHIND, PM, 2, PCI_POWER_D3HOT);
    config_put(BEHIND, DEVICE, 2, PCI_EXPRESS_CONTROL_RESET);
    expect_fresh(BEHIND);
    ck_assert_uint_eq(config_get(BEHIND, PM, 2), PCI_POWER_NO_SOFT_RESET);
}
END_TEST

/* A BAR that was in another's way leaves with the reset. */
START_TEST(what_waited_gets_the_place)
{
    config_put(BEHIND + 3, BAR_REG(1), 4, TABLE + 0x1000);
    ck_assert_uint_eq(board.claims, 3);
    config_put(BEHIND, DEVICE, 2, PCI_EXPRESS_CONTROL_RESET);
    ck_assert_uint_eq(board.claims, 2);
    bridge_read(bridge, BRIDGE_MEMORY, TABLE + 0x1000, 4);
    probe_saw(&beside_probe, 0, ACCESS_READ, 1, 0, 4, 0);
}
END_TEST

/* §3.2.5.18: everything behind the port, when the bit is set, once; until it falls nobody answers there. */
START_TEST(a_bus_is_reset)
{
    static const struct tell tells[] = {{ACCESS_BUS_MASTER, 0}, {ACCESS_RESET, IOREQD_RESET_BUS}};

    bridge_intx(function, true);
    config_put(PORT, PCI_BRIDGE_CONTROL, 2, PCI_BRIDGE_BUS_RESET);
    ck_assert(!board.level[PORT >> 3][0]);
    probe_is_told(&probe, 0, 2, tells);
    probe_is_told(&beside_probe, 0, 2, tells);
    ck_assert_uint_eq(board.claims, 0);
    ck_assert_uint_eq(config_get(BEHIND, 0, 4), 0xffffffff);
    config_put(BEHIND, PCI_CACHE_LINE_SIZE, 1, 0x10);
    config_put(BEHIND, DEVICE, 2, PCI_EXPRESS_CONTROL_RESET);
    config_put(PORT, PCI_BRIDGE_CONTROL, 2, PCI_BRIDGE_BUS_RESET | 3); /* still held: not another reset */
    config_put(PORT, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
    probe_is_told(&probe, 0, 2, tells);
    config_put(PORT, PCI_BRIDGE_CONTROL, 2, 3);
    probe_is_told(&probe, 0, 2, tells);
    expect_fresh(BEHIND);
    expect_fresh(BEHIND + 3);
    ck_assert_uint_eq(config_get(BEHIND, PCI_CACHE_LINE_SIZE, 1), 0);
    ck_assert_uint_eq(bridge_counters(bridge)->resets, 2);
    ck_assert_uint_eq(config_get(PORT, PCI_BRIDGE_CONTROL, 2), 3);
    ck_assert_uint_eq(config_get(PORT, PCI_PRIMARY_BUS, 4), 0x10100);
    config_put(PORT, PCI_BRIDGE_CONTROL, 1, PCI_BRIDGE_BUS_RESET);
    ck_assert_uint_eq(bridge_counters(bridge)->resets, 4);
}
END_TEST

/* Neither the other ports nor the root bus. */
START_TEST(other_buses_are_left_alone)
{
    struct bridge_bus *other = board_add_port(PORT + 8, 2);
    static struct probe root_probe, other_probe;

    root_probe.tells = other_probe.tells = true;
    board_add(8, &full, &root_probe);
    board_add_on(other, 0, &full, &other_probe);
    config_put(PORT + 8, PCI_PRIMARY_BUS, 4, 0x20200);
    config_put(0x200, PCI_CACHE_LINE_SIZE, 1, 0x10);
    config_put(8, PCI_CACHE_LINE_SIZE, 1, 0x20);
    config_put(PORT, PCI_BRIDGE_CONTROL, 2, PCI_BRIDGE_BUS_RESET);
    ck_assert_uint_eq(config_get(0x200, PCI_CACHE_LINE_SIZE, 1), 0x10);
    ck_assert_uint_eq(config_get(8, PCI_CACHE_LINE_SIZE, 1), 0x20);
    ck_assert_uint_eq(root_probe.accesses + other_probe.accesses, 0);
}
END_TEST

/* What comes while the bus is held is there when it is let go. */
START_TEST(a_function_comes_to_a_held_bus)
{
    struct probe late = {0};

    config_put(PORT, PCI_BRIDGE_CONTROL, 2, PCI_BRIDGE_BUS_RESET);
    bridge_remove_function(function);
    function = board_add_on(secondary, 0, &full, &late);
    ck_assert_uint_eq(config_get(BEHIND, 0, 2), 0xffff);
    config_put(PORT, PCI_BRIDGE_CONTROL, 2, 0);
    ck_assert_uint_eq(config_get(BEHIND, 0, 2), 0x1af4);
    ck_assert_uint_eq(late.accesses, 0);
}
END_TEST

/* Without ops for it the registers are reset all the same. */
START_TEST(devices_may_not_care)
{
    ck_assert_int_eq(bridge_add_function(bridge_root_bus(host), 8, &full, &probe_ops_without_config, &probe, &function),
                     0);
    use(8, 0xfd000000);
    config_put(8, MSIX_AT, 2, PCI_MSIX_ENABLE);
    config_put(8, DEVICE, 2, PCI_EXPRESS_CONTROL_RESET);
    expect_fresh(8);
}
END_TEST

TCase *reset_tests(void)
{
    TCase *group = tcase_create("resets");

    tcase_add_checked_fixture(group, open_used, board_close);
    tcase_add_test(group, a_function_is_reset);
    tcase_add_test(group, tables_and_pending_bits_are_reset);
    tcase_add_test(group, the_line_falls);
    tcase_add_test(group, the_bit_is_one_of_its_byte);
    tcase_add_test(group, a_sleeping_function_is_reset);
    tcase_add_test(group, what_waited_gets_the_place);
    tcase_add_test(group, a_bus_is_reset);
    tcase_add_test(group, other_buses_are_left_alone);
    tcase_add_test(group, a_function_comes_to_a_held_bus);
    tcase_add_test(group, devices_may_not_care);
    return group;
}
