/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The keys that a device has for its files, whatever its model: those of every model with a property of kind FILE.
 * Main thread.
 */
#ifndef IOREQD_CONFIG_FILE_KEYS_H
#define IOREQD_CONFIG_FILE_KEYS_H

#include <stdbool.h>

#include "config/config.h"
#include "device/file_options.h"
#include "ioreqd/device.h"

/* Ends with a NULL name. */
extern const struct config_common_key config_file_key[];

bool config_is_file_key(const char *name);
/* Whether the model has files, and so these keys. */
bool config_has_files(const struct ioreqd_model *model);

/* Fills in *options from the device's pairs, but for read_only. */
int config_file_options(const struct config_device *device, struct file_options *options, struct config_error *error);

#endif
