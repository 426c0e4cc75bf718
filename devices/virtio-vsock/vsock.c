/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtio-vsock: the device, its properties and its life. The main loop, but for what is marked otherwise.
 *
 * The connections are the queue loop's, so that whatever begins or ends on the main loop is handed over by posted work,
 * which runs in the order of posting: a new driver's first doorbell comes after the end of the old one's connections.
 */
#include "vsock.h"

#include <errno.h>

#define DEVICE_TYPE 19
#define PAGE        4096u

#define STATUS_DRIVER_OK 4u /* (§2.1) */

/* Feature bits (§5.10.3). */
#define F_STREAM            0
#define F_NO_IMPLIED_STREAM 2

#define EVENT_TRANSPORT_RESET 0u /* (§5.10.6.7) */
#define EVENT_LENGTH          4u

const struct ioreqd_host *vsock_host;

/* ------------------------------------------------------------------------------------------------------------------
 * On the queues' loop
 */

void vsock_kick(struct vsock *vsock, enum queue queue)
{
    if (vsock->queue[queue] != NULL) { /* before that it will be ready without */
        ioreqd_virtio_queue_kick(vsock->queue[queue]);
    }
}

bool vsock_has_streams(const struct vsock *vsock)
{
    /* A driver that knows none of the features means streams (§5.10.3.2); SEQPACKET is not offered. */
    return ioreqd_virtio_negotiated(&vsock->virtio, F_STREAM) ||
           !ioreqd_virtio_negotiated(&vsock->virtio, F_NO_IMPLIED_STREAM);
}

static void send_event(struct vsock *vsock, struct ioreqd_virtio_queue *queue)
{
    static const uint8_t bytes[EVENT_LENGTH] = {EVENT_TRANSPORT_RESET};
    struct ioreqd_virtio_request *request;

    while (vsock->transport_reset && (request = ioreqd_virtio_take(queue)) != NULL) {
        int error = ioreqd_virtio_request_write(request, 0, bytes, sizeof(bytes));

        if (error == -EINVAL || error == -EFAULT) {
            ioreqd_virtio_broken(&vsock->virtio, "a buffer of the event queue cannot be written");
        }
        vsock->transport_reset = error != 0;
        ioreqd_virtio_request_complete(request, error == 0 ? EVENT_LENGTH : 0);
    }
}

static void ready(struct ioreqd_device *device, void *state, struct ioreqd_virtio_queue *queue)
{
    struct vsock *vsock = state;
    unsigned index = ioreqd_virtio_queue_index(queue);

    (void)device;
    vsock->queue[index] = queue;
    if (vsock->quiet) {
        return;
    }
    switch ((enum queue)index) {
    case QUEUE_RX:
        vsock_receive(vsock, queue);
        break;
    case QUEUE_TX:
        vsock_transmit(vsock, queue);
        break;
    default:
        send_event(vsock, queue);
        break;
    }
}

static void clear(void *argument)
{
    struct vsock *vsock = argument;

    vsock_connections_clear(vsock);
    vsock->reset_head = 0;
    vsock->reset_count = 0;
    vsock->tx_stalled = false;
    vsock->transport_reset = false;
}

static void stop(void *argument)
{
    struct vsock *vsock = argument;

    vsock->quiet = true;
    vsock->stopped_at = vsock_host->now(vsock->device);
    vsock_connections_stop(vsock);
    vsock_host->post(vsock_host->main_loop(vsock->device), &vsock->stopped_work);
}

/* The queues ring for themselves when they start. */
static void start(void *argument)
{
    struct vsock *vsock = argument;

    if (vsock->forget) {
        vsock->forget = false;
        clear(vsock);
    }
    if (vsock->moved) {
        vsock->moved = false;
        vsock->transport_reset = true;
    }
    vsock->quiet = false;
    vsock_connections_start(vsock, vsock_host->now(vsock->device) - vsock->stopped_at);
}

/* ------------------------------------------------------------------------------------------------------------------
 * Drivers come and go
 */

/* The library resets by itself when the driver asks for it: seen here by the status, at the next access at the latest. */
static void follow_status(struct vsock *vsock)
{
    bool running = (vsock->virtio.registers.status & STATUS_DRIVER_OK) != 0;

    if (vsock->session && !running) {
        vsock_host->post(vsock->loop, &vsock->clear_work);
    }
    vsock->session = running;
}

