/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Errors in what the user asked for, as text for people. The caller owns the error; main() prints it. Texts of the
 * user are cut before they go into a message: what counts, the remedy, stands at its end.
 */
#include "config/config.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define CUT_MARK "..."

static void mark_cut(char *text, size_t size)
{
    memcpy(text + size - sizeof(CUT_MARK), CUT_MARK, sizeof(CUT_MARK));
}

static void append(struct config_error *error, const char *format, va_list arguments)
    __attribute__((format(printf, 2, 0)));

static void append(struct config_error *error, const char *format, va_list arguments)
{
    size_t used = strlen(error->text);
    int length = vsnprintf(error->text + used, sizeof(error->text) - used, format, arguments);

    if (length >= 0 && (size_t)length >= sizeof(error->text) - used) {
        mark_cut(error->text, sizeof(error->text));
    }
}

int config_error_set(struct config_error *error, enum exit_status exit_status, const char *format, ...)
{
    va_list arguments;

    *error = (struct config_error){.exit_status = (int)exit_status};
    va_start(arguments, format);
    append(error, format, arguments);
    va_end(arguments);
    return -1;
}

/* ---- places ---- */

/* A path is cut at its beginning: its end tells more. */
struct shown_path {
    char text[132];
};

static const char *show_path(struct shown_path *shown, const char *path)
{
    size_t length = strlen(path);

    if (length < sizeof(shown->text)) {
        return path;
    }
    snprintf(shown->text, sizeof(shown->text), "%s%s", CUT_MARK,
             path + length - (sizeof(shown->text) - sizeof(CUT_MARK)));
    return shown->text;
}

static void begin(struct config_error *error, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The place that an error is told of. */
static void begin(struct config_error *error, const char *format, ...)
{
    va_list arguments;

    *error = (struct config_error){.exit_status = EXIT_STATUS_CONFIGURATION};
    va_start(arguments, format);
    append(error, format, arguments);
    va_end(arguments);
    error->reason = strlen(error->text);
}

/* "FILE:LINE: [SECTION NAME]: KEY=VALUE: ", from the end of which any part may be NULL, and section as well. */
static void begin_in_file(struct config_error *error, const struct config_place *place, const char *section,
                          const char *name, const char *key, const char *value)
{
    struct config_shown shown[3];
    struct shown_path path;

    begin(error, "%s:%u: %s%s%s%s%s%s%s%s%s", show_path(&path, place->file), place->line, section != NULL ? "[" : "",
          section != NULL ? section : "", name != NULL ? " " : "", name != NULL ? config_show(&shown[0], name) : "",
          section != NULL ? "]: " : "", key != NULL ? config_show(&shown[1], key) : "", value != NULL ? "=" : "",
          value != NULL ? config_show(&shown[2], value) : "", key != NULL ? ": " : "");
}

static void begin_on_line(struct config_error *error, const char *option, const char *name, const char *key,
                          const char *value)
{
    struct config_shown shown[3];

    begin(error, "%s %s%s%s%s%s: ", option, config_show(&shown[0], name), key != NULL ? "," : "",
          key != NULL ? config_show(&shown[1], key) : "", value != NULL ? "=" : "",
          value != NULL ? config_show(&shown[2], value) : "");
}

static const struct config_pair *find_pair(const struct config_pair *pair, size_t pairs, const char *key)
{
    for (size_t i = 0; key != NULL && i < pairs; i++) {
        if (strcmp(pair[i].key, key) == 0) {
            return &pair[i];
        }
    }
    return NULL;
}

static void begin_in_device(struct config_error *error, const struct config_device *device, const char *key,
                            const char *value)
{
    const struct config_pair *pair = find_pair(device->pair, device->pairs + device->common, key);
    struct config_place place = {.file = device->place.file, .line = device->reading};

    if (place.line == 0 && pair != NULL) {
        place.line = pair->line;
    }
    if (place.line != 0) {
        begin_in_file(error, &place, NULL, NULL, key, value);
    } else {
        begin_in_file(error, &device->place, "device", device->id, key, value);
    }
}

/* ---- errors at places ---- */

int config_error_option(struct config_error *error, const char *option, const char *value, const char *format, ...)
{
    va_list arguments;

    begin_on_line(error, option, value, NULL, NULL);
    va_start(arguments, format);
    append(error, format, arguments);
    va_end(arguments);
    return -1;
}

int config_error_setting(struct config_error *error, const struct config *config, const char *name, const char *value,
                         const char *format, ...)
{
    const struct config_pair *pair = find_pair(config->setting, config->settings, name);
    va_list arguments;

    if (pair != NULL) {
        struct config_place place = {.file = config->file, .line = pair->line};

        begin_in_file(error, &place, NULL, NULL, name, value);
    } else {
        struct config_shown shown;

        begin(error, "--%s %s: ", name, config_show(&shown, value));
    }
    va_start(arguments, format);
    append(error, format, arguments);
    va_end(arguments);
    return -1;
}

int config_error_device(struct config_error *error, const struct config_device *device, const char *key,
                        const char *value, const char *format, ...)
{
    va_list arguments;

    if (device->place.file != NULL) {
        begin_in_device(error, device, key, value);
    } else {
        begin_on_line(error, "--device", device->model, key, value);
    }
    va_start(arguments, format);
    append(error, format, arguments);
    va_end(arguments);
    return -1;
}

int config_error_bridge(struct config_error *error, const char *name, const char *key, const char *value,
                        const char *format, ...)
{
    va_list arguments;

    begin_on_line(error, "--bridge", name, key, value);
    va_start(arguments, format);
    append(error, format, arguments);
    va_end(arguments);
    return -1;
}

int config_error_file(struct config_error *error, const struct config_place *place, const char *section,
                      const char *name, const char *format, ...)
{
    va_list arguments;

    begin_in_file(error, place, section, name, NULL, NULL);
    va_start(arguments, format);
    append(error, format, arguments);
    va_end(arguments);
    return -1;
}

/* ---- errors that become known of a place ---- */

static void add_reason(struct config_error *error, const struct config_error *from)
{
    size_t used = strlen(error->text);
    int length = snprintf(error->text + used, sizeof(error->text) - used, "%s", from->text + from->reason);

    if (length >= 0 && (size_t)length >= sizeof(error->text) - used) {
        mark_cut(error->text, sizeof(error->text));
    }
    error->exit_status = from->exit_status;
}

void config_error_move(struct config_error *error, const struct config_place *place, const char *section,
                       const char *name, const char *key, const char *value)
{
    struct config_error from = *error;

    if (place->file != NULL) {
        begin_in_file(error, place, section, name, key, value);
        add_reason(error, &from);
    }
}

void config_error_move_device(struct config_error *error, const struct config_device *device, const char *key,
                              const char *value)
{
    struct config_error from = *error;

    if (device->place.file != NULL) {
        begin_in_device(error, device, key, value);
        add_reason(error, &from);
    }
}

void config_faults_add(struct config_faults *faults, const struct config_error *error)
{
    if (faults->count < CONFIG_FAULTS) {
        faults->fault[faults->count++] = *error;
    } else {
        faults->more = true;
    }
}

int config_error_memory(struct config_error *error)
{
    return config_error_set(error, EXIT_STATUS_FAILED, "out of memory");
}

const char *config_show(struct config_shown *shown, const char *text)
{
    size_t length = strlen(text);

    if (length < sizeof(shown->text)) {
        memcpy(shown->text, text, length + 1);
    } else {
        memcpy(shown->text, text, sizeof(shown->text) - 1);
        mark_cut(shown->text, sizeof(shown->text));
    }
    return shown->text;
}
