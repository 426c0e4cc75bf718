/* SPDX-License-Identifier: BSD-2-Clause */
/* The commands of ioreqctl, see commands.h. */
#include "ioreqctl/commands.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/nearest.h"
#include "control/schema.h"
#include "exit_status.h"
#include "ioreqctl/find.h"
#include "ioreqctl/show.h"

static int flush(struct ctl_error *error)
{
    if (fflush(stdout) != 0 || ferror(stdout)) {
        return ctl_fail(error, EXIT_STATUS_FAILED, "cannot write to standard output: %s", strerror(errno));
    }
    return 0;
}

int print_json(struct json_object *object, struct ctl_error *error)
{
    puts(json_object_to_json_string_ext(object, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED |
                                                    JSON_C_TO_STRING_NOSLASHESCAPE));
    return flush(error);
}

/* Calls, and prints the result as it is, or by show(). Takes the parameters over. */
static int call_and_show(const struct ctl_options *options, struct connection *connection, const char *method,
                         struct json_object *parameters, void (*show)(struct json_object *result),
                         struct ctl_error *error)
{
    struct json_object *result = connection_call(connection, method, parameters, error);
    int rc;

    if (result == NULL) {
        return -1;
    }
    if (options->json || show == NULL) {
        rc = print_json(result, error);
    } else {
        show(result);
        rc = flush(error);
    }
    json_object_put(result);
    return rc;
}

static struct json_object *one_parameter(const char *name, struct json_object *value)
{
    struct json_object *parameters = json_object_new_object();

    json_object_object_add(parameters, name, value);
    return parameters;
}

#define COMMAND(name)                                                                                                  \
    static int name(struct ctl_options *options, struct connection *connection, char *const *argument, unsigned count, \
                    struct ctl_error *error)

COMMAND(run_status)
{
    (void)argument;
    (void)count;
    return call_and_show(options, connection, "status", NULL, show_status, error);
}

COMMAND(run_devices)
{
    (void)argument;
    (void)count;
    return call_and_show(options, connection, "devices", NULL, show_devices, error);
}

COMMAND(run_bridges)
{
    (void)argument;
    (void)count;
    return call_and_show(options, connection, "bridges", NULL, show_bridges, error);
}

COMMAND(run_schema)
{
    (void)argument;
    (void)count;
    return call_and_show(options, connection, "schema", NULL, NULL, error);
}

/* The verbs of all devices, or of one. */
COMMAND(run_verbs)
{
    struct json_object *result = connection_call(connection, "devices", NULL, error), *chosen, *device, *verbs;
    size_t i = 0;
    int rc = 0;

    if (result == NULL) {
        return -1;
    }
    chosen = json_object_new_array();
    while ((device = json_object_array_get_idx(member(result, "devices"), i++)) != NULL) {
        if (count == 0 || strcmp(member_text(device, "id"), argument[0]) == 0) {
            verbs = json_object_new_object();
            json_object_object_add(verbs, "id", json_object_get(member(device, "id")));
            json_object_object_add(verbs, "model", json_object_get(member(device, "model")));
            json_object_object_add(verbs, "verbs", json_object_get(member(device, "verbs")));
            json_object_array_add(chosen, verbs);
        }
    }
    if (count != 0 && json_object_array_length(chosen) == 0) {
        rc = ctl_fail(error, EXIT_STATUS_CONFIGURATION, "there is no device \"%.63s\": see `ioreqctl devices`",
                      argument[0]);
    } else if (options->json) {
        rc = print_json(chosen, error);
    } else {
        show_verbs(chosen);
        rc = flush(error);
    }
    json_object_put(chosen);
    json_object_put(result);
    return rc;
}

/* ---- stats ---- */

COMMAND(run_stats)
{
    struct json_object *before = NULL;
    int rc;

    do {
        struct json_object *parameters =
            count != 0 ? one_parameter("device", json_object_new_string(argument[0])) : NULL;
        struct json_object *result = connection_call(connection, "stats", parameters, error);

        if (result == NULL) {
            rc = -1;
            break;
        }
        if (options->json) {
            rc = print_json(result, error);
        } else {
            if (options->watch != 0 && isatty(STDOUT_FILENO)) {
                printf("\033[H\033[J"); /* home, and clear what follows (ECMA-48) */
            }
            show_stats(result, before, options->watch);
            rc = flush(error);
        }
        json_object_put(before);
        before = result;
    } while (rc == 0 && options->watch != 0 && sleep(options->watch) == 0);
    json_object_put(before);
    return rc;
}

struct gathering {
    struct json_object *all;
    struct ctl_error *error;
};

static int gather(void *context, struct connection *connection)
{
    struct gathering *gathering = context;
    struct json_object *status = connection_call(connection, "status", NULL, gathering->error);
    struct json_object *stats = status != NULL ? connection_call(connection, "stats", NULL, gathering->error) : NULL;
    struct json_object *one = json_object_new_object();

    /* One that ends in this very moment is left out. */
    if (stats != NULL) {
        json_object_object_add(one, "status", status);
        json_object_object_add(one, "stats", stats);
        json_object_array_add(gathering->all, one);
    } else {
        json_object_put(status);
        json_object_put(one);
    }
    connection_close(connection);
    return 0;
}

/* Of every ioreqd that there is, unless one is named: what a collector of metrics wants. */
static int run_metrics(struct ctl_options *options, struct connection *unused, char *const *argument, unsigned count,
                       struct ctl_error *error)
{
    struct gathering gathering = {.all = json_object_new_array(), .error = error};
    int rc = 0;

