/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The list of capabilities and the traps of models in it (PCI 3.0 §6.7; struct ioreqd_capability).
 */
#include <string.h>

#include "tests/bridge/board.h"

static struct probe probe;

static const uint8_t body[] = {0x10, 0x21, 0x32, 0x43, 0x54, 0x65, 0x76, 0x87, 0x98, 0xa9, 0xba, 0xcb, 0xdc, 0xed};
static const uint8_t mask[] = {0x00, 0x00, 0xff, 0x0f, 0xf0, 0xff, 0xff, 0xff, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff};

static const struct ioreqd_capability table[] = {
    {.id = 0x09, .length = 16, .body = body},
    {.id = 0x09, .length = 5, .body = body, .write_mask = mask},
    {.id = 0x09, .length = 16, .flags = IOREQD_CAPABILITY_TRAP, .body = body, .write_mask = mask},
    {.id = 0x0d, .length = 2},
};

/* Where the bridge has to put them: MSI-X of 12 bytes first, each at a dword. */
enum { MSIX_AT = 0x40, PLAIN_AT = 0x4c, SHORT_AT = 0x5c, TRAP_AT = 0x64, EMPTY_AT = 0x74 };

static const struct ioreqd_description four = {
    .struct_size = sizeof(four),
    .vendor = 0x1af4,
    .msix = 3,
    .msix_bar = 0,
    .capabilities = 4,
    .capability = table,
};

/* §6.7: links in the order of the table, the bridge's own first; the last is 0. Bottom two bits are 0. */
START_TEST(the_chain_is_in_order)
{
    static const uint8_t wanted_id[] = {PCI_CAPABILITY_MSIX, 0x09, 0x09, 0x09, 0x0d};
    static const uint8_t wanted_at[] = {MSIX_AT, PLAIN_AT, SHORT_AT, TRAP_AT, EMPTY_AT};
    unsigned at, i = 0;

    board_add(PLACE, &four, &probe);
    for (at = config_get(PLACE, PCI_CAPABILITY_POINTER, 1); at != 0 && i < 5; at = config_get(PLACE, at + 1, 1)) {
        ck_assert_uint_eq(at & 3u, 0);
        ck_assert_uint_eq(at, wanted_at[i]);
        ck_assert_uint_eq(config_get(PLACE, at, 1), wanted_id[i]);
        i++;
    }
    ck_assert_uint_eq(at, 0);
    ck_assert_uint_eq(i, 5);
}
END_TEST

static void expect_bytes(unsigned at, const uint8_t *bytes, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        ck_assert_msg(config_get(PLACE, at + i, 1) == bytes[i], "byte 0x%x is 0x%x", at + i,
                      config_get(PLACE, at + i, 1));
    }
}

/* Bodies stand whole and do not overlap; what lies between is 0. */
START_TEST(bodies_do_not_overlap)
{
    static const uint8_t nothing[16] = {0};

    board_add(PLACE, &four, &probe);
    expect_bytes(PLAIN_AT + 2, body, 14);
    expect_bytes(SHORT_AT + 2, body, 3);
    expect_bytes(SHORT_AT + 5, nothing, 3);
    expect_bytes(TRAP_AT + 2, body, 14);
    expect_bytes(EMPTY_AT + 2, nothing, 2);
    expect_bytes(EMPTY_AT + 4, nothing, 16);
}
END_TEST

/* §6.8.2: table size, and where table and pending bits lie. */
START_TEST(msix_capability)
{
    board_add(PLACE, &four, &probe);
    ck_assert_uint_eq(config_get(PLACE, MSIX_AT + PCI_MSIX_CONTROL, 2), 2);
    ck_assert_uint_eq(config_get(PLACE, MSIX_AT + PCI_MSIX_TABLE, 4), 0);
    ck_assert_uint_eq(config_get(PLACE, MSIX_AT + PCI_MSIX_PENDING, 4), 0x800);
}
END_TEST

START_TEST(write_masks_hold)
{
    board_add(PLACE, &four, &probe);
    for (unsigned reg = PLAIN_AT; reg < EMPTY_AT + 4; reg += 4) {
        config_put(PLACE, reg, 4, 0xffffffff);
    }
    expect_bytes(PLAIN_AT + 2, body, 14); /* without a mask nothing is writable */
    for (unsigned i = 0; i < 3; i++) {
        ck_assert_uint_eq(config_get(PLACE, SHORT_AT + 2 + i, 1), body[i] | mask[i]);
    }
    for (unsigned i = 0; i < 14; i++) {
        ck_assert_uint_eq(config_get(PLACE, TRAP_AT + 2 + i, 1), body[i] | mask[i]);
    }
    ck_assert_uint_eq(config_get(PLACE, TRAP_AT, 2), EMPTY_AT << 8 | 0x09);
    ck_assert_uint_eq(config_get(PLACE, EMPTY_AT, 2), 0x0d);
}
END_TEST

