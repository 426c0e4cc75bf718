/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A host bridge as a device of an ACPI table. No state but the writer's; any thread.
 */
#ifndef IOREQD_BRIDGE_DESCRIBE_ACPI_BRIDGE_H
#define IOREQD_BRIDGE_DESCRIBE_ACPI_BRIDGE_H

#include "bridge/describe/aml.h"
#include "bridge/host_config.h"

/*
 * Where bus 0 would lie, were it among those of the ECAM, as MCFG and _CBA want it (PCI Firmware 3.0 4.1.2). Wraps
 * below 0, as guests do when they add the first bus.
 */
static inline uint64_t acpi_ecam_base(const struct bridge_host_config *bridge)
{
    return bridge->ecam - ((uint64_t)bridge->first_bus << 20);
}

/* Device (name) and all that is in it. */
void acpi_put_bridge(struct aml *aml, const char *name, const struct bridge_host_config *bridge);

#endif
