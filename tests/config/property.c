/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Properties into a state: every kind, its bounds, and the message for each value that does not do.
 */
#include "config/property.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/device_option.h"

struct state {
    uint8_t flag;
    uint8_t lock;
    char text[5];
    uint32_t number;
    uint64_t large;
    uint64_t any;
    uint64_t size;
    struct ioreqd_file *file;
    struct ioreqd_file *second;
    struct ioreqd_stream *line;
    struct ioreqd_sockets *sockets;
    uint8_t after;
};

#define AT(member) (uint32_t) offsetof(struct state, member)

static const struct ioreqd_property properties[] = {
    {.name = "file", .help = "f", .kind = IOREQD_PROPERTY_FILE, .offset = AT(file), .read_only_by = "lock"},
    {.name = "second", .help = "f", .kind = IOREQD_PROPERTY_FILE, .offset = AT(second)},
    {.name = "line", .help = "l", .kind = IOREQD_PROPERTY_STREAM, .offset = AT(line)},
    {.name = "sockets", .help = "s", .kind = IOREQD_PROPERTY_SOCKETS, .offset = AT(sockets)},
    {.name = "flag", .help = "f", .fallback = "on", .kind = IOREQD_PROPERTY_BOOL, .offset = AT(flag)},
    {.name = "lock", .help = "f", .kind = IOREQD_PROPERTY_BOOL, .offset = AT(lock)},
    {.name = "text", .help = "t", .kind = IOREQD_PROPERTY_STRING, .offset = AT(text), .minimum = 2, .maximum = 4},
    {.name = "number",
     .help = "n",
     .fallback = "7",
     .kind = IOREQD_PROPERTY_U32,
     .offset = AT(number),
     .minimum = 2,
     .maximum = UINT32_MAX},
    {.name = "large", .help = "n", .kind = IOREQD_PROPERTY_U64, .offset = AT(large), .minimum = 3, .maximum = 1000},
    {.name = "any", .help = "n", .kind = IOREQD_PROPERTY_U64, .offset = AT(any), .maximum = UINT64_MAX},
    {.name = "size",
     .help = "s",
     .kind = IOREQD_PROPERTY_SIZE,
     .offset = AT(size),
     .minimum = 512,
     .maximum = UINT64_C(8) << 40},
    {.name = NULL},
};

static const struct ioreqd_model model = {
    .struct_size = sizeof(model),
    .abi = IOREQD_ABI,
    .name = "m",
    .summary = "a model for tests",
    .state_size = sizeof(struct state),
    .property = properties,
};

/* Stands for the files of the host: remembers what was opened. */
struct opened {
    char log[256];
    struct state *state;
    unsigned count;
    struct file_options options; /* of the last file */
};

static int open_file(void *context, const char *property, const char *path, const struct file_options *options,
                     struct ioreqd_file **file, struct config_error *error)
{
    struct opened *opened = context;
    size_t used = strlen(opened->log);

    if (strcmp(path, "missing") == 0) {
        return config_error_set(error, EXIT_STATUS_REFUSED, "%s: no such file", path);
    }
    snprintf(opened->log + used, sizeof(opened->log) - used, "%s=%s(%s) ", property, path,
             options->read_only ? "r" : "rw");
    opened->options = *options;
    opened->count++;
    *file = (struct ioreqd_file *)(void *)((char *)opened->state + opened->count);
    return 0;
}

static int open_stream(void *context, const char *property, const char *value, struct ioreqd_stream **stream,
                       struct config_error *error)
{
    struct opened *opened = context;
    size_t used = strlen(opened->log);

    if (strcmp(value, "taken") == 0) {
        return config_error_set(error, EXIT_STATUS_CONFIGURATION, "%s: somebody has it", value);
    }
    snprintf(opened->log + used, sizeof(opened->log) - used, "%s=%s ", property, value);
    opened->count++;
    *stream = strcmp(value, "none") == 0 ? NULL : (struct ioreqd_stream *)(void *)((char *)opened->state + 9);
    return 0;
}

static int open_sockets(void *context, const char *property, const char *path, struct ioreqd_sockets **sockets,
                        struct config_error *error)
{
    struct opened *opened = context;
    size_t used = strlen(opened->log);

