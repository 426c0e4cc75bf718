/* SPDX-License-Identifier: BSD-2-Clause */
/* The guest of a recording, see guest.h. */
#define _GNU_SOURCE /* memfd_create() */
#include "replay/guest.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "config/device_option.h"
#include "config/property.h"
#include "device/file.h"

/* ---- scratch files ---- */

static int make_files(struct guest *guest, const struct recording *recording, struct config_error *error)
{
    guest->file = calloc(recording->files + 1, sizeof(*guest->file));
    if (guest->file == NULL) {
        return config_error_memory(error);
    }
    for (size_t i = 0; i < recording->files; i++) {
        struct guest_file *file = &guest->file[i];

        snprintf(file->device, sizeof(file->device), "%s", recording->file[i].device);
        file->number = UINT_MAX;
        file->descriptor = memfd_create("replayed file", MFD_CLOEXEC);
        guest->files++;
        if (file->descriptor < 0 || ftruncate(file->descriptor, (off_t)recording->file[i].size) != 0) {
            return config_error_set(error, EXIT_STATUS_FAILED, "cannot make a scratch file of %llu bytes: %s",
                                    (unsigned long long)recording->file[i].size, strerror(errno));
        }
    }
    for (size_t i = 0; i < recording->contents; i++) {
        const struct recording_content *content = &recording->content[i];

        if (pwrite(guest->file[content->file].descriptor, content->bytes, (size_t)content->length,
                   (off_t)content->offset) != (ssize_t)content->length) {
            return config_error_set(error, EXIT_STATUS_FAILED, "cannot write to a scratch file: %s", strerror(errno));
        }
    }
    return 0;
}

int guest_file(const struct guest *guest, const char *device, unsigned number)
{
    for (size_t i = 0; i < guest->files; i++) {
        if (guest->file[i].number == number && strcmp(guest->file[i].device, device) == 0) {
            return guest->file[i].descriptor;
        }
    }
    return -1;
}

static int open_file(void *context, const char *property, const char *path, const struct file_options *options,
                     struct ioreqd_file **file, struct config_error *error)
{
    struct guest *guest = context;
    char reason[256], name[32];

    for (size_t i = 0; i < guest->files; i++) {
        snprintf(name, sizeof(name), "/proc/self/fd/%d", guest->file[i].descriptor);
        if (strcmp(name, path) == 0) {
            guest->file[i].number = guest->opened;
        }
    }
    /* A scratch file takes the place of what was there: how that was to be used does not matter. */
    *file = file_open(path, options->read_only, reason, sizeof(reason));
    if (*file == NULL) {
        return config_error_set(error, EXIT_STATUS_CONFIGURATION, "device %s,%s=%s: %s", guest->device, property, path,
                                reason);
    }
    guest->opened++;
    if (device_keep_file(guest->made, *file) != 0) {
        file_close(*file);
        return config_error_memory(error);
    }
    return 0;
}

static bool is_file(const struct ioreqd_model *model, const char *key)
{
    for (const struct ioreqd_property *at = model->property; at != NULL && at->name != NULL; at++) {
        if (strcmp(at->name, key) == 0) {
            return at->kind == IOREQD_PROPERTY_FILE;
        }
    }
    return false;
}

/* Has the properties of kind FILE name the scratch files. */
static int name_files(struct guest *guest, const struct recording *recording, const struct ioreqd_model *model,
                      struct config_device *config, struct config_error *error)
{
    for (size_t pair = 0; pair < config->pairs; pair++) {
        char name[32];
        size_t i = 0;

        if (!is_file(model, config->pair[pair].key)) {
            continue;
        }
        while (i < recording->files && (strcmp(recording->file[i].device, config->id) != 0 ||
                                        strcmp(recording->file[i].property, config->pair[pair].key) != 0)) {
            i++;
        }
        if (i == recording->files) {
            return config_error_set(error, EXIT_STATUS_CONFIGURATION,
                                    "device %s,%s=%s: the recording does not tell the file's size: add a line "
                                    "`file %s %s SIZE`, or give the device with --device",
                                    config->id, config->pair[pair].key, config->pair[pair].value, config->id,
                                    config->pair[pair].key);
        }
        snprintf(name, sizeof(name), "/proc/self/fd/%d", guest->file[i].descriptor);
        free(config->pair[pair].value);
        config->pair[pair].value = strdup(name);
        if (config->pair[pair].value == NULL) {
            return config_error_memory(error);
        }
    }
    return 0;
}

/* ---- devices ---- */

