/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which host bridges can be, alone and together: every reason against one is given once, and what is just inside is
 * taken (bridge/host_config.h; PCI Express 4.0 §7.2.2 for ECAM, PCI 3.0 §3.2.2.3.2 for the ports).
 */
#include <string.h>

#include "tests/bridge/board.h"

static struct bridge_host_config c;

static void open_config(void)
{
    c = board_wide_host;
}

static void refused(const char *wanted)
{
    const char *reason = bridge_check_host(&c);

    ck_assert_msg(reason != NULL && strcmp(reason, wanted) == 0, "%s, not %s", reason, wanted);
}

static void taken(void)
{
    const char *reason = bridge_check_host(&c);

    ck_assert_msg(reason == NULL, "%s", reason);
}

START_TEST(the_examples_are_taken)
{
    taken();
    for (unsigned i = 0; i < 4; i++) {
        bridge_default_host(&c, (i & 1) != 0, (i & 2) != 0);
        taken();
        ck_assert_uint_eq(c.lines, (i & 2) != 0 ? BRIDGE_LINES_DIRECT : BRIDGE_LINES_NONE);
        ck_assert_int_eq(c.address_port, (i & 1) != 0);
        ck_assert_int_eq(c.host_bridge_shown, (i & 1) != 0);
        ck_assert_uint_eq(c.last_bus, 0xff);
    }
}
END_TEST

START_TEST(buses_are_in_order)
{
    c.first_bus = 0x14;
    refused("its first bus is behind its last");
    c.first_bus = 0x13;
    taken();
}
END_TEST

/* Mechanism 1 has no field for a segment (PCI 3.0 §3.2.2.3.2, figure 3-2). */
START_TEST(something_reaches_its_configuration_space)
{
    c.configuration_ports = true;
    refused("ports 0xcf8 and 0xcfc reach segment 0 alone: give it ECAM");
    c.segment = 0;
    taken();
    c.ecam = 0;
    taken();
    c.configuration_ports = false;
    refused("nothing reaches its configuration space: give it ECAM");
}
END_TEST

/* PCI Express 4.0 §7.2.2: 1 MiB a bus. */
START_TEST(ecam_has_its_place)
{
    c.ecam = BOARD_ECAM + 0x80000;
    refused("its ECAM does not begin at a multiple of 1 MiB");
    c.ecam = UINT64_MAX - 0x3fffff;
    taken();
    c.ecam += 0x100000;
    refused("its ECAM ends beyond the last address");
}
END_TEST

START_TEST(folded_lines_are_those_of_a_device)
{
    c.lines_device = 31;
    taken();
    c.lines_device = 32;
    refused("its interrupt lines are those of a device beyond 1f");
    c.lines = BRIDGE_LINES_DIRECT;
    taken();
}
END_TEST

START_TEST(apertures_end_before_the_addresses_do)
{
    static const char *const wraps = "an aperture ends beyond the last address";

    c.memory64.first = UINT64_MAX - (UINT64_C(1) << 37) + 1;
    taken();
    c.memory64.first += 0x1000;
    refused(wraps);
    open_config();
    c.memory64.bus = UINT64_MAX - (UINT64_C(1) << 37) + 2;
    refused(wraps);
    open_config();
    c.io.first = UINT64_MAX - 0xfff;
    refused(wraps);
}
END_TEST

START_TEST(apertures_in_ports_end_before_the_ports_do)
{
    static const char *const beyond = "an aperture ends beyond the last port, 0xffff";

    c.io = (struct bridge_aperture){.space = BRIDGE_PORT, .first = 0x8001, .bus = 0x1000, .size = 0x7fff};
    taken(); /* ports have no pages */
    c.io.size = 0x8000;
    refused(beyond);
    c.io = (struct bridge_aperture){.space = BRIDGE_PORT, .first = 0x10000, .size = 1};
    refused(beyond);
    c.io = (struct bridge_aperture){.space = BRIDGE_PORT, .first = 0, .size = 0x10000};
    taken();
}
END_TEST

START_TEST(apertures_in_memory_are_whole_pages)
{
    static const char *const pages = "an aperture does not begin and end with a page of 4 KiB";

    c.memory.first += 0x800;
    refused(pages);
    open_config();
    c.memory64.size -= 1;
    refused(pages);
    open_config();
    c.io.size = 0x800;
    refused(pages);
    c.io.size = 0x1000;
    taken();
}
END_TEST

/* PCI 3.0 §3.2.2.1: on a PC the bus has 64 KiB of I/O space; what it cannot reach is no aperture. */
START_TEST(io_apertures_end_before_the_io_space_does)
{
    static const char *const beyond = "the I/O aperture ends beyond the last address of the bus's I/O space, 0xffff";

    c.io.bus = 0x1000;
    refused(beyond);
    c.io.size = 0xf000;
    taken();
    c.io.bus = UINT64_MAX - c.io.size + 1;
    refused(beyond);
    c.io.size = 0;
    taken();
}
END_TEST

