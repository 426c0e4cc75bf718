/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The legacy interface, see legacy.h. Legacy drivers never say that they are done with the features or with a queue, and
 * may use a queue before DRIVER_OK. So a queue that has an address is only remembered; with its first notification, or
 * DRIVER_OK, it is checked, frozen and started, and the features are settled (virtio 1.4 §3.1.2).
 */
#include "virtio/legacy.h"

#include "virtio/config.h"
#include "virtio/features.h"
#include "virtio/interrupt.h"
#include "virtio/queue.h"
#include "virtio/registers.h"
#include "virtio/status.h"

#define QUEUE_ALIGN 4096u /* of a queue, and of its used ring (virtio 1.4 §2.7.2, §4.1.5.1.3.1) */

#define BAR_SIZE_MIN 32u
#define BAR_SIZE_MAX 256u

enum offset {
    DEVICE_FEATURES = 0,
    DRIVER_FEATURES = 4,
    QUEUE_ADDRESS = 8, /* in units of QUEUE_ALIGN */
    QUEUE_SIZE = 12,
    QUEUE_SELECT = 14,
    QUEUE_NOTIFY = 16,
    DEVICE_STATUS = 18,
    ISR_STATUS = 19,
    CONFIG_MSIX_VECTOR = 20, /* these two are there while MSI-X is enabled */
    QUEUE_MSIX_VECTOR = 22,
    HEADER_END = 24
};

static const uint8_t width[HEADER_END] = {
    [DEVICE_FEATURES] = 4,    [DRIVER_FEATURES] = 4,   [QUEUE_ADDRESS] = 4, [QUEUE_SIZE] = 2,
    [QUEUE_SELECT] = 2,       [QUEUE_NOTIFY] = 2,      [DEVICE_STATUS] = 1, [ISR_STATUS] = 1,
    [CONFIG_MSIX_VECTOR] = 2, [QUEUE_MSIX_VECTOR] = 2,
};

/* (virtio 1.4 §4.1.2.1) */
static const struct {
    uint16_t type;
    uint16_t id;
} transitional[] = {
    {1, 0x1000}, {2, 0x1001}, {5, 0x1002}, {3, 0x1003}, {8, 0x1004}, {4, 0x1005}, {9, 0x1009},
};

bool virtio_legacy_describe(struct ioreqd_description *description, uint32_t config_length)
{
    uint16_t type = (uint16_t)(description->device - 0x1040);
    uint64_t size = BAR_SIZE_MIN;

    for (size_t i = 0; i < sizeof(transitional) / sizeof(transitional[0]); i++) {
        if (transitional[i].type != type) {
            continue;
        }
        while (size < BAR_SIZE_MAX && size < HEADER_END + (uint64_t)config_length) {
            size *= 2;
        }
        description->device = transitional[i].id;
        description->subsystem = type;
        description->revision = 0;
        description->bar[IOREQD_VIRTIO_BAR_LEGACY] =
            (struct ioreqd_bar){.kind = IOREQD_BAR_IO, .min_access = 1, .max_access = 4, .size = size};
        return true;
    }
    return false;
}

/* The device configuration follows the header, which grows and shrinks with MSI-X (§4.1.4.10). */
static uint32_t header_end(const struct ioreqd_virtio_device *device)
{
    return device->host->msix_enabled(device->device) ? HEADER_END : CONFIG_MSIX_VECTOR;
}

static bool is_register(struct ioreqd_virtio_device *device, uint32_t offset, unsigned size)
{
    if (width[offset] == size) {
        return true;
    }
    device->host->guest_error(device->device, "access of %u bytes at %#x of the legacy registers", size, offset);
    return false;
}

/* Once anything is used nothing that it depends on may move. */
static bool in_use(struct ioreqd_virtio_device *device)
{
    for (unsigned i = 0; i < device->options.queues; i++) {
        if (!virtio_queue_configurable(virtio_queue_of(device, i))) {
            return true;
        }
    }
    return (device->registers->status & VIRTIO_STATUS_DRIVER_OK) != 0;
}

static void accept(struct ioreqd_virtio_device *device, uint32_t features)
{
    if (!in_use(device)) {
        virtio_features_accept_legacy(device, features);
    } else if (features != device->registers->driver_feature[0]) {
        device->host->guest_error(device->device, "legacy driver changes its features to %#x while it uses the device",
                                  features);
    }
}

/* ------------------------------------------------------------------------------------------------------------------
 * Queues
 */

