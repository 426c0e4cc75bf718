/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which accesses to a BAR reach the device, and how (struct ioreqd_bar of ioreqd/device.h; PCI 3.0 §6.2.5.1).
 */
#include "tests/bridge/board.h"

#define WORDS     UINT64_C(0xfe000000) /* min 2, max 4 */
#define NEXT      UINT64_C(0xfe001000) /* min 1, max 8; adjacent */
#define DWORDS    UINT64_C(0xfd000000) /* min and max 4 */
#define PORTS     UINT64_C(0xc000)     /* min 1, max 2 */
#define NEIGHBOUR UINT64_C(0xc004)     /* 4 ports more */

static struct probe probe;
static struct probe neighbour;

static const struct ioreqd_description limits = {
    .struct_size = sizeof(limits),
    .vendor = 0x1af4,
    .bar = {[0] = {.kind = IOREQD_BAR_MEM32, .min_access = 2, .max_access = 4, .size = 0x1000},
            [1] = {.kind = IOREQD_BAR_MEM32, .min_access = 1, .max_access = 8, .size = 0x1000},
            [2] = {.kind = IOREQD_BAR_MEM32, .min_access = 4, .max_access = 4, .size = 0x1000},
            [3] = {.kind = IOREQD_BAR_IO, .min_access = 1, .max_access = 2, .size = 4},
            [4] = {.kind = IOREQD_BAR_IO, .min_access = 1, .max_access = 2, .size = 4}},
};

static void open_placed(void)
{
    static const uint32_t address[] = {WORDS, NEXT, DWORDS, PORTS, NEIGHBOUR};

    board_open();
    board_add(PLACE, &limits, &probe);
    for (unsigned i = 0; i < 5; i++) {
        config_put(PLACE, BAR_REG(i), 4, address[i]);
    }
    config_put(PLACE, PCI_COMMAND, 2, PCI_COMMAND_IO | PCI_COMMAND_MEMORY);
    ck_assert_uint_eq(board.claims, 5);
}

static uint64_t read_memory(uint64_t address, unsigned size)
{
    return bridge_read(bridge, BRIDGE_MEMORY, address, size);
}

static void write_memory(uint64_t address, unsigned size, uint64_t value)
{
    bridge_write(bridge, BRIDGE_MEMORY, address, size, value);
}

START_TEST(fitting_accesses_go_through)
{
    for (unsigned size = 1; size <= 8; size *= 2) {
        probe.accesses = 0;
        ck_assert_uint_eq(read_memory(NEXT + 0x40, size), probe_value(1, 0x40, size));
        write_memory(NEXT + 0x48, size, UINT64_C(0x8877665544332211));
        ck_assert_uint_eq(probe.accesses, 2);
        probe_saw(&probe, 0, ACCESS_READ, 1, 0x40, size, 0);
        probe_saw(&probe, 1, ACCESS_WRITE, 1, 0x48, size, UINT64_C(0x8877665544332211) & bridge_all_ones(size));
    }
    ck_assert_uint_eq(bridge_counters(bridge)->misfit, 0);
}
END_TEST

/* Larger than max_access: in pieces, lowest first, each of max_access. */
START_TEST(large_accesses_are_split)
{
    ck_assert_uint_eq(read_memory(WORDS + 0x10, 8), probe_value(0, 0x10, 8));
    probe_saw(&probe, 0, ACCESS_READ, 0, 0x10, 4, 0);
    probe_saw(&probe, 1, ACCESS_READ, 0, 0x14, 4, 0);
    ck_assert_uint_eq(probe.accesses, 2);
    write_memory(WORDS + 0x18, 8, UINT64_C(0x1122334455667788));
    probe_saw(&probe, 2, ACCESS_WRITE, 0, 0x18, 4, 0x55667788);
    probe_saw(&probe, 3, ACCESS_WRITE, 0, 0x1c, 4, 0x11223344);
    ck_assert_uint_eq(bridge_read(bridge, BRIDGE_PORT, PORTS, 4), probe_value(3, 0, 4));
    bridge_write(bridge, BRIDGE_PORT, PORTS, 4, 0xddccbbaa);
    probe_saw(&probe, 4, ACCESS_READ, 3, 0, 2, 0);
    probe_saw(&probe, 5, ACCESS_READ, 3, 2, 2, 0);
    probe_saw(&probe, 6, ACCESS_WRITE, 3, 0, 2, 0xbbaa);
    probe_saw(&probe, 7, ACCESS_WRITE, 3, 2, 2, 0xddcc);
    ck_assert_uint_eq(bridge_counters(bridge)->misfit, 0);
}
END_TEST

