/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A way to a network for a device: struct ioreqd_network of the device interface. Opened by the process that has the
 * right to, on the main thread, before the device is made; each queue pair is used on the loop of network_attach();
 * closed on the main thread when none of those loops runs any more.
 *
 * The network may go and come back at any time, and nothing that it does blocks, stops or busies a loop. As on a wire,
 * a packet may be lost.
 */
#ifndef IOREQD_DEVICE_NETWORK_H
#define IOREQD_DEVICE_NETWORK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ioreqd/device.h"

/*
 * Opens what a user wrote: tap:NAME, passt:PATH, unix:PATH or none, for which *network is NULL. With check, it is only
 * found out whether that would do, nothing is made or changed, and *network is NULL. 0, or -1 with errno set and
 * reason, of size bytes, saying for people what is wrong and what to do.
 */
int network_open(const char *value, bool check, struct ioreqd_network **network, char *reason, size_t size);
/* NULL is allowed. */
void network_close(struct ioreqd_network *network);

/* Where its packets go, as people wrote it. */
const char *network_place(const struct ioreqd_network *network);
/* Pulls the cable, or puts it back: with it pulled there is no link, whatever the network says. Main thread. */
void network_pull(struct ioreqd_network *network, bool pulled);

/* What went through a network, and what did not: packets, bytes without the header that the device puts before them. */
struct network_counts {
    uint64_t sent, bytes_sent; /* by the guest */
    uint64_t received, bytes_received;
    uint64_t without_link; /* sent, and lost as there is no link */
    uint64_t wrong_length; /* sent, and lost as no packet has so few or so many bytes */
    uint64_t refused;      /* sent, and lost as the host would not have them */
    uint64_t unfit;        /* for the guest, and lost as they do not fit what was agreed on with its driver */
    uint64_t errors;       /* of receiving */
};

/* Adds those of all pairs. Main thread. */
void network_add_counts(const struct ioreqd_network *network, struct network_counts *counts);

/* As network_watch(), network_want() and so on of struct ioreqd_host; the main loop is where links are watched. */
int network_attach(struct ioreqd_loop *main_loop, struct ioreqd_loop *loop, struct ioreqd_network *network,
                   unsigned pair, void (*ready)(void *argument, unsigned events), void *argument);
void network_facts(struct ioreqd_network *network, struct ioreqd_network_facts *facts);
void network_want(struct ioreqd_network *network, unsigned pair, unsigned events);
int network_read(struct ioreqd_network *network, unsigned pair, void *to, size_t length);
int network_write(struct ioreqd_network *network, unsigned pair, const struct iovec *iov, unsigned count);
int network_set_offloads(struct ioreqd_network *network, uint32_t offloads);
int network_set_queue_pairs(struct ioreqd_network *network, unsigned queue_pairs);
int network_set_steering(struct ioreqd_network *network, const struct ioreqd_network_steering *steering);
int network_link(struct ioreqd_network *network);

#endif
