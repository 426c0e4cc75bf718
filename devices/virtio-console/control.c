/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The talk about ports on the control queues (virtio 1.4 §5.3.6.2), see console.h.
 *
 * No message waits: what the driver was told is compared with what is so, and the difference is the next message, made
 * when there is a buffer for it. However often people come and go while a driver gives no buffers, it costs no memory, and
 * the driver then hears how things are; only that somebody went and another one came is told as both.
 *
 *                 DEVICE_ADD           PORT_READY 1
 *   PORT_ABSENT ------------> PORT_ADDED ----------> PORT_READY
 *       ^                       |     \  PORT_READY 0        |
 *       |                       |      +----------> PORT_REFUSED
 *       +-----------------------+---------------------+------+
 *                            DEVICE_REMOVE
 */
#include "console.h"

#include <errno.h>
#include <string.h>

enum event {
    DEVICE_READY = 0,
    DEVICE_ADD = 1,
    DEVICE_REMOVE = 2,
    EVENT_PORT_READY = 3,
    CONSOLE_PORT = 4,
    RESIZE = 5,
    PORT_OPEN = 6,
    PORT_NAME = 7
};

/* struct virtio_console_control: id, event and value, little-endian. */
enum { MESSAGE_ID = 0, MESSAGE_EVENT = 4, MESSAGE_VALUE = 6, MESSAGE_BYTES = 8 };

struct message {
    uint8_t byte[MESSAGE_BYTES + NAME_MAX_BYTES];
    uint32_t length;
};

static void put16(uint8_t *to, unsigned value)
{
    to[0] = (uint8_t)value;
    to[1] = (uint8_t)(value >> 8);
}

static unsigned get16(const uint8_t *from)
{
    return from[0] | (unsigned)from[1] << 8;
}

static void forget(struct port *port)
{
    port->told = (struct told){.state = PORT_ABSENT};
}

void control_reset(struct console *console)
{
    console->driver_ready = 0;
    for (unsigned i = 0; i < PORTS; i++) {
        forget(&console->port[i]);
        console->port[i].sent = 0;
    }
}

void control_kick(struct console *console)
{
    if (console->control_receive != NULL) {
        ioreqd_virtio_queue_kick(console->control_receive);
    }
}

/* ------------------------------------------------------------------------------------------------------------------
 * To the driver
 */

static bool exists(const struct port *port)
{
    return port->index == 0 || (port->property_stream != NULL && (port->property_hotplug == 0 || port_connected(port)));
}

/* A console can always be written to: its output is lost where nobody is there. */
static bool is_open(const struct port *port)
{
    return port->is_console || port_connected(port);
}

static bool compose(struct message *message, const struct port *port, enum event event, unsigned value)
{
    memset(message->byte, 0, MESSAGE_BYTES);
    message->byte[MESSAGE_ID] = (uint8_t)port->index;
    put16(message->byte + MESSAGE_EVENT, event);
    put16(message->byte + MESSAGE_VALUE, value);
    message->length = MESSAGE_BYTES;
    return true;
}

static bool compose_name(struct message *message, struct port *port)
{
    size_t length = strlen(port->property_name);

    port->told.once |= TOLD_NAME;
    compose(message, port, PORT_NAME, 1);
    memcpy(message->byte + MESSAGE_BYTES, port->property_name, length);
    message->length += (uint32_t)length;
    return true;
}

static bool compose_size(struct message *message, struct port *port)
{
    port->told.size = port->size;
    compose(message, port, RESIZE, 0);
    put16(message->byte + MESSAGE_BYTES, port->size >> 16);
    put16(message->byte + MESSAGE_BYTES + 2, port->size & 0xffff);
    message->length += 4;
    return true;
}

static bool compose_open(struct message *message, struct port *port, bool open)
{
    port->told.open = open;
    return compose(message, port, PORT_OPEN, open);
}

/* What a driver that has the port ready is to hear next, if anything. */
static bool next_of_ready(struct port *port, struct message *message)
{
    bool open = is_open(port);

    if (port->is_console && (port->told.once & TOLD_CONSOLE) == 0) {
        port->told.once |= TOLD_CONSOLE;
        return compose(message, port, CONSOLE_PORT, 1);
    }
    if (port->is_console && port->size != port->told.size && port->size != 0 &&
        ioreqd_virtio_negotiated(&port->console->virtio, F_SIZE)) {
        return compose_size(message, port);
    }
    if (port->property_name[0] != 0 && (port->told.once & TOLD_NAME) == 0) {
        return compose_name(message, port);
    }
    if (port->told.open != 0 && (!open || (port->came && !port->is_console))) {
        port->came = false;
        return compose_open(message, port, false);
    }
    if (port->told.open == 0 && open) {
        port->came = false;
        return compose_open(message, port, true);
    }
    return false;
}

