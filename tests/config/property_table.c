/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The check of a property table: every way in which a module's table can be wrong, with the reason told.
 */
#include "config/property.h"

#include <check.h>
#include <stdlib.h>

#define U32(label, place)                                                                                              \
    {                                                                                                                  \
        .name = label, .help = "h", .kind = IOREQD_PROPERTY_U32, .offset = place, .maximum = 9                         \
    }
#define BOOL(label, place)                                                                                             \
    {                                                                                                                  \
        .name = label, .help = "h", .kind = IOREQD_PROPERTY_BOOL, .offset = place                                      \
    }

#define STATE_SIZE 64

static const struct {
    struct ioreqd_property property[3];
    const char *reason; /* NULL: the table is good */
} tables[] = {
    {{{.name = NULL}}, NULL},
    {{U32("a", 0), BOOL("b", 4)}, NULL},
    {{BOOL("a", 63), U32("b-_9", 59)}, NULL},

    {{U32("", 0)}, "property : a name has letters, digits, - and _ only"},
    {{U32("a=b", 0)}, "property a=b: a name has letters, digits, - and _ only"},
    {{U32("help", 0)}, "property help: the name is taken: --device MODEL,help lists the keys"},
    {{U32("model", 0)}, "property model: the name is taken: in a configuration file it is the device's model"},
    {{U32("id", 0)}, "property id: the name is taken: it is a key of every device"},
    {{U32("addr", 0)}, "property addr: the name is taken: it is a key of every device"},
    {{U32("bridge", 0)}, "property bridge: the name is taken: it is a key of every device"},
    {{U32("group", 0)}, "property group: the name is taken: it is a key of every device"},
    {{U32("cache", 0)}, NULL},
    {{U32("cache", 0), {.name = "file", .help = "h", .kind = IOREQD_PROPERTY_FILE, .offset = 8}},
     "property cache: the name is taken: it is a key of every device with a file"},
    {{U32("a", 0), U32("a", 4)}, "property a: the name is there twice"},

    {{{.name = "a", .kind = IOREQD_PROPERTY_BOOL}}, "property a: its help is missing"},
    {{{.name = "a", .help = "h", .kind = 0}}, "property a: its kind 0 is unknown"},
    {{{.name = "a", .help = "h", .kind = 10}}, "property a: its kind 10 is unknown"},
    {{{.name = "a", .help = "h", .kind = 1, .flags = 2}}, "property a: its flags 0x2 are unknown"},
    {{{.name = "a", .help = "h", .kind = 1, .reserved = {0, 0, 1}}}, "property a: a reserved member is not 0"},
    {{{.name = "a", .help = "h", .kind = 1, .reserved2 = 1}}, "property a: a reserved member is not 0"},

    {{{.name = "a", .help = "h", .kind = IOREQD_PROPERTY_U64}}, "property a: the maximum is 0: nothing could be given"},
    {{{.name = "a", .help = "h", .kind = IOREQD_PROPERTY_STRING}},
     "property a: the maximum is 0: nothing could be given"},
    {{{.name = "a", .help = "h", .kind = IOREQD_PROPERTY_SIZE, .minimum = 2, .maximum = 1}},
     "property a: the minimum is above the maximum"},
    {{{.name = "a", .help = "h", .kind = IOREQD_PROPERTY_U32, .maximum = UINT64_C(1) << 32}},
     "property a: the maximum does not fit in 32 bits"},

    {{U32("a", 60)}, NULL},
    {{U32("a", 61)}, "property a: it lies outside the state of 64 bytes"},
    {{U32("a", UINT32_MAX)}, "property a: it lies outside the state of 64 bytes"},
    {{BOOL("a", 64)}, "property a: it lies outside the state of 64 bytes"},
    {{{.name = "a", .help = "h", .kind = IOREQD_PROPERTY_FILE, .offset = 57}},
     "property a: it lies outside the state of 64 bytes"},
    {{{.name = "a", .help = "h", .kind = IOREQD_PROPERTY_STREAM, .offset = 56, .fallback = "pty"}}, NULL},
    {{{.name = "a", .help = "h", .kind = IOREQD_PROPERTY_STREAM, .offset = 57}},
     "property a: it lies outside the state of 64 bytes"},
    {{{.name = "a", .help = "h", .kind = IOREQD_PROPERTY_STREAM, .offset = 8}, U32("b", 12)},
     "property b: it overlaps a in the state"},
    {{{.name = "a", .help = "h", .kind = IOREQD_PROPERTY_SOCKETS, .offset = 56}}, NULL},
    {{{.name = "a", .help = "h", .kind = IOREQD_PROPERTY_SOCKETS, .offset = 57}},
     "property a: it lies outside the state of 64 bytes"},
    {{{.name = "a", .help = "h", .kind = IOREQD_PROPERTY_NETWORK, .offset = 56, .fallback = "none"}}, NULL},
    {{{.name = "a", .help = "h", .kind = IOREQD_PROPERTY_NETWORK, .offset = 57}},
     "property a: it lies outside the state of 64 bytes"},
    {{{.name = "a", .help = "h", .kind = IOREQD_PROPERTY_STRING, .maximum = 63}}, NULL},
    {{{.name = "a", .help = "h", .kind = IOREQD_PROPERTY_STRING, .maximum = 63, .offset = 1}},
     "property a: it lies outside the state of 64 bytes"},
    {{{.name = "a", .help = "h", .kind = IOREQD_PROPERTY_STRING, .maximum = 64}},
     "property a: it lies outside the state of 64 bytes"},
    {{{.name = "a", .help = "h", .kind = IOREQD_PROPERTY_STRING, .maximum = UINT64_MAX}},
     "property a: it lies outside the state of 64 bytes"},
    {{U32("a", 0), U32("b", 3)}, "property b: it overlaps a in the state"},
    {{U32("a", 4), BOOL("b", 4)}, "property b: it overlaps a in the state"},

    {{BOOL("b", 0), {.name = "f", .help = "h", .kind = IOREQD_PROPERTY_FILE, .offset = 8, .read_only_by = "b"}}, NULL},
    {{{.name = "f", .help = "h", .kind = IOREQD_PROPERTY_FILE, .offset = 8, .read_only_by = "b"}, BOOL("b", 0)}, NULL},
    {{{.name = "f", .help = "h", .kind = IOREQD_PROPERTY_FILE, .offset = 8, .read_only_by = "b"}, U32("b", 0)},
     "property f: read_only_by names b, which is no BOOL property"},
    {{{.name = "f", .help = "h", .kind = IOREQD_PROPERTY_FILE, .offset = 8, .read_only_by = "x"}, BOOL("b", 0)},
     "property f: read_only_by names x, which is no BOOL property"},
    {{BOOL("b", 0), {.name = "c", .help = "h", .kind = IOREQD_PROPERTY_BOOL, .offset = 1, .read_only_by = "b"}},
     "property c: read_only_by is for files only"},
    {{BOOL("b", 0), {.name = "c", .help = "h", .kind = IOREQD_PROPERTY_STREAM, .offset = 8, .read_only_by = "b"}},
     "property c: read_only_by is for files only"},

    {{{.name = "a", .help = "h", .kind = 2, .maximum = 9, .fallback = "9"}}, NULL},
    {{{.name = "a", .help = "h", .kind = 2, .maximum = 9, .fallback = "10"}},
     "property a: its fallback 10: 10 is out of range: give a number, 0 to 9"},
    {{{.name = "a", .help = "h", .kind = 1, .flags = IOREQD_PROPERTY_REQUIRED, .fallback = "on"}},
     "property a: it is required, so its fallback could never be used"},
};

