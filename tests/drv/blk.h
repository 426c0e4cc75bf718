/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A virtio-blk driver (virtio 1.4 §5.2) with several requests in flight, each in a slot of guest memory. vCPUs share
 * its queue under a lock. Waiting looks at the used ring, or for an interrupt only.
 */
#ifndef TESTS_DRV_BLK_H
#define TESTS_DRV_BLK_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "tests/drv/virtio.h"

#define BLK_SLOTS    16u
#define BLK_DATA_MAX (64u * 1024)
#define BLK_SECTOR   512u
#define BLK_SEGMENTS 12u   /* data descriptors of one request, at most */
#define BLK_VECTOR   0x31u /* data of the queue's message */

#define BLK_F_FLUSH (UINT64_C(1) << 9)

enum blk_type { BLK_IN = 0, BLK_OUT = 1, BLK_FLUSH = 4, BLK_GET_ID = 8 };

struct blk_slot {
    uint64_t memory; /* header, status, indirect table, then data */
    uint8_t *view;
    int head; /* of its chain in the queue, -1: none */
    bool taken;
    bool done;
    uint8_t status;
    uint32_t length;
    uint32_t written; /* the used length */
};

struct blk {
    struct virtio virtio;
    struct pci_function pci;
    struct virtio_queue queue;
    pthread_mutex_t lock;
    struct blk_slot slot[BLK_SLOTS];
    uint64_t memory;
    bool broken; /* the device gave back what it did not have */
};

/* Bytes of guest memory that it needs. */
uint64_t blk_bytes(void);

/* Finds the first virtio-blk and places it. memory is page-aligned. False when something is not as it should be. */
bool blk_probe(struct blk *blk, const struct vcpu *vcpu, uint64_t memory, struct pci_space *space);
/* Resets and negotiates, and sets the queue up. size 0: the device's. Can be called again. */
bool blk_start(struct blk *blk, const struct vcpu *vcpu, uint64_t features, uint16_t size);
uint64_t blk_sectors(struct blk *blk, const struct vcpu *vcpu);

/* A free slot's number; its data are at blk_data(). There are BLK_SLOTS. */
unsigned blk_take_slot(struct blk *blk);
void blk_free_slot(struct blk *blk, unsigned slot);
uint8_t *blk_data(struct blk *blk, unsigned slot);

/* Makes a request available: length bytes in count pieces. False when the ring is full. */
bool blk_add(struct blk *blk, unsigned slot, enum blk_type type, uint64_t sector, uint32_t length, unsigned count,
             bool indirect);
/* Rings if the device wants it. */
void blk_kick(struct blk *blk, const struct vcpu *vcpu);

/* Waits until the request of the slot is done; 0, or -1 when that takes too long. */
int blk_wait(struct blk *blk, const struct vcpu *vcpu, unsigned slot);
/* The same, but looks at the ring only after an interrupt of the queue. */
int blk_wait_interrupt(struct blk *blk, const struct vcpu *vcpu, unsigned slot);

/* One request, from beginning to end: its status, or -1. */
int blk_do(struct blk *blk, const struct vcpu *vcpu, enum blk_type type, uint64_t sector, void *data, uint32_t length);

#endif
