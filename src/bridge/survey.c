/* SPDX-License-Identifier: BSD-2-Clause */
/* What is there, see survey.h. */
#include "bridge/survey.h"

#include "bridge/bus.h"
#include "bridge/function.h"
#include "bridge/pci_registers.h"
#include "bridge/port.h"

static unsigned count_mapped(const struct bridge_function *function)
{
    unsigned count = 0;

    for (unsigned i = 0; i < BARS_AND_ROM; i++) {
        count += function->bar[i].mapped;
    }
    return count;
}

static void survey_bus(const struct bridge_bus *bus,
                       void (*call)(void *context, const struct survey_function *function), void *context)
{
    for (unsigned i = 0; i < FUNCTIONS; i++) {
        const struct bridge_function *function = bus->function[i];
        struct survey_function found;

        if (function == NULL) {
            continue;
        }
        found = (struct survey_function){
            .function = function,
            .above = bus->port,
            .devfn = function->devfn,
            .vendor = (uint16_t)config_space_get(&function->config, PCI_VENDOR, 2),
            .device = (uint16_t)config_space_get(&function->config, PCI_DEVICE, 2),
            .class_code = config_space_get(&function->config, PCI_REVISION, 4) >> 8,
            .root_port = function->port != NULL,
            .numbered = bus->port == NULL || bus_number(bus) != 0,
            .secondary = (uint8_t)(function->port != NULL ? port_secondary_number(function) : 0),
            .bars = count_mapped(function),
        };
        bridge_place(function, &found.place);
        call(context, &found);
        if (function->port != NULL) {
            survey_bus(&function->port->secondary, call, context);
        }
    }
}

/* The newest is the first of the list. */
static void survey_host(const struct bridge_host *host,
                        void (*call)(void *context, const struct bridge_host_config *config),
                        void (*function)(void *context, const struct survey_function *function), void *context)
{
    if (host != NULL) {
        survey_host(host->next, call, function, context);
        call(context, &host->config);
        survey_bus(&host->root, function, context);
    }
}

void bridge_survey(const struct bridge *bridge, void (*host)(void *context, const struct bridge_host_config *config),
                   void (*function)(void *context, const struct survey_function *function), void *context)
{
    survey_host(bridge->hosts, host, function, context);
}