    if (strcmp(path, "taken") == 0) {
        return config_error_set(error, EXIT_STATUS_CONFIGURATION, "%s: somebody has it", path);
    }
    snprintf(opened->log + used, sizeof(opened->log) - used, "%s=%s ", property, path);
    *sockets = (struct ioreqd_sockets *)(void *)((char *)opened->state + 10);
    return 0;
}

static int open_network(void *context, const char *property, const char *value, struct ioreqd_network **network,
                        struct config_error *error)
{
    struct opened *opened = context;
    size_t used = strlen(opened->log);

    if (strcmp(value, "taken") == 0) {
        return config_error_set(error, EXIT_STATUS_CONFIGURATION, "%s: somebody has it", value);
    }
    snprintf(opened->log + used, sizeof(opened->log) - used, "%s=%s ", property, value);
    opened->count++;
    *network = strcmp(value, "none") == 0 ? NULL : (struct ioreqd_network *)(void *)((char *)opened->state + 10);
    return 0;
}

static int parse_model(const struct ioreqd_model *of, const char *option, struct state *state, struct opened *opened,
                       struct config_error *error)
{
    struct property_opener opener = {.open_file = open_file,
                                     .open_stream = open_stream,
                                     .open_sockets = open_sockets,
                                     .open_network = open_network,
                                     .context = opened};
    struct config_device device;
    bool help;
    int result;

    memset(state, 0, sizeof(*state));
    *opened = (struct opened){.state = state};
    ck_assert_int_eq(config_device_parse(option, &device, &help, error), 0);
    result = property_parse(of, &device, state, &opener, error);
    config_device_free(&device);
    return result;
}

static void parse_good(const char *option, struct state *state, struct opened *opened)
{
    struct config_error error;

    if (parse_model(&model, option, state, opened, &error) < 0) {
        ck_abort_msg("%s", error.text);
    }
}

START_TEST(test_table_is_good)
{
    char reason[256] = "";

    ck_assert_msg(property_check_table(&model, reason, sizeof(reason)) == 0, "%s", reason);
}
END_TEST

START_TEST(test_fallbacks)
{
    struct state state, expected;
    struct opened opened;

    parse_good("m", &state, &opened);
    memset(&expected, 0, sizeof(expected));
    expected.flag = 1;
    expected.number = 7;
    ck_assert_mem_eq(&state, &expected, sizeof(state));
    ck_assert_str_eq(opened.log, "");
}
END_TEST

START_TEST(test_bool)
{
    static const struct {
        const char *text;
        int value;
    } words[] = {{"on", 1}, {"yes", 1}, {"true", 1}, {"off", 0}, {"no", 0}, {"false", 0}};
    struct state state;
    struct opened opened;
    char option[32];

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        snprintf(option, sizeof(option), "m,flag=%s", words[i].text);
        parse_good(option, &state, &opened);
        ck_assert_uint_eq(state.flag, (unsigned)words[i].value);
    }
}
END_TEST

START_TEST(test_numbers)
{
    static const struct {
        const char *option;
        uint64_t value;
        size_t offset;
        size_t size;
    } values[] = {
        {"m,number=2", 2, offsetof(struct state, number), 4},
        {"m,number=4294967295", UINT32_MAX, offsetof(struct state, number), 4},
        {"m,number=0xFf", 255, offsetof(struct state, number), 4},
        {"m,number=010", 10, offsetof(struct state, number), 4},
        {"m,large=3", 3, offsetof(struct state, large), 8},
        {"m,large=1000", 1000, offsetof(struct state, large), 8},
        {"m,any=0", 0, offsetof(struct state, any), 8},
        {"m,any=18446744073709551615", UINT64_MAX, offsetof(struct state, any), 8},
        {"m,any=0Xffffffffffffffff", UINT64_MAX, offsetof(struct state, any), 8},
        {"m,size=512", 512, offsetof(struct state, size), 8},
        {"m,size=1k", UINT64_C(1) << 10, offsetof(struct state, size), 8},
        {"m,size=3K", UINT64_C(3) << 10, offsetof(struct state, size), 8},
        {"m,size=2M", UINT64_C(2) << 20, offsetof(struct state, size), 8},
        {"m,size=2m", UINT64_C(2) << 20, offsetof(struct state, size), 8},
        {"m,size=1G", UINT64_C(1) << 30, offsetof(struct state, size), 8},
        {"m,size=0x1g", UINT64_C(1) << 30, offsetof(struct state, size), 8},
        {"m,size=8T", UINT64_C(8) << 40, offsetof(struct state, size), 8},
        {"m,size=8t", UINT64_C(8) << 40, offsetof(struct state, size), 8},
    };
    struct state state;
    struct opened opened;

    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        uint64_t value = 0;

        parse_good(values[i].option, &state, &opened);
        /* The first bytes are the number's low ones on every CPU that Xen runs on. */
        memcpy(&value, (const char *)&state + values[i].offset, values[i].size);
        ck_assert_msg(value == values[i].value, "%s gives %ju", values[i].option, (uintmax_t)value);
    }
}
END_TEST

