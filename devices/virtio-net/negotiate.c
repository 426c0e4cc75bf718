/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the device and its driver agree on, what the driver changes beside its commands, and forgetting all of it with a
 * reset. The library calls these on the main loop while the queues that are meant stand still, but for
 * net_config_write(), which may come at any time.
 */
#include <string.h>

#include "net.h"

static uint64_t accepted(const struct net *net)
{
    uint64_t features = 0;

    for (unsigned bit = 0; bit < 64; bit++) {
        features |= ioreqd_virtio_negotiated(&net->virtio, bit) ? NET_BIT(bit) : 0;
    }
    return features;
}

static void agree(struct net *net, uint64_t features)
{
    bool numbered = (features & (NET_BIT(NET_F_MRG_RXBUF) | NET_BIT(IOREQD_VIRTIO_F_VERSION_1))) != 0;

    net->terms = (struct net_terms){
        .features = features,
        .header = numbered ? IOREQD_NETWORK_HEADER : IOREQD_NETWORK_HEADER - 2, /* (§5.1.9.1) */
        .offloads = net_features_from_guest(features),
        .mergeable = (features & NET_BIT(NET_F_MRG_RXBUF)) != 0,
    };
    if (net_agreed(net, NET_F_MTU)) {
        net->terms.longest = (uint32_t)net_get_le(net->config + NET_CONFIG_MTU, 2) + NET_ETHERNET_HEADER;
    }
    net->settings.offloads = net_features_guest(features); /* on from the start (§5.1.9.5.9.1) */
    net->settings.filter.vlans_set = net_agreed(net, NET_F_CTRL_VLAN);
    for (unsigned i = 0; i < net->pairs; i++) {
        net->pair[i].waiting = 0; /* of an earlier driver */
        net_pair_settle(&net->pair[i]);
    }
}

int net_negotiate(struct ioreqd_device *device, void *state)
{
    struct net *net = state;
    uint64_t features = accepted(net);
    int error = 0;

    if (net->network != NULL) {
        error = net->host->network_set_offloads(net->network, net_features_to_guest(features));
    }
    if (error != 0) {
        net->host->log(device, IOREQD_LOG_ERROR, "the network refuses offloads that it has offered: %s",
                       strerror(-error));
    }
    if (error != 0 && !ioreqd_virtio_is_legacy(&net->virtio)) { /* a legacy one hears of no refusal */
        return error;
    }
    agree(net, features);
    return 0;
}

void net_use_mac(struct net *net)
{
    atomic_store(&net->mac_in_use, net_get_le(net->config + NET_CONFIG_MAC, sizeof(net->mac)));
}

/*
 * A legacy driver changes its address there, byte for byte and while packets come (§5.1.4.3, §5.1.9.5.2.3): it is used
 * with its last byte. Nothing else is writable, and to other drivers not even that.
 */
void net_config_write(struct ioreqd_device *device, void *state, uint32_t offset, unsigned size, uint32_t value)
{
    struct net *net = state;
    const uint32_t end = NET_CONFIG_MAC + sizeof(net->mac);

    (void)device;
    if (!ioreqd_virtio_is_legacy(&net->virtio)) {
        return;
    }
    for (unsigned i = 0; i < size && offset + i < end; i++) {
        net->config[offset + i] = (uint8_t)(value >> (8 * i));
    }
    if (offset < end && offset + size >= end) {
        net_use_mac(net);
    }
}

/* (§5.1.9.5.6.2, §5.1.9.5.10.6) */
void net_queue_reset(struct ioreqd_device *device, void *state, unsigned queue)
{
    struct net *net = state;

    (void)device;
    if (queue < 2 * net_pairs_there(net)) {
        net_renew_moderation(net, queue);
        atomic_store(&net->pair[queue / 2].renewed[queue % 2], true);
        net_pairs_drain(net);
    }
}

/* The link alone is not the driver's to change. */
void net_forget_driver(struct ioreqd_device *device, void *state)
{
    struct net *net = state;

    (void)device;
    memset(&net->settings, 0, sizeof(net->settings));
    memcpy(net->config + NET_CONFIG_MAC, net->mac, sizeof(net->mac));
    net_use_mac(net);
    net->settings.pairs = 1;
    for (unsigned i = 0; net->pair != NULL && i < net->pairs; i++) {
        atomic_store(&net->pair[i].renewed[0], false); /* it drops nothing any more */
        atomic_store(&net->pair[i].renewed[1], false);
    }
    net_forget_moderation(net);
    net->announce = 0;
    net->terms = (struct net_terms){.header = IOREQD_NETWORK_HEADER};
    net_show_link(net);
    /* What cannot be taken back now is refused with the next driver's features. */
    if (net->network != NULL && net->watched) {
        net_stop_steering(net);
        (void)net->host->network_set_offloads(net->network, 0);
        (void)net->host->network_set_queue_pairs(net->network, 1);
    }
}
