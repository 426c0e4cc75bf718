/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What can be asked of the control socket: one table of methods with what they take and give. Requests are checked
 * against it, tests check answers against it, and ioreqctl(8) prints it as JSON Schema. Constant data.
 */
#ifndef IOREQD_CONTROL_SCHEMA_H
#define IOREQD_CONTROL_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>

#include <json-c/json.h>

/* Raised when a client of the version before could be broken; additions do not raise it. */
#define SCHEMA_VERSION 1

enum schema_type {
    SCHEMA_STRING,
    SCHEMA_INTEGER,
    SCHEMA_BOOLEAN,
    SCHEMA_OBJECT, /* of the members in part[] */
    SCHEMA_LIST,   /* of what part describes */
    SCHEMA_COUNTS, /* an object of integers, by names of any kind */
    SCHEMA_FREE    /* an object of anything */
};

/* A member of an object; tables of them end with a NULL name. The element of a list has a name too, of which nothing is made. */
struct schema {
    const char *name;
    enum schema_type type;
    bool optional;
    const char *help;
    const struct schema *part;
    const char *const *choice; /* the words that a string can be, ended by NULL; NULL: any */
};

enum method {
    METHOD_SCHEMA,
    METHOD_STATUS,
    METHOD_DEVICES,
    METHOD_BRIDGES,
    METHOD_STATS,
    METHOD_EVENTS,
    METHOD_LOG,
    METHOD_LOG_LEVEL,
    METHOD_TRACE,
    METHOD_TRACE_SWITCH,
    METHOD_VERB,
    METHODS
};

struct schema_method {
    const char *name;
    const char *help;
    bool changes; /* something: not for those who may only look */
    const struct schema *parameters;
    const struct schema *result;
};

extern const struct schema_method schema_method[METHODS];
/* What the notification "event" has for parameters, which follows METHOD_EVENTS. */
extern const struct schema schema_event[];
/* Words for levels of the log, in their order, ended by NULL. */
extern const char *const schema_levels[];

/* METHODS: there is none of the name. */
enum method schema_find(const char *name);

/*
 * Whether the object is what the members say, no more and no less; NULL counts as an empty one. When not, reason, of
 * size bytes, tells why.
 */
bool schema_check(const struct schema *members, struct json_object *object, char *reason, size_t size);

/* All of it, as JSON Schema for each part; NULL when memory is short. The caller's. */
struct json_object *schema_describe(void);

#endif
