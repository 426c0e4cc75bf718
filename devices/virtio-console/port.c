/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The bytes of a port, see console.h: from its transmit queue to its stream, and from there to its receive queue.
 *
 * A buffer is taken when something can be done with it, and put back when that ends, so that nothing is in flight between
 * two turns: neither a slow reader nor somebody who never types keeps the device from a reset. How far the first buffer
 * to be sent has got is a number.
 *
 * A reader who is slow makes the driver wait. On a console that would stop the guest, whose kernel may wait there with
 * its interrupts off: what a console's reader has not taken within PATIENCE is dropped, and all that follows, until there
 * is room again.
 */
#include "console.h"

#include <errno.h>

#define CHUNK      4096u
#define TURN_BYTES (256u * 1024)       /* moved in one turn: a buffer may have 4 GiB, and others want their turn */
#define PATIENCE   UINT64_C(500000000) /* nanoseconds */

static bool is_closed(const struct port *port)
{
    return (atomic_load(&port->console->closed) >> port->index & 1) != 0;
}

bool port_connected(const struct port *port)
{
    return !is_closed(port) && port->property_stream != NULL &&
           port->console->host->stream_connected(port->property_stream);
}

static void set_wanted(struct port *port, unsigned events)
{
    if (port->property_stream != NULL && events != port->wanted) {
        port->wanted = events;
        port->console->host->stream_want(port->property_stream, events);
    }
}

void port_want(struct port *port, unsigned events)
{
    set_wanted(port, port->wanted | events);
}

void port_kick(struct port *port)
{
    if (port->receive != NULL) {
        ioreqd_virtio_queue_kick(port->receive);
    }
    if (port->transmit != NULL) {
        ioreqd_virtio_queue_kick(port->transmit);
    }
}

/* ------------------------------------------------------------------------------------------------------------------
 * To the guest
 */

/* Bytes for a port that nobody in the guest has open, or that people have closed, stay with whoever sent them. */
static bool may_receive(const struct port *port)
{
    if (is_closed(port)) {
        return false;
    }
    if (!console_multiport(port->console)) {
        return port->index == 0;
    }
    return port->told.state == PORT_READY && port->told.guest_open != 0;
}

void port_receive(struct port *port, struct ioreqd_virtio_queue *queue)
{
    struct console *console = port->console;
    uint8_t chunk[CHUNK];
    unsigned wanted = port->wanted & ~IOREQD_READABLE;

    port->receive = queue;
    while (port->property_stream != NULL && may_receive(port)) {
        struct ioreqd_virtio_request *request = ioreqd_virtio_take(queue);
        uint32_t room;
        size_t length;
        int error;

        if (request == NULL) {
            break;
        }
        room = ioreqd_virtio_request_writable(request);
        if (room == 0) { /* (§5.3.6.1) */
            ioreqd_virtio_broken(&console->virtio, "port %u: receive buffer that cannot be written", port->index);
            ioreqd_virtio_request_complete(request, 0);
            break;
        }
        length = console->host->stream_read(port->property_stream, chunk, room < CHUNK ? room : CHUNK);
        if (length == 0) {
            ioreqd_virtio_put_back(request);
            wanted |= IOREQD_READABLE;
            break;
        }
        error = ioreqd_virtio_request_write(request, 0, chunk, length);
        if (error == -EFAULT) {
            ioreqd_virtio_broken(&console->virtio, "port %u: receive buffer lies outside of memory", port->index);
        }
        console_count(error == 0 ? &console->bytes_to_guest : &console->bytes_lost, length);
        ioreqd_virtio_request_complete(request, error == 0 ? (uint32_t)length : 0);
    }
    set_wanted(port, wanted);
}

/* ------------------------------------------------------------------------------------------------------------------
 * From the guest
 */

static void calm_down(struct port *port)
{
    port->giving_up = false;
    if (port->waiting) {
        port->waiting = false;
        port->console->host->timer_set(port->patience, 0);
    }
}

static void lose_patience(void *argument)
{
    struct port *port = argument;

    port->waiting = false;
    port->giving_up = true;
    port_kick(port);
}

static void wait_for_room(struct port *port)
{
    const struct ioreqd_host *host = port->console->host;

    port_want(port, IOREQD_WRITABLE);
    if (port->patience != NULL && !port->waiting) {
        port->waiting = true;
        host->timer_set(port->patience, host->now(port->console->device) + PATIENCE);
    }
}

