/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The configuration file: a table of files with what they mean, one with the messages for each way to get one wrong, and
 * that a file says the same as the command line for every key there is. Files are written into a folder of their own, as
 * "f".
 */
#include "config/config_file.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/bridge_option.h"
#include "config/ini.h"
#include "config/property.h"
#include "config/setting.h"
#include "tests/config/describe.h"

#define MAX_ARGUMENTS 9
#define CHECK         "mode 1 "
#define RUN           "mode 0 "

static char folder[64];
static char origin[1024];

static void setup(void)
{
    snprintf(folder, sizeof(folder), "/tmp/ioreqd-config-XXXXXX");
    ck_assert_ptr_nonnull(getcwd(origin, sizeof(origin)));
    ck_assert_ptr_nonnull(mkdtemp(folder));
    ck_assert_int_eq(chdir(folder), 0);
}

static void teardown(void)
{
    unlink("f");
    rmdir("f");
    ck_assert_int_eq(chdir(origin), 0);
    rmdir(folder);
}

static void write_file(const char *text, size_t size)
{
    FILE *out = fopen("f", "w");

    ck_assert_ptr_nonnull(out);
    ck_assert_uint_eq(fwrite(text, 1, size, out), size);
    ck_assert_int_eq(fclose(out), 0);
}

/* Arguments up to the first NULL. */
static int load(const char *const argument[MAX_ARGUMENTS], struct config *config, struct config_faults *faults)
{
    char *argv[MAX_ARGUMENTS + 1] = {(char *)(uintptr_t) "ioreqd"};
    int argc = 1;

    while (argc <= MAX_ARGUMENTS && argument[argc - 1] != NULL) {
        argv[argc] = (char *)(uintptr_t)argument[argc - 1];
        argc++;
    }
    return config_load(argc, argv, NULL, config, faults);
}

static const char *join(const struct config_faults *faults, char *text, size_t size)
{
    text[0] = '\0';
    for (size_t i = 0; i < faults->count; i++) {
        size_t used = strlen(text);

        snprintf(text + used, size - used, "%s\n", faults->fault[i].text);
    }
    return text;
}

/* ---- what files mean ---- */

#define FILE_ARGUMENTS "--check", "--machine", "x86", "--config", "f"

