/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A function's configuration space, 256 bytes or the 4 KiB of PCI Express: what stands there, which bits the guest may
 * write, and which fall when it writes a 1 (PCI 3.0 §6.1, §6.2.3). Owned by its function, used on the main thread.
 */
#ifndef IOREQD_BRIDGE_CONFIG_SPACE_H
#define IOREQD_BRIDGE_CONFIG_SPACE_H

#include <stdbool.h>
#include <stdint.h>

#include "bridge/pci_registers.h"

struct config_space {
    unsigned size; /* PCI_CONFIG_SIZE or PCI_EXTENDED_SIZE */
    uint8_t value[PCI_EXTENDED_SIZE];
    uint8_t writable[PCI_EXTENDED_SIZE];
    uint8_t clearable[PCI_EXTENDED_SIZE]; /* write 1 to clear; disjoint from writable */
    uint8_t initial[PCI_EXTENDED_SIZE];   /* what a reset brings back */
};

/* size is 1, 2 or 4 and reg + size <= space->size: the callers check. */
uint32_t config_space_get(const struct config_space *space, unsigned reg, unsigned size);
/* Sets a value as the bridge's own: no mask applies. */
void config_space_set(struct config_space *space, unsigned reg, unsigned size, uint32_t value);
void config_space_set_writable(struct config_space *space, unsigned reg, unsigned size, uint32_t mask);
void config_space_set_clearable(struct config_space *space, unsigned reg, unsigned size, uint32_t mask);
/* Writes as the guest does: byte by byte through the masks, so that neighbours of a narrow write stay. */
void config_space_write(struct config_space *space, unsigned reg, unsigned size, uint32_t value);

/* Whether an access of size bytes at reg touches the length bytes from first on. */
static inline bool config_space_overlaps(unsigned reg, unsigned size, unsigned first, unsigned length)
{
    return reg < first + length && first < reg + size;
}

/* What stands there now is what config_space_reset() brings back. */
void config_space_keep_initial(struct config_space *space);
void config_space_reset(struct config_space *space);

#endif
