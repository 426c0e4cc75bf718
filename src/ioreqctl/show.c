/* SPDX-License-Identifier: BSD-2-Clause */
/* Results for people, see show.h. What a newer ioreqd tells beyond what is known here is left out. */
#include "ioreqctl/show.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "ioreqctl/connection.h"

#define EACH(list, i, entry)                                                                                           \
    for (size_t i = 0; i < (list != NULL ? json_object_array_length(list) : 0) &&                                      \
                       ((entry = json_object_array_get_idx(list, i)) != NULL);                                         \
         i++)

/* ---- status ---- */

static void line(const char *name, const char *value)
{
    if (value[0] != 0) {
        printf("%-10s %s\n", name, value);
    }
}

static const char *before_reason(struct json_object *device)
{
    return member_text(device, "reason")[0] != 0 ? ": " : "";
}

void show_status(struct json_object *result)
{
    unsigned long long uptime = member_number(result, "uptime");
    struct json_object *sockets = member(result, "sockets"), *stuck;
    const char *name = member_text(result, "name");

    printf("%-10s %llu%s%s%s\n", "domain", member_number(result, "domain"), name[0] != 0 ? " (" : "", name,
           name[0] != 0 ? ")" : "");
    line("state", member_text(result, "state"));
    line("version", member_text(result, "version"));
    printf("%-10s %llu\n", "process", member_number(result, "pid"));
    printf("%-10s %llu:%02llu:%02llu\n", "uptime", uptime / 3600, uptime / 60 % 60, uptime % 60);
    printf("%-10s %llu\n", "server", member_number(result, "server"));
    printf("%-10s %llu\n", "devices", member_number(result, "devices"));
    EACH(member(result, "stuck"), i, stuck)
    {
        printf("%-10s %s, %s%s%s\n", "stuck", member_text(stuck, "id"), member_text(stuck, "state"),
               before_reason(stuck), member_text(stuck, "reason"));
    }
    line("log", member_text(result, "log"));
    line("trace", json_object_get_boolean(member(result, "trace")) ? "on" : "off");
    line("control", member_text(sockets, "control"));
    line("monitor", member_text(sockets, "monitor"));
}

/* ---- devices ---- */

static int widest(struct json_object *list, const char *name, const char *heading)
{
    size_t width = strlen(heading);
    struct json_object *entry;

    EACH(list, i, entry)
    {
        size_t length = strlen(member_text(entry, name));

        width = length > width ? length : width;
    }
    return (int)width;
}

void show_devices(struct json_object *result)
{
    static const char *const column[] = {"id", "model", "place", "bridge", "state"};
    static const char *const heading[] = {"ID", "MODEL", "PLACE", "BRIDGE", "STATE"};
    struct json_object *list = member(result, "devices"), *entry;
    int width[5];

    for (unsigned i = 0; i < 5; i++) {
        width[i] = widest(list, column[i], heading[i]);
        printf("%-*s%s", i < 4 ? width[i] : 0, heading[i], i < 4 ? "  " : "\n");
    }
    EACH(list, row, entry)
    {
        for (unsigned i = 0; i < 5; i++) {
            printf("%-*s%s", i < 4 ? width[i] : 0, member_text(entry, column[i]), i < 4 ? "  " : "");
        }
        printf("%s%s\n", before_reason(entry), member_text(entry, "reason"));
    }
}

static void show_parameters(struct json_object *parameters)
{
    struct json_object *parameter;

    EACH(parameters, i, parameter)
    {
        bool required = json_object_get_boolean(member(parameter, "required")) != 0;
        struct json_object *choice = member(parameter, "choice"), *word;

        printf("      %s (%s%s): %s", member_text(parameter, "name"), member_text(parameter, "type"),
               required ? ", required" : "", member_text(parameter, "help"));
        EACH(choice, j, word)
        {
            printf("%s%s", j == 0 ? ": " : " or ", json_object_get_string(word));
        }
        putchar('\n');
    }
}

void show_verbs(struct json_object *devices)
{
    struct json_object *device, *verb;

    EACH(devices, i, device)
    {
        struct json_object *verbs = member(device, "verbs");

        printf("%s (%s)%s\n", member_text(device, "id"), member_text(device, "model"),
               json_object_array_length(verbs) == 0 ? ": it has no verbs" : "");
        EACH(verbs, j, verb)
        {
            printf("   %s: %s\n", member_text(verb, "name"), member_text(verb, "help"));
            show_parameters(member(verb, "parameters"));
        }
    }
}

/* ---- bridges ---- */

static bool is_last(struct json_object *functions, size_t index)
{
    struct json_object *next;
    const char *behind = member_text(json_object_array_get_idx(functions, index), "behind");

    for (size_t i = index + 1; (next = json_object_array_get_idx(functions, i)) != NULL; i++) {
        if (strcmp(member_text(next, "behind"), behind) == 0) {
            return false;
        }
    }
    return true;
}

static void show_function(struct json_object *functions, size_t index, bool below_last)
{
    struct json_object *function = json_object_array_get_idx(functions, index);
    bool behind = member_text(function, "behind")[0] != 0;
    const char *kind = member_text(function, "kind"), *id = member_text(function, "id");
    bool reachable = json_object_get_boolean(member(function, "reachable")) != 0;

    printf("%s%s-%s  %s  ",
           !behind      ? ""
           : below_last ? "    "
                        : "|   ",
           is_last(functions, index) ? "\\" : "+", member_text(function, "place"), member_text(function, "ids"));
    if (strcmp(kind, "bridge") == 0) {
        printf("host bridge");
    } else if (strcmp(kind, "port") == 0) {
        printf("root port %s, bus %02llx", id, member_number(function, "secondary"));
    } else {
        printf("%s %s", member_text(function, "model"), id);
    }
    printf("%s\n", reachable ? "" : " (not reachable: its bus has no number)");
}

