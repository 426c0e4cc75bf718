/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The device status as a table: each bit that a driver may set, what must stand before it, and what it does. Bits are
 * only ever set; a driver clears them all with a write of 0, which resets.
 */
#include "virtio/status.h"

#include "virtio/registers.h"

static bool agree_on_features(struct ioreqd_virtio_device *device);
static void start_queues(struct ioreqd_virtio_device *device);

static const struct step {
    uint8_t bit;
    uint8_t needs;                                      /* bits that must be set */
    uint8_t forbids;                                    /* bits that must not */
    bool (*check)(struct ioreqd_virtio_device *device); /* false: the bit stays clear */
    void (*enter)(struct ioreqd_virtio_device *device);
} steps[] = {
    {VIRTIO_STATUS_ACKNOWLEDGE, 0, 0, NULL, NULL},
    {VIRTIO_STATUS_DRIVER, VIRTIO_STATUS_ACKNOWLEDGE, 0, NULL, NULL},
    {VIRTIO_STATUS_FEATURES_OK, VIRTIO_STATUS_DRIVER, VIRTIO_STATUS_NEEDS_RESET, agree_on_features, NULL},
    {VIRTIO_STATUS_DRIVER_OK, VIRTIO_STATUS_FEATURES_OK, VIRTIO_STATUS_NEEDS_RESET, NULL, start_queues},
    {VIRTIO_STATUS_FAILED, 0, 0, NULL, NULL},
};

/* The driver's choice must be a subset of the offer, and modern (virtio 1.4 §2.2.2, §6.1). */
static bool agree_on_features(struct ioreqd_virtio_device *device)
{
    for (unsigned i = 0; i < 4; i++) {
        uint32_t unknown = device->registers->driver_feature[i] & ~device->offered[i];

        if (unknown != 0) {
            device->host->guest_error(device->device, "driver accepts features %#x of word %u that are not offered",
                                      unknown, i);
            return false;
        }
    }
    if (!virtio_device_negotiated(device, IOREQD_VIRTIO_F_VERSION_1)) {
        device->host->guest_error(device->device, "driver does not accept VIRTIO_F_VERSION_1: a legacy driver?");
        return false;
    }
    return true;
}

static void start_queues(struct ioreqd_virtio_device *device)
{
    for (unsigned i = 0; i < device->options.queues; i++) {
        virtio_device_start_queue(device, i);
    }
}

void virtio_status_write(struct ioreqd_virtio_device *device, uint8_t value)
{
    uint8_t *status = &device->registers->status;

    if (value == 0) {
        virtio_device_reset(device);
        return;
    }
    if (device->resetting) {
        return; /* the driver must wait for a 0 first (virtio 1.4 §4.1.4.3.2) */
    }
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        const struct step *step = &steps[i];

        if ((value & step->bit) == 0 || (*status & step->bit) != 0) {
            continue;
        }
        if ((*status & step->needs) != step->needs || (*status & step->forbids) != 0) {
            device->host->guest_error(device->device, "status bit %#x set too early or too late: status is %#x",
                                      step->bit, *status);
        } else if (step->check == NULL || step->check(device)) {
            *status |= step->bit;
            virtio_device_status_changed(device, step->bit);
            if (step->enter != NULL) {
                step->enter(device);
            }
        }
    }
}
