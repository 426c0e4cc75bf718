/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The bridge against its reference (reference.h): random configuration and BAR traffic on two host bridges, one with a
 * root port and no apertures, one with ECAM and apertures, and after each step the same registers, addresses, claims,
 * lines, messages and news for the devices.
 *
 * IOREQD_PROPERTY_STEPS says how many steps, IOREQD_PROPERTY_SEED where the random numbers begin.
 */
#include "tests/bridge/property.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "log.h"
#include "tests/bridge/board.h"

#define STEPS "100000"

/* ---- what has to be the same ---- */

static void check_config(void)
{
    unsigned number = property_below(3) != 0 ? property_number(property_below(REF_FUNCTIONS))
                                             : property_below(8) << 8 | property_devfn[property_below(REF_FUNCTIONS)];
    unsigned size = 1u << property_below(3),
             reg = property_below(4) != 0 ? property_below(0x100) : property_below(0x1000);

    property_require(bridge_config_read(bridge, number, reg, size) == ref_config_read(number, reg, size),
                     "a register differs", (uint64_t)number << 16 | reg);
}

static uint64_t expected(enum bridge_space space, uint64_t address, unsigned size)
{
    unsigned bar;
    const struct ref_function *f = ref_at(space, address, &bar);
    uint64_t offset = f == NULL ? 0 : address - f->place[bar].first;
    uint64_t low;

    if (space == BRIDGE_MEMORY && address >= BOARD_ECAM && address < BOARD_ECAM + 0x400000) {
        unsigned number = 0x11000 + (unsigned)((address - BOARD_ECAM) >> 12), reg = address & 0xfff;

        low = ref_config_read(number, reg & 0xffc, 4);
        return (address & (size - 1)) != 0 ? UINT64_MAX
               : size == 8                 ? low | (uint64_t)ref_config_read(number, reg + 4, 4) << 32
                                           : ref_config_read(number, reg, size);
    }
    if (f == NULL || (offset & (size - 1)) != 0 || offset + size > ref_bar_size(f, bar)) {
        return UINT64_MAX;
    }
    if (f->description->msix == 0 || bar != f->description->msix_bar) {
        return property_value((unsigned)(f - ref), bar, offset, size);
    }
    low = ref_msix_read(f, offset & ~UINT64_C(3)) >> 8 * (offset & 3);
    return size == 8 ? low | (uint64_t)ref_msix_read(f, offset + 4) << 32 : low;
}

static void check_address(void)
{
    const struct ref_place *near = &ref[property_below(REF_FUNCTIONS)].place[property_below(REF_BARS)];
    enum bridge_space space = property_below(4) == 0 ? BRIDGE_PORT : BRIDGE_MEMORY;
    uint64_t address = property_below(2) == 0 ? near->first : near->last;
    unsigned size = 1u << property_below(4);

    space = property_below(8) == 0 ? space : near->space;
    address += property_below(2) == 0 ? property_below(0x20) - UINT64_C(0x10) : property_below(4) * UINT64_C(4);
    if (property_below(8) == 0) {
        address = property_below(2) == 0 ? BOARD_ECAM + property_below(0x400000) : property_address();
    }
    property_require(
        ((bridge_read(bridge, space, address, size) ^ expected(space, address, size)) & bridge_all_ones(size)) == 0,
        "an address differs", address);
}

static void check_claims(void)
{
    unsigned claims = 4;

    for (unsigned i = 0; i < REF_FUNCTIONS * REF_BARS; i++) {
        const struct ref_place *place = &ref[i / REF_BARS].place[i % REF_BARS];

        if (ref[i / REF_BARS].decodes[i % REF_BARS] && place->claim) {
            claims++;
            property_require(board_has_claim(place->space, place->first, place->last), "a claim is missing",
                             place->first);
        }
    }
    property_require(board.claims == claims && board.wrong_unclaims == 0, "there are other claims", board.claims);
    for (unsigned bus = 0; bus < 8; bus++) {
        for (unsigned i = 0; i < REF_FUNCTIONS; i++) {
            property_require(board.claimed_function[bus << 8 | property_devfn[i]] ==
                                 (ref_find(0, bus, property_devfn[i]) != NULL),
                             "a function is claimed, or not", bus << 8 | property_devfn[i]);
        }
    }
}

static bool was_sent(struct ref_message *message)
{
    for (unsigned i = 0; i < board.messages; i++) {
        if (board.message[i].address == message->address && board.message[i].data == message->data) {
            board.message[i] = board.message[--board.messages];
            return true;
        }
    }
    return false;
}

static void check_events(void)
{
    for (; ref_messages != 0; ref_messages--) {
        property_require(was_sent(&ref_message[ref_messages - 1]), "a message is missing",
                         ref_message[ref_messages - 1].address);
    }
    property_require(board.messages == 0, "there are other messages", board.message[0].address);
    for (unsigned i = 0; i < 32 * 4; i++) {
        property_require(board.level[i / 4][i % 4] == ref_level(i / 4, i % 4), "a line differs", i);
    }
    for (unsigned i = 0; i < REF_FUNCTIONS; i++) {
        if (i == PORT_INDEX || !ref[i].present) {
            continue;
        }
        property_require(property_news[i].mode == ref[i].mode && property_news[i].master == ref[i].master,
                         "a device was told otherwise", i);
        property_require(bridge_bus_master(property_function[i]) == ref[i].master, "bus mastering differs", i);
        property_require(memcmp(property_news[i].resets, ref[i].resets, sizeof(property_news[i].resets)) == 0,
                         "resets differ", i);
    }
}

START_TEST(bridge_and_reference_agree)
{
    const char *steps = getenv("IOREQD_PROPERTY_STEPS"), *seed = getenv("IOREQD_PROPERTY_SEED");
    unsigned long count = strtoul(steps != NULL ? steps : STEPS, NULL, 0);

    property_random = seed != NULL ? strtoull(seed, NULL, 0) : (uint64_t)time(NULL) * 0x9e3779b97f4a7c15;
    property_random |= property_random == 0;
    property_seed = property_random;
    printf("IOREQD_PROPERTY_SEED=0x%llx IOREQD_PROPERTY_STEPS=%lu\n", (unsigned long long)property_random, count);
    fflush(stdout);
    log_set_level(LOG_ERROR);
    property_set_up();
    for (property_step = 1; property_step <= count; property_step++) {
        property_act();
        property_settle();
        check_config();
        check_address();
        check_claims();
        check_events();
    }
    board_close();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("bridge property");
    TCase *group = tcase_create("reference");
    SRunner *runner;
    int failed;

    tcase_set_timeout(group, 600);
    tcase_add_test(group, bridge_and_reference_agree);
    suite_add_tcase(suite, group);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
