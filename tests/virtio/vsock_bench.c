/* SPDX-License-Identifier: BSD-2-Clause */
/* A guest and a host for a virtio-vsock in a test, see vsock_bench.h. */
#define _GNU_SOURCE
#include "tests/virtio/vsock_bench.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define RECEIVE_AREA  0x80000u
#define TRANSMIT_AREA 0xc0000u
#define SLOT          0x1000u
#define WATCHES_MOST  1100u
#define TURNS_MOST    100000u /* until it must have come to rest */

struct ioreqd_timer {
    uint64_t deadline;
    void (*fire)(void *argument);
    void *argument;
};

struct ioreqd_watch {
    struct ioreqd_watch *next;
    int descriptor;
    unsigned events;
    void (*ready)(void *argument, unsigned events);
    void *argument;
};

struct ioreqd_sockets {
    void (*came)(void *argument, int descriptor);
    void *argument;
};

struct bench bench;
struct ioreqd_host bench_host;

static struct ioreqd_timer *timer;
static struct ioreqd_watch *watches;
static struct ioreqd_sockets sockets;

static void fail(const char *what)
{
    fprintf(stderr, "bench: %s\n", what);
    abort();
}

/* ---- the host ---- */

static uint64_t now(struct ioreqd_device *device)
{
    (void)device;
    return bench.now;
}

static int timer_create_one(struct ioreqd_device *device, struct ioreqd_loop *loop, void (*fire)(void *argument),
                            void *argument, struct ioreqd_timer **made)
{
    (void)device;
    (void)loop;
    timer = calloc(1, sizeof(*timer));
    *timer = (struct ioreqd_timer){.fire = fire, .argument = argument};
    *made = timer;
    return 0;
}

static void timer_set(struct ioreqd_timer *one, uint64_t deadline)
{
    one->deadline = deadline;
}

static void timer_destroy(struct ioreqd_timer *one)
{
    free(one);
    timer = NULL;
}

static int watch_create(struct ioreqd_device *device, struct ioreqd_loop *loop, int descriptor,
                        void (*ready)(void *argument, unsigned events), void *argument, struct ioreqd_watch **watch)
{
    (void)device;
    (void)loop;
    *watch = calloc(1, sizeof(**watch));
    **watch = (struct ioreqd_watch){.next = watches, .descriptor = descriptor, .ready = ready, .argument = argument};
    watches = *watch;
    return 0;
}

static void watch_set(struct ioreqd_watch *watch, unsigned events)
{
    watch->events = events;
}

static void watch_destroy(struct ioreqd_watch *watch)
{
    struct ioreqd_watch **at = &watches;

    while (*at != watch) {
        at = &(*at)->next;
    }
    *at = watch->next;
    free(watch);
}

static int sockets_listen(struct ioreqd_device *device, struct ioreqd_loop *loop, struct ioreqd_sockets *of,
                          void (*came)(void *argument, int descriptor), void *argument)
{
    (void)device;
    (void)loop;
    *of = (struct ioreqd_sockets){.came = came, .argument = argument};
    return 0;
}

static void make_narrow(int descriptor)
{
    if (bench.socket_room != 0 &&
        setsockopt(descriptor, SOL_SOCKET, SO_SNDBUF, &bench.socket_room, sizeof(bench.socket_room)) != 0) {
        fail("setsockopt");
    }
}

static int sockets_connect(struct ioreqd_sockets *of, const char *suffix)
{
    int pair[2];

    (void)of;
    bench.connects++;
    if (sscanf(suffix, "_%u", &bench.connect_port) != 1) {
        fail("a suffix that is no port");
    }
    if (bench.connect_error != 0 || bench.connect_port >= 2000) {
        return bench.connect_error != 0 ? bench.connect_error : -ENOENT;
    }
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) != 0) {
        fail("socketpair");
    }
    bench.far = pair[1];
    make_narrow(pair[0]);
    return pair[0];
}

static void say(struct ioreqd_device *device, enum ioreqd_log_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void say(struct ioreqd_device *device, enum ioreqd_log_level level, const char *format, ...)
{
    (void)device;
    (void)format;
    bench.warnings += level <= IOREQD_LOG_WARNING;
}

int bench_call(void)
{
    int pair[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) != 0) {
        fail("socketpair");
    }
    make_narrow(pair[0]);
    sockets.came(sockets.argument, pair[0]);
    bench_pump();
    return pair[1];
}

/* ---- turns ---- */