START_TEST(test_table)
{
    struct ioreqd_model model = {.name = "m", .state_size = STATE_SIZE, .property = tables[_i].property};
    char reason[256] = "good";
    int result = property_check_table(&model, reason, sizeof(reason));

    ck_assert_str_eq(reason, tables[_i].reason != NULL ? tables[_i].reason : "good");
    ck_assert_int_eq(result, tables[_i].reason != NULL ? -1 : 0);
}
END_TEST

START_TEST(test_no_table)
{
    struct ioreqd_model model = {.name = "m"};
    char reason[8] = "";

    ck_assert_int_eq(property_check_table(&model, reason, sizeof(reason)), 0);
}
END_TEST

/* The caller's buffer may be small. */
START_TEST(test_short_reason)
{
    static const struct ioreqd_property table[] = {BOOL("id", 0), {.name = NULL}};
    struct ioreqd_model model = {.name = "m", .state_size = STATE_SIZE, .property = table};
    char reason[9];

    ck_assert_int_eq(property_check_table(&model, reason, sizeof(reason)), -1);
    ck_assert_str_eq(reason, "property");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("config/property_table");
    TCase *tests = tcase_create("property_table");
    SRunner *runner;
    int failed;

    tcase_add_loop_test(tests, test_table, 0, sizeof(tables) / sizeof(tables[0]));
    tcase_add_test(tests, test_no_table);
    tcase_add_test(tests, test_short_reason);
    suite_add_tcase(suite, tests);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
