/* SPDX-License-Identifier: BSD-2-Clause */
/* Control sockets of a whole stack, and their clients, see served.h. */
#include "tests/control/served.h"

#include <errno.h>
#include <poll.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define PATIENCE_MS 60000

struct control *control;
char control_path[64], monitor_path[64];
static char folder[32];

static void open_sockets(void)
{
    struct control_options options = {
        .control = control_path, .monitor = monitor_path, .domain = 5, .name = "guest", .server = 3};
    char reason[256];

    control = control_open(stack.worker, &options, reason, sizeof(reason));
    if (control == NULL) {
        fprintf(stderr, "%s\n", reason);
    }
}

void served_make_sockets(void)
{
    snprintf(folder, sizeof(folder), "/tmp/test-control-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(control_path, sizeof(control_path), "%s/5.sock", folder);
    snprintf(monitor_path, sizeof(monitor_path), "%s/5.monitor.sock", folder);
    open_sockets();
    ck_assert_ptr_nonnull(control);
}

void served_remove_folder(void)
{
    ck_assert_int_eq(rmdir(folder), 0); /* the sockets are gone */
}

static sem_t made;

static void make_on_loop(void *argument)
{
    (void)argument;
    open_sockets();
    sem_post(&made);
}

void served_open(void)
{
    struct ioreqd_work work = {.run = make_on_loop};

    disk_open(2, NULL);
    snprintf(folder, sizeof(folder), "/tmp/test-control-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(control_path, sizeof(control_path), "%s/5.sock", folder);
    snprintf(monitor_path, sizeof(monitor_path), "%s/5.monitor.sock", folder);
    sem_init(&made, 0, 0);
    loop_post(worker_loop(stack.worker), &work);
    while (sem_wait(&made) != 0) {
    }
    ck_assert_ptr_nonnull(control);
}

void served_close(void)
{
    stack_end(&stack);
    control_close(control);
    served_remove_folder();
    disk_close();
}

/* ---- clients ---- */

void peer_open(struct peer *peer, const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    memcpy(address.sun_path, path, strlen(path) + 1);
    *peer = (struct peer){.descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    ck_assert_int_ge(peer->descriptor, 0);
    ck_assert_int_eq(connect(peer->descriptor, (const struct sockaddr *)&address, sizeof(address)), 0);
}

void peer_close(struct peer *peer)
{
    if (peer->descriptor >= 0) {
        close(peer->descriptor);
    }
    free(peer->buffer);
    *peer = (struct peer){.descriptor = -1};
}

void peer_send(const struct peer *peer, const char *text)
{
    size_t length = strlen(text);

    while (length > 0) {
        ssize_t sent = send(peer->descriptor, text, length, MSG_NOSIGNAL);

        if (sent < 0) {
            return; /* dropped: peer_next() sees it */
        }
        text += sent;
        length -= (size_t)sent;
    }
}

struct json_object *peer_next(struct peer *peer)
{
    struct json_object *object;
    char *end;

    while (peer->used == 0 || (end = memchr(peer->buffer, '\n', peer->used)) == NULL) {
        struct pollfd one = {.fd = peer->descriptor, .events = POLLIN};
        ssize_t got;

        if (peer->size - peer->used < 4096) {
            peer->size += 1 << 20;
            peer->buffer = realloc(peer->buffer, peer->size);
            ck_assert_ptr_nonnull(peer->buffer);
        }
        ck_assert_msg(poll(&one, 1, PATIENCE_MS) == 1, "there is no answer");
        got = recv(peer->descriptor, peer->buffer + peer->used, peer->size - peer->used, 0);
        if (got <= 0) {
            return NULL;
        }
        peer->used += (size_t)got;
    }
    *end = 0;
    object = json_tokener_parse(peer->buffer);
    ck_assert_msg(object != NULL, "no JSON: %s", peer->buffer);
    peer->used -= (size_t)(end + 1 - peer->buffer);
    memmove(peer->buffer, end + 1, peer->used);
    return object;
}

struct json_object *peer_call(struct peer *peer, const char *method, const char *parameters)
{
    struct json_object *answer;
    char text[1024];

    snprintf(text, sizeof(text), "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"%s\"%s%s}\n", method,
             parameters != NULL ? ",\"params\":" : "", parameters != NULL ? parameters : "");
    peer_send(peer, text);
    while ((answer = peer_next(peer)) != NULL && get(answer, "id") == NULL) {
        json_object_put(answer);
    }
    ck_assert_msg(answer != NULL, "%s: dropped", method);
    ck_assert_str_eq(get_text(answer, "jsonrpc"), "2.0");
    ck_assert_uint_eq(get_number(answer, "id"), 7);
    return answer;
}

struct json_object *peer_result(struct peer *peer, const char *method, const char *parameters)
{
    struct json_object *answer = peer_call(peer, method, parameters);
    struct json_object *result = json_object_get(get(answer, "result"));
    char reason[256];

    ck_assert_msg(result != NULL, "%s: %s", method, json_object_to_json_string(answer));
    ck_assert_int_eq(json_object_object_length(answer), 3);
    ck_assert_msg(schema_check(schema_method[schema_find(method)].result, result, reason, sizeof(reason)), "%s: %s: %s",
                  method, reason, json_object_to_json_string(result));
    json_object_put(answer);
    return result;
}

void peer_refused(struct peer *peer, const char *method, const char *parameters, int code, const char *text)
{
    struct json_object *answer = peer_call(peer, method, parameters), *error = get(answer, "error");

    ck_assert_msg(error != NULL, "%s %s: %s", method, parameters, json_object_to_json_string(answer));
    ck_assert_msg(json_object_get_int(get(error, "code")) == code && strstr(get_text(error, "message"), text) != NULL,
                  "%s %s: %s", method, parameters, json_object_to_json_string(answer));
    json_object_put(answer);
}

struct json_object *get(struct json_object *object, const char *name)
{
    struct json_object *value = NULL;

    json_object_object_get_ex(object, name, &value);
    return value;
}

uint64_t get_number(struct json_object *object, const char *name)
{
    ck_assert_msg(json_object_is_type(get(object, name), json_type_int), "%s is no number", name);
    return json_object_get_uint64(get(object, name));
}

const char *get_text(struct json_object *object, const char *name)
{
    ck_assert_msg(json_object_is_type(get(object, name), json_type_string), "%s is no text", name);
    return json_object_get_string(get(object, name));
}

uint64_t get_counter(struct json_object *stats, const char *name)
{
    return get_number(get(json_object_array_get_idx(get(stats, "devices"), 0), "counters"), name);
}
