/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtio-net against a hostile driver and an odd network: the input is a list of what the driver does with packets,
 * buffers and commands, and of what the network brings, takes and says. Guest memory changes under the device's hands:
 * each time that the device reaches for it, bytes of the input are poked into it first.
 *
 * Whatever happens, a packet that reaches the network has a header that keeps to what was offered, one that reaches the
 * guest lies in its buffers (sanitizers, fake host), and the device comes to rest at once, whatever the network does.
 */
#include <errno.h>
#include <ioreqd/virtio.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "tests/virtio/driver.h"
#include "tests/virtio/fake_network.h"

#define BUFFER 0x80000u
#define PAIRS  2u
#define QUEUES (2 * PAIRS + 1)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t *input;
static size_t left;
static struct fake *fake;
static struct ioreqd_network *network;
static struct ioreqd_host host;
static bool legacy; /* the device is a transitional one, and the driver may be an old one */

static uint32_t take(unsigned bytes)
{
    uint32_t value = 0;

    for (unsigned i = 0; i < bytes && left != 0; i++, left--) {
        value = value << 8 | *input++;
    }
    return value;
}

/* Somewhere in a ring, or in the memory that buffers lie in. */
static void poke(void)
{
    static const uint32_t area[] = {0, 0x4000, 0x8000};
    uint32_t where = take(2);
    uint32_t queue = where >> 8 & 7;
    uint32_t address = BUFFER + (where & 0x3ff);

    if (queue < QUEUES && (where & 0x8000) != 0) {
        address = DESC_AREA(queue) + area[(where >> 11) % 3] + (where & 0xff);
    }
    fake->ram[address] = (uint8_t)take(1);
}

static void scribble(void)
{
    if (left != 0 && (*input & 7) == 0) {
        (void)take(1);
        poke();
    }
}

static int dma_read(struct ioreqd_device *device, uint64_t address, void *to, size_t length)
{
    scribble();
    return fake_host.dma_read(device, address, to, length);
}

static int dma_write(struct ioreqd_device *device, uint64_t address, const void *from, size_t length)
{
    scribble();
    return fake_host.dma_write(device, address, from, length);
}

static int dma_map(struct ioreqd_device *device, uint64_t address, size_t length, enum ioreqd_direction direction,
                   struct iovec *iov, uint64_t *pin, unsigned count)
{
    scribble();
    return fake_host.dma_map(device, address, length, direction, iov, pin, count);
}

static volatile void *window_base(struct ioreqd_window *window)
{
    scribble();
    return fake_host.window_base(window);
}

/* A table that names pairs that are not there, or not in use, is the device's fault. */
static int network_set_steering(struct ioreqd_network *to, const struct ioreqd_network_steering *steering)
{
    for (unsigned i = 0; steering != NULL && i < steering->entries; i++) {
        if (steering->table[i] >= PAIRS) {
            abort();
        }
    }
    if (steering != NULL && (steering->unclassified >= PAIRS || steering->key_length > IOREQD_NETWORK_KEY_MOST ||
                             (steering->entries & (steering->entries - 1)) != 0 || steering->entries > 128)) {
        abort();
    }
    return to->refuse;
}

/* What the kernel would refuse, or worse: the device must not let it through. */
static int network_write(struct ioreqd_network *to, unsigned pair, const struct iovec *iov, unsigned count)
{
    const uint8_t *header = iov[0].iov_base;
    size_t length = 0;

    if (count < 2 || iov[0].iov_len != IOREQD_NETWORK_HEADER) {
        abort();
    }
    for (unsigned i = 1; i < count; i++) {
        length += iov[i].iov_len;
    }
    if (length < 14 || length > IOREQD_NETWORK_MAX_PACKET || (header[0] & ~1u) != 0 || header[10] != 0 ||
        (header[2] | (unsigned)header[3] << 8) > length) {
        abort();
    }
    if (header[0] == 1 &&
        (header[6] | (unsigned)header[7] << 8) + (header[8] | (unsigned)header[9] << 8) + 2 > length) {
        abort();
    }
    if (header[1] != 0 && (header[0] != 1 || (header[4] | header[5]) == 0)) {
        abort();
    }
    return to->pair[pair].room != 0 ? (int)(IOREQD_NETWORK_HEADER + length) : -EAGAIN;
}

static void add_chain(struct driver *driver)
{
    static const uint16_t flags[] = {0, WRITE, 0, WRITE, 0, WRITE, INDIRECT, WRITE};
    struct part parts[4];
    uint32_t how = take(1);
    unsigned queue = (how >> 2) % QUEUES;
    unsigned count = 1 + how % 4;

    for (unsigned i = 0; i < count; i++) {
        uint32_t kind = take(1);

        parts[i].address = BUFFER + (take(1) << 2);
        parts[i].length = (kind & 0x18) == 0 ? take(2) : (kind & 8) != 0 ? 12 : take(1);
        parts[i].flags = queue % 2 == 0 && queue != QUEUES - 1 ? WRITE : flags[kind & 7];
    }
    driver_add(driver, queue, parts, count);
    if ((how & 0x80) != 0) {
        driver->model->bell(fake_device(fake), driver->state, queue, 0);
    }
}

