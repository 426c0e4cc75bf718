/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Root ports as functions: header type 1 and its masks (PCI-to-PCI Bridge 1.2 §3.2), the slot, and what can be put
 * where.
 */
#include <errno.h>

#include "tests/bridge/board.h"

#define PORT 0x10u /* device 2 of bus 0 */
#define SLOT 0x1a5u

static struct probe probe;
static struct bridge_bus *secondary;

static const struct ioreqd_description plain = {.struct_size = sizeof(plain), .vendor = 0x1af4, .device = 0x1001};

static void open_port(void)
{
    board_open();
    secondary = board_add_port(PORT, SLOT);
}

static unsigned express_at(void)
{
    for (unsigned at = config_get(PORT, PCI_CAPABILITY_POINTER, 1); at != 0; at = config_get(PORT, at + 1, 1)) {
        if (config_get(PORT, at, 1) == PCI_CAPABILITY_EXPRESS) {
            return at;
        }
    }
    ck_abort_msg("no PCI Express capability");
    return 0;
}

/* §3.2.1: what stands in all headers, and header type 1. §3.2.5.6, .8, .9: windows closed, 64-bit prefetchable. */
START_TEST(header_after_reset)
{
    static const uint8_t wanted[0x40] = {
        [0x00] = 0x36, 0x1b, 0x0c, 0x00, /* ids */
        [0x06] = 0x10,                   /* capabilities */
        [0x0a] = 0x04, 0x06, 0,    0,    0x01, [0x1c] = 0xf0, 0x00, [0x20] = 0xf0,
        0xff,          0x00, 0x00, 0xf1, 0xff, 0x01,          0x00, [0x34] = 0x40,
    };

    for (unsigned reg = 0; reg < 0x40; reg++) {
        ck_assert_msg(config_get(PORT, reg, 1) == wanted[reg], "0x%x: 0x%x", reg, config_get(PORT, reg, 1));
    }
    ck_assert(board.claimed_function[PORT]);
}
END_TEST

/* §3.2.4.3, §3.2.5: which bits the guest may write. No base address registers, no ROM, no pin. */
START_TEST(header_masks)
{
    static const uint8_t writable[0x40] = {
        [0x04] = 0x47, 0x01,                                     /* I/O, memory, master, parity; SERR# */
        [0x0c] = 0xff,                                           /* cache line size */
        [0x18] = 0xff, 0xff, 0xff,                               /* buses */
        [0x1c] = 0xf0, 0xf0,                                     /* I/O window */
        [0x20] = 0xf0, 0xff, 0xf0, 0xff, 0xf0, 0xff, 0xf0, 0xff, /* memory windows */
        [0x28] = 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, /* and the upper halves */
        [0x3e] = 0x43,                                           /* bridge control */
    };

    for (unsigned reg = 0; reg < 0x40; reg++) {
        uint8_t before = (uint8_t)config_get(PORT, reg, 1);

        config_put(PORT, reg, 1, 0xff);
        ck_assert_msg(config_get(PORT, reg, 1) == (before | writable[reg]), "0x%x: 0x%x", reg,
                      config_get(PORT, reg, 1));
        config_put(PORT, reg, 1, 0x00);
        ck_assert_msg(config_get(PORT, reg, 1) == (before & ~writable[reg]), "0x%x: 0x%x", reg,
                      config_get(PORT, reg, 1));
    }
}
END_TEST

/* PCI Express 4.0 §7.5.3: type 4, a slot, no function-level reset (a root port has none, §6.6.2). */
START_TEST(express_capability_of_a_port)
{
    unsigned at = express_at();

    ck_assert_uint_eq(config_get(PORT, at + PCI_EXPRESS_FLAGS, 2), 0x0142);
    ck_assert_uint_eq(config_get(PORT, at + PCI_EXPRESS_DEVICE, 4), 0x8000);
    ck_assert_uint_eq(config_get(PORT, at + PCI_EXPRESS_LINK, 4), 0x11);
    ck_assert_uint_eq(config_get(PORT, at + PCI_EXPRESS_LINK_STATUS, 2), 0x11);
    ck_assert_uint_eq(config_get(PORT, at + PCI_EXPRESS_SLOT, 4), SLOT << 19);
    ck_assert_uint_eq(config_get(PORT, at + 24, 2), 0); /* slot control */
    config_put(PORT, at + PCI_EXPRESS_ROOT_CONTROL, 2, 0xffff);
    ck_assert_uint_eq(config_get(PORT, at + PCI_EXPRESS_ROOT_CONTROL, 2), 0x1f);
    config_put(PORT, PCI_CACHE_LINE_SIZE, 1, 0x40);
    config_put(PORT, at + PCI_EXPRESS_DEVICE_CONTROL, 2, 0xffff);
    ck_assert_uint_eq(config_get(PORT, at + PCI_EXPRESS_DEVICE_CONTROL, 2), 0x78ff);
    ck_assert_uint_eq(config_get(PORT, PCI_CACHE_LINE_SIZE, 1), 0x40);
    ck_assert_uint_eq(bridge_counters(bridge)->resets, 0);
    ck_assert_uint_eq(config_get(PORT, 0x100, 4), 0);
}
END_TEST

