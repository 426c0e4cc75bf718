/* SPDX-License-Identifier: BSD-2-Clause */
/* What the guest sends: the transmit queue. The queues' loop. */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "vsock.h"

/* A packet that was copied and checked: the payload lies inside of the request. */
struct transmission {
    struct vsock *vsock;
    struct ioreqd_virtio_request *request;
    struct packet packet;
};

static void abort_it(struct connection *connection, const char *rule)
{
    vsock_host->guest_error(connection->vsock->device, "connection of port %u with port %u of the host: %s",
                            connection->guest_port, connection->host_port, rule);
    vsock_connection_move(connection, EVENT_ABORT);
}

static void refuse(struct vsock *vsock, const struct packet *packet)
{
    vsock_count(&vsock->refused, 1);
    vsock_receive_reset(vsock, packet);
}

/* ---- packets of no connection ---- */

static int call(struct vsock *vsock, uint32_t port)
{
    char suffix[16];
    int descriptor;

    if (vsock->property_sockets == NULL) {
        return -ECONNREFUSED;
    }
    snprintf(suffix, sizeof(suffix), "_%u", port);
    descriptor = vsock_host->sockets_connect(vsock->property_sockets, suffix);
    if (descriptor < 0 && descriptor != -ECONNREFUSED && descriptor != -ENOENT) {
        vsock_host->log(vsock->device, IOREQD_LOG_WARNING, "the guest cannot be connected to port %u: error %d%s", port,
                        -descriptor, descriptor == -EAGAIN ? ": whoever listens is behind with accepting" : "");
    }
    return descriptor;
}

static void set_credit(struct connection *connection, const struct packet *packet)
{
    connection->guest_buf_alloc = packet->buf_alloc;
    connection->guest_fwd_cnt = packet->fwd_cnt;
}

static void on_request(struct vsock *vsock, const struct packet *packet)
{
    struct connection *connection;
    int descriptor = vsock->free == NULL ? -EMFILE : call(vsock, packet->dst_port);

    if (descriptor < 0) {
        refuse(vsock, packet);
        return;
    }
    connection = vsock_connection_new(vsock, descriptor);
    if (connection == NULL) {
        close(descriptor);
        refuse(vsock, packet);
        return;
    }
    vsock_count(&vsock->from_guest, 1);
    vsock_connection_name(connection, packet->src_port, packet->dst_port);
    set_credit(connection, packet);
    vsock_connection_move(connection, EVENT_ACCEPTED);
    vsock_connection_output(connection, OUTPUT_RESPONSE);
}

/* ---- packets of a connection ---- */

static void on_second_request(struct connection *connection, const struct transmission *transmission)
{
    (void)transmission;
    if (connection->state != CONNECTION_RESETTING) { /* where RST is on its way, which answers this one too */
        abort_it(connection, "requested while it is there");
    }
}

static void on_response(struct connection *connection, const struct transmission *transmission)
{
    (void)transmission;
    if (connection->state == CONNECTION_RESETTING) {
        return; /* it took too long */
    }
    if ((connection->output & OUTPUT_REQUEST) != 0 || !vsock_connection_move(connection, EVENT_RESPONSE)) {
        abort_it(connection, "a response without a request");
    } else if (vsock_peer_welcome(connection) != 0) {
        vsock_connection_move(connection, EVENT_ABORT);
    }
}

static void on_reset(struct connection *connection, const struct transmission *transmission)
{
    (void)transmission;
    vsock_connection_move(connection, EVENT_GUEST_RESET);
}

static void on_shutdown(struct connection *connection, const struct transmission *transmission)
{
    if (connection->state == CONNECTION_REQUESTED) {
        abort_it(connection, "shut down before it was accepted");
        return;
    }
    connection->guest_shut |= (uint8_t)(transmission->packet.flags & SHUTDOWN_BOTH); /* permanent (§5.10.6.5) */
    vsock_peer_guest_shut(connection);
}

static void on_data(struct connection *connection, const struct transmission *transmission)
{
    uint32_t length = transmission->packet.length;
    uint32_t known = connection->received - connection->told;
    int error;

    if (connection->state == CONNECTION_CLOSING || connection->state == CONNECTION_RESETTING) {
        return; /* it was on its way when the guest was told */
    }
    if (connection->state != CONNECTION_ESTABLISHED || (connection->guest_shut & SHUTDOWN_SEND) != 0) {
        abort_it(connection, "data before it was accepted, or after it was shut down");
        return;
    }
    if (length > (uint32_t)connection->vsock->property_buffer - known) { /* (§5.10.6.3) */
        abort_it(connection, "more data than it has credit for");
        return;
    }
    error = vsock_peer_send(connection, transmission->request, PACKET_HEADER, length);
    if (error == -EFAULT) {
        ioreqd_virtio_broken(&connection->vsock->virtio, "a packet of the transmit queue lies outside of memory");
    }
    if (error != 0) {
        vsock_connection_move(connection, EVENT_ABORT); /* there is a gap in what it sent */
    }
}

