/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where devices go that the user gave no place (src/places.c), with a toolstack that knows what the test says.
 */
#include "places.h"

#include <check.h>
#include <stdlib.h>

static struct hypervisor_guest guest;
static uint16_t taken; /* a function that somebody else has; 0: none */

const struct hypervisor_guest *toolstack_guest(const struct toolstack *toolstack)
{
    (void)toolstack;
    return &guest;
}

bool toolstack_function_taken(struct toolstack *toolstack, uint16_t function, char *who, size_t size)
{
    (void)toolstack;
    (void)who;
    (void)size;
    return taken != 0 && function == taken;
}

static struct config config;
static struct config_error error;
static uint8_t devfn[64];

static void parse(int count, char *const *words)
{
    config_free(&config);
    ck_assert_msg(config_from_arguments(count, words, &config, &error) == 0, "%s", error.text);
    guest.host_bridge = false;
    taken = 0;
}

#define PARSE(...)                                                                                                     \
    do {                                                                                                               \
        char *const words[] = {"ioreqd", "--domain", "1", "--machine=x86", __VA_ARGS__};                               \
                                                                                                                       \
        parse((int)(sizeof(words) / sizeof(words[0])), words);                                                         \
    } while (0)

#define BRIDGE "--bridge", "b,segment=1,ecam=0xfb000000,buses=00-03,memory=0xfa000000+16M"

START_TEST(the_first_free_one_is_taken)
{
    PARSE("--device", "edu", "--device", "edu,addr=02", "--device", "edu");
    ck_assert_int_eq(places_choose(&config, NULL, devfn, &error), 0);
    ck_assert_uint_eq(devfn[0], 1 << 3);
    ck_assert_uint_eq(devfn[1], 2 << 3);
    ck_assert_uint_eq(devfn[2], 3 << 3);
    taken = 1 << 3;
    ck_assert_int_eq(places_choose(&config, NULL, devfn, &error), 0);
    ck_assert_uint_eq(devfn[0], 3 << 3);
    ck_assert_uint_eq(devfn[2], 4 << 3);
    guest.host_bridge = true; /* above what QEMU and its firmware use */
    ck_assert_int_eq(places_choose(&config, NULL, devfn, &error), 0);
    ck_assert_uint_eq(devfn[0], 0x10 << 3);
}
END_TEST

/* A place on one bus says nothing of another, and others' functions are on bus 0 alone. */
START_TEST(each_bus_for_itself)
{
    uint16_t function[8];

    PARSE(BRIDGE, "--device", "edu,bridge=b", "--device", "root-port,id=p,bridge=b", "--device", "edu,bridge=p",
          "--device", "edu");
    taken = 1 << 3;
    ck_assert_int_eq(places_choose(&config, NULL, devfn, &error), 0);
    ck_assert_uint_eq(devfn[0], 1 << 3);
    ck_assert_uint_eq(devfn[1], 2 << 3);
    ck_assert_uint_eq(devfn[2], 0);
    ck_assert_uint_eq(devfn[3], 2 << 3);
    ck_assert_uint_eq(places_of_bus_0(&config, NULL, devfn, function), 2);
    ck_assert_uint_eq(function[0], 2 << 3);
    ck_assert_uint_eq(function[1], 0); /* the host bridge */
    guest.host_bridge = true;
    ck_assert_uint_eq(places_of_bus_0(&config, NULL, devfn, function), 1);
}
END_TEST

START_TEST(the_place_of_the_host_bridge)
{
    PARSE("--device", "edu,addr=00");
    ck_assert_int_eq(places_choose(&config, NULL, devfn, &error), -1);
    ck_assert_str_eq(error.text, "--device edu,addr=00.0: in a guest without QEMU the host bridge is there: choose a "
                                 "device from 01 to 1f");
    guest.host_bridge = true;
    ck_assert_int_eq(places_choose(&config, NULL, devfn, &error), 0);
}
END_TEST

START_TEST(a_bus_that_is_full)
{
    static char edu[] = "edu", device[] = "--device", program[] = "ioreqd", domain[] = "--domain", one[] = "1";
    char *words[3 + 2 * 32] = {program, domain, one};

    for (unsigned i = 0; i < 32; i++) {
        words[3 + 2 * i] = device;
        words[4 + 2 * i] = edu;
    }
    parse(3 + 2 * 31, words);
    ck_assert_int_eq(places_choose(&config, NULL, devfn, &error), 0);
    parse(3 + 2 * 32, words);
    ck_assert_int_eq(places_choose(&config, NULL, devfn, &error), -1);
    ck_assert_str_eq(error.text, "no place is left on bridge pci for device edu31: give addr= to a function of a "
                                 "device that has one, or another bridge=");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("places");
    TCase *group = tcase_create("places");
    SRunner *runner;
    int failed;

    tcase_add_test(group, the_first_free_one_is_taken);
    tcase_add_test(group, each_bus_for_itself);
    tcase_add_test(group, the_place_of_the_host_bridge);
    tcase_add_test(group, a_bus_that_is_full);
    suite_add_tcase(suite, group);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    config_free(&config);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
