/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which packets the driver wants to receive (virtio 1.4 §5.1.9.5.1 to §5.1.9.5.3): a set of switches, tables of
 * addresses, and a table of VLANs. Plain data, copied from loop to loop; pure functions.
 */
#ifndef IOREQD_DEVICES_VIRTIO_NET_FILTER_H
#define IOREQD_DEVICES_VIRTIO_NET_FILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NET_ADDRESSES_MOST 64 /* of a table: with more it lets every address of its kind pass */
#define NET_VLANS          4096

#define NET_ETHERNET_HEADER 14u
#define NET_VLAN_TAG        4u

/* Switches, by the command that turns them. */
enum net_mode {
    NET_MODE_PROMISCUOUS = 0,
    NET_MODE_ALL_MULTICAST = 1,
    NET_MODE_ALL_UNICAST = 2,
    NET_MODE_NO_MULTICAST = 3,
    NET_MODE_NO_UNICAST = 4,
    NET_MODE_NO_BROADCAST = 5,
    NET_MODES = 6
};

struct net_addresses {
    uint8_t count;
    uint8_t all; /* there were too many */
    uint8_t address[NET_ADDRESSES_MOST][6];
};

struct net_filter {
    uint8_t set; /* the driver has said something about addresses: until then all are let pass */
    uint8_t mode[NET_MODES];
    uint8_t vlans_set; /* the driver keeps the table of VLANs */
    struct net_addresses unicast;
    struct net_addresses multicast;
    uint8_t vlan[NET_VLANS / 8];
};

/* Whether a packet, of at least NET_ETHERNET_HEADER bytes, passes at a card of that address. */
bool net_filter_passes(const struct net_filter *filter, const uint8_t mac[6], const uint8_t *packet, size_t length);

/* Whether the packet has a VLAN tag. */
bool net_is_tagged(const uint8_t *packet, size_t length);

#endif
