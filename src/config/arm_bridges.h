/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The host bridges of an Arm guest. Used by bridge_option.c alone.
 */
#ifndef IOREQD_CONFIG_ARM_BRIDGES_H
#define IOREQD_CONFIG_ARM_BRIDGES_H

#include "config/config.h"

/*
 * Gives the bridges of --bridge what they were not given, where Xen's layout and the other bridges leave room, their
 * lines too, and checks that what they were given is free there.
 */
int config_arm_bridges_finish(struct config *config, struct config_error *error);

#endif
