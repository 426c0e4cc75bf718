/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The expansion ROM (PCI 3.0 §6.2.5.2): its base address register, the two bits that let it decode, and reads that
 * reach the model as BAR IOREQD_ROM.
 */
#include <string.h>

#include "tests/bridge/board.h"

#define ROM UINT64_C(0xfd000000)

static struct probe probe;
static struct ioreqd_description d;

static void open_rom(void)
{
    board_open();
    memset(&probe, 0, sizeof(probe));
    d = (struct ioreqd_description){.struct_size = sizeof(d), .vendor = 0x1af4, .rom_size = 0x10000};
    board_add(PLACE, &d, &probe);
}

/* Bits below the size are 0, bits 10 to 1 reserved, bit 0 enables. */
START_TEST(sizing)
{
    static const uint64_t size[] = {0x800, 0x20000, 0x1000000};

    ck_assert_uint_eq(config_get(PLACE, PCI_ROM, 4), 0);
    config_put(PLACE, PCI_ROM, 4, 0xfffffffe);
    ck_assert_uint_eq(config_get(PLACE, PCI_ROM, 4), 0xffff0000);
    config_put(PLACE, PCI_ROM, 4, 0xffffffff);
    ck_assert_uint_eq(config_get(PLACE, PCI_ROM, 4), 0xffff0001);
    for (unsigned i = 0; i < 3; i++) {
        d.rom_size = size[i];
        board_add((uint8_t)(PLACE + 1 + i), &d, &probe);
        config_put(PLACE + 1 + i, PCI_ROM, 4, 0xfffff800);
        ck_assert_uint_eq(config_get(PLACE + 1 + i, PCI_ROM, 4), (uint32_t) ~(size[i] - 1));
    }
}
END_TEST

