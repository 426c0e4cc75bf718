/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Taps with several queues: which pair of the network gets a packet, as the kernel spreads them and as a table has it, with
 * pairs that come into use and go, on the main thread and on threads of their own.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_tun.h>
#include <stdio.h>
#include <string.h>

#include "tests/device/tap_bench.h"

START_TEST(several_pairs)
{
    unsigned before;

    make_tap(IFF_TAP | IFF_MULTI_QUEUE);
    set_tap_up(true);
    open_tap();
    ck_assert_int_eq(network_set_queue_pairs(network, 2), -EINVAL);
    for (unsigned i = 1; i < 3; i++) {
        ck_assert_int_eq(attach_pair(i, network_loop), 0);
    }
    for (unsigned i = 0; i < 3; i++) {
        near_pair[i].count = is_udp;
    }
    network_turn_until(has_link);
    open_far(false);
    for (unsigned i = 0; i < 64; i++) {
        say_udp(i);
    }
    turn_until_counted(64);
    ck_assert_uint_eq(near_pair[0].counted, 64);

    ck_assert_int_eq(network_set_queue_pairs(network, 2), 0);
    for (unsigned i = 0; i < 64; i++) {
        say_udp(i);
    }
    turn_until_counted(128);
    ck_assert_uint_gt(near_pair[0].counted, 64);
    ck_assert_uint_gt(near_pair[1].counted, 8);
    ck_assert_uint_eq(near_pair[2].counted, 0);
    for (unsigned i = 0; i < 2; i++) {
        ck_assert_int_eq(near_says(i, 100, i), HEADER + 100);
        far_hears(100, i);
    }

    ck_assert_int_eq(network_set_queue_pairs(network, 4), -EINVAL);
    ck_assert_int_eq(network_set_queue_pairs(network, 3), 0);
    ck_assert_int_eq(network_set_queue_pairs(network, 1), 0);
    before = near_pair[0].counted;
    for (unsigned i = 0; i < 64; i++) {
        say_udp(i);
    }
    turn_until_counted(192);
    ck_assert_uint_eq(near_pair[0].counted, before + 64);

    /* They come back as they were. */
    ck_assert_int_eq(network_set_queue_pairs(network, 2), 0);
    delete_tap();
    network_turn_until(has_no_link);
    make_tap(IFF_TAP | IFF_MULTI_QUEUE);
    set_tap_up(true);
    network_turn_until(tap_is_there_again);
    network_turn_for(5);
    open_far(false);
    before = near_pair[1].counted;
    for (unsigned i = 0; i < 64; i++) {
        say_udp(i);
    }
    turn_until_counted(256);
    ck_assert_uint_gt(near_pair[1].counted, before + 8);
    ck_assert_uint_eq(near_pair[2].counted, 0);
}
END_TEST

