/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Networks through taps, each test in a network namespace of its own, where the process may make interfaces. On a
 * machine that has no /dev/net/tun, or grants no namespace, they are left out, and a line says so.
 *
 * The far end is a packet socket at the interface: what it sends comes out of the tap.
 */
#define _GNU_SOURCE /* unshare() */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <linux/rtnetlink.h>
#include <linux/virtio_net.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "device/network_interface.h"
#include "tests/device/network_bench.h"

#define NAME     "vif7.0"
#define PROTOCOL 0x88b5 /* for experiments (IEEE 802) */
#define PORT     7777

static int control = -1; /* a socket for ioctl() */
static int far = -1;

/* ---- the namespace ---- */

static int put(const char *path, const char *text)
{
    int descriptor = open(path, O_WRONLY | O_CLOEXEC);
    ssize_t count = descriptor >= 0 ? write(descriptor, text, strlen(text)) : -1;

    if (descriptor >= 0) {
        close(descriptor);
    }
    return count == (ssize_t)strlen(text) ? 0 : -1;
}

/* A new network namespace: root's own, or that of a user who is root in a namespace alone. */
static int enter_namespace(void)
{
    char map[64];

    if (unshare(CLONE_NEWNET) == 0) {
        return 0;
    }
    snprintf(map, sizeof(map), "0 %u 1", (unsigned)geteuid());
    return unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0 && put("/proc/self/uid_map", map) == 0 ? 0 : -1;
}

static int try_tap(void)
{
    struct ifreq request = {.ifr_name = NAME, .ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR | IFF_MULTI_QUEUE};
    int descriptor;

    if (enter_namespace() != 0) {
        return errno;
    }
    descriptor = open("/dev/net/tun", O_RDWR);
    if (descriptor < 0 || ioctl(descriptor, TUNSETIFF, &request) != 0) {
        return errno;
    }
    return 0;
}

/* Why there are no taps here, as an errno; 0: there are. */
static int find_out(void)
{
    pid_t child = fork();
    int status = 0;

    if (child == 0) {
        _exit(try_tap());
    }
    if (child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status)) {
        return ECHILD;
    }
    return WEXITSTATUS(status);
}

/* ---- interfaces ---- */

static void set_up(bool up)
{
    struct ifreq request = {.ifr_name = NAME};

    ck_assert_int_eq(ioctl(control, SIOCGIFFLAGS, &request), 0);
    request.ifr_flags = (short)(up ? request.ifr_flags | IFF_UP : request.ifr_flags & ~IFF_UP);
    ck_assert_int_eq(ioctl(control, SIOCSIFFLAGS, &request), 0);
}

static void make_tap(short flags)
{
    struct ifreq request = {.ifr_name = NAME, .ifr_flags = flags};
    int descriptor = open("/dev/net/tun", O_RDWR);

    ck_assert_int_ge(descriptor, 0);
    ck_assert_int_eq(ioctl(descriptor, TUNSETIFF, &request), 0);
    ck_assert_int_eq(ioctl(descriptor, TUNSETPERSIST, 1), 0);
    close(descriptor);
}

/* Asks for something to be done with the tap, with one attribute. */
static void ask_for(uint16_t type, uint16_t attribute, uint32_t number)
{
    struct {
        struct nlmsghdr header;
        struct ifinfomsg info;
        struct rtattr attribute;
        uint32_t number;
    } request = {
        .header = {.nlmsg_len = sizeof(request), .nlmsg_type = type, .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK},
        .info = {.ifi_index = (int)if_nametoindex(NAME)},
        .attribute = {.rta_len = sizeof(struct rtattr) + sizeof(uint32_t), .rta_type = attribute},
        .number = number,
    };
    int descriptor = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
    char answer[256];

    ck_assert_int_eq(send(descriptor, &request, sizeof(request), 0), sizeof(request));
    ck_assert_int_gt(recv(descriptor, answer, sizeof(answer), 0), 0);
    close(descriptor);
}

static void delete_tap(void)
{
    ask_for(RTM_DELLINK, IFLA_GROUP, 0);
    ck_assert_uint_eq(if_nametoindex(NAME), 0);
}

