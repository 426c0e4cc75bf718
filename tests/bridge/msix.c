/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * MSI-X: table, masks, pending bits, and when messages go out (PCI 3.0 §6.8.2, §6.8.3).
 */
#include "tests/bridge/board.h"

#define TABLE   UINT64_C(0xfe000000)
#define VECTORS 40u /* two dwords of pending bits */
#define PENDING (TABLE + 0x800)
#define CONTROL (0x40u + PCI_MSIX_CONTROL)

static struct probe probe;
static struct bridge_function *function;

static const struct ioreqd_description vectors = {
    .struct_size = sizeof(vectors),
    .vendor = 0x1af4,
    .msix = VECTORS,
    .msix_bar = 1,
    .bar = {[2] = {.kind = IOREQD_BAR_MEM32, .min_access = 1, .max_access = 4, .size = 16}},
};

static uint32_t table_get(unsigned vector, unsigned at)
{
    return (uint32_t)bridge_read(bridge, BRIDGE_MEMORY, TABLE + 16 * vector + at, 4);
}

static void table_put(unsigned vector, unsigned at, uint32_t value)
{
    bridge_write(bridge, BRIDGE_MEMORY, TABLE + 16 * vector + at, 4, value);
}

static void set_mask(unsigned vector, bool masked)
{
    table_put(vector, 12, masked ? 1 : 0);
}

static bool is_pending(unsigned vector)
{
    uint64_t dword = bridge_read(bridge, BRIDGE_MEMORY, PENDING + vector / 32 * 4, 4);

    return (dword >> (vector % 32) & 1) != 0;
}

static void set_control(uint32_t bits)
{
    config_put(PLACE, CONTROL, 2, bits);
}

/* Vector i sends i to 0xfee00000 | i << 12; all masked, enabled, bus master on. */
static void open_enabled(void)
{
    board_open();
    function = board_add(PLACE, &vectors, &probe);
    config_put(PLACE, BAR_REG(1), 4, TABLE);
    config_put(PLACE, PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_BUS_MASTER);
    for (unsigned i = 0; i < VECTORS; i++) {
        table_put(i, 0, 0xfee00000 | i << 12);
        table_put(i, 8, i);
    }
    set_control(PCI_MSIX_ENABLE);
}

/* §6.8.2.6 to 6.8.2.9: registers of the table; reserved bits and what lies beyond read as 0. */
START_TEST(table_registers)
{
    for (unsigned i = 0; i < VECTORS; i++) {
        ck_assert_uint_eq(table_get(i, 12), 1); /* masked at reset: §6.8.2.9 */
    }
    table_put(3, 0, 0xffffffff);
    table_put(3, 4, 0x12345678);
    table_put(3, 8, 0x9abcdef0);
    table_put(3, 12, 0xfffffffe);
    ck_assert_uint_eq(table_get(3, 0), 0xfffffffc); /* §6.8.2.6: the low two bits are 0 */
    ck_assert_uint_eq(table_get(3, 4), 0x12345678);
    ck_assert_uint_eq(table_get(3, 8), 0x9abcdef0);
    ck_assert_uint_eq(table_get(3, 12), 0);
    ck_assert_uint_eq(table_get(2, 8), 2);
    ck_assert_uint_eq(table_get(4, 8), 4);
    table_put(VECTORS, 0, 0xffffffff);
    ck_assert_uint_eq(table_get(VECTORS, 0), 0);
    ck_assert_uint_eq(bridge_read(bridge, BRIDGE_MEMORY, TABLE + 0xffc, 4), 0);
}
END_TEST

/* §6.8.2: dwords or quadwords; nothing smaller is written. */
START_TEST(table_access_sizes)
{
    bridge_write(bridge, BRIDGE_MEMORY, TABLE + 16, 8, UINT64_C(0x00000001fee01234));
    ck_assert_uint_eq(bridge_read(bridge, BRIDGE_MEMORY, TABLE + 16, 8), UINT64_C(0x00000001fee01234));
    bridge_write(bridge, BRIDGE_MEMORY, TABLE + 16, 2, 0);
    bridge_write(bridge, BRIDGE_MEMORY, TABLE + 16, 1, 0);
    ck_assert_uint_eq(table_get(1, 0), 0xfee01234);
    ck_assert_uint_eq(bridge_counters(bridge)->misfit, 2);
    ck_assert_uint_eq(bridge_read(bridge, BRIDGE_MEMORY, TABLE + 17, 1), 0x12);
    ck_assert_uint_eq(probe.accesses, 0);
}
END_TEST

