/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a port forwards downwards: its windows and its command register (PCI-to-PCI Bridge 1.2 §3.2.4.3, §3.2.5.6,
 * §3.2.5.8, §3.2.5.9, §4.2 to §4.5).
 */
#include "tests/bridge/board.h"

#define PORT   0x10u
#define BEHIND 0x100u
#define DECODE (PCI_COMMAND_IO | PCI_COMMAND_MEMORY)

static struct probe probe;

static const struct ioreqd_description kinds = {
    .struct_size = sizeof(kinds),
    .vendor = 0x1af4,
    .bar = {[0] = {.kind = IOREQD_BAR_IO, .min_access = 1, .max_access = 4, .size = 256},
            [1] = {.kind = IOREQD_BAR_MEM32, .min_access = 1, .max_access = 4, .size = 0x1000},
            [2] = {.kind = IOREQD_BAR_MEM64_PREFETCH, .min_access = 1, .max_access = 8, .size = 0x200000}},
};

/* All windows are closed; port and function would decode. */
static void open_port(void)
{
    struct bridge_bus *secondary;

    board_open();
    secondary = board_add_port(PORT, 1);
    board_add_on(secondary, 0, &kinds, &probe);
    config_put(PORT, PCI_PRIMARY_BUS, 4, 0x10100);
    config_put(PORT, PCI_COMMAND, 2, DECODE);
    config_put(BEHIND, PCI_COMMAND, 2, DECODE);
}

static void io_window(unsigned base, unsigned limit)
{
    config_put(PORT, PCI_IO_BASE, 2, base | limit << 8);
}

static void memory_window(unsigned base, unsigned limit)
{
    config_put(PORT, PCI_MEMORY_BASE, 4, base | limit << 16);
}

static void wide_window(uint64_t base, uint64_t limit)
{
    config_put(PORT, PCI_PREFETCH_BASE, 4, (uint32_t)(base >> 16 & 0xffff) | (uint32_t)(limit & 0xffff0000));
    config_put(PORT, PCI_PREFETCH_BASE_UPPER, 4, (uint32_t)(base >> 32));
    config_put(PORT, PCI_PREFETCH_LIMIT_UPPER, 4, (uint32_t)(limit >> 32));
}

static void place(unsigned bar, uint64_t address)
{
    config_put(BEHIND, BAR_REG(bar), 4, (uint32_t)address);
    if (bar == 2) {
        config_put(BEHIND, BAR_REG(3), 4, (uint32_t)(address >> 32));
    }
}

static bool decodes(unsigned bar, uint64_t address)
{
    enum bridge_space space = bar == 0 ? BRIDGE_PORT : BRIDGE_MEMORY;
    uint64_t size = kinds.bar[bar].size;
    bool reached = bridge_read(bridge, space, address, 4) == probe_value(bar, 0, 4);

    ck_assert_int_eq(reached, board_has_claim(space, address, address + size - 1));
    ck_assert_uint_eq(board.claims, reached ? 1 : 0);
    return reached;
}

/* §3.2.5.6, .8, .9: base above limit forwards nothing; whoever is behind it is not refused, it has to wait. */
START_TEST(windows_are_closed_at_reset)
{
    static const uint64_t address[] = {0xf000, 0xfff00000, UINT64_C(0xffe00000)};

    place(0, address[0]);
    ck_assert(!decodes(0, address[0]));
    place(0, 0x100);
    ck_assert(!decodes(0, 0x100));
    place(1, address[1]);
    ck_assert(!decodes(1, address[1]));
    place(1, 0x1000);
    ck_assert(!decodes(1, 0x1000));
    place(2, address[2]);
    ck_assert(!decodes(2, address[2]));
    ck_assert_uint_eq(bridge_counters(bridge)->refused, 0);
}
END_TEST