/* The three areas lie one after the other (§2.7.2). */
static void set_address(struct ioreqd_virtio_device *device, unsigned index, uint32_t page)
{
    struct ioreqd_virtio_registers *registers = device->registers;
    uint64_t descriptors = (uint64_t)page * QUEUE_ALIGN;
    uint64_t available = descriptors + registers->queue_size[index] * UINT64_C(16);
    uint64_t end = available + (registers->queue_size[index] + UINT64_C(3)) * 2;

    if (page == 0) {
        if (registers->queue_enable[index] != 0 && registers->queue_reset[index] == 0) {
            virtio_device_reset_queue(device, index);
        }
        return;
    }
    if (registers->queue_enable[index] != 0) {
        device->host->guest_error(device->device, "queue %u has an address already: page %#x is ignored", index, page);
        return;
    }
    registers->queue_descriptor[index] = descriptors;
    registers->queue_driver[index] = available;
    registers->queue_device[index] = (end + QUEUE_ALIGN - 1) / QUEUE_ALIGN * QUEUE_ALIGN;
    registers->queue_enable[index] = 1;
    if ((registers->status & VIRTIO_STATUS_DRIVER_OK) != 0) {
        virtio_device_start_queue(device, index);
    }
}

static void notify(struct ioreqd_virtio_device *device, uint32_t index)
{
    if (index < device->options.queues) {
        virtio_device_start_queue(device, index);
        virtio_queue_ring_bell(virtio_queue_of(device, index));
    }
}

/* ------------------------------------------------------------------------------------------------------------------
 * Accesses
 */

static uint32_t read_queue(const struct ioreqd_virtio_registers *registers, uint32_t offset, unsigned index)
{
    switch (offset) {
    case QUEUE_ADDRESS:
        return (uint32_t)(registers->queue_descriptor[index] / QUEUE_ALIGN);
    case QUEUE_SIZE:
        return registers->queue_size[index];
    default:
        return registers->queue_vector[index];
    }
}

static uint32_t read_header(struct ioreqd_virtio_device *device, uint32_t offset)
{
    const struct ioreqd_virtio_registers *registers = device->registers;

    switch (offset) {
    case DEVICE_FEATURES:
        return device->legacy_offered;
    case DRIVER_FEATURES:
        return registers->driver_feature[0];
    case QUEUE_SELECT:
        return registers->queue_select;
    case DEVICE_STATUS:
        return registers->status;
    case ISR_STATUS:
        return virtio_interrupt_read_isr(device);
    case CONFIG_MSIX_VECTOR:
        return registers->config_vector;
    case QUEUE_NOTIFY:
        return 0;
    default:
        if (registers->queue_select < device->options.queues) {
            return read_queue(registers, offset, registers->queue_select);
        }
        return offset == QUEUE_MSIX_VECTOR ? VIRTIO_NO_VECTOR : 0;
    }
}

uint32_t virtio_legacy_read(struct ioreqd_virtio_device *device, uint32_t offset, unsigned size)
{
    uint32_t end = header_end(device);

    if (offset >= end) {
        return virtio_config_read_legacy(device, offset - end, size);
    }
    return is_register(device, offset, size) ? read_header(device, offset) : 0;
}

static void write_queue(struct ioreqd_virtio_device *device, uint32_t offset, unsigned index, uint32_t value)
{
    if (offset == QUEUE_ADDRESS) {
        set_address(device, index, value);
    } else if (offset == QUEUE_MSIX_VECTOR) {
        virtio_device_set_queue_vector(device, index, (uint16_t)value);
    }
}

static void write_header(struct ioreqd_virtio_device *device, uint32_t offset, uint32_t value)
{
    struct ioreqd_virtio_registers *registers = device->registers;

    switch (offset) {
    case DRIVER_FEATURES:
        accept(device, value);
        break;
    case QUEUE_SELECT:
        registers->queue_select = (uint16_t)value;
        break;
    case QUEUE_NOTIFY:
        notify(device, value);
        break;
    case DEVICE_STATUS:
        virtio_status_write(device, (uint8_t)value);
        break;
    case CONFIG_MSIX_VECTOR:
        registers->config_vector = virtio_interrupt_vector(device, (uint16_t)value);
        break;
    default:
        if (registers->queue_select < device->options.queues) {
            write_queue(device, offset, registers->queue_select, value);
        }
        break;
    }
}

void virtio_legacy_write(struct ioreqd_virtio_device *device, uint32_t offset, unsigned size, uint32_t value)
{
    uint32_t end = header_end(device);

    if (offset < end && !is_register(device, offset, size)) {
        return;
    }
    if (offset == DEVICE_STATUS && (uint8_t)value == 0) {
        virtio_device_reset(device);
    } else if (!virtio_device_pick(device, VIRTIO_INTERFACE_LEGACY)) {
        return;
    } else if (offset >= end) {
        virtio_config_write(device, offset - end, size, value);
    } else {
        write_header(device, offset, value);
    }
}
