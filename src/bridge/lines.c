/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * INTx: from a function's pin, through the ports above it, to a line of the platform. The level of a line is the wired
 * OR of all pins that lead to it. May run on any thread: the bridge's line lock guards what a line was told.
 */
#include "bridge/bus.h"
#include "bridge/function.h"

struct line {
    unsigned device;
    unsigned pin;
};

bool lines_exist(const struct bridge_bus *bus)
{
    return bus->host->config.lines != BRIDGE_LINES_NONE && bus->host->bridge->platform->intx != NULL;
}

/* Each bus in between turns the pins by the device number (PCI-to-PCI Bridge 1.2 §9.1). */
static struct line find_line(const struct bridge_function *function)
{
    const struct bridge_host_config *host = &function->bus->host->config;
    struct line line = {.device = function->devfn >> 3, .pin = 0};
    const struct bridge_function *port = function->bus->port;

    if (port != NULL) {
        line.pin = (line.pin + line.device) % PINS;
        line.device = port->devfn >> 3;
    }
    if (host->lines == BRIDGE_LINES_FOLDED) {
        line.pin = (line.pin + line.device) % PINS;
        line.device = host->lines_device;
    }
    return line;
}

void lines_sync(struct bridge_function *function)
{
    struct bridge *bridge = function->bus->host->bridge;

    if (!function->has_pin) {
        return;
    }
    pthread_mutex_lock(&bridge->line_lock);
    bool level = atomic_load(&function->intx_raised) && !atomic_load(&function->intx_stopped) &&
                 !atomic_load(&function->failed) && !bridge_msix_enabled(function) && !bridge_msi_enabled(function);

    if (level != function->intx_on_line) {
        struct line line = find_line(function);
        uint16_t *raised = &bridge->line[line.device][line.pin];

        function->intx_on_line = level;
        *raised = (uint16_t)(level ? *raised + 1 : *raised - 1);
        if (*raised == (level ? 1 : 0)) {
            bridge->platform->intx(bridge->context, line.device, line.pin, level);
        }
    }
    pthread_mutex_unlock(&bridge->line_lock);
}

void bridge_intx(struct bridge_function *function, bool level)
{
    if (!function->has_pin) {
        return;
    }
    atomic_store(&function->intx_raised, level);
    lines_sync(function);
}
