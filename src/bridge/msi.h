/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * MSI of one function: the state behind its capability, which has 64-bit addresses and a mask and a pending bit for each
 * vector (PCI 3.0 §6.8.1). Owned by the function. The guest's writes come on the main thread, msi_raise() from any; one
 * lock guards it all, as MSI's vectors share one address anyway. Devices with busy queues have MSI-X.
 */
#ifndef IOREQD_BRIDGE_MSI_H
#define IOREQD_BRIDGE_MSI_H

#include <stdbool.h>
#include <stdint.h>

#include "bridge/bridge.h"
#include "bridge/config_space.h"

struct msi;

/* vectors: 1 to 32, a power of 2. The platform's functions must outlive it. NULL when memory is short. */
struct msi *msi_create(unsigned vectors, const struct bridge_platform *platform, void *context);
void msi_destroy(struct msi *msi);

/* Lays out the capability's registers at reset; its id and link are the caller's. */
void msi_build(const struct msi *msi, struct config_space *config, unsigned reg);

/* The guest wrote to the capability, or to the command register: sends what pended and may go now. */
void msi_sync(struct msi *msi, const struct config_space *config, unsigned reg, bool bus_master);

/* Forgets what pends: the function was reset. msi_sync() follows. */
void msi_reset(struct msi *msi);

/* The pending bits, as the guest sees them. */
uint32_t msi_pending(struct msi *msi);

bool msi_is_enabled(const struct msi *msi);

/* The device has an event for the vector. [any] */
void msi_raise(struct msi *msi, unsigned vector);

#endif
