/* SPDX-License-Identifier: BSD-2-Clause */
/* --record, see record.h. */
#include "record.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#include "device/file_nbd.h"
#include "recording/text.h"

/* A recording is made of lines: a line break in a name would end one. */
static void add_value(struct text *text, const char *value)
{
    for (; *value != '\0'; value++) {
        if (*value == ',') {
            text_add(text, ",", 1);
        }
        text_add(text, *value == '\n' ? "?" : value, 1);
    }
}

char *record_options(const struct config_device *device)
{
    struct text text = {.data = NULL};

    add_value(&text, device->model);
    text_print(&text, ",id=%s", device->id);
    for (size_t i = 0; i < device->pairs; i++) {
        text_print(&text, ",%s=", device->pair[i].key);
        add_value(&text, device->pair[i].value);
    }
    if (text.failed) {
        text_free(&text);
    }
    return text.data;
}

/* The size of a file or block device; 0: it cannot be told. A lock of the open file that another has is no hindrance. */
static uint64_t size_of(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    off_t end;

    if (fd < 0) {
        return 0;
    }
    end = lseek(fd, 0, SEEK_END);
    close(fd);
    return end < 0 ? 0 : (uint64_t)end;
}

static bool is_file(const struct ioreqd_model *model, const char *key)
{
    const struct ioreqd_property *property = model->property;

    while (property != NULL && property->name != NULL && strcmp(property->name, key) != 0) {
        property++;
    }
    return property != NULL && property->name != NULL && property->kind == IOREQD_PROPERTY_FILE;
}

static int describe(struct recorder *recorder, const struct config_device *device, struct models *models,
                    struct config_error *error)
{
    const struct ioreqd_model *model = models_find(models, device->model, error);
    char *options = record_options(device);
    int rc = options == NULL ? -ENOMEM : recorder_describe(recorder, device->id, options);

    free(options);
    if (model == NULL) {
        return -1;
    }
    for (size_t i = 0; i < device->pairs && rc == 0; i++) {
        if (is_file(model, device->pair[i].key) && file_nbd_is_uri(device->pair[i].value)) {
            return config_error_device(error, device, device->pair[i].key, device->pair[i].value,
                                       "what is read from an NBD server is not recorded: leave --record out, or give a "
                                       "local file");
        }
        if (is_file(model, device->pair[i].key)) {
            rc = recorder_describe_file(recorder, device->id, device->pair[i].key, size_of(device->pair[i].value));
        }
    }
    return rc == 0 ? 0 : config_error_memory(error);
}

struct recorder_file *record_open(const struct config *config, struct models *models, struct config_error *error)
{
    struct recorder_file *file = recorder_file_open(config->record);

    if (file == NULL) {
        bool refused = errno == EACCES || errno == EPERM;

        config_error_setting(error, config, "record", config->record,
                             "cannot be written: %s: give the path of a file that can", strerror(errno));
        error->exit_status = refused ? EXIT_STATUS_REFUSED : EXIT_STATUS_CONFIGURATION;
        return NULL;
    }
    for (size_t i = 0; i < config->devices; i++) {
        if (describe(recorder_file_recorder(file), &config->device[i], models, error) != 0) {
            recorder_file_close(file);
            return NULL;
        }
    }
    return file;
}
