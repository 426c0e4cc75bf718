/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sleep and what the device is told of it and of the rest (PCI Power Management 1.2 §3.2.4, §5.4.1, §8.2.2): asleep a
 * function answers configuration requests and does nothing else.
 */
#include <string.h>

#include "tests/bridge/board.h"

#define CONTROL     (0x64u + PCI_POWER_CONTROL) /* MSI-X has 12 bytes, MSI 24 */
#define MSIX_AT     (0x40u + PCI_MSIX_CONTROL)
#define MSI_AT      (0x40u + PCI_MSIX_LENGTH)
#define MSI_CONTROL (MSI_AT + PCI_MSI_CONTROL)
#define TABLE       UINT64_C(0xfe000000)
#define MASTER      PCI_COMMAND_BUS_MASTER
#define DECODE      (PCI_COMMAND_IO | PCI_COMMAND_MEMORY)

static struct probe probe;
static struct bridge_function *function;
static struct ioreqd_description d;

static void open_kind(enum ioreqd_power power)
{
    board_open();
    memset(&probe, 0, sizeof(probe));
    d = (struct ioreqd_description){
        .struct_size = sizeof(d),
        .vendor = 0x1af4,
        .intx = 1,
        .msix = 2,
        .msix_bar = 0,
        .msi = 2,
        .power = (uint8_t)power,
        .rom_size = 0x800,
        .bar = {[1] = {.kind = IOREQD_BAR_IO, .min_access = 1, .max_access = 4, .size = 16},
                [2] = {.kind = IOREQD_BAR_MEM64, .min_access = 1, .max_access = 4, .size = 0x1000}},
    };
    function = board_add(PLACE, &d, &probe);
    config_put(PLACE, BAR_REG(0), 4, TABLE);
    config_put(PLACE, BAR_REG(1), 4, 0xc000);
    config_put(PLACE, BAR_REG(2), 4, TABLE + 0x1000);
    config_put(PLACE, PCI_ROM, 4, (TABLE + 0x2000) | PCI_ROM_ENABLE);
    config_put(PLACE, PCI_COMMAND, 2, DECODE | MASTER);
    bridge_write(bridge, BRIDGE_MEMORY, TABLE, 4, 0xfee00000);
    bridge_write(bridge, BRIDGE_MEMORY, TABLE + 8, 4, 0x40);
    bridge_write(bridge, BRIDGE_MEMORY, TABLE + 12, 4, 0);
    probe.tells = true;
}

static void open_keeping(void)
{
    open_kind(IOREQD_POWER_KEEPS);
}

static void sleep_now(void)
{
    config_put(PLACE, CONTROL, 2, PCI_POWER_D3HOT);
}

static void wake(void)
{
    config_put(PLACE, CONTROL, 2, PCI_POWER_D0);
}

/* §5.4.1, §8.2.2: configuration works, and no BAR; what it had is back afterwards. */
START_TEST(asleep_nothing_decodes)
{
    ck_assert_uint_eq(board.claims, 4);
    sleep_now();
    ck_assert_uint_eq(board.claims, 0);
    ck_assert_uint_eq(bridge_read(bridge, BRIDGE_MEMORY, TABLE + 0x1000, 4), 0xffffffff);
    ck_assert_uint_eq(bridge_read(bridge, BRIDGE_PORT, 0xc000, 4), 0xffffffff);
    ck_assert_uint_eq(config_get(PLACE, PCI_COMMAND, 2), DECODE | MASTER);
    ck_assert_uint_eq(config_get(PLACE, BAR_REG(1), 4), 0xc001);
    config_put(PLACE, BAR_REG(1), 4, 0xd000);
    config_put(PLACE, PCI_COMMAND, 2, PCI_COMMAND_IO);
    config_put(PLACE, PCI_COMMAND, 2, DECODE | MASTER);
    ck_assert_uint_eq(board.claims, 0);
    wake();
    ck_assert_uint_eq(board.claims, 4);
    ck_assert_uint_eq(bridge_read(bridge, BRIDGE_PORT, 0xd000, 4), probe_value(1, 0, 4));
    ck_assert_uint_eq(bridge_read(bridge, BRIDGE_MEMORY, TABLE + 8, 4), 0x40);
    ck_assert_uint_eq(bridge_counters(bridge)->resets, 0);
    ck_assert_uint_eq(bridge_counters(bridge)->refused, 0);
}
END_TEST

