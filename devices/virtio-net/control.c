/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The control queue (virtio 1.4 §5.1.9.5). A command is read on the loop of the queue, whole and once, and carried out
 * on the main loop, which owns the settings; then each pair gets them on its own loop, and the last one has the answer
 * written. So whatever a command asks for holds when the driver sees its buffer used.
 */
#include <errno.h>
#include <string.h>

#include "control.h"

#define CLASS_AND_COMMAND 2u         /* bytes before the data */
#define TABLES            UINT16_MAX /* as length of the data: two tables of addresses */
#define ANY               (UINT16_MAX - 1) /* what carries it out looks at the length; what no command is as long as is left out */

enum order_class {
    ORDER_CLASS_RX = 0,
    ORDER_CLASS_MAC = 1,
    ORDER_CLASS_VLAN = 2,
    ORDER_CLASS_ANNOUNCE = 3,
    ORDER_CLASS_PAIRS = 4,
    ORDER_CLASS_OFFLOADS = 5,
    ORDER_CLASS_MODERATE = 6
};

/* Commands of the classes; those of class RX are enum net_mode. */
enum order_command {
    ORDER_MAC_TABLE = 0,
    ORDER_MAC_ADDRESS = 1,
    ORDER_VLAN_ADD = 0,
    ORDER_VLAN_REMOVE = 1,
    ORDER_ANNOUNCED = 0,
    ORDER_PAIRS = 0,
    ORDER_STEERING = 1,
    ORDER_OFFLOADS = 0
};

static enum acknowledge set_mode(struct net *net, struct net_command *command)
{
    if (command->data[0] > 1) {
        return ACK_ERROR;
    }
    net->settings.filter.mode[command->order->command] = command->data[0];
    net->settings.filter.set = 1;
    return ACK_OK;
}

static enum acknowledge set_addresses(struct net *net, struct net_command *command)
{
    net->settings.filter.unicast = command->table[0];
    net->settings.filter.multicast = command->table[1];
    net->settings.filter.set = 1;
    return ACK_OK;
}

static enum acknowledge set_mac(struct net *net, struct net_command *command)
{
    if ((command->data[0] & 1) != 0) {
        return ACK_ERROR; /* of a group */
    }
    memcpy(net->config + NET_CONFIG_MAC, command->data, 6);
    net_use_mac(net);
    return ACK_OK;
}

static enum acknowledge set_vlan(struct net *net, struct net_command *command)
{
    uint64_t vlan = net_get_le(command->data, 2);
    uint8_t bit = (uint8_t)(1u << (vlan % 8));

    if (vlan >= NET_VLANS) {
        return ACK_ERROR;
    }
    if (command->order->command == ORDER_VLAN_ADD) {
        net->settings.filter.vlan[vlan / 8] |= bit;
    } else {
        net->settings.filter.vlan[vlan / 8] &= (uint8_t)~bit;
    }
    return ACK_OK;
}

static enum acknowledge end_announcement(struct net *net, struct net_command *command)
{
    (void)command;
    net->announce = 0;
    net_show_link(net);
    return ACK_OK;
}

static enum acknowledge set_offloads(struct net *net, struct net_command *command)
{
    uint64_t offloads = net_get_le(command->data, 8);

    if ((offloads & ~net_features_guest(net->terms.features)) != 0 || !net_features_complete(offloads) ||
        (net->network != NULL && net->host->network_set_offloads(net->network, net_features_to_guest(offloads)) != 0)) {
        return ACK_ERROR;
    }
    net->settings.offloads = offloads;
    return ACK_OK;
}

static const struct net_order orders[] = {
    {ORDER_CLASS_RX, NET_MODE_PROMISCUOUS, NET_F_CTRL_RX, 1, set_mode, 0},
    {ORDER_CLASS_RX, NET_MODE_ALL_MULTICAST, NET_F_CTRL_RX, 1, set_mode, 0},
    {ORDER_CLASS_RX, NET_MODE_ALL_UNICAST, NET_F_CTRL_RX_EXTRA, 1, set_mode, 0},
    {ORDER_CLASS_RX, NET_MODE_NO_MULTICAST, NET_F_CTRL_RX_EXTRA, 1, set_mode, 0},
    {ORDER_CLASS_RX, NET_MODE_NO_UNICAST, NET_F_CTRL_RX_EXTRA, 1, set_mode, 0},
    {ORDER_CLASS_RX, NET_MODE_NO_BROADCAST, NET_F_CTRL_RX_EXTRA, 1, set_mode, 0},
    {ORDER_CLASS_MAC, ORDER_MAC_TABLE, NET_F_CTRL_RX, TABLES, set_addresses, 0},
    {ORDER_CLASS_MAC, ORDER_MAC_ADDRESS, NET_F_CTRL_MAC_ADDR, 6, set_mac, 0},
    {ORDER_CLASS_VLAN, ORDER_VLAN_ADD, NET_F_CTRL_VLAN, 2, set_vlan, 0},
    {ORDER_CLASS_VLAN, ORDER_VLAN_REMOVE, NET_F_CTRL_VLAN, 2, set_vlan, 0},
    {ORDER_CLASS_ANNOUNCE, ORDER_ANNOUNCED, NET_F_GUEST_ANNOUNCE, 0, end_announcement, 0},
    {ORDER_CLASS_PAIRS, ORDER_PAIRS, NET_F_MQ, 2, net_set_pairs, 0},
    {ORDER_CLASS_PAIRS, ORDER_STEERING, NET_F_RSS, ANY, net_set_steering, 0},
    {ORDER_CLASS_OFFLOADS, ORDER_OFFLOADS, NET_F_CTRL_GUEST_OFFLOADS, 8, set_offloads, 0},
    {ORDER_CLASS_MODERATE, ORDER_MODERATE_TRANSMIT, NET_F_NOTF_COAL, 8, net_set_moderation, 0},
    {ORDER_CLASS_MODERATE, ORDER_MODERATE_RECEIVE, NET_F_NOTF_COAL, 8, net_set_moderation, 0},
    {ORDER_CLASS_MODERATE, ORDER_MODERATE_QUEUE, NET_F_VQ_NOTF_COAL, 12, net_set_queue_moderation, 0},
    {ORDER_CLASS_MODERATE, ORDER_MODERATE_TELL, NET_F_VQ_NOTF_COAL, 4, net_tell_queue_moderation, 8},
};

