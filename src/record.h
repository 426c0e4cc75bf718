/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * --record: opens the recording and tells it how the user asked for the devices. Used by main(), on the main thread.
 */
#ifndef IOREQD_RECORD_H
#define IOREQD_RECORD_H

#include "config/config.h"
#include "models.h"
#include "worker/recorder_file.h"

/*
 * Opens config->record and has the recorder know the devices. NULL with the error filled in. Closed with
 * recorder_file_close(), after the worker.
 */
struct recorder_file *record_open(const struct config *config, struct models *models, struct config_error *error);

/* A device's --device option with its id, and with commas doubled. The caller frees it. NULL when memory is short. */
char *record_options(const struct config_device *device);

#endif
