/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How packets are spread over the pairs (virtio 1.4 §5.1.9.5.5 to §5.1.9.5.7): by the network as it likes, or with RSS by
 * the table and key of the driver, which the network is told of. Of the two commands the last one holds. On the main loop.
 */
#include <string.h>

#include "control.h"

/* struct virtio_net_rss_config: what stands around the table, and the table's place. */
enum rss { HASH_TYPES = 0, TABLE_MASK = 4, UNCLASSIFIED = 6, TABLE = 8, AFTER_TABLE = 3 };

static int tell_pairs(struct net *net, unsigned pairs)
{
    return net->network != NULL ? net->host->network_set_queue_pairs(net->network, pairs) : 0;
}

static int tell_steering(struct net *net, const struct ioreqd_network_steering *steering)
{
    return net->host->network_set_steering(net->network, steering);
}

void net_stop_steering(struct net *net)
{
    if (net->rss_length != 0) {
        (void)tell_steering(net, NULL);
        net->rss_length = 0;
    }
}

enum acknowledge net_set_pairs(struct net *net, struct net_command *command)
{
    uint64_t pairs = net_get_le(command->data, 2);

    if (pairs == 0 || pairs > net->pairs || (net->rss_length != 0 && tell_steering(net, NULL) != 0)) {
        return ACK_ERROR;
    }
    net->rss_length = 0;
    if (tell_pairs(net, (unsigned)pairs) != 0) {
        return ACK_ERROR;
    }
    net->settings.pairs = (uint16_t)pairs;
    return ACK_OK;
}

/*
 * What the driver asks for, and the pairs that it needs; command->length becomes what that takes. False: it makes no sense. What follows
 * the key is nothing of ours: Linux 6.12.107 puts the byte by which its own structure is padded before the key, so that the key's last one
 * is left over.
 */
static bool parse(const struct net *net, struct net_command *command, struct ioreqd_network_steering *steering,
                  uint16_t table[IOREQD_NETWORK_TABLE_MOST], unsigned *pairs)
{
    const uint8_t *data = command->data, *after;
    uint32_t mask, length;

    if (command->length < TABLE + 2 + AFTER_TABLE) {
        return false;
    }
    mask = (uint32_t)net_get_le(data + TABLE_MASK, 2);
    if (mask >= IOREQD_NETWORK_TABLE_MOST || (mask & (mask + 1)) != 0 ||
        command->length < TABLE + 2 * (mask + 1) + AFTER_TABLE) {
        return false;
    }
    after = data + TABLE + 2 * (mask + 1);
    *steering = (struct ioreqd_network_steering){.struct_size = sizeof(*steering),
                                                 .hash_types = (uint32_t)net_get_le(data + HASH_TYPES, 4),
                                                 .unclassified = (uint16_t)net_get_le(data + UNCLASSIFIED, 2),
                                                 .entries = (uint16_t)(mask + 1),
                                                 .key_length = after[2],
                                                 .table = table,
                                                 .key = after + AFTER_TABLE};
    length = TABLE + 2 * (mask + 1) + AFTER_TABLE + steering->key_length;
    *pairs = (unsigned)net_get_le(after, 2); /* that the driver sends by */
    if (*pairs == 0 || *pairs > net->pairs || (steering->hash_types & ~net->facts.hash_types) != 0 ||
        steering->key_length > IOREQD_NETWORK_KEY_MOST || steering->unclassified >= net->pairs ||
        command->length < length) {
        return false;
    }
    command->length = length;
    *pairs = *pairs > steering->unclassified ? *pairs : steering->unclassified + 1u;
    for (uint32_t i = 0; i <= mask; i++) {
        table[i] = (uint16_t)net_get_le(data + TABLE + 2 * i, 2);
        if (table[i] >= net->pairs) { /* the highest bit is reserved, and 0 */
            return false;
        }
        *pairs = *pairs > table[i] ? *pairs : table[i] + 1u;
    }
    return true;
}

/* All pairs that it names are in use for as long as the network knows its table. */
enum acknowledge net_set_steering(struct net *net, struct net_command *command)
{
    uint16_t table[IOREQD_NETWORK_TABLE_MOST];
    struct ioreqd_network_steering steering;
    unsigned pairs, before = net->settings.pairs;

    if (!parse(net, command, &steering, table, &pairs) || (pairs > before && tell_pairs(net, pairs) != 0)) {
        return ACK_ERROR;
    }
    if (tell_steering(net, &steering) != 0) {
        (void)tell_pairs(net, before);
        return ACK_ERROR;
    }
    memcpy(net->rss, command->data, command->length);
    net->rss_length = (uint16_t)command->length;
    if (pairs < before && tell_pairs(net, pairs) != 0) {
        pairs = before; /* more of them than are needed do no harm */
    }
    net->settings.pairs = (uint16_t)pairs;
    return ACK_OK;
}
