/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The AML writer, term by term against the bytes of ACPI 6.4 chapter 20, and resource descriptors against those of 6.4.
 */
#include <stdlib.h>
#include <string.h>

#include "bridge/describe/aml.h"
#include "bridge/describe/resource.h"
#include "tests/bridge/describe_tests.h"

/* The writer has these bytes, and is then empty again. */
#define EXPECT(aml, ...)                                                                                               \
    do {                                                                                                               \
        const uint8_t expected[] = {__VA_ARGS__};                                                                      \
        ck_assert(aml_good(aml));                                                                                      \
        ck_assert_uint_eq((aml)->size, sizeof(expected));                                                              \
        ck_assert_mem_eq((aml)->data, expected, sizeof(expected));                                                     \
        aml_free(aml);                                                                                                 \
    } while (0)

START_TEST(integers)
{
    struct aml aml;

    aml_begin(&aml);
    aml_integer(&aml, 0);
    aml_integer(&aml, 1);
    aml_integer(&aml, 2);
    aml_integer(&aml, 0xff);
    EXPECT(&aml, 0x00, 0x01, 0x0a, 0x02, 0x0a, 0xff);
    aml_integer(&aml, 0x100);
    aml_integer(&aml, 0xffff);
    EXPECT(&aml, 0x0b, 0x00, 0x01, 0x0b, 0xff, 0xff);
    aml_integer(&aml, 0x10000);
    aml_integer(&aml, 0xffffffff);
    EXPECT(&aml, 0x0c, 0, 0, 1, 0, 0x0c, 0xff, 0xff, 0xff, 0xff);
    aml_integer(&aml, 0x100000000);
    EXPECT(&aml, 0x0e, 0, 0, 0, 0, 1, 0, 0, 0);
}
END_TEST

START_TEST(names)
{
    struct aml aml;

    aml_begin(&aml);
    aml_path(&aml, "_SB");
    EXPECT(&aml, '_', 'S', 'B', '_');
    aml_path(&aml, "\\_SB");
    EXPECT(&aml, '\\', '_', 'S', 'B', '_');
    aml_path(&aml, "\\_SB.PCI0");
    EXPECT(&aml, '\\', 0x2e, '_', 'S', 'B', '_', 'P', 'C', 'I', '0');
    aml_path(&aml, "A.B.C");
    EXPECT(&aml, 0x2f, 3, 'A', '_', '_', '_', 'B', '_', '_', '_', 'C', '_', '_', '_');
    aml_name(&aml, "X");
    EXPECT(&aml, 0x08, 'X', '_', '_', '_');
}
END_TEST

START_TEST(texts)
{
    struct aml aml;

    aml_begin(&aml);
    aml_string(&aml, "ab");
    EXPECT(&aml, 0x0d, 'a', 'b', 0);
    aml_eisa_id(&aml, "PNP0A03");
    EXPECT(&aml, 0x0c, 0x41, 0xd0, 0x0a, 0x03);
    aml_eisa_id(&aml, "PNP0C02");
    EXPECT(&aml, 0x0c, 0x41, 0xd0, 0x0c, 0x02);
    aml_unicode(&aml, "a");
    EXPECT(&aml, 0x11, 0x07, 0x0a, 0x04, 'a', 0, 0, 0);
    /* The bytes of 00112233-4455-6677-8899-aabbccddeeff: 19.6.142 */
    aml_uuid(&aml, "00112233-4455-6677-8899-AAbbCCddEEff");
    EXPECT(&aml, 0x11, 0x13, 0x0a, 0x10, 0x33, 0x22, 0x11, 0x00, 0x55, 0x44, 0x77, 0x66, 0x88, 0x99, 0xaa, 0xbb, 0xcc,
           0xdd, 0xee, 0xff);
}
END_TEST

START_TEST(terms)
{
    struct aml aml;

    aml_begin(&aml);
    aml_open_scope(&aml, "\\_SB");
    aml_open_device(&aml, "D");
    aml_close(&aml);
    aml_close(&aml);
    EXPECT(&aml, 0x10, 0x0d, '\\', '_', 'S', 'B', '_', 0x5b, 0x82, 0x05, 'D', '_', '_', '_');
    aml_open_method(&aml, "M", 4);
    aml_open_if(&aml);
    aml_opcode(&aml, AML_ONE);
    aml_close(&aml);
    aml_open_else(&aml);
    aml_close(&aml);
    aml_close(&aml);
    EXPECT(&aml, 0x14, 0x0b, 'M', '_', '_', '_', 0x0c, 0xa0, 0x02, 0x01, 0xa1, 0x01);
    aml_open_package(&aml, 2);
    aml_integer(&aml, 0);
    aml_integer(&aml, 1);
    aml_close(&aml);
    EXPECT(&aml, 0x12, 0x04, 0x02, 0x00, 0x01);
    aml_open_buffer(&aml);
    aml_close(&aml);
    EXPECT(&aml, 0x11, 0x02, 0x00);
}
END_TEST

