/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The device status as a table for each interface: each bit that a driver may set, what must stand before it, and what
 * it does. Bits are only ever set; a driver clears them all with a write of 0, which resets. Whatever else a driver
 * writes is its error, is told as such, and changes nothing.
 */
#include "virtio/status.h"

#include "virtio/features.h"
#include "virtio/registers.h"

struct step {
    uint8_t bit;
    uint8_t needs;                                      /* bits that must be set */
    uint8_t forbids;                                    /* bits that must not */
    bool (*check)(struct ioreqd_virtio_device *device); /* false: the bit stays clear */
    void (*enter)(struct ioreqd_virtio_device *device);
};

#define STEPS 5

/* In the order in which bits that are written at once are set. A bit of 0: no step. */
static const struct step modern[STEPS] = {
    {VIRTIO_STATUS_ACKNOWLEDGE, 0, 0, NULL, NULL},
    {VIRTIO_STATUS_DRIVER, VIRTIO_STATUS_ACKNOWLEDGE, 0, NULL, NULL},
    {VIRTIO_STATUS_FEATURES_OK, VIRTIO_STATUS_DRIVER, VIRTIO_STATUS_NEEDS_RESET, virtio_features_agree, NULL},
    {VIRTIO_STATUS_DRIVER_OK, VIRTIO_STATUS_FEATURES_OK, VIRTIO_STATUS_NEEDS_RESET, NULL, virtio_device_start_queues},
    {VIRTIO_STATUS_FAILED, 0, 0, NULL, NULL},
};

/* Nothing was refused to legacy drivers, which could not have noticed (virtio 1.4 §3.1.2). */
static const struct step legacy[STEPS] = {
    {VIRTIO_STATUS_ACKNOWLEDGE, 0, 0, NULL, NULL},
    {VIRTIO_STATUS_DRIVER, 0, 0, NULL, NULL},
    {VIRTIO_STATUS_DRIVER_OK, 0, 0, NULL, virtio_device_start_queues},
    {VIRTIO_STATUS_FAILED, 0, 0, NULL, NULL},
};

/* Bits that are none of the driver's; NEEDS_RESET may come back as it was read. */
static void check_bits(struct ioreqd_virtio_device *device, const struct step *step, uint8_t value)
{
    uint8_t status = device->registers->status;
    uint8_t known = 0;

    for (unsigned i = 0; i < STEPS; i++) {
        known |= step[i].bit;
    }
    if ((status & known & ~value) != 0) {
        device->host->guest_error(device->device, "status %#x written over %#x: a reset alone clears bits", value,
                                  status);
    }
    if ((value & ~known & ~status) != 0) {
        device->host->guest_error(device->device, "status %#x written over %#x: has bits that are not the driver's",
                                  value, status);
    }
}

void virtio_status_write(struct ioreqd_virtio_device *device, uint8_t value)
{
    const struct step *step = virtio_device_is_legacy(device) ? legacy : modern;
    uint8_t *status = &device->registers->status;

    check_bits(device, step, value);
    for (const struct step *end = step + STEPS; step != end; step++) {
        if ((value & step->bit) == 0 || (*status & step->bit) != 0) {
            continue;
        }
        if ((*status & step->needs) != step->needs || (*status & step->forbids) != 0) {
            device->host->guest_error(device->device, "status bit %#x set too early or too late: status is %#x",
                                      step->bit, *status);
        } else if (step->check == NULL || step->check(device)) {
            *status |= step->bit;
            if (step->enter != NULL) {
                step->enter(device);
            }
        }
    }
}
