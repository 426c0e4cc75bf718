/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A storm over one virtio device on the whole stack: threads keep its queues full while a driver resets, reconfigures and
 * spoils it. What the storm knows of a kind of device is here.
 */
#ifndef TESTS_WORKER_STORM_H
#define TESTS_WORKER_STORM_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/drv/stack.h"
#include "tests/drv/virtio.h"

#define STORM_QUEUES   4u
#define STORM_READABLE 3000u /* bytes of a request, at most */
#define STORM_WRITABLE 4096u

/* A request: bytes that the device reads, which are filled in, then bytes for it to write. */
struct storm_request {
    uint8_t *bytes;
    uint32_t readable;
    uint32_t writable;
};

struct storm_kind {
    const char *module;
    const char *key, *value; /* a property; %s in the value is the place of a socket */
    uint16_t device;         /* PCI id */
    unsigned queues;
    unsigned answers; /* a bit for each queue whose requests end by themselves */
    bool any_number;  /* of the queues may be used */
    uint64_t features;
    void (*fill)(unsigned queue, struct storm_request *request, uint32_t *seed);
    /* The program at the other end, on a thread of its own until *over; NULL: there is none. */
    void (*peer)(const char *place, const _Atomic bool *over);
    bool peer_listens; /* it has to be there before the device */
    /* The device is fresh: whether it works, on all queues. NULL, or what does not. */
    const char *(*prove)(void);
    const char *counters[3]; /* that have grown when it was proved */
};

extern const struct storm_kind storm_disk, storm_network, storm_console, storm_vsock, storm_rng;

uint32_t storm_random(uint32_t *seed);

/* For prove(): one request of a queue from beginning to end, or to the time when it was given if it is not waited for. */
struct storm_request storm_request_of(unsigned queue, unsigned slot);
bool storm_do(unsigned queue, unsigned slot, const struct storm_request *request, bool wait, uint32_t *written);
/* What the device wrote of it. */
const uint8_t *storm_written(unsigned queue, unsigned slot);
/* The next request of the queue that is done: its slot, or -1 after far too long. */
int storm_next(unsigned queue, uint32_t *written);
/* How many queues are in use. */
unsigned storm_queues(void);

#endif
