/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Networks through taps, each test in a network namespace of its own, where the process may make interfaces. On a
 * machine that has no /dev/net/tun, or grants no namespace, they are left out, and a line says so. Here: what a tap
 * carries, and which one is refused.
 */
#include <errno.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/device/tap_bench.h"

START_TEST(both_ways)
{
    struct ioreqd_network_facts facts = {.struct_size = sizeof(facts)};
    static const uint8_t none[6];

    open_tap();
    network_facts(network, &facts);
    ck_assert_uint_eq(facts.offloads & 0x1f, 0x1f);
    ck_assert_uint_eq(facts.queue_pairs, 256);
    ck_assert_uint_eq(facts.mtu, 1500);
    ck_assert_mem_eq(facts.mac, none, 6);
    ck_assert(!network_link(network));
    set_tap_up(true);
    network_turn_until(has_link);
    open_far(false);
    ck_assert_int_eq(near_says(0, 100, 1), HEADER + 100);
    far_hears(100, 1);
    far_says(100, 2);
    turn_until_counted(1);
    ck_assert_uint_ge(near_pair[0].connects, 1);
    ck_assert_uint_lt(network_idle_cost(), 50);
    /* What the kernel refuses is lost. */
    ck_assert_int_eq(send_packet(0, 20, 0), HEADER + 20);
    ck_assert_int_eq(network_write(network, 0, &(struct iovec){(uint8_t[100]){0, 77}, 100}, 1), 100);
    far_says(100, 3);
    turn_until_counted(2);
}
END_TEST

/* A packet that does not fit is dropped whole. */
START_TEST(too_long_for_the_device)
{
    make_tap(IFF_TAP);
    set_tap_up(true);
    open_tap();
    network_turn_until(has_link);
    open_far(false);
    near_pair[0].room = HEADER + 100;
    far_says(101, 1);
    far_says(100, 2);
    turn_until_counted(1);
    ck_assert_uint_ge(near_pair[0].dropped, 1);
}
END_TEST

START_TEST(offloads)
{
    open_tap();
    near_pair[0].count = is_tcp;
    set_tap_up(true);
    network_turn_until(has_link);
    open_far(true);
    say_tso();
    turn_until_counted(3);
    ck_assert_uint_eq(near_pair[0].last[0], 0);
    ck_assert_int_eq(near_pair[0].length, HEADER + 54 + 1000);
    ck_assert_int_eq(network_set_offloads(network, 0x80000000), -EINVAL);
    ck_assert_int_eq(network_set_offloads(network, IOREQD_NETWORK_CHECKSUM | IOREQD_NETWORK_TSO4), 0);
    say_tso();
    turn_until_counted(4);
    ck_assert_int_eq(near_pair[0].length, HEADER + 54 + 3000);
    ck_assert_uint_eq(near_pair[0].last[0], VIRTIO_NET_HDR_F_NEEDS_CSUM);
    ck_assert_uint_eq(near_pair[0].last[1], VIRTIO_NET_HDR_GSO_TCPV4);
    ck_assert_uint_eq(near_pair[0].last[10], 1);
    ck_assert_uint_eq(near_pair[0].last[11], 0);

    /* Those that wait while the device's driver changes its mind. */
    say_tso();
    atomic_store(&near_pair[0].dropped, 0);
    ck_assert_int_eq(network_set_offloads(network, IOREQD_NETWORK_CHECKSUM), 0);
    say_tso();
    turn_until_counted(7);
    ck_assert_uint_eq(near_pair[0].dropped, 1);
    say_tso();
    ck_assert_int_eq(network_set_offloads(network, 0), 0);
    say_tso();
    turn_until_counted(10);
    ck_assert_uint_eq(near_pair[0].dropped, 4);
}
END_TEST

START_TEST(one_queue_only)
{
    struct ioreqd_network_facts facts = {.struct_size = sizeof(facts)};

    make_tap(IFF_TAP);
    open_tap();
    network_facts(network, &facts);
    ck_assert_uint_eq(facts.queue_pairs, 1);
    ck_assert_int_eq(attach_pair(1, network_loop), -EINVAL);
}
END_TEST

START_TEST(refused)
{
    char reason[256];
    struct ioreqd_network *opened;
    int error;

    ck_assert_str_eq(network_refusal("tap:", false, &error), "it is incomplete: give tap:NAME");
    ck_assert_str_eq(network_refusal("tap:sixteen-letters.", false, &error),
                     "an interface's name has 1 to 15 characters, without / and :");
    ck_assert_str_eq(network_refusal("tap:a%d", false, &error),
                     "an interface's name has 1 to 15 characters, without / and :");
    for (int check = 0; check < 2; check++) {
        ck_assert_str_eq(network_refusal("tap:lo", check != 0, &error),
                         "the interface is no tap: name another one, or make one: ip tuntap add dev NAME mode tap");
        make_tap(IFF_TUN);
        ck_assert_str_eq(network_refusal("tap:" TAP_NAME, check != 0, &error),
                         "the interface is no tap, but of kind tun: name another one, or make one: "
                         "ip tuntap add dev NAME mode tap");
        delete_tap();
    }
    /* A check makes nothing. */
    ck_assert_int_eq(network_open("tap:" TAP_NAME, true, &opened, reason, sizeof(reason)), 0);
    ck_assert_uint_eq(if_nametoindex(TAP_NAME), 0);
}
END_TEST

static const short kinds_of_taps[] = {IFF_TAP, IFF_TAP | IFF_MULTI_QUEUE};

START_TEST(used_by_another_process)
{
    char reason[256];
    struct ioreqd_network *opened;
    int error;

    make_tap(kinds_of_taps[_i]);
    ck_assert_int_eq(network_open("tap:" TAP_NAME, true, &opened, reason, sizeof(reason)), 0);
    open_tap();
    for (int check = 0; check < 2; check++) {
        ck_assert_str_eq(network_refusal("tap:" TAP_NAME, check != 0, &error),
                         "another process uses the tap: end that one, or name another tap");
        ck_assert_int_eq(error, EBUSY);
    }
    network_close(network);
    network = NULL;
    open_tap();
}
END_TEST

static TCase *tap_packet_tests(void)
{
    TCase *group = tap_tests("network tap");

    tcase_add_test(group, both_ways);
    tcase_add_test(group, too_long_for_the_device);
    tcase_add_test(group, offloads);
    tcase_add_test(group, one_queue_only);
    tcase_add_test(group, refused);
    tcase_add_loop_test(group, used_by_another_process, 0, 2);
    return group;
}

int main(void)
{
    int missing = why_no_taps();
    SRunner *runner;
    Suite *suite;
    int failed;

    if (missing != 0) {
        printf("networks: TAPS ARE NOT TESTED: no tap can be made in a namespace here: %s\n", strerror(missing));
        return EXIT_SUCCESS;
    }
    suite = suite_create("taps");
    suite_add_tcase(suite, tap_packet_tests());
    suite_add_tcase(suite, tap_life_tests());
    suite_add_tcase(suite, tap_pairs_tests());
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
