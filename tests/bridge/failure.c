/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A device that failed (bridge_fail()): for its guest it is as if it had been pulled out, until a reset of its bus
 * (PCI-to-PCI Bridge 1.2 §3.2.5.18). Any thread may say so.
 */
#include <sched.h>
#include <string.h>

#include "tests/bridge/board.h"

#define PORT    0x10u
#define BEHIND  0x100u
#define TABLE   UINT64_C(0xfe000000)
#define MEMORY  UINT64_C(0xfe001000)
#define MSIX_AT (0x40u + PCI_MSIX_CONTROL)
#define DEVICE  (0x6cu + PCI_EXPRESS_DEVICE_CONTROL)
#define ROUNDS  200u

static struct probe probe;
static struct bridge_function *function;
static struct bridge_function *beside;
static atomic_uint round_of_both;
static atomic_uint round_of_thread;

static const struct ioreqd_description full = {
    .struct_size = sizeof(full),
    .vendor = 0x1af4,
    .intx = 1,
    .msix = 2,
    .msix_bar = 0,
    .msi = 4,
    .express = 1,
    .bar = {[1] = {.kind = IOREQD_BAR_MEM32, .min_access = 1, .max_access = 4, .size = 0x1000}},
};

static void set_up(void)
{
    config_put(BEHIND, BAR_REG(0), 4, TABLE);
    config_put(BEHIND, BAR_REG(1), 4, MEMORY);
    config_put(BEHIND, PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_BUS_MASTER);
    bridge_write(bridge, BRIDGE_MEMORY, TABLE, 4, 0xfee00000);
    bridge_write(bridge, BRIDGE_MEMORY, TABLE + 12, 4, 0);
}

static void open_used(void)
{
    struct bridge_bus *secondary;

    memset(&probe, 0, sizeof(probe));
    board_open();
    secondary = board_add_port(PORT, 1);
    config_put(PORT, PCI_PRIMARY_BUS, 4, 0x10100);
    config_put(PORT, PCI_MEMORY_BASE, 4, 0xfe00fe00);
    config_put(PORT, PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_BUS_MASTER);
    function = board_add_on(secondary, 0, &full, &probe);
    beside = board_add_on(secondary, 1, &full, NULL);
    set_up();
}

static void reset_bus(void)
{
    config_put(PORT, PCI_BRIDGE_CONTROL, 2, PCI_BRIDGE_BUS_RESET);
    config_put(PORT, PCI_BRIDGE_CONTROL, 2, 0);
}

START_TEST(it_reads_all_ones_and_takes_nothing)
{
    bridge_fail(function);
    ck_assert_uint_eq(config_get(BEHIND, 0, 4), 0xffffffff);
    ck_assert_uint_eq(config_get(BEHIND, PCI_STATUS, 2), 0xffff);
    ck_assert_uint_eq(config_get(BEHIND, 0x100, 4), 0xffffffff);
    ck_assert_uint_eq(bridge_read(bridge, BRIDGE_MEMORY, MEMORY, 4), 0xffffffff);
    ck_assert_uint_eq(bridge_read(bridge, BRIDGE_MEMORY, TABLE, 8), UINT64_MAX);
    bridge_write(bridge, BRIDGE_MEMORY, MEMORY, 4, 1);
    config_put(BEHIND, DEVICE, 2, PCI_EXPRESS_CONTROL_RESET);
    config_put(BEHIND, PCI_COMMAND, 2, 0);
    ck_assert_uint_eq(probe.accesses, 0);
    ck_assert_uint_eq(bridge_counters(bridge)->resets, 0);
    ck_assert(!bridge_bus_master(function));
    ck_assert_uint_eq(config_get(BEHIND + 1, 0, 2), 0x1af4);
    ck_assert_uint_eq(config_get(PORT, 0, 2), 0x1b36);
}
END_TEST

START_TEST(it_raises_nothing)
{
    bridge_intx(function, true);
    bridge_intx(beside, true);
    ck_assert(board.level[PORT >> 3][0]);
    bridge_intx(beside, false);
    bridge_fail(function);
    ck_assert(!board.level[PORT >> 3][0]);
    bridge_intx(function, false);
    bridge_intx(function, true);
    ck_assert(!board.level[PORT >> 3][0]);
    ck_assert_uint_eq(board.line_changes, 2);
}
END_TEST

