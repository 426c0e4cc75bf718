/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Host bridges and interrupts of Arm guests, as the command line has them: where what was not given goes, and the message
 * for what cannot be there.
 */
#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"

#define MAX_ARGUMENTS 12

struct line {
    const char *argument[MAX_ARGUMENTS];
};

static int parse_for(const char *machine, const struct line *line, struct config *config, struct config_error *error)
{
    char *argv[MAX_ARGUMENTS + 4] = {(char *)"ioreqd", (char *)"--describe=dts", (char *)"--machine", (char *)machine};
    int argc = 4;

    for (unsigned i = 0; i < MAX_ARGUMENTS && line->argument[i] != NULL; i++) {
        argv[argc++] = (char *)line->argument[i];
    }
    return config_from_arguments(argc, argv, config, error);
}

static void put_range(FILE *out, const char *name, uint64_t first, uint64_t size, uint64_t bus)
{
    fprintf(out, " %s %" PRIx64 "+%" PRIx64 "@%" PRIx64, name, first, size, bus);
}

static const char *describe(const struct config *config, char *text, size_t size)
{
    FILE *out = fmemopen(text, size, "w");

    ck_assert_ptr_nonnull(out);
    for (size_t i = 0; i < config->bridges; i++) {
        const struct bridge_host_config *bridge = &config->bridge[i];

        fprintf(out, "%s%s %u", i > 0 ? " | " : "", bridge->name, bridge->segment);
        put_range(out, "ecam", bridge->ecam, bridge_ecam_size(bridge), 0);
        put_range(out, "io", bridge->io.first, bridge->io.size, bridge->io.bus);
        put_range(out, "mem", bridge->memory.first, bridge->memory.size, bridge->memory.bus);
        put_range(out, "mem64", bridge->memory64.first, bridge->memory64.size, bridge->memory64.bus);
        if (bridge->lines == BRIDGE_LINES_SPIS) {
            fprintf(out, " lines %u+%u from %u", bridge->spis.first, bridge->spis.count, bridge->first_line);
        }
    }
    fputc(0, out);
    fclose(out);
    return text;
}

#define SECOND                                                                                                         \
    "a 2 ecam 5800000+100000@0 io 9010000+10000@0 mem 33800000+800000@33800000 mem64 3a800000+800000@3a800000"

static const struct {
    struct line line;
    const char *meaning;
} good[] = {
    {{{"--bridge", "a"}}, SECOND " lines 44+4 from 2"},
    {{{"--bridge", "a,intx=off"}}, SECOND},
    {{{"--bridge", "a", "--interrupts", "intx=off"}}, SECOND},
    {{{"--bridge", "a", "--interrupts", "intx=100-299,msi=off"}}, SECOND " lines 100+200 from 100"},
    {{{"--bridge", "a", "--bridge", "b,buses=0-7"}},
     SECOND " lines 44+4 from 1 | b 3 ecam 6000000+800000@0 io 9020000+10000@0 mem 34000000+800000@34000000 mem64 "
            "3b000000+800000@3b000000 lines 44+4 from 2"},
    /* what was given is kept, and what was not keeps off it */
    {{{"--bridge", "a", "--bridge",
       "b,ecam=0x5800000,memory=0x33800000+1M,io=memory:0x9010000+4k@0x1000,memory64=1T+1T,segment=2,intx=off"}},
     "a 3 ecam 6000000+100000@0 io 9020000+10000@0 mem 34000000+800000@34000000 mem64 3a800000+800000@3a800000 lines "
     "44+4 from 1 | b 2 ecam 5800000+100000@0 io 9010000+1000@1000 mem 33800000+100000@33800000 mem64 "
     "10000000000+10000000000@10000000000"},
    {{{"--bridge", "a,memory=0x3c000000+1M", "--interrupts", "frame=0x33000000,frame=0x3a800000"}},
     "a 2 ecam 5800000+100000@0 io 9010000+10000@0 mem 3c000000+100000@3c000000 mem64 3b000000+800000@3b000000 lines "
     "44+4 from 2"},
    {{{"--bridge", "a,segment=1,buses=8-9"}},
     "a 1 ecam 5800000+200000@0 io 9010000+10000@0 mem 33800000+800000@33800000 mem64 3a800000+800000@3a800000 lines "
     "44+4 from 2"},
};

