/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Places for devices, see places.h.
 */
#include "places.h"

#include <string.h>

/* Where a device without addr= is looked for a place: beside QEMU, above what it and hvmloader use. */
#define FIRST_DEVICE             1u
#define FIRST_DEVICE_BESIDE_QEMU 0x10u
#define DEVICES_PER_BUS          32u

/* The host bridge that every guest has is NULL. */
static bool same_bus(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/* Whether a device of the configuration has the function: one whose place is known, of the first count or given. */
static bool is_planned(const struct config *config, const char *bus, const uint8_t *devfn, size_t count, uint8_t wanted)
{
    for (size_t i = 0; i < config->devices; i++) {
        const struct config_device *device = &config->device[i];

        if (same_bus(device->bridge, bus) && (i < count || device->has_addr) &&
            (device->has_addr ? device->function : devfn[i]) == wanted) {
            return true;
        }
    }
    return false;
}

/* Beside a device model that is not ours, which gives the guest its host bridge. An Arm guest has none. */
static bool beside_qemu(const struct config *config, const struct toolstack *toolstack)
{
    return config->machine != BRIDGE_MACHINE_ARM && toolstack_guest(toolstack)->host_bridge;
}

static bool is_taken(const struct config *config, struct toolstack *toolstack, uint16_t function)
{
    char who[160];

    return config->machine != BRIDGE_MACHINE_ARM && toolstack_function_taken(toolstack, function, who, sizeof(who));
}

static int choose(const struct config *config, struct toolstack *toolstack, uint8_t *devfn, size_t index,
                  struct config_error *error)
{
    const struct config_device *device = &config->device[index];
    bool above_qemu = device->bridge == NULL && beside_qemu(config, toolstack);

    for (unsigned i = above_qemu ? FIRST_DEVICE_BESIDE_QEMU : FIRST_DEVICE; i < DEVICES_PER_BUS; i++) {
        uint8_t wanted = (uint8_t)(i << 3);

        if (!is_planned(config, device->bridge, devfn, index, wanted) &&
            (device->bridge != NULL || !is_taken(config, toolstack, wanted))) {
            devfn[index] = wanted;
            return 0;
        }
    }
    return config_error_set(
        error, EXIT_STATUS_CONFIGURATION,
        "no place is left on bridge %s for device %s: give addr= to a function of a device that has one, or another "
        "bridge=",
        device->bridge != NULL ? device->bridge : CONFIG_BRIDGE_PCI, device->id);
}

int places_choose(const struct config *config, struct toolstack *toolstack, uint8_t *devfn, struct config_error *error)
{
    bool alone = !beside_qemu(config, toolstack);

    for (size_t i = 0; i < config->devices; i++) {
        const struct config_device *device = &config->device[i];

        if (!device->has_addr) {
            if (choose(config, toolstack, devfn, i, error) != 0) {
                return -1;
            }
        } else if (alone && device->bridge == NULL && device->function == 0) {
            return config_error_device(
                error, device, "addr", "00.0",
                "in a guest without QEMU the host bridge is there: choose a device from 01 to 1f");
        } else {
            devfn[i] = (uint8_t)device->function;
        }
    }
    return 0;
}

size_t places_of_bus_0(const struct config *config, const struct toolstack *toolstack, const uint8_t *devfn,
                       uint16_t *function)
{
    size_t count = 0;

    for (size_t i = 0; i < config->devices; i++) {
        if (config->device[i].bridge == NULL) {
            function[count++] = devfn[i];
        }
    }
    if (!toolstack_guest(toolstack)->host_bridge) {
        function[count++] = 0; /* the host bridge's own, which comes by itself */
    }
    return count;
}
