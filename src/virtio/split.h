/* SPDX-License-Identifier: BSD-2-Clause */
/* The descriptor of a split virtqueue, in guest byte order (virtio 1.4 §2.7.5): little-endian. */
#ifndef IOREQD_VIRTIO_INTERNAL_SPLIT_H
#define IOREQD_VIRTIO_INTERNAL_SPLIT_H

#include <stdint.h>

struct virtio_descriptor {
    uint64_t address;
    uint32_t length;
    uint16_t flags;
    uint16_t next;
};

_Static_assert(sizeof(struct virtio_descriptor) == 16, "a descriptor has 16 bytes");

#endif