/* A packet whose header comes from the input; what it asks for is mostly known. */
static void add_packet(struct driver *driver)
{
    static const uint8_t types[] = {0, 1, 3, 4, 5, 0x81, 0x84, 0x21};
    uint8_t *header = fake->ram + BUFFER + 0x300;
    uint32_t how = take(1);
    unsigned queue = (how & 8) != 0 ? 1 : 2 * PAIRS - 1;
    struct part parts[2] = {{BUFFER + 0x300, 12, 0}, {BUFFER + 0x800, 14 + take(1), 0}};

    header[0] = (how & 0x10) != 0 ? 1 : (uint8_t)take(1);
    header[1] = types[how & 7];
    for (unsigned i = 2; i < 12; i++) {
        header[i] = i % 2 == 0 || (how & 0x20) != 0 ? (uint8_t)take(1) : 0;
    }
    driver_add(driver, queue, parts, 2);
    driver->model->bell(fake_device(fake), driver->state, queue, 0);
}

/* Makes bytes of the input a command that steers packets, with lengths that fit each other. */
static void steer(uint8_t *data, uint32_t length)
{
    uint32_t entries = 1;

    while (11 + 4 * entries <= length && (data[4] & entries) != 0) {
        entries *= 2;
    }
    data[4] = (uint8_t)(entries - 1);
    data[0] &= 0x3f;
    data[1] = data[2] = data[3] = data[5] = data[7] = 0;
    data[8 + 2 * entries] &= 3;
    data[9 + 2 * entries] = 0;
    data[10 + 2 * entries] = (uint8_t)(length - 11 - 2 * entries);
    for (uint32_t i = 0; i < entries; i++) {
        data[8 + 2 * i] &= 3;
        data[9 + 2 * i] = 0;
    }
}

/* A command whose class, number and data come from the input, with the answer where it belongs: a result may precede it. */
static void add_command(struct driver *driver)
{
    struct part parts[2] = {{BUFFER + 0x400, 2, 0}, {BUFFER + 0x3f0, 1, WRITE}};
    uint8_t *to = fake->ram + BUFFER + 0x400;
    uint32_t length = take(1) % 40;
    uint32_t where = take(1);
    unsigned queue = where % 2 == 0 ? 2 : QUEUES - 1;

    parts[1].length = (where & 2) != 0 ? 9 : 1;
    to[0] = (uint8_t)(take(1) % 8);
    to[1] = (uint8_t)(take(1) % 6);
    for (uint32_t i = 0; i < length; i++) {
        to[2 + i] = (uint8_t)take(1);
    }
    if (to[0] == 4 && to[1] == 1 && (where & 4) != 0 && length >= 13) {
        steer(to + 2, length);
    }
    parts[0].length += length;
    driver_add(driver, queue, parts, 2);
    driver->model->bell(fake_device(fake), driver->state, queue, 0);
}

static void start(struct driver *driver)
{
    static const uint32_t always = 1u << 17 | 1u << 18 | 1u << 19 | 1u << 20 | 1u << 23;
    uint64_t choice = (uint64_t)take(1) << 8 | take(1);
    uint64_t features = driver_offered(driver);

    driver_write(driver, STATUS, 1, 0);
    fake_pump(fake);
    features &= (choice & 1) != 0 ? UINT64_MAX : always | F_VERSION_1;
    features &= (choice & 2) != 0 ? UINT64_MAX : ~(UINT64_C(1) << 15);
    features &= (choice & 4) != 0 ? UINT64_MAX : ~F_EVENT_IDX;
    features &= (choice & 8) != 0 ? UINT64_MAX : ~(UINT64_C(1) << 22);
    features &= (choice & 16) != 0 ? UINT64_MAX : ~(UINT64_C(0xff) << (choice >> 8 & 31));
    driver_start(driver, features | F_VERSION_1, (choice & 8) != 0 ? QUEUES : 3, (uint16_t)(4u << (choice >> 5) % 4));
}

static void deliver(void)
{
    static uint8_t packet[4096];
    uint8_t header[12] = {0};
    uint32_t how = take(1);
    unsigned pair = how % PAIRS;
    unsigned length = (how & 4) != 0 ? take(2) % sizeof(packet) : 60;

    if (network->pair[pair].in.count == FAKE_PACKETS) {
        return;
    }
    for (unsigned i = 0; (how & 2) != 0 && i < sizeof(header); i++) {
        header[i] = (uint8_t)take(1);
    }
    for (unsigned i = 0; i < 18; i++) {
        packet[i] = (how & 8) != 0 ? (uint8_t)take(1) : 0xff;
    }
    fake_network_deliver(network, pair, header, packet, length);
}

