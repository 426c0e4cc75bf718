/* SPDX-License-Identifier: BSD-2-Clause */
/* The host's side of a connection: its socket, and the bytes that this has not taken yet. The queues' loop. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "vsock.h"

/* ---- watching ---- */

static bool wants_to_read(const struct connection *connection)
{
    return connection->state == CONNECTION_GREETING ||
           (connection->state == CONNECTION_ESTABLISHED && (connection->host_shut & SHUTDOWN_SEND) == 0 &&
            (connection->guest_shut & SHUTDOWN_RECEIVE) == 0 && !connection->unread && !connection->starved);
}

void vsock_peer_watch(struct connection *connection)
{
    unsigned events = 0;

    if (connection->watch == NULL) {
        return;
    }
    if (!connection->vsock->quiet) {
        events |= wants_to_read(connection) ? IOREQD_READABLE : 0;
        events |= connection->length != 0 ? IOREQD_WRITABLE : 0;
    }
    vsock_host->watch_set(connection->watch, events);
}

/* ---- from the host: "CONNECT PORT\n" first ---- */

void vsock_peer_came(void *argument, int descriptor)
{
    struct vsock *vsock = argument;
    struct connection *connection = vsock_connection_new(vsock, descriptor);

    if (connection == NULL) {
        vsock_count(&vsock->refused, 1);
        vsock_host->log(vsock->device, IOREQD_LOG_WARNING,
                        "somebody was turned away, as all %u connections are in use: raise connections=",
                        vsock->property_connections);
        close(descriptor);
        return;
    }
    vsock_connection_move(connection, EVENT_CAME);
}

/* The port that is asked for, or false. text ends with the newline. */
static bool read_port(const char *text, size_t length, uint32_t *port)
{
    static const char word[] = "CONNECT ";
    size_t at = sizeof(word) - 1;
    size_t end = length - 1;
    uint64_t number = 0;

    if (end > 0 && text[end - 1] == '\r') {
        end--;
    }
    if (end <= at || end > at + 10 || memcmp(text, word, at) != 0) {
        return false;
    }
    for (; at < end; at++) {
        if (text[at] < '0' || text[at] > '9') {
            return false;
        }
        number = number * 10 + (uint64_t)(text[at] - '0');
    }
    *port = (uint32_t)number;
    return number < UINT32_MAX; /* which means any port */
}

