/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The objects that functions sit on, as the inside of the bridge sees them: the guest's PCI as a whole, its host
 * bridges, their buses. Used on the main thread, but for the interrupt lines.
 */
#ifndef IOREQD_BRIDGE_BUS_H
#define IOREQD_BRIDGE_BUS_H

#include <pthread.h>

#include "bridge/address_map.h"
#include "bridge/bridge.h"
#include "bridge/frame.h"
#include "log.h"

#define BUSES     256u
#define FUNCTIONS 256u /* of one bus */
#define DEVICES   32u
#define PINS      4u

struct bridge_bus {
    struct bridge_host *host;
    struct bridge_function *port; /* this is its secondary bus; NULL: the root bus */
    struct bridge_function *function[FUNCTIONS];
};

struct bridge_host {
    struct bridge *bridge;
    struct bridge_host *next;
    struct bridge_host_config config;
    struct bridge_bus root;
    struct bridge_bus *bus[BUSES]; /* by the number that the guest gave; NULL: nobody answers */
    unsigned claims;               /* of its ECAM and apertures, in their order, to be given back */
};

struct bridge {
    const struct bridge_platform *platform;
    void *context;
    struct bridge_host *hosts;
    struct bridge_host *recent;        /* where the last configuration request went */
    struct bridge_function *functions; /* all of them */
    struct address_map map[BRIDGE_SPACES];
    struct bridge_counters counters;
    struct log_limit log_limit;
    bool closing; /* nothing is placed any more */

    bool has_config_address;
    uint32_t config_address;

    /* The doorbell that waits until the guest has been answered. */
    struct bridge_function *bell_function;
    unsigned bell_queue;
    uint32_t bell_value;

    /* Lines are shared: the level of one is the wired OR of all that lead to it (PCI 3.0 §2.2.6). */
    pthread_mutex_t line_lock;
    uint16_t line[DEVICES][PINS];
    uint16_t spi[BRIDGE_SPI_LAST + 1];

    struct frame frame;
};

/* Takes back what bridge_add_host() claimed, and frees the host bridge with its functions. */
void host_destroy(struct bridge_host *host);

/* The ECAM's part of bridge_read() and bridge_write(). */
uint64_t host_ecam_read(struct bridge_host *host, uint64_t offset, unsigned size);
void host_ecam_write(struct bridge_host *host, uint64_t offset, unsigned size, uint64_t value);

/* What a configuration access of any size reads that nobody serves. */
static inline uint32_t config_all_ones(unsigned size)
{
    return size == 0 || size >= 4 ? UINT32_MAX : (uint32_t)bridge_all_ones(size);
}

/* One access to configuration space below the host bridge. */
uint32_t host_config_read(struct bridge_host *host, unsigned bus, uint8_t devfn, unsigned reg, unsigned size);
void host_config_write(struct bridge_host *host, unsigned bus, uint8_t devfn, unsigned reg, unsigned size,
                       uint32_t value);

/* The guest numbered its buses anew: who answers to which number, and which functions the platform routes to us. */
void host_renumber(struct bridge_host *host);

/* Puts a function that function_create() made on its bus, with what the platform has to know. 0 or a negative errno. */
int bus_add(struct bridge_function *function);
/* Whether a function can be there. */
bool bus_has_place(const struct bridge_bus *bus, uint8_t devfn);
/* Function 0 of a device says whether there are others (PCI 3.0 §6.2.1). */
void bus_sync_multifunction(struct bridge_bus *bus, uint8_t devfn);
/* The number that the guest gave it. */
unsigned bus_number(const struct bridge_bus *bus);

/* A line of the log about the guest's or the platform's doing, limited in rate. */
void bridge_log(struct bridge *bridge, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