START_TEST(asleep_it_is_no_master)
{
    static const struct tell tells[] = {{ACCESS_BUS_MASTER, 0}, {ACCESS_BUS_MASTER, 1}};

    ck_assert(bridge_bus_master(function));
    sleep_now();
    ck_assert(!bridge_bus_master(function));
    config_put(PLACE, PCI_COMMAND, 2, DECODE);
    config_put(PLACE, PCI_COMMAND, 2, DECODE | MASTER);
    sleep_now();
    ck_assert(!bridge_bus_master(function));
    wake();
    ck_assert(bridge_bus_master(function));
    wake();
    probe_is_told(&probe, 0, 2, tells);
}
END_TEST

START_TEST(asleep_no_message_goes_out)
{
    config_put(PLACE, MSIX_AT, 2, PCI_MSIX_ENABLE);
    sleep_now();
    bridge_msix(function, 0);
    ck_assert_uint_eq(board.messages, 0);
    wake();
    ck_assert_uint_eq(board.messages, 1);
    ck_assert_uint_eq(board.message[0].data, 0x40);
    config_put(PLACE, MSIX_AT, 2, 0);
    config_put(PLACE, MSI_CONTROL, 2, PCI_MSI_ENABLE);
    sleep_now();
    bridge_msi(function, 0);
    ck_assert_uint_eq(board.messages, 1);
    wake();
    ck_assert_uint_eq(board.messages, 2);
}
END_TEST

START_TEST(asleep_the_line_is_low)
{
    bridge_intx(function, true);
    ck_assert(board.level[PLACE >> 3][0]);
    sleep_now();
    ck_assert(!board.level[PLACE >> 3][0]);
    bridge_intx(function, false);
    bridge_intx(function, true);
    ck_assert(!board.level[PLACE >> 3][0]);
    wake();
    ck_assert(board.level[PLACE >> 3][0]);
}
END_TEST

/* §3.2.4: a write of a state that the function does not have changes nothing; neither does half a register. */
START_TEST(states_that_do_not_exist)
{
    for (unsigned state = 1; state <= 2; state++) {
        config_put(PLACE, CONTROL, 2, state);
        ck_assert_uint_eq(config_get(PLACE, CONTROL, 2), PCI_POWER_NO_SOFT_RESET);
        ck_assert_uint_eq(board.claims, 4);
        sleep_now();
        config_put(PLACE, CONTROL, 1, state);
        ck_assert_uint_eq(config_get(PLACE, CONTROL, 2), PCI_POWER_NO_SOFT_RESET | PCI_POWER_D3HOT);
        ck_assert_uint_eq(board.claims, 0);
        wake();
    }
    config_put(PLACE, CONTROL + 1, 1, 0xff);
    config_put(PLACE, CONTROL, 4, 0xffff0000 | PCI_POWER_D3HOT);
    ck_assert_uint_eq(config_get(PLACE, CONTROL, 4), PCI_POWER_NO_SOFT_RESET | PCI_POWER_D3HOT);
    ck_assert_uint_eq(board.claims, 0);
    config_put(PLACE, CONTROL - 1, 1, 0);
    ck_assert_uint_eq(board.claims, 0);
    ck_assert_uint_eq(bridge_counters(bridge)->resets, 0);
}
END_TEST

/* §3.2.4: without No_Soft_Reset the way back leads through a reset: once, and only that way. */
START_TEST(waking_may_reset)
{
    static const struct tell tells[] = {{ACCESS_BUS_MASTER, 0}, {ACCESS_RESET, IOREQD_RESET_D3HOT}};

    board_close();
    open_kind(IOREQD_POWER_RESETS);
    ck_assert_uint_eq(config_get(PLACE, CONTROL, 2), 0);
    wake();
    bridge_intx(function, true);
    sleep_now();
    sleep_now();
    config_put(PLACE, CONTROL, 2, 1);
    config_put(PLACE, CONTROL, 2, 2);
    ck_assert_uint_eq(probe.accesses, 1);
    wake();
    probe_is_told(&probe, 0, 2, tells);
    ck_assert_uint_eq(config_get(PLACE, CONTROL, 2), 0);
    ck_assert_uint_eq(config_get(PLACE, PCI_COMMAND, 2), 0);
    ck_assert_uint_eq(config_get(PLACE, BAR_REG(0), 4), 0);
    ck_assert_uint_eq(config_get(PLACE, PCI_ROM, 4), 0);
    ck_assert(!board.level[PLACE >> 3][0]);
    ck_assert_uint_eq(board.claims, 0);
    ck_assert_uint_eq(bridge_counters(bridge)->resets, 1);
}
END_TEST

/* Without power management there is no such register. */
START_TEST(some_never_sleep)
{
    board_close();
    open_kind(IOREQD_POWER_NONE);
    ck_assert_uint_eq(config_get(PLACE, MSI_AT + 1, 1), 0);
    sleep_now();
    ck_assert_uint_eq(board.claims, 4);
    ck_assert(bridge_bus_master(function));
}
END_TEST