/* §3.2.5.6: steps of 4 KiB, limit included. */
START_TEST(the_io_window)
{
    io_window(0xc0, 0xd0);
    place(0, 0xbf00);
    ck_assert(!decodes(0, 0xbf00));
    place(0, 0xc000);
    ck_assert(decodes(0, 0xc000));
    place(0, 0xdf00);
    ck_assert(decodes(0, 0xdf00));
    place(0, 0xe000);
    ck_assert(!decodes(0, 0xe000));
    io_window(0xe0, 0xe0);
    ck_assert(decodes(0, 0xe000));
    io_window(0xe0, 0xd0);
    ck_assert(!decodes(0, 0xe000));
    io_window(0x00, 0xf0);
    ck_assert(decodes(0, 0xe000));
    config_put(PORT, PCI_IO_LIMIT, 1, 0xd0);
    ck_assert(!decodes(0, 0xe000));
    place(1, 0xe000); /* the I/O window is none for memory */
    ck_assert(!decodes(1, 0xe000));
}
END_TEST

/* §3.2.5.8: steps of 1 MiB. */
START_TEST(the_memory_window)
{
    memory_window(0xfe00, 0xfe10);
    place(1, 0xfdfff000);
    ck_assert(!decodes(1, 0xfdfff000));
    place(1, 0xfe000000);
    ck_assert(decodes(1, 0xfe000000));
    place(1, 0xfe1ff000);
    ck_assert(decodes(1, 0xfe1ff000));
    place(1, 0xfe200000);
    ck_assert(!decodes(1, 0xfe200000));
    config_put(PORT, PCI_MEMORY_LIMIT, 2, 0xfe20);
    ck_assert(decodes(1, 0xfe200000));
    config_put(PORT, PCI_MEMORY_BASE, 2, 0xfe30);
    ck_assert(!decodes(1, 0xfe200000));
}
END_TEST

/* §3.2.5.9, .10: 64 bits. §4.5: whether a BAR is prefetchable does not matter to what is forwarded. */
START_TEST(the_prefetchable_window)
{
    wide_window(UINT64_C(0x12fff00000), UINT64_C(0x1300200000));
    place(2, UINT64_C(0x12ffe00000));
    ck_assert(!decodes(2, UINT64_C(0x12ffe00000)));
    place(2, UINT64_C(0x1300000000));
    ck_assert(decodes(2, UINT64_C(0x1300000000)));
    place(2, UINT64_C(0x1300200000)); /* its second MiB is beyond */
    ck_assert(!decodes(2, UINT64_C(0x1300200000)));
    wide_window(UINT64_C(0x12fff00000), UINT64_C(0x1300300000));
    ck_assert(decodes(2, UINT64_C(0x1300200000)));
    config_put(PORT, PCI_PREFETCH_LIMIT_UPPER, 1, 0x12);
    ck_assert(!decodes(2, UINT64_C(0x1300200000)));
    wide_window(0xfd000000, 0xfd000000);
    place(1, 0xfd001000);
    ck_assert(decodes(1, 0xfd001000));
}
END_TEST

/* A BAR that a window holds in part is not reached at all; two windows that hold it together do not help. */
START_TEST(parts_are_not_forwarded)
{
    place(2, 0xfd000000);
    memory_window(0xfd00, 0xfd00);
    ck_assert(!decodes(2, 0xfd000000));
    ck_assert_uint_eq(bridge_read(bridge, BRIDGE_MEMORY, 0xfd0fffff, 1), 0xff);
    wide_window(0xfd100000, 0xfd100000);
    ck_assert(!decodes(2, 0xfd000000));
    memory_window(0xfd00, 0xfd10);
    ck_assert(decodes(2, 0xfd000000));
    ck_assert_uint_eq(bridge_counters(bridge)->refused, 0);
}
END_TEST

