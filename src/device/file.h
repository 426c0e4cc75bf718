/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A file or block device that a device works on: struct ioreqd_file of the device interface. Opened by the process
 * that has the right to, on the main thread; a model sees its size and sends it requests, never its path.
 */
#ifndef IOREQD_DEVICE_FILE_H
#define IOREQD_DEVICE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ioreqd/device.h"

/*
 * Opens a regular file or block device, and locks it: against all others when it is to be written, against writers
 * when not. Returns NULL with errno set and reason, of size bytes, saying for people what is wrong and what to do.
 */
struct ioreqd_file *file_open(const char *path, bool read_only, char *reason, size_t size);
void file_close(struct ioreqd_file *file);

int file_descriptor(const struct ioreqd_file *file);
uint64_t file_size(const struct ioreqd_file *file);
bool file_read_only(const struct ioreqd_file *file);

#endif
