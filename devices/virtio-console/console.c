/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtio-console: a console and further ports (virtio 1.4 §5.3), see console.h. Here are the device's life, its
 * configuration, and what it says of itself.
 *
 * MULTIPORT is offered only where there is more than the console: without it a driver learns the size of the terminal from
 * the device configuration, on whose layout all drivers agree, and not from the message RESIZE, whose numbers Linux took in
 * the wrong order for years. Emergency output (EMERG_WRITE) is taken whether or not it was negotiated.
 *
 * The queues' loop may be in the midst of emergency output when the host asks for rest. So the question goes to that loop
 * first, and from there back to the library, which stops the queues and answers.
 */
#include "console.h"

#include <errno.h>
#include <string.h>

#define DEVICE_TYPE 3
#define QUEUE_SIZE  256

static const struct ioreqd_host *host;

/* ------------------------------------------------------------------------------------------------------------------
 * Queues
 */

static void ready(struct ioreqd_device *device, void *state, struct ioreqd_virtio_queue *queue)
{
    struct console *console = state;
    unsigned index = ioreqd_virtio_queue_index(queue);
    struct port *port = &console->port[index < CONTROL_RECEIVE ? 0 : index / 2 - 1];

    (void)device;
    if (index == CONTROL_RECEIVE) {
        control_receive(console, queue);
    } else if (index == CONTROL_TRANSMIT) {
        control_transmit(console, queue);
    } else if (index % 2 == 0) {
        port_receive(port, queue);
    } else {
        port_transmit(port, queue);
    }
}

/* All stand still. */
static void reset_by_driver(struct ioreqd_device *device, void *state)
{
    (void)device;
    control_reset(state);
}

/* This one stands still. */
static void reset_queue(struct ioreqd_device *device, void *state, unsigned index)
{
    struct console *console = state;

    (void)device;
    if (index % 2 != 0 && index != CONTROL_TRANSMIT) {
        console->port[index < CONTROL_RECEIVE ? 0 : index / 2 - 1].sent = 0;
    }
}

static void config_write(struct ioreqd_device *device, void *state, uint32_t offset, unsigned size, uint32_t value)
{
    (void)device;
    (void)size;
    if (offset == CONFIG_EMERGENCY) {
        emergency_write(state, (uint8_t)value); /* the lower byte (§5.3.5.1) */
    }
}

/* ------------------------------------------------------------------------------------------------------------------
 * Rest
 */

static void rested(void *argument)
{
    struct console *console = argument;

    ioreqd_virtio_quiesce(console->device, console);
}

/* On the queues' loop. */
static void rest(void *argument)
{
    struct console *console = argument;

    console->quiet = true;
    host->post(host->main_loop(console->device), &console->rested);
}

/* On the queues' loop. */
static void go_on(void *argument)
{
    struct console *console = argument;

    console->quiet = false;
    emergency_flush(console);
}

static void quiesce(struct ioreqd_device *device, void *state)
{
    struct console *console = state;

    console->resting = true;
    host->post(host->queue_loop(device, 0), &console->rest);
}

static void resume(struct ioreqd_device *device, void *state)
{
    struct console *console = state;

    console->resting = false;
    host->post(host->queue_loop(device, 0), &console->go_on);
    ioreqd_virtio_resume(device, state);
    size_publish(console);
}

/* ------------------------------------------------------------------------------------------------------------------
 * Creation
 */

static int check_name(struct console *console, unsigned index)
{
    static const char *const key[PORTS] = {"", "name1", "name2", "name3", "name4", "name5", "name6", "name7"};
    const char *name = console->port[index].property_name;

    for (const char *at = name; *at != 0; at++) {
        if (*at == '/' || (unsigned char)*at < ' ' || *at == 0x7f) {
            host->property_error(console->device, key[index],
                                 "it becomes a file's name in the guest: leave '/' and control characters out");
            return -EINVAL;
        }
    }
    for (unsigned i = 1; name[0] != 0 && i < index; i++) {
        if (strcmp(console->port[i].property_name, name) == 0) {
            host->property_error(console->device, key[index], "port %u has that name: choose another one", i);
            return -EINVAL;
        }
    }
    return 0;
}

static int check_properties(struct console *console)
{
    int error = size_parse(console);

    for (unsigned i = 1; error == 0 && i < PORTS; i++) {
        error = check_name(console, i);
    }
    return error;
}

