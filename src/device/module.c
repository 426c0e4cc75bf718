/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Loading of modules and the checks of what a model says of its state, see module.h. The tables that concern PCI are
 * checked by the bridge, the properties by the configuration.
 */
#include "device/module.h"

#include <dlfcn.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/bridge.h"
#include "device/host.h"

#define STATE_SIZE_MAX (16u * 1024 * 1024)

struct module {
    void *handle;
    const struct ioreqd_model *const *models;
};

static bool refuse(char *reason, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Always false. */
static bool refuse(char *reason, size_t size, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(reason, size, format, arguments);
    va_end(arguments);
    return false;
}

/* Whether count elements of width bytes at offset lie inside the state and are aligned there. */
static bool inside(const struct ioreqd_model *model, uint64_t offset, uint64_t count, uint64_t width)
{
    return offset % width == 0 && offset <= model->state_size && count <= (model->state_size - offset) / width;
}

static bool check_fields(const struct ioreqd_model *model, char *reason, size_t size)
{
    static const uint8_t width[] = {
        [IOREQD_FIELD_U8] = 1, [IOREQD_FIELD_U16] = 2, [IOREQD_FIELD_U32] = 4, [IOREQD_FIELD_U64] = 8};

    for (const struct ioreqd_field *field = model->field; field != NULL && field->tag != 0; field++) {
        if (field->kind >= sizeof(width) || width[field->kind] == 0 || field->reserved != 0) {
            return refuse(reason, size, "saved field %u is of no known kind", field->tag);
        }
        if (field->count == 0 || !inside(model, field->offset, field->count, width[field->kind])) {
            return refuse(reason, size, "saved field %u does not lie inside the state", field->tag);
        }
        if (field->since > model->state_version) {
            return refuse(reason, size, "saved field %u is newer than the state", field->tag);
        }
        for (const struct ioreqd_field *other = model->field; other != field; other++) {
            if (other->tag == field->tag) {
                return refuse(reason, size, "the tag %u is given to two saved fields", field->tag);
            }
        }
    }
    return true;
}

static bool check_counters(const struct ioreqd_model *model, char *reason, size_t size)
{
    for (const struct ioreqd_counter *counter = model->counter; counter != NULL && counter->name != NULL; counter++) {
        if (counter->unit == NULL || !inside(model, counter->offset, 1, sizeof(uint64_t))) {
            return refuse(reason, size, "counter %s has no unit or does not lie inside the state", counter->name);
        }
    }
    return true;
}

/* Of verbs and parameters, which people type. */
static bool is_word(const char *text)
{
    return *text != '\0' && strlen(text) < 32 && text[strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-")] == '\0';
}

static bool check_parameters(const struct ioreqd_verb *verb, char *reason, size_t size)
{
    const struct ioreqd_parameter *parameter = verb->parameter;

    for (unsigned i = 0; parameter != NULL && parameter->name != NULL; i++, parameter++) {
        bool plain = parameter->kind >= IOREQD_PROPERTY_BOOL && parameter->kind <= IOREQD_PROPERTY_STRING;

        if (i == IOREQD_PARAMETERS) {
            return refuse(reason, size, "verb %s has more than %d parameters", verb->name, IOREQD_PARAMETERS);
        }
        if (!is_word(parameter->name) || parameter->help == NULL || !plain ||
            (parameter->flags & ~IOREQD_PARAMETER_REQUIRED) != 0 ||
            (parameter->choice != NULL && parameter->kind != IOREQD_PROPERTY_STRING)) {
            return refuse(reason, size,
                          "parameter %s of verb %s is no word, has no help, or is of a kind that it cannot be",
                          parameter->name, verb->name);
        }
    }
    return true;
}

static bool check_verbs(const struct ioreqd_model *model, char *reason, size_t size)
{
    const struct ioreqd_verb *verb = IOREQD_HAS(model, verb) ? model->verb : NULL;

    for (; verb != NULL && verb->name != NULL; verb++) {
        if (!is_word(verb->name) || verb->help == NULL || verb->run == NULL) {
            return refuse(reason, size, "verb %s is no word, has no help, or does nothing", verb->name);
        }
        for (const struct ioreqd_verb *other = model->verb; other != verb; other++) {
            if (strcmp(other->name, verb->name) == 0) {
                return refuse(reason, size, "there are two verbs %s", verb->name);
            }
        }
        if (!check_parameters(verb, reason, size)) {
            return false;
        }
    }
    return true;
}

static bool is_name(const char *text)
{
    return text != NULL && *text != '\0' && strlen(text) < 32 &&
           text[strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-")] == '\0';
}

static bool check_model(const struct ioreqd_model *model, char *reason, size_t size)
{
    if (model->struct_size < offsetof(struct ioreqd_model, config_write) + sizeof(model->config_write)) {
        return refuse(reason, size, "its table is too short to be that of a model");
    }
    if (model->abi != IOREQD_ABI) {
        return refuse(reason, size,
                      "it is built for version %u of the device interface, and this ioreqd has version %u", model->abi,
                      IOREQD_ABI);
    }
    if (!is_name(model->name) || model->summary == NULL) {
        return refuse(reason, size, "it has no name of letters, digits and '-', or no summary");
    }
    if (model->state_size == 0 || model->state_size > STATE_SIZE_MAX) {
        return refuse(reason, size, "its state has %u bytes: 1 to %u can be had", model->state_size, STATE_SIZE_MAX);
    }
    if (model->create == NULL || model->read == NULL || model->write == NULL) {
        return refuse(reason, size, "it lacks one of create, read and write");
    }
    if (model->description == NULL || model->description->struct_size < offsetof(struct ioreqd_description, bell) +
                                                                            sizeof(model->description->bell)) {
        return refuse(reason, size, "it has no description, or one that is too short");
    }
    const char *wrong = bridge_check_description(model->description);

    if (wrong != NULL) {
        return refuse(reason, size, "%s", wrong);
    }
    if (model->description->bells != 0 && model->bell == NULL) {
        return refuse(reason, size, "it has doorbells and no function bell");
    }
    return check_fields(model, reason, size) && check_counters(model, reason, size) && check_verbs(model, reason, size);
}

struct module *module_open(const char *path, char *reason, size_t size)
{
    const struct ioreqd_model *const *(*entry)(const struct ioreqd_host *) = NULL;
    struct module *module = calloc(1, sizeof(*module));
    void *symbol;

    if (module == NULL) {
        refuse(reason, size, "out of memory");
        return NULL;
    }
    module->handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (module->handle == NULL) {
        refuse(reason, size, "it cannot be loaded: %s", dlerror());
        goto fail;
    }
    symbol = dlsym(module->handle, "ioreqd_module");
    if (symbol == NULL) {
        refuse(reason, size, "it is no module of ioreqd: it lacks the function ioreqd_module()");
        goto fail;
    }
    memcpy(&entry, &symbol, sizeof(entry)); /* ISO C has no cast from an object to a function */
    module->models = entry(host_table());
    if (module->models == NULL || module->models[0] == NULL) {
        refuse(reason, size, "it has no model for this version of ioreqd (device interface %u)", IOREQD_ABI);
        goto fail;
    }
    for (size_t i = 0; module->models[i] != NULL; i++) {
        if (!check_model(module->models[i], reason, size)) {
            goto fail;
        }
    }
    return module;

fail:
    module_close(module);
    return NULL;
}

void module_close(struct module *module)
{
    if (module == NULL) {
        return;
    }
    if (module->handle != NULL) {
        dlclose(module->handle);
    }
    free(module);
}

const struct ioreqd_model *const *module_models(const struct module *module)
{
    return module->models;
}
