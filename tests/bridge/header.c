/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The type 0 header: what stands in it, and what a guest's write changes (PCI 3.0 §6.1, §6.2.1 to §6.2.4).
 */
#include "tests/bridge/board.h"

static struct probe probe;

static const struct ioreqd_description full = {
    .struct_size = sizeof(full),
    .vendor = 0x1af4,
    .device = 0x1042,
    .subsystem_vendor = 0xabcd,
    .subsystem = 0x1234,
    .revision = 7,
    .class_code = {0x01, 0x08, 0x02},
    .intx = 1,
    .msix = 2,
    .msix_bar = 1,
    .bar = {[0] = {.kind = IOREQD_BAR_IO, .min_access = 1, .max_access = 4, .size = 32},
            [4] = {.kind = IOREQD_BAR_MEM64, .min_access = 1, .max_access = 8, .size = 0x4000}},
};

static const struct ioreqd_description bare = {
    .struct_size = sizeof(bare),
    .vendor = 0x1af4,
    .device = 1,
};

/* §6.1, figure 6-1; §6.2.1: ids and class code where drivers look for them. */
START_TEST(ids_stand_in_their_places)
{
    board_add(PLACE, &full, &probe);
    ck_assert_uint_eq(config_get(PLACE, 0x00, 4), 0x10421af4);
    ck_assert_uint_eq(config_get(PLACE, 0x08, 4), 0x01080207);
    ck_assert_uint_eq(config_get(PLACE, 0x0a, 2), 0x0108);
    ck_assert_uint_eq(config_get(PLACE, 0x2c, 4), 0x1234abcd);
    ck_assert(board.claimed_function[PLACE]);
}
END_TEST

/* §6.2.1 header type 0, §6.2.2 command 0 after reset, §6.2.4 registers that do not exist read as 0. */
START_TEST(header_after_reset)
{
    board_add(PLACE, &full, &probe);
    ck_assert_uint_eq(config_get(PLACE, PCI_COMMAND, 2), 0);
    ck_assert_uint_eq(config_get(PLACE, PCI_STATUS, 2), PCI_STATUS_CAPABILITIES);
    ck_assert_uint_eq(config_get(PLACE, PCI_HEADER_TYPE, 1), 0);
    ck_assert_uint_eq(config_get(PLACE, 0x0c, 2), 0);
    ck_assert_uint_eq(config_get(PLACE, 0x0f, 1), 0); /* BIST */
    ck_assert_uint_eq(config_get(PLACE, 0x28, 4), 0); /* CardBus CIS pointer */
    ck_assert_uint_eq(config_get(PLACE, 0x30, 4), 0); /* expansion ROM */
    ck_assert_uint_eq(config_get(PLACE, PCI_CAPABILITY_POINTER, 1), 0x40);
    ck_assert_uint_eq(config_get(PLACE, 0x38, 4), 0);
    ck_assert_uint_eq(config_get(PLACE, 0x3c, 4), 0x100); /* pin INTA; Min_Gnt, Max_Lat 0 */
    ck_assert_uint_eq(board.claims, 0);
}
END_TEST

/* §6.2.3: bit 4 tells of capabilities, and the pointer is 0 without. §6.2.4: pin 0 means none. */
START_TEST(header_without_capabilities)
{
    board_add(PLACE, &bare, &probe);
    ck_assert_uint_eq(config_get(PLACE, PCI_STATUS, 2), 0);
    ck_assert_uint_eq(config_get(PLACE, PCI_CAPABILITY_POINTER, 1), 0);
    ck_assert_uint_eq(config_get(PLACE, 0x3c, 4), 0);
}
END_TEST

/* Bits of the full function that a guest may write; decoding bits included. */
static uint8_t writable_bits(unsigned reg)
{
    static const uint8_t bits[256] = {
        [0x04] = 0x47, [0x05] = 0x05, /* I/O, memory, master, parity; SERR#, interrupt disable */
        [0x0c] = 0xff, [0x0d] = 0xff, /* cache line size, latency timer: §6.2.4 */
        [0x10] = 0xe0, [0x11] = 0xff, [0x12] = 0xff, [0x13] = 0xff, /* I/O, 32 bytes */
        [0x15] = 0xf0, [0x16] = 0xff, [0x17] = 0xff,                /* MSI-X, 4096 bytes */
        [0x21] = 0xc0, [0x22] = 0xff, [0x23] = 0xff, [0x24] = 0xff,
        [0x25] = 0xff, [0x26] = 0xff, [0x27] = 0xff, [0x3c] = 0xff, /* interrupt line */
        [0x43] = 0xc0,                                              /* MSI-X enable and function mask: §6.8.2.3 */
    };

    return bits[reg];
}

/* §6.1: read-only registers take a write and drop it. Each bit of each register, as bytes, words and dwords. */
START_TEST(only_writable_bits_change)
{
    unsigned size = 1u << _i;

    board_add(PLACE, &full, &probe);
    for (unsigned reg = 0; reg < PCI_CONFIG_SIZE; reg += size) {
        uint32_t before = config_get(PLACE, reg, size);
        uint32_t mask = 0;

        for (unsigned i = 0; i < size; i++) {
            mask |= (uint32_t)writable_bits(reg + i) << (8 * i);
        }
        config_put(PLACE, reg, size, 0xffffffff);
        ck_assert_msg(config_get(PLACE, reg, size) == (before | mask), "ones to 0x%x: 0x%x", reg,
                      config_get(PLACE, reg, size));
        config_put(PLACE, reg, size, 0);
        ck_assert_msg(config_get(PLACE, reg, size) == (before & ~mask), "zeros to 0x%x: 0x%x", reg,
                      config_get(PLACE, reg, size));
    }
    ck_assert_uint_eq(config_get(PLACE, 0, 4), 0x10421af4);
}
END_TEST