START_TEST(test_string)
{
    struct state state;
    struct opened opened;

    parse_good("m,text=ab,number=0x01020304", &state, &opened);
    ck_assert_str_eq(state.text, "ab");
    parse_good("m,text=a,,=d,number=4294967295", &state, &opened);
    ck_assert_str_eq(state.text, "a,=d");
    ck_assert_uint_eq(state.number, UINT32_MAX);
}
END_TEST

/* The table has file before lock, and the user may give them in any order. */
START_TEST(test_files)
{
    struct state state;
    struct opened opened;

    parse_good("m,file=/a,,b", &state, &opened);
    ck_assert_str_eq(opened.log, "file=/a,b(rw) ");
    ck_assert_ptr_eq(state.file, (char *)&state + 1);
    ck_assert_ptr_null(state.second);

    parse_good("m,file=/a,lock=on", &state, &opened);
    ck_assert_str_eq(opened.log, "file=/a(r) ");
    parse_good("m,lock=off,file=/a", &state, &opened);
    ck_assert_str_eq(opened.log, "file=/a(rw) ");

    parse_good("m,second=/b,lock=on,file=/a", &state, &opened);
    ck_assert_str_eq(opened.log, "file=/a(r) second=/b(rw) ");
    ck_assert_ptr_eq(state.file, (char *)&state + 1);
    ck_assert_ptr_eq(state.second, (char *)&state + 2);
    ck_assert_uint_eq(state.after, 0);
}
END_TEST

/* The host's own keys reach whoever opens the file, and the model knows nothing of them. */
START_TEST(test_file_options)
{
    struct state state;
    struct opened opened;

    parse_good("m,file=/a", &state, &opened);
    ck_assert_uint_eq(opened.options.cache, FILE_CACHE_WRITEBACK);
    ck_assert_uint_eq(opened.options.on_write_error, FILE_ON_ERROR_REPORT);
    ck_assert_uint_eq(opened.options.iops | opened.options.bps, 0);
    parse_good("m,cache=none,file=/a,lock=on,rerror=stop,iops=200,bps=3M,bps-burst=64k", &state, &opened);
    ck_assert(opened.options.read_only);
    ck_assert_uint_eq(opened.options.cache, FILE_CACHE_NONE);
    ck_assert_uint_eq(opened.options.on_write_error, FILE_ON_ERROR_REPORT);
    ck_assert_uint_eq(opened.options.on_read_error, FILE_ON_ERROR_STOP);
    ck_assert_uint_eq(opened.options.iops, 200);
    ck_assert_uint_eq(opened.options.iops_burst, 0);
    ck_assert_uint_eq(opened.options.bps, 3 << 20);
    ck_assert_uint_eq(opened.options.bps_burst, 64 << 10);
    parse_good("m,cache=unsafe,file=/a,werror=stop,iops=1,iops-burst=9,rerror=report", &state, &opened);
    ck_assert_uint_eq(opened.options.cache, FILE_CACHE_UNSAFE);
    ck_assert_uint_eq(opened.options.on_write_error, FILE_ON_ERROR_STOP);
    ck_assert_uint_eq(opened.options.iops_burst, 9);
}
END_TEST

