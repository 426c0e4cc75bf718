/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What bridge_check_description() lets pass and what not, with the reason that people are told.
 */
#include "tests/bridge/board.h"

static const uint8_t body[254] = {0};
static struct ioreqd_capability capability[2];
static struct ioreqd_bell bell;
static struct ioreqd_description d;

/* A description that is good in all points; each test spoils one. */
static void make_good(void)
{
    capability[0] = (struct ioreqd_capability){.id = 9, .length = 16, .body = body};
    capability[1] = (struct ioreqd_capability){.id = 9, .length = 20, .body = body, .flags = IOREQD_CAPABILITY_TRAP};
    bell = (struct ioreqd_bell){.bar = 4, .size = 2, .count = 2, .stride = 4, .offset = 0x3000};
    d = (struct ioreqd_description){
        .struct_size = sizeof(d),
        .vendor = 0x1af4,
        .msix = 3,
        .msix_bar = 1,
        .queues = 2,
        .capabilities = 2,
        .capability = capability,
        .bells = 1,
        .bell = &bell,
        .bar = {[0] = {.kind = IOREQD_BAR_IO, .min_access = 1, .max_access = 4, .size = 16},
                [2] = {.kind = IOREQD_BAR_MEM32, .min_access = 1, .max_access = 4, .size = 16},
                [4] = {.kind = IOREQD_BAR_MEM64, .min_access = 1, .max_access = 8, .size = 0x4000}},
    };
    ck_assert_ptr_null(bridge_check_description(&d));
}

static void refused(const char *reason)
{
    const char *told = bridge_check_description(&d);

    ck_assert_ptr_nonnull(told);
    ck_assert_str_eq(told, reason);
    make_good();
}

static void accepted(void)
{
    ck_assert_ptr_null(bridge_check_description(&d));
    make_good();
}

START_TEST(kinds_and_sizes_of_bars)
{
    d.bar[0].kind = 5;
    refused("a BAR is of no known kind");
    d.bar[0].flags = 1;
    refused("a BAR has unknown flags");
    d.bar[3].reserved = 1;
    refused("a BAR has unknown flags");
    d.bar[2].size = 0;
    refused("the size of a BAR is no power of two");
    d.bar[2].size = 24;
    refused("the size of a BAR is no power of two");
    d.bar[4].size = UINT64_MAX;
    refused("the size of a BAR is no power of two");
    d.bar[0].size = 2;
    refused("an I/O BAR must have 4 to 256 bytes");
    d.bar[0].size = 512;
    refused("an I/O BAR must have 4 to 256 bytes");
    d.bar[0].size = 256;
    accepted();
    d.bar[0].size = 4;
    accepted();
    d.bar[2].size = 8;
    refused("a memory BAR must have at least 16 bytes");
    d.bar[2].size = UINT64_C(1) << 32;
    refused("a 32-bit memory BAR must have at most 2 GiB");
    d.bar[2].size = UINT64_C(1) << 31;
    accepted();
    d.bar[4].size = UINT64_C(1) << 62;
    accepted();
}
END_TEST

START_TEST(access_sizes_of_bars)
{
    static const char *const reason = "the access sizes of a BAR are not powers of two in order";

    d.bar[2].min_access = 0;
    refused(reason);
    d.bar[2].min_access = 3;
    refused(reason);
    d.bar[2].max_access = 6;
    refused(reason);
    d.bar[2].max_access = 16;
    refused(reason);
    d.bar[2].min_access = 8;
    refused(reason);
    d.bar[0].size = 4;
    d.bar[0].max_access = 8;
    refused(reason);
    d.bar[2].min_access = 4;
    accepted();
}
END_TEST

START_TEST(places_of_bars)
{
    static const char *const wide = "the place after a 64-bit BAR must stay free";
    static const char *const msix = "MSI-X needs a BAR that nothing else uses, and has at most 2048 vectors";

    d.bar[5] = d.bar[2];
    refused(wide);
    d.bar[5] = d.bar[4];
    d.bar[4] = d.bar[3];
    bell.bar = 5;
    refused(wide);
    d.bar[0] = d.bar[4];
    refused(wide); /* MSI-X has BAR 1 */
    d.bar[0] = d.bar[4];
    d.bar[0].kind = IOREQD_BAR_MEM64_PREFETCH;
    d.msix_bar = 3;
    accepted();
    d.msix_bar = 2;
    refused(msix);
    d.msix_bar = 6;
    refused(msix);
    d.msix = 2049;
    refused(msix);
    d.msix = 2048;
    accepted();
    d.msix = 0;
    d.msix_bar = 2;
    accepted();
}
END_TEST

