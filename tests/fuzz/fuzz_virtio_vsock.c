/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtio-vsock against a hostile driver and careless programs of the host: the input is a list of what they do, in turns.
 * Most packets are of a few ports, so that connections come to be and are disturbed in every state.
 *
 * Whatever happens, the device stays inside of guest memory and of its buffers (sanitizers, fake host), comes to rest
 * after each step, keeps its books, and gives back all that it had.
 */
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/virtio/vsock_bench.h"

#define FARS 8u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t *input;
static size_t left;
static int far[FARS];
static unsigned next_far;
static uint32_t host_port; /* of the last connection from the host */

static uint32_t take(unsigned bytes)
{
    uint32_t value = 0;

    for (unsigned i = 0; i < bytes && left != 0; i++, left--) {
        value = value << 8 | *input++;
    }
    return value;
}

static void keep(int descriptor)
{
    if (far[next_far] >= 0) {
        close(far[next_far]);
    }
    far[next_far] = descriptor;
    next_far = (next_far + 1) % FARS;
}

static unsigned free_of(unsigned queue)
{
    uint16_t waiting = (uint16_t)(bench.driver.queue[queue].available - driver_used_index(&bench.driver, queue));

    return waiting < QUEUE_SIZE ? QUEUE_SIZE - waiting : 0;
}

/* What came for the guest: the ports of requests are answered later. */
static void receive(void)
{
    uint32_t id, length;
    uint64_t address;
    struct wire wire;

    while (driver_used(&bench.driver, QUEUE_RX, &id, &length)) {
        memcpy(&address, bench.fake->ram + DESC_AREA(QUEUE_RX) + 16u * (id % QUEUE_SIZE), sizeof(address));
        if (address <= FAKE_RAM - sizeof(wire)) {
            memcpy(&wire, bench.fake->ram + address, sizeof(wire));
            host_port = wire.operation == OP_REQUEST ? wire.src_port : host_port;
        }
    }
}

static void send_packet(void)
{
    static const uint8_t bytes[4000];
    uint32_t how = take(1), ports = take(1), payload = 0;
    struct wire wire = bench_wire((uint16_t)(how % 9), 5 + (ports & 3), 80 + (ports >> 2 & 1));

    if (free_of(QUEUE_TX) < 2) {
        return;
    }
    if ((ports & 0x80) != 0) {
        wire.dst_port = host_port;
    }
    wire.buf_alloc = (how & 0x20) != 0 ? take(2) : BIG_CREDIT;
    wire.fwd_cnt = (how & 0x10) != 0 ? take(3) : 0;
    switch (wire.operation) {
    case OP_SHUTDOWN:
        wire.flags = how >> 5;
        break;
    case OP_RW:
        payload = take(2) % 4001;
        wire.length = payload + ((how & 0x80) != 0 ? take(1) : 0);
        break;
    default:
        break;
    }
    if ((how & 0xf0) == 0xf0) { /* anything */
        uint8_t *raw = (uint8_t *)&wire;

        raw[take(1) % sizeof(wire)] = (uint8_t)take(1);
    }
    bench.far = -1;
    bench_send_wire(&wire, bytes, payload);
    if (bench.far >= 0) {
        keep(bench.far);
    }
}

static void send_raw(void)
{
    struct part parts[3];
    unsigned count = 1 + take(1) % 3;

    if (free_of(QUEUE_TX) < 4) {
        return;
    }
    for (unsigned i = 0; i < count; i++) {
        uint32_t how = take(1);

        parts[i] = (struct part){.address = (how & 3) == 3 ? FAKE_RAM - (how >> 2) : 0xc0000 + (how << 4),
                                 .length = 1 + take(1),
                                 .flags = (how & 0x40) != 0 ? WRITE : 0};
    }
    driver_add(&bench.driver, QUEUE_TX, parts, count);
    driver_kick(&bench.driver, QUEUE_TX);
    bench_pump();
}

