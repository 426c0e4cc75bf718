/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The ACPI tables that tell a guest of host bridges, see describe.h: an SSDT with a device for each, and an MCFG with
 * their ECAM windows. An SSDT device of motherboard resources reserves these: guests use no ECAM that is not reserved so
 * (PCI Firmware 3.0 4.1.2).
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "bridge/describe/acpi_bridge.h"
#include "bridge/describe/aml.h"
#include "bridge/describe/describe.h"
#include "bridge/describe/resource.h"

#define OEM_ID       "IOREQD"   /* 6 bytes */
#define OEM_TABLE_ID "BRIDGES " /* 8 bytes */
#define CREATOR_ID   "IORQ"     /* 4 bytes */

/* Of a table's header, ACPI 6.4 5.2.6. */
#define LENGTH_AT   4
#define CHECKSUM_AT 9

/* As many as three digits can name. */
#define MOST_BRIDGES 0x1000u

static void open_table(struct aml *aml, const char *signature, uint8_t revision)
{
    aml_bytes(aml, signature, 4);
    aml_u32(aml, 0); /* length and checksum: close_table() */
    aml_u8(aml, revision);
    aml_u8(aml, 0);
    aml_bytes(aml, OEM_ID, 6);
    aml_bytes(aml, OEM_TABLE_ID, 8);
    aml_u32(aml, 1);
    aml_bytes(aml, CREATOR_ID, 4);
    aml_u32(aml, 1);
}

static void close_table(struct aml *aml, size_t start)
{
    uint8_t sum = 0;
    size_t length;

    if (!aml_good(aml)) {
        return;
    }
    length = aml->size - start;
    for (unsigned i = 0; i < 4; i++) {
        aml->data[start + LENGTH_AT + i] = (uint8_t)(length >> 8 * i);
    }
    for (size_t i = start; i < aml->size; i++) {
        sum = (uint8_t)(sum + aml->data[i]);
    }
    aml->data[start + CHECKSUM_AT] = (uint8_t)-sum;
}

static void put_reserved(struct aml *aml, const struct bridge_host_config *bridge, size_t count)
{
    aml_open_device(aml, "BECM");
    aml_name(aml, "_HID");
    aml_eisa_id(aml, "PNP0C02");
    aml_name(aml, "_UID");
    aml_string(aml, "ioreqd");
    aml_name(aml, "_CRS");
    resource_open(aml);
    for (size_t i = 0; i < count; i++) {
        if (bridge[i].ecam != 0) {
            resource_memory(aml, bridge[i].ecam, bridge_ecam_size(&bridge[i]));
        }
    }
    resource_close(aml);
    aml_close(aml);
}

static bool is_described(const struct bridge_host_config *bridge, unsigned flags)
{
    return bridge->ecam != 0 || (flags & DESCRIBE_ACPI_PORTS) != 0;
}

static void put_ssdt(struct aml *aml, const struct bridge_host_config *bridge, size_t count, unsigned flags,
                     bool express)
{
    size_t start = aml->size;

    open_table(aml, "SSDT", 2); /* 2: its integers have 64 bits */
    aml_open_scope(aml, "\\_SB");
    for (size_t i = 0; i < count; i++) {
        char name[8];

        if (is_described(&bridge[i], flags)) {
            snprintf(name, sizeof(name), "B%03X", (unsigned)i & (MOST_BRIDGES - 1));
            acpi_put_bridge(aml, name, &bridge[i]);
        }
    }
    if (express) {
        put_reserved(aml, bridge, count);
    }
    aml_close(aml);
    close_table(aml, start);
}

/* PCI Firmware 3.0 4.1.2 */
static void put_mcfg(struct aml *aml, const struct bridge_host_config *bridge, size_t count)
{
    size_t start = aml->size;

    open_table(aml, "MCFG", 1);
    aml_u64(aml, 0);
    for (size_t i = 0; i < count; i++) {
        if (bridge[i].ecam != 0) {
            aml_u64(aml, acpi_ecam_base(&bridge[i]));
            aml_u16(aml, bridge[i].segment);
            aml_u8(aml, bridge[i].first_bus);
            aml_u8(aml, bridge[i].last_bus);
            aml_u32(aml, 0);
        }
    }
    close_table(aml, start);
}

int describe_acpi(const struct bridge_host_config *bridge, size_t count, unsigned flags, struct describe_buffer *tables)
{
    bool any = false, express = false;
    struct aml aml;

    *tables = (struct describe_buffer){.data = NULL};
    if (count > MOST_BRIDGES) {
        return -E2BIG;
    }
    for (size_t i = 0; i < count; i++) {
        any = any || is_described(&bridge[i], flags);
        express = express || bridge[i].ecam != 0;
    }
    if (!any) {
        return 0;
    }
    aml_begin(&aml);
    put_ssdt(&aml, bridge, count, flags, express);
    if (express) {
        put_mcfg(&aml, bridge, count);
    }
    if (!aml_good(&aml)) {
        aml_free(&aml);
        return -ENOMEM;
    }
    *tables = (struct describe_buffer){.data = aml.data, .size = aml.size};
    return 0;
}

void describe_free(struct describe_buffer *buffer)
{
    free(buffer->data);
    *buffer = (struct describe_buffer){.data = NULL};
}
