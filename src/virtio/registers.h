/* SPDX-License-Identifier: BSD-2-Clause */
/* Numbers of the virtio 1.4 specification that more than one file needs: status bits, vectors, interrupt causes. */
#ifndef IOREQD_VIRTIO_INTERNAL_REGISTERS_H
#define IOREQD_VIRTIO_INTERNAL_REGISTERS_H

/* Device status (virtio 1.4 §2.1). */
#define VIRTIO_STATUS_ACKNOWLEDGE 0x01u
#define VIRTIO_STATUS_DRIVER      0x02u
#define VIRTIO_STATUS_DRIVER_OK   0x04u
#define VIRTIO_STATUS_FEATURES_OK 0x08u
#define VIRTIO_STATUS_NEEDS_RESET 0x40u
#define VIRTIO_STATUS_FAILED      0x80u

/* ISR status (virtio 1.4 §4.1.4.5). */
#define VIRTIO_ISR_QUEUE  0x1u
#define VIRTIO_ISR_CONFIG 0x2u

/* Which interface the driver has picked: values of the register of that name. */
#define VIRTIO_INTERFACE_MODERN 1u
#define VIRTIO_INTERFACE_LEGACY 2u

/* No MSI-X vector is mapped to the event (virtio 1.4 §4.1.5.1.2). */
#define VIRTIO_NO_VECTOR 0xffffu

#endif
