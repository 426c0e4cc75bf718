/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The header before each packet (virtio 1.4 §5.1.9): what it asks of the receiver is held against what was agreed on and
 * the packet's length, and nothing else of it goes on. Pure functions on private copies.
 */
#ifndef IOREQD_DEVICES_VIRTIO_NET_HEADER_H
#define IOREQD_DEVICES_VIRTIO_NET_HEADER_H

#include <stdbool.h>
#include <stdint.h>

#define NET_HEADER_LEGACY 10u /* without num_buffers */
#define NET_HEADER_FULL   12u

/*
 * Makes the header of a packet of length bytes from the guest, or from the network, fit for the other; offloads as in
 * IOREQD_NETWORK_.... NULL, or what is wrong with it: the packet cannot go on.
 */
const char *net_header_from_guest(uint8_t header[NET_HEADER_FULL], uint32_t length, uint32_t offloads);
const char *net_header_to_guest(uint8_t header[NET_HEADER_FULL], uint32_t length, uint32_t offloads);

/* Whether the packet is to be cut into several. */
bool net_header_segments(const uint8_t header[NET_HEADER_FULL]);

void net_header_set_buffers(uint8_t header[NET_HEADER_FULL], uint16_t buffers);

#endif
