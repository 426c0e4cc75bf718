/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The structure of the ACPI tables: one right behind the other, with the length and checksum that libacpi and guests go
 * by, MCFG byte for byte, and who is in the SSDT. What its terms mean to guests check-description asks iasl and acpiexec.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "bridge/describe/describe.h"
#include "tests/bridge/describe_tests.h"

#define HEADER_SIZE 36u

static const struct bridge_host_config pci = {.name = "pci", .last_bus = 0xff, .configuration_ports = true};
static const struct bridge_host_config a = {
    .name = "a", .segment = 1, .ecam = 0xe0000000, .memory = {BRIDGE_MEMORY, 0xe1000000, 0xe1000000, 0x1000000}};
static const struct bridge_host_config b = {.name = "b",
                                            .segment = 0x102,
                                            .first_bus = 0x20,
                                            .last_bus = 0x2f,
                                            .ecam = 0x4000000000,
                                            .memory = {BRIDGE_MEMORY, 0xe2000000, 0xe2000000, 0x1000000}};

static uint32_t length_of(const uint8_t *table)
{
    return (uint32_t)table[4] | (uint32_t)table[5] << 8 | (uint32_t)table[6] << 16 | (uint32_t)table[7] << 24;
}

/* The table at offset, which has the signature and is good; *offset moves on behind it. */
static const uint8_t *next_table(const struct describe_buffer *tables, size_t *offset, const char *signature)
{
    const uint8_t *table = tables->data + *offset;
    uint8_t sum = 0;

    ck_assert_uint_ge(tables->size - *offset, HEADER_SIZE);
    ck_assert_uint_le(length_of(table), tables->size - *offset);
    ck_assert_mem_eq(table, signature, 4);
    ck_assert_mem_eq(table + 10, "IOREQDBRIDGES \1\0\0\0IORQ\1\0\0\0", 26);
    for (uint32_t i = 0; i < length_of(table); i++) {
        sum = (uint8_t)(sum + table[i]);
    }
    ck_assert_uint_eq(sum, 0);
    *offset += length_of(table);
    return table;
}

static bool has(const uint8_t *table, const char *bytes, size_t size)
{
    return memmem(table, length_of(table), bytes, size) != NULL;
}

START_TEST(nothing)
{
    struct describe_buffer tables = {.data = (uint8_t *)&tables, .size = 1};

    ck_assert_int_eq(describe_acpi(&pci, 1, 0, &tables), 0);
    ck_assert_ptr_null(tables.data);
    ck_assert_uint_eq(tables.size, 0);
    ck_assert_int_eq(describe_acpi(NULL, 0, DESCRIBE_ACPI_PORTS, &tables), 0);
    ck_assert_uint_eq(tables.size, 0);
    describe_free(&tables);
}
END_TEST

/* In an HVM guest the bridge of configuration ports is that of the DSDT. */
START_TEST(two)
{
    const struct bridge_host_config bridge[] = {pci, a, b};
    static const uint8_t mcfg[] = {0, 0, 0, 0,    0,    0, 0, 0, /* reserved */
                                   0, 0, 0, 0xe0, 0,    0, 0, 0, 1, 0, 0,    0,    0, 0, 0, 0,
                                   0, 0, 0, 0xfe, 0x3f, 0, 0, 0, 2, 1, 0x20, 0x2f, 0, 0, 0, 0};
    struct describe_buffer tables;
    const uint8_t *table;
    size_t offset = 0;

    ck_assert_int_eq(describe_acpi(bridge, 3, 0, &tables), 0);
    table = next_table(&tables, &offset, "SSDT");
    ck_assert_uint_eq(table[8], 2);
    ck_assert(has(table, "B001", 4) && has(table, "B002", 4) && !has(table, "B000", 4));
    ck_assert(has(table, "_CBA\x0c\0\0\0\xe0", 9));
    ck_assert(has(table, "_CBA\x0e\0\0\0\xfe\x3f\0\0\0", 13));
    ck_assert(!has(table, "_PRT", 4));
    table = next_table(&tables, &offset, "MCFG");
    ck_assert_uint_eq(table[8], 1);
    ck_assert_uint_eq(length_of(table), HEADER_SIZE + sizeof(mcfg));
    ck_assert_mem_eq(table + HEADER_SIZE, mcfg, sizeof(mcfg));
    ck_assert_uint_eq(offset, tables.size);
    describe_free(&tables);
    ck_assert_ptr_null(tables.data);
}
END_TEST

