/* SPDX-License-Identifier: BSD-2-Clause */
/* The device configuration: the model's bytes as a driver reads and writes them (virtio 1.4 §2.5). Main loop. */
#ifndef IOREQD_VIRTIO_INTERNAL_CONFIG_H
#define IOREQD_VIRTIO_INTERNAL_CONFIG_H

#include "virtio/device.h"

/* 1, 2 or 4 bytes; those beyond the end read as 0. By the modern interface, which shows a generation of them. */
uint32_t virtio_config_read(struct ioreqd_virtio_device *device, uint32_t offset, unsigned size);

/* The same by the legacy interface, which shows none. */
uint32_t virtio_config_read_legacy(const struct ioreqd_virtio_device *device, uint32_t offset, unsigned size);

/* Hands a write that lies inside to the model. */
void virtio_config_write(struct ioreqd_virtio_device *device, uint32_t offset, unsigned size, uint32_t value);

#endif
