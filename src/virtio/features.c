/* SPDX-License-Identifier: BSD-2-Clause */
/* Feature negotiation, see features.h. Main loop. */
#include "virtio/features.h"

#include <string.h>

/*
 * Bits of the transport that nothing here stands behind, so that no model may offer them: 30, by which early drivers
 * were found out, SR_IOV, NOTIF_CONFIG_DATA, ADMIN_VQ, SUSPEND, and what is reserved (virtio 1.4 §2.2, §6).
 */
static const uint64_t unserved = UINT64_C(1) << 30 | UINT64_C(1) << 37 | UINT64_C(1) << 39 | UINT64_C(1) << 41 |
                                 UINT64_C(1) << 43 | UINT64_C(0x3f) << 44;

static bool has(const uint32_t *words, unsigned bit)
{
    return bit < 128 && (words[bit / 32] >> (bit % 32) & 1u) != 0;
}

static void drop(uint32_t *words, unsigned bit)
{
    words[bit / 32] &= ~(UINT32_C(1) << (bit % 32));
}

/* The first of the model's dependencies that is not met, or NULL. */
static const struct ioreqd_virtio_dependency *find_unmet(const struct ioreqd_virtio_device *device,
                                                         const uint32_t *words)
{
    for (unsigned i = 0; i < device->options.dependencies; i++) {
        const struct ioreqd_virtio_dependency *one = &device->options.dependency[i];

        if (has(words, one->bit) && !has(words, one->needs) && !has(words, one->alternative)) {
            return one;
        }
    }
    return NULL;
}

/* Each round drops a bit, which may have been another one's need. */
static void drop_unmet(const struct ioreqd_virtio_device *device, uint32_t *words)
{
    const struct ioreqd_virtio_dependency *unmet;

    while ((unmet = find_unmet(device, words)) != NULL) {
        drop(words, unmet->bit);
    }
}

bool virtio_features_allowed(const struct ioreqd_virtio_options *options)
{
    return (options->features[0] & unserved) == 0 && (options->legacy_features & unserved) == 0;
}

void virtio_features_settle_offer(struct ioreqd_virtio_device *device)
{
    uint32_t words[4] = {0};

    drop_unmet(device, device->offered);
    /* ANY_LAYOUT is true of every model, as requests are read by offset; such a device must say it (§6.3). */
    words[0] = device->offered[0] | device->options.legacy_features | UINT32_C(1) << IOREQD_VIRTIO_F_ANY_LAYOUT;
    drop_unmet(device, words);
    device->legacy_offered = words[0];
}

bool virtio_features_agree(struct ioreqd_virtio_device *device)
{
    const struct ioreqd_virtio_dependency *unmet;

    for (unsigned i = 0; i < 4; i++) {
        uint32_t unknown = device->registers->driver_feature[i] & ~device->offered[i];

        if (unknown != 0) {
            device->host->guest_error(device->device, "driver accepts features %#x of word %u that are not offered",
                                      unknown, i);
            return false;
        }
    }
    /* Legacy drivers have an interface of their own, or none (§6.1). */
    if (!virtio_device_negotiated(device, IOREQD_VIRTIO_F_VERSION_1)) {
        device->host->guest_error(device->device, "driver does not accept VIRTIO_F_VERSION_1: a legacy driver?");
        return false;
    }
    unmet = find_unmet(device, device->registers->driver_feature);
    if (unmet != NULL) {
        device->host->guest_error(device->device, "driver accepts feature %u without feature %u, which it needs",
                                  unmet->bit, unmet->needs);
        return false;
    }
    return virtio_features_settle(device);
}

bool virtio_features_settle(struct ioreqd_virtio_device *device)
{
    device->settled =
        device->options.negotiate == NULL || device->options.negotiate(device->device, device->state) == 0;
    return device->settled;
}

void virtio_features_accept_legacy(struct ioreqd_virtio_device *device, uint32_t value)
{
    uint32_t words[4] = {value & device->legacy_offered};

    drop_unmet(device, words);
    if (words[0] != value) {
        device->host->guest_error(device->device, "legacy driver accepts features %#x, and gets %#x", value, words[0]);
    }
    memcpy(device->registers->driver_feature, words, sizeof(words));
}
