/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where the devices of a configuration sit: bridge= names a host bridge or a root port that is there, addr= is a place
 * on its bus, and no two have the same. Main thread, see device_option.h.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/bridge_option.h"
#include "config/device_option.h"
#include "config/nearest.h"
#include "config/root_port.h"

static const char *bridge_name(const struct config_device *device)
{
    return device->bridge != NULL ? device->bridge : CONFIG_BRIDGE_PCI;
}

/* The root port that the device sits behind; NULL: it sits on a root bus. */
static const struct config_device *port_of(const struct config *config, const struct config_device *device)
{
    for (size_t i = 0; device->bridge != NULL && i < config->devices; i++) {
        if (config->device[i].root_port && strcmp(config->device[i].id, device->bridge) == 0) {
            return &config->device[i];
        }
    }
    return NULL;
}

/* ---- bridge= ---- */

/* One name is not to mean two things. */
static int check_port_name(const struct config *config, const struct config_device *device, struct config_error *error)
{
    if (device->root_port &&
        (strcmp(device->id, CONFIG_BRIDGE_PCI) == 0 || config_bridge_by_name(config, device->id) != NULL)) {
        return config_error_device(error, device, "id", device->id,
                                   "a host bridge has this name: give the root port another id");
    }
    return 0;
}

static int unknown_bridge(const struct config *config, const struct config_device *device, struct config_error *error)
{
    struct nearest nearest;

    nearest_begin(&nearest, device->bridge);
    nearest_offer(&nearest, CONFIG_BRIDGE_PCI);
    for (size_t i = 0; i < config->bridges; i++) {
        nearest_offer(&nearest, config->bridge[i].name);
    }
    for (size_t i = 0; i < config->devices; i++) {
        if (config->device[i].root_port) {
            nearest_offer(&nearest, config->device[i].id);
        }
    }
    if (nearest.name != NULL) {
        return config_error_device(error, device, "bridge", device->bridge,
                                   "there is no such host bridge or root port: is %s meant?", nearest.name);
    }
    return config_error_device(error, device, "bridge", device->bridge,
                               "there is no such host bridge or root port: give " CONFIG_BRIDGE_PCI
                               ", the name of a --bridge, or the id of a --device " CONFIG_ROOT_PORT_MODEL);
}

static int find_bridge(const struct config *config, struct config_device *device, struct config_error *error)
{
    if (device->bridge != NULL && strcmp(device->bridge, CONFIG_BRIDGE_PCI) == 0) {
        free(device->bridge);
        device->bridge = NULL;
    }
    if (device->bridge == NULL || config_bridge_by_name(config, device->bridge) != NULL) {
        return 0;
    }
    if (port_of(config, device) == NULL) {
        return unknown_bridge(config, device, error);
    }
    if (device->root_port) {
        return config_error_device(error, device, "bridge", device->bridge,
                                   "that is a root port, and a root port sits on a host bridge: give " CONFIG_BRIDGE_PCI
                                   " or the name of a --bridge");
    }
    return 0;
}

/* ---- addr= ---- */

static int place_behind_port(struct config_device *device, struct config_error *error)
{
    char addr[16];

    if (!device->has_addr) {
        device->has_addr = true;
        device->function = 0;
        return 0;
    }
    snprintf(addr, sizeof(addr), "%02x.%x", device->function >> 3 & 0x1fu, device->function & 7u);
    if (device->has_bus) {
        return config_error_device(error, device, "addr", addr,
                                   "the guest numbers the bus behind root port %s: leave BUS out", device->bridge);
    }
    if (device->function >> 3 != 0) {
        return config_error_device(error, device, "addr", addr,
                                   "behind root port %s there is device 00 only: leave addr out, or give a function of "
                                   "it, 00.0 to 00.7",
                                   device->bridge);
    }
    return 0;
}

static int place_on_root_bus(const struct config *config, struct config_device *device, struct config_error *error)
{
    const struct bridge_host_config *host =
        device->bridge != NULL ? config_bridge_by_name(config, device->bridge) : NULL;
    unsigned root_bus = host != NULL ? host->first_bus : 0;

    if (device->has_bus && device->bus != root_bus) {
        char addr[16];

        snprintf(addr, sizeof(addr), "%02x:%02x.%x", device->bus, device->function >> 3 & 0x1fu, device->function & 7u);
        return config_error_device(error, device, "addr", addr,
                                   "host bridge %s has no place on bus %02x: its root bus is %02x: leave BUS out",
                                   bridge_name(device), device->bus, root_bus);
    }
    return 0;
}