static bool has_taker(const struct port *port)
{
    bool known =
        console_multiport(port->console) ? port->told.state == PORT_READY || port->index == 0 : port->index == 0;

    return known && !port->giving_up && port_connected(port);
}

enum outcome { SENT, WAITS, TURN_OVER, BROKEN };

/* Sends the rest of a buffer, and at most *turn bytes of it. */
static enum outcome send_buffer(struct port *port, struct ioreqd_virtio_request *request, uint32_t *turn)
{
    struct console *console = port->console;
    uint32_t total = ioreqd_virtio_request_readable(request);
    uint8_t chunk[CHUNK];

    while (port->sent < total) {
        uint32_t length = total - port->sent < CHUNK ? total - port->sent : CHUNK;
        size_t taken;
        int error;

        if (!has_taker(port)) {
            console_count(&console->bytes_lost, total - port->sent);
            return SENT;
        }
        if (*turn < length) {
            return TURN_OVER;
        }
        error = ioreqd_virtio_request_read(request, port->sent, chunk, length);
        if (error != 0) {
            return error == -EIO ? WAITS : BROKEN; /* -EIO: until the guest lets us reach its memory again */
        }
        taken = console->host->stream_write(port->property_stream, chunk, length);
        *turn -= length;
        port->sent += (uint32_t)taken;
        console_count(&console->bytes_from_guest, taken);
        if (taken < length) {
            wait_for_room(port);
            return WAITS;
        }
    }
    return SENT;
}

void port_transmit(struct port *port, struct ioreqd_virtio_queue *queue)
{
    struct ioreqd_virtio_request *request;
    uint32_t turn = TURN_BYTES;

    port->transmit = queue;
    while ((request = ioreqd_virtio_take(queue)) != NULL) {
        switch (send_buffer(port, request, &turn)) {
        case SENT:
            port->sent = 0;
            ioreqd_virtio_request_complete(request, 0);
            break;
        case WAITS:
            ioreqd_virtio_put_back(request);
            return;
        case TURN_OVER:
            ioreqd_virtio_put_back(request);
            ioreqd_virtio_queue_kick(queue);
            return;
        default:
            ioreqd_virtio_broken(&port->console->virtio, "port %u: transmit buffer lies outside of memory",
                                 port->index);
            ioreqd_virtio_request_complete(request, 0);
            return;
        }
    }
}

/* ------------------------------------------------------------------------------------------------------------------
 * The stream
 */

/* What is found out is noted; what follows from it is done by the queues, if they run. */
static void on_stream(void *argument, unsigned events)
{
    struct port *port = argument;
    struct console *console = port->console;

    set_wanted(port, port->wanted & ~(events & (IOREQD_READABLE | IOREQD_WRITABLE)));
    if ((events & IOREQD_CONNECTED) != 0) {
        port->came = port_connected(port);
    }
    if ((events & (IOREQD_CONNECTED | IOREQD_WRITABLE)) != 0) {
        calm_down(port);
        if (port->index == 0) {
            emergency_flush(console);
        }
    }
    if ((events & (IOREQD_CONNECTED | IOREQD_RESIZED)) != 0) {
        size_update(port);
        control_kick(console);
    }
    port_kick(port);
}

void port_look_at_all(void *argument)
{
    struct console *console = argument;

    for (unsigned i = 0; i < console->ports; i++) {
        if (console->port[i].property_stream != NULL) {
            on_stream(&console->port[i], IOREQD_CONNECTED);
        } else {
            size_update(&console->port[i]);
        }
    }
    control_kick(console);
}

int port_create(struct port *port)
{
    struct console *console = port->console;
    const struct ioreqd_host *host = console->host;
    struct ioreqd_loop *loop = host->queue_loop(console->device, 0);
    int error;

    if (port->property_stream == NULL) {
        return 0;
    }
    error = host->stream_watch(console->device, loop, port->property_stream, on_stream, port);
    if (error == 0 && port->is_console) {
        error = host->timer_create(console->device, loop, lose_patience, port, &port->patience);
    }
    if (error == 0 && port->is_console) {
        port_want(port, IOREQD_RESIZED);
    }
    return error;
}

void port_destroy(struct port *port)
{
    if (port->patience != NULL) {
        port->console->host->timer_destroy(port->patience);
        port->patience = NULL;
    }
}