static void set_up_work(struct console *console)
{
    console->rest = (struct ioreqd_work){.run = rest, .argument = console};
    console->rested = (struct ioreqd_work){.run = rested, .argument = console};
    console->go_on = (struct ioreqd_work){.run = go_on, .argument = console};
    console->emergency = (struct ioreqd_work){.run = emergency_flush, .argument = console};
    console->resize = (struct ioreqd_work){.run = size_publish, .argument = console};
    console->look = (struct ioreqd_work){.run = port_look_at_all, .argument = console};
}

/* Whether some console's size is known, or may become so. */
static bool has_size(const struct console *console)
{
    uint16_t columns, rows;

    for (unsigned i = 0; i < console->ports; i++) {
        const struct port *port = &console->port[i];

        if (port->is_console &&
            (atomic_load(&console->size) != 0 ||
             (port->property_stream != NULL && host->stream_size(port->property_stream, &columns, &rows) == 0))) {
            return true;
        }
    }
    return false;
}

static int create_ports(struct console *console)
{
    int error = 0;

    for (unsigned i = 0; i < PORTS && error == 0; i++) {
        struct port *port = &console->port[i];

        port->console = console;
        port->index = i;
        port->is_console = i == 0 || port->property_console != 0;
        port->size = port->is_console ? size_look(port) : 0;
        if (i == 0 || port->property_stream != NULL) {
            console->ports = i + 1;
        }
        error = port_create(port);
    }
    return error;
}

/* As many queues as a driver can use. All share a loop. */
static void describe(struct console *console, struct ioreqd_description *description)
{
    description->queues = (uint16_t)(console->ports == 1 ? 2 : 2 * (console->ports + 1));
    description->msix = (uint16_t)(description->queues + 1);
    description->queue_group = description->queues;
    console->bell = description->bell[0];
    console->bell.count = description->queues;
    description->bell = &console->bell;
}

static int create(struct ioreqd_device *device, void *state, struct ioreqd_description *description)
{
    struct console *console = state;
    struct ioreqd_virtio_options options = {
        .queue_size = QUEUE_SIZE,
        .config = console->config,
        .config_length = sizeof(console->config),
        .ready = ready,
        .config_write = config_write,
        .reset = reset_by_driver,
        .queue_reset = reset_queue,
        .user_formats = 1,
    };
    int error;

    console->host = host;
    console->device = device;
    set_up_work(console);
    error = check_properties(console);
    if (error == 0) {
        error = create_ports(console);
    }
    if (error == 0) {
        describe(console, description);
        options.queues = description->queues;
        options.features[0] = UINT64_C(1) << F_EMERG_WRITE | (uint64_t)has_size(console) << F_SIZE |
                              (uint64_t)(console->ports > 1) << F_MULTIPORT;
        console->config[CONFIG_MAX_PORTS] = (uint8_t)console->ports;
        error = ioreqd_virtio_create(&console->virtio, host, device, &options);
    }
    if (error != 0) {
        for (unsigned i = 0; i < PORTS; i++) {
            port_destroy(&console->port[i]);
        }
        return error;
    }
    atomic_store(&console->new_size, console->port[0].size);
    size_publish(console);
    return 0;
}

static void destroy(struct ioreqd_device *device, void *state)
{
    struct console *console = state;

    (void)device;
    for (unsigned i = 0; i < PORTS; i++) {
        port_destroy(&console->port[i]);
    }
    ioreqd_virtio_destroy(&console->virtio);
}

/* ------------------------------------------------------------------------------------------------------------------
 * What it says of itself
 */

static const struct ioreqd_description description =
    IOREQD_VIRTIO_DESCRIPTION(DEVICE_TYPE, 0x07, 0x80, 0x00, QUEUES, CONFIG_LENGTH);

#define PORT_PROPERTIES(number)                                                                                        \
    {.name = "port" #number,                                                                                           \
     .fallback = "none",                                                                                               \
     .help = "the line of port " #number ", as for stream; none: there is no such port",                               \
     .kind = IOREQD_PROPERTY_STREAM,                                                                                   \
     .offset = offsetof(struct console, port[number].property_stream)},                                                \
        {.name = "name" #number,                                                                                       \
         .fallback = "",                                                                                               \
         .help = "its name in the guest, where Linux has /dev/virtio-ports/NAME",                                      \
         .kind = IOREQD_PROPERTY_STRING,                                                                               \
         .offset = offsetof(struct console, port[number].property_name),                                               \
         .maximum = NAME_MAX_BYTES},                                                                                   \
        {.name = "console" #number,                                                                                    \
         .fallback = "off",                                                                                            \
         .help = "it is a console, as port 0, and no port for programs",                                               \
         .kind = IOREQD_PROPERTY_BOOL,                                                                                 \
         .offset = offsetof(struct console, port[number].property_console)},                                           \
    {                                                                                                                  \
        .name = "hotplug" #number, .fallback = "off", .help = "it exists only while somebody is at its other end",     \
        .kind = IOREQD_PROPERTY_BOOL, .offset = offsetof(struct console, port[number].property_hotplug)                \
    }

