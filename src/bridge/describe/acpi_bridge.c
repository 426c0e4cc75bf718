/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A host bridge in AML, see acpi_bridge.h: who it is, its buses and apertures (ACPI 6.4 6.5), where its interrupt lines
 * go, and which features of PCI Express it leaves to the guest (PCI Firmware 3.0 4.5).
 */
#include "bridge/describe/acpi_bridge.h"

#include "bridge/describe/resource.h"

#define DEVICES 32u
#define PINS    4u

/* Xen's wiring of the lines of bus 0 to the inputs of the I/O APIC: hvm_pci_intx_gsi() of Xen, and its DSDT. */
#define FIRST_GSI 16u
#define GSI_MASK  31u

/* Control bits of _OSC, PCI Firmware 3.0 table 4-5. */
#define OSC_EXPRESS_CAPABILITY 0x10u
/*
 * What the guest may drive itself. Neither hot-plug nor error reporting is modelled, so they stay with the platform,
 * which does nothing about them.
 */
#define OSC_GRANTED OSC_EXPRESS_CAPABILITY
/* Status bits in the first double word of what _OSC returns: ACPI 6.4 6.2.11. */
#define OSC_UNKNOWN_UUID     0x04u
#define OSC_UNKNOWN_REVISION 0x08u
#define OSC_MASKED           0x10u

static unsigned gsi_of(unsigned device, unsigned pin)
{
    return FIRST_GSI + ((device * PINS + device / 8 + pin) & GSI_MASK);
}

/*
 * _PRT: the input of the interrupt controller for each pin of each device. Where the lines lead nowhere, functions have
 * no pin, and a guest looks for no route then (Linux: acpi_pci_irq_enable()): there is no table.
 */
static void put_routes(struct aml *aml, const struct bridge_host_config *bridge)
{
    if (bridge->lines == BRIDGE_LINES_NONE) {
        return;
    }
    aml_name(aml, "_PRT");
    aml_open_package(aml, DEVICES * PINS);
    for (unsigned device = 0; device < DEVICES; device++) {
        for (unsigned pin = 0; pin < PINS; pin++) {
            unsigned gsi = bridge->lines == BRIDGE_LINES_FOLDED ? gsi_of(bridge->lines_device, (device + pin) % PINS)
                                                                : gsi_of(device, pin);

            aml_open_package(aml, 4);
            aml_integer(aml, device << 16 | 0xffffu);
            aml_integer(aml, pin);
            aml_integer(aml, 0); /* no link device: the number is that of the input */
            aml_integer(aml, gsi);
            aml_close(aml);
        }
    }
    aml_close(aml);
}

static void put_resources(struct aml *aml, const struct bridge_host_config *bridge)
{
    aml_name(aml, "_CRS");
    resource_open(aml);
    resource_buses(aml, bridge->first_bus, bridge->last_bus);
    if (bridge->configuration_ports) {
        resource_ports(aml, 0xcf8, 8);
    }
    resource_io_aperture(aml, &bridge->io);
    resource_memory_aperture(aml, &bridge->memory);
    resource_memory_aperture(aml, &bridge->memory64);
    resource_close(aml);
}

/* Or (CDW1, bit, CDW1) */
static void put_status(struct aml *aml, unsigned bit)
{
    aml_opcode(aml, AML_OR);
    aml_path(aml, "CDW1");
    aml_integer(aml, bit);
    aml_path(aml, "CDW1");
}

/* If (!LEqual (a, b)): the terms follow. */
static void open_if_differs(struct aml *aml, enum aml_opcode a)
{
    aml_open_if(aml);
    aml_opcode(aml, AML_LNOT);
    aml_opcode(aml, AML_LEQUAL);
    aml_opcode(aml, a);
}

/*
 * Method (_OSC, 4): the guest tells what it can and asks for control; the answer is the same buffer with the control
 * that it has, and status bits where that is less than it asked for, or nobody knows what it asked.
 */
static void put_osc(struct aml *aml)
{
    aml_open_method(aml, "_OSC", 4);
    aml_opcode(aml, AML_CREATE_DWORD_FIELD);
    aml_opcode(aml, AML_ARG3);
    aml_integer(aml, 0);
    aml_path(aml, "CDW1");

    aml_open_if(aml);
    aml_opcode(aml, AML_LEQUAL);
    aml_opcode(aml, AML_ARG0);
    aml_uuid(aml, "33DB4D5B-1FF7-401C-9657-7441C03DD766");

    aml_opcode(aml, AML_CREATE_DWORD_FIELD);
    aml_opcode(aml, AML_ARG3);
    aml_integer(aml, 8);
    aml_path(aml, "CDW3");

    aml_opcode(aml, AML_STORE);
    aml_path(aml, "CDW3");
    aml_opcode(aml, AML_LOCAL0);

    aml_opcode(aml, AML_AND);
    aml_opcode(aml, AML_LOCAL0);
    aml_integer(aml, OSC_GRANTED);
    aml_path(aml, "CDW3");

    open_if_differs(aml, AML_ARG1);
    aml_integer(aml, 1);
    put_status(aml, OSC_UNKNOWN_REVISION);
    aml_close(aml);

    open_if_differs(aml, AML_LOCAL0);
    aml_path(aml, "CDW3");
    put_status(aml, OSC_MASKED);
    aml_close(aml);

    aml_close(aml);
    aml_open_else(aml);
    put_status(aml, OSC_UNKNOWN_UUID);
    aml_close(aml);

    aml_opcode(aml, AML_RETURN);
    aml_opcode(aml, AML_ARG3);
    aml_close(aml);
}

void acpi_put_bridge(struct aml *aml, const char *name, const struct bridge_host_config *bridge)
{
    bool express = bridge->ecam != 0;

    aml_open_device(aml, name);
    aml_name(aml, "_HID");
    aml_eisa_id(aml, express ? "PNP0A08" : "PNP0A03");
    if (express) {
        aml_name(aml, "_CID");
        aml_eisa_id(aml, "PNP0A03");
    }
    /* A number that is only this bridge's; 0 is that of PCI0 in Xen's DSDT. */
    aml_name(aml, "_UID");
    aml_integer(aml, (uint32_t)bridge->segment << 8 | bridge->first_bus);
    aml_name(aml, "_STR");
    aml_unicode(aml, bridge->name);
    aml_name(aml, "_SEG");
    aml_integer(aml, bridge->segment);
    aml_name(aml, "_BBN");
    aml_integer(aml, bridge->first_bus);
    /* Its devices' DMA is coherent with caches; processors for which that is not so by nature ask (ACPI 6.4 6.2.17). */
    aml_name(aml, "_CCA");
    aml_integer(aml, 1);
    if (express) {
        aml_name(aml, "_CBA");
        aml_integer(aml, acpi_ecam_base(bridge));
    }
    put_resources(aml, bridge);
    put_routes(aml, bridge);
    if (express) {
        put_osc(aml);
    }
    aml_close(aml);
}