/* A packet socket at the tap. */
static void open_far(bool with_header)
{
    struct sockaddr_ll address = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL)};
    int on = 1;

    if (far >= 0) {
        close(far);
    }
    far = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK, htons(ETH_P_ALL));
    ck_assert_int_ge(far, 0);
    address.sll_ifindex = (int)if_nametoindex(NAME);
    if (with_header) {
        ck_assert_int_eq(setsockopt(far, SOL_PACKET, PACKET_VNET_HDR, &on, sizeof(on)), 0);
    }
    ck_assert_int_eq(bind(far, (struct sockaddr *)&address, sizeof(address)), 0);
}

static void prepare(void)
{
    ck_assert_int_eq(enter_namespace(), 0);
    control = socket(AF_INET, SOCK_DGRAM, 0);
    ck_assert_int_ge(control, 0);
    open_network_bench();
}

static void tidy(void)
{
    close_network_bench();
    expect_descriptors(far >= 0);
    close(far);
    close(control);
}

/* ---- packets ---- */

static void make_ours(uint8_t *packet, size_t length, unsigned salt)
{
    make_packet(packet, length, salt);
    memset(packet, 0xff, 6);
    memset(packet + 6, 2, 6);
    packet[12] = PROTOCOL >> 8;
    packet[13] = PROTOCOL & 0xff;
}

static bool is_ours(const uint8_t *packet, size_t length)
{
    return length >= 14 && packet[12] == PROTOCOL >> 8 && packet[13] == (PROTOCOL & 0xff);
}

/* What comes out of the tap next that is ours. */
static void far_says(size_t length, unsigned salt)
{
    uint8_t packet[2048];

    make_ours(packet, length, salt);
    ck_assert_int_eq(send(far, packet, length, 0), (int)length);
}

static int near_says(unsigned pair, size_t length, unsigned salt)
{
    uint8_t packet[HEADER + 2048] = {0};

    make_ours(packet + HEADER, length, salt);
    return network_write(network, pair, (struct iovec[2]){{packet, 20}, {packet + 20, HEADER + length - 20}}, 2);
}

static void far_hears(size_t length, unsigned salt)
{
    uint8_t packet[2048], expected[2048];
    ssize_t count;

    make_ours(expected, length, salt);
    do {
        count = recv(far, packet, sizeof(packet), 0);
        ck_assert_int_gt(count, 0);
    } while (!is_ours(packet, (size_t)count));
    ck_assert_int_eq(count, (int)length);
    ck_assert_mem_eq(packet, expected, length);
}

/* A UDP packet of a flow. */
static void say_udp(unsigned flow)
{
    uint8_t packet[60] = {0};
    uint16_t port = htons(PORT), from = htons((uint16_t)(1000 + flow));

    memset(packet, 0xff, 6);
    memset(packet + 6, 2, 6);
    packet[12] = 8;
    packet[14] = 0x45;
    packet[17] = 46;
    packet[22] = 64;
    packet[23] = 17;
    memcpy(packet + 26, "\12\0\0\1\12\0\0\2", 8);
    memcpy(packet + 34, &from, 2);
    memcpy(packet + 36, &port, 2);
    packet[39] = 26;
    ck_assert_int_eq(send(far, packet, sizeof(packet), 0), sizeof(packet));
}

static bool is_udp(const uint8_t *packet, size_t length)
{
    return length >= 42 && packet[12] == 8 && packet[23] == 17 && packet[36] == PORT >> 8 &&
           packet[37] == (PORT & 0xff);
}

/* A TCP packet that is still to be cut into three. */
static void say_tso(void)
{
    struct {
        struct virtio_net_hdr header;
        uint8_t packet[54 + 3 * 1000];
    } all = {.header = {.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
                        .gso_type = VIRTIO_NET_HDR_GSO_TCPV4,
                        .hdr_len = 54,
                        .gso_size = 1000,
                        .csum_start = 34,
                        .csum_offset = 16}};
    uint16_t length = htons(40 + 3000);

    memset(all.packet, 0xff, 6);
    memset(all.packet + 6, 2, 6);
    all.packet[12] = 8;
    all.packet[14] = 0x45;
    memcpy(all.packet + 16, &length, 2);
    all.packet[22] = 64;
    all.packet[23] = 6;
    memcpy(all.packet + 26, "\12\0\0\1\12\0\0\2", 8);
    all.packet[46] = 0x50;
    all.packet[47] = 0x10;
    ck_assert_int_eq(send(far, &all, sizeof(all), 0), sizeof(all));
}