static int check_addr(const struct config *config, const struct config_device *device, struct config_error *error)
{
    for (const struct config_device *other = config->device; other < device; other++) {
        if (device->has_addr && other->has_addr && device->function == other->function &&
            strcmp(bridge_name(device), bridge_name(other)) == 0) {
            char addr[16];

            snprintf(addr, sizeof(addr), "%02x.%x", device->function >> 3 & 0x1fu, device->function & 7u);
            return config_error_device(
                error, device, "addr", addr, "%s cannot be there on bridge %s, %s is already: give another addr%s",
                device->id, bridge_name(device), other->id,
                port_of(config, device) == NULL ? ", or leave it out" : ", 00.1 to 00.7, or bridge");
        }
    }
    return 0;
}

/* ---- root ports ---- */

/* The root ports up to this one that are on its bridge. */
static unsigned port_count(const struct config *config, const struct config_device *device)
{
    unsigned ports = 0;

    for (const struct config_device *at = config->device; at <= device; at++) {
        ports += at->root_port && strcmp(bridge_name(at), bridge_name(device)) == 0;
    }
    return ports;
}

/* Each root port needs a bus behind it, which the guest takes from those of the host bridge. */
static int check_buses(const struct config *config, const struct config_device *device, struct config_error *error)
{
    const struct bridge_host_config *host =
        device->bridge != NULL ? config_bridge_by_name(config, device->bridge) : NULL;
    struct bridge_host_config pci;

    if (device->bridge == NULL && config->machine == BRIDGE_MACHINE_ARM) {
        bridge_default_arm_host(&pci);
        if (port_count(config, device) > (unsigned)(pci.last_bus - pci.first_bus)) {
            return config_error_device(
                error, device, "id", device->id,
                "bridge " CONFIG_BRIDGE_PCI
                " of an Arm guest has buses 00 to %02x, and no bus left for what sits behind this "
                "root port: put it on a bridge of --bridge, with buses=",
                pci.last_bus);
        }
        return 0;
    }
    unsigned ports = port_count(config, device);

    if (host != NULL && ports > (unsigned)(host->last_bus - host->first_bus)) {
        return config_error_device(error, device, "bridge", host->name,
                                   "bridge %s has no bus left for what sits behind root port %s: give it more, as "
                                   "buses=%02x-%02x",
                                   host->name, device->id, host->first_bus, host->first_bus + ports);
    }
    return 0;
}

static const struct config_device *port_with_slot(const struct config *config, const struct config_device *except,
                                                  unsigned slot)
{
    for (size_t i = 0; i < config->devices; i++) {
        const struct config_device *device = &config->device[i];

        if (device->root_port && device != except && device->slot == slot) {
            return device;
        }
    }
    return NULL;
}

/* PCI Express 4.0 7.5.3.9: the number of a slot is unique in its chassis, which a guest is. */
static int check_slots(struct config *config, struct config_error *error)
{
    for (size_t i = 0; i < config->devices; i++) {
        const struct config_device *device = &config->device[i];
        const struct config_device *other = port_with_slot(config, device, device->slot);

        if (device->root_port && device->slot != 0 && other != NULL) {
            char slot[8];

            snprintf(slot, sizeof(slot), "%u", device->slot);
            return config_error_device(error, device, "slot", slot,
                                       "root port %s has this number too: give each its own, or leave slot out",
                                       other->id);
        }
    }
    for (size_t i = 0; i < config->devices; i++) {
        uint16_t slot = 1;

        if (!config->device[i].root_port || config->device[i].slot != 0) {
            continue;
        }
        /* Ends: there are fewer root ports than places, and far fewer than numbers. */
        while (port_with_slot(config, &config->device[i], slot) != NULL) {
            slot++;
        }
        config->device[i].slot = slot;
    }
    return 0;
}

int config_device_place(struct config *config, struct config_error *error)
{
    for (size_t i = 0; i < config->devices; i++) {
        if (check_port_name(config, &config->device[i], error) < 0) {
            return -1;
        }
    }
    for (size_t i = 0; i < config->devices; i++) {
        struct config_device *device = &config->device[i];
        int result = find_bridge(config, device, error);

        if (result == 0) {
            result = port_of(config, device) != NULL ? place_behind_port(device, error)
                                                     : place_on_root_bus(config, device, error);
        }
        if (result < 0 || check_addr(config, device, error) < 0 ||
            (device->root_port && check_buses(config, device, error) < 0)) {
            return -1;
        }
    }
    return check_slots(config, error);
}