static const struct {
    const char *file;
    const char *argument[MAX_ARGUMENTS];
    const char *meaning;
} good[] = {
    {"[device]\nmodel=edu", {FILE_ARGUMENTS}, CHECK "domain - log 2 | edu id edu0"},
    {"[guest]\ndomain = g\n[device]\nmodel=edu\n", {"--config=f"}, RUN "domain g log 2 | edu id edu0"},
    {"[guest]\ndomain=5\n[device d]\nmodel = edu\n", {"--config", "f"}, RUN "domain 5 (5) log 2 | edu id d"},
    {"[guest]\ndomain=5\n[device d]\nmodel = edu\n",
     {"--config", "f", "--domain", "5"},
     RUN "domain 5 (5) log 2 | edu id d"},
    {"[device d]\nmodel = edu\n", {"--config", "f", "--domain", "g"}, RUN "domain g log 2 | edu id d"},
    {"\n \t\n# x\n;[y]\n \t# z\n\t[ device \t d ] \n \tmodel \t = \t edu \t\n",
     {FILE_ARGUMENTS},
     CHECK "domain - log 2 | edu id d"},
    {"\xef\xbb\xbf[device d]\r\nmodel=edu\r\na=1\r\n", {FILE_ARGUMENTS}, CHECK "domain - log 2 | edu id d [a=1]"},
    /* a value is all of the rest of a line */
    {"[device d]\na = x,y,,z = [b] # c ; d \\ \"e\"\nmodel=edu\n",
     {FILE_ARGUMENTS},
     CHECK "domain - log 2 | edu id d [a=x,y,,z = [b] # c ; d \\ \"e\"]"},
    {"[device d]\nmodel=edu\nf=\xc3\xa4 \xff\n", {FILE_ARGUMENTS}, CHECK "domain - log 2 | edu id d [f=\xc3\xa4 \xff]"},
    {"[device]\nid=d\nmodel=edu\n", {FILE_ARGUMENTS}, CHECK "domain - log 2 | edu id d"},
    {"[device d]\nb=2\naddr=10\na=1\nmodel=./my.so\ngroup=0\n",
     {FILE_ARGUMENTS},
     CHECK "domain - log 2 | ./my.so id d addr 0x80 [b=2] [a=1]"},
    {"[guest]\npidfile=p\n[device d]\nmodel=edu\n[guest]\nforeground=on\nmodule-dir=m\nrecord=r\nlog-level=debug\n",
     {FILE_ARGUMENTS},
     CHECK "domain - log 3 foreground pidfile p modules m record r | edu id d"},
    {"[guest]\nforeground=off\n[device d]\nmodel=edu\n", {FILE_ARGUMENTS}, CHECK "domain - log 2 | edu id d"},
    {"[device d]\nmodel=edu\nbridge=slot\n[device slot]\nslot=7\nmodel=root-port\n[device]\nmodel=edu\n",
     {FILE_ARGUMENTS},
     CHECK "domain - log 2 | edu id d bridge slot addr 0 | root-port id slot slot 7 [slot=7] | edu id edu0"},
    {"[bridge b]\necam=0xfb000000\nmemory=0xfa000000+16M\nbuses=00-0f\n[device d]\nmodel=edu\nbridge=b\n",
     {FILE_ARGUMENTS},
     CHECK "domain - log 2 | edu id d bridge b | bridge b 1:00-0f ecam 0xfb000000 lines 0 memory "
           "1:0xfa000000+0x1000000@0xfa000000"},
    {"[guest]\nlog-level=info\n", {"--describe", "human", "--config", "f"}, "mode 6 domain - log 2 describe 2"},

    /* the command line on top of it */
    {"[guest]\nlog-level=debug\npidfile=p\n[device d]\nmodel=edu\n",
     {FILE_ARGUMENTS, "--log-level=error", "--pidfile=q"},
     CHECK "domain - log 0 pidfile q | edu id d"},
    {"[device a]\nmodel=edu\nx=1\ny=2\n[device b]\nmodel=edu\n",
     {FILE_ARGUMENTS, "--device=rng", "--device=blk,id=a,z=3"},
     CHECK "domain - log 2 | blk id a [z=3] | edu id b | rng id rng0"},
    {"[device]\nmodel=edu\n", {FILE_ARGUMENTS, "--device=edu"}, CHECK "domain - log 2 | edu id edu0 | edu id edu1"},
    {"[bridge b]\necam=0xe0000000\nmemory=0xd0000000+16M\n[device d]\nmodel=edu\n",
     {FILE_ARGUMENTS, "--bridge=b,ecam=0xfb000000,memory=0xfa000000+16M"},
     CHECK
     "domain - log 2 | edu id d | bridge b 1:00-00 ecam 0xfb000000 lines 0 memory 1:0xfa000000+0x1000000@0xfa000000"},

    /* help is there whatever the file says */
    {"nonsense", {"--config", "f", "--help"}, "mode 5 domain - log 2"},
    {"nonsense", {"--config", "f", "--device", "help"}, "mode 2 domain - log 2"},
};

START_TEST(test_good)
{
    struct config_faults faults;
    struct config config;
    char text[1024], messages[4096];

    write_file(good[_i].file, strlen(good[_i].file));
    ck_assert_msg(load(good[_i].argument, &config, &faults) == 0, "refused: %s",
                  join(&faults, messages, sizeof(messages)));
    ck_assert_str_eq(describe_config(&config, text, sizeof(text)), good[_i].meaning);
    config_free(&config);
}
END_TEST

/* ---- what is said of mistakes ---- */

