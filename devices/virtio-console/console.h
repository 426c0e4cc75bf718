/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The device of the model virtio-console (virtio 1.4 §5.3), as its files see it: what all share here, the ports' bytes in
 * port.c, the talk about ports in control.c, emergency output in emergency.c, the terminal's size in size.c, what people
 * can tell it in verbs.c, and the device itself in console.c.
 *
 * Threads. Registers and configuration are the main loop's. All queues, the streams and the timers share the loop of the
 * queues. What a part of the state belongs to is said below:
 * "told" is what the driver was told, or has told. It changes within ready(), and on the main loop while all queues stand
 *     still, in a reset: the two never meet. It is saved.
 * "seen" is what was found out about the world outside. It changes on the queues' loop alone, at any time.
 */
#ifndef IOREQD_DEVICES_VIRTIO_CONSOLE_CONSOLE_H
#define IOREQD_DEVICES_VIRTIO_CONSOLE_CONSOLE_H

#include <ioreqd/virtio.h>
#include <stdbool.h>

#define PORTS          8
#define QUEUES         (2 * (PORTS + 1))
#define NAME_MAX_BYTES 63u

/* Queues (§5.3.2). */
#define CONTROL_RECEIVE  2u
#define CONTROL_TRANSMIT 3u

/* Feature bits (§5.3.3). */
#define F_SIZE        0
#define F_MULTIPORT   1
#define F_EMERG_WRITE 2

/* The device configuration (§5.3.4). */
enum config { CONFIG_COLUMNS = 0, CONFIG_ROWS = 2, CONFIG_MAX_PORTS = 4, CONFIG_EMERGENCY = 8, CONFIG_LENGTH = 12 };

#define EMERGENCY_BYTES 256u /* that wait for the queues' loop; a power of 2 */
#define LINE_BYTES      120u

/* What the driver knows of a port. Port 0 of a device without MULTIPORT is there without a word. */
enum port_state {
    PORT_ABSENT = 0,
    PORT_ADDED = 1, /* it was told, and has not answered */
    PORT_READY = 2,
    PORT_REFUSED = 3 /* the driver could not set it up */
};

/* Messages that a driver gets once for each port. */
#define TOLD_CONSOLE 0x1u
#define TOLD_NAME    0x2u

struct console;

/* What a driver was told of a port, and has told; all zero at first. */
struct told {
    uint8_t state;      /* enum port_state */
    uint8_t once;       /* TOLD_... */
    uint8_t open;       /* the last PORT_OPEN to the driver */
    uint8_t guest_open; /* the last one from it */
    uint32_t size;      /* the last RESIZE, as in struct port */
};

struct port {
    struct console *console;
    unsigned index;
    bool is_console;

    struct ioreqd_stream *property_stream; /* NULL: nobody is ever at the other end */
    char property_name[NAME_MAX_BYTES + 1];
    uint8_t property_console;
    uint8_t property_hotplug; /* it exists while somebody is at the other end */

    /* Told. */
    struct told told;
    uint32_t sent; /* bytes of the first buffer of its transmit queue that have left */

    /* Seen. */
    bool came;                                      /* somebody, since the driver was last told */
    bool giving_up;                                 /* what does not leave at once is dropped */
    uint32_t size;                                  /* columns << 16 | rows; 0: not known */
    unsigned wanted;                                /* of the stream */
    struct ioreqd_timer *patience;                  /* of a console whose reader is slow; else NULL */
    bool waiting;                                   /* it is set */
    struct ioreqd_virtio_queue *receive, *transmit; /* since ready() was first called */
};

struct console {
    struct ioreqd_virtio virtio; /* first: the library's calls are given this */
    const struct ioreqd_host *host;
    struct ioreqd_device *device;
    struct ioreqd_bell bell;
    struct port port[PORTS];
    unsigned ports; /* that the driver may hear of; 1: MULTIPORT is not offered */
    char property_size[12];
    _Atomic uint32_t size;   /* for consoles whose stream has none; verbs change it */
    _Atomic uint32_t closed; /* ports that people have closed: 1 << index */
    uint8_t config[CONFIG_LENGTH];

    /* Told. */
    uint8_t driver_ready;

    /* Seen. */
    struct ioreqd_virtio_queue *control_receive;
    bool quiet; /* streams are left alone */

    /* On its way from the main loop to the queues' loop, or back. */
    struct ioreqd_work rest, rested, go_on, emergency, resize, look;
    struct {
        atomic_uint head, tail; /* counted without end; head is the main loop's, tail the queues' */
        uint8_t byte[EMERGENCY_BYTES];
    } urgent;
    _Atomic uint32_t new_size; /* of port 0 */
    bool resting;              /* the main loop's: between quiesce() and resume() */

    /* Emergency output that goes to the log. Queues' loop. */
    char line[LINE_BYTES + 1];
    unsigned line_length;

    _Atomic uint64_t bytes_from_guest;
    _Atomic uint64_t bytes_to_guest;
    _Atomic uint64_t bytes_lost;
};

static inline void console_count(_Atomic uint64_t *counter, uint64_t more)
{
    atomic_fetch_add_explicit(counter, more, memory_order_relaxed);
}

static inline bool console_multiport(const struct console *console)
{
    return ioreqd_virtio_negotiated(&console->virtio, F_MULTIPORT) != 0;
}

/* ---- port.c ---- */

/* 0 or -errno. What it made is given back by port_destroy(), also after a failure. */
int port_create(struct port *port);
void port_destroy(struct port *port);
/* What ready() of its queues does. */
void port_receive(struct port *port, struct ioreqd_virtio_queue *queue);
void port_transmit(struct port *port, struct ioreqd_virtio_queue *queue);
/* Has it look again whether bytes can move. */
void port_kick(struct port *port);
/* Asks to hear of more of the stream. */
void port_want(struct port *port, unsigned events);
/* Whether somebody is at the other end, and people have not closed the port. */
bool port_connected(const struct port *port);
/* Finds out anew what is at the other ends, on the queues' loop. */
void port_look_at_all(void *console);

/* ---- control.c ---- */

void control_receive(struct console *console, struct ioreqd_virtio_queue *queue);
void control_transmit(struct console *console, struct ioreqd_virtio_queue *queue);
/* Something may have to be told. */
void control_kick(struct console *console);
/* Nothing was told. */
void control_reset(struct console *console);

/* ---- size.c ---- */

/* Of a console's terminal, as in struct port. */
uint32_t size_look(const struct port *port);
/* The same on the queues' loop, where it may have changed. */
void size_update(struct port *port);
/* Into the device configuration; main loop. */
void size_publish(void *console);
/* Reads the property; 0 or -EINVAL, which was told. */
int size_parse(struct console *console);

/* ---- verbs.c ---- */

extern const struct ioreqd_verb console_verbs[];

/* ---- emergency.c ---- */

/* The driver's byte, on the main loop. */
void emergency_write(struct console *console, uint8_t byte);
/* Sends what waits, on the queues' loop. */
void emergency_flush(void *console);

#endif
