/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Modules: shared objects with device models. Loaded on the main thread; a module and all that its tables point to
 * stay until module_close(), after its last device.
 */
#ifndef IOREQD_DEVICE_MODULE_H
#define IOREQD_DEVICE_MODULE_H

#include <stddef.h>

#include "ioreqd/device.h"

struct module;

/*
 * Loads the module at a path and checks its tables. NULL with the reason, of size bytes, filled in: the path is not
 * in it.
 */
struct module *module_open(const char *path, char *reason, size_t size);
void module_close(struct module *module);

/* Its models, ended by NULL; at least one. */
const struct ioreqd_model *const *module_models(const struct module *module);

#endif
