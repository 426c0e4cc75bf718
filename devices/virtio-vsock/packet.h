/* SPDX-License-Identifier: BSD-2-Clause */
/* The header of a packet (virtio 1.4 §5.10.6), as little-endian bytes and in the host's order. */
#ifndef VIRTIO_VSOCK_PACKET_H
#define VIRTIO_VSOCK_PACKET_H

#include <stdint.h>

#define PACKET_HEADER 44u /* bytes */

enum packet_operation {
    OP_REQUEST = 1,
    OP_RESPONSE = 2,
    OP_RST = 3,
    OP_SHUTDOWN = 4,
    OP_RW = 5,
    OP_CREDIT_UPDATE = 6,
    OP_CREDIT_REQUEST = 7
};

#define TYPE_STREAM 1

/* Flags of SHUTDOWN: what the sender will not do any more. */
#define SHUTDOWN_RECEIVE 0x1u
#define SHUTDOWN_SEND    0x2u
#define SHUTDOWN_BOTH    (SHUTDOWN_RECEIVE | SHUTDOWN_SEND)

struct packet {
    uint64_t src_cid;
    uint64_t dst_cid;
    uint32_t src_port;
    uint32_t dst_port;
    uint32_t length; /* of the payload */
    uint16_t type;
    uint16_t operation;
    uint32_t flags;
    uint32_t buf_alloc;
    uint32_t fwd_cnt;
};

void packet_decode(struct packet *packet, const uint8_t *bytes);
void packet_encode(const struct packet *packet, uint8_t *bytes);

#endif
