/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The recorder, see recorder.h. One lock puts lines in order; while a request is served they are kept in a list, which
 * its answer lets out.
 */
#include "worker/recorder.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "recording/recording.h"
#include "worker/recorder_private.h"

#define TIME_STEP 1000u /* microseconds: a line of time comes no more often */

struct kept_line {
    struct kept_line *next;
    struct recording_line line;
    uint8_t bytes[];
};

struct description {
    struct description *next;
    struct recording_device device;
    struct recording_file file; /* of this device, where options is NULL */
};

struct recorder {
    struct recorder_sink sink;
    struct device_observer observer;
    struct recorder_windows windows;
    struct description *description;

    pthread_mutex_t lock;
    struct recording_line request; /* that is served */
    bool serving;
    struct kept_line *kept;
    struct kept_line **kept_end;
    uint64_t began; /* microseconds */
    uint64_t told;
};

static uint64_t microseconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* ---- life ---- */

struct recorder *recorder_create(const struct recorder_sink *sink)
{
    struct recorder *recorder = calloc(1, sizeof(*recorder));

    if (recorder == NULL) {
        return NULL;
    }
    recorder->sink = *sink;
    recorder->kept_end = &recorder->kept;
    recorder->began = microseconds();
    pthread_mutex_init(&recorder->lock, NULL);
    recorder_windows_init(&recorder->windows);
    recorder_observe(&recorder->observer, recorder);
    return recorder;
}

static void drop_kept(struct recorder *recorder)
{
    while (recorder->kept != NULL) {
        struct kept_line *kept = recorder->kept;

        recorder->kept = kept->next;
        free(kept);
    }
    recorder->kept_end = &recorder->kept;
}

void recorder_destroy(struct recorder *recorder)
{
    if (recorder == NULL) {
        return;
    }
    drop_kept(recorder);
    while (recorder->description != NULL) {
        struct description *description = recorder->description;

        recorder->description = description->next;
        free(description->device.options);
        free(description);
    }
    recorder_windows_free(&recorder->windows);
    pthread_mutex_destroy(&recorder->lock);
    free(recorder);
}

const struct device_observer *recorder_observer(const struct recorder *recorder)
{
    return &recorder->observer;
}

struct recorder_windows *recorder_windows(struct recorder *recorder)
{
    return &recorder->windows;
}

/* ---- the header ---- */

static struct description *describe(struct recorder *recorder, const char *id)
{
    struct description **end = &recorder->description;
    struct description *made = calloc(1, sizeof(*made));

    while (*end != NULL) {
        end = &(*end)->next;
    }
    if (made != NULL) {
        snprintf(made->file.device, sizeof(made->file.device), "%s", id);
        *end = made;
    }
    return made;
}

int recorder_describe(struct recorder *recorder, const char *id, const char *options)
{
    struct description *made = describe(recorder, id);

    if (made == NULL) {
        return -ENOMEM;
    }
    made->device.options = strdup(options);
    return made->device.options == NULL ? -ENOMEM : 0;
}

int recorder_describe_file(struct recorder *recorder, const char *id, const char *property, uint64_t size)
{
    struct description *made = describe(recorder, id);

    if (made == NULL) {
        return -ENOMEM;
    }
    snprintf(made->file.property, sizeof(made->file.property), "%s", property);
    made->file.size = size;
    return 0;
}

static void head(struct recorder *recorder, struct text *text)
{
    if (recorder->sink.header != NULL && text->length != 0) {
        pthread_mutex_lock(&recorder->lock);
        recorder->sink.header(recorder->sink.context, text->data, text->length);
        pthread_mutex_unlock(&recorder->lock);
    }
    text_free(text);
}

void recorder_guest(struct recorder *recorder, const struct hypervisor_guest *guest)
{
    struct text text = {.data = NULL};

    text_print(&text, "%s\n", RECORDING_FIRST_LINE);
    recording_print_guest(guest, &text);
    head(recorder, &text);
}

void recorder_host(struct recorder *recorder, const struct bridge_host_config *host)
{
    struct text text = {.data = NULL};

    recording_print_host(host, &text);
    head(recorder, &text);
}

void recorder_port(struct recorder *recorder, const char *id, const char *host, uint8_t devfn, unsigned slot)
{
    struct recording_port port = {.devfn = devfn, .slot = slot};
    struct text text = {.data = NULL};

    snprintf(port.id, sizeof(port.id), "%s", id);
    snprintf(port.host, sizeof(port.host), "%s", host);
    recording_print_port(&port, &text);
    head(recorder, &text);
}

