/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The legacy interface of a transitional device: registers in an I/O BAR, for drivers from before virtio 1.0 (virtio 1.4
 * §4.1.4.10). Main loop.
 */
#ifndef IOREQD_VIRTIO_INTERNAL_LEGACY_H
#define IOREQD_VIRTIO_INTERNAL_LEGACY_H

#include "virtio/device.h"

/*
 * Turns the description of a modern device into that of a transitional one. False when its type has no transitional
 * form.
 */
bool virtio_legacy_describe(struct ioreqd_description *description, uint32_t config_length);

/* Accesses of 1, 2 or 4 bytes, aligned. */
uint32_t virtio_legacy_read(struct ioreqd_virtio_device *device, uint32_t offset, unsigned size);
void virtio_legacy_write(struct ioreqd_virtio_device *device, uint32_t offset, unsigned size, uint32_t value);

#endif