START_TEST(test_file_errors)
{
    struct config_error error;
    struct opened opened;
    struct state state;

    ck_assert_int_eq(parse_model(&model, "m,file=/a,second=missing", &state, &opened, &error), -1);
    ck_assert_str_eq(error.text, "missing: no such file");
    ck_assert_int_eq(error.exit_status, EXIT_STATUS_REFUSED);

    /* Nothing is opened when another value is wrong, wherever it stands. */
    ck_assert_int_eq(parse_model(&model, "m,file=/a,size=1", &state, &opened, &error), -1);
    ck_assert_uint_eq(opened.count, 0);
}
END_TEST

START_TEST(test_streams)
{
    struct config_error error;
    struct opened opened;
    struct state state;

    parse_good("m,line=unix:/a,,b,file=/a", &state, &opened);
    ck_assert_str_eq(opened.log, "file=/a(rw) line=unix:/a,b ");
    ck_assert_ptr_eq(state.line, (char *)&state + 9);
    parse_good("m,line=none", &state, &opened);
    ck_assert_ptr_null(state.line);
    parse_good("m", &state, &opened);
    ck_assert_str_eq(opened.log, "");
    ck_assert_ptr_null(state.line);
    ck_assert_int_eq(parse_model(&model, "m,line=taken", &state, &opened, &error), -1);
    ck_assert_str_eq(error.text, "taken: somebody has it");
    ck_assert_int_eq(parse_model(&model, "m,line=pty,number=1", &state, &opened, &error), -1);
    ck_assert_uint_eq(opened.count, 0);
}
END_TEST

START_TEST(test_sockets)
{
    static const struct property_opener nothing;
    struct config_device device;
    struct config_error error;
    struct opened opened;
    struct state state;
    bool help;

    parse_good("m,sockets=/run/a,,b,file=/a", &state, &opened);
    ck_assert_str_eq(opened.log, "file=/a(rw) sockets=/run/a,b ");
    ck_assert_ptr_eq(state.sockets, (char *)&state + 10);
    parse_good("m", &state, &opened);
    ck_assert_str_eq(opened.log, "");
    ck_assert_ptr_null(state.sockets);
    ck_assert_int_eq(parse_model(&model, "m,sockets=taken", &state, &opened, &error), -1);
    ck_assert_str_eq(error.text, "taken: somebody has it");
    /* In a replay there are neither streams nor sockets. */
    ck_assert_int_eq(config_device_parse("m,sockets=/run/a,line=pty", &device, &help, &error), 0);
    ck_assert_int_eq(property_parse(&model, &device, &state, &nothing, &error), 0);
    ck_assert_ptr_null(state.sockets);
    ck_assert_ptr_null(state.line);
    config_device_free(&device);
}
END_TEST

static const struct ioreqd_property network_properties[] = {
    {.name = "net", .help = "n", .fallback = "tap:a", .kind = IOREQD_PROPERTY_NETWORK, .offset = AT(file)},
    {.name = "line", .help = "l", .fallback = "pty", .kind = IOREQD_PROPERTY_STREAM, .offset = AT(line)},
    {.name = NULL},
};

START_TEST(test_networks)
{
    struct ioreqd_model card = model;
    struct config_error error;
    struct opened opened;
    struct state state;

    card.property = network_properties;
    ck_assert_int_eq(parse_model(&card, "m,net=passt:/a,,b,line=none", &state, &opened, &error), 0);
    ck_assert_str_eq(opened.log, "net=passt:/a,b line=none ");
    ck_assert_ptr_eq(state.file, (char *)&state + 10);
    ck_assert_int_eq(parse_model(&card, "m,net=none", &state, &opened, &error), 0);
    ck_assert_ptr_null(state.file);
    ck_assert_int_eq(parse_model(&card, "m", &state, &opened, &error), 0);
    ck_assert_str_eq(opened.log, "net=tap:a line=pty ");
    ck_assert_int_eq(parse_model(&card, "m,net=taken", &state, &opened, &error), -1);
    ck_assert_str_eq(error.text, "taken: somebody has it");
}
END_TEST

