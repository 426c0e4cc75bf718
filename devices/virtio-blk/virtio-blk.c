/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtio-blk: a disk on a file or block device (virtio 1.4 §5.2). Its device configuration is in config.c, its requests
 * are in request.c and ranges.c. Here are its life, on the main loop, and what it says of itself.
 */
#include "disk.h"

#include <errno.h>

#define DEVICE_TYPE 2
#define MAX_QUEUES  16

static const struct ioreqd_host *host;

static void ready(struct ioreqd_device *device, void *state, struct ioreqd_virtio_queue *queue)
{
    struct ioreqd_virtio_request *request;

    (void)device;
    while ((request = ioreqd_virtio_take(queue)) != NULL) {
        disk_request_start(state, request);
    }
}

/* What PCI sees is made for the most queues that a disk may have. */
static void limit_queues(struct disk *disk, struct ioreqd_description *description)
{
    uint16_t queues = (uint16_t)disk->property_queues;

    disk->bell = description->bell[0];
    disk->bell.count = queues;
    description->bell = &disk->bell;
    description->queues = queues;
    description->queue_group = 1; /* they have nothing in common but the file */
    description->msix = (uint16_t)(queues + 1);
}

static int create(struct ioreqd_device *device, void *state, struct ioreqd_description *description)
{
    struct disk *disk = state;
    uint32_t queue_size = disk->property_queue_size;
    struct ioreqd_virtio_options options = {
        .queues = (uint16_t)disk->property_queues,
        .queue_size = (uint16_t)queue_size,
        .context_size = sizeof(struct transfer),
        .config = disk->config,
        .config_length = sizeof(disk->config),
        .ready = ready,
        .config_write = disk_config_write,
        .user_formats = 1,
        .description = description,
        .reset = disk_config_reset,
        .negotiate = disk_config_negotiate,
    };
    int error;

    disk->host = host;
    disk->device = device;
    disk->read_only = disk->property_readonly != 0 || host->file_read_only(disk->file);
    if ((queue_size & (queue_size - 1)) != 0) {
        host->property_error(device, "queue-size", "%u is no power of 2: use one from 4 to %u", queue_size,
                             IOREQD_VIRTIO_MAX_QUEUE_SIZE);
        return -EINVAL;
    }
    options.features[0] = disk_config_create(disk);
    if (options.features[0] == 0) {
        return -EINVAL;
    }
    limit_queues(disk, description);
    error = ioreqd_virtio_create(&disk->virtio, host, device, &options);
    if (error == 0) {
        disk_config_watch_size(disk);
    }
    return error;
}

static void destroy(struct ioreqd_device *device, void *state)
{
    struct disk *disk = state;

    (void)device;
    ioreqd_virtio_destroy(&disk->virtio);
}

/* ------------------------------------------------------------------------------------------------------------------
 * What it says of itself
 */

static const struct ioreqd_description description =
    IOREQD_VIRTIO_DESCRIPTION(DEVICE_TYPE, 0x01, 0x00, 0x00, MAX_QUEUES, CONFIG_LENGTH);

