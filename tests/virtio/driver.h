/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The driver's side of a virtio PCI device, for tests: knows the registers, lays rings out in the fake's memory, split
 * or packed ones as negotiated, and lets a test write them wrongly.
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

#define F_INDIRECT          (UINT64_C(1) << 28)
#define F_EVENT_IDX         (UINT64_C(1) << 29)
#define F_VERSION_1         (UINT64_C(1) << 32)
#define F_PACKED            (UINT64_C(1) << 34)
#define F_IN_ORDER          (UINT64_C(1) << 35)
#define F_NOTIFICATION_DATA (UINT64_C(1) << 38)
#define F_RING_RESET        (UINT64_C(1) << 40)

/* Flags of a descriptor in a packed ring: made available and used, in laps whose wrap counter is 1. */
enum { AVAILABLE = 0x80, USED = 0x8000 };

/* Where queue q has its areas, each a page: size up to 128. */
#define DESC_AREA(q)   (0x10000u + 0x10000u * (q))
#define DRIVER_AREA(q) (DESC_AREA(q) + 0x4000u)
#define DEVICE_AREA(q) (DESC_AREA(q) + 0x8000u)

#define DRIVER_MAX_SIZE 128

/* What the driver knows of a queue. */
struct driver_queue {
    uint16_t next_free; /* descriptor that the next chain begins at */
    uint16_t available; /* our index: buffers made available */
    uint16_t seen_used; /* buffers that came back */
    /* Packed rings: the wrap counter of next_free, and the place of the next used descriptor. */
    bool wrap;
    bool used_wrap;
    uint16_t next_used;
    struct {
        bool in_flight;
        uint16_t descriptors;
        uint32_t writable; /* bytes */
    } id[DRIVER_MAX_SIZE];
    /* With IN_ORDER: ids from the oldest in flight on, and what the device said of a batch that is still being seen. */
    uint16_t order[DRIVER_MAX_SIZE];
    uint16_t oldest, youngest;
    bool in_batch;
    uint32_t batch_id, batch_length;
};

struct driver {
    struct fake *fake;
    const struct ioreqd_model *model;
    struct ioreqd_description description;
    void *state;
    uint64_t features; /* negotiated */
    uint16_t size;     /* of the queues, up to DRIVER_MAX_SIZE */
    struct driver_queue queue[16];
};

struct part {
    uint64_t address;
    uint32_t length;
    uint16_t flags; /* WRITE, or what a test wants to see refused; NEXT is added by driver_add() */
};

/*
 * Creates the device of a model and resets it; state was filled with properties, but for those of
 * IOREQD_VIRTIO_PROPERTIES that are on by themselves, which are set here. Returns what create() does.
 */
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

/*
 * A chain of count descriptors, laid out from the next free one on; made available, but not rung for. Returns what the
 * device shows when it is used: head or buffer id.
 */
uint16_t driver_add(struct driver *driver, unsigned queue, const struct part *part, unsigned count);
void driver_descriptor(struct driver *driver, unsigned queue, uint16_t index, struct part part, uint16_t next);
/* A descriptor of a packed ring, with all its flags. */
void driver_packed(struct driver *driver, unsigned queue, uint16_t index, struct part part, uint16_t id);
/* An element of an indirect table; next is of split ones. */
void driver_table(struct driver *driver, uint64_t table, unsigned index, struct part part, uint16_t next);
void driver_expose(struct driver *driver, unsigned queue, uint16_t head);
void driver_set_available(struct driver *driver, unsigned queue, uint16_t index);

/* Rings, and lets the device run. */
void driver_kick(struct driver *driver, unsigned queue);

/* The next buffer that was used, if there is one. */
bool driver_used(struct driver *driver, unsigned queue, uint32_t *id, uint32_t *length);
/* How many were used since the queue was set up. */
uint16_t driver_used_index(struct driver *driver, unsigned queue);

void driver_set16(struct driver *driver, uint64_t address, uint16_t value);
uint16_t driver_get16(struct driver *driver, uint64_t address);
/* Flags that say that there is no need to notify: of the device, and our own. */
bool driver_held_back(struct driver *driver, unsigned queue);
void driver_hold_back(struct driver *driver, unsigned queue, bool on);
/* Asks for an interrupt at the next buffer that is used. */
void driver_listen(struct driver *driver, unsigned queue);
/* Suppression fields of split rings: used_event and avail_event lie behind the rings. */
void driver_set_used_event(struct driver *driver, unsigned queue, uint16_t value);
uint16_t driver_available_event(struct driver *driver, unsigned queue);

#endif