/* As a replay has it: there are no streams and networks then, whatever is said of them. */
START_TEST(test_nobody_opens)
{
    struct property_opener opener = {.open_file = open_file};
    struct ioreqd_model card = model;
    struct config_device device;
    struct config_error error;
    struct state state = {0};
    bool help;

    card.property = network_properties;
    ck_assert_int_eq(config_device_parse("m,net=tap:b", &device, &help, &error), 0);
    ck_assert_int_eq(property_parse(&card, &device, &state, &opener, &error), 0);
    ck_assert_ptr_null(state.file);
    ck_assert_ptr_null(state.line);
    config_device_free(&device);
}
END_TEST

#define NUMBER_REMEDY "give a number, "
#define SIZE_REMEDY   "give a number of bytes, or one with k, M, G or T, 512 to 8T"
#define KEYS                                                                                                           \
    "file, second, line, sockets, flag, lock, text, number, large, any, size, cache, werror, rerror, iops, "           \
    "iops-burst, bps, bps-burst, id, addr, bridge, group"

static const struct {
    const char *option;
    const char *text;
} bad[] = {
    {"m,flag=1", "--device m,flag=1: neither on nor off: give on or off"},
    {"m,flag=ON", "--device m,flag=ON: neither on nor off: give on or off"},
    {"m,number=1", "--device m,number=1: 1 is out of range: " NUMBER_REMEDY "2 to 4294967295"},
    {"m,number=4294967296",
     "--device m,number=4294967296: 4294967296 is out of range: " NUMBER_REMEDY "2 to 4294967295"},
    {"m,number=-3", "--device m,number=-3: -3 is not a number: " NUMBER_REMEDY "2 to 4294967295"},
    {"m,number=+3", "--device m,number=+3: +3 is not a number: " NUMBER_REMEDY "2 to 4294967295"},
    {"m,number= 3", "--device m,number= 3:  3 is not a number: " NUMBER_REMEDY "2 to 4294967295"},
    {"m,number=3k", "--device m,number=3k: 3k is not a number: " NUMBER_REMEDY "2 to 4294967295"},
    {"m,number=0x", "--device m,number=0x: 0x is not a number: " NUMBER_REMEDY "2 to 4294967295"},
    {"m,number=a", "--device m,number=a: a is not a number: " NUMBER_REMEDY "2 to 4294967295"},
    {"m,large=2", "--device m,large=2: 2 is out of range: " NUMBER_REMEDY "3 to 1000"},
    {"m,large=1001", "--device m,large=1001: 1001 is out of range: " NUMBER_REMEDY "3 to 1000"},
    {"m,any=18446744073709551616",
     "--device m,any=18446744073709551616: 18446744073709551616 is out of range: " NUMBER_REMEDY "0 or more"},
    {"m,any=99999999999999999999999x",
     "--device m,any=99999999999999999999999x: 99999999999999999999999x is not a number: " NUMBER_REMEDY "0 or more"},
    {"m,size=511", "--device m,size=511: 511 is out of range: " SIZE_REMEDY},
    {"m,size=8193G", "--device m,size=8193G: 8193G is out of range: " SIZE_REMEDY},
    {"m,size=18446744073709551615T",
     "--device m,size=18446744073709551615T: 18446744073709551615T is out of range: " SIZE_REMEDY},
    {"m,size=16777216T", "--device m,size=16777216T: 16777216T is out of range: " SIZE_REMEDY},
    {"m,size=1kB", "--device m,size=1kB: 1kB is not a size: " SIZE_REMEDY},
    {"m,size=1P", "--device m,size=1P: 1P is not a size: " SIZE_REMEDY},
    {"m,size=k", "--device m,size=k: k is not a size: " SIZE_REMEDY},
    {"m,text=a", "--device m,text=a: the text has 1 bytes: give 2 to 4 bytes"},
    {"m,text=abcde", "--device m,text=abcde: the text has 5 bytes: give 2 to 4 bytes"},
    {"m,fiel=x", "--device m,fiel=x: unknown key: is file meant? The keys are " KEYS},
    {"m,adr=1", "--device m,adr=1: unknown key: is addr meant? The keys are " KEYS},
    {"m,cash=none", "--device m,cash=none: unknown key: is cache meant? The keys are " KEYS},
    {"m,xyzzyx=none", "--device m,xyzzyx=none: unknown key: the keys are " KEYS},
    {"m,cache=directsync", "--device m,cache=directsync: no way to use a file: give writeback, none or unsafe"},
    {"m,file=/a,cache=directsync", "--device m,cache=directsync: no way to use a file: give writeback, none or unsafe"},
    {"m,werror=enospc", "--device m,werror=enospc: nothing to do about an error: give report or stop"},
    {"m,rerror=ignore", "--device m,rerror=ignore: nothing to do about an error: give report or stop"},
    {"m,iops=0", "--device m,iops=0: 0 is out of range: " NUMBER_REMEDY "1 or more"},
    {"m,iops=1k", "--device m,iops=1k: 1k is not a number: " NUMBER_REMEDY "1 or more"},
    {"m,bps=fast",
     "--device m,bps=fast: fast is not a size: give a number of bytes, or one with k, M, G or T, 1 or more"},
    {"m,bps-burst=1M", "--device m,bps-burst=1M: there is no limit to go beyond: give bps too"},
    {"m,bps=1M,iops-burst=1", "--device m,iops-burst=1: there is no limit to go beyond: give iops too"},
};

