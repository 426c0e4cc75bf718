/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The device of the model virtio-net, as its files see it.
 *
 * Each pair of queues works on a loop of its own, with a pair of the network. What the driver has set with commands is
 * the main loop's; each pair works with a copy that the main loop sends to it, so that no packet takes a lock. A command
 * is answered once every pair has its copy, and there is one command at a time.
 *
 * Nothing is in flight between two calls of the virtio library's ready(): a buffer that cannot be used now is put back.
 * So a queue stops, for a reset or for the host, without being told.
 */
#ifndef IOREQD_DEVICES_VIRTIO_NET_NET_H
#define IOREQD_DEVICES_VIRTIO_NET_NET_H

#include <ioreqd/virtio.h>
#include <stdbool.h>

#include "features.h"
#include "filter.h"

#define NET_PAIRS_MOST  8
#define NET_QUEUES_MOST (2 * NET_PAIRS_MOST + 1)

/* The device configuration up to the last member that a feature of ours gives a meaning (virtio 1.4 §5.1.4). */
enum net_config {
    NET_CONFIG_MAC = 0,
    NET_CONFIG_STATUS = 6,
    NET_CONFIG_PAIRS = 8,
    NET_CONFIG_MTU = 10,
    NET_CONFIG_SPEED = 12,
    NET_CONFIG_DUPLEX = 16,
    NET_CONFIG_KEY = 17,
    NET_CONFIG_TABLE = 18,
    NET_CONFIG_HASHES = 20,
    NET_CONFIG_LENGTH = 24
};

/* The longest command that steers packets (§5.1.9.5.7.1). */
#define NET_RSS_LENGTH (11 + 2 * IOREQD_NETWORK_TABLE_MOST + IOREQD_NETWORK_KEY_MOST)

#define NET_STATUS_LINK_UP  1u
#define NET_STATUS_ANNOUNCE 2u

/* Limits after which the driver is interrupted, of a direction (§5.1.9.5.10). */
struct net_moderation {
    uint32_t packets;
    uint32_t microseconds;
};

/* What the driver has set since the last reset. */
struct net_settings {
    struct net_filter filter;
    struct net_moderation receive;
    struct net_moderation transmit;
    uint64_t offloads; /* feature bits of those that packets to the guest may use */
    uint16_t pairs;    /* in use, from the first */
};

/* What the driver has chosen with the features. Changes while no queue runs. */
struct net_terms {
    uint64_t features;
    uint32_t header;   /* bytes before each packet */
    uint32_t offloads; /* that packets from the guest may use: IOREQD_NETWORK_... */
    uint32_t longest;  /* packet that may reach the guest without segmentation, without VLAN tag; 0: any */
    bool mergeable;
};

struct net;

/* Of one direction and since it was last told to the counters. */
struct net_count {
    uint64_t packets;
    uint64_t bytes;
    uint64_t dropped;
    uint64_t filtered;
};

/* A pair of queues. On its loop, but for what is settled. */
struct net_pair {
    struct net *net;
    unsigned index;
    struct net_settings settings; /* a copy */
    struct ioreqd_work settle_work;
    struct ioreqd_work drain_work;
    /* The queue was reset, and ready() was not called since then: receive, transmit. Set on the main loop. */
    atomic_bool renewed[2];
    unsigned wanted;   /* of the network */
    bool received;     /* the receive queue's ready() was called */
    bool transmitted;  /* the same of the transmit queue */
    uint32_t offloads; /* as the settings have it: IOREQD_NETWORK_... */
    uint8_t mac[6];    /* of this turn */
    uint32_t waiting;  /* bytes of the packet in packet[] that waits for buffers; 0: there is none */
    struct iovec iov[IOREQD_VIRTIO_MAX_QUEUE_SIZE];
    struct ioreqd_virtio_request *taken[IOREQD_VIRTIO_MAX_QUEUE_SIZE];
    uint8_t packet[IOREQD_NETWORK_HEADER + IOREQD_NETWORK_MAX_PACKET]; /* from the network, with its header */
    uint8_t flat[IOREQD_NETWORK_MAX_PACKET];                           /* to the network, of very many pieces */
};

/* A command: read and answered on the control queue's loop, carried out on the main loop. */
struct net_command {
    struct ioreqd_virtio_request *request; /* NULL: there is none */
    struct ioreqd_virtio_queue *queue;
    const struct net_order *order;
    uint8_t data[NET_RSS_LENGTH];
    uint32_t length; /* of the data */
    uint8_t result[8];
    struct net_addresses table[2]; /* unicast and multicast */
    uint8_t acknowledge;
    atomic_uint unsettled; /* pairs without the new settings */
    struct ioreqd_work carry_out_work;
    struct ioreqd_work answer_work;
};

