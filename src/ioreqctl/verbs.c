/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Verbs of devices on the command line: VERB ID [VALUE | KEY=VALUE | --KEY]... What a device can be told is asked of
 * ioreqd; values go there as they were typed, where they are read and checked.
 */
#include <stdio.h>
#include <string.h>

#include "config/nearest.h"
#include "exit_status.h"
#include "ioreqctl/commands.h"

static struct json_object *find_by(struct json_object *list, const char *key, const char *name, size_t length)
{
    struct json_object *entry;
    size_t i = 0;

    while (list != NULL && (entry = json_object_array_get_idx(list, i++)) != NULL) {
        if (strlen(member_text(entry, key)) == length && memcmp(member_text(entry, key), name, length) == 0) {
            return entry;
        }
    }
    return NULL;
}

/* The word is no verb of any device: or of this one, if it is named. */
static int unknown_verb(struct json_object *devices, const char *id, const char *word, struct ctl_error *error)
{
    struct json_object *device, *verb;
    struct nearest nearest;

    nearest_begin(&nearest, word);
    for (const struct command *command = command_table; command->name != NULL; command++) {
        nearest_offer(&nearest, command->name);
    }
    for (size_t i = 0; (device = json_object_array_get_idx(devices, i)) != NULL; i++) {
        for (size_t j = 0; (verb = json_object_array_get_idx(member(device, "verbs"), j)) != NULL; j++) {
            nearest_offer(&nearest, member_text(verb, "name"));
        }
    }
    if (nearest.name != NULL && strcmp(nearest.name, word) != 0) {
        return ctl_fail(error, EXIT_STATUS_CONFIGURATION, "%.40s: unknown verb: is %s meant?", word, nearest.name);
    }
    if (id != NULL) {
        return ctl_fail(error, EXIT_STATUS_CONFIGURATION,
                        "%.40s: %.63s has no such verb: see `ioreqctl verbs` and `ioreqctl --help`", word, id);
    }
    return ctl_fail(error, EXIT_STATUS_CONFIGURATION, "%.40s: give the device's id: see `ioreqctl verbs`", word);
}

static int add_value(struct json_object *values, const char *name, const char *text, struct ctl_error *error)
{
    if (member(values, name) != NULL) {
        return ctl_fail(error, EXIT_STATUS_CONFIGURATION, "%s is given twice: give it once", name);
    }
    json_object_object_add(values, name, json_object_new_string(text));
    return 0;
}

/* One argument: a parameter by its name, a flag, or the next that has no value yet. */
static int take_argument(struct json_object *values, struct json_object *parameters, const char *text,
                         struct ctl_error *error)
{
    bool flag = strncmp(text, "--", 2) == 0;
    const char *name = flag ? text + 2 : text, *equals = strchr(name, '=');
    struct json_object *parameter =
        find_by(parameters, "name", name, equals != NULL ? (size_t)(equals - name) : strlen(name));

    if (parameter != NULL && equals != NULL) {
        return add_value(values, member_text(parameter, "name"), equals + 1, error);
    }
    if (flag && parameter != NULL && strcmp(member_text(parameter, "type"), "boolean") == 0) {
        return add_value(values, member_text(parameter, "name"), "on", error);
    }
    for (size_t i = 0; !flag && (parameter = json_object_array_get_idx(parameters, i)) != NULL; i++) {
        if (member(values, member_text(parameter, "name")) == NULL) {
            return add_value(values, member_text(parameter, "name"), text, error);
        }
    }
    return ctl_fail(error, EXIT_STATUS_CONFIGURATION, "%.60s: the verb has no place for it: see `ioreqctl verbs`",
                    text);
}

static int run(const struct ctl_options *options, struct connection *connection, struct json_object *devices,
               char *const *argument, unsigned count, struct ctl_error *error)
{
    struct json_object *device = count > 1 ? find_by(devices, "id", argument[1], strlen(argument[1])) : NULL;
    struct json_object *verb =
        device != NULL ? find_by(member(device, "verbs"), "name", argument[0], strlen(argument[0])) : NULL;
    struct json_object *parameters, *values, *result;
    int rc = 0;

    if (device == NULL && count > 1) {
        unknown_verb(devices, NULL, argument[0], error);
        return strstr(error->text, "meant?") != NULL
                   ? -1
                   : ctl_fail(error, EXIT_STATUS_CONFIGURATION, "there is no device \"%.63s\": see `ioreqctl devices`",
                              argument[1]);
    }
    if (verb == NULL) {
        return unknown_verb(devices, count > 1 ? argument[1] : NULL, argument[0], error);
    }
    values = json_object_new_object();
    for (unsigned i = 2; rc == 0 && i < count; i++) {
        rc = take_argument(values, member(verb, "parameters"), argument[i], error);
    }
    if (rc != 0) {
        json_object_put(values);
        return rc;
    }
    parameters = json_object_new_object();
    json_object_object_add(parameters, "device", json_object_new_string(argument[1]));
    json_object_object_add(parameters, "verb", json_object_new_string(argument[0]));
    json_object_object_add(parameters, "values", values);
    result = connection_call(connection, "verb", parameters, error);
    rc = result == NULL ? -1 : options->json ? print_json(result, error) : 0;
    json_object_put(result);
    return rc;
}

int verb_command(struct ctl_options *options, struct connection *connection, char *const *argument, unsigned count,
                 struct ctl_error *error)
{
    struct json_object *result = connection_call(connection, "devices", NULL, error);
    int rc = -1;

    if (result != NULL) {
        rc = run(options, connection, member(result, "devices"), argument, count, error);
    }
    json_object_put(result);
    return rc;
}
