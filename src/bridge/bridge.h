/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The PCI of one guest: host bridges, the buses below them and the functions on these. It decodes configuration,
 * memory and port accesses, owns every function's configuration space, BARs, MSI-X and INTx gate, and hands to a device
 * only what its BAR may receive. It knows nothing of the hypervisor and of the architecture: what it needs from there is
 * a `struct bridge_platform`, and where its host bridges lie for the processor is told it by `struct bridge_host_config`.
 *
 * Objects: one `struct bridge` a guest; in it `struct bridge_host`, a host bridge with a segment and a range of buses;
 * `struct bridge_bus`, its root bus or the one behind a root port; `struct bridge_function` on a bus.
 *
 * The worker makes and owns it. Accesses, and all else that is not marked [any], come from the worker's main thread.
 * Functions marked [any] may be called from every thread.
 */
#ifndef IOREQD_BRIDGE_H
#define IOREQD_BRIDGE_H

#include <stdbool.h>
#include <stdint.h>

#include "bridge/host_config.h"
#include "ioreqd/device.h"

/* What the bridge asks of the platform that it sits on. Errors are negative errnos. */
struct bridge_platform {
    /* Routes a range, both ends included, to the bridge. -EEXIST when a part of it is already. */
    int (*claim)(void *context, enum bridge_space space, uint64_t first, uint64_t last);
    int (*unclaim)(void *context, enum bridge_space space, uint64_t first, uint64_t last);
    /*
     * Routes configuration accesses to a function of segment 0, bus << 8 | device << 3 | function, to the bridge. Asked
     * for functions below a host bridge with configuration ports alone.
     */
    int (*claim_function)(void *context, uint16_t function);
    int (*unclaim_function)(void *context, uint16_t function);
    /* Sends a message-signalled interrupt. [any] */
    void (*message)(void *context, uint64_t address, uint32_t data);
    /* Whether the platform delivers this message whatever its MSI-X mask bit says. [any] */
    bool (*message_unmaskable)(void *context, uint64_t address, uint32_t data);
    /*
     * The level of an interrupt line of the platform, named by a device of bus 0 and its pin, 0 is INTA. NULL where
     * lines lead nowhere: then functions have no pin. [any]
     */
    void (*intx)(void *context, unsigned device, unsigned pin, bool level);
    /*
     * The level of an SPI. High makes it pending, also where it is high already; a fall may be ignored, and the level is
     * not looked at again when the guest has handled it. NULL where there are none. [any]
     */
    void (*spi)(void *context, unsigned spi, bool level);
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
    /*
     * Configuration space is as at power on again, no BAR decodes and no interrupt leaves: the device has to follow, now
     * or later. May be NULL, as the next two.
     */
    void (*reset)(void *device, enum ioreqd_reset_kind kind);
    void (*interrupt_mode)(void *device, enum ioreqd_interrupt_mode mode);
    void (*bus_master)(void *device, bool on);
};

/* What the bridge was asked and what went past it, for people. Only ever increased. */
struct bridge_counters {
    uint64_t unclaimed;    /* accesses that no BAR or function serves */
    uint64_t misfit;       /* accesses that their BAR refuses: unaligned, straddling, of a wrong size */
    uint64_t refused;      /* BARs that the platform, another BAR or the apertures would not let be placed */
    uint64_t resets;       /* of functions, by the guest */
    uint64_t config_reads; /* of configuration space, whether a function is there or not; one of 8 bytes is two */
    uint64_t config_writes;
    _Atomic uint64_t messages; /* that no frame takes, for their address or their data */
};

struct bridge;
struct bridge_host;
struct bridge_bus;
struct bridge_function;

/* Takes no ownership of context, which must outlive the bridge. NULL when memory is short. */
struct bridge *bridge_create(const struct bridge_platform *platform, void *context);
void bridge_destroy(struct bridge *bridge);
/* From now on nothing is claimed and no BAR placed any more: the platform serves the guest no longer. */
void bridge_close(struct bridge *bridge);

