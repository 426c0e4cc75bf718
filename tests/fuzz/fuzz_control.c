/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lines of clients of the control sockets: the input is what one sends, and each of its lines becomes a request. What is
 * accepted fits the schema, what is not has a reason, and every answer is one line of JSON with the id of its request.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds, const char *what)
{
    if (!holds) {
        fprintf(stderr, "%s\n", what);
        abort();
    }
}

static void check_answer(const struct control_request *request)
{
    struct json_object *answer = request_answer(request, json_object_new_object()), *again, *id = NULL;
    const char *text = json_object_to_json_string_ext(answer, JSON_C_TO_STRING_PLAIN);

    require(strchr(text, '\n') == NULL, "an answer has more than a line");
    again = json_tokener_parse(text);
    require(json_object_is_type(again, json_type_object), "an answer is no JSON");
    require(json_object_object_get_ex(again, "id", &id), "an answer has no id");
    /* A number with a fraction may lose a digit on its way. */
    require(json_object_is_type(request->id, json_type_double) || json_object_equal(id, request->id),
            "an answer has another id");
    json_object_put(again);
    json_object_put(answer);
}

static void check_line(const char *line, size_t length)
{
    struct control_request request;
    char *copy = malloc(length != 0 ? length : 1), reason[256];

    memcpy(copy, line, length); /* of its exact size: what is read behind it is seen */
    request_parse(&request, copy, length);
    free(copy);
    require((request.error == 0) == (request.reason[0] == 0), "an error says nothing, or there is none");
    if (request.error == 0) {
        require(request.method < METHODS, "a request has no method");
        require(schema_check(schema_method[request.method].parameters, request.parameters, reason, sizeof(reason)),
                "parameters do not fit the schema");
    }
    check_answer(&request);
    request_free(&request);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *at = (const char *)data, *end = at + size;

    while (at < end) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        size_t length = (size_t)((newline != NULL ? newline : end) - at);

        check_line(at, length);
        at += length + 1;
    }
    return 0;
}
