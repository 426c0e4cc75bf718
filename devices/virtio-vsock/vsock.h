/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtio-vsock (virtio 1.4 §5.10) at UNIX sockets of the host: what its files share.
 *
 * All but the registers lives on the one loop of the three queues. vsock.c is the device and its life, connection.c the
 * table of connections and their states, peer.c the host's side of a connection, transmit.c what the guest sends, and
 * receive.c what it is sent.
 *
 * Nothing that the guest is to be told is ever lost for want of a buffer of its: a connection keeps it as flags (enum
 * output), and the resets of what is no connection stand in a ring, behind which the guest's packets wait.
 */
#ifndef VIRTIO_VSOCK_VSOCK_H
#define VIRTIO_VSOCK_VSOCK_H

#include <ioreqd/virtio.h>
#include <stdbool.h>

#include "packet.h"

enum queue { QUEUE_RX, QUEUE_TX, QUEUE_EVENT, QUEUES };

#define CID_HOST        2u
#define FIRST_HOST_PORT 0x40000000u /* of connections that come from the host: services have lower ones */
#define RESETS          128u        /* power of 2 */
#define GREETING_BYTES  32u         /* bytes of "CONNECT PORT\n" at most */
#define MAX_PAYLOAD     65536u      /* of a packet to the guest */
#define SECOND          UINT64_C(1000000000)

enum connection_state {
    CONNECTION_FREE,
    CONNECTION_GREETING,    /* a process of the host has come, and has not said yet which port it wants */
    CONNECTION_REQUESTED,   /* the guest is asked, or is to be */
    CONNECTION_ESTABLISHED, /* for the guest maybe only once the response has gone out */
    CONNECTION_CLOSING,     /* the host has ended it and the guest was told: it should send RST */
    CONNECTION_DRAINING,    /* the guest has ended it: it gets RST once its last bytes are with the host */
    CONNECTION_LINGERING,   /* the same, but the guest has forgotten it */
    CONNECTION_RESETTING,   /* ended, and the guest is to be told by RST */
    CONNECTION_STATES
};

enum connection_event {
    EVENT_CAME,        /* a process of the host has connected */
    EVENT_GREETED,     /* the host's process has said the port */
    EVENT_RESPONSE,    /* of the guest to our request */
    EVENT_ACCEPTED,    /* the host took the guest's request */
    EVENT_HOST_DONE,   /* the host neither sends nor receives any more, and the guest was told */
    EVENT_GUEST_DONE,  /* the guest neither sends nor receives any more */
    EVENT_DRAINED,     /* the guest's last bytes are with the host */
    EVENT_GUEST_RESET, /* RST from the guest */
    EVENT_ABORT,       /* a broken rule, an error, or too long a silence */
    EVENT_FORGET,      /* nobody is to be told: the guest's driver has begun anew, or RST has gone out */
    CONNECTION_EVENTS
};

/* What a connection has for the guest, as masks. Every packet carries the credit, so any one updates it. */
enum output {
    OUTPUT_RESET = 0x01,
    OUTPUT_REQUEST = 0x02,
    OUTPUT_RESPONSE = 0x04,
    OUTPUT_DATA = 0x08, /* the socket had bytes, or its end, when it was last looked at */
    OUTPUT_CREDIT_REQUEST = 0x10,
    OUTPUT_SHUTDOWN = 0x20,
    OUTPUT_CREDIT_UPDATE = 0x40
};

struct vsock;

struct connection {
    struct vsock *vsock;
    struct connection *next_hashed;     /* or the next free one */
    struct connection *previous, *next; /* in the list of those that have output */
    struct ioreqd_watch *watch;
    int descriptor;     /* -1: closed */
    uint8_t state;      /* enum connection_state */
    uint8_t output;     /* enum output */
    uint8_t guest_shut; /* what the guest has said that it does no more: SHUTDOWN_... */
    uint8_t host_shut;  /* what the guest was or is to be told of the host */
    bool hashed;
    bool soiled;     /* buffer[] was used */
    bool unread;     /* more came while OUTPUT_DATA waited: the socket is not watched until it is read */
    bool starved;    /* bytes for the guest wait for its credit */
    uint8_t greeted; /* bytes in greeting[] */
    char greeting[GREETING_BYTES];
    uint32_t guest_port;
    uint32_t host_port;
    uint64_t deadline; /* 0: none */

    /* To the guest (§5.10.6.3). Free-running counters wrap. */
    uint32_t sent;
    uint32_t guest_buf_alloc;
    uint32_t guest_fwd_cnt;

    /* From the guest: what the host's socket has not taken yet stands in buffer[], a ring. */
    uint32_t received;
    uint32_t forwarded;
    uint32_t told; /* of forwarded, to the guest */
    uint8_t *buffer;
    uint32_t head;
    uint32_t length;
};

/* A RST for what is no connection. */
struct reset {
    uint64_t src_cid; /* as the guest has it for the other end */
    uint32_t guest_port;
    uint32_t host_port;
    uint16_t type;
};

