/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The command line and the file as one configuration, see merge.h. The order of devices is that of the file, then that of
 * the command line; a device of the command line that replaces one of the file has its place.
 */
#include "config/merge.h"

#include <stdlib.h>
#include <string.h>

#include "config/device_option.h"
#include "config/setting.h"

int config_add_device(struct config *config, const struct config_device *device, struct config_error *error)
{
    struct config_device *grown = realloc(config->device, (config->devices + 1) * sizeof(*grown));

    if (grown == NULL) {
        return config_error_memory(error);
    }
    config->device = grown;
    grown[config->devices++] = *device;
    return 0;
}

int config_add_bridge(struct config *config, const struct bridge_host_config *bridge, const struct config_place *place,
                      struct config_error *error)
{
    struct bridge_host_config *grown = realloc(config->bridge, (config->bridges + 1) * sizeof(*grown));
    struct config_place *grown_place;

    if (grown == NULL) {
        return config_error_memory(error);
    }
    config->bridge = grown;
    grown_place = realloc(config->bridge_place, (config->bridges + 1) * sizeof(*grown_place));
    if (grown_place == NULL) {
        return config_error_memory(error);
    }
    config->bridge_place = grown_place;
    grown[config->bridges] = *bridge;
    grown_place[config->bridges] = *place;
    config->bridges++;
    return 0;
}

static struct config_device *device_of(const struct config *config, const char *id)
{
    for (size_t i = 0; id != NULL && i < config->devices; i++) {
        if (config->device[i].id != NULL && strcmp(config->device[i].id, id) == 0) {
            return &config->device[i];
        }
    }
    return NULL;
}

/* Moves the devices of the command line to the file's, and all of them back. */
static int merge_devices(struct config *config, struct config *file, struct config_error *error)
{
    struct config from = *config;
    int result = 0;

    for (size_t i = 0; i < from.devices && result == 0; i++) {
        struct config_device *same = device_of(file, from.device[i].id);

        if (same != NULL && same->place.file != NULL) {
            config_device_free(same);
            *same = from.device[i];
        } else {
            result = config_add_device(file, &from.device[i], error);
        }
        if (result == 0) {
            from.device[i] = (struct config_device){.model = NULL};
        }
    }
    if (result == 0) {
        config->device = file->device;
        config->devices = file->devices;
        file->device = from.device;
        file->devices = 0;
    }
    return result;
}

static int merge_bridges(struct config *config, struct config *file, struct config_error *error)
{
    struct config merged = {.bridges = 0};
    int result = 0;

    for (size_t i = 0; i < file->bridges && result == 0; i++) {
        size_t same = 0;

        while (same < config->bridges && strcmp(config->bridge[same].name, file->bridge[i].name) != 0) {
            same++;
        }
        if (same == config->bridges) {
            result = config_add_bridge(&merged, &file->bridge[i], &file->bridge_place[i], error);
        }
    }
    for (size_t i = 0; i < config->bridges && result == 0; i++) {
        result = config_add_bridge(&merged, &config->bridge[i], &config->bridge_place[i], error);
    }
    if (result < 0) {
        config_free(&merged);
        return -1;
    }
    free(config->bridge);
    free(config->bridge_place);
    config->bridge = merged.bridge;
    config->bridge_place = merged.bridge_place;
    config->bridges = merged.bridges;
    return 0;
}

/* The option of the command line has precedence; two domains are a mistake. */
static int merge_setting(struct config *config, struct config_pair *setting, struct config_error *error)
{
    const struct config_option *option;
    size_t index = 0;

    while ((option = config_option_at(index)) != NULL && strcmp(option->name + strlen("--"), setting->key) != 0) {
        index++;
    }
    if (option == NULL) {
        return 0;
    }
    if ((config->given & UINT64_C(1) << index) == 0) {
        config->setting[config->settings++] = *setting;
        *setting = (struct config_pair){.key = NULL};
        return config_setting_apply(config, option, config->setting[config->settings - 1].value, error);
    }
    if (strcmp(setting->key, "domain") == 0 && strcmp(setting->value, config->domain) != 0) {
        const struct config_place place = {.file = config->file, .line = setting->line};
        struct config_shown shown[2];

        return config_error_file(error, &place, NULL, NULL,
                                 "domain=%s: the command line has --domain %s: give both the same, or leave one out",
                                 config_show(&shown[0], setting->value), config_show(&shown[1], config->domain));
    }
    return 0;
}

int config_merge(struct config *config, struct config *file, struct config_error *error)
{
    config->setting = calloc(file->settings + 1, sizeof(*config->setting));
    if (config->setting == NULL) {
        return config_error_memory(error);
    }
    for (size_t i = 0; i < file->settings; i++) {
        struct config_pair *setting = &file->setting[i];

        if (merge_setting(config, setting, error) < 0) {
            return -1;
        }
    }
    if (merge_bridges(config, file, error) < 0) {
        return -1;
    }
    return merge_devices(config, file, error);
}
