/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The lists of a struct config (config.h), and what the command line and the file say put together. Main thread only.
 */
#ifndef IOREQD_CONFIG_MERGE_H
#define IOREQD_CONFIG_MERGE_H

#include "config/config.h"

/* Appends a device, which becomes the config's; where that fails it stays the caller's. */
int config_add_device(struct config *config, const struct config_device *device, struct config_error *error);
/* Appends a bridge. */
int config_add_bridge(struct config *config, const struct bridge_host_config *bridge, const struct config_place *place,
                      struct config_error *error);

/*
 * Adds what the file says to config, which has the command line: config_file_read() tells which of the two counts. file
 * is emptied of what it gave.
 */
int config_merge(struct config *config, struct config *file, struct config_error *error);

#endif
