/* SPDX-License-Identifier: BSD-2-Clause */
/* A connection to a control socket, see connection.h. */
#include "ioreqctl/connection.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "control/request.h"
#include "exit_status.h"

#define ANSWER_SECONDS 30
#define ANSWER_MAX     (64u << 20) /* bytes of a line: whoever listens there need not be an ioreqd */

struct connection {
    int descriptor;
    char *path;
    char *buffer;
    size_t size, used;
    int last_id;
};

int ctl_fail(struct ctl_error *error, int exit_status, const char *format, ...)
{
    va_list arguments;

    error->exit_status = exit_status;
    va_start(arguments, format);
    vsnprintf(error->text, sizeof(error->text), format, arguments);
    va_end(arguments);
    return -1;
}

struct connection *connection_open(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct timeval patience = {.tv_sec = ANSWER_SECONDS};
    struct connection *connection;
    int error;

    if (strlen(path) >= sizeof(address.sun_path)) {
        errno = ENAMETOOLONG;
        return NULL;
    }
    memcpy(address.sun_path, path, strlen(path) + 1);
    connection = calloc(1, sizeof(*connection));
    if (connection == NULL) {
        return NULL;
    }
    connection->path = strdup(path);
    connection->descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connection->path == NULL || connection->descriptor < 0 ||
        setsockopt(connection->descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) != 0 ||
        setsockopt(connection->descriptor, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) != 0 ||
        connect(connection->descriptor, (const struct sockaddr *)&address, sizeof(address)) != 0) {
        error = errno;
        connection_close(connection);
        errno = error;
        return NULL;
    }
    return connection;
}

void connection_close(struct connection *connection)
{
    if (connection == NULL) {
        return;
    }
    if (connection->descriptor >= 0) {
        close(connection->descriptor);
    }
    free(connection->path);
    free(connection->buffer);
    free(connection);
}

const char *connection_path(const struct connection *connection)
{
    return connection->path;
}

static int lost(const struct connection *connection, struct ctl_error *error, const char *why)
{
    return ctl_fail(error, EXIT_STATUS_FAILED, "%s: the connection is lost: %s", connection->path, why);
}

static int send_line(struct connection *connection, const char *text, size_t length, struct ctl_error *error)
{
    while (length > 0) {
        ssize_t sent = send(connection->descriptor, text, length, MSG_NOSIGNAL);

        if (sent < 0 && errno == EINTR) {
            continue;
        }
        if (sent <= 0) {
            return lost(connection, error, strerror(errno));
        }
        text += sent;
        length -= (size_t)sent;
    }
    return 0;
}

static int read_more(struct connection *connection, struct ctl_error *error)
{
    ssize_t got;

    if (connection->used + 1 >= connection->size) {
        size_t size = connection->size == 0 ? 65536 : 2 * connection->size;
        char *grown = size <= ANSWER_MAX ? realloc(connection->buffer, size) : NULL;

        if (grown == NULL) {
            return lost(connection, error, "an answer is too long");
        }
        connection->buffer = grown;
        connection->size = size;
    }
    got =
        recv(connection->descriptor, connection->buffer + connection->used, connection->size - connection->used - 1, 0);
    if (got < 0 && errno == EINTR) {
        return 0;
    }
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
        return lost(connection, error, "there is no answer");
    }
    if (got <= 0) {
        return lost(connection, error, got == 0 ? "ioreqd has closed it" : strerror(errno));
    }
    connection->used += (size_t)got;
    return 0;
}

/* The next line as JSON, or NULL with the error. */
static struct json_object *next_message(struct connection *connection, struct ctl_error *error)
{
    struct json_object *message;
    char *end;

    while (connection->used == 0 || (end = memchr(connection->buffer, '\n', connection->used)) == NULL) {
        if (read_more(connection, error) != 0) {
            return NULL;
        }
    }
    *end = 0;
    message = json_tokener_parse(connection->buffer);
    connection->used -= (size_t)(end + 1 - connection->buffer);
    memmove(connection->buffer, end + 1, connection->used);
    if (message == NULL) {
        lost(connection, error, "whoever listens there is no ioreqd");
    }
    return message;
}

struct json_object *member(struct json_object *object, const char *name)
{
    struct json_object *value = NULL;

    if (json_object_is_type(object, json_type_object)) {
        json_object_object_get_ex(object, name, &value);
    }
    return value;
}

const char *member_text(struct json_object *object, const char *name)
{
    struct json_object *value = member(object, name);

    return json_object_is_type(value, json_type_string) ? json_object_get_string(value) : "";
}

unsigned long long member_number(struct json_object *object, const char *name)
{
    return json_object_get_uint64(member(object, name));
}

/* What the error of an answer means for those who called. */
static int exit_status_of(int code)
{
    switch (code) {
    case CONTROL_READ_ONLY:
        return EXIT_STATUS_REFUSED;
    case CONTROL_NO_DEVICE:
    case CONTROL_BAD_PARAMETERS:
    case CONTROL_NO_METHOD:
        return EXIT_STATUS_CONFIGURATION;
    default:
        return EXIT_STATUS_FAILED;
    }
}

struct json_object *connection_call(struct connection *connection, const char *method, struct json_object *parameters,
                                    struct ctl_error *error)
{
    struct json_object *call = request_notification(method, parameters), *answer = NULL, *result;
    int id = ++connection->last_id;
    size_t length;
    const char *text;
    int rc;

    if (parameters == NULL) {
        json_object_object_del(call, "params");
    }
    json_object_object_add(call, "id", json_object_new_int(id));
    text = json_object_to_json_string_length(call, JSON_C_TO_STRING_PLAIN, &length);
    rc = send_line(connection, text, length, error);
    rc = rc == 0 ? send_line(connection, "\n", 1, error) : rc;
    json_object_put(call);
    while (rc == 0) {
        answer = next_message(connection, error);
        if (answer == NULL) {
            return NULL;
        }
        if (member(answer, "method") == NULL) { /* else an event, which nobody here waits for */
            break;
        }
        json_object_put(answer);
    }
    if (rc != 0) {
        return NULL;
    }
    result = json_object_get(member(answer, "result"));
    if (result == NULL) {
        struct json_object *failure = member(answer, "error");

        ctl_fail(error, exit_status_of(json_object_get_int(member(failure, "code"))), "%s",
                 member_text(failure, "message"));
    }
    json_object_put(answer);
    return result;
}

struct json_object *connection_next(struct connection *connection, struct ctl_error *error)
{
    struct timeval for_ever = {0};
    struct json_object *message, *parameters = NULL;

    (void)setsockopt(connection->descriptor, SOL_SOCKET, SO_RCVTIMEO, &for_ever, sizeof(for_ever));
    while (parameters == NULL) {
        message = next_message(connection, error);
        if (message == NULL) {
            return NULL;
        }
        parameters = json_object_get(member(message, "params"));
        json_object_put(message);
    }
    return parameters;
}
