/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A device for tests, with a BAR of every kind, an expansion ROM, MSI, INTx, and capabilities of both lists. A BAR reads
 * as a pattern made of its number and the offset, but where the guest has written: the last WRITES writes are kept. So a
 * guest can tell that each access reaches the right BAR at the right offset, be it of 16 bytes or of 64 GiB.
 *
 * All of it on the main loop.
 */
#include <errno.h>
#include <string.h>

#include <ioreqd/device.h>

#define WRITES      64u
#define IO_BAR      0
#define SMALL_BAR   1 /* 32 bits, 16 bytes */
#define LARGE_BAR   2 /* 64 bits, prefetchable */
#define PLAIN_BAR   4 /* 64 bits */
#define ROM_SIZE    4096u
#define SMALL_BYTES 16u
#define UNIT        4u /* all accesses are of dwords */

struct written {
    uint64_t offset;
    uint32_t value;
    uint8_t bar;
    uint8_t used;
};

struct every_bar {
    uint64_t property_size;
    struct written written[WRITES];
    uint32_t next;
    _Atomic uint64_t writes;
    _Atomic uint64_t resets;
};

static const struct ioreqd_host *host;

/* What the guest's side of the test computes too. */
static uint32_t pattern(unsigned bar, uint64_t offset)
{
    uint64_t mixed = (offset / UNIT + 1) * UINT64_C(0x9e3779b97f4a7c15) + bar;

    return (uint32_t)(mixed >> 32);
}

static uint64_t read_register(struct ioreqd_device *device, void *memory, unsigned bar, uint64_t offset, unsigned size)
{
    const struct every_bar *state = memory;

    (void)device;
    (void)size;
    if (bar == IOREQD_ROM) { /* PCI 3.0 §6.3.1.1: what a ROM begins with */
        static const uint8_t signature[] = {0x55, 0xaa, ROM_SIZE / 512};
        uint64_t value = 0;

        for (unsigned i = 0; i < size; i++) {
            uint8_t byte = offset + i < sizeof(signature) ? signature[offset + i] : (uint8_t)(offset + i);

            value |= (uint64_t)byte << (8 * i);
        }
        return value;
    }
    for (unsigned i = 0; i < WRITES; i++) {
        const struct written *at = &state->written[(state->next + WRITES - 1 - i) % WRITES];

        if (at->used && at->bar == bar && at->offset == offset) {
            return at->value;
        }
    }
    return pattern(bar, offset);
}

/* A write of all ones to the first register of the plain BAR raises the interrupts, of zero takes the line back. */
static void write_register(struct ioreqd_device *device, void *memory, unsigned bar, uint64_t offset, unsigned size,
                           uint64_t value)
{
    struct every_bar *state = memory;

    (void)size;
    state->written[state->next] =
        (struct written){.offset = offset, .value = (uint32_t)value, .bar = (uint8_t)bar, .used = 1};
    state->next = (state->next + 1) % WRITES;
    state->writes++;
    if (bar == PLAIN_BAR && offset == 0) {
        host->intx(device, value != 0);
        if (value != 0) {
            host->msi(device, 0);
        }
    }
}

static void reset(struct ioreqd_device *device, void *memory, enum ioreqd_reset_kind kind)
{
    struct every_bar *state = memory;

    memset(state->written, 0, sizeof(state->written));
    state->next = 0;
    if (kind != IOREQD_RESET_COLD) {
        state->resets++;
        host->log(device, IOREQD_LOG_INFO, "reset of kind %d", (int)kind);
    }
}

static int create(struct ioreqd_device *device, void *memory, struct ioreqd_description *description)
{
    const struct every_bar *state = memory;

    if ((state->property_size & (state->property_size - 1)) != 0) {
        host->property_error(device, "size", "%llu is no power of 2: use one, as 64G",
                             (unsigned long long)state->property_size);
        return -EINVAL;
    }
    description->bar[LARGE_BAR].size = state->property_size;
    return 0;
}

static const uint8_t vendor_body[] = {10, 'e', 'v', 'e', 'r', 'y', 0, 0};
static const uint8_t vendor_write[] = {0, 0, 0, 0, 0, 0, 0xff, 0};
static const uint8_t serial_body[] = {0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef};

static const struct ioreqd_capability capabilities[] = {
    {.id = 9, .length = 10, .body = vendor_body, .write_mask = vendor_write},
    /* Device serial number (PCI Express 4.0 §7.9.3). */
    {.id = 3, .version = 1, .length = 12, .flags = IOREQD_CAPABILITY_EXTENDED, .body = serial_body},
};

static const struct ioreqd_description description = {
    .struct_size = sizeof(description),
    .vendor = 0x1b36, /* Red Hat's, whose device 0x0005 is a test device without a driver */
    .device = 0x0005,
    .subsystem_vendor = 0x1b36,
    .subsystem = 0xeb00,
    .class_code = {0xff, 0x00, 0x00},
    .intx = 1,
    .msi = 1,
    .express = 1,
    .power = IOREQD_POWER_RESETS,
    .rom_size = ROM_SIZE,
    .bar = {[IO_BAR] = {.kind = IOREQD_BAR_IO, .min_access = UNIT, .max_access = UNIT, .size = 32},
            [SMALL_BAR] = {.kind = IOREQD_BAR_MEM32, .min_access = UNIT, .max_access = UNIT, .size = SMALL_BYTES},
            [LARGE_BAR] =
                {.kind = IOREQD_BAR_MEM64_PREFETCH, .min_access = UNIT, .max_access = UNIT, .size = UINT64_C(1) << 36},
            [PLAIN_BAR] = {.kind = IOREQD_BAR_MEM64, .min_access = UNIT, .max_access = UNIT, .size = 4096}},
    .capabilities = sizeof(capabilities) / sizeof(capabilities[0]),
    .capability = capabilities,
};

static const struct ioreqd_property properties[] = {
    {.name = "size",
     .fallback = "64G",
     .help = "bytes of the 64-bit prefetchable BAR: a power of 2",
     .kind = IOREQD_PROPERTY_SIZE,
     .offset = offsetof(struct every_bar, property_size),
     .minimum = 16,
     .maximum = UINT64_C(1) << 46},
    {.name = NULL},
};

static const struct ioreqd_counter counters[] = {
    {.name = "writes", .unit = "accesses", .offset = offsetof(struct every_bar, writes)},
    {.name = "resets", .unit = "resets", .offset = offsetof(struct every_bar, resets)},
    {.name = NULL},
};

static const struct ioreqd_model model = {
    .struct_size = sizeof(model),
    .abi = IOREQD_ABI,
    .name = "every-bar",
    .summary = "a BAR of every kind, for tests",
    .state_size = sizeof(struct every_bar),
    .state_version = 1,
    .description = &description,
    .property = properties,
    .counter = counters,
    .create = create,
    .read = read_register,
    .write = write_register,
    .reset = reset,
};

const struct ioreqd_model *const *ioreqd_module(const struct ioreqd_host *given)
{
    static const struct ioreqd_model *const models[] = {&model, NULL};

    host = given;
    return models;
}
