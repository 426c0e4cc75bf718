/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Several host bridges in one guest: what each claims of the platform and gives back, and that a configuration request
 * finds the one that has its segment and bus.
 */
#include <errno.h>
#include <string.h>

#include "tests/bridge/board.h"

static struct probe probe;

static const struct ioreqd_description plain = {.struct_size = sizeof(plain), .vendor = 0x1af4, .device = 1};
static const struct ioreqd_description other = {.struct_size = sizeof(other), .vendor = 0x1af4, .device = 2};

static uint16_t device_at(uint32_t number)
{
    return (uint16_t)config_get(number, PCI_DEVICE, 2);
}

static void expect_claims_of_wide(void)
{
    ck_assert(board_has_claim(BRIDGE_MEMORY, BOARD_ECAM, BOARD_ECAM + 0x3fffff));
    ck_assert(board_has_claim(BRIDGE_MEMORY, BOARD_IO, BOARD_IO + 0xffff));
    ck_assert(board_has_claim(BRIDGE_MEMORY, BOARD_MEMORY, BOARD_MEMORY + 0x3ffffff));
    ck_assert(board_has_claim(BRIDGE_MEMORY, BOARD_MEMORY64, BOARD_MEMORY64 + (UINT64_C(1) << 37) - 1));
}

START_TEST(it_claims_what_it_owns)
{
    host = board_add_host(&board_wide_host);
    expect_claims_of_wide();
    ck_assert_uint_eq(board.claims, 4);
    board_add(0, &plain, &probe);
    ck_assert_uint_eq(board_claimed_functions(), 0); /* ECAM alone leads to it */
    ck_assert_str_eq(bridge_host_config(host)->name, "wide");
}
END_TEST

/* Each claim in turn is the one that fails. */
START_TEST(a_failed_claim_gives_the_others_back)
{
    struct bridge_host_config config = board_wide_host;

    config.segment = 0;
    config.configuration_ports = config.address_port = config.host_bridge_shown = true;
    board.claim_error = -EPERM;
    board.claims_before_error = (unsigned)_i;
    ck_assert_int_eq(bridge_add_host(bridge, &config, &host), -EPERM);
    ck_assert_ptr_null(host);
    ck_assert_uint_eq(board.claims, 0);
    ck_assert_uint_eq(device_at(0x1000), 0xffff);
    ck_assert_uint_eq(bridge_read(bridge, BRIDGE_PORT, 0xcf8, 4), 0xffffffff);
    board.claim_error = 0;
    host = board_add_host(&config);
    ck_assert_uint_eq(board.claims, 5);
    ck_assert_uint_eq(device_at(0x1000), 0x0008);
}
END_TEST

/* The last step that can fail is the function that shows the bridge: nobody serves its ECAM afterwards. */
START_TEST(a_failed_function_gives_all_back)
{
    struct bridge_host_config config = board_wide_host;

    config.segment = 0;
    config.configuration_ports = config.host_bridge_shown = true;
    board.claim_function_error = -EBUSY;
    ck_assert_int_eq(bridge_add_host(bridge, &config, &host), -EBUSY);
    ck_assert_uint_eq(board.claims, 0);
    ck_assert_uint_eq(bridge_read(bridge, BRIDGE_MEMORY, BOARD_ECAM, 4), 0xffffffff);
    bridge_write(bridge, BRIDGE_MEMORY, BOARD_ECAM, 4, 0);
    ck_assert_uint_eq(bridge_counters(bridge)->unclaimed, 2);
    board.claim_function_error = 0;
    host = board_add_host(&config);
    ck_assert_uint_eq(bridge_read(bridge, BRIDGE_MEMORY, BOARD_ECAM, 4), 0x00081b36);
}
END_TEST

START_TEST(what_cannot_be_claims_nothing)
{
    struct bridge_host_config config = board_wide_host;

    config.ecam = 0;
    ck_assert_int_eq(bridge_add_host(bridge, &config, &host), -EINVAL);
    board_add_host(&board_wide_host);
    config = board_wide_host;
    config.segment = 2;
    strcpy(config.name, "again");
    ck_assert_int_eq(bridge_add_host(bridge, &config, &host), -EINVAL); /* the same ECAM and apertures */
    ck_assert_uint_eq(board.claims, 4);
    ck_assert_uint_eq(device_at(0x21000), 0xffff);
    ck_assert_ptr_null(host);
}
END_TEST

