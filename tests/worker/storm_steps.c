/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The driver in a storm, see storm.h: what one may do at any time, and what none should. On the test's thread, with the locks
 * of all queues that it takes from the threads.
 */
#include <sched.h>
#include <stdio.h>
#include <string.h>

#include "bridge/pci_registers.h"
#include "tests/worker/storm_private.h"

#define PAINT 0x3c

#define F_RING_RESET (UINT64_C(1) << 40)
#define QUEUE_RESET  58u /* common configuration (§4.1.4.3) */
#define EXPRESS      0x10

static void lock_all(void)
{
    for (unsigned i = 0; i < STORM_QUEUES; i++) {
        pthread_mutex_lock(&storm.queues[i].lock);
    }
}

static void unlock_all(void)
{
    for (unsigned i = 0; i < STORM_QUEUES; i++) {
        pthread_mutex_unlock(&storm.queues[i].lock);
    }
}

static bool open_queue(unsigned index, uint32_t *seed)
{
    struct storm_queue *queue = &storm.queues[index];
    bool packed = (storm.virtio.features & VIRTIO_F_RING_PACKED) != 0;
    uint16_t size = (uint16_t)(packed ? 4 + storm_random(seed) % 125 : 4u << storm_random(seed) % 6);
    uint64_t at = AREA + index * RING;

    queue->open = virtio_queue_open(&queue->ring, &storm.virtio, &storm.vcpu[0], (uint16_t)index, size, at, 0) ||
                  virtio_queue_open(&queue->ring, &storm.virtio, &storm.vcpu[0], (uint16_t)index, 0, at, 0);
    queue->given = 0;
    queue->idle = UINT32_MAX;
    return queue->open || storm_give_up("a queue cannot be had");
}

/* Of a device that is reset: another format, other sizes, another number of queues. */
static bool start(uint32_t *seed)
{
    uint64_t features = storm.kind->features | F_RING_RESET;

    features |= storm_random(seed) % 2 == 0 ? VIRTIO_F_RING_PACKED : 0;
    features |= storm_random(seed) % 2 == 0 ? VIRTIO_F_EVENT_IDX : 0;
    features |= storm_random(seed) % 2 == 0 ? VIRTIO_F_INDIRECT_DESC : 0;
    features |= storm_random(seed) % 4 == 0 ? VIRTIO_F_NOTIFICATION_DATA : 0;
    if (!virtio_negotiate(&storm.virtio, &storm.vcpu[0], features)) {
        return storm_give_up("the features are refused");
    }
    pci_msix_set(&storm.vcpu[0], &storm.function, 0, 0xfee00000, 0x41);
    pci_msix_enable(&storm.vcpu[0], &storm.function, storm_random(seed) % 4 != 0);
    storm.queues_used = storm.kind->any_number ? 1 + storm_random(seed) % storm.kind->queues : storm.kind->queues;
    for (unsigned i = 0; i < storm.queues_used; i++) {
        if (!open_queue(i, seed)) {
            return false;
        }
    }
    virtio_driver_ok(&storm.virtio, &storm.vcpu[0]);
    storm.spoiled = false;
    return true;
}

/* What the driver puts there stays: the device has let go. */
static bool is_left_alone(uint64_t from, uint64_t to)
{
    uint8_t *area = storm_view(from, to - from);

    memset(area, PAINT, (size_t)(to - from));
    for (unsigned i = 0; i < 8; i++) { /* a moment */
        virtio_get(&storm.virtio, &storm.vcpu[0], VIRTIO_STATUS, 1);
    }
    for (uint64_t i = 0; i < to - from; i++) {
        if (area[i] != PAINT) {
            snprintf(storm.wrong, sizeof(storm.wrong), "the device wrote at 0x%llx after its reset",
                     (unsigned long long)(from + i));
            return false;
        }
    }
    return true;
}

static bool start_again(uint32_t *seed)
{
    bool good;

    for (unsigned i = 0; i < STORM_QUEUES; i++) {
        storm.queues[i].open = false;
    }
    good = is_left_alone(AREA, AREA_END);
    return good && start(seed);
}

/* ---- steps ---- */

/* The threads go on meanwhile: they ring, and write to rings that are no longer the device's. */
bool storm_reset(uint32_t *seed)
{
    bool good = virtio_reset(&storm.virtio, &storm.vcpu[0]) || storm_give_up("a reset does not end");

    lock_all();
    good = good && start_again(seed);
    unlock_all();
    return good;
}

static bool reset_function(uint32_t *seed)
{
    unsigned control = pci_capability(&storm.vcpu[0], &storm.function, EXPRESS, 0) + PCI_EXPRESS_DEVICE_CONTROL;
    struct pci_space space = stack_space(&storm.stack);
    const time_t end = storm_now() + STORM_PATIENCE;
    bool good;

    pci_put(&storm.vcpu[0], storm.function.number, control, 2, PCI_EXPRESS_CONTROL_RESET);
    lock_all();
    pci_place(&storm.vcpu[0], &storm.function, &space);
    while (virtio_get(&storm.virtio, &storm.vcpu[0], VIRTIO_STATUS, 1) == 0xff && storm_now() < end) {
    }
    good = virtio_get(&storm.virtio, &storm.vcpu[0], VIRTIO_STATUS, 1) == 0 ||
           storm_give_up("a function level reset does not end");
    good = good && start_again(seed);
    unlock_all();
    return good;
}

