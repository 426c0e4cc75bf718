/* SPDX-License-Identifier: BSD-2-Clause */
/* What is counted of a device's files and networks, all of a kind together, see statistics.h. */
#include "device/statistics.h"

#include "device/device_private.h"
#include "device/file.h"
#include "device/network.h"

/* A number, where it stands in the counts. */
struct figure {
    const char *name, *unit;
    size_t offset;
};

#define OF_FILE(name, unit, member)                                                                                    \
    {                                                                                                                  \
        name, unit, offsetof(struct file_counts, member)                                                               \
    }
#define OF_NETWORK(name, unit, member)                                                                                 \
    {                                                                                                                  \
        name, unit, offsetof(struct network_counts, member)                                                            \
    }
#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static const struct figure file_counters[] = {
    OF_FILE("file-reads", "requests", requests[IOREQD_FILE_READ]),
    OF_FILE("file-bytes-read", "bytes", bytes[IOREQD_FILE_READ]),
    OF_FILE("file-writes", "requests", requests[IOREQD_FILE_WRITE]),
    OF_FILE("file-bytes-written", "bytes", bytes[IOREQD_FILE_WRITE]),
    OF_FILE("file-flushes", "requests", requests[IOREQD_FILE_FLUSH]),
    OF_FILE("file-discards", "requests", requests[IOREQD_FILE_DISCARD]),
    OF_FILE("file-bytes-discarded", "bytes", bytes[IOREQD_FILE_DISCARD]),
    OF_FILE("file-zeroes", "requests", requests[IOREQD_FILE_WRITE_ZEROES]),
    OF_FILE("file-bytes-zeroed", "bytes", bytes[IOREQD_FILE_WRITE_ZEROES]),
    OF_FILE("file-erases", "requests", requests[IOREQD_FILE_ERASE]),
    OF_FILE("file-bytes-erased", "bytes", bytes[IOREQD_FILE_ERASE]),
    OF_FILE("file-errors", "requests", errors),
    OF_FILE("file-stops", "requests", stops),
};

static const struct figure file_gauges[] = {
    OF_FILE("file-under-way", "requests", under_way),
    OF_FILE("file-under-way-most", "requests", most),
};

static const struct figure network_counters[] = {
    OF_NETWORK("network-sent", "packets", sent),
    OF_NETWORK("network-bytes-sent", "bytes", bytes_sent),
    OF_NETWORK("network-received", "packets", received),
    OF_NETWORK("network-bytes-received", "bytes", bytes_received),
    OF_NETWORK("network-lost-no-link", "packets", without_link),
    OF_NETWORK("network-lost-length", "packets", wrong_length),
    OF_NETWORK("network-lost-refused", "packets", refused),
    OF_NETWORK("network-lost-unfit", "packets", unfit),
    OF_NETWORK("network-errors", "errors", errors),
};

static void add_files(const struct ioreqd_device *device, struct file_counts *counts)
{
    *counts = (struct file_counts){0};
    for (size_t i = 0; i < device->files; i++) {
        file_add_counts(device->file[i], counts);
    }
}

static void fill_in(struct device_count *count, const struct figure *figure, const void *counts)
{
    const uint8_t *at = (const uint8_t *)counts + figure->offset;

    *count = (struct device_count){figure->name, figure->unit, *(const uint64_t *)(const void *)at};
}

bool device_backend_counter(const struct ioreqd_device *device, size_t index, struct device_count *count)
{
    size_t of_files = device->files != 0 ? COUNT(file_counters) : 0;
    size_t of_networks = device->networks != 0 ? COUNT(network_counters) : 0;

    if (index < of_files) {
        struct file_counts counts;

        add_files(device, &counts);
        fill_in(count, &file_counters[index], &counts);
        return true;
    }
    if (index - of_files < of_networks) {
        struct network_counts counts = {0};

        for (size_t i = 0; i < device->networks; i++) {
            network_add_counts(device->network[i], &counts);
        }
        fill_in(count, &network_counters[index - of_files], &counts);
        return true;
    }
    return false;
}

size_t device_backend_counters(const struct ioreqd_device *device)
{
    return (device->files != 0 ? COUNT(file_counters) : 0) + (device->networks != 0 ? COUNT(network_counters) : 0);
}

bool device_gauge(const struct ioreqd_device *device, size_t index, struct device_count *count)
{
    struct file_counts counts;

    if (device->files == 0 || index >= COUNT(file_gauges)) {
        return false;
    }
    add_files(device, &counts);
    fill_in(count, &file_gauges[index], &counts);
    return true;
}

bool device_file_times(const struct ioreqd_device *device, uint64_t times[DEVICE_TIMES])
{
    struct file_counts counts;

    add_files(device, &counts);
    for (unsigned i = 0; i < DEVICE_TIMES; i++) {
        times[i] = counts.took[i];
    }
    return device->files != 0;
}