#define ID_64       "0123456789012345678901234567890123456789012345678901234567890123"
#define NO_TEXT     "this is no text: give a configuration file, see ioreqd.conf(5)\n"
#define BRIDGE_KEYS "The keys are segment, buses, ecam, memory, memory64, io, intx\n"

static const struct {
    const char *file;
    const char *argument[MAX_ARGUMENTS];
    const char *text;
} bad[] = {
    /* form */
    {"x = y\nz = a\n", {FILE_ARGUMENTS}, "f:1: x: a key stands before the first section: begin one, as [guest]\n"},
    {"[guest\nx = y\n", {FILE_ARGUMENTS}, "f:1: [guest: the ] is missing: end the section's name with one\n"},
    {"[guest] # x\n",
     {FILE_ARGUMENTS},
     "f:1: [guest] # x: something follows the ]: give the section a line of its own, and comments too\n"},
    {"[guest]\nnonsense\n= x\n",
     {FILE_ARGUMENTS},
     "f:2: nonsense: a value is missing: give KEY = VALUE; a comment begins with # or ;\n"
     "f:3: = x: a key is missing before the =: give KEY = VALUE\n"},
    {"[guest]\na,b = c\n", {FILE_ARGUMENTS}, "f:2: a,b: a key has letters, digits, - and _ only\n"},
    {"[guest]\n\x7f\nx\n", {FILE_ARGUMENTS}, "f:2: byte 0x7f: " NO_TEXT},
    {"[guest]\na\rb\r\n", {FILE_ARGUMENTS}, "f:2: byte 0x0d: " NO_TEXT},
    {"\xff\xfe[",
     {FILE_ARGUMENTS},
     "f:1: \xff\xfe[: a value is missing: give KEY = VALUE; a comment begins with # or ;\n"},
    {"",
     {FILE_ARGUMENTS},
     "--config f: there is no device: add a section [device ID] with model=MODEL, or give --device\n"},

    /* sections */
    {"[devcie x]\na=b\n[]\n[something else]\n",
     {FILE_ARGUMENTS},
     "f:1: [devcie]: unknown section: is device meant?\n"
     "f:3: []: unknown section: there are [guest], [bridge NAME] and [device ID]\n"
     "f:4: [something]: unknown section: there are [guest], [bridge NAME] and [device ID]\n"},
    {"[guest g]\nx=y\n",
     {FILE_ARGUMENTS},
     "f:1: [guest g]: the section has no name: give [guest], and domain = in it\n"},
    {"[bridge]\nx=y\n[bridge pci]\n[bridge a b]\n",
     {FILE_ARGUMENTS},
     "f:1: [bridge]: the name is missing: give one, as [bridge pcie1]\n"
     "f:3: [bridge pci]: every guest has bridge pci already, as it is: give the new one another name\n"
     "f:4: [bridge a b]: a name has letters, digits, - and _ only: give one, as pcie1\n"},

    /* [guest] */
    {"[guest]\ndomian=x\nzzzzzzzz=1\ncheck=on\ndevice=edu\n",
     {FILE_ARGUMENTS},
     "f:2: domian: unknown key of [guest]: is domain meant?\n"
     "f:3: zzzzzzzz: unknown key of [guest]: see ioreqd.conf(5)\n"
     "f:4: check: no key of [guest]: give --check on the command line\n"
     "f:5: device: no key of [guest]: give --device on the command line, or a section of its own\n"},
    {"[guest]\npidfile=\nforeground=\nforeground=yes\nlog-level=x\nlog-level=info\n[guest]\nlog-level=info\ndomain="
     "99999\n",
     {FILE_ARGUMENTS},
     "f:2: pidfile: the value is empty: give FILE, or leave the key out\n"
     "f:3: foreground: the value is empty: give on or off, or leave the key out\n"
     "f:4: foreground=yes: give on or off\n"
     "f:5: log-level=x: not a level: give error, warning, info or debug\n"
     "f:6: log-level: the key is given twice, first in line 5: give it once\n"
     "f:8: log-level: the key is given twice, first in line 5: give it once\n"
     "f:9: domain=99999: out of range: a domain's id is from 0 to 32751, see `xl list`\n"},
    {"[guest]\nlog-level=x\n",
     {FILE_ARGUMENTS, "--log-level=info"},
     "f:2: log-level=x: not a level: give error, warning, info or debug\n"},
    {"[guest]\ndomain=a\n[device]\nmodel=edu\n",
     {FILE_ARGUMENTS, "--domain=b"},
     "f:2: domain=a: the command line has --domain b: give both the same, or leave one out\n"},
    {"[device]\nmodel=edu\n",
     {"--config=f"},
     "--config f: the domain is missing: give domain=ID|NAME in its section [guest], or --domain\n"},

    /* [bridge] */
    {"[bridge b]\necam=0\nemac=1\nbuses=\nbuses=00-0f\nbuses=00-0f\n",
     {FILE_ARGUMENTS},
     "f:2: ecam=0: not an address: give that of its configuration space in the guest's memory, a multiple of 1 MiB, as "
     "0xe0000000\n"
     "f:3: emac=1: unknown key: is ecam meant? " BRIDGE_KEYS
     "f:4: buses=: the value is empty: give one, or leave the key out\n"
     "f:6: buses=00-0f: the key is given twice: give it once\n"},
    {"[device]\nmodel=edu\n[bridge b]\necam=0xfb000000\n",
     {FILE_ARGUMENTS},
     "f:3: [bridge b]: memory is missing: add memory=ADDRESS+SIZE: where the guest can place the registers of "
     "devices\n"},

    /* [device] */
    {"[device d]\nfile=x\n",
     {FILE_ARGUMENTS},
     "f:1: [device d]: model is missing: add model=MODEL: `ioreqd --device help` lists the models\n"},
    {"[device]\n[device]\nmodel=a b\n",
     {FILE_ARGUMENTS},
     "f:1: [device]: model is missing: add model=MODEL: `ioreqd --device help` lists the models\n"
     "f:3: model=a b: not a model's name, which has letters, digits and -: see --device help for the models, or give "
     "the path of a module with a / in it\n"},
    {"[device a b]\nmodel=edu\nmodel=edu\n[device " ID_64 "]\nmodel=edu\nx=\n[device c]\nid=d\nmodel=edu\n",
     {FILE_ARGUMENTS},
     "f:1: id=a b: an id has letters, digits, - and _ only: give one, as id=disk0\n"
     "f:3: model=edu: the key is given twice: give it once\n"
     "f:4: id=" ID_64 ": an id has at most 63 characters: give a shorter one\n"
     "f:6: x=: the value is empty: give one, or leave the key out\n"
     "f:8: id=d: the key is given twice: give it once\n"},
    {"[device d]\nmodel=edu\naddr=20\ngroup=1\n",
     {FILE_ARGUMENTS},
     "f:3: addr=20: device 20 is out of range: give [BUS:]DEV[.FN] in hexadecimal, DEV from 0 to 1f\n"
     "f:4: group=1: there is no such isolation group: give group=0, the only one, or leave it out\n"},
    {"[device d]\nmodel=root-port\nslot=0\n",
     {FILE_ARGUMENTS},
     "f:3: slot=0: 0 is out of range: give a number, 1 to 8191\n"},
    {"[device d]\nmodel=root-port\nfile=x\n",
     {FILE_ARGUMENTS},
     "f:3: file=x: unknown key: the keys are slot, id, addr, bridge, group\n"},
    /* between devices */
    {"[device d]\nmodel=edu\n[device e]\nmodel=edu\n[device d]\nmodel=edu\n",
     {FILE_ARGUMENTS},
     "f:5: id=d: another device has this id: give each its own\n"},
    {"[device d]\nmodel=edu\n[device]\nmodel=edu\naddr=3\n[device]\nmodel=edu\n\naddr=3.0\n",
     {FILE_ARGUMENTS},
     "f:9: addr=03.0: edu1 cannot be there on bridge pci, edu0 is already: give another addr, or leave it out\n"},
    {"[device d]\nmodel=edu\nbridge=pic\n",
     {FILE_ARGUMENTS},
     "f:3: bridge=pic: there is no such host bridge or root port: is pci meant?\n"},
    {"[device d]\nmodel=edu\naddr=3\n",
     {FILE_ARGUMENTS, "--device=edu,addr=3"},
     "--device edu,addr=03.0: edu0 cannot be there on bridge pci, d is already: give another addr, or leave it out\n"},
};

