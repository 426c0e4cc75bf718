/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory-mapped configuration space (PCI Express 4.0 §7.2.2): the same registers as PCI_CONFIG requests reach, at
 * bus << 20 | device << 15 | function << 12 | register.
 */
#include <string.h>

#include "tests/bridge/board.h"

static struct probe probe;

static const struct ioreqd_description plain = {
    .struct_size = sizeof(plain),
    .vendor = 0x1af4,
    .device = 0x1001,
    .subsystem_vendor = 0x1234,
    .subsystem = 0x5678,
    .bar = {{.kind = IOREQD_BAR_MEM64, .min_access = 1, .max_access = 4, .size = 4096}},
};
static const struct ioreqd_description express = {
    .struct_size = sizeof(express),
    .vendor = 0x1af4,
    .device = 0x1002,
    .express = 1,
};

static void open_wide(void)
{
    board_open_empty();
    host = board_add_host(&board_wide_host);
    board_add(0x08, &plain, &probe);
    board_add(0xff, &express, &probe);
}

static uint64_t get(uint64_t address, unsigned size)
{
    return bridge_read(bridge, BRIDGE_MEMORY, address, size);
}

static void put(uint64_t address, unsigned size, uint64_t value)
{
    bridge_write(bridge, BRIDGE_MEMORY, address, size, value);
}

/* Every register of both, in every size. */
START_TEST(requests_and_ecam_reach_the_same)
{
    static const uint8_t devfn[] = {0x08, 0xff};

    for (unsigned i = 0; i < 2; i++) {
        for (unsigned reg = 0; reg < 4096; reg++) {
            for (unsigned size = 1; size <= 4 && reg % size == 0; size *= 2) {
                ck_assert_uint_eq(get(WIDE_ECAM(devfn[i]) + reg, size), config_get(WIDE(devfn[i]), reg, size));
            }
        }
    }
    put(WIDE_ECAM(8) + PCI_CACHE_LINE_SIZE, 1, 0x12);
    ck_assert_uint_eq(config_get(WIDE(8), PCI_CACHE_LINE_SIZE, 1), 0x12);
    config_put(WIDE(8), PCI_LATENCY_TIMER, 1, 0x34);
    ck_assert_uint_eq(get(WIDE_ECAM(8) + PCI_CACHE_LINE_SIZE, 4), 0x3412);
    put(WIDE_ECAM(8) + PCI_CACHE_LINE_SIZE, 2, 0x5566);
    ck_assert_uint_eq(config_get(WIDE(8), PCI_CACHE_LINE_SIZE, 4), 0x5566);
    put(WIDE_ECAM(8) + BAR_REG(0), 4, 0x12345678);
    ck_assert_uint_eq(config_get(WIDE(8), BAR_REG(0), 4), 0x12345004);
}
END_TEST

/* Eight bytes are two dwords, the low one first: a 64-bit BAR in one access. */
START_TEST(eight_bytes_are_two_dwords)
{
    ck_assert_uint_eq(get(WIDE_ECAM(8) + 0x28, 8), UINT64_C(0x5678123400000000));
    ck_assert_uint_eq(get(WIDE_ECAM(8), 8), UINT64_C(0x0000000010011af4));
    put(WIDE_ECAM(8) + BAR_REG(0), 8, UINT64_C(0x4000012345678));
    ck_assert_uint_eq(config_get(WIDE(8), BAR_REG(0), 4), 0x12345004 & 0xfffff00f);
    ck_assert_uint_eq(config_get(WIDE(8), BAR_REG(1), 4), 0x40000);
    ck_assert_uint_eq(bridge_counters(bridge)->misfit, 0);
}
END_TEST

/* §7.2.2: accesses across a dword are not required to work, and no byte enables would show them. */
START_TEST(unaligned_accesses_are_misfits)
{
    static const struct {
        unsigned reg, size;
    } misfit[] = {{1, 2}, {3, 2}, {1, 4}, {2, 4}, {3, 4}, {4, 8}, {1, 8}, {0xfff, 2}, {0xffc, 8}};
    unsigned count = sizeof(misfit) / sizeof(misfit[0]);

    for (unsigned i = 0; i < count; i++) {
        ck_assert_uint_eq(get(WIDE_ECAM(0xff) + misfit[i].reg, misfit[i].size), bridge_all_ones(misfit[i].size));
        put(WIDE_ECAM(0xff) + misfit[i].reg, misfit[i].size, 0);
    }
    ck_assert_uint_eq(bridge_counters(bridge)->misfit, 2 * count);
    put(WIDE_ECAM(0xff) + PCI_CACHE_LINE_SIZE - 1, 2, 0xffff);
    ck_assert_uint_eq(config_get(WIDE(0xff), PCI_CACHE_LINE_SIZE, 1), 0);
}
END_TEST

