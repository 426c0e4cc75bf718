/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Base address registers: sizing, placing, moving, and decoding (PCI 3.0 §6.2.5, §6.2.5.1, §6.2.2).
 */
#include <errno.h>

#include "tests/bridge/board.h"

#define DECODE (PCI_COMMAND_IO | PCI_COMMAND_MEMORY)

static struct probe probe;

/* One of each kind. */
static const struct ioreqd_description kinds = {
    .struct_size = sizeof(kinds),
    .vendor = 0x1af4,
    .bar = {[0] = {.kind = IOREQD_BAR_IO, .min_access = 1, .max_access = 4, .size = 64},
            [1] = {.kind = IOREQD_BAR_MEM32, .min_access = 1, .max_access = 4, .size = 0x1000},
            [2] = {.kind = IOREQD_BAR_MEM64, .min_access = 1, .max_access = 8, .size = UINT64_C(1) << 33},
            [4] = {.kind = IOREQD_BAR_MEM64_PREFETCH, .min_access = 1, .max_access = 8, .size = 0x100000}},
};

static void expect_sizes(void)
{
    static const uint32_t wanted[IOREQD_BARS] = {0xffffffc1, 0xfffff000, 0x00000004,
                                                 0xfffffffe, 0xfff0000c, 0xffffffff};

    for (unsigned i = 0; i < IOREQD_BARS; i++) {
        uint32_t before = config_get(PLACE, BAR_REG(i), 4);

        config_put(PLACE, BAR_REG(i), 4, 0xffffffff);
        ck_assert_msg(config_get(PLACE, BAR_REG(i), 4) == wanted[i], "BAR %u: 0x%x", i,
                      config_get(PLACE, BAR_REG(i), 4));
        config_put(PLACE, BAR_REG(i), 4, before);
    }
}

/* §6.2.5.1: type bits are read-only and right for the kind; ones come back above the size. */
START_TEST(sizing_tells_kind_and_size)
{
    board_add(PLACE, &kinds, &probe);
    expect_sizes();
    ck_assert_uint_eq(config_get(PLACE, BAR_REG(0), 4), 0x1);
    ck_assert_uint_eq(config_get(PLACE, BAR_REG(1), 4), 0x0);
    ck_assert_uint_eq(config_get(PLACE, BAR_REG(2), 4), 0x4);
    ck_assert_uint_eq(config_get(PLACE, BAR_REG(4), 4), 0xc);
}
END_TEST

static void place_all(void)
{
    config_put(PLACE, BAR_REG(0), 4, 0xc000);
    config_put(PLACE, BAR_REG(1), 4, 0xfe000000);
    config_put(PLACE, BAR_REG(2), 4, 0);
    config_put(PLACE, BAR_REG(3), 4, 0x20);
    config_put(PLACE, BAR_REG(4), 4, 0xfd000000);
    config_put(PLACE, BAR_REG(5), 4, 0);
}

static void expect_all_placed(void)
{
    ck_assert_uint_eq(board.claims, 4);
    ck_assert(board_has_claim(BRIDGE_PORT, 0xc000, 0xc03f));
    ck_assert(board_has_claim(BRIDGE_MEMORY, 0xfe000000, 0xfe000fff));
    ck_assert(board_has_claim(BRIDGE_MEMORY, UINT64_C(0x2000000000), UINT64_C(0x21ffffffff)));
    ck_assert(board_has_claim(BRIDGE_MEMORY, 0xfd000000, 0xfd0fffff));
    ck_assert_uint_eq(bridge_read(bridge, BRIDGE_PORT, 0xc020, 4), probe_value(0, 0x20, 4));
    ck_assert_uint_eq(bridge_read(bridge, BRIDGE_MEMORY, 0xfe000ffc, 4), probe_value(1, 0xffc, 4));
    ck_assert_uint_eq(bridge_read(bridge, BRIDGE_MEMORY, UINT64_C(0x21fffffff8), 8), probe_value(2, 0x1fffffff8, 8));
    ck_assert_uint_eq(bridge_read(bridge, BRIDGE_MEMORY, 0xfd000000, 8), probe_value(4, 0, 8));
}