/* One watch that is ready: its callback may change the list. */
static bool turn_watch(void)
{
    static struct pollfd polled[WATCHES_MOST];
    static struct ioreqd_watch *of[WATCHES_MOST];
    unsigned count = 0;

    for (struct ioreqd_watch *watch = watches; watch != NULL; watch = watch->next) {
        if (watch->events != 0 && count < WATCHES_MOST) {
            of[count] = watch;
            polled[count++] = (struct pollfd){.fd = watch->descriptor,
                                              .events = (short)((watch->events & IOREQD_READABLE ? POLLIN : 0) |
                                                                (watch->events & IOREQD_WRITABLE ? POLLOUT : 0))};
        }
    }
    if (count == 0 || poll(polled, count, 0) <= 0) {
        return false;
    }
    for (unsigned i = 0; i < count; i++) {
        unsigned ready = 0;

        ready |= (polled[i].revents & (POLLIN | POLLHUP | POLLERR)) != 0 ? IOREQD_READABLE : 0;
        ready |= (polled[i].revents & (POLLOUT | POLLHUP | POLLERR)) != 0 ? IOREQD_WRITABLE : 0;
        if ((ready & of[i]->events) != 0) {
            bench.calls++;
            of[i]->ready(of[i]->argument, ready & of[i]->events);
            return true;
        }
    }
    return false;
}

void bench_pump(void)
{
    unsigned turns = 0;

    do {
        fake_pump(bench.fake);
        if (++turns > TURNS_MOST) {
            fail("it does not come to rest");
        }
    } while (turn_watch());
}

void bench_pass(uint64_t nanoseconds)
{
    bench.now += nanoseconds;
    if (timer != NULL && timer->deadline != 0 && timer->deadline <= bench.now) {
        timer->deadline = 0;
        timer->fire(timer->argument);
    }
    bench_pump();
}

/* ---- life ---- */

static void *property(const struct ioreqd_model *model, void *state, const char *name)
{
    const struct ioreqd_property *one = model->property;

    while (strcmp(one->name, name) != 0) {
        one++;
    }
    return (char *)state + one->offset;
}

void bench_create(uint32_t connections)
{
    const struct ioreqd_model *model;

    bench = (struct bench){.fake = fake_create(0), .now = SECOND, .far = -1};
    bench_host = fake_host;
    bench_host.now = now;
    bench_host.timer_create = timer_create_one;
    bench_host.timer_set = timer_set;
    bench_host.timer_destroy = timer_destroy;
    bench_host.watch_create = watch_create;
    bench_host.watch_set = watch_set;
    bench_host.watch_destroy = watch_destroy;
    bench_host.sockets_listen = sockets_listen;
    bench_host.sockets_connect = sockets_connect;
    bench_host.log = say;
    model = ioreqd_module(&bench_host)[0];
    bench.vsock = calloc(1, model->state_size);
    *(struct ioreqd_sockets **)property(model, bench.vsock, "socket") = &sockets;
    *(uint32_t *)property(model, bench.vsock, "cid") = GUEST_CID;
    *(uint32_t *)property(model, bench.vsock, "connections") = connections;
    *(uint64_t *)property(model, bench.vsock, "buffer") = BUFFER;
    *(uint32_t *)property(model, bench.vsock, "queue-size") = 128;
    if (driver_begin(&bench.driver, bench.fake, model, bench.vsock) != 0) {
        fail("the device cannot be made");
    }
}

void bench_destroy(void)
{
    bench.driver.model->quiesce(fake_device(bench.fake), bench.vsock);
    bench_pump();
    if (bench.fake->quiesced == 0) {
        fail("quiesce() is not answered");
    }
    driver_end(&bench.driver);
    if (bench.fake->windows != 0 || bench.fake->pinned != 0 || watches != NULL || timer != NULL) {
        fail("something is left behind");
    }
    free(bench.vsock);
    fake_destroy(bench.fake);
}

void bench_start(uint64_t features, unsigned buffers)
{
    bench.receive_slot = 0;
    bench.transmit_slot = 0;
    driver_start(&bench.driver, F_VERSION_1 | features, QUEUES, QUEUE_SIZE);
    bench_give(buffers, SLOT);
}

void bench_begin(void)
{
    bench_create(16);
    bench_start(FEATURE_STREAM | FEATURE_NO_IMPLIED, QUEUE_SIZE);
}

/* ---- the guest ---- */

void bench_lay_out(unsigned buffers, uint32_t bytes)
{
    for (unsigned i = 0; i < buffers; i++) {
        struct part part = {
            .address = RECEIVE_AREA + SLOT * (bench.receive_slot++ % QUEUE_SIZE), .length = bytes, .flags = WRITE};

        driver_add(&bench.driver, QUEUE_RX, &part, 1);
    }
}

void bench_give(unsigned buffers, uint32_t bytes)
{
    bench_lay_out(buffers, bytes);
    driver_kick(&bench.driver, QUEUE_RX);
    bench_pump();
}

struct wire bench_wire(uint16_t operation, uint32_t guest_port, uint32_t host_port)
{
    return (struct wire){.src_cid = GUEST_CID,
                         .dst_cid = 2,
                         .src_port = guest_port,
                         .dst_port = host_port,
                         .type = 1,
                         .operation = operation,
                         .buf_alloc = BIG_CREDIT};
}

