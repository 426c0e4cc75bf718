/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * struct control, as its files see it: control.c has the sockets, client.c those who are connected, events.c what they
 * are told unasked, methods.c and verb.c what they ask for.
 */
#ifndef IOREQD_CONTROL_CONTROL_PRIVATE_H
#define IOREQD_CONTROL_CONTROL_PRIVATE_H

#include <pthread.h>
#include <stdint.h>

#include "control/control.h"
#include "control/request.h"
#include "log.h"

struct bufferevent;
struct event;
struct event_base;
struct client;
struct told_event;

/* A socket that listens, and its clients. */
struct control_socket {
    struct control *control;
    const char *path; /* NULL: there is none */
    struct ioreqd_sockets *listener;
    struct client *clients;
    unsigned count;
    bool read_only;
};

/* What threads have told of and the main thread has not yet passed on. */
struct control_events {
    pthread_mutex_t lock;
    struct told_event *first, **end;
    unsigned waiting;
    uint64_t lost; /* since the last that was kept */
    struct ioreqd_work deliver;
};

struct control {
    struct worker *worker;
    struct control_options options;
    struct control_socket control, monitor;
    struct control_events events;
    struct log_limit log_limit;
    uint64_t begun; /* timer_now() */
};

/* ---- client.c ---- */

struct client {
    struct client *next;
    struct control_socket *socket;
    struct bufferevent *stream;
    struct event *turn; /* the next request's */
    bool hears_events;
    bool ended; /* it sends nothing more, and goes when it has all answers */
};

/* Takes the descriptor over. */
void client_create(struct control_socket *socket, int descriptor);
void client_destroy(struct client *client);
/* Sends a line. False: the client was too far behind, and is gone. */
bool client_send(struct client *client, const char *line, size_t length);

/* ---- events.c ---- */

void events_open(struct control *control);
void events_close(struct control *control);

/* ---- methods.c ---- */

/* Does what was asked for. The result, or NULL with the request's error set. */
struct json_object *method_run(struct client *client, struct control_request *request);
/* NULL, with the error, where there is no such device. */
struct ioreqd_device *method_device(const struct control *control, struct control_request *request, const char *id);

/* ---- stats.c, survey.c, verb.c ---- */

/* only: NULL: all devices */
struct json_object *method_stats(const struct control *control, const struct ioreqd_device *only);
struct json_object *method_bridges(const struct control *control);
struct json_object *verb_run(const struct control *control, struct control_request *request);
struct json_object *verb_list(const struct ioreqd_device *device);

/* Of each file: json_object_object_add() without a cast for each member. */
void put_string(struct json_object *object, const char *name, const char *value);
void put_number(struct json_object *object, const char *name, uint64_t value);
void put_flag(struct json_object *object, const char *name, bool value);
/* A device's state, and why it is in it where that is known. */
void put_state(struct json_object *object, struct ioreqd_device *device);

#endif
