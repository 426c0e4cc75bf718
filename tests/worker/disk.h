/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the tests of a whole stack with a virtio-blk share: a guest with its driver, and a model of what the disk has
 * to hold. Each vCPU's thread has a part of the disk of its own.
 */
#ifndef TESTS_WORKER_DISK_H
#define TESTS_WORKER_DISK_H

#include <check.h>

#include "tests/drv/blk.h"
#include "tests/drv/stack.h"

#define DISK_MEMORY   (UINT64_C(8) << 20)
#define DRIVER_AT     (UINT64_C(1) << 20) /* guest memory of the driver */
#define DISK_SECTORS  2048u
#define DISK_FEATURES (VIRTIO_F_INDIRECT_DESC | VIRTIO_F_EVENT_IDX | BLK_F_FLUSH)

extern struct stack stack;
extern struct blk blk;
extern struct vcpu vcpu[4];
extern uint8_t disk_model[DISK_SECTORS * BLK_SECTOR];

/* The stack with so many vCPUs, running, and the driver's device found and placed, but not started. */
void disk_open(unsigned vcpus, const struct sim_options *more);
/* Ends it; the test ends when something is left behind, or the image is not what the model says. */
void disk_close(void);
void disk_start(uint64_t features, uint16_t queue_size);

/* One thread's work: batches of random reads, writes and flushes in its part of the disk, checked against the model. */
struct disk_load {
    const struct vcpu *vcpu;
    uint32_t seed;
    unsigned part, parts; /* which part of how many */
    unsigned requests;    /* to make */
    bool indirect;
    bool by_interrupt;                       /* waits for interrupts only; for one thread */
    void (*between)(struct disk_load *load); /* called between batches, or NULL */
    const char *wrong;                       /* what went wrong, NULL if nothing did */
};

void disk_run(struct disk_load *load);
/* disk_run() as a thread's main function. */
void *disk_thread(void *load);

uint32_t disk_random(uint32_t *seed);

TCase *enumeration_tests(void);
TCase *io_tests(void);
TCase *disk_feature_tests(void);
TCase *disk_nbd_tests(void);
TCase *layout_tests(void);
TCase *legacy_tests(void);
TCase *reset_tests(void);
TCase *change_tests(void);
TCase *end_tests(void);
TCase *serial_tests(void);
TCase *vsock_tests(void);
TCase *console_tests(void);
TCase *rng_tests(void);
TCase *request_tests(void);
TCase *host_tests(void);
TCase *host_life_tests(void);

#endif
