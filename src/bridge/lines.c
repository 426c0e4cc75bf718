/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * INTx: from a function's pin, through the ports above it, to a line of the platform. The level of a line is the wired
 * OR of all pins that lead to it. May run on any thread: the bridge's line lock guards what a line was told.
 *
 * An SPI is a line that the platform does not keep. Xen's vGIC takes a rise for an edge, ignores a fall, and when the
 * guest has handled the interrupt does not look whether the line is high still (xen/arch/arm/vgic.c,
 * vgic_inject_irq()). So the line is raised again, which makes the interrupt pending again also while the guest is
 * handling it,
 *   (1) when a function's pin rises, also where another holds the line high,
 *   (2) when a function's pin falls while another holds the line high,
 *   (3) after an access of the guest to a function whose pin stays high.
 * Why no interrupt is lost: let a pin be high. It rose, which by (1) made the interrupt pend, so that a run of the
 * guest's handler begins after the rise. In that run the guest either lowers the pin, and all is well; or reaches its
 * function and leaves it high, and by (3) another run follows; or does not come to it because it has served another
 * function of the line, as systems do that stop at the first that had something, and by (2) another run follows. Where
 * it does none of these it has seen an interrupt and not looked at all that share the line, and with a level kept by
 * hardware it would be interrupted for ever: a function that no driver has may hold the line so, and by (1) the others
 * are served beside it. What this costs is a run that finds nothing, for each in which the handler reads its function
 * before it lowers the pin: edu's Linux driver was run 832 times for 416 interrupts.
 *
 * Each of the three looks at the pin and raises the line under one lock, after the change or access and before the guest
 * has its answer: a pin that another thread changes meanwhile is under (1) or (2) itself. Platforms that do keep levels
 * are told falls too, and see nothing in a rise of what is high.
 */
#include "bridge/bus.h"
#include "bridge/function.h"

struct line {
    unsigned device;
    unsigned pin;
};

bool lines_exist(const struct bridge_bus *bus)
{
    const struct bridge_platform *platform = bus->host->bridge->platform;

    switch (bus->host->config.lines) {
    case BRIDGE_LINES_NONE:
        return false;
    case BRIDGE_LINES_SPIS:
        return platform->spi != NULL && bus->host->config.spis.count != 0;
    default:
        return platform->intx != NULL;
    }
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

static unsigned find_spi(const struct bridge_function *function)
{
    struct line line = find_line(function);

    return bridge_line_spi(&function->bus->host->config, line.device, line.pin);
}

/* The pin has changed. The line lock is held, here and in the next. */
static void set_line(struct bridge *bridge, const struct line *line, bool level)
{
    uint16_t *raised = &bridge->line[line->device][line->pin];

    *raised = (uint16_t)(level ? *raised + 1 : *raised - 1);
    if (*raised == (level ? 1 : 0)) {
        bridge->platform->intx(bridge->context, line->device, line->pin, level);
    }
}

static void set_spi(struct bridge *bridge, unsigned spi, bool level)
{
    uint16_t *raised = &bridge->spi[spi];

    *raised = (uint16_t)(level ? *raised + 1 : *raised - 1);
    bridge->platform->spi(bridge->context, spi, *raised != 0);
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

    if (level != atomic_load(&function->intx_on_line)) {
        atomic_store(&function->intx_on_line, level);
        if (function->bus->host->config.lines == BRIDGE_LINES_SPIS) {
            set_spi(bridge, find_spi(function), level);
        } else {
            struct line line = find_line(function);

            set_line(bridge, &line, level);
        }
    }
    pthread_mutex_unlock(&bridge->line_lock);
}

void lines_raise_again(struct bridge_function *function)
{
    struct bridge *bridge = function->bus->host->bridge;

    if (function->bus->host->config.lines != BRIDGE_LINES_SPIS) {
        return;
    }
    pthread_mutex_lock(&bridge->line_lock);
    if (atomic_load(&function->intx_on_line)) {
        bridge->platform->spi(bridge->context, find_spi(function), true);
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
