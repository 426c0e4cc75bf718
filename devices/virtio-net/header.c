/* SPDX-License-Identifier: BSD-2-Clause */
/* The header before each packet, see header.h. */
#include "header.h"

#include <ioreqd/device.h>
#include <stddef.h>
#include <string.h>

enum offset { FLAGS = 0, GSO_TYPE = 1, HDR_LEN = 2, GSO_SIZE = 4, CSUM_START = 6, CSUM_OFFSET = 8, NUM_BUFFERS = 10 };

#define NEEDS_CSUM 1u
#define DATA_VALID 2u

enum gso { GSO_NONE = 0, GSO_TCPV4 = 1, GSO_UDP = 3, GSO_TCPV6 = 4, GSO_UDP_L4 = 5, GSO_ECN = 0x80 };

static uint32_t get16(const uint8_t *bytes)
{
    return bytes[0] | (uint32_t)bytes[1] << 8;
}

static void put16(uint8_t *bytes, uint32_t value)
{
    bytes[0] = (uint8_t)value;
    bytes[1] = (uint8_t)(value >> 8);
}

/* The offload that a type stands for; 0: it is not known. */
static uint32_t offload_of(unsigned type)
{
    switch (type) {
    case GSO_TCPV4:
        return IOREQD_NETWORK_TSO4;
    case GSO_TCPV6:
        return IOREQD_NETWORK_TSO6;
    case GSO_UDP:
        return IOREQD_NETWORK_UFO;
    case GSO_UDP_L4:
        return IOREQD_NETWORK_USO;
    default:
        return 0;
    }
}

static const char *check_segments(const uint8_t *header, uint32_t offloads)
{
    unsigned type = header[GSO_TYPE] & ~(unsigned)GSO_ECN;
    bool ecn = (header[GSO_TYPE] & GSO_ECN) != 0;

    if ((offload_of(type) & offloads) == 0) {
        return "segmentation that was not agreed on";
    }
    if (ecn && ((offloads & IOREQD_NETWORK_ECN) == 0 || (type != GSO_TCPV4 && type != GSO_TCPV6))) {
        return "segmentation with ECN that was not agreed on";
    }
    if ((header[FLAGS] & NEEDS_CSUM) == 0) {
        return "segmentation without a checksum to fill in";
    }
    return get16(header + GSO_SIZE) == 0 ? "segments of no bytes" : NULL;
}

static const char *check(uint8_t *header, uint32_t length, uint32_t offloads, unsigned flags)
{
    const char *wrong = NULL;

    header[FLAGS] &= (uint8_t)flags; /* others are ignored (virtio 1.4 §5.1.9.2.2) */
    if ((header[FLAGS] & NEEDS_CSUM) != 0) {
        if ((offloads & IOREQD_NETWORK_CHECKSUM) == 0) {
            return "a checksum to fill in, which was not agreed on";
        }
        if (get16(header + CSUM_START) + get16(header + CSUM_OFFSET) + 2 > length) {
            return "a checksum beyond the end of the packet";
        }
    } else {
        memset(header + CSUM_START, 0, 4);
    }
    if (!net_header_segments(header)) {
        memset(header + GSO_TYPE, 0, CSUM_START - GSO_TYPE);
    } else {
        wrong = check_segments(header, offloads);
        if (get16(header + HDR_LEN) > length) {
            put16(header + HDR_LEN, length); /* a hint, which is not relied on */
        }
    }
    return wrong;
}

const char *net_header_from_guest(uint8_t header[NET_HEADER_FULL], uint32_t length, uint32_t offloads)
{
    net_header_set_buffers(header, 0);
    return check(header, length, offloads, NEEDS_CSUM);
}

const char *net_header_to_guest(uint8_t header[NET_HEADER_FULL], uint32_t length, uint32_t offloads)
{
    bool checksums = (offloads & IOREQD_NETWORK_CHECKSUM) != 0;

    net_header_set_buffers(header, 1);
    return check(header, length, offloads, checksums ? NEEDS_CSUM | DATA_VALID : NEEDS_CSUM);
}

bool net_header_segments(const uint8_t header[NET_HEADER_FULL])
{
    return (header[GSO_TYPE] & ~(unsigned)GSO_ECN) != GSO_NONE;
}

void net_header_set_buffers(uint8_t header[NET_HEADER_FULL], uint16_t buffers)
{
    put16(header + NUM_BUFFERS, buffers);
}
