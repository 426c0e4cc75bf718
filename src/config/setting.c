/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Settings of the guest in the configuration file, see setting.h.
 */
#include "config/setting.h"

#include <stdlib.h>
#include <string.h>

#include "config/nearest.h"

bool config_option_in_file(const struct config_option *option)
{
    /* Sections of their own, and what is asked of one run of the program. */
    static const char *const line_only[] = {"--device",   "--bridge",  "--config", "--check",
                                            "--describe", "--version", "--help"};

    for (size_t i = 0; i < sizeof(line_only) / sizeof(line_only[0]); i++) {
        if (strcmp(line_only[i], option->name) == 0) {
            return false;
        }
    }
    return true;
}

static const struct config_option *option_of(const char *key)
{
    const struct config_option *option;

    for (size_t i = 0; (option = config_option_at(i)) != NULL; i++) {
        if (strcmp(option->name + strlen("--"), key) == 0) {
            return option;
        }
    }
    return NULL;
}

static int unknown_setting(const struct config_place *place, const char *key, struct config_error *error)
{
    const struct config_option *option;
    struct config_shown shown;
    struct nearest nearest;

    nearest_begin(&nearest, key);
    for (size_t i = 0; (option = config_option_at(i)) != NULL; i++) {
        if (config_option_in_file(option)) {
            nearest_offer(&nearest, option->name + strlen("--"));
        }
    }
    config_show(&shown, key);
    if (nearest.name != NULL) {
        return config_error_file(error, place, NULL, NULL, "%s: unknown key of [guest]: is %s meant?", shown.text,
                                 nearest.name);
    }
    return config_error_file(error, place, NULL, NULL, "%s: unknown key of [guest]: see ioreqd.conf(5)", shown.text);
}

static int add_setting(struct config *config, const char *key, const char *value, unsigned line,
                       struct config_error *error)
{
    struct config_pair *grown = realloc(config->setting, (config->settings + 1) * sizeof(*grown));

    if (grown == NULL) {
        return config_error_memory(error);
    }
    config->setting = grown;
    grown += config->settings;
    *grown = (struct config_pair){.key = strdup(key), .value = strdup(value), .line = line};
    if (grown->key == NULL || grown->value == NULL) {
        free(grown->key);
        free(grown->value);
        return config_error_memory(error);
    }
    config->settings++;
    return 0;
}

int config_setting_apply(struct config *config, const struct config_option *option, const char *value,
                         struct config_error *error)
{
    if (option->value != NULL) {
        return option->apply(config, value, error);
    }
    if (strcmp(value, "on") == 0) {
        return option->apply(config, "", error);
    }
    return strcmp(value, "off") == 0
               ? 0
               : config_error_setting(error, config, option->name + strlen("--"), value, "give on or off");
}

int config_setting_read(struct config *config, const char *key, const char *value, const struct config_place *place,
                        struct config_error *error)
{
    const struct config_option *option = option_of(key);

    if (option == NULL) {
        return unknown_setting(place, key, error);
    }
    if (!config_option_in_file(option)) {
        return config_error_file(error, place, NULL, NULL, "%s: no key of [guest]: give %s on the command line%s", key,
                                 option->name, option->repeatable ? ", or a section of its own" : "");
    }
    for (size_t i = 0; i < config->settings; i++) {
        if (strcmp(config->setting[i].key, key) == 0) {
            return config_error_file(error, place, NULL, NULL,
                                     "%s: the key is given twice, first in line %u: give it once", key,
                                     config->setting[i].line);
        }
    }
    if (value[0] == 0) {
        return config_error_file(error, place, NULL, NULL, "%s: the value is empty: give %s, or leave the key out", key,
                                 option->value != NULL ? option->value : "on or off");
    }
    if (add_setting(config, key, value, place->line, error) < 0) {
        return -1;
    }
    if (config_setting_apply(config, option, value, error) < 0) {
        config_error_move(error, place, NULL, NULL, key, value);
        return -1;
    }
    return 0;
}
