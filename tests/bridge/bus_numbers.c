/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The numbers that a guest gives to the buses behind ports: who answers to which, and what the platform routes to us
 * (PCI-to-PCI Bridge 1.2 §3.2.5.3, §3.2.5.4).
 */
#include <errno.h>

#include "tests/bridge/board.h"

#define FIRST  0x10u
#define SECOND 0x18u

static struct probe probe;
static struct bridge_bus *bus[2];
static struct bridge_function *behind[2];

static const struct ioreqd_description one = {.struct_size = sizeof(one), .vendor = 0x1af4, .device = 1};
static const struct ioreqd_description two = {.struct_size = sizeof(two), .vendor = 0x1af4, .device = 2};

static void open_ports(void)
{
    struct bridge_host_config config;

    board_open_empty();
    bridge_default_host(&config, false, true);
    config.last_bus = 0x7f;
    host = board_add_host(&config);
    bus[0] = board_add_port(FIRST, 1);
    bus[1] = board_add_port(SECOND, 2);
    behind[0] = board_add_on(bus[0], 0, &one, &probe);
    behind[1] = board_add_on(bus[1], 0, &two, &probe);
}

static void number(unsigned port, unsigned secondary, unsigned subordinate)
{
    config_put(port, PCI_PRIMARY_BUS, 4, subordinate << 16 | secondary << 8);
}

/* Who answers at device 0 of a bus, 1, 2 or 0 for nobody; and the platform routes to us just that. */
static unsigned at(unsigned on)
{
    uint32_t id = config_get(on << 8, PCI_DEVICE, 2);

    ck_assert_int_eq(board.claimed_function[on << 8], id != 0xffff);
    ck_assert_uint_eq(board.wrong_unclaims, 0);
    return id == 0xffff ? 0 : id;
}

static unsigned claimed(void)
{
    unsigned count = 0;

    for (unsigned i = 0x100; i < 65536; i++) {
        count += board.claimed_function[i];
    }
    return count;
}

START_TEST(without_a_number_nobody_answers)
{
    for (unsigned i = 1; i < 256; i++) {
        ck_assert_uint_eq(at(i), 0);
    }
    ck_assert_uint_eq(claimed(), 0);
    ck_assert_uint_eq(config_get(0, 0, 4), 0xffffffff); /* number 0 is the root bus */
}
END_TEST

START_TEST(numbers_lead_to_buses)
{
    number(FIRST, 1, 1);
    number(SECOND, 0x7f, 0x7f);
    ck_assert_uint_eq(at(1), 1);
    ck_assert_uint_eq(at(0x7f), 2);
    ck_assert_uint_eq(claimed(), 2);
    number(FIRST, 5, 9);
    ck_assert_uint_eq(at(1), 0);
    ck_assert_uint_eq(at(5), 1);
    ck_assert_uint_eq(at(6), 0); /* a bus behind which there are no others */
    ck_assert_uint_eq(claimed(), 2);
    number(SECOND, 0, 0);
    ck_assert_uint_eq(at(0x7f), 0);
    ck_assert_uint_eq(claimed(), 1);
}
END_TEST

/* Byte by byte, as older kernels write them; §3.2.5.4: the subordinate number bounds what the port forwards. */
START_TEST(numbers_may_come_in_bytes)
{
    config_put(FIRST, PCI_SECONDARY_BUS, 1, 3);
    ck_assert_uint_eq(at(3), 0);
    config_put(FIRST, PCI_SUBORDINATE_BUS, 1, 2);
    ck_assert_uint_eq(at(3), 0);
    config_put(FIRST, PCI_SUBORDINATE_BUS, 1, 3);
    ck_assert_uint_eq(at(3), 1);
    config_put(FIRST, PCI_PRIMARY_BUS, 1, 7);
    ck_assert_uint_eq(at(3), 1);
    config_put(FIRST, PCI_PRIMARY_BUS, 2, 0x0200);
    ck_assert_uint_eq(at(2), 1);
    config_put(FIRST, PCI_SECONDARY_BUS, 2, 0x0404);
    ck_assert_uint_eq(at(4), 1);
    ck_assert_uint_eq(claimed(), 1);
}
END_TEST

