/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A virtual PCI host bridge with one bus of functions: it decodes configuration, memory and port accesses, owns every
 * function's configuration space, BARs, MSI-X and INTx gate, and hands to a device only what its BAR may receive. It
 * knows nothing of the hypervisor and of the architecture: what it needs from there is a `struct bridge_platform`.
 *
 * The worker makes and owns it. Accesses, and all else that is not marked [any], come from the worker's main thread.
 * Functions marked [any] may be called from every thread.
 *
 * Functions are named by an integer, bus << 8 | device << 3 | function, as PCI's requester id.
 */
#ifndef IOREQD_BRIDGE_H
#define IOREQD_BRIDGE_H

#include <stdbool.h>
#include <stdint.h>

#include "ioreqd/device.h"

enum bridge_space { BRIDGE_PORT, BRIDGE_MEMORY };

#define BRIDGE_SPACES 2

/* What the bridge asks of the platform that it sits on. Errors are negative errnos. */
struct bridge_platform {
    /* Routes a range, both ends included, to the bridge. -EEXIST when a part of it is already. */
    int (*claim)(void *context, enum bridge_space space, uint64_t first, uint64_t last);
    int (*unclaim)(void *context, enum bridge_space space, uint64_t first, uint64_t last);
    /* Routes a function's configuration accesses to the bridge. */
    int (*claim_function)(void *context, uint16_t function);
    /* Sends a message-signalled interrupt. [any] */
    void (*message)(void *context, uint64_t address, uint32_t data);
    /* Whether the platform delivers this message whatever its MSI-X mask bit says. [any] */
    bool (*message_unmaskable)(void *context, uint64_t address, uint32_t data);
    /*
     * The level of an interrupt line of the root bus, pin 0 is INTA. NULL where lines lead nowhere: then functions have
     * no pin. [any]
     */
    void (*intx)(void *context, unsigned device, unsigned pin, bool level);
};

/* What a function asks of the device behind it. Called on the main thread, never from inside a function marked [any]. */
struct bridge_function_ops {
    /* Accesses inside a BAR that fit its limits, see struct ioreqd_bar. */
    uint64_t (*read)(void *device, unsigned bar, uint64_t offset, unsigned size);
    void (*write)(void *device, unsigned bar, uint64_t offset, unsigned size, uint64_t value);
    /* A doorbell rang; hands it to the queue's loop and returns at once. */
    void (*bell)(void *device, unsigned queue, uint32_t value);
    /* Accesses to a capability with IOREQD_CAPABILITY_TRAP; may be NULL. */
    uint32_t (*config_read)(void *device, unsigned index, unsigned offset, unsigned size, uint32_t value);
    void (*config_write)(void *device, unsigned index, unsigned offset, unsigned size, uint32_t value);
};

/* What went past the bridge, for people. Only ever increased. */
struct bridge_counters {
    uint64_t unclaimed; /* accesses that no BAR or function serves */
    uint64_t misfit;    /* accesses that their BAR refuses: unaligned, straddling, of a wrong size */
    uint64_t refused;   /* BARs that the platform or another BAR would not let be placed */
};

struct bridge;
struct bridge_function;

/* Takes no ownership of context, which must outlive the bridge. NULL when memory is short. */
struct bridge *bridge_create(const struct bridge_platform *platform, void *context);
void bridge_destroy(struct bridge *bridge);

/*
 * Gives the bridge a host-bridge function at device 0 and the configuration address port 0xcf8, for a guest that has
 * no other host bridge. Call it before other functions are added. Returns 0 or what the platform's claims returned.
 */
int bridge_add_host_bridge(struct bridge *bridge);

/*
 * Adds a function as the description says, which is copied but for the tables that it points to. Its registers are at
 * their reset values: no BAR decodes. Returns 0; -EEXIST when the place is taken; -EINVAL when the description does
 * not fit PCI (check it with bridge_check_description() for the reason); or what the platform's claim returned.
 */
int bridge_add_function(struct bridge *bridge, uint16_t function, const struct ioreqd_description *description,
                        const struct bridge_function_ops *ops, void *device, struct bridge_function **added);

/* Takes a function away: its BARs are unclaimed, its interrupt line falls. */
void bridge_remove_function(struct bridge_function *function);

/* NULL when the description can be served; else the reason, for people. */
const char *bridge_check_description(const struct ioreqd_description *description);

/*
 * One access of size 1, 2, 4 or 8 bytes. What nobody serves reads as all ones, cut to the size, and is dropped when
 * written. A doorbell that was rung is kept until bridge_deliver_bell(): after the guest has been answered.
 */
uint64_t bridge_read(struct bridge *bridge, enum bridge_space space, uint64_t address, unsigned size);
void bridge_write(struct bridge *bridge, enum bridge_space space, uint64_t address, unsigned size, uint64_t value);
void bridge_deliver_bell(struct bridge *bridge);

/* What a read of size bytes, 1 to 8, that nobody serves gives. */
static inline uint64_t bridge_all_ones(unsigned size)
{
    return UINT64_MAX >> (64 - 8 * size);
}

/* One access to configuration space of size 1, 2 or 4 bytes; anything else is not served. */
uint32_t bridge_config_read(struct bridge *bridge, uint16_t function, unsigned reg, unsigned size);
void bridge_config_write(struct bridge *bridge, uint16_t function, unsigned reg, unsigned size, uint32_t value);

const struct bridge_counters *bridge_counters(const struct bridge *bridge);

/* Interrupts of a function. [any] */
void bridge_msix(struct bridge_function *function, unsigned vector);
bool bridge_msix_enabled(const struct bridge_function *function);
void bridge_msi(struct bridge_function *function, unsigned vector);
bool bridge_msi_enabled(const struct bridge_function *function);
void bridge_intx(struct bridge_function *function, bool level);

/* Whether the guest lets the function reach memory. [any] */
bool bridge_bus_master(const struct bridge_function *function);

#endif