static const struct ioreqd_property properties[] = {
    {.name = "stream",
     .fallback = "pty",
     .help = "the console's line: pty, pty:LINK, unix:PATH, file:PATH, stdio or none",
     .kind = IOREQD_PROPERTY_STREAM,
     .offset = offsetof(struct console, port[0].property_stream)},
    {.name = "size",
     .fallback = "",
     .help = "COLUMNSxROWS of consoles whose stream does not tell",
     .kind = IOREQD_PROPERTY_STRING,
     .offset = offsetof(struct console, property_size),
     .maximum = sizeof(((struct console *)0)->property_size) - 1},
    PORT_PROPERTIES(1),
    PORT_PROPERTIES(2),
    PORT_PROPERTIES(3),
    PORT_PROPERTIES(4),
    PORT_PROPERTIES(5),
    PORT_PROPERTIES(6),
    PORT_PROPERTIES(7),
    IOREQD_VIRTIO_PROPERTIES(struct console, virtio),
    {.name = NULL},
};

#define PORT_FIELD(tag_, kind_, number, member)                                                                        \
    {                                                                                                                  \
        .tag = (tag_) + 16 * (number), .kind = (kind_), .since = 1,                                                    \
        .offset = offsetof(struct console, port[number].member), .count = 1                                            \
    }

#define PORT_FIELDS(number)                                                                                            \
    PORT_FIELD(2, IOREQD_FIELD_U8, number, told.state), PORT_FIELD(3, IOREQD_FIELD_U8, number, told.once),             \
        PORT_FIELD(4, IOREQD_FIELD_U8, number, told.open), PORT_FIELD(5, IOREQD_FIELD_U8, number, told.guest_open),    \
        PORT_FIELD(6, IOREQD_FIELD_U32, number, told.size), PORT_FIELD(7, IOREQD_FIELD_U32, number, sent)

static const struct ioreqd_field fields[] = {
    IOREQD_VIRTIO_FIELDS(struct console, virtio, QUEUES),
    {.tag = 1, .kind = IOREQD_FIELD_U8, .since = 1, .offset = offsetof(struct console, driver_ready), .count = 1},
    PORT_FIELDS(0),
    PORT_FIELDS(1),
    PORT_FIELDS(2),
    PORT_FIELDS(3),
    PORT_FIELDS(4),
    PORT_FIELDS(5),
    PORT_FIELDS(6),
    PORT_FIELDS(7),
    {.tag = 0},
};

static const struct ioreqd_counter counters[] = {
    {.name = "bytes-from-guest", .unit = "bytes", .offset = offsetof(struct console, bytes_from_guest)},
    {.name = "bytes-to-guest", .unit = "bytes", .offset = offsetof(struct console, bytes_to_guest)},
    {.name = "bytes-lost", .unit = "bytes", .offset = offsetof(struct console, bytes_lost)},
    {.name = NULL},
};

static const struct ioreqd_model model = {
    .struct_size = sizeof(model),
    .abi = IOREQD_ABI,
    .name = "virtio-console",
    .summary = "console, and lines between programs in the guest and outside",
    .state_size = sizeof(struct console),
    .state_version = 1,
    .description = &description,
    .property = properties,
    .field = fields,
    .counter = counters,
    .create = create,
    .destroy = destroy,
    /* IOREQD_VIRTIO_CALLS, but for rest */
    .read = ioreqd_virtio_register_read,
    .write = ioreqd_virtio_register_write,
    .bell = ioreqd_virtio_bell,
    .reset = ioreqd_virtio_reset,
    .quiesce = quiesce,
    .config_read = ioreqd_virtio_config_read,
    .config_write = ioreqd_virtio_config_write,
    .resume = resume,
    .bus_master = ioreqd_virtio_bus_master,
    .verb = console_verbs,
};

const struct ioreqd_model *const *ioreqd_module(const struct ioreqd_host *given)
{
    static const struct ioreqd_model *const models[] = {&model, NULL};

    if (!IOREQD_HAS(given, stream_size)) {
        return NULL; /* older than sizes of streams */
    }
    host = given;
    return models;
}
