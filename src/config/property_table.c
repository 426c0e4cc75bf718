/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The checks of a model's property table, see property.h. After them property_parse() can trust it: no value lands
 * outside the state or on another, and every fallback is a value. Main thread, when a module is loaded.
 */
#include "config/property.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "config/device_option.h"
#include "config/file_keys.h"
#include "config/value.h"

struct table_check {
    const struct ioreqd_model *model;
    char *reason;
    size_t size;
};

static int fail(const struct table_check *check, const struct ioreqd_property *property, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static int fail(const struct table_check *check, const struct ioreqd_property *property, const char *format, ...)
{
    struct config_shown shown;
    char text[256];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    snprintf(check->reason, check->size, "property %s: %s", config_show(&shown, property->name), text);
    return -1;
}

static bool is_number(const struct ioreqd_property *property)
{
    return property->kind == IOREQD_PROPERTY_U32 || property->kind == IOREQD_PROPERTY_U64 ||
           property->kind == IOREQD_PROPERTY_SIZE;
}

/* Bytes of the state that the value takes; 0: the kind is unknown. A STRING's maximum was checked. */
static uint64_t size_of(const struct ioreqd_property *property)
{
    switch (property->kind) {
    case IOREQD_PROPERTY_BOOL:
        return sizeof(uint8_t);
    case IOREQD_PROPERTY_U32:
        return sizeof(uint32_t);
    case IOREQD_PROPERTY_U64:
    case IOREQD_PROPERTY_SIZE:
        return sizeof(uint64_t);
    case IOREQD_PROPERTY_STRING:
        return property->maximum + 1;
    case IOREQD_PROPERTY_FILE:
        return sizeof(struct ioreqd_file *);
    case IOREQD_PROPERTY_STREAM:
        return sizeof(struct ioreqd_stream *);
    case IOREQD_PROPERTY_SOCKETS:
        return sizeof(struct ioreqd_sockets *);
    case IOREQD_PROPERTY_NETWORK:
        return sizeof(struct ioreqd_network *);
    default:
        return 0;
    }
}

static int check_name(const struct table_check *check, const struct ioreqd_property *property)
{
    if (!config_device_is_name(property->name, true)) {
        return fail(check, property, "a name has letters, digits, - and _ only");
    }
    if (strcmp(property->name, "help") == 0) {
        return fail(check, property, "the name is taken: --device MODEL,help lists the keys");
    }
    if (strcmp(property->name, "model") == 0) {
        return fail(check, property, "the name is taken: in a configuration file it is the device's model");
    }
    for (const struct config_common_key *at = config_common_key; at->name != NULL; at++) {
        if (strcmp(property->name, at->name) == 0) {
            return fail(check, property, "the name is taken: it is a key of every device");
        }
    }
    if (config_has_files(check->model) && config_is_file_key(property->name)) {
        return fail(check, property, "the name is taken: it is a key of every device with a file");
    }
    for (const struct ioreqd_property *at = check->model->property; at < property; at++) {
        if (strcmp(property->name, at->name) == 0) {
            return fail(check, property, "the name is there twice");
        }
    }
    return 0;
}

static int check_range(const struct table_check *check, const struct ioreqd_property *property)
{
    bool ranged = is_number(property) || property->kind == IOREQD_PROPERTY_STRING;

    if (ranged && property->maximum == 0) {
        return fail(check, property, "the maximum is 0: nothing could be given");
    }
    if (ranged && property->minimum > property->maximum) {
        return fail(check, property, "the minimum is above the maximum");
    }
    if (property->kind == IOREQD_PROPERTY_U32 && property->maximum > UINT32_MAX) {
        return fail(check, property, "the maximum does not fit in 32 bits");
    }
    return 0;
}

static int check_place(const struct table_check *check, const struct ioreqd_property *property)
{
    uint64_t state_size = check->model->state_size;
    uint64_t size;

    /* Before size_of() adds 1 to it. */
    if (property->kind == IOREQD_PROPERTY_STRING && property->maximum >= state_size) {
        return fail(check, property, "it lies outside the state of %u bytes", check->model->state_size);
    }
    size = size_of(property);
    if (property->offset > state_size || size > state_size - property->offset) {
        return fail(check, property, "it lies outside the state of %u bytes", check->model->state_size);
    }
    for (const struct ioreqd_property *at = check->model->property; at < property; at++) {
        if (property->offset < at->offset + size_of(at) && at->offset < property->offset + size) {
            return fail(check, property, "it overlaps %s in the state", at->name);
        }
    }
    return 0;
}

static int check_read_only_by(const struct table_check *check, const struct ioreqd_property *property)
{
    if (property->read_only_by == NULL) {
        return 0;
    }
    if (property->kind != IOREQD_PROPERTY_FILE) {
        return fail(check, property, "read_only_by is for files only");
    }
    for (const struct ioreqd_property *at = check->model->property; at->name != NULL; at++) {
        if (strcmp(at->name, property->read_only_by) == 0 && at->kind == IOREQD_PROPERTY_BOOL) {
            return 0;
        }
    }
    struct config_shown shown;
    return fail(check, property, "read_only_by names %s, which is no BOOL property",
                config_show(&shown, property->read_only_by));
}

static int check_fallback(const struct table_check *check, const struct ioreqd_property *property)
{
    struct value_reason reason;
    uint64_t number;

    if (property->fallback == NULL) {
        return 0;
    }
    if ((property->flags & IOREQD_PROPERTY_REQUIRED) != 0) {
        return fail(check, property, "it is required, so its fallback could never be used");
    }
    if (value_parse(property, property->fallback, &number, &reason) < 0) {
        struct config_shown shown;

        return fail(check, property, "its fallback %s: %s", config_show(&shown, property->fallback), reason.text);
    }
    return 0;
}

static int check_property(const struct table_check *check, const struct ioreqd_property *property)
{
    if (check_name(check, property) < 0) {
        return -1;
    }
    if (property->help == NULL) {
        return fail(check, property, "its help is missing");
    }
    if (property->kind < IOREQD_PROPERTY_BOOL || property->kind > IOREQD_PROPERTY_SOCKETS) {
        return fail(check, property, "its kind %u is unknown", property->kind);
    }
    if ((property->flags & ~IOREQD_PROPERTY_REQUIRED) != 0) {
        return fail(check, property, "its flags %#x are unknown", property->flags);
    }
    if (property->reserved[0] != 0 || property->reserved[1] != 0 || property->reserved[2] != 0 ||
        property->reserved2 != 0) {
        return fail(check, property, "a reserved member is not 0");
    }
    if (check_range(check, property) < 0 || check_place(check, property) < 0 ||
        check_read_only_by(check, property) < 0 || check_fallback(check, property) < 0) {
        return -1;
    }
    return 0;
}

int property_check_table(const struct ioreqd_model *model, char *reason, size_t size)
{
    struct table_check check = {.model = model, .reason = reason, .size = size};

    for (const struct ioreqd_property *at = model->property; at != NULL && at->name != NULL; at++) {
        if (check_property(&check, at) < 0) {
            return -1;
        }
    }
    return 0;
}
