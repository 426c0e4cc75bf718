/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtio-blk: a disk on a file or block device (virtio 1.4 §5.2).
 *
 * Requests are started on the loop of their queue and end there, in any order, when the file has answered; data moves
 * between guest memory and file without a stop in between. Nothing is kept between requests, so that any number of
 * queues could share the file: what a queue's requests need lies in the requests.
 */
#include <errno.h>
#include <ioreqd/virtio.h>
#include <stdbool.h>
#include <string.h>

#define DEVICE_TYPE 2
#define QUEUES      1
#define SECTOR      512u /* unit of the protocol, whatever blk_size says */
#define ID_BYTES    20u

/* Greatest number of data descriptors: twice as many pieces still fit one preadv(). */
#define MAX_SEGMENTS 510u

/* Feature bits (§5.2.3). */
#define F_SEG_MAX  2
#define F_RO       5
#define F_BLK_SIZE 6
#define F_FLUSH    9

/* Request types and status (§5.2.6). */
enum type { TYPE_IN = 0, TYPE_OUT = 1, TYPE_FLUSH = 4, TYPE_GET_ID = 8 };
enum status { STATUS_OK = 0, STATUS_IOERR = 1, STATUS_UNSUPP = 2 };

/* The device-readable head of each request, little-endian (§5.2.6). */
struct header {
    uint8_t type[4];
    uint8_t reserved[4];
    uint8_t sector[8];
};

/* The device configuration up to the last member that a feature of ours gives a meaning (§5.2.4). */
enum config { CONFIG_CAPACITY = 0, CONFIG_SEG_MAX = 12, CONFIG_BLK_SIZE = 20, CONFIG_LENGTH = 24 };

struct disk {
    struct ioreqd_virtio virtio; /* first: the library's calls are given this */
    struct ioreqd_device *device;
    uint64_t sectors;
    bool read_only;
    uint8_t config[CONFIG_LENGTH];

    struct ioreqd_file *file;
    uint8_t property_readonly;
    uint32_t property_queue_size;
    char property_serial[ID_BYTES + 1];

    _Atomic uint64_t reads;
    _Atomic uint64_t writes;
    _Atomic uint64_t flushes;
    _Atomic uint64_t bytes_read;
    _Atomic uint64_t bytes_written;
    _Atomic uint64_t errors;
};

/* What a request on its way to the file needs; in the context of the virtio request, on the loop of its queue. */
struct transfer {
    struct ioreqd_file_request file; /* first: done() is given this */
    struct ioreqd_virtio_request *request;
    struct disk *disk;
    uint32_t length;    /* bytes of data */
    bool write_through; /* flush before the write is told to be done */
};

static const struct ioreqd_host *host;

static void count(_Atomic uint64_t *counter, uint64_t more)
{
    atomic_fetch_add_explicit(counter, more, memory_order_relaxed);
}

static uint64_t get_le(const uint8_t *bytes, unsigned size)
{
    uint64_t value = 0;

    for (unsigned i = size; i-- > 0;) {
        value = value << 8 | bytes[i];
    }
    return value;
}

static void put_le(uint8_t *bytes, unsigned size, uint64_t value)
{
    for (unsigned i = 0; i < size; i++) {
        bytes[i] = (uint8_t)(value >> (8 * i));
    }
}

/* ------------------------------------------------------------------------------------------------------------------
 * Requests, on the loop of their queue
 */

/*
 * Ends a request. written: bytes of the device-writable part before its last one, the status, that are known to be
 * written. Only when that is all of them does the used length reach the status (§2.7.8.2).
 */
static void finish(struct disk *disk, struct ioreqd_virtio_request *request, enum status status, uint32_t written)
{
    uint32_t data = ioreqd_virtio_request_writable(request) - 1;
    uint8_t byte = (uint8_t)status;
    int error = ioreqd_virtio_request_write(request, data, &byte, 1);

    if (error == -EFAULT) {
        ioreqd_virtio_broken(&disk->virtio, "status of a block request lies outside of memory");
    }
    if (status != STATUS_OK) {
        count(&disk->errors, 1);
    }
    ioreqd_virtio_request_complete(request, error != 0 || written < data ? written : data + 1);
}