static int make_device(struct guest *guest, const struct ioreqd_model *model, const struct config_device *config,
                       const struct recording_device *recorded, struct config_error *error)
{
    struct property_opener opener = {.open_file = open_file, .context = guest};
    const char *property, *reason;

    guest->device = config->id;
    guest->opened = 0;
    guest->made = device_create(model, config->id, worker_environment(guest->worker));
    if (guest->made == NULL) {
        return config_error_memory(error);
    }
    if (property_parse(model, config, device_state(guest->made), &opener, error) != 0) {
        device_destroy(guest->made);
        return -1;
    }
    if (device_configure(guest->made, &property, &reason) != 0) {
        config_error_device(error, config, property, NULL, "%s", reason);
        device_destroy(guest->made);
        return -1;
    }
    if (worker_add_device(guest->worker, guest->made, recorded->bus, recorded->devfn) != 0) {
        device_destroy(guest->made);
        return config_error_memory(error);
    }
    return 0;
}

static int add_device(struct guest *guest, const struct recording *recording, const struct recording_device *recorded,
                      struct config_error *error)
{
    struct config_device parsed;
    struct config_device *config = &parsed;
    const struct ioreqd_model *model;
    bool help;
    int rc = config_device_parse(recorded->options, &parsed, &help, error);

    if (rc == 0 && parsed.id == NULL) {
        rc = config_error_set(error, EXIT_STATUS_CONFIGURATION, "line %u: device %.64s: id= is missing: add it",
                              recorded->line, recorded->options);
    }
    for (size_t i = 0; rc == 0 && i < guest->options->overrides; i++) {
        struct guest_override *override = &guest->options->override[i];

        if (override->device.id != NULL && strcmp(override->device.id, parsed.id) == 0) {
            config = &override->device;
            override->used = true;
        }
    }
    if (rc == 0) {
        model = models_find(guest->options->models, config->model, error);
        rc = model == NULL ? -1 : 0;
        if (rc == 0 && config == &parsed) {
            rc = name_files(guest, recording, model, config, error);
        }
        if (rc == 0) {
            rc = make_device(guest, model, config, recorded, error);
        }
    }
    config_device_free(&parsed);
    return rc;
}

/* ---- life ---- */

static int fail_as(struct config_error *error, const struct hypervisor_error *from)
{
    return config_error_set(error, EXIT_STATUS_FAILED, "%s", from->text);
}

int guest_make(struct guest *guest, const struct recording *recording, uint64_t memory, struct recorder *recorder,
               const struct guest_options *options, struct config_error *error)
{
    const struct sim_options sim = {.memory = memory,
                                    .vcpus = recording->guest.vcpus,
                                    .intx = recording->guest.intx,
                                    .host_bridge = recording->guest.host_bridge};
    struct hypervisor_error failure;
    struct hypervisor *started;

    *guest = (struct guest){.options = options};
    guest->worker = worker_create();
    if (guest->worker == NULL) {
        return config_error_memory(error);
    }
    if (make_files(guest, recording, error) != 0) {
        return -1;
    }
    for (size_t i = 0; i < recording->hosts; i++) {
        if (worker_add_host(guest->worker, &recording->host[i]) != 0) {
            return config_error_memory(error);
        }
    }
    for (size_t i = 0; i < recording->ports; i++) {
        const struct recording_port *port = &recording->port[i];

        if (worker_add_port(guest->worker, port->id, port->host, port->devfn, port->slot) != 0) {
            return config_error_memory(error);
        }
    }
    for (size_t i = 0; i < recording->devices; i++) {
        if (add_device(guest, recording, &recording->device[i], error) != 0) {
            return -1;
        }
    }
    worker_record(guest->worker, recorder);
    started = sim_open(&sim);
    if (started == NULL) {
        return config_error_set(error, EXIT_STATUS_FAILED, "cannot make a guest with %llu MiB: %s",
                                (unsigned long long)(memory >> 20), strerror(errno));
    }
    guest->sim = started; /* the worker's from here on */
    return worker_start(guest->worker, started, &failure) != 0 ? fail_as(error, &failure) : 0;
}

static void *run(void *argument)
{
    struct guest *guest = argument;

    guest->rested = worker_run(guest->worker);
    return NULL;
}

int guest_run(struct guest *guest, struct config_error *error)
{
    struct hypervisor_error failure;

    if (worker_serve(guest->worker, &failure) != 0) {
        return fail_as(error, &failure);
    }
    guest->running = pthread_create(&guest->thread, NULL, run, guest) == 0;
    return guest->running ? 0 : config_error_memory(error);
}

static void end(void *argument)
{
    struct guest *guest = argument;

    worker_end(guest->worker, false);
}

void guest_end(struct guest *guest)
{
    if (guest->running) {
        guest->end = (struct ioreqd_work){.run = end, .argument = guest};
        loop_post(worker_loop(guest->worker), &guest->end);
        pthread_join(guest->thread, NULL);
        guest->running = false;
    }
}

void guest_free(struct guest *guest)
{
    guest_end(guest);
    worker_destroy(guest->worker);
    for (size_t i = 0; i < guest->files; i++) {
        close(guest->file[i].descriptor);
    }
    free(guest->file);
}
