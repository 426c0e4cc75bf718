/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtio-net: a network card (virtio 1.4 §5.1). This file makes the device and tells what it is; packets are the affair
 * of receive.c and transmit.c, commands that of control.c. All of it is on the main loop, but for ready().
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "net.h"

#define DEVICE_TYPE  1
#define MTU_LEAST    68u /* (§5.1.4.1) */
#define UNKNOWN      0xffffffffu
#define UNKNOWN_BYTE 0xffu

static const struct ioreqd_host *host;

/* Without MQ there is one pair, and the control queue follows it (§5.1.2). */
static void ready(struct ioreqd_device *device, void *state, struct ioreqd_virtio_queue *queue)
{
    struct net *net = state;
    unsigned index = ioreqd_virtio_queue_index(queue);
    unsigned pairs = net_pairs_there(net);

    (void)device;
    if (index == 2 * pairs && net_agreed(net, NET_F_CTRL_VQ)) {
        net_control(net, queue);
    } else if (index < 2 * pairs && index % 2 == 0) {
        net_receive(&net->pair[index / 2], queue);
    } else if (index < 2 * pairs) {
        net_transmit(&net->pair[index / 2], queue);
    }
}

/* ------------------------------------------------------------------------------------------------------------------
 * Negotiation and reset
 */

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

static int negotiate(struct ioreqd_device *device, void *state)
{
    struct net *net = state;
    uint64_t features = accepted(net);
    int error = 0;

    if (net->network != NULL) {
        error = host->network_set_offloads(net->network, net_features_to_guest(features));
    }
    if (error != 0) {
        host->log(device, IOREQD_LOG_ERROR, "the network refuses offloads that it has offered: %s", strerror(-error));
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
static void config_write(struct ioreqd_device *device, void *state, uint32_t offset, unsigned size, uint32_t value)
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
static void queue_reset(struct ioreqd_device *device, void *state, unsigned queue)
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
static void forget_driver(struct ioreqd_device *device, void *state)
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
        (void)host->network_set_offloads(net->network, 0);
        (void)host->network_set_queue_pairs(net->network, 1);
    }
}

static void quiesce(struct ioreqd_device *device, void *state)
{
    struct net *net = state;

    net->quiet = true;
    ioreqd_virtio_quiesce(device, state);
}

static void resume(struct ioreqd_device *device, void *state)
{
    struct net *net = state;

    net->quiet = false;
    ioreqd_virtio_resume(device, state);
    net_pairs_drain(net);
    net_follow_link(net);
}

static void link_changed(void *argument)
{
    net_follow_link(argument);
}

/* ------------------------------------------------------------------------------------------------------------------
 * Properties
 */

static bool parse_mac(const char *text, uint8_t mac[6])
{
    unsigned part[6];
    int end = 0;

    if (sscanf(text, "%2x:%2x:%2x:%2x:%2x:%2x%n", &part[0], &part[1], &part[2], &part[3], &part[4], &part[5], &end) !=
            6 ||
        end != 17 || text[17] != '\0' || strspn(text, "0123456789abcdefABCDEF:") != 17) {
        return false;
    }
    for (unsigned i = 0; i < 6; i++) {
        mac[i] = (uint8_t)part[i];
    }
    return true;
}

static bool is_zero(const uint8_t mac[6])
{
    static const uint8_t zero[6];

    return memcmp(mac, zero, sizeof(zero)) == 0;
}

/*
 * The user's, or the network's, which knows the guest and the device and gives each its own. Where neither has one, a
 * model has nothing to derive it from that would not be the same in every guest: any address is better than one that
 * two guests share, and without a network one is as good as another.
 */