/* §6.8.2.10: pending bits are read-only. */
START_TEST(pending_bits_are_read_only)
{
    bridge_write(bridge, BRIDGE_MEMORY, PENDING, 4, 0xffffffff);
    ck_assert_uint_eq(bridge_read(bridge, BRIDGE_MEMORY, PENDING, 4), 0);
    bridge_msix(function, 1);
    bridge_msix(function, 39);
    bridge_write(bridge, BRIDGE_MEMORY, PENDING, 8, 0);
    ck_assert_uint_eq(bridge_read(bridge, BRIDGE_MEMORY, PENDING, 8), UINT64_C(1) << 39 | 2);
}
END_TEST

START_TEST(an_unmasked_vector_sends)
{
    table_put(5, 4, 0x7);
    set_mask(5, false);
    bridge_msix(function, 5);
    bridge_msix(function, 5);
    ck_assert_uint_eq(board.messages, 2);
    ck_assert_uint_eq(board.message[0].address, UINT64_C(0x7fee05000));
    ck_assert_uint_eq(board.message[0].data, 5);
    ck_assert(!is_pending(5));
}
END_TEST

/* §6.8.3.4, §6.8.3.5: masked, it pends; unmasked, one message goes out, however often it was raised. */
START_TEST(a_masked_vector_pends)
{
    bridge_msix(function, 33);
    bridge_msix(function, 33);
    ck_assert_uint_eq(board.messages, 0);
    ck_assert(is_pending(33));
    ck_assert(!is_pending(32) && !is_pending(1));
    set_mask(33, false);
    ck_assert_uint_eq(board.messages, 1);
    ck_assert_uint_eq(board.message[0].data, 33);
    ck_assert(!is_pending(33));
    set_mask(33, true);
    set_mask(33, false);
    ck_assert_uint_eq(board.messages, 1);
}
END_TEST

/* §6.8.3.4: software may change a masked entry; the message is the one that stands there when it goes out. */
START_TEST(the_message_is_read_at_delivery)
{
    bridge_msix(function, 2);
    table_put(2, 0, 0xfee77000);
    table_put(2, 8, 0x99);
    ck_assert_uint_eq(board.messages, 0);
    set_mask(2, false);
    ck_assert_uint_eq(board.messages, 1);
    ck_assert_uint_eq(board.message[0].address, 0xfee77000);
    ck_assert_uint_eq(board.message[0].data, 0x99);
}
END_TEST

/* §6.8.2.3, §6.8.3.4: the function mask holds all vectors back; each vector's own mask goes on to count. */
START_TEST(the_function_mask_holds_all)
{
    set_mask(0, false);
    set_mask(1, false);
    set_control(PCI_MSIX_ENABLE | PCI_MSIX_FUNCTION_MASK);
    for (unsigned i = 0; i < 3; i++) {
        bridge_msix(function, i);
    }
    ck_assert_uint_eq(board.messages, 0);
    ck_assert(is_pending(0) && is_pending(1) && is_pending(2));
    set_mask(1, true);
    set_mask(1, false);
    ck_assert_uint_eq(board.messages, 0);
    set_control(PCI_MSIX_ENABLE);
    ck_assert_uint_eq(board.messages, 2);
    ck_assert_uint_eq(board.message[0].data, 0);
    ck_assert_uint_eq(board.message[1].data, 1);
    ck_assert(!is_pending(0) && !is_pending(1) && is_pending(2));
}
END_TEST

