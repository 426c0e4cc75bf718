/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The command line: a table of lines with what they mean, and one with the message for each way to get one wrong.
 */
#include "config/config.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/config/describe.h"

#define MAX_ARGUMENTS 16

/* Arguments after the program's name, up to the first NULL. */
struct line {
    const char *argument[MAX_ARGUMENTS];
};

static int parse(const struct line *line, struct config *config, struct config_error *error)
{
    char *argv[MAX_ARGUMENTS + 1] = {(char *)"ioreqd"};
    int argc = 1;
    int result;

    /* Copies of their exact size: a read behind an argument's end is then seen by the sanitizer. */
    while (argc <= MAX_ARGUMENTS && line->argument[argc - 1] != NULL) {
        argv[argc] = strdup(line->argument[argc - 1]);
        argc++;
    }
    result = config_from_arguments(argc, argv, config, error);
    for (int i = 1; i < argc; i++) {
        free(argv[i]);
    }
    return result;
}

static void parse_good(const struct line *line, struct config *config)
{
    struct config_error error;

    if (parse(line, config, &error) < 0) {
        ck_abort_msg("refused: %s", error.text);
    }
}

#define RUN     "mode 0 "
#define CHECK   "mode 1 "
#define LIST    "mode 2 "
#define MODEL   "mode 3 "
#define VERSION "mode 4 "
#define HELP    "mode 5 "
#define SHOW    "mode 6 "

