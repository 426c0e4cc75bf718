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

/* "--OPTION NAME,KEY=VALUE: " and the text. */
static int set_at(struct config_error *error, const char *option, const char *name, const char *key, const char *value,
                  const char *format, va_list arguments) __attribute__((format(printf, 6, 0)));

static int set_at(struct config_error *error, const char *option, const char *name, const char *key, const char *value,
                  const char *format, va_list arguments)
{
    struct config_shown shown[3];

    config_error_set(error, EXIT_STATUS_CONFIGURATION, "%s %s%s%s%s%s: ", option, config_show(&shown[0], name),
                     key != NULL ? "," : "", key != NULL ? config_show(&shown[1], key) : "", value != NULL ? "=" : "",
                     value != NULL ? config_show(&shown[2], value) : "");
    append(error, format, arguments);
    return -1;
}

int config_error_device(struct config_error *error, const struct config_device *device, const char *key,
                        const char *value, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    set_at(error, "--device", device->model, key, value, format, arguments);
    va_end(arguments);
    return -1;
}

int config_error_bridge(struct config_error *error, const char *name, const char *key, const char *value,
                        const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    set_at(error, "--bridge", name, key, value, format, arguments);
    va_end(arguments);
    return -1;
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
