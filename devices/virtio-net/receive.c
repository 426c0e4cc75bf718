/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Packets to the guest (virtio 1.4 §5.1.9.3, §5.1.9.4). Each is read into the pair's own memory first, where it is
 * filtered and its header made; then into as many buffers as it needs. One that finds too few waits for more, and no
 * other is read meanwhile: the order stays, and what comes later is the network's to keep or to drop.
 */
#include <errno.h>
#include <string.h>

#include "header.h"
#include "net.h"

/* Packets that are read in one turn at most: filtered ones take no buffer, which would end it. */
#define BURST 256u

/* The same where they are but dropped: more than the network is likely to keep for a pair. */
#define DRAINED_MOST 2048u

enum outcome { DELIVERED, DROPPED, WAITS };

/* Whether the packet in packet[] may go to the guest, with its header made fit for that. */
static bool fit(struct net_pair *pair, uint32_t length, struct net_count *count)
{
    const struct net_terms *terms = &pair->net->terms;
    const uint8_t *packet = pair->packet + IOREQD_NETWORK_HEADER;

    if (length < NET_ETHERNET_HEADER || net_header_to_guest(pair->packet, length, pair->offloads) != NULL) {
        count->dropped++;
        return false;
    }
    if (!net_filter_passes(&pair->settings.filter, pair->mac, packet, length)) {
        count->filtered++;
        return false;
    }
    if (terms->longest != 0 && !net_header_segments(pair->packet) &&
        length > terms->longest + (net_is_tagged(packet, length) ? NET_VLAN_TAG : 0)) {
        count->dropped++; /* longer than the MTU allows (§5.1.4.1) */
        return false;
    }
    return true;
}

/* Has the next packet in packet[], or waits for the network. */
static bool fetch(struct net_pair *pair, unsigned *reads, struct net_count *count)
{
    while (pair->waiting == 0 && pair->net->network != NULL && *reads < BURST) {
        int length = pair->net->host->network_read(pair->net->network, pair->index, pair->packet, sizeof(pair->packet));

        (*reads)++;
        if (length == -EMSGSIZE) {
            count->dropped++;
        } else if (length < IOREQD_NETWORK_HEADER) {
            break;
        } else if (fit(pair, (uint32_t)length - IOREQD_NETWORK_HEADER, count)) {
            pair->waiting = (uint32_t)length - IOREQD_NETWORK_HEADER;
        }
    }
    return pair->waiting != 0;
}

static void put_back(struct net_pair *pair, unsigned taken)
{
    while (taken-- > 0) {
        ioreqd_virtio_put_back(pair->taken[taken]);
    }
}

/* Takes buffers for bytes of header and packet. The number of them, or 0: there are not enough. */
static unsigned take(struct net_pair *pair, struct ioreqd_virtio_queue *queue, uint32_t bytes, enum outcome *outcome)
{
    const struct net *net = pair->net;
    uint16_t size = net->virtio.registers.queue_size[2 * pair->index];
    uint64_t room = 0;
    unsigned taken = 0;

    while (room < bytes) {
        struct ioreqd_virtio_request *request = ioreqd_virtio_take(queue);

        if (request == NULL) {
            *outcome = taken == size ? DROPPED : WAITS; /* all that there can be: waiting would not help */
            break;
        }
        if (taken == 0 && ioreqd_virtio_request_writable(request) < net->terms.header) {
            net->host->guest_error(net->device, "receive queue %u: buffer of %u bytes has no room for a header",
                                   pair->index, ioreqd_virtio_request_writable(request));
            ioreqd_virtio_request_complete(request, 0);
            continue;
        }
        pair->taken[taken++] = request;
        room += ioreqd_virtio_request_writable(request);
        if (room < bytes && !net->terms.mergeable) {
            *outcome = DROPPED;
            break;
        }
    }
    if (room < bytes) {
        put_back(pair, taken);
        return 0;
    }
    return taken;
}