static const struct {
    struct line line;
    const char *meaning;
} good[] = {
    {{{"--domain", "5", "--device", "edu"}}, RUN "domain 5 (5) log 2 | edu id edu0"},
    {{{"--domain=guest", "--device=edu"}}, RUN "domain guest log 2 | edu id edu0"},
    {{{"--device", "edu", "--domain", "0"}}, RUN "domain 0 (0) log 2 | edu id edu0"},
    {{{"--domain", "32751", "--device", "edu"}}, RUN "domain 32751 (32751) log 2 | edu id edu0"},
    {{{"--domain", "5a", "--device", "edu"}}, RUN "domain 5a log 2 | edu id edu0"},
    {{{"--domain=--odd", "--device", "edu"}}, RUN "domain --odd log 2 | edu id edu0"},
    {{{"--domain", "a=b", "--device", "edu"}}, RUN "domain a=b log 2 | edu id edu0"},
    {{{"--domain", "g", "--device", "edu", "--foreground", "--pidfile", "/run/x", "--module-dir", "m"}},
     RUN "domain g log 2 foreground pidfile /run/x modules m | edu id edu0"},
    {{{"--domain", "g", "--device", "edu", "--log", "syslog"}}, RUN "domain g log 2 to syslog | edu id edu0"},
    {{{"--domain", "g", "--device", "edu", "--log", "./g.log"}}, RUN "domain g log 2 to ./g.log | edu id edu0"},
    {{{"--domain", "g", "--device", "edu", "--control-socket", "/run/c", "--monitor-socket=none"}},
     RUN "domain g log 2 control /run/c monitor none | edu id edu0"},
    {{{"--domain", "g", "--device", "edu", "--log-level", "error"}}, RUN "domain g log 0 | edu id edu0"},
    {{{"--domain", "g", "--device", "edu", "--log-level", "warning"}}, RUN "domain g log 1 | edu id edu0"},
    {{{"--domain", "g", "--device", "edu", "--log-level", "info"}}, RUN "domain g log 2 | edu id edu0"},
    {{{"--domain", "g", "--device", "edu", "--log-level", "debug"}}, RUN "domain g log 3 | edu id edu0"},
    {{{"--check", "--device", "edu"}}, CHECK "domain - log 2 | edu id edu0"},
    {{{"--check", "--device", "edu", "--domain", "g"}}, CHECK "domain g log 2 | edu id edu0"},

    /* help in all its forms needs neither domain nor device */
    {{{"--help"}}, HELP "domain - log 2"},
    {{{"--version"}}, VERSION "domain - log 2"},
    {{{"--domain", "g", "--help", "--nonsense"}}, HELP "domain g log 2"},
    {{{"--device", "edu,id=a", "--device", "edu,id=a", "--help"}}, HELP "domain - log 2 | edu id a | edu id a"},
    {{{"--device", "help"}}, LIST "domain - log 2"},
    {{{"--device", "help", "--module-dir", "m", "--check"}}, LIST "domain - log 2 modules m"},
    {{{"--device", "edu,help"}}, MODEL "domain - log 2 help edu | edu id -"},
    {{{"--device", "edu,a=b,help"}}, MODEL "domain - log 2 help edu | edu id - [a=b]"},
    {{{"--check", "--device", "edu,help", "--device", "help"}}, MODEL "domain - log 2 help edu | edu id -"},
    {{{"--device", "help", "--device", "edu,help"}}, LIST "domain - log 2 | edu id -"},
    {{{"--device", "./my.so,help"}}, MODEL "domain - log 2 help ./my.so | ./my.so id -"},

    /* keys of devices */
    {{{"--check", "--device", "edu,b=2,a=1"}}, CHECK "domain - log 2 | edu id edu0 [b=2] [a=1]"},
    {{{"--check", "--device", "edu,file=a,,b,,,x==y"}}, CHECK "domain - log 2 | edu id edu0 [file=a,b,] [x==y]"},
    {{{"--check", "--device", "edu,file=,,"}}, CHECK "domain - log 2 | edu id edu0 [file=,]"},
    {{{"--check", "--device", "edu,bridge=pci,group=0"}}, CHECK "domain - log 2 | edu id edu0"},
    {{{"--check", "--device", "edu,addr=0"}}, CHECK "domain - log 2 | edu id edu0 addr 0"},
    {{{"--check", "--device", "edu,addr=10"}}, CHECK "domain - log 2 | edu id edu0 addr 0x80"},
    {{{"--check", "--device", "edu,addr=1F.7,k=v"}}, CHECK "domain - log 2 | edu id edu0 addr 0xff [k=v]"},
    {{{"--check", "--device", "edu,addr=00:1f.0"}}, CHECK "domain - log 2 | edu id edu0 addr 0xf8"},
    {{{"--check", "--device", "edu,addr=0:3"}}, CHECK "domain - log 2 | edu id edu0 addr 0x18"},
    {{{"--check", "--device", "edu,addr=3", "--device", "edu,addr=3.1"}},
     CHECK "domain - log 2 | edu id edu0 addr 0x18 | edu id edu1 addr 0x19"},

    {{{"--domain", "g", "--device", "edu", "--record", "r"}}, RUN "domain g log 2 record r | edu id edu0"},

    /* descriptions, which need no device */
    {{{"--describe", "acpi"}}, SHOW "domain - log 2 describe 0"},
    {{{"--describe=dts", "--check"}}, SHOW "domain - log 2 describe 1"},
    {{{"--check", "--describe", "human", "--device", "edu"}}, SHOW "domain - log 2 describe 2 | edu id edu0"},
    {{{"--describe", "human", "--device", "edu,help"}}, MODEL "domain - log 2 help edu describe 2 | edu id -"},

    /* root ports */
    {{{"--check", "--device", "root-port,id=slot1,addr=1c", "--device", "edu,bridge=slot1"}},
     CHECK "domain - log 2 | root-port id slot1 addr 0xe0 slot 1 | edu id edu0 bridge slot1 addr 0"},
    {{{"--check", "--device", "edu,bridge=p,addr=0.1", "--device", "edu,bridge=p", "--device",
       "root-port,id=p,slot=7"}},
     CHECK "domain - log 2 | edu id edu0 bridge p addr 0x1 | edu id edu1 bridge p addr 0 | root-port id p slot 7 "
           "[slot=7]"},
    {{{"--check", "--device", "root-port", "--device", "root-port,slot=1", "--device", "root-port"}},
     CHECK "domain - log 2 | root-port id root-port0 slot 2 | root-port id root-port1 slot 1 [slot=1] | root-port id "
           "root-port2 slot 3"},
    {{{"--device", "root-port,help"}}, MODEL "domain - log 2 help root-port | root-port id - slot 0"},

    /* ids */
    {{{"--check", "--device", "edu,id=my-Disk_0"}}, CHECK "domain - log 2 | edu id my-Disk_0"},
    {{{"--check", "--device", "edu", "--device", "edu", "--device", "b"}},
     CHECK "domain - log 2 | edu id edu0 | edu id edu1 | b id b0"},
    {{{"--check", "--device", "edu", "--device", "edu,id=edu0"}}, CHECK "domain - log 2 | edu id edu1 | edu id edu0"},
    {{{"--check", "--device", "/a,,b/my.mod.so"}}, CHECK "domain - log 2 | /a,b/my.mod.so id my-mod0"},
    {{{"--check", "--device", "./.so"}}, CHECK "domain - log 2 | ./.so id -so0"},
};