/* Each pair on a thread, while the interface goes and comes and queues come into use and go. */
START_TEST(threads)
{
    struct ioreqd_loop *loop[2];

    make_tap(IFF_TAP | IFF_MULTI_QUEUE);
    set_tap_up(true);
    open_network("tap:" TAP_NAME);
    for (unsigned i = 0; i < 2; i++) {
        loop[i] = loop_create();
        ck_assert_ptr_nonnull(loop[i]);
        ck_assert_int_eq(attach_pair(1 + i, loop[i]), 0);
    }
    for (unsigned i = 0; i < 3; i++) {
        near_pair[i].count = is_udp;
        near_pair[i].echoes = true;
    }
    for (unsigned i = 0; i < 2; i++) {
        ck_assert_int_eq(loop_start(loop[i], "pair"), 0);
    }
    for (unsigned round = 0; round < 8; round++) {
        ck_assert_int_eq(network_set_queue_pairs(network, 1 + round % 3), 0);
        ck_assert_int_eq(network_set_offloads(network, round % 2 == 0 ? IOREQD_NETWORK_CHECKSUM : 0), 0);
        network_turn_until(tap_is_there_again);
        open_far(false);
        for (unsigned i = 0; i < 64; i++) {
            say_udp(i);
        }
        network_turn_for(5);
        if (round % 4 == 1) {
            set_tap_up(false);
            network_turn_until(has_no_link);
            set_tap_up(true);
        } else if (round % 4 == 3) {
            delete_tap();
            network_turn_until(has_no_link);
            make_tap(IFF_TAP | IFF_MULTI_QUEUE);
            set_tap_up(true);
        }
    }
    network_turn_until(tap_is_there_again);
    ck_assert_int_eq(network_set_queue_pairs(network, 3), 0);
    atomic_store(&near_pair[2].counted, 0);
    for (unsigned i = 0; i < 200 && atomic_load(&near_pair[2].counted) == 0; i++) {
        open_far(false);
        for (unsigned flow = 0; flow < 64; flow++) {
            say_udp(flow);
        }
        network_turn_for(5);
    }
    ck_assert_uint_gt(atomic_load(&near_pair[2].counted), 0);
    ck_assert_uint_ge(atomic_load(&near_pair[2].connects), 4);
    for (unsigned i = 0; i < 2; i++) {
        loop_stop(loop[i]);
    }
    network_close(network);
    network = NULL;
    for (unsigned i = 0; i < 2; i++) {
        loop_destroy(loop[i]);
    }
}
END_TEST

static struct ioreqd_network_steering wanted_steering(const uint16_t *table, uint16_t entries)
{
    return (struct ioreqd_network_steering){.struct_size = sizeof(struct ioreqd_network_steering),
                                            .hash_types = IOREQD_NETWORK_HASH_UDPV4,
                                            .unclassified = 3,
                                            .entries = entries,
                                            .key_length = IOREQD_NETWORK_KEY_MOST,
                                            .table = table,
                                            .key = steering_key};
}

/* Where the table sends a packet of say_udp(). */
static unsigned pair_of(unsigned flow, const struct ioreqd_network_steering *steering)
{
    uint16_t port = htons(TAP_PORT), from = htons((uint16_t)(1000 + flow));
    uint8_t input[12] = "\12\0\0\1\12\0\0\2";

    memcpy(input + 8, &from, 2);
    memcpy(input + 10, &port, 2);
    return steering->table[toeplitz(input, 12) % steering->entries];
}

static void check_flows(const struct ioreqd_network_steering *steering)
{
    unsigned expected[NETWORK_NEAR] = {0};

    for (unsigned i = 0; i < NETWORK_NEAR; i++) {
        near_pair[i].counted = 0;
        near_pair[i].count = is_udp;
    }
    for (unsigned flow = 0; flow < 64; flow++) {
        expected[pair_of(flow, steering)]++;
        say_udp(flow);
    }
    turn_until_counted(64);
    for (unsigned i = 0; i < NETWORK_NEAR; i++) {
        ck_assert_uint_eq(atomic_load(&near_pair[i].counted), expected[i]);
        near_pair[i].counted = 0;
    }
}

/* Whether this kernel lets us load programs; else there is nothing to be tested, which is said. */
static bool steers(void)
{
    struct ioreqd_network_facts facts = {.struct_size = sizeof(facts)};

    network_facts(network, &facts);
    if (facts.hash_types == 0) {
        printf("networks: STEERING IS NOT TESTED WITH TAPS: no program can be loaded here\n");
    }
    return facts.hash_types != 0;
}

