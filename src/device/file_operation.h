/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One thing to be done to an open file, and how plain system calls do it. A file request becomes one or more of these;
 * the memory is its maker's, and stays until done() was called.
 */
#ifndef IOREQD_DEVICE_FILE_OPERATION_H
#define IOREQD_DEVICE_FILE_OPERATION_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "ioreqd/device.h"

struct file_operation {
    struct file_operation *next; /* of whoever has it now */
    void (*done)(struct file_operation *operation, int result);
    const struct iovec *iov;
    uint32_t iov_count;
    int32_t fd;
    uint64_t offset;
    uint64_t length; /* of what has no iov */
    uint8_t kind;    /* enum ioreqd_file_operation */
    uint8_t flags;   /* IOREQD_FILE_MAY_UNMAP */
    bool block_device;
    int32_t result; /* while it is on its way back */
};

/* A list of them, oldest first. Zeroed, it is empty. */
struct file_operations {
    struct file_operation *first;
    struct file_operation *last;
};

void file_operations_add(struct file_operations *list, struct file_operation *operation);
/* NULL: there is none. */
struct file_operation *file_operations_take(struct file_operations *list);

/* Whether it moves no bytes of the caller's: DISCARD, WRITE_ZEROES, ERASE. */
bool file_operation_clears(const struct file_operation *operation);

/* READ, WRITE and FLUSH: one try. Bytes, or a negative errno. */
int64_t file_operation_try(const struct file_operation *operation);
/* The same: what is left to do after a first try that came to `tried`. 0 or a negative errno. */
int file_operation_finish(const struct file_operation *operation, int64_t tried);

/* DISCARD, WRITE_ZEROES and ERASE: the mode for fallocate(2) that is tried first; -1: a block device needs more. */
int file_operation_fallocate_mode(const struct file_operation *operation);
/* The same by all means that there are, which may take long. 0 or a negative errno. */
int file_operation_clear(const struct file_operation *operation);

#endif
