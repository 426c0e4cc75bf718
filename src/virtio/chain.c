/* SPDX-License-Identifier: BSD-2-Clause */
/* Chains of descriptors, see chain.h. */
#include "virtio/chain.h"

#include <errno.h>

enum ring_result chain_refuse(const struct ioreqd_virtio_queue *queue, const char *why)
{
    virtio_device_break(queue->device, "queue %u: %s", queue->index, why);
    return RING_BROKEN;
}

enum ring_result chain_stop(const struct ioreqd_virtio_queue *queue, const char *why)
{
    return why == request_no_room ? RING_FULL : chain_refuse(queue, why);
}

enum ring_result chain_fetch_table(struct ioreqd_virtio_queue *queue, const struct chain_element *element,
                                   unsigned *descriptors)
{
    const struct ioreqd_host *host = queue->device->host;
    unsigned count = element->length / (unsigned)sizeof(*queue->table);
    int error;

    if (!queue->indirect) {
        return chain_refuse(queue, "indirect descriptor, but the feature was not accepted");
    }
    if ((element->flags & DESCRIPTOR_NEXT) != 0) { /* (§2.7.5.3.1, §2.8.19) */
        return chain_refuse(queue, "descriptor with both INDIRECT and NEXT");
    }
    if (count == 0 || element->length % sizeof(*queue->table) != 0) {
        return chain_refuse(queue, "indirect table whose length is 0 or no multiple of 16");
    }
    /* Real drivers go by what the device takes, not by the queue's size as §2.7.5.3.1 would have them. */
    if (count > queue->pool.chain) {
        return chain_refuse(queue, "indirect table of more descriptors than the device takes");
    }
    error = host->dma_read(queue->device->device, element->address, queue->table, element->length);
    if (error == -EIO) {
        return RING_LATER;
    }
    if (error != 0) {
        return chain_refuse(queue, "indirect table that lies outside of memory");
    }
    *descriptors = count;
    return RING_TAKEN;
}
