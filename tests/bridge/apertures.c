/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * BARs below a host bridge that owns apertures: the BAR holds a bus address, the processor has another, and the
 * platform hears of neither (bridge/host_config.h; PCI 3.0 §6.2.5.1 for the registers).
 */
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "tests/bridge/board.h"

#define DECODE (PCI_COMMAND_IO | PCI_COMMAND_MEMORY)
#define GIB    (UINT64_C(1) << 30)

static struct probe probe;
static struct probe other_probe;

static const struct ioreqd_description kinds = {
    .struct_size = sizeof(kinds),
    .vendor = 0x1af4,
    .bar = {[0] = {.kind = IOREQD_BAR_IO, .min_access = 1, .max_access = 4, .size = 64},
            [1] = {.kind = IOREQD_BAR_MEM32, .min_access = 1, .max_access = 4, .size = 16},
            [2] = {.kind = IOREQD_BAR_MEM64, .min_access = 1, .max_access = 8, .size = 0x1000},
            [4] = {.kind = IOREQD_BAR_MEM64_PREFETCH, .min_access = 1, .max_access = 8, .size = 64 * GIB}},
};

static void open_wide(void)
{
    board_open_empty();
    host = board_add_host(&board_wide_host);
    board_add(8, &kinds, &probe);
}

static uint64_t get(uint64_t address, unsigned size)
{
    return bridge_read(bridge, BRIDGE_MEMORY, address, size);
}

static void place(unsigned bar, uint64_t address)
{
    config_put(WIDE(8), BAR_REG(bar), 4, (uint32_t)address);
    if (bar == 2 || bar == 4) {
        config_put(WIDE(8), BAR_REG(bar + 1), 4, (uint32_t)(address >> 32));
    }
}

/* The address that the processor uses is the aperture's, as far into it as the BAR is on the bus. */
START_TEST(bus_addresses_are_translated)
{
    place(0, 0xe040);
    place(1, 0x3fffff0);
    place(2, 0x2345000);
    place(4, BOARD_BUS64 + 64 * GIB);
    config_put(WIDE(8), PCI_COMMAND, 2, DECODE);
    ck_assert_uint_eq(get(BOARD_IO + 0xe07f, 1), probe_byte(0, 0x3f));
    ck_assert_uint_eq(get(BOARD_IO + 0xe080, 1), 0xff);
    ck_assert_uint_eq(get(BOARD_IO + 0xe03f, 1), 0xff);
    ck_assert_uint_eq(get(BOARD_MEMORY + 0x3fffffc, 4), probe_value(1, 0xc, 4));
    ck_assert_uint_eq(get(BOARD_MEMORY + 0x2345ff8, 8), probe_value(2, 0xff8, 8));
    ck_assert_uint_eq(get(BOARD_MEMORY64 + 64 * GIB, 8), probe_value(4, 0, 8));
    ck_assert_uint_eq(get(BOARD_MEMORY64 + 128 * GIB - 8, 8), probe_value(4, 64 * GIB - 8, 8));
    ck_assert_uint_eq(get(BOARD_MEMORY64 + 64 * GIB - 8, 8), UINT64_MAX);
    /* Where the bus has them the processor has nothing. */
    ck_assert_uint_eq(get(0x2345ff8, 8), UINT64_MAX);
    ck_assert_uint_eq(get(BOARD_BUS64 + 64 * GIB, 8), UINT64_MAX);
    ck_assert_uint_eq(bridge_read(bridge, BRIDGE_PORT, 0xe040, 1), 0xff);
    ck_assert_uint_eq(board.claims, 4);
    ck_assert_uint_eq(bridge_counters(bridge)->refused, 0);
}
END_TEST

START_TEST(writes_are_translated_too)
{
    config_put(WIDE(8), PCI_COMMAND, 2, DECODE);
    place(0, 0x1000);
    bridge_write(bridge, BRIDGE_MEMORY, BOARD_IO + 0x1002, 2, 0x1234);
    probe_saw(&probe, 0, ACCESS_WRITE, 0, 2, 2, 0x1234);
    ck_assert_uint_eq(probe.accesses, 1);
}
END_TEST