static void give(void)
{
    uint32_t count = 1 + take(1) % 8, bytes = 44 + take(1) * 16 - (take(1) == 0xff);
    unsigned room = free_of(QUEUE_RX);

    bench_give(count < room ? count : room, bytes < 4096 ? bytes : 4096);
    receive();
}

static void act_as_host(void)
{
    static const uint8_t bytes[60000];
    static uint8_t sink[60000];
    uint32_t how = take(1);
    int one = far[how & 7];

    if (one < 0) {
        return;
    }
    switch (how >> 3 & 7) {
    case 0:
    case 1:
        (void)!send(one, bytes, take(2) % sizeof(bytes), MSG_NOSIGNAL);
        break;
    case 2:
    case 3:
    case 4:
        (void)!recv(one, sink, take(2) % sizeof(sink), 0);
        break;
    case 5:
        shutdown(one, (how & 0x80) != 0 ? SHUT_WR : SHUT_RD);
        break;
    default:
        close(one);
        far[how & 7] = -1;
        break;
    }
    bench_pump();
}

static void call(void)
{
    static const char *const lines[] = {"CONNECT 5\n", "CONNECT 6\nmore", "CONN", "ECT 7\n", "x\n", "CONNECT 5\r\n"};
    uint32_t how = take(1);
    int one = bench_call();

    for (unsigned i = 0; i < 1 + (how >> 6); i++) {
        const char *line = lines[(how + i) % 6];

        (void)!send(one, line, strlen(line), MSG_NOSIGNAL);
        bench_pump();
    }
    keep(one);
}

static void pause_device(void)
{
    uint32_t how = take(1);

    bench.driver.model->quiesce(fake_device(bench.fake), bench.vsock);
    bench_pump();
    if ((how & 3) == 3) {
        bench.driver.model->reset(fake_device(bench.fake), bench.vsock, IOREQD_RESET_FUNCTION);
    }
    if ((how & 4) != 0) {
        bench.vsock->session = false;
    }
    bench.driver.model->resume(fake_device(bench.fake), bench.vsock);
    bench_pump();
    if ((how & 3) == 3) {
        bench_start(how >> 3, 4);
    }
}

static void act(void)
{
    switch (take(1) % 16) {
    default:
        send_packet();
        break;
    case 8:
        send_raw();
        break;
    case 9:
    case 10:
        give();
        break;
    case 11:
        act_as_host();
        break;
    case 12:
        call();
        break;
    case 13:
        bench_pass(take(1) * (SECOND / 8));
        break;
    case 14:
        bench.connect_error = (take(1) & 1) != 0 ? -11 : 0;
        break;
    case 15:
        if ((take(1) & 3) != 0) {
            pause_device();
        } else {
            driver_write(&bench.driver, STATUS, 1, 0);
            bench_pump();
            bench_start(take(1) & 5, 4);
        }
        break;
    }
}

static void check_books(void)
{
    unsigned used = 0;

    for (uint32_t i = 0; i < bench.vsock->property_connections; i++) {
        const struct connection *one = &bench.vsock->connections[i];

        used += one->state != CONNECTION_FREE;
        if (one->state != CONNECTION_FREE && one->length > BUFFER) {
            abort();
        }
        if (one->state == CONNECTION_ESTABLISHED &&
            (one->received - one->forwarded != one->length || one->received - one->told > BUFFER)) {
            abort();
        }
        if ((one->watch == NULL) != (one->state == CONNECTION_FREE || one->state == CONNECTION_RESETTING)) {
            abort();
        }
    }
    for (const struct connection *one = bench.vsock->free; one != NULL; one = one->next_hashed) {
        used++;
    }
    if (used != bench.vsock->property_connections) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    input = data;
    left = size;
    next_far = 0;
    host_port = 0;
    for (unsigned i = 0; i < FARS; i++) {
        far[i] = -1;
    }
    bench_create(6);
    bench_start(0, 4);
    while (left != 0) {
        act();
        check_books();
    }
    bench_destroy();
    for (unsigned i = 0; i < FARS; i++) {
        if (far[i] >= 0) {
            close(far[i]);
        }
    }
    return 0;
}