/* The table picks the pair, as it is, as it is changed, with an interface that is another, and no longer when it ends. */
START_TEST(steering)
{
    static const uint16_t table[] = {3, 1, 0, 2, 1, 1, 3, 0}, one[] = {2};
    struct ioreqd_network_steering many = wanted_steering(table, 8), single = wanted_steering(one, 1);

    open_tap();
    if (!steers()) {
        return;
    }
    for (unsigned i = 1; i < NETWORK_NEAR; i++) {
        ck_assert_int_eq(attach_pair(i, network_loop), 0);
    }
    ck_assert_int_eq(network_set_queue_pairs(network, NETWORK_NEAR), 0);
    set_tap_up(true);
    network_turn_until(has_link);
    open_far(false);
    ck_assert_int_eq(network_set_steering(network, &many), 0);
    check_flows(&many);
    ck_assert_int_eq(network_set_steering(network, &single), 0);
    check_flows(&single);
    near_pair[3].count = is_ours;
    far_says(100, 1); /* has no hash */
    turn_until_counted(1);
    ck_assert_uint_eq(atomic_load(&near_pair[3].counted), 1);
    ck_assert_int_eq(network_set_steering(network, &many), 0);
    delete_tap();
    network_turn_until(has_no_link);
    make_tap(IFF_TAP | IFF_NO_PI | IFF_VNET_HDR | IFF_MULTI_QUEUE);
    set_tap_up(true);
    network_turn_until(has_link);
    open_far(false);
    check_flows(&many);
    ck_assert_int_eq(network_set_steering(network, &single), 0);
    ck_assert_int_eq(network_set_steering(network, NULL), 0);
    for (unsigned flow = 0; flow < 64; flow++) {
        say_udp(flow);
    }
    turn_until_counted(64);
    ck_assert_uint_lt(atomic_load(&near_pair[2].counted), 64); /* the kernel spreads them again */
}
END_TEST

START_TEST(steering_that_is_refused)
{
    static const uint16_t table[] = {0, 256, 0, 0};
    struct ioreqd_network_steering wanted = wanted_steering(table, 1);

    open_tap();
    if (!steers()) {
        return;
    }
    ck_assert_int_eq(network_set_steering(network, &wanted), 0);
    wanted.entries = 2;
    ck_assert_int_eq(network_set_steering(network, &wanted), -EINVAL);
    wanted.entries = 0;
    ck_assert_int_eq(network_set_steering(network, &wanted), -EINVAL);
    wanted.entries = 3;
    ck_assert_int_eq(network_set_steering(network, &wanted), -EINVAL);
    wanted.entries = 256;
    ck_assert_int_eq(network_set_steering(network, &wanted), -EINVAL);
    wanted.entries = 1;
    wanted.key_length = IOREQD_NETWORK_KEY_MOST + 1;
    ck_assert_int_eq(network_set_steering(network, &wanted), -EINVAL);
    wanted.key_length = 0;
    wanted.hash_types = 0x40;
    ck_assert_int_eq(network_set_steering(network, &wanted), -EINVAL);
    wanted.hash_types = 0;
    wanted.unclassified = 256;
    ck_assert_int_eq(network_set_steering(network, &wanted), -EINVAL);
    wanted.unclassified = 0;
    ck_assert_int_eq(network_set_steering(network, &wanted), 0);
}
END_TEST

/* A tap of one queue has nothing to be steered. */
START_TEST(one_queue_is_not_steered)
{
    static const uint16_t table[] = {0};
    struct ioreqd_network_steering wanted = wanted_steering(table, 1);
    struct ioreqd_network_facts facts = {.struct_size = sizeof(facts)};

    make_tap(IFF_TAP | IFF_NO_PI | IFF_VNET_HDR);
    open_tap();
    network_facts(network, &facts);
    ck_assert_uint_eq(facts.hash_types, 0);
    ck_assert_int_eq(network_set_steering(network, &wanted), -EOPNOTSUPP);
    ck_assert_int_eq(network_set_steering(network, NULL), -EOPNOTSUPP);
}
END_TEST

TCase *tap_pairs_tests(void)
{
    TCase *group = tap_tests("pairs of a tap");

    tcase_add_test(group, several_pairs);
    tcase_add_test(group, threads);
    tcase_add_test(group, steering);
    tcase_add_test(group, steering_that_is_refused);
    tcase_add_test(group, one_queue_is_not_steered);
    return group;
}
