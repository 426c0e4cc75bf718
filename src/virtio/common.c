/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The registers of the common configuration structure. What concerns a queue is open to the driver until the queue is
 * enabled; from then on writes change nothing but its vector, which may be mapped at any time (virtio 1.4 §4.1.5.1.2.1).
 */
#include "virtio/common.h"

#include "virtio/interrupt.h"
#include "virtio/queue.h"
#include "virtio/registers.h"
#include "virtio/status.h"

enum offset {
    DEVICE_FEATURE_SELECT = 0,
    DEVICE_FEATURE = 4,
    DRIVER_FEATURE_SELECT = 8,
    DRIVER_FEATURE = 12,
    CONFIG_MSIX_VECTOR = 16,
    NUM_QUEUES = 18,
    DEVICE_STATUS = 20,
    CONFIG_GENERATION = 21,
    QUEUE_SELECT = 22,
    QUEUE_SIZE = 24,
    QUEUE_MSIX_VECTOR = 26,
    QUEUE_ENABLE = 28,
    QUEUE_NOTIFY_OFF = 30,
    QUEUE_DESC = 32, /* each 64-bit register is two of 32 bits (virtio 1.4 §4.1.3.1) */
    QUEUE_DESC_HIGH = 36,
    QUEUE_DRIVER = 40,
    QUEUE_DRIVER_HIGH = 44,
    QUEUE_DEVICE = 48,
    QUEUE_DEVICE_HIGH = 52,
    QUEUE_NOTIF_CONFIG_DATA = 56,
    QUEUE_RESET = 58
};

static const uint8_t width[IOREQD_VIRTIO_COMMON_LENGTH] = {
    [DEVICE_FEATURE_SELECT] = 4, [DEVICE_FEATURE] = 4, [DRIVER_FEATURE_SELECT] = 4, [DRIVER_FEATURE] = 4,
    [CONFIG_MSIX_VECTOR] = 2,    [NUM_QUEUES] = 2,     [DEVICE_STATUS] = 1,         [CONFIG_GENERATION] = 1,
    [QUEUE_SELECT] = 2,          [QUEUE_SIZE] = 2,     [QUEUE_MSIX_VECTOR] = 2,     [QUEUE_ENABLE] = 2,
    [QUEUE_NOTIFY_OFF] = 2,      [QUEUE_DESC] = 4,     [QUEUE_DESC_HIGH] = 4,       [QUEUE_DRIVER] = 4,
    [QUEUE_DRIVER_HIGH] = 4,     [QUEUE_DEVICE] = 4,   [QUEUE_DEVICE_HIGH] = 4,     [QUEUE_NOTIF_CONFIG_DATA] = 2,
    [QUEUE_RESET] = 2,
};

/* Drivers must use the width of the register (virtio 1.4 §4.1.3.1). */
static bool is_register(struct ioreqd_virtio_device *device, uint32_t offset, unsigned size)
{
    if (offset < sizeof(width) && width[offset] == size) {
        return true;
    }
    device->host->guest_error(device->device, "access of %u bytes at %#x of the common configuration", size, offset);
    return false;
}

static uint32_t high(uint64_t value)
{
    return (uint32_t)(value >> 32);
}

static void set_low(uint64_t *address, uint32_t value)
{
    *address = (*address & ~UINT64_C(0xffffffff)) | value;
}

static void set_high(uint64_t *address, uint32_t value)
{
    *address = (*address & UINT64_C(0xffffffff)) | (uint64_t)value << 32;
}

static uint32_t read_queue(const struct ioreqd_virtio_registers *registers, uint32_t offset, unsigned index)
{
    switch (offset) {
    case QUEUE_SIZE:
        return registers->queue_size[index];
    case QUEUE_MSIX_VECTOR:
        return registers->queue_vector[index];
    case QUEUE_ENABLE:
        return registers->queue_enable[index];
    case QUEUE_NOTIFY_OFF:
        return index;
    case QUEUE_DESC:
        return (uint32_t)registers->queue_descriptor[index];
    case QUEUE_DESC_HIGH:
        return high(registers->queue_descriptor[index]);
    case QUEUE_DRIVER:
        return (uint32_t)registers->queue_driver[index];
    case QUEUE_DRIVER_HIGH:
        return high(registers->queue_driver[index]);
    case QUEUE_DEVICE:
        return (uint32_t)registers->queue_device[index];
    case QUEUE_DEVICE_HIGH:
        return high(registers->queue_device[index]);
    case QUEUE_RESET:
        return registers->queue_reset[index];
    default: /* queue_notif_config_data belongs to a feature that is not offered */
        return 0;
    }
}

