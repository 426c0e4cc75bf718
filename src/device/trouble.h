/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What keeps a device from working, for people: that it needs a reset by its driver, or has failed, and why. Told of on
 * any thread and asked for on the main thread. It comes and goes rarely, so a lock of the device's own does.
 */
#ifndef IOREQD_DEVICE_TROUBLE_H
#define IOREQD_DEVICE_TROUBLE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

struct ioreqd_device;

/* The graver one takes the place of the other. */
enum trouble_kind { TROUBLE_NONE, TROUBLE_NEEDS_RESET, TROUBLE_FAILED };

#define TROUBLE_REASON 200 /* bytes, its end included; what is longer is cut */

struct trouble {
    pthread_mutex_t lock;
    _Atomic(enum trouble_kind) kind;
    char reason[TROUBLE_REASON];
    uint64_t window; /* of events: when the present one began */
    unsigned events; /* that were told in it */
};

void trouble_init(struct trouble *trouble);
void trouble_destroy(struct trouble *trouble);

/* It has come: an event tells of it, unless it, or a graver one, is there already. The first reason stays. */
void trouble_begin(struct ioreqd_device *device, enum trouble_kind kind, const char *reason);
/* It has gone, if it was that one: an event tells of it. */
void trouble_end(struct ioreqd_device *device, enum trouble_kind kind);

/* The reason, of size bytes; empty: there is no trouble. */
void trouble_reason(struct trouble *trouble, char *reason, size_t size);

#endif
