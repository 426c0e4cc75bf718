/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * MSI-X of one function: its table, pending bits and control (PCI 3.0 §6.8.2 and §6.8.3). Owned by the function. The
 * guest's accesses come on the main thread, msix_raise() from any: each vector has a lock of its own, so queues that
 * use different vectors share none, and a mask that the guest has set holds once its write has completed.
 */
#ifndef IOREQD_BRIDGE_MSIX_H
#define IOREQD_BRIDGE_MSIX_H

#include <stdbool.h>
#include <stdint.h>

#include "bridge/bridge.h"

struct msix;

/* The platform's functions must outlive it. NULL when memory is short. vectors: 1 to 2048. */
struct msix *msix_create(unsigned vectors, const struct bridge_platform *platform, void *context);
void msix_destroy(struct msix *msix);

/* The BAR that holds table and pending bits, and where in it. */
uint64_t msix_bar_size(unsigned vectors);
uint32_t msix_pending_offset(unsigned vectors);

/* The table and pending bits as the guest sees them. size: 4, aligned; offset inside the BAR. */
uint32_t msix_read(struct msix *msix, uint64_t offset);
void msix_write(struct msix *msix, uint64_t offset, uint32_t value);

/*
 * What decides for all vectors: enabled by the guest, and able to send (not function-masked, bus master on). What was
 * raised while enabled but unable pends and is sent when able again.
 */
void msix_set_control(struct msix *msix, bool enabled, bool able);
bool msix_is_enabled(const struct msix *msix);

/* Off, and every entry empty and masked, as at power on. */
void msix_reset(struct msix *msix);

/* The device has an event for the vector. Out of range: nothing happens. [any] */
void msix_raise(struct msix *msix, unsigned vector);

#endif
