/* SPDX-License-Identifier: BSD-2-Clause */
/* The methods of the control socket, see schema.h. */
#include "control/schema.h"

#define STRING(member, text)                                                                                           \
    {                                                                                                                  \
        .name = member, .type = SCHEMA_STRING, .help = text                                                            \
    }
#define INTEGER(member, text)                                                                                          \
    {                                                                                                                  \
        .name = member, .type = SCHEMA_INTEGER, .help = text                                                           \
    }
#define BOOLEAN(member, text)                                                                                          \
    {                                                                                                                  \
        .name = member, .type = SCHEMA_BOOLEAN, .help = text                                                           \
    }
#define COUNTS(member, text)                                                                                           \
    {                                                                                                                  \
        .name = member, .type = SCHEMA_COUNTS, .help = text                                                            \
    }
#define LIST(member, of, text)                                                                                         \
    {                                                                                                                  \
        .name = member, .type = SCHEMA_LIST, .help = text, .part = of                                                  \
    }
#define MAYBE_STRING(member, text)                                                                                     \
    {                                                                                                                  \
        .name = member, .type = SCHEMA_STRING, .optional = true, .help = text                                          \
    }
#define MAYBE_INTEGER(member, text)                                                                                    \
    {                                                                                                                  \
        .name = member, .type = SCHEMA_INTEGER, .optional = true, .help = text                                         \
    }
#define END                                                                                                            \
    {                                                                                                                  \
        .name = NULL                                                                                                   \
    }

const char *const schema_levels[] = {"error", "warning", "info", "debug", NULL};

static const struct schema nothing[] = {END};

/* ---- schema ---- */

static const struct schema schema_result[] = {
    INTEGER("version", "of the schema: raised when a client of the one before could be broken"),
    {.name = "methods", .type = SCHEMA_FREE, .help = "each method with its parameters and result as JSON Schema"},
    {.name = "notifications", .type = SCHEMA_FREE, .help = "the same of what comes unasked"},
    END,
};

/* ---- status ---- */

static const struct schema sockets[] = {
    MAYBE_STRING("control", "the socket for those who may change something"),
    MAYBE_STRING("monitor", "the socket for those who may only look"),
    END,
};

static const struct schema stuck[] = {
    STRING("id", "of the device"),
    STRING("model", "of the device"),
    STRING("state", "needs-reset: its driver broke a rule; failed: only a reset of its bus helps"),
    MAYBE_STRING("reason", "of that"),
    END,
};

static const struct schema stuck_device = {
    .name = "device", .type = SCHEMA_OBJECT, .help = "one of them", .part = stuck};

static const struct schema status_result[] = {
    STRING("version", "of ioreqd"),
    INTEGER("interface", "version of the device interface"),
    INTEGER("schema", "version of this schema"),
    INTEGER("domain", "number of the guest"),
    MAYBE_STRING("name", "of the guest"),
    INTEGER("pid", "of the process"),
    INTEGER("uptime", "seconds since the sockets were made"),
    INTEGER("server", "number of the IOREQ server"),
    STRING("state", "serving, or ending"),
    INTEGER("devices", "how many there are"),
    LIST("stuck", &stuck_device, "devices that do nothing until the guest resets them"),
    STRING("log", "the log's level"),
    BOOLEAN("trace", "whether requests are kept, and timed"),
    INTEGER("clients", "of both sockets"),
    BOOLEAN("monitor", "whether this client may only look"),
    {.name = "sockets", .type = SCHEMA_OBJECT, .help = "where they are", .part = sockets},
    END,
};

/* ---- devices ---- */

static const struct schema word = {.name = "word", .type = SCHEMA_STRING, .help = "one of them"};

static const struct schema parameter[] = {
    STRING("name", "of the parameter"),
    STRING("type", "boolean, integer, size or string"),
    BOOLEAN("required", "whether it has to be given"),
    STRING("help", "what it means"),
    {.name = "choice", .type = SCHEMA_LIST, .optional = true, .help = "what it can be", .part = &word},
    END,
};

static const struct schema parameter_of_verb = {
    .name = "parameter", .type = SCHEMA_OBJECT, .help = "one of them", .part = parameter};

static const struct schema verb[] = {
    STRING("name", "of the verb"),
    STRING("help", "what it does"),
    LIST("parameters", &parameter_of_verb, "what it is told, in their order"),
    END,
};

static const struct schema verb_of_device = {
    .name = "verb", .type = SCHEMA_OBJECT, .help = "one of them", .part = verb};

