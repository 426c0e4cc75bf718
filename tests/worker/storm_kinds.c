/* SPDX-License-Identifier: BSD-2-Clause */
/* What a storm knows of each kind of device, see storm.h. fill() is called by several threads. */
#define _GNU_SOURCE /* accept4() */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/worker/storm.h"

static void fill_randomly(uint8_t *bytes, uint32_t length, uint32_t *seed)
{
    for (uint32_t i = 0; i < length; i++) {
        bytes[i] = (uint8_t)storm_random(seed);
    }
}

static void put32(uint8_t *to, uint32_t value)
{
    memcpy(to, &value, sizeof(value));
}

/* ---- virtio-blk (§5.2.6) ---- */

#define SECTOR  512u
#define SECTORS 2048u

static void fill_disk(unsigned queue, struct storm_request *request, uint32_t *seed)
{
    static const uint32_t types[] = {0, 0, 0, 1, 1, 1, 4, 8, 11, 13, 99};
    uint32_t type = types[storm_random(seed) % (sizeof(types) / sizeof(types[0]))];
    uint32_t length = (1 + storm_random(seed) % 5) * SECTOR;

    (void)queue;
    memset(request->bytes, 0, 16);
    put32(request->bytes, type);
    put32(request->bytes + 8, storm_random(seed) % (SECTORS + 8));
    request->readable = 16 + (type == 1 ? length : type == 11 || type == 13 ? 16 : 0);
    request->writable = 1 + (type == 0 ? length : type == 8 ? 20 : 0);
    if (type == 11 || type == 13) {
        fill_randomly(request->bytes + 16, 16, seed);
    }
}

static const char *prove_disk(void)
{
    for (unsigned queue = 0; queue < storm_queues(); queue++) {
        struct storm_request request = storm_request_of(queue, 0);
        uint32_t written, seed = 77 + queue, again = seed;
        uint8_t expected[SECTOR];

        memset(request.bytes, 0, 16);
        put32(request.bytes, 1);
        put32(request.bytes + 8, 5 + queue);
        fill_randomly(request.bytes + 16, SECTOR, &seed);
        request.readable = 16 + SECTOR;
        request.writable = 1;
        if (!storm_do(queue, 0, &request, true, &written) || storm_written(queue, 0)[0] != 0) {
            return "a write fails";
        }
        put32(request.bytes, 0);
        request.readable = 16;
        request.writable = SECTOR + 1;
        fill_randomly(expected, SECTOR, &again);
        if (!storm_do(queue, 0, &request, true, &written) || written != SECTOR + 1 ||
            storm_written(queue, 0)[SECTOR] != 0 || memcmp(storm_written(queue, 0), expected, SECTOR) != 0) {
            return "a read fails";
        }
    }
    return NULL;
}

const struct storm_kind storm_disk = {
    .module = "virtio-blk",
    .key = "queues",
    .value = "4",
    .device = 0x1042,
    .queues = 4,
    .answers = 0xf,
    .any_number = true,
    .features = 1 << 9 | 1 << 11 | 1 << 12 | 1 << 13 | 1 << 14, /* FLUSH, CONFIG_WCE, MQ, DISCARD, WRITE_ZEROES */
    .fill = fill_disk,
    .prove = prove_disk,
    .counters = {"reads", "writes", "bytes-read"},
};

/* ---- the other ends of streams ---- */

#define MARK        "the storm is over"
#define MARK_LENGTH (sizeof(MARK) - 1)

static _Atomic bool mark_came;

/* Whether the mark is among what came, which may be in pieces. */
static void look_for_mark(const uint8_t *bytes, size_t count)
{
    static size_t matched;

    for (size_t i = 0; i < count; i++) {
        matched = bytes[i] == (uint8_t)MARK[matched] ? matched + 1 : bytes[i] == (uint8_t)MARK[0] ? 1 : 0;
        if (matched == MARK_LENGTH) {
            mark_came = true;
            matched = 0;
        }
    }
}

/* Sends pieces, whole ones, and reads what comes. False when the connection has ended. */
static bool exchange(int descriptor, const uint8_t *piece, size_t length, size_t *sent)
{
    uint8_t bytes[8192];
    ssize_t count = send(descriptor, piece + *sent, length - *sent, MSG_NOSIGNAL);

    if (count < 0 && errno != EAGAIN) {
        return false;
    }
    *sent = count > 0 ? (*sent + (size_t)count) % length : *sent;
    count = recv(descriptor, bytes, sizeof(bytes), 0);
    if (count > 0) {
        look_for_mark(bytes, (size_t)count);
    }
    return count > 0 || (count < 0 && errno == EAGAIN);
}

