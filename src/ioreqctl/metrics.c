/* SPDX-License-Identifier: BSD-2-Clause */
/* Counters in the text form that Prometheus reads (its "exposition formats", 0.0.4), see show.h. */
#include <stdio.h>

#include "ioreqctl/connection.h"
#include "ioreqctl/show.h"

/* Values of labels: what would end them is escaped. */
static void label(const char *name, const char *value)
{
    printf("%s=\"", name);
    for (; *value != 0; value++) {
        if (*value == '\\' || *value == '"') {
            printf("\\%c", *value);
        } else if (*value == '\n') {
            printf("\\n");
        } else {
            putchar(*value);
        }
    }
    putchar('"');
}

static void domain_labels(struct json_object *status)
{
    printf("domain=\"%llu\",", member_number(status, "domain"));
    label("name", member_text(status, "name"));
}

static void counts(struct json_object *status, const char *metric, const char *what, struct json_object *object)
{
    if (!json_object_is_type(object, json_type_object)) {
        return;
    }
    json_object_object_foreach(object, name, value)
    {
        printf("%s{", metric);
        domain_labels(status);
        putchar(',');
        label(what, name);
        printf("} %llu\n", (unsigned long long)json_object_get_uint64(value));
    }
}

static void device_counters(struct json_object *status, struct json_object *device)
{
    struct json_object *counters = member(device, "counters");

    if (!json_object_is_type(counters, json_type_object)) {
        return;
    }
    json_object_object_foreach(counters, name, value)
    {
        printf("ioreqd_device_total{");
        domain_labels(status);
        putchar(',');
        label("device", member_text(device, "id"));
        putchar(',');
        label("model", member_text(device, "model"));
        putchar(',');
        label("counter", name);
        printf("} %llu\n", (unsigned long long)json_object_get_uint64(value));
    }
}

static void device_times(struct json_object *status, struct json_object *device)
{
    struct json_object *times = member(device, "times");

    for (size_t i = 0; times != NULL && i < json_object_array_length(times); i++) {
        printf("ioreqd_device_accesses_by_time_total{");
        domain_labels(status);
        putchar(',');
        label("device", member_text(device, "id"));
        printf(",nanoseconds=\"%llu\"} %llu\n", 1ull << i,
               (unsigned long long)json_object_get_uint64(json_object_array_get_idx(times, i)));
    }
}

static void uptime(struct json_object *status, struct json_object *stats)
{
    (void)stats;
    printf("ioreqd_uptime_seconds{");
    domain_labels(status);
    printf("} %llu\n", member_number(status, "uptime"));
}

static void requests(struct json_object *status, struct json_object *stats)
{
    counts(status, "ioreqd_requests_total", "kind", member(stats, "requests"));
}

static void bridge(struct json_object *status, struct json_object *stats)
{
    counts(status, "ioreqd_bridge_total", "what", member(stats, "bridge"));
}

static void each_device(struct json_object *status, struct json_object *stats,
                        void (*print)(struct json_object *status, struct json_object *device))
{
    struct json_object *devices = member(stats, "devices");

    for (size_t i = 0; devices != NULL && i < json_object_array_length(devices); i++) {
        print(status, json_object_array_get_idx(devices, i));
    }
}

static void counters(struct json_object *status, struct json_object *stats)
{
    each_device(status, stats, device_counters);
}

static void times(struct json_object *status, struct json_object *stats)
{
    each_device(status, stats, device_times);
}

/* A metric of all domains stands together. */
static const struct {
    const char *name, *type, *help;
    void (*print)(struct json_object *status, struct json_object *stats);
} metrics[] = {
    {"ioreqd_uptime_seconds", "gauge", "Since the control sockets of the domain's ioreqd were made.", uptime},
    {"ioreqd_requests_total", "counter", "Requests of the guest, by their kind.", requests},
    {"ioreqd_bridge_total", "counter", "What no device was asked.", bridge},
    {"ioreqd_device_total", "counter", "Counters of a device.", counters},
    {"ioreqd_device_accesses_by_time_total", "counter",
     "Accesses that took so long, and less than twice that, while trace was on.", times},
};

void show_metrics(struct json_object *all)
{
    for (size_t i = 0; i < sizeof(metrics) / sizeof(metrics[0]); i++) {
        printf("# HELP %s %s\n# TYPE %s %s\n", metrics[i].name, metrics[i].help, metrics[i].name, metrics[i].type);
        for (size_t j = 0; j < json_object_array_length(all); j++) {
            struct json_object *one = json_object_array_get_idx(all, j);

            metrics[i].print(member(one, "status"), member(one, "stats"));
        }
    }
}