/* §7.2.1: a PCI function has 256 bytes, an express one 4 KiB, where registers that do not exist are 0. */
START_TEST(extended_space_is_that_of_express_functions)
{
    ck_assert_uint_eq(get(WIDE_ECAM(8) + 0xfc, 4), 0);
    ck_assert_uint_eq(get(WIDE_ECAM(8) + 0x100, 4), 0xffffffff);
    ck_assert_uint_eq(get(WIDE_ECAM(8) + 0xff8, 8), UINT64_MAX);
    ck_assert_uint_eq(get(WIDE_ECAM(8) + 0xf8, 8), 0);
    ck_assert_uint_eq(get(WIDE_ECAM(0xff) + 0x100, 4), 0);
    ck_assert_uint_eq(get(WIDE_ECAM(0xff) + 0xff8, 8), 0);
    ck_assert_uint_eq(config_get(WIDE(8), 0x100, 4), 0xffffffff);
    ck_assert_uint_eq(config_get(WIDE(0xff), 0xffc, 4), 0);
    ck_assert_uint_eq(config_get(WIDE(0xff), 0x1000, 4), 0xffffffff);
    put(WIDE_ECAM(0xff) + 0xffc, 4, 0xffffffff);
    ck_assert_uint_eq(get(WIDE_ECAM(0xff) + 0xffc, 4), 0);
}
END_TEST

/* Functions and buses that are not there read as all ones, to the last byte of the last bus, and cost nothing. */
START_TEST(holes_read_ones)
{
    static const uint64_t hole[] = {0x0, 0x9000, 0xfe000, 0x100000, 0x2ff000, 0x3ff000};

    for (unsigned i = 0; i < sizeof(hole) / sizeof(hole[0]); i++) {
        ck_assert_uint_eq(get(BOARD_ECAM + hole[i], 4), 0xffffffff);
        ck_assert_uint_eq(get(BOARD_ECAM + hole[i], 2), 0xffff);
        put(BOARD_ECAM + hole[i] + 4, 4, 0x12345678);
    }
    ck_assert_uint_eq(get(BOARD_ECAM + 0x3fffff, 1), 0xff);
    ck_assert_uint_eq(get(BOARD_ECAM + 0x3ffff8, 8), UINT64_MAX);
    ck_assert_uint_eq(get(BOARD_ECAM + 0x400000, 4), 0xffffffff); /* not its own any more */
    ck_assert_uint_eq(get(WIDE_ECAM(0xff), 2), 0x1af4);
}
END_TEST

/* The first bus of the host bridge is at its beginning, and 256 buses are 256 MiB. */
START_TEST(all_buses_of_a_segment)
{
    struct bridge_host_config config = {.name = "all", .last_bus = 0xff, .ecam = UINT64_C(0x4000000000)};
    struct bridge_bus *secondary;

    host = board_add_host(&config);
    ck_assert(board_has_claim(BRIDGE_MEMORY, config.ecam, config.ecam + 0xfffffff));
    secondary = board_add_port(0, 0);
    board_add_on(secondary, 0, &express, &probe);
    config_put(0, PCI_PRIMARY_BUS, 4, 0xffff00);
    ck_assert_uint_eq(get(config.ecam + 0xff00000, 4), 0x10021af4);
    ck_assert_uint_eq(get(config.ecam + 0xff08000, 4), 0xffffffff);
    ck_assert_uint_eq(get(config.ecam + 0xfffffff, 1), 0xff);
}
END_TEST

/* A port behind which something is, in the bridge that does not begin at bus 0. */
START_TEST(the_last_bus_is_reached)
{
    struct bridge_bus *secondary = board_add_port(0x20, 1);

    board_add_on(secondary, 7, &express, &probe);
    put(WIDE_ECAM(0x20) + PCI_PRIMARY_BUS, 4, 0x131310);
    ck_assert_uint_eq(get(BOARD_ECAM + 0x307000, 4), 0x10021af4);
    ck_assert_uint_eq(config_get(0x11307, 0, 4), 0x10021af4);
    ck_assert_uint_eq(get(BOARD_ECAM + 0x207000, 4), 0xffffffff);
}
END_TEST

TCase *ecam_tests(void)
{
    TCase *group = tcase_create("ECAM");

    tcase_add_checked_fixture(group, open_wide, board_close);
    tcase_add_test(group, requests_and_ecam_reach_the_same);
    tcase_add_test(group, eight_bytes_are_two_dwords);
    tcase_add_test(group, unaligned_accesses_are_misfits);
    tcase_add_test(group, extended_space_is_that_of_express_functions);
    tcase_add_test(group, holes_read_ones);
    tcase_add_test(group, all_buses_of_a_segment);
    tcase_add_test(group, the_last_bus_is_reached);
    return group;
}
