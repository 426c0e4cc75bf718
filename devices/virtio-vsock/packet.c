/* SPDX-License-Identifier: BSD-2-Clause */
/* Headers of packets, see packet.h. */
#include "packet.h"

/* Where the members stand. */
enum place {
    SRC_CID = 0,
    DST_CID = 8,
    SRC_PORT = 16,
    DST_PORT = 20,
    LENGTH = 24,
    TYPE = 28,
    OPERATION = 30,
    FLAGS = 32,
    BUF_ALLOC = 36,
    FWD_CNT = 40
};

static uint64_t get(const uint8_t *bytes, unsigned size)
{
    uint64_t value = 0;

    for (unsigned i = size; i-- > 0;) {
        value = value << 8 | bytes[i];
    }
    return value;
}

static void put(uint8_t *bytes, unsigned size, uint64_t value)
{
    for (unsigned i = 0; i < size; i++) {
        bytes[i] = (uint8_t)(value >> (8 * i));
    }
}

void packet_decode(struct packet *packet, const uint8_t *bytes)
{
    *packet = (struct packet){
        .src_cid = get(bytes + SRC_CID, 8),
        .dst_cid = get(bytes + DST_CID, 8),
        .src_port = (uint32_t)get(bytes + SRC_PORT, 4),
        .dst_port = (uint32_t)get(bytes + DST_PORT, 4),
        .length = (uint32_t)get(bytes + LENGTH, 4),
        .type = (uint16_t)get(bytes + TYPE, 2),
        .operation = (uint16_t)get(bytes + OPERATION, 2),
        .flags = (uint32_t)get(bytes + FLAGS, 4),
        .buf_alloc = (uint32_t)get(bytes + BUF_ALLOC, 4),
        .fwd_cnt = (uint32_t)get(bytes + FWD_CNT, 4),
    };
}

void packet_encode(const struct packet *packet, uint8_t *bytes)
{
    put(bytes + SRC_CID, 8, packet->src_cid);
    put(bytes + DST_CID, 8, packet->dst_cid);
    put(bytes + SRC_PORT, 4, packet->src_port);
    put(bytes + DST_PORT, 4, packet->dst_port);
    put(bytes + LENGTH, 4, packet->length);
    put(bytes + TYPE, 2, packet->type);
    put(bytes + OPERATION, 2, packet->operation);
    put(bytes + FLAGS, 4, packet->flags);
    put(bytes + BUF_ALLOC, 4, packet->buf_alloc);
    put(bytes + FWD_CNT, 4, packet->fwd_cnt);
}
