/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Watches on libevent, see watch.h.
 */
#include "device/watch.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <event2/event.h>

#include "device/loop.h"

struct ioreqd_watch {
    struct ioreqd_loop *loop;
    struct event *event;
    int descriptor;
    unsigned events; /* that are waited for */
    void (*ready)(void *argument, unsigned events);
    void *argument;
};

static void on_ready(evutil_socket_t descriptor, short what, void *argument)
{
    struct ioreqd_watch *watch = argument;
    struct ioreqd_loop *loop = watch->loop;
    unsigned events = 0;

    (void)descriptor;
    if ((what & EV_READ) != 0) {
        events |= IOREQD_READABLE;
    }
    if ((what & EV_WRITE) != 0) {
        events |= IOREQD_WRITABLE;
    }
    loop_begin_turn(loop);
    watch->ready(watch->argument, events & watch->events); /* may destroy the watch */
    loop_end_turn(loop);
}

int watch_make(struct ioreqd_loop *loop, int descriptor, void (*ready)(void *argument, unsigned events), void *argument,
               struct ioreqd_watch **made)
{
    struct ioreqd_watch *watch;
    struct stat status;

    /* The loop tells the kernel later, when nobody could be told of a failure. */
    if (fstat(descriptor, &status) != 0) {
        return -errno;
    }
    if (S_ISREG(status.st_mode) || S_ISDIR(status.st_mode)) {
        return -EPERM;
    }
    watch = calloc(1, sizeof(*watch));
    if (watch == NULL) {
        return -ENOMEM;
    }
    watch->loop = loop;
    watch->descriptor = descriptor;
    watch->ready = ready;
    watch->argument = argument;
    watch->event = event_new(loop_event_base(loop), descriptor, EV_PERSIST, on_ready, watch);
    if (watch->event == NULL) {
        free(watch);
        return -ENOMEM;
    }
    *made = watch;
    return 0;
}

void watch_arm(struct ioreqd_watch *watch, unsigned events)
{
    short what = EV_PERSIST;

    events &= IOREQD_READABLE | IOREQD_WRITABLE;
    if (events == watch->events) {
        return;
    }
    event_del(watch->event);
    watch->events = events;
    if (events == 0) {
        return;
    }
    if ((events & IOREQD_READABLE) != 0) {
        what |= EV_READ;
    }
    if ((events & IOREQD_WRITABLE) != 0) {
        what |= EV_WRITE;
    }
    event_assign(watch->event, loop_event_base(watch->loop), watch->descriptor, what, on_ready, watch);
    event_add(watch->event, NULL);
}

void watch_free(struct ioreqd_watch *watch)
{
    if (watch != NULL) {
        event_free(watch->event);
        free(watch);
    }
}
