/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The guest's life, see life.h.
 *
 * A soft reset is how a Linux guest with Xen's drivers begins another kernel (kexec, kdump): the domain shuts down with that
 * reason; the toolstack has Xen reset the guest's event channels and give it another shared_info page (Xen's
 * domain_soft_reset()), starts QEMU again where there is one, and has the domain run on. IOREQ servers with their claims
 * and event channels are Xen's own and stay. So do our devices, in the state that the old kernel left them in; but a page of
 * the guest has changed under our mappings, which no request tells.
 */
#include "life.h"

#include <stdlib.h>

#include <event2/event.h>

#include "log.h"

#define LOOK_MICROSECONDS 20000

struct life {
    struct worker *worker;
    struct toolstack *toolstack;
    struct event *change;
    struct event *look; /* nothing tells the end of a reset */
    bool resetting;
};

static void look(struct life *life)
{
    enum guest_life now = toolstack_life(life->toolstack);
    unsigned domain = toolstack_guest(life->toolstack)->domain;
    struct timeval soon = {.tv_usec = LOOK_MICROSECONDS};

    if (now == GUEST_GONE) {
        log_line(LOG_INFO, NULL, "domain %u is gone", domain);
        worker_end(life->worker, true);
    } else if (now == GUEST_RESETTING) {
        life->resetting = true;
        event_add(life->look, &soon);
    } else if (life->resetting) {
        log_line(LOG_INFO, NULL, "domain %u goes on with another kernel (kexec)", domain);
        life->resetting = false;
        worker_forget_memory(life->worker);
    }
}

static void on_change(evutil_socket_t fd, short what, void *argument)
{
    (void)fd;
    (void)what;
    look(argument);
}

struct life *life_watch(struct worker *worker, struct toolstack *toolstack)
{
    struct event_base *base = loop_event_base(worker_loop(worker));
    struct life *life = calloc(1, sizeof(*life));

    if (life == NULL) {
        return NULL;
    }
    *life = (struct life){.worker = worker, .toolstack = toolstack};
    life->change = event_new(base, toolstack_life_fd(toolstack), EV_READ | EV_PERSIST, on_change, life);
    life->look = evtimer_new(base, on_change, life);
    if (life->change == NULL || life->look == NULL || event_add(life->change, NULL) != 0) {
        life_free(life);
        return NULL;
    }
    event_active(life->change, EV_READ, 0); /* the guest may have ended while we started */
    return life;
}

void life_free(struct life *life)
{
    if (life == NULL) {
        return;
    }
    if (life->change != NULL) {
        event_free(life->change);
    }
    if (life->look != NULL) {
        event_free(life->look);
    }
    free(life);
}
