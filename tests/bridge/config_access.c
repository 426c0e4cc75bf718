/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which configuration accesses are served, and places for functions (PCI 3.0 §3.2.2.3, §6.1, §6.2.1).
 */
#include <errno.h>

#include "tests/bridge/board.h"

static struct probe probe;

static const struct ioreqd_description plain = {
    .struct_size = sizeof(plain),
    .vendor = 0x1af4,
    .device = 0x1042,
    .revision = 5,
    .intx = 1,
    .bar = {{.kind = IOREQD_BAR_MEM32, .min_access = 1, .max_access = 4, .size = 4096}},
};

/* §6.1: an absent function reads as all ones and drops writes. */
START_TEST(absent_function_reads_ones)
{
    static const uint16_t absent[] = {0x00, PLACE + 1, PLACE + 8, 0xff, 0x100, 0x108, 0xffff};

    board_add(PLACE, &plain, &probe);
    for (unsigned i = 0; i < sizeof(absent) / sizeof(absent[0]); i++) {
        ck_assert_uint_eq(config_get(absent[i], 0, 4), 0xffffffff);
        ck_assert_uint_eq(config_get(absent[i], 0, 2), 0xffff);
        ck_assert_uint_eq(config_get(absent[i], 3, 1), 0xff);
        config_put(absent[i], PCI_COMMAND, 2, 7);
    }
    ck_assert_uint_eq(config_get(PLACE, PCI_COMMAND, 2), 0);
    ck_assert_uint_eq(bridge_counters(bridge)->unclaimed, 4 * sizeof(absent) / sizeof(absent[0]));
}
END_TEST

/* §3.2.2.3: byte enables select bytes of one dword; there is no other access. */
START_TEST(access_stays_in_its_dword)
{
    board_add(PLACE, &plain, &probe);
    ck_assert_uint_eq(config_get(PLACE, 1, 2), 0x421a);
    ck_assert_uint_eq(config_get(PLACE, 3, 2), 0xffff);
    ck_assert_uint_eq(config_get(PLACE, 2, 4), 0xffffffff);
    ck_assert_uint_eq(config_get(PLACE, 1, 4), 0xffffffff);
    ck_assert_uint_eq(config_get(PLACE, 0, 8), 0xffffffff);
    ck_assert_uint_eq(bridge_counters(bridge)->unclaimed, 4);
    config_put(PLACE, PCI_BAR0 - 1, 2, 0xffff);
    config_put(PLACE, PCI_BAR0 + 2, 4, 0xffffffff);
    config_put(PLACE, PCI_BAR0, 8, 0xffffffff);
    ck_assert_uint_eq(config_get(PLACE, PCI_BAR0, 4), 0);
    ck_assert_uint_eq(bridge_counters(bridge)->unclaimed, 7);
}
END_TEST

/* §6.1: there are 256 bytes. */
START_TEST(nothing_beyond_256_bytes)
{
    board_add(PLACE, &plain, &probe);
    ck_assert_uint_eq(config_get(PLACE, 0xfc, 4), 0);
    ck_assert_uint_eq(config_get(PLACE, 0xff, 1), 0);
    ck_assert_uint_eq(config_get(PLACE, 0x100, 4), 0xffffffff);
    ck_assert_uint_eq(config_get(PLACE, 0x100, 1), 0xff);
    ck_assert_uint_eq(config_get(PLACE, 0xfffffffc, 4), 0xffffffff);
    config_put(PLACE, 0x100 + PCI_BAR0, 4, 0xffffffff);
    config_put(PLACE, 0xffffffff, 1, 0xff);
    ck_assert_uint_eq(config_get(PLACE, PCI_BAR0, 4), 0);
}
END_TEST

/* Of the function what it served, once for each access of the guest, and of the bridge all. */
START_TEST(accesses_are_counted)
{
    const struct bridge_function_counters *own = bridge_function_counters(board_add(PLACE, &plain, &probe));
    const struct bridge_counters *all = bridge_counters(bridge);

    ck_assert_uint_eq(all->config_reads + all->config_writes, 0);
    config_get(PLACE, 0, 4);
    config_get(PLACE, 1, 2); /* which the function serves as two */
    config_put(PLACE, PCI_COMMAND, 2, 0);
    ck_assert_uint_eq(own->config_reads, 2);
    ck_assert_uint_eq(own->config_writes, 1);
    ck_assert_uint_eq(all->config_reads, 2);
    ck_assert_uint_eq(all->config_writes, 1);
    config_get(PLACE + 8, 0, 4); /* nobody is there */
    config_get(PLACE, 2, 4);     /* no such access */
    config_get(0x1000000, 0, 4); /* no such segment */
    config_put(0x1000000, 0, 4, 0);
    ck_assert_uint_eq(own->config_reads, 2);
    ck_assert_uint_eq(own->config_writes, 1);
    ck_assert_uint_eq(all->config_reads, 5);
    ck_assert_uint_eq(all->config_writes, 2);
}
END_TEST

