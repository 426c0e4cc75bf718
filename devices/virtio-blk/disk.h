/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of virtio-blk share: the disk, its device configuration (config.c), and its requests on their way
 * (request.c, ranges.c). A disk is the state of one device, owned by the host. The main loop makes it and changes its
 * configuration; the loops of the queues read what is settled before they run, and what is atomic here.
 */
#ifndef DEVICES_VIRTIO_BLK_DISK_H
#define DEVICES_VIRTIO_BLK_DISK_H

#include <ioreqd/virtio.h>
#include <stdbool.h>

#define SECTOR   512u /* unit of the protocol, whatever blk_size says */
#define ID_BYTES 20u

/* Greatest number of ranges in one request to discard, to zero or to erase: they are kept in the request. */
#define MAX_RANGES 16u

/* Feature bits (virtio 1.4 §5.2.3). */
enum feature {
    F_SEG_MAX = 2,
    F_RO = 5,
    F_BLK_SIZE = 6,
    F_FLUSH = 9,
    F_TOPOLOGY = 10,
    F_CONFIG_WCE = 11,
    F_MQ = 12,
    F_DISCARD = 13,
    F_WRITE_ZEROES = 14,
    F_SECURE_ERASE = 16
};

/* The device configuration up to the last member that a feature of ours gives a meaning (virtio 1.4 §5.2.4). */
enum config {
    CONFIG_CAPACITY = 0,
    CONFIG_SEG_MAX = 12,
    CONFIG_BLK_SIZE = 20,
    CONFIG_PHYSICAL_BLOCK_EXP = 24,
    CONFIG_MIN_IO_SIZE = 26,
    CONFIG_OPT_IO_SIZE = 28,
    CONFIG_WRITEBACK = 32,
    CONFIG_NUM_QUEUES = 34,
    CONFIG_MAX_DISCARD_SECTORS = 36,
    CONFIG_MAX_DISCARD_SEG = 40,
    CONFIG_DISCARD_SECTOR_ALIGNMENT = 44,
    CONFIG_MAX_WRITE_ZEROES_SECTORS = 48,
    CONFIG_MAX_WRITE_ZEROES_SEG = 52,
    CONFIG_WRITE_ZEROES_MAY_UNMAP = 56,
    CONFIG_MAX_SECURE_ERASE_SECTORS = 60,
    CONFIG_MAX_SECURE_ERASE_SEG = 64,
    CONFIG_SECURE_ERASE_SECTOR_ALIGNMENT = 68,
    CONFIG_LENGTH = 72
};

/* Request types and status (virtio 1.4 §5.2.6). */
enum type {
    TYPE_IN = 0,
    TYPE_OUT = 1,
    TYPE_FLUSH = 4,
    TYPE_FLUSH_OUT = 5, /* of legacy drivers: the same */
    TYPE_GET_ID = 8,
    TYPE_DISCARD = 11,
    TYPE_WRITE_ZEROES = 13,
    TYPE_SECURE_ERASE = 14
};
enum status { STATUS_OK = 0, STATUS_IOERR = 1, STATUS_UNSUPP = 2 };

/* The types that come with a list of ranges. */
enum ranged_type { RANGED_DISCARD, RANGED_ZEROES, RANGED_ERASE, RANGED_TYPES };

struct disk {
    struct ioreqd_virtio virtio; /* first: the library's calls are given this */
    const struct ioreqd_host *host;
    struct ioreqd_device *device;
    struct ioreqd_bell bell; /* of as many queues as there are */

    /*
     * The main loop writes it, and reads it for the driver. The byte at CONFIG_WRITEBACK is where the cache mode is
     * kept: queues read it as an atomic.
     */
    uint8_t config[CONFIG_LENGTH];
    _Atomic uint64_t sectors; /* changes while requests run */

    /* Settled by create(). */
    uint32_t block; /* bytes of a logical block */
    bool read_only;
    bool may_unmap;              /* zeroes may give room back */
    uint32_t most[RANGED_TYPES]; /* sectors of one range; 0: the disk cannot do it */

