/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A network, and time, for the fake host: packets for the device wait until it reads them, packets from it are kept, and
 * what it asks to hear of is told when the test says so. One thread; owned by the test.
 */
#ifndef TESTS_VIRTIO_FAKE_NETWORK_H
#define TESTS_VIRTIO_FAKE_NETWORK_H

#include "tests/virtio/fake_host.h"

#define FAKE_PAIRS   8
#define FAKE_PACKETS 512
#define FAKE_TIMERS  32

struct fake_packet {
    uint8_t *bytes; /* with the header */
    int length;     /* or the error that reading it gives */
};

struct fake_packets {
    struct fake_packet packet[FAKE_PACKETS];
    unsigned count;
    unsigned done; /* of those, read by the device */
};

struct fake_network_pair {
    struct ioreqd_loop *loop; /* NULL: not watched */
    void (*ready)(void *argument, unsigned events);
    void *argument;
    unsigned wanted;
    unsigned wants; /* calls of network_want() */
    unsigned reads, writes;
    unsigned room; /* packets that it takes; UINT_MAX: any */
    struct fake_packets in, out;
};

struct ioreqd_network {
    struct ioreqd_network_facts facts;
    bool link;
    uint32_t offloads;
    unsigned queue_pairs;
    struct ioreqd_network_steering steering; /* 0 entries: as the network likes */
    uint16_t table[IOREQD_NETWORK_TABLE_MOST];
    uint8_t key[IOREQD_NETWORK_KEY_MOST];
    int refuse;      /* what setting them gives */
    int write_error; /* what writing gives, if not 0 */
    struct fake_network_pair pair[FAKE_PAIRS];
};

/* fake_host with networks, timers and events. Loops: each pair of queues has one. */
void fake_network_host(struct ioreqd_host *host);

struct ioreqd_network *fake_network_create(void);
void fake_network_destroy(struct ioreqd_network *network);

/* A packet for the device; header may be NULL for one that asks for nothing. */
void fake_network_deliver(struct ioreqd_network *network, unsigned pair, const uint8_t header[12], const void *packet,
                          unsigned length);
/* Reading gives an error next. */
void fake_network_deliver_error(struct ioreqd_network *network, unsigned pair, int error);

/* Tells the device what it wants to hear of, and lets it run, until there is nothing to tell. Never ends: a test fails. */
void fake_network_run(struct ioreqd_network *network, struct fake *fake);
void fake_network_set_link(struct ioreqd_network *network, struct fake *fake, bool link);

/* Time goes on, and timers fire. */
void fake_time_pass(struct fake *fake, uint64_t nanoseconds);
unsigned fake_timers(void);

#endif
