/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A line from a client -> a request of the schema, or what is wrong with it; and answers as lines (JSON-RPC 2.0). Lists
 * of requests are not taken: a line is one. Knows nothing of sockets and devices.
 */
#ifndef IOREQD_CONTROL_REQUEST_H
#define IOREQD_CONTROL_REQUEST_H

#include "control/schema.h"

/* JSON-RPC 2.0 §5.1, and our own below -32000. They are part of the interface, ioreqctl(8). */
enum control_error {
    CONTROL_NO_JSON = -32700,
    CONTROL_INVALID = -32600,
    CONTROL_NO_METHOD = -32601,
    CONTROL_BAD_PARAMETERS = -32602,
    CONTROL_FAILED = -32603,      /* out of memory */
    CONTROL_READ_ONLY = -32001,   /* the method changes something, and the client may only look */
    CONTROL_NO_DEVICE = -32002,   /* there is no such device, or it has no such verb */
    CONTROL_NOT_POSSIBLE = -32003 /* it was tried, and refused */
};

struct control_request {
    struct json_object *text; /* the whole, which owns what follows */
    struct json_object *id;   /* NULL: a notification, which has no answer; JSON's null is NULL too */
    bool wants_answer;
    enum method method;
    struct json_object *parameters; /* checked; NULL: none were given */
    int error;                      /* 0, or an enum control_error; then the reason */
    char reason[256];
};

/* line: length bytes without their end. Always fills the request in, which request_free() frees. */
void request_parse(struct control_request *request, const char *line, size_t length);
void request_free(struct control_request *request);

/* Sets the error and its reason; returns NULL, as the result that there is not. */
struct json_object *request_fail(struct control_request *request, enum control_error error, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The answer: takes the result over, which is not looked at after an error. NULL when memory is short. */
struct json_object *request_answer(const struct control_request *request, struct json_object *result);
/* What is sent unasked. Takes the parameters over. */
struct json_object *request_notification(const char *method, struct json_object *parameters);

#endif
