/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One client of a control socket, on the main thread. It has one request under way at a time: the next line is looked
 * at in a later turn of the loop, and when the answer before it has left. So a client that sends much, or does not read,
 * holds up nobody but itself, and what is kept for it is one line, one answer, and events up to a bound.
 */
#include "control/control_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>

#include "device/loop.h"

static void tell(const struct client *client, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void tell(const struct client *client, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    log_limited(&client->socket->control->log_limit, LOG_WARNING, client->socket->path, format, arguments);
    va_end(arguments);
}

static size_t unsent(const struct client *client)
{
    return evbuffer_get_length(bufferevent_get_output(client->stream));
}

bool client_send(struct client *client, const char *line, size_t length)
{
    struct evbuffer *out = bufferevent_get_output(client->stream);

    if (evbuffer_add(out, line, length) != 0 || evbuffer_add(out, "\n", 1) != 0) {
        tell(client, "out of memory: a client is dropped");
        client_destroy(client);
        return false;
    }
    return true;
}

/* Takes the message over. */
static bool send_message(struct client *client, struct json_object *message)
{
    size_t length = 0;
    const char *text = message == NULL ? NULL
                                       : json_object_to_json_string_length(
                                             message, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &length);
    bool sent;

    if (text == NULL) {
        tell(client, "out of memory: a client is dropped");
        client_destroy(client);
        return false;
    }
    sent = client_send(client, text, length);
    json_object_put(message);
    return sent;
}

/* False: the client is gone. */
static bool serve(struct client *client, const char *line, size_t length)
{
    struct control_request request;
    struct json_object *result = NULL;
    bool stays = true;

    request_parse(&request, line, length);
    if (request.error == 0 && client->socket->read_only && schema_method[request.method].changes) {
        request_fail(&request, CONTROL_READ_ONLY, "%s changes something, and this socket is for those who only look",
                     schema_method[request.method].name);
    }
    if (request.error == 0) {
        result = method_run(client, &request);
    }
    if (request.wants_answer) {
        stays = send_message(client, request_answer(&request, result));
    } else {
        json_object_put(result);
    }
    request_free(&request);
    return stays;
}

/* Drops a client with a last word, if there is room for it. */
static void refuse(struct client *client, const char *reason)
{
    char line[192];
    int length =
        snprintf(line, sizeof(line), "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":%d,\"message\":\"%s\"}}\n",
                 CONTROL_INVALID, reason);

    tell(client, "a client is dropped: %s", reason);
    (void)send(bufferevent_getfd(client->stream), line, (size_t)length, MSG_DONTWAIT | MSG_NOSIGNAL);
    client_destroy(client);
}

/* A line is taken in a turn, and the loop sees to the guest before the next one. */
static void on_turn(evutil_socket_t fd, short what, void *argument)
{
    struct client *client = argument;
    struct evbuffer *in = bufferevent_get_input(client->stream);
    const struct timeval at_once = {0};
    size_t length;
    char *line;

    (void)fd;
    (void)what;
    if (unsent(client) != 0) {
        return; /* on_sent() comes back */
    }
    line = evbuffer_readln(in, &length, EVBUFFER_EOL_LF);
    if (line != NULL) {
        bool stays = serve(client, line, length);

        free(line);
        if (stays) {
            event_add(client->turn, &at_once);
        }
        return;
    }
    if (evbuffer_get_length(in) >= CONTROL_LINE_MAX) {
        refuse(client, "a line is too long: at most 64 KiB are taken");
    } else if (client->ended) {
        client_destroy(client);
    }
}

static void next(struct client *client)
{
    const struct timeval at_once = {0};

    if (!event_pending(client->turn, EV_TIMEOUT, NULL)) {
        event_add(client->turn, &at_once);
    }
}

static void on_received(struct bufferevent *stream, void *argument)
{
    (void)stream;
    next(argument);
}

static void on_sent(struct bufferevent *stream, void *argument)
{
    (void)stream;
    next(argument);
}

static void on_change(struct bufferevent *stream, short what, void *argument)
{
    struct client *client = argument;

    if ((what & BEV_EVENT_EOF) != 0) {
        client->ended = true; /* it may still read what it has asked for */
        bufferevent_disable(stream, EV_READ);
        next(client);
        return;
    }
    if ((what & BEV_EVENT_TIMEOUT) != 0 && (what & BEV_EVENT_WRITING) != 0) {
        tell(client, "a client is dropped: it has not read an answer for %d seconds", CONTROL_PATIENCE);
    } else if ((what & BEV_EVENT_TIMEOUT) != 0) {
        if (client->hears_events) {
            bufferevent_enable(stream, EV_READ);
            return;
        }
        tell(client, "a client is dropped: it has said nothing for %d seconds", CONTROL_IDLE);
    }
    client_destroy(client);
}

void client_create(struct control_socket *socket, int descriptor)
{
    static const struct timeval idle = {.tv_sec = CONTROL_IDLE}, patience = {.tv_sec = CONTROL_PATIENCE};
    struct event_base *base = loop_event_base(worker_loop(socket->control->worker));
    struct client *client = calloc(1, sizeof(*client));

    if (client != NULL) {
        client->socket = socket;
        client->turn = evtimer_new(base, on_turn, client);
        client->stream = bufferevent_socket_new(base, descriptor, BEV_OPT_CLOSE_ON_FREE);
    }
    if (client == NULL || client->turn == NULL || client->stream == NULL) {
        if (client == NULL || client->stream == NULL) {
            close(descriptor);
        } else {
            bufferevent_free(client->stream);
        }
        if (client != NULL && client->turn != NULL) {
            event_free(client->turn);
        }
        free(client);
        return;
    }
    client->next = socket->clients;
    socket->clients = client;
    socket->count++;
    bufferevent_setcb(client->stream, on_received, on_sent, on_change, client);
    bufferevent_setwatermark(client->stream, EV_READ, 0, CONTROL_LINE_MAX);
    bufferevent_set_timeouts(client->stream, &idle, &patience);
    if (socket->count > CONTROL_CLIENTS_MAX) {
        refuse(client, "there are too many clients: close one, and try again");
        return;
    }
    bufferevent_enable(client->stream, EV_READ | EV_WRITE);
}

void client_destroy(struct client *client)
{
    struct client **at = &client->socket->clients;

    while (*at != client) {
        at = &(*at)->next;
    }
    *at = client->next;
    client->socket->count--;
    event_free(client->turn);
    bufferevent_free(client->stream);
    free(client);
}