/* A BAR that was claimed alone is in the way of an aperture that comes later. */
START_TEST(an_aperture_does_not_cover_a_bar)
{
    static const struct ioreqd_description memory = {
        .struct_size = sizeof(memory),
        .vendor = 0x1af4,
        .bar = {{.kind = IOREQD_BAR_MEM32, .min_access = 1, .max_access = 4, .size = 0x1000}},
    };
    struct bridge_host_config config;
    struct bridge_host *second = NULL;

    bridge_default_host(&config, false, false);
    host = board_add_host(&config);
    board_add(PLACE, &memory, &probe);
    config_put(PLACE, BAR_REG(0), 4, BOARD_MEMORY + 0x1000);
    config_put(PLACE, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
    ck_assert_int_eq(bridge_add_host(bridge, &board_wide_host, &second), -EEXIST);
    ck_assert_uint_eq(board.claims, 1);
    config_put(PLACE, BAR_REG(0), 4, BOARD_MEMORY - 0x1000);
    board_add_host(&board_wide_host);
    config_put(PLACE, BAR_REG(0), 4, BOARD_MEMORY + 0x1000); /* now the BAR is the one that is late */
    ck_assert_uint_eq(board.claims, 4);
    ck_assert_uint_eq(bridge_counters(bridge)->refused, 1);
    config_put(PLACE, BAR_REG(0), 4, BOARD_ECAM);
    ck_assert_uint_eq(board.claims, 4);
    ck_assert_uint_eq(bridge_read(bridge, BRIDGE_MEMORY, BOARD_ECAM, 4), 0xffffffff);
}
END_TEST

/* Segments have 256 buses each: equal bus, device and function numbers are different functions. */
START_TEST(segments_do_not_mix)
{
    struct bridge_host_config config = {.name = "zero", .first_bus = 0x10, .last_bus = 0x13, .ecam = 0xf0000000};
    struct bridge_host *zero = board_add_host(&config);
    struct bridge_place place;

    host = board_add_host(&board_wide_host);
    board_add_on(bridge_root_bus(zero), 0x19, &other, &probe);
    ck_assert_uint_eq(device_at(0x11019), 0xffff);
    struct bridge_function *function = board_add(0x19, &plain, &probe);

    ck_assert_uint_eq(device_at(0x01019), 2);
    ck_assert_uint_eq(device_at(0x11019), 1);
    ck_assert_uint_eq(device_at(0x21019), 0xffff);
    config_put(0x01019, PCI_CACHE_LINE_SIZE, 1, 0x77);
    ck_assert_uint_eq(config_get(0x11019, PCI_CACHE_LINE_SIZE, 1), 0);
    config_put(0x11019, PCI_CACHE_LINE_SIZE, 1, 0x66);
    ck_assert_uint_eq(config_get(0x01019, PCI_CACHE_LINE_SIZE, 1), 0x77);
    ck_assert_str_eq(bridge_place(function, &place), "0001:10:03.1");
}
END_TEST

/* Two host bridges of segment 0 share it by buses; the ports reach both, and nobody what is beyond them. */
START_TEST(host_bridges_share_a_segment)
{
    struct bridge_host_config config;
    struct bridge_host *second;

    bridge_default_host(&config, true, false);
    config.last_bus = 0x3f;
    host = board_add_host(&config);
    strcpy(config.name, "second");
    config.first_bus = 0x40;
    config.last_bus = 0x7f;
    ck_assert_int_eq(bridge_add_host(bridge, &config, &second), -EINVAL); /* one 0xcf8 is all there is */
    config.address_port = false;
    second = board_add_host(&config);
    ck_assert(board.claimed_function[0] && board.claimed_function[0x4000]);
    board_add_on(bridge_root_bus(second), 8, &other, &probe);
    ck_assert(board.claimed_function[0x4008]);
    for (unsigned i = 0; i < 2; i++) { /* whoever was asked last */
        ck_assert_uint_eq(device_at(0x4000), 0x0008);
        ck_assert_uint_eq(device_at(0x4008), 2);
        ck_assert_uint_eq(device_at(0x0000), 0x0008);
        ck_assert_uint_eq(device_at(0x0008), 0xffff);
        ck_assert_uint_eq(device_at(0x4100), 0xffff);
        ck_assert_uint_eq(device_at(0x3f00), 0xffff);
        ck_assert_uint_eq(device_at(0x8000), 0xffff);
    }
    ck_assert_uint_eq(bridge_counters(bridge)->unclaimed, 8);
}
END_TEST

/* bridge.h: accesses of other sizes than 1, 2 and 4 are not served, whoever would have to. */
START_TEST(strange_sizes_are_not_served)
{
    static const unsigned size[] = {0, 3, 5, 8, 16, 64, 0x80000000};

    host = board_add_host(&board_wide_host);
    board_add(0, &plain, &probe);
    for (unsigned i = 0; i < sizeof(size) / sizeof(size[0]); i++) {
        uint32_t ones = size[i] == 3 ? 0xffffff : 0xffffffff;

        ck_assert_uint_eq(config_get(WIDE(0), 0, size[i]), ones);
        ck_assert_uint_eq(config_get(WIDE(8), 0, size[i]), ones);
        ck_assert_uint_eq(config_get(0x21000, 0, size[i]), ones);
        config_put(WIDE(0), PCI_CACHE_LINE_SIZE, size[i], 0x55);
        config_put(0x21000, PCI_CACHE_LINE_SIZE, size[i], 0x55);
    }
    ck_assert_uint_eq(config_get(WIDE(0), PCI_CACHE_LINE_SIZE, 1), 0);
}
END_TEST

TCase *host_tests(void)
{
    TCase *group = tcase_create("host bridges");

    tcase_add_checked_fixture(group, board_open_empty, board_close);
    tcase_add_test(group, it_claims_what_it_owns);
    tcase_add_loop_test(group, a_failed_claim_gives_the_others_back, 0, 5);
    tcase_add_test(group, a_failed_function_gives_all_back);
    tcase_add_test(group, what_cannot_be_claims_nothing);
    tcase_add_test(group, an_aperture_does_not_cover_a_bar);
    tcase_add_test(group, segments_do_not_mix);
    tcase_add_test(group, host_bridges_share_a_segment);
    tcase_add_test(group, strange_sizes_are_not_served);
    return group;
}