/* §6.2.2: a decoding bit exists only for a space that the function has; interrupt disable only with a pin. */
START_TEST(command_bits_follow_the_function)
{
    static const struct ioreqd_description memory_only = {
        .struct_size = sizeof(memory_only),
        .vendor = 1,
        .bar = {{.kind = IOREQD_BAR_MEM32, .min_access = 1, .max_access = 4, .size = 16}},
    };

    board_add(PLACE, &bare, &probe);
    board_add(PLACE + 8, &memory_only, &probe);
    config_put(PLACE, PCI_COMMAND, 2, 0xffff);
    config_put(PLACE + 8, PCI_COMMAND, 2, 0xffff);
    ck_assert_uint_eq(config_get(PLACE, PCI_COMMAND, 2), 0x0144);
    ck_assert_uint_eq(config_get(PLACE + 8, PCI_COMMAND, 2), 0x0146);
    config_put(PLACE, 0x3c, 1, 0xff);
    ck_assert_uint_eq(config_get(PLACE, 0x3c, 1), 0);
}
END_TEST

/* §6.1: byte enables; a narrow write leaves its neighbours. */
START_TEST(narrow_writes_leave_neighbours)
{
    board_add(PLACE, &full, &probe);
    config_put(PLACE, BAR_REG(4), 4, 0x12344000);
    config_put(PLACE, BAR_REG(4) + 2, 1, 0xab);
    ck_assert_uint_eq(config_get(PLACE, BAR_REG(4), 4), 0x12ab4004);
    config_put(PLACE, BAR_REG(4) + 2, 2, 0x5678);
    ck_assert_uint_eq(config_get(PLACE, BAR_REG(4), 4), 0x56784004);
    config_put(PLACE, BAR_REG(4) + 1, 2, 0xcdff);
    ck_assert_uint_eq(config_get(PLACE, BAR_REG(4), 4), 0x56cdc004);
    config_put(PLACE, PCI_COMMAND, 1, 0x04);
    config_put(PLACE, PCI_COMMAND + 1, 1, 0x04);
    ck_assert_uint_eq(config_get(PLACE, PCI_COMMAND, 2), 0x0404);
    config_put(PLACE, 0x0c, 1, 0x10);
    ck_assert_uint_eq(config_get(PLACE, 0x0c, 2), 0x0010);
    config_put(PLACE, 0x0d, 1, 0x20);
    ck_assert_uint_eq(config_get(PLACE, 0x0c, 2), 0x2010);
}
END_TEST

/* §6.2.3: error bits fall when a 1 is written, stay at a 0, and never rise by a write; the others are read-only. */
START_TEST(status_errors_are_cleared_by_ones)
{
    struct bridge_function *function = board_add(PLACE, &full, &probe);

    config_space_set(&function->config, PCI_STATUS, 2, 0xf900 | PCI_STATUS_CAPABILITIES);
    config_put(PLACE, PCI_STATUS, 2, 0x8000);
    ck_assert_uint_eq(config_get(PLACE, PCI_STATUS, 2), 0x7910);
    config_put(PLACE, PCI_STATUS, 2, 0);
    ck_assert_uint_eq(config_get(PLACE, PCI_STATUS, 2), 0x7910);
    config_put(PLACE, PCI_STATUS + 1, 1, 0x09);
    ck_assert_uint_eq(config_get(PLACE, PCI_STATUS, 2), 0x7010);
    config_put(PLACE, PCI_COMMAND, 4, 0xffff0000);
    ck_assert_uint_eq(config_get(PLACE, PCI_STATUS, 2), 0x0010);
    config_put(PLACE, PCI_STATUS, 2, 0xffff);
    ck_assert_uint_eq(config_get(PLACE, PCI_STATUS, 2), 0x0010);
}
END_TEST

/* §6.2.3 in the masks themselves: a bit that clears is not one that is written. */
START_TEST(masks_of_configuration_space)
{
    static struct config_space space;

    config_space_set(&space, 0x80, 4, 0xaabbccdd);
    config_space_set_writable(&space, 0x80, 4, 0x0000ffff);
    config_space_set_clearable(&space, 0x80, 4, 0x00ff0000);
    config_space_write(&space, 0x80, 4, 0x00f01234);
    ck_assert_uint_eq(config_space_get(&space, 0x80, 4), 0xaa0b1234);
    config_space_write(&space, 0x81, 2, 0x0f56);
    ck_assert_uint_eq(config_space_get(&space, 0x80, 4), 0xaa005634);
    ck_assert_uint_eq(config_space_get(&space, 0x81, 2), 0x0056);
    ck_assert_uint_eq(config_space_get(&space, 0x84, 4), 0);
}
END_TEST

TCase *header_tests(void)
{
    TCase *group = tcase_create("header");

    tcase_add_checked_fixture(group, board_open, board_close);
    tcase_add_test(group, ids_stand_in_their_places);
    tcase_add_test(group, header_after_reset);
    tcase_add_test(group, header_without_capabilities);
    tcase_add_loop_test(group, only_writable_bits_change, 0, 3);
    tcase_add_test(group, command_bits_follow_the_function);
    tcase_add_test(group, narrow_writes_leave_neighbours);
    tcase_add_test(group, status_errors_are_cleared_by_ones);
    tcase_add_test(group, masks_of_configuration_space);
    return group;
}