void show_bridges(struct json_object *result)
{
    struct json_object *bridges = member(result, "bridges"), *bridge, *aperture, *function;

    EACH(bridges, i, bridge)
    {
        struct json_object *functions = member(bridge, "functions");
        bool below_last = false;

        printf("%s: segment %04llx, buses %02llx-%02llx", member_text(bridge, "name"), member_number(bridge, "segment"),
               member_number(bridge, "first"), member_number(bridge, "last"));
        if (member(bridge, "ecam") != NULL) {
            printf(", ecam 0x%llx", member_number(bridge, "ecam"));
        }
        EACH(member(bridge, "apertures"), j, aperture)
        {
            printf(", %s 0x%llx+0x%llx", member_text(aperture, "space"), member_number(aperture, "first"),
                   member_number(aperture, "size"));
        }
        putchar('\n');
        EACH(functions, j, function)
        {
            if (member_text(function, "behind")[0] == 0) {
                below_last = is_last(functions, j);
            }
            show_function(functions, j, below_last);
        }
    }
}

/* ---- stats ---- */

static void show_counts(const char *id, struct json_object *counts, struct json_object *before, double seconds)
{
    if (!json_object_is_type(counts, json_type_object)) {
        return;
    }
    json_object_object_foreach(counts, name, value)
    {
        unsigned long long number = json_object_get_uint64(value);

        printf("%-16s %-24s %16llu", id, name, number);
        if (before != NULL && seconds > 0) {
            printf(" %14.1f/s", (double)(number - member_number(before, name)) / seconds);
        }
        putchar('\n');
    }
}

static struct json_object *same_device(struct json_object *stats, const char *id)
{
    struct json_object *device;

    EACH(member(stats, "devices"), i, device)
    {
        if (strcmp(member_text(device, "id"), id) == 0) {
            return device;
        }
    }
    return NULL;
}

static void show_times(const char *id, const char *what, struct json_object *times)
{
    struct json_object *time;

    EACH(times, i, time)
    {
        if (json_object_get_uint64(time) != 0) {
            char range[48];

            snprintf(range, sizeof(range), "%s%llu-%llu ns", what, i == 0 ? 0 : 1ull << i, (2ull << i) - 1);
            printf("%-16s %-24s %16llu\n", id, range, (unsigned long long)json_object_get_uint64(time));
        }
    }
}

void show_stats(struct json_object *result, struct json_object *before, double seconds)
{
    struct json_object *device;

    show_counts("requests", member(result, "requests"), member(before, "requests"), seconds);
    show_counts("bridge", member(result, "bridge"), member(before, "bridge"), seconds);
    EACH(member(result, "devices"), i, device)
    {
        const char *id = member_text(device, "id");

        show_counts(id, member(device, "counters"), member(same_device(before, id), "counters"), seconds);
        show_counts(id, member(device, "gauges"), NULL, 0);
        show_times(id, "", member(device, "times"));
        show_times(id, "file ", member(device, "file-times"));
    }
}

/* ---- log, events, trace ---- */

static void show_time(unsigned long long milliseconds)
{
    time_t seconds = (time_t)(milliseconds / 1000);
    char text[32] = "";
    struct tm parts;

    if (localtime_r(&seconds, &parts) != NULL) {
        strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &parts);
    }
    printf("%s.%03llu ", text, milliseconds % 1000);
}

void show_log(struct json_object *result)
{
    struct json_object *entry;

    EACH(member(result, "lines"), i, entry)
    {
        show_time(member_number(entry, "time"));
        printf("%s\n", member_text(entry, "text"));
    }
}

void show_event(struct json_object *event)
{
    struct json_object *data = member(event, "data");
    const char *device = member_text(event, "device");

    show_time(member_number(event, "time"));
    printf("%s%s%s%s%s", device, device[0] != 0 ? " " : "", member_text(event, "name"), data != NULL ? " " : "",
           data != NULL ? json_object_to_json_string_ext(data, JSON_C_TO_STRING_PLAIN) : "");
    if (member_number(event, "lost") != 0) {
        printf(" (%llu events before it were too many)", member_number(event, "lost"));
    }
    putchar('\n');
    fflush(stdout);
}

void show_trace(struct json_object *result)
{
    struct json_object *entry;

    if (!json_object_get_boolean(member(result, "on"))) {
        printf("trace is off: `ioreqctl trace on` has requests kept\n");
        return;
    }
    printf("%12s %10s %4s %-10s %-5s %18s %4s %5s %18s\n", "AGE us", "TOOK ns", "VCPU", "KIND", "", "ADDRESS", "SIZE",
           "COUNT", "DATA");
    EACH(member(result, "requests"), i, entry)
    {
        printf("%12.1f %10llu %4llu %-10s %-5s 0x%016llx %4llu %5llu %s0x%016llx\n",
               (double)member_number(entry, "age") / 1000, member_number(entry, "took"), member_number(entry, "vcpu"),
               member_text(entry, "kind"), json_object_get_boolean(member(entry, "write")) ? "write" : "read",
               member_number(entry, "address"), member_number(entry, "size"), member_number(entry, "count"),
               json_object_get_boolean(member(entry, "pointer")) ? "at " : "", member_number(entry, "data"));
    }
}
