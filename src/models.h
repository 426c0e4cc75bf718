/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The device models that this ioreqd can have: found by name in the module directory, or in a module whose path the
 * user gave. Owned by main(), used on the main thread; models stay until models_close().
 */
#ifndef IOREQD_MODELS_H
#define IOREQD_MODELS_H

#include <stddef.h>

#include "config/config.h"
#include "ioreqd/device.h"

struct models;

/* directory: of the modules, NULL for the one that ioreqd was built with. NULL when memory is short. */
struct models *models_open(const char *directory);
void models_close(struct models *models);

/* The model of a name, or the first one of the module at a path (which holds a '/'). NULL with the error filled in. */
const struct ioreqd_model *models_find(struct models *models, const char *name, struct config_error *error);

/* Loads all modules of the directory, logging those that cannot be; returns their models, sorted by name. */
const struct ioreqd_model *const *models_all(struct models *models, size_t *count);

#endif