static bool is_tcp(const uint8_t *packet, size_t length)
{
    return length >= 54 && packet[12] == 8 && packet[23] == 6;
}

static unsigned wanted_packets;

static bool enough(void)
{
    unsigned sum = 0;

    for (unsigned i = 0; i < NETWORK_NEAR; i++) {
        sum += atomic_load(&near_pair[i].counted);
    }
    return sum >= wanted_packets;
}

static void turn_until_counted(unsigned packets)
{
    wanted_packets = packets;
    network_turn_until(enough);
}

static void open_tap(void)
{
    open_network("tap:" NAME);
    near_pair[0].count = is_ours;
}

/* ---- tests ---- */

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
    set_up(true);
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
    set_up(true);
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

START_TEST(up_and_down)
{
    make_tap(IFF_TAP | IFF_MULTI_QUEUE);
    open_tap();
    network_turn_for(5);
    ck_assert(!network_link(network));
    ck_assert_uint_eq(near_pair[0].connects, 0);
    set_up(true);
    network_turn_until(has_link);
    network_turn_for(5);
    ck_assert_uint_eq(near_pair[0].connects, 1);
    set_up(false);
    network_turn_until(has_no_link);
    network_turn_for(5);
    ck_assert_uint_eq(near_pair[0].connects, 2);
    ck_assert_int_eq(near_says(0, 100, 1), HEADER + 100);
    ck_assert_uint_eq(near_pair[0].writables, 0);
    network_want(network, 0, IOREQD_WRITABLE);
    network_turn_for(5);
    ck_assert_uint_gt(near_pair[0].writables, 0);
    ck_assert_uint_lt(network_idle_cost(), 50);
    set_up(true);
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
    ck_assert_int_eq(network_open("tap:" NAME, false, &network, reason, sizeof(reason)), 0);
    set_up(true);
    ck_assert_int_eq(attach_pair(0, network_loop), 0);
    network_turn_until(has_link);
}
END_TEST

static bool there_again(void)
{
    return if_nametoindex(NAME) != 0 && has_link();
}

START_TEST(deleted)
{
    make_tap(IFF_TAP);
    set_up(true);
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
    ck_assert_uint_eq(if_nametoindex(NAME), 0);

    /* What is there now is of no use; then it is. */
    make_tap(IFF_TUN);
    network_turn_for(20);
    ck_assert(!network_link(network));
    delete_tap();
    make_tap(IFF_TAP);
    set_up(true);
    network_turn_until(there_again);
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
    set_up(true);
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
    set_up(true);
    open_tap();
    network_turn_until(has_link);
    ck_assert_int_eq(pipe(there), 0);
    ck_assert_int_eq(pipe(back), 0);
    child = fork();
    if (child == 0) {
        close(control);
        close(there[1]); /* whose end is ours */
        if (unshare(CLONE_NEWNET) != 0 || write(back[1], "", 1) != 1 || read(there[0], &byte, 1) != 1) {
            _exit(1);
        }
        control = socket(AF_INET, SOCK_DGRAM, 0);
        set_up(true);
        open_far(false);
        far_says(100, 1);
        _exit(read(there[0], &byte, 1) == 0 ? 0 : 1);
    }
    ck_assert_int_eq(read(back[0], &byte, 1), 1);
    ask_for(RTM_NEWLINK, IFLA_NET_NS_PID, (uint32_t)child);
    ck_assert_uint_eq(if_nametoindex(NAME), 0);
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
    struct ifreq request = {.ifr_name = NAME, .ifr_newname = "other"};

    make_tap(IFF_TAP);
    open_tap();
    ck_assert_int_eq(ioctl(control, SIOCSIFNAME, &request), 0);
    network_turn_for(5);
    request = (struct ifreq){.ifr_name = "other", .ifr_flags = IFF_UP};
    ck_assert_int_eq(ioctl(control, SIOCSIFFLAGS, &request), 0);
    network_turn_until(has_link);
}
END_TEST

