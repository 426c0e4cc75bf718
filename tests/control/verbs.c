/* SPDX-License-Identifier: BSD-2-Clause */
/* Verbs of a model: each kind of value, as a program and as a person gives it, at the ends of its range and beyond. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tests/control/served.h"

struct state {
    uint64_t unused;
};

static struct ioreqd_value seen[5];
static char seen_text[16];
static unsigned runs;

static int create(struct ioreqd_device *device, void *state, struct ioreqd_description *description)
{
    (void)device;
    (void)state;
    (void)description;
    return 0;
}

static uint64_t read_register(struct ioreqd_device *device, void *state, unsigned bar, uint64_t offset, unsigned size)
{
    (void)device;
    (void)state;
    (void)bar;
    (void)offset;
    (void)size;
    return 0;
}

static void write_register(struct ioreqd_device *device, void *state, unsigned bar, uint64_t offset, unsigned size,
                           uint64_t value)
{
    (void)value;
    (void)read_register(device, state, bar, offset, size);
}

static int run_all(struct ioreqd_device *device, void *state, const struct ioreqd_value *value, char *reason,
                   size_t size)
{
    (void)device;
    (void)state;
    (void)reason;
    (void)size;
    memcpy(seen, value, sizeof(seen));
    snprintf(seen_text, sizeof(seen_text), "%s", value[4].given != 0 ? value[4].text : "-");
    runs++;
    return 0;
}

static int run_wrong(struct ioreqd_device *device, void *state, const struct ioreqd_value *value, char *reason,
                     size_t size)
{
    (void)device;
    (void)state;
    if (value[0].given != 0) {
        snprintf(reason, size, "because of %s", value[0].text);
    }
    return -ENXIO;
}

static const struct ioreqd_parameter all[] = {
    {.name = "flag", .help = "a flag", .kind = IOREQD_PROPERTY_BOOL},
    {.name = "small", .help = "a number", .kind = IOREQD_PROPERTY_U32, .minimum = 2, .maximum = 9},
    {.name = "large", .help = "a number", .kind = IOREQD_PROPERTY_U64},
    {.name = "size", .help = "bytes", .kind = IOREQD_PROPERTY_SIZE},
    {.name = "text", .help = "a text", .kind = IOREQD_PROPERTY_STRING, .maximum = 5},
    {.name = NULL},
};

static const struct ioreqd_parameter why[] = {
    {.name = "why", .help = "the reason", .kind = IOREQD_PROPERTY_STRING},
    {.name = NULL},
};

static const struct ioreqd_parameter needed[] = {
    {.name = "must", .help = "a number", .kind = IOREQD_PROPERTY_U32, .flags = IOREQD_PARAMETER_REQUIRED},
    {.name = NULL},
};

static const struct ioreqd_verb verbs[] = {
    {.name = "all", .help = "takes all kinds", .parameter = all, .run = run_all},
    {.name = "wrong", .help = "never works", .parameter = why, .run = run_wrong},
    {.name = "need", .help = "needs a number", .parameter = needed, .run = run_wrong},
    {.name = NULL},
};

static const struct ioreqd_description description = {
    .struct_size = sizeof(description),
    .vendor = 0x1234,
    .device = 1,
    .class_code = {0xff},
    .bar = {{.kind = IOREQD_BAR_MEM32, .min_access = 4, .max_access = 4, .size = 4096}},
};

static const struct ioreqd_model model = {
    .struct_size = sizeof(model),
    .abi = IOREQD_ABI,
    .name = "verbs",
    .summary = "a model with verbs",
    .state_size = sizeof(struct state),
    .description = &description,
    .create = create,
    .read = read_register,
    .write = write_register,
    .verb = verbs,
};

static struct peer peer;

static void open_model(void)
{
    const struct stack_options options = {.model = &model};

    ck_assert_msg(stack_open(&stack, &options) && stack_serve(&stack), "%s", stack.error);
    served_make_sockets();
    stack_start_thread(&stack);
    peer_open(&peer, control_path);
    runs = 0;
}

static void close_model(void)
{
    peer_close(&peer);
    stack_end(&stack);
    control_close(control);
    served_remove_folder();
    ck_assert_uint_eq(stack_close(&stack), 0);
}

#define RUN(verb, values) "{\"device\":\"disk0\",\"verb\":\"" verb "\",\"values\":{" values "}}"

START_TEST(values_as_programs_give_them)
{
    json_object_put(peer_result(&peer, "verb",
                                RUN("all", "\"flag\":true,\"small\":9,\"large\":18446744073709551615,\"size\":0,"
                                           "\"text\":\"five.\"")));
    ck_assert_uint_eq(seen[0].number, 1);
    ck_assert_uint_eq(seen[1].number, 9);
    ck_assert_uint_eq(seen[2].number, UINT64_MAX);
    ck_assert_uint_eq(seen[3].given, 1);
    ck_assert_uint_eq(seen[3].number, 0);
    ck_assert_str_eq(seen_text, "five.");
    json_object_put(peer_result(&peer, "verb", "{\"device\":\"disk0\",\"verb\":\"all\"}"));
    for (unsigned i = 0; i < 5; i++) {
        ck_assert_uint_eq(seen[i].given, 0);
        ck_assert_uint_eq(seen[i].number, 0);
    }
    ck_assert_uint_eq(runs, 2);
}
END_TEST

START_TEST(values_as_people_type_them)
{
    json_object_put(peer_result(&peer, "verb",
                                RUN("all", "\"flag\":\"on\",\"small\":\"0x2\",\"large\":\"18446744073709551615\","
                                           "\"size\":\"16777215T\",\"text\":\"\"")));
    ck_assert_uint_eq(seen[0].number, 1);
    ck_assert_uint_eq(seen[1].number, 2);
    ck_assert_uint_eq(seen[2].number, UINT64_MAX);
    ck_assert_uint_eq(seen[3].number, UINT64_C(16777215) << 40);
    ck_assert_str_eq(seen_text, "");
}
END_TEST

static const struct {
    const char *values, *reason;
} bad[] = {
    {RUN("all", "\"flag\":1"), "flag=1: give on or off"},
    {RUN("all", "\"flag\":\"yes\""), "flag=yes: give on or off"},
    {RUN("all", "\"small\":1"), "small=1: give a number from 2 to 9"},
    {RUN("all", "\"small\":10"), "small=10"},
    {RUN("all", "\"small\":-3"), "small=-3"},
    {RUN("all", "\"small\":\"-3\""), "small=-3"},
    {RUN("all", "\"small\":\" 3\""), "small= 3"},
    {RUN("all", "\"small\":\"3x\""), "small=3x"},
    {RUN("all", "\"small\":\"\""), "small="},
    {RUN("all", "\"small\":3.0"), "small=3.0"},
    {RUN("all", "\"large\":\"18446744073709551616\""), "large="},
    {RUN("all", "\"large\":\"1k\""), "large=1k"},
    {RUN("all", "\"size\":\"16777216T\""), "size=16777216T"},
    {RUN("all", "\"size\":\"1kk\""), "size=1kk"},
    {RUN("all", "\"text\":\"sixsix\""), "text=sixsix"},
    {RUN("all", "\"text\":\"a\\u0000b\""), "text="},
    {RUN("all", "\"text\":5"), "text=5"},
    {RUN("all", "\"other\":5"), "no such parameter"},
    {RUN("need", ""), "must is missing: give a number from 0"},
    {"{\"device\":\"disk0\",\"verb\":\"all\",\"values\":[]}", "not of type object"},
};

START_TEST(values_that_are_refused)
{
    peer_refused(&peer, "verb", bad[_i].values, -32602, bad[_i].reason);
    ck_assert_uint_eq(runs, 0);
}
END_TEST

START_TEST(what_goes_wrong_is_told)
{
    peer_refused(&peer, "verb", RUN("wrong", ""), -32003, "wrong disk0: No such device or address");
    peer_refused(&peer, "verb", RUN("wrong", "\"why\":\"weather\""), -32003, "because of weather");
    peer_refused(&peer, "verb", RUN("none", ""), -32002, "disk0 has no verb \"none\"");
    peer_refused(&peer, "verb", "{\"device\":\"x\",\"verb\":\"all\"}", -32002, "no device \"x\"");
}
END_TEST

TCase *verb_tests(void)
{
    TCase *group = tcase_create("verbs");

    tcase_add_checked_fixture(group, open_model, close_model);
    tcase_add_test(group, values_as_programs_give_them);
    tcase_add_test(group, values_as_people_type_them);
    tcase_add_loop_test(group, values_that_are_refused, 0, sizeof(bad) / sizeof(bad[0]));
    tcase_add_test(group, what_goes_wrong_is_told);
    return group;
}
