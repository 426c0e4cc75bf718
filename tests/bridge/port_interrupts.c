/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What goes upwards through a port: memory accesses and messages while it is a bus master (PCI-to-PCI Bridge 1.2
 * §3.2.4.3), and INTx, whose pins are turned on the way (§9.1).
 */
#include <string.h>

#include "tests/bridge/board.h"

#define PORT    0x28u /* device 5 */
#define BEHIND  0x100u
#define MASTER  PCI_COMMAND_BUS_MASTER
#define TABLE   UINT64_C(0xfe000000)
#define MSIX_AT (0x40u + PCI_MSIX_CONTROL)
#define MSI_AT  0x4cu

static struct probe probe;
static struct bridge_bus *secondary;
static struct bridge_function *function;

static const struct ioreqd_description sender = {
    .struct_size = sizeof(sender),
    .vendor = 0x1af4,
    .intx = 1,
    .msix = 2,
    .msix_bar = 0,
    .msi = 4,
};

static void number_port(unsigned port)
{
    config_put(port, PCI_PRIMARY_BUS, 4, 0x10100);
    config_put(port, PCI_MEMORY_BASE, 4, 0xfe00fe00);
    config_put(port, PCI_COMMAND, 2, PCI_COMMAND_MEMORY | MASTER);
}

