/* SPDX-License-Identifier: BSD-2-Clause */
/* Objects against the schema, and the schema as JSON, see schema.h. */
#include "control/schema.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum method schema_find(const char *name)
{
    unsigned method = 0;

    while (method < METHODS && strcmp(schema_method[method].name, name) != 0) {
        method++;
    }
    return (enum method)method;
}

/* ---- checks ---- */

static const char *const type_names[] = {
    [SCHEMA_STRING] = "string", [SCHEMA_INTEGER] = "integer", [SCHEMA_BOOLEAN] = "boolean", [SCHEMA_OBJECT] = "object",
    [SCHEMA_LIST] = "array",    [SCHEMA_COUNTS] = "object",   [SCHEMA_FREE] = "object",
};

static const enum json_type json_types[] = {
    [SCHEMA_STRING] = json_type_string, [SCHEMA_INTEGER] = json_type_int, [SCHEMA_BOOLEAN] = json_type_boolean,
    [SCHEMA_OBJECT] = json_type_object, [SCHEMA_LIST] = json_type_array,  [SCHEMA_COUNTS] = json_type_object,
    [SCHEMA_FREE] = json_type_object,
};

static bool refuse(char *reason, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));

static bool refuse(char *reason, size_t size, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(reason, size, format, arguments);
    va_end(arguments);
    return false;
}

static bool is_choice(const char *const *choice, const char *text)
{
    while (*choice != NULL && strcmp(*choice, text) != 0) {
        choice++;
    }
    return *choice != NULL;
}

static bool check_counts(const struct schema *schema, struct json_object *object, char *reason, size_t size)
{
    json_object_object_foreach(object, name, value)
    {
        if (!json_object_is_type(value, json_type_int)) {
            return refuse(reason, size, "%s: \"%.40s\" is not an integer", schema->name, name);
        }
    }
    return true;
}

/* Depth is that of the table, whatever the object looks like. */
static bool check_value(const struct schema *schema, struct json_object *value, char *reason, size_t size)
{
    if (!json_object_is_type(value, json_types[schema->type])) {
        return refuse(reason, size, "\"%s\" is not of type %s", schema->name, type_names[schema->type]);
    }
    switch (schema->type) {
    case SCHEMA_STRING:
        if (strlen(json_object_get_string(value)) != (size_t)json_object_get_string_len(value)) {
            return refuse(reason, size, "\"%s\" has a character of code 0", schema->name);
        }
        return schema->choice == NULL || is_choice(schema->choice, json_object_get_string(value)) ||
               refuse(reason, size, "\"%s\" is none of those that it can be", schema->name);
    case SCHEMA_OBJECT:
        return schema_check(schema->part, value, reason, size);
    case SCHEMA_COUNTS:
        return check_counts(schema, value, reason, size);
    case SCHEMA_LIST:
        for (size_t i = 0; i < json_object_array_length(value); i++) {
            if (!check_value(schema->part, json_object_array_get_idx(value, i), reason, size)) {
                return false;
            }
        }
        return true;
    default:
        return true;
    }
}

bool schema_check(const struct schema *members, struct json_object *object, char *reason, size_t size)
{
    size_t known = 0;

    if (object != NULL && !json_object_is_type(object, json_type_object)) {
        return refuse(reason, size, "an object of named members is needed");
    }
    for (const struct schema *member = members; member->name != NULL; member++) {
        struct json_object *value;

        if (object == NULL || !json_object_object_get_ex(object, member->name, &value)) {
            if (!member->optional) {
                return refuse(reason, size, "\"%s\" is missing", member->name);
            }
            continue;
        }
        known++;
        if (!check_value(member, value, reason, size)) {
            return false;
        }
    }
    if (object == NULL || (size_t)json_object_object_length(object) == known) {
        return true;
    }
    json_object_object_foreach(object, name, value)
    {
        const struct schema *member = members;

        (void)value;
        while (member->name != NULL && strcmp(member->name, name) != 0) {
            member++;
        }
        if (member->name == NULL) {
            return refuse(reason, size, "\"%.40s\" is not known", name);
        }
    }
    return true;
}

/* ---- as JSON ---- */

static void add(struct json_object *object, const char *name, struct json_object *value)
{
    json_object_object_add(object, name, value);
}

static struct json_object *describe_members(const struct schema *members);

static struct json_object *describe(const struct schema *schema)
{
    struct json_object *object =
        schema->type == SCHEMA_OBJECT ? describe_members(schema->part) : json_object_new_object();
    struct json_object *more;

    if (schema->type != SCHEMA_OBJECT) {
        add(object, "type", json_object_new_string(type_names[schema->type]));
    }
    add(object, "description", json_object_new_string(schema->help));
    if (schema->type == SCHEMA_LIST) {
        add(object, "items", describe(schema->part));
    } else if (schema->type == SCHEMA_COUNTS) {
        more = json_object_new_object();
        add(more, "type", json_object_new_string("integer"));
        add(object, "additionalProperties", more);
    }
    if (schema->choice != NULL) {
        more = json_object_new_array();
        for (const char *const *word = schema->choice; *word != NULL; word++) {
            json_object_array_add(more, json_object_new_string(*word));
        }
        add(object, "enum", more);
    }
    return object;
}

static struct json_object *describe_members(const struct schema *members)
{
    struct json_object *object = json_object_new_object();
    struct json_object *properties = json_object_new_object();
    struct json_object *required = json_object_new_array();

    add(object, "type", json_object_new_string("object"));
    for (const struct schema *member = members; member->name != NULL; member++) {
        add(properties, member->name, describe(member));
        if (!member->optional) {
            json_object_array_add(required, json_object_new_string(member->name));
        }
    }
    add(object, "properties", properties);
    add(object, "required", required);
    add(object, "additionalProperties", json_object_new_boolean(false));
    return object;
}

struct json_object *schema_describe(void)
{
    struct json_object *all = json_object_new_object();
    struct json_object *methods = json_object_new_object();
    struct json_object *notifications = json_object_new_object();
    struct json_object *event = json_object_new_object();

    for (unsigned i = 0; i < METHODS; i++) {
        struct json_object *method = json_object_new_object();

        add(method, "description", json_object_new_string(schema_method[i].help));
        add(method, "changes", json_object_new_boolean(schema_method[i].changes));
        add(method, "params", describe_members(schema_method[i].parameters));
        add(method, "result", describe_members(schema_method[i].result));
        add(methods, schema_method[i].name, method);
    }
    add(event, "params", describe_members(schema_event));
    add(notifications, "event", event);
    add(all, "version", json_object_new_int(SCHEMA_VERSION));
    add(all, "methods", methods);
    add(all, "notifications", notifications);
    return all;
}
