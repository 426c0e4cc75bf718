/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How users want a device's files to be used: the host's own keys of a --device whose model has a file.
 */
#ifndef IOREQD_DEVICE_FILE_OPTIONS_H
#define IOREQD_DEVICE_FILE_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

enum file_cache {
    FILE_CACHE_WRITEBACK, /* through the page cache */
    FILE_CACHE_NONE,      /* past it: O_DIRECT */
    FILE_CACHE_UNSAFE     /* through it, and flushes do nothing */
};

enum file_on_error { FILE_ON_ERROR_REPORT, FILE_ON_ERROR_STOP };

/* Zeroed: what holds when nothing was said. */
struct file_options {
    bool read_only;
    enum file_cache cache;
    enum file_on_error on_write_error;
    enum file_on_error on_read_error;
    uint64_t iops; /* requests a second; 0: no limit */
    uint64_t bps;  /* bytes a second; 0: no limit */
    /* What may go at once after a pause; 0: what the limit allows in a tenth of a second. */
    uint64_t iops_burst;
    uint64_t bps_burst;
};

#endif
