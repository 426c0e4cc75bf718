/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The bridge's own function and configuration mechanism 1 (PCI 3.0 §3.2.2.3.2).
 */
#include <errno.h>

#include "tests/bridge/board.h"

static int add_alone(void)
{
    struct bridge_host_config config;

    bridge_default_host(&config, true, true);
    return bridge_add_host(bridge, &config, &host);
}

static uint64_t port(unsigned at, unsigned size)
{
    return bridge_read(bridge, BRIDGE_PORT, at, size);
}

static void port_put(unsigned at, unsigned size, uint64_t value)
{
    bridge_write(bridge, BRIDGE_PORT, at, size, value);
}

/* Class 0600 at 00:00.0 is what operating systems look for. */
START_TEST(the_host_bridge_shows_itself)
{
    ck_assert_int_eq(add_alone(), 0);
    ck_assert(board_has_claim(BRIDGE_PORT, 0xcf8, 0xcfb));
    ck_assert(board.claimed_function[0]);
    ck_assert_uint_eq(config_get(0, 0, 4), 0x00081b36);
    ck_assert_uint_eq(config_get(0, 8, 4) >> 16, 0x0600);
    ck_assert_uint_eq(config_get(0, PCI_CAPABILITY_POINTER, 1), 0);
    for (unsigned i = 0; i < IOREQD_BARS; i++) {
        config_put(0, BAR_REG(i), 4, 0xffffffff);
        ck_assert_uint_eq(config_get(0, BAR_REG(i), 4), 0);
    }
}
END_TEST

/* §3.2.2.3.2: a whole dword at 0xcf8 is latched; bits that do not exist read as 0. */
START_TEST(a_dword_is_latched)
{
    ck_assert_int_eq(add_alone(), 0);
    ck_assert_uint_eq(port(0xcf8, 4), 0);
    port_put(0xcf8, 4, 0x80000844);
    ck_assert_uint_eq(port(0xcf8, 4), 0x80000844);
    port_put(0xcf8, 4, 0xffffffff);
    ck_assert_uint_eq(port(0xcf8, 4), 0x8ffffffc);
    port_put(0xcf8, 4, 0);
    ck_assert_uint_eq(port(0xcf8, 4), 0);
}
END_TEST

/* §3.2.2.3.2: anything narrower is an ordinary port access, which nobody serves. */
START_TEST(narrow_accesses_pass_by)
{
    ck_assert_int_eq(add_alone(), 0);
    port_put(0xcf8, 4, 0x80001234);
    port_put(0xcf8, 1, 0x55);
    port_put(0xcf8, 2, 0x5555);
    port_put(0xcfa, 2, 0x5555);
    port_put(0xcfb, 1, 1);
    ck_assert_uint_eq(port(0xcf8, 4), 0x80001234);
    ck_assert_uint_eq(port(0xcf8, 1), 0xff);
    ck_assert_uint_eq(port(0xcfa, 2), 0xffff);
    ck_assert_uint_eq(port(0xcfb, 1), 0xff);
    ck_assert_uint_eq(bridge_counters(bridge)->unclaimed, 7);
}
END_TEST

/* Beside another host bridge there is no address register of ours. */
START_TEST(no_register_without_the_host_bridge)
{
    port_put(0xcf8, 4, 0x80001234);
    ck_assert_uint_eq(port(0xcf8, 4), 0xffffffff);
    ck_assert_uint_eq(board.claims, 0);
    ck_assert_uint_eq(bridge_read(bridge, BRIDGE_MEMORY, 0xcf8, 4), 0xffffffff);
}
END_TEST

START_TEST(refused_claims_are_told)
{
    board.claim_error = -EEXIST;
    ck_assert_int_eq(add_alone(), -EEXIST);
    ck_assert_uint_eq(port(0xcf8, 4), 0xffffffff);
    board.claim_error = 0;
    board.claim_function_error = -EPERM;
    ck_assert_int_eq(add_alone(), -EPERM);
    ck_assert_uint_eq(config_get(0, 0, 4), 0xffffffff);
}
END_TEST

TCase *host_bridge_tests(void)
{
    TCase *group = tcase_create("host bridge");

    tcase_add_checked_fixture(group, board_open_empty, board_close);
    tcase_add_test(group, the_host_bridge_shows_itself);
    tcase_add_test(group, a_dword_is_latched);
    tcase_add_test(group, narrow_accesses_pass_by);
    tcase_add_test(group, no_register_without_the_host_bridge);
    tcase_add_test(group, refused_claims_are_told);
    return group;
}
