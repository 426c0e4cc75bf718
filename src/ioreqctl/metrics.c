/* SPDX-License-Identifier: BSD-2-Clause */
/* Counters in the text form that Prometheus reads (its "exposition formats", 0.0.4), see show.h. */
#include <stdio.h>
#include <string.h>

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

static void device_labels(struct json_object *status, struct json_object *device)
{
    domain_labels(status);
    putchar(',');
    label("device", member_text(device, "id"));
    putchar(',');
    label("model", member_text(device, "model"));
}

/* Each number of an object of the device's, by what the names are. */
static void device_numbers(struct json_object *status, struct json_object *device, const char *metric, const char *what,
                           struct json_object *object)
{
    if (!json_object_is_type(object, json_type_object)) {
        return;
    }
    json_object_object_foreach(object, name, value)
    {
        printf("%s{", metric);
        device_labels(status, device);
        putchar(',');
        label(what, name);
        printf("} %llu\n", (unsigned long long)json_object_get_uint64(value));
    }
}

static void device_counters(struct json_object *status, struct json_object *device)
{
    device_numbers(status, device, "ioreqd_device_total", "counter", member(device, "counters"));
}

static void device_gauges(struct json_object *status, struct json_object *device)
{
    device_numbers(status, device, "ioreqd_device_now", "gauge", member(device, "gauges"));
}

/* 1 while the device is in the state. An older ioreqd does not tell. */
static void device_state(struct json_object *status, struct json_object *device, const char *metric, const char *state)
{
    if (member(device, "state") == NULL) {
        return;
    }
    printf("%s{", metric);
    device_labels(status, device);
    printf("} %d\n", strcmp(member_text(device, "state"), state) == 0);
}

static void device_needs_reset(struct json_object *status, struct json_object *device)
{
    device_state(status, device, "ioreqd_device_needs_reset", "needs-reset");
}

static void device_failed(struct json_object *status, struct json_object *device)
{
    device_state(status, device, "ioreqd_device_failed", "failed");
}

static void device_histogram(struct json_object *status, struct json_object *device, const char *metric,
                             struct json_object *times)
{
    for (size_t i = 0; times != NULL && i < json_object_array_length(times); i++) {
        printf("%s{", metric);
        domain_labels(status);
        putchar(',');
        label("device", member_text(device, "id"));
        printf(",nanoseconds=\"%llu\"} %llu\n", 1ull << i,
               (unsigned long long)json_object_get_uint64(json_object_array_get_idx(times, i)));
    }
}

static void device_times(struct json_object *status, struct json_object *device)
{
    device_histogram(status, device, "ioreqd_device_accesses_by_time_total", member(device, "times"));
}

static void device_file_times(struct json_object *status, struct json_object *device)
{
    device_histogram(status, device, "ioreqd_device_file_requests_by_time_total", member(device, "file-times"));
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

static void gauges(struct json_object *status, struct json_object *stats)
{
    each_device(status, stats, device_gauges);
}

static void needs_reset(struct json_object *status, struct json_object *stats)
{
    each_device(status, stats, device_needs_reset);
}

static void failed(struct json_object *status, struct json_object *stats)
{
    each_device(status, stats, device_failed);
}

static void times(struct json_object *status, struct json_object *stats)
{
    each_device(status, stats, device_times);
}

static void file_times(struct json_object *status, struct json_object *stats)
{
    each_device(status, stats, device_file_times);
}

/* A metric of all domains stands together. */
static const struct {
    const char *name, *type, *help;
    void (*print)(struct json_object *status, struct json_object *stats);
} metrics[] = {
    {"ioreqd_uptime_seconds", "gauge", "Since the control sockets of the domain's ioreqd were made.", uptime},
    {"ioreqd_requests_total", "counter", "Requests of the guest, by their kind.", requests},
    {"ioreqd_bridge_total", "counter", "Accesses to configuration space, and what no device was asked.", bridge},
    {"ioreqd_device_needs_reset", "gauge", "1: it does nothing until its driver, which broke a rule, resets it.",
     needs_reset},
    {"ioreqd_device_failed", "gauge", "1: it does nothing until the guest resets its bus.", failed},
    {"ioreqd_device_total", "counter", "Counters of a device.", counters},
    {"ioreqd_device_now", "gauge", "What a device has now, or the most that it had.", gauges},
    {"ioreqd_device_accesses_by_time_total", "counter",
     "Accesses that took so long, and less than twice that, while trace was on.", times},
    {"ioreqd_device_file_requests_by_time_total", "counter",
     "Requests to files that took so long, and less than twice that, while trace was on.", file_times},
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
