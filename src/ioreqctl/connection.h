/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A connection to the control socket of one ioreqd: calls, one after another, and what comes unasked. One thread, which
 * waits.
 */
#ifndef IOREQD_IOREQCTL_CONNECTION_H
#define IOREQD_IOREQCTL_CONNECTION_H

#include <stdbool.h>
#include <stddef.h>

#include <json-c/json.h>

struct connection;

/* What went wrong, for people, and what the program ends with. */
struct ctl_error {
    int exit_status; /* enum exit_status */
    char text[512];
};

/* Always returns -1. */
int ctl_fail(struct ctl_error *error, int exit_status, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* NULL with errno set: ENOENT or ECONNREFUSED where nobody listens. */
struct connection *connection_open(const char *path);
void connection_close(struct connection *connection);
const char *connection_path(const struct connection *connection);

/*
 * Calls a method with parameters, which it takes over and which may be NULL. The result is the caller's; NULL with the
 * error.
 */
struct json_object *connection_call(struct connection *connection, const char *method, struct json_object *parameters,
                                    struct ctl_error *error);

/* Waits for the next notification; the same. */
struct json_object *connection_next(struct connection *connection, struct ctl_error *error);

/* Members of an object; what is not there is NULL, 0 or "". */
struct json_object *member(struct json_object *object, const char *name);
const char *member_text(struct json_object *object, const char *name);
unsigned long long member_number(struct json_object *object, const char *name);

#endif
