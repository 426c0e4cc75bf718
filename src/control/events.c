/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Events on their way to clients. They are told of on any thread, and wait under a lock for the main thread, which alone
 * knows clients. How many wait is bounded: what comes too fast is counted, and stands in the log.
 */
#include "control/control_private.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>

#include "device/loop.h"
#include "event.h"

#define WAITING_MAX 256u

struct told_event {
    struct told_event *next;
    uint64_t time;
    uint64_t lost; /* before it */
    char *source;  /* NULL: ioreqd itself */
    char *name;
    char *json; /* NULL: nothing more is said */
};

static void free_event(struct told_event *event)
{
    free(event->source);
    free(event->name);
    free(event->json);
    free(event);
}

static struct told_event *make_event(const char *source, const char *name, const char *json)
{
    struct told_event *event = calloc(1, sizeof(*event));
    struct timespec now;

    if (event == NULL) {
        return NULL;
    }
    clock_gettime(CLOCK_REALTIME, &now);
    event->time = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
    event->source = source != NULL ? strdup(source) : NULL;
    event->name = strdup(name);
    event->json = json != NULL ? strdup(json) : NULL;
    if (event->name == NULL || (source != NULL && event->source == NULL) || (json != NULL && event->json == NULL)) {
        free_event(event);
        return NULL;
    }
    return event;
}

/* [any] */
static void on_event(void *context, const char *source, const char *name, const char *json)
{
    struct control *control = context;
    struct control_events *events = &control->events;
    struct told_event *event = NULL;

    pthread_mutex_lock(&events->lock);
    if (events->waiting < WAITING_MAX) {
        event = make_event(source, name, json);
    }
    if (event == NULL) {
        events->lost++;
    } else {
        event->lost = events->lost;
        events->lost = 0;
        events->waiting++;
        *events->end = event;
        events->end = &event->next;
    }
    pthread_mutex_unlock(&events->lock);
    loop_post(worker_loop(control->worker), &events->deliver);
}

static struct told_event *take(struct control_events *events)
{
    struct told_event *all;

    pthread_mutex_lock(&events->lock);
    all = events->first;
    events->first = NULL;
    events->end = &events->first;
    events->waiting = 0;
    pthread_mutex_unlock(&events->lock);
    return all;
}

static void send_to(struct control_socket *socket, const char *line, size_t length)
{
    struct client *client, *following;

    for (client = socket->clients; client != NULL; client = following) {
        following = client->next;
        if (!client->hears_events) {
            continue;
        }
        if (evbuffer_get_length(bufferevent_get_output(client->stream)) > CONTROL_BACKLOG_MAX) {
            log_line(LOG_WARNING, socket->path, "a client is dropped: it does not read the events that it asked for");
            client_destroy(client);
        } else {
            client_send(client, line, length);
        }
    }
}

static struct json_object *describe(const struct told_event *event)
{
    struct json_object *object = json_object_new_object();
    struct json_object *data = event->json != NULL ? json_tokener_parse(event->json) : NULL;

    put_number(object, "time", event->time);
    if (event->source != NULL) {
        const char *id = strrchr(event->source, ' '); /* what stands before it is the model */

        put_string(object, "device", id != NULL ? id + 1 : event->source);
    }
    put_string(object, "name", event->name);
    if (json_object_is_type(data, json_type_object)) {
        json_object_object_add(object, "data", data);
    } else {
        json_object_put(data);
    }
    if (event->lost != 0) {
        put_number(object, "lost", event->lost);
    }
    return request_notification("event", object);
}

static void deliver(void *argument)
{
    struct control *control = argument;
    struct told_event *event = take(&control->events), *following;

    for (; event != NULL; event = following) {
        struct json_object *message = describe(event);
        size_t length;
        const char *line = json_object_to_json_string_length(
            message, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &length);

        following = event->next;
        if (line != NULL) {
            send_to(&control->control, line, length);
            send_to(&control->monitor, line, length);
        }
        json_object_put(message);
        free_event(event);
    }
}

void events_open(struct control *control)
{
    struct control_events *events = &control->events;

    pthread_mutex_init(&events->lock, NULL);
    events->end = &events->first;
    events->deliver = (struct ioreqd_work){.run = deliver, .argument = control};
    event_listen(on_event, control);
}

void events_close(struct control *control)
{
    struct told_event *event, *following;

    event_listen(NULL, NULL);
    for (event = take(&control->events); event != NULL; event = following) {
        following = event->next;
        free_event(event);
    }
    pthread_mutex_destroy(&control->events.lock);
}
