/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The machines: what an Arm guest has without being asked lies where Xen's layout leaves room, and none of it meets
 * another; which interrupts can be.
 */
#include <string.h>

#include "bridge/machine.h"
#include "hypervisor/arm_layout.h"
#include "tests/bridge/board.h"

START_TEST(windows_are_free)
{
    struct bridge_range seen[64];
    struct bridge_interrupts interrupts;
    unsigned count = 0;
    uint64_t first, size;

    bridge_default_interrupts(&interrupts);
    seen[count++] = (struct bridge_range){BRIDGE_MEMORY, interrupts.frame, interrupts.frame + (BRIDGE_FRAME_SIZE - 1)};
    ck_assert_ptr_null(arm_layout_find(seen[0].first, seen[0].last));
    for (unsigned window = BRIDGE_WINDOW_ECAM; window <= BRIDGE_WINDOW_MEMORY64; window++) {
        unsigned turns = 0;

        for (; bridge_arm_window((enum bridge_window)window, turns, &first, &size); turns++) {
            ck_assert_ptr_null(arm_layout_find(first, first + (size - 1)));
            for (unsigned i = 0; i < count; i++) {
                ck_assert(first > seen[i].last || seen[i].first > first + (size - 1));
            }
            seen[count++] = (struct bridge_range){BRIDGE_MEMORY, first, first + (size - 1)};
        }
        ck_assert_uint_eq(turns, 8);
    }
}
END_TEST

START_TEST(the_default_bridge_can_be)
{
    struct bridge_interrupts interrupts;
    struct bridge_host_config config;

    bridge_default_interrupts(&interrupts);
    ck_assert_ptr_null(bridge_check_interrupts(&interrupts));
    bridge_default_arm_host(&config);
    bridge_give_lines(&config, &interrupts.lines, 0, 1);
    ck_assert_ptr_null(bridge_check_host(&config));
    ck_assert_str_eq(config.name, BRIDGE_DEFAULT_NAME);
    ck_assert_uint_ne(config.segment, 0); /* vPCI's */
    ck_assert(!config.configuration_ports && !config.address_port && config.host_bridge_shown);
    ck_assert_int_eq(config.io.space, BRIDGE_MEMORY);
    ck_assert_uint_eq(config.io.bus, 0);
    ck_assert_uint_ne(config.memory64.size, 0);
}
END_TEST

START_TEST(the_layout_is_xens)
{
    static const struct {
        uint64_t first, last;
        const char *what;
    } cases[] = {
        {0, 0x1ffffff, NULL},
        {0x2000000, 0x2000000, "the registers of virtio-mmio devices"},
        {0x20fffff, 0x20fffff, "the registers of virtio-mmio devices"},
        {0x2100000, 0x2ffffff, NULL},
        {0x3001000, 0x3001fff, "the interrupt controller"},
        {0x401ffff, 0x401ffff, "the interrupt controller"},
        {0x4020000, 0xfffffff, NULL},
        {0x1fffffff, 0x1fffffff, "vPCI's configuration space"},
        {0x20000000, 0x33000000, "the ACPI tables"},
        {0x22000fff, 0x22001000, "the emulated serial port"},
        {0x32ffffff, 0x33000000, "vPCI's memory"},
        {0x33000000, 0x37ffffff, NULL},
        {0x38000000, 0x38000fff, "the grant table"},
        {0x39ffffff, 0x3a000000, "Xen's own pages"},
        {0x3a000000, 0x3fffffff, NULL},
        {0x3fffffff, 0x40000000, "the memory"},
        {0xffffffff, 0xffffffff, "the memory"},
        {0x100000000, 0x1ffffffff, "vPCI's memory above 4 GiB"},
        {0xffffffffff, 0x10000000000, "the memory above 4 GiB"},
        {0x10000000000, UINT64_MAX, NULL},
    };

    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct arm_region *region = arm_layout_find(cases[i].first, cases[i].last);

        ck_assert_msg((region == NULL) == (cases[i].what == NULL), "at %#llx", (unsigned long long)cases[i].first);
        ck_assert(region == NULL || strcmp(region->what, cases[i].what) == 0);
    }
}
END_TEST

START_TEST(interrupts_are_checked)
{
    static const struct {
        struct bridge_interrupts interrupts;
        const char *reason;
    } cases[] = {
        {{{32, 1}, {33, 1}, 0x1000}, NULL},
        {{{40, 952}, {0, 0}, 0}, NULL},
        {{{0, 0}, {32, 960}, 0x1000}, NULL},
        {{{31, 2}, {33, 1}, 0x1000}, "an SPI is below 32: those are a processor's own interrupts"},
        {{{33, 2}, {0, 1}, 0x1000}, "an SPI is below 32: those are a processor's own interrupts"},
        {{{40, 953}, {0, 0}, 0}, "an SPI is above 991, the last that a guest of Xen can have"},
        {{{0, 0}, {992, 1}, 0}, "an SPI is above 991, the last that a guest of Xen can have"},
        {{{40, 8}, {47, 1}, 0x1000},
         "lines and messages have an SPI in common: a line's is level-triggered, a message's edge-triggered"},
        {{{47, 1}, {40, 8}, 0x1000},
         "lines and messages have an SPI in common: a line's is level-triggered, a message's edge-triggered"},
        {{{40, 8}, {48, 8}, 0x1800}, "the message frame is not a page of 4 KiB"},
    };

    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *reason = bridge_check_interrupts(&cases[i].interrupts);

        ck_assert_msg((reason == NULL) == (cases[i].reason == NULL), "case %u: %s", i, reason);
        ck_assert(reason == NULL || strcmp(reason, cases[i].reason) == 0);
    }
}
END_TEST

TCase *machine_tests(void)
{
    TCase *tests = tcase_create("machines");

    tcase_add_test(tests, windows_are_free);
    tcase_add_test(tests, the_default_bridge_can_be);
    tcase_add_test(tests, the_layout_is_xens);
    tcase_add_test(tests, interrupts_are_checked);
    return tests;
}
