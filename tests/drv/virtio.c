/* SPDX-License-Identifier: BSD-2-Clause */
/* A driver of modern virtio PCI devices, see virtio.h. */
#include "tests/drv/virtio.h"

#include <string.h>
#include <time.h>

#define VENDOR            0x1af4
#define CAPABILITY_VENDOR 9
#define CFG_COMMON        1
#define CFG_NOTIFY        2
#define CFG_ISR           3
#define CFG_DEVICE        4
#define RESET_SECONDS     120

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

bool virtio_find(const struct vcpu *vcpu, uint16_t device, struct pci_function *function, struct pci_space *space)
{
    struct pci_function all[PCI_FUNCTIONS];
    unsigned count = pci_enumerate(vcpu, all, PCI_FUNCTIONS);

    for (unsigned i = 0; i < count; i++) {
        if (all[i].vendor == VENDOR && all[i].device == device) {
            *function = all[i];
            pci_place(vcpu, function, space);
            return true;
        }
    }
    return false;
}

bool virtio_probe(struct virtio *virtio, const struct vcpu *vcpu, struct pci_function *function)
{
    unsigned reg = 0;

    *virtio = (struct virtio){.pci = function};
    /* The ids below 0x1040 are those of transitional devices (virtio 1.4 §4.1.2.2). */
    if (function->vendor != VENDOR || function->device < 0x1000 || function->device > 0x107f) {
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

/* What is in flight comes to its end first, and a flush takes as long as the disk that the image is on. */
bool virtio_reset(const struct virtio *virtio, const struct vcpu *vcpu)
{
    time_t end = time(NULL) + RESET_SECONDS;

    virtio_put(virtio, vcpu, VIRTIO_STATUS, 1, 0);
    while (virtio_get(virtio, vcpu, VIRTIO_STATUS, 1) != 0) {
        if (time(NULL) > end) {
            return false;
        }
    }
    return true;
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

void virtio_queue_notify(const struct virtio_queue *queue, const struct vcpu *vcpu)
{
    const struct virtio *virtio = queue->virtio;
    uint64_t offset = (uint64_t)queue->notify_off * virtio->notify_multiplier;

    if ((virtio->features & VIRTIO_F_NOTIFICATION_DATA) != 0) {
        vcpu_store(vcpu, place(virtio, &virtio->notify, offset), 4, queue->index | atomic_load(&queue->announcement));
    } else {
        vcpu_store(vcpu, place(virtio, &virtio->notify, offset), 2, queue->index);
    }
}
