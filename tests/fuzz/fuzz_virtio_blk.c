/* SPDX-License-Identifier: BSD-2-Clause */
/* clang -std=gnu11 -g -O1 -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined -Iinclude -Isrc -I.
 *     tests/fuzz/fuzz_virtio_blk.c tests/virtio/fake_host.c tests/virtio/driver.c devices/virtio-blk/[a-z]*.c
 *     src/virtio/[a-z]*.c */
/*
 * virtio-blk against a hostile driver: the input is a list of what the driver does, to registers, rings and doorbells,
 * and of the order in which the file answers. Guest memory changes under the device's hands: each time that the device
 * reaches for it, bytes of the input are poked into it first.
 *
 * Whatever happens, the device stays inside guest memory and file (sanitizers, fake host), it comes to rest when its
 * file requests are answered, and gives back all that it mapped.
 */
#include <ioreqd/virtio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/virtio/driver.h"

#define SECTORS 16u
#define QUEUES  2u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t *input;
static size_t left;
static struct fake *fake;
static struct ioreqd_host host;

static uint32_t take(unsigned bytes)
{
    uint32_t value = 0;

    for (unsigned i = 0; i < bytes && left != 0; i++, left--) {
        value = value << 8 | *input++;
    }
    return value;
}

/* Somewhere in the ring of queue 0, or in the pages that its buffers use. */
static void poke(void)
{
    static const uint32_t base[] = {DESC_AREA(0), DRIVER_AREA(0), DEVICE_AREA(0), 0x8000};
    uint32_t where = take(2);
    uint32_t address = base[where >> 14] + (where & 0x3ff);

    fake->ram[address] = (uint8_t)take(1);
}

