/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A PCI Express root port: a function with header type 1 and a bus of its own behind it (PCI-to-PCI Bridge 1.2; PCI
 * Express 4.0 §7.5.1.3). It forwards what its windows hold downwards, and memory accesses and messages of what sits
 * behind it upwards while its bus master bit is on. Owned by its function, used on the main thread.
 */
#ifndef IOREQD_BRIDGE_PORT_H
#define IOREQD_BRIDGE_PORT_H

#include "bridge/bus.h"
#include "bridge/function.h"

struct port {
    struct bridge_bus secondary;
};

/* Whether the port forwards the range, both ends included, to its secondary bus now. */
bool port_forwards(const struct bridge_function *port, bool io, uint64_t first, uint64_t last);

/* The number of the secondary bus, 0: the guest gave none yet. */
unsigned port_secondary_number(const struct bridge_function *port);
/* Whether configuration accesses reach beyond the port: its bus is not held in reset. */
bool port_is_open(const struct bridge_function *port);

/* A function came to the secondary bus, or went. */
void port_sync_presence(struct bridge_function *port);

/* The guest wrote to these registers of the port: what follows from it. held: the bus was in reset before. */
void port_written(struct bridge_function *port, unsigned reg, unsigned size, bool held);
/* The port itself was reset, asleep or woken: what is behind it follows. */
void port_follow(struct bridge_function *port);

void port_destroy(struct port *port);

#endif
