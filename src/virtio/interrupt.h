/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Interrupts of a virtio device: MSI-X messages, or the ISR status with the INTx line (virtio 1.4 §4.1.4.5,
 * §4.1.5.3). Queue loops raise their own; the main loop reads and clears.
 */
#ifndef IOREQD_VIRTIO_INTERNAL_INTERRUPT_H
#define IOREQD_VIRTIO_INTERNAL_INTERRUPT_H

#include "virtio/device.h"

/* What the device has to use as vector when the driver asks for one: the same, or none where it does not exist. */
uint16_t virtio_interrupt_vector(const struct ioreqd_virtio_device *device, uint16_t vector);

/* Used buffer notification, with the queue's vector. [any] */
void virtio_interrupt_queue(struct ioreqd_virtio_device *device, uint16_t vector);

/* Configuration change notification. */
void virtio_interrupt_config(struct ioreqd_virtio_device *device);

/* What the ISR status register reads as; clears it and the line. */
uint8_t virtio_interrupt_read_isr(struct ioreqd_virtio_device *device);

/* At reset: no cause, line low. */
void virtio_interrupt_clear(struct ioreqd_virtio_device *device);

#endif
