/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * --bridge, and the devices that name a bridge or a root port: a table of lines with what they mean, and one with the
 * message for each way to get one wrong.
 */
#include "config/config.h"

#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_ARGUMENTS 10

/* Arguments after --check, up to the first NULL. */
struct line {
    const char *argument[MAX_ARGUMENTS];
};

static int parse(const struct line *line, struct config *config, struct config_error *error)
{
    char *argv[MAX_ARGUMENTS + 3] = {(char *)"ioreqd", (char *)"--check", (char *)"--machine=x86"};
    int argc = 3;
    int result;

    while (argc < MAX_ARGUMENTS + 3 && line->argument[argc - 3] != NULL) {
        argv[argc] = strdup(line->argument[argc - 3]);
        argc++;
    }
    result = config_from_arguments(argc, argv, config, error);
    for (int i = 3; i < argc; i++) {
        free(argv[i]);
    }
    return result;
}

static void put_aperture(FILE *out, const char *name, const struct bridge_aperture *aperture)
{
    if (aperture->size != 0) {
        fprintf(out, " %s%s %#" PRIx64 "+%#" PRIx64 "@%#" PRIx64, name,
                aperture->space == BRIDGE_MEMORY ? " memory" : " ports", aperture->first, aperture->size,
                aperture->bus);
    }
}

/* What the bridges of a configuration are, as one line of text that tests can compare. */
static const char *describe(const struct config *config, char *text, size_t size)
{
    FILE *out = fmemopen(text, size, "w");

    ck_assert_ptr_nonnull(out);
    for (size_t i = 0; i < config->bridges; i++) {
        const struct bridge_host_config *bridge = &config->bridge[i];

        fprintf(out, "%s%s %u:%02x-%02x ecam %#" PRIx64, i > 0 ? " | " : "", bridge->name, bridge->segment,
                bridge->first_bus, bridge->last_bus, bridge->ecam);
        put_aperture(out, "io", &bridge->io);
        put_aperture(out, "mem", &bridge->memory);
        put_aperture(out, "mem64", &bridge->memory64);
        if (bridge->lines == BRIDGE_LINES_FOLDED) {
            fprintf(out, " lines %x", bridge->lines_device);
        }
        ck_assert(!bridge->configuration_ports && !bridge->address_port && !bridge->host_bridge_shown);
    }
    fputc(0, out);
    fclose(out);
    return text;
}

#define EDU      "--device", "edu"
#define WINDOWS  "ecam=0xe0000000,memory=0xe1000000+16M"
#define WINDOWS2 "ecam=0xe2000000,memory=0xe3000000+16M"
#define MEM      " mem memory 0xe1000000+0x1000000@0xe1000000"
#define MEM2     " mem memory 0xe3000000+0x1000000@0xe3000000"

