/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Descriptions as text, word for word: device tree source, and the tables for people, whose columns have to line up.
 */
#include <stdlib.h>
#include <string.h>

#include "bridge/describe/describe.h"
#include "bridge/machine.h"
#include "tests/bridge/describe_tests.h"

static const struct bridge_host_config bridges[] = {
    {.name = "pci", .last_bus = 0xff, .configuration_ports = true, .lines = BRIDGE_LINES_DIRECT},
    {.name = "pcie1",
     .segment = 1,
     .first_bus = 0x10,
     .last_bus = 0x1f,
     .ecam = 0x4000000000,
     .io = {BRIDGE_MEMORY, 0xe4000000, 0, 0x10000},
     .memory = {BRIDGE_MEMORY, 0xe1000000, 0xe1000000, 0x1000000},
     .memory64 = {BRIDGE_MEMORY, 0x8000000000, 0x10000000000, 0x800000000},
     .lines = BRIDGE_LINES_FOLDED,
     .lines_device = 0x1e},
    {.name = "ports",
     .segment = 2,
     .ecam = 0xe0000000,
     .io = {BRIDGE_PORT, 0xe000, 0xe000, 0x1000},
     .memory = {BRIDGE_MEMORY, 0xe2000000, 0xe2000000, 0x123000}},
};

/* clang-format off */
static const char expected_dts[] =
    "/dts-v1/;\n"
    "\n"
    "/ {\n"
    "    #address-cells = <2>;\n"
    "    #size-cells = <2>;\n"
    "\n"
    "    passthrough {\n"
    "        compatible = \"simple-bus\";\n"
    "        #address-cells = <2>;\n"
    "        #size-cells = <2>;\n"
    "        ranges;\n"
    "\n"
    "        /* host bridge pcie1 */\n"
    "        pcie@4000000000 {\n"
    "            compatible = \"pci-host-ecam-generic\";\n"
    "            device_type = \"pci\";\n"
    "            reg = <0x40 0 0 0x1000000>;\n"
    "            bus-range = <0x10 0x1f>;\n"
    "            linux,pci-domain = <1>;\n"
    "            #address-cells = <3>;\n"
    "            #size-cells = <2>;\n"
    "            ranges = <0x1000000 0 0 0 0xe4000000 0 0x10000>,\n"
    "                     <0x2000000 0 0xe1000000 0 0xe1000000 0 0x1000000>,\n"
    "                     <0x43000000 0x100 0 0x80 0 0x8 0>;\n"
    "            dma-coherent;\n"
    "        };\n"
    "\n"
    "        /* host bridge ports */\n"
    "        pcie@e0000000 {\n"
    "            compatible = \"pci-host-ecam-generic\";\n"
    "            device_type = \"pci\";\n"
    "            reg = <0 0xe0000000 0 0x100000>;\n"
    "            bus-range = <0 0>;\n"
    "            linux,pci-domain = <2>;\n"
    "            #address-cells = <3>;\n"
    "            #size-cells = <2>;\n"
    "            ranges = <0x2000000 0 0xe2000000 0 0xe2000000 0 0x123000>;\n"
    "            dma-coherent;\n"
    "        };\n"
    "    };\n"
    "};\n";

