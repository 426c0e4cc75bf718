/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtio-net: a network card (virtio 1.4 §5.1). This file makes the device and tells what it is; its properties are the
 * affair of properties.c, what it agrees on with a driver that of negotiate.c, packets that of receive.c and transmit.c,
 * commands that of control.c. All of it is on the main loop, but for ready().
 */
#include "net.h"

#define DEVICE_TYPE  1
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
        .config_write = net_config_write,
        .ready = ready,
        .negotiate = net_negotiate,
        .reset = net_forget_driver,
        .queue_reset = net_queue_reset,
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
    error = net_read_properties(net, &mtu);
    if (error != 0) {
        return error;
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
    net_forget_driver(device, net);
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