static void scribble(void)
{
    if (left != 0 && (*input & 3) == 0) {
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

static void add_chain(struct driver *driver)
{
    static const uint16_t flags[] = {0, WRITE, INDIRECT, WRITE | NEXT};
    uint32_t odd = take(1);
    struct part parts[4];
    unsigned count = 1 + take(1) % 4;

    for (unsigned i = 0; i < count; i++) {
        uint32_t kind = take(1);

        parts[i].address = 0x8000 + (take(1) << 4);
        parts[i].length = (kind & 4) != 0 ? take(1) << 4 : (kind & 8) != 0 ? 16 : 513;
        parts[i].flags = flags[kind & 3];
    }
    if ((odd & 0xf0) == 0xf0) { /* a driver that loses its place */
        driver->queue[0].wrap = (odd & 1) != 0;
        driver->queue[0].next_free = (uint16_t)((odd >> 1 & 7) % driver->size);
    }
    driver_add(driver, 0, parts, count);
    if (parts[0].flags == INDIRECT && (odd & 0x80) != 0) { /* a table that says something */
        const struct part part = {0x9000 + ((odd & 7) << 9), 512, (uint16_t)(NEXT | (odd & 8 ? WRITE : 0))};

        driver_table(driver, parts[0].address, odd & 3, part, (uint16_t)((odd & 3) + 1));
    }
}

/* So that the driver has ids to give out; as many as it may have in flight, since what the device says is spoilt too. */
static void take_back(struct driver *driver)
{
    uint32_t id, length;

    for (unsigned i = 0; i < DRIVER_MAX_SIZE && driver->size != 0 && driver_used(driver, 0, &id, &length); i++) {
    }
}

static uint64_t features(void)
{
    static const uint64_t formats[] = {0, F_PACKED, F_PACKED | F_IN_ORDER, F_IN_ORDER};
    uint32_t choice = take(1);

    return formats[choice & 3] | ((choice & 4) != 0 ? F_NOTIFICATION_DATA : 0);
}

/* A request that gets further than what add_chain() makes mostly does: discard, write zeroes or erase a few ranges. */
static void add_ranges(struct driver *driver)
{
    static const uint8_t types[] = {11, 13, 14, 1};
    uint32_t choice = take(1);
    unsigned queue = choice >> 7;
    unsigned count = choice >> 2 & 31; /* more than the device takes, at times */
    struct part parts[3] = {{0x8000, 16, 0}, {0x8100, 16 * count, 0}, {0x8f00, 1, WRITE}};

    memset(fake->ram + 0x8000, 0, 0x300);
    fake->ram[0x8000] = types[choice & 3];
    for (unsigned i = 0; i < count && i < 4; i++) {
        uint8_t *range = fake->ram + 0x8100 + 16 * i;
        uint32_t bytes = take(2);

        range[0] = bytes & 31;
        range[7] = (bytes >> 5 & 15) == 15 ? 0xff : 0;
        range[8] = bytes >> 9 & 15;
        range[12] = (bytes >> 13 & 3) == 3 ? 1 : 0;
        range[15] = bytes >> 15 & 1;
    }
    driver_add(driver, queue, parts, 3);
    driver->model->bell(fake_device(fake), driver->state, queue, queue);
}

static void act(struct driver *driver)
{
    struct ioreqd_device *device = fake_device(fake);
    uint32_t action = take(1) % 17;
    uint32_t offset;
    unsigned bytes;

    switch (action) {
    case 0:
        offset = take(2) % 0x4000;
        bytes = 1u << (offset % 3);
        driver_write(driver, offset / bytes * bytes, bytes, take(bytes));
        break;
    case 1:
        offset = take(2) % 0x4000;
        bytes = 1u << (offset % 3);
        driver_read(driver, offset / bytes * bytes, bytes);
        break;
    case 2: /* the common configuration has most of what can go wrong */
        offset = take(1) % 64;
        bytes = 1u << (take(1) % 3);
        driver_write(driver, offset / bytes * bytes, bytes, take(bytes));
        break;
    case 3:
        offset = take(1) % 20;
        bytes = 1u << (take(1) % 3);
        driver->model->config_write(device, driver->state, 4, offset / bytes * bytes, bytes, take(bytes));
        break;
    case 4:
        offset = take(1) % 20;
        driver->model->config_read(device, driver->state, 4, offset & ~3u, 4, 0);
        break;
    case 5:
        driver->model->bell(device, driver->state, take(1) % 2, take(4));
        break;
    case 6:
        fake_pump(fake);
        take_back(driver);
        break;
    case 7:
        if (fake->requests != 0) {
            fake_complete(fake, take(1) % fake->requests, (take(1) & 7) == 0 ? -5 : 0);
        }
        break;
    case 8:
        poke();
        break;
    case 9:
        driver_write(driver, STATUS, 1, 0);
        driver_start(driver, F_VERSION_1 | (uint64_t)take(1) << 22 | (take(1) & 1 ? 1u << 9 : 0) | features(), 1,
                     (uint16_t)(take(1) % 5 == 0 ? 1 + take(1) % 64 : 4u << (take(1) % 5)));
        driver_start(driver, F_VERSION_1 | (uint64_t)take(1) << 22 | (take(1) & 0x1f) << 9, QUEUES,
                     (uint16_t)(4u << (take(1) % 5)));
        break;
    case 10:
    case 11:
        if (driver->size != 0) {
            add_chain(driver);
        }
        break;
    case 12:
        fake->no_bus_master = (take(1) & 1) != 0;
        break;
    case 13:
        fake_resize(fake, take(1) % 33 * 256);
        break;
    case 14:
    case 15:
        if (driver->size != 0) {
            add_ranges(driver);
        }
        break;
    default:
        fake->msix_on = (take(1) & 1) != 0;
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
    struct ioreqd_file *file;
    struct driver driver;
    void *state;

    host = fake_host;
    host.dma_read = dma_read;
    host.dma_write = dma_write;
    host.dma_map = dma_map;
    host.window_base = window_base;
    input = data;
    left = size;
    fake = fake_create(SECTORS * 512);
    fake->piece = 1024;
    model = ioreqd_module(&host)[0];
    state = calloc(1, model->state_size);
    file = &fake->file;
    memcpy(property(model, state, "file"), &file, sizeof(file));
    *(uint32_t *)property(model, state, "queue-size") = 64;
    *(uint8_t *)property(model, state, "in-order") = 1;
    *(uint32_t *)property(model, state, "queues") = QUEUES;
    *(uint8_t *)property(model, state, "discard") = 1;
    *(uint8_t *)property(model, state, "write-cache") = 1;
    fake->file.facts.abilities =
        IOREQD_FILE_CAN_DISCARD | IOREQD_FILE_CAN_WRITE_ZEROES | IOREQD_FILE_CAN_UNMAP | IOREQD_FILE_CAN_ERASE;
    fake->file.facts.maximum_discard = 8 * 512;
    if (driver_begin(&driver, fake, model, state) != 0) {
        abort();
    }
    driver.size = 0;
    while (left != 0) {
        act(&driver);
    }
    fake_complete_all(fake);
    model->quiesce(fake_device(fake), state);
    fake_complete_all(fake);
    if (fake->quiesced != 1 || fake->pinned != 0) {
        abort();
    }
    driver_end(&driver);
    if (fake->windows != 0) {
        abort();
    }
    free(state);
    fake_destroy(fake);
    return 0;
}