static const struct schema counter[] = {
    STRING("name", "of the counter"),
    STRING("unit", "what is counted"),
    END,
};

static const struct schema counter_of_device = {
    .name = "counter", .type = SCHEMA_OBJECT, .help = "one of them", .part = counter};

static const struct schema device[] = {
    STRING("id", "of the device"),
    STRING("model", "of the device"),
    STRING("bridge", "the host bridge or root port that it sits on"),
    MAYBE_STRING("place", "segment:bus:device.function, as it is now"),
    STRING("state", "created, running, needs-reset, resetting, ending or failed"),
    MAYBE_STRING("reason", "why it needs a reset or has failed"),
    INTEGER("queues", "that it has at most"),
    LIST("counters", &counter_of_device, "what is counted, see stats"),
    LIST("verbs", &verb_of_device, "what it can be told to do, see verb"),
    END,
};

static const struct schema device_of_guest = {
    .name = "device", .type = SCHEMA_OBJECT, .help = "one of them", .part = device};

static const struct schema devices_result[] = {
    LIST("devices", &device_of_guest, "in the order in which they were given"),
    END,
};

/* ---- bridges ---- */

static const char *const function_kinds[] = {"device", "port", "bridge", NULL};

static const struct schema function[] = {
    STRING("place", "segment:bus:device.function, as it is now"),
    {.name = "kind",
     .type = SCHEMA_STRING,
     .help = "a device, a root port, or the host bridge itself",
     .choice = function_kinds},
    MAYBE_STRING("id", "of the device or root port"),
    MAYBE_STRING("model", "of the device"),
    STRING("ids", "vendor:device, in hexadecimal"),
    STRING("class", "class code, in hexadecimal"),
    MAYBE_STRING("behind", "place of the root port above"),
    MAYBE_INTEGER("secondary", "of a root port: the bus behind it, 0 while the guest gave none"),
    BOOLEAN("reachable", "whether its bus has a number"),
    INTEGER("bars", "that the guest has placed"),
    END,
};

static const struct schema function_of_bridge = {
    .name = "function", .type = SCHEMA_OBJECT, .help = "one of them", .part = function};

static const struct schema aperture[] = {
    STRING("space", "memory, memory64 or io: of the bus"),
    INTEGER("first", "the lowest address for the processor"),
    INTEGER("bus", "the same on the bus"),
    INTEGER("size", "bytes, or ports"),
    END,
};

static const struct schema aperture_of_bridge = {
    .name = "aperture", .type = SCHEMA_OBJECT, .help = "one of them", .part = aperture};

static const struct schema bridge[] = {
    STRING("name", "of the host bridge"),
    INTEGER("segment", "of all its buses"),
    INTEGER("first", "its root bus"),
    INTEGER("last", "its highest bus"),
    MAYBE_INTEGER("ecam", "where its configuration space lies in memory, if it does"),
    LIST("apertures", &aperture_of_bridge, "what it forwards to its root bus; none: each BAR is claimed by itself"),
    LIST("functions", &function_of_bridge, "by their places, each root port followed by what is behind it"),
    END,
};

static const struct schema bridge_of_guest = {
    .name = "bridge", .type = SCHEMA_OBJECT, .help = "one of them", .part = bridge};

static const struct schema bridges_result[] = {
    LIST("bridges", &bridge_of_guest, "that which every guest has first"),
    END,
};

/* ---- stats ---- */

static const struct schema stats_parameters[] = {
    MAYBE_STRING("device", "id of the only one that is asked for"),
    END,
};

static const struct schema time = {.name = "time", .type = SCHEMA_INTEGER, .help = "accesses"};

static const struct schema stats_device[] = {
    STRING("id", "of the device"),
    STRING("model", "of the device"),
    STRING("state", "as devices has it"),
    MAYBE_STRING("reason", "as devices has it"),
    COUNTS("counters", "each counter by its name"),
    COUNTS("gauges", "what goes up and down too, by its name"),
    LIST("times", &time, "accesses that took from 2^i to 2^(i+1)-1 ns, for i from 0; only while trace is on it grows"),
    {.name = "file-times",
     .type = SCHEMA_LIST,
     .optional = true,
     .help = "the same of requests to its files, from submission to end",
     .part = &time},
    END,
};

static const struct schema stats_of_device = {
    .name = "device", .type = SCHEMA_OBJECT, .help = "one of them", .part = stats_device};

