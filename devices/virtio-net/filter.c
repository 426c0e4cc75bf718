/* SPDX-License-Identifier: BSD-2-Clause */
/* Filters of received packets, see filter.h. */
#include "filter.h"

#include <string.h>

static bool has_address(const struct net_addresses *addresses, const uint8_t *address)
{
    for (unsigned i = 0; i < addresses->count; i++) {
        if (memcmp(addresses->address[i], address, 6) == 0) {
            return true;
        }
    }
    return addresses->all != 0;
}

bool net_is_tagged(const uint8_t *packet, size_t length)
{
    return length >= NET_ETHERNET_HEADER + NET_VLAN_TAG && packet[12] == 0x81 && packet[13] == 0x00;
}

static bool passes_vlan(const struct net_filter *filter, const uint8_t *packet, size_t length)
{
    if (filter->vlans_set == 0 || !net_is_tagged(packet, length)) {
        return true;
    }
    unsigned vlan = (packet[14] & 0x0fu) << 8 | packet[15];
    return (filter->vlan[vlan / 8] >> (vlan % 8) & 1) != 0;
}

static bool passes_address(const struct net_filter *filter, const uint8_t mac[6], const uint8_t *to)
{
    static const uint8_t broadcast[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

    if (memcmp(to, broadcast, sizeof(broadcast)) == 0) {
        return filter->mode[NET_MODE_NO_BROADCAST] == 0;
    }
    if ((to[0] & 1) != 0) {
        return filter->mode[NET_MODE_NO_MULTICAST] == 0 &&
               (filter->mode[NET_MODE_ALL_MULTICAST] != 0 || has_address(&filter->multicast, to));
    }
    return filter->mode[NET_MODE_NO_UNICAST] == 0 &&
           (filter->mode[NET_MODE_ALL_UNICAST] != 0 || memcmp(to, mac, 6) == 0 || has_address(&filter->unicast, to));
}

bool net_filter_passes(const struct net_filter *filter, const uint8_t mac[6], const uint8_t *packet, size_t length)
{
    if (filter->mode[NET_MODE_PROMISCUOUS] != 0) {
        return true; /* whatever else is set (virtio 1.4 §5.1.9.5.1.1) */
    }
    return passes_vlan(filter, packet, length) && (filter->set == 0 || passes_address(filter, mac, packet));
}
