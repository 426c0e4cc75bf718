/* SPDX-License-Identifier: BSD-2-Clause */
/* A driver of modern virtio PCI devices, see virtio.h. */
#include "tests/drv/virtio.h"

#include <string.h>

#define CAPABILITY_VENDOR 9
#define CFG_COMMON        1
#define CFG_NOTIFY        2
#define CFG_ISR           3
#define CFG_DEVICE        4

#define DESCRIPTOR_NEXT     1u
#define DESCRIPTOR_WRITE    2u
#define DESCRIPTOR_INDIRECT 4u

#define PAGE 4096u

struct descriptor {
    uint64_t address;
    uint32_t length;
    uint16_t flags;
    uint16_t next;
};

static bool read_structure(struct virtio *virtio, const struct vcpu *vcpu, unsigned reg)
{
    uint32_t number = virtio->pci->number;
    struct virtio_structure structure = {
        .bar = pci_get(vcpu, number, reg + 4, 1),
        .offset = pci_get(vcpu, number, reg + 8, 4),
        .length = pci_get(vcpu, number, reg + 12, 4),
    };

    if (structure.bar >= 6) {
        return false;
    }
    switch (pci_get(vcpu, number, reg + 3, 1)) {
    case CFG_COMMON:
        virtio->common = structure;
        break;
    case CFG_NOTIFY:
        virtio->notify = structure;
        virtio->notify_multiplier = pci_get(vcpu, number, reg + 16, 4);
        break;
    case CFG_ISR:
        virtio->isr = structure;
        break;
    case CFG_DEVICE:
        virtio->config = structure;
        break;
    }
    return true;
}

bool virtio_probe(struct virtio *virtio, const struct vcpu *vcpu, struct pci_function *function)
{
    unsigned reg = 0;

    *virtio = (struct virtio){.pci = function};
    /* The ids below 0x1040 are those of transitional devices (virtio 1.4 §4.1.2.2). */
    if (function->vendor != 0x1af4 || function->device < 0x1000 || function->device > 0x107f) {
        return false;
    }
    while ((reg = pci_capability(vcpu, function, CAPABILITY_VENDOR, reg)) != 0) {
        if (!read_structure(virtio, vcpu, reg)) {
            return false;
        }
    }
    return virtio->common.length != 0 && virtio->notify.length != 0 && virtio->isr.length != 0;
}

static uint64_t place(const struct virtio *virtio, const struct virtio_structure *structure, uint64_t offset)
{
    return virtio->pci->bar[structure->bar].address + structure->offset + offset;
}

uint32_t virtio_get(const struct virtio *virtio, const struct vcpu *vcpu, enum virtio_register reg, unsigned size)
{
    return (uint32_t)vcpu_load(vcpu, place(virtio, &virtio->common, reg), size);
}

void virtio_put(const struct virtio *virtio, const struct vcpu *vcpu, enum virtio_register reg, unsigned size,
                uint32_t value)
{
    vcpu_store(vcpu, place(virtio, &virtio->common, reg), size, value);
}

uint64_t virtio_config(const struct virtio *virtio, const struct vcpu *vcpu, uint32_t offset, unsigned size)
{
    return vcpu_load(vcpu, place(virtio, &virtio->config, offset), size);
}

bool virtio_reset(const struct virtio *virtio, const struct vcpu *vcpu)
{
    virtio_put(virtio, vcpu, VIRTIO_STATUS, 1, 0);
    for (unsigned i = 0; i < 1000000; i++) {
        if (virtio_get(virtio, vcpu, VIRTIO_STATUS, 1) == 0) {
            return true;
        }
    }
    return false;
}

bool virtio_negotiate(struct virtio *virtio, const struct vcpu *vcpu, uint64_t wanted)
{
    uint64_t offered;

    virtio_put(virtio, vcpu, VIRTIO_STATUS, 1, VIRTIO_ACKNOWLEDGE);
    virtio_put(virtio, vcpu, VIRTIO_STATUS, 1, VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER);
    virtio_put(virtio, vcpu, VIRTIO_DEVICE_FEATURE_SELECT, 4, 0);
    offered = virtio_get(virtio, vcpu, VIRTIO_DEVICE_FEATURE, 4);
    virtio_put(virtio, vcpu, VIRTIO_DEVICE_FEATURE_SELECT, 4, 1);
    offered |= (uint64_t)virtio_get(virtio, vcpu, VIRTIO_DEVICE_FEATURE, 4) << 32;
    virtio->features = offered & (wanted | VIRTIO_F_VERSION_1);
    virtio_put(virtio, vcpu, VIRTIO_DRIVER_FEATURE_SELECT, 4, 0);
    virtio_put(virtio, vcpu, VIRTIO_DRIVER_FEATURE, 4, (uint32_t)virtio->features);
    virtio_put(virtio, vcpu, VIRTIO_DRIVER_FEATURE_SELECT, 4, 1);
    virtio_put(virtio, vcpu, VIRTIO_DRIVER_FEATURE, 4, (uint32_t)(virtio->features >> 32));
    virtio_put(virtio, vcpu, VIRTIO_STATUS, 1, VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER | VIRTIO_FEATURES_OK);
    return (virtio_get(virtio, vcpu, VIRTIO_STATUS, 1) & VIRTIO_FEATURES_OK) != 0;
}

