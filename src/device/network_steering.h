/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Steering of packets to queues by a Toeplitz hash (virtio 1.4 §5.1.9.4.2, §5.1.9.5.7), as data: what the program of a tap
 * looks at for each packet. It need not know of keys: for each place of a byte in what is hashed, and each value, a table
 * has what that adds to the hash; a byte of 0 adds nothing, so that shorter inputs end in zeros. Pure functions.
 */
#ifndef IOREQD_DEVICE_NETWORK_STEERING_H
#define IOREQD_DEVICE_NETWORK_STEERING_H

#include <stddef.h>
#include <stdint.h>

#include "ioreqd/device.h"

#define STEERING_INPUT 36 /* bytes that are hashed at most: two addresses of IPv6, two ports */

#define STEERING_HASH_TYPES                                                                                            \
    (IOREQD_NETWORK_HASH_IPV4 | IOREQD_NETWORK_HASH_TCPV4 | IOREQD_NETWORK_HASH_UDPV4 | IOREQD_NETWORK_HASH_IPV6 |     \
     IOREQD_NETWORK_HASH_TCPV6 | IOREQD_NETWORK_HASH_UDPV6)

/* In the order of the host's bytes; the offsets are in the program too. */
struct steering {
    uint32_t hash_types;
    uint16_t mask;
    uint16_t unclassified;
    uint16_t table[IOREQD_NETWORK_TABLE_MOST];
    uint32_t hash[STEERING_INPUT][256];
};

/* As it is asked for, which was checked. */
void steering_fill(struct steering *steering, const struct ioreqd_network_steering *wanted);

/* The hash of up to STEERING_INPUT bytes. */
uint32_t steering_hash(const struct steering *steering, const uint8_t *bytes, size_t length);

#endif
