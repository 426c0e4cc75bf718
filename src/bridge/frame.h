/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A frame of the message extension of version 2 of Arm's interrupt controller (GICv2m: SBSA 2.2, appendix E): a page
 * with a register to which a message is written as the number of an SPI, which then pends. The bridge's own, made before
 * the guest runs and not changed after.
 */
#ifndef IOREQD_BRIDGE_FRAME_H
#define IOREQD_BRIDGE_FRAME_H

#include <stdint.h>

#include "bridge/bridge.h"

struct frame {
    uint64_t address;
    struct bridge_spis spis; /* count 0: there is no frame */
};

/* What a driver does to the page, at an offset in it. */
uint64_t frame_read(struct bridge *bridge, uint64_t offset, unsigned size);
void frame_write(struct bridge *bridge, uint64_t offset, unsigned size, uint64_t value);

void frame_remove(struct bridge *bridge);

#endif
