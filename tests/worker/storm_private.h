/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The storm's files among themselves: storm.c begins and ends it, storm_queues.c keeps the queues full, storm_steps.c is the
 * driver. A queue is its lock's; what else there is changes on the test's thread alone, with the locks of all queues.
 */
#ifndef TESTS_WORKER_STORM_PRIVATE_H
#define TESTS_WORKER_STORM_PRIVATE_H

#include <pthread.h>
#include <time.h>

#include "tests/worker/storm.h"

/* The device's memory: rings, then buffers. */
#define AREA     UINT64_C(0x100000)
#define RING     UINT64_C(0x4000)
#define BUFFERS  (AREA + STORM_QUEUES * RING)
#define SLOTS    32u
#define SLOT     UINT64_C(8192)
#define AREA_END (BUFFERS + STORM_QUEUES * SLOTS * SLOT)

#define STORM_THREADS  2u
#define STORM_PATIENCE 120 /* seconds without an answer */

enum storm_step {
    RESET,
    FUNCTION_RESET,
    QUEUE_RESETS,
    MASTER_OFF,
    INVALIDATE,
    PUNCH,
    RUBBISH,
    DRAIN,
    STORM_STEP_KINDS,
};

struct storm_queue {
    pthread_mutex_t lock;
    struct virtio_queue ring;
    bool open;
    unsigned given;
    uint32_t idle; /* a bit for each slot that is the driver's */
    uint8_t slot_of[VIRTIO_QUEUE_MAX];
};

struct storm {
    struct stack stack;
    const struct storm_kind *kind;
    struct pci_function function;
    struct virtio virtio;
    struct vcpu vcpu[STORM_THREADS + 1]; /* the first is the test's */
    struct storm_queue queues[STORM_QUEUES];
    unsigned queues_used;
    bool spoiled; /* the ring is not what the driver believes: only a reset helps */
    _Atomic bool over, peer_over;
    _Atomic unsigned requests, answers;
    char place[64];   /* of the peer's socket */
    char wrong[1024]; /* what went wrong, or empty */
};

extern struct storm storm;

/* Seconds of a clock that is not set. */
time_t storm_now(void);
/* Says what went wrong, and returns false. */
bool storm_give_up(const char *what);

/* ---- queues; with the queue's lock, but for the first two ---- */

uint64_t storm_slot(unsigned queue, unsigned slot);
uint8_t *storm_view(uint64_t address, uint64_t length);
/* The slot of a request that came back; negative: none did. */
int storm_take(unsigned index, uint32_t *written);
void storm_notify(unsigned index, const struct vcpu *by);
/* A thread that keeps all queues full from the vCPU that it is given, until the storm is over. */
void *storm_keep_full(void *vcpu);

/* ---- the driver; false: something is wrong ---- */

bool storm_make_step(enum storm_step step, uint32_t *seed);
bool storm_reset(uint32_t *seed);

#endif
