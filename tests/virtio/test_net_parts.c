/* SPDX-License-Identifier: BSD-2-Clause */
/* The pure functions of virtio-net: feature sets, headers, filters. */
#include <string.h>

#include "devices/virtio-net/header.h"
#include "tests/virtio/net_driver.h"

#define ALL_OFFLOADS                                                                                                   \
    (IOREQD_NETWORK_CHECKSUM | IOREQD_NETWORK_TSO4 | IOREQD_NETWORK_TSO6 | IOREQD_NETWORK_ECN | IOREQD_NETWORK_UFO |   \
     IOREQD_NETWORK_USO)

static const struct requirement {
    unsigned feature, needs, or_else;
} requirements[] = {
    {NET_F_GUEST_TSO4, NET_F_GUEST_CSUM, NET_F_GUEST_CSUM},
    {NET_F_GUEST_TSO6, NET_F_GUEST_CSUM, NET_F_GUEST_CSUM},
    {NET_F_GUEST_ECN, NET_F_GUEST_TSO4, NET_F_GUEST_TSO6},
    {NET_F_GUEST_UFO, NET_F_GUEST_CSUM, NET_F_GUEST_CSUM},
    {NET_F_GUEST_USO4, NET_F_GUEST_CSUM, NET_F_GUEST_CSUM},
    {NET_F_GUEST_USO6, NET_F_GUEST_CSUM, NET_F_GUEST_CSUM},
    {NET_F_HOST_TSO4, NET_F_CSUM, NET_F_CSUM},
    {NET_F_HOST_TSO6, NET_F_CSUM, NET_F_CSUM},
    {NET_F_HOST_ECN, NET_F_HOST_TSO4, NET_F_HOST_TSO6},
    {NET_F_HOST_UFO, NET_F_CSUM, NET_F_CSUM},
    {NET_F_HOST_USO, NET_F_CSUM, NET_F_CSUM},
    {NET_F_CTRL_RX, NET_F_CTRL_VQ, NET_F_CTRL_VQ},
    {NET_F_CTRL_VLAN, NET_F_CTRL_VQ, NET_F_CTRL_VQ},
    {NET_F_GUEST_ANNOUNCE, NET_F_CTRL_VQ, NET_F_CTRL_VQ},
    {NET_F_MQ, NET_F_CTRL_VQ, NET_F_CTRL_VQ},
    {NET_F_CTRL_MAC_ADDR, NET_F_CTRL_VQ, NET_F_CTRL_VQ},
    {NET_F_NOTF_COAL, NET_F_CTRL_VQ, NET_F_CTRL_VQ},
    {NET_F_VQ_NOTF_COAL, NET_F_CTRL_VQ, NET_F_CTRL_VQ},
    {NET_F_RSS, NET_F_CTRL_VQ, NET_F_CTRL_VQ},
};

/* §5.1.3.1 */
START_TEST(requirements_of_features)
{
    const struct requirement *one = &requirements[_i];
    uint64_t all = net_features_offered(ALL_OFFLOADS) | NET_BIT(NET_F_MQ) | NET_BIT(NET_F_MTU) | NET_BIT(NET_F_RSS);
    uint64_t without = all & ~NET_BIT(one->needs) & ~NET_BIT(one->or_else);

    ck_assert(net_features_complete(all));
    ck_assert(!net_features_complete(NET_BIT(one->feature)));
    ck_assert(!net_features_complete(without));
    /* Either of two is enough for it. */
    ck_assert(!net_features_complete(all & ~NET_BIT(one->or_else) & ~NET_BIT(one->needs)));
    if (one->needs != one->or_else) {
        ck_assert(net_features_complete(all & ~NET_BIT(one->needs)));
        ck_assert(net_features_complete(all & ~NET_BIT(one->or_else)));
    }
}
END_TEST

START_TEST(offers_follow_the_network)
{
    uint64_t none = net_features_offered(0);
    uint64_t segments_alone = net_features_offered(IOREQD_NETWORK_TSO4 | IOREQD_NETWORK_ECN);

    ck_assert((none & (HOST_OFFLOADS | GUEST_OFFLOADS | NET_BIT(NET_F_CTRL_GUEST_OFFLOADS))) == 0);
    ck_assert((segments_alone & (HOST_OFFLOADS | GUEST_OFFLOADS)) == 0); /* nothing of it is of use without checksums */
    ck_assert((net_features_offered(ALL_OFFLOADS) & (HOST_OFFLOADS | GUEST_OFFLOADS)) ==
              (HOST_OFFLOADS | GUEST_OFFLOADS));
    for (uint32_t offloads = 0; offloads < 64; offloads++) {
        ck_assert(net_features_complete(net_features_offered(offloads)));
    }
}
END_TEST

