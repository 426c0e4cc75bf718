/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The frame that turns messages into SPIs (GICv2m: SBSA 2.2, appendix E), as a driver sees it and as functions reach it.
 */
#include <errno.h>

#include "bridge/frame.h"
#include "tests/bridge/board.h"

#define FRAME  UINT64_C(0x0a000000)
#define TYPER  (FRAME + 0x008)
#define SETSPI (FRAME + 0x040)
#define IIDR   (FRAME + 0xfcc)
#define FIRST  48u
#define COUNT  16u

static const struct bridge_interrupts interrupts = {.messages = {FIRST, COUNT}, .frame = FRAME};

static void open_frame(void)
{
    board_open_empty();
    ck_assert_int_eq(bridge_add_frame(bridge, &interrupts), 0);
}

static uint64_t get(uint64_t address, unsigned size)
{
    return bridge_read(bridge, BRIDGE_MEMORY, address, size);
}

static void put(uint64_t address, unsigned size, uint64_t value)
{
    bridge_write(bridge, BRIDGE_MEMORY, address, size, value);
}

static unsigned rises(void)
{
    unsigned count = 0;

    for (unsigned i = 0; i <= BRIDGE_SPI_LAST; i++) {
        count += board.spi_rises[i];
    }
    return count;
}

START_TEST(it_tells_its_spis)
{
    ck_assert_uint_eq(get(TYPER, 4), FIRST << 16 | COUNT);
    ck_assert_uint_eq(get(IIDR, 4) & 0xfff, 0);
    ck_assert_uint_eq(get(SETSPI, 4), 0);
    ck_assert_uint_eq(get(FRAME, 4), 0);
    ck_assert_uint_eq(get(FRAME + 0xffc, 4), 0);
    ck_assert_uint_eq(bridge_counters(bridge)->misfit, 0);
    ck_assert(board_has_claim(BRIDGE_MEMORY, FRAME, FRAME + 0xfff));
}
END_TEST

START_TEST(other_accesses_are_refused)
{
    ck_assert_uint_eq(get(TYPER, 8), UINT64_MAX);
    ck_assert_uint_eq(get(TYPER, 2), 0xffff);
    ck_assert_uint_eq(get(TYPER + 2, 4), 0xffffffff);
    put(SETSPI, 8, FIRST);
    put(SETSPI, 1, FIRST);
    put(SETSPI + 1, 2, FIRST);
    ck_assert_uint_eq(bridge_counters(bridge)->misfit, 6);
    put(TYPER, 4, FIRST);
    put(SETSPI + 4, 4, FIRST);
    put(SETSPI + 2, 2, FIRST);
    ck_assert_uint_eq(rises(), 0);
    ck_assert_uint_eq(bridge_counters(bridge)->messages, 0);
}
END_TEST

START_TEST(a_driver_raises_spis)
{
    put(SETSPI, 4, FIRST);
    put(SETSPI, 2, FIRST + COUNT - 1);
    ck_assert_uint_eq(board.spi_rises[FIRST], 1);
    ck_assert_uint_eq(board.spi_rises[FIRST + COUNT - 1], 1);
    ck_assert(!board.spi_level[FIRST] && !board.spi_level[FIRST + COUNT - 1]);
    put(SETSPI, 4, FIRST - 1);
    put(SETSPI, 4, FIRST + COUNT);
    put(SETSPI, 4, 0xffffffff);
    put(SETSPI, 4, UINT64_C(1) << 31 | FIRST);
    ck_assert_uint_eq(rises(), 2);
    ck_assert_uint_eq(bridge_counters(bridge)->messages, 4);
}
END_TEST

START_TEST(messages_raise_spis)
{
    bridge_message(bridge, SETSPI, FIRST + 3);
    bridge_message(bridge, SETSPI, FIRST + 3);
    ck_assert_uint_eq(board.spi_rises[FIRST + 3], 2);
    ck_assert(!board.spi_level[FIRST + 3]);
    bridge_message(bridge, SETSPI, FIRST + COUNT);
    bridge_message(bridge, SETSPI, FIRST - 1);
    bridge_message(bridge, SETSPI + 4, FIRST);
    bridge_message(bridge, SETSPI | UINT64_C(1) << 32, FIRST);
    bridge_message(bridge, 0xfee00000, FIRST);
    ck_assert_uint_eq(rises(), 2);
    ck_assert_uint_eq(bridge_counters(bridge)->messages, 5);
}
END_TEST

START_TEST(without_a_frame_messages_are_refused)
{
    bridge_message(bridge, SETSPI, FIRST);
    bridge_message(bridge, 0x40, 0);
    ck_assert_uint_eq(rises(), 0);
    ck_assert_uint_eq(bridge_counters(bridge)->messages, 2);
}
END_TEST

START_TEST(there_is_one)
{
    struct bridge_host_config config = board_wide_host;
    struct bridge_host *added;

    ck_assert_int_eq(bridge_add_frame(bridge, &interrupts), -EINVAL);
    config.ecam = FRAME;
    ck_assert_int_eq(bridge_add_host(bridge, &config, &added), -EEXIST);
}
END_TEST

START_TEST(what_cannot_be_leaves_nothing)
{
    struct bridge_interrupts wrong = interrupts;

    wrong.frame++;
    ck_assert_int_eq(bridge_add_frame(bridge, &wrong), -EINVAL);
    wrong = interrupts;
    wrong.messages.count = 0;
    ck_assert_int_eq(bridge_add_frame(bridge, &wrong), -EINVAL);
    board.claim_error = -ENOSPC;
    ck_assert_int_eq(bridge_add_frame(bridge, &interrupts), -ENOSPC);
    ck_assert_uint_eq(get(TYPER, 4), 0xffffffff);
    board.claim_error = 0;
    ck_assert_int_eq(bridge_add_frame(bridge, &interrupts), 0);
    ck_assert_uint_eq(get(TYPER, 4), FIRST << 16 | COUNT);
}
END_TEST

TCase *frame_tests(void)
{
    TCase *tests = tcase_create("frame");

    tcase_add_checked_fixture(tests, open_frame, board_close);
    tcase_add_test(tests, it_tells_its_spis);
    tcase_add_test(tests, other_accesses_are_refused);
    tcase_add_test(tests, a_driver_raises_spis);
    tcase_add_test(tests, messages_raise_spis);
    tcase_add_test(tests, there_is_one);
    return tests;
}

TCase *no_frame_tests(void)
{
    TCase *tests = tcase_create("no frame");

    tcase_add_checked_fixture(tests, board_open_empty, board_close);
    tcase_add_test(tests, without_a_frame_messages_are_refused);
    tcase_add_test(tests, what_cannot_be_leaves_nothing);
    return tests;
}