START_TEST(capabilities)
{
    d.capability = NULL;
    refused("the table of capabilities is missing");
    capability[0].length = 1;
    refused("a capability has no body");
    capability[0].body = NULL;
    refused("a capability has no body");
    capability[0].length = 2;
    capability[0].body = NULL;
    accepted();
    capability[1].flags = 4;
    refused("a capability has unknown flags");
    capability[1].reserved[2] = 1;
    refused("a capability has unknown flags");
    capability[1].version = 1;
    refused("a capability has a version, or an id above 255, and is not an extended one");
    capability[1].id = 0x109;
    refused("a capability has a version, or an id above 255, and is not an extended one");
    capability[1].id = PCI_CAPABILITY_POWER;
    refused("a capability is one that the host makes itself: ask for it with msi, msix, power or express");
    capability[1].flags = IOREQD_CAPABILITY_EXTENDED;
    refused("an extended capability is there, and the device is no PCI Express one");
    d.express = 1;
    capability[1].flags = IOREQD_CAPABILITY_EXTENDED;
    refused("an extended capability needs a version from 1 to 15");
    d.express = 1;
    capability[1].flags = IOREQD_CAPABILITY_EXTENDED;
    capability[1].version = 1;
    capability[1].length = 1025;
    refused("an extended capability has more than 1024 bytes");
    static const uint8_t ones[254] = {0xff, 0xff};

    capability[0].write_mask = ones;
    capability[0].clear_mask = ones;
    refused("a bit of a capability is in both of its masks");
    capability[0].length = 129;
    refused("a capability has more than 128 bytes");
    /* 192 bytes: 12 of MSI-X, 52 and 128 */
    capability[0].length = 128;
    capability[1].length = 52;
    accepted();
    capability[0].length = 128;
    capability[1].length = 53;
    refused("the capabilities do not fit in configuration space");
    d.msix = 0;
    capability[0].length = 128;
    capability[1].length = 64;
    accepted();
}
END_TEST

START_TEST(doorbells)
{
    static const char *const range = "a doorbell's size, stride or count is out of range";
    static const char *const beyond = "doorbells reach beyond their BAR";

    d.bell = NULL;
    refused("the table of doorbells is missing");
    bell.bar = 6;
    refused("a doorbell is in a BAR that does not exist");
    bell.bar = 5;
    refused("a doorbell is in a BAR that does not exist");
    bell.bar = 1; /* MSI-X's */
    refused("a doorbell is in a BAR that does not exist");
    bell.size = 3;
    refused(range);
    bell.size = 8;
    refused(range);
    bell.size = 0;
    refused(range);
    bell.stride = 1;
    refused(range);
    bell.stride = 0;
    refused(range);
    bell.count = 0;
    refused(range);
    bell.offset = 0x4001;
    refused(beyond);
    bell.offset = UINT64_MAX;
    refused(beyond);
    bell.offset = 0x3ffc;
    refused(beyond);
    bell.offset = 0x3ff8;
    accepted();
    bell.stride = 0xffffffff;
    refused(beyond);
    bell.first_queue = 1;
    refused("a doorbell has no queue");
    bell.first_queue = 0xffff;
    refused("a doorbell has no queue");
    d.queues = 0;
    refused("a doorbell has no queue");
}
END_TEST

/* PCI 3.0 §6.2.1: 0xffff is what an absent function reads as; 0 is what some probes take for one. */
START_TEST(ids_and_queues)
{
    d.vendor = 0xffff;
    refused("the vendor id is one that means: no device");
    d.vendor = 0;
    refused("the vendor id is one that means: no device");
    d.queues = 1025;
    refused("more than 1024 queues");
    d.queues = 1024;
    accepted();
}
END_TEST

TCase *description_tests(void)
{
    TCase *group = tcase_create("descriptions");

    tcase_add_checked_fixture(group, make_good, NULL);
    tcase_add_test(group, kinds_and_sizes_of_bars);
    tcase_add_test(group, access_sizes_of_bars);
    tcase_add_test(group, places_of_bars);
    tcase_add_test(group, capabilities);
    tcase_add_test(group, doorbells);
    tcase_add_test(group, ids_and_queues);
    return group;
}
