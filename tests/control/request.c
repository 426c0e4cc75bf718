/* SPDX-License-Identifier: BSD-2-Clause */
/* Lines of clients, good and bad, and the schema itself. */
#include "control/request.h"

#include <stdlib.h>
#include <string.h>

#include "tests/control/served.h"

#define CALL(rest) "{\"jsonrpc\":\"2.0\",\"id\":1," rest "}"

static const struct {
    const char *line;
    int error;
    const char *reason; /* a part of it */
} lines[] = {
    {CALL("\"method\":\"status\""), 0, ""},
    {CALL("\"method\":\"status\",\"params\":{}"), 0, ""},
    {"  " CALL("\"method\":\"status\"") "  \r", 0, ""},
    {CALL("\"method\":\"stats\",\"params\":{\"device\":\"disk0\"}"), 0, ""},
    {CALL("\"method\":\"log\",\"params\":{\"lines\":3}"), 0, ""},
    {CALL("\"method\":\"log-level\",\"params\":{\"level\":\"debug\"}"), 0, ""},
    {"", CONTROL_NO_JSON, "ends too early"},
    {"{", CONTROL_NO_JSON, "ends too early"},
    {"rubbish", CONTROL_NO_JSON, "no JSON"},
    {"{'jsonrpc':'2.0'}", CONTROL_NO_JSON, "no JSON"},
    {CALL("\"method\":\"status\"") CALL("\"method\":\"status\""), CONTROL_NO_JSON, "no JSON"},
    {"[[[[[[[[[[1]]]]]]]]]]", CONTROL_NO_JSON, "no JSON"},
    {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"\xff\"}", CONTROL_NO_JSON, "no JSON"},
    {"1", CONTROL_INVALID, "a request is an object"},
    {"null", CONTROL_INVALID, "a request is an object"},
    {"[" CALL("\"method\":\"status\"") "]", CONTROL_INVALID, "a request is an object"},
    {"{}", CONTROL_INVALID, "\"jsonrpc\""},
    {"{\"jsonrpc\":\"1.0\",\"id\":1,\"method\":\"status\"}", CONTROL_INVALID, "\"jsonrpc\""},
    {"{\"jsonrpc\":2.0,\"id\":1,\"method\":\"status\"}", CONTROL_INVALID, "\"jsonrpc\""},
    {"{\"jsonrpc\":\"2.0\",\"id\":[1],\"method\":\"status\"}", CONTROL_INVALID, "\"id\""},
    {"{\"jsonrpc\":\"2.0\",\"id\":{},\"method\":\"status\"}", CONTROL_INVALID, "\"id\""},
    {"{\"jsonrpc\":\"2.0\",\"id\":true,\"method\":\"status\"}", CONTROL_INVALID, "\"id\""},
    {CALL("\"params\":{}"), CONTROL_INVALID, "\"method\""},
    {CALL("\"method\":1"), CONTROL_INVALID, "\"method\""},
    {CALL("\"method\":\"stauts\""), CONTROL_NO_METHOD, "stauts"},
    {CALL("\"method\":\"\""), CONTROL_NO_METHOD, "no method"},
    {CALL("\"method\":\"status\",\"params\":[]"), CONTROL_BAD_PARAMETERS, "named members"},
    {CALL("\"method\":\"status\",\"params\":1"), CONTROL_BAD_PARAMETERS, "named members"},
    {CALL("\"method\":\"status\",\"params\":{\"a\":1}"), CONTROL_BAD_PARAMETERS, "\"a\" is not known"},
    {CALL("\"method\":\"stats\",\"params\":{\"device\":1}"), CONTROL_BAD_PARAMETERS, "not of type string"},
    {CALL("\"method\":\"stats\",\"params\":{\"device\":\"a\\u0000b\"}"), CONTROL_BAD_PARAMETERS, "code 0"},
    {CALL("\"method\":\"stats\",\"params\":{\"device\":null}"), CONTROL_BAD_PARAMETERS, "not of type string"},
    {CALL("\"method\":\"log\",\"params\":{\"lines\":1.5}"), CONTROL_BAD_PARAMETERS, "not of type integer"},
    {CALL("\"method\":\"log-level\""), CONTROL_BAD_PARAMETERS, "\"level\" is missing"},
    {CALL("\"method\":\"log-level\",\"params\":{\"level\":\"loud\"}"), CONTROL_BAD_PARAMETERS, "none of those"},
    {CALL("\"method\":\"trace-switch\",\"params\":{\"on\":1}"), CONTROL_BAD_PARAMETERS, "not of type boolean"},
};

