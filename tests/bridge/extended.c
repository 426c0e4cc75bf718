/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Extended capabilities (PCI Express 4.0 §7.6) and bits that are cleared by writing 1, in either kind of capability
 * (struct ioreqd_capability).
 */
#include <string.h>

#include "tests/bridge/board.h"

static struct probe probe;

static const uint8_t body[1020] = {0x10, 0x21, 0x32, 0x43, 0x54, 0x65, 0x76, 0x87};
static const uint8_t mask[1020] = {0x00, 0xff, 0x0f, 0xf0, 0xff, 0xff, 0xff, 0xff};
static const uint8_t clear[1020] = {0xff, 0x00, 0xf0, 0x03};

static struct ioreqd_capability table[4];
static struct ioreqd_description d;

static void open_empty(void)
{
    board_open();
    memset(&probe, 0, sizeof(probe));
    memset(table, 0, sizeof(table));
    d = (struct ioreqd_description){
        .struct_size = sizeof(d), .vendor = 0x1af4, .express = 1, .capabilities = 4, .capability = table};
    table[0] = (struct ioreqd_capability){
        .id = 0x0b, .version = 1, .length = 11, .flags = IOREQD_CAPABILITY_EXTENDED, .body = body, .write_mask = mask};
    table[1] = (struct ioreqd_capability){.id = 9, .length = 10, .body = body, .clear_mask = clear};
    table[2] = (struct ioreqd_capability){.id = 0xabcd,
                                          .version = 15,
                                          .length = 12,
                                          .flags = IOREQD_CAPABILITY_EXTENDED | IOREQD_CAPABILITY_TRAP,
                                          .body = body,
                                          .write_mask = mask,
                                          .clear_mask = clear};
    table[3] = (struct ioreqd_capability){.id = 3, .version = 2, .length = 4, .flags = IOREQD_CAPABILITY_EXTENDED};
}

enum { FIRST_AT = 0x100, SECOND_AT = 0x10c, THIRD_AT = 0x118 };

/* §7.6.3: id, version, next; the first is at 100h, each at a dword, the last has next 0. */
START_TEST(the_chain)
{
    board_add(PLACE, &d, &probe);
    ck_assert_uint_eq(config_get(PLACE, FIRST_AT, 4), 0x10c1000b);
    ck_assert_uint_eq(config_get(PLACE, SECOND_AT, 4), 0x118fabcd);
    ck_assert_uint_eq(config_get(PLACE, THIRD_AT, 4), 0x00020003);
    ck_assert_uint_eq(config_get(PLACE, FIRST_AT + 4, 4), 0x43322110);
    ck_assert_uint_eq(config_get(PLACE, FIRST_AT + 8, 4), 0x00766554);
    for (unsigned reg = THIRD_AT + 4; reg < 0x1000; reg += 4) {
        ck_assert_uint_eq(config_get(PLACE, reg, 4), 0);
    }
    for (unsigned reg = 0x100; reg < 0x120; reg += 4) { /* headers are read-only */
        config_put(PLACE, reg, 4, 0xffffffff);
    }
    ck_assert_uint_eq(config_get(PLACE, FIRST_AT, 4), 0x10c1000b);
    ck_assert_uint_eq(config_get(PLACE, FIRST_AT + 4, 4), 0xf33fff10);
    ck_assert_uint_eq(config_get(PLACE, THIRD_AT, 4), 0x00020003);
}
END_TEST

/* The other chain does not know of it: only what fits in 256 bytes is in it. */
START_TEST(chains_are_apart)
{
    unsigned last = 0;

    board_add(PLACE, &d, &probe);
    for (unsigned at = config_get(PLACE, PCI_CAPABILITY_POINTER, 1); at != 0; at = config_get(PLACE, at + 1, 1)) {
        last = at;
    }
    ck_assert_uint_eq(config_get(PLACE, last, 1), 9);
    ck_assert_uint_eq(config_get(PLACE, last + 4, 4), 0x65544332);
    table[0].flags = IOREQD_CAPABILITY_EXTENDED;
    d.capabilities = 1;
    board_add(PLACE + 8, &d, &probe);
    ck_assert_uint_eq(config_get(PLACE + 8, FIRST_AT, 4), 0x0001000b);
    d.capabilities = 0;
    board_add(PLACE + 16, &d, &probe);
    ck_assert_uint_eq(config_get(PLACE + 16, FIRST_AT, 4), 0); /* §7.6.1: none is all zeroes */
}
END_TEST

/* Ones clear, zeroes keep, and neighbours in the byte are written as ever. */
START_TEST(bits_are_cleared_by_ones)
{
    unsigned at = 0;

    board_add(PLACE, &d, &probe);
    config_put(PLACE, SECOND_AT + 4, 1, 0x10);
    ck_assert_uint_eq(config_get(PLACE, SECOND_AT + 4, 1), 0x00);
    config_put(PLACE, SECOND_AT + 6, 1, 0x1d); /* 32h: bits 7 to 4 fall, 3 to 0 are written */
    ck_assert_uint_eq(config_get(PLACE, SECOND_AT + 6, 1), 0x2d);
    config_put(PLACE, SECOND_AT + 7, 1, 0x01); /* 43h: bits 1 and 0 fall, 7 to 4 are written */
    ck_assert_uint_eq(config_get(PLACE, SECOND_AT + 7, 1), 0x02);
    config_put(PLACE, SECOND_AT + 4, 4, 0);
    ck_assert_uint_eq(config_get(PLACE, SECOND_AT + 4, 4), 0x02200000);
    for (at = config_get(PLACE, PCI_CAPABILITY_POINTER, 1); config_get(PLACE, at, 1) != 9;) {
        at = config_get(PLACE, at + 1, 1);
    }
    config_put(PLACE, at + 2, 2, 0xff30); /* no write mask here */
    ck_assert_uint_eq(config_get(PLACE, at + 2, 2), 0x2100);
}
END_TEST

