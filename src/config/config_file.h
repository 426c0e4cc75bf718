/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The configuration file: the same settings as on the command line, see ioreqd.conf(5). Part of making a struct config
 * (config.h); main thread only.
 */
#ifndef IOREQD_CONFIG_CONFIG_FILE_H
#define IOREQD_CONFIG_CONFIG_FILE_H

#include <stddef.h>

#include "config/config.h"

/*
 * Reads the file config->file and adds what it says to what config has of the command line, which has precedence: it
 * overrides the guest's settings, and a device or bridge replaces the file's with its id or name. Returns 0, or -1 with
 * faults added.
 */
int config_file_read(struct config *config, struct config_faults *faults);

/* The same of a text, which is changed in its place and has a byte of room behind it. */
int config_file_parse(struct config *config, char *text, size_t size, struct config_faults *faults);

#endif