static const char expected_arm[] =
    "/dts-v1/;\n"
    "\n"
    "/*\n"
    " * For the configuration of a guest of Xen on Arm, see xl.cfg(5):\n"
    " *     device_tree = \"FILE.dtb\"    this, compiled by dtc\n"
    " *     nr_spis = 38\n"
    " */\n"
    "\n"
    "/ {\n"
    "    #address-cells = <2>;\n"
    "    #size-cells = <2>;\n"
    "\n"
    "    passthrough {\n"
    "        compatible = \"simple-mfd\";\n"
    "        #address-cells = <2>;\n"
    "        #size-cells = <2>;\n"
    "        ranges;\n"
    "\n"
    "        v2m: v2m@10a000000 {\n"
    "            compatible = \"arm,gic-v2m-frame\";\n"
    "            reg = <0x1 0xa000000 0 0x1000>;\n"
    "            msi-controller;\n"
    "        };\n"
    "\n"
    "        grant_dma: grant-dma {\n"
    "            compatible = \"xen,grant-dma\";\n"
    "            #iommu-cells = <1>;\n"
    "        };\n"
    "\n"
    "        /* host bridge pcie1 */\n"
    "        pcie@4000000000 {\n"
    "            compatible = \"pci-host-ecam-generic\";\n"
    "            device_type = \"pci\";\n"
    "            reg = <0x40 0 0 0x1000000>;\n"
    "            bus-range = <0x10 0x1f>;\n"
    "            linux,pci-domain = <1>;\n"
    "            #address-cells = <3>;\n"
    "            #size-cells = <2>;\n"
    "            ranges = <0x1000000 0 0 0 0xe4000000 0 0x10000>,\n"
    "                     <0x2000000 0 0xe1000000 0 0xe1000000 0 0x1000000>,\n"
    "                     <0x43000000 0x100 0 0x80 0 0x8 0>;\n"
    "            interrupt-map = <0 0 0 1 &gic 0 9 4>,\n"
    "                            <0 0 0 2 &gic 0 8 4>,\n"
    "                            <0 0 0 3 &gic 0 9 4>,\n"
    "                            <0 0 0 4 &gic 0 8 4>,\n"
    "                            <0x800 0 0 1 &gic 0 8 4>,\n"
    "                            <0x800 0 0 2 &gic 0 9 4>,\n"
    "                            <0x800 0 0 3 &gic 0 8 4>,\n"
    "                            <0x800 0 0 4 &gic 0 9 4>;\n"
    "            interrupt-map-mask = <0x800 0 0 7>;\n"
    "            #interrupt-cells = <1>;\n"
    "            msi-parent = <&v2m>;\n"
    "            iommu-map = <0x1008 &grant_dma 0 1>,\n"
    "                        <0x1011 &grant_dma 0 1>;\n"
    "            dma-coherent;\n"
    "        };\n"
    "\n"
    "        /* host bridge ports */\n"
    "        pcie@e0000000 {\n"
    "            compatible = \"pci-host-ecam-generic\";\n"
    "            device_type = \"pci\";\n"
    "            reg = <0 0xe0000000 0 0x100000>;\n"
    "            bus-range = <0 0>;\n"
    "            linux,pci-domain = <2>;\n"
    "            #address-cells = <3>;\n"
    "            #size-cells = <2>;\n"
    "            ranges = <0x2000000 0 0xe2000000 0 0xe2000000 0 0x123000>;\n"
    "            msi-parent = <&v2m>;\n"
    "            iommu-map = <0x18 &grant_dma 0 1>;\n"
    "            dma-coherent;\n"
    "        };\n"
    "    };\n"
    "\n"
    "    gic: interrupt-controller {\n"
    "        phandle = <65000>;\n"
    "        interrupt-controller;\n"
    "        #interrupt-cells = <3>;\n"
    "        #address-cells = <0>;\n"
    "    };\n"
    "};\n";

static const char expected_bridges[] =
    "Host bridge  Segment  Buses  Configuration          I/O                      Memory              64-bit                                Lines\n"
    "pci          0000     00-ff  ports 0xcf8            any                      any                 any                                   its own\n"
    "pcie1        0001     10-1f  ECAM 0x4000000000+16M  0xe4000000+64k at bus 0  0xe1000000+16M      0x8000000000+32G at bus 0x10000000000  those of device 1e of bus 0\n"
    "ports        0002     00-00  ECAM 0xe0000000+1M     ports 0xe000+4k          0xe2000000+1164k    -                                     none\n";

static const char expected_devices[] =
    "Host bridge  Segment  Buses  Configuration  I/O  Memory  64-bit  Lines\n"
    "pci          0000     00-ff  ports 0xcf8    any  any     any     its own\n"
    "\n"
    "Device  Model      Bridge  Place    Ids                  Class   BARs                                                         Interrupts             Capabilities\n"
    "a       all        pci     00:03.0  1af4:1042 1af4:1100  010802  0: I/O 32, 1: MSI-X table, 2: 64-bit prefetchable 16k, ROM 2k  3 MSI-X, 4 MSI, INTx  MSI-X, MSI, power management, PCI Express, 2 vendor, extended vendor, 0x12\n"
    "b       none       slot1   00.0     0000:0000 0000:0000  000000  -                                                            -                      -\n"
    "slot1   root-port  pci     free     -                    -       -                                                            -                      -\n";
/* clang-format on */

struct text {
    char *text;
    size_t size;
    FILE *out;
};

static FILE *open_text(struct text *text)
{
    text->out = open_memstream(&text->text, &text->size);
    ck_assert_ptr_nonnull(text->out);
    return text->out;
}

/* Blanks that only line columns up count once: what counts is what stands there, and lines_up() sees to the rest. */
static void squeeze(char *text)
{
    char *to = text;

    for (const char *from = text; *from != 0; from++) {
        if (from[0] != ' ' || from[1] != ' ' || (from > text && from[-1] == '\n')) {
            *to++ = *from;
        }
    }
    *to = 0;
}

START_TEST(dts)
{
    struct text text;

    describe_dts(open_text(&text), bridges, 3, NULL, NULL, 0);
    fclose(text.out);
    ck_assert_str_eq(text.text, expected_dts);
    free(text.text);
}
END_TEST