static uint64_t register_read(struct ioreqd_device *device, void *state, unsigned bar, uint64_t offset, unsigned size)
{
    follow_status(state);
    return ioreqd_virtio_register_read(device, state, bar, offset, size);
}

static void register_write(struct ioreqd_device *device, void *state, unsigned bar, uint64_t offset, unsigned size,
                           uint64_t value)
{
    follow_status(state); /* before a new driver's queues start */
    ioreqd_virtio_register_write(device, state, bar, offset, size, value);
    follow_status(state);
}

static void config_write(struct ioreqd_device *device, void *state, unsigned index, unsigned offset, unsigned size,
                         uint32_t value)
{
    follow_status(state);
    ioreqd_virtio_config_write(device, state, index, offset, size, value);
    follow_status(state);
}

static void reset(struct ioreqd_device *device, void *state, enum ioreqd_reset_kind kind)
{
    struct vsock *vsock = state;

    ioreqd_virtio_reset(device, state, kind);
    vsock->session = false;
    vsock->moved = false;
    vsock->forget = kind != IOREQD_RESET_COLD; /* after which there is nothing, and no resume() */
}

static void stopped(void *argument)
{
    struct vsock *vsock = argument;

    ioreqd_virtio_quiesce(vsock->device, vsock);
}

static void quiesce(struct ioreqd_device *device, void *state)
{
    struct vsock *vsock = state;

    (void)device;
    vsock_host->post(vsock->loop, &vsock->stop_work);
}

static void resume(struct ioreqd_device *device, void *state)
{
    struct vsock *vsock = state;
    bool running = (vsock->virtio.registers.status & STATUS_DRIVER_OK) != 0;

    vsock->moved = running && !vsock->session;
    vsock->session = running;
    vsock_host->post(vsock->loop, &vsock->start_work);
    ioreqd_virtio_resume(device, state);
}

/* ------------------------------------------------------------------------------------------------------------------
 * Made and destroyed
 */

static int check_properties(struct vsock *vsock)
{
    uint32_t queue_size = vsock->property_queue_size;

    if ((queue_size & (queue_size - 1)) != 0) {
        vsock_host->property_error(vsock->device, "queue-size", "%u is no power of 2: use one from 2 to %u", queue_size,
                                   IOREQD_VIRTIO_MAX_QUEUE_SIZE);
        return -EINVAL;
    }
    if (vsock->property_buffer % PAGE != 0) {
        vsock_host->property_error(vsock->device, "buffer", "%llu is no multiple of 4096: use one, as 64k",
                                   (unsigned long long)vsock->property_buffer);
        return -EINVAL;
    }
    return 0;
}

static void destroy(struct ioreqd_device *device, void *state)
{
    struct vsock *vsock = state;

    (void)device;
    vsock_table_destroy(vsock);
    if (vsock->timer != NULL) {
        vsock_host->timer_destroy(vsock->timer);
    }
    ioreqd_virtio_destroy(&vsock->virtio);
}

static int create(struct ioreqd_device *device, void *state, struct ioreqd_description *description)
{
    struct vsock *vsock = state;
    struct ioreqd_virtio_options options = {
        .user_formats = 1,
        .features = {UINT64_C(1) << F_STREAM | UINT64_C(1) << F_NO_IMPLIED_STREAM},
        .queues = QUEUES,
        .config = vsock->config,
        .config_length = sizeof(vsock->config),
        .ready = ready,
    };
    int error;

    vsock->device = device;
    if (check_properties(vsock) != 0) {
        return -EINVAL;
    }
    description->queue_group = QUEUES;
    vsock->loop = vsock_host->queue_loop(device, 0);
    vsock->clear_work = (struct ioreqd_work){.run = clear, .argument = vsock};
    vsock->stop_work = (struct ioreqd_work){.run = stop, .argument = vsock};
    vsock->stopped_work = (struct ioreqd_work){.run = stopped, .argument = vsock};
    vsock->start_work = (struct ioreqd_work){.run = start, .argument = vsock};
    for (unsigned i = 0; i < sizeof(vsock->property_cid); i++) {
        vsock->config[i] = (uint8_t)(vsock->property_cid >> 8 * i); /* the upper half is 0 (§5.10.4) */
    }
    options.queue_size = (uint16_t)vsock->property_queue_size;
    error = ioreqd_virtio_create(&vsock->virtio, vsock_host, device, &options);
    if (error == 0) {
        error = vsock_table_create(vsock);
    }
    if (error == 0) {
        error = vsock_host->timer_create(device, vsock->loop, vsock_connection_expire, vsock, &vsock->timer);
    }
    if (error == 0 && vsock->property_sockets != NULL) {
        error = vsock_host->sockets_listen(device, vsock->loop, vsock->property_sockets, vsock_peer_came, vsock);
    }
    if (error != 0) {
        destroy(device, vsock);
    }
    return error;
}