void virtio_driver_ok(const struct virtio *virtio, const struct vcpu *vcpu)
{
    virtio_put(virtio, vcpu, VIRTIO_STATUS, 1,
               VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER | VIRTIO_FEATURES_OK | VIRTIO_DRIVER_OK);
}

/* ---- queues: each area on pages of its own ---- */

static uint64_t whole_pages(uint64_t bytes)
{
    return (bytes + PAGE - 1) / PAGE * PAGE;
}

static uint64_t driver_area(uint16_t size)
{
    return whole_pages(UINT64_C(16) * size);
}

static uint64_t device_area(uint16_t size)
{
    return driver_area(size) + whole_pages(6 + UINT64_C(2) * size);
}

uint64_t virtio_queue_bytes(uint16_t size)
{
    return device_area(size) + whole_pages(6 + UINT64_C(8) * size);
}

static struct descriptor *descriptors(const struct virtio_queue *queue)
{
    return (struct descriptor *)(void *)queue->view;
}

/* flags, index, ring[size], used_event */
static _Atomic uint16_t *driver_word(const struct virtio_queue *queue, unsigned at)
{
    return (_Atomic uint16_t *)(void *)(queue->view + driver_area(queue->size)) + at;
}

/* flags, index, entries of 8 bytes, avail_event */
static _Atomic uint16_t *device_word(const struct virtio_queue *queue, unsigned at)
{
    return (_Atomic uint16_t *)(void *)(queue->view + device_area(queue->size)) + at;
}

static uint32_t used_entry(const struct virtio_queue *queue, uint16_t index, unsigned word)
{
    uint32_t value;

    memcpy(&value, queue->view + device_area(queue->size) + 4 + 8u * (index % queue->size) + 4 * word, sizeof(value));
    return value;
}

static void put_address(struct virtio *virtio, const struct vcpu *vcpu, enum virtio_register reg, uint64_t address)
{
    virtio_put(virtio, vcpu, reg, 4, (uint32_t)address);
    virtio_put(virtio, vcpu, reg + 4, 4, (uint32_t)(address >> 32));
}

bool virtio_queue_open(struct virtio_queue *queue, struct virtio *virtio, const struct vcpu *vcpu, uint16_t index,
                       uint16_t size, uint64_t memory, uint16_t vector)
{
    uint16_t most;

    virtio_put(virtio, vcpu, VIRTIO_QUEUE_SELECT, 2, index);
    most = (uint16_t)virtio_get(virtio, vcpu, VIRTIO_QUEUE_SIZE, 2);
    size = size == 0 ? most : size;
    if (size == 0 || size > most || size > VIRTIO_QUEUE_MAX) {
        return false;
    }
    *queue = (struct virtio_queue){.virtio = virtio, .index = index, .size = size, .memory = memory, .free = size};
    queue->view = sim_memory(vcpu->sim, memory, virtio_queue_bytes(size));
    if (queue->view == NULL) {
        return false;
    }
    memset(queue->view, 0, virtio_queue_bytes(size));
    for (uint16_t i = 0; i < size; i++) {
        queue->next[i] = (uint16_t)(i + 1);
    }
    virtio_put(virtio, vcpu, VIRTIO_QUEUE_SIZE, 2, size);
    virtio_put(virtio, vcpu, VIRTIO_QUEUE_VECTOR, 2, vector);
    queue->notify_off = (uint16_t)virtio_get(virtio, vcpu, VIRTIO_QUEUE_NOTIFY_OFF, 2);
    put_address(virtio, vcpu, VIRTIO_QUEUE_DESC, memory);
    put_address(virtio, vcpu, VIRTIO_QUEUE_DRIVER, memory + driver_area(size));
    put_address(virtio, vcpu, VIRTIO_QUEUE_DEVICE, memory + device_area(size));
    virtio_put(virtio, vcpu, VIRTIO_QUEUE_ENABLE, 2, 1);
    return virtio_get(virtio, vcpu, VIRTIO_QUEUE_VECTOR, 2) == vector;
}

