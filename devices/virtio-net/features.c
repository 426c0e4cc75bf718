/* SPDX-License-Identifier: BSD-2-Clause */
/* Feature bits as a table, see features.h. */
#include "features.h"

#include <ioreqd/device.h>
#include <stddef.h>

/* A set of which one has to be there. */
#define NEEDS_CHECKSUM      NET_BIT(NET_F_CSUM)
#define NEEDS_GUEST_CSUM    NET_BIT(NET_F_GUEST_CSUM)
#define NEEDS_SEGMENTS      (NET_BIT(NET_F_HOST_TSO4) | NET_BIT(NET_F_HOST_TSO6))
#define NEEDS_GUEST_SEGMENT (NET_BIT(NET_F_GUEST_TSO4) | NET_BIT(NET_F_GUEST_TSO6))
#define NEEDS_CONTROL       NET_BIT(NET_F_CTRL_VQ)

enum direction { NEITHER, TO_GUEST, FROM_GUEST };

static const struct feature {
    uint8_t bit;
    uint8_t direction; /* enum direction, of the offload */
    uint32_t offload;  /* that the network must have; 0: nothing */
    uint64_t needs;
    const char *name;
} features[] = {
    {NET_F_CSUM, FROM_GUEST, IOREQD_NETWORK_CHECKSUM, 0, "CSUM"},
    {NET_F_GUEST_CSUM, TO_GUEST, IOREQD_NETWORK_CHECKSUM, 0, "GUEST_CSUM"},
    {NET_F_CTRL_GUEST_OFFLOADS, NEITHER, IOREQD_NETWORK_CHECKSUM, 0, "CTRL_GUEST_OFFLOADS"},
    {NET_F_MTU, NEITHER, 0, 0, "MTU"},
    {NET_F_MAC, NEITHER, 0, 0, "MAC"},
    {NET_F_GUEST_TSO4, TO_GUEST, IOREQD_NETWORK_TSO4, NEEDS_GUEST_CSUM, "GUEST_TSO4"},
    {NET_F_GUEST_TSO6, TO_GUEST, IOREQD_NETWORK_TSO6, NEEDS_GUEST_CSUM, "GUEST_TSO6"},
    {NET_F_GUEST_ECN, TO_GUEST, IOREQD_NETWORK_ECN, NEEDS_GUEST_SEGMENT, "GUEST_ECN"},
    {NET_F_GUEST_UFO, TO_GUEST, IOREQD_NETWORK_UFO, NEEDS_GUEST_CSUM, "GUEST_UFO"},
    {NET_F_GUEST_USO4, TO_GUEST, IOREQD_NETWORK_USO, NEEDS_GUEST_CSUM, "GUEST_USO4"},
    {NET_F_GUEST_USO6, TO_GUEST, IOREQD_NETWORK_USO, NEEDS_GUEST_CSUM, "GUEST_USO6"},
    {NET_F_HOST_TSO4, FROM_GUEST, IOREQD_NETWORK_TSO4, NEEDS_CHECKSUM, "HOST_TSO4"},
    {NET_F_HOST_TSO6, FROM_GUEST, IOREQD_NETWORK_TSO6, NEEDS_CHECKSUM, "HOST_TSO6"},
    {NET_F_HOST_ECN, FROM_GUEST, IOREQD_NETWORK_ECN, NEEDS_SEGMENTS, "HOST_ECN"},
    {NET_F_HOST_UFO, FROM_GUEST, IOREQD_NETWORK_UFO, NEEDS_CHECKSUM, "HOST_UFO"},
    {NET_F_HOST_USO, FROM_GUEST, IOREQD_NETWORK_USO, NEEDS_CHECKSUM, "HOST_USO"},
    {NET_F_MRG_RXBUF, NEITHER, 0, 0, "MRG_RXBUF"},
    {NET_F_STATUS, NEITHER, 0, 0, "STATUS"},
    {NET_F_CTRL_VQ, NEITHER, 0, 0, "CTRL_VQ"},
    {NET_F_CTRL_RX, NEITHER, 0, NEEDS_CONTROL, "CTRL_RX"},
    {NET_F_CTRL_VLAN, NEITHER, 0, NEEDS_CONTROL, "CTRL_VLAN"},
    {NET_F_CTRL_RX_EXTRA, NEITHER, 0, 0, "CTRL_RX_EXTRA"},
    {NET_F_GUEST_ANNOUNCE, NEITHER, 0, NEEDS_CONTROL, "GUEST_ANNOUNCE"},
    {NET_F_MQ, NEITHER, 0, NEEDS_CONTROL, "MQ"},
    {NET_F_CTRL_MAC_ADDR, NEITHER, 0, NEEDS_CONTROL, "CTRL_MAC_ADDR"},
    {NET_F_VQ_NOTF_COAL, NEITHER, 0, NEEDS_CONTROL, "VQ_NOTF_COAL"},
    {NET_F_NOTF_COAL, NEITHER, 0, NEEDS_CONTROL, "NOTF_COAL"},
    {NET_F_SPEED_DUPLEX, NEITHER, 0, 0, "SPEED_DUPLEX"},
};

#define FEATURES (sizeof(features) / sizeof(features[0]))

const char *net_features_incomplete(uint64_t set)
{
    for (size_t i = 0; i < FEATURES; i++) {
        if ((set & NET_BIT(features[i].bit)) != 0 && features[i].needs != 0 && (set & features[i].needs) == 0) {
            return features[i].name;
        }
    }
    return NULL;
}

uint64_t net_features_offered(uint32_t offloads)
{
    uint64_t set = 0;

    for (size_t i = 0; i < FEATURES; i++) {
        if ((features[i].offload & ~offloads) == 0 && features[i].bit != NET_F_MTU && features[i].bit != NET_F_MQ) {
            set |= NET_BIT(features[i].bit);
        }
    }
    /* The table has what is required before what requires it, so that one round finds all. */
    for (size_t i = 0; i < FEATURES; i++) {
        if (features[i].needs != 0 && (set & features[i].needs) == 0) {
            set &= ~NET_BIT(features[i].bit);
        }
    }
    return set;
}

static uint64_t of_direction(uint64_t set, enum direction direction)
{
    uint64_t found = 0;

    for (size_t i = 0; i < FEATURES; i++) {
        if (features[i].direction == direction) {
            found |= set & NET_BIT(features[i].bit);
        }
    }
    return found;
}

static uint32_t offloads_of(uint64_t set)
{
    uint32_t offloads = 0;

    for (size_t i = 0; i < FEATURES; i++) {
        offloads |= (set & NET_BIT(features[i].bit)) != 0 ? features[i].offload : 0;
    }
    return offloads;
}

uint64_t net_features_guest(uint64_t set)
{
    return of_direction(set, TO_GUEST);
}

uint32_t net_features_to_guest(uint64_t set)
{
    uint64_t guest = of_direction(set, TO_GUEST);
    bool both = (guest & NET_BIT(NET_F_GUEST_USO4)) != 0 && (guest & NET_BIT(NET_F_GUEST_USO6)) != 0;

    /* The network has one name for both, and does not tell one kind of packet from the other. */
    return offloads_of(guest) & ~(both ? 0 : IOREQD_NETWORK_USO);
}

uint32_t net_features_from_guest(uint64_t set)
{
    return offloads_of(of_direction(set, FROM_GUEST));
}
