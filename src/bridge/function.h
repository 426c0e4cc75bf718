/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One PCI function, as the inside of the bridge sees it: configuration space, BARs, capabilities, interrupts, power.
 *
 * Owned by its bus. The main thread alone uses it, but for the members that are atomic, msix, msi, and the interrupt
 * line, which is the bridge's.
 */
#ifndef IOREQD_BRIDGE_FUNCTION_H
#define IOREQD_BRIDGE_FUNCTION_H

#include <stdatomic.h>

#include "bridge/bridge.h"
#include "bridge/config_space.h"
#include "bridge/msi.h"
#include "bridge/msix.h"

#define BARS_AND_ROM (IOREQD_BARS + 1)

/* A base address register, or, as index IOREQD_ROM, that of the expansion ROM. */
struct bar {
    struct bridge_function *function;
    uint64_t size; /* 0: there is none */
    uint8_t index;
    uint8_t min_access;
    uint8_t max_access;
    bool io;
    bool wide;    /* 64 bits: takes two registers */
    bool mapped;  /* decodes, and the processor reaches it at: */
    bool refused; /* would decode, but its place was taken, out of reach, or the platform refused the claim */
    enum bridge_space space;
    uint64_t address;
};

/* A capability of the model, in its place. */
struct placed_capability {
    uint16_t reg;
    uint16_t length;
    bool trap;
};

/* Where the bridge's own capabilities stand; 0: there is none. */
struct capability_places {
    unsigned msix;
    unsigned msi;
    unsigned power;
    unsigned express;
};

struct port;

struct bridge_function {
    struct bridge_bus *bus;
    struct bridge_function *next; /* of all functions of the bridge */
    uint8_t devfn;
    const struct bridge_function_ops *ops;
    void *device;
    struct config_space config;
    struct bridge_function_counters counters;
    struct bar bar[BARS_AND_ROM];
    struct capability_places place;
    struct placed_capability *capability;
    unsigned capabilities;
    const struct ioreqd_bell *bell;
    unsigned bells;
    unsigned msix_bar;
    struct msix *msix;
    struct msi *msi;
    struct port *port; /* NULL: it is no root port */
    bool has_pin;
    bool claimed; /* the platform routes its configuration accesses to us, as: */
    uint16_t claimed_as;
    enum ioreqd_interrupt_mode interrupt_mode; /* as the device was told */
    atomic_bool failed;                        /* see bridge_fail() */
    atomic_bool bus_master;                    /* of itself and of the ports above */
    atomic_bool intx_raised;                   /* what the device wants */
    atomic_bool intx_stopped;                  /* by the command register or by sleep */
    atomic_bool intx_on_line;                  /* what the line was told; changed under the bridge's line lock */
};

/*
 * A function as the description, already checked, says, at reset. It is on no bus yet and claims nothing. kind is its
 * PCI_EXPRESS_TYPE_..., if the description makes it an express one. NULL when memory is short.
 */
struct bridge_function *function_create(struct bridge_bus *bus, uint8_t devfn,
                                        const struct ioreqd_description *description,
                                        const struct bridge_function_ops *ops, void *device, unsigned express_type);
void function_destroy(struct bridge_function *function);

/* One access inside a dword and inside the function's configuration space. */
uint32_t function_config_read(struct bridge_function *function, unsigned reg, unsigned size);
void function_config_write(struct bridge_function *function, unsigned reg, unsigned size, uint32_t value);

/* What decides over the function's memory accesses and interrupts, anew. */
void function_sync_control(struct bridge_function *function);

/* Configuration space as at power on, then the device is told. */
void function_reset(struct bridge_function *function, enum ioreqd_reset_kind kind);

/* Of functions that are the bridge's own: they have no BAR, and nothing is behind them. */
extern const struct bridge_function_ops function_without_device;

/* Neither failed nor asleep. */
bool function_is_awake(const struct bridge_function *function);

/* Lays out all capabilities, those of the bridge first. */
void capabilities_build(struct bridge_function *function, const struct ioreqd_description *description,
                        unsigned express_type);
/* NULL, or why the model's capabilities cannot be, for people. */
const char *capabilities_check(const struct ioreqd_description *description);

/* An access at an offset of a mapped BAR, of any size and alignment. */
uint64_t bar_read(struct bar *bar, uint64_t offset, unsigned size);
void bar_write(struct bar *bar, uint64_t offset, unsigned size, uint64_t value);

/* Where on the bus the registers say that the BAR decodes. False: it does not. */
bool bar_wanted_address(const struct bar *bar, uint64_t *address);
/* Whether the address is one that BARs have while nobody has placed them, or while they are sized. */
bool bar_is_unplaced(const struct bar *bar, uint64_t address);

/* Lays out the registers of a BAR at reset. */
void bar_init(struct bar *bar, const struct ioreqd_bar *description);
void bar_init_rom(struct bar *bar, uint64_t size);
/* NULL, or why the BAR cannot be, for people. */
const char *bar_check(const struct ioreqd_bar *bar);

/* Maps and unmaps the function's BARs as its registers, and those of the ports above, now say. */
void placement_sync(struct bridge_function *function);
/* The same for all functions of a bus. */
void placement_sync_bus(struct bridge_bus *bus);
/* Unmaps them all for good. */
void placement_remove(struct bridge_function *function);

/* Tells the platform the level of the function's line, if it changed. [any] */
void lines_sync(struct bridge_function *function);
/* The guest has reached the function: a line that it leaves high may have to be raised again. */
void lines_raise_again(struct bridge_function *function);
static inline void lines_after_access(struct bridge_function *function)
{
    if (atomic_load_explicit(&function->intx_on_line, memory_order_relaxed)) {
        lines_raise_again(function);
    }
}
/* Whether the function's pin leads anywhere. */
bool lines_exist(const struct bridge_bus *bus);

/* Of bridge.c: an access that a BAR refuses; keeps a doorbell until the guest is answered. */
void bridge_count_misfit(struct bridge *bridge);
void bridge_keep_bell(struct bridge_function *function, unsigned queue, uint32_t value);

#endif