/* Takes no byte behind the line: those are the guest's. */
static void greet(struct connection *connection)
{
    struct vsock *vsock = connection->vsock;
    char *to = connection->greeting + connection->greeted;
    ssize_t count = recv(connection->descriptor, to, (size_t)GREETING_BYTES - connection->greeted, MSG_PEEK);
    const char *end;
    uint32_t port;

    if (count < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    if (count <= 0) {
        vsock_connection_move(connection, EVENT_ABORT);
        return;
    }
    end = memchr(to, '\n', (size_t)count);
    count = end != NULL ? end - to + 1 : count;
    if (recv(connection->descriptor, to, (size_t)count, 0) != count) {
        vsock_connection_move(connection, EVENT_ABORT);
        return;
    }
    connection->greeted = (uint8_t)(connection->greeted + count);
    if (end == NULL && connection->greeted < GREETING_BYTES) {
        return;
    }
    if (end == NULL || !read_port(connection->greeting, connection->greeted, &port) || !vsock_has_streams(vsock)) {
        vsock_count(&vsock->refused, 1);
        vsock_host->log(vsock->device, IOREQD_LOG_INFO,
                        "somebody was turned away, who did not begin with \"CONNECT PORT\"");
        vsock_connection_move(connection, EVENT_ABORT);
        return;
    }
    vsock_count(&vsock->from_host, 1);
    vsock_connection_name(connection, port, vsock_connection_host_port(vsock, port));
    vsock_connection_move(connection, EVENT_GREETED);
}

int vsock_peer_welcome(struct connection *connection)
{
    char text[32];
    int length = snprintf(text, sizeof(text), "OK %u\n", connection->host_port);

    /* The first bytes that the socket is given: there is room, or nobody. */
    return send(connection->descriptor, text, (size_t)length, MSG_NOSIGNAL) == length ? 0 : -1;
}

void vsock_peer_ended(struct connection *connection)
{
    struct pollfd one = {.fd = connection->descriptor};

    connection->host_shut |= SHUTDOWN_SEND;
    if (poll(&one, 1, 0) == 1 && (one.revents & (POLLHUP | POLLERR)) != 0) {
        connection->host_shut |= SHUTDOWN_RECEIVE; /* closed, and not shut down for one way */
        connection->forwarded += connection->length;
        connection->length = 0;
    }
    vsock_connection_output(connection, OUTPUT_SHUTDOWN);
}

/* ---- to the host ---- */

/* The guest hears of room when it has used half of what it knows of, and then of a quarter at least, not of each byte. */
static void tell_room(struct connection *connection)
{
    uint32_t size = (uint32_t)connection->vsock->property_buffer;
    uint32_t news = connection->forwarded - connection->told;
    uint32_t known = size - (connection->received - connection->told);

    if (known < size / 2 && news >= size / 4) {
        vsock_connection_output(connection, OUTPUT_CREDIT_UPDATE);
    }
}

/* The host takes no more bytes. */
static void lose(struct connection *connection)
{
    connection->forwarded += connection->length;
    connection->length = 0;
    if (connection->state == CONNECTION_ESTABLISHED && (connection->host_shut & SHUTDOWN_RECEIVE) == 0) {
        connection->host_shut |= SHUTDOWN_RECEIVE;
        vsock_connection_output(connection, OUTPUT_SHUTDOWN);
    }
}

/* As many as the socket takes now; what it takes never is lost, and counts. */
static uint32_t push(struct connection *connection, const struct iovec *iov, size_t count)
{
    struct msghdr message = {.msg_iov = (struct iovec *)iov, .msg_iovlen = count};
    ssize_t sent = sendmsg(connection->descriptor, &message, MSG_NOSIGNAL | MSG_DONTWAIT);

    if (sent >= 0) {
        vsock_count(&connection->vsock->bytes_from_guest, (uint64_t)sent);
        connection->forwarded += (uint32_t)sent;
        return (uint32_t)sent;
    }
    if (errno != EAGAIN && errno != EINTR && errno != ENOBUFS && errno != ENOMEM) {
        lose(connection);
    }
    return 0;
}

/* What comes after the last byte. */
static void settle(struct connection *connection)
{
    if (connection->length == 0 && !vsock_connection_move(connection, EVENT_DRAINED) &&
        connection->state == CONNECTION_ESTABLISHED && connection->guest_shut == SHUTDOWN_SEND) {
        shutdown(connection->descriptor, SHUT_WR);
    }
}

static void flush(struct connection *connection)
{
    uint32_t size = (uint32_t)connection->vsock->property_buffer;
    uint32_t run = size - connection->head < connection->length ? size - connection->head : connection->length;
    struct iovec iov[] = {{connection->buffer + connection->head, run}, {connection->buffer, connection->length - run}};
    uint32_t sent = push(connection, iov, connection->length == run ? 1 : 2);

    if (sent != 0) {
        connection->head = (connection->head + sent) % size;
        connection->length -= sent;
    }
    if (connection->state == CONNECTION_ESTABLISHED) {
        tell_room(connection);
    }
    vsock_peer_watch(connection);
    settle(connection);
}

/* Keeps bytes of a packet until the socket takes them. */
static int keep(struct connection *connection, struct ioreqd_virtio_request *request, uint32_t offset, uint32_t length)
{
    uint32_t size = (uint32_t)connection->vsock->property_buffer;

    connection->soiled = true;
    while (length != 0) {
        uint32_t tail = (uint32_t)(((uint64_t)connection->head + connection->length) % size);
        uint32_t run = size - tail < length ? size - tail : length;
        int error = ioreqd_virtio_request_read(request, offset, connection->buffer + tail, run);

        if (error != 0) {
            return error;
        }
        connection->length += run;
        offset += run;
        length -= run;
    }
    return 0;
}

int vsock_peer_send(struct connection *connection, struct ioreqd_virtio_request *request, uint32_t offset,
                    uint32_t length)
{
    const struct iovec *iov;
    uint32_t pieces, sent = 0;
    int error = 0;

    connection->received += length;
    if (length != 0 && connection->length == 0 && (connection->host_shut & SHUTDOWN_RECEIVE) == 0) {
        error = ioreqd_virtio_request_map(request, IOREQD_FROM_GUEST, offset, length, &iov, &pieces);
        if (error == 0) {
            sent = push(connection, iov, pieces);
        } else if (error != -E2BIG) { /* too many pieces are copied */
            return error;
        }
    }
    if ((connection->host_shut & SHUTDOWN_RECEIVE) != 0) {
        connection->forwarded += length - sent;
        error = 0;
    } else {
        error = keep(connection, request, offset + sent, length - sent);
    }
    tell_room(connection);
    vsock_peer_watch(connection);
    return error;
}

void vsock_peer_guest_shut(struct connection *connection)
{
    if (connection->guest_shut == SHUTDOWN_BOTH) {
        if (vsock_connection_move(connection, EVENT_GUEST_DONE) && connection->state == CONNECTION_DRAINING) {
            settle(connection);
        }
        return;
    }
    if (connection->state != CONNECTION_ESTABLISHED) {
        return;
    }
    if (connection->guest_shut == SHUTDOWN_RECEIVE) {
        shutdown(connection->descriptor, SHUT_RD);
        connection->starved = false;
        vsock_connection_sent(connection, OUTPUT_DATA | OUTPUT_CREDIT_REQUEST);
        vsock_peer_watch(connection);
    }
    settle(connection);
}

void vsock_peer_ready(void *argument, unsigned events)
{
    struct connection *connection = argument;

    if ((events & IOREQD_WRITABLE) != 0 && connection->length != 0) {
        flush(connection);
    }
    if ((events & IOREQD_READABLE) == 0 || !wants_to_read(connection)) {
        return;
    }
    if (connection->state == CONNECTION_GREETING) {
        greet(connection);
    } else if ((connection->output & OUTPUT_DATA) != 0) {
        connection->unread = true; /* the guest has no buffers: there is no use in waking for it again */
        vsock_peer_watch(connection);
    } else {
        vsock_connection_output(connection, OUTPUT_DATA);
    }
}
