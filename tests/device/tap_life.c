/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Taps that go up and down, are deleted and made again, renamed, and moved to another namespace, while a device is at them.
 */
#define _GNU_SOURCE /* unshare() */
#include <errno.h>
#include <linux/if_tun.h>
#include <linux/rtnetlink.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "device/network_interface.h"
#include "tests/device/tap_bench.h"

START_TEST(up_and_down)
{
    make_tap(IFF_TAP | IFF_MULTI_QUEUE);
    open_tap();
    network_turn_for(5);
    ck_assert(!network_link(network));
    ck_assert_uint_eq(near_pair[0].connects, 0);
    set_tap_up(true);
    network_turn_until(has_link);
    network_turn_for(5);
    ck_assert_uint_eq(near_pair[0].connects, 1);
    set_tap_up(false);
    network_turn_until(has_no_link);
    network_turn_for(5);
    ck_assert_uint_eq(near_pair[0].connects, 2);
    ck_assert_int_eq(near_says(0, 100, 1), HEADER + 100);
    ck_assert_uint_eq(near_pair[0].writables, 0);
    network_want(network, 0, IOREQD_WRITABLE);
    network_turn_for(5);
    ck_assert_uint_gt(near_pair[0].writables, 0);
    ck_assert_uint_lt(network_idle_cost(), 50);
    set_tap_up(true);
    network_turn_until(has_link);
    open_far(false);
    far_says(100, 2);
    turn_until_counted(1);
}
END_TEST

/* Between its opening and the first turn of the loop. */
START_TEST(up_early)
{
    char reason[256];

    make_tap(IFF_TAP);
    ck_assert_int_eq(network_open("tap:" TAP_NAME, false, &network, reason, sizeof(reason)), 0);
    set_tap_up(true);
    ck_assert_int_eq(attach_pair(0, network_loop), 0);
    network_turn_until(has_link);
}
END_TEST

START_TEST(deleted)
{
    make_tap(IFF_TAP);
    set_tap_up(true);
    open_tap();
    network_turn_until(has_link);
    delete_tap();
    /* The device finds it out first. */
    ck_assert_int_eq(near_says(0, 100, 1), HEADER + 100);
    network_want(network, 0, IOREQD_READABLE | IOREQD_WRITABLE);
    network_turn_until(has_no_link);
    network_turn_for(5);
    ck_assert_uint_eq(near_pair[0].connects, 1);
    ck_assert_uint_ge(near_pair[0].writables, 1);
    ck_assert_uint_lt(network_idle_cost(), 50);
    ck_assert_int_eq(near_says(0, 100, 1), HEADER + 100);
    ck_assert_int_eq(network_set_offloads(network, IOREQD_NETWORK_CHECKSUM | IOREQD_NETWORK_TSO4), 0);
    ck_assert_uint_eq(if_nametoindex(TAP_NAME), 0);

    /* What is there now is of no use; then it is. */
    make_tap(IFF_TUN);
    network_turn_for(20);
    ck_assert(!network_link(network));
    delete_tap();
    make_tap(IFF_TAP);
    set_tap_up(true);
    network_turn_until(tap_is_there_again);
    network_turn_for(5);
    ck_assert_uint_eq(near_pair[0].connects, 2);
    open_far(false);
    far_says(100, 2);
    turn_until_counted(1);
    ck_assert_int_eq(near_says(0, 100, 3), HEADER + 100);
    far_hears(100, 3);
    near_pair[0].count = is_tcp;
    open_far(true);
    say_tso();
    turn_until_counted(2);
    ck_assert_int_eq(near_pair[0].length, HEADER + 54 + 3000);
}
END_TEST

/* Nobody uses the device while the interface goes. */
START_TEST(deleted_unseen)
{
    make_tap(IFF_TAP);
    set_tap_up(true);
    open_tap();
    network_turn_until(has_link);
    near_pair[0].lazy = true;
    network_want(network, 0, 0);
    delete_tap();
    network_turn_until(has_no_link);
    network_want(network, 0, IOREQD_READABLE);
    ck_assert_uint_lt(network_idle_cost(), 50);
}
END_TEST