/* Address 0 is one like any other where the aperture begins with it. */
START_TEST(zero_is_a_place_in_an_aperture_that_begins_there)
{
    config_put(WIDE(8), PCI_COMMAND, 2, PCI_COMMAND_IO);
    ck_assert_uint_eq(get(BOARD_IO, 1), probe_byte(0, 0));
    place(1, 0x1000);
    place(2, 0x2000);
    config_put(WIDE(8), PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
    ck_assert_uint_eq(get(BOARD_MEMORY, 1), 0xff);
    place(2, 0);
    ck_assert_uint_eq(get(BOARD_MEMORY, 8), probe_value(2, 0, 8));
    ck_assert_uint_eq(bridge_counters(bridge)->refused, 0);
}
END_TEST

/* Sizing passes through all ones and 0: neither claims nor complains, and afterwards all is as it was. */
START_TEST(sizing_with_decoding_on_costs_nothing)
{
    config_put(WIDE(8), PCI_COMMAND, 2, DECODE);
    place(0, 0x1000);
    place(1, 0x1000);
    place(2, 0x2000);
    place(4, BOARD_BUS64);
    for (unsigned i = 0; i < IOREQD_BARS; i++) {
        uint32_t before = config_get(WIDE(8), BAR_REG(i), 4);

        config_put(WIDE(8), BAR_REG(i), 4, 0xffffffff);
        config_put(WIDE(8), BAR_REG(i), 4, before);
        ck_assert_uint_eq(board.claims, 4);
    }
    ck_assert_uint_eq(get(BOARD_IO + 0x1000, 1), probe_byte(0, 0));
    ck_assert_uint_eq(get(BOARD_MEMORY + 0x1000, 1), probe_byte(1, 0));
    ck_assert_uint_eq(get(BOARD_MEMORY + 0x2000, 1), probe_byte(2, 0));
    ck_assert_uint_eq(get(BOARD_MEMORY64, 1), probe_byte(4, 0));
}
END_TEST

/* A BAR has to lie in one aperture whole; next to it, or half in it, it is not reached, and that is told once. */
START_TEST(outside_the_apertures_nothing_decodes)
{
    static const uint64_t outside[] = {0x4000000, 0x80000000, BOARD_BUS64 - 0x1000, BOARD_BUS64 + 128 * GIB};

    config_put(WIDE(8), PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
    place(1, 0x1000);
    for (unsigned i = 0; i < 4; i++) {
        config_put(WIDE(8), BAR_REG(3), 4, (uint32_t)(outside[i] >> 32));
        config_put(WIDE(8), BAR_REG(2), 4, (uint32_t)outside[i]);
        ck_assert_uint_eq(get(outside[i], 4), 0xffffffff);
        ck_assert_uint_eq(get(BOARD_MEMORY + outside[i], 4), 0xffffffff);
    }
    ck_assert_uint_eq(probe.accesses, 0);
    place(2, 0x3fff000);
    ck_assert_uint_eq(get(BOARD_MEMORY + 0x3fff000, 4), probe_value(2, 0, 4));
    place(4, BOARD_BUS64 - 64 * GIB);
    ck_assert_uint_eq(get(BOARD_MEMORY64, 4), 0xffffffff);
    ck_assert_uint_eq(board.claims, 4);
}
END_TEST

/* What comes next to standard error, as text. */
static void catch_log(int pipes[2], int *kept)
{
    ck_assert_int_eq(pipe(pipes), 0);
    *kept = dup(STDERR_FILENO);
    ck_assert_int_eq(dup2(pipes[1], STDERR_FILENO), STDERR_FILENO);
}

static void read_log(const int pipes[2], int kept, char *text, size_t size)
{
    ssize_t length;

    dup2(kept, STDERR_FILENO);
    close(kept);
    close(pipes[1]);
    length = read(pipes[0], text, size - 1);
    close(pipes[0]);
    text[length > 0 ? length : 0] = '\0';
}

START_TEST(what_is_refused_is_told_once)
{
    int pipes[2], kept;
    char text[1024];
    const char *line;

    place(1, 0x5000000);
    catch_log(pipes, &kept);
    config_put(WIDE(8), PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
    place(1, 0x5000000);
    config_put(WIDE(8), PCI_CACHE_LINE_SIZE, 1, 1);
    config_put(WIDE(8), PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_BUS_MASTER);
    read_log(pipes, kept, text, sizeof(text));
    ck_assert_uint_eq(bridge_counters(bridge)->refused, 1);
    line = strstr(text, "BAR 1 of 0001:10:01.0 cannot be placed at 0x5000000: that is outside the apertures");
    ck_assert_msg(line != NULL, "%s", text);
    ck_assert_ptr_null(strstr(strchr(line, '\n'), "cannot be placed"));
    config_put(WIDE(8), PCI_COMMAND, 2, 0); /* who tries again is told again */
    config_put(WIDE(8), PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
    ck_assert_uint_eq(bridge_counters(bridge)->refused, 2);
    place(1, 0x1000);
    ck_assert_uint_eq(get(BOARD_MEMORY + 0x1000, 4), probe_value(1, 0, 4));
}
END_TEST

/* A move is one step: never in two places, and what was in the way of another lets it in. */
START_TEST(moves_inside_and_between_apertures)
{
    config_put(WIDE(8), PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
    place(1, 0x100000);
    place(4, BOARD_BUS64 + 64 * GIB);
    place(2, 0x5000);
    place(2, BOARD_BUS64 + 0x5000);
    ck_assert_uint_eq(get(BOARD_MEMORY + 0x5000, 4), 0xffffffff);
    ck_assert_uint_eq(get(BOARD_MEMORY64 + 0x5000, 4), probe_value(2, 0, 4));
    place(4, BOARD_BUS64); /* onto it */
    ck_assert_uint_eq(get(BOARD_MEMORY64 + 0x5000, 4), probe_value(2, 0, 4));
    ck_assert_uint_eq(get(BOARD_MEMORY64 + 0x4000, 4), 0xffffffff);
    place(2, 0x5000);
    ck_assert_uint_eq(get(BOARD_MEMORY64 + 0x5000, 4), probe_value(4, 0x5000, 4));
    ck_assert_uint_eq(board.claims, 4);
}
END_TEST

/* 16-byte BARs of two functions share a page: the smallest there are (§6.2.5.1). */
START_TEST(small_bars_share_a_page)
{
    board_add(0x10, &kinds, &other_probe);
    config_put(WIDE(8), PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
    config_put(WIDE(0x10), PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
    place(2, 0x100000);
    config_put(WIDE(0x10), BAR_REG(2), 4, 0x101000);
    place(1, 0x7010);
    config_put(WIDE(0x10), BAR_REG(1), 4, 0x7020);
    get(BOARD_MEMORY + 0x701c, 4);
    probe_saw(&probe, 0, ACCESS_READ, 1, 0xc, 4, 0);
    get(BOARD_MEMORY + 0x7020, 4);
    probe_saw(&other_probe, 0, ACCESS_READ, 1, 0, 4, 0);
    ck_assert_uint_eq(get(BOARD_MEMORY + 0x700c, 4), 0xffffffff);
    ck_assert_uint_eq(get(BOARD_MEMORY + 0x7030, 4), 0xffffffff);
    get(BOARD_MEMORY + 0x701e, 4); /* across both: neither */
    ck_assert_uint_eq(probe.accesses, 1);
    ck_assert_uint_eq(other_probe.accesses, 1);
}
END_TEST

/* Two host bridges have the same bus addresses, apart for the processor: an I/O space each, as on Arm servers. */
START_TEST(each_host_bridge_has_a_bus_of_its_own)
{
    struct bridge_host_config config = board_wide_host;

    strcpy(config.name, "second");
    config.segment = 2;
    config.ecam += 0x1000000;
    config.io.first += 0x10000;
    config.memory.first += 0x4000000;
    config.memory64.size = 0;
    host = board_add_host(&config);
    board_add(8, &kinds, &other_probe);
    config_put(WIDE(8), PCI_COMMAND, 2, DECODE);
    config_put(0x21008, PCI_COMMAND, 2, DECODE);
    place(0, 0x1000);
    place(2, 0x8000);
    config_put(0x21008, BAR_REG(0), 4, 0x1000);
    config_put(0x21008, BAR_REG(2), 4, 0x8000);
    bridge_write(bridge, BRIDGE_MEMORY, BOARD_IO + 0x1000, 1, 1);
    bridge_write(bridge, BRIDGE_MEMORY, BOARD_IO + 0x11000, 1, 2);
    bridge_write(bridge, BRIDGE_MEMORY, BOARD_MEMORY + 0x8000, 1, 3);
    bridge_write(bridge, BRIDGE_MEMORY, BOARD_MEMORY + 0x4008000, 1, 4);
    probe_saw(&probe, 0, ACCESS_WRITE, 0, 0, 1, 1);
    probe_saw(&other_probe, 0, ACCESS_WRITE, 0, 0, 1, 2);
    probe_saw(&probe, 1, ACCESS_WRITE, 2, 0, 1, 3);
    probe_saw(&other_probe, 1, ACCESS_WRITE, 2, 0, 1, 4);
    ck_assert_uint_eq(bridge_counters(bridge)->refused, 2); /* BAR 1 and 2 were both at 0 for a moment */
}
END_TEST

/* Apertures for memory alone: I/O BARs are claimed one by one, as without any. */
START_TEST(io_without_an_aperture_is_claimed_alone)
{
    struct bridge_host_config config = board_wide_host;

    strcpy(config.name, "second");
    config.segment = 2;
    config.ecam += 0x1000000;
    config.io.size = config.memory64.size = 0;
    config.memory.first += 0x4000000;
    host = board_add_host(&config);
    board_add(8, &kinds, &other_probe);
    config_put(0x21008, BAR_REG(0), 4, 0xc000);
    config_put(0x21008, PCI_COMMAND, 2, PCI_COMMAND_IO);
    ck_assert(board_has_claim(BRIDGE_PORT, 0xc000, 0xc03f));
    ck_assert_uint_eq(bridge_read(bridge, BRIDGE_PORT, 0xc000, 1), probe_byte(0, 0));
    config_put(0x21008, BAR_REG(0), 4, 0);
    ck_assert_uint_eq(board.claims, 6);
}
END_TEST

TCase *aperture_tests(void)
{
    TCase *group = tcase_create("apertures");

    tcase_add_checked_fixture(group, open_wide, board_close);
    tcase_add_test(group, bus_addresses_are_translated);
    tcase_add_test(group, writes_are_translated_too);
    tcase_add_test(group, zero_is_a_place_in_an_aperture_that_begins_there);
    tcase_add_test(group, sizing_with_decoding_on_costs_nothing);
    tcase_add_test(group, outside_the_apertures_nothing_decodes);
    tcase_add_test(group, what_is_refused_is_told_once);
    tcase_add_test(group, moves_inside_and_between_apertures);
    tcase_add_test(group, small_bars_share_a_page);
    tcase_add_test(group, each_host_bridge_has_a_bus_of_its_own);
    tcase_add_test(group, io_without_an_aperture_is_claimed_alone);
    return group;
}