static void done(struct ioreqd_file_request *file)
{
    struct transfer *transfer = (struct transfer *)file;
    struct disk *disk = transfer->disk;

    if (file->result != 0) {
        finish(disk, transfer->request, STATUS_IOERR, 0);
        return;
    }
    switch (file->operation) {
    case IOREQD_FILE_READ:
        count(&disk->bytes_read, transfer->length);
        finish(disk, transfer->request, STATUS_OK, transfer->length);
        break;
    case IOREQD_FILE_WRITE:
        count(&disk->bytes_written, transfer->length);
        if (transfer->write_through) {
            file->operation = IOREQD_FILE_FLUSH;
            host->file_submit(disk->device, ioreqd_virtio_request_loop(transfer->request), disk->file, file);
            break;
        }
        finish(disk, transfer->request, STATUS_OK, 0);
        break;
    default: /* flushed */
        finish(disk, transfer->request, STATUS_OK, 0);
        break;
    }
}

static struct transfer *transfer_of(struct disk *disk, struct ioreqd_virtio_request *request, uint8_t operation)
{
    struct transfer *transfer = ioreqd_virtio_request_context(request);

    transfer->file.operation = operation;
    transfer->file.offset = 0;
    transfer->file.iov = NULL;
    transfer->file.iov_count = 0;
    transfer->file.done = done;
    transfer->request = request;
    transfer->disk = disk;
    transfer->length = 0;
    transfer->write_through = false;
    return transfer;
}

static void submit(struct transfer *transfer)
{
    host->file_submit(transfer->disk->device, ioreqd_virtio_request_loop(transfer->request), transfer->disk->file,
                      &transfer->file);
}

/* Reads or writes length bytes; in the chain they begin at skip of their side. */
static void transfer_data(struct disk *disk, struct ioreqd_virtio_request *request, uint64_t sector, uint32_t skip,
                          uint32_t length, bool write)
{
    struct transfer *transfer;

    if (length % SECTOR != 0 || sector > disk->sectors || length / SECTOR > disk->sectors - sector ||
        (write && disk->read_only)) {
        finish(disk, request, STATUS_IOERR, 0);
        return;
    }
    if (length == 0) {
        finish(disk, request, STATUS_OK, 0);
        return;
    }
    transfer = transfer_of(disk, request, write ? IOREQD_FILE_WRITE : IOREQD_FILE_READ);
    if (ioreqd_virtio_request_map(request, write ? IOREQD_FROM_GUEST : IOREQD_TO_GUEST, skip, length,
                                  &transfer->file.iov, &transfer->file.iov_count) != 0) {
        finish(disk, request, STATUS_IOERR, 0);
        return;
    }
    transfer->file.offset = sector * SECTOR;
    transfer->length = length;
    /*
     * A driver that was offered FLUSH and did not take it knows no volatile cache: its writes must be stable when
     * they are done (§5.2.6.2).
     */
    transfer->write_through = !ioreqd_virtio_negotiated(&disk->virtio, F_FLUSH);
    submit(transfer);
}

/* The serial number, padded with zeros to 20 bytes; it needs no end if it has all of them (§5.2.6). */
static void get_id(struct disk *disk, struct ioreqd_virtio_request *request)
{
    uint32_t room = ioreqd_virtio_request_writable(request) - 1;
    uint32_t length = room < ID_BYTES ? room : ID_BYTES;
    int error = ioreqd_virtio_request_write(request, 0, disk->property_serial, length);

    finish(disk, request, error == 0 ? STATUS_OK : STATUS_IOERR, error == 0 ? length : 0);
}

static void start(struct disk *disk, struct ioreqd_virtio_request *request)
{
    uint32_t readable = ioreqd_virtio_request_readable(request);
    uint32_t writable = ioreqd_virtio_request_writable(request);
    struct header header;
    int error;

    if (readable < sizeof(header) || writable == 0) {
        ioreqd_virtio_broken(&disk->virtio, "block request of %u readable and %u writable bytes", readable, writable);
        ioreqd_virtio_request_complete(request, 0);
        return;
    }
    error = ioreqd_virtio_request_read(request, 0, &header, sizeof(header));
    if (error != 0) {
        finish(disk, request, STATUS_IOERR, 0);
        return;
    }
    uint64_t sector = get_le(header.sector, sizeof(header.sector));
    switch (get_le(header.type, sizeof(header.type))) {
    case TYPE_IN:
        count(&disk->reads, 1);
        transfer_data(disk, request, sector, 0, writable - 1, false);
        break;
    case TYPE_OUT:
        count(&disk->writes, 1);
        transfer_data(disk, request, sector, sizeof(header), readable - (uint32_t)sizeof(header), true);
        break;
    case TYPE_FLUSH:
        count(&disk->flushes, 1);
        submit(transfer_of(disk, request, IOREQD_FILE_FLUSH));
        break;
    case TYPE_GET_ID:
        get_id(disk, request);
        break;
    default:
        finish(disk, request, STATUS_UNSUPP, 0);
        break;
    }
}

