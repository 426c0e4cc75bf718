/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * --describe, see describe_mode.h: turns a configuration into what bridge/describe/ takes.
 */
#include "describe_mode.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bridge/describe/describe.h"
#include "bridge/machine.h"
#include "config/bridge_option.h"
#include "device/device.h"
#include "places.h"

static int nothing_to_describe(const char *kind, struct config_error *error)
{
    return config_error_set(error, EXIT_STATUS_CONFIGURATION,
                            "--describe %s: there is nothing to describe: a guest knows of bridge " CONFIG_BRIDGE_PCI
                            " without: add --bridge NAME,ecam=ADDRESS,memory=ADDRESS+SIZE",
                            kind);
}

static int print_acpi(const struct config *config, struct config_error *error)
{
    struct describe_buffer tables;
    int rc;

    if (config->machine == BRIDGE_MACHINE_ARM) {
        return config_error_set(error, EXIT_STATUS_CONFIGURATION,
                                "--describe acpi: an Arm guest learns of its bridges from a device tree: give dts");
    }
    if (config->bridges == 0) {
        return nothing_to_describe("acpi", error);
    }
    if (isatty(STDOUT_FILENO)) {
        return config_error_set(error, EXIT_STATUS_CONFIGURATION,
                                "--describe acpi: the tables are binary, and standard output is a terminal: write them "
                                "to a file, as > bridges.acpi");
    }
    rc = describe_acpi(config->bridge, config->bridges, 0, &tables);
    if (rc != 0) {
        return config_error_set(error, rc == -E2BIG ? EXIT_STATUS_CONFIGURATION : EXIT_STATUS_FAILED,
                                "--describe acpi: %s",
                                rc == -E2BIG ? "more than 4096 bridges: leave some out" : strerror(-rc));
    }
    fwrite(tables.data, 1, tables.size, stdout);
    describe_free(&tables);
    return 0;
}

/* All bridges of the guest, that which it has without being asked for one first; to be freed. */
static struct bridge_host_config *all_bridges(const struct config *config)
{
    struct bridge_host_config *bridge = calloc(config->bridges + 1, sizeof(*bridge));

    if (bridge == NULL) {
        return NULL;
    }
    if (config->machine == BRIDGE_MACHINE_ARM) {
        bridge_default_arm_host(&bridge[0]);
        bridge_give_lines(&bridge[0], &config->interrupts.lines, 0, (unsigned)config->bridges + 1);
    } else {
        bridge_default_host(&bridge[0], false, true); /* beside QEMU: what kind the guest is of, is not known here */
    }
    for (size_t i = 0; i < config->bridges; i++) {
        bridge[i + 1] = config->bridge[i];
    }
    return bridge;
}

static bool wants_grants(const struct config_device *device)
{
    for (size_t i = 0; i < device->pairs; i++) {
        if (strcmp(device->pair[i].key, "access-platform") == 0) {
            return strcmp(device->pair[i].value, "on") == 0;
        }
    }
    return false;
}

/* The functions that are to reach granted pages alone, into grant[], of which there are as many as devices. */
static int list_grants(const struct config *config, struct describe_grant *grant, size_t *grants,
                       struct config_error *error)
{
    uint8_t *devfn = calloc(config->devices + 1, sizeof(*devfn));
    int rc = devfn == NULL ? config_error_memory(error) : places_choose(config, NULL, devfn, error);

    *grants = 0;
    for (size_t i = 0; rc == 0 && i < config->devices; i++) {
        const struct config_device *device = &config->device[i];
        const struct bridge_host_config *bridge =
            device->bridge == NULL ? NULL : config_bridge_by_name(config, device->bridge);

        if (device->root_port || !wants_grants(device)) {
            continue;
        }
        if (device->bridge != NULL && bridge == NULL) {
            rc = config_error_device(error, device, "access-platform", "on",
                                     "what is behind a root port gets its number from the guest, and a device tree "
                                     "names it by that: put it on a host bridge");
            continue;
        }
        grant[(*grants)++] =
            (struct describe_grant){.bridge = bridge == NULL ? CONFIG_BRIDGE_PCI : bridge->name,
                                    .function = (uint16_t)((bridge == NULL ? 0 : bridge->first_bus) << 8 | devfn[i])};
    }
    free(devfn);
    return rc;
}

