/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Takes the argument of one --device apart, see device_option.h. Commas separate elements (element.h), the first '='
 * of an element ends its key. Keys of all devices are checked here, the model's own are kept as they are for property.h.
 */
#include "config/device_option.h"

#include <stdlib.h>
#include <string.h>

#include "config/element.h"
#include "config/root_port.h"

#define LONGEST_ID 63

const struct config_common_key config_common_key[] = {
    {"id", "name", "MODEL0, ...", "-", "its name in messages: letters, digits, - and _"},
    {"addr", "address", "first free", "0 to 1f.7", "its place, [BUS:]DEV[.FN] in hexadecimal as lspci prints it"},
    {"bridge", "name", "pci", "-", "the host bridge, or the id of the root port, that it sits behind"},
    {"group", "name", "0", "0", "the isolation group whose process serves it: there is one, 0"},
    {NULL, NULL, NULL, NULL, NULL},
};

bool config_device_is_name(const char *text, bool underscore)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

    /* The underscore stands last so that it can be left out. */
    for (const char *at = text; *at != 0; at++) {
        const char *found = strchr(allowed, *at);

        if (found == NULL || (*found == '_' && !underscore)) {
            return false;
        }
    }
    return *text != 0;
}

static int check_model(const struct config_device *device, struct config_error *error)
{
    if (device->model[0] == 0) {
        return config_error_set(
            error, EXIT_STATUS_CONFIGURATION,
            "--device: the model is missing: give MODEL[,KEY=VALUE]..., or help for a list of models");
    }
    if (strchr(device->model, '/') == NULL && !config_device_is_name(device->model, false)) {
        return config_error_device(error, device, NULL, NULL,
                                   "not a model's name, which has letters, digits and -: see --device help for the "
                                   "models, or give the path of a module with a / in it");
    }
    return 0;
}

static int set_id(struct config_device *device, const char *value, struct config_error *error)
{
    if (!config_device_is_name(value, true)) {
        return config_error_device(error, device, "id", value,
                                   "an id has letters, digits, - and _ only: give one, as id=disk0");
    }
    if (strlen(value) > LONGEST_ID) {
        return config_error_device(error, device, "id", value, "an id has at most %d characters: give a shorter one",
                                   LONGEST_ID);
    }
    device->id = strdup(value);
    return device->id != NULL ? 0 : config_error_memory(error);
}

static int check_only(const struct config_device *device, const char *key, const char *value, const char *thing,
                      struct config_error *error)
{
    if (strcmp(value, "0") == 0) {
        return 0;
    }
    return config_error_device(error, device, key, value,
                               "there is no such %s: give %s=0, the only one, or leave it out", thing, key);
}

/* Takes pair->key and pair->value over where it succeeds and clears *pair then. */
static int keep_pair(struct config_device *device, struct config_pair *pair, struct config_error *error)
{
    struct config_pair *grown = realloc(device->pair, (device->pairs + 1) * sizeof(*grown));

    if (grown == NULL) {
        return config_error_memory(error);
    }
    device->pair = grown;
    device->pair[device->pairs++] = *pair;
    *pair = (struct config_pair){.key = NULL};
    return 0;
}

static int set_common(struct config_device *device, const struct config_pair *pair, struct config_error *error)
{
    if (strcmp(pair->key, "id") == 0) {
        return set_id(device, pair->value, error);
    }
    if (strcmp(pair->key, "addr") == 0) {
        return config_device_parse_addr(device, pair->value, error);
    }
    if (strcmp(pair->key, "bridge") == 0) {
        device->bridge = strdup(pair->value); /* whether there is one is seen when all are known */
        return device->bridge != NULL ? 0 : config_error_memory(error);
    }
    return check_only(device, pair->key, pair->value, "isolation group", error);
}

static int check_pair(const struct config_device *device, const char *element, const char *equals,
                      struct config_error *error)
{
    size_t length = (size_t)(equals - element);

    if (length == 0) {
        return config_error_device(error, device, "", equals + 1, "a key is missing before the =: give KEY=VALUE");
    }
    /* A common key's value is not kept, but the pair stays as a record that the key was given. */
    for (size_t i = 0; i < device->pairs; i++) {
        if (strncmp(device->pair[i].key, element, length) == 0 && device->pair[i].key[length] == 0) {
            return config_error_device(error, device, device->pair[i].key, equals + 1,
                                       "the key is given twice: give it once");
        }
    }
    return 0;
}

static bool is_common(const char *key)
{
    for (const struct config_common_key *common = config_common_key; common->name != NULL; common++) {
        if (strcmp(common->name, key) == 0) {
            return true;
        }
    }
    return false;
}

/* element is KEY=VALUE, without doubled commas. */
static int add_element(struct config_device *device, const char *element, struct config_error *error)
{
    const char *equals = strchr(element, '=');
    struct config_pair pair = {.key = NULL};
    int result = -1;

    if (element[0] == 0) {
        return config_error_device(error, device, NULL, NULL,
                                   "nothing stands after a comma: remove the comma, or double it where it is part of "
                                   "a value");
    }
    if (equals == NULL) {
        return config_error_device(error, device, element, NULL,
                                   "a value is missing: give KEY=VALUE; a comma inside a value is written twice");
    }
    if (check_pair(device, element, equals, error) < 0) {
        return -1;
    }
    pair.key = strndup(element, (size_t)(equals - element));
    pair.value = strdup(equals + 1);
    if (pair.key == NULL || pair.value == NULL) {
        config_error_memory(error);
    } else if (pair.value[0] == 0) {
        config_error_device(error, device, pair.key, "", "the value is empty: give one, or leave the key out");
    } else if (is_common(pair.key) && set_common(device, &pair, error) < 0) {
        result = -1;
    } else {
        result = keep_pair(device, &pair, error);
    }
    free(pair.key);
    free(pair.value);
    return result;
}

/* What is left then are the model's own. */
static void drop_common(struct config_device *device)
{
    size_t kept = 0;

    for (size_t i = 0; i < device->pairs; i++) {
        if (is_common(device->pair[i].key)) {
            free(device->pair[i].key);
            free(device->pair[i].value);
        } else {
            device->pair[kept++] = device->pair[i];
        }
    }
    device->pairs = kept;
}

int config_device_parse(const char *text, struct config_device *device, bool *help, struct config_error *error)
{
    const char *rest = text;

    *device = (struct config_device){.model = element_take(&rest)};
    *help = false;
    if (device->model == NULL) {
        return config_error_memory(error);
    }
    if (check_model(device, error) < 0) {
        return -1;
    }
    while (rest != NULL) {
        char *element = element_take(&rest);
        int result = 0;

        if (element == NULL) {
            return config_error_memory(error);
        }
        if (strcmp(element, "help") == 0) {
            *help = true;
        } else {
            result = add_element(device, element, error);
        }
        free(element);
        if (result < 0) {
            return -1;
        }
    }
    drop_common(device);
    device->root_port = strcmp(device->model, CONFIG_ROOT_PORT_MODEL) == 0;
    return device->root_port && !*help ? config_root_port_parse(device, error) : 0;
}

void config_device_free(struct config_device *device)
{
    for (size_t i = 0; i < device->pairs; i++) {
        free(device->pair[i].key);
        free(device->pair[i].value);
    }
    free(device->pair);
    free(device->bridge);
    free(device->id);
    free(device->model);
    *device = (struct config_device){.model = NULL};
}