START_TEST(test_good)
{
    struct config_error error;
    struct config config;
    char text[1024];

    if (parse_for("arm", &good[_i].line, &config, &error) < 0) {
        ck_abort_msg("refused: %s", error.text);
    }
    ck_assert_str_eq(describe(&config, text, sizeof(text)), good[_i].meaning);
    config_free(&config);
}
END_TEST

#define FREE "0x4100000 to 0xfffffff, 0x33000000 to 0x37ffffff, 0x3a000000 to 0x3fffffff and what is above 1 TiB"

static const struct {
    const char *machine;
    struct line line;
    const char *text;
} bad[] = {
    {"arm",
     {{"--bridge", "a,memory=0x80000000+16M"}},
     "--bridge a,memory=0x80000000+0x1000000: the memory of an Arm guest is there, 0x40000000 to 0xffffffff: "
     "choose a range in " FREE ", or leave memory out"},
    {"arm",
     {{"--bridge", "a,ecam=0x10000000"}},
     "--bridge a,ecam=0x10000000+0x100000: vPCI's configuration space of an Arm guest is there, 0x10000000 to "
     "0x1fffffff: choose a range in " FREE ", or leave ecam out"},
    {"arm",
     {{"--bridge", "a,memory64=64G+1G"}},
     "--bridge a,memory64=0x1000000000+0x40000000: the memory above 4 GiB of an Arm guest is there, "
     "0x200000000 "
     "to 0xffffffffff: choose a range in " FREE ", or leave memory64 out"},
    {"arm",
     {{"--bridge", "a,io=memory:0x38000000+64k"}},
     "--bridge a,io=0x38000000+0x10000: the grant table of an Arm guest is there, 0x38000000 to 0x38ffffff: choose a "
     "range in " FREE ", or leave io out"},
    {"arm",
     {{"--bridge", "a,memory=0x3000000+1M"}},
     "--bridge a,memory=0x3000000+0x100000: the interrupt controller of an Arm guest is there, 0x3000000 to 0x401ffff: "
     "choose a range in " FREE ", or leave memory out"},
    {"arm",
     {{"--bridge", "a,memory=0x33000000+1M"}},
     "--bridge a,memory=0x33000000+0x100000: a part of it is that of host bridge pci: choose a range that nobody has, "
     "or "
     "leave memory out"},
    {"arm",
     {{"--bridge", "a,memory=0x35000000+1M", "--bridge", "b,memory=0x35000000+4k"}},
     "--bridge a,memory=0x35000000+0x100000: a part of it is that of host bridge b: choose a range that nobody has, or "
     "leave memory out"},
    {"arm",
     {{"--bridge", "a,memory=0xa000000+4k"}},
     "--bridge a,memory=0xa000000+0x1000: a part of it is that of the message frame: see --interrupts: choose a range "
     "that nobody has, or leave memory out"},
    {"arm",
     {{"--bridge", "a,io=0xe000+4k"}},
     "--bridge a,io: an Arm guest has no ports: give memory:ADDRESS+SIZE, or leave io out"},
    {"arm",
     {{"--bridge", "a,intx=3"}},
     "--bridge a,intx: the lines of an Arm guest are SPIs, which --interrupts gives all bridges: give off, or leave "
     "intx "
     "out"},
    {"arm",
     {{"--bridge", "a,buses=0-8"}},
     "--bridge a: the configuration space of more than 8 buses has no place of its own: add ecam=, 1 MiB a bus, or "
     "give "
     "it fewer buses: free are " FREE},
    {"arm",
     {{"--bridge", "a,segment=1"}},
     "--bridge a: two host bridges of one segment have the same buses: bridge pci, which every guest has, is segment "
     "1"},
    {"arm",
     {{"--interrupts", "frame=0x40000000"}},
     "--interrupts frame=0x40000000: the memory of an Arm guest is there, 0x40000000 to 0xffffffff: choose a "
     "page "
     "in " FREE ", or leave frame out"},
    {"arm",
     {{"--interrupts", "frame=0x5000000"}},
     "--interrupts frame=0x5000000: host bridge pci is there: choose another page, or leave frame out"},
    {"arm",
     {{"--interrupts", "frame=0xa000100"}},
     "--interrupts frame=0xa000100: the message frame is not a page of 4 KiB: choose other numbers for intx, msi or "
     "frame"},
    {"arm",
     {{"--interrupts", "intx=31-34"}},
     "--interrupts intx=31-34: an SPI is below 32: those are a processor's own interrupts: choose other numbers for "
     "intx, msi or "
     "frame"},
    {"arm",
     {{"--interrupts", "msi=48-992"}},
     "--interrupts msi=48-992: an SPI is above 991, the last that a guest of Xen can have: choose other numbers for "
     "intx, msi or "
     "frame"},
    {"arm",
     {{"--interrupts", "intx=40-50"}},
     "--interrupts intx=40-50: lines and messages have an SPI in common: a line's is level-triggered, a message's "
     "edge-triggered: "
     "choose other numbers for intx, msi or frame"},
    {"arm",
     {{"--interrupts", "intx=off,msi=off"}},
     "--interrupts intx=off,msi=off: intx and msi are off, and devices without interrupts: leave one on"},
    {"arm",
     {{"--interrupts", "msi=48"}},
     "--interrupts msi=48: not a range of SPIs: give FIRST-LAST, 32 to 991, as 48-63, or off"},
    {"arm",
     {{"--interrupts", "msi=50-49"}},
     "--interrupts msi=50-49: not a range of SPIs: give FIRST-LAST, 32 to 991, as 48-63, or off"},
    {"arm",
     {{"--interrupts", "intx"}},
     "--interrupts intx: a value is missing: give KEY=VALUE: the keys are intx, msi and frame"},
    {"arm", {{"--interrupts", "spis=1-2"}}, "--interrupts spis=1-2: unknown key: the keys are intx, msi and frame"},
    {"arm",
     {{"--interrupts", "frame=x"}},
     "--interrupts frame=x: not an address: give that of the message frame in the guest's memory, as 0xa000000"},
    {"x86",
     {{"--interrupts", "msi=48-63"}},
     "--interrupts: only Arm guests have SPIs, and this is for x86 guests: leave it out, or add --machine "
     "arm to "
     "describe "
     "or check"},
    {"riscv", {{NULL}}, "--machine riscv: not a kind of guest: give x86 or arm"},
};

