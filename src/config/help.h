/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What ioreqd prints when it is asked for help. Main thread; out belongs to the caller, who also checks it for errors.
 */
#ifndef IOREQD_CONFIG_HELP_H
#define IOREQD_CONFIG_HELP_H

#include <stddef.h>
#include <stdio.h>

#include "ioreqd/device.h"

/* --help */
void help_usage(FILE *out);

/* --device help: a line for each model. */
void help_models(FILE *out, const struct ioreqd_model *const *model, size_t count);

/* --device MODEL,help: the model's keys and those of every device. */
void help_model(FILE *out, const struct ioreqd_model *model);

#endif