START_TEST(test_bad)
{
    struct config_faults faults;
    struct config config;
    char text[4096];

    write_file(bad[_i].file, strlen(bad[_i].file));
    ck_assert_int_eq(load(bad[_i].argument, &config, &faults), -1);
    ck_assert_str_eq(join(&faults, text, sizeof(text)), bad[_i].text);
    for (size_t i = 0; i < faults.count; i++) {
        ck_assert_int_eq(faults.fault[i].exit_status, EXIT_STATUS_CONFIGURATION);
    }
    ck_assert(!faults.more);
    ck_assert_ptr_null(config.file);
}
END_TEST

static const char *const file_arguments[MAX_ARGUMENTS] = {FILE_ARGUMENTS};

static void expect_faults(const char *text)
{
    struct config_faults faults;
    struct config config;
    char messages[4096];

    ck_assert_int_eq(load(file_arguments, &config, &faults), -1);
    ck_assert_str_eq(join(&faults, messages, sizeof(messages)), text);
}

START_TEST(test_no_text)
{
    static const char with_zero[] = "[device d]\nmodel=edu\0x\n";

    write_file(with_zero, sizeof(with_zero) - 1);
    expect_faults("f:2: byte 0x00: " NO_TEXT);
}
END_TEST

START_TEST(test_no_file)
{
    expect_faults("--config f: cannot be read: No such file or directory: give the path of a configuration file\n");
    ck_assert_int_eq(mkdir("f", 0700), 0);
    expect_faults("--config f: cannot be read: Is a directory: give the path of a configuration file\n");
}
END_TEST

