/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What machines guests are, as far as their PCI is concerned: which host bridge they have without being asked for one,
 * and where further ones lie. The only page outside of src/hypervisor that knows one architecture from another. No
 * state; any thread.
 */
#ifndef IOREQD_BRIDGE_MACHINE_H
#define IOREQD_BRIDGE_MACHINE_H

#include <stdbool.h>

#include "bridge/host_config.h"

enum bridge_machine {
    BRIDGE_MACHINE_X86, /* I/O ports, configuration ports, lines of a PC */
    BRIDGE_MACHINE_ARM  /* all is memory, interrupts are SPIs, and host bridges lie where Xen's layout is free */
};

/* What the guests of this ioreqd are. */
enum bridge_machine bridge_machine_native(void);
const char *bridge_machine_name(enum bridge_machine machine);

/* The host bridge that an Arm guest has, BRIDGE_DEFAULT_NAME, but for its lines. Segment 0 is left to vPCI. */
void bridge_default_arm_host(struct bridge_host_config *config);
#define BRIDGE_ARM_SEGMENT 1u

/* Where the host bridges of an Arm guest have which part; turn 0 is the default one's. False: there is no such turn. */
enum bridge_window { BRIDGE_WINDOW_ECAM, BRIDGE_WINDOW_IO, BRIDGE_WINDOW_MEMORY, BRIDGE_WINDOW_MEMORY64 };
bool bridge_arm_window(enum bridge_window window, unsigned turn, uint64_t *first, uint64_t *size);

void bridge_default_interrupts(struct bridge_interrupts *interrupts);

/* Gives the index-th of a guest's host bridges its part of the lines; nothing leads anywhere if there are none. */
void bridge_give_lines(struct bridge_host_config *config, const struct bridge_spis *lines, unsigned index,
                       unsigned hosts);

#endif