static void tell_network(void)
{
    uint32_t how = take(1);
    struct fake_network_pair *pair = &network->pair[how % PAIRS];
    unsigned events = how >> 1 & 7;

    if (pair->loop != NULL && events != 0) {
        /* It may be told of what is over by now, but of no more than it wants. */
        pair->ready(pair->argument, (events & pair->wanted) | (events & IOREQD_CONNECTED));
    }
}

/* The legacy interface lies in an I/O BAR; its registers are 24 bytes, and the configuration follows. */
static void use_legacy(struct driver *driver)
{
    uint32_t how = take(1);
    unsigned bytes = 1u << (how >> 6) % 3;
    uint32_t offset = how % 48 / bytes * bytes;

    switch (how >> 4 & 3) {
    case 0:
        driver->model->read(fake_device(fake), driver->state, 0, offset, bytes);
        break;
    case 1: /* a queue, at one of a few places, notified at once or not */
        driver->model->write(fake_device(fake), driver->state, 0, 14, 2, how & 7);
        driver->model->write(fake_device(fake), driver->state, 0, 8, 4, 0x10 + take(1) % 16);
        if ((how & 8) != 0) {
            driver->model->write(fake_device(fake), driver->state, 0, 16, 2, how & 7);
        }
        break;
    case 2:
        driver->model->write(fake_device(fake), driver->state, 0, 18, 1, (how & 15) == 0 ? 0 : 7);
        break;
    default:
        driver->model->write(fake_device(fake), driver->state, 0, offset, bytes, take(bytes));
        break;
    }
    fake_pump(fake);
}

static void act(struct driver *driver)
{
    uint32_t offset;
    unsigned bytes;

    switch (take(1) % 16) {
    case 0:
        offset = take(1) % 64;
        bytes = 1u << (take(1) % 3);
        driver_write(driver, offset / bytes * bytes, bytes, take(bytes));
        break;
    case 1:
        if (legacy) {
            use_legacy(driver);
        } else {
            driver_read(driver, CONFIG + take(1) % 28, 1);
        }
        break;
    case 2:
        start(driver);
        break;
    case 3:
        driver->model->bell(fake_device(fake), driver->state, take(1) % QUEUES, 0);
        break;
    case 4:
    case 5:
        if (driver->size != 0) {
            add_packet(driver);
        }
        break;
    case 6:
        if (driver->size != 0) {
            add_chain(driver);
        }
        break;
    case 7:
    case 8:
        if (driver->size != 0) {
            add_command(driver);
        }
        break;
    case 9:
    case 10:
        deliver();
        break;
    case 11:
        fake_network_run(network, fake);
        break;
    case 12:
        tell_network();
        break;
    case 13:
        network->link = (take(1) & 1) != 0;
        network->refuse = (take(1) & 7) == 7 ? -EIO : 0;
        network->pair[0].room = (take(1) & 3) == 3 ? 0 : UINT_MAX;
        break;
    case 14:
        fake_time_pass(fake, take(3));
        break;
    default:
        fake->no_bus_master = (take(1) & 3) == 3;
        driver->model->bus_master(fake_device(fake), driver->state, !fake->no_bus_master);
        break;
    }
}

static void *property(const struct ioreqd_model *model, void *state, const char *name)
{
    const struct ioreqd_property *one = model->property;

    while (strcmp(one->name, name) != 0) {
        one++;
    }
    return (char *)state + one->offset;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct ioreqd_model *model;
    struct driver driver;
    void *state;

    fake_network_host(&host);
    host.dma_read = dma_read;
    host.dma_write = dma_write;
    host.dma_map = dma_map;
    host.window_base = window_base;
    host.network_write = network_write;
    host.network_set_steering = network_set_steering;
    input = data;
    left = size;
    fake = fake_create(0);
    fake->piece = 1024;
    network = fake_network_create();
    model = ioreqd_module(&host)[0];
    state = calloc(1, model->state_size);
    memcpy(property(model, state, "network"), &network, sizeof(network));
    *(uint32_t *)property(model, state, "queues") = PAIRS;
    *(uint32_t *)property(model, state, "queue-size") = 64;
    legacy = (take(1) & 1) != 0;
    *(uint8_t *)property(model, state, "transitional") = legacy;
    if (driver_begin(&driver, fake, model, state) != 0) {
        abort();
    }
    driver.size = 0;
    while (left != 0) {
        act(&driver);
    }
    /* Only loops run from now on, and not the network: nothing may wait for it. */
    model->quiesce(fake_device(fake), state);
    fake_pump(fake);
    if (fake->quiesced != 1 || fake->pinned != 0) {
        abort();
    }
    driver_end(&driver);
    if (fake->windows != 0 || fake_timers() != 0) {
        abort();
    }
    free(state);
    fake_network_destroy(network);
    fake_destroy(fake);
    return 0;
}
