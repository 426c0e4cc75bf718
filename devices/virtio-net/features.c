/* SPDX-License-Identifier: BSD-2-Clause */
/* Feature bits as a table, see features.h. */
#include "features.h"

#include <stddef.h>

enum direction { NEITHER, TO_GUEST, FROM_GUEST };

/* What "any GSO type" meant when there was one bit for all. */
#define ANY_SEGMENTS                                                                                                   \
    (IOREQD_NETWORK_CHECKSUM | IOREQD_NETWORK_TSO4 | IOREQD_NETWORK_TSO6 | IOREQD_NETWORK_ECN | IOREQD_NETWORK_UFO)

static const struct feature {
    uint8_t bit;
    uint8_t direction; /* enum direction, of the offload */
    uint32_t offload;  /* that the network must have; 0: nothing */
} features[] = {
    {NET_F_CSUM, FROM_GUEST, IOREQD_NETWORK_CHECKSUM},
    {NET_F_GUEST_CSUM, TO_GUEST, IOREQD_NETWORK_CHECKSUM},
    {NET_F_CTRL_GUEST_OFFLOADS, NEITHER, IOREQD_NETWORK_CHECKSUM},
    {NET_F_MTU, NEITHER, 0},
    {NET_F_MAC, NEITHER, 0},
    {NET_F_GSO, FROM_GUEST, ANY_SEGMENTS},
    {NET_F_GUEST_TSO4, TO_GUEST, IOREQD_NETWORK_TSO4},
    {NET_F_GUEST_TSO6, TO_GUEST, IOREQD_NETWORK_TSO6},
    {NET_F_GUEST_ECN, TO_GUEST, IOREQD_NETWORK_ECN},
    {NET_F_GUEST_UFO, TO_GUEST, IOREQD_NETWORK_UFO},
    {NET_F_GUEST_USO4, TO_GUEST, IOREQD_NETWORK_USO},
    {NET_F_GUEST_USO6, TO_GUEST, IOREQD_NETWORK_USO},
    {NET_F_HOST_TSO4, FROM_GUEST, IOREQD_NETWORK_TSO4},
    {NET_F_HOST_TSO6, FROM_GUEST, IOREQD_NETWORK_TSO6},
    {NET_F_HOST_ECN, FROM_GUEST, IOREQD_NETWORK_ECN},
    {NET_F_HOST_UFO, FROM_GUEST, IOREQD_NETWORK_UFO},
    {NET_F_HOST_USO, FROM_GUEST, IOREQD_NETWORK_USO},
    {NET_F_MRG_RXBUF, NEITHER, 0},
    {NET_F_STATUS, NEITHER, 0},
    {NET_F_CTRL_VQ, NEITHER, 0},
    {NET_F_CTRL_RX, NEITHER, 0},
    {NET_F_CTRL_VLAN, NEITHER, 0},
    {NET_F_CTRL_RX_EXTRA, NEITHER, 0},
    {NET_F_GUEST_ANNOUNCE, NEITHER, 0},
    {NET_F_MQ, NEITHER, 0},
    {NET_F_CTRL_MAC_ADDR, NEITHER, 0},
    {NET_F_VQ_NOTF_COAL, NEITHER, 0},
    {NET_F_NOTF_COAL, NEITHER, 0},
    {NET_F_SPEED_DUPLEX, NEITHER, 0},
};

#define FEATURES (sizeof(features) / sizeof(features[0]))