START_TEST(the_memory_aperture_is_below_4_gib_on_the_bus)
{
    c.memory.bus = 0xfc000000;
    taken();
    c.memory.bus += 0x1000;
    refused("the memory aperture is not below 4 GiB on the bus: what lies there is for memory64");
    c.memory.bus = 0;
    c.memory.size = 0;
    refused("memory64 is there without memory: 32-bit BARs would have no place");
    c.memory64.size = 0;
    taken();
}
END_TEST

/* Ports are no place for memory: what stands there as aperture.space by mistake is found. */
START_TEST(memory_apertures_are_in_memory)
{
    static const char *const reason = "a memory aperture is in the processor's ports";

    c.memory = (struct bridge_aperture){.space = BRIDGE_PORT, .first = 0x1000, .size = 0x1000};
    refused(reason);
    open_config();
    c.memory64 = (struct bridge_aperture){.space = BRIDGE_PORT, .first = 0x1000, .bus = BOARD_BUS64, .size = 0x1000};
    refused(reason);
}
END_TEST

/* An address of the bus has one place for the processor, or a BAR there would decode in one of two. */
START_TEST(memory_apertures_are_apart_on_the_bus)
{
    c.memory64.bus = 0x3fff000;
    refused("memory and memory64 overlap on the bus");
    c.memory64.bus = 0x4000000;
    taken();
}
END_TEST

START_TEST(what_it_owns_is_apart)
{
    static const char *const reason = "its ports, its ECAM and its apertures overlap";

    c.io.first = BOARD_ECAM + 0x3ff000;
    refused(reason);
    c.io.first = BOARD_ECAM + 0x400000;
    taken();
    c.io.first = BOARD_MEMORY + 0x3fff000;
    refused(reason);
    c.io.space = BRIDGE_PORT; /* numbers that are ports now */
    c.io.first = 0;
    taken();
    c.memory64.first = BOARD_MEMORY + 0x3fff000;
    refused(reason);
    open_config();
    c.segment = 0;
    c.configuration_ports = c.address_port = true;
    taken();
    c.io = (struct bridge_aperture){.space = BRIDGE_PORT, .first = 0, .size = 0xcf9};
    refused(reason);
    c.io.size = 0xcf8;
    taken();
    c.io = (struct bridge_aperture){.space = BRIDGE_PORT, .first = 0xcfb, .size = 1};
    refused(reason);
    c.io.first = 0xcfc;
    taken();
}
END_TEST

static void together(const struct bridge_host_config *other, const char *wanted)
{
    const char *one = bridge_check_hosts(&c, other), *two = bridge_check_hosts(other, &c);

    ck_assert(wanted == NULL ? one == NULL : one != NULL && strcmp(one, wanted) == 0);
    ck_assert_ptr_eq(one, two);
}

START_TEST(two_differ_in_all_that_they_own)
{
    static const char *const buses = "two host bridges of one segment have the same buses";
    static const char *const places = "the ports, the ECAM or an aperture of one host bridge overlap those of another";
    struct bridge_host_config other = {.name = "wide", .segment = 2, .first_bus = 0x10, .last_bus = 0x10};

    other.ecam = BOARD_ECAM + 0x400000;
    together(&other, "two host bridges have the same name");
    strcpy(other.name, "other");
    together(&other, NULL);
    other.segment = 1;
    together(&other, buses);
    other.first_bus = other.last_bus = 0x13;
    together(&other, buses);
    other.first_bus = 0x05;
    together(&other, buses);
    other.first_bus = other.last_bus = 0x14;
    together(&other, NULL);
    other.ecam -= 0x100000;
    together(&other, places);
    other.ecam = BOARD_MEMORY64 + (UINT64_C(1) << 37) - 0x100000;
    together(&other, places);
    other.ecam += 0x100000;
    together(&other, NULL);
    other.io = c.io; /* the same bus addresses are no conflict; the same of the processor are */
    together(&other, places);
    other.io.first += 0x10000;
    together(&other, NULL);
    other.io = (struct bridge_aperture){.space = BRIDGE_PORT, .first = 0, .size = 0x1000};
    together(&other, NULL);
    c.address_port = true;
    together(&other, places);
}
END_TEST

TCase *host_config_tests(void)
{
    TCase *group = tcase_create("which host bridges can be");

    tcase_add_checked_fixture(group, open_config, NULL);
    tcase_add_test(group, the_examples_are_taken);
    tcase_add_test(group, buses_are_in_order);
    tcase_add_test(group, something_reaches_its_configuration_space);
    tcase_add_test(group, ecam_has_its_place);
    tcase_add_test(group, folded_lines_are_those_of_a_device);
    tcase_add_test(group, apertures_end_before_the_addresses_do);
    tcase_add_test(group, apertures_in_ports_end_before_the_ports_do);
    tcase_add_test(group, apertures_in_memory_are_whole_pages);
    tcase_add_test(group, io_apertures_end_before_the_io_space_does);
    tcase_add_test(group, the_memory_aperture_is_below_4_gib_on_the_bus);
    tcase_add_test(group, memory_apertures_are_in_memory);
    tcase_add_test(group, memory_apertures_are_apart_on_the_bus);
    tcase_add_test(group, what_it_owns_is_apart);
    tcase_add_test(group, two_differ_in_all_that_they_own);
    return group;
}
