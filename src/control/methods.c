/* SPDX-License-Identifier: BSD-2-Clause */
/* What clients ask for, see schema_table.c for what each method gives. On the main thread, between two requests of the guest. */
#include "config.h"

#include "control/control_private.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "device/statistics.h"
#include "device/timer.h"

#define TRACE_DEFAULT 64
#define LOG_DEFAULT   32

void put_string(struct json_object *object, const char *name, const char *value)
{
    json_object_object_add(object, name, json_object_new_string(value));
}

void put_number(struct json_object *object, const char *name, uint64_t value)
{
    json_object_object_add(object, name, json_object_new_uint64(value));
}

void put_flag(struct json_object *object, const char *name, bool value)
{
    json_object_object_add(object, name, json_object_new_boolean(value));
}

/* A parameter of the request that was checked against the schema; NULL: it was not given. */
static struct json_object *parameter(const struct control_request *request, const char *name)
{
    struct json_object *value = NULL;

    if (request->parameters != NULL) {
        json_object_object_get_ex(request->parameters, name, &value);
    }
    return value;
}

/* How many are asked for, of at most `most`. */
static size_t number_of(const struct control_request *request, const char *name, size_t fallback, size_t most)
{
    struct json_object *value = parameter(request, name);
    int64_t number = value != NULL ? json_object_get_int64(value) : (int64_t)fallback;

    return number < 0 ? 0 : number > (int64_t)most ? most : (size_t)number;
}

struct ioreqd_device *method_device(const struct control *control, struct control_request *request, const char *id)
{
    const char *bus;

    for (size_t i = 0; i < worker_devices(control->worker); i++) {
        struct ioreqd_device *device = worker_device(control->worker, i, &bus);

        if (strcmp(device_id(device), id) == 0) {
            return device;
        }
    }
    request_fail(request, CONTROL_NO_DEVICE, "there is no device \"%.63s\": \"devices\" tells them all", id);
    return NULL;
}

void put_state(struct json_object *object, struct ioreqd_device *device)
{
    char reason[256];

    put_string(object, "state", device_condition(device));
    if (device_reason(device, reason, sizeof(reason))) {
        put_string(object, "reason", reason);
    }
}

/* ---- status ---- */

/* The devices that do nothing until the guest resets them. */
static struct json_object *list_stuck(const struct control *control)
{
    struct json_object *list = json_object_new_array();

    for (size_t i = 0; i < worker_devices(control->worker); i++) {
        const char *bus;
        struct ioreqd_device *device = worker_device(control->worker, i, &bus);

        if (device_is_stuck(device)) {
            struct json_object *entry = json_object_new_object();

            put_string(entry, "id", device_id(device));
            put_string(entry, "model", device_model(device));
            put_state(entry, device);
            json_object_array_add(list, entry);
        }
    }
    return list;
}

static struct json_object *status(const struct client *client)
{
    const struct control *control = client->socket->control;
    struct json_object *result = json_object_new_object(), *sockets = json_object_new_object();

    put_string(result, "version", PACKAGE_VERSION);
    put_number(result, "interface", IOREQD_ABI);
    put_number(result, "schema", SCHEMA_VERSION);
    put_number(result, "domain", control->options.domain);
    if (control->options.name != NULL) {
        put_string(result, "name", control->options.name);
    }
    put_number(result, "pid", (uint64_t)getpid());
    put_number(result, "uptime", (timer_now() - control->begun) / 1000000000);
    put_number(result, "server", control->options.server);
    put_string(result, "state", worker_is_ending(control->worker) ? "ending" : "serving");
    put_number(result, "devices", worker_devices(control->worker));
    json_object_object_add(result, "stuck", list_stuck(control));
    put_string(result, "log", schema_levels[log_level()]);
    put_flag(result, "trace", worker_trace(control->worker) != NULL);
    put_number(result, "clients", control->control.count + control->monitor.count);
    put_flag(result, "monitor", client->socket->read_only);
    if (control->control.path != NULL) {
        put_string(sockets, "control", control->control.path);
    }
    if (control->monitor.path != NULL) {
        put_string(sockets, "monitor", control->monitor.path);
    }
    json_object_object_add(result, "sockets", sockets);
    return result;
}

/* ---- devices ---- */

static struct json_object *list_counters(const struct ioreqd_device *device)
{
    struct json_object *list = json_object_new_array();
    struct device_count count;

    for (size_t i = 0; device_counter(device, i, &count); i++) {
        struct json_object *counter = json_object_new_object();

        put_string(counter, "name", count.name);
        put_string(counter, "unit", count.unit);
        json_object_array_add(list, counter);
    }
    return list;
}

static struct json_object *devices(const struct control *control)
{
    struct json_object *result = json_object_new_object(), *list = json_object_new_array();

    for (size_t i = 0; i < worker_devices(control->worker); i++) {
        const char *bus;
        struct ioreqd_device *device = worker_device(control->worker, i, &bus);
        struct json_object *entry = json_object_new_object();
        struct bridge_place place;

        put_string(entry, "id", device_id(device));
        put_string(entry, "model", device_model(device));
        put_string(entry, "bridge", bus);
        if (device_function(device) != NULL) {
            put_string(entry, "place", bridge_place(device_function(device), &place));
        }
        put_state(entry, device);
        put_number(entry, "queues", device_description(device)->queues);
        json_object_object_add(entry, "counters", list_counters(device));
        json_object_object_add(entry, "verbs", verb_list(device));
        json_object_array_add(list, entry);
    }
    json_object_object_add(result, "devices", list);
    return result;
}

