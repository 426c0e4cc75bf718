/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Host bridges as device tree source, see describe.h: nodes of the generic ECAM bridge, after its binding
 * (pci-host-ecam-generic) and IEEE 1275's for PCI. They lie in /passthrough, the subtree that xl's device_tree= copies
 * into a guest's own tree; what is outside of it stands for nodes that xl makes itself.
 */
#include <inttypes.h>
#include <string.h>

#include "bridge/describe/describe.h"

/* The first cell of a PCI address in ranges: relocatable, its space, prefetchable. */
#define IO          0x01000000u
#define MEMORY32    0x02000000u
#define PREFETCH_64 0x43000000u

/* Cells of an interrupt of a GIC: its kind, its number among those of that kind, and how it is triggered. */
#define GIC_SPI        0u
#define GIC_LEVEL_HIGH 4u

/* xen/include/public/device_tree_defs.h: what the interrupt controller of an xl guest is known by. */
#define GUEST_PHANDLE_GIC 65000u

#define PINS 4u

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

/* As many devices as the lines repeat after: the mask leaves the low bits of the device's number, and the pin. */
static void put_lines(FILE *out, const struct bridge_host_config *bridge)
{
    const char *separator = "            interrupt-map = ";
    uint32_t devices;

    if (bridge->lines != BRIDGE_LINES_SPIS) {
        return;
    }
    devices = bridge_line_period(bridge);
    for (uint32_t device = 0; device < devices; device++) {
        for (uint32_t pin = 0; pin < PINS; pin++) {
            fprintf(out, "%s<%#" PRIx32 " 0 0 %" PRIu32 " &gic %u %u %u>", separator, device << 11, pin + 1, GIC_SPI,
                    bridge_line_spi(bridge, device, pin) - BRIDGE_SPI_FIRST, GIC_LEVEL_HIGH);
            separator = ",\n                            ";
        }
    }
    fprintf(out, ";\n            interrupt-map-mask = <%#" PRIx32 " 0 0 7>;\n            #interrupt-cells = <1>;\n",
            (devices - 1) << 11);
}

/*
 * An entry gives one function to the node that has Linux use grants, with the domain of the backend, 0, as the number
 * that the function has there (Linux: Documentation/devicetree/bindings/iommu/xen,grant-dma.yaml).
 */
static void put_grants(FILE *out, const struct bridge_host_config *bridge, const struct describe_grant *grant,
                       size_t grants)
{
    const char *separator = "            iommu-map = ";

    for (size_t i = 0; i < grants; i++) {
        if (strcmp(grant[i].bridge, bridge->name) == 0) {
            fprintf(out, "%s<%#x &grant_dma 0 1>", separator, grant[i].function);
            separator = ",\n                        ";
        }
    }
    if (separator[0] == ',') {
        fputs(";\n", out);
    }
}

static void put_bridge(FILE *out, const struct bridge_host_config *bridge, const struct bridge_interrupts *interrupts,
                       const struct describe_grant *grant, size_t grants)
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
    if (interrupts != NULL) {
        put_lines(out, bridge);
        if (interrupts->messages.count != 0) {
            fputs("            msi-parent = <&v2m>;\n", out);
        }
        put_grants(out, bridge, grant, grants);
    }
    fputs("            dma-coherent;\n        };\n", out);
}

static unsigned highest(const struct bridge_spis *spis)
{
    return spis->count != 0 ? spis->first + spis->count - 1u : 0;
}

/* What the tree's reader has to add to the guest's configuration. */
static void put_heading(FILE *out, const struct bridge_interrupts *interrupts)
{
    unsigned lines = highest(&interrupts->lines), messages = highest(&interrupts->messages);

    fprintf(out,
            "/*\n"
            " * For the configuration of a guest of Xen on Arm, see xl.cfg(5):\n"
            " *     device_tree = \"FILE.dtb\"    this, compiled by dtc\n"
            " *     nr_spis = %u\n"
            " */\n\n",
            (lines > messages ? lines : messages) - (BRIDGE_SPI_FIRST - 1));
}

static void put_frame(FILE *out, const struct bridge_interrupts *interrupts)
{
    if (interrupts->messages.count == 0) {
        return;
    }
    fprintf(out,
            "\n        v2m: v2m@%" PRIx64 " {\n"
            "            compatible = \"arm,gic-v2m-frame\";\n"
            "            reg = <%#" PRIx32 " %#" PRIx32 " 0 %#x>;\n"
            "            msi-controller;\n"
            "        };\n",
            interrupts->frame, (uint32_t)(interrupts->frame >> 32), (uint32_t)interrupts->frame,
            (unsigned)BRIDGE_FRAME_SIZE);
}

/* Not copied by xl, whose own node has this phandle; here for the references to it. */
static void put_controller(FILE *out)
{
    fprintf(out,
            "\n    gic: interrupt-controller {\n"
            "        phandle = <%u>;\n"
            "        interrupt-controller;\n"
            "        #interrupt-cells = <3>;\n"
            "        #address-cells = <0>;\n"
            "    };\n",
            GUEST_PHANDLE_GIC);
}

void describe_dts(FILE *out, const struct bridge_host_config *bridge, size_t count,
                  const struct bridge_interrupts *interrupts, const struct describe_grant *grant, size_t grants)
{
    fputs("/dts-v1/;\n\n", out);
    if (interrupts != NULL) {
        put_heading(out, interrupts);
    }
    fputs("/ {\n"
          "    #address-cells = <2>;\n"
          "    #size-cells = <2>;\n"
          "\n"
          "    passthrough {\n",
          out);
    /* On a simple-bus each node has an address, which that of the grants has not; Linux treats both alike. */
    fprintf(out, "        compatible = \"%s\";\n", grants != 0 ? "simple-mfd" : "simple-bus");
    fputs("        #address-cells = <2>;\n"
          "        #size-cells = <2>;\n"
          "        ranges;\n",
          out);
    if (interrupts != NULL) {
        put_frame(out, interrupts);
    }
    if (interrupts != NULL && grants != 0) {
        fputs("\n        grant_dma: grant-dma {\n"
              "            compatible = \"xen,grant-dma\";\n"
              "            #iommu-cells = <1>;\n"
              "        };\n",
              out);
    }
    for (size_t i = 0; i < count; i++) {
        if (bridge[i].ecam != 0) {
            put_bridge(out, &bridge[i], interrupts, grant, grants);
        }
    }
    fputs("    };\n", out);
    if (interrupts != NULL) {
        put_controller(out);
    }
    fputs("};\n", out);
}