/* On the main loop. */
static void carry_out(void *argument)
{
    struct net *net = argument;
    struct net_command *command = &net->command;

    command->acknowledge = (uint8_t)command->order->carry_out(net, command);
    if (command->acknowledge != ACK_OK) {
        net->host->post(ioreqd_virtio_request_loop(command->request), &command->answer_work);
        return;
    }
    atomic_store(&command->unsettled, net->pairs);
    for (unsigned i = 0; i < net->pairs; i++) {
        net->host->post(net->host->queue_loop(net->device, 2 * i), &net->pair[i].settle_work);
    }
}

/* ------------------------------------------------------------------------------------------------------------------
 * The queue, on its loop
 */

/* What a command has for the driver is its data, and stands before the acknowledgement (§5.1.9.5); all 0 with an error. */
static void acknowledge(struct net *net, struct ioreqd_virtio_request *request, uint8_t value)
{
    struct net_command *command = &net->command;
    uint32_t room = ioreqd_virtio_request_writable(request);
    uint32_t result = command->order != NULL && command->order->result < room ? command->order->result : 0;
    uint8_t bytes[sizeof(command->result) + 1] = {0};

    if (value == ACK_OK) {
        memcpy(bytes, command->result, result);
    }
    bytes[result] = value;
    if (room == 0 || ioreqd_virtio_request_write(request, 0, bytes, result + 1) == -EFAULT) {
        ioreqd_virtio_broken(&net->virtio, "control command without a place in memory for its answer");
    }
    ioreqd_virtio_request_complete(request, room != 0 ? result + 1 : 0);
}

static void answer(void *argument)
{
    struct net *net = argument;
    struct net_command *command = &net->command;
    struct ioreqd_virtio_request *request = command->request;

    command->request = NULL;
    acknowledge(net, request, command->acknowledge);
    ioreqd_virtio_queue_kick(command->queue);
}

/* One table of addresses from offset on, which moves behind it. False when it is not there whole. */
static bool read_addresses(struct ioreqd_virtio_request *request, struct net_addresses *table, uint32_t *offset)
{
    uint32_t left = ioreqd_virtio_request_readable(request) - *offset;
    uint8_t bytes[4];
    uint64_t entries;

    if (left < sizeof(bytes) || ioreqd_virtio_request_read(request, *offset, bytes, sizeof(bytes)) != 0) {
        return false;
    }
    *offset += (uint32_t)sizeof(bytes);
    left -= (uint32_t)sizeof(bytes);
    entries = net_get_le(bytes, sizeof(bytes));
    if (entries * sizeof(table->address[0]) > left) {
        return false;
    }
    memset(table, 0, sizeof(*table));
    table->all = entries > NET_ADDRESSES_MOST;
    table->count = (uint8_t)(table->all ? 0 : entries);
    left = (uint32_t)(entries * sizeof(table->address[0]));
    *offset += left;
    return table->all || ioreqd_virtio_request_read(request, *offset - left, table->address, left) == 0;
}

static bool read_tables(struct net_command *command, struct ioreqd_virtio_request *request)
{
    uint32_t offset = CLASS_AND_COMMAND;

    return read_addresses(request, &command->table[0], &offset) &&
           read_addresses(request, &command->table[1], &offset) && offset == ioreqd_virtio_request_readable(request);
}

/* Finds out what is to be done, with its data; false when it cannot be done. */
static bool read_command(struct net *net, struct ioreqd_virtio_request *request)
{
    struct net_command *command = &net->command;
    uint32_t length = ioreqd_virtio_request_readable(request);
    uint8_t head[CLASS_AND_COMMAND];

    command->order = NULL;
    if (length < sizeof(head) || ioreqd_virtio_request_read(request, 0, head, sizeof(head)) != 0) {
        return false;
    }
    length -= (uint32_t)sizeof(head);
    for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
        const struct net_order *order = &orders[i];

        if (order->class != head[0] || order->command != head[1] || !net_agreed(net, order->feature)) {
            continue;
        }
        command->order = order;
        if (order->length == TABLES) {
            return read_tables(command, request);
        }
        if (order->length == ANY && length > sizeof(command->data)) {
            length = sizeof(command->data);
        }
        command->length = length;
        return (length == order->length || order->length == ANY) &&
               ioreqd_virtio_request_writable(request) > order->result &&
               ioreqd_virtio_request_read(request, CLASS_AND_COMMAND, command->data, length) == 0;
    }
    return false;
}

void net_control(struct net *net, struct ioreqd_virtio_queue *queue)
{
    struct net_command *command = &net->command;
    struct ioreqd_virtio_request *request;

    while (command->request == NULL && (request = ioreqd_virtio_take(queue)) != NULL) {
        if (!read_command(net, request)) {
            acknowledge(net, request, ACK_ERROR);
            continue;
        }
        command->request = request;
        command->queue = queue;
        net->host->post(net->host->main_loop(net->device), &command->carry_out_work);
    }
}

void net_control_create(struct net *net)
{
    net->command.carry_out_work = (struct ioreqd_work){.run = carry_out, .argument = net};
    net->command.answer_work = (struct ioreqd_work){.run = answer, .argument = net};
}