/* The header as the driver wants it, right before the packet. */
static const uint8_t *make_header(struct net_pair *pair, unsigned buffers)
{
    uint32_t header = pair->net->terms.header;

    net_header_set_buffers(pair->packet, (uint16_t)buffers);
    if (header < IOREQD_NETWORK_HEADER) {
        memmove(pair->packet + IOREQD_NETWORK_HEADER - header, pair->packet, header);
    }
    return pair->packet + IOREQD_NETWORK_HEADER - header;
}

/* How many of the bytes that are left go into a buffer. */
static uint32_t share(const struct ioreqd_virtio_request *request, uint32_t left)
{
    uint32_t room = ioreqd_virtio_request_writable(request);

    return room < left ? room : left;
}

/* The packet into buffers: all but the last are filled, and the driver sees them together (§5.1.9.4.1). */
static enum outcome deliver(struct net_pair *pair, struct ioreqd_virtio_queue *queue)
{
    struct net *net = pair->net;
    const uint32_t bytes = net->terms.header + pair->waiting;
    uint32_t left = bytes;
    enum outcome outcome = WAITS;
    unsigned taken = take(pair, queue, left, &outcome);
    uint8_t header[NET_HEADER_FULL];
    const uint8_t *from;
    int error = 0;

    if (taken == 0) {
        return outcome;
    }
    memcpy(header, pair->packet, sizeof(header));
    from = make_header(pair, taken);
    for (unsigned i = 0; i < taken && error == 0; i++) {
        uint32_t part = share(pair->taken[i], left);

        error = ioreqd_virtio_request_write(pair->taken[i], 0, from, part);
        from += part;
        left -= part;
    }
    if (error == -EIO) {
        put_back(pair, taken); /* bus mastering ended just now: the packet waits for it */
        memcpy(pair->packet, header, sizeof(header));
        return WAITS;
    }
    if (error != 0) {
        ioreqd_virtio_broken(&net->virtio, "receive queue %u: buffer outside of memory", pair->index);
    }
    left = bytes;
    for (unsigned i = 0; i < taken; i++) {
        uint32_t part = share(pair->taken[i], left);

        left -= part;
        ioreqd_virtio_request_complete(pair->taken[i], error == 0 ? part : 0);
    }
    return error == 0 ? DELIVERED : DROPPED;
}

/*
 * Packets for a queue that is being reset are dropped (virtio 1.4 §5.1.9.5.6.2, §5.1.9.5.7.2), and so is one that has
 * waited for its buffers: none is kept for the queue's next life.
 */
void net_drain(struct net_pair *pair)
{
    struct net *net = pair->net;
    struct net_count count = {.dropped = pair->waiting != 0};
    int length = -EMSGSIZE;

    pair->waiting = 0;
    for (unsigned i = 0; net->network != NULL && i < DRAINED_MOST && length != -EAGAIN; i++) {
        length = net->host->network_read(net->network, pair->index, pair->packet, sizeof(pair->packet));
        if (length < IOREQD_NETWORK_HEADER && length != -EMSGSIZE) {
            break;
        }
        count.dropped++;
    }
    net_count(net, &count, NULL);
}

void net_receive(struct net_pair *pair, struct ioreqd_virtio_queue *queue)
{
    struct net_count count = {0};
    bool starved = false;
    unsigned reads = 0;

    pair->received = true;
    if (net_pair_renew(pair, 2 * pair->index)) {
        net_drain(pair); /* what is at hand came before */
    }
    if (pair->index >= pair->settings.pairs) {
        net_pair_want(pair, IOREQD_READABLE, false);
        return;
    }
    net_put_le(pair->mac, sizeof(pair->mac), atomic_load(&pair->net->mac_in_use));
    while (!starved && fetch(pair, &reads, &count)) {
        uint32_t length = pair->waiting;

        switch (deliver(pair, queue)) {
        case DELIVERED:
            count.packets++;
            count.bytes += length;
            pair->waiting = 0;
            break;
        case DROPPED:
            count.dropped++;
            pair->waiting = 0;
            break;
        case WAITS:
            starved = true;
            break;
        }
    }
    net_pair_want(pair, IOREQD_READABLE, !starved);
    net_count(pair->net, &count, NULL);
}
