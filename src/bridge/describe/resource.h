/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Resource templates in AML: what a device takes and what a bridge forwards (ACPI 6.4 6.4). No state but the writer's;
 * any thread.
 */
#ifndef IOREQD_BRIDGE_DESCRIBE_RESOURCE_H
#define IOREQD_BRIDGE_DESCRIBE_RESOURCE_H

#include <stdint.h>

#include "bridge/describe/aml.h"
#include "bridge/host_config.h"

/* ResourceTemplate (): descriptors follow. */
void resource_open(struct aml *aml);
void resource_close(struct aml *aml);

/* The buses of a bridge. */
void resource_buses(struct aml *aml, uint8_t first, uint8_t last);
/* I/O ports that the device itself takes. */
void resource_ports(struct aml *aml, uint16_t first, uint8_t count);
/* Memory that the device itself takes; size is not 0. */
void resource_memory(struct aml *aml, uint64_t first, uint64_t size);
/* What a bridge forwards to its bus as I/O or as memory; nothing for an aperture that is not there. */
void resource_io_aperture(struct aml *aml, const struct bridge_aperture *aperture);
void resource_memory_aperture(struct aml *aml, const struct bridge_aperture *aperture);

#endif
