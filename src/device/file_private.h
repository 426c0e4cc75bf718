/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * struct ioreqd_file, as the objects that make it up see it.
 */
#ifndef IOREQD_DEVICE_FILE_PRIVATE_H
#define IOREQD_DEVICE_FILE_PRIVATE_H

#include <stdatomic.h>
#include <stddef.h>

#include "device/file.h"
#include "device/file_operation.h"
#include "device/file_tally.h"
#include "device/throttle.h"

struct bounce_pool;
struct file_channel;
struct file_nbd;
struct file_ring;
struct ioreqd_timer;

struct ioreqd_file {
    struct file_options options;
    int fd;               /* through the page cache */
    int direct_fd;        /* past it; -1: it is not to be passed */
    uint64_t direct_unit; /* what offset and length of direct I/O are multiples of */
    bool block_device;
    bool read_only;
    struct file_nbd *nbd; /* it is an export of an NBD server; NULL: it is a local file */
    atomic_uint_fast64_t size;
    struct ioreqd_file_facts facts;
    char *name;               /* as users gave it */
    const char *owner;        /* the device, for messages; NULL: none yet */
    const atomic_bool *timed; /* NULL: its requests are not */
    struct throttle throttle;

    _Atomic(struct file_channel *) channel; /* one for each loop that used it; only ever grows */
    atomic_bool hurry;                      /* nothing is to wait: the device wants to be quiet */

    struct ioreqd_loop *main_loop; /* NULL: nobody wants to hear of its size */
    struct ioreqd_timer *look;
    void (*resized)(void *argument);
    void *resized_argument;
};

/* A file as one loop uses it. */
struct file_channel {
    struct file_channel *next;
    struct ioreqd_file *file;
    struct ioreqd_loop *loop;
    struct file_ring *ring;
    struct ioreqd_work hurry;
    _Atomic(struct file_operation *) returned; /* by the loop that did them for us, newest first */
    struct ioreqd_work take_returned;

    struct file_operations throttled; /* the first has been counted, the others not */
    struct ioreqd_timer *throttle_timer;
    struct file_operations stopped; /* failed, and to be tried again; with the error in result */
    struct ioreqd_timer *retry_timer;
    bool told; /* that it is stopped */
    struct file_tally tally;
};

/* Sets the reason and errno; returns -1. */
int file_refuse(char *reason, size_t size, int error, const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Fills in what an open local file can do. */
void file_find_facts(struct ioreqd_file *file);
/* The present size of an open local file, of a status just taken: 0 or a negative errno. */
int file_measure(const struct ioreqd_file *file, uint64_t *size);
/* The size has changed: on the main loop. */
void file_set_size(struct ioreqd_file *file, uint64_t size);

/* Frees what loops have of the file. None of them runs. */
void file_free_channels(struct ioreqd_file *file);

#endif
