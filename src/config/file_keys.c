/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The keys of a device's files, see file_keys.h.
 */
#include "config/file_keys.h"

#include <string.h>

#include "config/value.h"

#define ON_ERROR "report or stop"

const struct config_common_key config_file_key[] = {
    {"cache", "word", "writeback", "-",
     "writeback: through the host's page cache; none: past it; unsafe: flushes do nothing"},
    {"werror", "word", "report", "-", "an error of writing: report it to the guest, or stop and try again each second"},
    {"rerror", "word", "report", "-", "the same of reading"},
    {"iops", "number", "-", "1 or more", "limit: requests a second"},
    {"iops-burst", "number", "iops / 10", "1 or more", "requests that may go at once after a pause"},
    {"bps", "size", "-", "1 or more", "limit: bytes a second"},
    {"bps-burst", "size", "bps / 10", "1 or more", "bytes that may go at once after a pause"},
    {NULL, NULL, NULL, NULL, NULL},
};

bool config_is_file_key(const char *name)
{
    for (const struct config_common_key *at = config_file_key; at->name != NULL; at++) {
        if (strcmp(at->name, name) == 0) {
            return true;
        }
    }
    return false;
}

bool config_has_files(const struct ioreqd_model *model)
{
    for (const struct ioreqd_property *at = model->property; at != NULL && at->name != NULL; at++) {
        if (at->kind == IOREQD_PROPERTY_FILE) {
            return true;
        }
    }
    return false;
}

static const char *value_of(const struct config_device *device, const char *key)
{
    for (size_t i = 0; i < device->pairs; i++) {
        if (strcmp(device->pair[i].key, key) == 0) {
            return device->pair[i].value;
        }
    }
    return NULL;
}

static int parse_cache(const struct config_device *device, enum file_cache *cache, struct config_error *error)
{
    static const char *const words[] = {
        [FILE_CACHE_WRITEBACK] = "writeback", [FILE_CACHE_NONE] = "none", [FILE_CACHE_UNSAFE] = "unsafe"};
    const char *value = value_of(device, "cache");

    *cache = FILE_CACHE_WRITEBACK;
    if (value == NULL) {
        return 0;
    }
    for (unsigned i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcmp(value, words[i]) == 0) {
            *cache = (enum file_cache)i;
            return 0;
        }
    }
    return config_error_device(error, device, "cache", value, "no way to use a file: give writeback, none or unsafe");
}

static int parse_on_error(const struct config_device *device, const char *key, enum file_on_error *what,
                          struct config_error *error)
{
    const char *value = value_of(device, key);

    *what = FILE_ON_ERROR_REPORT;
    if (value == NULL || strcmp(value, "report") == 0) {
        return 0;
    }
    if (strcmp(value, "stop") == 0) {
        *what = FILE_ON_ERROR_STOP;
        return 0;
    }
    return config_error_device(error, device, key, value, "nothing to do about an error: give " ON_ERROR);
}

static int parse_limit(const struct config_device *device, const char *key, uint8_t kind, uint64_t *limit,
                       struct config_error *error)
{
    const struct ioreqd_property number = {.name = key, .kind = kind, .minimum = 1, .maximum = UINT64_MAX};
    const char *value = value_of(device, key);
    struct value_reason reason;

    *limit = 0;
    if (value != NULL && value_parse(&number, value, limit, &reason) < 0) {
        return config_error_device(error, device, key, value, "%s", reason.text);
    }
    return 0;
}

/* A limit and its burst. */
static int parse_limits(const struct config_device *device, const char *key, const char *burst_key, uint8_t kind,
                        uint64_t *limit, uint64_t *burst, struct config_error *error)
{
    if (parse_limit(device, key, kind, limit, error) < 0 || parse_limit(device, burst_key, kind, burst, error) < 0) {
        return -1;
    }
    if (*burst != 0 && *limit == 0) {
        return config_error_device(error, device, burst_key, value_of(device, burst_key),
                                   "there is no limit to go beyond: give %s too", key);
    }
    return 0;
}

int config_file_options(const struct config_device *device, struct file_options *options, struct config_error *error)
{
    if (parse_cache(device, &options->cache, error) < 0 ||
        parse_on_error(device, "werror", &options->on_write_error, error) < 0 ||
        parse_on_error(device, "rerror", &options->on_read_error, error) < 0 ||
        parse_limits(device, "iops", "iops-burst", IOREQD_PROPERTY_U64, &options->iops, &options->iops_burst, error) <
            0 ||
        parse_limits(device, "bps", "bps-burst", IOREQD_PROPERTY_SIZE, &options->bps, &options->bps_burst, error) < 0) {
        return -1;
    }
    return 0;
}
