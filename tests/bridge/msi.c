/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * MSI: registers of the capability, masks, pending bits, and when messages go out (PCI 3.0 §6.8.1, §6.8.3).
 */
#include "tests/bridge/board.h"

#define CAPABILITY 0x40u
#define CONTROL    (CAPABILITY + PCI_MSI_CONTROL)
#define ADDRESS    (CAPABILITY + PCI_MSI_ADDRESS)
#define DATA       (CAPABILITY + PCI_MSI_DATA)
#define MASK       (CAPABILITY + PCI_MSI_MASK)
#define PENDING    (CAPABILITY + PCI_MSI_PENDING)
#define VECTORS    8u

static struct probe probe;
static struct bridge_function *function;

static const struct ioreqd_description vectors = {
    .struct_size = sizeof(vectors),
    .vendor = 0x1234,
    .intx = 1,
    .msi = VECTORS,
    .bar = {[0] = {.kind = IOREQD_BAR_MEM32, .min_access = 1, .max_access = 4, .size = 16}},
};

static void set_control(uint32_t granted_log2, bool enable)
{
    config_put(PLACE, CONTROL, 2, granted_log2 << PCI_MSI_GRANTED_SHIFT | (enable ? PCI_MSI_ENABLE : 0));
}

/* Address 0xfee01000, data 0x4ff8, all 8 vectors granted, enabled, bus master on. */
static void open_enabled(void)
{
    board_open();
    function = board_add(PLACE, &vectors, &probe);
    config_put(PLACE, PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_BUS_MASTER);
    config_put(PLACE, ADDRESS, 4, 0xfee01000);
    config_put(PLACE, DATA, 2, 0x4ff8);
    set_control(3, true);
}

static void expect_message(unsigned index, uint32_t data)
{
    ck_assert_uint_gt(board.messages, index);
    ck_assert_uint_eq(board.message[index].address, 0xfee01000);
    ck_assert_uint_eq(board.message[index].data, data);
}

/* §6.8.1.1 to 6.8.1.9: what may be written, and what reads back. */
START_TEST(registers)
{
    ck_assert_uint_eq(config_get(PLACE, PCI_CAPABILITY_POINTER, 1), CAPABILITY);
    ck_assert_uint_eq(config_get(PLACE, CAPABILITY, 1), 5);
    config_put(PLACE, CONTROL, 2, 0xfffe); /* all but enable */
    ck_assert_uint_eq(config_get(PLACE, CONTROL, 2), 3u << 1 | 7u << 4 | PCI_MSI_64BIT | PCI_MSI_MASKABLE);
    config_put(PLACE, ADDRESS, 4, 0xffffffff);
    ck_assert_uint_eq(config_get(PLACE, ADDRESS, 4), 0xfffffffc);
    config_put(PLACE, ADDRESS + 4, 4, 0x89abcdef);
    ck_assert_uint_eq(config_get(PLACE, ADDRESS + 4, 4), 0x89abcdef);
    config_put(PLACE, DATA, 4, 0xffffffff);
    ck_assert_uint_eq(config_get(PLACE, DATA, 4), 0xffff);
    config_put(PLACE, MASK, 4, 0xffffffff);
    ck_assert_uint_eq(config_get(PLACE, MASK, 4), 0xff);
    config_put(PLACE, PENDING, 4, 0xffffffff);
    ck_assert_uint_eq(config_get(PLACE, PENDING, 4), 0);
}
END_TEST

/* §6.8.3.4: the low bits of the data tell the vector; one beyond those granted goes out as the last one granted. */
START_TEST(the_vector_is_in_the_data)
{
    bridge_msi(function, 0);
    bridge_msi(function, 5);
    expect_message(0, 0x4ff8);
    expect_message(1, 0x4ffd);
    set_control(1, true);
    bridge_msi(function, 1);
    bridge_msi(function, 7);
    expect_message(2, 0x4ff9);
    expect_message(3, 0x4ff9);
    set_control(0, true);
    bridge_msi(function, 7);
    expect_message(4, 0x4ff8);
    set_control(7, true); /* a reserved value: no more than the function has */
    bridge_msi(function, 200);
    expect_message(5, 0x4fff);
    ck_assert_uint_eq(board.messages, 6);
}
END_TEST

