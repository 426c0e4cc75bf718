/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One PCI function, as the inside of the bridge sees it: configuration space, BARs, capabilities, interrupts.
 *
 * Owned by its bridge. The main thread alone uses it, but for the members that are atomic, msix, and the interrupt
 * line, which is the bridge's.
 */
#ifndef IOREQD_BRIDGE_FUNCTION_H
#define IOREQD_BRIDGE_FUNCTION_H

#include <stdatomic.h>

#include "bridge/bridge.h"
#include "bridge/config_space.h"
#include "bridge/msi.h"
#include "bridge/msix.h"

/* A base address register. */
struct bar {
    struct bridge_function *function;
    uint64_t size; /* 0: there is none */
    uint64_t address;
    enum bridge_space space;
    uint8_t index;
    uint8_t min_access;
    uint8_t max_access;
    bool wide;    /* 64 bits: takes two registers */
    bool mapped;  /* decodes at address */
    bool refused; /* would decode, but its place was taken or the platform refused the claim */
};

/* A capability of the model, in its place. */
struct placed_capability {
    uint8_t reg;
    uint8_t length;
    bool trap;
};

struct bridge_function {
    struct bridge *bridge;
    uint16_t number;
    const struct bridge_function_ops *ops;
    void *device;
    struct config_space config;
    struct bar bar[IOREQD_BARS];
    struct placed_capability *capability;
    unsigned capabilities;
    const struct ioreqd_bell *bell;
    unsigned bells;
    unsigned msix_bar;
    unsigned msix_reg; /* of its capability, 0: none */
    struct msix *msix;
    unsigned msi_reg; /* of its capability, 0: none */
    struct msi *msi;
    bool has_pin;
    atomic_bool bus_master;
    atomic_bool intx_raised;   /* what the device wants */
    atomic_bool intx_disabled; /* command register bit 10 */
    bool intx_on_line;         /* what the line was told; guarded by the bridge's line lock */
};

/* A function as the description, already checked, says, at reset. NULL when memory is short. */
struct bridge_function *function_create(struct bridge *bridge, uint16_t number,
                                        const struct ioreqd_description *description,
                                        const struct bridge_function_ops *ops, void *device,
                                        const struct bridge_platform *platform, void *context);
void function_destroy(struct bridge_function *function);

uint32_t function_config_read(struct bridge_function *function, unsigned reg, unsigned size);
void function_config_write(struct bridge_function *function, unsigned reg, unsigned size, uint32_t value);

/* An access at an offset of a mapped BAR, of any size and alignment. */
uint64_t bar_read(struct bar *bar, uint64_t offset, unsigned size);
void bar_write(struct bar *bar, uint64_t offset, unsigned size, uint64_t value);

/* Where the registers say that the BAR decodes, or BAR_NOWHERE. */
#define BAR_NOWHERE UINT64_MAX
uint64_t bar_wanted_address(const struct bar *bar);

/* Lays out the registers of a BAR at reset. */
void bar_init(struct bar *bar, const struct ioreqd_bar *description);
/* NULL, or why the BAR cannot be, for people. */
const char *bar_check(const struct ioreqd_bar *bar);

/* Of bridge.c: maps and unmaps the function's BARs as its registers now say. */
void bridge_sync_bars(struct bridge *bridge, struct bridge_function *function);
/* Of bridge.c: tells the platform the level of the function's line, if it changed. [any] */
void bridge_sync_intx(struct bridge_function *function);
/* Of bridge.c: an access that a BAR refuses; keeps a doorbell until the guest is answered. */
void bridge_count_misfit(struct bridge *bridge);
void bridge_keep_bell(struct bridge_function *function, unsigned queue, uint32_t value);

#endif