START_TEST(test_bad)
{
    struct config_error error;
    struct config config;

    ck_assert_int_lt(parse_for(bad[_i].machine, &bad[_i].line, &config, &error), 0);
    ck_assert_str_eq(error.text, bad[_i].text);
    ck_assert_int_eq(error.exit_status, EXIT_STATUS_CONFIGURATION);
}
END_TEST

/* Seven further bridges have places; the eighth has none. */
START_TEST(test_many)
{
    static char name[8][8];
    char *argv[20] = {(char *)"ioreqd", (char *)"--describe=dts", (char *)"--machine=arm"};
    struct config_error error;
    struct config config;
    int argc = 3;

    for (unsigned i = 0; i < 8; i++) {
        snprintf(name[i], sizeof(name[i]), "b%u", i);
        argv[argc++] = (char *)"--bridge";
        argv[argc++] = name[i];
        if (i < 7) {
            ck_assert_msg(config_from_arguments(argc, argv, &config, &error) == 0, "%s", error.text);
            config_free(&config);
        }
    }
    ck_assert_int_lt(config_from_arguments(argc, argv, &config, &error), 0);
    ck_assert_str_eq(error.text,
                     "--bridge b7: no place is left where bridges have their ecam: add ecam=: free are " FREE);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("arm bridges");
    TCase *tests = tcase_create("arm bridges");
    SRunner *runner;
    int failed;

    tcase_add_loop_test(tests, test_good, 0, sizeof(good) / sizeof(good[0]));
    tcase_add_loop_test(tests, test_bad, 0, sizeof(bad) / sizeof(bad[0]));
    tcase_add_test(tests, test_many);
    suite_add_tcase(suite, tests);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
