/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Puts a device's properties into its state, see property.h. Members are written with memcpy(): a model may pack its
 * state. Main thread.
 */
#include "config/property.h"

#include <stdio.h>
#include <string.h>

#include "config/file_keys.h"
#include "config/nearest.h"
#include "config/value.h"

static const struct ioreqd_property *property_of(const struct ioreqd_model *model, const char *name)
{
    const struct ioreqd_property *property = model->property;

    while (property != NULL && property->name != NULL) {
        if (strcmp(property->name, name) == 0) {
            return property;
        }
        property++;
    }
    return NULL;
}

/* The text of the property's value, given or fallback; NULL: neither. */
static const char *text_of(const struct ioreqd_property *property, const struct config_device *device)
{
    for (size_t i = 0; i < device->pairs; i++) {
        if (strcmp(device->pair[i].key, property->name) == 0) {
            return device->pair[i].value;
        }
    }
    return property->fallback;
}

/* Adds a name to a list of them, for as long as they fit. */
static void add_name(char *list, size_t size, const char *name)
{
    size_t used = strlen(list);

    snprintf(list + used, size - used, "%s%s", used > 0 ? ", " : "", name);
}

static int unknown_key(const struct ioreqd_model *model, const struct config_device *device,
                       const struct config_pair *pair, struct config_error *error)
{
    struct nearest nearest;
    char names[384] = "";

    nearest_begin(&nearest, pair->key);
    for (const struct ioreqd_property *at = model->property; at != NULL && at->name != NULL; at++) {
        nearest_offer(&nearest, at->name);
        add_name(names, sizeof(names), at->name);
    }
    for (const struct config_common_key *at = config_file_key; config_has_files(model) && at->name != NULL; at++) {
        nearest_offer(&nearest, at->name);
        add_name(names, sizeof(names), at->name);
    }
    for (const struct config_common_key *at = config_common_key; at->name != NULL; at++) {
        nearest_offer(&nearest, at->name);
        add_name(names, sizeof(names), at->name);
    }
    if (nearest.name != NULL) {
        return config_error_device(error, device, pair->key, pair->value, "unknown key: is %s meant? The keys are %s",
                                   nearest.name, names);
    }
    return config_error_device(error, device, pair->key, pair->value, "unknown key: the keys are %s", names);
}

static int check_keys(const struct ioreqd_model *model, const struct config_device *device, struct config_error *error)
{
    for (size_t i = 0; i < device->pairs; i++) {
        const char *key = device->pair[i].key;

        if (property_of(model, key) == NULL && !(config_has_files(model) && config_is_file_key(key))) {
            return unknown_key(model, device, &device->pair[i], error);
        }
    }
    for (const struct ioreqd_property *at = model->property; at != NULL && at->name != NULL; at++) {
        if ((at->flags & IOREQD_PROPERTY_REQUIRED) != 0 && text_of(at, device) == NULL) {
            return config_error_device(error, device, NULL, NULL, "%s is missing: add %s=VALUE: %s", at->name, at->name,
                                       at->help);
        }
    }
    return 0;
}

static void store(const struct ioreqd_property *property, const char *text, uint64_t number, void *state)
{
    unsigned char *place = (unsigned char *)state + property->offset;
    uint8_t as_bool = (uint8_t)number;
    uint32_t as_u32 = (uint32_t)number;

    switch (property->kind) {
    case IOREQD_PROPERTY_BOOL:
        memcpy(place, &as_bool, sizeof(as_bool));
        break;
    case IOREQD_PROPERTY_U32:
        memcpy(place, &as_u32, sizeof(as_u32));
        break;
    case IOREQD_PROPERTY_U64:
    case IOREQD_PROPERTY_SIZE:
        memcpy(place, &number, sizeof(number));
        break;
    case IOREQD_PROPERTY_STRING:
        memcpy(place, text, strlen(text) + 1);
        break;
    default:
        break;
    }
}

static int parse_value(const struct ioreqd_property *property, const struct config_device *device, void *state,
                       struct config_error *error)
{
    const char *text = text_of(property, device);
    struct value_reason reason;
    uint64_t number;

