/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the kernel knows of a network interface, asked by rtnetlink, and hearing of changes. It keeps nothing. Any
 * thread; the answers are of the caller's network namespace.
 */
#ifndef IOREQD_DEVICE_NETWORK_INTERFACE_H
#define IOREQD_DEVICE_NETWORK_INTERFACE_H

#include <net/if.h>
#include <stdbool.h>

struct network_interface {
    unsigned index;
    char name[IF_NAMESIZE];
    char kind[16]; /* as ip-link(8) calls it: bridge, veth; empty: none is told */
    bool up;       /* and carrier */
    bool carrier;
    unsigned mtu;
    bool is_tap;
    bool multi_queue;
    unsigned queues; /* that processes have, of a tap with several */
};

/* The interface of this index or, if that is 0, of this name. 0 or -errno; -ENODEV: there is none. */
int network_interface_find(unsigned index, const char *name, struct network_interface *found);

/* A descriptor that gets readable when interfaces change, or -errno. It does not block. */
int network_interface_listen(void);
/* Reads what has come. Whether it was about one of this index or name, or may have been. */
bool network_interface_heard(int descriptor, unsigned index, const char *name);

#endif
