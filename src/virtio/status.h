/* SPDX-License-Identifier: BSD-2-Clause */
/* The device status register (virtio 1.4 §2.1, §3.1). Main loop. */
#ifndef IOREQD_VIRTIO_INTERNAL_STATUS_H
#define IOREQD_VIRTIO_INTERNAL_STATUS_H

#include "virtio/device.h"

/* The driver wrote value, which is not 0: that is virtio_device_reset(). */
void virtio_status_write(struct ioreqd_virtio_device *device, uint8_t value);

#endif