START_TEST(a_line)
{
    size_t length = strlen(lines[_i].line);
    char *copy = malloc(length + 1); /* of its exact size, for the sanitizer */
    struct control_request request;

    memcpy(copy, lines[_i].line, length);
    copy[length] = 'x'; /* it has no end of its own */
    request_parse(&request, copy, length);
    ck_assert_msg(request.error == lines[_i].error, "%s: %d: %s", lines[_i].line, request.error, request.reason);
    ck_assert_msg(request.error == 0 || strstr(request.reason, lines[_i].reason) != NULL, "%s: %s", lines[_i].line,
                  request.reason);
    ck_assert(request.wants_answer);
    request_free(&request);
    free(copy);
}
END_TEST

static void expect_answer(const char *line, const char *expected)
{
    struct control_request request;
    struct json_object *answer;

    request_parse(&request, line, strlen(line));
    answer = request_answer(&request, json_object_new_int(9));
    ck_assert_str_eq(json_object_to_json_string_ext(answer, JSON_C_TO_STRING_PLAIN), expected);
    json_object_put(answer);
    request_free(&request);
}

/* §5: the answer has the id of the request, or null where that could not be read. */
START_TEST(answers)
{
    expect_answer(CALL("\"method\":\"status\""), "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":9}");
    expect_answer("{\"jsonrpc\":\"2.0\",\"id\":\"x\",\"method\":\"status\"}",
                  "{\"jsonrpc\":\"2.0\",\"id\":\"x\",\"result\":9}");
    expect_answer("{\"jsonrpc\":\"2.0\",\"id\":null,\"method\":\"status\"}",
                  "{\"jsonrpc\":\"2.0\",\"id\":null,\"result\":9}");
    expect_answer("{",
                  "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32700,\"message\":\"the line is no JSON: it "
                  "ends too early\"}}");
    expect_answer("{\"id\":5}",
                  "{\"jsonrpc\":\"2.0\",\"id\":5,\"error\":{\"code\":-32600,\"message\":\"\\\"jsonrpc\\\" "
                  "has to be \\\"2.0\\\"\"}}");
}
END_TEST

/* §4.1: without an id there is no answer, not even for an error. */
START_TEST(notifications)
{
    static const char *const text[] = {"{\"jsonrpc\":\"2.0\",\"method\":\"status\"}",
                                       "{\"jsonrpc\":\"2.0\",\"method\":\"stauts\"}",
                                       "{\"jsonrpc\":\"2.0\",\"method\":\"log-level\"}"};

    for (unsigned i = 0; i < 3; i++) {
        struct control_request request;

        request_parse(&request, text[i], strlen(text[i]));
        ck_assert(!request.wants_answer);
        request_free(&request);
    }
}
END_TEST

/* Every method and member says what it is; the whole can be printed and read again. */
static void check_members(const struct schema *members)
{
    for (; members->name != NULL; members++) {
        ck_assert_msg(members->help != NULL && members->help[0] != 0, "%s", members->name);
        ck_assert_msg((members->part != NULL) == (members->type == SCHEMA_OBJECT || members->type == SCHEMA_LIST), "%s",
                      members->name);
        if (members->type == SCHEMA_OBJECT) {
            check_members(members->part);
        } else if (members->type == SCHEMA_LIST && members->part->type == SCHEMA_OBJECT) {
            check_members(members->part->part);
        }
    }
}

START_TEST(the_schema_is_whole)
{
    struct json_object *schema = schema_describe(), *methods = get(schema, "methods"), *again;

    for (unsigned i = 0; i < METHODS; i++) {
        ck_assert_uint_eq(schema_find(schema_method[i].name), i);
        check_members(schema_method[i].parameters);
        check_members(schema_method[i].result);
        ck_assert_ptr_nonnull(get(methods, schema_method[i].name));
    }
    ck_assert_int_eq(json_object_object_length(methods), METHODS);
    check_members(schema_event);
    again = json_tokener_parse(json_object_to_json_string(schema));
    ck_assert(json_object_equal(schema, again));
    json_object_put(again);
    json_object_put(schema);
}
END_TEST

TCase *request_tests_of_control(void)
{
    TCase *group = tcase_create("requests");

    tcase_add_loop_test(group, a_line, 0, sizeof(lines) / sizeof(lines[0]));
    tcase_add_test(group, answers);
    tcase_add_test(group, notifications);
    tcase_add_test(group, the_schema_is_whole);
    return group;
}
