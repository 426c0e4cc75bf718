/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Networks through a Linux tap interface, as the parts of network_tap see them.
 *
 * Each queue pair is a descriptor of /dev/net/tun that a queue of the interface is attached to. The main thread opens
 * them and knows them as `known`; a pair's loop moves packets with `descriptor`, which is the same but for the moment
 * between an interface that goes or comes back and the pair's next turn: the main thread leaves the new one in `next`,
 * rings the pair, and the pair closes the old one when it takes it. Nobody else closes a descriptor that the pair has.
 */
#ifndef IOREQD_DEVICE_NETWORK_TAP_H
#define IOREQD_DEVICE_NETWORK_TAP_H

#include <net/if.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "device/network_private.h"
#include "device/network_tap_steering.h"

#define TAP_CONTROL "/dev/net/tun"

/* What `next` says when it is no descriptor. */
#define TAP_SAME (-2) /* nothing is new */
#define TAP_NONE (-1) /* the interface is gone */

struct tap_pair {
    int descriptor; /* the pair's loop's; -1: none */
    bool broken;    /* it is good for nothing any more */
    struct ioreqd_watch *watch;
    int bell; /* an eventfd: look at next and at the link */
    struct ioreqd_watch *bell_watch;
    bool link_told;
    atomic_int next;

    /* The main thread's. */
    int known; /* -1: none */
    bool in_use;
};

struct tap {
    char name[IF_NAMESIZE];
    bool multi_queue;
    unsigned index;  /* of the interface; 0: it is gone */
    int first;       /* the first pair's descriptor until that is attached; -1 */
    unsigned in_use; /* queue pairs */
    atomic_uint offloads;
    struct tap_steering *steering; /* NULL: the kernel lets us not pick queues */
    bool steers;
    int news; /* of interfaces */
    struct ioreqd_watch *news_watch;
    struct ioreqd_timer *retry;
    bool told; /* that it cannot be opened again */
};

/* ---- queues, see network_tap_queue.c ---- */

/* A descriptor with a queue of the tap, which is made if it is not there, or -errno. */
int tap_open_queue(const char *name, bool multi_queue);
/* Whether the queue takes part; one of several. 0 or -errno. */
int tap_use_queue(int descriptor, bool use);
/* -1 is allowed. */
void tap_close(int descriptor);

/* Offloads, IOREQD_NETWORK_...: what the kernel takes, and then none are set; sets them, 0 or -errno. */
uint32_t tap_probe_offloads(int descriptor);
int tap_offer(int descriptor, uint32_t offloads);

/* ---- the link, see network_tap_link.c; on the main thread ---- */

int tap_start(struct ioreqd_network *network);
int tap_set_offloads(struct ioreqd_network *network, uint32_t offloads);
int tap_set_steering(struct ioreqd_network *network, const struct ioreqd_network_steering *steering);
int tap_set_queue_pairs(struct ioreqd_network *network, unsigned queue_pairs);

#endif
