/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Operations by plain system calls, see file_operation.h.
 */
#define _GNU_SOURCE
#include "device/file_operation.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define ZEROES       65536u
#define ZERO_PIECES  16u /* of ZEROES bytes, in one call */
#define ALIGN_ZEROES 4096

void file_operations_add(struct file_operations *list, struct file_operation *operation)
{
    operation->next = NULL;
    if (list->first == NULL) {
        list->first = operation;
    } else {
        list->last->next = operation;
    }
    list->last = operation;
}

struct file_operation *file_operations_take(struct file_operations *list)
{
    struct file_operation *operation = list->first;

    if (operation != NULL) {
        list->first = operation->next;
    }
    return operation;
}

bool file_operation_clears(const struct file_operation *operation)
{
    return operation->kind == IOREQD_FILE_DISCARD || operation->kind == IOREQD_FILE_WRITE_ZEROES ||
           operation->kind == IOREQD_FILE_ERASE;
}

/* ---- reading, writing, flushing ---- */

static uint64_t total_length(const struct file_operation *operation)
{
    uint64_t total = 0;

    for (uint32_t i = 0; i < operation->iov_count; i++) {
        total += operation->iov[i].iov_len;
    }
    return total;
}

/* Does what is left of a transfer after its first `done` bytes. 0 or a negative errno. */
static int transfer_rest(const struct file_operation *operation, uint64_t done)
{
    uint64_t skip = done;

    for (uint32_t i = 0; i < operation->iov_count; i++) {
        uint8_t *base = operation->iov[i].iov_base;
        size_t length = operation->iov[i].iov_len;
        size_t at = skip < length ? (size_t)skip : length;

        skip -= at;
        while (at < length) {
            off_t offset = (off_t)(operation->offset + done);
            ssize_t got = operation->kind == IOREQD_FILE_READ ? pread(operation->fd, base + at, length - at, offset)
                                                              : pwrite(operation->fd, base + at, length - at, offset);

            if (got < 0 && errno == EINTR) {
                continue;
            }
            if (got <= 0) {
                return got < 0 ? -errno : -EIO; /* the file has become shorter than it was */
            }
            at += (size_t)got;
            done += (uint64_t)got;
        }
    }
    return 0;
}

int64_t file_operation_try(const struct file_operation *operation)
{
    ssize_t result;

    switch (operation->kind) {
    case IOREQD_FILE_READ:
        result = preadv(operation->fd, operation->iov, (int)operation->iov_count, (off_t)operation->offset);
        break;
    case IOREQD_FILE_WRITE:
        result = pwritev(operation->fd, operation->iov, (int)operation->iov_count, (off_t)operation->offset);
        break;
    default:
        result = fdatasync(operation->fd);
        break;
    }
    return result < 0 ? -errno : result;
}

int file_operation_finish(const struct file_operation *operation, int64_t tried)
{
    if (operation->kind == IOREQD_FILE_FLUSH) {
        return tried < 0 ? (int)tried : 0;
    }
    if (tried == -EINTR || tried == -EAGAIN) {
        return transfer_rest(operation, 0);
    }
    if (tried < 0) {
        return (int)tried;
    }
    return (uint64_t)tried < total_length(operation) ? transfer_rest(operation, (uint64_t)tried) : 0;
}

/* ---- clearing ---- */

/* Never written; aligned, so that direct I/O takes it. */
static const uint8_t zeroes[ZEROES] __attribute__((aligned(ALIGN_ZEROES)));

static int write_zeroes(const struct file_operation *operation)
{
    uint64_t left = operation->length;
    uint64_t offset = operation->offset;

    while (left > 0) {
        struct iovec iov[ZERO_PIECES];
        unsigned pieces = 0;
        uint64_t filled = 0;
        ssize_t got;

        while (pieces < ZERO_PIECES && filled < left) {
            size_t length = left - filled < ZEROES ? (size_t)(left - filled) : ZEROES;

            iov[pieces++] = (struct iovec){(void *)(uintptr_t)zeroes, length};
            filled += length;
        }
        got = pwritev(operation->fd, iov, (int)pieces, (off_t)offset);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            return got < 0 ? -errno : -EIO;
        }
        offset += (uint64_t)got;
        left -= (uint64_t)got;
    }
    return 0;
}

static int allocate(const struct file_operation *operation, int mode)
{
    int rc;

    do {
        rc = fallocate(operation->fd, mode, (off_t)operation->offset, (off_t)operation->length);
    } while (rc != 0 && errno == EINTR);
    return rc == 0 ? 0 : -errno;
}

static int device_control(const struct file_operation *operation, unsigned long request)
{
    uint64_t range[2] = {operation->offset, operation->length};

    return ioctl(operation->fd, request, range) == 0 ? 0 : -errno;
}

/* Whether the kernel or file system cannot do that here, as against having failed to. */
static bool is_refusal(int result)
{
    return result == -EOPNOTSUPP || result == -ENOTTY || result == -ENOSYS || result == -EINVAL || result == -ENODEV ||
           result == -EPERM;
}

/* A discard is a hint: where it cannot be had it has no effect. What is no whole number of blocks is such a case too. */
static int discard(const struct file_operation *operation)
{
    int result = operation->block_device ? device_control(operation, BLKDISCARD)
                                         : allocate(operation, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE);

    return is_refusal(result) ? 0 : result;
}

static int zero(const struct file_operation *operation)
{
    int result = -EOPNOTSUPP;

    /* On a block device this unmaps where the blocks read as zero then, and is refused where they do not. */
    if ((operation->flags & IOREQD_FILE_MAY_UNMAP) != 0) {
        result = allocate(operation, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE);
    }
    if (is_refusal(result)) {
        result = operation->block_device ? device_control(operation, BLKZEROOUT)
                                         : allocate(operation, FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE);
    }
    return is_refusal(result) ? write_zeroes(operation) : result;
}

int file_operation_fallocate_mode(const struct file_operation *operation)
{
    if (operation->block_device || operation->kind == IOREQD_FILE_ERASE) {
        return -1;
    }
    if (operation->kind == IOREQD_FILE_WRITE_ZEROES && (operation->flags & IOREQD_FILE_MAY_UNMAP) == 0) {
        return FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE;
    }
    return FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
}

int file_operation_clear(const struct file_operation *operation)
{
    int result;

    if (operation->length == 0) {
        return 0;
    }
    switch (operation->kind) {
    case IOREQD_FILE_DISCARD:
        return discard(operation);
    case IOREQD_FILE_WRITE_ZEROES:
        return zero(operation);
    default:
        result = operation->block_device ? device_control(operation, BLKSECDISCARD) : -EOPNOTSUPP;
        return result == -ENOTTY ? -EOPNOTSUPP : result;
    }
}
