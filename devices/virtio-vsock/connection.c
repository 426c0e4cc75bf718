/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of connections, their states and what they have for the guest, see vsock.h. The queues' loop. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "vsock.h"

/* How long a state may last; none: for ever. The guest's side of Linux waits 2 s for a response, and 8 s for RST. */
static const uint64_t patience[CONNECTION_STATES] = {
    [CONNECTION_GREETING] = 5 * SECOND,  [CONNECTION_REQUESTED] = 5 * SECOND,  [CONNECTION_CLOSING] = 5 * SECOND,
    [CONNECTION_DRAINING] = 30 * SECOND, [CONNECTION_LINGERING] = 30 * SECOND,
};

#define NO          CONNECTION_STATES /* the event does not fit the state */
#define FREE        CONNECTION_FREE
#define GREETING    CONNECTION_GREETING
#define REQUESTED   CONNECTION_REQUESTED
#define ESTABLISHED CONNECTION_ESTABLISHED
#define CLOSING     CONNECTION_CLOSING
#define DRAINING    CONNECTION_DRAINING
#define LINGERING   CONNECTION_LINGERING
#define RESETTING   CONNECTION_RESETTING

/* clang-format off */
static const uint8_t transition[CONNECTION_STATES][CONNECTION_EVENTS] = {
    /*                          CAME      GREETED    RESPONSE     ACCEPTED     HOST_DONE GUEST_DONE DRAINED    GUEST_RESET ABORT      FORGET */
    [CONNECTION_FREE]        = {GREETING, NO,        NO,          ESTABLISHED, NO,       NO,        NO,        NO,         NO,        NO},
    [CONNECTION_GREETING]    = {NO,       REQUESTED, NO,          NO,          NO,       NO,        NO,        NO,         FREE,      FREE},
    [CONNECTION_REQUESTED]   = {NO,       NO,        ESTABLISHED, NO,          NO,       NO,        NO,        FREE,       RESETTING, FREE},
    [CONNECTION_ESTABLISHED] = {NO,       NO,        NO,          NO,          CLOSING,  DRAINING,  NO,        FREE,       RESETTING, FREE},
    [CONNECTION_CLOSING]     = {NO,       NO,        NO,          NO,          NO,       RESETTING, NO,        FREE,       RESETTING, FREE},
    [CONNECTION_DRAINING]    = {NO,       NO,        NO,          NO,          NO,       NO,        RESETTING, LINGERING,  RESETTING, FREE},
    [CONNECTION_LINGERING]   = {NO,       NO,        NO,          NO,          NO,       NO,        FREE,      NO,         FREE,      FREE},
    [CONNECTION_RESETTING]   = {NO,       NO,        NO,          NO,          NO,       NO,        NO,        FREE,       NO,        FREE},
};
/* clang-format on */

/* ---- the table ---- */