/* A read smaller than min_access is part of one of min_access; a write that small cannot be made, and is dropped. */
START_TEST(small_accesses)
{
    ck_assert_uint_eq(read_memory(WORDS + 0x21, 1), probe_byte(0, 0x21));
    probe_saw(&probe, 0, ACCESS_READ, 0, 0x20, 2, 0);
    for (unsigned i = 0; i < 4; i++) {
        ck_assert_uint_eq(read_memory(DWORDS + 0x30 + i, 1), probe_byte(2, 0x30 + i));
        probe_saw(&probe, 1 + i, ACCESS_READ, 2, 0x30, 4, 0);
    }
    ck_assert_uint_eq(read_memory(DWORDS + 0x32, 2), probe_value(2, 0x32, 2));
    ck_assert_uint_eq(probe.accesses, 6);
    ck_assert_uint_eq(bridge_counters(bridge)->misfit, 0);
    write_memory(WORDS + 0x20, 1, 0x55);
    write_memory(DWORDS + 0x30, 2, 0x5555);
    ck_assert_uint_eq(probe.accesses, 6);
    ck_assert_uint_eq(bridge_counters(bridge)->misfit, 2);
}
END_TEST

/* Unaligned: all ones, dropped, counted. */
START_TEST(unaligned_accesses_are_refused)
{
    uint64_t misfits = 0;

    for (unsigned size = 2; size <= 8; size *= 2) {
        for (unsigned by = 1; by < size; by++) {
            ck_assert_uint_eq(read_memory(NEXT + 0x100 + by, size), bridge_all_ones(size));
            write_memory(NEXT + 0x100 + by, size, 0);
            misfits += 2;
        }
    }
    ck_assert_uint_eq(bridge_counters(bridge)->misfit, misfits);
    ck_assert_uint_eq(probe.accesses, 0);
}
END_TEST

/* From one BAR into the next: neither sees a part of it. */
START_TEST(straddling_accesses_are_refused)
{
    ck_assert_uint_eq(read_memory(NEXT - 2, 4), 0xffffffff);
    ck_assert_uint_eq(read_memory(NEXT - 4, 8), UINT64_MAX);
    write_memory(NEXT - 2, 4, 0);
    ck_assert_uint_eq(bridge_read(bridge, BRIDGE_PORT, NEIGHBOUR - 1, 2), 0xffff);
    bridge_write(bridge, BRIDGE_PORT, NEIGHBOUR - 2, 4, 0);
    ck_assert_uint_eq(bridge_read(bridge, BRIDGE_PORT, PORTS, 8), UINT64_MAX); /* aligned, but the BAR ends before */
    ck_assert_uint_eq(read_memory(NEXT + 0xffe, 4), 0xffffffff);
    ck_assert_uint_eq(read_memory(WORDS - 2, 4), 0xffffffff); /* into a BAR from nowhere */
    ck_assert_uint_eq(probe.accesses, 0);
    ck_assert_uint_eq(bridge_counters(bridge)->misfit, 7);
    ck_assert_uint_eq(bridge_counters(bridge)->unclaimed, 1);
}
END_TEST

/* Nobody's: all ones, cut to the size. */
START_TEST(unclaimed_accesses_read_ones)
{
    static const uint64_t nobody[] = {0, WORDS - 8, NEXT + 0x1000, UINT64_MAX - 7, UINT64_MAX};

    for (unsigned i = 0; i < sizeof(nobody) / sizeof(nobody[0]); i++) {
        for (unsigned size = 1; size <= 8; size *= 2) {
            ck_assert_uint_eq(read_memory(nobody[i], size), bridge_all_ones(size));
            ck_assert_uint_eq(bridge_read(bridge, BRIDGE_PORT, nobody[i], size), bridge_all_ones(size));
            write_memory(nobody[i], size, 0);
        }
    }
    ck_assert_uint_eq(bridge_read(bridge, BRIDGE_PORT, WORDS, 4), 0xffffffff); /* of the other space */
    ck_assert_uint_eq(read_memory(PORTS, 1), 0xff);
    ck_assert_uint_eq(bridge_counters(bridge)->unclaimed, 5 * 4 * 3 + 2);
    ck_assert_uint_eq(probe.accesses, 0);
}
END_TEST

/* Each function gets its own. */
START_TEST(accesses_find_their_function)
{
    board_add(PLACE + 8, &limits, &neighbour);
    config_put(PLACE + 8, BAR_REG(1), 4, 0xfe002000);
    config_put(PLACE + 8, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
    read_memory(0xfe002004, 4);
    read_memory(NEXT + 4, 4);
    read_memory(0xfe002008, 4);
    ck_assert_uint_eq(neighbour.accesses, 2);
    ck_assert_uint_eq(probe.accesses, 1);
    probe_saw(&neighbour, 1, ACCESS_READ, 1, 8, 4, 0);
    probe_saw(&probe, 0, ACCESS_READ, 1, 4, 4, 0);
}
END_TEST

TCase *access_tests(void)
{
    TCase *group = tcase_create("accesses");

    tcase_add_checked_fixture(group, open_placed, board_close);
    tcase_add_test(group, fitting_accesses_go_through);
    tcase_add_test(group, large_accesses_are_split);
    tcase_add_test(group, small_accesses);
    tcase_add_test(group, unaligned_accesses_are_refused);
    tcase_add_test(group, straddling_accesses_are_refused);
    tcase_add_test(group, unclaimed_accesses_read_ones);
    tcase_add_test(group, accesses_find_their_function);
    return group;
}