static void on_credit_update(struct connection *connection, const struct transmission *transmission)
{
    (void)connection;
    (void)transmission;
}

static void on_credit_request(struct connection *connection, const struct transmission *transmission)
{
    (void)transmission;
    if (connection->state != CONNECTION_RESETTING) {
        vsock_connection_output(connection, OUTPUT_CREDIT_UPDATE);
    }
}

static void (*const operation[])(struct connection *connection, const struct transmission *transmission) = {
    [OP_REQUEST] = on_second_request,
    [OP_RESPONSE] = on_response,
    [OP_RST] = on_reset,
    [OP_SHUTDOWN] = on_shutdown,
    [OP_RW] = on_data,
    [OP_CREDIT_UPDATE] = on_credit_update,
    [OP_CREDIT_REQUEST] = on_credit_request,
};

#define OPERATIONS (sizeof(operation) / sizeof(operation[0]))

static void take_credit(struct connection *connection, const struct packet *packet)
{
    set_credit(connection, packet);
    if (connection->state == CONNECTION_ESTABLISHED && connection->starved && vsock_receive_credit(connection) != 0) {
        connection->starved = false;
        vsock_connection_sent(connection, OUTPUT_CREDIT_REQUEST);
        vsock_connection_output(connection, OUTPUT_DATA);
    }
}

static void handle(struct transmission *transmission, bool fits)
{
    struct vsock *vsock = transmission->vsock;
    const struct packet *packet = &transmission->packet;
    struct connection *connection = vsock_connection_find(vsock, packet->src_port, packet->dst_port);
    bool known = packet->operation < OPERATIONS && operation[packet->operation] != NULL;

    if (connection == NULL) {
        if (packet->operation == OP_REQUEST) {
            on_request(vsock, packet);
        } else if (packet->operation != OP_RST) {
            vsock_receive_reset(vsock, packet);
        }
        return;
    }
    if (!fits || !known) {
        abort_it(connection, fits ? "an unknown operation" : "a packet that is shorter than it says");
        return;
    }
    take_credit(connection, packet);
    operation[packet->operation](connection, transmission);
}

static void transmit(struct vsock *vsock, struct ioreqd_virtio_request *request)
{
    struct transmission transmission = {.vsock = vsock, .request = request};
    const struct packet *packet = &transmission.packet;
    uint32_t readable = ioreqd_virtio_request_readable(request);
    uint8_t header[PACKET_HEADER];
    int error;

    if (readable < PACKET_HEADER) {
        vsock_count(&vsock->dropped, 1);
        vsock_host->guest_error(vsock->device, "a packet of %u bytes, which has no header", readable);
        return;
    }
    error = ioreqd_virtio_request_read(request, 0, header, sizeof(header));
    if (error != 0) {
        vsock_count(&vsock->dropped, 1);
        if (error == -EFAULT) {
            ioreqd_virtio_broken(&vsock->virtio, "a packet of the transmit queue lies outside of memory");
        }
        return;
    }
    packet_decode(&transmission.packet, header);
    if (packet->src_cid != vsock->property_cid) { /* a reset would not find whoever sent it */
        vsock_count(&vsock->dropped, 1);
        vsock_host->guest_error(vsock->device, "a packet from CID %#llx", (unsigned long long)packet->src_cid);
        return;
    }
    if (packet->dst_cid != CID_HOST || packet->type != TYPE_STREAM || !vsock_has_streams(vsock)) {
        if (packet->operation != OP_RST) { /* (§5.10.6.4.2) */
            refuse(vsock, packet);
        }
        return;
    }
    handle(&transmission, packet->length <= readable - PACKET_HEADER);
}

void vsock_transmit(struct vsock *vsock, struct ioreqd_virtio_queue *queue)
{
    struct ioreqd_virtio_request *request;

    /* Each packet may lead to one RST that no connection has a flag for (§5.10.6.1.2). */
    while (!vsock_receive_resets_full(vsock) && (request = ioreqd_virtio_take(queue)) != NULL) {
        transmit(vsock, request);
        ioreqd_virtio_request_complete(request, 0);
    }
    vsock->tx_stalled = vsock_receive_resets_full(vsock);
}