    if (text == NULL) {
        return 0;
    }
    if (value_parse(property, text, &number, &reason) < 0) {
        return config_error_device(error, device, property->name, text, "%s", reason.text);
    }
    store(property, text, number, state);
    return 0;
}

static bool is_on(const struct ioreqd_model *model, const char *name, const void *state)
{
    const struct ioreqd_property *property = name != NULL ? property_of(model, name) : NULL;

    return property != NULL && ((const uint8_t *)state)[property->offset] != 0;
}

static int open_file(const struct ioreqd_model *model, const struct ioreqd_property *property,
                     const struct config_device *device, void *state, const struct property_opener *opener,
                     struct config_error *error)
{
    const char *path = text_of(property, device);
    struct file_options options = {.read_only = is_on(model, property->read_only_by, state)};
    struct ioreqd_file *file = NULL;

    if (config_file_options(device, &options, error) < 0) { /* given or not, what is given must be right */
        return -1;
    }
    if (path == NULL) {
        return 0;
    }
    if (opener->open_file(opener->context, property->name, path, &options, &file, error) < 0) {
        return -1;
    }
    memcpy((unsigned char *)state + property->offset, &file, sizeof(file));
    return 0;
}

static int open_stream(const struct ioreqd_property *property, const struct config_device *device, void *state,
                       const struct property_opener *opener, struct config_error *error)
{
    const char *value = text_of(property, device);
    struct ioreqd_stream *stream = NULL;

    if (value == NULL || opener->open_stream == NULL) {
        return 0;
    }
    if (opener->open_stream(opener->context, property->name, value, &stream, error) < 0) {
        return -1;
    }
    memcpy((unsigned char *)state + property->offset, &stream, sizeof(stream));
    return 0;
}

static int open_sockets(const struct ioreqd_property *property, const struct config_device *device, void *state,
                        const struct property_opener *opener, struct config_error *error)
{
    const char *path = text_of(property, device);
    struct ioreqd_sockets *sockets = NULL;

    if (path == NULL || opener->open_sockets == NULL) {
        return 0;
    }
    if (opener->open_sockets(opener->context, property->name, path, &sockets, error) < 0) {
        return -1;
    }
    memcpy((unsigned char *)state + property->offset, &sockets, sizeof(sockets));
    return 0;
}

static int open_network(const struct ioreqd_property *property, const struct config_device *device, void *state,
                        const struct property_opener *opener, struct config_error *error)
{
    const char *value = text_of(property, device);
    struct ioreqd_network *network = NULL;

    if (value == NULL || opener->open_network == NULL) {
        return 0;
    }
    if (opener->open_network(opener->context, property->name, value, &network, error) < 0) {
        return -1;
    }
    memcpy((unsigned char *)state + property->offset, &network, sizeof(network));
    return 0;
}

static bool is_opened(const struct ioreqd_property *property)
{
    return property->kind == IOREQD_PROPERTY_FILE || property->kind == IOREQD_PROPERTY_STREAM ||
           property->kind == IOREQD_PROPERTY_SOCKETS || property->kind == IOREQD_PROPERTY_NETWORK;
}

int property_parse(const struct ioreqd_model *model, const struct config_device *device, void *state,
                   const struct property_opener *opener, struct config_error *error)
{
    if (check_keys(model, device, error) < 0) {
        return -1;
    }
    for (const struct ioreqd_property *at = model->property; at != NULL && at->name != NULL; at++) {
        if (!is_opened(at) && parse_value(at, device, state, error) < 0) {
            return -1;
        }
    }
    for (const struct ioreqd_property *at = model->property; at != NULL && at->name != NULL; at++) {
        if (at->kind == IOREQD_PROPERTY_FILE && open_file(model, at, device, state, opener, error) < 0) {
            return -1;
        }
        if (at->kind == IOREQD_PROPERTY_STREAM && open_stream(at, device, state, opener, error) < 0) {
            return -1;
        }
        if (at->kind == IOREQD_PROPERTY_SOCKETS && open_sockets(at, device, state, opener, error) < 0) {
            return -1;
        }
        if (at->kind == IOREQD_PROPERTY_NETWORK && open_network(at, device, state, opener, error) < 0) {
            return -1;
        }
    }
    return 0;
}
