/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which PCI functions a guest's QEMU has: Xen cannot be asked (the newest claim of a function wins in silence), QEMU
 * can, over QMP. libxl makes two monitors; we use the one meant for libxenstat, so as not to meet libxl on its own.
 */
#include "hypervisor/xen/xen.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <json-c/json.h>

#define SOCKET_PATH      "/run/xen/qmp-libxenstat-%u"
#define ANSWER_MAX       (1024 * 1024)
#define PATIENCE_SECONDS 2

struct monitor {
    int fd;
    struct json_tokener *parser;
    char buffer[4096];
    size_t used, length;
};

/* The next JSON value that QEMU sends, or NULL with errno set. */
static struct json_object *next_value(struct monitor *monitor)
{
    size_t total = 0;

    while (total < ANSWER_MAX) {
        if (monitor->used == monitor->length) {
            ssize_t got = recv(monitor->fd, monitor->buffer, sizeof(monitor->buffer), 0);

            if (got <= 0) {
                errno = got == 0 ? EPIPE : errno == EAGAIN ? ETIMEDOUT : errno;
                return NULL;
            }
            monitor->used = 0;
            monitor->length = (size_t)got;
            total += (size_t)got;
        }
        struct json_object *value = json_tokener_parse_ex(monitor->parser, monitor->buffer + monitor->used,
                                                          (int)(monitor->length - monitor->used));
        enum json_tokener_error state = json_tokener_get_error(monitor->parser);

        if (value != NULL) {
            monitor->used += json_tokener_get_parse_end(monitor->parser);
            return value;
        }
        if (state != json_tokener_continue) {
            break;
        }
        monitor->used = monitor->length;
    }
    errno = EBADMSG;
    return NULL;
}

/* Sends a command and returns what QEMU returns, which the caller puts; events in between are passed over. */
static struct json_object *execute(struct monitor *monitor, const char *command)
{
    struct json_object *answer, *result = NULL, *failure;
    char text[128];
    int length = snprintf(text, sizeof(text), "{\"execute\":\"%s\"}\r\n", command);

    if (send(monitor->fd, text, (size_t)length, MSG_NOSIGNAL) != length) {
        return NULL;
    }
    while ((answer = next_value(monitor)) != NULL) {
        if (json_object_object_get_ex(answer, "return", &result)) {
            json_object_get(result);
            json_object_put(answer);
            return result;
        }
        if (json_object_object_get_ex(answer, "error", &failure)) {
            json_object_put(answer);
            errno = EPROTO;
            return NULL;
        }
        json_object_put(answer);
    }
    return NULL;
}

static unsigned member(struct json_object *object, const char *name)
{
    struct json_object *value;

    return json_object_object_get_ex(object, name, &value) ? (unsigned)json_object_get_int(value) : 0;
}

static void note_functions(struct json_object *buses, uint8_t bitmap[32])
{
    for (size_t i = 0; i < json_object_array_length(buses); i++) {
        struct json_object *bus = json_object_array_get_idx(buses, i);
        struct json_object *devices;

        if (member(bus, "bus") != 0 || !json_object_object_get_ex(bus, "devices", &devices) ||
            !json_object_is_type(devices, json_type_array)) {
            continue;
        }
        for (size_t j = 0; j < json_object_array_length(devices); j++) {
            struct json_object *device = json_object_array_get_idx(devices, j);
            unsigned function = (member(device, "slot") & 0x1f) << 3 | (member(device, "function") & 7);

            bitmap[function / 8] = (uint8_t)(bitmap[function / 8] | 1u << function % 8);
        }
    }
}

int qemu_functions(unsigned domain, uint8_t bitmap[32])
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct timeval patience = {.tv_sec = PATIENCE_SECONDS};
    struct monitor monitor = {.fd = -1};
    struct json_object *value = NULL;
    int rc = -EPROTO;

    memset(bitmap, 0, 32);
    snprintf(address.sun_path, sizeof(address.sun_path), SOCKET_PATH, domain);
    monitor.parser = json_tokener_new();
    monitor.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (monitor.parser == NULL || monitor.fd < 0) {
        rc = -ENOMEM;
        goto out;
    }
    setsockopt(monitor.fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    if (connect(monitor.fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
        rc = -errno;
        goto out;
    }
    value = next_value(&monitor); /* the greeting */
    if (value == NULL) {
        rc = -errno;
        goto out;
    }
    json_object_put(value);
    value = execute(&monitor, "qmp_capabilities");
    if (value == NULL) {
        rc = -errno;
        goto out;
    }
    json_object_put(value);
    value = execute(&monitor, "query-pci");
    if (value == NULL || !json_object_is_type(value, json_type_array)) {
        rc = value == NULL ? -errno : -EPROTO;
        goto out;
    }
    note_functions(value, bitmap);
    rc = 0;

out:
    json_object_put(value);
    if (monitor.fd >= 0) {
        close(monitor.fd);
    }
    if (monitor.parser != NULL) {
        json_tokener_free(monitor.parser);
    }
    return rc;
}
