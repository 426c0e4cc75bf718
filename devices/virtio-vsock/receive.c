/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the guest is sent: the receive queue. Connections that have something take turns, a packet each, and the ring of
 * resets takes turns with all of them. The queues' loop.
 */
#include <errno.h>
#include <string.h>
#include <sys/uio.h>

#include "vsock.h"

/* ---- resets of what is no connection ---- */

bool vsock_receive_resets_full(const struct vsock *vsock)
{
    return vsock->reset_count == RESETS;
}

void vsock_receive_reset(struct vsock *vsock, const struct packet *of)
{
    vsock->reset[(vsock->reset_head + vsock->reset_count) % RESETS] =
        (struct reset){.src_cid = of->dst_cid, .guest_port = of->src_port, .host_port = of->dst_port, .type = of->type};
    vsock->reset_count++;
    vsock_kick(vsock, QUEUE_RX);
}

/* ---- packets ---- */

uint32_t vsock_receive_credit(const struct connection *connection)
{
    uint32_t under_way = connection->sent - connection->guest_fwd_cnt;

    /* A guest that makes its buffer smaller, or says to have got what was never sent, has no room. */
    return under_way < connection->guest_buf_alloc ? connection->guest_buf_alloc - under_way : 0;
}

/* False where the guest's buffer cannot be written: the device is broken, or may not reach memory for a while. */
static bool put_header(struct vsock *vsock, struct ioreqd_virtio_request *request, const struct packet *packet)
{
    uint8_t header[PACKET_HEADER];
    int error;

    packet_encode(packet, header);
    error = ioreqd_virtio_request_write(request, 0, header, sizeof(header));
    if (error == -EFAULT) {
        ioreqd_virtio_broken(&vsock->virtio, "a buffer of the receive queue lies outside of memory");
    }
    return error == 0;
}

static bool send_reset(struct vsock *vsock, struct ioreqd_virtio_request *request)
{
    const struct reset *reset = &vsock->reset[vsock->reset_head];
    struct packet packet = {
        .src_cid = reset->src_cid,
        .dst_cid = vsock->property_cid,
        .src_port = reset->host_port,
        .dst_port = reset->guest_port,
        .type = reset->type,
        .operation = OP_RST,
    };

    bool written = put_header(vsock, request, &packet);

    if (written) {
        vsock_count(&vsock->resets, 1);
        vsock->reset_head = (vsock->reset_head + 1) % RESETS;
        vsock->reset_count--;
    }
    ioreqd_virtio_request_complete(request, written ? PACKET_HEADER : 0);
    return written;
}

/*
 * Reads the socket into the guest's buffer. What the packet becomes depends on what was found; where that is nothing,
 * it tells the guest of its credit, which does no harm.
 */
static enum packet_operation fetch(struct connection *connection, struct ioreqd_virtio_request *request,
                                   uint32_t *length)
{
    uint32_t room = ioreqd_virtio_request_writable(request) - PACKET_HEADER;
    uint32_t credit = vsock_receive_credit(connection);
    const struct iovec *iov;
    uint32_t pieces;
    ssize_t count;
    int error;

    if (credit == 0) {
        connection->starved = true;
        vsock_connection_sent(connection, OUTPUT_DATA);
        vsock_peer_watch(connection);
        return OP_CREDIT_REQUEST;
    }
    room = room < credit ? room : credit;
    room = room < MAX_PAYLOAD ? room : MAX_PAYLOAD;
    error = room == 0 ? 0 : ioreqd_virtio_request_map(request, IOREQD_TO_GUEST, PACKET_HEADER, room, &iov, &pieces);
    if (error == -EFAULT || error == -E2BIG) {
        ioreqd_virtio_broken(&connection->vsock->virtio, "a buffer of the receive queue cannot be written");
    }
    if (room == 0 || error != 0) {
        return OP_CREDIT_UPDATE;
    }
    count = readv(connection->descriptor, iov, (int)pieces);
    if (count < 0 && errno != EAGAIN && errno != EINTR) {
        return OP_RST;
    }
    if (count != (ssize_t)room) {
        connection->unread = false; /* that is all of it */
        vsock_connection_sent(connection, OUTPUT_DATA);
    }
    if (count == 0) {
        vsock_peer_ended(connection);
    }
    vsock_peer_watch(connection);
    if (count > 0) {
        *length = (uint32_t)count;
        connection->sent += *length;
        vsock_count(&connection->vsock->bytes_to_guest, *length);
    }
    return count > 0 ? OP_RW : count == 0 ? OP_SHUTDOWN : OP_CREDIT_UPDATE;
}

