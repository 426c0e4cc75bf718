/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Timers on libevent, see timer.h.
 */
#include "device/timer.h"

#include <stdlib.h>
#include <time.h>

#include <event2/event.h>

#include "device/loop.h"

#define NANOSECONDS 1000000000u

struct ioreqd_timer {
    struct ioreqd_loop *loop;
    struct event *event;
    uint64_t deadline; /* 0: not set */
    void (*fire)(void *argument);
    void *argument;
};

uint64_t timer_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * NANOSECONDS + (uint64_t)now.tv_nsec;
}

/* Waits for the deadline, or what is left until it. */
static void wait(struct ioreqd_timer *timer)
{
    uint64_t now = timer_now();
    uint64_t left = timer->deadline > now ? timer->deadline - now : 0;
    uint64_t microseconds = (left + 999) / 1000;
    struct timeval span = {
        .tv_sec = (time_t)(microseconds / 1000000),
        .tv_usec = (suseconds_t)(microseconds % 1000000),
    };

    event_add(timer->event, &span);
}

static void on_time(evutil_socket_t fd, short what, void *argument)
{
    struct ioreqd_timer *timer = argument;
    struct ioreqd_loop *loop = timer->loop;

    (void)fd;
    (void)what;
    /* libevent reads a coarse clock, which spares system calls: it may be some milliseconds early. */
    if (timer_now() < timer->deadline) {
        wait(timer);
        return;
    }
    timer->deadline = 0;
    loop_begin_turn(loop);
    timer->fire(timer->argument); /* may destroy the timer */
    loop_end_turn(loop);
}

struct ioreqd_timer *timer_make(struct ioreqd_loop *loop, void (*fire)(void *argument), void *argument)
{
    struct ioreqd_timer *timer = calloc(1, sizeof(*timer));

    if (timer == NULL) {
        return NULL;
    }
    timer->loop = loop;
    timer->fire = fire;
    timer->argument = argument;
    timer->event = evtimer_new(loop_event_base(loop), on_time, timer);
    if (timer->event == NULL) {
        free(timer);
        return NULL;
    }
    return timer;
}

void timer_arm(struct ioreqd_timer *timer, uint64_t deadline)
{
    event_del(timer->event);
    timer->deadline = deadline;
    if (deadline != 0) {
        wait(timer);
    }
}

void timer_free(struct ioreqd_timer *timer)
{
    if (timer != NULL) {
        event_free(timer->event);
        free(timer);
    }
}