START_TEST(test_good)
{
    struct config config;
    char text[1024];

    parse_good(&good[_i].line, &config);
    ck_assert_str_eq(describe_config(&config, text, sizeof(text)), good[_i].meaning);
    config_free(&config);
    ck_assert_str_eq(describe_config(&config, text, sizeof(text)), "mode 0 domain - log 2");
}
END_TEST

#define LONG_64    "0123456789012345678901234567890123456789012345678901234567890123"
#define ADDR_ERROR "give [BUS:]DEV[.FN] in hexadecimal, "

static const struct {
    struct line line;
    const char *text;
} bad[] = {
    {{{NULL}}, "--domain is missing: give --domain ID|NAME of the guest to serve, see ioreqd --help"},
    {{{"--device", "edu"}}, "--domain is missing: give --domain ID|NAME of the guest to serve, see ioreqd --help"},
    {{{"--domain", "5"}},
     "--device is missing: give at least one --device MODEL[,KEY=VALUE]..., see --device help for the models"},
    {{{"--check"}},
     "--device is missing: give at least one --device MODEL[,KEY=VALUE]..., see --device help for the models"},

    /* options */
    {{{"--devise", "edu"}}, "--devise: unknown option: is --device meant?"},
    {{{"--domian=5"}}, "--domian: unknown option: is --domain meant?"},
    {{{"--quiet-mode", "x"}}, "--quiet-mode: unknown option: see ioreqd --help"},
    {{{"--check", "--config", "/nowhere/x"}},
     "--config /nowhere/x: cannot be read: No such file or directory: give the path of a configuration file"},
    {{{"--config", "a", "--config", "a"}}, "--config: the option is given twice: give it once"},
    {{{"-x"}}, "-x: unknown option: see ioreqd --help"},
    {{{"-"}}, "-: unknown option: see ioreqd --help"},
    {{{"--"}}, "--: unknown option: see ioreqd --help"},
    {{{"--" LONG_64 LONG_64}},
     "--01234567890123456789012345678901234567890123456789012345678901...: unknown option: see ioreqd --help"},
    {{{"edu"}},
     "edu: not an option: every argument is an option and its value, as --domain ID|NAME: see ioreqd --help"},
    {{{""}}, ": not an option: every argument is an option and its value, as --domain ID|NAME: see ioreqd --help"},
    {{{"--foreground", "--foreground"}}, "--foreground: the option is given twice: give it once"},
    {{{"--domain", "1", "--domain", "2"}}, "--domain: the option is given twice: give it once"},
    {{{"--log-level", "info", "--log-level", "info"}}, "--log-level: the option is given twice: give it once"},
    {{{"--foreground=yes"}}, "--foreground: the option takes no value: give --foreground alone"},
    {{{"--help="}}, "--help: the option takes no value: give --help alone"},
    {{{"--domain"}}, "--domain: the value is missing: give --domain ID|NAME"},
    {{{"--domain", "--device", "edu"}}, "--domain: the value is missing: give --domain ID|NAME"},
    {{{"--pidfile", ""}}, "--pidfile: the value is empty: give --pidfile FILE"},
    {{{"--module-dir="}}, "--module-dir: the value is empty: give --module-dir DIR"},
    {{{"--device", ""}}, "--device: the value is empty: give --device MODEL[,KEY=VALUE]..."},
    {{{"--domain", "32752"}}, "--domain 32752: out of range: a domain's id is from 0 to 32751, see `xl list`"},
    {{{"--domain", "99999999999999999999999"}},
     "--domain 99999999999999999999999: out of range: a domain's id is from 0 to 32751, see `xl list`"},
    {{{"--log", "journald"}},
     "--log journald: not a log: give stderr, syslog, journal, or a file's path with a / in it"},
    {{{"--log-level", "trace"}}, "--log-level trace: not a level: give error, warning, info or debug"},
    {{{"--log-level", "Info"}}, "--log-level Info: not a level: give error, warning, info or debug"},

    /* models */
    {{{"--device", ",file=x"}},
     "--device: the model is missing: give MODEL[,KEY=VALUE]..., or help for a list of models"},
    {{{"--device", "virtio_blk"}},
     "--device virtio_blk: not a model's name, which has letters, digits and -: see --device help for the models, or "
     "give the path of a module with a / in it"},
    {{{"--device", "my.so"}},
     "--device my.so: not a model's name, which has letters, digits and -: see --device help for the models, or give "
     "the path of a module with a / in it"},
    {{{"--device", "edu,,a=1"}},
     "--device edu,a=1: not a model's name, which has letters, digits and -: see --device help for the models, or give "
     "the path of a module with a / in it"},

    /* keys and values */
    {{{"--device", "edu,readonly"}},
     "--device edu,readonly: a value is missing: give KEY=VALUE; a comma inside a value is written twice"},
    {{{"--device", "edu,"}},
     "--device edu: nothing stands after a comma: remove the comma, or double it where it is part of a value"},
    {{{"--device", "edu,a=1,"}},
     "--device edu: nothing stands after a comma: remove the comma, or double it where it is part of a value"},
    {{{"--device", "edu,=1"}}, "--device edu,=1: a key is missing before the =: give KEY=VALUE"},
    {{{"--device", "edu,a="}}, "--device edu,a=: the value is empty: give one, or leave the key out"},
    {{{"--device", "edu,id="}}, "--device edu,id=: the value is empty: give one, or leave the key out"},
    {{{"--device", "edu,a=1,b=2,a=3"}}, "--device edu,a=3: the key is given twice: give it once"},
    {{{"--device", "edu,id=x,id=x"}}, "--device edu,id=x: the key is given twice: give it once"},
    {{{"--device", "edu,addr=1,addr=2"}}, "--device edu,addr=2: the key is given twice: give it once"},
    {{{"--device", "edu,bridge=a,bridge=a"}}, "--device edu,bridge=a: the key is given twice: give it once"},
    {{{"--device", "edu,group=net"}},
     "--device edu,group=net: there is no such isolation group: give group=0, the only one, or leave it out"},

    /* ids */
    {{{"--device", "edu,id=a b"}},
     "--device edu,id=a b: an id has letters, digits, - and _ only: give one, as id=disk0"},
    {{{"--device", "edu,id=" LONG_64}},
     "--device edu,id=" LONG_64 ": an id has at most 63 characters: give a shorter one"},
    {{{"--check", "--device", "edu,id=a", "--device", "b,id=a"}},
     "--device b,id=a: another device has this id: give each its own"},

    /* addresses */
    {{{"--device", "virtio-blk,addr=20"}},
     "--device virtio-blk,addr=20: device 20 is out of range: " ADDR_ERROR "DEV from 0 to 1f"},
    {{{"--device", "edu,addr=100:1"}},
     "--device edu,addr=100:1: bus 100 is out of range: " ADDR_ERROR "BUS from 0 to ff"},
    {{{"--device", "edu,addr=1.8"}}, "--device edu,addr=1.8: function 8 is out of range: " ADDR_ERROR "FN from 0 to 7"},
    {{{"--check", "--device", "edu,addr=1:2"}},
     "--device edu,addr=01:02.0: host bridge pci has no place on bus 01: its root bus is 00: leave BUS out"},
    {{{"--check", "--device", "edu,addr=ff:2.7"}},
     "--device edu,addr=ff:02.7: host bridge pci has no place on bus ff: its root bus is 00: leave BUS out"},
    {{{"--device", "edu,addr=g"}}, "--device edu,addr=g: not an address: " ADDR_ERROR "as 10, 10.1 or 00:10.0"},
    {{{"--device", "edu,addr=0x10"}}, "--device edu,addr=0x10: not an address: " ADDR_ERROR "as 10, 10.1 or 00:10.0"},
    {{{"--device", "edu,addr=1."}}, "--device edu,addr=1.: not an address: " ADDR_ERROR "as 10, 10.1 or 00:10.0"},
    {{{"--device", "edu,addr=1:"}}, "--device edu,addr=1:: not an address: " ADDR_ERROR "as 10, 10.1 or 00:10.0"},
    {{{"--device", "edu,addr=:1"}}, "--device edu,addr=:1: not an address: " ADDR_ERROR "as 10, 10.1 or 00:10.0"},
    {{{"--device", "edu,addr=1.0.0"}}, "--device edu,addr=1.0.0: not an address: " ADDR_ERROR "as 10, 10.1 or 00:10.0"},
    {{{"--device", "edu,addr=0000:00:10.0"}},
     "--device edu,addr=0000:00:10.0: not an address: " ADDR_ERROR "as 10, 10.1 or 00:10.0"},
    {{{"--device", "edu,addr=00001"}}, "--device edu,addr=00001: not an address: " ADDR_ERROR "as 10, 10.1 or 00:10.0"},
    {{{"--check", "--device", "edu,addr=10", "--device", "b,addr=0:10.0"}},
     "--device b,addr=10.0: b0 cannot be there on bridge pci, edu0 is already: give another addr, or leave it out"},
    {{{"--describe", "text"}}, "--describe text: not a kind of description: give acpi, dts or human"},
    {{{"--describe", "acpi", "--describe", "dts"}}, "--describe: the option is given twice: give it once"},
    {{{"--record="}}, "--record: the value is empty: give --record FILE"},
};