    struct ioreqd_file *file;
    uint8_t property_readonly;
    uint8_t property_write_cache;
    uint8_t property_discard;
    uint32_t property_queues;
    uint32_t property_queue_size;
    uint64_t property_logical_block;
    uint64_t property_physical_block;
    uint64_t property_minimum_io;
    uint64_t property_optimal_io;
    char property_serial[ID_BYTES + 1];

    _Atomic uint64_t reads;
    _Atomic uint64_t writes;
    _Atomic uint64_t flushes;
    _Atomic uint64_t ranged[RANGED_TYPES];
    _Atomic uint64_t bytes_read;
    _Atomic uint64_t bytes_written;
    _Atomic uint64_t errors;
};

/* As the driver writes it, but for the byte order. */
struct range {
    uint64_t sector;
    uint32_t sectors;
    uint32_t flags;
};

/* What a request on its way to the file needs; in the context of the virtio request, on the loop of its queue. */
struct transfer {
    struct ioreqd_file_request file; /* first: done() is given this */
    struct ioreqd_virtio_request *request;
    struct disk *disk;
    uint32_t length;    /* bytes of data */
    bool write_through; /* flush before what was written is told to be done */
    uint8_t ranges;
    uint8_t next; /* range to be started */
    struct range range[MAX_RANGES];
};

static inline void disk_count(_Atomic uint64_t *counter, uint64_t more)
{
    atomic_fetch_add_explicit(counter, more, memory_order_relaxed);
}

/* Whether sectors lie on the disk, as large as it is now. The file refuses what a shrinking disk leaves behind. */
static inline bool disk_has(struct disk *disk, uint64_t sector, uint64_t sectors)
{
    uint64_t all = atomic_load_explicit(&disk->sectors, memory_order_relaxed);

    return sector <= all && sectors <= all - sector;
}

/*
 * Whether a write has to be stable when it is told to be done (virtio 1.4 §5.2.6.2). What the driver wrote before it made
 * the request available is seen here.
 */
static inline bool disk_writes_through(const struct disk *disk)
{
    return __atomic_load_n(&disk->config[CONFIG_WRITEBACK], __ATOMIC_RELAXED) == 0;
}

/* ---- config.c, on the main loop ---- */

/* Checks the properties that concern the medium, and fills in the device configuration. The features to offer, or 0. */
uint64_t disk_config_create(struct disk *disk);
/* Calls of struct ioreqd_virtio_options. */
void disk_config_write(struct ioreqd_device *device, void *state, uint32_t offset, unsigned size, uint32_t value);
void disk_config_reset(struct ioreqd_device *device, void *state);
int disk_config_negotiate(struct ioreqd_device *device, void *state);
/* Has the disk follow the size of its file from now on. */
void disk_config_watch_size(struct disk *disk);

/* ---- request.c and ranges.c, on the loop of the request's queue ---- */

/* Serves a request, which is answered now or later. */
void disk_request_start(struct disk *disk, struct ioreqd_virtio_request *request);

/*
 * Answers it. written: bytes of the device-writable part before its last one, the status, that are known to be written.
 */
void disk_request_finish(struct disk *disk, struct ioreqd_virtio_request *request, enum status status,
                         uint32_t written);

/* The transfer of a request with an operation of the file, which done() is told the end of; and its start. */
struct transfer *disk_transfer(struct disk *disk, struct ioreqd_virtio_request *request, uint8_t operation,
                               void (*done)(struct ioreqd_file_request *file));
void disk_transfer_submit(struct transfer *transfer);
/* Answers a request whose writes are done, with a flush before if they have to be stable. */
void disk_transfer_written(struct transfer *transfer);

/* Serves a request with a list of ranges, which follow the header of header bytes. */
void disk_ranges_start(struct disk *disk, struct ioreqd_virtio_request *request, enum ranged_type type,
                       uint32_t header);

#endif