/* PCI Express 4.0 §7.5.3.11: Presence Detect State follows what sits in the slot, through all resets. */
START_TEST(the_slot_tells_who_is_there)
{
    unsigned reg = express_at() + PCI_EXPRESS_SLOT_STATUS;
    struct bridge_function *first, *second;

    ck_assert_uint_eq(config_get(PORT, reg, 2), 0);
    first = board_add_on(secondary, 0, &plain, &probe);
    ck_assert_uint_eq(config_get(PORT, reg, 2), 0x40);
    second = board_add_on(secondary, 5, &plain, &probe);
    bridge_remove_function(first);
    ck_assert_uint_eq(config_get(PORT, reg, 2), 0x40);
    config_put(PORT, reg, 2, 0xffff);
    ck_assert_uint_eq(config_get(PORT, reg, 2), 0x40);
    bridge_remove_function(second);
    ck_assert_uint_eq(config_get(PORT, reg, 2), 0);
}
END_TEST

/* PCI Express 4.0 §7.3.1: a link leads to device 0 alone; and there are no switches. */
START_TEST(places_behind_a_port)
{
    struct bridge_function *function = NULL;
    struct bridge_bus *bus = NULL;

    for (unsigned devfn = 8; devfn < 256; devfn++) {
        ck_assert_int_eq(bridge_add_function(secondary, (uint8_t)devfn, &plain, &probe_ops, &probe, &function),
                         -EINVAL);
    }
    ck_assert_int_eq(bridge_add_port(secondary, 0, 0, &bus), -EINVAL);
    ck_assert_ptr_null(function);
    ck_assert_ptr_null(bus);
    for (unsigned devfn = 0; devfn < 8; devfn++) {
        board_add_on(secondary, (uint8_t)devfn, &plain, &probe);
    }
    ck_assert_int_eq(bridge_add_function(secondary, 7, &plain, &probe_ops, &probe, NULL), -EEXIST);
}
END_TEST

/* PCI Express 4.0 §7.5.3.9: 13 bits for the number of the slot. */
START_TEST(places_of_ports)
{
    struct bridge_bus *bus = NULL;

    ck_assert_int_eq(bridge_add_port(bridge_root_bus(host), PORT, 0, &bus), -EEXIST);
    ck_assert_int_eq(bridge_add_port(bridge_root_bus(host), 0xf8, 8192, &bus), -EINVAL);
    ck_assert_ptr_null(bus);
    board.claim_function_error = -EBUSY;
    ck_assert_int_eq(bridge_add_port(bridge_root_bus(host), 0xf8, 8191, &bus), -EBUSY);
    ck_assert_ptr_null(bus);
    ck_assert_uint_eq(config_get(0xf8, 0, 4), 0xffffffff);
    board.claim_function_error = 0;
    board_add_port(0xf8, 8191);
    ck_assert_uint_eq(config_get(0xf8, express_at() + PCI_EXPRESS_SLOT, 4), UINT32_C(8191) << 19);
}
END_TEST

/* PCI 3.0 §6.2.1: header type 1 with and without the multi-function bit; behind the port it is counted anew. */
START_TEST(multifunction_bits)
{
    struct bridge_function *function = board_add(PORT + 1, &plain, &probe);

    ck_assert_uint_eq(config_get(PORT, PCI_HEADER_TYPE, 1), 0x81);
    bridge_remove_function(function);
    ck_assert_uint_eq(config_get(PORT, PCI_HEADER_TYPE, 1), 0x01);
    config_put(PORT, PCI_PRIMARY_BUS, 4, 0x10100);
    board_add_on(secondary, 0, &plain, &probe);
    ck_assert_uint_eq(config_get(0x100, PCI_HEADER_TYPE, 1), 0x00);
    board_add_on(secondary, 3, &plain, &probe);
    ck_assert_uint_eq(config_get(0x100, PCI_HEADER_TYPE, 1), 0x80);
    ck_assert_uint_eq(config_get(0x103, PCI_HEADER_TYPE, 1), 0x00);
    config_put(PORT, PCI_BRIDGE_CONTROL, 2, PCI_BRIDGE_BUS_RESET);
    config_put(PORT, PCI_BRIDGE_CONTROL, 2, 0);
    ck_assert_uint_eq(config_get(0x100, PCI_HEADER_TYPE, 1), 0x80);
}
END_TEST

TCase *port_tests(void)
{
    TCase *group = tcase_create("root ports");

    tcase_add_checked_fixture(group, open_port, board_close);
    tcase_add_test(group, header_after_reset);
    tcase_add_test(group, header_masks);
    tcase_add_test(group, express_capability_of_a_port);
    tcase_add_test(group, the_slot_tells_who_is_there);
    tcase_add_test(group, places_behind_a_port);
    tcase_add_test(group, places_of_ports);
    tcase_add_test(group, multifunction_bits);
    return group;
}
