/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The verbs of devices: their tables as JSON, and a request for one as the values that its function takes. A value comes as
 * its type, or as the text that a person typed, which is read here so that every client reads it alike.
 */
#include "control/control_private.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "device/statistics.h"

/* ---- what there is ---- */

static const char *type_of(const struct ioreqd_parameter *parameter)
{
    switch (parameter->kind) {
    case IOREQD_PROPERTY_BOOL:
        return "boolean";
    case IOREQD_PROPERTY_SIZE:
        return "size";
    case IOREQD_PROPERTY_STRING:
        return "string";
    default:
        return "integer";
    }
}

static struct json_object *describe_parameter(const struct ioreqd_parameter *parameter)
{
    struct json_object *object = json_object_new_object();

    put_string(object, "name", parameter->name);
    put_string(object, "type", type_of(parameter));
    put_flag(object, "required", (parameter->flags & IOREQD_PARAMETER_REQUIRED) != 0);
    put_string(object, "help", parameter->help);
    if (parameter->choice != NULL) {
        struct json_object *words = json_object_new_array();

        for (const char *const *word = parameter->choice; *word != NULL; word++) {
            json_object_array_add(words, json_object_new_string(*word));
        }
        json_object_object_add(object, "choice", words);
    }
    return object;
}

struct json_object *verb_list(const struct ioreqd_device *device)
{
    struct json_object *list = json_object_new_array();
    const struct ioreqd_verb *verb;

    for (size_t i = 0; (verb = device_verb(device, i)) != NULL; i++) {
        struct json_object *object = json_object_new_object(), *parameters = json_object_new_array();
        const struct ioreqd_parameter *parameter = verb->parameter;

        put_string(object, "name", verb->name);
        put_string(object, "help", verb->help);
        for (; parameter != NULL && parameter->name != NULL; parameter++) {
            json_object_array_add(parameters, describe_parameter(parameter));
        }
        json_object_object_add(object, "parameters", parameters);
        json_object_array_add(list, object);
    }
    return list;
}

/* ---- values ---- */

/* 64k, 0x10000; with_suffix: k, M, G and T are powers of 1024. */
static bool parse_number(const char *text, bool with_suffix, uint64_t *number)
{
    static const char suffixes[] = "kMGT";
    const char *suffix;
    char *end;

    if (text[0] < '0' || text[0] > '9') { /* strtoull() takes signs and spaces */
        return false;
    }
    errno = 0;
    *number = strtoull(text, &end, text[0] == '0' && (text[1] | 0x20) == 'x' ? 16 : 10);
    if (errno != 0 || end == text) {
        return false;
    }
    if (*end == 0) {
        return true;
    }
    suffix = with_suffix ? strchr(suffixes, *end) : NULL;
    if (suffix == NULL || end[1] != 0) {
        return false;
    }
    unsigned shift = 10 * (unsigned)(suffix - suffixes + 1);

    if (*number > UINT64_MAX >> shift) {
        return false;
    }
    *number <<= shift;
    return true;
}

static bool parse_flag(const char *text, uint64_t *number)
{
    *number = strcmp(text, "on") == 0;
    return *number != 0 || strcmp(text, "off") == 0;
}

/* Whether the value can be what the parameter is of; it is then filled in. */
static bool read_value(const struct ioreqd_parameter *parameter, struct json_object *given, struct ioreqd_value *value)
{
    const char *text = json_object_is_type(given, json_type_string) ? json_object_get_string(given) : NULL;

    switch (parameter->kind) {
    case IOREQD_PROPERTY_BOOL:
        value->number = json_object_get_boolean(given) != 0;
        return json_object_is_type(given, json_type_boolean) || (text != NULL && parse_flag(text, &value->number));
    case IOREQD_PROPERTY_STRING:
        value->text = text;
        return text != NULL && strlen(text) == (size_t)json_object_get_string_len(given);
    default:
        if (json_object_is_type(given, json_type_int)) {
            value->number = json_object_get_uint64(given);
            return json_object_get_int64(given) >= 0;
        }
        return text != NULL && parse_number(text, parameter->kind == IOREQD_PROPERTY_SIZE, &value->number);
    }
}

