/* SPDX-License-Identifier: BSD-2-Clause */
/* The method "stats": all that is counted. On the main thread. */
#include "control/control_private.h"

#include "device/statistics.h"

/* Without the zeroes at the end. */
static struct json_object *histogram(const uint64_t took[DEVICE_TIMES])
{
    struct json_object *times = json_object_new_array();
    size_t used = DEVICE_TIMES;

    while (used > 0 && took[used - 1] == 0) {
        used--;
    }
    for (size_t i = 0; i < used; i++) {
        json_object_array_add(times, json_object_new_uint64(took[i]));
    }
    return times;
}

static struct json_object *count_each(const struct ioreqd_device *device,
                                      bool (*next)(const struct ioreqd_device *device, size_t index,
                                                   struct device_count *count))
{
    struct json_object *object = json_object_new_object();
    struct device_count count;

    for (size_t i = 0; next(device, i, &count); i++) {
        put_number(object, count.name, count.value);
    }
    return object;
}

static struct json_object *count_device(struct ioreqd_device *device)
{
    struct json_object *entry = json_object_new_object();
    uint64_t took[DEVICE_TIMES];

    put_string(entry, "id", device_id(device));
    put_string(entry, "model", device_model(device));
    put_state(entry, device);
    json_object_object_add(entry, "counters", count_each(device, device_counter));
    json_object_object_add(entry, "gauges", count_each(device, device_gauge));
    json_object_object_add(entry, "times", histogram(device_times(device)));
    if (device_file_times(device, took)) {
        json_object_object_add(entry, "file-times", histogram(took));
    }
    return entry;
}

static struct json_object *count_requests(const struct control *control)
{
    const struct dispatch_counters *counters = worker_counters(control->worker);
    struct json_object *object = json_object_new_object();

    put_number(object, "port", counters->port);
    put_number(object, "memory", counters->memory);
    put_number(object, "config", counters->config);
    put_number(object, "invalidate", counters->invalidate);
    put_number(object, "other", counters->other);
    put_number(object, "malformed", counters->malformed);
    put_number(object, "without-memory", counters->no_memory);
    return object;
}

static struct json_object *count_bridge(const struct control *control)
{
    const struct bridge_counters *counters = bridge_counters(worker_environment(control->worker)->bridge);
    struct json_object *object = json_object_new_object();

    put_number(object, "unclaimed", counters->unclaimed);
    put_number(object, "misfit", counters->misfit);
    put_number(object, "refused", counters->refused);
    put_number(object, "resets", counters->resets);
    put_number(object, "config-reads", counters->config_reads);
    put_number(object, "config-writes", counters->config_writes);
    put_number(object, "messages-refused", counters->messages);
    return object;
}

struct json_object *method_stats(const struct control *control, const struct ioreqd_device *only)
{
    struct json_object *result = json_object_new_object(), *list = json_object_new_array();

    json_object_object_add(result, "requests", count_requests(control));
    json_object_object_add(result, "bridge", count_bridge(control));
    for (size_t i = 0; i < worker_devices(control->worker); i++) {
        const char *bus;
        struct ioreqd_device *device = worker_device(control->worker, i, &bus);

        if (only == NULL || device == only) {
            json_object_array_add(list, count_device(device));
        }
    }
    json_object_object_add(result, "devices", list);
    return result;
}