    (void)unused;
    (void)argument;
    (void)count;
    if (options->domain == NULL && options->socket == NULL) {
        rc = find_all(options->folder, gather, &gathering, error);
    } else {
        struct connection *connection = options->socket != NULL ? find_at(options->socket, error)
                                                                : find_one(options->folder, options->domain, error);

        rc = connection != NULL ? gather(&gathering, connection) : -1;
    }
    if (rc == 0 && options->json) {
        rc = print_json(gathering.all, error);
    } else if (rc == 0) {
        show_metrics(gathering.all);
        rc = flush(error);
    }
    json_object_put(gathering.all);
    return rc;
}

/* ---- events, log, trace ---- */

COMMAND(run_events)
{
    struct json_object *event = connection_call(connection, "events", NULL, error);
    int rc = event != NULL ? 0 : -1;

    (void)argument;
    (void)count;
    json_object_put(event);
    while (rc == 0 && (event = connection_next(connection, error)) != NULL) {
        if (options->json) {
            puts(json_object_to_json_string_ext(event, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
        } else {
            show_event(event);
        }
        rc = flush(error);
        json_object_put(event);
    }
    return -1;
}

static int number_of(const char *text, struct json_object **number, struct ctl_error *error)
{
    if (text[0] == 0 || text[strspn(text, "0123456789")] != 0 || strlen(text) > 9) {
        return ctl_fail(error, EXIT_STATUS_CONFIGURATION, "%.40s: it is no number: see ioreqctl --help", text);
    }
    *number = json_object_new_int(atoi(text));
    return 0;
}

COMMAND(run_log)
{
    struct json_object *number;

    if (count == 0) {
        return call_and_show(options, connection, "log", NULL, show_log, error);
    }
    if (strcmp(argument[0], "level") == 0) {
        if (count != 2) {
            return ctl_fail(error, EXIT_STATUS_CONFIGURATION,
                            "log level: give the level: error, warning, info or debug");
        }
        return call_and_show(options, connection, "log-level",
                             one_parameter("level", json_object_new_string(argument[1])), NULL, error);
    }
    if (count != 1 || number_of(argument[0], &number, error) != 0) {
        return ctl_fail(error, EXIT_STATUS_CONFIGURATION, "log %.40s: give a number of lines, or level LEVEL",
                        argument[0]);
    }
    return call_and_show(options, connection, "log", one_parameter("lines", number), show_log, error);
}

COMMAND(run_trace)
{
    struct json_object *number;
    bool on;

    if (count == 0) {
        return call_and_show(options, connection, "trace", NULL, show_trace, error);
    }
    on = strcmp(argument[0], "on") == 0;
    if (on || strcmp(argument[0], "off") == 0) {
        return call_and_show(options, connection, "trace-switch", one_parameter("on", json_object_new_boolean(on)),
                             NULL, error);
    }
    if (number_of(argument[0], &number, error) != 0) {
        return ctl_fail(error, EXIT_STATUS_CONFIGURATION, "trace %.40s: give on, off, or a number of requests",
                        argument[0]);
    }
    return call_and_show(options, connection, "trace", one_parameter("count", number), show_trace, error);
}

const struct command command_table[] = {
    {"status", "", "what runs, and for which guest", 0, 0, false, run_status},
    {"devices", "", "the devices", 0, 0, false, run_devices},
    {"bridges", "", "host bridges, root ports, and what sits on them", 0, 0, false, run_bridges},
    {"stats", "[ID]", "counters, of all devices or one", 0, 1, true, run_stats},
    {"metrics", "", "counters of every guest, as text for Prometheus", 0, 0, false, run_metrics},
    {"events", "", "print events as they happen", 0, 0, false, run_events},
    {"log", "[LINES | level LEVEL]", "the last lines of the log; change its level", 0, 2, false, run_log},
    {"trace", "[COUNT | on | off]", "the last requests of the guest; have them kept", 0, 1, false, run_trace},
    {"verbs", "[ID]", "what the devices can be told", 0, 1, false, run_verbs},
    {"schema", "", "what the control socket understands, as JSON Schema", 0, 0, false, run_schema},
    {.name = NULL},
};

static const struct command *find_command(const char *name, const char **nearest_name)
{
    const struct command *command = command_table;
    struct nearest nearest;

    nearest_begin(&nearest, name);
    for (; command->name != NULL && strcmp(command->name, name) != 0; command++) {
        nearest_offer(&nearest, command->name);
    }
    *nearest_name = nearest.name;
    return command->name != NULL ? command : NULL;
}

int command_run(struct ctl_options *options, char *const *argument, unsigned count, struct ctl_error *error)
{
    const char *meant;
    const struct command *command = find_command(argument[0], &meant);
    struct connection *connection;
    int rc;

    if (command == NULL && meant != NULL && count < 2) { /* a device's verb would have the device's id */
        return ctl_fail(error, EXIT_STATUS_CONFIGURATION, "%.40s: unknown verb: is %s meant?", argument[0], meant);
    }
    if (command != NULL && (count - 1 < command->least || count - 1 > command->most)) {
        return ctl_fail(error, EXIT_STATUS_CONFIGURATION, "%s: too many arguments: give ioreqctl %s%s%s", command->name,
                        command->name, command->arguments[0] != 0 ? " " : "", command->arguments);
    }
    if (options->watch != 0 && (command == NULL || !command->watches)) {
        return ctl_fail(error, EXIT_STATUS_CONFIGURATION, "--watch: only stats can be watched");
    }
    if (command != NULL && command->run == run_metrics) {
        return run_metrics(options, NULL, NULL, 0, error);
    }
    connection =
        options->socket != NULL ? find_at(options->socket, error) : find_one(options->folder, options->domain, error);
    if (connection == NULL) {
        return -1;
    }
    rc = command != NULL ? command->run(options, connection, argument + 1, count - 1, error)
                         : verb_command(options, connection, argument, count, error);
    connection_close(connection);
    return rc;
}
