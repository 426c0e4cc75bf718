/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A device, from the argument of one --device, MODEL[,KEY=VALUE]..., or key by key, and what must hold between all of
 * them. Part of making a
 * struct config (config.h), which owns the devices; main thread only.
 */
#ifndef IOREQD_CONFIG_DEVICE_OPTION_H
#define IOREQD_CONFIG_DEVICE_OPTION_H

#include "config/config.h"

/* Fills in *device, also partly in case of an error: config_device_free() frees it. *help: the element "help". */
int config_device_parse(const char *text, struct config_device *device, bool *help, struct config_error *error);
void config_device_free(struct config_device *device);

/*
 * Adds a key to a device that was {.place = ...} at first: of the command line, or of a section of the file, where the
 * model is the key "model". Where it fails the device can still be told more, to find more mistakes. line: 0 on the
 * command line.
 */
int config_device_set(struct config_device *device, const char *key, const char *value, unsigned line,
                      struct config_error *error);

/* Once it has all of its keys. */
int config_device_complete(struct config_device *device, struct config_error *error);

/* Reads [BUS:]DEV[.FN] into device. */
int config_device_parse_addr(struct config_device *device, const char *text, struct config_error *error);

/* Names the devices without an id, and checks that ids are unique. */
int config_device_name(struct config *config, struct config_error *error);

/* With all names known: finds each device's bridge, and checks that it can be where it is to be. */
int config_device_place(struct config *config, struct config_error *error);

/* Whether text holds only letters, digits and '-', and '_' too where that is allowed. */
bool config_device_is_name(const char *text, bool underscore);

#endif