START_TEST(names_of_offloads)
{
    uint64_t all = HOST_OFFLOADS | GUEST_OFFLOADS;

    ck_assert_uint_eq(net_features_to_guest(all), ALL_OFFLOADS);
    ck_assert_uint_eq(net_features_from_guest(all), ALL_OFFLOADS);
    ck_assert_uint_eq(net_features_to_guest(HOST_OFFLOADS), 0);
    ck_assert_uint_eq(net_features_from_guest(GUEST_OFFLOADS), 0);
    /* The network cannot send one kind alone. */
    ck_assert_uint_eq(net_features_to_guest(all & ~NET_BIT(NET_F_GUEST_USO6)), ALL_OFFLOADS & ~IOREQD_NETWORK_USO);
    ck_assert_uint_eq(net_features_to_guest(all & ~NET_BIT(NET_F_GUEST_USO4)), ALL_OFFLOADS & ~IOREQD_NETWORK_USO);
}
END_TEST

/* flags, type, hdr_len, gso_size, csum_start, csum_offset, and what it is without which offload. */
static const struct header_case {
    uint8_t flags, type;
    uint16_t hdr_len, gso_size, start, offset;
    uint32_t offloads;
    bool good;
} headers[] = {
    {0, 0, 0, 0, 0, 0, 0, true},
    {1, 0, 0, 0, 34, 16, ALL_OFFLOADS, true},
    {1, 0, 0, 0, 34, 16, ALL_OFFLOADS & ~IOREQD_NETWORK_CHECKSUM, false},
    {1, 0, 0, 0, 82, 16, ALL_OFFLOADS, true},  /* the last place there is in 100 bytes */
    {1, 0, 0, 0, 83, 16, ALL_OFFLOADS, false}, /* one further */
    {1, 0, 0, 0, 0xffff, 0xffff, ALL_OFFLOADS, false},
    {0, 0, 0, 0, 0xffff, 0xffff, ALL_OFFLOADS, true}, /* not used, so not wrong (§5.1.9.2.2) */
    {0xfe, 0, 0, 0, 0, 0, 0, true},                   /* unknown flags are ignored */
    {1, 1, 54, 1448, 34, 16, ALL_OFFLOADS, true},
    {1, 1, 54, 1448, 34, 16, ALL_OFFLOADS & ~IOREQD_NETWORK_TSO4, false},
    {1, 4, 54, 1448, 34, 16, ALL_OFFLOADS, true},
    {1, 4, 54, 1448, 34, 16, ALL_OFFLOADS & ~IOREQD_NETWORK_TSO6, false},
    {1, 3, 54, 1448, 34, 16, ALL_OFFLOADS, true},
    {1, 3, 54, 1448, 34, 16, ALL_OFFLOADS & ~IOREQD_NETWORK_UFO, false},
    {1, 5, 54, 1448, 34, 16, ALL_OFFLOADS, true},
    {1, 5, 54, 1448, 34, 16, ALL_OFFLOADS & ~IOREQD_NETWORK_USO, false},
    {1, 0x81, 54, 1448, 34, 16, ALL_OFFLOADS, true},
    {1, 0x84, 54, 1448, 34, 16, ALL_OFFLOADS, true},
    {1, 0x81, 54, 1448, 34, 16, ALL_OFFLOADS & ~IOREQD_NETWORK_ECN, false},
    {1, 0x85, 54, 1448, 34, 16, ALL_OFFLOADS, false}, /* ECN is TCP's */
    {0, 0x80, 54, 1448, 34, 16, 0, true},             /* nothing to cut */
    {0, 1, 54, 1448, 34, 16, ALL_OFFLOADS, false},    /* without a checksum */
    {1, 1, 54, 0, 34, 16, ALL_OFFLOADS, false},
    {1, 2, 54, 1448, 34, 16, ALL_OFFLOADS, false}, /* no such type */
    {1, 0x21, 54, 1448, 34, 16, ALL_OFFLOADS, false},
    {1, 0x61, 54, 1448, 34, 16, ALL_OFFLOADS, false},
    {1, 1, 0xffff, 1448, 34, 16, ALL_OFFLOADS, true}, /* a hint only */
};

static void put_header(uint8_t header[12], const struct header_case *one)
{
    const uint16_t words[] = {one->hdr_len, one->gso_size, one->start, one->offset, 0x1234};

    header[0] = one->flags;
    header[1] = one->type;
    memcpy(header + 2, words, sizeof(words));
}

START_TEST(headers_are_checked)
{
    const struct header_case *one = &headers[_i];
    uint8_t header[12];
    uint16_t hdr_len;

    put_header(header, one);
    ck_assert_int_eq(net_header_from_guest(header, 100, one->offloads) == NULL, one->good);
    memcpy(&hdr_len, header + 2, 2);
    ck_assert_uint_le(hdr_len, 100);
    ck_assert_uint_eq(header[0] & ~1u, 0);
    ck_assert_uint_eq(header[10] | header[11], 0);
    put_header(header, one);
    ck_assert_int_eq(net_header_to_guest(header, 100, one->offloads) == NULL, one->good);
    ck_assert_uint_eq(header[0] & ~3u, 0);
    ck_assert_uint_eq(header[10], 1);
    ck_assert_uint_eq(header[11], 0);
    if ((one->offloads & IOREQD_NETWORK_CHECKSUM) == 0 && one->good) {
        ck_assert_uint_eq(header[0], 0); /* §5.1.9.4.1 */
    }
}
END_TEST