START_TEST(offloads)
{
    open_tap();
    near_pair[0].count = is_tcp;
    set_up(true);
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

START_TEST(several_pairs)
{
    unsigned before;

    make_tap(IFF_TAP | IFF_MULTI_QUEUE);
    set_up(true);
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
    set_up(true);
    network_turn_until(there_again);
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

static void *end_of_thread(void *argument)
{
    loop_stop(argument);
    return NULL;
}

/* Each pair on a thread, while the interface goes and comes and queues come into use and go. */
START_TEST(threads)
{
    struct ioreqd_loop *loop[2];

    make_tap(IFF_TAP | IFF_MULTI_QUEUE);
    set_up(true);
    open_network("tap:" NAME);
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
        network_turn_until(there_again);
        open_far(false);
        for (unsigned i = 0; i < 64; i++) {
            say_udp(i);
        }
        network_turn_for(5);
        if (round % 4 == 1) {
            set_up(false);
            network_turn_until(has_no_link);
            set_up(true);
        } else if (round % 4 == 3) {
            delete_tap();
            network_turn_until(has_no_link);
            make_tap(IFF_TAP | IFF_MULTI_QUEUE);
            set_up(true);
        }
    }
    network_turn_until(there_again);
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
        end_of_thread(loop[i]);
    }
    network_close(network);
    network = NULL;
    for (unsigned i = 0; i < 2; i++) {
        loop_destroy(loop[i]);
    }
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
        ck_assert_str_eq(network_refusal("tap:" NAME, check != 0, &error),
                         "the interface is no tap, but of kind tun: name another one, or make one: "
                         "ip tuntap add dev NAME mode tap");
        delete_tap();
    }
    /* A check makes nothing. */
    ck_assert_int_eq(network_open("tap:" NAME, true, &opened, reason, sizeof(reason)), 0);
    ck_assert_uint_eq(if_nametoindex(NAME), 0);
}
END_TEST

static const short kinds_of_taps[] = {IFF_TAP, IFF_TAP | IFF_MULTI_QUEUE};

START_TEST(used_by_another_process)
{
    char reason[256];
    struct ioreqd_network *opened;
    int error;

    make_tap(kinds_of_taps[_i]);
    ck_assert_int_eq(network_open("tap:" NAME, true, &opened, reason, sizeof(reason)), 0);
    open_tap();
    for (int check = 0; check < 2; check++) {
        ck_assert_str_eq(network_refusal("tap:" NAME, check != 0, &error),
                         "another process uses the tap: end that one, or name another tap");
        ck_assert_int_eq(error, EBUSY);
    }
    network_close(network);
    network = NULL;
    open_tap();
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
    ck_assert(!network_interface_heard(descriptor, 0, NAME));
    make_tap(IFF_TAP | IFF_MULTI_QUEUE);
    ck_assert(network_interface_heard(descriptor, 0, NAME));
    set_up(true);
    ck_assert(!network_interface_heard(descriptor, 4711, "other"));
    ck_assert_int_eq(network_interface_find(if_nametoindex(NAME), "other", &found), 0);
    ck_assert_str_eq(found.kind, "tun");
    ck_assert(found.is_tap && found.multi_queue);
    ck_assert_uint_eq(found.queues, 0);
    close(descriptor);
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
    uint16_t port = htons(PORT), from = htons((uint16_t)(1000 + flow));
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
    set_up(true);
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
    set_up(true);
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

static TCase *tap_tests(void)
{
    TCase *group = tcase_create("network tap");

    tcase_add_checked_fixture(group, prepare, tidy);
    tcase_set_timeout(group, 60);
    tcase_add_test(group, both_ways);
    tcase_add_test(group, too_long_for_the_device);
    tcase_add_test(group, up_and_down);
    tcase_add_test(group, up_early);
    tcase_add_test(group, deleted);
    tcase_add_test(group, deleted_unseen);
    tcase_add_test(group, moved);
    tcase_add_test(group, renamed);
    tcase_add_test(group, offloads);
    tcase_add_test(group, several_pairs);
    tcase_add_test(group, threads);
    tcase_add_test(group, one_queue_only);
    tcase_add_test(group, steering);
    tcase_add_test(group, steering_that_is_refused);
    tcase_add_test(group, one_queue_is_not_steered);
    tcase_add_test(group, refused);
    tcase_add_loop_test(group, used_by_another_process, 0, 2);
    tcase_add_test(group, interfaces);
    return group;
}

int main(void)
{
    int missing = find_out();
    SRunner *runner;
    Suite *suite;
    int failed;

    if (missing != 0) {
        printf("networks: TAPS ARE NOT TESTED: no tap can be made in a namespace here: %s\n", strerror(missing));
        return EXIT_SUCCESS;
    }
    suite = suite_create("taps");
    suite_add_tcase(suite, tap_tests());
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
