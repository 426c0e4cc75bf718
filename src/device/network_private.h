/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * struct ioreqd_network, as network.c and the kinds of networks see it. What all kinds share is in network.c: the
 * wishes of the device for each queue pair, and telling it. A kind moves packets and knows when there is a link.
 *
 * Threads: a pair and what its kind keeps for it belong to the pair's loop once that runs; what is the network's own
 * belongs to the main thread. link alone is for all.
 */
#ifndef IOREQD_DEVICE_NETWORK_PRIVATE_H
#define IOREQD_DEVICE_NETWORK_PRIVATE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "device/network.h"
#include "device/tally.h"
#include "device/timer.h"
#include "device/watch.h"

#define NETWORK_PAIRS 256 /* as many queues as Linux gives a tap */

#define NETWORK_SHORTEST 14 /* bytes of a packet: Ethernet's header */

/* As struct network_counts, of one pair: on its loop. */
struct network_tally {
    tally sent, bytes_sent;
    tally received, bytes_received;
    tally without_link, wrong_length, refused;
    tally unfit, errors;
};

struct network_pair {
    struct ioreqd_network *network;
    unsigned index;
    struct ioreqd_loop *loop;
    void (*ready)(void *argument, unsigned events);
    void *argument;
    unsigned asked;  /* by the device */
    unsigned wanted; /* of the kind: as asked, or nothing while the cable is pulled */
    struct ioreqd_work follow_pull;
    struct ioreqd_timer *notice;
    bool noticed;   /* the timer is set */
    bool link_news; /* to be told with it */
    bool calling;   /* ready() is running */
    void *own;      /* the kind's */
    struct network_tally tally;
};

struct network_kind {
    const char *name; /* what stands before the colon */
    const char *form; /* how it is written */
    /* As network_open(), with what stands behind the colon; sets own and facts unless it only checks. */
    int (*open)(struct ioreqd_network *network, const char *argument, bool check, char *reason, size_t size);
    /* Before the first pair: waits on the main loop for news of the link. 0 or -errno. NULL: nothing is to be done. */
    int (*start)(struct ioreqd_network *network);
    /* Sets the pair's own, while no loop runs. 0 or -errno. */
    int (*attach)(struct network_pair *pair);
    void (*detach)(struct network_pair *pair);
    /* The device wants other events: the pair's descriptor is waited for accordingly. */
    void (*wait)(struct network_pair *pair);
    /* Of IOREQD_READABLE and IOREQD_WRITABLE, what no descriptor would tell of: packets at hand, or no link. */
    unsigned (*at_hand)(struct network_pair *pair);
    /*
     * As network_read() and network_write(), but that other errors than -EAGAIN tell what became of a packet that is
     * lost: -EMSGSIZE one for the guest that does not fit, -ENOTCONN one for which there is nobody; else it, or the try
     * to get one, was refused. length: of all pieces.
     */
    int (*read)(struct network_pair *pair, void *to, size_t length);
    int (*write)(struct network_pair *pair, const struct iovec *iov, unsigned count, size_t length);
    /* What the facts allow. NULL: they allow nothing to be set. */
    int (*set_offloads)(struct ioreqd_network *network, uint32_t offloads);
    int (*set_queue_pairs)(struct ioreqd_network *network, unsigned queue_pairs);
    /* As network_set_steering(), checked. NULL: the facts have no hash types. */
    int (*set_steering)(struct ioreqd_network *network, const struct ioreqd_network_steering *steering);
    /* Frees own; the pairs are detached. */
    void (*close)(struct ioreqd_network *network);
};

struct ioreqd_network {
    const struct network_kind *kind;
    void *own; /* the kind's */
    char *place;
    struct ioreqd_network_facts facts;
    atomic_bool link;              /* the network's own: see network_link() */
    atomic_bool pulled;            /* see network_pull() */
    struct ioreqd_loop *main_loop; /* NULL: no pair is attached */
    struct network_pair *pair[NETWORK_PAIRS];
};

extern const struct network_kind network_tap, network_passt, network_unix;

/* Sets the reason and errno; returns -1. */
int network_refuse(char *reason, size_t size, int error, const char *format, ...) __attribute__((format(printf, 4, 5)));

/* On the pair's loop, from a callback of the kind's own: tells the device what it wants to hear of events. */
void network_tell(struct network_pair *pair, unsigned events);
/* The same in the next turn of the loop: the device may be calling. IOREQD_CONNECTED, or 0 to see what is at hand. */
void network_notice(struct network_pair *pair, unsigned events);

#endif
