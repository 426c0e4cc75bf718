/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where the devices of a configuration go: the places that the user gave, and free ones for the rest. Main thread.
 */
#ifndef IOREQD_PLACES_H
#define IOREQD_PLACES_H

#include <stddef.h>
#include <stdint.h>

#include "config/config.h"
#include "hypervisor/toolstack.h"

/*
 * Fills in devfn[], device << 3 | function on its own bus, for each device of the configuration. Functions that somebody
 * else has are left alone; nobody else has any in an Arm guest, for which toolstack may be NULL. 0, or -1 with the error filled in.
 */
int places_choose(const struct config *config, struct toolstack *toolstack, uint8_t *devfn, struct config_error *error);

/* The functions of segment 0 and bus 0 that the configuration takes, into function[256]. Returns how many. */
size_t places_of_bus_0(const struct config *config, const struct toolstack *toolstack, const uint8_t *devfn,
                       uint16_t *function);

#endif