static bool reset_queue(uint32_t *seed)
{
    unsigned index = storm_random(seed) % storm.queues_used;
    const time_t end = storm_now() + STORM_PATIENCE;
    bool good = true;

    if ((storm.virtio.features & F_RING_RESET) == 0 || storm.spoiled) {
        return true;
    }
    virtio_put(&storm.virtio, &storm.vcpu[0], VIRTIO_QUEUE_SELECT, 2, index);
    virtio_put(&storm.virtio, &storm.vcpu[0], (enum virtio_register)QUEUE_RESET, 2, 1);
    while (virtio_get(&storm.virtio, &storm.vcpu[0], (enum virtio_register)QUEUE_RESET, 2) != 0 && storm_now() < end) {
    }
    pthread_mutex_lock(&storm.queues[index].lock);
    if (virtio_get(&storm.virtio, &storm.vcpu[0], (enum virtio_register)QUEUE_RESET, 2) != 0) {
        good = storm_give_up("a reset of a queue does not end");
    }
    storm.queues[index].open = false;
    good = good && is_left_alone(AREA + index * RING, AREA + (index + 1) * RING) &&
           is_left_alone(storm_slot(index, 0), storm_slot(index, SLOTS)) && open_queue(index, seed);
    pthread_mutex_unlock(&storm.queues[index].lock);
    return good;
}

static bool turn_master_off(uint32_t *seed)
{
    pci_put(&storm.vcpu[0], storm.function.number, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
    for (unsigned i = storm_random(seed) % 16; i > 0; i--) {
        virtio_get(&storm.virtio, &storm.vcpu[0], VIRTIO_STATUS, 1);
    }
    pci_put(&storm.vcpu[0], storm.function.number, PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_BUS_MASTER);
    return true;
}

/* A page of the area goes, and another comes. What was under way to it may have broken the device, which then says so. */
static bool punch(uint32_t *seed)
{
    uint64_t frame =
        (AREA >> HYPERVISOR_PAGE_SHIFT) + storm_random(seed) % (uint32_t)((AREA_END - AREA) >> HYPERVISOR_PAGE_SHIFT);
    bool good;

    lock_all();
    sim_punch(storm.stack.sim, frame, 1, 0);
    sim_wait(storm.stack.sim, 0);
    for (unsigned i = 0; i < storm.queues_used; i++) {
        virtio_queue_notify(&storm.queues[i].ring, &storm.vcpu[0]);
    }
    good = sim_populate(storm.stack.sim, frame, 1) == 0 || storm_give_up("no memory");
    storm.spoiled = true;
    unlock_all();
    return good;
}

/* Into a ring, as a driver gone mad would: what the device then does to the guest's memory is the guest's affair. */
static bool write_rubbish(uint32_t *seed)
{
    unsigned index = storm_random(seed) % storm.queues_used;
    uint8_t *ring;

    lock_all();
    ring = storm_view(AREA + index * RING, RING);
    for (unsigned i = storm_random(seed) % 512; i > 0; i--) {
        ring[storm_random(seed) % RING] = (uint8_t)storm_random(seed);
    }
    storm_notify(index, &storm.vcpu[0]);
    storm.spoiled = true;
    unlock_all();
    return true;
}

/* Every request is answered. */
static bool drain(uint32_t *seed)
{
    const time_t end = storm_now() + STORM_PATIENCE;
    bool good = true;
    uint32_t written;

    (void)seed;
    if (storm.spoiled) {
        return true;
    }
    lock_all();
    for (unsigned i = 0; i < storm.queues_used && good; i++) {
        storm_notify(i, &storm.vcpu[0]);
        while ((storm.kind->answers >> i & 1) != 0 && storm.queues[i].given != 0 && good) {
            if (storm_take(i, &written) >= 0) {
                atomic_fetch_add(&storm.answers, 1);
            } else if (storm_now() > end) {
                snprintf(storm.wrong, sizeof(storm.wrong), "%u requests of queue %u were not answered, status 0x%x",
                         storm.queues[i].given, i, virtio_get(&storm.virtio, &storm.vcpu[0], VIRTIO_STATUS, 1));
                good = false;
            } else {
                sched_yield();
            }
        }
    }
    unlock_all();
    return good;
}

bool storm_make_step(enum storm_step step, uint32_t *seed)
{
    switch (step) {
    case RESET:
        return storm_reset(seed);
    case FUNCTION_RESET:
        return reset_function(seed);
    case QUEUE_RESETS:
        return reset_queue(seed);
    case MASTER_OFF:
        return turn_master_off(seed);
    case INVALIDATE:
        sim_access(storm.stack.sim, 0, REQUEST_INVALIDATE, 0, 0, 0, 0, 0);
        return true;
    case PUNCH:
        return punch(seed);
    case RUBBISH:
        return write_rubbish(seed);
    case DRAIN:
        return drain(seed);
    case STORM_STEP_KINDS:
        break;
    }
    return false;
}