/*
 * Adds a host bridge, and claims what it owns. 0; -EINVAL when the configuration, or it together with another one of
 * this guest, cannot be; -ENOMEM; or what the platform's claims returned. It stays until bridge_destroy().
 */
int bridge_add_host(struct bridge *bridge, const struct bridge_host_config *config, struct bridge_host **added);
const struct bridge_host_config *bridge_host_config(const struct bridge_host *host);
struct bridge_bus *bridge_root_bus(struct bridge_host *host);

/*
 * Adds the frame that turns messages into SPIs, and claims its page: for guests whose platform has spi(). At most one.
 * Errors as bridge_add_host(). bridge_message() then sends a message there, or refuses it; it is for the platform to
 * call, where it has no other way for messages. [any]
 */
int bridge_add_frame(struct bridge *bridge, const struct bridge_interrupts *interrupts);
void bridge_message(struct bridge *bridge, uint64_t address, uint32_t data);

/* The device and function numbers of a function on its bus, device << 3 | function, as one number. */
#define BRIDGE_DEVFN(device, function) ((uint8_t)((device) << 3 | (function)))

/*
 * Adds a function as the description says, which is copied but for the tables that it points to. Its registers are at
 * their reset values: no BAR decodes. Returns 0; -EEXIST when the place is taken; -EINVAL when the description does
 * not fit PCI (check it with bridge_check_description() for the reason), or the bus has no such place; or what the
 * platform's claim returned.
 */
int bridge_add_function(struct bridge_bus *bus, uint8_t devfn, const struct ioreqd_description *description,
                        const struct bridge_function_ops *ops, void *device, struct bridge_function **added);

/* Takes a function away: its BARs are unclaimed, its interrupt line falls. */
void bridge_remove_function(struct bridge_function *function);

/*
 * Adds a PCI Express root port to a root bus: a function whose bus, secondary, the guest numbers. slot is its number
 * for people, 0 to 8191. The bus behind it has one device, 0. Errors as bridge_add_function(). It stays until
 * bridge_destroy().
 */
int bridge_add_port(struct bridge_bus *bus, uint8_t devfn, unsigned slot, struct bridge_bus **secondary);

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

/*
 * One access to configuration space of size 1, 2 or 4 bytes; anything else is not served. function is
 * segment << 16 | bus << 8 | device << 3 | function.
 */
uint32_t bridge_config_read(struct bridge *bridge, uint32_t function, unsigned reg, unsigned size);
void bridge_config_write(struct bridge *bridge, uint32_t function, unsigned reg, unsigned size, uint32_t value);

const struct bridge_counters *bridge_counters(const struct bridge *bridge);

/* The accesses to configuration space that a function served. */
struct bridge_function_counters {
    uint64_t config_reads;
    uint64_t config_writes;
};
const struct bridge_function_counters *bridge_function_counters(const struct bridge_function *function);

/* Interrupts of a function. [any] */
void bridge_msix(struct bridge_function *function, unsigned vector);
bool bridge_msix_enabled(const struct bridge_function *function);
void bridge_msi(struct bridge_function *function, unsigned vector);
bool bridge_msi_enabled(const struct bridge_function *function);
void bridge_intx(struct bridge_function *function, bool level);

/* How the guest wants to hear of events. */
enum ioreqd_interrupt_mode bridge_interrupt_mode(const struct bridge_function *function);

/* Whether the guest lets the function reach memory, and so do the ports above it. [any] */
bool bridge_bus_master(const struct bridge_function *function);

/* The function reads as all ones, raises nothing and reaches nothing, until a reset of its bus. [any] */
void bridge_fail(struct bridge_function *function);
bool bridge_failed(const struct bridge_function *function);

/* "0000:00:10.0": where the function is at this moment. */
struct bridge_place {
    char text[16];
};
const char *bridge_place(const struct bridge_function *function, struct bridge_place *place);

#endif