/* §3.2.4.3: I/O and memory enable of the port are for what is behind it. */
START_TEST(the_command_register_gates_the_windows)
{
    io_window(0xc0, 0xc0);
    memory_window(0xfe00, 0xfe00);
    place(0, 0xc000);
    config_put(PORT, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
    ck_assert(!decodes(0, 0xc000));
    config_put(PORT, PCI_COMMAND, 2, PCI_COMMAND_IO);
    place(1, 0xfe000000);
    ck_assert(decodes(0, 0xc000));
    ck_assert(bridge_read(bridge, BRIDGE_MEMORY, 0xfe000000, 4) == 0xffffffff);
    config_put(PORT, PCI_COMMAND, 2, 0);
    ck_assert_uint_eq(board.claims, 0);
    config_put(PORT, PCI_COMMAND, 2, DECODE);
    ck_assert_uint_eq(board.claims, 2);
    config_put(BEHIND, PCI_COMMAND, 2, 0);
    ck_assert_uint_eq(board.claims, 0);
}
END_TEST

/* Windows are bus addresses too: those of the host bridge's apertures. */
START_TEST(windows_below_apertures)
{
    struct bridge_bus *secondary;

    host = board_add_host(&board_wide_host);
    secondary = board_add_port(0, 1);
    board_add_on(secondary, 0, &kinds, &probe);
    config_put(WIDE(0), PCI_PRIMARY_BUS, 4, 0x111110);
    config_put(WIDE(0), PCI_COMMAND, 2, DECODE);
    config_put(WIDE(0), PCI_IO_BASE, 2, 0x0000);
    config_put(WIDE(0), PCI_MEMORY_BASE, 4, 0x00100010);
    config_put(0x11100, BAR_REG(1), 4, 0x100000);
    config_put(0x11100, BAR_REG(2), 4, 0xfff00000);
    config_put(0x11100, PCI_COMMAND, 2, DECODE);
    ck_assert_uint_eq(bridge_read(bridge, BRIDGE_MEMORY, BOARD_IO, 4), probe_value(0, 0, 4));
    ck_assert_uint_eq(bridge_read(bridge, BRIDGE_MEMORY, BOARD_MEMORY + 0x100000, 4), probe_value(1, 0, 4));
    config_put(WIDE(0), PCI_MEMORY_BASE, 4, 0xfff0fff0); /* forwarded, and outside the aperture */
    config_put(0x11100, BAR_REG(1), 4, 0xfff10000);
    ck_assert_uint_eq(bridge_read(bridge, BRIDGE_MEMORY, 0xfff10000, 4), 0xffffffff);
    ck_assert_uint_eq(bridge_counters(bridge)->refused, 1);
    ck_assert_uint_eq(board.claims, 4);
}
END_TEST

/* What is behind a port goes with its BARs, and another gets their places. */
START_TEST(removal_behind_a_port)
{
    struct bridge_bus *secondary = board_add_port(PORT + 8, 2);
    struct bridge_function *function = board_add_on(secondary, 0, &kinds, &probe);

    config_put(PORT + 8, PCI_PRIMARY_BUS, 4, 0x20200);
    config_put(PORT + 8, PCI_COMMAND, 2, DECODE);
    config_put(PORT + 8, PCI_MEMORY_BASE, 4, 0xfe00fe00);
    config_put(0x200, BAR_REG(1), 4, 0xfe000000);
    config_put(0x200, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
    memory_window(0xfe00, 0xfe00); /* two ports forward the same: whoever was first has it */
    place(1, 0xfe000000);
    ck_assert_uint_eq(bridge_counters(bridge)->refused, 1);
    bridge_remove_function(function);
    ck_assert(decodes(1, 0xfe000000));
}
END_TEST

TCase *window_tests(void)
{
    TCase *group = tcase_create("windows of ports");

    tcase_add_checked_fixture(group, open_port, board_close);
    tcase_add_test(group, windows_are_closed_at_reset);
    tcase_add_test(group, the_io_window);
    tcase_add_test(group, the_memory_window);
    tcase_add_test(group, the_prefetchable_window);
    tcase_add_test(group, parts_are_not_forwarded);
    tcase_add_test(group, the_command_register_gates_the_windows);
    tcase_add_test(group, windows_below_apertures);
    tcase_add_test(group, removal_behind_a_port);
    return group;
}
