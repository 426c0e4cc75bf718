/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the fuzzing host is told in words, see fuzz_host.h: each text is made, so that its arguments are looked at, and
 * forgotten. One thread.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/fuzz_host.h"

void fuzz_violation(const char *format, ...)
{
    va_list arguments;

    fputs("the model broke a rule: ", stderr);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    abort();
}

static void __attribute__((format(printf, 3, 0)))
make_text(struct ioreqd_device *device, const char *name, const char *format, va_list arguments)
{
    char text[512];

    fuzz_entered(device, name);
    vsnprintf(text, sizeof(text), format, arguments);
    if (text[0] == '\0' || strchr(text, '\n') != NULL) {
        fuzz_violation("%s: no line of text: \"%s\"", name, text);
    }
}

#define MAKE_TEXT(device, name, format)                                                                                \
    do {                                                                                                               \
        va_list arguments;                                                                                             \
                                                                                                                       \
        va_start(arguments, format);                                                                                   \
        make_text(device, name, format, arguments);                                                                    \
        va_end(arguments);                                                                                             \
    } while (0)

void fuzz_log(struct ioreqd_device *device, enum ioreqd_log_level level, const char *format, ...)
{
    MAKE_TEXT(device, "log", format);
    if ((unsigned)level > IOREQD_LOG_DEBUG) {
        fuzz_violation("log: level %u", level);
    }
}

void fuzz_guest_error(struct ioreqd_device *device, const char *format, ...)
{
    MAKE_TEXT(device, "guest_error", format);
}

void fuzz_needs_reset(struct ioreqd_device *device, const char *reason)
{
    (void)device;
    if (reason != NULL && reason[0] == 0) {
        fuzz_violation("needs_reset: there is no reason");
    }
}

void fuzz_property_error(struct ioreqd_device *device, const char *property, const char *format, ...)
{
    const struct ioreqd_property *known = device->model->property;

    MAKE_TEXT(device, "property_error", format);
    while (known != NULL && known->name != NULL && strcmp(known->name, property) != 0) {
        known++;
    }
    if (device->phase != FUZZ_CREATING || known == NULL || known->name == NULL) {
        fuzz_violation("property_error: outside of create(), or there is no property \"%s\"", property);
    }
    device->property_errors++;
}

void fuzz_fail(struct ioreqd_device *device, const char *format, ...)
{
    MAKE_TEXT(device, "fail", format);
    if (device->phase == FUZZ_CREATING || device->phase == FUZZ_DESTROYING) {
        fuzz_violation("fail: in create() or destroy()");
    }
    device->failed = true;
}

void fuzz_event(struct ioreqd_device *device, const char *name, const char *json)
{
    fuzz_entered(device, "event");
    if (*name == '\0' || name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-")] != '\0') {
        fuzz_violation("event: the name is \"%s\"", name);
    }
    if (json != NULL && (json[0] != '{' || json[strlen(json) - 1] != '}')) {
        fuzz_violation("event: no object: %s", json);
    }
}
