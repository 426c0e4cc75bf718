/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * INTx: the shared line of a device's functions and its gates (PCI 3.0 §2.2.6, §6.2.2, §6.2.3, §6.8.3.3).
 */
#include "tests/bridge/board.h"

#define DEVICE  (PLACE >> 3)
#define CONTROL (0x40u + PCI_MSIX_CONTROL)

static struct probe probe;
static struct bridge_function *first;
static struct bridge_function *second;

static const struct ioreqd_description pin = {
    .struct_size = sizeof(pin),
    .vendor = 0x1af4,
    .intx = 1,
    .msix = 1,
    .msix_bar = 0,
};

static void open_two(void)
{
    board_open();
    first = board_add(PLACE, &pin, &probe);
    second = board_add(PLACE + 3, &pin, &probe);
}

static bool level(void)
{
    return board.level[DEVICE][0];
}

/* §2.2.6: level-sensitive; the platform hears of changes only. */
START_TEST(the_line_follows_the_device)
{
    bridge_intx(first, true);
    bridge_intx(first, true);
    ck_assert(level());
    ck_assert_uint_eq(board.line_changes, 1);
    bridge_intx(first, false);
    bridge_intx(first, false);
    ck_assert(!level());
    ck_assert_uint_eq(board.line_changes, 2);
    for (unsigned i = 0; i < 32; i++) {
        ck_assert(!board.level[i][1] && !board.level[i][2] && !board.level[i][3]);
    }
}
END_TEST

/* §2.2.6: functions of a device may share a pin: wired OR. */
START_TEST(functions_share_the_line)
{
    bridge_intx(first, true);
    bridge_intx(second, true);
    bridge_intx(first, false);
    ck_assert(level());
    bridge_intx(second, false);
    ck_assert(!level());
    ck_assert_uint_eq(board.line_changes, 2);
}
END_TEST

/* Other devices have other lines. */
START_TEST(devices_do_not_share)
{
    struct bridge_function *other = board_add(PLACE + 8, &pin, &probe);

    bridge_intx(other, true);
    ck_assert(!level());
    ck_assert(board.level[DEVICE + 1][0]);
    bridge_intx(first, true);
    bridge_intx(other, false);
    ck_assert(level());
    ck_assert(!board.level[DEVICE + 1][0]);
}
END_TEST

/* §6.2.2 bit 10 holds the line down; §6.2.3 bit 3 shows the interrupt all the same. */
START_TEST(interrupt_disable)
{
    ck_assert_uint_eq(config_get(PLACE, PCI_STATUS, 2) & PCI_STATUS_INTERRUPT, 0);
    bridge_intx(first, true);
    ck_assert_uint_eq(config_get(PLACE, PCI_STATUS, 2) & PCI_STATUS_INTERRUPT, PCI_STATUS_INTERRUPT);
    ck_assert_uint_eq(config_get(PLACE + 3, PCI_STATUS, 2) & PCI_STATUS_INTERRUPT, 0);
    config_put(PLACE, PCI_COMMAND, 2, PCI_COMMAND_INTX_DISABLE);
    ck_assert(!level());
    ck_assert_uint_eq(config_get(PLACE, PCI_COMMAND, 4) >> 16 & PCI_STATUS_INTERRUPT, PCI_STATUS_INTERRUPT);
    config_put(PLACE, PCI_COMMAND + 1, 1, 0);
    ck_assert(level());
    config_put(PLACE, PCI_COMMAND, 2, PCI_COMMAND_INTX_DISABLE);
    bridge_intx(first, false);
    bridge_intx(second, true);
    ck_assert(level());
    ck_assert_uint_eq(config_get(PLACE, PCI_STATUS, 1) & PCI_STATUS_INTERRUPT, 0);
}
END_TEST