static void talk(int descriptor, const uint8_t *piece, size_t length, const _Atomic bool *end)
{
    size_t sent = 0;

    while (!*end && exchange(descriptor, piece, length, &sent)) {
        usleep(200);
    }
    close(descriptor);
}

static bool mark_comes(void)
{
    for (unsigned i = 0; i < 30000 && !mark_came; i++) {
        usleep(1000);
    }
    return mark_came;
}

/* ---- virtio-net (§5.1.6) ---- */

#define NET_HEADER 12u
#define FRAME      600u

static void fill_network(unsigned queue, struct storm_request *request, uint32_t *seed)
{
    if (queue == 0) {
        request->writable = storm_random(seed) % 8 == 0 ? 64 : 2048;
    } else if (queue == 1) {
        request->readable = NET_HEADER + 14 + storm_random(seed) % 1500;
        memset(request->bytes, 0, NET_HEADER);
        memset(request->bytes + NET_HEADER, 0xff, request->readable - NET_HEADER);
        if (storm_random(seed) % 8 == 0) {
            fill_randomly(request->bytes, NET_HEADER, seed);
        }
    } else {
        request->readable = 2 + storm_random(seed) % 8;
        request->writable = 1;
        fill_randomly(request->bytes, request->readable, seed);
        request->bytes[0] %= 7;
        request->bytes[1] %= 4;
    }
}

static void peer_of_network(const char *place, const _Atomic bool *end)
{
    static uint8_t frame[4 + FRAME];
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    put32(frame, htonl(FRAME));
    memset(frame + 4, 0xff, FRAME);
    memcpy(address.sun_path, place, strlen(place) + 1);
    if (bind(listener, (struct sockaddr *)&address, sizeof(address)) == 0 && listen(listener, 1) == 0) {
        while (!*end) {
            int descriptor = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

            if (descriptor >= 0) {
                talk(descriptor, frame, sizeof(frame), end);
            } else {
                usleep(1000);
            }
        }
    }
    close(listener);
}

static const char *prove_network(void)
{
    struct storm_request to = storm_request_of(0, 0), from = storm_request_of(1, 0);
    uint32_t written;

    to.writable = 2048;
    if (!storm_do(0, 0, &to, true, &written) || written != NET_HEADER + FRAME) {
        return "no packet comes";
    }
    memset(from.bytes, 0, NET_HEADER);
    memset(from.bytes + NET_HEADER, 0xff, 14);
    memcpy(from.bytes + NET_HEADER + 14, MARK, MARK_LENGTH);
    from.readable = NET_HEADER + 14 + MARK_LENGTH;
    return storm_do(1, 0, &from, true, &written) && mark_comes() ? NULL : "no packet goes";
}

const struct storm_kind storm_network = {
    .module = "virtio-net",
    .key = "network",
    .value = "unix:",
    .device = 0x1041,
    .queues = 3,
    .answers = 1 << 1 | 1 << 2,
    /* MAC, STATUS, CTRL_VQ, CTRL_RX, MRG_RXBUF is left out: one buffer has to hold the packet of the proof. */
    .features = 1 << 5 | 1 << 16 | 1 << 17 | 1 << 18,
    .fill = fill_network,
    .peer = peer_of_network,
    .peer_listens = true,
    .prove = prove_network,
    .counters = {"packets-received", "packets-sent"},
};

/* ---- virtio-console (§5.3.6) ---- */

static void fill_console(unsigned queue, struct storm_request *request, uint32_t *seed)
{
    request->writable = queue == 0 ? 1 + storm_random(seed) % STORM_WRITABLE : 0;
    request->readable = queue == 1 ? 1 + storm_random(seed) % STORM_READABLE : 0;
}

static void peer_of_console(const char *place, const _Atomic bool *end)
{
    static const uint8_t piece[1000] = {1};
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    memcpy(address.sun_path, place, strlen(place) + 1);
    while (!*end) {
        int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

        if (connect(descriptor, (struct sockaddr *)&address, sizeof(address)) == 0) {
            talk(descriptor, piece, sizeof(piece), end);
        } else {
            close(descriptor);
            usleep(1000);
        }
    }
}

