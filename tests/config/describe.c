/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A configuration as text, see describe.h.
 */
#include "tests/config/describe.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static void put_aperture(FILE *out, const char *name, const struct bridge_aperture *aperture)
{
    if (aperture->size != 0) {
        fprintf(out, " %s %d:%#" PRIx64 "+%#" PRIx64 "@%#" PRIx64, name, (int)aperture->space, aperture->first,
                aperture->size, aperture->bus);
    }
}

const char *describe_config(const struct config *config, char *text, size_t size)
{
    FILE *out = fmemopen(text, size, "w");

    if (out == NULL) {
        abort();
    }
    fprintf(out, "mode %d domain %s", (int)config->mode, config->domain != NULL ? config->domain : "-");
    if (config->domain_is_id) {
        fprintf(out, " (%u)", config->domain_id);
    }
    fprintf(out, " log %d", (int)config->log_level);
    if (config->foreground) {
        fprintf(out, " foreground");
    }
    if (config->log != NULL) {
        fprintf(out, " to %s", config->log);
    }
    if (config->pidfile != NULL) {
        fprintf(out, " pidfile %s", config->pidfile);
    }
    if (config->module_dir != NULL) {
        fprintf(out, " modules %s", config->module_dir);
    }
    if (config->record != NULL) {
        fprintf(out, " record %s", config->record);
    }
    if (config->control != NULL) {
        fprintf(out, " control %s", config->control);
    }
    if (config->monitor != NULL) {
        fprintf(out, " monitor %s", config->monitor);
    }
    if (config->help_model != NULL) {
        fprintf(out, " help %s", config->help_model);
    }
    if (config->mode == CONFIG_DESCRIBE || config->description != CONFIG_DESCRIPTION_ACPI) {
        fprintf(out, " describe %d", (int)config->description);
    }
    for (size_t i = 0; i < config->devices; i++) {
        const struct config_device *device = &config->device[i];

        fprintf(out, " | %s id %s", device->model, device->id != NULL ? device->id : "-");
        if (device->bridge != NULL) {
            fprintf(out, " bridge %s", device->bridge);
        }
        if (device->has_addr) {
            fprintf(out, " addr %#x", device->function);
        }
        if (device->root_port) {
            fprintf(out, " slot %u", device->slot);
        }
        for (size_t pair = 0; pair < device->pairs; pair++) {
            fprintf(out, " [%s=%s]", device->pair[pair].key, device->pair[pair].value);
        }
    }
    for (size_t i = 0; i < config->bridges; i++) {
        const struct bridge_host_config *bridge = &config->bridge[i];

        fprintf(out, " | bridge %s %u:%02x-%02x ecam %#" PRIx64 " lines %d", bridge->name, bridge->segment,
                bridge->first_bus, bridge->last_bus, bridge->ecam, (int)bridge->lines);
        put_aperture(out, "io", &bridge->io);
        put_aperture(out, "memory", &bridge->memory);
        put_aperture(out, "memory64", &bridge->memory64);
    }
    fclose(out);
    return text;
}