/* §6.2.3: the status bit is read-only. */
START_TEST(the_status_bit_is_read_only)
{
    bridge_intx(first, true);
    config_put(PLACE, PCI_STATUS, 2, 0xffff);
    ck_assert_uint_eq(config_get(PLACE, PCI_STATUS, 2) & PCI_STATUS_INTERRUPT, PCI_STATUS_INTERRUPT);
    bridge_intx(first, false);
    config_put(PLACE, PCI_STATUS, 2, PCI_STATUS_INTERRUPT);
    ck_assert_uint_eq(config_get(PLACE, PCI_STATUS, 2) & PCI_STATUS_INTERRUPT, 0);
}
END_TEST

/* §6.8.3.3: a function with MSI-X enabled must not use its pin; another function still may. */
START_TEST(msix_gates_the_line)
{
    bridge_intx(first, true);
    config_put(PLACE, CONTROL, 2, PCI_MSIX_ENABLE);
    ck_assert(!level());
    bridge_intx(first, false);
    bridge_intx(first, true);
    ck_assert(!level());
    bridge_intx(second, true);
    ck_assert(level());
    bridge_intx(second, false);
    ck_assert(!level());
    config_put(PLACE, CONTROL, 2, 0);
    ck_assert(level());
}
END_TEST

START_TEST(the_line_falls_with_its_function)
{
    bridge_intx(first, true);
    bridge_intx(second, true);
    bridge_remove_function(second);
    ck_assert(level());
    bridge_remove_function(first);
    ck_assert(!level());
}
END_TEST

/* §6.2.4: a function whose pin register is 0 has no line, whatever its model says. */
START_TEST(no_pin_no_line)
{
    static const struct ioreqd_description without = {.struct_size = sizeof(without), .vendor = 1};
    struct bridge_function *function = board_add(PLACE + 8, &without, &probe);

    bridge_intx(function, true);
    ck_assert_uint_eq(board.line_changes, 0);
    ck_assert_uint_eq(config_get(PLACE + 8, PCI_STATUS, 2) & PCI_STATUS_INTERRUPT, 0);
}
END_TEST

/* §6.2.4: where lines lead nowhere, the function shows no pin, so that no driver waits for one. */
START_TEST(a_platform_without_lines)
{
    struct bridge_platform none = board_platform;
    struct bridge_function *function;
    struct bridge_host_config config;
    struct bridge_host *lone;
    struct bridge *deaf;

    none.intx = NULL;
    deaf = bridge_create(&none, &board);
    bridge_default_host(&config, false, true);
    ck_assert_int_eq(bridge_add_host(deaf, &config, &lone), 0);
    ck_assert_int_eq(bridge_add_function(bridge_root_bus(lone), PLACE + 8, &pin, &probe_ops, &probe, &function), 0);
    ck_assert_uint_eq(bridge_config_read(deaf, PLACE + 8, PCI_INTERRUPT_PIN, 1), 0);
    bridge_intx(function, true);
    bridge_config_write(deaf, PLACE + 8, PCI_COMMAND, 2, PCI_COMMAND_INTX_DISABLE);
    ck_assert_uint_eq(bridge_config_read(deaf, PLACE + 8, PCI_COMMAND, 4), PCI_STATUS_CAPABILITIES << 16);
    bridge_destroy(deaf);
    ck_assert_uint_eq(board.line_changes, 0);
}
END_TEST

TCase *intx_tests(void)
{
    TCase *group = tcase_create("INTx");

    tcase_add_checked_fixture(group, open_two, board_close);
    tcase_add_test(group, the_line_follows_the_device);
    tcase_add_test(group, functions_share_the_line);
    tcase_add_test(group, devices_do_not_share);
    tcase_add_test(group, interrupt_disable);
    tcase_add_test(group, the_status_bit_is_read_only);
    tcase_add_test(group, msix_gates_the_line);
    tcase_add_test(group, the_line_falls_with_its_function);
    tcase_add_test(group, no_pin_no_line);
    tcase_add_test(group, a_platform_without_lines);
    return group;
}
