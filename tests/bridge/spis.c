/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lines that are SPIs: which pin leads to which, when one is raised, and what a platform is told that ignores falls (the
 * rules of src/bridge/lines.c).
 */
#include "bridge/machine.h"
#include "tests/bridge/board.h"

#define MEMORY          UINT64_C(0x33000000)
#define DEVICES_ON_LINE 2u

static struct probe probe[DEVICES_ON_LINE];
static struct bridge_function *function[DEVICES_ON_LINE];
static struct bridge_host_config config;

static const struct ioreqd_description with_pin = {
    .struct_size = sizeof(with_pin),
    .vendor = 0x1af4,
    .intx = 1,
    .bar = {{.kind = IOREQD_BAR_MEM32, .size = 0x1000, .min_access = 1, .max_access = 8}},
};

static uint32_t number(unsigned device)
{
    return BRIDGE_ARM_SEGMENT << 16 | device << 3;
}

/* Two functions, with their BARs at MEMORY and behind, on one line or on lines of their own. */
static void open_lines(unsigned lines)
{
    const struct bridge_spis spis = {.first = 40, .count = (uint16_t)lines};

    board_open_empty();
    bridge_default_arm_host(&config);
    bridge_give_lines(&config, &spis, 0, 1);
    host = board_add_host(&config);
    for (unsigned i = 0; i < DEVICES_ON_LINE; i++) {
        function[i] = board_add(BRIDGE_DEVFN(i + 1, 0), &with_pin, &probe[i]);
        config_put(number(i + 1), BAR_REG(0), 4, (uint32_t)MEMORY + i * 0x1000);
        config_put(number(i + 1), PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
    }
}

static void open_shared(void)
{
    open_lines(1);
}

START_TEST(a_rise_and_a_fall_are_told)
{
    bridge_intx(function[0], true);
    ck_assert_uint_eq(board.spi_rises[40], 1);
    ck_assert(board.spi_level[40]);
    bridge_intx(function[0], true);
    ck_assert_uint_eq(board.spi_rises[40], 1);
    bridge_intx(function[0], false);
    ck_assert(!board.spi_level[40]);
    ck_assert_uint_eq(board.line_changes, 0);
}
END_TEST

START_TEST(a_rise_beside_another_raises_again)
{
    bridge_intx(function[0], true);
    bridge_intx(function[1], true);
    ck_assert_uint_eq(board.spi_rises[40], 2);
}
END_TEST

START_TEST(a_fall_beside_another_raises_again)
{
    bridge_intx(function[0], true);
    bridge_intx(function[1], true);
    bridge_intx(function[0], false);
    ck_assert_uint_eq(board.spi_rises[40], 3);
    ck_assert(board.spi_level[40]);
    bridge_intx(function[1], false);
    ck_assert_uint_eq(board.spi_rises[40], 3);
    ck_assert(!board.spi_level[40]);
}
END_TEST

START_TEST(an_access_that_leaves_it_high_raises_again)
{
    unsigned before;

    bridge_intx(function[0], true);
    before = board.spi_rises[40];
    bridge_read(bridge, BRIDGE_MEMORY, MEMORY, 4);
    ck_assert_uint_eq(board.spi_rises[40], before + 1);
    bridge_write(bridge, BRIDGE_MEMORY, MEMORY, 4, 0);
    ck_assert_uint_eq(board.spi_rises[40], before + 2);
    bridge_read(bridge, BRIDGE_MEMORY, config.ecam + (UINT64_C(1) << 15) + PCI_STATUS, 2);
    ck_assert_uint_eq(board.spi_rises[40], before + 3);
    config_put(number(1), PCI_INTERRUPT_LINE, 1, 5);
    ck_assert_uint_eq(board.spi_rises[40], before + 4);
    /* Not by one to a function that has none. */
    bridge_read(bridge, BRIDGE_MEMORY, MEMORY + 0x1000, 4);
    config_get(number(2), PCI_STATUS, 2);
    ck_assert_uint_eq(board.spi_rises[40], before + 4);
    /* Nor by one that lowers it, as the disable bit of the command register does. */
    config_put(number(1), PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_INTX_DISABLE);
    ck_assert_uint_eq(board.spi_rises[40], before + 4);
    ck_assert(!board.spi_level[40]);
    config_put(number(1), PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
    ck_assert_uint_gt(board.spi_rises[40], before + 4);
}
END_TEST

START_TEST(without_lines_there_is_no_pin)
{
    const struct bridge_spis none = {0};

    bridge_give_lines(&config, &none, 0, 1);
    ck_assert_int_eq(config.lines, BRIDGE_LINES_NONE);
    ck_assert_uint_ne(config_get(number(1), PCI_INTERRUPT_PIN, 1), 0);
}
END_TEST

/* Every pin of every device has an SPI of those there are, and with 128 of its own. */
START_TEST(lines_are_spread)
{
    static const uint16_t counts[] = {1, 2, 3, 4, 5, 8, 16, 20, 32, 64, 127, 128, 256};

    for (unsigned i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        struct bridge_host_config c = {.lines = BRIDGE_LINES_SPIS, .spis = {100, counts[i]}};
        unsigned used[256] = {0}, most = 0, period = bridge_line_period(&c);

        for (unsigned device = 0; device < 32; device++) {
            for (unsigned pin = 0; pin < 4; pin++) {
                unsigned spi = bridge_line_spi(&c, device, pin);

                ck_assert_uint_ge(spi, 100);
                ck_assert_uint_lt(spi, 100u + counts[i]);
                used[spi - 100]++;
                ck_assert_uint_eq(spi, bridge_line_spi(&c, device % period, pin));
            }
        }
        for (unsigned spi = 0; spi < counts[i]; spi++) {
            most = used[spi] > most ? used[spi] : most;
        }
        ck_assert_msg(counts[i] < 128 || most == 1, "with %u SPIs one has %u pins", counts[i], most);
        ck_assert_msg(counts[i] > 32 || most <= 128u / counts[i] + 4, "with %u SPIs one has %u pins", counts[i], most);
        /* Neighbours differ where they can. */
        ck_assert(counts[i] == 1 || bridge_line_spi(&c, 1, 0) != bridge_line_spi(&c, 2, 0));
    }
}
END_TEST

/* The lines of several bridges begin at different places. */
START_TEST(bridges_share_them)
{
    const struct bridge_spis spis = {.first = 32, .count = 8};
    struct bridge_host_config c;

    for (unsigned i = 0; i < 4; i++) {
        bridge_give_lines(&c, &spis, i, 4);
        ck_assert_uint_eq(bridge_line_spi(&c, 0, 0), 32 + 2 * i);
    }
}
END_TEST

TCase *spi_tests(void)
{
    TCase *tests = tcase_create("SPIs");

    tcase_add_checked_fixture(tests, open_shared, board_close);
    tcase_add_test(tests, a_rise_and_a_fall_are_told);
    tcase_add_test(tests, a_rise_beside_another_raises_again);
    tcase_add_test(tests, a_fall_beside_another_raises_again);
    tcase_add_test(tests, an_access_that_leaves_it_high_raises_again);
    tcase_add_test(tests, without_lines_there_is_no_pin);
    tcase_add_test(tests, lines_are_spread);
    tcase_add_test(tests, bridges_share_them);
    return tests;
}