static void ready(struct ioreqd_device *device, void *state, struct ioreqd_virtio_queue *queue)
{
    struct ioreqd_virtio_request *request;

    (void)device;
    while ((request = ioreqd_virtio_take(queue)) != NULL) {
        start(state, request);
    }
}

/* ------------------------------------------------------------------------------------------------------------------
 * The device, on the main loop
 */

static int check_properties(struct disk *disk)
{
    uint64_t size = host->file_size(disk->file);
    uint32_t queue_size = disk->property_queue_size;

    if (size == 0) {
        host->property_error(disk->device, "file",
                             "the file is empty: give it the size of the disk, as with "
                             "\"truncate -s 10G FILE\"");
        return -EINVAL;
    }
    if (size % SECTOR != 0) {
        host->property_error(disk->device, "file",
                             "the size of %llu bytes is no multiple of %u: extend it with \"truncate -s %%%u FILE\"",
                             (unsigned long long)size, SECTOR, SECTOR);
        return -EINVAL;
    }
    if ((queue_size & (queue_size - 1)) != 0) {
        host->property_error(disk->device, "queue-size", "%u is no power of 2: use one from 4 to %u", queue_size,
                             IOREQD_VIRTIO_MAX_QUEUE_SIZE);
        return -EINVAL;
    }
    return 0;
}

static int create(struct ioreqd_device *device, void *state, struct ioreqd_description *description)
{
    struct disk *disk = state;
    struct ioreqd_virtio_options options = {
        .queues = description->queues,
        .context_size = sizeof(struct transfer),
        .config = disk->config,
        .config_length = sizeof(disk->config),
        .ready = ready,
        .user_formats = 1,
        .description = description,
    };

    disk->device = device;
    if (check_properties(disk) != 0) {
        return -EINVAL;
    }
    disk->sectors = host->file_size(disk->file) / SECTOR;
    disk->read_only = disk->property_readonly != 0 || host->file_read_only(disk->file);
    /* Without indirect descriptors header and status take two of a queue's. */
    uint32_t segments = disk->property_queue_size - 2;
    put_le(disk->config + CONFIG_CAPACITY, 8, disk->sectors);
    put_le(disk->config + CONFIG_SEG_MAX, 4, segments < MAX_SEGMENTS ? segments : MAX_SEGMENTS);
    put_le(disk->config + CONFIG_BLK_SIZE, 4, SECTOR);
    options.queue_size = (uint16_t)disk->property_queue_size;
    options.features[0] = UINT64_C(1) << F_SEG_MAX | UINT64_C(1) << F_BLK_SIZE | UINT64_C(1) << F_FLUSH;
    if (disk->read_only) {
        options.features[0] |= UINT64_C(1) << F_RO;
    }
    return ioreqd_virtio_create(&disk->virtio, host, device, &options);
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
    IOREQD_VIRTIO_DESCRIPTION(DEVICE_TYPE, 0x01, 0x00, 0x00, QUEUES, CONFIG_LENGTH);

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
    {.name = "queue-size",
     .fallback = "256",
     .help = "requests that the guest may have in flight: a power of 2",
     .kind = IOREQD_PROPERTY_U32,
     .offset = offsetof(struct disk, property_queue_size),
     .minimum = 4, /* header, data and status, and a power of 2 */
     .maximum = IOREQD_VIRTIO_MAX_QUEUE_SIZE},
    IOREQD_VIRTIO_PROPERTIES(struct disk, virtio),
    IOREQD_VIRTIO_TRANSITIONAL(struct disk, virtio),
    {.name = NULL},
};

static const struct ioreqd_field fields[] = {
    IOREQD_VIRTIO_FIELDS(struct disk, virtio, QUEUES),
    {.tag = 0},
};

static const struct ioreqd_counter counters[] = {
    {.name = "reads", .unit = "requests", .offset = offsetof(struct disk, reads)},
    {.name = "writes", .unit = "requests", .offset = offsetof(struct disk, writes)},
    {.name = "flushes", .unit = "requests", .offset = offsetof(struct disk, flushes)},
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
