/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * --describe: prints what host bridges and devices a configuration has, for a guest's firmware or for people. Main
 * thread; no domain is needed.
 */
#ifndef IOREQD_DESCRIBE_MODE_H
#define IOREQD_DESCRIBE_MODE_H

#include "config/config.h"

struct ioreqd_device;

/*
 * Prints config->description to standard output. device[] has those of the configuration, in its order and configured;
 * NULL for a root port. Returns 0, or -1 with the error filled in.
 */
int describe_mode(const struct config *config, struct ioreqd_device *const *device, struct config_error *error);

#endif