static const struct {
    struct line line;
    const char *meaning;
} good[] = {
    {{{EDU, "--bridge", "pcie1," WINDOWS}}, "pcie1 1:00-00 ecam 0xe0000000" MEM},
    {{{EDU, "--bridge=pcie1,segment=0x10,buses=20-2F," WINDOWS}}, "pcie1 16:20-2f ecam 0xe0000000" MEM},
    {{{EDU, "--bridge", "a," WINDOWS, "--bridge", "b,segment=1," WINDOWS2}},
     "a 2:00-00 ecam 0xe0000000" MEM " | b 1:00-00 ecam 0xe2000000" MEM2},
    {{{EDU, "--bridge", "a,segment=3," WINDOWS, "--bridge", "b,segment=3,buses=1-1," WINDOWS2}},
     "a 3:00-00 ecam 0xe0000000" MEM " | b 3:01-01 ecam 0xe2000000" MEM2},
    {{{EDU, "--bridge", "a," WINDOWS ",memory64=64G+16G@32G"}},
     "a 1:00-00 ecam 0xe0000000" MEM " mem64 memory 0x1000000000+0x400000000@0x800000000"},
    {{{EDU, "--bridge", "a," WINDOWS ",io=0xe000+4k"}}, "a 1:00-00 ecam 0xe0000000 io ports 0xe000+0x1000@0xe000" MEM},
    {{{EDU, "--bridge", "a," WINDOWS ",io=0xe000+4k@0"}}, "a 1:00-00 ecam 0xe0000000 io ports 0xe000+0x1000@0" MEM},
    {{{EDU, "--bridge", "a," WINDOWS ",io=memory:0xe4000000+64k"}},
     "a 1:00-00 ecam 0xe0000000 io memory 0xe4000000+0x10000@0" MEM},
    {{{EDU, "--bridge", "a," WINDOWS ",io=memory:0xe4000000+4k@0x1000"}},
     "a 1:00-00 ecam 0xe0000000 io memory 0xe4000000+0x1000@0x1000" MEM},
    {{{EDU, "--bridge", "a," WINDOWS ",intx=1F"}}, "a 1:00-00 ecam 0xe0000000" MEM " lines 1f"},
    {{{EDU, "--bridge", "a," WINDOWS ",intx=off"}}, "a 1:00-00 ecam 0xe0000000" MEM},
    {{{EDU, "--bridge", "a_b-012345678901234567890123456," WINDOWS}},
     "a_b-012345678901234567890123456 1:00-00 ecam 0xe0000000" MEM},
    /* places are counted on each bridge */
    {{{"--device", "edu,addr=3", "--device", "edu,addr=3,bridge=a", "--bridge", "a," WINDOWS}},
     "a 1:00-00 ecam 0xe0000000" MEM},
    {{{"--device", "edu,addr=20:3,bridge=a", "--bridge", "a,buses=20-20," WINDOWS}}, "a 1:20-20 ecam 0xe0000000" MEM},
    {{{"--device", "root-port,id=p,bridge=a", "--device", "edu,bridge=p", "--bridge", "a,buses=0-1," WINDOWS}},
     "a 1:00-01 ecam 0xe0000000" MEM},
};

START_TEST(test_good)
{
    struct config_error error;
    struct config config;
    char text[1024];

    if (parse(&good[_i].line, &config, &error) < 0) {
        ck_abort_msg("refused: %s", error.text);
    }
    ck_assert_str_eq(describe(&config, text, sizeof(text)), good[_i].meaning);
    config_free(&config);
    ck_assert_uint_eq(config.bridges, 0);
}
END_TEST

/* Devices know their bridge by its name, and pci by none. */
START_TEST(test_names)
{
    struct line line = {{"--device", "edu,bridge=a", "--device", "edu,bridge=pci", "--device", "edu,bridge=p",
                         "--device", "root-port,id=p", "--bridge", "a," WINDOWS}};
    struct config_error error;
    struct config config;

    ck_assert_int_eq(parse(&line, &config, &error), 0);
    ck_assert_str_eq(config.device[0].bridge, "a");
    ck_assert_ptr_null(config.device[1].bridge);
    ck_assert_str_eq(config.device[2].bridge, "p");
    ck_assert(config.device[2].has_addr && !config.device[1].has_addr && config.device[3].root_port);
    config_free(&config);
}
END_TEST

#define KEYS        "The keys are segment, buses, ecam, memory, memory64, io, intx"
#define BUSES_ERROR "not a range of buses: give FIRST-LAST in hexadecimal, 00 to ff, as 00-0f"
#define ECAM_ERROR                                                                                                     \
    "not an address: give that of its configuration space in the guest's memory, a multiple of 1 MiB, as 0xe0000000"
#define MEMORY_ERROR                                                                                                   \
    "not an aperture: give ADDRESS+SIZE, as 0xe1000000+16M, and @BUS after it where its bus address is another"
#define IO_ERROR                                                                                                       \
    "not an aperture: give the first port and the size, as 0xe000+4k, or, where the processor reaches it as memory, "  \
    "memory:ADDRESS+SIZE, and @BUS after either where its bus address is another"
#define INTX_ERROR "not a device of bus 0: give the one, 0 to 1f in hexadecimal, whose interrupt lines it uses, or off"