static bool in_range(const struct ioreqd_parameter *parameter, const struct ioreqd_value *value)
{
    uint64_t number = parameter->kind == IOREQD_PROPERTY_STRING ? strlen(value->text) : value->number;
    const char *const *word = parameter->choice;

    if (parameter->kind == IOREQD_PROPERTY_U32 && number > UINT32_MAX) {
        return false;
    }
    while (word != NULL && *word != NULL && strcmp(*word, value->text) != 0) {
        word++;
    }
    return number >= parameter->minimum && (parameter->maximum == 0 || number <= parameter->maximum) &&
           (word == NULL || *word != NULL);
}

/* What the parameter can be, for people. */
static const char *range_of(const struct ioreqd_parameter *parameter, char text[128])
{
    size_t used = 0;

    if (parameter->choice != NULL) {
        for (const char *const *word = parameter->choice; *word != NULL && used < 120; word++) {
            used += (size_t)snprintf(text + used, 128 - used, "%s%s", used != 0 ? " or " : "", *word);
        }
    } else if (parameter->kind == IOREQD_PROPERTY_BOOL) {
        snprintf(text, 128, "on or off");
    } else if (parameter->kind == IOREQD_PROPERTY_STRING) {
        snprintf(text, 128, "a text");
    } else if (parameter->maximum != 0) {
        snprintf(text, 128, "a number from %" PRIu64 " to %" PRIu64, parameter->minimum, parameter->maximum);
    } else {
        snprintf(text, 128, "a number from %" PRIu64, parameter->minimum);
    }
    return text;
}

/* False with the request's error. */
static bool read_values(struct control_request *request, const struct ioreqd_verb *verb, struct json_object *given,
                        struct ioreqd_value value[IOREQD_PARAMETERS])
{
    const struct ioreqd_parameter *parameter = verb->parameter;
    int known = 0;

    for (unsigned i = 0; parameter != NULL && parameter->name != NULL; i++, parameter++) {
        struct json_object *one;
        char range[128];

        if (!json_object_object_get_ex(given, parameter->name, &one)) {
            if ((parameter->flags & IOREQD_PARAMETER_REQUIRED) != 0) {
                request_fail(request, CONTROL_BAD_PARAMETERS, "%s: %s is missing: give %s", verb->name, parameter->name,
                             range_of(parameter, range));
                return false;
            }
            continue;
        }
        known++;
        value[i].given = 1;
        if (!read_value(parameter, one, &value[i]) || !in_range(parameter, &value[i])) {
            request_fail(request, CONTROL_BAD_PARAMETERS, "%s: %s=%.40s: give %s", verb->name, parameter->name,
                         json_object_get_string(one), range_of(parameter, range));
            return false;
        }
    }
    if (given != NULL && json_object_object_length(given) != known) {
        request_fail(request, CONTROL_BAD_PARAMETERS, "%s: it has no such parameter: \"devices\" tells which",
                     verb->name);
        return false;
    }
    return true;
}

static const struct ioreqd_verb *find_verb(const struct ioreqd_device *device, const char *name)
{
    const struct ioreqd_verb *verb;

    for (size_t i = 0; (verb = device_verb(device, i)) != NULL; i++) {
        if (strcmp(verb->name, name) == 0) {
            return verb;
        }
    }
    return NULL;
}

struct json_object *verb_run(const struct control *control, struct control_request *request)
{
    struct ioreqd_value value[IOREQD_PARAMETERS] = {0};
    struct json_object *id, *name, *values = NULL, *result;
    const struct ioreqd_verb *verb;
    struct ioreqd_device *device;
    char reason[sizeof(request->reason) / 2];

    json_object_object_get_ex(request->parameters, "device", &id);
    json_object_object_get_ex(request->parameters, "verb", &name);
    json_object_object_get_ex(request->parameters, "values", &values);
    device = method_device(control, request, json_object_get_string(id));
    if (device == NULL) {
        return NULL;
    }
    verb = find_verb(device, json_object_get_string(name));
    if (verb == NULL) {
        return request_fail(request, CONTROL_NO_DEVICE, "%s has no verb \"%.40s\": \"devices\" tells those that it has",
                            device_id(device), json_object_get_string(name));
    }
    if (!read_values(request, verb, values, value)) {
        return NULL;
    }
    if (device_run_verb(device, verb, value, reason, sizeof(reason)) < 0) {
        return request_fail(request, CONTROL_NOT_POSSIBLE, "%s %s: %s", verb->name, device_id(device), reason);
    }
    /* Who looks after the guest should find in the log what was done to it. */
    log_line(LOG_INFO, device_id(device), "%s, as the control socket asked", verb->name);
    result = json_object_new_object();
    put_flag(result, "done", true);
    return result;
}