/* Two SPIs for two bridges: pcie1, the second of them, begins with the second. */
START_TEST(dts_arm)
{
    const struct bridge_interrupts interrupts = {.lines = {40, 2}, .messages = {60, 10}, .frame = 0x10a000000};
    const struct describe_grant grant[] = {{"pcie1", 0x1008}, {"ports", 0x18}, {"pcie1", 0x1011}};
    struct bridge_host_config arm[3];
    struct text text;

    memcpy(arm, bridges, sizeof(arm));
    for (unsigned i = 0; i < 3; i++) {
        bridge_give_lines(&arm[i], &interrupts.lines, i, 2);
    }
    arm[2].lines = BRIDGE_LINES_NONE;
    describe_dts(open_text(&text), arm, 3, &interrupts, grant, 3);
    fclose(text.out);
    ck_assert_str_eq(text.text, expected_arm);
    free(text.text);
}
END_TEST

/* Every line of a table has its cells where the heading has its own. */
static void lines_up(const char *text, const char *heading)
{
    size_t column = (size_t)(strstr(text, heading) - text);

    for (const char *line = text; *line != 0 && *line != '\n'; line += strcspn(line, "\n") + 1) {
        ck_assert_uint_gt(strcspn(line, "\n"), column);
        ck_assert_int_eq(line[column - 1], ' ');
        ck_assert_int_ne(line[column], ' ');
    }
}

static void expect_human(const struct text *text, const char *expected)
{
    char *wanted = strdup(expected);

    squeeze(text->text);
    squeeze(wanted);
    ck_assert_str_eq(text->text, wanted);
    free(wanted);
}

START_TEST(human_bridges)
{
    static const char *const heading[] = {"Segment", "Buses", "Configuration", "I/O", "Memory", "64-bit", "Lines"};
    struct text text;

    describe_human(open_text(&text), bridges, 3, NULL, 0);
    fclose(text.out);
    for (size_t i = 0; i < sizeof(heading) / sizeof(heading[0]); i++) {
        lines_up(text.text, heading[i]);
    }
    expect_human(&text, expected_bridges);
    free(text.text);
}
END_TEST

START_TEST(human_devices)
{
    static const char *const heading[] = {"Model", "Bridge", "Place",      "Ids",
                                          "Class", "BARs",   "Interrupts", "Capabilities"};
    static const struct ioreqd_capability capability[] = {
        {.id = 9, .length = 16},
        {.id = 9, .length = 20},
        {.id = 0xb, .length = 20, .flags = IOREQD_CAPABILITY_EXTENDED},
        {.id = 0x12, .length = 20},
    };
    static const struct ioreqd_description all = {
        .vendor = 0x1af4,
        .device = 0x1042,
        .subsystem_vendor = 0x1af4,
        .subsystem = 0x1100,
        .class_code = {1, 8, 2},
        .intx = 1,
        .msix = 3,
        .msix_bar = 1,
        .msi = 4,
        .express = 1,
        .rom_size = 2048,
        .capabilities = 4,
        .capability = capability,
        .bar = {{.kind = IOREQD_BAR_IO, .size = 32}, {0}, {.kind = IOREQD_BAR_MEM64_PREFETCH, .size = 0x4000}},
    };
    static const struct ioreqd_description none = {0};
    const struct describe_device device[] = {{"pci", "00:03.0", "all", "a", &all},
                                             {"slot1", "00.0", "none", "b", &none},
                                             {"pci", NULL, "root-port", "slot1", NULL}};
    struct text text;

    describe_human(open_text(&text), bridges, 1, device, 3);
    fclose(text.out);
    for (size_t i = 0; i < sizeof(heading) / sizeof(heading[0]); i++) {
        lines_up(strstr(text.text, "Device "), heading[i]);
    }
    expect_human(&text, expected_devices);
    free(text.text);
}
END_TEST

/* What is too long for a cell is cut, and no more. */
START_TEST(human_long)
{
    char name[1000];
    struct describe_device device = {.bridge = "pci", .model = name, .id = "x"};
    struct text text;

    memset(name, 'm', sizeof(name) - 1);
    name[sizeof(name) - 1] = 0;
    describe_human(open_text(&text), bridges, 1, &device, 1);
    fclose(text.out);
    ck_assert_ptr_nonnull(strstr(text.text, "mmmm  pci"));
    ck_assert_uint_lt(text.size, 1000);
    free(text.text);
}
END_TEST

TCase *describe_text_tests(void)
{
    TCase *tests = tcase_create("text");

    tcase_add_test(tests, dts);
    tcase_add_test(tests, dts_arm);
    tcase_add_test(tests, human_bridges);
    tcase_add_test(tests, human_devices);
    tcase_add_test(tests, human_long);
    return tests;
}