static const struct ioreqd_property properties[] = {
    {.name = "file",
     .help = "image file or block device that holds the disk; its size is the disk's",
     .kind = IOREQD_PROPERTY_FILE,
     .flags = IOREQD_PROPERTY_REQUIRED,
     .offset = offsetof(struct disk, file),
     .read_only_by = "readonly"},
    {.name = "readonly",
     .fallback = "off",
     .help = "the guest may not write, and the file is opened for reading only",
     .kind = IOREQD_PROPERTY_BOOL,
     .offset = offsetof(struct disk, property_readonly)},
    {.name = "serial",
     .fallback = "",
     .help = "serial number that the guest sees, up to 20 characters",
     .kind = IOREQD_PROPERTY_STRING,
     .offset = offsetof(struct disk, property_serial),
     .maximum = ID_BYTES},
    {.name = "write-cache",
     .fallback = "on",
     .help = "off: each write is on the medium before the guest is told that it is done, until the guest turns it on",
     .kind = IOREQD_PROPERTY_BOOL,
     .offset = offsetof(struct disk, property_write_cache)},
    {.name = "discard",
     .fallback = "on",
     .help = "the guest may give back the room of what it does not need any more",
     .kind = IOREQD_PROPERTY_BOOL,
     .offset = offsetof(struct disk, property_discard)},
    {.name = "logical-block",
     .help = "bytes of a block: 512 to 4096, a power of 2; 0: as the file has it",
     .kind = IOREQD_PROPERTY_SIZE,
     .offset = offsetof(struct disk, property_logical_block),
     .maximum = 4096},
    {.name = "physical-block",
     .help = "bytes that the medium writes at once: a power of 2; 0: as the file has it",
     .kind = IOREQD_PROPERTY_SIZE,
     .offset = offsetof(struct disk, property_physical_block),
     .maximum = 1 << 20},
    {.name = "minimum-io",
     .help = "bytes that a request should have at least; 0: as the file has it",
     .kind = IOREQD_PROPERTY_SIZE,
     .offset = offsetof(struct disk, property_minimum_io),
     .maximum = 1 << 24},
    {.name = "optimal-io",
     .help = "bytes that a request should rather have; 0: as the file has it",
     .kind = IOREQD_PROPERTY_SIZE,
     .offset = offsetof(struct disk, property_optimal_io),
     .maximum = 1 << 30},
    {.name = "queues",
     .fallback = "1",
     .help = "queues that the guest may use side by side, best one for each of its processors",
     .kind = IOREQD_PROPERTY_U32,
     .offset = offsetof(struct disk, property_queues),
     .minimum = 1,
     .maximum = MAX_QUEUES},
    {.name = "queue-size",
     .fallback = "256",
     .help = "descriptors of each queue: a power of 2",
     .kind = IOREQD_PROPERTY_U32,
     .offset = offsetof(struct disk, property_queue_size),
     .minimum = 4, /* header, data and status, and a power of 2 */
     .maximum = IOREQD_VIRTIO_MAX_QUEUE_SIZE},
    IOREQD_VIRTIO_PROPERTIES(struct disk, virtio),
    IOREQD_VIRTIO_TRANSITIONAL(struct disk, virtio),
    {.name = NULL},
};

static const struct ioreqd_field fields[] = {
    IOREQD_VIRTIO_FIELDS(struct disk, virtio, MAX_QUEUES),
    {.tag = 1,
     .kind = IOREQD_FIELD_U8,
     .since = 1,
     .offset = offsetof(struct disk, config) + CONFIG_WRITEBACK,
     .count = 1}, /* the cache mode */
    {.tag = 0},
};

static const struct ioreqd_counter counters[] = {
    {.name = "reads", .unit = "requests", .offset = offsetof(struct disk, reads)},
    {.name = "writes", .unit = "requests", .offset = offsetof(struct disk, writes)},
    {.name = "flushes", .unit = "requests", .offset = offsetof(struct disk, flushes)},
    {.name = "discards", .unit = "requests", .offset = offsetof(struct disk, ranged[RANGED_DISCARD])},
    {.name = "write-zeroes", .unit = "requests", .offset = offsetof(struct disk, ranged[RANGED_ZEROES])},
    {.name = "erases", .unit = "requests", .offset = offsetof(struct disk, ranged[RANGED_ERASE])},
    {.name = "bytes-read", .unit = "bytes", .offset = offsetof(struct disk, bytes_read)},
    {.name = "bytes-written", .unit = "bytes", .offset = offsetof(struct disk, bytes_written)},
    {.name = "errors", .unit = "requests", .offset = offsetof(struct disk, errors)},
    {.name = NULL},
};

static const struct ioreqd_model model = {
    .struct_size = sizeof(model),
    .abi = IOREQD_ABI,
    .name = "virtio-blk",
    .summary = "disk on an image file or block device",
    .state_size = sizeof(struct disk),
    .state_version = 1,
    .description = &description,
    .property = properties,
    .field = fields,
    .counter = counters,
    .create = create,
    .destroy = destroy,
    IOREQD_VIRTIO_CALLS,
};

const struct ioreqd_model *const *ioreqd_module(const struct ioreqd_host *given)
{
    static const struct ioreqd_model *const models[] = {&model, NULL};

    host = given;
    return models;
}
