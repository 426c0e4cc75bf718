/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The ids of all devices of a configuration: each has one of its own. Main thread, see device_option.h.
 */
#include "config/device_option.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MODULE_SUFFIX ".so"

/* So much of a model's name as leaves room for a number in an id. */
#define LONGEST_STEM 50

static const struct config_device *device_by_id(const struct config *config, const char *id)
{
    for (size_t i = 0; i < config->devices; i++) {
        if (config->device[i].id != NULL && strcmp(config->device[i].id, id) == 0) {
            return &config->device[i];
        }
    }
    return NULL;
}

/* The model's name, or what the file of a module is called, with '-' for what an id cannot have. */
static void make_stem(const char *model, char stem[LONGEST_STEM + 1])
{
    const char *slash = strrchr(model, '/');

    snprintf(stem, LONGEST_STEM + 1, "%s", slash != NULL ? slash + 1 : model);
    size_t length = strlen(stem);
    if (length > strlen(MODULE_SUFFIX) && strcmp(stem + length - strlen(MODULE_SUFFIX), MODULE_SUFFIX) == 0) {
        stem[length - strlen(MODULE_SUFFIX)] = 0;
    }
    for (char *at = stem; *at != 0; at++) {
        char character[2] = {*at, 0};

        if (!config_device_is_name(character, true)) {
            *at = '-';
        }
    }
}

/* The first of MODEL0, MODEL1... that no device has. */
static char *make_id(const struct config *config, const char *model)
{
    char stem[LONGEST_STEM + 1];
    char id[LONGEST_STEM + 12];
    unsigned number = 0;

    make_stem(model, stem);
    do {
        snprintf(id, sizeof(id), "%s%u", stem, number++);
    } while (device_by_id(config, id) != NULL);
    return strdup(id);
}

static int check_id(const struct config *config, const struct config_device *device, struct config_error *error)
{
    if (device->id != NULL && device_by_id(config, device->id) != device) {
        return config_error_device(error, device, "id", device->id, "another device has this id: give each its own");
    }
    return 0;
}

int config_device_name(struct config *config, struct config_error *error)
{
    for (size_t i = 0; i < config->devices; i++) {
        if (check_id(config, &config->device[i], error) < 0) {
            return -1;
        }
    }
    /* Only now, so that a name made up does not take one that is given further on. */
    for (size_t i = 0; i < config->devices; i++) {
        struct config_device *device = &config->device[i];

        if (device->id == NULL) {
            device->id = make_id(config, device->model);
        }
        if (device->id == NULL) {
            return config_error_memory(error);
        }
    }
    return 0;
}