/* Neither new messages nor those that pended, whatever the guest does to the port above. */
START_TEST(it_sends_nothing)
{
    config_put(BEHIND, MSIX_AT, 2, PCI_MSIX_ENABLE | PCI_MSIX_FUNCTION_MASK);
    config_put(BEHIND, 0x4c + PCI_MSI_CONTROL, 2, PCI_MSI_ENABLE);
    bridge_msix(function, 0);
    config_put(PORT, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
    config_put(BEHIND, MSIX_AT, 2, PCI_MSIX_ENABLE);
    bridge_msi(function, 0);
    bridge_fail(function);
    config_put(PORT, PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_BUS_MASTER);
    config_put(BEHIND, MSIX_AT, 2, PCI_MSIX_ENABLE);
    bridge_msix(function, 0);
    bridge_msi(function, 0);
    ck_assert_uint_eq(board.messages, 0);
    ck_assert(!bridge_bus_master(function));
}
END_TEST

START_TEST(a_reset_of_the_bus_brings_it_back)
{
    probe.tells = true;
    bridge_intx(function, true);
    bridge_fail(function);
    bridge_fail(function);
    config_put(PORT, PCI_BRIDGE_CONTROL, 2, PCI_BRIDGE_BUS_RESET);
    probe_saw(&probe, probe.accesses - 1, ACCESS_RESET, 0, 0, 0, IOREQD_RESET_BUS);
    ck_assert_uint_eq(config_get(BEHIND, 0, 4), 0xffffffff);
    config_put(PORT, PCI_BRIDGE_CONTROL, 2, 0);
    ck_assert_uint_eq(config_get(BEHIND, 0, 4), 0x00001af4);
    ck_assert_uint_eq(config_get(BEHIND, PCI_COMMAND, 2), 0);
    ck_assert_uint_eq(board.claims, 0);
    set_up();
    ck_assert_uint_eq(bridge_read(bridge, BRIDGE_MEMORY, MEMORY, 4), probe_value(1, 0, 4));
    ck_assert(bridge_bus_master(function));
    ck_assert(!board.level[PORT >> 3][0]);
    config_put(BEHIND, MSIX_AT, 2, PCI_MSIX_ENABLE);
    bridge_msix(function, 0);
    ck_assert_uint_eq(board.messages, 1);
}
END_TEST

/* It can be taken away as it is, and others get its places. */
START_TEST(it_can_be_removed)
{
    bridge_intx(function, true);
    bridge_fail(function);
    config_put(BEHIND + 1, BAR_REG(1), 4, MEMORY);
    config_put(BEHIND + 1, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
    bridge_remove_function(function);
    ck_assert_uint_eq(board.claims, 1);
    ck_assert_uint_eq(bridge_read(bridge, BRIDGE_MEMORY, MEMORY, 4), probe_value(1, 0, 4));
}
END_TEST

/* One thread fails it again and again while it raises what it can; the guest uses it and resets the bus. */
static void *fail_often(void *argument)
{
    (void)argument;
    for (unsigned round = 1; round <= ROUNDS; round++) {
        while (atomic_load(&round_of_both) < round) {
            sched_yield();
        }
        bridge_intx(function, true);
        bridge_msix(function, 0);
        bridge_fail(function);
        bridge_msix(function, 1);
        bridge_msi(function, 1);
        bridge_intx(function, round % 2 == 0);
        (void)bridge_bus_master(function);
        atomic_store(&round_of_thread, round);
    }
    return NULL;
}

START_TEST(any_thread_may_say_so)
{
    pthread_t thread;

    atomic_store(&round_of_both, 0);
    atomic_store(&round_of_thread, 0);
    ck_assert_int_eq(pthread_create(&thread, NULL, fail_often, NULL), 0);
    for (unsigned round = 1; round <= ROUNDS; round++) {
        set_up();
        config_put(BEHIND, MSIX_AT, 2, PCI_MSIX_ENABLE);
        ck_assert_uint_eq(config_get(BEHIND, MSIX_AT, 2), PCI_MSIX_ENABLE | 1);
        atomic_store(&round_of_both, round);
        do {
            config_put(PORT, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
            (void)config_get(BEHIND, PCI_STATUS, 4);
            (void)bridge_read(bridge, BRIDGE_MEMORY, MEMORY, 4);
            config_put(PORT, PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_BUS_MASTER);
            probe.accesses = 0;
        } while (atomic_load(&round_of_thread) < round);
        unsigned messages = board.messages;

        ck_assert_uint_eq(config_get(BEHIND, 0, 4), 0xffffffff);
        bridge_msix(function, 0);
        ck_assert(!board.level[PORT >> 3][0]);
        ck_assert_uint_eq(board.messages, messages);
        reset_bus();
    }
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
}
END_TEST

TCase *failure_tests(void)
{
    TCase *group = tcase_create("failures");

    tcase_add_checked_fixture(group, open_used, board_close);
    tcase_set_timeout(group, 60);
    tcase_add_test(group, it_reads_all_ones_and_takes_nothing);
    tcase_add_test(group, it_raises_nothing);
    tcase_add_test(group, it_sends_nothing);
    tcase_add_test(group, a_reset_of_the_bus_brings_it_back);
    tcase_add_test(group, it_can_be_removed);
    tcase_add_test(group, any_thread_may_say_so);
    return group;
}