static const struct schema stats_result[] = {
    COUNTS("requests", "of the guest, by their kind"),
    COUNTS("bridge", "accesses to configuration space, and what no device was asked"),
    LIST("devices", &stats_of_device, "all of them, or the one that was asked for"),
    END,
};

/* ---- events ---- */

static const struct schema events_result[] = {
    BOOLEAN("subscribed", "true: from now on each event comes as a notification"),
    END,
};

const struct schema schema_event[] = {
    INTEGER("time", "milliseconds since 1970"),
    MAYBE_STRING("device", "id of the one that it is about"),
    STRING("name", "of the event"),
    {.name = "data", .type = SCHEMA_FREE, .optional = true, .help = "what else there is to say"},
    MAYBE_INTEGER("lost", "so many events before this one came too fast, and are in the log only"),
    END,
};

/* ---- log ---- */

static const struct schema log_parameters[] = {
    MAYBE_INTEGER("lines", "how many at most"),
    END,
};

static const struct schema log_line_members[] = {
    INTEGER("time", "milliseconds since 1970"),
    {.name = "level", .type = SCHEMA_STRING, .help = "of the line", .choice = schema_levels},
    STRING("text", "the line"),
    END,
};

static const struct schema line_of_log = {
    .name = "line", .type = SCHEMA_OBJECT, .help = "one of them", .part = log_line_members};

static const struct schema level[] = {
    {.name = "level",
     .type = SCHEMA_STRING,
     .help = "lines of this level and graver ones are written",
     .choice = schema_levels},
    END,
};

static const struct schema log_result[] = {
    {.name = "level", .type = SCHEMA_STRING, .help = "that lines are written from", .choice = schema_levels},
    LIST("lines", &line_of_log, "the last ones, oldest first"),
    END,
};

/* ---- trace ---- */

static const struct schema trace_parameters[] = {
    MAYBE_INTEGER("count", "how many at most"),
    END,
};

static const struct schema trace_request[] = {
    INTEGER("age", "nanoseconds from then to now"),
    INTEGER("took", "nanoseconds until it was answered"),
    INTEGER("vcpu", "that asked"),
    STRING("kind", "port, memory, config, invalidate or other"),
    BOOLEAN("write", "whether something was written"),
    INTEGER("address", "that was accessed; config: segment:bus:device.function << 32 | register"),
    INTEGER("size", "bytes of an element"),
    INTEGER("count", "of elements"),
    INTEGER("data", "that was written or read; with pointer, where in guest memory it lies"),
    BOOLEAN("pointer", "whether the data are in guest memory"),
    END,
};

static const struct schema request_of_trace = {
    .name = "request", .type = SCHEMA_OBJECT, .help = "one of them", .part = trace_request};

static const struct schema trace_result[] = {
    BOOLEAN("on", "whether requests are kept"),
    LIST("requests", &request_of_trace, "the last ones, oldest first"),
    END,
};

static const struct schema on[] = {
    BOOLEAN("on", "whether requests are kept, and timed"),
    END,
};

/* ---- verb ---- */

static const struct schema verb_parameters[] = {
    STRING("device", "id of the device"),
    STRING("verb", "one of those that devices shows for it"),
    {.name = "values",
     .type = SCHEMA_FREE,
     .optional = true,
     .help = "the verb's parameters by their names: as their type says, or as text that people type"},
    END,
};

static const struct schema verb_result[] = {
    BOOLEAN("done", "true"),
    END,
};

const struct schema_method schema_method[METHODS] = {
    [METHOD_SCHEMA] = {"schema", "what can be asked", false, nothing, schema_result},
    [METHOD_STATUS] = {"status", "what runs here, and for whom", false, nothing, status_result},
    [METHOD_DEVICES] = {"devices", "the devices, and what they can be told", false, nothing, devices_result},
    [METHOD_BRIDGES] = {"bridges", "host bridges, root ports, and what sits on them", false, nothing, bridges_result},
    [METHOD_STATS] = {"stats", "counters", false, stats_parameters, stats_result},
    [METHOD_EVENTS] = {"events", "hear of events from now on", false, nothing, events_result},
    [METHOD_LOG] = {"log", "the last lines of the log", false, log_parameters, log_result},
    [METHOD_LOG_LEVEL] = {"log-level", "change the log's level", true, level, level},
    [METHOD_TRACE] = {"trace", "the last requests of the guest", false, trace_parameters, trace_result},
    [METHOD_TRACE_SWITCH] = {"trace-switch", "keep requests and time them, or stop that", true, on, on},
    [METHOD_VERB] = {"verb", "have a device do something", true, verb_parameters, verb_result},
};
