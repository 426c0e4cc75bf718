/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The PCI transport of a virtio device: finds the structure that an access to the BAR means, directly or through the
 * PCI configuration access capability (virtio 1.4 §4.1.4). All on the main loop, but for the doorbells, which the host
 * brings to the loop of their queue.
 */
#include "virtio/common.h"
#include "virtio/config.h"
#include "virtio/device.h"
#include "virtio/interrupt.h"
#include "virtio/legacy.h"
#include "virtio/queue.h"
#include "virtio/registers.h"

/* The members of struct virtio_pci_cfg_cap that a driver writes (virtio 1.4 §4.1.4.9). */
enum access_offset { ACCESS_BAR = 4, ACCESS_OFFSET = 8, ACCESS_LENGTH = 12, ACCESS_DATA = 16, ACCESS_END = 20 };

static uint32_t get(const uint8_t *bytes, unsigned size)
{
    uint32_t value = 0;

    for (unsigned i = 0; i < size; i++) {
        value |= (uint32_t)bytes[i] << (8 * i);
    }
    return value;
}

static void put(uint8_t *bytes, unsigned size, uint32_t value)
{
    for (unsigned i = 0; i < size; i++) {
        bytes[i] = (uint8_t)(value >> (8 * i));
    }
}

static void write_notify(struct ioreqd_virtio_device *device, uint32_t offset, unsigned size)
{
    uint32_t index = offset / IOREQD_VIRTIO_NOTIFY_STRIDE;

    if (offset % IOREQD_VIRTIO_NOTIFY_STRIDE == 0 && size >= 2 && index < device->options.queues) {
        virtio_queue_ring_bell(virtio_queue_of(device, index));
    }
}

/* offset and size: 1, 2 or 4 bytes, aligned, inside the BAR. */
static uint32_t read_bar(struct ioreqd_virtio_device *device, uint32_t offset, unsigned size)
{
    uint32_t within = offset % IOREQD_VIRTIO_REGION_LENGTH;

    switch (offset - within) {
    case IOREQD_VIRTIO_COMMON:
        return within < IOREQD_VIRTIO_COMMON_LENGTH ? virtio_common_read(device, within, size) : 0;
    case IOREQD_VIRTIO_ISR:
        return within == 0 ? virtio_interrupt_read_isr(device) : 0;
    case IOREQD_VIRTIO_CONFIG:
        return virtio_config_read(device, within, size);
    default: /* doorbells */
        return 0;
    }
}

static void write_bar(struct ioreqd_virtio_device *device, uint32_t offset, unsigned size, uint32_t value)
{
    uint32_t within = offset % IOREQD_VIRTIO_REGION_LENGTH;

    switch (offset - within) {
    case IOREQD_VIRTIO_COMMON:
        if (within < IOREQD_VIRTIO_COMMON_LENGTH) {
            virtio_common_write(device, within, size, value);
        }
        break;
    case IOREQD_VIRTIO_CONFIG:
        if (virtio_device_pick(device, VIRTIO_INTERFACE_MODERN)) {
            virtio_config_write(device, within, size, value);
        }
        break;
    case IOREQD_VIRTIO_NOTIFY:
        write_notify(device, within, size);
        break;
    default: /* the ISR status is read-only */
        break;
    }
}

static bool is_access(unsigned bar, uint64_t offset, unsigned size)
{
    return bar == IOREQD_VIRTIO_BAR && (size == 1 || size == 2 || size == 4) && offset % size == 0 &&
           offset < IOREQD_VIRTIO_BAR_SIZE && size <= IOREQD_VIRTIO_BAR_SIZE - offset;
}

static bool is_legacy_access(const struct ioreqd_virtio_device *device, unsigned bar, unsigned size)
{
    return bar == IOREQD_VIRTIO_BAR_LEGACY && device->transitional && size <= 4;
}

uint64_t ioreqd_virtio_register_read(struct ioreqd_device *unused, void *state, unsigned bar, uint64_t offset,
                                     unsigned size)
{
    struct ioreqd_virtio_device *device = virtio_device_of(state);

    (void)unused;
    if (is_legacy_access(device, bar, size)) {
        return virtio_legacy_read(device, (uint32_t)offset, size);
    }
    return is_access(bar, offset, size) ? read_bar(device, (uint32_t)offset, size) : UINT64_MAX;
}

void ioreqd_virtio_register_write(struct ioreqd_device *unused, void *state, unsigned bar, uint64_t offset,
                                  unsigned size, uint64_t value)
{
    struct ioreqd_virtio_device *device = virtio_device_of(state);

    (void)unused;
    if (is_legacy_access(device, bar, size)) {
        virtio_legacy_write(device, (uint32_t)offset, size, (uint32_t)value);
    } else if (is_access(bar, offset, size)) {
        write_bar(device, (uint32_t)offset, size, (uint32_t)value);
    }
}

void ioreqd_virtio_bell(struct ioreqd_device *device, void *state, unsigned queue, uint32_t value)
{
    struct ioreqd_virtio_device *virtio = virtio_device_of(state);

    (void)device;
    if (queue < virtio->options.queues) {
        virtio_queue_bell(virtio_queue_of(virtio, queue), value);
    }
}

/* The access that the capability stands for now, or false when it is none that a driver may make. */
static bool find_access(const uint8_t *capability, uint32_t *offset, unsigned *size)
{
    *offset = get(capability + ACCESS_OFFSET, 4);
    *size = get(capability + ACCESS_LENGTH, 4);
    return is_access(capability[ACCESS_BAR], *offset, *size);
}

uint32_t ioreqd_virtio_config_read(struct ioreqd_device *unused, void *state, unsigned index, unsigned offset,
                                   unsigned size, uint32_t value)
{
    struct ioreqd_virtio_device *device = virtio_device_of(state);
    uint8_t *capability = device->registers->config_access;
    uint32_t bar_offset;
    unsigned length;

    (void)unused;
    (void)index; /* the only one that is trapped */
    if (offset < ACCESS_DATA || offset >= ACCESS_END || size > ACCESS_END - offset) {
        return value;
    }
    if (find_access(capability, &bar_offset, &length)) {
        put(capability + ACCESS_DATA, length, read_bar(device, bar_offset, length));
    } else {
        put(capability + ACCESS_DATA, 4, UINT32_MAX);
    }
    return get(capability + offset, size);
}

void ioreqd_virtio_config_write(struct ioreqd_device *unused, void *state, unsigned index, unsigned offset,
                                unsigned size, uint32_t value)
{
    struct ioreqd_virtio_device *device = virtio_device_of(state);
    uint8_t *capability = device->registers->config_access;
    uint32_t bar_offset;
    unsigned length;

    (void)unused;
    (void)index;
    if (offset >= ACCESS_END || size > ACCESS_END - offset) {
        return;
    }
    put(capability + offset, size, value);
    if (offset >= ACCESS_DATA && find_access(capability, &bar_offset, &length)) {
        write_bar(device, bar_offset, length, get(capability + ACCESS_DATA, length));
    }
}
