/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Packets from the guest (virtio 1.4 §5.1.9.2). The header is copied once and checked, and the network gets that copy;
 * the packet itself goes from the guest's memory to the network without a stop. One that the network has no room for
 * goes back into the ring until there is.
 */
#include <errno.h>
#include <string.h>

#include "header.h"
#include "net.h"

/* The header and the pieces go out in one call of at most 1024 (IOV_MAX). */
#define PIECES_MOST (IOREQD_VIRTIO_MAX_PIECES - 1u)

/* The packet in few pieces, behind the place of the header in iov[]. Their number, or -errno. */
static int map(struct net_pair *pair, struct ioreqd_virtio_request *request, uint32_t skip, uint32_t length)
{
    const struct iovec *iov;
    uint32_t pieces;
    int error = ioreqd_virtio_request_map(request, IOREQD_FROM_GUEST, skip, length, &iov, &pieces);

    if (error == 0 && pieces <= PIECES_MOST) {
        memcpy(pair->iov + 1, iov, pieces * sizeof(*iov));
        return (int)pieces;
    }
    if (error != 0 && error != -E2BIG) {
        return error;
    }
    error = ioreqd_virtio_request_read(request, skip, pair->flat, length);
    pair->iov[1] = (struct iovec){.iov_base = pair->flat, .iov_len = length};
    return error == 0 ? 1 : error;
}

/* What is wrong with a packet of the guest, after its header; NULL: nothing. */
static const char *check(struct net_pair *pair, struct ioreqd_virtio_request *request, uint8_t header[NET_HEADER_FULL],
                         uint32_t *length)
{
    const struct net_terms *terms = &pair->net->terms;
    uint32_t readable = ioreqd_virtio_request_readable(request);

    if (readable < terms->header + NET_ETHERNET_HEADER) {
        return "too short";
    }
    *length = readable - terms->header;
    if (*length > IOREQD_NETWORK_MAX_PACKET) {
        return "too long";
    }
    memset(header, 0, NET_HEADER_FULL);
    if (ioreqd_virtio_request_read(request, 0, header, terms->header) != 0) {
        return "not in memory";
    }
    return net_header_from_guest(header, *length, terms->offloads);
}

/* False: the network has no room for it now. */
static bool send(struct net_pair *pair, struct ioreqd_virtio_request *request, struct net_count *count)
{
    struct net *net = pair->net;
    uint8_t header[NET_HEADER_FULL];
    uint32_t length = 0;
    const char *wrong = check(pair, request, header, &length);
    int result = -ENOLINK;

    if (wrong != NULL) {
        net->host->guest_error(net->device, "transmit queue %u: packet of %u bytes: %s", pair->index,
                               ioreqd_virtio_request_readable(request), wrong);
    } else if (net->network != NULL && pair->index < pair->settings.pairs) {
        result = map(pair, request, net->terms.header, length);
        if (result > 0) {
            pair->iov[0] = (struct iovec){.iov_base = header, .iov_len = sizeof(header)};
            result = net->host->network_write(net->network, pair->index, pair->iov, (unsigned)result + 1);
        }
    }
    if (result == -EAGAIN) {
        return false;
    }
    if (result < 0) {
        count->dropped++;
    } else {
        count->packets++;
        count->bytes += length;
    }
    return true;
}

void net_transmit(struct net_pair *pair, struct ioreqd_virtio_queue *queue)
{
    struct net_count count = {0};
    struct ioreqd_virtio_request *request;
    bool full = false;

    pair->transmitted = true;
    (void)net_pair_renew(pair, 2 * pair->index + 1);
    while (!full && (request = ioreqd_virtio_take(queue)) != NULL) {
        if (send(pair, request, &count)) {
            ioreqd_virtio_request_complete(request, 0);
        } else {
            ioreqd_virtio_put_back(request);
            full = true;
        }
    }
    net_pair_want(pair, IOREQD_WRITABLE, full);
    net_count(pair->net, NULL, &count);
}
