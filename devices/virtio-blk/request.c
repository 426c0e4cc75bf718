/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Requests of virtio-blk (virtio 1.4 §5.2.6): started on the loop of their queue and ended there, in any order, when the
 * file has answered; data moves between guest memory and file without a stop in between. Nothing is kept between
 * requests, so that all queues share the file: what a queue's requests need lies in the requests.
 */
#include "disk.h"

#include <endian.h>
#include <errno.h>

/* The device-readable head of each request, little-endian. */
struct header {
    uint32_t type;
    uint32_t reserved;
    uint64_t sector;
};

_Static_assert(sizeof(struct header) == 16, "without gaps, as the driver writes it");

/* Only when all bytes before the status are written does the used length reach the status (virtio 1.4 §2.7.8.2). */
void disk_request_finish(struct disk *disk, struct ioreqd_virtio_request *request, enum status status, uint32_t written)
{
    uint32_t data = ioreqd_virtio_request_writable(request) - 1;
    uint8_t byte = (uint8_t)status;
    int error = ioreqd_virtio_request_write(request, data, &byte, 1);

    if (error == -EFAULT) {
        ioreqd_virtio_broken(&disk->virtio, "status of a block request lies outside of memory");
    }
    if (status != STATUS_OK) {
        disk_count(&disk->errors, 1);
    }
    ioreqd_virtio_request_complete(request, error != 0 || written < data ? written : data + 1);
}

/* ------------------------------------------------------------------------------------------------------------------
 * Transfers
 */

struct transfer *disk_transfer(struct disk *disk, struct ioreqd_virtio_request *request, uint8_t operation,
                               void (*done)(struct ioreqd_file_request *file))
{
    struct transfer *transfer = ioreqd_virtio_request_context(request);

    transfer->file.operation = operation;
    transfer->file.flags = 0;
    transfer->file.offset = 0;
    transfer->file.iov = NULL;
    transfer->file.iov_count = 0;
    transfer->file.done = done;
    transfer->file.length = 0;
    transfer->request = request;
    transfer->disk = disk;
    transfer->length = 0;
    transfer->write_through = false;
    return transfer;
}

void disk_transfer_submit(struct transfer *transfer)
{
    struct disk *disk = transfer->disk;

    disk->host->file_submit(disk->device, ioreqd_virtio_request_loop(transfer->request), disk->file, &transfer->file);
}

static void flushed(struct ioreqd_file_request *file)
{
    struct transfer *transfer = (struct transfer *)file;

    disk_request_finish(transfer->disk, transfer->request, file->result == 0 ? STATUS_OK : STATUS_IOERR, 0);
}

void disk_transfer_written(struct transfer *transfer)
{
    if (!transfer->write_through) {
        disk_request_finish(transfer->disk, transfer->request, STATUS_OK, 0);
        return;
    }
    transfer->file.operation = IOREQD_FILE_FLUSH;
    transfer->file.flags = 0;
    transfer->file.done = flushed;
    disk_transfer_submit(transfer);
}

static void read_done(struct ioreqd_file_request *file)
{
    struct transfer *transfer = (struct transfer *)file;
    struct disk *disk = transfer->disk;

    if (file->result != 0) {
        disk_request_finish(disk, transfer->request, STATUS_IOERR, 0);
        return;
    }
    disk_count(&disk->bytes_read, transfer->length);
    disk_request_finish(disk, transfer->request, STATUS_OK, transfer->length);
}

static void write_done(struct ioreqd_file_request *file)
{
    struct transfer *transfer = (struct transfer *)file;
    struct disk *disk = transfer->disk;

    if (file->result != 0) {
        disk_request_finish(disk, transfer->request, STATUS_IOERR, 0);
        return;
    }
    disk_count(&disk->bytes_written, transfer->length);
    disk_transfer_written(transfer);
}

/* ------------------------------------------------------------------------------------------------------------------
 * Requests by type
 */

/* Reads or writes length bytes; in the chain they begin at skip of their side. */
static void transfer_data(struct disk *disk, struct ioreqd_virtio_request *request, uint64_t sector, uint32_t skip,
                          uint32_t length, bool write)
{
    struct transfer *transfer;

    if (length % SECTOR != 0 || !disk_has(disk, sector, length / SECTOR) || (write && disk->read_only)) {
        disk_request_finish(disk, request, STATUS_IOERR, 0);
        return;
    }
    if (length == 0) {
        disk_request_finish(disk, request, STATUS_OK, 0);
        return;
    }
    transfer =
        disk_transfer(disk, request, write ? IOREQD_FILE_WRITE : IOREQD_FILE_READ, write ? write_done : read_done);
    if (ioreqd_virtio_request_map(request, write ? IOREQD_FROM_GUEST : IOREQD_TO_GUEST, skip, length,
                                  &transfer->file.iov, &transfer->file.iov_count) != 0) {
        disk_request_finish(disk, request, STATUS_IOERR, 0);
        return;
    }
    transfer->file.offset = sector * SECTOR;
    transfer->length = length;
    transfer->write_through = write && disk_writes_through(disk);
    disk_transfer_submit(transfer);
}

/* The serial number, padded with zeros to 20 bytes; it needs no end if it has all of them. */
static void get_id(struct disk *disk, struct ioreqd_virtio_request *request)
{
    uint32_t room = ioreqd_virtio_request_writable(request) - 1;
    uint32_t length = room < ID_BYTES ? room : ID_BYTES;
    int error = ioreqd_virtio_request_write(request, 0, disk->property_serial, length);

    disk_request_finish(disk, request, error == 0 ? STATUS_OK : STATUS_IOERR, error == 0 ? length : 0);
}

static void flush(struct disk *disk, struct ioreqd_virtio_request *request)
{
    disk_count(&disk->flushes, 1);
    disk_transfer_submit(disk_transfer(disk, request, IOREQD_FILE_FLUSH, flushed));
}

void disk_request_start(struct disk *disk, struct ioreqd_virtio_request *request)
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
        disk_request_finish(disk, request, STATUS_IOERR, 0);
        return;
    }
    uint64_t sector = le64toh(header.sector);
    switch (le32toh(header.type)) {
    case TYPE_IN:
        disk_count(&disk->reads, 1);
        transfer_data(disk, request, sector, 0, writable - 1, false);
        break;
    case TYPE_OUT:
        disk_count(&disk->writes, 1);
        transfer_data(disk, request, sector, sizeof(header), readable - (uint32_t)sizeof(header), true);
        break;
    case TYPE_FLUSH:
        flush(disk, request);
        break;
    case TYPE_GET_ID:
        get_id(disk, request);
        break;
    case TYPE_DISCARD:
        disk_ranges_start(disk, request, RANGED_DISCARD, sizeof(header));
        break;
    case TYPE_WRITE_ZEROES:
        disk_ranges_start(disk, request, RANGED_ZEROES, sizeof(header));
        break;
    case TYPE_SECURE_ERASE:
        disk_ranges_start(disk, request, RANGED_ERASE, sizeof(header));
        break;
    case TYPE_FLUSH_OUT:
        if (ioreqd_virtio_negotiated(&disk->virtio, IOREQD_VIRTIO_F_VERSION_1)) {
            disk_request_finish(disk, request, STATUS_UNSUPP, 0);
        } else {
            flush(disk, request);
        }
        break;
    default:
        disk_request_finish(disk, request, STATUS_UNSUPP, 0);
        break;
    }
}
