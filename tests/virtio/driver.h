/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The driver's side of a virtio PCI device with split virtqueues, for tests: knows the registers, lays rings out in the
 * fake's memory, and lets a test write them wrongly.
 */
#ifndef TESTS_VIRTIO_DRIVER_H
#define TESTS_VIRTIO_DRIVER_H

#include "tests/virtio/fake_host.h"

/* Offsets of the common configuration structure (virtio 1.4 §4.1.4.3). */
enum {
    DEVICE_FEATURE_SELECT = 0,
    DEVICE_FEATURE = 4,
    DRIVER_FEATURE_SELECT = 8,
    DRIVER_FEATURE = 12,
    CONFIG_VECTOR = 16,
    NUM_QUEUES = 18,
    STATUS = 20,
    GENERATION = 21,
    QUEUE_SELECT = 22,
    QUEUE_SIZE = 24,
    QUEUE_VECTOR = 26,
    QUEUE_ENABLE = 28,
    QUEUE_NOTIFY_OFF = 30,
    QUEUE_DESC = 32,
    QUEUE_DRIVER = 40,
    QUEUE_DEVICE = 48,
    QUEUE_RESET = 58
};

enum { ISR = 0x1000, CONFIG = 0x2000, NOTIFY = 0x3000 };

/* Flags of a descriptor. */
enum { NEXT = 1, WRITE = 2, INDIRECT = 4 };

#define F_INDIRECT   (UINT64_C(1) << 28)
#define F_EVENT_IDX  (UINT64_C(1) << 29)
#define F_VERSION_1  (UINT64_C(1) << 32)
#define F_RING_RESET (UINT64_C(1) << 40)

/* Where queue q has its areas, each a page: size up to 128. */
#define DESC_AREA(q)   (0x10000u + 0x10000u * (q))
#define DRIVER_AREA(q) (DESC_AREA(q) + 0x4000u)
#define DEVICE_AREA(q) (DESC_AREA(q) + 0x8000u)

struct driver {
    struct fake *fake;
    const struct ioreqd_model *model;
    struct ioreqd_description description;
    void *state;
    uint16_t size;         /* of the queues */
    uint16_t next_free[8]; /* descriptor that the next chain begins at, by queue */
    uint16_t available[8]; /* our index */
    uint16_t seen_used[8];
};

struct part {
    uint64_t address;
    uint32_t length;
    uint16_t flags; /* WRITE, or what a test wants to see refused; NEXT is added by driver_add() */
};

/* Creates the device of a model and resets it; state was filled with properties. Returns what create() does. */
int driver_begin(struct driver *driver, struct fake *fake, const struct ioreqd_model *model, void *state);
void driver_end(struct driver *driver);

uint32_t driver_read(struct driver *driver, uint64_t offset, unsigned size);
void driver_write(struct driver *driver, uint64_t offset, unsigned size, uint32_t value);
uint8_t driver_status(struct driver *driver);
void driver_select(struct driver *driver, uint16_t queue);
uint64_t driver_offered(struct driver *driver);

/* Status up to FEATURES_OK; then queues 0 to count - 1; then DRIVER_OK. Vectors are queue + 1, and 0 for configuration. */
void driver_negotiate(struct driver *driver, uint64_t features);
void driver_set_queue(struct driver *driver, uint16_t queue, uint16_t size);
void driver_start(struct driver *driver, uint64_t features, uint16_t queues, uint16_t size);

/* A chain of count descriptors, laid out from the next free one on; made available, but not rung for. */
uint16_t driver_add(struct driver *driver, unsigned queue, const struct part *part, unsigned count);
void driver_descriptor(struct driver *driver, unsigned queue, uint16_t index, struct part part, uint16_t next);
void driver_expose(struct driver *driver, unsigned queue, uint16_t head);
void driver_set_available(struct driver *driver, unsigned queue, uint16_t index);

/* Rings, and lets the device run. */
void driver_kick(struct driver *driver, unsigned queue);

/* The next used entry, if there is one. */
bool driver_used(struct driver *driver, unsigned queue, uint32_t *id, uint32_t *length);
uint16_t driver_used_index(struct driver *driver, unsigned queue);

void driver_set16(struct driver *driver, uint64_t address, uint16_t value);
uint16_t driver_get16(struct driver *driver, uint64_t address);
/* Suppression fields: used_event and avail_event lie behind the rings. */
void driver_set_used_event(struct driver *driver, unsigned queue, uint16_t value);
uint16_t driver_available_event(struct driver *driver, unsigned queue);

#endif
