/* SPDX-License-Identifier: BSD-2-Clause */
/* Feature negotiation (virtio 1.4 §2.2): what is offered, what may be accepted, and which bit needs which. Main loop. */
#ifndef IOREQD_VIRTIO_INTERNAL_FEATURES_H
#define IOREQD_VIRTIO_INTERNAL_FEATURES_H

#include "virtio/device.h"

/* Whether a model may offer these. */
bool virtio_features_allowed(const struct ioreqd_virtio_options *options);

/* Takes back what is offered without the bits that it needs, and makes the offer to legacy drivers of the rest. */
void virtio_features_settle_offer(struct ioreqd_virtio_device *device);

/* Whether the driver's choice can be agreed to; if not, the guest's error says why. */
bool virtio_features_agree(struct ioreqd_virtio_device *device);

/* A legacy driver accepts bits 0 to 31. It has no way to hear of a refusal: it gets what can be had. */
void virtio_features_accept_legacy(struct ioreqd_virtio_device *device, uint32_t value);

/* Tells the model what was agreed on; false when it refuses. Before any queue runs. */
bool virtio_features_settle(struct ioreqd_virtio_device *device);

#endif