struct net {
    struct ioreqd_virtio virtio; /* first: the library's calls are given this */
    const struct ioreqd_host *host;
    struct ioreqd_device *device;
    struct ioreqd_network_facts facts;
    uint8_t mac[6];              /* unless the driver sets another */
    _Atomic uint64_t mac_in_use; /* as a number: the pairs look at it while the main loop changes it */
    uint16_t pairs;              /* that there are */
    struct net_pair *pair;

    uint8_t config[NET_CONFIG_LENGTH];
    struct net_settings settings; /* changed for a command, before the pairs copy it, and by a reset */
    struct net_terms terms;
    struct net_command command;
    struct ioreqd_work link_work;
    uint8_t announce;            /* the driver was asked to announce itself, and has not answered */
    bool link;                   /* there is one, as far as the driver knows */
    bool watched;                /* the network has the loops of its pairs, and so may be changed */
    atomic_bool quiet;           /* the host does not want to see anything change */
    uint8_t rss[NET_RSS_LENGTH]; /* the command by which packets are steered */
    uint16_t rss_length;         /* 0: the network does it as it likes */
    struct ioreqd_bell bell[4];
    _Atomic uint64_t limits[2 * NET_PAIRS_MOST]; /* of each queue's interrupts, see moderate.c */

    struct ioreqd_network *network; /* NULL: the cable is not plugged in, ever */
    char property_mac[18];
    uint32_t property_mtu;
    uint32_t property_queues;
    uint32_t property_queue_size;

    _Atomic uint64_t packets_received;
    _Atomic uint64_t bytes_received;
    _Atomic uint64_t receive_drops;
    _Atomic uint64_t filtered;
    _Atomic uint64_t packets_sent;
    _Atomic uint64_t bytes_sent;
    _Atomic uint64_t send_drops;
};

static inline bool net_agreed(const struct net *net, unsigned bit)
{
    return (net->terms.features >> bit & 1) != 0;
}

/* Pairs of queues, as the driver sees them (§5.1.2). */
static inline unsigned net_pairs_there(const struct net *net)
{
    return net_agreed(net, NET_F_MQ) || net_agreed(net, NET_F_RSS) ? net->pairs : 1;
}

static inline uint64_t net_get_le(const uint8_t *bytes, unsigned size)
{
    uint64_t value = 0;

    for (unsigned i = size; i-- > 0;) {
        value = value << 8 | bytes[i];
    }
    return value;
}

static inline void net_put_le(uint8_t *bytes, unsigned size, uint64_t value)
{
    for (unsigned i = 0; i < size; i++) {
        bytes[i] = (uint8_t)(value >> (8 * i));
    }
}

/* Makes the pairs, each with its loop and its part of the network: in create(). 0 or -errno. */
int net_pairs_create(struct net *net);
void net_pairs_destroy(struct net *net);
/* Has the pair work with the settings as they are: while its queues stand, or on its loop. */
void net_pair_settle(struct net_pair *pair);
/* True once in each life of a queue of the pair that follows a reset of that queue alone: before its buffers. */
bool net_pair_renew(struct net_pair *pair, unsigned queue);
/* Has the pairs whose receive queue was reset, and not enabled since then, drop what comes: on the main loop. */
void net_pairs_drain(struct net *net);
/* What the pair hears of from the network from now on. */
void net_pair_want(struct net_pair *pair, unsigned events, bool on);
void net_count(struct net *net, const struct net_count *received, const struct net_count *sent);

/* The queues have buffers, see ioreqd/virtio.h. */
void net_receive(struct net_pair *pair, struct ioreqd_virtio_queue *queue);
void net_drain(struct net_pair *pair); /* drops what the network has for the pair, on its loop */
void net_transmit(struct net_pair *pair, struct ioreqd_virtio_queue *queue);
void net_control(struct net *net, struct ioreqd_virtio_queue *queue);
void net_control_create(struct net *net);

/* Takes over the properties, and chooses what they leave open. 0, or -EINVAL when the user was told what is wrong. */
int net_read_properties(struct net *net, uint32_t *mtu);

/* See ioreqd/virtio.h. */
int net_negotiate(struct ioreqd_device *device, void *state);
void net_config_write(struct ioreqd_device *device, void *state, uint32_t offset, unsigned size, uint32_t value);
void net_queue_reset(struct ioreqd_device *device, void *state, unsigned queue);
void net_forget_driver(struct ioreqd_device *device, void *state);

/* The address in the configuration is that of the card from now on: on the main loop. */
void net_use_mac(struct net *net);

/* The network spreads packets as it likes again: on the main loop. */
void net_stop_steering(struct net *net);

/* Limits of a queue's interrupts: those of its direction again, and none for all, on the main loop. */
void net_renew_moderation(struct net *net, unsigned queue);
void net_forget_moderation(struct net *net);
/* Has the library keep to them, on the queue's loop. */
void net_apply_moderation(struct net *net, unsigned queue);

/* Looks whether there is a link, and tells the driver. */
void net_follow_link(struct net *net);
/* Puts what is known of the link into the configuration. */
void net_show_link(struct net *net);

#endif