static int print_arm_dts(const struct config *config, struct config_error *error)
{
    struct bridge_host_config *bridge = all_bridges(config);
    struct describe_grant *grant = calloc(config->devices + 1, sizeof(*grant));
    size_t grants = 0;
    int rc = bridge == NULL || grant == NULL ? config_error_memory(error) : list_grants(config, grant, &grants, error);

    if (rc == 0) {
        describe_dts(stdout, bridge, config->bridges + 1, &config->interrupts, grant, grants);
    }
    free(grant);
    free(bridge);
    return rc;
}

static int print_dts(const struct config *config, struct config_error *error)
{
    if (config->machine == BRIDGE_MACHINE_ARM) {
        return print_arm_dts(config, error);
    }
    if (config->bridges == 0) {
        return nothing_to_describe("dts", error);
    }
    describe_dts(stdout, config->bridge, config->bridges, NULL, NULL, 0);
    return 0;
}

struct place_text {
    char text[16];
};

static const char *show_place(const struct config *config, const struct config_device *device, struct place_text *place)
{
    unsigned function = device->function;
    unsigned bus = 0;

    if (!device->has_addr) {
        return NULL;
    }
    for (size_t i = 0; device->bridge != NULL && i < config->bridges; i++) {
        if (strcmp(config->bridge[i].name, device->bridge) == 0) {
            bus = config->bridge[i].first_bus;
        }
    }
    for (size_t i = 0; device->bridge != NULL && i < config->devices; i++) {
        if (config->device[i].root_port && strcmp(config->device[i].id, device->bridge) == 0) {
            snprintf(place->text, sizeof(place->text), "%02x.%x", function >> 3 & 0x1f, function & 7);
            return place->text;
        }
    }
    snprintf(place->text, sizeof(place->text), "%02x:%02x.%x", bus, function >> 3 & 0x1f, function & 7);
    return place->text;
}

static int print_human(const struct config *config, struct ioreqd_device *const *device, struct config_error *error)
{
    struct bridge_host_config *bridge = all_bridges(config);
    struct describe_device *shown = calloc(config->devices + 1, sizeof(*shown));
    struct place_text *place = calloc(config->devices + 1, sizeof(*place));
    int rc = -1;

    if (bridge == NULL || shown == NULL || place == NULL) {
        config_error_memory(error);
        goto out;
    }
    for (size_t i = 0; i < config->devices; i++) {
        const struct config_device *at = &config->device[i];

        shown[i] = (struct describe_device){.bridge = at->bridge != NULL ? at->bridge : CONFIG_BRIDGE_PCI,
                                            .place = show_place(config, at, &place[i]),
                                            .model = at->model,
                                            .id = at->id,
                                            .description = device[i] != NULL ? device_description(device[i]) : NULL};
    }
    describe_human(stdout, bridge, config->bridges + 1, shown, config->devices);
    rc = 0;
out:
    free(bridge);
    free(shown);
    free(place);
    return rc;
}

int describe_mode(const struct config *config, struct ioreqd_device *const *device, struct config_error *error)
{
    int rc;

    switch (config->description) {
    case CONFIG_DESCRIPTION_ACPI:
        rc = print_acpi(config, error);
        break;
    case CONFIG_DESCRIPTION_DTS:
        rc = print_dts(config, error);
        break;
    default:
        rc = print_human(config, device, error);
        break;
    }
    if (rc == 0 && (fflush(stdout) != 0 || ferror(stdout))) {
        return config_error_set(error, EXIT_STATUS_FAILED, "cannot write to standard output: %s", strerror(errno));
    }
    return rc;
}