static void open_port(void)
{
    memset(&probe, 0, sizeof(probe));
    probe.tells = true;
    board_open();
    secondary = board_add_port(PORT, 1);
    function = board_add_on(secondary, 0, &sender, &probe);
    number_port(PORT);
    config_put(BEHIND, BAR_REG(0), 4, TABLE);
    config_put(BEHIND, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
}

START_TEST(both_have_to_be_masters)
{
    static const struct tell tells[] = {
        {ACCESS_BUS_MASTER, 1}, {ACCESS_BUS_MASTER, 0}, {ACCESS_BUS_MASTER, 1}, {ACCESS_BUS_MASTER, 0}};

    ck_assert(!bridge_bus_master(function));
    config_put(BEHIND, PCI_COMMAND, 2, MASTER);
    ck_assert(bridge_bus_master(function));
    config_put(PORT, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
    ck_assert(!bridge_bus_master(function));
    config_put(PORT, PCI_COMMAND, 2, MASTER);
    ck_assert(bridge_bus_master(function));
    config_put(PORT, PCI_COMMAND, 2, MASTER); /* nothing changed: nobody is told */
    config_put(BEHIND, PCI_COMMAND, 2, 0);
    ck_assert(!bridge_bus_master(function));
    config_put(PORT, PCI_COMMAND, 2, 0);
    probe_is_told(&probe, 0, 4, tells);
}
END_TEST

/* PCI 3.0 §6.8.3.3: messages are writes of a bus master; what was raised meanwhile goes out afterwards, once. */
START_TEST(msix_waits_for_the_port)
{
    for (unsigned i = 0; i < 2; i++) {
        bridge_write(bridge, BRIDGE_MEMORY, TABLE + 16 * i, 4, 0xfee00000);
        bridge_write(bridge, BRIDGE_MEMORY, TABLE + 16 * i + 8, 4, 0x40 + i);
        bridge_write(bridge, BRIDGE_MEMORY, TABLE + 16 * i + 12, 4, 0);
    }
    config_put(BEHIND, PCI_COMMAND, 2, PCI_COMMAND_MEMORY | MASTER);
    config_put(BEHIND, MSIX_AT, 2, PCI_MSIX_ENABLE);
    bridge_msix(function, 0);
    ck_assert_uint_eq(board.messages, 1);
    config_put(PORT, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
    bridge_msix(function, 1);
    bridge_msix(function, 1);
    ck_assert_uint_eq(board.messages, 1);
    ck_assert_uint_eq(bridge_read(bridge, BRIDGE_MEMORY, TABLE + 0x800, 4), 2);
    config_put(PORT, PCI_COMMAND, 2, PCI_COMMAND_MEMORY | MASTER);
    ck_assert_uint_eq(board.messages, 2);
    ck_assert_uint_eq(board.message[1].data, 0x41);
    ck_assert_uint_eq(bridge_read(bridge, BRIDGE_MEMORY, TABLE + 0x800, 4), 0);
    config_put(PORT, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
    config_put(PORT, PCI_COMMAND, 2, PCI_COMMAND_MEMORY | MASTER);
    ck_assert_uint_eq(board.messages, 2);
}
END_TEST

START_TEST(msi_waits_for_the_port)
{
    config_put(BEHIND, MSI_AT + PCI_MSI_ADDRESS, 4, 0xfee01000);
    config_put(BEHIND, MSI_AT + PCI_MSI_DATA, 2, 0x50);
    config_put(BEHIND, MSI_AT + PCI_MSI_CONTROL, 2, PCI_MSI_ENABLE | 2 << PCI_MSI_GRANTED_SHIFT);
    config_put(BEHIND, PCI_COMMAND, 2, MASTER);
    config_put(PORT, PCI_COMMAND, 2, 0);
    bridge_msi(function, 3);
    ck_assert_uint_eq(board.messages, 0);
    ck_assert_uint_eq(config_get(BEHIND, MSI_AT + PCI_MSI_PENDING, 4), 8);
    config_put(PORT, PCI_COMMAND, 2, MASTER);
    ck_assert_uint_eq(board.messages, 1);
    ck_assert_uint_eq(board.message[0].address, 0xfee01000);
    ck_assert_uint_eq(board.message[0].data, 0x53);
    ck_assert_uint_eq(config_get(BEHIND, MSI_AT + PCI_MSI_PENDING, 4), 0);
}
END_TEST

/* PCI 3.0 §6.8.3.4: no message has more vectors in its data than were granted, whatever pended before. */
START_TEST(what_pends_is_sent_as_what_is_granted)
{
    config_put(BEHIND, MSI_AT + PCI_MSI_DATA, 2, 0x50);
    config_put(BEHIND, MSI_AT + PCI_MSI_CONTROL, 2, PCI_MSI_ENABLE | 2 << PCI_MSI_GRANTED_SHIFT);
    bridge_msi(function, 3);
    config_put(BEHIND, MSI_AT + PCI_MSI_CONTROL, 2, PCI_MSI_ENABLE | 1 << PCI_MSI_GRANTED_SHIFT);
    config_put(BEHIND, PCI_COMMAND, 2, MASTER);
    ck_assert_uint_eq(board.messages, 1);
    ck_assert_uint_eq(board.message[0].data, 0x51);
}
END_TEST

static void expect_only(unsigned device, unsigned pin, bool level)
{
    for (unsigned i = 0; i < 32 * 4; i++) {
        ck_assert_int_eq(board.level[i / 4][i % 4], level && i == 4 * device + pin);
    }
}

/* §9.1: INTA of device 0 stays INTA at the port, whose line it is; the port needs not to be a master. */
START_TEST(the_line_is_that_of_the_port)
{
    config_put(PORT, PCI_COMMAND, 2, 0);
    bridge_intx(function, true);
    expect_only(PORT >> 3, 0, true);
    ck_assert_uint_eq(config_get(BEHIND, PCI_STATUS, 2) & PCI_STATUS_INTERRUPT, PCI_STATUS_INTERRUPT);
    config_put(BEHIND, PCI_COMMAND, 2, PCI_COMMAND_INTX_DISABLE);
    expect_only(0, 0, false);
    config_put(BEHIND, PCI_COMMAND, 2, 0);
    expect_only(PORT >> 3, 0, true);
    bridge_remove_function(function);
    expect_only(0, 0, false);
}
END_TEST

/* A function of the port's own device shares the line with what is behind it. */
START_TEST(a_line_is_the_or_of_both_sides)
{
    struct bridge_function *beside = board_add(PORT + 1, &sender, NULL);

    bridge_intx(beside, true);
    bridge_intx(function, true);
    bridge_intx(beside, false);
    expect_only(PORT >> 3, 0, true);
    bridge_intx(function, false);
    expect_only(0, 0, false);
    ck_assert_uint_eq(board.line_changes, 2);
}
END_TEST

/* Folded: the lines of one device of bus 0, pins turned once more by the device on the root bus. */
START_TEST(folded_lines)
{
    struct bridge_bus *root, *behind_port;

    host = board_add_host(&board_wide_host);
    root = bridge_root_bus(host);
    for (unsigned device = 0; device < 32; device++) {
        struct bridge_function *on = board_add_on(root, BRIDGE_DEVFN(device, 0), &sender, NULL);

        bridge_intx(on, true);
        expect_only(0x1e, device % 4, true);
        bridge_remove_function(on);
        expect_only(0, 0, false);
    }
    behind_port = board_add_port(BRIDGE_DEVFN(7, 0), 1);
    function = board_add_on(behind_port, 5, &sender, NULL);
    bridge_intx(function, true);
    expect_only(0x1e, 7 % 4, true);
    ck_assert_uint_eq(config_get(WIDE(0), 0, 4), 0xffffffff);
    bridge_intx(function, false);
}
END_TEST

/* PCI 3.0 §2.2.6: wired OR, across host bridges too, when both lead to one line. */
START_TEST(host_bridges_share_lines)
{
    struct bridge_function *first = board_add(BRIDGE_DEVFN(0x1e, 0), &sender, NULL), *second, *third;
    struct bridge_host_config config = {.name = "third", .segment = 3, .ecam = 0x10000000, .lines_device = 0x1e};

    host = board_add_host(&board_wide_host);
    second = board_add(BRIDGE_DEVFN(4, 0), &sender, NULL);
    config.lines = BRIDGE_LINES_FOLDED;
    host = board_add_host(&config);
    third = board_add(BRIDGE_DEVFN(8, 0), &sender, NULL);
    bridge_intx(first, true);
    bridge_intx(second, true);
    bridge_intx(third, true);
    bridge_intx(second, false);
    bridge_intx(first, false);
    expect_only(0x1e, 0, true);
    bridge_intx(third, false);
    expect_only(0, 0, false);
    ck_assert_uint_eq(board.line_changes, 2);
}
END_TEST

/* Without lines there is no pin (PCI 3.0 §6.2.4), and intx() goes nowhere. */
START_TEST(no_lines_no_pin)
{
    struct bridge_host_config config = {.name = "second", .segment = 2, .ecam = 0x10000000};

    host = board_add_host(&config);
    function = board_add(8, &sender, NULL);
    ck_assert_uint_eq(config_get(0x20008, PCI_INTERRUPT_PIN, 1), 0);
    config_put(0x20008, PCI_COMMAND, 2, 0xffff);
    ck_assert_uint_eq(config_get(0x20008, PCI_COMMAND, 2) & PCI_COMMAND_INTX_DISABLE, 0);
    ck_assert_int_eq(bridge_interrupt_mode(function), IOREQD_INTERRUPT_NONE);
    bridge_intx(function, true);
    ck_assert_uint_eq(board.line_changes, 0);
    ck_assert_uint_eq(config_get(0x20008, PCI_STATUS, 2) & PCI_STATUS_INTERRUPT, 0);
}
END_TEST

TCase *port_interrupt_tests(void)
{
    TCase *group = tcase_create("upwards through ports");

    tcase_add_checked_fixture(group, open_port, board_close);
    tcase_add_test(group, both_have_to_be_masters);
    tcase_add_test(group, msix_waits_for_the_port);
    tcase_add_test(group, msi_waits_for_the_port);
    tcase_add_test(group, what_pends_is_sent_as_what_is_granted);
    tcase_add_test(group, the_line_is_that_of_the_port);
    tcase_add_test(group, a_line_is_the_or_of_both_sides);
    tcase_add_test(group, folded_lines);
    tcase_add_test(group, host_bridges_share_lines);
    tcase_add_test(group, no_lines_no_pin);
    return group;
}
