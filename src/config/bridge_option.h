/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A host bridge, from the argument of one --bridge, NAME[,KEY=VALUE]..., or key by key, and what must hold between all of
 * them. Part of making a struct
 * config (config.h), which owns the bridges; main thread only.
 */
#ifndef IOREQD_CONFIG_BRIDGE_OPTION_H
#define IOREQD_CONFIG_BRIDGE_OPTION_H

#include "config/config.h"

/* Fills in *bridge but for its segment, which is 0 when none was given. */
int config_bridge_parse(const char *text, struct bridge_host_config *bridge, struct config_error *error);

/* The same in steps: a bridge of a name, and each of its keys. *seen is 0 before the first. */
int config_bridge_begin(struct bridge_host_config *bridge, const char *name, struct config_error *error);
int config_bridge_set(struct bridge_host_config *bridge, const char *key, const char *value, uint32_t *seen,
                      struct config_error *error);

/* The name of each key; NULL behind the last. */
const char *config_bridge_key(size_t index);

/* Gives segments to the bridges that have none, and checks each alone and all of them together. */
int config_bridge_finish(struct config *config, struct config_error *error);

/* The bridge of a name, NULL when none is configured; also for "pci", which is not. */
const struct bridge_host_config *config_bridge_by_name(const struct config *config, const char *name);

#endif