static int choose_mac(struct net *net)
{
    static const uint8_t nowhere[6] = {0x02, 'i', 'o', 'r', 'e', 'q'};

    if (net->property_mac[0] != '\0') {
        if (!parse_mac(net->property_mac, net->mac) || (net->mac[0] & 1) != 0 || is_zero(net->mac)) {
            host->property_error(
                net->device, "mac",
                "%s is no address of one card: give six bytes, as 52:54:00:12:34:56, the first of them "
                "even and not all 0",
                net->property_mac);
            return -EINVAL;
        }
        return 0;
    }
    memcpy(net->mac, net->network == NULL ? nowhere : net->facts.mac, sizeof(net->mac));
    if (is_zero(net->mac)) {
        if (getrandom(net->mac, sizeof(net->mac), 0) != (ssize_t)sizeof(net->mac)) {
            memcpy(net->mac, nowhere, sizeof(net->mac));
        }
        net->mac[0] = (uint8_t)((net->mac[0] & 0xfc) | 2); /* locally administered, of one card */
        host->log(
            net->device, IOREQD_LOG_WARNING,
            "the network knows no address for it: it has %02x:%02x:%02x:%02x:%02x:%02x until the next start; give "
            "mac= to keep one",
            net->mac[0], net->mac[1], net->mac[2], net->mac[3], net->mac[4], net->mac[5]);
    }
    return 0;
}

static int choose_mtu(struct net *net, uint32_t *mtu)
{
    uint32_t most = net->facts.mtu >= MTU_LEAST ? net->facts.mtu : UINT16_MAX;

    *mtu = net->property_mtu;
    if (*mtu == 0) {
        *mtu = net->facts.mtu >= MTU_LEAST ? net->facts.mtu : 0;
    } else if (*mtu < MTU_LEAST || *mtu > most) {
        host->property_error(net->device, "mtu", "%u is out of range: the network carries %u to %u", *mtu, MTU_LEAST,
                             most);
        return -EINVAL;
    }
    return 0;
}

static int check_queues(struct net *net)
{
    uint32_t size = net->property_queue_size;

    if ((size & (size - 1)) != 0) {
        host->property_error(net->device, "queue-size", "%u is no power of 2: use one from 4 to %u", size,
                             IOREQD_VIRTIO_MAX_QUEUE_SIZE);
        return -EINVAL;
    }
    if (net->network != NULL && net->property_queues > net->facts.queue_pairs) {
        host->property_error(net->device, "queues", "the network has %u pair%s of queues: give no more",
                             net->facts.queue_pairs, net->facts.queue_pairs == 1 ? "" : "s");
        return -EINVAL;
    }
    net->pairs = (uint16_t)net->property_queues;
    return 0;
}

/* ------------------------------------------------------------------------------------------------------------------
 * The device
 */

/* The description stands for as many queues as there may be. */
static void adjust(struct net *net, struct ioreqd_description *description)
{
    uint16_t queues = (uint16_t)(2 * net->pairs + 1);
    unsigned bells = description->bells;

    if (bells > sizeof(net->bell) / sizeof(net->bell[0])) {
        return; /* all queues stay, and those that are too many cannot be enabled */
    }
    for (unsigned i = 0; i < bells; i++) {
        net->bell[i] = description->bell[i];
        if (net->bell[i].count > queues) {
            net->bell[i].count = queues;
        }
    }
    description->bell = net->bell;
    description->queues = queues;
    description->msix = (uint16_t)(queues + 1);
    description->queue_group = 2; /* a pair shares a loop */
}

/* (§5.1.4.1) */
static bool offer_steering(struct net *net)
{
    if (net->network == NULL || net->pairs == 1 || net->facts.hash_types == 0 ||
        !IOREQD_HAS(host, network_set_steering)) {
        return false;
    }
    net_put_le(net->config + NET_CONFIG_KEY, 1, IOREQD_NETWORK_KEY_MOST);
    net_put_le(net->config + NET_CONFIG_TABLE, 2, IOREQD_NETWORK_TABLE_MOST);
    net_put_le(net->config + NET_CONFIG_HASHES, 4, net->facts.hash_types);
    return true;
}