/* §6.2.2: a BAR decodes while its space's bit is set, and only then. */
START_TEST(decoding_follows_the_command_bits)
{
    board_add(PLACE, &kinds, &probe);
    place_all();
    ck_assert_uint_eq(board.claims, 0);
    ck_assert_uint_eq(bridge_read(bridge, BRIDGE_MEMORY, 0xfe000000, 4), 0xffffffff);
    config_put(PLACE, PCI_COMMAND, 2, PCI_COMMAND_IO);
    ck_assert_uint_eq(board.claims, 1);
    ck_assert(board_has_claim(BRIDGE_PORT, 0xc000, 0xc03f));
    config_put(PLACE, PCI_COMMAND, 2, DECODE);
    expect_all_placed();
    config_put(PLACE, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
    ck_assert_uint_eq(board.claims, 3);
    ck_assert_uint_eq(bridge_read(bridge, BRIDGE_PORT, 0xc020, 4), 0xffffffff);
    config_put(PLACE, PCI_COMMAND, 2, 0);
    ck_assert_uint_eq(board.claims, 0);
    ck_assert_uint_eq(bridge_read(bridge, BRIDGE_MEMORY, 0xfd000000, 8), UINT64_MAX);
    bridge_write(bridge, BRIDGE_MEMORY, 0xfd000000, 4, 1);
    ck_assert_uint_eq(bridge_counters(bridge)->unclaimed, 4);
    config_put(PLACE, PCI_COMMAND, 1, DECODE);
    expect_all_placed();
}
END_TEST

/* §6.2.5.1 advises against it, but guests size with decoding on: afterwards all is as it was. */
START_TEST(sizing_with_decoding_on)
{
    board_add(PLACE, &kinds, &probe);
    place_all();
    config_put(PLACE, PCI_COMMAND, 2, DECODE);
    expect_sizes();
    expect_all_placed();
    ck_assert_uint_eq(bridge_counters(bridge)->refused, 0);
}
END_TEST

/* While a BAR holds all ones it claims nothing: not the end of the address space. */
START_TEST(all_ones_is_nowhere)
{
    board_add(PLACE, &kinds, &probe);
    config_put(PLACE, PCI_COMMAND, 2, DECODE);
    config_put(PLACE, BAR_REG(0), 4, 0xffffffff);
    config_put(PLACE, BAR_REG(1), 4, 0xffffffff);
    ck_assert_uint_eq(board.claims, 0);
    config_put(PLACE, BAR_REG(5), 4, 0xffffffff);
    config_put(PLACE, BAR_REG(4), 4, 0xffffffff);
    ck_assert_uint_eq(board.claims, 0);
    config_put(PLACE, BAR_REG(4), 4, 0xfd000000);
    ck_assert_uint_eq(board.claims, 0);
    config_put(PLACE, BAR_REG(5), 4, 0);
    ck_assert_uint_eq(board.claims, 1);
}
END_TEST

/* A wide BAR below 4 GiB is sized one half after the other, most often the low one first. */
START_TEST(all_ones_in_one_half)
{
    board_add(PLACE, &kinds, &probe);
    config_put(PLACE, BAR_REG(4), 4, 0xfd000000);
    config_put(PLACE, PCI_COMMAND, 2, DECODE);
    ck_assert_uint_eq(board.claims, 1);
    config_put(PLACE, BAR_REG(4), 4, 0xffffffff);
    ck_assert_uint_eq(board.claims, 0);
    config_put(PLACE, BAR_REG(4), 4, 0xfd000000);
    config_put(PLACE, BAR_REG(5), 4, 0xffffffff);
    ck_assert_uint_eq(board.claims, 0);
    config_put(PLACE, BAR_REG(5), 4, 0);
    ck_assert(board_has_claim(BRIDGE_MEMORY, 0xfd000000, 0xfd0fffff));
}
END_TEST

/* A BAR at 0 was not placed: registers are 0 at reset and firmware may enable decoding before it places. */
START_TEST(zero_is_nowhere)
{
    board_add(PLACE, &kinds, &probe);
    config_put(PLACE, PCI_COMMAND, 2, DECODE);
    ck_assert_uint_eq(board.claims, 0);
    config_put(PLACE, BAR_REG(3), 4, 2); /* a 64-bit BAR above 4 GiB has a low half of 0 */
    ck_assert_uint_eq(board.claims, 1);
    ck_assert(board_has_claim(BRIDGE_MEMORY, UINT64_C(0x200000000), UINT64_C(0x3ffffffff)));
}
END_TEST

/* §6.2.5.1: bits below the size are 0, so a BAR is aligned to its size whatever is written. */
START_TEST(placed_at_multiples_of_the_size)
{
    board_add(PLACE, &kinds, &probe);
    config_put(PLACE, PCI_COMMAND, 2, DECODE);
    config_put(PLACE, BAR_REG(0), 4, 0xc07f);
    config_put(PLACE, BAR_REG(4), 4, 0xfd0fffff);
    ck_assert(board_has_claim(BRIDGE_PORT, 0xc040, 0xc07f));
    ck_assert(board_has_claim(BRIDGE_MEMORY, 0xfd000000, 0xfd0fffff));
    ck_assert_uint_eq(config_get(PLACE, BAR_REG(4), 4), 0xfd00000c);
}
END_TEST

START_TEST(a_move_leaves_nothing_behind)
{
    board_add(PLACE, &kinds, &probe);
    config_put(PLACE, PCI_COMMAND, 2, DECODE);
    config_put(PLACE, BAR_REG(1), 4, 0xfe000000);
    ck_assert_uint_eq(bridge_read(bridge, BRIDGE_MEMORY, 0xfe000010, 1), probe_byte(1, 0x10));
    config_put(PLACE, BAR_REG(1), 4, 0xfe001000);
    ck_assert_uint_eq(board.claims, 1);
    ck_assert_uint_eq(bridge_read(bridge, BRIDGE_MEMORY, 0xfe000010, 1), 0xff);
    ck_assert_uint_eq(bridge_read(bridge, BRIDGE_MEMORY, 0xfe001010, 1), probe_byte(1, 0x10));
    config_put(PLACE, BAR_REG(1) + 3, 1, 0xfd); /* one byte moves it too */
    ck_assert_uint_eq(board.claims, 1);
    ck_assert(board_has_claim(BRIDGE_MEMORY, 0xfd001000, 0xfd001fff));
    config_put(PLACE, BAR_REG(1), 4, 0xfd001000); /* where it is already */
    ck_assert(board_has_claim(BRIDGE_MEMORY, 0xfd001000, 0xfd001fff));
}
END_TEST

/* Two 32-bit writes move a 64-bit BAR: it passes through a mixture and arrives (§6.2.5.1). */
START_TEST(both_halves_move_a_wide_bar)
{
    board_add(PLACE, &kinds, &probe);
    config_put(PLACE, PCI_COMMAND, 2, DECODE);
    config_put(PLACE, BAR_REG(4), 4, 0xfd000000);
    config_put(PLACE, BAR_REG(4), 4, 0x10000000);
    config_put(PLACE, BAR_REG(5), 4, 0x7f);
    ck_assert_uint_eq(board.claims, 1);
    ck_assert(board_has_claim(BRIDGE_MEMORY, UINT64_C(0x7f10000000), UINT64_C(0x7f100fffff)));
    ck_assert_uint_eq(bridge_read(bridge, BRIDGE_MEMORY, UINT64_C(0x7f10000008), 8), probe_value(4, 8, 8));
}
END_TEST

START_TEST(removal_gives_claims_back)
{
    struct bridge_function *function = board_add(PLACE, &kinds, &probe);

    place_all();
    config_put(PLACE, PCI_COMMAND, 2, DECODE);
    expect_all_placed();
    bridge_remove_function(function);
    ck_assert_uint_eq(board.claims, 0);
    ck_assert_uint_eq(bridge_read(bridge, BRIDGE_MEMORY, 0xfe000000, 4), 0xffffffff);
    ck_assert_uint_eq(config_get(PLACE, 0, 4), 0xffffffff);
}
END_TEST

/* The largest BARs: a mask that has one bit left. */
START_TEST(huge_bars)
{
    static const struct ioreqd_description huge = {
        .struct_size = sizeof(huge),
        .vendor = 1,
        .bar = {[0] = {.kind = IOREQD_BAR_MEM32, .min_access = 1, .max_access = 8, .size = UINT64_C(1) << 31},
                [2] = {.kind = IOREQD_BAR_MEM64, .min_access = 1, .max_access = 8, .size = UINT64_C(1) << 62}},
    };

    board_add(PLACE, &huge, &probe);
    config_put(PLACE, PCI_COMMAND, 2, DECODE);
    config_put(PLACE, BAR_REG(0), 4, 0xffffffff);
    ck_assert_uint_eq(config_get(PLACE, BAR_REG(0), 4), 0x80000000);
    config_put(PLACE, BAR_REG(3), 4, 0x40000000);
    ck_assert(board_has_claim(BRIDGE_MEMORY, UINT64_C(1) << 62, (UINT64_C(1) << 63) - 1));
    ck_assert_uint_eq(bridge_read(bridge, BRIDGE_MEMORY, (UINT64_C(1) << 63) - 1, 1),
                      probe_byte(2, (UINT64_C(1) << 62) - 1));
}
END_TEST

TCase *bar_tests(void)
{
    TCase *group = tcase_create("BARs");

    tcase_add_checked_fixture(group, board_open, board_close);
    tcase_add_test(group, sizing_tells_kind_and_size);
    tcase_add_test(group, decoding_follows_the_command_bits);
    tcase_add_test(group, sizing_with_decoding_on);
    tcase_add_test(group, all_ones_is_nowhere);
    tcase_add_test(group, all_ones_in_one_half);
    tcase_add_test(group, zero_is_nowhere);
    tcase_add_test(group, placed_at_multiples_of_the_size);
    tcase_add_test(group, a_move_leaves_nothing_behind);
    tcase_add_test(group, both_halves_move_a_wide_bar);
    tcase_add_test(group, removal_gives_claims_back);
    tcase_add_test(group, huge_bars);
    return group;
}