START_TEST(ports)
{
    struct describe_buffer tables;
    const uint8_t *table;
    size_t offset = 0;

    ck_assert_int_eq(describe_acpi(&pci, 1, DESCRIBE_ACPI_PORTS, &tables), 0);
    table = next_table(&tables, &offset, "SSDT");
    ck_assert(has(table, "_HID\x0c\x41\xd0\x0a\x03", 9));
    ck_assert(!has(table, "_CID", 4) && !has(table, "_CBA", 4) && !has(table, "_OSC", 4) && !has(table, "BECM", 4));
    ck_assert(has(table, "\x47\x01\xf8\x0c\xf8\x0c\x01\x08", 8));
    ck_assert_uint_eq(offset, tables.size); /* no MCFG */
    describe_free(&tables);
}
END_TEST

/* Each pin of each device has a route, to the line that the bridge raises for it. */
START_TEST(routes)
{
    struct bridge_host_config bridge = a;
    struct describe_buffer tables;
    const uint8_t *table, *at;
    size_t offset = 0;

    bridge.lines = BRIDGE_LINES_FOLDED;
    bridge.lines_device = (uint8_t)_i;
    ck_assert_int_eq(describe_acpi(&bridge, 1, 0, &tables), 0);
    table = next_table(&tables, &offset, "SSDT");
    at = memmem(table, length_of(table), "_PRT", 4);
    ck_assert_ptr_nonnull(at);
    at += 4;
    ck_assert_uint_eq(at[0], 0x12); /* a package of 128 packages of 4 */
    ck_assert_uint_eq(at[2 + (at[1] >> 6)], 128);
    at += 3 + (at[1] >> 6);
    for (unsigned device = 0; device < 32; device++) {
        for (unsigned pin = 0; pin < 4; pin++) {
            unsigned line = (device + pin) & 3;
            uint8_t row[20] = {0};
            size_t size = 0;

            row[size++] = 0x12;
            size++; /* the length, when it is known */
            row[size++] = 4;
            row[size++] = device == 0 ? 0x0b : 0x0c;
            row[size++] = 0xff;
            row[size++] = 0xff;
            if (device != 0) {
                row[size++] = (uint8_t)device;
                row[size++] = 0;
            }
            if (pin > 1) {
                row[size++] = 0x0a;
            }
            row[size++] = (uint8_t)pin;
            row[size++] = 0;
            row[size++] = 0x0a;
            row[size++] = (uint8_t)(16 + (((unsigned)_i * 4 + (unsigned)_i / 8 + line) & 31));
            row[1] = (uint8_t)(size - 1);
            ck_assert_mem_eq(at, row, size);
            at += size;
        }
    }
    describe_free(&tables);
}
END_TEST

START_TEST(too_many)
{
    static struct bridge_host_config bridge[0x1001];
    struct describe_buffer tables;

    ck_assert_int_lt(describe_acpi(bridge, 0x1001, 0, &tables), 0);
    ck_assert_ptr_null(tables.data);
}
END_TEST

TCase *describe_acpi_tests(void)
{
    TCase *tests = tcase_create("acpi");

    tcase_add_test(tests, nothing);
    tcase_add_test(tests, two);
    tcase_add_test(tests, ports);
    tcase_add_loop_test(tests, routes, 0, 32);
    tcase_add_test(tests, too_many);
    return tests;
}