static int create(struct ioreqd_device *device, void *state, struct ioreqd_description *description)
{
    struct net *net = state;
    struct ioreqd_virtio_options options = {
        .user_formats = 1,
        .config = net->config,
        .config_length = sizeof(net->config),
        .config_write = config_write,
        .ready = ready,
        .negotiate = negotiate,
        .reset = forget_driver,
        .queue_reset = queue_reset,
        .moderated = 1,
        .description = description,
    };
    uint32_t mtu = 0;
    int error;

    net->host = host;
    net->device = device;
    net->facts.struct_size = sizeof(net->facts);
    if (net->network != NULL) {
        host->network_facts(net->network, &net->facts);
    }
    if (check_queues(net) != 0 || choose_mtu(net, &mtu) != 0 || choose_mac(net) != 0) {
        return -EINVAL;
    }
    adjust(net, description);
    net->link = net->network != NULL && host->network_link(net->network) != 0;
    net->link_work = (struct ioreqd_work){.run = link_changed, .argument = net};
    net_put_le(net->config + NET_CONFIG_PAIRS, 2, net->pairs);
    net_put_le(net->config + NET_CONFIG_MTU, 2, mtu);
    net_put_le(net->config + NET_CONFIG_SPEED, 4, UNKNOWN);
    net_put_le(net->config + NET_CONFIG_DUPLEX, 1, UNKNOWN_BYTE);
    net_control_create(net);

    options.queues = (uint16_t)(2 * net->pairs + 1);
    options.queue_size = (uint16_t)net->property_queue_size;
    options.features[0] = net_features_offered(net->network != NULL ? net->facts.offloads : 0);
    options.legacy_features = net_features_legacy(net->network != NULL ? net->facts.offloads : 0);
    options.dependency = net_features_dependencies(&options.dependencies);
    options.features[0] |= mtu != 0 ? NET_BIT(NET_F_MTU) : 0;
    options.features[0] |= net->pairs > 1 ? NET_BIT(NET_F_MQ) : 0;
    options.features[0] |= offer_steering(net) ? NET_BIT(NET_F_RSS) : 0;
    error = ioreqd_virtio_create(&net->virtio, host, device, &options);
    if (error != 0) {
        return error;
    }
    error = net_pairs_create(net);
    if (error != 0) {
        ioreqd_virtio_destroy(&net->virtio);
        return error;
    }
    net->watched = true;
    forget_driver(device, net);
    return 0;
}

static void destroy(struct ioreqd_device *device, void *state)
{
    struct net *net = state;

    (void)device;
    ioreqd_virtio_destroy(&net->virtio);
    net_pairs_destroy(net);
}

/* ------------------------------------------------------------------------------------------------------------------
 * What it says of itself
 */

static const struct ioreqd_description description =
    IOREQD_VIRTIO_DESCRIPTION(DEVICE_TYPE, 0x02, 0x00, 0x00, NET_QUEUES_MOST, NET_CONFIG_LENGTH);

static const struct ioreqd_property properties[] = {
    {.name = "network",
     .help = "tap interface or socket that the card is connected to; without it the link is down",
     .kind = IOREQD_PROPERTY_NETWORK,
     .offset = offsetof(struct net, network)},
    {.name = "mac",
     .fallback = "",
     .help = "address of the card, as 52:54:00:12:34:56; empty: one that the network chooses for the device",
     .kind = IOREQD_PROPERTY_STRING,
     .offset = offsetof(struct net, property_mac),
     .maximum = 17},
    {.name = "mtu",
     .fallback = "0",
     .help = "longest IP packet that the guest is told to send, 68 or more; 0: what the network says",
     .kind = IOREQD_PROPERTY_U32,
     .offset = offsetof(struct net, property_mtu),
     .maximum = UINT16_MAX},
    {.name = "queues",
     .fallback = "1",
     .help = "pairs of queues, so that as many processors of the guest can use the card at once",
     .kind = IOREQD_PROPERTY_U32,
     .offset = offsetof(struct net, property_queues),
     .minimum = 1,
     .maximum = NET_PAIRS_MOST},
    {.name = "queue-size",
     .fallback = "256",
     .help = "descriptors of each queue: a power of 2",
     .kind = IOREQD_PROPERTY_U32,
     .offset = offsetof(struct net, property_queue_size),
     .minimum = 4,
     .maximum = IOREQD_VIRTIO_MAX_QUEUE_SIZE},
    IOREQD_VIRTIO_PROPERTIES(struct net, virtio),
    IOREQD_VIRTIO_TRANSITIONAL(struct net, virtio),
    {.name = NULL},
};

