/* SPDX-License-Identifier: BSD-2-Clause */
/* The common configuration structure (virtio 1.4 §4.1.4.3). Main loop. */
#ifndef IOREQD_VIRTIO_INTERNAL_COMMON_H
#define IOREQD_VIRTIO_INTERNAL_COMMON_H

#include "virtio/device.h"

/* Accesses of 1, 2 or 4 bytes at an offset of the structure; any but the register's own width has no effect. */
uint32_t virtio_common_read(struct ioreqd_virtio_device *device, uint32_t offset, unsigned size);
void virtio_common_write(struct ioreqd_virtio_device *device, uint32_t offset, unsigned size, uint32_t value);

#endif
