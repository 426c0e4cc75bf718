/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Prints descriptions that the command line has no option for, for the tools that check-description runs on them:
 *     acpi-ports    the bridge of a PVH guest, reached by configuration ports, and one with ECAM
 *     acpi-many     255 bridges
 */
#include <stdlib.h>
#include <string.h>

#include "bridge/describe/describe.h"

static const struct bridge_host_config ports = {
    .name = "pci",
    .last_bus = 0xff,
    .configuration_ports = true,
    .address_port = true,
    .io = {BRIDGE_PORT, 0x1000, 0x1000, 0xf000},
    .memory = {BRIDGE_MEMORY, 0xe0000000, 0xe0000000, 0x10000000},
};

static const struct bridge_host_config express = {
    .name = "pcie1",
    .segment = 1,
    .ecam = 0x4000000000,
    .memory = {BRIDGE_MEMORY, 0x23000000, 0x23000000, 0x1000000},
    .lines = BRIDGE_LINES_FOLDED,
    .lines_device = 3,
};

static int print_acpi(const struct bridge_host_config *bridge, size_t count)
{
    struct describe_buffer tables;

    if (describe_acpi(bridge, count, DESCRIBE_ACPI_PORTS, &tables) != 0) {
        return EXIT_FAILURE;
    }
    fwrite(tables.data, 1, tables.size, stdout);
    describe_free(&tables);
    return EXIT_SUCCESS;
}

static int print_many(void)
{
    static struct bridge_host_config bridge[255];

    for (unsigned i = 0; i < 255; i++) {
        bridge[i] = express;
        bridge[i].segment = (uint16_t)(i + 1);
        bridge[i].ecam += (uint64_t)i << 20;
        bridge[i].memory.first += (uint64_t)i << 24;
        bridge[i].memory.bus = 0x80000000;
    }
    return print_acpi(bridge, 255);
}

int main(int argc, char **argv)
{
    const struct bridge_host_config both[] = {ports, express};

    if (argc == 2 && strcmp(argv[1], "acpi-ports") == 0) {
        return print_acpi(both, 2);
    }
    if (argc == 2 && strcmp(argv[1], "acpi-many") == 0) {
        return print_many();
    }
    return EXIT_FAILURE;
}
