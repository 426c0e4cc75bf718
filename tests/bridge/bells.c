/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Doorbells: recognised by the bridge, kept until the guest has been answered (struct ioreqd_bell, bridge.h).
 */
#include "tests/bridge/board.h"

#define BASE UINT64_C(0xfe000000)

static struct probe probe;
static struct bridge_function *function;

static const struct ioreqd_bell rows[] = {
    {.bar = 0, .size = 2, .count = 4, .first_queue = 0, .stride = 4, .offset = 0x100},
    {.bar = 0, .size = 4, .count = 2, .first_queue = 4, .stride = 8, .offset = 0x200},
    {.bar = 2, .size = 1, .count = 1, .first_queue = 6, .stride = 1, .offset = 0xf},
};

static const struct ioreqd_description ringing = {
    .struct_size = sizeof(ringing),
    .vendor = 0x1af4,
    .queues = 7,
    .bells = 3,
    .bell = rows,
    .bar = {[0] = {.kind = IOREQD_BAR_MEM64, .min_access = 1, .max_access = 4, .size = 0x1000},
            [2] = {.kind = IOREQD_BAR_IO, .min_access = 1, .max_access = 4, .size = 16}},
};

static void open_ringing(void)
{
    board_open();
    function = board_add(PLACE, &ringing, &probe);
    config_put(PLACE, BAR_REG(0), 4, BASE);
    config_put(PLACE, BAR_REG(2), 4, 0xc000);
    config_put(PLACE, PCI_COMMAND, 2, PCI_COMMAND_IO | PCI_COMMAND_MEMORY);
}

static void ring(uint64_t offset, unsigned size, uint64_t value)
{
    bridge_write(bridge, BRIDGE_MEMORY, BASE + offset, size, value);
}

START_TEST(a_bell_waits_for_the_answer)
{
    ring(0x108, 2, 0x1234);
    ck_assert_uint_eq(probe.accesses, 0);
    bridge_deliver_bell(bridge);
    ck_assert_uint_eq(probe.accesses, 1);
    probe_saw(&probe, 0, ACCESS_BELL, 2, 0, 0, 0x1234);
    bridge_deliver_bell(bridge);
    ck_assert_uint_eq(probe.accesses, 1);
}
END_TEST

/* Any write of at least the bell's size at its place rings, with the value cut to what was written. */
START_TEST(which_writes_ring)
{
    static const struct {
        uint64_t offset;
        unsigned size;
        unsigned queue;
        uint32_t value;
    } ringing_writes[] = {
        {0x100, 2, 0, 0x7788},     {0x10c, 4, 3, 0x55667788}, {0x200, 4, 4, 0x55667788},
        {0x208, 8, 5, 0x55667788}, {0x200, 8, 4, 0x55667788}, {0x108, 8, 2, 0x55667788},
    };
    static const struct {
        uint64_t offset;
        unsigned size;
    } other_writes[] = {{0x100, 1}, {0x102, 2}, {0x110, 2}, {0xfc, 4}, {0x200, 2}, {0x204, 4}, {0x210, 4}};

    for (unsigned i = 0; i < sizeof(ringing_writes) / sizeof(ringing_writes[0]); i++) {
        ring(ringing_writes[i].offset, ringing_writes[i].size, UINT64_C(0x1122334455667788));
        bridge_deliver_bell(bridge);
        probe_saw(&probe, i, ACCESS_BELL, ringing_writes[i].queue, 0, 0, ringing_writes[i].value);
        ck_assert_uint_eq(probe.accesses, i + 1);
    }
    probe.accesses = 0;
    for (unsigned i = 0; i < sizeof(other_writes) / sizeof(other_writes[0]); i++) {
        ring(other_writes[i].offset, other_writes[i].size, 1);
        bridge_deliver_bell(bridge);
        probe_saw(&probe, i, ACCESS_WRITE, 0, other_writes[i].offset, other_writes[i].size, 1);
    }
    ck_assert_uint_eq(bridge_counters(bridge)->misfit, 0);
}
END_TEST

START_TEST(ports_ring_too)
{
    bridge_write(bridge, BRIDGE_PORT, 0xc00f, 1, 0xab);
    bridge_deliver_bell(bridge);
    probe_saw(&probe, 0, ACCESS_BELL, 6, 0, 0, 0xab);
}
END_TEST

/* Doorbells are write-only: reads go to the device. An unaligned write rings nothing. */
START_TEST(reads_and_misfits_do_not_ring)
{
    ck_assert_uint_eq(bridge_read(bridge, BRIDGE_MEMORY, BASE + 0x100, 2), probe_value(0, 0x100, 2));
    ring(0x103, 2, 1);
    ring(0x101, 4, 1);
    bridge_deliver_bell(bridge);
    ck_assert_uint_eq(probe.accesses, 1);
    ck_assert_uint_eq(bridge_counters(bridge)->misfit, 2);
}
END_TEST

/* A string instruction is one request: bells that it rang before its last are handed on at once, in order. */
START_TEST(several_bells_of_one_request)
{
    for (unsigned i = 0; i < 4; i++) {
        ring(0x100 + 4 * i, 4, 0x10 + i);
    }
    ck_assert_uint_eq(probe.accesses, 3);
    bridge_deliver_bell(bridge);
    ck_assert_uint_eq(probe.accesses, 4);
    for (unsigned i = 0; i < 4; i++) {
        probe_saw(&probe, i, ACCESS_BELL, i, 0, 0, 0x10 + i);
    }
}
END_TEST

/* A bell of a function that has gone is nobody's. */
START_TEST(removal_forgets_the_bell)
{
    ring(0x100, 2, 1);
    bridge_remove_function(function);
    bridge_deliver_bell(bridge);
    ck_assert_uint_eq(probe.accesses, 0);
}
END_TEST

TCase *bell_tests(void)
{
    TCase *group = tcase_create("doorbells");

    tcase_add_checked_fixture(group, open_ringing, board_close);
    tcase_add_test(group, a_bell_waits_for_the_answer);
    tcase_add_test(group, which_writes_ring);
    tcase_add_test(group, ports_ring_too);
    tcase_add_test(group, reads_and_misfits_do_not_ring);
    tcase_add_test(group, several_bells_of_one_request);
    tcase_add_test(group, removal_forgets_the_bell);
    return group;
}
