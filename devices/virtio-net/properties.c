/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the user wants the card to be, as far as the network can do it: its address, MTU and number of queues. On the main
 * loop, when the device is made.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "net.h"

#define MTU_LEAST 68u /* (§5.1.4.1) */

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
            net->host->property_error(
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
        net->host->log(
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
        net->host->property_error(net->device, "mtu", "%u is out of range: the network carries %u to %u", *mtu,
                                  MTU_LEAST, most);
        return -EINVAL;
    }
    return 0;
}

static int check_queues(struct net *net)
{
    uint32_t size = net->property_queue_size;

    if ((size & (size - 1)) != 0) {
        net->host->property_error(net->device, "queue-size", "%u is no power of 2: use one from 4 to %u", size,
                                  IOREQD_VIRTIO_MAX_QUEUE_SIZE);
        return -EINVAL;
    }
    if (net->network != NULL && net->property_queues > net->facts.queue_pairs) {
        net->host->property_error(net->device, "queues", "the network has %u pair%s of queues: give no more",
                                  net->facts.queue_pairs, net->facts.queue_pairs == 1 ? "" : "s");
        return -EINVAL;
    }
    net->pairs = (uint16_t)net->property_queues;
    return 0;
}

int net_read_properties(struct net *net, uint32_t *mtu)
{
    return check_queues(net) != 0 || choose_mtu(net, mtu) != 0 || choose_mac(net) != 0 ? -EINVAL : 0;
}
