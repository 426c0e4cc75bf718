/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * --interrupts: which SPIs of an Arm guest are whose. Used by command_line.c alone.
 */
#ifndef IOREQD_CONFIG_INTERRUPTS_OPTION_H
#define IOREQD_CONFIG_INTERRUPTS_OPTION_H

#include "config/config.h"

/* Takes KEY=VALUE[,KEY=VALUE]... apart into *interrupts, which holds the defaults. */
int config_interrupts_parse(const char *text, struct bridge_interrupts *interrupts, struct config_error *error);

#endif