/* §6.8.3.3: a message is a memory write, so none goes out without bus mastering; it is not lost either. */
START_TEST(bus_master_off_pends)
{
    set_mask(4, false);
    config_put(PLACE, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
    bridge_msix(function, 4);
    ck_assert_uint_eq(board.messages, 0);
    ck_assert(is_pending(4));
    config_put(PLACE, PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_BUS_MASTER);
    ck_assert_uint_eq(board.messages, 1);
    ck_assert(!is_pending(4));
}
END_TEST

/* §6.8.2.3: while MSI-X is off nothing is sent or kept, and what pended is dropped. */
START_TEST(enable_off_drops)
{
    bridge_msix(function, 6);
    ck_assert(is_pending(6));
    ck_assert(bridge_msix_enabled(function));
    set_control(0);
    ck_assert(!bridge_msix_enabled(function));
    ck_assert(!is_pending(6));
    set_mask(6, false);
    bridge_msix(function, 6);
    set_control(PCI_MSIX_ENABLE);
    ck_assert_uint_eq(board.messages, 0);
    ck_assert(!is_pending(6));
    bridge_msix(function, 6);
    ck_assert_uint_eq(board.messages, 1);
}
END_TEST

/* The enable bit is in the high byte of the control register: a byte write reaches it (§6.1). */
START_TEST(control_takes_byte_writes)
{
    config_put(PLACE, CONTROL + 1, 1, 0);
    ck_assert(!bridge_msix_enabled(function));
    config_put(PLACE, CONTROL + 1, 1, 0x80);
    ck_assert(bridge_msix_enabled(function));
    config_put(PLACE, CONTROL - 2, 4, 0);
    ck_assert(!bridge_msix_enabled(function));
    ck_assert_uint_eq(config_get(PLACE, CONTROL, 2), VECTORS - 1);
}
END_TEST

/* A message that the platform routes past its mask bit goes out although masked; the function mask is not passed. */
START_TEST(unmaskable_messages)
{
    board.unmaskable = true;
    bridge_msix(function, 3);
    ck_assert_uint_eq(board.messages, 1);
    ck_assert(!is_pending(3));
    set_control(PCI_MSIX_ENABLE | PCI_MSIX_FUNCTION_MASK);
    bridge_msix(function, 3);
    ck_assert_uint_eq(board.messages, 1);
    set_control(PCI_MSIX_ENABLE);
    ck_assert_uint_eq(board.messages, 2);
}
END_TEST

/* Pending and masked; then the guest routes the vector past its mask by writing the entry: it must not stay stuck. */
START_TEST(a_pending_message_becomes_unmaskable)
{
    bridge_msix(function, 3);
    ck_assert_uint_eq(board.messages, 0);
    board.unmaskable = true;
    table_put(3, 8, 0);
    ck_assert_uint_eq(board.messages, 1);
    ck_assert(!is_pending(3));
}
END_TEST

/* A model's mistake, not the guest's: harmless. */
START_TEST(vectors_out_of_range)
{
    static const struct ioreqd_description without = {.struct_size = sizeof(without), .vendor = 1};
    struct bridge_function *other = board_add(PLACE + 8, &without, &probe);

    bridge_msix(function, VECTORS);
    bridge_msix(function, UINT32_MAX);
    bridge_msix(other, 0);
    ck_assert(!bridge_msix_enabled(other));
    ck_assert_uint_eq(board.messages, 0);
}
END_TEST

/* §6.8.2.4, §6.8.2.5: for every size of table, both structures lie in the BAR and apart. */
START_TEST(layout_for_every_size)
{
    for (unsigned count = 1; count <= 2048; count++) {
        uint64_t size = msix_bar_size(count);
        uint32_t pending = msix_pending_offset(count);

        ck_assert_uint_eq(size & (size - 1), 0);
        ck_assert_uint_ge(size, 4096);
        ck_assert_uint_eq(pending % 8, 0);
        ck_assert_uint_le(count * 16, pending);
        ck_assert_uint_le(pending + (count + 63) / 64 * 8, size);
    }
}
END_TEST

START_TEST(the_last_of_2048_vectors)
{
    struct ioreqd_description many = vectors;
    uint64_t base = UINT64_C(0xfd000000);

    many.msix = 2048;
    function = board_add(PLACE + 8, &many, &probe);
    config_put(PLACE + 8, BAR_REG(1), 4, (uint32_t)base);
    config_put(PLACE + 8, PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_BUS_MASTER);
    ck_assert(board_has_claim(BRIDGE_MEMORY, base, base + 0xffff));
    config_put(PLACE + 8, CONTROL, 2, PCI_MSIX_ENABLE);
    bridge_write(bridge, BRIDGE_MEMORY, base + 2047 * 16 + 8, 4, 0x7ff);
    bridge_msix(function, 2047);
    ck_assert_uint_eq(bridge_read(bridge, BRIDGE_MEMORY, base + 0x8000 + 252, 4), 0x80000000);
    bridge_write(bridge, BRIDGE_MEMORY, base + 2047 * 16 + 12, 4, 0);
    ck_assert_uint_eq(board.messages, 1);
    ck_assert_uint_eq(board.message[0].data, 0x7ff);
}
END_TEST

TCase *msix_tests(void)
{
    TCase *group = tcase_create("MSI-X");

    tcase_add_checked_fixture(group, open_enabled, board_close);
    tcase_add_test(group, table_registers);
    tcase_add_test(group, table_access_sizes);
    tcase_add_test(group, pending_bits_are_read_only);
    tcase_add_test(group, an_unmasked_vector_sends);
    tcase_add_test(group, a_masked_vector_pends);
    tcase_add_test(group, the_message_is_read_at_delivery);
    tcase_add_test(group, the_function_mask_holds_all);
    tcase_add_test(group, bus_master_off_pends);
    tcase_add_test(group, enable_off_drops);
    tcase_add_test(group, control_takes_byte_writes);
    tcase_add_test(group, unmaskable_messages);
    tcase_add_test(group, a_pending_message_becomes_unmaskable);
    tcase_add_test(group, vectors_out_of_range);
    tcase_add_test(group, layout_for_every_size);
    tcase_add_test(group, the_last_of_2048_vectors);
    return group;
}