START_TEST(test_bad)
{
    struct config config;
    struct config_error error;
    char text[64];

    ck_assert_int_eq(parse(&bad[_i].line, &config, &error), -1);
    ck_assert_str_eq(error.text, bad[_i].text);
    ck_assert_int_eq(error.exit_status, EXIT_STATUS_CONFIGURATION);
    ck_assert_str_eq(describe_config(&config, text, sizeof(text)), "mode 0 domain - log 2");
}
END_TEST

/* However long the user's texts are, the remedy is still there. */
START_TEST(test_long_texts)
{
    static char model[5000], option[12000];
    struct config config;
    struct config_error error;
    struct line line = {{"--check", "--device", option}};

    memset(model, 'm', sizeof(model) - 1);
    model[0] = '/';
    snprintf(option, sizeof(option), "%s,id=%s", model, model);
    ck_assert_int_eq(parse(&line, &config, &error), -1);
    ck_assert_ptr_nonnull(strstr(error.text, "...: an id has letters, digits, - and _ only: give one, as id=disk0"));

    snprintf(option, sizeof(option), "%s", model);
    parse_good(&line, &config);
    ck_assert_uint_eq(strlen(config.device[0].id), 51);
    config_free(&config);
}
END_TEST

START_TEST(test_error_is_cut)
{
    struct config_error error;
    char text[1000];

    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = 0;
    ck_assert_int_eq(config_error_set(&error, EXIT_STATUS_REFUSED, "%s", text), -1);
    ck_assert_int_eq(error.exit_status, EXIT_STATUS_REFUSED);
    ck_assert_uint_eq(strlen(error.text), sizeof(error.text) - 1);
    ck_assert_str_eq(error.text + sizeof(error.text) - 5, "x...");
    ck_assert_int_eq(config_error_memory(&error), -1);
    ck_assert_str_eq(error.text, "out of memory");
    ck_assert_int_eq(error.exit_status, EXIT_STATUS_FAILED);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("config/command_line");
    TCase *tests = tcase_create("command_line");
    SRunner *runner;
    int failed;

    tcase_add_loop_test(tests, test_good, 0, sizeof(good) / sizeof(good[0]));
    tcase_add_loop_test(tests, test_bad, 0, sizeof(bad) / sizeof(bad[0]));
    tcase_add_test(tests, test_long_texts);
    tcase_add_test(tests, test_error_is_cut);
    suite_add_tcase(suite, tests);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