int vsock_table_create(struct vsock *vsock)
{
    uint32_t count = vsock->property_connections;
    uint32_t buckets = 1;
    void *buffers;

    while (buckets < count) {
        buckets *= 2;
    }
    vsock->bucket_mask = buckets - 1;
    vsock->next_host_port = FIRST_HOST_PORT;
    vsock->bucket = calloc(buckets, sizeof(struct connection *));
    vsock->connections = calloc(count, sizeof(struct connection));
    /* Only what is used of it becomes memory, and is given back when a connection ends. */
    buffers = mmap(NULL, count * vsock->property_buffer, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    vsock->buffers = buffers == MAP_FAILED ? NULL : buffers;
    if (vsock->bucket == NULL || vsock->connections == NULL || vsock->buffers == NULL) {
        vsock_table_destroy(vsock);
        return -ENOMEM;
    }
    for (uint32_t i = count; i-- > 0;) {
        struct connection *connection = &vsock->connections[i];

        connection->vsock = vsock;
        connection->descriptor = -1;
        connection->buffer = vsock->buffers + i * vsock->property_buffer;
        connection->next_hashed = vsock->free;
        vsock->free = connection;
    }
    return 0;
}

static void close_socket(struct connection *connection)
{
    if (connection->watch != NULL) {
        vsock_host->watch_destroy(connection->watch);
        connection->watch = NULL;
        close(connection->descriptor);
        connection->descriptor = -1;
    }
}

void vsock_table_destroy(struct vsock *vsock)
{
    for (uint32_t i = 0; vsock->connections != NULL && i < vsock->property_connections; i++) {
        close_socket(&vsock->connections[i]);
    }
    if (vsock->buffers != NULL) {
        munmap(vsock->buffers, vsock->property_connections * vsock->property_buffer);
    }
    free(vsock->connections);
    free(vsock->bucket);
    vsock->buffers = NULL;
    vsock->connections = NULL;
    vsock->bucket = NULL;
}

/* ---- finding ---- */

static struct connection **bucket_of(const struct vsock *vsock, uint32_t guest_port, uint32_t host_port)
{
    uint64_t mixed = (uint64_t)guest_port << 32 | host_port;

    mixed *= UINT64_C(0x9e3779b97f4a7c15);
    return &vsock->bucket[(mixed >> 32 ^ mixed >> 56) & vsock->bucket_mask];
}

struct connection *vsock_connection_find(const struct vsock *vsock, uint32_t guest_port, uint32_t host_port)
{
    struct connection *at = *bucket_of(vsock, guest_port, host_port);

    while (at != NULL && (at->guest_port != guest_port || at->host_port != host_port)) {
        at = at->next_hashed;
    }
    return at;
}

void vsock_connection_name(struct connection *connection, uint32_t guest_port, uint32_t host_port)
{
    struct connection **bucket = bucket_of(connection->vsock, guest_port, host_port);

    connection->guest_port = guest_port;
    connection->host_port = host_port;
    connection->next_hashed = *bucket;
    connection->hashed = true;
    *bucket = connection;
}

static void forget_name(struct connection *connection)
{
    struct connection **at = bucket_of(connection->vsock, connection->guest_port, connection->host_port);

    if (!connection->hashed) {
        return;
    }
    while (*at != connection) {
        at = &(*at)->next_hashed;
    }
    *at = connection->next_hashed;
    connection->hashed = false;
}

uint32_t vsock_connection_host_port(struct vsock *vsock, uint32_t guest_port)
{
    uint32_t port;

    do { /* as many times as there are connections, at most */
        port = vsock->next_host_port++;
        if (vsock->next_host_port == UINT32_MAX) { /* which means any port */
            vsock->next_host_port = FIRST_HOST_PORT;
        }
    } while (vsock_connection_find(vsock, guest_port, port) != NULL);
    return port;
}

/* ---- what it has for the guest ---- */

static void unlink_output(struct connection *connection)
{
    struct vsock *vsock = connection->vsock;

    *(connection->previous != NULL ? &connection->previous->next : &vsock->first_output) = connection->next;
    *(connection->next != NULL ? &connection->next->previous : &vsock->last_output) = connection->previous;
    connection->previous = NULL;
    connection->next = NULL;
}

static void link_output(struct connection *connection)
{
    struct vsock *vsock = connection->vsock;

    connection->next = NULL;
    connection->previous = vsock->last_output;
    *(vsock->last_output != NULL ? &vsock->last_output->next : &vsock->first_output) = connection;
    vsock->last_output = connection;
}

void vsock_connection_output(struct connection *connection, unsigned output)
{
    if (connection->output == 0 && output != 0) {
        link_output(connection);
    }
    connection->output = (uint8_t)(connection->output | output);
    vsock_kick(connection->vsock, QUEUE_RX);
}

/* The others have their turn before it is this one's again. */
void vsock_connection_sent(struct connection *connection, unsigned output)
{
    if (connection->output != 0) {
        unlink_output(connection);
    }
    connection->output = (uint8_t)(connection->output & ~output);
    if (connection->output != 0) {
        link_output(connection);
    }
}

/* ---- states ---- */

static void wait_until(struct vsock *vsock, uint64_t moment)
{
    if (!vsock->quiet && (vsock->timer_at == 0 || moment < vsock->timer_at)) {
        vsock->timer_at = moment;
        vsock_host->timer_set(vsock->timer, moment);
    }
}

struct connection *vsock_connection_new(struct vsock *vsock, int descriptor)
{
    struct connection *connection = vsock->free;

    if (connection == NULL || vsock_host->watch_create(vsock->device, vsock->loop, descriptor, vsock_peer_ready,
                                                       connection, &connection->watch) != 0) {
        return NULL;
    }
    vsock->free = connection->next_hashed;
    *connection = (struct connection){
        .vsock = vsock, .watch = connection->watch, .buffer = connection->buffer, .descriptor = descriptor};
    return connection;
}

static void release(struct connection *connection)
{
    struct vsock *vsock = connection->vsock;

    vsock_connection_sent(connection, connection->output);
    forget_name(connection);
    close_socket(connection);
    if (connection->soiled) {
        madvise(connection->buffer, vsock->property_buffer, MADV_DONTNEED);
    }
    connection->next_hashed = vsock->free;
    vsock->free = connection;
}

static void enter(struct connection *connection)
{
    connection->deadline = 0;
    switch ((enum connection_state)connection->state) {
    case CONNECTION_FREE:
        release(connection);
        return;
    case CONNECTION_REQUESTED:
        vsock_connection_output(connection, OUTPUT_REQUEST);
        break;
    case CONNECTION_LINGERING:
        forget_name(connection);
        break;
    case CONNECTION_DRAINING: /* it takes nothing any more */
        vsock_connection_sent(connection, connection->output);
        break;
    case CONNECTION_RESETTING:
        close_socket(connection);
        vsock_connection_sent(connection, connection->output);
        vsock_connection_output(connection, OUTPUT_RESET);
        return;
    default:
        break;
    }
    if (patience[connection->state] != 0) {
        connection->deadline = vsock_host->now(connection->vsock->device) + patience[connection->state];
        wait_until(connection->vsock, connection->deadline);
    }
    vsock_peer_watch(connection);
}

bool vsock_connection_move(struct connection *connection, enum connection_event event)
{
    uint8_t next;

    if (event == EVENT_ABORT && (connection->output & OUTPUT_REQUEST) != 0) {
        event = EVENT_FORGET; /* the guest has not heard of it yet */
    }
    next = transition[connection->state][event];
    if (next == NO) {
        return false;
    }
    connection->state = next;
    enter(connection);
    return true;
}

void vsock_connection_expire(void *argument)
{
    struct vsock *vsock = argument;
    uint64_t now = vsock_host->now(vsock->device);
    uint64_t next = 0;

    vsock->timer_at = 0;
    if (vsock->quiet) {
        return;
    }
    for (uint32_t i = 0; i < vsock->property_connections; i++) {
        struct connection *connection = &vsock->connections[i];

        if (connection->deadline != 0 && connection->deadline <= now) {
            vsock_connection_move(connection, EVENT_ABORT);
        } else if (connection->deadline != 0 && (next == 0 || connection->deadline < next)) {
            next = connection->deadline;
        }
    }
    if (next != 0) { /* with those that end soon after: each time the whole table is looked at */
        wait_until(vsock, next + SECOND / 4);
    }
}

/* ---- all of them ---- */

void vsock_connections_clear(struct vsock *vsock)
{
    for (uint32_t i = 0; i < vsock->property_connections; i++) {
        vsock_connection_move(&vsock->connections[i], EVENT_FORGET);
    }
}

void vsock_connections_stop(struct vsock *vsock)
{
    for (uint32_t i = 0; i < vsock->property_connections; i++) {
        vsock_peer_watch(&vsock->connections[i]);
    }
    vsock->timer_at = 0;
    vsock_host->timer_set(vsock->timer, 0);
}

void vsock_connections_start(struct vsock *vsock, uint64_t paused)
{
    for (uint32_t i = 0; i < vsock->property_connections; i++) {
        struct connection *connection = &vsock->connections[i];

        vsock_peer_watch(connection);
        if (connection->deadline != 0) {
            connection->deadline += paused;
            wait_until(vsock, connection->deadline);
        }
    }
}
