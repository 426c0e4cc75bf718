/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Settings of the guest in the configuration file: the options of the command line, by the same names. Main thread only.
 */
#ifndef IOREQD_CONFIG_SETTING_H
#define IOREQD_CONFIG_SETTING_H

#include <stdbool.h>

#include "config/config.h"

/* Whether the option may be a key of [guest]. */
bool config_option_in_file(const struct config_option *option);

/* A key of [guest]: checks it, applies it to config and keeps it in its settings. */
int config_setting_read(struct config *config, const char *key, const char *value, const struct config_place *place,
                        struct config_error *error);

/* Applies a setting of the file: the value of an option, or on or off of one that takes none. */
int config_setting_apply(struct config *config, const struct config_option *option, const char *value,
                         struct config_error *error);

#endif