static struct descriptor make(const struct virtio_segment *segment, bool last, uint16_t next)
{
    return (struct descriptor){
        .address = segment->address,
        .length = segment->length,
        .flags = (uint16_t)((segment->device_writes ? DESCRIPTOR_WRITE : 0) | (last ? 0 : DESCRIPTOR_NEXT)),
        .next = last ? 0 : next,
    };
}

static void expose(struct virtio_queue *queue, uint16_t head)
{
    atomic_store_explicit(driver_word(queue, 2u + queue->available % queue->size), head, memory_order_relaxed);
    queue->available++;
    /* Before the look at avail_event or the flags, which decide on the kick (§2.7.13.4.1). */
    atomic_store(driver_word(queue, 1), queue->available);
}

static int add_indirect(struct virtio_queue *queue, const struct virtio_segment *segment, unsigned count,
                        uint64_t table)
{
    uint8_t *view = queue->view - queue->memory + table; /* the guest's memory is one piece in its own view */
    uint16_t head = queue->free_head;

    for (unsigned i = 0; i < count; i++) {
        struct descriptor descriptor = make(&segment[i], i + 1 == count, (uint16_t)(i + 1));

        memcpy(view + sizeof(descriptor) * i, &descriptor, sizeof(descriptor));
    }
    descriptors(queue)[head] = (struct descriptor){
        .address = table, .length = (uint32_t)(sizeof(struct descriptor) * count), .flags = DESCRIPTOR_INDIRECT};
    queue->free_head = queue->next[head];
    queue->length[head] = 1;
    queue->free--;
    expose(queue, head);
    return head;
}

int virtio_queue_add(struct virtio_queue *queue, const struct virtio_segment *segment, unsigned count, uint64_t table)
{
    bool indirect = table != 0 && (queue->virtio->features & VIRTIO_F_INDIRECT_DESC) != 0;
    uint16_t head = queue->free_head;
    uint16_t at = head;

    if (queue->free < (indirect ? 1 : count) || count == 0 || count > queue->size) {
        return -1;
    }
    if (indirect) {
        return add_indirect(queue, segment, count, table);
    }
    for (unsigned i = 0; i < count; i++) {
        descriptors(queue)[at] = make(&segment[i], i + 1 == count, queue->next[at]);
        at = queue->next[at];
    }
    queue->free_head = at;
    queue->length[head] = (uint16_t)count;
    queue->free = (uint16_t)(queue->free - count);
    expose(queue, head);
    return head;
}

bool virtio_queue_needs_kick(struct virtio_queue *queue)
{
    uint16_t old = queue->kicked;
    uint16_t event;

    queue->kicked = queue->available;
    if (old == queue->available) {
        return false;
    }
    if ((queue->virtio->features & VIRTIO_F_EVENT_IDX) == 0) {
        return (atomic_load(device_word(queue, 0)) & 1u) == 0;
    }
    event = atomic_load(device_word(queue, 2u + 4u * queue->size));
    return (uint16_t)(queue->available - event - 1) < (uint16_t)(queue->available - old);
}

void virtio_queue_notify(const struct virtio_queue *queue, const struct vcpu *vcpu)
{
    const struct virtio *virtio = queue->virtio;
    uint64_t offset = (uint64_t)queue->notify_off * virtio->notify_multiplier;

    vcpu_store(vcpu, place(virtio, &virtio->notify, offset), 2, queue->index);
}

int virtio_queue_take(struct virtio_queue *queue, uint32_t *written)
{
    uint16_t head, last;

    if (atomic_load_explicit(device_word(queue, 1), memory_order_acquire) == queue->seen) {
        return -1;
    }
    head = (uint16_t)used_entry(queue, queue->seen, 0);
    *written = used_entry(queue, queue->seen, 1);
    if (head >= queue->size || queue->length[head] == 0) {
        return -2; /* the device gave back what it did not have */
    }
    queue->seen++;
    last = head;
    for (unsigned i = 1; i < queue->length[head]; i++) {
        last = queue->next[last];
    }
    queue->next[last] = queue->free_head;
    queue->free_head = head;
    queue->free = (uint16_t)(queue->free + queue->length[head]);
    queue->length[head] = 0;
    return head;
}

bool virtio_queue_listen(struct virtio_queue *queue)
{
    atomic_store(driver_word(queue, 2u + queue->size), queue->seen);
    return atomic_load(device_word(queue, 1)) == queue->seen;
}