/* ---- stats ---- */

static struct json_object *stats(const struct control *control, struct control_request *request)
{
    struct json_object *id = parameter(request, "device");
    struct ioreqd_device *only = id != NULL ? method_device(control, request, json_object_get_string(id)) : NULL;

    return id != NULL && only == NULL ? NULL : method_stats(control, only);
}

/* ---- log ---- */

static struct json_object *last_lines(struct control_request *request)
{
    struct log_entry *entry = malloc(LOG_RECENT * sizeof(*entry));
    struct json_object *result, *list;
    size_t count;

    if (entry == NULL) {
        return request_fail(request, CONTROL_FAILED, "out of memory");
    }
    count = log_recent(entry, number_of(request, "lines", LOG_DEFAULT, LOG_RECENT));
    result = json_object_new_object();
    list = json_object_new_array();
    for (size_t i = 0; i < count; i++) {
        struct json_object *line = json_object_new_object();

        put_number(line, "time", entry[i].time);
        put_string(line, "level", schema_levels[entry[i].level]);
        put_string(line, "text", entry[i].text);
        json_object_array_add(list, line);
    }
    free(entry);
    put_string(result, "level", schema_levels[log_level()]);
    json_object_object_add(result, "lines", list);
    return result;
}

static struct json_object *set_level(const struct control_request *request)
{
    const char *word = json_object_get_string(parameter(request, "level"));
    struct json_object *result = json_object_new_object();
    unsigned level = 0;

    while (strcmp(schema_levels[level], word) != 0) {
        level++;
    }
    log_set_level((enum log_level)level);
    put_string(result, "level", word);
    return result;
}

/* ---- trace ---- */

static struct json_object *describe_request(const struct trace_entry *entry, uint64_t now)
{
    static const char *const kinds[] = {
        [REQUEST_PORT] = "port",     [REQUEST_MEMORY] = "memory",
        [REQUEST_CONFIG] = "config", [REQUEST_INVALIDATE] = "invalidate",
        [REQUEST_OTHER] = "other",
    };
    struct json_object *object = json_object_new_object();

    put_number(object, "age", now - entry->begun);
    put_number(object, "took", entry->took);
    put_number(object, "vcpu", entry->vcpu);
    put_string(object, "kind", kinds[entry->kind]);
    put_flag(object, "write", entry->write != 0);
    put_number(object, "address", entry->address);
    put_number(object, "size", entry->size);
    put_number(object, "count", entry->count);
    put_number(object, "data", entry->data);
    put_flag(object, "pointer", entry->pointer != 0);
    return object;
}

static struct json_object *last_requests(const struct control *control, const struct control_request *request)
{
    const struct trace *trace = worker_trace(control->worker);
    struct json_object *result = json_object_new_object(), *list = json_object_new_array();
    uint64_t count = number_of(request, "count", TRACE_DEFAULT, TRACE_ENTRIES), now = timer_now();

    if (trace != NULL) {
        count = count < trace->entries ? count : trace->entries;
        for (uint64_t i = trace->entries - count; i < trace->entries; i++) {
            json_object_array_add(list, describe_request(&trace->entry[i % TRACE_ENTRIES], now));
        }
    }
    put_flag(result, "on", trace != NULL);
    json_object_object_add(result, "requests", list);
    return result;
}

static struct json_object *switch_trace(const struct control *control, struct control_request *request)
{
    bool on = json_object_get_boolean(parameter(request, "on")) != 0;
    struct json_object *result;

    if (worker_set_trace(control->worker, on) != 0) {
        return request_fail(request, CONTROL_FAILED, "out of memory");
    }
    result = json_object_new_object();
    put_flag(result, "on", on);
    return result;
}

static struct json_object *subscribe(struct client *client)
{
    struct json_object *result = json_object_new_object();

    client->hears_events = true;
    put_flag(result, "subscribed", true);
    return result;
}

struct json_object *method_run(struct client *client, struct control_request *request)
{
    const struct control *control = client->socket->control;

    switch (request->method) {
    case METHOD_SCHEMA:
        return schema_describe();
    case METHOD_STATUS:
        return status(client);
    case METHOD_DEVICES:
        return devices(control);
    case METHOD_BRIDGES:
        return method_bridges(control);
    case METHOD_STATS:
        return stats(control, request);
    case METHOD_EVENTS:
        return subscribe(client);
    case METHOD_LOG:
        return last_lines(request);
    case METHOD_LOG_LEVEL:
        return set_level(request);
    case METHOD_TRACE:
        return last_requests(control, request);
    case METHOD_TRACE_SWITCH:
        return switch_trace(control, request);
    case METHOD_VERB:
        return verb_run(control, request);
    case METHODS:
        break;
    }
    return request_fail(request, CONTROL_NO_METHOD, "there is no such method");
}