START_TEST(test_no_permission)
{
    struct config_faults faults;
    struct config config;

    write_file("", 0);
    ck_assert_int_eq(chmod("f", 0), 0);
    if (access("f", R_OK) != 0) { /* root may read everything */
        ck_assert_int_eq(load(file_arguments, &config, &faults), -1);
        ck_assert_int_eq(faults.fault[0].exit_status, EXIT_STATUS_REFUSED);
    }
}
END_TEST

/* A line as long as it may be, and one that is longer by one; a file of 1 MiB, and one that is larger by one. */
START_TEST(test_long)
{
    const size_t size = (1 << 20) + 1;
    struct config_faults faults;
    struct config config;
    char *text = malloc(size);

    ck_assert_ptr_nonnull(text);
    memset(text, 'x', size);
    memcpy(text, "[device]\nmodel=edu\nf=", 21);
    write_file(text, 19 + INI_LONGEST_LINE);
    ck_assert_int_eq(load(file_arguments, &config, &faults), 0);
    ck_assert_uint_eq(strlen(config.device[0].pair[0].value), INI_LONGEST_LINE - 2);
    config_free(&config);
    write_file(text, 19 + INI_LONGEST_LINE + 1);
    expect_faults(
        "f:3: f=xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...: the line is too long: a line "
        "has at most 8191 bytes\n");
    memset(text + 19, '\n', size - 19);
    write_file(text, size - 1);
    ck_assert_int_eq(load(file_arguments, &config, &faults), 0);
    config_free(&config);
    write_file(text, size);
    expect_faults("--config f: it has more than 1 MiB: give the path of a configuration file\n");
    free(text);
}
END_TEST