/* Another namespace gets it: it goes on there. */
START_TEST(moved)
{
    int there[2], back[2];
    pid_t child;
    char byte = 0;

    make_tap(IFF_TAP);
    set_tap_up(true);
    open_tap();
    network_turn_until(has_link);
    ck_assert_int_eq(pipe(there), 0);
    ck_assert_int_eq(pipe(back), 0);
    child = fork();
    if (child == 0) {
        close(there[1]); /* whose end is ours */
        if (unshare(CLONE_NEWNET) != 0 || write(back[1], "", 1) != 1 || read(there[0], &byte, 1) != 1) {
            _exit(1);
        }
        open_tap_control();
        set_tap_up(true);
        open_far(false);
        far_says(100, 1);
        _exit(read(there[0], &byte, 1) == 0 ? 0 : 1);
    }
    ck_assert_int_eq(read(back[0], &byte, 1), 1);
    ask_for_tap(RTM_NEWLINK, IFLA_NET_NS_PID, (uint32_t)child);
    ck_assert_uint_eq(if_nametoindex(TAP_NAME), 0);
    network_turn_for(20);
    ck_assert_int_eq(write(there[1], "", 1), 1);
    turn_until_counted(1);
    ck_assert(has_link());
    close(there[0]);
    close(there[1]);
    close(back[0]);
    close(back[1]);
    ck_assert_int_eq(waitpid(child, NULL, 0), child);
}
END_TEST

START_TEST(renamed)
{
    struct ifreq request = {.ifr_name = TAP_NAME, .ifr_newname = "other"};

    make_tap(IFF_TAP);
    open_tap();
    ck_assert_int_eq(ask_tap(SIOCSIFNAME, &request), 0);
    network_turn_for(5);
    request = (struct ifreq){.ifr_name = "other", .ifr_flags = IFF_UP};
    ck_assert_int_eq(ask_tap(SIOCSIFFLAGS, &request), 0);
    network_turn_until(has_link);
}
END_TEST

START_TEST(interfaces)
{
    struct network_interface found;
    int descriptor = network_interface_listen();

    ck_assert_int_ge(descriptor, 0);
    ck_assert_int_eq(network_interface_find(0, "nothing", &found), -ENODEV);
    ck_assert_int_eq(network_interface_find(4711, "lo", &found), -ENODEV);
    ck_assert_int_eq(network_interface_find(0, "lo", &found), 0);
    ck_assert_uint_eq(found.index, if_nametoindex("lo"));
    ck_assert_str_eq(found.name, "lo");
    ck_assert_uint_eq(found.mtu, 65536);
    ck_assert(!found.is_tap && !found.up);
    ck_assert(!network_interface_heard(descriptor, 0, TAP_NAME));
    make_tap(IFF_TAP | IFF_MULTI_QUEUE);
    ck_assert(network_interface_heard(descriptor, 0, TAP_NAME));
    set_tap_up(true);
    ck_assert(!network_interface_heard(descriptor, 4711, "other"));
    ck_assert_int_eq(network_interface_find(if_nametoindex(TAP_NAME), "other", &found), 0);
    ck_assert_str_eq(found.kind, "tun");
    ck_assert(found.is_tap && found.multi_queue);
    ck_assert_uint_eq(found.queues, 0);
    close(descriptor);
}
END_TEST

TCase *tap_life_tests(void)
{
    TCase *group = tap_tests("life of a tap");

    tcase_add_test(group, up_and_down);
    tcase_add_test(group, up_early);
    tcase_add_test(group, deleted);
    tcase_add_test(group, deleted_unseen);
    tcase_add_test(group, moved);
    tcase_add_test(group, renamed);
    tcase_add_test(group, interfaces);
    return group;
}
