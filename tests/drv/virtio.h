/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A driver of modern virtio PCI devices, with split or packed virtqueues as negotiated (virtio 1.4 §2.6 to §2.9, §3.1,
 * §4.1), for little-endian hosts. It finds the device's structures by its capabilities, as any driver must. A queue
 * belongs to one thread at a time: callers that share one have a lock.
 */
#ifndef TESTS_DRV_VIRTIO_H
#define TESTS_DRV_VIRTIO_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "tests/drv/pci.h"

#define VIRTIO_F_INDIRECT_DESC     (UINT64_C(1) << 28)
#define VIRTIO_F_EVENT_IDX         (UINT64_C(1) << 29)
#define VIRTIO_F_VERSION_1         (UINT64_C(1) << 32)
#define VIRTIO_F_RING_PACKED       (UINT64_C(1) << 34)
#define VIRTIO_F_IN_ORDER          (UINT64_C(1) << 35)
#define VIRTIO_F_NOTIFICATION_DATA (UINT64_C(1) << 38)

enum virtio_status {
    VIRTIO_ACKNOWLEDGE = 1,
    VIRTIO_DRIVER = 2,
    VIRTIO_DRIVER_OK = 4,
    VIRTIO_FEATURES_OK = 8,
    VIRTIO_NEEDS_RESET = 64
};

/* Registers of the common configuration (§4.1.4.3). */
enum virtio_register {
    VIRTIO_DEVICE_FEATURE_SELECT = 0,
    VIRTIO_DEVICE_FEATURE = 4,
    VIRTIO_DRIVER_FEATURE_SELECT = 8,
    VIRTIO_DRIVER_FEATURE = 12,
    VIRTIO_CONFIG_VECTOR = 16,
    VIRTIO_NUM_QUEUES = 18,
    VIRTIO_STATUS = 20,
    VIRTIO_QUEUE_SELECT = 22,
    VIRTIO_QUEUE_SIZE = 24,
    VIRTIO_QUEUE_VECTOR = 26,
    VIRTIO_QUEUE_ENABLE = 28,
    VIRTIO_QUEUE_NOTIFY_OFF = 30,
    VIRTIO_QUEUE_DESC = 32,
    VIRTIO_QUEUE_DRIVER = 40,
    VIRTIO_QUEUE_DEVICE = 48
};

/* A structure of the device: BAR and offset, so that it is found again when the BAR has moved. */
struct virtio_structure {
    unsigned bar;
    uint32_t offset;
    uint32_t length;
};

struct virtio {
    struct pci_function *pci;
    struct virtio_structure common;
    struct virtio_structure notify;
    struct virtio_structure isr;
    struct virtio_structure config;
    uint32_t notify_multiplier;
    uint64_t features; /* negotiated */
};

#define VIRTIO_QUEUE_MAX 256

struct virtio_queue {
    struct virtio *virtio;
    uint16_t index;
    uint16_t size;
    uint16_t notify_off;
    uint64_t memory;    /* guest address of the areas: descriptors, driver's, device's */
    uint8_t *view;      /* the same, as the guest sees it */
    uint16_t available; /* split: our index; packed: how many descriptors were made available */
    uint16_t kicked;    /* available, at the last kick */
    uint16_t seen;      /* buffers taken back */
    uint16_t free_head; /* split: a descriptor; packed: a buffer id */
    uint16_t free;      /* descriptors */
    uint16_t next[VIRTIO_QUEUE_MAX];
    uint16_t length[VIRTIO_QUEUE_MAX];   /* descriptors of the chain of this head or id */
    uint32_t writable[VIRTIO_QUEUE_MAX]; /* bytes of it */
    /* Packed: where the next descriptor goes, and where the next used one comes; bit 15 is the wrap counter. */
    uint16_t next_available;
    uint16_t next_used;
    uint16_t place_kicked; /* next_available, at the last kick */
    _Atomic uint32_t announcement;
    /* IN_ORDER: heads or ids, from the oldest on, and what was told of a batch that is taken back one by one. */
    uint16_t order[VIRTIO_QUEUE_MAX];
    uint16_t oldest, youngest;
    bool in_batch;
    uint16_t batch_head;
    uint32_t batch_written;
};

struct virtio_segment {
    uint64_t address;
    uint32_t length;
    bool device_writes;
};

/* Looks for the first virtio device of that PCI id, and places its BARs. False: there is none. */
bool virtio_find(const struct vcpu *vcpu, uint16_t device, struct pci_function *function, struct pci_space *space);
/* Finds the structures. False when one is missing. */
bool virtio_probe(struct virtio *virtio, const struct vcpu *vcpu, struct pci_function *function);

uint32_t virtio_get(const struct virtio *virtio, const struct vcpu *vcpu, enum virtio_register reg, unsigned size);
void virtio_put(const struct virtio *virtio, const struct vcpu *vcpu, enum virtio_register reg, unsigned size,
                uint32_t value);
uint64_t virtio_config(const struct virtio *virtio, const struct vcpu *vcpu, uint32_t offset, unsigned size);

/* Writes 0 to the status and reads until it is 0 (§3.1.1). False when that takes too long. */
bool virtio_reset(const struct virtio *virtio, const struct vcpu *vcpu);
/* From reset to FEATURES_OK with those of the wanted features that are offered. */
bool virtio_negotiate(struct virtio *virtio, const struct vcpu *vcpu, uint64_t wanted);
void virtio_driver_ok(const struct virtio *virtio, const struct vcpu *vcpu);

/* Bytes that a queue of a size needs at its memory, which has to be page-aligned. */
uint64_t virtio_queue_bytes(uint16_t size);
/* Sets the queue up and enables it with a vector. size 0: the device's. */
bool virtio_queue_open(struct virtio_queue *queue, struct virtio *virtio, const struct vcpu *vcpu, uint16_t index,
                       uint16_t size, uint64_t memory, uint16_t vector);

/*
 * Adds a chain; table is where an indirect table may lie, 0 for none. Returns its head or buffer id, or -1 when there
 * are not enough descriptors. The device is told by virtio_queue_kick(), if it wants to be.
 */
int virtio_queue_add(struct virtio_queue *queue, const struct virtio_segment *segment, unsigned count, uint64_t table);
/* Whether the device wants to be notified of what was added since the last call. */
bool virtio_queue_needs_kick(struct virtio_queue *queue);
void virtio_queue_notify(const struct virtio_queue *queue, const struct vcpu *vcpu);

/* The head or id of the next chain that the device gave back, or -1. */
int virtio_queue_take(struct virtio_queue *queue, uint32_t *written);
/* Asks for an interrupt at the next used entry; false when there is one already. */
bool virtio_queue_listen(struct virtio_queue *queue);

#endif