static const struct {
    struct line line;
    const char *text;
} bad[] = {
    /* names */
    {{{"--bridge", ",segment=1"}}, "--bridge: the name is missing: give NAME[,KEY=VALUE]..., as pcie1,ecam=0xe0000000"},
    {{{"--bridge", "segment=1"}},
     "--bridge segment=1: the name is missing: give NAME[,KEY=VALUE]..., as pcie1,ecam=0xe0000000"},
    {{{"--bridge", "a b"}}, "--bridge a b: a name has letters, digits, - and _ only: give one, as pcie1"},
    {{{"--bridge", "01234567890123456789012345678901"}},
     "--bridge 01234567890123456789012345678901: a name has at most 31 characters: give a shorter one"},
    {{{"--bridge", "pci," WINDOWS}},
     "--bridge pci: every guest has bridge pci already, as it is: give the new one another name"},
    {{{EDU, "--bridge", "a," WINDOWS, "--bridge", "a," WINDOWS2}},
     "--bridge a: two host bridges have the same name: see --bridge a"},

    /* keys */
    {{{"--bridge", "a,"}}, "--bridge a: nothing stands after a comma: remove the comma"},
    {{{"--bridge", "a,ecam"}}, "--bridge a,ecam: a value is missing: give KEY=VALUE"},
    {{{"--bridge", "a,ecam="}}, "--bridge a,ecam=: the value is empty: give one, or leave the key out"},
    {{{"--bridge", "a,ecam=1M,ecam=2M"}}, "--bridge a,ecam=2M: the key is given twice: give it once"},
    {{{"--bridge", "a,bus=0-1"}}, "--bridge a,bus=0-1: unknown key: is buses meant? " KEYS},
    {{{"--bridge", "a,zzzzzz=1"}},
     "--bridge a,zzzzzz=1: unknown key: the keys are segment, buses, ecam, memory, "
     "memory64, io, intx"},

    /* values */
    {{{"--bridge", "a,segment=0"}},
     "--bridge a,segment=0: segment 0 with its buses 00 to ff belongs to bridge pci, which every guest has: give a "
     "segment from 1 to 65535, or leave segment out"},
    {{{"--bridge", "a,segment=x"}},
     "--bridge a,segment=x: not a segment's number: give one from 1 to 65535, or leave segment out"},
    {{{"--bridge", "a,segment=65536"}},
     "--bridge a,segment=65536: not a segment's number: give one from 1 to 65535, or leave segment out"},
    {{{"--bridge", "a,segment=1k"}},
     "--bridge a,segment=1k: not a segment's number: give one from 1 to 65535, or leave segment out"},
    {{{"--bridge", "a,buses=0"}}, "--bridge a,buses=0: " BUSES_ERROR},
    {{{"--bridge", "a,buses=0-100"}}, "--bridge a,buses=0-100: " BUSES_ERROR},
    {{{"--bridge", "a,buses=-1"}}, "--bridge a,buses=-1: " BUSES_ERROR},
    {{{"--bridge", "a,buses=0-"}}, "--bridge a,buses=0-: " BUSES_ERROR},
    {{{"--bridge", "a,buses=0-1-2"}}, "--bridge a,buses=0-1-2: " BUSES_ERROR},
    {{{"--bridge", "a,ecam=0"}}, "--bridge a,ecam=0: " ECAM_ERROR},
    {{{"--bridge", "a,ecam=e0000000"}}, "--bridge a,ecam=e0000000: " ECAM_ERROR},
    {{{"--bridge", "a,ecam=0x10000000000000000"}}, "--bridge a,ecam=0x10000000000000000: " ECAM_ERROR},
    {{{"--bridge", "a,memory=0xe0000000"}}, "--bridge a,memory=0xe0000000: " MEMORY_ERROR},
    {{{"--bridge", "a,memory=+1M"}}, "--bridge a,memory=+1M: " MEMORY_ERROR},
    {{{"--bridge", "a,memory=1M+"}}, "--bridge a,memory=1M+: " MEMORY_ERROR},
    {{{"--bridge", "a,memory=1M+0"}}, "--bridge a,memory=1M+0: " MEMORY_ERROR},
    {{{"--bridge", "a,memory64=1M+1M@"}}, "--bridge a,memory64=1M+1M@: " MEMORY_ERROR},
    {{{"--bridge", "a,memory64=1M@1+1M"}}, "--bridge a,memory64=1M@1+1M: " MEMORY_ERROR},
    {{{"--bridge", "a,memory=0x000000000000000000000000000001+1M"}},
     "--bridge a,memory=0x000000000000000000000000000001+1M: " MEMORY_ERROR},
    {{{"--bridge", "a,io=memory:"}}, "--bridge a,io=memory:: " IO_ERROR},
    {{{"--bridge", "a,io=ports:1+1"}}, "--bridge a,io=ports:1+1: " IO_ERROR},
    {{{"--bridge", "a,intx=20"}}, "--bridge a,intx=20: " INTX_ERROR},
    {{{"--bridge", "a,intx=1.0"}}, "--bridge a,intx=1.0: " INTX_ERROR},
    {{{"--bridge", "a,intx=on"}}, "--bridge a,intx=on: " INTX_ERROR},

    /* the bridge as a whole */
    {{{EDU, "--bridge", "a"}},
     "--bridge a: ecam is missing: add ecam=ADDRESS: where its configuration space lies in the guest's memory, 1 MiB a "
     "bus"},
    {{{EDU, "--bridge", "a,ecam=1M"}},
     "--bridge a: memory is missing: add memory=ADDRESS+SIZE: where the guest can place the registers of devices"},
    {{{EDU, "--bridge", "a,buses=2-1," WINDOWS}}, "--bridge a: its first bus is behind its last"},
    {{{EDU, "--bridge", "a,ecam=4k,memory=1M+1M"}}, "--bridge a: its ECAM does not begin at a multiple of 1 MiB"},
    {{{EDU, "--bridge", "a," WINDOWS ",io=0xf000+8k"}}, "--bridge a: an aperture ends beyond the last port, 0xffff"},
    {{{EDU, "--bridge", "a,ecam=1M,memory=1M+1M"}}, "--bridge a: its ports, its ECAM and its apertures overlap"},
    {{{EDU, "--bridge", "a," WINDOWS, "--bridge", "b,ecam=0xe1000000,memory=16M+1M"}},
     "--bridge b: the ports, the ECAM or an aperture of one host bridge overlap those of another: see --bridge a"},
    {{{EDU, "--bridge", "a,segment=2," WINDOWS, "--bridge", "b,segment=2," WINDOWS2}},
     "--bridge b: two host bridges of one segment have the same buses: see --bridge a"},

    /* who names it */
    {{{"--device", "edu,bridge=pcie2", "--bridge", "pcie1," WINDOWS}},
     "--device edu,bridge=pcie2: there is no such host bridge or root port: is pcie1 meant?"},
    {{{"--device", "edu,bridge=solt1", "--device", "root-port,id=slot1"}},
     "--device edu,bridge=solt1: there is no such host bridge or root port: is slot1 meant?"},
    {{{"--device", "edu,bridge=0"}},
     "--device edu,bridge=0: there is no such host bridge or root port: give pci, the name of a --bridge, or the id of "
     "a --device root-port"},
    {{{"--device", "edu,id=x", "--device", "edu,bridge=x"}},
     "--device edu,bridge=x: there is no such host bridge or root port: give pci, the name of a --bridge, or the id of "
     "a --device root-port"},
    {{{"--device", "edu,addr=3,bridge=a", "--device", "b,addr=0:3.0,bridge=a", "--bridge", "a," WINDOWS}},
     "--device b,addr=03.0: b0 cannot be there on bridge a, edu0 is already: give another addr, or leave it out"},
    {{{"--device", "edu,addr=0:3,bridge=a", "--bridge", "a,buses=20-2f," WINDOWS}},
     "--device edu,addr=00:03.0: host bridge a has no place on bus 00: its root bus is 20: leave BUS out"},

    /* root ports */
    {{{"--device", "root-port,id=pci"}},
     "--device root-port,id=pci: a host bridge has this name: give the root port another id"},
    {{{"--device", "root-port,id=a", "--bridge", "a," WINDOWS}},
     "--device root-port,id=a: a host bridge has this name: give the root port another id"},
    {{{"--device", "root-port,id=p", "--device", "root-port,bridge=p"}},
     "--device root-port,bridge=p: that is a root port, and a root port sits on a host bridge: give pci or the name of "
     "a --bridge"},
    {{{"--device", "root-port,id=p,bridge=p"}},
     "--device root-port,bridge=p: that is a root port, and a root port sits on a host bridge: give pci or the name of "
     "a --bridge"},
    {{{"--device", "root-port,id=p", "--device", "edu,bridge=p,addr=1"}},
     "--device edu,addr=01.0: behind root port p there is device 00 only: leave addr out, or give a function of it, "
     "00.0 to 00.7"},
    {{{"--device", "root-port,id=p", "--device", "edu,bridge=p,addr=1:0"}},
     "--device edu,addr=00.0: the guest numbers the bus behind root port p: leave BUS out"},
    {{{"--device", "root-port,id=p", "--device", "edu,bridge=p", "--device", "b,bridge=p"}},
     "--device b,addr=00.0: b0 cannot be there on bridge p, edu0 is already: give another addr, 00.1 to 00.7, or "
     "bridge"},
    {{{"--device", "root-port,id=p,bridge=a", "--bridge", "a," WINDOWS}},
     "--device root-port,bridge=a: bridge a has no bus left for what sits behind root port p: give it more, as "
     "buses=00-01"},
    {{{"--device", "root-port,slots=1"}},
     "--device root-port,slots=1: unknown key: is slot meant? The keys are slot, id, addr, bridge, group"},
    {{{"--device", "root-port,slot=0"}}, "--device root-port,slot=0: 0 is out of range: give a number, 1 to 8191"},
    {{{"--device", "root-port,slot=3", "--device", "root-port,id=p,slot=3"}},
     "--device root-port,slot=3: root port p has this number too: give each its own, or leave slot out"},
};