START_TEST(test_many)
{
    struct config_faults faults;
    struct config config;
    char text[1024] = "[guest]\n";

    for (unsigned i = 0; i < CONFIG_FAULTS; i++) {
        strcat(text, "nonsense\n");
    }
    write_file(text, strlen(text));
    ck_assert_int_eq(load(file_arguments, &config, &faults), -1);
    ck_assert_uint_eq(faults.count, CONFIG_FAULTS);
    ck_assert(!faults.more);
    strcat(text, "nonsense\n");
    write_file(text, strlen(text));
    ck_assert_int_eq(load(file_arguments, &config, &faults), -1);
    ck_assert_uint_eq(faults.count, CONFIG_FAULTS);
    ck_assert(faults.more);
}
END_TEST

/* ---- what is found wrong later ---- */

START_TEST(test_later)
{
    static const struct ioreqd_property properties[] = {
        {.name = "number", .help = "", .fallback = "1", .kind = IOREQD_PROPERTY_U32, .minimum = 1, .maximum = 2},
        {.name = NULL},
    };
    static const struct ioreqd_model model = {.name = "edu", .state_size = 4, .property = properties};
    static const char file[] =
        "[guest]\npidfile = p\n[device d]\nmodel = edu\nid2 = x\n[device]\nmodel=edu\n\nnumber = 3\n";
    struct config_faults faults;
    struct config_error error;
    struct config config;
    uint32_t state;

    write_file(file, strlen(file));
    ck_assert_int_eq(load(file_arguments, &config, &faults), 0);
    ck_assert_int_eq(property_parse(&model, &config.device[0], &state, NULL, &error), -1);
    ck_assert_str_eq(error.text, "f:5: id2=x: unknown key: is id meant? The keys are number, id, addr, bridge, group");
    ck_assert_int_eq(property_parse(&model, &config.device[1], &state, NULL, &error), -1);
    ck_assert_str_eq(error.text, "f:9: number=3: 3 is out of range: give a number, 1 to 2");
    config_error_device(&error, &config.device[0], "number", "1", "bad");
    ck_assert_str_eq(error.text, "f:3: [device d]: number=1: bad");
    config_error_device(&error, &config.device[1], NULL, NULL, "bad");
    ck_assert_str_eq(error.text, "f:6: [device edu0]: bad");
    config_error_option(&error, "--device", "edu", "no such thing");
    config_error_move_device(&error, &config.device[1], "model", "edu");
    ck_assert_str_eq(error.text, "f:7: model=edu: no such thing");
    config_error_setting(&error, &config, "pidfile", config.pidfile, "bad");
    ck_assert_str_eq(error.text, "f:2: pidfile=p: bad");
    config_error_setting(&error, &config, "record", "r", "bad");
    ck_assert_str_eq(error.text, "--record r: bad");
    config_free(&config);
}
END_TEST

/* ---- both ways in are one ---- */

/* Values that are right for one key or another, and wrong for others. */
static const char *const values[] = {
    "on",  "off", "guest", "5", "99999", "info", "0xfb000000", "0xfb000000+16M", "00-0f", "1", "memory:0x1000+4k",
    "x y", "a,b"};

/* What came of it: the configuration, or the reason without its place. Both are freed. */
static const char *outcome(int result, struct config *config, const struct config_faults *faults, char *text,
                           size_t size)
{
    if (result != 0) {
        ck_assert_uint_eq(faults->count, 1);
        ck_assert_uint_ne(faults->fault[0].reason, 0);
        snprintf(text, size, "%s", faults->fault[0].text + faults->fault[0].reason);
        return text;
    }
    describe_config(config, text, size);
    config_free(config);
    return text;
}

static void compare(const char *file, const char *const argument[MAX_ARGUMENTS])
{
    /* Of whatever machine the build is for, as the command line is. */
    static const char *const reads_file[MAX_ARGUMENTS] = {"--check", "--config", "f"};
    struct config_faults faults;
    struct config config;
    char by_file[2048], by_line[2048];
    int result;

    write_file(file, strlen(file));
    result = load(reads_file, &config, &faults);
    outcome(result, &config, &faults, by_file, sizeof(by_file));
    result = load(argument, &config, &faults);
    outcome(result, &config, &faults, by_line, sizeof(by_line));
    ck_assert_str_eq(by_file, by_line);
}

