/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A model's properties: from the KEY=VALUE of a --device into the state of the new device, as the model's table
 * (struct ioreqd_property) says. Main thread, before the device's create().
 */
#ifndef IOREQD_CONFIG_PROPERTY_H
#define IOREQD_CONFIG_PROPERTY_H

#include <stdbool.h>
#include <stddef.h>

#include "config/config.h"
#include "device/file_options.h"
#include "ioreqd/device.h"

/*
 * Who opens files, streams, sockets and networks. The functions return 0, or -1 with error filled in. What they have
 * opened stays the context's: it is not closed here when a later property turns out to be wrong. A stream and a network
 * may be NULL: there is none. Where a function is NULL, there are none of that kind, as in a replay.
 */
struct property_opener {
    int (*open_file)(void *context, const char *property, const char *path, const struct file_options *options,
                     struct ioreqd_file **file, struct config_error *error);
    int (*open_stream)(void *context, const char *property, const char *value, struct ioreqd_stream **stream,
                       struct config_error *error);
    int (*open_sockets)(void *context, const char *property, const char *path, struct ioreqd_sockets **sockets,
                        struct config_error *error);
    int (*open_network)(void *context, const char *property, const char *value, struct ioreqd_network **network,
                        struct config_error *error);
    void *context;
};

/*
 * Checks the model's property table, before its first use: a module may come from anybody. Returns 0, or -1 with the
 * reason, one line without a newline, in reason[size].
 */
int property_check_table(const struct ioreqd_model *model, char *reason, size_t size);

/*
 * Parses the device's pairs and the fallbacks of what is not given into state: state_size zeroed bytes of the model,
 * whose table passed property_check_table(). Files, streams, sockets and networks are opened last and only when all other values are
 * good. Returns 0, or -1 with error filled in.
 */
int property_parse(const struct ioreqd_model *model, const struct config_device *device, void *state,
                   const struct property_opener *opener, struct config_error *error);

#endif