/* A sleeping port forwards nothing in either direction; its configuration requests still do. */
START_TEST(a_port_sleeps)
{
    struct bridge_bus *secondary = board_add_port(0x10, 1);
    static struct probe behind_probe;
    struct bridge_function *behind = board_add_on(secondary, 0, &d, &behind_probe);

    config_put(0x10, PCI_PRIMARY_BUS, 4, 0x10100);
    config_put(0x10, PCI_MEMORY_BASE, 4, 0xfd00fd00);
    config_put(0x10, PCI_COMMAND, 2, PCI_COMMAND_MEMORY | MASTER);
    config_put(0x100, BAR_REG(0), 4, 0xfd000000);
    config_put(0x100, PCI_COMMAND, 2, PCI_COMMAND_MEMORY | MASTER);
    ck_assert(bridge_bus_master(behind));
    ck_assert(board_has_claim(BRIDGE_MEMORY, 0xfd000000, 0xfd000fff));
    config_put(0x10, 0x44, 2, PCI_POWER_D3HOT);
    ck_assert_uint_eq(config_get(0x10, 0x44, 2), PCI_POWER_NO_SOFT_RESET | PCI_POWER_D3HOT);
    ck_assert(!bridge_bus_master(behind));
    ck_assert_uint_eq(board.claims, 4);
    config_put(0x10, 0x44, 2, PCI_POWER_D0);
    ck_assert(bridge_bus_master(behind));
    ck_assert_uint_eq(board.claims, 5);
}
END_TEST

/* PCI 3.0 §6.8.3.3: MSI-X before MSI before the pin; the device hears of each change, once, in order. */
START_TEST(interrupt_modes_are_told)
{
    static const struct tell tells[] = {
        {ACCESS_INTERRUPT_MODE, IOREQD_INTERRUPT_NONE},
        {ACCESS_INTERRUPT_MODE, IOREQD_INTERRUPT_MSI},
        {ACCESS_INTERRUPT_MODE, IOREQD_INTERRUPT_MSIX},
        {ACCESS_INTERRUPT_MODE, IOREQD_INTERRUPT_MSI},
        {ACCESS_INTERRUPT_MODE, IOREQD_INTERRUPT_NONE},
        {ACCESS_INTERRUPT_MODE, IOREQD_INTERRUPT_INTX},
        {ACCESS_BUS_MASTER, 0},
    };

    ck_assert_int_eq(bridge_interrupt_mode(function), IOREQD_INTERRUPT_INTX);
    config_put(PLACE, PCI_COMMAND, 2, MASTER | PCI_COMMAND_INTX_DISABLE);
    ck_assert_int_eq(bridge_interrupt_mode(function), IOREQD_INTERRUPT_NONE);
    config_put(PLACE, MSI_CONTROL, 2, PCI_MSI_ENABLE);
    config_put(PLACE, MSI_CONTROL, 2, PCI_MSI_ENABLE | 1 << PCI_MSI_GRANTED_SHIFT);
    config_put(PLACE, MSIX_AT, 2, PCI_MSIX_ENABLE);
    config_put(PLACE, MSIX_AT, 2, PCI_MSIX_ENABLE | PCI_MSIX_FUNCTION_MASK);
    config_put(PLACE, PCI_COMMAND, 2, MASTER);
    config_put(PLACE, PCI_COMMAND, 2, MASTER | PCI_COMMAND_INTX_DISABLE);
    ck_assert_int_eq(bridge_interrupt_mode(function), IOREQD_INTERRUPT_MSIX);
    config_put(PLACE, MSIX_AT, 2, 0);
    config_put(PLACE, MSI_CONTROL, 2, 0);
    config_put(PLACE, PCI_COMMAND, 2, MASTER);
    config_put(PLACE, PCI_COMMAND, 2, 0);
    probe_is_told(&probe, 0, 7, tells);
}
END_TEST

TCase *power_tests(void)
{
    TCase *group = tcase_create("power management");

    tcase_add_checked_fixture(group, open_keeping, board_close);
    tcase_add_test(group, asleep_nothing_decodes);
    tcase_add_test(group, asleep_it_is_no_master);
    tcase_add_test(group, asleep_no_message_goes_out);
    tcase_add_test(group, asleep_the_line_is_low);
    tcase_add_test(group, states_that_do_not_exist);
    tcase_add_test(group, waking_may_reset);
    tcase_add_test(group, some_never_sleep);
    tcase_add_test(group, a_port_sleeps);
    tcase_add_test(group, interrupt_modes_are_told);
    return group;
}
