/* SPDX-License-Identifier: BSD-2-Clause */
/* A device model for tests of the virtio library, see probe.h. */
#include "tests/virtio/probe.h"

#include "tests/virtio/fake_host.h"

void probe_ready(struct ioreqd_device *device, void *state, struct ioreqd_virtio_queue *queue)
{
    struct probe *probe = state;
    struct ioreqd_virtio_request *request;

    (void)device;
    probe->readies++;
    probe->last = queue;
    while (!probe->lazy && (request = ioreqd_virtio_take(queue)) != NULL) {
        probe->taken++;
        if (probe->instant) {
            ioreqd_virtio_request_complete(request, 0);
        } else {
            probe->held[probe->count++] = request;
        }
    }
}

static void config_write(struct ioreqd_device *device, void *state, uint32_t offset, unsigned size, uint32_t value)
{
    struct probe *probe = state;

    (void)device;
    for (unsigned i = 0; i < size; i++) {
        probe->config[offset + i] = (uint8_t)(value >> (8 * i));
    }
}

static int create_old(struct ioreqd_device *device, void *state, struct ioreqd_description *description)
{
    static const struct ioreqd_virtio_dependency dependency[] = {
        IOREQD_VIRTIO_NEEDS(9, 10), IOREQD_VIRTIO_NEEDS(8, 9),        IOREQD_VIRTIO_NEEDS(1, 0),
        IOREQD_VIRTIO_NEEDS(5, 3),  IOREQD_VIRTIO_NEEDS_ONE(3, 1, 2),
    };
    struct probe *probe = state;
    const struct ioreqd_virtio_options options = {
        .features = {0x33f},
        .queues = description->queues,
        .queue_size = PROBE_SIZE,
        .config = probe->config,
        .config_length = sizeof(probe->config),
        .ready = probe_ready,
        .config_write = config_write,
        .dependency = dependency,
        .dependencies = sizeof(dependency) / sizeof(dependency[0]),
        .legacy_features = 1u << 20,
        .description = description,
    };

    return ioreqd_virtio_create(&probe->virtio, &fake_host, device, &options);
}

static int create(struct ioreqd_device *device, void *state, struct ioreqd_description *description)
{
    struct probe *probe = state;
    const struct ioreqd_virtio_options options = {
        .features = {1 | UINT64_C(1) << IOREQD_VIRTIO_F_IN_ORDER, UINT64_C(1) << 36}, /* bits 0 and 100 */
        .queues = description->queues,
        .queue_size = probe->size != 0 ? probe->size : PROBE_SIZE,
        .context_size = 24,
        .config = probe->config,
        .config_length = sizeof(probe->config),
        .ready = probe_ready,
        .config_write = config_write,
    };

    return ioreqd_virtio_create(&probe->virtio, &fake_host, device, &options);
}

static void destroy(struct ioreqd_device *device, void *state)
{
    (void)device;
    ioreqd_virtio_destroy(state);
}

static const struct ioreqd_description description = IOREQD_VIRTIO_DESCRIPTION(63, 0xff, 0, 0, 2, 8);

static const struct ioreqd_description description_old = IOREQD_VIRTIO_DESCRIPTION(4, 0xff, 0, 0, 2, 8);

static const struct ioreqd_property properties_old[] = {
    IOREQD_VIRTIO_TRANSITIONAL(struct probe, virtio),
    {.name = NULL},
};

static const struct ioreqd_field fields[] = {IOREQD_VIRTIO_FIELDS(struct probe, virtio, 2), {.tag = 0}};

const struct ioreqd_model probe_model = {
    .struct_size = sizeof(probe_model),
    .abi = IOREQD_ABI,
    .name = "probe",
    .summary = "for tests",
    .state_size = sizeof(struct probe),
    .state_version = 1,
    .description = &description,
    .field = fields,
    .create = create,
    .destroy = destroy,
    IOREQD_VIRTIO_CALLS,
};

const struct ioreqd_model probe_old_model = {
    .struct_size = sizeof(probe_old_model),
    .abi = IOREQD_ABI,
    .name = "probe-old",
    .summary = "for tests",
    .state_size = sizeof(struct probe),
    .state_version = 1,
    .description = &description_old,
    .property = properties_old,
    .field = fields,
    .create = create_old,
    .destroy = destroy,
    IOREQD_VIRTIO_CALLS,
};