/* A guest's mistake: the first port has it, and the other when the first gives it up. */
START_TEST(two_ports_with_one_number)
{
    number(SECOND, 4, 4);
    ck_assert_uint_eq(at(4), 2);
    number(FIRST, 4, 4);
    ck_assert_uint_eq(at(4), 1);
    ck_assert_uint_eq(claimed(), 1);
    number(FIRST, 5, 5);
    ck_assert_uint_eq(at(4), 2);
    ck_assert_uint_eq(at(5), 1);
    number(SECOND, 5, 5);
    ck_assert_uint_eq(at(5), 1);
    ck_assert_uint_eq(at(4), 0);
    number(FIRST, 0, 0);
    ck_assert_uint_eq(at(5), 2);
}
END_TEST

/* Renumbering passes through states in which two ports have one number; at the end both are reached. */
START_TEST(two_ports_change_numbers)
{
    number(FIRST, 1, 1);
    number(SECOND, 2, 2);
    number(FIRST, 2, 2);
    number(SECOND, 1, 1);
    ck_assert_uint_eq(at(1), 2);
    ck_assert_uint_eq(at(2), 1);
    number(SECOND, 2, 2);
    number(FIRST, 1, 1);
    ck_assert_uint_eq(at(1), 1);
    ck_assert_uint_eq(at(2), 2);
    ck_assert_uint_eq(claimed(), 2);
}
END_TEST

START_TEST(numbers_outside_the_host_bridge)
{
    number(FIRST, 0x80, 0xff);
    ck_assert_uint_eq(at(0x80), 0);
    number(FIRST, 0xff, 0xff);
    ck_assert_uint_eq(at(0xff), 0);
    number(FIRST, 0x7f, 0xff);
    ck_assert_uint_eq(at(0x7f), 1);
    number(FIRST, 0, 0xff);
    ck_assert_uint_eq(claimed(), 0);
    ck_assert_uint_eq(config_get(FIRST, 0, 4), 0x000c1b36);
}
END_TEST

/* What comes to a numbered bus answers at once; what goes is claimed no more. */
START_TEST(functions_come_and_go)
{
    struct bridge_place place;

    number(FIRST, 1, 1);
    struct bridge_function *function = board_add_on(bus[0], 7, &two, &probe);

    ck_assert(board.claimed_function[0x107]);
    ck_assert_uint_eq(config_get(0x107, PCI_DEVICE, 2), 2);
    ck_assert_str_eq(bridge_place(function, &place), "0000:01:00.7");
    number(FIRST, 2, 2);
    ck_assert(!board.claimed_function[0x107] && board.claimed_function[0x207]);
    ck_assert_str_eq(bridge_place(function, &place), "0000:02:00.7");
    bridge_remove_function(function);
    ck_assert(!board.claimed_function[0x207]);
    ck_assert_uint_eq(config_get(0x207, PCI_DEVICE, 2), 0xffff);
    ck_assert_uint_eq(at(2), 1);
    bridge_remove_function(behind[0]);
    ck_assert_uint_eq(at(2), 0);
    behind[0] = board_add_on(bus[0], 0, &two, &probe);
    ck_assert_uint_eq(at(2), 2);
}
END_TEST

/* Somebody else has the number for the platform: that is said in the log, and tried again with the next number. */
START_TEST(the_platform_refuses_a_number)
{
    board.claim_function_error = -EBUSY;
    number(FIRST, 1, 1);
    ck_assert_uint_eq(claimed(), 0);
    board.claim_function_error = 0;
    number(FIRST, 2, 2);
    ck_assert_uint_eq(at(2), 1);
    ck_assert_uint_eq(claimed(), 1);
}
END_TEST

TCase *bus_number_tests(void)
{
    TCase *group = tcase_create("numbers of buses");

    tcase_add_checked_fixture(group, open_ports, board_close);
    tcase_add_test(group, without_a_number_nobody_answers);
    tcase_add_test(group, numbers_lead_to_buses);
    tcase_add_test(group, numbers_may_come_in_bytes);
    tcase_add_test(group, two_ports_with_one_number);
    tcase_add_test(group, two_ports_change_numbers);
    tcase_add_test(group, numbers_outside_the_host_bridge);
    tcase_add_test(group, functions_come_and_go);
    tcase_add_test(group, the_platform_refuses_a_number);
    return group;
}