static const char *prove_console(void)
{
    struct storm_request to = storm_request_of(0, 0), from = storm_request_of(1, 0);
    uint32_t written;

    to.writable = 1000;
    if (!storm_do(0, 0, &to, true, &written) || written == 0) {
        return "no bytes come";
    }
    memcpy(from.bytes, MARK, MARK_LENGTH);
    from.readable = MARK_LENGTH;
    return storm_do(1, 0, &from, true, &written) && mark_comes() ? NULL : "no bytes go";
}

const struct storm_kind storm_console = {
    .module = "virtio-console",
    .key = "stream",
    .value = "unix:",
    .device = 0x1043,
    .queues = 2,
    .answers = 1 << 1,
    .fill = fill_console,
    .peer = peer_of_console,
    .prove = prove_console,
    .counters = {"bytes-from-guest", "bytes-to-guest"},
};

/* ---- virtio-vsock (§5.10.6) ---- */

#define VSOCK_HEADER 44u

enum { VSOCK_REQUEST = 1, VSOCK_RST = 3 };

static void put_packet(uint8_t *bytes, uint16_t operation, uint32_t port)
{
    const uint16_t type = 1;

    memset(bytes, 0, VSOCK_HEADER);
    bytes[0] = 3; /* from the guest */
    bytes[8] = 2; /* to the host */
    put32(bytes + 16, port);
    put32(bytes + 20, 80);
    memcpy(bytes + 28, &type, 2);
    memcpy(bytes + 30, &operation, 2);
    put32(bytes + 36, 4096);
}

static void fill_vsock(unsigned queue, struct storm_request *request, uint32_t *seed)
{
    if (queue == 1) {
        put_packet(request->bytes, (uint16_t)(storm_random(seed) % 9), 1000 + storm_random(seed) % 8);
        request->readable = VSOCK_HEADER;
        if (storm_random(seed) % 4 == 0) {
            request->readable += storm_random(seed) % 500;
            put32(request->bytes + 24, request->readable - VSOCK_HEADER);
        } else if (storm_random(seed) % 8 == 0) {
            fill_randomly(request->bytes, VSOCK_HEADER, seed);
        }
    } else {
        request->writable = queue == 0 ? 512 : 8;
    }
}

/* A call to a port where nobody listens is refused. */
static const char *prove_vsock(void)
{
    struct storm_request to = storm_request_of(0, 0), from = storm_request_of(1, 0);
    uint32_t written, port;
    uint16_t operation;

    to.writable = 512;
    put_packet(from.bytes, VSOCK_REQUEST, 4321);
    from.readable = VSOCK_HEADER;
    if (!storm_do(0, 0, &to, false, &written) || !storm_do(1, 0, &from, true, &written) ||
        storm_next(0, &written) != 0 || written != VSOCK_HEADER) {
        return "no packet is answered";
    }
    memcpy(&port, storm_written(0, 0) + 20, sizeof(port));
    memcpy(&operation, storm_written(0, 0) + 30, sizeof(operation));
    return port == 4321 && operation == VSOCK_RST ? NULL : "a call is not refused";
}

const struct storm_kind storm_vsock = {
    .module = "virtio-vsock",
    .device = 0x1053,
    .queues = 3,
    .answers = 0,
    .features = 1,
    .fill = fill_vsock,
    .prove = prove_vsock,
};

/* ---- virtio-rng (§5.4.6) ---- */

static void fill_rng(unsigned queue, struct storm_request *request, uint32_t *seed)
{
    (void)queue;
    request->writable = 1 + storm_random(seed) % STORM_WRITABLE;
}

static const char *prove_rng(void)
{
    struct storm_request request = storm_request_of(0, 0);
    uint32_t written = 0;
    uint8_t bits = 0;

    request.writable = 64;
    memset(request.bytes, 0, 4096 + 64);
    if (!storm_do(0, 0, &request, true, &written) || written == 0) {
        return "no random bytes come";
    }
    for (uint32_t i = 0; i < written; i++) {
        bits |= storm_written(0, 0)[i];
    }
    return bits != 0 ? NULL : "the random bytes are none";
}

const struct storm_kind storm_rng = {
    .module = "virtio-rng",
    .device = 0x1044,
    .queues = 1,
    .answers = 1,
    .fill = fill_rng,
    .prove = prove_rng,
    .counters = {"requests", "bytes"},
};
