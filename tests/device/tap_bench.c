/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Taps for tests, see tap_bench.h.
 */
#define _GNU_SOURCE /* unshare() */
#include "tests/device/tap_bench.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <linux/rtnetlink.h>
#include <linux/virtio_net.h>
#include <net/ethernet.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROTOCOL 0x88b5 /* for experiments (IEEE 802) */

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
    struct ifreq request = {.ifr_name = TAP_NAME, .ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR | IFF_MULTI_QUEUE};
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
int why_no_taps(void)
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

void set_tap_up(bool up)
{
    struct ifreq request = {.ifr_name = TAP_NAME};

    ck_assert_int_eq(ioctl(control, SIOCGIFFLAGS, &request), 0);
    request.ifr_flags = (short)(up ? request.ifr_flags | IFF_UP : request.ifr_flags & ~IFF_UP);
    ck_assert_int_eq(ioctl(control, SIOCSIFFLAGS, &request), 0);
}

void make_tap(short flags)
{
    struct ifreq request = {.ifr_name = TAP_NAME, .ifr_flags = flags};
    int descriptor = open("/dev/net/tun", O_RDWR);

    ck_assert_int_ge(descriptor, 0);
    ck_assert_int_eq(ioctl(descriptor, TUNSETIFF, &request), 0);
    ck_assert_int_eq(ioctl(descriptor, TUNSETPERSIST, 1), 0);
    close(descriptor);
}

/* Asks for something to be done with the tap, with one attribute. */
void ask_for_tap(uint16_t type, uint16_t attribute, uint32_t number)
{
    struct {
        struct nlmsghdr header;
        struct ifinfomsg info;
        struct rtattr attribute;
        uint32_t number;
    } request = {
        .header = {.nlmsg_len = sizeof(request), .nlmsg_type = type, .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK},
        .info = {.ifi_index = (int)if_nametoindex(TAP_NAME)},
        .attribute = {.rta_len = sizeof(struct rtattr) + sizeof(uint32_t), .rta_type = attribute},
        .number = number,
    };
    int descriptor = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
    char answer[256];

    ck_assert_int_eq(send(descriptor, &request, sizeof(request), 0), sizeof(request));
    ck_assert_int_gt(recv(descriptor, answer, sizeof(answer), 0), 0);
    close(descriptor);
}

void delete_tap(void)
{
    ask_for_tap(RTM_DELLINK, IFLA_GROUP, 0);
    ck_assert_uint_eq(if_nametoindex(TAP_NAME), 0);
}

/* A packet socket at the tap. */
void open_far(bool with_header)
{
    struct sockaddr_ll address = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL)};
    int on = 1;

    if (far >= 0) {
        close(far);
    }
    far = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK, htons(ETH_P_ALL));
    ck_assert_int_ge(far, 0);
    address.sll_ifindex = (int)if_nametoindex(TAP_NAME);
    if (with_header) {
        ck_assert_int_eq(setsockopt(far, SOL_PACKET, PACKET_VNET_HDR, &on, sizeof(on)), 0);
    }
    ck_assert_int_eq(bind(far, (struct sockaddr *)&address, sizeof(address)), 0);
}

void open_tap_control(void)
{
    if (control >= 0) {
        close(control);
    }
    control = socket(AF_INET, SOCK_DGRAM, 0);
    ck_assert_int_ge(control, 0);
}

static void prepare_tap(void)
{
    ck_assert_int_eq(enter_namespace(), 0);
    open_tap_control();
    open_network_bench();
}

static void tidy_tap(void)
{
    close_network_bench();
    expect_descriptors(far >= 0);
    close(far);
    close(control);
}

TCase *tap_tests(const char *name)
{
    TCase *group = tcase_create(name);

    tcase_add_checked_fixture(group, prepare_tap, tidy_tap);
    tcase_set_timeout(group, 60);
    return group;
}

int ask_tap(unsigned long what, struct ifreq *request)
{
    return ioctl(control, what, request);
}

bool tap_is_there_again(void)
{
    return if_nametoindex(TAP_NAME) != 0 && has_link();
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

bool is_ours(const uint8_t *packet, size_t length)
{
    return length >= 14 && packet[12] == PROTOCOL >> 8 && packet[13] == (PROTOCOL & 0xff);
}

/* What comes out of the tap next that is ours. */
void far_says(size_t length, unsigned salt)
{
    uint8_t packet[2048];

    make_ours(packet, length, salt);
    ck_assert_int_eq(send(far, packet, length, 0), (int)length);
}

int near_says(unsigned pair, size_t length, unsigned salt)
{
    uint8_t packet[HEADER + 2048] = {0};

    make_ours(packet + HEADER, length, salt);
    return network_write(network, pair, (struct iovec[2]){{packet, 20}, {packet + 20, HEADER + length - 20}}, 2);
}

void far_hears(size_t length, unsigned salt)
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
void say_udp(unsigned flow)
{
    uint8_t packet[60] = {0};
    uint16_t port = htons(TAP_PORT), from = htons((uint16_t)(1000 + flow));

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

bool is_udp(const uint8_t *packet, size_t length)
{
    return length >= 42 && packet[12] == 8 && packet[23] == 17 && packet[36] == TAP_PORT >> 8 &&
           packet[37] == (TAP_PORT & 0xff);
}

/* A TCP packet that is still to be cut into three. */
void say_tso(void)
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

bool is_tcp(const uint8_t *packet, size_t length)
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

void turn_until_counted(unsigned packets)
{
    wanted_packets = packets;
    network_turn_until(enough);
}

void open_tap(void)
{
    open_network("tap:" TAP_NAME);
    near_pair[0].count = is_ours;
}
