/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * BARs that cannot be where the guest wants them: another is there, or the platform refuses. Whoever came first stays,
 * the other is placed when it leaves (PCI 3.0 §6.2.5 leaves this to software; Xen refuses a range that is taken).
 */
#include <errno.h>

#include "bridge/address_map.h"
#include "tests/bridge/board.h"

static struct probe first_probe;
static struct probe second_probe;
static struct bridge_function *first;

static const struct ioreqd_description memory = {
    .struct_size = sizeof(memory),
    .vendor = 0x1af4,
    .bar = {[0] = {.kind = IOREQD_BAR_MEM32, .min_access = 1, .max_access = 4, .size = 0x1000},
            [1] = {.kind = IOREQD_BAR_MEM32, .min_access = 1, .max_access = 4, .size = 0x4000}},
};

#define OTHER (PLACE + 8)

static void open_two(void)
{
    board_open();
    first = board_add(PLACE, &memory, &first_probe);
    board_add(OTHER, &memory, &second_probe);
    config_put(PLACE, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
    config_put(OTHER, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
    config_put(PLACE, BAR_REG(0), 4, 0xfe001000);
}

/* The second's larger BAR covers the first's: it must not decode at all, not even where it would be free. */
static void place_second(void)
{
    config_put(OTHER, BAR_REG(1), 4, 0xfe000000);
    ck_assert_uint_eq(board.claims, 1);
    ck_assert_uint_eq(bridge_counters(bridge)->refused, 1);
    ck_assert_uint_eq(bridge_read(bridge, BRIDGE_MEMORY, 0xfe001000, 4), probe_value(0, 0, 4));
    ck_assert_uint_eq(bridge_read(bridge, BRIDGE_MEMORY, 0xfe000000, 4), 0xffffffff);
    ck_assert_uint_eq(config_get(OTHER, BAR_REG(1), 4), 0xfe000000);
    ck_assert_uint_eq(second_probe.accesses, 0);
}

static void expect_second_placed(void)
{
    ck_assert(board_has_claim(BRIDGE_MEMORY, 0xfe000000, 0xfe003fff));
    ck_assert_uint_eq(bridge_read(bridge, BRIDGE_MEMORY, 0xfe001000, 4), probe_value(1, 0x1000, 4));
}

START_TEST(second_is_placed_when_first_moves)
{
    place_second();
    config_put(PLACE, BAR_REG(0), 4, 0xfd000000);
    expect_second_placed();
    ck_assert_uint_eq(board.claims, 2);
}
END_TEST

START_TEST(second_is_placed_when_first_stops_decoding)
{
    place_second();
    config_put(PLACE, PCI_COMMAND, 2, 0);
    expect_second_placed();
    ck_assert_uint_eq(board.claims, 1);
    config_put(PLACE, PCI_COMMAND, 2, PCI_COMMAND_MEMORY); /* now the first is the one that is refused */
    ck_assert_uint_eq(board.claims, 1);
    ck_assert_uint_eq(bridge_counters(bridge)->refused, 2);
}
END_TEST

START_TEST(second_is_placed_when_first_is_removed)
{
    place_second();
    bridge_remove_function(first);
    expect_second_placed();
}
END_TEST

START_TEST(second_moves_away_itself)
{
    place_second();
    config_put(OTHER, BAR_REG(1), 4, 0xfe004000);
    ck_assert(board_has_claim(BRIDGE_MEMORY, 0xfe004000, 0xfe007fff));
    config_put(PLACE, BAR_REG(0), 4, 0xfd000000);
    ck_assert_uint_eq(board.claims, 2);
    ck_assert(board_has_claim(BRIDGE_MEMORY, 0xfe004000, 0xfe007fff));
}
END_TEST

/* A refused BAR whose decoding was turned off meanwhile is not placed behind the guest's back. */
START_TEST(refused_and_off_stays_off)
{
    place_second();
    config_put(OTHER, PCI_COMMAND, 2, 0);
    config_put(PLACE, BAR_REG(0), 4, 0xfd000000);
    ck_assert_uint_eq(board.claims, 1);
    ck_assert_uint_eq(bridge_read(bridge, BRIDGE_MEMORY, 0xfe000000, 4), 0xffffffff);
}
END_TEST

/* One function's BARs may change places in one step each: the first to leave makes room for the next. */
START_TEST(overlap_inside_a_function)
{
    config_put(PLACE, BAR_REG(1), 4, 0xfe000000);
    ck_assert_uint_eq(board.claims, 1);
    config_put(PLACE, BAR_REG(0), 4, 0xfe004000);
    ck_assert_uint_eq(board.claims, 2);
    ck_assert(board_has_claim(BRIDGE_MEMORY, 0xfe000000, 0xfe003fff));
    ck_assert(board_has_claim(BRIDGE_MEMORY, 0xfe004000, 0xfe004fff));
}
END_TEST

START_TEST(platform_refuses_a_claim)
{
    board.claim_error = -EPERM;
    config_put(PLACE, BAR_REG(0), 4, 0xfd000000);
    ck_assert_uint_eq(board.claims, 0);
    ck_assert_uint_eq(bridge_counters(bridge)->refused, 1);
    ck_assert_uint_eq(bridge_read(bridge, BRIDGE_MEMORY, 0xfd000000, 4), 0xffffffff);
    ck_assert_uint_eq(bridge_read(bridge, BRIDGE_MEMORY, 0xfe001000, 4), 0xffffffff);
    board.claim_error = 0;
    config_put(PLACE, BAR_REG(0), 4, 0xfe001000);
    ck_assert(board_has_claim(BRIDGE_MEMORY, 0xfe001000, 0xfe001fff));
    ck_assert_uint_eq(bridge_read(bridge, BRIDGE_MEMORY, 0xfe001000, 4), probe_value(0, 0, 4));
}
END_TEST

/* Turning decoding off and on is how a guest tries again. */
START_TEST(a_refused_claim_is_tried_again)
{
    board.claim_error = -EEXIST;
    config_put(PLACE, BAR_REG(0), 4, 0xfd000000);
    board.claim_error = 0;
    config_put(PLACE, PCI_COMMAND, 2, 0);
    config_put(PLACE, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
    ck_assert(board_has_claim(BRIDGE_MEMORY, 0xfd000000, 0xfd000fff));
}
END_TEST

static int insert(struct address_map *map, uint64_t from, uint64_t to, struct bar *bar)
{
    const struct address_range range = {.first = from, .last = to, .bar = bar};

    return address_map_insert(map, &range);
}

START_TEST(the_map_itself)
{
    struct address_map map = {0};
    struct bar bars[4] = {{0}};

    ck_assert_ptr_null(address_map_find(&map, 0));
    ck_assert_int_eq(insert(&map, 1, 2, &bars[0]), -ENOSPC);
    for (unsigned i = 0; i < 4; i++) {
        ck_assert_int_eq(address_map_reserve(&map), 0);
    }
    ck_assert_int_eq(insert(&map, 0x100, 0x1ff, &bars[0]), 0);
    ck_assert_int_eq(insert(&map, 0x300, UINT64_MAX, &bars[1]), 0);
    ck_assert_int_eq(insert(&map, 0, 0xff, &bars[2]), 0);
    ck_assert_int_eq(insert(&map, 0x1ff, 0x200, &bars[3]), -EEXIST);
    ck_assert_int_eq(insert(&map, 0x2ff, 0x300, &bars[3]), -EEXIST);
    ck_assert_int_eq(insert(&map, 0, UINT64_MAX, &bars[3]), -EEXIST);
    ck_assert_int_eq(insert(&map, 0x180, 0x181, &bars[3]), -EEXIST);
    ck_assert_int_eq(insert(&map, 0x200, 0x2ff, &bars[3]), 0);
    ck_assert_ptr_eq(address_map_find(&map, 0)->bar, &bars[2]);
    ck_assert_ptr_eq(address_map_find(&map, 0xff)->bar, &bars[2]);
    ck_assert_ptr_eq(address_map_find(&map, 0x100)->bar, &bars[0]);
    ck_assert_ptr_eq(address_map_find(&map, 0x2ff)->bar, &bars[3]);
    ck_assert_ptr_eq(address_map_find(&map, UINT64_MAX)->bar, &bars[1]);
    address_map_remove(&map, &bars[0]);
    ck_assert_ptr_null(address_map_find(&map, 0x100)); /* where the last answer was */
    ck_assert_ptr_eq(address_map_find(&map, 0x200)->bar, &bars[3]);
    address_map_remove(&map, &bars[0]);
    ck_assert_uint_eq(map.count, 3);
    address_map_free(&map);
}
END_TEST

TCase *overlap_tests(void)
{
    TCase *group = tcase_create("overlaps and refusals");

    tcase_add_checked_fixture(group, open_two, board_close);
    tcase_add_test(group, second_is_placed_when_first_moves);
    tcase_add_test(group, second_is_placed_when_first_stops_decoding);
    tcase_add_test(group, second_is_placed_when_first_is_removed);
    tcase_add_test(group, second_moves_away_itself);
    tcase_add_test(group, refused_and_off_stays_off);
    tcase_add_test(group, overlap_inside_a_function);
    tcase_add_test(group, platform_refuses_a_claim);
    tcase_add_test(group, a_refused_claim_is_tried_again);
    tcase_add_test(group, the_map_itself);
    return group;
}