void recorder_device(struct recorder *recorder, const char *id, const char *bus, uint8_t devfn)
{
    struct recording_device device = {.devfn = devfn};
    struct text text = {.data = NULL};
    char unknown[RECORDING_NAME_SIZE + 16];

    snprintf(unknown, sizeof(unknown), "unknown,id=%.63s", id);
    snprintf(device.bus, sizeof(device.bus), "%s", bus);
    device.options = unknown;
    for (const struct description *at = recorder->description; at != NULL; at = at->next) {
        if (at->device.options != NULL && strcmp(at->file.device, id) == 0) {
            device.options = at->device.options;
        }
    }
    recording_print_device(&device, &text);
    for (const struct description *at = recorder->description; at != NULL; at = at->next) {
        if (at->device.options == NULL && strcmp(at->file.device, id) == 0) {
            recording_print_file(&at->file, &text);
        }
    }
    head(recorder, &text);
}

/* ---- what happens ---- */

/* Keeps a copy until the answer. A line for which there is no memory is lost. Under the lock. */
static void keep(struct recorder *recorder, const struct recording_line *line)
{
    size_t length = line->bytes != NULL ? (size_t)line->length : 0;
    struct kept_line *kept = malloc(sizeof(*kept) + length);

    if (kept == NULL) {
        return;
    }
    kept->next = NULL;
    kept->line = *line;
    if (line->bytes != NULL) {
        memcpy(kept->bytes, line->bytes, length);
        kept->line.bytes = kept->bytes;
    }
    *recorder->kept_end = kept;
    recorder->kept_end = &kept->next;
}

static void let_out(struct recorder *recorder, const struct recording_line *line)
{
    pthread_mutex_lock(&recorder->lock);
    if (recorder->serving) {
        keep(recorder, line);
    } else {
        recorder->sink.line(recorder->sink.context, line);
    }
    pthread_mutex_unlock(&recorder->lock);
}

void recorder_add(struct recorder *recorder, const struct recording_line *line)
{
    struct recording_line part = *line;

    if (line->bytes == NULL || line->length <= RECORDING_BYTES_MAX) {
        let_out(recorder, line);
        return;
    }
    while (part.length != 0) {
        part.length = part.length < RECORDING_BYTES_MAX ? part.length : RECORDING_BYTES_MAX;
        let_out(recorder, &part);
        part.address += part.length;
        part.bytes += part.length;
        part.length = line->length - (uint64_t)(part.bytes - line->bytes);
    }
}

void recorder_request(struct recorder *recorder, unsigned vcpu, const struct request *request)
{
    uint64_t now = microseconds() - recorder->began;

    pthread_mutex_lock(&recorder->lock);
    if (now - recorder->told >= TIME_STEP) {
        const struct recording_line time = {.kind = RECORDING_TIME, .time = now};

        recorder->told = now;
        recorder->sink.line(recorder->sink.context, &time);
    }
    recorder->request =
        (struct recording_line){.kind = RECORDING_REQUEST, .vcpu = vcpu, .request = *request, .mask = UINT64_MAX};
    recorder->serving = true;
    if (recorder->sink.begun != NULL) {
        recorder->sink.begun(recorder->sink.context, &recorder->request);
    }
    pthread_mutex_unlock(&recorder->lock);
}

void recorder_answer(struct recorder *recorder, uint64_t data)
{
    pthread_mutex_lock(&recorder->lock);
    recorder->request.answered = recording_has_answer(&recorder->request.request);
    recorder->request.answer = data;
    recorder->sink.line(recorder->sink.context, &recorder->request);
    for (const struct kept_line *kept = recorder->kept; kept != NULL; kept = kept->next) {
        recorder->sink.line(recorder->sink.context, &kept->line);
    }
    drop_kept(recorder);
    recorder->serving = false;
    pthread_mutex_unlock(&recorder->lock);
}

void recorder_operand(struct recorder *recorder, bool write, uint64_t address, const void *bytes, size_t length,
                      int error)
{
    const struct recording_line line = {.kind = write ? RECORDING_OPERAND_WRITE : RECORDING_OPERAND_READ,
                                        .address = address,
                                        .length = length,
                                        .bytes = error == 0 ? bytes : NULL,
                                        .error = -error};

    recorder_add(recorder, &line);
}

void recorder_message(struct recorder *recorder, uint64_t address, uint32_t data)
{
    const struct recording_line line = {.kind = RECORDING_MESSAGE, .address = address, .data = data};

    recorder_add(recorder, &line);
}

void recorder_line(struct recorder *recorder, unsigned device, unsigned pin, bool level)
{
    const struct recording_line line = {.kind = RECORDING_INTERRUPT_LINE, .number = device, .pin = pin, .level = level};

    recorder_add(recorder, &line);
}