#define SETTING(tag_, kind_, member, count_)                                                                           \
    {                                                                                                                  \
        .tag = (tag_), .kind = (kind_), .since = 1, .offset = offsetof(struct net, settings.member), .count = (count_) \
    }

static const struct ioreqd_field fields[] = {
    IOREQD_VIRTIO_FIELDS(struct net, virtio, NET_QUEUES_MOST),
    {.tag = 1,
     .kind = IOREQD_FIELD_U8,
     .since = 1,
     .offset = offsetof(struct net, config) + NET_CONFIG_MAC,
     .count = 6},
    SETTING(2, IOREQD_FIELD_U8, filter.set, 1),
    SETTING(3, IOREQD_FIELD_U8, filter.mode, NET_MODES),
    SETTING(4, IOREQD_FIELD_U8, filter.vlans_set, 1),
    SETTING(5, IOREQD_FIELD_U8, filter.unicast, sizeof(struct net_addresses)),
    SETTING(6, IOREQD_FIELD_U8, filter.multicast, sizeof(struct net_addresses)),
    SETTING(7, IOREQD_FIELD_U8, filter.vlan, NET_VLANS / 8),
    SETTING(8, IOREQD_FIELD_U32, receive, 2),
    SETTING(9, IOREQD_FIELD_U32, transmit, 2),
    SETTING(10, IOREQD_FIELD_U64, offloads, 1),
    SETTING(11, IOREQD_FIELD_U16, pairs, 1),
    {.tag = 12, .kind = IOREQD_FIELD_U8, .since = 1, .offset = offsetof(struct net, announce), .count = 1},
    {.tag = 13,
     .kind = IOREQD_FIELD_U64,
     .since = 1,
     .offset = offsetof(struct net, limits),
     .count = 2 * NET_PAIRS_MOST},
    {.tag = 14, .kind = IOREQD_FIELD_U8, .since = 1, .offset = offsetof(struct net, rss), .count = NET_RSS_LENGTH},
    {.tag = 15, .kind = IOREQD_FIELD_U16, .since = 1, .offset = offsetof(struct net, rss_length), .count = 1},
    {.tag = 0},
};

static const struct ioreqd_counter counters[] = {
    {.name = "packets-received", .unit = "packets", .offset = offsetof(struct net, packets_received)},
    {.name = "bytes-received", .unit = "bytes", .offset = offsetof(struct net, bytes_received)},
    {.name = "receive-drops", .unit = "packets", .offset = offsetof(struct net, receive_drops)},
    {.name = "filtered", .unit = "packets", .offset = offsetof(struct net, filtered)},
    {.name = "packets-sent", .unit = "packets", .offset = offsetof(struct net, packets_sent)},
    {.name = "bytes-sent", .unit = "bytes", .offset = offsetof(struct net, bytes_sent)},
    {.name = "send-drops", .unit = "packets", .offset = offsetof(struct net, send_drops)},
    {.name = NULL},
};

static const struct ioreqd_model model = {
    .struct_size = sizeof(model),
    .abi = IOREQD_ABI,
    .name = "virtio-net",
    .summary = "network card on a tap interface or a socket",
    .state_size = sizeof(struct net),
    .state_version = 1,
    .description = &description,
    .property = properties,
    .field = fields,
    .counter = counters,
    .create = create,
    .destroy = destroy,
    .read = ioreqd_virtio_register_read,
    .write = ioreqd_virtio_register_write,
    .bell = ioreqd_virtio_bell,
    .reset = ioreqd_virtio_reset,
    .quiesce = quiesce,
    .resume = resume,
    .bus_master = ioreqd_virtio_bus_master,
    .config_read = ioreqd_virtio_config_read,
    .config_write = ioreqd_virtio_config_write,
};

const struct ioreqd_model *const *ioreqd_module(const struct ioreqd_host *given)
{
    static const struct ioreqd_model *const models[] = {&model, NULL};

    host = given;
    return models;
}
