/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whether the event loops still turn, see heartbeat.h.
 */
#include "device/heartbeat.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>

#include <event2/event.h>

#include "device/loop.h"
#include "log.h"

#define BEATS_PER_PERIOD 4u
#define NAME_BYTES       64

struct beating {
    struct beating *next;
    struct ioreqd_loop *loop;
    struct ioreqd_work work;
    atomic_bool answered;
    bool silent; /* and the log says so */
    char name[NAME_BYTES];
};

struct heartbeat {
    struct event *timer;
    void (*beat)(void *argument);
    void *argument;
    struct beating *first;
};

/* On the loop that was asked. */
static void answer(void *argument)
{
    struct beating *beating = argument;

    atomic_store(&beating->answered, true);
}

static void ask(struct beating *beating)
{
    atomic_store(&beating->answered, false);
    loop_post(beating->loop, &beating->work);
}

static void on_timer(evutil_socket_t fd, short what, void *argument)
{
    struct heartbeat *heartbeat = argument;
    bool all = true;

    (void)fd;
    (void)what;
    for (struct beating *beating = heartbeat->first; beating != NULL; beating = beating->next) {
        if (atomic_load(&beating->answered)) {
            if (beating->silent) {
                log_line(LOG_WARNING, NULL, "the event loop of %s turns again", beating->name);
            }
            beating->silent = false;
            ask(beating);
            continue;
        }
        all = false;
        if (!beating->silent) {
            log_line(LOG_ERROR, NULL,
                     "the event loop of %s does not turn: a request of its device takes too long, or it is stuck",
                     beating->name);
        }
        beating->silent = true;
    }
    if (all) {
        heartbeat->beat(heartbeat->argument);
    }
}

struct heartbeat *heartbeat_create(struct ioreqd_loop *main, unsigned milliseconds, void (*beat)(void *argument),
                                   void *argument)
{
    unsigned interval = milliseconds / BEATS_PER_PERIOD > 0 ? milliseconds / BEATS_PER_PERIOD : 1;
    const struct timeval every = {.tv_sec = interval / 1000, .tv_usec = (interval % 1000) * 1000};
    struct heartbeat *heartbeat = calloc(1, sizeof(*heartbeat));

    if (heartbeat == NULL) {
        return NULL;
    }
    heartbeat->beat = beat;
    heartbeat->argument = argument;
    heartbeat->timer = event_new(loop_event_base(main), -1, EV_PERSIST, on_timer, heartbeat);
    if (heartbeat->timer == NULL || event_add(heartbeat->timer, &every) != 0) {
        heartbeat_destroy(heartbeat);
        errno = ENOMEM;
        return NULL;
    }
    return heartbeat;
}

void heartbeat_destroy(struct heartbeat *heartbeat)
{
    if (heartbeat == NULL) {
        return;
    }
    if (heartbeat->timer != NULL) {
        event_free(heartbeat->timer);
    }
    while (heartbeat->first != NULL) {
        struct beating *next = heartbeat->first->next;

        free(heartbeat->first);
        heartbeat->first = next;
    }
    free(heartbeat);
}

int heartbeat_add(struct heartbeat *heartbeat, struct ioreqd_loop *loop, const char *name)
{
    struct beating *beating;

    if (heartbeat == NULL) {
        return 0;
    }
    beating = calloc(1, sizeof(*beating));
    if (beating == NULL) {
        return -ENOMEM;
    }
    beating->loop = loop;
    beating->work.run = answer;
    beating->work.argument = beating;
    snprintf(beating->name, sizeof(beating->name), "%s", name);
    beating->next = heartbeat->first;
    heartbeat->first = beating;
    ask(beating);
    return 0;
}

void heartbeat_remove(struct heartbeat *heartbeat, const struct ioreqd_loop *loop)
{
    for (struct beating **at = heartbeat != NULL ? &heartbeat->first : NULL; at != NULL && *at != NULL;
         at = &(*at)->next) {
        struct beating *beating = *at;

        if (beating->loop == loop) {
            *at = beating->next;
            free(beating); /* the loop's thread has ended: what is posted to it does not run */
            return;
        }
    }
}