struct vsock {
    struct ioreqd_virtio virtio; /* first: the library's calls are given this */
    struct ioreqd_device *device;
    struct ioreqd_loop *loop; /* of the queues */
    uint8_t config[8];

    struct ioreqd_sockets *property_sockets; /* NULL in a replay: nobody is there */
    uint32_t property_cid;
    uint32_t property_connections;
    uint64_t property_buffer;
    uint32_t property_queue_size;

    /* The main loop's. */
    bool session; /* a driver runs that this process has served from its beginning */
    bool forget;  /* resume() ends all connections: there was a reset */
    bool moved;   /* resume() found a driver that another process has served */
    struct ioreqd_work clear_work;
    struct ioreqd_work stop_work;
    struct ioreqd_work stopped_work;
    struct ioreqd_work start_work;

    /* The queue loop's. */
    struct ioreqd_virtio_queue *queue[QUEUES]; /* NULL until first ready */
    bool quiet;
    uint64_t stopped_at;
    bool transport_reset; /* the driver is to be told that its connections are gone */
    struct ioreqd_timer *timer;
    uint64_t timer_at; /* 0: not set */
    struct connection *connections;
    struct connection *free;
    struct connection **bucket;
    uint32_t bucket_mask;
    uint32_t next_host_port;
    uint8_t *buffers;
    struct connection *first_output, *last_output;
    struct reset reset[RESETS];
    uint32_t reset_head;
    uint32_t reset_count;
    bool reset_turn; /* the next buffer is for the ring */
    bool tx_stalled; /* packets of the guest wait for room in the ring */

    _Atomic uint64_t from_guest;
    _Atomic uint64_t from_host;
    _Atomic uint64_t refused;
    _Atomic uint64_t bytes_from_guest;
    _Atomic uint64_t bytes_to_guest;
    _Atomic uint64_t resets;
    _Atomic uint64_t dropped;
};

extern const struct ioreqd_host *vsock_host;

static inline void vsock_count(_Atomic uint64_t *counter, uint64_t more)
{
    atomic_fetch_add_explicit(counter, more, memory_order_relaxed);
}

/* ---- vsock.c ---- */

void vsock_kick(struct vsock *vsock, enum queue queue);
/* Whether there are stream sockets, as driver and device agreed (§5.10.3). */
bool vsock_has_streams(const struct vsock *vsock);

/* ---- connection.c ---- */

/* 0 or -ENOMEM, with nothing left behind. */
int vsock_table_create(struct vsock *vsock);
void vsock_table_destroy(struct vsock *vsock);
/* A free one with the socket, in no state yet but that of free ones; NULL: there is none, and the socket is the caller's. */
struct connection *vsock_connection_new(struct vsock *vsock, int descriptor);
struct connection *vsock_connection_find(const struct vsock *vsock, uint32_t guest_port, uint32_t host_port);
void vsock_connection_name(struct connection *connection, uint32_t guest_port, uint32_t host_port);
/* A port of the host that no connection has with that port of the guest. */
uint32_t vsock_connection_host_port(struct vsock *vsock, uint32_t guest_port);
/* Goes where the event leads, and does what belongs to the new state. False where it does not fit the state. */
bool vsock_connection_move(struct connection *connection, enum connection_event event);
/* The guest is to be sent these; none: what was to be sent, is. */
void vsock_connection_output(struct connection *connection, unsigned output);
void vsock_connection_sent(struct connection *connection, unsigned output);
/* The timer that ends waits. */
void vsock_connection_expire(void *argument);
void vsock_connections_clear(struct vsock *vsock);
void vsock_connections_stop(struct vsock *vsock);
void vsock_connections_start(struct vsock *vsock, uint64_t paused);

/* ---- peer.c ---- */

/* Somebody has connected to the device's socket. */
void vsock_peer_came(void *argument, int descriptor);
void vsock_peer_ready(void *argument, unsigned events);
/* Waits for what the connection is interested in now. */
void vsock_peer_watch(struct connection *connection);
/* The host's process learns that the guest has accepted: 0 or -1. */
int vsock_peer_welcome(struct connection *connection);
/* Moves length bytes from offset of a packet to the socket, or to the buffer, which has room. 0 or a negative errno. */
int vsock_peer_send(struct connection *connection, struct ioreqd_virtio_request *request, uint32_t offset,
                    uint32_t length);
/* The guest has shut down what guest_shut now says. */
void vsock_peer_guest_shut(struct connection *connection);
/* Reading found the end of what the host sends. */
void vsock_peer_ended(struct connection *connection);

/* ---- transmit.c ---- */

void vsock_transmit(struct vsock *vsock, struct ioreqd_virtio_queue *queue);

/* ---- receive.c ---- */

void vsock_receive(struct vsock *vsock, struct ioreqd_virtio_queue *queue);
/* Has a RST sent for what is no connection; there is room in the ring. */
void vsock_receive_reset(struct vsock *vsock, const struct packet *of);
bool vsock_receive_resets_full(const struct vsock *vsock);
/* How many bytes the guest has room for. */
uint32_t vsock_receive_credit(const struct connection *connection);

#endif
