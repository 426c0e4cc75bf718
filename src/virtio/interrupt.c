/* SPDX-License-Identifier: BSD-2-Clause */
/* Interrupts of a virtio device, see interrupt.h. */
#include "virtio/interrupt.h"

#include "virtio/registers.h"

uint16_t virtio_interrupt_vector(const struct ioreqd_virtio_device *device, uint16_t vector)
{
    return vector < device->vectors ? vector : VIRTIO_NO_VECTOR;
}

/*
 * The line follows the ISR status. A queue loop may set a cause while the main loop clears: whoever drives the line
 * looks at the status again afterwards, so that the last one to drive it leaves the right level.
 */
static void drive_line(struct ioreqd_virtio_device *device)
{
    bool level;

    do {
        level = atomic_load(&device->registers->isr) != 0;
        device->host->intx(device->device, level);
    } while (level != (atomic_load(&device->registers->isr) != 0));
}

void virtio_interrupt_queue(struct ioreqd_virtio_device *device, uint16_t vector)
{
    if (!device->host->msix_enabled(device->device)) {
        atomic_fetch_or(&device->registers->isr, VIRTIO_ISR_QUEUE);
        drive_line(device);
    } else if (vector != VIRTIO_NO_VECTOR) {
        device->host->msix(device->device, vector);
    }
}

void virtio_interrupt_config(struct ioreqd_virtio_device *device)
{
    uint16_t vector = device->registers->config_vector;

    /* Set whichever way the notification goes (virtio 1.4 §4.1.4.5.1); the host keeps the line low under MSI-X. */
    atomic_fetch_or(&device->registers->isr, VIRTIO_ISR_CONFIG);
    drive_line(device);
    if (device->host->msix_enabled(device->device) && vector != VIRTIO_NO_VECTOR) {
        device->host->msix(device->device, vector);
    }
}

uint8_t virtio_interrupt_read_isr(struct ioreqd_virtio_device *device)
{
    uint8_t causes = atomic_exchange(&device->registers->isr, 0);

    drive_line(device);
    return causes;
}

void virtio_interrupt_clear(struct ioreqd_virtio_device *device)
{
    virtio_interrupt_read_isr(device);
}