static enum packet_operation choose(struct connection *connection, struct ioreqd_virtio_request *request,
                                    uint32_t *length)
{
    static const struct {
        enum output output;
        enum packet_operation operation;
    } order[] = {
        {OUTPUT_RESET, OP_RST}, {OUTPUT_REQUEST, OP_REQUEST},   {OUTPUT_RESPONSE, OP_RESPONSE},
        {OUTPUT_DATA, OP_RW},   {OUTPUT_SHUTDOWN, OP_SHUTDOWN}, {OUTPUT_CREDIT_REQUEST, OP_CREDIT_REQUEST},
    };

    for (unsigned i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
        if ((connection->output & order[i].output) != 0) {
            return order[i].output == OUTPUT_DATA ? fetch(connection, request, length) : order[i].operation;
        }
    }
    return OP_CREDIT_UPDATE;
}

/* What need not be sent once more. */
static unsigned covered_by(enum packet_operation operation)
{
    static const uint8_t covered[] = {
        [OP_REQUEST] = OUTPUT_REQUEST,
        [OP_RESPONSE] = OUTPUT_RESPONSE,
        [OP_SHUTDOWN] = OUTPUT_SHUTDOWN,
        [OP_CREDIT_REQUEST] = OUTPUT_CREDIT_REQUEST,
        [OP_RW] = 0,
        [OP_CREDIT_UPDATE] = 0,
        [OP_RST] = OUTPUT_RESET,
    };

    return covered[operation] | OUTPUT_CREDIT_UPDATE;
}

static bool send_packet(struct connection *connection, struct ioreqd_virtio_request *request)
{
    struct vsock *vsock = connection->vsock;
    uint32_t length = 0;
    enum packet_operation operation = choose(connection, request, &length);
    struct packet packet = {
        .src_cid = CID_HOST,
        .dst_cid = vsock->property_cid,
        .src_port = connection->host_port,
        .dst_port = connection->guest_port,
        .length = length,
        .type = TYPE_STREAM,
        .operation = (uint16_t)operation,
        .flags = operation == OP_SHUTDOWN ? connection->host_shut : 0,
        .buf_alloc = (uint32_t)vsock->property_buffer,
        .fwd_cnt = connection->forwarded,
    };
    bool written = put_header(vsock, request, &packet);

    ioreqd_virtio_request_complete(request, written ? PACKET_HEADER + length : 0);
    if (!written) {
        if (length != 0) { /* read, and lost */
            vsock_connection_move(connection, EVENT_ABORT);
        }
        return false;
    }
    connection->told = packet.fwd_cnt;
    vsock_connection_sent(connection, covered_by(operation));
    if (operation == OP_RST) {
        vsock_count(&vsock->resets, 1);
        vsock_connection_move(connection, EVENT_FORGET);
    } else if (operation == OP_SHUTDOWN && packet.flags == SHUTDOWN_BOTH) {
        vsock_connection_move(connection, EVENT_HOST_DONE);
    }
    return true;
}

static bool send_next(struct vsock *vsock, struct ioreqd_virtio_request *request)
{
    uint32_t writable = ioreqd_virtio_request_writable(request);

    if (writable < PACKET_HEADER) {
        ioreqd_virtio_broken(&vsock->virtio, "a buffer of the receive queue has %u bytes", writable);
        ioreqd_virtio_request_complete(request, 0);
        return false;
    }
    if (vsock->reset_count != 0 && (vsock->reset_turn || vsock->first_output == NULL)) {
        vsock->reset_turn = false;
        return send_reset(vsock, request);
    }
    vsock->reset_turn = true;
    return send_packet(vsock->first_output, request);
}

void vsock_receive(struct vsock *vsock, struct ioreqd_virtio_queue *queue)
{
    struct ioreqd_virtio_request *request;

    /* Where memory is out of reach, the library has the queue ready again when it is back. */
    while ((vsock->first_output != NULL || vsock->reset_count != 0) && (request = ioreqd_virtio_take(queue)) != NULL &&
           send_next(vsock, request)) {
    }
    if (vsock->tx_stalled && !vsock_receive_resets_full(vsock)) {
        vsock->tx_stalled = false;
        vsock_kick(vsock, QUEUE_TX);
    }
}