START_TEST(test_bad)
{
    struct config_error error;
    struct opened opened;
    struct state state;

    ck_assert_int_eq(parse_model(&model, bad[_i].option, &state, &opened, &error), -1);
    ck_assert_str_eq(error.text, bad[_i].text);
    ck_assert_int_eq(error.exit_status, EXIT_STATUS_CONFIGURATION);
}
END_TEST

START_TEST(test_required)
{
    static const struct ioreqd_property required[] = {
        {.name = "file",
         .help = "the image",
         .kind = IOREQD_PROPERTY_FILE,
         .flags = IOREQD_PROPERTY_REQUIRED,
         .offset = AT(file)},
        {.name = NULL},
    };
    struct ioreqd_model with_required = model;
    struct config_error error;
    struct opened opened;
    struct state state;

    with_required.property = required;
    ck_assert_int_eq(parse_model(&with_required, "m", &state, &opened, &error), -1);
    ck_assert_str_eq(error.text, "--device m: file is missing: add file=VALUE: the image");
    ck_assert_int_eq(error.exit_status, EXIT_STATUS_CONFIGURATION);
    ck_assert_int_eq(parse_model(&with_required, "m,file=/a", &state, &opened, &error), 0);
    ck_assert_str_eq(opened.log, "file=/a(rw) ");
}
END_TEST

START_TEST(test_no_properties)
{
    struct ioreqd_model without = model;
    struct config_error error;
    struct opened opened;
    struct state state;

    without.property = NULL;
    ck_assert_int_eq(parse_model(&without, "m,id=x,addr=1", &state, &opened, &error), 0);
    ck_assert_int_eq(parse_model(&without, "m,file=x", &state, &opened, &error), -1);
    ck_assert_str_eq(error.text, "--device m,file=x: unknown key: the keys are id, addr, bridge, group");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("config/property");
    TCase *tests = tcase_create("property");
    SRunner *runner;
    int failed;

    tcase_add_test(tests, test_table_is_good);
    tcase_add_test(tests, test_fallbacks);
    tcase_add_test(tests, test_bool);
    tcase_add_test(tests, test_numbers);
    tcase_add_test(tests, test_string);
    tcase_add_test(tests, test_files);
    tcase_add_test(tests, test_file_options);
    tcase_add_test(tests, test_file_errors);
    tcase_add_test(tests, test_streams);
    tcase_add_test(tests, test_sockets);
    tcase_add_test(tests, test_networks);
    tcase_add_test(tests, test_nobody_opens);
    tcase_add_loop_test(tests, test_bad, 0, sizeof(bad) / sizeof(bad[0]));
    tcase_add_test(tests, test_required);
    tcase_add_test(tests, test_no_properties);
    suite_add_tcase(suite, tests);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