static const uint8_t own[6] = {2, 0, 0, 0, 0, 1}, other[6] = {2, 0, 0, 0, 0, 2}, listed[6] = {2, 0, 0, 0, 0, 3},
                     group[6] = {1, 0, 0x5e, 0, 0, 1}, joined[6] = {1, 0, 0x5e, 0, 0, 2},
                     all[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

static bool passes(const struct net_filter *filter, const uint8_t to[6], int vlan)
{
    uint8_t packet[64] = {0};

    memcpy(packet, to, 6);
    if (vlan >= 0) {
        packet[12] = 0x81;
        packet[14] = (uint8_t)(0xe0 | vlan >> 8); /* with a priority */
        packet[15] = (uint8_t)vlan;
    }
    return net_filter_passes(filter, own, packet, sizeof(packet));
}

static struct net_filter filter;

static void make_filter(void)
{
    memset(&filter, 0, sizeof(filter));
    filter.set = 1;
    filter.unicast.count = 1;
    memcpy(filter.unicast.address[0], listed, 6);
    filter.multicast.count = 1;
    memcpy(filter.multicast.address[0], joined, 6);
}

START_TEST(filter_by_address)
{
    make_filter();
    ck_assert(passes(&filter, own, -1) && passes(&filter, listed, -1) && passes(&filter, joined, -1));
    ck_assert(passes(&filter, all, -1));
    ck_assert(!passes(&filter, other, -1) && !passes(&filter, group, -1));
    filter.unicast.all = 1;
    ck_assert(passes(&filter, other, -1) && !passes(&filter, group, -1));
    filter.unicast.all = 0;
    filter.multicast.all = 1;
    ck_assert(!passes(&filter, other, -1) && passes(&filter, group, -1));
    filter.multicast.all = 0;
    filter.set = 0;
    ck_assert(passes(&filter, other, -1) && passes(&filter, group, -1));
}
END_TEST

START_TEST(filter_by_mode)
{
    make_filter();
    filter.mode[NET_MODE_ALL_MULTICAST] = 1;
    ck_assert(passes(&filter, group, -1) && !passes(&filter, other, -1));
    filter.mode[NET_MODE_NO_MULTICAST] = 1;
    ck_assert(!passes(&filter, group, -1) && !passes(&filter, joined, -1) && passes(&filter, all, -1));
    filter.mode[NET_MODE_ALL_UNICAST] = 1;
    ck_assert(passes(&filter, other, -1));
    filter.mode[NET_MODE_NO_UNICAST] = 1;
    ck_assert(!passes(&filter, other, -1) && !passes(&filter, own, -1) && passes(&filter, all, -1));
    filter.mode[NET_MODE_NO_BROADCAST] = 1;
    ck_assert(!passes(&filter, all, -1));
    filter.mode[NET_MODE_PROMISCUOUS] = 1;
    ck_assert(passes(&filter, all, -1) && passes(&filter, other, -1) && passes(&filter, group, -1));
}
END_TEST

START_TEST(filter_by_vlan)
{
    make_filter();
    ck_assert(passes(&filter, own, 100)); /* no table is kept */
    filter.vlans_set = 1;
    ck_assert(passes(&filter, own, -1) && !passes(&filter, own, 100) && !passes(&filter, own, 4095));
    filter.vlan[100 / 8] = 1u << (100 % 8);
    filter.vlan[4095 / 8] = 1u << (4095 % 8);
    ck_assert(passes(&filter, own, 100) && passes(&filter, own, 4095) && !passes(&filter, own, 101));
    ck_assert(!passes(&filter, other, 100));
    filter.mode[NET_MODE_PROMISCUOUS] = 1;
    ck_assert(passes(&filter, other, 7));
}
END_TEST

/* A packet that ends within its tag has none. */
START_TEST(short_tags)
{
    uint8_t packet[18] = {[12] = 0x81};

    ck_assert(!net_is_tagged(packet, 17));
    ck_assert(net_is_tagged(packet, 18));
}
END_TEST

TCase *net_part_cases(void)
{
    TCase *tcase = tcase_create("virtio-net parts");

    tcase_add_loop_test(tcase, requirements_of_features, 0, sizeof(requirements) / sizeof(requirements[0]));
    tcase_add_test(tcase, offers_follow_the_network);
    tcase_add_test(tcase, names_of_offloads);
    tcase_add_loop_test(tcase, headers_are_checked, 0, sizeof(headers) / sizeof(headers[0]));
    tcase_add_test(tcase, filter_by_address);
    tcase_add_test(tcase, filter_by_mode);
    tcase_add_test(tcase, filter_by_vlan);
    tcase_add_test(tcase, short_tags);
    return tcase;
}
