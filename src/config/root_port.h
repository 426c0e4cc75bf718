/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The PCI Express root port as --device knows it: a model that is no module, since it is a part of the bridge. Here are
 * its name, its keys and its help; the main thread reads them.
 */
#ifndef IOREQD_CONFIG_ROOT_PORT_H
#define IOREQD_CONFIG_ROOT_PORT_H

#include "config/config.h"
#include "ioreqd/device.h"

#define CONFIG_ROOT_PORT_MODEL "root-port"

/* For help and for property_parse(): it has a name, a summary and properties, and none of a model's functions. */
extern const struct ioreqd_model config_root_port_model;

/* Reads the keys of a device that is a root port into device->slot; 0 there: none was given. */
int config_root_port_parse(struct config_device *device, struct config_error *error);

#endif
