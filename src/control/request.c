/* SPDX-License-Identifier: BSD-2-Clause */
/* Requests and answers of the control socket, see request.h. */
#include "control/request.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define DEPTH 8 /* of what is nested; the schema has less */

struct json_object *request_fail(struct control_request *request, enum control_error error, const char *format, ...)
{
    va_list arguments;

    request->error = error;
    va_start(arguments, format);
    vsnprintf(request->reason, sizeof(request->reason), format, arguments);
    va_end(arguments);
    return NULL;
}

/* The one JSON text that the line is, or NULL with an error. */
static struct json_object *parse_text(struct control_request *request, const char *line, size_t length)
{
    struct json_tokener *tokener = json_tokener_new_ex(DEPTH);
    struct json_object *text;

    if (tokener == NULL) {
        return request_fail(request, CONTROL_FAILED, "out of memory");
    }
    json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
    text = json_tokener_parse_ex(tokener, line, length < INT_MAX ? (int)length : INT_MAX);
    if (json_tokener_get_error(tokener) == json_tokener_continue) {
        /* A number, too, has its end with the line. */
        text = json_tokener_parse_ex(tokener, "\n", 1);
        if (json_tokener_get_error(tokener) != json_tokener_success) {
            request_fail(request, CONTROL_NO_JSON, "the line is no JSON: it ends too early");
        }
    } else if (json_tokener_get_error(tokener) != json_tokener_success) {
        request_fail(request, CONTROL_NO_JSON, "the line is no JSON: %s",
                     json_tokener_error_desc(json_tokener_get_error(tokener)));
    } else if (json_tokener_get_parse_end(tokener) != length) {
        request_fail(request, CONTROL_NO_JSON, "the line is no JSON: something follows its end");
    }
    json_tokener_free(tokener);
    return text;
}

static bool is_id(struct json_object *id)
{
    return id == NULL || json_object_is_type(id, json_type_string) || json_object_is_type(id, json_type_int) ||
           json_object_is_type(id, json_type_double);
}

static void check(struct control_request *request)
{
    struct json_object *version, *method, *id = NULL;
    bool has_id;

    if (!json_object_is_type(request->text, json_type_object)) {
        request_fail(request, CONTROL_INVALID, "a request is an object: one on each line");
        return;
    }
    has_id = json_object_object_get_ex(request->text, "id", &id);
    if (!is_id(id)) {
        request_fail(request, CONTROL_INVALID, "\"id\" is a string, a number or null");
        return;
    }
    request->id = id;
    if (!json_object_object_get_ex(request->text, "jsonrpc", &version) ||
        !json_object_is_type(version, json_type_string) || strcmp(json_object_get_string(version), "2.0") != 0) {
        request_fail(request, CONTROL_INVALID, "\"jsonrpc\" has to be \"2.0\"");
        return;
    }
    if (!json_object_object_get_ex(request->text, "method", &method) ||
        !json_object_is_type(method, json_type_string)) {
        request_fail(request, CONTROL_INVALID, "\"method\" has to be the name of a method");
        return;
    }
    request->wants_answer = has_id; /* without it is a notification, whatever is wrong with the rest */
    request->method = schema_find(json_object_get_string(method));
    if (request->method == METHODS) {
        request_fail(request, CONTROL_NO_METHOD, "there is no method \"%.40s\": \"schema\" tells them all",
                     json_object_get_string(method));
        return;
    }
    json_object_object_get_ex(request->text, "params", &request->parameters);
    if (!schema_check(schema_method[request->method].parameters, request->parameters, request->reason,
                      sizeof(request->reason))) {
        request->error = CONTROL_BAD_PARAMETERS;
    }
}

void request_parse(struct control_request *request, const char *line, size_t length)
{
    *request = (struct control_request){.wants_answer = true, .method = METHODS};
    request->text = parse_text(request, line, length);
    if (request->error == 0) {
        check(request);
    }
}

void request_free(struct control_request *request)
{
    json_object_put(request->text);
    request->text = NULL;
}

static struct json_object *message(void)
{
    struct json_object *object = json_object_new_object();

    if (object != NULL) {
        json_object_object_add(object, "jsonrpc", json_object_new_string("2.0"));
    }
    return object;
}

struct json_object *request_answer(const struct control_request *request, struct json_object *result)
{
    struct json_object *answer = message(), *error;

    if (answer == NULL) {
        json_object_put(result);
        return NULL;
    }
    json_object_object_add(answer, "id", json_object_get(request->id));
    if (request->error == 0) {
        json_object_object_add(answer, "result", result);
        return answer;
    }
    json_object_put(result);
    error = json_object_new_object();
    json_object_object_add(error, "code", json_object_new_int(request->error));
    json_object_object_add(error, "message", json_object_new_string(request->reason));
    json_object_object_add(answer, "error", error);
    return answer;
}

struct json_object *request_notification(const char *method, struct json_object *parameters)
{
    struct json_object *notification = message();

    if (notification == NULL) {
        json_object_put(parameters);
        return NULL;
    }
    json_object_object_add(notification, "method", json_object_new_string(method));
    json_object_object_add(notification, "params", parameters);
    return notification;
}
