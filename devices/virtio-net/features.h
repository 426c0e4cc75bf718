/* SPDX-License-Identifier: BSD-2-Clause */
/* The feature bits of a network device (virtio 1.4 §5.1.3): what is offered, what goes together. Pure functions. */
#ifndef IOREQD_DEVICES_VIRTIO_NET_FEATURES_H
#define IOREQD_DEVICES_VIRTIO_NET_FEATURES_H

#include <ioreqd/virtio.h>
#include <stdbool.h>
#include <stdint.h>

enum net_feature {
    NET_F_CSUM = 0,
    NET_F_GUEST_CSUM = 1,
    NET_F_CTRL_GUEST_OFFLOADS = 2,
    NET_F_MTU = 3,
    NET_F_MAC = 5,
    NET_F_GSO = 6, /* of legacy drivers alone (§5.1.3.2) */
    NET_F_GUEST_TSO4 = 7,
    NET_F_GUEST_TSO6 = 8,
    NET_F_GUEST_ECN = 9,
    NET_F_GUEST_UFO = 10,
    NET_F_HOST_TSO4 = 11,
    NET_F_HOST_TSO6 = 12,
    NET_F_HOST_ECN = 13,
    NET_F_HOST_UFO = 14,
    NET_F_MRG_RXBUF = 15,
    NET_F_STATUS = 16,
    NET_F_CTRL_VQ = 17,
    NET_F_CTRL_RX = 18,
    NET_F_CTRL_VLAN = 19,
    NET_F_CTRL_RX_EXTRA = 20,
    NET_F_GUEST_ANNOUNCE = 21,
    NET_F_MQ = 22,
    NET_F_CTRL_MAC_ADDR = 23,
    NET_F_VQ_NOTF_COAL = 52,
    NET_F_NOTF_COAL = 53,
    NET_F_GUEST_USO4 = 54,
    NET_F_GUEST_USO6 = 55,
    NET_F_HOST_USO = 56,
    NET_F_RSS = 60,
    NET_F_SPEED_DUPLEX = 63
};

#define NET_BIT(feature) (UINT64_C(1) << (feature))

/* What a device offers on a network with these offloads, besides MTU and MQ, which depend on its properties. */
uint64_t net_features_offered(uint32_t offloads);

/* What a legacy driver is offered besides. */
uint32_t net_features_legacy(uint32_t offloads);

/* Which features require which (§5.1.3.1), for the library; and whether all in the set have what they require. */
const struct ioreqd_virtio_dependency *net_features_dependencies(unsigned *count);
bool net_features_complete(uint64_t features);

/* Those that stand for offloads of packets to the guest. */
uint64_t net_features_guest(uint64_t features);

/* The network's names, IOREQD_NETWORK_..., of offloads that feature bits allow to packets for the guest, and from it. */
uint32_t net_features_to_guest(uint64_t features);
uint32_t net_features_from_guest(uint64_t features);

#endif