/* The model is told of accesses with offsets from the header, in the index of its table. */
START_TEST(traps_of_extended_capabilities)
{
    board_add(PLACE, &d, &probe);
    config_put(PLACE, SECOND_AT + 8, 4, 0x11223344);
    probe_saw(&probe, 0, ACCESS_CONFIG_WRITE, 2, 8, 4, 0x11223344);
    ck_assert_uint_eq(config_get(PLACE, SECOND_AT + 8, 2), 0x3344);
    probe_saw(&probe, 1, ACCESS_CONFIG_READ, 2, 8, 2, 0x3344);
    config_get(PLACE, FIRST_AT + 4, 4);
    config_get(PLACE, THIRD_AT, 4);
    ck_assert_uint_eq(probe.accesses, 2);
}
END_TEST

/* A capability may end inside a dword: the model sees its part of a wider access, and no byte beyond. */
START_TEST(accesses_over_the_end_of_a_trap)
{
    table[2].length = 10;
    board_add(PLACE, &d, &probe);
    config_put(PLACE, SECOND_AT + 8, 4, 0x11223344);
    ck_assert_uint_eq(probe.accesses, 1);
    probe_saw(&probe, 0, ACCESS_CONFIG_WRITE, 2, 8, 2, 0x3344);
    probe.config_answer = 0x5566;
    ck_assert_uint_eq(config_get(PLACE, SECOND_AT + 8, 4), 0x5566);
    ck_assert_uint_eq(probe.accesses, 2);
    probe_saw(&probe, 1, ACCESS_CONFIG_READ, 2, 8, 2, 0x3344);
    ck_assert_uint_eq(probe.accesses, 2);
}
END_TEST

static void refused(const char *wanted)
{
    const char *reason = bridge_check_description(&d);

    ck_assert_msg(reason != NULL && strcmp(reason, wanted) == 0, "%s", reason);
}

START_TEST(what_cannot_be)
{
    d.express = 0;
    refused("an extended capability is there, and the device is no PCI Express one");
    board_close();
    open_empty();
    table[2].version = 0;
    refused("an extended capability needs a version from 1 to 15");
    table[2].version = 16;
    refused("an extended capability needs a version from 1 to 15");
    table[2].version = 1;
    table[2].length = 1028;
    refused("an extended capability has more than 1024 bytes");
    table[2].length = 3;
    refused("a capability has no body");
    table[2].length = 1024;
    table[1].version = 1;
    refused("a capability has a version, or an id above 255, and is not an extended one");
    table[1].version = 0;
    table[1].id = 0x109;
    refused("a capability has a version, or an id above 255, and is not an extended one");
    table[1].id = PCI_CAPABILITY_EXPRESS;
    refused("a capability is one that the host makes itself: ask for it with msi, msix, power or express");
    table[1].id = 9;
    table[1].write_mask = clear;
    refused("a bit of a capability is in both of its masks");
    table[1].write_mask = NULL;
    table[0].flags |= 8;
    refused("a capability has unknown flags");
    d.express = 2;
    refused("express is 0 or 1, and power one of enum ioreqd_power");
    d.express = 1;
    d.power = 3;
    refused("express is 0 or 1, and power one of enum ioreqd_power");
    d.power = 0;
    d.reserved[1] = 1;
    refused("its description has unknown flags");
    d.reserved[1] = 0;
    table[0].flags = IOREQD_CAPABILITY_EXTENDED;
    ck_assert_ptr_null(bridge_check_description(&d));
}
END_TEST

/* §7.2.1: 3840 bytes are all there is, and they can be filled. */
START_TEST(extended_space_can_be_filled)
{
    for (unsigned i = 0; i < 4; i++) {
        table[i] = (struct ioreqd_capability){
            .id = 0x0b, .version = 1, .length = 1024, .flags = IOREQD_CAPABILITY_EXTENDED, .body = body};
    }
    refused("the capabilities do not fit in configuration space");
    table[3].length = 769;
    refused("the capabilities do not fit in configuration space");
    table[3].length = 768;
    board_add(PLACE, &d, &probe);
    ck_assert_uint_eq(config_get(PLACE, 0x900, 4), 0xd001000b);
    ck_assert_uint_eq(config_get(PLACE, 0xd00, 4), 0x0001000b);
    ck_assert_uint_eq(config_get(PLACE, 0xd04, 4), 0x43322110);
}
END_TEST

TCase *extended_tests(void)
{
    TCase *group = tcase_create("extended capabilities");

    tcase_add_checked_fixture(group, open_empty, board_close);
    tcase_add_test(group, the_chain);
    tcase_add_test(group, chains_are_apart);
    tcase_add_test(group, bits_are_cleared_by_ones);
    tcase_add_test(group, traps_of_extended_capabilities);
    tcase_add_test(group, accesses_over_the_end_of_a_trap);
    tcase_add_test(group, what_cannot_be);
    tcase_add_test(group, extended_space_can_be_filled);
    return group;
}