uint32_t virtio_common_read(struct ioreqd_virtio_device *device, uint32_t offset, unsigned size)
{
    const struct ioreqd_virtio_registers *registers = device->registers;

    if (!is_register(device, offset, size)) {
        return 0;
    }
    switch (offset) {
    case DEVICE_FEATURE_SELECT:
        return registers->device_feature_select;
    case DEVICE_FEATURE:
        return registers->device_feature_select < 4 ? device->offered[registers->device_feature_select] : 0;
    case DRIVER_FEATURE_SELECT:
        return registers->driver_feature_select;
    case DRIVER_FEATURE:
        return registers->driver_feature_select < 4 ? registers->driver_feature[registers->driver_feature_select] : 0;
    case CONFIG_MSIX_VECTOR:
        return registers->config_vector;
    case NUM_QUEUES:
        return device->options.queues;
    case DEVICE_STATUS:
        return registers->status;
    case CONFIG_GENERATION:
        return registers->config_generation;
    case QUEUE_SELECT:
        return registers->queue_select;
    default:
        if (registers->queue_select < device->options.queues) {
            return read_queue(registers, offset, registers->queue_select);
        }
        return offset == QUEUE_MSIX_VECTOR ? VIRTIO_NO_VECTOR : 0; /* queue_size 0: not available */
    }
}

static void write_size(struct ioreqd_virtio_device *device, unsigned index, uint16_t size)
{
    bool packed = virtio_device_negotiated(device, IOREQD_VIRTIO_F_RING_PACKED);

    /* (virtio 1.4 §4.1.4.3.2) */
    if (size == 0 || (!packed && (size & (size - 1)) != 0) || size > device->options.queue_size) {
        device->host->guest_error(device->device, "queue %u: size %u is not %s up to %u", index, size,
                                  packed ? "a number" : "a power of 2", device->options.queue_size);
        return;
    }
    device->registers->queue_size[index] = size;
}

/*
 * Nothing that the ring depends on is open any more once this succeeds, nor when the ring is only out of reach: it is
 * looked at again when the guest has bus mastering on.
 */
static void enable(struct ioreqd_virtio_device *device, unsigned index)
{
    if ((device->registers->status & VIRTIO_STATUS_FEATURES_OK) == 0) {
        device->host->guest_error(device->device, "queue %u enabled before FEATURES_OK: ignored", index);
    } else if (virtio_queue_enable(virtio_queue_of(device, index)) || !atomic_load(&device->broken)) {
        device->registers->queue_enable[index] = 1;
        virtio_device_start_queue(device, index);
    }
}

static void write_queue(struct ioreqd_virtio_device *device, uint32_t offset, unsigned index, uint32_t value)
{
    struct ioreqd_virtio_registers *registers = device->registers;

    if (registers->queue_enable[index] != 0) {
        if (offset == QUEUE_RESET && value == 1 && registers->queue_reset[index] == 0 &&
            virtio_device_negotiated(device, IOREQD_VIRTIO_F_RING_RESET)) {
            virtio_device_reset_queue(device, index);
        } else if (offset == QUEUE_MSIX_VECTOR) {
            virtio_device_set_queue_vector(device, index, (uint16_t)value);
        }
        return;
    }
    switch (offset) {
    case QUEUE_SIZE:
        write_size(device, index, (uint16_t)value);
        break;
    case QUEUE_MSIX_VECTOR:
        virtio_device_set_queue_vector(device, index, (uint16_t)value);
        break;
    case QUEUE_ENABLE:
        if (value == 1) { /* a driver must not write 0 (virtio 1.4 §4.1.4.3.2) */
            enable(device, index);
        }
        break;
    case QUEUE_DESC:
        set_low(&registers->queue_descriptor[index], value);
        break;
    case QUEUE_DESC_HIGH:
        set_high(&registers->queue_descriptor[index], value);
        break;
    case QUEUE_DRIVER:
        set_low(&registers->queue_driver[index], value);
        break;
    case QUEUE_DRIVER_HIGH:
        set_high(&registers->queue_driver[index], value);
        break;
    case QUEUE_DEVICE:
        set_low(&registers->queue_device[index], value);
        break;
    case QUEUE_DEVICE_HIGH:
        set_high(&registers->queue_device[index], value);
        break;
    default: /* read-only */
        break;
    }
}

void virtio_common_write(struct ioreqd_virtio_device *device, uint32_t offset, unsigned size, uint32_t value)
{
    struct ioreqd_virtio_registers *registers = device->registers;

    if (!is_register(device, offset, size)) {
        return;
    }
    if (offset == DEVICE_STATUS && (uint8_t)value == 0) {
        virtio_device_reset(device);
        return;
    }
    if (!virtio_device_pick(device, VIRTIO_INTERFACE_MODERN)) {
        return;
    }
    switch (offset) {
    case DEVICE_STATUS:
        virtio_status_write(device, (uint8_t)value);
        break;
    case DEVICE_FEATURE_SELECT:
        registers->device_feature_select = value;
        break;
    case DRIVER_FEATURE_SELECT:
        registers->driver_feature_select = value;
        break;
    case DRIVER_FEATURE:
        /* Settled by FEATURES_OK (virtio 1.4 §3.1.1). */
        if (registers->driver_feature_select < 4 && (registers->status & VIRTIO_STATUS_FEATURES_OK) == 0) {
            registers->driver_feature[registers->driver_feature_select] = value;
        }
        break;
    case CONFIG_MSIX_VECTOR:
        registers->config_vector = virtio_interrupt_vector(device, (uint16_t)value);
        break;
    case QUEUE_SELECT:
        registers->queue_select = (uint16_t)value;
        break;
    default:
        if (registers->queue_select < device->options.queues) {
            write_queue(device, offset, registers->queue_select, value);
        }
        break;
    }
}
