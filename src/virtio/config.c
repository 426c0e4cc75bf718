/* SPDX-License-Identifier: BSD-2-Clause */
/* The device configuration, see config.h and ioreqd_virtio_config_changed(). Main loop. */
#include "virtio/config.h"

#include "virtio/interrupt.h"
#include "virtio/registers.h"

uint32_t virtio_config_read_legacy(const struct ioreqd_virtio_device *device, uint32_t offset, unsigned size)
{
    uint32_t value = 0;

    for (unsigned i = 0; i < size && offset + i < device->options.config_length; i++) {
        value |= (uint32_t)device->options.config[offset + i] << (8 * i);
    }
    return value;
}

/*
 * The generation moves when the driver reads after a change, and not at the change: eight bits would wrap under a
 * driver that reads slowly (virtio 1.4 §4.1.4.3.1).
 */
uint32_t virtio_config_read(struct ioreqd_virtio_device *device, uint32_t offset, unsigned size)
{
    struct ioreqd_virtio_registers *registers = device->registers;

    if (registers->config_changed != 0) {
        registers->config_changed = 0;
        registers->config_generation++;
    }
    return virtio_config_read_legacy(device, offset, size);
}

void virtio_config_write(struct ioreqd_virtio_device *device, uint32_t offset, unsigned size, uint32_t value)
{
    const struct ioreqd_virtio_options *options = &device->options;

    if (options->config_write != NULL && offset < options->config_length && size <= options->config_length - offset) {
        options->config_write(device->device, device->state, offset, size, value);
    }
}

void ioreqd_virtio_config_changed(struct ioreqd_virtio *virtio)
{
    struct ioreqd_virtio_device *device = virtio->device;

    if (device->at_rest) {
        device->config_waits = true; /* resume() tells */
        return;
    }
    device->registers->config_changed = 1;
    if ((device->registers->status & VIRTIO_STATUS_DRIVER_OK) != 0) {
        virtio_interrupt_config(device);
    }
}