START_TEST(both_bits_are_needed)
{
    config_put(PLACE, PCI_COMMAND, 2, 0xffff);
    ck_assert_uint_eq(config_get(PLACE, PCI_COMMAND, 2) & 3, PCI_COMMAND_MEMORY);
    config_put(PLACE, PCI_ROM, 4, ROM);
    ck_assert_uint_eq(board.claims, 0);
    config_put(PLACE, PCI_ROM, 1, PCI_ROM_ENABLE);
    ck_assert(board_has_claim(BRIDGE_MEMORY, ROM, ROM + 0xffff));
    config_put(PLACE, PCI_COMMAND, 2, 0);
    ck_assert_uint_eq(board.claims, 0);
    config_put(PLACE, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
    ck_assert_uint_eq(board.claims, 1);
    config_put(PLACE, PCI_ROM, 4, ROM);
    ck_assert_uint_eq(board.claims, 0);
}
END_TEST

/* Sizing with both bits on, as some firmware does, and address 0: nowhere. */
START_TEST(unplaced_it_claims_nothing)
{
    config_put(PLACE, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
    config_put(PLACE, PCI_ROM, 4, 0xffffffff);
    config_put(PLACE, PCI_ROM, 4, PCI_ROM_ENABLE);
    ck_assert_uint_eq(board.claims, 0);
    ck_assert_uint_eq(bridge_counters(bridge)->refused, 0);
}
END_TEST

/* Any aligned read; eight bytes are two of four. */
START_TEST(reads_reach_the_model)
{
    config_put(PLACE, PCI_ROM, 4, ROM | PCI_ROM_ENABLE);
    config_put(PLACE, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
    ck_assert_uint_eq(bridge_read(bridge, BRIDGE_MEMORY, ROM + 0xffff, 1), probe_byte(IOREQD_ROM, 0xffff));
    probe_saw(&probe, 0, ACCESS_READ, IOREQD_ROM, 0xffff, 1, 0);
    ck_assert_uint_eq(bridge_read(bridge, BRIDGE_MEMORY, ROM + 2, 2), probe_value(IOREQD_ROM, 2, 2));
    ck_assert_uint_eq(bridge_read(bridge, BRIDGE_MEMORY, ROM + 8, 8), probe_value(IOREQD_ROM, 8, 8));
    probe_saw(&probe, 2, ACCESS_READ, IOREQD_ROM, 8, 4, 0);
    probe_saw(&probe, 3, ACCESS_READ, IOREQD_ROM, 12, 4, 0);
    ck_assert_uint_eq(bridge_read(bridge, BRIDGE_MEMORY, ROM + 2, 4), 0xffffffff);
    ck_assert_uint_eq(probe.accesses, 4);
}
END_TEST

START_TEST(writes_are_dropped)
{
    config_put(PLACE, PCI_ROM, 4, ROM | PCI_ROM_ENABLE);
    config_put(PLACE, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
    for (unsigned size = 1; size <= 8; size *= 2) {
        bridge_write(bridge, BRIDGE_MEMORY, ROM, size, 0);
    }
    ck_assert_uint_eq(probe.accesses, 0);
    ck_assert_uint_eq(bridge_counters(bridge)->misfit, 4);
}
END_TEST

START_TEST(without_a_rom_there_is_no_register)
{
    d.rom_size = 0;
    board_add(PLACE + 1, &d, &probe);
    config_put(PLACE + 1, PCI_ROM, 4, 0xffffffff);
    ck_assert_uint_eq(config_get(PLACE + 1, PCI_ROM, 4), 0);
    config_put(PLACE + 1, PCI_COMMAND, 2, 0xffff);
    ck_assert_uint_eq(config_get(PLACE + 1, PCI_COMMAND, 2) & PCI_COMMAND_MEMORY, 0);
}
END_TEST

START_TEST(sizes_that_cannot_be)
{
    static const uint64_t wrong[] = {1, 0x400, 0x801, 0xc00, 0x2000000, UINT64_C(1) << 63};
    struct bridge_function *function = NULL;

    for (unsigned i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        d.rom_size = wrong[i];
        ck_assert_str_eq(bridge_check_description(&d), "the expansion ROM must have 2 KiB to 16 MiB, a power of two");
        ck_assert_int_lt(bridge_add_function(bridge_root_bus(host), 0x40, &d, &probe_ops, &probe, &function), 0);
    }
    ck_assert_ptr_null(function);
}
END_TEST

/* Behind a port, and in an aperture. */
START_TEST(it_is_forwarded_like_a_bar)
{
    struct bridge_bus *secondary;

    host = board_add_host(&board_wide_host);
    secondary = board_add_port(0, 1);
    board_add_on(secondary, 0, &d, &probe);
    config_put(WIDE(0), PCI_PRIMARY_BUS, 4, 0x111110);
    config_put(WIDE(0), PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
    config_put(0x11100, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
    config_put(0x11100, PCI_ROM, 4, 0x200000 | PCI_ROM_ENABLE);
    ck_assert_uint_eq(bridge_read(bridge, BRIDGE_MEMORY, BOARD_MEMORY + 0x200000, 1), 0xff);
    config_put(WIDE(0), PCI_MEMORY_BASE, 4, 0x00200020);
    ck_assert_uint_eq(bridge_read(bridge, BRIDGE_MEMORY, BOARD_MEMORY + 0x200000, 1), probe_byte(IOREQD_ROM, 0));
}
END_TEST

TCase *rom_tests(void)
{
    TCase *group = tcase_create("expansion ROM");

    tcase_add_checked_fixture(group, open_rom, board_close);
    tcase_add_test(group, sizing);
    tcase_add_test(group, both_bits_are_needed);
    tcase_add_test(group, unplaced_it_claims_nothing);
    tcase_add_test(group, reads_reach_the_model);
    tcase_add_test(group, writes_are_dropped);
    tcase_add_test(group, without_a_rom_there_is_no_register);
    tcase_add_test(group, sizes_that_cannot_be);
    tcase_add_test(group, it_is_forwarded_like_a_bar);
    return group;
}
