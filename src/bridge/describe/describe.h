/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Says what host bridges there are: to guests, as ACPI tables or as device tree source, and to people. Made from the
 * same description of the bridges that they are built from, so they cannot disagree. No state; any thread.
 */
#ifndef IOREQD_BRIDGE_DESCRIBE_DESCRIBE_H
#define IOREQD_BRIDGE_DESCRIBE_DESCRIBE_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "bridge/host_config.h"
#include "ioreqd/device.h"

struct describe_buffer {
    uint8_t *data; /* NULL: empty */
    size_t size;
};

/*
 * Also bridges that configuration ports alone reach. Not for HVM guests, whose firmware describes the one they have;
 * for PVH guests, to which nobody else tells of it.
 */
#define DESCRIBE_ACPI_PORTS 0x1u

/*
 * An SSDT and, where a bridge has ECAM, an MCFG: one right behind the other, as acpi_firmware= of xl.cfg(5) takes them,
 * for libacpi of Xen walks them by their lengths. Nothing where no bridge is to be described. Returns 0 or a negative
 * errno. describe_free() frees what is in *tables.
 */
int describe_acpi(const struct bridge_host_config *bridge, size_t count, unsigned flags,
                  struct describe_buffer *tables);
void describe_free(struct describe_buffer *buffer);

/* A function that reaches only pages that the guest grants: its requester id, as it stands on its host bridge. */
struct describe_grant {
    const char *bridge;
    uint16_t function; /* bus << 8 | device << 3 | function */
};

/*
 * Device tree source with a node for each bridge that has ECAM, complete enough to be compiled. interrupts: of a guest
 * that has SPIs, with its message frame; NULL: who builds the guest's tree has to add them, and lines are left out. Only
 * with interrupts are there grants. The result of out is for the caller to check.
 */
void describe_dts(FILE *out, const struct bridge_host_config *bridge, size_t count,
                  const struct bridge_interrupts *interrupts, const struct describe_grant *grant, size_t grants);

struct describe_device {
    const char *bridge; /* the name of a host bridge, or the id of a root port */
    const char *place;  /* as people write it; NULL: chosen when the guest is served */
    const char *model;
    const char *id;
    const struct ioreqd_description *description; /* NULL: it is a part of the bridge */
};

/* Tables for people. The result of out is for the caller to check. */
void describe_human(FILE *out, const struct bridge_host_config *bridge, size_t count,
                    const struct describe_device *device, size_t devices);

#endif
