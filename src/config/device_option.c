/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One device, from the argument of a --device or from a section of the file, see device_option.h. In an argument commas
 * separate elements (element.h), and the first '=' of an element ends its key. Keys of all devices are checked here, the
 * model's own are kept as they are for property.h.
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

#define MODEL_KEY "model"

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
    if (device->model == NULL) {
        return config_error_device(error, device, NULL, NULL,
                                   "model is missing: add model=MODEL: `ioreqd --device help` lists the models");
    }
    if (device->model[0] == 0) {
        return config_error_set(
            error, EXIT_STATUS_CONFIGURATION,
            "--device: the model is missing: give MODEL[,KEY=VALUE]..., or help for a list of models");
    }
    if (strchr(device->model, '/') == NULL && !config_device_is_name(device->model, false)) {
        bool filed = device->place.file != NULL;

        return config_error_device(error, device, filed ? MODEL_KEY : NULL, filed ? device->model : NULL,
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
    if (strcmp(pair->key, MODEL_KEY) == 0) {
        device->model = strdup(pair->value);
        return device->model != NULL ? 0 : config_error_memory(error);
    }
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

static int check_pair(const struct config_device *device, const char *key, const char *value,
                      struct config_error *error)
{
    if (key[0] == 0) {
        return config_error_device(error, device, "", value, "a key is missing before the =: give KEY=VALUE");
    }
    for (size_t i = 0; i < device->pairs; i++) {
        if (strcmp(device->pair[i].key, key) == 0) {
            return config_error_device(error, device, key, value, "the key is given twice: give it once");
        }
    }
    if (value[0] == 0) {
        return config_error_device(error, device, key, "", "the value is empty: give one, or leave the key out");
    }
    return 0;
}

/* On the command line the model is no key. */
static bool is_common(const struct config_device *device, const char *key)
{
    if (device->place.file != NULL && strcmp(key, MODEL_KEY) == 0) {
        return true;
    }
    for (const struct config_common_key *common = config_common_key; common->name != NULL; common++) {
        if (strcmp(common->name, key) == 0) {
            return true;
        }
    }
    return false;
}

int config_device_set(struct config_device *device, const char *key, const char *value, unsigned line,
                      struct config_error *error)
{
    struct config_pair pair = {.line = line};
    int result = -1;

    device->reading = line;
    if (check_pair(device, key, value, error) < 0) {
        return -1;
    }
    pair.key = strdup(key);
    pair.value = strdup(value);
    if (pair.key == NULL || pair.value == NULL) {
        config_error_memory(error);
    } else if (!is_common(device, key) || set_common(device, &pair, error) == 0) {
        result = keep_pair(device, &pair, error);
    }
    free(pair.key);
    free(pair.value);
    return result;
}

/* element is KEY=VALUE, without doubled commas, and is taken apart in its place. */
static int add_element(struct config_device *device, char *element, struct config_error *error)
{
    char *equals = strchr(element, '=');

    if (element[0] == 0) {
        return config_error_device(error, device, NULL, NULL,
                                   "nothing stands after a comma: remove the comma, or double it where it is part of "
                                   "a value");
    }
    if (equals == NULL) {
        return config_error_device(error, device, element, NULL,
                                   "a value is missing: give KEY=VALUE; a comma inside a value is written twice");
    }
    *equals = 0;
    return config_device_set(device, element, equals + 1, 0, error);
}

/* The model's own come first and keep their order. */
static void sort_pairs(struct config_device *device)
{
    size_t own = 0;

    for (size_t i = 0; i < device->pairs; i++) {
        if (!is_common(device, device->pair[i].key)) {
            struct config_pair pair = device->pair[i];

            memmove(&device->pair[own + 1], &device->pair[own], (i - own) * sizeof(pair));
            device->pair[own++] = pair;
        }
    }
    device->common = device->pairs - own;
    device->pairs = own;
}

int config_device_complete(struct config_device *device, struct config_error *error)
{
    device->reading = 0;
    sort_pairs(device);
    if (check_model(device, error) < 0) {
        return -1;
    }
    device->root_port = strcmp(device->model, CONFIG_ROOT_PORT_MODEL) == 0;
    return device->root_port ? config_root_port_parse(device, error) : 0;
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
    if (*help) {
        sort_pairs(device);
        device->root_port = strcmp(device->model, CONFIG_ROOT_PORT_MODEL) == 0;
        return 0;
    }
    return config_device_complete(device, error);
}

void config_device_free(struct config_device *device)
{
    for (size_t i = 0; i < device->pairs + device->common; i++) {
        free(device->pair[i].key);
        free(device->pair[i].value);
    }
    free(device->pair);
    free(device->bridge);
    free(device->id);
    free(device->model);
    *device = (struct config_device){.model = NULL};
}
