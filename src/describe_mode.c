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
#include "device/device.h"

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

static int print_dts(const struct config *config, struct config_error *error)
{
    if (config->bridges == 0) {
        return nothing_to_describe("dts", error);
    }
    /* What the guest's interrupt controller is called, and which of its inputs are free, xl alone knows. */
    describe_dts(stdout, config->bridge, config->bridges, NULL);
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
    struct bridge_host_config *bridge = calloc(config->bridges + 1, sizeof(*bridge));
    struct describe_device *shown = calloc(config->devices + 1, sizeof(*shown));
    struct place_text *place = calloc(config->devices + 1, sizeof(*place));
    int rc = -1;

    if (bridge == NULL || shown == NULL || place == NULL) {
        config_error_memory(error);
        goto out;
    }
    bridge_default_host(&bridge[0], false, true); /* beside QEMU: what kind the guest is of, is not known here */
    for (size_t i = 0; i < config->bridges; i++) {
        bridge[i + 1] = config->bridge[i];
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