void bench_put(const struct wire *wire, const void *data, uint32_t bytes)
{
    uint32_t address = TRANSMIT_AREA + SLOT * (bench.transmit_slot++ % QUEUE_SIZE);
    struct part parts[] = {{.address = address, .length = sizeof(*wire)},
                           {.address = address + sizeof(*wire), .length = bytes}};

    if (bytes > SLOT - sizeof(*wire)) {
        fail("a packet that does not fit");
    }
    memcpy(bench.fake->ram + address, wire, sizeof(*wire));
    if (bytes != 0) {
        memcpy(bench.fake->ram + address + sizeof(*wire), data, bytes);
    }
    driver_add(&bench.driver, QUEUE_TX, parts, bytes != 0 ? 2 : 1);
}

void bench_send_wire(const struct wire *wire, const void *data, uint32_t bytes)
{
    bench_put(wire, data, bytes);
    driver_kick(&bench.driver, QUEUE_TX);
    bench_pump();
}

void bench_send(uint16_t operation, uint32_t guest_port, uint32_t host_port)
{
    struct wire wire = bench_wire(operation, guest_port, host_port);

    bench_send_wire(&wire, NULL, 0);
}

void bench_send_data(uint32_t guest_port, uint32_t host_port, const void *data, uint32_t bytes)
{
    struct wire wire = bench_wire(OP_RW, guest_port, host_port);

    wire.length = bytes;
    bench_send_wire(&wire, data, bytes);
}

bool bench_take(struct wire *wire, void *data)
{
    uint32_t id, length;
    uint64_t address;

    if (!driver_used(&bench.driver, QUEUE_RX, &id, &length)) {
        return false;
    }
    memcpy(&address, bench.fake->ram + DESC_AREA(QUEUE_RX) + 16u * id, sizeof(address));
    memcpy(wire, bench.fake->ram + address, sizeof(*wire));
    if (length != sizeof(*wire) + wire->length) {
        fail("the used length is not the packet's");
    }
    if (data != NULL) {
        memcpy(data, bench.fake->ram + address + sizeof(*wire), wire->length);
    }
    return true;
}

bool bench_next(struct wire *wire, void *data)
{
    if (!bench_take(wire, data)) {
        return false;
    }
    bench_give(1, SLOT);
    return true;
}

struct wire bench_expect(uint16_t operation, uint32_t guest_port, uint32_t host_port)
{
    struct wire wire = {0};
    char text[160];

    if (!bench_next(&wire, NULL)) {
        snprintf(text, sizeof(text), "no packet, where operation %u was expected", operation);
        fail(text);
    }
    if (wire.operation != operation || wire.src_port != host_port || wire.dst_port != guest_port || wire.src_cid != 2 ||
        wire.dst_cid != GUEST_CID || (wire.type != 1 && operation != OP_RST)) {
        snprintf(text, sizeof(text), "operation %u from port %u to %u, not %u from %u to %u", wire.operation,
                 wire.src_port, wire.dst_port, operation, host_port, guest_port);
        fail(text);
    }
    return wire;
}

void bench_expect_nothing(void)
{
    struct wire wire;
    char text[80];

    if (bench_take(&wire, NULL)) {
        snprintf(text, sizeof(text), "operation %u, where nothing was expected", wire.operation);
        fail(text);
    }
}

int bench_connect(uint32_t guest_port, uint32_t host_port)
{
    struct wire wire;

    bench.far = -1;
    bench_send(OP_REQUEST, guest_port, host_port);
    wire = bench_expect(OP_RESPONSE, guest_port, host_port);
    if (wire.buf_alloc != BUFFER || wire.fwd_cnt != 0 || bench.far < 0 || bench.connect_port != host_port) {
        fail("a response that is wrong");
    }
    return bench.far;
}

int bench_accept(uint32_t guest_port, uint32_t *host_port)
{
    int far = bench_call();
    struct wire wire = {0};
    char text[64] = "", wanted[64];

    dprintf(far, "CONNECT %u\n", guest_port);
    bench_pump();
    if (!bench_next(&wire, NULL) || wire.operation != OP_REQUEST || wire.dst_port != guest_port ||
        wire.buf_alloc != BUFFER) {
        fail("no request");
    }
    *host_port = wire.src_port;
    bench_send(OP_RESPONSE, guest_port, *host_port);
    snprintf(wanted, sizeof(wanted), "OK %u\n", *host_port);
    if (read(far, text, sizeof(text) - 1) != (ssize_t)strlen(wanted) || strcmp(text, wanted) != 0) {
        fail("no OK");
    }
    return far;
}

unsigned bench_used(void)
{
    unsigned used = 0;

    for (uint32_t i = 0; i < bench.vsock->property_connections; i++) {
        used += bench.vsock->connections[i].state != CONNECTION_FREE;
    }
    return used;
}

bool bench_closed(int descriptor)
{
    struct pollfd one = {.fd = descriptor};

    return poll(&one, 1, 0) == 1 && (one.revents & POLLHUP) != 0;
}