START_TEST(test_bad)
{
    struct config_error error;
    struct config config;

    ck_assert_int_eq(parse(&bad[_i].line, &config, &error), -1);
    ck_assert_str_eq(error.text, bad[_i].text);
    ck_assert_int_eq(error.exit_status, EXIT_STATUS_CONFIGURATION);
    ck_assert_uint_eq(config.bridges, 0);
}
END_TEST

/* Segments are handed out also when there are many bridges. */
START_TEST(test_many)
{
    enum { BRIDGES = 100 };
    static char text[BRIDGES][80];
    char *argv[2 * BRIDGES + 4] = {(char *)"ioreqd", (char *)"--describe=acpi", (char *)"--machine=x86"};
    struct config_error error;
    struct config config;

    for (int i = 0; i < BRIDGES; i++) {
        snprintf(text[i], sizeof(text[i]), "b%d,ecam=%#x,memory=%#x+1M", i, 0x80000000u + (unsigned)i * 0x200000u,
                 0x80100000u + (unsigned)i * 0x200000u);
        argv[3 + 2 * i] = (char *)"--bridge";
        argv[4 + 2 * i] = text[i];
    }
    ck_assert_int_eq(config_from_arguments(2 * BRIDGES + 3, argv, &config, &error), 0);
    for (size_t i = 0; i < BRIDGES; i++) {
        ck_assert_uint_eq(config.bridge[i].segment, i + 1);
    }
    config_free(&config);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("config/bridges");
    TCase *tests = tcase_create("bridges");
    SRunner *runner;
    int failed;

    tcase_add_loop_test(tests, test_good, 0, sizeof(good) / sizeof(good[0]));
    tcase_add_loop_test(tests, test_bad, 0, sizeof(bad) / sizeof(bad[0]));
    tcase_add_test(tests, test_names);
    tcase_add_test(tests, test_many);
    suite_add_tcase(suite, tests);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
