/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Host bridges as device tree source, see describe.h: nodes of the generic ECAM bridge, after its binding
 * (pci-host-ecam-generic) and IEEE 1275's for PCI. They lie in /passthrough, the subtree that xl's device_tree= copies
 * into a guest's own tree.
 */
#include <inttypes.h>

#include "bridge/describe/describe.h"

/* The first cell of a PCI address in ranges: relocatable, its space, prefetchable. */
#define IO          0x01000000u
#define MEMORY32    0x02000000u
#define PREFETCH_64 0x43000000u

#define LINES 4u

static void put_address(FILE *out, uint64_t value)
{
    fprintf(out, " %#" PRIx32 " %#" PRIx32, (uint32_t)(value >> 32), (uint32_t)value);
}

/* An I/O aperture that the processor reaches by ports has no place in a tree: there addresses are memory. */
static void put_range(FILE *out, uint32_t kind, const struct bridge_aperture *aperture, const char **separator)
{
    if (aperture->size == 0 || aperture->space != BRIDGE_MEMORY) {
        return;
    }
    fprintf(out, "%s<%#" PRIx32, *separator, kind);
    put_address(out, aperture->bus);
    put_address(out, aperture->first);
    put_address(out, aperture->size);
    fputs(">", out);
    *separator = ",\n                     ";
}

static void put_ranges(FILE *out, const struct bridge_host_config *bridge)
{
    const char *separator = "            ranges = ";

    put_range(out, IO, &bridge->io, &separator);
    put_range(out, MEMORY32, &bridge->memory, &separator);
    put_range(out, PREFETCH_64, &bridge->memory64, &separator);
    if (separator[0] == ',') {
        fputs(";\n", out);
    }
}

/*
 * Four devices and four pins tell all lines apart, as device n's pin p leads to line (n + p - 1) % 4: the mask leaves
 * the two low bits of the device's number, and the pin.
 */
static void put_lines(FILE *out, const struct bridge_host_config *bridge, const struct describe_lines *lines)
{
    const char *separator = "            interrupt-map = ";

    if (lines == NULL || bridge->lines == BRIDGE_LINES_NONE) {
        return;
    }
    for (uint32_t device = 0; device < LINES; device++) {
        for (uint32_t pin = 1; pin <= LINES; pin++) {
            uint32_t cell[DESCRIBE_CELLS];
            unsigned cells = lines->specifier(bridge, (device + pin - 1) % LINES, cell);

            if (cells == 0) {
                continue;
            }
            fprintf(out, "%s<%#" PRIx32 " 0 0 %" PRIu32 " &%s", separator, device << 11, pin, lines->controller);
            for (unsigned i = 0; i < cells && i < DESCRIBE_CELLS; i++) {
                fprintf(out, " %#" PRIx32, cell[i]);
            }
            fputs(">", out);
            separator = ",\n                            ";
        }
    }
    if (separator[0] == ',') {
        fputs(";\n            interrupt-map-mask = <0x1800 0 0 7>;\n"
              "            #interrupt-cells = <1>;\n",
              out);
    }
}

static void put_bridge(FILE *out, const struct bridge_host_config *bridge, const struct describe_lines *lines)
{
    fprintf(out, "\n        /* host bridge %s */\n        pcie@%" PRIx64 " {\n", bridge->name, bridge->ecam);
    fputs("            compatible = \"pci-host-ecam-generic\";\n"
          "            device_type = \"pci\";\n"
          "            reg = <",
          out);
    fprintf(out, "%#" PRIx32 " %#" PRIx32, (uint32_t)(bridge->ecam >> 32), (uint32_t)bridge->ecam);
    put_address(out, bridge_ecam_size(bridge));
    fprintf(out, ">;\n            bus-range = <%#x %#x>;\n", bridge->first_bus, bridge->last_bus);
    fprintf(out, "            linux,pci-domain = <%u>;\n", bridge->segment);
    fputs("            #address-cells = <3>;\n            #size-cells = <2>;\n", out);
    put_ranges(out, bridge);
    put_lines(out, bridge, lines);
    fputs("            dma-coherent;\n        };\n", out);
}

void describe_dts(FILE *out, const struct bridge_host_config *bridge, size_t count, const struct describe_lines *lines)
{
    fputs("/dts-v1/;\n"
          "\n"
          "/ {\n"
          "    #address-cells = <2>;\n"
          "    #size-cells = <2>;\n"
          "\n"
          "    passthrough {\n"
          "        compatible = \"simple-bus\";\n"
          "        #address-cells = <2>;\n"
          "        #size-cells = <2>;\n"
          "        ranges;\n",
          out);
    for (size_t i = 0; i < count; i++) {
        if (bridge[i].ecam != 0) {
            put_bridge(out, &bridge[i], lines);
        }
    }
    fputs("    };\n};\n", out);
}
