/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Requests with a list of ranges: discard, write zeroes and secure erase (virtio 1.4 §5.2.6). The list is copied into the
 * request once, and checked as a whole before anything of it is done. Its ranges then go to the file one after the
 * other. On the loop of the request's queue.
 */
#include "disk.h"

#include <endian.h>
#include <errno.h>

#define FLAG_UNMAP 0x1u

_Static_assert(sizeof(struct range) == 16, "without gaps, as the driver writes it");

static const struct kind {
    uint8_t operation; /* of the file */
    uint8_t flags;     /* that a range may have */
    bool stable;       /* with write-through: what the sectors read as afterwards is a promise */
} kinds[RANGED_TYPES] = {
    [RANGED_DISCARD] = {IOREQD_FILE_DISCARD, 0, false},
    [RANGED_ZEROES] = {IOREQD_FILE_WRITE_ZEROES, FLAG_UNMAP, true},
    [RANGED_ERASE] = {IOREQD_FILE_ERASE, 0, true},
};

/* Starts the next range, or answers the request after the last. */
static void go_on(struct transfer *transfer)
{
    struct disk *disk = transfer->disk;

    while (transfer->next < transfer->ranges) {
        const struct range *range = &transfer->range[transfer->next++];

        if (range->sectors == 0) {
            continue;
        }
        if (!disk_has(disk, range->sector, range->sectors)) { /* it has shrunk meanwhile */
            disk_request_finish(disk, transfer->request, STATUS_IOERR, 0);
            return;
        }
        transfer->file.flags = (range->flags & FLAG_UNMAP) != 0 && disk->may_unmap ? IOREQD_FILE_MAY_UNMAP : 0;
        transfer->file.offset = range->sector * SECTOR;
        transfer->file.length = (uint64_t)range->sectors * SECTOR;
        disk_transfer_submit(transfer);
        return;
    }
    disk_transfer_written(transfer);
}

/* A file may find out only now that what lies below it cannot do it. */
static void range_done(struct ioreqd_file_request *file)
{
    struct transfer *transfer = (struct transfer *)file;

    if (file->result != 0) {
        disk_request_finish(transfer->disk, transfer->request,
                            file->result == -EOPNOTSUPP ? STATUS_UNSUPP : STATUS_IOERR, 0);
        return;
    }
    go_on(transfer);
}

/* Copies the list of count ranges behind the header; each byte is read once. */
static int copy(struct transfer *transfer, uint32_t header, uint32_t count)
{
    int error =
        ioreqd_virtio_request_read(transfer->request, header, transfer->range, count * sizeof(transfer->range[0]));

    for (uint32_t i = 0; error == 0 && i < count; i++) {
        struct range *range = &transfer->range[i];

        range->sector = le64toh(range->sector);
        range->sectors = le32toh(range->sectors);
        range->flags = le32toh(range->flags);
    }
    transfer->ranges = (uint8_t)count;
    transfer->next = 0;
    return error;
}

static enum status check(const struct transfer *transfer, enum ranged_type type)
{
    struct disk *disk = transfer->disk;

    /* The clause on flags has no exception: it comes first (virtio 1.4 §5.2.6.2). */
    for (unsigned i = 0; i < transfer->ranges; i++) {
        if ((transfer->range[i].flags & ~(uint32_t)kinds[type].flags) != 0) {
            return STATUS_UNSUPP;
        }
    }
    if (disk->read_only) {
        return STATUS_IOERR;
    }
    for (unsigned i = 0; i < transfer->ranges; i++) {
        const struct range *range = &transfer->range[i];

        if (range->sectors > disk->most[type] || !disk_has(disk, range->sector, range->sectors)) {
            return STATUS_IOERR;
        }
    }
    return STATUS_OK;
}

void disk_ranges_start(struct disk *disk, struct ioreqd_virtio_request *request, enum ranged_type type, uint32_t header)
{
    uint32_t bytes = ioreqd_virtio_request_readable(request) - header;
    uint32_t count = bytes / (uint32_t)sizeof(struct range);
    struct transfer *transfer;
    enum status status;

    if (disk->most[type] == 0 && !disk->read_only) {
        disk_request_finish(disk, request, STATUS_UNSUPP, 0);
        return;
    }
    disk_count(&disk->ranged[type], 1);
    if (bytes % sizeof(struct range) != 0 || count == 0 || count > MAX_RANGES) {
        disk_request_finish(disk, request, STATUS_IOERR, 0);
        return;
    }
    transfer = disk_transfer(disk, request, kinds[type].operation, range_done);
    if (copy(transfer, header, count) != 0) {
        disk_request_finish(disk, request, STATUS_IOERR, 0);
        return;
    }
    status = check(transfer, type);
    if (status != STATUS_OK) {
        disk_request_finish(disk, request, status, 0);
        return;
    }
    transfer->write_through = kinds[type].stable && disk_writes_through(disk);
    go_on(transfer);
}