static bool next_of(struct port *port, struct message *message)
{
    if (port->told.state == PORT_ABSENT) {
        if (!exists(port)) {
            return false;
        }
        port->told.state = PORT_ADDED;
        port->came = false;
        return compose(message, port, DEVICE_ADD, 0);
    }
    if (!exists(port) || (port->came && port->property_hotplug != 0)) {
        forget(port);
        return compose(message, port, DEVICE_REMOVE, 0);
    }
    return port->told.state == PORT_READY && next_of_ready(port, message);
}

/* 0, -EIO when the driver has ended bus mastering under our hands, or another -errno when the device is broken. */
static int deliver(struct console *console, struct ioreqd_virtio_request *request, const struct message *message)
{
    uint32_t room = ioreqd_virtio_request_writable(request);
    int error =
        room < message->length ? -EINVAL : ioreqd_virtio_request_write(request, 0, message->byte, message->length);

    if (error == -EIO) {
        ioreqd_virtio_put_back(request);
        return error;
    }
    if (error != 0) {
        ioreqd_virtio_broken(&console->virtio,
                             "a control message of %u bytes has a buffer of %u, or one outside of memory",
                             message->length, room);
    }
    ioreqd_virtio_request_complete(request, error == 0 ? message->length : 0);
    return error;
}

/* Tells one thing of a port. 1: done, 0: there is nothing to tell, or -errno. */
static int tell(struct port *port, struct ioreqd_virtio_request *request)
{
    struct told before = port->told;
    struct message message;
    int error;

    if (!next_of(port, &message)) {
        return 0;
    }
    error = deliver(port->console, request, &message);
    if (error != 0) {
        port->told = before;
        return error;
    }
    return 1;
}

void control_receive(struct console *console, struct ioreqd_virtio_queue *queue)
{
    struct ioreqd_virtio_request *request;

    console->control_receive = queue;
    while ((request = ioreqd_virtio_take(queue)) != NULL) {
        int told = 0;

        for (unsigned i = 0; told == 0 && console->driver_ready != 0 && i < console->ports; i++) {
            told = tell(&console->port[i], request);
        }
        if (told == 0) {
            ioreqd_virtio_put_back(request);
        }
        if (told <= 0) {
            return;
        }
    }
}

/* ------------------------------------------------------------------------------------------------------------------
 * From the driver
 */

static void on_port_ready(struct port *port, unsigned value)
{
    struct console *console = port->console;

    if (port->told.state != PORT_ADDED) {
        console->host->guest_error(console->device, "port %u: the driver has it ready unasked", port->index);
        return;
    }
    port->told.state = value == 1 ? PORT_READY : PORT_REFUSED;
    if (port->told.state == PORT_REFUSED) {
        console->host->log(console->device, IOREQD_LOG_WARNING, "port %u: the guest could not set it up", port->index);
    }
}

static void on_port_open(struct port *port, unsigned value)
{
    struct console *console = port->console;

    if (port->told.state != PORT_READY) {
        console->host->guest_error(console->device, "port %u: the driver opens or closes what it has not", port->index);
        return;
    }
    port->told.guest_open = value != 0;
    console->host->log(console->device, IOREQD_LOG_DEBUG, "port %u: %s by the guest", port->index,
                       value != 0 ? "opened" : "closed");
    port_kick(port);
}

static void on_message(struct console *console, const uint8_t *byte)
{
    uint32_t id = get16(byte + MESSAGE_ID) | (uint32_t)get16(byte + MESSAGE_ID + 2) << 16;
    unsigned event = get16(byte + MESSAGE_EVENT), value = get16(byte + MESSAGE_VALUE);

    if (event == DEVICE_READY) {
        console->driver_ready = value == 1;
        return;
    }
    if (id >= console->ports) {
        console->host->guest_error(console->device, "control message %u for port %u, which cannot be", event, id);
        return;
    }
    switch (event) {
    case EVENT_PORT_READY:
        on_port_ready(&console->port[id], value);
        break;
    case PORT_OPEN:
        on_port_open(&console->port[id], value);
        break;
    default:
        console->host->guest_error(console->device, "control message %u is none that a driver sends", event);
        break;
    }
}

void control_transmit(struct console *console, struct ioreqd_virtio_queue *queue)
{
    struct ioreqd_virtio_request *request;
    uint8_t byte[MESSAGE_BYTES];

    while ((request = ioreqd_virtio_take(queue)) != NULL) {
        int error = ioreqd_virtio_request_read(request, 0, byte, sizeof(byte));

        if (error == -EIO) {
            ioreqd_virtio_put_back(request);
            return;
        }
        if (error == 0 && console_multiport(console)) {
            on_message(console, byte);
        } else if (error == -EFAULT) {
            ioreqd_virtio_broken(&console->virtio, "control message lies outside of memory");
        } else {
            console->host->guest_error(console->device, "control message of %u bytes, or without MULTIPORT",
                                       ioreqd_virtio_request_readable(request));
        }
        ioreqd_virtio_request_complete(request, 0);
    }
    control_kick(console);
}