/* 20.2.4: the length counts itself, and takes the next byte where that no longer fits. */
static const struct {
    size_t content;
    uint8_t bytes[4];
    size_t size;
} length[] = {
    {0, {0x01}, 1},
    {62, {0x3f}, 1},
    {63, {0x41, 0x04}, 2},
    {0xffd, {0x4f, 0xff}, 2},
    {0xffe, {0x81, 0x00, 0x01}, 3},
    {0xffffc, {0x8f, 0xff, 0xff}, 3},
    {0xffffd, {0xc1, 0x00, 0x00, 0x01}, 4},
};

START_TEST(lengths)
{
    static const uint8_t zeros[0x100000];
    struct aml aml;

    aml_begin(&aml);
    aml_u8(&aml, 0xee);
    aml_open_if(&aml);
    aml_bytes(&aml, zeros, length[_i].content);
    aml_close(&aml);
    ck_assert(aml_good(&aml));
    ck_assert_uint_eq(aml.size, 2 + length[_i].size + length[_i].content);
    ck_assert_mem_eq(aml.data + 2, length[_i].bytes, length[_i].size);
    ck_assert_uint_eq(aml.data[0], 0xee);
    aml_free(&aml);
}
END_TEST

/* Mistakes of the caller stop the writer, and nothing else. */
START_TEST(unbalanced)
{
    struct aml aml;

    aml_begin(&aml);
    aml_close(&aml);
    ck_assert(!aml_good(&aml));
    aml_u8(&aml, 1);
    ck_assert_uint_eq(aml.size, 0);
    aml_free(&aml);

    aml_open_if(&aml);
    ck_assert(!aml_good(&aml));
    aml_close(&aml);
    ck_assert(aml_good(&aml));
    aml_free(&aml);

    for (unsigned i = 0; i <= AML_DEPTH; i++) {
        aml_open_if(&aml);
    }
    for (unsigned i = 0; i <= AML_DEPTH; i++) {
        aml_close(&aml);
    }
    ck_assert(!aml_good(&aml));
    aml_free(&aml);
}
END_TEST

START_TEST(resources)
{
    const struct bridge_aperture none = {.space = BRIDGE_MEMORY};
    const struct bridge_aperture low = {BRIDGE_MEMORY, 0xe0000000, 0xe0000000, 0x1000};
    const struct bridge_aperture all_ports = {BRIDGE_PORT, 0, 0, 0x10000};
    struct aml aml;

    aml_begin(&aml);
    resource_buses(&aml, 0x20, 0x2f);
    EXPECT(&aml, 0x88, 0x0d, 0, 2, 0x0c, 0, 0, 0, 0x20, 0, 0x2f, 0, 0, 0, 0x10, 0);
    resource_buses(&aml, 0, 0xff);
    EXPECT(&aml, 0x88, 0x0d, 0, 2, 0x0c, 0, 0, 0, 0, 0, 0xff, 0, 0, 0, 0, 1);
    resource_ports(&aml, 0xcf8, 8);
    EXPECT(&aml, 0x47, 1, 0xf8, 0x0c, 0xf8, 0x0c, 1, 8);
    resource_memory(&aml, 0xfff00000, 0x100000);
    EXPECT(&aml, 0x86, 9, 0, 1, 0, 0, 0xf0, 0xff, 0, 0, 0x10, 0);
    resource_memory(&aml, 0xfff00000, 0x200000);
    EXPECT(&aml, 0x8a, 0x2b, 0, 0, 0x0d, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xf0, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0x0f, 0,
           1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x20, 0, 0, 0, 0, 0);
    resource_memory_aperture(&aml, &none);
    resource_io_aperture(&aml, &none);
    ck_assert_uint_eq(aml.size, 0);
    resource_memory_aperture(&aml, &low);
    EXPECT(&aml, 0x87, 0x17, 0, 0, 0x0c, 1, 0, 0, 0, 0, 0, 0, 0, 0xe0, 0xff, 0x0f, 0, 0xe0, 0, 0, 0, 0, 0, 0x10, 0, 0);
    resource_io_aperture(&aml, &all_ports);
    EXPECT(&aml, 0x87, 0x17, 0, 1, 0x0c, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0);
    resource_open(&aml);
    resource_ports(&aml, 0xcf8, 8);
    resource_close(&aml);
    EXPECT(&aml, 0x11, 0x0d, 0x0a, 0x0a, 0x47, 1, 0xf8, 0x0c, 0xf8, 0x0c, 1, 8, 0x79, 0x2e);
}
END_TEST

TCase *describe_aml_tests(void)
{
    TCase *tests = tcase_create("aml");

    tcase_add_test(tests, integers);
    tcase_add_test(tests, names);
    tcase_add_test(tests, texts);
    tcase_add_test(tests, terms);
    tcase_add_loop_test(tests, lengths, 0, sizeof(length) / sizeof(length[0]));
    tcase_add_test(tests, unbalanced);
    tcase_add_test(tests, resources);
    return tests;
}