/* What is required comes before what requires it, so that one round drops all that hangs on something. */
static const struct ioreqd_virtio_dependency dependencies[] = {
    IOREQD_VIRTIO_NEEDS(NET_F_GUEST_TSO4, NET_F_GUEST_CSUM),
    IOREQD_VIRTIO_NEEDS(NET_F_GUEST_TSO6, NET_F_GUEST_CSUM),
    IOREQD_VIRTIO_NEEDS_ONE(NET_F_GUEST_ECN, NET_F_GUEST_TSO4, NET_F_GUEST_TSO6),
    IOREQD_VIRTIO_NEEDS(NET_F_GUEST_UFO, NET_F_GUEST_CSUM),
    IOREQD_VIRTIO_NEEDS(NET_F_GUEST_USO4, NET_F_GUEST_CSUM),
    IOREQD_VIRTIO_NEEDS(NET_F_GUEST_USO6, NET_F_GUEST_CSUM),
    IOREQD_VIRTIO_NEEDS(NET_F_GSO, NET_F_CSUM),
    IOREQD_VIRTIO_NEEDS(NET_F_HOST_TSO4, NET_F_CSUM),
    IOREQD_VIRTIO_NEEDS(NET_F_HOST_TSO6, NET_F_CSUM),
    IOREQD_VIRTIO_NEEDS_ONE(NET_F_HOST_ECN, NET_F_HOST_TSO4, NET_F_HOST_TSO6),
    IOREQD_VIRTIO_NEEDS(NET_F_HOST_UFO, NET_F_CSUM),
    IOREQD_VIRTIO_NEEDS(NET_F_HOST_USO, NET_F_CSUM),
    IOREQD_VIRTIO_NEEDS(NET_F_CTRL_RX, NET_F_CTRL_VQ),
    IOREQD_VIRTIO_NEEDS(NET_F_CTRL_VLAN, NET_F_CTRL_VQ),
    IOREQD_VIRTIO_NEEDS(NET_F_GUEST_ANNOUNCE, NET_F_CTRL_VQ),
    IOREQD_VIRTIO_NEEDS(NET_F_MQ, NET_F_CTRL_VQ),
    IOREQD_VIRTIO_NEEDS(NET_F_CTRL_MAC_ADDR, NET_F_CTRL_VQ),
    IOREQD_VIRTIO_NEEDS(NET_F_VQ_NOTF_COAL, NET_F_CTRL_VQ),
    IOREQD_VIRTIO_NEEDS(NET_F_NOTF_COAL, NET_F_CTRL_VQ),
    IOREQD_VIRTIO_NEEDS(NET_F_RSS, NET_F_CTRL_VQ),
};

#define DEPENDENCIES (sizeof(dependencies) / sizeof(dependencies[0]))

const struct ioreqd_virtio_dependency *net_features_dependencies(unsigned *count)
{
    *count = DEPENDENCIES;
    return dependencies;
}

static bool is_unmet(const struct ioreqd_virtio_dependency *one, uint64_t set)
{
    return (set & NET_BIT(one->bit)) != 0 && (set & (NET_BIT(one->needs) | NET_BIT(one->alternative))) == 0;
}

bool net_features_complete(uint64_t set)
{
    for (size_t i = 0; i < DEPENDENCIES; i++) {
        if (is_unmet(&dependencies[i], set)) {
            return false;
        }
    }
    return true;
}

/* Some bits depend on more than the offloads of the network. */
static bool is_offered_by_others(unsigned bit)
{
    return bit == NET_F_MTU || bit == NET_F_MQ || bit == NET_F_GSO;
}

uint64_t net_features_offered(uint32_t offloads)
{
    uint64_t set = 0;

    for (size_t i = 0; i < FEATURES; i++) {
        if ((features[i].offload & ~offloads) == 0 && !is_offered_by_others(features[i].bit)) {
            set |= NET_BIT(features[i].bit);
        }
    }
    for (size_t i = 0; i < DEPENDENCIES; i++) {
        if (is_unmet(&dependencies[i], set)) {
            set &= ~NET_BIT(dependencies[i].bit);
        }
    }
    return set;
}

uint32_t net_features_legacy(uint32_t offloads)
{
    return (offloads & ANY_SEGMENTS) == ANY_SEGMENTS ? (uint32_t)NET_BIT(NET_F_GSO) : 0;
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