/* §6.8.3.4: a masked vector pends, however often it was raised, and goes out once when it is unmasked. */
START_TEST(a_masked_vector_pends)
{
    config_put(PLACE, MASK, 4, 1u << 2 | 1u << 3);
    bridge_msi(function, 2);
    bridge_msi(function, 2);
    bridge_msi(function, 4);
    ck_assert_uint_eq(config_get(PLACE, PENDING, 4), 1u << 2);
    ck_assert_uint_eq(config_get(PLACE, PENDING, 1), 1u << 2);
    ck_assert_uint_eq(board.messages, 1);
    config_put(PLACE, MASK, 4, 1u << 3);
    ck_assert_uint_eq(board.messages, 2);
    expect_message(1, 0x4ffa);
    ck_assert_uint_eq(config_get(PLACE, PENDING, 4), 0);
}
END_TEST

/* A message is a memory write: it waits for bus mastering. */
START_TEST(bus_master_off_pends)
{
    config_put(PLACE, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
    bridge_msi(function, 1);
    ck_assert_uint_eq(board.messages, 0);
    config_put(PLACE, PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_BUS_MASTER);
    ck_assert_uint_eq(board.messages, 1);
    expect_message(0, 0x4ff9);
}
END_TEST

START_TEST(enable_off_drops)
{
    config_put(PLACE, MASK, 4, 0xff);
    bridge_msi(function, 1);
    set_control(3, false);
    bridge_msi(function, 2);
    config_put(PLACE, MASK, 4, 0);
    set_control(3, true);
    ck_assert_uint_eq(board.messages, 0);
    ck_assert_uint_eq(config_get(PLACE, PENDING, 4), 0);
}
END_TEST

/* §6.8.1.3: while MSI is enabled the function does not use its interrupt line; the status bit still shows its wish. */
START_TEST(msi_keeps_the_line_low)
{
    bridge_intx(function, true);
    ck_assert(!board.level[1][0]);
    ck_assert_uint_ne(config_get(PLACE, PCI_STATUS, 2) & PCI_STATUS_INTERRUPT, 0);
    set_control(3, false);
    ck_assert(board.level[1][0]);
    set_control(3, true);
    ck_assert(!board.level[1][0]);
}
END_TEST

/* A function without MSI has neither capability nor effect; one whose table is older than MSI has none. */
START_TEST(without_msi)
{
    static const struct ioreqd_description none = {.struct_size = sizeof(none), .vendor = 0x1234};
    struct ioreqd_description old = vectors;

    board_open();
    function = board_add(PLACE, &none, &probe);
    bridge_msi(function, 0);
    ck_assert(!bridge_msi_enabled(function));
    ck_assert_uint_eq(board.messages, 0);
    ck_assert_uint_eq(config_get(PLACE, PCI_CAPABILITY_POINTER, 1), 0);

    old.msi = 3;
    ck_assert_ptr_nonnull(bridge_check_description(&old));
    old.msi = 64;
    ck_assert_ptr_nonnull(bridge_check_description(&old));
    old.struct_size = offsetof(struct ioreqd_description, msi);
    ck_assert_ptr_null(bridge_check_description(&old));
}
END_TEST

/* 32 vectors: no shift runs over. */
START_TEST(all_32_vectors)
{
    static const struct ioreqd_description most = {.struct_size = sizeof(most), .vendor = 0x1234, .msi = 32};

    board_open();
    function = board_add(PLACE, &most, &probe);
    config_put(PLACE, PCI_COMMAND, 2, PCI_COMMAND_BUS_MASTER);
    config_put(PLACE, MASK, 4, 0xffffffff);
    set_control(5, true);
    for (unsigned i = 0; i < 32; i++) {
        bridge_msi(function, i);
    }
    ck_assert_uint_eq(config_get(PLACE, PENDING, 4), 0xffffffff);
    config_put(PLACE, MASK, 4, 0);
    ck_assert_uint_eq(board.messages, 32);
    ck_assert_uint_eq(board.message[31].data, 31);
}
END_TEST

TCase *msi_tests(void)
{
    TCase *group = tcase_create("msi");

    tcase_add_checked_fixture(group, NULL, board_close);
    tcase_add_test(group, without_msi);
    tcase_add_test(group, all_32_vectors);
    return group;
}

TCase *msi_enabled_tests(void)
{
    TCase *group = tcase_create("msi-enabled");

    tcase_add_checked_fixture(group, open_enabled, board_close);
    tcase_add_test(group, registers);
    tcase_add_test(group, the_vector_is_in_the_data);
    tcase_add_test(group, a_masked_vector_pends);
    tcase_add_test(group, bus_master_off_pends);
    tcase_add_test(group, enable_off_drops);
    tcase_add_test(group, msi_keeps_the_line_low);
    return group;
}