START_TEST(test_same_options)
{
    const struct config_option *option;
    unsigned compared = 0;

    for (size_t i = 0; (option = config_option_at(i)) != NULL; i++) {
        if (!config_option_in_file(option)) {
            continue;
        }
        for (size_t j = 0; option->value != NULL && j < sizeof(values) / sizeof(values[0]); j++) {
            const char *const argument[MAX_ARGUMENTS] = {"--check", "--device=edu", option->name, values[j]};
            char file[256];

            snprintf(file, sizeof(file), "[guest]\n%s = %s\n[device]\nmodel = edu\n", option->name + 2, values[j]);
            compare(file, argument);
            compared++;
        }
        if (option->value == NULL) {
            const char *const argument[MAX_ARGUMENTS] = {"--check", "--device=edu", option->name};
            char file[256];

            snprintf(file, sizeof(file), "[guest]\n%s = on\n[device]\nmodel = edu\n", option->name + 2);
            compare(file, argument);
            compared++;
        }
    }
    ck_assert_uint_ge(compared, 5 * sizeof(values) / sizeof(values[0]));
}
END_TEST

START_TEST(test_same_bridge_keys)
{
    const char *key;

    for (size_t i = 0; (key = config_bridge_key(i)) != NULL; i++) {
        for (size_t j = 0; j < sizeof(values) / sizeof(values[0]); j++) {
            char file[256], option[256];
            const char *const argument[MAX_ARGUMENTS] = {"--check", "--device=edu", "--bridge", option};
            const char *ecam = strcmp(key, "ecam") == 0 ? "" : "ecam=0xe0000000";
            const char *memory = strcmp(key, "memory") == 0 ? "" : "memory=0xd0000000+16M";
            bool comma = strchr(values[j], ',') != NULL;

            snprintf(file, sizeof(file), "[device]\nmodel = edu\n[bridge b]\n%s\n%s\n%s=%s\n", ecam, memory, key,
                     values[j]);
            snprintf(option, sizeof(option), "b,%s%s%s%s%s=%s", ecam, ecam[0] != 0 ? "," : "", memory,
                     memory[0] != 0 ? "," : "", key, comma ? "a,,b" : values[j]);
            compare(file, argument);
        }
    }
}
END_TEST

START_TEST(test_same_common_keys)
{
    for (const struct config_common_key *key = config_common_key; key->name != NULL; key++) {
        for (size_t j = 0; j < sizeof(values) / sizeof(values[0]); j++) {
            char file[256], option[256];
            const char *const argument[MAX_ARGUMENTS] = {"--check", "--device", option};
            bool comma = strchr(values[j], ',') != NULL;

            snprintf(file, sizeof(file), "[device]\nmodel=edu\nk=v,w\n%s = %s\n", key->name, values[j]);
            snprintf(option, sizeof(option), "edu,k=v,,w,%s=%s", key->name, comma ? "a,,b" : values[j]);
            compare(file, argument);
        }
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("config/config_file");
    TCase *tests = tcase_create("config_file");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, 120);
    tcase_add_loop_test(tests, test_good, 0, sizeof(good) / sizeof(good[0]));
    tcase_add_loop_test(tests, test_bad, 0, sizeof(bad) / sizeof(bad[0]));
    tcase_add_test(tests, test_no_text);
    tcase_add_test(tests, test_no_file);
    tcase_add_test(tests, test_no_permission);
    tcase_add_test(tests, test_long);
    tcase_add_test(tests, test_many);
    tcase_add_test(tests, test_later);
    tcase_add_test(tests, test_same_options);
    tcase_add_test(tests, test_same_bridge_keys);
    tcase_add_test(tests, test_same_common_keys);
    suite_add_tcase(suite, tests);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