/* ------------------------------------------------------------------------------------------------------------------
 * What it says of itself
 */

static const struct ioreqd_description description =
    IOREQD_VIRTIO_DESCRIPTION(DEVICE_TYPE, 0x07, 0x80, 0x00, QUEUES, 8);

static const struct ioreqd_property properties[] = {
    {.name = "socket",
     .help = "socket that is made for programs of the host; the guest's port P reaches the one at this path and _P",
     .kind = IOREQD_PROPERTY_SOCKETS,
     .flags = IOREQD_PROPERTY_REQUIRED,
     .offset = offsetof(struct vsock, property_sockets)},
    {.name = "cid",
     .fallback = "3",
     .help = "context ID that the guest sees as its own",
     .kind = IOREQD_PROPERTY_U32,
     .offset = offsetof(struct vsock, property_cid),
     .minimum = 3, /* those below, and the highest, are reserved (§5.10.4) */
     .maximum = UINT32_MAX - 1},
    {.name = "connections",
     .fallback = "1024",
     .help = "connections that there may be at a time",
     .kind = IOREQD_PROPERTY_U32,
     .offset = offsetof(struct vsock, property_connections),
     .minimum = 1,
     .maximum = 16384},
    {.name = "buffer",
     .fallback = "64k",
     .help = "bytes of a connection that wait at most for a slow program of the host: a multiple of 4k",
     .kind = IOREQD_PROPERTY_SIZE,
     .offset = offsetof(struct vsock, property_buffer),
     .minimum = PAGE,
     .maximum = 16u << 20},
    {.name = "queue-size",
     .fallback = "128",
     .help = "packets that the guest may have in each queue: a power of 2",
     .kind = IOREQD_PROPERTY_U32,
     .offset = offsetof(struct vsock, property_queue_size),
     .minimum = 2,
     .maximum = IOREQD_VIRTIO_MAX_QUEUE_SIZE},
    IOREQD_VIRTIO_PROPERTIES(struct vsock, virtio),
    {.name = NULL},
};

static const struct ioreqd_field fields[] = {
    IOREQD_VIRTIO_FIELDS(struct vsock, virtio, QUEUES),
    {.tag = 0},
};

#define COUNTER(text, of, member)                                                                                      \
    {                                                                                                                  \
        .name = (text), .unit = (of), .offset = offsetof(struct vsock, member)                                         \
    }

static const struct ioreqd_counter counters[] = {
    COUNTER("from-guest", "connections", from_guest),
    COUNTER("from-host", "connections", from_host),
    COUNTER("refused", "connections", refused),
    COUNTER("bytes-from-guest", "bytes", bytes_from_guest),
    COUNTER("bytes-to-guest", "bytes", bytes_to_guest),
    COUNTER("resets", "packets", resets),
    COUNTER("dropped", "packets", dropped),
    {.name = NULL},
};

static const struct ioreqd_model model = {
    .struct_size = sizeof(model),
    .abi = IOREQD_ABI,
    .name = "virtio-vsock",
    .summary = "sockets between guest and host",
    .state_size = sizeof(struct vsock),
    .state_version = 1,
    .description = &description,
    .property = properties,
    .field = fields,
    .counter = counters,
    .create = create,
    .destroy = destroy,
    .read = register_read,
    .write = register_write,
    .bell = ioreqd_virtio_bell,
    .reset = reset,
    .quiesce = quiesce,
    .config_read = ioreqd_virtio_config_read,
    .config_write = config_write,
    .resume = resume,
    .bus_master = ioreqd_virtio_bus_master,
};

const struct ioreqd_model *const *ioreqd_module(const struct ioreqd_host *given)
{
    static const struct ioreqd_model *const models[] = {&model, NULL};

    if (!IOREQD_HAS(given, sockets_connect) || given->sockets_listen == NULL) {
        return NULL; /* older than sockets */
    }
    vsock_host = given;
    return models;
}