/* The model is told what stands there after the mask; it decides what is read. */
START_TEST(traps_are_called)
{
    board_add(PLACE, &four, &probe);
    config_put(PLACE, TRAP_AT + 4, 4, 0x11223344);
    ck_assert_uint_eq(probe.accesses, 1);
    probe_saw(&probe, 0, ACCESS_CONFIG_WRITE, 2, 4, 4, 0x11244344);
    config_put(PLACE, TRAP_AT + 4, 1, 0x99);
    probe_saw(&probe, 1, ACCESS_CONFIG_WRITE, 2, 4, 1, 0x99);
    ck_assert_uint_eq(config_get(PLACE, TRAP_AT + 4, 4), 0x11244399);
    probe_saw(&probe, 2, ACCESS_CONFIG_READ, 2, 4, 4, 0x11244399);
    probe.config_answer = 0xabcd;
    ck_assert_uint_eq(config_get(PLACE, TRAP_AT + 6, 2), 0xabcd);
    probe_saw(&probe, 3, ACCESS_CONFIG_READ, 2, 6, 2, 0x1124);
    probe.config_answer = 0;
    config_get(PLACE, TRAP_AT + 15, 1);
    probe_saw(&probe, 4, ACCESS_CONFIG_READ, 2, 15, 1, 0xed);
}
END_TEST

/* Capabilities without the flag, and what surrounds one that has it, are the bridge's affair alone. */
START_TEST(others_are_not_trapped)
{
    board_add(PLACE, &four, &probe);
    config_get(PLACE, PLAIN_AT + 4, 4);
    config_put(PLACE, SHORT_AT + 4, 1, 1);
    config_get(PLACE, EMPTY_AT, 4);
    config_put(PLACE, TRAP_AT - 1, 1, 1);
    config_put(PLACE, MSIX_AT + PCI_MSIX_CONTROL, 2, 0xffff);
    ck_assert_uint_eq(probe.accesses, 0);
}
END_TEST

/* What a model answers for a trapped capability does not reach the chain (§6.7). */
START_TEST(the_chain_is_the_bridges)
{
    board_add(PLACE, &four, &probe);
    probe.config_answer = 0xdeadbeef;
    ck_assert_uint_eq(config_get(PLACE, TRAP_AT, 4), 0xdead0000 | EMPTY_AT << 8 | 0x09);
    ck_assert_uint_eq(config_get(PLACE, TRAP_AT + 1, 1), EMPTY_AT);
    ck_assert_uint_eq(config_get(PLACE, TRAP_AT + 4, 4), 0xdeadbeef);
    probe.config_answer = 0;
}
END_TEST

/* §3.2.2.3 allows byte enables that no aligned access makes; the model's contract does not: it sees single bytes. */
START_TEST(unaligned_access_to_a_trap)
{
    board_add(PLACE, &four, &probe);
    ck_assert_uint_eq(config_get(PLACE, TRAP_AT + 5, 2), 0x5443);
    ck_assert_uint_eq(probe.accesses, 2);
    probe_saw(&probe, 0, ACCESS_CONFIG_READ, 2, 5, 1, 0x43);
    probe_saw(&probe, 1, ACCESS_CONFIG_READ, 2, 6, 1, 0x54);
    config_put(PLACE, TRAP_AT + 5, 2, 0);
    ck_assert_uint_eq(probe.accesses, 4);
    ck_assert_int_eq(probe.access[2].kind, ACCESS_CONFIG_WRITE);
    ck_assert_uint_eq(probe.access[3].offset, 6);
}
END_TEST

START_TEST(traps_may_be_absent)
{
    struct bridge_function *added;

    ck_assert_int_eq(
        bridge_add_function(bridge_root_bus(host), PLACE, &four, &probe_ops_without_config, &probe, &added), 0);
    config_put(PLACE, TRAP_AT + 4, 4, 0x11223344);
    ck_assert_uint_eq(config_get(PLACE, TRAP_AT + 4, 4), 0x11244344);
    ck_assert_uint_eq(probe.accesses, 0);
}
END_TEST

/* The description may end before the function does: bodies and masks are copied to its configuration space. */
START_TEST(configuration_space_can_be_filled)
{
    static const uint8_t large[126] = {0x5a};
    struct ioreqd_capability two[2] = {{.id = 9, .length = 128, .body = large}, {.id = 9, .length = 64, .body = large}};
    struct ioreqd_description full = {.struct_size = sizeof(full), .vendor = 1, .capabilities = 2, .capability = two};

    board_add(PLACE, &full, &probe);
    memset(two, 0xee, sizeof(two));
    memset(&full, 0xee, sizeof(full));
    ck_assert_uint_eq(config_get(PLACE, 0x42, 1), 0x5a);
    ck_assert_uint_eq(config_get(PLACE, 0x41, 1), 0xc0);
    ck_assert_uint_eq(config_get(PLACE, 0xc2, 1), 0x5a);
    ck_assert_uint_eq(config_get(PLACE, 0xc1, 1), 0);
}
END_TEST

TCase *capability_tests(void)
{
    TCase *group = tcase_create("capabilities");

    tcase_add_checked_fixture(group, board_open, board_close);
    tcase_add_test(group, the_chain_is_in_order);
    tcase_add_test(group, bodies_do_not_overlap);
    tcase_add_test(group, msix_capability);
    tcase_add_test(group, write_masks_hold);
    tcase_add_test(group, traps_are_called);
    tcase_add_test(group, others_are_not_trapped);
    tcase_add_test(group, the_chain_is_the_bridges);
    tcase_add_test(group, unaligned_access_to_a_trap);
    tcase_add_test(group, traps_may_be_absent);
    tcase_add_test(group, configuration_space_can_be_filled);
    return group;
}