/* §6.2.1: bit 7 of the header type of function 0, while the device has other functions. */
START_TEST(multifunction_bit_follows)
{
    struct bridge_function *seventh = board_add(PLACE + 7, &plain, &probe);
    struct bridge_function *zeroth = board_add(PLACE, &plain, &probe);

    ck_assert_uint_eq(config_get(PLACE, PCI_HEADER_TYPE, 1), 0x80);
    ck_assert_uint_eq(config_get(PLACE + 7, PCI_HEADER_TYPE, 1), 0);
    bridge_remove_function(seventh);
    ck_assert_uint_eq(config_get(PLACE, PCI_HEADER_TYPE, 1), 0);
    board_add(PLACE + 8, &plain, &probe); /* another device's function */
    ck_assert_uint_eq(config_get(PLACE, PCI_HEADER_TYPE, 1), 0);
    seventh = board_add(PLACE + 1, &plain, &probe);
    ck_assert_uint_eq(config_get(PLACE, PCI_HEADER_TYPE, 1), 0x80);
    bridge_remove_function(zeroth);
    ck_assert_uint_eq(config_get(PLACE, PCI_HEADER_TYPE, 1), 0xff);
    ck_assert_uint_eq(config_get(PLACE + 1, PCI_HEADER_TYPE, 1), 0);
}
END_TEST

/* What the contract of bridge_add_function() promises. */
START_TEST(a_place_is_taken_once)
{
    struct bridge_function *function;
    struct ioreqd_description bad = plain;

    board_add(PLACE, &plain, &probe);
    ck_assert_int_eq(bridge_add_function(bridge_root_bus(host), PLACE, &plain, &probe_ops, &probe, &function), -EEXIST);
    bad.vendor = 0xffff;
    ck_assert_int_eq(bridge_add_function(bridge_root_bus(host), PLACE + 1, &bad, &probe_ops, &probe, &function),
                     -EINVAL);
    board.claim_function_error = -EPERM;
    ck_assert_int_eq(bridge_add_function(bridge_root_bus(host), PLACE + 1, &plain, &probe_ops, &probe, &function),
                     -EPERM);
    ck_assert_uint_eq(config_get(PLACE + 1, 0, 4), 0xffffffff);
    ck_assert_uint_eq(config_get(PLACE, PCI_HEADER_TYPE, 1), 0);
    board.claim_function_error = 0;
    ck_assert_int_eq(bridge_add_function(bridge_root_bus(host), PLACE + 1, &plain, &probe_ops, &probe, NULL), 0);
}
END_TEST

/* §6.2.2: the device sees what the guest lets it do. */
START_TEST(bus_master_bit_is_told)
{
    struct bridge_function *function = board_add(PLACE, &plain, &probe);

    ck_assert(!bridge_bus_master(function));
    config_put(PLACE, PCI_COMMAND, 2, PCI_COMMAND_BUS_MASTER);
    ck_assert(bridge_bus_master(function));
    config_put(PLACE, PCI_COMMAND + 1, 1, 0);
    ck_assert(bridge_bus_master(function));
    config_put(PLACE, PCI_COMMAND, 1, PCI_COMMAND_MEMORY);
    ck_assert(!bridge_bus_master(function));
}
END_TEST

TCase *config_access_tests(void)
{
    TCase *group = tcase_create("configuration accesses");

    tcase_add_checked_fixture(group, board_open, board_close);
    tcase_add_test(group, absent_function_reads_ones);
    tcase_add_test(group, access_stays_in_its_dword);
    tcase_add_test(group, nothing_beyond_256_bytes);
    tcase_add_test(group, accesses_are_counted);
    tcase_add_test(group, multifunction_bit_follows);
    tcase_add_test(group, a_place_is_taken_once);
    tcase_add_test(group, bus_master_bit_is_told);
    return group;
}
